// SPDX-License-Identifier: GPL-2.0
/* What is at a range of user memory before, while and after its pages are held. */
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include "gup_rig_range.h"

/*
 * struct gup_look - what is found at a place, see struct gup_rig_record
 * @pfn: of the page there, if @flags has GUP_RIG_REC_MAPPED
 * @refs: reference count of its folio
 * @pins: pins of its folio
 * @flags: GUP_RIG_REC_MAPPED and _LEAF_*
 */
struct gup_look {
	unsigned long pfn;
	int refs;
	int pins;
	u64 flags;
};

static int folio_pins(struct folio *folio, int refs)
{
	if (folio_has_pincount(folio))
		return atomic_read(&folio->_pincount);
	return refs / GUP_PIN_COUNTING_BIAS;
}

/* @own: references of the one who looks */
static void look_at_page(struct gup_look *look, struct folio *folio,
			 struct page *page, int own)
{
	look->pfn = page_to_pfn(page);
	look->refs = folio_ref_count(folio) - own;
	look->pins = folio_pins(folio, look->refs);
	look->flags |= GUP_RIG_REC_MAPPED;
}

static void look_at_cache(struct gup_range *r, unsigned long page,
			  struct gup_look *look)
{
	pgoff_t index = (r->addr >> PAGE_SHIFT) + page;
	struct folio *folio = filemap_get_folio(r->file->f_mapping, index);

	if (IS_ERR(folio))
		return;
	look_at_page(look, folio, folio_page(folio, index - folio->index), 1);
	folio_put(folio);
}

static unsigned long pages_into_pmd(unsigned long addr)
{
	return (addr & ~PMD_MASK) >> PAGE_SHIFT;
}

/*
 * A PMD leaf is exclusive as a whole, and its first page is marked: what the
 * other pages say is left over, or yet to come when the leaf is split.
 */
static bool leaf_is_exclusive(const struct folio_walk *fw, struct folio *folio,
			      unsigned long addr)
{
	struct page *page = fw->page;

	if (!folio_test_anon(folio))
		return false;
	if (fw->level == FW_LEVEL_PMD)
		page -= pages_into_pmd(addr);
	return PageAnonExclusive(page);
}

static u64 leaf_flags(const struct folio_walk *fw)
{
	bool write = false, dirty = false;
	u64 flags = 0;

	switch (fw->level) {
	case FW_LEVEL_PTE:
		write = pte_write(fw->pte);
		dirty = pte_dirty(fw->pte);
		break;
	case FW_LEVEL_PMD:
		flags = GUP_RIG_REC_LEAF_PMD;
		write = pmd_write(fw->pmd);
		dirty = pmd_dirty(fw->pmd);
		break;
	case FW_LEVEL_PUD:
		flags = GUP_RIG_REC_LEAF_PUD;
		write = pud_write(fw->pud);
		break;
	}
	return flags | (write ? GUP_RIG_REC_LEAF_WRITE : 0) |
		       (dirty ? GUP_RIG_REC_LEAF_DIRTY : 0);
}

/* folio_walk_start() does not name the page of a zero folio. */
static struct page *walk_page(const struct folio_walk *fw, struct folio *folio,
			      unsigned long addr)
{
	if (fw->page)
		return fw->page;
	if (fw->level != FW_LEVEL_PMD)
		return folio_page(folio, 0);
	return folio_page(folio, pages_into_pmd(addr));
}

static void look_at_address(struct gup_range *r, unsigned long page,
			    struct gup_look *look)
{
	unsigned long addr = untagged_addr_remote(r->mm, r->addr) + page * PAGE_SIZE;
	struct vm_area_struct *vma = vma_lookup(r->mm, addr);
	struct folio_walk fw;
	struct folio *folio;

	if (!vma)
		return;
	folio = folio_walk_start(&fw, vma, addr, FW_ZEROPAGE);
	if (!folio)
		return;
	look->flags = leaf_flags(&fw);
	if (leaf_is_exclusive(&fw, folio, addr))
		look->flags |= GUP_RIG_REC_EXCLUSIVE;
	look_at_page(look, folio, walk_page(&fw, folio, addr), 0);
	folio_walk_end(&fw, vma);
}

/*
 * Between these two one can look at the range. The process may have gone since
 * it was pinned: returns 0 then, too, and *looks is false.
 */
static int look_begin(struct gup_range *r, bool *looks)
{
	*looks = true;
	/* Batches have references, and FOLL_TOUCH has pages put into them. */
	lru_add_drain_all();
	if (r->api == GUP_RIG_API_MEMFD)
		return 0;
	if (!mmget_not_zero(r->mm)) {
		*looks = false;
		return 0;
	}
	if (!mmap_read_lock_killable(r->mm))
		return 0;
	mmput(r->mm);
	return -EINTR;
}

