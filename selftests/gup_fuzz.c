// SPDX-License-Identifier: GPL-2.0
/*
 * gup_fuzz - random mapping programs, judged by comparing GUP's functions
 *
 * usage: gup_fuzz [--ops N] [--seconds N] [--seed N] [--theme NAME] [--hang N] [--trace 1]
 *	  gup_fuzz [--hang N] --program 'STEP; ...'
 *
 * A program is a list of steps on a small arena: map, write, fork, mprotect,
 * madvise, mremap, KSM, ... and checks. A check lets one of the functions go
 * first, which may fault, unshare, break COW or migrate. Behind that nothing is
 * left to do, so every other function has to give the same pages, the same
 * number of them and the same error, one page a call as well as all in one, and
 * /proc/self/pagemap has to agree. References and pins have to change by the rules
 * of kunit/gup_rig.h and be as before when released. Who goes first is part of the
 * program, so what a function leaves undone is seen by the next one.
 *
 * What is not the same by design, and judged by its own rule:
 * - get_user_pages_fast_only() stops, without an error, where the page table does
 *   not allow the access, and at the zero page: see fast_only_wanted();
 * - pins of memory that is shared after fork() unshare, references do not: a check
 *   has either pins or references, never both, and so has LONGTERM;
 * - get_user_pages(NULL) and fixup_user_fault() give no pages: result only;
 * - memory that may be written but not read is no part of any program: page
 *   tables of x86 cannot say it, so GUP-fast reads where the others refuse.
 *
 * A program that shows a difference is shortened and printed with the command that
 * runs it again.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "kselftest.h"
#include "vm_util.h"
#include "hugepage_settings.h"
#include "lib_gup.h"
#include "lib_memory.h"
#include "lib_options.h"
#include "lib_random.h"

/* Three page tables' worth, and always at the same place: programs name pages. */
#define ARENA		((char *)0x10000000000UL)
#define ARENA_PAGES	1536U
#define MAX_STEPS	48
#define MAX_CHILDREN	3

static struct {
	unsigned long ops;
	unsigned long seconds;
	unsigned long seed;
	unsigned long hang;
	char *theme;
	char *program;
} options = { .ops = 10000, .seed = 1, .hang = 60 };

enum { FUZZ_MEMFD, FUZZ_FILE, FUZZ_HUGETLB, FUZZ_NR_FILES };

struct step {
	unsigned int op;
	unsigned int first;
	unsigned int nr;
	unsigned int arg[3];
};

struct program {
	unsigned int nr;
	struct step steps[MAX_STEPS];
};

/* What a program says to the process that watches it. */
struct outcome {
	bool different;
	/* To run it again would not help. */
	bool final;
	unsigned int step;
	unsigned long ops;
	unsigned long checks;
	unsigned long got_pages;
	unsigned long calls;
	unsigned long pages;
	unsigned long repeated;
	unsigned long tried[32];
	unsigned long worked[32];
	char text[700];
};

/* Names for a number: what a step prints and parses. NULL ends them. */
struct op {
	const char *name;
	/* False: the step is about the process or a file, not about pages. */
	bool ranged;
	const char *const *words[3];
	/* Words of arguments without names: numbers below this. */
	unsigned int below[3];
	/* How often, by theme. */
	unsigned char weight[4];
	bool (*run)(const struct step *s);
};

enum { THEME_ANON, THEME_FILE, THEME_HUGE, THEME_MIXED };

static const char *const theme_names[] = { "anon", "file", "huge", "mixed" };

static const char *const map_words[] = {
	"anon", "anon-shared", "memfd", "memfd-private", "memfd-again", "file",
	"file-private", "hugetlb", "hugetlb-private", NULL
};

enum {
	MAP_ANON_PRIVATE, MAP_ANON_SHARED, MAP_MEMFD, MAP_MEMFD_PRIVATE,
	MAP_MEMFD_AGAIN, MAP_FILE_SHARED, MAP_FILE_PRIVATE, MAP_HUGE_SHARED,
	MAP_HUGE_PRIVATE
};

static const char *const prot_words[] = { "rw", "r", "none", NULL };
static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };

static const char *const advice_words[] = {
	"dontneed", "free", "hugepage", "nohugepage", "collapse", "pageout", "cold",
	"mergeable", "unmergeable", "guard", "unguard", "populate-read",
	"populate-write", "remove", "dontfork", "dofork", NULL
};

enum { ADVICE_HUGEPAGE = 2 };

static const int advices[] = {
	MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLLAPSE,
	MADV_PAGEOUT, MADV_COLD, MADV_MERGEABLE, MADV_UNMERGEABLE,
	MADV_GUARD_INSTALL, MADV_GUARD_REMOVE, MADV_POPULATE_READ,
	MADV_POPULATE_WRITE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK
};

static const char *const lock_words[] = { "lock", "onfault", "unlock", NULL };
static const char *const file_words[] = { "memfd", "file", NULL };
static const char *const wp_words[] = { "protect", "unprotect", NULL };

static const char *const class_words[] = {
	"get", "get,write", "get,force", "get,write,force", "get,nofault",
	"get,write,nofault", "pin", "pin,write", "pin,force", "pin,write,force",
	"pin,nofault", "pin,write,nofault", "longterm", "longterm,write",
	"longterm,force", "longterm,write,force", NULL
};

struct class {
	bool pins;
	__u64 flags;
};

#define W	GUP_RIG_FOLL_WRITE
#define F	GUP_RIG_FOLL_FORCE
#define N	GUP_RIG_FOLL_NOFAULT
#define L	GUP_RIG_FOLL_LONGTERM

/* In the order of the words. */
static const struct class classes[] = {
	{ false, 0 }, { false, W }, { false, F }, { false, W | F }, { false, N },
	{ false, W | N }, { true, 0 }, { true, W }, { true, F }, { true, W | F },
	{ true, N }, { true, W | N }, { true, L }, { true, L | W },
	{ true, L | F }, { true, L | W | F },
};

#undef W
#undef F
#undef N
#undef L

static const char *const first_words[] = {
	"slow", "fast", "unlocked", "remote", "remote-locked", "populate", "fault",
	"ranges", NULL
};

enum {
	FUZZ_SLOW, FUZZ_FAST, FUZZ_UNLOCKED, FUZZ_REMOTE, FUZZ_REMOTE_LOCKED,
	FUZZ_POPULATE, FUZZ_FAULT, FUZZ_RANGES, FUZZ_NR_CALLERS
};

/* Who takes part in a check: by what first_words says, for references and pins. */
struct caller {
	unsigned int get;
	unsigned int pin;
	__u64 run_flags;
};

