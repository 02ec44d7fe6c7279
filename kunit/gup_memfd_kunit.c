// SPDX-License-Identifier: GPL-2.0-only
/*
 * memfd_pin_folios() on shmem files: arguments, offsets, what it allocates,
 * what it migrates, what it counts, and how it ends when it cannot.
 *
 * Folios of more than one page need CONFIG_TRANSPARENT_HUGEPAGE here: a page
 * cache without CONFIG_XARRAY_MULTI cannot hold them. hugetlb files need
 * CONFIG_HUGETLBFS. Neither is in reach of ARCH=um; the one case that needs no large
 * folio of a file runs on x86-64.
 */
#include <kunit/resource.h>
#include <linux/anon_inodes.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/timer.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "gk.h"

/* More than what the page cache hands out at a time. */
#define MF_MANY		(2 * FOLIO_BATCH_SIZE + 9)
#define MF_UNTOUCHED	((struct folio *)0x6b6b6b6bUL)
#define MF_NO_OFFSET	((pgoff_t)0x6b6b6b6bUL)

/**
 * struct mf - a file of @nr pages and the last call on it
 * @start: first byte asked for
 * @end: last byte asked for
 * @max: max_folios
 * @ret: what the call returned
 * @offset: what it said about the first folio
 * @folios: what it stored, followed by entries that it must leave alone
 * @held: acquired - released before all calls
 * @said: what was found wrong so far
 */
struct mf {
	struct kunit *test;
	struct file *file;
	unsigned int nr;
	loff_t start;
	loff_t end;
	unsigned int max;
	long ret;
	pgoff_t offset;
	unsigned int room;
	struct folio **folios;
	long held;
	const char *said[8];
};

/* Say what is wrong once, for the first folio of which it is. */
static void mf_expect(struct mf *mf, long k, const char *what, long got,
		      long want)
{
	unsigned int i;

	if (got == want)
		return;
	for (i = 0; i < ARRAY_SIZE(mf->said) && mf->said[i]; i++)
		if (!strcmp(mf->said[i], what))
			return;
	if (i < ARRAY_SIZE(mf->said))
		mf->said[i] = what;
	KUNIT_FAIL(mf->test,
		   "shape=memfd/%u api=memfd_pin_folios [%lld, %lld] max=%u folio=%ld: %s: wanted %ld, got %ld",
		   mf->nr, mf->start, mf->end, mf->max, k, what, want, got);
}

static long mf_held(void)
{
	return gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED);
}

static void mf_fput(void *file)
{
	fput(file);
}

/* Take over @file, which the end of the case closes. */
static struct mf *mf_adopt(struct kunit *test, struct file *file,
			   unsigned int nr)
{
	struct mf *mf = kunit_kzalloc(test, sizeof(*mf), GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mf_fput,
							   file));
	KUNIT_ASSERT_NOT_NULL(test, mf);
	mf->test = test;
	mf->file = file;
	mf->nr = nr;
	mf->room = 2 * nr + 64;
	mf->folios = kunit_kcalloc(test, mf->room, sizeof(*mf->folios),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mf->folios);
	gk_settle();
	mf->held = mf_held();
	return mf;
}

/* A shmem file of @nr pages, all of them holes. */
static struct mf *mf_open(struct kunit *test, unsigned int nr)
{
	return mf_adopt(test, shmem_file_setup("gup_memfd",
					       (loff_t)nr * PAGE_SIZE,
					       EMPTY_VMA_FLAGS), nr);
}

static u8 mf_byte(unsigned int i)
{
	return i % 251 + 1;
}

/* Write all of page @i, as a process would. */
static void mf_write(struct mf *mf, unsigned int i)
{
	void *buf = kunit_kmalloc(mf->test, PAGE_SIZE, GFP_KERNEL);
	loff_t pos = (loff_t)i * PAGE_SIZE;

	KUNIT_ASSERT_NOT_NULL(mf->test, buf);
	memset(buf, mf_byte(i), PAGE_SIZE);
	KUNIT_ASSERT_EQ(mf->test, PAGE_SIZE,
			kernel_write(mf->file, buf, PAGE_SIZE, &pos));
	kunit_kfree(mf->test, buf);
}

static struct mf *mf_open_written(struct kunit *test, unsigned int nr)
{
	struct mf *mf = mf_open(test, nr);
	unsigned int i;

	for (i = 0; i < nr; i++)
		mf_write(mf, i);
	gk_settle();
	return mf;
}

/* The folio at page @i, NULL for a hole. The file holds it, the test does not. */
static struct folio *mf_cached(struct mf *mf, unsigned int i)
{
	struct folio *folio = filemap_get_folio(mf->file->f_mapping, i);

	if (IS_ERR(folio))
		return NULL;
	folio_put(folio);
	return folio;
}

