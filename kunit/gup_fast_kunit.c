// SPDX-License-Identifier: GPL-2.0-only
/*
 * GUP-fast: the arguments of the *_fast() calls, what the lockless walk takes,
 * what it must leave to the slow path, and where it stops.
 *
 * get_user_pages_fast() and pin_user_pages_fast() fall back to the slow path
 * silently. The cases see what GUP-fast took by itself with
 * fast_without_slow(): a fatal signal ends the slow path before its first
 * page, and means nothing to GUP-fast.
 */
#include <kunit/resource.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/rwsem.h>
#include <linux/seqlock.h>
#include <linux/swap.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

/* Parameters: the shapes of the zoo that GUP-fast can read all of. */
static const void *fast_shape_params(struct kunit *test, const void *prev,
				     char *desc)
{
	const struct gk_shape *const *shape = prev;

	do {
		shape = gk_zoo_params(test, shape, desc);
	} while (shape && !((*shape)->traits & GK_FAST_READ));
	return shape;
}

/*
 * What GUP-fast takes by itself. Where it takes nothing, the calls that fall
 * back return -EINTR, or what the VMA is refused with before signals count.
 */
static struct gk_call *fast_without_slow(struct gk_range *r,
					 enum gk_api_id api,
					 unsigned int flags,
					 unsigned int first, long nr)
{
	struct gk_call *c = gk_prepare(r, api, flags, first, nr);

	gk_signal(SIGKILL);
	gk_enter(c);
	gk_signal_clear();
	gk_done(c);
	return c;
}

/* A call that is expected to take @want pages, and to give them back. */
static void fast_expect(struct gk_call *c, long want)
{
	gk_expect_round_trip(c, want);
	GK_EXPECT(c, -1, "mmap_lock held", rwsem_is_locked(&c->r->mm->mmap_lock),
		  0);
}

static void fast_expect_refused(struct gk_call *c, long error)
{
	gk_expect_refused(c, error);
	gk_release(c);
	gk_expect_restored(c);
	GK_EXPECT(c, -1, "mmap_lock held", rwsem_is_locked(&c->r->mm->mmap_lock),
		  0);
}

/* @want pages, or if that is none, what @api returns for @error */
static void fast_expect_some(struct gk_call *c, long want, long error)
{
	if (want)
		fast_expect(c, want);
	else
		fast_expect_refused(c, c->api->only ? 0 : error);
}

static void fast_expect_absent(struct gk_call *c, unsigned int i,
			       unsigned int n)
{
	for (; n; i++, n--)
		GK_EXPECT(c, i, "a page is mapped", !!c->pinned[i].page, 0);
}

static bool fast_has_pinned(struct gk_range *r)
{
	return mm_flags_test(MMF_HAS_PINNED, r->mm);
}

/*
 * Shapes of this suite
 */

static void fast_map_at(struct gk_range *r, unsigned long addr)
{
	gk_mmap_anon(r, addr, RW, addr ? MAP_FIXED_NOREPLACE : 0);
}

/* What an entry of each level maps; riscv learns the levels at boot. */
static unsigned long fast_level_size(enum pgtable_level level)
{
	switch (level) {
	case PGTABLE_LEVEL_PMD:
		return PMD_SIZE;
	case PGTABLE_LEVEL_PUD:
		return PUD_SIZE;
	default:
		return P4D_SIZE;
	}
}

/* Half of it on either side of an edge of a level of the page tables. */
static void fast_map_edge(struct gk_range *r)
{
	unsigned long size = fast_level_size(r->shape->arg);
	unsigned long edge;

	fast_map_at(r, 0);
	edge = ALIGN(r->addr, size);
	if (edge >= TASK_SIZE_MAX)
		edge -= size;
	gk_unmap(r, 0, r->nr);
	fast_map_at(r, edge - r->nr / 2 * PAGE_SIZE);
	KUNIT_ASSERT_TRUE(r->test, IS_ALIGNED(gk_addr(r, r->nr / 2), size));
}

/* With room for 4 GiB behind it, of which nothing is mapped. */
static void fast_map_low(struct gk_range *r)
{
	fast_map_at(r, PGDIR_SIZE);
	gk_fault(r, 0, r->nr, true);
}

/* The last pages that a process can have. */
static void fast_map_top(struct gk_range *r)
{
	fast_map_at(r, TASK_SIZE_MAX - r->nr * PAGE_SIZE);
	gk_fault(r, 0, r->nr, true);
}

/* Present, exclusive, writable by its VMA: but not by its entries. */
static void fast_map_wrprotected(struct gk_range *r)
{
	fast_map_at(r, 0);
	gk_fault(r, 0, r->nr, true);
	gk_wrprotect_ptes(r, 0, r->nr);
}

/* A driver's folios, some of which could yet be copied on write. */
static void fast_map_drv_private(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, r->shape->arg, r->nr);
	unsigned int i;

	gk_drv_mmap(r, drv, RW, MAP_PRIVATE);
	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i));
}

/* One page at every entry. */
static void fast_map_one_page(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, r->shape->arg, 1);
	unsigned int i;

	gk_drv_mmap(r, drv, RW, MAP_SHARED);
	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, (1U << drv->order) / 2));
}

/* Only the inner pages of a folio. */
static void fast_map_inner(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, r->shape->arg, 1);
	unsigned int i;

	gk_drv_mmap(r, drv, RW, MAP_SHARED);
	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i + 3));
}

#define FAST_SHAPE(_name, _nr, _map, _arg)				\
	static const struct gk_shape fast_##_name = {			\
		.name = #_name, .nr = (_nr), .arg = (_arg),		\
		.map = fast_map_##_map,					\
	}

