// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs of anonymous memory: whether a page is exclusive, dirty or has been
 * copied is a matter of the page, not of its folio. GUP that takes many pages of
 * a large folio at once has to stop, fault and mark where GUP page by page does.
 *
 * There is no need for THP here: a large folio is mapped by hand, page by page.
 */
#include <kunit/resource.h>
#include <linux/memcontrol.h>
#include <linux/mman.h>
#include <linux/pagewalk.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <asm/tlbflush.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

/* The large folio, between small ones. */
#define RUNS_ANON_FIRST	2
#define RUNS_ANON_NR		16
#define RUNS_ANON_LAST		(RUNS_ANON_FIRST + RUNS_ANON_NR - 1)
#define RUNS_ANON_PAGES	(RUNS_ANON_LAST + 3)

/* Map an anonymous folio of its own at page @i, with a fault's means. */
static struct folio *runs_anon_map_folio(struct gk_range *r, unsigned int i,
					 unsigned int order, gfp_t gfp)
{
	struct folio *folio = folio_alloc(gfp, order);
	struct vm_area_struct *vma;
	spinlock_t *ptl = NULL;
	pte_t *ptep;

	KUNIT_ASSERT_NOT_NULL(r->test, folio);
	KUNIT_ASSERT_EQ(r->test, mem_cgroup_charge(folio, r->mm, gfp), 0);
	__folio_mark_uptodate(folio);
	mmap_write_lock(r->mm);
	vma = gk_vma(r, i);
	KUNIT_EXPECT_EQ(r->test, anon_vma_prepare(vma), 0);
	ptep = get_locked_pte(r->mm, gk_addr(r, i), &ptl);
	map_anon_folio_pte_nopf(folio, ptep, vma, gk_addr(r, i), false);
	add_mm_counter(r->mm, MM_ANONPAGES, folio_nr_pages(folio));
	pte_unmap_unlock(ptep, ptl);
	mmap_write_unlock(r->mm);
	return folio;
}

/* Address space for r->nr pages in one page table. */
static void runs_anon_mmap(struct gk_range *r)
{
	unsigned int nr = r->nr, before;

	r->nr = PTRS_PER_PTE + nr;
	/* The folios are small where the test does not say otherwise. */
	gk_mmap_anon(r, 0, RW, 0);
	/* What is left over is given back: 32 bits of addresses are soon used up. */
	before = (ALIGN(r->addr, PMD_SIZE) - r->addr) / PAGE_SIZE;
	if (before)
		gk_unmap(r, 0, before);
	if (before < PTRS_PER_PTE)
		gk_unmap(r, before + nr, PTRS_PER_PTE - before);
	r->nr = nr;
	r->addr = gk_addr(r, before);
}

/* Faults from where memory can be pinned for long: nothing needs to move. */
static void runs_anon_fault(struct gk_range *r, unsigned int i, unsigned int n)
{
	unsigned int flags = memalloc_pin_save();

	gk_fault(r, i, n, true);
	memalloc_pin_restore(flags);
}

/* Somebody else has a reference, or the last page would need no copy. */
static void runs_anon_map(struct gk_range *r)
{
	struct folio *folio;

	runs_anon_mmap(r);
	runs_anon_fault(r, 0, RUNS_ANON_FIRST);
	folio = runs_anon_map_folio(r, RUNS_ANON_FIRST, ilog2(RUNS_ANON_NR), GFP_KERNEL);
	folio_get(folio);
	r->test->priv = folio;
	runs_anon_fault(r, RUNS_ANON_LAST + 1, RUNS_ANON_PAGES - RUNS_ANON_LAST - 1);
	gk_poke_all(r);
}

static const struct gk_shape runs_anon_shape = {
	.name = "anon_large", .nr = RUNS_ANON_PAGES, .map = runs_anon_map,
};

/* One failure tells enough: the next call would say the same. */
static bool runs_anon_failed(struct kunit *test)
{
	return READ_ONCE(test->status) == KUNIT_FAILURE;
}

/* References to the folio that are not those of its mappings, or known. */
static int runs_anon_held(struct kunit *test, struct folio *folio)
{
	return folio_ref_count(folio) - folio_mapcount(folio) -
	       (folio == test->priv);
}

/*
 * One page of the folio is different
 */

static void runs_anon_nothing(struct gk_range *r, unsigned int i)
{
}

static void runs_anon_readonly_all(struct gk_range *r, unsigned int i)
{
	gk_wrprotect_ptes(r, RUNS_ANON_FIRST, RUNS_ANON_NR);
}

static void runs_anon_share(struct gk_range *r, unsigned int i)
{
	gk_wrprotect_ptes(r, i, 1);
	ClearPageAnonExclusive(gk_page(r, i));
}

static void runs_anon_share_readonly(struct gk_range *r, unsigned int i)
{
	runs_anon_readonly_all(r, i);
	runs_anon_share(r, i);
}

