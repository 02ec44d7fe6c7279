// SPDX-License-Identifier: GPL-2.0-only
/*
 * Populating: GUP without pages[], for mlock(), MAP_POPULATE, MAP_LOCKED and
 * MADV_POPULATE_*. What is faulted in, how, what is skipped, what is an error
 * to whom, and that no reference stays behind.
 */
#include <linux/highmem.h>
#include <linux/mman.h>
#include <linux/pkeys.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

/* What must have become of the entries. */
enum populate_kind {
	POPULATE_NONE,	/* nothing mapped */
	POPULATE_ZERO,	/* the zero page */
	POPULATE_COPY,	/* an exclusive anonymous page */
	POPULATE_FILE,	/* the file's page, clean */
	POPULATE_DIRTY,	/* the file's page, written to */
};

#define POPULATE_BAD	3

static vm_fault_t populate_sigbus(struct gk_drv *drv, struct vm_fault *vmf)
{
	return vmf->pgoff == POPULATE_BAD ? VM_FAULT_SIGBUS :
						gk_drv_give(drv, vmf);
}

static vm_fault_t populate_oom(struct gk_drv *drv, struct vm_fault *vmf)
{
	return vmf->pgoff == POPULATE_BAD ? VM_FAULT_OOM :
						gk_drv_give(drv, vmf);
}

static vm_fault_t populate_poison(struct gk_drv *drv, struct vm_fault *vmf)
{
	return vmf->pgoff == POPULATE_BAD ? VM_FAULT_HWPOISON :
						gk_drv_give(drv, vmf);
}

/* Drops the lock at each page, drv->left times in all. */
static vm_fault_t populate_retry(struct gk_drv *drv, struct vm_fault *vmf)
{
	if (!drv->left || !(vmf->flags & FAULT_FLAG_ALLOW_RETRY) ||
	    vmf->flags & FAULT_FLAG_TRIED)
		return gk_drv_give(drv, vmf);
	drv->left--;
	release_fault_lock(vmf);
	return VM_FAULT_RETRY;
}

