// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races on purpose for a leaf of the PMD, as gup_race has them for the entries of a
 * page table: whatever another CPU may do to the leaf of a huge page happens at each
 * step of GUP in turn. The leaf is changed by hand and put back behind the call, so
 * the folio has the references of its mapping and GUP's, exactly.
 *
 * The same contract: what was unmapped when GUP had no reference must not be returned.
 */
#include <linux/mman.h>
#include <linux/pgalloc.h>

#include "internal.h"
#include "gk.h"
#include "gk_hook.h"

#define LEAF_FIRST	8	/* the pages that are asked for */
#define LEAF_NR		16
#define NEVER		UINT_MAX

struct leaf_race;

/**
 * struct leaf_action - what another CPU does
 * @act: does it
 * @readonly: the leaf is
 * @kept: the pages can be had all the time
 */
struct leaf_action {
	void (*act)(struct leaf_race *w);
	bool readonly, kept;
};

/**
 * struct leaf_race - a leaf, a call and what happened so far
 * @folio, @refs: what the leaf maps, and its references without GUP's
 * @other, @other_refs: what it is replaced by
 * @table: maps the pages of @folio
 * @at: the number of the step at which the other CPU comes
 * @gone: by then GUP had nothing, and must not take it any more
 * @locked: the other CPU has to wait
 * @met: a bit for each step at which it came
 */
struct leaf_race {
	struct kunit *test;
	const struct leaf_action *action;
	struct gk_range *r;
	struct folio *folio, *other;
	int refs, other_refs;
	pmd_t *pmdp, was, other_pmd;
	pgtable_t table;
	struct gk_call call;
	struct page *pages[LEAF_NR];
	unsigned int at, events, met;
	bool acted, gone, locked, slow, failed;
};

/* KUnit runs one case at a time. */
static struct leaf_race *leaf_now;

static const struct leaf_how {
	enum gk_api_id api;
	unsigned int flags;
} leaf_hows[] = {
	{ GK_PIN_FAST, FOLL_NOFAULT }, { GK_PIN_FAST, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_GET_FAST, FOLL_NOFAULT }, { GK_GET_FAST, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_GET_FAST_ONLY, 0 }, { GK_GET_FAST_ONLY, FOLL_WRITE },
	{ GK_PIN, FOLL_NOFAULT }, { GK_PIN, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_GET, FOLL_NOFAULT }, { GK_GET, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_GET_UNLOCKED, FOLL_NOFAULT },
	{ GK_PIN_REMOTE, FOLL_NOFAULT | FOLL_WRITE },
};

