// SPDX-License-Identifier: GPL-2.0-only
/*
 * Releasing pins: every function that does, in any order, in parts, with holes
 * and errors in its arguments; what it dirties; and adding pins to pinned
 * folios. As many pins are released as were acquired.
 */
#include <kunit/resource.h>
#include <linux/gcd.h>
#include <linux/mman.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

/*
 * Folios of several orders, one behind the other in memory, for the range
 * forms: they go from page to page without a look at what is mapped.
 */
#define UNPIN_ORDER	4

static const u8 unpin_orders[] = { 2, 0, 0, 1, 3 };

static void unpin_map_row(struct gk_range *r)
{
	struct page *page = gk_folios_in_a_row(r->test, unpin_orders,
					       ARRAY_SIZE(unpin_orders));
	unsigned int i;

	gk_drv_mmap(r, gk_drv(r->test, 0, 1), RW, MAP_SHARED);
	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, page + i);
}

static const struct gk_shape unpin_row = {
	.name = "row_of_orders", .nr = 1 << UNPIN_ORDER, .map = unpin_map_row,
	.traits = GK_READ | GK_WRITE | GK_LARGE,
};

/*
 * Ways to give back what a call has pinned: c->ret pages of c->pages.
 */

/* The pages from @i on that follow each other in memory. */
static long unpin_run(struct gk_call *c, long i)
{
	long k;

	for (k = i + 1; k < c->ret; k++)
		if (page_to_pfn(c->pages[k]) != page_to_pfn(c->pages[k - 1]) + 1)
			break;
	return k - i;
}

static void unpin_one_by_one(struct gk_call *c)
{
	long k;

	for (k = 0; k < c->ret; k++)
		unpin_user_page(c->pages[k]);
}

static void unpin_backwards(struct gk_call *c)
{
	long k;

	for (k = c->ret - 1; k >= 0; k--)
		unpin_user_page(c->pages[k]);
}

static void unpin_array(struct gk_call *c)
{
	unpin_user_pages(c->pages, c->ret);
}

/* In parts that do not end where folios end. */
static void unpin_array_parts(struct gk_call *c)
{
	long k;

	for (k = 0; k < c->ret; k += 3)
		unpin_user_pages(c->pages + k, min(3L, c->ret - k));
}

static void *unpin_memdup(struct kunit *test, const void *src, size_t len)
{
	void *copy = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	return memcpy(copy, src, len);
}

/* An order of the array in which no page follows its predecessor. */
static void unpin_shuffle(struct gk_call *c)
{
	struct page **copy;
	long k, step = 7;

	if (c->ret <= 0)
		return;
	while (gcd(c->ret, step) != 1)
		step++;
	copy = unpin_memdup(c->r->test, c->pages, c->ret * sizeof(*copy));
	for (k = 0; k < c->ret; k++)
		c->pages[k] = copy[(k * step + 3) % c->ret];
}

static void unpin_array_shuffled(struct gk_call *c)
{
	unpin_shuffle(c);
	unpin_user_pages(c->pages, c->ret);
}

static void unpin_array_clean(struct gk_call *c)
{
	unpin_user_pages_dirty_lock(c->pages, c->ret, false);
}

static void unpin_array_dirty(struct gk_call *c)
{
	unpin_user_pages_dirty_lock(c->pages, c->ret, true);
}

static void unpin_array_dirty_shuffled(struct gk_call *c)
{
	unpin_shuffle(c);
	unpin_user_pages_dirty_lock(c->pages, c->ret, true);
}

static void unpin_ranges(struct gk_call *c, bool make_dirty)
{
	long k, n;

	for (k = 0; k < c->ret; k += n) {
		n = unpin_run(c, k);
		unpin_user_page_range_dirty_lock(c->pages[k], n, make_dirty);
	}
}

static void unpin_ranges_clean(struct gk_call *c)
{
	unpin_ranges(c, false);
}

static void unpin_ranges_dirty(struct gk_call *c)
{
	unpin_ranges(c, true);
}

/* For each folio as many pages as the array has of it in a row. */
static void unpin_by_folio(struct gk_call *c)
{
	struct folio *folio;
	long k, n;

	for (k = 0; k < c->ret; k += n) {
		folio = page_folio(c->pages[k]);
		for (n = 1; k + n < c->ret; n++)
			if (page_folio(c->pages[k + n]) != folio)
				break;
		unpin_user_folio(folio, n);
	}
}

