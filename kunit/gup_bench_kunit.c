// SPDX-License-Identifier: GPL-2.0-only
/*
 * What GUP costs: nanoseconds a page, per shape, call, flags and pages per
 * call; or, with CONFIG_GUP_BENCH_COUNT, locked operations and page-table
 * walks; or, with CONFIG_GUP_BENCH_INSNS, instructions of one call.
 *
 * This is no test: nothing here judges a figure. scripts/bench.sh and icount.sh
 * boot it on two kernels in turn and compare. A case fails only if a call does not return
 * what was asked for, because its figure would then mean something else.
 *
 * Each figure comes from BENCH_REPS passes over the whole range. A pass calls
 * until all pages are in one array, then releases call by call; the clock is
 * read around a pass, never inside. The passes of a row are spread over several
 * sweeps through all the rows of a case, so that a burst of other work on the
 * host hits some passes of many rows, not all of one. The locked slow calls find
 * mmap_lock held.
 *
 * Instructions are exact, so a pass is one call there, right behind a tick. What a call
 * finds must not depend on when the machine came here: see bench_settle(). A few passes
 * do, since some calls find what the one before has left, as folio_mark_accessed() does.
 */
#include <kunit/resource.h>
#include <linux/glob.h>
#include <linux/hugetlb.h>
#include <linux/ktime.h>
#include <linux/mman.h>
#include <linux/moduleparam.h>
#include <linux/sort.h>
#ifdef CONFIG_UML
#include <os.h>
#endif
#ifdef CONFIG_GUP_BENCH_INSNS
#include <linux/rcupdate.h>
#include <uapi/linux/memfd.h>
#endif

#include "internal.h"
#include "slab.h"
#include "gk.h"
#include "gup_bench.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "gup_bench."

static char *only = "*";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "a glob: only these rows (shape/call/flags/pages-per-call)");

#ifdef CONFIG_GUP_BENCH_INSNS
#define BENCH_SWEEPS	1
#define BENCH_BURST	5
#define BENCH_PAGES	1	/* one call */
#define BENCH_MAX	4096
#define BENCH_1G	(SZ_1G / PAGE_SIZE)	/* pages */
#else
#define BENCH_SWEEPS	5
#define BENCH_BURST	5	/* passes of a row in one sweep */
#define BENCH_PAGES	4096	/* a pass, unless one call takes more */
#define BENCH_MAX	16384
#endif
#define BENCH_REPS	(BENCH_SWEEPS * BENCH_BURST)
#define BENCH_TOUCH	1024	/* a first touch costs some 20 times a pin */

/*
 * Incremented by the change that the benchmark's trees get, scripts/figures/bench.patch,
 * with CONFIG_GUP_BENCH_COUNT; stay 0 without.
 */
unsigned long gup_bench_locked, gup_bench_walked;

/* What one pass took. */
struct bench_meter {
	s64 ns;			/* or instructions */
	unsigned long mark;	/* the call of gup_bench_mark() that began it */
	unsigned long locked;
	unsigned long walked;
};

/**
 * struct bench_op - a call to time, and how to release what it returned
 * @get_name: the name of its row; NULL: it only prepares @put
 * @get: returns pages, as all of GUP does
 * @put_name: the name of the row of its release; NULL: some other op has it
 * @put: releases @nr pages; NULL: there is nothing to release
 * @mmap_locked: the caller of @get holds mmap_lock
 * @in_folio: @put takes pages of one folio only, in order
 * @modes: the flag sets that it is timed with, BENCH_*
 */
struct bench_op {
	const char *get_name;
	long (*get)(unsigned long addr, unsigned long nr, unsigned int flags,
		    struct page **pages);
	const char *put_name;
	void (*put)(struct page **pages, unsigned long nr);
	bool mmap_locked;
	bool in_folio;		/* all pages of a call are of one folio */
	bool by_run;		/* the same, or none is next to the one before it */
	unsigned int modes;
};

