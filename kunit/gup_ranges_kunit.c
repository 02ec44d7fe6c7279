// SPDX-License-Identifier: GPL-2.0-only
/*
 * pin_user_page_ranges_fast() and _remote(): ranges are the page array, glued. What
 * pages and which references a call takes does not depend on how it stores them; a range
 * has pages of one compound page only, as long a run of them as is mapped; and
 * a call that ends early, for lack of elements, can be gone on with.
 *
 * Each case pins the same shape by the sibling that stores pages, too: that one has
 * suites of its own.
 */
#include <linux/mman.h>
#include <linux/prandom.h>

#include "internal.h"
#include "gk.h"
#include "gk_hook.h"

static const unsigned int ranges_flags[] = {
	0, FOLL_WRITE, FOLL_LONGTERM, FOLL_WRITE | FOLL_LONGTERM,
};

/* The calls for pages that have a sibling for ranges. */
static const enum gk_api_id ranges_apis[] = { GK_PIN_FAST, GK_PIN_REMOTE };

static unsigned int ranges_pair_flags(const struct gk_pair *pair)
{
	return ranges_flags[pair->column % ARRAY_SIZE(ranges_flags)];
}

static enum gk_api_id ranges_pair_api(const struct gk_pair *pair)
{
	return ranges_apis[pair->column / ARRAY_SIZE(ranges_flags)];
}

static const void *ranges_zoo_params(struct kunit *test, const void *prev, char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev, gk_zoo_size,
						  ARRAY_SIZE(ranges_apis) *
						  ARRAY_SIZE(ranges_flags));
	unsigned int flags;

	if (!pair)
		return NULL;
	flags = ranges_pair_flags(pair);
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s+%s%s%s", gk_zoo[pair->row]->name,
		 ranges_pair_api(pair) == GK_PIN_REMOTE ? "remote_" : "",
		 flags & FOLL_WRITE ? "write" : "read",
		 flags & FOLL_LONGTERM ? "_longterm" : "");
	return pair;
}

/* Is @b, which is mapped behind @a, a page of the same range? */
static bool ranges_go_on(struct page *a, struct page *b)
{
	return b == a + 1 && page_folio(a) == page_folio(b);
}

static void ranges_expect_guards(struct gk_call *c)
{
	const struct page_range *behind = c->ranges + c->max_ranges;

	GK_EXPECT(c, 0, "written in front of the array",
		  !!memchr_inv(c->ranges - 1, GK_RANGES_GUARD, sizeof(*behind)), false);
	GK_EXPECT(c, 0, "written behind the array",
		  !!memchr_inv(behind, GK_RANGES_GUARD, sizeof(*behind)), false);
}

/* All that is pinned is in the ranges: @pages, by this call and those before it. */
static void ranges_expect_used(struct gk_call *c, long pages)
{
	unsigned int i;
	long sum = 0;

	KUNIT_ASSERT_LE(c->r->test, c->nr_ranges, c->max_ranges);
	for (i = 0; i < c->nr_ranges; i++) {
		GK_EXPECT(c, i, "an empty range", c->ranges[i].nr_pages == 0, false);
		sum += c->ranges[i].nr_pages;
	}
	GK_EXPECT(c, 0, "pages in ranges", sum, pages);
	ranges_expect_guards(c);
}

/* The ranges are runs of one compound page, and as few as can be. */
static void ranges_expect_runs(struct gk_call *c)
{
	unsigned int runs = c->ret > 0;
	long k, in = 0;
	unsigned int i;

	ranges_expect_used(c, max(c->ret, 0L));
	for (k = 1; k < c->ret; k++)
		runs += !ranges_go_on(c->pages[k - 1], c->pages[k]);
	GK_EXPECT(c, 0, "ranges", c->nr_ranges, runs);
	for (i = 0; i < c->nr_ranges; i++) {
		for (k = 1; k < c->ranges[i].nr_pages; k++)
			GK_EXPECT(c, in + k, "of the range's compound page",
				  ranges_go_on(c->pages[in + k - 1], c->pages[in + k]), true);
		in += c->ranges[i].nr_pages;
	}
}