static vm_fault_t populate_complete(struct gk_drv *drv, struct vm_fault *vmf)
{
	vm_fault_t ret;

	if (!drv->left || !(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return gk_drv_give(drv, vmf);
	drv->left--;
	ret = vmf_insert_page(vmf->vma, vmf->address,
			      gk_drv_page(drv, vmf->pgoff));
	if (ret & VM_FAULT_ERROR)
		return ret;
	release_fault_lock(vmf);
	return VM_FAULT_COMPLETED | VM_FAULT_NOPAGE;
}

static void populate_driver(struct gk_range *r,
			    vm_fault_t (*fault)(struct gk_drv *drv,
						struct vm_fault *vmf),
			    unsigned long prot, unsigned long flags)
{
	gk_drv_mmap_lazy(r, fault, prot, flags)->left = r->nr;
}

#define POPULATE_ANON(_name, _prot)					\
	static void populate_map_##_name(struct gk_range *r)		\
	{								\
		gk_mmap_anon(r, 0, _prot, 0);				\
	}								\
	POPULATE_SHAPE(_name)

#define POPULATE_DRV(_name, _fault, _prot, _flags)			\
	static void populate_map_##_name(struct gk_range *r)		\
	{								\
		populate_driver(r, _fault, _prot, _flags);		\
	}								\
	POPULATE_SHAPE(_name)

#define POPULATE_SHAPE(_name)						\
	static const struct gk_shape populate_shape_##_name = {		\
		.name = #_name, .nr = 8, .map = populate_map_##_name,	\
	}

#define S(_name)	(&populate_shape_##_name)

POPULATE_ANON(anon_readonly, PROT_READ);
POPULATE_ANON(anon_write, PROT_WRITE);
POPULATE_ANON(anon_exec, PROT_EXEC);
POPULATE_ANON(anon_none, PROT_NONE);
POPULATE_DRV(drv, gk_drv_give, RW, MAP_SHARED);
POPULATE_DRV(drv_readonly, gk_drv_give, PROT_READ, MAP_SHARED);
POPULATE_DRV(drv_private, gk_drv_give, RW, MAP_PRIVATE);
POPULATE_DRV(drv_sigbus, populate_sigbus, RW, MAP_SHARED);
POPULATE_DRV(drv_oom, populate_oom, RW, MAP_SHARED);
POPULATE_DRV(drv_poison, populate_poison, RW, MAP_SHARED);
POPULATE_DRV(drv_retry, populate_retry, RW, MAP_SHARED);
POPULATE_DRV(drv_complete, populate_complete, RW, MAP_SHARED);

static void populate_map_anon_io(struct gk_range *r)
{
	gk_mmap_anon(r, 0, RW, 0);
	gk_vma_mod_flags(r, 0, VM_IO, 0);
}

POPULATE_SHAPE(anon_io);

static void populate_map_file_readonly(struct gk_range *r)
{
	gk_file_private.map(r);
	gk_protect(r, 0, r->nr, PROT_READ);
}

POPULATE_SHAPE(file_readonly);

/* As mlock2(MLOCK_ONFAULT) and mlockall(MCL_ONFAULT) leave it. */
static void populate_map_lock_on_fault(struct gk_range *r)
{
	vm_flags_t was;

	mmap_write_lock(r->mm);
	was = r->mm->def_flags;
	r->mm->def_flags = was | VM_LOCKED | VM_LOCKONFAULT;
	mmap_write_unlock(r->mm);
	gk_mmap(r, NULL, 0, RW, MAP_PRIVATE);
	mmap_write_lock(r->mm);
	r->mm->def_flags = was;
	mmap_write_unlock(r->mm);
}

POPULATE_SHAPE(lock_on_fault);

static bool populate_is(struct gk_range *r, unsigned int i,
			enum populate_kind kind)
{
	struct page *page = gk_page(r, i);
	pte_t pte;

	if (!page)
		return kind == POPULATE_NONE;
	pte = gk_pte(r, i);
	if (is_zero_page(page))
		return kind == POPULATE_ZERO;
	if (PageAnon(page))
		return kind == POPULATE_COPY && PageAnonExclusive(page);
	return kind == (pte_dirty(pte) ? POPULATE_DIRTY : POPULATE_FILE);
}

/* Entries [from, to) have become what they should. */
static void populate_expect(struct gk_range *r, const char *what,
			    unsigned int from, unsigned int to,
			    enum populate_kind kind)
{
	unsigned int i;

	for (i = from; i < to; i++)
		KUNIT_EXPECT_TRUE_MSG(r->test, populate_is(r, i, kind),
				      "shape=%s api=%s page=%u: wanted kind %u, got page %p",
				      r->shape->name, what, i, kind,
				      gk_page(r, i));
}

/* References that a page's mappings, owner and cache do not account for. */
static void populate_expect_no_refs(struct gk_range *r, const char *what)
{
	struct gk_entry *snap = gk_snapshot(r);
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		struct folio *folio;
		int want;

		if (!snap[i].page || is_zero_page(snap[i].page))
			continue;
		folio = page_folio(snap[i].page);
		want = folio_mapcount(folio);
		if (!folio_test_anon(folio))
			want++;		/* the page cache's or the driver's */
		GK_EXPECT_AT(r, what, i, "references", snap[i].refs, want);
	}
}

/*
 * populate_vma_page_range()
 */

static long populate_vma(struct gk_range *r, unsigned int from,
			 unsigned int to, int *locked)
{
	struct vm_area_struct *vma;
	long ret = -ENOENT;

	mmap_read_lock(r->mm);
	vma = gk_vma(r, from);
	if (vma)
		ret = populate_vma_page_range(vma, gk_addr(r, from),
					      gk_addr(r, to), locked);
	if (!locked || *locked)
		mmap_read_unlock(r->mm);
	return ret;
}

static const struct populate_vma_row {
	const struct gk_shape *shape;
	long ret;			/* 0: all pages */
	enum populate_kind kind;
} populate_vma_rows[] = {
	/* A write fault, to break COW, only where COW there is. */
	{ &gk_anon_fresh, 0, POPULATE_COPY },
	{ &gk_anon_zero, 0, POPULATE_COPY },
	{ &gk_anon_shared, 0, POPULATE_COPY },
	{ &gk_file_private, 0, POPULATE_COPY },
	{ S(drv_private), 0, POPULATE_COPY },
	{ S(anon_write), 0, POPULATE_COPY },
	/* Shared memory is not to be dirtied for nothing. */
	{ &gk_shmem_fresh, 0, POPULATE_FILE },
	{ S(drv), 0, POPULATE_FILE },
	{ S(drv_readonly), 0, POPULATE_FILE },
	/* Nor may a read-only one be written to. */
	{ S(anon_readonly), 0, POPULATE_ZERO },
	{ S(file_readonly), 0, POPULATE_FILE },
	/* It cannot be read, but it can be populated, unless a key guards it. */
	{ S(anon_exec), 0, POPULATE_ZERO },
	/* No work to do, and all of it done. */
	{ S(lock_on_fault), 0, POPULATE_NONE },
	{ S(anon_none), -EFAULT, POPULATE_NONE },
	{ S(anon_io), -EFAULT, POPULATE_NONE },
};