static const struct caller callers[] = {
	[FUZZ_SLOW] = { GUP_RIG_API_GET, GUP_RIG_API_PIN },
	[FUZZ_FAST] = { GUP_RIG_API_GET_FAST, GUP_RIG_API_PIN_FAST },
	[FUZZ_UNLOCKED] = { GUP_RIG_API_GET_UNLOCKED, GUP_RIG_API_PIN_UNLOCKED },
	[FUZZ_REMOTE] = { GUP_RIG_API_GET_REMOTE, GUP_RIG_API_PIN_REMOTE },
	[FUZZ_REMOTE_LOCKED] = { GUP_RIG_API_GET_REMOTE, GUP_RIG_API_PIN_REMOTE,
				 GUP_RIG_RUN_LOCKED },
	[FUZZ_POPULATE] = { GUP_RIG_API_POPULATE },
	[FUZZ_FAULT] = { GUP_RIG_API_FAULT },
	[FUZZ_RANGES] = { 0, GUP_RIG_API_PIN_RANGES },
};

static int device;
static bool has_ranges;
static size_t page;
static struct outcome *outcome;
static unsigned long tracing;
static long splats;
static bool damaged;

/* Of the process that runs a program. */
static int files[FUZZ_NR_FILES];
static int uffd;
static int self_pidfd;
static struct {
	pid_t pid;
	int commands;
	int done;
} children[MAX_CHILDREN];
static unsigned int nr_children;

static char *arena(unsigned int n)
{
	return ARENA + n * page;
}

static struct gup_random random_state;

static unsigned int below(unsigned int n)
{
	return gup_below(&random_state, n);
}

/* Every arg[0]-th page of the range; the same few values, so that KSM can merge. */
static bool write_pages(const struct step *s)
{
	unsigned int i;
	bool all = true;

	for (i = 0; i < s->nr; i += s->arg[0] + 1)
		all &= gup_store((__u64 *)arena(s->first + i), s->arg[1]);
	return all;
}

static bool read_pages(const struct step *s)
{
	unsigned int i;
	__u64 value;
	bool all = true;

	for (i = 0; i < s->nr; i += s->arg[0] + 1)
		all &= gup_load((__u64 *)arena(s->first + i), &value);
	return all;
}

static bool map_pages(const struct step *s)
{
	static const struct {
		int flags;
		int file;
	} kinds[] = {
		[MAP_ANON_PRIVATE] = { MAP_PRIVATE | MAP_ANONYMOUS, -1 },
		[MAP_ANON_SHARED] = { MAP_SHARED | MAP_ANONYMOUS, -1 },
		[MAP_MEMFD] = { MAP_SHARED, FUZZ_MEMFD },
		[MAP_MEMFD_PRIVATE] = { MAP_PRIVATE, FUZZ_MEMFD },
		[MAP_MEMFD_AGAIN] = { MAP_SHARED, FUZZ_MEMFD },
		[MAP_FILE_SHARED] = { MAP_SHARED, FUZZ_FILE },
		[MAP_FILE_PRIVATE] = { MAP_PRIVATE, FUZZ_FILE },
		[MAP_HUGE_SHARED] = { MAP_SHARED, FUZZ_HUGETLB },
		[MAP_HUGE_PRIVATE] = { MAP_PRIVATE, FUZZ_HUGETLB },
	};
	int file = kinds[s->arg[0]].file;
	off_t offset = file < 0 || s->arg[0] == MAP_MEMFD_AGAIN ? 0 : s->first * page;

	return mmap(arena(s->first), s->nr * page, prots[s->arg[1]],
		    MAP_FIXED | kinds[s->arg[0]].flags, file < 0 ? -1 : files[file],
		    offset) != MAP_FAILED;
}

static bool unmap_pages(const struct step *s)
{
	return !munmap(arena(s->first), s->nr * page);
}

static bool protect_pages(const struct step *s)
{
	return !mprotect(arena(s->first), s->nr * page, prots[s->arg[0]]);
}

static bool any_mergeable;
static bool any_protected;

/*
 * MADV_GUARD_INSTALL does not end where userfaultfd has left its markers (seen on
 * shmem, 7.3.4): zapping keeps them, and it tries again. Nothing of GUP.
 */
static bool would_not_end(const struct step *s)
{
	return any_protected && advices[s->arg[0]] == MADV_GUARD_INSTALL;
}

static bool advise_pages(const struct step *s)
{
	if (would_not_end(s))
		return false;
	if (madvise(arena(s->first), s->nr * page, advices[s->arg[0]]))
		return false;
	any_mergeable |= advices[s->arg[0]] == MADV_MERGEABLE;
	return true;
}

static bool move_mapping(const struct step *s)
{
	unsigned int to = s->arg[0];

	if (to + s->nr > ARENA_PAGES)
		to = ARENA_PAGES - s->nr;
	return mremap(arena(s->first), s->nr * page, s->nr * page,
		      MREMAP_MAYMOVE | MREMAP_FIXED, arena(to)) != MAP_FAILED;
}

static bool lock_pages(const struct step *s)
{
	switch (s->arg[0]) {
	case 0:
		return !mlock(arena(s->first), s->nr * page);
	case 1:
		return !mlock2(arena(s->first), s->nr * page, MLOCK_ONFAULT);
	default:
		return !munlock(arena(s->first), s->nr * page);
	}
}

static bool cut_file(const struct step *s)
{
	return !ftruncate(files[s->arg[0]], s->arg[1] * page) &&
	       !ftruncate(files[s->arg[0]], ARENA_PAGES * page);
}

static bool shrink_file(const struct step *s)
{
	return !ftruncate(files[s->arg[0]], s->arg[1] * page);
}

static bool punch_file(const struct step *s)
{
	return !fallocate(files[s->arg[0]], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  s->first * page, s->nr * page);
}

static bool write_protect(const struct step *s)
{
	size_t len = s->nr * page;

	if (uffd < 0 || uffd_register(uffd, arena(s->first), len, false, true, false))
		return false;
	any_protected = true;
	return gup_uffd_protect(uffd, arena(s->first), len, !s->arg[0]);
}

static bool move_to_node(const struct step *s)
{
	static void *pages[ARENA_PAGES];
	static int nodes[ARENA_PAGES], status[ARENA_PAGES];
	unsigned int i;
	bool any = false;

	for (i = 0; i < s->nr; i++) {
		pages[i] = arena(s->first + i);
		nodes[i] = s->arg[0];
	}
	if (syscall(__NR_move_pages, 0, (unsigned long)s->nr, pages, nodes, status,
		    MPOL_MF_MOVE) < 0)
		return false;
	for (i = 0; i < s->nr; i++)
		any |= status[i] == (int)s->arg[0];
	return any;
}

