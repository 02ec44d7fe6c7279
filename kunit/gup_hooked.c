// SPDX-License-Identifier: GPL-2.0-only
/*
 * mm/gup.c once more, as it is, in which a case can stop: what it reads entries,
 * takes references, faults and migrates with is replaced here, below it. So the
 * kernel's own GUP is what is posted, to the instruction, and mm/gup.c knows nothing
 * of this. The Makefile gives the functions other names.
 *
 * A case that stops GUP is the other CPU: whatever that can do between two loads
 * of GUP, and no more. Barriers are not shown in this way.
 */
#include <linux/kernel.h>
#include <linux/errno.h>
#include <linux/err.h>
#include <linux/spinlock.h>
#include <linux/mm.h>
#include <linux/memfd.h>
#include <linux/memremap.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/secretmem.h>
#include <linux/sched/signal.h>
#include <linux/rwsem.h>
#include <linux/hugetlb.h>
#include <linux/migrate.h>
#include <linux/mm_inline.h>
#include <linux/folio_batch.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/mmu_context.h>
#include <asm/tlbflush.h>
/* And what internal.h includes. */
#include <linux/fs.h>
#include <linux/khugepaged.h>
#include <linux/leafops.h>
#include <linux/memcontrol.h>
#include <linux/mmu_notifier.h>
#include <linux/pagewalk.h>
#include <linux/tracepoint-defs.h>
#include <linux/blk_types.h>

#include "gk_enter.h"
#include "gk_hook.h"

void (*gk_hook)(enum gk_point point, const void *what);

static inline void gk_at(enum gk_point point, const void *what)
{
	if (gk_hook)
		gk_hook(point, what);
}

/* Page tables that are locked or mapped: without SMP, nothing else tells. */
static int gk_tables;
/* How many times GUP may have slept with one. */
static int gk_tables_asleep;

static inline void gk_may_sleep(void)
{
	gk_tables_asleep += !!gk_tables;
}

/* Each, behind a point. */

static inline pmd_t gk_pmdp_get_lockless(pmd_t *pmdp)
{
	gk_at(GK_READ_PMD, pmdp);
	return pmdp_get_lockless(pmdp);
}

static inline pte_t gk_ptep_get_lockless(pte_t *ptep)
{
	gk_at(GK_READ_PTE, ptep);
	return ptep_get_lockless(ptep);
}

static inline pte_t gk_ptep_get(pte_t *ptep)
{
	gk_at(GK_READ_LOCKED, ptep);
	return ptep_get(ptep);
}

static inline bool gk_folio_ref_try_add(struct folio *folio, int nr)
{
	gk_at(GK_REF, folio);
	return folio_ref_try_add(folio, nr);
}

static inline bool gk_page_ref_add_unless_zero(struct page *page, int nr)
{
	gk_at(GK_REF, page);
	return page_ref_add_unless_zero(page, nr);
}

static inline void gk_folio_ref_add(struct folio *folio, int nr)
{
	gk_at(GK_REF, folio);
	folio_ref_add(folio, nr);
}

static inline void gk_atomic_add(int nr, atomic_t *counter)
{
	gk_at(GK_REF, counter);
	atomic_add(nr, counter);
}

static inline void gk_folio_put_refs(struct folio *folio, int nr)
{
	gk_at(GK_PUT, folio);
	folio_put_refs(folio, nr);
}

static inline void gk_folio_lock(struct folio *folio)
{
	gk_at(GK_LOCK_FOLIO, folio);
	folio_lock(folio);
}

static inline int gk_folio_lock_killable(struct folio *folio)
{
	gk_at(GK_LOCK_FOLIO, folio);
	return folio_lock_killable(folio);
}

static inline int gk_read_seqcount_retry(const seqcount_t *seq,
					 unsigned int start)
{
	gk_at(GK_SEQ_RETRY, seq);
	return read_seqcount_retry(seq, start);
}

int gk_lock_error;

int gk_alloc_error;

unsigned long gk_later;

static inline int gk_mmap_read_lock_killable(struct mm_struct *mm)
{
	gk_at(GK_SLOW, mm);
	return gk_lock_error ?: mmap_read_lock_killable(mm);
}

static inline pte_t *gk_pte_offset_map_lock(struct mm_struct *mm, pmd_t *pmd,
					    unsigned long addr,
					    spinlock_t **ptlp)
{
	pte_t *ptep;

	gk_at(GK_LOCK, pmd);
	ptep = pte_offset_map_lock(mm, pmd, addr, ptlp);
	gk_tables += !!ptep;
	return ptep;
}

