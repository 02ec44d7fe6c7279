// SPDX-License-Identifier: GPL-2.0
/*
 * gup_shapes - does GUP give the right pages, whatever the memory looks like?
 *
 * usage: gup_shapes [--all] [options of the harness]
 *
 * The table of shapes says for each kind of mapping what each kind of call has to
 * give: the page that is there, a fresh one, a copy, the zero page, or an error.
 * A test case is a shape and a set of flags. It makes the shape anew for each of
 * the GUP functions that take the flags, in each of their variants (a combination),
 * and checks for every page: it is the page of /proc/self/pagemap; folio, order,
 * offset and kind; references and pins while held and after; the data, both ways
 * through the pin, and whether a later write of the process is seen through it.
 * With --all each function goes first, which takes more than twice as long. Without,
 * the plain and the fast one do, and one or two of the others in turn; but those that
 * do not go first are called, too, and have to give the same pages.
 *
 * A shape that this kernel does not have is a SKIP of its own.
 *
 * Needs root, debugfs, and a kernel with the rig's driver, gup_rig. A file
 * system with dirty tracking is looked for at $TMPDIR, or /tmp. Run it alone:
 * pins and references of others would be counted.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include "lib_gup_harness.h"
#include "lib_options.h"
#include "shapes.h"

/* Shared with the processes of the cases. */
static unsigned long *combinations;

static void set_up(struct __test_metadata *_metadata, long *splats)
{
	pins_at_rest = gup_pins_out();
	*splats = gup_splats();
	/* Held pages belong to the open file: each case has its own. */
	gup_fd = gup_open();
	ASSERT_LE(0, gup_fd)
		TH_LOG("%s", gup_why());
	self_pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	ASSERT_LE(0, self_pidfd);
}

static void tear_down(struct __test_metadata *_metadata, long splats)
{
	close(gup_fd);
	close(self_pidfd);
	EXPECT_EQ(pins_at_rest, gup_pins_out());
	EXPECT_EQ(splats, gup_splats());
}

/* What was made for @before combinations can be made: no skip after those. */
static void judge(struct __test_metadata *_metadata, const struct attempt *a,
		  enum made made, unsigned int before)
{
	if (made == CANNOT && !before)
		SKIP(return, "%s", gup_why());
	EXPECT_TRUE(made == MADE) {
		TH_LOG("%s%s%s: %s", gup_call_name(a->w->api, a->foll),
		       a->w->flags & GUP_RIG_RUN_LOCKED ? ", locked" : "",
		       a->w->flags & GUP_RIG_RUN_IRQS_OFF ? ", IRQs off" : "",
		       gup_why());
	}
	__atomic_fetch_add(combinations, 1, __ATOMIC_RELAXED);
}

static void try_all_ways(struct __test_metadata *_metadata, const struct shape *s,
			 __u64 foll)
{
	struct attempt a = { .s = s, .foll = foll };
	enum made made = MADE;
	unsigned int nr = 0;

	for (a.w = ways; a.w < ways + NR_WAYS && made == MADE; a.w++) {
		if (!way_takes(a.w, foll) || !way_is_due(a.w, s, foll))
			continue;
		made = try_way(&a);
		judge(_metadata, &a, made, nr++);
	}
}

FIXTURE(shape) {
	long splats;
};

/* A shape and nothing else: register_shapes() makes variants of the table. */
FIXTURE_VARIANT(shape) {
	struct shape shape;
};

FIXTURE_SETUP(shape)
{
	set_up(_metadata, &self->splats);
}

FIXTURE_TEARDOWN(shape)
{
	tear_down(_metadata, self->splats);
}

/* Generous: under TCG, with a sanitizer. */
#define TIMEOUT		600

TEST_F_TIMEOUT(shape, read, TIMEOUT)
{
	try_all_ways(_metadata, &variant->shape, 0);
}

TEST_F_TIMEOUT(shape, write, TIMEOUT)
{
	try_all_ways(_metadata, &variant->shape, GUP_RIG_FOLL_WRITE);
}

TEST_F_TIMEOUT(shape, longterm_read, TIMEOUT)
{
	try_all_ways(_metadata, &variant->shape, GUP_RIG_FOLL_LONGTERM);
}

TEST_F_TIMEOUT(shape, longterm_write, TIMEOUT)
{
	try_all_ways(_metadata, &variant->shape,
		     GUP_RIG_FOLL_LONGTERM | GUP_RIG_FOLL_WRITE);
}

TEST_F_TIMEOUT(shape, force_read, TIMEOUT)
{
	try_all_ways(_metadata, &variant->shape, GUP_RIG_FOLL_FORCE);
}

TEST_F_TIMEOUT(shape, force_write, TIMEOUT)
{
	try_all_ways(_metadata, &variant->shape,
		     GUP_RIG_FOLL_FORCE | GUP_RIG_FOLL_WRITE);
}

TEST_F_TIMEOUT(shape, force_longterm_read, TIMEOUT)
{
	try_all_ways(_metadata, &variant->shape,
		     GUP_RIG_FOLL_FORCE | GUP_RIG_FOLL_LONGTERM);
}

TEST_F_TIMEOUT(shape, force_longterm_write, TIMEOUT)
{
	try_all_ways(_metadata, &variant->shape,
		     GUP_RIG_FOLL_FORCE | GUP_RIG_FOLL_LONGTERM |
		     GUP_RIG_FOLL_WRITE);
}