#define BENCH_W		BIT(0)	/* FOLL_WRITE */
#define BENCH_R		BIT(1)
#define BENCH_WL	BIT(2)	/* FOLL_WRITE | FOLL_LONGTERM */
#define BENCH_RL	BIT(3)	/* FOLL_LONGTERM */
#define BENCH_TOUCHED	BIT(4)	/* FOLL_WRITE, nothing is present */
#define BENCH_BUFFER	BIT(5)	/* of io_uring: sizes of their own */
#define BENCH_MEMFD	BIT(6)	/* of a memfd, for those that take its descriptor */
#define BENCH_ALL	(BENCH_W | BENCH_R | BENCH_WL | BENCH_RL)

/* One case: a shape, mapped anew, and a flag set. */
struct bench_case {
	const struct gk_shape *shape;
	unsigned int mode;
};

struct bench {
	struct kunit *test;
	struct gk_range *r;
	const struct bench_case *c;
	const struct bench_op *op;
	unsigned int flags;
	unsigned int nr;	/* pages in a pass */
	unsigned int n;		/* pages in a call */
	unsigned int folio;	/* pages in a folio of the range */
	struct page **pages;
	s64 get_cost;		/* of measuring, and of calling */
	s64 put_cost;
	bool want_get;
	bool want_put;
	bool failed;
};

static long bench_pin_fast(unsigned long addr, unsigned long nr,
			   unsigned int flags, struct page **pages)
{
	return pin_user_pages_fast(addr, nr, flags, pages);
}

static long bench_get_fast(unsigned long addr, unsigned long nr,
			   unsigned int flags, struct page **pages)
{
	return get_user_pages_fast(addr, nr, flags, pages);
}

static long bench_pin_unlocked(unsigned long addr, unsigned long nr,
			       unsigned int flags, struct page **pages)
{
	return pin_user_pages_unlocked(addr, nr, pages, flags);
}

/* pages == NULL: fault in, as populate does, with mmap_lock held */
static long bench_get_null(unsigned long addr, unsigned long nr,
			   unsigned int flags, struct page **pages)
{
	return get_user_pages(addr, nr, flags, NULL);
}

static long bench_populate(unsigned long addr, unsigned long nr,
			   unsigned int flags, struct page **pages)
{
	int ret = __mm_populate(addr, nr * PAGE_SIZE, 0);

	return ret ?: nr;
}

/*
 * Ranges, in a place of their own. A kernel that has none pins pages: what is measured
 * is the price of one against the other.
 */
static struct page_range *bench_ranges;
static unsigned int *bench_used;
static struct page **bench_pages;

static long bench_pin_ranges(unsigned long addr, unsigned long nr,
			     unsigned int flags, struct page **pages)
{
#ifdef GK_RANGES
	unsigned int *used = bench_used + (pages - bench_pages);

	*used = 0;
	return pin_user_page_ranges_fast(addr, nr, flags,
					 bench_ranges + (pages - bench_pages),
					 nr, used);
#else
	return pin_user_pages_fast(addr, nr, flags, pages);
#endif
}

static void bench_unpin_ranges(struct page **pages, unsigned long nr)
{
#ifdef GK_RANGES
	unpin_user_page_ranges(bench_ranges + (pages - bench_pages),
			       bench_used[pages - bench_pages], false);
#else
	unpin_user_pages(pages, nr);
#endif
}

static void bench_unpin_dirty(struct page **pages, unsigned long nr)
{
	unpin_user_pages_dirty_lock(pages, nr, true);
}

static void bench_unpin_range(struct page **pages, unsigned long nr)
{
	unpin_user_page_range_dirty_lock(pages[0], nr, true);
}

static void bench_unpin_folio(struct page **pages, unsigned long nr)
{
	unpin_user_folio(page_folio(pages[0]), nr);
}

static void bench_put_page(struct page **pages, unsigned long nr)
{
	for (; nr; nr--)
		put_page(*pages++);
}

#ifdef CONFIG_GUP_BENCH_INSNS
static long bench_pin_remote(unsigned long addr, unsigned long nr,
			     unsigned int flags, struct page **pages)
{
	return pin_user_pages_remote(current->mm, addr, nr, flags, pages, NULL);
}

static long bench_get_nothing(unsigned long addr, unsigned long nr,
			      unsigned int flags, struct page **pages)
{
	return nr;
}

static void bench_put_nothing(struct page **pages, unsigned long nr)
{
}

