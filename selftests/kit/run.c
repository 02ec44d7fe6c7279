// SPDX-License-Identifier: GPL-2.0
/* gup-bench run: what is measured, in which order. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include "../lib_knobs.h"
#include "kit.h"

static struct kit_job **jobs;
static size_t nr_jobs;
/* What is there. */
static struct kit_memory **made;
static size_t nr_made;

struct kit_job *kit_new_job(void)
{
	struct kit_job *job = kit_alloc(sizeof(*job));

	jobs = realloc(jobs, (nr_jobs + 1) * sizeof(*jobs));
	if (!jobs)
		kit_die(KIT_FAIL, "no memory");
	jobs[nr_jobs++] = job;
	return job;
}

/* Pages a call: 1, 16, 512, and all, which is 0 here. */
static const size_t pages_a_call[] = { 1, 16, 512, 0 };

static const char *pages_name(size_t pages, char *name, size_t size)
{
	if (pages)
		snprintf(name, size, "%zu", pages);
	else
		snprintf(name, size, "all");
	return name;
}

static size_t all_pages(const struct kit_memory *m)
{
	return m->len / m->parts / sysconf(_SC_PAGESIZE);
}

/* A job of one CPU; @pages as in pages_a_call. */
static struct kit_job *new_job(bool (*run)(struct kit_job *job, char *why), struct kit_memory *m,
			       size_t pages)
{
	struct kit_job *job = kit_new_job();

	job->run = run;
	job->memory = m;
	job->pages = pages ?: all_pages(m);
	return job;
}

/* gup_test gives all pages back at once, however they were taken: one row, of "all". */
static void add_calls(struct kit_memory *m)
{
	char pages[24], release[80];
	struct kit_job *job;
	size_t c, p;

	for (c = 0; c < KIT_NR_CALLS; c++) {
		for (p = 0; p < ARRAY_SIZE(pages_a_call); p++) {
			job = new_job(kit_gup_run, m, pages_a_call[p]);
			job->call = &kit_calls[c];
			job->take = kit_new_row("calls", m->name, kit_calls[c].name,
						pages_name(pages_a_call[p], pages, sizeof(pages)),
						1, "own");
		}
		snprintf(release, sizeof(release), "%s after %s", kit_calls[c].release,
			 kit_calls[c].name);
		job->give = kit_new_row("calls", m->name, release, "all", 1, "own");
	}
}

/* Who pins ranges with the series: gup_test has no call for it. */
static void add_users(struct kit_memory *m)
{
	struct kit_job *job;
	char pages[24];
	size_t p;

	for (p = 0; p < ARRAY_SIZE(pages_a_call); p++) {
		pages_name(pages_a_call[p], pages, sizeof(pages));
		job = new_job(kit_uring_run, m, pages_a_call[p]);
		job->take = kit_new_row("users", m->name, "io_uring: register buffers", pages, 1,
					"own");
		job->give = kit_new_row("users", m->name, "io_uring: unregister buffers", pages, 1,
					"own");
		job = new_job(kit_direct_run, m, pages_a_call[p]);
		job->take = kit_new_row("users", m->name, "O_DIRECT read of null_blk", pages, 1,
					"own");
	}
}

static void add_cpus_job(struct kit_memory *m, size_t pages, unsigned int cpus, bool own)
{
	const char *folios = own ? "own" : "same";
	struct kit_job *job = new_job(kit_threads_run, m, pages);
	char name[24];

	job->call = KIT_PIN_FAST;
	job->cpus = cpus;
	job->own = own;
	pages_name(pages, name, sizeof(name));
	job->take = kit_new_row("cpus", m->name, job->call->name, name, cpus, folios);
	/* Unpinning does not depend on how many pages a call took. */
	if (pages == 512)
		job->give = kit_new_row("cpus", m->name, job->call->release, "all", cpus, folios);
}

