// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments: what each API refuses, what it then returns and leaves alone, and
 * what it must not refuse.
 */
#include <linux/rwsem.h>

#include "internal.h"
#include "gk.h"

/* Half of the pages are there: references taken and faults would both show. */
static void args_map_half(struct gk_range *r)
{
	gk_anon_fresh.map(r);
	gk_fault(r, 0, r->nr / 2, true);
}

static const struct gk_shape args_half = {
	.name = "half_written", .nr = 16, .map = args_map_half,
};

/* What the API may be given: get_*() may say that they get, pin_*() may not. */
static unsigned int args_accepted(const struct gk_api *api)
{
	return api->flags | (api->pins ? 0 : FOLL_GET);
}

static void args_expect_unlocked(struct gk_call *c, int locked)
{
	GK_EXPECT(c, -1, "*locked", c->locked, locked);
	GK_EXPECT(c, -1, "mmap_lock held", rwsem_is_locked(&c->r->mm->mmap_lock),
		  0);
}

/* Make a call that is to be refused with a warning, once per boot at most. */
static void args_enter_warned(struct gk_call *c)
{
	kunit_warning_suppress(c->r->test) {
		gk_enter(c);
		GK_EXPECT(c, -1, "more than one warning",
			  KUNIT_SUPPRESSED_WARNING_COUNT() > 1, 0);
	}
	gk_done(c);
}

/* Refused: no page, no fault, no reference, no mark on the mm, no lock. */
static void args_expect_refused(struct gk_call *c, int locked)
{
	unsigned int i;

	gk_expect_refused(c, -EINVAL);
	for (i = 0; i < c->r->nr; i++)
		GK_EXPECT(c, i, "a page is mapped", !!c->pinned[i].page,
			  !!c->before[i].page);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED",
		  mm_flags_test(MMF_HAS_PINNED, c->r->mm), 0);
	args_expect_unlocked(c, locked);
	gk_release(c);
}

static void args_refuse(struct gk_range *r, enum gk_api_id api,
			unsigned int flags)
{
	struct gk_call *c = gk_prepare(r, api, flags, 0, r->nr);

	args_enter_warned(c);
	args_expect_refused(c, 1);
}

static void args_accept(struct gk_range *r, enum gk_api_id api,
			unsigned int flags)
{
	struct gk_call *c = gk_gup(r, api, flags);

	gk_expect_pinned(c, r->nr);
	args_expect_unlocked(c, 1);
	gk_release(c);
	gk_expect_restored(c);
}

struct args_flag {
	const char *name;
	unsigned int flag;
};

#define ARGS_FLAG(_name)	{ #_name, FOLL_##_name }

static const struct args_flag args_flags[] = {
	ARGS_FLAG(WRITE), ARGS_FLAG(GET), ARGS_FLAG(DUMP),
	ARGS_FLAG(FORCE), ARGS_FLAG(NOWAIT), ARGS_FLAG(NOFAULT),
	ARGS_FLAG(HWPOISON), ARGS_FLAG(ANON), ARGS_FLAG(LONGTERM),
	ARGS_FLAG(SPLIT_PMD), ARGS_FLAG(PCI_P2PDMA),
	ARGS_FLAG(INTERRUPTIBLE), ARGS_FLAG(HONOR_NUMA_FAULT),
	/* internal to mm/ */
	ARGS_FLAG(TOUCH), ARGS_FLAG(TRIED), ARGS_FLAG(REMOTE),
	ARGS_FLAG(PIN), ARGS_FLAG(FAST_ONLY),
	ARGS_FLAG(UNLOCKABLE), ARGS_FLAG(MADV_POPULATE),
};

KUNIT_ARRAY_PARAM_DESC(args_flag, args_flags, name);

