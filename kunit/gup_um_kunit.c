// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of ARCH=um, and what the host has mapped because of them.
 *
 * On um a page table is a list of wishes: um_tlb_sync() makes the host map what
 * an entry says. A process runs on what the host has, the kernel on what the
 * entries say. GUP is right only as long as both are the same, so these cases
 * read the mappings of the host, of the process that stands for the test's mm.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/mman.h>
#include <linux/pgalloc.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <linux/processor.h>
#include <asm/tlbflush.h>
#include <kern_util.h>
#include <os.h>
#include <skas.h>

#include "gk.h"

/* One mapping of the host, a line of its /proc/PID/maps. */
struct um_map {
	unsigned long start, end, offset;
	char perms[5];
};

struct um_host {
	struct kunit *test;
	unsigned int nr;
	struct um_map maps[1024];
};

/* Have the host do at once what it would do before the process runs again. */
static void um_sync(struct kunit *test, struct mm_struct *mm)
{
	int ret;

	enter_turnstile(&mm->context.id);
	ret = um_tlb_sync(mm) ?: syscall_stub_flush(&mm->context.id);
	exit_turnstile(&mm->context.id);
	KUNIT_ASSERT_EQ(test, ret, 0);
}

static char *um_read_maps(struct kunit *test, int pid)
{
	const int size = 256 * 1024;
	char *text = kunit_kzalloc(test, size, GFP_KERNEL);
	int fd, got, have = 0;
	char path[32];

	KUNIT_ASSERT_NOT_NULL(test, text);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = os_open_file(path, of_read(OPENFLAGS()), 0);
	KUNIT_ASSERT_GE_MSG(test, fd, 0, "%s: %d", path, fd);
	do {
		got = os_read_file(fd, text + have, size - 1 - have);
		have += max(got, 0);
	} while (got > 0);
	os_close_file(fd);
	KUNIT_ASSERT_EQ(test, got, 0);
	return text;
}

/* What the host has mapped in [@start, @end). */
static struct um_host *um_host(struct kunit *test, struct mm_struct *mm,
			       unsigned long start, unsigned long end)
{
	struct um_host *host = kunit_kzalloc(test, sizeof(*host), GFP_KERNEL);
	char *text = um_read_maps(test, mm->context.id.pid), *rest = text, *line;
	struct um_map map;

	KUNIT_ASSERT_NOT_NULL(test, host);
	host->test = test;
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%lx-%lx %4s %lx", &map.start, &map.end,
			   map.perms, &map.offset) != 4)
			continue;
		if (map.end <= start || map.start >= end)
			continue;
		KUNIT_ASSERT_LT(test, host->nr, ARRAY_SIZE(host->maps));
		host->maps[host->nr++] = map;
	}
	kunit_kfree(test, text);
	return host;
}

static struct um_host *um_host_of(struct gk_range *r)
{
	return um_host(r->test, r->mm, r->addr, gk_addr(r, r->nr));
}

static const struct um_map *um_map_at(const struct um_host *host,
				      unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < host->nr; i++)
		if (addr >= host->maps[i].start && addr < host->maps[i].end)
			return &host->maps[i];
	return NULL;
}

/* The bytes of [@start, @end) that the host has mapped. */
static unsigned long um_mapped(const struct um_host *host, unsigned long start,
			       unsigned long end)
{
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < host->nr; i++)
		sum += min(host->maps[i].end, end) -
		       max(host->maps[i].start, start);
	return sum;
}

/* At page @i the host has what the entry says, with @perms. */
static void um_expect_page(struct gk_range *r, const struct um_host *host,
			   unsigned int i, const char *perms)
{
	const struct um_map *map = um_map_at(host, gk_addr(r, i));
	struct page *page = gk_page(r, i);

	if (!map || !page) {
		KUNIT_FAIL(r->test, "page %u: wanted %s, host has %s, entry has %s",
			   i, perms, map ? map->perms : "nothing",
			   page ? "a page" : "nothing");
		return;
	}
	KUNIT_EXPECT_STREQ_MSG(r->test, map->perms, perms, "page %u", i);
	KUNIT_EXPECT_EQ_MSG(r->test, map->offset + gk_addr(r, i) - map->start,
			    page_to_phys(page), "page %u: physical address", i);
}

static void um_expect_nothing(struct gk_range *r, const struct um_host *host,
			      unsigned int i)
{
	const struct um_map *map = um_map_at(host, gk_addr(r, i));

	KUNIT_EXPECT_NULL_MSG(r->test, map, "page %u: the host has %s there", i,
			      map ? map->perms : "");
}

/* Of all that @r maps the host has page @i, and nothing else. */
static void um_expect_only(struct gk_range *r, unsigned int i)
{
	struct um_host *host;

	um_sync(r->test, r->mm);
	host = um_host_of(r);
	um_expect_page(r, host, i, "rwxs");
	KUNIT_EXPECT_EQ(r->test, um_mapped(host, r->addr, gk_addr(r, r->nr)), PAGE_SIZE);
}

