// SPDX-License-Identifier: GPL-2.0-only
/*
 * What check_vma_flags() grants and refuses, as one table: each row by every
 * API that may be given its flags and that looks at VMAs.
 *
 * The rows for which GUP-fast could find an entry that hides the VMA's reasons
 * (VM_IO, write-only, exec-only: no entry can say that) have no entries yet,
 * so that the *_fast() APIs must fall back.
 *
 * Not to be had on ARCH=um: fsdax (no CONFIG_FS_DAX), secretmem,
 * shadow stacks and protection keys.
 */
#include <linux/mman.h>
#include <linux/pkeys.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

static void vma_drv(struct gk_range *r, unsigned long prot,
		    unsigned long flags)
{
	gk_drv_mmap_lazy(r, gk_drv_give, prot, flags);
}

static void vma_anon_io(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, RW, MAP_PRIVATE);
	gk_vma_mod_flags(r, 0, VM_IO, 0);
}

static void vma_drv_io(struct gk_range *r)
{
	vma_drv(r, RW, MAP_SHARED);
	gk_vma_mod_flags(r, 0, VM_IO, 0);
}

static void vma_drv_pfnmap(struct gk_range *r)
{
	vma_drv(r, RW, MAP_SHARED);
	gk_vma_mod_flags(r, 0, VM_PFNMAP, VM_MIXEDMAP);
}

static void vma_drv_shared(struct gk_range *r)
{
	vma_drv(r, RW, MAP_SHARED);
}

static void vma_drv_private(struct gk_range *r)
{
	vma_drv(r, RW, MAP_PRIVATE);
}

static void vma_drv_readonly(struct gk_range *r)
{
	vma_drv(r, PROT_READ, MAP_SHARED);
}

/* Not even mprotect() could make it writable. */
static void vma_drv_never_write(struct gk_range *r)
{
	vma_drv(r, PROT_READ, MAP_SHARED);
	gk_vma_mod_flags(r, 0, 0, VM_MAYWRITE);
}

static void vma_drv_private_readonly(struct gk_range *r)
{
	vma_drv(r, PROT_READ, MAP_PRIVATE);
}

static void vma_anon_none(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, PROT_NONE, MAP_PRIVATE);
}

static void vma_anon_never_read(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, PROT_NONE, MAP_PRIVATE);
	gk_vma_mod_flags(r, 0, 0, VM_MAYREAD);
}

static void vma_anon_untouched(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, PROT_READ, MAP_PRIVATE);
}

static void vma_anon_never_write(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, PROT_READ, MAP_PRIVATE);
	gk_vma_mod_flags(r, 0, 0, VM_MAYWRITE);
}

static void vma_anon_exec(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, PROT_EXEC, MAP_PRIVATE);
}

static void vma_anon_write(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, PROT_WRITE, MAP_PRIVATE);
}

static vm_fault_t vma_own_fault(struct vm_fault *vmf)
{
	return gk_drv_give(vmf->vma->vm_private_data, vmf);
}

static vm_fault_t vma_mkwrite(struct vm_fault *vmf)
{
	lock_page(vmf->page);
	return VM_FAULT_LOCKED;
}

static vm_fault_t vma_pfn_mkwrite(struct vm_fault *vmf)
{
	return 0;
}

/* A driver that is told before a page becomes writable, as file systems are. */
static const struct vm_operations_struct vma_mkwrite_ops = {
	.fault = vma_own_fault,
	.page_mkwrite = vma_mkwrite,
};

static const struct vm_operations_struct vma_pfn_mkwrite_ops = {
	.fault = vma_own_fault,
	.pfn_mkwrite = vma_pfn_mkwrite,
};

static void vma_set_ops(struct gk_range *r,
			const struct vm_operations_struct *ops)
{
	struct vm_area_struct *vma;

	mmap_write_lock(r->mm);
	vma = gk_vma(r, 0);
	if (vma) {
		vma->vm_ops = ops;
		vma_set_page_prot(vma);
	}
	mmap_write_unlock(r->mm);
}

