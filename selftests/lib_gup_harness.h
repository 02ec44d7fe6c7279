/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What main() of a GUP selftest has to add to kselftest_harness.h, which is content
 * when nothing at all was tested.
 */
#ifndef LIB_GUP_HARNESS_H
#define LIB_GUP_HARNESS_H

#include "kselftest_harness.h"
#include "lib_gup.h"
#include "lib_options.h"

/* FIXTURE_VARIANT_ADD() for a row of a table: the struct at @data is all of the variant. */
static inline void gup_add_variant(struct __fixture_metadata *fixture, const char *name,
				   const void *data)
{
	struct __fixture_variant_metadata *variant = calloc(1, sizeof(*variant));

	if (!variant)
		ksft_exit_fail_perror("calloc");
	variant->name = name;
	variant->data = data;
	__register_fixture_variant(fixture, variant);
}

static inline bool gup_any_test_chosen(int argc, char **argv)
{
	struct __fixture_variant_metadata no_variant = { .name = "" }, *v;
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (v = f->variant ?: &no_variant; v; v = v->next)
			for (t = f->tests; t; t = t->next)
				if (test_enabled(argc, argv, f, v, t))
					return true;
	return false;
}

/* KSFT_PASS: the arguments are the harness's and choose a test. Else it was said. */
static inline int gup_check_arguments(int argc, char **argv)
{
	int status;

	optind = 1;
	status = test_harness_argv_check(argc, argv);
	if (status != KSFT_PASS)
		return status;
	if (optind < argc) {
		fprintf(stderr, "%s: %s: no such option: see -h\n", argv[0], argv[optind]);
		return KSFT_FAIL;
	}
	if (!gup_any_test_chosen(argc, argv)) {
		fprintf(stderr, "%s: there is no such test: see -l\n", argv[0]);
		return KSFT_FAIL;
	}
	optind = 1;
	return KSFT_PASS;
}

/* The same; and gup_rig is there, else all is skipped, also when each test is. */
static inline int gup_check_start(int argc, char **argv)
{
	int status = gup_check_arguments(argc, argv), device;

	if (status != KSFT_PASS)
		return status;
	device = gup_open();
	if (device < 0) {
		ksft_print_header();
		ksft_exit_skip("%s\n", gup_why());
	}
	close(device);
	atexit(gup_exit_skipped_if_all_were);
	return KSFT_PASS;
}

/* The same for a program with options: how many arguments are left for the harness, or exit. */
static inline int gup_start(const struct gup_usage *usage, int argc, char **argv)
{
	int left = gup_parse_options(usage, argc, argv);
	int status = gup_check_start(left, argv);

	if (status != KSFT_PASS)
		exit(status);
	return left;
}

/* All that main() of a program without options does. */
static inline int gup_run_harness(int argc, char **argv)
{
	int status = gup_check_start(argc, argv);

	return status == KSFT_PASS ? test_harness_run(argc, argv) : status;
}

#endif /* LIB_GUP_HARNESS_H */
