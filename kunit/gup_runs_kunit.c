// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: entries in a row that map pages in a row of one folio. GUP may take a
 * run at once, but where runs begin and end must not show: every part of every
 * layout gives the pages, counts, faults and errors that one page at a time
 * would give.
 *
 * A layout is written as one token for each entry: the letter of a folio, the
 * page in it as a hex digit, and how it is mapped:
 *
 *	A0	plainly
 *	A0r	the entry is read-only, its VMA is not
 *	A0m	missing: a fault maps it
 *	A0s	in a VMA of its own, which is like the others
 *	A0x	in a VMA with VM_IO: the slow path refuses, GUP-fast cannot know
 *	A0p	in a VMA with PROT_READ
 *	A0n	in a VMA with PROT_NONE
 *	A0c	in a private VMA: the entry is read-only, what is written is a copy
 *	A0f	in a private VMA with PROT_READ: that takes FOLL_FORCE
 *	A0*	the entry says that there is no struct page
 *	--	nothing is mapped, and a fault says SIGBUS
 *
 * Neighbours of the kinds s, x, p, n, c and f share a VMA if they are of one kind.
 */
#include <kunit/resource.h>
#include <linux/file.h>
#include <linux/hex.h>
#include <linux/mman.h>
#include <linux/shmem_fs.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

/* The folios A to F. They are neighbours in memory: A3 and B0, B0 and C0, ... */
static const u8 runs_orders[] = { 2, 0, 0, 1, 3, 4 };

#define RUNS_NR_FOLIOS	ARRAY_SIZE(runs_orders)
#define RUNS_MAX	28

#define ALL_A	"A0 A1 A2 A3 "
#define ALL_E	"E0 E1 E2 E3 E4 E5 E6 E7 "
#define ALL_F	"F0 F1 F2 F3 F4 F5 F6 F7 F8 F9 Fa Fb Fc Fd Fe Ff "

static const struct runs_layout {
	const char *name;
	const char *map;
} runs_layouts[] = {
	/* A run ends with its folio, */
	{ "whole", ALL_F },
	{ "middle_to_middle", "Fd Fe Ff " ALL_A ALL_E "F0 F1 F2" },
	{ "small_ones", "B0 C0 B0 C0" },
	{ "small_among_large", "Fe Ff B0 A2 A3 C0 E6 E7 B0" },
	/* and not with its memory: here the next page is the next folio's. */
	{ "neighbours", "A2 A3 B0 C0 D0 D1 E0 E1 E2 E3 E4 E5 E6 E7 F0 F1 F2" },
	/* With the next page that does not follow, */
	{ "reversed", "F7 F6 F5 F4 F3 F2 F1 F0" },
	{ "reversed_neighbours", "E1 E0 D1 D0 C0 B0 A3 A2" },
	{ "every_other", "E0 E2 E4 E6 E1 E3 E5 E7" },
	{ "one_left_out", "F0 F1 F2 F4 F5 F6 F8 F9" },
	{ "rotated", "E5 E6 E7 E0 E1 E2 E3 E4" },
	{ "same_page", "F5 F5 F5 F5 F6 F6 F7 F7 F7" },
	{ "same_small_page", "B0 B0 B0 C0 C0 B0 B0" },
	{ "again", ALL_A ALL_A "A0 A1" },
	{ "again_overlapping", "A0 A1 A2 A1 A2 A3 A2 A3" },
	{ "in_turn", "A0 E0 A1 E1 A2 E2 A3 E3" },
	{ "in_pieces", "F4 F5 F6 A1 F7 F8 F9 B0 F0 F1" },
	/* with the permissions, */
	{ "readonly", "E0r E1r E2r E3r E4r E5r E6r E7r A0r A1r" },
	{ "readonly_first", "F0r F1 F2 F3 F4 F5" },
	{ "readonly_middle", "F0 F1 F2 F3r F4 F5 F6" },
	{ "readonly_last", "F0 F1 F2 F3 F4 F5r" },
	{ "readonly_in_turn", "F0r F1 F2r F3 F4 F5r F6r F7" },
	{ "readonly_edge", "E6 E7r F0r F1" },
	/* with what is present, */
	{ "missing", "F0m F1m F2m F3m F4m F5m" },
	{ "missing_first", "F0m F1 F2 F3 F4 F5" },
	{ "missing_middle", "F0 F1 F2 F3m F4 F5 F6" },
	{ "missing_last", "F0 F1 F2 F3 F4 F5m" },
	{ "missing_in_turn", "F0 F1m F2m F3 F4m F5 F6m F7m" },
	{ "missing_edge", "E6 E7m F0m F1" },
	{ "missing_and_readonly", "F0 F1r F2m F3r F4 F5m F6r" },
	{ "nothing_first", "-- F1 F2 F3 F4 F5" },
	{ "nothing_middle", "F0 F1 F2 -- F4 F5 F6" },
	{ "nothing_last", "F0 F1 F2 F3 F4 --" },
	{ "special_first", "F0* F1 F2 F3 F4 F5" },
	{ "special_middle", "F0 F1 F2 F3* F4 F5 F6" },
	{ "special_last", "F0 F1 F2 F3 F4 F5*" },
	/* and with the VMA. */
	{ "vma", "F0 F1 F2 F3 F4s F5s F6s F7s" },
	{ "vma_of_one_page", "F0 F1 F2 F3s F4 F5 F6" },
	{ "vma_edge", "E6 E7 F0s F1s" },
	{ "vma_io", "F0 F1 F2 F3 F4x F5x F6x F7x" },
	{ "vma_io_first", "F0x F1x F2x F3 F4 F5 F6 F7" },
	{ "vma_io_middle", "F0 F1 F2 F3x F4 F5 F6 F7" },
	{ "vma_readonly", "F0 F1 F2 F3 F4p F5p F6p F7p" },
	{ "vma_readonly_first", "F0p F1p F2p F3 F4 F5 F6 F7" },
	{ "vma_readonly_middle", "F0 F1 F2 F3p F4 F5 F6 F7" },
	{ "vma_no_access", "F0 F1 F2 F3 F4n F5n F6 F7" },
	{ "vma_no_access_first", "F0n F1 F2 F3 F4" },
	{ "private", "F0c F1c F2c F3c F4c F5c" },
	{ "private_behind", "F0 F1 F2 F3 F4c F5c F6c F7c" },
	{ "private_first", "F0c F1c F2c F3 F4 F5" },
	{ "private_edge", "E6 E7c F0c F1" },
	{ "private_readonly", "F0f F1f F2f F3f F4f F5f" },
	{ "private_readonly_behind", "F0c F1c F2c F3f F4f F5f" },
	{ "private_readonly_same_page", "F3f F3f F4f F4f" },
};

KUNIT_ARRAY_PARAM_DESC(runs_layout, runs_layouts, name);

struct runs_entry {
	struct page *page;
	char kind;		/* of the token; ' ' if it has none */
};

/**
 * struct runs - a layout that is mapped
 * @split: how many of its entries lie before the edge of a page table
 * @entry: what is to be mapped, and how
 * @folios: A, B, ...
 * @call: the one call that is under way
 * @before: the counts of @folios before it
 * @longterm: a bit for each folio that GUP-fast may pin to write, for long
 * @retry: the driver drops the lock and wants to be asked again, if it may
 */
