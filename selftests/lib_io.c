// SPDX-License-Identifier: GPL-2.0
/* See lib_io.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Before io_uring.h, which needs it. */
#include <linux/stddef.h>
#include <linux/io_uring.h>
#include <linux/loop.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib_io.h"
#include "vm_util.h"

struct io_outcome *io_outcome;
bool io_root;

bool io_skip(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	io_outcome->skipped = true;
	snprintf(io_outcome->why, sizeof(io_outcome->why), "%s", text);
	return gup_fails("%s", text);
}

bool io_fails(const char *what)
{
	return gup_fails("%s: %s", what, strerror(errno));
}

bool io_expect(const char *what, long got, long want)
{
	return got == want ||
	       gup_fails("%s: wanted %ld, got %ld (errno: %s)", what, want, got,
			 strerror(errno));
}

bool io_expect_errno(const char *what, long got, int want)
{
	if (got != -1)
		return gup_fails("%s: wanted %s, got %ld", what, strerror(want), got);
	return errno == want ||
	       gup_fails("%s: wanted %s, got %s", what, strerror(want), strerror(errno));
}

/*
 * Contents: byte i of the pattern of a seed depends on both, so that a page in the
 * place of another shows.
 */
static __u64 pattern_word(__u64 seed, size_t word)
{
	__u64 x = seed * 0x9e3779b97f4a7c15ULL + word * 0xbf58476d1ce4e5b9ULL;

	return x ^ x >> 29;
}

static char pattern_byte(__u64 seed, size_t i)
{
	return pattern_word(seed, i / 8) >> i % 8 * 8;
}

/* @skip: of the pattern, how many bytes to leave out at its start. */
void io_fill(char *to, size_t len, __u64 seed, size_t skip)
{
	size_t i = 0;
	__u64 word;

	while (i < len) {
		if ((skip + i) % 8 || len - i < 8) {
			to[i] = pattern_byte(seed, skip + i);
			i++;
			continue;
		}
		word = pattern_word(seed, (skip + i) / 8);
		memcpy(to + i, &word, 8);
		i += 8;
	}
}

bool io_check(const char *what, const char *at, size_t len, __u64 seed, size_t skip)
{
	size_t i = 0;
	__u64 word;
	char want;

	while (i < len) {
		if (!((skip + i) % 8) && len - i >= 8) {
			word = pattern_word(seed, (skip + i) / 8);
			if (!memcmp(at + i, &word, 8)) {
				i += 8;
				continue;
			}
		}
		want = pattern_byte(seed, skip + i);
		if (at[i] != want)
			return gup_fails("%s: byte %zu of %zu at %p: wanted %#x, got %#x",
					 what, i, len, at + i, want & 0xff, at[i] & 0xff);
		i++;
	}
	return true;
}

/* The memory has the pattern of its seed but for [from, from + len), which has another. */
bool io_check_but(const char *what, const struct io_mem *m, size_t from, size_t len,
		  __u64 seed)
{
	return io_check(what, m->map + from, len, seed, 0) &&
	       io_check("what lies before", m->map, from, m->seed, 0) &&
	       io_check("what lies behind", m->map + from + len, m->len - from - len,
			m->seed, from + len);
}

void io_refill(struct io_mem *m)
{
	io_fill(m->map, m->len, ++m->seed, 0);
}

/* Pins. */

bool io_pins(struct gup_pins *pins)
{
	*pins = (struct gup_pins) { 0 };
	/* Others may not fold the counters, which are behind then. */
	return !io_root || gup_read_pins(pins);
}

/* So many more are out than at @then. */
bool io_expect_out(const char *what, const struct gup_pins *then, long want)
{
	struct gup_pins now;

	if (!io_root)
		return true;
	if (!gup_read_pins(&now))
		return false;
	now.acquired -= then->acquired;
	now.released -= then->released;
	return now.acquired - now.released == want ||
	       gup_fails("%s: pins out: wanted %ld, got %ld (%ld taken, %ld given back)",
			 what, want, now.acquired - now.released, now.acquired,
			 now.released);
}

