// SPDX-License-Identifier: GPL-2.0
/*
 * gup_iommufd - iommufd pins user memory for an IOMMU, over memory of each kind
 *
 * usage: gup_iommufd [--help] [--filter GLOB]
 *
 * A test is a use of iommufd and a kind of memory, as in "map_remote.thp". iommufd gets at
 * memory in three ways: of its caller, of another process that has mapped it before there
 * was an IOMMU, and of a memfd. The IOMMU is the mock of CONFIG_IOMMUFD_TEST, whose pages are
 * half as long as a page of x86, so that ranges begin and end in the midst of pages. It is
 * asked whether each of its pages is the right one; each page that is mapped has one pin
 * more, however many use it, and none after it was unmapped, or could not be mapped.
 *
 * The tests "leftover_*" have mapping fail while iommufd holds folios of a memfd that it has
 * pinned, but not yet put into a batch. A kernel that gives back others in their place may
 * not survive them.
 *
 * Needs root and the kernel's fault injection. Run it alone: pins of others would be counted.
 * Exit status: 0 passed, 1 failed, 4 everything was skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <linux/iommufd.h>
#include <drivers/iommu/iommufd/iommufd_test.h>
#include "lib_io.h"
#include "lib_memory.h"
#include "lib_options.h"
#include "lib_table.h"
#include "vm_util.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define FULL		65536U		/* bytes of an array of iommufd */
#define MOST_POINTS	500U		/* where a call can fail */

/* A page table of the mock ends here, and one of the level above. */
#define TABLE_EDGE	(64 * MB)

/* Ranges whose ends are in pages, in folios, and around an edge of two. */
static const struct io_range ranges[] = {
	{ 0, SIZE },
	{ 14 * KB, SIZE - 30 * KB },
	{ HUGE - 2 * KB, 4 * KB },
};

/*
 * Another process, which has the file of iommufd, but none of the memory: it calls iommufd
 * as it is asked to.
 */
struct helper {
	pid_t pid;
	int ask[2], answer[2];
};

struct order {
	unsigned int nth;		/* the point that fails, or 0 */
	int error;
	bool failed;
	struct iommu_test_cmd cmd;
};

/* An address space for I/O. */
struct space {
	int fd;
	__u32 ioas, device, domain;
	struct helper *helper;		/* attaches the domain; NULL: this process does */
	bool by_file;			/* the memory is mapped as a file */
	unsigned int nth;		/* the point of the next call that fails, or 0 */
	bool failed;			/* it was reached */
	struct gup_pins before;
};

/* Kinds of memory that differ for iommufd only. */

static bool advise_small(char *at, size_t len)
{
	return !madvise(at, len, MADV_NOHUGEPAGE) || errno == EINVAL || io_fails("madvise");
}

/* Of two neighbours one comes long before the other, so they lie apart. */
static void touch_scattered(char *at, size_t len)
{
	size_t i, pass;

	for (pass = 0; pass < 2; pass++)
		for (i = pass * psize(); i < len; i += 2 * psize())
			memset(at + i, 1, 1);
}

static bool make_scattered_of(struct io_mem *m, int flags)
{
	m->map = gup_mmap_aligned(m->len, PROT_READ | PROT_WRITE, flags, m->file);
	if (m->map == MAP_FAILED)
		return io_fails("mmap");
	if (!advise_small(m->map, m->len))
		return false;
	touch_scattered(m->map, m->len);
	io_refill(m);
	return true;
}

static bool new_memfd(struct io_mem *m)
{
	m->file = memfd_create("gup_iommufd", MFD_CLOEXEC);
	return (m->file >= 0 && !ftruncate(m->file, m->len)) || io_fails("memfd");
}

static bool make_scattered(struct io_mem *m)
{
	return make_scattered_of(m, MAP_PRIVATE | MAP_ANONYMOUS);
}

static bool make_memfd_scattered(struct io_mem *m)
{
	return new_memfd(m) && make_scattered_of(m, MAP_SHARED);
}