struct runs {
	struct kunit *test;
	struct gk_shape shape;
	struct gk_range *r;
	struct gk_drv *drv;
	unsigned long start;
	unsigned int split;
	unsigned int nr;
	struct runs_entry entry[RUNS_MAX];
	struct folio *folios[RUNS_NR_FOLIOS];
	struct gk_call call;
	struct page *pages[RUNS_MAX + 4];
	struct gk_entry before[RUNS_NR_FOLIOS];
	unsigned long faults;
	unsigned int longterm;
	bool retry;
	bool failed;
};

/* An API, or what GUP-fast takes by itself: the slow path finds a SIGKILL. */
static const struct runs_how {
	enum gk_api_id api;
	bool alone;
} runs_hows[] = {
	{ GK_GET }, { GK_GET_UNLOCKED }, { GK_GET_FAST }, { GK_GET_FAST_ONLY },
	{ GK_GET_REMOTE }, { GK_PIN }, { GK_PIN_UNLOCKED }, { GK_PIN_FAST },
	{ GK_PIN_REMOTE }, { GK_GET_FAST, true }, { GK_PIN_FAST, true },
};

static const unsigned int runs_flags[] = {
	0, FOLL_WRITE, FOLL_NOFAULT, FOLL_NOFAULT | FOLL_WRITE, FOLL_LONGTERM,
	FOLL_LONGTERM | FOLL_WRITE, FOLL_LONGTERM | FOLL_NOFAULT,
	FOLL_FORCE, FOLL_FORCE | FOLL_WRITE,
	FOLL_FORCE | FOLL_WRITE | FOLL_NOFAULT, FOLL_DUMP,
};

/* What a call has to do, as the layout says. */
struct runs_want {
	long ret;
	unsigned int faults;
	int taken[RUNS_NR_FOLIOS];	/* pages of each folio */
	int mapped[RUNS_NR_FOLIOS];	/* by faults, less what they unmapped */
	int copied;			/* pages that are copies */
	bool dirty[RUNS_NR_FOLIOS];
};

static bool runs_is(struct runs *x, long i, const char *what, long got,
		    long want)
{
	if (got == want)
		return true;
	KUNIT_FAIL(x->test, "%s split=%u page=%ld: %s: wanted %ld, got %ld",
		   gk_where(&x->call), x->split, i, what, want, got);
	x->failed = true;
	return false;
}

static void runs_folio_is(struct runs *x, unsigned int f, const char *what,
			  long got, long want)
{
	if (got == want)
		return;
	KUNIT_FAIL(x->test, "%s split=%u folio=%c: %s: wanted %ld, got %ld",
		   gk_where(&x->call), x->split, 'A' + f, what, want, got);
	x->failed = true;
}

/*
 * Mapping
 */

static void runs_parse(struct runs *x, const char *map)
{
	struct page *row = gk_folios_in_a_row(x->test, runs_orders,
					      RUNS_NR_FOLIOS);
	unsigned int i;

	for (i = 0; i < RUNS_NR_FOLIOS; i++) {
		x->folios[i] = page_folio(row);
		row += 1 << runs_orders[i];
	}
	for (; *map; x->nr++) {
		struct runs_entry *e = &x->entry[x->nr];

		KUNIT_ASSERT_LT(x->test, x->nr, RUNS_MAX);
		e->kind = ' ';
		if (*map == '-')
			e->kind = *map;
		else
			e->page = folio_page(x->folios[map[0] - 'A'],
					     hex_to_bin(map[1]));
		map += 2;
		if (*map && *map != ' ')
			e->kind = *map++;
		if (*map)
			map++;
	}
}

static unsigned int runs_folio(const struct runs *x, struct page *page)
{
	unsigned int f;

	for (f = 0; f < RUNS_NR_FOLIOS - 1; f++)
		if (page_folio(page) == x->folios[f])
			break;
	return f;
}

static vm_fault_t runs_fault(struct gk_drv *drv, struct vm_fault *vmf)
{
	struct runs *x = drv->test->priv;
	unsigned int i = (vmf->address - x->r->addr) / PAGE_SIZE;

	if (i >= x->nr || x->entry[i].kind != 'm')
		return VM_FAULT_SIGBUS;
	if (x->retry && (vmf->flags & FAULT_FLAG_ALLOW_RETRY) &&
	    !(vmf->flags & FAULT_FLAG_TRIED)) {
		release_fault_lock(vmf);
		return VM_FAULT_RETRY;
	}
	vmf->page = x->entry[i].page;
	get_page(vmf->page);
	return 0;
}

static void runs_insert(struct runs *x, unsigned int i)
{
	struct runs_entry *e = &x->entry[i];
	vm_fault_t ret;

	switch (e->kind) {
	case 'm':
	case '-':
		return;
	case '*':
		mmap_write_lock(x->r->mm);
		ret = vmf_insert_mixed(gk_vma(x->r, i), gk_addr(x->r, i),
				       page_to_pfn(e->page));
		mmap_write_unlock(x->r->mm);
		KUNIT_ASSERT_TRUE(x->test, ret == VM_FAULT_NOPAGE);
		return;
	}
	gk_drv_insert(x->r, i, e->page);
	if (e->kind == 'r')
		gk_wrprotect_ptes(x->r, i, 1);
}

/* Entries [i, i + n), all of one kind, become a VMA. */
static void runs_make_vma(struct runs *x, unsigned int i, unsigned int n)
{
	switch (x->entry[i].kind) {
	case 's':
		gk_madvise(x->r, i, n, MADV_DONTFORK);
		break;
	case 'x':
		gk_madvise(x->r, i, n, MADV_DONTFORK);
		gk_vma_mod_flags(x->r, i, VM_IO, 0);
		break;
	case 'p':
		gk_protect(x->r, i, n, PROT_READ);
		break;
	case 'n':
		gk_protect(x->r, i, n, PROT_NONE);
		break;
	case 'f':
		gk_protect(x->r, i, n, PROT_READ);
		break;
	}
}

static bool runs_private(const struct runs_entry *e)
{
	return e->kind == 'c' || e->kind == 'f';
}

/* The same file, but privately, and before anything is inserted. */
static void runs_make_private(struct runs *x, unsigned int i, unsigned int n)
{
	unsigned long addr = gk_addr(x->r, i);

	if (runs_private(&x->entry[i]))
		KUNIT_ASSERT_EQ(x->test, addr,
				vm_mmap(x->r->file, addr, n * PAGE_SIZE, RW,
					MAP_PRIVATE | MAP_FIXED,
					addr - x->start));
}

/* Each stretch of entries of one kind. */
static void runs_each_kind(struct runs *x,
			   void (*fn)(struct runs *x, unsigned int i,
				      unsigned int n))
{
	unsigned int i, n;

	for (i = 0; i < x->nr; i += n) {
		for (n = 1; i + n < x->nr; n++)
			if (x->entry[i + n].kind != x->entry[i].kind)
				break;
		fn(x, i, n);
	}
}

#define RUNS_SPAN	(2 * PTRS_PER_PTE + RUNS_MAX)