static void vma_tracked(struct gk_range *r)
{
	vma_drv(r, RW, MAP_SHARED);
	vma_set_ops(r, &vma_mkwrite_ops);
}

/* The entries are there and writable: GUP-fast sees them first. */
static void vma_tracked_written(struct gk_range *r)
{
	vma_tracked(r);
	gk_fault(r, 0, r->nr, true);
}

static void vma_tracked_pfn(struct gk_range *r)
{
	vma_drv(r, RW, MAP_SHARED);
	vma_set_ops(r, &vma_pfn_mkwrite_ops);
}

static void vma_tracked_private(struct gk_range *r)
{
	vma_drv(r, RW, MAP_PRIVATE);
	vma_set_ops(r, &vma_mkwrite_ops);
}

static void vma_shmem_readonly(struct gk_range *r)
{
	gk_shmem_written.map(r);
	gk_protect(r, 0, r->nr, PROT_READ);
}

static void vma_file_readonly(struct gk_range *r)
{
	gk_file_private.map(r);
	gk_protect(r, 0, r->nr, PROT_READ);
}

static void vma_shmem_none(struct gk_range *r)
{
	gk_shmem_written.map(r);
	gk_protect(r, 0, r->nr, PROT_NONE);
}

/*
 * Entries more writable than their VMA, which mprotect() would not leave: it
 * is check_vma_flags() alone that refuses. GUP-fast knows only the entries.
 */
static void vma_anon_stale(struct gk_range *r)
{
	gk_anon_written.map(r);
	gk_vma_mod_flags(r, 0, 0, VM_WRITE);
}

static void vma_shmem_stale(struct gk_range *r)
{
	gk_shmem_written.map(r);
	gk_vma_mod_flags(r, 0, 0, VM_WRITE);
}

#define VMA_SHAPE(_name)						\
	static const struct gk_shape vma_shape_##_name = {		\
		.name = #_name, .nr = 4, .map = vma_##_name,		\
	}

VMA_SHAPE(anon_io);
VMA_SHAPE(drv_io);
VMA_SHAPE(drv_pfnmap);
VMA_SHAPE(drv_shared);
VMA_SHAPE(drv_private);
VMA_SHAPE(drv_readonly);
VMA_SHAPE(drv_never_write);
VMA_SHAPE(drv_private_readonly);
VMA_SHAPE(anon_none);
VMA_SHAPE(anon_never_read);
VMA_SHAPE(anon_untouched);
VMA_SHAPE(anon_never_write);
VMA_SHAPE(anon_exec);
VMA_SHAPE(anon_write);
VMA_SHAPE(tracked);
VMA_SHAPE(tracked_written);
VMA_SHAPE(tracked_pfn);
VMA_SHAPE(tracked_private);
VMA_SHAPE(shmem_readonly);
VMA_SHAPE(file_readonly);
VMA_SHAPE(shmem_none);
VMA_SHAPE(anon_stale);
VMA_SHAPE(shmem_stale);

#define S(_name)	(&vma_shape_##_name)
#define VMA_WF	(FOLL_WRITE | FOLL_FORCE)
#define VMA_WL	(FOLL_WRITE | FOLL_LONGTERM)

enum vma_theme { IO, ANON, HARMLESS, NO_ACCESS, READONLY, ODD, TRACKED };

/*
 * @granted: all pages come back, else -EFAULT and nothing happens
 * @slow: not by the *_fast() APIs
 */
