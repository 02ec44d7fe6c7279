// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zoo: GUP-fast, the slow path and one page at a time are the same thing.
 *
 * Each case takes one shape and one set of flags, and runs every API for which
 * the flags are legal, each on a mapping of its own that nobody else touches:
 * once for the whole range and once page by page. Every run is judged by a
 * model that knows the page tables before the call and the traits of the shape
 * but nothing of GUP's code, and all runs are then compared with each other.
 *
 * Where APIs differ by contract the model says how, and nothing else may:
 *
 * - FOLL_PIN for reading unshares an anonymous page that is not exclusive;
 *   FOLL_GET takes it as it is.
 * - get_user_pages_fast_only() gets what GUP-fast finds ready, a prefix of what
 *   get_user_pages_fast() gets, and has no error for "nothing".
 * - The slow path dirties the folio of a clean entry that it had for writing.
 *   GUP-fast does not, and neither does pin_user_pages(): they leave it to
 *   unpin_user_pages_dirty_lock().
 * - GUP-fast sees page tables, not VMAs: a VMA that may be written but not read
 *   is readable to it where the architecture's entries make it so.
 */
#include <linux/mman.h>
#include <linux/shmem_fs.h>

#include "internal.h"
#include "gk.h"

/* One entry of a page table, in the words of the callers of GUP. */
struct zoo_page {
	struct page *page;	/* NULL: nothing with a struct page */
	bool cow;		/* in a private, writable mapping */
	bool readable;		/* the mapping is not PROT_NONE */
	bool write;		/* the entry is writable */
	bool pte_dirty;
	bool leaf;		/* a huge page has this one entry */
	bool zero, anon, excl;
	bool hugetlb;
	bool dirty;		/* the folio is */
	bool pinnable;		/* for the long term */
	bool shmem;
	bool driver;		/* its owner holds a reference */
	unsigned int order;
	unsigned long index;	/* in its folio */
	u8 byte;		/* the first one of its contents */
	int held;		/* references that neither map nor cache it */
	int pins;
};

struct zoo_run {
	struct gk_range *r;
	const struct gk_api *api;
	unsigned int flags;
	unsigned int first, nr;
	bool single;		/* one page at a time */
	long ret;
	struct page **pages;
	struct gk_call **calls;
	unsigned int nr_calls;
	struct zoo_page *before, *after;
};

static const char *zoo_where(struct zoo_run *run, long i)
{
	char *buf = kunit_kzalloc(run->r->test, 256, GFP_KERNEL);

	if (!buf)
		return run->api->name;
	scnprintf(buf, 256, "shape=%s api=%s%s flags=%s first=%u nr=%u page=%ld",
		  run->r->shape->name, run->api->name,
		  run->single ? " (one page at a time)" : "",
		  gk_flags_name(run->r->test, run->flags), run->first, run->nr,
		  i);
	return buf;
}

static void zoo_expect(struct zoo_run *run, long i, const char *what, long got,
		       long want)
{
	if (got != want)
		KUNIT_FAIL(run->r->test, "%s: %s: wanted %ld, got %ld",
			   zoo_where(run, i), what, want, got);
}

static void zoo_take_page(struct gk_range *r, unsigned int i,
			  struct zoo_page *z)
{
	struct vm_area_struct *vma;
	struct folio *folio;
	pte_t pte;

	mmap_read_lock(r->mm);
	vma = vma_lookup(r->mm, gk_addr(r, i));
	if (vma) {
		z->cow = vma_is_cow_mapping(vma);
		z->readable = vma->vm_flags & VM_ACCESS_FLAGS;
	}
	mmap_read_unlock(r->mm);
	z->page = gk_page(r, i);
	if (!z->page)
		return;
	z->leaf = gk_is_leaf(r, i);
	folio = page_folio(z->page);
	pte = gk_pte(r, i);
	z->write = pte_write(pte);
	z->pte_dirty = pte_dirty(pte);
	z->zero = gk_is_zero(folio);
	z->pinnable = folio_is_longterm_pinnable(folio);
	z->byte = gk_peek(z->page);
	if (z->zero)
		return;
	z->anon = folio_test_anon(folio);
	/* A mapping by a leaf is exclusive as a whole: its first page says so. */
	z->excl = gk_exclusive(z->leaf ? &folio->page : z->page);
	z->hugetlb = folio_test_hugetlb(folio);
	z->dirty = folio_test_dirty(folio);
	z->shmem = !z->anon && folio->mapping && shmem_mapping(folio->mapping);
	z->driver = !z->anon && !folio->mapping;
	z->order = folio_order(folio);
	z->index = folio_page_idx(folio, z->page);
	z->held = gk_held(folio);
	if (folio_has_pincount(folio))
		z->pins = atomic_read(&folio->_pincount);
}

