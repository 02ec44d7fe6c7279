// SPDX-License-Identifier: GPL-2.0
/*
 * gup_rig_run - does GUP_RIG_RUN report what GUP did?
 *
 * Right calls of every API, whose records are compared with /proc/self/pagemap; where
 * GUP fails, the error and what was got in front of it; and what is got goes away also
 * if a signal or a fault ends the run. After each of these as many pins are released
 * as acquired (/proc/vmstat), and the kernel has not warned (the first time only: then
 * it is tainted).
 *
 * Needs root, debugfs and the rig's driver. Pins of the rest of the system would be
 * counted, too: run it alone.
 */
#include <poll.h>
#include <sys/time.h>
#include <time.h>
#include "lib_rig_ioctl.h"

/* Pages from @i on that follow each other in memory: all are folios of one page. */
static void check_small_anon(struct __test_metadata *_metadata, gup_data *self,
			     const struct api *api, const struct gup_rig_record *rec,
			     size_t i, __u64 put_back)
{
	const __u64 must = GUP_RIG_REC_ANON | GUP_RIG_REC_EXCLUSIVE |
		GUP_RIG_REC_UPTODATE | GUP_RIG_REC_SWAPBACKED |
		GUP_RIG_REC_LONGTERM_OK | GUP_RIG_REC_MAPPED |
		GUP_RIG_REC_LEAF_WRITE | GUP_RIG_REC_LEAF_DIRTY |
		GUP_RIG_REC_BEFORE | put_back;
	const __u64 must_not = GUP_RIG_REC_KSM | GUP_RIG_REC_ZERO |
		GUP_RIG_REC_LARGE | GUP_RIG_REC_HUGETLB |
		GUP_RIG_REC_SHARED | GUP_RIG_REC_PINCOUNT |
		GUP_RIG_REC_LEAF_PMD | GUP_RIG_REC_LEAF_PUD |
		GUP_RIG_REC_EMPTY | GUP_RIG_REC_MLOCKED |
		GUP_RIG_REC_DEVICE;
	__u64 pfn = gup_pfn(self->mem + i * self->psize);

	ASSERT_NE(0, pfn);
	EXPECT_EQ(pfn, rec->pfn);
	EXPECT_EQ(pfn, rec->folio_pfn);
	EXPECT_EQ(pfn, rec->before_pfn);
	EXPECT_EQ(must, rec->flags & must);
	EXPECT_EQ(0, rec->flags & must_not);
	EXPECT_EQ(api->pins, !!(rec->flags & GUP_RIG_REC_DMA_PINNED));
	EXPECT_EQ(api->refs, rec->ref_held - rec->ref_before)
		TH_LOG("%s, page %zu", api->name, i);
	EXPECT_EQ(api->pins, rec->pin_held - rec->pin_before);
	if (put_back) {
		EXPECT_EQ(rec->ref_before, rec->ref_after)
			TH_LOG("%s, page %zu", api->name, i);
		EXPECT_EQ(rec->pin_before, rec->pin_after);
	}
	EXPECT_EQ(1, rec->mapcount);
	EXPECT_EQ(0, rec->folio_order);
	EXPECT_EQ(0, rec->folio_offset);
	EXPECT_EQ(1, rec->run);
	EXPECT_LE(0, rec->nid);
}

/* Each flag that GUP allows is taken, each other is not, so that GUP never warns. */
TEST_F(gup, run_takes_the_flags)
{
	struct gup_rig_run run;
	size_t i;
	int bit, ret;

	for (i = 0; i < nr_apis(self); i++) {
		for (bit = 0; bit < 32; bit++) {
			run = api_run(self, &apis[i], NULL);
			run.gup_flags = 1U << bit;
			ret = ioctl(self->fd, GUP_RIG_RUN, &run);
			EXPECT_EQ(!!(apis[i].foll & 1U << bit), ret == 0)
				TH_LOG("%s: bit %d: %d", apis[i].name, bit, ret);
			api_done(&run);
			EXPECT_NOTHING_LEAKED();
		}
	}
}

