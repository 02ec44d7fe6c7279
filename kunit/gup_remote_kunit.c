// SPDX-License-Identifier: GPL-2.0-only
/*
 * Remote GUP: on the mm of a forked child, on an mm that shares nothing with
 * the caller's, and by a thread that has no mm at all. What it does to that mm
 * it must not do to the caller's.
 */
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>

#include "internal.h"
#include "gk.h"

static bool remote_is_remote(const struct gk_api *api)
{
	return api == &gk_apis[GK_GET_REMOTE] || api == &gk_apis[GK_PIN_REMOTE];
}

/* Parameters: the two remote calls. */
static const void *remote_api_params(struct kunit *test, const void *prev,
				     char *desc)
{
	return gk_api_params_if(test, prev, desc, remote_is_remote);
}

/* The local call that takes the same references. */
static enum gk_api_id remote_local_api(struct kunit *test)
{
	return gk_api(test) == GK_GET_REMOTE ? GK_GET : GK_PIN;
}

/* What the child itself does. */
struct remote_job {
	struct gk_range *r;
	unsigned int i;
	unsigned long ret;
};

static void remote_unmap_fn(void *arg)
{
	struct remote_job *job = arg;

	job->ret = vm_munmap(gk_addr(job->r, job->i), PAGE_SIZE);
}

static void remote_mmap_fn(void *arg)
{
	struct remote_job *job = arg;

	job->ret = vm_mmap(NULL, 0, job->r->nr * PAGE_SIZE,
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

/* Memory that is mapped in the child and nowhere else. */
static struct gk_range *remote_map_foreign(struct gk_range *r)
{
	struct gk_range *there = gk_in_child(r, gk_fork(r->test));
	struct remote_job job = { .r = r };

	gk_child_run(r->test, there->child, remote_mmap_fn, &job);
	KUNIT_ASSERT_FALSE(r->test, IS_ERR_VALUE(job.ret));
	there->addr = job.ret;
	return there;
}

/* The range in a new child, which shares it, each page with a byte of its own. */
static struct gk_range *remote_share(struct gk_range *r)
{
	gk_store_all(r);
	return gk_in_child(r, gk_fork(r->test));
}

static long remote_anon_pages(struct mm_struct *mm)
{
	return get_mm_counter_sum(mm, MM_ANONPAGES);
}

/* The pages of @r are the ones in @was, with the contents they had. */
static void remote_expect_unchanged(struct gk_call *c, struct gk_range *r,
				    struct gk_entry *was)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		GK_EXPECT(c, i, "the caller's page is replaced",
			  gk_page(r, i) != was[i].page, false);
		GK_EXPECT(c, i, "the caller's contents", gk_peek(was[i].page),
			  i + 1);
	}
}

/* What is written through page @i of the call is what the child sees. */
static void remote_expect_poke_seen(struct gk_call *c, unsigned int i, u8 byte)
{
	gk_poke(c->pages[i], byte);
	GK_EXPECT(c, i, "contents seen by the child", gk_child_load(c->r, i), byte);
}

/* Reading a child's memory: FOLL_GET shares it still, FOLL_PIN unshares. */
static void gup_remote_reads_child(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_entry *was;
	struct gk_range *there;
	struct gk_call *c;
	unsigned int i;

	there = remote_share(r);
	was = gk_snapshot(r);
	c = gk_gup(there, gk_api(test), 0);
	gk_expect_pinned(c, r->nr);
	GK_EXPECT(c, -1, "*locked", c->locked, 1);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "contents", gk_peek(c->pages[i]), i + 1);
		GK_EXPECT(c, i, "the page that the caller maps, too",
			  c->pages[i] == was[i].page, !c->api->pins);
		GK_EXPECT(c, i, "exclusive", PageAnonExclusive(c->pages[i]),
			  c->api->pins);
	}
	remote_expect_unchanged(c, r, was);
	gk_release(c);
	gk_expect_restored(c);
}