static struct zoo_page *zoo_take(struct gk_range *r)
{
	struct zoo_page *z = kunit_kcalloc(r->test, r->nr, sizeof(*z),
					   GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(r->test, z);
	gk_settle();
	for (i = 0; i < r->nr; i++)
		zoo_take_page(r, i, &z[i]);
	return z;
}

/*
 * The model
 */

/* Do the shape and the flags agree, as far as the VMA has a say? */
static bool zoo_allowed(const struct gk_shape *shape, unsigned int flags)
{
	bool force = flags & FOLL_FORCE;

	if (shape->traits & GK_REFUSED)
		return false;
	if ((flags & FOLL_ANON) && !(shape->traits & GK_ANON))
		return false;
	if (shape->traits & GK_PARTIAL)
		return true;
	if (flags & FOLL_WRITE)
		return shape->traits & (GK_WRITE | (force ? GK_FORCE_WRITE : 0));
	return shape->traits & (GK_READ | (force ? GK_FORCE_READ : 0));
}

/* Entries of the GK_PARTIAL shapes where no fault helps. */
static bool zoo_missing(const struct gk_shape *shape, unsigned int i)
{
	if (!(shape->traits & GK_PARTIAL))
		return false;
	if (shape == &gk_guard || shape == &gk_hole)
		return i == shape->nr / 2;
	return i % 8 == 5;
}

/* Is an anonymous page copied, or made exclusive, before it is taken? */
static bool zoo_unshares(const struct zoo_run *run, const struct zoo_page *z)
{
	return run->api->pins && !(run->flags & FOLL_WRITE) && !z->write &&
	       z->anon && !z->excl;
}

/* The slow path takes what the entry maps, without a fault or a migration. */
static bool zoo_ready(const struct zoo_run *run, const struct zoo_page *z)
{
	if (!z->page)
		return false;
	if ((run->flags & FOLL_WRITE) && !z->write &&
	    !((run->flags & FOLL_FORCE) && z->excl &&
	      (run->r->shape->traits & GK_FORCE_WRITE)))
		return false;
	if (zoo_unshares(run, z))
		return false;
	if (run->flags & FOLL_LONGTERM) {
		/* Reading for long from a private mapping breaks COW early. */
		if (!(run->flags & FOLL_WRITE) && !z->write && !z->anon &&
		    z->cow)
			return false;
		if (!z->pinnable)
			return false;
	}
	return true;
}

/* GUP-fast does, with the page table alone to go by. */
static bool zoo_ready_fast(const struct zoo_run *run, const struct zoo_page *z)
{
	if (!z->page || z->zero || !z->readable)
		return false;
	if ((run->flags & FOLL_WRITE) && !z->write)
		return false;
	if (zoo_unshares(run, z))
		return false;
	if (run->flags & FOLL_LONGTERM) {
		if (!(run->flags & FOLL_WRITE) && !z->write && !z->anon)
			return false;
		if ((run->flags & FOLL_WRITE) && !z->anon && !z->shmem)
			return false;
		if (!z->pinnable)
			return false;
	}
	return true;
}

/* How many pages GUP-fast gets before it must give up. */
static unsigned int zoo_fast_prefix(const struct zoo_run *run)
{
	unsigned int k;

	for (k = 0; k < run->nr; k++)
		if (!zoo_ready_fast(run, &run->before[run->first + k]))
			break;
	return k;
}

static long zoo_want(const struct zoo_run *run)
{
	const struct gk_shape *shape = run->r->shape;
	long k;

	if (run->api->only)
		return zoo_fast_prefix(run);
	if (!zoo_allowed(shape, run->flags))
		return -EFAULT;
	for (k = 0; k < run->nr; k++) {
		unsigned int i = run->first + k;

		if (run->flags & FOLL_NOFAULT) {
			if (!zoo_ready(run, &run->before[i]))
				break;
		} else if (zoo_missing(shape, i)) {
			break;
		}
	}
	return k ?: -EFAULT;
}

/* Page @k of the call was had in a way that dirties the folio of a clean PTE */
static bool zoo_touched(const struct zoo_run *run, unsigned int k)
{
	if (!(run->flags & FOLL_WRITE) || run->api == &gk_apis[GK_PIN])
		return false;
	if (!run->api->fast)
		return true;
	if (run->single)
		return !zoo_ready_fast(run, &run->before[run->first + k]);
	return k >= zoo_fast_prefix(run);
}

static bool zoo_got(const struct zoo_run *run, unsigned int i)
{
	return run->ret > 0 && i >= run->first && i < run->first + run->ret;
}

/*
 * Judging one run
 */

/* The entry itself, counts and the folio's dirty flag aside, is as it was. */
static void zoo_judge_same(struct zoo_run *run, unsigned int i)
{
	struct zoo_page *was = &run->before[i], *is = &run->after[i];

	zoo_expect(run, i, "pfn, as it was",
		   is->page ? page_to_pfn(is->page) : 0,
		   was->page ? page_to_pfn(was->page) : 0);
	zoo_expect(run, i, "entry writable, as it was", is->write, was->write);
	zoo_expect(run, i, "entry dirty, as it was", is->pte_dirty,
		   was->pte_dirty);
	zoo_expect(run, i, "exclusive, as it was", is->excl, was->excl);
	zoo_expect(run, i, "contents, as they were", is->byte, was->byte);
}

static void zoo_judge_page(struct zoo_run *run, unsigned int i)
{
	struct zoo_page *was = &run->before[i], *is = &run->after[i];
	bool write = run->flags & FOLL_WRITE;
	bool longterm = run->flags & FOLL_LONGTERM;

	zoo_expect(run, i, "pfn, as mapped now",
		   page_to_pfn(run->pages[i - run->first]),
		   is->page ? page_to_pfn(is->page) : 0);
	if (!is->page)
		return;
	if (zoo_ready(run, was))
		zoo_judge_same(run, i);
	zoo_expect(run, i, "contents", is->byte, was->page ? was->byte : 0);
	if (is->anon && (write || run->api->pins))
		zoo_expect(run, i, "exclusive", is->excl, true);
	if (write && !(run->r->shape->traits & GK_FORCE_WRITE))
		zoo_expect(run, i, "entry writable", is->write, true);
	if (is->cow && (write || longterm))
		zoo_expect(run, i, "anonymous: COW is broken", is->anon, true);
	if (!was->page && !write && !longterm &&
	    (run->r->shape->traits & GK_ANON))
		zoo_expect(run, i, "zero page", is->zero, true);
	if (longterm)
		zoo_expect(run, i, "long-term pinnable", is->pinnable, true);
}

static bool zoo_same_folio(const struct zoo_page *a, const struct zoo_page *b)
{
	return a->page && b->page && page_folio(a->page) == page_folio(b->page);
}

/* Page @k was had together with a neighbour: nobody asks which entry is clean. */
static bool zoo_batched(const struct zoo_run *run, long k)
{
	const struct zoo_page *z = &run->after[run->first + k];

	if (run->single || z->leaf)
		return false;
	return (k && zoo_same_folio(z, z - 1)) ||
	       (k + 1 < run->ret && zoo_same_folio(z, z + 1));
}

/*
 * References, pins and the dirty flag belong to folios: what is wanted of them
 * depends on all the pages of the folio that the call returned.
 */
static void zoo_judge_folio(struct zoo_run *run, unsigned int i)
{
	struct zoo_page *was = &run->before[i], *is = &run->after[i];
	struct folio *folio;
	bool ready = was->page == is->page && was->leaf == is->leaf;
	bool dirty = was->dirty;
	int n = 0;
	long k;

	if (!is->page || is->zero)
		return;
	/* Once for neighbours of one folio: drv_order9 has 512 of them. */
	if (i && zoo_same_folio(is, is - 1) && zoo_same_folio(was, was - 1))
		return;
	folio = page_folio(is->page);
	for (k = 0; k < run->ret; k++) {
		struct zoo_page *was_k = &run->before[run->first + k];

		if (!zoo_same_folio(is, &run->after[run->first + k]))
			continue;
		n++;
		if (!zoo_ready(run, was_k))
			ready = false;
		if (zoo_touched(run, k) &&
		    (!was_k->pte_dirty || zoo_batched(run, k)))
			dirty = true;
	}
	zoo_expect(run, i, "references held on the folio", is->held,
		   is->driver + gk_refs_wanted(run->api, folio, n));
	zoo_expect(run, i, "pincount of the folio", is->pins,
		   run->api->pins && folio_has_pincount(folio) ? n : 0);
	/* What a fault or a migration does to it is compared, not foretold. */
	if (ready)
		zoo_expect(run, i, "folio dirty", is->dirty, dirty);
}

/* A page that was not asked for changes with the leaf that it is in. */
static bool zoo_leaf_changes(const struct zoo_run *run, unsigned int i)
{
	unsigned int k;

	if (!run->before[i].leaf && !run->after[i].leaf)
		return false;
	for (k = 0; k < run->nr; k++)
		if (!zoo_ready(run, &run->before[run->first + k]))
			return true;
	return false;
}

static void zoo_judge(struct zoo_run *run)
{
	unsigned int traits = run->r->shape->traits, fast, i;
	bool longterm = run->flags & FOLL_LONGTERM;
	long acquired = 0, pinned = 0, k;

	/* The shape is what it says it is. */
	fast = zoo_fast_prefix(run);
	if ((run->flags & FOLL_WRITE) && !longterm && (traits & GK_FAST_WRITE))
		zoo_expect(run, -1, "GK_FAST_WRITE", fast, run->nr);
	if (!(run->flags & FOLL_WRITE) && !longterm &&
	    (traits & (run->api->pins ? GK_FAST_PIN_READ : GK_FAST_READ)))
		zoo_expect(run, -1, "GK_FAST_READ", fast, run->nr);

	zoo_expect(run, -1, "return", run->ret, zoo_want(run));
	for (i = 0; i < run->nr_calls; i++) {
		gk_expect_untouched(run->calls[i]);
		acquired += run->calls[i]->acquired - run->calls[i]->released;
	}
	for (k = 0; k < run->ret; k++)
		if (run->api->pins && !is_zero_page(run->pages[k]))
			pinned++;
	zoo_expect(run, -1, "nr_foll_pin_acquired - nr_foll_pin_released",
		   acquired, pinned);
	for (i = 0; i < run->r->nr; i++) {
		if (zoo_got(run, i))
			zoo_judge_page(run, i);
		else if (!zoo_leaf_changes(run, i))
			zoo_judge_same(run, i);
		zoo_judge_folio(run, i);
	}
}

/* Give everything back: nothing is held any more, and nothing else changed. */
static void zoo_release(struct zoo_run *run)
{
	struct gk_range *r = run->r;
	struct zoo_page *now;
	unsigned int i;

	for (i = 0; i < run->nr_calls; i++)
		gk_release(run->calls[i]);
	now = zoo_take(r);
	for (i = 0; i < r->nr; i++) {
		struct zoo_page *was = &run->after[i], *is = &now[i];

		zoo_expect(run, i, "pfn after the release",
			   is->page ? page_to_pfn(is->page) : 0,
			   was->page ? page_to_pfn(was->page) : 0);
		zoo_expect(run, i, "references held after the release",
			   is->held, is->driver);
		zoo_expect(run, i, "pincount after the release", is->pins, 0);
		zoo_expect(run, i, "folio dirty after the release", is->dirty,
			   was->dirty);
	}
	zoo_expect(run, -1, "pins held after the release",
		   gk_stat(NR_FOLL_PIN_ACQUIRED) -
		   gk_stat(NR_FOLL_PIN_RELEASED), run->calls[0]->held);
}

static void zoo_call(struct zoo_run *run, struct gk_range *r, unsigned int i,
		     unsigned int nr)
{
	struct gk_call *c = gk_gup_part(r, run->api - gk_apis, run->flags, i,
					nr);
	long k;

	run->calls[run->nr_calls++] = c;
	if (c->ret > 0) {
		run->ret = max(run->ret, 0L);
		for (k = 0; k < c->ret && run->ret < run->nr; k++)
			run->pages[run->ret++] = c->pages[k];
	} else if (!run->ret) {
		run->ret = c->ret;
	}
}

/* Map @shape anew, run @api over it, judge, give back and unmap. */
static struct zoo_run *zoo_run(struct kunit *test, const struct gk_shape *shape,
			       const struct gk_api *api, unsigned int flags,
			       unsigned int first, unsigned int nr, bool single)
{
	struct zoo_run *run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	struct gk_range *r = gk_map(test, shape, 0);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, run);
	run->r = r;
	run->api = api;
	run->flags = flags;
	run->first = first;
	run->nr = nr;
	run->single = single;
	run->pages = kunit_kcalloc(test, nr, sizeof(*run->pages), GFP_KERNEL);
	run->calls = kunit_kcalloc(test, nr, sizeof(*run->calls), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, run->pages);
	KUNIT_ASSERT_NOT_NULL(test, run->calls);