/* What a call costs that does nothing: taken off all others. */
static const struct bench_op bench_nothing = {
	.get = bench_get_nothing, .put = bench_put_nothing,
};
#endif

static const struct bench_op bench_ops[] = {
	{
		.get_name = "pin_user_pages_fast", .get = bench_pin_fast,
		.put_name = "unpin_user_pages", .put = unpin_user_pages,
		.modes = BENCH_ALL | BENCH_TOUCHED,
	}, {
		.get_name = "pin_user_pages", .get = pin_user_pages,
		.put = unpin_user_pages, .mmap_locked = true,
		.modes = BENCH_ALL | BENCH_TOUCHED,
	}, {
		.get_name = "pin_user_pages_unlocked",
		.get = bench_pin_unlocked, .put = unpin_user_pages,
		.modes = BENCH_W | BENCH_WL,
	}, {
		.get_name = "get_user_pages_fast", .get = bench_get_fast,
		.put_name = "put_page", .put = bench_put_page,
		.modes = BENCH_W | BENCH_R,
	}, {
		.get_name = "get_user_pages", .get = get_user_pages,
		.put = bench_put_page, .mmap_locked = true, .modes = BENCH_W,
	}, {
		.get_name = "get_user_pages_null", .get = bench_get_null,
		.mmap_locked = true, .modes = BENCH_W,
	}, {
		.get_name = "populate", .get = bench_populate,
		.modes = BENCH_W | BENCH_TOUCHED,
	}, {
		.get = bench_pin_fast, .put = bench_unpin_dirty,
		.put_name = "unpin_user_pages_dirty_lock", .modes = BENCH_W,
	}, {
		.get = bench_pin_fast, .put = bench_unpin_range,
		.put_name = "unpin_user_page_range_dirty_lock",
		.in_folio = true, .modes = BENCH_W,
	}, {
		.get = bench_pin_fast, .put = bench_unpin_folio,
		.put_name = "unpin_user_folio",
		.in_folio = true, .modes = BENCH_W,
	},
	{
		.get_name = "pin_user_page_ranges_fast", .get = bench_pin_ranges,
		.put_name = "unpin_user_page_ranges", .put = bench_unpin_ranges,
		.modes = BENCH_W | BENCH_WL,
	},
#ifdef CONFIG_GUP_BENCH_INSNS
	{
		.get_name = "pin_user_pages_remote", .get = bench_pin_remote,
		.put = unpin_user_pages, .mmap_locked = true,
		.modes = BENCH_W | BENCH_WL,
	}, {
		.get_name = "bio_iov_iter_get_pages", .get = bench_bio_get,
		.put_name = "bio_release_pages", .put = bench_bio_put,
		.modes = BENCH_W | BENCH_R,
	}, {
		.get_name = "io_uring_register", .get = bench_register,
		.put_name = "io_uring_unregister", .put = bench_unregister,
		.modes = BENCH_W | BENCH_BUFFER,
	}, {
		.get_name = "iommufd_map", .get = bench_iommufd_map,
		.put_name = "iommufd_unmap", .put = bench_iommufd_unmap,
		.by_run = true, .modes = BENCH_W,
	}, {
		.get_name = "iommufd_map_file", .get = bench_iommufd_map_file,
		.put_name = "iommufd_unmap", .put = bench_iommufd_unmap,
		.by_run = true, .modes = BENCH_MEMFD,
	}, {
		.get_name = "udmabuf_create", .get = bench_udmabuf_create,
		.put_name = "udmabuf_release", .put = bench_udmabuf_release,
		.modes = BENCH_MEMFD,
	},
#endif
};

/* Shapes that only the benchmark needs: a driver's folios, mapped private. */
static void bench_map_private(struct gk_range *r)
{
	struct gk_drv *drv = gk_drv(r->test, r->shape->arg, r->nr);
	unsigned int i;

	gk_drv_mmap(r, drv, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (i = 0; i < r->nr; i++)
		gk_drv_insert(r, i, gk_drv_page(drv, i));
}

#define BENCH_PRIVATE(_order)						\
	static const struct gk_shape bench_private##_order = {		\
		.name = "private_order" #_order, .nr = BENCH_MAX,	\
		.map = bench_map_private, .arg = _order,		\
	}

