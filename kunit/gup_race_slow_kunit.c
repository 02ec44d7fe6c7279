// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races on purpose where GUP sleeps: between the walk and the fault, between the
 * fault and the next walk, between collecting and migrating. The memory is real
 * here, and so is what the other CPU does to it.
 */
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <asm/tlbflush.h>

#include "internal.h"
#include "gk.h"
#include "gk_hook.h"

/* The entry that most cases are about. */
#define RACE_SLOW_ENTRY	3

struct race_slow;

typedef void (*race_slow_fn)(struct race_slow *x, enum gk_point point, const void *what);

/**
 * struct race_slow - a call and what happens meanwhile
 * @act: called at each point
 * @met: how often GUP came to each
 * @left: for @act: how many times more
 * @held: for @act: a folio that it has
 * @refs, @max_refs: references taken under one lock, and the most of that
 */
struct race_slow {
	struct gk_range *r;
	struct gk_call *c;
	race_slow_fn act;
	unsigned int met[GK_NR_POINTS];
	unsigned int left[16];
	unsigned int refs, max_refs;
	struct folio *held;
};

static struct race_slow race_slow_now;

static void race_slow_hook(enum gk_point point, const void *what)
{
	race_slow_now.met[point]++;
	race_slow_now.act(&race_slow_now, point, what);
}

/* A call of all of @r, with what @act does meanwhile, @times at each entry. */
static struct gk_call *race_slow_gup(struct gk_range *r, enum gk_api_id api,
				     unsigned int flags, race_slow_fn act, unsigned int times)
{
	unsigned int i;

	race_slow_now = (struct race_slow){ .r = r, .act = act };
	for (i = 0; i < ARRAY_SIZE(race_slow_now.left); i++)
		race_slow_now.left[i] = times;
	race_slow_now.c = gk_prepare(r, api, flags, 0, r->nr);
	gk_hook = race_slow_hook;
	gk_enter_hooked(race_slow_now.c);
	gk_hook = NULL;
	gk_signal_clear();
	gk_done(race_slow_now.c);
	return race_slow_now.c;
}

/* Is it @point, at an entry at which something is left to do? It is the less now. */
static bool race_slow_is_due(struct race_slow *x, enum gk_point point, enum gk_point due,
			     const void *what, unsigned int *i)
{
	*i = ((unsigned long)what - x->r->addr) / PAGE_SIZE;
	if (point != due || *i >= ARRAY_SIZE(x->left) || !x->left[*i])
		return false;
	x->left[*i]--;
	return true;
}

/* GUP may hold mmap_lock here, or not: the other CPU takes it to read, too. */
static void race_slow_lock(struct race_slow *x)
{
	KUNIT_EXPECT_TRUE(x->r->test, mmap_read_trylock(x->r->mm));
}

static void race_slow_unlock(struct race_slow *x)
{
	mmap_read_unlock(x->r->mm);
}

static void race_slow_zap(struct race_slow *x, unsigned int i)
{
	race_slow_lock(x);
	zap_vma_range(gk_vma(x->r, i), gk_addr(x->r, i), PAGE_SIZE);
	race_slow_unlock(x);
}

static void race_slow_fault(struct race_slow *x, unsigned int i, unsigned int flags)
{
	vm_fault_t ret;

	race_slow_lock(x);
	ret = handle_mm_fault(gk_vma(x->r, i), gk_addr(x->r, i), flags, NULL);
	race_slow_unlock(x);
	KUNIT_EXPECT_FALSE(x->r->test, ret & (VM_FAULT_ERROR | VM_FAULT_RETRY));
}

/* Between the fault and the next walk, what was faulted in is unmapped. */
static void race_slow_unmap_faulted(struct race_slow *x, enum gk_point point, const void *what)
{
	unsigned int i;

	if (race_slow_is_due(x, point, GK_FAULTED, what, &i))
		race_slow_zap(x, i);
}

static void gup_race_slow_unmapped(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	struct gk_call *c = race_slow_gup(r, gk_api(test), FOLL_WRITE,
					  race_slow_unmap_faulted, 3);

	GK_EXPECT(c, -1, "faults", race_slow_now.met[GK_FAULT], 4 * r->nr);
	gk_expect_round_trip(c, c->r->nr);
	gk_expect_unheld(c);
}