/* Each API, in calls of 1, 3 and all pages: every figure that it reports. */
TEST_F(gup, run_records)
{
	static const __u64 per_call[] = { 0, 1, 3, NR, 1000 };
	struct gup_rig_record recs[NR];
	struct gup_rig_run run;
	size_t i, j, k, n;

	for (i = 0; i < nr_apis(self); i++) {
		for (j = 0; j < ARRAY_SIZE(per_call); j++) {
			n = per_call[j] && per_call[j] < NR ? per_call[j] : NR;
			memset(recs, 0xee, sizeof(recs));
			run = api_run(self, &apis[i], recs);
			run.pages_per_call = per_call[j];
			run.repeat = 3;
			ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run))
				TH_LOG("%s: %s", apis[i].name, strerror(errno));
			EXPECT_EQ(0, run.error);
			EXPECT_EQ(NR, run.pages_done);
			EXPECT_EQ(NR, run.entries);
			EXPECT_EQ(3, run.passes);
			EXPECT_EQ(3 * ((NR + n - 1) / n), run.calls);
			EXPECT_EQ(NR, run.records_done);
			EXPECT_EQ(0, run.handle);
			for (k = 0; k < NR; k++) {
				check_small_anon(_metadata, self, &apis[i], &recs[k],
						 k, GUP_RIG_REC_AFTER);
				EXPECT_EQ(k / n, recs[k].call);
			}
			api_done(&run);
			EXPECT_NOTHING_LEAKED();
		}
	}
}

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The times are within that of the ioctl, by the same clock, and both are there. */
TEST_F(gup, run_times)
{
	struct gup_rig_run run = good_run(self);
	__u64 start = now_ns(), took;

	run.repeat = 20000;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	took = now_ns() - start;
	EXPECT_EQ(20000, run.passes);
	EXPECT_EQ(20000, run.calls);
	EXPECT_LT(0, run.get_ns);
	EXPECT_LT(0, run.put_ns);
	EXPECT_LE(run.get_ns + run.put_ns, took);

	run.repeat = 1;
	run.flags = GUP_RIG_RUN_HOLD;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	EXPECT_EQ(0, run.put_ns);
}

/* The same page twice in the range: its counts are those of both. */
TEST_F(gup, run_records_same_folio_twice)
{
	int memfd = memfd_create("gup_rig", 0);
	struct gup_rig_record recs[2];
	struct gup_rig_run run;
	char *p;
	size_t i;

	ASSERT_EQ(0, ftruncate(memfd, self->psize));
	p = mmap(NULL, 2 * self->psize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(p + i * self->psize,
			  mmap(p + i * self->psize, self->psize,
			       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memfd, 0));
	p[0] = 1;
	p[self->psize] = 1;

	for (i = 0; i < nr_apis(self); i++) {
		run = api_run(self, &apis[i], recs);
		run.addr = addr_of(p);
		run.nr_pages = 2;
		run.nr_records = 2;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		ASSERT_EQ(2, run.records_done);
		EXPECT_EQ(recs[0].pfn, recs[1].pfn);
		EXPECT_EQ(gup_pfn(p), recs[0].pfn);
		EXPECT_EQ(2 * apis[i].refs, recs[0].ref_held - recs[0].ref_before);
		EXPECT_EQ(2 * apis[i].pins, recs[1].pin_held - recs[1].pin_before);
		EXPECT_EQ(recs[0].ref_before, recs[0].ref_after);
		EXPECT_EQ(2, recs[0].mapcount);
		EXPECT_NE(0, recs[0].flags & GUP_RIG_REC_SHARED);
		EXPECT_EQ(0, recs[0].flags & GUP_RIG_REC_ANON);
		api_done(&run);
	}
	EXPECT_NOTHING_LEAKED();
}

/* Room for some of the records. */
TEST_F(gup, run_records_partly)
{
	struct gup_rig_run run = good_run(self);
	struct gup_rig_record recs[4];
	size_t i;

	memset(recs, 0xee, sizeof(recs));
	run.records = addr_of(recs);
	run.nr_records = 3;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	EXPECT_EQ(3, run.records_done);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(gup_pfn(self->mem + i * self->psize), recs[i].pfn);
	EXPECT_EQ(0xeeeeeeeeeeeeeeeeULL, recs[3].pfn);
}

/* Memory that nobody has touched yet: before is nothing, then what GUP made. */
TEST_F(gup, run_records_first_touch)
{
	struct gup_rig_record recs[NR];
	struct gup_rig_run run;
	size_t i;

	ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
	run = api_run(self, &apis[1], recs);
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	ASSERT_EQ(NR, run.records_done);
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(0, recs[i].flags & GUP_RIG_REC_BEFORE);
		EXPECT_EQ(0, recs[i].before_pfn);
		EXPECT_EQ(0, recs[i].ref_before);
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_AFTER);
		EXPECT_EQ(gup_pfn(self->mem + i * self->psize), recs[i].pfn);
	}
	ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
	run = api_run(self, &apis[1], recs);
	run.repeat = 2;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	for (i = 0; i < NR; i++)
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_BEFORE);
}

