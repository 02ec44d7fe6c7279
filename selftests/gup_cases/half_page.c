// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel writes a sector into a page while a thread writes beside it, and another
 * write-protects or reclaims the page. Neither may lose what the other wrote: the write
 * fault must not copy a page that is pinned.
 */
#include <unistd.h>
#include <linux/stddef.h>
#include <linux/io_uring.h>
#include <sys/resource.h>
#include "lib_memory.h"
#include "vm_util.h"
#include "cases.h"

#define PAGES		8U
#define SECTORS		64U
#define ROUNDS		96U
/* Until it is felt that pages go, and as many turns of who makes them go. */
#define MOST_ROUNDS	(50 * ROUNDS)
#define BESIDE		(6 * SECTOR)

struct half {
	struct io_mem mem;
	struct io_target disk;
	struct io_ring ring;
	__u64 seed;
	long first_faults;
	atomic_long felt;
	struct gup_loop loops[2];
	bool (*disturb)(void *half, unsigned long nr);
	long (*read)(struct half *h, char *at, off_t offset);
};

/* One of each folio that is small, and of a large one some that lie apart. */
static char *page_of(const struct half *h, unsigned long nr)
{
	return h->mem.map + nr % PAGES * 9 * psize();
}

/* Faults since the first pass are what somebody else has done to the pages. */
static void count_faults(struct half *h, bool first)
{
	struct rusage used = { 0 };
	long faults;

	getrusage(RUSAGE_THREAD, &used);
	faults = used.ru_minflt + used.ru_majflt;
	if (first)
		h->first_faults = faults;
	atomic_store(&h->felt, faults - h->first_faults);
}

static bool store_beside(void *half, unsigned long nr)
{
	__u64 *word = (__u64 *)(page_of(half, nr) + BESIDE);
	unsigned long before = nr / PAGES;

	if (nr % PAGES == 0)
		count_faults(half, before <= 1);
	if (before && __atomic_load_n(word, __ATOMIC_RELAXED) != before)
		return gup_fails("what was stored beside the sector is lost");
	__atomic_store_n(word, before + 1, __ATOMIC_RELAXED);
	return true;
}

static bool write_protect(void *half, unsigned long nr)
{
	return gup_write_knob("/proc/self/clear_refs", "4");
}

/* What has come back is in a processor's batch. The second page is none of ours. */
static bool pageout(void *half, unsigned long nr)
{
	struct half *h = half;

	return gup_drain(rig(), h->mem.map + psize()) &&
	       (!madvise(h->mem.map, h->mem.len, MADV_PAGEOUT) || io_fails("MADV_PAGEOUT"));
}

static bool either(void *half, unsigned long nr)
{
	return nr % 2 ? write_protect(half, nr) : pageout(half, nr);
}

static long read_direct(struct half *h, char *at, off_t offset)
{
	return pread(h->disk.direct, at, SECTOR, offset);
}

static long read_fixed(struct half *h, char *at, off_t offset)
{
	return io_ring_io(&h->ring, IORING_OP_READ_FIXED, 0, h->disk.cached, at, SECTOR,
			  offset);
}

static bool is_soft_dirty(const void *at)
{
	return gup_pagemap(at) >> 55 & 1;
}

/* Else clear_refs would not be in anybody's way. */
static bool has_soft_dirty(const struct half *h)
{
	char *at = page_of(h, 1);
	bool cleared;

	cleared = write_protect(NULL, 0) && !is_soft_dirty(at);
	*at = 1;
	return (cleared && is_soft_dirty(at)) || io_skip("no CONFIG_MEM_SOFT_DIRTY");
}

static bool read_sector(struct half *h, unsigned long nr)
{
	size_t offset = nr % SECTORS * SECTOR;
	char *at = page_of(h, nr) + SECTOR;

	return io_expect("read of a sector", h->read(h, at, offset), SECTOR) &&
	       io_check("the sector that was read", at, SECTOR, h->seed, offset);
}

static bool read_all(void *half)
{
	struct half *h = half;
	unsigned long i;

	/* Of what is pinned all the time nothing is felt. */
	for (i = 0; i < ROUNDS || (h->disturb != either && !h->felt); i++) {
		if (i > MOST_ROUNDS && h->loops[1].steps > MOST_ROUNDS)
			return gup_fails("the pages stay as they are");
		if (!read_sector(h, i))
			return false;
	}
	return true;
}

static bool against_both(struct half *h)
{
	h->loops[0] = (struct gup_loop) { .step = store_beside, .data = h };
	h->loops[1] = (struct gup_loop) { .step = h->disturb, .data = h };
	return gup_run_beside(h->loops, ARRAY_SIZE(h->loops), read_all, h);
}

static bool start(struct half *h, const struct io_kind *kind)
{
	h->seed = 7;
	return io_make(&h->mem, kind, HUGE) && io_open_disk(&h->disk) &&
	       io_write_file(h->disk.cached, SECTORS * SECTOR, h->seed, 0);
}

bool test_half_page_clear_refs(const struct io_kind *kind)
{
	struct half h = { .disturb = write_protect, .read = read_direct };

	return start(&h, kind) && has_soft_dirty(&h) && against_both(&h);
}

bool test_half_page_pageout(const struct io_kind *kind)
{
	struct half h = { .disturb = pageout, .read = read_direct };

	return start(&h, kind) && against_both(&h);
}

/* The same page all the time: what is pinned stays mapped. */
bool test_half_page_fixed(const struct io_kind *kind)
{
	struct half h = { .disturb = either, .read = read_fixed };
	struct iovec all;

	if (!start(&h, kind) || !has_soft_dirty(&h) || !io_ring_open(&h.ring))
		return false;
	all = (struct iovec) { h.mem.map, h.mem.len };
	return io_ring_register(&h.ring, &all, 1) && against_both(&h) &&
	       io_ring_unregister(&h.ring);
}