/* Between the walk and the fault, another thread faults. */
static void race_slow_fill(struct race_slow *x, enum gk_point point, const void *what)
{
	unsigned int i;

	if (race_slow_is_due(x, point, GK_FAULT, what, &i))
		race_slow_fault(x, i, FAULT_FLAG_WRITE);
}

static void gup_race_slow_filled(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_fresh, 0);
	struct gk_call *c = race_slow_gup(r, gk_api(test), FOLL_WRITE, race_slow_fill, 1);

	GK_EXPECT(c, -1, "faults", race_slow_now.met[GK_FAULT], r->nr);
	gk_expect_round_trip(c, c->r->nr);
	gk_expect_unheld(c);
}

/*
 * Dirty COW: the copy that a forced write has made is dropped, and a read fault
 * maps the file's page. That must not be written to.
 */
static void race_slow_drop_copy(struct race_slow *x, enum gk_point point, const void *what)
{
	unsigned int i;

	if (!race_slow_is_due(x, point, GK_FAULTED, what, &i))
		return;
	race_slow_zap(x, i);
	race_slow_fault(x, i, 0);
}

static void gup_race_slow_dirty_cow(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_file_private, 0);
	struct gk_call *c;
	long k;

	gk_protect(r, 0, r->nr, PROT_READ);
	c = race_slow_gup(r, gk_api(test), FOLL_WRITE | FOLL_FORCE, race_slow_drop_copy, 2);
	GK_EXPECT(c, -1, "faults", race_slow_now.met[GK_FAULT], 3 * r->nr);
	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "anonymous", PageAnon(c->pages[k]), true);
	gk_expect_round_trip(c, c->r->nr);
}

/* Between the fault and the next walk, fork(): the page is shared again. */
static void race_slow_share_faulted(struct race_slow *x, enum gk_point point, const void *what)
{
	unsigned long addr = (unsigned long)what;
	struct mm_struct *mm = x->r->mm;
	spinlock_t *ptl = NULL;
	unsigned int i;
	pte_t *ptep;

	if (!race_slow_is_due(x, point, GK_FAULTED, what, &i))
		return;
	race_slow_lock(x);
	ptep = pte_offset_map_lock(mm, pmd_off(mm, addr), addr, &ptl);
	KUNIT_EXPECT_NOT_NULL(x->r->test, ptep);
	if (ptep) {
		ptep_set_wrprotect(mm, addr, ptep);
		ClearPageAnonExclusive(pte_page(ptep_get(ptep)));
		pte_unmap_unlock(ptep, ptl);
	}
	flush_tlb_page(gk_vma(x->r, i), addr);
	race_slow_unlock(x);
}

static void race_slow_share_again(struct kunit *test, unsigned int flags)
{
	struct gk_range *r = gk_map(test, &gk_anon_shared, 0);
	struct gk_call *c;
	long k;

	c = race_slow_gup(r, gk_api(test), flags, race_slow_share_faulted, 2);
	GK_EXPECT(c, -1, "faults", race_slow_now.met[GK_FAULT], 3 * r->nr);
	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "exclusive", PageAnonExclusive(c->pages[k]),
			  true);
	gk_expect_round_trip(c, c->r->nr);
}

static void gup_race_slow_shared(struct kunit *test)
{
	race_slow_share_again(test, FOLL_WRITE);
}

static void gup_race_slow_shared_read(struct kunit *test)
{
	race_slow_share_again(test, 0);
}

/* Between the fault and the next walk, the process is killed. */
static void race_slow_kill(struct race_slow *x, enum gk_point point, const void *what)
{
	unsigned int i;

	if (race_slow_is_due(x, point, GK_FAULTED, what, &i) && i == RACE_SLOW_ENTRY)
		gk_signal(SIGKILL);
}

static void gup_race_slow_killed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	struct gk_call *c = race_slow_gup(r, gk_api(test), FOLL_WRITE, race_slow_kill, 1);

	gk_expect_pinned(c, RACE_SLOW_ENTRY);
	gk_release(c);
	gk_expect_restored(c);
}