KUNIT_ARRAY_PARAM_DESC(populate_vma, populate_vma_rows, shape->name);

static void gup_populate_vma_range(struct kunit *test)
{
	const struct populate_vma_row *row = test->param_value;
	unsigned int with;

	for (with = 0; with <= 1; with++) {
		struct gk_range *r = gk_map(test, row->shape, 0);
		/* Where there are protection keys, no access means no fault. */
		bool keyed = vma_pkey(gk_vma(r, 0));
		enum populate_kind kind = keyed ? POPULATE_NONE : row->kind;
		long want = keyed ? -EFAULT : row->ret ?: r->nr;
		int locked = 1;
		long ret;

		ret = populate_vma(r, 0, r->nr, with ? &locked : NULL);
		GK_EXPECT_AT(r, "populate_vma_page_range", -1, "return", ret,
			     want);
		KUNIT_EXPECT_EQ(test, locked, 1);
		populate_expect(r, "populate_vma_page_range", 0, r->nr, kind);
		if (!r->child)
			populate_expect_no_refs(r, "populate_vma_page_range");
		/* Once more: it is all there, and nothing adds up. */
		ret = populate_vma(r, 0, r->nr, NULL);
		KUNIT_EXPECT_EQ(test, ret, want);
		if (!r->child)
			populate_expect_no_refs(r, "a second populate");
	}
}

/* Only the pages asked for. */
static void gup_populate_vma_part(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 8);

	KUNIT_EXPECT_EQ(test, populate_vma(r, 2, 2, NULL), 0);
	KUNIT_EXPECT_EQ(test, populate_vma(r, 2, 5, NULL), 3);
	populate_expect(r, "populate_vma_page_range", 0, 2, POPULATE_NONE);
	populate_expect(r, "populate_vma_page_range", 2, 5, POPULATE_COPY);
	populate_expect(r, "populate_vma_page_range", 5, 8, POPULATE_NONE);
}

static void gup_populate_vma_error(struct kunit *test)
{
	struct gk_range *r = gk_map(test, S(drv_sigbus), 0);

	KUNIT_EXPECT_EQ(test, populate_vma(r, 0, r->nr, NULL), POPULATE_BAD);
	KUNIT_EXPECT_EQ(test, populate_vma(r, POPULATE_BAD, r->nr,
					   NULL), -EFAULT);
	r = gk_map(test, S(drv_oom), 0);
	KUNIT_EXPECT_EQ(test, populate_vma(r, POPULATE_BAD, r->nr,
					   NULL), -ENOMEM);
	r = gk_map(test, S(drv_poison), 0);
	KUNIT_EXPECT_EQ(test, populate_vma(r, POPULATE_BAD, r->nr,
					   NULL), -EFAULT);
}

/* With @locked the lock may go, and the count says how far it got. */
static void gup_populate_vma_locked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, S(drv_retry), 0);
	struct gk_drv *drv = gk_range_drv(r);
	int locked = 1;

	gk_drv_insert(r, 0, gk_drv_page(drv, 0));
	gk_drv_insert(r, 1, gk_drv_page(drv, 1));
	KUNIT_EXPECT_EQ(test, populate_vma(r, 0, r->nr, &locked), 2);
	KUNIT_EXPECT_EQ(test, locked, 0);
	locked = 1;
	KUNIT_EXPECT_EQ(test, populate_vma(r, 2, r->nr, &locked), 0);
	KUNIT_EXPECT_EQ(test, locked, 0);
	KUNIT_EXPECT_EQ(test, drv->faults, 2);
	KUNIT_EXPECT_EQ(test, drv->last_flags & (FAULT_FLAG_ALLOW_RETRY |
						 FAULT_FLAG_KILLABLE |
						 FAULT_FLAG_INTERRUPTIBLE |
						 FAULT_FLAG_WRITE),
			FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE);
	/* Without it stays. */
	KUNIT_EXPECT_EQ(test, populate_vma(r, 2, r->nr, NULL), r->nr - 2);
	KUNIT_EXPECT_FALSE(test, drv->last_flags & FAULT_FLAG_ALLOW_RETRY);
	populate_expect_no_refs(r, "populate_vma_page_range");
}

