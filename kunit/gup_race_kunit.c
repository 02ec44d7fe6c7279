// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races on purpose. GUP is stopped wherever it reads an entry, takes a reference,
 * takes a lock or faults (gk_hook.h), and there the case does what another CPU
 * could do. It does so at every such point in turn, so each window is met,
 * whatever it looks like: between the read of an entry and the reference, between
 * the reference and the second look, between two batches.
 *
 * The contract is GUP's own: it takes a reference, then looks again. Who unmaps a
 * page clears the entry, then looks for references. So a page that was unmapped
 * when GUP had no reference must not be returned; one that was unmapped with GUP's
 * reference on it may be.
 *
 * The entries are set by hand and hold no reference: a folio of the block has the
 * one of its owner and GUP's, exactly, and can be freed and reused in a window.
 */
#include <kunit/resource.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/rmap.h>
#include <linux/shmem_fs.h>
#include <linux/file.h>
#include <linux/pgalloc.h>

#include "internal.h"
#include "gk.h"
#include "gk_hook.h"

#define RW		(PROT_READ | PROT_WRITE)
#define RACE_BLOCK	32	/* pages: 16 of the layout, then 16 others */
#define RACE_NR		8	/* entries, at most */
#define NEVER		UINT_MAX

/**
 * struct race_layout - folios in a row, and a stretch of them that is mapped
 * @orders: of the first 16 pages, as digits
 * @reused: what becomes of these pages when they are freed and reused
 * @first, @nr: the pages that are mapped, in order
 */
static const struct race_layout {
	const char *name;
	const char *orders;
	const char *reused;
	unsigned int first, nr;
} race_layouts[] = {
	{ "small", "0000000000000000", "0000200000000", 4, 4 },
	{ "large", "33", "223", 0, 8 },
	{ "middle", "33", "1123", 2, 5 },
	{ "two", "223", "33", 1, 6 },
	{ "mixed", "00123", "223", 0, 8 },
};

KUNIT_ARRAY_PARAM_DESC(race_layout, race_layouts, name);

#define RACE_OTHERS	"33"

/* Pages of the block that are mapped nowhere, at first. */
#define RACE_OTHER	16

/* The struct pages of the block, as they are with one owner for each folio. */
enum race_image {
	RACE_PLAIN,		/* as they were allocated */
	RACE_SPLIT,		/* all of order 0 */
	RACE_LAID_OUT,
	RACE_REUSED,
	RACE_FOREIGN,		/* as RACE_LAID_OUT, of another mapping */
	RACE_NR_IMAGES,
};

/**
 * struct race_entry - an entry of the range and what came of it
 * @was: what it mapped when it was changed
 * @now: what it maps, or what a fault maps there; NULL: SIGBUS
 * @seen: pages of the folio of @was with GUP's references on them then
 * @fault: not to be had without a fault
 * @faulted: one since
 */
struct race_entry {
	struct page *was, *now;
	unsigned int seen;
	bool fault, faulted;
};

struct race;

/**
 * struct race_action - what another CPU does
 * @act: does it to entry @i; false if that is not possible at this point
 * @finish: what is left to do at the end of GUP-fast
 * @hows: the calls to make, then one of GK_NR_APIS
 * @anon: the folios are anonymous, and exclusive
 * @shmem: of shmem
 * @readonly, @clean, @old, @missing: how they are mapped
 * @hole: the entry to be changed is missing, the others are mapped
 * @locked: the page table lock does not keep it out
 * @same: GUP must not notice: everything is had, and without a fault
 * @one: what it does is the same for every entry
 */
struct race_action {
	bool (*act)(struct race *w, unsigned int i);
	void (*finish)(struct race *w);
	const struct race_how *hows;
	bool anon, shmem, readonly, clean, old, missing, hole, locked, same, one;
};

struct race {
	struct kunit *test;
	struct gk_shape shape;
	struct gk_range *r;
	struct gk_drv *drv;
	struct vm_area_struct *vma;
	const struct race_layout *layout;
	const struct race_action *action;
	struct page *block;
	struct page *image[RACE_NR_IMAGES];
	struct file *shmem;
	pmd_t *pmdp, pmd, other_pmd;
	pte_t *table, *other_table;
	pgtable_t spare;

	struct gk_call call;
	struct page *pages[RACE_NR + 4];
	struct race_entry entry[RACE_NR];
	unsigned int free;		/* a bit for each page without an owner */
	unsigned int target, at;	/* entry, and the number of the point */
	unsigned int events, faults;
	unsigned int met;		/* a bit for each enum gk_point */
	enum gk_point point;
	int looked_at;			/* the entry, if that is the point */
	bool acted, finished, locked, slow, failed;
};

/* KUnit runs one case at a time. */
static struct race *race_now;

/* Calls */

