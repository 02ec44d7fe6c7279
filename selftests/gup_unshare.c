// SPDX-License-Identifier: GPL-2.0
/*
 * Long-term pins for reading of huge pages: that they return, and that a private
 * mapping and the pin then share one page, which is not the file's.
 *
 * GUP has to unshare what such a pin finds in a private mapping of a file. Without
 * "mm: fix endless R/O long-term pinning of huge pages of files" it asks for ever when
 * the file is mapped by a PMD. So each case runs in a child, which is killed when it
 * has had CPU_SECONDS on a CPU for what takes milliseconds.
 *
 * Needs /sys/kernel/debug/gup_test, which is root's, and PMD-sized folios of tmpfs and
 * of the file system at $TMPDIR or /tmp.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mm/gup_test.h"
#include "kselftest.h"
#include "lib_gup.h"
#include "lib_memory.h"
#include "lib_options.h"
#include "vm_util.h"

#define DEVICE		"/sys/kernel/debug/gup_test"
#define CPU_SECONDS	15
#define FILE_BYTE	'f'
#define STORED		's'

enum backing { TMPFS, DISK, ZERO };

static const struct shape {
	const char *name;
	enum backing backing;
	int flags;			/* of mmap() */
} shapes[] = {
	{ "private tmpfs", TMPFS, MAP_PRIVATE },
	{ "private file on a disk", DISK, MAP_PRIVATE },
	{ "shared tmpfs", TMPFS, MAP_SHARED },
	{ "huge zero page", ZERO, MAP_PRIVATE | MAP_ANONYMOUS },
};

static const struct pinned {
	const char *name;
	bool all;
} parts[] = { { "one page", false }, { "all of it", true } };

static const struct caller {
	const char *name;
	unsigned int flags;		/* of PIN_LONGTERM_TEST_START */
} callers[] = { { "slow", 0 }, { "fast", PIN_LONGTERM_TEST_FLAG_USE_FAST } };

static size_t page, huge;

static bool fill(int file)
{
	char *buf = malloc(huge);
	bool done;

	if (!buf)
		return false;
	memset(buf, FILE_BYTE, huge);
	done = pwrite(file, buf, huge, 0) == (ssize_t)huge && !fsync(file) &&
	       !posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	free(buf);
	return done;
}

static int new_file(const struct shape *s)
{
	int file;

	if (s->backing == ZERO)
		return -1;
	if (s->backing == TMPFS)
		file = gup_new_tmpfs_file("always");
	else
		file = open(getenv("TMPDIR") ?: "/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (file < 0 || !fill(file)) {
		ksft_print_msg("no file: %s\n", strerror(errno));
		exit(KSFT_FAIL);
	}
	return file;
}

static bool is_mapped_huge(const struct shape *s, char *mem)
{
	switch (s->backing) {
	case TMPFS:
		return check_huge_shmem(mem, huge, 1, huge);
	case DISK:
		return check_huge_file(mem, huge, 1, huge);
	default:
		/* In no counter, but in one piece: one touch makes all of it present. */
		return gup_pagemap(mem + huge - page) & GUP_PM_PRESENT;
	}
}

/* A PMD-sized page at a PMD boundary, touched for reading. */
static char *map_huge(const struct shape *s, int file)
{
	char *mem = gup_mmap_aligned(huge, PROT_READ | PROT_WRITE, s->flags, file);

	if (mem == MAP_FAILED)
		return NULL;
	if (madvise(mem, huge, MADV_HUGEPAGE))
		return NULL;
	FORCE_READ(*mem);
	return mem;
}

/* All of it holds @want but for the byte at @stored, of which STORED is expected. */
static bool holds(const char *what, const char *buf, size_t size, char want, size_t stored)
{
	size_t i;

	for (i = 0; i < size; i++) {
		const char byte = i == stored ? STORED : want;

		if (buf[i] == byte)
			continue;
		ksft_print_msg("%s: wanted 0x%02x at %zu, got 0x%02x\n", what, byte, i, buf[i]);
		return false;
	}
	return true;
}

