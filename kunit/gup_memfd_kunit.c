// SPDX-License-Identifier: GPL-2.0-only
/*
 * memfd_pin_folios() on shmem files: arguments, offsets, what it allocates,
 * what it migrates, what it counts, and how it ends when it cannot. And
 * memfd_pin_page_ranges(), which makes ranges of what the other one finds.
 *
 * Folios of more than one page need CONFIG_TRANSPARENT_HUGEPAGE here: a page
 * cache without CONFIG_XARRAY_MULTI cannot hold them. hugetlb files need
 * CONFIG_HUGETLBFS. Lanes without them leave these cases out; those that want a pool
 * with pages in a movable zone run on um only.
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
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/timer.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "gk.h"

/* More than what the page cache hands out at a time. */
#define MEMFD_MANY		(2 * FOLIO_BATCH_SIZE + 9)
#define MEMFD_UNTOUCHED	((struct folio *)0x6b6b6b6bUL)
#define MEMFD_NO_OFFSET	((pgoff_t)0x6b6b6b6bUL)

/**
 * struct memfd - a file of @nr pages and the last call on it
 * @api: the call
 * @start: first byte asked for
 * @end: last byte asked for
 * @max: max_folios
 * @ret: what the call returned
 * @offset: what it said about the first folio
 * @folios: what it stored, followed by entries that it must leave alone
 * @held: acquired - released before all calls
 * @said: what was found wrong so far
 */
struct memfd {
	struct kunit *test;
	struct file *file;
	unsigned int nr;
	const char *api;
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
static void memfd_expect(struct memfd *mf, long k, const char *what, long got,
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
		   "shape=memfd/%u api=%s [%lld, %lld] max=%u folio=%ld: %s: wanted %ld, got %ld",
		   mf->nr, mf->api, mf->start, mf->end, mf->max, k, what, want, got);
}

static long memfd_held(void)
{
	return gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED);
}

static struct memfd *memfd_of(struct kunit *test, struct file *file, unsigned int nr)
{
	struct memfd *mf = kunit_kzalloc(test, sizeof(*mf), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mf);
	mf->test = test;
	mf->file = file;
	mf->nr = nr;
	mf->api = "memfd_pin_folios";
	mf->room = 2 * nr + 64;
	mf->folios = kunit_kcalloc(test, mf->room, sizeof(*mf->folios),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mf->folios);
	gk_settle();
	mf->held = memfd_held();
	return mf;
}

/* Take over @file, which the end of the case closes. */
static struct memfd *memfd_adopt(struct kunit *test, struct file *file, unsigned int nr)
{
	gk_adopt_file(test, file);
	return memfd_of(test, file, nr);
}

/* A shmem file of @nr pages, all of them holes. */
static struct memfd *memfd_open(struct kunit *test, unsigned int nr)
{
	return memfd_adopt(test, shmem_file_setup("gup_memfd",
						  (loff_t)nr * PAGE_SIZE,
						  EMPTY_VMA_FLAGS), nr);
}

/* Write all of page @i, as a process would. */
static void memfd_write(struct memfd *mf, unsigned int i)
{
	void *buf = kunit_kmalloc(mf->test, PAGE_SIZE, GFP_KERNEL);
	loff_t pos = (loff_t)i * PAGE_SIZE;

	KUNIT_ASSERT_NOT_NULL(mf->test, buf);
	memset(buf, gk_byte(i), PAGE_SIZE);
	KUNIT_ASSERT_EQ(mf->test, PAGE_SIZE,
			kernel_write(mf->file, buf, PAGE_SIZE, &pos));
	kunit_kfree(mf->test, buf);
}

static struct memfd *memfd_open_written(struct kunit *test, unsigned int nr)
{
	struct memfd *mf = memfd_open(test, nr);
	unsigned int i;

	for (i = 0; i < nr; i++)
		memfd_write(mf, i);
	gk_settle();
	return mf;
}

/* The folio at page @i, NULL for a hole. The file holds it, the test does not. */
static struct folio *memfd_cached(struct memfd *mf, unsigned int i)
{
	struct folio *folio = filemap_get_folio(mf->file->f_mapping, i);

	if (IS_ERR(folio))
		return NULL;
	folio_put(folio);
	return folio;
}

/* Does all of page @i, read from the file, hold @byte? */
static bool memfd_reads(struct memfd *mf, unsigned int i, u8 byte)
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
static bool memfd_holds(struct folio *folio, u8 byte)
{
	void *addr = kmap_local_folio(folio, 0);
	bool all = !memchr_inv(addr, byte, PAGE_SIZE);

	kunmap_local(addr);
	return all;
}

static void memfd_fill(struct folio *folio, u8 byte)
{
	void *addr = kmap_local_folio(folio, 0);

	memset(addr, byte, PAGE_SIZE);
	kunmap_local(addr);
}

static void memfd_pin_bytes(struct memfd *mf, loff_t start, loff_t end,
			    unsigned int max)
{
	const unsigned int flags = current->flags & PF_MEMALLOC_PIN;
	unsigned int k;

	for (k = 0; k < mf->room; k++)
		mf->folios[k] = MEMFD_UNTOUCHED;
	mf->start = start;
	mf->end = end;
	mf->max = max;
	mf->offset = MEMFD_NO_OFFSET;
	mf->ret = memfd_pin_folios(mf->file, start, end, mf->folios, max,
				   &mf->offset);
	memfd_expect(mf, 0, "PF_MEMALLOC_PIN after the call", current->flags & PF_MEMALLOC_PIN,
		     flags);
	gk_settle();
}

/* Pin the pages [@first, @first + @nr). */
static void memfd_pin(struct memfd *mf, unsigned int first, unsigned int nr)
{
	memfd_pin_bytes(mf, (loff_t)first * PAGE_SIZE,
			(loff_t)(first + nr) * PAGE_SIZE - 1, nr);
}

static void memfd_unpin(struct memfd *mf)
{
	if (mf->ret > 0)
		unpin_folios(mf->folios, mf->ret);
}

/*
 * The folio at page @i has @pins pins and no other reference than those that
 * the file and page tables hold.
 */
static void memfd_expect_pins(struct memfd *mf, struct folio *folio, long k, int pins)
{
	memfd_expect(mf, k, "refcount beyond the expected one",
		     gk_held(folio),
		     gk_refs_wanted(&gk_apis[GK_PIN], folio, pins));
	memfd_expect(mf, k, "folio_maybe_dma_pinned",
		     folio_maybe_dma_pinned(folio), pins > 0);
	if (folio_has_pincount(folio))
		memfd_expect(mf, k, "pincount", atomic_read(&folio->_pincount),
			     pins);
}

