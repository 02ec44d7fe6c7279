// SPDX-License-Identifier: GPL-2.0
/* Calls of GUP, through the driver of kunit/gup_rig.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include "lib_memory.h"
#include "vm_util.h"
#include "nomem.h"

/*
 * All that fault; get_user_pages_fast_only() does not allocate. Of large folios some are
 * enough: what is allocated then is the same for all.
 */
static const struct way {
	unsigned int api;
	unsigned int run_flags;
	bool large;
} ways[] = {
	{ GUP_RIG_API_GET, 0, false },
	{ GUP_RIG_API_GET_UNLOCKED, 0, false },
	{ GUP_RIG_API_GET_REMOTE, 0, true },
	{ GUP_RIG_API_GET_REMOTE, GUP_RIG_RUN_LOCKED, false },
	{ GUP_RIG_API_GET_FAST, 0, true },
	{ GUP_RIG_API_PIN, 0, true },
	{ GUP_RIG_API_PIN_UNLOCKED, 0, false },
	{ GUP_RIG_API_PIN_REMOTE, 0, false },
	{ GUP_RIG_API_PIN_REMOTE, GUP_RIG_RUN_LOCKED, false },
	{ GUP_RIG_API_PIN_FAST, 0, true },
	{ GUP_RIG_API_POPULATE, 0, false },
	{ GUP_RIG_API_FAULT, 0, true },
};

static bool is_for(const struct way *way, const struct trial *t)
{
	const __u64 gup_flags = t->gup_flags;

	if (t->kind && t->kind->folio > 4 * KB && !way->large)
		return false;
	if (gup_flags & GUP_RIG_FOLL_LONGTERM && !gup_apis[way->api].pins)
		return false;
	if (gup_flags & GUP_RIG_FOLL_SPLIT_PMD && gup_apis[way->api].fast)
		return false;
	return way->api != GUP_RIG_API_FAULT || !(gup_flags & ~GUP_RIG_FOLL_WRITE);
}

static bool is_remote(const struct trial *t)
{
	return t->api == GUP_RIG_API_GET_REMOTE || t->api == GUP_RIG_API_PIN_REMOTE;
}

static bool gives_pages(const struct trial *t)
{
	return t->api != GUP_RIG_API_POPULATE && t->api != GUP_RIG_API_FAULT;
}

/* Of the sharer if the trial is about its memory, else of this process. */
static int pidfd_of(const struct trial *t)
{
	return syscall(SYS_pidfd_open, t->in_sharer ? t->sharer : getpid(), 0);
}

int rig(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = gup_open();
	return fd;
}

static bool ready(struct trial *t)
{
	struct gup_call *c = &t->gup;

	if (!gives_pages(t))
		gup_call_init_bare(c, rig(), t->api, t->gup_flags, t->at, t->nr);
	else if (!gup_call_init(c, rig(), t->api, t->gup_flags, t->at, t->nr))
		return false;
	/* After fork() the kernel could not store here without an allocation. */
	if (c->records)
		memset(c->records, 0, t->nr * sizeof(*c->records));
	c->run.flags = t->run_flags;
	if (t->api == GUP_RIG_API_MEMFD) {
		c->run.addr = t->at - t->mem.map;
		c->run.fd = t->mem.file;
	} else if (is_remote(t)) {
		c->run.fd = pidfd_of(t);
	}
	return true;
}

static long run(struct trial *t)
{
	return ioctl(t->gup.fd, GUP_RIG_RUN, &t->gup.run) ? -errno : 0;
}

/* A split takes references for the entries that come in the place of one. */
static bool counts_can_be_told(const struct trial *t)
{
	return !(t->gup_flags & GUP_RIG_FOLL_SPLIT_PMD);
}

/* Nothing is held, but all that was asked for is there. */
static bool expect_faulted(const struct trial *t)
{
	return gup_expect_numbers(&t->gup) &&
	       (t->gup.run.pages_done < t->nr ||
		io_expect("pages that are there", pages_present(t), t->nr));
}

/* As many are held as were returned, and they are what is mapped. */
static bool expect_held(const struct trial *t)
{
	const struct gup_call *c = &t->gup;

	return gup_expect_numbers(c) && gup_expect_folios(c) && gup_expect_no_strangers(c) &&
	       (!counts_can_be_told(t) || gup_expect_counts(c)) &&
	       (t->api == GUP_RIG_API_MEMFD || t->in_sharer || gup_expect_mapped(c, t->at));
}

static unsigned int outcome(const struct trial *t, long result)
{
	const struct gup_call *c = &t->gup;
	long pages = gup_result(c);

	if (result == -ENOMEM)
		return UNDONE;
	if (result)
		return gup_fails("GUP_RIG_RUN: %s", strerror(-result)), 0;
	if (pages == -ENOMEM)
		return NOMEM;
	if (pages == -EFAULT)
		return BUS;
	if (pages <= 0)
		return gup_fails("%ld, which is neither pages nor -ENOMEM", pages), 0;
	if (!(gives_pages(t) ? expect_held(t) : expect_faulted(t)))
		return 0;
	return pages < (long)t->nr ? SHORT : ALL;
}

static unsigned int judge(struct trial *t, long result)
{
	unsigned int came = outcome(t, result);

	if (is_remote(t))
		close(t->gup.run.fd);
	gup_call_free(&t->gup);
	return came;
}

static bool try_way(const struct trial *one, const struct way *way)
{
	struct trial t = *one;

	t.name = gup_apis[way->api].name;
	t.api = way->api;
	t.run_flags = way->run_flags;
	t.ready = ready;
	t.call = run;
	t.judge = judge;
	return each_allocation(&t);
}

bool try_all(const struct trial *all)
{
	const struct way *way;

	for (way = ways; way < ways + ARRAY_SIZE(ways); way++)
		if (is_for(way, all) && !try_way(all, way))
			return false;
	return true;
}

bool try_sharer(const struct trial *one)
{
	const struct way way = { .api = GUP_RIG_API_PIN_REMOTE, .run_flags = GUP_RIG_RUN_LOCKED };
	struct trial t = *one;

	t.in_sharer = true;
	return try_way(&t, &way);
}

bool try_memfd(const struct trial *one)
{
	const struct way way = { .api = GUP_RIG_API_MEMFD };

	return try_way(one, &way);
}