static void runs_anon_share_all(struct gk_range *r, unsigned int i)
{
	for (i = RUNS_ANON_FIRST; i <= RUNS_ANON_LAST; i++)
		runs_anon_share(r, i);
}

static void runs_anon_copy(struct gk_range *r, unsigned int i)
{
	runs_anon_share(r, i);
	runs_anon_fault(r, i, 1);
}

static void runs_anon_zero(struct gk_range *r, unsigned int i)
{
	gk_cut_drop(r, i);
	gk_fault(r, i, 1, false);
}

static void runs_anon_readonly_shared(struct gk_range *r, unsigned int i)
{
	gk_cut_readonly(r, i);
	ClearPageAnonExclusive(gk_page(r, i));
}

/* All of the range may be read only, which FOLL_FORCE looks at page by page. */
static void runs_anon_readonly_range(struct gk_range *r, unsigned int i)
{
	gk_protect(r, 0, r->nr, PROT_READ);
}

static void runs_anon_readonly_range_shared(struct gk_range *r, unsigned int i)
{
	runs_anon_readonly_range(r, i);
	ClearPageAnonExclusive(gk_page(r, i));
}

static void runs_anon_readonly_range_copied(struct gk_range *r, unsigned int i)
{
	runs_anon_copy(r, i);
	runs_anon_readonly_range(r, i);
}

/* What becomes of an entry. */
enum runs_anon_do {
	TAKE,		/* GUP-fast takes it, and so does the slow path */
	SLOW,		/* the slow path takes it as it is */
	FAULT,		/* the slow path takes it after a fault */
	COPY,		/* the same, and it is another page then */
	COPY_ZERO,	/* after a fault for the zero page, and one for a copy */
	FAIL,		/* a fault that fails */
	REFUSE,		/* no fault either */
};

/**
 * struct runs_anon_kind - what is different about page @i
 * @all: of a call of which the next six say nothing
 * @get, @pin: for reading, by the kind of reference
 * @longterm: as @pin, for long
 * @write: for writing
 * @force: the same with FOLL_FORCE
 * @dump: with FOLL_DUMP
 * @others: for writing, the other pages of the folio
 * @shared: these, for pins to read
 * @readonly: the VMA of all of them
 */
static const struct runs_anon_kind {
	const char *name;
	void (*change)(struct gk_range *r, unsigned int i);
	enum runs_anon_do all, get, pin, longterm, write, force, dump, others, shared;
	bool readonly;
} runs_anon_kinds[] = {
	{ "exclusive", runs_anon_nothing },
	{ "readonly_entries", runs_anon_readonly_all,
	  .write = FAULT, .force = FAULT, .others = FAULT },
	{ "shared", runs_anon_share_readonly,
	  .pin = COPY, .longterm = COPY, .write = COPY, .force = COPY,
	  .others = FAULT },
	{ "shared_entry", runs_anon_share,
	  .pin = COPY, .longterm = COPY, .write = COPY, .force = COPY },
	{ "shared_all", runs_anon_share_all,
	  .pin = COPY, .longterm = COPY, .write = COPY, .force = COPY,
	  .others = COPY, .shared = COPY },
	{ "copied", runs_anon_copy },
	{ "zero_page", runs_anon_zero,
	  .get = SLOW, .pin = SLOW, .longterm = COPY, .write = COPY,
	  .force = COPY, .dump = REFUSE },
	{ "dropped", gk_cut_drop,
	  .all = COPY, .longterm = COPY_ZERO, .dump = REFUSE },
	{ "guard", gk_cut_guard, .all = FAIL },
	{ "unmapped", gk_cut_unmap, .all = REFUSE },
	{ "no_access", gk_cut_no_access, .all = REFUSE, .force = SLOW },
	{ "readonly_vma", gk_cut_readonly,
	  .write = REFUSE, .force = SLOW },
	{ "readonly_vma_shared", runs_anon_readonly_shared,
	  .pin = COPY, .longterm = COPY, .write = REFUSE, .force = COPY },
	{ "readonly_range", runs_anon_readonly_range,
	  .write = REFUSE, .force = SLOW, .readonly = true },
	{ "readonly_range_shared", runs_anon_readonly_range_shared,
	  .pin = COPY, .longterm = COPY, .write = REFUSE, .force = COPY,
	  .readonly = true },
	{ "readonly_range_copied", runs_anon_readonly_range_copied,
	  .write = REFUSE, .force = SLOW, .readonly = true },
};

KUNIT_ARRAY_PARAM_DESC(runs_anon_kind, runs_anon_kinds, name);

static const unsigned int runs_anon_flags[] = {
	0, FOLL_WRITE, FOLL_NOFAULT, FOLL_NOFAULT | FOLL_WRITE, FOLL_LONGTERM,
	FOLL_LONGTERM | FOLL_WRITE, FOLL_FORCE | FOLL_WRITE, FOLL_ANON,
	FOLL_DUMP,
};

