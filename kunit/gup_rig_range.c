// SPDX-License-Identifier: GPL-2.0
/* Ranges of user memory that GUP is called for: what it gives is kept and released. */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "gup_rig_range.h"
#ifdef GK_RANGES
#include <linux/page_range.h>
#endif

/* What get_user_pages_fast() and pin_user_pages_fast() take without a warning. */
#define FAST_FLAGS	(GUP_RIG_FOLL_WRITE | GUP_RIG_FOLL_FORCE | \
			 GUP_RIG_FOLL_NOFAULT | GUP_RIG_FOLL_PCI_P2PDMA | \
			 GUP_RIG_FOLL_HONOR_NUMA_FAULT)
/* And what the others take. FOLL_LONGTERM is for pins only. */
#define SLOW_FLAGS	(FAST_FLAGS | GUP_RIG_FOLL_DUMP | \
			 GUP_RIG_FOLL_NOWAIT | GUP_RIG_FOLL_HWPOISON | \
			 GUP_RIG_FOLL_ANON | GUP_RIG_FOLL_SPLIT_PMD | \
			 GUP_RIG_FOLL_INTERRUPTIBLE)

#define GET_PUTS	BIT(GUP_RIG_PUT_DEFAULT)
#define FOLIO_PUTS	(GET_PUTS | BIT(GUP_RIG_PUT_ONE))
#define PIN_PUTS	(FOLIO_PUTS | BIT(GUP_RIG_PUT_DIRTY) | \
			 BIT(GUP_RIG_PUT_RANGE) | BIT(GUP_RIG_PUT_RANGE_DIRTY))
#define DIRTY_PUTS	(BIT(GUP_RIG_PUT_DIRTY) | BIT(GUP_RIG_PUT_RANGE_DIRTY))

/* GUP_RIG_RUN_* for all, and for those that give something to hold. */
#define ANY_RUN		GUP_RIG_RUN_CONTINUE
#define PAGES_RUN	(ANY_RUN | GUP_RIG_RUN_HOLD)

const struct gup_rig_api gup_rig_apis[GUP_RIG_NR_APIS] = {
	[GUP_RIG_API_GET] = {
		.foll = SLOW_FLAGS, .run = PAGES_RUN,
		.puts = GET_PUTS, .locked = true },
	[GUP_RIG_API_PIN] = {
		.foll = SLOW_FLAGS | GUP_RIG_FOLL_LONGTERM, .run = PAGES_RUN,
		.puts = PIN_PUTS, .pins = true, .locked = true },
	[GUP_RIG_API_GET_FAST] = {
		.foll = FAST_FLAGS, .run = PAGES_RUN, .puts = GET_PUTS },
	[GUP_RIG_API_PIN_FAST] = {
		.foll = FAST_FLAGS | GUP_RIG_FOLL_LONGTERM, .run = PAGES_RUN,
		.puts = PIN_PUTS, .pins = true },
	[GUP_RIG_API_GET_FAST_ONLY] = {
		.foll = FAST_FLAGS, .run = PAGES_RUN | GUP_RIG_RUN_IRQS_OFF,
		.puts = GET_PUTS },
	[GUP_RIG_API_GET_UNLOCKED] = {
		.foll = SLOW_FLAGS, .run = PAGES_RUN, .puts = GET_PUTS },
	[GUP_RIG_API_PIN_UNLOCKED] = {
		.foll = SLOW_FLAGS | GUP_RIG_FOLL_LONGTERM, .run = PAGES_RUN,
		.puts = PIN_PUTS, .pins = true },
	[GUP_RIG_API_GET_REMOTE] = {
		.foll = SLOW_FLAGS, .run = PAGES_RUN | GUP_RIG_RUN_LOCKED,
		.puts = GET_PUTS, .locked = true },
	[GUP_RIG_API_PIN_REMOTE] = {
		.foll = SLOW_FLAGS | GUP_RIG_FOLL_LONGTERM,
		.run = PAGES_RUN | GUP_RIG_RUN_LOCKED,
		.puts = PIN_PUTS, .pins = true, .locked = true },
	[GUP_RIG_API_MEMFD] = {
		.foll = GUP_RIG_FOLL_WRITE, .run = PAGES_RUN,
		.puts = FOLIO_PUTS, .pins = true },
	[GUP_RIG_API_POPULATE] = {
		.foll = SLOW_FLAGS, .run = ANY_RUN, .locked = true },
	[GUP_RIG_API_FAULT] = {
		.foll = GUP_RIG_FOLL_WRITE, .run = ANY_RUN, .locked = true },
#ifdef GK_RANGES
	[GUP_RIG_API_PIN_RANGES] = {
		.foll = FAST_FLAGS | GUP_RIG_FOLL_LONGTERM, .run = PAGES_RUN,
		.puts = PIN_PUTS, .pins = true },
#endif
};