static void unpin_folio_each(struct gk_call *c)
{
	long k;

	for (k = 0; k < c->ret; k++)
		unpin_folio(page_folio(c->pages[k]));
}

/* The array as an array of folios, many of them several times. */
static struct folio **unpin_folio_array(struct gk_call *c)
{
	struct folio **folios = kunit_kcalloc(c->r->test, max(c->ret, 1L),
					      sizeof(*folios), GFP_KERNEL);
	long k;

	KUNIT_ASSERT_NOT_NULL(c->r->test, folios);
	for (k = 0; k < c->ret; k++)
		folios[k] = page_folio(c->pages[k]);
	return folios;
}

static void unpin_folios_array(struct gk_call *c)
{
	unpin_folios(unpin_folio_array(c), c->ret);
}

static void unpin_folios_shuffled(struct gk_call *c)
{
	unpin_shuffle(c);
	unpin_folios(unpin_folio_array(c), c->ret);
}

static const struct unpin_way {
	const char *name;
	void (*release)(struct gk_call *c);
} unpin_ways[] = {
	{ "user_page", unpin_one_by_one },
	{ "user_page_backwards", unpin_backwards },
	{ "user_pages", unpin_array },
	{ "user_pages_parts", unpin_array_parts },
	{ "user_pages_shuffled", unpin_array_shuffled },
	{ "dirty_lock_false", unpin_array_clean },
	{ "dirty_lock_true", unpin_array_dirty },
	{ "dirty_lock_shuffled", unpin_array_dirty_shuffled },
	{ "range_false", unpin_ranges_clean },
	{ "range_true", unpin_ranges_dirty },
	{ "user_folio", unpin_by_folio },
	{ "folio", unpin_folio_each },
	{ "folios", unpin_folios_array },
	{ "folios_shuffled", unpin_folios_shuffled },
};

static const struct gk_shape *const unpin_shapes[] = {
	&gk_anon_written, &gk_anon_mixed, &gk_shmem_written, &gk_drv_order0,
	&gk_drv_order2, &gk_drv_order4, &gk_drv_order9, &gk_drv_shuffled,
	&gk_drv_large_cow, &gk_drv_twice, &unpin_row,
};

/* Parameters: a way and a shape. */
static const void *unpin_way_shape_params(struct kunit *test, const void *prev,
					  char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev, ARRAY_SIZE(unpin_ways),
						  ARRAY_SIZE(unpin_shapes));

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s-%s",
			 unpin_ways[pair->row].name,
			 unpin_shapes[pair->column]->name);
	return pair;
}

KUNIT_ARRAY_PARAM_DESC(unpin_way, unpin_ways, name);

/* What the counters said at some point. */
struct unpin_stat {
	long acquired;
	long released;
};

static struct unpin_stat unpin_stat(void)
{
	return (struct unpin_stat){
		.acquired = gk_stat(NR_FOLL_PIN_ACQUIRED),
		.released = gk_stat(NR_FOLL_PIN_RELEASED),
	};
}

static void unpin_expect_stat(struct gk_call *c, struct unpin_stat was,
			      long acquired, long released)
{
	GK_EXPECT(c, -1, "nr_foll_pin_acquired gained",
		  gk_stat(NR_FOLL_PIN_ACQUIRED) - was.acquired, acquired);
	GK_EXPECT(c, -1, "nr_foll_pin_released gained",
		  gk_stat(NR_FOLL_PIN_RELEASED) - was.released, released);
}

/*
 * The folio of page @i of the range has @pins pins, and of references only
 * those that it had before @c and those of the pins.
 */
static void unpin_expect_left(struct gk_call *c, unsigned int i, int pins)
{
	struct folio *folio = page_folio(c->pages[i]);

	GK_EXPECT(c, i, "refcount", folio_ref_count(folio),
		  c->before[c->first + i].refs +
		  gk_refs_wanted(c->api, folio, pins));
	if (folio_has_pincount(folio))
		GK_EXPECT(c, i, "pincount", atomic_read(&folio->_pincount),
			  c->before[c->first + i].pins + pins);
}

/* Nothing was released. */
static void unpin_expect_kept(struct gk_call *c, struct unpin_stat was)
{
	struct gk_entry *now = gk_snapshot(c->r);
	unsigned int i;

	unpin_expect_stat(c, was, 0, 0);
	for (i = 0; i < c->r->nr; i++) {
		GK_EXPECT(c, i, "refcount", now[i].refs, c->pinned[i].refs);
		GK_EXPECT(c, i, "pincount", now[i].pins, c->pinned[i].pins);
	}
}

