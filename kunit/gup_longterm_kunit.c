// SPDX-License-Identifier: GPL-2.0-only
/*
 * FOLL_LONGTERM: pages that are pinned for long do not stay where memory must
 * remain movable, and a pin that cannot be had leaves nothing behind.
 *
 * Boot with movablecore=: user memory then comes from ZONE_MOVABLE and has to
 * be migrated. The driver's folios are not movable: they stay.
 */
#include <linux/fs.h>
#include <linux/migrate.h>
#include <linux/mman.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/timer.h>

#include "internal.h"
#include "gk.h"

static const enum gk_api_id longterm_apis[] = {
	GK_PIN, GK_PIN_UNLOCKED, GK_PIN_FAST, GK_PIN_REMOTE,
};

/* Anonymous, and on the LRU of files. */
static void longterm_map_lazyfree(struct gk_range *r)
{
	unsigned int i;

	gk_mmap_anon(r, 0, PROT_READ | PROT_WRITE, 0);
	gk_fault(r, 0, r->nr, true);
	gk_settle();
	gk_madvise(r, 0, r->nr, MADV_FREE);
	gk_settle();
	for (i = 0; i < r->nr; i++)
		KUNIT_ASSERT_TRUE(r->test, folio_is_file_lru(page_folio(gk_page(r, i))));
}

static const struct gk_shape longterm_lazyfree = {
	.name = "anon_lazyfree", .nr = 16, .map = longterm_map_lazyfree,
};

/* Shapes in which at least one page must move, or be replaced. */
static const struct gk_shape *const longterm_shapes[] = {
	&gk_anon_written, &gk_anon_shared, &gk_anon_reexclusive,
	&gk_anon_mixed, &gk_file_private_cow, &gk_shmem_written, &gk_drv_cow,
	&gk_drv_large_cow, &gk_two_vmas, &gk_table_edge, &gk_mlocked,
	&longterm_lazyfree,
};

static const struct gk_shape *const longterm_fresh_shapes[] = {
	&gk_anon_fresh, &gk_shmem_fresh,
};

static const struct gk_shape *const longterm_drv_shapes[] = {
	&gk_drv_order0, &gk_drv_order2, &gk_drv_order4,
};

/* Parameters: each row of a table, which the case names, with each API that pins. */
static const struct gk_pair *longterm_next(const void *prev, unsigned int rows)
{
	return gk_next_pair(prev, rows, ARRAY_SIZE(longterm_apis));
}

static enum gk_api_id longterm_api(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;

	return longterm_apis[pair->column];
}

static unsigned int longterm_row(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;

	return pair->row;
}

static const char *longterm_api_name(const struct gk_pair *pair)
{
	return gk_apis[longterm_apis[pair->column]].name;
}

static const void *longterm_shape_params(const struct gk_shape *const *shapes,
					 unsigned int nr, const void *prev,
					 char *desc)
{
	const struct gk_pair *pair = longterm_next(prev, nr);

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s+%s",
			 shapes[pair->row]->name, longterm_api_name(pair));
	return pair;
}

static const void *longterm_moving_params(struct kunit *test, const void *prev,
					  char *desc)
{
	return longterm_shape_params(longterm_shapes, ARRAY_SIZE(longterm_shapes), prev, desc);
}

static const void *longterm_fresh_params(struct kunit *test, const void *prev,
					 char *desc)
{
	return longterm_shape_params(longterm_fresh_shapes, ARRAY_SIZE(longterm_fresh_shapes),
				     prev, desc);
}

static const void *longterm_drv_params(struct kunit *test, const void *prev,
				       char *desc)
{
	return longterm_shape_params(longterm_drv_shapes, ARRAY_SIZE(longterm_drv_shapes), prev,
				     desc);
}

static const void *longterm_api_params(struct kunit *test, const void *prev,
				       char *desc)
{
	const struct gk_pair *pair = longterm_next(prev, 1);

	if (pair)
		strscpy(desc, longterm_api_name(pair), KUNIT_PARAM_DESC_SIZE);
	return pair;
}

