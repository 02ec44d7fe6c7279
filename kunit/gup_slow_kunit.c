// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slow walk: what follow_page_pte() does with each kind of entry, what
 * comes back when only a part of a range can be had, how a driver's answer to
 * a fault becomes an errno, and the callers of faults that are not GUP proper:
 * get_dump_page(), fixup_user_fault() and fault_in_*().
 */
#include <linux/coredump.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

/* Does pin or get by this API set FOLL_TOUCH? Only pin_user_pages() does not */
static bool slow_touches(enum gk_api_id api)
{
	return api != GK_PIN;
}

/* Entry @i whatever it maps: gk_pte() cannot see special entries. */
static pte_t slow_raw_pte(struct gk_range *r, unsigned int i)
{
	pte_t *ptep, pte = __pte(0);
	spinlock_t *ptl = NULL;

	mmap_read_lock(r->mm);
	ptep = get_locked_pte(r->mm, gk_addr(r, i), &ptl);
	if (ptep) {
		pte = ptep_get(ptep);
		pte_unmap_unlock(ptep, ptl);
	}
	mmap_read_unlock(r->mm);
	return pte;
}

static void slow_make_old(struct gk_range *r, unsigned int i)
{
	spinlock_t *ptl = NULL;
	pte_t *ptep;

	mmap_read_lock(r->mm);
	ptep = get_locked_pte(r->mm, gk_addr(r, i), &ptl);
	if (ptep) {
		ptep_test_and_clear_young(gk_vma(r, i), gk_addr(r, i), ptep);
		pte_unmap_unlock(ptep, ptl);
	}
	mmap_read_unlock(r->mm);
}

static vm_fault_t slow_insert_page(struct gk_drv *drv, struct vm_fault *vmf)
{
	return vmf_insert_page(vmf->vma, vmf->address,
			       gk_drv_page(drv, vmf->pgoff));
}

/* A driver that has inserted nothing and hands out pages on faults. */
static void slow_map_drv(struct gk_range *r)
{
	gk_drv_mmap_lazy(r, gk_drv_give, RW, MAP_SHARED);
}

static const struct gk_shape slow_drv = {
	.name = "drv_fresh", .nr = 8, .map = slow_map_drv,
};

#define SLOW_SPECIAL	3

/* One entry that says "no struct page", among entries that have one. */
static void slow_map_special(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, 0, r->nr);
	vm_fault_t ret;
	unsigned int i;

	gk_drv_mmap(r, drv, RW, MAP_SHARED);
	for (i = 0; i < r->nr; i++)
		if (i != SLOW_SPECIAL)
			gk_drv_insert(r, i, gk_drv_page(drv, i));
	i = SLOW_SPECIAL;
	mmap_write_lock(r->mm);
	ret = vmf_insert_mixed(gk_vma(r, i), gk_addr(r, i),
			       page_to_pfn(gk_drv_page(drv, i)));
	mmap_write_unlock(r->mm);
	KUNIT_ASSERT_TRUE(r->test, ret == VM_FAULT_NOPAGE);
	KUNIT_ASSERT_TRUE(r->test, pte_special(slow_raw_pte(r, i)));
}

static const struct gk_shape slow_special = {
	.name = "special", .nr = 8, .map = slow_map_special,
};

/* The copy is ours: exclusive, and readable only, as the VMA says. */
static void slow_expect_forced(struct gk_call *c)
{
	long k;

	for (k = 0; k < c->ret; k++) {
		struct page *page = c->pages[k];

		GK_EXPECT(c, k, "anonymous", PageAnon(page), true);
		GK_EXPECT(c, k, "exclusive", gk_exclusive(page), true);
		GK_EXPECT(c, k, "entry writable",
			  !!pte_write(gk_pte(c->r, k)), false);
	}
}

/* All of the range, which is read-only, is pinned to write, by force. */
static struct gk_call *slow_force(struct gk_range *r)
{
	struct gk_call *c;

	gk_protect(r, 0, r->nr, PROT_READ);
	c = gk_gup(r, gk_api(r->test), FOLL_WRITE | FOLL_FORCE);
	gk_expect_pinned(c, r->nr);
	slow_expect_forced(c);
	return c;
}

/* FOLL_FORCE writes to a copy of a read-only file page, not to the file. */
static void gup_slow_force_file(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_file_private, 0);
	struct gk_call *c;
	long k;

	c = slow_force(r);
	for (k = 0; k < c->ret; k++) {
		GK_EXPECT(c, k, "is a copy", c->pages[k] != c->before[k].page,
			  true);
		GK_EXPECT(c, k, "data copied", gk_peek(c->pages[k]), k + 1);
		gk_poke(c->pages[k], 0xee);
		GK_EXPECT(c, k, "data in the file", gk_file_byte(test, r->file, k),
			  k + 1);
		GK_EXPECT(c, k, "data seen by the process", gk_load(r, k),
			  0xee);
	}
	gk_release(c);
	gk_expect_restored(c);
}

/* FOLL_FORCE writes to a copy of a page that is shared with a child. */
static void gup_slow_force_forked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_shared, 0);
	struct gk_range *child = gk_in_child(r, r->child);
	struct gk_call *c;
	long k;

	c = slow_force(r);
	for (k = 0; k < c->ret; k++) {
		struct page *theirs = gk_page(child, k);

		GK_EXPECT(c, k, "child keeps its page",
			  theirs == c->before[k].page, true);
		GK_EXPECT(c, k, "is a copy", c->pages[k] != theirs, true);
		gk_poke(c->pages[k], 0xee);
		GK_EXPECT(c, k, "data of the child", gk_peek(theirs), 0);
	}
	gk_release(c);
	gk_expect_restored(c);
}

/* Nor to the zero page: it is everybody's, and an entry for it has no page to look at. */
static void gup_slow_force_zero(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_zero, 0);
	struct gk_call *c = slow_force(r);
	long k;

	for (k = 0; k < c->ret; k++) {
		GK_EXPECT(c, k, "was the zero page", is_zero_page(c->before[k].page), true);
		KUNIT_ASSERT_FALSE_MSG(test, is_zero_page(c->pages[k]),
				       "%s page=%ld: is no copy", gk_where(c), k);
		GK_EXPECT(c, k, "data copied", gk_peek(c->pages[k]), 0);
		gk_poke(c->pages[k], 0xee);
		GK_EXPECT(c, k, "data seen by the process", gk_load(r, k), 0xee);
	}
	GK_EXPECT(c, -1, "data of the zero page", gk_peek(ZERO_PAGE(r->addr)), 0);
	gk_release(c);
	gk_expect_restored(c);
}

/* FOLL_FORCE takes a page that is already exclusive as it is. */
static void gup_slow_force_exclusive(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_readonly, 0);
	struct gk_call *c = gk_gup(r, gk_api(test), FOLL_WRITE | FOLL_FORCE);

	gk_expect_pinned(c, r->nr);
	slow_expect_forced(c);
	gk_expect_same_pages(c);
	gk_release(c);
	gk_expect_restored(c);
}