/* Does all of page @i, read from the file, hold @byte? */
static bool mf_reads(struct mf *mf, unsigned int i, u8 byte)
{
	u8 *buf = kunit_kmalloc(mf->test, PAGE_SIZE, GFP_KERNEL);
	loff_t pos = (loff_t)i * PAGE_SIZE;
	bool all;

	KUNIT_ASSERT_NOT_NULL(mf->test, buf);
	KUNIT_ASSERT_EQ(mf->test, PAGE_SIZE,
			kernel_read(mf->file, buf, PAGE_SIZE, &pos));
	all = !memchr_inv(buf, byte, PAGE_SIZE);
	kunit_kfree(mf->test, buf);
	return all;
}

/* Does all of the folio hold @byte, seen by who has it pinned? */
static bool mf_holds(struct folio *folio, u8 byte)
{
	void *addr = kmap_local_folio(folio, 0);
	bool all = !memchr_inv(addr, byte, PAGE_SIZE);

	kunmap_local(addr);
	return all;
}

static void mf_fill(struct folio *folio, u8 byte)
{
	void *addr = kmap_local_folio(folio, 0);

	memset(addr, byte, PAGE_SIZE);
	kunmap_local(addr);
}

static void mf_pin_bytes(struct mf *mf, loff_t start, loff_t end,
			 unsigned int max)
{
	unsigned int k;

	for (k = 0; k < mf->room; k++)
		mf->folios[k] = MF_UNTOUCHED;
	mf->start = start;
	mf->end = end;
	mf->max = max;
	mf->offset = MF_NO_OFFSET;
	mf->ret = memfd_pin_folios(mf->file, start, end, mf->folios, max,
				   &mf->offset);
	gk_settle();
}

/* Pin the pages [@first, @first + @nr). */
static void mf_pin(struct mf *mf, unsigned int first, unsigned int nr)
{
	mf_pin_bytes(mf, (loff_t)first * PAGE_SIZE,
		     (loff_t)(first + nr) * PAGE_SIZE - 1, nr);
}

static void mf_unpin(struct mf *mf)
{
	if (mf->ret > 0)
		unpin_folios(mf->folios, mf->ret);
}

/*
 * The folio at page @i has @pins pins and no other reference than those that
 * the file and page tables hold.
 */
static void mf_expect_pins(struct mf *mf, struct folio *folio, long k, int pins)
{
	mf_expect(mf, k, "refcount beyond the expected one",
		  gk_held(folio),
		  gk_refs_wanted(&gk_apis[GK_PIN], folio, pins));
	mf_expect(mf, k, "folio_maybe_dma_pinned",
		  folio_maybe_dma_pinned(folio), pins > 0);
	if (folio_has_pincount(folio))
		mf_expect(mf, k, "pincount", atomic_read(&folio->_pincount),
			  pins);
}

/* The call pinned the @want pages from where it was told, @times times now. */
static void mf_expect_pinned_times(struct mf *mf, long want, int times)
{
	unsigned int first = mf->start >> PAGE_SHIFT;
	unsigned int k;

	mf_expect(mf, -1, "return", mf->ret, want);
	for (k = 0; k < max(mf->ret, 0L); k++) {
		struct folio *folio = mf->folios[k];

		mf_expect(mf, k, "is the folio of the file",
			  folio == mf_cached(mf, first + k), true);
		if (folio != mf_cached(mf, first + k))
			return;
		mf_expect(mf, k, "index", folio->index, first + k);
		mf_expect(mf, k, "folio_is_longterm_pinnable",
			  folio_is_longterm_pinnable(folio), true);
		mf_expect(mf, k, "uptodate", folio_test_uptodate(folio), true);
		mf_expect_pins(mf, folio, k, times);
	}
	for (; k < mf->room; k++) {
		if (mf->folios[k] == MF_UNTOUCHED)
			continue;
		mf_expect(mf, k, "folios[] was stored to behind the return value",
			  (long)mf->folios[k], (long)MF_UNTOUCHED);
		break;
	}
	mf_expect(mf, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  mf_held() - mf->held, want * times);
}

static void mf_expect_pinned(struct mf *mf, long want)
{
	mf_expect_pinned_times(mf, want, 1);
}

/* Nothing of the file is pinned, and as many pins were released as taken. */
static void mf_expect_rest(struct mf *mf)
{
	unsigned int i;

	gk_settle();
	for (i = 0; i < mf->nr; i++) {
		struct folio *folio = mf_cached(mf, i);

		if (folio)
			mf_expect_pins(mf, folio, i, 0);
	}
	mf_expect(mf, -1, "pins held, by nr_foll_pin_acquired and _released",
		  mf_held() - mf->held, 0);
}

static void mf_expect_written(struct mf *mf, unsigned int first,
			      unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		mf_expect(mf, i, "the file holds what was written",
			  mf_reads(mf, i, mf_byte(i)), true);
}

/*
 * Arguments
 */

