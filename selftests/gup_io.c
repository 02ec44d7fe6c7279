// SPDX-License-Identifier: GPL-2.0
/*
 * gup_io - the real users of GUP, over memory of each kind
 *
 * usage: gup_io [--help] [--megabytes N] [--filter GLOB]
 *
 * A test is a user of GUP and a kind of memory, as in "odirect_disk.thp": io_uring's
 * fixed buffers, direct I/O to a disk, a ram disk and a loop device,
 * process_vm_readv() and _writev(), ptrace(), /proc/pid/mem, vmsplice(), futex(),
 * udmabuf, the physical addresses of perf. Each moves data in ranges that start and
 * end inside of pages and folios, and checks every byte, also those around the
 * range; and that as many pins are given back as were taken (/proc/vmstat, as root).
 * The tests "*_pages" look at the counts of each folio through the rig's driver,
 * gup_rig; the others need nothing that a stock kernel has not. Each test is a
 * process of its own.
 *
 * The tests "rates" print GB/s over N megabytes (default 16) as comments, best of
 * three. Nothing is judged by them, and in an emulated machine they say little.
 *
 * Files are made in $TMPDIR, or /tmp. Run it alone: pins of others would be counted.
 * Exit status: 0 passed, 1 failed, 4 everything was skipped.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/compiler.h>
/* Before io_uring.h, which needs it. */
#include <linux/stddef.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "lib_io.h"
#include "lib_options.h"
#include "lib_table.h"
#include "vm_util.h"

static int gup_fd = -1;
static char gup_missing[256];
static size_t megabytes = 16;

/* Counts of each folio, by gup_rig. */

static bool need_records(void)
{
	return gup_fd >= 0 || io_skip("%s", gup_missing);
}

static bool look(struct gup_call *c, char *at, size_t len)
{
	char *first = (char *)((uintptr_t)at & -(uintptr_t)psize());

	return gup_call_init(c, gup_fd, GUP_RIG_API_GET, 0, first, io_pages(at, len)) &&
	       gup_run(c) && gup_expect_result(c, io_pages(at, len));
}

/* Each folio of the range has so many pins. */
static bool expect_folio_pins(const char *what, char *at, size_t len, int want)
{
	struct gup_call c;
	unsigned long i;
	bool good = look(&c, at, len);

	for (i = 0; good && i < c.run.records_done; i++)
		if (c.records[i].pin_before != want)
			good = gup_fails("%s: page %lu: pins of its folio: wanted %d, got %d",
					 what, i, want, c.records[i].pin_before);
	gup_call_free(&c);
	return good;
}

/* References of each folio of a range, less those that it had at @then. */
static bool expect_folio_refs(const char *what, char *at, size_t len,
			      const struct gup_call *then, bool taken)
{
	unsigned long i, j, want;
	struct gup_call c;
	bool good = look(&c, at, len);

	for (i = 0; good && i < c.run.records_done; i = j) {
		for (j = i + 1; j < c.run.records_done; j++)
			if (c.records[j].folio_pfn != c.records[i].folio_pfn)
				break;
		want = taken ? j - i : 0;
		if (c.records[i].ref_before - then->records[i].ref_before != (long)want)
			good = gup_fails("%s: page %lu: references: wanted %lu + %d, got %d",
					 what, i, want, then->records[i].ref_before,
					 c.records[i].ref_before);
	}
	gup_call_free(&c);
	return good;
}

/* What only was read of a memfd is clean: nobody has to write it to swap. */
static bool make_unwritten(struct io_mem *m)
{
	size_t at;

	if (madvise(m->map, m->len, MADV_REMOVE))
		return io_fails("MADV_REMOVE");
	for (at = 0; at < m->len; at += psize())
		FORCE_READ(m->map[at]);
	return true;
}

static bool is_resident(char *at)
{
	unsigned char there = 0;

	return mincore(at, psize(), &there) || there & 1;
}

/*
 * Reclaims all of @m, and memory of this kind that is clean, which has to go. Pages stay that
 * another CPU is about to put on a list: the caller is on one CPU.
 */
static bool reclaim(const struct io_mem *m)
{
	unsigned int left = 100;
	struct io_mem clean;

	if (!io_make(&clean, m->kind, SIZE) || !make_unwritten(&clean))
		return false;
	do {
		if (madvise(m->map, m->len, MADV_PAGEOUT) ||
		    madvise(clean.map, SIZE, MADV_PAGEOUT))
			return io_fails("MADV_PAGEOUT");
	} while (is_resident(clean.map) && --left);
	return left || gup_fails("MADV_PAGEOUT leaves clean memory where it is");
}

struct fixed {
	struct io_ring ring;
	struct io_mem mem;
	struct iovec iov[2];
	struct gup_pins before;
	size_t folio;		/* bytes */
	int file, direct;
};

/* Pins that io_uring keeps: of a large folio that is in a buffer one, not one a page. */
static long fixed_pins(const struct fixed *f)
{
	return io_units(f->iov[0].iov_base, f->iov[0].iov_len, f->folio) +
	       io_units(f->iov[1].iov_base, f->iov[1].iov_len, f->folio);
}

/* Two buffers: @io_ranges[0], and one over an edge of folios that is in it as well. */
static bool fixed_open(struct fixed *f, const struct io_kind *kind)
{
	f->file = io_new_file();
	if (f->file < 0 || !io_ring_open(&f->ring) || !io_make(&f->mem, kind, SIZE))
		return false;
	f->direct = io_reopen_direct(f->file);
	f->folio = kind->folio;
	f->iov[0].iov_base = f->mem.map + io_ranges[0].from;
	f->iov[0].iov_len = io_ranges[0].len;
	f->iov[1].iov_base = f->mem.map + HUGE - 6 * KB;
	f->iov[1].iov_len = 12 * KB;
	return f->direct >= 0 && io_write_file(f->file, 2 * SIZE, 1000, 0) &&
	       io_pins(&f->before);
}

static bool fixed_register(struct fixed *f)
{
	return io_ring_register(&f->ring, f->iov, 2) &&
	       io_expect_out("registered", &f->before, fixed_pins(f));
}

static bool fixed_unregister(struct fixed *f)
{
	return io_ring_unregister(&f->ring) && io_expect_out("unregistered", &f->before, 0);
}

static bool fixed_write(struct fixed *f, int index, size_t from, size_t len, int file)
{
	return io_expect("WRITE_FIXED", io_ring_io(&f->ring, IORING_OP_WRITE_FIXED, index, file,
					     f->mem.map + from, len, FILE_OFFSET), len);
}

static bool fixed_read(struct fixed *f, int index, size_t from, size_t len, int file)
{
	return io_expect("READ_FIXED", io_ring_io(&f->ring, IORING_OP_READ_FIXED, index, file,
					    f->mem.map + from, len, FILE_OFFSET), len);
}

/* Through the buffer to the file, and back with something else in it. */
static bool fixed_both_ways(struct fixed *f, int index, size_t from, size_t len, int file)
{
	struct io_mem *m = &f->mem;

	io_refill(m);
	io_fill(m->map + from, len, m->seed + 100, 0);
	if (!fixed_write(f, index, from, len, file) ||
	    !io_check_file("file that was written", f->file, len, m->seed + 100, FILE_OFFSET) ||
	    !io_write_file(f->file, len, m->seed + 200, FILE_OFFSET) ||
	    !fixed_read(f, index, from, len, file))
		return false;
	return io_check_but("memory that was read to", m, from, len, m->seed + 200);
}