static void slow_set_clean(struct gk_range *r)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		struct folio *folio = page_folio(gk_page(r, i));

		folio_lock(folio);
		folio_clear_dirty(folio);
		folio_clear_referenced(folio);
		folio_unlock(folio);
	}
}

static void slow_expect_flags(struct gk_call *c, bool dirty, bool accessed)
{
	long k;

	for (k = 0; k < c->ret; k++) {
		struct folio *folio = page_folio(c->pages[k]);

		GK_EXPECT(c, k, "dirty", folio_test_dirty(folio), dirty);
		GK_EXPECT(c, k, "referenced", folio_test_referenced(folio),
			  accessed);
	}
}

/* FOLL_TOUCH: a read marks accessed and never dirty. */
static void gup_slow_touch_read(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_fresh, 0);
	struct gk_call *c;

	gk_fault(r, 0, r->nr, false);
	gk_settle();
	slow_set_clean(r);
	c = gk_gup(r, gk_api(test), 0);
	gk_expect_pinned(c, r->nr);
	slow_expect_flags(c, false, slow_touches(gk_api(test)));
	gk_release(c);
	gk_expect_restored(c);
}

/* A write marks dirty too, unless the entry will tell in time. */
static void gup_slow_touch_write(struct kunit *test)
{
	bool touches = slow_touches(gk_api(test));
	struct gk_range *r = gk_map(test, &gk_shmem_fresh, 0);
	struct gk_call *c;

	gk_fault(r, 0, r->nr, false);
	gk_settle();
	slow_set_clean(r);
	KUNIT_ASSERT_TRUE(test, pte_write(gk_pte(r, 0)));
	KUNIT_ASSERT_FALSE(test, pte_dirty(gk_pte(r, 0)));
	c = gk_gup(r, gk_api(test), FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	slow_expect_flags(c, touches, touches);
	gk_release(c);
	gk_expect_restored(c);
}

static void gup_slow_touch_dirty_entry(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_written, 0);
	struct gk_call *c;

	slow_set_clean(r);
	KUNIT_ASSERT_TRUE(test, pte_dirty(gk_pte(r, 0)));
	c = gk_gup(r, gk_api(test), FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	slow_expect_flags(c, false, slow_touches(gk_api(test)));
	gk_release(c);
	gk_expect_restored(c);
}

#ifdef CONFIG_GUP_ZOO_THP
/* Of a leaf the entry is marked. */
static void slow_touch_leaf(struct kunit *test, const struct gk_shape *shape)
{
	bool touches = slow_touches(gk_api(test));
	unsigned int write;

	for (write = 0; write <= 1; write++) {
		struct gk_range *r = gk_map(test, shape, 0);
		pmd_t *pmdp = pmd_off(r->mm, r->addr);
		struct gk_call *c;

		KUNIT_ASSERT_TRUE(test, gk_is_leaf(r, 0));
		set_pmd_at(r->mm, r->addr, pmdp, pmd_mkclean(pmd_mkold(*pmdp)));
		c = gk_gup(r, gk_api(test), write ? FOLL_WRITE : 0);
		gk_expect_pinned(c, r->nr);
		GK_EXPECT(c, 0, "leaf young", !!pmd_young(*pmdp), touches);
		GK_EXPECT(c, 0, "leaf dirty", !!pmd_dirty(*pmdp), touches && write);
		gk_release(c);
		gk_expect_restored(c);
	}
}

static void gup_slow_touch_leaf(struct kunit *test)
{
	slow_touch_leaf(test, &gk_thp);
}

static const struct vm_operations_struct *slow_file_ops;
static unsigned int slow_faults;

/* More faults than a leaf has pages have no end. */
static vm_fault_t slow_counted_fault(struct vm_fault *vmf)
{
	if (++slow_faults > PTRS_PER_PTE)
		return VM_FAULT_SIGBUS;
	return slow_file_ops->fault(vmf);
}

static const struct vm_operations_struct slow_counted_ops = {
	.fault = slow_counted_fault,
};

/* From now on each fault of a file's mapping comes to slow_counted_fault(). */
static void slow_count_faults(struct gk_range *r)
{
	struct vm_area_struct *vma;

	mmap_write_lock(r->mm);
	vma = gk_vma(r, 0);
	slow_file_ops = vma->vm_ops;
	vma->vm_ops = &slow_counted_ops;
	mmap_write_unlock(r->mm);
	slow_faults = 0;
}

/* Nothing replaces a file's leaf that is split: without a table, a fault maps the leaf again. */
static void gup_slow_split_file(struct kunit *test)
{
	static const unsigned int flags[] = { FOLL_SPLIT_PMD, FOLL_SPLIT_PMD | FOLL_WRITE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct gk_range *r = gk_map(test, &gk_thp_shmem, 0);
		struct gk_call *c;

		slow_count_faults(r);
		c = gk_gup(r, gk_api(test), flags[i]);
		/* Each entry has a reference, where the leaf had one: see what is released. */
		gk_expect_ret(c, r->nr);
		gk_expect_untouched(c);
		gk_expect_same_pages(c);
		GK_EXPECT(c, -1, "one fault a page at most", slow_faults <= r->nr, true);
		GK_EXPECT(c, -1, "still a leaf", gk_is_leaf(r, 0), false);
		gk_release(c);
		gk_expect_restored(c);
	}
}

#ifdef CONFIG_GUP_ZOO_HUGETLB
static void gup_slow_touch_leaf_hugetlb(struct kunit *test)
{
	slow_touch_leaf(test, &gk_hugetlb);
}
#endif
#endif

#ifdef CONFIG_GUP_ZOO_HUGETLB
/* In the page cache, but not mapped. */
static void slow_map_hugetlb_cached(struct gk_range *r)
{
	gk_hugetlb_file.map(r);
	gk_madvise(r, 0, r->nr, MADV_DONTNEED);
	KUNIT_ASSERT_NULL(r->test, gk_page(r, 0));
}

static const struct gk_shape slow_hugetlb_cached = {
	.name = "hugetlb_cached", .nr = PTRS_PER_PTE, .map = slow_map_hugetlb_cached,
};
#endif

/* get_dump_page(): the page, or NULL for a hole in the dump. */
static const struct slow_dump {
	const char *name;
	const struct gk_shape *shape;
	unsigned int page;
	bool found;
} slow_dumps[] = {
	{ "untouched_anon", &gk_anon_fresh, 0, false },
	{ "zero_page", &gk_anon_zero, 0, false },
	{ "unmapped", &gk_hole, 8, false },
	{ "guard", &gk_guard, 8, false },
	{ "pfnmap", &gk_pfnmap, 0, false },
	{ "no_struct_page", &slow_special, SLOW_SPECIAL, false },
	{ "driver_says_sigbus", &gk_drv_holes, 5, false },
	{ "poisoned", &gk_poisoned, 5, false },
	{ "written_anon", &gk_anon_written, 3, true },
	{ "forked_anon", &gk_anon_shared, 3, true },
	{ "no_access_anon", &gk_prot_none, 3, true },
	{ "private_file", &gk_file_private, 3, true },
	{ "untouched_file", &gk_shmem_fresh, 3, true },
	{ "untouched_driver", &slow_drv, 3, true },
#ifdef CONFIG_GUP_ZOO_THP
	{ "zero_leaf", &gk_thp_zero, 3, false },
	{ "leaf", &gk_thp, 3, true },
#endif
#ifdef CONFIG_GUP_ZOO_HUGETLB
	{ "untouched_hugetlb", &gk_hugetlb_fresh, 3, false },
	{ "hugetlb_in_the_file", &slow_hugetlb_cached, 3, true },
#endif
};

KUNIT_ARRAY_PARAM_DESC(slow_dump, slow_dumps, name);

static struct page *slow_dump(struct gk_range *r, unsigned int i, int held)
{
	struct page *page;
	int locked = held;

	if (held)
		mmap_read_lock(r->mm);
	page = get_dump_page(gk_addr(r, i), &locked);
	if (locked)
		mmap_read_unlock(r->mm);
	GK_EXPECT_AT(r, "get_dump_page", i, "*locked", locked, held);
	return page;
}

static void gup_slow_dump_page(struct kunit *test)
{
	const struct slow_dump *p = test->param_value;
	const unsigned int i = p->page;
	int held;

	for (held = 0; held <= 1; held++) {
		const char *api = held ? "get_dump_page, locked" : "get_dump_page";
		struct gk_range *r = gk_map(test, p->shape, 0);
		struct gk_entry *before = gk_snapshot(r);
		struct page *page = slow_dump(r, i, held);
		struct gk_entry *with, *without;

		GK_EXPECT_AT(r, api, i, "a page, not a hole", !!page, p->found);
		if (!p->found)
			GK_EXPECT_AT(r, api, i, "was faulted in",
				     gk_page(r, i) != before[i].page, false);
		if (!page)
			continue;
		GK_EXPECT_AT(r, api, i, "is the mapped page",
			     page == gk_page(r, i), true);
		with = gk_snapshot(r);
		put_page(page);
		without = gk_snapshot(r);
		GK_EXPECT_AT(r, api, i, "its reference", with[i].refs,
			     without[i].refs + 1);
		if (before[i].page == page)
			GK_EXPECT_AT(r, api, i, "references left behind",
				     without[i].refs, before[i].refs);
	}
}

/* FOLL_DUMP by the front door: every hole is -EFAULT, whatever left it, and stays one. */
static void gup_slow_dump_flag(struct kunit *test)
{
	const struct slow_dump *p = test->param_value;
	enum gk_api_id api;

	for (api = 0; api < GK_NR_APIS; api++) {
		struct gk_range *r;
		struct gk_call *c;

		if (FOLL_DUMP & ~gk_apis[api].flags)
			continue;
		r = gk_map(test, p->shape, 0);
		c = gk_gup_part(r, api, FOLL_DUMP | FOLL_FORCE, p->page, 1);
		if (p->found) {
			gk_expect_round_trip(c, 1);
			continue;
		}
		gk_expect_refused(c, -EFAULT);
		GK_EXPECT(c, 0, "was faulted in",
			  c->pinned[p->page].page != c->before[p->page].page, false);
		/* In case that it came back after all. */
		gk_release(c);
	}
}

/* Of a range, FOLL_DUMP stops at the first hole and fills none. */
static void gup_slow_dump_range(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 6);
	enum gk_api_id api = gk_api(test);
	struct gk_call *c;

	gk_fault(r, 0, 2, true);
	gk_fault(r, 3, 1, false);
	gk_fault(r, 5, 1, true);
	c = gk_gup(r, api, FOLL_DUMP | FOLL_FORCE);
	gk_expect_round_trip(c, 2);
	/* An untouched page, and the zero page: neither is dumped. */
	c = gk_gup_part(r, api, FOLL_DUMP | FOLL_FORCE, 2, 4);
	gk_expect_refused(c, -EFAULT);
	c = gk_gup_part(r, api, FOLL_DUMP | FOLL_FORCE, 3, 3);
	gk_expect_refused(c, -EFAULT);
	KUNIT_EXPECT_NULL(test, gk_page(r, 2));
}