static void unpin_expect_maybe_pinned(struct gk_call *c, bool maybe)
{
	unsigned int i;

	for (i = 0; i < c->r->nr; i++)
		GK_EXPECT(c, i, "folio_maybe_dma_pinned",
			  folio_maybe_dma_pinned(page_folio(gk_page(c->r, i))), maybe);
}

/*
 * All of it
 */

/* Each way gives back exactly what was taken, for folios of any kind. */
static void gup_unpin_all(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;
	struct gk_range *r = gk_map(test, unpin_shapes[pair->column], 0);
	struct gk_call *c = gk_gup(r, GK_PIN_UNLOCKED, FOLL_WRITE);
	struct unpin_stat was = unpin_stat();

	gk_expect_pinned(c, r->nr);
	unpin_ways[pair->row].release(c);
	unpin_expect_stat(c, was, 0, r->nr);
	gk_expect_restored(c);
}

/* Released once of two times, a folio is still pinned. */
static void gup_unpin_once_of_two(struct kunit *test)
{
	const struct unpin_way *way = test->param_value;
	struct gk_range *r = gk_map(test, &unpin_row, 0);
	struct gk_call *first = gk_gup(r, GK_PIN, FOLL_WRITE);
	struct gk_call *second = gk_gup(r, GK_PIN, FOLL_WRITE);

	gk_expect_pinned(second, r->nr);
	way->release(second);
	unpin_expect_maybe_pinned(first, true);
	gk_expect_restored(second);
	way->release(first);
	unpin_expect_maybe_pinned(first, false);
	gk_expect_restored(first);
}

/* Zero pages among others are left alone: nobody had them pinned. */
static void gup_unpin_zero_page(struct kunit *test)
{
	const struct unpin_way *way = test->param_value;
	struct folio *zero = page_folio(ZERO_PAGE(0));
	struct gk_range *r = gk_map(test, &gk_anon_zero, 0);
	int refs = folio_ref_count(zero);
	bool dirty = folio_test_dirty(zero);
	struct unpin_stat was;
	struct gk_call *c;

	gk_fault(r, 3, 2, true);
	gk_fault(r, r->nr - 1, 1, true);
	c = gk_gup(r, GK_PIN, 0);
	was = unpin_stat();
	gk_expect_pinned(c, r->nr);
	GK_EXPECT(c, 0, "is the zero page", is_zero_page(c->pages[0]), true);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired", c->acquired, 3);
	way->release(c);
	unpin_expect_stat(c, was, 0, 3);
	GK_EXPECT(c, 0, "refcount of the zero page", folio_ref_count(zero),
		  refs);
	gk_expect_restored(c);
	if (!dirty && folio_test_dirty(zero))
		folio_clear_dirty(zero);
}

/*
 * Parts
 */

static const struct unpin_part {
	const char *name;
	const struct gk_shape *shape;
	unsigned int first;
	unsigned int nr;
} unpin_parts[] = {
	{ "order2_head", &gk_drv_order2, 0, 1 },
	{ "order2_tail", &gk_drv_order2, 3, 1 },
	{ "order2_across", &gk_drv_order2, 3, 2 },
	{ "order4_middle", &gk_drv_order4, 5, 6 },
	{ "order4_across_two_edges", &gk_drv_order4, 10, 25 },
	{ "order9_half", &gk_drv_order9, 0, 256 },
	{ "order9_all_but_one", &gk_drv_order9, 1, 511 },
	{ "twice", &gk_drv_twice, 7, 5 },
	{ "row_across_orders", &unpin_row, 3, 8 },
	{ "row_within_order3", &unpin_row, 10, 4 },
	{ "row_from_order0", &unpin_row, 5, 11 },
	{ "anon", &gk_anon_written, 5, 3 },
};

/* Parameters: a way and a part. */
static const void *unpin_part_params(struct kunit *test, const void *prev,
				     char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev, ARRAY_SIZE(unpin_ways),
						  ARRAY_SIZE(unpin_parts));

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s-%s",
			 unpin_ways[pair->row].name,
			 unpin_parts[pair->column].name);
	return pair;
}