/* Each flag by itself and with FOLL_WRITE, given to each API. */
static void gup_args_each_flag(struct kunit *test)
{
	const struct args_flag *p = test->param_value;
	struct gk_range *r = gk_map(test, &args_half, 0);
	unsigned int i;

	for (i = 0; i < GK_NR_APIS; i++) {
		if (args_accepted(&gk_apis[i]) & p->flag)
			continue;
		args_refuse(r, i, p->flag);
		args_refuse(r, i, p->flag | FOLL_WRITE);
	}

	r = gk_map(test, &gk_anon_written, 0);
	for (i = 0; i < GK_NR_APIS; i++) {
		if (!(args_accepted(&gk_apis[i]) & p->flag))
			continue;
		args_accept(r, i, p->flag);
		args_accept(r, i, p->flag | FOLL_WRITE);
	}
}

/* All that an API accepts, at once: only LONGTERM and P2PDMA are exclusive. */
static void gup_args_all_accepted(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	unsigned int flags = args_accepted(api);

	args_accept(r, api - gk_apis, 0);
	args_accept(r, api - gk_apis, flags & ~FOLL_LONGTERM);
	args_accept(r, api - gk_apis, flags & ~FOLL_PCI_P2PDMA);
}

/* One flag that an API refuses spoils all that it accepts. */
static void gup_args_one_spoils_all(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &args_half, 0);
	unsigned int accepted = args_accepted(api);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(args_flags); i++)
		if (!(accepted & args_flags[i].flag))
			args_refuse(r, api - gk_apis,
				    (accepted & ~FOLL_LONGTERM) |
				    args_flags[i].flag);
}

/* Memory of a PCI device must be able to go away: no long-term pins of it. */
static void gup_args_longterm_p2pdma(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &args_half, 0);

	args_refuse(r, api - gk_apis, FOLL_LONGTERM | FOLL_PCI_P2PDMA);
	args_refuse(r, api - gk_apis,
		    FOLL_WRITE | FOLL_LONGTERM | FOLL_PCI_P2PDMA);
}

/* An API that returns pages needs an array; the others then fault them in. */
static void gup_args_no_array(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &args_half, 0);
	struct gk_call *c;
	unsigned int i;

	c = gk_prepare(r, api - gk_apis, api->pins ? 0 : FOLL_GET, 0, r->nr);
	c->array = NULL;
	args_enter_warned(c);
	args_expect_refused(c, 1);

	c = gk_prepare(r, api - gk_apis, FOLL_WRITE, 0, r->nr);
	c->array = NULL;
	if (api->pins || api->fast) {
		args_enter_warned(c);
		args_expect_refused(c, 1);
		return;
	}

	gk_enter(c);
	gk_done(c);
	gk_expect_ret(c, r->nr);
	args_expect_unlocked(c, 1);
	for (i = 0; i < r->nr; i++) {
		GK_EXPECT(c, i, "a page is mapped", !!c->pinned[i].page, true);
		GK_EXPECT(c, i, "refcount", c->pinned[i].refs,
			  i < r->nr / 2 ? c->before[i].refs :
			  c->pinned[0].refs);
	}
}

struct args_locked {
	const char *name;
	enum gk_api_id api;
	int locked;
};

static const struct args_locked args_lockeds[] = {
	{ "get_user_pages_remote *locked=0", GK_GET_REMOTE, 0 },
	{ "get_user_pages_remote *locked=2", GK_GET_REMOTE, 2 },
	{ "get_user_pages_remote *locked=-1", GK_GET_REMOTE, -1 },
	{ "pin_user_pages_remote *locked=0", GK_PIN_REMOTE, 0 },
	{ "pin_user_pages_remote *locked=2", GK_PIN_REMOTE, 2 },
	{ "pin_user_pages_remote *locked=-1", GK_PIN_REMOTE, -1 },
};

KUNIT_ARRAY_PARAM_DESC(args_locked, args_lockeds, name);

