// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel writes a sector into a page while a thread writes beside it, and another
 * write-protects or reclaims the page. Neither may lose what the other wrote: the write
 * fault must not copy a page that is pinned.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include <linux/stddef.h>
#include <linux/io_uring.h>
#include "lib_memory.h"
#include "vm_util.h"
#include "cases.h"

#define PAGES		8U
#define SECTORS		64U
#define ROUNDS		96U
#define BESIDE		(6 * SECTOR)

struct half {
	struct io_mem mem;
	struct io_target disk;
	struct io_ring ring;
	__u64 seed;
	atomic_bool over;
	atomic_ulong steps, stores;
	const char *lost;
	void (*step)(struct half *h, unsigned long nr);
	long (*read)(struct half *h, char *at, off_t offset);
};

/* One of each folio that is small, and of a large one some that lie apart. */
static char *page_of(const struct half *h, unsigned long nr)
{
	return h->mem.map + nr % PAGES * 9 * psize();
}

static void *store_beside(void *arg)
{
	struct half *h = arg;
	unsigned long nr = 0;

	do {
		__u64 *word = (__u64 *)(page_of(h, nr) + BESIDE);
		unsigned long before = nr / PAGES;

		if (before && __atomic_load_n(word, __ATOMIC_RELAXED) != before)
			h->lost = "what was stored beside the sector is lost";
		__atomic_store_n(word, before + 1, __ATOMIC_RELAXED);
		atomic_store(&h->stores, ++nr);
	} while (!atomic_load(&h->over));
	return NULL;
}

static void *disturb(void *arg)
{
	struct half *h = arg;

	do
		h->step(h, atomic_fetch_add(&h->steps, 1));
	while (!atomic_load(&h->over));
	return NULL;
}

static void write_protect(struct half *h, unsigned long nr)
{
	gup_write_knob("/proc/self/clear_refs", "4");
}

static void pageout(struct half *h, unsigned long nr)
{
	madvise(h->mem.map, h->mem.len, MADV_PAGEOUT);
}

static void either(struct half *h, unsigned long nr)
{
	if (nr % 2)
		write_protect(h, nr);
	else
		pageout(h, nr);
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

	write_protect(NULL, 0);
	cleared = !is_soft_dirty(at);
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

static bool read_all(struct half *h)
{
	unsigned long i;

	/* Not before both of the others are there. */
	while (!atomic_load(&h->steps) || !atomic_load(&h->stores))
		usleep(100);
	for (i = 0; i < ROUNDS; i++)
		if (!read_sector(h, i))
			return false;
	return true;
}

static bool against_both(struct half *h)
{
	pthread_t threads[2];
	bool good;

	if (pthread_create(&threads[0], NULL, store_beside, h) ||
	    pthread_create(&threads[1], NULL, disturb, h))
		return io_fails("pthread_create");
	good = read_all(h);
	atomic_store(&h->over, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	return good && (!h->lost || gup_fails("%s", h->lost));
}

static bool start(struct half *h, const struct io_kind *kind)
{
	h->seed = 7;
	return io_make(&h->mem, kind, HUGE) && has_soft_dirty(h) && io_open_disk(&h->disk) &&
	       io_write_file(h->disk.cached, SECTORS * SECTOR, h->seed, 0);
}

bool test_half_page_clear_refs(const struct io_kind *kind)
{
	struct half h = { .step = write_protect, .read = read_direct };

	return start(&h, kind) && against_both(&h);
}

bool test_half_page_pageout(const struct io_kind *kind)
{
	struct half h = { .step = pageout, .read = read_direct };

	return start(&h, kind) && against_both(&h);
}

/* The same page all the time: what is pinned stays mapped. */
bool test_half_page_fixed(const struct io_kind *kind)
{
	struct half h = { .step = either, .read = read_fixed };
	struct iovec all;

	if (!start(&h, kind) || !io_ring_open(&h.ring))
		return false;
	all = (struct iovec) { h.mem.map, h.mem.len };
	return io_ring_register(&h.ring, &all, 1) && against_both(&h) &&
	       io_ring_unregister(&h.ring);
}
