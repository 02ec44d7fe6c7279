// SPDX-License-Identifier: GPL-2.0
/*
 * gup_bits - GUP while the processor sets accessed and dirty bits
 *
 * usage: gup_bits [--rounds N] [--ops N] [--filter GLOB]
 *
 * Threads store to memory and load from it, and another takes the bits away again, so
 * that the processor sets them all the time, in the very entries that GUP looks at. A
 * test is one of these, with a kind of memory:
 *
 * never_refused  What is mapped can be had without a fault: with FOLL_NOFAULT each
 *                function gives all pages, to read and to write, for a short time and
 *                for long. MADV_COLD and MADV_FREE take the bits away; both leave the
 *                memory mapped.
 * never_lost     What was stored, and what was written through a pin that was released
 *                as dirty, is there after the memory was clean, and has been reclaimed
 *                meanwhile and in the end. A pin to read sees what is stored.
 *
 * A test ends after a number of operations, however long they take. Needs root, the
 * driver of kunit/gup_rig.h, and swap. Run it alone: pins of others would be counted.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib_memory.h"
#include "lib_options.h"
#include "lib_random.h"
#include "lib_table.h"
#include "vm_util.h"

#define LEN		HUGE
#define MAX_PAGES	(LEN / 4096)
/* Each has to be seen through a call of its own. */
#define MOST_WORDS	24U
/* Of reclaim: after each of them all processors have done some work. */
#define TRIES		200

static unsigned long rounds = 2, ops = 600;

enum { STORE, LOAD, TAKE_AWAY, NR_LOOPS };

/**
 * struct bits - memory, and what is done to it
 * @pinned: by page: what was last written through a pin
 * @pins: that were taken, or tried
 * @taken: how often bits were taken away
 * @loops: the other threads
 */
struct bits {
	struct io_mem mem;
	size_t page;
	unsigned int nr;
	int gup;
	struct gup_random random;
	__u64 pinned[MAX_PAGES];
	atomic_ulong pins;
	unsigned long taken;
	struct gup_loop loops[NR_LOOPS];
};

static char *page_at(const struct bits *b, unsigned int i)
{
	return b->mem.map + i * b->page;
}

static __u64 *stored_word(const struct bits *b, unsigned int i)
{
	return (__u64 *)page_at(b, i);
}

/* Every other folio, if it is not huge: of the others only pins say that they are dirty. */
static bool is_stored(unsigned int i)
{
	return !(i / 16 % 2);
}

#define PINNED_OFFSET	sizeof(__u64)

static __u64 *pinned_word(const struct bits *b, unsigned int i)
{
	return (__u64 *)(page_at(b, i) + PINNED_OFFSET);
}

static bool make(struct bits *b, const struct io_kind *kind)
{
	if (!io_make(&b->mem, kind, LEN))
		return false;
	b->page = psize();
	b->nr = LEN / b->page;
	atomic_store(&b->pins, 0);
	b->taken = 0;
	return true;
}

static bool unmake(struct bits *b)
{
	close(b->mem.file);
	return !munmap(b->mem.map, LEN) || io_fails("munmap");
}

/* The threads. */

/* Pages have the number of a pass that is over, or the next one. */
static unsigned long passes(const struct bits *b)
{
	return atomic_load(&b->loops[STORE].steps);
}

static bool store(void *bits, unsigned long nr)
{
	struct bits *b = bits;
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		if (is_stored(i))
			__atomic_store_n(stored_word(b, i), nr + 1, __ATOMIC_RELAXED);
	return true;
}

static bool load(void *bits, unsigned long nr)
{
	struct bits *b = bits;
	unsigned int i;

	for (i = b->nr; i--;)
		__atomic_load_n(stored_word(b, i), __ATOMIC_RELAXED);
	return true;
}

/* What is advised to part of a huge page splits it: so it is for all. */
static bool advise(const struct bits *b, int advice)
{
	return !madvise(b->mem.map, LEN, advice) || io_fails("madvise");
}

static bool make_old_and_clean(void *bits, unsigned long nr)
{
	struct bits *b = bits;

	return advise(b, nr % 2 && !b->mem.kind->shared ? MADV_FREE : MADV_COLD);
}

/* Not more often than there are pins, or reclaim would have the machine for itself. */
static bool make_old_or_reclaim(void *bits, unsigned long nr)
{
	struct bits *b = bits;

	if (b->taken > atomic_load(&b->pins))
		return !usleep(50);
	return advise(b, b->taken++ % 8 ? MADV_COLD : MADV_PAGEOUT);
}