	gk_poke_all(r);
	run->before = zoo_take(r);
	if (single) {
		struct gk_range *one = kunit_kcalloc(test, nr, sizeof(*one),
						     GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, one);
		for (i = 0; i < nr; i++) {
			one[i] = *r;
			one[i].addr = gk_addr(r, first + i);
			one[i].nr = 1;
			zoo_call(run, &one[i], 0, 1);
			if (run->calls[i]->ret != 1)
				break;
		}
	} else {
		zoo_call(run, r, first, nr);
	}
	run->after = zoo_take(r);

	zoo_judge(run);
	zoo_release(run);
	gk_unmap(r, 0, r->nr);
	if (r->child)
		gk_child_exit(test, r->child);
	return run;
}

/*
 * Comparing two runs over the same shape with the same flags
 */

static void zoo_compare_page(struct zoo_run *run, struct zoo_run *with,
			     unsigned int i)
{
	struct zoo_page *a = &run->after[i], *b = &with->after[i];
	struct zoo_page *was = &run->before[i];

	if (zoo_got(run, i) && zoo_got(with, i) &&
	    zoo_unshares(run, was) != zoo_unshares(with, was)) {
		/* FOLL_GET has the shared page, FOLL_PIN an exclusive one. */
		zoo_expect(run, i, "exclusive, if by FOLL_PIN", a->excl,
			   run->api->pins);
		zoo_expect(with, i, "exclusive, if by FOLL_PIN", b->excl,
			   with->api->pins);
		return;
	}
	/* And the other pages of the leaf are exclusive, or split off, with it. */
	if (was->leaf && zoo_unshares(run, was) != zoo_unshares(with, was))
		return;
	zoo_expect(run, i, "page present differs", !!a->page, !!b->page);
	/* Pages of the pool are where they were at boot, movable or not. */
	if (!a->hugetlb) {
		zoo_expect(run, i, "page replaced differs",
			   a->page != was->page,
			   b->page != with->before[i].page);
		zoo_expect(run, i, "long-term pinnable differs", a->pinnable,
			   b->pinnable);
	}
	zoo_expect(run, i, "zero page differs", a->zero, b->zero);
	zoo_expect(run, i, "anonymous differs", a->anon, b->anon);
	zoo_expect(run, i, "exclusive differs", a->excl, b->excl);
	zoo_expect(run, i, "entry writable differs", a->write, b->write);
	zoo_expect(run, i, "order of the folio differs", a->order, b->order);
	zoo_expect(run, i, "index in the folio differs", a->index, b->index);
	zoo_expect(run, i, "contents differ", a->byte, b->byte);
	/* FOLL_TOUCH dirties a leaf, and a split gives its dirt to the folio. */
	if (!was->leaf) {
		zoo_expect(run, i, "entry dirty differs", a->pte_dirty,
			   b->pte_dirty);
		/* For an entry that was ready, zoo_judge_folio() knows better. */
		if (!zoo_ready(run, was))
			zoo_expect(run, i, "folio dirty differs", a->dirty,
				   b->dirty);
	}
	if (run->api->pins == with->api->pins) {
		zoo_expect(run, i, "references held differ", a->held, b->held);
		zoo_expect(run, i, "pincount differs", a->pins, b->pins);
	}
}

