// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zoo's huge pages: anonymous memory of every size that there is, and files, as
 * a process has them, where gk_drv.c can only map folios of that size.
 */
#include <kunit/resource.h>
#include <linux/mman.h>
#include <linux/pagemap.h>

#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

static void huge_fill(struct gk_range *r)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_store(r, i, gk_byte(i));
	gk_settle();
}

static void gk_map_thp(struct gk_range *r)
{
	gk_mmap_huge(r);
	gk_madvise(r, 0, r->nr, MADV_HUGEPAGE);
	gk_fault(r, 0, r->nr, true);
	gk_assert_order(r, HPAGE_PMD_ORDER, true);
}

static void gk_map_thp_zero(struct gk_range *r)
{
	gk_mmap_huge(r);
	gk_madvise(r, 0, r->nr, MADV_HUGEPAGE);
	gk_fault(r, 0, r->nr, false);
	gk_assert_order(r, HPAGE_PMD_ORDER, true);
}

static void gk_map_thp_shared(struct gk_range *r)
{
	gk_map_thp(r);
	r->child = gk_fork(r->test);
}

static void gk_map_thp_reexclusive(struct gk_range *r)
{
	gk_map_thp_shared(r);
	gk_child_exit(r->test, r->child);
	r->child = NULL;
}

/* Shared, and one page of it copied: the leaf is a page table by now. */
static void gk_map_thp_cow(struct gk_range *r)
{
	gk_map_thp_shared(r);
	gk_fault(r, r->nr / 2, 1, true);
	gk_assert_order(r, HPAGE_PMD_ORDER, false);
}

static void gk_map_thp_readonly(struct gk_range *r)
{
	gk_map_thp(r);
	gk_protect(r, 0, r->nr, PROT_READ);
	gk_assert_order(r, HPAGE_PMD_ORDER, true);
}

static void gk_map_thp_none(struct gk_range *r)
{
	gk_map_thp(r);
	gk_protect(r, 0, r->nr, PROT_NONE);
}

/* One folio, mapped by 512 entries. */
static void gk_map_thp_ptes(struct gk_range *r)
{
	gk_map_thp(r);
	mmap_write_lock(r->mm);
	split_huge_pmd_address(gk_vma(r, 0), r->addr, false);
	mmap_write_unlock(r->mm);
	gk_assert_order(r, HPAGE_PMD_ORDER, false);
}

/* The same, of which a quarter is no longer mapped. */
static void gk_map_thp_part(struct gk_range *r)
{
	gk_map_thp(r);
	gk_madvise(r, r->nr / 2, r->nr / 4, MADV_DONTNEED);
	gk_assert_order(r, HPAGE_PMD_ORDER, false);
}

/* What was one folio is 512, in a row. */
static void gk_map_thp_split(struct gk_range *r)
{
	struct folio *folio;
	int ret;

	gk_map_thp(r);
	/* Pages of zeroes would become the zero page. */
	huge_fill(r);
	folio = page_folio(gk_page(r, 0));
	folio_get(folio);
	folio_lock(folio);
	ret = split_folio(folio);
	folio_unlock(folio);
	folio_put(folio);
	KUNIT_ASSERT_EQ(r->test, ret, 0);
	gk_assert_order(r, 0, false);
}

/* Small pages that khugepaged would have found. */
static void gk_map_thp_collapsed(struct gk_range *r)
{
	gk_mmap_huge(r);
	gk_fault(r, 0, r->nr, true);
	gk_assert_order(r, 0, false);
	gk_settle();
	gk_madvise(r, 0, r->nr, MADV_COLLAPSE);
	gk_assert_order(r, HPAGE_PMD_ORDER, true);
}

/* Switches of the whole system. */
struct mthp_orders {
	unsigned long madvise, inherit;
};

static void mthp_switch(void *to)
{
	const struct mthp_orders *orders = to;

	WRITE_ONCE(huge_anon_orders_madvise, orders->madvise);
	WRITE_ONCE(huge_anon_orders_inherit, orders->inherit);
}

