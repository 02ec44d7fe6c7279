// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that is collapsed into a huge page while parts of it are not in the page cache.
 * The file system of this suite says when it is asked to read: no folio of the file may
 * be locked then. mapping->invalidate_lock, which reading takes, comes before the folio
 * locks; in the other order truncation and the collapse wait for each other, and each
 * fault of the file, GUP's among them, behind them. To read with the lock of the page cache
 * held hangs the lane um-thp-smp; a kernel for one CPU has no such lock.
 *
 * What GUP sees of a collapse that others make meanwhile is in gup_race_leaf.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/workqueue.h>

#include "internal.h"
#include "gk.h"

#define COLLAPSE_AHEAD	4U	/* pages that are read at a time */
#define COLLAPSE_NEVER	UINT_MAX

/**
 * struct collapse_disk - what the file is on
 * @read: pages so far
 * @locked: of those, while the first folio of the file was locked
 * @broken: the page that cannot be read
 * @dropped: the page that leaves the page cache when the last one is read
 * @late: the page whose reading is not over when it is asked for, but in @work
 * @arriving: its folio
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

static bool collapse_is_locked(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	bool locked;

	if (IS_ERR(folio))
		return false;
	locked = folio_test_locked(folio);
	folio_put(folio);
	return locked;
}

static void collapse_has_read(struct folio *folio)
{
	gk_poke(folio_page(folio, 0), gk_byte(folio->index));
	folio_mark_uptodate(folio);
	folio_unlock(folio);
}

static void collapse_arrive(struct work_struct *work)
{
	struct collapse_disk *disk =
		container_of(to_delayed_work(work), struct collapse_disk, work);

	collapse_has_read(disk->arriving);
}

static void collapse_read_one(struct address_space *mapping, struct folio *folio)
{
	struct collapse_disk *disk = mapping->host->i_private;

	disk->read++;
	if (folio->index)
		disk->locked += collapse_is_locked(mapping, 0);
	if (folio->index == PTRS_PER_PTE - 1 && disk->dropped != COLLAPSE_NEVER)
		invalidate_mapping_pages(mapping, disk->dropped, disk->dropped);
	if (folio->index == disk->broken) {
		folio_unlock(folio);
	} else if (folio->index == disk->late) {
		disk->arriving = folio;
		schedule_delayed_work(&disk->work, 1);
	} else {
		collapse_has_read(folio);
	}
}

static void collapse_readahead(struct readahead_control *rac)
{
	struct folio *folio;

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

static struct inode *collapse_inode(struct kunit *test, struct vfsmount *mnt)
{
	struct inode *inode = new_inode(mnt->mnt_sb);

	KUNIT_ASSERT_NOT_NULL(test, inode);
	inode->i_mode = S_IFREG | 0444;
	inode->i_mapping->a_ops = &collapse_aops;
	mapping_set_large_folios(inode->i_mapping);
	i_size_write(inode, PMD_SIZE);
	return inode;
}

static struct file *collapse_file(struct kunit *test)
{
	struct vfsmount *mnt = vfs_kern_mount(&collapse_fs, SB_KERNMOUNT, "gup_collapse", NULL);
	struct inode *inode;
	struct file *file;

	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
	inode = collapse_inode(test, mnt);
	file = alloc_file_pseudo(inode, mnt, "gup_collapse", O_RDONLY, &generic_ro_fops);
	/* The file keeps the mount. */
	mntput(mnt);
	if (IS_ERR(file))
		iput(inode);
	gk_adopt_file(test, file);
	file->f_ra.ra_pages = COLLAPSE_AHEAD;
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

static void collapse_set_up(struct kunit *test, struct file *file)
{
	struct collapse_disk *disk = kunit_kzalloc(test, sizeof(*disk), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, disk);
	disk->broken = COLLAPSE_NEVER;
	disk->dropped = COLLAPSE_NEVER;
	disk->late = COLLAPSE_NEVER;
	INIT_DELAYED_WORK(&disk->work, collapse_arrive);
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, collapse_stop, disk), 0);
	file_inode(file)->i_private = disk;
}

/* Its first pages are mapped, no others have been read. */
static void collapse_map(struct gk_range *r)
{
	struct file *file = collapse_file(r->test);

	collapse_set_up(r->test, file);
	gk_mmap_huge(r);
	gk_mmap(r, file, r->addr, PROT_READ, MAP_SHARED | MAP_FIXED);
	gk_fault(r, 0, 1, false);
	gk_settle();
	KUNIT_ASSERT_LE(r->test, collapse_disk(r)->read, COLLAPSE_AHEAD);
}

static const struct gk_shape collapse_shape = {
	.name = "collapse", .nr = PTRS_PER_PTE, .map = collapse_map,
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
	gk_expect_round_trip(gk_gup(r, GK_PIN_FAST, FOLL_LONGTERM), r->nr);
}

static void collapse_expect_unlocked(struct gk_range *r)
{
	struct address_space *mapping = r->file->f_mapping;
	unsigned int i;

	KUNIT_EXPECT_EQ(r->test, collapse_disk(r)->locked, 0);
	for (i = 0; i < r->nr; i++)
		KUNIT_EXPECT_FALSE_MSG(r->test, collapse_is_locked(mapping, i), "page %u", i);
}

static void gup_collapse_reads(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, 0);

	KUNIT_EXPECT_EQ(test, collapse(r), 0);
	KUNIT_EXPECT_EQ(test, collapse_disk(r)->read, r->nr);
	collapse_expect_unlocked(r);
	collapse_expect_huge(r);
}

/* As long as a page cannot be read, all stays as it is. */
static void gup_collapse_cannot_read(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, 0);
	struct collapse_disk *disk = collapse_disk(r);

	disk->broken = 100;
	KUNIT_EXPECT_EQ(test, collapse(r), -EINVAL);
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
	struct gk_range *r = gk_map(test, &collapse_shape, 0);
	struct collapse_disk *disk = collapse_disk(r);

	disk->dropped = 2 * COLLAPSE_AHEAD;
	KUNIT_EXPECT_EQ(test, collapse(r), -EINVAL);
	KUNIT_EXPECT_EQ(test, disk->read, r->nr);
	collapse_expect_unlocked(r);

	disk->dropped = COLLAPSE_NEVER;
	KUNIT_EXPECT_EQ(test, collapse(r), 0);
	KUNIT_EXPECT_EQ(test, disk->read, r->nr + 1);
	collapse_expect_unlocked(r);
	collapse_expect_huge(r);
}

/* It waits for a page that is being read. */
static void gup_collapse_waits(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &collapse_shape, 0);

	collapse_disk(r)->late = 300;
	KUNIT_EXPECT_EQ(test, collapse(r), 0);
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
		{}
	},
};

kunit_test_suite(gup_collapse_suite);