static void zoo_compare(struct zoo_run *run, struct zoo_run *with)
{
	unsigned int i;

	for (i = 0; i < run->r->nr; i++) {
		/* Unsharing takes a fault: there FOLL_PIN ends, not FOLL_GET */
		if ((run->flags & FOLL_NOFAULT) &&
		    zoo_unshares(run, &run->before[i]) !=
		    zoo_unshares(with, &with->before[i]))
			return;
		zoo_compare_page(run, with, i);
	}
	zoo_expect(run, -1, zoo_where(with, -1), run->ret, with->ret);
}

/* The pages that fast_only got are the first of those that @full got. */
static void zoo_compare_prefix(struct zoo_run *only, struct zoo_run *full)
{
	unsigned int i;

	if (only->ret > 0)
		zoo_expect(only, -1, "more than get_user_pages_fast()",
			   only->ret > full->ret, false);
	for (i = only->first; zoo_got(only, i); i++)
		if (!(only->r->shape->traits & GK_LARGE))
			zoo_compare_page(only, full, i);
}

/* Every API on [first, first + nr) of @shape, compared with one another. */
static void zoo_all(struct kunit *test, const struct gk_shape *shape,
		    unsigned int flags, unsigned int first, unsigned int nr,
		    bool singles)
{
	struct zoo_run *runs[GK_NR_APIS] = {};
	unsigned int id;

	for (id = 0; id < GK_NR_APIS; id++) {
		const struct gk_api *api = &gk_apis[id];

		if (flags & ~api->flags)
			continue;
		runs[id] = zoo_run(test, shape, api, flags, first, nr, false);
		if (singles)
			zoo_compare(zoo_run(test, shape, api, flags, first, nr,
					    true), runs[id]);
		if (id == GK_GET_FAST_ONLY)
			zoo_compare_prefix(runs[id], runs[GK_GET_FAST]);
		else if (id > GK_PIN)
			zoo_compare(runs[id], runs[GK_PIN]);
		else if (id != GK_GET && runs[GK_GET])
			zoo_compare(runs[id], runs[GK_GET]);
	}
	KUNIT_EXPECT_NOT_NULL_MSG(test, runs[GK_PIN], "flags=%s: no API",
				  gk_flags_name(test, flags));
}