static bool test_fixed(const struct io_kind *kind)
{
	struct fixed f;
	size_t i;

	if (!fixed_open(&f, kind) || !fixed_register(&f))
		return false;
	for (i = 0; i < IO_NR_RANGES; i++)
		if (!fixed_both_ways(&f, 0, io_ranges[i].from, io_ranges[i].len, f.direct))
			return false;
	/* Through the page cache any byte will do. */
	return fixed_both_ways(&f, 0, HUGE - 77, 4 * KB + 131, f.file) &&
	       fixed_both_ways(&f, 1, HUGE - 6 * KB, 12 * KB, f.direct) &&
	       fixed_both_ways(&f, 1, HUGE - 4097, 4 * KB + 2, f.file) &&
	       io_expect("READ_FIXED behind the buffer",
			 io_ring_io(&f.ring, IORING_OP_READ_FIXED, 1, f.file,
				    f.mem.map + HUGE, 6 * KB + 1, 0), -EFAULT) &&
	       io_expect_out("registered still", &f.before, fixed_pins(&f)) &&
	       fixed_unregister(&f);
}

static bool fixed_readv(struct fixed *f, int index, size_t from, size_t len, int file)
{
	struct iovec iov = { f->mem.map + from, len };

	return io_expect("READV_FIXED", io_ring_io(&f->ring, IORING_OP_READV_FIXED, index, file,
						   (char *)&iov, 1, FILE_OFFSET), len);
}

/*
 * What a request has read into memory that nobody else wrote to stays. It is not known if the
 * memory was movable: then the pin made it dirty.
 */
static bool kept_by(const struct io_kind *kind, bool direct,
		    bool (*read)(struct fixed *f, int index, size_t from, size_t len, int file))
{
	size_t from = 8 * KB, len = 256 * KB;
	struct fixed f;

	return gup_stay_on_one_cpu() &&
	       fixed_open(&f, kind) && make_unwritten(&f.mem) && fixed_register(&f) &&
	       read(&f, 0, from, len, direct ? f.direct : f.file) &&
	       fixed_unregister(&f) && reclaim(&f.mem) &&
	       io_check("what was read", f.mem.map + from, len, 1000, FILE_OFFSET);
}

static bool test_fixed_kept(const struct io_kind *kind)
{
	return kept_by(kind, false, fixed_read);
}

static bool test_fixed_kept_direct(const struct io_kind *kind)
{
	return kept_by(kind, true, fixed_read);
}

static bool test_fixed_kept_vector(const struct io_kind *kind)
{
	return kept_by(kind, true, fixed_readv);
}

/* Each folio that is in a buffer has a pin for it, small or large; no other has one. */
static bool test_fixed_pages(const struct io_kind *kind)
{
	struct fixed f;
	char *edge;

	if (!need_records() || !fixed_open(&f, kind) || !fixed_register(&f))
		return false;
	edge = f.iov[1].iov_base;
	if (!expect_folio_pins("in both buffers", edge, f.iov[1].iov_len, 2))
		return false;
	if (kind->folio < HUGE &&
	    !(expect_folio_pins("in a buffer", f.iov[0].iov_base, MB, 1) &&
	      expect_folio_pins("before both", edge - 64 * KB - 4 * KB, 4 * KB, 1)))
		return false;
	if (kind->folio == 4 * KB &&
	    !(expect_folio_pins("before the buffer", f.mem.map, psize(), 0) &&
	      expect_folio_pins("behind the buffer", f.mem.map + SIZE - psize(), psize(), 0)))
		return false;
	return fixed_unregister(&f) &&
	       expect_folio_pins("unregistered", f.mem.map, SIZE, 0);
}

/*
 * Registered, then fork(): the device has to see what this process writes and the
 * other way round, and the child what there was when it was born, if the memory is
 * private.
 */
static bool test_fixed_fork(const struct io_kind *kind)
{
	size_t from = io_ranges[0].from, len = io_ranges[0].len;
	struct io_peer child = { 0 };
	struct fixed f;
	__u64 born;

	if (!fixed_open(&f, kind) || !fixed_register(&f))
		return false;
	born = f.mem.seed;
	if (!io_peer_start(&child, NULL, &f.mem))
		return false;
	io_fill(f.mem.map + from, len, 300, 0);
	if (!fixed_write(&f, 0, from, len, f.direct) ||
	    !io_check_file("written after fork(), by the device", f.file, len, 300,
			FILE_OFFSET) ||
	    !io_write_file(f.file, len, 400, FILE_OFFSET) ||
	    !fixed_read(&f, 0, from, len, f.direct) ||
	    !io_check("read after fork()", f.mem.map + from, len, 400, 0))
		return false;
	if (!(kind->shared ? io_order(&child, (struct io_order) { CHECK, from, len, 0, 400, 0 }) :
	      io_order(&child, (struct io_order) { CHECK, 0, SIZE, 0, born, 0 })))
		return false;
	/* What the child writes is nobody else's, or everybody's. */
	if (!io_order(&child, (struct io_order) { FILL, from, len, 0, 500, 0 }) ||
	    !fixed_write(&f, 0, from, len, f.direct) ||
	    !io_check_file("written by the child, by the device", f.file, len,
			kind->shared ? 500 : 400, FILE_OFFSET) ||
	    !io_check("after the child's write", f.mem.map + from, len,
		   kind->shared ? 500 : 400, 0))
		return false;
	io_peer_stop(&child);
	return fixed_unregister(&f);
}

/* fork(), then registered: the buffer must be pages that the child does not have. */
static bool test_fixed_forked(const struct io_kind *kind)
{
	size_t from = io_ranges[0].from, len = io_ranges[0].len;
	struct io_peer child = { 0 };
	struct fixed f;

	if (!fixed_open(&f, kind) || !io_peer_start(&child, NULL, &f.mem))
		return false;
	/* Of transparent huge pages each page is copied by itself. */
	if (!kind->shared && !kind->hugetlb)
		f.folio = psize();
	if (!fixed_register(&f) || !io_write_file(f.file, len, 600, FILE_OFFSET) ||
	    !fixed_read(&f, 0, from, len, f.direct) ||
	    !io_check_but("read after fork()", &f.mem, from, len, 600))
		return false;
	if (!(kind->shared ? io_peer_check_but(&child, from, len, 600) :
	      io_order(&child, (struct io_order) { CHECK, 0, SIZE, 0, f.mem.seed, 0 })))
		return false;
	io_peer_stop(&child);
	return fixed_unregister(&f);
}

/* Pages that are replaced: folios are in the buffer in pieces of any length. */
static bool test_fixed_pieces(const struct io_kind *kind)
{
	static const size_t replaced[] = { 3, 40, 41, 513, 519 };
	static const size_t lengths[] = { 1, 2, 5000, 70001, HUGE + 513 };
	struct fixed f;
	size_t i, j, from;

	if (!fixed_open(&f, kind))
		return false;
	for (i = 0; i < sizeof(replaced) / sizeof(*replaced); i++)
		if (madvise(f.mem.map + replaced[i] * psize(), psize(), MADV_DONTNEED))
			return io_fails("madvise");
	io_refill(&f.mem);
	if (!io_ring_register(&f.ring, f.iov, 2))
		return false;
	for (i = 0; i < sizeof(replaced) / sizeof(*replaced); i++)
		for (j = 0; j < sizeof(lengths) / sizeof(*lengths); j++) {
			/* Up to a border, over it, and from it on. */
			from = replaced[i] * psize() - 1 + j % 3;
			if (from + lengths[j] <= io_ranges[0].len &&
			    !fixed_both_ways(&f, 0, from, lengths[j], f.file))
				return false;
		}
	return fixed_unregister(&f);
}

/* A clone keeps the pins that it finds, and needs no others. */
static bool test_fixed_clone(const struct io_kind *kind)
{
	struct io_ring first;
	struct fixed f;

	if (!fixed_open(&f, kind) || !fixed_register(&f))
		return false;
	first = f.ring;
	return io_ring_open(&f.ring) && io_ring_clone(&f.ring, &first) &&
	       io_expect_out("cloned", &f.before, fixed_pins(&f)) &&
	       io_ring_unregister(&first) &&
	       io_expect_out("unregistered but for the clone", &f.before, fixed_pins(&f)) &&
	       fixed_both_ways(&f, 0, HUGE - 77, 4 * KB + 131, f.file) &&
	       fixed_both_ways(&f, 1, HUGE - 6 * KB, 12 * KB, f.direct) &&
	       fixed_unregister(&f);
}

