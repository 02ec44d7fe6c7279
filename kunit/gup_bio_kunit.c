// SPDX-License-Identifier: GPL-2.0-only
/*
 * What direct I/O does with user memory: bio_iov_iter_get_pages() pins each page that the
 * bio covers once for each iovec that it is in, and the bio gives back as many pins as it
 * took, also if its end is cut off. Pages of one folio that are mapped one behind the
 * other are one bvec.
 *
 * There is no device: the bio is built, looked at and released.
 */
#include <linux/bio.h>
#include <linux/uio.h>

#include "internal.h"
#include "gk.h"

#define DIO_GUARD	0x5a
#define DIO_IOVS	3

/* A bio, the memory that it is built from, and in @c the pages of its bvecs. */
struct dio_call {
	struct gk_call *c;
	struct iovec iov[DIO_IOVS];
	struct iov_iter iter;
	struct bio bio;
	unsigned int max;
	int ret;
};

/* A bio with room for @max bvecs, and one behind them, which nobody may write to. */
static struct dio_call *dio_prepare(struct gk_range *r, unsigned int first, unsigned int max)
{
	struct dio_call *b = kunit_kzalloc(r->test, sizeof(*b), GFP_KERNEL);
	struct bio_vec *bvecs = kunit_kmalloc_array(r->test, max + 1, sizeof(*bvecs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(r->test, b);
	KUNIT_ASSERT_NOT_NULL(r->test, bvecs);
	memset(bvecs, DIO_GUARD, (max + 1) * sizeof(*bvecs));
	b->max = max;
	b->c = gk_prepare(r, GK_PIN_FAST, FOLL_WRITE, first, r->nr - first);
	bio_init(&b->bio, NULL, bvecs, max, REQ_OP_READ);
	return b;
}

/* All the pages of the bvecs: each has a pin. */
static void dio_list_pages_of(struct dio_call *b, const struct bio_vec *bv)
{
	struct gk_call *c = b->c;
	unsigned int i, j;

	c->ret = 0;
	for (i = 0; i < b->bio.bi_vcnt; i++, bv++) {
		GK_EXPECT(c, i, "offset within the page", bv->bv_offset < PAGE_SIZE, true);
		GK_EXPECT(c, i, "an empty bvec", bv->bv_len == 0, false);
		for (j = 0; j < DIV_ROUND_UP(bv->bv_offset + bv->bv_len, PAGE_SIZE); j++)
			if (c->ret < c->room)
				c->pages[c->ret++] = bv->bv_page + j;
	}
}

static void dio_enter(struct dio_call *b, unsigned int len_align_mask)
{
	size_t before = iov_iter_count(&b->iter);
	struct gk_call *c = b->c;

	b->ret = bio_iov_iter_get_pages(&b->bio, &b->iter, 0, len_align_mask);
	GK_EXPECT(c, 0, "bytes that the iterator went on",
		  before - iov_iter_count(&b->iter), b->bio.bi_iter.bi_size);
	GK_EXPECT(c, 0, "written behind the bvecs",
		  !!memchr_inv(b->bio.bi_io_vec + b->max, DIO_GUARD, sizeof(struct bio_vec)),
		  false);
	KUNIT_ASSERT_LE(c->r->test, b->bio.bi_vcnt, b->max);
	dio_list_pages_of(b, b->bio.bi_io_vec);
	gk_done(c);
}

/* All of a range, from page @first on. */
static struct dio_call *dio_get(struct gk_range *r, unsigned int first, unsigned int max,
				bool write)
{
	struct dio_call *b = dio_prepare(r, first, max);

	b->c->flags = write ? FOLL_WRITE : 0;
	iov_iter_ubuf(&b->iter, write ? ITER_DEST : ITER_SOURCE,
		      (void __user *)gk_addr(r, first), (r->nr - first) * PAGE_SIZE);
	dio_enter(b, 0);
	return b;
}

static void dio_expect_released(struct dio_call *b)
{
	bio_release_pages(&b->bio, false);
	gk_expect_restored(b->c);
}

/* As few bvecs as can be. */
static void dio_expect_joined(struct dio_call *b)
{
	unsigned int runs = b->c->ret > 0;
	struct page **pages = b->c->pages;
	long k;

	for (k = 1; k < b->c->ret; k++)
		runs += pages[k] != pages[k - 1] + 1 ||
			page_folio(pages[k]) != page_folio(pages[k - 1]);
	GK_EXPECT(b->c, 0, "bvecs", b->bio.bi_vcnt, runs);
}

static const void *dio_zoo_params(struct kunit *test, const void *prev, char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev, gk_zoo_size, 2);

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s+%s", gk_zoo[pair->row]->name,
			 pair->column ? "write" : "read");
	return pair;
}

