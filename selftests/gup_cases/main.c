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
	{ "half_page_clear_refs", test_half_page_clear_refs, is_cow },
	{ "half_page_pageout", test_half_page_pageout, is_cow },
	{ "half_page_fixed", test_half_page_fixed, is_cow },
	{ "core", test_core, is_any },
	{ "core_sparse", test_core_sparse, NULL },
	{ "core_guard", test_core_guard, NULL },
	{ "core_hugetlb", test_core_hugetlb, NULL },
	{ "core_killed", test_core_killed, NULL },
	{ "numa_hint", test_numa_hint, is_cow },
	{ "movable", test_movable, is_plain },
	{ "movable_busy", test_movable_busy, is_anon_or_thp },
	{ "movable_twice", test_movable_twice, NULL },
	{ "pkeys", test_pkeys, is_any },
	{ "memlock", test_memlock, NULL },
	{ "mlock", test_mlock, NULL },
	{ "hugetlb_counts", test_hugetlb_counts, NULL },
	{ "hugetlb_unmapped", test_hugetlb_unmapped, NULL },
	{ "hugetlb_dontneed", test_hugetlb_dontneed, NULL },
	{ "hugetlb_dontneed_pinned", test_hugetlb_dontneed_pinned, NULL },
	{ "hugetlb_dontneed_got", test_hugetlb_dontneed_got, NULL },
	{ "hugetlb_short", test_hugetlb_short, NULL },
	{ "hugetlb_memfd", test_hugetlb_memfd, NULL },
	{ "memcg_killed", test_memcg_killed, NULL },
	{ "memcg_unkillable", test_memcg_unkillable, NULL },
	{ "memcg_longterm", test_memcg_longterm, is_anon_or_thp },
	{ "memcg_hugetlb", test_memcg_hugetlb, NULL },
	{ "memcg_hugetlb_memfd", test_memcg_hugetlb_memfd, NULL },
	{ "growsdown", test_growsdown, NULL },
	{ "poison", test_poison, is_poisonable },
	{ "eof_disk", test_eof_disk, NULL },
	{ "eof_tmpfs", test_eof_tmpfs, NULL },
};

static const struct gup_option options[] = {
	TABLE_FILTER,
	{ 0 }
};

static const struct gup_usage usage = { "gup_cases", NULL, options };

static void prepare(void)
{
	/* Four to map, as many for a child, and one to spare. */
	io_prepare(9);
	core_prepare();
	numa_prepare();
}

int main(int argc, char **argv)
{
	const struct table table = {
		.usage = &usage, .tests = tests, .nr = ARRAY_SIZE(tests),
		.rig = true, .prepare = prepare,
	};

	return run_table(&table, argc, argv);
}