/* Which page of the range somebody else holds. */
static const char *const longterm_busy_names[] = { "first", "middle", "last" };

static const void *longterm_busy_params(struct kunit *test, const void *prev,
					char *desc)
{
	const struct gk_pair *pair = longterm_next(prev, ARRAY_SIZE(longterm_busy_names));

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s+%s",
			 longterm_busy_names[pair->row], longterm_api_name(pair));
	return pair;
}

static unsigned int longterm_busy_page(struct kunit *test, struct gk_range *r)
{
	const unsigned int pages[] = { 0, r->nr / 2, r->nr - 1 };

	return pages[longterm_row(test)];
}

static bool longterm_pinnable(struct page *page)
{
	return folio_is_longterm_pinnable(page_folio(page));
}

static unsigned int longterm_nr_movable(struct gk_range *r)
{
	unsigned int i, nr = 0;

	for (i = 0; i < r->nr; i++) {
		struct page *page = gk_page(r, i);

		nr += page && !longterm_pinnable(page);
	}
	return nr;
}

/* The movable zone is what all of this is about. */
static void longterm_assert_movable(struct gk_range *r, unsigned int nr)
{
	KUNIT_ASSERT_EQ_MSG(r->test, longterm_nr_movable(r), nr,
			    "shape=%s: %u pages in a movable zone, not %u: no movablecore=?",
			    r->shape->name, longterm_nr_movable(r), nr);
}

/* What was returned may be kept, is held once, and is back on its LRU. */
static void longterm_expect_settled(struct gk_call *c)
{
	long k;

	for (k = 0; k < c->ret; k++) {
		struct page *page = c->pages[k];
		struct folio *folio = page_folio(page);

		GK_EXPECT(c, k, "long-term pinnable", longterm_pinnable(page), true);
		if (PageAnon(page)) {
			GK_EXPECT(c, k, "exclusive", PageAnonExclusive(page),
				  true);
			GK_EXPECT(c, k, "references held", gk_held(folio),
				  gk_refs_wanted(c->api, folio, 1));
			GK_EXPECT(c, k, "back on the LRU",
				  folio_test_lru(folio), true);
		}
	}
}

/* All of the range is pinned for long. */
static struct gk_call *longterm_pin(struct gk_range *r, enum gk_api_id api, unsigned int flags)
{
	struct gk_call *c = gk_gup(r, api, FOLL_LONGTERM | flags);

	gk_expect_pinned(c, r->nr);
	longterm_expect_settled(c);
	return c;
}

struct longterm_isolated {
	long anon, file;
};

static struct longterm_isolated longterm_isolated(void)
{
	return (struct longterm_isolated) {
		gk_stat(NR_ISOLATED_ANON), gk_stat(NR_ISOLATED_FILE),
	};
}

static void longterm_expect_isolated(struct gk_call *c, struct longterm_isolated was)
{
	struct longterm_isolated now = longterm_isolated();

	GK_EXPECT(c, -1, "nr_isolated_anon", now.anon, was.anon);
	GK_EXPECT(c, -1, "nr_isolated_file", now.file, was.file);
}

static void longterm_migrates(struct kunit *test, unsigned int flags)
{
	struct gk_range *r = gk_map(test, longterm_shapes[longterm_row(test)], 0);
	struct longterm_isolated isolated = longterm_isolated();
	unsigned int i;
	struct gk_call *c;
	u8 *byte;

	byte = kunit_kzalloc(test, r->nr, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, byte);
	gk_poke_all(r);
	for (i = 0; i < r->nr; i++)
		byte[i] = gk_page(r, i) ? gk_peek(gk_page(r, i)) : 0;
	KUNIT_ASSERT_GT_MSG(test, longterm_nr_movable(r), 0,
			    "shape=%s: nothing is in a movable zone: no movablecore=?",
			    r->shape->name);

	c = longterm_pin(r, longterm_api(test), flags);
	longterm_expect_isolated(c, isolated);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "contents", gk_peek(c->pages[i]), byte[i]);
		/* The process and the device see the same page from now on. */
		gk_poke(c->pages[i], ~byte[i]);
		GK_EXPECT(c, i, "contents seen by the process", gk_load(r, i),
			  (u8)~byte[i]);
	}
	gk_release(c);
	gk_expect_restored(c);
	for (i = 0; i < r->nr; i++)
		if (PageAnon(gk_page(r, i)))
			GK_EXPECT(c, i, "references held after the release",
				  gk_held(page_folio(gk_page(r, i))), 0);
}

