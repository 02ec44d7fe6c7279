// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zoo of the GUP KUnit suites: every shape of mapping that a kernel thread
 * with an mm of its own can build. Add a shape here and the zoo suites run
 * every API over it.
 */
#include <kunit/resource.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/shmem_fs.h>

#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

static void gk_map_anon(struct gk_range *r)
{
	gk_mmap_anon(r, 0, RW, 0);
}

static void gk_map_anon_written(struct gk_range *r)
{
	gk_map_anon(r);
	gk_fault(r, 0, r->nr, true);
}

static void gk_map_anon_zero(struct gk_range *r)
{
	gk_map_anon(r);
	gk_fault(r, 0, r->nr, false);
}

static void gk_map_anon_shared(struct gk_range *r)
{
	gk_map_anon_written(r);
	r->child = gk_fork(r->test);
}

static void gk_map_anon_reexclusive(struct gk_range *r)
{
	gk_map_anon_shared(r);
	gk_child_exit(r->test, r->child);
	r->child = NULL;
}

static void gk_map_anon_readonly(struct gk_range *r)
{
	gk_map_anon_written(r);
	gk_protect(r, 0, r->nr, PROT_READ);
}

/* Exclusive and shared, writable and not, zero pages and holes, in turn. */
static void gk_map_anon_mixed(struct gk_range *r)
{
	unsigned int i;

	gk_map_anon(r);
	for (i = 0; i < r->nr; i++)
		if (i % 8 < 6)
			gk_fault(r, i, 1, i % 8 < 5);
	r->child = gk_fork(r->test);
	for (i = 0; i < r->nr; i++)
		if (i % 8 < 2)
			gk_fault(r, i, 1, true);
	for (i = 0; i < r->nr; i++)
		if (i % 8 == 1)
			gk_wrprotect_ptes(r, i, 1);
}

struct file *gk_shmem_file(struct gk_range *r)
{
	struct file *file = shmem_file_setup("gup_kunit", (loff_t)r->nr *
					     PAGE_SIZE, EMPTY_VMA_FLAGS);

	gk_adopt_file(r->test, file);
	return file;
}

static struct file *gk_filled_file(struct gk_range *r)
{
	struct file *file = gk_shmem_file(r);
	unsigned int i;
	loff_t pos;

	for (i = 0; i < r->nr; i++) {
		u8 byte = i + 1;

		pos = (loff_t)i * PAGE_SIZE;
		KUNIT_ASSERT_EQ(r->test, 1, kernel_write(file, &byte, 1, &pos));
	}
	return file;
}

static void gk_map_file_private(struct gk_range *r)
{
	gk_mmap(r, gk_filled_file(r), 0, RW, MAP_PRIVATE);
	gk_fault(r, 0, r->nr, false);
}

static void gk_map_file_private_cow(struct gk_range *r)
{
	unsigned int i;

	gk_map_file_private(r);
	for (i = 0; i < r->nr; i += 2)
		gk_fault(r, i, 1, true);
}

static void gk_map_shmem_fresh(struct gk_range *r)
{
	gk_mmap(r, gk_shmem_file(r), 0, RW, MAP_SHARED);
}

static void gk_map_shmem_written(struct gk_range *r)
{
	gk_map_shmem_fresh(r);
	gk_fault(r, 0, r->nr, true);
}

static struct gk_drv *gk_map_drv_empty(struct gk_range *r, unsigned long flags)
{
	struct gk_drv *drv = gk_drv(r->test, r->shape->arg, r->nr);

	gk_drv_mmap(r, drv, RW, flags);
	return drv;
}

static void gk_map_drv(struct gk_range *r)
{
	struct gk_drv *drv = gk_map_drv_empty(r, MAP_SHARED);
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i));
}

/* Pages of one folio are apart, and neighbours belong to different folios. */
static void gk_map_drv_shuffled(struct gk_range *r)
{
	struct gk_drv *drv = gk_map_drv_empty(r, MAP_SHARED);
	unsigned int i, nr = drv->nr_folios << drv->order;

	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, (i * 7 + 3) % nr));
}

static void gk_map_drv_holes(struct gk_range *r)
{
	struct gk_drv *drv = gk_map_drv_empty(r, MAP_SHARED);
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		if (i % 8 != 5)
			gk_drv_insert(r, i, gk_drv_page(drv, i));
}

/* Read-only and writable entries within each folio. */
static void gk_map_drv_mixed(struct gk_range *r)
{
	unsigned int i;

	gk_map_drv(r);
	for (i = 0; i < r->nr; i++)
		if (i % 8 == 0 || i % 8 == 3 || i % 8 == 4)
			gk_wrprotect_ptes(r, i, 1);
}