BENCH_PRIVATE(0);
BENCH_PRIVATE(4);
BENCH_PRIVATE(9);

/*
 * 64K folios of anonymous memory, and leaves above the PTE. thp_anon= of kconfigs/lanes
 * says which VMA gets what.
 */
static void bench_map_anon_huge(struct gk_range *r, bool leaf)
{
	unsigned int nr = r->nr;

	r->nr += PTRS_PER_PTE;
	gk_mmap(r, NULL, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (leaf)
		gk_madvise(r, 0, r->nr, MADV_HUGEPAGE);
	r->addr = ALIGN(r->addr, PMD_SIZE);
	r->nr = nr;
}

/* A shape that came out as another would be measured as something it is not. */
static void bench_expect_leaves(struct gk_range *r, enum folio_walk_level level)
{
	struct folio_walk fw;
	struct folio *folio;
	unsigned int i;

	mmap_read_lock(r->mm);
	for (i = 0; i < r->nr; i += 1 << r->shape->arg) {
		folio = folio_walk_start(&fw, vma_lookup(r->mm, gk_addr(r, i)),
					 gk_addr(r, i), 0);
		if (!folio) {
			KUNIT_FAIL(r->test, "%s: page %u is not mapped",
				   r->shape->name, i);
			continue;
		}
		KUNIT_EXPECT_EQ(r->test, fw.level, level);
		KUNIT_EXPECT_EQ(r->test, folio_order(folio), r->shape->arg);
		folio_walk_end(&fw, vma_lookup(r->mm, gk_addr(r, i)));
	}
	mmap_read_unlock(r->mm);
}

static void bench_map_anon_64k(struct gk_range *r)
{
	bench_map_anon_huge(r, false);
	gk_fault(r, 0, r->nr, true);
	bench_expect_leaves(r, FW_LEVEL_PTE);
}

static void bench_map_thp_fresh(struct gk_range *r)
{
	bench_map_anon_huge(r, true);
}

static void bench_map_thp(struct gk_range *r)
{
	bench_map_thp_fresh(r);
	gk_fault(r, 0, r->nr, true);
	bench_expect_leaves(r, FW_LEVEL_PMD);
}

#ifdef CONFIG_GUP_BENCH_INSNS
/* On um the pool is in ZONE_MOVABLE, where FOLL_LONGTERM may not have it. */
static void bench_map_hugetlb(struct gk_range *r)
{
	gk_mmap_hugetlb(r, &default_hstate, MAP_PRIVATE);
	gk_fault(r, 0, r->nr, true);
	bench_expect_leaves(r, FW_LEVEL_PMD);
}

static void bench_map_memfd(struct gk_range *r)
{
	struct file *file = bench_open_memfd(r->test, r->nr,
					     r->shape->arg ? MFD_HUGETLB | MFD_HUGE_2MB : 0);

	gk_mmap(r, file, 0, PROT_READ | PROT_WRITE, MAP_SHARED);
	gk_fault(r, 0, r->nr, true);
	bench_expect_leaves(r, r->shape->arg ? FW_LEVEL_PMD : FW_LEVEL_PTE);
}
#endif

#define BENCH_SHAPE(_name, _order)					\
	static const struct gk_shape bench_##_name = {			\
		.name = #_name, .nr = BENCH_MAX,			\
		.map = bench_map_##_name, .arg = _order,		\
	}

BENCH_SHAPE(anon_64k, 4);
BENCH_SHAPE(thp, 9);
BENCH_SHAPE(thp_fresh, 9);
#ifdef CONFIG_GUP_BENCH_INSNS
BENCH_SHAPE(hugetlb, 9);
BENCH_SHAPE(memfd, 0);

static const struct gk_shape bench_memfd_2m = {
	.name = "memfd_2m", .nr = BENCH_MAX, .map = bench_map_memfd, .arg = 9,
};

/* A large buffer of io_uring. A pass of the base is shorter than a tick, just. */
static const struct gk_shape bench_thp_1g = {
	.name = "thp_1g", .nr = BENCH_1G, .map = bench_map_thp, .arg = 9,
};
#endif

