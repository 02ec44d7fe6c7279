// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping, calling GUP and counting for the GUP KUnit suites: see gk.h.
 *
 * What a page table maps is read with folio_walk_start(), never with GUP: the
 * code under test must not be its own judge.
 */
#include <kunit/resource.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/moduleparam.h>
#include <linux/mount.h>
#include <linux/pagewalk.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/uaccess.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>
#include <linux/pgalloc.h>
#include <asm/tlb.h>
#include <asm/tlbflush.h>

#include "internal.h"
#include "gk.h"
#include "gk_enter.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "gup_kunit."

static char *no_crash = "";
module_param(no_crash, charp, 0444);
MODULE_PARM_DESC(no_crash, "a,b,...: skip these cases, which kill a kernel without their fixes");

#define GK_FAST_FLAGS	(FOLL_WRITE | FOLL_FORCE | FOLL_NOFAULT |	\
			 FOLL_PCI_P2PDMA | FOLL_HONOR_NUMA_FAULT)
#define GK_SLOW_FLAGS	(GK_FAST_FLAGS | FOLL_DUMP | FOLL_NOWAIT |	\
			 FOLL_HWPOISON | FOLL_ANON | FOLL_SPLIT_PMD |	\
			 FOLL_INTERRUPTIBLE)

const struct gk_api gk_apis[GK_NR_APIS] = {
	[GK_GET] = {
		.name = "get_user_pages",
		.flags = GK_SLOW_FLAGS,
	},
	[GK_GET_UNLOCKED] = {
		.name = "get_user_pages_unlocked",
		.flags = GK_SLOW_FLAGS,
	},
	[GK_GET_FAST] = {
		.name = "get_user_pages_fast",
		.fast = true, .flags = GK_FAST_FLAGS,
	},
	[GK_GET_FAST_ONLY] = {
		.name = "get_user_pages_fast_only",
		.fast = true, .only = true, .flags = GK_FAST_FLAGS,
	},
	[GK_GET_REMOTE] = {
		.name = "get_user_pages_remote",
		.flags = GK_SLOW_FLAGS,
	},
	[GK_PIN] = {
		.name = "pin_user_pages", .pins = true,
		.flags = GK_SLOW_FLAGS | FOLL_LONGTERM,
	},
	[GK_PIN_UNLOCKED] = {
		.name = "pin_user_pages_unlocked", .pins = true,
		.flags = GK_SLOW_FLAGS | FOLL_LONGTERM,
	},
	[GK_PIN_FAST] = {
		.name = "pin_user_pages_fast", .pins = true,
		.fast = true, .flags = GK_FAST_FLAGS | FOLL_LONGTERM,
	},
	[GK_PIN_REMOTE] = {
		.name = "pin_user_pages_remote", .pins = true,
		.flags = GK_SLOW_FLAGS | FOLL_LONGTERM,
	},
};

/* The next of a table of @size elements of @each bytes, for KUNIT_CASE_PARAM */
static const void *gk_next_param(const void *table, size_t each, size_t size,
				 const void *prev)
{
	const void *next = prev ? prev + each : table;

	return next < table + each * size ? next : NULL;
}

/*
 * Parameters: each row of one table with each column of another. KUnit passes
 * pointers on, so the pairs of the case that runs have a place here.
 */
const struct gk_pair *gk_next_pair(const void *prev, unsigned int rows,
				   unsigned int columns)
{
	static struct gk_pair pairs[4096];
	unsigned int i = prev ? (const struct gk_pair *)prev - pairs + 1 : 0;

	if (i >= rows * columns || WARN_ON(i >= ARRAY_SIZE(pairs)))
		return NULL;
	pairs[i].row = i / columns;
	pairs[i].column = i % columns;
	return &pairs[i];
}

/* Parameters: every exported API, named by its function. */
const void *gk_api_params(struct kunit *test, const void *prev, char *desc)
{
	const struct gk_api *api = gk_next_param(gk_apis, sizeof(*gk_apis),
						 GK_NR_APIS, prev);

	if (api)
		strscpy(desc, api->name, KUNIT_PARAM_DESC_SIZE);
	return api;
}

/* The next API that @take wants. */
const void *gk_api_params_if(struct kunit *test, const void *prev, char *desc,
			     bool (*take)(const struct gk_api *api))
{
	const struct gk_api *api = prev;

	do {
		api = gk_api_params(test, api, desc);
	} while (api && !take(api));
	return api;
}

static bool gk_api_is_fast(const struct gk_api *api)
{
	return api->fast;
}

static bool gk_api_is_slow(const struct gk_api *api)
{
	return !api->fast;
}

static bool gk_api_falls_back(const struct gk_api *api)
{
	return !api->only;
}

static bool gk_api_pins(const struct gk_api *api)
{
	return api->pins;
}

static bool gk_api_gets(const struct gk_api *api)
{
	return !api->pins;
}

/* Parameters: the APIs that try GUP-fast. */
const void *gk_fast_api_params(struct kunit *test, const void *prev, char *desc)
{
	return gk_api_params_if(test, prev, desc, gk_api_is_fast);
}

/* Parameters: the APIs that walk slowly from the start; they take every flag. */
const void *gk_slow_api_params(struct kunit *test, const void *prev, char *desc)
{
	return gk_api_params_if(test, prev, desc, gk_api_is_slow);
}

