// SPDX-License-Identifier: GPL-2.0
/*
 * Faults that GUP must not have, or not have succeed: below a stack, at what userfaultfd
 * has poisoned, behind the end of a file in the middle of a large folio.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "lib_memory.h"
#include "vm_util.h"
#include "cases.h"

#define PAGES		16UL
#define LAST_PAGE	5UL	/* of a file that is cut */

/* Another process would not get a byte of it. */
static bool expect_unreadable(char *at)
{
	char byte;
	struct iovec to = { &byte, 1 }, from = { at, 1 };

	return io_expect_errno("process_vm_readv",
			       process_vm_readv(getpid(), &to, 1, &from, 1, 0), EFAULT);
}

static bool is_mapped_at(const void *at)
{
	unsigned char there;

	return !mincore((void *)at, psize(), &there);
}

/* A store of the process grows the stack. GUP did, until v6.5, and must not. */
bool test_growsdown(const struct io_kind *kind)
{
	const size_t room = 4 * MB, size = 4 * psize();
	char *all = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *stack = all + room - size;

	if (all == MAP_FAILED || munmap(all, room) ||
	    mmap(stack, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0) != stack)
		return io_fails("mmap of a stack");
	stack[0] = 's';
	if (!expect_all(GUP_RIG_FOLL_WRITE, stack - psize(), 3, -EFAULT) ||
	    !expect_unreadable(stack - psize()))
		return false;
	if (is_mapped_at(stack - psize()))
		return gup_fails("GUP has grown a stack");
	__atomic_store_n(stack - psize(), 'g', __ATOMIC_RELAXED);
	return io_expect("the stack has grown", is_mapped_at(stack - psize()), 1) &&
	       expect_all(GUP_RIG_FOLL_WRITE, stack - psize(), 3, 3);
}

static bool poison(int uffd, char *at, size_t len)
{
	struct uffdio_poison what = { .range = { (uintptr_t)at, len } };

	return !ioctl(uffd, UFFDIO_POISON, &what) || io_fails("UFFDIO_POISON");
}

static bool expect_poison(char *at, char *before, unsigned long pages_before)
{
	if (!expect_all(0, at, 1, -EFAULT) || !expect_all(GUP_RIG_FOLL_NOFAULT, at, 1, -EFAULT) ||
	    !expect_call(GUP_RIG_API_GET, GUP_RIG_FOLL_HWPOISON, at, 1, -EHWPOISON) ||
	    !expect_call(GUP_RIG_API_PIN, GUP_RIG_FOLL_HWPOISON, at, 1, -EHWPOISON))
		return false;
	return expect_all(0, before, pages_before + 1, pages_before) &&
	       io_expect_errno("MADV_POPULATE_READ", madvise(at, psize(), MADV_POPULATE_READ),
			       EHWPOISON) &&
	       expect_unreadable(at);
}

/* A child inherits it with the page table, which of shared memory it does not. */
static bool child_expects_poison(char *at, char *before, unsigned long pages_before)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		bool good = expect_poison(at, before, pages_before);

		snprintf(io_outcome->why, sizeof(io_outcome->why), "%s", gup_why());
		_exit(!good);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return io_fails("fork");
	return !status || gup_fails("in a child: %s", io_outcome->why);
}

/* The poison goes where nothing is: in the file neither. */
static bool make_hole(const struct io_mem *m, char *at, size_t len)
{
	const int how = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	bool done = m->file < 0 ? !madvise(at, len, MADV_DONTNEED) :
		    !fallocate(m->file, how, at - m->map, len);

	return done || io_fails("a hole");
}

