// SPDX-License-Identifier: GPL-2.0-only
/*
 * What GUP does when nobody interferes: how often it comes to each step. Whoever
 * takes references one by one, or a lock that he need not take, gives the same
 * pages, and no other suite sees it.
 */
#include <linux/mman.h>
#include <linux/shmem_fs.h>

#include "internal.h"
#include "gk.h"
#include "gk_hook.h"

/* How often GUP came to each point. */
static unsigned int st_met[GK_NR_POINTS];
/* The n-th wait is for 1 to n + 1 jiffies; one more does not matter to anybody. */
static unsigned int st_odd_waits;

static void st_hook(enum gk_point point, const void *what)
{
	st_met[point]++;
	if (point == GK_WAIT)
		st_odd_waits += (long)what < 1 || (long)what > st_met[GK_WAIT] + 2;
}

static void st_begin(void (*hook)(enum gk_point point, const void *what))
{
	memset(st_met, 0, sizeof(st_met));
	st_odd_waits = 0;
	gk_hook = hook;
}

static void st_end(void)
{
	gk_hook = NULL;
}

static void st_enter(struct gk_call *c,
		     void (*hook)(enum gk_point point, const void *what))
{
	st_begin(hook);
	gk_enter_hooked(c);
	st_end();
	gk_done(c);
}

static struct gk_call *st_gup_part(struct gk_range *r, enum gk_api_id api,
				   unsigned int flags, unsigned int first,
				   long nr)
{
	struct gk_call *c = gk_prepare(r, api, flags, first, nr);

	st_enter(c, st_hook);
	return c;
}

static void st_expect(struct gk_call *c, enum gk_point point, const char *what,
		      unsigned int want)
{
	GK_EXPECT(c, -1, what, st_met[point], want);
}

/* Parameters: all APIs that can find present pages, the fast ones last. */
static const enum gk_api_id st_apis[] = {
	GK_GET, GK_GET_UNLOCKED, GK_GET_REMOTE, GK_PIN, GK_PIN_UNLOCKED,
	GK_PIN_REMOTE, GK_GET_FAST, GK_GET_FAST_ONLY, GK_PIN_FAST,
};

static void st_api_desc(const enum gk_api_id *api, char *desc)
{
	strscpy(desc, gk_apis[*api].name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(st_api, st_apis, st_api_desc);

static const struct gk_api *st_api(struct kunit *test)
{
	return &gk_apis[*(const enum gk_api_id *)test->param_value];
}

static enum gk_api_id st_id(struct kunit *test)
{
	return *(const enum gk_api_id *)test->param_value;
}

/*
 * Operations on counters that references for some pages of a folio take: a pin
 * has a counter of its own. GUP-fast takes the first page by itself.
 */
static unsigned int st_refs_wanted(const struct gk_api *api, bool several)
{
	return (api->pins ? 2 : 1) * (api->fast && several ? 2 : 1);
}

/* However many pages of a folio are taken, it is one batch. */
static void gup_race_steps_batch(struct kunit *test)
{
	static const unsigned int nrs[] = { 1, 2, 3, 15, 16 };
	const struct gk_api *api = st_api(test);
	struct gk_range *r = gk_map(test, &gk_drv_order4, 16);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nrs); i++) {
		struct gk_call *c;

		c = st_gup_part(r, st_id(test), FOLL_WRITE, 0, nrs[i]);
		gk_expect_pinned(c, nrs[i]);
		st_expect(c, GK_REF, "reference operations",
			  st_refs_wanted(api, nrs[i] > 1));
		st_expect(c, GK_LOCK, "page table locks", !api->fast);
		st_expect(c, GK_SLOW, "mmap_locks taken",
			  st_id(test) == GK_GET_UNLOCKED ||
			  st_id(test) == GK_PIN_UNLOCKED);
		st_expect(c, GK_FAULT, "faults", 0);
		/* The first one twice, and for a batch the next one once more. */
		st_expect(c, GK_READ_PTE, "looks at entries, lockless",
			  !api->fast ? 0 : nrs[i] > 1 ? nrs[i] + 2 : 2);
		gk_release(c);
		gk_expect_restored(c);
	}
}

