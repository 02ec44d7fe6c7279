// SPDX-License-Identifier: GPL-2.0
/* See lib_table.h. */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "kselftest.h"
#include "lib_table.h"

char *table_filter = "*";

const struct gup_option table_options[] = {
	TABLE_FILTER,
	{ 0 }
};

/* What a test that failed has not given back the kernel may give back later. */
static void come_to_rest(const struct gup_pins *before)
{
	int i;

	for (i = 0; i < 40 && !io_expect_out("at rest", before, 0); i++)
		usleep(50000);
}

/* What a test does after it was skipped would pass, or fail, as the skip. */
static bool judge_skip(bool good)
{
	char then[200];

	if (!io_outcome->skipped || (!good && !strcmp(io_outcome->why, gup_why())))
		return good;
	snprintf(then, sizeof(then), "%s", good ? "passed" : gup_why());
	io_outcome->skipped = false;
	return gup_fails("skipped, but went on: %s; then: %s", io_outcome->why, then);
}

/* A skip, too, ends by itself and leaves no pin. Says why if it did not end well. */
static bool ended_well(const char *name, int status, const struct gup_pins *before)
{
	if (WIFSIGNALED(status))
		ksft_print_msg("%s: signal %d\n", name, WTERMSIG(status));
	else if (WEXITSTATUS(status) && !io_outcome->skipped)
		ksft_print_msg("%s: %s\n", name, io_outcome->why);
	else if (!io_expect_out("when all is over", before, 0))
		ksft_print_msg("%s: %s\n", name, gup_why());
	else
		return true;
	return false;
}

static bool do_test(const struct table_test *test, const struct io_kind *kind)
{
	return test->run_with ? test->run_with(kind, test->with) : test->run(kind);
}

static bool run_child(const struct table_test *test, const struct io_kind *kind, int *status)
{
	pid_t pid = fork();
	bool good;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		good = judge_skip(do_test(test, kind));
		fflush(stdout);
		snprintf(io_outcome->why, sizeof(io_outcome->why), "%s", gup_why());
		_exit(!good);
	}
	return (pid > 0 && waitpid(pid, status, 0) == pid) || io_fails("fork");
}

static void run_test(const struct table_test *test, const struct io_kind *kind,
		     const char *name)
{
	struct gup_pins before;
	int status = 0;
	bool good;

	*io_outcome = (struct io_outcome) { 0 };
	fflush(stdout);
	if (!io_pins(&before) || !run_child(test, kind, &status)) {
		ksft_print_msg("%s: %s\n", name, gup_why());
		ksft_test_result_fail("%s\n", name);
		return;
	}
	good = ended_well(name, status, &before);
	if (!good)
		come_to_rest(&before);
	if (good && io_outcome->skipped)
		ksft_test_result_skip("%s: %s\n", name, io_outcome->why);
	else
		ksft_test_result(good, "%s\n", name);
}

/* Runs it if it was chosen, or only says so. */
static bool one_test(const struct table_test *test, const struct io_kind *kind, bool run)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", test->name, kind ? "." : "",
		 kind ? kind->name : "");
	if (fnmatch(table_filter, name, 0))
		return false;
	if (run)
		run_test(test, kind, name);
	return true;
}

static unsigned int each_test(const struct table *table, bool run)
{
	const struct table_test *test;
	unsigned int nr = 0;
	size_t k;

	for (test = table->tests; test->name; test++) {
		if (!test->about)
			nr += one_test(test, NULL, run);
		for (k = 0; test->about && k < IO_NR_KINDS; k++)
			if (test->about(&io_kinds[k]))
				nr += one_test(test, &io_kinds[k], run);
	}
	return nr;
}

static void need_rig(void)
{
	int device = gup_open();

	if (device < 0)
		ksft_exit_skip("%s\n", gup_why());
	close(device);
	io_root = true;
}

int run_table(const struct table *table, int argc, char **argv)
{
	unsigned int chosen;

	gup_parse_options(&table->usage, argc, argv);
	if (table->check)
		table->check(&table->usage);
	chosen = each_test(table, false);
	if (!chosen) {
		fprintf(stderr, "%s: --filter %s: no test has such a name\n",
			table->usage.program, table_filter);
		return KSFT_FAIL;
	}
	io_outcome = mmap(NULL, sizeof(*io_outcome), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (io_outcome == MAP_FAILED)
		ksft_exit_fail_perror("mmap");
	ksft_print_header();
	if (table->rig)
		need_rig();
	ksft_set_plan(chosen);
	if (table->prepare)
		table->prepare();
	each_test(table, true);
	if (!ksft_get_fail_cnt() && !ksft_get_pass_cnt()) {
		ksft_print_cnts();
		return KSFT_SKIP;
	}
	ksft_finished();
}