static const struct race_how {
	enum gk_api_id api;
	unsigned int flags;
} race_hows[] = {
	{ GK_PIN_FAST, FOLL_WRITE }, { GK_PIN_FAST, 0 },
	{ GK_GET_FAST, FOLL_WRITE }, { GK_GET_FAST, 0 },
	{ GK_GET_FAST_ONLY, FOLL_WRITE }, { GK_GET_FAST_ONLY, 0 },
	{ GK_PIN, FOLL_WRITE }, { GK_GET_UNLOCKED, 0 },
	{ GK_PIN_REMOTE, FOLL_WRITE }, { GK_PIN_FAST, FOLL_NOFAULT },
	{ GK_GET, FOLL_WRITE | FOLL_NOFAULT },
	{ GK_NR_APIS },
};

static const struct race_how race_hows_fast[] __maybe_unused = {
	{ GK_PIN_FAST, FOLL_WRITE }, { GK_PIN_FAST, 0 },
	{ GK_GET_FAST, FOLL_WRITE }, { GK_GET_FAST_ONLY, 0 },
	{ GK_NR_APIS },
};

static const struct race_how race_hows_nofault[] = {
	{ GK_PIN_FAST, FOLL_NOFAULT }, { GK_PIN_FAST, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_GET_FAST, FOLL_NOFAULT }, { GK_GET_FAST, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_GET_FAST_ONLY, 0 }, { GK_GET_FAST_ONLY, FOLL_WRITE },
	{ GK_PIN, FOLL_NOFAULT }, { GK_PIN, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_GET_UNLOCKED, FOLL_NOFAULT },
	{ GK_PIN_REMOTE, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_NR_APIS },
};

static const struct race_how race_hows_longterm[] = {
	{ GK_PIN_FAST, FOLL_LONGTERM | FOLL_WRITE },
	{ GK_PIN_FAST, FOLL_LONGTERM | FOLL_WRITE | FOLL_NOFAULT },
	{ GK_NR_APIS },
};

static const struct race_how race_hows_share[] = {
	{ GK_PIN_FAST, FOLL_NOFAULT }, { GK_GET_FAST, FOLL_NOFAULT },
	{ GK_GET_FAST_ONLY, 0 }, { GK_PIN, FOLL_NOFAULT },
	{ GK_GET_UNLOCKED, FOLL_NOFAULT },
	{ GK_NR_APIS },
};

static const struct race_how race_hows_fork[] = {
	{ GK_PIN_FAST, FOLL_NOFAULT }, { GK_PIN_FAST, FOLL_NOFAULT | FOLL_WRITE },
	{ GK_NR_APIS },
};

static const struct race_how race_hows_fork_read[] = {
	{ GK_PIN_FAST, FOLL_NOFAULT },
	{ GK_NR_APIS },
};

/* Messages */

static const char *const race_points[GK_NR_POINTS] = {
	[GK_READ_PMD] = "the look at the PMD",
	[GK_READ_PTE] = "the look at an entry",
	[GK_READ_LOCKED] = "the locked look at an entry", [GK_REF] = "the reference",
	[GK_PUT] = "giving back", [GK_SEQ_BEGIN] = "the sequence count",
	[GK_SEQ_RETRY] = "the second look at the sequence count",
	[GK_SLOW] = "the slow path", [GK_LOCK] = "the page table lock",
	[GK_RESCHED] = "need_resched()", [GK_UNLOCKED] = "(after) the lock",
	[GK_FAULT] = "the fault", [GK_FAULTED] = "(after) the fault",
	[GK_DRAIN] = "draining", [GK_ISOLATE] = "isolation",
	[GK_ISOLATED] = "(after) isolation", [GK_MIGRATE] = "migration",
	[GK_MIGRATED] = "(after) migration",
};

