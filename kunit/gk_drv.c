// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the GUP KUnit suites: it owns folios of one order, maps their
 * pages where it is told, and answers faults as it is told.
 */
#include <kunit/resource.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>

#include "internal.h"
#include "gk.h"

static vm_fault_t gk_drv_fault(struct vm_fault *vmf)
{
	struct gk_drv *drv = vmf->vma->vm_private_data;

	drv->faults++;
	drv->last_flags = vmf->flags;
	return drv->fault ? drv->fault(drv, vmf) : VM_FAULT_SIGBUS;
}

vm_fault_t gk_drv_give(struct gk_drv *drv, struct vm_fault *vmf)
{
	vmf->page = gk_drv_page(drv, vmf->pgoff);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct gk_drv_vm_ops = {
	.fault = gk_drv_fault,
};

static int gk_drv_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &gk_drv_vm_ops;
	desc->private_data = desc->file->private_data;
	vma_desc_set_flags(desc, VMA_MIXEDMAP_BIT);
	return 0;
}

static const struct file_operations gk_drv_fops = {
	.owner = THIS_MODULE,
	.mmap_prepare = gk_drv_mmap_prepare,
};

static void gk_drv_free(void *arg)
{
	struct gk_drv *drv = arg;
	unsigned int i;

	for (i = 0; i < drv->nr_folios; i++)
		folio_put(drv->folios[i]);
}

/*
 * The allocator's next folio may lie behind the last one or not. Never here: whether
 * two folios look like one is up to gk_folios_in_a_row(), not to luck.
 */
static void gk_drv_add(struct gk_drv *drv, struct folio *folio)
{
	struct folio **next = drv->folios + drv->nr_folios++;

	*next = folio;
	if (next > drv->folios &&
	    folio_pfn(folio) == folio_pfn(next[-1]) + folio_nr_pages(next[-1]))
		swap(next[-1], next[0]);
}

/* A driver that owns @nr pages or more, in folios of 2^@order pages. */
struct gk_drv *gk_drv(struct kunit *test, unsigned int order, unsigned int nr)
{
	struct gk_drv *drv = kunit_kzalloc(test, sizeof(*drv), GFP_KERNEL);
	unsigned int want = DIV_ROUND_UP(nr, 1U << order);

	KUNIT_ASSERT_NOT_NULL(test, drv);
	drv->test = test;
	drv->order = order;
	drv->folios = kunit_kcalloc(test, want, sizeof(*drv->folios),
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, drv->folios);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, gk_drv_free, drv));
	while (drv->nr_folios < want) {
		struct folio *folio = folio_alloc(GFP_KERNEL | __GFP_ZERO,
						  order);

		KUNIT_ASSERT_NOT_NULL(test, folio);
		gk_drv_add(drv, folio);
	}
	return drv;
}

/* The driver's page @i, counted through its folios. */
struct page *gk_drv_page(struct gk_drv *drv, unsigned int i)
{
	unsigned int nr = 1U << drv->order;

	return folio_page(drv->folios[i / nr], i % nr);
}

struct gk_row {
	struct folio **folios;
	unsigned int nr;
};

static void gk_put_row(void *arg)
{
	struct gk_row *row = arg;
	unsigned int i;

	for (i = 0; i < row->nr; i++)
		folio_put(row->folios[i]);
}

static struct folio *gk_make_folio(struct page *page, unsigned int order)
{
	unsigned int i;

	if (!order)
		return page_folio(page);
	/* Tail pages have no references. */
	for (i = 1; i < 1U << order; i++)
		set_page_count(page + i, 0);
	prep_compound_page(page, order);
	return page_rmappable_folio(page);
}

/*
 * Folios that lie one behind the other in memory: the last page of one and the
 * first of the next look like pages of one folio.
 */
