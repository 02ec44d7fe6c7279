// SPDX-License-Identifier: GPL-2.0
/* What the calls find: memory of each kind, and what makes them allocate there. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "lib_memory.h"
#include "vm_util.h"
#include "nomem.h"

/* Nothing else is mapped by the same tables, of any level but the first. */
#define FAR		((char *)(33UL << 40))

/* Two folios, but of pages a few. */
static size_t length_of(const struct io_kind *kind)
{
	return kind->folio < HUGE ? 128 * KB : SIZE;
}

static void set_range(struct trial *t)
{
	t->nr = PAGES;
	t->at = t->mem.map + t->mem.len / 2 - PAGES / 2 * psize();
}

bool make_kind(struct trial *t)
{
	if (!io_make(&t->mem, t->kind, length_of(t->kind)))
		return false;
	set_range(t);
	return true;
}

static bool share(struct trial *t)
{
	t->sharer = fork();
	if (!t->sharer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	return t->sharer > 0 || io_fails("fork");
}

bool make_shared(struct trial *t)
{
	return make_kind(t) && share(t);
}

/* The kinds of several sizes get theirs only if they may when they are faulted in. */
static bool allow_mthp(const struct trial *t)
{
	return strcmp(t->kind->name, "mthp_64k") || gup_write_knob(MTHP_KNOB, "always");
}

static bool drop_from(struct trial *t, size_t from)
{
	return !madvise(t->mem.map + from, t->mem.len - from, MADV_DONTNEED) ||
	       io_fails("MADV_DONTNEED");
}

static bool is_thp(const struct trial *t)
{
	return !strcmp(t->kind->name, "thp");
}

bool make_dropped(struct trial *t)
{
	t->zeroes = PAGES;
	t->huge = is_thp(t) && t->gup_flags & GUP_RIG_FOLL_WRITE;
	return make_kind(t) && allow_mthp(t) && drop_from(t, 0);
}

bool make_half_dropped(struct trial *t)
{
	t->zeroes = PAGES / 2;
	t->huge = is_thp(t);
	return make_kind(t) && allow_mthp(t) && drop_from(t, t->mem.len / 2);
}

bool make_hole(struct trial *t)
{
	t->zeroes = PAGES;
	return make_kind(t) &&
	       (!fallocate(t->mem.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			   t->mem.len) || io_fails("a hole in a memfd"));
}

static bool expect_swapped(const struct trial *t)
{
	unsigned long i;

	for (i = 0; i < t->nr; i++)
		if (!(gup_pagemap(t->at + i * psize()) & GUP_PM_SWAP))
			return gup_fails("page %lu is not swapped out", i);
	return true;
}

bool make_swapped(struct trial *t)
{
	return make_kind(t) && gup_drain(rig(), t->at) &&
	       (!madvise(t->mem.map, t->mem.len, MADV_PAGEOUT) || io_fails("MADV_PAGEOUT")) &&
	       expect_swapped(t);
}

static bool map_far(struct trial *t, int advice)
{
	t->zeroes = PAGES;
	t->mem = (struct io_mem) { .map = FAR, .len = SIZE, .file = -1 };
	if (mmap(FAR, SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != FAR)
		return io_fails("mmap");
	set_range(t);
	madvise(FAR, SIZE, advice);
	return true;
}

bool make_far(struct trial *t)
{
	return map_far(t, MADV_NOHUGEPAGE);
}

bool make_far_thp(struct trial *t)
{
	t->huge = true;
	return io_thp_is_on() && map_far(t, MADV_HUGEPAGE);
}

unsigned long pages_present(const struct trial *t)
{
	unsigned long i, nr = 0;

	for (i = 0; i < t->nr; i++)
		nr += !!(gup_pagemap(t->at + i * psize()) & GUP_PM_PRESENT);
	return nr;
}

static bool check_zeroes(const char *at, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (at[i])
			return gup_fails("byte %zu is %#x, not 0", i, at[i] & 0xff);
	return true;
}

bool check_contents(struct trial *t)
{
	const size_t full = (t->nr - t->zeroes) * psize();

	if (t->huge && !t->failed &&
	    !check_huge_anon(t->mem.map, t->mem.len, t->mem.len / HUGE, HUGE))
		return gup_fails("it is not of huge pages");
	return io_check("after all", t->at, full, t->mem.seed, t->at - t->mem.map) &&
	       check_zeroes(t->at + full, t->zeroes * psize());
}

void drop_memory(struct trial *t)
{
	if (t->sharer > 0) {
		kill(t->sharer, SIGKILL);
		waitpid(t->sharer, NULL, 0);
	}
	t->sharer = 0;
	if (!t->mem.map)
		return;
	if (t->mem.file >= 0)
		close(t->mem.file);
	munmap(t->mem.map, t->mem.len);
	t->mem.map = NULL;
}