/* Pages with the entries that a process gets by writing. */
static void gup_um_written(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct um_host *host;
	unsigned int i;

	um_sync(test, r->mm);
	host = um_host_of(r);
	for (i = 0; i < r->nr; i++)
		um_expect_page(r, host, i, "rwxs");
}

/* Pages in a row are one mapping of the host. */
static void gup_um_in_a_row(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 16);

	um_sync(test, r->mm);
	gk_fault(r, 0, r->nr, true);
	um_sync(test, r->mm);
	KUNIT_EXPECT_EQ(test, um_host_of(r)->nr, 1);
}

/* Entries of every kind side by side, changed with and without a sync between. */
static void gup_um_mixed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct um_host *host;
	unsigned int round;

	for (round = 0; round < 2; round++) {
		if (round)
			um_sync(test, r->mm);
		gk_set_dirty_pte(r, 1, false);
		gk_set_young_pte(r, 2, false);
		gk_wrprotect_ptes(r, 3, 1);
		gk_protect(r, 4, 1, PROT_READ);
		gk_protect(r, 5, 1, PROT_NONE);
		gk_unmap(r, 6, 1);
		um_sync(test, r->mm);
		host = um_host_of(r);
		um_expect_page(r, host, 0, "rwxs");
		um_expect_page(r, host, 1, "r-xs");
		um_expect_page(r, host, 2, "--xs");
		um_expect_page(r, host, 3, "r-xs");
		um_expect_page(r, host, 4, "r-xs");
		um_expect_page(r, host, 5, "---s");
		um_expect_nothing(r, host, 6);
		um_expect_page(r, host, 7, "rwxs");
		r = gk_map(test, &gk_anon_written, 0);
	}
}

/* Where nothing else is, so that tables come and go with what is mapped. */
#define UM_FAR	(16 * PGDIR_SIZE)

static void um_map_far(struct gk_range *r)
{
	gk_mmap_anon(r, UM_FAR, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	gk_fault(r, 0, r->nr, true);
}

static const struct gk_shape um_far = {
	.name = "um_far", .nr = 2 * PTRS_PER_PTE, .map = um_map_far,
};

/*
 * What was unmapped together with its page tables is gone from the host, although
 * there are tables in the same place again before the host is told.
 */
static void gup_um_tables_again(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &um_far, 0);
	unsigned long start = r->addr, end = gk_addr(r, r->nr);
	struct um_host *host;

	um_sync(test, r->mm);
	host = um_host(test, r->mm, start, end);
	KUNIT_EXPECT_EQ(test, um_mapped(host, start, end), end - start);
	gk_unmap(r, 0, r->nr);
	r = gk_map(test, &um_far, 1);
	um_sync(test, r->mm);
	host = um_host(test, r->mm, start, end);
	KUNIT_EXPECT_EQ(test, um_mapped(host, start, end), PAGE_SIZE);
	um_expect_page(r, host, 0, "rwxs");
}

/* A sync comes when munmap() has told of a part of its range only, then of the rest. */
static void gup_um_tables_in_parts(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &um_far, 0);
	unsigned long start = r->addr, end = gk_addr(r, r->nr);
	struct mm_struct *mm = r->mm;

	um_sync(test, mm);
	gk_unmap(r, 0, r->nr);
	scoped_guard(spinlock_irqsave, &mm->context.sync_tlb_lock) {
		mm->context.sync_tlb_range_from = start + 7 * PAGE_SIZE;
		mm->context.sync_tlb_range_to = start + 8 * PAGE_SIZE;
	}
	um_sync(test, mm);
	um_tlb_mark_sync(mm, start, end);
	um_sync(test, mm);
	KUNIT_EXPECT_EQ(test, um_host(test, mm, start, end)->nr, 0);
}

/* As gup_um_tables_again, for a table that MADV_DONTNEED leaves empty and frees. */
static void gup_um_table_reclaimed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &um_far, 0);

	um_sync(test, r->mm);
	gk_madvise(r, 0, r->nr, MADV_DONTNEED);
	gk_store(r, 0, 1);
	um_expect_only(r, 0);
}

/* What the kernel writes for a process is dirty, or reclaim would drop it. */
static void gup_um_copy_dirties(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);

	gk_set_dirty_pte(r, 0, false);
	gk_store(r, 0, 'd');
	KUNIT_EXPECT_TRUE(test, pte_dirty(gk_pte(r, 0)));
	gk_set_dirty_pte(r, 1, false);
	KUNIT_EXPECT_EQ(test, gk_load(r, 1), 0);
	KUNIT_EXPECT_FALSE(test, pte_dirty(gk_pte(r, 1)));
}

/*
 * A thread of the process runs, on another CPU if there is one, while its memory is
 * changed: what was taken from it, it must not write to any more, and neither may the
 * kernel on its behalf.
 */

/* incq (%rdi); jmp to it */
static const u8 um_program[] = { 0x48, 0xff, 0x07, 0xeb, 0xfb };

#define UM_ROUNDS	10
#define UM_COPIES	50000

/**
 * struct um_thread - one that counts in page 1 of a range
 * @r: the range
 * @run: how
 * @code: where um_program is
 * @source: what the kernel copies from, a page of its own at an address of vmap()
 * @counter: the same at its usual address
 * @bound: what set_cpus_allowed_ptr() said
 */
