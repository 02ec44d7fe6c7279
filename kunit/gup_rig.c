// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/gup_rig: what gup_rig.h says. */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>
#include "gup_rig_range.h"

struct gup_rig_file {
	struct mutex mutex;	/* for what the ranges in holds hold */
	struct xarray holds;	/* held ranges by handle */
};

static int check_records(const struct gup_rig_run *run)
{
	if (!run->records != !run->nr_records)
		return -EINVAL;
	if (run->records && !gup_rig_apis[run->api].puts)
		return -EINVAL;
	return 0;
}

/* GUP warns about flags that its callers must not use: do not pass them on. */
static bool flags_are_allowed(const struct gup_rig_run *run)
{
	const u32 never_both = GUP_RIG_FOLL_LONGTERM | GUP_RIG_FOLL_PCI_P2PDMA;
	const struct gup_rig_api *api = &gup_rig_apis[run->api];

	return !(run->gup_flags & ~api->foll) && !(run->flags & ~api->run) &&
	       (run->gup_flags & never_both) != never_both;
}

static int check_run(const struct gup_rig_run *run)
{
	if (!run->api || run->api >= GUP_RIG_NR_APIS || !gup_rig_apis[run->api].foll)
		return -EINVAL;
	if (!flags_are_allowed(run) ||
	    !gup_rig_put_is_allowed(run->api, run->gup_flags, run->put))
		return -EINVAL;
	if (!IS_ALIGNED(run->addr, PAGE_SIZE) || !run->nr_pages || !run->repeat)
		return -EINVAL;
	if (run->api == GUP_RIG_API_FAULT && run->pages_per_call > 1)
		return -EINVAL;
	if (run->nr_pages > GUP_RIG_MAX_PAGES)
		return -EOVERFLOW;
	return check_records(run);
}

/* Get, look and put; or do not put, if @hold. Returns 0, also if GUP failed. */
static int run_pass(struct gup_range *r, u32 put, bool hold)
{
	int ret;

	ret = gup_look_before(r);
	if (ret)
		return ret;
	ret = gup_range_get(r);
	if (!ret)
		ret = gup_look_held(r);
	if (!ret && hold && gup_range_is_complete(r))
		return 0;
	gup_range_put(r, put);
	return ret ?: gup_look_after(r);
}