/* An entry with no struct page ends a call that wants pages: -EEXIST. */
static void gup_slow_no_struct_page(struct kunit *test)
{
	static const unsigned int flags[] = { 0, FOLL_WRITE };
	enum gk_api_id api = gk_api(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct gk_range *r = gk_map(test, &slow_special, 0);
		struct gk_call *c = gk_gup(r, api, flags[i]);
		pte_t pte;

		gk_expect_round_trip(c, SLOW_SPECIAL);
		/* On arm64, 7.3 warns, once in a boot: see gup_slow_touch_special(). */
		if (!IS_ENABLED(CONFIG_ARM64))
			slow_make_old(r, SLOW_SPECIAL);
		c = gk_gup_part(r, api, flags[i], SLOW_SPECIAL, 2);
		gk_expect_refused(c, -EEXIST);
		/* FOLL_TOUCH has only the entry to mark. */
		pte = slow_raw_pte(r, SLOW_SPECIAL);
		GK_EXPECT(c, 0, "entry dirty", !!pte_dirty(pte),
			  flags[i] && slow_touches(api));
		/* x86 leaves the bit to its processors, unless it is for a write. */
		if (!IS_ENABLED(CONFIG_ARM64) &&
		    (flags[i] || !IS_ENABLED(CONFIG_X86)))
			GK_EXPECT(c, 0, "entry young", !!pte_young(pte),
				  slow_touches(api));
		GK_EXPECT(c, 0, "entry still special", !!pte_special(pte),
			  true);
		c = gk_gup_part(r, api, flags[i], SLOW_SPECIAL + 1, 2);
		gk_expect_round_trip(c, 2);
	}
}

#ifdef CONFIG_ARM64
/* Old, clean and writable, as fork() leaves it: if it is not updated as arm64 wants, it warns. */
static void gup_slow_touch_special(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &slow_special, 0);
	struct gk_call *c = gk_gup(r, GK_GET, 0);

	gk_expect_round_trip(c, SLOW_SPECIAL);
	slow_make_old(r, SLOW_SPECIAL);
	KUNIT_ASSERT_FALSE(test, pte_young(slow_raw_pte(r, SLOW_SPECIAL)));
	c = gk_gup_part(r, GK_GET, 0, SLOW_SPECIAL, 1);
	gk_expect_refused(c, -EEXIST);
	KUNIT_EXPECT_TRUE(test, pte_young(slow_raw_pte(r, SLOW_SPECIAL)));
}
#endif