static void look_end(struct gup_range *r, bool looks)
{
	if (!looks || r->api == GUP_RIG_API_MEMFD)
		return;
	mmap_read_unlock(r->mm);
	mmput(r->mm);
}

static struct gup_look look_at(struct gup_range *r, unsigned long page, bool looks)
{
	struct gup_look look = {};

	cond_resched();
	if (!looks)
		return look;
	if (r->api == GUP_RIG_API_MEMFD)
		look_at_cache(r, page, &look);
	else
		look_at_address(r, page, &look);
	return look;
}

/* memfd: nobody knows yet at which pages the entries will start. */
static unsigned long nr_before(const struct gup_range *r)
{
	return r->api == GUP_RIG_API_MEMFD ? r->nr_pages : r->nr_records;
}

/**
 * gup_look_alloc() - prepare to record
 * @r: the range, whose length is known
 * @nr_records: entries at most; 0: nothing is recorded
 *
 * May sleep. Returns 0 or -ENOMEM.
 */
int gup_look_alloc(struct gup_range *r, unsigned long nr_records)
{
	r->nr_records = min(nr_records, r->nr_pages);
	if (!r->nr_records)
		return 0;
	r->records = gup_rig_alloc_array(r->nr_records, sizeof(*r->records));
	r->before = gup_rig_alloc_array(nr_before(r), sizeof(*r->before));
	return r->records && r->before ? 0 : -ENOMEM;
}

/**
 * gup_look_free() - forget what was recorded
 * @r: the range
 */
void gup_look_free(struct gup_range *r)
{
	kvfree(r->records);
	kvfree(r->before);
	r->records = NULL;
	r->before = NULL;
	r->nr_records = 0;
}

/**
 * gup_look_before() - look at the range ahead of a pass
 * @r: the range; nothing to do if it has no records
 *
 * Takes mmap_lock for reading, may sleep. Returns 0 or -EINTR.
 */
