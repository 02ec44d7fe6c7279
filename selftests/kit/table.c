// SPDX-License-Identifier: GPL-2.0
/* gup-bench table: two records side by side. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kit.h"

#define NR_FIELDS	12	/* of the longest line */

struct fact {
	char *name, *value;
};

/* A line of a record. Those of two records belong together if their keys are the same. */
struct entry {
	char *section, *memory, *call, *pages, *cpus, *folios;
	char *absent;		/* or NULL, and then: */
	struct kit_quartiles q;
};

struct record {
	const char *file;
	struct fact *facts;
	struct entry *entries;
	size_t nr_facts, nr_entries;
};

/* May differ between two boots of one machine. What is not named here may not. */
static const char *const may_differ[] = { "kernel", "build", "load", "date" };

static bool differs_by_right(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(may_differ); i++)
		if (!strcmp(name, may_differ[i]))
			return true;
	return false;
}

static void bad_line(const struct record *r, size_t line, const char *what)
{
	kit_die(KIT_USAGE, "%s:%zu: %s: not a record of gup-bench run, or damaged", r->file, line,
		what);
}

static size_t split(char *line, char **fields)
{
	size_t nr = 0;
	char *tab;

	while (nr < NR_FIELDS) {
		fields[nr++] = line;
		tab = strchr(line, '\t');
		if (!tab)
			return nr;
		*tab = 0;
		line = tab + 1;
	}
	return nr + 1;
}

static bool to_ns(const char *text, double *ns)
{
	char *end;

	*ns = strtod(text, &end);
	return end != text && !*end && isfinite(*ns) && *ns >= 0;
}

static void *grown(void *array, size_t nr, size_t size)
{
	/* Doubled at each power of two. */
	if (nr & (nr - 1))
		return array;
	array = realloc(array, (nr ? 2 * nr : 1) * size);
	if (!array)
		kit_die(KIT_FAIL, "no memory");
	return array;
}

static void add_fact(struct record *r, size_t line, char *text)
{
	char *fields[NR_FIELDS];

	if (split(text, fields) != 2)
		bad_line(r, line, "a fact has a name and a value");
	r->facts = grown(r->facts, r->nr_facts, sizeof(*r->facts));
	r->facts[r->nr_facts++] = (struct fact){ fields[0], fields[1] };
}

static bool same_key(const struct entry *a, const struct entry *b)
{
	return !strcmp(a->section, b->section) && !strcmp(a->memory, b->memory) &&
	       !strcmp(a->call, b->call) && !strcmp(a->pages, b->pages) &&
	       !strcmp(a->cpus, b->cpus) && !strcmp(a->folios, b->folios);
}

static const struct entry *find(const struct record *r, const struct entry *e)
{
	size_t i;

	for (i = 0; i < r->nr_entries; i++)
		if (same_key(&r->entries[i], e))
			return &r->entries[i];
	return NULL;
}

static void add_entry(struct record *r, size_t line, char **fields, size_t nr)
{
	bool absent = !strcmp(fields[0], "absent");
	struct entry e = {
		.section = fields[1], .memory = fields[2], .call = fields[3],
		.pages = fields[4], .cpus = fields[5], .folios = fields[6],
	};

	if (nr != (absent ? 8 : 11))
		bad_line(r, line, "a row of another length");
	if (absent)
		e.absent = fields[7];
	else if (!to_ns(fields[8], &e.q.median) || !to_ns(fields[9], &e.q.low) ||
		 !to_ns(fields[10], &e.q.high) || e.q.low > e.q.median || e.q.median > e.q.high)
		bad_line(r, line, "not a median between its quartiles");
	if (find(r, &e))
		bad_line(r, line, "a row for the second time");
	r->entries = grown(r->entries, r->nr_entries, sizeof(*r->entries));
	r->entries[r->nr_entries++] = e;
}

static char *read_all(const char *file)
{
	FILE *in = fopen(file, "re");
	char *text = NULL;
	size_t len = 0;

	if (!in)
		kit_die(KIT_USAGE, "%s: %m", file);
	errno = 0;
	if (getdelim(&text, &len, 0, in) < 0)
		kit_die(KIT_USAGE, "%s: %s", file, errno ? strerror(errno) : "is empty");
	fclose(in);
	return text;
}

/* What its program was killed over has no last line, and is refused. */
static void read_record(struct record *r, const char *file)
{
	char *fields[NR_FIELDS], *rest, *line;
	size_t number = 0, nr;
	bool ended = false;

	r->file = file;
	rest = read_all(file);
	while ((line = strsep(&rest, "\n"))) {
		number++;
		if (!*line && !rest)
			break;
		if (ended)
			bad_line(r, number, "goes on behind its end");
		if (!strncmp(line, "# ", 2)) {
			add_fact(r, number, line + 2);
			continue;
		}
		nr = split(line, fields);
		if (!strcmp(fields[0], "row") || !strcmp(fields[0], "absent")) {
			add_entry(r, number, fields, nr);
		} else if (!strcmp(fields[0], "end") && nr == 2 && r->nr_entries &&
			   strtoul(fields[1], NULL, 10) == r->nr_entries) {
			ended = true;
		} else {
			bad_line(r, number, "neither a fact nor a row, or rows are missing");
		}
	}
	if (!ended)
		bad_line(r, number, "has no end");
}

static const char *value_of(const struct record *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nr_facts; i++)
		if (!strcmp(r->facts[i].name, name))
			return r->facts[i].value;
	return "not said";
}