static inline pte_t *gk_pte_offset_map(pmd_t *pmd, unsigned long addr)
{
	pte_t *ptep = pte_offset_map(pmd, addr);

	gk_tables += !!ptep;
	return ptep;
}

static inline void gk_pte_unmap(pte_t *ptep)
{
	gk_tables--;
	pte_unmap(ptep);
}

static inline spinlock_t *gk_pmd_lock(struct mm_struct *mm, pmd_t *pmd)
{
	gk_at(GK_LOCK, pmd);
	gk_tables++;
	return pmd_lock(mm, pmd);
}

static inline spinlock_t *gk_pud_lock(struct mm_struct *mm, pud_t *pud)
{
	gk_tables++;
	return pud_lock(mm, pud);
}

static inline void gk_spin_unlock(spinlock_t *ptl)
{
	gk_tables--;
	spin_unlock(ptl);
}

static inline bool gk_need_resched(void)
{
	gk_at(GK_RESCHED, NULL);
	return need_resched();
}

bool gk_lock_wanted;

static inline bool gk_spin_needbreak(spinlock_t *ptl)
{
	return gk_lock_wanted || spin_needbreak(ptl);
}

static inline void gk_flush_dcache_page(struct page *page)
{
	gk_at(GK_FLUSH, page);
	flush_dcache_page(page);
}

static inline void gk_lru_cache_drain_for_folio(const struct folio *folio, int refs,
						enum lru_cache_drained *drained)
{
	gk_at(GK_DRAIN, folio);
	lru_cache_drain_for_folio(folio, refs, drained);
}

static inline bool gk_seq_try_begin(const seqcount_t *seq, unsigned int *start)
{
	gk_at(GK_SEQ_BEGIN, seq);
	return raw_seqcount_try_begin(seq, *start);
}

static inline void gk_pte_unmap_unlock(pte_t *ptep, spinlock_t *ptl)
{
	gk_tables--;
	pte_unmap_unlock(ptep, ptl);
	gk_at(GK_UNLOCKED, ptep);
}

static inline vm_fault_t gk_handle_mm_fault(struct vm_area_struct *vma,
					    unsigned long addr,
					    unsigned int flags,
					    struct pt_regs *regs)
{
	vm_fault_t ret;

	gk_may_sleep();
	gk_at(GK_FAULT, (const void *)addr);
	ret = handle_mm_fault(vma, addr, flags, regs);
	gk_at(GK_FAULTED, (const void *)addr);
	return ret;
}

static inline unsigned int
gk_filemap_get_folios_contig(struct address_space *mapping, pgoff_t *start, pgoff_t end,
			     struct folio_batch *fbatch)
{
	unsigned int nr;

	gk_at(GK_FIND, mapping);
	nr = filemap_get_folios_contig(mapping, start, end, fbatch);
	gk_at(GK_FOUND, mapping);
	return nr;
}

static inline struct folio *gk_memfd_alloc_folio(struct file *memfd, pgoff_t index)
{
	struct folio *folio;

	gk_at(GK_ALLOCATE, memfd);
	if (gk_alloc_error)
		return ERR_PTR(xchg(&gk_alloc_error, 0));
	folio = memfd_alloc_folio(memfd, index);
	gk_at(GK_ALLOCATED, folio);
	return folio;
}

static inline long gk_schedule_timeout_killable(long timeout)
{
	gk_at(GK_WAIT, (const void *)timeout);
	return schedule_timeout_killable(timeout);
}

/* What is read below an entry that has no table happens to be no entry, mostly. */
static inline pmd_t *gk_pmd_offset(pud_t *pud, unsigned long addr)
{
	WARN_ON_ONCE(!pud_present(*pud));
	return pmd_offset(pud, addr);
}

static inline void gk_dump_stack(void)
{
	gk_at(GK_STACK, NULL);
}

bool gk_shadow_stacks;

/* As on x86: an entry is writable without the bit if it is dirty. */
static inline bool gk_pte_write(pte_t pte)
{
	return pte_write(pte) || (gk_shadow_stacks && pte_dirty(pte));
}

/* The bits alone; where it is made of pte_write(), that is meant without the hook. */
static inline bool gk_pte_access_permitted(pte_t pte, bool write)
{
	return pte_access_permitted(pte, write);
}

bool gk_numa_hints;

/* Old entries, as no architecture's own check of access refuses these. */
static inline bool gk_pte_protnone(pte_t pte)
{
	return pte_protnone(pte) || (gk_numa_hints && !pte_young(pte));
}

static inline bool gk_pmd_protnone(pmd_t pmd)
{
	return pmd_protnone(pmd) || (gk_numa_hints && !pmd_young(pmd));
}

