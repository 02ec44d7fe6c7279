// SPDX-License-Identifier: GPL-2.0
/*
 * gup_test_ioctl - does /sys/kernel/debug/gup_test say so when GUP fails?
 *
 * The ioctls of mm/gup_test, that of upstream with the fixes of the series: wrong
 * calls, each with the errno that it must give; ranges with a hole, which must not be
 * a success; and what is pinned goes away. Before and after each of these, as many
 * pins are released as acquired (/proc/vmstat), and the kernel does not warn (the
 * first time only: then it is tainted).
 *
 * Needs root, debugfs and CONFIG_GUP_TEST. Pins of the rest of the system would be
 * counted, too: run it alone.
 */
#include <mm/gup_test.h>

#define DEVICE	"/sys/kernel/debug/gup_test"
#include "lib_ioctl.h"

/* FOLL_* of the kernel that this is built with. */
#define FOLL_WRITE	0x0001

/* It has no handles: what PIN_LONGTERM_TEST_START pins is counted by its test. */
static long entries_held(int fd)
{
	return 0;
}

static const unsigned long cmds[] = {
	GUP_FAST_BENCHMARK, PIN_FAST_BENCHMARK, PIN_LONGTERM_BENCHMARK,
	GUP_BASIC_TEST, PIN_BASIC_TEST, DUMP_USER_PAGES_TEST,
};

TEST_F(gup, only_root_opens)
{
	expect_only_root_opens(_metadata);
}

TEST_F(gup, bad_pointers)
{
	static const unsigned long start = PIN_LONGTERM_TEST_START;

	bad_pointers(_metadata, self, cmds, ARRAY_SIZE(cmds));
	bad_pointers(_metadata, self, &start, 1);
}

TEST_F(gup, bad_ioctl_numbers)
{
	static const unsigned long none[] = {
		0, _IO('g', 0), _IO('g', 1), _IO('g', 10), _IO('g', 15),
		_IOWR('g', 10, struct gup_test), _IO('f', 8), ~0UL,
	};
	struct gup_test gup = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		bad_call(_metadata, self, "unknown number", none[i], &gup,
			 sizeof(gup), EINVAL);
}

static struct gup_test good_call(const gup_data *self)
{
	return (struct gup_test) {
		.addr = addr_of(self->mem),
		.size = NR * self->psize,
		.nr_pages_per_call = NR,
		.gup_flags = FOLL_WRITE,
	};
}

#define BAD_CALL(want, change) do {					\
	struct gup_test gup = good_call(self);				\
									\
	BAD(cmd, gup, want, change);					\
} while (0)

TEST_F(gup, bad_calls)
{
	unsigned long cmd;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		cmd = cmds[i];
		BAD_CALL(EINVAL, gup.size = 0);
		BAD_CALL(EINVAL, gup.size = 100);
		BAD_CALL(EINVAL, gup.size = self->psize + 1);
		BAD_CALL(EINVAL, gup.addr += 1);
		BAD_CALL(EINVAL, gup.addr = -(__u64)self->psize);
		BAD_CALL(EINVAL, gup.size = -(__u64)self->psize);
		BAD_CALL(EINVAL, gup.nr_pages_per_call = 0);
		BAD_CALL(ENOMEM, (gup.addr = self->psize, gup.size = 1ULL << 45));
	}
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
	return gup_pins_out() - self->pins;
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
	BAD_START(EFAULT, start.addr = -(__u64)self->psize);
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

/* All is there: all is well. A hole is no success, and .size says how far it got. */
TEST_F(gup, hole_is_a_failure)
{
	struct gup_test gup;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		gup = good_call(self);
		gup.nr_pages_per_call = 3;
		EXPECT_EQ(0, ioctl(self->fd, cmds[i], &gup));
		EXPECT_EQ(NR * self->psize, gup.size);
		EXPECT_NOTHING_LEAKED();
	}
	ASSERT_EQ(0, munmap(self->mem + 9 * self->psize, self->psize));
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		gup = good_call(self);
		EXPECT_EQ(-1, ioctl(self->fd, cmds[i], &gup));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(9 * self->psize, gup.size);
		gup = good_call(self);
		gup.addr = NOWHERE;
		EXPECT_EQ(-1, ioctl(self->fd, cmds[i], &gup));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(0, gup.size);
		EXPECT_NOTHING_LEAKED();
	}
}

/* The zero page is not pinned, which is no reason for a splat. */
TEST_F(gup, zero_page)
{
	struct gup_test gup;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
		gup = good_call(self);
		gup.gup_flags = 0;
		EXPECT_EQ(0, ioctl(self->fd, cmds[i], &gup));
		EXPECT_EQ(NR * self->psize, gup.size);
		EXPECT_NOTHING_LEAKED();
	}
}

TEST_F(gup, longterm_test)
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

static bool pin_in_child(const gup_data *self, int fd)
{
	struct pin_longterm_test start = {
		.addr = addr_of(self->mem),
		.size = NR * self->psize,
	};

	return !ioctl(fd, PIN_LONGTERM_TEST_START, &start);
}

/* The process that has pinned is killed. */
TEST_F(gup, kill_releases)
{
	expect_kill_releases(_metadata, self, pin_in_child);
}

static void need_gup_test(void)
{
	int fd = open(DEVICE, O_RDWR);

	if (fd >= 0) {
		close(fd);
		return;
	}
	ksft_print_header();
	ksft_exit_skip("%s: %s: needs root, debugfs and CONFIG_GUP_TEST\n", DEVICE,
		       strerror(errno));
}

int main(int argc, char **argv)
{
	int status = gup_check_arguments(argc, argv);

	if (status != KSFT_PASS)
		return status;
	need_gup_test();
	return test_harness_run(argc, argv);
}
