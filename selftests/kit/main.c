// SPDX-License-Identifier: GPL-2.0
/*
 * gup-bench - times get_user_pages() and pin_user_pages() on the machine it runs on
 *
 * One static program for both kernels of the kit, base and series: it must not be built
 * twice, or more would differ than the kernel. "run" measures and writes a record, "table"
 * compares two of them. run.c has the list of what is measured.
 */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../lib_knobs.h"
#include "kit.h"

static const char usage[] =
"usage: gup-bench run [-o FILE] [-r ROUNDS] [-s MB] [-m MS] [-q]\n"
"       gup-bench table BASE SERIES\n"
"       gup-bench --help | --version\n"
"\n"
"run measures GUP on this machine and writes a record. Needs root, debugfs and a kernel\n"
"with CONFIG_GUP_TEST. Changes huge page settings while it runs and puts them back, also\n"
"after SIGINT, SIGTERM and SIGHUP. Let the machine be idle.\n"
"  -o FILE    where the record goes (default: stdout)\n"
"  -r ROUNDS  samples of each row, 3 to 1000 (default: 11)\n"
"  -s MB      megabytes of each kind of memory, a power of two, 2 to 1024 (default: 256)\n"
"  -m MS      milliseconds that a sample takes at least, 1 to 10000 (default: 10)\n"
"  -q         quick, to try it: -r 3 -s 32 -m 2\n"
"\n"
"table prints two records side by side, in Markdown: BASE, SERIES and their quotient.\n"
"It refuses records of different machines, settings or versions of this program.\n"
"\n"
"exit status: 0 done, 1 measuring failed or was interrupted, 2 bad usage or records that\n"
"cannot be read or compared, 4 this kernel or user cannot measure (it says what is missing)\n";

struct kit_options kit_options = { .rounds = 11, .size = 256 * MB, .sample_us = 10000 };

void kit_die(enum kit_status status, const char *format, ...)
{
	va_list args;

	fputs("gup-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	knobs_restore();
	exit(status);
}

void *kit_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		kit_die(KIT_FAIL, "no memory");
	return p;
}

static bool stopped;

static void on_signal(int signal)
{
	(void)signal;
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
}

bool kit_stopped(void)
{
	return __atomic_load_n(&stopped, __ATOMIC_RELAXED);
}

/* Without SA_RESTART: what sleeps or waits is to come back. */
static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

static unsigned long to_number(char option, const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < min || n > max)
		kit_die(KIT_USAGE, "-%c %s: want a number from %lu to %lu: see gup-bench --help",
			option, text, min, max);
	return n;
}

static size_t megabytes(const char *text)
{
	unsigned long n = to_number('s', text, 2, 1024);

	if (n & (n - 1))
		kit_die(KIT_USAGE, "-s %s: not a power of two: see gup-bench --help", text);
	return n * MB;
}

static enum kit_status run_command(int argc, char **argv)
{
	const char *file = NULL;
	int option;

	opterr = 0;
	while ((option = getopt(argc, argv, "+:o:r:s:m:q")) != -1) {
		switch (option) {
		case 'o':
			file = optarg;
			break;
		case 'r':
			kit_options.rounds = to_number('r', optarg, 3, 1000);
			break;
		case 's':
			kit_options.size = megabytes(optarg);
			break;
		case 'm':
			kit_options.sample_us = 1000 * to_number('m', optarg, 1, 10000);
			break;
		case 'q':
			kit_options.rounds = 3;
			kit_options.size = 32 * MB;
			kit_options.sample_us = 2000;
			break;
		case ':':
			kit_die(KIT_USAGE, "-%c wants a value: see gup-bench --help", optopt);
		default:
			kit_die(KIT_USAGE, "run: unknown option %s: see gup-bench --help",
				argv[optind - 1]);
		}
	}
	if (optind < argc)
		kit_die(KIT_USAGE, "run: %s: unexpected: see gup-bench --help", argv[optind]);
	catch_signals();
	return kit_run(file);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "--help") || !strcmp(what, "-h")) {
		fputs(usage, stdout);
		return KIT_PASS;
	}
	if (!strcmp(what, "--version")) {
		puts("gup-bench " KIT_VERSION);
		return KIT_PASS;
	}
	if (!strcmp(what, "run"))
		return run_command(argc - 1, argv + 1);
	if (strcmp(what, "table"))
		kit_die(KIT_USAGE, "use run or table: see gup-bench --help");
	if (argc != 4)
		kit_die(KIT_USAGE, "table wants two records: see gup-bench --help");
	return kit_table(argv[2], argv[3]);
}