/* The zero page is given out, but not pinned; a long-term pin wants another. */
TEST_F(gup, run_records_zero_page)
{
	struct gup_rig_record recs[NR];
	struct gup_rig_run run;
	size_t i;

	ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, self->mem[i * self->psize]);

	run = api_run(self, &apis[3], recs);
	run.gup_flags = 0;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	ASSERT_EQ(NR, run.records_done);
	for (i = 0; i < NR; i++) {
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_ZERO);
		EXPECT_EQ(0, recs[i].flags & GUP_RIG_REC_ANON);
		EXPECT_EQ(recs[i].before_pfn, recs[i].pfn);
		EXPECT_EQ(recs[i].ref_before, recs[i].ref_held);
		EXPECT_EQ(recs[i].ref_before, recs[i].ref_after);
		EXPECT_EQ(0, recs[i].flags & GUP_RIG_REC_LEAF_WRITE);
	}

	run = api_run(self, &apis[3], recs);
	run.gup_flags = GUP_RIG_FOLL_LONGTERM;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(0, recs[i].flags & GUP_RIG_REC_ZERO);
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_EXCLUSIVE);
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_BEFORE);
		EXPECT_NE(recs[i].before_pfn, recs[i].pfn);
	}
	EXPECT_NOTHING_LEAKED();
}

/* After fork() the pages are shared; a write pin takes one of our own. */
TEST_F(gup, run_records_after_fork)
{
	struct gup_rig_record recs[NR];
	struct gup_rig_run run;
	pid_t pid = fork();
	size_t i;

	ASSERT_LE(0, pid);
	if (!pid) {
		pause();
		_exit(0);
	}
	run = api_run(self, &apis[2], recs);
	run.gup_flags = 0;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(0, recs[i].flags & GUP_RIG_REC_EXCLUSIVE);
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_SHARED);
		EXPECT_EQ(2, recs[i].mapcount);
		EXPECT_EQ(recs[i].before_pfn, recs[i].pfn);
		EXPECT_EQ(0, recs[i].flags & GUP_RIG_REC_LEAF_WRITE);
	}
	run = api_run(self, &apis[3], recs);
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	for (i = 0; i < NR; i++) {
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_EXCLUSIVE);
		EXPECT_EQ(1, recs[i].mapcount);
		EXPECT_NE(recs[i].before_pfn, recs[i].pfn);
		EXPECT_EQ(gup_pfn(self->mem + i * self->psize), recs[i].pfn);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* 2 MiB that are one folio, mapped by one entry, where the kernel has such. */
static char *new_thp(size_t huge)
{
	char *map = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = (char *)((addr_of(map) + huge - 1) & -huge);

	if (map == MAP_FAILED || madvise(p, huge, MADV_HUGEPAGE))
		return NULL;
	memset(p, 1, huge);
	return p;
}

/* A page of a large folio, if this kernel makes them: pincount and runs. */
TEST_F(gup, run_records_thp)
{
	size_t huge = 2UL << 20, nr = huge / self->psize, i;
	struct gup_rig_record *recs = calloc(nr, sizeof(*recs));
	struct gup_rig_run run;
	char *p = new_thp(huge);

	if (!p)
		SKIP(return, "no MADV_HUGEPAGE: kernel without THP");
	run = api_run(self, &apis[3], recs);
	run.addr = addr_of(p);
	run.nr_pages = nr;
	run.nr_records = nr;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	ASSERT_EQ(nr, run.records_done);
	if (!(recs[0].flags & GUP_RIG_REC_LEAF_PMD))
		SKIP(return, "memory was not given a PMD leaf of 2 MiB");
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(gup_pfn(p + i * self->psize), recs[i].pfn);
		EXPECT_EQ(recs[0].pfn, recs[i].folio_pfn);
		EXPECT_EQ(i, recs[i].folio_offset);
		EXPECT_EQ(nr - i, recs[i].run);
		EXPECT_EQ(nr, 1UL << recs[i].folio_order);
		EXPECT_EQ(nr, recs[i].ref_held - recs[i].ref_before);
		EXPECT_EQ(nr, recs[i].pin_held);
		EXPECT_EQ(0, recs[i].pin_after);
		EXPECT_EQ(recs[i].ref_before, recs[i].ref_after);
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_PINCOUNT);
		EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_LARGE);
	}
	EXPECT_NOTHING_LEAKED();
	free(recs);
}

