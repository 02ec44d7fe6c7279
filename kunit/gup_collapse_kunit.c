// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that is collapsed into a huge page while parts of it are not in the page cache.
 * The file system of this suite says when it is asked to read: no folio of the file may
 * be locked then. mapping->invalidate_lock, which reading takes, comes before the folio
 * locks; in the other order truncation and the collapse wait for each other, and each
 * fault of the file, GUP's among them, behind them. If a lock of the page cache is held as
 * well, that shows only on SMP, as a hang.
 *
 * What GUP sees of a collapse that others make meanwhile is in gup_race_leaf.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/swap.h>
#include <linux/workqueue.h>

#include "internal.h"
#include "gk.h"

#define COLLAPSE_AHEAD	4U	/* pages that are read at a time */
#define COLLAPSE_NEVER	UINT_MAX

/**
 * struct collapse_disk - what the file is on
 * @read: how many pages so far
 * @locked: folios before the pages that were read which were locked then
 * @broken: the page that cannot be read
 * @dropped: the page that leaves the page cache when the last one is read
 * @late: the page whose reading is not over when it is asked for
 * @arriving: its folio, until it is
 * @work: when it is
 */
struct collapse_disk {
	unsigned int read;
	unsigned int locked;
	unsigned int broken;
	unsigned int dropped;
	unsigned int late;
	struct folio *arriving;
	struct delayed_work work;
};

static unsigned int collapse_locked(struct address_space *mapping, unsigned int nr)
{
	unsigned int i, locked = 0;
	struct folio *folio;

	for (i = 0; i < nr; i++) {
		folio = filemap_get_folio(mapping, i);
		if (IS_ERR(folio))
			continue;
		locked += folio_test_locked(folio);
		folio_put(folio);
	}
	return locked;
}

static void collapse_arrive(struct work_struct *work)
{
	struct collapse_disk *disk =
		container_of(to_delayed_work(work), struct collapse_disk, work);

	folio_end_read(disk->arriving, true);
	disk->arriving = NULL;
}

static void collapse_read_one(struct address_space *mapping, struct folio *folio)
{
	struct collapse_disk *disk = mapping->host->i_private;
	unsigned int index = folio->index;

	disk->read++;
	gk_poke(folio_page(folio, 0), gk_byte(index));
	if (index == disk->late) {
		disk->arriving = folio;
		schedule_delayed_work(&disk->work, HZ / 10);
	} else {
		folio_end_read(folio, index != disk->broken);
	}
	if (index == PTRS_PER_PTE - 1 && disk->dropped != COLLAPSE_NEVER) {
		lru_add_drain();
		invalidate_mapping_pages(mapping, disk->dropped, disk->dropped);
	}
}

static void collapse_readahead(struct readahead_control *rac)
{
	struct collapse_disk *disk = rac->mapping->host->i_private;
	struct folio *folio;

	disk->locked += collapse_locked(rac->mapping, readahead_index(rac));
	while ((folio = readahead_folio(rac)))
		collapse_read_one(rac->mapping, folio);
}

static int collapse_read_folio(struct file *file, struct folio *folio)
{
	collapse_read_one(folio->mapping, folio);
	return 0;
}

static const struct address_space_operations collapse_aops = {
	.readahead = collapse_readahead,
	.read_folio = collapse_read_folio,
	.dirty_folio = noop_dirty_folio,
};

static int collapse_init_fs(struct fs_context *fc)
{
	return init_pseudo(fc, 0x67757063) ? 0 : -ENOMEM;
}

static struct file_system_type collapse_fs = {
	.name = "gup_collapse",
	.init_fs_context = collapse_init_fs,
	.kill_sb = kill_anon_super,
};

static struct inode *collapse_inode(struct vfsmount *mnt, struct collapse_disk *disk)
{
	struct inode *inode = new_inode(mnt->mnt_sb);

	if (!inode)
		return NULL;
	inode->i_mode = S_IFREG | 0444;
	inode->i_private = disk;
	inode->i_mapping->a_ops = &collapse_aops;
	mapping_set_large_folios(inode->i_mapping);
	/* There is more, which is not to be read. */
	i_size_write(inode, PMD_SIZE + 16 * PAGE_SIZE);
	return inode;
}

static struct file *collapse_open(struct collapse_disk *disk)
{
	struct vfsmount *mnt = vfs_kern_mount(&collapse_fs, SB_KERNMOUNT, "gup_collapse", NULL);
	struct file *file = ERR_PTR(-ENOMEM);
	struct inode *inode;

	if (IS_ERR(mnt))
		return ERR_CAST(mnt);
	inode = collapse_inode(mnt, disk);
	if (inode)
		file = alloc_file_pseudo(inode, mnt, "gup_collapse", O_RDONLY,
					 &generic_ro_fops);
	if (inode && IS_ERR(file))
		iput(inode);
	/* The file keeps the mount. */
	mntput(mnt);
	return file;
}

static struct collapse_disk *collapse_disk(struct gk_range *r)
{
	return file_inode(r->file)->i_private;
}

static void collapse_stop(void *disk)
{
	flush_delayed_work(&((struct collapse_disk *)disk)->work);
}

/* What reads late has the file, and the file has the disk: they go in this order. */
static struct file *collapse_set_up(struct kunit *test)
{
	struct collapse_disk *disk = kunit_kzalloc(test, sizeof(*disk), GFP_KERNEL);
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, disk);
	disk->broken = COLLAPSE_NEVER;
	disk->dropped = COLLAPSE_NEVER;
	disk->late = COLLAPSE_NEVER;
	INIT_DELAYED_WORK(&disk->work, collapse_arrive);
	file = collapse_open(disk);
	gk_adopt_file(test, file);
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, collapse_stop, disk), 0);
	file->f_ra.ra_pages = COLLAPSE_AHEAD;
	return file;
}