/* Parameters: the APIs that can come to the slow walk, where pages are faulted in. */
const void *gk_fault_api_params(struct kunit *test, const void *prev, char *desc)
{
	return gk_api_params_if(test, prev, desc, gk_api_falls_back);
}

/* Parameters: the APIs that pin; they take FOLL_LONGTERM. */
const void *gk_pin_api_params(struct kunit *test, const void *prev, char *desc)
{
	return gk_api_params_if(test, prev, desc, gk_api_pins);
}

/* Parameters: the APIs that take references. */
const void *gk_get_api_params(struct kunit *test, const void *prev, char *desc)
{
	return gk_api_params_if(test, prev, desc, gk_api_gets);
}

/* The API that the case has as its parameter. */
enum gk_api_id gk_api(struct kunit *test)
{
	return (const struct gk_api *)test->param_value - gk_apis;
}

static const void *gk_shape_params(const struct gk_shape *const *shapes,
				   unsigned int nr, const void *prev, char *desc)
{
	const struct gk_shape *const *shape = gk_next_param(shapes, sizeof(*shapes),
							    nr, prev);

	if (shape)
		strscpy(desc, (*shape)->name, KUNIT_PARAM_DESC_SIZE);
	return shape;
}

/* Parameters: the zoo; test->param_value is a const struct gk_shape **. */
const void *gk_zoo_params(struct kunit *test, const void *prev, char *desc)
{
	return gk_shape_params(gk_zoo, gk_zoo_size, prev, desc);
}

/* Parameters: some shapes that can be pinned for writing as a whole, likewise. */
const void *gk_writable_params(struct kunit *test, const void *prev, char *desc)
{
	return gk_shape_params(gk_writable, gk_writable_size, prev, desc);
}

/*
 * A CPU that folds its part of a counter into the sum holds it in neither for a
 * while. So have all that is counted happen on one CPU, which then is this one.
 * Children inherit it.
 */
static void gk_stay_here(void)
{
	if (current->nr_cpus_allowed > 1)
		set_cpus_allowed_ptr(current, cpumask_of(0));
}

/*
 * kcompactd holds each page for a moment that it thinks of moving, and does so at any
 * time: with 64K pages and 2G of memory, twice a second.
 */
static void gk_stop_compaction(void)
{
#ifdef CONFIG_COMPACTION
	struct pglist_data *pgdat;

	for_each_online_pgdat(pgdat) {
		if (!pgdat->kcompactd)
			continue;
		kthread_stop(pgdat->kcompactd);
		pgdat->kcompactd = NULL;
	}
#endif
}

/* khugepaged puts a huge page where a shape has small ones, at any time. */
static void gk_stop_khugepaged(void)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	struct task_struct *task, *found = NULL;
	static bool stopped;

	if (stopped)
		return;
	stopped = true;
	rcu_read_lock();
	for_each_process(task)
		if ((task->flags & PF_KTHREAD) &&
		    !strcmp(task->comm, "khugepaged"))
			found = get_task_struct(task);
	rcu_read_unlock();
	if (!found)
		return;
	kthread_stop(found);
	put_task_struct(found);
#endif
}

/*
 * Mapping
 */

struct gk_range *gk_map(struct kunit *test, const struct gk_shape *shape,
			unsigned int nr)
{
	struct gk_range *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	gk_stay_here();
	gk_stop_compaction();
	gk_stop_khugepaged();
	r->test = test;
	r->shape = shape;
	r->nr = nr ?: shape->nr;
	r->mm = current->mm;
	shape->map(r);
	KUNIT_ASSERT_NE(test, r->addr, 0);
	gk_settle();
	return r;
}

/* Map r->nr pages of @file, or anonymous memory, and set r->addr. */
void gk_mmap(struct gk_range *r, struct file *file, unsigned long addr,
	     unsigned long prot, unsigned long flags)
{
	if (!file)
		flags |= MAP_ANONYMOUS;
	r->addr = kunit_vm_mmap(r->test, file, addr,
				(unsigned long)r->nr * PAGE_SIZE, prot, flags, 0);
	KUNIT_ASSERT_FALSE_MSG(r->test, !r->addr || IS_ERR_VALUE(r->addr),
			       "shape=%s: mmap: %ld", r->shape->name,
			       (long)r->addr);
	r->file = file;
}

/* r->nr pages from the start of a page table on. */
void gk_mmap_huge(struct gk_range *r)
{
	unsigned int nr = r->nr;

	r->nr += PTRS_PER_PTE;
	gk_mmap(r, NULL, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	r->nr = nr;
	r->addr = ALIGN(r->addr, PMD_SIZE);
}

KUNIT_DEFINE_ACTION_WRAPPER(gk_fput, fput, struct file *);

/* @file is put when the case ends. */
void gk_adopt_file(struct kunit *test, struct file *file)
{
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, gk_fput, file));
}

