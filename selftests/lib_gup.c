// SPDX-License-Identifier: GPL-2.0
/* See lib_gup.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib_gup.h"
#include "lib_knobs.h"

#define NSEC_PER_SEC	1000000000ULL

#define FAULTS	.faults = true
#define WAITS	.faults = true, .waits = true

const struct gup_api gup_apis[GUP_RIG_NR_APIS] = {
	[GUP_RIG_API_GET] = { "get_user_pages", FAULTS },
	[GUP_RIG_API_GET_UNLOCKED] = { "get_user_pages_unlocked", WAITS },
	[GUP_RIG_API_GET_REMOTE] = { "get_user_pages_remote", FAULTS },
	[GUP_RIG_API_GET_FAST] = { "get_user_pages_fast", WAITS, .fast = true },
	[GUP_RIG_API_GET_FAST_ONLY] = { "get_user_pages_fast_only", .fast = true },
	[GUP_RIG_API_PIN] = { "pin_user_pages", FAULTS, .pins = true },
	[GUP_RIG_API_PIN_UNLOCKED] = { "pin_user_pages_unlocked", WAITS, .pins = true },
	[GUP_RIG_API_PIN_REMOTE] = { "pin_user_pages_remote", FAULTS, .pins = true },
	[GUP_RIG_API_PIN_FAST] = { "pin_user_pages_fast", WAITS, .pins = true, .fast = true },
	[GUP_RIG_API_MEMFD] = { "memfd_pin_folios", FAULTS, .pins = true },
	[GUP_RIG_API_POPULATE] = { "get_user_pages(NULL)", FAULTS },
	[GUP_RIG_API_FAULT] = { "fixup_user_fault", FAULTS },
	[GUP_RIG_API_PIN_RANGES] = { "pin_user_page_ranges_fast", WAITS, .pins = true,
				     .fast = true },
};

static __thread char why[512];

const char *gup_why(void)
{
	return why;
}

bool gup_fails(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return false;
}

static __u64 addr_of(const void *p)
{
	return (uintptr_t)p;
}

static __u64 pfn_of(__u64 entry)
{
	return entry & GUP_PM_PRESENT ? entry & GUP_PM_PFN : 0;
}

const char *gup_call_name(unsigned int api, __u64 gup_flags)
{
	static const char *const flags[] = {
		"WRITE", "FORCE", "LONGTERM", "NOFAULT", "NOWAIT", "DUMP", "ANON",
		"HWPOISON", "SPLIT_PMD", "PCI_P2PDMA", "INTERRUPTIBLE",
		"HONOR_NUMA_FAULT",
	};
	static __thread char name[256];
	const char *between = "";
	size_t i, len;

	len = snprintf(name, sizeof(name), "%s(", gup_apis[api].name);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!(gup_flags & 1ULL << i))
			continue;
		len += snprintf(name + len, sizeof(name) - len, "%s%s", between,
				flags[i]);
		between = "|";
	}
	snprintf(name + len, sizeof(name) - len, ")");
	return name;
}

static const char *call_name(const struct gup_call *c)
{
	return gup_call_name(c->run.api, c->run.gup_flags);
}

int gup_open(void)
{
	int fd = open(GUP_RIG_FILE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		gup_fails("%s: %s: needs root, debugfs and CONFIG_GUP_RIG",
			  GUP_RIG_FILE, strerror(errno));
	return fd;
}

bool gup_has_api(int fd, unsigned int api)
{
	struct gup_rig_run run = { .api = api, .nr_pages = 1, .repeat = 1 };

	return !ioctl(fd, GUP_RIG_RUN, &run) || errno != EINVAL;
}

void gup_call_init_bare(struct gup_call *c, int fd, unsigned int api,
			__u64 gup_flags, const void *mem, __u64 nr_pages)
{
	*c = (struct gup_call) {
		.fd = fd,
		.run = {
			.api = api,
			.gup_flags = gup_flags,
			.addr = addr_of(mem),
			.nr_pages = nr_pages,
			.repeat = 1,
		},
	};
}

bool gup_call_init(struct gup_call *c, int fd, unsigned int api, __u64 gup_flags,
		   const void *mem, __u64 nr_pages)
{
	gup_call_init_bare(c, fd, api, gup_flags, mem, nr_pages);
	c->records = calloc(nr_pages, sizeof(*c->records));
	if (!c->records)
		return gup_fails("no memory for %llu records", nr_pages);
	c->run.records = addr_of(c->records);
	c->run.nr_records = nr_pages;
	return true;
}

bool gup_call_init_memfd(struct gup_call *c, int fd, int memfd, __u64 gup_flags,
			 __u64 offset, __u64 nr_pages)
{
	if (!gup_call_init(c, fd, GUP_RIG_API_MEMFD, gup_flags, NULL, nr_pages))
		return false;
	c->run.addr = offset;
	c->run.fd = memfd;
	return true;
}

void gup_call_free(struct gup_call *c)
{
	free(c->records);
	c->records = NULL;
}

bool gup_run(struct gup_call *c)
{
	if (!ioctl(c->fd, GUP_RIG_RUN, &c->run))
		return true;
	return gup_fails("%s: GUP_RIG_RUN of %llu pages at %#llx: %s",
			 call_name(c), c->run.nr_pages, c->run.addr,
			 strerror(errno));
}

bool gup_drain(int fd, const void *mem)
{
	struct gup_call c;
	bool good;

	good = gup_call_init(&c, fd, GUP_RIG_API_GET, GUP_RIG_FOLL_NOFAULT, mem, 1) && gup_run(&c);
	gup_call_free(&c);
	return good;
}

long gup_result(const struct gup_call *c)
{
	return c->run.pages_done ? (long)c->run.pages_done : c->run.error;
}

bool gup_expect_result(const struct gup_call *c, long want)
{
	if (gup_result(c) == want)
		return true;
	return gup_fails("%s of %llu pages: result: wanted %ld, got %ld (%llu pages, error %d)",
			 call_name(c), c->run.nr_pages, want, gup_result(c),
			 c->run.pages_done, c->run.error);
}

static bool wrong_number(const struct gup_call *c, const char *what, __u64 got,
			 __u64 want)
{
	return gup_fails("%s: %s: wanted %llu, got %llu", call_name(c), what, want,
			 got);
}

static bool wrong_entry(const struct gup_call *c, unsigned long i, const char *what,
			long long got, long long want)
{
	return gup_fails("%s: entry %lu: %s: wanted %lld (%#llx), got %lld (%#llx)",
			 call_name(c), i, what, want, want, got, got);
}

static bool gives_pages(unsigned int api)
{
	return api != GUP_RIG_API_POPULATE && api != GUP_RIG_API_FAULT;
}

bool gup_expect_numbers(const struct gup_call *c)
{
	const struct gup_rig_run *run = &c->run;
	bool all = run->pages_done == run->nr_pages && !run->error;
	__u64 records;

	if (run->pages_done > run->nr_pages)
		return wrong_number(c, "more pages than asked for", run->pages_done,
				    run->nr_pages);
	if ((all && run->passes != run->repeat) || (!all && run->passes >= run->repeat))
		return wrong_number(c, "passes", run->passes, run->repeat);
	if (!run->calls)
		return wrong_number(c, "calls", run->calls, 1);
	if (!gives_pages(run->api))
		return true;
	if (run->api != GUP_RIG_API_MEMFD && run->entries != run->pages_done)
		return wrong_number(c, "entries", run->entries, run->pages_done);
	if (run->entries > run->pages_done)
		return wrong_number(c, "more entries than pages", run->entries,
				    run->pages_done);
	if (!c->records)
		return true;
	records = run->entries < run->nr_records ? run->entries : run->nr_records;
	if (run->records_done != records)
		return wrong_number(c, "records", run->records_done, records);
	return true;
}

/* MEMFD has one entry for a folio, so that none continues the one before. */
static bool continues(const struct gup_call *c, unsigned long i)
{
	const struct gup_rig_record *rec = &c->records[i];

	return c->run.api != GUP_RIG_API_MEMFD && rec[1].pfn == rec->pfn + 1 &&
	       rec[1].folio_pfn == rec->folio_pfn;
}

