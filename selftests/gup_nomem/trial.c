// SPDX-License-Identifier: GPL-2.0
/* One call, again and again, each time without memory for another of its allocations. */
#include <stdio.h>
#include "nomem.h"

/* No call allocates so often: who gets here goes round in circles. */
#define MOST		300U

bool loud;

static const char *word_for(unsigned int came)
{
	switch (came) {
	case ALL: return "all of it";
	case SHORT: return "a part of it";
	case NOMEM: return "no memory";
	case BUS: return "a bad address";
	case UNDONE: return "no call of GUP";
	default: return "none of what may come";
	}
}

/* Which call it was and, if one was to fail, which allocation. */
static const char *name_of(const struct trial *t, unsigned int nth)
{
	static char name[96];

	snprintf(name, sizeof(name), "%s%s, allocation %u%s", t->name,
		 t->run_flags & GUP_RIG_RUN_LOCKED ? " (locked)" : "", nth,
		 t->rest ? " and all others" : "");
	return name;
}

/* The first allocation is number 1. With 0 none fails. */
static bool call_failing(struct trial *t, unsigned int nth, long *result)
{
	bool failed;

	/* After fork() the first store to the stack allocates: not when that may fail. */
	if (!inject(0, false) || !inject(nth, nth && t->rest))
		return false;
	*result = t->call(t);
	if (!inject_end(&failed))
		return false;
	t->failed = nth && failed;
	return true;
}

static bool call_and_judge(struct trial *t, unsigned int nth)
{
	unsigned int came;
	long result;

	if (t->ready && !t->ready(t))
		return false;
	if (!call_failing(t, nth, &result))
		return false;
	came = t->judge(t, result);
	if (t->failed)
		t->seen |= came;
	if (t->failed && loud)
		ksft_print_msg("%s: %s\n", name_of(t, nth), word_for(came));
	if (!came || came == ALL || (t->failed && came & (t->may | UNDONE)))
		return came;
	return gup_fails("%s%s", word_for(came), t->failed ? "" : ", and no allocation has failed");
}

/* With memory the same call then gives all, as if nothing had happened. */
static bool fail_and_repeat(struct trial *t, unsigned int nth)
{
	bool failed;

	if (!call_and_judge(t, nth))
		return false;
	failed = t->failed;
	if (!call_and_judge(t, 0))
		return false;
	t->failed = failed;
	return t->check(t);
}

static bool blame(const struct trial *t, unsigned int nth)
{
	char why[400];

	if (io_outcome->skipped)
		return false;
	snprintf(why, sizeof(why), "%s", gup_why());
	return gup_fails("%s: %s", name_of(t, nth), why);
}

static bool fail_one(struct trial *t, unsigned int nth)
{
	struct io_pool pool = io_read_pool();
	struct gup_pins before;
	bool good;

	if (!io_pins(&before))
		return blame(t, nth);
	good = t->make(t) && fail_and_repeat(t, nth);
	t->drop(t);
	return (good && io_expect_out("given back", &before, 0) &&
		io_expect_pool("given back", &pool, 0, 0)) || blame(t, nth);
}

static bool fail_each(struct trial *t, bool rest)
{
	unsigned int nth;

	t->rest = rest;
	/* The first time none fails: what the program itself needs is there after that. */
	for (nth = 0; nth < 2 || t->failed; nth++) {
		if (nth > MOST)
			return gup_fails("%s, and no end", name_of(t, nth));
		if (!fail_one(t, nth))
			return false;
		t->failures += t->failed;
	}
	return true;
}

static bool expect_seen(const struct trial *t, unsigned int what)
{
	return !(t->must & what) || t->seen & what ||
	       gup_fails("%s: %u times without memory, and never: %s", t->name, t->failures,
			 word_for(what));
}

bool each_allocation(struct trial *t)
{
	t->seen = 0;
	t->failures = 0;
	return fail_each(t, false) && fail_each(t, true) && expect_seen(t, NOMEM) &&
	       expect_seen(t, SHORT) && expect_seen(t, BUS);
}
