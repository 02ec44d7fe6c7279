// SPDX-License-Identifier: GPL-2.0
/*
 * A file of shmem is cut in the midst of a huge page that truncation cannot split there and
 * then: because it is swapped out, or because a fault adds it meanwhile and someone has a
 * reference to it. The call has to end, clear what it cuts off, and leave the rest.
 *
 * Without the topic shmem it does not end, and the child that calls it cannot be killed. So
 * the matrix has no base side for it: the guest would have one CPU less for all behind it.
 *
 * Needs root for the setting of huge pages, and swap. gup_truncate in KUnit has the fault at
 * the right moment, here it comes by chance.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "lib_gup.h"
#include "lib_memory.h"
#include "lib_options.h"
#include "lib_random.h"
#include "vm_util.h"

#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define FILE_BYTE	'f'
#define CUTS		2000UL
#define HOLDERS		2
/* Without so many pages held nothing was tested; it is some hundred. */
#define HELD		10UL
/* What a child may have of a CPU, and how long it may take to die, in seconds. */
#define CPU_SECONDS	60
#define DEATH_SECONDS	5

static size_t page, huge;
static char *mem;
static int file;
static atomic_ulong cuts, held;

static bool map_file(void)
{
	file = gup_new_tmpfs_file("advise");
	if (file < 0 || ftruncate(file, huge))
		return gup_fails("no file: %s", strerror(errno));
	mem = gup_mmap_aligned(huge, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	if (mem == MAP_FAILED)
		return gup_fails("mmap: %s", strerror(errno));
	if (madvise(mem, huge, MADV_HUGEPAGE))
		return gup_fails("MADV_HUGEPAGE: %s", strerror(errno));
	return true;
}

/* All of it reads as it should when the file has grown again. */
static bool expect_cut(size_t end)
{
	size_t at;

	if (ftruncate(file, huge))
		return gup_fails("ftruncate: %s", strerror(errno));
	for (at = 0; at < huge; at += page)
		if (mem[at] != (at < end ? FILE_BYTE : 0))
			return gup_fails("cut at %zu: 0x%02x at %zu", end, mem[at], at);
	return true;
}

/* How many huge pages have been swapped out in one piece. */
static long swapped_out(void)
{
	char path[100];

	snprintf(path, sizeof(path), THP "hugepages-%zukB/stats/swpout", huge / 1024);
	return gup_read_number(path);
}

/* A new huge page, and all of it to the swap. */
static bool swap_out(void)
{
	long before = swapped_out();

	if (ftruncate(file, 0) || ftruncate(file, huge))
		return gup_fails("ftruncate: %s", strerror(errno));
	memset(mem, FILE_BYTE, huge);
	if (madvise(mem, huge, MADV_PAGEOUT))
		return gup_fails("MADV_PAGEOUT: %s", strerror(errno));
	if (before < 0 || swapped_out() != before + 1)
		return gup_fails("no huge page was swapped out");
	return true;
}

static bool cut_swapped(void)
{
	static const unsigned int ends[] = { 1, 7, 64, 256, 300, 511 };
	size_t i, end;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		end = ends[i] * (huge / 512);
		if (!swap_out())
			return false;
		if (ftruncate(file, end))
			return gup_fails("ftruncate: %s", strerror(errno));
		if (!expect_cut(end))
			return false;
	}
	return true;
}

static char *any_page(struct gup_random *random)
{
	return mem + gup_below(random, huge / page) * page;
}

/* A page in a pipe has a reference. It is dirty, and held until the file has been cut. */
static void *hold_pages(void *random)
{
	unsigned long before;
	int ends[2];
	char byte;

	if (pipe(ends))
		return NULL;
	while (atomic_load(&cuts) < CUTS) {
		struct iovec at = { any_page(random), 1 };

		before = atomic_load(&cuts);
		if (!gup_store(at.iov_base, 1) || vmsplice(ends[1], &at, 1, 0) != 1)
			continue;
		atomic_fetch_add(&held, 1);
		while (atomic_load(&cuts) == before)
			usleep(100);
		if (read(ends[0], &byte, 1) != 1)
			break;
	}
	return NULL;
}

static bool cut_held(void)
{
	struct gup_random randoms[HOLDERS + 1];
	pthread_t threads[HOLDERS];
	unsigned int i;

	gup_catch_refusals();
	for (i = 0; i <= HOLDERS; i++)
		gup_seed(&randoms[i], i + 1, 1);
	for (i = 0; i < HOLDERS; i++)
		if (pthread_create(&threads[i], NULL, hold_pages, &randoms[i]))
			return gup_fails("pthread_create");
	for (; atomic_load(&cuts) < CUTS; atomic_fetch_add(&cuts, 1))
		if (ftruncate(file, any_page(&randoms[HOLDERS]) - mem) || ftruncate(file, huge))
			return gup_fails("ftruncate: %s", strerror(errno));
	for (i = 0; i < HOLDERS; i++)
		pthread_join(threads[i], NULL);
	if (atomic_load(&held) < HELD)
		return gup_fails("only %lu pages were held", atomic_load(&held));
	return true;
}

static bool dies(struct pollfd *child)
{
	return poll(child, 1, DEATH_SECONDS * 1000) == 1;
}

/* A child that cannot be killed is left to itself. */
static int wait_for(pid_t pid)
{
	struct pollfd child = { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int status = 0;

	while (!poll(&child, 1, 1000)) {
		if (gup_cpu_time(pid) < CPU_SECONDS * 1000000000ULL)
			continue;
		kill(pid, SIGKILL);
		ksft_print_msg("still cutting after %d s on a CPU; SIGKILL %s\n", CPU_SECONDS,
			       dies(&child) ? "ends it" : "does not end it");
		return KSFT_FAIL;
	}
	close(child.fd);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return KSFT_FAIL;
	return WEXITSTATUS(status);
}

static int in_child(bool (*test)(void))
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		ksft_exit_fail_perror("fork");
	if (pid)
		return wait_for(pid);
	if (map_file() && test())
		exit(KSFT_PASS);
	ksft_print_msg("%s\n", gup_why());
	exit(KSFT_FAIL);
}

static const struct gup_option options[] = { { 0 } };

static const struct gup_usage usage = { "gup_truncate", NULL, options };

int main(int argc, char **argv)
{
	gup_parse_options(&usage, argc, argv);
	page = psize();
	huge = read_pmd_pagesize();
	ksft_print_header();
	if (!huge)
		ksft_exit_skip("no huge pages\n");
	ksft_set_plan(2);
	ksft_test_result_report(in_child(cut_swapped), "swapped\n");
	ksft_test_result_report(in_child(cut_held), "held\n");
	ksft_finished();
}
