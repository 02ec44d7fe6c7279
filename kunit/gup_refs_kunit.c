// SPDX-License-Identifier: GPL-2.0-only
/*
 * References: what each API takes, on every shape, and gives back.
 */
#include <linux/highmem.h>
#include <linux/mman.h>
#include <linux/rmap.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

/*
 * Parameters: an API and a shape. Each set of pairs has a function that says
 * which of them make sense.
 */
static const struct gk_api *refs_api(const struct gk_pair *pair)
{
	return &gk_apis[pair->row];
}

static const struct gk_shape *refs_shape(const struct gk_pair *pair)
{
	return gk_zoo[pair->column];
}

static const void *refs_next(const void *prev, char *desc,
			     bool (*legal)(const struct gk_api *api,
					   const struct gk_shape *shape))
{
	const struct gk_pair *pair = prev;

	do {
		pair = gk_next_pair(pair, GK_NR_APIS, gk_zoo_size);
	} while (pair && !legal(refs_api(pair), refs_shape(pair)));
	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s-%s",
			 refs_api(pair)->name, refs_shape(pair)->name);
	return pair;
}

#define REFS_PARAMS(name)						\
static const void *refs_##name##_params(struct kunit *test,		\
					const void *prev, char *desc)	\
{									\
	return refs_next(prev, desc, refs_##name);			\
}

static bool refs_writable(const struct gk_api *api,
			  const struct gk_shape *shape)
{
	return shape->traits & (api->only ? GK_FAST_WRITE : GK_WRITE);
}

REFS_PARAMS(writable)

static bool refs_readable(const struct gk_api *api,
			  const struct gk_shape *shape)
{
	return shape->traits & (api->only ? GK_FAST_READ : GK_READ);
}

REFS_PARAMS(readable)

/* Shapes of one kind of folio each, all present and writable. */
static bool refs_plain(const struct gk_api *api, const struct gk_shape *shape)
{
	return shape == &gk_anon_written || shape == &gk_shmem_written ||
	       shape == &gk_drv_order0 || shape == &gk_drv_order4 ||
	       shape == &gk_drv_shuffled || shape == &gk_drv_twice;
}

REFS_PARAMS(plain)

static bool refs_large(const struct gk_api *api, const struct gk_shape *shape)
{
	return shape == &gk_drv_order2 || shape == &gk_drv_order4 ||
	       shape == &gk_drv_order9;
}

REFS_PARAMS(large)

static bool refs_driver(const struct gk_api *api, const struct gk_shape *shape)
{
	return shape == &gk_drv_order0 || refs_large(api, shape);
}

REFS_PARAMS(driver)

static bool refs_partial(const struct gk_api *api, const struct gk_shape *shape)
{
	return shape == &gk_drv_holes || shape == &gk_guard ||
	       shape == &gk_hole || shape == &gk_poisoned;
}

REFS_PARAMS(partial)

static bool refs_pin_plain(const struct gk_api *api,
			   const struct gk_shape *shape)
{
	return api->pins && refs_plain(api, shape);
}

REFS_PARAMS(pin_plain)

/* GUP-fast alone takes no zero page: its entries are special. */
static bool refs_zero(const struct gk_api *api, const struct gk_shape *shape)
{
	return !api->only && shape == &gk_anon_zero;
}

REFS_PARAMS(zero)

static bool refs_pin_zero(const struct gk_api *api,
			  const struct gk_shape *shape)
{
	return api->pins && refs_zero(api, shape);
}

REFS_PARAMS(pin_zero)

static bool refs_anon(const struct gk_api *api, const struct gk_shape *shape)
{
	return shape == &gk_anon_written;
}

REFS_PARAMS(anon)

static struct gk_range *refs_map(struct kunit *test)
{
	return gk_map(test, refs_shape(test->param_value), 0);
}

static enum gk_api_id refs_id(struct kunit *test)
{
	return refs_api(test->param_value) - gk_apis;
}

/* References and pins that @folio has now, beyond those that were known. */
static void refs_expect_folio(struct gk_call *c, long i, struct folio *folio,
			      int refs, int pins)
{
	GK_EXPECT(c, i, "refcount", folio_ref_count(folio), refs);
	if (folio_has_pincount(folio))
		GK_EXPECT(c, i, "pincount", atomic_read(&folio->_pincount),
			  pins);
}

/*
 * Exact counts
 */

/* Every API, on each shape that it can have all of, takes exact counts. */
static void gup_refs_write(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct gk_call *c = gk_gup(r, refs_id(test), FOLL_WRITE);

	gk_expect_round_trip(c, r->nr);
}

static void gup_refs_read(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct gk_call *c = gk_gup(r, refs_id(test), 0);

	gk_expect_round_trip(c, r->nr);
}

/* Part of a folio: a count for each page that was asked for, none for others */
static void gup_refs_part(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	unsigned int n = (1U << r->shape->arg) - 2;
	struct folio *folio = page_folio(gk_page(r, 1));
	struct gk_call *c = gk_gup_part(r, refs_id(test), FOLL_WRITE, 1, n);

	gk_expect_pinned(c, n);
	/* The driver's own reference, one a mapped page, and ours. */
	refs_expect_folio(c, 0, folio, 1 + n + 2 + n, c->api->pins ? n : 0);
	gk_release(c);
	refs_expect_folio(c, 0, folio, 1 + n + 2, 0);
	gk_expect_restored(c);
}

/* What lies before a hole is counted, what lies behind it is not. */
static void gup_refs_partial(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	bool driver = r->shape == &gk_drv_holes || r->shape == &gk_poisoned;
	struct gk_call *c = gk_gup(r, refs_id(test), FOLL_WRITE);
	unsigned int want = driver ? 5 : r->nr / 2;
	struct gk_entry *now;
	unsigned int i;

	gk_expect_pinned(c, want);
	now = gk_snapshot(r);
	for (i = want + 1; i < r->nr; i++) {
		/* Large folios may reach across the hole: see the counts. */
		if (!now[i].page || folio_test_large(page_folio(now[i].page)))
			continue;
		GK_EXPECT(c, i, "refcount behind the hole", now[i].refs,
			  c->before[i].refs);
	}
	gk_release(c);
	gk_expect_restored(c);
}

/* A second call takes as much again; each is given back on its own. */
static void gup_refs_twice(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct gk_call *first = gk_gup(r, refs_id(test), FOLL_WRITE);
	struct gk_call *second = gk_gup(r, refs_id(test), FOLL_WRITE);

	gk_expect_pinned(first, r->nr);
	gk_expect_pinned(second, r->nr);
	gk_release(first);
	/* One call's worth is gone, no matter whose: the other's is left. */
	gk_expect_restored(second);
	gk_release(second);
	gk_expect_restored(first);
}

/* The same folios at another address are the same folios to count. */
static void gup_refs_mapped_twice(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	const struct gk_shape again = *r->shape;
	struct gk_drv *drv = gk_range_drv(r);
	struct gk_range *r2;
	struct gk_call *c, *c2;
	unsigned int i, nr = 1U << drv->order;
	int base, refs;

	r2 = kunit_kzalloc(test, sizeof(*r2), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r2);
	*r2 = *r;
	r2->shape = &again;
	gk_drv_mmap(r2, drv, RW, MAP_SHARED);
	for (i = 0; i < r2->nr; i++)
		gk_drv_insert(r2, i, gk_drv_page(drv, i));

	c = gk_gup(r, refs_id(test), FOLL_WRITE);
	c2 = gk_gup(r2, refs_id(test), FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	gk_expect_pinned(c2, r2->nr);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c2, i, "is the page of the other mapping",
			  c2->pages[i] == c->pages[i], true);
	/* The driver's reference, one for each mapped page, and ours. */
	base = 1 + 2 * nr;
	refs = gk_refs_wanted(c->api, drv->folios[0], nr);
	refs_expect_folio(c, 0, drv->folios[0], base + 2 * refs,
			  c->api->pins ? 2 * nr : 0);
	gk_release(c2);
	refs_expect_folio(c, 0, drv->folios[0], base + refs,
			  c->api->pins ? nr : 0);
	gk_release(c);
	refs_expect_folio(c, 0, drv->folios[0], base, 0);
	gk_expect_restored(c);
}

/*
 * A reference and a pin on one folio do not mix: only the pin counts as one,
 * and it is gone with its release, whatever references remain.
 */
static void gup_refs_get_and_pin(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct folio *folio = page_folio(gk_page(r, 0));
	struct gk_call *get, *pin;

	KUNIT_EXPECT_FALSE_MSG(test, folio_maybe_dma_pinned(folio),
			       "shape=%s page=0: folio_maybe_dma_pinned at first: wanted 0, got 1",
			       r->shape->name);
	get = gk_gup(r, GK_GET, FOLL_WRITE);
	gk_expect_pinned(get, r->nr);
	GK_EXPECT(get, 0, "folio_maybe_dma_pinned", folio_maybe_dma_pinned(folio),
		  false);
	pin = gk_gup(r, refs_id(test), FOLL_WRITE);
	gk_expect_pinned(pin, r->nr);
	GK_EXPECT(pin, 0, "folio_maybe_dma_pinned",
		  folio_maybe_dma_pinned(folio), true);
	gk_release(pin);
	gk_expect_restored(pin);
	GK_EXPECT(pin, 0, "folio_maybe_dma_pinned after the release",
		  folio_maybe_dma_pinned(folio), false);

	/* The other way round: the pin outlives the reference. */
	pin = gk_gup(r, refs_id(test), FOLL_WRITE);
	gk_release(get);
	GK_EXPECT(pin, 0, "folio_maybe_dma_pinned without the reference",
		  folio_maybe_dma_pinned(folio), true);
	gk_release(pin);
	GK_EXPECT(pin, 0, "folio_maybe_dma_pinned after both releases",
		  folio_maybe_dma_pinned(folio), false);
	gk_expect_restored(get);
}

/* The counters grow by a page for a page, and only for pins. */
static void gup_refs_counters(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct gk_call *c = gk_gup(r, refs_id(test), FOLL_WRITE);
	long acquired = gk_stat(NR_FOLL_PIN_ACQUIRED);
	long released = gk_stat(NR_FOLL_PIN_RELEASED);
	long want = c->api->pins ? r->nr : 0;

	gk_expect_ret(c, r->nr);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired", c->acquired, want);
	GK_EXPECT(c, -1, "nr_foll_pin_released", c->released, 0);
	gk_release(c);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired by the release",
		  gk_stat(NR_FOLL_PIN_ACQUIRED) - acquired, 0);
	GK_EXPECT(c, -1, "nr_foll_pin_released by the release",
		  gk_stat(NR_FOLL_PIN_RELEASED) - released, want);
	gk_expect_restored(c);
}

