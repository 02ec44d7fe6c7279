/* SPDX-License-Identifier: GPL-2.0 */
/* Calls of /sys/kernel/debug/gup_rig as kunit/gup_rig.h describes them, good ones. */
#ifndef LIB_RIG_IOCTL_H
#define LIB_RIG_IOCTL_H

#include <sys/syscall.h>
#include <mm/tests/gup/gup_rig.h>

#define DEVICE	GUP_RIG_FILE
#include "lib_ioctl.h"

#define BIAS	GUP_PIN_BIAS

static long entries_held(int fd)
{
	return gup_held(fd);
}

static inline struct gup_rig_run good_run(const gup_data *self)
{
	return (struct gup_rig_run) {
		.api = GUP_RIG_API_PIN_FAST,
		.gup_flags = GUP_RIG_FOLL_WRITE,
		.addr = addr_of(self->mem),
		.nr_pages = NR,
		.repeat = 1,
	};
}

#define RECORDS_AT(where) (run.records = (where), run.nr_records = NR)

static inline struct gup_rig_hold good_hold(__u32 op, __u32 handle, void *buf)
{
	return (struct gup_rig_hold) {
		.op = op,
		.handle = handle,
		.buf = addr_of(buf),
	};
}

/* Hold all the memory; the handle, which ought to be new. */
static inline __u32 hold_all(struct __test_metadata *_metadata, gup_data *self,
			     __u32 api, __u32 gup_flags)
{
	struct gup_rig_run run = good_run(self);

	run.api = api;
	run.gup_flags = gup_flags;
	run.flags = GUP_RIG_RUN_HOLD;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	ASSERT_EQ(0, run.error);
	ASSERT_EQ((__u64)NR, run.pages_done);
	ASSERT_NE(0U, run.handle);
	self->held += NR;
	EXPECT_NOTHING_LEAKED();
	return run.handle;
}

static inline int hold_op(gup_data *self, struct gup_rig_hold *hold)
{
	int ret = ioctl(self->fd, GUP_RIG_HOLD, hold);

	if (!ret && hold->op == GUP_RIG_HOLD_RELEASE)
		self->held -= hold->done;
	return ret;
}

static inline int release(gup_data *self, __u32 handle, __u32 put, __u64 first,
			  __u64 nr)
{
	struct gup_rig_hold hold = good_hold(GUP_RIG_HOLD_RELEASE, handle, NULL);

	hold.put = put;
	hold.first = first;
	hold.nr = nr;
	return hold_op(self, &hold) ? -errno : (int)hold.done;
}

/* What GUP allows, API by API, as its kernel-doc and its warnings have it. */
#define FAST_FOLL	(GUP_RIG_FOLL_WRITE | GUP_RIG_FOLL_FORCE | GUP_RIG_FOLL_NOFAULT | \
			 GUP_RIG_FOLL_PCI_P2PDMA | GUP_RIG_FOLL_HONOR_NUMA_FAULT)
#define GET_FOLL	(FAST_FOLL | GUP_RIG_FOLL_NOWAIT | GUP_RIG_FOLL_DUMP | \
			 GUP_RIG_FOLL_ANON | GUP_RIG_FOLL_HWPOISON | \
			 GUP_RIG_FOLL_SPLIT_PMD | GUP_RIG_FOLL_INTERRUPTIBLE)
#define PIN_FOLL	(GET_FOLL | GUP_RIG_FOLL_LONGTERM)

/* The APIs that give pages of the caller, and what a page of a small folio costs. */
struct api {
	const char *name;
	__u32 id;
	int refs;
	int pins;
	__u32 flags;
	__u32 foll;
};

static const struct api apis[] = {
	{ "get", GUP_RIG_API_GET, 1, 0, 0, GET_FOLL },
	{ "pin", GUP_RIG_API_PIN, BIAS, 1, 0, PIN_FOLL },
	{ "get_fast", GUP_RIG_API_GET_FAST, 1, 0, 0, FAST_FOLL },
	{ "pin_fast", GUP_RIG_API_PIN_FAST, BIAS, 1, 0,
	  FAST_FOLL | GUP_RIG_FOLL_LONGTERM },
	{ "get_fast_only", GUP_RIG_API_GET_FAST_ONLY, 1, 0, 0, FAST_FOLL },
	{ "get_fast_only, IRQs off", GUP_RIG_API_GET_FAST_ONLY, 1, 0,
	  GUP_RIG_RUN_IRQS_OFF, FAST_FOLL },
	{ "get_unlocked", GUP_RIG_API_GET_UNLOCKED, 1, 0, 0, GET_FOLL },
	{ "pin_unlocked", GUP_RIG_API_PIN_UNLOCKED, BIAS, 1, 0, PIN_FOLL },
	{ "get_remote", GUP_RIG_API_GET_REMOTE, 1, 0, 0, GET_FOLL },
	{ "pin_remote", GUP_RIG_API_PIN_REMOTE, BIAS, 1, 0, PIN_FOLL },
	{ "get_remote, locked", GUP_RIG_API_GET_REMOTE, 1, 0,
	  GUP_RIG_RUN_LOCKED, GET_FOLL },
	{ "pin_remote, locked", GUP_RIG_API_PIN_REMOTE, BIAS, 1,
	  GUP_RIG_RUN_LOCKED, PIN_FOLL },
	{ "pin_ranges", GUP_RIG_API_PIN_RANGES, BIAS, 1, 0,
	  FAST_FOLL | GUP_RIG_FOLL_LONGTERM },
};

/* How many of them this kernel has. */
static inline size_t nr_apis(const gup_data *self)
{
	return ARRAY_SIZE(apis) - !gup_has_api(self->fd, GUP_RIG_API_PIN_RANGES);
}

static inline bool is_remote(const struct api *api)
{
	return api->id == GUP_RIG_API_GET_REMOTE ||
	       api->id == GUP_RIG_API_PIN_REMOTE;
}

/* A run of @api on our own memory, remote ones by our own pidfd. */
static inline struct gup_rig_run api_run(const gup_data *self, const struct api *api,
					 struct gup_rig_record *recs)
{
	struct gup_rig_run run = good_run(self);

	run.api = api->id;
	run.flags = api->flags;
	if (is_remote(api))
		run.fd = syscall(SYS_pidfd_open, getpid(), 0);
	if (recs)
		RECORDS_AT(addr_of(recs));
	return run;
}

static inline void api_done(const struct gup_rig_run *run)
{
	if (run->fd > 0)
		close(run->fd);
}

#endif /* LIB_RIG_IOCTL_H */