/* Runs @pin against all the others. */
static bool against_all(struct bits *b, bool (*take_away)(void *bits, unsigned long nr),
			bool (*pin)(void *bits))
{
	b->loops[STORE] = (struct gup_loop) { .step = store, .data = b };
	b->loops[LOAD] = (struct gup_loop) { .step = load, .data = b };
	b->loops[TAKE_AWAY] = (struct gup_loop) { .step = take_away, .data = b };
	return gup_run_beside(b->loops, NR_LOOPS, pin, b);
}

/* Pins. */

static const unsigned int apis[] = {
	GUP_RIG_API_PIN_FAST, GUP_RIG_API_GET_FAST, GUP_RIG_API_PIN,
	GUP_RIG_API_PIN_UNLOCKED, GUP_RIG_API_GET, GUP_RIG_API_GET_UNLOCKED,
};

static unsigned int pick(struct bits *b, unsigned int most, unsigned int *first)
{
	unsigned int nr = 1 + gup_below(&b->random, most);

	*first = gup_below(&b->random, b->nr - nr + 1);
	return nr;
}

static bool pin_without_fault(void *bits)
{
	struct bits *b = bits;
	unsigned int first, nr, api;
	struct gup_call c;
	unsigned long i;
	__u64 flags;

	for (i = 0; i < ops; i++, atomic_store(&b->pins, i)) {
		api = apis[i % ARRAY_SIZE(apis)];
		flags = GUP_RIG_FOLL_NOFAULT;
		if (gup_below(&b->random, 2))
			flags |= GUP_RIG_FOLL_WRITE;
		if (gup_apis[api].pins && gup_below(&b->random, 2))
			flags |= GUP_RIG_FOLL_LONGTERM;
		nr = pick(b, b->nr, &first);
		gup_call_init_bare(&c, b->gup, api, flags, page_at(b, first), nr);
		if (!gup_run(&c) || !gup_expect_result(&c, nr))
			return false;
	}
	return true;
}

/* What can be pinned for long only after it was moved is moved now. */
static bool settle(struct bits *b)
{
	struct gup_call c;

	gup_call_init_bare(&c, b->gup, GUP_RIG_API_PIN,
			   GUP_RIG_FOLL_LONGTERM | GUP_RIG_FOLL_WRITE, b->mem.map, b->nr);
	return gup_run(&c) && gup_expect_result(&c, b->nr);
}

/* What smaps says of the memory, in kB; -1: nothing. */
static long smaps_kb(const struct bits *b, const char *format)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool here = false;
	char line[256];
	long kb = -1;

	while (file && kb < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from == (uintptr_t)b->mem.map;
		else if (here)
			sscanf(line, format, &kb);
	}
	if (file)
		fclose(file);
	return kb;
}

/* Once, with nobody beside it. */
static bool expect_taken(struct bits *b)
{
	unsigned long nr;

	for (nr = 0; nr < 2; nr++) {
		store(b, nr);
		if (smaps_kb(b, "Referenced: %ld") <= 0)
			return gup_fails("what was stored to has no accessed bit");
		if (!make_old_and_clean(b, nr) ||
		    !io_expect("kB still accessed", smaps_kb(b, "Referenced: %ld"), 0))
			return false;
	}
	return b->mem.kind->shared ||
	       io_expect("kB still dirty", smaps_kb(b, "Private_Dirty: %ld"), 0);
}

static bool test_never_refused(const struct io_kind *kind)
{
	struct bits b = { .gup = gup_open() };

	gup_seed(&b.random, 1, kind - io_kinds);
	return make(&b, kind) && settle(&b) && expect_taken(&b) &&
	       against_all(&b, make_old_and_clean, pin_without_fault) && unmake(&b);
}

static bool write_through(struct bits *b, const struct gup_call *c, unsigned int first,
			  __u64 value)
{
	unsigned int i;

	for (i = 0; i < c->run.nr_pages; i++) {
		if (!gup_hold_write(c, i, PINNED_OFFSET, &value, sizeof(value)))
			return false;
		b->pinned[first + i] = value;
	}
	return true;
}

/* No older than what was there before, no newer than what may be there by now. */
static bool see_through(struct bits *b, const struct gup_call *c, unsigned int first)
{
	unsigned long least, most;
	unsigned int i;
	__u64 seen;

	for (i = 0; i < c->run.nr_pages; i++) {
		if (!is_stored(first + i))
			continue;
		least = passes(b);
		if (!gup_hold_read(c, i, 0, &seen, sizeof(seen)))
			return false;
		most = passes(b) + 1;
		if (least && (seen < least || seen > most))
			return gup_fails("%s: page %u: the pin sees %llu, stored was %lu to %lu",
					 gup_call_name(c->run.api, c->run.gup_flags),
					 first + i, seen, least, most);
	}
	return true;
}

