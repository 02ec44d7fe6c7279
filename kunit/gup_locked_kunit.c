// SPDX-License-Identifier: GPL-2.0-only
/*
 * The *locked protocol: a driver's ->fault drops mmap_lock, as real ones do
 * when they must wait, or is told not to; signals come in between. However
 * often the lock goes, the pages come back in order and counted once.
 */
#include <linux/mman.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

#define LOCKED_NR	6

enum locked_answer {
	LOCKED_RETRY,	/* the lock is dropped, nothing is mapped */
	LOCKED_COMPLETED,	/* the lock is dropped, the page is mapped */
	LOCKED_GONE,	/* completed, but the page is not mapped */
	LOCKED_ERROR,	/* SIGBUS */
	LOCKED_LOOK,	/* a page; only see whether it may retry */
};

/**
 * struct locked_plan - what a driver does at its faults
 * @at: the page whose faults are answered otherwise than by a page
 * @all: every page's are
 * @times: that often for each such page
 * @answer: and how
 * @then: the answer after that is SIGBUS
 * @signal: to be raised at the first such fault
 */
struct locked_plan {
	unsigned int at;
	bool all;
	unsigned int times;
	enum locked_answer answer;
	bool then;
	int signal;
};

/**
 * struct locked_log - what it saw
 * @plan: signal is 0 when it has been raised
 * @done: answers as planned, for each page
 * @nr: faults so far
 * @page: of each fault
 * @flags: FAULT_FLAG_* of each fault
 * @kept: faults that should have dropped the lock, and were not allowed to
 */
struct locked_log {
	struct locked_plan plan;
	unsigned int done[LOCKED_NR];
	unsigned int nr;
	unsigned int page[64];
	unsigned int flags[64];
	unsigned int kept;
};

static vm_fault_t locked_fault(struct gk_drv *drv, struct vm_fault *vmf)
{
	struct locked_log *log = drv->test->priv;
	struct locked_plan *p = &log->plan;
	unsigned int page = vmf->pgoff;
	vm_fault_t ret;

	if (log->nr < ARRAY_SIZE(log->flags)) {
		log->page[log->nr] = page;
		log->flags[log->nr] = vmf->flags;
	}
	log->nr++;
	if (page != p->at && !p->all)
		return gk_drv_give(drv, vmf);
	if (p->signal) {
		gk_signal(p->signal);
		p->signal = 0;
	}
	if (log->done[page] == p->times)
		return p->then ? VM_FAULT_SIGBUS : gk_drv_give(drv, vmf);
	log->done[page]++;
	if (p->answer == LOCKED_ERROR)
		return VM_FAULT_SIGBUS;
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY)) {
		log->kept++;
		return gk_drv_give(drv, vmf);
	}
	if (p->answer == LOCKED_LOOK)
		return gk_drv_give(drv, vmf);
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	ret = VM_FAULT_RETRY;
	if (p->answer != LOCKED_RETRY)
		/* ->fault() has no page for its caller: so VM_FAULT_NOPAGE. */
		ret = VM_FAULT_COMPLETED | VM_FAULT_NOPAGE;
	if (p->answer == LOCKED_COMPLETED &&
	    vmf_insert_page(vmf->vma, vmf->address, gk_drv_page(drv, page)) !=
	    VM_FAULT_NOPAGE)
		return VM_FAULT_SIGBUS;
	release_fault_lock(vmf);
	return ret;
}

static void locked_map_shared(struct gk_range *r)
{
	gk_drv_mmap_lazy(r, locked_fault, RW, MAP_SHARED);
}

static void locked_map_private(struct gk_range *r)
{
	gk_drv_mmap_lazy(r, locked_fault, RW, MAP_PRIVATE);
}

static const struct gk_shape locked_drv = {
	.name = "drv_locked", .nr = LOCKED_NR, .map = locked_map_shared,
};

static const struct gk_shape locked_drv_private = {
	.name = "drv_locked_private", .nr = LOCKED_NR,
	.map = locked_map_private,
};

/* Map @shape, whose driver does as @plan says. */
static struct gk_range *locked_range(struct kunit *test,
				     const struct gk_shape *shape,
				     struct locked_plan plan)
{
	struct locked_log *log = kunit_kzalloc(test, sizeof(*log), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, log);
	log->plan = plan;
	test->priv = log;
	return gk_map(test, shape, 0);
}

