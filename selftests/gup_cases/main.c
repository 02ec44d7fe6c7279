// SPDX-License-Identifier: GPL-2.0
/*
 * gup_cases - what users of GUP have reported, and what is counted for them
 *
 * usage: gup_cases [--filter GLOB]
 *
 * A test is a subject, as in "core_sparse", or a subject with a kind of memory, as in
 * "pkeys.thp". Each file of this folder says at its head what its subjects are.
 *
 * Needs root, the driver of kunit/gup_rig.h, swap, and a file system with direct I/O in
 * the directory that it is started in. Run it alone: pins of others would be counted. It
 * changes settings of the system, takes memory offline, and puts all back.
 */
#include <string.h>
#include "lib_options.h"
#include "lib_table.h"
#include "cases.h"

/* Memory that fork() has a child share, in folios of each size. */
static bool is_cow(const struct io_kind *k)
{
	return !k->file && !k->shared && !k->hugetlb;
}

static bool is_any(const struct io_kind *k)
{
	return !k->file;
}

static bool is_plain(const struct io_kind *k)
{
	return !k->file && !k->hugetlb && strcmp(k->name, "thp_ptes");
}

/* Of one page, and of many. */
static bool is_anon_or_thp(const struct io_kind *k)
{
	return !strcmp(k->name, "anon") || !strcmp(k->name, "thp");
}

static bool is_poisonable(const struct io_kind *k)
{
	return !strcmp(k->name, "anon") || !strcmp(k->name, "memfd") ||
	       !strcmp(k->name, "hugetlb") || !strcmp(k->name, "memfd_hugetlb");
}

static const struct table_test tests[] = {
	TABLE_TEST(half_page_clear_refs, is_cow),
	TABLE_TEST(half_page_pageout, is_cow),
	TABLE_TEST(half_page_fixed, is_cow),
	TABLE_TEST(core, is_any),
	TABLE_TEST(core_sparse, NULL),
	TABLE_TEST(core_guard, NULL),
	TABLE_TEST(core_hugetlb, NULL),
	TABLE_TEST(core_killed, NULL),
	TABLE_TEST(numa_hint, is_cow),
	TABLE_TEST(movable, is_plain),
	TABLE_TEST(movable_busy, is_anon_or_thp),
	TABLE_TEST(movable_twice, NULL),
	TABLE_TEST(pkeys, is_any),
	TABLE_TEST(memlock, NULL),
	TABLE_TEST(mlock, NULL),
	TABLE_TEST(hugetlb_counts, NULL),
	TABLE_TEST(hugetlb_unmapped, NULL),
	TABLE_TEST(hugetlb_dontneed, NULL),
	TABLE_TEST(hugetlb_dontneed_pinned, NULL),
	TABLE_TEST(hugetlb_dontneed_got, NULL),
	TABLE_TEST(hugetlb_short, NULL),
	TABLE_TEST(hugetlb_memfd, NULL),
	TABLE_TEST(memcg_killed, NULL),
	TABLE_TEST(memcg_unkillable, NULL),
	TABLE_TEST(memcg_longterm, is_anon_or_thp),
	TABLE_TEST(memcg_hugetlb, NULL),
	TABLE_TEST(memcg_hugetlb_memfd, NULL),
	TABLE_TEST(memfd_collapse, NULL),
	TABLE_TEST(growsdown, NULL),
	TABLE_TEST(poison, is_poisonable),
	TABLE_TEST(eof_disk, NULL),
	TABLE_TEST(eof_tmpfs, NULL),
	{ 0 }
};

static void prepare(void)
{
	/* Four to map, as many for a child, and one to spare. */
	io_prepare(9);
	core_prepare();
	numa_prepare();
}

static const struct table table = {
	.usage = { "gup_cases", NULL, table_options }, .tests = tests, .rig = true,
	.prepare = prepare,
};

int main(int argc, char **argv)
{
	return run_table(&table, argc, argv);
}