static const struct mf_invalid {
	const char *name;
	unsigned int nr;
	loff_t start;
	loff_t end;
	unsigned int max;
	bool no_file;
	bool not_memfd;
} mf_invalids[] = {
	{ "start_negative", 8, -1, PAGE_SIZE - 1, 8 },
	{ "start_min", 8, LLONG_MIN, PAGE_SIZE - 1, 8 },
	{ "start_past_end", 8, PAGE_SIZE, PAGE_SIZE - 1, 8 },
	{ "end_negative", 8, 0, -1, 8 },
	{ "max_folios_0", 8, 0, PAGE_SIZE - 1, 0 },
	{ "no_file", 8, 0, PAGE_SIZE - 1, 8, .no_file = true },
	{ "not_memfd", 8, 0, 0, 8, .not_memfd = true },
	{ "end_at_size", 8, 0, 8 * PAGE_SIZE, 8 },
	{ "end_past_size", 8, 0, 9 * PAGE_SIZE - 1, 16 },
	{ "all_past_size", 8, 8 * PAGE_SIZE, 9 * PAGE_SIZE - 1, 8 },
	{ "end_max", 8, 0, LLONG_MAX, 8 },
	{ "empty_file", 0, 0, 0, 8 },
};

KUNIT_ARRAY_PARAM_DESC(mf_invalid, mf_invalids, name);

/* Arguments that make no sense give -EINVAL, and nothing is done. */
static void gup_memfd_invalid(struct kunit *test)
{
	const struct mf_invalid *p = test->param_value;
	struct mf *mf = mf_open_written(test, p->nr);
	struct file *memfd = mf->file;

	if (p->no_file)
		mf->file = NULL;
	if (p->not_memfd) {
		static const struct file_operations no_fops;

		/* An inode of its own, and no reason to refuse but its kind. */
		mf->file = anon_inode_create_getfile("[gup_memfd]", &no_fops,
						     NULL, O_RDWR, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(mf->file));
		KUNIT_ASSERT_EQ(test, 0,
				kunit_add_action_or_reset(test, mf_fput,
							  mf->file));
		i_size_write(file_inode(mf->file), SZ_1M);
	}
	mf_pin_bytes(mf, p->start, p->end, p->max);
	mf->file = memfd;

	mf_expect(mf, -1, "return", mf->ret, -EINVAL);
	mf_expect(mf, 0, "folios[] untouched", mf->folios[0] == MF_UNTOUCHED,
		  true);
	mf_expect(mf, -1, "offset untouched", mf->offset, MF_NO_OFFSET);
	mf_unpin(mf);
	mf_expect_rest(mf);
	mf_expect_written(mf, 0, p->nr);
}

static const struct mf_bytes {
	const char *name;
	loff_t start;
	loff_t end;
	long folios;
	pgoff_t offset;
} mf_offsets[] = {
	{ "first_byte", 0, 0, 1, 0 },
	{ "first_page", 0, PAGE_SIZE - 1, 1, 0 },
	{ "into_second_page", 0, PAGE_SIZE, 2, 0 },
	{ "all", 0, 8 * PAGE_SIZE - 1, 8, 0 },
	{ "from_within", 17, 8 * PAGE_SIZE - 1, 8, 17 },
	{ "from_last_byte_of_page", PAGE_SIZE - 1, 3 * PAGE_SIZE - 1, 3,
	  PAGE_SIZE - 1 },
	{ "one_byte_within", 3 * PAGE_SIZE + 5, 3 * PAGE_SIZE + 5, 1, 5 },
	{ "across_an_edge", 2 * PAGE_SIZE - 1, 2 * PAGE_SIZE, 2, PAGE_SIZE - 1 },
	{ "last_byte", 8 * PAGE_SIZE - 1, 8 * PAGE_SIZE - 1, 1, PAGE_SIZE - 1 },
};

KUNIT_ARRAY_PARAM_DESC(mf_offset, mf_offsets, name);

/* [start, end] are bytes, both included; *offset is where start lies. */
static void gup_memfd_offset(struct kunit *test)
{
	const struct mf_bytes *p = test->param_value;
	struct mf *mf = mf_open_written(test, 8);

	mf_pin_bytes(mf, p->start, p->end, 8);
	mf_expect_pinned(mf, p->folios);
	mf_expect(mf, 0, "*offset", mf->offset, p->offset);
	mf_unpin(mf);
	mf_expect_rest(mf);
	mf_expect_written(mf, 0, 8);
}

static const struct mf_max {
	const char *name;
	unsigned int max;
	long folios;
} mf_maxes[] = {
	{ "1", 1, 1 },
	{ "batch-1", FOLIO_BATCH_SIZE - 1, FOLIO_BATCH_SIZE - 1 },
	{ "batch", FOLIO_BATCH_SIZE, FOLIO_BATCH_SIZE },
	{ "batch+1", FOLIO_BATCH_SIZE + 1, FOLIO_BATCH_SIZE + 1 },
	{ "all", MF_MANY, MF_MANY },
	{ "more", MF_MANY + 7, MF_MANY },
	{ "uint_max", UINT_MAX, MF_MANY },
};

KUNIT_ARRAY_PARAM_DESC(mf_max, mf_maxes, name);

