// SPDX-License-Identifier: GPL-2.0
/*
 * At the limit of a memory cgroup: a process that pins more is killed or, where no process
 * may be killed, gets fewer pages, then -ENOMEM. At the limit of a hugetlb cgroup it gets
 * fewer pages, then -EFAULT, and -ENOMEM from memfd_pin_folios(). Nothing stays pinned or
 * charged, and all can be had when the limit is gone. To move a page for a long-term pin
 * takes no room.
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "lib_knobs.h"
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
/* What the kernel charges in advance for the one CPU is 64 pages, and this is enough. */
#define IN_ADVANCE	128UL
#define LOOKS		100
/* On a CPU, for a test that hangs at the limit. */
#define MAX_SECONDS	60

static const unsigned int apis[] = {
	GUP_RIG_API_PIN_FAST, GUP_RIG_API_PIN, GUP_RIG_API_PIN_UNLOCKED,
};

/* The call that pin_until_killed() makes. */
static unsigned int killed_by;

static bool is_cgroup2_mounted(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	bool found = false;
	char line[512];

	while (mounts && !found && fgets(line, sizeof(line), mounts))
		found = strstr(line, " cgroup2 ");
	if (mounts)
		fclose(mounts);
	return found;
}

/*
 * Cgroups of version 2, for this process. A second mount would change the options of the
 * first one, for the whole system.
 */
static bool find_cgroups(void)
{
	if (!access(CONTROLLERS, F_OK))
		return true;
	if (is_cgroup2_mounted() || access(CGROUPS, F_OK))
		return io_skip("no cgroups of version 2 in " CGROUPS);
	return (!unshare(CLONE_NEWNS) &&
		!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		!mount("cgroup2", CGROUPS, "cgroup2", 0, NULL)) ||
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
	bool good, gone;
	int status;
	pid_t pid;

	/* Of somebody who stopped half-way. */
	rmdir(GROUP);
	if (mkdir(GROUP, 0755))
		return io_fails("mkdir " GROUP);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		good = gup_stay_on_one_cpu() && set_limit("cgroup.procs", "0") && test(kind);
		snprintf(io_outcome->why, sizeof(io_outcome->why), "%s", gup_why());
		_exit(!good);
	}
	if (pid < 0) {
		rmdir(GROUP);
		return io_fails("fork");
	}
	good = gup_wait(pid, MAX_SECONDS, &status) ? judge(status) :
	       gup_fails("it hangs at the limit");
	gone = !rmdir(GROUP);
	return good && (gone || io_fails("rmdir " GROUP));
}