/* It has what pin_user_pages_fast() pins of the same mapping. */
static void gup_bio_zoo(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;
	struct gk_range *r = gk_map(test, gk_zoo[pair->row], 0);
	struct dio_call *b = dio_get(r, 0, r->nr, pair->column);
	struct gk_call *pages;

	dio_expect_joined(b);
	if (b->c->ret > 0)
		gk_expect_pinned(b->c, b->c->ret);
	GK_EXPECT(b->c, 0, "an error, or pages", b->ret < 0, b->c->ret <= 0);
	dio_expect_released(b);

	pages = gk_gup(r, GK_PIN_FAST, b->c->flags);
	gk_expect_ret(pages, b->ret ?: b->c->ret);
	if (pages->ret > 0)
		gk_expect_pages_of(b->c, pages);
	gk_release(pages);
}

/* Bios of any size, one after another, have all of a range. */
static void gup_bio_room(struct kunit *test)
{
	const struct gk_shape *shape = *(const struct gk_shape **)test->param_value;
	struct dio_call *b;
	unsigned int max, i;

	for (max = 1; max <= 9; max++) {
		struct gk_range *r = gk_map(test, shape, 0);

		for (i = 0; i < r->nr; i += b->c->ret) {
			b = dio_get(r, i, max, true);
			GK_EXPECT(b->c, i, "error", b->ret, 0);
			GK_EXPECT(b->c, i, "as many pages as bvecs, or more",
				  b->c->ret >= min(max, r->nr - i), true);
			if (b->c->ret <= 0)
				break;
			gk_expect_pinned(b->c, b->c->ret);
			dio_expect_released(b);
		}
		gk_unmap(r, 0, r->nr);
	}
}

/* What may not fault gets nothing, and takes nothing. */
static void gup_bio_nofault(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	struct dio_call *b = dio_prepare(r, 0, r->nr);

	iov_iter_ubuf(&b->iter, ITER_DEST, (void __user *)r->addr, r->nr * PAGE_SIZE);
	b->iter.nofault = true;
	dio_enter(b, 0);
	GK_EXPECT(b->c, 0, "error", b->ret, -EFAULT);
	gk_expect_pinned(b->c, 0);
	gk_expect_restored(b->c);
	gk_fault(r, 0, r->nr, true);

	b = dio_prepare(r, 0, r->nr);
	iov_iter_ubuf(&b->iter, ITER_DEST, (void __user *)r->addr, r->nr * PAGE_SIZE);
	b->iter.nofault = true;
	dio_enter(b, 0);
	gk_expect_pinned(b->c, r->nr);
	dio_expect_released(b);
}

/**
 * struct dio_piece - iovecs of a bio, in pages and bytes
 * @name: of the case
 * @shape: DIO_MAPPED pages of it are mapped
 * @iov: from and length; a length of 0: no more
 * @len_align_mask: what the size of the bio is aligned to
 * @bytes: the size that it has then; 0: -EFAULT
 * @bvecs: number of bvecs that it has then
 * @pages: of the range, in the order of the bvecs, then DIO_END
 */
struct dio_piece {
	const char *name;
	const struct gk_shape *shape;
	struct {
		unsigned long page, byte, len;
	} iov[DIO_IOVS];
	unsigned int len_align_mask;
	unsigned int bytes;
	unsigned int bvecs;
	unsigned char pages[8];
};

#define DIO_MAPPED	16
#define DIO_NOT_MAPPED	{ DIO_MAPPED + 1, 0, PAGE_SIZE }
#define DIO_END		255