struct um_thread {
	struct gk_range *r;
	int (*run)(struct um_thread *thread);
	unsigned long code;
	void *source;
	u64 *counter;
	int bound;
	struct task_struct *task;
	struct completion ready;
};

/* It becomes a program. */
static int um_thread_runs(struct um_thread *thread)
{
	start_thread(&current->thread.regs, thread->code, 0);
	current->thread.regs.regs.gp[HOST_DI] = gk_addr(thread->r, 1);
	return 0;
}

/* Whoever reads at @addr next waits for the host, which has nothing mapped there yet. */
static void um_make_slow(unsigned long addr)
{
	pte_t *ptep = virt_to_kpte(addr), pte = *ptep;

	pte_clear(&init_mm, addr, ptep);
	flush_tlb_kernel_range(addr, addr + PAGE_SIZE);
	set_pte_at(&init_mm, addr, ptep, pte);
}

static bool um_copy(struct um_thread *thread, const void *from)
{
	++*thread->counter;
	cond_resched();
	return !fatal_signal_pending(current) &&
	       !copy_to_user((void __user *)gk_addr(thread->r, 1), from, sizeof(u64));
}

/* It has the kernel copy, and spends its time in between lookup and copy. */
static int um_thread_copies(struct um_thread *thread)
{
	do {
		um_make_slow((unsigned long)thread->source);
	} while (um_copy(thread, thread->source));
	do_exit(0);
}

/* It spends its time in between fault and lookup. */
static int um_thread_faults(struct um_thread *thread)
{
	while (um_copy(thread, thread->counter))
		;
	do_exit(0);
}

static int um_thread_main(void *arg)
{
	struct um_thread *thread = arg;

	/* Threads of the kernel ignore all signals, and so would it. */
	flush_signal_handlers(current, 1);
	thread->bound = set_cpus_allowed_ptr(current, cpumask_of(num_online_cpus() - 1));
	thread->task = get_task_struct(current);
	complete(&thread->ready);
	return thread->run(thread);
}

static bool um_thread_ended(struct um_thread *thread)
{
	return READ_ONCE(thread->task->exit_state);
}

static void um_thread_end(void *arg)
{
	struct um_thread *thread = arg;

	send_sig(SIGKILL, thread->task, 1);
	while (!um_thread_ended(thread))
		schedule_timeout_uninterruptible(1);
	put_task_struct(thread->task);
}

static void um_thread_load(struct um_thread *thread)
{
	struct kunit *test = thread->r->test;
	struct gk_range *program = gk_map(test, &gk_anon_written, 1);

	thread->code = program->addr;
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)program->addr, um_program,
					   sizeof(um_program)), 0);
}

static void um_source_end(void *arg)
{
	struct um_thread *thread = arg;

	vunmap(thread->source);
	free_page((unsigned long)thread->counter);
}

static void um_source_start(struct um_thread *thread)
{
	struct kunit *test = thread->r->test;
	struct page *page;

	thread->counter = (u64 *)get_zeroed_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, thread->counter);
	page = virt_to_page(thread->counter);
	thread->source = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, um_source_end, thread));
	KUNIT_ASSERT_NOT_NULL(test, thread->source);
}