#define race_fail(w, fmt, ...)						\
do {									\
	struct race *__w = (w);						\
									\
	__w->failed = true;						\
	KUNIT_FAIL(__w->test,						\
		   "%s: point %u, before %s (%d), entry %u changed: " fmt, \
		   gk_where(&__w->call), __w->at,			\
		   __w->acted ? race_points[__w->point] : "the end",	\
		   __w->looked_at,					\
		   __w->target, ##__VA_ARGS__);				\
} while (0)

/* The block */

static void race_make_folios(struct page *page, const char *orders)
{
	unsigned int i, order;

	for (; *orders; orders++, page += 1 << order) {
		order = *orders - '0';
		if (!order)
			continue;
		for (i = 1; i < 1U << order; i++)
			set_page_count(page + i, 0);
		prep_compound_page(page, order);
		page_rmappable_folio(page);
	}
}

/* Their mapping, and that all are exclusive if they are anonymous. */
static void race_mark_folios(struct race *w, void *mapping)
{
	unsigned int i;

	for (i = 0; i < RACE_BLOCK; i++) {
		struct page *page = w->block + i;

		if (&page_folio(page)->page == page)
			page_folio(page)->mapping = mapping;
	}
	for (i = 0; i < RACE_BLOCK; i++)
		if (PageAnon(w->block + i))
			SetPageAnonExclusive(w->block + i);
}

/* Pages [i, i + n) of the block become what they are in @image. */
static void race_to_image(struct race *w, enum race_image image,
			  unsigned int i, unsigned int n)
{
	memcpy(w->block + i, w->image[image] + i, n * sizeof(struct page));
}

static void race_save_image(struct race *w, enum race_image image,
			    const char *orders, void *mapping)
{
	size_t size = RACE_BLOCK * sizeof(struct page);

	w->image[image] = kunit_kmalloc(w->test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(w->test, w->image[image]);
	if (image != RACE_PLAIN) {
		race_to_image(w, RACE_PLAIN, 0, RACE_BLOCK);
		race_make_folios(w->block, orders);
		race_make_folios(w->block + RACE_OTHER, RACE_OTHERS);
		race_mark_folios(w, mapping);
	}
	memcpy(w->image[image], w->block, size);
}

static void race_free_block(void *arg)
{
	struct race *w = arg;
	unsigned int i;

	race_to_image(w, RACE_PLAIN, 0, RACE_BLOCK);
	for (i = 0; i < RACE_BLOCK; i++)
		__free_page(w->block + i);
}

static void race_make_block(struct race *w)
{
	void *mapping = NULL;

	if (w->action->anon)
		mapping = (void *)FOLIO_MAPPING_ANON;
	if (w->action->shmem)
		mapping = w->shmem->f_mapping;
	w->block = alloc_pages(GFP_KERNEL | __GFP_ZERO, ilog2(RACE_BLOCK));
	KUNIT_ASSERT_NOT_NULL(w->test, w->block);
	split_page(w->block, ilog2(RACE_BLOCK));
	race_save_image(w, RACE_PLAIN, NULL, NULL);
	KUNIT_ASSERT_EQ(w->test, 0, kunit_add_action_or_reset(w->test,
							      race_free_block, w));
	race_save_image(w, RACE_SPLIT, "0000000000000000", mapping);
	race_save_image(w, RACE_REUSED, w->layout->reused, mapping);
	race_save_image(w, RACE_FOREIGN, w->layout->orders,
			w->r->file->f_mapping);
	race_save_image(w, RACE_LAID_OUT, w->layout->orders, mapping);
}

/* The number in the block of a page of the range, of its entry @i. */
static unsigned int race_nr(struct race *w, unsigned int i)
{
	return w->layout->first + i;
}

static unsigned int race_block_nr(struct race *w, const struct page *page)
{
	return page_to_pfn(page) - page_to_pfn(w->block);
}

/* Does a folio of @image reach from before page @i of the block to it? */
static bool race_is_tail(struct race *w, enum race_image image, unsigned int i)
{
	return i < RACE_BLOCK && PageTail(w->image[image] + i);
}

/* Pages from @lo to @hi are whole folios, as they are now and in @image. */
static void race_region(struct race *w, enum race_image image, unsigned int i,
			unsigned int *lo, unsigned int *hi)
{
	*lo = i;
	while (race_is_tail(w, RACE_LAID_OUT, *lo) || race_is_tail(w, image, *lo))
		--*lo;
	*hi = i + 1;
	while (race_is_tail(w, RACE_LAID_OUT, *hi) || race_is_tail(w, image, *hi))
		++*hi;
}

/* Entries */

static pte_t race_pte(struct race *w, struct page *page)
{
	pte_t pte = pte_mkyoung(mk_pte(page, w->vma->vm_page_prot));

	if (w->action->old)
		pte = pte_mkold(pte);
	if (w->action->readonly)
		return pte_mkclean(pte_wrprotect(pte));
	pte = pte_mkwrite(pte, w->vma);
	return w->action->clean ? pte_mkclean(pte) : pte_mkdirty(pte);
}

static void race_set(struct race *w, unsigned int i, pte_t pte)
{
	set_pte_at(w->r->mm, gk_addr(w->r, i), w->table + i, pte);
}

static pte_t race_clear(struct race *w, unsigned int i)
{
	return ptep_get_and_clear(w->r->mm, gk_addr(w->r, i), w->table + i);
}

static void race_clear_all(struct race *w)
{
	unsigned int i;

	set_pmd(w->pmdp, w->pmd);
	for (i = 0; i < w->layout->nr; i++)
		race_clear(w, i);
}

static vm_fault_t race_fault(struct gk_drv *drv, struct vm_fault *vmf)
{
	struct race *w = race_now;
	unsigned int i = (vmf->address - w->r->addr) / PAGE_SIZE;

	if (i >= w->layout->nr || !w->entry[i].now)
		return VM_FAULT_SIGBUS;
	race_set(w, i, race_pte(w, w->entry[i].now));
	return VM_FAULT_NOPAGE;
}

/* The mm goes before KUnit cleans up, and must not find entries set by hand. */
static void race_close(struct race *w)
{
	unsigned int i;

	race_clear_all(w);
	for (i = 0; i < w->layout->nr; i++)
		ptep_get_and_clear(w->r->mm, gk_addr(w->r, i),
				   w->other_table + i);
	pte_free(w->r->mm, w->spare);
}

/* A second page table, which maps other pages: khugepaged might have made it. */
static void race_make_tables(struct race *w)
{
	struct mm_struct *mm = w->r->mm;
	spinlock_t *ptl = NULL;
	unsigned int i;

	mmap_write_lock(mm);
	w->table = get_locked_pte(mm, w->r->addr, &ptl);
	if (w->table)
		pte_unmap_unlock(w->table, ptl);
	mmap_write_unlock(mm);
	KUNIT_ASSERT_NOT_NULL(w->test, w->table);
	w->pmdp = pmd_off(mm, w->r->addr);
	w->pmd = *w->pmdp;
	KUNIT_ASSERT_TRUE(w->test, pmd_present(w->pmd));
	w->table = pte_offset_kernel(w->pmdp, w->r->addr);
	w->spare = pte_alloc_one(mm);
	KUNIT_ASSERT_NOT_NULL(w->test, w->spare);
	pmd_populate(mm, w->pmdp, w->spare);
	w->other_pmd = *w->pmdp;
	w->other_table = pte_offset_kernel(w->pmdp, w->r->addr);
	set_pmd(w->pmdp, w->pmd);
	for (i = 0; i < w->layout->nr; i++)
		set_pte_at(mm, gk_addr(w->r, i), w->other_table + i,
			   race_pte(w, w->block + RACE_OTHER + 8 + i));
}

/* In the middle of a page table. */
static void race_mmap(struct gk_range *r)
{
	struct race *w = r->test->priv;
	unsigned int nr = r->nr;

	r->nr = PTRS_PER_PTE + nr;
	gk_drv_mmap(r, w->drv, RW, MAP_SHARED);
	r->nr = nr;
	r->addr = ALIGN(r->addr, PMD_SIZE);
	w->r = r;
}

static void race_fput(void *file)
{
	fput(file);
}

static struct race *race_make(struct kunit *test,
			      const struct race_action *action)
{
	struct race *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	test->priv = w;
	race_now = w;
	w->test = test;
	w->layout = test->param_value;
	w->action = action;
	w->shape.name = w->layout->name;
	w->shape.nr = w->layout->nr;
	w->shape.map = race_mmap;
	w->shmem = shmem_file_setup("gup_kunit", PAGE_SIZE, EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->shmem));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, race_fput,
							   w->shmem));
	w->drv = gk_drv(test, 0, 1);
	gk_map(test, &w->shape, 0);
	mmap_read_lock(w->r->mm);
	w->vma = gk_vma(w->r, 0);
	mmap_read_unlock(w->r->mm);
	race_make_block(w);
	race_make_tables(w);
	w->drv->fault = race_fault;
	return w;
}