/* Pages [first, first + nr) of what @c pinned, as a call of their own. */
static struct gk_call *unpin_slice(struct gk_call *c, unsigned int first,
				   unsigned int nr)
{
	struct gk_call *slice = unpin_memdup(c->r->test, c, sizeof(*c));

	slice->pages = unpin_memdup(c->r->test, c->pages + first,
				    (nr ?: 1) * sizeof(*c->pages));
	slice->ret = nr;
	return slice;
}

/* How many of the pages that @c pinned are of @folio, but for [first, +nr). */
static int unpin_others(struct gk_call *c, struct folio *folio,
			unsigned int first, unsigned int nr)
{
	unsigned int k;
	int n = 0;

	for (k = 0; k < c->ret; k++)
		if (k < first || k >= first + nr)
			n += page_folio(c->pages[k]) == folio;
	return n;
}

/* Some pages of a folio, then the rest: the count is exact in between. */
static void gup_unpin_part(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;
	const struct unpin_part *p = &unpin_parts[pair->column];
	const struct unpin_way *way = &unpin_ways[pair->row];
	struct gk_range *r = gk_map(test, p->shape, 0);
	struct gk_call *c = gk_gup(r, GK_PIN, FOLL_WRITE);
	struct unpin_stat was = unpin_stat();
	struct folio *folio, *last = NULL;
	unsigned int i;

	gk_expect_pinned(c, r->nr);
	KUNIT_ASSERT_EQ(test, c->ret, r->nr);
	way->release(unpin_slice(c, p->first, p->nr));
	unpin_expect_stat(c, was, 0, p->nr);
	for (i = 0; i < r->nr; i++) {
		folio = page_folio(c->pages[i]);
		if (folio == last)
			continue;
		last = folio;
		unpin_expect_left(c, i, unpin_others(c, folio, p->first, p->nr));
	}
	way->release(unpin_slice(c, 0, p->first));
	way->release(unpin_slice(c, p->first + p->nr,
				 r->nr - p->first - p->nr));
	unpin_expect_stat(c, was, 0, r->nr);
	gk_expect_restored(c);
}

/* A small folio that was pinned many times, released by its folio. */
static void gup_unpin_folio_pinned_often(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order0, 1);
	struct gk_call *c[5];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = gk_gup(r, GK_PIN_FAST, FOLL_WRITE);
		gk_expect_pinned(c[i], 1);
	}
	unpin_user_folio(page_folio(c[0]->pages[0]), 3);
	unpin_expect_left(c[0], 0, 2);
	unpin_user_folio(page_folio(c[0]->pages[0]), 2);
	unpin_expect_left(c[0], 0, 0);
	gk_expect_restored(c[0]);
}

/*
 * Holes and errors
 */

static bool unpin_hole_first(unsigned int i, unsigned int nr)
{
	return i == 0;
}

static bool unpin_hole_first_half(unsigned int i, unsigned int nr)
{
	return i < nr / 2;
}

static bool unpin_hole_second(unsigned int i, unsigned int nr)
{
	return i == 1;
}

static bool unpin_hole_middle(unsigned int i, unsigned int nr)
{
	return i >= nr / 2 - 1 && i < nr / 2 + 3;
}

static bool unpin_hole_last(unsigned int i, unsigned int nr)
{
	return i == nr - 1;
}

static bool unpin_hole_all_but_last(unsigned int i, unsigned int nr)
{
	return i < nr - 1;
}

static bool unpin_hole_odd(unsigned int i, unsigned int nr)
{
	return i % 2;
}

static bool unpin_hole_ends(unsigned int i, unsigned int nr)
{
	return i < 2 || i >= nr - 2;
}

static bool unpin_hole_all(unsigned int i, unsigned int nr)
{
	return true;
}

/* @leading: nothing but a start of the array is NULL. */
static const struct unpin_hole {
	const char *name;
	bool (*hole)(unsigned int i, unsigned int nr);
	bool leading;
} unpin_holes[] = {
	{ "first", unpin_hole_first, true },
	{ "first_half", unpin_hole_first_half, true },
	{ "all_but_last", unpin_hole_all_but_last, true },
	{ "all", unpin_hole_all, true },
	{ "second", unpin_hole_second },
	{ "middle", unpin_hole_middle },
	{ "last", unpin_hole_last },
	{ "odd", unpin_hole_odd },
	{ "ends", unpin_hole_ends },
};