/* Are all records of a THP so, as to EXCLUSIVE and LEAF_PMD? */
static void expect_leaves(struct __test_metadata *_metadata, gup_data *self,
			  char *p, size_t nr, __u64 want)
{
	struct gup_rig_record *recs = calloc(nr, sizeof(*recs));
	struct gup_rig_run run = api_run(self, &apis[2], recs);
	const __u64 flags = GUP_RIG_REC_EXCLUSIVE | GUP_RIG_REC_LEAF_PMD;
	size_t i, as_wanted = 0;

	run.gup_flags = 0;
	run.addr = addr_of(p);
	run.nr_pages = nr;
	run.nr_records = nr;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	ASSERT_EQ(nr, run.records_done);
	for (i = 0; i < nr; i++)
		as_wanted += (recs[i].flags & flags) == want;
	EXPECT_EQ(nr, as_wanted)
		TH_LOG("wanted of each page: %#llx", (unsigned long long)want);
	free(recs);
}

static bool has_pmd_leaf(gup_data *self, const char *p)
{
	struct gup_rig_record rec = {};
	struct gup_rig_run run = api_run(self, &apis[2], &rec);

	run.addr = addr_of(p);
	run.nr_pages = 1;
	run.nr_records = 1;
	return !ioctl(self->fd, GUP_RIG_RUN, &run) &&
	       (rec.flags & GUP_RIG_REC_LEAF_PMD);
}

/* Whether a page is exclusive is marked once for a PMD leaf, else page by page. */
TEST_F(gup, run_records_exclusive)
{
	size_t huge = 2UL << 20, nr = huge / self->psize;
	char *p = new_thp(huge), *q = new_thp(huge);
	pid_t pid;

	if (!p || !q)
		SKIP(return, "no MADV_HUGEPAGE: kernel without THP");
	if (!has_pmd_leaf(self, p) || !has_pmd_leaf(self, q))
		SKIP(return, "memory was not given a PMD leaf of 2 MiB");
	expect_leaves(_metadata, self, p, nr,
		      GUP_RIG_REC_EXCLUSIVE | GUP_RIG_REC_LEAF_PMD);
	/* Now two VMAs meet in the middle of it. */
	ASSERT_EQ(0, mprotect(p, huge / 2, PROT_READ));
	expect_leaves(_metadata, self, p, nr, GUP_RIG_REC_EXCLUSIVE);

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		pause();
		_exit(0);
	}
	expect_leaves(_metadata, self, p, nr, 0);
	expect_leaves(_metadata, self, q, nr, GUP_RIG_REC_LEAF_PMD);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_NOTHING_LEAKED();
}

/* The page of vsyscall, which is no memory of any process: where, or NULL. */
static char *gate_page(void)
{
	unsigned long start, end;
	char line[256], *page = NULL;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vsyscall]") && strstr(line, " r-xp ") &&
		    sscanf(line, "%lx-%lx", &start, &end) == 2)
			page = (char *)start;
	if (maps)
		fclose(maps);
	return page;
}

static struct gup_rig_record held_record(struct __test_metadata *_metadata,
					 gup_data *self, __u32 handle)
{
	struct gup_rig_record rec = { 0 };
	struct gup_rig_hold hold = good_hold(GUP_RIG_HOLD_RECORD, handle, &rec);

	ASSERT_EQ(0, hold_op(self, &hold));
	return rec;
}

