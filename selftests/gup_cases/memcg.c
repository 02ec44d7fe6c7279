// SPDX-License-Identifier: GPL-2.0
/*
 * At the limit of a memory cgroup, and of one of hugetlb: who pins more is killed, or, where
 * there is nobody to kill, gets fewer pages or -ENOMEM; nothing stays pinned or charged, and
 * all can be had when the limit is gone. To move a page for a long-term pin takes no room.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "lib_memory.h"
#include "lib_movable.h"
#include "vm_util.h"
#include "cases.h"

#define CGROUPS		"/sys/fs/cgroup/"
#define CONTROLLERS	CGROUPS "cgroup.subtree_control"
#define GROUP		CGROUPS "gup_cases/"
#define LONGTERM	(GUP_RIG_FOLL_LONGTERM | GUP_RIG_FOLL_WRITE)
/* What the group may have, and what is asked for. */
#define ROOM		512UL
#define WANTED		(4 * ROOM)
/* The kernel charges a CPU for 64 pages at once: so many may be left, or still be had. */
#define IN_ADVANCE	(ROOM / 2)
#define LOOKS		100

static const unsigned int apis[] = {
	GUP_RIG_API_PIN_FAST, GUP_RIG_API_PIN, GUP_RIG_API_PIN_UNLOCKED,
};

/* One of them. */
static unsigned int killed_by;

/* Cgroups of version 2, wherever the system has which; busy: they are there already. */
static bool mount_cgroups(void)
{
	if (access(CGROUPS, F_OK))
		return io_skip("no cgroups");
	return (!unshare(CLONE_NEWNS) &&
		!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		(!mount("none", CGROUPS, "cgroup2", 0, NULL) || errno == EBUSY)) ||
	       io_fails("mount cgroup2");
}

static bool set_limit(const char *limit, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), GROUP "%s", limit);
	return gup_write_knob(path, value);
}

static bool set_limit_to(const char *limit, unsigned long bytes)
{
	char value[24];

	snprintf(value, sizeof(value), "%lu", bytes);
	return set_limit(limit, value);
}

static long charged(void)
{
	return gup_read_number(GROUP "memory.current");
}

/* With a new group, and in a process of its own, which @test may not survive. */
static bool run_in_group(bool (*test)(const struct io_kind *kind), const struct io_kind *kind,
			 bool (*judge)(int status))
{
	pid_t pid;
	int status;
	bool good;

	/* Of somebody who stopped half-way. */
	rmdir(GROUP);
	if (mkdir(GROUP, 0755))
		return io_fails("mkdir " GROUP);
	pid = fork();
	if (!pid) {
		good = set_limit("cgroup.procs", "0") && test(kind);
		snprintf(io_outcome->why, sizeof(io_outcome->why), "%s", gup_why());
		_exit(!good);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return io_fails("fork");
	good = judge(status);
	return (!rmdir(GROUP) || io_fails("rmdir " GROUP)) && good;
}

/* @controller is on meanwhile. */
static bool run_with(const char *controller, bool (*test)(const struct io_kind *kind),
		     const struct io_kind *kind, bool (*judge)(int status))
{
	char before[256], word[16];
	bool was_on, good;

	if (!mount_cgroups())
		return false;
	if (!gup_read_knob(CONTROLLERS, before, sizeof(before)))
		return false;
	was_on = strstr(before, controller);
	snprintf(word, sizeof(word), "+%s", controller);
	if (!was_on && !gup_write_knob(CONTROLLERS, word))
		return io_skip("no cgroup controller \"%s\"", controller);
	good = run_in_group(test, kind, judge);
	*word = '-';
	return (was_on || gup_write_knob(CONTROLLERS, word)) && good;
}

static bool expect_good(int status)
{
	if (WIFSIGNALED(status))
		return gup_fails("the process at the limit: signal %d", WTERMSIG(status));
	return !WEXITSTATUS(status) || gup_fails("%s", io_outcome->why);
}

static bool expect_nothing_charged(void)
{
	const long most = IN_ADVANCE * psize();
	unsigned int i;

	for (i = 0; i < LOOKS && charged() > most; i++)
		usleep(20000);
	return charged() <= most ||
	       gup_fails("nobody is left, but %ld bytes are charged", charged());
}

static bool set_room(void)
{
	return set_limit("memory.swap.max", "0") &&
	       set_limit_to("memory.max", ROOM * psize());
}

static bool expect_killed(int status)
{
	if (!WIFSIGNALED(status))
		return expect_good(status);
	return io_expect("signal", WTERMSIG(status), SIGKILL) &&
	       io_expect("kills for lack of memory", number_in(GROUP "memory.events", "oom_kill"),
			 1) &&
	       expect_nothing_charged();
}

/* Some are held, and more are on their way. */
static bool pin_until_killed(const struct io_kind *kind)
{
	char *mem = map_small(WANTED);
	struct gup_call c;

	if (!mem || !set_room())
		return false;
	gup_call_init_bare(&c, rig(), killed_by, LONGTERM, mem, ROOM / 4);
	c.run.flags = GUP_RIG_RUN_HOLD;
	if (!gup_run(&c) || !gup_expect_result(&c, ROOM / 4))
		return false;
	return call(&c, killed_by, LONGTERM, mem, WANTED) &&
	       gup_fails("%s: not killed, but %ld", gup_call_name(killed_by, LONGTERM),
			 gup_result(&c));
}

bool test_memcg_killed(const struct io_kind *kind)
{
	struct gup_pins before;
	unsigned int i;

	if (!io_pins(&before))
		return false;
	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		killed_by = apis[i];
		if (!run_with("memory", pin_until_killed, NULL, expect_killed) ||
		    !io_expect_out("after a process was killed", &before, 0))
			return false;
	}
	return true;
}

