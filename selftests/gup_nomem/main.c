// SPDX-License-Identifier: GPL-2.0
/*
 * gup_nomem - each allocation below a call of GUP fails
 *
 * usage: gup_nomem [--filter GLOB] [--loud]
 *
 * A test makes memory on which GUP has to allocate, and calls: first without a failure,
 * then with the first allocation failing, then with the second, until none is left that
 * could fail; and all of it once more, with those behind it failing, too. Whichever it is:
 * the call returns the pages in front of it, or -ENOMEM, and holds these and no more;
 * nothing else has changed, so that the same call then gives all pages with the right
 * contents.
 *
 * Needs root, the driver of kunit/gup_rig.h, swap, a file system with direct I/O in
 * $TMPDIR or /tmp, and a kernel with fault injection: CONFIG_FAILSLAB,
 * CONFIG_FAIL_PAGE_ALLOC and CONFIG_FAULT_INJECTION_DEBUG_FS. Run it alone: pins of others
 * would be counted. --loud has the kernel log where it lets an allocation fail.
 */
#include <stdio.h>
#include <string.h>
#include "lib_movable.h"
#include "lib_options.h"
#include "lib_table.h"
#include "nomem.h"

/* Page by page, up to the one for which there is no memory. */
#define BY_PAGE		.may = NOMEM | SHORT, .must = NOMEM | SHORT
/* All pages, or none. */
#define AT_ONCE		.may = NOMEM, .must = NOMEM

#define MEMORY(how)	.make = how, .check = check_contents, .drop = drop_memory

#define WRITE		GUP_RIG_FOLL_WRITE
#define LONGTERM	GUP_RIG_FOLL_LONGTERM

/* Page tables of each level, what reverse mapping wants, and the pages. */
static bool test_tables(const struct io_kind *kind)
{
	const struct trial t = { MEMORY(make_far), .gup_flags = WRITE, BY_PAGE };

	return try_all(&t);
}

/* A huge page that is not to be had becomes small ones; a table to put aside has no substitute. */
static bool test_tables_thp(const struct io_kind *kind)
{
	const struct trial t = { MEMORY(make_far_thp), .gup_flags = WRITE, BY_PAGE };

	return try_all(&t);
}

/* Pages only. */
static bool test_dropped(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_dropped), .kind = kind, .gup_flags = WRITE, BY_PAGE,
	};

	return try_all(&t);
}

/* What is there is taken without locks, and is not lost when the rest cannot be had. */
static bool test_half_dropped(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_half_dropped), .kind = kind, .gup_flags = WRITE,
		.may = SHORT, .must = SHORT,
	};

	return try_all(&t);
}

/* The huge zero page has a table put aside, too. */
static bool test_zero(const struct io_kind *kind)
{
	const struct trial t = { MEMORY(make_dropped), .kind = kind, BY_PAGE };

	return try_all(&t);
}

static bool test_hole(const struct io_kind *kind)
{
	struct trial t = { MEMORY(make_hole), .kind = kind, .gup_flags = WRITE, BY_PAGE };

	/* What cannot be put into the page cache of hugetlbfs is SIGBUS for the fault. */
	if (kind->hugetlb) {
		t.may = SHORT | BUS;
		t.must = SHORT | BUS;
	}
	return try_all(&t);
}

static bool test_hole_memfd(const struct io_kind *kind)
{
	const struct trial t = { MEMORY(make_hole), .kind = kind, AT_ONCE };

	return try_memfd(&t);
}

static bool test_swapped(const struct io_kind *kind)
{
	const struct trial t = { MEMORY(make_swapped), .kind = kind, BY_PAGE };

	return try_all(&t);
}

/* A page that a child shares is copied before it is written to. */
static bool test_cow(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_shared), .kind = kind, .gup_flags = WRITE, BY_PAGE,
	};

	return try_all(&t);
}