/* A call with no pages[]: faults in, counts, and takes no reference. */
static const struct slow_prefault {
	const char *name;
	const struct gk_shape *shape;
	unsigned int flags;
	bool special;		/* one entry has no struct page */
} slow_prefaults[] = {
	{ "read", &gk_anon_fresh, 0 },
	{ "write", &gk_anon_fresh, FOLL_WRITE },
	{ "driver", &slow_drv, FOLL_WRITE },
#ifdef CONFIG_GUP_ZOO_THP
	{ "leaf", &gk_thp, FOLL_WRITE },
#endif
	{ "forced", &gk_anon_readonly, FOLL_WRITE | FOLL_FORCE },
	{ "no_struct_page", &slow_special, 0, true },
	{ "no_struct_page_write", &slow_special, FOLL_WRITE, true },
};

KUNIT_ARRAY_PARAM_DESC(slow_prefault, slow_prefaults, name);

static long slow_prefault_by(enum gk_api_id api, struct gk_range *r,
			     unsigned int flags)
{
	int locked = 1;
	long ret;

	if (api == GK_GET_UNLOCKED)
		return get_user_pages_unlocked(r->addr, r->nr, NULL, flags);
	mmap_read_lock(r->mm);
	if (api == GK_GET)
		ret = get_user_pages(r->addr, r->nr, flags, NULL);
	else
		ret = get_user_pages_remote(r->mm, r->addr, r->nr, flags, NULL,
					    &locked);
	if (locked)
		mmap_read_unlock(r->mm);
	return ret;
}

/* From a byte of the first page on: it may be any. */
static long slow_prefault_from(enum gk_api_id api, struct gk_range *r, unsigned int byte,
			       unsigned int flags)
{
	long ret;

	r->addr += byte;
	ret = slow_prefault_by(api, r, flags);
	r->addr -= byte;
	return ret;
}

static const enum gk_api_id slow_prefaulters[] = {
	GK_GET, GK_GET_UNLOCKED, GK_GET_REMOTE,
};

static const unsigned int slow_bytes[] = { 0, PAGE_SIZE - 1 };

static void slow_expect_prefaulted(struct kunit *test, enum gk_api_id id, unsigned int byte)
{
	const struct slow_prefault *p = test->param_value;
	struct gk_range *r = gk_map(test, p->shape, 0);
	const char *api = gk_apis[id].name;
	struct gk_entry *was, *is;
	unsigned int k;
	long ret;

	/* One page follows that is not asked for. */
	r->nr--;
	ret = slow_prefault_from(id, r, byte, p->flags);
	GK_EXPECT_AT(r, api, -1, "return", ret, r->nr);
	was = gk_snapshot(r);
	slow_prefault_from(id, r, byte, p->flags);
	is = gk_snapshot(r);
	for (k = 0; k < r->nr; k++) {
		if (!(p->special && k == SLOW_SPECIAL))
			GK_EXPECT_AT(r, api, k, "faulted in", !!is[k].page, true);
		GK_EXPECT_AT(r, api, k, "references", is[k].refs, was[k].refs);
	}
}

static void gup_slow_no_pages(struct kunit *test)
{
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(slow_prefaulters); i++)
		for (k = 0; k < ARRAY_SIZE(slow_bytes); k++)
			slow_expect_prefaulted(test, slow_prefaulters[i], slow_bytes[k]);
}

/* GUP goes on behind what has no struct page, up to what is not there. */
static void gup_slow_no_pages_behind(struct kunit *test)
{
	unsigned int i, k;
	long ret;

	for (i = 0; i < ARRAY_SIZE(slow_prefaulters); i++) {
		struct gk_range *r = gk_map(test, &slow_special, 0);

		gk_madvise(r, SLOW_SPECIAL + 2, 1, MADV_DONTNEED);
		for (k = 0; k < ARRAY_SIZE(slow_bytes); k++) {
			ret = slow_prefault_from(slow_prefaulters[i], r, slow_bytes[k], 0);
			GK_EXPECT_AT(r, gk_apis[slow_prefaulters[i]].name, -1, "return",
				     ret, SLOW_SPECIAL + 2);
		}
	}
}

static void gup_slow_nr_zero(struct kunit *test)
{
	static const struct gk_shape *const shapes[] = {
		&gk_anon_written, &gk_anon_fresh, &gk_hole, &gk_pfnmap,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct gk_range *r = gk_map(test, shapes[i], 0);
		struct gk_call *c = gk_gup_part(r, gk_api(test),
						FOLL_WRITE, r->nr / 2, 0);

		gk_expect_refused(c, 0);
		GK_EXPECT(c, 0, "*locked", c->locked, 1);
	}
}

/* What can be had of a range before the page that cannot. */
static void slow_cut_special(struct gk_range *r, unsigned int i)
{
	struct gk_drv *drv = gk_range_drv(r);
	vm_fault_t ret;

	gk_madvise(r, i, 1, MADV_DONTNEED);
	mmap_write_lock(r->mm);
	ret = vmf_insert_mixed(gk_vma(r, i), gk_addr(r, i),
			       page_to_pfn(gk_drv_page(drv, i)));
	mmap_write_unlock(r->mm);
	KUNIT_ASSERT_TRUE(r->test, ret == VM_FAULT_NOPAGE);
}

static const struct slow_cut {
	const char *name;
	const struct gk_shape *shape;
	void (*cut)(struct gk_range *r, unsigned int i);
	long error;
} slow_cuts[] = {
	{ "hole", &gk_anon_written, gk_cut_unmap, -EFAULT },
	{ "prot_none", &gk_anon_written, gk_cut_no_access, -EFAULT },
	{ "readonly", &gk_anon_written, gk_cut_readonly, -EFAULT },
	{ "guard", &gk_anon_written, gk_cut_guard, -EFAULT },
	{ "sigbus", &gk_drv_order0, gk_cut_drop, -EFAULT },
	{ "sigbus_large", &gk_drv_order4, gk_cut_drop, -EFAULT },
	{ "special", &gk_drv_order0, slow_cut_special, -EEXIST },
	{ "special_large", &gk_drv_order4, slow_cut_special, -EEXIST },
};

KUNIT_ARRAY_PARAM_DESC(slow_cut, slow_cuts, name);

static void gup_slow_partial(struct kunit *test)
{
	const struct slow_cut *p = test->param_value;
	const unsigned int last = p->shape->nr - 1;
	const unsigned int at[] = { 0, 1, last / 2, last };
	enum gk_api_id api;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		struct gk_range *r = gk_map(test, p->shape, 0);

		p->cut(r, at[i]);
		for (api = 0; api < GK_NR_APIS; api++) {
			struct gk_call *c = gk_gup(r, api, FOLL_WRITE);

			if (at[i]) {
				gk_expect_round_trip(c, at[i]);
			} else {
				gk_expect_refused(c, gk_apis[api].only ?
						  0 : p->error);
			}
			/* Behind the cut all is well again. */
			if (at[i] == last)
				continue;
			c = gk_gup_part(r, api, FOLL_WRITE, at[i] + 1,
					last - at[i]);
			gk_expect_round_trip(c, last - at[i]);
		}
	}
}

