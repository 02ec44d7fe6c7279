/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What main() of a GUP selftest has to add to kselftest_harness.h, which is content
 * when nothing at all was tested.
 */
#ifndef LIB_GUP_HARNESS_H
#define LIB_GUP_HARNESS_H

#include "kselftest_harness.h"
#include "lib_gup.h"

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

/* All that main() of a program without options does. */
static inline int gup_run_harness(int argc, char **argv)
{
	int status = gup_check_start(argc, argv);

	return status == KSFT_PASS ? test_harness_run(argc, argv) : status;
}

#endif /* LIB_GUP_HARNESS_H */