/* A page lives as long as it is held, with no mapping to it any more. */
static void gup_refs_outlive(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct gk_call *c;
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_store(r, i, i + 1);
	c = gk_gup(r, refs_id(test), FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	gk_unmap(r, 0, r->nr);
	gk_settle();
	for (i = 0; i < max(c->ret, 0L); i++) {
		struct folio *folio = page_folio(c->pages[i]);
		u8 *addr = kmap_local_folio(folio, 0);

		GK_EXPECT(c, i, "content", *addr, i + 1);
		kunmap_local(addr);
		refs_expect_folio(c, i, folio,
				  gk_refs_wanted(c->api, folio, 1), 0);
		folio_get(folio);
	}
	gk_release(c);
	for (i = 0; i < max(c->ret, 0L); i++) {
		GK_EXPECT(c, i, "refcount after the release",
			  page_ref_count(c->pages[i]), 1);
		put_page(c->pages[i]);
	}
	GK_EXPECT(c, -1, "pins held", gk_stat(NR_FOLL_PIN_ACQUIRED) -
		  gk_stat(NR_FOLL_PIN_RELEASED), c->held);
}

/*
 * folio_maybe_dma_pinned()
 */

/*
 * References make a small folio look pinned when there are as many of them as
 * one pin takes, not earlier; they never do that to a folio with a pincount.
 */
static void gup_refs_maybe_pinned(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct folio *folio = page_folio(gk_page(r, 0));
	struct gk_call *c = gk_gup_part(r, refs_id(test), FOLL_WRITE, 0, 1);
	int more = GUP_PIN_COUNTING_BIAS - 1 - c->before[0].refs;

	gk_expect_pinned(c, 1);
	GK_EXPECT(c, 0, "folio_maybe_dma_pinned", folio_maybe_dma_pinned(folio),
		  c->api->pins);
	gk_release(c);
	gk_expect_restored(c);
	GK_EXPECT(c, 0, "folio_maybe_dma_pinned after the release",
		  folio_maybe_dma_pinned(folio), false);
	if (more > 0)
		folio_ref_add(folio, more);
	GK_EXPECT(c, 0, "folio_maybe_dma_pinned with one reference too few",
		  folio_maybe_dma_pinned(folio), false);
	folio_ref_inc(folio);
	GK_EXPECT(c, 0, "folio_maybe_dma_pinned with many references",
		  folio_maybe_dma_pinned(folio), !folio_has_pincount(folio));
	if (more > 0)
		folio_ref_sub(folio, more);
	folio_ref_dec(folio);
}

/*
 * The zero page
 */

/* References to the zero page are taken like others, pins of it are not. */
static void gup_refs_zero_page(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct folio *zero = page_folio(ZERO_PAGE(0));
	int refs = folio_ref_count(zero);
	struct gk_call *c = gk_gup(r, refs_id(test), 0);

	gk_expect_pinned(c, r->nr);
	gk_expect_zero_pages(c);
	GK_EXPECT(c, -1, "refcount of the zero page gained",
		  folio_ref_count(zero) - refs, c->api->pins ? 0 : r->nr);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired", c->acquired, 0);
	gk_release(c);
	GK_EXPECT(c, -1, "refcount of the zero page after the release",
		  folio_ref_count(zero), refs);
	GK_EXPECT(c, -1, "pins held, by nr_foll_pin_acquired and _released",
		  gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED),
		  c->held);
}