static const struct dio_piece dio_pieces[] = {
	{ "within_page", &gk_drv_order4, { { 3, 512, 1024 } }, 0, 1024, 1, { 3, DIO_END } },
	{ "across", &gk_drv_order4, { { 3, 512, PAGE_SIZE } }, 0, PAGE_SIZE, 1, { 3, 4, DIO_END } },
	{ "across_small", &gk_anon_written, { { 3, 512, PAGE_SIZE } }, 0, PAGE_SIZE,
	  2, { 3, 4, DIO_END } },
	{ "odd_end", &gk_drv_order4, { { 0, 8, 2 * PAGE_SIZE + 5 } }, 0, 2 * PAGE_SIZE + 5,
	  1, { 0, 1, 2, DIO_END } },
	{ "page_twice", &gk_drv_order4, { { 3, 0, 512 }, { 3, 1024, 512 } }, 0, 1024,
	  2, { 3, 3, DIO_END } },
	{ "neighbours", &gk_drv_order4, { { 3, 0, PAGE_SIZE }, { 4, 0, PAGE_SIZE } }, 0,
	  2 * PAGE_SIZE, 2, { 3, 4, DIO_END } },
	{ "hole_behind", &gk_drv_order4, { { 3, 0, 2 * PAGE_SIZE }, DIO_NOT_MAPPED },
	  PAGE_SIZE - 1, 2 * PAGE_SIZE, 1, { 3, 4, DIO_END } },
	/* What is cut off is a part of the last page, ... */
	{ "cut_within", &gk_drv_order4, { { 3, 0, PAGE_SIZE + 1536 }, DIO_NOT_MAPPED },
	  1023, PAGE_SIZE + 1024, 1, { 3, 4, DIO_END } },
	/* ... the last bvec, a page of it, or both, ... */
	{ "cut_bvec", &gk_drv_order4, { { 3, 512, 2 * PAGE_SIZE }, { 8, 0, 512 }, DIO_NOT_MAPPED },
	  PAGE_SIZE - 1, 2 * PAGE_SIZE, 1, { 3, 4, 5, DIO_END } },
	{ "cut_page", &gk_drv_order4, { { 3, 0, PAGE_SIZE + 2048 }, DIO_NOT_MAPPED },
	  PAGE_SIZE - 1, PAGE_SIZE, 1, { 3, DIO_END } },
	{ "cut_pages", &gk_drv_order4, { { 3, 512, PAGE_SIZE }, { 8, PAGE_SIZE - 512, 1024 },
	  DIO_NOT_MAPPED }, PAGE_SIZE - 1, PAGE_SIZE, 1, { 3, 4, DIO_END } },
	{ "cut_block", &gk_drv_order4, { { 3, 0, 7 * PAGE_SIZE }, DIO_NOT_MAPPED },
	  4 * PAGE_SIZE - 1, 4 * PAGE_SIZE, 1, { 3, 4, 5, 6, DIO_END } },
	/* ... or all. */
	{ "cut_all", &gk_drv_order4, { { 3, PAGE_SIZE - 1024, 1536 }, DIO_NOT_MAPPED },
	  PAGE_SIZE - 1, 0, 0, { DIO_END } },
	{ "cut_all_small", &gk_anon_written, { { 3, PAGE_SIZE - 1024, 1536 }, DIO_NOT_MAPPED },
	  PAGE_SIZE - 1, 0, 0, { DIO_END } },
	{ "cut_all_bvecs", &gk_drv_order4, { { 3, 0, 2 * PAGE_SIZE }, { 9, 0, PAGE_SIZE },
	  DIO_NOT_MAPPED }, 4 * PAGE_SIZE - 1, 0, 0, { DIO_END } },
};

KUNIT_ARRAY_PARAM_DESC(dio_pieces, dio_pieces, name);

static void dio_expect_pieces(struct dio_call *b, const struct dio_piece *piece)
{
	struct gk_call *c = b->c;
	long k;

	GK_EXPECT(c, 0, "error", b->ret, piece->bytes ? 0 : -EFAULT);
	GK_EXPECT(c, 0, "bytes", b->bio.bi_iter.bi_size, piece->bytes);
	GK_EXPECT(c, 0, "bvecs", b->bio.bi_vcnt, piece->bvecs);
	for (k = 0; piece->pages[k] != DIO_END; k++)
		GK_EXPECT(c, k, "the page that is mapped there",
			  k < c->ret && c->pages[k] == c->pinned[piece->pages[k]].page, true);
	gk_expect_ret(c, k);
	gk_expect_counts(c);
}