/*
 * The functions that take NULL anywhere. Before the fix some took it at the
 * start of the array: @crashed_leading says which did not even do that.
 */
static const struct unpin_null_way {
	const char *name;
	void (*release)(struct gk_call *c);
	bool crashed_leading;
} unpin_null_ways[] = {
	{ "user_pages", unpin_array },
	{ "dirty_lock_false", unpin_array_clean },
	{ "dirty_lock_true", unpin_array_dirty, true },
};

static const struct gk_shape *const unpin_null_shapes[] = {
	&gk_anon_written, &gk_drv_order4,
};

/* Parameters: a way, and a shape with a hole. */
static const struct unpin_null_way *unpin_null_way(const struct gk_pair *pair)
{
	return &unpin_null_ways[pair->row];
}

static const struct gk_shape *unpin_null_shape(const struct gk_pair *pair)
{
	return unpin_null_shapes[pair->column / ARRAY_SIZE(unpin_holes)];
}

static const struct unpin_hole *unpin_hole(const struct gk_pair *pair)
{
	return &unpin_holes[pair->column % ARRAY_SIZE(unpin_holes)];
}

/* Is it one that unpin_user_pages() dereferenced, before the fix? */
static bool unpin_null_crashed(const struct gk_pair *pair)
{
	return !unpin_hole(pair)->leading ||
	       unpin_null_way(pair)->crashed_leading;
}

static const void *unpin_null_next(const void *prev, char *desc, bool crashed)
{
	const struct gk_pair *pair = prev;

	do {
		pair = gk_next_pair(pair, ARRAY_SIZE(unpin_null_ways),
				    ARRAY_SIZE(unpin_null_shapes) *
				    ARRAY_SIZE(unpin_holes));
	} while (pair && unpin_null_crashed(pair) != crashed);
	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s-%s-%s",
			 unpin_null_way(pair)->name,
			 unpin_null_shape(pair)->name, unpin_hole(pair)->name);
	return pair;
}

static const void *unpin_null_first_params(struct kunit *test, const void *prev,
					   char *desc)
{
	return unpin_null_next(prev, desc, false);
}

static const void *unpin_null_any_params(struct kunit *test, const void *prev,
					 char *desc)
{
	return unpin_null_next(prev, desc, true);
}

/* In an array of 16, of pages or of folios. How many there are. */
static unsigned int unpin_make_holes(const struct unpin_hole *p, void **array)
{
	unsigned int i, holes = 0;

	for (i = 0; i < 16; i++) {
		if (!p->hole(i, 16))
			continue;
		array[i] = NULL;
		holes++;
	}
	return holes;
}

/* What was not released because it was not in the array. */
static void unpin_passed_over(const struct unpin_hole *p, struct gk_call *c)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		if (p->hole(i, 16))
			unpin_user_page(c->pages[i]);
}

/* NULL entries are passed over, wherever they are; the others are released. */
static void unpin_null(struct kunit *test)
{
	const struct unpin_null_way *way = unpin_null_way(test->param_value);
	const struct unpin_hole *p = unpin_hole(test->param_value);
	struct gk_call *c, *holey;
	struct unpin_stat was;
	struct gk_range *r;
	unsigned int i, holes;

	r = gk_map(test, unpin_null_shape(test->param_value), 16);
	c = gk_gup(r, GK_PIN, FOLL_WRITE);
	was = unpin_stat();
	gk_expect_pinned(c, 16);
	KUNIT_ASSERT_EQ(test, c->ret, 16);
	holey = unpin_slice(c, 0, 16);
	holes = unpin_make_holes(p, (void **)holey->pages);
	way->release(holey);
	unpin_expect_stat(c, was, 0, 16 - holes);
	for (i = 0; i < 16; i++)
		unpin_expect_left(c, i,
				  folio_test_large(page_folio(c->pages[i])) ?
				  holes : p->hole(i, 16));
	unpin_passed_over(p, c);
	gk_expect_restored(c);
}

static void gup_unpin_null_first(struct kunit *test)
{
	unpin_null(test);
}

static void gup_unpin_null_anywhere(struct kunit *test)
{
	gk_may_crash(test);
	unpin_null(test);
}