/* Pin, store one byte through the mapping, look at it through the pin and in the file. */
static int pin_and_look(const struct shape *s, const struct pinned *part,
			const struct caller *caller)
{
	const size_t first = part->all ? 0 : huge / 2 + 3 * page;
	const size_t size = part->all ? huge : page, at = size / 2 + 1;
	const char was = s->backing == ZERO ? 0 : FILE_BYTE;
	int file = new_file(s), device = open(DEVICE, O_RDWR | O_CLOEXEC);
	char *mem = map_huge(s, file), *seen = malloc(size), byte;
	struct pin_longterm_test pin = { .size = size, .flags = caller->flags };
	__u64 to = (uintptr_t)seen;

	if (device < 0 || !mem || !seen) {
		ksft_print_msg("nothing to pin: %s\n", strerror(errno));
		return KSFT_FAIL;
	}
	if (!is_mapped_huge(s, mem)) {
		ksft_print_msg("not mapped by a PMD\n");
		return KSFT_FAIL;
	}
	pin.addr = (uintptr_t)mem + first;
	if (ioctl(device, PIN_LONGTERM_TEST_START, &pin)) {
		ksft_print_msg("PIN_LONGTERM_TEST_START: %s\n", strerror(errno));
		return KSFT_FAIL;
	}
	mem[first + at] = STORED;
	if (ioctl(device, PIN_LONGTERM_TEST_READ, &to)) {
		ksft_print_msg("PIN_LONGTERM_TEST_READ: %s\n", strerror(errno));
		return KSFT_FAIL;
	}
	if (!holds("through the pin", seen, size, was, at))
		return KSFT_FAIL;
	if (!holds("through the mapping", mem, huge, was, first + at))
		return KSFT_FAIL;
	if (file < 0)
		return KSFT_PASS;
	if (pread(file, &byte, 1, first + at) != 1 ||
	    byte != (s->flags & MAP_SHARED ? STORED : FILE_BYTE)) {
		ksft_print_msg("in the file: got 0x%02x\n", byte);
		return KSFT_FAIL;
	}
	return KSFT_PASS;
}

/* Stuck in the kernel, a child still dies of SIGKILL. */
static int in_time(const struct shape *s, const struct pinned *part,
		   const struct caller *caller)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child)
		exit(pin_and_look(s, part, caller));
	if (child < 0)
		ksft_exit_fail_perror("fork");
	if (!gup_wait(child, CPU_SECONDS, &status)) {
		ksft_print_msg("still pinning after %d s on a CPU\n", CPU_SECONDS);
		return KSFT_FAIL;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : KSFT_FAIL;
}

static const struct gup_option options[] = { { 0 } };

static const struct gup_usage usage = { "gup_unshare", NULL, options };

int main(int argc, char **argv)
{
	const struct shape *s;
	const struct pinned *p;
	const struct caller *c;

	gup_parse_options(&usage, argc, argv);
	page = sysconf(_SC_PAGESIZE);
	huge = read_pmd_pagesize();
	ksft_print_header();
	if (!huge)
		ksft_exit_skip("no huge pages\n");
	if (access(DEVICE, R_OK | W_OK))
		ksft_exit_skip("%s: %s\n", DEVICE, strerror(errno));
	ksft_set_plan(ARRAY_SIZE(shapes) * ARRAY_SIZE(parts) * ARRAY_SIZE(callers));

	for (s = shapes; s < shapes + ARRAY_SIZE(shapes); s++)
		for (p = parts; p < parts + ARRAY_SIZE(parts); p++)
			for (c = callers; c < callers + ARRAY_SIZE(callers); c++)
				ksft_test_result_report(in_time(s, p, c), "%s, %s, %s\n",
							s->name, p->name, c->name);
	ksft_finished();
}
