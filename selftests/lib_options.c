// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kselftest.h"
#include "lib_options.h"

static const char *value_of(const struct gup_option *option)
{
	return option->value ?: "";
}

static void print_usage(const struct gup_usage *usage, FILE *out)
{
	const struct gup_option *option;
	int most = 0;

	fprintf(out, "usage: %s", usage->program);
	for (option = usage->options; option->name; option++) {
		int wide = fprintf(out, " [%s%s%s]", option->name,
				   option->value ? " " : "", value_of(option));

		if (wide > most)
			most = wide;
	}
	if (usage->rest)
		fprintf(out, " [%s]", usage->rest);
	fprintf(out, "\n");
	for (option = usage->options; option->name; option++)
		fprintf(out, "  %s %-*s%s\n", option->name,
			most - (int)strlen(option->name) - 2, value_of(option),
			option->help);
	if (usage->rest)
		fprintf(out, "  %-*sthe %s\n", most - 1, "-h", usage->rest);
}

void gup_bad_usage(const struct gup_usage *usage, const char *what, const char *value)
{
	fprintf(stderr, "%s: %s %s: no such option or value\n", usage->program, what,
		value ?: "");
	print_usage(usage, stderr);
	exit(KSFT_FAIL);
}

static bool parse_number(const char *text, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoul(text, &end, 0);
	return !*end && !errno;
}

static bool take(const struct gup_option *option, char *value)
{
	if (option->flag)
		*option->flag = true;
	else if (option->number)
		return value && parse_number(value, option->number);
	else if (option->text)
		*option->text = value;
	return option->flag || value;
}

static const struct gup_option *find(const struct gup_usage *usage, const char *name)
{
	const struct gup_option *option;

	for (option = usage->options; option->name; option++)
		if (!strcmp(option->name, name))
			return option;
	return NULL;
}

int gup_parse_options(const struct gup_usage *usage, int argc, char **argv)
{
	int i, left = 1;

	for (i = 1; i < argc; i++) {
		const struct gup_option *option = find(usage, argv[i]);

		if (!strcmp(argv[i], "--help")) {
			print_usage(usage, stdout);
			exit(KSFT_PASS);
		}
		if (!option && usage->rest && strncmp(argv[i], "--", 2)) {
			argv[left++] = argv[i];
			continue;
		}
		if (!option || !take(option, argv[i + 1]))
			gup_bad_usage(usage, argv[i], argv[i + 1]);
		i += !option->flag;
	}
	argv[left] = NULL;
	return left;
}