/* No more than max_folios are pinned, and none behind them has a count left. */
static void gup_memfd_max(struct kunit *test)
{
	const struct mf_max *p = test->param_value;
	struct mf *mf = mf_open_written(test, MF_MANY);
	unsigned int i;

	mf_pin_bytes(mf, 0, (loff_t)MF_MANY * PAGE_SIZE - 1, p->max);
	mf_expect_pinned(mf, p->folios);
	for (i = p->folios; i < mf->nr; i++)
		mf_expect_pins(mf, mf_cached(mf, i), i, 0);
	mf_unpin(mf);
	mf_expect_rest(mf);
	mf_expect_written(mf, 0, mf->nr);
}

/*
 * What it pins
 */

static bool mf_none(unsigned int i)
{
	return false;
}

static bool mf_all(unsigned int i)
{
	return true;
}

static bool mf_first(unsigned int i)
{
	return i == 0;
}

static bool mf_last(unsigned int i)
{
	return i == MF_MANY - 1;
}

static bool mf_odd(unsigned int i)
{
	return i % 2;
}

static bool mf_even(unsigned int i)
{
	return i % 2 == 0;
}

static bool mf_groups(unsigned int i)
{
	return i % 16 < 11;
}

static const struct mf_filled {
	const char *name;
	bool (*written)(unsigned int i);
} mf_filleds[] = {
	{ "no_page", mf_none },
	{ "all_pages", mf_all },
	{ "first_page", mf_first },
	{ "last_page", mf_last },
	{ "odd_pages", mf_odd },
	{ "even_pages", mf_even },
	{ "groups", mf_groups },
};

KUNIT_ARRAY_PARAM_DESC(mf_filled, mf_filleds, name);

/* Holes are filled with zeroes on demand, the rest is pinned as it is. */
static void gup_memfd_holes(struct kunit *test)
{
	const struct mf_filled *p = test->param_value;
	struct mf *mf = mf_open(test, MF_MANY);
	unsigned int i;

	for (i = 0; i < mf->nr; i++) {
		if (p->written(i))
			mf_write(mf, i);
		KUNIT_ASSERT_EQ(test, !mf_cached(mf, i), !p->written(i));
	}
	mf_pin(mf, 0, mf->nr);
	mf_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++)
		mf_expect(mf, i, p->written(i) ? "content kept" : "zeroed",
			  mf_holds(mf->folios[i],
				   p->written(i) ? mf_byte(i) : 0), true);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* Pages outside of the range are neither pinned nor allocated. */
static void gup_memfd_range_only(struct kunit *test)
{
	struct mf *mf = mf_open(test, 16);
	unsigned int i;

	mf_write(mf, 4);
	mf_write(mf, 11);
	mf_pin(mf, 5, 6);
	mf_expect_pinned(mf, 6);
	for (i = 0; i < mf->nr; i++) {
		if (i >= 5 && i < 11)
			continue;
		mf_expect(mf, i, "page outside of the range is cached",
			  !!mf_cached(mf, i), i == 4 || i == 11);
		if (mf_cached(mf, i))
			mf_expect_pins(mf, mf_cached(mf, i), i, 0);
	}
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* What goes through a pinned folio is what the file holds, both ways. */
static void gup_memfd_coherent(struct kunit *test)
{
	struct mf *mf = mf_open(test, 8);
	unsigned int i;

	mf_pin(mf, 0, mf->nr);
	mf_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i += 2)
		mf_fill(mf->folios[i], mf_byte(i));
	for (i = 1; i < max(mf->ret, 0L); i += 2) {
		mf_write(mf, i);
		mf_expect(mf, i, "the folio holds what was written to the file",
			  mf_holds(mf->folios[i], mf_byte(i)), true);
	}
	mf_expect_written(mf, 0, mf->nr);
	mf_unpin(mf);
	mf_expect_rest(mf);
	mf_expect_written(mf, 0, mf->nr);
}

/* Each call takes one pin a folio; each is given back on its own. */
static void gup_memfd_twice(struct kunit *test)
{
	struct mf *mf = mf_open_written(test, 8);
	struct folio *first[8];
	unsigned int k;

	mf_pin(mf, 0, 8);
	mf_expect_pinned(mf, 8);
	KUNIT_ASSERT_EQ(test, mf->ret, 8);
	memcpy(first, mf->folios, sizeof(first));
	mf_pin(mf, 0, 8);
	mf_expect_pinned_times(mf, 8, 2);
	for (k = 0; k < 8; k++)
		mf_expect(mf, k, "is the folio of the first call",
			  mf->folios[k] == first[k], true);
	mf_unpin(mf);
	mf_expect_pinned_times(mf, 8, 1);
	unpin_folios(first, 8);
	mf_expect_rest(mf);
}

/* A pin is given back folio by folio, in any order, as well as at once. */
static void gup_memfd_release_in_parts(struct kunit *test)
{
	struct mf *mf = mf_open_written(test, 8);
	unsigned int k;

	mf_pin(mf, 0, 8);
	mf_expect_pinned(mf, 8);
	KUNIT_ASSERT_EQ(test, mf->ret, 8);
	unpin_folio(mf->folios[5]);
	unpin_folios(mf->folios + 1, 3);
	for (k = 0; k < 8; k++)
		mf_expect_pins(mf, mf->folios[k], k,
			       !(k == 5 || (k >= 1 && k < 4)));
	unpin_folio(mf->folios[7]);
	unpin_folio(mf->folios[0]);
	unpin_folio(mf->folios[4]);
	unpin_folio(mf->folios[6]);
	mf_expect_rest(mf);
}