/* Movable pages are migrated, then pinned: contents and counts are right. */
static void gup_longterm_migrates_for_read(struct kunit *test)
{
	longterm_migrates(test, 0);
}

static void gup_longterm_migrates_for_write(struct kunit *test)
{
	longterm_migrates(test, FOLL_WRITE);
}

/* Pages that the pin itself faults in come from where they can stay. */
static void gup_longterm_fresh(struct kunit *test)
{
	struct gk_range *r = gk_map(test, longterm_fresh_shapes[longterm_row(test)], 0);
	struct gk_call *c = longterm_pin(r, longterm_api(test), FOLL_WRITE);
	long k;

	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "contents", gk_peek(c->pages[k]), 0);
	gk_release(c);
	gk_expect_restored(c);
}

/* The zero page cannot be pinned: for long it is replaced, else it stays. */
static void gup_longterm_zero_page(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_zero, 0);
	struct gk_call *c = gk_gup(r, longterm_api(test), 0);
	unsigned int i;

	gk_expect_pinned(c, r->nr);
	gk_expect_zero_pages(c);
	gk_release(c);
	gk_expect_restored(c);

	c = longterm_pin(r, longterm_api(test), 0);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "zero page", is_zero_page(c->pages[i]), false);
		GK_EXPECT(c, i, "anonymous", PageAnon(c->pages[i]), true);
		GK_EXPECT(c, i, "contents", gk_peek(c->pages[i]), 0);
		gk_expect_store_seen(c, i, i + 1);
	}
	gk_release(c);
	gk_expect_restored(c);
}

/* A private mapping of a file is copied early, else writes would be missed. */
static void gup_longterm_file_private(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_file_private, 0);
	struct page **was;
	struct gk_call *c;
	unsigned int i;

	was = kunit_kcalloc(test, r->nr, sizeof(*was), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, was);
	for (i = 0; i < r->nr; i++)
		was[i] = gk_page(r, i);

	/* Not for long: the pages of the file itself. */
	c = gk_gup(r, longterm_api(test), 0);
	gk_expect_pinned(c, r->nr);
	for (i = 0; i < c->ret; i++)
		GK_EXPECT(c, i, "page of the file", c->pages[i] == was[i],
			  true);
	gk_release(c);
	gk_expect_restored(c);

	c = longterm_pin(r, longterm_api(test), 0);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "anonymous", PageAnon(c->pages[i]), true);
		GK_EXPECT(c, i, "contents", gk_peek(c->pages[i]), i + 1);
		gk_expect_store_seen(c, i, 0x80 + i);
		GK_EXPECT(c, i, "the file's contents", gk_peek(was[i]), i + 1);
	}
	gk_release(c);
	gk_expect_restored(c);
}

/* All of the range can be pinned to write for long, and released. */
static void longterm_expect_pin(struct gk_range *r, enum gk_api_id api)
{
	struct gk_call *c = longterm_pin(r, api, FOLL_WRITE);

	gk_release(c);
	gk_expect_restored(c);
}

static void longterm_stays(struct gk_range *r, enum gk_api_id api,
			   unsigned int flags)
{
	struct gk_call *c = longterm_pin(r, api, flags);

	gk_expect_same_pages(c);
	gk_release(c);
	gk_expect_restored(c);
}

