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
#include <asm/mmu_context.h>
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

void (*gk_hook)(enum gk_point point, const volatile void *what);

static inline void gk_at(enum gk_point point, const volatile void *what)
{
	if (gk_hook)
		gk_hook(point, what);
}

/* @does with what happens before or after it; it returns something. */
#define GK_BEFORE(point, what, does)					\
({									\
	gk_at(point, (const volatile void *)(what));			\
	does;								\
})
#define GK_AFTER(point, what, does)					\
({									\
	typeof(does) __done = (does);					\
									\
	gk_at(point, (const volatile void *)(what));			\
	__done;								\
})

#undef pmdp_get_lockless
#define pmdp_get_lockless(pmdp)						\
	GK_BEFORE(GK_READ_PMD, pmdp, (pmdp_get_lockless)(pmdp))
#undef ptep_get_lockless
#define ptep_get_lockless(ptep)						\
	GK_BEFORE(GK_READ_PTE, ptep, (ptep_get_lockless)(ptep))
#undef ptep_get
#define ptep_get(ptep)							\
	GK_BEFORE(GK_READ_LOCKED, ptep, (ptep_get)(ptep))

bool gk_shadow_stacks;

/* x86 shadow stacks: an entry is writable without the bit if it is dirty. */
#undef pte_write
#define pte_write(pte)							\
	((pte_write)(pte) || (gk_shadow_stacks && pte_dirty(pte)))

/* Batches of entries are read in it, so these come before. */
#include "internal.h"

#define folio_ref_try_add(folio, nr)					\
	GK_BEFORE(GK_REF, folio, (folio_ref_try_add)(folio, nr))
#define page_ref_add_unless_zero(page, nr)				\
	GK_BEFORE(GK_REF, page, (page_ref_add_unless_zero)(page, nr))
#define folio_ref_add(folio, nr)					\
	GK_BEFORE(GK_REF, folio, (folio_ref_add)(folio, nr))
#undef atomic_add
#define atomic_add(nr, counter)						\
	GK_BEFORE(GK_REF, counter, (atomic_add)(nr, counter))
#define folio_put_refs(folio, nr)					\
	GK_BEFORE(GK_PUT, folio, (folio_put_refs)(folio, nr))

static inline bool gk_seq_try_begin(const seqcount_t *s, unsigned int *seq)
{
	gk_at(GK_SEQ_BEGIN, s);
	return raw_seqcount_try_begin(s, *seq);
}

static inline bool gk_seq_retry(const seqcount_t *s, unsigned int seq)
{
	gk_at(GK_SEQ_RETRY, s);
	return read_seqcount_retry(s, seq);
}

static inline void gk_pte_unmap_unlock(pte_t *ptep, spinlock_t *ptl)
{
	pte_unmap_unlock(ptep, ptl);
	gk_at(GK_UNLOCKED, ptep);
}

#undef raw_seqcount_try_begin
#define raw_seqcount_try_begin(s, seq)	gk_seq_try_begin(s, &(seq))
#undef read_seqcount_retry
#define read_seqcount_retry(s, seq)	gk_seq_retry(s, seq)

#define mmap_read_lock_killable(mm)					\
	GK_BEFORE(GK_SLOW, mm, (mmap_read_lock_killable)(mm))
#define pte_offset_map_lock(mm, pmd, addr, ptlp)			\
	GK_BEFORE(GK_LOCK, pmd, (pte_offset_map_lock)(mm, pmd, addr, ptlp))
#undef pte_unmap_unlock
#define pte_unmap_unlock(ptep, ptl)	gk_pte_unmap_unlock(ptep, ptl)
#define need_resched()	GK_BEFORE(GK_RESCHED, NULL, (need_resched)())
#define handle_mm_fault(vma, addr, flags, regs)				\
	GK_AFTER(GK_FAULTED, addr, GK_BEFORE(GK_FAULT, addr,		\
		 (handle_mm_fault)(vma, addr, flags, regs)))
#define lru_cache_drain_for_folio(folio, refs, drained)			\
	GK_BEFORE(GK_DRAIN, folio,					\
		  (lru_cache_drain_for_folio)(folio, refs, drained))
#define folio_isolate_lru(folio)					\
	GK_AFTER(GK_ISOLATED, folio, GK_BEFORE(GK_ISOLATE, folio,	\
		 (folio_isolate_lru)(folio)))
#define migrate_pages(list, get_new, put_new, private, mode, reason, ret) \
	GK_AFTER(GK_MIGRATED, list, GK_BEFORE(GK_MIGRATE, list,		\
		 (migrate_pages)(list, get_new, put_new, private, mode,	\
				 reason, ret)))

/* Modules get the kernel's own. */
#undef EXPORT_SYMBOL
#define EXPORT_SYMBOL(name)
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(name)

/* By its directory, which is on the path: this one may be a link. */
#include "gup.c"

void gk_enter_hooked(struct gk_call *c)
{
	gk_enter_api(c);
}