#define leaf_fail(w, fmt, ...)						\
do {									\
	struct leaf_race *__w = (w);					\
									\
	__w->failed = true;						\
	KUNIT_FAIL(__w->test, "%s flags=%s, at step %u of %u: " fmt,	\
		   __w->call.api->name,					\
		   gk_flags_name(__w->test, __w->call.flags), __w->at,	\
		   __w->events, ##__VA_ARGS__);				\
} while (0)

/* The leaf */

static void leaf_set(struct leaf_race *w, pmd_t pmd)
{
	set_pmd_at(w->r->mm, w->r->addr, w->pmdp, pmd);
}

static void leaf_clear(struct leaf_race *w)
{
	pmdp_huge_get_and_clear(w->r->mm, w->r->addr, w->pmdp);
}

static bool leaf_is_held(struct leaf_race *w)
{
	return folio_ref_count(w->folio) > w->refs;
}

static void leaf_unmap(struct leaf_race *w)
{
	leaf_clear(w);
	w->gone = !leaf_is_held(w);
}

static void leaf_replace(struct leaf_race *w)
{
	leaf_unmap(w);
	leaf_set(w, w->other_pmd);
}

/* As fork() does, and reclaim: not with a folio that may be pinned. */
static void leaf_share(struct leaf_race *w)
{
	if (folio_maybe_dma_pinned(w->folio))
		return;
	leaf_clear(w);
	ClearPageAnonExclusive(&w->folio->page);
	w->gone = w->call.api->pins ||
		  ((w->call.flags & FOLL_WRITE) && !leaf_is_held(w));
	leaf_set(w, pmd_wrprotect(w->was));
}

/* The same pages, by the entries of a page table. */
static void leaf_split(struct leaf_race *w)
{
	unsigned int i;

	leaf_clear(w);
	for (i = 0; i < LEAF_NR; i++)
		SetPageAnonExclusive(folio_page(w->folio, LEAF_FIRST + i));
	pmd_populate(w->r->mm, w->pmdp, w->table);
}

static void leaf_put_back(struct leaf_race *w)
{
	unsigned int i;

	for (i = 0; i < LEAF_NR; i++)
		ClearPageAnonExclusive(folio_page(w->folio, LEAF_FIRST + i));
	SetPageAnonExclusive(&w->folio->page);
	leaf_set(w, w->was);
}

/* Steps */

static void leaf_hook(enum gk_point point, const void *what)
{
	struct leaf_race *w = leaf_now;

	if (point == GK_SLOW)
		w->slow = true;
	/* Under its lock GUP does nothing else than to take references. */
	if (point != GK_REF)
		w->locked = false;
	if (w->events++ == w->at && !w->locked) {
		w->action->act(w);
		w->acted = true;
		w->met |= BIT(point);
	}
	if (point == GK_LOCK)
		w->locked = true;
}

/* Judging */

static void leaf_judge_counts(struct leaf_race *w, struct folio *folio, int refs,
			      unsigned int n)
{
	const struct gk_api *api = w->call.api;

	if (folio_ref_count(folio) != refs + gk_refs_wanted(api, folio, n))
		leaf_fail(w, "%u pages held of the %s folio: refcount is %d, was %d", n,
			  folio == w->folio ? "leaf's" : "other",
			  folio_ref_count(folio), refs);
	if (atomic_read(&folio->_pincount) != (api->pins ? n : 0))
		leaf_fail(w, "%u pages held of the %s folio: pincount is %d", n,
			  folio == w->folio ? "leaf's" : "other",
			  atomic_read(&folio->_pincount));
}

/* The folio that all of the pages are of, in order; NULL: something else. */
static struct folio *leaf_returned(struct leaf_race *w)
{
	struct folio *folio = page_folio(w->pages[0]);
	unsigned int i;

	for (i = 0; i < LEAF_NR; i++)
		if (w->pages[i] != folio_page(folio, LEAF_FIRST + i))
			return NULL;
	return folio == w->folio || folio == w->other ? folio : NULL;
}

static void leaf_judge(struct leaf_race *w)
{
	struct gk_call *c = &w->call;
	struct folio *got = c->ret == c->nr ? leaf_returned(w) : NULL;
	bool may_fail = w->acted && (!w->action->kept || c->api->only);

	if (c->ret == c->nr && !got)
		leaf_fail(w, "pages that were never mapped");
	else if (c->ret != c->nr && (!may_fail || c->ret != (c->api->only ? 0 : -EFAULT)))
		leaf_fail(w, "returned %ld", c->ret);
	else if (got == w->folio && w->gone)
		leaf_fail(w, "pages that were gone");
	leaf_judge_counts(w, w->folio, w->refs, got == w->folio ? c->nr : 0);
	leaf_judge_counts(w, w->other, w->other_refs, got == w->other ? c->nr : 0);
	if (got)
		gk_release(c);
}

/* One call, with the other CPU at step @at of it. */
static bool leaf_run(struct leaf_race *w, unsigned int at)
{
	w->at = at;
	w->events = 0;
	w->acted = false;
	w->gone = false;
	w->locked = false;
	w->slow = false;
	w->call.locked = 1;
	memset(w->pages, 0, sizeof(w->pages));
	gk_hook = leaf_hook;
	gk_enter_hooked(&w->call);
	gk_hook = NULL;
	leaf_put_back(w);
	leaf_judge(w);
	return !w->failed;
}

static unsigned int leaf_points_wanted(const struct gk_api *api)
{
	if (!api->fast)
		return BIT(GK_LOCK);
	return BIT(GK_READ_PMD) | BIT(GK_REF) | (api->pins ? BIT(GK_SEQ_RETRY) : 0);
}

static bool leaf_sweep_call(struct leaf_race *w, const struct leaf_how *how)
{
	struct gk_call *c = &w->call;
	unsigned int at = 0;

	c->r = w->r;
	c->api = &gk_apis[how->api];
	c->flags = how->flags;
	c->addr = gk_addr(w->r, LEAF_FIRST);
	c->nr = LEAF_NR;
	c->pages = w->pages;
	c->array = w->pages;
	c->room = LEAF_NR;
	w->met = 0;
	if (!leaf_run(w, NEVER))
		return false;
	if (c->api->fast && w->slow)
		leaf_fail(w, "the slow path, without a race");
	do {
		if (!leaf_run(w, at))
			return false;
	} while (w->events > at++);
	if (leaf_points_wanted(c->api) & ~w->met)
		leaf_fail(w, "steps that GUP did not come to: %x",
			  leaf_points_wanted(c->api) & ~w->met);
	return !w->failed;
}

/* A page table that maps what the leaf maps. */
static pgtable_t leaf_make_table(struct leaf_race *w)
{
	pgtable_t table = pte_alloc_one(w->r->mm);
	unsigned int i;
	pte_t *ptep;

	KUNIT_ASSERT_NOT_NULL(w->test, table);
	ptep = page_address(table);
	for (i = 0; i < PTRS_PER_PTE; i++) {
		pte_t pte = pfn_pte(folio_pfn(w->folio) + i,
				    gk_vma(w->r, 0)->vm_page_prot);

		pte = pte_mkyoung(pte_mkdirty(pte));
		set_pte(ptep + i, w->action->readonly ? pte : pte_mkwrite_novma(pte));
	}
	return table;
}

static void leaf_sweep(struct kunit *test, const struct leaf_action *action)
{
	struct leaf_race *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct gk_range *other = gk_map(test, &gk_thp, 0);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	leaf_now = w;
	w->test = test;
	w->action = action;
	w->r = gk_map(test, &gk_thp, 0);
	w->pmdp = pmd_off(w->r->mm, w->r->addr);
	w->was = *w->pmdp;
	if (action->readonly)
		w->was = pmd_wrprotect(w->was);
	w->other_pmd = *pmd_off(other->mm, other->addr);
	w->folio = page_folio(pmd_page(w->was));
	w->other = page_folio(pmd_page(w->other_pmd));
	w->table = leaf_make_table(w);
	gk_settle();
	w->refs = folio_ref_count(w->folio);
	w->other_refs = folio_ref_count(w->other);
	leaf_put_back(w);
	for (i = 0; i < ARRAY_SIZE(leaf_hows); i++)
		if (!(action->readonly && (leaf_hows[i].flags & FOLL_WRITE)) &&
		    !leaf_sweep_call(w, &leaf_hows[i]))
			break;
	pte_free(w->r->mm, w->table);
}

#define LEAF_BY(name, ...)						\
static void gup_race_leaf_##name(struct kunit *test)			\
{									\
	static const struct leaf_action action = { __VA_ARGS__ };	\
									\
	leaf_sweep(test, &action);					\
}

LEAF_BY(unmap, leaf_unmap)
LEAF_BY(replace, leaf_replace)
LEAF_BY(share, leaf_share)
LEAF_BY(share_readonly, leaf_share, .readonly = true)
LEAF_BY(split, leaf_split, .kept = true)
LEAF_BY(split_readonly, leaf_split, .readonly = true, .kept = true)

/* Of two leaves, the first one is gone from a step on. */

static pmd_t *leaf_first_pmdp;
static unsigned int leaf_steps, leaf_goes_at;

static void leaf_first_goes(enum gk_point point, const void *what)
{
	/* From there on GUP holds locks, for which another CPU would wait. */
	if (point == GK_SLOW)
		leaf_goes_at = NEVER;
	if (leaf_steps++ == leaf_goes_at)
		pmd_clear(leaf_first_pmdp);
}

static struct gk_call *leaf_gup_first_goes(struct gk_range *r, enum gk_api_id api,
					   unsigned int at)
{
	struct gk_call *c = gk_prepare(r, api, gk_apis[api].only ? 0 : FOLL_NOFAULT,
				       HPAGE_PMD_NR - LEAF_FIRST, LEAF_NR);
	pmd_t was = *leaf_first_pmdp;

	leaf_steps = 0;
	leaf_goes_at = at;
	gk_hook = leaf_first_goes;
	gk_enter_hooked(c);
	gk_hook = NULL;
	set_pmd_at(r->mm, r->addr, leaf_first_pmdp, was);
	gk_done(c);
	return c;
}

/* The last leaf below an entry of the page directory, and the first below the next. */
static void leaf_map_dir_edge(struct gk_range *r)
{
	gk_mmap(r, NULL, PGDIR_SIZE - PMD_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_FIXED_NOREPLACE);
	gk_madvise(r, 0, r->nr, MADV_HUGEPAGE);
	gk_fault(r, 0, r->nr, true);
	gk_assert_order(r, HPAGE_PMD_ORDER, true);
}

static void leaf_map_one_table(struct gk_range *r)
{
	gk_thp.map(r);
}

static const struct gk_shape leaf_pairs[] = {
	{ .name = "one_table", .map = leaf_map_one_table },
	{ .name = "two_tables", .map = leaf_map_dir_edge },
};

KUNIT_ARRAY_PARAM_DESC(leaf_pair, leaf_pairs, name);

/* Without it GUP-fast ends: the pages behind it are not for its place in pages[]. */
static void gup_race_leaf_first_of_two(struct kunit *test)
{
	static const enum gk_api_id apis[] = {
		GK_GET_FAST_ONLY, GK_GET_FAST, GK_PIN_FAST,
	};
	struct gk_range *r = gk_map(test, test->param_value, 2 * HPAGE_PMD_NR);
	unsigned int i, at, refused;

	leaf_first_pmdp = pmd_off(r->mm, r->addr);
	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		at = 0;
		refused = 0;
		do {
			struct gk_call *c = leaf_gup_first_goes(r, apis[i], at);

			if (c->ret == LEAF_NR) {
				gk_expect_pinned(c, LEAF_NR);
			} else {
				gk_expect_refused(c, c->api->only ? 0 : -EFAULT);
				refused++;
			}
			gk_release(c);
			gk_expect_restored(c);
		} while (leaf_steps > at++);
		KUNIT_EXPECT_GT(test, refused, 1);
	}
}