/* Folios that are not movable are pinned where they are. */
static void gup_longterm_driver(struct kunit *test)
{
	struct gk_range *r = gk_map(test, longterm_drv_shapes[longterm_row(test)], 0);

	longterm_stays(r, longterm_api(test), 0);
	longterm_stays(r, longterm_api(test), FOLL_WRITE);
}

/* So is memory that a long-term pin has moved once. */
static void gup_longterm_moves_once(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *c, *again;

	longterm_assert_movable(r, r->nr);
	c = gk_gup(r, longterm_api(test), FOLL_LONGTERM | FOLL_WRITE);
	gk_expect_pinned(c, r->nr);

	/* A second pin while the first is held... */
	again = gk_gup(r, longterm_api(test), FOLL_LONGTERM | FOLL_WRITE);
	gk_expect_pinned(again, r->nr);
	gk_expect_pages_of(again, c);
	gk_release(again);
	gk_expect_restored(again);
	gk_release(c);
	gk_expect_restored(c);

	/* ... and one after it. */
	longterm_stays(r, longterm_api(test), 0);
	longterm_stays(r, longterm_api(test), FOLL_WRITE);
}

/* A long range where every other page must move: the rest stays. */
static void gup_longterm_mixed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 128);
	struct gk_call *c;
	unsigned int i;

	gk_poke_all(r);
	for (i = 1; i < r->nr; i += 2) {
		c = gk_gup_part(r, longterm_api(test), FOLL_LONGTERM, i, 1);
		gk_expect_ret(c, 1);
		gk_release(c);
	}
	longterm_assert_movable(r, r->nr / 2);

	c = longterm_pin(r, longterm_api(test), 0);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "the page that was there",
			  c->pages[i] == c->before[i].page, i % 2 == 1);
		GK_EXPECT(c, i, "contents", gk_peek(c->pages[i]), i + 1);
	}
	gk_release(c);
	gk_expect_restored(c);
}

static const struct gk_shape *const longterm_partial_shapes[] = {
	&gk_hole, &gk_guard, &gk_drv_holes,
};

static const void *longterm_partial_params(struct kunit *test, const void *prev,
					   char *desc)
{
	return longterm_shape_params(longterm_partial_shapes,
				     ARRAY_SIZE(longterm_partial_shapes), prev, desc);
}

/* What comes before a hole is migrated and pinned, what follows is left. */
static void gup_longterm_partial(struct kunit *test)
{
	struct gk_range *r = gk_map(test, longterm_partial_shapes[longterm_row(test)], 0);
	unsigned int hole = r->shape == &gk_drv_holes ? 5 : r->nr / 2;
	struct gk_call *c = gk_gup(r, longterm_api(test), FOLL_LONGTERM | FOLL_WRITE);
	unsigned int i;

	gk_expect_pinned(c, hole);
	longterm_expect_settled(c);
	for (i = hole; i < r->nr; i++)
		GK_EXPECT(c, i, "the page that was there",
			  gk_page(r, i) == c->before[i].page, true);
	gk_release(c);
	gk_expect_restored(c);

	c = gk_gup_part(r, longterm_api(test), FOLL_LONGTERM | FOLL_WRITE, hole, 1);
	gk_expect_refused(c, -EFAULT);
}

/* An error, and everything is as before: what has moved is still whole. */
static void longterm_expect_unwound(struct gk_call *c, long error)
{
	struct gk_range *r = c->r;
	unsigned int i;

	gk_expect_ret(c, error);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  c->acquired - c->released, 0);
	for (i = 0; i < r->nr; i++) {
		struct page *page = gk_page(r, i);

		if (!page) {
			GK_EXPECT(c, i, "still mapped", false, true);
			continue;
		}
		GK_EXPECT(c, i, "contents", gk_peek(page), i + 1);
		GK_EXPECT(c, i, "exclusive",
			  gk_exclusive(page), true);
		GK_EXPECT(c, i, "back on the LRU",
			  folio_test_lru(page_folio(page)), true);
		GK_EXPECT(c, i, "locked", folio_test_locked(page_folio(page)),
			  false);
	}
}