static bool locked_remote(enum gk_api_id api)
{
	return api == GK_GET_REMOTE || api == GK_PIN_REMOTE;
}

/* May it drop the lock? get_user_pages() and pin_user_pages() may not. */
static bool locked_unlockable(enum gk_api_id api)
{
	return api != GK_GET && api != GK_PIN;
}

static bool locked_drops(const struct gk_api *api)
{
	return !api->only && locked_unlockable(api - gk_apis);
}

/* Parameters: APIs that may drop the lock. */
static const void *locked_apis(struct kunit *test, const void *prev, char *desc)
{
	return gk_api_params_if(test, prev, desc, locked_drops);
}

static bool locked_drops_interruptibly(const struct gk_api *api)
{
	return locked_drops(api) && (api->flags & FOLL_INTERRUPTIBLE);
}

/* Parameters: of these, the ones that take FOLL_INTERRUPTIBLE. */
static const void *locked_interruptible_apis(struct kunit *test,
					     const void *prev, char *desc)
{
	return gk_api_params_if(test, prev, desc, locked_drops_interruptibly);
}

/* Only the remote calls tell. */
static void locked_expect_locked(struct gk_call *c, bool want)
{
	if (locked_remote(c->api - gk_apis))
		GK_EXPECT(c, -1, "*locked", c->locked, want);
}

/* @want pages: those of the driver, in order, none twice, none left out. */
static void locked_expect_pages(struct gk_call *c, long want)
{
	struct gk_drv *drv = gk_range_drv(c->r);
	long k;

	gk_expect_pinned(c, want);
	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "pfn", page_to_pfn(c->pages[k]),
			  page_to_pfn(gk_drv_page(drv, c->first + k)));
	KUNIT_EXPECT_FALSE_MSG(c->r->test,
			       rwsem_is_locked(&c->r->mm->mmap_lock),
			       "%s: the lock is still held", gk_where(c));
	gk_release(c);
	gk_expect_restored(c);
}

static void locked_expect_faults(struct gk_call *c, unsigned int want)
{
	struct locked_log *log = c->r->test->priv;

	GK_EXPECT(c, log->plan.all ? -1L : log->plan.at, "faults", log->nr, want);
}

/* FAULT_FLAG_TRIED at a page's second fault and later, not at its first. */
static void locked_expect_tried(struct gk_call *c)
{
	struct locked_log *log = c->r->test->priv;
	unsigned int i;

	for (i = 0; i < min(log->nr, ARRAY_SIZE(log->flags)); i++)
		GK_EXPECT(c, log->page[i], "FAULT_FLAG_TRIED",
			  !!(log->flags[i] & FAULT_FLAG_TRIED),
			  i && log->page[i - 1] == log->page[i]);
}

/* All pages come, after so many faults. */
static void locked_expect_all(struct gk_call *c, bool locked,
			      unsigned int faults)
{
	locked_expect_locked(c, locked);
	locked_expect_faults(c, faults);
	locked_expect_tried(c);
	locked_expect_pages(c, c->nr);
}

/* The pages before page @at come, or if there are none, the error. */
static void locked_expect_end(struct gk_call *c, bool locked, unsigned int at,
			      long error)
{
	locked_expect_locked(c, locked);
	if (at)
		locked_expect_pages(c, at);
	else
		gk_expect_refused(c, error);
}

static struct gk_call *locked_gup_by(struct kunit *test, enum gk_api_id api,
				     struct locked_plan plan,
				     unsigned int flags)
{
	struct gk_range *r = locked_range(test, &locked_drv, plan);
	struct locked_log *log = test->priv;
	struct gk_call *c = gk_gup(r, api, flags);

	/* Before anything is expected: that waits, too. */
	gk_signal_clear();
	GK_EXPECT(c, plan.at, "signal raised", log->plan.signal, 0);
	return c;
}

static struct gk_call *locked_gup(struct kunit *test, struct locked_plan plan,
				  unsigned int flags)
{
	return locked_gup_by(test, gk_api(test), plan, flags);
}

static const unsigned int locked_at[] = {
	0, 1, LOCKED_NR / 2, LOCKED_NR - 1,
};