/*
 * Without a race
 */

static void leaf_expect_refused(struct gk_range *r)
{
	struct gk_call *c = gk_gup_part(r, GK_GET_FAST_ONLY, FOLL_WRITE,
					HPAGE_PMD_NR - LEAF_FIRST, LEAF_NR);

	gk_expect_refused(c, 0);
}

/* The first of two leaves may not be written to, or its folio not be taken. */
static void gup_race_leaf_first_refused(struct kunit *test)
{
	struct gk_range *r = gk_map(test, test->param_value, 2 * HPAGE_PMD_NR);
	struct folio *folio = page_folio(gk_page(r, 0));
	pmd_t *pmdp = pmd_off(r->mm, r->addr);
	pmd_t was = *pmdp;
	int refs;

	set_pmd_at(r->mm, r->addr, pmdp, pmd_wrprotect(was));
	leaf_expect_refused(r);
	set_pmd_at(r->mm, r->addr, pmdp, was);

	gk_settle();
	refs = folio_ref_count(folio);
	KUNIT_ASSERT_TRUE(test, folio_ref_freeze(folio, refs));
	leaf_expect_refused(r);
	folio_ref_unfreeze(folio, refs);
}

static unsigned int leaf_met[GK_NR_POINTS];
/* What happens when GUP wants the lock, and when it faults. */
static void (*leaf_before_lock)(struct gk_range *r);
static void (*leaf_before_fault)(struct gk_range *r);
static struct gk_range *leaf_range;