/* Its result is between. */
static bool expect_short(unsigned int api, char *mem, long *got)
{
	struct gup_call c;

	if (!call(&c, api, GUP_RIG_FOLL_WRITE, mem, WANTED))
		return false;
	*got = gup_result(&c);
	return (*got > 0 && *got <= (long)ROOM) ||
	       gup_fails("%s: %ld pages where there is room for %lu",
			 gup_call_name(api, GUP_RIG_FOLL_WRITE), *got, ROOM);
}

/* Of what is charged in advance, page by page. */
static bool expect_no_memory(unsigned int api, const char *at)
{
	const char *end = at + IN_ADVANCE * psize();
	struct gup_call c;

	for (; at < end; at += psize()) {
		if (!call(&c, api, LONGTERM, at, 1))
			return false;
		if (gup_result(&c) != 1)
			return gup_expect_result(&c, -ENOMEM);
	}
	return gup_fails("%s: %lu more pages than there is room for",
			 gup_call_name(api, LONGTERM), IN_ADVANCE);
}

/* There is no memory to open it with. */
static int limit;

static bool lift_limit(void)
{
	return pwrite(limit, "max", 3, 0) == 3 || io_fails("memory.max");
}

static bool pin_what_there_is(unsigned int api)
{
	char *mem = map_small(WANTED);
	struct gup_pins before;
	long got;
	bool good;

	/* At the limit, not even the pins can be read. */
	if (!mem || !io_pins(&before) || !set_room())
		return false;
	good = expect_short(api, mem, &got) && expect_no_memory(api, mem + got * psize()) &&
	       lift_limit() &&
	       io_expect_out("after a short count and -ENOMEM", &before, 0) &&
	       expect_call(api, LONGTERM, mem, WANTED, WANTED);
	munmap(mem, WANTED * psize());
	return good;
}

static bool populate_what_there_is(void)
{
	char *mem = map_small(WANTED);
	size_t len = WANTED * psize();
	bool good;

	if (!mem || !set_room())
		return false;
	good = io_expect_errno("MADV_POPULATE_WRITE", madvise(mem, len, MADV_POPULATE_WRITE),
			       ENOMEM) &&
	       io_expect_errno("mlock", mlock(mem, len), EAGAIN) &&
	       lift_limit() && io_expect("mlock", mlock(mem, len), 0);
	munmap(mem, len);
	return good;
}

static bool do_without_being_killed(const struct io_kind *kind)
{
	unsigned int i;

	limit = open(GROUP "memory.max", O_WRONLY | O_CLOEXEC);
	if (limit < 0 || !gup_write_knob("/proc/self/oom_score_adj", "-1000"))
		return io_fails("prepare for the limit");
	for (i = 0; i < ARRAY_SIZE(apis); i++)
		if (!pin_what_there_is(apis[i]))
			return false;
	return populate_what_there_is() &&
	       io_expect("kills for lack of memory", number_in(GROUP "memory.events", "oom_kill"),
			 0);
}