/* Pages merge when two scans have seen them unchanged. */
static bool merge_pages(const struct step *s)
{
	long until = ksm_get_full_scans() + 3;
	int patience = 300;

	/* The kernel does not scan, and not count, when there is nothing to scan. */
	if (!any_mergeable || !gup_write_knob("/sys/kernel/mm/ksm/run", "1"))
		return false;
	while (ksm_get_full_scans() < until && patience--)
		usleep(1000);
	return gup_write_knob("/sys/kernel/mm/ksm/run", "0") && patience > 0;
}

static bool split_pages(const struct step *s)
{
	char text[128];

	/* The kernel warns if anonymous memory is to be split to order 1. */
	if (s->arg[0] == 1)
		return false;
	snprintf(text, sizeof(text), "%d,0x%lx,0x%lx,%u", getpid(),
		 (unsigned long)arena(s->first), (unsigned long)arena(s->first + s->nr),
		 s->arg[0]);
	return gup_write_knob("/sys/kernel/debug/split_huge_pages", text);
}

/* The child does what it is told, until there is nobody to tell. */
static void obey(int commands, int done)
{
	struct step s;
	char answer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(commands, &s, sizeof(s)) == sizeof(s)) {
		answer = write_pages(&s);
		if (write(done, &answer, 1) != 1)
			break;
	}
	_exit(0);
}

static bool fork_child(const struct step *s)
{
	int commands[2], done[2];
	pid_t pid;

	if (nr_children == MAX_CHILDREN)
		return false;
	if (pipe2(commands, O_CLOEXEC))
		return false;
	if (pipe2(done, O_CLOEXEC))
		goto close_commands;
	pid = fork();
	if (!pid) {
		close(commands[1]);
		obey(commands[0], done[1]);
	}
	close(commands[0]);
	close(done[1]);
	if (pid < 0) {
		close(done[0]);
		close(commands[1]);
		return false;
	}
	children[nr_children].pid = pid;
	children[nr_children].commands = commands[1];
	children[nr_children].done = done[0];
	nr_children++;
	return true;

close_commands:
	close(commands[0]);
	close(commands[1]);
	return false;
}

/* The one that was forked first: the younger ones still share with the parent. */
static bool end_child(const struct step *s)
{
	if (!nr_children)
		return false;
	kill(children[0].pid, SIGKILL);
	waitpid(children[0].pid, NULL, 0);
	close(children[0].commands);
	close(children[0].done);
	nr_children--;
	memmove(children, children + 1, nr_children * sizeof(children[0]));
	return true;
}

static bool child_writes(const struct step *s)
{
	char answer;

	if (!nr_children)
		return false;
	return write(children[nr_children - 1].commands, s, sizeof(*s)) == sizeof(*s) &&
	       read(children[nr_children - 1].done, &answer, 1) == 1 && answer;
}

/* Who may write has to be allowed to by the page table, but for FORCE. */
static bool expect_writable(const struct gup_call *c)
{
	unsigned int i;

	if ((c->run.gup_flags & (GUP_RIG_FOLL_WRITE | GUP_RIG_FOLL_FORCE)) !=
	    GUP_RIG_FOLL_WRITE)
		return true;
	for (i = 0; i < c->run.records_done; i++)
		if (!(c->records[i].flags & GUP_RIG_REC_LEAF_WRITE))
			return gup_fails("%s: entry %u is mapped read-only",
					 gup_call_name(c->run.api, c->run.gup_flags), i);
	return true;
}

static bool expect_counts(const struct gup_call *c)
{
	return expect_writable(c) && gup_expect_counts(c) &&
	       gup_expect_restored(c) && gup_expect_no_strangers(c);
}

static bool gives_pages(unsigned int api)
{
	return api != GUP_RIG_API_POPULATE && api != GUP_RIG_API_FAULT;
}

static unsigned int caller_api(const struct step *s, unsigned int caller)
{
	return classes[s->arg[0]].pins ? callers[caller].pin : callers[caller].get;
}

/* Whether this function can do what the step asks for. */
static bool can_call(const struct step *s, unsigned int caller)
{
	unsigned int api = caller_api(s, caller);

	if (!api || (api == GUP_RIG_API_PIN_RANGES && !has_ranges))
		return false;
	return api != GUP_RIG_API_FAULT ||
	       !(classes[s->arg[0]].flags & ~GUP_RIG_FOLL_WRITE);
}

static bool call(struct gup_call *c, const struct step *s, unsigned int caller,
		 unsigned int per_call)
{
	unsigned int api = caller_api(s, caller);

	if (gives_pages(api)) {
		if (!gup_call_init(c, device, api, classes[s->arg[0]].flags,
				   arena(s->first), s->nr))
			return false;
	} else {
		gup_call_init_bare(c, device, api, classes[s->arg[0]].flags,
				   arena(s->first), s->nr);
	}
	c->run.flags = callers[caller].run_flags | GUP_RIG_RUN_CONTINUE;
	c->run.pages_per_call = api == GUP_RIG_API_FAULT ? 0 : per_call;
	if (caller == FUZZ_REMOTE || caller == FUZZ_REMOTE_LOCKED)
		c->run.fd = self_pidfd;
	outcome->calls++;
	outcome->pages += s->nr;
	return gup_run(c);
}

static const char *call_text(const struct gup_call *c)
{
	static char text[300];

	snprintf(text, sizeof(text), "%s, %llu a call%s",
		 gup_call_name(c->run.api, c->run.gup_flags),
		 c->run.pages_per_call ?: c->run.nr_pages,
		 c->run.flags & GUP_RIG_RUN_LOCKED ? ", locked" : "");
	return text;
}

/* All that the second function is not free to do differently. */
static bool expect_agreement(const struct gup_call *a, const struct gup_call *b)
{
	char first[300];

	if (a->run.pages_done != b->run.pages_done || a->run.error != b->run.error) {
		snprintf(first, sizeof(first), "%s", call_text(a));
		return gup_fails("%s: %llu pages, error %d; then %s: %llu pages, error %d",
				 first, a->run.pages_done, a->run.error, call_text(b),
				 b->run.pages_done, b->run.error);
	}
	if (!gives_pages(a->run.api) || !gives_pages(b->run.api))
		return true;
	return gup_expect_same(a, b);
}

/*
 * A file system may write back at any time, and the kernel holds references while
 * it does. What GUP gets wrong, it gets wrong again.
 */
#define ATTEMPTS	4

static bool settled_call(struct gup_call *c, const struct step *s,
			 const struct gup_call *first, unsigned int caller,
			 unsigned int per_call)
{
	unsigned int i;

	for (i = 0; i < ATTEMPTS; i++) {
		gup_call_free(c);
		if (!call(c, s, caller, per_call))
			return false;
		if (!gup_expect_numbers(c) || !expect_agreement(first, c))
			return false;
		if (!gives_pages(c->run.api))
			return true;
		if (!gup_expect_folios(c) || !gup_expect_mapped(c, arena(s->first)))
			return false;
		if (expect_counts(c))
			return true;
		outcome->repeated++;
		usleep(1000 << (2 * i));
	}
	return false;
}