/* A file of @nr pages on a tmpfs of its own, which is gone with it when the case ends. */
struct file *gk_tmpfs_file(struct kunit *test, const char *options, unsigned int nr)
{
	char *copy = kunit_kstrdup(test, options, GFP_KERNEL);
	struct file_system_type *type = get_fs_type("tmpfs");
	struct vfsmount *mnt;
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	KUNIT_ASSERT_NOT_NULL(test, type);
	mnt = vfs_kern_mount(type, SB_KERNMOUNT, "gup_kunit", copy);
	put_filesystem(type);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(mnt), "no CONFIG_TMPFS, or it refuses %s", options);
	file = shmem_file_setup_with_mnt(mnt, "gup_kunit", (loff_t)nr * PAGE_SIZE,
					 EMPTY_VMA_FLAGS);
	/* The file keeps the mount. */
	mntput(mnt);
	gk_adopt_file(test, file);
	return file;
}

/* Map r->nr pages of hugetlb, of size @h. Nothing but the mapping holds the file. */
void gk_mmap_hugetlb(struct gk_range *r, struct hstate *h, unsigned long flags)
{
	struct file *file;

	/* A kthread's files are closed later: the pool is to have back what was unmapped. */
	flush_delayed_fput();
	file = hugetlb_file_setup(HUGETLB_ANON_FILE, (size_t)r->nr * PAGE_SIZE,
				  mk_vma_flags(VMA_NORESERVE_BIT),
				  HUGETLB_ANONHUGE_INODE, huge_page_shift(h));
	gk_adopt_file(r->test, file);
	gk_mmap(r, file, 0, PROT_READ | PROT_WRITE, flags);
	kunit_release_action(r->test, gk_fput, file);
	r->file = NULL;
}

/* Anonymous memory in pages of the base size, whatever is said of THP. */
void gk_mmap_anon(struct gk_range *r, unsigned long addr, unsigned long prot,
		  unsigned long flags)
{
	gk_mmap(r, NULL, addr, prot, MAP_PRIVATE | flags);
	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		gk_madvise(r, 0, r->nr, MADV_NOHUGEPAGE);
}

struct vm_area_struct *gk_vma(struct gk_range *r, unsigned int i)
{
	struct vm_area_struct *vma = vma_lookup(r->mm, gk_addr(r, i));

	KUNIT_EXPECT_NOT_NULL_MSG(r->test, vma, "shape=%s page=%u: no VMA",
				  r->shape->name, i);
	return vma;
}

/* Change flags of the VMA at page @i, as a driver's ->mmap would have set them */
void gk_vma_mod_flags(struct gk_range *r, unsigned int i, vm_flags_t set,
		      vm_flags_t clear)
{
	struct vm_area_struct *vma;

	mmap_write_lock(r->mm);
	vma = gk_vma(r, i);
	if (vma) {
		vma_start_write(vma);
		vm_flags_mod(vma, set, clear);
	}
	mmap_write_unlock(r->mm);
}

vm_fault_t gk_try_fault(struct gk_range *r, unsigned int i, bool write)
{
	struct vm_area_struct *vma;
	vm_fault_t ret = VM_FAULT_SIGSEGV;

	mmap_read_lock(r->mm);
	vma = gk_vma(r, i);
	if (vma)
		ret = handle_mm_fault(vma, gk_addr(r, i),
				      write ? FAULT_FLAG_WRITE : 0, NULL);
	mmap_read_unlock(r->mm);
	return ret;
}

void gk_fault(struct gk_range *r, unsigned int i, unsigned int n, bool write)
{
	vm_fault_t ret;

	for (; n; i++, n--) {
		ret = gk_try_fault(r, i, write);
		KUNIT_ASSERT_FALSE_MSG(r->test, ret & VM_FAULT_ERROR,
				       "shape=%s page=%u: fault: %x",
				       r->shape->name, i, ret);
	}
}

void gk_unmap(struct gk_range *r, unsigned int i, unsigned int n)
{
	KUNIT_ASSERT_EQ(r->test, 0, vm_munmap(gk_addr(r, i), n * PAGE_SIZE));
}

/* mprotect() by way of the function that exec uses: the range has one VMA. */
void gk_protect(struct gk_range *r, unsigned int i, unsigned int n,
		unsigned long prot)
{
	unsigned long start = gk_addr(r, i), end = gk_addr(r, i + n);
	struct vm_area_struct *vma, *prev;
	struct vma_iterator vmi;
	struct mmu_gather tlb;
	int ret = -ENOMEM;

	mmap_write_lock(r->mm);
	vma_iter_init(&vmi, r->mm, start);
	vma = vma_find(&vmi, end);
	if (vma) {
		vm_flags_t flags = vma->vm_flags & ~VM_ACCESS_FLAGS;

		/* Not by vma_prev(), which would leave @vmi at the wrong VMA. */
		find_vma_prev(r->mm, start, &prev);
		if (start > vma->vm_start)
			prev = vma;
		tlb_gather_mmu(&tlb, r->mm);
		ret = mprotect_fixup(&vmi, &tlb, vma, &prev, start, end,
				     flags | calc_vm_prot_bits(prot, 0));
		tlb_finish_mmu(&tlb);
	}
	mmap_write_unlock(r->mm);
	KUNIT_ASSERT_EQ(r->test, ret, 0);
}

void gk_madvise(struct gk_range *r, unsigned int i, unsigned int n, int advice)
{
	int ret = do_madvise(r->mm, gk_addr(r, i), n * PAGE_SIZE, advice);

	KUNIT_ASSERT_EQ_MSG(r->test, ret, 0, "madvise(%d)", advice);
}