/* The same for an array of folios. */
static void gup_unpin_null_folios(struct kunit *test)
{
	const struct unpin_hole *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_drv_order2, 0);
	struct gk_call *c = gk_gup(r, GK_PIN, FOLL_WRITE);
	struct folio **folios = unpin_folio_array(c);
	struct unpin_stat was = unpin_stat();
	unsigned int i, k, holes;

	gk_expect_pinned(c, 16);
	holes = unpin_make_holes(p, (void **)folios);
	unpin_folios(folios, 16);
	unpin_expect_stat(c, was, 0, 16 - holes);
	for (i = 0; i < 16; i += 4) {
		int left = 0;

		for (k = i; k < i + 4; k++)
			left += p->hole(k, 16);
		unpin_expect_left(c, i, left);
	}
	unpin_passed_over(p, c);
	gk_expect_restored(c);
}

KUNIT_ARRAY_PARAM_DESC(unpin_hole, unpin_holes, name);

static const struct unpin_error {
	const char *name;
	long npages;
} unpin_errors[] = {
	{ "EPERM", -EPERM },
	{ "EFAULT", -EFAULT },
	{ "ENOMEM", -ENOMEM },
	{ "MAX_ERRNO", -MAX_ERRNO },
};

KUNIT_ARRAY_PARAM_DESC(unpin_error, unpin_errors, name);

/* An error that a caller took for a number of pages: a warning, and nothing. */
static void gup_unpin_error(struct kunit *test)
{
	const struct unpin_error *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_drv_order2, 0);
	struct gk_call *c = gk_gup(r, GK_PIN, FOLL_WRITE);
	struct folio **folios = unpin_folio_array(c);
	struct unpin_stat was = unpin_stat();

	gk_expect_pinned(c, r->nr);
	kunit_warning_suppress(test) {
		unpin_user_pages(c->pages, p->npages);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
		unpin_user_pages_dirty_lock(c->pages, p->npages, false);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 2);
		unpin_folios(folios, p->npages);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 3);
	}
	unpin_expect_kept(c, was);
	gk_release(c);
	gk_expect_restored(c);
}