/* Of the mapping at this address, PROCMAP_QUERY_VMA_*. */
static __u64 mapping_flags(const char *mem)
{
	struct procmap_fd map;
	__u64 flags = 0;

	if (open_self_procmap(&map))
		return 0;
	if (find_vma_procmap(&map, (void *)mem))
		flags = map.query.vma_flags;
	close_procmap(&map);
	return flags;
}

/*
 * How far the page tables allow the access as they are, given what a function told
 * that does more. The zero page is special, GUP-fast leaves it to the others.
 */
static unsigned int fast_only_wanted(const struct gup_call *slow, const struct step *s)
{
	__u64 flags = classes[s->arg[0]].flags;
	unsigned int i;

	for (i = 0; i < slow->run.records_done; i++) {
		const struct gup_rig_record *rec = &slow->records[i];

		if (!(rec->flags & GUP_RIG_REC_MAPPED) ||
		    (rec->flags & GUP_RIG_REC_ZERO))
			break;
		if ((flags & GUP_RIG_FOLL_WRITE) &&
		    !(rec->flags & GUP_RIG_REC_LEAF_WRITE))
			break;
		if ((flags & GUP_RIG_FOLL_FORCE) &&
		    !(mapping_flags(arena(s->first + i)) & PROCMAP_QUERY_VMA_READABLE))
			break;
	}
	return i;
}

static bool expect_fast_only(const struct gup_call *fast, const struct gup_call *slow,
			     const struct step *s)
{
	unsigned int i, want = fast_only_wanted(slow, s);

	if (fast->run.error || fast->run.pages_done != want)
		return gup_fails("%s: wanted %u pages, got %llu, error %d",
				 call_text(fast), want, fast->run.pages_done,
				 fast->run.error);
	for (i = 0; i < want; i++)
		if (fast->records[i].pfn != slow->records[i].pfn)
			return gup_fails("%s: page %u: pfn %#llx, not %#llx",
					 call_text(fast), s->first + i,
					 fast->records[i].pfn, slow->records[i].pfn);
	return true;
}

static bool fast_only_once(const struct step *s, unsigned int per_call)
{
	struct gup_call slow = {}, fast = {};
	bool good;

	good = call(&slow, s, FUZZ_SLOW, 0) &&
	       gup_call_init(&fast, device, GUP_RIG_API_GET_FAST_ONLY,
			     classes[s->arg[0]].flags, arena(s->first), s->nr);
	fast.run.flags = GUP_RIG_RUN_CONTINUE;
	/* Interrupts are off meanwhile: that is what it is for. */
	if (per_call)
		fast.run.flags |= GUP_RIG_RUN_IRQS_OFF;
	fast.run.pages_per_call = per_call;
	outcome->calls++;
	good = good && gup_run(&fast) && gup_expect_folios(&fast) &&
	       expect_fast_only(&fast, &slow, s) && expect_counts(&fast);
	gup_call_free(&slow);
	gup_call_free(&fast);
	return good;
}

/* Writeback takes the right to write away behind our back. */
static bool check_fast_only(const struct step *s, unsigned int per_call)
{
	unsigned int i;

	for (i = 0; i < ATTEMPTS; i++) {
		if (fast_only_once(s, per_call))
			return true;
		outcome->repeated++;
		usleep(1000 << (2 * i));
	}
	return false;
}

/*
 * Who holds a pin sees what the process writes, and the process what comes through
 * the pin. Not so for short-term pins to read that are of a page cache: a private
 * mapping may have the page replaced.
 */
static bool check_data(const struct step *s, unsigned int caller, unsigned int which)
{
	static const unsigned int puts[] = {
		GUP_RIG_PUT_DEFAULT, GUP_RIG_PUT_ONE, GUP_RIG_PUT_RANGE,
		GUP_RIG_PUT_DIRTY, GUP_RIG_PUT_RANGE_DIRTY,
	};
	__u64 flags = classes[s->arg[0]].flags;
	bool writes = flags & GUP_RIG_FOLL_WRITE;
	__u64 *mem = (__u64 *)arena(s->first + which) + 1;
	__u64 token = 0x600d0000 + which, seen;
	struct gup_call c;
	bool good = true, own;

	if (!gup_call_init(&c, device, caller_api(s, caller), flags, arena(s->first),
			   s->nr))
		return false;
	c.run.flags = callers[caller].run_flags | GUP_RIG_RUN_HOLD;
	if (caller == FUZZ_REMOTE || caller == FUZZ_REMOTE_LOCKED)
		c.run.fd = self_pidfd;
	if (!gup_run(&c)) {
		gup_call_free(&c);
		return false;
	}
	if (!c.run.handle)
		goto out;
	own = (c.records[which].flags & GUP_RIG_REC_ANON) ||
	      (flags & GUP_RIG_FOLL_LONGTERM) || writes;
	if (writes) {
		good = gup_hold_write(&c, which, 8, &token, sizeof(token));
		if (good && gup_load(mem, &seen) && seen != token)
			good = gup_fails("%s: page %u: wrote %#llx by the pin, process sees %#llx",
					 call_text(&c), s->first + which, token, seen);
	}
	if (good && own && gup_store(mem, token + 1)) {
		good = gup_hold_read(&c, which, 8, &seen, sizeof(seen));
		if (good && seen != token + 1)
			good = gup_fails("%s: page %u: the process wrote %#llx, the pin sees %#llx",
					 call_text(&c), s->first + which, token + 1, seen);
	}
	/* The same contents again, for KSM. */
	gup_store(mem, 0);
	if (!gup_release(&c, puts[which % (writes ? 5 : 3)]))
		good = false;
out:
	gup_call_free(&c);
	return good;
}

static bool check_pages(const struct step *s)
{
	struct gup_call first = {}, next = {};
	unsigned int caller;
	bool good;

	outcome->checks++;
	good = call(&first, s, s->arg[1], s->arg[2]) && gup_expect_numbers(&first);
	outcome->got_pages += good && first.run.pages_done;
	if (good && gives_pages(first.run.api))
		good = gup_expect_folios(&first) &&
		       gup_expect_mapped(&first, arena(s->first));
	for (caller = 0; good && caller < FUZZ_NR_CALLERS; caller++) {
		if (!can_call(s, caller))
			continue;
		good = settled_call(&next, s, &first, caller, 0) &&
		       settled_call(&next, s, &first, caller, 1);
	}
	gup_call_free(&next);
	gup_call_free(&first);
	if (!good)
		return false;
	if (!classes[s->arg[0]].pins)
		return check_fast_only(s, 0) && check_fast_only(s, 1 + s->arg[2]);
	return check_data(s, s->arg[1], s->nr / 2);
}

