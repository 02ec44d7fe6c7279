// SPDX-License-Identifier: GPL-2.0
/*
 * A file whose small pages are replaced by a huge one, at the request of its user, while
 * memfd_pin_folios() pins it: either it is too late for that, or the huge page is pinned.
 * What is pinned is in the file.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <linux/mman.h>
#include "vm_util.h"
#include "lib_memory.h"
#include "cases.h"

#define COLLAPSE_ROUNDS		60

/* The thread that pins, and how long it waits. */
struct pinner {
	struct gup_call c;
	pthread_barrier_t meet;
	unsigned int usec;
	bool good;
};

static void *pin_after_a_while(void *arg)
{
	struct pinner *pinner = arg;

	pthread_barrier_wait(&pinner->meet);
	usleep(pinner->usec);
	pinner->good = gup_run(&pinner->c) && !pinner->c.run.error;
	return NULL;
}

/* Whatever is stored into the file is seen through the pins. */
static bool expect_in_the_file(const struct gup_call *c, char *mem, unsigned int round)
{
	char *seen = malloc(HUGE);
	size_t i;
	bool good;

	if (!seen)
		return gup_fails("no memory");
	for (i = 0; i < HUGE; i += psize())
		mem[i] = round;
	good = gup_hold_read(c, 0, 0, seen, HUGE);
	for (i = 0; good && i < HUGE; i += psize())
		good = seen[i] == (char)round ||
		       gup_fails("round %u: page %zu that is pinned is not in the file", round,
				 i / psize());
	free(seen);
	return good;
}

/* All of it is there, in small pages. */
static char *map_small_file(int *file)
{
	char *mem;

	*file = memfd_create("gup_cases", MFD_CLOEXEC);
	if (*file < 0 || ftruncate(*file, HUGE)) {
		io_fails("a file");
		return NULL;
	}
	mem = gup_mmap_aligned(HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, *file);
	if (mem == MAP_FAILED) {
		io_fails("mmap");
		return NULL;
	}
	memset(mem, 'a', HUGE);
	return mem;
}

/* How long a collapse takes that nobody disturbs, in microseconds. */
static bool time_collapse(unsigned int *usec)
{
	double begin;
	char *mem;
	int file;

	mem = map_small_file(&file);
	if (!mem)
		return false;
	begin = gup_now();
	if (madvise(mem, HUGE, MADV_COLLAPSE)) {
		io_skip("MADV_COLLAPSE of a memfd: %s", strerror(errno));
		return false;
	}
	*usec = (gup_now() - begin) * 1000000 + 1;
	munmap(mem, HUGE);
	close(file);
	return true;
}

static bool collapse_round(unsigned int round, unsigned int usec, unsigned int *collapsed)
{
	int file;
	struct pinner pinner = { .usec = random() % usec };
	pthread_t thread;
	bool good;
	char *mem;

	mem = map_small_file(&file);
	if (!mem)
		return false;
	gup_call_init_bare(&pinner.c, rig(), GUP_RIG_API_MEMFD, 0, NULL, HUGE_PAGES);
	pinner.c.run.fd = file;
	pinner.c.run.flags = GUP_RIG_RUN_HOLD;
	pthread_barrier_init(&pinner.meet, NULL, 2);
	if (pthread_create(&thread, NULL, pin_after_a_while, &pinner))
		return io_fails("pthread_create");
	pthread_barrier_wait(&pinner.meet);
	*collapsed += !madvise(mem, HUGE, MADV_COLLAPSE);
	pthread_join(thread, NULL);
	good = pinner.good ? expect_in_the_file(&pinner.c, mem, round) :
			     gup_fails("round %u: the file was not pinned", round);
	good = (!pinner.c.run.handle || gup_release(&pinner.c, GUP_RIG_PUT_DEFAULT)) && good;
	munmap(mem, HUGE);
	close(file);
	return good;
}

bool test_memfd_collapse(const struct io_kind *kind)
{
	unsigned int round, usec, collapsed = 0;

	/* Not by two threads at once. */
	rig();
	if (!time_collapse(&usec))
		return false;
	for (round = 0; round < COLLAPSE_ROUNDS; round++)
		if (!collapse_round(round, usec, &collapsed))
			return false;
	return collapsed || gup_fails("MADV_COLLAPSE has not succeeded once");
}