/* In the midst of the first huge page are small ones, and an end of it is left; then one. */
static bool make_mixed(struct io_mem *m)
{
	char *small;

	if (!io_thp_is_on())
		return false;
	m->map = gup_mmap_aligned(m->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (m->map == MAP_FAILED)
		return io_fails("mmap");
	if (madvise(m->map, m->len, MADV_HUGEPAGE))
		return io_skip("MADV_HUGEPAGE: %s", strerror(errno));
	io_refill(m);
	if (!check_huge_anon(m->map, m->len, m->len / HUGE, HUGE))
		return gup_fails("MADV_HUGEPAGE gave no huge pages");
	small = m->map + 100 * psize();
	if (madvise(small, 300 * psize(), MADV_DONTNEED))
		return io_fails("MADV_DONTNEED");
	touch_scattered(small, 300 * psize());
	io_refill(m);
	return true;
}

/* Small pages up to the first huge one. */
static bool make_memfd_mixed(struct io_mem *m)
{
	if (!io_thp_is_on() || !new_memfd(m))
		return false;
	m->map = gup_mmap_aligned(m->len, PROT_READ | PROT_WRITE, MAP_SHARED, m->file);
	if (m->map == MAP_FAILED)
		return io_fails("mmap");
	if (!advise_small(m->map, HUGE))
		return false;
	if (madvise(m->map + HUGE, m->len - HUGE, MADV_HUGEPAGE))
		return io_skip("MADV_HUGEPAGE: %s", strerror(errno));
	touch_scattered(m->map, HUGE);
	io_refill(m);
	return check_huge_shmem(m->map + HUGE, m->len - HUGE, m->len / HUGE - 1, HUGE) ||
	       gup_fails("MADV_HUGEPAGE gave no huge pages of shmem");
}

static const struct io_kind scattered = {
	.name = "scattered", .make = make_scattered, .folio = 4 * KB,
};

static const struct io_kind mixed = {
	.name = "mixed", .make = make_mixed, .folio = 4 * KB,
};

static const struct io_kind memfd_scattered = {
	.name = "memfd_scattered", .make = make_memfd_scattered, .folio = 4 * KB, .shared = true,
};

static const struct io_kind memfd_mixed = {
	.name = "memfd_mixed", .make = make_memfd_mixed, .folio = 4 * KB, .shared = true,
};

/* Points of a call that fail. */

static bool put_nth(int file, unsigned int nth)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(file, text, len, 0) == len || io_fails(FAIL_NTH);
}

/*
 * The ioctl, of which the point @nth fails. Returns 0 or -errno. Nothing else is done until
 * it is known whether it was reached: it would count, too.
 */
static int ioctl_failing(int fd, unsigned long request, void *arg, unsigned int nth, bool *failed)
{
	char left[12] = "";
	int file, error;

	*failed = false;
	if (!nth)
		return ioctl(fd, request, arg) ? -errno : 0;
	file = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (file < 0 || !put_nth(file, nth))
		return -EBADF;
	error = ioctl(fd, request, arg) ? -errno : 0;
	if (pread(file, left, sizeof(left) - 1, 0) > 0)
		*failed = !strtoul(left, NULL, 10);
	put_nth(file, 0);
	close(file);
	return error;
}

/* The other process. */

static void obey(struct helper *h, int fd)
{
	struct order o;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(h->ask[1]);
	while (read(h->ask[0], &o, sizeof(o)) == sizeof(o)) {
		o.error = ioctl_failing(fd, IOMMU_TEST_CMD, &o.cmd, o.nth, &o.failed);
		if (write(h->answer[1], &o, sizeof(o)) != sizeof(o))
			break;
	}
	_exit(0);
}

static bool helper_start(struct helper *h, int fd)
{
	if (pipe2(h->ask, O_CLOEXEC) || pipe2(h->answer, O_CLOEXEC))
		return io_fails("pipe");
	fflush(NULL);
	h->pid = fork();
	if (!h->pid)
		obey(h, fd);
	return h->pid > 0 || io_fails("fork");
}

static bool helper_stop(struct helper *h)
{
	close(h->ask[1]);
	return waitpid(h->pid, NULL, 0) == h->pid || io_fails("waitpid");
}

static int helper_call(struct helper *h, struct iommu_test_cmd *cmd, unsigned int nth,
		       bool *failed)
{
	struct order o = { .nth = nth, .cmd = *cmd };

	if (write(h->ask[1], &o, sizeof(o)) != sizeof(o) ||
	    read(h->answer[0], &o, sizeof(o)) != sizeof(o))
		return -EPIPE;
	*cmd = o.cmd;
	*failed = o.failed;
	return o.error;
}

/* Calls of iommufd. */

static bool succeeds(const char *what, int error)
{
	return !error || gup_fails("%s: %s", what, strerror(-error));
}

static int call_here(struct space *s, unsigned long request, void *arg)
{
	unsigned int nth = s->nth;

	s->nth = 0;
	return ioctl_failing(s->fd, request, arg, nth, &s->failed);
}

static int call_mock(struct space *s, unsigned int op, __u32 id, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->op = op;
	cmd->id = id;
	return call_here(s, IOMMU_TEST_CMD, cmd);
}

/* How long an array of iommufd may be: it stays so for all of the system. */
static bool set_limit(struct space *s, unsigned int bytes)
{
	struct iommu_test_cmd cmd = { .memory_limit = { bytes } };
	int error = call_mock(s, IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT, 0, &cmd);

	if (error == -ENOTTY)
		return io_skip("the kernel has no CONFIG_IOMMUFD_TEST");
	return succeeds("SET_TEMP_MEMORY_LIMIT", error);
}