static void runs_map(struct gk_range *r)
{
	struct runs *x = r->test->priv;
	unsigned int i;

	x->r = r;
	r->nr = RUNS_SPAN;
	gk_drv_mmap(r, x->drv, RW, MAP_SHARED);
	x->start = r->addr;
	r->nr = x->nr;
	r->addr = ALIGN(r->addr + x->split * PAGE_SIZE, PMD_SIZE) -
		  x->split * PAGE_SIZE;
	/*
	 * Out of step with the folios, or arm64 would make one contiguous entry of all
	 * of F once its last page is faulted in, and a dirty page of it all dirty.
	 */
	if (!x->split)
		r->addr += PAGE_SIZE;
	runs_each_kind(x, runs_make_private);
	/* Backwards: the two tables must not lie in a row by chance. */
	for (i = x->nr; i--; )
		runs_insert(x, i);
	runs_each_kind(x, runs_make_vma);
}

/* Map anew with the first @split entries before the edge of a page table. */
static void runs_remap(struct runs *x, unsigned int split)
{
	if (x->r)
		KUNIT_ASSERT_EQ(x->test, 0,
				vm_munmap(x->start, RUNS_SPAN * PAGE_SIZE));
	x->split = split;
	gk_map(x->test, &x->shape, x->nr);
}

static struct runs *runs_make(struct kunit *test, const char *name,
			      const char *map)
{
	struct runs *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, x);
	test->priv = x;
	x->test = test;
	x->shape.name = name;
	x->shape.map = runs_map;
	x->drv = gk_drv(test, 0, 1);
	x->drv->fault = runs_fault;
	runs_parse(x, map);
	runs_remap(x, 0);
	return x;
}

static struct runs *runs_layout(struct kunit *test)
{
	const struct runs_layout *layout = test->param_value;

	return runs_make(test, layout->name, layout->map);
}

/*
 * The model
 */

static bool runs_fast_takes(const struct runs *x, const struct runs_entry *e)
{
	unsigned int flags = x->call.flags;

	if (strchr("-*mn", e->kind))
		return false;
	if (strchr("rpcf", e->kind))
		return !(flags & (FOLL_WRITE | FOLL_LONGTERM));
	/* To write to a driver's folio for long takes a look at the VMA. */
	return !(flags & FOLL_WRITE) || !(flags & FOLL_LONGTERM) ||
	       (x->longterm & BIT(runs_folio(x, e->page)));
}

/* Does check_vma_flags() refuse? */
static bool runs_refused(const struct runs_entry *e, unsigned int flags)
{
	bool force = flags & FOLL_FORCE;

	if (e->kind == 'x')
		return true;
	if (flags & FOLL_WRITE)
		return e->kind == 'n' || e->kind == 'p' ||
		       (e->kind == 'f' && !force);
	return e->kind == 'n' && !force;
}

/* Is it a copy of its page that the slow path takes? */
static bool runs_copies(const struct runs_entry *e, unsigned int flags)
{
	return runs_private(e) && (flags & (FOLL_WRITE | FOLL_LONGTERM));
}

static bool runs_faults(const struct runs_entry *e, unsigned int flags)
{
	return e->kind == 'm' || e->kind == '-' || runs_copies(e, flags) ||
	       (e->kind == 'r' && (flags & FOLL_WRITE));
}

static long runs_slow_error(const struct runs_entry *e, unsigned int flags)
{
	if (runs_refused(e, flags) || e->kind == '-')
		return -EFAULT;
	if (e->kind == '*')
		return flags & FOLL_DUMP ? -EFAULT : -EEXIST;
	return runs_faults(e, flags) && (flags & FOLL_NOFAULT) ? -EFAULT : 0;
}

static void runs_want_slow(struct runs *x, const struct runs_entry *e,
			   struct runs_want *want)
{
	bool write = x->call.flags & FOLL_WRITE;
	unsigned int f = runs_folio(x, e->page);
	bool faults = runs_faults(e, x->call.flags);

	if (runs_copies(e, x->call.flags)) {
		want->mapped[f]--;
		want->copied++;
		return;
	}
	want->taken[f]++;
	want->mapped[f] += e->kind == 'm';
	/* A driver's entries are clean, so FOLL_TOUCH has to say it. */
	if (write && (faults || x->call.api != &gk_apis[GK_PIN]))
		want->dirty[f] = true;
}

/* What a call that is made has to do; @single: as one call for each page. */
static struct runs_want runs_foretell(struct runs *x, bool alone, bool single)
{
	struct gk_call *c = &x->call;
	struct runs_want want = {};
	bool fast = c->api->fast;
	long error = 0;
	unsigned int k;

	for (k = 0; k < c->nr; k++) {
		struct runs_entry *e = &x->entry[c->first + k];

		fast = c->api->fast && (fast || single);
		fast = fast && runs_fast_takes(x, e);
		if (fast) {
			want.taken[runs_folio(x, e->page)]++;
			continue;
		}
		if (c->api->only)
			break;
		error = runs_slow_error(e, c->flags);
		if (alone && !runs_refused(e, c->flags))
			error = -EINTR;
		if (!alone && !runs_refused(e, c->flags) &&
		    !(c->flags & FOLL_NOFAULT))
			want.faults += runs_faults(e, c->flags);
		if (error)
			break;
		runs_want_slow(x, e, &want);
	}
	want.ret = k ?: error;
	return want;
}

/*
 * Calling and judging
 */

/* Counts, faults and dirty flags from here on. */
static void runs_begin(struct runs *x)
{
	struct gk_call *c = &x->call;
	unsigned int f;

	for (f = 0; f < RUNS_NR_FOLIOS; f++) {
		struct folio *folio = x->folios[f];

		folio_clear_dirty(folio);
		x->before[f].refs = folio_ref_count(folio);
		if (folio_has_pincount(folio))
			x->before[f].pins = atomic_read(&folio->_pincount);
	}
	c->held = gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED);
	x->faults = gk_events(PGFAULT);
	x->drv->faults = 0;
}

static void runs_set_call(struct runs *x, enum gk_api_id api,
			  unsigned int flags, unsigned int first, long nr)
{
	struct gk_call *c = &x->call;

	c->r = x->r;
	c->api = &gk_apis[api];
	c->flags = flags;
	c->first = first;
	c->nr = nr;
	c->addr = gk_addr(x->r, first);
	c->locked = 1;
	c->pages = x->pages;
	c->array = x->pages;
	c->room = ARRAY_SIZE(x->pages);
	gk_untouch(c);
}

static void runs_enter(struct runs *x, bool alone)
{
	if (alone)
		gk_signal(SIGKILL);
	gk_enter(&x->call);
	if (alone)
		gk_signal_clear();
}

/* @held of the pages that were taken are held now. */
static void runs_expect_folios(struct runs *x, const struct runs_want *want,
			       bool held, const char *refs, const char *pins)
{
	const struct gk_api *api = x->call.api;
	long sum = held && api->pins ? want->copied : 0;
	unsigned int f;

	for (f = 0; f < RUNS_NR_FOLIOS; f++) {
		struct folio *folio = x->folios[f];
		int n = held ? want->taken[f] : 0;

		sum += api->pins ? n : 0;
		runs_folio_is(x, f, refs, folio_ref_count(folio),
			      x->before[f].refs + want->mapped[f] +
			      gk_refs_wanted(api, folio, n));
		if (folio_has_pincount(folio))
			runs_folio_is(x, f, pins,
				      atomic_read(&folio->_pincount),
				      x->before[f].pins + (api->pins ? n : 0));
	}
	runs_is(x, -1, "nr_foll_pin_acquired - nr_foll_pin_released",
		gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED),
		x->call.held + sum);
}