FAST_SHAPE(low, 64, low, 0);
FAST_SHAPE(top, 8, top, 0);
FAST_SHAPE(wrprotected, 16, wrprotected, 0);
FAST_SHAPE(drv_private, 16, drv_private, 2);
FAST_SHAPE(one_page, 16, one_page, 0);
FAST_SHAPE(one_tail_page, 16, one_page, 4);
FAST_SHAPE(inner, 9, inner, 4);

struct fast_level {
	const char *name;
	struct gk_shape shape;
};

static const struct fast_level fast_levels[] = {
	{ "PMD", { "pmd_edge", 16, 0, fast_map_edge, PGTABLE_LEVEL_PMD } },
	{ "PUD", { "pud_edge", 16, 0, fast_map_edge, PGTABLE_LEVEL_PUD } },
	{ "PGD", { "pgd_edge", 16, 0, fast_map_edge, PGTABLE_LEVEL_P4D } },
};

KUNIT_ARRAY_PARAM_DESC(fast_level, fast_levels, name);

/*
 * Arguments
 */

/*
 * No pages asked for, wherever that is: none taken, nothing stored, and not
 * even a flag set. Behind the pages of gk_alone a walk that does not know its
 * end runs into an empty entry, so that it can be told from what it returns.
 */
static void fast_nothing_asked(struct kunit *test, const struct gk_api *api,
			       int nr)
{
	struct gk_range *r = gk_map(test, &gk_alone, 64);
	const unsigned long starts[] = {
		gk_addr(r, 0), gk_addr(r, 0) + 1, gk_addr(r, r->nr) - 1,
		gk_addr(r, r->nr), 0, TASK_SIZE_MAX - PAGE_SIZE, TASK_SIZE_MAX,
		TASK_SIZE_MAX + 1, PAGE_MASK, ULONG_MAX,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		struct gk_call *c = gk_prepare(r, api - gk_apis, FOLL_WRITE, 0,
					       nr);

		c->addr = starts[i];
		gk_enter(c);
		gk_done(c);
		KUNIT_EXPECT_EQ_MSG(test, c->ret, 0,
				    "%s addr=%lx: return: wanted 0, got %ld",
				    gk_where(c), c->addr, c->ret);
		GK_EXPECT(c, -1, "MMF_HAS_PINNED", fast_has_pinned(r), 0);
		if (c->ret) {
			gk_expect_untouched(c);
			gk_release(c);
		} else {
			fast_expect_refused(c, 0);
		}
	}
}

static void gup_fast_empty_range(struct kunit *test)
{
	fast_nothing_asked(test, test->param_value, 0);
}

static void gup_fast_negative_range(struct kunit *test)
{
	fast_nothing_asked(test, test->param_value, -1);
	fast_nothing_asked(test, test->param_value, INT_MIN);
}

/*
 * 4 GiB: on 32-bit nr << PAGE_SHIFT is 0, an empty range, and must be refused.
 * On 64-bit it is a range like any other, of which 64 pages are to be had.
 */
static void __maybe_unused gup_fast_wrapped_range(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &gk_alone, 64);
	struct gk_call *c = gk_gup_part(r, api - gk_apis, FOLL_WRITE, 0,
					1 << (32 - PAGE_SHIFT));

	fast_expect_refused(c, -EOVERFLOW);
}

static void __maybe_unused gup_fast_wide_range(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &fast_low, 0);

	fast_expect(gk_gup_part(r, api - gk_apis, FOLL_WRITE, 0,
				1 << (32 - PAGE_SHIFT)), r->nr);
}

/* start + len wraps around. */
static void gup_fast_overflow(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	static const struct {
		unsigned long start;
		int nr;
		long want;
	} calls[] = {
		{ -PAGE_SIZE, 1, -EOVERFLOW },
		{ -PAGE_SIZE, 2, -EOVERFLOW },
		{ -1UL, 1, -EOVERFLOW },
		{ -16 * PAGE_SIZE, 16, -EOVERFLOW },
		{ -16 * PAGE_SIZE + 1, 17, -EOVERFLOW },
		/* The last page that does not: beyond the user's, though. */
		{ -2 * PAGE_SIZE, 1, -EFAULT },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		struct gk_call *c = gk_prepare(r, api - gk_apis, FOLL_WRITE, 0,
					       calls[i].nr);

		c->addr = calls[i].start;
		gk_enter(c);
		gk_done(c);
		fast_expect_refused(c, calls[i].want);
	}
}

/* The last user page is to be had; with the one after it, none is. */
static void gup_fast_past_task_size(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	enum gk_api_id id = api - gk_apis;
	struct gk_range *r = gk_map(test, &fast_top, 0);
	struct gk_call *c;

	fast_expect(gk_gup(r, id, FOLL_WRITE), r->nr);
	fast_expect(gk_gup_part(r, id, FOLL_WRITE, r->nr - 1, 1), 1);

	fast_expect_refused(gk_gup_part(r, id, FOLL_WRITE, 0, r->nr + 1),
			    -EFAULT);
	fast_expect_refused(gk_gup_part(r, id, 0, r->nr - 1, 2), -EFAULT);
	fast_expect_refused(gk_gup_part(r, id, 0, r->nr, 1), -EFAULT);

	/* What counts is the page that the address is in. */
	c = gk_prepare(r, id, FOLL_WRITE, r->nr - 1, 1);
	c->addr += PAGE_SIZE - 1;
	gk_enter(c);
	gk_done(c);
	fast_expect(c, 1);
}

/*
 * A start in the middle of a page stands for that page, also for a walk that
 * comes to the end of a table. The tables are made in reverse: they must not
 * happen to lie one behind the other.
 */
static void gup_fast_unaligned(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	static const unsigned int offsets[] = { 1, 123, PAGE_SIZE - 1 };
	struct gk_range *r = gk_map(test, &fast_levels[0].shape, 0);
	unsigned int i;

	gk_fault(r, r->nr / 2, r->nr / 2, true);
	gk_fault(r, 0, r->nr / 2, true);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct gk_call *c = gk_prepare(r, api - gk_apis, FOLL_WRITE, 0,
					       r->nr);

		c->addr += offsets[i];
		gk_enter(c);
		gk_done(c);
		fast_expect(c, r->nr);
	}
}