static bool open_space(struct space *s, bool by_file)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	*s = (struct space) { .by_file = by_file };
	s->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (s->fd < 0)
		return io_skip("/dev/iommu: %s", strerror(errno));
	if (!set_limit(s, FULL) ||
	    !succeeds("IOMMU_IOAS_ALLOC", call_here(s, IOMMU_IOAS_ALLOC, &alloc)))
		return false;
	s->ioas = alloc.out_ioas_id;
	return true;
}

/* Also a domain that no call has let go, and all pins. */
static bool close_space(struct space *s)
{
	return (!s->helper || helper_stop(s->helper)) &&
	       (!close(s->fd) || io_fails("close")) &&
	       io_expect_out("closed", &s->before, 0);
}

static int try_attach(struct space *s)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd), .op = IOMMU_TEST_OP_MOCK_DOMAIN, .id = s->ioas,
	};
	unsigned int nth = s->nth;
	int error;

	s->nth = 0;
	if (s->helper)
		error = helper_call(s->helper, &cmd, nth, &s->failed);
	else
		error = ioctl_failing(s->fd, IOMMU_TEST_CMD, &cmd, nth, &s->failed);
	if (!error) {
		s->device = cmd.mock_domain.out_stdev_id;
		s->domain = cmd.mock_domain.out_hwpt_id;
	}
	return error;
}

static bool attach(struct space *s)
{
	return succeeds("MOCK_DOMAIN", try_attach(s));
}

static bool detach(struct space *s)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = s->device };

	return succeeds("IOMMU_DESTROY", call_here(s, IOMMU_DESTROY, &destroy));
}

/* The range behind TABLE_EDGE has the memory from its first page on. */
static __u64 iova(struct io_range r)
{
	return TABLE_EDGE + r.from;
}

static int try_map_at(struct space *s, const struct io_mem *m, struct io_range r, __u64 at)
{
	__u32 flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
		      IOMMU_IOAS_MAP_WRITEABLE;
	struct iommu_ioas_map_file file = {
		.size = sizeof(file), .flags = flags, .ioas_id = s->ioas, .fd = m->file,
		.start = r.from, .length = r.len, .iova = at,
	};
	struct iommu_ioas_map map = {
		.size = sizeof(map), .flags = flags, .ioas_id = s->ioas,
		.user_va = (uintptr_t)(m->map + r.from), .length = r.len, .iova = at,
	};

	if (s->by_file)
		return call_here(s, IOMMU_IOAS_MAP_FILE, &file);
	return call_here(s, IOMMU_IOAS_MAP, &map);
}

static int try_map(struct space *s, const struct io_mem *m, struct io_range r)
{
	return try_map_at(s, m, r, iova(r));
}

static bool map(struct space *s, const struct io_mem *m, struct io_range r)
{
	return succeeds("map", try_map(s, m, r));
}

static bool unmap(struct space *s)
{
	struct iommu_ioas_unmap all = { .size = sizeof(all), .ioas_id = s->ioas, .length = -1 };

	return succeeds("IOMMU_IOAS_UNMAP", call_here(s, IOMMU_IOAS_UNMAP, &all));
}

/* What must be so. */

static struct io_range whole_pages(struct io_range r)
{
	size_t from = r.from & -psize();

	return (struct io_range) { from, ((r.from + r.len + psize() - 1) & -psize()) - from };
}

/* Each page of the range has so many pins, as far as the mock looks: not in large folios. */
static bool expect_refs(struct space *s, const struct io_mem *m, struct io_range r,
			unsigned int refs)
{
	struct io_range pages = whole_pages(r);
	struct iommu_test_cmd cmd = {
		.check_refs = { pages.len, (uintptr_t)(m->map + pages.from), refs },
	};

	return succeeds("pins of a page: MD_CHECK_REFS",
			call_mock(s, IOMMU_TEST_OP_MD_CHECK_REFS, 0, &cmd));
}

static bool expect_pinned(struct space *s, const char *what, const struct io_mem *m,
			  struct io_range r)
{
	return io_expect_out(what, &s->before, io_pages(m->map + r.from, r.len)) &&
	       expect_refs(s, m, r, 1);
}

static bool expect_free(struct space *s, const char *what, const struct io_mem *m)
{
	return io_expect_out(what, &s->before, 0) &&
	       expect_refs(s, m, (struct io_range) { 0, m->len }, 0);
}

/* Each page of the IOMMU is the one that is mapped here. */
static bool expect_translated(struct space *s, const struct io_mem *m, struct io_range r)
{
	struct iommu_test_cmd cmd = {
		.check_map = { iova(r), r.len, (uintptr_t)(m->map + r.from) },
	};

	return succeeds("a page of the domain: MD_CHECK_MAP",
			call_mock(s, IOMMU_TEST_OP_MD_CHECK_MAP, s->domain, &cmd));
}