static const struct runs_anon_how {
	enum gk_api_id api;
	bool alone;		/* GUP-fast without the slow path */
} runs_anon_hows[] = {
	{ GK_GET }, { GK_GET_UNLOCKED }, { GK_GET_FAST }, { GK_GET_FAST_ONLY },
	{ GK_GET_REMOTE }, { GK_PIN }, { GK_PIN_UNLOCKED }, { GK_PIN_FAST },
	{ GK_PIN_REMOTE }, { GK_GET_FAST, true }, { GK_PIN_FAST, true },
};

static unsigned int runs_anon_faults(enum runs_anon_do act)
{
	if (act == COPY_ZERO)
		return 2;
	return act == FAULT || act == COPY || act == FAIL;
}

static enum runs_anon_do runs_anon_do_by_flags(const struct runs_anon_kind *kind,
					       const struct gk_call *c)
{
	if (c->flags & FOLL_WRITE)
		return c->flags & FOLL_FORCE ? kind->force : kind->write;
	if ((c->flags & FOLL_DUMP) && kind->dump != TAKE)
		return kind->dump;
	if (!c->api->pins)
		return kind->get;
	return c->flags & FOLL_LONGTERM ? kind->longterm : kind->pin;
}

static enum runs_anon_do runs_anon_do_changed(const struct runs_anon_kind *kind,
					      const struct gk_call *c)
{
	return runs_anon_do_by_flags(kind, c) ?: kind->all;
}

static enum runs_anon_do runs_anon_do_entry(const struct runs_anon_kind *kind, unsigned int changed,
					    const struct gk_call *c, unsigned int i)
{
	enum runs_anon_do act = TAKE;

	if (i == changed)
		act = runs_anon_do_changed(kind, c);
	else if (kind->readonly && (c->flags & FOLL_WRITE))
		act = c->flags & FOLL_FORCE ? SLOW : REFUSE;
	else if (i >= RUNS_ANON_FIRST && i <= RUNS_ANON_LAST && (c->flags & FOLL_WRITE))
		act = kind->others;
	else if (i >= RUNS_ANON_FIRST && i <= RUNS_ANON_LAST && c->api->pins)
		act = kind->shared;
	if ((c->flags & FOLL_NOFAULT) && runs_anon_faults(act))
		act = REFUSE;
	return act;
}

struct runs_anon_want {
	long ret;
	unsigned int faults;
	unsigned long copied;	/* a bit for each page of the range */
};

static struct runs_anon_want runs_anon_foretell(const struct runs_anon_kind *kind,
						unsigned int changed, const struct gk_call *c,
						bool alone)
{
	struct runs_anon_want want = {};
	bool fast = c->api->fast;
	enum runs_anon_do act;
	unsigned int i;

	for (i = c->first; i < c->first + c->nr; i++) {
		act = runs_anon_do_entry(kind, changed, c, i);
		/* A read-only VMA has read-only entries. */
		fast = fast && act == TAKE;
		if (fast)
			continue;
		if (c->api->only || act == REFUSE)
			break;
		if (alone)
			break;
		want.faults += runs_anon_faults(act);
		if (act == FAIL)
			break;
		if (act == COPY || act == COPY_ZERO)
			want.copied |= BIT(i);
	}
	want.ret = i - c->first;
	if (want.ret || c->api->only)
		return want;
	want.ret = -EFAULT;
	/* What its VMA refuses is refused before signals count. */
	if (alone && !(runs_anon_do_changed(kind, c) == REFUSE &&
		       (i == changed || kind->readonly)))
		want.ret = -EINTR;
	return want;
}

/* The folio of page @i is held as often as the call returned pages of it, and by @others. */
static void runs_anon_expect_folio(struct gk_call *c, unsigned int i, struct folio *folio,
				   bool released, int others)
{
	int n = 0;
	long k;

	for (k = 0; !released && k < c->ret; k++)
		n += page_folio(c->pages[k]) == folio;
	GK_EXPECT(c, i, released ? "held after the release" : "held",
		  runs_anon_held(c->r->test, folio),
		  gk_refs_wanted(c->api, folio, n) + others);
	if (folio_has_pincount(folio))
		GK_EXPECT(c, i, "pincount", atomic_read(&folio->_pincount),
			  c->api->pins ? n : 0);
}

/* The same for every folio of the range; nobody else holds any. */
static void runs_anon_expect_held(struct gk_call *c, bool released)
{
	unsigned int i;

	gk_settle();
	for (i = 0; i < c->r->nr; i++) {
		struct page *page = gk_page(c->r, i);

		if (page && !is_zero_page(page))
			runs_anon_expect_folio(c, i, page_folio(page), released, 0);
	}
}

