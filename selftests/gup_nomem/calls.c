// SPDX-License-Identifier: GPL-2.0
/* System calls that populate. What has no memory there has its own errno for each. */
#include <errno.h>
#include <unistd.h>
#include <sys/mman.h>
#include "lib_memory.h"
#include "vm_util.h"
#include "nomem.h"

static size_t bytes(const struct trial *t)
{
	return t->nr * psize();
}

/* Of a call that returns 0 when all is there. */
static unsigned int judge_populate(struct trial *t, long result, int nomem)
{
	if (result == -nomem)
		return NOMEM;
	return io_expect("the result", result, 0) &&
	       io_expect("pages that are there", pages_present(t), t->nr) ? ALL : 0;
}

static unsigned int judge_madvise(struct trial *t, long result)
{
	return judge_populate(t, result, ENOMEM);
}

/* EAGAIN is POSIX's for memory that could not be locked, ENOMEM that of the VMAs. */
static unsigned int judge_mlock(struct trial *t, long result)
{
	return result == -ENOMEM ? UNDONE : judge_populate(t, result, EAGAIN);
}

static long populate_write(struct trial *t)
{
	return madvise(t->at, bytes(t), MADV_POPULATE_WRITE) ? -errno : 0;
}

static long populate_read(struct trial *t)
{
	return madvise(t->at, bytes(t), MADV_POPULATE_READ) ? -errno : 0;
}

static long lock(struct trial *t)
{
	return mlock(t->at, bytes(t)) ? -errno : 0;
}

const struct trial populate_write_trial = {
	.name = "MADV_POPULATE_WRITE", MEMORY(make_far), .call = populate_write,
	.judge = judge_madvise, AT_ONCE,
};

const struct trial populate_read_trial = {
	.name = "MADV_POPULATE_READ", MEMORY(make_far), .call = populate_read,
	.judge = judge_madvise, AT_ONCE,
};

const struct trial mlock_trial = {
	.name = "mlock", MEMORY(make_far), .call = lock, .judge = judge_mlock, AT_ONCE,
};

/* The call makes the mapping, too. */
static bool make_room(struct trial *t)
{
	return make_far(t) && (!munmap(t->mem.map, t->mem.len) || io_fails("munmap"));
}

static long map_populate(struct trial *t)
{
	return mmap(t->at, bytes(t), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0) != t->at ?
	       -errno : 0;
}

/* It does not say what is missing. */
static unsigned int judge_map_populate(struct trial *t, long result)
{
	if (result == -ENOMEM)
		return UNDONE;
	if (result)
		return io_expect("the result", result, 0);
	return pages_present(t) == t->nr ? ALL : SHORT;
}

const struct trial map_populate_trial = {
	.name = "MAP_POPULATE", MEMORY(make_room), .call = map_populate,
	.judge = judge_map_populate, .may = SHORT, .must = SHORT,
};

#define FILE_SEED	7

/* What is to be read, without the page cache. */
static int direct_file(void)
{
	static int direct = -1;
	int file;

	if (direct >= 0)
		return direct;
	file = io_new_file();
	if (file < 0 || !io_write_file(file, PAGES * psize(), FILE_SEED, 0))
		return -1;
	direct = io_reopen_direct(file);
	close(file);
	return direct;
}

static bool make_far_and_file(struct trial *t)
{
	return direct_file() >= 0 && make_far(t);
}

static long read_direct(struct trial *t)
{
	long got = pread(direct_file(), t->at, bytes(t), 0);

	return got < 0 ? -errno : got;
}

static unsigned int judge_read(struct trial *t, long result)
{
	if (result == -ENOMEM)
		return NOMEM;
	if (result <= 0 || result % SECTOR)
		return io_expect("the result", result, bytes(t));
	if (!io_check("what was read", t->at, result, FILE_SEED, 0))
		return 0;
	return result < (long)bytes(t) ? SHORT : ALL;
}

static bool check_nothing(struct trial *t)
{
	return true;
}

const struct trial direct_read_trial = {
	.name = "read with O_DIRECT", .make = make_far_and_file, .check = check_nothing,
	.drop = drop_memory, .call = read_direct, .judge = judge_read,
	.may = NOMEM | SHORT, .must = NOMEM,
};