static bool expect_folio(const struct gup_call *c, unsigned long i)
{
	const struct gup_rig_record *rec = &c->records[i];
	bool large = rec->flags & GUP_RIG_REC_LARGE;
	__u64 pages;

	if (rec->folio_order > 20)
		return wrong_entry(c, i, "folio_order", rec->folio_order, 20);
	pages = 1ULL << rec->folio_order;
	if (rec->folio_pfn & (pages - 1))
		return wrong_entry(c, i, "folio_pfn is not aligned to its order",
				   rec->folio_pfn, rec->folio_pfn & ~(pages - 1));
	if (rec->folio_offset >= pages)
		return wrong_entry(c, i, "folio_offset is outside", rec->folio_offset,
				   pages - 1);
	if (rec->pfn != rec->folio_pfn + rec->folio_offset)
		return wrong_entry(c, i, "pfn", rec->pfn,
				   rec->folio_pfn + rec->folio_offset);
	if (large != !!rec->folio_order)
		return wrong_entry(c, i, "flag LARGE", large, !!rec->folio_order);
	return true;
}

static unsigned int run_wanted(const struct gup_call *c, unsigned long i)
{
	if (i + 1 == c->run.records_done || !continues(c, i))
		return 1;
	return c->records[i + 1].run + 1;
}

