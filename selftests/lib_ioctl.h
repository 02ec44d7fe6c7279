/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs share that try the ioctls of a device: memory of ours, and before
 * and after each call as many pins released as acquired, and no new splat. They define
 * DEVICE, the file, before they include this, and entries_held().
 */
#ifndef LIB_IOCTL_H
#define LIB_IOCTL_H

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib_gup_harness.h"

#define NR		16		/* pages of the fixture's memory */
#define NOWHERE		((__u64)0x10000)	/* nothing is ever mapped here */

static inline __u64 addr_of(const void *p)
{
	return (uintptr_t)p;
}

/* Entries that the open file holds by handles; each device has its own way to tell. */
static long entries_held(int fd);

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
	self->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
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
	self->pins = gup_pins_out();
	ASSERT_NE(LONG_MIN, self->pins);
	self->splats = gup_splats();
	ASSERT_NE(-1, self->splats);
}

FIXTURE_TEARDOWN(gup)
{
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(self->pins, gup_pins_out());
	EXPECT_EQ(self->splats, gup_splats());
	if (self->bad_calls)
		TH_LOG("%u bad calls", self->bad_calls);
}

#define gup_data FIXTURE_DATA(gup)

/* Nothing gained, nothing lost. */
#define EXPECT_NOTHING_LEAKED() do {					\
	EXPECT_EQ(self->pins + self->held - self->got, gup_pins_out());	\
	EXPECT_EQ(self->held, entries_held(self->fd));			\
} while (0)

/* One wrong call: its errno, the struct as it was, and nothing leaked. */
static inline void bad_call(struct __test_metadata *_metadata, gup_data *self,
			    const char *what, unsigned long cmd, void *arg,
			    size_t size, int want)
{
	char before[256];
	int ret;

	ASSERT_LE(size, sizeof(before));
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

/* A wrong pointer instead of a struct. */
static inline void bad_pointer(struct __test_metadata *_metadata, gup_data *self,
			       unsigned long cmd, void *arg)
{
	EXPECT_EQ(-1, ioctl(self->fd, cmd, arg))
		TH_LOG("accepted: ioctl %#lx at %p", cmd, arg);
	EXPECT_EQ(EFAULT, errno)
		TH_LOG("wrong errno: ioctl %#lx at %p", cmd, arg);
	EXPECT_NOTHING_LEAKED();
	self->bad_calls++;
}

static inline void bad_pointers(struct __test_metadata *_metadata, gup_data *self,
				const unsigned long *cmds, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		bad_pointer(_metadata, self, cmds[i], NULL);
		bad_pointer(_metadata, self, cmds[i], (void *)NOWHERE);
		bad_pointer(_metadata, self, cmds[i], (void *)-8L);
	}
}

/* An ordinary user gets EACCES. */
static inline void expect_only_root_opens(struct __test_metadata *_metadata)
{
	pid_t pid = fork();
	int status;

	ASSERT_LE(0, pid);
	if (!pid) {
		if (setgid(1000) || setuid(1000))
			_exit(99);
		_exit(open(DEVICE, O_RDWR) < 0 ? errno : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EACCES, WEXITSTATUS(status));
}

/* What a process has pinned goes when it is killed. @pin: all NR pages, in that process. */
static inline void expect_kill_releases(struct __test_metadata *_metadata, gup_data *self,
					bool (*pin)(const gup_data *self, int fd))
{
	int ready[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (!pin(self, open(DEVICE, O_RDWR)) || write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(2);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_EQ(self->pins + NR, gup_pins_out());
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(self->pins, gup_pins_out());
}

#endif /* LIB_IOCTL_H */
