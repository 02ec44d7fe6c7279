// SPDX-License-Identifier: GPL-2.0
/*
 * gup_race - threads that pin, against everything that changes a mapping
 *
 * usage: gup_race [--seconds N] [--ops N] [--seed N] [options of the harness]
 *
 * A test is an antagonist (fork, munmap, migration, ...) and a set of functions: two
 * threads pin parts of some megabytes of memory, look, write, release, while a third
 * one does its worst to the same memory. Each page carries its number.
 *
 * - What is pinned at an address is the page of this address: it has its number or,
 *   where the antagonist throws pages away, is empty. It stays what it is while held.
 * - Memory that the antagonist does not throw away: what is written through a pin is
 *   seen by the process, and what the process writes is seen through the pin, also
 *   through one to read: that is why pins unshare. And GUP must not fail, unless
 *   the antagonist takes the memory, or the right to use it, away for a while.
 * - Where pages are thrown away the process may have another page meanwhile. It must
 *   see what the pin does if the page is mapped before and after it looks.
 * - A child sees what was there at fork(), whatever its parent pins and writes.
 * - References, as get_user_pages_fast() takes, promise less: a write of the process
 *   may go to a copy. So they are read only, and compared with the number.
 * - In the end nothing is held, pins of the kernel are as before, and each folio has
 *   the references that its mappings have.
 *
 * The harness of selftests reports; the log of the kernel has to be looked at by who
 * runs this, a splat is a failure as well. --seed gives each thread its program, not
 * the way in which they meet: a failure may need several runs to come again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "vm_util.h"
#include "hugepage_settings.h"
#include "lib_gup.h"
#include "lib_gup_harness.h"
#include "lib_memory.h"
#include "lib_options.h"
#include "lib_random.h"

/*
 * Two huge pages, and as much to move to. Far below of where the kernel puts other
 * mappings: nobody may come into the holes that antagonists make.
 */
#define MEM		((char *)0x20000000000UL)
#define SIDE		((char *)0x20010000000UL)
#define MAX_PAGES	1024U
/* The pinners share the memory in blocks, one this, one that: so also huge pages. */
#define BLOCK		64U
#define NR_PINNERS	2U
#define MAX_PICK	300U
/*
 * Without a thing done in so many tries of each side nothing was tested. KSM needs most:
 * its antagonist waits for it, and looks.
 */
#define PATIENCE	5000
/* In the end: each has all CPUs work, and waits for writeback. */
#define LOOKS		100

static struct {
	unsigned long seconds;
	unsigned long ops;
	unsigned long seed;
} options = { .seconds = 1, .ops = 2000, .seed = 1 };

#define CHILD_WHY	200

/* What a pinner or an antagonist has, of its own. */
struct race;
struct pinner {
	struct race *race;
	unsigned int id;
	struct gup_random random;
	unsigned long ops;
	unsigned long held;
	unsigned long refused;
	__u64 token;
};

enum memory { ANON, SHMEM, DISK };

/**
 * struct antagonist - who changes the memory
 * @name: of the tests against it
 * @memory: what kind of
 * @small: no huge pages
 * @few: one block for each pinner, so that they meet the antagonist more often
 * @alike: pages have the same contents, as far as possible
 * @drops: pages are thrown away
 * @takes: accesses are refused for a while
 * @waits: a fault needs another thread, so only functions that drop mmap_lock
 * @start: prepare; false: gup_why() says what is missing
 * @step: do one thing; true if it was done
 * @stop: leave the memory mapped, and accessible
 */
struct antagonist {
	const char *name;
	enum memory memory;
	bool small;
	bool few;
	bool alike;
	bool drops;
	bool takes;
	bool waits;
	bool (*start)(struct race *race);
	bool (*step)(struct race *race, struct gup_random *random);
	void (*stop)(struct race *race);
};

/* Functions that a test takes turns with. 0 ends them. */
struct apis {
	__u64 flags;
	unsigned int api[6];
};

struct race {
	const struct antagonist *antagonist;
	const struct apis *apis;
	int device;
	bool has_ranges;
	int file;
	int uffd;
	int pidfd;
	long pins;
	struct pinner pinners[NR_PINNERS];
	struct gup_random random;
	pthread_t handler;
	atomic_bool ready;
	atomic_bool stop;
	atomic_ulong steps;
	atomic_ulong tried;
	atomic_uint running;
	double end;
	pthread_mutex_t lock;
	bool failed;
	char why[600];
	char *child_why;
};

static size_t page;
static unsigned int nr_pages = MAX_PAGES;

static void seed_random(struct gup_random *r, unsigned int stream)
{
	gup_seed(r, options.seed * 64 + stream, 1);
}

/* The first one counts; the others are its consequences. */
static void fail(struct race *race, const char *why)
{
	pthread_mutex_lock(&race->lock);
	if (!race->failed)
		snprintf(race->why, sizeof(race->why), "%s", why);
	race->failed = true;
	pthread_mutex_unlock(&race->lock);
	atomic_store(&race->stop, true);
}

