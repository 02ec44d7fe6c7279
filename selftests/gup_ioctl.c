// SPDX-License-Identifier: GPL-2.0
/*
 * gup_ioctl - does /sys/kernel/debug/gup_test do what mm/gup_test.h promises?
 *
 * Wrong calls of every ioctl, each with the errno that it must give; right calls
 * of every API, with records that are compared with /proc/self/pagemap; and what
 * is held goes away on release, close, signal, exit and fault. Before and after
 * each of these, as many pins are released as acquired (/proc/vmstat), and the
 * kernel does not warn (the first time only: then it is tainted).
 *
 * Needs root, debugfs, and a kernel whose gup_test has GUP_TEST_QUERY. Pins of
 * the rest of the system would be counted, too: run it alone.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <mm/gup_test.h>
#include "lib_gup_harness.h"

#define GUP_TEST_FILE	"/sys/kernel/debug/gup_test"
#define NR		16		/* pages of the fixture's memory */
#define BIAS		1024		/* references of a pin without pincount */
#define NOWHERE		((__u64)0x10000)	/* nothing is ever mapped here */

static_assert(offsetof(struct gup_test_query, handles) == 88, "query");
static_assert(offsetof(struct gup_test_run, records) == 56, "run, input");
static_assert(offsetof(struct gup_test_run, pages_done) == 96, "run, output");
static_assert(offsetof(struct gup_test_run, handle) == 164, "run, end");
static_assert(offsetof(struct gup_test_record, call) == 76, "record");
static_assert(offsetof(struct gup_test_hold, done) == 64, "hold");
static_assert(sizeof(struct gup_test_query) == GUP_TEST_QUERY_SIZE_V0, "query");
static_assert(sizeof(struct gup_test_run) == GUP_TEST_RUN_SIZE_V0, "run");
static_assert(sizeof(struct gup_test_record) == GUP_TEST_RECORD_SIZE_V0, "record");
static_assert(sizeof(struct gup_test_hold) == GUP_TEST_HOLD_SIZE_V0, "hold");

/* The raw FOLL_* of the old ioctls, as of the kernel that this is built with. */
#define RAW_FOLL_WRITE		0x0001
#define RAW_FOLL_LONGTERM	0x0100
#define RAW_FOLL_PCI_P2PDMA	0x0400
#define RAW_FOLL_PIN		0x80000

static __u64 addr_of(const void *p)
{
	return (uintptr_t)p;
}

/* Fold the counters that each CPU keeps for itself; a kernel without SMP has none. */
static void refresh_vmstat(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		perror("stat_refresh");
	close(fd);
}

/* The value in a line "name value", or @other if it is another line. */
static long value_of(const char *line, const char *name, long other)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) || line[len] != ' ')
		return other;
	return atol(line + len);
}

/* Pins of the whole system: acquired less released. LONG_MIN if unknown. */
static long pins_now(void)
{
	long acquired = LONG_MIN, released = LONG_MIN;
	char line[128];
	FILE *f;

	refresh_vmstat();
	f = fopen("/proc/vmstat", "r");
	if (!f)
		return LONG_MIN;
	while (fgets(line, sizeof(line), f)) {
		acquired = value_of(line, "nr_foll_pin_acquired", acquired);
		released = value_of(line, "nr_foll_pin_released", released);
	}
	fclose(f);
	if (acquired == LONG_MIN || released == LONG_MIN)
		return LONG_MIN;
	return acquired - released;
}

/* Has the kernel warned since it booted? (TAINT_WARN and TAINT_DIE) */
static long splats_now(void)
{
	long tainted = -1;
	FILE *f = fopen("/proc/sys/kernel/tainted", "r");

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &tainted) != 1)
		tainted = -1;
	fclose(f);
	return tainted < 0 ? -1 : tainted & (1 << 9 | 1 << 7);
}

static __u64 pagemap_pfn(const void *p)
{
	size_t psize = getpagesize();
	__u64 entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, 8, addr_of(p) / psize * 8) != 8)
		entry = 0;
	close(fd);
	return entry & (1ULL << 63) ? entry & ((1ULL << 55) - 1) : 0;
}

FIXTURE(gup)
{
	size_t psize;
	int fd;
	long pins;
	long splats;
	char *mem;		/* NR pages of ours, written to */
	char *ro_page;		/* a page that cannot be written to */
	long held;		/* entries that are held, as far as we know */
	long got;		/* those of them that are not pinned */
	unsigned int bad_calls;
};

FIXTURE_SETUP(gup)
{
	self->psize = getpagesize();
	self->fd = open(GUP_TEST_FILE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->mem = mmap(NULL, NR * self->psize, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	/* Each page on its own: counts per page are what is tested. */
	madvise(self->mem, NR * self->psize, MADV_NOHUGEPAGE);
	memset(self->mem, 1, NR * self->psize);
	self->ro_page = mmap(NULL, self->psize, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->ro_page);
	self->pins = pins_now();
	ASSERT_NE(LONG_MIN, self->pins);
	self->splats = splats_now();
	ASSERT_NE(-1, self->splats);
}

static int query(int fd, struct gup_test_query *q)
{
	*q = (struct gup_test_query) { .size = sizeof(*q) };
	return ioctl(fd, GUP_TEST_QUERY, q);
}

static long entries_held(int fd)
{
	struct gup_test_query q;

	return query(fd, &q) ? -1 : (long)q.held;
}

FIXTURE_TEARDOWN(gup)
{
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(self->pins, pins_now());
	EXPECT_EQ(self->splats, splats_now());
	if (self->bad_calls)
		TH_LOG("%u bad calls", self->bad_calls);
}

#define gup_data FIXTURE_DATA(gup)

static struct gup_test_run good_run(const gup_data *self)
{
	return (struct gup_test_run) {
		.size = sizeof(struct gup_test_run),
		.api = GUP_TEST_API_PIN_FAST,
		.gup_flags = GUP_TEST_FOLL_WRITE,
		.addr = addr_of(self->mem),
		.nr_pages = NR,
		.repeat = 1,
	};
}

static struct gup_test_hold good_hold(__u32 op, __u32 handle, void *buf)
{
	struct gup_test_hold hold = {
		.size = sizeof(hold),
		.op = op,
		.handle = handle,
		.buf = addr_of(buf),
	};

	if (op == GUP_TEST_HOLD_RECORD)
		hold.record_size = sizeof(struct gup_test_record);
	return hold;
}

/* Nothing gained, nothing lost. */
#define EXPECT_NOTHING_LEAKED() do {					\
	EXPECT_EQ(self->pins + self->held - self->got, pins_now());	\
	EXPECT_EQ(self->held, entries_held(self->fd));			\
} while (0)

/* One wrong call: its errno, the struct as it was, and nothing leaked. */
static void bad_call(struct __test_metadata *_metadata, gup_data *self,
		     const char *what, unsigned long cmd, void *arg,
		     size_t size, int want)
{
	char before[GUP_TEST_MAX_SIZE];
	int ret;

	memcpy(before, arg, size);
	errno = 0;
	ret = ioctl(self->fd, cmd, arg);
	EXPECT_EQ(-1, ret)
		TH_LOG("accepted: %s", what);
	EXPECT_EQ(want, errno)
		TH_LOG("wrong errno: %s", what);
	EXPECT_EQ(0, memcmp(before, arg, size))
		TH_LOG("struct written: %s", what);
	EXPECT_NOTHING_LEAKED();
	self->bad_calls++;
}

#define BAD(cmd, var, want, change) do {				\
	change;								\
	bad_call(_metadata, self, #change, cmd, &(var), sizeof(var), want); \
} while (0)

#define BAD_QUERY(want, change) do {					\
	struct gup_test_query q = { .size = sizeof(q) };		\
									\
	BAD(GUP_TEST_QUERY, q, want, change);				\
} while (0)

#define BAD_RUN(want, change) do {					\
	struct gup_test_run run = good_run(self);			\
									\
	BAD(GUP_TEST_RUN, run, want, change);				\
} while (0)

#define BAD_HOLD(want, op, change) do {					\
	struct gup_test_hold hold = good_hold(op, handle, buf);		\
									\
	BAD(GUP_TEST_HOLD, hold, want, change);				\
} while (0)

/* A wrong pointer instead of a struct. */
static void bad_pointer(struct __test_metadata *_metadata, gup_data *self,
			unsigned long cmd, void *arg)
{
	EXPECT_EQ(-1, ioctl(self->fd, cmd, arg))
		TH_LOG("accepted: ioctl %#lx at %p", cmd, arg);
	EXPECT_EQ(EFAULT, errno)
		TH_LOG("wrong errno: ioctl %#lx at %p", cmd, arg);
	EXPECT_NOTHING_LEAKED();
	self->bad_calls++;
}

/* A struct that can be read but not written. */
static void *read_only(struct __test_metadata *_metadata, gup_data *self,
		       const void *from, size_t size)
{
	ASSERT_EQ(0, mprotect(self->ro_page, self->psize, PROT_READ | PROT_WRITE));
	memcpy(self->ro_page, from, size);
	ASSERT_EQ(0, mprotect(self->ro_page, self->psize, PROT_READ));
	return self->ro_page;
}

TEST_F(gup, bad_pointers)
{
	static const unsigned long cmds[] = {
		GUP_FAST_BENCHMARK, PIN_FAST_BENCHMARK, PIN_LONGTERM_BENCHMARK,
		GUP_BASIC_TEST, PIN_BASIC_TEST, DUMP_USER_PAGES_TEST,
		PIN_LONGTERM_TEST_START, GUP_TEST_QUERY, GUP_TEST_RUN,
		GUP_TEST_HOLD,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		bad_pointer(_metadata, self, cmds[i], NULL);
		bad_pointer(_metadata, self, cmds[i], (void *)NOWHERE);
		bad_pointer(_metadata, self, cmds[i], (void *)-8L);
	}
}

TEST_F(gup, bad_ioctl_numbers)
{
	static const unsigned long cmds[] = {
		0, _IO('g', 0), _IO('g', 10), _IO('g', 15), _IO('g', 19),
		_IOWR('g', 17, struct gup_test_run), _IO('f', 17), ~0UL,
	};
	struct gup_test_run run = good_run(self);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		bad_call(_metadata, self, "unknown number", cmds[i], &run,
			 sizeof(run), EINVAL);
}

TEST_F(gup, bad_query)
{
	struct gup_test_query good = { .size = sizeof(good) };

	BAD_QUERY(EINVAL, q.size = 0);
	BAD_QUERY(EINVAL, q.size = 4);
	BAD_QUERY(EINVAL, q.size = GUP_TEST_QUERY_SIZE_V0 - 1);
	BAD_QUERY(E2BIG, q.size = GUP_TEST_MAX_SIZE + 1);
	BAD_QUERY(E2BIG, q.size = UINT32_MAX);
	BAD_QUERY(EINVAL, q.api = 64);
	BAD_QUERY(EINVAL, q.api = UINT32_MAX);
	bad_pointer(_metadata, self, GUP_TEST_QUERY,
		    read_only(_metadata, self, &good, sizeof(good)));
}