/* The same if there is something to mark dirty. */
static void gup_unpin_error_dirty(struct kunit *test)
{
	const struct unpin_error *p = test->param_value;
	struct gk_range *r;
	struct gk_call *c;
	struct unpin_stat was;

	gk_may_crash(test);
	r = gk_map(test, &gk_drv_order2, 0);
	c = gk_gup(r, GK_PIN, FOLL_WRITE);
	was = unpin_stat();
	gk_expect_pinned(c, r->nr);
	kunit_warning_suppress(test) {
		unpin_user_pages_dirty_lock(c->pages, p->npages, true);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	unpin_expect_kept(c, was);
	gk_release(c);
	gk_expect_restored(c);
}

/* No pages: nothing is released, and nothing dirtied. */
static void gup_unpin_none(struct kunit *test)
{
	const struct gk_shape *shape = *(const struct gk_shape **)
				       test->param_value;
	struct gk_range *r = gk_map(test, shape, 0);
	struct gk_call *c = gk_gup(r, GK_PIN, FOLL_WRITE);
	struct folio *folio = page_folio(gk_page(r, 0));
	struct folio **folios = unpin_folio_array(c);
	struct unpin_stat was = unpin_stat();

	gk_expect_pinned(c, r->nr);
	folio_clear_dirty(folio);
	unpin_user_pages(c->pages, 0);
	unpin_user_pages(NULL, 0);
	unpin_user_pages_dirty_lock(c->pages, 0, false);
	unpin_user_pages_dirty_lock(c->pages, 0, true);
	unpin_user_pages_dirty_lock(NULL, 0, true);
	unpin_user_page_range_dirty_lock(c->pages[0], 0, false);
	unpin_user_page_range_dirty_lock(c->pages[0], 0, true);
	unpin_user_folio(folio, 0);
	unpin_folios(folios, 0);
	unpin_folios(NULL, 0);
	unpin_expect_kept(c, was);
	GK_EXPECT(c, 0, "dirty", folio_test_dirty(folio), false);
	gk_release(c);
	gk_expect_restored(c);
}

static const struct gk_shape *const unpin_kinds[] = {
	&gk_anon_written, &gk_shmem_written, &gk_drv_order0, &gk_drv_order4,
	&unpin_row,
};

static void unpin_kind_desc(const struct gk_shape *const *shape, char *desc)
{
	strscpy(desc, (*shape)->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(unpin_kind, unpin_kinds, unpin_kind_desc);

/*
 * Dirty
 */

/* @dirties: what it is told to do. */
static const struct unpin_dirty_way {
	const char *name;
	void (*release)(struct gk_call *c);
	bool dirties;
} unpin_dirty_ways[] = {
	{ "user_page", unpin_one_by_one },
	{ "user_pages", unpin_array },
	{ "user_folio", unpin_by_folio },
	{ "folios", unpin_folios_array },
	{ "dirty_lock_false", unpin_array_clean },
	{ "dirty_lock_true", unpin_array_dirty, true },
	{ "dirty_lock_shuffled", unpin_array_dirty_shuffled, true },
	{ "range_false", unpin_ranges_clean },
	{ "range_true", unpin_ranges_dirty, true },
};

/* Parameters: a way and a shape. */
static const void *unpin_dirty_params(struct kunit *test, const void *prev,
				      char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev,
						  ARRAY_SIZE(unpin_dirty_ways),
						  ARRAY_SIZE(unpin_kinds));

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s-%s",
			 unpin_dirty_ways[pair->row].name,
			 unpin_kinds[pair->column]->name);
	return pair;
}

/*
 * The folios of the pages that are released get dirty if that was asked for,
 * all of them and no others; dirty ones never get clean; none stays locked.
 */
static void gup_unpin_dirty(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;
	const struct unpin_dirty_way *way = &unpin_dirty_ways[pair->row];
	struct gk_range *r = gk_map(test, unpin_kinds[pair->column], 0);
	struct gk_call *c = gk_gup(r, GK_PIN, FOLL_WRITE);
	/* Which begins and ends within a folio, if they are large. */
	unsigned int i, first = r->nr / 2 - 2, nr = 4;
	struct folio *dirty, *left, *right;

	gk_expect_pinned(c, r->nr);
	KUNIT_ASSERT_EQ(test, c->ret, r->nr);
	for (i = 0; i < r->nr; i++)
		folio_clear_dirty(page_folio(c->pages[i]));
	/* One is dirty already. */
	dirty = page_folio(c->pages[first + 1]);
	folio_set_dirty(dirty);
	left = page_folio(c->pages[first]);
	right = page_folio(c->pages[first + nr - 1]);

	way->release(unpin_slice(c, first, nr));
	for (i = 0; i < r->nr; i++) {
		struct folio *folio = page_folio(c->pages[i]);
		bool hit = i >= first && i < first + nr;

		/* Pages outside may be of the folio of a page inside. */
		hit |= folio == left || folio == right;
		GK_EXPECT(c, i, "dirty", folio_test_dirty(folio),
			  folio == dirty || (hit && way->dirties));
		GK_EXPECT(c, i, "locked", folio_test_locked(folio), false);
	}
	way->release(unpin_slice(c, 0, first));
	way->release(unpin_slice(c, first + nr, r->nr - first - nr));
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "dirty at the end",
			  folio_test_dirty(page_folio(c->pages[i])),
			  page_folio(c->pages[i]) == dirty || way->dirties);
	gk_expect_restored(c);
}

/*
 * More pins
 */

/* The first page of the shape that is the parameter, pinned. */
static struct gk_call *unpin_pin_first(struct kunit *test)
{
	const struct gk_shape *shape = *(const struct gk_shape **)
				       test->param_value;
	struct gk_range *r = gk_map(test, shape, 0);
	struct gk_call *c = gk_gup_part(r, GK_PIN_FAST, FOLL_WRITE, 0, 1);

	gk_expect_pinned(c, 1);
	KUNIT_ASSERT_EQ(test, c->ret, 1);
	return c;
}

/* folio_add_pin() adds one pin, and counts it. */
static void gup_unpin_add_pin(struct kunit *test)
{
	struct gk_call *c = unpin_pin_first(test);
	struct folio *folio = page_folio(c->pages[0]);
	struct unpin_stat was = unpin_stat();

	folio_add_pin(folio);
	unpin_expect_left(c, 0, 2);
	folio_add_pin(folio);
	folio_add_pin(folio);
	unpin_expect_left(c, 0, 4);
	unpin_expect_stat(c, was, 3, 0);
	unpin_user_page(c->pages[0]);
	unpin_expect_left(c, 0, 3);
	unpin_user_folio(folio, 2);
	unpin_folio(folio);
	unpin_expect_left(c, 0, 0);
	unpin_expect_stat(c, was, 3, 4);
	gk_expect_restored(c);
}