static void write_word(__u64 *p, __u64 value)
{
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static __u64 read_word(const __u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* The antagonist gives back what it took, so this ends. */
static void store_at_last(__u64 *p, __u64 value)
{
	while (!gup_store(p, value))
		sched_yield();
}

static __u64 load_at_last(const __u64 *p)
{
	__u64 value;

	while (!gup_load(p, &value))
		sched_yield();
	return value;
}

static char *mem_page(unsigned int n)
{
	return MEM + n * page;
}

/* The first word of a page: its number. The second is for messages. */
static __u64 *number_of(unsigned int n)
{
	return (__u64 *)mem_page(n);
}

static __u64 *message_of(unsigned int n)
{
	return (__u64 *)mem_page(n) + 1;
}

static __u64 number(const struct race *race, unsigned int n)
{
	if (race->antagonist->alike)
		n %= 4;
	return 0x9a6e000000000000ULL + n;
}

static long read_vmstat(const char *name)
{
	FILE *file = fopen("/proc/vmstat", "re");
	char field[64];
	long value, found = -1;

	if (!file)
		return -1;
	while (fscanf(file, "%63s %ld", field, &value) == 2)
		if (!strcmp(field, name))
			found = value;
	fclose(file);
	return found;
}

/* Some pages; a whole block as often as not. */
static unsigned int pick_pages(struct gup_random *random, unsigned int *first)
{
	unsigned int most = nr_pages < MAX_PICK ? nr_pages : MAX_PICK;
	unsigned int nr = gup_below(random, 2) ? BLOCK : 1 + gup_below(random, most);

	*first = gup_below(random, nr_pages - nr + 1);
	return nr;
}

static int map_flags(const struct race *race)
{
	return race->file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
}

static bool map_mem(struct race *race, unsigned int first, unsigned int nr)
{
	char *mem = mem_page(first);

	if (mmap(mem, nr * page, PROT_READ | PROT_WRITE, MAP_FIXED | map_flags(race),
		 race->file, race->file < 0 ? 0 : first * page) != mem)
		return gup_fails("mmap: %s", strerror(errno));
	if (!race->antagonist->small)
		madvise(mem, nr * page, MADV_HUGEPAGE);
	return true;
}

static void number_pages(const struct race *race)
{
	unsigned int i;

	for (i = 0; i < nr_pages; i++) {
		*number_of(i) = number(race, i);
		*message_of(i) = 0;
	}
}

/*
 * The antagonists.
 */

/* What a child writes, and nobody else may see. */
#define GRAFFITI	0xc411dc411dULL

/* A child says what is wrong in memory that it shares with its parent. */
static bool child_complains(struct race *race, const char *what, unsigned int n,
			    __u64 seen, __u64 want)
{
	snprintf(race->child_why, CHILD_WHY,
		 "a child sees %s of page %u change: %#llx, not %#llx", what, n, seen, want);
	return false;
}

/* In the child: its memory is its own, so it does not change by itself. */
static bool judge_as_child(struct race *race, struct gup_random *random)
{
	__u64 *word;
	unsigned int i, n;
	__u64 before, after, want;

	for (i = 0; i < 24; i++) {
		n = gup_below(random, nr_pages);
		word = message_of(n);
		before = read_word(word);
		sched_yield();
		after = read_word(word);
		if (after != before)
			return child_complains(race, "the message", n, after, before);
		want = before == GRAFFITI ? GRAFFITI : number(race, n);
		after = read_word(number_of(n));
		if (after != want)
			return child_complains(race, "the number", n, after, want);
		if (i % 4)
			continue;
		write_word(number_of(n), GRAFFITI);
		write_word(message_of(n), GRAFFITI);
	}
	return true;
}

/* What is shared since the last fork() is nothing that GUP-fast would take. */
static void make_writable_again(void)
{
	unsigned int i;

	for (i = 0; i < nr_pages; i++)
		__atomic_fetch_add(number_of(i) + 2, 1, __ATOMIC_RELAXED);
}

static bool fork_step(struct race *race, struct gup_random *random)
{
	struct gup_random of_child = *random;
	int status;
	pid_t pid;

	gup_below(random, 2);
	make_writable_again();
	pid = fork();
	if (!pid)
		_exit(!judge_as_child(race, &of_child));
	if (pid < 0)
		return false;
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	fail(race, WIFEXITED(status) ? race->child_why : "a child was killed");
	return false;
}

/* Small mappings: fork() begins anew for each, so in the midst of what GUP-fast does. */
static bool cut_memory(struct race *race)
{
	const unsigned int nr = 8;
	unsigned int i;

	for (i = 0; i < nr_pages; i += 2 * nr)
		if (mprotect(mem_page(i), nr * page, PROT_READ | PROT_WRITE | PROT_EXEC))
			return gup_fails("mprotect: %s", strerror(errno));
	return true;
}

static bool munmap_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);

	if (munmap(mem_page(first), nr * page))
		return false;
	if (gup_below(random, 2))
		sched_yield();
	if (map_mem(race, first, nr))
		return true;
	fail(race, gup_why());
	return false;
}