TEST_F(gup, bad_run_fields)
{
	BAD_RUN(EINVAL, run.size = 0);
	BAD_RUN(EINVAL, run.size = GUP_TEST_RUN_SIZE_V0 - 1);
	BAD_RUN(E2BIG, run.size = GUP_TEST_MAX_SIZE + 1);
	BAD_RUN(EINVAL, run.api = 0);
	BAD_RUN(EINVAL, run.api = 64);
	BAD_RUN(EINVAL, run.api = UINT32_MAX);
	BAD_RUN(EINVAL, run.gup_flags |= 1 << 12);
	BAD_RUN(EINVAL, run.gup_flags |= 1ULL << 32);
	BAD_RUN(EINVAL, run.flags = 1 << 4);
	BAD_RUN(EINVAL, run.flags = 1ULL << 63);
	BAD_RUN(EINVAL, run.repeat = 0);
	BAD_RUN(EINVAL, run.fd = 1);
	BAD_RUN(EINVAL, run.fd = -1);
	BAD_RUN(EINVAL, run.reserved[0] = 1);
	BAD_RUN(EINVAL, run.reserved[1] = 1ULL << 63);
	BAD_RUN(EINVAL, run.put = 5);
	BAD_RUN(EINVAL, run.put = 32);
	BAD_RUN(EINVAL, run.put = UINT32_MAX);
}

TEST_F(gup, bad_run_ranges)
{
	BAD_RUN(EINVAL, run.addr += 1);
	BAD_RUN(EINVAL, run.addr += self->psize / 2);
	BAD_RUN(EINVAL, run.nr_pages = 0);
	BAD_RUN(EOVERFLOW, run.nr_pages = (1 << 24) + 1);
	BAD_RUN(EOVERFLOW, run.nr_pages = 1ULL << 32);
	BAD_RUN(EOVERFLOW, run.nr_pages = 1ULL << 52);
	BAD_RUN(EOVERFLOW, run.nr_pages = UINT64_MAX);
	BAD_RUN(EOVERFLOW, run.addr = -(__u64)self->psize);
	BAD_RUN(EOVERFLOW, run.addr = -(__u64)(NR * self->psize));
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_FAULT, run.pages_per_call = 2));
}

/* What GUP would warn about has to be refused before. */
TEST_F(gup, bad_run_flags)
{
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_GET,
			 run.gup_flags = GUP_TEST_FOLL_LONGTERM));
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_GET_REMOTE,
			 run.gup_flags = GUP_TEST_FOLL_LONGTERM));
	BAD_RUN(EINVAL, run.gup_flags = GUP_TEST_FOLL_LONGTERM |
			GUP_TEST_FOLL_PCI_P2PDMA);
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_PIN,
			 run.gup_flags = GUP_TEST_FOLL_LONGTERM |
			 GUP_TEST_FOLL_PCI_P2PDMA));
	BAD_RUN(EINVAL, run.gup_flags = GUP_TEST_FOLL_DUMP);
	BAD_RUN(EINVAL, run.gup_flags = GUP_TEST_FOLL_NOWAIT);
	BAD_RUN(EINVAL, run.gup_flags = GUP_TEST_FOLL_SPLIT_PMD);
	BAD_RUN(EINVAL, run.gup_flags = GUP_TEST_FOLL_INTERRUPTIBLE);
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_GET_FAST_ONLY,
			 run.gup_flags = GUP_TEST_FOLL_HWPOISON));
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_FAULT,
			 run.gup_flags = GUP_TEST_FOLL_FORCE));
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_MEMFD,
			 run.gup_flags = GUP_TEST_FOLL_LONGTERM));
	BAD_RUN(EINVAL, run.flags = GUP_TEST_RUN_LOCKED);
	BAD_RUN(EINVAL, run.flags = GUP_TEST_RUN_IRQS_OFF);
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_POPULATE,
			 run.flags = GUP_TEST_RUN_HOLD));
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_FAULT,
			 run.flags = GUP_TEST_RUN_HOLD));
}

TEST_F(gup, bad_run_puts)
{
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_GET, run.put = GUP_TEST_PUT_ONE));
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_GET_FAST,
			 run.put = GUP_TEST_PUT_RANGE));
	BAD_RUN(EINVAL, (run.gup_flags = 0, run.put = GUP_TEST_PUT_DIRTY));
	BAD_RUN(EINVAL, (run.gup_flags = 0, run.put = GUP_TEST_PUT_RANGE_DIRTY));
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_MEMFD,
			 run.put = GUP_TEST_PUT_DIRTY));
	BAD_RUN(EINVAL, (run.api = GUP_TEST_API_POPULATE,
			 run.put = GUP_TEST_PUT_ONE));
}

#define RECORDS_AT(where) (run.records = (where), run.nr_records = NR,	\
			   run.record_size = sizeof(struct gup_test_record))

TEST_F(gup, bad_run_records)
{
	struct gup_test_record recs[NR];

	BAD_RUN(EINVAL, run.records = addr_of(recs));
	BAD_RUN(EINVAL, run.nr_records = NR);
	BAD_RUN(EINVAL, run.record_size = sizeof(recs[0]));
	BAD_RUN(EINVAL, (RECORDS_AT(addr_of(recs)), run.nr_records = 0));
	BAD_RUN(EINVAL, (RECORDS_AT(addr_of(recs)), run.record_size = 0));
	BAD_RUN(EINVAL, (RECORDS_AT(addr_of(recs)), run.record_size--));
	BAD_RUN(E2BIG, (RECORDS_AT(addr_of(recs)), run.record_size = 4097));
	BAD_RUN(EINVAL, (RECORDS_AT(addr_of(recs)),
			 run.api = GUP_TEST_API_POPULATE));
	BAD_RUN(EFAULT, RECORDS_AT(NOWHERE));
	BAD_RUN(EFAULT, RECORDS_AT(-8ULL));
	BAD_RUN(EFAULT, RECORDS_AT(1ULL << 63));
	BAD_RUN(EFAULT, (RECORDS_AT(NOWHERE), run.flags = GUP_TEST_RUN_HOLD));
	BAD_RUN(EFAULT, (RECORDS_AT(addr_of(self->ro_page)), run.repeat = 3,
			 mprotect(self->ro_page, self->psize, PROT_READ)));
}

static int dead_pidfd(void)
{
	pid_t pid = fork();
	int fd;

	if (!pid)
		_exit(0);
	fd = syscall(SYS_pidfd_open, pid, 0);
	waitpid(pid, NULL, 0);
	return fd;
}

TEST_F(gup, bad_run_targets)
{
	int memfd = memfd_create("gup_ioctl", 0), ro_memfd, wo_memfd, dead;
	char path[64];

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, NR * self->psize));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	ro_memfd = open(path, O_RDONLY);
	ASSERT_LE(0, ro_memfd);
	wo_memfd = open(path, O_WRONLY);
	ASSERT_LE(0, wo_memfd);
	dead = dead_pidfd();
	ASSERT_LE(0, dead);

	BAD_RUN(EBADF, (run.api = GUP_TEST_API_GET_REMOTE, run.fd = -1));
	BAD_RUN(EBADF, (run.api = GUP_TEST_API_PIN_REMOTE, run.fd = 999));
	BAD_RUN(EBADF, (run.api = GUP_TEST_API_PIN_REMOTE, run.fd = memfd));
	BAD_RUN(ESRCH, (run.api = GUP_TEST_API_GET_REMOTE, run.fd = dead));
	BAD_RUN(EBADF, (run.api = GUP_TEST_API_MEMFD, run.addr = 0, run.fd = -1));
	BAD_RUN(EBADF, (run.api = GUP_TEST_API_MEMFD, run.addr = 0, run.fd = 999));
	BAD_RUN(EBADF, (run.api = GUP_TEST_API_MEMFD, run.addr = 0,
			run.fd = ro_memfd));
	BAD_RUN(EBADF, (run.api = GUP_TEST_API_MEMFD, run.addr = 0,
			run.fd = wo_memfd));
	BAD_RUN(EBADF, (run.api = GUP_TEST_API_MEMFD, run.addr = 0,
			run.fd = wo_memfd, run.gup_flags = 0));
	BAD_RUN(EOVERFLOW, (run.api = GUP_TEST_API_MEMFD, run.fd = memfd,
			    run.addr = 1ULL << 63));
	BAD_RUN(EOVERFLOW, (run.api = GUP_TEST_API_MEMFD, run.fd = memfd,
			    run.addr = INT64_MAX & -(__u64)self->psize));
}

/* What may not be written to is not pinned to be written to, but to be read. */
TEST_F(gup, bad_run_sealed)
{
	static const int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE };
	struct gup_test_run good;
	size_t i;
	int memfd;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		memfd = memfd_create("gup_ioctl", MFD_ALLOW_SEALING);
		ASSERT_LE(0, memfd);
		ASSERT_EQ(0, ftruncate(memfd, NR * self->psize));
		good = good_run(self);
		good.api = GUP_TEST_API_MEMFD;
		good.fd = memfd;
		good.addr = 0;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &good));
		EXPECT_EQ(NR, good.pages_done);
		ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, seals[i]));
		BAD_RUN(EPERM, (run.api = GUP_TEST_API_MEMFD, run.addr = 0,
				run.fd = memfd));
		good.gup_flags = 0;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &good));
		EXPECT_EQ(0, good.error);
		EXPECT_EQ(NR, good.pages_done);
		EXPECT_NOTHING_LEAKED();
		close(memfd);
	}
}

/* A struct that is longer than the kernel's, and one that cannot be written. */
TEST_F(gup, bad_run_sizes)
{
	struct {
		struct gup_test_run run;
		char tail[64];
	} longer = { .run = good_run(self) };

	longer.run.size = sizeof(longer);
	longer.run.flags = GUP_TEST_RUN_HOLD;
	longer.tail[63] = 1;
	bad_call(_metadata, self, "tail", GUP_TEST_RUN, &longer, sizeof(longer), E2BIG);
	longer.tail[63] = 0;
	longer.tail[0] = 1;
	bad_call(_metadata, self, "tail", GUP_TEST_RUN, &longer, sizeof(longer), E2BIG);

	longer.tail[0] = 0;
	bad_pointer(_metadata, self, GUP_TEST_RUN,
		    read_only(_metadata, self, &longer, sizeof(longer)));
	longer.run.flags = 0;
	bad_pointer(_metadata, self, GUP_TEST_RUN,
		    read_only(_metadata, self, &longer, sizeof(longer)));

	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &longer));
	EXPECT_EQ(NR, longer.run.pages_done);
}

/* Hold all the memory; the handle, which ought to be new. */
static __u32 hold_all(struct __test_metadata *_metadata, gup_data *self,
		      __u32 api, __u64 gup_flags)
{
	struct gup_test_run run = good_run(self);

	run.api = api;
	run.gup_flags = gup_flags;
	run.flags = GUP_TEST_RUN_HOLD;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	ASSERT_EQ(0, run.error);
	ASSERT_EQ(NR, run.pages_done);
	ASSERT_NE(0, run.handle);
	self->held += NR;
	EXPECT_NOTHING_LEAKED();
	return run.handle;
}