static void unpin_zero_add_pin(struct kunit *test, struct folio *zero)
{
	folio_add_pin(zero);
}

static void unpin_zero_user_page(struct kunit *test, struct folio *zero)
{
	unpin_user_page(folio_page(zero, 0));
}

static void unpin_zero_user_folio(struct kunit *test, struct folio *zero)
{
	unpin_user_folio(zero, 3);
}

static void unpin_zero_folio(struct kunit *test, struct folio *zero)
{
	unpin_folio(zero);
}

static void unpin_zero_folios(struct kunit *test, struct folio *zero)
{
	struct folio *folios[] = { zero, zero, NULL, zero };

	unpin_folios(folios, ARRAY_SIZE(folios));
}

static void unpin_zero_user_pages(struct kunit *test, struct folio *zero)
{
	struct page *page = folio_page(zero, 0);
	struct page *pages[] = { page, page, page };

	unpin_user_pages(pages, ARRAY_SIZE(pages));
	unpin_user_pages_dirty_lock(pages, ARRAY_SIZE(pages), false);
}

static void unpin_zero_range(struct kunit *test, struct folio *zero)
{
	unpin_user_page_range_dirty_lock(folio_page(zero, 0), 1, false);
}

static const struct unpin_zero {
	const char *name;
	void (*call)(struct kunit *test, struct folio *zero);
} unpin_zeroes[] = {
	{ "folio_add_pin", unpin_zero_add_pin },
	{ "unpin_user_page", unpin_zero_user_page },
	{ "unpin_user_pages", unpin_zero_user_pages },
	{ "unpin_user_page_range", unpin_zero_range },
	{ "unpin_user_folio", unpin_zero_user_folio },
	{ "unpin_folio", unpin_zero_folio },
	{ "unpin_folios", unpin_zero_folios },
};

KUNIT_ARRAY_PARAM_DESC(unpin_zero, unpin_zeroes, name);

/* No function ever changes a count of the zero page, or a counter for it. */
static void gup_unpin_zero_folio(struct kunit *test)
{
	const struct unpin_zero *p = test->param_value;
	struct folio *zero = page_folio(ZERO_PAGE(0));
	int refs = folio_ref_count(zero);
	struct unpin_stat was = unpin_stat();

	p->call(test, zero);
	KUNIT_EXPECT_EQ_MSG(test, folio_ref_count(zero), refs,
			    "shape=zero_page api=%s: refcount: wanted %d, got %d",
			    p->name, refs, folio_ref_count(zero));
	KUNIT_EXPECT_EQ_MSG(test, gk_stat(NR_FOLL_PIN_ACQUIRED), was.acquired,
			    "shape=zero_page api=%s: nr_foll_pin_acquired",
			    p->name);
	KUNIT_EXPECT_EQ_MSG(test, gk_stat(NR_FOLL_PIN_RELEASED), was.released,
			    "shape=zero_page api=%s: nr_foll_pin_released",
			    p->name);
}

static struct kunit_suite gup_unpin_suite = {
	.name = "gup_unpin",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_unpin_all, unpin_way_shape_params),
		KUNIT_CASE_PARAM(gup_unpin_once_of_two, unpin_way_gen_params),
		KUNIT_CASE_PARAM(gup_unpin_zero_page, unpin_way_gen_params),
		KUNIT_CASE_PARAM(gup_unpin_part, unpin_part_params),
		KUNIT_CASE(gup_unpin_folio_pinned_often),
		KUNIT_CASE_PARAM(gup_unpin_null_first, unpin_null_first_params),
		KUNIT_CASE_PARAM(gup_unpin_null_anywhere, unpin_null_any_params),
		KUNIT_CASE_PARAM(gup_unpin_null_folios, unpin_hole_gen_params),
		KUNIT_CASE_PARAM(gup_unpin_error, unpin_error_gen_params),
		KUNIT_CASE_PARAM(gup_unpin_error_dirty, unpin_error_gen_params),
		KUNIT_CASE_PARAM(gup_unpin_none, unpin_kind_gen_params),
		KUNIT_CASE_PARAM(gup_unpin_dirty, unpin_dirty_params),
		KUNIT_CASE_PARAM(gup_unpin_add_pin, unpin_kind_gen_params),
		KUNIT_CASE_PARAM(gup_unpin_zero_folio, unpin_zero_gen_params),
		{}
	},
};

kunit_test_suite(gup_unpin_suite);