/* As a user without privilege, whose buffers are charged. */
static bool drop_ipc_lock(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(__NR_capget, &header, caps))
		return io_fails("capget");
	caps[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &= ~CAP_TO_MASK(CAP_IPC_LOCK);
	return !syscall(__NR_capset, &header, caps) || io_fails("capset");
}

static bool set_memlock(size_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return io_fails("getrlimit");
	if (io_root)
		limit.rlim_max = bytes > limit.rlim_max ? bytes : limit.rlim_max;
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	return !setrlimit(RLIMIT_MEMLOCK, &limit) || io_fails("setrlimit");
}

/* VmPin: what the process is charged with, here for buffers only. */
static bool expect_charge(const char *what, size_t want)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	long got = -1;

	while (status && got < 0 && fgets(line, sizeof(line), status))
		sscanf(line, "VmPin: %ld kB", &got);
	if (status)
		fclose(status);
	return io_expect(what, got, want / KB);
}

/* A huge page is charged once, as a whole, in both buffers; a small one in each. */
static bool charged_together(struct fixed *f, size_t both, size_t second)
{
	return fixed_register(f) && expect_charge("charged, registered", both) &&
	       io_ring_drop(&f->ring, 1) &&
	       expect_charge("charged, without the second buffer", both - second) &&
	       io_ring_drop(&f->ring, 0) && expect_charge("charged, without both", 0) &&
	       fixed_unregister(f);
}

/* Two buffers that are cloned: the clone costs nothing, and keeps the charge. */
static bool charged_cloned(struct fixed *f, size_t both)
{
	struct io_ring clone;

	return io_ring_open(&clone) && fixed_register(f) && io_ring_clone(&clone, &f->ring) &&
	       expect_charge("charged, cloned", both) && io_ring_unregister(&f->ring) &&
	       expect_charge("charged, but for the clone unregistered", both) &&
	       io_ring_unregister(&clone) && expect_charge("charged after all", 0) &&
	       io_expect_out("unregistered", &f->before, 0);
}

/* A page more than the limit has is not to be had, and nothing stays charged. */
static bool charged_too_much(struct fixed *f, size_t both)
{
	return set_memlock(both - psize()) &&
	       io_expect_errno("registered over the limit",
			       syscall(__NR_io_uring_register, f->ring.fd,
				       IORING_REGISTER_BUFFERS, f->iov, 2), ENOMEM) &&
	       expect_charge("charged, over the limit", 0) &&
	       io_expect_out("over the limit", &f->before, 0) && set_memlock(4 * SIZE);
}

static bool test_fixed_charged(const struct io_kind *kind)
{
	size_t both, second = 0;
	struct fixed f;

	if (!drop_ipc_lock() || !fixed_open(&f, kind))
		return false;
	both = f.folio * io_units(f.iov[0].iov_base, f.iov[0].iov_len, f.folio);
	if (f.folio == psize())
		second = psize() * io_pages(f.iov[1].iov_base, f.iov[1].iov_len);
	both += second;
	return expect_charge("charged before all", 0) && charged_too_much(&f, both) &&
	       charged_together(&f, both, second) && charged_cloned(&f, both);
}

/* Direct I/O. */

static bool direct_both_ways(struct io_target *t, struct io_mem *m, const struct io_range *r)
{
	struct gup_pins before;
	char *at = m->map + r->from;

	io_refill(m);
	io_fill(at, r->len, m->seed + 100, 0);
	if (!io_pins(&before) ||
	    !io_expect("direct write", pwrite(t->direct, at, r->len, FILE_OFFSET), r->len) ||
	    !io_expect_pinned("direct write", &before, io_pages(at, r->len)) ||
	    !io_check_file("file that was written", t->cached, r->len, m->seed + 100,
			FILE_OFFSET) ||
	    !io_write_file(t->cached, r->len, m->seed + 200, FILE_OFFSET) ||
	    !io_pins(&before) ||
	    !io_expect("direct read", pread(t->direct, at, r->len, FILE_OFFSET), r->len) ||
	    !io_expect_pinned("direct read", &before, io_pages(at, r->len)))
		return false;
	return io_check_but("memory that was read to", m, r->from, r->len, m->seed + 200);
}

/* Two pieces of memory in one call, which do not follow each other. */
static bool direct_vector(struct io_target *t, struct io_mem *m)
{
	struct iovec iov[2] = {
		{ m->map + HUGE + 8 * KB, 8 * KB },
		{ m->map + 64 * KB - 4 * KB, 12 * KB },
	};
	char *buf = malloc(20 * KB);
	bool good;

	if (!buf)
		return io_fails("malloc");
	io_refill(m);
	good = io_write_file(t->cached, 20 * KB, m->seed + 300, FILE_OFFSET) &&
	       io_expect("direct read to two", preadv(t->direct, iov, 2, FILE_OFFSET),
			 20 * KB);
	memcpy(buf, iov[0].iov_base, iov[0].iov_len);
	memcpy(buf + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
	good = good && io_check("first and second piece", buf, 20 * KB, m->seed + 300, 0) &&
	       io_check("what lies between", m->map + 72 * KB, HUGE - 64 * KB, m->seed,
			72 * KB);
	free(buf);
	return good;
}

/* To memory that the process itself may not write to. */
static bool direct_refused(struct io_target *t, struct io_mem *m)
{
	struct gup_pins before;

	io_refill(m);
	if (!io_pins(&before))
		return false;
	if (mprotect(m->map + HUGE, HUGE, PROT_READ))
		return io_fails("mprotect");
	return io_expect_errno("direct read to a read-only page",
			    pread(t->direct, m->map + HUGE, 8 * KB, 0), EFAULT) &&
	       io_expect("direct write of a read-only page",
			 pwrite(t->direct, m->map + HUGE, 8 * KB, 0), 8 * KB) &&
	       io_check("all of it", m->map, m->len, m->seed, 0) &&
	       io_expect_out("after a refusal", &before, 0);
}

static bool odirect(bool (*open_it)(struct io_target *t), const struct io_kind *kind)
{
	struct io_target t;
	struct io_mem m;
	size_t i;

	if (!open_it(&t) || !io_make(&m, kind, SIZE))
		return false;
	for (i = 0; i < IO_NR_RANGES; i++)
		if (!direct_both_ways(&t, &m, &io_ranges[i]))
			return false;
	return direct_vector(&t, &m) && direct_refused(&t, &m);
}

static bool test_odirect_disk(const struct io_kind *kind)
{
	return odirect(io_open_disk, kind);
}

static bool test_odirect_ram(const struct io_kind *kind)
{
	return odirect(io_open_ram, kind);
}

static bool test_odirect_loop(const struct io_kind *kind)
{
	return odirect(io_open_loop, kind);
}

/* Where a block is read to is mapped in part: of two pages, which are one bvec. */
static bool test_odirect_cut(const struct io_kind *kind)
{
	struct gup_pins before;
	struct io_target t;
	struct iovec iov[2];
	struct io_mem m;
	ssize_t got;

	if (!io_open_loop_of(&t, 4 * KB) || !io_make(&m, kind, SIZE))
		return false;
	iov[0] = (struct iovec){ m.map + psize() - 2 * SECTOR, 3 * SECTOR };
	iov[1] = (struct iovec){ m.map + m.len, 5 * SECTOR };
	if (!io_pins(&before))
		return false;
	got = preadv(t.direct, iov, 2, 0);
	if (got < 0 && errno == EINVAL)
		return io_skip("direct I/O to the file behind the loop device needs whole blocks");
	return io_expect_errno("direct read", got, EFAULT) &&
	       io_expect_pinned("direct read", &before, 2);
}

static __u64 pfn_in(pid_t pid, const char *at)
{
	char path[64];
	__u64 entry = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &entry, 8, (uintptr_t)at / psize() * 8) != 8)
		entry = 0;
	close(fd);
	return entry & GUP_PM_PRESENT ? entry & GUP_PM_PFN : 0;
}