static int hold_op(gup_data *self, struct gup_test_hold *hold)
{
	int ret = ioctl(self->fd, GUP_TEST_HOLD, hold);

	if (!ret && hold->op == GUP_TEST_HOLD_RELEASE)
		self->held -= hold->done;
	return ret;
}

static int release(gup_data *self, __u32 handle, __u32 put, __u64 first,
		   __u64 nr)
{
	struct gup_test_hold hold = good_hold(GUP_TEST_HOLD_RELEASE, handle, NULL);

	hold.put = put;
	hold.first = first;
	hold.nr = nr;
	return hold_op(self, &hold) ? -errno : (int)hold.done;
}

TEST_F(gup, bad_hold_fields)
{
	__u32 handle = hold_all(_metadata, self, GUP_TEST_API_PIN_FAST,
				   GUP_TEST_FOLL_WRITE);
	char *buf = malloc(NR * self->psize);

	BAD_HOLD(EINVAL, GUP_TEST_HOLD_READ, hold.size = 0);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_READ, hold.size--);
	BAD_HOLD(E2BIG, GUP_TEST_HOLD_READ, hold.size = GUP_TEST_MAX_SIZE + 1);
	BAD_HOLD(EINVAL, 0, hold.len = 1);
	BAD_HOLD(EINVAL, 5, hold.len = 1);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_READ, (hold.len = 1, hold.flags = 1));
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_READ, (hold.len = 1, hold.nr = 1));
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_READ, (hold.len = 1, hold.put = 1));
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_READ, (hold.len = 1, hold.record_size = 88));
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_READ, hold.len = 0);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_WRITE, hold.len = 0);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RECORD, hold.record_size = 0);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RECORD, hold.record_size = 87);
	BAD_HOLD(E2BIG, GUP_TEST_HOLD_RECORD, hold.record_size = 4097);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RECORD, hold.offset = 1);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RECORD, hold.len = 1);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RECORD, hold.put = 1);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, hold.nr = 1);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, (hold.buf = 0, hold.offset = 1));
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, (hold.buf = 0, hold.put = 5));
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, (hold.buf = 0, hold.put = UINT32_MAX));
	BAD_HOLD(ENOENT, GUP_TEST_HOLD_READ, (hold.len = 1, hold.handle = 0));
	BAD_HOLD(ENOENT, GUP_TEST_HOLD_READ, (hold.len = 1, hold.handle++));
	BAD_HOLD(ENOENT, GUP_TEST_HOLD_RECORD, hold.handle = UINT32_MAX);
	BAD_HOLD(ENOENT, GUP_TEST_HOLD_RELEASE, (hold.buf = 0, hold.handle = 77));
	free(buf);
}

TEST_F(gup, bad_hold_ranges)
{
	__u32 handle = hold_all(_metadata, self, GUP_TEST_API_PIN_FAST,
				   GUP_TEST_FOLL_WRITE);
	size_t all = NR * self->psize;
	char *buf = malloc(all + 1);

	BAD_HOLD(ERANGE, GUP_TEST_HOLD_READ, (hold.len = 1, hold.first = NR));
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_READ, (hold.len = 1, hold.first = UINT64_MAX));
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_READ, (hold.len = 1, hold.offset = self->psize));
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_READ, (hold.len = 1, hold.offset = UINT64_MAX));
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_READ, hold.len = all + 1);
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_READ, (hold.len = all, hold.offset = 1));
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_WRITE, hold.len = UINT64_MAX);
	BAD_HOLD(EFAULT, GUP_TEST_HOLD_READ, (hold.len = 1, hold.buf = NOWHERE));
	BAD_HOLD(EFAULT, GUP_TEST_HOLD_READ, (hold.len = all, hold.buf = -1ULL));
	BAD_HOLD(EFAULT, GUP_TEST_HOLD_WRITE, (hold.len = all, hold.buf = NOWHERE));
	BAD_HOLD(EFAULT, GUP_TEST_HOLD_WRITE, (hold.len = 1, hold.buf = 0));
	BAD_HOLD(EFAULT, GUP_TEST_HOLD_RECORD, hold.buf = 0);
	BAD_HOLD(EFAULT, GUP_TEST_HOLD_RECORD, hold.buf = -8ULL);
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_RECORD, hold.first = NR);
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_RECORD, hold.nr = NR + 1);
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_RECORD, (hold.nr = UINT64_MAX, hold.first = 1));
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_RELEASE, (hold.buf = 0, hold.first = NR));
	BAD_HOLD(ERANGE, GUP_TEST_HOLD_RELEASE, (hold.buf = 0, hold.nr = NR + 1));

	ASSERT_EQ(2, release(self, handle, GUP_TEST_PUT_DEFAULT, 7, 2));
	BAD_HOLD(ENODATA, GUP_TEST_HOLD_READ, (hold.len = 1, hold.first = 7));
	BAD_HOLD(ENODATA, GUP_TEST_HOLD_READ, hold.len = all);
	BAD_HOLD(ENODATA, GUP_TEST_HOLD_WRITE, hold.len = 7 * self->psize + 1);
	ASSERT_EQ(NR - 2, release(self, handle, GUP_TEST_PUT_DEFAULT, 0, 0));
	BAD_HOLD(ENOENT, GUP_TEST_HOLD_READ, hold.len = 1);
	BAD_HOLD(ENOENT, GUP_TEST_HOLD_RELEASE, hold.buf = 0);
	free(buf);
}

/* What was pinned to be read is not for writing. */
TEST_F(gup, bad_hold_read_only)
{
	__u32 handle = hold_all(_metadata, self, GUP_TEST_API_PIN, 0);
	char *buf = malloc(self->psize);

	memset(buf, 7, self->psize);
	BAD_HOLD(EACCES, GUP_TEST_HOLD_WRITE, hold.len = 1);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE,
		 (hold.buf = 0, hold.put = GUP_TEST_PUT_DIRTY));
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE,
		 (hold.buf = 0, hold.put = GUP_TEST_PUT_RANGE_DIRTY));
	EXPECT_EQ(1, self->mem[0]);
	free(buf);
}

TEST_F(gup, bad_hold_sizes)
{
	__u32 handle = hold_all(_metadata, self, GUP_TEST_API_PIN_FAST,
				   GUP_TEST_FOLL_WRITE);
	char buf[sizeof(struct gup_test_record)];
	struct {
		struct gup_test_hold hold;
		char tail[64];
	} longer = { .hold = good_hold(GUP_TEST_HOLD_READ, handle, buf) };

	longer.hold.size = sizeof(longer);
	longer.hold.len = 1;
	longer.tail[63] = 1;
	bad_call(_metadata, self, "tail", GUP_TEST_HOLD, &longer, sizeof(longer), E2BIG);
	longer.tail[63] = 0;
	longer.tail[0] = 1;
	bad_call(_metadata, self, "tail", GUP_TEST_HOLD, &longer, sizeof(longer), E2BIG);
	longer.tail[0] = 0;
	bad_pointer(_metadata, self, GUP_TEST_HOLD,
		    read_only(_metadata, self, &longer, sizeof(longer)));
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_HOLD, &longer));
	EXPECT_EQ(1, longer.hold.done);

	/* What was asked for is done, although the caller is not told how much. */
	longer.hold = good_hold(GUP_TEST_HOLD_RELEASE, handle, NULL);
	longer.hold.nr = 3;
	self->held -= 3;
	bad_pointer(_metadata, self, GUP_TEST_HOLD,
		    read_only(_metadata, self, &longer.hold, sizeof(longer.hold)));
}

/* Plain references have one way to be released; a release has nothing to copy. */
TEST_F(gup, bad_hold_releases)
{
	__u32 handle;
	char *buf = NULL;

	self->got = NR;
	handle = hold_all(_metadata, self, GUP_TEST_API_GET, GUP_TEST_FOLL_WRITE);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, hold.put = GUP_TEST_PUT_ONE);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, hold.put = GUP_TEST_PUT_DIRTY);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, hold.put = GUP_TEST_PUT_RANGE);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, hold.put = 32);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, hold.len = 1);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, hold.record_size = 88);
	BAD_HOLD(EINVAL, GUP_TEST_HOLD_RELEASE, hold.flags = 1U << 31);
	EXPECT_EQ(NR, release(self, handle, 0, 0, 0));
	self->got = 0;
	EXPECT_NOTHING_LEAKED();
}

static const unsigned long old_cmds[] = {
	GUP_FAST_BENCHMARK, PIN_FAST_BENCHMARK, PIN_LONGTERM_BENCHMARK,
	GUP_BASIC_TEST, PIN_BASIC_TEST, DUMP_USER_PAGES_TEST,
};

static struct gup_test good_old(const gup_data *self)
{
	return (struct gup_test) {
		.addr = addr_of(self->mem),
		.size = NR * self->psize,
		.nr_pages_per_call = NR,
		.gup_flags = RAW_FOLL_WRITE,
	};
}

#define BAD_OLD(want, change) do {					\
	struct gup_test gup = good_old(self);				\
									\
	BAD(cmd, gup, want, change);					\
} while (0)

TEST_F(gup, bad_old_ioctls)
{
	unsigned long cmd;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(old_cmds); i++) {
		cmd = old_cmds[i];
		BAD_OLD(EINVAL, gup.size = 0);
		BAD_OLD(EINVAL, gup.size = 100);
		BAD_OLD(EINVAL, gup.size = self->psize + 1);
		BAD_OLD(EINVAL, gup.addr += 1);
		BAD_OLD(EINVAL, gup.addr = -(__u64)self->psize);
		BAD_OLD(EINVAL, gup.size = -(__u64)self->psize);
		BAD_OLD(EINVAL, gup.nr_pages_per_call = 0);
		BAD_OLD(EINVAL, gup.gup_flags |= RAW_FOLL_PIN);
		BAD_OLD(EINVAL, gup.gup_flags |= 1U << 31);
		BAD_OLD(EINVAL, gup.gup_flags |= RAW_FOLL_LONGTERM |
				RAW_FOLL_PCI_P2PDMA);
		BAD_OLD(EINVAL, gup.test_flags = 2);
		BAD_OLD(ENOMEM, (gup.addr = self->psize, gup.size = 1ULL << 45));
	}
	cmd = GUP_BASIC_TEST;
	BAD_OLD(EINVAL, gup.gup_flags |= RAW_FOLL_LONGTERM);
	cmd = GUP_FAST_BENCHMARK;
	BAD_OLD(EINVAL, gup.gup_flags |= RAW_FOLL_LONGTERM);
	cmd = PIN_LONGTERM_BENCHMARK;
	BAD_OLD(EINVAL, gup.gup_flags |= RAW_FOLL_PCI_P2PDMA);
}

#define BAD_START(want, change) do {					\
	struct pin_longterm_test start = {				\
		.addr = addr_of(self->mem),				\
		.size = NR * self->psize,				\
	};								\
									\
	BAD(PIN_LONGTERM_TEST_START, start, want, change);		\
} while (0)

static long longterm_pins(gup_data *self)
{
	return pins_now() - self->pins;
}