/*
 * Page @i cannot be had any more, or not as before. All of one type, for tables.
 */
void gk_cut_unmap(struct gk_range *r, unsigned int i)
{
	gk_unmap(r, i, 1);
}

void gk_cut_no_access(struct gk_range *r, unsigned int i)
{
	gk_protect(r, i, 1, PROT_NONE);
}

void gk_cut_readonly(struct gk_range *r, unsigned int i)
{
	gk_protect(r, i, 1, PROT_READ);
}

void gk_cut_guard(struct gk_range *r, unsigned int i)
{
	gk_madvise(r, i, 1, MADV_GUARD_INSTALL);
}

/* Not present: anonymous memory is fresh again, a driver is asked for the page. */
void gk_cut_drop(struct gk_range *r, unsigned int i)
{
	gk_madvise(r, i, 1, MADV_DONTNEED);
}

/* Take write permission from present entries, not from their VMA. */
void gk_wrprotect_ptes(struct gk_range *r, unsigned int i, unsigned int n)
{
	struct vm_area_struct *vma;
	struct folio_walk fw;

	mmap_read_lock(r->mm);
	for (; n; i++, n--) {
		vma = gk_vma(r, i);
		if (!vma || !folio_walk_start(&fw, vma, gk_addr(r, i), 0)) {
			KUNIT_FAIL(r->test, "page %u is not present", i);
			continue;
		}
		ptep_set_wrprotect(r->mm, gk_addr(r, i), fw.ptep);
		folio_walk_end(&fw, vma);
		flush_tlb_page(vma, gk_addr(r, i));
	}
	mmap_read_unlock(r->mm);
}

static pte_t gk_pte_dirty(pte_t pte, bool dirty)
{
	return dirty ? pte_mkdirty(pte) : pte_mkclean(pte);
}

static pte_t gk_pte_young(pte_t pte, bool young)
{
	return young ? pte_mkyoung(pte) : pte_mkold(pte);
}

static pte_t gk_pte_soft_dirty(pte_t pte, bool dirty)
{
	return dirty ? pte_mksoft_dirty(pte) : pte_clear_soft_dirty(pte);
}

/* Give the present entry @i another value of a bit. */
static void gk_change_pte(struct gk_range *r, unsigned int i,
			  pte_t (*change)(pte_t pte, bool on), bool on)
{
	unsigned long addr = gk_addr(r, i);
	struct vm_area_struct *vma;
	struct folio_walk fw;
	pte_t pte;

	mmap_read_lock(r->mm);
	vma = gk_vma(r, i);
	if (vma && folio_walk_start(&fw, vma, addr, 0)) {
		pte = ptep_get_and_clear(r->mm, addr, fw.ptep);
		flush_tlb_page(vma, addr);
		set_pte_at(r->mm, addr, fw.ptep, change(pte, on));
		folio_walk_end(&fw, vma);
	} else {
		KUNIT_FAIL(r->test, "page %u is not present", i);
	}
	mmap_read_unlock(r->mm);
}

/* arm64 folds entries that go on in a folio: each has the bits of all of them then. */
static bool gk_pte_folded(pte_t pte)
{
#ifdef CONFIG_ARM64_CONTPTE
	return pte_valid_cont(pte);
#else
	return false;
#endif
}

void gk_set_dirty_pte(struct gk_range *r, unsigned int i, bool dirty)
{
	gk_change_pte(r, i, gk_pte_dirty, dirty);
	if (dirty || !gk_pte_folded(gk_pte(r, i)))
		KUNIT_ASSERT_EQ(r->test, !!pte_dirty(gk_pte(r, i)), dirty);
}

void gk_set_young_pte(struct gk_range *r, unsigned int i, bool young)
{
	gk_change_pte(r, i, gk_pte_young, young);
	if (young || !gk_pte_folded(gk_pte(r, i)))
		KUNIT_ASSERT_EQ(r->test, !!pte_young(gk_pte(r, i)), young);
}

void gk_set_soft_dirty_pte(struct gk_range *r, unsigned int i, bool dirty)
{
	gk_change_pte(r, i, gk_pte_soft_dirty, dirty);
	if (IS_ENABLED(CONFIG_MEM_SOFT_DIRTY))
		KUNIT_ASSERT_EQ(r->test, !!pte_soft_dirty(gk_pte(r, i)), dirty);
}

void gk_store(struct gk_range *r, unsigned int i, u8 val)
{
	KUNIT_ASSERT_EQ(r->test, 0,
			put_user(val, (u8 __user *)gk_addr(r, i)));
}

u8 gk_load(struct gk_range *r, unsigned int i)
{
	u8 val = 0;

	KUNIT_ASSERT_EQ(r->test, 0,
			get_user(val, (u8 __user *)gk_addr(r, i)));
	return val;
}

/* Each page gets a byte that tells it from the others. */
void gk_store_all(struct gk_range *r)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		gk_store(r, i, i + 1);
}

/* The first byte of a page, as the kernel or a device finds it: no faults. */
u8 gk_peek(struct page *page)
{
	u8 *addr = kmap_local_page(page), byte = *addr;

	kunmap_local(addr);
	return byte;
}