/* A driver's answer to a fault, as an errno. */
static const struct slow_answer {
	const char *name;
	vm_fault_t answer;
	unsigned int flags;
	long error;
} slow_answers[] = {
	{ "sigbus", VM_FAULT_SIGBUS, 0, -EFAULT },
	{ "sigsegv", VM_FAULT_SIGSEGV, 0, -EFAULT },
	{ "oom", VM_FAULT_OOM, 0, -ENOMEM },
	{ "hwpoison", VM_FAULT_HWPOISON, 0, -EFAULT },
	{ "hwpoison_large", VM_FAULT_HWPOISON_LARGE, 0, -EFAULT },
	{ "hwpoison_wanted", VM_FAULT_HWPOISON, FOLL_HWPOISON, -EHWPOISON },
	{ "hwpoison_large_wanted", VM_FAULT_HWPOISON_LARGE, FOLL_HWPOISON,
	  -EHWPOISON },
	{ "sigbus_hwpoison_wanted", VM_FAULT_SIGBUS, FOLL_HWPOISON, -EFAULT },
	{ "oom_hwpoison_wanted", VM_FAULT_OOM, FOLL_HWPOISON, -ENOMEM },
};

KUNIT_ARRAY_PARAM_DESC(slow_answer, slow_answers, name);

static vm_fault_t slow_give_answer(struct gk_drv *drv, struct vm_fault *vmf)
{
	const struct slow_answer *p = drv->test->param_value;

	return p->answer;
}

static void gup_slow_driver_error(struct kunit *test)
{
	const struct slow_answer *p = test->param_value;
	const unsigned int bad = 3;
	enum gk_api_id api;
	int write;

	for (api = 0; api < GK_NR_APIS; api++) {
		if (gk_apis[api].only || p->flags & ~gk_apis[api].flags)
			continue;
		for (write = 0; write <= 1; write++) {
			unsigned int flags = p->flags |
				(write ? FOLL_WRITE : 0);
			struct gk_range *r = gk_map(test, &slow_drv, 0);
			struct gk_drv *drv = gk_range_drv(r);
			struct gk_call *c;
			unsigned int i;

			drv->fault = slow_give_answer;
			for (i = 0; i < bad; i++)
				gk_drv_insert(r, i, gk_drv_page(drv, i));
			c = gk_gup(r, api, flags);
			gk_expect_pinned(c, bad);
			GK_EXPECT(c, bad, "faults", drv->faults, 1);
			gk_release(c);
			gk_expect_restored(c);
			c = gk_gup_part(r, api, flags, bad, r->nr - bad);
			gk_expect_refused(c, p->error);
			GK_EXPECT(c, bad, "faults", drv->faults, 2);
		}
	}
}

/* Each page is faulted in once, and the one that the driver gave comes back. */
static void slow_expect_drv(struct gk_call *c)
{
	struct gk_drv *drv = gk_range_drv(c->r);
	long k;

	gk_expect_pinned(c, c->r->nr);
	GK_EXPECT(c, -1, "faults", drv->faults, c->r->nr);
	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "pfn", page_to_pfn(c->pages[k]),
			  page_to_pfn(gk_drv_page(drv, k)));
	gk_release(c);
	gk_expect_restored(c);
}

static void gup_slow_driver_page(struct kunit *test)
{
	static const unsigned int flags[] = { 0, FOLL_WRITE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct gk_range *r = gk_map(test, &slow_drv, 0);

		slow_expect_drv(gk_gup(r, gk_api(test), flags[i]));
		/* VM_FAULT_NOPAGE: the driver has set the entry by itself. */
		r = gk_map(test, &slow_drv, 0);
		gk_range_drv(r)->fault = slow_insert_page;
		slow_expect_drv(gk_gup(r, gk_api(test), flags[i]));
	}
}

/* FOLL_NOFAULT: what is there, and not one fault. */
static void gup_slow_nofault(struct kunit *test)
{
	enum gk_api_id api = gk_api(test);
	struct gk_range *r = gk_map(test, &slow_drv, 0);
	struct gk_drv *drv = gk_range_drv(r);
	struct gk_call *c = gk_gup(r, api, FOLL_NOFAULT);
	unsigned int i;

	gk_expect_refused(c, -EFAULT);
	for (i = 0; i < r->nr; i++) {
		gk_drv_insert(r, i, gk_drv_page(drv, i));
		c = gk_gup(r, api, FOLL_NOFAULT | FOLL_WRITE);
		gk_expect_round_trip(c, i + 1);
	}
	GK_EXPECT(c, -1, "faults", drv->faults, 0);
}

/* Nor is COW broken: neither for the zero page, nor after a fork. */
static void gup_slow_nofault_cow(struct kunit *test)
{
	static const struct gk_shape *const shapes[] = {
		&gk_anon_fresh, &gk_anon_zero, &gk_anon_shared,
		&gk_file_private,
	};
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct gk_range *r = gk_map(test, shapes[i], 0);
		struct gk_call *c = gk_gup(r, gk_api(test),
					   FOLL_NOFAULT | FOLL_WRITE);

		gk_expect_refused(c, -EFAULT);
		for (k = 0; k < r->nr; k++)
			GK_EXPECT(c, k, "the page that was there",
				  c->pinned[k].page == c->before[k].page,
				  true);
	}
}

static const struct slow_migrated {
	const char *name;
	const struct gk_shape *shape;
	unsigned int nr, first;		/* pages, and the first one of the folio that moves */
} slow_migrateds[] = {
	{ "page", &gk_anon_written, 4, 2 },
#ifdef CONFIG_GUP_ZOO_THP
	{ "leaf", &gk_thp, 0, 0 },
#endif
};

KUNIT_ARRAY_PARAM_DESC(slow_migrated, slow_migrateds, name);

static void slow_expect_first(struct gk_call *c, unsigned int nr)
{
	if (nr)
		gk_expect_pinned(c, nr);
	else
		gk_expect_refused(c, c->api->only ? 0 : -EFAULT);
	gk_release(c);
}