static const struct gup_rig_api *range_api(const struct gup_range *r)
{
	return &gup_rig_apis[r->api];
}

static unsigned int to_foll(u32 gup_flags)
{
	static const unsigned int foll[] = {
		[const_ilog2(GUP_RIG_FOLL_WRITE)] = FOLL_WRITE,
		[const_ilog2(GUP_RIG_FOLL_FORCE)] = FOLL_FORCE,
		[const_ilog2(GUP_RIG_FOLL_LONGTERM)] = FOLL_LONGTERM,
		[const_ilog2(GUP_RIG_FOLL_NOFAULT)] = FOLL_NOFAULT,
		[const_ilog2(GUP_RIG_FOLL_NOWAIT)] = FOLL_NOWAIT,
		[const_ilog2(GUP_RIG_FOLL_DUMP)] = FOLL_DUMP,
		[const_ilog2(GUP_RIG_FOLL_ANON)] = FOLL_ANON,
		[const_ilog2(GUP_RIG_FOLL_HWPOISON)] = FOLL_HWPOISON,
		[const_ilog2(GUP_RIG_FOLL_SPLIT_PMD)] = FOLL_SPLIT_PMD,
		[const_ilog2(GUP_RIG_FOLL_PCI_P2PDMA)] = FOLL_PCI_P2PDMA,
		[const_ilog2(GUP_RIG_FOLL_INTERRUPTIBLE)] = FOLL_INTERRUPTIBLE,
		[const_ilog2(GUP_RIG_FOLL_HONOR_NUMA_FAULT)] = FOLL_HONOR_NUMA_FAULT,
	};
	unsigned int i, ret = 0;

	for (i = 0; i < ARRAY_SIZE(foll); i++)
		if (gup_flags & BIT(i))
			ret |= foll[i];
	return ret;
}

/**
 * gup_rig_put_is_allowed() - can this be released so?
 * @api: GUP_RIG_API_*, one that exists
 * @gup_flags: GUP_RIG_FOLL_* that it was got with
 * @put: GUP_RIG_PUT_*, or anything else, which is not allowed
 */
bool gup_rig_put_is_allowed(u32 api, u32 gup_flags, u32 put)
{
	u32 puts = gup_rig_apis[api].puts | BIT(GUP_RIG_PUT_DEFAULT);

	if (!(gup_flags & GUP_RIG_FOLL_WRITE))
		puts &= ~DIRTY_PUTS;
	return put < 32 && (puts & BIT(put));
}

/**
 * gup_rig_alloc_array() - for arrays whose length the caller of the ioctl chose
 * @n: elements
 * @size: bytes of one
 *
 * That must neither warn nor call the OOM killer, and it is the caller's memory
 * cgroup that pays. Zeroed; kvfree() it. May sleep. NULL if there is no memory.
 */