/*
 * A pin for reading has to be of a page that the process keeps, also if that page is
 * shared with a child: so it gets one of its own first.
 */
static bool test_odirect_unshares(const struct io_kind *kind)
{
	size_t from = HUGE + 8 * KB, len = 64 * KB, i;
	struct io_peer child = { 0 };
	struct io_target t;
	struct io_mem m;

	if (!io_root)
		return io_skip("page frame numbers are for root");
	if (!io_open_disk(&t) || !io_make(&m, kind, SIZE))
		return false;
	io_fill(m.map + from, len, 700, 0);
	if (!io_peer_start(&child, NULL, &m))
		return false;
	if (gup_pfn(m.map + from) != pfn_in(child.pid, m.map + from))
		return gup_fails("fork() has copied");
	if (!io_expect("direct write", pwrite(t.direct, m.map + from, len, 0), len) ||
	    !io_check_file("what was written of shared pages", t.cached, len, 700, 0))
		return false;
	for (i = 0; i < len; i += psize()) {
		char *at = m.map + from + i;

		if (gup_pfn(at) == pfn_in(child.pid, at))
			return gup_fails("page %zu was pinned while shared with a child",
					 i / psize());
	}
	if (gup_pfn(m.map) != pfn_in(child.pid, m.map))
		return gup_fails("a page that was not pinned is shared no more");
	if (!io_check_but("what was pinned", &m, from, len, 700) ||
	    !io_peer_check_but(&child, from, len, 700))
		return false;
	io_peer_stop(&child);
	return true;
}

/* process_vm_readv() and process_vm_writev(). */

static ssize_t vm_read(struct io_peer *p, void *to, size_t from, size_t len)
{
	struct iovec local = { to, len }, remote = { p->mem.map + from, len };

	return process_vm_readv(p->pid, &local, 1, &remote, 1, 0);
}

static ssize_t vm_write(struct io_peer *p, void *from, size_t to, size_t len)
{
	struct iovec local = { from, len }, remote = { p->mem.map + to, len };

	return process_vm_writev(p->pid, &local, 1, &remote, 1, 0);
}

/* One range: read by vm_reads(), or written by vm_writes(). */
typedef bool vm_fn(struct io_peer *p, char *buf, size_t from, size_t len, __u64 seed);

static bool vm_reads(struct io_peer *p, char *buf, size_t from, size_t len, __u64 seed)
{
	return io_expect("process_vm_readv", vm_read(p, buf, from, len), len) &&
	       io_check("what was read", buf, len, p->mem.seed, from);
}

static bool vm_writes(struct io_peer *p, char *buf, size_t from, size_t len, __u64 seed)
{
	io_fill(buf, len, seed, 0);
	return io_expect("process_vm_writev", vm_write(p, buf, from, len), len) &&
	       io_peer_check_but(p, from, len, seed) &&
	       io_order(p, (struct io_order) { FILL, 0, SIZE, 0, p->mem.seed, 0 });
}

static bool vm_ranges(const struct io_kind *kind, const char *what, vm_fn *one)
{
	char *buf = malloc(SIZE);
	struct gup_pins before;
	struct io_peer p = { 0 };
	size_t i;

	if (!buf || !io_peer_start(&p, kind, NULL))
		return false;
	for (i = 0; i < IO_NR_RANGES; i++) {
		size_t from = io_ranges[i].from + 123, len = io_ranges[i].len;

		if (!io_pins(&before) || !one(&p, buf, from, len, 800 + i) ||
		    !io_expect_pinned(what, &before, io_pages(p.mem.map + from, len)))
			return false;
	}
	io_peer_stop(&p);
	return true;
}

static bool test_vm_read(const struct io_kind *kind)
{
	return vm_ranges(kind, "process_vm_readv", vm_reads);
}

static bool test_vm_write(const struct io_kind *kind)
{
	return vm_ranges(kind, "process_vm_writev", vm_writes);
}

/* Several pieces on both sides, cut differently. */
static bool test_vm_vector(const struct io_kind *kind)
{
	char *buf = malloc(SIZE);
	struct io_peer p = { 0 };
	struct iovec local[3] = {
		{ buf, 10 },
		{ buf + 10, 9 * KB },
		{ buf + 10 + 9 * KB, 11 * KB },
	};
	struct iovec remote[2];

	if (!buf || !io_peer_start(&p, kind, NULL))
		return false;
	remote[0] = (struct iovec) { p.mem.map + HUGE - 4 * KB - 1, 8 * KB + 10 };
	remote[1] = (struct iovec) { p.mem.map + 64 * KB - 6 * KB, 12 * KB };
	if (!io_expect("process_vm_readv", process_vm_readv(p.pid, local, 3, remote, 2, 0),
		       20 * KB + 10) ||
	    !io_check("first remote piece", buf, 8 * KB + 10, p.mem.seed, HUGE - 4 * KB - 1) ||
	    !io_check("second remote piece", buf + 8 * KB + 10, 12 * KB, p.mem.seed, 58 * KB))
		return false;
	io_peer_stop(&p);
	return true;
}

/*
 * The second half of the other's memory cannot be written, or read, or is not there:
 * what lies before is transferred, nothing is an error, and nothing else changes.
 */
static bool vm_partly(struct io_peer *p, char *buf, bool write)
{
	ssize_t (*move)(struct io_peer *p, void *buf, size_t at, size_t len) =
		write ? vm_write : vm_read;
	size_t before = 5 * KB + 123;
	struct iovec local = { buf, 12 * KB };
	struct iovec remote[3] = {
		{ p->mem.map + 8 * KB, 4 * KB },
		{ p->mem.map + HUGE, 4 * KB },
		{ p->mem.map + 16 * KB, 4 * KB },
	};

	memset(buf, 0x5a, SIZE);
	io_fill(buf, 12 * KB, 900, 0);
	if (!io_expect_errno("only what cannot be", move(p, buf, HUGE + KB, 8 * KB), EFAULT) ||
	    !io_expect("a piece that ends behind the border",
		    move(p, buf, HUGE - before, before + 8 * KB), before) ||
	    !(write ? io_order(p, (struct io_order) { CHECK, HUGE - before, before, 0, 900, 0 }) :
		      io_check("what was read", buf, before, p->mem.seed, HUGE - before)))
		return false;
	io_fill(buf, 12 * KB, 900, 0);
	return io_expect("the second of three pieces",
		      write ? process_vm_writev(p->pid, &local, 1, remote, 3, 0) :
			      process_vm_readv(p->pid, &local, 1, remote, 3, 0), 4 * KB) &&
	       (write ? io_order(p, (struct io_order) { CHECK, 8 * KB, 4 * KB, 0, 900, 0 }) &&
			io_order(p, (struct io_order) { CHECK, 16 * KB, 4 * KB, 16 * KB,
				 p->mem.seed, 0 }) :
			io_check("what was read", buf, 4 * KB, p->mem.seed, 8 * KB) &&
			io_check("what was not read", buf + 4 * KB, 8 * KB, 900, 4 * KB));
}