/* An entry under migration is not present: no page without waiting for it. */
static void gup_slow_migration_entry(struct kunit *test)
{
	const struct slow_migrated *row = test->param_value;
	struct gk_range *r = gk_map(test, row->shape, row->nr);
	unsigned int i = row->first;
	struct page *page = gk_page(r, i);
	struct folio *folio = page_folio(page);
	enum gk_api_id api;

	/* Migration holds a reference: an entry for migration has none. */
	folio_get(folio);
	folio_lock(folio);
	try_to_migrate(folio, 0);
	KUNIT_EXPECT_FALSE(test, folio_mapped(folio));
	KUNIT_EXPECT_NULL(test, gk_page(r, i));
	for (api = 0; api < GK_NR_APIS; api++) {
		slow_expect_first(gk_gup(r, api, FOLL_NOFAULT | FOLL_WRITE), i);
		slow_expect_first(gk_gup_part(r, api, FOLL_NOFAULT, i, 2), 0);
	}
	remove_migration_ptes(folio, folio, 0);
	folio_unlock(folio);
	folio_put(folio);
	for (api = 0; api < GK_NR_APIS; api++)
		gk_expect_round_trip(gk_gup(r, api, FOLL_NOFAULT), r->nr);
	KUNIT_EXPECT_PTR_EQ(test, gk_page(r, i), page);
}

/*
 * fixup_user_fault()
 */

static int slow_fixup(struct gk_range *r, unsigned int i,
		      unsigned int fault_flags, bool *unlocked)
{
	int ret;

	mmap_read_lock(r->mm);
	ret = fixup_user_fault(r->mm, gk_addr(r, i), fault_flags, unlocked);
	GK_EXPECT_AT(r, "fixup_user_fault", i, "mmap_lock held",
		     rwsem_is_locked(&r->mm->mmap_lock), true);
	if (rwsem_is_locked(&r->mm->mmap_lock))
		mmap_read_unlock(r->mm);
	return ret;
}

static const struct slow_fixup {
	const char *name;
	const struct gk_shape *shape;
	unsigned int page;
	unsigned int flags;
	int ret;
} slow_fixups[] = {
	{ "read", &gk_anon_fresh, 0, 0, 0 },
	{ "write", &gk_anon_fresh, 0, FAULT_FLAG_WRITE, 0 },
	{ "write_zero_page", &gk_anon_zero, 0, FAULT_FLAG_WRITE, 0 },
	{ "write_forked", &gk_anon_shared, 0, FAULT_FLAG_WRITE, 0 },
	{ "read_only_read", &gk_anon_readonly, 0, 0, 0 },
	{ "no_vma", &gk_hole, 8, 0, -EFAULT },
	{ "no_vma_write", &gk_hole, 8, FAULT_FLAG_WRITE, -EFAULT },
	{ "read_only_write", &gk_anon_readonly, 0, FAULT_FLAG_WRITE, -EFAULT },
	{ "no_access_read", &gk_prot_none, 0, 0, -EFAULT },
	{ "no_access_write", &gk_prot_none, 0, FAULT_FLAG_WRITE, -EFAULT },
	{ "guard", &gk_guard, 8, 0, -EFAULT },
	{ "sigbus", &gk_drv_holes, 5, 0, -EFAULT },
	/* There is no FOLL_HWPOISON to ask for more. */
	{ "hwpoison", &gk_poisoned, 5, 0, -EFAULT },
};

KUNIT_ARRAY_PARAM_DESC(slow_fixup, slow_fixups, name);

static void gup_slow_fixup_fault(struct kunit *test)
{
	const struct slow_fixup *p = test->param_value;
	int with;

	for (with = 0; with <= 1; with++) {
		const char *api = with ? "fixup_user_fault, unlocked" :
					 "fixup_user_fault";
		struct gk_range *r = gk_map(test, p->shape, 0);
		bool unlocked = false;
		int ret;

		ret = slow_fixup(r, p->page, p->flags, with ? &unlocked : NULL);
		GK_EXPECT_AT(r, api, p->page, "return", ret, p->ret);
		GK_EXPECT_AT(r, api, p->page, "*unlocked", unlocked, false);
		if (ret)
			continue;
		GK_EXPECT_AT(r, api, p->page, "faulted in",
			     !!gk_page(r, p->page), true);
		if (p->flags & FAULT_FLAG_WRITE)
			GK_EXPECT_AT(r, api, p->page, "entry ready for a write",
				     pte_write(gk_pte(r, p->page)) &&
				     pte_dirty(gk_pte(r, p->page)), true);
	}
}

/* Only a caller that allows for retries is interrupted by SIGKILL. */
static void gup_slow_fixup_killed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	bool unlocked = false;
	int with, without;

	gk_signal(SIGKILL);
	with = slow_fixup(r, 0, FAULT_FLAG_WRITE, &unlocked);
	KUNIT_EXPECT_NULL(test, gk_page(r, 0));
	without = slow_fixup(r, 0, FAULT_FLAG_WRITE, NULL);
	gk_signal_clear();
	KUNIT_EXPECT_EQ(test, with, -EINTR);
	KUNIT_EXPECT_FALSE(test, unlocked);
	KUNIT_EXPECT_EQ(test, without, 0);
	KUNIT_EXPECT_NOT_NULL(test, gk_page(r, 0));
}

static vm_fault_t slow_oom(struct gk_drv *drv, struct vm_fault *vmf)
{
	return VM_FAULT_OOM;
}

static void gup_slow_fixup_oom(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &slow_drv, 0);
	bool unlocked = false;

	gk_range_drv(r)->fault = slow_oom;
	KUNIT_EXPECT_EQ(test, slow_fixup(r, 0, 0, &unlocked), -ENOMEM);
	KUNIT_EXPECT_FALSE(test, unlocked);
}

/* drv->left faults drop the lock and ask for another try. */
static vm_fault_t slow_retry(struct gk_drv *drv, struct vm_fault *vmf)
{
	if (!drv->left)
		return gk_drv_give(drv, vmf);
	KUNIT_EXPECT_EQ(drv->test, !!(vmf->flags & FAULT_FLAG_TRIED),
			drv->faults > 1);
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	drv->left--;
	release_fault_lock(vmf);
	return VM_FAULT_RETRY;
}

static void gup_slow_fixup_retry(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &slow_drv, 0);
	struct gk_drv *drv = gk_range_drv(r);
	bool unlocked = false;

	drv->fault = slow_retry;
	drv->left = 3;
	KUNIT_EXPECT_EQ(test, slow_fixup(r, 1, 0, &unlocked), 0);
	KUNIT_EXPECT_TRUE(test, unlocked);
	KUNIT_EXPECT_EQ(test, drv->faults, 4);
	KUNIT_EXPECT_TRUE(test, drv->last_flags & FAULT_FLAG_TRIED);
	KUNIT_EXPECT_TRUE(test, drv->last_flags & FAULT_FLAG_KILLABLE);
	KUNIT_EXPECT_PTR_EQ(test, gk_page(r, 1), gk_drv_page(drv, 1));
}