struct page *gk_folios_in_a_row(struct kunit *test, const u8 *orders,
				unsigned int nr)
{
	struct gk_row *row = kunit_kzalloc(test, sizeof(*row), GFP_KERNEL);
	unsigned int i, pages = 0;
	struct page *block;

	KUNIT_ASSERT_NOT_NULL(test, row);
	row->folios = kunit_kcalloc(test, nr, sizeof(*row->folios), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, row->folios);
	for (i = 0; i < nr; i++)
		pages += 1 << orders[i];
	KUNIT_ASSERT_TRUE(test, is_power_of_2(pages));
	block = alloc_pages(GFP_KERNEL | __GFP_ZERO, ilog2(pages));
	KUNIT_ASSERT_NOT_NULL(test, block);
	split_page(block, ilog2(pages));
	for (pages = 0; row->nr < nr; row->nr++) {
		row->folios[row->nr] = gk_make_folio(block + pages,
						     orders[row->nr]);
		pages += 1 << orders[row->nr];
	}
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, gk_put_row,
							   row));
	return block;
}

/* Map r->nr pages of address space to @drv; nothing is inserted yet. */
void gk_drv_mmap_at(struct gk_range *r, struct gk_drv *drv, unsigned long addr,
		    unsigned long prot, unsigned long flags)
{
	struct file *file = anon_inode_getfile("[gup_kunit]", &gk_drv_fops, drv,
					       O_RDWR);

	gk_adopt_file(r->test, file);
	gk_mmap(r, file, addr, prot, flags);
}

/* The same, wherever there is room. */
void gk_drv_mmap(struct gk_range *r, struct gk_drv *drv, unsigned long prot,
		 unsigned long flags)
{
	gk_drv_mmap_at(r, drv, 0, prot, flags);
}

struct gk_drv *gk_drv_mmap_lazy(struct gk_range *r,
				vm_fault_t (*fault)(struct gk_drv *drv,
						    struct vm_fault *vmf),
				unsigned long prot, unsigned long flags)
{
	struct gk_drv *drv = gk_drv(r->test, 0, r->nr);

	drv->fault = fault;
	gk_drv_mmap(r, drv, prot, flags);
	return drv;
}

/* Map one page at entry @i. */
void gk_drv_insert(struct gk_range *r, unsigned int i, struct page *page)
{
	int ret;

	mmap_write_lock(r->mm);
	ret = vm_insert_page(gk_vma(r, i), gk_addr(r, i), page);
	mmap_write_unlock(r->mm);
	KUNIT_ASSERT_EQ_MSG(r->test, ret, 0, "vm_insert_page at page %u", i);
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static pmd_t *gk_pmd_alloc(struct mm_struct *mm, unsigned long addr)
{
	p4d_t *p4d = p4d_alloc(mm, pgd_offset(mm, addr), addr);
	pud_t *pud = p4d ? pud_alloc(mm, p4d, addr) : NULL;

	return pud ? pmd_alloc(mm, pud, addr) : NULL;
}

static vm_fault_t gk_insert_leaf(struct vm_area_struct *vma,
				 unsigned long addr, struct folio *folio)
{
	struct vm_fault vmf = {
		.vma = vma,
		.address = addr,
		.pmd = gk_pmd_alloc(vma->vm_mm, addr),
	};

	return vmf.pmd ? vmf_insert_folio_pmd(&vmf, folio, true) : VM_FAULT_OOM;
}

/* Map a folio of the size of a huge page by one entry, at entry @i. */
void gk_drv_insert_leaf(struct gk_range *r, unsigned int i, struct folio *folio)
{
	unsigned long addr = gk_addr(r, i);
	vm_fault_t ret;

	mmap_write_lock(r->mm);
	ret = gk_insert_leaf(gk_vma(r, i), addr, folio);
	mmap_write_unlock(r->mm);
	KUNIT_ASSERT_EQ(r->test, ret, VM_FAULT_NOPAGE);
	KUNIT_ASSERT_TRUE(r->test, pmd_leaf(*pmd_off(r->mm, addr)));
}
#endif

struct gk_drv *gk_range_drv(struct gk_range *r)
{
	return r->file->private_data;
}
