/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vocabulary of the GUP KUnit suites ("gk").
 *
 * A case maps a shape, calls one of the APIs, says what it expects, releases
 * what it got and expects everything as before:
 *
 *	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
 *	struct gk_call *c = gk_gup(r, GK_PIN_FAST, FOLL_WRITE);
 *
 *	gk_expect_pinned(c, r->nr);
 *	gk_release(c);
 *	gk_expect_restored(c);
 *
 * Every expectation that fails names the shape, the API, the flags, the page,
 * what was wanted and what was found.
 *
 * All of this runs in the thread of the KUnit case, which gets an mm of its
 * own; nothing here may be called with a lock held unless it says so.
 */
#ifndef _GUP_KUNIT_GK_H
#define _GUP_KUNIT_GK_H

#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/completion.h>
#include <linux/task_work.h>

enum gk_api_id {
	GK_GET,			/* get_user_pages(), mmap_lock held for read */
	GK_GET_UNLOCKED,
	GK_GET_FAST,
	GK_GET_FAST_ONLY,
	GK_GET_REMOTE,		/* mmap_lock held, locked != NULL */
	GK_PIN,
	GK_PIN_UNLOCKED,
	GK_PIN_FAST,
	GK_PIN_REMOTE,
	GK_NR_APIS,
};

/**
 * struct gk_api - what the suites must know of one exported call
 * @name: the name of the exported function
 * @pins: it takes FOLL_PIN references (else FOLL_GET references)
 * @fast: it tries GUP-fast first
 * @only: it never falls back to the slow path
 * @flags: the FOLL_* flags that it accepts
 */
struct gk_api {
	const char *name;
	bool pins;
	bool fast;
	bool only;
	unsigned int flags;
};

extern const struct gk_api gk_apis[GK_NR_APIS];

struct gk_range;

#ifdef GK_RANGES
#include <linux/page_range.h>
#else
/* A kernel that has no ranges: what asks for them compiles, and fails. */
struct page_range {
	struct page *page;
	unsigned int nr_pages;
};

static inline int pin_user_page_ranges_fast(unsigned long start, int nr_pages,
					    unsigned int gup_flags,
					    struct page_range *ranges,
					    unsigned int max_ranges,
					    unsigned int *nr_ranges)
{
	return -EOPNOTSUPP;
}

static inline void unpin_user_page_ranges(const struct page_range *ranges,
					  unsigned int nr, bool make_dirty)
{
}
#endif

#ifndef GK_RANGES_REMOTE
static inline long pin_user_page_ranges_remote(struct mm_struct *mm, unsigned long start,
					       unsigned long nr_pages,
					       unsigned int gup_flags,
					       struct page_range *ranges,
					       unsigned int max_ranges,
					       unsigned int *nr_ranges, int *locked)
{
	return -EOPNOTSUPP;
}
#endif

#ifndef GK_RANGES_MEMFD
static inline long memfd_pin_page_ranges(struct file *memfd, loff_t start, int nr_pages,
					 struct page_range *ranges, unsigned int max_ranges,
					 unsigned int *nr_ranges)
{
	return -EOPNOTSUPP;
}
#endif

/* mmap() with PROT_WRITE alone gives PROT_READ as well. */
#define GK_WRITE_IS_READ	IS_ENABLED(CONFIG_RISCV)

/* What the contract says about a shape: used to choose legal flag sets. */
enum gk_traits {
	/* GUP for reading succeeds on every page, perhaps after a fault. */
	GK_READ		= 1 << 0,
	/* The same for writing. */
	GK_WRITE	= 1 << 1,
	/* Present: GUP-fast needs no fault to read / to write. */
	GK_FAST_READ	= 1 << 2,
	GK_FAST_WRITE	= 1 << 3,
	/* R/O pins of the present pages need no unsharing. */
	GK_FAST_PIN_READ = 1 << 4,
	/* Writing needs FOLL_FORCE, which is then granted. */
	GK_FORCE_WRITE	= 1 << 5,
	GK_FORCE_READ	= 1 << 6,
	/* Backed by folios of more than one page. */
	GK_LARGE	= 1 << 7,
	/* Some pages can be had and some cannot: results are partial. */
	GK_PARTIAL	= 1 << 8,
	/* Nothing can be had, whatever the flags. */
	GK_REFUSED	= 1 << 9,
	/* Anonymous memory all over: FOLL_ANON is fine. */
	GK_ANON		= 1 << 10,
};