/*
 * Folios that are not aligned as their addresses are. Elsewhere arm64 makes one
 * contiguous entry of 16, which has one dirty bit and one accessed bit for all.
 */
static void gk_map_drv_askew(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, r->shape->arg, r->nr);
	unsigned int i, nr = r->nr;

	r->nr += 16;
	gk_drv_mmap(r, drv, RW, MAP_SHARED);
	r->nr = nr;
	r->addr = ALIGN(r->addr, 16 * PAGE_SIZE) + PAGE_SIZE;
	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i));
}

static void gk_map_drv_marked(struct gk_range *r,
			      void (*mark)(struct gk_range *r, unsigned int i, bool set))
{
	unsigned int i;

	gk_map_drv_askew(r);
	for (i = 0; i < r->nr; i++)
		mark(r, i, i % 2);
}

/* As a processor leaves it that has written to every other page. */
static void gk_map_drv_dirty(struct gk_range *r)
{
	gk_map_drv_marked(r, gk_set_dirty_pte);
}

/* As a processor leaves it that has been at every other page. */
static void gk_map_drv_young(struct gk_range *r)
{
	gk_map_drv_marked(r, gk_set_young_pte);
}

/* As what is written to after /proc/PID/clear_refs; plain where there is no such bit. */
static void gk_map_drv_soft_dirty(struct gk_range *r)
{
	gk_map_drv_marked(r, gk_set_soft_dirty_pte);
}

/* Each folio from its last page to its first. */
static void gk_map_drv_reversed(struct gk_range *r)
{
	struct gk_drv *drv = gk_map_drv_empty(r, MAP_SHARED);
	unsigned int i, last = (1U << drv->order) - 1;

	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i ^ last));
}

/* A private mapping of a driver's folios, its middle copied on write. */
static void gk_map_drv_cow(struct gk_range *r)
{
	struct gk_drv *drv = gk_map_drv_empty(r, MAP_PRIVATE);
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i));
	gk_fault(r, r->nr / 2, 1, true);
	gk_fault(r, r->nr - 1, 1, true);
}

/* Each page of a folio twice in a row. */
static void gk_map_drv_twice(struct gk_range *r)
{
	struct gk_drv *drv = gk_map_drv_empty(r, MAP_SHARED);
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i / 2));
}

static void gk_map_pfnmap(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, 0, 1);
	unsigned int i;
	int ret = 0;

	gk_mmap(r, NULL, 0, RW, MAP_SHARED);
	mmap_write_lock(r->mm);
	for (i = 0; i < r->nr && !ret; i++)
		ret = remap_pfn_range(gk_vma(r, i), gk_addr(r, i),
				      page_to_pfn(gk_drv_page(drv, 0)),
				      PAGE_SIZE, PAGE_SHARED);
	mmap_write_unlock(r->mm);
	KUNIT_ASSERT_EQ(r->test, ret, 0);
}

static void gk_map_prot_none(struct gk_range *r)
{
	gk_map_anon_written(r);
	gk_protect(r, 0, r->nr, PROT_NONE);
}

static void gk_map_guard(struct gk_range *r)
{
	gk_map_anon_written(r);
	gk_madvise(r, r->nr / 2, 1, MADV_GUARD_INSTALL);
}

static void gk_map_two_vmas(struct gk_range *r)
{
	gk_map_anon_written(r);
	/* Not to be copied on fork: so the second half needs its own VMA. */
	gk_madvise(r, r->nr / 2, r->nr - r->nr / 2, MADV_DONTFORK);
}

static void gk_map_hole(struct gk_range *r)
{
	gk_map_anon_written(r);
	gk_unmap(r, r->nr / 2, 1);
}

/* Half in one page table, half in the next. */
static void gk_map_table_edge(struct gk_range *r)
{
	unsigned int nr = r->nr;

	r->nr += 2 * PTRS_PER_PTE;
	gk_map_anon(r);
	r->nr = nr;
	r->addr = ALIGN(r->addr + nr * PAGE_SIZE, PMD_SIZE) -
		  nr / 2 * PAGE_SIZE;
	gk_fault(r, 0, r->nr, true);
}

/*
 * Half below an entry of the page directory, half below the next. The tables are
 * made from the last to the first: they must not lie in a row by chance.
 */
static void gk_map_dir_edge(struct gk_range *r)
{
	unsigned int i;

	gk_mmap_anon(r, PGDIR_SIZE - r->nr / 2 * PAGE_SIZE, RW,
		     MAP_FIXED_NOREPLACE);
	for (i = r->nr; i--; )
		gk_fault(r, i, 1, true);
}