/* The call pinned the @want pages from where it was told, @times times now. */
static void memfd_expect_pinned_times(struct memfd *mf, long want, int times)
{
	unsigned int first = mf->start >> PAGE_SHIFT;
	unsigned int k;

	memfd_expect(mf, -1, "return", mf->ret, want);
	for (k = 0; k < max(mf->ret, 0L); k++) {
		struct folio *folio = mf->folios[k];

		memfd_expect(mf, k, "is the folio of the file",
			     folio == memfd_cached(mf, first + k), true);
		if (folio != memfd_cached(mf, first + k))
			return;
		memfd_expect(mf, k, "index", folio->index, first + k);
		memfd_expect(mf, k, "folio_is_longterm_pinnable",
			     folio_is_longterm_pinnable(folio), true);
		memfd_expect(mf, k, "uptodate", folio_test_uptodate(folio), true);
		memfd_expect_pins(mf, folio, k, times);
	}
	for (; k < mf->room; k++) {
		if (mf->folios[k] == MEMFD_UNTOUCHED)
			continue;
		memfd_expect(mf, k, "folios[] was stored to behind the return value",
			     (long)mf->folios[k], (long)MEMFD_UNTOUCHED);
		break;
	}
	memfd_expect(mf, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		     memfd_held() - mf->held, want * times);
}

static void memfd_expect_pinned(struct memfd *mf, long want)
{
	memfd_expect_pinned_times(mf, want, 1);
}

/* Pages [first, first + nr), which are folios of one page, are pinned: @folios. */
static void memfd_pin_some(struct memfd *mf, unsigned int first, unsigned int nr,
			   struct folio **folios)
{
	memfd_pin(mf, first, nr);
	memfd_expect_pinned(mf, nr);
	KUNIT_ASSERT_EQ(mf->test, mf->ret, nr);
	memcpy(folios, mf->folios, nr * sizeof(*folios));
}

/* Nothing of the file is pinned, and as many pins were released as taken. */
static void memfd_expect_rest(struct memfd *mf)
{
	unsigned int i;

	gk_settle();
	for (i = 0; i < mf->nr; i++) {
		struct folio *folio = memfd_cached(mf, i);

		if (folio)
			memfd_expect_pins(mf, folio, i, 0);
	}
	memfd_expect(mf, -1, "pins held, by nr_foll_pin_acquired and _released",
		     memfd_held() - mf->held, 0);
}

/* What the last call pinned is given back, and that was all. */
static void memfd_expect_end(struct memfd *mf)
{
	memfd_unpin(mf);
	memfd_expect_rest(mf);
}

static void memfd_expect_written(struct memfd *mf, unsigned int first,
				 unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		memfd_expect(mf, i, "the file holds what was written",
			     memfd_reads(mf, i, gk_byte(i)), true);
}

/*
 * Arguments
 */

static const struct memfd_invalid {
	const char *name;
	unsigned int nr;
	loff_t start;
	loff_t end;
	unsigned int max;
	bool no_file;
	bool not_memfd;
} memfd_invalids[] = {
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

KUNIT_ARRAY_PARAM_DESC(memfd_invalid, memfd_invalids, name);

/* Arguments that make no sense give -EINVAL, and nothing is done. */
static void gup_memfd_invalid(struct kunit *test)
{
	const struct memfd_invalid *p = test->param_value;
	struct memfd *mf = memfd_open_written(test, p->nr);
	struct file *memfd = mf->file;

	if (p->no_file)
		mf->file = NULL;
	if (p->not_memfd) {
		static const struct file_operations no_fops;

		/* An inode of its own, and no reason to refuse but its kind. */
		mf->file = anon_inode_create_getfile("[gup_memfd]", &no_fops,
						     NULL, O_RDWR, NULL);
		gk_adopt_file(test, mf->file);
		i_size_write(file_inode(mf->file), SZ_1M);
	}
	memfd_pin_bytes(mf, p->start, p->end, p->max);
	mf->file = memfd;

	memfd_expect(mf, -1, "return", mf->ret, -EINVAL);
	memfd_expect(mf, 0, "folios[] untouched", mf->folios[0] == MEMFD_UNTOUCHED,
		     true);
	memfd_expect(mf, -1, "offset untouched", mf->offset, MEMFD_NO_OFFSET);
	memfd_expect_end(mf);
	memfd_expect_written(mf, 0, p->nr);
}

static const struct memfd_bytes {
	const char *name;
	loff_t start;
	loff_t end;
	long folios;
	pgoff_t offset;
} memfd_offsets[] = {
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

KUNIT_ARRAY_PARAM_DESC(memfd_offset, memfd_offsets, name);

/* [start, end] are bytes, both included; *offset is where start lies. */
static void gup_memfd_offset(struct kunit *test)
{
	const struct memfd_bytes *p = test->param_value;
	struct memfd *mf = memfd_open_written(test, 8);

	memfd_pin_bytes(mf, p->start, p->end, 8);
	memfd_expect_pinned(mf, p->folios);
	memfd_expect(mf, 0, "*offset", mf->offset, p->offset);
	memfd_expect_end(mf);
	memfd_expect_written(mf, 0, 8);
}

static const struct memfd_max {
	const char *name;
	unsigned int max;
	long folios;
} memfd_maxes[] = {
	{ "1", 1, 1 },
	{ "batch-1", FOLIO_BATCH_SIZE - 1, FOLIO_BATCH_SIZE - 1 },
	{ "batch", FOLIO_BATCH_SIZE, FOLIO_BATCH_SIZE },
	{ "batch+1", FOLIO_BATCH_SIZE + 1, FOLIO_BATCH_SIZE + 1 },
	{ "all", MEMFD_MANY, MEMFD_MANY },
	{ "more", MEMFD_MANY + 7, MEMFD_MANY },
	{ "uint_max", UINT_MAX, MEMFD_MANY },
};

KUNIT_ARRAY_PARAM_DESC(memfd_max, memfd_maxes, name);

/* No more than max_folios are pinned, and none behind them has a count left. */
static void gup_memfd_max(struct kunit *test)
{
	const struct memfd_max *p = test->param_value;
	struct memfd *mf = memfd_open_written(test, MEMFD_MANY);
	unsigned int i;

	memfd_pin_bytes(mf, 0, (loff_t)MEMFD_MANY * PAGE_SIZE - 1, p->max);
	memfd_expect_pinned(mf, p->folios);
	for (i = p->folios; i < mf->nr; i++)
		memfd_expect_pins(mf, memfd_cached(mf, i), i, 0);
	memfd_expect_end(mf);
	memfd_expect_written(mf, 0, mf->nr);
}

/*
 * What it pins
 */

/**
 * struct memfd_filled - the pages that are written before the file is pinned
 * @from: the first one
 * @run: so many in a row,
 * @every: of so many
 */
static const struct memfd_filled {
	const char *name;
	unsigned int from, run, every;
} memfd_filleds[] = {
	{ "no_page", .run = 0, .every = 1 },
	{ "all_pages", .run = 1, .every = 1 },
	{ "first_page", .run = 1, .every = MEMFD_MANY },
	{ "last_page", .from = MEMFD_MANY - 1, .run = 1, .every = 1 },
	{ "odd_pages", .from = 1, .run = 1, .every = 2 },
	{ "even_pages", .run = 1, .every = 2 },
	{ "groups", .run = 11, .every = 16 },
};

static bool memfd_is_filled(const struct memfd_filled *p, unsigned int i)
{
	return i >= p->from && (i - p->from) % p->every < p->run;
}

KUNIT_ARRAY_PARAM_DESC(memfd_filled, memfd_filleds, name);

/*
 * Holes are filled with zeroes on demand, where they can be pinned; the rest is pinned as
 * it is.
 */
static void gup_memfd_holes(struct kunit *test)
{
	const struct memfd_filled *p = test->param_value;
	struct memfd *mf = memfd_open(test, MEMFD_MANY);
	unsigned long migrated;
	unsigned int i, movable = 0;
	bool written;

	for (i = 0; i < mf->nr; i++) {
		written = memfd_is_filled(p, i);
		if (written)
			memfd_write(mf, i);
		KUNIT_ASSERT_EQ(test, !memfd_cached(mf, i), !written);
		if (written && !folio_is_longterm_pinnable(memfd_cached(mf, i)))
			movable++;
	}
	migrated = gk_events(PGMIGRATE_SUCCESS);
	memfd_pin(mf, 0, mf->nr);
	migrated = gk_events(PGMIGRATE_SUCCESS) - migrated;
	memfd_expect(mf, -1, "pages migrated", migrated, movable);
	memfd_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++) {
		written = memfd_is_filled(p, i);
		memfd_expect(mf, i, written ? "content kept" : "zeroed",
			     memfd_holds(mf->folios[i], written ? gk_byte(i) : 0), true);
	}
	memfd_expect_end(mf);
}

/* Pages outside of the range are neither pinned nor allocated. */
static void gup_memfd_range_only(struct kunit *test)
{
	struct memfd *mf = memfd_open(test, 16);
	unsigned int i;

	memfd_write(mf, 4);
	memfd_write(mf, 11);
	memfd_pin(mf, 5, 6);
	memfd_expect_pinned(mf, 6);
	for (i = 0; i < mf->nr; i++) {
		if (i >= 5 && i < 11)
			continue;
		memfd_expect(mf, i, "page outside of the range is cached",
			     !!memfd_cached(mf, i), i == 4 || i == 11);
		if (memfd_cached(mf, i))
			memfd_expect_pins(mf, memfd_cached(mf, i), i, 0);
	}
	memfd_expect_end(mf);
}

/* What goes through a pinned folio is what the file holds, both ways. */
static void gup_memfd_coherent(struct kunit *test)
{
	struct memfd *mf = memfd_open(test, 8);
	unsigned int i;

	memfd_pin(mf, 0, mf->nr);
	memfd_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i += 2)
		memfd_fill(mf->folios[i], gk_byte(i));
	for (i = 1; i < max(mf->ret, 0L); i += 2) {
		memfd_write(mf, i);
		memfd_expect(mf, i, "the folio holds what was written to the file",
			     memfd_holds(mf->folios[i], gk_byte(i)), true);
	}
	memfd_expect_written(mf, 0, mf->nr);
	memfd_expect_end(mf);
	memfd_expect_written(mf, 0, mf->nr);
}