/* Held by @api, then once more: the same page, with the references of one hold more. */
static void expect_gate_page_held(struct __test_metadata *_metadata, gup_data *self,
				  const struct api *api, char *gate)
{
	struct gup_rig_record first, second;
	char *buf = malloc(self->psize);
	struct gup_rig_hold hold;
	struct gup_rig_run run;
	__u32 handle[2], i;

	for (i = 0; i < 2; i++) {
		run = api_run(self, api, NULL);
		run.addr = addr_of(gate);
		run.nr_pages = 1;
		run.gup_flags = 0;
		run.flags |= GUP_RIG_RUN_HOLD;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		ASSERT_EQ(1, run.pages_done);
		handle[i] = run.handle;
		self->held++;
		self->got += api->pins ? 0 : 1;
		EXPECT_NOTHING_LEAKED();
		if (!i)
			first = held_record(_metadata, self, handle[0]);
	}
	second = held_record(_metadata, self, handle[1]);
	EXPECT_EQ(first.pfn, second.pfn);
	EXPECT_EQ(first.ref_held + api->refs, second.ref_held);

	hold = good_hold(GUP_RIG_HOLD_READ, handle[1], buf);
	hold.len = self->psize;
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(0, memcmp(buf, gate, self->psize));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(1, release(self, handle[i], 0, 0, 0));
	self->got = 0;
	EXPECT_NOTHING_LEAKED();
	free(buf);
}

/*
 * The gate page has no VMA that find_vma() knows: the slow path gives it, for reading
 * only; it is not in user space for those that are fast.
 */
TEST_F(gup, run_gate_page)
{
	char *gate = gate_page();
	struct gup_rig_run run;
	size_t i;

	if (!gate)
		SKIP(return, "no [vsyscall] that can be read: boot with vsyscall=emulate");
	for (i = 0; i < nr_apis(self); i++) {
		run = api_run(self, &apis[i], NULL);
		run.addr = addr_of(gate);
		run.nr_pages = 1;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(0, run.pages_done);
		EXPECT_EQ(-EFAULT, run.error)
			TH_LOG("%s", apis[i].name);
		if (!gup_apis[apis[i].id].fast)
			expect_gate_page_held(_metadata, self, &apis[i], gate);
		EXPECT_NOTHING_LEAKED();
	}
}

/* A hole: what was got in front of it, and with CONTINUE also why no more. */
TEST_F(gup, run_stops_at_a_hole)
{
	struct gup_rig_record recs[NR];
	struct gup_rig_run run;
	size_t i;

	ASSERT_EQ(0, munmap(self->mem + 9 * self->psize, self->psize));
	for (i = 0; i < nr_apis(self); i++) {
		memset(recs, 0xee, sizeof(recs));
		run = api_run(self, &apis[i], recs);
		run.repeat = 1 + 4 * (i % 2);
		run.flags |= GUP_RIG_RUN_HOLD;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(9, run.pages_done);
		EXPECT_EQ(0, run.error);
		EXPECT_EQ(0, run.passes);
		EXPECT_EQ(1, run.calls);
		EXPECT_EQ(0, run.handle);
		EXPECT_EQ(9, run.records_done);
		EXPECT_EQ(0xeeeeeeeeeeeeeeeeULL, recs[9].pfn);
		EXPECT_NOTHING_LEAKED();

		run.flags |= GUP_RIG_RUN_CONTINUE;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(9, run.pages_done);
		/* It does not fault, so it does not know. */
		EXPECT_EQ(apis[i].id == GUP_RIG_API_GET_FAST_ONLY ? 0 : -EFAULT,
			  run.error)
			TH_LOG("%s", apis[i].name);
		EXPECT_EQ(2, run.calls);
		EXPECT_EQ(0, run.handle);
		api_done(&run);
		EXPECT_NOTHING_LEAKED();
	}
}

/* Nothing there at all, beyond the end of user space, and not writable. */
TEST_F(gup, run_reports_errors)
{
	struct gup_rig_run run;
	size_t i;

	ASSERT_EQ(0, mprotect(self->mem, NR * self->psize, PROT_READ));
	for (i = 0; i < nr_apis(self); i++) {
		bool only = apis[i].id == GUP_RIG_API_GET_FAST_ONLY;

		run = api_run(self, &apis[i], NULL);
		run.addr = NOWHERE;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(only ? 0 : -EFAULT, run.error);
		EXPECT_EQ(0, run.pages_done);
		EXPECT_EQ(0, run.passes);

		run.addr = (__u64)1 << 63;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(-EFAULT, run.error);

		run.addr = addr_of(self->mem);
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(only ? 0 : -EFAULT, run.error);
		EXPECT_EQ(0, run.pages_done);
		run.gup_flags = 0;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(0, run.error);
		EXPECT_EQ(NR, run.pages_done);
		api_done(&run);
		EXPECT_NOTHING_LEAKED();
	}
}