/* The same, and the edge is in the middle of a folio. */
static void gk_map_drv_dir_edge(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, r->shape->arg, r->nr);
	unsigned int i;

	gk_drv_mmap_at(r, drv, PGDIR_SIZE - r->nr / 2 * PAGE_SIZE, RW,
		       MAP_SHARED | MAP_FIXED_NOREPLACE);
	for (i = r->nr; i--; )
		gk_drv_insert(r, i, gk_drv_page(drv, i));
}

/* From the start of a page table, and nothing is mapped behind it. */
static void gk_map_alone(struct gk_range *r)
{
	unsigned int nr = r->nr;
	unsigned long end;

	r->nr = PTRS_PER_PTE + 2 * nr;
	gk_map_anon(r);
	end = gk_addr(r, r->nr);
	r->nr = nr;
	r->addr = ALIGN(r->addr, PMD_SIZE);
	gk_fault(r, 0, nr, true);
	gk_unmap(r, nr, (end - gk_addr(r, nr)) / PAGE_SIZE);
}

static void gk_map_mlocked(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, RW, MAP_PRIVATE | MAP_LOCKED);
}

static vm_fault_t gk_fault_poisoned(struct gk_drv *drv, struct vm_fault *vmf)
{
	return VM_FAULT_HWPOISON;
}

static void gk_map_poisoned(struct gk_range *r)
{
	gk_map_drv_holes(r);
	gk_range_drv(r)->fault = gk_fault_poisoned;
}