/* Is entry @i not mapped at first? */
static bool race_is_missing(const struct race *w, unsigned int i)
{
	return w->action->missing || (w->action->hole && i == w->target);
}

static bool race_has_missing(const struct race *w)
{
	return w->action->missing || w->action->hole;
}

/* As everything was. */
static void race_reset(struct race *w)
{
	unsigned int i;

	race_clear_all(w);
	race_to_image(w, RACE_LAID_OUT, 0, RACE_BLOCK);
	w->free = 0;
	for (i = 0; i < w->layout->nr; i++) {
		struct page *page = w->block + race_nr(w, i);

		w->entry[i] = (struct race_entry){ .now = page };
		if (!race_is_missing(w, i))
			race_set(w, i, race_pte(w, page));
	}
	w->events = 0;
	w->faults = 0;
	w->looked_at = -1;
	w->acted = false;
	w->finished = false;
	w->locked = false;
	w->slow = false;
	w->failed = false;
}

/* What another CPU sees, and does */

static int race_owner(struct race *w, const struct folio *folio)
{
	return !(w->free & BIT(race_block_nr(w, &folio->page)));
}

/* Pages of a folio that GUP has references on. */
static unsigned int race_seen(struct race *w, struct page *page)
{
	struct folio *folio = page_folio(page);
	int refs = folio_ref_count(folio) - race_owner(w, folio);

	return DIV_ROUND_UP(refs, gk_refs_wanted(w->call.api, folio, 1));
}

/* Entry @i, cleared already, has changed: a fault or GUP gets @now. */
static void race_changed(struct race *w, unsigned int i, struct page *now,
			 bool fault)
{
	struct race_entry *e = &w->entry[i];

	/* Unless it was never mapped. */
	if (!race_is_missing(w, i) || e->faulted) {
		e->was = e->now;
		e->seen = race_seen(w, e->was);
	}
	e->now = now;
	e->fault = fault;
	e->faulted = false;
}

static struct page *race_other(struct race *w, unsigned int i)
{
	return w->block + RACE_OTHER + i;
}

static bool race_unmap(struct race *w, unsigned int i)
{
	race_clear(w, i);
	race_changed(w, i, NULL, true);
	return true;
}

static bool race_unmap_all(struct race *w, unsigned int i)
{
	for (i = 0; i < w->layout->nr; i++)
		race_unmap(w, i);
	return true;
}