static bool test_vm_refused(const struct io_kind *kind)
{
	char *buf = malloc(SIZE);
	struct gup_pins before;
	struct io_peer p = { 0 };

	if (!buf || !io_peer_start(&p, kind, NULL) || !io_pins(&before))
		return false;
	if (!io_order(&p, (struct io_order) { PROTECT, HUGE, HUGE, 0, 0, PROT_READ }) ||
	    !vm_partly(&p, buf, true) ||
	    !io_expect("read of what is read-only", vm_read(&p, buf, HUGE, 8 * KB), 8 * KB) ||
	    !io_check("what is read-only", buf, 8 * KB, p.mem.seed, HUGE) ||
	    !io_order(&p, (struct io_order) { CHECK, HUGE, HUGE, HUGE, p.mem.seed, 0 }))
		return false;
	if (!io_order(&p, (struct io_order) { FILL, 0, HUGE, 0, p.mem.seed, 0 }) ||
	    !io_order(&p, (struct io_order) { PROTECT, HUGE, HUGE, 0, 0, PROT_NONE }) ||
	    !vm_partly(&p, buf, false) || !vm_partly(&p, buf, true) ||
	    !io_order(&p, (struct io_order) { FILL, 0, HUGE, 0, p.mem.seed, 0 }) ||
	    !io_order(&p, (struct io_order) { UNMAP, HUGE, HUGE, 0, 0, 0 }) ||
	    !vm_partly(&p, buf, false) || !vm_partly(&p, buf, true))
		return false;
	io_peer_stop(&p);
	return io_expect_out("after refusals", &before, 0);
}

/* ptrace() and /proc/pid/mem. */

/* Words at the ends, and over the edges of pages and folios. */
static const size_t places[] = {
	0, 4 * KB - 8, 4 * KB - 3, 64 * KB - 5, 64 * KB, HUGE - 8, HUGE - 1, HUGE + 12 * KB + 1,
	SIZE - 8,
};

static bool attach(struct io_peer *p)
{
	if (ptrace(PTRACE_SEIZE, p->pid, 0, 0) || ptrace(PTRACE_INTERRUPT, p->pid, 0, 0))
		return io_fails("PTRACE_SEIZE");
	return waitpid(p->pid, NULL, __WALL) == p->pid || io_fails("waitpid");
}

static bool detach(struct io_peer *p)
{
	return !ptrace(PTRACE_DETACH, p->pid, 0, 0) || io_fails("PTRACE_DETACH");
}

static bool peek_all(struct io_peer *p, const char *what)
{
	size_t i;
	long word;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, p->pid, p->mem.map + places[i], 0);
		if (errno)
			return io_fails(what);
		if (!io_check(what, (char *)&word, 8, p->mem.seed, places[i]))
			return false;
	}
	return true;
}

/* Stopped meanwhile. Whether it is done as wanted, or refused as wanted. */
static bool poke_all(struct io_peer *p, const char *what, __u64 seed, bool may)
{
	size_t i;
	long word, ret;

	if (!attach(p))
		return false;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		io_fill((char *)&word, 8, seed, 0);
		errno = 0;
		ret = ptrace(PTRACE_POKEDATA, p->pid, p->mem.map + places[i], word);
		if (may ? ret : (ret != -1 || errno != EIO))
			return gup_fails("%s: place %zu: wanted %s, got %ld (%s)", what, i,
					 may ? "success" : "EIO", ret, strerror(errno));
	}
	return detach(p);
}

static bool check_poked(struct io_peer *p, __u64 seed)
{
	size_t i, end = 0;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		/* Two that overlap: the later one has won. */
		bool cut = i + 1 < ARRAY_SIZE(places) && places[i + 1] < places[i] + 8;
		size_t len = cut ? places[i + 1] - places[i] : 8;

		if (!io_order(p, (struct io_order) { CHECK, end, places[i] - end, end,
			      p->mem.seed, 0 }) ||
		    !io_order(p, (struct io_order) { CHECK, places[i], len, 0, seed, 0 }))
			return false;
		end = places[i] + len;
	}
	return io_order(p, (struct io_order) { CHECK, end, SIZE - end, end, p->mem.seed, 0 });
}

/* Private memory can be written even where it is read-only, which copies. */
static bool may_force(const struct io_mem *m)
{
	return !m->kind->shared;
}

static bool test_ptrace(const struct io_kind *kind)
{
	struct io_order reset = { FILL, 0, SIZE, 0, 0, 0 };
	struct io_peer p = { 0 };

	if (!io_peer_start(&p, kind, NULL))
		return false;
	reset.seed = p.mem.seed;
	if (!attach(&p) || !peek_all(&p, "PEEK") || !detach(&p) ||
	    !poke_all(&p, "POKE", 1100, true) || !check_poked(&p, 1100) ||
	    !io_order(&p, reset))
		return false;
	if (!io_order(&p, (struct io_order) { PROTECT, 0, SIZE, 0, 0, PROT_NONE }) ||
	    !attach(&p) || !peek_all(&p, "PEEK of PROT_NONE") || !detach(&p) ||
	    !io_order(&p, (struct io_order) { PROTECT, 0, SIZE, 0, 0, PROT_READ }))
		return false;
	if (!poke_all(&p, "POKE of what is read-only", 1200, may_force(&p.mem)) ||
	    !(may_force(&p.mem) ? check_poked(&p, 1200) :
	      io_order(&p, (struct io_order) { CHECK, 0, SIZE, 0, p.mem.seed, 0 })))
		return false;
	io_peer_stop(&p);
	return true;
}

static int open_mem(struct io_peer *p)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", p->pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		io_fails(path);
	return fd;
}

/* What lies at @from of the other's memory, as /proc/pid/mem has it. */
static bool mem_has(int fd, struct io_peer *p, char *buf, size_t from, size_t len, __u64 seed,
		    size_t skip)
{
	return io_expect("read of /proc/pid/mem",
			 pread(fd, buf, len, (uintptr_t)p->mem.map + from), len) &&
	       io_check("/proc/pid/mem", buf, len, seed, skip);
}

static bool mem_put(int fd, struct io_peer *p, char *buf, size_t from, size_t len, __u64 seed,
		    bool may)
{
	ssize_t ret;

	io_fill(buf, len, seed, 0);
	ret = pwrite(fd, buf, len, (uintptr_t)p->mem.map + from);
	return may ? io_expect("write of /proc/pid/mem", ret, len) :
		     io_expect_errno("write of /proc/pid/mem", ret, EIO);
}

static bool mem_range(int fd, struct io_peer *p, size_t from, size_t len, __u64 seed, bool may)
{
	char *buf = malloc(len);
	bool good;

	if (!buf)
		return io_fails("malloc");
	good = mem_has(fd, p, buf, from, len, p->mem.seed, from) &&
	       mem_put(fd, p, buf, from, len, seed, may) &&
	       (may ? mem_has(fd, p, buf, from, len, seed, 0) &&
		      io_peer_check_but(p, from, len, seed) :
		      io_order(p, (struct io_order) { CHECK, 0, SIZE, 0, p->mem.seed, 0 }));
	free(buf);
	return good;
}

static bool test_proc_mem(const struct io_kind *kind)
{
	struct io_order reset = { FILL, 0, SIZE, 0, 0, 0 };
	struct io_peer p = { 0 };
	size_t i;
	int fd;

	if (!io_peer_start(&p, kind, NULL))
		return false;
	reset.seed = p.mem.seed;
	fd = open_mem(&p);
	if (fd < 0)
		return false;
	for (i = 0; i < IO_NR_RANGES; i++)
		if (!mem_range(fd, &p, io_ranges[i].from + 123, io_ranges[i].len, 1300 + i, true) ||
		    !io_order(&p, reset))
			return false;
	if (!io_order(&p, (struct io_order) { PROTECT, 0, SIZE, 0, 0, PROT_READ }) ||
	    !mem_range(fd, &p, HUGE - 9 * KB - 5, 20 * KB, 1400, may_force(&p.mem)))
		return false;
	io_peer_stop(&p);
	return true;
}

/* Neither this process nor the file has what the other one has now. */
static bool stays_out(struct io_mem *m)
{
	return io_check("mapping of this process", m->map, m->len, m->seed, 0) &&
	       io_check_file("file", m->file, m->len, m->seed, 0);
}