/* Whose memory iommufd pins, and how it is named. */
struct way {
	bool remote;
	bool by_file;
};

static const struct way of_mine = { 0 };
static const struct way of_other = { .remote = true };
static const struct way of_file = { .by_file = true };

/* With a process beside it that has none of the memory, since it was there before. */
static bool begin(struct space *s, struct helper *h, struct io_mem *m, const struct io_kind *kind,
		  const struct way *way, size_t len)
{
	if (!open_space(s, way->by_file))
		return false;
	if (way->remote) {
		if (!helper_start(h, s->fd))
			return false;
		s->helper = h;
	}
	return io_make(m, kind, len) && io_pins(&s->before);
}

/* Maps it for a domain. Another process attaches that to what has been mapped. */
static int try_fill(struct space *s, const struct io_mem *m, struct io_range r)
{
	int error;

	if (!s->helper)
		return try_map(s, m, r);
	error = try_map(s, m, r);
	if (error)
		return error;
	return try_attach(s);
}

static bool map_range(struct space *s, const struct io_mem *m, struct io_range r)
{
	return (s->helper || attach(s)) && succeeds("map", try_fill(s, m, r)) &&
	       expect_translated(s, m, r) && expect_pinned(s, "mapped", m, r) &&
	       unmap(s) && expect_free(s, "unmapped", m) &&
	       map(s, m, r) && expect_translated(s, m, r) &&
	       expect_pinned(s, "mapped again", m, r) &&
	       detach(s) && expect_free(s, "detached", m) &&
	       unmap(s);
}

static bool map_all(const struct io_kind *kind, const struct way *way)
{
	struct helper helper;
	struct space s;
	struct io_mem m;
	size_t i;

	if (!begin(&s, &helper, &m, kind, way, SIZE))
		return false;
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		if (!map_range(&s, &m, ranges[i]))
			return false;
	/* And what is left to the end of the file. */
	return (s.helper || attach(&s)) && succeeds("map", try_fill(&s, &m, ranges[1])) &&
	       close_space(&s) &&
	       io_check("memory after all", m.map, m.len, m.seed, 0);
}

static bool test_map_local(const struct io_kind *kind, const void *own)
{
	return map_all(kind ?: own, &of_mine);
}

static bool test_map_remote(const struct io_kind *kind, const void *own)
{
	return map_all(kind ?: own, &of_other);
}

static bool test_map_memfd(const struct io_kind *kind, const void *own)
{
	return map_all(kind ?: own, &of_file);
}

/* Pages that the file has not yet are made for the IOMMU. */
static bool test_map_memfd_holes(const struct io_kind *kind)
{
	struct io_mem m = { .len = SIZE };
	struct space s;

	if (!open_space(&s, true) || !new_memfd(&m))
		return false;
	m.map = gup_mmap_aligned(m.len, PROT_READ | PROT_WRITE, MAP_SHARED, m.file);
	if (m.map == MAP_FAILED)
		return io_fails("mmap");
	return io_pins(&s.before) && attach(&s) && map(&s, &m, ranges[1]) &&
	       expect_translated(&s, &m, ranges[1]) &&
	       expect_pinned(&s, "mapped", &m, ranges[1]) && close_space(&s);
}

/* In-kernel users of the memory, beside a domain. */

struct access {
	int fd;
	__u32 pages;
	struct io_range range;
};

static bool access_create(struct space *s, struct access *a, __u32 flags)
{
	struct iommu_test_cmd cmd = { .create_access = { .flags = flags } };

	if (!succeeds("CREATE_ACCESS", call_mock(s, IOMMU_TEST_OP_CREATE_ACCESS, s->ioas, &cmd)))
		return false;
	a->fd = cmd.create_access.out_access_fd;
	return true;
}

static int try_access(struct space *s, struct access *a, const struct io_mem *m,
		      struct io_range r)
{
	struct iommu_test_cmd cmd = {
		.access_pages = {
			.flags = MOCK_FLAGS_ACCESS_WRITE, .iova = iova(r), .length = r.len,
			.uptr = (uintptr_t)(m->map + r.from),
		},
	};
	int error = call_mock(s, IOMMU_TEST_OP_ACCESS_PAGES, a->fd, &cmd);

	a->pages = cmd.access_pages.out_access_pages_id;
	a->range = r;
	return error;
}

/* The kernel compares what it gets with what is mapped here. */
static bool access_pin(struct space *s, struct access *a, const struct io_mem *m,
		       struct io_range r)
{
	return access_create(s, a, MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES) &&
	       succeeds("ACCESS_PAGES", try_access(s, a, m, r));
}