/* Gone as with migration: a fault waits, and maps the copy. */
static bool race_migrate(struct race *w, unsigned int i)
{
	race_clear(w, i);
	race_changed(w, i, race_other(w, i), true);
	return true;
}

static bool race_replace_with(struct race *w, unsigned int i, struct page *page)
{
	race_clear(w, i);
	race_changed(w, i, page, false);
	race_set(w, i, race_pte(w, page));
	return true;
}

static bool race_replace(struct race *w, unsigned int i)
{
	return race_replace_with(w, i, race_other(w, i));
}

/* The next page: for most entries, of the same folio. */
static bool race_replace_by_next(struct race *w, unsigned int i)
{
	return race_replace_with(w, i, w->block + race_nr(w, i) + 1);
}

static bool __maybe_unused race_collapse(struct race *w, unsigned int i)
{
	set_pmd(w->pmdp, w->other_pmd);
	for (i = 0; i < w->layout->nr; i++)
		race_changed(w, i, race_other(w, 8 + i), false);
	return true;
}

/*
 * As mremap() does with a whole page table: it is at another address then, and what a
 * fault maps there in entry @i was never mapped here.
 */
static bool __maybe_unused race_move(struct race *w, unsigned int i)
{
	if (w->slow)
		return false;
	race_collapse(w, i);
	race_set(w, i, race_pte(w, w->block + race_nr(w, i)));
	return true;
}

static bool race_wrprotect(struct race *w, unsigned int i)
{
	pte_t pte = race_clear(w, i);

	race_changed(w, i, w->entry[i].now, w->call.flags & FOLL_WRITE);
	race_set(w, i, pte_wrprotect(pte));
	return true;
}

/*
 * The folios around entry @i are freed, if nobody has references, and become what
 * @image says. The entries are the same before and after.
 */
static bool race_become(struct race *w, unsigned int i, enum race_image image,
			bool back)
{
	unsigned int lo, hi, k, n;
	struct folio *folio;
	pte_t pte[RACE_NR];
	bool held = false;

	race_region(w, image, race_nr(w, i), &lo, &hi);
	for (k = 0; k < w->layout->nr; k++)
		if (race_nr(w, k) >= lo && race_nr(w, k) < hi)
			pte[k] = race_clear(w, k);
	for (n = lo; n < hi; n += folio_nr_pages(folio)) {
		folio = page_folio(w->block + n);
		held |= folio_ref_count(folio) != 1;
	}
	for (k = 0; k < w->layout->nr; k++) {
		if (race_nr(w, k) < lo || race_nr(w, k) >= hi)
			continue;
		race_changed(w, k, back ? w->entry[k].now : NULL, !back);
		if (back)
			race_set(w, k, pte[k]);
	}
	if (!held)
		race_to_image(w, image, lo, hi - lo);
	return true;
}

static bool race_split(struct race *w, unsigned int i)
{
	return race_become(w, i, RACE_SPLIT, true);
}

static bool race_reuse(struct race *w, unsigned int i)
{
	return race_become(w, i, RACE_REUSED, true);
}

static bool race_recycle(struct race *w, unsigned int i)
{
	return race_become(w, i, RACE_REUSED, false);
}

static bool race_foreign(struct race *w, unsigned int i)
{
	return race_become(w, i, RACE_FOREIGN, true);
}

/* Freed, and nobody has it. */
static bool race_free(struct race *w, unsigned int i)
{
	unsigned int lo, hi;

	race_region(w, RACE_LAID_OUT, race_nr(w, i), &lo, &hi);
	race_become(w, i, RACE_LAID_OUT, false);
	if (w->entry[i].seen)
		return true;
	race_to_image(w, RACE_SPLIT, lo, hi - lo);
	for (; lo < hi; lo++) {
		set_page_count(w->block + lo, 0);
		w->free |= BIT(lo);
	}
	return true;
}

/* Bits that change under GUP's hands: the entry is good before and after. */

static bool race_bits(struct race *w, unsigned int i, pte_t pte)
{
	race_clear(w, i);
	race_set(w, i, pte);
	return true;
}

static bool race_dirty(struct race *w, unsigned int i)
{
	return race_bits(w, i, pte_mkdirty(w->table[i]));
}

static bool race_young(struct race *w, unsigned int i)
{
	return race_bits(w, i, pte_mkyoung(w->table[i]));
}

static bool race_clean(struct race *w, unsigned int i)
{
	return race_bits(w, i, pte_mkclean(w->table[i]));
}

static bool race_old(struct race *w, unsigned int i)
{
	return race_bits(w, i, pte_mkold(w->table[i]));
}

/* Anonymous pages */

/* As KSM does, and reclaim: not with a page that may be pinned. */
static bool race_share(struct race *w, unsigned int i)
{
	struct page *page = w->block + race_nr(w, i);
	bool pins = w->call.api->pins;
	pte_t pte = race_clear(w, i);

	if (!folio_maybe_dma_pinned(page_folio(page))) {
		race_changed(w, i, page, pins || (w->call.flags & FOLL_WRITE));
		if (pins)
			w->entry[i].seen = 0;
		ClearPageAnonExclusive(page);
		pte = pte_wrprotect(pte);
	}
	race_set(w, i, pte);
	return true;
}