static void runs_anon_expect_pages(struct gk_call *c, const struct runs_anon_want *want,
				   const u8 *byte)
{
	long k;

	for (k = 0; k < c->ret; k++) {
		unsigned int i = c->first + k;
		struct page *page = c->pages[k];

		GK_EXPECT(c, i, "is another page", page != c->before[i].page,
			  !!(want->copied & BIT(i)));
		GK_EXPECT(c, i, "contents", gk_peek(page), byte[i]);
		if (!is_zero_page(page) &&
		    (c->api->pins || (c->flags & FOLL_WRITE)))
			GK_EXPECT(c, i, "exclusive", gk_exclusive(page), true);
	}
	for (k = 0; k < c->r->nr; k++)
		if (k < c->first || k >= c->first + c->ret)
			GK_EXPECT(c, k, "the page that was there",
				  c->pinned[k].page == c->before[k].page, true);
}

static void runs_anon_call(struct kunit *test, const struct runs_anon_kind *kind,
			   unsigned int changed, const struct runs_anon_how *how,
			   unsigned int flags, unsigned int first, unsigned int nr)
{
	struct gk_range *r = gk_map(test, &runs_anon_shape, 0);
	u8 byte[RUNS_ANON_PAGES] = {};
	struct runs_anon_want want;
	struct gk_call *c;
	unsigned int i;
	long faults;

	kind->change(r, changed);
	for (i = 0; i < r->nr; i++)
		if (gk_page(r, i))
			byte[i] = gk_peek(gk_page(r, i));
	c = gk_prepare(r, how->api, flags, first, nr);
	want = runs_anon_foretell(kind, changed, c, how->alone);
	if (how->alone)
		gk_signal(SIGKILL);
	faults = -gk_events(PGFAULT);
	gk_enter(c);
	faults += gk_events(PGFAULT);
	if (how->alone)
		gk_signal_clear();
	gk_done(c);

	gk_expect_pinned(c, want.ret);
	GK_EXPECT(c, changed, "faults, if this page is changed", faults,
		  want.faults);
	if (c->ret == want.ret)
		runs_anon_expect_pages(c, &want, byte);
	runs_anon_expect_held(c, false);
	gk_release(c);
	runs_anon_expect_held(c, true);
	gk_expect_restored(c);
	gk_unmap(r, 0, r->nr);
	GK_EXPECT(c, -1, "refcount of the large folio at the end",
		  folio_ref_count(test->priv), 1);
	folio_put(test->priv);
}

/* Parts that begin and end at, before and behind the page, and elsewhere. */
static void runs_anon_call_parts(struct kunit *test, const struct runs_anon_kind *kind,
				 unsigned int i, const struct runs_anon_how *how,
				 unsigned int flags)
{
	const struct {
		unsigned int first, end;
	} parts[] = {
		{ 0, RUNS_ANON_PAGES }, { RUNS_ANON_FIRST, RUNS_ANON_LAST + 1 }, { i, i + 1 },
		{ i, RUNS_ANON_PAGES }, { 0, i }, { 0, i + 1 }, { i - 1, i + 2 },
		{ i + 1, RUNS_ANON_PAGES }, { RUNS_ANON_FIRST + 1, RUNS_ANON_LAST },
	};
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(parts) && !runs_anon_failed(test); k++)
		runs_anon_call(test, kind, i, how, flags, parts[k].first,
			       parts[k].end - parts[k].first);
}

static void gup_runs_anon_page(struct kunit *test)
{
	static const unsigned int pages[] = {
		RUNS_ANON_FIRST, RUNS_ANON_FIRST + RUNS_ANON_NR / 2 - 1, RUNS_ANON_LAST,
	};
	unsigned int h, f, p;

	for (h = 0; h < ARRAY_SIZE(runs_anon_hows); h++)
		for (f = 0; f < ARRAY_SIZE(runs_anon_flags); f++)
			for (p = 0; p < ARRAY_SIZE(pages); p++)
				if (!(runs_anon_flags[f] & ~gk_apis[runs_anon_hows[h].api].flags))
					runs_anon_call_parts(test, test->param_value,
							     pages[p], &runs_anon_hows[h],
							     runs_anon_flags[f]);
}

/*
 * Populating: no pages are taken, and only what has to be is faulted in.
 */

static const struct runs_anon_populate {
	unsigned int flags;
	int advice;		/* 0: as mlock() */
} runs_anon_populates[] = {
	{ FOLL_WRITE }, { 0, MADV_POPULATE_READ },
	{ FOLL_WRITE, MADV_POPULATE_WRITE },
};

static int runs_anon_do_populate(struct gk_call *c, int advice)
{
	unsigned long len = c->nr * PAGE_SIZE;

	if (advice)
		return do_madvise(c->r->mm, c->addr, len, advice);
	return __mm_populate(c->addr, len, 0);
}