/* Writing never gives the zero page, nor does it touch its count. */
static void gup_refs_zero_write(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct folio *zero = page_folio(ZERO_PAGE(0));
	int refs = folio_ref_count(zero);
	struct gk_call *c = gk_gup(r, refs_id(test), FOLL_WRITE);
	unsigned int i;

	gk_expect_pinned(c, r->nr);
	for (i = 0; i < max(c->ret, 0L); i++) {
		GK_EXPECT(c, i, "is the zero page", is_zero_page(c->pages[i]),
			  false);
		refs_expect_folio(c, i, page_folio(c->pages[i]),
				  1 + gk_refs_wanted(c->api,
						     page_folio(c->pages[i]), 1),
				  0);
	}
	GK_EXPECT(c, -1, "refcount of the zero page gained",
		  folio_ref_count(zero) - refs, 0);
	gk_release(c);
	gk_expect_restored(c);
}

/*
 * A R/O long-term pin unshares the zero page: what the process writes later is
 * what the device reads.
 */
static void gup_refs_zero_longterm(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct folio *zero = page_folio(ZERO_PAGE(0));
	int refs = folio_ref_count(zero);
	struct gk_call *c = gk_gup(r, refs_id(test), FOLL_LONGTERM);
	unsigned int i;

	gk_expect_pinned(c, r->nr);
	for (i = 0; i < max(c->ret, 0L); i++) {
		struct page *page = c->pages[i];
		struct folio *folio = page_folio(page);
		void *addr;

		GK_EXPECT(c, i, "is the zero page", is_zero_page(page), false);
		if (is_zero_page(page))
			break;
		GK_EXPECT(c, i, "is exclusive",
			  folio_test_anon(folio) && PageAnonExclusive(page),
			  true);
		refs_expect_folio(c, i, folio,
				  1 + gk_refs_wanted(c->api, folio, 1), 0);
		addr = kmap_local_page(page);
		GK_EXPECT(c, i, "holds zeroes",
			  !memchr_inv(addr, 0, PAGE_SIZE), true);
		gk_store(r, i, i + 1);
		GK_EXPECT(c, i, "holds what the process wrote", *(u8 *)addr,
			  i + 1);
		kunmap_local(addr);
		GK_EXPECT(c, i, "is still the mapped page",
			  gk_page(r, i) == page, true);
	}
	GK_EXPECT(c, -1, "refcount of the zero page gained",
		  folio_ref_count(zero) - refs, 0);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  c->acquired - c->released, r->nr);
	gk_release(c);
	gk_expect_restored(c);
}