/* And that is so from each page of it on, up to its end. */
static void gup_race_steps_batch_from(struct kunit *test)
{
	const struct gk_api *api = st_api(test);
	struct gk_range *r = gk_map(test, &gk_drv_order4, 16);
	unsigned int first;

	for (first = 0; first < 16; first++) {
		struct gk_call *c;

		c = st_gup_part(r, st_id(test), FOLL_WRITE, first, 16 - first);
		gk_expect_pinned(c, 16 - first);
		st_expect(c, GK_REF, "reference operations",
			  st_refs_wanted(api, first < 15));
		gk_release(c);
	}
}

/* Two folios are two batches, under one lock. */
static void gup_race_steps_two_folios(struct kunit *test)
{
	const struct gk_api *api = st_api(test);
	struct gk_range *r = gk_map(test, &gk_drv_order4, 32);
	struct gk_call *c;

	c = st_gup_part(r, st_id(test), FOLL_WRITE, 0, 32);
	gk_expect_pinned(c, 32);
	st_expect(c, GK_REF, "reference operations",
		  2 * st_refs_wanted(api, true));
	st_expect(c, GK_LOCK, "page table locks", !api->fast);
	gk_release(c);
	gk_expect_restored(c);
}

static void st_expect_small(struct gk_range *r, enum gk_api_id api,
			    unsigned int flags)
{
	struct gk_call *c = st_gup_part(r, api, flags, 0, 4);

	gk_expect_pinned(c, 4);
	st_expect(c, GK_REF, "reference operations", 4);
	gk_release(c);
	gk_expect_restored(c);
}

/* A page that is a folio of its own takes one operation, for a pin as well. */
static void gup_race_steps_small(struct kunit *test)
{
	const unsigned int flags[] = { FOLL_WRITE, FOLL_LONGTERM };
	const struct gk_api *api = st_api(test);
	struct gk_range *r = gk_map(test, &gk_drv_order0, 4);
	struct gk_range *anon = gk_map(test, &gk_anon_written, 4);
	unsigned int i;

	for (i = 0; i < (api->pins ? 2 : 1); i++)
		st_expect_small(r, st_id(test), flags[i]);
	/* With one reference, the least that a mapped page has. */
	lru_add_drain();
	st_expect_small(anon, st_id(test), FOLL_WRITE);
}

/* Under the page table lock GUP asks whether others wait, each 32 pages. */
static void gup_race_steps_asks(struct kunit *test)
{
	static const unsigned int nrs[] = { 32, 33, 64, 65, 96, 97, 128 };
	struct gk_range *r = gk_map(test, &gk_drv_order0, 128);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nrs); i++) {
		struct gk_call *c;

		c = st_gup_part(r, GK_PIN, FOLL_WRITE, 0, nrs[i]);
		gk_expect_pinned(c, nrs[i]);
		st_expect(c, GK_RESCHED, "questions whether others wait",
			  (nrs[i] - 1) / 32);
		gk_release(c);
	}
}

/*
 * Release of pages of two folios, the ways that lists are made: an array of
 * pages and what releases it.
 */
static void st_release_pages(struct page **pages, unsigned int nr)
{
	hooked_unpin_user_pages(pages, nr);
}

static void st_release_dirty(struct page **pages, unsigned int nr)
{
	hooked_unpin_user_pages_dirty_lock(pages, nr, true);
}

static void st_release_clean(struct page **pages, unsigned int nr)
{
	hooked_unpin_user_pages_dirty_lock(pages, nr, false);
}

static void st_release_range(struct page **pages, unsigned int nr)
{
	hooked_unpin_user_page_range_dirty_lock(pages[0], nr, true);
}

static const struct st_release {
	const char *name;
	void (*fn)(struct page **pages, unsigned int nr);
} st_releases[] = {
	{ "unpin_user_pages", st_release_pages },
	{ "unpin_user_pages_dirty_lock+dirty", st_release_dirty },
	{ "unpin_user_pages_dirty_lock+clean", st_release_clean },
	{ "unpin_user_page_range_dirty_lock", st_release_range },
};

KUNIT_ARRAY_PARAM_DESC(st_release, st_releases, name);

/* A folio's pages in a row are released by one operation, from wherever on. */
static void gup_race_steps_release(struct kunit *test)
{
	const struct st_release *release = test->param_value;
	struct gk_range *r = gk_map(test, &gk_drv_order4, 16);
	unsigned int first, nr;

	for (first = 0; first < 16; first += 5) {
		for (nr = 1; first + nr <= 16; nr += 3) {
			struct gk_call *c;

			c = gk_gup_part(r, GK_PIN, FOLL_WRITE, first, nr);
			gk_expect_pinned(c, nr);
			st_begin(st_hook);
			release->fn(c->pages, nr);
			st_end();
			st_expect(c, GK_PUT, "releases of the folio", 1);
			gk_expect_restored(c);
		}
	}
}