/* Writing to it breaks COW in the child, and there alone. */
static void gup_remote_writes_child(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_entry *was;
	struct gk_range *there;
	struct gk_call *c;
	long here_anon, there_anon;
	unsigned int i;

	there = remote_share(r);
	was = gk_snapshot(r);
	here_anon = remote_anon_pages(r->mm);
	there_anon = remote_anon_pages(there->mm);
	c = gk_gup(there, gk_api(test), FOLL_WRITE | FOLL_NOFAULT);
	gk_expect_refused(c, -EFAULT);

	c = gk_gup(there, gk_api(test), FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "a page of the child's own",
			  c->pages[i] != was[i].page, true);
		GK_EXPECT(c, i, "exclusive", PageAnonExclusive(c->pages[i]),
			  true);
		GK_EXPECT(c, i, "contents", gk_peek(c->pages[i]), i + 1);
		remote_expect_poke_seen(c, i, 0x80 + i);
		GK_EXPECT(c, i, "contents seen by the caller", gk_load(r, i),
			  i + 1);
	}
	remote_expect_unchanged(c, r, was);
	GK_EXPECT(c, -1, "anonymous pages of the caller",
		  remote_anon_pages(r->mm), here_anon);
	GK_EXPECT(c, -1, "anonymous pages of the child",
		  remote_anon_pages(there->mm), there_anon);
	gk_release(c);
	gk_expect_restored(c);
}

/* The caller's writes do not reach what it has pinned in the child. */
static void gup_remote_pin_is_of_child(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_range *there;
	struct gk_call *c;
	unsigned int i;

	there = remote_share(r);
	c = gk_gup(there, GK_PIN_REMOTE, 0);
	gk_expect_pinned(c, r->nr);
	for (i = 0; i < c->ret; i++) {
		gk_store(r, i, 0x80 + i);
		GK_EXPECT(c, i, "contents", gk_peek(c->pages[i]), i + 1);
		GK_EXPECT(c, i, "contents seen by the child",
			  gk_child_load(there, i), i + 1);
	}
	gk_release(c);
	gk_expect_restored(c);
}

/* The child is charged for what is faulted in for it, the caller is not. */
static void gup_remote_faults_in_child(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	struct gk_range *there = gk_in_child(r, gk_fork(test));
	long here_anon = remote_anon_pages(r->mm);
	long there_anon = remote_anon_pages(there->mm);
	struct gk_call *c = gk_gup(there, gk_api(test), 0);
	unsigned int i;

	gk_expect_pinned(c, r->nr);
	gk_expect_zero_pages(c);
	gk_release(c);
	GK_EXPECT(c, -1, "anonymous pages of the child after reading",
		  remote_anon_pages(there->mm), there_anon);

	c = gk_gup(there, gk_api(test), FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	GK_EXPECT(c, -1, "anonymous pages of the child after writing",
		  remote_anon_pages(there->mm), there_anon + r->nr);
	GK_EXPECT(c, -1, "anonymous pages of the caller",
		  remote_anon_pages(r->mm), here_anon);
	for (i = 0; i < r->nr; i++)
		GK_EXPECT(c, i, "mapped by the caller", !!gk_page(r, i), false);
	gk_release(c);
	gk_expect_restored(c);
}

/* An mm with a mapping where the caller has none. */
static void gup_remote_foreign_mapping(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_fresh, 0);
	struct gk_range *there = remote_map_foreign(r);
	struct gk_range *nowhere = gk_in_child(there, there->child);
	struct gk_call *c = gk_gup(there, gk_api(test), FOLL_WRITE);
	unsigned int i;

	gk_expect_pinned(c, there->nr);
	for (i = 0; i < c->ret; i++)
		remote_expect_poke_seen(c, i, i + 1);
	gk_release(c);
	gk_expect_restored(c);

	/* In the caller's mm these addresses are nothing. */
	nowhere->mm = current->mm;
	c = gk_gup(nowhere, gk_api(test), FOLL_WRITE);
	gk_expect_refused(c, -EFAULT);
	c = gk_gup(nowhere, remote_local_api(test), FOLL_WRITE);
	gk_expect_refused(c, -EFAULT);
}

/* A kernel thread needs no mm of its own. */
static void gup_remote_without_mm(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_mixed, 0);
	struct mm_struct *mm = current->mm;
	struct gk_call *c;

	kthread_unuse_mm(mm);
	c = gk_gup(r, gk_api(test), FOLL_WRITE);
	kthread_use_mm(mm);
	gk_expect_round_trip(c, r->nr);

	kthread_unuse_mm(mm);
	c = gk_gup(r, gk_api(test), 0);
	kthread_use_mm(mm);
	gk_expect_round_trip(c, r->nr);
}