void gk_poke(struct page *page, u8 byte)
{
	u8 *addr = kmap_local_page(page);

	*addr = byte;
	kunmap_local(addr);
}

u8 gk_file_byte(struct kunit *test, struct file *file, unsigned int i)
{
	loff_t pos = (loff_t)i * PAGE_SIZE;
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, 1, kernel_read(file, &byte, 1, &pos));
	return byte;
}

/* As gk_store_all(), through the pages: of those that are there, nothing faults. */
void gk_poke_all(struct gk_range *r)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		struct page *page = gk_page(r, i);

		if (page && !gk_is_zero(page_folio(page)))
			gk_poke(page, gk_byte(i));
	}
}

static struct page *gk_walk(struct mm_struct *mm, unsigned long addr,
			    pte_t *pte)
{
	struct page *page = NULL;
	struct vm_area_struct *vma;
	struct folio *folio = NULL;
	struct folio_walk fw;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma)
		folio = folio_walk_start(&fw, vma, addr, FW_ZEROPAGE);
	if (folio) {
		/* It has no fw.page for zero pages, small and huge. */
		page = fw.page ?: folio_page(folio, (addr / PAGE_SIZE) %
						    folio_nr_pages(folio));
		*pte = fw.pte;
		folio_walk_end(&fw, vma);
	}
	mmap_read_unlock(mm);
	return page;
}

/* The page that entry @i maps, NULL if none. It holds no reference. */
struct page *gk_page(struct gk_range *r, unsigned int i)
{
	pte_t pte;

	return gk_walk(r->mm, gk_addr(r, i), &pte);
}

/* Is page @i, which must be mapped, mapped by a leaf above the page table? */
bool gk_is_leaf(struct gk_range *r, unsigned int i)
{
	return pmd_leaf(*pmd_off(r->mm, gk_addr(r, i)));
}

/* Its first page is of a folio of @order, mapped by a leaf if @leaf; else the case ends. */
void gk_assert_order(struct gk_range *r, unsigned int order, bool leaf)
{
	struct page *page = gk_page(r, 0);

	KUNIT_ASSERT_NOT_NULL(r->test, page);
	KUNIT_ASSERT_EQ(r->test, folio_order(page_folio(page)), order);
	KUNIT_ASSERT_EQ(r->test, gk_is_leaf(r, 0), leaf);
}

/* The page table entry @i, which must be present and map a page. */
pte_t gk_pte(struct gk_range *r, unsigned int i)
{
	pte_t pte = __pte(0);

	KUNIT_ASSERT_NOT_NULL(r->test, gk_walk(r->mm, gk_addr(r, i), &pte));
	return pte;
}

/*
 * Page tables in places of the test's choice
 */

struct page *gk_two_pages(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, 1);

	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, 1);
	return page;
}

void gk_move_table(struct gk_range *r, unsigned int i, struct page *page)
{
	pmd_t *pmd = pmd_off(r->mm, gk_addr(r, i));
	spinlock_t *ptl = pmd_lockptr(r->mm, pmd);
	pgtable_t old;

	KUNIT_ASSERT_FALSE(r->test, pmd_none(*pmd) || pmd_leaf(*pmd));
	KUNIT_ASSERT_TRUE(r->test, pagetable_pte_ctor(r->mm, page_ptdesc(page)));
	mmap_write_lock(r->mm);
	spin_lock(ptl);
	old = pmd_pgtable(*pmd);
	pmd_clear(pmd);
	/* The processor must not set a bit in the old one any more. */
	flush_tlb_mm(r->mm);
	copy_page(page_address(page), page_address(old));
	pmd_populate(r->mm, pmd, page);
	spin_unlock(ptl);
	mmap_write_unlock(r->mm);
	pte_free(r->mm, old);
}

/*
 * Counting
 */

/* Sum of a node counter, with what the CPUs have not folded in yet. */
static long gk_stat_now(enum node_stat_item item)
{
	struct pglist_data *pgdat;
	long sum;
	int cpu;

	preempt_disable();
	sum = atomic_long_read(&vm_node_stat[item]);
	for_each_online_pgdat(pgdat)
		for_each_online_cpu(cpu)
			sum += per_cpu_ptr(pgdat->per_cpu_nodestats,
					   cpu)->vm_node_stat_diff[item];
	preempt_enable();
	return sum;
}

/*
 * The worker that folds may have been preempted by this thread, with its part
 * in neither: let it finish, and believe what is the same behind that.
 */
long gk_stat(enum node_stat_item item)
{
	long sum, again = gk_stat_now(item);

	if (!in_task())
		return again;
	gk_stay_here();
	do {
		sum = again;
		flush_workqueue(mm_percpu_wq);
		again = gk_stat_now(item);
	} while (again != sum);
	return sum;
}

/* Events so far: everybody's, but nobody else runs user code or migrates. */
unsigned long gk_events(enum vm_event_item item)
{
	unsigned long events[NR_VM_EVENT_ITEMS];

	all_vm_events(events);
	return events[item];
}

/* Per-CPU folio batches hold references of their own: drain them. */
void gk_settle(void)
{
	/* Here it is a call; what is left for other CPUs needs their workers. */
	lru_add_drain();
	lru_add_drain_all();
}

/* Anonymous, and nobody else's. */
bool gk_exclusive(struct page *page)
{
	return page && PageAnon(page) && PageAnonExclusive(page);
}

