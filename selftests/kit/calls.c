// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of GUP: by the ioctls of CONFIG_GUP_TEST, and by its users, io_uring and direct I/O.
 *
 * gup_test times a whole buffer in microseconds, rounded down, so half of one is added. On the
 * base it does not tell that GUP failed, only how far it got, and not even that of the last
 * call: hence kit_gup_checked(), which looks at the kernel's count of pins. References that
 * get_user_pages_fast() takes are not counted anywhere; it walks as pin_user_pages_fast() does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/io_uring.h>
#include <linux/types.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "kit.h"

#define FILE_NAME	"/sys/kernel/debug/gup_test"
#define NULL_DEVICE	"/dev/nullb0"
#define MAX_BUFFERS	16384	/* IORING_MAX_REG_BUFFERS */
#define HALF_US		500.0

/* mm/gup_test.h, which is no UAPI: scripts/kit/program.sh compares the two, by KIT_TREE. */
struct kit_gup_test {
	__u64 get_delta_usec;
	__u64 put_delta_usec;
	__u64 addr;
	__u64 size;
	__u32 nr_pages_per_call;
	__u32 gup_flags;
	__u32 test_flags;
	__u32 which_pages[8];
};

#ifdef KIT_TREE
#include <assert.h>
#include <mm/gup_test.h>
#define AT(field)	(offsetof(struct kit_gup_test, field))
static_assert(sizeof(struct kit_gup_test) == sizeof(struct gup_test), "size");
static_assert(AT(get_delta_usec) == offsetof(struct gup_test, get_delta_usec), "get");
static_assert(AT(put_delta_usec) == offsetof(struct gup_test, put_delta_usec), "put");
static_assert(AT(addr) == offsetof(struct gup_test, addr), "addr");
static_assert(AT(size) == offsetof(struct gup_test, size), "size");
static_assert(AT(nr_pages_per_call) == offsetof(struct gup_test, nr_pages_per_call), "pages");
static_assert(AT(gup_flags) == offsetof(struct gup_test, gup_flags), "flags");
static_assert(AT(test_flags) == offsetof(struct gup_test, test_flags), "test_flags");
#endif

#define GUP_FAST	_IOWR('g', 1, struct kit_gup_test)
#define PIN_FAST	_IOWR('g', 2, struct kit_gup_test)
#define PIN_LONGTERM	_IOWR('g', 3, struct kit_gup_test)
#define PIN_BASIC	_IOWR('g', 5, struct kit_gup_test)
/* FOLL_WRITE and FOLL_LONGTERM of the kernel. They were renumbered before. */
#define WRITE		0x1
#define LONGTERM	0x100

#ifdef KIT_TREE
static_assert(GUP_FAST == GUP_FAST_BENCHMARK && PIN_FAST == PIN_FAST_BENCHMARK &&
	      PIN_LONGTERM == PIN_LONGTERM_BENCHMARK && PIN_BASIC == PIN_BASIC_TEST, "ioctls");
#endif

const struct kit_call kit_calls[KIT_NR_CALLS] = {
	{ "get_user_pages_fast", "put_page", GUP_FAST, WRITE, false },
	{ "pin_user_pages_fast", "unpin_user_pages", PIN_FAST, WRITE, true },
	{ "pin_user_pages_fast, long-term", "unpin_user_pages", PIN_FAST, WRITE | LONGTERM, true },
	{ "pin_user_pages", "unpin_user_pages", PIN_BASIC, WRITE, true },
	{ "pin_user_pages, long-term", "unpin_user_pages", PIN_LONGTERM, WRITE, true },
};

static int gup_fd = -1;

double kit_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

void kit_gup_open(void)
{
	if (geteuid())
		kit_die(KIT_SKIP, "not root: run it with sudo");
	gup_fd = open(FILE_NAME, O_RDWR | O_CLOEXEC);
	if (gup_fd >= 0)
		return;
	if (errno == EPERM)
		kit_die(KIT_SKIP, FILE_NAME
			": %m: lockdown: turn Secure Boot off, or boot without lockdown=");
	if (access("/sys/kernel/debug/tracing", F_OK) && access("/sys/kernel/debug/sched", F_OK) &&
	    access("/sys/kernel/debug/x86", F_OK))
		kit_die(KIT_SKIP, "no debugfs: mount it: mount -t debugfs none /sys/kernel/debug");
	kit_die(KIT_SKIP, FILE_NAME
		": %m: boot a kernel of the kit, or one with CONFIG_GUP_TEST=y");
}

bool kit_gup_once(const struct kit_call *call, char *at, size_t len, size_t pages,
		  struct kit_sums *sums, char *why)
{
	struct kit_gup_test test = {
		.addr = (uintptr_t)at,
		.size = len,
		.nr_pages_per_call = pages,
		.gup_flags = call->flags,
	};

	if (ioctl(gup_fd, call->command, &test)) {
		snprintf(why, KIT_WHY, "%s: %m", call->name);
		return false;
	}
	if (test.size != len) {
		snprintf(why, KIT_WHY, "%s: got %llu of %zu pages", call->name,
			 test.size / sysconf(_SC_PAGESIZE), len / sysconf(_SC_PAGESIZE));
		return false;
	}
	sums->take_ns += test.get_delta_usec * 1000.0 + HALF_US;
	sums->give_ns += test.put_delta_usec * 1000.0 + HALF_US;
	sums->pages += len / sysconf(_SC_PAGESIZE);
	sums->calls++;
	return true;
}