static const struct vma_row {
	enum vma_theme theme;
	const struct gk_shape *shape;
	unsigned int flags;
	bool granted;
	bool slow;
} vma_rows[] = {
	/* Memory that is not memory. */
	{ IO, S(anon_io), 0, false },
	{ IO, S(anon_io), FOLL_WRITE, false },
	{ IO, S(drv_io), 0, false },
	{ IO, S(drv_io), VMA_WF, false },
	{ IO, S(drv_pfnmap), 0, false },
	{ IO, S(drv_pfnmap), VMA_WF, false },
	{ IO, &gk_pfnmap, 0, false },
	{ IO, &gk_pfnmap, FOLL_WRITE, false },
	{ IO, &gk_pfnmap, FOLL_FORCE, false },
	{ IO, &gk_pfnmap, FOLL_NOFAULT, false },
	{ IO, &gk_pfnmap, FOLL_LONGTERM, false },

	/* FOLL_ANON is about the VMA: a copied page does not make it so. */
	{ ANON, &gk_anon_fresh, FOLL_ANON, true },
	{ ANON, &gk_anon_written, FOLL_ANON | FOLL_WRITE, true },
	{ ANON, &gk_shmem_written, FOLL_ANON, false },
	{ ANON, &gk_shmem_fresh, FOLL_ANON | FOLL_WRITE, false },
	{ ANON, &gk_drv_order0, FOLL_ANON, false },
	{ ANON, &gk_file_private, FOLL_ANON, false },
	{ ANON, &gk_file_private_cow, FOLL_ANON, false },
	{ ANON, &gk_file_private_cow, FOLL_ANON | FOLL_WRITE, false },

	/* There is no PMD to split. */
	{ HARMLESS, &gk_anon_written, FOLL_SPLIT_PMD, true },
	{ HARMLESS, &gk_anon_fresh, FOLL_SPLIT_PMD | FOLL_WRITE, true },
	{ HARMLESS, &gk_shmem_written, FOLL_SPLIT_PMD, true },
	{ HARMLESS, &gk_drv_order9, FOLL_SPLIT_PMD, true },

	/* Nor are there hints, nor peer-to-peer pages. */
	{ HARMLESS, &gk_anon_written, FOLL_HONOR_NUMA_FAULT, true },
	{ HARMLESS, &gk_prot_none, FOLL_HONOR_NUMA_FAULT | FOLL_WRITE, false },
	{ HARMLESS, &gk_anon_written, FOLL_PCI_P2PDMA | FOLL_WRITE, true },

	/* No access, with entries and without. */
	{ NO_ACCESS, &gk_prot_none, 0, false },
	{ NO_ACCESS, &gk_prot_none, FOLL_WRITE, false },
	{ NO_ACCESS, &gk_prot_none, FOLL_LONGTERM, false },
	{ NO_ACCESS, &gk_prot_none, FOLL_FORCE, true },
	{ NO_ACCESS, &gk_prot_none, VMA_WF, true },
	{ NO_ACCESS, S(anon_none), 0, false },
	{ NO_ACCESS, S(anon_none), FOLL_WRITE, false },
	{ NO_ACCESS, S(anon_none), FOLL_FORCE, true },
	{ NO_ACCESS, S(anon_none), VMA_WF, true },
	{ NO_ACCESS, S(anon_never_read), 0, false },
	{ NO_ACCESS, S(anon_never_read), FOLL_FORCE, false },
	{ NO_ACCESS, S(shmem_none), 0, false },
	{ NO_ACCESS, S(shmem_none), FOLL_WRITE, false },
	{ NO_ACCESS, S(shmem_none), FOLL_FORCE, true },
	{ NO_ACCESS, S(shmem_none), VMA_WF, false },

	/* Writing to what is read-only: to a private copy, when forced. */
	{ READONLY, S(anon_stale), FOLL_WRITE, false, true },
	{ READONLY, S(anon_stale), VMA_WF, true, true },
	{ READONLY, S(shmem_stale), FOLL_WRITE, false, true },
	{ READONLY, S(shmem_stale), VMA_WF, false, true },
	{ READONLY, S(anon_untouched), 0, true },
	{ READONLY, S(anon_untouched), FOLL_WRITE, false },
	{ READONLY, S(anon_untouched), VMA_WF, true },
	{ READONLY, &gk_anon_readonly, FOLL_WRITE, false },
	{ READONLY, &gk_anon_readonly, VMA_WL, false },
	{ READONLY, &gk_anon_readonly, VMA_WF, true },
	{ READONLY, S(anon_never_write), FOLL_WRITE, false },
	{ READONLY, S(anon_never_write), VMA_WF, false },
	{ READONLY, S(file_readonly), FOLL_FORCE, true },
	{ READONLY, S(file_readonly), FOLL_WRITE, false },
	{ READONLY, S(file_readonly), VMA_WF, true },
	{ READONLY, S(drv_private_readonly), FOLL_WRITE, false },
	{ READONLY, S(drv_private_readonly), VMA_WF, true },
	/* Shared: never. */
	{ READONLY, S(shmem_readonly), FOLL_FORCE, true },
	{ READONLY, S(shmem_readonly), FOLL_WRITE, false },
	{ READONLY, S(shmem_readonly), VMA_WF, false },
	{ READONLY, S(drv_readonly), 0, true },
	{ READONLY, S(drv_readonly), FOLL_WRITE, false },
	{ READONLY, S(drv_readonly), VMA_WF, false },
	{ READONLY, S(drv_never_write), 0, true },
	{ READONLY, S(drv_never_write), VMA_WF, false },

	/* Reading what one may only execute or write. */
	{ ODD, S(anon_exec), 0, false },
	{ ODD, S(anon_exec), FOLL_WRITE, false },
	{ ODD, S(anon_exec), FOLL_FORCE, true },
	{ ODD, S(anon_write), 0, GK_WRITE_IS_READ },
	{ ODD, S(anon_write), FOLL_FORCE, true },
	{ ODD, S(anon_write), FOLL_WRITE, true },

	/* A long-term writer escapes dirty tracking: refused. */
	{ TRACKED, S(tracked), VMA_WL, false },
	{ TRACKED, S(tracked_written), VMA_WL, false },
	{ TRACKED, S(tracked_pfn), VMA_WL, false },
	{ TRACKED, S(tracked), FOLL_WRITE, true },
	{ TRACKED, S(tracked_written), FOLL_WRITE, true },
	{ TRACKED, S(tracked_pfn), FOLL_WRITE, true },
	{ TRACKED, S(tracked), FOLL_LONGTERM, true },
	{ TRACKED, S(tracked_written), FOLL_LONGTERM, true },
	{ TRACKED, S(tracked_private), VMA_WL, true },
	{ TRACKED, S(drv_shared), VMA_WL, true },
	{ TRACKED, S(drv_private), VMA_WL, true },
	{ TRACKED, &gk_shmem_written, VMA_WL, true },
};