#undef pmdp_get_lockless
#define pmdp_get_lockless	gk_pmdp_get_lockless
#undef ptep_get_lockless
#define ptep_get_lockless	gk_ptep_get_lockless
#undef ptep_get
#define ptep_get		gk_ptep_get
#undef pte_write
#define pte_write		gk_pte_write
#undef pte_access_permitted
#define pte_access_permitted	gk_pte_access_permitted
#undef pte_protnone
#define pte_protnone		gk_pte_protnone
#undef pmd_protnone
#define pmd_protnone		gk_pmd_protnone

/* With it, batches of entries are read: so these come before. */
#include "internal.h"

static inline bool gk_folio_isolate_lru(struct folio *folio)
{
	bool ret;

	gk_at(GK_ISOLATE, folio);
	ret = folio_isolate_lru(folio);
	gk_at(GK_ISOLATED, folio);
	return ret;
}

gfp_t gk_migrate_gfp;
enum migrate_mode gk_migrate_mode;
enum migrate_reason gk_migrate_reason, gk_migrate_target_reason;
int gk_migrate_nid;

int gk_migrate_error;

static inline int gk_migrate_pages(struct list_head *folios, new_folio_t get_new,
				   free_folio_t put_new, unsigned long private,
				   enum migrate_mode mode, int reason,
				   unsigned int *succeeded)
{
	const struct migration_target_control *mtc = (void *)private;
	int ret;

	gk_migrate_gfp = mtc->gfp_mask;
	gk_migrate_mode = mode;
	gk_migrate_reason = reason;
	gk_migrate_target_reason = mtc->reason;
	gk_migrate_nid = mtc->nid;
	gk_may_sleep();
	gk_at(GK_MIGRATE, folios);
	if (gk_migrate_error)
		return xchg(&gk_migrate_error, 0);
	ret = migrate_pages(folios, get_new, put_new, private, mode, reason,
			    succeeded);
	gk_at(GK_MIGRATED, folios);
	return ret;
}

#define folio_ref_try_add		gk_folio_ref_try_add
#define page_ref_add_unless_zero	gk_page_ref_add_unless_zero
#define folio_ref_add			gk_folio_ref_add
#define atomic_add			gk_atomic_add
#define folio_put_refs			gk_folio_put_refs
#define folio_lock			gk_folio_lock
#define folio_lock_killable		gk_folio_lock_killable
#undef raw_seqcount_try_begin
#define raw_seqcount_try_begin(seq, start) gk_seq_try_begin(seq, &(start))
#undef read_seqcount_retry
#define read_seqcount_retry		gk_read_seqcount_retry
#define mmap_read_lock_killable		gk_mmap_read_lock_killable
#define pte_offset_map_lock		gk_pte_offset_map_lock
#define pmd_lock			gk_pmd_lock
#undef pte_offset_map
#define pte_offset_map			gk_pte_offset_map
#undef pte_unmap
#define pte_unmap			gk_pte_unmap
#define pud_lock			gk_pud_lock
#define spin_unlock			gk_spin_unlock
#undef pte_unmap_unlock
#define pte_unmap_unlock		gk_pte_unmap_unlock
#define need_resched			gk_need_resched
#define spin_needbreak			gk_spin_needbreak
#undef flush_dcache_page
#define flush_dcache_page		gk_flush_dcache_page
#define handle_mm_fault			gk_handle_mm_fault
#define lru_cache_drain_for_folio	gk_lru_cache_drain_for_folio
#define folio_isolate_lru		gk_folio_isolate_lru
#define migrate_pages			gk_migrate_pages
#define filemap_get_folios_contig	gk_filemap_get_folios_contig
#define memfd_alloc_folio		gk_memfd_alloc_folio
#define schedule_timeout_killable	gk_schedule_timeout_killable
#undef pmd_offset
#define pmd_offset			gk_pmd_offset
#define dump_stack			gk_dump_stack
#define jiffies				(jiffies + gk_later)

/* Modules get the kernel's own. */
#undef EXPORT_SYMBOL
#define EXPORT_SYMBOL(name)
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(name)

/* By its directory, which is on the path: this one may be a link. */
#include "gup.c"

void gk_enter_hooked(struct gk_call *c)
{
	gk_tables = 0;
	gk_tables_asleep = 0;
	gk_enter_api(c);
	GK_EXPECT(c, -1, "page tables locked or mapped", gk_tables, 0);
	GK_EXPECT(c, -1, "faults and migrations with one", gk_tables_asleep, 0);
}