/**
 * struct gk_shape - a recipe for a mapping
 * @name: for messages and for names of parametrised cases
 * @nr: pages that it maps unless the case asks for another number
 * @traits: enum gk_traits
 * @map: maps r->nr pages at r->addr (which it sets), asserts on failure
 * @arg: for @map: the order of a driver's folios, say
 */
struct gk_shape {
	const char *name;
	unsigned int nr;
	unsigned int traits;
	void (*map)(struct gk_range *r);
	unsigned int arg;
};

#define GK_FAST_ALL	(GK_FAST_READ | GK_FAST_WRITE | GK_FAST_PIN_READ)

/* gk_@_id: a shape, for @_name and the rest see above. */
#define GK_SHAPE_CALLED(_id, _name, _nr, _map, _arg, _traits)		\
	const struct gk_shape gk_##_id = {				\
		.name = (_name), .nr = (_nr), .map = (_map),		\
		.arg = (_arg), .traits = (_traits),			\
	}

/**
 * struct gk_range - a shape that is mapped
 * @addr: user address, page aligned
 * @nr: pages
 * @mm: where it is mapped: the test's own mm, or a child's for remote GUP
 * @child: a forked child that shares it, if the shape has one
 */
struct gk_range {
	struct kunit *test;
	const struct gk_shape *shape;
	unsigned long addr;
	unsigned int nr;
	struct mm_struct *mm;
	struct gk_child *child;
	struct file *file;
};

/* What one entry of a range maps, and the counts of its folio. */
struct gk_entry {
	struct page *page;	/* NULL: nothing with a struct page */
	int refs;
	int pins;		/* _pincount, 0 for order 0 */
};

/**
 * struct gk_call - one call of one API and what came of it
 * @first: index into the range of the first page asked for
 * @nr: pages asked for
 * @addr: the address that the API is given
 * @array: what the API is given as pages: @pages, or NULL if the case says so
 * @ret: what the API returned
 * @pages: what it stored, followed by entries that it must leave alone
 * @locked: *locked after the call, for the remote APIs
 * @ranges: what the sibling of @api stored that has ranges; it is in @pages, too,
 *	page by page
 * @max_ranges: elements that it was given
 * @nr_ranges: elements that are used: before the call, by an earlier one
 * @before: the range before the call
 * @pinned: it, right after the call
 * @acquired: growth of nr_foll_pin_acquired during the call
 * @released: growth of nr_foll_pin_released during the call
 */
struct gk_call {
	struct gk_range *r;
	const struct gk_api *api;
	unsigned int flags;
	unsigned int first;
	long nr;
	unsigned long addr;
	struct page **array;
	long ret;
	int locked;
	struct page **pages;
	unsigned int room;	/* entries in @pages */
	struct page_range *ranges;
	unsigned int max_ranges, nr_ranges;
	struct gk_entry *before;
	struct gk_entry *pinned;
	long acquired;
	long released;
	long held;		/* acquired - released in all, before the call */
	bool wrong;		/* pages that are not mapped: not to be released */
};

/* The zoo, gk_zoo.c. */
extern const struct gk_shape gk_anon_fresh, gk_anon_written, gk_anon_zero,
	gk_anon_shared, gk_anon_reexclusive, gk_anon_readonly, gk_anon_mixed,
	gk_file_private, gk_file_private_cow, gk_shmem_fresh, gk_shmem_written,
	gk_drv_order0, gk_drv_order2, gk_drv_order4, gk_drv_order9,
	gk_drv_shuffled, gk_drv_reversed, gk_drv_dirty2, gk_drv_dirty4,
	gk_drv_dirty9, gk_drv_young2, gk_drv_young4, gk_drv_young9,
	gk_drv_soft_dirty, gk_drv_holes, gk_drv_mixed, gk_drv_cow,
	gk_drv_large_cow, gk_drv_twice, gk_pfnmap, gk_prot_none, gk_guard,
	gk_two_vmas, gk_hole, gk_table_edge, gk_dir_edge, gk_drv_dir_edge,
	gk_alone, gk_mlocked, gk_poisoned;