/*
 * Parameters: each shape with each set of flags, or with each part of it
 */

static const unsigned int zoo_flags[] = {
	0, FOLL_WRITE, FOLL_FORCE, FOLL_WRITE | FOLL_FORCE, FOLL_NOFAULT,
	FOLL_WRITE | FOLL_NOFAULT, FOLL_LONGTERM, FOLL_LONGTERM | FOLL_WRITE,
	FOLL_HONOR_NUMA_FAULT, FOLL_ANON, FOLL_ANON | FOLL_WRITE,
};

static const struct {
	const char *name;
	int first, nr;		/* negative: from the end */
} zoo_parts[] = {
	{ "first_page_dropped", 1, -1 },
	{ "last_page_dropped", 0, -1 },
	{ "both_ends_dropped", 1, -2 },
	{ "middle_page_only", -1, 1 },
};

static void zoo_flags_desc(unsigned int flags, char *desc)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} names[] = {
		{ FOLL_WRITE, "+write" }, { FOLL_FORCE, "+force" },
		{ FOLL_NOFAULT, "+nofault" }, { FOLL_LONGTERM, "+longterm" },
		{ FOLL_HONOR_NUMA_FAULT, "+numa" }, { FOLL_ANON, "+anon" },
	};
	unsigned int i;

	if (!flags)
		strlcat(desc, "+0", KUNIT_PARAM_DESC_SIZE);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].flag)
			strlcat(desc, names[i].name, KUNIT_PARAM_DESC_SIZE);
}

