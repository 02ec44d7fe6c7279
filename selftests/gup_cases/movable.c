// SPDX-License-Identifier: GPL-2.0
/*
 * Long-term pins of pages in ZONE_MOVABLE, which is a block of memory that is made
 * movable for the test: they move out and keep their contents, and the block can then be
 * taken offline under the pins.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include "lib_movable.h"
#include "vm_util.h"
#include "cases.h"

#define LONGTERM	(GUP_RIG_FOLL_LONGTERM | GUP_RIG_FOLL_WRITE)

static bool count_movable(const struct gup_call *c, unsigned long want)
{
	unsigned long i, movable = 0;

	for (i = 0; i < c->run.records_done; i++)
		movable += !!(c->records[i].flags & GUP_RIG_REC_MOVABLE);
	return movable == want ||
	       gup_fails("%s: %lu of %llu pages are in ZONE_MOVABLE, not %lu",
			 gup_call_name(c->run.api, c->run.gup_flags), movable,
			 c->run.nr_pages, want);
}

bool expect_movable(const struct io_mem *m, unsigned long want)
{
	unsigned long nr = m->len / psize();
	struct gup_call c;
	bool good;

	good = gup_call_init(&c, rig(), GUP_RIG_API_GET, 0, m->map, nr) && gup_run(&c) &&
	       gup_expect_result(&c, nr) && count_movable(&c, want);
	gup_call_free(&c);
	return good;
}

/* What is pinned is what is mapped, now in another zone, with the contents of before. */
static bool expect_moved(const struct gup_call *c, const struct io_mem *m)
{
	const size_t at = m->len / 2 + 2 * psize();
	char seen[SECTOR];

	return count_movable(c, 0) && gup_expect_mapped(c, m->map) &&
	       io_check("after it was moved", m->map, m->len, m->seed, 0) &&
	       gup_hold_read(c, at / psize(), 0, seen, sizeof(seen)) &&
	       io_check("through the pin", seen, sizeof(seen), m->seed, at);
}

static bool pin_and_take_offline(const struct io_kind *kind)
{
	static const unsigned int apis[] = {
		GUP_RIG_API_PIN_FAST, GUP_RIG_API_PIN, GUP_RIG_API_PIN_UNLOCKED,
	};
	unsigned long nr = HUGE / psize();
	struct gup_call c;
	struct io_mem m;
	unsigned int i;
	bool good;

	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		if (!io_make(&m, kind, HUGE) || !expect_movable(&m, nr) ||
		    !gup_call_init(&c, rig(), apis[i], LONGTERM, m.map, nr))
			return false;
		c.run.flags = GUP_RIG_RUN_HOLD;
		good = gup_run(&c) && gup_expect_result(&c, nr) && expect_moved(&c, &m) &&
		       movable_set_state("offline") && expect_moved(&c, &m) &&
		       movable_set_state("online_movable");
		/* Else the block would never go offline. */
		good = (!c.run.handle || gup_release(&c, GUP_RIG_PUT_DIRTY)) && good;
		gup_call_free(&c);
		if (!good)
			return false;
		close(m.file);
		munmap(m.map, m.len);
	}
	return true;
}

bool test_movable(const struct io_kind *kind)
{
	return movable_run(pin_and_take_offline, kind);
}

/* One page has a reference of somebody else: nothing may stay pinned, and nothing spin. */
static bool pin_what_is_held(const struct io_kind *kind)
{
	unsigned long nr = HUGE / psize();
	struct gup_call one, c;
	struct gup_pins before;
	struct io_mem m;
	bool good;

	if (!io_make(&m, kind, HUGE) || !expect_movable(&m, nr) || !io_pins(&before))
		return false;
	gup_call_init_bare(&one, rig(), GUP_RIG_API_GET, 0, m.map + 77 * psize(), 1);
	one.run.flags = GUP_RIG_RUN_HOLD;
	if (!gup_run(&one) || !gup_expect_result(&one, 1))
		return false;
	good = call(&c, GUP_RIG_API_PIN_FAST, LONGTERM, m.map, nr) &&
	       io_expect_out("after a pin that was refused", &before, 0);
	if (!gup_release(&one, GUP_RIG_PUT_DEFAULT) || !good)
		return false;
	return gup_expect_result(&c, -EBUSY) &&
	       expect_call(GUP_RIG_API_PIN_FAST, LONGTERM, m.map, nr, nr) &&
	       expect_movable(&m, 0) && io_check("after all", m.map, m.len, m.seed, 0);
}

bool test_movable_busy(const struct io_kind *kind)
{
	return movable_run(pin_what_is_held, kind);
}

#define TWICE_PAGES	64L
#define TWICE_ROUNDS	3000

/* Two threads that pin the same at the same time. */
struct pair {
	char *mem;
	pthread_barrier_t meet;
	long results[2];
};

struct half_of_pair {
	struct pair *pair;
	unsigned int id;
};

static void *pin_with_the_other(void *arg)
{
	struct half_of_pair *half = arg;
	struct pair *pair = half->pair;
	struct gup_call c;

	gup_call_init_bare(&c, rig(), GUP_RIG_API_PIN_FAST, LONGTERM, pair->mem, TWICE_PAGES);
	pthread_barrier_wait(&pair->meet);
	pair->results[half->id] = gup_run(&c) ? gup_result(&c) : -errno;
	return NULL;
}

static long failed_migrations(void)
{
	return number_in("/proc/vmstat", "pgmigrate_fail");
}

/* They meet if one has held what the other wanted to move. */
static bool pin_as_pair(struct pair *pair, unsigned int round, bool *met)
{
	struct half_of_pair halves[2] = { { pair, 0 }, { pair, 1 } };
	long failed = failed_migrations();
	pthread_t other;
	unsigned int i;

	if (pthread_create(&other, NULL, pin_with_the_other, &halves[1]))
		return io_fails("pthread_create");
	pin_with_the_other(&halves[0]);
	pthread_join(other, NULL);
	*met = failed_migrations() != failed;
	for (i = 0; i < 2; i++)
		if (pair->results[i] != TWICE_PAGES)
			return gup_fails("round %u: a pin beside another of the same pages: %ld",
					 round, pair->results[i]);
	return true;
}

static bool pin_twice(const struct io_kind *kind)
{
	struct pair pair;
	struct io_mem m = { .len = TWICE_PAGES * psize(), .file = -1, .seed = 5 };
	bool good, met = false;
	unsigned int i;

	/* Not by two threads at once. */
	rig();
	pthread_barrier_init(&pair.meet, NULL, 2);
	for (i = 0; i < TWICE_ROUNDS && !met; i++) {
		m.map = map_small(TWICE_PAGES);
		if (!m.map)
			return false;
		io_fill(m.map, m.len, m.seed, 0);
		pair.mem = m.map;
		/* These looks take most of the time: at the first and the last. */
		good = (i || expect_movable(&m, TWICE_PAGES)) && pin_as_pair(&pair, i, &met) &&
		       (!met || expect_movable(&m, 0)) &&
		       io_check("after both", m.map, m.len, m.seed, 0);
		munmap(m.map, m.len);
		if (!good)
			return false;
	}
	return met || gup_fails("in %u rounds two pins have not met", i);
}

bool test_movable_twice(const struct io_kind *kind)
{
	return movable_run(pin_twice, kind);
}