/* Somebody waits all the time. Each small page takes its references at once. */
static void race_slow_wait(struct race_slow *x, enum gk_point point, const void *what)
{
	switch (point) {
	case GK_LOCK:
		x->refs = 0;
		break;
	case GK_RESCHED:
		set_tsk_need_resched(current);
		break;
	case GK_REF:
		x->max_refs = max(x->max_refs, ++x->refs);
		break;
	default:
		break;
	}
}

static void gup_race_slow_waiter(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order0, 200);
	struct gk_call *c = race_slow_gup(r, gk_api(test), FOLL_WRITE, race_slow_wait, 0);

	/* Nobody waits for GUP-fast, which has no lock. */
	if (!c->api->fast)
		KUNIT_EXPECT_LE(test, race_slow_now.max_refs, 32);
	KUNIT_EXPECT_GT(test, race_slow_now.max_refs, 0);
	gk_expect_round_trip(c, c->r->nr);
}

static void race_slow_nothing(struct race_slow *x, enum gk_point point, const void *what)
{
}

/* The same if it is the lock that is waited for, not the CPU. */
static void gup_race_slow_lock_wanted(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order0, 200);
	struct gk_call *c;

	gk_lock_wanted = true;
	c = race_slow_gup(r, gk_api(test), FOLL_WRITE, race_slow_nothing, 0);
	gk_lock_wanted = false;
	GK_EXPECT(c, -1, "times locked", race_slow_now.met[GK_LOCK] >= 200 / 32, true);
	gk_expect_round_trip(c, r->nr);
}

/* What the processor has in its cache under the user's address is written back. */
static void race_slow_flush(struct race_slow *x, enum gk_point point, const void *what)
{
	unsigned int flushed = x->met[GK_FLUSH] - 1;

	if (point == GK_FLUSH)
		GK_EXPECT(x->c, flushed, "flushed in its turn",
			  flushed < x->r->nr && what == x->c->pages[flushed], true);
}

static void gup_race_slow_flushed(struct kunit *test)
{
	const struct gk_shape *shape = *(const struct gk_shape **)test->param_value;
	struct gk_range *r = gk_map(test, shape, 0);
	struct gk_call *c = race_slow_gup(r, GK_GET, 0, race_slow_flush, 0);

	GK_EXPECT(c, -1, "pages flushed", race_slow_now.met[GK_FLUSH], max(c->ret, 0L));
	gk_release(c);
	gk_expect_restored(c);
}

/*
 * Pins for long: the pages of these are movable, and have to move.
 */

static const struct gk_shape *const race_slow_movable[] = {
	&gk_anon_written, &gk_shmem_written,
};

static struct folio *race_slow_folio(struct race_slow *x)
{
	return page_folio(x->c->before[RACE_SLOW_ENTRY].page);
}

static void race_slow_longterm(struct kunit *test, const struct gk_shape *shape,
			       race_slow_fn act, unsigned int migrations)
{
	struct gk_range *r = gk_map(test, shape, 0);
	struct gk_call *c;
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		KUNIT_ASSERT_FALSE_MSG(test,
				       folio_is_longterm_pinnable(page_folio(gk_page(r, i))),
				       "no movablecore=?");
	c = race_slow_gup(r, gk_api(test), FOLL_WRITE | FOLL_LONGTERM, act, 1);
	GK_EXPECT(c, -1, "migrations", race_slow_now.met[GK_MIGRATED], migrations);
	GK_EXPECT(c, -1, "the target may be waited for, as any page of a user",
		  (__force unsigned int)gk_migrate_gfp,
		  (__force unsigned int)(GFP_USER | __GFP_NOWARN));
	GK_EXPECT(c, -1, "the node of the target", gk_migrate_nid, NUMA_NO_NODE);
	GK_EXPECT(c, -1, "the reason", gk_migrate_reason, MR_LONGTERM_PIN);
	GK_EXPECT(c, -1, "the reason for the target", gk_migrate_target_reason, MR_LONGTERM_PIN);
	GK_EXPECT(c, -1, "locks and writeback may be waited for", gk_migrate_mode, MIGRATE_SYNC);
	for (i = 0; i < c->ret; i++)
		GK_EXPECT(c, i, "pinnable for long",
			  folio_is_longterm_pinnable(page_folio(c->pages[i])),
			  true);
	gk_expect_round_trip(c, c->r->nr);
}