/* A folio is locked to be made dirty, and left alone if it is. */
static void gup_race_steps_release_dirty(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_written, 1);
	struct folio *folio = page_folio(gk_page(r, 0));
	struct gk_call *c;
	int dirty;

	for (dirty = 0; dirty <= 1; dirty++) {
		c = gk_gup(r, GK_PIN, 0);
		gk_expect_pinned(c, 1);
		folio_lock(folio);
		if (!dirty)
			folio_clear_dirty(folio);
		folio_unlock(folio);
		st_begin(st_hook);
		hooked_unpin_user_pages_dirty_lock(c->pages, 1, true);
		st_end();
		st_expect(c, GK_LOCK_FOLIO, "locks of the folio", !dirty);
		GK_EXPECT(c, 0, "dirty", folio_test_dirty(folio), true);
	}
}

/* Where they are not in a row, each row is released by one. */
static void gup_race_steps_release_rows(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 32);
	struct page *list[32];
	struct gk_call *c;

	/* Most of a folio, a page of the next, the last page of the first. */
	c = gk_gup(r, GK_PIN, FOLL_WRITE);
	gk_expect_pinned(c, 32);
	memcpy(list, c->pages, sizeof(list));
	swap(list[15], list[16]);
	st_begin(st_hook);
	hooked_unpin_user_pages(list, 32);
	st_end();
	st_expect(c, GK_PUT, "releases", 4);
	gk_expect_restored(c);
}

/* And a page that is missing is between two rows. */
static void gup_race_steps_release_hole(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 32);
	struct page *list[32];
	struct gk_call *c;

	gk_may_crash(test);
	c = gk_gup(r, GK_PIN, FOLL_WRITE);
	gk_expect_pinned(c, 32);
	memcpy(list, c->pages, sizeof(list));
	hooked_unpin_user_page(list[8]);
	list[8] = NULL;
	st_begin(st_hook);
	hooked_unpin_user_pages(list, 32);
	st_end();
	st_expect(c, GK_PUT, "releases", 3);
	gk_expect_restored(c);
}

/* A driver that drops mmap_lock at each fault, and may send a signal. */
static vm_fault_t st_retry(struct gk_drv *drv, struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	if (drv->left)
		gk_signal(drv->left);
	release_fault_lock(vmf);
	return VM_FAULT_RETRY;
}

static void st_retry_map(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, 0, r->nr);

	drv->fault = st_retry;
	drv->left = r->shape->arg;
	gk_drv_mmap(r, drv, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static const struct gk_shape st_drv_killed = {
	.name = "drv_killed", .nr = 2, .map = st_retry_map, .arg = SIGKILL,
};

static const struct gk_shape st_drv_retry = {
	.name = "drv_retry", .nr = 2, .map = st_retry_map,
};

/* Who is killed while he waits for a page does not take the lock once more. */
static void gup_race_steps_killed(struct kunit *test)
{
	static const enum gk_api_id apis[] = {
		GK_GET_UNLOCKED, GK_PIN_UNLOCKED, GK_GET_REMOTE, GK_PIN_REMOTE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		struct gk_range *r = gk_map(test, &st_drv_killed, 0);
		struct gk_call *c = gk_prepare(r, apis[i], FOLL_WRITE, 0, r->nr);

		st_begin(st_hook);
		gk_enter_hooked(c);
		st_end();
		gk_signal_clear();
		gk_done(c);
		gk_expect_ret(c, -EINTR);
		st_expect(c, GK_SLOW, "mmap_locks taken",
			  apis[i] == GK_GET_UNLOCKED ||
			  apis[i] == GK_PIN_UNLOCKED);
		st_expect(c, GK_FAULT, "faults", 1);
	}
}

/* Nobody has mmap_lock. */
static void st_expect_unlocked(struct gk_call *c)
{
	bool locked = down_write_trylock(&c->r->mm->mmap_lock);

	KUNIT_EXPECT_TRUE_MSG(c->r->test, locked, "%s: mmap_lock is held",
			      gk_where(c));
	if (locked)
		up_write(&c->r->mm->mmap_lock);
}

/* Killed while it waits for mmap_lock, GUP does nothing without it. */
static void gup_race_steps_no_lock(struct kunit *test)
{
	static const enum gk_api_id apis[] = { GK_GET_UNLOCKED, GK_PIN_UNLOCKED };
	struct gk_range *r = gk_map(test, &gk_anon_written, 4);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		struct gk_call *c;

		gk_lock_error = -EINTR;
		c = st_gup_part(r, apis[i], FOLL_WRITE, 0, r->nr);
		gk_lock_error = 0;
		gk_expect_refused(c, -EAGAIN);
		st_expect(c, GK_LOCK, "page table locks", 0);
		st_expect_unlocked(c);
	}
}