struct fast_flags_param {
	const char *name;
	unsigned int flags;
};

static const struct fast_flags_param fast_bad_flags[] = {
	{ "DUMP", FOLL_DUMP },
	{ "NOWAIT", FOLL_NOWAIT },
	{ "HWPOISON", FOLL_HWPOISON },
	{ "ANON", FOLL_ANON },
	{ "SPLIT_PMD", FOLL_SPLIT_PMD },
	{ "INTERRUPTIBLE", FOLL_INTERRUPTIBLE },
	{ "WRITE|INTERRUPTIBLE", FOLL_WRITE | FOLL_INTERRUPTIBLE },
	{ "FORCE|NOFAULT|ANON", FOLL_FORCE | FOLL_NOFAULT | FOLL_ANON },
	{ "a flag without a name", BIT(31) },
};

KUNIT_ARRAY_PARAM_DESC(fast_bad_flags, fast_bad_flags, name);

/* Flags that GUP-fast does not implement are refused, not ignored. */
static void gup_fast_flags_refused(struct kunit *test)
{
	const struct fast_flags_param *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	unsigned int i;

	for (i = 0; i < GK_NR_APIS; i++) {
		struct gk_call *c;

		if (!gk_apis[i].fast)
			continue;
		kunit_warning_suppress(test) {
			c = gk_gup(r, i, p->flags);
			GK_EXPECT(c, -1, "more than one warning",
				  KUNIT_SUPPRESSED_WARNING_COUNT() > 1, 0);
		}
		fast_expect_refused(c, -EINVAL);
		GK_EXPECT(c, -1, "MMF_HAS_PINNED", fast_has_pinned(r), 0);
	}
}

/*
 * Where it stops
 */

enum fast_spot { FIRST, SECOND, BEFORE_EDGE, AFTER_EDGE, LAST };

static unsigned int fast_index(struct gk_range *r, enum fast_spot spot)
{
	switch (spot) {
	case FIRST:
		return 0;
	case SECOND:
		return 1;
	case BEFORE_EDGE:
		return r->nr / 2 - 1;
	case AFTER_EDGE:
		return r->nr / 2;
	default:
		return r->nr - 1;
	}
}

static const struct fast_place {
	const char *name;
	enum fast_spot spot;
} fast_places[] = {
	{ "first page", FIRST },
	{ "second page", SECOND },
	{ "before the edge", BEFORE_EDGE },
	{ "after the edge", AFTER_EDGE },
	{ "last page", LAST },
};

KUNIT_ARRAY_PARAM_DESC(fast_place, fast_places, name);

static const struct fast_stop {
	const char *name;
	void (*stop)(struct gk_range *r, unsigned int i);
} fast_stops[] = {
	{ "unmapped", gk_cut_unmap },
	{ "PROT_NONE", gk_cut_no_access },
	{ "guard", gk_cut_guard },
};

static const void *fast_stop_params(struct kunit *test, const void *prev, char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev, ARRAY_SIZE(fast_stops),
						  ARRAY_SIZE(fast_places));

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s", fast_stops[pair->row].name,
			 fast_places[pair->column].name);
	return pair;
}

/*
 * A page that cannot be had, at either side of a page table's edge: the pages
 * before it are returned, to the last, and nothing is stored behind them.
 */
static void gup_fast_partial(struct kunit *test)
{
	const struct gk_pair *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_table_edge, 0);
	unsigned int at = fast_index(r, fast_places[p->column].spot);
	unsigned int i;

	fast_stops[p->row].stop(r, at);
	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast)
			continue;
		fast_expect_some(gk_gup(r, i, 0), at, -EFAULT);
		fast_expect_some(gk_gup(r, i, FOLL_WRITE), at, -EFAULT);
	}
}

/* A page that is not present: GUP-fast stops, the slow path takes over. */
static void gup_fast_resumed(struct kunit *test)
{
	const struct fast_place *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_table_edge, 0);
	unsigned int at = fast_index(r, p->spot);
	struct gk_call *c;
	unsigned int i;

	gk_cut_drop(r, at);
	c = gk_gup(r, GK_GET_FAST_ONLY, FOLL_WRITE);
	fast_expect_some(c, at, 0);
	fast_expect_absent(c, at, 1);

	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast || gk_apis[i].only)
			continue;
		c = fast_without_slow(r, i, FOLL_WRITE, 0, r->nr);
		fast_expect_some(c, at, -EINTR);
		fast_expect_absent(c, at, 1);

		fast_expect(gk_gup(r, i, FOLL_WRITE), r->nr);
		gk_cut_drop(r, at);
	}
}

/* The slow path finds a hole: its pages and GUP-fast's add up. */
static void gup_fast_resumed_partial(struct kunit *test)
{
	const struct fast_place *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_table_edge, 32);
	unsigned int at = fast_index(r, p->spot);
	unsigned int i;

	if (p->spot == LAST)
		at -= 2;
	gk_unmap(r, at + 1, 1);
	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast || gk_apis[i].only)
			continue;
		gk_cut_drop(r, at);
		fast_expect(gk_gup(r, i, FOLL_WRITE), at + 1);
	}
}