static void race_slow_longterm_all(struct kunit *test, race_slow_fn act,
				   unsigned int migrations)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(race_slow_movable); i++)
		race_slow_longterm(test, race_slow_movable[i], act, migrations);
}

/* Somebody else has isolated a folio, and puts it back when GUP tries again. */
static void race_slow_isolate(struct race_slow *x, enum gk_point point, const void *what)
{
	if (point == GK_ISOLATE && what == race_slow_folio(x) && !x->held) {
		x->held = race_slow_folio(x);
		KUNIT_EXPECT_TRUE(x->r->test, folio_isolate_lru(x->held));
	}
	if (point == GK_DRAIN && x->met[GK_MIGRATED] == 1 && x->left[0]) {
		x->left[0] = 0;
		folio_putback_lru(x->held);
	}
}

static void gup_race_slow_isolated(struct kunit *test)
{
	race_slow_longterm_all(test, race_slow_isolate, 2);
}

/* Unmapped when it is pinned, before it is isolated, behind that, */
static void race_slow_unmap_at(struct race_slow *x, enum gk_point point, enum gk_point due,
			       const void *what)
{
	if (point != due || !x->left[0] || (what && what != race_slow_folio(x)))
		return;
	x->left[0] = 0;
	race_slow_zap(x, RACE_SLOW_ENTRY);
}

static void race_slow_unmap_pinned(struct race_slow *x, enum gk_point point, const void *what)
{
	race_slow_unmap_at(x, point, GK_DRAIN, what);
}

static void gup_race_slow_unmapped_pinned(struct kunit *test)
{
	race_slow_longterm_all(test, race_slow_unmap_pinned, 1);
}

static void race_slow_unmap_isolated(struct race_slow *x, enum gk_point point,
				     const void *what)
{
	race_slow_unmap_at(x, point, GK_ISOLATED, what);
}

static void gup_race_slow_unmapped_isolated(struct kunit *test)
{
	race_slow_longterm_all(test, race_slow_unmap_isolated, 1);
}

/* and when GUP has given up its pins, before it migrates. */
static void race_slow_unmap_unpinned(struct race_slow *x, enum gk_point point,
				     const void *what)
{
	race_slow_unmap_at(x, point, GK_MIGRATE, NULL);
}

static void gup_race_slow_unmapped_unpinned(struct kunit *test)
{
	race_slow_longterm_all(test, race_slow_unmap_unpinned, 1);
}

/* When all have moved, one is dropped, and comes again where it must not be. */
static void race_slow_come_again(struct race_slow *x, enum gk_point point, const void *what)
{
	unsigned int flags = current->flags & PF_MEMALLOC_PIN;

	if (point != GK_MIGRATED || !x->left[0])
		return;
	x->left[0] = 0;
	race_slow_zap(x, RACE_SLOW_ENTRY);
	current->flags &= ~PF_MEMALLOC_PIN;
	race_slow_fault(x, RACE_SLOW_ENTRY, FAULT_FLAG_WRITE);
	current->flags |= flags;
}

static void gup_race_slow_come_again(struct kunit *test)
{
	race_slow_longterm(test, &gk_anon_written, race_slow_come_again, 2);
}

/* Somebody takes a reference when it is too late to wait for that. */
static void race_slow_hold(struct race_slow *x, enum gk_point point, const void *what)
{
	if (point != GK_MIGRATE || x->held)
		return;
	x->held = race_slow_folio(x);
	folio_get(x->held);
}

/* Pinned no longer, and nothing else holds what it has not got. */
static void race_slow_expect_given_up(struct gk_call *c)
{
	unsigned int k;

	GK_EXPECT(c, -1, "pins held", c->acquired - c->released, 0);
	gk_settle();
	for (k = 0; k < c->r->nr; k++)
		GK_EXPECT(c, k, "refcount", page_ref_count(gk_page(c->r, k)),
			  c->before[k].refs);
}

