// SPDX-License-Identifier: GPL-2.0
/* Memory of each kind, and a look at what the kernel has really given. */
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/kernel-page-flags.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include "../lib_knobs.h"
#include "kit.h"

#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define HUGETLB		"/sys/kernel/mm/hugepages/"
#define PFN_MASK	(BIT_OF(55) - 1)
#define BIT_OF(nr)	(1ULL << (nr))
#define PRESENT		63

static size_t page;	/* bytes */

const char *kit_size_name(size_t size, char *name, size_t len)
{
	const char *unit = "K";

	size /= KB;
	if (size % KB == 0) {
		size /= KB;
		unit = "M";
	}
	if (size % KB == 0) {
		size /= KB;
		unit = "G";
	}
	snprintf(name, len, "%zu%s", size, unit);
	return name;
}

static void add_kind(struct kit_memory **kinds, size_t *nr, enum kit_how how, size_t folio,
		     const char *suffix)
{
	struct kit_memory *m;
	char size[24];

	*kinds = realloc(*kinds, (*nr + 1) * sizeof(**kinds));
	if (!*kinds)
		kit_die(KIT_FAIL, "no memory");
	m = &(*kinds)[(*nr)++];
	memset(m, 0, sizeof(*m));
	m->how = how;
	m->folio = folio;
	m->parts = 1;
	snprintf(m->name, sizeof(m->name), "%s%s", kit_size_name(folio, size, sizeof(size)),
		 suffix);
}

/* The sizes in the names that match, in bytes, ascending. Returns how many. */
static size_t sizes_of(const char *pattern, size_t *sizes, size_t max)
{
	size_t i, j, size, nr = 0;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (i = 0; i < found.gl_pathc && nr < max; i++) {
		size = strtoul(strstr(found.gl_pathv[i], "hugepages-") + 10, NULL, 10) * KB;
		for (j = nr++; j && sizes[j - 1] > size; j--)
			sizes[j] = sizes[j - 1];
		sizes[j] = size;
	}
	globfree(&found);
	return nr;
}

static size_t pmd_size(void)
{
	char line[32];

	if (!kit_read_line(THP "hpage_pmd_size", line, sizeof(line)))
		return 0;
	return strtoul(line, NULL, 10);
}

size_t kit_memory_kinds(struct kit_memory **kinds)
{
	size_t sizes[32], nr, i, n = 0, pmd = pmd_size();

	page = sysconf(_SC_PAGESIZE);
	*kinds = NULL;
	add_kind(kinds, &n, KIT_SMALL, page, " pages");
	/* Some sizes are of shmem only, and have no such file. */
	nr = sizes_of(THP "hugepages-*kB/enabled", sizes, ARRAY_SIZE(sizes));
	for (i = 0; i < nr; i++)
		if (sizes[i] < pmd)
			add_kind(kinds, &n, KIT_THP, sizes[i], " mTHP");
	if (pmd) {
		add_kind(kinds, &n, KIT_THP_PTES, pmd, " THP by PTEs");
		add_kind(kinds, &n, KIT_THP, pmd, " THP by PMD");
	}
	nr = sizes_of(HUGETLB "hugepages-*kB", sizes, ARRAY_SIZE(sizes));
	for (i = 0; i < nr; i++)
		add_kind(kinds, &n, KIT_HUGETLB, sizes[i], " hugetlb");
	return n;
}

static bool fails(struct kit_memory *m, const char *format, ...) __printf(2, 3);
static bool fails(struct kit_memory *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->absent, sizeof(m->absent), format, args);
	va_end(args);
	return false;
}

static void never(const char *path)
{
	knob_write(path, "never");
}

/* Only folios of this size from now on, until knobs_restore(). */
static bool only_this_size(struct kit_memory *m)
{
	char path[128];

	knobs_keep(THP "hugepages-*kB/enabled");
	knobs_each(THP "hugepages-*kB/enabled", never);
	snprintf(path, sizeof(path), THP "hugepages-%zukB/enabled", m->folio / KB);
	return knob_write(path, "madvise") || fails(m, "%s cannot be set to madvise", path);
}

/*
 * hugetlb pages enough in the pool. When its size is put back, at the end, those in use stay,
 * as surplus, until they are unmapped.
 */