static void runs_anon_populate(struct kunit *test, unsigned int changed,
			       const struct runs_anon_populate *p, unsigned int first,
			       unsigned int nr)
{
	const struct runs_anon_kind *kind = test->param_value;
	struct gk_range *r = gk_map(test, &runs_anon_shape, 0);
	struct runs_anon_want want;
	struct gk_call *c;
	unsigned int i;
	long faults;

	kind->change(r, changed);
	c = gk_prepare(r, GK_GET, p->flags, first, nr);
	want = runs_anon_foretell(kind, changed, c, false);
	faults = -gk_events(PGFAULT);
	c->ret = runs_anon_do_populate(c, p->advice);
	faults += gk_events(PGFAULT);
	gk_expect_ret(c, 0);
	GK_EXPECT(c, changed, "faults, if this page is changed", faults,
		  want.faults);
	c->ret = 0;
	gk_done(c);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "is another page",
			  c->pinned[i].page != c->before[i].page,
			  !!(want.copied & BIT(i)));
	runs_anon_expect_held(c, true);
	gk_expect_restored(c);
	gk_unmap(r, 0, r->nr);
	folio_put(test->priv);
}

/* Parameters: the kinds that can be populated. The others: see gup_populate. */
static const void *runs_anon_populate_params(struct kunit *test, const void *prev,
					     char *desc)
{
	const struct runs_anon_kind *kind = prev;
	enum runs_anon_do write = TAKE;

	do {
		kind = runs_anon_kind_gen_params(test, kind, desc);
		if (kind)
			write = kind->write ?: kind->all;
	} while (kind && (write == FAIL || write == REFUSE));
	return kind;
}

static void gup_runs_anon_populate(struct kunit *test)
{
	unsigned int i, p;

	for (p = 0; p < ARRAY_SIZE(runs_anon_populates); p++)
		for (i = RUNS_ANON_FIRST; i <= RUNS_ANON_LAST && !runs_anon_failed(test); i++) {
			runs_anon_populate(test, i, &runs_anon_populates[p], 0, RUNS_ANON_PAGES);
			runs_anon_populate(test, i, &runs_anon_populates[p], 0, i + 1);
			runs_anon_populate(test, i, &runs_anon_populates[p], i,
					   RUNS_ANON_PAGES - i);
		}
}

/*
 * An entry under migration: only with FOLL_NOFAULT, which does not wait.
 */

/* Entry @i as try_to_migrate() leaves it, but for the counts. */
static pte_t runs_anon_set_migration_entry(struct gk_range *r, unsigned int i)
{
	unsigned long pfn = page_to_pfn(gk_page(r, i));
	pte_t *ptep, was;
	spinlock_t *ptl = NULL;

	mmap_read_lock(r->mm);
	ptep = get_locked_pte(r->mm, gk_addr(r, i), &ptl);
	was = ptep_get(ptep);
	set_pte_at(r->mm, gk_addr(r, i), ptep,
		   swp_entry_to_pte(make_writable_migration_entry(pfn)));
	pte_unmap_unlock(ptep, ptl);
	mmap_read_unlock(r->mm);
	return was;
}

static void runs_anon_set_pte(struct gk_range *r, unsigned int i, pte_t pte)
{
	spinlock_t *ptl = NULL;
	pte_t *ptep;

	mmap_read_lock(r->mm);
	ptep = get_locked_pte(r->mm, gk_addr(r, i), &ptl);
	/* arm64 wants no bit cleared that hardware could set at the same time. */
	ptep_get_and_clear(r->mm, gk_addr(r, i), ptep);
	flush_tlb_page(gk_vma(r, i), gk_addr(r, i));
	set_pte_at(r->mm, gk_addr(r, i), ptep, pte);
	pte_unmap_unlock(ptep, ptl);
	mmap_read_unlock(r->mm);
}

static void gup_runs_anon_migration_entry(struct kunit *test)
{
	static const struct runs_anon_kind kind = {
		.get = REFUSE, .pin = REFUSE, .longterm = REFUSE,
		.write = REFUSE,
	};
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &runs_anon_shape, 0);
	struct folio *folio = test->priv;
	struct runs_anon_want want;
	unsigned int i, write;
	struct gk_call *c;
	pte_t was;

	folio_lock(folio);
	for (i = RUNS_ANON_FIRST; i <= RUNS_ANON_LAST; i++) {
		was = runs_anon_set_migration_entry(r, i);
		for (write = 0; write <= 1; write++) {
			c = gk_gup(r, api - gk_apis, FOLL_NOFAULT |
				   (write ? FOLL_WRITE : 0));
			want = runs_anon_foretell(&kind, i, c, false);
			gk_expect_round_trip(c, want.ret);
		}
		runs_anon_set_pte(r, i, was);
	}
	folio_unlock(folio);
	c = gk_gup(r, api - gk_apis, FOLL_NOFAULT | FOLL_WRITE);
	gk_expect_round_trip(c, r->nr);
	folio_put(folio);
}