/* MMF_HAS_PINNED marks the mm that has pinned pages, not the one that pins. */
static void gup_remote_has_pinned(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_range *there = gk_in_child(r, gk_fork(test));
	struct gk_call *c;

	KUNIT_ASSERT_FALSE(test, mm_flags_test(MMF_HAS_PINNED, r->mm));
	KUNIT_ASSERT_FALSE(test, mm_flags_test(MMF_HAS_PINNED, there->mm));
	c = gk_gup(there, gk_api(test), FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED of the child",
		  mm_flags_test(MMF_HAS_PINNED, there->mm), c->api->pins);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED of the caller",
		  mm_flags_test(MMF_HAS_PINNED, r->mm), false);
	gk_release(c);
	gk_expect_restored(c);
}

/* Faults say whose they are: on the caller's own mm, too. */
static void gup_remote_fault_flag(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_holes, 0);
	struct gk_drv *drv = gk_range_drv(r);
	struct gk_call *c;

	drv->fault = gk_drv_give;
	c = gk_gup_part(r, gk_api(test), FOLL_WRITE, 0, 8);
	gk_expect_pinned(c, 8);
	GK_EXPECT(c, 5, "calls of ->fault", drv->faults, 1);
	GK_EXPECT(c, 5, "FAULT_FLAG_REMOTE",
		  !!(drv->last_flags & FAULT_FLAG_REMOTE), true);
	GK_EXPECT(c, 5, "FAULT_FLAG_WRITE",
		  !!(drv->last_flags & FAULT_FLAG_WRITE), true);
	GK_EXPECT(c, 5, "FAULT_FLAG_ALLOW_RETRY, for *locked",
		  !!(drv->last_flags & FAULT_FLAG_ALLOW_RETRY), true);
	gk_release(c);
	gk_expect_restored(c);

	c = gk_gup_part(r, remote_local_api(test), FOLL_WRITE, 8, 8);
	gk_expect_pinned(c, 8);
	GK_EXPECT(c, 13, "calls of ->fault", drv->faults, 2);
	GK_EXPECT(c, 13, "FAULT_FLAG_REMOTE",
		  !!(drv->last_flags & FAULT_FLAG_REMOTE), false);
	GK_EXPECT(c, 13, "FAULT_FLAG_ALLOW_RETRY without *locked",
		  !!(drv->last_flags & FAULT_FLAG_ALLOW_RETRY), false);
	gk_release(c);
	gk_expect_restored(c);
}

static long remote_call(struct gk_range *r, enum gk_api_id api,
			unsigned int i, long nr, struct page **pages, int *locked)
{
	if (api == GK_PIN_REMOTE)
		return pin_user_pages_remote(r->mm, gk_addr(r, i), nr,
					     FOLL_WRITE, pages, locked);
	return get_user_pages_remote(r->mm, gk_addr(r, i), nr, FOLL_WRITE,
				     pages, locked);
}

/* locked == NULL: the lock is the caller's, and no fault may drop it. */
static void gup_remote_no_locked(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_holes, 0);
	struct gk_drv *drv = gk_range_drv(r);
	struct page *pages[8] = {};
	unsigned int i;
	long ret;

	drv->fault = gk_drv_give;
	mmap_read_lock(r->mm);
	ret = remote_call(r, gk_api(test), 0, 8, pages, NULL);
	mmap_assert_locked(r->mm);
	mmap_read_unlock(r->mm);
	KUNIT_EXPECT_EQ_MSG(test, ret, 8, "shape=drv_holes api=%s locked=NULL",
			    gk_apis[gk_api(test)].name);
	KUNIT_EXPECT_EQ_MSG(test, drv->last_flags & (FAULT_FLAG_ALLOW_RETRY |
						     FAULT_FLAG_REMOTE),
			    FAULT_FLAG_REMOTE,
			    "shape=drv_holes api=%s locked=NULL: flags of the fault",
			    gk_apis[gk_api(test)].name);
	for (i = 0; i < max(ret, 0L); i++) {
		KUNIT_EXPECT_PTR_EQ(test, pages[i], gk_page(r, i));
		if (gk_api(test) == GK_PIN_REMOTE)
			unpin_user_page(pages[i]);
		else
			put_page(pages[i]);
	}
}

/* The first time the lock is dropped, as if to wait for the disk. */
static vm_fault_t remote_fault_retry(struct gk_drv *drv, struct vm_fault *vmf)
{
	if (!drv->left)
		return gk_drv_give(drv, vmf);
	drv->left--;
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	mmap_read_unlock(vmf->vma->vm_mm);
	return VM_FAULT_RETRY;
}