static void set_thp_size(const char *kind, unsigned int order, bool on)
{
	char path[128];

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/transparent_hugepage/hugepages-%zukB/%s",
		 (page << order) / 1024, kind);
	gup_write_knob(path, on ? "inherit" : "never");
}

/* One size only, so that folios come side by side. 0 and 1: all sizes. */
static bool choose_thp_size(const struct step *s)
{
	unsigned int order;

	if (!thp_available())
		return false;
	for (order = 1; order < NR_ORDERS; order++) {
		bool on = s->arg[0] < 2 || order == s->arg[0];

		if (thp_supported_orders() & (1UL << order))
			set_thp_size("enabled", order, on);
		if (thp_shmem_supported_orders() & (1UL << order))
			set_thp_size("shmem_enabled", order, on);
	}
	return true;
}

/* Clean pages of files go, and come back from the disk. */
static bool drop_clean_pages(const struct step *s)
{
	return gup_write_knob("/proc/sys/vm/drop_caches", "1");
}

/* Those that the generator knows by name: see ops. */
enum {
	OP_MAP, OP_PROTECT = 2, OP_WRITE, OP_ADVISE = 5, OP_FORK = 15, OP_EXIT,
	OP_THP_SIZE = 19, OP_CHECK
};

static const struct op ops[] = {
	[OP_MAP] = { "map", true, { map_words, prot_words }, {}, { 8, 8, 8, 8 }, map_pages },
	{ "unmap", true, {}, {}, { 2, 2, 2, 2 }, unmap_pages },
	[OP_PROTECT] = { "protect", true, { prot_words }, {}, { 4, 4, 4, 4 }, protect_pages },
	[OP_WRITE] = { "write", true, {}, { 8, 4 }, { 9, 9, 9, 9 }, write_pages },
	{ "read", true, {}, { 8 }, { 4, 4, 4, 4 }, read_pages },
	[OP_ADVISE] = { "advise", true, { advice_words }, {}, { 9, 7, 12, 9 }, advise_pages },
	{ "remap", true, {}, { ARENA_PAGES }, { 2, 2, 2, 2 }, move_mapping },
	{ "lock", true, { lock_words }, {}, { 2, 1, 1, 2 }, lock_pages },
	{ "cut", false, { file_words }, { 0, ARENA_PAGES }, { 0, 3, 1, 1 }, cut_file },
	{ "shrink", false, { file_words }, { 0, ARENA_PAGES }, { 0, 2, 1, 1 }, shrink_file },
	{ "punch", true, { file_words }, {}, { 0, 3, 1, 1 }, punch_file },
	{ "uffd", true, { wp_words }, {}, { 2, 2, 2, 2 }, write_protect },
	{ "node", true, {}, { 2 }, { 2, 2, 2, 2 }, move_to_node },
	{ "ksm", false, {}, {}, { 2, 0, 0, 1 }, merge_pages },
	{ "split", true, {}, { 9 }, { 0, 1, 4, 2 }, split_pages },
	[OP_FORK] = { "fork", false, {}, {}, { 5, 2, 6, 4 }, fork_child },
	[OP_EXIT] = { "exit", false, {}, {}, { 3, 1, 4, 2 }, end_child },
	{ "child-write", true, {}, { 8, 4 }, { 3, 1, 2, 2 }, child_writes },
	{ "drop", false, {}, {}, { 0, 1, 0, 1 }, drop_clean_pages },
	[OP_THP_SIZE] = { "thp-size", false, {}, { 10 }, { 1, 0, 3, 1 }, choose_thp_size },
	[OP_CHECK] = { "check", true, { class_words, first_words }, { 0, 0, 9 },
		       { 30, 30, 30, 30 }, check_pages },
};

static unsigned int nr_words(const char *const *words)
{
	unsigned int n = 0;

	while (words[n])
		n++;
	return n;
}

static bool has_arg(const struct op *op, unsigned int i)
{
	return op->words[i] || op->below[i];
}

static void print_step(char *text, size_t size, const struct step *s)
{
	const struct op *op = &ops[s->op];
	size_t len;
	int i;

	len = snprintf(text, size, "%s", op->name);
	if (op->ranged)
		len += snprintf(text + len, size - len, " %u %u", s->first, s->nr);
	for (i = 0; i < 3 && has_arg(op, i); i++) {
		if (op->words[i])
			len += snprintf(text + len, size - len, " %s",
					op->words[i][s->arg[i]]);
		else
			len += snprintf(text + len, size - len, " %u", s->arg[i]);
	}
}

static void print_program(const struct program *p, const char *between)
{
	char text[128];
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		print_step(text, sizeof(text), &p->steps[i]);
		printf("%s%s", i ? between : "", text);
	}
}

static bool parse_number(const char *word, unsigned int limit, unsigned int *number)
{
	char *end;
	unsigned long value;

	if (!word || !isdigit((unsigned char)*word))
		return false;
	value = strtoul(word, &end, 10);
	*number = value;
	return !*end && value < limit;
}

static bool parse_word(const char *word, const char *const *words, unsigned int *number)
{
	unsigned int i;

	for (i = 0; word && words[i]; i++) {
		*number = i;
		if (!strcmp(word, words[i]))
			return true;
	}
	return false;
}

static bool step_is_valid(const struct step *s)
{
	if (ops[s->op].ranged && (!s->nr || s->first + s->nr > ARENA_PAGES))
		return false;
	return s->op != OP_CHECK || can_call(s, s->arg[1]);
}

static bool parse_step(char *text, struct step *s)
{
	char *rest = text, *word = strtok_r(rest, " ", &rest);
	const struct op *op;
	unsigned int i;

	*s = (struct step) {};
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (word && !strcmp(word, ops[i].name))
			break;
	if (i == ARRAY_SIZE(ops))
		return false;
	s->op = i;
	op = &ops[i];
	if (op->ranged &&
	    (!parse_number(strtok_r(rest, " ", &rest), ARENA_PAGES, &s->first) ||
	     !parse_number(strtok_r(rest, " ", &rest), ARENA_PAGES + 1, &s->nr)))
		return false;
	for (i = 0; i < 3 && has_arg(op, i); i++) {
		word = strtok_r(rest, " ", &rest);
		if (op->words[i] ? !parse_word(word, op->words[i], &s->arg[i]) :
				   !parse_number(word, op->below[i], &s->arg[i]))
			return false;
	}
	return !strtok_r(rest, " ", &rest) && step_is_valid(s);
}