/*
 * Dirty and accessed
 */

/* All but pin_user_pages() touch what the slow path takes. */
static bool runs_anon_touches(const struct gk_call *c)
{
	return !c->api->fast && c->api != &gk_apis[GK_PIN];
}

/*
 * The folio must get dirty when it is taken for writing through a clean entry, one
 * entry of many. It may get dirty through several dirty entries: they would make it
 * so anyway. Entries are left as they are: dirty or clean, young or old.
 */
static void runs_anon_dirty(struct gk_range *r, enum gk_api_id api, unsigned int flags,
			    unsigned int clean, unsigned int first, unsigned int nr)
{
	struct folio *folio = r->test->priv;
	pte_t pte = gk_pte(r, clean), ptes[RUNS_ANON_PAGES];
	struct gk_call *c;
	bool must, may;
	unsigned int i;

	runs_anon_set_pte(r, clean, pte_mkold(pte_mkclean(pte)));
	for (i = 0; i < r->nr; i++)
		ptes[i] = gk_pte(r, i);
	folio_clear_dirty(folio);
	c = gk_gup_part(r, api, flags, first, nr);
	gk_expect_pinned(c, nr);
	may = runs_anon_touches(c) && (flags & FOLL_WRITE);
	must = may && clean >= first && clean < first + nr;
	if (must || !may || nr == 1)
		GK_EXPECT(c, clean, "dirty, as its entry is clean",
			  folio_test_dirty(folio), must);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "entry is as it was",
			  pte_same(gk_pte(r, i), ptes[i]), true);
	gk_release(c);
	gk_expect_restored(c);
	runs_anon_set_pte(r, clean, pte);
}

static void gup_runs_anon_dirty(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &runs_anon_shape, 0);
	unsigned int clean, flags = 0;

	for (;;) {
		for (clean = RUNS_ANON_FIRST; clean <= RUNS_ANON_LAST && !runs_anon_failed(test);
		     clean++) {
			runs_anon_dirty(r, api - gk_apis, flags, clean, 0, RUNS_ANON_PAGES);
			runs_anon_dirty(r, api - gk_apis, flags, clean, 0, clean + 1);
			runs_anon_dirty(r, api - gk_apis, flags, clean, 0, clean);
			runs_anon_dirty(r, api - gk_apis, flags, clean, clean,
					RUNS_ANON_PAGES - clean);
			runs_anon_dirty(r, api - gk_apis, flags, clean, clean + 1,
					RUNS_ANON_PAGES - clean - 1);
		}
		if (flags)
			break;
		flags = FOLL_WRITE;
	}
	folio_put(test->priv);
}

struct runs_anon_lru {
	bool referenced, active;
};

/* One page was accessed: what folio_mark_accessed() makes of its folio. */
static struct runs_anon_lru runs_anon_accessed(struct runs_anon_lru lru)
{
	if (!lru.referenced)
		return (struct runs_anon_lru){ true, lru.active };
	if (!lru.active)
		return (struct runs_anon_lru){ false, true };
	return lru;
}

static void runs_anon_take_accessed(struct kunit *test, enum gk_api_id api,
				    unsigned int nr, struct runs_anon_lru lru)
{
	struct gk_range *r = gk_map(test, &runs_anon_shape, 0);
	struct folio *folio = test->priv;
	struct gk_call *c;
	unsigned int k;

	/* As it was when it was mapped, or after it has been accessed. */
	folio_clear_referenced(folio);
	for (k = lru.referenced + 2 * lru.active; k; k--)
		folio_mark_accessed(folio);
	gk_settle();
	KUNIT_ASSERT_EQ(test, folio_test_referenced(folio), lru.referenced);
	KUNIT_ASSERT_EQ(test, folio_test_active(folio), lru.active);

	c = gk_gup_part(r, api, 0, RUNS_ANON_FIRST, nr);
	gk_expect_pinned(c, nr);
	if (runs_anon_touches(c))
		lru = runs_anon_accessed(lru);
	lru.referenced |= c->api->fast;
	gk_settle();
	GK_EXPECT(c, RUNS_ANON_FIRST, "referenced", folio_test_referenced(folio),
		  lru.referenced);
	GK_EXPECT(c, RUNS_ANON_FIRST, "active", folio_test_active(folio), lru.active);
	gk_release(c);
	gk_expect_restored(c);
	gk_unmap(r, 0, r->nr);
	folio_put(folio);
}

/* One access, however many of its pages one call takes. */
static void gup_runs_anon_accessed(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	unsigned int nr;

	for (nr = 1; nr <= RUNS_ANON_NR && !runs_anon_failed(test); nr++) {
		runs_anon_take_accessed(test, api - gk_apis, nr,
					(struct runs_anon_lru){ false, false });
		runs_anon_take_accessed(test, api - gk_apis, nr,
					(struct runs_anon_lru){ true, false });
		runs_anon_take_accessed(test, api - gk_apis, nr,
					(struct runs_anon_lru){ false, true });
		runs_anon_take_accessed(test, api - gk_apis, nr,
					(struct runs_anon_lru){ true, true });
	}
}