static void leaf_count(enum gk_point point, const void *what)
{
	leaf_met[point]++;
	if (point == GK_LOCK && leaf_before_lock)
		leaf_before_lock(leaf_range);
	if (point == GK_FAULT && leaf_before_fault)
		leaf_before_fault(leaf_range);
}

static struct gk_call *leaf_gup(struct gk_range *r, enum gk_api_id api,
				unsigned int flags)
{
	struct gk_call *c = gk_prepare(r, api, flags, LEAF_FIRST, LEAF_NR);

	memset(leaf_met, 0, sizeof(leaf_met));
	leaf_range = r;
	gk_hook = leaf_count;
	gk_enter_hooked(c);
	gk_hook = NULL;
	gk_done(c);
	return c;
}

/* GUP-fast marks the folio of a leaf referenced, as that of an entry. */
static void gup_race_leaf_referenced(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp, 0);
	struct folio *folio = page_folio(gk_page(r, 0));
	struct gk_call *c;

	folio_clear_referenced(folio);
	c = leaf_gup(r, GK_PIN_FAST, FOLL_WRITE);
	GK_EXPECT(c, -1, "folio_test_referenced()", folio_test_referenced(folio), true);
	gk_expect_round_trip(c, LEAF_NR);
}

/* A leaf of a file without shmem: nothing that GUP-fast may pin for long. */
static void leaf_map_driver(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, HPAGE_PMD_ORDER, r->nr);

	r->nr *= 2;
	gk_drv_mmap(r, drv, PROT_READ | PROT_WRITE, MAP_SHARED);
	r->nr /= 2;
	r->addr = ALIGN(r->addr, PMD_SIZE);
	gk_drv_insert_leaf(r, 0, drv->folios[0]);
}