#define GK_SHAPE(_name, _nr, _map, _arg, _traits)			\
	GK_SHAPE_CALLED(_name, #_name, _nr, gk_map_##_map, _arg, _traits)
#define GK_DRV_LARGE	(GK_READ | GK_WRITE | GK_FAST_ALL | GK_LARGE)

GK_SHAPE(anon_fresh, 16, anon, 0, GK_ANON | GK_READ | GK_WRITE);
GK_SHAPE(anon_written, 16, anon_written, 0,
	 GK_ANON | GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(anon_zero, 16, anon_zero, 0, GK_ANON | GK_READ | GK_WRITE);
GK_SHAPE(anon_shared, 16, anon_shared, 0,
	 GK_ANON | GK_READ | GK_WRITE | GK_FAST_READ);
GK_SHAPE(anon_reexclusive, 16, anon_reexclusive, 0,
	 GK_ANON | GK_READ | GK_WRITE | GK_FAST_READ);
GK_SHAPE(anon_readonly, 16, anon_readonly, 0,
	 GK_ANON | GK_READ | GK_FORCE_WRITE | GK_FAST_READ | GK_FAST_PIN_READ);
GK_SHAPE(anon_mixed, 48, anon_mixed, 0, GK_ANON | GK_READ | GK_WRITE);
GK_SHAPE(file_private, 16, file_private, 0,
	 GK_READ | GK_WRITE | GK_FAST_READ | GK_FAST_PIN_READ);
GK_SHAPE(file_private_cow, 16, file_private_cow, 0,
	 GK_READ | GK_WRITE | GK_FAST_READ | GK_FAST_PIN_READ);
GK_SHAPE(shmem_fresh, 16, shmem_fresh, 0, GK_READ | GK_WRITE);
GK_SHAPE(shmem_written, 16, shmem_written, 0,
	 GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(drv_order0, 16, drv, 0, GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(drv_order2, 16, drv, 2, GK_DRV_LARGE);
GK_SHAPE(drv_order4, 48, drv, 4, GK_DRV_LARGE);
GK_SHAPE(drv_order9, 512, drv, 9, GK_DRV_LARGE);
GK_SHAPE(drv_shuffled, 32, drv_shuffled, 3, GK_DRV_LARGE);
GK_SHAPE(drv_reversed, 32, drv_reversed, 4, GK_DRV_LARGE);
GK_SHAPE_CALLED(drv_dirty2, "drv_order2_dirty", 16, gk_map_drv_dirty, 2, GK_DRV_LARGE);
GK_SHAPE_CALLED(drv_dirty4, "drv_order4_dirty", 48, gk_map_drv_dirty, 4, GK_DRV_LARGE);
GK_SHAPE_CALLED(drv_dirty9, "drv_order9_dirty", 512, gk_map_drv_dirty, 9, GK_DRV_LARGE);
GK_SHAPE_CALLED(drv_young2, "drv_order2_young", 16, gk_map_drv_young, 2, GK_DRV_LARGE);
GK_SHAPE_CALLED(drv_young4, "drv_order4_young", 48, gk_map_drv_young, 4, GK_DRV_LARGE);
GK_SHAPE_CALLED(drv_young9, "drv_order9_young", 512, gk_map_drv_young, 9, GK_DRV_LARGE);
GK_SHAPE(drv_soft_dirty, 48, drv_soft_dirty, 4, GK_DRV_LARGE);
GK_SHAPE(drv_holes, 32, drv_holes, 4, GK_PARTIAL | GK_LARGE);
GK_SHAPE(drv_mixed, 32, drv_mixed, 4,
	 GK_READ | GK_WRITE | GK_FAST_READ | GK_FAST_PIN_READ | GK_LARGE);
GK_SHAPE(drv_cow, 9, drv_cow, 0,
	 GK_READ | GK_WRITE | GK_FAST_READ | GK_FAST_PIN_READ);
GK_SHAPE(drv_large_cow, 32, drv_cow, 4,
	 GK_READ | GK_WRITE | GK_FAST_READ | GK_FAST_PIN_READ | GK_LARGE);
GK_SHAPE(drv_twice, 32, drv_twice, 4, GK_DRV_LARGE);
GK_SHAPE(pfnmap, 8, pfnmap, 0, GK_REFUSED);
GK_SHAPE(prot_none, 16, prot_none, 0, GK_FORCE_READ | GK_FORCE_WRITE | GK_ANON);
GK_SHAPE(guard, 16, guard, 0, GK_PARTIAL | GK_ANON);
GK_SHAPE(two_vmas, 16, two_vmas, 0,
	 GK_ANON | GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(hole, 16, hole, 0, GK_PARTIAL | GK_ANON);
GK_SHAPE(table_edge, 16, table_edge, 0,
	 GK_ANON | GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(dir_edge, 16, dir_edge, 0,
	 GK_ANON | GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(drv_dir_edge, 48, drv_dir_edge, 4, GK_DRV_LARGE);
GK_SHAPE(alone, 64, alone, 0,
	 GK_ANON | GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(mlocked, 16, mlocked, 0,
	 GK_ANON | GK_READ | GK_WRITE | GK_FAST_ALL);
GK_SHAPE(poisoned, 16, poisoned, 2, GK_PARTIAL | GK_LARGE);

const struct gk_shape *const gk_zoo[] = {
	&gk_anon_fresh, &gk_anon_written, &gk_anon_zero, &gk_anon_shared,
	&gk_anon_reexclusive, &gk_anon_readonly, &gk_anon_mixed,
	&gk_file_private, &gk_file_private_cow, &gk_shmem_fresh,
	&gk_shmem_written, &gk_drv_order0, &gk_drv_order2, &gk_drv_order4,
	&gk_drv_order9, &gk_drv_shuffled, &gk_drv_reversed, &gk_drv_dirty2,
	&gk_drv_dirty4, &gk_drv_dirty9, &gk_drv_young2, &gk_drv_young4,
	&gk_drv_young9, &gk_drv_soft_dirty, &gk_drv_holes, &gk_drv_mixed,
	&gk_drv_cow, &gk_drv_large_cow, &gk_drv_twice, &gk_pfnmap,
	&gk_prot_none, &gk_guard, &gk_two_vmas, &gk_hole, &gk_table_edge,
	&gk_dir_edge, &gk_drv_dir_edge, &gk_alone, &gk_mlocked, &gk_poisoned,
#ifdef CONFIG_GUP_ZOO_THP
	&gk_thp, &gk_thp_zero, &gk_thp_shared, &gk_thp_reexclusive, &gk_thp_cow,
	&gk_thp_readonly, &gk_thp_none, &gk_thp_ptes, &gk_thp_part,
	&gk_thp_split, &gk_thp_collapsed, &gk_thp_shmem, &gk_mthp2, &gk_mthp3,
	&gk_mthp4, &gk_mthp5, &gk_mthp6, &gk_mthp7, &gk_mthp8,
#endif
#ifdef CONFIG_GUP_ZOO_HUGETLB
	&gk_hugetlb, &gk_hugetlb_fresh, &gk_hugetlb_file,
#endif
};

const unsigned int gk_zoo_size = ARRAY_SIZE(gk_zoo);

/* Each of these can be pinned for writing as a whole, in runs of many kinds. */
const struct gk_shape *const gk_writable[] = {
	&gk_anon_written, &gk_anon_fresh, &gk_anon_zero, &gk_drv_order2,
	&gk_drv_order4, &gk_drv_mixed, &gk_drv_reversed, &gk_drv_twice,
	&gk_drv_cow, &gk_drv_dir_edge, &gk_drv_dirty4,
#ifdef CONFIG_GUP_ZOO_THP
	&gk_thp, &gk_thp_ptes, &gk_mthp4,
#endif
};

const unsigned int gk_writable_size = ARRAY_SIZE(gk_writable);