TEST_F(gup, bad_longterm_test)
{
	struct pin_longterm_test good = {
		.addr = addr_of(self->mem),
		.size = NR * self->psize,
	};
	__u64 to = addr_of(self->ro_page);

	BAD_START(EINVAL, start.flags = 4);
	BAD_START(EINVAL, start.size = 0);
	BAD_START(EINVAL, start.size = 100);
	BAD_START(EINVAL, start.addr += 1);
	BAD_START(EINVAL, start.size = -(__u64)self->psize);
	BAD_START(EINVAL, start.addr = -(__u64)self->psize);
	BAD_START(ENOMEM, (start.addr = self->psize, start.size = 1ULL << 45));
	BAD_START(EFAULT, start.addr = NOWHERE);
	BAD_START(EFAULT, (start.addr = NOWHERE,
			   start.flags = PIN_LONGTERM_TEST_FLAG_USE_FAST));
	BAD(PIN_LONGTERM_TEST_READ, to, EINVAL, to += 0);

	ASSERT_EQ(0, munmap(self->mem + 8 * self->psize, self->psize));
	BAD_START(EFAULT, start.flags = 0);
	BAD_START(EFAULT, start.flags = PIN_LONGTERM_TEST_FLAG_USE_FAST);

	good.size = 8 * self->psize;
	ASSERT_EQ(0, ioctl(self->fd, PIN_LONGTERM_TEST_START, &good));
	EXPECT_EQ(8, longterm_pins(self));
	EXPECT_EQ(-1, ioctl(self->fd, PIN_LONGTERM_TEST_START, &good));
	EXPECT_EQ(EINVAL, errno);
	to = NOWHERE;
	EXPECT_EQ(-1, ioctl(self->fd, PIN_LONGTERM_TEST_READ, &to));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(8, longterm_pins(self));
	ASSERT_EQ(0, ioctl(self->fd, PIN_LONGTERM_TEST_STOP));
	EXPECT_EQ(0, longterm_pins(self));
}

/* The APIs that give pages of the caller, and what a page of a small folio costs. */
struct api {
	const char *name;
	__u32 id;
	int refs;
	int pins;
	__u64 flags;
};

static const struct api apis[] = {
	{ "get", GUP_TEST_API_GET, 1, 0, 0 },
	{ "pin", GUP_TEST_API_PIN, BIAS, 1, 0 },
	{ "get_fast", GUP_TEST_API_GET_FAST, 1, 0, 0 },
	{ "pin_fast", GUP_TEST_API_PIN_FAST, BIAS, 1, 0 },
	{ "get_fast_only", GUP_TEST_API_GET_FAST_ONLY, 1, 0, 0 },
	{ "get_fast_only, IRQs off", GUP_TEST_API_GET_FAST_ONLY, 1, 0,
	  GUP_TEST_RUN_IRQS_OFF },
	{ "get_unlocked", GUP_TEST_API_GET_UNLOCKED, 1, 0, 0 },
	{ "pin_unlocked", GUP_TEST_API_PIN_UNLOCKED, BIAS, 1, 0 },
	{ "get_remote", GUP_TEST_API_GET_REMOTE, 1, 0, 0 },
	{ "pin_remote", GUP_TEST_API_PIN_REMOTE, BIAS, 1, 0 },
	{ "get_remote, locked", GUP_TEST_API_GET_REMOTE, 1, 0,
	  GUP_TEST_RUN_LOCKED },
	{ "pin_remote, locked", GUP_TEST_API_PIN_REMOTE, BIAS, 1,
	  GUP_TEST_RUN_LOCKED },
};

#define NR_APIS		ARRAY_SIZE(apis)

static bool is_remote(const struct api *api)
{
	return api->id == GUP_TEST_API_GET_REMOTE ||
	       api->id == GUP_TEST_API_PIN_REMOTE;
}

/* A run of @api on our own memory, remote ones by our own pidfd. */
static struct gup_test_run api_run(const gup_data *self, const struct api *api,
				   struct gup_test_record *recs)
{
	struct gup_test_run run = good_run(self);

	run.api = api->id;
	run.flags = api->flags;
	if (is_remote(api))
		run.fd = syscall(SYS_pidfd_open, getpid(), 0);
	if (recs) {
		run.records = addr_of(recs);
		run.nr_records = NR;
		run.record_size = sizeof(*recs);
	}
	return run;
}

static void api_done(const struct gup_test_run *run)
{
	if (run->fd > 0)
		close(run->fd);
}

/* Pages from @i on that follow each other in memory: all are folios of one page. */
static void check_small_anon(struct __test_metadata *_metadata, gup_data *self,
			     const struct api *api, const struct gup_test_record *rec,
			     size_t i, __u64 put_back)
{
	const __u64 must = GUP_TEST_REC_ANON | GUP_TEST_REC_EXCLUSIVE |
		GUP_TEST_REC_UPTODATE | GUP_TEST_REC_SWAPBACKED |
		GUP_TEST_REC_LONGTERM_OK | GUP_TEST_REC_MAPPED |
		GUP_TEST_REC_LEAF_WRITE | GUP_TEST_REC_LEAF_DIRTY |
		GUP_TEST_REC_BEFORE | put_back;
	const __u64 must_not = GUP_TEST_REC_KSM | GUP_TEST_REC_ZERO |
		GUP_TEST_REC_LARGE | GUP_TEST_REC_HUGETLB |
		GUP_TEST_REC_SHARED | GUP_TEST_REC_PINCOUNT |
		GUP_TEST_REC_LEAF_PMD | GUP_TEST_REC_LEAF_PUD |
		GUP_TEST_REC_EMPTY | GUP_TEST_REC_MLOCKED |
		GUP_TEST_REC_DEVICE;
	__u64 pfn = pagemap_pfn(self->mem + i * self->psize);

	ASSERT_NE(0, pfn);
	EXPECT_EQ(pfn, rec->pfn);
	EXPECT_EQ(pfn, rec->folio_pfn);
	EXPECT_EQ(pfn, rec->before_pfn);
	EXPECT_EQ(must, rec->flags & must);
	EXPECT_EQ(0, rec->flags & must_not);
	EXPECT_EQ(api->pins, !!(rec->flags & GUP_TEST_REC_DMA_PINNED));
	EXPECT_EQ(api->refs, rec->ref_held - rec->ref_before)
		TH_LOG("%s, page %zu", api->name, i);
	EXPECT_EQ(api->pins, rec->pin_held - rec->pin_before);
	if (put_back) {
		EXPECT_EQ(rec->ref_before, rec->ref_after)
			TH_LOG("%s, page %zu", api->name, i);
		EXPECT_EQ(rec->pin_before, rec->pin_after);
	}
	EXPECT_EQ(1, rec->mapcount);
	EXPECT_EQ(0, rec->folio_order);
	EXPECT_EQ(0, rec->folio_offset);
	EXPECT_EQ(1, rec->run);
	EXPECT_LE(0, rec->nid);
	EXPECT_EQ(0, rec->reserved);
}

TEST_F(gup, query_says_what_is_there)
{
	struct gup_test_query q;
	__u32 api;

	ASSERT_EQ(0, query(self->fd, &q));
	EXPECT_EQ(GUP_TEST_VERSION, q.version);
	EXPECT_EQ(self->psize, q.page_size);
	EXPECT_EQ(GUP_TEST_FEATURE_RUN | GUP_TEST_FEATURE_RECORDS |
		  GUP_TEST_FEATURE_HOLD, q.features & 7);
	EXPECT_EQ(0x1ffe, q.apis & 0x1ffe);
	EXPECT_EQ(0xfff, q.gup_flags);
	EXPECT_EQ(0xf, q.run_flags);
	EXPECT_EQ(0x1f, q.puts);
	EXPECT_LE(1 << 20, q.max_pages);
	EXPECT_LE(sizeof(struct gup_test_query), q.query_size);
	EXPECT_LE(sizeof(struct gup_test_run), q.run_size);
	EXPECT_LE(sizeof(struct gup_test_hold), q.hold_size);
	EXPECT_LE(sizeof(struct gup_test_record), q.record_size);
	EXPECT_EQ(0, q.held);
	EXPECT_EQ(0, q.handles);
	EXPECT_EQ(0, q.reserved);

	for (api = 1; api <= GUP_TEST_API_FAULT; api++) {
		q = (struct gup_test_query) { .size = sizeof(q), .api = api };
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_QUERY, &q));
		EXPECT_NE(0, q.gup_flags & GUP_TEST_FOLL_WRITE);
		EXPECT_NE(0, q.run_flags & GUP_TEST_RUN_CONTINUE);
		EXPECT_EQ(api < GUP_TEST_API_POPULATE, q.puts & 1);
	}
}

/* Each flag that the query lists is taken, each that it does not list is not. */
TEST_F(gup, query_lists_the_flags)
{
	struct gup_test_query q;
	struct gup_test_run run;
	size_t i;
	int bit, ret;

	for (i = 0; i < NR_APIS; i++) {
		q = (struct gup_test_query) { .size = sizeof(q), .api = apis[i].id };
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_QUERY, &q));
		for (bit = 0; bit < 16; bit++) {
			run = api_run(self, &apis[i], NULL);
			run.gup_flags = 1 << bit;
			ret = ioctl(self->fd, GUP_TEST_RUN, &run);
			EXPECT_EQ(!!(q.gup_flags & (1 << bit)), ret == 0)
				TH_LOG("%s: bit %d: %d", apis[i].name, bit, ret);
			api_done(&run);
			EXPECT_NOTHING_LEAKED();
		}
	}
}

TEST_F(gup, query_larger_struct)
{
	struct {
		struct gup_test_query q;
		char tail[16];
	} longer = { .q.size = sizeof(longer), .tail = "" };

	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_QUERY, &longer));
	EXPECT_EQ(0, longer.tail[0]);
	longer.tail[15] = 1;
	EXPECT_EQ(-1, ioctl(self->fd, GUP_TEST_QUERY, &longer));
	EXPECT_EQ(E2BIG, errno);
}

/* Each API, in calls of 1, 3 and all pages: every figure that it reports. */
TEST_F(gup, run_records)
{
	static const __u64 per_call[] = { 0, 1, 3, NR, 1000 };
	struct gup_test_record recs[NR];
	struct gup_test_run run;
	size_t i, j, k, n;

	for (i = 0; i < NR_APIS; i++) {
		for (j = 0; j < ARRAY_SIZE(per_call); j++) {
			n = per_call[j] && per_call[j] < NR ? per_call[j] : NR;
			memset(recs, 0xee, sizeof(recs));
			run = api_run(self, &apis[i], recs);
			run.pages_per_call = per_call[j];
			run.repeat = 3;
			ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run))
				TH_LOG("%s: %s", apis[i].name, strerror(errno));
			EXPECT_EQ(0, run.error);
			EXPECT_EQ(NR, run.pages_done);
			EXPECT_EQ(NR, run.entries);
			EXPECT_EQ(3, run.passes);
			EXPECT_EQ(3 * ((NR + n - 1) / n), run.calls);
			EXPECT_EQ(NR, run.records_done);
			EXPECT_EQ(0, run.handle);
			for (k = 0; k < NR; k++) {
				check_small_anon(_metadata, self, &apis[i], &recs[k],
						 k, GUP_TEST_REC_AFTER);
				EXPECT_EQ(k / n, recs[k].call);
			}
			api_done(&run);
			EXPECT_NOTHING_LEAKED();
		}
	}
}

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The times are within that of the ioctl, by the same clock, and both are there. */
TEST_F(gup, run_times)
{
	struct gup_test_run run = good_run(self);
	__u64 start = now_ns(), took;

	run.repeat = 20000;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	took = now_ns() - start;
	EXPECT_EQ(20000, run.passes);
	EXPECT_EQ(20000, run.calls);
	EXPECT_LT(0, run.get_ns);
	EXPECT_LT(0, run.put_ns);
	EXPECT_LE(run.get_ns + run.put_ns, took);

	run.repeat = 1;
	run.flags = GUP_TEST_RUN_HOLD;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	EXPECT_EQ(0, run.put_ns);
}

