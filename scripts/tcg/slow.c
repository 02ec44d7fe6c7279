// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU plugin: lets virtual CPUs linger in the listed places, so that the others come
 * into windows of a few instructions. Works with TCG only (thread=multi), in QEMU 7.2
 * and newer.
 *
 * -plugin FILE.so,in=FILE[,every=N][,us=N]
 *   in=FILE      "START END NAME" a line: virtual addresses in hexadecimal, not
 *                overlapping
 *   every=N      one in N instructions there takes longer, at random (default: 64);
 *                where NAME ends in /N, that N
 *   us=N         by up to N microseconds (default: 5000)
 * How long is a matter of the virtual CPU's own random numbers, the same in each run;
 * when the CPUs meet is not.
 *
 * build: scripts/tcg/build.sh slow
 */
#include "plugin.h"
#include <time.h>

/* A cache line each. */
struct vcpu {
	__u64 random;
	__u64 pad[7];
};

static struct vcpu *vcpus;
static unsigned long every = 64, longest = 5000;

static __u64 draw(struct vcpu *vcpu)
{
	vcpu->random ^= vcpu->random << 13;
	vcpu->random ^= vcpu->random >> 7;
	vcpu->random ^= vcpu->random << 17;
	return vcpu->random >> 16;
}

static void linger(unsigned int index, void *data)
{
	struct vcpu *vcpu = &vcpus[index];
	struct timespec time = {};

	if (draw(vcpu) % (unsigned long)data)
		return;
	time.tv_nsec = draw(vcpu) % (longest * 1000);
	nanosleep(&time, NULL);
}

static void instrument(struct qemu_plugin_insn *insn, const struct range *range)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, linger, QEMU_PLUGIN_CB_NO_REGS,
					       (void *)range->slot);
}

static void translated(__u64 id, struct qemu_plugin_tb *tb)
{
	for_listed_insns(tb, instrument);
}

static bool parse_number(const char *text, unsigned long most, unsigned long *number)
{
	char *rest;

	if (!text)
		return true;
	*number = strtoul(text, &rest, 10);
	return (rest != text && !*rest && *number && *number <= most) ||
	       complain("%s: want a number from 1 to %lu", text, most);
}

static bool assign_rates(void)
{
	size_t i;

	for (i = 0; i < nr_ranges; i++) {
		const char *slash = strchr(ranges[i].name, '/');

		ranges[i].slot = every;
		if (slash && !parse_number(slash + 1, 1000000, &ranges[i].slot))
			return false;
	}
	return true;
}

static bool make_vcpus(int nr)
{
	int i;

	vcpus = calloc(nr, sizeof(*vcpus));
	if (!vcpus)
		return complain("no memory");
	for (i = 0; i < nr; i++)
		vcpus[i].random = (i + 1) * 0x9e3779b97f4a7c15ULL;
	return true;
}

enum { IN, EVERY, US, NR_KEYS };

static bool prepare(int argc, char **argv, int nr_vcpus)
{
	static const char *const keys[] = { "in=", "every=", "us=" };
	const char *values[NR_KEYS] = {};

	if (!parse_arguments(argc, argv, keys, NR_KEYS, values))
		return false;
	if (!values[IN])
		return complain("want in=FILE");
	return parse_number(values[EVERY], 1000000, &every) &&
	       parse_number(values[US], 999999, &longest) &&
	       read_ranges(values[IN], true) && sort_ranges(values[IN]) &&
	       assign_rates() && make_vcpus(nr_vcpus > 0 ? nr_vcpus : 1);
}

int qemu_plugin_install(__u64 id, const struct qemu_info *info, int argc, char **argv)
{
	if (!prepare(argc, argv, info->system.max_vcpus))
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