/* POPULATE and FAULT leave pages behind, and nothing to release. */
TEST_F(gup, run_populates)
{
	static const __u32 ids[] = { GUP_RIG_API_POPULATE, GUP_RIG_API_FAULT };
	struct gup_rig_run run;
	size_t i, j;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, madvise(self->mem, NR * self->psize, MADV_DONTNEED));
		for (j = 0; j < NR; j++)
			EXPECT_EQ(0, gup_pfn(self->mem + j * self->psize));
		run = good_run(self);
		run.api = ids[i];
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(0, run.error);
		EXPECT_EQ(NR, run.pages_done);
		EXPECT_EQ(0, run.entries);
		EXPECT_EQ(ids[i] == GUP_RIG_API_FAULT ? NR : 1, run.calls);
		for (j = 0; j < NR; j++)
			EXPECT_NE(0, gup_pfn(self->mem + j * self->psize));
		run.addr = NOWHERE;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(-EFAULT, run.error);
		EXPECT_NOTHING_LEAKED();
	}
}

/* Each way to release gives back exactly what was taken; DIRTY makes dirty. */
TEST_F(gup, run_puts)
{
	struct gup_rig_record recs[NR];
	struct gup_rig_run run;
	__u32 put;
	size_t i, j;

	for (i = 0; i < nr_apis(self); i++) {
		for (put = 0; apis[i].pins && put <= GUP_RIG_PUT_RANGE_DIRTY; put++) {
			run = api_run(self, &apis[i], recs);
			run.put = put;
			ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
			EXPECT_EQ(NR, run.records_done);
			for (j = 0; j < NR; j++)
				check_small_anon(_metadata, self, &apis[i], &recs[j],
						 j, GUP_RIG_REC_AFTER);
			api_done(&run);
			EXPECT_NOTHING_LEAKED();
		}
	}
}