/* gk_zoo_thp.c and gk_zoo_hugetlb.c, with CONFIG_GUP_ZOO_THP and _HUGETLB. */
extern const struct gk_shape gk_thp, gk_thp_zero, gk_thp_shared,
	gk_thp_reexclusive, gk_thp_cow, gk_thp_readonly, gk_thp_none,
	gk_thp_ptes, gk_thp_part, gk_thp_split, gk_thp_collapsed, gk_thp_shmem,
	gk_thp_private, gk_mthp2, gk_mthp3, gk_mthp4, gk_mthp5, gk_mthp6,
	gk_mthp7, gk_mthp8, gk_hugetlb, gk_hugetlb_fresh, gk_hugetlb_file;
extern const struct gk_shape *const gk_zoo[];
extern const unsigned int gk_zoo_size;
extern const struct gk_shape *const gk_writable[];
extern const unsigned int gk_writable_size;

/* A parameter that stands for two: numbers of elements of two tables. */
struct gk_pair {
	unsigned int row;
	unsigned int column;
};

const struct gk_pair *gk_next_pair(const void *prev, unsigned int rows,
				   unsigned int columns);
const void *gk_zoo_params(struct kunit *test, const void *prev, char *desc);
const void *gk_writable_params(struct kunit *test, const void *prev, char *desc);
const void *gk_api_params(struct kunit *test, const void *prev, char *desc);
/* Some of the APIs, by what they do. */
const void *gk_api_params_if(struct kunit *test, const void *prev, char *desc,
			     bool (*take)(const struct gk_api *api));
const void *gk_fast_api_params(struct kunit *test, const void *prev, char *desc);
const void *gk_slow_api_params(struct kunit *test, const void *prev, char *desc);
const void *gk_fault_api_params(struct kunit *test, const void *prev, char *desc);
const void *gk_pin_api_params(struct kunit *test, const void *prev, char *desc);
const void *gk_get_api_params(struct kunit *test, const void *prev, char *desc);
enum gk_api_id gk_api(struct kunit *test);

/* Mapping. nr == 0: as many pages as the shape says. */
struct hstate;
struct gk_range *gk_map(struct kunit *test, const struct gk_shape *shape,
			unsigned int nr);
void gk_mmap(struct gk_range *r, struct file *file, unsigned long addr,
	     unsigned long prot, unsigned long flags);
void gk_mmap_hugetlb(struct gk_range *r, struct hstate *h, unsigned long flags);
void gk_mmap_huge(struct gk_range *r);
void gk_adopt_file(struct kunit *test, struct file *file);
struct file *gk_tmpfs_file(struct kunit *test, const char *options, unsigned int nr);
struct file *gk_shmem_file(struct gk_range *r);
void gk_mmap_anon(struct gk_range *r, unsigned long addr, unsigned long prot,
		  unsigned long flags);
static inline unsigned long gk_addr(const struct gk_range *r, unsigned int i)
{
	return r->addr + (unsigned long)i * PAGE_SIZE;
}

/* Change [i, i + n) of a range as its process would. */
void gk_fault(struct gk_range *r, unsigned int i, unsigned int n, bool write);
vm_fault_t gk_try_fault(struct gk_range *r, unsigned int i, bool write);
void gk_unmap(struct gk_range *r, unsigned int i, unsigned int n);
void gk_protect(struct gk_range *r, unsigned int i, unsigned int n,
		unsigned long prot);
void gk_madvise(struct gk_range *r, unsigned int i, unsigned int n, int advice);
void gk_cut_unmap(struct gk_range *r, unsigned int i);
void gk_cut_no_access(struct gk_range *r, unsigned int i);
void gk_cut_readonly(struct gk_range *r, unsigned int i);
void gk_cut_guard(struct gk_range *r, unsigned int i);
void gk_cut_drop(struct gk_range *r, unsigned int i);
void gk_wrprotect_ptes(struct gk_range *r, unsigned int i, unsigned int n);
void gk_set_dirty_pte(struct gk_range *r, unsigned int i, bool dirty);
void gk_set_young_pte(struct gk_range *r, unsigned int i, bool young);
void gk_set_soft_dirty_pte(struct gk_range *r, unsigned int i, bool dirty);
void gk_store(struct gk_range *r, unsigned int i, u8 val);
u8 gk_load(struct gk_range *r, unsigned int i);
void gk_store_all(struct gk_range *r);
struct vm_area_struct *gk_vma(struct gk_range *r, unsigned int i);
void gk_vma_mod_flags(struct gk_range *r, unsigned int i, vm_flags_t set,
		      vm_flags_t clear);