static const struct bench_case bench_cases[] = {
	{ &gk_anon_written, BENCH_W },
	{ &gk_anon_written, BENCH_R },
	{ &gk_anon_written, BENCH_WL },
	{ &gk_anon_written, BENCH_RL },
	{ &gk_anon_readonly, BENCH_R },
	{ &gk_anon_readonly, BENCH_RL },
	{ &gk_drv_order0, BENCH_W },
	{ &gk_drv_order0, BENCH_R },
	{ &gk_drv_order0, BENCH_WL },
	{ &gk_drv_order0, BENCH_RL },
	{ &gk_drv_order2, BENCH_W },
	{ &gk_drv_order2, BENCH_R },
	{ &gk_drv_order2, BENCH_WL },
	{ &gk_drv_order2, BENCH_RL },
	{ &gk_drv_order4, BENCH_W },
	{ &gk_drv_order4, BENCH_R },
	{ &gk_drv_order4, BENCH_WL },
	{ &gk_drv_order4, BENCH_RL },
	{ &gk_drv_order9, BENCH_W },
	{ &gk_drv_order9, BENCH_R },
	{ &gk_drv_order9, BENCH_WL },
	{ &gk_drv_order9, BENCH_RL },
	{ &gk_drv_dirty4, BENCH_W },
	{ &gk_drv_dirty4, BENCH_R },
	{ &gk_drv_dirty4, BENCH_WL },
	{ &gk_drv_dirty9, BENCH_W },
	{ &gk_drv_dirty9, BENCH_R },
	{ &gk_drv_dirty9, BENCH_WL },
	{ &gk_drv_young4, BENCH_W },
	{ &gk_drv_young9, BENCH_W },
	{ &gk_drv_reversed, BENCH_W },
	{ &gk_drv_reversed, BENCH_WL },
	{ &bench_private0, BENCH_R },
	{ &bench_private4, BENCH_R },
	{ &bench_private9, BENCH_R },
	{ &gk_anon_fresh, BENCH_TOUCHED },
	{ &bench_anon_64k, BENCH_W },
	{ &bench_anon_64k, BENCH_R },
	{ &bench_anon_64k, BENCH_WL },
	{ &bench_anon_64k, BENCH_RL },
	{ &bench_thp, BENCH_W },
	{ &bench_thp, BENCH_R },
	{ &bench_thp, BENCH_WL },
	{ &bench_thp, BENCH_RL },
	{ &bench_thp_fresh, BENCH_TOUCHED },
#ifdef CONFIG_GUP_BENCH_INSNS
	{ &bench_thp_1g, BENCH_BUFFER },
	{ &bench_hugetlb, BENCH_W },
	{ &bench_hugetlb, BENCH_R },
	{ &bench_hugetlb, BENCH_WL },
	{ &bench_hugetlb, BENCH_RL },
	{ &bench_memfd, BENCH_MEMFD },
	{ &bench_memfd_2m, BENCH_MEMFD },
#endif
};

static const char *bench_mode_name(unsigned int mode)
{
	switch (mode) {
	case BENCH_R:
		return "READ";
	case BENCH_WL:
		return "WRITE+LONGTERM";
	case BENCH_RL:
		return "READ+LONGTERM";
	default:
		return "WRITE";
	}
}

static unsigned int bench_mode_flags(unsigned int mode)
{
	return (mode & (BENCH_R | BENCH_RL) ? 0 : FOLL_WRITE) |
	       (mode & (BENCH_WL | BENCH_RL) ? FOLL_LONGTERM : 0);
}

static void bench_desc(const struct bench_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s_%s", c->shape->name,
		 bench_mode_name(c->mode));
}

KUNIT_ARRAY_PARAM(gup_bench, bench_cases, bench_desc);

/* The clock source of UML counts in steps of 256 ns: ask the host. */
static s64 bench_clock(void)
{
#if defined(CONFIG_UML)
	return os_nsecs();
#elif defined(CONFIG_GUP_BENCH_INSNS)
	return rdtsc();
#else
	return ktime_get_ns();
#endif
}

static unsigned long bench_marks;

/*
 * scripts/tcg/count.c counts, for each function, the instructions between two
 * calls of this; the rest of QEMU knows nothing of it.
 */
static noinline unsigned long gup_bench_mark(void)
{
	return ++bench_marks;
}