/* Across the edge of a table of each level: nothing lost, nothing twice. */
static void gup_fast_table_edge(struct kunit *test)
{
	const struct fast_level *p = test->param_value;
	struct gk_range *r = gk_map(test, &p->shape, 0);
	unsigned int half = r->nr / 2;
	unsigned int i;

	/* Then the tables behind the edge are not there yet. */
	gk_fault(r, 0, half, true);
	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast)
			continue;
		fast_expect(fast_without_slow(r, i, FOLL_WRITE, 0,
					      r->nr), half);
		fast_expect_some(fast_without_slow(r, i, 0, half, 1),
				 0, -EINTR);
	}

	gk_fault(r, half, half, true);
	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast)
			continue;
		fast_expect(fast_without_slow(r, i, FOLL_WRITE, 0,
					      r->nr), r->nr);
		fast_expect(fast_without_slow(r, i, 0, half - 1, 1), 1);
		fast_expect(fast_without_slow(r, i, 0, half - 1, 2), 2);
		fast_expect(fast_without_slow(r, i, 0, half, 1), 1);
	}

	/* Of what is mapped beyond the edge nothing counts for a page before it. */
	gk_cut_drop(r, half - 1);
	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast)
			continue;
		fast_expect(fast_without_slow(r, i, FOLL_WRITE, 0,
					      r->nr), half - 1);
		fast_expect_some(fast_without_slow(r, i, 0, half - 1, half),
				 0, -EINTR);
	}
}

/*
 * What lies behind a page table in memory is none of GUP's business. Here it looks
 * like a page table, and its entries map a page that is somebody else's. A walk that
 * does not know where a table ends finds the next entry there: where levels are
 * folded, pmd_addr_end() and the like bound nothing.
 */

static void fast_free_page(void *page)
{
	put_page(page);
}

/* Entries for @page fill the memory behind the table that entry @i of @r is in. */
static void fast_plant(struct gk_range *r, unsigned int i, struct page *page)
{
	struct page *table = gk_two_pages(r->test);
	pte_t *entry = page_address(table + 1);
	unsigned int k;

	KUNIT_ASSERT_EQ(r->test, 0,
			kunit_add_action_or_reset(r->test, fast_free_page,
						  table + 1));
	for (k = 0; k < PTRS_PER_PTE; k++)
		entry[k] = pte_mkdirty(pte_mkyoung(pfn_pte(page_to_pfn(page),
							   PAGE_SHARED)));
	KUNIT_ASSERT_TRUE(r->test, pte_access_permitted(entry[0], true));
	gk_move_table(r, i, table);
}

static const struct fast_behind {
	const char *name;
	bool mapped;		/* the next table maps the pages behind the edge */
	bool table;		/* there is a next table */
} fast_behinds[] = {
	{ "the next table maps other pages", true, true },
	{ "the next table is empty", false, true },
	{ "there is no next table", false, false },
};

KUNIT_ARRAY_PARAM_DESC(fast_behind, fast_behinds, name);

static void gup_fast_behind_table(struct kunit *test)
{
	const struct fast_behind *p = test->param_value;
	struct gk_range *r = gk_map(test, &fast_levels[0].shape, 0);
	struct page *page = gk_drv_page(gk_drv(test, 0, 1), 0);
	unsigned int half = r->nr / 2, before, i, k;
	struct gk_call *c;

	/* The last page of the next table is not part of what is asked for. */
	if (p->table)
		gk_fault(r, r->nr - 1, 1, true);
	if (p->mapped)
		gk_fault(r, half, half, true);
	gk_fault(r, 0, half, true);
	fast_plant(r, 0, page);
	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast)
			continue;
		for (before = 1; before <= half; before++)
			for (k = 1; k < half; k++) {
				c = fast_without_slow(r, i, FOLL_WRITE,
						      half - before,
						      before + k);
				GK_EXPECT(c, before,
					  "references to a page that is not mapped",
					  page_ref_count(page), 1);
				fast_expect(c, before + (p->mapped ? k : 0));
				if (c->wrong || page_ref_count(page) != 1)
					return;
			}
	}
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/*
 * The same for a leaf: the last pages of one folio, and the first of the next in the
 * address space, which is not the next in memory.
 */
static void fast_map_leaves(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, HPAGE_PMD_ORDER, 3 * HPAGE_PMD_NR);
	unsigned int next, nr = r->nr;

	/* Of two folios, one at most lies behind the first one in memory. */
	next = gk_drv_page(drv, HPAGE_PMD_NR) ==
	       gk_drv_page(drv, HPAGE_PMD_NR - 1) + 1 ? 2 : 1;
	r->nr = 3 * HPAGE_PMD_NR;
	gk_drv_mmap(r, drv, RW, MAP_SHARED);
	r->addr = ALIGN(r->addr, HPAGE_PMD_SIZE);
	gk_drv_insert_leaf(r, 0, drv->folios[0]);
	gk_drv_insert_leaf(r, HPAGE_PMD_NR, drv->folios[next]);
	r->nr = nr;
	r->addr = gk_addr(r, HPAGE_PMD_NR) - nr / 2 * PAGE_SIZE;
}

static void gup_fast_behind_leaf(struct kunit *test)
{
	static const struct gk_shape leaves = {
		.name = "leaves", .nr = 16, .map = fast_map_leaves,
	};
	const struct gk_api *api = test->param_value;
	unsigned int before, half, k;
	struct gk_range *r;
	struct gk_call *c;

	if (HPAGE_PMD_ORDER > 10)
		kunit_skip(test, "huge pages are too large");
	r = gk_map(test, &leaves, 0);
	half = r->nr / 2;
	for (before = 1; before <= half; before++)
		for (k = 1; k <= half; k++) {
			c = fast_without_slow(r, api - gk_apis, FOLL_WRITE,
					      half - before, before + k);
			fast_expect(c, before + k);
			if (c->wrong)
				return;
		}
}
#endif

/*
 * What GUP-fast takes
 */

