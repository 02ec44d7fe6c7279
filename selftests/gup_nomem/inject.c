// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's fault injection: fail-nth lets the n-th allocation of a thread fail and goes
 * before all else; make-it-fail then lets those behind it fail, by a probability of 100 %.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "nomem.h"

#define SLAB		"/sys/kernel/debug/failslab/"
#define PAGE_ALLOC	"/sys/kernel/debug/fail_page_alloc/"
#define THREAD		"/proc/thread-self/"

static void set_knob(const char *file, const char *value)
{
	gup_keep_knobs(file);
	gup_write_knob(file, value);
}

static void set_both(const char *file, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), SLAB "%s", file);
	set_knob(path, value);
	snprintf(path, sizeof(path), PAGE_ALLOC "%s", file);
	set_knob(path, value);
}

void inject_prepare(bool verbose)
{
	/* An allocation that may wait for memory may fail nevertheless. */
	set_both("ignore-gfp-wait", "N");
	/* Pages for user space are taken from high memory, if there is any. */
	set_knob(PAGE_ALLOC "ignore-gfp-highmem", "N");
	set_knob(PAGE_ALLOC "min-order", "0");
	/* All of a thread that has set make-it-fail, and of no other. */
	set_both("task-filter", "Y");
	set_both("times", "-1");
	set_both("probability", "100");
	set_both("verbose", verbose ? "2" : "0");
}

/* Of the thread that opens them, which is that of a test. */
static int fail_nth = -1, make_it_fail = -1;

static bool open_files(void)
{
	if (fail_nth >= 0)
		return true;
	if (access(SLAB, F_OK) || access(PAGE_ALLOC, F_OK))
		return io_skip("the kernel has no fault injection for allocations");
	fail_nth = open(THREAD "fail-nth", O_RDWR | O_CLOEXEC);
	make_it_fail = open(THREAD "make-it-fail", O_RDWR | O_CLOEXEC);
	return (fail_nth >= 0 && make_it_fail >= 0) || io_skip("fail-nth: %s", strerror(errno));
}

static bool put_number(int file, unsigned int number)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", number);

	return pwrite(file, text, len, 0) == len || io_fails("fault injection");
}

static bool get_number(int file, unsigned int *number)
{
	char text[12] = "";

	if (pread(file, text, sizeof(text) - 1, 0) <= 0)
		return io_fails("fault injection");
	*number = strtoul(text, NULL, 10);
	return true;
}

bool inject(unsigned int nth, bool rest)
{
	return open_files() && put_number(fail_nth, nth) && put_number(make_it_fail, rest);
}

bool inject_end(bool *failed)
{
	unsigned int left = 0;

	if (!put_number(make_it_fail, 0) || !get_number(fail_nth, &left))
		return false;
	*failed = !left;
	return put_number(fail_nth, 0);
}