/* From the first fault on there is no lock to be had. */
static void st_lock_goes(enum gk_point point, const void *what)
{
	if (point == GK_FAULT)
		gk_lock_error = -EINTR;
	st_hook(point, what);
}

/* The same behind a fault: what it has is what it returns. */
static void gup_race_steps_no_lock_again(struct kunit *test)
{
	static const enum gk_api_id apis[] = {
		GK_GET_UNLOCKED, GK_PIN_UNLOCKED, GK_GET_REMOTE, GK_PIN_REMOTE,
	};
	unsigned int i, present;

	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		for (present = 0; present < 2; present++) {
			struct gk_range *r = gk_map(test, &st_drv_retry, 0);
			struct gk_drv *drv = gk_range_drv(r);
			struct gk_call *c;

			if (present)
				gk_drv_insert(r, 0, gk_drv_page(drv, 0));
			c = gk_prepare(r, apis[i], FOLL_WRITE, 0, r->nr);
			st_begin(st_hook);
			gk_hook = st_lock_goes;
			gk_enter_hooked(c);
			st_end();
			gk_lock_error = 0;
			gk_done(c);
			gk_expect_ret(c, present ? 1L : -EINTR);
			st_expect(c, GK_FAULT, "faults", 1);
			st_expect_unlocked(c);
			gk_release(c);
			gk_expect_restored(c);
		}
	}
}

/*
 * A file may track who dirties its pages, and a long-term pin writes without a
 * word: GUP-fast leaves these to the slow walk, which knows the VMA.
 */
static void gup_race_steps_long_write(struct kunit *test)
{
	static const struct {
		unsigned int flags;
		bool slow;
	} ways[] = {
		{ 0 }, { FOLL_WRITE }, { FOLL_LONGTERM },
		{ FOLL_WRITE | FOLL_LONGTERM, true },
	};
	static const struct address_space_operations aops = {
		.dirty_folio = noop_dirty_folio,
	};
	static struct address_space mapping = { .a_ops = &aops };
	struct gk_range *r = gk_map(test, &gk_drv_order0, 2);
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		page_folio(gk_page(r, i))->mapping = &mapping;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct gk_call *c;

		c = st_gup_part(r, GK_PIN_FAST, ways[i].flags, 0, r->nr);
		gk_expect_pinned(c, r->nr);
		GK_EXPECT(c, -1, "the slow walk came", st_met[GK_LOCK] > 0,
			  ways[i].slow);
		gk_release(c);
		gk_expect_restored(c);
	}
	for (i = 0; i < r->nr; i++)
		page_folio(gk_page(r, i))->mapping = NULL;
}

#ifdef CONFIG_GUP_ZOO_HUGETLB
/* Nobody tracks what is dirty of hugetlb files, so GUP-fast has no reason to leave them. */
static void gup_race_steps_long_hugetlb(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_hugetlb_file, 0);
	struct gk_call *c;

	/* The first such pin moves it out of a movable zone. */
	gk_release(gk_gup(r, GK_PIN, FOLL_WRITE | FOLL_LONGTERM));
	c = st_gup_part(r, GK_PIN_FAST, FOLL_WRITE | FOLL_LONGTERM, 0, r->nr);
	gk_expect_pinned(c, r->nr);
	GK_EXPECT(c, -1, "the slow walk came", st_met[GK_LOCK] > 0, false);
	gk_release(c);
	gk_expect_restored(c);
}
#endif