static unsigned int call_wanted(const struct gup_call *c, unsigned long i)
{
	__u64 per_call = c->run.pages_per_call ?: c->run.nr_pages;

	return i / per_call;
}

bool gup_expect_folios(const struct gup_call *c)
{
	unsigned long i;

	for (i = 0; i < c->run.records_done; i++) {
		const struct gup_rig_record *rec = &c->records[i];

		if (!expect_folio(c, i))
			return false;
		if (rec->run != run_wanted(c, i))
			return wrong_entry(c, i, "run", rec->run, run_wanted(c, i));
		/* The calls of a run with CONTINUE fall short anywhere. */
		if (c->run.api == GUP_RIG_API_MEMFD ||
		    (c->run.flags & GUP_RIG_RUN_CONTINUE))
			continue;
		if (rec->call != call_wanted(c, i))
			return wrong_entry(c, i, "call", rec->call, call_wanted(c, i));
	}
	return true;
}

/* How often the folio of entry @i is in the array. */
static int times_in_array(const struct gup_call *c, unsigned long i)
{
	unsigned long j;
	int times = 0;

	for (j = 0; j < c->run.records_done; j++)
		times += c->records[j].folio_pfn == c->records[i].folio_pfn;
	return times;
}

static int refs_gained(const struct gup_call *c, unsigned long i, int times)
{
	__u64 flags = c->records[i].flags;

	if (!gup_apis[c->run.api].pins)
		return times;
	/* The small zero page is never pinned. */
	if ((flags & GUP_RIG_REC_ZERO) && !(flags & GUP_RIG_REC_LARGE))
		return 0;
	return flags & GUP_RIG_REC_PINCOUNT ? times : times * GUP_PIN_BIAS;
}

/* Only of folios that have a pincount: elsewhere it is an estimate of references. */
static int pins_gained(const struct gup_call *c, unsigned long i, int times)
{
	if (!gup_apis[c->run.api].pins ||
	    !(c->records[i].flags & GUP_RIG_REC_PINCOUNT))
		return 0;
	return times;
}

int gup_refs_gained(const struct gup_call *c, unsigned long i)
{
	return refs_gained(c, i, times_in_array(c, i));
}

int gup_pins_gained(const struct gup_call *c, unsigned long i)
{
	return pins_gained(c, i, times_in_array(c, i));
}

static bool was_replaced(const struct gup_rig_record *rec)
{
	return (rec->flags & GUP_RIG_REC_BEFORE) && rec->before_pfn != rec->pfn;
}

/* References of page tables that the folio of entry @i lost: copies are mapped there. */
static int refs_lost(const struct gup_call *c, unsigned long i)
{
	const struct gup_rig_record *rec = &c->records[i];
	unsigned long j;
	int lost = 0;

	/* To have a zero page mapped costs no reference. */
	if (rec->flags & GUP_RIG_REC_ZERO)
		return 0;
	for (j = 0; j < c->run.records_done; j++)
		lost += was_replaced(&c->records[j]) &&
			c->records[j].before_pfn - rec->folio_pfn <
			1ULL << rec->folio_order;
	return lost;
}

