/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The callers of GUP of which the benchmark counts the instructions: what a get and a
 * put are for them. Each is a row of its own, and takes one buffer at a time.
 */
#ifndef _GUP_KUNIT_BENCH_H
#define _GUP_KUNIT_BENCH_H

#include <kunit/test.h>

struct file;
struct page;

/* Set up what the others need, for as long as @test runs; bios of up to @max pages. */
void bench_open_users(struct kunit *test, unsigned int max);
/* The same of rows of memfds, after that. */
void bench_open_udmabuf(struct kunit *test);

/* A memfd, of memfd_create()'s @flags, that the rows with memfd in their names are for. */
struct file *bench_open_memfd(struct kunit *test, unsigned int nr, unsigned int flags);

long bench_bio_get(unsigned long addr, unsigned long nr, unsigned int flags,
		   struct page **pages);
void bench_bio_put(struct page **pages, unsigned long nr);
long bench_register(unsigned long addr, unsigned long nr, unsigned int flags,
		    struct page **pages);
void bench_unregister(struct page **pages, unsigned long nr);
long bench_iommufd_map(unsigned long addr, unsigned long nr, unsigned int flags,
		       struct page **pages);
long bench_iommufd_map_file(unsigned long addr, unsigned long nr, unsigned int flags,
			    struct page **pages);
void bench_iommufd_unmap(struct page **pages, unsigned long nr);
long bench_udmabuf_create(unsigned long addr, unsigned long nr, unsigned int flags,
			  struct page **pages);
void bench_udmabuf_release(struct page **pages, unsigned long nr);

#endif /* _GUP_KUNIT_BENCH_H */