static void runs_expect_copy(struct runs *x, unsigned int i, struct page *page)
{
	struct folio *folio = page_folio(page);

	gk_settle();
	runs_is(x, i, "pfn, as mapped now", page_to_pfn(page),
		page_to_pfn(gk_page(x->r, i)));
	runs_is(x, i, "is a copy", page != x->entry[i].page, true);
	runs_is(x, i, "exclusive", gk_exclusive(page),
		true);
	runs_is(x, i, "refcount of the copy", folio_ref_count(folio),
		1 + gk_refs_wanted(x->call.api, folio, 1));
}

static void runs_expect_pages(struct runs *x)
{
	struct gk_call *c = &x->call;
	long k;

	for (k = 0; k < c->ret && !x->failed; k++) {
		struct runs_entry *e = &x->entry[c->first + k];

		if (runs_copies(e, c->flags))
			runs_expect_copy(x, c->first + k, c->pages[k]);
		else
			runs_is(x, k, "pfn", page_to_pfn(c->pages[k]),
				page_to_pfn(e->page));
	}
}

static void runs_expect(struct runs *x, const struct runs_want *want)
{
	unsigned int f;

	if (!runs_is(x, -1, "return", x->call.ret, want->ret))
		return;
	runs_is(x, -1, "faults", gk_events(PGFAULT) - x->faults, want->faults);
	for (f = 0; f < RUNS_NR_FOLIOS; f++)
		runs_folio_is(x, f, "dirty", folio_test_dirty(x->folios[f]),
			      want->dirty[f]);
	runs_expect_folios(x, want, true, "refcount", "pincount");
}

/* Entries that have been faulted in, or made writable, are as they were. */
static void runs_restore(struct runs *x)
{
	struct gk_call *c = &x->call;
	unsigned int i;

	if (c->flags & FOLL_NOFAULT || c->ret <= 0)
		return;
	for (i = c->first; i < c->first + c->ret; i++) {
		if (!runs_faults(&x->entry[i], c->flags))
			continue;
		gk_madvise(x->r, i, 1, MADV_DONTNEED);
		runs_insert(x, i);
	}
}

/*
 * What went wrong is not given back: it would take other folios' references, and
 * the kernel with them.
 */
static void runs_give_back(struct runs *x, const struct runs_want *want)
{
	if (x->failed)
		return;
	gk_release(&x->call);
	runs_expect_folios(x, want, false, "refcount after the release",
			   "pincount after the release");
	runs_restore(x);
}

/* One call, judged and given back; false: it went wrong. */
static bool runs_call(struct runs *x, const struct runs_how *how,
		      unsigned int flags, unsigned int first, unsigned int nr)
{
	struct gk_call *c = &x->call;
	struct runs_want want;

	runs_set_call(x, how->api, flags, first, nr);
	want = runs_foretell(x, how->alone, false);
	runs_begin(x);
	runs_enter(x, how->alone);
	runs_expect(x, &want);
	gk_expect_untouched(c);
	if (c->ret == want.ret)
		runs_expect_pages(x);
	runs_give_back(x, &want);
	return !x->failed;
}

static bool runs_takes_flags(const struct runs_how *how, unsigned int flags)
{
	return !(flags & ~gk_apis[how->api].flags);
}

/* Every API, with every set of flags. */
static bool runs_call_all(struct runs *x, unsigned int first, unsigned int nr)
{
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(runs_hows); i++)
		for (k = 0; k < ARRAY_SIZE(runs_flags); k++)
			if (runs_takes_flags(&runs_hows[i], runs_flags[k]) &&
			    !runs_call(x, &runs_hows[i], runs_flags[k], first,
				       nr))
				return false;
	return true;
}

/* Every part of each layout. */
static void gup_runs_part(struct kunit *test)
{
	struct runs *x = runs_layout(test);
	unsigned int first, nr;

	for (first = 0; first < x->nr; first++)
		for (nr = 1; first + nr <= x->nr; nr++)
			if (!runs_call_all(x, first, nr))
				return;
}

/*
 * The edge of a page table between any two entries. What is asked for ends
 * near the edge, and at the end.
 */
static void gup_runs_table_edge(struct kunit *test)
{
	struct runs *x = runs_layout(test);
	unsigned int split, first, nr;

	for (split = 1; split < x->nr; split++) {
		runs_remap(x, split);
		for (first = 0; first <= split; first++) {
			if (first && first + 1 < split)
				continue;
			for (nr = 1; first + nr <= x->nr; nr++) {
				if (first + nr < x->nr &&
				    abs((int)(first + nr - split)) > 1)
					continue;
				if (!runs_call_all(x, first, nr))
					return;
			}
		}
	}
}

/*
 * One entry of a large folio is another one, be it anywhere: also where the
 * entries on both of its sides look like parts of one run.
 */

static const struct runs_odd {
	const char *name;
	char folio;		/* 0: the page that it should be */
	char kind;
} runs_odds[] = {
	{ "large_folio", 'A', ' ' },
	{ "folio_in_front", 'E', ' ' },
	{ "small_folio", 'B', ' ' },
	{ "head_page", 'F', ' ' },
	{ "readonly", 0, 'r' },
	{ "missing", 0, 'm' },
	{ "special", 0, '*' },
	{ "nothing", 0, '-' },
	{ "private", 0, 'c' },
};

KUNIT_ARRAY_PARAM_DESC(runs_odd, runs_odds, name);

/* All of F, but for entry @i. */
static void runs_remap_odd(struct runs *x, const struct runs_odd *p,
			   unsigned int i)
{
	unsigned int k;

	for (k = 0; k < x->nr; k++) {
		x->entry[k].page = folio_page(x->folios[5], k);
		x->entry[k].kind = ' ';
	}
	if (p->folio)
		x->entry[i].page = folio_page(x->folios[p->folio - 'A'], 0);
	x->entry[i].kind = p->kind;
	runs_remap(x, 0);
}

static void gup_runs_odd_one(struct kunit *test)
{
	const struct runs_odd *p = test->param_value;
	struct runs *x = runs_make(test, p->name, ALL_F);
	unsigned int i, k;

	for (i = 0; i < x->nr; i++) {
		/* Up to it, with it, with what comes next, and with all the rest. */
		const unsigned int nr[] = { i, i + 1, i + 2, x->nr };

		runs_remap_odd(x, p, i);
		for (k = 0; k < ARRAY_SIZE(nr); k++)
			if (nr[k] && nr[k] <= x->nr &&
			    !runs_call_all(x, 0, nr[k]))
				return;
	}
}