/* A present page needs no slow path, by the traits of its shape. */
static void gup_fast_taken(struct kunit *test)
{
	const struct gk_shape *const *shape = test->param_value;
	static const struct {
		enum gk_api_id api;
		unsigned int flags, trait;
	} calls[] = {
		{ GK_GET_FAST_ONLY, 0, GK_FAST_READ },
		{ GK_GET_FAST_ONLY, FOLL_WRITE, GK_FAST_WRITE },
		{ GK_GET_FAST, 0, GK_FAST_READ },
		{ GK_GET_FAST, FOLL_WRITE, GK_FAST_WRITE },
		{ GK_GET_FAST, FOLL_WRITE | FOLL_FORCE | FOLL_NOFAULT |
			FOLL_HONOR_NUMA_FAULT, GK_FAST_WRITE },
		{ GK_PIN_FAST, 0, GK_FAST_PIN_READ },
		{ GK_PIN_FAST, FOLL_WRITE, GK_FAST_WRITE },
		{ GK_PIN_FAST, FOLL_WRITE | FOLL_FORCE | FOLL_NOFAULT |
			FOLL_HONOR_NUMA_FAULT, GK_FAST_WRITE },
	};
	struct gk_range *r = gk_map(test, *shape, 0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!((*shape)->traits & calls[i].trait))
			continue;
		fast_expect(fast_without_slow(r, calls[i].api,
					      calls[i].flags, 0, r->nr),
			    r->nr);
	}
}

/* get_user_pages_fast_only() with interrupts off: they stay off. */
static void gup_fast_only_irqs_off(struct kunit *test)
{
	const struct gk_shape *const *shape = test->param_value;
	struct gk_range *r = gk_map(test, *shape, 0);
	unsigned int foll = (*shape)->traits & GK_FAST_WRITE ? FOLL_WRITE : 0;
	struct gk_call *c = gk_prepare(r, GK_GET_FAST_ONLY, foll, 0, r->nr);
	unsigned long flags;
	bool off;

	local_irq_save(flags);
	gk_enter(c);
	off = irqs_disabled();
	local_irq_restore(flags);
	gk_done(c);

	GK_EXPECT(c, -1, "interrupts off", off, true);
	fast_expect(c, r->nr);
}

/* Nor does it wait for mmap_lock or, where lockdep is there to listen, say that it might. */
static void gup_fast_only_locked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *c = gk_prepare(r, GK_GET_FAST_ONLY, FOLL_WRITE, 0, r->nr);

	mmap_write_lock(r->mm);
	gk_signal(SIGKILL);
	gk_enter(c);
	gk_signal_clear();
	mmap_write_unlock(r->mm);
	gk_done(c);
	fast_expect(c, r->nr);
}

static const struct gk_shape *const fast_fresh_shapes[] = {
	&gk_anon_fresh, &gk_shmem_fresh,
};

static void fast_shape_desc(const struct gk_shape *const *shape, char *desc)
{
	strscpy(desc, (*shape)->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fast_fresh, fast_fresh_shapes, fast_shape_desc);

/* get_user_pages_fast_only() does not fault, with interrupts on or off. */
static void gup_fast_only_no_fault(struct kunit *test)
{
	const struct gk_shape *const *shape = test->param_value;
	struct gk_range *r = gk_map(test, *shape, 0);
	static const unsigned int foll[] = {
		0, FOLL_WRITE, FOLL_FORCE, FOLL_WRITE | FOLL_FORCE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(foll); i++) {
		struct gk_call *c;
		unsigned long flags;

		c = gk_prepare(r, GK_GET_FAST_ONLY, foll[i], 0, r->nr);
		local_irq_save(flags);
		gk_enter(c);
		local_irq_restore(flags);
		gk_done(c);
		fast_expect_refused(c, 0);
		fast_expect_absent(c, 0, r->nr);

		c = gk_gup(r, GK_GET_FAST_ONLY, foll[i]);
		fast_expect_refused(c, 0);
		fast_expect_absent(c, 0, r->nr);
	}
}

/* Nor does it ask a driver: up to the first hole, the pages are there. */
static void gup_fast_only_no_driver_fault(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_holes, 0);
	struct gk_drv *drv = gk_range_drv(r);
	struct gk_call *c;

	c = gk_gup(r, GK_GET_FAST_ONLY, FOLL_WRITE);
	fast_expect(c, 5);
	GK_EXPECT(c, 5, "calls of ->fault", drv->faults, 0);

	/* Whereas this one asks, once. */
	c = gk_gup(r, GK_GET_FAST, FOLL_WRITE);
	fast_expect(c, 5);
	GK_EXPECT(c, 5, "calls of ->fault", drv->faults, 1);
}

/* FOLL_NOFAULT: what is present, through either path, and no fault. */
static void gup_fast_nofault(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	enum gk_api_id id = api - gk_apis;
	unsigned int flags = FOLL_WRITE | FOLL_NOFAULT;
	struct gk_range *r;
	struct gk_call *c;
	unsigned int i;

	r = gk_map(test, &gk_anon_written, 0);
	fast_expect(gk_gup(r, id, flags), r->nr);

	r = gk_map(test, &gk_anon_fresh, 0);
	c = gk_gup(r, id, flags);
	fast_expect_some(c, 0, -EFAULT);
	fast_expect_absent(c, 0, r->nr);

	r = gk_map(test, &gk_drv_holes, 0);
	c = gk_gup(r, id, flags);
	fast_expect(c, 5);
	GK_EXPECT(c, 5, "calls of ->fault", gk_range_drv(r)->faults, 0);

	/* Present, but it takes a fault to write: not to read. */
	r = gk_map(test, &fast_wrprotected, 0);
	c = gk_gup(r, id, flags);
	fast_expect_some(c, 0, -EFAULT);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "pte_write()", pte_write(gk_pte(r, i)), 0);
	fast_expect(gk_gup(r, id, FOLL_NOFAULT), r->nr);

	/* A R/O pin of a shared page would have to unshare it. */
	r = gk_map(test, &gk_anon_shared, 0);
	fast_expect_some(gk_gup(r, id, FOLL_NOFAULT),
			 api->pins ? 0 : r->nr, -EFAULT);
}