static void gup_race_slow_held(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(race_slow_movable); i++) {
		struct gk_range *r = gk_map(test, race_slow_movable[i], 0);
		struct gk_call *c = race_slow_gup(r, gk_api(test),
						  FOLL_WRITE | FOLL_LONGTERM, race_slow_hold, 0);

		gk_expect_ret(c, -EBUSY);
		KUNIT_ASSERT_NOT_NULL(test, race_slow_now.held);
		folio_put(race_slow_now.held);
		race_slow_expect_given_up(c);
	}
}

/* There is no memory to migrate to: it is not as if a page were busy. */
static void gup_race_slow_no_memory(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *c;

	gk_migrate_error = -ENOMEM;
	c = race_slow_gup(r, gk_api(test), FOLL_WRITE | FOLL_LONGTERM, race_slow_nothing, 0);
	GK_EXPECT(c, -1, "migrations", race_slow_now.met[GK_MIGRATE], 1);
	KUNIT_EXPECT_EQ_MSG(test, xchg(&gk_migrate_error, 0), 0, "nothing had to move");
	gk_expect_ret(c, -ENOMEM);
	race_slow_expect_given_up(c);
}

static void race_slow_expect_refs(struct kunit *test, struct file *file, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, index);

	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	KUNIT_EXPECT_EQ_MSG(test, folio_ref_count(folio), 2,
			    "page=%lu: the file's and this one", index);
	folio_put(folio);
}

static struct file *race_slow_memfd(struct kunit *test)
{
	struct file *file = shmem_file_setup("gup_race_slow", 2 * PAGE_SIZE, EMPTY_VMA_FLAGS);

	gk_adopt_file(test, file);
	return file;
}

/* A folio that was pinned is that of page @index of @file, and holds what files hold. */
static void race_slow_expect_folio(struct kunit *test, struct file *file, pgoff_t index,
				   struct folio *pinned)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, index);

	KUNIT_EXPECT_PTR_EQ(test, folio, pinned);
	KUNIT_EXPECT_TRUE(test, folio_test_uptodate(pinned));
	if (!IS_ERR(folio))
		folio_put(folio);
}

/*
 * memfd_pin_folios() of both pages of @file returns @want although @hook, or
 * gk_alloc_error, interferes, and nothing is held in the end.
 */
static void race_slow_pin_memfd(struct kunit *test, struct file *file,
				void (*hook)(enum gk_point point, const void *what), long want)
{
	long held = gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED);
	struct folio *folios[2];
	pgoff_t offset;
	long ret, i;

	gk_settle();
	gk_hook = hook;
	ret = hooked_memfd_pin_folios(file, 0, 2 * PAGE_SIZE - 1, folios, 2, &offset);
	gk_hook = NULL;
	gk_signal_clear();
	KUNIT_EXPECT_EQ(test, ret, want);
	for (i = 0; i < ret; i++)
		race_slow_expect_folio(test, file, i, folios[i]);
	if (ret > 0)
		unpin_folios(folios, ret);
	gk_settle();
	race_slow_expect_refs(test, file, 0);
	race_slow_expect_refs(test, file, 1);
	KUNIT_EXPECT_EQ(test, gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED), held);
}

static void race_slow_kill_allocated(enum gk_point point, const void *what)
{
	if (point == GK_ALLOCATED)
		gk_signal(SIGKILL);
}

/* A fatal signal comes while a folio is allocated, behind one that has been pinned. */
static void gup_race_slow_memfd_killed(struct kunit *test)
{
	struct file *file = race_slow_memfd(test);
	loff_t pos = 0;
	u8 byte = 1;

	KUNIT_ASSERT_EQ(test, 1, kernel_write(file, &byte, 1, &pos));
	race_slow_pin_memfd(test, file, race_slow_kill_allocated, -EINTR);
}

static void race_slow_shrink(enum gk_point point, const void *what)
{
	if (point == GK_ALLOCATE)
		i_size_write(file_inode((struct file *)what), 0);
}

/* A file gets smaller when a folio of it is about to be cleared. */
static void gup_race_slow_memfd_shrunk(struct kunit *test)
{
	struct file *file = race_slow_memfd(test);

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(file, 0, 0, 2 * PAGE_SIZE));
	race_slow_pin_memfd(test, file, race_slow_shrink, -EINVAL);
}

/* Has the hook of a case done what it is there for? */
static bool race_slow_met;