/* The caller of the remote calls has the lock, and says so with a 1. */
static void gup_args_locked_is_one(struct kunit *test)
{
	const struct args_locked *p = test->param_value;
	struct gk_range *r = gk_map(test, &args_half, 0);
	struct gk_call *c = gk_prepare(r, p->api, FOLL_WRITE, 0, r->nr);

	c->locked = p->locked;
	args_enter_warned(c);
	args_expect_refused(c, p->locked);
}

/* Or it does not say, and gets the lock back in any case. */
static void gup_args_locked_is_null(struct kunit *test)
{
	const struct args_locked *p = test->param_value;
	struct gk_range *r = gk_map(test, &args_half, 0);
	struct gk_call *c = gk_prepare(r, p->api, FOLL_WRITE, 0, r->nr);

	mmap_read_lock(r->mm);
	c->ret = p->api == GK_GET_REMOTE ?
		get_user_pages_remote(r->mm, c->addr, c->nr, c->flags, c->pages,
				      NULL) :
		pin_user_pages_remote(r->mm, c->addr, c->nr, c->flags, c->pages,
				      NULL);
	mmap_read_unlock(r->mm);
	gk_done(c);

	gk_expect_pinned(c, r->nr);
	args_expect_unlocked(c, 1);
	gk_release(c);
	gk_expect_restored(c);
}

static const struct args_locked args_nulls[] = {
	{ "get_user_pages_remote", GK_GET_REMOTE },
	{ "pin_user_pages_remote", GK_PIN_REMOTE },
};

KUNIT_ARRAY_PARAM_DESC(args_null, args_nulls, name);

/* No pages asked for: 0, whether or not there is something to be had. */
static void gup_args_nr_zero(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &gk_alone, 0);
	const unsigned int firsts[] = { 0, 1, r->nr - 1, r->nr };
	static const unsigned int flags[] = { 0, FOLL_WRITE };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(firsts); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			struct gk_call *c = gk_gup_part(r, api - gk_apis,
							flags[j], firsts[i], 0);

			gk_expect_ret(c, 0);
			gk_expect_untouched(c);
			args_expect_unlocked(c, 1);
			GK_EXPECT(c, -1, "MMF_HAS_PINNED",
				  mm_flags_test(MMF_HAS_PINNED, r->mm), 0);
			gk_release(c);
			gk_expect_restored(c);
		}
	}
}

/* The flags come first: they are refused whatever the range is. */
static void gup_args_flags_before_range(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	struct gk_range *r = gk_map(test, &args_half, 0);
	const struct {
		unsigned long start;
		long nr;
	} ranges[] = {
		{ gk_addr(r, 0), 0 }, { gk_addr(r, r->nr), 1 },
		{ TASK_SIZE_MAX, 1 }, { -PAGE_SIZE, 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct gk_call *c = gk_prepare(r, api - gk_apis, FOLL_TRIED, 0,
					       ranges[i].nr);

		c->addr = ranges[i].start;
		args_enter_warned(c);
		args_expect_refused(c, 1);
	}
}

static struct kunit_suite gup_args_suite = {
	.name = "gup_args",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_args_each_flag, args_flag_gen_params),
		KUNIT_CASE_PARAM(gup_args_all_accepted, gk_api_params),
		KUNIT_CASE_PARAM(gup_args_one_spoils_all, gk_api_params),
		KUNIT_CASE_PARAM(gup_args_longterm_p2pdma, gk_api_params),
		KUNIT_CASE_PARAM(gup_args_no_array, gk_api_params),
		KUNIT_CASE_PARAM(gup_args_locked_is_one, args_locked_gen_params),
		KUNIT_CASE_PARAM(gup_args_locked_is_null, args_null_gen_params),
		KUNIT_CASE_PARAM(gup_args_nr_zero, gk_api_params),
		KUNIT_CASE_PARAM(gup_args_flags_before_range, gk_api_params),
		{}
	},
};

kunit_test_suite(gup_args_suite);