static bool access_unpin(struct space *s, struct access *a)
{
	struct iommu_test_cmd cmd = { .destroy_access_pages = { a->pages } };

	return succeeds("DESTROY_ACCESS_PAGES",
			call_mock(s, IOMMU_TEST_OP_DESTROY_ACCESS_PAGES, a->fd, &cmd)) &&
	       (!close(a->fd) || io_fails("close"));
}

static const struct io_range all = { 0, SIZE };
static const struct io_range front = { 8 * KB, HUGE };
static const struct io_range back = { HUGE - 24 * KB, HUGE };
/* These two, of whole pages: no others can be had for long. */
static const struct io_range both = { 8 * KB, 2 * HUGE - 32 * KB };

static bool access_all(const struct io_kind *kind, const struct way *way)
{
	struct access a, b;
	struct space s;
	struct io_mem m;

	return begin(&s, NULL, &m, kind, way, SIZE) && map(&s, &m, all) &&
	       expect_free(&s, "mapped without a domain", &m) &&
	       access_pin(&s, &a, &m, front) && expect_pinned(&s, "accessed", &m, front) &&
	       access_pin(&s, &b, &m, back) && expect_pinned(&s, "both", &m, both) &&
	       access_unpin(&s, &a) && expect_pinned(&s, "the second", &m, back) &&
	       access_pin(&s, &a, &m, all) && expect_pinned(&s, "around it", &m, all) &&
	       access_unpin(&s, &b) && expect_pinned(&s, "all by one", &m, all) &&
	       access_unpin(&s, &a) && expect_free(&s, "none", &m) &&
	       close_space(&s);
}

static bool test_access(const struct io_kind *kind, const void *own)
{
	return access_all(kind ?: own, &of_mine);
}

static bool test_access_memfd(const struct io_kind *kind, const void *own)
{
	return access_all(kind ?: own, &of_file);
}

/* The first user pins, and the last one gives back. */
static bool share_all(const struct io_kind *kind, const struct way *way)
{
	struct access a, b;
	struct space s;
	struct io_mem m;

	return begin(&s, NULL, &m, kind, way, SIZE) && map(&s, &m, both) &&
	       access_pin(&s, &a, &m, front) && expect_pinned(&s, "accessed", &m, front) &&
	       attach(&s) && expect_translated(&s, &m, both) &&
	       expect_pinned(&s, "accessed and attached", &m, both) &&
	       access_unpin(&s, &a) && expect_pinned(&s, "attached", &m, both) &&
	       access_pin(&s, &b, &m, back) && expect_pinned(&s, "accessed again", &m, both) &&
	       detach(&s) && expect_pinned(&s, "detached", &m, back) &&
	       attach(&s) && expect_translated(&s, &m, both) &&
	       expect_pinned(&s, "attached again", &m, both) &&
	       access_unpin(&s, &b) && detach(&s) && expect_free(&s, "none", &m) &&
	       close_space(&s);
}

static bool test_share(const struct io_kind *kind, const void *own)
{
	return share_all(kind ?: own, &of_mine);
}

static bool test_share_memfd(const struct io_kind *kind, const void *own)
{
	return share_all(kind ?: own, &of_file);
}

static bool access_rw(struct space *s, struct access *a, struct io_range r, char *buf, __u32 flags)
{
	struct iommu_test_cmd cmd = {
		.access_rw = {
			.iova = iova(r), .length = r.len, .uptr = (uintptr_t)buf, .flags = flags,
		},
	};

	return succeeds("ACCESS_RW", call_mock(s, IOMMU_TEST_OP_ACCESS_RW, a->fd, &cmd));
}

/* Data both ways, as the kernel reads and writes them, or page by page. */
static bool move_both_ways(struct space *s, struct access *a, struct io_mem *m, char *buf,
			   struct io_range r, __u32 flags)
{
	io_refill(m);
	if (!access_rw(s, a, r, buf, flags) ||
	    !io_check("what was read", buf, r.len, m->seed, r.from))
		return false;
	io_fill(buf, r.len, m->seed + 100, 0);
	return access_rw(s, a, r, buf, flags | MOCK_ACCESS_RW_WRITE) &&
	       io_check_but("what was written", m, r.from, r.len, m->seed + 100);
}