struct page *gk_page(struct gk_range *r, unsigned int i);
bool gk_is_leaf(struct gk_range *r, unsigned int i);
void gk_assert_order(struct gk_range *r, unsigned int order, bool leaf);
/* Nobody may write to it, and its entries say that it has no struct page. */
static inline bool gk_is_zero(const struct folio *folio)
{
	return is_zero_folio(folio) || is_huge_zero_folio(folio);
}

/* What a page holds, not by way of a mapping. */
u8 gk_peek(struct page *page);
void gk_poke(struct page *page, u8 byte);
/* The first byte of page @i of a file. */
u8 gk_file_byte(struct kunit *test, struct file *file, unsigned int i);
/* What gk_poke_all() and the files and huge pages of the zoo have in page @i. */
static inline u8 gk_byte(unsigned int i)
{
	return i % 251 + 1;
}

void gk_poke_all(struct gk_range *r);
bool gk_exclusive(struct page *page);
/* The page table that entry @i is in moves to @page, which it takes over. */
void gk_move_table(struct gk_range *r, unsigned int i, struct page *page);
/* Two pages in a row, each to be freed alone. The caller owns both. */
struct page *gk_two_pages(struct kunit *test);
pte_t gk_pte(struct gk_range *r, unsigned int i);

/* A child with a copy of the test's mm. It lives until told to exit. */
struct gk_child {
	struct task_struct *task;
	struct mm_struct *mm;
	struct completion done, go, gone;
	struct callback_head exit_work;
	void (*fn)(void *arg);
	void *arg;
};

struct gk_child *gk_fork(struct kunit *test);
void gk_child_run(struct kunit *test, struct gk_child *child,
		  void (*fn)(void *arg), void *arg);
void gk_child_exit(struct kunit *test, struct gk_child *child);
/* The range as the child has it, and what the child itself does there. */
struct gk_range *gk_in_child(struct gk_range *r, struct gk_child *child);
void gk_child_store(struct gk_range *there, unsigned int i, u8 byte);
u8 gk_child_load(struct gk_range *there, unsigned int i);

/* Calling GUP. */
struct gk_call *gk_gup(struct gk_range *r, enum gk_api_id api,
		       unsigned int flags);
struct gk_call *gk_gup_part(struct gk_range *r, enum gk_api_id api,
			    unsigned int flags, unsigned int first, long nr);
/* The same in steps: for a call with odd arguments, or in an odd context. */
struct gk_call *gk_prepare(struct gk_range *r, enum gk_api_id api,
			   unsigned int flags, unsigned int first, long nr);
void gk_untouch(struct gk_call *c);
/*
 * pin_user_page_ranges_fast(), or _remote() for GK_PIN_REMOTE, is to be called, with
 * room for @max ranges. The element in front of them and the one behind hold bytes of
 * GK_RANGES_GUARD.
 */
#define GK_RANGES_GUARD	0x5a
struct gk_call *gk_prepare_ranges(struct gk_range *r, enum gk_api_id api,
				  unsigned int flags, unsigned int first, long nr,
				  unsigned int max);
struct gk_call *gk_gup_ranges(struct gk_range *r, enum gk_api_id api,
			      unsigned int flags, unsigned int first, long nr,
			      unsigned int max);
void gk_enter(struct gk_call *c);
void gk_done(struct gk_call *c);
void gk_release(struct gk_call *c);

/* Expectations; each may be used at once after the call. */
void gk_expect_ret(struct gk_call *c, long want);
void gk_expect_pinned(struct gk_call *c, long want);
void gk_expect_counts(struct gk_call *c);
void gk_expect_untouched(struct gk_call *c);
void gk_expect_refused(struct gk_call *c, long error);
void gk_expect_restored(struct gk_call *c);
void gk_expect_unheld(struct gk_call *c);
/* Pinned, released, restored: for a case that has nothing to do in between. */
void gk_expect_round_trip(struct gk_call *c, long want);
/* What was returned: nothing but zero pages, or what was mapped before the call. */
void gk_expect_zero_pages(struct gk_call *c);
void gk_expect_same_pages(struct gk_call *c);
/* Or what the other call has, of the same range. */
void gk_expect_pages_of(struct gk_call *c, const struct gk_call *other);
/* What the process stores from now on is seen through page @k of the call. */
void gk_expect_store_seen(struct gk_call *c, long k, u8 byte);