/* The memory of another process, through its pidfd. */
TEST_F(gup, remote)
{
	struct gup_rig_record recs[NR];
	struct gup_rig_run run = good_run(self);
	struct gup_rig_hold hold;
	char buf[4], c;
	int ready[2], go[2], pidfd;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		memset(self->mem, 'r', NR * self->psize);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(self->mem[1] == 'w' ? 42 : 2);
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	ASSERT_LE(0, pidfd);
	ASSERT_EQ(1, read(ready[0], &c, 1));

	run.api = GUP_RIG_API_PIN_REMOTE;
	run.flags = GUP_RIG_RUN_HOLD | GUP_RIG_RUN_LOCKED;
	run.fd = pidfd;
	RECORDS_AT(addr_of(recs));
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	ASSERT_EQ(NR, run.pages_done);
	self->held = NR;
	EXPECT_NOTHING_LEAKED();
	EXPECT_NE(gup_pfn(self->mem), recs[0].pfn);
	EXPECT_EQ(recs[0].before_pfn, recs[0].pfn);

	hold = good_hold(GUP_RIG_HOLD_READ, run.handle, buf);
	hold.len = 2;
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ('r', buf[1]);
	EXPECT_EQ(1, self->mem[0]);
	buf[1] = 'w';
	hold = good_hold(GUP_RIG_HOLD_WRITE, run.handle, buf);
	hold.len = 2;
	ASSERT_EQ(0, hold_op(self, &hold));

	ASSERT_EQ(1, write(go[1], "g", 1));
	int status;

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(42, WEXITSTATUS(status));

	/* The process is gone, its pages are not. */
	hold = good_hold(GUP_RIG_HOLD_RECORD, run.handle, recs);
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(0, recs[0].flags & GUP_RIG_REC_MAPPED);
	EXPECT_EQ(0, recs[0].mapcount);
	EXPECT_EQ(NR, release(self, run.handle, 0, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* A process that may not be traced by the caller. */
TEST_F(gup, remote_needs_ptrace_access)
{
	int status, pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	struct gup_rig_run run = good_run(self);
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	run.api = GUP_RIG_API_GET_REMOTE;
	run.fd = pidfd;
	if (!pid) {
		/* Not root any more; the file was opened while it was. */
		if (setgid(1000) || setuid(1000))
			_exit(99);
		_exit(ioctl(self->fd, GUP_RIG_RUN, &run) ? errno : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EACCES, WEXITSTATUS(status));
	EXPECT_NOTHING_LEAKED();
}

/* memfd_pin_folios(): offset, folios in order, read and written as the file is. */
TEST_F(gup, memfd)
{
	struct gup_rig_record recs[NR];
	int memfd = memfd_create("gup_rig", 0);
	struct gup_rig_run run = good_run(self);
	struct gup_rig_hold hold;
	__u64 put;
	char buf[16];
	size_t i;

	ASSERT_LE(0, memfd);
	for (i = 0; i < NR; i++) {
		memset(self->mem, 'A' + i, self->psize);
		ASSERT_EQ(self->psize, write(memfd, self->mem, self->psize));
	}
	run.api = GUP_RIG_API_MEMFD;
	run.fd = memfd;
	run.addr = 2 * self->psize;
	run.nr_pages = 5;
	RECORDS_AT(addr_of(recs));
	for (put = 0; put < 2; put++) {
		run.put = put;
		run.pages_per_call = put * 2;
		ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(0, run.error);
		EXPECT_EQ(5, run.pages_done);
		EXPECT_EQ(put ? 3 : 1, run.calls);
		/* Small folios, unless the file has large ones: then fewer. */
		ASSERT_LE(run.entries, 5);
		EXPECT_EQ(recs[0].folio_offset * self->psize, run.first_offset);
		for (i = 0; i < run.records_done; i++) {
			EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_BEFORE);
			EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_AFTER);
			EXPECT_NE(0, recs[i].flags & GUP_RIG_REC_MAPPED);
			EXPECT_EQ(recs[i].before_pfn, recs[i].pfn);
			EXPECT_LT(0, recs[i].pin_held - recs[i].pin_before);
			EXPECT_EQ(recs[i].ref_before, recs[i].ref_after);
			if (!(recs[i].flags & GUP_RIG_REC_PINCOUNT))
				EXPECT_EQ(BIAS, recs[i].ref_held - recs[i].ref_before);
		}
		EXPECT_NOTHING_LEAKED();
	}

	run.flags = GUP_RIG_RUN_HOLD;
	run.put = 0;
	run.pages_per_call = 0;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	self->held = run.entries;
	EXPECT_NOTHING_LEAKED();
	hold = good_hold(GUP_RIG_HOLD_READ, run.handle, buf);
	hold.offset = run.first_offset + self->psize - 1;
	hold.len = 2;
	if (run.entries == 5) {
		ASSERT_EQ(0, hold_op(self, &hold));
		EXPECT_EQ('C', buf[0]);
		EXPECT_EQ('D', buf[1]);
	}
	hold = good_hold(GUP_RIG_HOLD_WRITE, run.handle, "!");
	hold.offset = run.first_offset;
	hold.len = 1;
	ASSERT_EQ(0, hold_op(self, &hold));
	ASSERT_EQ(1, pread(memfd, buf, 1, 2 * self->psize));
	EXPECT_EQ('!', buf[0]);
	EXPECT_EQ(run.entries, release(self, run.handle, GUP_RIG_PUT_ONE, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* What memfd_pin_folios() refuses is its own business: in .error. */
TEST_F(gup, memfd_errors)
{
	int memfd = memfd_create("gup_rig", 0), null = open("/dev/null", O_RDWR);
	struct gup_rig_run run = good_run(self);

	ASSERT_EQ(0, ftruncate(memfd, NR * self->psize));
	run.api = GUP_RIG_API_MEMFD;
	run.addr = 0;
	run.fd = null;
	ASSERT_LE(0, null);
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	EXPECT_EQ(-EINVAL, run.error);
	run.fd = memfd;
	run.nr_pages = NR + 1;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	EXPECT_EQ(-EINVAL, run.error);
	EXPECT_EQ(0, run.entries);
	run.nr_pages = NR;
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_RUN, &run));
	EXPECT_EQ(0, run.error);
	EXPECT_EQ(NR, run.pages_done);
	EXPECT_NOTHING_LEAKED();
}

static void wake_up(int sig)
{
}

/*
 * Again and again: the first may come ahead of the call that it is for, if the machine
 * is busy.
 */
static void signal_every(struct __test_metadata *_metadata, long usec)
{
	struct sigaction sa = { .sa_handler = wake_up };
	struct itimerval timer = {
		.it_value.tv_usec = usec,
		.it_interval.tv_usec = usec,
	};

	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
}

/* A run of hours ends at once, with a signal that is not fatal. */
TEST_F(gup, signal_ends_a_run)
{
	struct gup_rig_run run, before;
	size_t i;

	for (i = 0; i < nr_apis(self); i++) {
		run = api_run(self, &apis[i], NULL);
		run.repeat = UINT32_MAX;
		run.flags |= GUP_RIG_RUN_HOLD;
		run.pages_per_call = 1;
		before = run;
		signal_every(_metadata, 20000);
		EXPECT_EQ(-1, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(EINTR, errno);
		signal_every(_metadata, 0);
		EXPECT_EQ(0, memcmp(&run, &before, sizeof(run)));
		api_done(&run);
		EXPECT_NOTHING_LEAKED();
	}
}

/* A long pass, in which no call takes long, ends between two of its calls. */
TEST_F(gup, signal_ends_a_pass)
{
	struct gup_rig_run run = good_run(self);
	int memfd = memfd_create("gup_rig", 0);

	/* Each call allocates a page and clears it: 128 MiB are not done in 2 ms. */
	run.api = GUP_RIG_API_MEMFD;
	run.fd = memfd;
	run.addr = 0;
	run.nr_pages = 1 << 15;
	run.pages_per_call = 1;
	ASSERT_EQ(0, ftruncate(memfd, run.nr_pages * self->psize));
	signal_every(_metadata, 2000);
	EXPECT_EQ(-1, ioctl(self->fd, GUP_RIG_RUN, &run));
	EXPECT_EQ(EINTR, errno);
	signal_every(_metadata, 0);
	EXPECT_NOTHING_LEAKED();
}

/* Ends when the process has had a millisecond more on a CPU, or has closed its end. */
static void wait_for_cpu_time(pid_t pid, int pipe)
{
	struct pollfd gone = { .fd = pipe };
	__u64 start = gup_cpu_time(pid);

	while (gup_cpu_time(pid) - start < 1000000 && !poll(&gone, 1, 1))
		;
}

/* And one that is killed in the middle: after its word it does nothing else. */
TEST_F(gup, kill_ends_a_run)
{
	struct gup_rig_run run;
	int status, ready[2];
	pid_t pid;
	size_t i;
	char c;

	for (i = 0; i < nr_apis(self); i++) {
		ASSERT_EQ(0, pipe(ready));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			/* Ours again: fast_only does not copy after fork(). */
			memset(self->mem, 1, NR * self->psize);
			run = api_run(self, &apis[i], NULL);
			run.repeat = UINT32_MAX;
			if (write(ready[1], "", 1) == 1)
				ioctl(self->fd, GUP_RIG_RUN, &run);
			_exit(1);
		}
		close(ready[1]);
		EXPECT_EQ(1, read(ready[0], &c, 1));
		wait_for_cpu_time(pid, ready[0]);
		close(ready[0]);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_NOTHING_LEAKED();
	}
}

/* The records' buffer ends in the middle: all is given back, for each API. */
TEST_F(gup, fault_half_way)
{
	struct gup_rig_record *recs;
	struct gup_rig_run run;
	size_t i;
	char *p;

	p = mmap(NULL, 2 * self->psize, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + self->psize, self->psize));
	recs = (void *)(p + self->psize - 5 * sizeof(*recs) - 8);
	for (i = 0; i < nr_apis(self); i++) {
		run = api_run(self, &apis[i], recs);
		run.flags |= GUP_RIG_RUN_HOLD;
		EXPECT_EQ(-1, ioctl(self->fd, GUP_RIG_RUN, &run));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(0, run.handle);
		api_done(&run);
		EXPECT_NOTHING_LEAKED();
	}
	/* Half a read, half a write: the handle is as it was. */
	run.handle = hold_all(_metadata, self, GUP_RIG_API_PIN_FAST,
			      GUP_RIG_FOLL_WRITE);
	for (i = 0; i < 2; i++) {
		struct gup_rig_hold hold;

		hold = good_hold(i ? GUP_RIG_HOLD_WRITE : GUP_RIG_HOLD_READ,
				 run.handle, p);
		hold.len = 2 * self->psize;
		EXPECT_EQ(-1, hold_op(self, &hold));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_NOTHING_LEAKED();
	}
	EXPECT_EQ(NR, release(self, run.handle, 0, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

int main(int argc, char **argv)
{
	return gup_run_harness(argc, argv);
}