static bool test_cow_remote(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_shared), .kind = kind, .gup_flags = WRITE | LONGTERM, BY_PAGE,
	};

	return try_sharer(&t);
}

static bool test_cow_file(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_kind), .kind = kind, .gup_flags = WRITE | GUP_RIG_FOLL_FORCE, BY_PAGE,
	};

	return try_all(&t);
}

/* It is copied before it is pinned for long, too. */
static bool test_unshare(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_shared), .kind = kind, .gup_flags = LONGTERM, BY_PAGE,
	};

	return try_all(&t);
}

/* A file has put no table aside. */
static bool test_split(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_kind), .kind = kind, .gup_flags = GUP_RIG_FOLL_SPLIT_PMD, BY_PAGE,
	};

	return try_all(&t);
}

/* All pages are there, but have to move. */
static bool move_out(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_kind), .kind = kind, .gup_flags = WRITE | LONGTERM, AT_ONCE,
	};

	return try_all(&t);
}

static bool test_movable(const struct io_kind *kind)
{
	return movable_run(move_out, kind);
}

static bool is(const struct io_kind *k, const char *name)
{
	return !strcmp(k->name, name);
}

/* Pages of hugetlb come out of the pool: to copy them takes no allocation. */
static bool is_anon(const struct io_kind *k)
{
	return !k->file && !k->shared && !k->hugetlb;
}

static bool is_small_anon(const struct io_kind *k)
{
	return is(k, "anon") || is(k, "mthp_64k");
}

/* To use what was reserved for hugetlb takes an allocation. */
static bool is_dropped(const struct io_kind *k)
{
	return !k->file && !k->shared && !is(k, "thp_ptes");
}

static bool is_private(const struct io_kind *k)
{
	return !k->shared && !k->hugetlb;
}

static bool is_shared(const struct io_kind *k)
{
	return k->shared;
}

static bool is_file(const struct io_kind *k)
{
	return k->file;
}

static bool is_thp(const struct io_kind *k)
{
	return is(k, "thp");
}

static bool is_memfd_thp(const struct io_kind *k)
{
	return is(k, "memfd_thp");
}

static bool is_plain(const struct io_kind *k)
{
	return !k->file && !k->hugetlb;
}

static const struct table_test tests[] = {
	{ "tables", test_tables, NULL },
	{ "tables_thp", test_tables_thp, NULL },
	{ "dropped", test_dropped, is_dropped },
	{ "half_dropped", test_half_dropped, is_dropped },
	{ "zero", test_zero, is_thp },
	{ "hole", test_hole, is_shared },
	{ "hole_memfd", test_hole_memfd, is_shared },
	{ "swapped", test_swapped, is_small_anon },
	{ "cow", test_cow, is_anon },
	{ "cow_remote", test_cow_remote, is_anon },
	{ "cow_file", test_cow_file, is_file },
	{ "unshare", test_unshare, is_private },
	{ "split", test_split, is_memfd_thp },
	{ "movable", test_movable, is_plain },
	{ "madv_populate_write", test_madv_populate_write, NULL },
	{ "madv_populate_read", test_madv_populate_read, NULL },
	{ "mlock", test_mlock, NULL },
	{ "map_populate", test_map_populate, NULL },
	{ "direct_read", test_direct_read, NULL },
};

static const struct gup_option options[] = {
	TABLE_FILTER,
	{ "--loud", NULL, "the kernel logs which allocations fail", .flag = &loud },
	{ 0 }
};

static const struct gup_usage usage = { "gup_nomem", NULL, options };

static void prepare(void)
{
	/* Two to map, two copies, and one to spare. */
	io_prepare(5);
	inject_prepare(loud);
	gup_stay_on_one_cpu();
}

int main(int argc, char **argv)
{
	const struct table table = {
		.usage = &usage, .tests = tests, .nr = ARRAY_SIZE(tests),
		.rig = true, .prepare = prepare,
	};

	return run_table(&table, argc, argv);
}