/* Folios of each order, runs of pages that end where folios do, and beside. */
struct fast_order {
	const char *name;
	struct gk_shape shape;
};

static const struct fast_order fast_orders[] = {
	{ "order 0", { "drv_private_0", 4, 0, fast_map_drv_private, 0 } },
	{ "order 2", { "drv_private_2", 12, 0, fast_map_drv_private, 2 } },
	{ "order 4", { "drv_private_4", 48, 0, fast_map_drv_private, 4 } },
	{ "order 9", { "drv_private_9", 1024, 0, fast_map_drv_private, 9 } },
};

KUNIT_ARRAY_PARAM_DESC(fast_order, fast_orders, name);

static void fast_expect_run(struct gk_range *r, unsigned int first,
			    unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast)
			continue;
		fast_expect(fast_without_slow(r, i, 0, first, nr), nr);
	}
}

static void gup_fast_large_folios(struct kunit *test)
{
	const struct fast_order *p = test->param_value;
	struct gk_range *r = gk_map(test, &p->shape, 0);
	unsigned int nr = 1U << p->shape.arg;
	const unsigned int firsts[] = { 0, 1, nr - 1, nr };
	const unsigned int lengths[] = { 1, 2, nr - 1, nr, nr + 1 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(firsts); i++)
		for (j = 0; j < ARRAY_SIZE(lengths); j++)
			/* Of an order 0 folio, nr - 1 pages are none. */
			if (lengths[j] && firsts[i] + lengths[j] <= r->nr)
				fast_expect_run(r, firsts[i], lengths[j]);
}

/* A folio of which only the inside is mapped. */
static void gup_fast_part_of_folio(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	enum gk_api_id id = api - gk_apis;
	struct gk_range *r = gk_map(test, &fast_inner, 0);

	fast_expect(fast_without_slow(r, id, FOLL_WRITE, 0, r->nr), r->nr);
	fast_expect(fast_without_slow(r, id, FOLL_WRITE, 4, 1), 1);
}

/* The same page at every entry is taken once for each. */
static void gup_fast_same_page(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r;

	r = gk_map(test, &fast_one_page, 0);
	fast_expect(fast_without_slow(r, api - gk_apis, FOLL_WRITE, 0,
				      r->nr), r->nr);
	r = gk_map(test, &fast_one_tail_page, 0);
	fast_expect(fast_without_slow(r, api - gk_apis, FOLL_WRITE, 0,
				      r->nr), r->nr);
}

/* The folios that were taken are marked referenced, and no other. */
static void gup_fast_referenced(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	static const struct gk_shape *const shapes[] = {
		&gk_anon_written, &gk_shmem_written, &gk_drv_order2,
	};
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct gk_range *r = gk_map(test, shapes[i], 0);
		struct gk_call *c;

		for (k = 0; k < r->nr; k++)
			folio_clear_referenced(page_folio(gk_page(r, k)));
		c = fast_without_slow(r, api - gk_apis, FOLL_WRITE, 4, 8);
		for (k = 0; k < r->nr; k++)
			GK_EXPECT(c, k, "folio_test_referenced()",
				  folio_test_referenced(page_folio(gk_page(r, k))),
				  k >= 4 && k < 12);
		fast_expect(c, 8);
	}
}

/* A pin marks its mm, for fork() to see; a reference does not. */
static void gup_fast_marks_mm(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *c;

	KUNIT_ASSERT_FALSE(test, fast_has_pinned(r));
	c = gk_gup(r, api - gk_apis, FOLL_WRITE);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED", fast_has_pinned(r), api->pins);
	fast_expect(c, r->nr);
	/* Once pinned, for good. */
	GK_EXPECT(c, -1, "MMF_HAS_PINNED after the release",
		  fast_has_pinned(r), api->pins);
}

/*
 * What GUP-fast leaves to the slow path
 */

/**
 * struct fast_left - calls that GUP-fast must not satisfy
 * @want: what the slow path then returns, 0: all pages
 */
struct fast_left {
	const char *name;
	const struct gk_shape *shape;
	enum gk_api_id api;
	unsigned int flags;
	long want;
};

#define GET	GK_GET_FAST
#define PIN	GK_PIN_FAST

static const struct fast_left fast_lefts[] = {
	/* read-only entries */
	{ "read-only entry, get to write", &fast_wrprotected, GET,
		FOLL_WRITE },
	{ "read-only entry, pin to write", &fast_wrprotected, PIN,
		FOLL_WRITE },
	{ "read-only VMA, get to write", &gk_anon_readonly, GET, FOLL_WRITE,
		-EFAULT },
	{ "read-only VMA, pin to write", &gk_anon_readonly, PIN, FOLL_WRITE,
		-EFAULT },
	{ "read-only VMA, get to write by force", &gk_anon_readonly, GET,
		FOLL_WRITE | FOLL_FORCE },
	{ "read-only VMA, pin to write by force", &gk_anon_readonly, PIN,
		FOLL_WRITE | FOLL_FORCE },
	{ "private file page, get to write", &gk_file_private, GET,
		FOLL_WRITE },
	{ "private file page, pin to write", &gk_file_private, PIN,
		FOLL_WRITE },
	/* pages that a child shares */
	{ "shared page, get to write", &gk_anon_shared, GET, FOLL_WRITE },
	{ "shared page, pin to write", &gk_anon_shared, PIN, FOLL_WRITE },
	{ "shared page, pin", &gk_anon_shared, PIN },
	/* long-term pins */
	{ "driver's page, long-term pin to write", &gk_drv_order0, PIN,
		FOLL_LONGTERM | FOLL_WRITE },
	{ "driver's large folio, long-term pin to write", &gk_drv_order4, PIN,
		FOLL_LONGTERM | FOLL_WRITE },
	{ "private driver's page, long-term pin", &fast_drv_private, PIN,
		FOLL_LONGTERM },
};