static struct um_thread *um_thread_start(struct gk_range *r,
					 int (*run)(struct um_thread *thread))
{
	struct um_thread *thread = kunit_kzalloc(r->test, sizeof(*thread), GFP_KERNEL);
	struct kernel_clone_args args = {
		.flags = CLONE_VM | CLONE_UNTRACED,
		.exit_signal = SIGCHLD,
		.fn = um_thread_main,
		.fn_arg = thread,
	};

	KUNIT_ASSERT_NOT_NULL(r->test, thread);
	thread->r = r;
	thread->run = run;
	um_thread_load(thread);
	um_source_start(thread);
	init_completion(&thread->ready);
	if (IS_ENABLED(CONFIG_SMP))
		KUNIT_ASSERT_GT(r->test, num_online_cpus(), 1);
	KUNIT_ASSERT_EQ(r->test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	KUNIT_ASSERT_GT(r->test, kernel_clone(&args), 0);
	wait_for_completion(&thread->ready);
	KUNIT_ASSERT_EQ(r->test, 0, kunit_add_action_or_reset(r->test, um_thread_end,
							      thread));
	KUNIT_ASSERT_EQ(r->test, thread->bound, 0);
	return thread;
}

/*
 * The page that the thread counts in, with a reference. If a leaf is wanted and there
 * was none to be had, or the thread has come before its empty table was gone: again.
 */
static struct page *um_thread_page(struct um_thread *thread, bool leaf)
{
	struct gk_range *r = thread->r;
	unsigned int tries = 1000;
	struct page *page;
	u64 *counter, was;
	bool counts;

	do {
		page = gk_page(r, 1);
		if (page) {
			get_page(page);
			counter = page_address(page);
			was = READ_ONCE(*counter);
			schedule_timeout_uninterruptible(1);
			counts = was != READ_ONCE(*counter);
			if (counts && gk_is_leaf(r, 1) == leaf)
				return page;
			put_page(page);
			if (counts) {
				KUNIT_ASSERT_GT(r->test, tries--, 0);
				gk_madvise(r, 0, r->nr, MADV_DONTNEED);
			}
		}
		schedule_timeout_uninterruptible(1);
		KUNIT_ASSERT_FALSE(r->test, um_thread_ended(thread));
	} while (true);
}

static void um_expect_still(struct kunit *test, struct page *page)
{
	u64 *counter = page_address(page), was = READ_ONCE(*counter), is;

	usleep_range(200, 400);
	is = READ_ONCE(*counter);
	KUNIT_EXPECT_EQ(test, is, was);
	put_page(page);
}

static void um_take_from_thread(struct gk_range *r, bool leaf,
				int (*run)(struct um_thread *thread))
{
	struct um_thread *thread = um_thread_start(r, run);
	struct gk_child *child;
	struct page *page;
	unsigned int i;

	for (i = 0; i < UM_ROUNDS; i++) {
		page = um_thread_page(thread, leaf);
		gk_madvise(r, 0, r->nr, MADV_DONTNEED);
		um_expect_still(r->test, page);
	}
	for (i = 0; i < UM_ROUNDS; i++) {
		page = um_thread_page(thread, leaf);
		child = gk_fork(r->test);
		um_expect_still(r->test, page);
		gk_child_exit(r->test, child);
		/* What was shared, and a leaf, is a page table by now. */
		gk_madvise(r, 0, r->nr, MADV_DONTNEED);
	}
}

static void gup_um_running(struct kunit *test)
{
	um_take_from_thread(gk_map(test, &gk_anon_written, 0), false, um_thread_runs);
}

static void gup_um_copying(struct kunit *test)
{
	um_take_from_thread(gk_map(test, &gk_anon_written, 0), false, um_thread_copies);
}

/* A copy does not fail because the page that it has faulted in is taken again. */
static void gup_um_copy_again(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct um_thread *thread = um_thread_start(r, um_thread_faults);

	while (READ_ONCE(*thread->counter) < UM_COPIES) {
		gk_madvise(r, 1, 1, MADV_DONTNEED);
		KUNIT_ASSERT_FALSE(test, um_thread_ended(thread));
		cond_resched();
	}
}

#if defined(CONFIG_GUP_ZOO_THP) || defined(CONFIG_GUP_ZOO_HUGETLB)
static pmd_t *um_leaf(struct gk_range *r)
{
	return pmd_off(r->mm, r->addr);
}

static void um_expect_pages(struct gk_range *r, const char *perms)
{
	struct um_host *host;
	unsigned int i;

	um_sync(r->test, r->mm);
	host = um_host_of(r);
	for (i = 0; i < r->nr; i++)
		um_expect_page(r, host, i, perms);
}

/* A leaf is one mapping of the host, of all of its pages. */
static void um_expect_leaf(struct gk_range *r, const char *perms)
{
	KUNIT_EXPECT_TRUE(r->test, pmd_leaf(*um_leaf(r)));
	um_expect_pages(r, perms);
	KUNIT_EXPECT_EQ(r->test, um_host_of(r)->nr, 1);
}
#endif

#ifdef CONFIG_GUP_ZOO_HUGETLB
static void gup_um_leaf_hugetlb(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_hugetlb, 0);
	unsigned long start = r->addr, end = gk_addr(r, r->nr);

	um_expect_leaf(r, "rwxs");
	gk_protect(r, 0, r->nr, PROT_READ);
	um_expect_leaf(r, "r-xs");
	gk_unmap(r, 0, r->nr);
	um_sync(test, r->mm);
	KUNIT_EXPECT_EQ(test, um_host(test, r->mm, start, end)->nr, 0);
}
#endif

#ifdef CONFIG_GUP_ZOO_THP
static void gup_um_running_leaf(struct kunit *test)
{
	um_take_from_thread(gk_map(test, &gk_thp, 0), true, um_thread_runs);
}

static void gup_um_copying_leaf(struct kunit *test)
{
	um_take_from_thread(gk_map(test, &gk_thp, 0), true, um_thread_copies);
}

static struct gk_range *um_map_leaf(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp, 0);

	um_sync(test, r->mm);
	return r;
}

static void gup_um_leaf(struct kunit *test)
{
	um_expect_leaf(um_map_leaf(test), "rwxs");
}

static void um_change_leaf(struct gk_range *r, pmd_t (*change)(pmd_t pmd))
{
	pmd_t *pmd = um_leaf(r);
	spinlock_t *ptl = pmd_lockptr(r->mm, pmd);

	mmap_read_lock(r->mm);
	spin_lock(ptl);
	set_pmd_at(r->mm, r->addr, pmd, change(*pmd));
	spin_unlock(ptl);
	mmap_read_unlock(r->mm);
}

