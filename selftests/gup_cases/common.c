// SPDX-License-Identifier: GPL-2.0
/* What the subjects share. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <grp.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "vm_util.h"
#include "cases.h"

int rig(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = gup_open();
	return fd;
}

static bool is_remote(unsigned int api)
{
	return api == GUP_RIG_API_GET_REMOTE || api == GUP_RIG_API_PIN_REMOTE;
}

bool call(struct gup_call *c, unsigned int api, __u64 flags, const void *mem,
	  unsigned long nr)
{
	static pid_t opened_by;
	static int self;

	if (opened_by != getpid()) {
		opened_by = getpid();
		self = syscall(SYS_pidfd_open, opened_by, 0);
	}
	gup_call_init_bare(c, rig(), api, flags, mem, nr);
	if (is_remote(api))
		c->run.fd = self;
	return gup_run(c);
}

bool expect_call(unsigned int api, __u64 flags, const void *mem, unsigned long nr, long want)
{
	struct gup_call c;

	return call(&c, api, flags, mem, nr) && gup_expect_result(&c, want);
}

bool expect_all(__u64 flags, const void *mem, unsigned long nr, long want)
{
	static const unsigned int all[] = {
		GUP_RIG_API_GET, GUP_RIG_API_GET_UNLOCKED, GUP_RIG_API_GET_REMOTE,
		GUP_RIG_API_GET_FAST, GUP_RIG_API_PIN, GUP_RIG_API_PIN_UNLOCKED,
		GUP_RIG_API_PIN_REMOTE, GUP_RIG_API_PIN_FAST,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (!expect_call(all[i], flags, mem, nr, want))
			return false;
	return true;
}

long number_in(const char *file, const char *word)
{
	FILE *f = fopen(file, "re");
	char line[256], *end;
	long number = -1;

	if (!f)
		return -1;
	while (number < 0 && fgets(line, sizeof(line), f)) {
		end = line + strlen(word);
		if (!strncmp(line, word, strlen(word)) && strchr(" :\t", *end))
			sscanf(end, "%*[ :\t]%ld", &number);
	}
	fclose(f);
	return number;
}

char *map_small(unsigned long pages)
{
	char *mem = mmap(NULL, pages * psize(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED) {
		io_fails("mmap");
		return NULL;
	}
	madvise(mem, pages * psize(), MADV_NOHUGEPAGE);
	return mem;
}

char *try_hugetlb(unsigned long pages, int flags)
{
	char *mem = mmap(NULL, pages * HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB | flags, -1, 0);

	return mem != MAP_FAILED ? mem : NULL;
}

char *map_hugetlb(unsigned long pages, int flags)
{
	char *mem = try_hugetlb(pages, flags);

	if (!mem)
		io_skip("no huge pages of 2 MB");
	return mem;
}

bool become_user(unsigned long lockable)
{
	struct rlimit limit = { lockable * psize(), lockable * psize() };

	/* A process that changed its user is not dumpable, which closes /proc/self. */
	return (!setrlimit(RLIMIT_MEMLOCK, &limit) && !setgroups(0, NULL) &&
		!setgid(CASE_UID) && !setuid(CASE_UID) && !prctl(PR_SET_DUMPABLE, 1)) ||
	       io_fails("become a user");
}
