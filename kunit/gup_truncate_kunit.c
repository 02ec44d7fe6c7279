// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file of shmem that is cut, or gets a hole, while a fault adds a huge page across the
 * edge, and that page is pinned, so that it cannot be split. The call has to end, to clear
 * what it cuts off, and to leave the rest.
 *
 * The fault has to come after the call has looked at the page behind the edge, and before
 * it looks for what was added meanwhile. Both run on one CPU. The call waits for the lock
 * of that page, and behind it the case does, with a real-time priority: it runs as soon as
 * the call lets go of the lock, and has to pin before it sleeps.
 */
#include <linux/completion.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/workqueue.h>

#include "internal.h"
#include "gk.h"

#define TRUNCATE_EDGE	(PTRS_PER_PTE / 2)	/* in pages */
#define TRUNCATE_BEHIND	(PTRS_PER_PTE - 10)	/* behind the hole */
/* The call takes some milliseconds: after this it waits for the pin. */
#define TRUNCATE_HUNG	(20 * HZ)

struct truncate_param {
	const char *name;
	bool hole;
	bool write;
};

/**
 * struct truncate_race - a call that is under way
 * @param: which
 * @file: whose pages it removes
 * @edge: the folio behind the edge, with a reference
 * @owner: the case, which holds its lock, and waits for it again
 * @unlock: unlocks it then
 * @task: calls
 * @pinned: what has to be released
 * @error: what the call said
 * @done: once it has
 */
struct truncate_race {
	const struct truncate_param *param;
	struct file *file;
	struct folio *edge;
	struct task_struct *owner;
	struct delayed_work unlock;
	struct task_struct *task;
	struct page *pinned;
	int error;
	struct completion done;
};

/* A small page behind the edge, and nothing else. The next fault adds a huge page. */
static void truncate_map(struct gk_range *r)
{
	struct file *file = gk_tmpfs_file(r->test, "huge=advise", PTRS_PER_PTE);

	gk_mmap_huge(r);
	gk_mmap(r, file, r->addr, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED);
	gk_fault(r, TRUNCATE_EDGE, 1, true);
	gk_madvise(r, 0, r->nr, MADV_HUGEPAGE);
}

static const struct gk_shape truncate_shape = {
	.name = "truncate", .map = truncate_map,
};

static int truncate_main(void *arg)
{
	const loff_t edge = TRUNCATE_EDGE * PAGE_SIZE, behind = TRUNCATE_BEHIND * PAGE_SIZE;
	struct truncate_race *race = arg;

	if (race->param->hole)
		race->error = vfs_fallocate(race->file,
					    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					    edge, behind - edge);
	else
		race->error = vfs_truncate(&race->file->f_path, edge);
	complete_all(&race->done);
	return 0;
}

static void truncate_unlock(struct work_struct *work)
{
	struct truncate_race *race =
		container_of(to_delayed_work(work), struct truncate_race, unlock);

	if (wait_task_inactive(race->owner, TASK_UNINTERRUPTIBLE))
		folio_unlock(race->edge);
	else
		schedule_delayed_work(&race->unlock, 1);
}

static void truncate_unpin(struct truncate_race *race)
{
	if (race->pinned)
		unpin_user_page(race->pinned);
	race->pinned = NULL;
}

static void truncate_end(void *arg)
{
	struct truncate_race *race = arg;

	truncate_unpin(race);
	wait_for_completion(&race->done);
	cancel_delayed_work_sync(&race->unlock);
}

/* What can fail does before a lock is taken. */
static struct truncate_race *truncate_prepare(struct gk_range *r)
{
	struct truncate_race *race = kunit_kzalloc(r->test, sizeof(*race), GFP_KERNEL);
	struct page *edge = gk_page(r, TRUNCATE_EDGE);

	KUNIT_ASSERT_NOT_NULL(r->test, race);
	KUNIT_ASSERT_NOT_NULL(r->test, edge);
	race->param = r->test->param_value;
	race->file = r->file;
	race->edge = page_folio(edge);
	race->owner = current;
	KUNIT_ASSERT_EQ(r->test, folio_order(race->edge), 0);
	init_completion(&race->done);
	INIT_DELAYED_WORK(&race->unlock, truncate_unlock);
	race->task = kthread_create(truncate_main, race, "gup_truncate");
	KUNIT_ASSERT_FALSE(r->test, IS_ERR(race->task));
	KUNIT_ASSERT_EQ(r->test, current->nr_cpus_allowed, 1);
	kthread_bind(race->task, raw_smp_processor_id());
	KUNIT_ASSERT_EQ(r->test, kunit_add_action(r->test, truncate_end, race), 0);
	return race;
}