/* A size that comes anew would otherwise be forgotten. */
TEST(all_mthp_sizes_have_a_shape)
{
	unsigned long kb;
	char path[128];

	for (kb = 1; kb < 1024 * 1024; kb *= 2) {
		mthp_knob(path, sizeof(path), kb, "enabled");
		if (!access(path, F_OK))
			EXPECT_TRUE(kb >= 16 && kb <= 2048)
				TH_LOG("add a shape: %s", path);
	}
}

/* The same for memfd_pin_folios(), with shapes that are files in memory. */
FIXTURE(memfd) {
	long splats;
};

FIXTURE_VARIANT(memfd) {
	struct shape shape;
};

FIXTURE_SETUP(memfd)
{
	set_up(_metadata, &self->splats);
}

FIXTURE_TEARDOWN(memfd)
{
	tear_down(_metadata, self->splats);
}

static void try_folios(struct __test_metadata *_metadata, const struct shape *s,
		       __u64 foll)
{
	struct attempt a = { .s = s, .foll = foll };

	judge(_metadata, &a, try_memfd(&a), 0);
}

TEST_F_TIMEOUT(memfd, read, TIMEOUT)
{
	try_folios(_metadata, &variant->shape, 0);
}

TEST_F_TIMEOUT(memfd, write, TIMEOUT)
{
	try_folios(_metadata, &variant->shape, GUP_RIG_FOLL_WRITE);
}

/* And for the memory of a child that shares it. */
FIXTURE(remote) {
	long splats;
};

FIXTURE_VARIANT(remote) {
	struct shape shape;
};

FIXTURE_SETUP(remote)
{
	set_up(_metadata, &self->splats);
}

FIXTURE_TEARDOWN(remote)
{
	tear_down(_metadata, self->splats);
}

static void try_all_remote(struct __test_metadata *_metadata, const struct shape *s,
			   __u64 foll)
{
	struct attempt a = { .s = s, .foll = foll };
	enum made made = MADE;
	unsigned int nr = 0;

	for (a.w = ways; a.w < ways + NR_WAYS && made == MADE; a.w++) {
		if (!way_is_remote(a.w) || !way_takes(a.w, foll))
			continue;
		made = try_remote(&a);
		judge(_metadata, &a, made, nr++);
	}
}

TEST_F_TIMEOUT(remote, read, TIMEOUT)
{
	try_all_remote(_metadata, &variant->shape, 0);
}

TEST_F_TIMEOUT(remote, write, TIMEOUT)
{
	try_all_remote(_metadata, &variant->shape, GUP_RIG_FOLL_WRITE);
}

TEST_F_TIMEOUT(remote, longterm_read, TIMEOUT)
{
	try_all_remote(_metadata, &variant->shape, GUP_RIG_FOLL_LONGTERM);
}

/* Whoever else takes references, or moves pages, is told to rest. */
static void calm_down(void)
{
	static const char *const knobs[][2] = {
		{ THP_SYSFS "enabled", "never" },
		{ THP_SYSFS "shmem_enabled", "never" },
		{ THP_SYSFS "khugepaged/defrag", "0" },
		{ THP_SYSFS "use_zero_page", "1" },
		{ KSM_SYSFS "run", "0" },
		{ KSM_SYSFS "sleep_millisecs", "0" },
		{ KSM_SYSFS "pages_to_scan", "1000" },
		{ KSM_SYSFS "use_zero_pages", "0" },
		{ KSM_SYSFS "smart_scan", "0" },
		{ "/proc/sys/kernel/numa_balancing", "0" },
		{ "/proc/sys/vm/compaction_proactiveness", "0" },
		{ HUGETLB_SYSFS "hugepages-2048kB/nr_hugepages", "12" },
		{ HUGETLB_SYSFS "hugepages-1048576kB/nr_hugepages", "1" },
	};
	unsigned long kb;
	char path[128];
	size_t i;

	if (!gup_stay_on_one_cpu())
		ksft_print_msg("this will take long: %s\n", gup_why());
	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		gup_keep_knobs(knobs[i][0]);
		/* What is not there is found out by the shapes that want it. */
		gup_write_knob(knobs[i][0], knobs[i][1]);
	}
	gup_keep_knobs(THP_SYSFS "hugepages-*/*enabled");
	for (kb = 2 * psize() / 1024; kb <= 1024 * 1024; kb *= 2) {
		mthp_knob(path, sizeof(path), kb, "enabled");
		gup_write_knob(path, "never");
		mthp_knob(path, sizeof(path), kb, "shmem_enabled");
		gup_write_knob(path, kb * 1024 == pmd_size() ? "inherit" : "never");
	}
}

static void register_shapes(void)
{
	const struct shape *s;

	for (s = shapes; s < shapes + nr_shapes; s++) {
		if (!s->tests || (s->tests & PLAIN))
			gup_add_variant(&_shape_fixture_object, s->name, s);
		if (s->tests & MEMFD)
			gup_add_variant(&_memfd_fixture_object, s->name, s);
		if (s->tests & REMOTE)
			gup_add_variant(&_remote_fixture_object, s->name, s);
	}
}

static pid_t main_pid;

static void print_combinations(void)
{
	if (getpid() == main_pid)
		ksft_print_msg("%lu combinations\n", *combinations);
}

static const struct gup_option options[] = {
	{ .name = "--all", .flag = &all_ways,
	  .help = "each shape in every variant of each function, not in some" },
	{ 0 }
};

static const struct gup_usage usage = { "gup_shapes", "options of the harness", options };

int main(int argc, char **argv)
{
	register_shapes();
	argc = gup_start(&usage, argc, argv);
	main_pid = getpid();
	combinations = mmap(NULL, psize(), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (combinations == MAP_FAILED)
		ksft_exit_fail_perror("mmap");
	calm_down();
	atexit(print_combinations);
	return test_harness_run(argc, argv);
}
