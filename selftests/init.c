// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of the guest: prepares the machine, runs the list of tests,
 * reports in KTAP.
 *
 * Everything goes through /dev/kmsg, so that the console has one writer, the
 * kernel, which never mixes two lines, and each splat stands where it fell.
 *
 * usage: init [LIST]		(default: /tests)
 *
 * A line of LIST, made by scripts/verdict/matrix.py: five fields and a command, apart by
 * tabs: name, time limit in seconds, user id, things to take away ("-", or
 * some of debugfs,hugepages,khugepaged), and program and arguments, apart by blanks.
 * While a test runs, the host has its name; each change of that name is seen from
 * outside of the guest, where it separates what was counted (scripts/tcg/count.c).
 * As process 1 it reboots in the end; else it runs the tests in a process id
 * space of its own, because it kills whatever a test leaves behind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include "lib_knobs.h"

#define MAX_ARGS	32
/* Longer records are refused by /dev/kmsg. */
#define MAX_LINE	800

struct test {
	char *name;
	int limit;
	uid_t uid;
	bool no_debugfs;
	bool no_hugepages;
	bool no_khugepaged;
	char *argv[MAX_ARGS + 1];
};

static int kmsg = -1;

static void say(const char *format, ...)
{
	char line[MAX_LINE + 64];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	if (kmsg < 0 || write(kmsg, line, len) != len)
		fprintf(stderr, "%s\n", line);
}

/* As a process of the host (ARCH=um), not a machine. */
static bool on_um(void)
{
	return !access("/dev/ubda", F_OK);
}

/* QEMU takes a reboot for the end; on um it would be one. */
static noreturn void finish(int status)
{
	sync();
	if (getpid() == 1 && !getenv("GUP_GUEST"))
		reboot(on_um() ? RB_POWER_OFF : RB_AUTOBOOT);
	exit(status);
}

#define die(format, ...) do {						\
	say("gup-vm: cannot go on: " format ": %s", ##__VA_ARGS__,	\
	    strerror(errno));						\
	finish(2);							\
} while (0)

static void mount_one(const char *what, const char *where, const char *type,
		      const char *options)
{
	mkdir(where, 0755);
	if (mount(what, where, type, 0, options) && errno != EBUSY)
		die("mount %s on %s", what, where);
}

static void mount_system(void)
{
	mount_one("devtmpfs", "/dev", "devtmpfs", NULL);
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	mount_one("proc", "/proc", "proc", NULL);
	mount_one("sysfs", "/sys", "sysfs", NULL);
	mount_one("debugfs", "/sys/kernel/debug", "debugfs", NULL);
	mkdir("/dev/shm", 01777);
	mount_one("tmpfs", "/dev/shm", "tmpfs", "mode=1777");
	mkdir("/dev/pts", 0755);
	mount_one("devpts", "/dev/pts", "devpts", NULL);
}

/* Direct I/O does not pin on tmpfs: /tmp has to be a disk. */
static void mount_disk(void)
{
	mount_one(on_um() ? "/dev/ubda" : "/dev/vda", "/tmp", "ext4", NULL);
	if (chmod("/tmp", 01777) || chdir("/tmp"))
		die("chmod /tmp");
}

/* The header that mkswap(8) writes: see union swap_header of the kernel. */
static void swap_on(const char *disk)
{
	long page = sysconf(_SC_PAGESIZE);
	unsigned int *header = calloc(1, page);
	int fd = open(disk, O_RDWR | O_CLOEXEC);
	off_t size;

	if (fd < 0 || !header)
		die("open %s", disk);
	size = lseek(fd, 0, SEEK_END);
	header[1024 / 4] = 1;
	header[1024 / 4 + 1] = size / page - 1;
	memcpy((char *)header + page - 10, "SWAPSPACE2", 10);
	if (pwrite(fd, header, page, 0) != page || fsync(fd))
		die("write %s", disk);
	close(fd);
	free(header);
	if (swapon(disk, 0))
		die("swapon %s", disk);
}