/* Counts. */
struct gk_entry *gk_snapshot(struct gk_range *r);
void gk_settle(void);
int gk_held(struct folio *folio);
int gk_refs_wanted(const struct gk_api *api, struct folio *folio, int n);
long gk_stat(enum node_stat_item item);
unsigned long gk_events(enum vm_event_item item);

/* "shape=anon_written api=pin_user_pages_fast flags=WRITE|LONGTERM" */
const char *gk_where(struct gk_call *c);
const char *gk_flags_name(struct kunit *test, unsigned int flags);

const char *gk_where_at(struct gk_range *r, const char *api);

#define GK_EXPECT_EQ(test, where, i, what, got, want)			\
do {									\
	long __got = (long)(got), __want = (long)(want);		\
									\
	KUNIT_EXPECT_EQ_MSG(test, __got, __want,			\
			    "%s page=%ld: %s: wanted %ld, got %ld",	\
			    where, (long)(i), what, __want, __got);	\
} while (0)

#define GK_EXPECT(call, i, what, got, want)				\
do {									\
	struct gk_call *__call = (call);				\
									\
	GK_EXPECT_EQ(__call->r->test, gk_where(__call), i, what, got, want); \
} while (0)

/* The same for what is no struct gk_call: @api is the function that was called. */
#define GK_EXPECT_AT(range, api, i, what, got, want)			\
do {									\
	struct gk_range *__range = (range);				\
									\
	GK_EXPECT_EQ(__range->test, gk_where_at(__range, api), i, what,	\
		     got, want);					\
} while (0)

/*
 * A case that kills a kernel without the fix: it skips itself when the rig
 * boots such a kernel for all the other cases, and is then booted alone.
 */
void gk_may_crash(struct kunit *test);

/* A pending SIGKILL, or another signal, for the running test thread. */
void gk_signal(int sig);
void gk_signal_clear(void);

/* A driver whose ->fault does as told, gk_drv.c. */
struct gk_drv {
	struct kunit *test;
	unsigned int order;
	unsigned int nr_folios;
	struct folio **folios;
	/* The answer of the next faults; 0: there is nothing to map, SIGBUS. */
	vm_fault_t (*fault)(struct gk_drv *drv, struct vm_fault *vmf);
	unsigned int faults;		/* calls of ->fault so far */
	unsigned int last_flags;	/* FAULT_FLAG_* of the last one */
	unsigned int left;		/* for the fault handler's own use */
};

struct gk_drv *gk_drv(struct kunit *test, unsigned int order, unsigned int nr);
/* A ->fault: the page that belongs there. */
vm_fault_t gk_drv_give(struct gk_drv *drv, struct vm_fault *vmf);
struct page *gk_drv_page(struct gk_drv *drv, unsigned int i);
void gk_drv_mmap(struct gk_range *r, struct gk_drv *drv, unsigned long prot,
		 unsigned long flags);
void gk_drv_mmap_at(struct gk_range *r, struct gk_drv *drv, unsigned long addr,
		    unsigned long prot, unsigned long flags);
/* One that inserts no page: each, of order 0, is asked for by a fault. */
struct gk_drv *gk_drv_mmap_lazy(struct gk_range *r,
				vm_fault_t (*fault)(struct gk_drv *drv,
						    struct vm_fault *vmf),
				unsigned long prot, unsigned long flags);
void gk_drv_insert(struct gk_range *r, unsigned int i, struct page *page);
void gk_drv_insert_leaf(struct gk_range *r, unsigned int i,
			struct folio *folio);
/* One block of memory, cut into folios: folio i has 2^orders[i] pages. */
struct page *gk_folios_in_a_row(struct kunit *test, const u8 *orders,
				unsigned int nr);
/* The driver behind a range that a gk_drv_* shape or gk_drv_mmap() mapped. */
struct gk_drv *gk_range_drv(struct gk_range *r);

#endif /* _GUP_KUNIT_GK_H */
