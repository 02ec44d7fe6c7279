// SPDX-License-Identifier: GPL-2.0
/*
 * Core dumps, for which get_dump_page() looks at each page: what is there is in the core
 * at its place, holes stay holes and cost nothing, and SIGKILL ends a dump.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <linux/elf.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "lib_memory.h"
#include "vm_util.h"
#include "cases.h"

#define CORE_PATTERN	"/proc/sys/kernel/core_pattern"

/* What is dumped lies in the directory of the process: where tests run. */
void core_prepare(void)
{
	gup_keep_knobs(CORE_PATTERN);
	gup_write_knob(CORE_PATTERN, CORE_FILE);
}

/* Private and shared memory, huge pages too. */
static void die(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &all);
	gup_write_knob("/proc/self/coredump_filter", "0x7f");
	signal(SIGABRT, SIG_DFL);
	abort();
}

static pid_t dump(void)
{
	pid_t pid;

	unlink(CORE_FILE);
	pid = fork();
	if (!pid)
		die();
	if (pid < 0)
		io_fails("fork");
	return pid;
}

/* The core of a child that has this process's memory, or -1. */
static int dumped(void)
{
	int status, core;
	pid_t pid = dump();

	if (pid < 0)
		return -1;
	waitpid(pid, &status, 0);
	core = open(CORE_FILE, O_RDONLY | O_CLOEXEC);
	unlink(CORE_FILE);
	if (core < 0)
		io_fails("no core in " CORE_FILE);
	else if (!WIFSIGNALED(status) || !WCOREDUMP(status))
		gup_fails("no core was left: wait status %#x", status);
	else
		return core;
	close(core);
	return -1;
}

/* Where the core has what was at this address, -1 if nowhere. */
static off_t place_of(int core, const char *at)
{
	__u64 addr = (uintptr_t)at;
	struct elf64_hdr e;
	struct elf64_phdr p;
	unsigned int i;

	if (pread(core, &e, sizeof(e), 0) != sizeof(e) || memcmp(e.e_ident, ELFMAG, SELFMAG))
		return -1;
	for (i = 0; i < e.e_phnum; i++)
		if (pread(core, &p, sizeof(p), e.e_phoff + i * sizeof(p)) == sizeof(p) &&
		    p.p_type == PT_LOAD && addr - p.p_vaddr < p.p_filesz)
			return p.p_offset + (addr - p.p_vaddr);
	return -1;
}

static bool expect_byte(const char *what, int core, const char *at, char want)
{
	off_t place = place_of(core, at);
	char got;

	if (place < 0 || pread(core, &got, 1, place) != 1)
		return gup_fails("%s at %p is not in the core", what, at);
	return got == want || gup_fails("%s at %p: %#x in the core, wanted %#x", what, at,
					got & 0xff, want & 0xff);
}

/* It reads as zeroes, and the file has nothing there. */
static bool expect_hole(int core, const char *at, size_t len)
{
	off_t place = place_of(core, at), data;

	if (!expect_byte("a hole", core, at, 0))
		return false;
	data = lseek(core, place, SEEK_DATA);
	return data < 0 || data >= place + (off_t)len ||
	       gup_fails("what was never touched at %p was dumped", at);
}

bool test_core(const struct io_kind *kind)
{
	struct io_mem m;
	off_t place;
	char *seen;
	int core;

	if (!io_make(&m, kind, HUGE))
		return false;
	core = dumped();
	if (core < 0)
		return false;
	seen = malloc(HUGE);
	if (!seen)
		return io_fails("malloc");
	place = place_of(core, m.map);
	if (place < 0)
		return gup_fails("the memory at %p is not in the core", m.map);
	return io_expect("read of the core", pread(core, seen, HUGE, place), HUGE) &&
	       io_check("in the core", seen, HUGE, m.seed, 0);
}

bool test_core_sparse(const struct io_kind *kind)
{
	const unsigned long pages = 64 * MB / psize();
	char *mem = map_small(pages);
	int core;

	if (!mem)
		return false;
	mem[3 * psize()] = 'a';
	mem[(pages - 5) * psize() + 9] = 'z';
	core = dumped();
	return core >= 0 && expect_byte("a page", core, mem + 3 * psize(), 'a') &&
	       expect_byte("a page", core, mem + (pages - 5) * psize() + 9, 'z') &&
	       expect_hole(core, mem + 5 * psize(), (pages - 12) * psize());
}

bool test_core_guard(const struct io_kind *kind)
{
	char *mem = map_small(8);
	unsigned int i;
	int core;

	if (!mem)
		return false;
	memset(mem, 'g', 8 * psize());
	if (madvise(mem + 3 * psize(), psize(), MADV_GUARD_INSTALL))
		return io_fails("MADV_GUARD_INSTALL");
	core = dumped();
	if (core < 0)
		return false;
	for (i = 0; i < 8; i++)
		if (!expect_byte(i == 3 ? "the guard" : "a page", core, mem + i * psize(),
				 i == 3 ? 0 : 'g'))
			return false;
	return true;
}

/* A page that a hole took would be written out. */
bool test_core_hugetlb(const struct io_kind *kind)
{
	char *mem = map_hugetlb(3, 0);
	int core;

	if (!mem)
		return false;
	mem[HUGE + 9] = 'h';
	core = dumped();
	return core >= 0 && expect_byte("a huge page", core, mem + HUGE + 9, 'h') &&
	       expect_hole(core, mem, HUGE) && expect_hole(core, mem + 2 * HUGE, HUGE);
}

/*
 * Terabytes that were never touched, with a page behind them: a dump of all would end
 * after hours. Whoever runs this has a limit of time; here it only has to end.
 */
bool test_core_killed(const struct io_kind *kind)
{
	const unsigned long many = 4UL << 40;
	char *mem = map_small(many / psize());
	struct stat s = { 0 };
	int status;
	pid_t pid;

	if (!mem)
		return false;
	mem[many - 1] = 'z';
	pid = dump();
	if (pid < 0)
		return false;
	while (stat(CORE_FILE, &s) || !s.st_size) {
		if (waitpid(pid, NULL, WNOHANG))
			return gup_fails("the dump did not begin");
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) || WCOREDUMP(status))
		return gup_fails("the dump was over before SIGKILL: wait status %#x", status);
	if (stat(CORE_FILE, &s))
		return io_fails("stat of " CORE_FILE);
	unlink(CORE_FILE);
	return (s.st_size && s.st_size < (off_t)many) ||
	       gup_fails("the dump after SIGKILL: %ld bytes", (long)s.st_size);
}