/* None is out, and it was not done without. */
bool io_expect_pinned(const char *what, const struct gup_pins *then, long at_least)
{
	struct gup_pins now;

	if (!io_root)
		return true;
	if (!gup_read_pins(&now) || !io_expect_out(what, then, 0))
		return false;
	return now.acquired - then->acquired >= at_least ||
	       gup_fails("%s: pins taken: wanted %ld or more, got %ld", what, at_least,
			 now.acquired - then->acquired);
}

struct io_pool io_read_pool(void)
{
	return (struct io_pool) {
		gup_read_number(HUGETLB_SYSFS "free_hugepages"),
		gup_read_number(HUGETLB_SYSFS "resv_hugepages"),
	};
}

bool io_expect_pool(const char *what, const struct io_pool *before, long free, long reserved)
{
	struct io_pool now = io_read_pool();

	now.free -= before->free;
	now.reserved -= before->reserved;
	return (now.free == free && now.reserved == reserved) ||
	       gup_fails("%s: free %+ld, reserved %+ld, wanted %+ld and %+ld", what, now.free,
			 now.reserved, free, reserved);
}

size_t io_units(const char *at, size_t len, size_t unit)
{
	uintptr_t from = (uintptr_t)at;

	return (from + len - 1) / unit - from / unit + 1;
}

size_t io_pages(const char *at, size_t len)
{
	return io_units(at, len, psize());
}

/* Kinds of memory. */

static bool map_aligned(struct io_mem *m, int flags)
{
	size_t room = m->len + 2 * HUGE;
	char *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);

	if (at == MAP_FAILED)
		return io_fails("mmap");
	m->map = (char *)(((uintptr_t)at + HUGE) & -HUGE);
	if (mmap(m->map, m->len, PROT_READ | PROT_WRITE, flags | MAP_FIXED, m->file,
		 0) == m->map)
		return true;
	io_fails("mmap");
	munmap(at, room);
	return false;
}

/* Runs of pages that a folio of the kind may be: who is not root does not see more. */
static bool check_folios(const struct io_mem *m)
{
	size_t nr = m->len / psize(), in_folio = m->kind->folio / psize(), i;
	__u64 *entries = calloc(nr, sizeof(*entries));
	bool good = entries && gup_read_pagemap(m->map, nr, entries);

	for (i = 0; good && i < nr; i++) {
		__u64 pfn = entries[i] & GUP_PM_PFN;
		__u64 first = entries[i - i % in_folio] & GUP_PM_PFN;

		good = entries[i] & GUP_PM_PRESENT && pfn == first + i % in_folio &&
		       (!io_root || (pfn && !(first % in_folio)));
		if (!good)
			gup_fails("made as %s, but page %zu has the entry %#llx",
				  m->kind->name, i, entries[i]);
		if (!io_root)
			break;
	}
	free(entries);
	return good;
}

bool io_thp_is_on(void)
{
	char text[64];

	if (gup_read_knob(THP_SYSFS "enabled", text, sizeof(text)) && strcmp(text, "never") &&
	    !prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0))
		return true;
	return io_skip("transparent huge pages are off");
}

static bool make_anon(struct io_mem *m)
{
	if (!map_aligned(m, MAP_PRIVATE | MAP_ANONYMOUS))
		return false;
	/* Refused by a kernel without huge pages. */
	madvise(m->map, m->len, MADV_NOHUGEPAGE);
	io_refill(m);
	return true;
}

static bool make_mthp(struct io_mem *m)
{
	if (!io_thp_is_on())
		return false;
	if (access(MTHP_KNOB, W_OK))
		return io_skip("%s: %s", MTHP_KNOB, strerror(errno));
	if (!map_aligned(m, MAP_PRIVATE | MAP_ANONYMOUS) ||
	    !gup_write_knob(MTHP_KNOB, "always"))
		return false;
	io_refill(m);
	return gup_write_knob(MTHP_KNOB, "never") && check_folios(m);
}