static bool expect_gain(const struct gup_call *c, unsigned long i, int times, int lost)
{
	const struct gup_rig_record *rec = &c->records[i];
	int refs = rec->ref_before + refs_gained(c, i, times) - lost;
	int pins = rec->pin_before + pins_gained(c, i, times);

	if (!(rec->flags & GUP_RIG_REC_BEFORE) || rec->before_pfn != rec->pfn)
		return true;
	if (rec->ref_held != refs)
		return wrong_entry(c, i, "references while held", rec->ref_held, refs);
	if ((rec->flags & GUP_RIG_REC_PINCOUNT) && rec->pin_held != pins)
		return wrong_entry(c, i, "pins while held", rec->pin_held, pins);
	return true;
}

bool gup_expect_counts(const struct gup_call *c)
{
	unsigned long i;
	int times = 0, lost = 0;

	for (i = 0; i < c->run.records_done; i++) {
		if (!i || c->records[i].folio_pfn != c->records[i - 1].folio_pfn) {
			times = times_in_array(c, i);
			lost = refs_lost(c, i);
		}
		if (!expect_gain(c, i, times, lost))
			return false;
	}
	return true;
}

bool gup_expect_sound(const struct gup_call *c)
{
	return gup_expect_numbers(c) && gup_expect_folios(c) && gup_expect_counts(c);
}

bool gup_expect_restored(const struct gup_call *c)
{
	unsigned long i;

	for (i = 0; i < c->run.records_done; i++) {
		const struct gup_rig_record *rec = &c->records[i];
		const __u64 both = GUP_RIG_REC_BEFORE | GUP_RIG_REC_AFTER;

		if ((rec->flags & both) != both)
			return wrong_entry(c, i, "flags BEFORE and AFTER",
					   rec->flags & both, both);
		if (rec->before_pfn != rec->pfn)
			return wrong_entry(c, i, "pfn before", rec->before_pfn,
					   rec->pfn);
		if (rec->ref_after != rec->ref_before)
			return wrong_entry(c, i, "references after", rec->ref_after,
					   rec->ref_before);
		if (rec->pin_after != rec->pin_before)
			return wrong_entry(c, i, "pins after", rec->pin_after,
					   rec->pin_before);
	}
	return true;
}

/* References that the rest of the kernel has to a folio, if we know it; or -1. */
static int known_references(const struct gup_rig_record *rec)
{
	__u64 flags = rec->flags;

	if (flags & (GUP_RIG_REC_ZERO | GUP_RIG_REC_HUGETLB))
		return -1;
	if (flags & GUP_RIG_REC_ANON)
		return rec->mapcount + (flags & GUP_RIG_REC_SWAPCACHE ?
					1 << rec->folio_order : 0);
	if (flags & GUP_RIG_REC_SWAPBACKED)
		return rec->mapcount + (1 << rec->folio_order);
	return -1;
}

bool gup_expect_no_strangers(const struct gup_call *c)
{
	unsigned long i;
	int times = 0, known;

	for (i = 0; i < c->run.records_done; i++) {
		known = known_references(&c->records[i]);
		if (!i || c->records[i].folio_pfn != c->records[i - 1].folio_pfn)
			times = times_in_array(c, i);
		if (known < 0)
			continue;
		known += refs_gained(c, i, times);
		if (c->records[i].ref_held != known)
			return wrong_entry(c, i, "references while held, by what maps it",
					   c->records[i].ref_held, known);
	}
	return true;
}

/* Pages of the range that entry @i stands for, the first being number @page. */
static unsigned long entry_pages(const struct gup_call *c, unsigned long i,
				 unsigned long page)
{
	const struct gup_rig_record *rec = &c->records[i];
	unsigned long per_call = c->run.pages_per_call ?: c->run.nr_pages;
	unsigned long pages = (1UL << rec->folio_order) - rec->folio_offset;
	unsigned long left = c->run.pages_done - page;

	if (c->run.api != GUP_RIG_API_MEMFD)
		return 1;
	/* The next call gives the same folio again. */
	if (left > per_call - page % per_call)
		left = per_call - page % per_call;
	return pages < left ? pages : left;
}

static bool expect_pfns(const struct gup_call *c, const __u64 *entries)
{
	unsigned long i, j, n, page = 0;

	for (i = 0; i < c->run.records_done; i++) {
		n = entry_pages(c, i, page);
		for (j = 0; j < n; j++, page++) {
			__u64 got = c->records[i].pfn + j;

			if (got != pfn_of(entries[page]))
				return wrong_entry(c, i, "pfn, against pagemap", got,
						   pfn_of(entries[page]));
		}
	}
	return page == c->run.pages_done ||
	       wrong_number(c, "pages of all entries", page, c->run.pages_done);
}

