// SPDX-License-Identifier: GPL-2.0
/*
 * What is counted for who pins, locks and faults, after failures half-way: VmPin, VmLck,
 * RLIMIT_MEMLOCK, and the free and the reserved pages of hugetlb.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/stddef.h>
#include <linux/io_uring.h>
#include "lib_memory.h"
#include "vm_util.h"
#include "cases.h"

#define STATUS		"/proc/self/status"
#define LOCKABLE	64UL
#define TIMES		20

static bool expect_kb(const char *word, unsigned long pages)
{
	return io_expect(word, number_in(STATUS, word), pages * (psize() / KB));
}

/* The first part can be registered, the second one ends in a hole. */
static bool register_half_way(struct io_ring *r, char *mem, unsigned long pages)
{
	size_t half = pages / 2 * psize();
	struct iovec iov[2] = { { mem, half }, { mem + half, half } };

	return io_expect_errno("registering a hole",
			       syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_BUFFERS,
				       iov, 2), EFAULT);
}

static long register_pages(struct io_ring *r, char *mem, unsigned long pages)
{
	struct iovec iov = { mem, pages * psize() };

	return syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_BUFFERS, &iov, 1);
}

/* The ring takes some of what may be locked. */
static unsigned long most_pages(struct io_ring *r, char *mem)
{
	unsigned long pages;

	for (pages = LOCKABLE; pages; pages--)
		if (!register_pages(r, mem, pages) && io_ring_unregister(r))
			return pages;
	return 0;
}

static bool fail_half_way(struct io_ring *r, char *mem, char *broken, unsigned long most)
{
	if (!register_half_way(r, broken, most & -2UL) || !expect_kb("VmPin", 0) ||
	    !io_expect_errno("registering too much", register_pages(r, mem, most + 1), ENOMEM) ||
	    !expect_kb("VmPin", 0))
		return false;
	return io_expect("registering all that is allowed", register_pages(r, mem, most), 0) &&
	       expect_kb("VmPin", most) && io_ring_unregister(r) && expect_kb("VmPin", 0);
}

bool test_memlock(const struct io_kind *kind)
{
	char *mem = map_small(2 * LOCKABLE), *broken = map_small(LOCKABLE);
	unsigned long most;
	struct io_ring r;
	int i;

	if (!mem || !broken || !become_user(LOCKABLE) || !io_ring_open(&r))
		return false;
	most = most_pages(&r, mem);
	if (most < 4)
		return gup_fails("no more than %lu pages can be registered", most);
	munmap(broken + (most / 2 * 2 - 1) * psize(), psize());
	for (i = 0; i < TIMES; i++)
		if (!fail_half_way(&r, mem, broken, most))
			return false;
	return true;
}

/* mlock() marks first and faults then: what fails to fault stays marked. */
bool test_mlock(const struct io_kind *kind)
{
	char *mem = map_small(LOCKABLE), *more = map_small(LOCKABLE + 1);
	const size_t len = LOCKABLE * psize();

	if (!mem || !more || !become_user(LOCKABLE))
		return false;
	if (!io_expect_errno("mlock of too much", mlock(more, len + psize()), ENOMEM) ||
	    !expect_kb("VmLck", 0))
		return false;
	munmap(mem + 9 * psize(), psize());
	if (!io_expect_errno("mlock over a hole", mlock(mem, len), ENOMEM) ||
	    !expect_kb("VmLck", 9) || !io_expect("munlock", munlock(mem, 9 * psize()), 0) ||
	    !expect_kb("VmLck", 0))
		return false;
	mprotect(more + 5 * psize(), psize(), PROT_NONE);
	if (!io_expect_errno("mlock of PROT_NONE", mlock(more, 10 * psize()), ENOMEM) ||
	    !expect_kb("VmLck", 10) ||
	    !io_expect("pages in front of PROT_NONE", !!(gup_pagemap(more + 4 * psize()) &
							GUP_PM_PRESENT), 1))
		return false;
	return io_expect("munmap", munmap(more, LOCKABLE * psize()), 0) && expect_kb("VmLck", 0) &&
	       io_expect("mlock of the rest", mlock(mem + 10 * psize(), 54 * psize()), 0) &&
	       expect_kb("VmLck", 54);
}

/* hugetlb. */