static bool dontneed_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);

	return !madvise(mem_page(first), nr * page, MADV_DONTNEED);
}

/* What an antagonist takes it has to give back, or the others cannot go on. */
static bool gave_back(struct race *race, bool done)
{
	if (done)
		return true;
	gup_fails("giving back: %s", strerror(errno));
	fail(race, gup_why());
	return false;
}

static bool mremap_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);
	char *mem = mem_page(first), *side = SIDE + first * page;
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	/* mremap() moves one mapping: what other rounds split is not. */
	if (mremap(mem, nr * page, nr * page, flags, side) != side)
		return false;
	if (gup_below(random, 2))
		sched_yield();
	return gave_back(race, mremap(side, nr * page, nr * page, flags, mem) == mem);
}

static bool mprotect_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);
	int prot = gup_below(random, 2) ? PROT_READ : PROT_NONE;

	if (mprotect(mem_page(first), nr * page, prot))
		return false;
	if (gup_below(random, 2))
		sched_yield();
	return !mprotect(mem_page(first), nr * page, PROT_READ | PROT_WRITE);
}

static bool has_huge_pages(struct race *race)
{
	return thp_available() || gup_fails("no transparent huge pages");
}

static bool collapse(struct gup_random *random)
{
	unsigned int half = gup_below(random, 2);

	return !madvise(mem_page(half * nr_pages / 2), nr_pages / 2 * page,
			MADV_COLLAPSE);
}

/* Another protection for a part, which yet allows all: the leaf has to go. */
static bool collapse_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);
	bool done = collapse(random);

	mprotect(mem_page(first), nr * page, PROT_READ | PROT_WRITE | PROT_EXEC);
	mprotect(mem_page(first), nr * page, PROT_READ | PROT_WRITE);
	return done;
}

static bool split_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first), order = gup_below(random, 9);
	char text[128];
	bool done = collapse(random);

	/* The kernel warns if anonymous memory is to be split to order 1. */
	if (order == 1)
		order = 0;

	snprintf(text, sizeof(text), "%d,0x%lx,0x%lx,%u", getpid(),
		 (unsigned long)mem_page(first), (unsigned long)mem_page(first + nr),
		 order);
	return gup_write_knob("/sys/kernel/debug/split_huge_pages", text) && done;
}

static bool can_split(struct race *race)
{
	return has_huge_pages(race) &&
	       (!access("/sys/kernel/debug/split_huge_pages", W_OK) ||
		gup_fails("no /sys/kernel/debug/split_huge_pages"));
}

static bool has_nodes(struct race *race)
{
	if (access("/sys/devices/system/node/node1", F_OK))
		return gup_fails("only one NUMA node");
	return true;
}

static bool move_pages_step(struct race *race, struct gup_random *random)
{
	unsigned int i, first, nr = pick_pages(random, &first);
	static void *pages[MAX_PAGES];
	static int nodes[MAX_PAGES], status[MAX_PAGES];
	int node = gup_below(random, 2);
	bool moved = false;

	for (i = 0; i < nr; i++) {
		pages[i] = mem_page(first + i);
		nodes[i] = node;
	}
	if (syscall(__NR_move_pages, 0, (unsigned long)nr, pages, nodes, status,
		    MPOL_MF_MOVE) < 0)
		return false;
	for (i = 0; i < nr; i++)
		moved |= status[i] == node;
	return moved;
}

static bool compact_step(struct race *race, struct gup_random *random)
{
	long before = read_vmstat("compact_migrate_scanned");

	if (!gup_write_knob("/proc/sys/vm/compact_memory", "1"))
		return false;
	usleep(500);
	return read_vmstat("compact_migrate_scanned") > before;
}

static bool ksm_start_all(struct race *race)
{
	if (madvise(MEM, nr_pages * page, MADV_MERGEABLE))
		return gup_fails("no KSM");
	/* Each page it merges costs all CPUs a TLB flush: leave the others some time. */
	return gup_write_knob("/sys/kernel/mm/ksm/pages_to_scan", "256") &&
	       gup_write_knob("/sys/kernel/mm/ksm/sleep_millisecs", "4") &&
	       gup_write_knob("/sys/kernel/mm/ksm/run", "1");
}

static bool ksm_step(struct race *race, struct gup_random *random)
{
	bool merged;

	usleep(10000 + gup_below(random, 20000));
	merged = gup_read_number("/sys/kernel/mm/ksm/pages_sharing") > 0;
	if (merged && !gup_below(random, 3)) {
		gup_write_knob("/sys/kernel/mm/ksm/run", "2");
		gup_write_knob("/sys/kernel/mm/ksm/run", "1");
	}
	return merged;
}

static void ksm_end(struct race *race)
{
	gup_write_knob("/sys/kernel/mm/ksm/run", "2");
	gup_write_knob("/sys/kernel/mm/ksm/run", "0");
}