/* A page that somebody has pinned cannot move: five times GUP waits for that to end. */
static void gup_race_steps_waits(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 1);
	struct gk_call *held = gk_gup(r, GK_PIN, FOLL_WRITE);
	struct gk_call *c;

	KUNIT_ASSERT_FALSE_MSG(test,
			       folio_is_longterm_pinnable(page_folio(gk_page(r, 0))),
			       "nothing is in a movable zone: no movablecore=?");
	gk_expect_pinned(held, 1);
	c = st_gup_part(r, GK_PIN, FOLL_LONGTERM, 0, 1);
	gk_expect_ret(c, -EBUSY);
	st_expect(c, GK_WAIT, "waits", 5);
	GK_EXPECT(c, -1, "waits shorter or longer than meant", st_odd_waits, 0);
	gk_release(held);
}

/* memfd_pin_folios() waits as often, for a folio that somebody holds. */
static void gup_race_steps_memfd_waits(struct kunit *test)
{
	struct file *file = shmem_file_setup("gup_race_steps", PAGE_SIZE, EMPTY_VMA_FLAGS);
	struct folio *held, *folio;
	pgoff_t offset;
	long ret;

	gk_adopt_file(test, file);
	held = shmem_read_folio(file->f_mapping, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(held));
	KUNIT_EXPECT_FALSE_MSG(test, folio_is_longterm_pinnable(held),
			       "nothing is in a movable zone: no movablecore=?");
	st_begin(st_hook);
	ret = hooked_memfd_pin_folios(file, 0, PAGE_SIZE - 1, &folio, 1, &offset);
	st_end();
	KUNIT_EXPECT_EQ(test, ret, -EBUSY);
	KUNIT_EXPECT_EQ(test, st_met[GK_WAIT], 5);
	if (ret > 0)
		unpin_folios(&folio, ret);
	folio_put(held);
}

/* Whatever a call comes upon, it unlocks and unmaps its page tables: gk_enter_hooked(). */
static void gup_race_steps_unlocked(struct kunit *test)
{
	static const unsigned int flags[] = {
		0, FOLL_WRITE, FOLL_NOFAULT, FOLL_WRITE | FOLL_FORCE,
	};
	struct gk_range *r = gk_map(test, *(const struct gk_shape **)test->param_value, 0);
	struct gk_call *c;
	unsigned int i, k;

	for (i = 0; i < GK_NR_APIS; i++) {
		for (k = 0; k < ARRAY_SIZE(flags); k++) {
			if (flags[k] & ~gk_apis[i].flags)
				continue;
			c = gk_prepare(r, i, flags[k], 0, r->nr);
			gk_enter_hooked(c);
			gk_done(c);
			gk_release(c);
		}
	}
}

/* No table is looked for below an entry that has none: gk_pmd_offset(). */
static void gup_race_steps_no_table(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 1);
	struct gk_call *c = gk_prepare(r, GK_GET_FAST_ONLY, 0, 0, 1);

	mmap_read_lock(r->mm);
	do
		c->addr = (c->addr & PUD_MASK) - PUD_SIZE;
	while (find_vma_intersection(r->mm, c->addr, c->addr + PUD_SIZE));
	mmap_read_unlock(r->mm);
	KUNIT_ASSERT_LT(test, c->addr, r->addr);
	st_enter(c, st_hook);
	gk_expect_refused(c, 0);
}

#ifndef CONFIG_STACK_GROWSUP
/*
 * Memory begins at page @edge of @r. A call from @below bytes before on is
 * refused, and says @warnings times that a stack no longer grows.
 */
static void st_below(struct gk_range *r, unsigned int edge, unsigned long below,
		     unsigned int warnings)
{
	struct gk_call *c = gk_prepare(r, GK_GET, 0, edge, 1);

	c->addr -= below;
	st_enter(c, st_hook);
	gk_expect_refused(c, -EFAULT);
	st_expect(c, GK_STACK, "warnings", warnings);
	KUNIT_EXPECT_EQ(r->test, gk_vma(r, edge)->vm_start, gk_addr(r, edge));
}