/* The host may do with a leaf what its entry says. */
static void gup_um_leaf_perms(struct kunit *test)
{
	struct gk_range *r = um_map_leaf(test);

	um_change_leaf(r, pmd_mkclean);
	um_expect_leaf(r, "r-xs");
	um_change_leaf(r, pmd_mkdirty);
	um_expect_leaf(r, "rwxs");
	um_change_leaf(r, pmd_mkold);
	um_expect_leaf(r, "--xs");
	um_change_leaf(r, pmd_mkyoung);
	um_change_leaf(r, pmd_wrprotect);
	um_expect_leaf(r, "r-xs");
	gk_fault(r, 5, 1, true);
	um_expect_leaf(r, "rwxs");
	gk_protect(r, 0, r->nr, PROT_NONE);
	um_expect_leaf(r, "---s");
	gk_protect(r, 0, r->nr, PROT_READ);
	um_expect_leaf(r, "r-xs");
}

/* While a leaf is invalid it is present for the kernel, and not for the host. */
static void gup_um_leaf_invalid(struct kunit *test)
{
	struct gk_range *r = um_map_leaf(test);
	pmd_t was = *um_leaf(r);

	um_change_leaf(r, pmd_mkinvalid);
	KUNIT_EXPECT_TRUE(test, pmd_present(*um_leaf(r)));
	KUNIT_EXPECT_FALSE(test, pmd_access_permitted(*um_leaf(r), false));
	um_sync(test, r->mm);
	KUNIT_EXPECT_EQ(test, um_host_of(r)->nr, 0);
	mmap_read_lock(r->mm);
	set_pmd_at(r->mm, r->addr, um_leaf(r), was);
	mmap_read_unlock(r->mm);
	um_expect_leaf(r, "rwxs");
}

/* A leaf that is gone is gone as a whole, whatever page of it is synced first. */
static void gup_um_leaf_cleared(struct kunit *test)
{
	struct gk_range *r = um_map_leaf(test);
	pmd_t *pmd = um_leaf(r), was;
	spinlock_t *ptl = pmd_lockptr(r->mm, pmd);

	spin_lock(ptl);
	was = pmdp_huge_get_and_clear(r->mm, r->addr, pmd);
	spin_unlock(ptl);
	um_tlb_mark_sync(r->mm, gk_addr(r, 7), gk_addr(r, 8));
	um_sync(test, r->mm);
	KUNIT_EXPECT_EQ(test, um_host_of(r)->nr, 0);
	spin_lock(ptl);
	set_pmd_at(r->mm, r->addr, pmd, was);
	spin_unlock(ptl);
	um_expect_leaf(r, "rwxs");
}

/* A page table comes into the place of a leaf before the host is told. */
static void gup_um_leaf_then_table(struct kunit *test)
{
	struct gk_range *r = um_map_leaf(test);

	gk_madvise(r, 0, r->nr, MADV_DONTNEED);
	gk_madvise(r, 0, r->nr, MADV_NOHUGEPAGE);
	gk_fault(r, 9, 1, true);
	um_expect_only(r, 9);
}

static void gup_um_leaf_split(struct kunit *test)
{
	struct gk_range *r = um_map_leaf(test);
	unsigned int half = r->nr / 2;
	struct um_host *host;
	unsigned int i;

	gk_madvise(r, half, half / 2, MADV_DONTNEED);
	KUNIT_EXPECT_FALSE(test, pmd_leaf(*um_leaf(r)));
	um_sync(test, r->mm);
	host = um_host_of(r);
	for (i = 0; i < r->nr; i++)
		if (i < half || i >= half + half / 2)
			um_expect_page(r, host, i, "rwxs");
	KUNIT_EXPECT_EQ(test, um_mapped(host, r->addr, gk_addr(r, r->nr)),
			(r->nr - half / 2) * PAGE_SIZE);
}

static void gup_um_leaf_collapsed(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp_split, 0);
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_store(r, i, i);
	um_expect_pages(r, "rwxs");
	gk_madvise(r, 0, r->nr, MADV_COLLAPSE);
	um_expect_leaf(r, "rwxs");
	for (i = 0; i < r->nr; i++)
		KUNIT_EXPECT_EQ(test, gk_load(r, i), (u8)i);
}

static pmd_t um_take_table(struct gk_range *r)
{
	pmd_t *pmd = um_leaf(r), was;
	spinlock_t *ptl = pmd_lockptr(r->mm, pmd);

	mmap_write_lock(r->mm);
	spin_lock(ptl);
	was = pmdp_collapse_flush(gk_vma(r, 0), r->addr, pmd);
	spin_unlock(ptl);
	mmap_write_unlock(r->mm);
	return was;
}

static void um_put_table(struct gk_range *r, pmd_t was)
{
	pmd_t *pmd = um_leaf(r);
	spinlock_t *ptl = pmd_lockptr(r->mm, pmd);

	spin_lock(ptl);
	pmd_populate(r->mm, pmd, pmd_pgtable(was));
	spin_unlock(ptl);
}

/*
 * khugepaged takes a page table out and puts it back, if it finds that it must not
 * collapse it, or has collapsed less than all. If the host was told in between, the
 * next fault has to bring it back.
 */
static void gup_um_table_put_back(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp_ptes, 0);
	struct um_host *host;
	pmd_t was;
	int code;

	um_expect_pages(r, "rwxs");
	was = um_take_table(r);
	um_sync(test, r->mm);
	KUNIT_EXPECT_EQ(test, um_host_of(r)->nr, 0);
	um_put_table(r, was);
	KUNIT_EXPECT_EQ(test, 0, handle_page_fault(gk_addr(r, 3), 0, 0, 1,
						   &code));
	um_sync(test, r->mm);
	host = um_host_of(r);
	um_expect_page(r, host, 3, "rwxs");
}