/* Each call takes one pin a folio; each is given back on its own. */
static void gup_memfd_twice(struct kunit *test)
{
	struct memfd *mf = memfd_open_written(test, 8);
	struct folio *first[8];
	unsigned int k;

	memfd_pin_some(mf, 0, 8, first);
	memfd_pin(mf, 0, 8);
	memfd_expect_pinned_times(mf, 8, 2);
	for (k = 0; k < 8; k++)
		memfd_expect(mf, k, "is the folio of the first call",
			     mf->folios[k] == first[k], true);
	memfd_unpin(mf);
	memfd_expect_pinned_times(mf, 8, 1);
	unpin_folios(first, 8);
	memfd_expect_rest(mf);
}

/* A pin is given back folio by folio, in any order, as well as at once. */
static void gup_memfd_release_in_parts(struct kunit *test)
{
	struct memfd *mf = memfd_open_written(test, 8);
	unsigned int k;

	memfd_pin(mf, 0, 8);
	memfd_expect_pinned(mf, 8);
	KUNIT_ASSERT_EQ(test, mf->ret, 8);
	unpin_folio(mf->folios[5]);
	unpin_folios(mf->folios + 1, 3);
	for (k = 0; k < 8; k++)
		memfd_expect_pins(mf, mf->folios[k], k,
				  !(k == 5 || (k >= 1 && k < 4)));
	unpin_folio(mf->folios[7]);
	unpin_folio(mf->folios[0]);
	unpin_folio(mf->folios[4]);
	unpin_folio(mf->folios[6]);
	memfd_expect_rest(mf);
}

/* The file may lose a pinned folio: the pin alone keeps it, and its content. */
static void gup_memfd_truncated(struct kunit *test)
{
	struct memfd *mf = memfd_open_written(test, 4);
	struct folio *folio;
	unsigned int k;

	memfd_pin(mf, 0, 4);
	memfd_expect_pinned(mf, 4);
	KUNIT_ASSERT_EQ(test, mf->ret, 4);
	shmem_truncate_range(file_inode(mf->file), 0, -1);
	gk_settle();
	for (k = 0; k < 4; k++) {
		folio = mf->folios[k];
		memfd_expect(mf, k, "still in the file", !!memfd_cached(mf, k),
			     false);
		memfd_expect(mf, k, "refcount", folio_ref_count(folio),
			     GUP_PIN_COUNTING_BIAS);
		memfd_expect(mf, k, "content kept", memfd_holds(folio, gk_byte(k)),
			     true);
		folio_get(folio);
	}
	memfd_unpin(mf);
	for (k = 0; k < 4; k++) {
		memfd_expect(mf, k, "refcount after the release",
			     folio_ref_count(mf->folios[k]), 1);
		folio_put(mf->folios[k]);
	}
	memfd_pin(mf, 0, 4);
	memfd_expect_pinned(mf, 4);
	for (k = 0; k < max(mf->ret, 0L); k++)
		memfd_expect(mf, k, "a new folio is zeroed",
			     memfd_holds(mf->folios[k], 0), true);
	memfd_expect_end(mf);
}

/*
 * Pages that fallocate() has allocated and nobody has touched are to read as
 * zeroes. Their folios are in the page cache and not uptodate: what their last
 * owner left is still in them.
 */
static struct memfd *memfd_open_fallocated(struct kunit *test, unsigned int nr)
{
	struct memfd *mf = memfd_open(test, nr);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(mf->file, 0, 0,
					       (loff_t)nr * PAGE_SIZE));
	for (i = 0; i < nr; i++) {
		struct folio *folio = memfd_cached(mf, i);

		KUNIT_ASSERT_NOT_NULL(test, folio);
		if (!folio_test_uptodate(folio))
			memfd_fill(folio, 0xa5);
	}
	gk_settle();
	return mf;
}