bool gup_expect_mapped(const struct gup_call *c, const void *mem)
{
	__u64 *entries = calloc(c->run.nr_pages, sizeof(*entries));
	bool good;

	if (!entries)
		return gup_fails("no memory for %llu pages", c->run.nr_pages);
	good = gup_read_pagemap(mem, c->run.pages_done, entries) &&
	       expect_pfns(c, entries);
	free(entries);
	return good;
}

/* What an API cannot change. */
#define KIND	(GUP_RIG_REC_ANON | GUP_RIG_REC_KSM | GUP_RIG_REC_ZERO |	\
		 GUP_RIG_REC_LARGE | GUP_RIG_REC_HUGETLB | GUP_RIG_REC_PINCOUNT | \
		 GUP_RIG_REC_CMA | GUP_RIG_REC_MOVABLE | GUP_RIG_REC_DEVICE)

bool gup_expect_same(const struct gup_call *a, const struct gup_call *b)
{
	unsigned long i;

	if (a->run.records_done != b->run.records_done)
		return wrong_number(b, "records of two calls", b->run.records_done,
				    a->run.records_done);
	for (i = 0; i < a->run.records_done; i++) {
		const struct gup_rig_record *one = &a->records[i];
		const struct gup_rig_record *two = &b->records[i];

		if (one->pfn != two->pfn)
			return wrong_entry(b, i, "pfn of two calls", two->pfn, one->pfn);
		if (one->folio_pfn != two->folio_pfn)
			return wrong_entry(b, i, "folio_pfn of two calls",
					   two->folio_pfn, one->folio_pfn);
		if (one->folio_order != two->folio_order)
			return wrong_entry(b, i, "folio_order of two calls",
					   two->folio_order, one->folio_order);
		if ((one->flags & KIND) != (two->flags & KIND))
			return wrong_entry(b, i, "kind of page of two calls",
					   two->flags & KIND, one->flags & KIND);
	}
	return true;
}

static struct gup_rig_hold hold_of(const struct gup_call *c, unsigned int op)
{
	return (struct gup_rig_hold) {
		.op = op,
		.handle = c->run.handle,
	};
}

static bool hold(const struct gup_call *c, struct gup_rig_hold *hold)
{
	if (!ioctl(c->fd, GUP_RIG_HOLD, hold))
		return true;
	return gup_fails("%s: GUP_RIG_HOLD %u of handle %u from %llu: %s",
			 call_name(c), hold->op, hold->handle, hold->first,
			 strerror(errno));
}

static bool hold_copy(const struct gup_call *c, unsigned int op, __u64 first,
		      __u64 offset, const void *buf, __u64 len)
{
	struct gup_rig_hold h = hold_of(c, op);

	h.first = first;
	h.offset = offset;
	h.buf = addr_of(buf);
	h.len = len;
	if (!hold(c, &h))
		return false;
	return h.done == len ||
	       wrong_number(c, "bytes copied through the pin", h.done, len);
}

bool gup_hold_read(const struct gup_call *c, __u64 first, __u64 offset, void *buf,
		   __u64 len)
{
	return hold_copy(c, GUP_RIG_HOLD_READ, first, offset, buf, len);
}

bool gup_hold_write(const struct gup_call *c, __u64 first, __u64 offset,
		    const void *buf, __u64 len)
{
	return hold_copy(c, GUP_RIG_HOLD_WRITE, first, offset, buf, len);
}

bool gup_hold_records(const struct gup_call *c, struct gup_rig_record *records)
{
	struct gup_rig_hold h = hold_of(c, GUP_RIG_HOLD_RECORD);

	h.buf = addr_of(records);
	if (!hold(c, &h))
		return false;
	return h.done == c->run.entries ||
	       wrong_number(c, "records of what is held", h.done, c->run.entries);
}

long gup_release_part(const struct gup_call *c, unsigned int put, __u64 first,
		      __u64 nr)
{
	struct gup_rig_hold h = hold_of(c, GUP_RIG_HOLD_RELEASE);

	h.put = put;
	h.first = first;
	h.nr = nr;
	return hold(c, &h) ? (long)h.done : -1;
}

bool gup_release(const struct gup_call *c, unsigned int put)
{
	long done = gup_release_part(c, put, 0, 0);

	if (done < 0)
		return false;
	return done == (long)c->run.entries ||
	       wrong_number(c, "entries released", done, c->run.entries);
}

