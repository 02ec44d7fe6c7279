// SPDX-License-Identifier: GPL-2.0-only
/*
 * Children for the GUP KUnit suites: a process with a copy of the test's mm,
 * and what it does in there when it is told to.
 */
#include <kunit/resource.h>
#include <linux/completion.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>

#include "gk.h"

/* Task work of an exiting task runs when its mm has been torn down. */
static void gk_child_gone(struct callback_head *work)
{
	complete(&container_of(work, struct gk_child, exit_work)->gone);
}

static int gk_child_main(void *arg)
{
	struct gk_child *child = arg;

	child->mm = current->mm;
	mmgrab(child->mm);
	child->task = get_task_struct(current);
	complete(&child->done);
	for (;;) {
		wait_for_completion(&child->go);
		if (!child->fn)
			break;
		child->fn(child->arg);
		complete(&child->done);
	}
	init_task_work(&child->exit_work, gk_child_gone);
	WARN_ON(task_work_add(current, &child->exit_work, TWA_NONE));
	do_exit(0);
}

static void gk_child_reap(void *arg)
{
	struct gk_child *child = arg;

	child->fn = NULL;
	complete(&child->go);
	wait_for_completion(&child->gone);
	mmdrop(child->mm);
	put_task_struct(child->task);
}

/* fork(): the child has a copy of the mm, shares all pages, and waits. */
struct gk_child *gk_fork(struct kunit *test)
{
	struct gk_child *child = kunit_kzalloc(test, sizeof(*child), GFP_KERNEL);
	struct kernel_clone_args args = {
		.flags = CLONE_UNTRACED,
		.exit_signal = SIGCHLD,
		.fn = gk_child_main,
		.fn_arg = child,
	};

	KUNIT_ASSERT_NOT_NULL(test, child);
	init_completion(&child->go);
	init_completion(&child->done);
	init_completion(&child->gone);
	KUNIT_ASSERT_GT(test, kernel_clone(&args), 0);
	wait_for_completion(&child->done);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, gk_child_reap,
							   child));
	return child;
}

/* Run @fn in the child, with the child's mm, and wait for it. */
void gk_child_run(struct kunit *test, struct gk_child *child,
		  void (*fn)(void *arg), void *arg)
{
	child->fn = fn;
	child->arg = arg;
	complete(&child->go);
	wait_for_completion(&child->done);
}

/* Returns when the child's mm is gone. */
void gk_child_exit(struct kunit *test, struct gk_child *child)
{
	kunit_release_action(test, gk_child_reap, child);
	gk_settle();
}

/* The same addresses in the mm of @child. */
struct gk_range *gk_in_child(struct gk_range *r, struct gk_child *child)
{
	struct gk_range *there = kunit_kzalloc(r->test, sizeof(*there),
					       GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(r->test, there);
	*there = *r;
	there->mm = child->mm;
	there->child = child;
	return there;
}

struct gk_access {
	u8 __user *at;
	u8 byte;
	int ret;
};

static void gk_child_put(void *arg)
{
	struct gk_access *access = arg;

	access->ret = put_user(access->byte, access->at);
}

static void gk_child_get(void *arg)
{
	struct gk_access *access = arg;

	access->ret = get_user(access->byte, access->at);
}

/* The child itself accesses page @i of a range of its mm. */
static u8 gk_child_access(struct gk_range *there, unsigned int i, u8 byte,
			  void (*fn)(void *arg))
{
	struct gk_access access = {
		.at = (u8 __user *)gk_addr(there, i), .byte = byte,
	};

	gk_child_run(there->test, there->child, fn, &access);
	KUNIT_EXPECT_EQ(there->test, access.ret, 0);
	return access.byte;
}

void gk_child_store(struct gk_range *there, unsigned int i, u8 byte)
{
	gk_child_access(there, i, byte, gk_child_put);
}

u8 gk_child_load(struct gk_range *there, unsigned int i)
{
	return gk_child_access(there, i, 0, gk_child_get);
}