/* Page by page, it is what the sibling for pages pins of the same mapping. */
static void gup_ranges_zoo(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;
	const struct gk_shape *shape = gk_zoo[pair->row];
	enum gk_api_id api = ranges_pair_api(pair);
	unsigned int flags = ranges_pair_flags(pair);
	struct gk_range *r = gk_map(test, shape, 0);
	struct gk_call *pages, *c;

	c = gk_gup_ranges(r, api, flags, 0, r->nr, r->nr);
	ranges_expect_runs(c);
	if (c->ret > 0)
		gk_expect_pinned(c, c->ret);
	gk_release(c);
	gk_expect_restored(c);

	/* Mapped by now: the same pages. */
	pages = gk_gup(r, api, flags);
	if (pages->ret > 0)
		gk_expect_pages_of(c, pages);
	gk_release(pages);
	gk_expect_ret(c, pages->ret);

	c = gk_gup_ranges(r, api, flags, 0, r->nr, r->nr);
	ranges_expect_runs(c);
	gk_expect_ret(c, pages->ret);
	gk_release(c);
	gk_expect_restored(c);
}

/* Pin all of @r with room for @max ranges at a time. */
static unsigned int ranges_by(struct gk_range *r, unsigned int max)
{
	struct gk_call *c;
	unsigned int i;

	for (i = 0; i < r->nr; i += c->ret) {
		c = gk_gup_ranges(r, GK_PIN_FAST, FOLL_WRITE, i, r->nr - i, max);
		ranges_expect_runs(c);
		/* Every page could have been a range. */
		gk_expect_pinned(c, min(max, r->nr - i));
		if (c->ret <= 0)
			break;
		gk_release(c);
		gk_expect_restored(c);
	}
	return i;
}

/* An array of any size: as many pages as it has elements, whatever they are of. */
static void gup_ranges_room(struct kunit *test)
{
	const struct gk_shape *shape = *(const struct gk_shape **)test->param_value;
	unsigned int max;

	for (max = 1; max <= 9; max++) {
		struct gk_range *r = gk_map(test, shape, 0);

		GK_EXPECT_AT(r, "pin_user_page_ranges_fast", max, "pages in all",
			     ranges_by(r, max), r->nr);
		gk_unmap(r, 0, r->nr);
	}
}

/* One array for the whole of a mapping: full only when each element is used. */
static void gup_ranges_fill(struct kunit *test)
{
	struct gk_range *r = gk_map(test, *(const struct gk_shape **)test->param_value, 0);
	struct gk_call *c = gk_prepare_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, r->nr, r->nr);
	unsigned int got = 0;

	/* One element is free at a time, so each call has one page. */
	for (c->max_ranges = 0; got < r->nr; got += c->ret) {
		if (c->nr_ranges == c->max_ranges)
			c->max_ranges++;
		c->addr = gk_addr(r, got);
		c->nr = r->nr - got;
		gk_enter(c);
		ranges_expect_guards(c);
		GK_EXPECT(c, got, "as many as elements were free", c->ret, 1);
		if (c->ret <= 0)
			break;
	}
	c->max_ranges = r->nr;
	c->ret = got;
	gk_done(c);
	ranges_expect_runs(c);
	gk_expect_pinned(c, r->nr);
	gk_release(c);
	gk_expect_restored(c);
}

/* No page of a call without room, or without pages, is taken. */
static void gup_ranges_nothing(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges_apis); i++) {
		c = gk_gup_ranges(r, ranges_apis[i], FOLL_WRITE, 0, r->nr, 0);
		gk_expect_refused(c, -EINVAL);
		ranges_expect_used(c, 0);
		c = gk_gup_ranges(r, ranges_apis[i], FOLL_WRITE, 0, 0, 0);
		gk_expect_refused(c, 0);
		ranges_expect_used(c, 0);
	}
	/* Only this one takes an int. */
	c = gk_gup_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, -1, 4);
	gk_expect_refused(c, 0);
	ranges_expect_used(c, 0);
}

static void ranges_refuse(struct gk_range *r, enum gk_api_id api, unsigned int flags)
{
	struct gk_call *c = gk_prepare_ranges(r, api, flags, 0, r->nr, r->nr);

	kunit_warning_suppress(r->test)
		gk_enter(c);
	gk_done(c);
	gk_expect_refused(c, -EINVAL);
	ranges_expect_used(c, 0);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED", mm_flags_test(MMF_HAS_PINNED, r->mm), 0);
}