/* One page a call, all of them held at once; then released together. */
static bool runs_one_by_one(struct runs *x, const struct runs_how *how,
			    unsigned int flags)
{
	struct page *held[RUNS_MAX];
	struct gk_call *c = &x->call;
	struct runs_want want;
	long ret = 1, n = 0;

	runs_set_call(x, how->api, flags, 0, x->nr);
	want = runs_foretell(x, how->alone, true);
	runs_begin(x);
	while (n < x->nr && ret == 1) {
		runs_set_call(x, how->api, flags, n, 1);
		runs_enter(x, how->alone);
		ret = c->ret;
		if (ret == 1)
			held[n++] = c->pages[0];
	}
	runs_set_call(x, how->api, flags, 0, x->nr);
	c->ret = n ?: ret;
	memcpy(c->pages, held, n * sizeof(*held));
	runs_expect(x, &want);
	if (c->ret == want.ret)
		runs_expect_pages(x);
	runs_give_back(x, &want);
	return !x->failed;
}

static void gup_runs_one_by_one(struct kunit *test)
{
	struct runs *x = runs_layout(test);
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(runs_hows); i++)
		for (k = 0; k < ARRAY_SIZE(runs_flags); k++)
			if (runs_takes_flags(&runs_hows[i], runs_flags[k]) &&
			    !runs_one_by_one(x, &runs_hows[i], runs_flags[k]))
				return;
}

/*
 * A child has the same layout, and remote GUP takes it from there.
 */
static void gup_runs_remote(struct kunit *test)
{
	static const struct runs_how hows[] = {
		{ GK_GET_REMOTE }, { GK_PIN_REMOTE },
	};
	struct runs *x = runs_layout(test);
	unsigned int i, k, first;

	x->r->mm = gk_fork(test)->mm;
	for (i = 0; i < ARRAY_SIZE(hows); i++)
		for (k = 0; k < ARRAY_SIZE(runs_flags); k++)
			for (first = 0; first < x->nr; first++)
				if (runs_takes_flags(&hows[i], runs_flags[k]) &&
				    !runs_call(x, &hows[i], runs_flags[k],
					       first, x->nr - first))
					return;
}

/* fork() makes entries writable that may be, so there are no kinds here. */
static const struct runs_layout runs_remotes[] = {
	{ "large", "Fd Fe Ff A0 A1 A2 A3 E0 E1" },
	{ "in_turn", "A0 E0 A1 E1 B0 E2 A3 A3" },
	{ "nothing", "F0 F1 F2 -- F4 F5 F6" },
	{ "special", "F0 F1 F2 F3* F4 F5 F6" },
};

KUNIT_ARRAY_PARAM_DESC(runs_remote, runs_remotes, name);

/*
 * Present, read-only and missing entries of two folios in all patterns.
 */

#define RUNS_PATTERN	"E5 E6 E7 F0 F1 F2"

/* Map pattern @pattern, a number to the base of 3; false: that was the last. */
static bool runs_set_pattern(struct runs *x, unsigned int pattern)
{
	unsigned int i;

	gk_madvise(x->r, 0, x->nr, MADV_DONTNEED);
	for (i = 0; i < x->nr; i++) {
		x->entry[i].kind = " rm"[pattern % 3];
		pattern /= 3;
		runs_insert(x, i);
	}
	return !pattern;
}

static void gup_runs_patterns(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct runs *x = runs_make(test, "patterns", RUNS_PATTERN);
	const struct runs_how how = { api - gk_apis };
	unsigned int pattern, k;

	for (pattern = 0; runs_set_pattern(x, pattern); pattern++)
		for (k = 0; k < ARRAY_SIZE(runs_flags); k++)
			if (runs_takes_flags(&how, runs_flags[k]) &&
			    !runs_call(x, &how, runs_flags[k], 0, x->nr))
				return;
}

/* The lock is dropped at each fault: GUP goes on where it was. */
static void gup_runs_retry(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct runs *x = runs_make(test, "patterns", RUNS_PATTERN);
	const struct runs_how how = { api - gk_apis };
	unsigned int pattern;

	x->retry = true;
	for (pattern = 0; runs_set_pattern(x, pattern); pattern++)
		if (!runs_call(x, &how, 0, 0, x->nr) ||
		    !runs_call(x, &how, FOLL_WRITE, 0, x->nr))
			return;
}

static long runs_populate_vma(struct gk_call *c)
{
	struct mm_struct *mm = c->r->mm;
	long ret;

	mmap_read_lock(mm);
	ret = populate_vma_page_range(gk_vma(c->r, 0), c->addr,
				      c->addr + c->nr * PAGE_SIZE, NULL);
	mmap_read_unlock(mm);
	return ret;
}

static long runs_mm_populate(struct gk_call *c)
{
	return __mm_populate(c->addr, c->nr * PAGE_SIZE, 0) ?: c->nr;
}

static long runs_madvise(struct gk_call *c)
{
	return do_madvise(c->r->mm, c->addr, c->nr * PAGE_SIZE,
			  c->flags & FOLL_WRITE ? MADV_POPULATE_WRITE :
						  MADV_POPULATE_READ) ?: c->nr;
}

static long runs_no_array(struct gk_call *c)
{
	c->array = NULL;
	gk_enter(c);
	return c->ret;
}

static const struct runs_populate {
	const char *name;
	long (*populate)(struct gk_call *c);
	unsigned int flags;
} runs_populates[] = {
	/* It does not write to shared memory. */
	{ "populate_vma_page_range", runs_populate_vma, 0 },
	{ "mm_populate", runs_mm_populate, 0 },
	{ "MADV_POPULATE_READ", runs_madvise, 0 },
	{ "MADV_POPULATE_WRITE", runs_madvise, FOLL_WRITE },
	{ "get_user_pages", runs_no_array, 0 },
	{ "get_user_pages_write", runs_no_array, FOLL_WRITE },
};

KUNIT_ARRAY_PARAM_DESC(runs_populate, runs_populates, name);

/* What is there is left alone: a fault for each entry that needs one. */
static bool runs_populate(struct runs *x, const struct runs_populate *p,
			  unsigned int first, unsigned int nr)
{
	struct runs_want want;
	unsigned int i;

	/* Of the APIs, get_user_pages() does what populating does. */
	runs_set_call(x, GK_GET, p->flags, first, nr);
	want = runs_foretell(x, false, false);
	runs_begin(x);
	x->call.ret = p->populate(&x->call);
	memset(want.taken, 0, sizeof(want.taken));
	runs_expect(x, &want);
	for (i = first; i < first + nr; i++)
		runs_is(x, i, "pfn", page_to_pfn(gk_page(x->r, i)),
			page_to_pfn(x->entry[i].page));
	runs_restore(x);
	return !x->failed;
}

static void gup_runs_populate(struct kunit *test)
{
	struct runs *x = runs_make(test, "patterns", RUNS_PATTERN);
	unsigned int pattern;

	for (pattern = 0; runs_set_pattern(x, pattern); pattern++)
		if (!runs_populate(x, test->param_value, 0, x->nr) ||
		    !runs_populate(x, test->param_value, 1, x->nr - 2))
			return;
}

/*
 * PG_referenced of a driver's folio, which is on no LRU list: folio_mark_accessed()
 * sets it, and clears it when it meets it set. The slow path marks a folio once,
 * however many of its pages it takes. GUP-fast sets the flag.
 */