static bool fill_pool(struct kit_memory *m)
{
	unsigned long want = (m->len + m->folio - 1) / m->folio, have, unused;
	char path[128], text[32];

	snprintf(path, sizeof(path), HUGETLB "hugepages-%zukB/free_hugepages", m->folio / KB);
	unused = kit_read_line(path, text, sizeof(text)) ? strtoul(text, NULL, 10) : 0;
	snprintf(path, sizeof(path), HUGETLB "hugepages-%zukB/resv_hugepages", m->folio / KB);
	if (kit_read_line(path, text, sizeof(text)))
		unused -= strtoul(text, NULL, 10);
	if (unused >= want)
		return true;
	snprintf(path, sizeof(path), HUGETLB "hugepages-%zukB/nr_hugepages", m->folio / KB);
	if (!kit_read_line(path, text, sizeof(text)))
		return fails(m, "%s cannot be read", path);
	have = strtoul(text, NULL, 10);
	knobs_keep(path);
	snprintf(text, sizeof(text), "%lu", have + want - unused);
	if (!knob_write(path, text) || !kit_read_line(path, text, sizeof(text)) ||
	    strtoul(text, NULL, 10) < have + want - unused)
		return fails(m, "%lu more cannot be had: boot with hugepagesz=%zuM hugepages=%lu",
			     want - unused, m->folio / MB, want);
	return true;
}

static bool map(struct kit_memory *m)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	size_t align = 2 * MB > m->folio ? 2 * MB : m->folio;
	char *room;

	if (m->how == KIT_HUGETLB) {
		m->map = mmap(NULL, m->len, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB |
			      __builtin_ctzl(m->folio) << MAP_HUGE_SHIFT, -1, 0);
	} else {
		/* Inaccessible memory stays around it, so that it is a VMA of its own. */
		room = mmap(NULL, m->len + 2 * align, PROT_NONE, flags, -1, 0);
		if (room == MAP_FAILED)
			return fails(m, "mmap: %m");
		room = (char *)(((uintptr_t)room + align) & -align);
		m->map = mmap(room, m->len, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0);
	}
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		return fails(m, "mmap: %m");
	}
	return true;
}

static void store(char *p)
{
	__atomic_store_n(p, 1, __ATOMIC_RELAXED);
}

/* Each part by the CPU that will use it, so that it lies on its node. */
static void touch(struct kit_memory *m)
{
	size_t part = m->len / m->parts, i;
	unsigned int cpu;

	for (cpu = 0; cpu < m->parts; cpu++) {
		kit_on_cpu(cpu);
		for (i = 0; i < part && !kit_stopped(); i += page)
			store(m->map + cpu * part + i);
	}
	kit_on_cpu(0);
}

/*
 * One page of each folio gets another protection and its own again: that splits what maps the
 * folio, not the folio.
 */
static bool map_by_ptes(struct kit_memory *m)
{
	size_t i;

	for (i = 0; i < m->len; i += m->folio) {
		if (mprotect(m->map + i, page, PROT_READ) ||
		    mprotect(m->map + i, page, PROT_READ | PROT_WRITE))
			return fails(m, "mprotect: %m");
		/* Or the page stays write-protected, which GUP would have to fault for. */
		store(m->map + i);
	}
	return true;
}

static bool fill(struct kit_memory *m)
{
	bool good = true;

	if (m->how == KIT_HUGETLB) {
		good = fill_pool(m) && map(m);
		if (good)
			touch(m);
		return good;
	}
	if (!map(m))
		return false;
	if (m->how == KIT_SMALL) {
		/* Without THP in the kernel there is nothing to advise. */
		madvise(m->map, m->len, MADV_NOHUGEPAGE);
		touch(m);
		return true;
	}
	good = only_this_size(m);
	if (good && madvise(m->map, m->len, MADV_HUGEPAGE))
		good = fails(m, "madvise: %m");
	if (good)
		touch(m);
	/* Not for folios that are there, but for khugepaged, which would make larger ones. */
	if (good && madvise(m->map, m->len, MADV_NOHUGEPAGE))
		good = fails(m, "madvise: %m");
	return good && (m->how != KIT_THP_PTES || map_by_ptes(m));
}

/* Of page i of @nr in a folio: what kpageflags has to say. */
static bool is_page_of(const struct kit_memory *m, __u64 flags, size_t i)
{
	__u64 compound = flags & (BIT_OF(KPF_COMPOUND_HEAD) | BIT_OF(KPF_COMPOUND_TAIL));
	bool hugetlb = flags & BIT_OF(KPF_HUGE);

	if (m->folio == page)
		return !compound;
	return hugetlb == (m->how == KIT_HUGETLB) &&
	       compound == BIT_OF(i ? KPF_COMPOUND_TAIL : KPF_COMPOUND_HEAD);
}