static void add_cpus(struct kit_memory *m)
{
	unsigned int cpus, all = m->parts;
	int own;

	for (own = 1; own >= 0; own--) {
		for (cpus = 1; cpus < all; cpus *= 2) {
			add_cpus_job(m, 1, cpus, own);
			add_cpus_job(m, 512, cpus, own);
		}
		add_cpus_job(m, 1, all, own);
		add_cpus_job(m, 512, all, own);
	}
}

/* Few kinds: pages, folios of one middle size, leaves. */
static bool is_for_cpus(const struct kit_memory *m)
{
	if (m->how == KIT_SMALL)
		return true;
	return m->how == KIT_THP && (m->folio == 64 * KB || m->folio >= 2 * MB);
}

static void absent(struct kit_job *job, const char *why)
{
	kit_row_absent(job->take, why);
	if (job->give)
		kit_row_absent(job->give, why);
}

static void make(struct kit_memory *m)
{
	if (kit_stopped())
		return;
	fprintf(stderr, "  %s, %zu MB\n", m->name, m->len / MB);
	if (!kit_memory_make(m)) {
		if (kit_stopped())
			return;
		fprintf(stderr, "  %s: absent: %s\n", m->name, m->absent);
		return;
	}
	made = realloc(made, (nr_made + 1) * sizeof(*made));
	if (!made)
		kit_die(KIT_FAIL, "no memory");
	made[nr_made++] = m;
}

/* Power of two; all CPUs together take a sixteenth of the memory, of each kind. */
static size_t cpu_size(void)
{
	size_t memory = kit_meminfo("MemTotal:") * KB, size = 64 * MB;

	while (size > 2 * MB && (size > kit_options.size || size * kit_cpus() > memory / 16))
		size /= 2;
	return size;
}

static void need_memory(size_t nr_kinds)
{
	size_t have = kit_meminfo("MemAvailable:") * KB;
	size_t want = nr_kinds * kit_options.size + 3 * kit_cpus() * kit_options.cpu_size;

	if (want > have)
		kit_die(KIT_FAIL, "%zu kinds of memory take %zu MB of %zu that are available: -s",
			nr_kinds, want / MB, have / MB);
}

/* The first time everything is slower, and a row that cannot be measured says so. */
static void warm_up(void)
{
	struct kit_job *job;
	char why[KIT_WHY];
	size_t i;

	for (i = 0; i < nr_jobs && !kit_stopped(); i++) {
		job = jobs[i];
		why[0] = 0;
		if (!job->take->absent[0] && job->call &&
		    !kit_gup_checked(job->call, job->memory->map,
				     job->memory->len / job->memory->parts, job->pages, why))
			absent(job, why);
	}
}

static void measure_round(unsigned int round)
{
	char why[KIT_WHY];
	size_t i;

	for (i = 0; i < nr_jobs && !kit_stopped(); i++) {
		if (!jobs[i]->take->absent[0] && !jobs[i]->run(jobs[i], why)) {
			fprintf(stderr, "  %s, %s, %s pages a call: absent: %s\n",
				jobs[i]->memory->name, jobs[i]->take->call, jobs[i]->take->pages,
				why);
			absent(jobs[i], why);
		}
		if (isatty(2) && i % 16 == 0)
			fprintf(stderr, "\r  round %u of %u: %zu of %zu ", round + 1,
				kit_options.rounds, i, nr_jobs);
	}
	if (isatty(2))
		fprintf(stderr, "\r%60s\r", "");
}

/* Pages that were moved or split since make() would be measured as what they are not. */
static void check_all(void)
{
	char why[KIT_WHY + 32];
	size_t i;

	for (i = 0; i < nr_made; i++)
		kit_memory_check(made[i]);
	for (i = 0; i < nr_jobs; i++) {
		if (jobs[i]->take->absent[0] || !jobs[i]->memory->absent[0])
			continue;
		snprintf(why, sizeof(why), "changed during the run: %s", jobs[i]->memory->absent);
		absent(jobs[i], why);
	}
}

