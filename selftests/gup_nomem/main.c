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

#define WRITE		GUP_RIG_FOLL_WRITE
#define LONGTERM	GUP_RIG_FOLL_LONGTERM

static bool try_kind(const struct io_kind *kind, const void *trial)
{
	struct trial t = *(const struct trial *)trial;

	t.kind = kind;
	return try_all(&t);
}

/* A trial with each kind of memory, by each function. */
#define TRY(...)	.run_with = try_kind, .with = &(const struct trial) { __VA_ARGS__ }

static bool try_call(const struct io_kind *kind, const void *trial)
{
	struct trial t = *(const struct trial *)trial;

	return each_allocation(&t);
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

static bool test_cow_remote(const struct io_kind *kind)
{
	const struct trial t = {
		MEMORY(make_shared), .kind = kind, .gup_flags = WRITE | LONGTERM, BY_PAGE,
	};

	return try_sharer(&t);
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
	/* Page tables of each level, what reverse mapping wants, and the pages. */
	{ "tables", TRY(MEMORY(make_far), .gup_flags = WRITE, BY_PAGE) },
	/* A huge page that is not to be had becomes small ones; for its table there is none. */
	{ "tables_thp", TRY(MEMORY(make_far_thp), .gup_flags = WRITE, BY_PAGE) },
	/* Pages only. */
	{ "dropped", TRY(MEMORY(make_dropped), .gup_flags = WRITE, BY_PAGE), .about = is_dropped },
	/* What is there is taken without locks, and is not lost when the rest cannot be had. */
	{ "half_dropped", TRY(MEMORY(make_half_dropped), .gup_flags = WRITE,
			      .may = SHORT, .must = SHORT), .about = is_dropped },
	/* The huge zero page has a table put aside, too. */
	{ "zero", TRY(MEMORY(make_dropped), BY_PAGE), .about = is_thp },
	TABLE_TEST(hole, is_shared),
	TABLE_TEST(hole_memfd, is_shared),
	{ "swapped", TRY(MEMORY(make_swapped), BY_PAGE), .about = is_small_anon },
	/* A page that a child shares is copied before it is written to. */
	{ "cow", TRY(MEMORY(make_shared), .gup_flags = WRITE, BY_PAGE), .about = is_anon },
	TABLE_TEST(cow_remote, is_anon),
	{ "cow_file", TRY(MEMORY(make_kind), .gup_flags = WRITE | GUP_RIG_FOLL_FORCE, BY_PAGE),
	  .about = is_file },
	/* It is copied before it is pinned for long, too. */
	{ "unshare", TRY(MEMORY(make_shared), .gup_flags = LONGTERM, BY_PAGE),
	  .about = is_private },
	/* A file has put no table aside. */
	{ "split", TRY(MEMORY(make_kind), .gup_flags = GUP_RIG_FOLL_SPLIT_PMD, BY_PAGE),
	  .about = is_memfd_thp },
	TABLE_TEST(movable, is_plain),
	{ "madv_populate_write", .run_with = try_call, .with = &populate_write_trial },
	{ "madv_populate_read", .run_with = try_call, .with = &populate_read_trial },
	{ "mlock", .run_with = try_call, .with = &mlock_trial },
	{ "map_populate", .run_with = try_call, .with = &map_populate_trial },
	{ "direct_read", .run_with = try_call, .with = &direct_read_trial },
	{ 0 }
};

static const struct gup_option options[] = {
	TABLE_FILTER,
	{ "--loud", NULL, "the kernel logs which allocations fail", .flag = &loud },
	{ 0 }
};

static void prepare(void)
{
	/* Two to map, two copies, and one to spare. */
	io_prepare(5);
	inject_prepare(loud);
	gup_stay_on_one_cpu();
}

static const struct table table = {
	.usage = { "gup_nomem", NULL, options }, .tests = tests, .rig = true, .prepare = prepare,
};

int main(int argc, char **argv)
{
	return run_table(&table, argc, argv);
}
