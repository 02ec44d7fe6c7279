/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the plugins for QEMU share: the part of QEMU's interface that they use, and lists
 * of address ranges. Each plugin is one source file, compiled with this.
 */
#ifndef TCG_PLUGIN_H
#define TCG_PLUGIN_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

/*
 * What is used of QEMU's plugin API. Debian ships no header for it. All this is the
 * same in each version of the API up to 5 (QEMU 10.1).
 */
struct qemu_plugin_tb;
struct qemu_plugin_insn;

struct qemu_info {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus;
		int max_vcpus;
	} system;
};

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*translated_fn)(__u64 id, struct qemu_plugin_tb *tb);
typedef void (*executed_fn)(unsigned int vcpu, void *data);
typedef void (*exit_fn)(__u64 id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(__u64 id, translated_fn fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_fn fn,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_atexit_cb(__u64 id, exit_fn fn, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
__u64 qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
int qemu_plugin_install(__u64 id, const struct qemu_info *info, int argc, char **argv);

/*
 * QEMU 7.2 knows versions up to 1, and 9.0 and newer none below 2, which is what
 * brought the scoreboards.
 */
int qemu_plugin_version = 1;

static void __attribute__((constructor)) choose_version(void)
{
	if (dlsym(RTLD_DEFAULT, "qemu_plugin_scoreboard_new"))
		qemu_plugin_version = 2;
}

struct range {
	__u64 start, end;
	char *name;
	size_t slot;		/* the plugin's own */
};

/* Sorted by address, once sort_ranges() has been there. */
static struct range *ranges;
static size_t nr_ranges;

static bool complain(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "gup: plugin of QEMU: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	return false;
}

static bool parse_range(char *line, bool with_end, struct range *range)
{
	char *rest;

	line[strcspn(line, "\n")] = 0;
	range->start = strtoull(line, &rest, 16);
	range->end = range->start + 1;
	if (rest == line)
		return false;
	if (with_end) {
		line = rest;
		range->end = strtoull(line, &rest, 16);
		if (rest == line)
			return false;
	}
	if (*rest++ != ' ' || !*rest || strchr(rest, ' ') || range->end <= range->start)
		return false;
	range->name = strdup(rest);
	return range->name;
}

static bool read_ranges(const char *path, bool with_end)
{
	FILE *list = fopen(path, "re");
	char line[1024];
	void *more;

	if (!list)
		return complain("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), list)) {
		if (!(nr_ranges & (nr_ranges - 1))) {
			more = realloc(ranges, (nr_ranges ? nr_ranges * 2 : 1) * sizeof(*ranges));
			if (!more)
				return complain("no memory");
			ranges = more;
		}
		if (!parse_range(line, with_end, &ranges[nr_ranges]))
			return complain("%s:%zu: want \"%s NAME\"", path, nr_ranges + 1,
					with_end ? "START END" : "ADDRESS");
		nr_ranges++;
	}
	fclose(list);
	return nr_ranges || complain("%s: no function in it", path);
}

static int by_address(const void *a, const void *b)
{
	const struct range *one = a, *other = b;

	return one->start < other->start ? -1 : one->start > other->start;
}

static bool sort_ranges(const char *path)
{
	size_t i;

	qsort(ranges, nr_ranges, sizeof(*ranges), by_address);
	for (i = 1; i < nr_ranges; i++) {
		const struct range *one = &ranges[i - 1], *other = &ranges[i];

		/* One address may have several names. */
		if (other->start < one->end &&
		    (other->start != one->start || other->end != one->end))
			return complain("%s: %s and %s overlap", path, one->name, other->name);
	}
	return true;
}

/* The first range that ends after an address. */
static size_t range_from(__u64 address)
{
	size_t low = 0, high = nr_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Most blocks hold nothing that is listed: they are left as they are. */
static void for_listed_insns(struct qemu_plugin_tb *tb,
			     void (*fn)(struct qemu_plugin_insn *insn, const struct range *range))
{
	size_t i, j, k, n = qemu_plugin_tb_n_insns(tb);

	for (i = 0, j = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		__u64 address = qemu_plugin_insn_vaddr(insn);

		if (!i)
			j = range_from(address);
		while (j < nr_ranges && ranges[j].end <= address)
			j++;
		if (j == nr_ranges)
			break;
		/* Several names of one address lie side by side. */
		for (k = j; k < nr_ranges && ranges[k].start <= address; k++)
			fn(insn, &ranges[k]);
	}
}

/* "key=value" each, keys[] with the "="; what is not given stays NULL. */
static bool parse_arguments(int argc, char **argv, const char *const *keys, int nr_keys,
			    const char **values)
{
	int i, key;

	for (i = 0; i < argc; i++) {
		for (key = 0; key < nr_keys; key++)
			if (!strncmp(argv[i], keys[key], strlen(keys[key])))
				break;
		if (key == nr_keys)
			return complain("unknown argument %s", argv[i]);
		values[key] = argv[i] + strlen(keys[key]);
	}
	return true;
}

#endif /* TCG_PLUGIN_H */