static void race_slow_punch(enum gk_point point, const void *what)
{
	if (point != GK_ALLOCATE || race_slow_met)
		return;
	race_slow_met = true;
	vfs_fallocate((struct file *)what, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      0, 2 * PAGE_SIZE);
}

/*
 * The folios that memfd_pin_folios() has found uncleared leave the file: what it
 * pins are those that have come in their place.
 */
static void gup_race_slow_memfd_replaced(struct kunit *test)
{
	struct file *file = race_slow_memfd(test);

	/* Those that may not stay where they are would be looked for again anyway. */
	mapping_set_gfp_mask(file->f_mapping, GFP_USER);
	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(file, 0, 0, 2 * PAGE_SIZE));
	race_slow_met = false;
	race_slow_pin_memfd(test, file, race_slow_punch, 2);
	KUNIT_EXPECT_TRUE(test, race_slow_met);
}

static void race_slow_fill_memfd(struct kunit *test, struct file *file)
{
	loff_t pos = PAGE_SIZE - 1;

	/* Those that may not stay where they are would be looked for again anyway. */
	mapping_set_gfp_mask(file->f_mapping, GFP_USER);
	KUNIT_ASSERT_EQ(test, 2, kernel_write(file, "12", 2, &pos));
}

/* Of a memfd that is filled, @hook replaces a folio once: what is pinned is in the file. */
static void race_slow_pin_replaced(struct kunit *test,
				   void (*hook)(enum gk_point point, const void *what))
{
	struct file *file = race_slow_memfd(test);

	race_slow_fill_memfd(test, file);
	race_slow_met = false;
	race_slow_pin_memfd(test, file, hook, 2);
	KUNIT_EXPECT_TRUE(test, race_slow_met);
}

/* What collapse_file() does to folios that it has locked, and seen no other references to. */
static void race_slow_collapse(enum gk_point point, const void *what)
{
	struct folio *old, *new;

	if (point != GK_FOUND || race_slow_met)
		return;
	new = folio_alloc(GFP_USER, 0);
	old = filemap_lock_folio((struct address_space *)what, 1);
	if (IS_ERR(old) || !new)
		return;
	race_slow_met = true;
	folio_copy(new, old);
	__folio_set_locked(new);
	__folio_set_swapbacked(new);
	folio_mark_uptodate(new);
	replace_page_cache_folio(old, new);
	folio_add_lru(new);
	folio_unlock(new);
	folio_unlock(old);
	folio_put(new);
	folio_put(old);
}

/* After memfd_pin_folios() has found it, a folio is replaced: the new one is pinned. */
static void gup_race_slow_memfd_collapsed(struct kunit *test)
{
	race_slow_pin_replaced(test, race_slow_collapse);
}

static void race_slow_cut(enum gk_point point, const void *what)
{
	struct address_space *mapping = (struct address_space *)what;

	if (point != GK_FOUND || race_slow_met)
		return;
	race_slow_met = true;
	shmem_truncate_range(mapping->host, PAGE_SIZE, 2 * PAGE_SIZE - 1);
}

/* Or it is cut off: what has come in its place is pinned. */
static void gup_race_slow_memfd_cut(struct kunit *test)
{
	race_slow_pin_replaced(test, race_slow_cut);
}

/**
 * struct race_slow_lock - somebody holds the lock of a folio, but not for ever
 * @nr: it is the last of so many that GUP asks for
 */
static struct race_slow_lock {
	unsigned int nr;
	struct folio *folio;
	struct timer_list timer;
} race_slow_locked;

static void race_slow_let_go(struct timer_list *timer)
{
	folio_unlock(race_slow_locked.folio);
}

static void race_slow_kill_locked(enum gk_point point, const void *what)
{
	struct race_slow_lock *x = &race_slow_locked;

	if (point != GK_LOCK_FOLIO || !x->nr || --x->nr)
		return;
	x->folio = (struct folio *)what;
	if (!folio_trylock(x->folio))
		return;
	mod_timer(&x->timer, jiffies + 10 * HZ);
	gk_signal(SIGKILL);
}