/* For lists of commands that cannot quote, + is a blank. */
static bool parse_program(char *text, struct program *p)
{
	char *rest = text, *one, *again;

	for (one = text; *one; one++)
		if (*one == '+')
			*one = ' ';
	p->nr = 0;
	while ((one = strtok_r(rest, ";", &rest))) {
		again = strdup(one);
		if (p->nr == MAX_STEPS || !parse_step(one, &p->steps[p->nr])) {
			fprintf(stderr, "gup_fuzz: --program: step %u is wrong or too much: %s\n",
				p->nr + 1, again);
			free(again);
			return false;
		}
		free(again);
		p->nr++;
	}
	return p->nr;
}

/* Most are short; what crosses page tables and huge pages is long. */
static unsigned int random_length(void)
{
	switch (below(16)) {
	case 0:
		return 500 + below(ARENA_PAGES - 500);
	case 1 ... 2:
		return 65 + below(500);
	case 3 ... 6:
		return 9 + below(56);
	default:
		return 1 + below(8);
	}
}

/* Near a few places; often at the borders of page tables. */
static void random_range(struct step *s, unsigned int longer)
{
	static const unsigned int places[] = { 0, 16, 500, 508, 512, 640, 1020, 1024 };

	s->nr = random_length() * longer;
	if (s->nr > ARENA_PAGES)
		s->nr = ARENA_PAGES;
	s->first = places[below(ARRAY_SIZE(places))] + below(12) * below(2);
	if (s->first + s->nr > ARENA_PAGES)
		s->first = ARENA_PAGES - s->nr;
}

/* In what another step has mapped, so that the steps of a program meet. */
static void range_within(struct step *s, const struct step *home)
{
	s->nr = random_length();
	if (s->nr > home->nr)
		s->nr = home->nr;
	s->first = home->first + below(home->nr - s->nr + 1);
}

/* Huge pages only come where there is room for them. */
static void widen(struct step *s)
{
	unsigned int end = (s->first + s->nr + 511) / 512 * 512;

	s->first = s->first / 512 * 512;
	s->nr = end - s->first;
}

static bool wants_room(const struct step *s)
{
	return s->op == OP_MAP && s->arg[0] >= MAP_HUGE_SHARED;
}

static unsigned int random_op(unsigned int theme)
{
	unsigned int i, sum = 0, at;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		sum += ops[i].weight[theme];
	at = below(sum);
	for (i = 0; at >= ops[i].weight[theme]; i++)
		at -= ops[i].weight[theme];
	return i;
}

static unsigned int random_kind(unsigned int theme)
{
	switch (theme) {
	case THEME_ANON:
		return MAP_ANON_PRIVATE;
	case THEME_FILE:
		return MAP_ANON_SHARED + below(MAP_FILE_PRIVATE);
	case THEME_HUGE:
		return below(2) ? below(2) : MAP_MEMFD + below(MAP_HUGE_PRIVATE - 1);
	default:
		return below(MAP_HUGE_PRIVATE + 1);
	}
}

static void random_args(struct step *s, unsigned int theme)
{
	const struct op *op = &ops[s->op];
	unsigned int i;

	for (i = 0; i < 3 && has_arg(op, i); i++)
		s->arg[i] = below(op->words[i] ? nr_words(op->words[i]) : op->below[i]);
	if (s->op == OP_MAP) {
		s->arg[0] = random_kind(theme);
		/* What cannot be accessed makes for dull programs. */
		if (below(4))
			s->arg[1] = 0;
	}
	if (s->op == OP_ADVISE && theme == THEME_HUGE && !below(3))
		s->arg[0] = ADVICE_HUGEPAGE;
	/* Most of what can go wrong is in GUP-fast. */
	if (s->op == OP_CHECK && !below(3))
		s->arg[1] = FUZZ_FAST;
}

/* @home: the mapping that most steps are about, NULL if there is none yet. */
static void random_step(struct step *s, unsigned int op, unsigned int theme,
			const struct step *home)
{
	do {
		*s = (struct step) { .op = op };
		random_args(s, theme);
		if (!ops[op].ranged)
			continue;
		if (home && below(4))
			range_within(s, home);
		else
			random_range(s, op == OP_MAP ? 4 : 1);
		if (wants_room(s) || (theme == THEME_HUGE && op != OP_CHECK && !below(4)))
			widen(s);
	} while (!step_is_valid(s));
}

/* Written by one process only again, in part: so pages of a folio differ. */
static unsigned int share_in_part(struct program *p, unsigned int at,
				  const struct step *home)
{
	p->steps[at++] = (struct step) { .op = OP_FORK };
	if (below(2))
		p->steps[at++] = (struct step) { .op = OP_EXIT };
	random_step(&p->steps[at++], OP_WRITE, THEME_HUGE, home);
	if (below(2))
		return at;
	/* Only FORCE may write then, page by page. */
	p->steps[at] = *home;
	p->steps[at].op = OP_PROTECT;
	p->steps[at++].arg[0] = 1;
	return at;
}

/* Memory in large folios, of which those of one size may come side by side. */
static unsigned int start_huge(struct program *p)
{
	const struct step *home = &p->steps[1];

	p->steps[0] = (struct step) { .op = OP_THP_SIZE, .arg = { below(10) } };
	random_step(&p->steps[1], OP_MAP, THEME_HUGE, NULL);
	p->steps[2] = *home;
	p->steps[2].op = OP_ADVISE;
	p->steps[2].arg[0] = ADVICE_HUGEPAGE;
	p->steps[3] = *home;
	p->steps[3].op = OP_WRITE;
	p->steps[3].arg[0] = below(2);
	p->steps[3].arg[1] = 1;
	return below(2) ? 4 : share_in_part(p, 4, home);
}

static void random_program(struct program *p, __u64 seed, unsigned int theme)
{
	unsigned int i, first = 0, home = 0, maps;

	gup_seed(&random_state, seed, 0x1234567);
	p->nr = 8 + below(MAX_STEPS - 8);
	maps = 1 + below(3);
	if (theme == THEME_HUGE && below(4)) {
		first = start_huge(p);
		home = 1;
		maps = first;
	}
	for (i = first; i < p->nr; i++)
		random_step(&p->steps[i], i < maps ? OP_MAP : random_op(theme), theme,
			    i > home ? &p->steps[home] : NULL);
}

static int open_file(void)
{
	char path[] = "/tmp/gup_fuzz-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return fd;
}