/*
 * fork() looks for pins, shares, and write-protects only then: what it has not
 * come to can still be pinned. All of it within write_protect_seq.
 */
static bool race_fork(struct race *w, unsigned int i)
{
	/* It has mmap_lock. */
	if (w->slow)
		return false;
	raw_write_seqcount_begin(&w->r->mm->write_protect_seq);
	for (i = 0; i < w->layout->nr; i++) {
		struct page *page = w->block + race_nr(w, i);

		if (folio_maybe_dma_pinned(page_folio(page)))
			continue;
		race_changed(w, i, page, true);
		w->entry[i].seen = 0;
		ClearPageAnonExclusive(page);
	}
	return true;
}

static void race_fork_ends(struct race *w)
{
	unsigned int i;

	for (i = 0; i < w->layout->nr; i++)
		if (w->entry[i].fault)
			race_set(w, i, pte_wrprotect(race_clear(w, i)));
	raw_write_seqcount_end(&w->r->mm->write_protect_seq);
}

/* The other CPU's turn */

static void race_finish(struct race *w)
{
	if (!w->acted || w->finished)
		return;
	w->finished = true;
	if (w->action->finish)
		w->action->finish(w);
}

static void race_note_fault(struct race *w, unsigned long addr)
{
	unsigned int i = (addr - w->r->addr) / PAGE_SIZE;

	if (i < w->layout->nr)
		w->entry[i].faulted = true;
}

/* GUP-fast took some pages of folios that it may not pin for long? */
static void race_check_foreign(struct race *w)
{
	unsigned int i;

	for (i = 0; w->action->shmem && i < w->layout->nr; i++) {
		struct page *page = w->block + race_nr(w, i);

		if (page_folio(page)->mapping != w->shmem->f_mapping &&
		    race_seen(w, page))
			race_fail(w, "GUP-fast pinned page %u, for long", i);
	}
}

/* GUP-fast that gives pages back does not mark them dirty. */
static void race_check_clean(struct race *w)
{
	unsigned int i;

	for (i = 0; i < RACE_BLOCK; i++)
		if (PageDirty(w->block + i))
			race_fail(w, "GUP-fast marked page %u of the block dirty", i);
}

static void race_hook(enum gk_point point, const void *what)
{
	struct race *w = race_now;

	/* What goes on in other contexts is not this GUP. */
	if (point == GK_FAULTED)
		race_note_fault(w, (unsigned long)what);
	if (point == GK_FAULT) {
		w->faults++;
		if (!PAGE_ALIGNED((unsigned long)what))
			race_fail(w, "a fault at %lx, where no page begins", (unsigned long)what);
	}
	if (point == GK_UNLOCKED)
		w->locked = false;
	if (point == GK_SLOW && !w->slow) {
		race_check_foreign(w);
		race_check_clean(w);
		race_finish(w);
		w->slow = true;
	}
	if (w->events++ == w->at && (!w->locked || w->action->locked)) {
		w->point = point;
		if (point == GK_READ_PTE || point == GK_READ_LOCKED)
			w->looked_at = (const pte_t *)what - w->table;
		w->acted = w->action->act(w, w->target);
		if (w->acted)
			w->met |= BIT(point);
	}
	/* Every other fork is still under way then. */
	if (point == GK_SEQ_RETRY && !(w->target & 1))
		race_finish(w);
	if (point == GK_LOCK)
		w->locked = true;
}

/* Judging */

/* How many of the first @n pages that came back are of the folio of @page? */
static unsigned int race_times(struct race *w, struct page *page, long n)
{
	unsigned int times = 0;

	while (n-- > 0)
		times += page_folio(w->pages[n]) == page_folio(page);
	return times;
}

static void race_judge_page(struct race *w, unsigned int i)
{
	struct race_entry *e = &w->entry[i];
	struct page *page = w->pages[i];

	if (page == e->now && (!e->fault || e->faulted))
		return;
	/* Whoever took it away has seen that its folio is in use. */
	if (page == e->was && e->seen)
		return;
	if (page == e->was)
		race_fail(w, "page %u was taken when it was %s, references seen on %u",
			  i, e->now == e->was ? "out of reach" : "gone", e->seen);
	else
		race_fail(w, "page %u: wanted pfn %lx, got %lx", i,
			  e->now ? page_to_pfn(e->now) : 0, page_to_pfn(page));
}

/* Can entry @i not be had as it is now? */
static bool race_ends_at(struct race *w, unsigned int i)
{
	struct race_entry *e = &w->entry[i];

	if (!e->now)
		return true;
	return (w->call.flags & FOLL_NOFAULT) && !e->faulted &&
	       (e->fault || race_is_missing(w, i));
}