static void memfd_expect_zeroed(struct memfd *mf)
{
	long k;

	for (k = 0; k < mf->ret; k++)
		memfd_expect(mf, k, "zeroed", memfd_holds(mf->folios[k], 0), true);
}

/* Who pins fallocated pages gets zeroes, not what others left in memory. */
static void gup_memfd_fallocated_zeroed(struct kunit *test)
{
	struct memfd *mf = memfd_open_fallocated(test, MEMFD_MANY);

	memfd_pin(mf, 0, mf->nr);
	memfd_expect_pinned(mf, mf->nr);
	memfd_expect_zeroed(mf);
	memfd_expect_end(mf);
}

/* As many as were asked for, and no more: clearing costs. */
static void gup_memfd_fallocated_max(struct kunit *test)
{
	struct memfd *mf = memfd_open_fallocated(test, MEMFD_MANY);
	const unsigned int want = FOLIO_BATCH_SIZE + 5;
	unsigned int i;

	memfd_pin_bytes(mf, 0, (loff_t)mf->nr * PAGE_SIZE - 1, want);
	memfd_expect_pinned(mf, want);
	memfd_expect_zeroed(mf);
	for (i = want; i < mf->nr; i++)
		memfd_expect(mf, i, "uptodate, though not asked for",
			     folio_test_uptodate(memfd_cached(mf, i)), false);
	memfd_expect_end(mf);
}

/* The same when only some pages of the range were fallocated. */
static void gup_memfd_fallocated_mixed(struct kunit *test)
{
	struct memfd *mf = memfd_open_fallocated(test, 16);
	unsigned int i;

	for (i = 0; i < mf->nr; i += 3)
		memfd_write(mf, i);
	shmem_truncate_range(file_inode(mf->file), 7 * PAGE_SIZE,
			     9 * PAGE_SIZE - 1);
	gk_settle();
	memfd_pin(mf, 0, mf->nr);
	memfd_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++)
		memfd_expect(mf, i, "content, written or zeroed",
			     memfd_holds(mf->folios[i], i % 3 ? 0 : gk_byte(i)), true);
	memfd_expect_end(mf);
}

/* Touch page @i of the file, whose first byte must be @byte then. */
static u8 memfd_touch_read(struct memfd *mf, unsigned int i)
{
	return gk_file_byte(mf->test, mf->file, i);
}

static u8 memfd_touch_write(struct memfd *mf, unsigned int i)
{
	loff_t pos = (loff_t)i * PAGE_SIZE + PAGE_SIZE / 2;
	u8 byte = gk_byte(i);

	KUNIT_ASSERT_EQ(mf->test, 1, kernel_write(mf->file, &byte, 1, &pos));
	return memfd_touch_read(mf, i);
}

static u8 memfd_touch_mapped(struct memfd *mf, unsigned int i)
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

static u8 memfd_touch_fallocate(struct memfd *mf, unsigned int i)
{
	KUNIT_ASSERT_EQ(mf->test, 0,
			vfs_fallocate(mf->file, 0, (loff_t)i * PAGE_SIZE,
				      PAGE_SIZE));
	return memfd_touch_read(mf, i);
}

static const struct memfd_touch {
	const char *name;
	u8 (*touch)(struct memfd *mf, unsigned int i);
} memfd_touches[] = {
	{ "read", memfd_touch_read },
	{ "write_nearby", memfd_touch_write },
	{ "mmap", memfd_touch_mapped },
	{ "fallocate_again", memfd_touch_fallocate },
};

KUNIT_ARRAY_PARAM_DESC(memfd_touch, memfd_touches, name);

/*
 * What a device stores through the pin of a fallocated page is in the file for
 * whoever looks at it next, in whatever way, and stays.
 */
static void gup_memfd_fallocated_kept(struct kunit *test)
{
	const struct memfd_touch *p = test->param_value;
	struct memfd *mf = memfd_open_fallocated(test, 4);
	unsigned int i;

	memfd_pin(mf, 0, mf->nr);
	memfd_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++)
		memfd_fill(mf->folios[i], gk_byte(i));
	for (i = 0; i < max(mf->ret, 0L); i++) {
		memfd_expect(mf, i, "first byte that the file shows",
			     p->touch(mf, i), gk_byte(i));
		memfd_expect(mf, i, "the pinned folio holds what was stored",
			     memfd_holds(mf->folios[i], gk_byte(i)), true);
	}
	memfd_expect_written(mf, 0, mf->nr);
	memfd_expect_end(mf);
}

/*
 * Migration
 */

/* A written file of which every folio must move before it may be pinned. */
static struct memfd *memfd_open_movable(struct kunit *test, unsigned int nr)
{
	struct memfd *mf = memfd_open_written(test, nr);
	unsigned int i;

	if (!IS_ENABLED(CONFIG_MIGRATION))
		kunit_skip(test, "needs CONFIG_MIGRATION");
	for (i = 0; i < nr; i++)
		if (folio_is_longterm_pinnable(memfd_cached(mf, i)))
			kunit_skip(test, "needs ZONE_MOVABLE: movablecore=");
	return mf;
}

/* Movable folios are replaced by ones that may stay; the content moves along. */
static void gup_memfd_migrates(struct kunit *test)
{
	struct memfd *mf = memfd_open_movable(test, MEMFD_MANY);
	unsigned int i;

	memfd_pin(mf, 0, mf->nr);
	memfd_expect_pinned(mf, mf->nr);
	for (i = 0; i < max(mf->ret, 0L); i++)
		memfd_expect(mf, i, "content kept",
			     memfd_holds(mf->folios[i], gk_byte(i)), true);
	memfd_expect_written(mf, 0, mf->nr);
	memfd_expect(mf, 0, "*offset", mf->offset, 0);
	memfd_expect_end(mf);
}

/* @nr folios from @first on are pinned, which moves them; pinned again with all, they stay. */
static void memfd_expect_move_once(struct memfd *mf, unsigned int first, unsigned int nr)
{
	struct folio *moved[8];
	long k;

	memfd_pin_some(mf, first, nr, moved);
	memfd_expect_end(mf);

	memfd_pin(mf, 0, mf->nr);
	memfd_expect_pinned(mf, mf->nr);
	for (k = 0; k < min_t(long, nr, mf->ret - first); k++)
		memfd_expect(mf, first + k, "is the same folio again",
			     mf->folios[first + k] == moved[k], true);
	memfd_expect_written(mf, 0, mf->nr);
	memfd_expect_end(mf);
}

/* Folios that may stay are left where they are. */
static void gup_memfd_migrates_once(struct kunit *test)
{
	memfd_expect_move_once(memfd_open_movable(test, 8), 0, 8);
}

/* Movable ones between others that may stay. */
static void gup_memfd_migrates_some(struct kunit *test)
{
	memfd_expect_move_once(memfd_open_movable(test, 16), 6, 4);
}