/* Folios of r->shape->arg, and of no other order. */
static void gk_map_mthp(struct gk_range *r)
{
	struct mthp_orders only = { .madvise = BIT(r->shape->arg) };
	struct mthp_orders *was = kunit_kmalloc(r->test, sizeof(*was), GFP_KERNEL);

	gk_mmap_huge(r);
	gk_madvise(r, 0, r->nr, MADV_HUGEPAGE);
	KUNIT_ASSERT_NOT_NULL(r->test, was);
	was->madvise = huge_anon_orders_madvise;
	was->inherit = huge_anon_orders_inherit;
	KUNIT_ASSERT_EQ(r->test, kunit_add_action(r->test, mthp_switch, was), 0);
	mthp_switch(&only);
	gk_fault(r, 0, r->nr, true);
	kunit_release_action(r->test, mthp_switch, was);
	gk_assert_order(r, r->shape->arg, false);
}

/* A file with a huge page, mapped for reading, shared. */
static struct file *huge_shmem_file(struct gk_range *r)
{
	struct file *file = gk_shmem_file(r);

	gk_mmap_huge(r);
	gk_mmap(r, file, r->addr, RW, MAP_SHARED | MAP_FIXED);
	huge_fill(r);
	gk_madvise(r, 0, r->nr, MADV_COLLAPSE);
	gk_assert_order(r, HPAGE_PMD_ORDER, true);
	return file;
}

static void gk_map_thp_shmem(struct gk_range *r)
{
	huge_shmem_file(r);
	gk_fault(r, 0, r->nr, true);
	gk_assert_order(r, HPAGE_PMD_ORDER, true);
}

static void gk_map_thp_private(struct gk_range *r)
{
	struct file *file = huge_shmem_file(r);

	gk_mmap(r, file, r->addr, RW, MAP_PRIVATE | MAP_FIXED);
	gk_fault(r, 0, r->nr, false);
	gk_assert_order(r, HPAGE_PMD_ORDER, true);
}

#define GK_HUGE		(GK_ANON | GK_READ | GK_WRITE | GK_LARGE)

#define GK_SHAPE(_name, _traits)					\
	GK_SHAPE_CALLED(_name, #_name, PTRS_PER_PTE, gk_map_##_name, 0, _traits)
/* Two folios. */
#define GK_MTHP(_order, _nr)						\
	GK_SHAPE_CALLED(mthp##_order, "mthp_order" #_order, _nr,	\
			gk_map_mthp, (_order), GK_HUGE | GK_FAST_ALL)

GK_SHAPE(thp, GK_HUGE | GK_FAST_ALL);
GK_SHAPE(thp_zero, GK_ANON | GK_READ | GK_WRITE);
GK_SHAPE(thp_shared, GK_HUGE | GK_FAST_READ);
GK_SHAPE(thp_reexclusive, GK_HUGE | GK_FAST_READ);
GK_SHAPE(thp_cow, GK_HUGE | GK_FAST_READ);
GK_SHAPE(thp_readonly, GK_ANON | GK_READ | GK_FORCE_WRITE | GK_FAST_READ |
	 GK_FAST_PIN_READ | GK_LARGE);
GK_SHAPE(thp_none, GK_FORCE_READ | GK_FORCE_WRITE | GK_ANON);
GK_SHAPE(thp_ptes, GK_HUGE | GK_FAST_ALL);
GK_SHAPE(thp_part, GK_HUGE);
GK_SHAPE(thp_split, GK_ANON | GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(thp_collapsed, GK_HUGE | GK_FAST_ALL);
GK_SHAPE(thp_shmem, GK_READ | GK_WRITE | GK_FAST_ALL | GK_LARGE);
/* Not in the zoo: without its fix a long-term pin of this never returns. */
GK_SHAPE(thp_private, GK_READ | GK_WRITE | GK_FAST_READ | GK_FAST_PIN_READ | GK_LARGE);
GK_MTHP(2, 8);
GK_MTHP(3, 16);
GK_MTHP(4, 32);
GK_MTHP(5, 64);
GK_MTHP(6, 128);
GK_MTHP(7, 256);
GK_MTHP(8, 512);