static void gup_race_leaf_longterm(struct kunit *test)
{
	static const struct gk_shape driver = {
		.name = "leaf_of_driver", .nr = PTRS_PER_PTE, .map = leaf_map_driver,
	};
	struct gk_range *r = gk_map(test, &driver, 0);
	struct gk_call *c = leaf_gup(r, GK_PIN_FAST, FOLL_WRITE);

	gk_expect_round_trip(c, LEAF_NR);
	GK_EXPECT(c, -1, "slow paths", leaf_met[GK_SLOW], 0);
	c = leaf_gup(r, GK_PIN_FAST, FOLL_WRITE | FOLL_LONGTERM);
	GK_EXPECT(c, -1, "slow paths", leaf_met[GK_SLOW], 1);
	gk_release(c);
}

#ifdef CONFIG_GUP_ZOO_HUGETLB
/* Of hugetlb it may: the first pin moves the page out of the movable zone. */
static void gup_race_leaf_longterm_hugetlb(struct kunit *test)
{
	const unsigned int flags = FOLL_WRITE | FOLL_LONGTERM;
	struct gk_range *r = gk_map(test, &gk_hugetlb, 0);
	struct gk_call *c = leaf_gup(r, GK_PIN_FAST, flags);

	gk_expect_ret(c, LEAF_NR);
	gk_release(c);
	c = leaf_gup(r, GK_PIN_FAST, flags);
	gk_expect_pinned(c, LEAF_NR);
	GK_EXPECT(c, -1, "slow paths", leaf_met[GK_SLOW], 0);
	gk_release(c);
}
#endif

/* Old: a NUMA hint, if gk_numa_hints says so. */
static void leaf_make_hint(struct gk_range *r)
{
	pmd_t *pmdp = pmd_off(r->mm, r->addr);

	set_pmd_at(r->mm, r->addr, pmdp, pmd_mkold(*pmdp));
}

static void leaf_expect_hint(struct gk_range *r, enum gk_api_id api,
			     unsigned int flags, long want)
{
	struct gk_call *c;

	gk_numa_hints = true;
	c = leaf_gup(r, api, flags);
	gk_numa_hints = false;
	gk_expect_ret(c, want);
	if (gk_apis[api].fast && !gk_apis[api].only)
		GK_EXPECT(c, -1, "slow paths", leaf_met[GK_SLOW], 1);
	GK_EXPECT(c, -1, "faults", leaf_met[GK_FAULT], 0);
	gk_release(c);
}

/* The same, of entries. */
static void leaf_make_hints(struct gk_range *r)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_set_young_pte(r, i, false);
}

/* GUP-fast leaves a NUMA hint to the slow path, which faults if it is told to. */
static void leaf_expect_hints(struct gk_range *r, void (*make_hint)(struct gk_range *r))
{
	const unsigned int honor = FOLL_NOFAULT | FOLL_HONOR_NUMA_FAULT;
	static const enum gk_api_id apis[] = {
		GK_GET, GK_GET_FAST, GK_PIN, GK_PIN_FAST,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		make_hint(r);
		leaf_expect_hint(r, apis[i], honor, -EFAULT);
		leaf_expect_hint(r, apis[i], FOLL_NOFAULT, LEAF_NR);
	}
	make_hint(r);
	leaf_expect_hint(r, GK_GET_FAST_ONLY, 0, 0);
}

static void gup_race_leaf_hint(struct kunit *test)
{
	leaf_expect_hints(gk_map(test, &gk_thp, 0), leaf_make_hint);
}

static void gup_race_leaf_hint_entries(struct kunit *test)
{
	leaf_expect_hints(gk_map(test, &gk_thp_ptes, 0), leaf_make_hints);
}

/* The hint comes when GUP has looked, and has no lock yet. */
static void gup_race_leaf_hint_locked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp, 0);

	leaf_before_lock = leaf_make_hint;
	leaf_expect_hint(r, GK_PIN, FOLL_NOFAULT | FOLL_HONOR_NUMA_FAULT, -EFAULT);
	leaf_before_lock = NULL;
}

static pmd_t leaf_table;

static void leaf_take_table(struct gk_range *r)
{
	pmd_t *pmdp = pmd_off(r->mm, r->addr);

	leaf_table = *pmdp;
	pmd_clear(pmdp);
	leaf_before_lock = NULL;
}

static void leaf_put_table(struct gk_range *r)
{
	set_pmd(pmd_off(r->mm, r->addr), leaf_table);
}