/* The same page twice in the range: its counts are those of both. */
TEST_F(gup, run_records_same_folio_twice)
{
	int memfd = memfd_create("gup_ioctl", 0);
	struct gup_test_record recs[2];
	struct gup_test_run run;
	char *p;
	size_t i;

	ASSERT_EQ(0, ftruncate(memfd, self->psize));
	p = mmap(NULL, 2 * self->psize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(p + i * self->psize,
			  mmap(p + i * self->psize, self->psize,
			       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memfd, 0));
	p[0] = 1;
	p[self->psize] = 1;

	for (i = 0; i < NR_APIS; i++) {
		run = api_run(self, &apis[i], recs);
		run.addr = addr_of(p);
		run.nr_pages = 2;
		run.nr_records = 2;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		ASSERT_EQ(2, run.records_done);
		EXPECT_EQ(recs[0].pfn, recs[1].pfn);
		EXPECT_EQ(pagemap_pfn(p), recs[0].pfn);
		EXPECT_EQ(2 * apis[i].refs, recs[0].ref_held - recs[0].ref_before);
		EXPECT_EQ(2 * apis[i].pins, recs[1].pin_held - recs[1].pin_before);
		EXPECT_EQ(recs[0].ref_before, recs[0].ref_after);
		EXPECT_EQ(2, recs[0].mapcount);
		EXPECT_NE(0, recs[0].flags & GUP_TEST_REC_SHARED);
		EXPECT_EQ(0, recs[0].flags & GUP_TEST_REC_ANON);
		api_done(&run);
	}
	EXPECT_NOTHING_LEAKED();
}

/* Room for some of the records, and records that are longer than the kernel's. */
TEST_F(gup, run_records_partly)
{
	struct {
		struct gup_test_record rec;
		__u64 tail;
	} recs[4];
	struct gup_test_run run = good_run(self);
	size_t i;

	memset(recs, 0xee, sizeof(recs));
	run.records = addr_of(recs);
	run.nr_records = 3;
	run.record_size = sizeof(recs[0]);
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	EXPECT_EQ(3, run.records_done);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(pagemap_pfn(self->mem + i * self->psize), recs[i].rec.pfn);
		EXPECT_EQ(0, recs[i].tail);
	}
	EXPECT_EQ(0xeeeeeeeeeeeeeeeeULL, recs[3].rec.pfn);
}

/* Memory that nobody has touched yet: before is nothing, then what GUP made. */
TEST_F(gup, run_records_first_touch)
{
	struct gup_test_record recs[NR];
	struct gup_test_run run;
	size_t i;

	ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
	run = api_run(self, &apis[1], recs);
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	ASSERT_EQ(NR, run.records_done);
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(0, recs[i].flags & GUP_TEST_REC_BEFORE);
		EXPECT_EQ(0, recs[i].before_pfn);
		EXPECT_EQ(0, recs[i].ref_before);
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_AFTER);
		EXPECT_EQ(pagemap_pfn(self->mem + i * self->psize), recs[i].pfn);
	}
	ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
	run = api_run(self, &apis[1], recs);
	run.repeat = 2;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	for (i = 0; i < NR; i++)
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_BEFORE);
}

/* The zero page is given out, but not pinned; a long-term pin wants another. */
TEST_F(gup, run_records_zero_page)
{
	struct gup_test_record recs[NR];
	struct gup_test_run run;
	size_t i;

	ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, self->mem[i * self->psize]);

	run = api_run(self, &apis[3], recs);
	run.gup_flags = 0;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	ASSERT_EQ(NR, run.records_done);
	for (i = 0; i < NR; i++) {
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_ZERO);
		EXPECT_EQ(0, recs[i].flags & GUP_TEST_REC_ANON);
		EXPECT_EQ(recs[i].before_pfn, recs[i].pfn);
		EXPECT_EQ(recs[i].ref_before, recs[i].ref_held);
		EXPECT_EQ(recs[i].ref_before, recs[i].ref_after);
		EXPECT_EQ(0, recs[i].flags & GUP_TEST_REC_LEAF_WRITE);
	}

	run = api_run(self, &apis[3], recs);
	run.gup_flags = GUP_TEST_FOLL_LONGTERM;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(0, recs[i].flags & GUP_TEST_REC_ZERO);
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_EXCLUSIVE);
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_BEFORE);
		EXPECT_NE(recs[i].before_pfn, recs[i].pfn);
	}
	EXPECT_NOTHING_LEAKED();
}

/* After fork() the pages are shared; a write pin takes one of our own. */
TEST_F(gup, run_records_after_fork)
{
	struct gup_test_record recs[NR];
	struct gup_test_run run;
	pid_t pid = fork();
	size_t i;

	ASSERT_LE(0, pid);
	if (!pid) {
		pause();
		_exit(0);
	}
	run = api_run(self, &apis[2], recs);
	run.gup_flags = 0;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(0, recs[i].flags & GUP_TEST_REC_EXCLUSIVE);
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_SHARED);
		EXPECT_EQ(2, recs[i].mapcount);
		EXPECT_EQ(recs[i].before_pfn, recs[i].pfn);
		EXPECT_EQ(0, recs[i].flags & GUP_TEST_REC_LEAF_WRITE);
	}
	run = api_run(self, &apis[3], recs);
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	for (i = 0; i < NR; i++) {
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_EXCLUSIVE);
		EXPECT_EQ(1, recs[i].mapcount);
		EXPECT_NE(recs[i].before_pfn, recs[i].pfn);
		EXPECT_EQ(pagemap_pfn(self->mem + i * self->psize), recs[i].pfn);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* 2 MiB that are one folio, mapped by one entry, where the kernel has such. */
static char *new_thp(size_t huge)
{
	char *map = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = (char *)((addr_of(map) + huge - 1) & -huge);

	if (map == MAP_FAILED || madvise(p, huge, MADV_HUGEPAGE))
		return NULL;
	memset(p, 1, huge);
	return p;
}

/* A page of a large folio, if this kernel makes them: pincount and runs. */
TEST_F(gup, run_records_thp)
{
	size_t huge = 2UL << 20, nr = huge / self->psize, i;
	struct gup_test_record *recs = calloc(nr, sizeof(*recs));
	struct gup_test_run run;
	char *p = new_thp(huge);

	if (!p)
		SKIP(return, "no MADV_HUGEPAGE: kernel without THP");
	run = api_run(self, &apis[3], recs);
	run.addr = addr_of(p);
	run.nr_pages = nr;
	run.nr_records = nr;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	ASSERT_EQ(nr, run.records_done);
	if (!(recs[0].flags & GUP_TEST_REC_LEAF_PMD))
		SKIP(return, "memory was not given a PMD leaf of 2 MiB");
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(pagemap_pfn(p + i * self->psize), recs[i].pfn);
		EXPECT_EQ(recs[0].pfn, recs[i].folio_pfn);
		EXPECT_EQ(i, recs[i].folio_offset);
		EXPECT_EQ(nr - i, recs[i].run);
		EXPECT_EQ(nr, 1UL << recs[i].folio_order);
		EXPECT_EQ(nr, recs[i].ref_held - recs[i].ref_before);
		EXPECT_EQ(nr, recs[i].pin_held);
		EXPECT_EQ(0, recs[i].pin_after);
		EXPECT_EQ(recs[i].ref_before, recs[i].ref_after);
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_PINCOUNT);
		EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_LARGE);
	}
	EXPECT_NOTHING_LEAKED();
	free(recs);
}

/* Are all records of a THP so, as to EXCLUSIVE and LEAF_PMD? */
static void expect_leaves(struct __test_metadata *_metadata, gup_data *self,
			  char *p, size_t nr, __u64 want)
{
	struct gup_test_record *recs = calloc(nr, sizeof(*recs));
	struct gup_test_run run = api_run(self, &apis[2], recs);
	const __u64 flags = GUP_TEST_REC_EXCLUSIVE | GUP_TEST_REC_LEAF_PMD;
	size_t i, as_wanted = 0;

	run.gup_flags = 0;
	run.addr = addr_of(p);
	run.nr_pages = nr;
	run.nr_records = nr;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	ASSERT_EQ(nr, run.records_done);
	for (i = 0; i < nr; i++)
		as_wanted += (recs[i].flags & flags) == want;
	EXPECT_EQ(nr, as_wanted)
		TH_LOG("wanted of each page: %#llx", (unsigned long long)want);
	free(recs);
}

static bool has_pmd_leaf(gup_data *self, const char *p)
{
	struct gup_test_record rec = {};
	struct gup_test_run run = api_run(self, &apis[2], &rec);

	run.addr = addr_of(p);
	run.nr_pages = 1;
	run.nr_records = 1;
	return !ioctl(self->fd, GUP_TEST_RUN, &run) &&
	       (rec.flags & GUP_TEST_REC_LEAF_PMD);
}

/* Whether a page is exclusive is marked once for a PMD leaf, else page by page. */
TEST_F(gup, run_records_exclusive)
{
	size_t huge = 2UL << 20, nr = huge / self->psize;
	char *p = new_thp(huge), *q = new_thp(huge);
	pid_t pid;

	if (!p || !q)
		SKIP(return, "no MADV_HUGEPAGE: kernel without THP");
	if (!has_pmd_leaf(self, p) || !has_pmd_leaf(self, q))
		SKIP(return, "memory was not given a PMD leaf of 2 MiB");
	expect_leaves(_metadata, self, p, nr,
		      GUP_TEST_REC_EXCLUSIVE | GUP_TEST_REC_LEAF_PMD);
	/* Now two VMAs meet in the middle of it. */
	ASSERT_EQ(0, mprotect(p, huge / 2, PROT_READ));
	expect_leaves(_metadata, self, p, nr, GUP_TEST_REC_EXCLUSIVE);

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		pause();
		_exit(0);
	}
	expect_leaves(_metadata, self, p, nr, 0);
	expect_leaves(_metadata, self, q, nr, GUP_TEST_REC_LEAF_PMD);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_NOTHING_LEAKED();
}

/* The page of vsyscall, which is no memory of any process: where, or NULL. */
static char *gate_page(void)
{
	unsigned long start, end;
	char line[256], *page = NULL;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vsyscall]") && strstr(line, " r-xp ") &&
		    sscanf(line, "%lx-%lx", &start, &end) == 2)
			page = (char *)start;
	if (maps)
		fclose(maps);
	return page;
}

