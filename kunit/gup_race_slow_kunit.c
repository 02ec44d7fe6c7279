// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races on purpose where GUP sleeps: between the walk and the fault, between the
 * fault and the next walk, between collecting and migrating. The memory is real
 * here, and so is what the other CPU does to it.
 */
#include <linux/mman.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>

#include "internal.h"
#include "gk.h"
#include "gk_hook.h"

/* The entry that most cases are about. */
#define RS_ENTRY	3

struct rs;

typedef void (*rs_fn)(struct rs *x, enum gk_point point, const void *what);

/**
 * struct rs - a call and what happens meanwhile
 * @act: called at each point
 * @met: how often GUP came to each
 * @left: for @act: how many times more
 * @held: for @act: a folio that it has
 * @refs, @max_refs: references taken under one lock, and the most of that
 */
struct rs {
	struct gk_range *r;
	struct gk_call *c;
	rs_fn act;
	unsigned int met[GK_NR_POINTS];
	unsigned int left[16];
	unsigned int refs, max_refs;
	struct folio *held;
};

static struct rs rs_now;

static void rs_hook(enum gk_point point, const void *what)
{
	rs_now.met[point]++;
	rs_now.act(&rs_now, point, what);
}

/* A call of all of @r, with what @act does meanwhile, @times at each entry. */
static struct gk_call *rs_gup(struct gk_range *r, enum gk_api_id api,
			      unsigned int flags, rs_fn act, unsigned int times)
{
	unsigned int i;

	rs_now = (struct rs){ .r = r, .act = act };
	for (i = 0; i < ARRAY_SIZE(rs_now.left); i++)
		rs_now.left[i] = times;
	rs_now.c = gk_prepare(r, api, flags, 0, r->nr);
	gk_hook = rs_hook;
	gk_enter_hooked(rs_now.c);
	gk_hook = NULL;
	gk_signal_clear();
	gk_done(rs_now.c);
	return rs_now.c;
}

/* Is it @point, at an entry at which something is left to do? It is the less now. */
static bool rs_is_due(struct rs *x, enum gk_point point, enum gk_point due,
		      const void *what, unsigned int *i)
{
	*i = ((unsigned long)what - x->r->addr) / PAGE_SIZE;
	if (point != due || *i >= ARRAY_SIZE(x->left) || !x->left[*i])
		return false;
	x->left[*i]--;
	return true;
}

/* GUP may hold mmap_lock here, or not: the other CPU takes it to read, too. */
static void rs_lock(struct rs *x)
{
	KUNIT_EXPECT_TRUE(x->r->test, mmap_read_trylock(x->r->mm));
}

static void rs_unlock(struct rs *x)
{
	mmap_read_unlock(x->r->mm);
}

static void rs_zap(struct rs *x, unsigned int i)
{
	rs_lock(x);
	zap_vma_range(gk_vma(x->r, i), gk_addr(x->r, i), PAGE_SIZE);
	rs_unlock(x);
}

static void rs_fault(struct rs *x, unsigned int i, unsigned int flags)
{
	vm_fault_t ret;

	rs_lock(x);
	ret = handle_mm_fault(gk_vma(x->r, i), gk_addr(x->r, i), flags, NULL);
	rs_unlock(x);
	KUNIT_EXPECT_FALSE(x->r->test, ret & (VM_FAULT_ERROR | VM_FAULT_RETRY));
}

/* Parameters: all APIs that fault; those that pin. */
static const enum gk_api_id rs_apis[] = {
	GK_GET, GK_GET_UNLOCKED, GK_GET_FAST, GK_GET_REMOTE,
	GK_PIN, GK_PIN_UNLOCKED, GK_PIN_FAST, GK_PIN_REMOTE,
};

static const enum gk_api_id rs_pin_apis[] = {
	GK_PIN, GK_PIN_UNLOCKED, GK_PIN_FAST, GK_PIN_REMOTE,
};