/* The fault completed, and its lock is gone: one call of ->fault will do. */
static vm_fault_t slow_complete(struct gk_drv *drv, struct vm_fault *vmf)
{
	vm_fault_t ret = slow_insert_page(drv, vmf);

	if (ret & VM_FAULT_ERROR || !(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	release_fault_lock(vmf);
	return VM_FAULT_COMPLETED | VM_FAULT_NOPAGE;
}

static void gup_slow_fixup_completed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &slow_drv, 0);
	struct gk_drv *drv = gk_range_drv(r);
	bool unlocked = false;

	drv->fault = slow_complete;
	KUNIT_EXPECT_EQ(test, slow_fixup(r, 1, 0, &unlocked), 0);
	KUNIT_EXPECT_TRUE(test, unlocked);
	KUNIT_EXPECT_EQ(test, drv->faults, 1);
}

/* With no place to say that the lock was dropped, it must not be. */
static void gup_slow_fixup_flags(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &slow_drv, 0);
	struct gk_drv *drv = gk_range_drv(r);

	KUNIT_EXPECT_EQ(test, slow_fixup(r, 1, FAULT_FLAG_WRITE, NULL), 0);
	KUNIT_EXPECT_EQ(test, drv->faults, 1);
	KUNIT_EXPECT_EQ(test, drv->last_flags & (FAULT_FLAG_ALLOW_RETRY |
						 FAULT_FLAG_KILLABLE |
						 FAULT_FLAG_WRITE),
			FAULT_FLAG_WRITE);
}

/*
 * fault_in_*(): how many bytes could not be faulted in
 */

static size_t slow_in_readable(unsigned long addr, size_t size)
{
	return fault_in_readable((const char __user *)addr, size);
}

static size_t slow_in_writeable(unsigned long addr, size_t size)
{
	return fault_in_writeable((char __user *)addr, size);
}

static size_t slow_in_subpage(unsigned long addr, size_t size)
{
	return fault_in_subpage_writeable((char __user *)addr, size);
}

static size_t slow_in_safe(unsigned long addr, size_t size)
{
	return fault_in_safe_writeable((const char __user *)addr, size);
}

static const struct slow_in {
	const char *name;
	size_t (*in)(unsigned long addr, size_t size);
	bool write;
} slow_ins[] = {
	{ "readable", slow_in_readable, false },
	{ "writeable", slow_in_writeable, true },
	{ "subpage_writeable", slow_in_subpage, true },
	{ "safe_writeable", slow_in_safe, true },
};

KUNIT_ARRAY_PARAM_DESC(slow_in, slow_ins, name);

static void slow_expect_left(struct gk_range *r, unsigned long offset,
			     size_t size, size_t want)
{
	const struct slow_in *p = r->test->param_value;
	size_t left = p->in(r->addr + offset, size);

	KUNIT_EXPECT_EQ_MSG(r->test, left, want,
			    "shape=%s api=fault_in_%s offset=%lx size=%zx",
			    r->shape->name, p->name, offset, size);
}

static void gup_slow_fault_in(struct kunit *test)
{
	const struct slow_in *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	unsigned int i;

	/* The last byte of page 1 and the first of page 2. */
	slow_expect_left(r, 2 * PAGE_SIZE - 1, 2, 0);
	KUNIT_EXPECT_NULL(test, gk_page(r, 0));
	KUNIT_EXPECT_NOT_NULL(test, gk_page(r, 1));
	KUNIT_EXPECT_NOT_NULL(test, gk_page(r, 2));
	KUNIT_EXPECT_NULL(test, gk_page(r, 3));
	/* Up to a boundary, and not a byte more. */
	slow_expect_left(r, 4 * PAGE_SIZE, PAGE_SIZE, 0);
	KUNIT_EXPECT_NULL(test, gk_page(r, 5));
	slow_expect_left(r, 0, r->nr * PAGE_SIZE, 0);
	for (i = 0; i < r->nr; i++) {
		KUNIT_EXPECT_NOT_NULL_MSG(test, gk_page(r, i), "page=%u", i);
		KUNIT_EXPECT_EQ_MSG(test, !!pte_write(gk_pte(r, i)), p->write,
				    "api=fault_in_%s page=%u: writable",
				    p->name, i);
		KUNIT_EXPECT_EQ_MSG(test, gk_peek(gk_page(r, i)), 0,
				    "api=fault_in_%s page=%u: contents", p->name, i);
	}
}

static void gup_slow_fault_in_hole(struct kunit *test)
{
	const unsigned int at[] = { 0, 1, 8, 15 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		struct gk_range *r = gk_map(test, &gk_anon_written, 16);
		const size_t size = r->nr * PAGE_SIZE;
		const size_t head = at[i] * PAGE_SIZE;

		gk_unmap(r, at[i], 1);
		slow_expect_left(r, 0, size, size - head);
		if (!at[i]) {
			slow_expect_left(r, 100, 100, 100);
			continue;
		}
		slow_expect_left(r, 100, size - 200, size - 100 - head);
		slow_expect_left(r, 100, head - 100, 0);
		slow_expect_left(r, 100, head - 99, 1);
	}
}

static void gup_slow_fault_in_nothing(struct kunit *test)
{
	const struct slow_in *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_anon_readonly, 0);
	const size_t size = r->nr * PAGE_SIZE;

	slow_expect_left(r, 0, size, p->write ? size : 0);
	slow_expect_left(r, 10, 5, p->write ? 5 : 0);
	/* No bytes are never too many, wherever. */
	slow_expect_left(r, 0, 0, 0);
	gk_unmap(r, 0, r->nr);
	slow_expect_left(r, 0, 0, 0);
	slow_expect_left(r, 0, 1, 1);
	/* Beyond user space, and across the end of the address space. */
	KUNIT_EXPECT_EQ(test, p->in(TASK_SIZE_MAX, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, p->in(-PAGE_SIZE, 3 * PAGE_SIZE), 3 * PAGE_SIZE);
}

/* The safe one leaves the data alone. */
static void gup_slow_fault_in_safe(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 4);
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_store(r, i, i + 1);
	KUNIT_EXPECT_EQ(test, 0, slow_in_safe(r->addr, r->nr * PAGE_SIZE));
	for (i = 0; i < r->nr; i++)
		KUNIT_EXPECT_EQ_MSG(test, gk_load(r, i), i + 1,
				    "api=fault_in_safe_writeable page=%u", i);
}

/* It may wait for what a fault needs, as any write by the process may: it drops the lock. */
static void gup_slow_fault_in_safe_retry(struct kunit *test)
{
	const unsigned int want = FAULT_FLAG_WRITE | FAULT_FLAG_ALLOW_RETRY |
				  FAULT_FLAG_KILLABLE | FAULT_FLAG_TRIED;
	struct gk_range *r = gk_map(test, &slow_drv, 0);
	struct gk_drv *drv = gk_range_drv(r);

	drv->fault = slow_retry;
	drv->left = 3;
	KUNIT_EXPECT_EQ(test, slow_in_safe(gk_addr(r, 1), PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, drv->faults, 4);
	KUNIT_EXPECT_EQ(test, drv->last_flags & want, want);
	KUNIT_EXPECT_PTR_EQ(test, gk_page(r, 1), gk_drv_page(drv, 1));
	KUNIT_EXPECT_FALSE(test, rwsem_is_locked(&r->mm->mmap_lock));
}

/* And does not keep a process that is killed. */
static void gup_slow_fault_in_safe_killed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	size_t left;

	gk_signal(SIGKILL);
	left = slow_in_safe(r->addr + 100, 2 * PAGE_SIZE);
	gk_signal_clear();
	KUNIT_EXPECT_EQ(test, left, 2 * PAGE_SIZE);
	KUNIT_EXPECT_NULL(test, gk_page(r, 0));
}

