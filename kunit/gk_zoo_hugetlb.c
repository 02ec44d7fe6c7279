// SPDX-License-Identifier: GPL-2.0-only
/* The zoo's hugetlb pages, of the default size. */
#include <linux/hugetlb.h>
#include <linux/mman.h>

#include "gk.h"

static void hugetlb_map(struct gk_range *r, unsigned long flags)
{
	gk_mmap_hugetlb(r, &default_hstate, flags);
	gk_fault(r, 0, r->nr, true);
	gk_assert_order(r, PMD_ORDER, true);
}

static void gk_map_hugetlb(struct gk_range *r)
{
	hugetlb_map(r, MAP_PRIVATE);
}

static void gk_map_hugetlb_fresh(struct gk_range *r)
{
	gk_mmap_hugetlb(r, &default_hstate, MAP_PRIVATE);
}

static void gk_map_hugetlb_file(struct gk_range *r)
{
	hugetlb_map(r, MAP_SHARED);
}

#define GK_SHAPE(_name, _traits)					\
	GK_SHAPE_CALLED(_name, #_name, PTRS_PER_PTE, gk_map_##_name, 0,	\
			GK_READ | GK_WRITE | GK_LARGE | (_traits))

GK_SHAPE(hugetlb, GK_FAST_ALL);
GK_SHAPE(hugetlb_fresh, 0);
GK_SHAPE(hugetlb_file, GK_FAST_ALL);