static bool has_swap(struct race *race)
{
	char line[200];
	FILE *file = fopen("/proc/swaps", "re");
	int lines = 0;

	if (!file)
		return gup_fails("no /proc/swaps");
	while (fgets(line, sizeof(line), file))
		lines++;
	fclose(file);
	return lines > 1 || gup_fails("no swap");
}

static bool pageout_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);
	long before = read_vmstat("pswpout");

	if (madvise(mem_page(first), nr * page, MADV_PAGEOUT))
		return false;
	return read_vmstat("pswpout") > before;
}

static bool truncate_step(struct race *race, struct gup_random *random)
{
	if (ftruncate(race->file, gup_below(random, nr_pages) * page))
		return false;
	if (gup_below(random, 2))
		sched_yield();
	return gave_back(race, !ftruncate(race->file, nr_pages * page));
}

static bool punch_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);

	return !fallocate(race->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  first * page, nr * page);
}

static bool sync_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);

	return !msync(mem_page(first), nr * page, MS_SYNC);
}

static bool open_uffd(struct race *race, __u64 features)
{
	race->uffd = gup_uffd_open(O_CLOEXEC | O_NONBLOCK, features);
	if (race->uffd < 0)
		return gup_fails("userfaultfd: %s", strerror(errno));
	if (uffd_register(race->uffd, MEM, nr_pages * page, false, true, false))
		return gup_fails("userfaultfd: cannot register for write protection");
	return true;
}

/* Faults lift the protection by themselves. */
static bool uffd_async_start(struct race *race)
{
	return open_uffd(race, UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED);
}