/* A process has the file mapped: its pages move, then stay, pinned by both. */
static void gup_memfd_mapped(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_written, 8);
	struct file *file = get_file(r->file);
	struct memfd *mf = memfd_adopt(test, file, 8);
	struct gk_call *c;
	unsigned int k;

	for (k = 0; k < 8; k++)
		gk_store(r, k, gk_byte(k));
	memfd_pin(mf, 0, 8);
	for (k = 0; k < 8; k++)
		memfd_expect(mf, k, "the process sees its bytes", gk_load(r, k),
			     gk_byte(k));
	gk_settle();
	memfd_expect_pinned(mf, 8);
	for (k = 0; k < max(mf->ret, 0L); k++)
		memfd_expect(mf, k, "the process has the pinned page mapped",
			     gk_page(r, k) == folio_page(mf->folios[k], 0), true);

	c = gk_gup(r, GK_PIN_FAST, FOLL_WRITE | FOLL_LONGTERM);
	gk_expect_pinned(c, 8);
	for (k = 0; k < max(min(mf->ret, c->ret), 0L); k++)
		memfd_expect(mf, k, "pinned through the mapping as well",
			     page_folio(c->pages[k]) == mf->folios[k], true);
	memfd_expect_pinned_times(mf, 8, 2);
	gk_release(c);
	gk_expect_restored(c);
	memfd_expect_pinned(mf, 8);
	memfd_expect_end(mf);
}

/*
 * Failure
 */

static const struct memfd_where {
	const char *name;
	unsigned int i;
} memfd_wheres[] = {
	{ "first", 0 },
	{ "middle", 40 },
	{ "last", MEMFD_MANY - 1 },
};

KUNIT_ARRAY_PARAM_DESC(memfd_where, memfd_wheres, name);

/* One folio that somebody uses cannot move: -EBUSY, and none is pinned. */
static void gup_memfd_busy(struct kunit *test)
{
	const struct memfd_where *p = test->param_value;
	struct memfd *mf = memfd_open_movable(test, MEMFD_MANY);
	struct folio *busy = memfd_cached(mf, p->i);

	folio_get(busy);
	memfd_pin(mf, 0, mf->nr);
	memfd_expect(mf, p->i, "return", mf->ret, -EBUSY);
	memfd_expect(mf, p->i, "the folio in use did not move",
		     memfd_cached(mf, p->i) == busy, true);
	folio_put(busy);
	memfd_expect_end(mf);
	memfd_expect_written(mf, 0, mf->nr);

	/* Once it is not in use any more nothing is in the way. */
	memfd_pin(mf, 0, mf->nr);
	memfd_expect_pinned(mf, mf->nr);
	memfd_expect_end(mf);
}

/* A folio whose count has overflowed is not pinned, and those before it are given back. */
static void gup_memfd_overflow(struct kunit *test)
{
	struct memfd *mf = memfd_open_written(test, 3);
	struct folio *folio = memfd_cached(mf, 1);

	folio_ref_add(folio, INT_MIN);
	kunit_warning_suppress(test) {
		memfd_pin(mf, 0, 3);
	}
	/* That makes 2^32, and the count what it was. */
	folio_ref_add(folio, INT_MIN);

	memfd_expect(mf, -1, "return", mf->ret, -EINVAL);
	memfd_expect_end(mf);
}

/* A file system that is full: its error, and none of the others is pinned. */
static void gup_memfd_no_space(struct kunit *test)
{
	struct memfd *mf;

	if (!IS_ENABLED(CONFIG_TMPFS))
		kunit_skip(test, "needs CONFIG_TMPFS");
	mf = memfd_of(test, gk_tmpfs_file(test, "nr_blocks=5", 8), 8);
	memfd_write(mf, 0);
	memfd_write(mf, 1);
	memfd_pin(mf, 0, 8);
	memfd_expect(mf, -1, "return", mf->ret, -ENOSPC);
	memfd_expect_end(mf);
	memfd_expect_written(mf, 0, 2);

	memfd_pin(mf, 0, 4);
	memfd_expect_pinned(mf, 4);
	memfd_expect_end(mf);
}

/*
 * Somebody is about to isolate a folio: it is not on the LRU for others, so
 * it does not move, and memfd_pin_folios() tries again. This ends the attempts
 * of a kernel that would never do: in an interrupt, as nothing in that loop
 * schedules, and after a number of attempts, not after a time.
 */
struct memfd_isolated {
	struct timer_list timer;
	struct folio *folio;
	long acquired;
	unsigned long deadline;
	bool put_back;
};

#define MEMFD_ATTEMPTS	1000

static void memfd_put_back(struct timer_list *timer)
{
	struct memfd_isolated *isolated = timer_container_of(isolated, timer,
							     timer);

	/* The deadline is for a kernel that does not count its pins. */
	if (gk_stat(NR_FOLL_PIN_ACQUIRED) - isolated->acquired < MEMFD_ATTEMPTS &&
	    time_before(jiffies, isolated->deadline)) {
		mod_timer(timer, jiffies + 1);
		return;
	}
	isolated->put_back = true;
	folio_set_lru(isolated->folio);
}

static void memfd_isolate(struct memfd *mf, struct memfd_isolated *isolated,
			  unsigned int i)
{
	isolated->folio = memfd_cached(mf, i);
	isolated->acquired = gk_stat(NR_FOLL_PIN_ACQUIRED);
	isolated->deadline = jiffies + 10 * HZ;
	isolated->put_back = false;
	folio_get(isolated->folio);
	KUNIT_ASSERT_TRUE(mf->test, folio_test_clear_lru(isolated->folio));
	timer_setup_on_stack(&isolated->timer, memfd_put_back, 0);
	mod_timer(&isolated->timer, jiffies + 1);
}

static void memfd_isolate_end(struct memfd_isolated *isolated)
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
	struct memfd *mf = memfd_open_movable(test, 8);
	struct memfd_isolated isolated;

	memfd_isolate(mf, &isolated, 3);
	gk_signal(SIGKILL);
	memfd_pin(mf, 0, 8);
	gk_signal_clear();
	memfd_isolate_end(&isolated);
	memfd_expect(mf, 3, "return", mf->ret, -EINTR);
	memfd_expect(mf, 3, "more than 1000 attempts", isolated.put_back, false);
	memfd_expect_end(mf);
	memfd_expect_written(mf, 0, 8);
}

/* Any other signal does not: the caller need not start over for it. */
static void gup_memfd_other_signal(struct kunit *test)
{
	struct memfd *mf = memfd_open_movable(test, 8);

	gk_signal(SIGUSR1);
	memfd_pin(mf, 0, 8);
	gk_signal_clear();
	memfd_expect_pinned(mf, 8);
	memfd_expect_end(mf);
}