/* The entry of the first page; returns what it was. */
static pte_t refs_exchange_pte(struct gk_range *r, pte_t pte)
{
	spinlock_t *ptl;	/* of the page table */
	pte_t *ptep = get_locked_pte(r->mm, r->addr, &ptl);
	pte_t was;

	KUNIT_ASSERT_NOT_NULL(r->test, ptep);
	was = ptep_get(ptep);
	set_pte_at(r->mm, r->addr, ptep, pte);
	pte_unmap_unlock(ptep, ptl);
	return was;
}

/*
 * A driver can have the zero page mapped by an entry that is not special, as that of
 * RDMA does for a device that is gone. GUP-fast takes that, and no reference.
 */
static void gup_refs_zero_plain(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	struct folio *zero = page_folio(ZERO_PAGE(0));
	int refs = folio_ref_count(zero), ret;
	struct page *page = NULL;
	pte_t was;

	gk_fault(r, 0, 1, false);
	was = refs_exchange_pte(r, mk_pte(ZERO_PAGE(0), vm_get_page_prot(VM_READ)));
	ret = pin_user_pages_fast(r->addr, 1, 0, &page);
	refs_exchange_pte(r, was);
	KUNIT_ASSERT_EQ(test, ret, 1);
	KUNIT_EXPECT_TRUE(test, is_zero_page(page));
	KUNIT_EXPECT_EQ(test, folio_ref_count(zero), refs);
	unpin_user_page(page);
	KUNIT_EXPECT_EQ(test, folio_ref_count(zero), refs);
}