KUNIT_ARRAY_PARAM_DESC(fast_left, fast_lefts, name);

static void gup_fast_left_to_slow(struct kunit *test)
{
	const struct fast_left *p = test->param_value;
	struct gk_range *r = gk_map(test, p->shape, 0);

	fast_expect_refused(fast_without_slow(r, p->api, p->flags, 0,
					      r->nr),
			    p->want ?: -EINTR);
	if (!gk_apis[p->api].pins)
		fast_expect_refused(gk_gup(r, GK_GET_FAST_ONLY, p->flags), 0);

	if (p->want)
		fast_expect_refused(gk_gup(r, p->api, p->flags), p->want);
	else
		fast_expect(gk_gup(r, p->api, p->flags), r->nr);
}

/* PROT_NONE pages are present, but nobody may access them. */
static void gup_fast_prot_none(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	enum gk_api_id id = api - gk_apis;
	struct gk_range *r = gk_map(test, &gk_prot_none, 0);
	static const unsigned int foll[] = {
		0, FOLL_WRITE, FOLL_NOFAULT, FOLL_HONOR_NUMA_FAULT,
		FOLL_FORCE, FOLL_WRITE | FOLL_FORCE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(foll); i++) {
		bool force = foll[i] & FOLL_FORCE;

		fast_expect_some(fast_without_slow(r, id, foll[i], 0,
						   r->nr),
				 0, force ? -EINTR : -EFAULT);
		/* A debugger may, but through the slow path. */
		fast_expect_some(gk_gup(r, id, foll[i]),
				 force && !api->only ? r->nr : 0, -EFAULT);
	}
}

struct fast_special {
	const char *name;
	const struct gk_shape *shape;
	bool mprotect;
	unsigned int flags;
	long want;
};

static const struct fast_special fast_specials[] = {
	{ "zero page", &gk_anon_zero },
	{ "zero page, after mprotect()", &gk_anon_zero, true },
	{ "pfnmap", &gk_pfnmap, false, 0, -EFAULT },
	{ "pfnmap, to write", &gk_pfnmap, false, FOLL_WRITE, -EFAULT },
	{ "pfnmap, after mprotect()", &gk_pfnmap, true, 0, -EFAULT },
	{ "pfnmap, to write, after mprotect()", &gk_pfnmap, true, FOLL_WRITE,
		-EFAULT },
};

KUNIT_ARRAY_PARAM_DESC(fast_special, fast_specials, name);

/* Entries whose struct page must not be used, or not without a thought. */
static void gup_fast_special_pte(struct kunit *test)
{
	const struct fast_special *p = test->param_value;
	struct gk_range *r = gk_map(test, p->shape, 0);
	unsigned int i;

	if (p->mprotect) {
		gk_protect(r, 0, r->nr, PROT_READ);
		gk_protect(r, 0, r->nr, RW);
	}
	for (i = 0; i < GK_NR_APIS; i++) {
		if (!gk_apis[i].fast)
			continue;
		fast_expect_some(fast_without_slow(r, i, p->flags, 0,
						   r->nr),
				 0, p->want ?: -EINTR);
		fast_expect_some(gk_gup(r, i, p->flags),
				 p->want || gk_apis[i].only ? 0 : r->nr,
				 p->want);
	}
}

/* A long-term pin of movable pages: the slow path has to migrate them. */
static void gup_fast_longterm_movable(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	unsigned int flags = FOLL_WRITE | FOLL_LONGTERM;
	struct gk_call *c;
	long k;

	if (folio_is_longterm_pinnable(page_folio(gk_page(r, 0))))
		kunit_skip(test, "no ZONE_MOVABLE or CMA for anonymous memory");

	fast_expect_refused(fast_without_slow(r, GK_PIN_FAST, flags, 0,
					      r->nr), -EINTR);
	/* Only a long-term pin matters. */
	fast_expect(fast_without_slow(r, GK_PIN_FAST, FOLL_WRITE, 0,
				      r->nr), r->nr);

	c = gk_gup(r, GK_PIN_FAST, flags);
	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "folio_is_longterm_pinnable()",
			  folio_is_longterm_pinnable(page_folio(c->pages[k])),
			  true);
	fast_expect(c, r->nr);

	/* They have moved: from now on GUP-fast will do, also R/O. */
	fast_expect(fast_without_slow(r, GK_PIN_FAST, flags, 0, r->nr), r->nr);
	fast_expect(fast_without_slow(r, GK_PIN_FAST, FOLL_LONGTERM, 0,
				      r->nr), r->nr);
}

/* Long-term pins of a driver's folios that nothing speaks against. */
static void gup_fast_longterm_driver(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 0);

	fast_expect(fast_without_slow(r, GK_PIN_FAST, FOLL_LONGTERM, 0,
				      r->nr), r->nr);
	fast_expect(fast_without_slow(r, GK_PIN_FAST, FOLL_WRITE, 0,
				      r->nr), r->nr);
}

struct fast_run {
	const char *name;
	const struct gk_shape *shape;
	enum gk_api_id api;
	unsigned int flags;
	unsigned int first;
	unsigned int want;	/* by GUP-fast alone, from @first to the end */
};

/*
 * drv_mixed: of eight entries, 0, 3 and 4 are read-only. drv_large_cow: page
 * 16 and the last one are anonymous and writable, the others read-only.
 */