#ifdef CONFIG_HUGETLB_PAGE
/* A hugetlb file of @nr huge pages, none of which is there. */
static struct memfd *memfd_open_hugetlb(struct kunit *test, unsigned int nr, vma_flags_t flags)
{
	return memfd_adopt(test, hugetlb_file_setup("gup_memfd", nr * HPAGE_SIZE, flags,
						    HUGETLB_ANONHUGE_INODE, HPAGE_SHIFT),
			   nr * (HPAGE_SIZE >> PAGE_SHIFT));
}
#endif

#ifdef CONFIG_GUP_ZOO_HUGETLB
/* Give those of @nr huge pages back to the pool that can be pinned for long, or not. */
static void memfd_free_huge(struct memfd *mf, unsigned int nr, bool pinnable)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct folio *folio;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		folio = memfd_cached(mf, i * (HPAGE_SIZE >> PAGE_SHIFT));
		if (folio && folio_is_longterm_pinnable(folio) == pinnable)
			KUNIT_EXPECT_EQ(mf->test, 0, vfs_fallocate(mf->file, mode,
								   i * HPAGE_SIZE, HPAGE_SIZE));
	}
}

/* The pool gives what came back last: have that be movable pages. */
static void memfd_movable_first(struct kunit *test)
{
	unsigned int nr = default_hstate.free_huge_pages - default_hstate.resv_huge_pages;
	struct memfd *mf = memfd_open_hugetlb(test, nr, EMPTY_VMA_FLAGS);

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(mf->file, 0, 0, nr * HPAGE_SIZE));
	memfd_free_huge(mf, nr, true);
	memfd_free_huge(mf, nr, false);
}

/* Of three huge pages, those from somewhere in the second one on. */
static void gup_memfd_hugetlb(struct kunit *test)
{
	const unsigned int huge = HPAGE_SIZE >> PAGE_SHIFT;
	const unsigned int offset = 3 * PAGE_SIZE + 5;
	struct memfd *mf;
	struct folio *folio;
	long k;

	memfd_movable_first(test);
	mf = memfd_open_hugetlb(test, 3, EMPTY_VMA_FLAGS);
	/* The pool has movable ones, which cannot be had for a pin, but moved. */
	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(mf->file, 0, 0, 3 * HPAGE_SIZE));
	KUNIT_ASSERT_FALSE_MSG(test,
			       folio_is_longterm_pinnable(memfd_cached(mf, huge)),
			       "nothing is in a movable zone: no movablecore=?");
	memfd_pin_bytes(mf, HPAGE_SIZE + offset, 3 * HPAGE_SIZE - 1, 4);
	memfd_expect(mf, -1, "return", mf->ret, 2);
	memfd_expect(mf, -1, "offset", mf->offset, offset);
	for (k = 0; k < mf->ret; k++) {
		folio = mf->folios[k];
		memfd_expect(mf, k, "is the folio of the file",
			     folio == memfd_cached(mf, (k + 1) * huge), true);
		memfd_expect(mf, k, "pages", folio_nr_pages(folio), huge);
		memfd_expect(mf, k, "folio_is_longterm_pinnable",
			     folio_is_longterm_pinnable(folio), true);
		memfd_expect_pins(mf, folio, k, 1);
	}
	memfd_expect_end(mf);
}

/* That flag of a huge page is set a moment late, by who moves it: no other is asked for. */
static void gup_memfd_hugetlb_not_uptodate(struct kunit *test)
{
	struct memfd *mf = memfd_open_hugetlb(test, 1, EMPTY_VMA_FLAGS);
	struct folio *folio;

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(mf->file, 0, 0, HPAGE_SIZE));
	folio = memfd_cached(mf, 0);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	folio_clear_uptodate(folio);
	memfd_pin_bytes(mf, 0, HPAGE_SIZE - 1, 1);
	memfd_expect(mf, -1, "return", mf->ret, 1);
	folio_mark_uptodate(memfd_cached(mf, 0));
	memfd_expect_end(mf);
}

/* A hole that somebody else has filled since memfd_pin_folios() looked at it. */
static void gup_memfd_hugetlb_filled(struct kunit *test)
{
	struct memfd *mf = memfd_open_hugetlb(test, 1, mk_vma_flags(VMA_NORESERVE_BIT));
	struct folio *folio;

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(mf->file, 0, 0, HPAGE_SIZE));
	folio = memfd_alloc_folio(mf->file, 0);
	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(folio), -EEXIST,
			    "memfd_alloc_folio() of a page that is there: wanted %d, got %ld",
			    -EEXIST, (long)PTR_ERR_OR_ZERO(folio));
	if (!IS_ERR(folio))
		folio_put(folio);
}
#endif

#ifdef CONFIG_HUGETLB_PAGE
/*
 * A file that has been truncated since memfd_pin_folios() looked at its size: no
 * huge page is added behind its end. Whether one is left in the pool does not matter.
 */
static void gup_memfd_hugetlb_past_end(struct kunit *test)
{
	const unsigned int huge = HPAGE_SIZE >> PAGE_SHIFT;
	struct memfd *mf = memfd_open_hugetlb(test, 1, mk_vma_flags(VMA_NORESERVE_BIT));
	struct folio *folio = memfd_alloc_folio(mf->file, huge);

	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(folio), -EINVAL,
			    "memfd_alloc_folio() behind the end: wanted %d, got %ld",
			    -EINVAL, (long)PTR_ERR_OR_ZERO(folio));
	KUNIT_EXPECT_NULL(test, memfd_cached(mf, huge));
	if (!IS_ERR(folio))
		folio_put(folio);
	folio = memfd_alloc_folio(mf->file, 0);
	KUNIT_EXPECT_NE_MSG(test, PTR_ERR_OR_ZERO(folio), -EINVAL,
			    "memfd_alloc_folio() before the end: -EINVAL");
	if (!IS_ERR(folio))
		folio_put(folio);
}
#endif

/*
 * Ranges
 */

#define MEMFD_RANGES	40	/* elements of the array, the free ones included */

/**
 * struct memfd_ranges - ranges of a memfd
 * @first: index of the first page that is in them
 * @pages: how many pages the calls have pinned
 * @used: how many elements are used
 * @array: the ranges, and one element that belongs to nobody
 */
struct memfd_ranges {
	struct memfd *mf;
	unsigned int first;
	unsigned int pages;
	unsigned int used;
	struct page_range array[MEMFD_RANGES + 1];
};