int gup_look_before(struct gup_range *r)
{
	unsigned long i;
	bool looks;
	int ret;

	if (!r->records)
		return 0;
	ret = look_begin(r, &looks);
	if (ret)
		return ret;
	for (i = 0; i < nr_before(r) && !fatal_signal_pending(current); i++)
		r->before[i] = look_at(r, i, looks);
	look_end(r, looks);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static u64 flag_if(bool condition, u64 flag)
{
	return condition ? flag : 0;
}

static u64 state_flags(struct folio *folio)
{
	return flag_if(folio_test_dirty(folio), GUP_RIG_REC_DIRTY) |
	       flag_if(folio_test_uptodate(folio), GUP_RIG_REC_UPTODATE) |
	       flag_if(folio_test_referenced(folio), GUP_RIG_REC_REFERENCED) |
	       flag_if(folio_test_lru(folio), GUP_RIG_REC_LRU) |
	       flag_if(folio_test_locked(folio), GUP_RIG_REC_LOCKED) |
	       flag_if(folio_test_writeback(folio), GUP_RIG_REC_WRITEBACK) |
	       flag_if(folio_test_swapbacked(folio), GUP_RIG_REC_SWAPBACKED) |
	       flag_if(folio_test_swapcache(folio), GUP_RIG_REC_SWAPCACHE) |
	       flag_if(folio_test_mlocked(folio), GUP_RIG_REC_MLOCKED) |
	       flag_if(folio_maybe_mapped_shared(folio), GUP_RIG_REC_SHARED) |
	       flag_if(folio_maybe_dma_pinned(folio), GUP_RIG_REC_DMA_PINNED) |
	       flag_if(folio_is_longterm_pinnable(folio), GUP_RIG_REC_LONGTERM_OK);
}

static u64 kind_flags(struct folio *folio, struct page *page)
{
	return flag_if(folio_test_anon(folio), GUP_RIG_REC_ANON) |
	       flag_if(folio_test_ksm(folio), GUP_RIG_REC_KSM) |
	       flag_if(is_zero_folio(folio) || is_huge_zero_folio(folio),
		       GUP_RIG_REC_ZERO) |
	       flag_if(folio_test_large(folio), GUP_RIG_REC_LARGE) |
	       flag_if(folio_test_hugetlb(folio), GUP_RIG_REC_HUGETLB) |
	       flag_if(folio_has_pincount(folio), GUP_RIG_REC_PINCOUNT) |
	       flag_if(is_migrate_cma_page(page), GUP_RIG_REC_CMA) |
	       flag_if(folio_zonenum(folio) == ZONE_MOVABLE, GUP_RIG_REC_MOVABLE) |
	       flag_if(folio_is_zone_device(folio), GUP_RIG_REC_DEVICE);
}

static void record_page(struct gup_rig_record *rec, struct page *page)
{
	struct folio *folio = page_folio(page);

	rec->pfn = page_to_pfn(page);
	rec->folio_pfn = folio_pfn(folio);
	rec->flags = state_flags(folio) | kind_flags(folio, page);
	rec->ref_held = folio_ref_count(folio);
	rec->pin_held = folio_pins(folio, rec->ref_held);
	rec->mapcount = folio_mapcount(folio);
	rec->folio_order = folio_order(folio);
	rec->folio_offset = folio_page_idx(folio, page);
	rec->nid = folio_nid(folio);
}

static void record_entry(struct gup_range *r, struct gup_rig_record *rec,
			 unsigned long i, bool looks)
{
	struct gup_look look;

	/* What was known of the pass before. */
	*rec = (struct gup_rig_record) { .call = rec->call };
	if (!r->pages[i]) {
		rec->flags = GUP_RIG_REC_EMPTY;
		return;
	}
	record_page(rec, gup_range_page(r, i));
	look = look_at(r, gup_range_start(r, i), looks);
	if (look.pfn == rec->pfn)
		rec->flags |= look.flags;
}

/* Does entry @i + 1 continue the run that entry @i is in? */
static bool run_goes_on(struct gup_range *r, unsigned long i)
{
	struct page *page = r->pages[i];

	return r->api != GUP_RIG_API_MEMFD && page &&
	       r->pages[i + 1] == page + 1 &&
	       page_folio(r->pages[i + 1]) == page_folio(page);
}

/* From the last one back, so that each is looked at once. */
static void record_runs(struct gup_range *r, struct gup_rig_record *recs,
			unsigned long first, unsigned long nr, unsigned long end)
{
	unsigned long i, run = 0;

	for (i = end; i-- > first;) {
		if (!r->pages[i])
			run = 0;
		else if (i + 1 < end && run_goes_on(r, i))
			run++;
		else
			run = 1;
		if (i < first + nr)
			recs[i - first].run = run;
	}
}

/* Record @nr entries from @first on; runs go on up to @end. */
static int record_entries(struct gup_range *r, struct gup_rig_record *recs,
			  unsigned long first, unsigned long nr, unsigned long end)
{
	unsigned long i;
	bool looks;
	int ret;

	ret = look_begin(r, &looks);
	if (ret)
		return ret;
	for (i = 0; i < nr && !fatal_signal_pending(current); i++)
		record_entry(r, &recs[i], first + i, looks);
	look_end(r, looks);
	record_runs(r, recs, first, nr, end);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/**
 * gup_look_now() - record entries as they are now
 * @r: the range
 * @recs: @nr records, zeroed
 * @first: number of the first entry
 * @nr: entries, all of them below @r->entries; runs end with the last
 *
 * Takes mmap_lock for reading, may sleep. Returns 0 or -EINTR.
 */
int gup_look_now(struct gup_range *r, struct gup_rig_record *recs,
		 unsigned long first, unsigned long nr)
{
	return record_entries(r, recs, first, nr, first + nr);
}

/**
 * gup_look_done() - how many of the records are valid
 * @r: the range
 */
unsigned long gup_look_done(const struct gup_range *r)
{
	return min(r->entries, r->nr_records);
}

static void record_before(struct gup_rig_record *rec, const struct gup_look *look)
{
	if (!(look->flags & GUP_RIG_REC_MAPPED))
		return;
	rec->flags |= GUP_RIG_REC_BEFORE;
	rec->before_pfn = look->pfn;
	rec->ref_before = look->refs;
	rec->pin_before = look->pins;
}

/**
 * gup_look_held() - record what the pass got, while it is held
 * @r: the range; nothing to do if it has no records
 *
 * Takes mmap_lock for reading, may sleep. Returns 0 or -EINTR.
 */
int gup_look_held(struct gup_range *r)
{
	unsigned long i;
	int ret;

	if (!r->records)
		return 0;
	ret = record_entries(r, r->records, 0, gup_look_done(r), r->entries);
	for (i = 0; i < gup_look_done(r); i++)
		record_before(&r->records[i], &r->before[gup_range_start(r, i)]);
	return ret;
}

/**
 * gup_look_after() - add to the records what is there after all was put
 * @r: the range; nothing to do if it has no records
 *
 * Takes mmap_lock for reading, may sleep. Returns 0 or -EINTR.
 */
int gup_look_after(struct gup_range *r)
{
	struct gup_rig_record *rec = r->records;
	struct gup_look look;
	unsigned long i;
	bool looks;
	int ret;

	if (!rec)
		return 0;
	ret = look_begin(r, &looks);
	if (ret)
		return ret;
	for (i = 0; i < gup_look_done(r); i++, rec++) {
		if (fatal_signal_pending(current))
			break;
		look = look_at(r, gup_range_start(r, i), looks);
		if (!(look.flags & GUP_RIG_REC_MAPPED) || look.pfn != rec->pfn)
			continue;
		rec->flags |= GUP_RIG_REC_AFTER;
		rec->ref_after = look.refs;
		rec->pin_after = look.pins;
	}
	look_end(r, looks);
	return fatal_signal_pending(current) ? -EINTR : 0;
}
