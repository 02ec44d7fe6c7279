// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of hugetlb, of the smallest size that there is. It may be a leaf above the page
 * table, or several entries of one, of which each says what it maps (arm64), or none
 * does (riscv): page i has to be page i there, too.
 *
 * What is mapped is told by what the process has stored. Whatever reads page tables to
 * find it out makes the mistakes that are looked for.
 *
 * And what is counted for a hugetlbfs mount with limits, its subpool, when pages cannot be
 * had, or are pinned for longer than it is mounted.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/hugetlb.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/statfs.h>

#include "internal.h"
#include "gk.h"

/* Pages on either side of the edge between two huge pages. */
#define HUGETLB_HALF	16U

static void hugetlb_no_overcommit(void *hstate)
{
	((struct hstate *)hstate)->nr_overcommit_huge_pages = 0;
}

static struct hstate *hugetlb_smallest(struct kunit *test)
{
	struct hstate *h, *smallest = &default_hstate;

	for_each_hstate(h)
		if (huge_page_order(h) < huge_page_order(smallest))
			smallest = h;
	/* From the buddy allocator: the pool of this size is empty, or small. */
	KUNIT_ASSERT_EQ(test, smallest->nr_overcommit_huge_pages, 0);
	smallest->nr_overcommit_huge_pages = ULONG_MAX;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, hugetlb_no_overcommit,
						  smallest));
	return smallest;
}

/* Two huge pages; the range is what lies around the edge between them. */
static void hugetlb_map(struct gk_range *r)
{
	struct hstate *h = hugetlb_smallest(r->test);
	unsigned int i, huge = pages_per_huge_page(h);

	KUNIT_ASSERT_GE(r->test, huge, HUGETLB_HALF);
	KUNIT_ASSERT_EQ(r->test, huge_page_size(h) < PMD_SIZE,
			IS_ENABLED(CONFIG_RISCV_ISA_SVNAPOT) ||
			IS_ENABLED(CONFIG_ARM64));
	r->nr = 2 * huge;
	gk_mmap_hugetlb(r, h, MAP_SHARED);
	gk_fault(r, 0, 1, true);
	gk_fault(r, huge, 1, true);
	r->addr = gk_addr(r, huge - HUGETLB_HALF);
	r->nr = 2 * HUGETLB_HALF;
	for (i = 0; i < r->nr; i++)
		gk_store(r, i, i + 1);
}

static const struct gk_shape hugetlb_shape = {
	.name = "hugetlb", .nr = 2 * HUGETLB_HALF, .map = hugetlb_map,
};

/* Each page is the one that the process wrote to. */
static bool hugetlb_expect(struct gk_call *c, long want)
{
	bool good = c->ret == want;
	long k;

	gk_expect_ret(c, want);
	gk_expect_untouched(c);
	gk_expect_counts(c);
	for (k = 0; good && k < want; k++) {
		u8 stored = c->first + k + 1, found = gk_peek(c->pages[k]);

		GK_EXPECT(c, k, "byte that the process stored", found, stored);
		good = found == stored;
	}
	gk_release(c);
	gk_expect_restored(c);
	return good;
}

static const void *hugetlb_params(struct kunit *test, const void *prev, char *desc)
{
	const char *entries = IS_ENABLED(CONFIG_RISCV_ISA_SVNAPOT) ? "equal" :
			      IS_ENABLED(CONFIG_ARM64) ? "contiguous" : "leaf";
	const struct gk_api *api = gk_api_params(test, prev, desc);

	if (api)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s+%s", entries, api->name);
	return api;
}

/* All at once, from each page to the end, and each page alone. */
static void gup_hugetlb_pages(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &hugetlb_shape, 0);
	enum gk_api_id api = gk_api(test);
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		if (!hugetlb_expect(gk_gup_part(r, api, FOLL_WRITE, i, r->nr - i),
				    r->nr - i) ||
		    !hugetlb_expect(gk_gup_part(r, api, 0, i, 1), 1))
			return;
}

#define MOUNT_PAGES	4U

/**
 * struct mount - a hugetlbfs of a case's own
 * @file: the only one in it, as long as it is mounted
 * @flags: MAP_*, with which the file is mapped
 * @taken: a file elsewhere that reserves what was left of the pool, or NULL
 * @free: huge pages of @h that were free before
 * @reserved: those of them that were reserved
 */
struct mount {
	struct kunit *test;
	struct hstate *h;
	struct vfsmount *mnt;
	struct file *file;
	unsigned long flags;
	struct file *taken;
	unsigned long free;
	unsigned long reserved;
};