/* What a test may leave changed, above all one that was killed. */
static void remember_all(void)
{
	knobs_keep("/sys/kernel/mm/transparent_hugepage/*enabled");
	knobs_keep("/sys/kernel/mm/transparent_hugepage/defrag");
	knobs_keep("/sys/kernel/mm/transparent_hugepage/use_zero_page");
	knobs_keep("/sys/kernel/mm/transparent_hugepage/hugepages-*/*enabled");
	knobs_keep("/sys/kernel/mm/transparent_hugepage/khugepaged/*");
	knobs_keep("/sys/kernel/mm/ksm/run");
	knobs_keep("/sys/kernel/mm/ksm/[ms]*_*");
	knobs_keep("/sys/kernel/mm/hugepages/hugepages-*/nr_*hugepages");
	knobs_keep("/proc/sys/vm/overcommit_memory");
	knobs_keep("/proc/sys/vm/unprivileged_userfaultfd");
	knobs_keep("/proc/sys/vm/compact_unevictable_allowed");
	knobs_keep("/proc/sys/vm/compaction_proactiveness");
	knobs_keep("/proc/sys/vm/dirty_writeback_centisecs");
	knobs_keep("/proc/sys/kernel/numa_balancing");
	knobs_keep("/sys/kernel/debug/sched/numa_balancing/scan_*");
	knobs_keep("/proc/sys/kernel/core_pattern");
	knobs_keep("/sys/kernel/debug/fail*/*");
}

/* Of a block of memory that is offline, all zones are listed that it could be in. */
static void restore_block(const char *valid_zones)
{
	int folder = strrchr(valid_zones, '/') - valid_zones;
	char text[64], state[128];

	if (!knob_read(valid_zones, text, sizeof(text)) || !strstr(text, "Movable"))
		return;
	snprintf(state, sizeof(state), "%.*s/state", folder, valid_zones);
	knob_write(state, "offline");
	say("# %s: online_kernel: %s", state,
	    knob_write(state, "online_kernel") ? "again" : strerror(errno));
}

static void restore_all(void)
{
	knobs_restore();
	knobs_each("/sys/devices/system/memory/memory*/valid_zones", restore_block);
	knob_write("/proc/sys/vm/drop_caches", "3");
	knob_write("/proc/sys/vm/compact_memory", "1");
}

/* A test that ends with more than before leaks. */
struct held {
	long pins;
	long reserved;		/* huge pages, of all sizes */
};

static long reserved;

static void add_reserved(const char *path)
{
	char number[32];

	if (knob_read(path, number, sizeof(number)))
		reserved += strtoul(number, NULL, 10);
}

static long pages_reserved(void)
{
	reserved = 0;
	knobs_each("/sys/kernel/mm/hugepages/hugepages-*/resv_hugepages", add_reserved);
	return reserved;
}

static long pins_held(void)
{
	char name[64];
	long value, held = 0;
	int seen = 0;
	FILE *file;

	knob_write("/proc/sys/vm/stat_refresh", "1");
	file = fopen("/proc/vmstat", "re");
	if (!file)
		die("open /proc/vmstat");
	while (fscanf(file, "%63s %ld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired")) {
			held += value;
			seen++;
		} else if (!strcmp(name, "nr_foll_pin_released")) {
			held -= value;
			seen++;
		}
	}
	fclose(file);
	if (seen != 2)
		die("no pin counters in /proc/vmstat");
	return held;
}

/* A share of the host's files pins pages while it reads: give it time to rest. */
static struct held held_at_rest(void)
{
	struct held held;
	int i;

