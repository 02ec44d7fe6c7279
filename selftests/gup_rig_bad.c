// SPDX-License-Identifier: GPL-2.0
/*
 * gup_rig_bad - wrong calls of /sys/kernel/debug/gup_rig
 *
 * Each has the errno that it must give, leaves the struct as it was and what is held
 * alone, and pins nothing. What the other programs say of GUP rests on that.
 *
 * Needs root, debugfs and the rig's driver. Pins of the rest of the system would be
 * counted, too: run it alone.
 */
#include <sys/syscall.h>
#include "lib_rig_ioctl.h"

#define BAD_RUN(want, change) do {					\
	struct gup_rig_run run = good_run(self);			\
									\
	BAD(GUP_RIG_RUN, run, want, change);				\
} while (0)

/* Flags that the API does not take. */
#define BAD_FLAGS(_api, _flags)						\
	BAD_RUN(EINVAL, (run.api = (_api), run.gup_flags = (_flags)))

#define BAD_HOLD(want, op, change) do {					\
	struct gup_rig_hold hold = good_hold(op, handle, buf);		\
									\
	BAD(GUP_RIG_HOLD, hold, want, change);				\
} while (0)

/* A struct that can be read but not written. */
static void *read_only(struct __test_metadata *_metadata, gup_data *self,
		       const void *from, size_t size)
{
	ASSERT_EQ(0, mprotect(self->ro_page, self->psize, PROT_READ | PROT_WRITE));
	memcpy(self->ro_page, from, size);
	ASSERT_EQ(0, mprotect(self->ro_page, self->psize, PROT_READ));
	return self->ro_page;
}

TEST_F(gup, only_root_opens)
{
	expect_only_root_opens(_metadata);
}

TEST_F(gup, bad_pointers)
{
	static const unsigned long cmds[] = { GUP_RIG_RUN, GUP_RIG_HOLD, GUP_RIG_HELD };

	bad_pointers(_metadata, self, cmds, ARRAY_SIZE(cmds));
}

/* Also those of structs of another size, and those of gup_test. */
TEST_F(gup, bad_ioctl_numbers)
{
	static const unsigned long cmds[] = {
		0, _IO('G', 0), _IO('G', 1), _IO('G', 4), _IOR('G', 1, struct gup_rig_run),
		_IOWR('G', 1, struct gup_rig_hold), _IOWR('G', 4, struct gup_rig_run),
		_IOWR('g', 1, struct gup_rig_run), _IO('g', 8), ~0UL,
	};
	struct gup_rig_run run = good_run(self);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		bad_call(_metadata, self, "unknown number", cmds[i], &run,
			 sizeof(run), ENOTTY);
}

TEST_F(gup, bad_run_fields)
{
	BAD_RUN(EINVAL, run.api = 0);
	BAD_RUN(EINVAL, run.api = 64);
	BAD_RUN(EINVAL, run.api = UINT32_MAX);
	BAD_RUN(EINVAL, run.gup_flags |= 1 << 12);
	BAD_RUN(EINVAL, run.gup_flags |= 1U << 31);
	BAD_RUN(EINVAL, run.flags = 1 << 4);
	BAD_RUN(EINVAL, run.flags = 1U << 31);
	BAD_RUN(EINVAL, run.repeat = 0);
	BAD_RUN(EINVAL, run.fd = 1);
	BAD_RUN(EINVAL, run.fd = -1);
	BAD_RUN(EINVAL, run.put = 5);
	BAD_RUN(EINVAL, run.put = 32);
	BAD_RUN(EINVAL, run.put = UINT32_MAX);
}

TEST_F(gup, bad_run_ranges)
{
	BAD_RUN(EINVAL, run.addr += 1);
	BAD_RUN(EINVAL, run.addr += self->psize / 2);
	BAD_RUN(EINVAL, run.nr_pages = 0);
	BAD_RUN(EOVERFLOW, run.nr_pages = GUP_RIG_MAX_PAGES + 1);
	BAD_RUN(EOVERFLOW, run.nr_pages = 1ULL << 32);
	BAD_RUN(EOVERFLOW, run.nr_pages = 1ULL << 52);
	BAD_RUN(EOVERFLOW, run.nr_pages = UINT64_MAX);
	BAD_RUN(EOVERFLOW, run.addr = -(__u64)self->psize);
	BAD_RUN(EOVERFLOW, run.addr = -(__u64)(NR * self->psize));
	BAD_RUN(EINVAL, (run.api = GUP_RIG_API_FAULT, run.pages_per_call = 2));
}