/* What is forced into a private mapping of a file stays out of the file. */
static bool test_force_ptrace(const struct io_kind *kind)
{
	struct io_peer p = { 0 };
	struct io_mem m;

	if (!io_make(&m, kind, SIZE) || !io_peer_start(&p, NULL, &m) || !attach(&p) ||
	    !peek_all(&p, "PEEK of a file") || !detach(&p) ||
	    !poke_all(&p, "POKE of a file", 1500, true) || !check_poked(&p, 1500) ||
	    !stays_out(&m))
		return false;
	io_peer_stop(&p);
	return true;
}

static bool test_force_proc_mem(const struct io_kind *kind)
{
	struct io_peer p = { 0 };
	struct io_mem m;
	int fd;

	if (!io_make(&m, kind, SIZE) || !io_peer_start(&p, NULL, &m))
		return false;
	fd = open_mem(&p);
	if (fd < 0 || !mem_range(fd, &p, HUGE - 9 * KB - 5, 20 * KB, 1600, true) ||
	    !stays_out(&m))
		return false;
	io_peer_stop(&p);
	return true;
}

/* vmsplice(). */

#define SPLICED	(200 * KB)

static bool pipe_has(int fd, const char *what, size_t len, __u64 seed, size_t skip)
{
	char *buf = malloc(len);
	size_t done = 0;
	ssize_t got = 0;
	bool good;

	if (!buf)
		return io_fails("malloc");
	for (; done < len; done += got) {
		got = read(fd, buf + done, len - done);
		if (got <= 0)
			break;
	}
	good = io_expect(what, done, len) && io_check(what, buf, len, seed, skip);
	free(buf);
	return good;
}

static bool big_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return io_fails("pipe");
	return fcntl(fds[1], F_SETPIPE_SZ, MB) >= (int)MB || io_fails("F_SETPIPE_SZ");
}

/*
 * The pipe has the pages themselves: what is written to them before they are read is
 * read (a gift says that one will not, and nothing prevents it); unmapped, they stay.
 */
static bool vmsplice_flags(const struct io_kind *kind, unsigned int flags)
{
	size_t from = HUGE - SPLICED / 2 + (flags ? 0 : 123);
	struct iovec iov;
	struct io_mem m;
	int fds[2];

	if (!io_make(&m, kind, SIZE) || !big_pipe(fds))
		return false;
	iov = (struct iovec) { m.map + from, SPLICED };
	if (!io_expect("vmsplice", vmsplice(fds[1], &iov, 1, flags), SPLICED) ||
	    !pipe_has(fds[0], "first part", SPLICED / 2, m.seed, from))
		return false;
	io_refill(&m);
	if (!pipe_has(fds[0], "changed meanwhile", SPLICED / 2, m.seed, from + SPLICED / 2) ||
	    !io_check("all of it", m.map, m.len, m.seed, 0) ||
	    !io_expect("vmsplice", vmsplice(fds[1], &iov, 1, flags), SPLICED))
		return false;
	if (munmap(m.map, m.len))
		return io_fails("munmap");
	return io_expect_errno("vmsplice of nothing", vmsplice(fds[1], &iov, 1, flags), EFAULT) &&
	       pipe_has(fds[0], "unmapped meanwhile", SPLICED, m.seed, from);
}

static bool test_vmsplice(const struct io_kind *kind)
{
	return vmsplice_flags(kind, 0);
}

static bool test_vmsplice_gift(const struct io_kind *kind)
{
	return vmsplice_flags(kind, SPLICE_F_GIFT);
}

/* A reference for each page that is in the pipe. */
static bool test_vmsplice_pages(const struct io_kind *kind)
{
	size_t from = HUGE - SPLICED / 2 + 123;
	struct gup_call then;
	struct iovec iov;
	struct io_mem m;
	int fds[2];

	if (!need_records() || !io_make(&m, kind, SIZE) || !big_pipe(fds))
		return false;
	iov = (struct iovec) { m.map + from, SPLICED };
	return look(&then, m.map + from, SPLICED) &&
	       io_expect("vmsplice", vmsplice(fds[1], &iov, 1, 0), SPLICED) &&
	       expect_folio_refs("in the pipe", m.map + from, SPLICED, &then, true) &&
	       pipe_has(fds[0], "pipe", SPLICED, m.seed, from) &&
	       expect_folio_refs("out of the pipe", m.map + from, SPLICED, &then, false);
}

/* futex(). */

static long futex(void *at, int op, int val, long val2, void *at2, int val3)
{
	return syscall(__NR_futex, at, op, val, val2, at2, val3);
}

static void *wait_at(void *word)
{
	while (futex(word, FUTEX_WAIT, 7, 0, NULL, 0) && errno == EINTR)
		;
	return NULL;
}

/* Until the one that waits there was woken; the word of the page behind has nobody. */
static bool wake(int *word, int *behind)
{
	long woken;

	do {
		woken = futex(behind, FUTEX_WAKE, 1, 0, NULL, 0);
		if (!io_expect("woken at the next page", woken, 0))
			return false;
		sched_yield();
		woken = futex(word, FUTEX_WAKE, 1, 0, NULL, 0);
	} while (!woken);
	return io_expect("woken", woken, 1);
}

/*
 * Without FUTEX_PRIVATE_FLAG GUP says which page of which file it is: the waiter is
 * found through another mapping of the file, at the same page of a folio.
 */
static bool test_futex_wake(const struct io_kind *kind)
{
	static const size_t words[] = {
		16, 5 * KB, 64 * KB - 4 * KB, HUGE - 8 * KB + 4, HUGE + 100 * KB,
	};
	pthread_t waiter;
	struct io_mem m;
	char *other;
	size_t i;

	if (!io_make(&m, kind, SIZE))
		return false;
	other = m.map;
	if (kind->shared)
		other = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, m.file, 0);
	if (other == MAP_FAILED)
		return io_fails("mmap");
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		*(int *)(m.map + words[i]) = 7;
		if (pthread_create(&waiter, NULL, wait_at, m.map + words[i]))
			return gup_fails("pthread_create");
		if (!wake((int *)(other + words[i]), (int *)(other + words[i] + psize())))
			return false;
		pthread_join(waiter, NULL);
	}
	return true;
}

/* FUTEX_WAKE_OP: *at = 4711, and back how many waited there: none. */
static bool wake_op(const char *what, char *at)
{
	int other = 0;
	long ret = futex(&other, FUTEX_WAKE_OP_PRIVATE, 1, 1, at,
			 FUTEX_OP((FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT), 10, FUTEX_OP_CMP_EQ, 0));

	return io_expect(what, ret, 0) && io_expect(what, *(int *)at, 1024);
}

static bool lock_pi(const char *what, char *at)
{
	*(int *)at = 0;
	if (madvise((char *)((uintptr_t)at & -HUGE), HUGE, MADV_DONTNEED))
		return io_fails("MADV_DONTNEED");
	return io_expect(what, futex(at, FUTEX_LOCK_PI_PRIVATE, 0, 0, NULL, 0), 0) &&
	       io_expect(what, *(int *)at, syscall(__NR_gettid)) &&
	       io_expect(what, futex(at, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, NULL, 0), 0) &&
	       io_expect(what, *(int *)at, 0);
}

/*
 * The word of a private futex is written with page faults off; fixup_user_fault() has
 * to bring the page in, to copy it if it is shared with a child, and to refuse.
 */