static bool make_thp(struct io_mem *m)
{
	if (!io_thp_is_on() || !map_aligned(m, MAP_PRIVATE | MAP_ANONYMOUS))
		return false;
	if (madvise(m->map, m->len, MADV_HUGEPAGE))
		return io_skip("MADV_HUGEPAGE: %s", strerror(errno));
	io_refill(m);
	return check_huge_anon(m->map, m->len, m->len / HUGE, HUGE) ||
	       gup_fails("MADV_HUGEPAGE gave no huge pages");
}

/* A change of the access of a page splits the PMD; the folio stays. */
static bool make_thp_ptes(struct io_mem *m)
{
	size_t at;

	if (!make_thp(m))
		return false;
	for (at = 0; at < m->len; at += HUGE)
		if (mprotect(m->map + at + 3 * psize(), psize(), PROT_READ) ||
		    mprotect(m->map + at + 3 * psize(), psize(), PROT_READ | PROT_WRITE))
			return io_fails("mprotect");
	return (check_huge_anon(m->map, m->len, 0, HUGE) ||
		gup_fails("mprotect() did not split the PMD")) && check_folios(m);
}

static bool make_hugetlb(struct io_mem *m)
{
	if (!map_aligned(m, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB))
		return io_skip("no huge pages of 2 MB: %s", strerror(errno));
	io_refill(m);
	return check_folios(m);
}

