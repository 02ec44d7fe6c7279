// SPDX-License-Identifier: GPL-2.0
/* See lib_movable.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/kernel-page-flags.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include "lib_movable.h"

#define BLOCKS		"/sys/devices/system/memory/"
#define MAX_BLOCKS	4096
#define LOOKS		200

/* The one that is movable. */
static char block[64];

bool movable_set_state(const char *state)
{
	char path[128];
	unsigned int i;

	snprintf(path, sizeof(path), BLOCKS "%s/state", block);
	for (i = 0; i < LOOKS; i++) {
		if (gup_write_knob(path, state))
			return true;
		/* A page on its way keeps it busy. To count has each CPU do some work. */
		gup_pins_out();
	}
	return false;
}

static bool prefer_node_of_block(void)
{
	unsigned long nodes;
	char path[128];
	int node;

	for (node = 0; node < 8; node++) {
		snprintf(path, sizeof(path), BLOCKS "%s/node%d", block, node);
		nodes = 1UL << node;
		if (!access(path, F_OK))
			return !syscall(SYS_set_mempolicy, MPOL_PREFERRED, &nodes, 64UL) ||
			       io_fails("set_mempolicy");
	}
	return gup_fails("%s is on no node", block);
}

static unsigned long count_free(int flags, unsigned long first, unsigned long nr)
{
	unsigned long i, found = 0;
	__u64 *all = calloc(nr, sizeof(*all));
	size_t len = nr * sizeof(*all);

	if (!all || pread(flags, all, len, first * sizeof(*all)) != (ssize_t)len)
		len = 0;
	for (i = 0; i < len / sizeof(*all); i++)
		found += all[i] >> KPF_BUDDY & 1;
	free(all);
	return found;
}

/* The block with the least in it; of several the last one. */
static bool find_block(void)
{
	int flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC), i, best = -1;
	char path[128], size[32] = "";
	unsigned long pages, most = 0, now;

	if (flags < 0 || !gup_read_knob(BLOCKS "block_size_bytes", size, sizeof(size)))
		return io_skip("no blocks of memory");
	pages = strtoul(size, NULL, 16) / getpagesize();
	for (i = 1; i < MAX_BLOCKS; i++) {
		snprintf(path, sizeof(path), BLOCKS "memory%d/state", i);
		now = access(path, W_OK) ? 0 : count_free(flags, i * pages, pages);
		if (!now || now < most)
			continue;
		most = now;
		best = i;
	}
	close(flags);
	snprintf(block, sizeof(block), "memory%d", best);
	return best > 0 || io_skip("no block of memory is free");
}

/* It may be offline already: of somebody who stopped half-way. */
static bool make_normal(void)
{
	movable_set_state("offline");
	return movable_set_state("online_kernel");
}

bool movable_run(bool (*test)(const struct io_kind *kind), const struct io_kind *kind)
{
	bool taken = find_block() && movable_set_state("offline");
	bool good = taken && movable_set_state("online_movable") && prefer_node_of_block() &&
		    test(kind);
	char why[400];

	snprintf(why, sizeof(why), "%s", gup_why());
	if (taken && !make_normal()) {
		io_outcome->skipped = false;
		return false;
	}
	return good || gup_fails("%s", why);
}
