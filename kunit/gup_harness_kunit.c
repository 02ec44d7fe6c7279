// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the other suites stand on: the parts of KUnit and of the architecture
 * without which their results would mean little.
 */
#include <linux/mman.h>
#include <linux/mmzone.h>
#include <linux/uaccess.h>

#include <asm/tlbflush.h>

#include "gk.h"

/* kunit_vm_mmap() returns 0 for whatever vm_mmap() refuses. */
static void gup_harness_vm_mmap_error(struct kunit *test)
{
	static const struct {
		const char *what;
		unsigned long addr, len, flags;
	} bad[] = {
		{ "no length", 0, 0, MAP_PRIVATE | MAP_ANONYMOUS },
		{ "neither shared nor private", 0, PAGE_SIZE, MAP_ANONYMOUS },
		{ "behind the end of user memory", -2 * PAGE_SIZE, PAGE_SIZE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED },
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		unsigned long addr = kunit_vm_mmap(test, NULL, bad[i].addr,
						   bad[i].len, PROT_READ,
						   bad[i].flags, 0);

		KUNIT_EXPECT_EQ_MSG(test, addr, 0,
				    "kunit_vm_mmap, %s: wanted 0, got %ld",
				    bad[i].what, (long)addr);
	}
}

/*
 * Have set_ptes() make @nr entries of a page table, and take out all @room that it
 * could have made. Nothing is mapped for longer than that, so nothing is counted.
 */
static void harness_set_ptes(struct gk_range *r, pte_t *ptes, unsigned int room,
			     unsigned long pfn, unsigned int nr)
{
	unsigned long addr = r->addr;
	spinlock_t *ptl = NULL;
	unsigned int i;
	pte_t *ptep;

	if (pte_index(addr) + room > PTRS_PER_PTE)
		addr += room * PAGE_SIZE;
	mmap_read_lock(r->mm);
	ptep = get_locked_pte(r->mm, addr, &ptl);
	set_ptes(r->mm, addr, ptep, pfn_pte(pfn, PAGE_SHARED), nr);
	for (i = 0; i < room; i++)
		ptes[i] = ptep_get_and_clear(r->mm, addr + i * PAGE_SIZE,
					     ptep + i);
	pte_unmap_unlock(ptep, ptl);
	flush_tlb_mm(r->mm);
	mmap_read_unlock(r->mm);
}

/* set_ptes() maps consecutive pages, however many. */
static void gup_harness_set_ptes(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	unsigned long first = page_to_pfn(gk_drv_page(gk_drv(test, 3, 8), 0));
	unsigned int i, nr;
	pte_t ptes[8];

	for (nr = 1; nr <= ARRAY_SIZE(ptes); nr++) {
		harness_set_ptes(r, ptes, ARRAY_SIZE(ptes), first, nr);
		for (i = 0; i < ARRAY_SIZE(ptes); i++) {
			unsigned long pfn = 0, want = i < nr ? first + i : 0;

			if (!pte_none(ptes[i]))
				pfn = pte_pfn(ptes[i]);
			KUNIT_EXPECT_EQ_MSG(test, pfn, want,
					    "set_ptes of %u entries, entry %u: wanted pfn %lx, got %lx",
					    nr, i, want, pfn);
		}
	}
}

/* movablecore= is in force: there is something that must be migrated. */
static void gup_harness_movable_zone(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct folio *folio = page_folio(gk_page(r, 0));

	KUNIT_EXPECT_TRUE_MSG(test,
			      populated_zone(&NODE_DATA(0)->node_zones[ZONE_MOVABLE]),
			      "ZONE_MOVABLE is empty: boot with movablecore=256M");
	KUNIT_EXPECT_TRUE_MSG(test, folio_is_zone_movable(folio),
			      "user memory is not in ZONE_MOVABLE but in %s",
			      folio_zone(folio)->name);
	KUNIT_EXPECT_FALSE(test, folio_is_longterm_pinnable(folio));
}

/* What its process must not read, copy_from_user() does not read for it either. */
static void gup_harness_prot_none_copy(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_prot_none, 0);
	u8 byte = 0xa5;

	KUNIT_EXPECT_EQ_MSG(test,
			    copy_from_user(&byte, (u8 __user *)r->addr, 1), 1,
			    "copy_from_user() of PROT_NONE memory copied 0x%02x",
			    byte);
	KUNIT_EXPECT_EQ(test,
			copy_to_user((u8 __user *)r->addr, &byte, 1), 1);
}

/* fork() shares every page; the child reads and writes its own memory. */
static void gup_harness_child_write(void *arg)
{
	struct gk_range *r = arg;

	gk_store(r, 0, 'c');
}

static void gup_harness_fork(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct page *page = gk_page(r, 0);
	struct gk_child *child;

	gk_store(r, 0, 'p');
	child = gk_fork(test);
	KUNIT_EXPECT_PTR_NE(test, child->mm, r->mm);
	KUNIT_EXPECT_FALSE(test, pte_write(gk_pte(r, 0)));
	gk_child_run(test, child, gup_harness_child_write, r);
	KUNIT_EXPECT_EQ(test, gk_load(r, 0), 'p');
	KUNIT_EXPECT_PTR_EQ(test, gk_page(r, 0), page);
	gk_child_exit(test, child);
	KUNIT_EXPECT_EQ(test, folio_ref_count(page_folio(page)), 1);
}

static struct kunit_suite gup_harness_suite = {
	.name = "gup_harness",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE(gup_harness_vm_mmap_error),
		KUNIT_CASE(gup_harness_set_ptes),
		KUNIT_CASE(gup_harness_movable_zone),
		KUNIT_CASE(gup_harness_prot_none_copy),
		KUNIT_CASE(gup_harness_fork),
		{}
	},
};

kunit_test_suite(gup_harness_suite);
