/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The callers of GUP of which the benchmark counts the instructions: what a get and a
 * put are for them. Each is a row of its own, and takes one buffer at a time.
 */
#ifndef _GUP_KUNIT_BENCH_H
#define _GUP_KUNIT_BENCH_H

#include <kunit/test.h>

struct page;

/* Set up what the others need, for as long as @test runs; bios of up to @max pages. */
void bench_open_users(struct kunit *test, unsigned int max);

long bench_bio_get(unsigned long addr, unsigned long nr, unsigned int flags,
		   struct page **pages);
void bench_bio_put(struct page **pages, unsigned long nr);
long bench_register(unsigned long addr, unsigned long nr, unsigned int flags,
		    struct page **pages);
void bench_unregister(struct page **pages, unsigned long nr);
long bench_iommufd_map(unsigned long addr, unsigned long nr, unsigned int flags,
		       struct page **pages);
void bench_iommufd_unmap(struct page **pages, unsigned long nr);

#endif /* _GUP_KUNIT_BENCH_H */