static void race_judge_ret(struct race *w)
{
	struct gk_call *c = &w->call;
	long taken = max(c->ret, 0L);

	/* GUP-fast alone may stop at any sign of a change. */
	if (c->ret == c->nr ||
	    (c->api->only && (w->acted || race_has_missing(w)) && c->ret >= 0 && c->ret < c->nr))
		return;
	if (c->ret > c->nr || (c->ret <= 0 && c->ret != -EFAULT) ||
	    !race_ends_at(w, taken))
		race_fail(w, "returned %ld", c->ret);
}

static void race_judge_counts(struct race *w, long returned)
{
	const struct gk_api *api = w->call.api;
	unsigned int i, n;
	struct folio *folio;

	for (i = 0; i < RACE_BLOCK; i += folio_nr_pages(folio)) {
		folio = page_folio(w->block + i);
		n = race_times(w, w->block + i, returned);
		if (folio_ref_count(folio) != race_owner(w, folio) +
					      gk_refs_wanted(api, folio, n))
			race_fail(w, "%ld pages held, %u of folio %u, order %u: refcount is %d",
				  returned, n, i, folio_order(folio),
				  folio_ref_count(folio));
		if (folio_has_pincount(folio) &&
		    atomic_read(&folio->_pincount) != (api->pins ? n : 0))
			race_fail(w, "%ld pages held, %u of folio %u: pincount is %d",
				  returned, n, i, atomic_read(&folio->_pincount));
	}
}

static void race_judge(struct race *w)
{
	struct gk_call *c = &w->call;
	long k;

	race_judge_ret(w);
	for (k = 0; !w->failed && k < c->ret; k++)
		race_judge_page(w, k);
	if (!w->slow)
		race_check_foreign(w);
	if (w->action->same && w->faults && !w->action->missing)
		race_fail(w, "%u faults", w->faults);
	if (rwsem_is_locked(&w->r->mm->mmap_lock))
		race_fail(w, "mmap_lock is held");
	race_judge_counts(w, max(c->ret, 0L));
	if (w->failed)
		return;
	gk_release(c);
	race_judge_counts(w, 0);
}

static void race_prepare_call(struct race *w, const struct race_how *how)
{
	struct gk_call *c = &w->call;

	c->r = w->r;
	c->api = &gk_apis[how->api];
	c->flags = how->flags;
	c->addr = w->r->addr;
	c->nr = w->layout->nr;
	c->pages = w->pages;
	c->array = w->pages;
	c->room = ARRAY_SIZE(w->pages);
}

static void race_enter(struct race *w)
{
	w->call.locked = 1;
	memset(w->pages, 0, sizeof(w->pages));
	/* What is behind the caller's array is not GUP's to give back. */
	w->pages[w->layout->nr] = w->block + RACE_OTHER;
	gk_enter_hooked(&w->call);
}

static void race_run(struct race *w, unsigned int target, unsigned int at)
{
	w->target = target;
	w->at = at;
	race_reset(w);
	gk_hook = race_hook;
	race_enter(w);
	gk_hook = NULL;
	race_finish(w);
	race_judge(w);
}

/* Without a race, GUP-fast takes it all. */
static bool race_run_alone(struct race *w)
{
	race_run(w, 0, NEVER);
	if (!race_has_missing(w) && w->call.ret != w->call.nr)
		race_fail(w, "returned %ld without a race", w->call.ret);
	if (!race_has_missing(w) && w->call.api->fast && w->slow)
		race_fail(w, "the slow path, without a race");
	return !w->failed;
}

/* The points that each call of @w comes to, at least. */
static unsigned int race_points_wanted(const struct race *w)
{
	unsigned int want = BIT(GK_LOCK) | BIT(GK_UNLOCKED);
	const bool faults = !w->call.api->only && !(w->call.flags & FOLL_NOFAULT);

	if (w->action->missing)
		return faults ? BIT(GK_FAULT) | BIT(GK_FAULTED) : 0;
	if (w->call.api->fast)
		want = BIT(GK_READ_PMD) | BIT(GK_READ_PTE) | BIT(GK_REF);
	else if (w->action->locked)
		want |= BIT(GK_READ_LOCKED) | BIT(GK_REF);
	if (w->call.api->fast && w->call.api->pins)
		want |= BIT(GK_SEQ_RETRY);
	return want;
}

/* One call, raced at each of its points, at each entry. */
static bool race_sweep_call(struct race *w, const struct race_how *how)
{
	unsigned int i, at, nr = w->action->one ? 1 : w->layout->nr;
	long held;

	race_prepare_call(w, how);
	w->met = 0;

	held = gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED);
	if (!race_run_alone(w))
		return false;
	for (i = 0; i < nr; i++) {
		at = 0;
		do {
			race_run(w, i, at);
			if (w->failed)
				return false;
		} while (w->events > at++);
	}
	held -= gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED);
	if (held)
		race_fail(w, "%ld pins are counted that are not there", -held);
	if (race_points_wanted(w) & ~w->met)
		race_fail(w, "points that GUP did not come to: %x",
			  race_points_wanted(w) & ~w->met);
	return !w->failed;
}