/* The plan, at one page after the other: all come. */
static void locked_come(struct kunit *test, struct locked_plan plan,
			unsigned int flags, unsigned int faults)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(locked_at); i++) {
		plan.at = locked_at[i];
		locked_expect_all(locked_gup(test, plan, flags), false, faults);
	}
}

/* The plan, at one page after the other: it is the end. */
static void locked_end(struct kunit *test, struct locked_plan plan,
		       unsigned int flags, bool locked, long error)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(locked_at); i++) {
		plan.at = locked_at[i];
		locked_expect_end(locked_gup(test, plan, flags), locked,
				  plan.at, error);
	}
}

/* Nothing drops the lock: it is as it was. */
static void gup_locked_kept(struct kunit *test)
{
	locked_expect_all(locked_gup(test, (struct locked_plan){}, FOLL_WRITE),
			  true, LOCKED_NR);
}

/* VM_FAULT_RETRY, once or more, at one page. */
static void gup_locked_retry(struct kunit *test)
{
	unsigned int times;

	for (times = 1; times <= 3; times++)
		locked_come(test, (struct locked_plan){ .times = times },
			    FOLL_WRITE, LOCKED_NR + times);
}

/* At every page: the count goes on over all of them. */
static void gup_locked_retry_all(struct kunit *test)
{
	struct locked_plan plan = { .all = true, .times = 2 };

	locked_expect_all(locked_gup(test, plan, 0), false, 3 * LOCKED_NR);
}

/* A part of the mapping: what lies behind it is not asked for, nor taken. */
static void gup_locked_retry_part(struct kunit *test)
{
	enum gk_api_id api = gk_api(test);
	const unsigned int nr = LOCKED_NR - 2;
	unsigned int i;

	for (i = 0; i < 2 * nr; i++) {
		struct locked_plan plan = { .at = 1 + i / 2, .times = 1 };
		struct gk_range *r;
		struct gk_call *c;

		plan.answer = i % 2 ? LOCKED_COMPLETED : LOCKED_RETRY;
		r = locked_range(test, &locked_drv, plan);
		c = gk_gup_part(r, api, FOLL_WRITE, 1, nr);
		locked_expect_locked(c, false);
		locked_expect_faults(c, nr + 1 - i % 2);
		locked_expect_pages(c, nr);
		KUNIT_EXPECT_NULL_MSG(test, gk_page(r, nr + 1),
				      "%s: the next page was faulted in",
				      gk_where(c));
	}
}

/* What GUP-fast has found before counts as well. */
static void gup_locked_retry_behind_present(struct kunit *test)
{
	struct locked_plan plan = { .at = 2, .times = 1 };
	struct gk_range *r = locked_range(test, &locked_drv, plan);
	struct gk_drv *drv = gk_range_drv(r);
	struct gk_call *c;

	gk_drv_insert(r, 0, gk_drv_page(drv, 0));
	gk_drv_insert(r, 1, gk_drv_page(drv, 1));
	gk_drv_insert(r, 4, gk_drv_page(drv, 4));
	c = gk_gup_part(r, gk_api(test), FOLL_WRITE, 1, r->nr - 1);
	locked_expect_locked(c, false);
	locked_expect_faults(c, 4);
	locked_expect_pages(c, r->nr - 1);
}

/* VM_FAULT_COMPLETED: the lock is gone, the page is there, no second fault. */
static void gup_locked_completed(struct kunit *test)
{
	struct locked_plan plan = { .times = 1, .answer = LOCKED_COMPLETED };

	locked_come(test, plan, FOLL_WRITE, LOCKED_NR);
}

/* The page was there and has gone when the lock is taken again. */
static void gup_locked_completed_and_gone(struct kunit *test)
{
	struct locked_plan plan = { .times = 2, .answer = LOCKED_GONE };

	locked_come(test, plan, FOLL_WRITE, LOCKED_NR + 2);
}

/* An error after the retry: the pages before it, or the error. */
static void gup_locked_retry_then_error(struct kunit *test)
{
	struct locked_plan plan = { .times = 1, .then = true };

	locked_end(test, plan, FOLL_WRITE, false, -EFAULT);
}

/* A retry at an earlier page, then an error: everything up to the error. */
static void gup_locked_retry_then_hole(struct kunit *test)
{
	struct locked_plan plan = { .at = 1, .times = 1 };
	struct gk_range *r = locked_range(test, &locked_drv, plan);
	struct gk_call *c;

	gk_unmap(r, 4, 1);
	c = gk_gup(r, gk_api(test), FOLL_WRITE);
	locked_expect_end(c, false, 4, -EFAULT);
}