static struct memfd_ranges *memfd_ranges(struct memfd *mf, unsigned int first)
{
	struct memfd_ranges *mr = kunit_kzalloc(mf->test, sizeof(*mr), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(mf->test, mr);
	mf->api = "memfd_pin_page_ranges";
	mr->mf = mf;
	mr->first = first;
	memset(mr->array, 0x6b, sizeof(mr->array));
	return mr;
}

/* Pin @nr pages of bytes from @start on, with @max elements in the array. */
static long memfd_ranges_pin_bytes(struct memfd_ranges *mr, loff_t start, int nr,
				   unsigned int max)
{
	struct memfd *mf = mr->mf;
	const unsigned int was = mr->used;

	mf->start = start;
	mf->end = start + (loff_t)nr * PAGE_SIZE - 1;
	mf->max = max;
	mf->ret = memfd_pin_page_ranges(mf->file, start, nr, mr->array, max, &mr->used);
	if (mf->ret > 0)
		mr->pages += mf->ret;
	else
		memfd_expect(mf, -1, "used elements after a call that pins nothing",
			     mr->used, was);
	if (max >= mr->used)
		memfd_expect(mf, max, "the element behind the array was stored to",
			     !!memchr_inv(&mr->array[max], 0x6b, sizeof(mr->array[max])), false);
	gk_settle();
	return mf->ret;
}

static long memfd_ranges_pin(struct memfd_ranges *mr, unsigned int first, int nr)
{
	return memfd_ranges_pin_bytes(mr, (loff_t)first * PAGE_SIZE, nr, MEMFD_RANGES);
}

/* How many of the pages in the ranges belong to @folio? */
static unsigned int memfd_ranges_of(struct memfd_ranges *mr, struct folio *folio)
{
	unsigned int i, pages = 0;

	for (i = 0; i < mr->used; i++)
		if (page_folio(mr->array[i].page) == folio)
			pages += mr->array[i].nr_pages;
	return pages;
}

/* The ranges are the @want pages from the first on, each folio's one range, each page pinned. */
static void memfd_ranges_expect(struct memfd_ranges *mr, unsigned int want)
{
	struct memfd *mf = mr->mf;
	unsigned int at = mr->first, i, nr;
	struct folio *folio;

	memfd_expect(mf, -1, "pages pinned by all calls", mr->pages, want);
	for (i = 0; i < mr->used; i++, at += nr) {
		folio = memfd_cached(mf, at);
		memfd_expect(mf, i, "is in the file", !!folio, true);
		if (!folio)
			return;
		nr = min_t(unsigned int, folio_nr_pages(folio) - (at - folio->index),
			   mr->first + want - at);
		memfd_expect(mf, i, "is the page of the file",
			     mr->array[i].page == folio_page(folio, at - folio->index), true);
		memfd_expect(mf, i, "pages of the range", mr->array[i].nr_pages, nr);
		memfd_expect_pins(mf, folio, i, memfd_ranges_of(mr, folio));
		memfd_expect(mf, i, "folio_is_longterm_pinnable",
			     folio_is_longterm_pinnable(folio), true);
	}
	memfd_expect(mf, -1, "pages in the ranges", at - mr->first, want);
	memfd_expect(mf, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		     memfd_held() - mf->held, want);
}

static void memfd_ranges_end(struct memfd_ranges *mr)
{
	unpin_user_page_ranges(mr->array, mr->used, false);
	memfd_expect_rest(mr->mf);
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* Written in parts of 16 pages, a file of 48 has a folio of 32 and one of 16. */
static struct memfd *memfd_open_large(struct kunit *test)
{
	char *buf = kunit_kzalloc(test, 16 * PAGE_SIZE, GFP_KERNEL);
	struct memfd *mf = memfd_of(test, gk_tmpfs_file(test, "huge=within_size", 48), 48);
	loff_t pos = 0;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	while (pos < 48 * PAGE_SIZE)
		KUNIT_ASSERT_EQ(test, 16 * PAGE_SIZE,
				kernel_write(mf->file, buf, 16 * PAGE_SIZE, &pos));
	KUNIT_ASSERT_EQ(test, folio_nr_pages(memfd_cached(mf, 17)), 32);
	KUNIT_ASSERT_EQ(test, folio_nr_pages(memfd_cached(mf, 47)), 16);
	gk_settle();
	return mf;
}
#endif

static struct memfd *memfd_open_small(struct kunit *test)
{
	return memfd_open_written(test, 36);
}

#ifdef CONFIG_GUP_ZOO_HUGETLB
static struct memfd *memfd_open_huge(struct kunit *test)
{
	struct memfd *mf = memfd_open_hugetlb(test, 3, EMPTY_VMA_FLAGS);

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(mf->file, 0, 0, 3 * HPAGE_SIZE));
	return mf;
}
#endif

static const struct memfd_kind {
	const char *name;
	struct memfd *(*open)(struct kunit *test);
} memfd_kinds[] = {
	{ "small", memfd_open_small },
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	{ "large", memfd_open_large },
#endif
#ifdef CONFIG_GUP_ZOO_HUGETLB
	{ "hugetlb", memfd_open_huge },
#endif
};

KUNIT_ARRAY_PARAM_DESC(memfd_kind, memfd_kinds, name);

/* All of a file, one page, and parts that begin and end within folios and at their edges. */
static void gup_memfd_ranges_part(struct kunit *test)
{
	const struct memfd_kind *p = test->param_value;
	struct memfd *mf = p->open(test);
	const unsigned int third = mf->nr / 3;
	const unsigned int parts[][2] = {
		{ 0, mf->nr }, { 0, 1 }, { mf->nr - 1, 1 }, { 1, mf->nr - 2 },
		{ third - 1, 1 }, { third, third }, { 1, third - 2 }, { third - 1, third + 2 },
		{ third + 3, third },
	};
	struct memfd_ranges *mr;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		mr = memfd_ranges(mf, parts[i][0]);
		memfd_ranges_pin(mr, parts[i][0], parts[i][1]);
		memfd_ranges_expect(mr, parts[i][1]);
		memfd_ranges_end(mr);
	}
}

/* The page that @start lies in is the first, wherever in it. */
static void gup_memfd_ranges_within(struct kunit *test)
{
	struct memfd_ranges *mr = memfd_ranges(memfd_open_small(test), 2);

	memfd_ranges_pin_bytes(mr, 3 * PAGE_SIZE - 1, 3, MEMFD_RANGES);
	memfd_ranges_expect(mr, 3);
	memfd_ranges_end(mr);
}

/* What there is no element for is not pinned, and another call can take it. */
static void gup_memfd_ranges_room(struct kunit *test)
{
	const struct memfd_kind *p = test->param_value;
	struct memfd *mf = p->open(test);
	struct memfd_ranges *mr;
	unsigned int room, rest;
	struct folio *last;

	for (room = 1; room < 12; room++) {
		mr = memfd_ranges(mf, 1);
		memfd_expect(mf, -1, "pages were pinned",
			     memfd_ranges_pin_bytes(mr, PAGE_SIZE, mf->nr - 1, room) > 0, true);
		memfd_ranges_expect(mr, mr->pages);
		last = memfd_cached(mf, mr->pages);
		memfd_expect(mf, -1, "pages up to the end of a folio", 1 + mr->pages,
			     last->index + folio_nr_pages(last));
		if (1 + mr->pages < mf->nr) {
			memfd_expect(mf, -1, "used elements", mr->used, room);
			memfd_ranges_pin_bytes(mr, (1 + mr->pages) * PAGE_SIZE, 1, room);
			memfd_expect(mf, -1, "return without a free element", mf->ret, -EINVAL);
			memfd_ranges_pin_bytes(mr, (1 + mr->pages) * PAGE_SIZE, 1, room - 1);
			memfd_expect(mf, -1, "return with more used than there are", mf->ret,
				     -EINVAL);
			rest = mf->nr - 1 - mr->pages;
			memfd_ranges_pin_bytes(mr, (1 + mr->pages) * PAGE_SIZE, rest, room + 3);
			if (folio_test_large(last))
				memfd_expect(mf, -1, "return for the rest", mf->ret, rest);
			else
				memfd_expect(mf, -1, "return for three elements", mf->ret, 3);
			memfd_ranges_expect(mr, mr->pages);
		}
		memfd_ranges_end(mr);
	}
}