static void gup_populate_vma_killed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	long ret;

	gk_signal(SIGKILL);
	ret = populate_vma(r, 0, r->nr, NULL);
	gk_signal_clear();
	KUNIT_EXPECT_EQ(test, ret, -EINTR);
	populate_expect(r, "populate_vma_page_range", 0, r->nr, POPULATE_NONE);
}

/*
 * __mm_populate()
 */

static int populate_mm(struct gk_range *r, int ignore_errors)
{
	int ret = __mm_populate(r->addr, r->nr * PAGE_SIZE, ignore_errors);

	GK_EXPECT_AT(r, "__mm_populate", -1, "mmap_lock held",
		     rwsem_is_locked(&r->mm->mmap_lock), false);
	return ret;
}

/* Holes are passed over, whatever is said of errors. */
static void gup_populate_mm_holes(struct kunit *test)
{
	int ignore;

	for (ignore = 0; ignore <= 1; ignore++) {
		struct gk_range *r = gk_map(test, &gk_anon_fresh, 16);

		gk_unmap(r, 15, 1);
		gk_unmap(r, 6, 3);
		gk_unmap(r, 0, 1);
		KUNIT_EXPECT_EQ(test, populate_mm(r, ignore), 0);
		populate_expect(r, "__mm_populate", 1, 6, POPULATE_COPY);
		populate_expect(r, "__mm_populate", 9, 15, POPULATE_COPY);
		populate_expect(r, "__mm_populate", 6, 9, POPULATE_NONE);
		populate_expect_no_refs(r, "__mm_populate");
		gk_unmap(r, 0, 16);
		KUNIT_EXPECT_EQ(test, populate_mm(r, ignore), 0);
	}
}

/* Each VMA in its own way. */
static void gup_populate_mm_vmas(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 12);

	gk_protect(r, 4, 4, PROT_READ);
	KUNIT_EXPECT_EQ(test, populate_mm(r, 0), 0);
	populate_expect(r, "__mm_populate", 0, 4, POPULATE_COPY);
	populate_expect(r, "__mm_populate", 4, 8, POPULATE_ZERO);
	populate_expect(r, "__mm_populate", 8, 12, POPULATE_COPY);
	populate_expect_no_refs(r, "__mm_populate");
}

/* A VMA that is not memory is skipped, and that is no error. */
static void gup_populate_mm_io(struct kunit *test)
{
	static const vm_flags_t flags[] = { VM_IO, VM_PFNMAP };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct gk_range *r = gk_map(test, &gk_anon_fresh, 12);
		struct gk_range middle = *r;
		int ret;

		middle.addr = gk_addr(r, 4);
		middle.nr = 4;
		/* To have a VMA of its own. */
		gk_madvise(r, 4, 4, MADV_DONTFORK);
		gk_vma_mod_flags(&middle, 0, flags[i], 0);
		ret = populate_mm(r, 0);
		gk_vma_mod_flags(&middle, 0, 0, flags[i]);
		KUNIT_EXPECT_EQ_MSG(test, ret, 0, "flags=%lx",
				    (unsigned long)flags[i]);
		populate_expect(r, "__mm_populate", 0, 4, POPULATE_COPY);
		populate_expect(r, "__mm_populate", 4, 8, POPULATE_NONE);
		populate_expect(r, "__mm_populate", 8, 12, POPULATE_COPY);
	}
}

/* An error ends it, or this VMA only. */
static void gup_populate_mm_error(struct kunit *test)
{
	int ignore;

	for (ignore = 0; ignore <= 1; ignore++) {
		struct gk_range *r = gk_map(test, &gk_anon_fresh, 12);

		gk_protect(r, 4, 4, PROT_NONE);
		GK_EXPECT_AT(r, ignore ? "__mm_populate, ignore_errors" :
					 "__mm_populate", -1, "return",
			     populate_mm(r, ignore), ignore ? 0 : -EFAULT);
		populate_expect(r, "__mm_populate", 0, 4, POPULATE_COPY);
		populate_expect(r, "__mm_populate", 4, 8, POPULATE_NONE);
		populate_expect(r, "__mm_populate", 8, 12,
				ignore ? POPULATE_COPY :
					     POPULATE_NONE);
		populate_expect_no_refs(r, "__mm_populate");
	}
}