/* References to a folio that no mapping and no cache explains. */
int gk_held(struct folio *folio)
{
	return folio_ref_count(folio) - folio_expected_ref_count(folio);
}

struct gk_entry *gk_snapshot(struct gk_range *r)
{
	struct gk_entry *snap = kunit_kcalloc(r->test, r->nr, sizeof(*snap),
					      GFP_KERNEL);
	unsigned int i;
	pte_t pte;

	KUNIT_ASSERT_NOT_NULL(r->test, snap);
	gk_settle();
	for (i = 0; i < r->nr; i++) {
		struct page *page = gk_walk(r->mm, gk_addr(r, i), &pte);
		struct folio *folio;

		if (!page)
			continue;
		folio = page_folio(page);
		snap[i].page = page;
		snap[i].refs = folio_ref_count(folio);
		if (folio_has_pincount(folio))
			snap[i].pins = atomic_read(&folio->_pincount);
	}
	return snap;
}

/*
 * The contract of Documentation/core-api/pin_user_pages.rst: FOLL_GET takes
 * one reference a page; FOLL_PIN takes one and counts it in _pincount if the
 * folio has one, else GUP_PIN_COUNTING_BIAS; the zero page is never pinned.
 */
int gk_refs_wanted(const struct gk_api *api, struct folio *folio, int n)
{
	if (!api->pins)
		return n;
	if (is_zero_folio(folio))
		return 0;
	return folio_has_pincount(folio) ? n : n * GUP_PIN_COUNTING_BIAS;
}

static int gk_pins_wanted(const struct gk_api *api, struct folio *folio, int n)
{
	return api->pins && folio_has_pincount(folio) ? n : 0;
}

/* How often @folio is in what the call returned. */
static int gk_times_returned(struct gk_call *c, struct folio *folio)
{
	int n = 0;
	long k;

	for (k = 0; k < c->ret; k++)
		n += page_folio(c->pages[k]) == folio;
	return n;
}

/* Does the range map @folio with the same entries in both snapshots? */
static bool gk_mapped_alike(struct gk_range *r, struct folio *folio,
			    const struct gk_entry *a, const struct gk_entry *b)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		if (a[i].page == b[i].page)
			continue;
		if ((a[i].page && page_folio(a[i].page) == folio) ||
		    (b[i].page && page_folio(b[i].page) == folio))
			return false;
	}
	return true;
}

/*
 * Calling GUP
 */

#define GK_UNTOUCHED	((struct page *)0x6b6b6b6bUL)

/*
 * Call the API and nothing else, so that a case may do this with interrupts
 * off or a signal pending.
 */
void gk_enter(struct gk_call *c)
{
	gk_enter_api(c);
}

/* Forget what the call stored. */
void gk_untouch(struct gk_call *c)
{
	unsigned int i;

	for (i = 0; i < c->room; i++)
		c->pages[i] = GK_UNTOUCHED;
}

/*
 * A call that is yet to be made: the case may change @addr, @array or @locked,
 * then calls gk_enter() and gk_done().
 */