static bool move_all(const struct io_kind *kind, const struct way *way)
{
	static const __u32 flags[] = { 0, MOCK_ACCESS_RW_SLOW_PATH };
	char *buf = malloc(SIZE);
	struct access a, b;
	struct space s;
	struct io_mem m;
	size_t i, j;

	if (!begin(&s, NULL, &m, kind, way, SIZE) || !map(&s, &m, all) ||
	    !access_create(&s, &a, 0))
		return false;
	for (i = 0; i < IO_NR_RANGES; i++)
		for (j = 0; j < ARRAY_SIZE(flags); j++)
			if (!move_both_ways(&s, &a, &m, buf, io_ranges[i], flags[j]))
				return false;
	/* Through what is pinned. */
	return expect_free(&s, "moved", &m) && access_pin(&s, &b, &m, front) &&
	       move_both_ways(&s, &a, &m, buf, io_ranges[0], 0) && attach(&s) &&
	       move_both_ways(&s, &a, &m, buf, io_ranges[0], 0) &&
	       expect_pinned(&s, "moved", &m, all) && access_unpin(&s, &b) && detach(&s) &&
	       expect_free(&s, "none", &m) && close_space(&s);
}

static bool test_access_rw(const struct io_kind *kind, const void *own)
{
	return move_all(kind ?: own, &of_mine);
}

static bool test_access_rw_memfd(const struct io_kind *kind, const void *own)
{
	return move_all(kind ?: own, &of_file);
}

/* What cannot be pinned. */

static bool refuse_fill(struct space *s, const struct io_mem *m, struct io_range r, int want)
{
	int error;

	if (!s->helper && !attach(s))
		return false;
	error = try_fill(s, m, r);
	/* The mock is as if it had not been there. */
	return (error == -want || gup_fails("map: wanted %s, got %s", strerror(want),
					    error ? strerror(-error) : "success")) &&
	       io_expect_pinned("refused", &s->before, 1) &&
	       close_space(s);
}

static bool unmapped_middle(const struct io_kind *kind, const struct way *way)
{
	size_t hole = kind->hugetlb ? HUGE : psize();
	struct helper helper;
	struct space s;
	struct io_mem m;

	if (!begin(&s, &helper, &m, kind, way, 4 * HUGE))
		return false;
	if (munmap(m.map + HUGE, hole))
		return io_fails("munmap");
	return refuse_fill(&s, &m, (struct io_range) { 6 * KB, 4 * HUGE - 12 * KB }, EFAULT);
}

static bool test_unmapped_local(const struct io_kind *kind, const void *own)
{
	return unmapped_middle(kind ?: own, &of_mine);
}

static bool test_unmapped_remote(const struct io_kind *kind, const void *own)
{
	return unmapped_middle(kind ?: own, &of_other);
}

/* Failures at each point, one after the other. */

static bool need_injection(void)
{
	return (!access(DEBUGFS "fail_iommufd", F_OK) && !access(FAIL_NTH, W_OK)) ||
	       io_skip("the kernel has no fault injection for iommufd");
}

static bool quiet(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), DEBUGFS "%s/verbose", name);
	gup_keep_knobs(path);
	return gup_write_knob(path, "0");
}

/* Also those allocations that may wait for memory. */
static void prepare_injection(void)
{
	static const char gfp_wait[] = DEBUGFS "fail_page_alloc/ignore-gfp-wait";
	static const char order[] = DEBUGFS "fail_page_alloc/min-order";

	if (access(DEBUGFS "fail_iommufd", F_OK))
		return;
	quiet("fail_iommufd");
	if (!quiet("fail_page_alloc"))
		return;
	gup_keep_knobs(gfp_wait);
	gup_write_knob(gfp_wait, "N");
	gup_keep_knobs(order);
	gup_write_knob(order, "0");
}

/* @fill with each point of it failing: it may also do without. Then once more without. */
static bool fail_each_point(struct space *s, const struct io_mem *m, struct io_range r, __u64 at,
			    int (*fill)(struct space *s, const struct io_mem *m,
					struct io_range r, __u64 at),
			    bool (*undo)(struct space *s))
{
	unsigned int nth, errors = 0;
	char what[40];
	bool failed;
	int error;

	for (nth = 1; nth < MOST_POINTS; nth++) {
		snprintf(what, sizeof(what), "point %u failed", nth);
		s->nth = nth;
		error = fill(s, m, r, at);
		s->nth = 0;
		failed = s->failed;
		if (error && !failed)
			return succeeds("without a failure", error);
		errors += !!error;
		if (!error && !undo(s))
			return false;
		if (!expect_free(s, what, m))
			return false;
		if (!failed)
			return errors > 1 || gup_fails("only %u points failed", errors);
	}
	return gup_fails("there is no end of points that fail");
}

static int fill_by_map(struct space *s, const struct io_mem *m, struct io_range r, __u64 at)
{
	return try_map_at(s, m, r, at);
}

static int fill_by_attach(struct space *s, const struct io_mem *m, struct io_range r, __u64 at)
{
	return try_attach(s);
}