/* What GUP would warn about has to be refused before. */
TEST_F(gup, bad_run_flags)
{
	BAD_FLAGS(GUP_RIG_API_GET, GUP_RIG_FOLL_LONGTERM);
	BAD_FLAGS(GUP_RIG_API_GET_REMOTE, GUP_RIG_FOLL_LONGTERM);
	BAD_RUN(EINVAL, run.gup_flags = GUP_RIG_FOLL_LONGTERM |
			GUP_RIG_FOLL_PCI_P2PDMA);
	BAD_FLAGS(GUP_RIG_API_PIN, GUP_RIG_FOLL_LONGTERM | GUP_RIG_FOLL_PCI_P2PDMA);
	BAD_RUN(EINVAL, run.gup_flags = GUP_RIG_FOLL_DUMP);
	BAD_RUN(EINVAL, run.gup_flags = GUP_RIG_FOLL_NOWAIT);
	BAD_RUN(EINVAL, run.gup_flags = GUP_RIG_FOLL_SPLIT_PMD);
	BAD_RUN(EINVAL, run.gup_flags = GUP_RIG_FOLL_INTERRUPTIBLE);
	BAD_FLAGS(GUP_RIG_API_GET_FAST_ONLY, GUP_RIG_FOLL_HWPOISON);
	BAD_FLAGS(GUP_RIG_API_FAULT, GUP_RIG_FOLL_FORCE);
	BAD_FLAGS(GUP_RIG_API_MEMFD, GUP_RIG_FOLL_LONGTERM);
	BAD_RUN(EINVAL, run.flags = GUP_RIG_RUN_LOCKED);
	BAD_RUN(EINVAL, run.flags = GUP_RIG_RUN_IRQS_OFF);
	BAD_RUN(EINVAL, (run.api = GUP_RIG_API_POPULATE,
			 run.flags = GUP_RIG_RUN_HOLD));
	BAD_RUN(EINVAL, (run.api = GUP_RIG_API_FAULT,
			 run.flags = GUP_RIG_RUN_HOLD));
}

TEST_F(gup, bad_run_puts)
{
	BAD_RUN(EINVAL, (run.api = GUP_RIG_API_GET, run.put = GUP_RIG_PUT_ONE));
	BAD_RUN(EINVAL, (run.api = GUP_RIG_API_GET_FAST,
			 run.put = GUP_RIG_PUT_RANGE));
	BAD_RUN(EINVAL, (run.gup_flags = 0, run.put = GUP_RIG_PUT_DIRTY));
	BAD_RUN(EINVAL, (run.gup_flags = 0, run.put = GUP_RIG_PUT_RANGE_DIRTY));
	BAD_RUN(EINVAL, (run.api = GUP_RIG_API_MEMFD,
			 run.put = GUP_RIG_PUT_DIRTY));
	BAD_RUN(EINVAL, (run.api = GUP_RIG_API_POPULATE,
			 run.put = GUP_RIG_PUT_ONE));
}

TEST_F(gup, bad_run_records)
{
	struct gup_rig_record recs[NR];

	BAD_RUN(EINVAL, run.records = addr_of(recs));
	BAD_RUN(EINVAL, run.nr_records = NR);
	BAD_RUN(EINVAL, (RECORDS_AT(addr_of(recs)), run.nr_records = 0));
	BAD_RUN(EINVAL, (RECORDS_AT(addr_of(recs)),
			 run.api = GUP_RIG_API_POPULATE));
	BAD_RUN(EFAULT, RECORDS_AT(NOWHERE));
	BAD_RUN(EFAULT, RECORDS_AT(-8ULL));
	BAD_RUN(EFAULT, RECORDS_AT(1ULL << 63));
	BAD_RUN(EFAULT, (RECORDS_AT(NOWHERE), run.flags = GUP_RIG_RUN_HOLD));
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
	int memfd = memfd_create("gup_rig", 0), ro_memfd, wo_memfd, dead;
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

	BAD_RUN(EBADF, (run.api = GUP_RIG_API_GET_REMOTE, run.fd = -1));
	BAD_RUN(EBADF, (run.api = GUP_RIG_API_PIN_REMOTE, run.fd = 999));
	BAD_RUN(EBADF, (run.api = GUP_RIG_API_PIN_REMOTE, run.fd = memfd));
	BAD_RUN(ESRCH, (run.api = GUP_RIG_API_GET_REMOTE, run.fd = dead));
	BAD_RUN(EBADF, (run.api = GUP_RIG_API_MEMFD, run.addr = 0, run.fd = -1));
	BAD_RUN(EBADF, (run.api = GUP_RIG_API_MEMFD, run.addr = 0, run.fd = 999));
	BAD_RUN(EBADF, (run.api = GUP_RIG_API_MEMFD, run.addr = 0,
			run.fd = ro_memfd));
	BAD_RUN(EBADF, (run.api = GUP_RIG_API_MEMFD, run.addr = 0,
			run.fd = wo_memfd));
	BAD_RUN(EBADF, (run.api = GUP_RIG_API_MEMFD, run.addr = 0,
			run.fd = wo_memfd, run.gup_flags = 0));
	BAD_RUN(EOVERFLOW, (run.api = GUP_RIG_API_MEMFD, run.fd = memfd,
			    run.addr = 1ULL << 63));
	BAD_RUN(EOVERFLOW, (run.api = GUP_RIG_API_MEMFD, run.fd = memfd,
			    run.addr = INT64_MAX & -(__u64)self->psize));
}

