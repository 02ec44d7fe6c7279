// SPDX-License-Identifier: GPL-2.0
/* Many CPUs at the same time, on folios of their own or on the same. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "kit.h"

/* As many as the kernel may have; the type of the C library ends at 1024. */
#define MAX_CPUS	8192

static cpu_set_t *usable;
static int nr_usable;

static void find_cpus(void)
{
	if (usable)
		return;
	usable = CPU_ALLOC(MAX_CPUS);
	if (!usable || sched_getaffinity(0, CPU_ALLOC_SIZE(MAX_CPUS), usable))
		kit_die(KIT_FAIL, "sched_getaffinity: %m");
	nr_usable = CPU_COUNT_S(CPU_ALLOC_SIZE(MAX_CPUS), usable);
}

unsigned int kit_cpus(void)
{
	find_cpus();
	return nr_usable;
}

void kit_on_cpu(unsigned int nr)
{
	size_t size = CPU_ALLOC_SIZE(MAX_CPUS);
	cpu_set_t *one = CPU_ALLOC(MAX_CPUS);
	int cpu;

	find_cpus();
	if (!one)
		kit_die(KIT_FAIL, "no memory");
	for (cpu = 0; cpu < MAX_CPUS; cpu++)
		if (CPU_ISSET_S(cpu, size, usable) && !nr--)
			break;
	CPU_ZERO_S(size, one);
	CPU_SET_S(cpu, size, one);
	if (sched_setaffinity(0, size, one))
		kit_die(KIT_FAIL, "sched_setaffinity, CPU %d: %m", cpu);
	CPU_FREE(one);
}

struct worker {
	pthread_t thread;
	struct kit_job *job;
	pthread_barrier_t *barrier;
	unsigned int cpu;
	struct kit_sums sums;
	bool failed;
	char why[KIT_WHY];
};

/* All begin together and stop when the time is over, so that nearly all of it is shared. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct kit_memory *m = w->job->memory;
	size_t part = m->len / m->parts;
	char *at = m->map + (w->job->own ? w->cpu * part : 0);
	double end;

	kit_on_cpu(w->cpu);
	pthread_barrier_wait(w->barrier);
	end = kit_now_ns() + kit_options.sample_us * 1000.0;
	do {
		w->failed = !kit_gup_once(w->job->call, at, part, w->job->pages, &w->sums, w->why);
	} while (!w->failed && !kit_stopped() && kit_now_ns() < end);
	return NULL;
}

static bool gather(struct kit_job *job, const struct worker *workers, char *why)
{
	double take = 0, give = 0, resolution = 0;
	unsigned int i;

	for (i = 0; i < job->cpus; i++) {
		if (workers[i].failed) {
			memcpy(why, workers[i].why, KIT_WHY);
			return false;
		}
		take += workers[i].sums.take_ns / workers[i].sums.pages;
		give += workers[i].sums.give_ns / workers[i].sums.pages;
		resolution += 500.0 * workers[i].sums.calls / workers[i].sums.pages;
	}
	kit_row_add(job->take, take / job->cpus, resolution / job->cpus);
	if (job->give)
		kit_row_add(job->give, give / job->cpus, resolution / job->cpus);
	return true;
}

bool kit_threads_run(struct kit_job *job, char *why)
{
	struct worker *workers = kit_alloc(job->cpus * sizeof(*workers));
	pthread_barrier_t barrier;
	unsigned int i;
	bool good;

	pthread_barrier_init(&barrier, NULL, job->cpus);
	for (i = 0; i < job->cpus; i++) {
		workers[i].job = job;
		workers[i].barrier = &barrier;
		workers[i].cpu = i;
		/* Those that have begun wait for ever for one that has not. */
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			kit_die(KIT_FAIL, "no thread for CPU %u of %u", i, job->cpus);
	}
	for (i = 0; i < job->cpus; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
	good = gather(job, workers, why);
	free(workers);
	return good;
}