/*
 * A refcount at its limit
 */

/*
 * A folio whose refcount has overflowed cannot be had: what lies before it is
 * returned, and -ENOMEM if there is nothing. GUP warns: that is expected.
 */
static void gup_refs_overflow(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct gk_drv *drv = gk_range_drv(r);
	struct folio *folio = drv->folios[drv->nr_folios - 1];
	unsigned int first = r->nr - (1U << drv->order);
	struct gk_call *before = NULL, *at = NULL;

	folio_ref_add(folio, INT_MIN);
	kunit_warning_suppress(test) {
		before = gk_gup(r, refs_id(test), FOLL_WRITE);
		at = gk_gup_part(r, refs_id(test), FOLL_WRITE, first, 1);
	}
	/* That makes 2^32, and the count what it was. */
	folio_ref_add(folio, INT_MIN);

	if (first)
		gk_expect_pinned(before, first);
	else
		gk_expect_refused(before, before->api->only ? 0 : -ENOMEM);
	gk_expect_refused(at, at->api->only ? 0 : -ENOMEM);
	gk_release(at);
	gk_release(before);
	/* They counted when the refcount was off by INT_MIN: count again. */
	refs_expect_folio(at, 0, folio, 1 + (1 << drv->order), 0);
	refs_expect_folio(before, 0, drv->folios[0], 1 + (1 << drv->order), 0);
	GK_EXPECT(before, -1, "pins held", gk_stat(NR_FOLL_PIN_ACQUIRED) -
		  gk_stat(NR_FOLL_PIN_RELEASED), before->held);
}