static void truncate_start(struct truncate_race *race)
{
	folio_get(race->edge);
	folio_lock(race->edge);
	wake_up_process(race->task);
	while (!folio_test_waiters(race->edge) && !completion_done(&race->done))
		schedule_timeout_uninterruptible(1);
}

/* On return the call has removed the page behind the edge, and is held up there. */
static struct truncate_race *truncate_half(struct gk_range *r)
{
	struct truncate_race *race = truncate_prepare(r);

	truncate_start(race);
	sched_set_fifo(current);
	schedule_delayed_work(&race->unlock, 1);
	folio_lock(race->edge);
	KUNIT_EXPECT_PTR_EQ(r->test, race->edge->mapping, NULL);
	KUNIT_EXPECT_FALSE(r->test, completion_done(&race->done));
	folio_unlock(race->edge);
	folio_put(race->edge);
	return race;
}

static void truncate_finish(struct gk_range *r, struct truncate_race *race)
{
	sched_set_normal(current, 0);
	KUNIT_EXPECT_NE_MSG(r->test, 0,
			    wait_for_completion_timeout(&race->done, TRUNCATE_HUNG),
			    "it waits for what is pinned");
	KUNIT_EXPECT_EQ(r->test, race->error, 0);
}

/* By the mapping, which does not tell the folio; by a device, where that may not. */
static void truncate_fill(struct gk_range *r, struct folio *folio)
{
	gk_store(r, 0, 1);
	gk_store(r, TRUNCATE_EDGE - 1, 2);
	gk_poke(folio_page(folio, TRUNCATE_EDGE), 3);
	gk_poke(folio_page(folio, TRUNCATE_BEHIND), 4);
}

static struct folio *truncate_add_huge(struct gk_range *r, bool write)
{
	struct folio *folio;

	gk_fault(r, 0, 1, write);
	gk_assert_order(r, HPAGE_PMD_ORDER, false);
	folio = page_folio(gk_page(r, 0));
	truncate_fill(r, folio);
	KUNIT_EXPECT_EQ(r->test, folio_test_dirty(folio), write);
	return folio;
}

/* All of it reads as it should, also if the file grows again. */
static void truncate_expect_cut(struct gk_range *r, struct truncate_race *race)
{
	const u8 behind = race->param->hole ? 4 : 0;
	struct kunit *test = r->test;

	KUNIT_EXPECT_EQ(test, gk_file_byte(test, r->file, 0), 1);
	KUNIT_EXPECT_EQ(test, gk_file_byte(test, r->file, TRUNCATE_EDGE - 1), 2);
	KUNIT_EXPECT_EQ(test, gk_load(r, 0), 1);
	gk_expect_round_trip(gk_gup_part(r, GK_PIN_FAST, FOLL_WRITE, 0, TRUNCATE_EDGE),
			     TRUNCATE_EDGE);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&r->file->f_path, PMD_SIZE), 0);
	KUNIT_EXPECT_EQ(test, gk_file_byte(test, r->file, TRUNCATE_EDGE), 0);
	KUNIT_EXPECT_EQ(test, gk_file_byte(test, r->file, TRUNCATE_BEHIND), behind);
}

/* A read fault makes the entry writable: what is stored then leaves the folio clean. */
static const struct truncate_param truncate_params[] = {
	{ "cut+written", .write = true },
	{ "cut+read" },
	{ "hole+written", .write = true, .hole = true },
	{ "hole+read", .hole = true },
};

KUNIT_ARRAY_PARAM_DESC(truncate, truncate_params, name);

static void gup_truncate_pinned(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &truncate_shape, PTRS_PER_PTE);
	struct truncate_race *race = truncate_half(r);
	struct folio *folio = truncate_add_huge(r, race->param->write);

	KUNIT_EXPECT_EQ(test, pin_user_pages_fast(gk_addr(r, 0), 1, 0, &race->pinned), 1);
	truncate_finish(r, race);
	KUNIT_EXPECT_EQ(test, folio_order(folio), HPAGE_PMD_ORDER);
	KUNIT_EXPECT_PTR_EQ(test, gk_page(r, 0), race->pinned);
	truncate_unpin(race);
	truncate_expect_cut(r, race);
}

static void gup_truncate_split(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &truncate_shape, PTRS_PER_PTE);
	struct truncate_race *race = truncate_half(r);

	truncate_add_huge(r, race->param->write);
	truncate_finish(r, race);
	truncate_expect_cut(r, race);
	gk_assert_order(r, HPAGE_PMD_ORDER - 1, false);
}

static struct kunit_suite gup_truncate_suite = {
	.name = "gup_truncate",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_truncate_split, truncate_gen_params),
		KUNIT_CASE_PARAM(gup_truncate_pinned, truncate_gen_params),
		{}
	},
};

kunit_test_suite(gup_truncate_suite);