/* An error without a retry keeps the lock. */
static void gup_locked_error(struct kunit *test)
{
	struct locked_plan plan = { .times = 1, .answer = LOCKED_ERROR };

	locked_end(test, plan, FOLL_WRITE, true, -EFAULT);
}

/* No pages[]: the same arithmetic, on addresses alone, from the first or last byte of a page. */
static void gup_locked_no_pages(struct kunit *test)
{
	static const enum locked_answer answers[] = {
		LOCKED_RETRY, LOCKED_COMPLETED, LOCKED_GONE,
	};
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(answers) * 4; i++) {
		struct locked_plan plan = {
			.at = 2, .times = 2, .answer = answers[i / 4],
		};
		struct gk_range *r = locked_range(test, &locked_drv, plan);
		unsigned long start = r->addr + (i & 2 ? PAGE_SIZE - 1 : 0);
		int locked = 1;
		long ret;

		if (i % 2) {
			ret = get_user_pages_unlocked(start, r->nr, NULL, 0);
			locked = 0;
		} else {
			mmap_read_lock(r->mm);
			ret = get_user_pages_remote(r->mm, start, r->nr, 0,
						    NULL, &locked);
			if (locked)
				mmap_read_unlock(r->mm);
		}
		KUNIT_EXPECT_EQ_MSG(test, ret, r->nr,
				    "shape=%s unlocked=%u answer=%u pages=NULL start=%lx",
				    r->shape->name, i % 2, plan.answer, start);
		KUNIT_EXPECT_EQ(test, locked, 0);
		for (k = 0; k < r->nr; k++)
			KUNIT_EXPECT_PTR_EQ_MSG(test, gk_page(r, k),
						gk_drv_page(gk_range_drv(r),
							    k),
						"page=%u", k);
	}
}

/*
 * Which FAULT_FLAG_* a fault has is said by the API and by FOLL_*. UNSHARE
 * does not get as far as ->fault: see gup_locked_unshare().
 */
#define LOCKED_FLAGS	(FAULT_FLAG_WRITE | FAULT_FLAG_ALLOW_RETRY | \
			 FAULT_FLAG_RETRY_NOWAIT | FAULT_FLAG_KILLABLE | \
			 FAULT_FLAG_TRIED | FAULT_FLAG_USER | \
			 FAULT_FLAG_REMOTE | FAULT_FLAG_INSTRUCTION | \
			 FAULT_FLAG_INTERRUPTIBLE | FAULT_FLAG_UNSHARE)

static void gup_locked_fault_flags(struct kunit *test)
{
	static const unsigned int flags[] = {
		0, FOLL_WRITE, FOLL_NOWAIT, FOLL_NOWAIT | FOLL_WRITE,
		FOLL_INTERRUPTIBLE, FOLL_INTERRUPTIBLE | FOLL_WRITE,
		FOLL_FORCE, FOLL_HWPOISON, FOLL_LONGTERM,
		FOLL_LONGTERM | FOLL_WRITE,
	};
	enum gk_api_id api = gk_api(test);
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct locked_log *log;
		unsigned int want = 0;
		struct gk_call *c;

		if (flags[i] & ~gk_apis[api].flags)
			continue;
		if (flags[i] & FOLL_WRITE)
			want |= FAULT_FLAG_WRITE;
		if (locked_remote(api))
			want |= FAULT_FLAG_REMOTE;
		if (locked_unlockable(api))
			want |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE;
		if (locked_unlockable(api) && flags[i] & FOLL_INTERRUPTIBLE)
			want |= FAULT_FLAG_INTERRUPTIBLE;
		if (flags[i] & FOLL_NOWAIT)
			want |= FAULT_FLAG_ALLOW_RETRY |
				FAULT_FLAG_RETRY_NOWAIT;
		c = locked_gup(test, (struct locked_plan){}, flags[i]);
		log = test->priv;
		locked_expect_faults(c, LOCKED_NR);
		for (k = 0; k < min(log->nr, LOCKED_NR); k++)
			GK_EXPECT(c, k, "FAULT_FLAG_*",
				  log->flags[k] & LOCKED_FLAGS, want);
		locked_expect_pages(c, LOCKED_NR);
	}
}