static void mount_option(struct mount *m, struct fs_context *fc, const char *key,
			 unsigned long bytes)
{
	char value[24];

	snprintf(value, sizeof(value), "%lu", bytes);
	KUNIT_EXPECT_EQ(m->test, 0, vfs_parse_fs_string(fc, key, value));
}

static struct vfsmount *mount_hugetlbfs(struct mount *m, unsigned int max,
					unsigned int min)
{
	struct file_system_type *type = get_fs_type("hugetlbfs");
	struct fs_context *fc;
	struct vfsmount *mnt;

	KUNIT_ASSERT_NOT_NULL(m->test, type);
	/* SB_KERNMOUNT: what is last put is gone then, not some time later. */
	fc = fs_context_for_mount(type, SB_KERNMOUNT);
	put_filesystem(type);
	KUNIT_ASSERT_FALSE(m->test, IS_ERR(fc));
	mount_option(m, fc, "pagesize", huge_page_size(m->h));
	mount_option(m, fc, "min_size", min * huge_page_size(m->h));
	if (max)
		mount_option(m, fc, "size", max * huge_page_size(m->h));
	mnt = fc_mount(fc);
	put_fs_context(fc);
	KUNIT_ASSERT_FALSE(m->test, IS_ERR(mnt));
	return mnt;
}

static void mount_end(void *mount)
{
	struct mount *m = mount;

	if (m->taken)
		fput(m->taken);
	if (!IS_ERR(m->file))
		fput(m->file);
	/* A kthread's files are closed later, and one of them is what is mapped. */
	flush_delayed_fput();
	mntput(m->mnt);
}

/* The last case's memory goes when its thread does: all is back in the pool first. */
static bool mount_pool_at_rest(struct hstate *h)
{
	unsigned int looks;

	for (looks = 0; looks < 1000; looks++) {
		flush_delayed_fput();
		if (h->free_huge_pages == h->nr_huge_pages)
			return true;
		schedule_timeout_uninterruptible(1);
	}
	return false;
}

/* With size=@max, if it is not 0, and min_size=@min, in huge pages. */
static struct mount *mount_new(struct kunit *test, unsigned int max, unsigned int min,
			       unsigned long flags)
{
	struct mount *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->h = hugetlb_smallest(test);
	KUNIT_ASSERT_TRUE(test, mount_pool_at_rest(m->h));
	m->flags = flags;
	m->free = m->h->free_huge_pages;
	m->reserved = m->h->resv_huge_pages;
	m->mnt = mount_hugetlbfs(m, max, min);
	m->file = file_open_root_mnt(m->mnt, "file", O_RDWR | O_CREAT, 0600);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mount_end, m));
	KUNIT_ASSERT_FALSE(test, IS_ERR(m->file));
	test->priv = m;
	return m;
}

static void mount_map(struct gk_range *r)
{
	struct mount *m = r->test->priv;

	r->nr = MOUNT_PAGES * pages_per_huge_page(m->h);
	gk_mmap(r, m->file, 0, PROT_READ | PROT_WRITE, m->flags);
}

static const struct gk_shape mount_shape = {
	.name = "hugetlbfs", .nr = MOUNT_PAGES, .map = mount_map,
};

/* Nobody is left who could have a page of the mount. */
static void mount_expect_pool(struct mount *m)
{
	KUNIT_EXPECT_EQ(m->test, m->h->resv_huge_pages, m->reserved);
	KUNIT_EXPECT_EQ(m->test, m->h->free_huge_pages, m->free);
}

/* No huge page can be had that nobody has reserved yet. */
static void mount_take_the_rest(struct mount *m)
{
	unsigned long rest = m->h->free_huge_pages - m->h->resv_huge_pages;
	struct file *file;

	m->h->nr_overcommit_huge_pages = 0;
	if (!rest)
		return;
	file = hugetlb_file_setup(HUGETLB_ANON_FILE, rest * huge_page_size(m->h),
				  EMPTY_VMA_FLAGS, HUGETLB_ANONHUGE_INODE,
				  huge_page_shift(m->h));
	KUNIT_ASSERT_FALSE(m->test, IS_ERR(file));
	m->taken = file;
}

static void mount_expect_free(struct mount *m, u64 want)
{
	struct path root = { .mnt = m->mnt, .dentry = m->mnt->mnt_root };
	struct kstatfs now;

	KUNIT_ASSERT_EQ(m->test, 0, vfs_statfs(&root, &now));
	KUNIT_EXPECT_EQ(m->test, now.f_bfree, want);
}