/* Nothing but the arena differs from one run of a program to the next. */
static bool prepare(void)
{
	unsigned int i;
	void *mem;

	files[FUZZ_MEMFD] = memfd_create("gup_fuzz", MFD_CLOEXEC);
	files[FUZZ_FILE] = open_file();
	files[FUZZ_HUGETLB] = memfd_create("gup_fuzz", MFD_CLOEXEC | MFD_HUGETLB);
	uffd = gup_uffd_open(O_CLOEXEC | UFFD_USER_MODE_ONLY,
			     UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED |
			     UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	self_pidfd = syscall(__NR_pidfd_open, getpid(), 0);
	for (i = 0; i < FUZZ_NR_FILES; i++)
		if (files[i] >= 0 && ftruncate(files[i], ARENA_PAGES * page))
			return gup_fails("file %u: %s", i, strerror(errno));
	if (files[FUZZ_MEMFD] < 0 || files[FUZZ_FILE] < 0 || self_pidfd < 0)
		return gup_fails("memfd, a file in /tmp, a pidfd: not all can be had");
	mem = mmap(ARENA, ARENA_PAGES * page, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (mem != ARENA)
		return gup_fails("the arena at %p is not free", ARENA);
	return !munmap(ARENA, ARENA_PAGES * page);
}

static bool sizes_are_chosen(const struct program *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		if (p->steps[i].op == OP_THP_SIZE)
			return true;
	return false;
}

/* What a program changed for all of the system is as before for the next one. */
static void restore_system(const struct program *p)
{
	const struct step all_sizes = { .op = OP_THP_SIZE };

	if (sizes_are_chosen(p))
		choose_thp_size(&all_sizes);
}

static void run_steps(const struct program *p)
{
	unsigned int i;
	bool good;

	for (i = 0; i < p->nr; i++) {
		outcome->step = i;
		good = ops[p->steps[i].op].run(&p->steps[i]);
		outcome->ops++;
		outcome->tried[p->steps[i].op]++;
		outcome->worked[p->steps[i].op] += good;
		if (!good && p->steps[i].op == OP_CHECK) {
			outcome->different = true;
			snprintf(outcome->text, sizeof(outcome->text), "%s", gup_why());
			return;
		}
	}
}

/* Pins must be gone when the process is. */
static bool nothing_is_left(long before)
{
	long after = gup_pins_out();

	if (after == before)
		return true;
	outcome->different = true;
	snprintf(outcome->text, sizeof(outcome->text),
		 "nr_foll_pin_acquired - _released: %ld, and %ld before the program",
		 after, before);
	return false;
}

/* In the child, which must not put back settings. */
static void give_up(void)
{
	ksft_print_msg("%s\n", gup_why());
	fflush(stdout);
	_exit(KSFT_FAIL);
}

/* The log says more. Nothing can be believed from here on. */
static bool kernel_is_damaged(void)
{
	if (gup_splats() == splats)
		return false;
	if (!outcome->different)
		snprintf(outcome->text, sizeof(outcome->text), "no difference");
	outcome->different = true;
	outcome->final = true;
	damaged = true;
	return true;
}

/* Returns true if all agreed. Each program has a process, and so memory, of its own. */
static bool run_program(const struct program *p)
{
	long before = gup_pins_out();
	int status;
	pid_t pid;

	outcome->different = false;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		gup_catch_refusals();
		if (prepare())
			run_steps(p);
		else
			give_up();
		while (end_child(NULL))
			;
		_exit(0);
	}
	if (pid < 0)
		ksft_exit_fail_perror("fork");
	outcome->final = !gup_wait(pid, options.hang, &status);
	kill(-pid, SIGKILL);
	restore_system(p);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		ksft_exit_fail_msg("cannot run programs\n");
	if (WIFSIGNALED(status)) {
		outcome->different = true;
		snprintf(outcome->text, sizeof(outcome->text), "%s",
			 outcome->final ? "hangs" : strsignal(WTERMSIG(status)));
	}
	if (kernel_is_damaged())
		return false;
	if (outcome->different)
		return false;
	return nothing_is_left(before);
}

static bool still_different(const struct program *p)
{
	return p->nr && !run_program(p);
}

static bool try_without(struct program *p, unsigned int from, unsigned int nr)
{
	struct program less = *p;

	memmove(less.steps + from, less.steps + from + nr,
		(less.nr - from - nr) * sizeof(less.steps[0]));
	less.nr -= nr;
	if (!still_different(&less))
		return false;
	*p = less;
	return true;
}

static bool delete_steps(struct program *p)
{
	unsigned int nr, from;
	bool any = false;

	for (nr = p->nr / 2; nr; nr /= 2) {
		from = 0;
		while (from + nr <= p->nr) {
			if (try_without(p, from, nr))
				any = true;
			else
				from += nr;
		}
	}
	return any;
}

static bool try_range(struct program *p, unsigned int i, unsigned int first,
		      unsigned int nr)
{
	struct program other = *p;

	other.steps[i].first = first;
	other.steps[i].nr = nr;
	if (!nr || !still_different(&other))
		return false;
	*p = other;
	return true;
}

static bool shorten_ranges(struct program *p)
{
	unsigned int i, cut;
	bool any = false;

	for (i = 0; i < p->nr; i++) {
		struct step *s = &p->steps[i];

		if (!ops[s->op].ranged)
			continue;
		for (cut = s->nr / 2; cut; cut /= 2) {
			while (s->nr > cut && try_range(p, i, s->first, s->nr - cut))
				any = true;
			while (s->nr > cut &&
			       try_range(p, i, s->first + cut, s->nr - cut))
				any = true;
		}
	}
	return any;
}

static void shrink(struct program *p)
{
	struct program whole = *p;

	/* Behind the step that showed it nothing matters, unless pins were left. */
	if (outcome->step + 1 < p->nr) {
		p->nr = outcome->step + 1;
		if (!still_different(p))
			*p = whole;
	}
	while (delete_steps(p) || shorten_ranges(p))
		;
}

static void report(struct program *p)
{
	unsigned long ops_before = outcome->ops;
	unsigned int steps = p->nr;
	char text[128];
	unsigned int i;

	ksft_print_msg("difference: step %u: %s\n", outcome->step + 1, outcome->text);
	if (outcome->final) {
		ksft_print_msg("not shortened: %s\n", damaged ?
			       "the kernel has complained, see its log" :
			       "it would take for ever");
	} else if (!still_different(p)) {
		ksft_print_msg("it did not come again; the program was:\n");
	} else {
		shrink(p);
		if (!still_different(p))
			ksft_print_msg("it does not come every time\n");
		ksft_print_msg("shortened from %u steps to %u: step %u: %s\n", steps,
			       p->nr, outcome->step + 1, outcome->text);
	}
	outcome->ops = ops_before;
	for (i = 0; i < p->nr; i++) {
		print_step(text, sizeof(text), &p->steps[i]);
		ksft_print_msg("%4u  %s\n", i + 1, text);
	}
	printf("# again: gup_fuzz --hang %lu --program '", options.hang);
	print_program(p, "; ");
	printf("'\n");
}

static void print_totals(void)
{
	unsigned int i;

	ksft_print_msg("%lu operations, %lu checks, %lu calls of GUP for %lu pages, %lu repeated\n",
		       outcome->ops, outcome->checks, outcome->calls, outcome->pages,
		       outcome->repeated);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (outcome->tried[i])
			ksft_print_msg("%-12s %6lu, %6lu done\n", ops[i].name,
				       outcome->tried[i], outcome->worked[i]);
}

/* @limit: steps; @seconds: after so long no program is begun, 0 for any time. */
static bool run_theme(unsigned int theme, __u64 seed, unsigned long limit, unsigned long seconds)
{
	unsigned long until = outcome->ops + limit, got_pages = outcome->got_pages;
	double end = gup_now() + seconds;
	struct program p;
	__u64 number;

	if (damaged) {
		ksft_print_msg("%s: not run on a damaged kernel\n", theme_names[theme]);
		return false;
	}
	for (number = 0; outcome->ops < until && (!seconds || gup_now() < end); number++) {
		random_program(&p, seed * 1000003 + number * 4 + theme, theme);
		if (tracing) {
			printf("# %llu: ", number);
			print_program(&p, "; ");
			printf("\n");
		}
		if (!run_program(&p)) {
			report(&p);
			return false;
		}
	}
	got_pages = outcome->got_pages - got_pages;
	ksft_print_msg("%s: %llu programs, %lu checks in which GUP gave pages\n",
		       theme_names[theme], (unsigned long long)number, got_pages);
	return got_pages;
}

/* What is set below: put back when we exit. */
static void keep_settings(void)
{
	gup_keep_knobs("/proc/sys/vm/compaction_proactiveness");
	gup_keep_knobs("/proc/sys/vm/dirty_writeback_centisecs");
	gup_keep_ksm();
}

static bool has_hugetlb(void)
{
	return hugetlb_available() && !access("/sys/kernel/mm/hugepages", F_OK);
}

/* Nobody but the program may change a page. */
static void quiet_kernel(void)
{
	struct thp_settings settings;
	unsigned int i;

	if (!gup_stay_on_one_cpu())
		ksft_print_msg("this will take long: %s\n", gup_why());
	keep_settings();
	hugepage_save_settings(thp_available(), has_hugetlb());
	if (thp_available()) {
		thp_read_settings(&settings);
		gup_thp_by_advice(&settings);
		settings.khugepaged.scan_sleep_millisecs = 24 * 3600 * 1000;
		for (i = 0; i < NR_ORDERS; i++) {
			if (thp_supported_orders() & (1UL << i))
				settings.hugepages[i].enabled = THP_INHERIT;
			if (thp_shmem_supported_orders() & (1UL << i))
				settings.shmem_hugepages[i].enabled = SHMEM_INHERIT;
		}
		thp_push_settings(&settings);
	}
	if (has_hugetlb())
		hugetlb_set_nr_default_pages(12);
	if (!has_hugetlb() || !hugetlb_free_default_pages())
		ksft_print_msg("no hugetlb pages: mappings of them are left out\n");
	/* Drop caches without saying so in the log. */
	gup_write_knob("/proc/sys/vm/drop_caches", "4");
	gup_stop_balancing();
	gup_write_knob("/proc/sys/vm/compaction_proactiveness", "0");
	gup_write_knob("/proc/sys/vm/dirty_writeback_centisecs", "0");
	gup_write_knob("/sys/kernel/mm/ksm/run", "0");
	gup_write_knob("/sys/kernel/mm/ksm/pages_to_scan", "5000");
	gup_write_knob("/sys/kernel/mm/ksm/sleep_millisecs", "0");
}

static const struct gup_option command_line[] = {
	{ "--ops", "N", "steps to run, over the themes anon, file, huge, mixed (default 10000)",
	  .number = &options.ops },
	{ "--seconds", "N", "a theme ends after so long (default 0: when its steps are run)",
	  .number = &options.seconds },
	{ "--seed", "N", "which programs (default 1; 0: by the clock)", .number = &options.seed },
	{ "--theme", "NAME", "only this one", .text = &options.theme },
	{ "--hang", "N", "a program that has a CPU for so many seconds hangs (default 60)",
	  .number = &options.hang },
	{ "--trace", "1", "print each program before it runs", .number = &tracing },
	{ "--program", "P", "this program, as a failure prints it; + for blanks is fine",
	  .text = &options.program },
	{ 0 }
};

static const struct gup_usage usage = { "gup_fuzz", NULL, command_line };

static bool theme_exists(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(theme_names); i++)
		if (!strcmp(name, theme_names[i]))
			return true;
	return false;
}