/* gk_drv_holes of single pages: large folios have a suite for their forks. */
static struct gk_range *remote_map_holes(struct kunit *test)
{
	struct gk_shape *shape = kunit_kzalloc(test, sizeof(*shape),
					       GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, shape);
	*shape = gk_drv_holes;
	shape->name = "drv_holes_order0";
	shape->arg = 0;
	return gk_map(test, shape, 0);
}

/* *locked says that the lock of the other mm was dropped on the way. */
static void gup_remote_locked_protocol(struct kunit *test)
{
	struct gk_range *r = remote_map_holes(test);
	struct gk_range *there = gk_in_child(r, gk_fork(test));
	struct gk_drv *drv = gk_range_drv(r);
	struct gk_call *c;

	drv->fault = remote_fault_retry;
	drv->left = 1;
	c = gk_gup_part(there, gk_api(test), FOLL_WRITE, 0, 8);
	gk_expect_pinned(c, 8);
	GK_EXPECT(c, -1, "*locked", c->locked, 0);
	GK_EXPECT(c, -1, "calls of ->fault", drv->faults, 2);
	GK_EXPECT(c, -1, "FAULT_FLAG_TRIED",
		  !!(drv->last_flags & FAULT_FLAG_TRIED), true);
	gk_release(c);
	gk_expect_restored(c);

	/* Not dropped: it still says so. */
	c = gk_gup_part(there, gk_api(test), FOLL_WRITE, 8, 8);
	gk_expect_pinned(c, 8);
	GK_EXPECT(c, -1, "*locked", c->locked, 1);
	gk_release(c);
	gk_expect_restored(c);
}

/* As ptrace: FOLL_FORCE writes to a private page that its owner may not. */
static void gup_remote_force(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_entry *was;
	struct gk_range *there;
	struct gk_call *c;
	unsigned int i;

	gk_store_all(r);
	gk_protect(r, 0, r->nr, PROT_READ);
	there = gk_in_child(r, gk_fork(test));
	was = gk_snapshot(r);

	c = gk_gup(there, gk_api(test), FOLL_WRITE);
	gk_expect_refused(c, -EFAULT);

	c = gk_gup(there, gk_api(test), FOLL_WRITE | FOLL_FORCE);
	gk_expect_pinned(c, r->nr);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "a page of the child's own",
			  c->pages[i] != was[i].page, true);
		GK_EXPECT(c, i, "entry writable", !!pte_write(gk_pte(there, i)),
			  false);
		remote_expect_poke_seen(c, i, 0x80 + i);
	}
	remote_expect_unchanged(c, r, was);
	gk_release(c);
	gk_expect_restored(c);
}

/* PROT_NONE hides memory from its owner, not from FOLL_FORCE. */
static void gup_remote_force_prot_none(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_prot_none, 0);
	struct gk_range *there = gk_in_child(r, gk_fork(test));
	struct gk_call *c = gk_gup(there, gk_api(test), 0);

	gk_expect_refused(c, -EFAULT);
	c = gk_gup(there, gk_api(test), FOLL_FORCE);
	gk_expect_round_trip(c, r->nr);
}

/* A hole in the child alone: what is before it comes back. */
static void gup_remote_hole_in_child(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_range *there = gk_in_child(r, gk_fork(test));
	struct remote_job job = { .r = there, .i = r->nr / 2 };
	struct gk_call *c;

	gk_child_run(test, there->child, remote_unmap_fn, &job);
	KUNIT_ASSERT_EQ(test, job.ret, 0);

	c = gk_gup(there, gk_api(test), FOLL_WRITE);
	gk_expect_round_trip(c, r->nr / 2);
	c = gk_gup_part(there, gk_api(test), FOLL_WRITE, r->nr / 2, 1);
	gk_expect_refused(c, -EFAULT);

	/* The caller has no hole. */
	c = gk_gup(r, gk_api(test), FOLL_WRITE);
	gk_expect_round_trip(c, r->nr);
}

/* For the long term the child's page moves, the caller's stays. */
static void gup_remote_longterm(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_range *there;
	struct gk_entry *was;
	struct gk_call *c;
	unsigned int i;

	there = remote_share(r);
	was = gk_snapshot(r);
	c = gk_gup(there, GK_PIN_REMOTE, FOLL_LONGTERM);
	gk_expect_pinned(c, r->nr);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "long-term pinnable",
			  folio_is_longterm_pinnable(page_folio(c->pages[i])),
			  true);
		GK_EXPECT(c, i, "contents", gk_peek(c->pages[i]), i + 1);
	}
	remote_expect_unchanged(c, r, was);
	gk_release(c);
	gk_expect_restored(c);
}

