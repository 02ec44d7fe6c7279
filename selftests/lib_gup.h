/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the GUP selftests share: GUP through /sys/kernel/debug/gup_rig, and what
 * kunit/gup_rig.h says about its answers, made into expectations.
 *
 *	struct gup_call c;
 *
 *	if (!gup_call_init(&c, fd, GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_WRITE, mem, nr) ||
 *	    !gup_run(&c) ||
 *	    !gup_expect_result(&c, nr) ||
 *	    !gup_expect_sound(&c) ||
 *	    !gup_expect_mapped(&c, mem))
 *		complain(gup_why());
 *	gup_call_free(&c);
 *
 * What returns bool returns false when something is not as it must be; gup_why()
 * then is one line that says what: call, entry, wanted, got. It belongs to the
 * thread. Nothing in here prints, exits or skips.
 *
 * All of it judges one thread's view: memory that nobody else changes or pins
 * meanwhile. Expectations on counts are wrong if others interfere; those named
 * "sound" with records that were not asked for (gup_call_init_bare()) are empty.
 */
#ifndef LIB_GUP_H
#define LIB_GUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/const.h>
#include <linux/types.h>
#include <mm/tests/gup/gup_rig.h>
#include "kselftest.h"

/* Bits of a pagemap entry. */
#define GUP_PM_PRESENT		_BITULL(63)
#define GUP_PM_SWAP		_BITULL(62)
#define GUP_PM_FILE		_BITULL(61)
#define GUP_PM_GUARD		_BITULL(58)
#define GUP_PM_UFFD_WP		_BITULL(57)
#define GUP_PM_EXCLUSIVE	_BITULL(56)
#define GUP_PM_PFN		(_BITULL(55) - 1)

/* References that a pin of a page without pincount takes. */
#define GUP_PIN_BIAS		1024

/**
 * struct gup_api - what is to be known of one GUP_RIG_API_*
 * @name: of the kernel's function
 * @pins: gives pins, not plain references
 * @fast: walks without locks first
 * @faults: faults in what is not there
 * @waits: may drop mmap_lock and wait: for userfaultfd, say
 */
struct gup_api {
	const char *name;
	bool pins;
	bool fast;
	bool faults;
	bool waits;
};

/* By GUP_RIG_API_*; the name is NULL if there is none. */
extern const struct gup_api gup_apis[GUP_RIG_NR_APIS];

/**
 * struct gup_call - one GUP_RIG_RUN: what is asked, then also what came
 * @fd: of the device
 * @run: may be changed between gup_call_init() and gup_run(): flags, fd, put,
 *	repeat, pages_per_call
 * @records: @run.records_done of them are valid; room for run.nr_pages
 */
struct gup_call {
	int fd;
	struct gup_rig_run run;
	struct gup_rig_record *records;
};

/* Pins of the whole system, since boot. */
struct gup_pins {
	long acquired;
	long released;
};

/* What went wrong last in this thread. */
const char *gup_why(void);
/* Set it: for expectations of one's own. Returns false. */
bool gup_fails(const char *format, ...) __printf(1, 2);

/*
 * Opens the device. Returns the file, or -1: errno is then ENOENT without debugfs or
 * driver, EACCES or EPERM for an ordinary user.
 */
int gup_open(void);

/* Does the kernel have the function? All have all but GUP_RIG_API_PIN_RANGES. */
bool gup_has_api(int fd, unsigned int api);

/* "pin_user_pages_fast(WRITE|LONGTERM)", in a buffer of the thread. */
const char *gup_call_name(unsigned int api, __u64 gup_flags);

/*
 * With records. @mem is the first page. The remote APIs want a pidfd in run.fd, MEMFD
 * has gup_call_init_memfd().
 */
bool gup_call_init(struct gup_call *c, int fd, unsigned int api, __u64 gup_flags,
		   const void *mem, __u64 nr_pages);
bool gup_call_init_memfd(struct gup_call *c, int fd, int memfd, __u64 gup_flags,
			 __u64 offset, __u64 nr_pages);
/* Without records: no allocation, no draining, nothing to free. */
void gup_call_init_bare(struct gup_call *c, int fd, unsigned int api,
			__u64 gup_flags, const void *mem, __u64 nr_pages);
void gup_call_free(struct gup_call *c);

/* False: the ioctl refused. What GUP said is not judged here. */
bool gup_run(struct gup_call *c);
/*
 * All processors work, and give up pages that they keep for later, which reclaim does not
 * find: a run with records does it. @mem: a page that may be looked at.
 */
bool gup_drain(int fd, const void *mem);
/* What the GUP function returned, as far as one call can tell: pages or -errno. */
long gup_result(const struct gup_call *c);