void *gup_rig_alloc_array(unsigned long n, size_t size)
{
	return kvcalloc(n, size,
			GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
}

#ifdef GK_RANGES
static bool alloc_ranges(struct gup_range *r)
{
	r->ranges = gup_rig_alloc_array(r->nr_pages, sizeof(*r->ranges));
	return r->ranges;
}

/* Does a page go on where another one ends, in the same compound page? */
static bool goes_on(const struct page *page, const struct page *prev)
{
	return page == prev + 1 && PageTail(page);
}

/*
 * Take in the ranges of all calls so far, of which the last gave @nr pages: these go
 * to @pages. True if they are so many, and each range is as long as it can be.
 */
static bool take_ranges(const struct gup_range *r, struct page **pages,
			unsigned long nr)
{
	unsigned long i, j, done = 0, end = r->pages_done + nr;
	struct page *page, *prev = NULL;

	for (i = 0; i < r->nr_ranges; i++) {
		for (j = 0; j < r->ranges[i].nr_pages; j++, done++, prev = page) {
			page = r->ranges[i].page + j;
			if (done == end || (prev && goes_on(page, prev) != !!j))
				return false;
			if (done >= r->pages_done)
				pages[done - r->pages_done] = page;
		}
	}
	return done == end;
}

static long pin_ranges(struct gup_range *r, unsigned long addr, unsigned long nr,
		       struct page **pages)
{
	long ret;

	ret = pin_user_page_ranges_fast(addr, nr, r->foll, r->ranges, r->nr_pages,
					&r->nr_ranges);
	if (ret > 0 && !take_ranges(r, pages, ret))
		return -EUCLEAN;
	return ret;
}

static void put_ranges(struct gup_range *r)
{
	unpin_user_page_ranges(r->ranges, r->nr_ranges, false);
}
#else
static bool alloc_ranges(struct gup_range *r)
{
	return false;
}

static long pin_ranges(struct gup_range *r, unsigned long addr, unsigned long nr,
		       struct page **pages)
{
	return -EOPNOTSUPP;
}

static void put_ranges(struct gup_range *r)
{
}
#endif

static int range_alloc_arrays(struct gup_range *r)
{
	if (!range_api(r)->puts)
		return 0;
	r->pages = gup_rig_alloc_array(r->nr_pages, sizeof(*r->pages));
	if (!r->pages)
		return -ENOMEM;
	if (r->api == GUP_RIG_API_PIN_RANGES)
		return alloc_ranges(r) ? 0 : -ENOMEM;
	if (r->api != GUP_RIG_API_MEMFD)
		return 0;
	r->starts = gup_rig_alloc_array(r->nr_pages, sizeof(*r->starts));
	return r->starts ? 0 : -ENOMEM;
}

/* The memory is that of the process behind a pidfd. */
static int target_remote(struct gup_range *r, int fd)
{
	struct task_struct *task;
	struct mm_struct *mm;
	unsigned int flags;

	task = pidfd_get_task(fd, &flags);
	if (IS_ERR(task))
		return PTR_ERR(task);
	mm = mm_access(task, PTRACE_MODE_ATTACH_REALCREDS);
	put_task_struct(task);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	mmdrop(r->mm);
	mmgrab(mm);
	r->mm = mm;
	mmput(mm);
	return 0;
}

static int target_memfd(struct gup_range *r, int fd)
{
	bool write = r->gup_flags & GUP_RIG_FOLL_WRITE;
	long seals;

	r->file = fget(fd);
	if (!r->file)
		return -EBADF;
	if (!(r->file->f_mode & FMODE_READ) ||
	    (write && !(r->file->f_mode & FMODE_WRITE)))
		return -EBADF;
	/* Negative: no memfd, which memfd_pin_folios() has to say. */
	seals = memfd_fcntl(r->file, F_GET_SEALS, 0);
	if (write && seals > 0 && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	return 0;
}

static int target_range(struct gup_range *r, int fd)
{
	unsigned long end, size = r->nr_pages * PAGE_SIZE;

	if (r->api == GUP_RIG_API_MEMFD) {
		if (r->addr > MAX_LFS_FILESIZE - size)
			return -EOVERFLOW;
		return target_memfd(r, fd);
	}
	if (check_add_overflow(r->addr, size, &end))
		return -EOVERFLOW;
	if (r->api == GUP_RIG_API_GET_REMOTE || r->api == GUP_RIG_API_PIN_REMOTE)
		return target_remote(r, fd);
	return fd ? -EINVAL : 0;
}

static int range_init(struct gup_range *r, const struct gup_rig_run *run)
{
	int ret = range_alloc_arrays(r);

	if (!ret)
		ret = target_range(r, run->fd);
	if (!ret)
		ret = gup_look_alloc(r, run->nr_records);
	return ret;
}

/**
 * gup_range_new() - the range that a run is to work on
 * @run: checked, but for what it says about addresses and files
 *
 * Takes references to the mm and the file. May sleep. Returns -errno as in
 * gup_rig.h; to be freed with gup_range_free().
 */
struct gup_range *gup_range_new(const struct gup_rig_run *run)
{
	struct gup_range *r = kzalloc_obj(*r);
	int ret;

	if (!r)
		return ERR_PTR(-ENOMEM);
	r->api = run->api;
	r->gup_flags = run->gup_flags;
	r->foll = to_foll(run->gup_flags);
	r->run_flags = run->flags;
	r->addr = run->addr;
	r->nr_pages = run->nr_pages;
	r->per_call = run->nr_pages;
	if (run->pages_per_call)
		r->per_call = min(run->pages_per_call, run->nr_pages);
	if (run->api == GUP_RIG_API_FAULT)
		r->per_call = 1;
	r->mm = current->mm;
	mmgrab(r->mm);

	ret = range_init(r, run);
	if (ret) {
		gup_range_free(r);
		return ERR_PTR(ret);
	}
	return r;
}

/* Number of consecutive entries from @first on that were not released yet. */
static unsigned long held_stretch(const struct gup_range *r,
				  unsigned long first, unsigned long end)
{
	unsigned long i = first;

	while (i < end && r->pages[i])
		i++;
	return i - first;
}

static void put_default(struct gup_range *r, unsigned long first, unsigned long nr)
{
	unsigned long i;

	if (r->api == GUP_RIG_API_MEMFD)
		unpin_folios(r->folios + first, nr);
	else if (r->api == GUP_RIG_API_PIN_RANGES && nr == r->entries)
		put_ranges(r);
	else if (range_api(r)->pins)
		unpin_user_pages(r->pages + first, nr);
	else
		for (i = first; i < first + nr; i++)
			put_page(r->pages[i]);
}

static void put_one_by_one(struct gup_range *r, unsigned long first,
			   unsigned long nr)
{
	unsigned long i;

	for (i = first; i < first + nr; i++) {
		if (r->api == GUP_RIG_API_MEMFD)
			unpin_folio(r->folios[i]);
		else
			unpin_user_page(r->pages[i]);
	}
}

static void put_by_range(struct page **pages, unsigned long nr, bool dirty)
{
	unsigned long i, n;

	for (i = 0; i < nr; i += n) {
		n = num_pages_contiguous(pages + i, nr - i);
		unpin_user_page_range_dirty_lock(pages[i], n, dirty);
	}
}

static void put_entries(struct gup_range *r, unsigned int put,
			unsigned long first, unsigned long nr)
{
	switch (put) {
	case GUP_RIG_PUT_ONE:
		put_one_by_one(r, first, nr);
		break;
	case GUP_RIG_PUT_DIRTY:
		unpin_user_pages_dirty_lock(r->pages + first, nr, true);
		break;
	case GUP_RIG_PUT_RANGE:
	case GUP_RIG_PUT_RANGE_DIRTY:
		put_by_range(r->pages + first, nr,
			     put == GUP_RIG_PUT_RANGE_DIRTY);
		break;
	default:
		put_default(r, first, nr);
	}
}

/**
 * gup_range_release() - release a part of what is held, and remember that
 * @r: the range
 * @put: GUP_RIG_PUT_* that is allowed for it
 * @first: number of the first entry
 * @nr: entries, all of them within @r->entries; those released before are left alone
 *
 * May sleep. Returns how many entries it has released.
 */
unsigned long gup_range_release(struct gup_range *r, unsigned int put,
				unsigned long first, unsigned long nr)
{
	unsigned long i, n, before = r->held;

	for (i = first; i < first + nr; i += n ?: 1) {
		n = held_stretch(r, i, first + nr);
		if (!n)
			continue;
		put_entries(r, put, i, n);
		memset(r->pages + i, 0, n * sizeof(*r->pages));
		r->held -= n;
	}
	return before - r->held;
}

/**
 * gup_range_free() - release what is held, and everything else
 * @r: the range. May sleep.
 */
void gup_range_free(struct gup_range *r)
{
	if (r->held)
		gup_range_release(r, GUP_RIG_PUT_DEFAULT, 0, r->entries);
	if (r->file)
		fput(r->file);
	mmdrop(r->mm);
	gup_look_free(r);
	kvfree(r->starts);
	kvfree(r->ranges);
	kvfree(r->pages);
	kfree(r);
}

static int range_lock(struct gup_range *r)
{
	if (!range_api(r)->locked || r->locked)
		return 0;
	if (mmap_read_lock_killable(r->mm))
		return -EINTR;
	r->locked = 1;
	return 0;
}

static void range_unlock(struct gup_range *r)
{
	if (r->locked)
		mmap_read_unlock(r->mm);
	r->locked = 0;
}

static long fast_only(struct gup_range *r, unsigned long addr, unsigned long nr,
		      struct page **pages)
{
	unsigned long irqs;
	long ret;

	if (!(r->run_flags & GUP_RIG_RUN_IRQS_OFF))
		return get_user_pages_fast_only(addr, nr, r->foll, pages);

	local_irq_save(irqs);
	ret = get_user_pages_fast_only(addr, nr, r->foll, pages);
	local_irq_restore(irqs);
	return ret;
}

static long pin_memfd(struct gup_range *r, unsigned long pos, unsigned long nr)
{
	pgoff_t offset = 0;
	long ret;

	ret = memfd_pin_folios(r->file, pos, pos + nr * PAGE_SIZE - 1,
			       r->folios + r->entries, nr, &offset);
	if (ret > 0 && !r->entries)
		r->first_offset = offset;
	return ret;
}

static long fault_in_page(struct gup_range *r, unsigned long addr)
{
	bool unlocked = false;
	int ret;

	ret = fixup_user_fault(r->mm, addr,
			       r->foll & FOLL_WRITE ? FAULT_FLAG_WRITE : 0,
			       &unlocked);
	return ret ?: 1;
}

/* Returns what the function returns: entries or -errno. */
static long call_gup(struct gup_range *r, unsigned long nr)
{
	int *locked = r->run_flags & GUP_RIG_RUN_LOCKED ? &r->locked : NULL;
	unsigned long addr = r->addr + r->pages_done * PAGE_SIZE;
	struct page **pages = r->pages + r->entries;

	switch (r->api) {
	case GUP_RIG_API_GET:
		return get_user_pages(addr, nr, r->foll, pages);
	case GUP_RIG_API_PIN:
		return pin_user_pages(addr, nr, r->foll, pages);
	case GUP_RIG_API_GET_FAST:
		return get_user_pages_fast(addr, nr, r->foll, pages);
	case GUP_RIG_API_PIN_FAST:
		return pin_user_pages_fast(addr, nr, r->foll, pages);
	case GUP_RIG_API_GET_FAST_ONLY:
		return fast_only(r, addr, nr, pages);
	case GUP_RIG_API_GET_UNLOCKED:
		return get_user_pages_unlocked(addr, nr, pages, r->foll);
	case GUP_RIG_API_PIN_UNLOCKED:
		return pin_user_pages_unlocked(addr, nr, pages, r->foll);
	case GUP_RIG_API_GET_REMOTE:
		return get_user_pages_remote(r->mm, addr, nr, r->foll, pages,
					     locked);
	case GUP_RIG_API_PIN_REMOTE:
		return pin_user_pages_remote(r->mm, addr, nr, r->foll, pages,
					     locked);
	case GUP_RIG_API_MEMFD:
		return pin_memfd(r, addr, nr);
	case GUP_RIG_API_POPULATE:
		return get_user_pages(addr, nr, r->foll, NULL);
	case GUP_RIG_API_FAULT:
		return fault_in_page(r, addr);
	case GUP_RIG_API_PIN_RANGES:
		return pin_ranges(r, addr, nr, pages);
	}
	return -EINVAL;
}

/*
 * How many of the @nr pages from number @page on are in this folio? None, if it
 * is not the one that belongs there.
 */
static unsigned long pages_in_folio(struct gup_range *r, struct folio *folio,
				    unsigned long page, unsigned long nr)
{
	pgoff_t index = (r->addr >> PAGE_SHIFT) + page;

	/* It may have been truncated since: then it has no mapping any more. */
	if (folio->mapping && folio->mapping != r->file->f_mapping)
		return 0;
	if (index - folio->index >= folio_nr_pages(folio))
		return 0;
	return min(nr, folio_next_index(folio) - index);
}

/*
 * Take in what a call for @nr pages gave; returns the pages that this is. None,
 * if there is a wrong folio among it: then nobody can go on behind them.
 */
static unsigned long add_entries(struct gup_range *r, unsigned long got,
				 unsigned long nr)
{
	unsigned long i, n, done = 0;
	bool wrong = false;

	if (!range_api(r)->puts)
		return got;

	for (i = r->entries; i < min(r->entries + got, r->nr_records); i++)
		r->records[i].call = r->pass_calls - 1;

	r->entries += got;
	r->held += got;
	if (r->api != GUP_RIG_API_MEMFD)
		return got;

	for (i = r->entries - got; i < r->entries; i++) {
		/* There may be more of them than there are pages. */
		r->starts[i] = min(r->pages_done + done, r->nr_pages - 1);
		n = pages_in_folio(r, r->folios[i], r->starts[i], nr - done);
		if (!n)
			wrong = true;
		done += n;
	}
	return wrong ? 0 : done;
}

/* Returns 0, also if GUP failed, or -EINTR. */
static int get_pages_of_pass(struct gup_range *r)
{
	unsigned long want, done;
	long got;

	r->entries = 0;
	r->nr_ranges = 0;
	r->pages_done = 0;
	r->pass_calls = 0;
	for (;;) {
		want = min(r->per_call, r->nr_pages - r->pages_done);
		got = call_gup(r, want);
		r->pass_calls++;
		if (got <= 0) {
			r->error = got;
			return 0;
		}
		done = add_entries(r, got, want);
		r->pages_done += done;
		if (r->pages_done >= r->nr_pages)
			return 0;
		if (done < want &&
		    (!done || !(r->run_flags & GUP_RIG_RUN_CONTINUE)))
			return 0;
		if (signal_pending(current) || range_lock(r))
			return -EINTR;
	}
}

/**
 * gup_range_get() - one pass over the range: get its pages, and take the time
 * @r: the range, of which nothing is held; its mm cannot go away
 *
 * Takes mmap_lock for reading, if the function wants that. May sleep. Returns 0, also
 * if GUP failed, or -EINTR; either way what was got is held.
 */
int gup_range_get(struct gup_range *r)
{
	ktime_t start;
	int ret;

	ret = range_lock(r);
	if (ret)
		return ret;
	start = ktime_get();
	ret = get_pages_of_pass(r);
	r->get_ns += ktime_to_ns(ktime_sub(ktime_get(), start));
	range_unlock(r);
	r->calls += r->pass_calls;
	return ret;
}

/**
 * gup_range_put() - put what the pass got, and take the time
 * @r: the range. May sleep.
 * @put: GUP_RIG_PUT_* that is allowed for it
 */
void gup_range_put(struct gup_range *r, unsigned int put)
{
	ktime_t start = ktime_get();

	if (r->held)
		put_entries(r, put, 0, r->entries);
	r->put_ns += ktime_to_ns(ktime_sub(ktime_get(), start));
	r->held = 0;
}

/**
 * gup_range_is_complete() - did the last pass get all pages?
 * @r: the range
 */
bool gup_range_is_complete(const struct gup_range *r)
{
	return !r->error && r->pages_done == r->nr_pages;
}

/**
 * gup_range_start() - number of the page in the range at which an entry starts
 * @r: the range
 * @i: number of the entry, below @r->entries
 */
unsigned long gup_range_start(const struct gup_range *r, unsigned long i)
{
	return r->api == GUP_RIG_API_MEMFD ? r->starts[i] : i;
}

/**
 * gup_range_page() - the first page of an entry that is in the range
 * @r: the range
 * @i: number of the entry, which is held
 */
struct page *gup_range_page(struct gup_range *r, unsigned long i)
{
	struct folio *folio;
	pgoff_t n;

	if (r->api != GUP_RIG_API_MEMFD)
		return r->pages[i];
	folio = r->folios[i];
	n = (r->addr >> PAGE_SHIFT) + r->starts[i] - folio->index;
	/* The wrong folio? Then say that it is here, but do not go astray. */
	return folio_page(folio, n < folio_nr_pages(folio) ? n : 0);
}

static u64 entry_size(struct gup_range *r, unsigned long i)
{
	if (r->api != GUP_RIG_API_MEMFD)
		return PAGE_SIZE;
	return folio_size(r->folios[i]);
}

/* The page of entry @i that holds byte @offset of it. */
static struct page *entry_page_at(struct gup_range *r, unsigned long i,
				  unsigned long offset)
{
	if (r->api != GUP_RIG_API_MEMFD)
		return r->pages[i];
	return folio_page(r->folios[i], offset >> PAGE_SHIFT);
}

/**
 * gup_range_check_bytes() - are there so many bytes, and none of them released?
 * @r: the range
 * @first: number of the entry in which they start
 * @offset: bytes into it
 * @len: bytes
 *
 * Returns 0, -ERANGE or -ENODATA.
 */
int gup_range_check_bytes(struct gup_range *r, unsigned long first, u64 offset, u64 len)
{
	u64 size, left = len;
	unsigned long i;

	for (i = first; i < r->entries; i++, offset = 0) {
		if (!r->pages[i])
			return -ENODATA;
		size = entry_size(r, i);
		if (offset >= size)
			return -ERANGE;
		if (left <= size - offset)
			return 0;
		left -= size - offset;
		cond_resched();
	}
	return -ERANGE;
}

static int copy_part(struct page *page, unsigned int offset, void __user *buf,
		     unsigned int len, bool write)
{
	char *kaddr = kmap_local_page(page);
	unsigned long left;

	if (write) {
		left = copy_from_user(kaddr + offset, buf, len);
		flush_dcache_page(page);
	} else {
		flush_dcache_page(page);
		left = copy_to_user(buf, kaddr + offset, len);
	}
	kunmap_local(kaddr);
	return left ? -EFAULT : 0;
}

/**
 * gup_range_copy() - copy between the caller and what is held
 * @r: the range
 * @first: number of the entry in which to start
 * @offset: bytes into it
 * @buf: of the caller
 * @len: bytes, at least 1: gup_range_check_bytes() has found them
 * @write: to the pages, else from them
 *
 * May sleep. Returns 0, -EFAULT or -EINTR.
 */
int gup_range_copy(struct gup_range *r, unsigned long first, u64 offset,
		   void __user *buf, u64 len, bool write)
{
	unsigned long i = first;
	unsigned int n;
	int ret;

	while (len) {
		if (offset == entry_size(r, i)) {
			offset = 0;
			i++;
		}
		n = min(len, PAGE_SIZE - offset_in_page(offset));
		ret = copy_part(entry_page_at(r, i, offset),
				offset_in_page(offset), buf, n, write);
		if (ret)
			return ret;
		offset += n;
		buf += n;
		len -= n;
		if (len && signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}