/* Parameters: a shape of the zoo and a set of flags. */
static const void *zoo_flag_params(struct kunit *test, const void *prev,
				   char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev, gk_zoo_size,
						  ARRAY_SIZE(zoo_flags));

	if (!pair)
		return NULL;
	strscpy(desc, gk_zoo[pair->row]->name, KUNIT_PARAM_DESC_SIZE);
	zoo_flags_desc(zoo_flags[pair->column], desc);
	return pair;
}

/* Parameters: a shape of the zoo and a part of it. */
static const void *zoo_part_params(struct kunit *test, const void *prev,
				   char *desc)
{
	const struct gk_pair *pair = gk_next_pair(prev, gk_zoo_size,
						  ARRAY_SIZE(zoo_parts));

	if (pair)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s+%s",
			 gk_zoo[pair->row]->name,
			 zoo_parts[pair->column].name);
	return pair;
}

/* All of a shape, by every API, at once and page by page. */
static void gup_zoo_same(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;
	const struct gk_shape *shape = gk_zoo[pair->row];
	unsigned int flags = zoo_flags[pair->column];

	/*
	 * With hundreds of pages, page by page for two sets of flags: for the others it is
	 * what it is with the smaller folios.
	 */
	zoo_all(test, shape, flags, 0, shape->nr,
		shape->nr <= 64 || !(flags & ~FOLL_WRITE));
}