/* gup_result() of a run whose passes all went like this. */
bool gup_expect_result(const struct gup_call *c, long want);
/* Numbers of passes, calls, entries and pages agree with each other. */
bool gup_expect_numbers(const struct gup_call *c);
/* Folio, offset, order, run and call agree with each other over all records. */
bool gup_expect_folios(const struct gup_call *c);
/* References and pins changed by the rules, where the page was there before. */
bool gup_expect_counts(const struct gup_call *c);
/* All of the three. */
bool gup_expect_sound(const struct gup_call *c);
/* After the put: each page is still there, with the counts of before. */
bool gup_expect_restored(const struct gup_call *c);
/*
 * Nobody but page table entries, the page cache and this call has references to
 * anonymous and shmem folios: so one that was lost earlier shows, too. Hugetlb is
 * left out, and what a file system keeps is its own.
 */
bool gup_expect_no_strangers(const struct gup_call *c);
/* Each entry is the page that /proc/self/pagemap has, from @mem on. */
bool gup_expect_mapped(const struct gup_call *c, const void *mem);
/* Two calls gave the same pages of the same folios. */
bool gup_expect_same(const struct gup_call *a, const struct gup_call *b);
/* References and pins that record @i of @c gained, by the rules. */
int gup_refs_gained(const struct gup_call *c, unsigned long i);
int gup_pins_gained(const struct gup_call *c, unsigned long i);

/* Of what a run with GUP_RIG_RUN_HOLD holds. */
bool gup_hold_read(const struct gup_call *c, __u64 first, __u64 offset, void *buf,
		   __u64 len);
bool gup_hold_write(const struct gup_call *c, __u64 first, __u64 offset,
		    const void *buf, __u64 len);
bool gup_hold_records(const struct gup_call *c, struct gup_rig_record *records);
/* Entries [first, first + nr), nr == 0: all from there on. Returns how many, or -1. */
long gup_release_part(const struct gup_call *c, unsigned int put, __u64 first,
		      __u64 nr);
/* All, of which @c knows how many there are. */
bool gup_release(const struct gup_call *c, unsigned int put);
/* Entries that the open file holds, or -1. */
long gup_held(int fd);

/* nr_foll_pin_acquired and _released of /proc/vmstat, folded. Needs root. */
bool gup_read_pins(struct gup_pins *pins);
/* acquired - released, or LONG_MIN. */
long gup_pins_out(void);
/* TAINT_WARN, TAINT_DIE and TAINT_BAD_PAGE of the kernel, or -1. */
long gup_splats(void);
/* /proc/self/pagemap of @nr pages from @mem on. PFNs need root. */
bool gup_read_pagemap(const void *mem, unsigned long nr, __u64 *entries);
/* The same of one page, 0 if it cannot be read. */
__u64 gup_pagemap(const void *mem);
/* The page at an address, 0 if none is there. */
__u64 gup_pfn(const void *mem);

/*
 * For this process and those that it makes. Then no other CPU has their pages in its
 * batches or their addresses in its TLB, and need not be waited for, which takes most
 * of the time of records on a busy host.
 */
bool gup_stay_on_one_cpu(void);

/* For atexit(), and the first one there. What kselftest.h counts is of each file. */
static inline void gup_exit_skipped_if_all_were(void)
{
	if (!ksft_test_num() || ksft_get_xskip_cnt() != (int)ksft_test_num())
		return;
	fflush(stdout);
	_exit(KSFT_SKIP);
}

/* Seconds of the monotonic clock. */
double gup_now(void);
/* Time on a CPU of all threads of a process, in nanoseconds; 0 if there is none. */
__u64 gup_cpu_time(pid_t pid);
/*
 * Waits for a child, but kills it when it has had so many seconds on a CPU: GUP that does
 * not end spins. Returns whether it ended by itself.
 */
bool gup_wait(pid_t child, unsigned int cpu_seconds, int *status);

/* Settings in files of /sys and /proc. */
bool gup_read_knob(const char *path, char *text, size_t size);
bool gup_write_knob(const char *path, const char *text);
/*
 * Have exit() put back what the files of this glob pattern contain now; of a choice
 * like "always [madvise] never" that is what stands in brackets.
 */
void gup_keep_knobs(const char *pattern);
/* The same of KSM's settings, which the caller is about to change. */
void gup_keep_ksm(void);
/* Until exit(): NUMA balancing neither moves pages nor takes access from them. */
void gup_stop_balancing(void);
/* The number that a file of /proc or /sys holds, or -1. */
long gup_read_number(const char *path);

#endif /* LIB_GUP_H */