/* The driver's error in the middle of a VMA is what comes back. */
static void gup_populate_mm_fault_error(struct kunit *test)
{
	struct gk_range *r;

	r = gk_map(test, S(drv_sigbus), 0);
	KUNIT_EXPECT_EQ(test, populate_mm(r, 0), -EFAULT);
	populate_expect(r, "__mm_populate", 0, POPULATE_BAD, POPULATE_FILE);
	populate_expect(r, "__mm_populate", POPULATE_BAD, r->nr, POPULATE_NONE);
	KUNIT_EXPECT_EQ(test, populate_mm(r, 1), 0);
	populate_expect_no_refs(r, "__mm_populate");
	r = gk_map(test, S(drv_oom), 0);
	KUNIT_EXPECT_EQ(test, populate_mm(r, 0), -ENOMEM);
	KUNIT_EXPECT_EQ(test, populate_mm(r, 1), 0);
}

static void gup_populate_mm_lock_on_fault(struct kunit *test)
{
	struct gk_range *r = gk_map(test, S(lock_on_fault), 0);

	KUNIT_EXPECT_EQ(test, populate_mm(r, 0), 0);
	populate_expect(r, "__mm_populate", 0, r->nr, POPULATE_NONE);
	gk_fault(r, 1, 1, true);
	gk_settle();
	KUNIT_EXPECT_TRUE(test, folio_test_mlocked(page_folio(gk_page(r, 1))));
}

static void gup_populate_mm_killed(struct kunit *test)
{
	int ignore;

	for (ignore = 0; ignore <= 1; ignore++) {
		struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
		int ret;

		gk_signal(SIGKILL);
		ret = populate_mm(r, ignore);
		gk_signal_clear();
		KUNIT_EXPECT_EQ(test, ret, ignore ? 0 : -EINTR);
		populate_expect(r, "__mm_populate", 0, r->nr, POPULATE_NONE);
	}
}

/* The lock goes at every page: all are populated, in as many turns. */
static void gup_populate_mm_retry(struct kunit *test)
{
	struct gk_range *r = gk_map(test, S(drv_retry), 0);
	struct gk_drv *drv = gk_range_drv(r);

	/* It starts over, so each page costs one try until none is left. */
	KUNIT_EXPECT_EQ(test, populate_mm(r, 0), 0);
	KUNIT_EXPECT_EQ(test, drv->left, 0);
	KUNIT_EXPECT_EQ(test, drv->faults, 2 * r->nr);
	populate_expect(r, "__mm_populate", 0, r->nr, POPULATE_FILE);
	populate_expect_no_refs(r, "__mm_populate");

	r = gk_map(test, S(drv_complete), 0);
	drv = gk_range_drv(r);
	KUNIT_EXPECT_EQ(test, populate_mm(r, 0), 0);
	KUNIT_EXPECT_EQ(test, drv->left, 0);
	KUNIT_EXPECT_EQ(test, drv->faults, r->nr);
	populate_expect(r, "__mm_populate", 0, r->nr, POPULATE_FILE);
	populate_expect_no_refs(r, "__mm_populate");
}

/*
 * mmap()
 */

static const struct populate_mmap {
	const char *name;
	unsigned long prot, flags;
	enum populate_kind kind;
	bool mlocked;
} populate_mmaps[] = {
	{ "plain", RW, MAP_PRIVATE, POPULATE_NONE },
	{ "populate", RW, MAP_PRIVATE | MAP_POPULATE, POPULATE_COPY },
	{ "populate_readonly", PROT_READ, MAP_PRIVATE | MAP_POPULATE,
	  POPULATE_ZERO },
	{ "populate_nonblock", RW, MAP_PRIVATE | MAP_POPULATE | MAP_NONBLOCK,
	  POPULATE_NONE },
	{ "populate_none", PROT_NONE, MAP_PRIVATE | MAP_POPULATE,
	  POPULATE_NONE },
	{ "populate_shared", RW, MAP_SHARED | MAP_POPULATE,
	  POPULATE_FILE },
	{ "locked", RW, MAP_PRIVATE | MAP_LOCKED, POPULATE_COPY, true },
	{ "locked_readonly", PROT_READ, MAP_PRIVATE | MAP_LOCKED,
	  POPULATE_ZERO },
	{ "locked_shared", RW, MAP_SHARED | MAP_LOCKED, POPULATE_FILE,
	  true },
};

