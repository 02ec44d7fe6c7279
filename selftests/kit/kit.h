/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of gup-bench share. main.c is the place to start. */
#ifndef KIT_H
#define KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <linux/types.h>

/* Of what is measured and of how a record looks: records of two versions are not compared. */
#define KIT_VERSION	"1"

/* As kselftest.h has it, which needs the kernel's tree. */
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define KB		1024UL
#define MB		(1024 * KB)
#define KIT_WHY		200
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit status. KIT_SKIP, as kselftest has it: this kernel or user cannot measure. */
enum kit_status { KIT_PASS, KIT_FAIL, KIT_USAGE, KIT_SKIP = 4 };

/* Says it on stderr and exits, with all settings put back. */
noreturn void kit_die(enum kit_status status, const char *format, ...) __printf(2, 3);
void *kit_alloc(size_t size);
/* SIGINT, SIGTERM or SIGHUP has come: end soon, settings are to be put back. */
bool kit_stopped(void);

/**
 * struct kit_options - how a run measures; all of it is in the record
 * @rounds: samples of each row
 * @size: bytes of each kind of memory
 * @cpu_size: the same for each CPU, where more than one is measured
 * @sample_us: how long a sample takes at least, microseconds
 */
struct kit_options {
	unsigned int rounds;
	size_t size;
	size_t cpu_size;
	unsigned int sample_us;
};

extern struct kit_options kit_options;

/**
 * struct kit_row - one line of the record
 * @section: "calls", "users" or "cpus"
 * @pages: pages a call: a number, or "all"
 * @cpus: how many CPUs did it at the same time
 * @folios: "own" or "same": of those CPUs
 * @ns: samples, nanoseconds a page
 * @resolution: what the clock may add to or take from each of them
 * @absent: why there are none, if not empty
 */
struct kit_row {
	const char *section;
	char memory[32];
	char call[64];
	char pages[16];
	unsigned int cpus;
	const char *folios;
	double *ns;
	unsigned int nr;
	double resolution;
	char absent[KIT_WHY];
};

struct kit_quartiles {
	double low, median, high;
};

struct kit_row *kit_new_row(const char *section, const char *memory, const char *call,
			    const char *pages, unsigned int cpus, const char *folios);
void kit_row_add(struct kit_row *row, double ns, double resolution);
/* Its samples are gone. The first reason stays. */
void kit_row_absent(struct kit_row *row, const char *why);
/* Of samples that it may sort, at least one. */
struct kit_quartiles kit_quartiles(double *samples, unsigned int nr);
void kit_rows_write(FILE *out);

enum kit_how { KIT_SMALL, KIT_THP, KIT_THP_PTES, KIT_HUGETLB };

/**
 * struct kit_memory - a stretch of anonymous memory of one kind
 * @folio: bytes of each folio that it has to consist of
 * @parts: how many CPUs touch it first, each a part of @len / @parts bytes
 * @absent: why it is not there, if not empty
 */
struct kit_memory {
	char name[32];
	enum kit_how how;
	size_t folio;
	char *map;
	size_t len;
	unsigned int parts;
	char absent[KIT_WHY];
};

/* What this kernel has: 4K pages, mTHP of each size, THP, hugetlb. Returns how many. */
size_t kit_memory_kinds(struct kit_memory **kinds);
/* Maps and fills it and looks at what it has got. False: see @absent. */
bool kit_memory_make(struct kit_memory *m);
/* Looks again: are these still the folios that were asked for, mapped as asked? */
bool kit_memory_check(struct kit_memory *m);
void kit_memory_free(struct kit_memory *m);
/* "64K" */
const char *kit_size_name(size_t size, char *name, size_t len);

/* A thing to measure: each run of it adds a sample to its rows. */
struct kit_job {
	bool (*run)(struct kit_job *job, char *why);
	struct kit_memory *memory;
	const struct kit_call *call;
	size_t pages;		/* a call */
	unsigned int cpus;
	bool own;
	struct kit_row *take;
	struct kit_row *give;	/* NULL: not looked at */
};

struct kit_job *kit_new_job(void);

/* The ways to call GUP that gup_test has. */
struct kit_call {
	const char *name;
	const char *release;
	unsigned long command;
	unsigned int flags;
	bool pins;
};

#define KIT_NR_CALLS	5
extern const struct kit_call kit_calls[KIT_NR_CALLS];
#define KIT_PIN_FAST	(&kit_calls[1])
#define KIT_PIN_LONG	(&kit_calls[4])

/* Exits with KIT_SKIP and the way to get it if this kernel has no gup_test. */
void kit_gup_open(void);

/* What a thread has measured: sums. */
struct kit_sums {
	double take_ns, give_ns;
	unsigned long pages, calls;
};

/* One ioctl over @len bytes. */
bool kit_gup_once(const struct kit_call *call, char *at, size_t len, size_t pages,
		  struct kit_sums *sums, char *why);
/* The same, and as many pins as pages have to be counted, which the base does not tell. */
bool kit_gup_checked(const struct kit_call *call, char *at, size_t len, size_t pages, char *why);
bool kit_gup_run(struct kit_job *job, char *why);
bool kit_uring_run(struct kit_job *job, char *why);
bool kit_direct_run(struct kit_job *job, char *why);

/* CPUs that this process may use. */
unsigned int kit_cpus(void);
/* The calling thread runs on the @nr-th of them from now on. */
void kit_on_cpu(unsigned int nr);
bool kit_threads_run(struct kit_job *job, char *why);

double kit_now_ns(void);
bool kit_read_line(const char *path, char *line, size_t size);
/* In kB; 0: unknown. */
size_t kit_meminfo(const char *key);
/* Before anything is done, which would add to the load. */
void kit_facts_begin(void);
void kit_facts_write(FILE *out);

enum kit_status kit_run(const char *file);
enum kit_status kit_table(const char *base, const char *series);

#endif /* KIT_H */