/* Parameters: every row of a theme by every API that may be given its flags. */
static const void *vma_next_row(struct kunit *test, enum vma_theme theme,
				const void *prev, char *desc)
{
	const struct gk_pair *pair = prev;

	while ((pair = gk_next_pair(pair, ARRAY_SIZE(vma_rows), GK_NR_APIS))) {
		const struct vma_row *row = &vma_rows[pair->row];
		const struct gk_api *api = &gk_apis[pair->column];

		if (row->theme != theme || api->only ||
		    (row->slow && api->fast) || row->flags & ~api->flags)
			continue;
		scnprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s:%s:%s",
			  row->shape->name, gk_flags_name(test, row->flags),
			  api->name);
		break;
	}
	return pair;
}

#define VMA_CASE(_name, _theme)						\
	static const void *vma_##_name##_params(struct kunit *test,	\
						const void *prev,	\
						char *desc)		\
	{								\
		return vma_next_row(test, _theme, prev, desc);		\
	}								\
									\
	static void gup_vma_##_name(struct kunit *test)			\
	{								\
		vma_check(test, test->param_value);			\
	}

/*
 * Where there are protection keys, memory that can only be executed has one,
 * and FOLL_FORCE does not open it. A remote caller has other keys: none is asked.
 */
static bool vma_locked_by_key(struct gk_range *r, enum gk_api_id api)
{
	return vma_pkey(gk_vma(r, 0)) &&
	       api != GK_GET_REMOTE && api != GK_PIN_REMOTE;
}