static bool test_futex_fault(const struct io_kind *kind)
{
	size_t at = HUGE + 8 * KB + 4;
	struct io_peer child = { 0 };
	struct io_mem m;

	if (!io_make(&m, kind, SIZE) || !io_peer_start(&child, NULL, &m) ||
	    !wake_op("shared with a child", m.map + at) ||
	    !io_check("what lies before", m.map, at, m.seed, 0) ||
	    !io_check("what lies behind", m.map + at + 4, SIZE - at - 4, m.seed, at + 4))
		return false;
	if (!kind->shared && !io_order(&child, (struct io_order) { CHECK, 0, SIZE, 0, m.seed, 0 }))
		return false;
	io_peer_stop(&child);
	if (!lock_pi("nothing there", m.map + at))
		return false;
	if (madvise(m.map + HUGE, HUGE, MADV_DONTNEED))
		return io_fails("MADV_DONTNEED");
	if (!wake_op("nothing there", m.map + at) ||
	    !wake_op("next page", m.map + at + psize()))
		return false;
	if (mprotect(m.map + HUGE, HUGE, PROT_READ))
		return io_fails("mprotect");
	return io_expect_errno("read-only", futex(&child.mem.file, FUTEX_WAKE_OP_PRIVATE, 1, 1,
					       m.map + at, FUTEX_OP(FUTEX_OP_SET, 1,
								    FUTEX_OP_CMP_EQ, 0)),
			    EFAULT) &&
	       io_expect("read-only", *(int *)(m.map + at), 1024);
}

/* udmabuf: memfd_pin_folios(). */

static bool seal(const struct io_mem *m)
{
	return !fcntl(m->file, F_ADD_SEALS, F_SEAL_SHRINK) || io_fails("F_SEAL_SHRINK");
}

/* A buffer of part of the memfd, or -1. */
static int udmabuf_create(const struct io_mem *m, size_t from, size_t len)
{
	struct udmabuf_create create = {
		.memfd = m->file,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = from,
		.size = len,
	};
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), buf;

	if (device < 0) {
		io_skip("/dev/udmabuf: %s", strerror(errno));
		return -1;
	}
	buf = ioctl(device, UDMABUF_CREATE, &create);
	if (buf < 0)
		io_fails("UDMABUF_CREATE");
	close(device);
	return buf;
}

static char *udmabuf_map(int buf, size_t len)
{
	char *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);

	if (at != MAP_FAILED)
		return at;
	io_fails("mmap of a udmabuf");
	return NULL;
}

/* The buffer is the memory: what is written to one is read from the other. */
static bool udmabuf_range(struct io_mem *m, size_t from, size_t len)
{
	size_t folios = io_units(m->map + from, len, m->kind->folio);
	struct gup_pins before;
	char *at;
	int buf;

	io_refill(m);
	if (!io_pins(&before))
		return false;
	buf = udmabuf_create(m, from, len);
	if (buf < 0 || !io_expect_out("UDMABUF_CREATE", &before, folios))
		return false;
	at = udmabuf_map(buf, len);
	if (!at || !io_check("buffer", at, len, m->seed, from))
		return false;
	io_fill(at, len, m->seed + 100, 0);
	if (!io_check_but("memfd", m, from, len, m->seed + 100))
		return false;
	io_refill(m);
	if (!io_check("buffer, written through the memfd", at, len, m->seed, from))
		return false;
	munmap(at, len);
	close(buf);
	return io_expect_out("closed", &before, 0);
}

static bool test_udmabuf(const struct io_kind *kind)
{
	struct io_mem m;

	if (!io_make(&m, kind, SIZE) || !seal(&m))
		return false;
	return udmabuf_range(&m, 0, SIZE) && udmabuf_range(&m, psize(), SIZE - 2 * psize()) &&
	       udmabuf_range(&m, HUGE - psize(), 2 * psize()) &&
	       udmabuf_range(&m, HUGE + 20 * KB, psize());
}

static bool test_udmabuf_pages(const struct io_kind *kind)
{
	struct io_mem m;
	int buf, more;

	if (!need_records() || !io_make(&m, kind, SIZE) || !seal(&m))
		return false;
	buf = udmabuf_create(&m, psize(), SIZE - 2 * psize());
	if (buf < 0 || !expect_folio_pins("in a buffer", m.map + psize(), SIZE - 2 * psize(), 1))
		return false;
	more = udmabuf_create(&m, HUGE - psize(), 2 * psize());
	if (more < 0 ||
	    !expect_folio_pins("in two buffers", m.map + HUGE - psize(), 2 * psize(), 2))
		return false;
	close(more);
	if (!expect_folio_pins("in one again", m.map + psize(), SIZE - 2 * psize(), 1))
		return false;
	close(buf);
	return expect_folio_pins("in none", m.map, SIZE, 0);
}

/* Leave a mark in as much free memory as may come next. */
static void spoil_free_memory(void)
{
	size_t len = 64 * MB;
	char *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return;
	memset(at, 0xaa, len);
	munmap(at, len);
}

/*
 * What fallocate() gives is 0 for everybody who reads it; and what is written to the
 * buffer before anybody has read the memfd stays there.
 */
static bool test_udmabuf_fallocate(const struct io_kind *kind)
{
	size_t len = 64 * KB, from = HUGE - len / 2, i;
	struct io_mem m;
	char *at;
	int buf;

	if (!io_make(&m, kind, SIZE) || !seal(&m))
		return false;
	munmap(m.map, SIZE);
	if (fallocate(m.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE))
		return io_fails("FALLOC_FL_PUNCH_HOLE");
	spoil_free_memory();
	if (fallocate(m.file, 0, 0, SIZE))
		return io_fails("fallocate");
	buf = udmabuf_create(&m, from, len);
	at = buf < 0 ? NULL : udmabuf_map(buf, len);
	if (!at)
		return false;
	for (i = 0; i < len; i++)
		if (at[i])
			return gup_fails("byte %zu of what fallocate() gave: wanted 0, got %#x",
					 i, at[i] & 0xff);
	io_fill(at, len, 1700, 0);
	return io_check_file("memfd", m.file, len, 1700, from) &&
	       io_check("buffer", at, len, 1700, 0);
}

/* What was written to a buffer of memory that nobody else wrote to stays. */
static bool test_udmabuf_kept(const struct io_kind *kind)
{
	struct io_mem m;
	char *at;
	int buf;

	if (!gup_stay_on_one_cpu() || !io_make(&m, kind, SIZE) || !seal(&m) || !make_unwritten(&m))
		return false;
	buf = udmabuf_create(&m, 0, SIZE);
	at = buf < 0 ? NULL : udmabuf_map(buf, SIZE);
	if (!at)
		return false;
	io_fill(at, SIZE, 1800, 0);
	munmap(at, SIZE);
	close(buf);
	return reclaim(&m) && io_check("memfd", m.map, SIZE, 1800, 0);
}

/* Seals and files that udmabuf, offsets that memfd_pin_folios() does not take. */
static bool test_udmabuf_refused(const struct io_kind *kind)
{
	struct gup_pins before;
	struct io_mem m;

	if (!io_make(&m, kind, SIZE) || !io_pins(&before))
		return false;
	if (!io_expect("not sealed", udmabuf_create(&m, 0, SIZE), -1) || io_outcome->skipped ||
	    !io_expect("not sealed: errno", errno, EINVAL) || !seal(&m))
		return false;
	return io_expect("behind the end", udmabuf_create(&m, SIZE - psize(), 2 * psize()), -1) &&
	       io_expect("behind the end: errno", errno, EINVAL) &&
	       io_expect_out("after refusals", &before, 0);
}

/* perf: get_user_pages_fast_only(), in the page fault itself. */

#define PERF_PAGES	32

struct sample {
	struct perf_event_header header;
	__u64 addr;
	__u64 phys;
};

static int perf_open(struct perf_event_mmap_page **ring)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS_MIN,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_ADDR | PERF_SAMPLE_PHYS_ADDR,
	};
	int fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0) {
		io_skip("perf_event_open: %s", strerror(errno));
		return -1;
	}
	*ring = mmap(NULL, (1 + PERF_PAGES) * psize(), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (*ring != MAP_FAILED)
		return fd;
	io_fails("mmap of perf's ring");
	close(fd);
	return -1;
}