/* Iovecs that begin and end anywhere. What is cut off has no pin. */
static void gup_bio_pieces(struct kunit *test)
{
	const struct dio_piece *piece = test->param_value;
	struct gk_range *r = gk_map(test, piece->shape, 2 * DIO_MAPPED);
	struct dio_call *b;
	size_t bytes = 0;
	unsigned int i;

	gk_unmap(r, DIO_MAPPED, DIO_MAPPED);
	b = dio_prepare(r, 0, r->nr);
	for (i = 0; i < DIO_IOVS && piece->iov[i].len; i++) {
		b->iov[i].iov_base = (void __user *)gk_addr(r, piece->iov[i].page) +
				     piece->iov[i].byte;
		b->iov[i].iov_len = piece->iov[i].len;
		bytes += piece->iov[i].len;
	}
	iov_iter_init(&b->iter, ITER_DEST, b->iov, i, bytes);
	dio_enter(b, piece->len_align_mask);
	dio_expect_pieces(b, piece);
	dio_expect_released(b);
}

/*
 * What is read by way of a bounce buffer goes to all of the range but its end, which is no
 * whole block. The buffer is the first bvec, those of the range are behind it.
 */
static void gup_bio_bounced(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order2, 11);
	struct dio_call *b = dio_prepare(r, 0, r->nr + 1);
	unsigned int i, block = 4 * PAGE_SIZE;
	struct gk_call *c = b->c;
	struct page *buffer;

	gk_store_all(r);
	iov_iter_ubuf(&b->iter, ITER_DEST, (void __user *)r->addr, r->nr * PAGE_SIZE);
	b->ret = bio_iov_iter_bounce(&b->bio, &b->iter, r->nr * PAGE_SIZE, block);
	KUNIT_ASSERT_EQ(test, b->ret, 0);
	GK_EXPECT(c, 0, "bytes", b->bio.bi_iter.bi_size, 2 * block);
	GK_EXPECT(c, 0, "bvecs", b->bio.bi_vcnt, 2);
	dio_list_pages_of(b, &b->bio.bi_io_vec[1]);
	gk_done(c);
	gk_expect_pinned(c, 8);

	buffer = b->bio.bi_io_vec[0].bv_page;
	for (i = 0; i < 8; i++)
		gk_poke(buffer + i, gk_byte(i + 100));
	bio_iov_iter_unbounce(&b->bio, false, false);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "first byte of the page", gk_load(r, i),
			  i < 8 ? gk_byte(i + 100) : gk_byte(i));
	gk_expect_restored(c);
}

/* Memory of the kernel is joined alike, and nobody pins it. */
static void gup_bio_kernel(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	struct dio_call *b = dio_prepare(r, 0, 8);
	struct kvec kvec;

	KUNIT_ASSERT_NOT_NULL(test, page);
	kvec.iov_base = page_address(page) + 512;
	kvec.iov_len = 3 * PAGE_SIZE;
	iov_iter_kvec(&b->iter, ITER_DEST, &kvec, 1, kvec.iov_len);
	b->ret = bio_iov_iter_get_pages(&b->bio, &b->iter, 0, 0);
	GK_EXPECT(b->c, 0, "error", b->ret, 0);
	GK_EXPECT(b->c, 0, "bvecs", b->bio.bi_vcnt, 1);
	GK_EXPECT(b->c, 0, "bytes", b->bio.bi_iter.bi_size, kvec.iov_len);
	GK_EXPECT(b->c, 0, "offset", b->bio.bi_io_vec[0].bv_offset, 512);
	GK_EXPECT(b->c, 0, "first page", b->bio.bi_io_vec[0].bv_page == page, true);
	GK_EXPECT(b->c, 0, "references", page_ref_count(page), 1);
	bio_release_pages(&b->bio, false);
	GK_EXPECT(b->c, 0, "references after the release", page_ref_count(page), 1);
	__free_pages(page, 2);
}

static struct kunit_suite gup_bio_suite = {
	.name = "gup_bio",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_bio_zoo, dio_zoo_params),
		KUNIT_CASE_PARAM(gup_bio_room, gk_writable_params),
		KUNIT_CASE_PARAM(gup_bio_pieces, dio_pieces_gen_params),
		KUNIT_CASE(gup_bio_nofault),
		KUNIT_CASE(gup_bio_bounced),
		KUNIT_CASE(gup_bio_kernel),
		{}
	},
};

kunit_test_suite(gup_bio_suite);
