// SPDX-License-Identifier: GPL-2.0
/*
 * Memory from which NUMA balancing has taken the access. GUP takes what is there and
 * leaves the entry alone, unless FOLL_HONOR_NUMA_FAULT asks for the fault.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/uio.h>
#include "lib_knobs.h"
#include "vm_util.h"
#include "cases.h"

#define BALANCING	"/sys/kernel/debug/sched/numa_balancing/"
#define PAGES		64U
#define ASK		(GUP_RIG_FOLL_NOFAULT | GUP_RIG_FOLL_HONOR_NUMA_FAULT)
/* Of a test that waits: so many looks at a page that still can be accessed. */
#define PATIENCE	1000000UL

static const char *const knobs[][2] = {
	{ "/proc/sys/kernel/numa_balancing", "1" },
	{ BALANCING "scan_delay_ms", "1" },
	{ BALANCING "scan_period_min_ms", "10" },
	{ BALANCING "scan_period_max_ms", "20" },
	{ BALANCING "scan_size_mb", "256" },
};

/* The first one io_prepare() keeps, and switches off. */
void numa_prepare(void)
{
	gup_keep_knobs(BALANCING "scan_*");
}

static bool start_scanning(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (access(knobs[i][0], W_OK))
			return io_skip("%s is not there", knobs[i][0]);
		if (!gup_write_knob(knobs[i][0], knobs[i][1]))
			return false;
	}
	return true;
}

static void stop_scanning(void)
{
	knob_write(knobs[0][0], "0");
}

static bool is_hinting(const char *at, bool *hinting)
{
	struct gup_call c;

	if (!call(&c, GUP_RIG_API_GET, ASK, at, 1))
		return false;
	*hinting = c.run.pages_done == 0;
	return true;
}

/*
 * The scanner works in a thread that runs, and in memory that this thread uses: so it
 * spins, and uses the last page.
 */
static bool wait_for_hints(const struct io_mem *m)
{
	char *last = m->map + m->len - 1;
	unsigned long tries;
	unsigned int i = 0;
	bool hinting;

	for (tries = 0; i < PAGES && tries < PATIENCE; tries++) {
		if (!is_hinting(m->map + i * psize(), &hinting))
			return false;
		i += hinting;
		__atomic_fetch_add(last, 1, __ATOMIC_RELAXED);
	}
	return i == PAGES || gup_fails("page %u can still be accessed", i);
}

static bool expect_hints(const char *what, const struct io_mem *m, bool want)
{
	unsigned int i;
	bool hinting;

	for (i = 0; i < PAGES; i++) {
		if (!is_hinting(m->map + i * psize(), &hinting))
			return false;
		if (hinting != want)
			return gup_fails("%s: page %u %s", what, i,
					 hinting ? "cannot be accessed" : "can be accessed");
	}
	return true;
}

static bool expect_same_pages(const struct io_mem *m, unsigned int api, __u64 flags)
{
	struct gup_call c;
	bool good;

	good = gup_call_init(&c, rig(), api, flags, m->map, PAGES) && gup_run(&c) &&
	       gup_expect_result(&c, PAGES) && gup_expect_mapped(&c, m->map);
	gup_call_free(&c);
	return good;
}

static bool read_remotely(const struct io_mem *m)
{
	size_t len = PAGES * psize();
	char *buf = malloc(len);
	struct iovec to = { buf, len }, from = { m->map, len };

	if (!buf)
		return io_fails("malloc");
	return io_expect("process_vm_readv", process_vm_readv(getpid(), &to, 1, &from, 1, 0),
			 len) &&
	       io_check("read by process_vm_readv", buf, len, m->seed, 0);
}

static bool look_at_hints(const struct io_mem *m)
{
	if (!wait_for_hints(m))
		return false;
	/* Balancing may still move what is accessed, but takes no more away. */
	stop_scanning();
	return expect_same_pages(m, GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_NOFAULT) &&
	       expect_same_pages(m, GUP_RIG_API_PIN, GUP_RIG_FOLL_NOFAULT) &&
	       expect_same_pages(m, GUP_RIG_API_PIN_FAST,
				 GUP_RIG_FOLL_NOFAULT | GUP_RIG_FOLL_LONGTERM) &&
	       expect_all(0, m->map, PAGES, PAGES) && read_remotely(m) &&
	       /* Whether it may be written to only the fault knows. */
	       expect_all(GUP_RIG_FOLL_NOFAULT | GUP_RIG_FOLL_WRITE, m->map, PAGES, -EFAULT) &&
	       expect_hints("after GUP", m, true) &&
	       expect_call(GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_HONOR_NUMA_FAULT, m->map, PAGES,
			   PAGES) &&
	       expect_hints("after FOLL_HONOR_NUMA_FAULT", m, false) &&
	       io_check("what was there", m->map, PAGES * psize(), m->seed, 0);
}

static void *sleep_for_ever(void *unused)
{
	pause();
	return unused;
}

/* Of a process that is alone with its memory what is near is left alone. */
bool test_numa_hint(const struct io_kind *kind)
{
	pthread_t other;
	struct io_mem m;
	bool good;

	if (!io_make(&m, kind, SIZE))
		return false;
	if (pthread_create(&other, NULL, sleep_for_ever, NULL))
		return io_fails("pthread_create");
	good = start_scanning() && look_at_hints(&m);
	stop_scanning();
	return good;
}