static struct bench_meter bench_now(void)
{
	return (struct bench_meter){
		.ns = bench_clock(),
		.locked = READ_ONCE(gup_bench_locked),
		.walked = READ_ONCE(gup_bench_walked),
	};
}

static struct bench_meter bench_since(struct bench_meter begin)
{
	struct bench_meter now = bench_now();

	return (struct bench_meter){
		.ns = now.ns - begin.ns,
		.locked = now.locked - begin.locked,
		.walked = now.walked - begin.walked,
	};
}

static struct bench_meter bench_get(struct bench *b)
{
	const struct bench_op *op = b->op;
	struct bench_meter begin, took;
	unsigned int i, want;
	unsigned long mark;
	long got;

	if (op->mmap_locked)
		mmap_read_lock(b->r->mm);
	mark = gup_bench_mark();
	begin = bench_now();
	for (i = 0; i < b->nr; i += want) {
		want = min(b->n, b->nr - i);
		got = op->get(gk_addr(b->r, i), want, b->flags, b->pages + i);
		if (got != want)
			break;
	}
	took = bench_since(begin);
	gup_bench_mark();
	took.mark = mark;
	if (op->mmap_locked)
		mmap_read_unlock(b->r->mm);
	if (i < b->nr) {
		KUNIT_FAIL(b->test,
			   "%s %s flags=%x page=%u: wanted %u, got %ld",
			   b->r->shape->name, op->get_name ?: op->put_name,
			   b->flags, i, want, got);
		b->failed = true;
		for (got = 0; op->put && got < i; got += b->n)
			op->put(b->pages + got, b->n);
	}
	return took;
}

static struct bench_meter bench_put(struct bench *b)
{
	unsigned int i, nr = b->op->put ? b->nr : 0;
	struct bench_meter begin, took;
	unsigned long mark;

	mark = gup_bench_mark();
	begin = bench_now();
	for (i = 0; i < nr; i += b->n)
		b->op->put(b->pages + i, min(b->n, nr - i));
	took = bench_since(begin);
	gup_bench_mark();
	took.mark = mark;
	return took;
}

#ifdef CONFIG_GUP_BENCH_INSNS
static void bench_set_costs(struct bench *b)
{
	int i;

	b->op = &bench_nothing;
	b->n = 1;
	b->nr = 1;
	b->get_cost = S64_MAX;
	b->put_cost = S64_MAX;
	for (i = 0; i < BENCH_REPS; i++) {
		b->get_cost = min(b->get_cost, bench_get(b).ns);
		b->put_cost = min(b->put_cost, bench_put(b).ns);
	}
}
#else
/* What reading the clock adds to a pass, which may be as short as 1 us. */
static void bench_set_costs(struct bench *b)
{
	s64 least = S64_MAX;
	int i;

	for (i = 0; i < 1000; i++) {
		s64 begin = bench_clock();

		least = min(least, bench_clock() - begin);
	}
	b->get_cost = least;
	b->put_cost = least;
}
#endif

