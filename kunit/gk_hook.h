/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a case can stop GUP and do what another CPU would do: gup_hooked.c.
 */
#ifndef _GUP_KUNIT_GK_HOOK_H
#define _GUP_KUNIT_GK_HOOK_H

#include <linux/migrate_mode.h>
#include <linux/types.h>

struct file;
struct folio;
struct gk_call;
struct page;
struct page_range;

/* GUP is about to do this; GK_*ED: it has just done it. */
enum gk_point {
	GK_READ_PMD,		/* with the pmd_t * */
	GK_READ_PTE,		/* with the pte_t *; GUP-fast, or no lock held */
	GK_READ_LOCKED,		/* the same with the page table lock held */
	GK_REF,			/* take references, with the page or folio */
	GK_PUT,			/* give them back */
	GK_LOCK_FOLIO,		/* lock a folio, which may sleep */
	GK_SEQ_BEGIN,		/* read write_protect_seq, */
	GK_SEQ_RETRY,		/* and again */
	GK_SLOW,		/* take mmap_lock: GUP-fast has ended */
	GK_LOCK,		/* take the page table lock, with the pmd_t * */
	GK_RESCHED,		/* ask whether others wait */
	GK_UNLOCKED,
	GK_FAULT,		/* handle_mm_fault(), with the address */
	GK_FAULTED,
	GK_DRAIN,		/* with the folio */
	GK_ISOLATE,
	GK_ISOLATED,
	GK_MIGRATE,		/* with the list of folios */
	GK_MIGRATED,
	GK_FIND,		/* look for the folios of a memfd, with its mapping */
	GK_FOUND,
	GK_ALLOCATE,		/* ask a file for a folio, or to clear it */
	GK_ALLOCATED,
	GK_WAIT,		/* sleep for so many jiffies, and then migrate again */
	GK_FLUSH,		/* the data cache, with the page */
	GK_STACK,		/* say that no stack grows any more */
	GK_NR_POINTS,
};

/*
 * Called at each point that GUP comes to, in its context: with interrupts off in
 * GUP-fast, and with its locks held. NULL: nothing.
 */
extern void (*gk_hook)(enum gk_point point, const void *what);

/* Have read-only entries that are dirty taken for those of a shadow stack. */
extern bool gk_shadow_stacks;

/* Have entries that are old taken for NUMA hints. */
extern bool gk_numa_hints;

/* If it is not 0, GUP gets this where it asks for mmap_lock, and no lock. */
extern int gk_lock_error;

/* Have GUP told that somebody waits for the page table lock. */
extern bool gk_lock_wanted;

/* If it is not 0, GUP gets this, once, where it asks a file for a folio, or migrates. */
extern int gk_alloc_error;
extern int gk_migrate_error;

/* Of the last migration: how the target may be allocated and where, what may be waited for, why. */
extern gfp_t gk_migrate_gfp;
extern enum migrate_mode gk_migrate_mode;
extern enum migrate_reason gk_migrate_reason, gk_migrate_target_reason;
extern int gk_migrate_nid;

/* What GUP has for the time is later than the kernel's, by so many jiffies. */
extern unsigned long gk_later;

/* gk_enter(), but of the hooked GUP. */
void gk_enter_hooked(struct gk_call *c);

/* The hooked ones of what a case calls by itself. */
long hooked_memfd_pin_folios(struct file *memfd, loff_t start, loff_t end, struct folio **folios,
			     unsigned int max_folios, pgoff_t *offset);
#ifdef GK_RANGES_MEMFD
long hooked_memfd_pin_page_ranges(struct file *memfd, loff_t start, int nr_pages,
				  struct page_range *ranges, unsigned int max_ranges,
				  unsigned int *nr_ranges);
#else
#define hooked_memfd_pin_page_ranges	memfd_pin_page_ranges
#endif
void hooked_unpin_user_page(struct page *page);
void hooked_unpin_user_pages(struct page **pages, unsigned long npages);
void hooked_unpin_user_pages_dirty_lock(struct page **pages,
					unsigned long npages, bool make_dirty);
void hooked_unpin_user_page_range_dirty_lock(struct page *page,
					     unsigned long npages,
					     bool make_dirty);

#endif /* _GUP_KUNIT_GK_HOOK_H */