static bool map_memfd(struct io_mem *m, unsigned int flags)
{
	m->file = memfd_create("gup_io", flags | MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (m->file < 0)
		return io_fails("memfd_create");
	if (ftruncate(m->file, m->len))
		return io_fails("ftruncate");
	return map_aligned(m, MAP_SHARED);
}

static bool make_memfd(struct io_mem *m)
{
	if (!map_memfd(m, 0))
		return false;
	madvise(m->map, m->len, MADV_NOHUGEPAGE);
	io_refill(m);
	return true;
}

static bool make_memfd_thp(struct io_mem *m)
{
	char text[64];

	if (!io_thp_is_on())
		return false;
	if (!gup_read_knob(THP_SYSFS "shmem_enabled", text, sizeof(text)) ||
	    strcmp(text, "advise"))
		return io_skip("%sshmem_enabled is not \"advise\"", THP_SYSFS);
	if (!map_memfd(m, 0))
		return false;
	if (madvise(m->map, m->len, MADV_HUGEPAGE))
		return io_fails("MADV_HUGEPAGE");
	io_refill(m);
	return (check_huge_shmem(m->map, m->len, m->len / HUGE, HUGE) ||
		gup_fails("MADV_HUGEPAGE gave no huge pages of shmem")) && check_folios(m);
}

static bool make_memfd_hugetlb(struct io_mem *m)
{
	if (!map_memfd(m, MFD_HUGETLB | MFD_HUGE_2MB))
		return io_skip("no huge pages of 2 MB: %s", strerror(errno));
	io_refill(m);
	return check_folios(m);
}

int io_new_file(void)
{
	int file = open(getenv("TMPDIR") ?: "/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (file < 0)
		io_fails("no file in $TMPDIR or /tmp");
	return file;
}

bool io_write_file(int file, size_t len, __u64 seed, off_t offset)
{
	char *buf = malloc(len);
	bool good;

	if (!buf)
		return io_fails("malloc");
	io_fill(buf, len, seed, 0);
	good = (pwrite(file, buf, len, offset) == (ssize_t)len && !fsync(file)) ||
	       io_fails("write of a file");
	free(buf);
	return good;
}

bool io_check_file(const char *what, int file, size_t len, __u64 seed, off_t offset)
{
	char *buf = malloc(len);
	bool good;

	if (!buf)
		return io_fails("malloc");
	good = io_expect("read of a file", pread(file, buf, len, offset), len) &&
	       io_check(what, buf, len, seed, 0);
	free(buf);
	return good;
}

static bool make_file_private(struct io_mem *m)
{
	m->file = io_new_file();
	if (m->file < 0 || !io_write_file(m->file, m->len, ++m->seed, 0) ||
	    !map_aligned(m, MAP_PRIVATE))
		return false;
	return !mprotect(m->map, m->len, PROT_READ) || io_fails("mprotect");
}

const struct io_kind io_kinds[IO_NR_KINDS] = {
	{ .name = "anon", .make = make_anon, .folio = 4 * KB },
	{ .name = "mthp_64k", .make = make_mthp, .folio = 64 * KB },
	{ .name = "thp", .make = make_thp, .folio = HUGE },
	{ .name = "thp_ptes", .make = make_thp_ptes, .folio = HUGE },
	{ .name = "hugetlb", .make = make_hugetlb, .folio = HUGE, .hugetlb = true },
	{ .name = "memfd", .make = make_memfd, .folio = 4 * KB, .shared = true },
	{ .name = "memfd_thp", .make = make_memfd_thp, .folio = HUGE, .shared = true },
	{ .name = "memfd_hugetlb", .make = make_memfd_hugetlb, .folio = HUGE,
	  .shared = true, .hugetlb = true },
	{ .name = "file", .make = make_file_private, .folio = 4 * KB, .file = true },
};

void io_prepare(unsigned long hugepages)
{
	char number[24];

	gup_keep_knobs(THP_SYSFS "shmem_enabled");
	gup_write_knob(THP_SYSFS "shmem_enabled", "advise");
	gup_keep_knobs(THP_SYSFS "khugepaged/defrag");
	gup_write_knob(THP_SYSFS "khugepaged/defrag", "0");
	gup_stop_balancing();
	gup_keep_knobs(MTHP_KNOB);
	snprintf(number, sizeof(number), "%lu", hugepages);
	gup_keep_knobs(HUGETLB_SYSFS "nr_hugepages");
	gup_write_knob(HUGETLB_SYSFS "nr_hugepages", number);
}

bool io_make(struct io_mem *m, const struct io_kind *kind, size_t len)
{
	*m = (struct io_mem) { .kind = kind, .len = len, .file = -1 };
	return kind->make(m);
}

/* Ranges that begin and end where it is inconvenient. */

const struct io_range io_ranges[IO_NR_RANGES] = {
	/* All but the ends, from the middle of a page. */
	{ 4 * KB + SECTOR, SIZE - 12 * KB },
	/* One sector in the middle of a page. */
	{ 8 * KB + 3 * SECTOR, SECTOR },
	/* Over the edge of two folios, whatever their size, and of two page tables. */
	{ HUGE - SECTOR, 2 * SECTOR },
	/* Over the edge of two mTHP, which are in the middle of a THP. */
	{ 64 * KB - 5 * SECTOR, 4 * KB + 7 * SECTOR },
	/* A few whole pages in a folio. */
	{ HUGE + 20 * KB, 12 * KB },
};

/* Another process with memory of its own, or a share of this one's. */

struct answer {
	bool good;
	struct io_outcome outcome;
	struct io_mem mem;
};

static bool obey(struct io_mem *m, const struct io_order *o)
{
	switch (o->what) {
	case FILL:
		io_fill(m->map + o->from, o->len, o->seed, o->skip);
		return true;
	case CHECK:
		return io_check("the other process", m->map + o->from, o->len, o->seed,
			     o->skip);
	case PROTECT:
		return !mprotect(m->map + o->from, o->len, o->prot) ||
		       io_fails("mprotect");
	case UNMAP:
		return !munmap(m->map + o->from, o->len) || io_fails("munmap");
	case STOP:
		break;
	}
	_exit(0);
}

static void answer(struct io_peer *p, bool good)
{
	struct answer a = { .good = good, .mem = p->mem };

	a.outcome.skipped = io_outcome->skipped;
	if (!good)
		snprintf(a.outcome.why, sizeof(a.outcome.why), "%s", gup_why());
	if (write(p->answer[1], &a, sizeof(a)) != sizeof(a))
		_exit(1);
}

static bool hear(struct io_peer *p)
{
	struct answer a;

	if (read(p->answer[0], &a, sizeof(a)) != sizeof(a))
		return gup_fails("the other process is gone");
	p->mem = a.mem;
	return a.good || gup_fails("%s", a.outcome.why);
}

static void be_peer(struct io_peer *p, const struct io_kind *kind)
{
	bool good = true;
	struct io_order o;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kind)
		good = io_make(&p->mem, kind, SIZE);
	answer(p, good);
	while (read(p->ask[0], &o, sizeof(o)) == sizeof(o))
		answer(p, obey(&p->mem, &o));
	_exit(1);
}

bool io_order(struct io_peer *p, struct io_order o)
{
	return write(p->ask[1], &o, sizeof(o)) == sizeof(o) && hear(p);
}

/* With memory of a kind that it makes, or (NULL) with the @mem that is here. */
bool io_peer_start(struct io_peer *p, const struct io_kind *kind, const struct io_mem *mem)
{
	if (pipe2(p->ask, O_CLOEXEC) || pipe2(p->answer, O_CLOEXEC))
		return io_fails("pipe");
	if (mem)
		p->mem = *mem;
	p->pid = fork();
	if (p->pid < 0)
		return io_fails("fork");
	if (!p->pid)
		be_peer(p, kind);
	return hear(p);
}

void io_peer_stop(struct io_peer *p)
{
	struct io_order stop = { .what = STOP };

	if (write(p->ask[1], &stop, sizeof(stop)) == sizeof(stop))
		waitpid(p->pid, NULL, 0);
}

/* The peer has the pattern of its seed but for [from, from + len). */
bool io_peer_check_but(struct io_peer *p, size_t from, size_t len, __u64 seed)
{
	__u64 old = p->mem.seed;

	return io_order(p, (struct io_order) { CHECK, from, len, 0, seed, 0 }) &&
	       io_order(p, (struct io_order) { CHECK, 0, from, 0, old, 0 }) &&
	       io_order(p, (struct io_order) { CHECK, from + len, p->mem.len - from - len,
			from + len, old, 0 });
}

/* io_uring, without its library. */

bool io_ring_open(struct io_ring *r)
{
	struct io_uring_params p = { 0 };
	size_t len;
	char *at;

	r->fd = syscall(__NR_io_uring_setup, 4, &p);
	if (r->fd < 0)
		return io_skip("io_uring_setup: %s", strerror(errno));
	len = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		  IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	if (at == MAP_FAILED || r->sqes == MAP_FAILED)
		return io_fails("mmap of the ring");
	r->sq_tail = (unsigned int *)(at + p.sq_off.tail);
	r->sq_array = (unsigned int *)(at + p.sq_off.array);
	r->sq_mask = *(unsigned int *)(at + p.sq_off.ring_mask);
	r->cq_head = (unsigned int *)(at + p.cq_off.head);
	r->cq_tail = (unsigned int *)(at + p.cq_off.tail);
	r->cq_mask = *(unsigned int *)(at + p.cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(at + p.cq_off.cqes);
	return true;
}

/* What a READ_FIXED or WRITE_FIXED returns. */
int io_ring_io(struct io_ring *r, int op, int index, int file, char *at, size_t len,
	       off_t offset)
{
	unsigned int tail = *r->sq_tail, head = *r->cq_head;
	struct io_uring_sqe *sqe = &r->sqes[tail & r->sq_mask];

	*sqe = (struct io_uring_sqe) {
		.opcode = op,
		.fd = file,
		.addr = (uintptr_t)at,
		.len = len,
		.off = offset,
		.buf_index = index,
	};
	r->sq_array[tail & r->sq_mask] = tail & r->sq_mask;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -errno;
	if (__atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) == head)
		return -EAGAIN;
	op = r->cqes[head & r->cq_mask].res;
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return op;
}

bool io_ring_register(struct io_ring *r, struct iovec *iov, unsigned int nr)
{
	if (!syscall(__NR_io_uring_register, r->fd, IORING_REGISTER_BUFFERS, iov, nr))
		return true;
	if (errno == ENOMEM && !io_root)
		return io_skip("RLIMIT_MEMLOCK allows no such buffers");
	return io_fails("IORING_REGISTER_BUFFERS");
}

bool io_ring_unregister(struct io_ring *r)
{
	return !syscall(__NR_io_uring_register, r->fd, IORING_UNREGISTER_BUFFERS, NULL, 0) ||
	       io_fails("IORING_UNREGISTER_BUFFERS");
}

bool io_ring_drop(struct io_ring *r, unsigned int index)
{
	struct iovec none = { 0 };
	struct io_uring_rsrc_update2 update = {
		.offset = index, .data = (uintptr_t)&none, .nr = 1,
	};

	return syscall(__NR_io_uring_register, r->fd, IORING_REGISTER_BUFFERS_UPDATE,
		       &update, sizeof(update)) == 1 ||
	       io_fails("IORING_REGISTER_BUFFERS_UPDATE");
}

bool io_ring_clone(struct io_ring *r, const struct io_ring *from)
{
	struct io_uring_clone_buffers buffers = { .src_fd = from->fd };

	return !syscall(__NR_io_uring_register, r->fd, IORING_REGISTER_CLONE_BUFFERS,
			&buffers, 1) ||
	       io_fails("IORING_REGISTER_CLONE_BUFFERS");
}

/* The same file without the page cache between. */
int io_reopen_direct(int file)
{
	char path[64];
	int direct;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (direct < 0 && errno == EINVAL)
		io_skip("the file system of $TMPDIR or /tmp knows no direct I/O");
	else if (direct < 0)
		io_fails("open with O_DIRECT");
	return direct;
}

bool io_open_disk(struct io_target *t)
{
	t->cached = io_new_file();
	if (t->cached < 0 || ftruncate(t->cached, 2 * SIZE))
		return false;
	t->direct = io_reopen_direct(t->cached);
	return t->direct >= 0;
}

static bool open_device(struct io_target *t, const char *path)
{
	t->cached = open(path, O_RDWR | O_CLOEXEC);
	if (t->cached < 0)
		return io_skip("%s: %s", path, strerror(errno));
	t->direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	return t->direct >= 0 || io_fails(path);
}

/* The guest swaps on /dev/ram0. */
bool io_open_ram(struct io_target *t)
{
	return open_device(t, "/dev/ram1");
}

bool io_open_loop_of(struct io_target *t, unsigned int block)
{
	struct loop_config config = {
		.block_size = block,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO,
	};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), number;
	struct loop_info64 info;
	struct io_target disk;
	char path[32];

	if (control < 0)
		return io_skip("/dev/loop-control: %s", strerror(errno));
	number = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	if (number < 0)
		return io_fails("no free loop device");
	if (!io_open_disk(&disk))
		return false;
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	config.fd = disk.direct;
	t->cached = open(path, O_RDWR | O_CLOEXEC);
	if (t->cached < 0)
		return io_skip("%s: %s", path, strerror(errno));
	if (ioctl(t->cached, LOOP_CONFIGURE, &config) ||
	    ioctl(t->cached, LOOP_GET_STATUS64, &info))
		return io_fails("LOOP_CONFIGURE");
	if (!(info.lo_flags & LO_FLAGS_DIRECT_IO))
		return gup_fails("%s does not do direct I/O", path);
	t->direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	return t->direct >= 0 || io_fails(path);
}

/* A loop device that does direct I/O, too, with the pages of its caller. */
bool io_open_loop(struct io_target *t)
{
	return io_open_loop_of(t, SECTOR);
}