static bool hold_by(struct gup_call *c, unsigned int api, __u64 flags, char *mem,
		    unsigned long nr)
{
	gup_call_init_bare(c, rig(), api, flags, mem, nr);
	c->run.flags = GUP_RIG_RUN_HOLD;
	return gup_run(c) && gup_expect_result(c, nr);
}

static bool hold(struct gup_call *c, char *mem, unsigned long nr)
{
	return hold_by(c, GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_WRITE | GUP_RIG_FOLL_LONGTERM, mem,
		       nr);
}

/* A child copies what is pinned, at once. */
static bool fork_beside_pins(const struct io_pool *before, long free, long reserved)
{
	int go[2];
	pid_t pid;
	char c;

	if (pipe(go))
		return io_fails("pipe");
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1));
	}
	if (!io_expect_pool("a child has copies", before, free - 2, reserved))
		return false;
	close(go[1]);
	waitpid(pid, NULL, 0);
	return io_expect_pool("the child is gone", before, free, reserved);
}

bool test_hugetlb_counts(const struct io_kind *kind)
{
	struct io_pool before = io_read_pool();
	char *mem = map_hugetlb(4, 0);
	struct gup_call c;

	if (!mem)
		return false;
	if (!io_expect_pool("mapped", &before, 0, 4) ||
	    !expect_call(GUP_RIG_API_GET, GUP_RIG_FOLL_DUMP, mem, HUGE_PAGES, -EFAULT) ||
	    !expect_all(GUP_RIG_FOLL_NOFAULT, mem, HUGE_PAGES, -EFAULT) ||
	    !io_expect_pool("a hole that must not be filled", &before, 0, 4))
		return false;
	if (!hold(&c, mem + HUGE, 2 * HUGE_PAGES) ||
	    !io_expect_pool("two are pinned", &before, -2, 2) ||
	    !expect_call(GUP_RIG_API_GET, GUP_RIG_FOLL_DUMP, mem + 2 * HUGE, 2 * HUGE_PAGES,
			 HUGE_PAGES) ||
	    !fork_beside_pins(&before, -2, 2))
		return false;
	if (!gup_release(&c, GUP_RIG_PUT_DIRTY) || !io_expect_pool("released", &before, -2, 2))
		return false;
	munmap(mem, 4 * HUGE);
	return io_expect_pool("unmapped", &before, 0, 0);
}

/*
 * So many pages cannot be reserved, but half of them can. The kernel refuses one mapping
 * of more pages than are free, whatever is reserved.
 */
static bool expect_too_many(unsigned long pages)
{
	char *half = try_hugetlb(pages / 2, 0), *rest;
	bool good;

	if (!half)
		return io_fails("reserve half of what is free");
	rest = try_hugetlb(pages - pages / 2, 0);
	if (rest)
		good = gup_fails("%lu pages could be reserved, which are not there", pages);
	else
		good = io_expect("errno of a mapping that is too large", errno, ENOMEM);
	munmap(half, pages / 2 * HUGE);
	if (rest)
		munmap(rest, (pages - pages / 2) * HUGE);
	return good;
}

/* What is pinned is not free, so that nothing can be reserved again. */
bool test_hugetlb_unmapped(const struct io_kind *kind)
{
	struct io_pool before = io_read_pool();
	char *mem = map_hugetlb(4, 0);
	struct gup_call c;
	bool good;

	if (!mem || !hold(&c, mem + HUGE, 2 * HUGE_PAGES))
		return false;
	munmap(mem, 4 * HUGE);
	good = io_expect_pool("unmapped, but pinned", &before, -2, 0) &&
	       expect_too_many(before.free - before.reserved - 1);
	return gup_release(&c, GUP_RIG_PUT_DIRTY) && good &&
	       io_expect_pool("released", &before, 0, 0);
}

static bool drop(char *mem, unsigned long pages)
{
	return !madvise(mem, pages * HUGE, MADV_DONTNEED) || io_fails("MADV_DONTNEED");
}

static bool fault_in(char *mem, unsigned long pages)
{
	return !madvise(mem, pages * HUGE, MADV_POPULATE_WRITE) || io_fails("MADV_POPULATE_WRITE");
}

/* What is dropped while nobody else has it is reserved again. */
bool test_hugetlb_dontneed(const struct io_kind *kind)
{
	struct io_pool before = io_read_pool();
	char *mem = map_hugetlb(4, 0);

	if (!mem || !fault_in(mem, 2) || !io_expect_pool("two are there", &before, -2, 2) ||
	    !drop(mem, 2) || !io_expect_pool("dropped", &before, 0, 4) ||
	    !fault_in(mem, 4) || !io_expect_pool("all are there", &before, -4, 0))
		return false;
	munmap(mem, 4 * HUGE);
	return io_expect_pool("unmapped", &before, 0, 0);
}