KUNIT_ARRAY_PARAM_DESC(populate_mmap, populate_mmaps, name);

static void populate_map_param(struct gk_range *r)
{
	const struct populate_mmap *p = r->test->param_value;

	gk_mmap(r, NULL, 0, p->prot, p->flags);
}

POPULATE_SHAPE(param);

static void gup_populate_by_mmap(struct kunit *test)
{
	const struct populate_mmap *p = test->param_value;
	struct gk_range *r = gk_map(test, S(param), 0);
	unsigned int i;

	populate_expect(r, "mmap", 0, r->nr, p->kind);
	for (i = 0; p->mlocked && i < r->nr; i++) {
		struct page *page = gk_page(r, i);

		KUNIT_EXPECT_TRUE_MSG(test, page &&
				      folio_test_mlocked(page_folio(page)),
				      "flags=%lx page=%u: not mlocked",
				      p->flags, i);
	}
	populate_expect_no_refs(r, "mmap");
}

/*
 * MADV_POPULATE_READ and MADV_POPULATE_WRITE, and faultin_page_range()
 */

/* @read, @write: 0 or the error; @r, @w: what becomes of page 0 then. */
static const struct populate_madvise {
	const struct gk_shape *shape;
	int read, write;
	enum populate_kind r, w;
} populate_madvises[] = {
	{ &gk_anon_fresh, 0, 0, POPULATE_ZERO, POPULATE_COPY },
	{ &gk_anon_zero, 0, 0, POPULATE_ZERO, POPULATE_COPY },
	{ &gk_shmem_fresh, 0, 0, POPULATE_FILE, POPULATE_DIRTY },
	{ &gk_file_private, 0, 0, POPULATE_FILE, POPULATE_COPY },
	{ S(drv), 0, 0, POPULATE_FILE, POPULATE_DIRTY },
	{ S(drv_private), 0, 0, POPULATE_FILE, POPULATE_COPY },
	{ S(drv_retry), 0, 0, POPULATE_FILE, POPULATE_DIRTY },
	/* A driver's own vm_insert_page() leaves a clean entry. */
	{ S(drv_complete), 0, 0, POPULATE_FILE, POPULATE_FILE },
	{ S(anon_readonly), 0, -EINVAL, POPULATE_ZERO, POPULATE_NONE },
	{ S(drv_readonly), 0, -EINVAL, POPULATE_FILE, POPULATE_NONE },
	{ S(file_readonly), 0, -EINVAL, POPULATE_FILE, POPULATE_FILE },
	{ S(anon_write), GK_WRITE_IS_READ ? 0 : -EINVAL, 0,
	  GK_WRITE_IS_READ ? POPULATE_ZERO : POPULATE_NONE, POPULATE_COPY },
	{ S(anon_exec), -EINVAL, -EINVAL, POPULATE_NONE,
	  POPULATE_NONE },
	{ S(anon_none), -EINVAL, -EINVAL, POPULATE_NONE,
	  POPULATE_NONE },
	{ S(anon_io), -EINVAL, -EINVAL, POPULATE_NONE, POPULATE_NONE },
	{ &gk_pfnmap, -EINVAL, -EINVAL, POPULATE_NONE, POPULATE_NONE },
	{ S(drv_sigbus), -EFAULT, -EFAULT, POPULATE_FILE,
	  POPULATE_DIRTY },
	{ S(drv_oom), -ENOMEM, -ENOMEM, POPULATE_FILE,
	  POPULATE_DIRTY },
	{ S(drv_poison), -EHWPOISON, -EHWPOISON, POPULATE_FILE,
	  POPULATE_DIRTY },
	{ &gk_guard, -EFAULT, -EFAULT, POPULATE_COPY, POPULATE_COPY },
	{ &gk_hole, -ENOMEM, -ENOMEM, POPULATE_COPY, POPULATE_COPY },
	/* Here MADV_POPULATE differs from mlock(): it does populate. */
	{ S(lock_on_fault), 0, 0, POPULATE_ZERO, POPULATE_COPY },
};