/* Flags are those of the siblings, and there is an array. */
static void gup_ranges_refused(struct kunit *test)
{
	static const unsigned int flags[] = {
		FOLL_GET, FOLL_PIN, FOLL_TOUCH, FOLL_TRIED, FOLL_FAST_ONLY, FOLL_UNLOCKABLE,
		FOLL_LONGTERM | FOLL_PCI_P2PDMA,
	};
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	unsigned int i, k, used = 0;

	for (i = 0; i < ARRAY_SIZE(ranges_apis); i++) {
		for (k = 0; k < ARRAY_SIZE(flags); k++)
			ranges_refuse(r, ranges_apis[i], flags[k]);
	}
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				pin_user_page_ranges_fast(r->addr, 1, 0, NULL, 1, &used));
		mmap_read_lock(r->mm);
		KUNIT_EXPECT_EQ(test, -EINVAL,
				pin_user_page_ranges_remote(r->mm, r->addr, 1, 0, NULL, 1,
							    &used, NULL));
		mmap_read_unlock(r->mm);
	}
	KUNIT_EXPECT_EQ(test, used, 0);
}

/* FOLL_ENCODE is none of a caller's flags; a kernel that has not got it ignores the bit. */
static void gup_ranges_encode_refused(struct kunit *test)
{
	ranges_refuse(gk_map(test, &gk_anon_written, 0), GK_PIN_FAST, 1 << 23);
}

/* However many pages are asked for, no more are taken than there are elements. */
static void gup_ranges_most(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 32);
	struct gk_call *c = gk_prepare_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, INT_MAX, 24);

	gk_enter(c);
	gk_done(c);
	ranges_expect_runs(c);
	gk_expect_pinned(c, 24);
	gk_release(c);
	gk_expect_restored(c);
}

/*
 * GUP-fast stores a batch as two words, where the pages would begin in the free end of the
 * array: in the middle of this one. The rest stays as it is, which is all there is to see of it.
 */
static void gup_ranges_two_words(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 16);
	struct gk_call *c = gk_gup_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, 16, 16);

	gk_expect_pinned(c, 16);
	GK_EXPECT(c, 0, "ranges", c->nr_ranges, 1);
	GK_EXPECT(c, 0, "stored for each page",
		  !!memchr_inv(c->ranges + 10, GK_RANGES_GUARD, 6 * sizeof(*c->ranges)), false);
	gk_release(c);
	gk_expect_restored(c);
}

/* A call that goes on in the middle of a folio makes the last range longer. */
static void gup_ranges_append(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 32);
	struct gk_call *c = gk_prepare_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, 5, 28);

	gk_enter(c);
	GK_EXPECT(c, 0, "pages of the first call", c->ret, 5);
	GK_EXPECT(c, 0, "ranges of the first call", c->nr_ranges, 1);
	c->addr = gk_addr(r, 5);
	c->nr = 27;
	gk_untouch(c);
	gk_enter(c);
	GK_EXPECT(c, 0, "pages of the second call", c->ret, 27);
	c->ret += 5;
	gk_done(c);
	ranges_expect_runs(c);
	gk_expect_pinned(c, 32);
	gk_release(c);
	gk_expect_restored(c);
}

/* What is used already is not touched by a call that fails. */
static void gup_ranges_append_nothing(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_hole, 0);
	unsigned int i, used, hole = r->nr / 2;
	struct gk_call *c = gk_prepare_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, hole, r->nr);
	struct page_range *then;

	gk_enter(c);
	GK_EXPECT(c, 0, "pages in front of the hole", c->ret, hole);
	used = c->nr_ranges;
	then = kunit_kmalloc_array(test, used, sizeof(*then), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, then);
	memcpy(then, c->ranges, used * sizeof(*then));
	c->addr = gk_addr(r, hole);
	c->nr = r->nr - hole;
	gk_enter(c);
	GK_EXPECT(c, hole, "error at the hole", c->ret, -EFAULT);
	GK_EXPECT(c, hole, "ranges are as before", c->nr_ranges, used);
	for (i = 0; i < used; i++) {
		GK_EXPECT(c, i, "the same page",
			  c->ranges[i].page == then[i].page, true);
		GK_EXPECT(c, i, "as many pages", c->ranges[i].nr_pages, then[i].nr_pages);
	}
	ranges_expect_used(c, hole);
	c->ret = hole;
	gk_done(c);
	ranges_expect_runs(c);
	gk_release(c);
	gk_expect_restored(c);
}

