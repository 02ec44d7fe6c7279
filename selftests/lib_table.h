/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program whose tests stand in a table. Each is run with nothing, or with each kind of
 * memory that it is about, as "name.kind": in a process of its own, at rest before and
 * after it, and no pin may be left.
 */
#ifndef LIB_TABLE_H
#define LIB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib_io.h"
#include "lib_options.h"

/**
 * struct table_test - one line of the table
 * @run: false: gup_why() says what is wrong, or with io_skip() what is missing. Who goes on
 *	after a skip fails
 * @about: which kinds of memory; NULL: it needs none, and @run gets NULL
 * @run_with: in the place of @run, of tests that differ only in what they do it with
 * @with: that
 */
struct table_test {
	const char *name;
	bool (*run)(const struct io_kind *kind);
	bool (*about)(const struct io_kind *kind);
	bool (*run_with)(const struct io_kind *kind, const void *with);
	const void *with;
};

/* test_@_name(), with the kinds of memory that it is @_about. */
#define TABLE_TEST(_name, _about) { .name = #_name, .run = test_##_name, .about = _about }

/**
 * struct table - a program
 * @usage: its name and options, among them TABLE_FILTER
 * @tests: ends with a name that is NULL
 * @rig: needs root and gup_rig: without them all is skipped
 * @check: of the options: what is wrong with them leads to gup_bad_usage(); or NULL
 * @prepare: for all tests, after the plan is out; or NULL
 */
struct table {
	struct gup_usage usage;
	const struct table_test *tests;
	bool rig;
	void (*check)(const struct gup_usage *usage);
	void (*prepare)(void);
};

extern char *table_filter;
#define TABLE_FILTER { \
	"--filter", "GLOB", "only the tests of this name, as in \"*.thp\"", .text = &table_filter }
/* Of a program that has no others. */
extern const struct gup_option table_options[];

/* All that main() does: takes the options, runs the tests and reports. The exit status. */
int run_table(const struct table *table, int argc, char **argv);

#endif /* LIB_TABLE_H */