/* A fatal signal ends the wait for the lock of a folio, behind one that has been pinned. */
static void gup_race_slow_memfd_lock_killed(struct kunit *test)
{
	struct race_slow_lock *x = &race_slow_locked;
	struct file *file = race_slow_memfd(test);
	bool waited;

	race_slow_fill_memfd(test, file);
	x->nr = 2;
	timer_setup(&x->timer, race_slow_let_go, 0);
	race_slow_pin_memfd(test, file, race_slow_kill_locked, -EINTR);
	waited = !timer_shutdown_sync(&x->timer);
	KUNIT_EXPECT_EQ_MSG(test, x->nr, 0, "GUP did not lock the folios");
	KUNIT_EXPECT_FALSE_MSG(test, waited, "GUP waited for the lock");
	if (!waited)
		folio_unlock(x->folio);
}

/* Somebody else is said to have added the folio just then: it is looked for again. */
static void gup_race_slow_memfd_exists(struct kunit *test)
{
	gk_alloc_error = -EEXIST;
	race_slow_pin_memfd(test, race_slow_memfd(test), NULL, 2);
	KUNIT_EXPECT_EQ_MSG(test, xchg(&gk_alloc_error, 0), 0, "no folio was asked for");
}

static void race_slow_memfd_fails(struct kunit *test, int *error)
{
	struct file *file = race_slow_memfd(test);

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(file, 0, 0, 2 * PAGE_SIZE));
	*error = -ENOMEM;
	race_slow_pin_memfd(test, file, NULL, -ENOMEM);
	KUNIT_EXPECT_EQ_MSG(test, xchg(error, 0), 0, "GUP did not come there");
}

/* There is no memory to clear a folio for, or to move it to. */
static void gup_race_slow_memfd_no_memory(struct kunit *test)
{
	race_slow_memfd_fails(test, &gk_alloc_error);
}

static void gup_race_slow_memfd_no_target(struct kunit *test)
{
	race_slow_memfd_fails(test, &gk_migrate_error);
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/**
 * struct race_slow_refill - a file whose folios are replaced while it is pinned
 * @file: of 64 pages, on a tmpfs of its own
 * @huge: what this tmpfs does for large folios
 * @left: how many times folios are looked up until then
 */
static struct race_slow_refill {
	struct file *file;
	unsigned char huge;
	unsigned int left;
} race_slow_refill;

static struct shmem_sb_info *race_slow_tmpfs(struct file *file)
{
	return file_inode(file)->i_sb->s_fs_info;
}

/* Now that those of the first lookup are pinned, one takes the place of all. */
static void race_slow_refill_large(enum gk_point point, const void *what)
{
	struct race_slow_refill *x = &race_slow_refill;
	u8 byte = 1;
	loff_t pos = 0;

	if (point != GK_FIND || !x->left || --x->left)
		return;
	vfs_fallocate(x->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      64 * PAGE_SIZE);
	race_slow_tmpfs(x->file)->huge = x->huge;
	kernel_write(x->file, &byte, 1, &pos);
}

/* A file of small folios, which are replaced by large ones when GUP looks for more of them. */
static struct file *race_slow_refilled(struct kunit *test)
{
	struct file *file = gk_tmpfs_file(test, "huge=within_size", 64);

	mapping_set_gfp_mask(file->f_mapping, GFP_USER);
	race_slow_refill = (struct race_slow_refill){
		.file = file, .huge = race_slow_tmpfs(file)->huge, .left = 2,
	};
	race_slow_tmpfs(file)->huge = 0;
	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(file, 0, 0, 64 * PAGE_SIZE));
	gk_hook = race_slow_refill_large;
	return file;
}

/* Of a folio that is found then, a page in the middle follows what has been pinned. */
static void race_slow_expect_refilled(struct kunit *test, struct file *file, long held)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, FOLIO_BATCH_SIZE);

	gk_hook = NULL;
	KUNIT_EXPECT_EQ_MSG(test, race_slow_refill.left, 0, "the file was not refilled");
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	KUNIT_EXPECT_LT_MSG(test, folio->index, FOLIO_BATCH_SIZE, "no folio begins in front");
	KUNIT_EXPECT_EQ(test, atomic_read(&folio->_pincount), 0);
	folio_put(folio);
	gk_settle();
	KUNIT_EXPECT_EQ(test, gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED), held);
}