static void rs_api_desc(const enum gk_api_id *api, char *desc)
{
	strscpy(desc, gk_apis[*api].name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(rs_api, rs_apis, rs_api_desc);
KUNIT_ARRAY_PARAM(rs_pin_api, rs_pin_apis, rs_api_desc);

static enum gk_api_id rs_api(struct kunit *test)
{
	return *(const enum gk_api_id *)test->param_value;
}

static void rs_expect_all(struct gk_call *c)
{
	gk_expect_pinned(c, c->r->nr);
	gk_release(c);
	gk_expect_restored(c);
}

/* Between the fault and the next walk, what was faulted in is unmapped. */
static void rs_unmap_faulted(struct rs *x, enum gk_point point, const void *what)
{
	unsigned int i;

	if (rs_is_due(x, point, GK_FAULTED, what, &i))
		rs_zap(x, i);
}

static void gup_race_slow_unmapped(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	struct gk_call *c = rs_gup(r, rs_api(test), FOLL_WRITE,
				   rs_unmap_faulted, 3);

	GK_EXPECT(c, -1, "faults", rs_now.met[GK_FAULT], 4 * r->nr);
	rs_expect_all(c);
}

/* Between the walk and the fault, another thread faults. */
static void rs_fill(struct rs *x, enum gk_point point, const void *what)
{
	unsigned int i;

	if (rs_is_due(x, point, GK_FAULT, what, &i))
		rs_fault(x, i, FAULT_FLAG_WRITE);
}

static void gup_race_slow_filled(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_fresh, 0);
	struct gk_call *c = rs_gup(r, rs_api(test), FOLL_WRITE, rs_fill, 1);

	GK_EXPECT(c, -1, "faults", rs_now.met[GK_FAULT], r->nr);
	rs_expect_all(c);
}

/*
 * Dirty COW: the copy that a forced write has made is dropped, and a read fault
 * maps the file's page. That must not be written to.
 */
static void rs_drop_copy(struct rs *x, enum gk_point point, const void *what)
{
	unsigned int i;

	if (!rs_is_due(x, point, GK_FAULTED, what, &i))
		return;
	rs_zap(x, i);
	rs_fault(x, i, 0);
}

static void gup_race_slow_dirty_cow(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_file_private, 0);
	struct gk_call *c;
	long k;

	gk_protect(r, 0, r->nr, PROT_READ);
	c = rs_gup(r, rs_api(test), FOLL_WRITE | FOLL_FORCE, rs_drop_copy, 2);
	GK_EXPECT(c, -1, "faults", rs_now.met[GK_FAULT], 3 * r->nr);
	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "anonymous", PageAnon(c->pages[k]), true);
	rs_expect_all(c);
}

/* Between the fault and the next walk, fork(): the page is shared again. */
static void rs_share_faulted(struct rs *x, enum gk_point point, const void *what)
{
	unsigned long addr = (unsigned long)what;
	struct mm_struct *mm = x->r->mm;
	spinlock_t *ptl = NULL;
	unsigned int i;
	pte_t *ptep;

	if (!rs_is_due(x, point, GK_FAULTED, what, &i))
		return;
	rs_lock(x);
	ptep = pte_offset_map_lock(mm, pmd_off(mm, addr), addr, &ptl);
	KUNIT_EXPECT_NOT_NULL(x->r->test, ptep);
	if (ptep) {
		ptep_set_wrprotect(mm, addr, ptep);
		ClearPageAnonExclusive(pte_page(ptep_get(ptep)));
		pte_unmap_unlock(ptep, ptl);
	}
	flush_tlb_page(gk_vma(x->r, i), addr);
	rs_unlock(x);
}

static void rs_share_again(struct kunit *test, unsigned int flags)
{
	struct gk_range *r = gk_map(test, &gk_anon_shared, 0);
	struct gk_call *c;
	long k;

	c = rs_gup(r, rs_api(test), flags, rs_share_faulted, 2);
	GK_EXPECT(c, -1, "faults", rs_now.met[GK_FAULT], 3 * r->nr);
	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "exclusive", PageAnonExclusive(c->pages[k]),
			  true);
	rs_expect_all(c);
}

static void gup_race_slow_shared(struct kunit *test)
{
	rs_share_again(test, FOLL_WRITE);
}

static void gup_race_slow_shared_read(struct kunit *test)
{
	rs_share_again(test, 0);
}

/* Between the fault and the next walk, the process is killed. */
static void rs_kill(struct rs *x, enum gk_point point, const void *what)
{
	unsigned int i;

	if (rs_is_due(x, point, GK_FAULTED, what, &i) && i == RS_ENTRY)
		gk_signal(SIGKILL);
}

static void gup_race_slow_killed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	struct gk_call *c = rs_gup(r, rs_api(test), FOLL_WRITE, rs_kill, 1);

	gk_expect_pinned(c, RS_ENTRY);
	gk_release(c);
	gk_expect_restored(c);
}

/* Somebody waits all the time. Each small page takes its references at once. */
static void rs_wait(struct rs *x, enum gk_point point, const void *what)
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
	struct gk_call *c = rs_gup(r, rs_api(test), FOLL_WRITE, rs_wait, 0);

	/* Nobody waits for GUP-fast, which has no lock. */
	if (!c->api->fast)
		KUNIT_EXPECT_LE(test, rs_now.max_refs, 32);
	KUNIT_EXPECT_GT(test, rs_now.max_refs, 0);
	rs_expect_all(c);
}

/*
 * Pins for long: the pages of these are movable, and have to move.
 */

static const struct gk_shape *const rs_movable[] = {
	&gk_anon_written, &gk_shmem_written,
};

static struct folio *rs_folio(struct rs *x)
{
	return page_folio(x->c->before[RS_ENTRY].page);
}

static void rs_longterm(struct kunit *test, const struct gk_shape *shape,
			rs_fn act, unsigned int migrations)
{
	struct gk_range *r = gk_map(test, shape, 0);
	struct gk_call *c;
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		KUNIT_ASSERT_FALSE_MSG(test,
				       folio_is_longterm_pinnable(page_folio(gk_page(r, i))),
				       "no movablecore=?");
	c = rs_gup(r, rs_api(test), FOLL_WRITE | FOLL_LONGTERM, act, 1);
	GK_EXPECT(c, -1, "migrations", rs_now.met[GK_MIGRATED], migrations);
	for (i = 0; i < c->ret; i++)
		GK_EXPECT(c, i, "pinnable for long",
			  folio_is_longterm_pinnable(page_folio(c->pages[i])),
			  true);
	rs_expect_all(c);
}

