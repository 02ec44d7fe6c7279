// SPDX-License-Identifier: GPL-2.0
/* The rows of a record: samples, and what is told of them. */
#include <stdlib.h>
#include <string.h>
#include "kit.h"

static struct kit_row **rows;
static size_t nr_rows;

struct kit_row *kit_new_row(const char *section, const char *memory, const char *call,
			    const char *pages, unsigned int cpus, const char *folios)
{
	struct kit_row *row = kit_alloc(sizeof(*row));

	row->section = section;
	snprintf(row->memory, sizeof(row->memory), "%s", memory);
	snprintf(row->call, sizeof(row->call), "%s", call);
	snprintf(row->pages, sizeof(row->pages), "%s", pages);
	row->cpus = cpus;
	row->folios = folios;
	row->ns = kit_alloc(kit_options.rounds * sizeof(*row->ns));
	rows = realloc(rows, (nr_rows + 1) * sizeof(*rows));
	if (!rows)
		kit_die(KIT_FAIL, "no memory");
	rows[nr_rows++] = row;
	return row;
}

void kit_row_add(struct kit_row *row, double ns, double resolution)
{
	if (row->absent[0] || row->nr == kit_options.rounds)
		return;
	row->ns[row->nr++] = ns;
	if (resolution > row->resolution)
		row->resolution = resolution;
}

void kit_row_absent(struct kit_row *row, const char *why)
{
	if (!row->absent[0])
		snprintf(row->absent, sizeof(row->absent), "%s", why);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between two samples: in proportion. */
static double quantile(const double *sorted, unsigned int nr, double part)
{
	double at = part * (nr - 1);
	unsigned int below = at;

	if (below + 1 >= nr)
		return sorted[nr - 1];
	return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

struct kit_quartiles kit_quartiles(double *samples, unsigned int nr)
{
	struct kit_quartiles q;

	qsort(samples, nr, sizeof(*samples), compare);
	q.low = quantile(samples, nr, 0.25);
	q.median = quantile(samples, nr, 0.5);
	q.high = quantile(samples, nr, 0.75);
	return q;
}

/*
 * The quartiles are as far apart as the samples are, and as the clock may be wrong: with
 * times as short as its unit all samples are the same, which says nothing.
 */
void kit_rows_write(FILE *out)
{
	struct kit_quartiles q;
	struct kit_row *row;
	size_t i;

	for (i = 0; i < nr_rows; i++) {
		row = rows[i];
		fprintf(out, "%s\t%s\t%s\t%s\t%s\t%u\t%s\t", row->absent[0] ? "absent" : "row",
			row->section, row->memory, row->call, row->pages, row->cpus, row->folios);
		if (row->absent[0]) {
			fprintf(out, "%s\n", row->absent);
			continue;
		}
		q = kit_quartiles(row->ns, row->nr);
		fprintf(out, "%u\t%.4f\t%.4f\t%.4f\n", row->nr, q.median,
			q.low > row->resolution ? q.low - row->resolution : 0,
			q.high + row->resolution);
	}
	fprintf(out, "end\t%zu\n", nr_rows);
}