/* copy_to_user() and copy_from_user() of what lies across pages of a leaf. */
static void gup_um_leaf_copy(struct kunit *test)
{
	static const char text[] = "from page to page";
	struct gk_range *r = um_map_leaf(test);
	u8 __user *at = (u8 __user *)gk_addr(r, 4) - 8;
	char back[sizeof(text)] = "";

	KUNIT_EXPECT_EQ(test, copy_to_user(at, text, sizeof(text)), 0);
	KUNIT_EXPECT_EQ(test, copy_from_user(back, at, sizeof(text)), 0);
	KUNIT_EXPECT_STREQ(test, back, text);
	KUNIT_EXPECT_MEMEQ(test, page_address(gk_page(r, 4)), text + 8,
			   sizeof(text) - 8);
	KUNIT_EXPECT_EQ(test, strnlen_user(at, 64), sizeof(text));
	KUNIT_EXPECT_EQ(test, strncpy_from_user(back, at, sizeof(back)),
			sizeof(text) - 1);
	KUNIT_EXPECT_EQ(test, clear_user(at, sizeof(text)), 0);
	KUNIT_EXPECT_EQ(test, gk_load(r, 4), 0);
	um_expect_leaf(r, "rwxs");
}

/* A copy into a leaf that is shared goes to a copy, and dirties what it writes. */
static void gup_um_leaf_copy_shared(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp_shared, 0);
	struct page *page = gk_page(r, 6);

	gk_store(r, 6, 's');
	KUNIT_EXPECT_PTR_NE(test, gk_page(r, 6), page);
	KUNIT_EXPECT_EQ(test, *(u8 *)page_address(page), 0);
	KUNIT_EXPECT_EQ(test, gk_load(r, 6), 's');
}

static void gup_um_leaf_copy_dirties(struct kunit *test)
{
	struct gk_range *r = um_map_leaf(test);

	um_change_leaf(r, pmd_mkclean);
	gk_store(r, 8, 'd');
	KUNIT_EXPECT_TRUE(test, pmd_dirty(*um_leaf(r)));
}

static void gup_um_leaf_copy_refused(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_thp_readonly, 0);
	u8 __user *at = (u8 __user *)gk_addr(r, 9);
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, copy_from_user(&byte, at, 1), 0);
	KUNIT_EXPECT_EQ(test, copy_to_user(at, &byte, 1), 1);
	gk_protect(r, 0, r->nr, PROT_NONE);
	KUNIT_EXPECT_EQ(test, copy_from_user(&byte, at, 1), 1);
}

/* Pinning for long moves the folio: the host has to follow. */
static void gup_um_leaf_migrated(struct kunit *test)
{
	struct gk_range *r = um_map_leaf(test);
	struct page *page = gk_page(r, 0);
	struct gk_call *c = gk_gup(r, GK_PIN, FOLL_WRITE | FOLL_LONGTERM);

	gk_expect_ret(c, r->nr);
	KUNIT_EXPECT_PTR_NE(test, gk_page(r, 0), page);
	/* A migration entry does not keep the accessed bit: see to that first. */
	gk_fault(r, 0, 1, true);
	um_expect_leaf(r, "rwxs");
	gk_release(c);
}

/*
 * A tree of processes that do with two huge pages what processes do. Each has its
 * own idea of what its memory holds, and the host has what its entries say.
 */
#define TREE_LEAVES	2
#define TREE_NR		(TREE_LEAVES * PTRS_PER_PTE)
#define TREE_SIZE	6
#define TREE_STEPS	500

/**
 * struct tree_process - one of them
 * @r: the range in its mm; NULL: it does not exist
 * @child: it; NULL: the test itself
 * @bytes: the first of each page
 * @mapped, @readonly: of each leaf, or of what became of it
 */
struct tree_process {
	struct gk_range *r;
	struct gk_child *child;
	u8 bytes[TREE_NR];
	bool mapped[TREE_LEAVES], readonly[TREE_LEAVES];
};

struct tree {
	struct kunit *test;
	struct rnd_state rnd;
	struct tree_process processes[TREE_SIZE];
	unsigned int leaves;	/* that the host was found to have */
	unsigned int collapsed;
};

static unsigned int tree_random(struct tree *t, unsigned int below)
{
	return prandom_u32_state(&t->rnd) % below;
}

static struct tree_process *tree_pick(struct tree *t)
{
	struct tree_process *p;

	do {
		p = &t->processes[tree_random(t, TREE_SIZE)];
	} while (!p->r);
	return p;
}

/* What a process is told to do, in its own context. */
struct tree_order {
	struct tree *tree;
	struct tree_process *p;
	unsigned int i, nr;
	u8 byte;
	int ret;
	struct gk_child *child;
};

static void tree_run(struct tree_order *o, void (*fn)(void *order))
{
	if (o->p->child)
		gk_child_run(o->tree->test, o->p->child, fn, o);
	else
		fn(o);
}