	for (i = 0; i < 20; i++) {
		held = (struct held) { pins_held(), pages_reserved() };
		if (!held.pins && !held.reserved)
			break;
		usleep(50000);
	}
	return held;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

static bool parse_test(char *line, struct test *test)
{
	char *limit, *uid, *without, *word, *command = line;
	int n = 0;

	test->name = strsep(&command, "\t");
	limit = strsep(&command, "\t");
	uid = strsep(&command, "\t");
	without = strsep(&command, "\t");
	if (!command || !*test->name)
		return false;
	test->limit = atoi(limit);
	test->uid = atoi(uid);
	test->no_debugfs = strstr(without, "debugfs");
	test->no_hugepages = strstr(without, "hugepages");
	test->no_khugepaged = strstr(without, "khugepaged");
	while ((word = strsep(&command, " ")) && n < MAX_ARGS)
		if (*word)
			test->argv[n++] = word;
	test->argv[n] = NULL;
	return n && !word && test->limit > 0;
}

/* What is there says the size of huge pages, a kernel without them does not. */
static bool copy_meminfo(const char *to)
{
	FILE *in = fopen("/proc/meminfo", "re"), *out = fopen(to, "we");
	char line[256];

	if (!in || !out)
		return false;
	while (fgets(line, sizeof(line), in))
		if (strncmp(line, "Huge", 4))
			fputs(line, out);
	fclose(in);
	return !fclose(out);
}

/*
 * As on a kernel without them: neither of the directories is there, only KSM's beside
 * them. Root could switch them on again.
 */
static bool hide_hugepages(void)
{
	const char *mm = "/sys/kernel/mm", *ksm = "/sys/kernel/mm/ksm", *aside = "/run/ksm";

	mkdir(aside, 0755);
	return copy_meminfo("/run/meminfo") &&
	       !mount("/run/meminfo", "/proc/meminfo", NULL, MS_BIND, NULL) &&
	       !mount(ksm, aside, NULL, MS_BIND, NULL) &&
	       !mount("none", mm, "tmpfs", 0, "mode=755") && !mkdir(ksm, 0755) &&
	       !mount(aside, ksm, NULL, MS_BIND, NULL) && !umount2(aside, MNT_DETACH) &&
	       !mount("/proc/sys/kernel/ostype", "/proc/sys/vm/nr_hugepages", NULL, MS_BIND, NULL);
}

/* In a mount name space of its own. */
static bool take_away(const struct test *test)
{
	if (!test->no_debugfs && !test->no_hugepages)
		return true;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	if (test->no_debugfs && umount2("/sys/kernel/debug", MNT_DETACH))
		return false;
	return !test->no_hugepages || hide_hugepages();
}

/* restore_all() brings them back. */
static void empty_hugepages(void)
{
	knob_write("/proc/sys/vm/nr_hugepages", "0");
	knob_write("/sys/kernel/mm/transparent_hugepage/enabled", "never");
	knob_write("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "never");
}

/* For a day, or until restore_all(); but the first process that has work for it wakes it. */
static void rest_khugepaged(void)
{
	knob_write("/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan", "1");
	knob_write("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "86400000");
}

static noreturn void child(struct test *test, int out)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	int in = open("/dev/null", O_RDONLY);

	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	setsid();
	sigaction(SIGPIPE, &action, NULL);
	if (!take_away(test))
		goto broken;
	if (test->uid && (setgroups(0, NULL) || setgid(test->uid) || setuid(test->uid)))
		goto broken;
	execvp(test->argv[0], test->argv);
broken:
	dprintf(1, "gup-vm: %s: %s\n", test->argv[0], strerror(errno));
	_exit(127);
}

/* One chunk of output, line by line; a line that is too long is cut in pieces. */
static void relay(const char *chunk, ssize_t len, char *line, size_t *fill)
{
	ssize_t i;

	for (i = 0; i < len; i++) {
		if (chunk[i] != '\n')
			line[(*fill)++] = chunk[i] ? chunk[i] : '?';
		if (chunk[i] == '\n' || *fill == MAX_LINE) {
			line[*fill] = 0;
			say("# %s", line);
			*fill = 0;
		}
	}
}

static void drain(int fd, char *line, size_t *fill)
{
	char chunk[4096];
	ssize_t len;

	while ((len = read(fd, chunk, sizeof(chunk))) > 0)
		relay(chunk, len, line, fill);
}

static void kill_the_rest(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/* Runs one test. Returns its wait status, or -1 when its time was up. */
static int run(struct test *test)
{
	long end = now_ms() + test->limit * 1000L;
	char line[MAX_LINE + 1];
	struct pollfd poller;
	int status = 0, fds[2];
	size_t fill = 0;
	pid_t pid, done;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		die("pipe");
	fcntl(fds[1], F_SETFL, 0);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		child(test, fds[1]);
	close(fds[1]);
	poller = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	for (;;) {
		poll(&poller, 1, 50);
		drain(fds[0], line, &fill);
		/* As process 1 it inherits orphans, which it must not mistake. */
		while ((done = waitpid(-1, &status, WNOHANG)) > 0 && done != pid)
			;
		if (done == pid)
			break;
		if (now_ms() > end) {
			status = -1;
			break;
		}
		if (poller.revents & POLLHUP)
			usleep(20000);
	}
	kill_the_rest();
	drain(fds[0], line, &fill);
	if (fill)
		relay("\n", 1, line, &fill);
	close(fds[0]);
	return status;
}

static void add_leak(char *why, const char *what, long leaked)
{
	if (leaked)
		sprintf(why + strlen(why), " %s=%+ld", what, leaked);
}

static void report(int number, struct test *test, int status, long ms,
		   const struct held *before)
{
	const char *result = "ok", *tail = "";
	struct held now = held_at_rest();
	char why[128] = "";

	if (status == -1)
		snprintf(why, sizeof(why), " timeout=%d", test->limit);
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), " signal=%d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		snprintf(why, sizeof(why), " exit=%d", WEXITSTATUS(status));
	add_leak(why, "pins", now.pins - before->pins);
	add_leak(why, "reserved", now.reserved - before->reserved);
	if (why[0])
		result = "not ok";
	/* The exit status of a skip, as kselftest has it. */
	if (!strcmp(why, " exit=4")) {
		result = "ok";
		tail = " SKIP";
	}
	say("%s %d %s #%s%s ms=%ld", result, number, test->name, tail, why, ms);
}

/*
 * Tests run on the disk, where one of them looks for its own program and another
 * makes its file; the programs lie beside this one.
 */
static void fetch(int home, const char *program)
{
	int in = openat(home, program, O_RDONLY | O_CLOEXEC);
	char chunk[65536];
	ssize_t len;
	int out;

	out = open(program, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (out < 0 && errno == EEXIST) {
		close(in);
		return;
	}
	if (in < 0 || out < 0)
		die("copy %s", program);
	while ((len = read(in, chunk, sizeof(chunk))) > 0)
		if (write(out, chunk, len) != len)
			die("copy %s", program);
	close(in);
	close(out);
}

static void name_host(const char *name)
{
	if (sethostname(name, strnlen(name, HOST_NAME_MAX)))
		die("sethostname %s", name);
}

static void run_all(FILE *list, int total, int home)
{
	char line[1024];
	struct test test;
	int number = 0;

	say("KTAP version 1");
	say("1..%d", total);
	while (fgets(line, sizeof(line), list)) {
		struct held before;
		int status;
		long start;

		line[strcspn(line, "\n")] = 0;
		if (!parse_test(line, &test))
			die("bad line in the list of tests (%s)", line);
		number++;
		fetch(home, test.argv[0]);
		say("# gup-vm: begin %s", test.name);
		if (test.no_hugepages)
			empty_hugepages();
		if (test.no_khugepaged)
			rest_khugepaged();
		before = held_at_rest();
		start = now_ms();
		name_host(test.name);
		status = run(&test);
		name_host("gup-vm");
		report(number, &test, status, now_ms() - start, &before);
		restore_all();
	}
	say("# gup-vm: end of %d tests", number);
}

/* A lane that lost its CPUs or nodes would prove less and not say so. */
static void check_machine(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	bool nodes = !access("/sys/devices/system/node/node1", F_OK);

	say("gup-vm: %ld CPUs, %s", cpus, nodes ? "several nodes" : "one node");
	if (!on_um() && (cpus < 2 || !nodes)) {
		errno = ENODEV;
		die("want two CPUs and two nodes or more");
	}
}

static int count_lines(FILE *list)
{
	int c, lines = 0;

	while ((c = getc(list)) != EOF)
		lines += c == '\n';
	rewind(list);
	return lines;
}

/* Outside of a guest of our own: a process id space in which we are the first. */
static void become_first(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid) {
		waitpid(pid, &status, 0);
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
	}
	setenv("GUP_GUEST", "1", 1);
}

/* Opened before /tmp may hide where it is. */
static int open_home(void)
{
	char path[512];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int home;

	if (len < 0)
		die("readlink /proc/self/exe");
	path[len] = 0;
	*strrchr(path, '/') = 0;
	home = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home < 0)
		die("open %s", path);
	return home;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/tests";
	FILE *list;
	int home;

	if (getpid() != 1)
		become_first();
	mount_system();
	home = open_home();
	list = fopen(path, "re");
	if (!list)
		die("open %s", path);
	mount_disk();
	setenv("PATH", ".", 1);
	setenv("HOME", "/tmp", 1);
	swap_on("/dev/ram0");
	signal(SIGPIPE, SIG_IGN);
	check_machine();
	remember_all();
	run_all(list, count_lines(list), home);
	finish(0);
}