/* Its first pages are mapped, no others have been read. */
static void collapse_map(struct gk_range *r)
{
	struct file *file = collapse_set_up(r->test);

	gk_mmap_huge(r);
	gk_mmap(r, file, r->addr, PROT_READ, MAP_SHARED | MAP_FIXED);
	gk_fault(r, 0, 1, false);
	gk_settle();
	KUNIT_ASSERT_EQ(r->test, collapse_disk(r)->read, COLLAPSE_AHEAD);
}

static const struct gk_shape collapse_shape = {
	.name = "collapse", .map = collapse_map,
};

static int collapse(struct gk_range *r)
{
	return do_madvise(r->mm, r->addr, PMD_SIZE, MADV_COLLAPSE);
}

static void collapse_expect_huge(struct gk_range *r)
{
	unsigned int i;

	gk_assert_order(r, HPAGE_PMD_ORDER, true);
	for (i = 0; i < r->nr; i++)
		KUNIT_EXPECT_EQ_MSG(r->test, gk_load(r, i), gk_byte(i), "page %u", i);
	gk_expect_round_trip(gk_gup(r, GK_PIN_FAST, 0), r->nr);
}

/* Neither when the file was read, nor now. */
static void collapse_expect_unlocked(struct gk_range *r)
{
	KUNIT_EXPECT_EQ(r->test, collapse_disk(r)->locked, 0);
	KUNIT_EXPECT_EQ(r->test, collapse_locked(r->file->f_mapping, r->nr), 0);
}

static void gup_collapse_reads(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, PTRS_PER_PTE);

	KUNIT_EXPECT_EQ(test, collapse(r), 0);
	KUNIT_EXPECT_EQ(test, collapse_disk(r)->read, r->nr);
	collapse_expect_unlocked(r);
	collapse_expect_huge(r);
}

/* As long as a page cannot be read, all stays as it is. */
static void gup_collapse_cannot_read(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, PTRS_PER_PTE);
	struct collapse_disk *disk = collapse_disk(r);

	disk->broken = 100;
	KUNIT_EXPECT_EQ(test, collapse(r), -EINVAL);
	KUNIT_EXPECT_EQ(test, disk->read, disk->broken + COLLAPSE_AHEAD);
	collapse_expect_unlocked(r);
	gk_expect_round_trip(gk_gup_part(r, GK_PIN_FAST, 0, 0, 8), 8);

	disk->broken = COLLAPSE_NEVER;
	invalidate_mapping_pages(r->file->f_mapping, 100, 100);
	KUNIT_EXPECT_EQ(test, collapse(r), 0);
	collapse_expect_unlocked(r);
	collapse_expect_huge(r);
}

/* Reclaim takes a page that has been read, before it is locked: it is not read again. */
static void gup_collapse_dropped(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, PTRS_PER_PTE);
	struct collapse_disk *disk = collapse_disk(r);

	disk->dropped = 2 * COLLAPSE_AHEAD;
	KUNIT_EXPECT_EQ(test, collapse(r), -EAGAIN);
	KUNIT_EXPECT_EQ(test, disk->read, r->nr);
	collapse_expect_unlocked(r);

	disk->dropped = COLLAPSE_NEVER;
	KUNIT_EXPECT_EQ(test, collapse(r), 0);
	KUNIT_EXPECT_EQ(test, disk->read, r->nr + 1);
	collapse_expect_unlocked(r);
	collapse_expect_huge(r);
}

/* So fast that it is not seen: asked for once more, alone, it goes again. */
static void gup_collapse_gone(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, PTRS_PER_PTE);
	struct collapse_disk *disk = collapse_disk(r);

	disk->dropped = r->nr - 1;
	KUNIT_EXPECT_EQ(test, collapse(r), -EINVAL);
	KUNIT_EXPECT_EQ(test, disk->read, r->nr + COLLAPSE_AHEAD);
	collapse_expect_unlocked(r);
}

/* It waits for a page that it has asked for. */
static void gup_collapse_waits(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, PTRS_PER_PTE);
	struct collapse_disk *disk = collapse_disk(r);

	disk->late = r->nr - COLLAPSE_AHEAD;
	KUNIT_EXPECT_EQ(test, collapse(r), 0);
	KUNIT_EXPECT_NULL(test, disk->arriving);
	collapse_expect_unlocked(r);
	collapse_expect_huge(r);
}

/* What is behind a dirty page is not read for nothing. */
static void gup_collapse_dirty(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, PTRS_PER_PTE);
	struct collapse_disk *disk = collapse_disk(r);
	struct folio *folio = page_folio(gk_page(r, 0));

	folio_set_dirty(folio);
	KUNIT_EXPECT_EQ(test, collapse(r), -EAGAIN);
	KUNIT_EXPECT_EQ(test, disk->read, COLLAPSE_AHEAD);
	collapse_expect_unlocked(r);

	folio_clear_dirty(folio);
	KUNIT_EXPECT_EQ(test, collapse(r), 0);
	KUNIT_EXPECT_EQ(test, disk->read, r->nr);
	collapse_expect_unlocked(r);
	collapse_expect_huge(r);
}

static struct kunit_suite gup_collapse_suite = {
	.name = "gup_collapse",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE(gup_collapse_reads),
		KUNIT_CASE(gup_collapse_waits),
		KUNIT_CASE(gup_collapse_cannot_read),
		KUNIT_CASE(gup_collapse_dropped),
		KUNIT_CASE(gup_collapse_gone),
		KUNIT_CASE(gup_collapse_dirty),
		{}
	},
};

kunit_test_suite(gup_collapse_suite);