/* @controller is on meanwhile. */
static bool run_with(const char *controller, bool (*test)(const struct io_kind *kind),
		     const struct io_kind *kind, bool (*judge)(int status))
{
	char all[256], enabled[256], word[16];
	bool was_on, good, off;

	if (!find_cgroups() || !gup_read_knob(CGROUPS "cgroup.controllers", all, sizeof(all)) ||
	    !gup_read_knob(CONTROLLERS, enabled, sizeof(enabled)))
		return false;
	if (!strstr(all, controller))
		return io_skip("no cgroup controller \"%s\"", controller);
	was_on = strstr(enabled, controller);
	snprintf(word, sizeof(word), "+%s", controller);
	if (!was_on && !gup_write_knob(CONTROLLERS, word))
		return false;
	good = run_in_group(test, kind, judge);
	*word = '-';
	off = was_on || knob_write(CONTROLLERS, word);
	return good && (off || io_fails("switch the controller off"));
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
	return (charged() >= 0 && charged() <= most) ||
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

/* With some that are held, and some that the call which is killed has pinned. */
static bool pin_until_killed(const struct io_kind *kind)
{
	char *mem = map_small(WANTED);
	struct gup_call c;

	if (!mem || !set_room())
		return false;
	gup_call_init_bare(&c, rig(), killed_by, LONGTERM, mem, ROOM / 2);
	c.run.flags = GUP_RIG_RUN_HOLD;
	if (!gup_run(&c) || !gup_expect_result(&c, ROOM / 2))
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

/* Opened before the limit is reached, which leaves no memory for it. */
static int limit_file;

static bool open_limit(void)
{
	limit_file = open(GROUP "memory.max", O_WRONLY | O_CLOEXEC);
	return limit_file >= 0 || io_fails("memory.max");
}

static bool lift_limit(void)
{
	return pwrite(limit_file, "max", 3, 0) == 3 || io_fails("memory.max");
}

/*
 * At the limit, nothing may be done that needs a page: neither is it to be had, nor is the
 * process killed for it, and it would wait for ever. So all is judged afterwards.
 */
struct at_limit {
	long first;	/* of a call for WANTED pages */
	long last;	/* of calls for one page each behind those, until one fails */
	bool made;
};

static void pin_at_limit(struct at_limit *at, unsigned int api, char *mem)
{
	unsigned long i;
	struct gup_call c;

	at->made = call(&c, api, GUP_RIG_FOLL_WRITE, mem, WANTED);
	at->first = gup_result(&c);
	at->last = 1;
	for (i = 0; i < IN_ADVANCE && at->made && at->first > 0 && at->last == 1; i++) {
		at->made = call(&c, api, LONGTERM, mem + (at->first + i) * psize(), 1);
		at->last = gup_result(&c);
	}
}

static bool pin_what_there_is(unsigned int api)
{
	char *mem = map_small(WANTED);
	struct gup_pins before;
	struct at_limit at;
	bool good;

	if (!mem || !io_pins(&before) || !lift_limit() || !set_room())
		return false;
	pin_at_limit(&at, api, mem);
	if (!lift_limit() || !at.made)
		return false;
	if (at.first < (long)(ROOM - IN_ADVANCE) || at.first > (long)ROOM)
		return gup_fails("%s: %ld pages where there is room for %lu",
				 gup_call_name(api, GUP_RIG_FOLL_WRITE), at.first, ROOM);
	good = io_expect("a page behind those", at.last, -ENOMEM) &&
	       io_expect_out("after a short count and -ENOMEM", &before, 0) &&
	       expect_call(api, LONGTERM, mem, WANTED, WANTED);
	munmap(mem, WANTED * psize());
	return good;
}

static bool populate_what_there_is(void)
{
	char *mem = map_small(WANTED);
	size_t len = WANTED * psize();
	int populating, locking;

	/* Called once before: a dynamic linker may need a page to find it. */
	if (!mem || !io_expect("mlock", mlock(mem, psize()), 0) || !set_room())
		return false;
	populating = madvise(mem, len, MADV_POPULATE_WRITE) ? errno : 0;
	locking = mlock(mem, len) ? errno : 0;
	if (!lift_limit())
		return false;
	return io_expect("errno of MADV_POPULATE_WRITE", populating, ENOMEM) &&
	       io_expect("errno of mlock", locking, EAGAIN) &&
	       io_expect("mlock", mlock(mem, len), 0) &&
	       io_expect("munmap", munmap(mem, len), 0);
}

static bool do_without_being_killed(const struct io_kind *kind)
{
	unsigned int i;

	if (!open_limit() || !gup_write_knob("/proc/self/oom_score_adj", "-1000"))
		return false;
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

/* The group may have what it has, which includes what is charged in advance. */
static bool move_at_the_limit(const struct io_kind *kind)
{
	unsigned long nr = HUGE / psize();
	struct gup_call c;
	struct io_mem m;
	bool made;

	if (!open_limit() || !set_limit("memory.swap.max", "0") || !io_make(&m, kind, HUGE) ||
	    !expect_movable(&m, nr) || charged() <= 0 || !lift_limit() ||
	    !set_limit_to("memory.max", charged()))
		return false;
	made = call(&c, GUP_RIG_API_PIN_FAST, LONGTERM, m.map, nr);
	return lift_limit() && made && gup_expect_result(&c, nr) && expect_movable(&m, 0) &&
	       io_check("after it was moved", m.map, m.len, m.seed, 0) &&
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

/* What is there and what is reserved have a counter each. */
static bool expect_hugetlb_charged(long pages, long reserved)
{
	return io_expect("bytes charged", gup_read_number(GROUP "hugetlb.2MB.current"),
			 pages * HUGE) &&
	       io_expect("bytes reserved", gup_read_number(GROUP "hugetlb.2MB.rsvd.current"),
			 reserved * HUGE);
}

static bool expect_no_hugetlb_charged(int status)
{
	return expect_good(status) && expect_hugetlb_charged(0, 0);
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

	if (file < 0 || gup_read_number(HUGETLB_SYSFS "nr_hugepages") < 4)
		return io_skip("no huge pages of 2 MB");
	if (ftruncate(file, 4 * HUGE))
		return io_fails("ftruncate");
	/* A call that goes over the limit leaves in the file what it has filled. */
	if (!set_limit_to("hugetlb.2MB.max", 2 * HUGE) ||
	    !hold_file(&one, file, 0, 4, -ENOMEM) || !expect_hugetlb_charged(2, 2) ||
	    !hold_file(&two, file, 0, 2, 2 * HUGE_PAGES) || !expect_hugetlb_charged(2, 2) ||
	    !hold_file(&one, file, 2, 1, -ENOMEM) || !expect_hugetlb_charged(2, 2) ||
	    !io_expect_pool("after one too many", &before, -2, 0))
		return false;
	if (!set_limit("hugetlb.2MB.max", "max") || !hold_file(&one, file, 2, 1, HUGE_PAGES) ||
	    !expect_hugetlb_charged(3, 3) || !gup_release(&one, GUP_RIG_PUT_DEFAULT) ||
	    !gup_release(&two, GUP_RIG_PUT_DEFAULT))
		return false;
	close(file);
	return io_expect_pool("closed", &before, 0, 0);
}

bool test_memcg_hugetlb_memfd(const struct io_kind *kind)
{
	return run_with("hugetlb", pin_two_of_a_file, NULL, expect_no_hugetlb_charged);
}