static void parse_options(int argc, char **argv)
{
	gup_parse_options(&usage, argc, argv);
	if (!options.ops)
		gup_bad_usage(&usage, "--ops", "0");
	if (!options.hang)
		gup_bad_usage(&usage, "--hang", "0");
	if (options.theme && !theme_exists(options.theme))
		gup_bad_usage(&usage, "--theme", options.theme);
	if (!options.seed)
		options.seed = time(NULL);
}

static void run_one_program(char *text)
{
	struct program p;

	if (!parse_program(text, &p))
		exit(KSFT_FAIL);
	ksft_set_plan(1);
	if (!run_program(&p)) {
		report(&p);
		ksft_test_result_fail("program\n");
	} else if (!outcome->checks) {
		ksft_test_result_fail("program has no check\n");
	} else {
		ksft_test_result_pass("program\n");
	}
}

static void run_themes(void)
{
	unsigned int i, nr = options.theme ? 1 : ARRAY_SIZE(theme_names);

	ksft_print_msg("again: gup_fuzz --ops %lu --seconds %lu --hang %lu --seed %lu%s%s\n",
		       options.ops, options.seconds, options.hang, options.seed,
		       options.theme ? " --theme " : "", options.theme ?: "");
	ksft_set_plan(nr);
	for (i = 0; i < ARRAY_SIZE(theme_names); i++) {
		if (options.theme && strcmp(options.theme, theme_names[i]))
			continue;
		if (i == THEME_HUGE && !thp_available())
			ksft_test_result_skip("%s: no transparent huge pages\n",
					      theme_names[i]);
		else if (i == THEME_HUGE && has_hugetlb() && !hugetlb_free_default_pages())
			ksft_test_result_skip("%s: no hugetlb pages\n", theme_names[i]);
		else
			ksft_test_result(run_theme(i, options.seed, (options.ops + nr - 1) / nr,
						   options.seconds),
					 "%s\n", theme_names[i]);
	}
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	atexit(gup_exit_skipped_if_all_were);
	page = psize();
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ksft_print_header();
	device = gup_open();
	if (device < 0)
		ksft_exit_skip("%s\n", gup_why());
	has_ranges = gup_has_api(device, GUP_RIG_API_PIN_RANGES);
	if (outcome == MAP_FAILED)
		ksft_exit_fail_perror("mmap");
	splats = gup_splats();
	quiet_kernel();
	if (options.program)
		run_one_program(options.program);
	else
		run_themes();
	print_totals();
	ksft_finished();
}