static void vma_check(struct kunit *test, const struct gk_pair *pair)
{
	const struct vma_row *row = &vma_rows[pair->row];
	struct gk_range *r = gk_map(test, row->shape, 0);
	struct gk_call *c = gk_gup(r, pair->column, row->flags);
	unsigned int i;

	if (row->granted && !vma_locked_by_key(r, pair->column)) {
		gk_expect_round_trip(c, r->nr);
		return;
	}
	gk_expect_refused(c, -EFAULT);
	/* Refused before anything was faulted in or copied. */
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "entry as it was",
			  c->pinned[i].page == c->before[i].page, true);
	if (r->file && r->file->private_data && gk_vma(r, 0)->vm_private_data)
		GK_EXPECT(c, -1, "faults", gk_range_drv(r)->faults, 0);
	/* In case that it came back after all. */
	gk_release(c);
}

VMA_CASE(io, IO)
VMA_CASE(harmless, HARMLESS)
VMA_CASE(no_access, NO_ACCESS)
VMA_CASE(readonly, READONLY)
VMA_CASE(odd, ODD)
VMA_CASE(foll_anon, ANON)
VMA_CASE(dirty_tracking, TRACKED)

/* Each VMA of a range is checked: the second one is refused. */
static const struct vma_second {
	const char *name;
	unsigned long prot;
	unsigned int flags;
	vm_flags_t set;
} vma_seconds[] = {
	{ "io", RW, 0, VM_IO },
	{ "io_write", RW, FOLL_WRITE, VM_IO },
	{ "readonly", PROT_READ, FOLL_WRITE, 0 },
	{ "none", PROT_NONE, FOLL_WRITE, 0 },
};

KUNIT_ARRAY_PARAM_DESC(vma_second, vma_seconds, name);

static void gup_vma_second_refused(struct kunit *test)
{
	const struct vma_second *p = test->param_value;
	enum gk_api_id api;

	for (api = 0; api < GK_NR_APIS; api++) {
		struct gk_range *r, second;
		struct gk_call *c;

		if (gk_apis[api].only)
			continue;
		r = gk_map(test, &gk_anon_fresh, 8);
		second = *r;
		second.addr += 4 * PAGE_SIZE;
		second.nr -= 4;
		/* Even VMAs that differ only in VM_IO must be two. */
		gk_protect(r, 4, 4, p->prot == RW ? RW | PROT_EXEC : p->prot);
		if (p->set)
			gk_vma_mod_flags(&second, 0, p->set, 0);
		c = gk_gup(r, api, p->flags);
		gk_expect_pinned(c, 4);
		KUNIT_EXPECT_NULL_MSG(test, gk_page(r, 4),
				      "%s: page 4 faulted in", gk_where(c));
		gk_release(c);
		gk_expect_restored(c);
		/* And the first one does not speak for the second. */
		c = gk_gup_part(r, api, p->flags, 4, 4);
		gk_expect_refused(c, -EFAULT);
	}
}

#ifdef CONFIG_GUP_ZOO_HUGETLB
/* hugetlb has no page table that its leaf could be split into. */
static void gup_vma_split_hugetlb(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_hugetlb, 0);

	gk_expect_refused(gk_gup(r, gk_api(test), FOLL_SPLIT_PMD), -EOPNOTSUPP);
	gk_expect_round_trip(gk_gup(r, gk_api(test), 0), r->nr);
}
#endif

static struct kunit_suite gup_vma_suite = {
	.name = "gup_vma",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_vma_io, vma_io_params),
		KUNIT_CASE_PARAM(gup_vma_foll_anon, vma_foll_anon_params),
		KUNIT_CASE_PARAM(gup_vma_harmless, vma_harmless_params),
		KUNIT_CASE_PARAM(gup_vma_no_access, vma_no_access_params),
		KUNIT_CASE_PARAM(gup_vma_readonly, vma_readonly_params),
#ifdef CONFIG_GUP_ZOO_HUGETLB
		KUNIT_CASE_PARAM(gup_vma_split_hugetlb, gk_slow_api_params),
#endif
		KUNIT_CASE_PARAM(gup_vma_odd, vma_odd_params),
		KUNIT_CASE_PARAM(gup_vma_dirty_tracking, vma_dirty_tracking_params),
		KUNIT_CASE_PARAM(gup_vma_second_refused, vma_second_gen_params),
		{}
	},
};

kunit_test_suite(gup_vma_suite);