/* What may not be written to is not pinned to be written to, but to be read. */
TEST_F(gup, bad_run_sealed)
{
	static const int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE };
	struct gup_rig_run good;
	size_t i;
	int memfd;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		memfd = memfd_create("gup_rig", MFD_ALLOW_SEALING);
		ASSERT_LE(0, memfd);
		ASSERT_EQ(0, ftruncate(memfd, NR * self->psize));
		good = good_run(self);
		good.api = GUP_RIG_API_MEMFD;
		good.fd = memfd;
		good.addr = 0;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &good));
		EXPECT_EQ(NR, good.pages_done);
		ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, seals[i]));
		BAD_RUN(EPERM, (run.api = GUP_RIG_API_MEMFD, run.addr = 0,
				run.fd = memfd));
		good.gup_flags = 0;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &good));
		EXPECT_EQ(0, good.error);
		EXPECT_EQ(NR, good.pages_done);
		EXPECT_NOTHING_LEAKED();
		close(memfd);
	}
}

/* A struct that cannot be written: what was got, or even held, is given back. */
TEST_F(gup, bad_run_result)
{
	struct gup_rig_run run = good_run(self);

	run.flags = GUP_RIG_RUN_HOLD;
	bad_pointer(_metadata, self, GUP_RIG_RUN,
		    read_only(_metadata, self, &run, sizeof(run)));
	run.flags = 0;
	bad_pointer(_metadata, self, GUP_RIG_RUN,
		    read_only(_metadata, self, &run, sizeof(run)));
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	EXPECT_EQ(NR, run.pages_done);
}

TEST_F(gup, bad_hold_fields)
{
	__u32 handle = hold_all(_metadata, self, GUP_RIG_API_PIN_FAST,
				   GUP_RIG_FOLL_WRITE);
	char *buf = malloc(NR * self->psize);

	BAD_HOLD(EINVAL, 0, hold.len = 1);
	BAD_HOLD(EINVAL, 5, hold.len = 1);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_READ, (hold.len = 1, hold.nr = 1));
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_READ, (hold.len = 1, hold.put = 1));
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_READ, hold.len = 0);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_WRITE, hold.len = 0);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RECORD, hold.offset = 1);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RECORD, hold.len = 1);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RECORD, hold.put = 1);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, hold.nr = 1);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, (hold.buf = 0, hold.offset = 1));
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, (hold.buf = 0, hold.put = 5));
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, (hold.buf = 0, hold.put = UINT32_MAX));
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, (hold.buf = 0, hold.put = 1ULL << 32));
	BAD_HOLD(ENOENT, GUP_RIG_HOLD_READ, (hold.len = 1, hold.handle = 0));
	BAD_HOLD(ENOENT, GUP_RIG_HOLD_READ, (hold.len = 1, hold.handle++));
	BAD_HOLD(ENOENT, GUP_RIG_HOLD_RECORD, hold.handle = UINT32_MAX);
	BAD_HOLD(ENOENT, GUP_RIG_HOLD_RELEASE, (hold.buf = 0, hold.handle = 77));
	free(buf);
}