/* A call goes on where another has ended: in the same folio the last range gets longer. */
static void gup_memfd_ranges_go_on(struct kunit *test)
{
	const struct memfd_kind *p = test->param_value;
	struct memfd *mf = p->open(test);
	const unsigned int third = mf->nr / 3;
	struct memfd_ranges *mr = memfd_ranges(mf, 1);
	const unsigned int ends[] = { 2, 3, third, third + 1, 2 * third, 2 * third + 3 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		memfd_ranges_pin(mr, 1 + mr->pages, ends[i] - mr->pages - 1);
	memfd_ranges_expect(mr, 2 * third + 2);
	memfd_ranges_end(mr);
}

/* It does not if there is a page between them, nor if the last range is of another place. */
static void gup_memfd_ranges_apart(struct kunit *test)
{
	const struct memfd_kind *p = test->param_value;
	struct memfd *mf = p->open(test);
	struct memfd_ranges *mr = memfd_ranges(mf, 1);
	unsigned int k;

	memfd_ranges_pin(mr, 1, 2);
	k = mr->used;
	memfd_ranges_pin(mr, 4, 1);
	memfd_expect(mf, -1, "used elements", mr->used, k + 1);
	memfd_ranges_pin(mr, 3, 1);
	memfd_expect(mf, -1, "used elements", mr->used, k + 2);
	memfd_expect(mf, k, "pages of the range", mr->array[k].nr_pages, 1);
	memfd_expect(mf, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		     memfd_held() - mf->held, 4);
	memfd_ranges_end(mr);
}

/* Holes are allocated, and their pages are ranges as others are. */
static void gup_memfd_ranges_holes(struct kunit *test)
{
	struct memfd *mf = memfd_open(test, 16);
	struct memfd_ranges *mr = memfd_ranges(mf, 2);
	unsigned int i;

	for (i = 0; i < mf->nr; i += 3)
		memfd_write(mf, i);
	memfd_ranges_pin(mr, 2, 12);
	memfd_ranges_expect(mr, 12);
	memfd_expect(mf, 1, "page in front is cached", !!memfd_cached(mf, 1), false);
	memfd_expect(mf, 14, "page behind is cached", !!memfd_cached(mf, 14), false);
	memfd_ranges_end(mr);
}

/* No pages, no room, or pages behind the end of the file. */
static void gup_memfd_ranges_invalid(struct kunit *test)
{
	struct memfd *mf = memfd_open_small(test);
	struct memfd_ranges *mr = memfd_ranges(mf, 0);

	memfd_expect(mf, -1, "return for 0 pages", memfd_ranges_pin(mr, 0, 0), 0);
	memfd_expect(mf, -1, "return for -1 pages", memfd_ranges_pin(mr, 0, -1), 0);
	memfd_expect(mf, -1, "return for no element",
		     memfd_ranges_pin_bytes(mr, 0, 1, 0), -EINVAL);
	memfd_expect(mf, -1, "return behind the end",
		     memfd_ranges_pin(mr, mf->nr - 1, 2), -EINVAL);
	memfd_expect(mf, -1, "return for INT_MAX pages",
		     memfd_ranges_pin(mr, 0, INT_MAX), -EINVAL);
	memfd_expect(mf, -1, "return for a negative start",
		     memfd_ranges_pin_bytes(mr, -1, 1, MEMFD_RANGES), -EINVAL);
	memfd_ranges_expect(mr, 0);
	memfd_ranges_end(mr);
}

static struct kunit_suite gup_memfd_suite = {
	.name = "gup_memfd",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_memfd_invalid, memfd_invalid_gen_params),
		KUNIT_CASE_PARAM(gup_memfd_offset, memfd_offset_gen_params),
		KUNIT_CASE_PARAM(gup_memfd_max, memfd_max_gen_params),
		KUNIT_CASE_PARAM(gup_memfd_holes, memfd_filled_gen_params),
		KUNIT_CASE(gup_memfd_range_only),
		KUNIT_CASE(gup_memfd_coherent),
		KUNIT_CASE(gup_memfd_twice),
		KUNIT_CASE(gup_memfd_release_in_parts),
		KUNIT_CASE(gup_memfd_truncated),
		KUNIT_CASE(gup_memfd_fallocated_zeroed),
		KUNIT_CASE(gup_memfd_fallocated_max),
		KUNIT_CASE(gup_memfd_fallocated_mixed),
		KUNIT_CASE_PARAM(gup_memfd_fallocated_kept, memfd_touch_gen_params),
		KUNIT_CASE(gup_memfd_migrates),
		KUNIT_CASE(gup_memfd_migrates_once),
		KUNIT_CASE(gup_memfd_migrates_some),
		KUNIT_CASE(gup_memfd_mapped),
		KUNIT_CASE_PARAM(gup_memfd_busy, memfd_where_gen_params),
		KUNIT_CASE(gup_memfd_overflow),
		KUNIT_CASE(gup_memfd_no_space),
		KUNIT_CASE(gup_memfd_fatal_signal),
		KUNIT_CASE(gup_memfd_other_signal),
		KUNIT_CASE_PARAM(gup_memfd_ranges_part, memfd_kind_gen_params),
		KUNIT_CASE(gup_memfd_ranges_within),
		KUNIT_CASE_PARAM(gup_memfd_ranges_room, memfd_kind_gen_params),
		KUNIT_CASE_PARAM(gup_memfd_ranges_go_on, memfd_kind_gen_params),
		KUNIT_CASE_PARAM(gup_memfd_ranges_apart, memfd_kind_gen_params),
		KUNIT_CASE(gup_memfd_ranges_holes),
		KUNIT_CASE(gup_memfd_ranges_invalid),
#ifdef CONFIG_GUP_ZOO_HUGETLB
		KUNIT_CASE(gup_memfd_hugetlb),
		KUNIT_CASE(gup_memfd_hugetlb_not_uptodate),
		KUNIT_CASE(gup_memfd_hugetlb_filled),
#endif
#ifdef CONFIG_HUGETLB_PAGE
		KUNIT_CASE(gup_memfd_hugetlb_past_end),
#endif
		{}
	},
};

kunit_test_suite(gup_memfd_suite);