static void gup_runs_referenced(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct runs *x = runs_make(test, "whole", ALL_F);
	struct folio *folio = x->folios[5];
	bool referenced;
	unsigned int nr;

	for (nr = 1; nr <= x->nr; nr++) {
		folio_clear_referenced(folio);
		runs_set_call(x, api - gk_apis, FOLL_WRITE, 0, nr);
		runs_enter(x, false);
		runs_is(x, -1, "return", x->call.ret, nr);
		referenced = api != &gk_apis[GK_PIN];
		runs_is(x, -1, "referenced", folio_test_referenced(folio),
			referenced);
		if (x->failed)
			return;
		gk_release(&x->call);
	}
}

/*
 * A page table that lies in memory behind another one, but is not the next one
 * in the address space. Who walks on at the end of a table comes to it, and
 * finds what looks like the rest of a run.
 */

#define RUNS_NR_TABLES	3

/* Of three tables, the last one lies behind the first. */
static void runs_map_tables(struct gk_range *r)
{
	struct runs *x = r->test->priv;
	struct page *tables = gk_two_pages(r->test);
	unsigned int i, nr = r->nr;

	x->r = r;
	r->nr = (RUNS_NR_TABLES + 1) * PTRS_PER_PTE;
	gk_drv_mmap(r, x->drv, RW, MAP_SHARED);
	x->start = r->addr;
	r->addr = ALIGN(r->addr, PMD_SIZE);
	r->nr = nr;
	for (i = 0; i < RUNS_NR_TABLES; i++)
		gk_drv_insert(r, i * PTRS_PER_PTE + 100,
			      folio_page(x->folios[1], 0));
	gk_move_table(r, 0, tables);
	gk_move_table(r, 2 * PTRS_PER_PTE, tables + 1);
}

static void gup_runs_next_table(struct kunit *test)
{
	struct runs *x = runs_make(test, "next_table",
				   "F0 F1 F2 F3 E0 E1 E2 E3");
	unsigned int first, i;

	x->shape.map = runs_map_tables;
	gk_map(test, &x->shape, x->nr);
	/* The folio goes on in the table that only lies behind the first. */
	for (i = 0; i < 4; i++)
		gk_drv_insert(x->r, 2 * PTRS_PER_PTE + i,
			      folio_page(x->folios[5], 4 + i));
	x->r->addr = gk_addr(x->r, PTRS_PER_PTE - 4);
	for (i = 0; i < x->nr; i++)
		runs_insert(x, i);
	for (first = 0; first < 4; first++)
		for (i = 1; first + i <= x->nr; i++)
			if (!runs_call_all(x, first, i))
				return;
}

#ifdef CONFIG_ARM64_CONTPTE
/*
 * Entries that arm64 has made contiguous by itself, for folios that are aligned as
 * their addresses are. They share one dirty and one accessed bit, pte_batch_hint()
 * says how many follow, and a lockless look at one of them looks at its neighbours.
 */
static void runs_expect_contiguous(struct gk_range *r, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_TRUE_MSG(r->test, pte_valid_cont(gk_pte(r, i)),
				      "entry %u is not contiguous", i);
}

/* A folio of two contiguous entries. */
static void runs_map_contiguous(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, ilog2(r->nr), r->nr);
	unsigned int i, nr = r->nr;

	r->nr += CONT_PTES;
	gk_drv_mmap(r, drv, RW, MAP_SHARED);
	r->nr = nr;
	r->addr = ALIGN(r->addr, CONT_PTE_SIZE);
	for (i = 0; i < nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i));
	runs_expect_contiguous(r, nr);
}

static const struct gk_shape runs_contiguous = {
	.name = "contiguous", .nr = 2 * CONT_PTES, .map = runs_map_contiguous,
};

/* GUP-fast has to take all of them by itself. */
static void runs_take_contiguous(struct gk_range *r, const struct gk_api *api,
				 unsigned int first, unsigned int nr,
				 unsigned int want)
{
	struct gk_call *c = gk_prepare(r, api - gk_apis, FOLL_WRITE, first, nr);

	if (api->fast)
		gk_signal(SIGKILL);
	gk_enter(c);
	gk_signal_clear();
	gk_done(c);
	gk_expect_round_trip(c, want);
}

static void gup_runs_contiguous(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &runs_contiguous, 0);
	static const unsigned int edges[] = {
		0, 1, CONT_PTES - 1, CONT_PTES, CONT_PTES + 1,
		2 * CONT_PTES - 1, 2 * CONT_PTES,
	};
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(edges); i++)
		for (k = i + 1; k < ARRAY_SIZE(edges); k++)
			runs_take_contiguous(r, api, edges[i],
					     edges[k] - edges[i],
					     edges[k] - edges[i]);
	/* They were contiguous all the time. */
	runs_expect_contiguous(r, r->nr);

	/* The folio goes on behind the first of them, but for one page. */
	gk_madvise(r, CONT_PTES, 1, MADV_DONTNEED);
	runs_expect_contiguous(r, CONT_PTES);
	KUNIT_EXPECT_FALSE(test, pte_valid_cont(gk_pte(r, CONT_PTES + 1)));
	for (i = 0; i < CONT_PTES; i++)
		runs_take_contiguous(r, api, i, r->nr - i, CONT_PTES - i);
}
#endif

/*
 * Folios that GUP-fast may pin to write for long, and folios that it may not:
 * those of shmem, and those that are of nobody known.
 */

static void runs_fput(void *file)
{
	fput(file);
}

static const struct runs_longterm {
	const char *name;
	const char *map;
	const char *shmem;	/* these folios */
} runs_longterms[] = {
	{ "first", "A0 A1 A2 A3 F0 F1 F2 F3", "A" },
	{ "last", "F5 F6 F7 A1 A2 A3", "A" },
	{ "neighbours", "A2 A3 B0 C0 D0 D1 E0 E1", "ABE" },
	{ "in_turn", "E0 E1 A0 E2 E3 A1 A2 E4 E5", "E" },
	{ "both", "E6 E7 F0 F1 F2", "EF" },
};

KUNIT_ARRAY_PARAM_DESC(runs_longterm, runs_longterms, name);

static void gup_runs_longterm_write(struct kunit *test)
{
	const struct runs_longterm *p = test->param_value;
	struct runs *x = runs_make(test, p->name, p->map);
	struct file *file = shmem_file_setup("gup_kunit", PAGE_SIZE,
					     EMPTY_VMA_FLAGS);
	unsigned int first, nr, f;
	const char *s;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, runs_fput,
							   file));
	for (s = p->shmem; *s; s++) {
		x->longterm |= BIT(*s - 'A');
		x->folios[*s - 'A']->mapping = file->f_mapping;
	}
	for (first = 0; first < x->nr && !x->failed; first++)
		for (nr = 1; first + nr <= x->nr; nr++)
			if (!runs_call_all(x, first, nr))
				break;
	/* They were shmem's by name only. */
	for (f = 0; f < RUNS_NR_FOLIOS; f++)
		x->folios[f]->mapping = NULL;
}

/*
 * The same movable pages at two addresses in a row: a long-term pin moves each
 * of them once, and pins it twice.
 */

#define RUNS_NR_TWICE	6

