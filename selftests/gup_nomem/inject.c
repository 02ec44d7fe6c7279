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

#define DEBUGFS		"/sys/kernel/debug/"
#define THREAD		"/proc/thread-self/"

static const struct setting {
	const char *file;
	const char *value;
} settings[] = {
	/* An allocation that may wait for memory may fail nevertheless. */
	{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
	/* Pages for user space are taken from high memory, if there is any. */
	{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ DEBUGFS "fail_page_alloc/min-order", "0" },
	/* All of a thread that has set make-it-fail, and of no other. */
	{ DEBUGFS "failslab/task-filter", "Y" },
	{ DEBUGFS "fail_page_alloc/task-filter", "Y" },
	{ DEBUGFS "failslab/times", "-1" },
	{ DEBUGFS "fail_page_alloc/times", "-1" },
	{ DEBUGFS "failslab/probability", "100" },
	{ DEBUGFS "fail_page_alloc/probability", "100" },
};

static void set_knob(const char *file, const char *value)
{
	gup_keep_knobs(file);
	gup_write_knob(file, value);
}

void inject_prepare(bool verbose)
{
	const struct setting *s;

	for (s = settings; s < settings + ARRAY_SIZE(settings); s++)
		set_knob(s->file, s->value);
	set_knob(DEBUGFS "failslab/verbose", verbose ? "2" : "0");
	set_knob(DEBUGFS "fail_page_alloc/verbose", verbose ? "2" : "0");
}

/* Of the thread that opens them, which is that of a test. */
static int fail_nth = -1, make_it_fail = -1;

static bool open_files(void)
{
	if (fail_nth >= 0)
		return true;
	if (access(DEBUGFS "failslab", F_OK) || access(DEBUGFS "fail_page_alloc", F_OK))
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