static void race_sweep(struct kunit *test, const struct race_action *action)
{
	struct race *w = race_make(test, action);
	const struct race_how *how = action->hows;

	while (how->api != GK_NR_APIS && race_sweep_call(w, how))
		how++;
	race_close(w);
}

#define RACE_BY(name, ...)							\
static void gup_race_##name(struct kunit *test)				\
{									\
	static const struct race_action action = { __VA_ARGS__ };	\
									\
	race_sweep(test, &action);					\
}

RACE_BY(unmap, race_unmap, .hows = race_hows)
RACE_BY(unmap_all, race_unmap_all, .hows = race_hows, .one = true)
RACE_BY(unmap_missing, race_unmap, .hows = race_hows, .missing = true)
RACE_BY(migrate, race_migrate, .hows = race_hows)
RACE_BY(migrate_missing, race_migrate, .hows = race_hows, .missing = true)
RACE_BY(replace, race_replace, .hows = race_hows)
RACE_BY(replace_by_next, race_replace_by_next, .hows = race_hows)
/* Where the PMD is folded, nothing can be collapsed, and no table moved. */
#ifndef __PAGETABLE_PMD_FOLDED
RACE_BY(collapse, race_collapse, .hows = race_hows, .one = true)
RACE_BY(move, race_move, .hows = race_hows_fast, .hole = true)
#endif
RACE_BY(wrprotect, race_wrprotect, .hows = race_hows)
RACE_BY(split, race_split, .hows = race_hows)
RACE_BY(reuse, race_reuse, .hows = race_hows)
RACE_BY(recycle, race_recycle, .hows = race_hows)
RACE_BY(free, race_free, .hows = race_hows)
RACE_BY(foreign, race_foreign, .hows = race_hows_longterm, .shmem = true)
RACE_BY(dirty, race_dirty, .hows = race_hows_nofault,
	.clean = true, .locked = true, .same = true)
RACE_BY(young, race_young, .hows = race_hows_nofault,
	.old = true, .locked = true, .same = true)
RACE_BY(clean, race_clean, .hows = race_hows_nofault, .same = true)
RACE_BY(old, race_old, .hows = race_hows_nofault, .same = true)
RACE_BY(share, race_share, .hows = race_hows_nofault, .anon = true)
RACE_BY(share_readonly, race_share, .hows = race_hows_share, .anon = true,
	.readonly = true)
RACE_BY(fork, race_fork, race_fork_ends, .hows = race_hows_fork,
	.anon = true)
RACE_BY(fork_readonly, race_fork, race_fork_ends, .hows = race_hows_fork_read,
	.anon = true, .readonly = true)

/*
 * A batch that begins with an entry of a shadow stack, which counts as writable:
 * the read-only ones behind it do not, and their pages are not exclusive. Here is no
 * race, but no such entry either without the hooks.
 */
static void gup_race_shadow_stack(struct kunit *test)
{
	static const struct race_action action = {
		.hows = race_hows_nofault, .anon = true, .readonly = true,
	};
	struct race *w = race_make(test, &action);
	const struct race_how *how;
	struct gk_call *c = &w->call;
	unsigned int k;
	long want;

	for (how = action.hows; how->api != GK_NR_APIS; how++) {
		race_prepare_call(w, how);
		race_reset(w);
		race_set(w, 0, pte_mkdirty(race_clear(w, 0)));
		for (k = 1; k < w->layout->nr; k++)
			ClearPageAnonExclusive(w->block + race_nr(w, k));
		gk_shadow_stacks = true;
		race_enter(w);
		gk_shadow_stacks = false;
		want = c->api->pins || (c->flags & FOLL_WRITE) ? 1 : c->nr;
		/* GUP-fast asks the bits. */
		if (c->api->only && (c->flags & FOLL_WRITE))
			want = 0;
		if (c->ret != want)
			race_fail(w, "returned %ld, not %ld", c->ret, want);
		race_judge_counts(w, max(c->ret, 0L));
		if (w->failed)
			break;
		gk_release(c);
	}
	race_close(w);
}

static struct kunit_suite gup_race_suite = {
	.name = "gup_race",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_race_unmap, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_unmap_all, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_unmap_missing, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_migrate, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_migrate_missing, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_replace, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_replace_by_next, race_layout_gen_params),
#ifndef __PAGETABLE_PMD_FOLDED
		KUNIT_CASE_PARAM(gup_race_collapse, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_move, race_layout_gen_params),
#endif
		KUNIT_CASE_PARAM(gup_race_wrprotect, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_split, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_reuse, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_recycle, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_free, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_foreign, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_dirty, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_young, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_clean, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_old, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_share, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_share_readonly, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_fork, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_fork_readonly, race_layout_gen_params),
		KUNIT_CASE_PARAM(gup_race_shadow_stack, race_layout_gen_params),
		{}
	},
};

kunit_test_suite(gup_race_suite);