static bool hold_one(struct bits *b, unsigned long op)
{
	static const unsigned int pins[] = {
		GUP_RIG_API_PIN_FAST, GUP_RIG_API_PIN, GUP_RIG_API_PIN_UNLOCKED,
	};
	unsigned int first, nr = pick(b, MOST_WORDS, &first);
	bool writes = op % 4, good;
	struct gup_call c;

	gup_call_init_bare(&c, b->gup, pins[op % ARRAY_SIZE(pins)],
			   writes ? GUP_RIG_FOLL_WRITE : 0, page_at(b, first), nr);
	if (gup_below(&b->random, 2))
		c.run.gup_flags |= GUP_RIG_FOLL_LONGTERM;
	c.run.flags = GUP_RIG_RUN_HOLD;
	if (!gup_run(&c) || !gup_expect_result(&c, nr))
		return false;
	good = writes ? write_through(b, &c, first, op + 1) : see_through(b, &c, first);
	if (!writes)
		return gup_release(&c, GUP_RIG_PUT_DEFAULT) && good;
	return gup_release(&c, op % 8 < 4 ? GUP_RIG_PUT_DIRTY : GUP_RIG_PUT_RANGE_DIRTY) &&
	       good;
}

static bool hold_and_write(void *bits)
{
	struct bits *b = bits;
	unsigned long i;

	for (i = 0; i < ops / 8; i++, atomic_store(&b->pins, i))
		if (!hold_one(b, i))
			return false;
	return true;
}

/* Where nothing was written the zero page may be, and stay. */
static bool all_out(const struct bits *b, unsigned int *left)
{
	unsigned int i;

	for (i = *left = 0; i < b->nr; i++)
		if (is_stored(i) || b->pinned[i])
			*left += !!(gup_pagemap(page_at(b, i)) & GUP_PM_PRESENT);
	return !*left;
}

static bool reclaim(const struct bits *b)
{
	unsigned int tries, left;

	for (tries = 0; tries < TRIES; tries++) {
		if (!gup_drain(b->gup, b->mem.map))
			return false;
		if (!advise(b, MADV_PAGEOUT))
			return false;
		if (all_out(b, &left))
			return true;
	}
	return gup_fails("%u of %u pages do not go out", left, b->nr);
}

static bool expect_words(const struct bits *b)
{
	__u64 stored = passes(b);
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		if (is_stored(i) && *stored_word(b, i) != stored)
			return gup_fails("page %u: %#llx was stored, %#llx is there", i,
					 stored, *stored_word(b, i));
		if (b->pinned[i] && *pinned_word(b, i) != b->pinned[i])
			return gup_fails("page %u: %#llx was written through a pin, %#llx is there",
					 i, b->pinned[i], *pinned_word(b, i));
	}
	return true;
}

/* Clean, as far as it can be, known as such, and nothing in it that anybody wants. */
static bool make_clean(struct bits *b)
{
	memset(b->pinned, 0, sizeof(b->pinned));
	if (b->mem.kind->shared)
		return true;
	return madvise(b->mem.map, LEN, MADV_FREE) ? io_fails("MADV_FREE") :
	       gup_drain(b->gup, b->mem.map);
}

static bool test_never_lost(const struct io_kind *kind)
{
	struct bits b = { .gup = gup_open() };
	unsigned long i;

	gup_seed(&b.random, 2, kind - io_kinds);
	for (i = 0; i < rounds; i++)
		if (!make(&b, kind) || !make_clean(&b) ||
		    !against_all(&b, make_old_or_reclaim, hold_and_write) ||
		    !expect_words(&b) ||
		    !reclaim(&b) || !expect_words(&b) || !unmake(&b))
			return false;
	return true;
}

/* Of hugetlb nothing is reclaimed, and the pages of a file belong to the file. */
static bool has_bits(const struct io_kind *k)
{
	return !k->hugetlb && !k->file;
}

static const struct table_test tests[] = {
	TABLE_TEST(never_refused, has_bits),
	TABLE_TEST(never_lost, has_bits),
	{ 0 }
};

static const struct gup_option options[] = {
	{ "--rounds", "N", "of never_lost, each with new memory (default 2)", .number = &rounds },
	{ "--ops", "N", "pins of never_refused; of a round of never_lost an eighth (default 600)",
	  .number = &ops },
	TABLE_FILTER,
	{ 0 }
};

static void check(const struct gup_usage *usage)
{
	if (!rounds || ops < 8)
		gup_bad_usage(usage, rounds ? "--ops" : "--rounds", NULL);
}

static void prepare(void)
{
	io_prepare(0);
}

static const struct table table = {
	.usage = { "gup_bits", NULL, options }, .tests = tests, .rig = true,
	.check = check, .prepare = prepare,
};

int main(int argc, char **argv)
{
	return run_table(&table, argc, argv);
}