/* A folio that somebody else keeps cannot move: -EBUSY, all is unwound. */
static void gup_longterm_busy(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	unsigned int busy = longterm_busy_page(test, r), i;
	struct page *page = gk_page(r, busy);
	struct longterm_isolated isolated = longterm_isolated();
	struct gk_call *c;

	gk_poke_all(r);
	longterm_assert_movable(r, r->nr);

	get_page(page);
	c = gk_gup(r, longterm_api(test), FOLL_LONGTERM | FOLL_WRITE);
	longterm_expect_unwound(c, -EBUSY);
	longterm_expect_isolated(c, isolated);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "references held", gk_held(page_folio(gk_page(r, i))),
			  i == busy);
	GK_EXPECT(c, busy, "the page that was there", gk_page(r, busy) == page,
		  true);
	put_page(page);

	/* And the next attempt is not the worse for it. */
	longterm_expect_pin(r, longterm_api(test));
}

/* GUP-fast has pinned some already: they are what the caller gets. */
static void gup_longterm_busy_after_fast(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	const unsigned int ready = 5, busy = 9;
	struct gk_call *c;
	struct page *page;
	unsigned int i;

	gk_poke_all(r);
	c = gk_gup_part(r, GK_PIN_FAST, FOLL_LONGTERM, 0, ready);
	gk_expect_ret(c, ready);
	gk_release(c);
	longterm_assert_movable(r, r->nr - ready);

	page = gk_page(r, busy);
	get_page(page);
	c = gk_gup(r, GK_PIN_FAST, FOLL_LONGTERM | FOLL_WRITE);
	gk_expect_ret(c, ready);
	gk_expect_counts(c);
	longterm_expect_settled(c);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "references held", gk_held(page_folio(gk_page(r, i))),
			  i < ready ? gk_refs_wanted(c->api, page_folio(page),
						     1) : i == busy);
	gk_release(c);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "references held after the release",
			  gk_held(page_folio(gk_page(r, i))), i == busy);

	/* The slow path has no part of the range to offer. */
	c = gk_gup(r, GK_PIN_UNLOCKED, FOLL_LONGTERM | FOLL_WRITE);
	longterm_expect_unwound(c, -EBUSY);
	put_page(page);
}

/*
 * A file that does not let its pages move at first, as if somebody else had a
 * reference each time that migration looks.
 * @refuse: so many times
 * @calls: how often it was asked
 * @kill: SIGKILL arrives meanwhile
 */
struct longterm_mover {
	unsigned int refuse;
	unsigned int calls;
	bool kill;
};

static struct longterm_mover *longterm_mover;

static int longterm_migrate_later(struct address_space *mapping, struct folio *dst,
				  struct folio *src, enum migrate_mode mode)
{
	if (longterm_mover->calls++ >= longterm_mover->refuse)
		return migrate_folio(mapping, dst, src, mode);
	if (longterm_mover->kill)
		gk_signal(SIGKILL);
	return -EAGAIN;
}

/* What pinning and migration ask of shmem. */
static const struct address_space_operations longterm_mover_aops = {
	.dirty_folio = noop_dirty_folio,
	.migrate_folio = longterm_migrate_later,
};

/* Pin for long what does not move at first. */
static struct gk_call *longterm_gup_moving_later(struct gk_range *r,
						 struct longterm_mover *mover)
{
	struct address_space *mapping = r->file->f_mapping;
	const struct address_space_operations *aops = mapping->a_ops;
	struct gk_call *c;

	longterm_assert_movable(r, r->nr);
	longterm_mover = mover;
	mapping->a_ops = &longterm_mover_aops;
	c = gk_gup(r, longterm_api(r->test), FOLL_LONGTERM | FOLL_WRITE);
	mapping->a_ops = aops;
	return c;
}