long gup_held(int fd)
{
	struct gup_rig_held held;

	return ioctl(fd, GUP_RIG_HELD, &held) ? -1 : (long)held.entries;
}

/* Fold what each CPU counts for itself; without SMP there is nothing to fold. */
static void refresh_vmstat(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		gup_fails("stat_refresh: %s", strerror(errno));
	close(fd);
}

bool gup_read_pins(struct gup_pins *pins)
{
	bool acquired = false, released = false;
	char name[64];
	long value;
	FILE *file;

	refresh_vmstat();
	file = fopen("/proc/vmstat", "re");
	if (!file)
		return gup_fails("/proc/vmstat: %s", strerror(errno));
	while (fscanf(file, "%63s %ld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired")) {
			pins->acquired = value;
			acquired = true;
		} else if (!strcmp(name, "nr_foll_pin_released")) {
			pins->released = value;
			released = true;
		}
	}
	fclose(file);
	return (acquired && released) ||
	       gup_fails("/proc/vmstat has no nr_foll_pin_acquired or _released");
}

long gup_pins_out(void)
{
	struct gup_pins pins;

	return gup_read_pins(&pins) ? pins.acquired - pins.released : LONG_MIN;
}

long gup_splats(void)
{
	long tainted = gup_read_number("/proc/sys/kernel/tainted");

	return tainted < 0 ? -1 : tainted & (1 << 9 | 1 << 7 | 1 << 5);
}

bool gup_read_pagemap(const void *mem, unsigned long nr, __u64 *entries)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t len = nr * sizeof(*entries);
	ssize_t got;

	if (fd < 0)
		return gup_fails("/proc/self/pagemap: %s", strerror(errno));
	got = pread(fd, entries, len, addr_of(mem) / getpagesize() * sizeof(*entries));
	close(fd);
	return got == (ssize_t)len ||
	       gup_fails("/proc/self/pagemap: %zd of %zu bytes at %p", got, len, mem);
}

__u64 gup_pagemap(const void *mem)
{
	__u64 entry;

	return gup_read_pagemap(mem, 1, &entry) ? entry : 0;
}

__u64 gup_pfn(const void *mem)
{
	return pfn_of(gup_pagemap(mem));
}

bool gup_stay_on_one_cpu(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	return !sched_setaffinity(0, sizeof(here), &here) ||
	       gup_fails("sched_setaffinity: %s", strerror(errno));
}

double gup_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

__u64 gup_cpu_time(pid_t pid)
{
	struct timespec time;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &time))
		return 0;
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

bool gup_wait(pid_t child, unsigned int cpu_seconds, int *status)
{
	struct pollfd ends = { .fd = syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
	bool killed = false;

	while (ends.fd >= 0 && !poll(&ends, 1, 1000))
		if (gup_cpu_time(child) >= cpu_seconds * NSEC_PER_SEC)
			killed = !kill(child, SIGKILL);
	close(ends.fd);
	return waitpid(child, status, 0) == child && !killed;
}

bool gup_read_knob(const char *path, char *text, size_t size)
{
	return knob_read(path, text, size) ||
	       gup_fails("%s: %s", path, strerror(errno));
}

bool gup_write_knob(const char *path, const char *text)
{
	return knob_write(path, text) ||
	       gup_fails("%s: \"%s\": %s", path, text, strerror(errno));
}

void gup_keep_knobs(const char *pattern)
{
	static bool registered;

	if (!registered)
		atexit(knobs_restore);
	registered = true;
	knobs_keep(pattern);
}

void gup_keep_ksm(void)
{
	gup_keep_knobs("/sys/kernel/mm/ksm/run");
	gup_keep_knobs("/sys/kernel/mm/ksm/pages_to_scan");
	gup_keep_knobs("/sys/kernel/mm/ksm/sleep_millisecs");
}

void gup_stop_balancing(void)
{
	gup_keep_knobs("/proc/sys/kernel/numa_balancing");
	gup_write_knob("/proc/sys/kernel/numa_balancing", "0");
}

long gup_read_number(const char *path)
{
	char text[32], *end;
	long number;

	if (!knob_read(path, text, sizeof(text)))
		return -1;
	number = strtol(text, &end, 10);
	return end == text ? -1 : number;
}