static void tree_put(void *order)
{
	struct tree_order *o = order;

	o->ret = put_user(o->byte, (u8 __user *)gk_addr(o->p->r, o->i));
}

static void tree_get(void *order)
{
	struct tree_order *o = order;

	o->ret = get_user(o->byte, (u8 __user *)gk_addr(o->p->r, o->i));
}

static void tree_munmap(void *order)
{
	struct tree_order *o = order;

	o->ret = vm_munmap(gk_addr(o->p->r, o->i), PMD_SIZE);
}

static void tree_dontneed(void *order)
{
	struct tree_order *o = order;

	gk_madvise(o->p->r, o->i, o->nr, MADV_DONTNEED);
}

static void tree_fork(void *order)
{
	struct tree_order *o = order;

	o->child = gk_fork(o->tree->test);
}

static void tree_store(struct tree *t, struct tree_process *p)
{
	struct tree_order o = { .tree = t, .p = p, .i = tree_random(t, TREE_NR),
				.byte = tree_random(t, 256) };
	unsigned int leaf = o.i / PTRS_PER_PTE;
	bool may = p->mapped[leaf] && !p->readonly[leaf];

	tree_run(&o, tree_put);
	KUNIT_EXPECT_EQ_MSG(t->test, o.ret, may ? 0 : -EFAULT, "page %u", o.i);
	if (may)
		p->bytes[o.i] = o.byte;
}

static void tree_drop(struct tree *t, struct tree_process *p)
{
	struct tree_order o = { .tree = t, .p = p };
	unsigned int leaf = tree_random(t, TREE_LEAVES);

	if (!p->mapped[leaf])
		return;
	/* Every other time, the whole leaf. */
	if (tree_random(t, 2)) {
		o.nr = PTRS_PER_PTE;
	} else {
		o.i = tree_random(t, PTRS_PER_PTE);
		o.nr = 1 + tree_random(t, PTRS_PER_PTE - o.i);
	}
	o.i += leaf * PTRS_PER_PTE;
	tree_run(&o, tree_dontneed);
	memset(p->bytes + o.i, 0, o.nr);
}

static void tree_protect(struct tree *t, struct tree_process *p)
{
	unsigned int leaf = tree_random(t, TREE_LEAVES);

	if (!p->mapped[leaf])
		return;
	p->readonly[leaf] = !p->readonly[leaf];
	gk_protect(p->r, leaf * PTRS_PER_PTE, PTRS_PER_PTE,
		   PROT_READ | (p->readonly[leaf] ? 0 : PROT_WRITE));
}

/* It may find that it cannot. */
static void tree_collapse(struct tree *t, struct tree_process *p)
{
	unsigned int leaf = tree_random(t, TREE_LEAVES);

	if (p->mapped[leaf])
		t->collapsed += !do_madvise(p->r->mm, gk_addr(p->r, leaf * PTRS_PER_PTE),
					    PMD_SIZE, MADV_COLLAPSE);
}

static void tree_unmap(struct tree *t, struct tree_process *p)
{
	struct tree_order o = { .tree = t, .p = p };
	unsigned int leaf = tree_random(t, TREE_LEAVES);

	/* The test's own is what the next ones get. */
	if (!p->child || !p->mapped[leaf])
		return;
	o.i = leaf * PTRS_PER_PTE;
	tree_run(&o, tree_munmap);
	KUNIT_EXPECT_EQ(t->test, o.ret, 0);
	p->mapped[leaf] = false;
}

static void tree_grow(struct tree *t, struct tree_process *p)
{
	struct tree_process *new = &t->processes[tree_random(t, TREE_SIZE)];
	struct tree_order o = { .tree = t, .p = p };

	if (new->r)
		return;
	tree_run(&o, tree_fork);
	*new = *p;
	new->child = o.child;
	new->r = gk_in_child(p->r, o.child);
}

static void tree_exit(struct tree *t, struct tree_process *p)
{
	if (!p->child)
		return;
	gk_child_exit(t->test, p->child);
	p->r = NULL;
}

static void (*const tree_steps[])(struct tree *t, struct tree_process *p) = {
	tree_store, tree_store, tree_store, tree_store, tree_store, tree_drop,
	tree_protect, tree_collapse, tree_grow, tree_grow, tree_exit, tree_unmap,
};

static void tree_check_bytes(struct tree *t, struct tree_process *p)
{
	struct tree_order o = { .tree = t, .p = p };
	unsigned int n;
	bool mapped;

	for (n = 0; n < 16; n++) {
		o.i = tree_random(t, TREE_NR);
		mapped = p->mapped[o.i / PTRS_PER_PTE];
		tree_run(&o, tree_get);
		KUNIT_ASSERT_EQ_MSG(t->test, o.ret, mapped ? 0 : -EFAULT, "page %u", o.i);
		if (mapped)
			KUNIT_ASSERT_EQ_MSG(t->test, o.byte, p->bytes[o.i], "page %u", o.i);
	}
}