static int bench_cmp(const void *a, const void *b)
{
	const struct bench_meter *x = a, *y = b;

	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static bool bench_wanted(struct bench *b, const char *name)
{
	char row[128];

	if (!name)
		return false;
	snprintf(row, sizeof(row), "%s/%s/%s/%u", b->c->shape->name, name,
		 bench_mode_name(b->c->mode), b->n);
	return glob_match(only, row);
}

/* Times are picoseconds a page, counts are those of the whole pass. */
static void bench_print(struct bench *b, const char *name,
			struct bench_meter *m, s64 cost)
{
	unsigned long locked = ULONG_MAX, walked = ULONG_MAX;
	s64 least, median;
	unsigned int i;

	sort(m, BENCH_REPS, sizeof(*m), bench_cmp, NULL);
	least = max(m[0].ns - cost, 0) * 1000;
	median = max(m[BENCH_REPS / 2].ns - cost, 0) * 1000;
	/* A tick may have added some. */
	for (i = 0; i < BENCH_REPS; i++) {
		locked = min(locked, m[i].locked);
		walked = min(walked, m[i].walked);
	}
	if (IS_ENABLED(CONFIG_GUP_BENCH_INSNS))
		kunit_info(b->test, "bench shape=%s op=%s flags=%s n=%u pages=%u insns=%lld period=%lu\n",
			   b->c->shape->name, name, bench_mode_name(b->c->mode),
			   b->n, b->nr, m[0].ns - cost, m[0].mark);
	else if (IS_ENABLED(CONFIG_GUP_BENCH_COUNT))
		kunit_info(b->test, "bench shape=%s op=%s flags=%s n=%u pages=%u locked=%lu walks=%lu\n",
			   b->c->shape->name, name, bench_mode_name(b->c->mode),
			   b->n, b->nr, locked, walked);
	else
		kunit_info(b->test, "bench shape=%s op=%s flags=%s n=%u pages=%u min=%lld med=%lld\n",
			   b->c->shape->name, name, bench_mode_name(b->c->mode),
			   b->n, b->nr, div_s64(least, b->nr),
			   div_s64(median, b->nr));
}

#ifdef CONFIG_GUP_BENCH_INSNS
/* Each CPU's stock of objects is empty: a call that allocates one finds none of the boot's. */
static void bench_empty_slabs(void)
{
	struct kmem_cache *s;

	mutex_lock(&slab_mutex);
	list_for_each_entry(s, &slab_caches, list)
		kmem_cache_shrink(s);
	mutex_unlock(&slab_mutex);
}

/*
 * Nothing waits to be freed, no statistic is about to be folded, and the next tick is
 * 10,000,000 instructions away.
 */
static void bench_settle(void)
{
	rcu_barrier();
	schedule_timeout_uninterruptible(1);
	local_irq_disable();
	cpu_vm_stats_fold(smp_processor_id());
	local_irq_enable();
}
#else
static void bench_empty_slabs(void)
{
}

static void bench_settle(void)
{
}
#endif

/* A burst of passes. The first warms up; with FOLL_LONGTERM it migrates. */
static void bench_burst(struct bench *b, struct bench_meter *get,
			struct bench_meter *put)
{
	int i;

	for (i = -1; i < BENCH_BURST; i++) {
		struct bench_meter m;

		bench_settle();
		m = bench_get(b);
		if (b->failed)
			return;
		get[max(i, 0)] = m;
		put[max(i, 0)] = bench_put(b);
		if (b->c->mode == BENCH_TOUCHED)
			gk_madvise(b->r, 0, b->nr, MADV_DONTNEED);
	}
}

struct bench_row {
	struct bench_meter get[BENCH_REPS];
	struct bench_meter put[BENCH_REPS];
};

/* 1M of a huge page, and 1G: of io_uring's rows only. */
static bool bench_buffer_size(unsigned int n)
{
	return n == 256 || n > BENCH_MAX;
}

/* What does not depend on which frames are neighbours by chance. */
static bool bench_one_run(struct bench *b, const struct bench_op *op, unsigned int n)
{
	if (op->by_run && b->c->shape == &gk_drv_reversed)
		return true;
	return !(op->in_folio || op->by_run) || !(b->folio % n);
}

/* Is there such a row, and is it wanted? Sets up @b for it. */
static bool bench_select(struct bench *b, const struct bench_op *op,
			 unsigned int n)
{
	unsigned int mode = b->c->mode;
	bool buffer = mode == BENCH_BUFFER;

	b->op = op;
	b->n = n;
	b->nr = max(n, BENCH_PAGES);
	if (mode == BENCH_TOUCHED)
		b->nr = min(b->nr, BENCH_TOUCH);
	if (!(op->modes & mode) || b->nr < n || !bench_one_run(b, op, n))
		return false;
	if (buffer != bench_buffer_size(n))
		return false;
	b->want_get = bench_wanted(b, op->get_name);
	/* Releasing does not depend on FOLL_LONGTERM. */
	b->want_put = mode & (BENCH_W | BENCH_R | BENCH_BUFFER | BENCH_MEMFD) &&
		      bench_wanted(b, op->put_name);
	return b->want_get || b->want_put;
}

/* Each row of the table that this shape and these flags have. */
static void gup_bench(struct kunit *test)
{
	static const unsigned int n[] = {
		1, 16,
#ifndef CONFIG_GUP_BENCH_INSNS
		123,
#endif
		512, BENCH_MAX,
#ifdef CONFIG_GUP_BENCH_INSNS
		256, BENCH_1G,
#endif
	};
	const struct bench_case *c = test->param_value;
	struct bench b = {
		.test = test, .c = c, .flags = bench_mode_flags(c->mode),
		.folio = 1,
	};
	unsigned int sweep, i, op;
	struct bench_row *rows;

	b.r = gk_map(test, c->shape, c->mode == BENCH_BUFFER ? 0 : BENCH_MAX);
	b.pages = kunit_kcalloc(test, BENCH_MAX, sizeof(*b.pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, b.pages);
	bench_pages = b.pages;
	bench_ranges = kunit_kcalloc(test, BENCH_MAX, sizeof(*bench_ranges), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bench_ranges);
	bench_used = kunit_kcalloc(test, BENCH_MAX, sizeof(*bench_used), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bench_used);
	rows = kunit_kcalloc(test, ARRAY_SIZE(bench_ops) * ARRAY_SIZE(n),
			     sizeof(*rows), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rows);
	if (gk_page(b.r, 0) && gk_page(b.r, 1) == gk_page(b.r, 0) + 1)
		b.folio = folio_nr_pages(page_folio(gk_page(b.r, 0)));
#ifdef CONFIG_GUP_BENCH_INSNS
	bench_open_users(test, BENCH_MAX);
	if (c->mode == BENCH_MEMFD)
		bench_open_udmabuf(test);
#endif
	bench_empty_slabs();
	bench_set_costs(&b);
	/* One sweep more, which prints. */
	for (sweep = 0; sweep <= BENCH_SWEEPS; sweep++) {
		for (i = 0; i < ARRAY_SIZE(bench_ops) * ARRAY_SIZE(n); i++) {
			op = i / ARRAY_SIZE(n);
			if (!bench_select(&b, &bench_ops[op],
					  n[i % ARRAY_SIZE(n)]))
				continue;
			if (sweep < BENCH_SWEEPS) {
				bench_burst(&b, &rows[i].get[sweep * BENCH_BURST],
					    &rows[i].put[sweep * BENCH_BURST]);
				if (b.failed)
					return;
				continue;
			}
			if (b.want_get)
				bench_print(&b, b.op->get_name, rows[i].get,
					    b.get_cost);
			if (b.want_put)
				bench_print(&b, b.op->put_name, rows[i].put,
					    b.put_cost);
		}
	}
}

#ifdef CONFIG_GUP_BENCH_INSNS
/* 500 instructions more have to read as that, at least when no tick comes between. */
static void bench_expect_insns(struct kunit *test)
{
	s64 none = S64_MAX, many = S64_MAX;
	u64 begin;
	int i;

	for (i = 0; i < BENCH_REPS; i++) {
		begin = rdtsc();
		none = min(none, (s64)(rdtsc() - begin));
		begin = rdtsc();
		asm volatile(".rept 500\n\tnop\n\t.endr");
		many = min(many, (s64)(rdtsc() - begin));
	}
	KUNIT_EXPECT_EQ_MSG(test, many - none, 500,
			    "this machine does not count instructions");
}
#endif

/* Figures of any other kernel would be compared with the wrong ones. */
static void gup_bench_kernel(struct kunit *test)
{
	KUNIT_EXPECT_FALSE_MSG(test, IS_ENABLED(CONFIG_DEBUG_VM),
			       "CONFIG_DEBUG_VM is set");
#ifdef CONFIG_GUP_BENCH_INSNS
	bench_expect_insns(test);
#else
	KUNIT_EXPECT_FALSE_MSG(test, IS_ENABLED(CONFIG_SMP),
			       "CONFIG_SMP: time on UML SMP means little");
#ifdef LOCK_PREFIX
	KUNIT_EXPECT_GT_MSG(test, sizeof(LOCK_PREFIX), sizeof(""),
			    "atomics lost their lock prefix: no bench.patch?");
#endif
#endif
}

static struct kunit_suite gup_bench_suite = {
	.name = "gup_bench",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE(gup_bench_kernel),
		KUNIT_CASE_PARAM(gup_bench, gup_bench_gen_params),
		{}
	},
};

kunit_test_suite(gup_bench_suite);