/* How often a call took mmap_lock: 0 if GUP-fast had all. */
static unsigned int ranges_slow;

static void ranges_count_slow(enum gk_point point, const void *what)
{
	ranges_slow += point == GK_SLOW;
}

static struct gk_call *ranges_pin_counted(struct gk_range *r)
{
	struct gk_call *c = gk_prepare_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, r->nr, r->nr);

	ranges_slow = 0;
	gk_hook = ranges_count_slow;
	gk_enter_hooked(c);
	gk_hook = NULL;
	gk_done(c);
	return c;
}

static void ranges_map_faulted(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv_mmap_lazy(r, gk_drv_give, PROT_READ | PROT_WRITE,
					      MAP_SHARED);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(r->test, drv);
	for (i = 0; i < r->nr / 2; i++)
		gk_fault(r, i, 1, true);
}

static const struct gk_shape ranges_faulted = {
	.name = "drv_faulted", .nr = 16, .map = ranges_map_faulted,
};

/* The first half is there, the second is faulted in: what the slow path adds. */
static void gup_ranges_fall_back(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &ranges_faulted, 0);
	struct gk_call *c = ranges_pin_counted(r);

	GK_EXPECT(c, 0, "slow paths", ranges_slow, 1);
	ranges_expect_runs(c);
	gk_expect_ret(c, r->nr);
	gk_release(c);
	gk_expect_restored(c);

	c = ranges_pin_counted(r);
	GK_EXPECT(c, 0, "slow paths when all is there", ranges_slow, 0);
	ranges_expect_runs(c);
	gk_expect_pinned(c, r->nr);
	gk_release(c);
	gk_expect_restored(c);
}

/* GUP-fast is refused in the middle of a folio: one range all the same. */
static void gup_ranges_joined(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 16);
	struct gk_call *c;

	/* Read-only entries, which a fault for writing makes writable again. */
	gk_wrprotect_ptes(r, 8, 8);
	c = ranges_pin_counted(r);
	GK_EXPECT(c, 0, "slow paths", ranges_slow, 1);
	ranges_expect_runs(c);
	gk_expect_pinned(c, 16);
	GK_EXPECT(c, 0, "ranges", c->nr_ranges, 1);
	gk_release(c);
	gk_expect_restored(c);
}

static struct gk_range *ranges_forked;
static bool ranges_fork_began;

/* fork() begins when GUP-fast has looked at write_protect_seq, and ends soon. */
static void ranges_fork(enum gk_point point, const void *what)
{
	if (point != GK_SEQ_RETRY || ranges_fork_began)
		return;
	ranges_fork_began = true;
	raw_write_seqcount_begin(&ranges_forked->mm->write_protect_seq);
	raw_write_seqcount_end(&ranges_forked->mm->write_protect_seq);
}

/* What GUP-fast has is given back if it lost against fork(); the slow path has it. */
static void ranges_fork_in(struct gk_range *r, unsigned int there)
{
	struct gk_call *c = gk_prepare_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, r->nr, r->nr);

	ranges_forked = r;
	ranges_fork_began = false;
	gk_hook = ranges_fork;
	gk_enter_hooked(c);
	gk_hook = NULL;
	gk_done(c);
	GK_EXPECT(c, 0, "fork() came", ranges_fork_began, true);
	ranges_expect_runs(c);
	gk_expect_ret(c, r->nr);
	GK_EXPECT(c, 0, "pins in all", c->acquired - c->released, r->nr);
	GK_EXPECT(c, 0, "pins given back", c->released, there);
	gk_release(c);
	gk_expect_restored(c);
}

static void gup_ranges_forked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, *(const struct gk_shape **)test->param_value, 0);

	gk_fault(r, 0, r->nr, true);
	ranges_fork_in(r, r->nr);
}