static bool expect_good_and_nothing_charged(int status)
{
	return expect_good(status) && expect_nothing_charged();
}

bool test_memcg_unkillable(const struct io_kind *kind)
{
	return run_with("memory", do_without_being_killed, NULL, expect_good_and_nothing_charged);
}

/* All that the group may have is what it has. */
static bool move_at_the_limit(const struct io_kind *kind)
{
	unsigned long nr = HUGE / psize();
	struct io_mem m;

	return io_make(&m, kind, HUGE) && expect_movable(&m, nr) &&
	       set_limit_to("memory.max", charged()) &&
	       expect_call(GUP_RIG_API_PIN_FAST, LONGTERM, m.map, nr, nr) &&
	       expect_movable(&m, 0) && io_check("after it was moved", m.map, m.len, m.seed, 0) &&
	       io_expect("lacks of memory", number_in(GROUP "memory.events", "oom"), 0);
}

static bool move_in_group(const struct io_kind *kind)
{
	return run_with("memory", move_at_the_limit, kind, expect_good_and_nothing_charged);
}

bool test_memcg_longterm(const struct io_kind *kind)
{
	return movable_run(move_in_group, kind);
}

#define HUGE_PAGES	(HUGE / psize())

static bool pin_two_of_four(const struct io_kind *kind)
{
	struct io_pool before = io_read_pool();
	char *mem = map_hugetlb(4, 0);

	if (!mem || !set_limit_to("hugetlb.2MB.max", 2 * HUGE) ||
	    !expect_call(GUP_RIG_API_PIN, GUP_RIG_FOLL_WRITE, mem, 4 * HUGE_PAGES,
			 2 * HUGE_PAGES) ||
	    !io_expect_pool("two of four", &before, -2, 2) ||
	    !expect_call(GUP_RIG_API_PIN_FAST, LONGTERM, mem + 2 * HUGE, HUGE_PAGES, -EFAULT) ||
	    !io_expect_pool("after one too many", &before, -2, 2))
		return false;
	if (!set_limit("hugetlb.2MB.max", "max") ||
	    !expect_call(GUP_RIG_API_PIN_FAST, LONGTERM, mem, 4 * HUGE_PAGES, 4 * HUGE_PAGES) ||
	    !io_expect_pool("all four", &before, -4, 0))
		return false;
	munmap(mem, 4 * HUGE);
	return io_expect_pool("unmapped", &before, 0, 0);
}

static bool expect_hugetlb_charged(long pages)
{
	return io_expect("bytes charged", gup_read_number(GROUP "hugetlb.2MB.current"),
			 pages * HUGE);
}

static bool expect_no_hugetlb_charged(int status)
{
	return expect_good(status) && expect_hugetlb_charged(0);
}

bool test_memcg_hugetlb(const struct io_kind *kind)
{
	return run_with("hugetlb", pin_two_of_four, NULL, expect_no_hugetlb_charged);
}

/* What memfd_pin_folios() fills a file with. */
static bool pin_two_of_a_file(const struct io_kind *kind)
{
	int file = memfd_create("gup_cases", MFD_HUGETLB | MFD_HUGE_2MB | MFD_CLOEXEC);
	struct io_pool before = io_read_pool();
	struct gup_call two, one;

	if (file < 0 || ftruncate(file, 4 * HUGE) || before.free < 4)
		return io_skip("no huge pages of 2 MB");
	if (!set_limit_to("hugetlb.2MB.max", 2 * HUGE) ||
	    !hold_file(&two, file, 0, 2, 2 * HUGE_PAGES) || !expect_hugetlb_charged(2) ||
	    !hold_file(&one, file, 2, 1, -ENOMEM) || !expect_hugetlb_charged(2) ||
	    !io_expect_pool("after one too many", &before, -2, 0))
		return false;
	if (!set_limit("hugetlb.2MB.max", "max") || !hold_file(&one, file, 2, 1, HUGE_PAGES) ||
	    !expect_hugetlb_charged(3) || !gup_release(&one, GUP_RIG_PUT_DEFAULT) ||
	    !gup_release(&two, GUP_RIG_PUT_DEFAULT))
		return false;
	close(file);
	return io_expect_pool("closed", &before, 0, 0);
}

bool test_memcg_hugetlb_memfd(const struct io_kind *kind)
{
	return run_with("hugetlb", pin_two_of_a_file, NULL, expect_no_hugetlb_charged);
}