/*
 * FOLL_LONGTERM: some folios have to move
 */

/*
 * Folios by what they are: P and M have four pages, p and m have one. P and p
 * may be pinned for long, M and m have to move.
 */
static const struct runs_anon_moving {
	const char *folios;
} runs_anon_movings[] = {
	{ "MPP" }, { "PMP" }, { "PPM" }, { "MMM" }, { "MPM" }, { "PmP" },
	{ "mPm" }, { "MpM" }, { "pMp" }, { "mMp" }, { "Mmm" },
};

KUNIT_ARRAY_PARAM_DESC(runs_anon_moving, runs_anon_movings, folios);

#define RUNS_ANON_MAX_MOVING	16

static unsigned int runs_anon_folio_nr(char kind)
{
	return kind == 'P' || kind == 'M' ? 4 : 1;
}

static bool runs_anon_moves(char kind)
{
	return kind == 'M' || kind == 'm';
}

static void runs_anon_map_moving(struct gk_range *r)
{
	const struct runs_anon_moving *p = r->test->param_value;
	unsigned int i = 0;
	const char *s;

	runs_anon_mmap(r);
	for (s = p->folios; *s; s++) {
		runs_anon_map_folio(r, i, ilog2(runs_anon_folio_nr(*s)),
				    runs_anon_moves(*s) ? GFP_HIGHUSER_MOVABLE : GFP_KERNEL);
		KUNIT_ASSERT_EQ_MSG(r->test, runs_anon_moves(*s),
				    !folio_is_longterm_pinnable(page_folio(gk_page(r, i))),
				    "no movablecore=?");
		i += runs_anon_folio_nr(*s);
	}
	gk_poke_all(r);
	r->test->priv = NULL;
}

/* The kind of the folio that page @i of the range belongs to. */
static char runs_anon_kind_at(const struct runs_anon_moving *p, unsigned int i)
{
	const char *s = p->folios;

	for (; i >= runs_anon_folio_nr(*s); s++)
		i -= runs_anon_folio_nr(*s);
	return *s;
}

static struct gk_range *runs_anon_moving_range(struct kunit *test)
{
	static const struct gk_shape shape = {
		.name = "anon_moving", .map = runs_anon_map_moving,
	};
	const struct runs_anon_moving *p = test->param_value;
	unsigned int nr = 0;
	const char *s;

	for (s = p->folios; *s; s++)
		nr += runs_anon_folio_nr(*s);
	return gk_map(test, &shape, nr);
}

/* Nothing is lost, on its way, or held by more than @c holds. */
static void runs_anon_expect_whole(struct gk_call *c, struct page *busy, bool released)
{
	unsigned int i;

	gk_settle();
	for (i = 0; i < c->r->nr; i++) {
		struct page *page = gk_page(c->r, i);
		struct folio *folio;

		GK_EXPECT(c, i, "mapped", !!page, true);
		if (!page)
			continue;
		folio = page_folio(page);
		GK_EXPECT(c, i, "contents", gk_peek(page), i + 1);
		GK_EXPECT(c, i, "exclusive", gk_exclusive(page), true);
		GK_EXPECT(c, i, "on its LRU", folio_test_lru(folio), true);
		GK_EXPECT(c, i, "locked", folio_test_locked(folio), false);
		runs_anon_expect_folio(c, i, folio, released,
				       busy && folio == page_folio(busy));
	}
}

/* Has a page in [first, first + nr) a folio that moves? */
static bool runs_anon_folio_moves(struct gk_call *c, unsigned int i)
{
	const struct runs_anon_moving *p = c->r->test->param_value;
	struct folio *folio = page_folio(c->before[i].page);
	unsigned int k;

	if (!runs_anon_moves(runs_anon_kind_at(p, i)))
		return false;
	/* Not after the call: the folio may be gone. */
	for (k = c->first; k < c->first + c->nr; k++)
		if (page_folio(c->before[k].page) == folio)
			return true;
	return false;
}

static void runs_anon_longterm(struct kunit *test, enum gk_api_id api,
			       unsigned int flags, unsigned int first,
			       unsigned int nr)
{
	struct gk_range *r = runs_anon_moving_range(test);
	struct gk_call *c = gk_prepare(r, api, flags | FOLL_LONGTERM, first,
				       nr);
	long isolated = gk_stat(NR_ISOLATED_ANON);
	bool moves[RUNS_ANON_MAX_MOVING];
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		moves[i] = runs_anon_folio_moves(c, i);
	gk_enter(c);
	gk_done(c);
	gk_expect_pinned(c, nr);
	runs_anon_expect_whole(c, NULL, false);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "moved", gk_page(r, i) != c->before[i].page,
			  moves[i]);
	for (i = first; i < first + nr; i++)
		GK_EXPECT(c, i, "pinnable for long",
			  folio_is_longterm_pinnable(page_folio(gk_page(r, i))),
			  true);
	GK_EXPECT(c, -1, "nr_isolated_anon", gk_stat(NR_ISOLATED_ANON),
		  isolated);
	gk_release(c);
	runs_anon_expect_whole(c, NULL, true);
	gk_expect_restored(c);
	gk_unmap(r, 0, r->nr);
}