struct gk_call *gk_prepare(struct gk_range *r, enum gk_api_id api,
			   unsigned int flags, unsigned int first, long nr)
{
	struct gk_call *c = kunit_kzalloc(r->test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(r->test, c);
	c->r = r;
	c->api = &gk_apis[api];
	c->flags = flags;
	c->first = first;
	c->nr = nr;
	c->addr = gk_addr(r, first);
	c->locked = 1;
	/* Room for a call that stores more than it was asked for. */
	c->room = 2 * r->nr + 64;
	c->pages = kunit_kmalloc_array(r->test, c->room, sizeof(*c->pages),
				       GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(r->test, c->pages);
	gk_untouch(c);
	c->array = c->pages;

	c->before = gk_snapshot(r);
	c->acquired = -gk_stat(NR_FOLL_PIN_ACQUIRED);
	c->released = -gk_stat(NR_FOLL_PIN_RELEASED);
	c->held = c->released - c->acquired;
	return c;
}

struct gk_call *gk_prepare_ranges(struct gk_range *r, enum gk_api_id api,
				  unsigned int flags, unsigned int first, long nr,
				  unsigned int max)
{
	struct gk_call *c = gk_prepare(r, api, flags, first, nr);
	struct page_range *ranges;

	c->max_ranges = max;
	/* One in front and one behind, which it must leave alone. */
	ranges = kunit_kmalloc_array(r->test, max + 2, sizeof(*ranges), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(r->test, ranges);
	memset(ranges, GK_RANGES_GUARD, (max + 2) * sizeof(*ranges));
	c->ranges = ranges + 1;
	return c;
}

struct gk_call *gk_gup_ranges(struct gk_range *r, enum gk_api_id api,
			      unsigned int flags, unsigned int first, long nr,
			      unsigned int max)
{
	struct gk_call *c = gk_prepare_ranges(r, api, flags, first, nr, max);

	gk_enter(c);
	gk_done(c);
	return c;
}

/* See what came of a call. */
void gk_done(struct gk_call *c)
{
	long k;

	/* Pages that it says to have stored and did not: not to be used. */
	for (k = 0; c->array && k < c->ret; k++) {
		if (k < c->room && c->pages[k] != GK_UNTOUCHED)
			continue;
		KUNIT_FAIL(c->r->test, "%s page=%ld: returned %ld, stored %ld",
			   gk_where(c), k, c->ret, k);
		c->ret = k;
	}
	c->acquired += gk_stat(NR_FOLL_PIN_ACQUIRED);
	c->released += gk_stat(NR_FOLL_PIN_RELEASED);
	c->pinned = gk_snapshot(c->r);
}

struct gk_call *gk_gup_part(struct gk_range *r, enum gk_api_id api,
			    unsigned int flags, unsigned int first, long nr)
{
	struct gk_call *c = gk_prepare(r, api, flags, first, nr);

	gk_enter(c);
	gk_done(c);
	return c;
}

struct gk_call *gk_gup(struct gk_range *r, enum gk_api_id api,
		       unsigned int flags)
{
	return gk_gup_part(r, api, flags, 0, r->nr);
}

void gk_release(struct gk_call *c)
{
	long k;

	/* To release other folios' references would take the kernel along. */
	if (c->ret <= 0 || c->wrong)
		return;
	if (c->ranges)
		unpin_user_page_ranges(c->ranges, c->nr_ranges, false);
	else if (c->api->pins)
		unpin_user_pages(c->pages, c->ret);
	else
		for (k = 0; k < c->ret; k++)
			put_page(c->pages[k]);
}

/*
 * Expectations
 */

static const struct {
	unsigned int flag;
	const char *name;
} gk_flag_names[] = {
	{ FOLL_WRITE, "WRITE" }, { FOLL_GET, "GET" }, { FOLL_DUMP, "DUMP" },
	{ FOLL_FORCE, "FORCE" }, { FOLL_NOWAIT, "NOWAIT" },
	{ FOLL_NOFAULT, "NOFAULT" }, { FOLL_HWPOISON, "HWPOISON" },
	{ FOLL_ANON, "ANON" }, { FOLL_LONGTERM, "LONGTERM" },
	{ FOLL_SPLIT_PMD, "SPLIT_PMD" }, { FOLL_PCI_P2PDMA, "PCI_P2PDMA" },
	{ FOLL_INTERRUPTIBLE, "INTERRUPTIBLE" },
	{ FOLL_HONOR_NUMA_FAULT, "HONOR_NUMA_FAULT" },
	{ FOLL_TOUCH, "TOUCH" }, { FOLL_TRIED, "TRIED" },
	{ FOLL_REMOTE, "REMOTE" }, { FOLL_PIN, "PIN" },
	{ FOLL_FAST_ONLY, "FAST_ONLY" }, { FOLL_UNLOCKABLE, "UNLOCKABLE" },
	{ FOLL_MADV_POPULATE, "MADV_POPULATE" },
};

const char *gk_flags_name(struct kunit *test, unsigned int flags)
{
	char *buf = kunit_kzalloc(test, 160, GFP_KERNEL);
	unsigned int i;

	if (!buf)
		return "?";
	for (i = 0; i < ARRAY_SIZE(gk_flag_names); i++) {
		if (!(flags & gk_flag_names[i].flag))
			continue;
		if (*buf)
			strlcat(buf, "|", 160);
		strlcat(buf, gk_flag_names[i].name, 160);
	}
	return *buf ? buf : "0";
}

const char *gk_where(struct gk_call *c)
{
	char *buf = kunit_kzalloc(c->r->test, 320, GFP_KERNEL);

	if (!buf)
		return c->api->name;
	scnprintf(buf, 320, "shape=%s api=%s flags=%s first=%u nr=%ld",
		  c->r->shape->name, c->api->name,
		  gk_flags_name(c->r->test, c->flags), c->first, c->nr);
	return buf;
}

const char *gk_where_at(struct gk_range *r, const char *api)
{
	char *buf = kunit_kzalloc(r->test, 320, GFP_KERNEL);

	if (!buf)
		return api;
	scnprintf(buf, 320, "shape=%s api=%s", r->shape->name, api);
	return buf;
}

void gk_expect_ret(struct gk_call *c, long want)
{
	KUNIT_EXPECT_EQ_MSG(c->r->test, c->ret, want,
			    "%s: return: wanted %ld, got %ld", gk_where(c),
			    want, c->ret);
}

/* Nothing is stored behind what was returned. */
void gk_expect_untouched(struct gk_call *c)
{
	long k;

	for (k = max(c->ret, 0L); k < c->room; k++) {
		if (c->pages[k] == GK_UNTOUCHED)
			continue;
		GK_EXPECT(c, k, "pages[] was stored to behind the return value",
			  (long)c->pages[k], (long)GK_UNTOUCHED);
		return;
	}
}

/*
 * Each folio has gained exactly the references that the call returned; so a
 * folio of which it returned nothing has gained none.
 */
void gk_expect_counts(struct gk_call *c)
{
	struct folio *folio, *last = NULL;
	unsigned int i;
	long pinned = 0;
	long k;

	for (i = 0; i < c->r->nr; i++) {
		struct gk_entry *was = &c->before[i], *is = &c->pinned[i];
		int n;

		if (!is->page || is_zero_page(is->page))
			continue;
		folio = page_folio(is->page);
		if (folio == last)
			continue;
		last = folio;
		if (!gk_mapped_alike(c->r, folio, c->before, c->pinned))
			continue;
		n = gk_times_returned(c, folio);
		GK_EXPECT(c, i, "refcount gained", is->refs - was->refs,
			  gk_refs_wanted(c->api, folio, n));
		GK_EXPECT(c, i, "pincount gained", is->pins - was->pins,
			  gk_pins_wanted(c->api, folio, n));
	}
	for (k = 0; k < c->ret; k++)
		pinned += c->api->pins && !is_zero_page(c->pages[k]);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  c->acquired - c->released, pinned);
}

/* @want pages came back, the ones that are mapped, and were counted. */
void gk_expect_pinned(struct gk_call *c, long want)
{
	long k;

	gk_expect_ret(c, want);
	gk_expect_untouched(c);
	/* More than the range has: there is nothing to compare it with. */
	if (c->ret > (long)c->r->nr - (long)c->first)
		return;
	for (k = 0; k < c->ret; k++) {
		struct page *mapped = c->pinned[c->first + k].page;

		if (c->pages[k] == mapped)
			continue;
		c->wrong = true;
		KUNIT_FAIL(c->r->test, "%s page=%ld: wanted pfn %lx, got %lx",
			   gk_where(c), k, mapped ? page_to_pfn(mapped) : 0,
			   page_to_pfn(c->pages[k]));
		return;
	}
	gk_expect_counts(c);
}

/* @want pages came back, and all that the call took can be given back. */
void gk_expect_round_trip(struct gk_call *c, long want)
{
	gk_expect_pinned(c, want);
	gk_release(c);
	gk_expect_restored(c);
}

void gk_expect_zero_pages(struct gk_call *c)
{
	long k;

	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "zero page", is_zero_page(c->pages[k]), true);
}

void gk_expect_same_pages(struct gk_call *c)
{
	long k;

	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "the page that was there",
			  c->pages[k] == c->before[c->first + k].page, true);
}