/* GUP does not grow a stack. It warns about what is near, once in an hour. */
static void gup_race_steps_stack(struct kunit *test)
{
	const unsigned long near = 65536;
	unsigned int edge = near / PAGE_SIZE + 2;
	struct gk_range *r = gk_map(test, &gk_anon_written, edge + 4);

	gk_unmap(r, 0, edge);
	st_below(r, edge, near, 0);
	gk_vma_mod_flags(r, edge, VM_GROWSDOWN, 0);
	st_below(r, edge, near + 1, 0);
	st_below(r, edge, near, 1);
	st_below(r, edge, near, 0);
	st_below(r, edge, 1, 0);
	gk_later = 59 * 60 * HZ;
	st_below(r, edge, near, 0);
	gk_later = 60 * 60 * HZ;
	st_below(r, edge, near, 1);
	gk_later = 0;
}
#endif

#ifdef CONFIG_GUP_ZOO_THP
/* Of all pages of a folio that has to be moved, one asks that caches are drained. */
static void gup_race_steps_long_folio(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp_ptes, 0);
	struct gk_call *c;

	KUNIT_ASSERT_FALSE_MSG(test,
			       folio_is_longterm_pinnable(page_folio(gk_page(r, 0))),
			       "nothing is in a movable zone: no movablecore=?");
	c = st_gup_part(r, GK_PIN, FOLL_LONGTERM, 0, 16);
	gk_expect_pinned(c, 16);
	st_expect(c, GK_DRAIN, "looks at the folio", 1);
	gk_release(c);
	gk_expect_restored(c);
}

#define ST_UNSHARED	4	/* pages */

/* Each page is mapped by a table, then unshared: more faults than that have no end. */
static void st_hook_few_faults(enum gk_point point, const void *what)
{
	st_hook(point, what);
	if (point == GK_FAULT && st_met[GK_FAULT] > 2 * ST_UNSHARED)
		gk_signal(SIGKILL);
}

/* A long-term pin for reading of a file's huge page gets pages of the mapping's own. */
static void gup_race_steps_unshare_leaf(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp_private, 0);
	const unsigned int first = 3;
	struct gk_call *c = gk_prepare(r, gk_api(test), FOLL_LONGTERM, first, ST_UNSHARED);
	long i;

	st_enter(c, st_hook_few_faults);
	gk_signal_clear();
	gk_expect_pinned(c, ST_UNSHARED);
	GK_EXPECT(c, -1, "few faults", st_met[GK_FAULT] <= 2 * ST_UNSHARED, true);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "anonymous", PageAnon(c->pages[i]), true);
		GK_EXPECT(c, i, "exclusive", gk_exclusive(c->pages[i]), true);
		GK_EXPECT(c, i, "byte", gk_peek(c->pages[i]), gk_byte(first + i));
	}
	gk_release(c);
	gk_expect_restored(c);
}
#endif

static struct kunit_suite gup_race_steps_suite = {
	.name = "gup_race_steps",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_race_steps_batch, st_api_gen_params),
		KUNIT_CASE_PARAM(gup_race_steps_batch_from, st_api_gen_params),
		KUNIT_CASE_PARAM(gup_race_steps_two_folios, st_api_gen_params),
		KUNIT_CASE_PARAM(gup_race_steps_small, st_api_gen_params),
		KUNIT_CASE(gup_race_steps_asks),
		KUNIT_CASE_PARAM(gup_race_steps_release, st_release_gen_params),
		KUNIT_CASE(gup_race_steps_release_dirty),
		KUNIT_CASE(gup_race_steps_release_rows),
		KUNIT_CASE(gup_race_steps_release_hole),
		KUNIT_CASE(gup_race_steps_killed),
		KUNIT_CASE(gup_race_steps_long_write),
#ifdef CONFIG_GUP_ZOO_THP
		KUNIT_CASE(gup_race_steps_long_folio),
		KUNIT_CASE_PARAM(gup_race_steps_unshare_leaf, gk_pin_api_params),
#endif
#ifdef CONFIG_GUP_ZOO_HUGETLB
		KUNIT_CASE(gup_race_steps_long_hugetlb),
#endif
		KUNIT_CASE(gup_race_steps_waits),
		KUNIT_CASE(gup_race_steps_memfd_waits),
		KUNIT_CASE_PARAM(gup_race_steps_unlocked, gk_zoo_params),
		KUNIT_CASE(gup_race_steps_no_table),
		KUNIT_CASE(gup_race_steps_no_lock),
		KUNIT_CASE(gup_race_steps_no_lock_again),
#ifndef CONFIG_STACK_GROWSUP
		KUNIT_CASE(gup_race_steps_stack),
#endif
		{}
	},
};

kunit_test_suite(gup_race_steps_suite);