/* The same when GUP-fast has come half of the way. */
static void gup_ranges_forked_half(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &ranges_faulted, 0);

	ranges_fork_in(r, r->nr / 2);
}

/* Dirty or not, as the caller says. */
static void gup_ranges_dirty(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order2, 16);
	struct gk_call *c;
	unsigned int i, dirty;

	for (dirty = 0; dirty < 2; dirty++) {
		for (i = 0; i < r->nr; i++)
			folio_clear_dirty(page_folio(gk_page(r, i)));
		c = gk_gup_ranges(r, GK_PIN_FAST, FOLL_WRITE, 0, 16, 16);
		gk_expect_pinned(c, 16);
		unpin_user_page_ranges(c->ranges, c->nr_ranges, dirty);
		gk_expect_restored(c);
		for (i = 0; i < r->nr; i++)
			GK_EXPECT(c, i, "dirty",
				  folio_test_dirty(page_folio(gk_page(r, i))), dirty);
	}
}

/* Ranges of another process are of what it maps, not of what the caller does. */
static void gup_ranges_child(struct kunit *test)
{
	struct gk_range *r = gk_map(test, *(const struct gk_shape **)test->param_value, 0);
	struct gk_range *there;
	struct gk_call *c, *pages;

	gk_fault(r, 0, r->nr, true);
	there = gk_in_child(r, gk_fork(test));
	c = gk_gup_ranges(there, GK_PIN_REMOTE, FOLL_WRITE, 0, r->nr, r->nr);
	ranges_expect_runs(c);
	gk_expect_pinned(c, r->nr);
	gk_release(c);
	gk_expect_restored(c);

	pages = gk_gup(there, GK_PIN_REMOTE, FOLL_WRITE);
	gk_expect_pages_of(c, pages);
	gk_release(pages);
}

/* A fault drops mmap_lock: *locked says so, and what it brings is in the ranges. */
static vm_fault_t ranges_give_unlocked(struct gk_drv *drv, struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY) || drv->faults > 1)
		return gk_drv_give(drv, vmf);
	release_fault_lock(vmf);
	return VM_FAULT_RETRY;
}

static void gup_ranges_unlocked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &ranges_faulted, 0);
	struct gk_drv *drv = gk_range_drv(r);
	struct gk_call *c;

	drv->fault = ranges_give_unlocked;
	drv->faults = 0;
	c = gk_gup_ranges(r, GK_PIN_REMOTE, FOLL_WRITE, 0, r->nr, r->nr);
	GK_EXPECT(c, -1, "*locked after a fault that waits", c->locked, 0);
	ranges_expect_runs(c);
	gk_expect_pinned(c, r->nr);
	gk_release(c);
	gk_expect_restored(c);

	c = gk_gup_ranges(r, GK_PIN_REMOTE, FOLL_WRITE, 0, r->nr, r->nr);
	GK_EXPECT(c, -1, "*locked when all is there", c->locked, 1);
	gk_expect_pinned(c, r->nr);
	gk_release(c);
	gk_expect_restored(c);
}

/* A seed says which mapping, what happens to its pages, and what is asked for. */
#define RANGES_SEEDS	64

static const void *ranges_seed_params(struct kunit *test, const void *prev, char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev, RANGES_SEEDS, 1);

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "seed%u", pair->row);
	return pair;
}

static unsigned int ranges_draw(struct rnd_state *rnd, unsigned int below)
{
	return prandom_u32_state(rnd) % below;
}

/* Some pages, each at most once, change as their process or the hardware does it. */
static void ranges_disturb(struct gk_range *r, struct rnd_state *rnd)
{
	unsigned int i;

	for (i = ranges_draw(rnd, 8); i < r->nr; i += 1 + ranges_draw(rnd, 16)) {
		switch (ranges_draw(rnd, 6)) {
		case 0:
			gk_set_dirty_pte(r, i, false);
			break;
		case 1:
			gk_set_young_pte(r, i, false);
			break;
		case 2:
			gk_wrprotect_ptes(r, i, 1);
			break;
		case 3:
			gk_cut_readonly(r, i);
			break;
		case 4:
			/* Often, no call would get far. */
			if (!ranges_draw(rnd, 4))
				gk_cut_no_access(r, i);
			break;
		case 5:
			if (!ranges_draw(rnd, 4))
				gk_unmap(r, i, 1);
			break;
		}
	}
}