/* The file may lose a pinned folio: the pin alone keeps it, and its content. */
static void gup_memfd_truncated(struct kunit *test)
{
	struct mf *mf = mf_open_written(test, 4);
	struct folio *folio;
	unsigned int k;

	mf_pin(mf, 0, 4);
	mf_expect_pinned(mf, 4);
	KUNIT_ASSERT_EQ(test, mf->ret, 4);
	shmem_truncate_range(file_inode(mf->file), 0, -1);
	gk_settle();
	for (k = 0; k < 4; k++) {
		folio = mf->folios[k];
		mf_expect(mf, k, "still in the file", !!mf_cached(mf, k),
			  false);
		mf_expect(mf, k, "refcount", folio_ref_count(folio),
			  GUP_PIN_COUNTING_BIAS);
		mf_expect(mf, k, "content kept", mf_holds(folio, mf_byte(k)),
			  true);
		folio_get(folio);
	}
	mf_unpin(mf);
	for (k = 0; k < 4; k++) {
		mf_expect(mf, k, "refcount after the release",
			  folio_ref_count(mf->folios[k]), 1);
		folio_put(mf->folios[k]);
	}
	mf_pin(mf, 0, 4);
	mf_expect_pinned(mf, 4);
	for (k = 0; k < max(mf->ret, 0L); k++)
		mf_expect(mf, k, "a new folio is zeroed",
			  mf_holds(mf->folios[k], 0), true);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/*
 * Pages that fallocate() has allocated and nobody has touched are to read as
 * zeroes. Their folios are in the page cache and not uptodate: what their last
 * owner left is still in them.
 */
static struct mf *mf_open_fallocated(struct kunit *test, unsigned int nr)
{
	struct mf *mf = mf_open(test, nr);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(mf->file, 0, 0,
					       (loff_t)nr * PAGE_SIZE));
	for (i = 0; i < nr; i++) {
		struct folio *folio = mf_cached(mf, i);

		KUNIT_ASSERT_NOT_NULL(test, folio);
		if (!folio_test_uptodate(folio))
			mf_fill(folio, 0xa5);
	}
	gk_settle();
	return mf;
}

/* Who pins fallocated pages gets zeroes, not what others left in memory. */
static void gup_memfd_fallocated_zeroed(struct kunit *test)
{
	struct mf *mf = mf_open_fallocated(test, MF_MANY);
	unsigned int i;

	mf_pin(mf, 0, mf->nr);
	mf_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++)
		mf_expect(mf, i, "zeroed", mf_holds(mf->folios[i], 0), true);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* As many as were asked for, and no more: clearing costs. */
