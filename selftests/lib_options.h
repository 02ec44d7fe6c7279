/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of a program: its options in one table, which is also its usage. */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include "kselftest.h"

/**
 * struct gup_option - what may be on the command line, and where it goes
 * @name: "--seed"
 * @value: what the usage calls its value, NULL if it has none
 * @help: the rest of its line in the usage
 * @number: a value that is a number goes here,
 * @text: one that is not, here;
 * @flag: without a value: set to true
 */
struct gup_option {
	const char *name;
	const char *value;
	const char *help;
	unsigned long *number;
	char **text;
	bool *flag;
};

/**
 * struct gup_usage - a program's command line
 * @program: its name
 * @rest: what else it takes: "options of the harness"; NULL: nothing
 * @options: ends with a name that is NULL
 */
struct gup_usage {
	const char *program;
	const char *rest;
	const struct gup_option *options;
};

/*
 * The options come off, the others stay in argv, in their order. Returns how many those
 * are, with the name of the program. Does not return from --help or what it does not
 * know: options begin with two dashes.
 */
int gup_parse_options(const struct gup_usage *usage, int argc, char **argv);
/* What is wrong, then the usage, and exit. */
__noreturn void gup_bad_usage(const struct gup_usage *usage, const char *what,
			      const char *value);

#endif /* LIB_OPTIONS_H */