KUNIT_ARRAY_PARAM_DESC(populate_madvise, populate_madvises, shape->name);

static void gup_populate_by_madvise(struct kunit *test)
{
	const struct populate_madvise *p = test->param_value;
	unsigned int write;

	for (write = 0; write <= 1; write++) {
		const char *what = write ? "MADV_POPULATE_WRITE" :
					   "MADV_POPULATE_READ";
		struct gk_range *r = gk_map(test, p->shape, 0);
		int want = write ? p->write : p->read;
		int ret;

		ret = do_madvise(r->mm, r->addr, r->nr * PAGE_SIZE,
				 write ? MADV_POPULATE_WRITE :
					 MADV_POPULATE_READ);
		KUNIT_EXPECT_FALSE(test, rwsem_is_locked(&r->mm->mmap_lock));
		GK_EXPECT_AT(r, what, -1, "return", ret, want);
		populate_expect(r, what, 0, want ? 1 : r->nr,
				write ? p->w : p->r);
		populate_expect_no_refs(r, what);
	}
}

/* The pages before the trouble are counted; at the trouble it has a name. */
static const struct populate_faultin {
	const char *name;
	const struct gk_shape *shape;
	unsigned int bad;
	long error;
} populate_faultins[] = {
	{ "hole", &gk_hole, 8, -ENOMEM },
	{ "guard", &gk_guard, 8, -EFAULT },
	{ "sigbus", S(drv_sigbus), POPULATE_BAD, -EFAULT },
	{ "oom", S(drv_oom), POPULATE_BAD, -ENOMEM },
	{ "hwpoison", S(drv_poison), POPULATE_BAD, -EHWPOISON },
	{ "pfnmap", &gk_pfnmap, 0, -EINVAL },
	{ "none", S(anon_none), 0, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(populate_faultin, populate_faultins, name);

static long populate_faultin(struct gk_range *r, unsigned int from,
			     bool write, int *locked)
{
	long ret;

	mmap_read_lock(r->mm);
	ret = faultin_page_range(r->mm, gk_addr(r, from), gk_addr(r, r->nr),
				 write, locked);
	if (*locked)
		mmap_read_unlock(r->mm);
	return ret;
}

static void gup_populate_faultin_error(struct kunit *test)
{
	const struct populate_faultin *p = test->param_value;
	unsigned int write;

	for (write = 0; write <= 1; write++) {
		const char *api = write ? "faultin_page_range, write" :
					  "faultin_page_range";
		struct gk_range *r = gk_map(test, p->shape, 0);
		int locked = 1;

		if (p->bad)
			GK_EXPECT_AT(r, api, 0, "return",
				     populate_faultin(r, 0, write, &locked),
				     p->bad);
		KUNIT_EXPECT_EQ(test, locked, 1);
		GK_EXPECT_AT(r, api, p->bad, "return",
			     populate_faultin(r, p->bad, write, &locked),
			     p->error);
		KUNIT_EXPECT_EQ(test, locked, 1);
		populate_expect_no_refs(r, "faultin_page_range");
	}
}

/* Unlike populate_vma_page_range() it tries again by itself. */
static void gup_populate_faultin_retry(struct kunit *test)
{
	static const struct gk_shape *const shapes[] = {
		S(drv_retry), S(drv_complete),
	};
	unsigned int i, write;

	for (i = 0; i < ARRAY_SIZE(shapes) * 2; i++) {
		struct gk_range *r = gk_map(test, shapes[i / 2], 0);
		struct gk_drv *drv = gk_range_drv(r);
		int locked = 1;

		write = i % 2;
		GK_EXPECT_AT(r, "faultin_page_range", -1, "return",
			     populate_faultin(r, 0, write, &locked), r->nr);
		KUNIT_EXPECT_EQ(test, locked, 0);
		KUNIT_EXPECT_EQ(test, drv->faults, (i / 2 ? 1 : 2) * r->nr);
		KUNIT_EXPECT_EQ(test, !!(drv->last_flags & FAULT_FLAG_WRITE),
				write);
		populate_expect_no_refs(r, "faultin_page_range");
	}
}

static void gup_populate_madvise_vmas(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 12);

	gk_protect(r, 8, 4, PROT_READ);
	/* Both VMAs can be read. */
	KUNIT_EXPECT_EQ(test, 0, do_madvise(r->mm, r->addr, 12 * PAGE_SIZE,
					    MADV_POPULATE_READ));
	populate_expect(r, "MADV_POPULATE_READ", 0, 12, POPULATE_ZERO);
	/* The second cannot be written to: the first has been. */
	KUNIT_EXPECT_EQ(test, -EINVAL, do_madvise(r->mm, r->addr,
						  12 * PAGE_SIZE,
						  MADV_POPULATE_WRITE));
	populate_expect(r, "MADV_POPULATE_WRITE", 0, 8, POPULATE_COPY);
	populate_expect(r, "MADV_POPULATE_WRITE", 8, 12, POPULATE_ZERO);
	/* No pages, no error. */
	KUNIT_EXPECT_EQ(test, 0, do_madvise(r->mm, r->addr, 0,
					    MADV_POPULATE_WRITE));
}

static void gup_populate_madvise_killed(struct kunit *test)
{
	static const int advices[] = {
		MADV_POPULATE_READ, MADV_POPULATE_WRITE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
		int ret;

		gk_signal(SIGKILL);
		ret = do_madvise(r->mm, r->addr, r->nr * PAGE_SIZE, advices[i]);
		gk_signal_clear();
		KUNIT_EXPECT_EQ_MSG(test, ret, -EINTR, "madvise(%d)",
				    advices[i]);
		populate_expect(r, "madvise", 0, r->nr, POPULATE_NONE);
	}
}

/* No page waits in a batch of this CPU: mlock() counts what is on the list. */
static void gup_populate_lru(struct kunit *test)
{
	unsigned int how, i;

	for (how = 0; how <= 1; how++) {
		const char *api = how ? "faultin_page_range" : "populate_vma_page_range";
		struct gk_range *r = gk_map(test, &gk_anon_fresh, 8);
		int locked = 1;
		long ret;

		migrate_disable();
		ret = how ? populate_faultin(r, 0, true, &locked) :
			    populate_vma(r, 0, r->nr, NULL);
		migrate_enable();
		GK_EXPECT_AT(r, api, -1, "return", ret, r->nr);
		for (i = 0; i < r->nr; i++)
			GK_EXPECT_AT(r, api, i, "on the LRU",
				     folio_test_lru(page_folio(gk_page(r, i))), true);
	}
}

/* Pages that are there already have been used again. */
static void gup_populate_touch(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_shmem_fresh, 0);
	unsigned int i;

	gk_fault(r, 0, r->nr, false);
	gk_settle();
	for (i = 0; i < r->nr; i++)
		folio_clear_referenced(page_folio(gk_page(r, i)));
	KUNIT_EXPECT_EQ(test, populate_vma(r, 0, r->nr, NULL), r->nr);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT_AT(r, "populate_vma_page_range", i, "referenced",
			     folio_test_referenced(page_folio(gk_page(r, i))), true);
}