/*
 * Somebody who waits for the CPU, or for the page table lock, does not wait for a
 * whole page table: the walk looks up every 32 pages, as fork() does. A driver's
 * mapping is told of each page that the walk makes dirty, under that lock; at one
 * page it says that somebody waits, and counts until the answer comes.
 */
#define SLOW_WAIT_PAGES	256

struct slow_wait {
	struct address_space mapping;
	unsigned int at;	/* the page at which somebody begins to wait */
	unsigned int pages;	/* that the walk has come to */
	unsigned int late;	/* since then, until the answer came */
	bool answered;
};

static bool slow_wait_dirty(struct address_space *mapping, struct folio *folio)
{
	struct slow_wait *wait = container_of(mapping, struct slow_wait,
					      mapping);

	if (wait->pages == wait->at) {
		set_tsk_need_resched(current);
		set_preempt_need_resched();
	} else if (wait->pages > wait->at && !wait->answered) {
		/* A tick can ask again later: that is another question. */
		wait->answered = !need_resched();
		wait->late += !wait->answered;
	}
	wait->pages++;
	return !folio_test_set_dirty(folio);
}

static const struct address_space_operations slow_wait_ops = {
	.dirty_folio = slow_wait_dirty,
};

static void slow_wait_begin(struct gk_range *r, struct slow_wait *wait)
{
	struct folio *folio;
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		folio = page_folio(gk_page(r, i));
		gk_set_dirty_pte(r, i, false);
		folio_clear_dirty(folio);
		folio->mapping = &wait->mapping;
	}
}

static void slow_wait_end(struct gk_range *r)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		page_folio(gk_page(r, i))->mapping = NULL;
}

static void gup_slow_waited_for(struct kunit *test)
{
	static const unsigned int at[] = { 0, 1, 31, 32, 33, 100 };
	struct gk_range *r = gk_map(test, &gk_drv_order0, SLOW_WAIT_PAGES);
	struct slow_wait *wait;
	struct gk_call *c;
	unsigned int i;

	wait = kunit_kzalloc(test, sizeof(*wait), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, wait);
	wait->mapping.a_ops = &slow_wait_ops;
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		wait->at = at[i];
		wait->pages = 0;
		wait->late = 0;
		wait->answered = false;
		slow_wait_begin(r, wait);
		c = gk_gup(r, gk_api(test), FOLL_WRITE);
		slow_wait_end(r);
		gk_expect_pinned(c, r->nr);
		GK_EXPECT(c, at[i], "pages made dirty", wait->pages, r->nr);
		KUNIT_EXPECT_LE_MSG(test, wait->late, 32,
				    "%s: waited for since page %u, for %u pages",
				    gk_where(c), at[i], wait->late);
		gk_release(c);
		gk_expect_restored(c);
	}
}

static bool slow_walks_and_touches(const struct gk_api *api)
{
	return !api->fast && slow_touches(api - gk_apis);
}

/* Parameters: the APIs that walk slowly and make dirty what they take. */
static const void *slow_touching_apis(struct kunit *test, const void *prev,
				      char *desc)
{
	return gk_api_params_if(test, prev, desc, slow_walks_and_touches);
}

static struct kunit_suite gup_slow_suite = {
	.name = "gup_slow",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_slow_force_file, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_slow_force_forked, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_slow_force_zero, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_slow_force_exclusive, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_slow_touch_read, gk_slow_api_params),
		KUNIT_CASE_PARAM(gup_slow_touch_write, gk_slow_api_params),
		KUNIT_CASE_PARAM(gup_slow_touch_dirty_entry, gk_slow_api_params),
#ifdef CONFIG_GUP_ZOO_THP
		KUNIT_CASE_PARAM(gup_slow_touch_leaf, gk_slow_api_params),
		KUNIT_CASE_PARAM(gup_slow_split_file, gk_slow_api_params),
#ifdef CONFIG_GUP_ZOO_HUGETLB
		KUNIT_CASE_PARAM(gup_slow_touch_leaf_hugetlb, gk_slow_api_params),
#endif
#endif
		KUNIT_CASE_PARAM(gup_slow_dump_page, slow_dump_gen_params),
		KUNIT_CASE_PARAM(gup_slow_dump_flag, slow_dump_gen_params),
		KUNIT_CASE_PARAM(gup_slow_dump_range, gk_slow_api_params),
		KUNIT_CASE_PARAM(gup_slow_no_struct_page, gk_slow_api_params),
#ifdef CONFIG_ARM64
		KUNIT_CASE(gup_slow_touch_special),
#endif
		KUNIT_CASE_PARAM(gup_slow_no_pages, slow_prefault_gen_params),
		KUNIT_CASE(gup_slow_no_pages_behind),
		KUNIT_CASE_PARAM(gup_slow_nr_zero, gk_slow_api_params),
		KUNIT_CASE_PARAM(gup_slow_partial, slow_cut_gen_params),
		KUNIT_CASE_PARAM(gup_slow_driver_error, slow_answer_gen_params),
		KUNIT_CASE_PARAM(gup_slow_driver_page, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_slow_nofault, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_slow_nofault_cow, gk_fault_api_params),
		KUNIT_CASE_PARAM(gup_slow_migration_entry, slow_migrated_gen_params),
		KUNIT_CASE_PARAM(gup_slow_fixup_fault, slow_fixup_gen_params),
		KUNIT_CASE(gup_slow_fixup_killed),
		KUNIT_CASE(gup_slow_fixup_oom),
		KUNIT_CASE(gup_slow_fixup_retry),
		KUNIT_CASE(gup_slow_fixup_completed),
		KUNIT_CASE(gup_slow_fixup_flags),
		KUNIT_CASE_PARAM(gup_slow_fault_in, slow_in_gen_params),
		KUNIT_CASE_PARAM(gup_slow_fault_in_hole, slow_in_gen_params),
		KUNIT_CASE_PARAM(gup_slow_fault_in_nothing, slow_in_gen_params),
		KUNIT_CASE(gup_slow_fault_in_safe),
		KUNIT_CASE(gup_slow_fault_in_safe_retry),
		KUNIT_CASE(gup_slow_fault_in_safe_killed),
		KUNIT_CASE_PARAM(gup_slow_waited_for, slow_touching_apis),
		{}
	},
};

kunit_test_suite(gup_slow_suite);