/* Every page would have the lock dropped. */
static const struct locked_plan locked_look = {
	.all = true, .times = 1, .answer = LOCKED_LOOK,
};

/* A remote call with locked == NULL may not drop the lock either. */
static void gup_locked_null(struct kunit *test)
{
	unsigned int pin, k;

	for (pin = 0; pin <= 1; pin++) {
		struct gk_range *r = locked_range(test, &locked_drv, locked_look);
		struct locked_log *log = test->priv;
		struct page *pages[LOCKED_NR];
		long ret;

		mmap_read_lock(r->mm);
		ret = pin ? pin_user_pages_remote(r->mm, r->addr, r->nr,
						  FOLL_WRITE, pages, NULL) :
			    get_user_pages_remote(r->mm, r->addr, r->nr,
						  FOLL_WRITE, pages, NULL);
		KUNIT_EXPECT_TRUE(test, rwsem_is_locked(&r->mm->mmap_lock));
		mmap_read_unlock(r->mm);
		KUNIT_EXPECT_EQ_MSG(test, ret, r->nr, "pin=%u", pin);
		KUNIT_EXPECT_EQ(test, log->kept, r->nr);
		for (k = 0; k < min(log->nr, r->nr); k++)
			KUNIT_EXPECT_EQ_MSG(test, log->flags[k] &
					    LOCKED_FLAGS,
					    FAULT_FLAG_WRITE |
					    FAULT_FLAG_REMOTE, "page=%u", k);
		if (ret > 0 && pin)
			unpin_user_pages(pages, ret);
		for (k = 0; !pin && (long)k < ret; k++)
			put_page(pages[k]);
		for (k = 0; ret == r->nr && k < r->nr; k++)
			KUNIT_EXPECT_EQ_MSG(test, gk_held(page_folio(pages[k])), 1,
					    "pin=%u page=%u: the driver's reference",
					    pin, k);
	}
}

/* get_user_pages() and pin_user_pages() hold the lock throughout. */
static void gup_locked_never(struct kunit *test)
{
	static const enum gk_api_id apis[] = { GK_GET, GK_PIN };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		struct gk_call *c = locked_gup_by(test, apis[i], locked_look,
						  FOLL_WRITE);
		struct locked_log *log = test->priv;

		GK_EXPECT(c, -1, "faults that wanted to drop the lock",
			  log->kept, LOCKED_NR);
		locked_expect_pages(c, LOCKED_NR);
	}
}

/* A R/O pin of a shared page unshares it, and does not make it writable. */
static void gup_locked_unshare(struct kunit *test)
{
	enum gk_api_id api = gk_api(test);
	/* The first fault reads, and drops the lock; the next one unshares. */
	struct locked_plan plan = { .all = true, .times = 1 };
	struct gk_range *r = locked_range(test, &locked_drv_private, plan);
	struct gk_call *c = gk_gup(r, api, FOLL_LONGTERM);
	struct locked_log *log = test->priv;
	long k;

	gk_expect_pinned(c, r->nr);
	locked_expect_locked(c, !locked_unlockable(api));
	for (k = 0; k < (long)min(log->nr, ARRAY_SIZE(log->flags)); k++)
		GK_EXPECT(c, log->page[k], "FAULT_FLAG_UNSHARE or _WRITE",
			  log->flags[k] & (FAULT_FLAG_UNSHARE |
					   FAULT_FLAG_WRITE), 0);
	for (k = 0; k < c->ret; k++) {
		GK_EXPECT(c, k, "anonymous", PageAnon(c->pages[k]), true);
		GK_EXPECT(c, k, "exclusive", gk_exclusive(c->pages[k]), true);
		GK_EXPECT(c, k, "entry dirty", !!pte_dirty(gk_pte(r, k)),
			  false);
		GK_EXPECT(c, k, "entry writable", !!pte_write(gk_pte(r, k)),
			  false);
	}
	gk_release(c);
	gk_expect_restored(c);
}