static void longterm_expect_gave_back(struct gk_call *c, long error)
{
	struct folio *folio = page_folio(gk_page(c->r, 0));

	gk_expect_ret(c, error);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  c->acquired - c->released, 0);
	GK_EXPECT(c, 0, "references held", gk_held(page_folio(gk_page(c->r, 0))), 0);
	GK_EXPECT(c, 0, "back on the LRU", folio_test_lru(folio), true);
	GK_EXPECT(c, 0, "locked", folio_test_locked(folio), false);
}

/*
 * Who holds the page lets go of it: more than migrate_pages() puts up with, which
 * makes 10 passes, is no failure.
 */
static void gup_longterm_busy_at_first(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_written, 1);
	struct longterm_mover mover = { .refuse = 25 };
	struct gk_call *c = longterm_gup_moving_later(r, &mover);

	gk_expect_pinned(c, r->nr);
	longterm_expect_settled(c);
	GK_EXPECT(c, 0, "attempts to move it", mover.calls, mover.refuse + 1);
	gk_release(c);
	gk_expect_restored(c);
}

/* And if it never does, there is an end to it. */
static void gup_longterm_busy_for_ever(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_written, 1);
	struct longterm_mover mover = { .refuse = 1000 };
	struct gk_call *c = longterm_gup_moving_later(r, &mover);

	longterm_expect_gave_back(c, -EBUSY);
	/* The first try, and five more after a wait. */
	GK_EXPECT(c, 0, "attempts to move it", mover.calls, 6 * 10);
}

/* SIGKILL ends it at the first opportunity. */
static void gup_longterm_busy_killed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_written, 1);
	struct longterm_mover mover = { .refuse = 25, .kill = true };
	struct gk_call *c = longterm_gup_moving_later(r, &mover);

	gk_signal_clear();
	longterm_expect_gave_back(c, -EINTR);
	GK_EXPECT(c, 0, "attempts of one migrate_pages()", mover.calls <= 10,
		  true);
}

struct longterm_killer {
	struct timer_list timer;
	struct task_struct *task;
};

static void longterm_kill(struct timer_list *timer)
{
	struct longterm_killer *killer = container_of(timer, struct longterm_killer, timer);
	struct sighand_struct *sighand = rcu_dereference_raw(killer->task->sighand);
	unsigned long flags;

	spin_lock_irqsave(&sighand->siglock, flags);
	sigaddset(&killer->task->pending.signal, SIGKILL);
	set_tsk_thread_flag(killer->task, TIF_SIGPENDING);
	spin_unlock_irqrestore(&sighand->siglock, flags);
}

/*
 * A folio that is off its LRU can neither be migrated nor be said to fail: GUP
 * tries again and again, and only SIGKILL, whenever it comes, ends that.
 */
static void gup_longterm_isolated_until_killed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct longterm_isolated isolated = longterm_isolated();
	struct longterm_killer killer = { .task = current };
	struct folio *folio = page_folio(gk_page(r, 0));
	struct gk_call *c;
	unsigned int i;

	gk_poke_all(r);
	longterm_assert_movable(r, r->nr);
	/* The first: a signal between two pages finds no part to return. */
	KUNIT_ASSERT_TRUE(test, folio_isolate_lru(folio));

	timer_setup_on_stack(&killer.timer, longterm_kill, 0);
	mod_timer(&killer.timer, jiffies + 2);
	c = gk_gup(r, longterm_api(test), FOLL_LONGTERM | FOLL_WRITE);
	timer_delete_sync(&killer.timer);
	timer_destroy_on_stack(&killer.timer);
	gk_signal_clear();

	gk_expect_ret(c, -EINTR);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  c->acquired - c->released, 0);
	longterm_expect_isolated(c, isolated);
	for (i = 0; i < r->nr; i++) {
		GK_EXPECT(c, i, "references held", gk_held(page_folio(gk_page(r, i))),
			  i == 0);
		GK_EXPECT(c, i, "contents", gk_peek(gk_page(r, i)), i + 1);
	}
	folio_putback_lru(folio);

	longterm_expect_pin(r, longterm_api(test));
}