static const enum gk_api_id runs_anon_pins[] = {
	GK_PIN, GK_PIN_UNLOCKED, GK_PIN_FAST, GK_PIN_REMOTE,
};

/* Parts that begin and end within folios. */
static void gup_runs_anon_longterm(struct kunit *test)
{
	unsigned int a, first, back, nr = runs_anon_moving_range(test)->nr;

	for (a = 0; a < ARRAY_SIZE(runs_anon_pins); a++)
		for (first = 0; first < 4 && first < nr && !runs_anon_failed(test);
		     first++)
			for (back = 0; back < 4 && first + back < nr; back++) {
				runs_anon_longterm(test, runs_anon_pins[a], 0, first,
						   nr - first - back);
				runs_anon_longterm(test, runs_anon_pins[a], FOLL_WRITE, first,
						   nr - first - back);
			}
}

/* How much GUP-fast has: what comes before the first folio that has to move. */
static long runs_anon_fast_prefix(struct gk_call *c)
{
	unsigned int i;

	for (i = c->first; i < c->first + c->nr; i++)
		if (runs_anon_moves(runs_anon_kind_at(c->r->test->param_value, i)))
			break;
	return i - c->first;
}

/*
 * The folio of page @busy cannot move: an error, unless GUP-fast has pinned some
 * already, and everything is released.
 */
static void runs_anon_longterm_busy(struct kunit *test, enum gk_api_id api,
				    unsigned int busy, unsigned int first)
{
	struct gk_range *r = runs_anon_moving_range(test);
	long isolated = gk_stat(NR_ISOLATED_ANON);
	struct page *page = gk_page(r, busy);
	struct gk_call *c;
	long want = 0;

	get_page(page);
	c = gk_gup_part(r, api, FOLL_WRITE | FOLL_LONGTERM, first,
			r->nr - first);
	if (api == GK_PIN_FAST)
		want = runs_anon_fast_prefix(c);
	gk_expect_ret(c, want ?: -EBUSY);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  c->acquired - c->released, want);
	runs_anon_expect_whole(c, page, false);
	GK_EXPECT(c, busy, "the page that was there", gk_page(r, busy) == page,
		  true);
	GK_EXPECT(c, -1, "nr_isolated_anon", gk_stat(NR_ISOLATED_ANON),
		  isolated);
	gk_release(c);
	runs_anon_expect_whole(c, page, true);
	put_page(page);

	/* And the next attempt is not the worse for it. */
	c = gk_gup_part(r, api, FOLL_WRITE | FOLL_LONGTERM, first,
			r->nr - first);
	gk_expect_pinned(c, r->nr - first);
	runs_anon_expect_whole(c, NULL, false);
	gk_release(c);
	runs_anon_expect_whole(c, NULL, true);
	gk_unmap(r, 0, r->nr);
}

/* GUP waits for a page in use, so each page has the next API and beginning. */
static void gup_runs_anon_longterm_busy(struct kunit *test)
{
	unsigned int i, n = 0, nr = runs_anon_moving_range(test)->nr;

	for (i = 0; i < nr && !runs_anon_failed(test); i++) {
		if (!runs_anon_moves(runs_anon_kind_at(test->param_value, i)))
			continue;
		runs_anon_longterm_busy(test, runs_anon_pins[n % ARRAY_SIZE(runs_anon_pins)], i,
					i && n / ARRAY_SIZE(runs_anon_pins) % 2);
		n++;
	}
}

static struct kunit_suite gup_runs_anon_suite = {
	.name = "gup_runs_anon",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_runs_anon_page, runs_anon_kind_gen_params),
		KUNIT_CASE_PARAM(gup_runs_anon_populate, runs_anon_populate_params),
		KUNIT_CASE_PARAM(gup_runs_anon_migration_entry, gk_api_params),
		KUNIT_CASE_PARAM(gup_runs_anon_dirty, gk_api_params),
		KUNIT_CASE_PARAM(gup_runs_anon_accessed, gk_api_params),
		KUNIT_CASE_PARAM(gup_runs_anon_longterm, runs_anon_moving_gen_params),
		KUNIT_CASE_PARAM(gup_runs_anon_longterm_busy, runs_anon_moving_gen_params),
		{}
	},
};

kunit_test_suite(gup_runs_anon_suite);
