// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU plugin: counts exactly what a guest executes of the listed functions, in
 * periods that the guest itself marks. Works with TCG only, in QEMU 7.2 and newer.
 *
 * -plugin FILE.so,LIST,out=FILE[,marker=NAME], LIST being one of
 *   calls=FILE   "ADDRESS NAME" a line: how often the instruction at ADDRESS was
 *                executed. One NAME may have several addresses.
 *   insns=FILE   "START END NAME" a line: how many instructions in [START, END)
 *                were executed. Two ranges may be the same, but not overlap in part.
 * Addresses are virtual, in hexadecimal. Each execution of the first instruction of
 * NAME, which has to be in the list, ends a period. Out comes, for each period,
 *   period NUMBER
 *   NAME COUNT           only what is not zero, in the order of the alphabet
 * and in the end "end PERIODS"; what has no such line is cut off.
 * The execution that marks is counted in the period that it begins.
 *
 * An instruction is counted before it runs: one that faults and is repeated counts
 * each time, and so does each round of a string instruction with a REP prefix.
 *
 * build: gcc -O2 -shared -fPIC -o tcg_count.so tcg_count.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
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
	size_t slot;
};

static struct range *ranges;
static size_t nr_ranges;

/* One slot for each name. */
static char **names;
static size_t nr_slots;
static size_t marker = SIZE_MAX;

/*
 * Each virtual CPU has counters of its own, which only it writes and which only
 * grow, so that nothing is lost between threads; a period is a difference.
 */
static __u64 **counts;
static unsigned int nr_vcpus;
static __u64 *reported;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long period;
static FILE *out;

static bool complain(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "gup: tcg_count: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	return false;
}

static void count(unsigned int vcpu, void *data)
{
	__u64 *counter = &counts[vcpu][(size_t)data];

	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static void write_period(void)
{
	unsigned int vcpu;
	size_t slot;

	fprintf(out, "period %lu\n", period++);
	for (slot = 0; slot < nr_slots; slot++) {
		__u64 sum = 0;

		for (vcpu = 0; vcpu < nr_vcpus; vcpu++)
			sum += __atomic_load_n(&counts[vcpu][slot], __ATOMIC_RELAXED);
		if (sum != reported[slot])
			fprintf(out, "%s %llu\n", names[slot], sum - reported[slot]);
		reported[slot] = sum;
	}
	fflush(out);
}

static void mark(unsigned int vcpu, void *data)
{
	pthread_mutex_lock(&lock);
	write_period();
	pthread_mutex_unlock(&lock);
}

static void finish(__u64 id, void *data)
{
	pthread_mutex_lock(&lock);
	write_period();
	fprintf(out, "end %lu\n", period);
	if (ferror(out) | fclose(out))
		complain("what was counted could not be written: %s", strerror(errno));
	pthread_mutex_unlock(&lock);
}

/* The first range that ends behind an address. */
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

static void instrument(struct qemu_plugin_insn *insn, const struct range *range)
{
	if (range->slot == marker && range->start == qemu_plugin_insn_vaddr(insn))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, QEMU_PLUGIN_CB_NO_REGS, NULL);
	qemu_plugin_register_vcpu_insn_exec_cb(insn, count, QEMU_PLUGIN_CB_NO_REGS,
					       (void *)range->slot);
}

/* Most blocks hold nothing that is listed: they are left as they are. */
static void translated(__u64 id, struct qemu_plugin_tb *tb)
{
	size_t i, j, n = qemu_plugin_tb_n_insns(tb);

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
		for (size_t k = j; k < nr_ranges && ranges[k].start <= address; k++)
			instrument(insn, &ranges[k]);
	}
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

static int by_name(const void *a, const void *b)
{
	const struct range *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static int by_address(const void *a, const void *b)
{
	const struct range *one = a, *other = b;

	return one->start < other->start ? -1 : one->start > other->start;
}

static bool assign_slots(const char *marker_name)
{
	size_t i;

	names = calloc(nr_ranges, sizeof(*names));
	if (!names)
		return complain("no memory");
	qsort(ranges, nr_ranges, sizeof(*ranges), by_name);
	for (i = 0; i < nr_ranges; i++) {
		if (!i || strcmp(ranges[i].name, ranges[i - 1].name))
			names[nr_slots++] = ranges[i].name;
		ranges[i].slot = nr_slots - 1;
		if (marker_name && !strcmp(ranges[i].name, marker_name))
			marker = ranges[i].slot;
	}
	if (marker_name && marker == SIZE_MAX)
		return complain("marker=%s is not in the list", marker_name);
	return true;
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

static bool make_counters(int vcpus)
{
	int i;

	nr_vcpus = vcpus > 0 ? vcpus : 1;
	counts = calloc(nr_vcpus, sizeof(*counts));
	reported = calloc(nr_slots, sizeof(*reported));
	if (!counts || !reported)
		return complain("no memory");
	for (i = 0; i < (int)nr_vcpus; i++) {
		/* No cache line of two CPUs. */
		counts[i] = calloc(nr_slots + 8, sizeof(**counts));
		if (!counts[i])
			return complain("no memory");
	}
	return true;
}

enum { CALLS, INSNS, MARKER, OUT, NR_KEYS };

static bool parse_arguments(int argc, char **argv, const char **values)
{
	static const char *const keys[] = { "calls=", "insns=", "marker=", "out=" };
	int i, key;

	for (i = 0; i < argc; i++) {
		for (key = 0; key < NR_KEYS; key++)
			if (!strncmp(argv[i], keys[key], strlen(keys[key])))
				break;
		if (key == NR_KEYS)
			return complain("unknown argument %s", argv[i]);
		values[key] = argv[i] + strlen(keys[key]);
	}
	if (!values[CALLS] == !values[INSNS] || !values[OUT])
		return complain("want calls=FILE or insns=FILE, and out=FILE");
	return true;
}

static bool prepare(int argc, char **argv, int vcpus)
{
	const char *values[NR_KEYS] = {}, *list;

	if (!parse_arguments(argc, argv, values))
		return false;
	list = values[CALLS] ? values[CALLS] : values[INSNS];
	if (!read_ranges(list, values[INSNS]) || !assign_slots(values[MARKER]) ||
	    !sort_ranges(list) || !make_counters(vcpus))
		return false;
	out = fopen(values[OUT], "we");
	return out || complain("%s: %s", values[OUT], strerror(errno));
}

int qemu_plugin_install(__u64 id, const struct qemu_info *info, int argc, char **argv)
{
	if (!prepare(argc, argv, info->system.max_vcpus))
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