struct remote_parent_job {
	struct gk_range *r;
	enum gk_api_id api;
	struct page *page;
	long ret;
};

static void remote_parent_fn(void *arg)
{
	struct remote_parent_job *job = arg;

	mmap_read_lock(job->r->mm);
	job->ret = remote_call(job->r, job->api, 0, 1, &job->page, NULL);
	mmap_read_unlock(job->r->mm);
}

/* The other way round: the child reaches into the mm that it comes from. */
static void gup_remote_child_writes_parent(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct remote_parent_job job = { .r = r, .api = gk_api(test) };
	struct gk_range *there;

	gk_store(r, 0, 1);
	there = gk_in_child(r, gk_fork(test));
	gk_child_run(test, there->child, remote_parent_fn, &job);
	KUNIT_ASSERT_EQ(test, job.ret, 1);
	KUNIT_EXPECT_PTR_EQ_MSG(test, job.page, gk_page(r, 0),
				"api=%s: not the page of the parent",
				gk_apis[job.api].name);
	gk_poke(job.page, 2);
	if (job.api == GK_PIN_REMOTE)
		unpin_user_page(job.page);
	else
		put_page(job.page);
	KUNIT_EXPECT_EQ_MSG(test, gk_load(r, 0), 2, "api=%s: parent's contents",
			    gk_apis[job.api].name);
	KUNIT_EXPECT_EQ_MSG(test, gk_child_load(there, 0), 1,
			    "api=%s: child's contents",
			    gk_apis[job.api].name);
}

/* access_remote_vm() is GUP and a copy: across pages, as far as they go. */
static void gup_remote_access_vm(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_hole, 0);
	struct gk_range *there = gk_in_child(r, gk_fork(test));
	unsigned int edge = r->nr / 2;
	u8 buf[64], back[64] = {};
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = 3 * i + 1;
	/* From one page into the next */
	ret = access_remote_vm(there->mm, gk_addr(r, 2) - 20, buf, sizeof(buf),
			       FOLL_WRITE);
	KUNIT_EXPECT_EQ(test, ret, sizeof(buf));
	ret = access_remote_vm(there->mm, gk_addr(r, 2) - 20, back,
			       sizeof(back), 0);
	KUNIT_EXPECT_EQ(test, ret, sizeof(back));
	KUNIT_EXPECT_MEMEQ(test, buf, back, sizeof(buf));
	KUNIT_EXPECT_EQ_MSG(test, gk_load(r, 2), 0, "written to the caller");
	KUNIT_EXPECT_EQ(test, gk_child_load(there, 2), buf[20]);

	/* Into a hole: as much as there is. */
	ret = access_remote_vm(there->mm, gk_addr(r, edge) - 20, buf,
			       sizeof(buf), FOLL_WRITE);
	KUNIT_EXPECT_EQ(test, ret, 20);
	ret = access_remote_vm(there->mm, gk_addr(r, edge), buf, sizeof(buf),
			       0);
	KUNIT_EXPECT_EQ(test, ret, 0);

	/* By task, as /proc/pid/mem and ptrace have it. */
	ret = access_process_vm(there->child->task, gk_addr(r, 2) - 20, back,
				sizeof(back), 0);
	KUNIT_EXPECT_EQ(test, ret, sizeof(back));
	KUNIT_EXPECT_MEMEQ(test, buf, back, sizeof(buf));
}

static struct kunit_suite gup_remote_suite = {
	.name = "gup_remote",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_remote_reads_child, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_writes_child, remote_api_params),
		KUNIT_CASE(gup_remote_pin_is_of_child),
		KUNIT_CASE_PARAM(gup_remote_faults_in_child, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_foreign_mapping, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_without_mm, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_has_pinned, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_fault_flag, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_no_locked, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_locked_protocol, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_force, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_force_prot_none, remote_api_params),
		KUNIT_CASE_PARAM(gup_remote_hole_in_child, remote_api_params),
		KUNIT_CASE(gup_remote_longterm),
		KUNIT_CASE_PARAM(gup_remote_child_writes_parent, remote_api_params),
		KUNIT_CASE(gup_remote_access_vm),
		{}
	},
};

kunit_test_suite(gup_remote_suite);
