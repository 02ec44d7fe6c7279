// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of hugetlb, of the smallest size that there is. It may be a leaf above the page
 * table, or several entries of one, of which each says what it maps (arm64), or none
 * does (riscv): page i has to be page i there, too.
 *
 * What is mapped is told by what the process has stored. Whatever reads page tables to
 * find it out makes the mistakes that are looked for.
 */
#include <linux/hugetlb.h>
#include <linux/mman.h>

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
	char api[KUNIT_PARAM_DESC_SIZE];
	const void *next = gk_api_params(test, prev, api);

	if (next)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s+%s", entries, api);
	return next;
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

static struct kunit_case gup_hugetlb_cases[] = {
	KUNIT_CASE_PARAM(gup_hugetlb_pages, hugetlb_params),
	{}
};

static struct kunit_suite gup_hugetlb_suite = {
	.name = "gup_hugetlb",
	.test_cases = gup_hugetlb_cases,
};

kunit_test_suite(gup_hugetlb_suite);

MODULE_DESCRIPTION("KUnit tests of GUP on hugetlb pages");
MODULE_LICENSE("GPL");