void gk_expect_pages_of(struct gk_call *c, const struct gk_call *other)
{
	long k;

	for (k = 0; k < c->ret; k++)
		GK_EXPECT(c, k, "the page that the other call has",
			  c->pages[k] == other->pages[k], true);
}

void gk_expect_store_seen(struct gk_call *c, long k, u8 byte)
{
	gk_store(c->r, c->first + k, byte);
	GK_EXPECT(c, k, "contents written by the process", gk_peek(c->pages[k]), byte);
}

/* An error (or 0), nothing stored, and no count moved. */
void gk_expect_refused(struct gk_call *c, long error)
{
	unsigned int i;

	gk_expect_ret(c, error);
	gk_expect_untouched(c);
	GK_EXPECT(c, -1, "nr_foll_pin_acquired - nr_foll_pin_released gained",
		  c->acquired - c->released, 0);
	for (i = 0; i < c->r->nr; i++) {
		if (!c->before[i].page || c->before[i].page != c->pinned[i].page ||
		    is_zero_page(c->before[i].page))
			continue;
		GK_EXPECT(c, i, "refcount", c->pinned[i].refs,
			  c->before[i].refs);
		GK_EXPECT(c, i, "pincount", c->pinned[i].pins,
			  c->before[i].pins);
	}
}

/* What the call took has been given back, to the last reference. */
void gk_expect_restored(struct gk_call *c)
{
	struct gk_entry *now = gk_snapshot(c->r);
	unsigned int i;

	for (i = 0; i < c->r->nr; i++) {
		struct folio *folio;
		int n;

		if (!now[i].page || now[i].page != c->pinned[i].page ||
		    is_zero_page(now[i].page))
			continue;
		folio = page_folio(now[i].page);
		n = gk_times_returned(c, folio);
		GK_EXPECT(c, i, "refcount after the release", now[i].refs,
			  c->pinned[i].refs - gk_refs_wanted(c->api, folio, n));
		GK_EXPECT(c, i, "pincount after the release", now[i].pins,
			  c->pinned[i].pins - gk_pins_wanted(c->api, folio, n));
	}
	GK_EXPECT(c, -1, "pins held, by nr_foll_pin_acquired and _released",
		  gk_stat(NR_FOLL_PIN_ACQUIRED) - gk_stat(NR_FOLL_PIN_RELEASED),
		  c->held);
}

/* Where pages are faulted in by the call, there is no count from before to compare with. */
void gk_expect_unheld(struct gk_call *c)
{
	struct page *page;
	unsigned int i;

	gk_settle();
	for (i = 0; i < c->r->nr; i++) {
		page = gk_page(c->r, i);
		if (page && !is_zero_page(page))
			GK_EXPECT(c, i, "references that nothing explains",
				  gk_held(page_folio(page)), 0);
	}
}

/*
 * The rest
 */

void gk_may_crash(struct kunit *test)
{
	if (parse_option_str(no_crash, test->name))
		kunit_skip(test, "would kill a kernel without the fix");
}

void gk_signal(int sig)
{
	spin_lock_irq(&current->sighand->siglock);
	sigaddset(&current->pending.signal, sig);
	spin_unlock_irq(&current->sighand->siglock);
	set_tsk_thread_flag(current, TIF_SIGPENDING);
}

void gk_signal_clear(void)
{
	flush_signals(current);
}