static void gup_memfd_fallocated_max(struct kunit *test)
{
	struct mf *mf = mf_open_fallocated(test, MF_MANY);
	const unsigned int want = FOLIO_BATCH_SIZE + 5;
	unsigned int i;

	mf_pin_bytes(mf, 0, (loff_t)mf->nr * PAGE_SIZE - 1, want);
	mf_expect_pinned(mf, want);
	for (i = 0; i < max(mf->ret, 0L); i++)
		mf_expect(mf, i, "zeroed", mf_holds(mf->folios[i], 0), true);
	for (i = want; i < mf->nr; i++)
		mf_expect(mf, i, "uptodate, though not asked for",
			  folio_test_uptodate(mf_cached(mf, i)), false);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* The same when only some pages of the range were fallocated. */
static void gup_memfd_fallocated_mixed(struct kunit *test)
{
	struct mf *mf = mf_open_fallocated(test, 16);
	unsigned int i;

	for (i = 0; i < mf->nr; i += 3)
		mf_write(mf, i);
	shmem_truncate_range(file_inode(mf->file), 7 * PAGE_SIZE,
			     9 * PAGE_SIZE - 1);
	gk_settle();
	mf_pin(mf, 0, mf->nr);
	mf_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++)
		mf_expect(mf, i, "content, written or zeroed",
			  mf_holds(mf->folios[i], i % 3 ? 0 : mf_byte(i)), true);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* Touch page @i of the file, whose first byte must be @byte then. */
static u8 mf_touch_read(struct mf *mf, unsigned int i)
{
	loff_t pos = (loff_t)i * PAGE_SIZE;
	u8 byte = 0;

	KUNIT_ASSERT_EQ(mf->test, 1, kernel_read(mf->file, &byte, 1, &pos));
	return byte;
}

static u8 mf_touch_write(struct mf *mf, unsigned int i)
{
	loff_t pos = (loff_t)i * PAGE_SIZE + PAGE_SIZE / 2;
	u8 byte = mf_byte(i);

	KUNIT_ASSERT_EQ(mf->test, 1, kernel_write(mf->file, &byte, 1, &pos));
	return mf_touch_read(mf, i);
}

static u8 mf_touch_mapped(struct mf *mf, unsigned int i)
{
	unsigned long addr;
	u8 byte = 0;

	KUNIT_ASSERT_EQ(mf->test, 0, kunit_attach_mm());
	addr = kunit_vm_mmap(mf->test, mf->file, 0, PAGE_SIZE, PROT_READ,
			     MAP_SHARED, (unsigned long)i * PAGE_SIZE);
	KUNIT_ASSERT_FALSE(mf->test, !addr || IS_ERR_VALUE(addr));
	KUNIT_ASSERT_EQ(mf->test, 0, get_user(byte, (u8 __user *)addr));
	return byte;
}

static u8 mf_touch_fallocate(struct mf *mf, unsigned int i)
{
	KUNIT_ASSERT_EQ(mf->test, 0,
			vfs_fallocate(mf->file, 0, (loff_t)i * PAGE_SIZE,
				      PAGE_SIZE));
	return mf_touch_read(mf, i);
}

static const struct mf_touch {
	const char *name;
	u8 (*touch)(struct mf *mf, unsigned int i);
} mf_touches[] = {
	{ "read", mf_touch_read },
	{ "write_nearby", mf_touch_write },
	{ "mmap", mf_touch_mapped },
	{ "fallocate_again", mf_touch_fallocate },
};

KUNIT_ARRAY_PARAM_DESC(mf_touch, mf_touches, name);

/*
 * What a device stores through the pin of a fallocated page is in the file for
 * whoever looks at it next, in whatever way, and stays.
 */
static void gup_memfd_fallocated_kept(struct kunit *test)
{
	const struct mf_touch *p = test->param_value;
	struct mf *mf = mf_open_fallocated(test, 4);
	unsigned int i;

	mf_pin(mf, 0, mf->nr);
	mf_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++)
		mf_fill(mf->folios[i], mf_byte(i));
	for (i = 0; i < max(mf->ret, 0L); i++) {
		mf_expect(mf, i, "first byte that the file shows",
			  p->touch(mf, i), mf_byte(i));
		mf_expect(mf, i, "the pinned folio holds what was stored",
			  mf_holds(mf->folios[i], mf_byte(i)), true);
	}
	mf_expect_written(mf, 0, mf->nr);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/*
 * Migration
 */

/* A written file of which every folio must move before it may be pinned. */
static struct mf *mf_open_movable(struct kunit *test, unsigned int nr)
{
	struct mf *mf = mf_open_written(test, nr);
	unsigned int i;

	if (!IS_ENABLED(CONFIG_MIGRATION))
		kunit_skip(test, "needs CONFIG_MIGRATION");
	for (i = 0; i < nr; i++)
		if (folio_is_longterm_pinnable(mf_cached(mf, i)))
			kunit_skip(test, "needs ZONE_MOVABLE: movablecore=");
	return mf;
}

/* Movable folios are replaced by ones that may stay; the content moves along. */
static void gup_memfd_migrates(struct kunit *test)
{
	struct mf *mf = mf_open_movable(test, MF_MANY);
	unsigned int i;

	mf_pin(mf, 0, mf->nr);
	mf_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++)
		mf_expect(mf, i, "content kept",
			  mf_holds(mf->folios[i], mf_byte(i)), true);
	mf_expect_written(mf, 0, mf->nr);
	mf_expect(mf, 0, "*offset", mf->offset, 0);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* Folios that may stay are left where they are. */
static void gup_memfd_migrates_once(struct kunit *test)
{
	struct mf *mf = mf_open_movable(test, 8);
	struct folio *first[8];
	unsigned int k;

	mf_pin(mf, 0, 8);
	mf_expect_pinned(mf, 8);
	KUNIT_ASSERT_EQ(test, mf->ret, 8);
	memcpy(first, mf->folios, sizeof(first));
	mf_unpin(mf);
	mf_expect_rest(mf);
	mf_pin(mf, 0, 8);
	mf_expect_pinned(mf, 8);
	for (k = 0; k < max(mf->ret, 0L); k++)
		mf_expect(mf, k, "is the same folio again",
			  mf->folios[k] == first[k], true);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* Movable ones between others that may stay. */
static void gup_memfd_migrates_some(struct kunit *test)
{
	struct mf *mf = mf_open_movable(test, 16);
	struct folio *stay[4];
	unsigned int k;

	mf_pin(mf, 6, 4);
	mf_expect_pinned(mf, 4);
	KUNIT_ASSERT_EQ(test, mf->ret, 4);
	memcpy(stay, mf->folios, sizeof(stay));
	mf_unpin(mf);

	mf_pin(mf, 0, 16);
	mf_expect_pinned(mf, 16);
	for (k = 0; k < 4; k++)
		mf_expect(mf, 6 + k, "did not move",
			  mf->folios[6 + k] == stay[k], true);
	mf_expect_written(mf, 0, 16);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* A process has the file mapped: its pages move, then stay, pinned by both. */
static void gup_memfd_mapped(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_written, 8);
	struct file *file = get_file(r->file);
	struct mf *mf = mf_adopt(test, file, 8);
	struct gk_call *c;
	unsigned int k;

	for (k = 0; k < 8; k++)
		gk_store(r, k, mf_byte(k));
	mf_pin(mf, 0, 8);
	for (k = 0; k < 8; k++)
		mf_expect(mf, k, "the process sees its bytes", gk_load(r, k),
			  mf_byte(k));
	gk_settle();
	mf_expect_pinned(mf, 8);
	for (k = 0; k < max(mf->ret, 0L); k++)
		mf_expect(mf, k, "the process has the pinned page mapped",
			  gk_page(r, k) == folio_page(mf->folios[k], 0), true);

	c = gk_gup(r, GK_PIN_FAST, FOLL_WRITE | FOLL_LONGTERM);
	gk_expect_pinned(c, 8);
	for (k = 0; k < max(min(mf->ret, c->ret), 0L); k++)
		mf_expect(mf, k, "pinned through the mapping as well",
			  page_folio(c->pages[k]) == mf->folios[k], true);
	mf_expect_pinned_times(mf, 8, 2);
	gk_release(c);
	gk_expect_restored(c);
	mf_expect_pinned(mf, 8);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/*
 * Failure
 */

static const struct mf_where {
	const char *name;
	unsigned int i;
} mf_wheres[] = {
	{ "first", 0 },
	{ "middle", 40 },
	{ "last", MF_MANY - 1 },
};

KUNIT_ARRAY_PARAM_DESC(mf_where, mf_wheres, name);

/* One folio that somebody uses cannot move: -EBUSY, and none is pinned. */
static void gup_memfd_busy(struct kunit *test)
{
	const struct mf_where *p = test->param_value;
	struct mf *mf = mf_open_movable(test, MF_MANY);
	struct folio *busy = mf_cached(mf, p->i);

	folio_get(busy);
	mf_pin(mf, 0, mf->nr);
	mf_expect(mf, p->i, "return", mf->ret, -EBUSY);
	mf_expect(mf, p->i, "the folio in use did not move",
		  mf_cached(mf, p->i) == busy, true);
	folio_put(busy);
	mf_unpin(mf);
	mf_expect_rest(mf);
	mf_expect_written(mf, 0, mf->nr);

	/* Once it is not in use any more nothing is in the way. */
	mf_pin(mf, 0, mf->nr);
	mf_expect_pinned(mf, mf->nr);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/* A file system that is full: its error, and none of the others is pinned. */
static void gup_memfd_no_space(struct kunit *test)
{
	char options[] = "nr_blocks=5";
	struct file_system_type *type;
	struct vfsmount *mnt;
	struct mf *mf;

	if (!IS_ENABLED(CONFIG_TMPFS))
		kunit_skip(test, "needs CONFIG_TMPFS");
	type = get_fs_type("tmpfs");
	KUNIT_ASSERT_NOT_NULL(test, type);
	mnt = vfs_kern_mount(type, SB_KERNMOUNT, "gup_memfd", options);
	put_filesystem(type);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
	/* The file keeps the mount. */
	mf = mf_adopt(test, shmem_file_setup_with_mnt(mnt, "gup_memfd",
						      8 * PAGE_SIZE,
						      EMPTY_VMA_FLAGS), 8);
	mntput(mnt);

	mf_write(mf, 0);
	mf_write(mf, 1);
	mf_pin(mf, 0, 8);
	mf_expect(mf, -1, "return", mf->ret, -ENOSPC);
	mf_unpin(mf);
	mf_expect_rest(mf);
	mf_expect_written(mf, 0, 2);

	mf_pin(mf, 0, 4);
	mf_expect_pinned(mf, 4);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

/*
 * Somebody is about to isolate a folio: it is not on the LRU for others, so
 * it does not move, and memfd_pin_folios() tries again. This ends the attempts
 * of a kernel that would never do: in an interrupt, as nothing in that loop
 * schedules, and after a number of attempts, not after a time.
 */
struct mf_isolated {
	struct timer_list timer;
	struct folio *folio;
	long acquired;
	unsigned long deadline;
	bool put_back;
};

#define MF_ATTEMPTS	1000

static void mf_put_back(struct timer_list *timer)
{
	struct mf_isolated *isolated = timer_container_of(isolated, timer,
							  timer);

	/* The deadline is for a kernel that does not count its pins. */
	if (gk_stat(NR_FOLL_PIN_ACQUIRED) - isolated->acquired < MF_ATTEMPTS &&
	    time_before(jiffies, isolated->deadline)) {
		mod_timer(timer, jiffies + 1);
		return;
	}
	isolated->put_back = true;
	folio_set_lru(isolated->folio);
}

static void mf_isolate(struct mf *mf, struct mf_isolated *isolated,
		       unsigned int i)
{
	isolated->folio = mf_cached(mf, i);
	isolated->acquired = gk_stat(NR_FOLL_PIN_ACQUIRED);
	isolated->deadline = jiffies + 10 * HZ;
	isolated->put_back = false;
	folio_get(isolated->folio);
	KUNIT_ASSERT_TRUE(mf->test, folio_test_clear_lru(isolated->folio));
	timer_setup_on_stack(&isolated->timer, mf_put_back, 0);
	mod_timer(&isolated->timer, jiffies + 1);
}

static void mf_isolate_end(struct mf_isolated *isolated)
{
	timer_shutdown_sync(&isolated->timer);
	timer_destroy_on_stack(&isolated->timer);
	if (!isolated->put_back)
		folio_set_lru(isolated->folio);
	folio_put(isolated->folio);
}

/* A fatal signal ends the attempts to migrate; nothing is pinned then. */
static void gup_memfd_fatal_signal(struct kunit *test)
{
	struct mf *mf = mf_open_movable(test, 8);
	struct mf_isolated isolated;

	mf_isolate(mf, &isolated, 3);
	gk_signal(SIGKILL);
	mf_pin(mf, 0, 8);
	gk_signal_clear();
	mf_isolate_end(&isolated);
	mf_expect(mf, 3, "return", mf->ret, -EINTR);
	mf_expect(mf, 3, "more than 1000 attempts", isolated.put_back, false);
	mf_unpin(mf);
	mf_expect_rest(mf);
	mf_expect_written(mf, 0, 8);
}

/* Any other signal does not: the caller need not start over for it. */
static void gup_memfd_other_signal(struct kunit *test)
{
	struct mf *mf = mf_open_movable(test, 8);

	gk_signal(SIGUSR1);
	mf_pin(mf, 0, 8);
	gk_signal_clear();
	mf_expect_pinned(mf, 8);
	mf_unpin(mf);
	mf_expect_rest(mf);
}

#ifdef CONFIG_HUGETLB_PAGE
/*
 * A file that has been truncated since memfd_pin_folios() looked at its size: no
 * huge page is added behind its end. Whether one is left in the pool does not matter.
 */
static void gup_memfd_hugetlb_past_end(struct kunit *test)
{
	const unsigned int huge = HPAGE_SIZE >> PAGE_SHIFT;
	struct mf *mf = mf_adopt(test, hugetlb_file_setup("gup_memfd", HPAGE_SIZE,
							  mk_vma_flags(VMA_NORESERVE_BIT),
							  HUGETLB_ANONHUGE_INODE,
							  HPAGE_SHIFT), huge);
	struct folio *folio = memfd_alloc_folio(mf->file, huge);

	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(folio), -EINVAL,
			    "memfd_alloc_folio() behind the end: wanted %d, got %ld",
			    -EINVAL, (long)PTR_ERR_OR_ZERO(folio));
	KUNIT_EXPECT_NULL(test, mf_cached(mf, huge));
	if (!IS_ERR(folio))
		folio_put(folio);
	folio = memfd_alloc_folio(mf->file, 0);
	KUNIT_EXPECT_NE_MSG(test, PTR_ERR_OR_ZERO(folio), -EINVAL,
			    "memfd_alloc_folio() before the end: -EINVAL");
	if (!IS_ERR(folio))
		folio_put(folio);
}
#endif

static struct kunit_case gup_memfd_cases[] = {
	KUNIT_CASE_PARAM(gup_memfd_invalid, mf_invalid_gen_params),
	KUNIT_CASE_PARAM(gup_memfd_offset, mf_offset_gen_params),
	KUNIT_CASE_PARAM(gup_memfd_max, mf_max_gen_params),
	KUNIT_CASE_PARAM(gup_memfd_holes, mf_filled_gen_params),
	KUNIT_CASE(gup_memfd_range_only),
	KUNIT_CASE(gup_memfd_coherent),
	KUNIT_CASE(gup_memfd_twice),
	KUNIT_CASE(gup_memfd_release_in_parts),
	KUNIT_CASE(gup_memfd_truncated),
	KUNIT_CASE(gup_memfd_fallocated_zeroed),
	KUNIT_CASE(gup_memfd_fallocated_max),
	KUNIT_CASE(gup_memfd_fallocated_mixed),
	KUNIT_CASE_PARAM(gup_memfd_fallocated_kept, mf_touch_gen_params),
	KUNIT_CASE(gup_memfd_migrates),
	KUNIT_CASE(gup_memfd_migrates_once),
	KUNIT_CASE(gup_memfd_migrates_some),
	KUNIT_CASE(gup_memfd_mapped),
	KUNIT_CASE_PARAM(gup_memfd_busy, mf_where_gen_params),
	KUNIT_CASE(gup_memfd_no_space),
	KUNIT_CASE(gup_memfd_fatal_signal),
	KUNIT_CASE(gup_memfd_other_signal),
#ifdef CONFIG_HUGETLB_PAGE
	KUNIT_CASE(gup_memfd_hugetlb_past_end),
#endif
	{}
};

static struct kunit_suite gup_memfd_suite = {
	.name = "gup_memfd",
	.test_cases = gup_memfd_cases,
};

kunit_test_suite(gup_memfd_suite);

MODULE_DESCRIPTION("KUnit tests of memfd_pin_folios()");
MODULE_LICENSE("GPL");