/* The caller's allocations are its own affair again after the call. */
static void gup_longterm_memalloc_flags(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	unsigned int was = current->flags & PF_MEMALLOC_PIN;
	struct page *page = gk_page(r, 3);
	struct gk_call *c;
	unsigned int flags;

	KUNIT_ASSERT_EQ(test, was, 0);
	get_page(page);
	c = gk_gup(r, longterm_api(test), FOLL_LONGTERM);
	GK_EXPECT(c, -1, "PF_MEMALLOC_PIN after a failure",
		  current->flags & PF_MEMALLOC_PIN, 0);
	gk_expect_ret(c, -EBUSY);
	put_page(page);

	c = gk_gup(r, longterm_api(test), FOLL_LONGTERM);
	GK_EXPECT(c, -1, "PF_MEMALLOC_PIN after success",
		  current->flags & PF_MEMALLOC_PIN, 0);
	gk_expect_ret(c, r->nr);
	gk_release(c);

	/* A caller that has set it finds it set. */
	flags = memalloc_pin_save();
	c = gk_gup(r, longterm_api(test), FOLL_LONGTERM);
	was = current->flags & PF_MEMALLOC_PIN;
	memalloc_pin_restore(flags);
	GK_EXPECT(c, -1, "PF_MEMALLOC_PIN of the caller", was,
		  PF_MEMALLOC_PIN);
	gk_expect_ret(c, r->nr);
	gk_release(c);
	gk_expect_restored(c);
}

/* Without FOLL_LONGTERM nothing moves. */
static void gup_longterm_short_stays(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *c;

	longterm_assert_movable(r, r->nr);
	c = gk_gup(r, longterm_api(test), FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	gk_expect_same_pages(c);
	gk_release(c);
	gk_expect_restored(c);
	longterm_assert_movable(r, r->nr);
}

/* A range that is pinned, not for long, blocks the move like any reference. */
static void gup_longterm_blocked_by_pin(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *held, *c;
	unsigned int i;

	gk_poke_all(r);
	held = gk_gup_part(r, GK_PIN, FOLL_WRITE, 7, 1);
	gk_expect_ret(held, 1);
	c = gk_gup(r, longterm_api(test), FOLL_LONGTERM | FOLL_WRITE);
	longterm_expect_unwound(c, -EBUSY);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "references held", gk_held(page_folio(gk_page(r, i))),
			  i == 7 ? GUP_PIN_COUNTING_BIAS : 0);
	gk_release(held);
	c = gk_gup(r, longterm_api(test), FOLL_LONGTERM | FOLL_WRITE);
	gk_expect_round_trip(c, r->nr);
}

static struct kunit_suite gup_longterm_suite = {
	.name = "gup_longterm",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_longterm_migrates_for_read, longterm_moving_params),
		KUNIT_CASE_PARAM(gup_longterm_migrates_for_write, longterm_moving_params),
		KUNIT_CASE_PARAM(gup_longterm_fresh, longterm_fresh_params),
		KUNIT_CASE_PARAM(gup_longterm_zero_page, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_file_private, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_driver, longterm_drv_params),
		KUNIT_CASE_PARAM(gup_longterm_moves_once, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_mixed, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_partial, longterm_partial_params),
		KUNIT_CASE_PARAM(gup_longterm_busy, longterm_busy_params),
		KUNIT_CASE(gup_longterm_busy_after_fast),
		KUNIT_CASE_PARAM(gup_longterm_busy_at_first, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_busy_for_ever, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_busy_killed, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_isolated_until_killed, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_memalloc_flags, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_short_stays, longterm_api_params),
		KUNIT_CASE_PARAM(gup_longterm_blocked_by_pin, longterm_api_params),
		{}
	},
};

kunit_test_suite(gup_longterm_suite);