/* Consecutive pages, aligned, of one folio, which is not larger either. */
static bool is_folio(const struct kit_memory *m, int flags_fd, const __u64 *entries, size_t nr,
		     __u64 *flags)
{
	__u64 pfn = entries[0] & PFN_MASK, behind;
	size_t i;

	if (!pfn || pfn % (m->folio / page) ||
	    pread(flags_fd, flags, nr * 8, pfn * 8) != (ssize_t)(nr * 8))
		return false;
	for (i = 0; i < nr; i++)
		if (!(entries[i] & BIT_OF(PRESENT)) || (entries[i] & PFN_MASK) != pfn + i ||
		    !is_page_of(m, flags[i], i))
			return false;
	if (nr * page < m->folio)
		return true;
	/* What lies behind the last page of memory cannot be read, nor be a part of it. */
	return pread(flags_fd, &behind, 8, (pfn + nr) * 8) != 8 ||
	       !(behind & BIT_OF(KPF_COMPOUND_TAIL));
}

/* How many folios of @m are not what they should be; -1: cannot tell. */
static long wrong_folios(const struct kit_memory *m)
{
	size_t unit = m->folio < m->len ? m->folio : m->len, nr = unit / page, i;
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int flags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	__u64 *entries = kit_alloc(nr * 8), *flags = kit_alloc(nr * 8);
	long wrong = pagemap < 0 || flags_fd < 0 ? -1 : 0;

	for (i = 0; wrong >= 0 && i < m->len; i += unit) {
		if (pread(pagemap, entries, nr * 8, ((uintptr_t)m->map + i) / page * 8) !=
		    (ssize_t)(nr * 8))
			wrong = -1;
		else if (!is_folio(m, flags_fd, entries, nr, flags))
			wrong++;
	}
	free(entries);
	free(flags);
	close(pagemap);
	close(flags_fd);
	return wrong;
}

/* Bytes of @m that leaves of the PMD map, as AnonHugePages of smaps has it; -1: cannot tell. */
static long mapped_by_pmd(const struct kit_memory *m)
{
	uintptr_t from = (uintptr_t)m->map, to = from + m->len, start, end;
	FILE *smaps = fopen("/proc/self/smaps", "re");
	bool ours = false;
	char line[512];
	long sum = -1, kb;

	if (!smaps)
		return -1;
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			ours = start < to && end > from;
		else if (ours && sscanf(line, "AnonHugePages: %ld kB", &kb) == 1)
			sum = (sum < 0 ? 0 : sum) + kb * (long)KB;
	}
	fclose(smaps);
	return sum;
}

bool kit_memory_check(struct kit_memory *m)
{
	long wrong = wrong_folios(m), by_pmd;

	if (wrong < 0)
		return fails(m, "no pagemap or kpageflags (CONFIG_PROC_PAGE_MONITOR)");
	if (wrong)
		return fails(m, "%ld of %zu folios are of another kind (memory is fragmented?)",
			     wrong, m->len / (m->folio < m->len ? m->folio : m->len));
	if (m->how != KIT_THP && m->how != KIT_THP_PTES)
		return true;
	by_pmd = mapped_by_pmd(m);
	if (by_pmd != (m->how == KIT_THP && m->folio == pmd_size() ? (long)m->len : 0))
		return fails(m, "%ld of %zu kB are mapped by PMDs", by_pmd / (long)KB, m->len / KB);
	return true;
}

/*
 * Pinned for long once before the look: that moves pages out of CMA and of movable zones, so
 * that no sample pays for it.
 */
bool kit_memory_make(struct kit_memory *m)
{
	bool good = fill(m);

	knobs_restore();
	good = good && kit_gup_checked(KIT_PIN_LONG, m->map, m->len, m->len / page, m->absent) &&
	       kit_memory_check(m);
	if (!good)
		kit_memory_free(m);
	return good;
}

void kit_memory_free(struct kit_memory *m)
{
	/* Of hugetlb whole pages are mapped. */
	size_t unit = m->how == KIT_HUGETLB ? m->folio : page;

	if (m->map)
		munmap(m->map, (m->len + unit - 1) / unit * unit);
	m->map = NULL;
}