/* One folio is there, the next one is poisoned. */
bool test_poison(const struct io_kind *kind)
{
	int uffd = gup_uffd_open(O_CLOEXEC, UFFD_FEATURE_POISON | UFFD_FEATURE_MISSING_SHMEM |
				 UFFD_FEATURE_MISSING_HUGETLBFS);
	size_t unit = kind->hugetlb ? HUGE : psize();
	struct io_mem m;
	char *at;

	if (uffd < 0)
		return io_skip("no userfaultfd");
	if (!io_make(&m, kind, SIZE))
		return false;
	at = m.map + HUGE;
	if (!make_hole(&m, at, unit))
		return false;
	if (uffd_register(uffd, m.map, m.len, true, false, false) || !poison(uffd, at, unit))
		return gup_fails("userfaultfd: %s", gup_why());
	if (!expect_poison(at, at - 5 * psize(), 5))
		return false;
	if (!kind->shared && !child_expects_poison(at, at - 5 * psize(), 5))
		return false;
	if (uffd_unregister(uffd, m.map, m.len) || madvise(at, unit, MADV_DONTNEED))
		return io_fails("lift the poison");
	return expect_all(GUP_RIG_FOLL_WRITE, at - 5 * psize(), 10, 10);
}

/* GUP gives what the process can load, and no page more. */
static bool expect_as_loads(char *mem, unsigned long *loads)
{
	unsigned long i;
	__u64 value;

	for (*loads = i = 0; i < PAGES; i++) {
		if (!gup_load((__u64 *)(mem + i * psize()), &value))
			break;
		++*loads;
		if (i > LAST_PAGE && value)
			return gup_fails("page %lu behind the end is not empty", i);
	}
	for (; i < PAGES; i++)
		if (gup_load((__u64 *)(mem + i * psize()), &value) ||
		    !expect_all(0, mem + i * psize(), 1, -EFAULT))
			return gup_fails("page %lu behind the end can be had", i);
	return expect_all(0, mem, PAGES, *loads);
}

/* A folio with references is not split by truncation: the file ends in the midst of it. */
static bool end_within(int file, char *mem, unsigned long want)
{
	const size_t end = LAST_PAGE * psize() + 100;
	unsigned long loads;
	struct gup_call c;
	char tail[64];
	size_t i;

	gup_call_init_bare(&c, rig(), GUP_RIG_API_GET_FAST, 0, mem, PAGES);
	c.run.flags = GUP_RIG_RUN_HOLD;
	if (!gup_run(&c) || !gup_expect_result(&c, PAGES))
		return false;
	if (ftruncate(file, end))
		return io_fails("ftruncate");
	if (!expect_as_loads(mem, &loads) || !io_expect("pages of the file", loads, want))
		return false;
	/* What was cut off is cleared, also for who holds it. */
	if (!gup_hold_read(&c, LAST_PAGE, 100, tail, sizeof(tail)))
		return false;
	for (i = 0; i < sizeof(tail); i++)
		if (!io_expect("behind the end, through the reference", tail[i], 0))
			return false;
	return gup_hold_read(&c, LAST_PAGE, 36, tail, sizeof(tail)) &&
	       io_check("before the end", tail, sizeof(tail), 3, end - 64) &&
	       gup_release(&c, GUP_RIG_PUT_DEFAULT) && expect_as_loads(mem, &loads) &&
	       io_expect("pages of the file", loads, want);
}

static bool is_large(char *mem)
{
	struct gup_call c;
	bool good;

	good = gup_call_init(&c, rig(), GUP_RIG_API_GET, 0, mem, PAGES) && gup_run(&c) &&
	       gup_expect_result(&c, PAGES);
	if (good && c.records[LAST_PAGE].folio_order < 3)
		good = io_skip("no large folio behind the end");
	gup_call_free(&c);
	return good;
}

static bool test_eof(int file, int advice, unsigned long want)
{
	char *mem;

	if (file < 0)
		return io_fails("no file");
	if (!io_write_file(file, HUGE, 3, 0))
		return false;
	mem = gup_mmap_aligned(HUGE, PROT_READ, MAP_SHARED, file);
	if (mem == MAP_FAILED)
		return io_fails("mmap");
	madvise(mem, HUGE, advice);
	gup_catch_refusals();
	return is_large(mem) && end_within(file, mem, want);
}

bool test_eof_disk(const struct io_kind *kind)
{
	return test_eof(io_new_file(), MADV_NORMAL, LAST_PAGE + 1);
}

/* Its huge pages are mapped as a whole. */
bool test_eof_tmpfs(const struct io_kind *kind)
{
	return test_eof(gup_new_tmpfs_file("always"), MADV_HUGEPAGE, PAGES);
}
