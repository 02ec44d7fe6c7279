/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests do with memory: files to map, accesses that may be refused, protection by
 * userfaultfd, and threads that are at it all the time. Nothing in here prints, exits or
 * skips.
 */
#ifndef LIB_MEMORY_H
#define LIB_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <sys/mman.h>

/* Advice that headers of the C library may lack. */
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT		21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif

struct thp_settings;

/* An empty file of a tmpfs of its own, mounted with huge=@huge, or -1. */
int gup_new_tmpfs_file(const char *huge);

/*
 * @size bytes of @file, or of none if @flags say so, at a multiple of @size, which is a power
 * of two, as mmap() maps them. MAP_FAILED, as that.
 */
char *gup_mmap_aligned(size_t size, int prot, int flags, int file);

/*
 * Accesses that may be refused, by SIGSEGV or SIGBUS, in any thread. After
 * gup_catch_refusals() they return false then; a refusal of any other access kills.
 */
void gup_catch_refusals(void);
bool gup_store(__u64 *p, __u64 value);
bool gup_load(const __u64 *p, __u64 *value);

/* A userfaultfd with UFFD_FEATURE_* @features, or -1. @flags: of the system call. */
int gup_uffd_open(int flags, __u64 features);
/* Of registered memory: writes are reported, or not any more. */
bool gup_uffd_protect(int uffd, const void *from, size_t len, bool protect);

/* In @settings: huge pages where MADV_HUGEPAGE asks for them, and nowhere else. */
void gup_thp_by_advice(struct thp_settings *settings);

/**
 * struct gup_loop - what a thread does all the time
 * @step: one turn, with @data and the number of turns before; false, with gup_why(): the
 *	thread ends, and the test has failed
 * @steps: turns so far
 */
struct gup_loop {
	bool (*step)(void *data, unsigned long nr);
	void *data;
	atomic_ulong steps;
	atomic_bool begun;
	atomic_bool over;
	pthread_t thread;
	char why[512];
};

/* Runs @test when each of the loops has begun, and ends them after it. */
bool gup_run_beside(struct gup_loop *loops, unsigned int nr, bool (*test)(void *data),
		    void *data);

#endif /* LIB_MEMORY_H */