static struct gup_test_record held_record(struct __test_metadata *_metadata,
					  gup_data *self, __u32 handle)
{
	struct gup_test_record rec = { 0 };
	struct gup_test_hold hold = good_hold(GUP_TEST_HOLD_RECORD, handle, &rec);

	ASSERT_EQ(0, hold_op(self, &hold));
	return rec;
}

/* Held by @api, then once more: the same page, with the references of one hold more. */
static void expect_gate_page_held(struct __test_metadata *_metadata, gup_data *self,
				  const struct api *api, char *gate)
{
	struct gup_test_record first, second;
	char *buf = malloc(self->psize);
	struct gup_test_hold hold;
	struct gup_test_run run;
	__u32 handle[2], i;

	for (i = 0; i < 2; i++) {
		run = api_run(self, api, NULL);
		run.addr = addr_of(gate);
		run.nr_pages = 1;
		run.gup_flags = 0;
		run.flags |= GUP_TEST_RUN_HOLD;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		ASSERT_EQ(1, run.pages_done);
		handle[i] = run.handle;
		self->held++;
		self->got += api->pins ? 0 : 1;
		EXPECT_NOTHING_LEAKED();
		if (!i)
			first = held_record(_metadata, self, handle[0]);
	}
	second = held_record(_metadata, self, handle[1]);
	EXPECT_EQ(first.pfn, second.pfn);
	EXPECT_EQ(first.ref_held + api->refs, second.ref_held);

	hold = good_hold(GUP_TEST_HOLD_READ, handle[1], buf);
	hold.len = self->psize;
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(0, memcmp(buf, gate, self->psize));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(1, release(self, handle[i], 0, 0, 0));
	self->got = 0;
	EXPECT_NOTHING_LEAKED();
	free(buf);
}

/*
 * The gate page has no VMA that find_vma() knows: the slow path gives it, for reading
 * only; it is not in user space for those that are fast.
 */
TEST_F(gup, run_gate_page)
{
	char *gate = gate_page();
	struct gup_test_run run;
	size_t i;

	if (!gate)
		SKIP(return, "no [vsyscall] that can be read: boot with vsyscall=emulate");
	for (i = 0; i < NR_APIS; i++) {
		run = api_run(self, &apis[i], NULL);
		run.addr = addr_of(gate);
		run.nr_pages = 1;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(0, run.pages_done);
		EXPECT_EQ(-EFAULT, run.error)
			TH_LOG("%s", apis[i].name);
		if (apis[i].id != GUP_TEST_API_GET_FAST &&
		    apis[i].id != GUP_TEST_API_PIN_FAST &&
		    apis[i].id != GUP_TEST_API_GET_FAST_ONLY)
			expect_gate_page_held(_metadata, self, &apis[i], gate);
		EXPECT_NOTHING_LEAKED();
	}
}

/* A hole: what was got in front of it, and with CONTINUE also why no more. */
TEST_F(gup, run_stops_at_a_hole)
{
	struct gup_test_record recs[NR];
	struct gup_test_run run;
	size_t i;

	ASSERT_EQ(0, munmap(self->mem + 9 * self->psize, self->psize));
	for (i = 0; i < NR_APIS; i++) {
		memset(recs, 0xee, sizeof(recs));
		run = api_run(self, &apis[i], recs);
		run.repeat = 1 + 4 * (i % 2);
		run.flags |= GUP_TEST_RUN_HOLD;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(9, run.pages_done);
		EXPECT_EQ(0, run.error);
		EXPECT_EQ(0, run.passes);
		EXPECT_EQ(1, run.calls);
		EXPECT_EQ(0, run.handle);
		EXPECT_EQ(9, run.records_done);
		EXPECT_EQ(0xeeeeeeeeeeeeeeeeULL, recs[9].pfn);
		EXPECT_NOTHING_LEAKED();

		run.flags |= GUP_TEST_RUN_CONTINUE;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(9, run.pages_done);
		/* It does not fault, so it does not know. */
		EXPECT_EQ(apis[i].id == GUP_TEST_API_GET_FAST_ONLY ? 0 : -EFAULT,
			  run.error)
			TH_LOG("%s", apis[i].name);
		EXPECT_EQ(2, run.calls);
		EXPECT_EQ(0, run.handle);
		api_done(&run);
		EXPECT_NOTHING_LEAKED();
	}
}

/* Nothing there at all, beyond the end of user space, and not writable. */
TEST_F(gup, run_reports_errors)
{
	struct gup_test_run run;
	size_t i;

	ASSERT_EQ(0, mprotect(self->mem, NR * self->psize, PROT_READ));
	for (i = 0; i < NR_APIS; i++) {
		bool only = apis[i].id == GUP_TEST_API_GET_FAST_ONLY;

		run = api_run(self, &apis[i], NULL);
		run.addr = NOWHERE;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(only ? 0 : -EFAULT, run.error);
		EXPECT_EQ(0, run.pages_done);
		EXPECT_EQ(0, run.passes);

		run.addr = (__u64)1 << 63;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(-EFAULT, run.error);

		run.addr = addr_of(self->mem);
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(only ? 0 : -EFAULT, run.error);
		EXPECT_EQ(0, run.pages_done);
		run.gup_flags = 0;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(0, run.error);
		EXPECT_EQ(NR, run.pages_done);
		api_done(&run);
		EXPECT_NOTHING_LEAKED();
	}
}

/* POPULATE and FAULT leave pages behind, and nothing to release. */
TEST_F(gup, run_populates)
{
	static const __u32 ids[] = { GUP_TEST_API_POPULATE, GUP_TEST_API_FAULT };
	struct gup_test_run run;
	size_t i, j;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
		for (j = 0; j < NR; j++)
			EXPECT_EQ(0, pagemap_pfn(self->mem + j * self->psize));
		run = good_run(self);
		run.api = ids[i];
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(0, run.error);
		EXPECT_EQ(NR, run.pages_done);
		EXPECT_EQ(0, run.entries);
		EXPECT_EQ(ids[i] == GUP_TEST_API_FAULT ? NR : 1, run.calls);
		for (j = 0; j < NR; j++)
			EXPECT_NE(0, pagemap_pfn(self->mem + j * self->psize));
		run.addr = NOWHERE;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(-EFAULT, run.error);
		EXPECT_NOTHING_LEAKED();
	}
}

/* Each way to release gives back exactly what was taken; DIRTY makes dirty. */
TEST_F(gup, run_puts)
{
	struct gup_test_record recs[NR];
	struct gup_test_run run;
	__u32 put;
	size_t i, j;

	for (i = 0; i < NR_APIS; i++) {
		for (put = 0; apis[i].pins && put <= GUP_TEST_PUT_RANGE_DIRTY; put++) {
			run = api_run(self, &apis[i], recs);
			run.put = put;
			ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
			EXPECT_EQ(NR, run.records_done);
			for (j = 0; j < NR; j++)
				check_small_anon(_metadata, self, &apis[i], &recs[j],
						 j, GUP_TEST_REC_AFTER);
			api_done(&run);
			EXPECT_NOTHING_LEAKED();
		}
	}
}

static bool is_dirty(gup_data *self, __u32 handle, __u64 entry)
{
	struct gup_test_record rec;
	struct gup_test_hold hold = good_hold(GUP_TEST_HOLD_RECORD, handle, &rec);

	hold.first = entry;
	hold.nr = 1;
	if (hold_op(self, &hold))
		return false;
	return rec.flags & GUP_TEST_REC_DIRTY;
}