static void rs_longterm_all(struct kunit *test, rs_fn act,
			    unsigned int migrations)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rs_movable); i++)
		rs_longterm(test, rs_movable[i], act, migrations);
}

/* Somebody else has isolated a folio, and puts it back when GUP tries again. */
static void rs_isolate(struct rs *x, enum gk_point point, const void *what)
{
	if (point == GK_ISOLATE && what == rs_folio(x) && !x->held) {
		x->held = rs_folio(x);
		KUNIT_EXPECT_TRUE(x->r->test, folio_isolate_lru(x->held));
	}
	if (point == GK_DRAIN && x->met[GK_MIGRATED] == 1 && x->left[0]) {
		x->left[0] = 0;
		folio_putback_lru(x->held);
	}
}

static void gup_race_slow_isolated(struct kunit *test)
{
	rs_longterm_all(test, rs_isolate, 2);
}

/* Unmapped when it is pinned, before it is isolated, behind that, */
static void rs_unmap_at(struct rs *x, enum gk_point point, enum gk_point due,
			const void *what)
{
	if (point != due || !x->left[0] || (what && what != rs_folio(x)))
		return;
	x->left[0] = 0;
	rs_zap(x, RS_ENTRY);
}

static void rs_unmap_pinned(struct rs *x, enum gk_point point, const void *what)
{
	rs_unmap_at(x, point, GK_DRAIN, what);
}

static void gup_race_slow_unmapped_pinned(struct kunit *test)
{
	rs_longterm_all(test, rs_unmap_pinned, 1);
}

static void rs_unmap_isolated(struct rs *x, enum gk_point point,
			      const void *what)
{
	rs_unmap_at(x, point, GK_ISOLATED, what);
}

static void gup_race_slow_unmapped_isolated(struct kunit *test)
{
	rs_longterm_all(test, rs_unmap_isolated, 1);
}

/* and when GUP has given up its pins, before it migrates. */
static void rs_unmap_unpinned(struct rs *x, enum gk_point point,
			      const void *what)
{
	rs_unmap_at(x, point, GK_MIGRATE, NULL);
}

static void gup_race_slow_unmapped_unpinned(struct kunit *test)
{
	rs_longterm_all(test, rs_unmap_unpinned, 1);
}

/* When all have moved, one is dropped, and comes again where it must not be. */
static void rs_come_again(struct rs *x, enum gk_point point, const void *what)
{
	unsigned int flags = current->flags & PF_MEMALLOC_PIN;

	if (point != GK_MIGRATED || !x->left[0])
		return;
	x->left[0] = 0;
	rs_zap(x, RS_ENTRY);
	current->flags &= ~PF_MEMALLOC_PIN;
	rs_fault(x, RS_ENTRY, FAULT_FLAG_WRITE);
	current->flags |= flags;
}

static void gup_race_slow_come_again(struct kunit *test)
{
	rs_longterm(test, &gk_anon_written, rs_come_again, 2);
}

/* Somebody takes a reference when it is too late to wait for that. */
static void rs_hold(struct rs *x, enum gk_point point, const void *what)
{
	if (point != GK_MIGRATE || x->held)
		return;
	x->held = rs_folio(x);
	folio_get(x->held);
}

static void gup_race_slow_held(struct kunit *test)
{
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(rs_movable); i++) {
		struct gk_range *r = gk_map(test, rs_movable[i], 0);
		struct gk_call *c = rs_gup(r, rs_api(test),
					   FOLL_WRITE | FOLL_LONGTERM, rs_hold, 0);

		gk_expect_ret(c, -EBUSY);
		KUNIT_ASSERT_NOT_NULL(test, rs_now.held);
		folio_put(rs_now.held);
		GK_EXPECT(c, -1, "pins held", c->acquired - c->released, 0);
		gk_settle();
		for (k = 0; k < r->nr; k++)
			GK_EXPECT(c, k, "refcount",
				  page_ref_count(gk_page(r, k)),
				  c->before[k].refs);
	}
}

static struct kunit_case gup_race_slow_cases[] = {
	KUNIT_CASE_PARAM(gup_race_slow_unmapped, rs_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_filled, rs_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_dirty_cow, rs_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_shared, rs_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_shared_read, rs_pin_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_killed, rs_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_waiter, rs_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_isolated, rs_pin_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_unmapped_pinned, rs_pin_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_unmapped_isolated, rs_pin_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_unmapped_unpinned, rs_pin_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_come_again, rs_pin_api_gen_params),
	KUNIT_CASE_PARAM(gup_race_slow_held, rs_pin_api_gen_params),
	{}
};

static struct kunit_suite gup_race_slow_suite = {
	.name = "gup_race_slow",
	.test_cases = gup_race_slow_cases,
};

kunit_test_suite(gup_race_slow_suite);

MODULE_DESCRIPTION("KUnit tests of slow GUP against other CPUs, step by step");
MODULE_LICENSE("GPL");