/* What is there goes when GUP has looked, and has no lock yet; it comes back as a fault would. */
static void leaf_expect_back(struct gk_range *r)
{
	struct gk_call *c;

	leaf_before_lock = leaf_take_table;
	leaf_before_fault = leaf_put_table;
	c = leaf_gup(r, GK_PIN, 0);
	leaf_before_fault = NULL;
	KUNIT_ASSERT_EQ(r->test, leaf_met[GK_FAULT], 1);
	gk_expect_round_trip(c, LEAF_NR);
}

static void gup_race_leaf_table_gone(struct kunit *test)
{
	leaf_expect_back(gk_map(test, &gk_thp_ptes, 0));
}

static void gup_race_leaf_gone(struct kunit *test)
{
	leaf_expect_back(gk_map(test, &gk_thp, 0));
}

static void leaf_split_pmd(struct gk_range *r)
{
	struct vm_area_struct *vma = vma_lookup(r->mm, r->addr);

	leaf_before_lock = NULL;
	split_huge_pmd(vma, pmd_off(r->mm, r->addr), r->addr);
}

/* It is a page table by then. */
static void gup_race_leaf_split_unlocked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp, 0);
	struct gk_call *c;

	leaf_before_lock = leaf_split_pmd;
	c = leaf_gup(r, GK_PIN, 0);
	KUNIT_ASSERT_NULL(test, leaf_before_lock);
	KUNIT_EXPECT_EQ(test, leaf_met[GK_FAULT], 0);
	gk_expect_ret(c, LEAF_NR);
	KUNIT_EXPECT_PTR_EQ(test, c->pages[0], gk_page(r, LEAF_FIRST));
	gk_release(c);
}

/* FOLL_SPLIT_PMD: the same pages, and the leaf is a page table. */
static void gup_race_leaf_split_asked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp, 0);
	struct page *page = gk_page(r, LEAF_FIRST);
	struct gk_call *c;

	KUNIT_ASSERT_TRUE(test, gk_is_leaf(r, 0));
	c = leaf_gup(r, GK_GET, FOLL_WRITE | FOLL_SPLIT_PMD);
	gk_expect_ret(c, LEAF_NR);
	KUNIT_EXPECT_FALSE(test, gk_is_leaf(r, 0));
	KUNIT_EXPECT_PTR_EQ(test, c->pages[0], page);
	GK_EXPECT(c, 0, "order of its folio", folio_order(page_folio(page)),
		  HPAGE_PMD_ORDER);
	GK_EXPECT(c, -1, "faults", leaf_met[GK_FAULT], 0);
	gk_release(c);
	gk_expect_round_trip(leaf_gup(r, GK_GET, FOLL_WRITE | FOLL_SPLIT_PMD), LEAF_NR);
}

/* Whatever a case that gave up has left behind. */
static void gup_race_leaf_exit(struct kunit *test)
{
	gk_hook = NULL;
	gk_numa_hints = false;
	leaf_before_lock = NULL;
	leaf_before_fault = NULL;
}

static struct kunit_suite gup_race_leaf_suite = {
	.name = "gup_race_leaf",
	.exit = gup_race_leaf_exit,
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE(gup_race_leaf_unmap),
		KUNIT_CASE(gup_race_leaf_replace),
		KUNIT_CASE(gup_race_leaf_share),
		KUNIT_CASE(gup_race_leaf_share_readonly),
		KUNIT_CASE(gup_race_leaf_split),
		KUNIT_CASE(gup_race_leaf_split_readonly),
		KUNIT_CASE_PARAM(gup_race_leaf_first_of_two, leaf_pair_gen_params),
		KUNIT_CASE_PARAM(gup_race_leaf_first_refused, leaf_pair_gen_params),
		KUNIT_CASE(gup_race_leaf_referenced),
		KUNIT_CASE(gup_race_leaf_longterm),
#ifdef CONFIG_GUP_ZOO_HUGETLB
		KUNIT_CASE(gup_race_leaf_longterm_hugetlb),
#endif
		KUNIT_CASE(gup_race_leaf_hint),
		KUNIT_CASE(gup_race_leaf_hint_entries),
		KUNIT_CASE(gup_race_leaf_hint_locked),
		KUNIT_CASE(gup_race_leaf_table_gone),
		KUNIT_CASE(gup_race_leaf_gone),
		KUNIT_CASE(gup_race_leaf_split_unlocked),
		KUNIT_CASE(gup_race_leaf_split_asked),
		{}
	},
};

kunit_test_suite(gup_race_leaf_suite);