static int run_passes(struct gup_range *r, struct gup_rig_run *run)
{
	bool hold;
	u32 left;
	int ret;

	run->passes = 0;
	for (left = run->repeat; left; left--) {
		hold = left == 1 && (run->flags & GUP_RIG_RUN_HOLD);
		ret = run_pass(r, run->put, hold);
		if (ret || !gup_range_is_complete(r))
			return ret;
		run->passes++;
		if (left > 1 && signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* The process must not exit under us: then there is nobody to call GUP for. */
static int run_on_mm(struct gup_range *r, struct gup_rig_run *run)
{
	int ret;

	if (!mmget_not_zero(r->mm))
		return -ESRCH;
	ret = run_passes(r, run);
	mmput(r->mm);
	return ret;
}

static void report_run(const struct gup_range *r, struct gup_rig_run *run)
{
	run->pages_done = r->pages_done;
	run->entries = r->entries;
	run->calls = r->calls;
	run->get_ns = r->get_ns;
	run->put_ns = r->put_ns;
	run->first_offset = r->entries ? r->first_offset : 0;
	run->error = r->error;
	run->records_done = gup_look_done(r);
}

static int copy_records(u64 to, const struct gup_rig_record *recs, unsigned long nr)
{
	return copy_to_user(u64_to_user_ptr(to), recs, nr * sizeof(*recs)) ? -EFAULT : 0;
}

/* Nobody can use the handle before hold_range(), but it exists. */
static int reserve_handle(struct gup_rig_file *rig, struct gup_range *r, u32 *handle)
{
	*handle = 0;
	if (!r->held)
		return 0;
	return xa_alloc(&rig->holds, handle, NULL, xa_limit_31b, GFP_KERNEL);
}

/* The slot is there, so that to store needs no memory, and cannot fail. */
static void hold_range(struct gup_rig_file *rig, struct gup_range *r, u32 handle)
{
	gup_look_free(r);
	xa_store(&rig->holds, handle, r, GFP_KERNEL);
}

static long gup_rig_run(struct gup_rig_file *rig, void __user *arg)
{
	struct gup_rig_run run;
	struct gup_range *r;
	int ret;

	if (copy_from_user(&run, arg, sizeof(run)))
		return -EFAULT;
	ret = check_run(&run);
	if (ret)
		return ret;
	r = gup_range_new(&run);
	if (IS_ERR(r))
		return PTR_ERR(r);

	ret = run_on_mm(r, &run);
	if (!ret)
		ret = copy_records(run.records, r->records, gup_look_done(r));
	if (!ret)
		ret = reserve_handle(rig, r, &run.handle);
	if (ret)
		goto free;
	report_run(r, &run);
	ret = copy_to_user(arg, &run, sizeof(run)) ? -EFAULT : 0;
	if (run.handle && !ret) {
		hold_range(rig, r, run.handle);
		return 0;
	}
	if (run.handle)
		xa_erase(&rig->holds, run.handle);
free:
	gup_range_free(r);
	return ret;
}

static int check_hold(const struct gup_rig_hold *hold)
{
	bool copy = hold->op == GUP_RIG_HOLD_READ || hold->op == GUP_RIG_HOLD_WRITE;
	bool record = hold->op == GUP_RIG_HOLD_RECORD;
	bool release = hold->op == GUP_RIG_HOLD_RELEASE;

	if (!copy && !record && !release)
		return -EINVAL;
	if ((!release && hold->put) || (release && hold->buf) ||
	    (copy && hold->nr) || (!copy && (hold->offset || hold->len)) ||
	    (copy && !hold->len))
		return -EINVAL;
	return 0;
}

static int hold_copy(struct gup_range *r, struct gup_rig_hold *hold)
{
	bool write = hold->op == GUP_RIG_HOLD_WRITE;
	int ret;

	if (write && !(r->gup_flags & GUP_RIG_FOLL_WRITE))
		return -EACCES;
	ret = gup_range_check_bytes(r, hold->first, hold->offset, hold->len);
	if (ret)
		return ret;
	hold->done = hold->len;
	return gup_range_copy(r, hold->first, hold->offset,
			      u64_to_user_ptr(hold->buf), hold->len, write);
}

static int hold_record(struct gup_range *r, struct gup_rig_hold *hold, unsigned long nr)
{
	struct gup_rig_record *recs;
	int ret;

	recs = gup_rig_alloc_array(nr, sizeof(*recs));
	if (!recs)
		return -ENOMEM;
	ret = gup_look_now(r, recs, hold->first, nr);
	if (!ret)
		ret = copy_records(hold->buf, recs, nr);
	kvfree(recs);
	hold->done = nr;
	return ret;
}

static int hold_release(struct gup_rig_file *rig, struct gup_range *r,
			struct gup_rig_hold *hold, unsigned long nr)
{
	if (hold->put > U32_MAX ||
	    !gup_rig_put_is_allowed(r->api, r->gup_flags, hold->put))
		return -EINVAL;
	hold->done = gup_range_release(r, hold->put, hold->first, nr);
	if (!r->held) {
		xa_erase(&rig->holds, hold->handle);
		gup_range_free(r);
	}
	return 0;
}

static int hold_op(struct gup_rig_file *rig, struct gup_rig_hold *hold)
{
	struct gup_range *r = xa_load(&rig->holds, hold->handle);
	u64 nr;

	if (!r)
		return -ENOENT;
	if (hold->first >= r->entries)
		return -ERANGE;
	nr = r->entries - hold->first;
	if (hold->nr > nr)
		return -ERANGE;
	nr = hold->nr ?: nr;

	switch (hold->op) {
	case GUP_RIG_HOLD_RECORD:
		return hold_record(r, hold, nr);
	case GUP_RIG_HOLD_RELEASE:
		return hold_release(rig, r, hold, nr);
	}
	return hold_copy(r, hold);
}

static long gup_rig_hold(struct gup_rig_file *rig, void __user *arg)
{
	struct gup_rig_hold hold;
	int ret;

	if (copy_from_user(&hold, arg, sizeof(hold)))
		return -EFAULT;
	ret = check_hold(&hold);
	if (ret)
		return ret;
	if (mutex_lock_interruptible(&rig->mutex))
		return -EINTR;
	ret = hold_op(rig, &hold);
	mutex_unlock(&rig->mutex);
	if (ret)
		return ret;
	return copy_to_user(arg, &hold, sizeof(hold)) ? -EFAULT : 0;
}

static long gup_rig_held(struct gup_rig_file *rig, void __user *arg)
{
	struct gup_rig_held held = {};
	struct gup_range *r;
	unsigned long handle;

	if (mutex_lock_interruptible(&rig->mutex))
		return -EINTR;
	xa_for_each(&rig->holds, handle, r) {
		held.handles++;
		held.entries += r->held;
	}
	mutex_unlock(&rig->mutex);
	return copy_to_user(arg, &held, sizeof(held)) ? -EFAULT : 0;
}

static long gup_rig_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gup_rig_file *rig = file->private_data;

	switch (cmd) {
	case GUP_RIG_RUN:
		return gup_rig_run(rig, (void __user *)arg);
	case GUP_RIG_HOLD:
		return gup_rig_hold(rig, (void __user *)arg);
	case GUP_RIG_HELD:
		return gup_rig_held(rig, (void __user *)arg);
	}
	return -ENOTTY;
}

static int gup_rig_open(struct inode *inode, struct file *file)
{
	struct gup_rig_file *rig = kzalloc_obj(*rig);

	if (!rig)
		return -ENOMEM;
	mutex_init(&rig->mutex);
	xa_init_flags(&rig->holds, XA_FLAGS_ALLOC1);
	file->private_data = rig;
	return nonseekable_open(inode, file);
}

static int gup_rig_release(struct inode *inode, struct file *file)
{
	struct gup_rig_file *rig = file->private_data;
	struct gup_range *r;
	unsigned long handle;

	xa_for_each(&rig->holds, handle, r)
		gup_range_free(r);
	xa_destroy(&rig->holds);
	mutex_destroy(&rig->mutex);
	kfree(rig);
	return 0;
}

static const struct file_operations gup_rig_fops = {
	.open = gup_rig_open,
	.unlocked_ioctl = gup_rig_ioctl,
	.release = gup_rig_release,
};

static int __init gup_rig_init(void)
{
	debugfs_create_file_unsafe("gup_rig", 0600, NULL, NULL, &gup_rig_fops);
	return 0;
}

late_initcall(gup_rig_init);