/* FOLL_NOWAIT: what there is before the first wait, and the lock is kept. */
static void gup_locked_nowait(struct kunit *test)
{
	struct locked_plan plan = { .times = 100 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(locked_at); i++) {
		struct locked_log *log;
		struct gk_call *c;

		plan.at = locked_at[i];
		c = locked_gup(test, plan, FOLL_WRITE | FOLL_NOWAIT);
		locked_expect_faults(c, plan.at + 1);
		locked_expect_tried(c);
		locked_expect_end(c, true, plan.at, 0);
		/* Ask again when it has come. */
		log = test->priv;
		log->plan.times = 0;
		log->done[plan.at] = 0;
		c = gk_gup(c->r, gk_api(test), FOLL_WRITE | FOLL_NOWAIT);
		locked_expect_end(c, true, LOCKED_NR, 0);
	}
}

/* An error is an error with FOLL_NOWAIT too. */
static void gup_locked_nowait_error(struct kunit *test)
{
	struct locked_plan plan = { .times = 1, .answer = LOCKED_ERROR };

	locked_expect_end(locked_gup(test, plan, FOLL_NOWAIT), true, 0,
			  -EFAULT);
}

/*
 * Signals. Each is raised by the driver at the page, while GUP waits as far as
 * it knows, and is gone again before anything is expected.
 */

/* FOLL_INTERRUPTIBLE: any signal ends the retries. */
static void gup_locked_interruptible(struct kunit *test)
{
	struct locked_plan plan = { .times = 2, .signal = SIGUSR1 };

	locked_end(test, plan, FOLL_INTERRUPTIBLE, false, -EINTR);
}

/* It is looked at where GUP waits: a fault that does not wait is not ended. */
static void gup_locked_interruptible_no_retry(struct kunit *test)
{
	struct locked_plan plan = { .at = 2, .signal = SIGUSR1 };

	locked_expect_all(locked_gup(test, plan, FOLL_INTERRUPTIBLE), true,
			  LOCKED_NR);
}

/* Without it only a fatal signal does. */
static void gup_locked_uninterruptible(struct kunit *test)
{
	struct locked_plan plan = { .times = 2, .signal = SIGUSR1 };

	locked_come(test, plan, FOLL_WRITE, LOCKED_NR + 2);
}

/* SIGKILL ends the retries. */
static void gup_locked_killed_in_retry(struct kunit *test)
{
	struct locked_plan plan = { .times = 2, .signal = SIGKILL };

	locked_end(test, plan, FOLL_WRITE, false, -EINTR);
}

/* And GUP itself between two pages, whoever may drop the lock. */
static void gup_locked_killed(struct kunit *test)
{
	struct locked_plan plan = { .signal = SIGKILL };

	locked_end(test, plan, FOLL_WRITE, true, -EINTR);
}

/* Killed before the call: not one fault, not one page. */
static void gup_locked_killed_before(struct kunit *test)
{
	struct gk_range *r = locked_range(test, &locked_drv,
					  (struct locked_plan){});
	struct gk_call *c;

	gk_signal(SIGKILL);
	c = gk_gup(r, gk_api(test), FOLL_WRITE);
	gk_signal_clear();
	gk_expect_refused(c, -EINTR);
	locked_expect_locked(c, true);
	locked_expect_faults(c, 0);
}

static struct kunit_suite gup_locked_suite = {
	.name = "gup_locked",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE(gup_locked_null),
		KUNIT_CASE(gup_locked_never),
		KUNIT_CASE_PARAM(gup_locked_kept, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_locked_retry, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_retry_all, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_retry_part, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_retry_behind_present, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_completed, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_completed_and_gone, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_retry_then_error, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_retry_then_hole, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_error, gk_fault_api_params),
		KUNIT_CASE(gup_locked_no_pages),
		KUNIT_CASE_PARAM(gup_locked_fault_flags, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_locked_unshare, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_locked_nowait, gk_slow_api_params),
		KUNIT_CASE_PARAM(gup_locked_nowait_error, gk_slow_api_params),
		KUNIT_CASE_PARAM(gup_locked_interruptible,
				 locked_interruptible_apis),
		KUNIT_CASE_PARAM(gup_locked_interruptible_no_retry,
				 locked_interruptible_apis),
		KUNIT_CASE_PARAM(gup_locked_uninterruptible, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_killed_in_retry, locked_apis),
		KUNIT_CASE_PARAM(gup_locked_killed, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_locked_killed_before, gk_fault_api_params),
		{}
	},
};

kunit_test_suite(gup_locked_suite);