static bool fail_map(const struct io_kind *kind, const struct way *way)
{
	struct helper helper;
	struct space s;
	struct io_mem m;
	bool good;

	if (!need_injection() || !begin(&s, &helper, &m, kind, way, SIZE))
		return false;
	if (way->remote)
		good = map(&s, &m, both) &&
		       fail_each_point(&s, &m, both, 0, fill_by_attach, detach);
	else
		good = attach(&s) &&
		       fail_each_point(&s, &m, both, iova(both), fill_by_map, unmap);
	return good && io_check("memory after all", m.map, m.len, m.seed, 0) && close_space(&s);
}

static bool test_fail_local(const struct io_kind *kind, const void *own)
{
	return fail_map(kind ?: own, &of_mine);
}

static bool test_fail_remote(const struct io_kind *kind, const void *own)
{
	return fail_map(kind ?: own, &of_other);
}

static bool test_fail_memfd(const struct io_kind *kind, const void *own)
{
	return fail_map(kind ?: own, &of_file);
}

static struct access failing;

static int fill_by_access(struct space *s, const struct io_mem *m, struct io_range r, __u64 at)
{
	return try_access(s, &failing, m, r);
}

static bool undo_access(struct space *s)
{
	struct iommu_test_cmd cmd = { .destroy_access_pages = { failing.pages } };

	return succeeds("DESTROY_ACCESS_PAGES",
			call_mock(s, IOMMU_TEST_OP_DESTROY_ACCESS_PAGES, failing.fd, &cmd));
}

static bool fail_access(const struct io_kind *kind, const struct way *way)
{
	struct space s;
	struct io_mem m;

	return need_injection() && begin(&s, NULL, &m, kind, way, SIZE) && map(&s, &m, both) &&
	       access_create(&s, &failing, MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES) &&
	       fail_each_point(&s, &m, both, 0, fill_by_access, undo_access) &&
	       close_space(&s);
}

static bool test_fail_access(const struct io_kind *kind, const void *own)
{
	return fail_access(kind ?: own, &of_mine);
}

static bool test_fail_access_memfd(const struct io_kind *kind, const void *own)
{
	return fail_access(kind ?: own, &of_file);
}

/*
 * With arrays of so many bytes a batch is 8 runs of pages, and no more than 12 pages or folios
 * are pinned at once.
 */
#define SMALL		96U
#define BATCH		8

/* Batches are full before what is pinned has been used, and each point can fail then. */
static bool map_pieces(const struct io_kind *kind, const struct way *way)
{
	const struct io_range r = { HUGE - 20 * psize() + 2 * KB, 40 * psize() };
	struct helper helper;
	struct space s;
	struct io_mem m;
	bool good;

	if (!need_injection() || !begin(&s, &helper, &m, kind, way, SIZE) ||
	    !set_limit(&s, SMALL) || !map_range(&s, &m, r))
		return false;
	if (way->remote)
		good = map(&s, &m, r) &&
		       fail_each_point(&s, &m, r, 0, fill_by_attach, detach);
	else
		good = attach(&s) &&
		       fail_each_point(&s, &m, r, iova(r), fill_by_map, unmap);
	return good && io_check("memory after all", m.map, m.len, m.seed, 0) &&
	       set_limit(&s, FULL) && close_space(&s);
}

static bool test_pieces_local(const struct io_kind *kind, const void *own)
{
	return map_pieces(own, &of_mine);
}

static bool test_pieces_remote(const struct io_kind *kind, const void *own)
{
	return map_pieces(own, &of_other);
}

static bool test_pieces_memfd(const struct io_kind *kind, const void *own)
{
	return map_pieces(own, &of_file);
}

/*
 * The page of a memfd is another one after this. The one it had goes to a mapping that stays,
 * or it would be the next that is handed out.
 */