static struct kunit_suite gup_populate_suite = {
	.name = "gup_populate",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_populate_vma_range, populate_vma_gen_params),
		KUNIT_CASE(gup_populate_vma_part),
		KUNIT_CASE(gup_populate_vma_error),
		KUNIT_CASE(gup_populate_vma_locked),
		KUNIT_CASE(gup_populate_vma_killed),
		KUNIT_CASE(gup_populate_mm_holes),
		KUNIT_CASE(gup_populate_mm_vmas),
		KUNIT_CASE(gup_populate_mm_io),
		KUNIT_CASE(gup_populate_mm_error),
		KUNIT_CASE(gup_populate_mm_fault_error),
		KUNIT_CASE(gup_populate_mm_lock_on_fault),
		KUNIT_CASE(gup_populate_mm_killed),
		KUNIT_CASE(gup_populate_mm_retry),
		KUNIT_CASE_PARAM(gup_populate_by_mmap, populate_mmap_gen_params),
		KUNIT_CASE_PARAM(gup_populate_by_madvise,
				 populate_madvise_gen_params),
		KUNIT_CASE_PARAM(gup_populate_faultin_error,
				 populate_faultin_gen_params),
		KUNIT_CASE(gup_populate_faultin_retry),
		KUNIT_CASE(gup_populate_madvise_vmas),
		KUNIT_CASE(gup_populate_madvise_killed),
		KUNIT_CASE(gup_populate_lru),
		KUNIT_CASE(gup_populate_touch),
		{}
	},
};

kunit_test_suite(gup_populate_suite);