static void runs_map_twice(struct gk_range *r)
{
	struct file *file = shmem_file_setup("gup_kunit", RUNS_NR_TWICE *
					     PAGE_SIZE, EMPTY_VMA_FLAGS);
	unsigned int nr = r->nr;

	KUNIT_ASSERT_FALSE(r->test, IS_ERR(file));
	KUNIT_ASSERT_EQ(r->test, 0, kunit_add_action_or_reset(r->test,
							      runs_fput, file));
	gk_mmap(r, file, 0, RW, MAP_SHARED);
	KUNIT_ASSERT_EQ(r->test, gk_addr(r, nr / 2),
			vm_mmap(file, gk_addr(r, nr / 2), nr / 2 * PAGE_SIZE,
				RW, MAP_SHARED | MAP_FIXED, 0));
	gk_fault(r, 0, nr, true);
}

static const struct gk_shape runs_twice = {
	.name = "shmem_twice", .nr = 2 * RUNS_NR_TWICE, .map = runs_map_twice,
};

static const enum gk_api_id runs_pin_apis[] = {
	GK_PIN, GK_PIN_UNLOCKED, GK_PIN_FAST, GK_PIN_REMOTE,
};

static void runs_pin_desc(const enum gk_api_id *api, char *desc)
{
	strscpy(desc, gk_apis[*api].name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(runs_pin, runs_pin_apis, runs_pin_desc);

static void gup_runs_longterm_twice(struct kunit *test)
{
	const enum gk_api_id *api = test->param_value;
	struct gk_range *r = gk_map(test, &runs_twice, 0);
	unsigned int i, flags = FOLL_LONGTERM | FOLL_WRITE;
	struct gk_call *c;
	struct page *page;

	for (i = 0; i < r->nr; i++)
		KUNIT_ASSERT_FALSE_MSG(test,
				       folio_is_longterm_pinnable(page_folio(gk_page(r, i))),
				       "no movablecore=?");
	/* Somebody has one of them, and then nobody. */
	page = gk_page(r, 2);
	get_page(page);
	c = gk_gup_part(r, *api, flags, 1, r->nr - 2);
	gk_expect_ret(c, -EBUSY);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  c->acquired - c->released, 0);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "refcount", page_ref_count(gk_page(r, i)),
			  3 + (gk_page(r, i) == page));
	put_page(page);

	c = gk_gup_part(r, *api, flags, 1, r->nr - 2);
	gk_expect_pinned(c, r->nr - 2);
	for (i = 0; i < r->nr; i++) {
		page = gk_page(r, i);
		GK_EXPECT(c, i, "pinnable for long",
			  folio_is_longterm_pinnable(page_folio(page)), true);
		GK_EXPECT(c, i, "mapped at both addresses",
			  page == gk_page(r, (i + RUNS_NR_TWICE) % r->nr),
			  true);
		/* All but the first and the last were asked for twice. */
		GK_EXPECT(c, i, "refcount", page_ref_count(page),
			  3 + GUP_PIN_COUNTING_BIAS *
			      (i % RUNS_NR_TWICE == 0 ||
			       i % RUNS_NR_TWICE == RUNS_NR_TWICE - 1 ? 1 : 2));
	}
	gk_release(c);
	gk_expect_restored(c);
}

/*
 * A refcount that overflows within a run: page by page, GUP stops when it sees
 * it negative; by runs, it may take all of that run, as it may all of a PMD leaf.
 * Nothing is left behind.
 */
static const struct runs_overflow {
	const char *name;
	const char *map;
	unsigned int folio;
} runs_overflows[] = {
	{ "large", "F0 F1 F2 F3 F4 F5 F6 F7", 5 },
	{ "behind_another", "A0 A1 A2 A3 F0 F1 F2 F3", 5 },
	{ "small", "B0 B0 B0 B0", 1 },
};

KUNIT_ARRAY_PARAM_DESC(runs_overflow, runs_overflows, name);

/* References to @folio until @more pages of it can be had. */
static int runs_fill_refcount(struct runs *x, struct folio *folio,
			      const struct gk_api *api, int more)
{
	int each = gk_refs_wanted(api, folio, 1);
	int refs = INT_MAX - (more - 1) * each - folio_ref_count(folio);

	folio_ref_add(folio, refs);
	return refs;
}

static bool runs_overflow(struct runs *x, enum gk_api_id api,
			  const struct runs_overflow *p, int more)
{
	struct folio *folio = x->folios[p->folio];
	struct gk_call *c = &x->call;
	struct runs_want want;
	int filled;

	runs_set_call(x, api, FOLL_WRITE, 0, x->nr);
	filled = runs_fill_refcount(x, folio, c->api, more);
	/* What can be had is what a call for fewer pages would take. */
	for (c->nr = 0; more >= 0; c->nr++)
		more -= x->entry[c->nr].page &&
			page_folio(x->entry[c->nr].page) == folio;
	c->nr--;
	want = runs_foretell(x, false, false);
	c->nr = x->nr;
	runs_begin(x);
	kunit_warning_suppress(x->test) {
		gk_enter(c);
	}
	/* Who takes runs looks once for each, and these end where the call ends. */
	if (folio_test_large(folio) && c->ret == x->nr) {
		c->nr = x->nr;
		want = runs_foretell(x, false, false);
	}
	runs_expect(x, &want);
	gk_expect_untouched(c);
	if (c->ret == want.ret)
		runs_expect_pages(x);
	runs_give_back(x, &want);
	folio_ref_sub(folio, filled);
	return !x->failed;
}

static void gup_runs_overflow(struct kunit *test)
{
	const struct runs_overflow *p = test->param_value;
	struct runs *x = runs_make(test, p->name, p->map);
	enum gk_api_id api;
	int more;

	for (api = 0; api < GK_NR_APIS; api++)
		for (more = 1; more <= 3; more++)
			if (!runs_overflow(x, api, p, more))
				return;
}

/*
 * Releasing
 */

static void runs_unpin_dirty(struct page **pages, unsigned long nr)
{
	unpin_user_pages_dirty_lock(pages, nr, true);
}

static void runs_unpin_clean(struct page **pages, unsigned long nr)
{
	unpin_user_pages_dirty_lock(pages, nr, false);
}

/* Pages that follow each other in memory, be they of one folio or of many. */
static void runs_unpin_ranges(struct page **pages, unsigned long nr, bool dirty)
{
	unsigned long k, n;

	for (k = 0; k < nr; k += n) {
		for (n = 1; k + n < nr; n++)
			if (page_to_pfn(pages[k + n]) !=
			    page_to_pfn(pages[k]) + n)
				break;
		unpin_user_page_range_dirty_lock(pages[k], n, dirty);
	}
}

static void runs_unpin_ranges_dirty(struct page **pages, unsigned long nr)
{
	runs_unpin_ranges(pages, nr, true);
}

static void runs_unpin_ranges_clean(struct page **pages, unsigned long nr)
{
	runs_unpin_ranges(pages, nr, false);
}

static const struct runs_unpin {
	void (*unpin)(struct page **pages, unsigned long nr);
	bool dirties;
} runs_unpins[] = {
	{ unpin_user_pages }, { runs_unpin_clean }, { runs_unpin_dirty, true },
	{ runs_unpin_ranges_clean }, { runs_unpin_ranges_dirty, true },
};