/* What is pinned, from page 3 on, is what the file has: each folio but the first from its start. */
static void gup_race_slow_memfd_refilled(struct kunit *test)
{
	long held = gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED);
	struct file *file = race_slow_refilled(test);
	struct folio **folios = kunit_kcalloc(test, 64, sizeof(*folios), GFP_KERNEL);
	pgoff_t offset = 0, index = 3;
	struct folio *folio;
	long ret, i;

	KUNIT_ASSERT_NOT_NULL(test, folios);
	memset(folios, 0x5a, 64 * sizeof(*folios));
	ret = hooked_memfd_pin_folios(file, 3 * PAGE_SIZE, 64 * PAGE_SIZE - 1, folios, 64, &offset);
	KUNIT_EXPECT_GT(test, ret, 0);
	for (i = 0; i < ret; i++) {
		folio = filemap_get_folio(file->f_mapping, index);
		KUNIT_EXPECT_PTR_EQ_MSG(test, folios[i], folio, "page=%lu", index);
		KUNIT_EXPECT_EQ(test, folios[i]->index, i ? index : 3 - offset / PAGE_SIZE);
		index = folio_next_index(folios[i]);
		if (!IS_ERR(folio))
			folio_put(folio);
	}
	KUNIT_EXPECT_EQ(test, index, 64);
	if (ret > 0)
		unpin_folios(folios, ret);
	race_slow_expect_refilled(test, file, held);
}

/* Ranges: the last one is the end of the file. */
static void gup_race_slow_memfd_ranges_refilled(struct kunit *test)
{
	long held = gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED);
	struct file *file = race_slow_refilled(test);
	struct page_range *ranges = kunit_kcalloc(test, 64, sizeof(*ranges), GFP_KERNEL);
	struct page_range *last;
	unsigned int nr = 0;
	struct folio *folio;

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	KUNIT_EXPECT_EQ(test, 64, hooked_memfd_pin_page_ranges(file, 0, 64, ranges, 64, &nr));
	KUNIT_ASSERT_GT(test, nr, 0);
	last = &ranges[nr - 1];
	folio = filemap_get_folio(file->f_mapping, 63);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	KUNIT_EXPECT_PTR_EQ(test, last->page + last->nr_pages - 1,
			    folio_page(folio, 63 - folio->index));
	KUNIT_EXPECT_EQ(test, atomic_read(&folio->_pincount), last->nr_pages);
	folio_put(folio);
	unpin_user_page_ranges(ranges, nr, false);
	race_slow_expect_refilled(test, file, held);
}
#endif

/* Whatever a case that failed has left. */
static void gup_race_slow_exit(struct kunit *test)
{
	gk_hook = NULL;
	gk_lock_wanted = false;
	gk_alloc_error = 0;
	gk_migrate_error = 0;
}

static struct kunit_suite gup_race_slow_suite = {
	.name = "gup_race_slow",
	.exit = gup_race_slow_exit,
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_race_slow_unmapped, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_filled, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_dirty_cow, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_shared, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_shared_read, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_killed, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_waiter, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_lock_wanted, gk_slow_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_flushed, gk_zoo_params),
		KUNIT_CASE_PARAM(gup_race_slow_isolated, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_unmapped_pinned, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_unmapped_isolated, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_unmapped_unpinned, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_come_again, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_held, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_race_slow_no_memory, gk_pin_api_params),
		KUNIT_CASE(gup_race_slow_memfd_no_memory),
		KUNIT_CASE(gup_race_slow_memfd_no_target),
		KUNIT_CASE(gup_race_slow_memfd_killed),
		KUNIT_CASE(gup_race_slow_memfd_shrunk),
		KUNIT_CASE(gup_race_slow_memfd_replaced),
		KUNIT_CASE(gup_race_slow_memfd_collapsed),
		KUNIT_CASE(gup_race_slow_memfd_cut),
		KUNIT_CASE(gup_race_slow_memfd_lock_killed),
		KUNIT_CASE(gup_race_slow_memfd_exists),
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
		KUNIT_CASE(gup_race_slow_memfd_refilled),
		KUNIT_CASE(gup_race_slow_memfd_ranges_refilled),
#endif
		{}
	},
};

kunit_test_suite(gup_race_slow_suite);