static bool replace_page(char *page)
{
	char *taken = mmap(NULL, psize(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (taken == MAP_FAILED)
		return io_fails("mmap");
	if (madvise(page, psize(), MADV_REMOVE))
		return io_fails("MADV_REMOVE");
	*taken = 1;
	*page = 1;
	return true;
}

/* No two of the small pages are one run of a batch, wherever the kernel had put them. */
static bool set_apart(struct io_mem *m, struct io_range r, size_t nr)
{
	char *at = m->map + r.from;
	unsigned int left = 100;
	size_t i;

	for (i = 1; i < nr; i++)
		while (gup_pfn(at + i * psize()) == gup_pfn(at + (i - 1) * psize()) + 1) {
			if (!left--)
				return gup_fails("page %zu follows the one before it", i);
			if (!replace_page(at + i * psize()))
				return false;
		}
	io_refill(m);
	return true;
}

static bool fail_with_leftover(const struct io_kind *kind, struct io_range r, size_t small)
{
	struct space s;
	struct io_mem m;

	return need_injection() && begin(&s, NULL, &m, kind, &of_file, SIZE) &&
	       set_apart(&m, r, small) && set_limit(&s, SMALL) && attach(&s) &&
	       fail_each_point(&s, &m, r, TABLE_EDGE - BATCH * psize(), fill_by_map, unmap) &&
	       set_limit(&s, FULL) && close_space(&s);
}

/*
 * If 12 pages are pinned at once: 0 to 11 are, and 0 to 7 mapped, up to the edge of a page
 * table. Then 12 to 19 are pinned, in the same array, which has 8 to 11 of before behind them,
 * and the second batch is 8 to 15. It cannot be mapped: there is no page for its table.
 */
static bool test_leftover_stale(const struct io_kind *kind)
{
	return fail_with_leftover(&memfd_scattered, (struct io_range) { 0, 20 * psize() }, 20);
}

/*
 * Ten small folios, and the first pages of a huge one: 11 folios, if the array is for 12. The
 * first batch has 8 of them.
 */
static bool test_leftover_unset(const struct io_kind *kind)
{
	return fail_with_leftover(&memfd_mixed,
				  (struct io_range) { HUGE - 10 * psize(), 30 * psize() }, 10);
}

/* Which kinds of memory a test is about. */
static bool is_any(const struct io_kind *k)
{
	return !k->file;
}

static bool is_memfd(const struct io_kind *k)
{
	return k->shared;
}

#define OWN_KIND(_name, _kind)									\
	{ .name = #_name "." #_kind, .run_with = test_##_name, .with = &(_kind) }

#define EACH_KIND(_name, _about)								\
	{ .name = #_name, .about = _about, .run_with = test_##_name }

static const struct table_test tests[] = {
	EACH_KIND(map_local, is_any), OWN_KIND(map_local, scattered), OWN_KIND(map_local, mixed),
	EACH_KIND(map_remote, is_any), OWN_KIND(map_remote, scattered), OWN_KIND(map_remote, mixed),
	EACH_KIND(map_memfd, is_memfd),
	OWN_KIND(map_memfd, memfd_scattered), OWN_KIND(map_memfd, memfd_mixed),
	TABLE_TEST(map_memfd_holes, NULL),
	EACH_KIND(access, is_any), OWN_KIND(access, scattered), OWN_KIND(access, mixed),
	EACH_KIND(access_memfd, is_memfd),
	OWN_KIND(access_memfd, memfd_scattered), OWN_KIND(access_memfd, memfd_mixed),
	EACH_KIND(share, is_any), OWN_KIND(share, scattered), OWN_KIND(share, mixed),
	EACH_KIND(share_memfd, is_memfd),
	OWN_KIND(share_memfd, memfd_scattered), OWN_KIND(share_memfd, memfd_mixed),
	EACH_KIND(access_rw, is_any), OWN_KIND(access_rw, scattered), OWN_KIND(access_rw, mixed),
	EACH_KIND(access_rw_memfd, is_memfd),
	OWN_KIND(access_rw_memfd, memfd_scattered), OWN_KIND(access_rw_memfd, memfd_mixed),
	EACH_KIND(unmapped_local, is_any),
	OWN_KIND(unmapped_local, scattered), OWN_KIND(unmapped_local, mixed),
	EACH_KIND(unmapped_remote, is_any),
	OWN_KIND(unmapped_remote, scattered), OWN_KIND(unmapped_remote, mixed),
	EACH_KIND(fail_local, is_any), OWN_KIND(fail_local, scattered), OWN_KIND(fail_local, mixed),
	EACH_KIND(fail_remote, is_any), OWN_KIND(fail_remote, scattered), OWN_KIND(fail_remote, mixed),
	EACH_KIND(fail_memfd, is_memfd),
	OWN_KIND(fail_memfd, memfd_scattered), OWN_KIND(fail_memfd, memfd_mixed),
	EACH_KIND(fail_access, is_any), OWN_KIND(fail_access, scattered), OWN_KIND(fail_access, mixed),
	EACH_KIND(fail_access_memfd, is_memfd),
	OWN_KIND(fail_access_memfd, memfd_scattered), OWN_KIND(fail_access_memfd, memfd_mixed),
	OWN_KIND(pieces_local, scattered), OWN_KIND(pieces_local, mixed),
	OWN_KIND(pieces_remote, scattered), OWN_KIND(pieces_remote, mixed),
	OWN_KIND(pieces_memfd, memfd_scattered), OWN_KIND(pieces_memfd, memfd_mixed),
	TABLE_TEST(leftover_stale, NULL),
	TABLE_TEST(leftover_unset, NULL),
	{ 0 }
};

static void prepare(void)
{
	if (!io_root)
		return;
	/* The most that a test has, and some that nobody counts on. */
	io_prepare(10);
	prepare_injection();
}

static const struct table table = {
	.usage = { "gup_iommufd", NULL, table_options },
	.tests = tests, .prepare = prepare,
};

int main(int argc, char **argv)
{
	io_root = !geteuid();
	return run_table(&table, argc, argv);
}