TEST_F(gup, bad_hold_ranges)
{
	__u32 handle = hold_all(_metadata, self, GUP_RIG_API_PIN_FAST,
				   GUP_RIG_FOLL_WRITE);
	size_t all = NR * self->psize;
	char *buf = malloc(all + 1);

	BAD_HOLD(ERANGE, GUP_RIG_HOLD_READ, (hold.len = 1, hold.first = NR));
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_READ, (hold.len = 1, hold.first = UINT64_MAX));
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_READ, (hold.len = 1, hold.offset = self->psize));
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_READ, (hold.len = 1, hold.offset = UINT64_MAX));
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_READ, hold.len = all + 1);
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_READ, (hold.len = all, hold.offset = 1));
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_WRITE, hold.len = UINT64_MAX);
	BAD_HOLD(EFAULT, GUP_RIG_HOLD_READ, (hold.len = 1, hold.buf = NOWHERE));
	BAD_HOLD(EFAULT, GUP_RIG_HOLD_READ, (hold.len = all, hold.buf = -1ULL));
	BAD_HOLD(EFAULT, GUP_RIG_HOLD_WRITE, (hold.len = all, hold.buf = NOWHERE));
	BAD_HOLD(EFAULT, GUP_RIG_HOLD_WRITE, (hold.len = 1, hold.buf = 0));
	BAD_HOLD(EFAULT, GUP_RIG_HOLD_RECORD, hold.buf = 0);
	BAD_HOLD(EFAULT, GUP_RIG_HOLD_RECORD, hold.buf = -8ULL);
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_RECORD, hold.first = NR);
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_RECORD, hold.nr = NR + 1);
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_RECORD, (hold.nr = UINT64_MAX, hold.first = 1));
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_RELEASE, (hold.buf = 0, hold.first = NR));
	BAD_HOLD(ERANGE, GUP_RIG_HOLD_RELEASE, (hold.buf = 0, hold.nr = NR + 1));

	ASSERT_EQ(2, release(self, handle, GUP_RIG_PUT_DEFAULT, 7, 2));
	BAD_HOLD(ENODATA, GUP_RIG_HOLD_READ, (hold.len = 1, hold.first = 7));
	BAD_HOLD(ENODATA, GUP_RIG_HOLD_READ, hold.len = all);
	BAD_HOLD(ENODATA, GUP_RIG_HOLD_WRITE, hold.len = 7 * self->psize + 1);
	ASSERT_EQ(NR - 2, release(self, handle, GUP_RIG_PUT_DEFAULT, 0, 0));
	BAD_HOLD(ENOENT, GUP_RIG_HOLD_READ, hold.len = 1);
	BAD_HOLD(ENOENT, GUP_RIG_HOLD_RELEASE, hold.buf = 0);
	free(buf);
}

/* What was pinned to be read is not for writing. */
TEST_F(gup, bad_hold_read_only)
{
	__u32 handle = hold_all(_metadata, self, GUP_RIG_API_PIN, 0);
	char *buf = malloc(self->psize);

	memset(buf, 7, self->psize);
	BAD_HOLD(EACCES, GUP_RIG_HOLD_WRITE, hold.len = 1);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE,
		 (hold.buf = 0, hold.put = GUP_RIG_PUT_DIRTY));
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE,
		 (hold.buf = 0, hold.put = GUP_RIG_PUT_RANGE_DIRTY));
	EXPECT_EQ(1, self->mem[0]);
	free(buf);
}

/* What was asked for is done, although the caller is not told how much. */
TEST_F(gup, bad_hold_result)
{
	__u32 handle = hold_all(_metadata, self, GUP_RIG_API_PIN_FAST,
				GUP_RIG_FOLL_WRITE);
	struct gup_rig_hold hold;
	char byte = 0;

	hold = good_hold(GUP_RIG_HOLD_READ, handle, &byte);
	hold.len = 1;
	bad_pointer(_metadata, self, GUP_RIG_HOLD,
		    read_only(_metadata, self, &hold, sizeof(hold)));
	EXPECT_EQ(self->mem[0], byte);

	hold = good_hold(GUP_RIG_HOLD_RELEASE, handle, NULL);
	hold.nr = 3;
	self->held -= 3;
	bad_pointer(_metadata, self, GUP_RIG_HOLD,
		    read_only(_metadata, self, &hold, sizeof(hold)));
}

/* Plain references have one way to be released; a release has nothing to copy. */
TEST_F(gup, bad_hold_releases)
{
	__u32 handle;
	char *buf = NULL;

	self->got = NR;
	handle = hold_all(_metadata, self, GUP_RIG_API_GET, GUP_RIG_FOLL_WRITE);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, hold.put = GUP_RIG_PUT_ONE);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, hold.put = GUP_RIG_PUT_DIRTY);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, hold.put = GUP_RIG_PUT_RANGE);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, hold.put = 32);
	BAD_HOLD(EINVAL, GUP_RIG_HOLD_RELEASE, hold.len = 1);
	EXPECT_EQ(NR, release(self, handle, 0, 0, 0));
	self->got = 0;
	EXPECT_NOTHING_LEAKED();
}

int main(int argc, char **argv)
{
	return gup_run_harness(argc, argv);
}