static const struct runs_layout runs_unpin_layouts[] = {
	{ "whole", ALL_F },
	{ "middle_to_middle", "Fd Fe Ff " ALL_A "E0 E1 E2" },
	{ "neighbours", "A2 A3 B0 C0 D0 D1 E0 E1" },
	{ "reversed", "F7 F6 F5 F4 F3" },
	{ "reversed_neighbours", "E1 E0 D1 D0 C0 B0 A3 A2" },
	{ "every_other", "E0 E2 E4 E6 E1 E3" },
	{ "rotated", "E5 E6 E7 E0 E1 E2" },
	{ "same_page", "F5 F5 F5 F6 F6 F7" },
	{ "same_small_page", "B0 B0 B0 C0 C0 B0" },
	{ "again", ALL_A ALL_A },
	{ "in_turn", "A0 E0 A1 E1 A2 E2" },
	{ "in_turn_with_small", "A0 B0 A1 B0 A2 C0 A3" },
	{ "in_pieces", "F4 F5 A1 F6 F7 B0 F8" },
};

KUNIT_ARRAY_PARAM_DESC(runs_unpin, runs_unpin_layouts, name);

/* Pin the whole layout: c->pages holds one pin for each entry. */
static void runs_pin(struct runs *x)
{
	runs_set_call(x, GK_PIN, FOLL_WRITE, 0, x->nr);
	runs_begin(x);
	gk_enter(&x->call);
	KUNIT_ASSERT_EQ(x->test, x->call.ret, x->nr);
}

/* What is pinned, and dirty, of the folios if the entries in @gone are not. */
static void runs_expect_left(struct runs *x, unsigned int gone, bool dirty)
{
	struct runs_want want = {};
	unsigned int i, f;

	for (i = 0; i < x->nr; i++) {
		f = runs_folio(x, x->entry[i].page);
		if (!(gone & BIT(i)))
			want.taken[f]++;
		else
			want.dirty[f] = dirty;
	}
	for (f = 0; f < RUNS_NR_FOLIOS; f++) {
		runs_folio_is(x, f, "dirty", folio_test_dirty(x->folios[f]),
			      want.dirty[f]);
		runs_folio_is(x, f, "locked", folio_test_locked(x->folios[f]),
			      false);
	}
	runs_expect_folios(x, &want, true, "refcount", "pincount");
}

/* Release [first, first + nr) in one way, then the rest. */
static bool runs_unpin_part(struct runs *x, const struct runs_unpin *p,
			    unsigned int first, unsigned int nr)
{
	unsigned int gone = GENMASK(first + nr - 1, first);
	struct page **pages;

	runs_pin(x);
	pages = x->call.pages;
	/* For the message. */
	x->call.first = first;
	x->call.nr = nr;
	p->unpin(pages + first, nr);
	runs_expect_left(x, gone, p->dirties);
	unpin_user_pages(pages, first);
	unpin_user_pages(pages + first + nr, x->nr - first - nr);
	runs_expect_folios(x, &(struct runs_want){}, true, "refcount at the end",
			   "pincount at the end");
	return !x->failed;
}

static void gup_runs_unpin(struct kunit *test)
{
	struct runs *x = runs_layout(test);
	unsigned int i, first, nr;

	for (i = 0; i < ARRAY_SIZE(runs_unpins); i++)
		for (first = 0; first < x->nr; first++)
			for (nr = 1; first + nr <= x->nr; nr++)
				if (!runs_unpin_part(x, &runs_unpins[i], first,
						     nr))
					return;
}

/* One page of another folio among those of a large one, wherever it is. */
static void gup_runs_unpin_odd_one(struct kunit *test)
{
	const struct runs_odd *p = test->param_value;
	struct runs *x = runs_make(test, p->name, ALL_F);
	unsigned int i, k, first;

	for (i = 0; i < x->nr; i++) {
		runs_remap_odd(x, p, i);
		for (k = 0; k < ARRAY_SIZE(runs_unpins); k++)
			for (first = 0; first < x->nr; first++)
				if (!runs_unpin_part(x, &runs_unpins[k], first,
						     x->nr - first) ||
				    !runs_unpin_part(x, &runs_unpins[k], 0,
						     first + 1))
					return;
	}
}

/* Parameters: the odd ones that are pages. */
static const void *runs_odd_page_params(struct kunit *test, const void *prev,
					char *desc)
{
	const struct runs_odd *p = prev;

	do {
		p = runs_odd_gen_params(test, p, desc);
	} while (p && !p->folio);
	return p;
}

/* Entries from @first on are NULL: the others are released, and only they. */
static bool runs_unpin_null(struct runs *x, const struct runs_unpin *p,
			    unsigned int first, unsigned int nr)
{
	unsigned int gone = GENMASK(x->nr - 1, 0) &
			    ~GENMASK(first + nr - 1, first);
	struct page *kept[RUNS_MAX];

	runs_pin(x);
	x->call.first = first;
	x->call.nr = nr;
	memcpy(kept, x->call.pages + first, nr * sizeof(*kept));
	memset(x->call.pages + first, 0, nr * sizeof(*kept));
	p->unpin(x->call.pages, x->nr);
	runs_expect_left(x, gone, p->dirties);
	unpin_user_pages(kept, nr);
	runs_expect_folios(x, &(struct runs_want){}, true, "refcount at the end",
			   "pincount at the end");
	return !x->failed;
}

static void gup_runs_unpin_null(struct kunit *test)
{
	unsigned int i, first, nr;
	struct runs *x;

	gk_may_crash(test);
	x = runs_layout(test);
	/* Ranges have no holes. */
	for (i = 0; i < 3; i++)
		for (first = 0; first < x->nr; first++)
			for (nr = 1; first + nr <= x->nr; nr++)
				if (!runs_unpin_null(x, &runs_unpins[i], first,
						     nr))
					return;
}

static struct kunit_suite gup_runs_suite = {
	.name = "gup_runs",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_runs_part, runs_layout_gen_params),
		KUNIT_CASE_PARAM(gup_runs_table_edge, runs_layout_gen_params),
		KUNIT_CASE_PARAM(gup_runs_odd_one, runs_odd_gen_params),
		KUNIT_CASE_PARAM(gup_runs_one_by_one, runs_layout_gen_params),
		KUNIT_CASE_PARAM(gup_runs_remote, runs_remote_gen_params),
		KUNIT_CASE_PARAM(gup_runs_patterns, gk_api_params),
		KUNIT_CASE_PARAM(gup_runs_retry, gk_api_params),
		KUNIT_CASE_PARAM(gup_runs_referenced, gk_api_params),
		KUNIT_CASE_PARAM(gup_runs_populate, runs_populate_gen_params),
		KUNIT_CASE(gup_runs_next_table),
#ifdef CONFIG_ARM64_CONTPTE
		KUNIT_CASE_PARAM(gup_runs_contiguous, gk_api_params),
#endif
		KUNIT_CASE_PARAM(gup_runs_longterm_write, runs_longterm_gen_params),
		KUNIT_CASE_PARAM(gup_runs_longterm_twice, runs_pin_gen_params),
		KUNIT_CASE_PARAM(gup_runs_overflow, runs_overflow_gen_params),
		KUNIT_CASE_PARAM(gup_runs_unpin, runs_unpin_gen_params),
		KUNIT_CASE_PARAM(gup_runs_unpin_odd_one, runs_odd_page_params),
		KUNIT_CASE_PARAM(gup_runs_unpin_null, runs_unpin_gen_params),
		{}
	},
};

kunit_test_suite(gup_runs_suite);