/* Call until all is pinned, or the array is full. Returns what the last call did. */
static long ranges_pin_on(struct gk_call *c)
{
	unsigned long start = c->addr;
	long last, got = 0, nr = c->nr;

	do {
		c->addr = start + got * PAGE_SIZE;
		c->nr = nr - got;
		gk_untouch(c);
		gk_enter(c);
		last = c->ret;
		got += max(last, 0L);
	} while (last > 0 && got < nr && c->nr_ranges < c->max_ranges);
	c->addr = start;
	c->nr = nr;
	c->ret = got;
	gk_done(c);
	return last;
}

/* Whatever is mapped: by ranges, in one array, it is what it is by pages. */
static void gup_ranges_random(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;
	unsigned int flags, first, nr, max, order;
	enum gk_api_id api;
	struct gk_call *c, *pages;
	struct rnd_state rnd;
	struct gk_range *r;
	long last;

	prandom_seed_state(&rnd, pair->row);
	r = gk_map(test, gk_writable[ranges_draw(&rnd, gk_writable_size)], 0);
	gk_fault(r, 0, r->nr, true);
	ranges_disturb(r, &rnd);
	flags = ranges_flags[ranges_draw(&rnd, ARRAY_SIZE(ranges_flags))];
	api = ranges_apis[ranges_draw(&rnd, ARRAY_SIZE(ranges_apis))];
	first = ranges_draw(&rnd, r->nr);
	nr = 1 + ranges_draw(&rnd, r->nr - first);
	max = 1 + ranges_draw(&rnd, nr + 2);

	/* Either may be the one that finds entries as they are now. */
	for (order = 0; order < 2; order++) {
		if (order != pair->row % 2) {
			pages = gk_gup_part(r, api, flags, first, nr);
			if (pages->ret > 0)
				gk_expect_counts(pages);
			gk_release(pages);
			gk_expect_restored(pages);
			continue;
		}
		c = gk_prepare_ranges(r, api, flags, first, nr, max);
		last = ranges_pin_on(c);
		ranges_expect_runs(c);
		if (c->ret > 0)
			gk_expect_pinned(c, c->ret);
		gk_release(c);
		gk_expect_restored(c);
	}

	if (c->ret > 0)
		gk_expect_pages_of(c, pages);
	if (c->nr_ranges < max)
		GK_EXPECT(c, 0, "pages, or the error", c->ret ?: last, pages->ret);
	else
		GK_EXPECT(c, 0, "not more pages", c->ret <= pages->ret, true);
}

static struct kunit_suite gup_ranges_suite = {
	.name = "gup_ranges",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_ranges_zoo, ranges_zoo_params),
		KUNIT_CASE_PARAM(gup_ranges_room, gk_writable_params),
		KUNIT_CASE_PARAM(gup_ranges_fill, gk_writable_params),
		KUNIT_CASE(gup_ranges_nothing),
		KUNIT_CASE(gup_ranges_refused),
		KUNIT_CASE(gup_ranges_encode_refused),
		KUNIT_CASE(gup_ranges_most),
		KUNIT_CASE(gup_ranges_two_words),
		KUNIT_CASE(gup_ranges_append),
		KUNIT_CASE(gup_ranges_append_nothing),
		KUNIT_CASE(gup_ranges_fall_back),
		KUNIT_CASE(gup_ranges_joined),
		KUNIT_CASE_PARAM(gup_ranges_forked, gk_writable_params),
		KUNIT_CASE(gup_ranges_forked_half),
		KUNIT_CASE(gup_ranges_dirty),
		KUNIT_CASE_PARAM(gup_ranges_child, gk_writable_params),
		KUNIT_CASE(gup_ranges_unlocked),
		KUNIT_CASE_PARAM(gup_ranges_random, ranges_seed_params),
		{}
	},
};

kunit_test_suite(gup_ranges_suite);

MODULE_DESCRIPTION("KUnit: GUP that stores ranges");
MODULE_LICENSE("GPL");