/* Nor one that somebody holds still, as a split does. */
static void gup_refs_frozen(struct kunit *test)
{
	struct gk_range *r = refs_map(test);
	struct folio *folio = gk_range_drv(r)->folios[0];
	int refs = folio_ref_count(folio);
	struct gk_call *c = NULL;

	KUNIT_ASSERT_TRUE(test, folio_ref_freeze(folio, refs));
	kunit_warning_suppress(test)
		c = gk_gup(r, refs_id(test), FOLL_WRITE);
	GK_EXPECT(c, 0, "refcount", folio_ref_count(folio), 0);
	folio_ref_unfreeze(folio, refs);
	gk_expect_refused(c, c->api->only ? 0 : -ENOMEM);
	gk_expect_round_trip(gk_gup(r, refs_id(test), FOLL_WRITE), r->nr);
}

#ifdef CONFIG_GUP_ZOO_THP
static void gup_refs_overflow_leaf(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp, 0);
	struct folio *folio = page_folio(gk_page(r, 0));
	struct gk_call *c = NULL;

	KUNIT_ASSERT_TRUE(test, gk_is_leaf(r, 0));
	folio_ref_add(folio, INT_MIN);
	kunit_warning_suppress(test)
		c = gk_gup(r, gk_api(test), FOLL_WRITE);
	folio_ref_add(folio, INT_MIN);
	gk_expect_refused(c, c->api->only ? 0 : -ENOMEM);
	gk_expect_round_trip(gk_gup(r, gk_api(test), FOLL_WRITE), r->nr);
}
#endif

static struct kunit_suite gup_refs_suite = {
	.name = "gup_refs",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_refs_write, refs_writable_params),
		KUNIT_CASE_PARAM(gup_refs_read, refs_readable_params),
		KUNIT_CASE_PARAM(gup_refs_part, refs_large_params),
		KUNIT_CASE_PARAM(gup_refs_partial, refs_partial_params),
		KUNIT_CASE_PARAM(gup_refs_twice, refs_plain_params),
		KUNIT_CASE_PARAM(gup_refs_mapped_twice, refs_driver_params),
		KUNIT_CASE_PARAM(gup_refs_get_and_pin, refs_pin_plain_params),
		KUNIT_CASE_PARAM(gup_refs_counters, refs_plain_params),
		KUNIT_CASE_PARAM(gup_refs_outlive, refs_anon_params),
		KUNIT_CASE_PARAM(gup_refs_maybe_pinned, refs_driver_params),
		KUNIT_CASE_PARAM(gup_refs_zero_page, refs_zero_params),
		KUNIT_CASE_PARAM(gup_refs_zero_write, refs_zero_params),
		KUNIT_CASE_PARAM(gup_refs_zero_longterm, refs_pin_zero_params),
		KUNIT_CASE(gup_refs_zero_plain),
		KUNIT_CASE_PARAM(gup_refs_overflow, refs_driver_params),
		KUNIT_CASE_PARAM(gup_refs_frozen, refs_driver_params),
#ifdef CONFIG_GUP_ZOO_THP
		KUNIT_CASE_PARAM(gup_refs_overflow_leaf, gk_api_params),
#endif
		{}
	},
};

kunit_test_suite(gup_refs_suite);