/* Every fault in the memory has the physical address that pagemap has. */
static bool test_perf_phys(const struct io_kind *kind)
{
	struct perf_event_mmap_page *ring = NULL;
	size_t done, seen = 0;
	struct io_mem m;
	int fd;

	if (!io_root)
		return io_skip("page frame numbers are for root");
	fd = perf_open(&ring);
	if (fd < 0 || !io_make(&m, kind, SIZE))
		return false;
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	if (ring->data_head > PERF_PAGES * psize())
		return gup_fails("perf's ring is too small");
	for (done = 0; done < ring->data_head;) {
		struct sample *s = (void *)((char *)ring + psize() + done);
		char *at = (char *)(uintptr_t)s->addr;
		__u64 want;

		done += s->header.size;
		if (s->header.type != PERF_RECORD_SAMPLE || at < m.map || at >= m.map + SIZE)
			continue;
		seen++;
		want = gup_pfn(at) * psize() + (uintptr_t)at % psize();
		if (s->phys != want)
			return gup_fails("fault %zu, at %p: wanted %#llx, got %#llx", seen, at,
					 want, s->phys);
	}
	return io_expect("faults in the memory", seen, SIZE / kind->folio);
}

/* Information only. */

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* One job: what is timed, and what makes it possible to time it again. */
struct job {
	struct io_mem *mem;
	struct io_ring ring;
	struct io_target target;
	struct io_peer peer;
	char *buf;
};

static bool do_register(struct job *j)
{
	struct iovec iov = { j->mem->map, j->mem->len };

	return io_ring_register(&j->ring, &iov, 1);
}

static bool undo_register(struct job *j)
{
	return io_ring_unregister(&j->ring);
}

static bool do_direct_write(struct job *j)
{
	return io_expect("direct write", pwrite(j->target.direct, j->mem->map, j->mem->len, 0),
		      j->mem->len);
}

static bool do_direct_read(struct job *j)
{
	return io_expect("direct read", pread(j->target.direct, j->mem->map, j->mem->len, 0),
		      j->mem->len);
}

static bool do_vm_read(struct job *j)
{
	return io_expect("process_vm_readv", vm_read(&j->peer, j->buf, 0, j->mem->len),
		      j->mem->len);
}

static bool rate(struct job *j, const char *what, bool (*todo)(struct job *j),
		 bool (*undo)(struct job *j))
{
	__u64 start, took, best = ULLONG_MAX;
	int i;

	for (i = 0; i < 3; i++) {
		start = now_ns();
		if (!todo(j))
			return false;
		took = now_ns() - start;
		if (took < best)
			best = took;
		if (undo && !undo(j))
			return false;
	}
	ksft_print_msg("%s, %s: %.3f GB/s\n", what, j->mem->kind->name,
		       (double)j->mem->len / (best ?: 1));
	return true;
}

/* An ordinary user may lock less than this. */
static bool rate_register(struct job *j)
{
	if (!io_root) {
		ksft_print_msg("io_uring register, %s: not measured: not root\n",
			       j->mem->kind->name);
		return true;
	}
	return io_ring_open(&j->ring) &&
	       rate(j, "io_uring register", do_register, undo_register);
}

static bool test_rates(const struct io_kind *kind)
{
	struct job j = { 0 };
	struct io_mem m;

	if (!io_make(&m, kind, megabytes * MB))
		return false;
	j.mem = &m;
	j.buf = malloc(m.len);
	if (!j.buf || !io_open_disk(&j.target) || !rate_register(&j) ||
	    !rate(&j, "direct write", do_direct_write, NULL))
		return false;
	memset(m.map, 0, m.len);
	if (!rate(&j, "direct read", do_direct_read, NULL) ||
	    !io_check("memory that was written and read", m.map, m.len, m.seed, 0) ||
	    !io_peer_start(&j.peer, NULL, &m) ||
	    !rate(&j, "process_vm_readv", do_vm_read, NULL) ||
	    !io_check("memory of the other process", j.buf, m.len, m.seed, 0))
		return false;
	io_peer_stop(&j.peer);
	return true;
}

/* Which kinds of memory a test is about. */
static bool is_any(const struct io_kind *k)
{
	return !k->file;
}

static bool is_private(const struct io_kind *k)
{
	return !k->file && !k->shared;
}

static bool is_anonymous(const struct io_kind *k)
{
	return is_private(k) && !k->hugetlb;
}

static bool is_thp(const struct io_kind *k)
{
	return is_anonymous(k) && k->folio == HUGE;
}

static bool is_memfd(const struct io_kind *k)
{
	return k->shared;
}

static bool is_reclaimed(const struct io_kind *k)
{
	return k->shared && !k->hugetlb;
}

/* fallocate() does not look at what is mapped, so it gives no THP. */
static bool is_plain_memfd(const struct io_kind *k)
{
	return k->shared && strcmp(k->name, "memfd_thp");
}

static bool is_file(const struct io_kind *k)
{
	return k->file;
}

static const struct table_test tests[] = {
	TABLE_TEST(fixed, is_any),
	TABLE_TEST(fixed_kept, is_reclaimed),
	TABLE_TEST(fixed_kept_direct, is_reclaimed),
	TABLE_TEST(fixed_kept_vector, is_reclaimed),
	TABLE_TEST(fixed_pages, is_any),
	TABLE_TEST(fixed_fork, is_any),
	TABLE_TEST(fixed_forked, is_any),
	TABLE_TEST(fixed_pieces, is_anonymous),
	TABLE_TEST(fixed_clone, is_any),
	TABLE_TEST(fixed_charged, is_any),
	TABLE_TEST(odirect_disk, is_any),
	TABLE_TEST(odirect_ram, is_any),
	TABLE_TEST(odirect_loop, is_any),
	TABLE_TEST(odirect_cut, is_thp),
	TABLE_TEST(odirect_unshares, is_private),
	TABLE_TEST(vm_read, is_any),
	TABLE_TEST(vm_write, is_any),
	TABLE_TEST(vm_vector, is_any),
	TABLE_TEST(vm_refused, is_any),
	TABLE_TEST(ptrace, is_any),
	TABLE_TEST(proc_mem, is_any),
	TABLE_TEST(force_ptrace, is_file),
	TABLE_TEST(force_proc_mem, is_file),
	TABLE_TEST(vmsplice, is_any),
	TABLE_TEST(vmsplice_gift, is_any),
	TABLE_TEST(vmsplice_pages, is_any),
	TABLE_TEST(futex_wake, is_any),
	TABLE_TEST(futex_fault, is_any),
	TABLE_TEST(udmabuf, is_memfd),
	TABLE_TEST(udmabuf_pages, is_memfd),
	TABLE_TEST(udmabuf_fallocate, is_plain_memfd),
	TABLE_TEST(udmabuf_kept, is_reclaimed),
	TABLE_TEST(udmabuf_refused, is_plain_memfd),
	TABLE_TEST(perf_phys, is_any),
	TABLE_TEST(rates, is_any),
	{ 0 }
};

static const struct gup_option options[] = {
	{ "--megabytes", "N", "of memory that the rates are taken over, even, 2 to 64 (16)",
	  .number = &megabytes },
	TABLE_FILTER,
	{ 0 }
};

static void check(const struct gup_usage *usage)
{
	if (megabytes < 2 || megabytes > 64 || megabytes % 2)
		gup_bad_usage(usage, "--megabytes", NULL);
}

static void prepare(void)
{
	size_t most = megabytes * MB > SIZE ? megabytes * MB : SIZE;

	gup_fd = gup_open();
	snprintf(gup_missing, sizeof(gup_missing), "%s", gup_why());
	if (!io_root) {
		ksft_print_msg("not root: pins are not counted\n");
		return;
	}
	/* Twice the memory, for a child's copy, and some that nobody counts on. */
	io_prepare(2 * most / HUGE + 2);
}

static const struct table table = {
	.usage = { "gup_io", NULL, options }, .tests = tests, .check = check, .prepare = prepare,
};

int main(int argc, char **argv)
{
	io_root = !geteuid();
	return run_table(&table, argc, argv);
}