static void measure(void)
{
	double begin = kit_now_ns(), now;
	unsigned int round;

	for (round = 0; round < kit_options.rounds && !kit_stopped(); round++) {
		measure_round(round);
		now = kit_now_ns();
		fprintf(stderr, "  round %u of %u, %.0f s; %.0f s more\n", round + 1,
			kit_options.rounds, (now - begin) / 1e9,
			(now - begin) / 1e9 / (round + 1) * (kit_options.rounds - round - 1));
	}
}

/* Under another name until it is complete: an earlier record is not lost to half of one. */
static FILE *open_record(const char *file, char *unfinished)
{
	FILE *out;

	if (!file)
		return stdout;
	if (snprintf(unfinished, PATH_MAX, "%s.new", file) >= PATH_MAX)
		kit_die(KIT_USAGE, "-o: the name is too long");
	out = fopen(unfinished, "we");
	if (!out)
		kit_die(KIT_USAGE, "-o %s: %s: %m", file, unfinished);
	return out;
}

static void write_record(FILE *out, const char *file, const char *unfinished)
{
	kit_facts_write(out);
	kit_rows_write(out);
	if (fflush(out) || ferror(out) || (file && rename(unfinished, file)))
		kit_die(KIT_FAIL, "the record cannot be written: %m");
}

/* The rows, in the order of the record. @shared: of each kind what CPUs share. */
static void add_all(struct kit_memory *kinds, struct kit_memory *shared, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		kinds[i].len = kit_options.size;
		add_calls(&kinds[i]);
	}
	for (i = 0; i < nr; i++)
		add_users(&kinds[i]);
	for (i = 0; i < nr; i++) {
		if (!is_for_cpus(&kinds[i]))
			continue;
		shared[i] = kinds[i];
		shared[i].parts = kit_cpus();
		shared[i].len = shared[i].parts * kit_options.cpu_size;
		add_cpus(&shared[i]);
	}
}

/* hugetlb last: its pools stay as they are until all settings are put back. */
static void make_all(struct kit_memory *kinds, struct kit_memory *shared, size_t nr)
{
	size_t i;

	fprintf(stderr, "gup-bench: memory\n");
	/* More of it is in one piece then. */
	knob_write("/proc/sys/vm/compact_memory", "1");
	for (i = 0; i < nr; i++)
		if (kinds[i].how != KIT_HUGETLB)
			make(&kinds[i]);
	for (i = 0; i < nr; i++)
		if (shared[i].len)
			make(&shared[i]);
	for (i = 0; i < nr; i++)
		if (kinds[i].how == KIT_HUGETLB)
			make(&kinds[i]);
	for (i = 0; i < nr_jobs; i++)
		if (jobs[i]->memory->absent[0])
			absent(jobs[i], jobs[i]->memory->absent);
}

static void die_if_stopped(const char *unfinished)
{
	if (!kit_stopped())
		return;
	if (unfinished[0])
		unlink(unfinished);
	kit_die(KIT_FAIL, "interrupted: no record; settings are put back");
}

enum kit_status kit_run(const char *file)
{
	struct kit_memory *kinds, *shared;
	char unfinished[PATH_MAX] = "";
	FILE *out;
	size_t nr;

	kit_facts_begin();
	kit_gup_open();
	nr = kit_memory_kinds(&kinds);
	kit_options.cpu_size = cpu_size();
	need_memory(nr);
	out = open_record(file, unfinished);
	shared = kit_alloc(nr * sizeof(*shared));
	add_all(kinds, shared, nr);
	make_all(kinds, shared, nr);
	die_if_stopped(unfinished);
	fprintf(stderr, "gup-bench: %zu measurements, %u rounds, about %.0f s or more\n", nr_jobs,
		kit_options.rounds, nr_jobs * kit_options.rounds * kit_options.sample_us / 0.5e6);
	warm_up();
	measure();
	die_if_stopped(unfinished);
	check_all();
	knobs_restore();
	write_record(out, file, unfinished);
	return KIT_PASS;
}