/* Of two handles on the same clean pages one tells what releasing the other did. */
TEST_F(gup, release_dirty)
{
	static const struct {
		__u32 put;
		bool dirty;
	} puts[] = {
		{ GUP_TEST_PUT_DEFAULT, false }, { GUP_TEST_PUT_ONE, false },
		{ GUP_TEST_PUT_RANGE, false }, { GUP_TEST_PUT_DIRTY, true },
		{ GUP_TEST_PUT_RANGE_DIRTY, true },
	};
	__u32 eye, handle;
	size_t i, j;

	eye = hold_all(_metadata, self, GUP_TEST_API_PIN, GUP_TEST_FOLL_WRITE);
	handle = hold_all(_metadata, self, GUP_TEST_API_PIN, GUP_TEST_FOLL_WRITE);
	for (i = 0; i < ARRAY_SIZE(puts); i++) {
		ASSERT_FALSE(is_dirty(self, eye, 3 * i))
			TH_LOG("dirty before: entry %zu", 3 * i);
		ASSERT_EQ(3, release(self, handle, puts[i].put, 3 * i, 3));
		for (j = 0; j < 3; j++)
			EXPECT_EQ(puts[i].dirty, is_dirty(self, eye, 3 * i + j))
				TH_LOG("put %u", puts[i].put);
		EXPECT_NOTHING_LEAKED();
	}
	EXPECT_EQ(1, release(self, handle, 0, 0, 0));
	EXPECT_EQ(NR, release(self, eye, 0, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* A pin sees what the process writes, and the process sees what the pin writes. */
TEST_F(gup, hold_reads_and_writes)
{
	size_t all = NR * self->psize, i;
	char *buf = malloc(all);
	struct gup_test_hold hold;
	__u32 handle;

	for (i = 0; i < NR_APIS; i++) {
		if (is_remote(&apis[i]))
			continue;
		memset(self->mem, 1, all);
		self->got += apis[i].pins ? 0 : NR;
		handle = hold_all(_metadata, self, apis[i].id, GUP_TEST_FOLL_WRITE);

		memset(self->mem, 'a' + i, all);
		memset(buf, 0, all);
		hold = good_hold(GUP_TEST_HOLD_READ, handle, buf);
		hold.len = all;
		ASSERT_EQ(0, hold_op(self, &hold));
		EXPECT_EQ(all, hold.done);
		EXPECT_EQ(0, memcmp(buf, self->mem, all));

		/* From the middle of a page over two borders. */
		memset(buf, 'z', all);
		hold = good_hold(GUP_TEST_HOLD_WRITE, handle, buf);
		hold.first = 2;
		hold.offset = self->psize - 3;
		hold.len = self->psize + 8;
		ASSERT_EQ(0, hold_op(self, &hold));
		EXPECT_EQ('a' + i, self->mem[3 * self->psize - 4]);
		EXPECT_EQ(0, memcmp(self->mem + 3 * self->psize - 3, buf,
				    self->psize + 8));
		EXPECT_EQ('a' + i, self->mem[4 * self->psize + 5]);

		EXPECT_EQ(NR, release(self, handle, 0, 0, 0));
		self->got = 0;
		EXPECT_NOTHING_LEAKED();
	}
	free(buf);
}

/* munmap() does not take a pinned page away, and RECORD tells that it is not mapped. */
TEST_F(gup, hold_survives_munmap)
{
	__u32 handle = hold_all(_metadata, self, GUP_TEST_API_PIN_FAST,
				   GUP_TEST_FOLL_WRITE);
	struct gup_test_record before[NR], after[NR];
	char *buf = malloc(self->psize);
	struct gup_test_hold hold;
	size_t i;

	hold = good_hold(GUP_TEST_HOLD_RECORD, handle, before);
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(NR, hold.done);
	memset(self->mem, 0x5a, NR * self->psize);
	ASSERT_EQ(0, munmap(self->mem, NR * self->psize));

	hold = good_hold(GUP_TEST_HOLD_RECORD, handle, after);
	ASSERT_EQ(0, hold_op(self, &hold));
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(before[i].pfn, after[i].pfn);
		EXPECT_NE(0, before[i].flags & GUP_TEST_REC_MAPPED);
		EXPECT_EQ(0, after[i].flags & GUP_TEST_REC_MAPPED);
		EXPECT_EQ(1, before[i].mapcount);
		EXPECT_EQ(0, after[i].mapcount);
		EXPECT_EQ(0, after[i].flags & (GUP_TEST_REC_BEFORE | GUP_TEST_REC_AFTER));
		EXPECT_EQ(before[i].ref_held - 1, after[i].ref_held);
	}
	hold = good_hold(GUP_TEST_HOLD_READ, handle, buf);
	hold.first = NR - 1;
	hold.len = self->psize;
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(0x5a, buf[0]);
	EXPECT_EQ(0x5a, buf[self->psize - 1]);
	EXPECT_EQ(NR, release(self, handle, 0, 0, 0));
	EXPECT_NOTHING_LEAKED();
	free(buf);
}

/* fork() copies a pinned page for the child: the parent keeps what is pinned. */
TEST_F(gup, hold_survives_fork)
{
	__u32 handle = hold_all(_metadata, self, GUP_TEST_API_PIN_FAST,
				   GUP_TEST_FOLL_WRITE);
	struct gup_test_hold hold;
	char buf[4];
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		self->mem[0] = 'c';
		pause();
		_exit(0);
	}
	self->mem[0] = 'p';
	hold = good_hold(GUP_TEST_HOLD_READ, handle, buf);
	hold.len = 1;
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ('p', buf[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(NR, release(self, handle, 0, 0, 0));
}

TEST_F(gup, hold_releases_parts)
{
	__u32 one, two;
	struct gup_test_record recs[NR];
	struct gup_test_hold hold;
	struct gup_test_query q;
	size_t i;

	one = hold_all(_metadata, self, GUP_TEST_API_PIN_FAST, GUP_TEST_FOLL_WRITE);
	two = hold_all(_metadata, self, GUP_TEST_API_PIN, GUP_TEST_FOLL_WRITE);
	EXPECT_NE(one, two);
	ASSERT_EQ(0, query(self->fd, &q));
	EXPECT_EQ(2, q.handles);
	EXPECT_EQ(2 * NR, q.held);

	EXPECT_EQ(2, release(self, one, GUP_TEST_PUT_DEFAULT, 1, 2));
	EXPECT_EQ(1, release(self, one, GUP_TEST_PUT_ONE, 0, 2));
	EXPECT_EQ(0, release(self, one, GUP_TEST_PUT_RANGE, 0, 3));
	EXPECT_EQ(1, release(self, one, GUP_TEST_PUT_RANGE, 5, 1));
	EXPECT_NOTHING_LEAKED();

	hold = good_hold(GUP_TEST_HOLD_RECORD, one, recs);
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(NR, hold.done);
	for (i = 0; i < NR; i++) {
		bool empty = i < 3 || i == 5;

		EXPECT_EQ(empty ? GUP_TEST_REC_EMPTY : 0,
			  recs[i].flags & GUP_TEST_REC_EMPTY);
		EXPECT_EQ(empty ? 0 : pagemap_pfn(self->mem + i * self->psize),
			  recs[i].pfn);
		EXPECT_EQ(!empty, recs[i].run);
		/* The other handle has it, too, where this one let go. */
		if (!empty)
			EXPECT_EQ(2, recs[i].pin_held);
	}
	EXPECT_EQ(NR - 4, release(self, one, GUP_TEST_PUT_DEFAULT, 0, 0));
	EXPECT_EQ(-ENOENT, release(self, one, GUP_TEST_PUT_DEFAULT, 0, 0));
	ASSERT_EQ(0, query(self->fd, &q));
	EXPECT_EQ(1, q.handles);
	EXPECT_EQ(NR, q.held);
	EXPECT_EQ(NR, release(self, two, GUP_TEST_PUT_DEFAULT, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* The memory of another process, through its pidfd. */
TEST_F(gup, remote)
{
	struct gup_test_record recs[NR];
	struct gup_test_run run = good_run(self);
	struct gup_test_hold hold;
	char buf[4], c;
	int ready[2], go[2], pidfd;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		memset(self->mem, 'r', NR * self->psize);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(self->mem[1] == 'w' ? 42 : 2);
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	ASSERT_LE(0, pidfd);
	ASSERT_EQ(1, read(ready[0], &c, 1));

	run.api = GUP_TEST_API_PIN_REMOTE;
	run.flags = GUP_TEST_RUN_HOLD | GUP_TEST_RUN_LOCKED;
	run.fd = pidfd;
	RECORDS_AT(addr_of(recs));
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	ASSERT_EQ(NR, run.pages_done);
	self->held = NR;
	EXPECT_NOTHING_LEAKED();
	EXPECT_NE(pagemap_pfn(self->mem), recs[0].pfn);
	EXPECT_EQ(recs[0].before_pfn, recs[0].pfn);

	hold = good_hold(GUP_TEST_HOLD_READ, run.handle, buf);
	hold.len = 2;
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ('r', buf[1]);
	EXPECT_EQ(1, self->mem[0]);
	buf[1] = 'w';
	hold = good_hold(GUP_TEST_HOLD_WRITE, run.handle, buf);
	hold.len = 2;
	ASSERT_EQ(0, hold_op(self, &hold));

	ASSERT_EQ(1, write(go[1], "g", 1));
	int status;

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(42, WEXITSTATUS(status));

	/* The process is gone, its pages are not. */
	hold = good_hold(GUP_TEST_HOLD_RECORD, run.handle, recs);
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(0, recs[0].flags & GUP_TEST_REC_MAPPED);
	EXPECT_EQ(0, recs[0].mapcount);
	EXPECT_EQ(NR, release(self, run.handle, 0, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* A process that may not be traced by the caller. */
TEST_F(gup, remote_needs_ptrace_access)
{
	int status, pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	struct gup_test_run run = good_run(self);
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	run.api = GUP_TEST_API_GET_REMOTE;
	run.fd = pidfd;
	if (!pid) {
		/* Not root any more; the file was opened while it was. */
		if (setgid(1000) || setuid(1000))
			_exit(99);
		_exit(ioctl(self->fd, GUP_TEST_RUN, &run) ? errno : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EACCES, WEXITSTATUS(status));
	EXPECT_NOTHING_LEAKED();
}

/* memfd_pin_folios(): offset, folios in order, read and written as the file is. */
TEST_F(gup, memfd)
{
	struct gup_test_record recs[NR];
	int memfd = memfd_create("gup_ioctl", 0);
	struct gup_test_run run = good_run(self);
	struct gup_test_hold hold;
	__u64 put;
	char buf[16];
	size_t i;

	ASSERT_LE(0, memfd);
	for (i = 0; i < NR; i++) {
		memset(self->mem, 'A' + i, self->psize);
		ASSERT_EQ(self->psize, write(memfd, self->mem, self->psize));
	}
	run.api = GUP_TEST_API_MEMFD;
	run.fd = memfd;
	run.addr = 2 * self->psize;
	run.nr_pages = 5;
	RECORDS_AT(addr_of(recs));
	for (put = 0; put < 2; put++) {
		run.put = put;
		run.pages_per_call = put * 2;
		ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(0, run.error);
		EXPECT_EQ(5, run.pages_done);
		EXPECT_EQ(put ? 3 : 1, run.calls);
		/* Small folios, unless the file has large ones: then fewer. */
		ASSERT_LE(run.entries, 5);
		EXPECT_EQ(recs[0].folio_offset * self->psize, run.first_offset);
		for (i = 0; i < run.records_done; i++) {
			EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_BEFORE);
			EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_AFTER);
			EXPECT_NE(0, recs[i].flags & GUP_TEST_REC_MAPPED);
			EXPECT_EQ(recs[i].before_pfn, recs[i].pfn);
			EXPECT_LT(0, recs[i].pin_held - recs[i].pin_before);
			EXPECT_EQ(recs[i].ref_before, recs[i].ref_after);
			if (!(recs[i].flags & GUP_TEST_REC_PINCOUNT))
				EXPECT_EQ(BIAS, recs[i].ref_held - recs[i].ref_before);
		}
		EXPECT_NOTHING_LEAKED();
	}

	run.flags = GUP_TEST_RUN_HOLD;
	run.put = 0;
	run.pages_per_call = 0;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	self->held = run.entries;
	EXPECT_NOTHING_LEAKED();
	hold = good_hold(GUP_TEST_HOLD_READ, run.handle, buf);
	hold.offset = run.first_offset + self->psize - 1;
	hold.len = 2;
	if (run.entries == 5) {
		ASSERT_EQ(0, hold_op(self, &hold));
		EXPECT_EQ('C', buf[0]);
		EXPECT_EQ('D', buf[1]);
	}
	hold = good_hold(GUP_TEST_HOLD_WRITE, run.handle, "!");
	hold.offset = run.first_offset;
	hold.len = 1;
	ASSERT_EQ(0, hold_op(self, &hold));
	ASSERT_EQ(1, pread(memfd, buf, 1, 2 * self->psize));
	EXPECT_EQ('!', buf[0]);
	EXPECT_EQ(run.entries, release(self, run.handle, GUP_TEST_PUT_ONE, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* What memfd_pin_folios() refuses is its own business: in .error. */
TEST_F(gup, memfd_errors)
{
	int memfd = memfd_create("gup_ioctl", 0), null = open("/dev/null", O_RDWR);
	struct gup_test_run run = good_run(self);

	ASSERT_EQ(0, ftruncate(memfd, NR * self->psize));
	run.api = GUP_TEST_API_MEMFD;
	run.addr = 0;
	run.fd = null;
	ASSERT_LE(0, null);
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	EXPECT_EQ(-EINVAL, run.error);
	run.fd = memfd;
	run.nr_pages = NR + 1;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	EXPECT_EQ(-EINVAL, run.error);
	EXPECT_EQ(0, run.entries);
	run.nr_pages = NR;
	ASSERT_EQ(0, ioctl(self->fd, GUP_TEST_RUN, &run));
	EXPECT_EQ(0, run.error);
	EXPECT_EQ(NR, run.pages_done);
	EXPECT_NOTHING_LEAKED();
}

/* The last close releases; a child that has the file too keeps it. */
TEST_F(gup, close_releases)
{
	int status, go[2];
	pid_t pid;
	char c;

	hold_all(_metadata, self, GUP_TEST_API_PIN_FAST, GUP_TEST_FOLL_WRITE);
	hold_all(_metadata, self, GUP_TEST_API_PIN, GUP_TEST_FOLL_WRITE);
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1));
	}
	EXPECT_EQ(0, close(self->fd));
	self->fd = -1;
	EXPECT_EQ(self->pins + 2 * NR, pins_now());
	close(go[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(self->pins, pins_now());
}

/* PIN_LONGTERM_TEST_START and a handle, and then killed. */
TEST_F(gup, kill_releases)
{
	struct pin_longterm_test start = {
		.addr = addr_of(self->mem),
		.size = NR * self->psize,
	};
	int ready[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct gup_test_run run = good_run(self);
		int fd = open(GUP_TEST_FILE, O_RDWR);

		run.flags = GUP_TEST_RUN_HOLD;
		if (ioctl(fd, GUP_TEST_RUN, &run) ||
		    ioctl(fd, PIN_LONGTERM_TEST_START, &start) ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(2);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_EQ(self->pins + 2 * NR, pins_now());
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(self->pins, pins_now());
}

#define SHARERS		4
#define SHARER_ROUNDS	300

struct sharer {
	gup_data *self;
	const struct sharer *all;
	__u32 handle;		/* the others release it, too */
	int wrong;
};

static bool may_fail_with(int ret, int expected)
{
	return !ret || (ret == -1 && errno == expected);
}

/* Hold, and look at and release what any of the threads holds. */
static bool share_once(struct sharer *s, unsigned int round)
{
	const __u32 *other = &s->all[round % SHARERS].handle;
	struct gup_test_run run = good_run(s->self);
	struct gup_test_record recs[NR];
	struct gup_test_hold hold;
	struct gup_test_query q;
	__u32 theirs;

	run.flags = GUP_TEST_RUN_HOLD;
	if (ioctl(s->self->fd, GUP_TEST_RUN, &run) || !run.handle)
		return false;
	__atomic_store_n(&s->handle, run.handle, __ATOMIC_RELAXED);
	theirs = __atomic_load_n(other, __ATOMIC_RELAXED);
	hold = good_hold(GUP_TEST_HOLD_RECORD, theirs, recs);
	if (!may_fail_with(ioctl(s->self->fd, GUP_TEST_HOLD, &hold), ENOENT))
		return false;
	hold = good_hold(GUP_TEST_HOLD_RELEASE, theirs, NULL);
	if (!may_fail_with(ioctl(s->self->fd, GUP_TEST_HOLD, &hold), ENOENT))
		return false;
	if (query(s->self->fd, &q))
		return false;
	hold = good_hold(GUP_TEST_HOLD_RELEASE, run.handle, NULL);
	return may_fail_with(ioctl(s->self->fd, GUP_TEST_HOLD, &hold), ENOENT);
}

static void *share(void *arg)
{
	struct sharer *s = arg;
	unsigned int i;

	for (i = 0; i < SHARER_ROUNDS; i++)
		if (!share_once(s, i))
			s->wrong++;
	return NULL;
}

/* Threads with one file: what one holds another may release, but only once. */
TEST_F(gup, threads_share_a_file)
{
	struct sharer sharers[SHARERS] = {};
	pthread_t threads[SHARERS];
	struct gup_test_query q;
	size_t i;

	for (i = 0; i < SHARERS; i++) {
		sharers[i].self = self;
		sharers[i].all = sharers;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, share, &sharers[i]));
	}
	for (i = 0; i < SHARERS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, sharers[i].wrong);
	}
	ASSERT_EQ(0, query(self->fd, &q));
	EXPECT_EQ(0, q.handles);
	EXPECT_NOTHING_LEAKED();
}

static void wake_up(int sig)
{
}

/* A run of hours ends at once, with a signal that is not fatal. */
TEST_F(gup, signal_ends_a_run)
{
	struct itimerval in_20_ms = { .it_value.tv_usec = 20000 };
	struct sigaction sa = { .sa_handler = wake_up };
	struct gup_test_run run, before;
	size_t i;

	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	for (i = 0; i < NR_APIS; i++) {
		run = api_run(self, &apis[i], NULL);
		run.repeat = UINT32_MAX;
		run.flags |= GUP_TEST_RUN_HOLD;
		run.pages_per_call = 1;
		before = run;
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &in_20_ms, NULL));
		EXPECT_EQ(-1, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(EINTR, errno);
		EXPECT_EQ(0, memcmp(&run, &before, sizeof(run)));
		api_done(&run);
		EXPECT_NOTHING_LEAKED();
	}
}

/* A long pass, in which no call takes long, ends between two of its calls. */
TEST_F(gup, signal_ends_a_pass)
{
	struct itimerval in_2_ms = { .it_value.tv_usec = 2000 };
	struct sigaction sa = { .sa_handler = wake_up };
	struct gup_test_run run = good_run(self);
	int memfd = memfd_create("gup_ioctl", 0);

	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	/* Each call allocates a page and clears it: 128 MiB are not done in 2 ms. */
	run.api = GUP_TEST_API_MEMFD;
	run.fd = memfd;
	run.addr = 0;
	run.nr_pages = 1 << 15;
	run.pages_per_call = 1;
	ASSERT_EQ(0, ftruncate(memfd, run.nr_pages * self->psize));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &in_2_ms, NULL));
	EXPECT_EQ(-1, ioctl(self->fd, GUP_TEST_RUN, &run));
	EXPECT_EQ(EINTR, errno);
	EXPECT_NOTHING_LEAKED();
}

/* And one that is killed in the middle. */
TEST_F(gup, kill_ends_a_run)
{
	struct gup_test_run run;
	int status;
	pid_t pid;
	size_t i;

	for (i = 0; i < NR_APIS; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			/* Ours again: fast_only does not copy after fork(). */
			memset(self->mem, 1, NR * self->psize);
			run = api_run(self, &apis[i], NULL);
			run.repeat = UINT32_MAX;
			ioctl(self->fd, GUP_TEST_RUN, &run);
			_exit(1);
		}
		usleep(10000);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_NOTHING_LEAKED();
	}
}

/* The records' buffer ends in the middle: all is given back, for each API. */
TEST_F(gup, fault_half_way)
{
	struct gup_test_record *recs;
	struct gup_test_run run;
	size_t i;
	char *p;

	p = mmap(NULL, 2 * self->psize, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + self->psize, self->psize));
	recs = (void *)(p + self->psize - 5 * sizeof(*recs) - 8);
	for (i = 0; i < NR_APIS; i++) {
		run = api_run(self, &apis[i], recs);
		run.flags |= GUP_TEST_RUN_HOLD;
		EXPECT_EQ(-1, ioctl(self->fd, GUP_TEST_RUN, &run));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(0, run.handle);
		api_done(&run);
		EXPECT_NOTHING_LEAKED();
	}
	/* Half a read, half a write: the handle is as it was. */
	run.handle = hold_all(_metadata, self, GUP_TEST_API_PIN_FAST,
			      GUP_TEST_FOLL_WRITE);
	for (i = 0; i < 2; i++) {
		struct gup_test_hold hold;

		hold = good_hold(i ? GUP_TEST_HOLD_WRITE : GUP_TEST_HOLD_READ,
				 run.handle, p);
		hold.len = 2 * self->psize;
		EXPECT_EQ(-1, hold_op(self, &hold));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_NOTHING_LEAKED();
	}
	EXPECT_EQ(NR, release(self, run.handle, 0, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* The old ioctls: all is well, and a hole is no success any more. */
TEST_F(gup, old_ioctls)
{
	struct gup_test gup;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(old_cmds); i++) {
		gup = good_old(self);
		gup.nr_pages_per_call = 3;
		EXPECT_EQ(0, ioctl(self->fd, old_cmds[i], &gup));
		EXPECT_EQ(NR * self->psize, gup.size);
		EXPECT_NOTHING_LEAKED();
	}
	ASSERT_EQ(0, munmap(self->mem + 9 * self->psize, self->psize));
	for (i = 0; i < ARRAY_SIZE(old_cmds); i++) {
		gup = good_old(self);
		EXPECT_EQ(-1, ioctl(self->fd, old_cmds[i], &gup));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(9 * self->psize, gup.size);
		gup = good_old(self);
		gup.addr = NOWHERE;
		EXPECT_EQ(-1, ioctl(self->fd, old_cmds[i], &gup));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(0, gup.size);
		EXPECT_NOTHING_LEAKED();
	}
}

/* The zero page is not pinned, which is no reason for a splat. */
TEST_F(gup, old_ioctls_zero_page)
{
	struct gup_test gup;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(old_cmds); i++) {
		ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
		gup = good_old(self);
		gup.gup_flags = 0;
		EXPECT_EQ(0, ioctl(self->fd, old_cmds[i], &gup));
		EXPECT_EQ(NR * self->psize, gup.size);
		EXPECT_NOTHING_LEAKED();
	}
}

TEST_F(gup, old_longterm_test)
{
	struct pin_longterm_test start = {
		.addr = addr_of(self->mem),
		.size = NR * self->psize,
	};
	size_t all = NR * self->psize;
	char *buf = malloc(all);
	__u64 to = addr_of(buf);
	__u32 flags;

	for (flags = 0; flags < 4; flags++) {
		start.flags = flags;
		ASSERT_EQ(0, ioctl(self->fd, PIN_LONGTERM_TEST_START, &start));
		EXPECT_EQ(NR, longterm_pins(self));
		memset(self->mem, 'l' + flags, all);
		memset(buf, 0, all);
		ASSERT_EQ(0, ioctl(self->fd, PIN_LONGTERM_TEST_READ, &to));
		EXPECT_EQ(0, memcmp(buf, self->mem, all));
		ASSERT_EQ(0, ioctl(self->fd, PIN_LONGTERM_TEST_STOP));
		EXPECT_EQ(0, longterm_pins(self));
		/* There is nothing to stop now, which never was an error. */
		EXPECT_EQ(0, ioctl(self->fd, PIN_LONGTERM_TEST_STOP));
	}
	free(buf);
}

/* Who is not root cannot open the file. */
TEST_F(gup, only_root_opens)
{
	pid_t pid = fork();
	int status;

	ASSERT_LE(0, pid);
	if (!pid) {
		if (setgid(1000) || setuid(1000))
			_exit(99);
		_exit(open(GUP_TEST_FILE, O_RDWR) < 0 ? errno : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EACCES, WEXITSTATUS(status));
}

/*
 * The harness ends with 0 when all its tests were skipped. So look first whether
 * there is anything to test: a kernel with gup_test, but without the ioctls that
 * are tested here, fails.
 */
static void need_gup_test(void)
{
	int fd = open(GUP_TEST_FILE, O_RDWR);

	if (fd >= 0) {
		close(fd);
		return;
	}
	if (errno != EACCES && errno != ENOENT)
		ksft_exit_fail_msg("%s: %s\n", GUP_TEST_FILE, strerror(errno));
	ksft_print_header();
	if (errno == EACCES || geteuid())
		ksft_exit_skip("%s: only root may open it\n", GUP_TEST_FILE);
	ksft_exit_skip("%s is not there: mount debugfs; is CONFIG_GUP_TEST set?\n",
		       GUP_TEST_FILE);
}

int main(int argc, char **argv)
{
	int status = gup_check_arguments(argc, argv);

	if (status != KSFT_PASS)
		return status;
	need_gup_test();
	return test_harness_run(argc, argv);
}