/* A page that cannot be had is not counted: GUP gives those that min_size has kept. */
static void gup_hugetlb_refused(struct kunit *test)
{
	struct mount *m = mount_new(test, MOUNT_PAGES, 2, MAP_PRIVATE | MAP_NORESERVE);
	unsigned int huge = pages_per_huge_page(m->h);
	struct gk_range *r = gk_map(test, &mount_shape, 0);
	struct gk_call *c;

	mount_take_the_rest(m);
	c = gk_gup_part(r, GK_PIN, FOLL_WRITE, 0, 3 * huge);
	gk_expect_ret(c, 2 * huge);
	mount_expect_free(m, MOUNT_PAGES - 2);
	gk_release(c);
	gk_unmap(r, 0, r->nr);
	mount_expect_free(m, MOUNT_PAGES);
	kunit_release_action(test, mount_end, m);
	mount_expect_pool(m);
}

#ifdef CONFIG_UML
/*
 * With one CPU what was freed last is what is allocated next. With more it may be that of
 * another CPU: then nothing is trapped, and a kernel without the fix dies. Where slab
 * shuffles what is free (CONFIG_SLAB_FREELIST_RANDOM), it may pass.
 */
#define MOUNT_TRAPS	1024

/*
 * Subpools that take the place of one that was freed. Who still writes to it writes to
 * one of them, and does no harm.
 */
static struct hugepage_subpool **mount_set_traps(struct mount *m)
{
	struct hugepage_subpool **traps;
	unsigned int i;

	traps = kunit_kcalloc(m->test, MOUNT_TRAPS, sizeof(*traps), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(m->test, traps);
	kunit_release_action(m->test, mount_end, m);
	for (i = 0; i < MOUNT_TRAPS; i++) {
		traps[i] = kzalloc_obj(**traps);
		if (!traps[i])
			break;
		spin_lock_init(&traps[i]->lock);
		traps[i]->count = 1;
		traps[i]->max_hpages = MOUNT_PAGES;
		traps[i]->min_hpages = -1;
	}
	KUNIT_EXPECT_EQ(m->test, i, MOUNT_TRAPS);
	return traps;
}

static void mount_expect_no_write(struct mount *m, struct hugepage_subpool **traps)
{
	unsigned int i;

	for (i = 0; i < MOUNT_TRAPS && traps[i]; i++) {
		KUNIT_EXPECT_EQ_MSG(m->test, traps[i]->used_hpages, 0L,
				    "the subpool was used after it was freed");
		kfree(traps[i]);
	}
}

static const struct mount_way {
	const char *name;
	unsigned long flags;
	bool pool;	/* only with pages in the pool: surplus is not reserved again */
} mount_ways[] = {
	{ "shared", MAP_SHARED },
	{ "noreserve", MAP_PRIVATE | MAP_NORESERVE },
	{ "private", MAP_PRIVATE, true },
};

static const void *mount_params(struct kunit *test, const void *prev, char *desc)
{
	const struct mount_way *way = prev ? (const struct mount_way *)prev + 1 : mount_ways;

	if (way == mount_ways + ARRAY_SIZE(mount_ways) ||
	    (way->pool && !default_hstate.max_huge_pages))
		return NULL;
	strscpy(desc, way->name, KUNIT_PARAM_DESC_SIZE);
	return way;
}

/* Pages that are pinned keep the subpool, which has a minimum and no maximum. */
static void gup_hugetlb_unmounted(struct kunit *test)
{
	const struct mount_way *way = test->param_value;
	struct mount *m = mount_new(test, 0, 2, way->flags);
	unsigned int i, huge = pages_per_huge_page(m->h);
	struct gk_range *r = gk_map(test, &mount_shape, 0);
	struct hugepage_subpool **traps;
	struct gk_call *c;

	for (i = 0; i < MOUNT_PAGES; i++)
		gk_fault(r, i * huge, 1, true);
	mount_expect_free(m, -1);
	c = gk_gup_part(r, GK_PIN_FAST, FOLL_WRITE, huge, 2 * huge);
	gk_expect_ret(c, 2 * huge);
	gk_unmap(r, 0, r->nr);
	traps = mount_set_traps(m);
	gk_release(c);
	mount_expect_no_write(m, traps);
	mount_expect_pool(m);
}
#endif

static struct kunit_suite gup_hugetlb_suite = {
	.name = "gup_hugetlb",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_hugetlb_pages, hugetlb_params),
		KUNIT_CASE(gup_hugetlb_refused),
#ifdef CONFIG_UML
		KUNIT_CASE_PARAM(gup_hugetlb_unmounted, mount_params),
#endif
		{}
	},
};

kunit_test_suite(gup_hugetlb_suite);