static void um_perms(pte_t pte, char perms[5])
{
	bool read = pte_read(pte) && pte_young(pte);

	perms[0] = read ? 'r' : '-';
	perms[1] = read && pte_write(pte) && pte_dirty(pte) ? 'w' : '-';
	perms[2] = pte_exec(pte) ? 'x' : '-';
	perms[3] = 's';
	perms[4] = 0;
}

/* All of [@addr, @addr + @size) is one mapping of the host, of what @pte says. */
static void um_expect_entry(struct kunit *test, const struct um_host *host, pte_t pte,
			    unsigned long addr, unsigned long size)
{
	const struct um_map *map = um_map_at(host, addr);
	char perms[5];

	if (!pte_present(pte)) {
		KUNIT_ASSERT_NULL_MSG(test, map, "%lx: nothing is to be there", addr);
		return;
	}
	um_perms(pte, perms);
	KUNIT_ASSERT_NOT_NULL_MSG(test, map, "%lx: wanted %s", addr, perms);
	KUNIT_ASSERT_GE_MSG(test, map->end, addr + size, "%lx: in pieces", addr);
	KUNIT_ASSERT_STREQ_MSG(test, map->perms, perms, "%lx", addr);
	KUNIT_ASSERT_EQ_MSG(test, map->offset + addr - map->start,
			    pte_pfn(pte) << PAGE_SHIFT, "%lx", addr);
}

static void tree_check_host(struct tree *t, struct tree_process *p)
{
	struct um_host *host;
	unsigned int i, nr;

	um_sync(t->test, p->r->mm);
	host = um_host_of(p->r);
	for (i = 0; i < TREE_NR; i += nr) {
		pte_t pte = virt_to_pte(p->r->mm, gk_addr(p->r, i));

		nr = pte_val(pte) & _PAGE_LEAF ? PTRS_PER_PTE : 1;
		t->leaves += nr > 1;
		um_expect_entry(t->test, host, pte, gk_addr(p->r, i), nr * PAGE_SIZE);
	}
	kunit_kfree(t->test, host);
}

static void tree_map_root(struct gk_range *r)
{
	r->nr += PTRS_PER_PTE;
	gk_mmap(r, NULL, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	r->nr -= PTRS_PER_PTE;
	r->addr = ALIGN(r->addr, PMD_SIZE);
	gk_madvise(r, 0, r->nr, MADV_HUGEPAGE);
}

static void gup_um_tree(struct kunit *test)
{
	static const struct gk_shape root = {
		.name = "tree", .nr = TREE_NR, .map = tree_map_root,
	};
	struct tree *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int step, n;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	prandom_seed_state(&t->rnd, 1);
	t->processes[0].r = gk_map(test, &root, 0);
	memset(t->processes[0].mapped, true, sizeof(t->processes[0].mapped));
	for (step = 0; step < TREE_STEPS; step++) {
		struct tree_process *p = tree_pick(t);

		n = tree_random(t, ARRAY_SIZE(tree_steps));
		tree_steps[n](t, p);
		for (n = 0; n < TREE_SIZE; n++) {
			if (!t->processes[n].r)
				continue;
			tree_check_bytes(t, &t->processes[n]);
			tree_check_host(t, &t->processes[n]);
		}
	}
	/* It is about these. */
	KUNIT_EXPECT_GT(test, t->leaves, TREE_STEPS);
	KUNIT_EXPECT_GT(test, t->collapsed, 0);
}
#endif

static struct kunit_suite gup_um_suite = {
	.name = "gup_um",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE(gup_um_written),
		KUNIT_CASE(gup_um_in_a_row),
		KUNIT_CASE(gup_um_mixed),
		KUNIT_CASE(gup_um_tables_again),
		KUNIT_CASE(gup_um_tables_in_parts),
		KUNIT_CASE(gup_um_table_reclaimed),
		KUNIT_CASE(gup_um_copy_dirties),
		KUNIT_CASE(gup_um_running),
		KUNIT_CASE(gup_um_copying),
		KUNIT_CASE(gup_um_copy_again),
#ifdef CONFIG_GUP_ZOO_HUGETLB
		KUNIT_CASE(gup_um_leaf_hugetlb),
#endif
#ifdef CONFIG_GUP_ZOO_THP
		KUNIT_CASE(gup_um_running_leaf),
		KUNIT_CASE(gup_um_copying_leaf),
		KUNIT_CASE(gup_um_leaf),
		KUNIT_CASE(gup_um_leaf_perms),
		KUNIT_CASE(gup_um_leaf_invalid),
		KUNIT_CASE(gup_um_leaf_cleared),
		KUNIT_CASE(gup_um_leaf_then_table),
		KUNIT_CASE(gup_um_leaf_split),
		KUNIT_CASE(gup_um_leaf_collapsed),
		KUNIT_CASE(gup_um_table_put_back),
		KUNIT_CASE(gup_um_leaf_copy),
		KUNIT_CASE(gup_um_leaf_copy_shared),
		KUNIT_CASE(gup_um_leaf_copy_dirties),
		KUNIT_CASE(gup_um_leaf_copy_refused),
		KUNIT_CASE(gup_um_leaf_migrated),
		KUNIT_CASE(gup_um_tree),
#endif
		{}
	},
};

kunit_test_suite(gup_um_suite);