/* Part of a shape: the pages on either side are left alone. */
static void gup_zoo_part(struct kunit *test)
{
	const struct gk_pair *pair = test->param_value;
	const struct gk_shape *shape = gk_zoo[pair->row];
	int first = zoo_parts[pair->column].first;
	int nr = zoo_parts[pair->column].nr;

	if (first < 0)
		first = shape->nr / 2;
	if (nr < 0)
		nr += shape->nr;
	zoo_all(test, shape, 0, first, nr, false);
	zoo_all(test, shape, FOLL_WRITE, first, nr, false);
}

static void zoo_map_write_only(struct gk_range *r)
{
	gk_mmap(r, NULL, 0, PROT_WRITE, MAP_PRIVATE);
	gk_fault(r, 0, r->nr, true);
}

static const struct gk_shape zoo_write_only = {
	.name = "write_only", .nr = 16, .map = zoo_map_write_only,
};

/* A VMA that may be written but not read: only GUP-fast may read it. */
static void gup_zoo_write_only(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &zoo_write_only, 0);
	struct gk_call *c = gk_gup(r, api - gk_apis, FOLL_WRITE);

	gk_expect_round_trip(c, r->nr);

	c = gk_gup(r, api - gk_apis, 0);
	if (GK_WRITE_IS_READ ||
	    (api->fast && pte_access_permitted(gk_pte(r, 0), false)))
		gk_expect_pinned(c, r->nr);
	else
		gk_expect_refused(c, api->only ? 0 : -EFAULT);
	gk_release(c);
	gk_expect_restored(c);

	c = gk_gup(r, api - gk_apis, FOLL_FORCE);
	if (api->only && !pte_access_permitted(gk_pte(r, 0), false))
		gk_expect_refused(c, 0);
	else
		gk_expect_round_trip(c, r->nr);
}

#ifdef CONFIG_GUP_ZOO_THP
/*
 * GUP-fast leaves the leaf of the huge zero page alone, and all that follows: the
 * pages behind it are not for its place in pages[].
 */
static void gup_zoo_zero_leaf_first(struct kunit *test)
{
	static const enum gk_api_id apis[] = {
		GK_GET_FAST_ONLY, GK_GET_FAST, GK_PIN_FAST,
	};
	struct gk_range *r = gk_map(test, &gk_thp_zero, 2 * HPAGE_PMD_NR);
	unsigned int i;

	gk_fault(r, HPAGE_PMD_NR, HPAGE_PMD_NR, true);
	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		struct gk_call *c;

		c = gk_gup_part(r, apis[i], 0, HPAGE_PMD_NR - 8, 16);
		gk_expect_pinned(c, c->api->only ? 0 : 16);
		gk_release(c);
		gk_expect_restored(c);
	}
}
#endif

static struct kunit_suite gup_zoo_suite = {
	.name = "gup_zoo",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_zoo_same, zoo_flag_params),
		KUNIT_CASE_PARAM(gup_zoo_part, zoo_part_params),
		KUNIT_CASE_PARAM(gup_zoo_write_only, gk_api_params),
#ifdef CONFIG_GUP_ZOO_THP
		KUNIT_CASE(gup_zoo_zero_leaf_first),
#endif
		{}
	},
};

kunit_test_suite(gup_zoo_suite);