/* Refuses what cannot be compared, with all reasons. */
static void compare_facts(const struct record *base, const struct record *series)
{
	size_t i, wrong = 0;
	const char *name, *value;

	if (strcmp(value_of(base, "gup-bench"), KIT_VERSION) ||
	    strcmp(value_of(series, "gup-bench"), KIT_VERSION))
		kit_die(KIT_USAGE, "versions: %s: %s, %s: %s, this program: " KIT_VERSION
			": measure both with one program", base->file,
			value_of(base, "gup-bench"), series->file, value_of(series, "gup-bench"));
	for (i = 0; i < base->nr_facts; i++) {
		name = base->facts[i].name;
		value = value_of(series, name);
		if (differs_by_right(name) || !strcmp(base->facts[i].value, value))
			continue;
		fprintf(stderr, "gup-bench: %s: %s: %s; %s: %s\n", name, base->file,
			base->facts[i].value, series->file, value);
		wrong++;
	}
	if (base->nr_facts != series->nr_facts)
		wrong++;
	if (wrong)
		kit_die(KIT_USAGE, "%zu facts differ: these two records cannot be compared", wrong);
}

static void print_facts(const struct record *base, const struct record *series)
{
	size_t i;

	puts("# GUP on this machine, base and series\n");
	if (strstr(value_of(base, "virtual"), "TCG"))
		puts("**Emulated by QEMU: these times mean nothing.** The kit works, no more.\n");
	else if (strcmp(value_of(base, "virtual"), "no"))
		puts("**A virtual machine**: its host may have had other work.\n");
	if (!strcmp(value_of(base, "build"), value_of(series, "build")))
		puts("**One kernel**: this is how far two of its boots differ.\n");
	puts("| | base | series |\n|---|---|---|");
	for (i = 0; i < base->nr_facts; i++)
		printf("| %s | %s | %s |\n", base->facts[i].name, base->facts[i].value,
		       value_of(series, base->facts[i].name));
	puts("\nNanoseconds a page: the median of all rounds and, in brackets, the quartiles,");
	puts("widened by what the clock cannot tell. With 1 page a call: nanoseconds a call.");
	puts("base / series: above 1 the series is faster. ~: the quartiles overlap, so that the");
	puts("difference lies within the spread.");
}

static void print_figure(const struct entry *e)
{
	if (!e)
		printf(" not in its record |");
	else if (e->absent)
		printf(" absent |");
	else
		printf(" %.2f [%.2f, %.2f] |", e->q.median, e->q.low, e->q.high);
}

static bool overlap(const struct kit_quartiles *a, const struct kit_quartiles *b)
{
	return a->low <= b->high && b->low <= a->high;
}

static void print_quotient(const struct entry *base, const struct entry *series)
{
	if (!base || !series || base->absent || series->absent || !(series->q.median > 0))
		puts(" |");
	else
		printf(" %s%.2f |\n", overlap(&base->q, &series->q) ? "~" : "",
		       base->q.median / series->q.median);
}

static void print_heading(const struct entry *e)
{
	static const char *const titles[][2] = {
		{ "calls", "one CPU" },
		{ "users", "one CPU, users of GUP (the series pins ranges for them)" },
		{ "cpus", "more than one CPU at the same time; time is that of each CPU" },
	};
	const char *title = e->section;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(titles); i++)
		if (!strcmp(e->section, titles[i][0]))
			title = titles[i][1];
	printf("\n## %s, %s\n\n", e->memory, title);
	if (!strcmp(e->section, "cpus"))
		puts("| call | pages a call | CPUs | folios | base | series | base / series |\n"
		     "|---|--:|--:|---|--:|--:|--:|");
	else
		puts("| call | pages a call | base | series | base / series |\n"
		     "|---|--:|--:|--:|--:|");
}

static void print_row(const struct entry *e, const struct entry *base, const struct entry *series)
{
	printf("| %s | %s |", e->call, e->pages);
	if (!strcmp(e->section, "cpus"))
		printf(" %s | %s |", e->cpus, e->folios);
	print_figure(base);
	print_figure(series);
	print_quotient(base, series);
}

/* The rows of one table come one after the other in a record. */
static void print_rows(const struct record *base, const struct record *series)
{
	const struct entry *e, *last = NULL;
	size_t i;

	for (i = 0; i < base->nr_entries; i++, last = e) {
		e = &base->entries[i];
		if (!last || strcmp(e->section, last->section) || strcmp(e->memory, last->memory))
			print_heading(e);
		print_row(e, e, find(series, e));
	}
	last = NULL;
	for (i = 0; i < series->nr_entries; i++) {
		e = &series->entries[i];
		if (find(base, e))
			continue;
		if (!last || strcmp(e->section, last->section) || strcmp(e->memory, last->memory))
			print_heading(e);
		print_row(e, NULL, e);
		last = e;
	}
}

/* Each reason once for each memory, not for each row. */
static size_t print_absent(const struct record *r, const char *side, size_t before)
{
	const struct entry *e, *last = NULL;
	size_t i, nr = 0;

	for (i = 0; i < r->nr_entries; i++) {
		e = &r->entries[i];
		if (!e->absent || (last && !strcmp(e->absent, last->absent) &&
				   !strcmp(e->memory, last->memory)))
			continue;
		if (!before && !nr++)
			puts("\n## Absent\n");
		printf("- %s, %s, %s: %s\n", side, e->memory, e->call, e->absent);
		last = e;
	}
	return before + nr;
}

enum kit_status kit_table(const char *base_file, const char *series_file)
{
	struct record base = {}, series = {};

	read_record(&base, base_file);
	read_record(&series, series_file);
	compare_facts(&base, &series);
	print_facts(&base, &series);
	print_rows(&base, &series);
	print_absent(&series, "series", print_absent(&base, "base", 0));
	if (fflush(stdout) || ferror(stdout))
		kit_die(KIT_FAIL, "the table cannot be written: %m");
	return KIT_PASS;
}
