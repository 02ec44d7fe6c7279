/* SPDX-License-Identifier: GPL-2.0 */
/* What the subjects of gup_cases share, and the tests that main.c has in its table. */
#ifndef GUP_CASES_H
#define GUP_CASES_H

#include "lib_io.h"

/* The driver, opened once in each process of a test. */
int rig(void);
/* One call, of this process's own memory also by the remote functions. */
bool call(struct gup_call *c, unsigned int api, __u64 flags, const void *mem,
	  unsigned long nr);
/* It gives so many pages, or this error. */
bool expect_call(unsigned int api, __u64 flags, const void *mem, unsigned long nr,
		 long want);
/* The same of each function that takes all of GUP's plain flags. */
bool expect_all(__u64 flags, const void *mem, unsigned long nr, long want);

/* The number behind a word at the start of a line, -1 if there is none. */
long number_in(const char *file, const char *word);
/* Anonymous memory without huge pages. */
char *map_small(unsigned long pages);
/* Private; NULL and errno if the pool has not so many. */
char *try_hugetlb(unsigned long pages, int flags);
/* The same, and then a skip. */
char *map_hugetlb(unsigned long pages, int flags);
/* Without root's rights, and with this limit of pages to lock, for good. */
bool become_user(unsigned long lockable);

/* Holds huge pages of a hugetlb file by memfd_pin_folios(); @want: small ones, or an error. */
bool hold_file(struct gup_call *c, int file, unsigned long from, unsigned long pages, long want);
/* So many pages of it are in ZONE_MOVABLE. */
bool expect_movable(const struct io_mem *m, unsigned long want);

#define CASE_UID	1000
#define HUGE_PAGES	(HUGE / psize())

bool test_half_page_clear_refs(const struct io_kind *kind);
bool test_half_page_pageout(const struct io_kind *kind);
bool test_half_page_fixed(const struct io_kind *kind);
bool test_core(const struct io_kind *kind);
bool test_core_sparse(const struct io_kind *kind);
bool test_core_guard(const struct io_kind *kind);
bool test_core_hugetlb(const struct io_kind *kind);
bool test_core_killed(const struct io_kind *kind);
bool test_numa_hint(const struct io_kind *kind);
bool test_movable(const struct io_kind *kind);
bool test_movable_busy(const struct io_kind *kind);
bool test_movable_twice(const struct io_kind *kind);
bool test_pkeys(const struct io_kind *kind);
bool test_memlock(const struct io_kind *kind);
bool test_mlock(const struct io_kind *kind);
bool test_hugetlb_counts(const struct io_kind *kind);
bool test_hugetlb_unmapped(const struct io_kind *kind);
bool test_hugetlb_dontneed(const struct io_kind *kind);
bool test_hugetlb_dontneed_pinned(const struct io_kind *kind);
bool test_hugetlb_dontneed_got(const struct io_kind *kind);
bool test_hugetlb_short(const struct io_kind *kind);
bool test_hugetlb_memfd(const struct io_kind *kind);
bool test_memcg_killed(const struct io_kind *kind);
bool test_memcg_unkillable(const struct io_kind *kind);
bool test_memcg_longterm(const struct io_kind *kind);
bool test_memcg_hugetlb(const struct io_kind *kind);
bool test_memcg_hugetlb_memfd(const struct io_kind *kind);
bool test_memfd_collapse(const struct io_kind *kind);
bool test_growsdown(const struct io_kind *kind);
bool test_poison(const struct io_kind *kind);
bool test_eof_disk(const struct io_kind *kind);
bool test_eof_tmpfs(const struct io_kind *kind);

/* For all tests: where cores go, and the pace of NUMA balancing. */
#define CORE_FILE	"gup_cases.core"
void core_prepare(void);
void numa_prepare(void);

#endif /* GUP_CASES_H */
