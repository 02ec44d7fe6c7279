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
 * NAME, which must be in the list, ends a period. The output has, for each period,
 *   period NUMBER
 *   NAME COUNT           only what is not zero, in the order of the alphabet
 * and in the end "end PERIODS"; what has no such line is cut off.
 * The execution that marks is counted in the period that it begins.
 *
 * An instruction is counted before it runs: one that faults and is repeated counts
 * each time, and so does each round of a string instruction with a REP prefix.
 *
 * build: scripts/tcg/build.sh count
 */
#include "plugin.h"
#include <pthread.h>

/* One slot for each name. */
static char **names;
static size_t nr_slots;
static size_t marker = SIZE_MAX;

/*
 * Each virtual CPU has its own counters, which only it writes and which only
 * grow, so that nothing is lost between threads; a period is a difference.
 */
static __u64 **counts;
static unsigned int nr_vcpus;
static __u64 *reported;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long period;
static FILE *out;

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

static void instrument(struct qemu_plugin_insn *insn, const struct range *range)
{
	if (range->slot == marker && range->start == qemu_plugin_insn_vaddr(insn))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, QEMU_PLUGIN_CB_NO_REGS, NULL);
	qemu_plugin_register_vcpu_insn_exec_cb(insn, count, QEMU_PLUGIN_CB_NO_REGS,
					       (void *)range->slot);
}

static void translated(__u64 id, struct qemu_plugin_tb *tb)
{
	for_listed_insns(tb, instrument);
}

static int by_name(const void *a, const void *b)
{
	const struct range *one = a, *other = b;

	return strcmp(one->name, other->name);
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

static bool prepare(int argc, char **argv, int vcpus)
{
	static const char *const keys[] = { "calls=", "insns=", "marker=", "out=" };
	const char *values[NR_KEYS] = {}, *list;

	if (!parse_arguments(argc, argv, keys, NR_KEYS, values))
		return false;
	if (!values[CALLS] == !values[INSNS] || !values[OUT])
		return complain("want calls=FILE or insns=FILE, and out=FILE");
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