static const struct fast_run fast_runs[] = {
	{ "mixed permissions, get from 0", &gk_drv_mixed, GET, FOLL_WRITE, 0, 0 },
	{ "mixed permissions, get from 1", &gk_drv_mixed, GET, FOLL_WRITE, 1, 2 },
	{ "mixed permissions, get from 5", &gk_drv_mixed, GET, FOLL_WRITE, 5, 3 },
	{ "mixed permissions, pin from 0", &gk_drv_mixed, PIN, FOLL_WRITE, 0, 0 },
	{ "mixed permissions, pin from 1", &gk_drv_mixed, PIN, FOLL_WRITE, 1, 2 },
	{ "mixed permissions, pin from 5", &gk_drv_mixed, PIN, FOLL_WRITE, 5, 3 },
	{ "copied page, get from it", &gk_drv_large_cow, GET, FOLL_WRITE, 16, 1 },
	{ "copied page, pin from it", &gk_drv_large_cow, PIN, FOLL_WRITE, 16, 1 },
	{ "copied page, pin before it", &gk_drv_large_cow, PIN, FOLL_WRITE, 15,
		0 },
	{ "copied page, long-term pin", &gk_drv_large_cow, PIN, FOLL_LONGTERM,
		0, 0 },
	{ "half shared, pin", &gk_anon_mixed, PIN, 0, 0, 2 },
	{ "half shared, get", &gk_anon_mixed, GET, 0, 0, 5 },
	{ "half shared, get to write", &gk_anon_mixed, GET, FOLL_WRITE, 0, 1 },
};

KUNIT_ARRAY_PARAM_DESC(fast_run, fast_runs, name);

/* Entries of one folio differ: GUP-fast stops at the first it may not take. */
static void gup_fast_mixed(struct kunit *test)
{
	const struct fast_run *p = test->param_value;
	struct gk_range *r = gk_map(test, p->shape, 0);
	long nr = r->nr - p->first;

	fast_expect_some(fast_without_slow(r, p->api, p->flags,
					   p->first, nr),
			 p->want, -EINTR);
	if (!gk_apis[p->api].pins)
		fast_expect_some(gk_gup_part(r, GK_GET_FAST_ONLY, p->flags,
					     p->first, nr), p->want, 0);
	/* And the slow path has the rest. */
	fast_expect(gk_gup_part(r, p->api, p->flags, p->first, nr), nr);
}

/*
 * While fork() write-protects the pages of this mm, GUP-fast must not pin any:
 * it could miss that a page becomes shared. References do not care.
 */
static void gup_fast_during_fork(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	enum gk_api_id id = api - gk_apis;
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *alone[2], *whole[2];
	unsigned int i;

	/* fork() also has the mmap_lock: the slow path would wait for it. */
	raw_write_seqcount_begin(&r->mm->write_protect_seq);
	for (i = 0; i < 2; i++) {
		alone[i] = fast_without_slow(r, id, i ? FOLL_WRITE : 0, 0,
					     r->nr);
		gk_release(alone[i]);
		whole[i] = gk_gup(r, id, i ? FOLL_WRITE : 0);
		gk_release(whole[i]);
	}
	raw_write_seqcount_end(&r->mm->write_protect_seq);

	for (i = 0; i < 2; i++) {
		gk_expect_ret(alone[i], api->pins ? -EINTR : (long)r->nr);
		gk_expect_ret(whole[i], r->nr);
		gk_expect_restored(whole[i]);
	}

	/* Afterwards GUP-fast pins again. */
	fast_expect(fast_without_slow(r, id, FOLL_WRITE, 0, r->nr), r->nr);
}

static struct kunit_suite gup_fast_suite = {
	.name = "gup_fast",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_fast_empty_range, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_negative_range, gk_fast_api_params),
#ifdef CONFIG_64BIT
		KUNIT_CASE_PARAM(gup_fast_wide_range, gk_fast_api_params),
#else
		KUNIT_CASE_PARAM(gup_fast_wrapped_range, gk_fast_api_params),
#endif
		KUNIT_CASE_PARAM(gup_fast_overflow, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_past_task_size, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_unaligned, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_flags_refused, fast_bad_flags_gen_params),
		KUNIT_CASE_PARAM(gup_fast_partial, fast_stop_params),
		KUNIT_CASE_PARAM(gup_fast_resumed, fast_place_gen_params),
		KUNIT_CASE_PARAM(gup_fast_resumed_partial, fast_place_gen_params),
		KUNIT_CASE_PARAM(gup_fast_table_edge, fast_level_gen_params),
		KUNIT_CASE_PARAM(gup_fast_behind_table, fast_behind_gen_params),
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
		KUNIT_CASE_PARAM(gup_fast_behind_leaf, gk_fast_api_params),
#endif
		KUNIT_CASE_PARAM(gup_fast_taken, fast_shape_params),
		KUNIT_CASE_PARAM(gup_fast_only_irqs_off, fast_shape_params),
		KUNIT_CASE(gup_fast_only_locked),
		KUNIT_CASE_PARAM(gup_fast_only_no_fault, fast_fresh_gen_params),
		KUNIT_CASE(gup_fast_only_no_driver_fault),
		KUNIT_CASE_PARAM(gup_fast_nofault, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_large_folios, fast_order_gen_params),
		KUNIT_CASE_PARAM(gup_fast_part_of_folio, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_same_page, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_referenced, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_marks_mm, gk_api_params),
		KUNIT_CASE_PARAM(gup_fast_left_to_slow, fast_left_gen_params),
		KUNIT_CASE_PARAM(gup_fast_prot_none, gk_fast_api_params),
		KUNIT_CASE_PARAM(gup_fast_special_pte, fast_special_gen_params),
		KUNIT_CASE(gup_fast_longterm_movable),
		KUNIT_CASE(gup_fast_longterm_driver),
		KUNIT_CASE_PARAM(gup_fast_mixed, fast_run_gen_params),
		KUNIT_CASE_PARAM(gup_fast_during_fork, gk_fast_api_params),
		{}
	},
};

kunit_test_suite(gup_fast_suite);