/* What is held stays taken: the pages that come in its place are others, and not reserved. */
static bool drop_held(unsigned int api, __u64 flags)
{
	struct io_pool before = io_read_pool();
	char *mem = map_hugetlb(4, 0);
	struct gup_call c;
	bool good;

	if (!mem || !hold_by(&c, api, flags, mem, 2 * HUGE_PAGES))
		return false;
	good = io_expect_pool("two are held", &before, -2, 2) && drop(mem, 2) &&
	       io_expect_pool("dropped, but held", &before, -2, 2) && fault_in(mem, 4) &&
	       io_expect_pool("all are there again", &before, -6, 0);
	munmap(mem, 4 * HUGE);
	good = good && io_expect_pool("unmapped, but held", &before, -2, 0);
	return gup_release(&c, GUP_RIG_PUT_DEFAULT) && good &&
	       io_expect_pool("released", &before, 0, 0);
}

bool test_hugetlb_dontneed_pinned(const struct io_kind *kind)
{
	return drop_held(GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_WRITE | GUP_RIG_FOLL_LONGTERM);
}

bool test_hugetlb_dontneed_got(const struct io_kind *kind)
{
	return drop_held(GUP_RIG_API_GET_FAST, GUP_RIG_FOLL_WRITE);
}

/* More than there is, without a reservation: GUP gives what it got, and all comes back. */
bool test_hugetlb_short(const struct io_kind *kind)
{
	struct io_pool before = io_read_pool();
	unsigned long all = before.free - before.reserved;
	char *mem;

	if (!all)
		return io_skip("no huge pages of 2 MB");
	mem = map_hugetlb(all + 2, MAP_NORESERVE);
	if (!mem)
		return false;
	if (!expect_call(GUP_RIG_API_PIN, GUP_RIG_FOLL_WRITE, mem, (all + 2) * HUGE_PAGES,
			 all * HUGE_PAGES) ||
	    !io_expect_pool("all of them", &before, -(long)all, 0) ||
	    !expect_call(GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_WRITE, mem + all * HUGE, 1, -EFAULT) ||
	    !io_expect_pool("after a fault that failed", &before, -(long)all, 0))
		return false;
	munmap(mem, (all + 2) * HUGE);
	return io_expect_pool("unmapped", &before, 0, 0);
}

bool hold_file(struct gup_call *c, int file, unsigned long from, unsigned long pages, long want)
{
	bool good;

	if (!gup_call_init_memfd(c, rig(), file, 0, from * HUGE, pages * HUGE_PAGES))
		return false;
	c->run.flags = GUP_RIG_RUN_HOLD;
	good = gup_run(c) && gup_expect_result(c, want);
	gup_call_free(c);
	return good;
}

/* memfd_pin_folios() fills a file that nobody has mapped. */
bool test_hugetlb_memfd(const struct io_kind *kind)
{
	int file = memfd_create("gup_cases", MFD_HUGETLB | MFD_HUGE_2MB | MFD_CLOEXEC);
	struct io_pool before = io_read_pool();
	struct gup_call one, two;
	char *mem;

	if (file < 0 || ftruncate(file, 4 * HUGE) || before.free < 4)
		return io_skip("no huge pages of 2 MB");
	if (!hold_file(&one, file, 0, 2, 2 * HUGE_PAGES) ||
	    !io_expect_pool("a file without a mapping", &before, -2, 0) ||
	    !hold_file(&two, file, 4, 1, -EINVAL) ||
	    !io_expect_pool("behind the end", &before, -2, 0))
		return false;
	mem = mmap(NULL, 4 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (mem == MAP_FAILED)
		return io_fails("mmap");
	if (!io_expect_pool("mapped", &before, -2, 2) || !hold_file(&two, file, 2, 1, HUGE_PAGES) ||
	    !io_expect_pool("one that was reserved", &before, -3, 1))
		return false;
	munmap(mem, 4 * HUGE);
	if (!gup_release(&one, GUP_RIG_PUT_DEFAULT) || !gup_release(&two, GUP_RIG_PUT_DEFAULT))
		return false;
	close(file);
	return io_expect_pool("closed", &before, 0, 0);
}