/* Faults wait for this thread. */
static void *lift_protection(void *arg)
{
	struct race *race = arg;
	struct pollfd poller = { .fd = race->uffd, .events = POLLIN };
	struct uffd_msg msg;

	while (!atomic_load(&race->ready) || atomic_load(&race->running)) {
		if (poll(&poller, 1, 20) <= 0 ||
		    read(race->uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		if (msg.event == UFFD_EVENT_PAGEFAULT)
			gup_uffd_protect(race->uffd,
					 (void *)(msg.arg.pagefault.address & ~(page - 1)),
					 page, false);
	}
	return NULL;
}

static bool uffd_sync_start(struct race *race)
{
	if (!open_uffd(race, UFFD_FEATURE_PAGEFAULT_FLAG_WP))
		return false;
	return !pthread_create(&race->handler, NULL, lift_protection, race) ||
	       gup_fails("pthread_create");
}

static bool uffd_step(struct race *race, struct gup_random *random)
{
	unsigned int first, nr = pick_pages(random, &first);

	return gup_uffd_protect(race->uffd, mem_page(first), nr * page, true);
}

static void uffd_stop(struct race *race)
{
	if (race->handler)
		pthread_join(race->handler, NULL);
	uffd_unregister(race->uffd, MEM, nr_pages * page);
	close(race->uffd);
}

/* One writer less would prove less: mappings that were cut have to fit again. */
static void map_again(struct race *race)
{
	if (!map_mem(race, 0, nr_pages))
		fail(race, gup_why());
}

static const struct antagonist antagonists[] = {
	{ "fork", .step = fork_step },
	{ "fork_small", .small = true, .few = true, .start = cut_memory, .step = fork_step },
	{ "munmap", .drops = true, .takes = true, .step = munmap_step, .stop = map_again },
	{ "dontneed", .drops = true, .step = dontneed_step },
	{ "mremap", .takes = true, .step = mremap_step },
	{ "mprotect", .takes = true, .step = mprotect_step },
	{ "collapse", .start = has_huge_pages, .step = collapse_step },
	{ "split", .start = can_split, .step = split_step },
	{ "move_pages", .start = has_nodes, .step = move_pages_step },
	{ "move_small_pages", .small = true, .start = has_nodes, .step = move_pages_step },
	{ "compact", .small = true, .step = compact_step },
	{ "ksm", .small = true, .alike = true, .start = ksm_start_all, .step = ksm_step,
	  .stop = ksm_end },
	{ "pageout", .start = has_swap, .step = pageout_step },
	{ "pageout_shmem", .memory = SHMEM, .start = has_swap, .step = pageout_step },
	{ "truncate_shmem", .memory = SHMEM, .drops = true, .takes = true,
	  .step = truncate_step },
	{ "punch_shmem", .memory = SHMEM, .drops = true, .step = punch_step },
	{ "truncate_file", .memory = DISK, .drops = true, .takes = true,
	  .step = truncate_step },
	{ "punch_file", .memory = DISK, .drops = true, .step = punch_step },
	{ "writeback", .memory = DISK, .step = sync_step },
	{ "uffd_async", .start = uffd_async_start, .step = uffd_step, .stop = uffd_stop },
	{ "uffd_sync", .waits = true, .start = uffd_sync_start, .step = uffd_step,
	  .stop = uffd_stop },
};

static const struct apis fast_apis = {
	0, { GUP_RIG_API_PIN_FAST, GUP_RIG_API_GET_FAST, GUP_RIG_API_PIN_RANGES,
	     GUP_RIG_API_GET_FAST_ONLY } };
static const struct apis slow_apis = {
	0, { GUP_RIG_API_PIN, GUP_RIG_API_PIN_UNLOCKED, GUP_RIG_API_GET_UNLOCKED,
	     GUP_RIG_API_PIN_REMOTE, GUP_RIG_API_GET } };
static const struct apis longterm_apis = {
	GUP_RIG_FOLL_LONGTERM,
	{ GUP_RIG_API_PIN_FAST, GUP_RIG_API_PIN, GUP_RIG_API_PIN_UNLOCKED,
	  GUP_RIG_API_PIN_RANGES } };

/*
 * The pinners.
 */

static unsigned int pick_api(const struct race *race, struct gup_random *random)
{
	unsigned int nr = 0, api;

	while (race->apis->api[nr])
		nr++;
	do {
		api = race->apis->api[gup_below(random, nr)];
	} while (race->antagonist->waits && !gup_apis[api].waits &&
		 api != GUP_RIG_API_GET_FAST_ONLY);
	if (api == GUP_RIG_API_PIN_RANGES && !race->has_ranges)
		return GUP_RIG_API_PIN_FAST;
	return api;
}

static void init_call(struct pinner *p, struct gup_call *c, unsigned int api,
		      __u64 flags, unsigned int first, unsigned int nr)
{
	gup_call_init_bare(c, p->race->device, api, flags | p->race->apis->flags,
			   mem_page(first), nr);
	if (api == GUP_RIG_API_PIN_REMOTE || api == GUP_RIG_API_GET_REMOTE)
		c->run.fd = p->race->pidfd;
}

/* A long-term pin to write to a file that tracks dirty pages is always refused. */
static bool is_refused(const struct race *race, const struct gup_call *c)
{
	const __u64 both = GUP_RIG_FOLL_LONGTERM | GUP_RIG_FOLL_WRITE;

	return race->antagonist->memory == DISK && (c->run.gup_flags & both) == both;
}

/* What GUP said, whether or not it was all that was asked for. */
static bool expect_answer(struct pinner *p, const struct gup_call *c)
{
	const struct gup_rig_run *run = &c->run;
	bool all = run->pages_done == run->nr_pages && !run->error;

	if (is_refused(p->race, c))
		return gup_expect_result(c, -EFAULT);
	if (all || (p->race->antagonist->takes && (!run->error || run->error == -EFAULT)))
		return true;
	if (run->api == GUP_RIG_API_GET_FAST_ONLY && !run->error)
		return true;
	return gup_expect_result(c, run->nr_pages);
}

/* Is entry @i mapped where it was pinned, right now? */
static bool is_mapped(const struct gup_call *c, unsigned int i, bool *mapped)
{
	struct gup_rig_record records[BLOCK];

	if (!gup_hold_records(c, records))
		return false;
	*mapped = records[i].flags & GUP_RIG_REC_MAPPED;
	return true;
}

static bool expect_word(const struct gup_call *c, unsigned int n, const char *who,
			__u64 seen, __u64 want)
{
	if (seen == want)
		return true;
	return gup_fails("%s: page %u: %s sees %#llx, not %#llx",
			 gup_call_name(c->run.api, c->run.gup_flags), n, who, seen, want);
}

static bool expect_number(struct pinner *p, const struct gup_call *c,
			  unsigned int first, unsigned int i)
{
	__u64 seen;

	if (!gup_hold_read(c, i, 0, &seen, sizeof(seen)))
		return false;
	if (!seen && p->race->antagonist->drops)
		return true;
	return expect_word(c, first + i, "the pin", seen, number(p->race, first + i));
}

/* Memory that stays: both see what either writes. */
static bool exchange(struct pinner *p, const struct gup_call *c, unsigned int first,
		     unsigned int i)
{
	__u64 *message = message_of(first + i), token = ++p->token, seen;

	if (c->run.gup_flags & GUP_RIG_FOLL_WRITE) {
		if (!gup_hold_write(c, i, 8, &token, sizeof(token)))
			return false;
		seen = load_at_last(message);
		if (!expect_word(c, first + i, "the process", seen, token))
			return false;
		token = ++p->token;
	}
	store_at_last(message, token);
	if (!gup_hold_read(c, i, 8, &seen, sizeof(seen)) ||
	    !expect_word(c, first + i, "the pin", seen, token))
		return false;
	if (p->race->antagonist->alike)
		store_at_last(message, 0);
	return true;
}

/* What the process loads where entry @i was pinned; @mapped: that is there all the time. */
static bool load_mapped(const struct gup_call *c, unsigned int first, unsigned int i,
			__u64 *process, bool *mapped)
{
	bool before, after, looked;

	if (!is_mapped(c, i, &before))
		return false;
	looked = gup_load(message_of(first + i), process);
	if (!is_mapped(c, i, &after))
		return false;
	*mapped = before && after && looked;
	return true;
}

/* A second at most: truncation of a file may wait for the page that the caller holds. */
static void wait_for_step(struct race *race)
{
	unsigned long tried = atomic_load(&race->tried);
	double end = gup_now() + 1;

	while (atomic_load(&race->tried) == tried && gup_now() < end)
		usleep(100);
}

static bool is_left(__u64 seen, __u64 token, bool cleared)
{
	return seen == token || (!seen && cleared);
}

/*
 * Memory that may go: nobody else gets the page, and if it is mapped, it is this.
 * What is cut off of a large folio of a file is cleared, if it is pinned or not.
 * Who drops pages flushes TLBs when others can have faulted a new page in already:
 * until that is over, a CPU may load from the old one, as the zero page.
 */
static bool leave_message(struct pinner *p, const struct gup_call *c,
			  unsigned int first, unsigned int i)
{
	bool cleared = p->race->antagonist->memory != ANON, mapped;
	__u64 token = ++p->token, seen, process = token;

	if (!(c->run.gup_flags & GUP_RIG_FOLL_WRITE))
		return true;
	if (!gup_hold_write(c, i, 8, &token, sizeof(token)) ||
	    !load_mapped(c, first, i, &process, &mapped))
		return false;
	if (mapped && !is_left(process, token, cleared)) {
		wait_for_step(p->race);
		if (!load_mapped(c, first, i, &process, &mapped))
			return false;
	}
	if (!gup_hold_read(c, i, 8, &seen, sizeof(seen)))
		return false;
	if (!is_left(seen, token, cleared))
		return expect_word(c, first + i, "the pin", seen, token);
	if (!mapped || is_left(process, token, cleared))
		return true;
	return expect_word(c, first + i, "the process", process, token);
}

static bool look_at_page(struct pinner *p, const struct gup_call *c,
			 unsigned int first, unsigned int i)
{
	if (!expect_number(p, c, first, i))
		return false;
	if (!gup_apis[c->run.api].pins)
		return true;
	if (p->race->antagonist->drops)
		return leave_message(p, c, first, i) && expect_number(p, c, first, i);
	return exchange(p, c, first, i);
}

/* Pages that were thrown away are empty: give them their number again. */
static void restore_numbers(struct pinner *p, unsigned int first, unsigned int nr)
{
	unsigned int i;

	if (!p->race->antagonist->drops)
		return;
	for (i = first; i < first + nr; i++)
		gup_store(number_of(i), number(p->race, i));
}

static bool release(const struct gup_call *c, struct gup_random *random)
{
	static const unsigned int puts[] = {
		GUP_RIG_PUT_DEFAULT, GUP_RIG_PUT_ONE, GUP_RIG_PUT_RANGE,
		GUP_RIG_PUT_DIRTY, GUP_RIG_PUT_RANGE_DIRTY,
	};
	bool writes = c->run.gup_flags & GUP_RIG_FOLL_WRITE;
	unsigned int put = puts[gup_below(random, writes ? 5 : 3)];

	return gup_release(c, gup_apis[c->run.api].pins ? put : GUP_RIG_PUT_DEFAULT);
}

static bool count_held(struct pinner *p, const struct gup_call *c)
{
	if (c->run.handle)
		p->held++;
	else
		p->refused++;
	return c->run.handle;
}

/* Pin in a block of one's own, where nobody else writes. */
static bool hold_own(struct pinner *p)
{
	struct gup_random *random = &p->random;
	unsigned int block = gup_below(random, nr_pages / BLOCK / NR_PINNERS);
	unsigned int nr = 1 + gup_below(random, gup_below(random, 3) ? 8 : BLOCK);
	unsigned int first = (block * NR_PINNERS + p->id) * BLOCK;
	unsigned int api = pick_api(p->race, random), i;
	bool writes = gup_apis[api].pins && gup_below(random, 3);
	struct gup_call c;
	bool good = true;

	first += gup_below(random, BLOCK - nr + 1);
	init_call(p, &c, api, writes ? GUP_RIG_FOLL_WRITE : 0, first, nr);
	c.run.flags = GUP_RIG_RUN_HOLD;
	c.run.pages_per_call = gup_below(random, 2) * (1 + gup_below(random, nr));
	if (!gup_run(&c) || !expect_answer(p, &c))
		return false;
	if (!count_held(p, &c)) {
		restore_numbers(p, first, nr);
		return true;
	}
	/* What goes wrong in a race goes wrong with one page. */
	for (i = 0; good && i < nr; i++)
		good = look_at_page(p, &c, first, i);
	good &= release(&c, random);
	restore_numbers(p, first, nr);
	return good;
}

/* To read, anywhere, across what the other pinner writes to. */
static bool hold_any(struct pinner *p)
{
	struct gup_random *random = &p->random;
	unsigned int first, nr = pick_pages(random, &first), i;
	struct gup_call c;
	bool good = true;

	init_call(p, &c, pick_api(p->race, random), 0, first, nr);
	c.run.flags = GUP_RIG_RUN_HOLD;
	if (!gup_run(&c) || !expect_answer(p, &c))
		return false;
	if (!count_held(p, &c))
		return true;
	for (i = 0; good && i < 8; i++)
		good = expect_number(p, &c, first, gup_below(random, nr));
	return release(&c, random) && good;
}

static bool get_and_put(struct pinner *p)
{
	struct gup_random *random = &p->random;
	unsigned int first, nr = pick_pages(random, &first);
	unsigned int api = pick_api(p->race, random);
	struct gup_call c;

	init_call(p, &c, api, gup_below(random, 2) ? GUP_RIG_FOLL_WRITE : 0, first, nr);
	c.run.repeat = 1 + gup_below(random, 8);
	c.run.pages_per_call = gup_below(random, 2) * (1 + gup_below(random, 64));
	return gup_run(&c) && expect_answer(p, &c);
}

static bool one_op(struct pinner *p)
{
	switch (gup_below(&p->random, 8)) {
	case 0:
		return hold_any(p);
	case 1 ... 2:
		return get_and_put(p);
	default:
		return hold_own(p);
	}
}

/* Time and number both end it, but not before both sides did something. */
static bool is_over(const struct pinner *p)
{
	const struct race *race = p->race;

	if (atomic_load(&race->stop))
		return true;
	if (gup_now() < race->end && p->ops < options.ops)
		return false;
	if (p->ops > PATIENCE && atomic_load(&race->tried) > PATIENCE)
		return true;
	return p->held && atomic_load(&race->steps);
}

static void *pin_all_the_time(void *arg)
{
	struct pinner *p = arg;

	while (!is_over(p)) {
		if (!one_op(p)) {
			fail(p->race, gup_why());
			break;
		}
		p->ops++;
		if (!gup_below(&p->random, 4))
			usleep(gup_below(&p->random, 300));
	}
	atomic_fetch_sub(&p->race->running, 1);
	return NULL;
}

static void *antagonize(void *arg)
{
	struct race *race = arg;

	while (atomic_load(&race->running)) {
		atomic_fetch_add(&race->tried, 1);
		if (race->antagonist->step(race, &race->random))
			atomic_fetch_add(&race->steps, 1);
		/* Without a pause it would have mmap_lock most of the time. */
		usleep(gup_below(&race->random, 400));
	}
	return NULL;
}

/*
 * What is left when all is quiet.
 */

static bool expect_counts(struct race *race, unsigned int api, __u64 flags)
{
	struct gup_call c;
	bool good;

	if (!gup_call_init(&c, race->device, api, flags, MEM, nr_pages))
		return false;
	/* The second pass finds everything as the first one left it. */
	c.run.repeat = 2;
	good = gup_run(&c) && gup_expect_result(&c, nr_pages) && gup_expect_sound(&c) &&
	       gup_expect_restored(&c) && gup_expect_mapped(&c, MEM) &&
	       gup_expect_no_strangers(&c);
	gup_call_free(&c);
	return good;
}

/*
 * Writeback takes references, khugepaged unmaps a table of file pages; both pass.
 * What was lost or kept in the race does not.
 */
static bool expect_quiet(struct race *race, unsigned int api, __u64 flags)
{
	int i;

	for (i = 0; i < LOOKS; i++) {
		if (expect_counts(race, api, flags))
			return true;
		fsync(race->file);
		usleep(20000);
	}
	return false;
}

static bool expect_nothing_left(struct race *race)
{
	long held = gup_held(race->device), pins;

	if (held)
		return gup_fails("the device holds %ld entries", held);
	pins = gup_pins_out();
	if (pins != race->pins)
		return gup_fails("nr_foll_pin_acquired - _released: %ld, and %ld before",
				 pins, race->pins);
	return true;
}

static bool expect_rest(struct race *race)
{
	bool good;

	number_pages(race);
	good = expect_nothing_left(race) &&
	       expect_quiet(race, GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_WRITE) &&
	       expect_quiet(race, GUP_RIG_API_GET, 0) && expect_nothing_left(race);
	return good;
}

static bool open_memory(struct race *race)
{
	char path[] = "/tmp/gup_race-XXXXXX";

	race->file = -1;
	if (race->antagonist->memory == SHMEM)
		race->file = memfd_create("gup_race", MFD_CLOEXEC);
	if (race->antagonist->memory == DISK) {
		race->file = mkostemp(path, O_CLOEXEC);
		unlink(path);
	}
	if (race->antagonist->memory == ANON)
		return map_mem(race, 0, nr_pages);
	if (race->file < 0 || ftruncate(race->file, nr_pages * page))
		return gup_fails("memory to map: %s", strerror(errno));
	return map_mem(race, 0, nr_pages);
}

FIXTURE(race)
{
	struct race race;
};

/* An antagonist and nothing else: register_antagonists() makes variants of the table. */
FIXTURE_VARIANT(race)
{
	struct antagonist antagonist;
};

FIXTURE_SETUP(race)
{
	struct race *race = &self->race;

	memset(race, 0, sizeof(*race));
	race->antagonist = &variant->antagonist;
	if (race->antagonist->few)
		nr_pages = NR_PINNERS * BLOCK;
	pthread_mutex_init(&race->lock, NULL);
	race->device = gup_open();
	if (race->device < 0)
		SKIP(return, "%s", gup_why());
	race->has_ranges = gup_has_api(race->device, GUP_RIG_API_PIN_RANGES);
	gup_catch_refusals();
	race->pidfd = syscall(__NR_pidfd_open, getpid(), 0);
	ASSERT_LE(0, race->pidfd);
	race->pins = gup_pins_out();
	race->child_why = mmap(NULL, CHILD_WHY, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, race->child_why);
	ASSERT_TRUE(open_memory(race)) TH_LOG("%s", gup_why());
	number_pages(race);
	if (race->antagonist->start && !race->antagonist->start(race))
		SKIP(return, "%s", gup_why());
}

FIXTURE_TEARDOWN(race)
{
	close(self->race.device);
}

static void start_pinner(struct race *race, unsigned int id, pthread_t *thread)
{
	struct pinner *p = &race->pinners[id];

	p->race = race;
	p->id = id;
	p->token = (__u64)(id + 1) << 56;
	seed_random(&p->random, id + 1);
	if (pthread_create(thread, NULL, pin_all_the_time, p))
		ksft_exit_fail_perror("pthread_create");
}

static void run_race(struct race *race, const struct apis *apis)
{
	pthread_t pinners[NR_PINNERS], antagonist;
	unsigned int i;

	race->apis = apis;
	race->end = gup_now() + options.seconds;
	atomic_store(&race->running, NR_PINNERS);
	atomic_store(&race->ready, true);
	seed_random(&race->random, 0);
	if (pthread_create(&antagonist, NULL, antagonize, race))
		ksft_exit_fail_perror("pthread_create");
	for (i = 0; i < NR_PINNERS; i++)
		start_pinner(race, i, &pinners[i]);
	for (i = 0; i < NR_PINNERS; i++)
		pthread_join(pinners[i], NULL);
	pthread_join(antagonist, NULL);
	if (race->antagonist->stop)
		race->antagonist->stop(race);
}

static void print_race(const struct race *race)
{
	const struct pinner *p = race->pinners;

	ksft_print_msg("%lu and %lu operations, %lu and %lu held, %lu and %lu refused\n",
		       p[0].ops, p[1].ops, p[0].held, p[1].held, p[0].refused,
		       p[1].refused);
	ksft_print_msg("%lu of %lu steps against them\n", atomic_load(&race->steps),
		       atomic_load(&race->tried));
}

/* All of a test. If false, race->why says why. */
static bool survives(struct race *race, const struct apis *apis)
{
	run_race(race, apis);
	print_race(race);
	if (race->failed)
		return false;
	if (!race->pinners[0].held || !race->pinners[1].held)
		fail(race, "a thread has pinned nothing");
	else if (!atomic_load(&race->steps))
		fail(race, "the antagonist has done nothing");
	else if (!expect_rest(race))
		fail(race, gup_why());
	return !race->failed;
}

/* The time is a matter of --seconds, not of the harness. */
#define NO_TIMEOUT	(24 * 3600)

TEST_F_TIMEOUT(race, fast, NO_TIMEOUT)
{
	EXPECT_TRUE(survives(&self->race, &fast_apis))
		TH_LOG("%s", self->race.why);
}

TEST_F_TIMEOUT(race, slow, NO_TIMEOUT)
{
	EXPECT_TRUE(survives(&self->race, &slow_apis))
		TH_LOG("%s", self->race.why);
}

TEST_F_TIMEOUT(race, longterm, NO_TIMEOUT)
{
	EXPECT_TRUE(survives(&self->race, &longterm_apis))
		TH_LOG("%s", self->race.why);
}

static const struct gup_option command_line[] = {
	{ "--seconds", "N", "a test ends after so long (default 1)", .number = &options.seconds },
	{ "--ops", "N", "or when each thread has pinned so often (default 2000)",
	  .number = &options.ops },
	{ "--seed", "N", "what the threads do (default 1; 0: by the clock)",
	  .number = &options.seed },
	{ 0 }
};

static const struct gup_usage usage = { "gup_race", "options of the harness", command_line };

static void register_antagonists(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(antagonists); i++)
		gup_add_variant(&_race_fixture_object, antagonists[i].name, &antagonists[i]);
}

/* Nobody but the antagonist. */
static void quiet_kernel(void)
{
	struct thp_settings settings;

	gup_keep_ksm();
	gup_stop_balancing();
	if (!thp_available())
		return;
	thp_save_settings();
	thp_read_settings(&settings);
	gup_thp_by_advice(&settings);
	thp_push_settings(&settings);
}

int main(int argc, char **argv)
{
	register_antagonists();
	argc = gup_start(&usage, argc, argv);
	page = psize();
	if (!options.seed)
		options.seed = time(NULL);
	printf("# again: gup_race --seconds %lu --ops %lu --seed %lu\n", options.seconds,
	       options.ops, options.seed);
	quiet_kernel();
	return test_harness_run(argc, argv);
}