/* nr_foll_pin_acquired, or -1. */
static long pins_taken(void)
{
	FILE *vmstat;
	char line[128];
	long pins = -1;
	int fd;

	/* What CPUs have counted by themselves is added to it; what it answers does not matter. */
	fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (write(fd, "1", 1) < 0 && errno != EINVAL) {
		close(fd);
		return -1;
	}
	close(fd);
	vmstat = fopen("/proc/vmstat", "re");
	if (!vmstat)
		return -1;
	while (pins < 0 && fgets(line, sizeof(line), vmstat))
		sscanf(line, "nr_foll_pin_acquired %ld", &pins);
	fclose(vmstat);
	return pins;
}

bool kit_gup_checked(const struct kit_call *call, char *at, size_t len, size_t pages, char *why)
{
	long before = pins_taken(), want = len / sysconf(_SC_PAGESIZE), got;
	struct kit_sums sums = {};

	if (!kit_gup_once(call, at, len, pages, &sums, why))
		return false;
	if (!call->pins)
		return true;
	got = pins_taken() - before;
	if (before >= 0 && got >= want)
		return true;
	snprintf(why, KIT_WHY, "%s: %ld of %ld pages are counted as pinned", call->name,
		 before < 0 ? -1 : got, want);
	return false;
}

static void add_sums(struct kit_job *job, const struct kit_sums *sums, double unit)
{
	double resolution = unit * sums->calls / sums->pages;

	kit_row_add(job->take, sums->take_ns / sums->pages, resolution);
	if (job->give)
		kit_row_add(job->give, sums->give_ns / sums->pages, resolution);
}

/* Long enough, or interrupted. */
static bool enough(const struct kit_sums *sums, double begin)
{
	double want = kit_options.sample_us * 1000.0;

	/* What is not timed counts as well, if it is most of it. */
	return kit_stopped() || sums->take_ns + sums->give_ns >= want ||
	       kit_now_ns() - begin >= 4 * want;
}

bool kit_gup_run(struct kit_job *job, char *why)
{
	struct kit_memory *m = job->memory;
	double begin = kit_now_ns();
	struct kit_sums sums = {};

	do {
		if (!kit_gup_once(job->call, m->map, m->len, job->pages, &sums, why))
			return false;
	} while (!enough(&sums, begin));
	add_sums(job, &sums, HALF_US);
	return true;
}

static int new_ring(char *why)
{
	struct io_uring_params params = {};
	int fd = syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0)
		snprintf(why, KIT_WHY, "io_uring_setup: %m (kernel.io_uring_disabled?)");
	return fd;
}

static bool ring_register(int ring, unsigned int what, void *arg, unsigned int nr, char *why)
{
	if (syscall(SYS_io_uring_register, ring, what, arg, nr) >= 0)
		return true;
	snprintf(why, KIT_WHY, "io_uring_register, %u buffers: %m", nr);
	return false;
}

static bool register_once(int ring, struct iovec *buffers, unsigned int nr, struct kit_sums *sums,
			  char *why)
{
	double before = kit_now_ns(), between;

	if (!ring_register(ring, IORING_REGISTER_BUFFERS, buffers, nr, why))
		return false;
	between = kit_now_ns();
	if (!ring_register(ring, IORING_UNREGISTER_BUFFERS, NULL, 0, why))
		return false;
	sums->take_ns += between - before;
	sums->give_ns += kit_now_ns() - between;
	sums->pages += nr * buffers[0].iov_len / sysconf(_SC_PAGESIZE);
	sums->calls++;
	return true;
}

/* Buffers of so many pages each, as many as a ring takes. */
bool kit_uring_run(struct kit_job *job, char *why)
{
	size_t len = job->pages * sysconf(_SC_PAGESIZE), nr = job->memory->len / len, i;
	struct iovec *buffers;
	struct kit_sums sums = {};
	double begin = kit_now_ns();
	bool good = true;
	int ring = new_ring(why);

	if (ring < 0)
		return false;
	if (nr > MAX_BUFFERS)
		nr = MAX_BUFFERS;
	buffers = kit_alloc(nr * sizeof(*buffers));
	for (i = 0; i < nr; i++)
		buffers[i] = (struct iovec){ job->memory->map + i * len, len };
	do {
		good = register_once(ring, buffers, nr, &sums, why);
	} while (good && !enough(&sums, begin));
	free(buffers);
	close(ring);
	if (good)
		add_sums(job, &sums, 0);
	return good;
}

/* Reads of so many pages each, by a device that moves no data. */
bool kit_direct_run(struct kit_job *job, char *why)
{
	size_t len = job->pages * sysconf(_SC_PAGESIZE), at = 0;
	int fd = open(NULL_DEVICE, O_RDONLY | O_DIRECT | O_CLOEXEC);
	struct kit_sums sums = {};
	double begin = kit_now_ns();

	if (fd < 0) {
		snprintf(why, KIT_WHY, NULL_DEVICE ": %m: modprobe null_blk");
		return false;
	}
	do {
		if (pread(fd, job->memory->map + at, len, at) != (ssize_t)len) {
			snprintf(why, KIT_WHY, "pread of %zu bytes, " NULL_DEVICE ": %m", len);
			close(fd);
			return false;
		}
		sums.pages += job->pages;
		sums.calls++;
		at += len;
		if (at + len > job->memory->len)
			at = 0;
		sums.take_ns = kit_now_ns() - begin;
	} while (!enough(&sums, begin));
	close(fd);
	add_sums(job, &sums, 0);
	return true;
}
