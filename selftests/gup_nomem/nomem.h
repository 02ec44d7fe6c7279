/* SPDX-License-Identifier: GPL-2.0 */
/* A call that is made again and again, each time with another allocation that fails. */
#ifndef NOMEM_H
#define NOMEM_H

#include <sys/types.h>
#include "lib_io.h"

/* What may come of a call, in bits. */
#define ALL	1U	/* what was asked for: if an allocation failed, there was another way */
#define SHORT	2U	/* the pages in front of the one for which there was no memory */
#define NOMEM	4U	/* no page, and the errno that says so */
#define BUS	8U	/* no page, and -EFAULT: the fault wanted SIGBUS, not memory */
#define UNDONE	16U	/* no memory for what comes before GUP */

/**
 * struct trial - a call, and what it is made on
 * @name: of the call
 * @make: makes afresh what the call finds; false: gup_why() says what is wrong
 * @ready: makes the arguments of the call, or NULL
 * @call: the system call and nothing else; its result or -errno
 * @judge: which of the bits that is, 0: none of them, see gup_why()
 * @check: what is there after a call that came to ALL
 * @drop: gives back what @make made
 * @may: what may come of it beside ALL and UNDONE
 * @must: what has to come of it for one of the allocations
 * @kind: of memory, or NULL
 * @mem: what @make made,
 * @at: where in it the call begins,
 * @nr: and its length, pages
 * @zeroes: so many of them at the end are empty, the others have the pattern of the kind
 * @huge: it is all of huge pages, if no allocation has failed
 * @sharer: a child that shares it, or 0
 * @in_sharer: the call is about the memory of that one
 * @api, @run_flags, @gup_flags: of a call through the driver,
 * @gup: and its arguments
 * @rest: all allocations fail from the one on that is to fail
 * @failed: an allocation has failed since @make
 * @seen: what came of it, each time that an allocation failed
 * @failures: how many have failed
 */
struct trial {
	const char *name;
	bool (*make)(struct trial *t);
	bool (*ready)(struct trial *t);
	long (*call)(struct trial *t);
	unsigned int (*judge)(struct trial *t, long result);
	bool (*check)(struct trial *t);
	void (*drop)(struct trial *t);
	unsigned int may;
	unsigned int must;
	const struct io_kind *kind;
	struct io_mem mem;
	char *at;
	unsigned long nr;
	unsigned long zeroes;
	bool huge;
	pid_t sharer;
	bool in_sharer;
	unsigned int api;
	unsigned int run_flags;
	__u64 gup_flags;
	struct gup_call gup;
	bool rest;
	bool failed;
	unsigned int seen;
	unsigned int failures;
};

/* All pages, or none. */
#define AT_ONCE		.may = NOMEM, .must = NOMEM

/* What most find, by how it is made. */
#define MEMORY(how)	.make = how, .check = check_contents, .drop = drop_memory

/* inject.c */

/* For all trials. @verbose: the kernel logs each failure with its stack. exit() undoes it. */
void inject_prepare(bool verbose);
/* Let the @nth allocation from here on fail, and @rest: all behind it. 0: none. */
bool inject(unsigned int nth, bool rest);
/* No more. @failed: the @nth has come, and failed. */
bool inject_end(bool *failed);

/* trial.c */

/* Print what came of each call. */
extern bool loud;
/* The call as often as it allocates: each allocation fails alone, and with all behind it. */
bool each_allocation(struct trial *t);

/* mappings.c: to make, drop and check */

/* Pages of a call: half of them on either side of the edge of two folios. */
#define PAGES	6UL

bool make_kind(struct trial *t);
bool make_shared(struct trial *t);
bool make_dropped(struct trial *t);
bool make_half_dropped(struct trial *t);
bool make_hole(struct trial *t);
bool make_swapped(struct trial *t);
bool make_far(struct trial *t);
bool make_far_thp(struct trial *t);
bool check_contents(struct trial *t);
unsigned long pages_present(const struct trial *t);
void drop_memory(struct trial *t);

/* driver.c: GUP through the driver. They take a trial as it is for all functions. */

/* The driver, opened once in each process of a test. */
int rig(void);
/* By each function that takes its flags. */
bool try_all(const struct trial *all);
/* By pin_user_pages_remote() in the memory of the sharer. */
bool try_sharer(const struct trial *one);
bool try_memfd(const struct trial *one);

/* calls.c: system calls that populate */

extern const struct trial populate_write_trial, populate_read_trial, mlock_trial,
	map_populate_trial, direct_read_trial;

#endif /* NOMEM_H */
