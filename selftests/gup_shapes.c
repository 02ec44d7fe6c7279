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
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <linux/compiler.h>
#include <linux/magic.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include "lib_gup.h"
#include "lib_gup_harness.h"
#include "vm_util.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#endif

#define THP_SYSFS	"/sys/kernel/mm/transparent_hugepage/"
#define HUGETLB_SYSFS	"/sys/kernel/mm/hugepages/"
#define KSM_SYSFS	"/sys/kernel/mm/ksm/"

#define MB		1048576UL
#define SMALL		16	/* pages of a shape of small pages */
#define ANY_ORDER	(-1)

/* Contents of a page: one word at either end. */
#define WRITTEN		0x1111000000000000ULL	/* when the shape was made */
#define THROUGH_PIN	0x2222000000000000ULL
#define BY_PROCESS	0x3333000000000000ULL

/**
 * struct expect - what a kind of page is, and what GUP has to make of it
 * @outcomes: one letter for each kind of call, in this order (blanks are ignored):
 *	1 GET for reading, 2 PIN for reading, 3 for writing, 4 LONGTERM for reading,
 *	5 LONGTERM for writing; 6-10 the same with FORCE; 11 get_user_pages_fast_only()
 *	for reading, 12 for writing. The letters:
 *	S  the page that is there
 *	n  nothing was there, a fresh page of this kind is now
 *	c  not the page that is there, but a copy: anonymous
 *	a  nothing was there, an anonymous page is now
 *	z  the zero page
 *	E  -EFAULT
 *	0  no page, no error
 *	U  S for those that may drop mmap_lock and wait, E for others
 *	r  S for the first page of each folio, c for others: it can be taken over as
 *	   long as only page tables have references, and then GUP has one
 * @kind: GUP_RIG_REC_ANON, _KSM, _HUGETLB and _MLOCKED of S and n
 * @order: of the folios of S, n and z
 * @copy_order: of the folios of c and a
 * @shared: of S: some other process maps it, or might: not exclusive
 */
struct expect {
	const char *outcomes;
	__u64 kind;
	int order;
	int copy_order;
	bool shared;
};

/* Cannot: this kernel or machine does not have it. Broken: it should have worked. */
enum made { MADE, CANNOT, BROKEN };

/**
 * struct zoo - a shape that was made
 * @mem: first page of the range
 * @nr: pages of the range
 * @map: what to unmap, @map_len bytes
 * @prot: of @mem
 * @file: what is mapped, or -1; @mem is at @offset in it
 * @child: a process that shares the memory, or 0
 * @ask: pipe to the child, @answer: from it
 * @uffd: userfaultfd, or -1, that @server serves until @quit is closed
 * @words: expected contents of each page
 */
struct zoo {
	char *mem;
	unsigned long nr;
	char *map;
	size_t map_len;
	int prot;
	int file;
	off_t offset;
	pid_t child;
	int ask, answer;
	int uffd;
	int quit[2];
	bool served;
	pthread_t server;
	__u64 *words;
};

/**
 * struct shape - how to map something, and what GUP has to say about it
 * @make: maps it
 * @arg: for @make
 * @all: what to expect of the pages
 * @odd: of every other page, the first one being even; outcomes NULL: @all
 * @then: of the pages from number @from on; @from == 0: none
 * @shared_map: MAP_SHARED: what the process writes is seen by all
 * @final: the process cannot be given write access
 */
struct shape {
	enum made (*make)(struct zoo *z, unsigned long arg);
	unsigned long arg;
	struct expect all;
	struct expect odd;
	struct expect then;
	unsigned long from;
	bool shared_map;
	bool final;
};

static int gup_fd = -1;
static int self_pidfd = -1;
static long pins_at_rest;
/* Shared with the processes of the cases. */
static unsigned long *combinations;

static enum made cannot(const char *what)
{
	gup_fails("%s: %s", what, strerror(errno));
	return CANNOT;
}

static enum made broken(const char *what)
{
	gup_fails("making the shape: %s: %s", what, strerror(errno));
	return BROKEN;
}

static char *page(const struct zoo *z, unsigned long i)
{
	return z->mem + i * psize();
}

static __u64 *first_word(char *p)
{
	return (__u64 *)p;
}

static __u64 *last_word(char *p)
{
	return (__u64 *)(p + psize()) - 1;
}

static void put_words(char *p, __u64 word)
{
	WRITE_ONCE(*first_word(p), word);
	WRITE_ONCE(*last_word(p), ~word);
}

static bool has_words(char *p, __u64 word)
{
	__u64 other = word ? ~word : 0;

	return READ_ONCE(*first_word(p)) == word && READ_ONCE(*last_word(p)) == other;
}

/* The process writes its mark to pages [i, i + n). */
static void stamp(struct zoo *z, unsigned long i, unsigned long n)
{
	for (; n--; i++) {
		z->words[i] = WRITTEN + i;
		put_words(page(z, i), z->words[i]);
	}
}

static void touch(struct zoo *z, unsigned long i, unsigned long n)
{
	for (; n--; i++)
		FORCE_READ(*page(z, i));
}

/*
 * Mapping. The range is [@skip, @skip + @nr) pages of a mapping of @len bytes that
 * starts at a multiple of @align.
 */
static bool map_at(struct zoo *z, size_t len, size_t align, int flags, int file)
{
	char *room = mmap(NULL, len + align, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at;

	if (room == MAP_FAILED)
		return false;
	at = (char *)(((unsigned long)room + align - 1) & -align);
	munmap(room, at - room);
	munmap(at + len, room + align - at);
	at = mmap(at, len, z->prot, flags | MAP_FIXED, file, 0);
	if (at == MAP_FAILED)
		return false;
	z->map = at;
	z->map_len = len;
	return true;
}

static bool choose(struct zoo *z, unsigned long skip, unsigned long nr)
{
	z->mem = z->map + skip * psize();
	z->nr = nr;
	z->offset = skip * psize();
	z->words = calloc(nr, sizeof(*z->words));
	return z->words;
}

static bool map_small(struct zoo *z, int flags, int file)
{
	return map_at(z, SMALL * psize(), psize(), flags, file) && choose(z, 0, SMALL);
}

static bool map_anon(struct zoo *z)
{
	return map_small(z, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static enum made make_fresh(struct zoo *z, unsigned long arg)
{
	return map_anon(z) ? MADE : broken("mmap");
}

static enum made make_written(struct zoo *z, unsigned long arg)
{
	if (!map_anon(z))
		return broken("mmap");
	stamp(z, 0, z->nr);
	return MADE;
}

static enum made make_zero(struct zoo *z, unsigned long arg)
{
	if (!map_anon(z))
		return broken("mmap");
	touch(z, 0, z->nr);
	return MADE;
}

/* Written, zero page, written, ... */
static enum made make_mixed(struct zoo *z, unsigned long arg)
{
	unsigned long i;

	if (!map_anon(z))
		return broken("mmap");
	for (i = 0; i < z->nr; i++) {
		if (i & 1)
			touch(z, i, 1);
		else
			stamp(z, i, 1);
	}
	return MADE;
}

static enum made make_mlocked(struct zoo *z, unsigned long arg)
{
	enum made made = make_written(z, 0);

	if (made == MADE && mlock(z->mem, z->nr * psize()))
		return broken("mlock");
	return made;
}

/* Access as @arg says, after all was written. */
static enum made make_protected(struct zoo *z, unsigned long arg)
{
	enum made made = make_written(z, 0);

	if (made != MADE)
		return made;
	if (mprotect(z->mem, z->nr * psize(), arg))
		return broken("mprotect");
	z->prot = arg;
	return MADE;
}

/* From page @arg on for reading only: a VMA of its own. */
static enum made make_two_vmas(struct zoo *z, unsigned long arg)
{
	enum made made = make_written(z, 0);

	if (made == MADE && mprotect(page(z, arg), (z->nr - arg) * psize(), PROT_READ))
		return broken("mprotect");
	return made;
}

static enum made make_hole(struct zoo *z, unsigned long arg)
{
	enum made made = make_written(z, 0);

	if (made == MADE && munmap(page(z, arg), psize()))
		return broken("munmap");
	return made;
}

static enum made make_guard(struct zoo *z, unsigned long arg)
{
	enum made made = make_written(z, 0);

	if (made != MADE)
		return made;
	if (!madvise(page(z, arg), psize(), MADV_GUARD_INSTALL))
		return MADE;
	return errno == EINVAL ? cannot("MADV_GUARD_INSTALL") :
				 broken("MADV_GUARD_INSTALL");
}

/* Half of it on either side of a multiple of @arg bytes: of what a table covers. */
static enum made make_edge(struct zoo *z, unsigned long arg)
{
	if (!map_at(z, arg + SMALL / 2 * psize(), arg,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1) ||
	    !choose(z, arg / psize() - SMALL / 2, SMALL))
		return broken("mmap");
	stamp(z, 0, z->nr);
	return MADE;
}

/* Families. */

static bool words_are_mine(struct zoo *z)
{
	unsigned long i;

	for (i = 0; i < z->nr; i++)
		if (!has_words(page(z, i), z->words[i]))
			return false;
	return true;
}

static void be_child(struct zoo *z, int ask, int answer)
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(ask, &c, 1) == 1) {
		c = words_are_mine(z) ? 'y' : 'n';
		if (write(answer, &c, 1) != 1)
			break;
	}
	_exit(0);
}

static bool ask_child(struct zoo *z, char *c)
{
	*c = '?';
	return write(z->ask, c, 1) == 1 && read(z->answer, c, 1) == 1;
}

static bool fork_child(struct zoo *z)
{
	int ask[2], answer[2];
	char c;

	if (pipe(ask) || pipe(answer))
		return false;
	z->child = fork();
	if (!z->child) {
		close(ask[1]);
		close(answer[0]);
		be_child(z, ask[0], answer[1]);
	}
	close(ask[0]);
	close(answer[1]);
	z->ask = ask[1];
	z->answer = answer[0];
	/* When it answers it runs, and has done with what fork() does late. */
	return z->child > 0 && ask_child(z, &c) && c == 'y';
}

static void end_child(struct zoo *z)
{
	if (z->child <= 0)
		return;
	close(z->ask);
	close(z->answer);
	waitpid(z->child, NULL, 0);
	z->child = 0;
}

static enum made make_forked(struct zoo *z, unsigned long arg)
{
	enum made made = make_written(z, 0);

	if (made == MADE && !fork_child(z))
		return broken("fork");
	return made;
}

static enum made make_orphaned(struct zoo *z, unsigned long arg)
{
	enum made made = make_forked(z, 0);

	end_child(z);
	return made;
}

/* KSM. */

static bool all_merged(struct zoo *z)
{
	__u64 first = gup_pfn(z->mem);
	unsigned long i;

	for (i = 1; i < z->nr; i++)
		if (gup_pfn(page(z, i)) != first)
			return false;
	return first;
}

static enum made make_ksm(struct zoo *z, unsigned long arg)
{
	unsigned long i, tries;

	if (access(KSM_SYSFS "run", W_OK))
		return cannot(KSM_SYSFS "run");
	if (!map_anon(z))
		return broken("mmap");
	for (i = 0; i < z->nr; i++) {
		z->words[i] = WRITTEN;
		put_words(page(z, i), WRITTEN);
	}
	if (madvise(z->mem, z->nr * psize(), MADV_MERGEABLE))
		return broken("MADV_MERGEABLE");
	if (!gup_write_knob(KSM_SYSFS "run", "1"))
		return BROKEN;
	for (tries = 0; tries < 30000 && !all_merged(z); tries++)
		usleep(1000);
	/* ksmd has references while it looks. */
	if (!gup_write_knob(KSM_SYSFS "run", "0"))
		return BROKEN;
	errno = ETIMEDOUT;
	return all_merged(z) ? MADE : broken("KSM does not merge");
}

/* Huge pages. */

static size_t pmd_size(void)
{
	return read_pmd_pagesize();
}

static bool is_folio(struct zoo *z, unsigned long i, int order)
{
	struct gup_call c;
	bool good;

	good = gup_call_init(&c, gup_fd, GUP_RIG_API_GET, 0, page(z, i), 1) &&
	       gup_run(&c) && c.run.records_done == 1 &&
	       (int)c.records[0].folio_order == order;
	gup_call_free(&c);
	return good;
}

static void mthp_knob(char *path, size_t size, unsigned long kb, const char *name)
{
	snprintf(path, size, THP_SYSFS "hugepages-%lukB/%s", kb, name);
}

static int order_of(unsigned long kb)
{
	return kb ? __builtin_ctzl(kb * 1024 / psize()) : 0;
}

/* Two folios of @kb KiB, from the second page on up to the last but one. */
static enum made map_thp(struct zoo *z, unsigned long kb, bool write)
{
	unsigned long pages = kb * 1024 / psize();
	char path[128];

	mthp_knob(path, sizeof(path), kb, "enabled");
	if (access(path, W_OK))
		return cannot(path);
	if (!map_at(z, 2 * kb * 1024, kb * 1024, MAP_PRIVATE | MAP_ANONYMOUS, -1) ||
	    !choose(z, 1, 2 * pages - 2))
		return broken("mmap");
	if (!gup_write_knob(path, "always"))
		return BROKEN;
	if (write)
		stamp(z, 0, z->nr);
	else
		touch(z, 0, z->nr);
	if (!gup_write_knob(path, "never"))
		return BROKEN;
	errno = ENOMEM;
	return is_folio(z, 0, order_of(kb)) && is_folio(z, z->nr - 1, order_of(kb)) ?
	       MADE : broken("no folio of this size");
}

static enum made make_thp(struct zoo *z, unsigned long kb)
{
	return map_thp(z, kb, true);
}

static enum made make_thp_zero(struct zoo *z, unsigned long kb)
{
	if (!gup_write_knob(THP_SYSFS "use_zero_page", "1"))
		return CANNOT;
	return map_thp(z, kb, false);
}

static enum made make_thp_forked(struct zoo *z, unsigned long kb)
{
	enum made made = make_thp(z, kb);

	if (made == MADE && !fork_child(z))
		return broken("fork");
	return made;
}

static enum made make_thp_orphaned(struct zoo *z, unsigned long kb)
{
	enum made made = make_thp_forked(z, kb);

	end_child(z);
	return made;
}

/* A change of the access of one page has the PMD split, the folio stays. */
static enum made make_thp_split(struct zoo *z, unsigned long kb)
{
	enum made made = make_thp(z, kb);

	if (made == MADE && (mprotect(page(z, 3), psize(), PROT_READ) ||
			     mprotect(page(z, 3), psize(), z->prot)))
		return broken("mprotect");
	return made;
}

/* What is left of it when the first quarter of the first folio is gone. */
static enum made make_thp_part(struct zoo *z, unsigned long kb)
{
	enum made made = make_thp(z, kb);
	unsigned long gone = kb * 1024 / psize() / 4 + 1;

	if (made != MADE)
		return made;
	if (munmap(z->map, gone * psize()))
		return broken("munmap");
	z->map += gone * psize();
	z->map_len -= gone * psize();
	z->mem = z->map;
	z->nr -= gone - 1;
	memmove(z->words, z->words + gone - 1, z->nr * sizeof(*z->words));
	return MADE;
}

/* Every other page of the folios is gone; small zeroes come in its place. */
static enum made make_thp_gaps(struct zoo *z, unsigned long kb)
{
	enum made made = make_thp(z, kb);
	unsigned long i;

	if (made != MADE)
		return made;
	for (i = 1; i < z->nr; i += 2) {
		if (madvise(page(z, i), psize(), MADV_DONTNEED))
			return broken("MADV_DONTNEED");
		z->words[i] = 0;
	}
	return MADE;
}

/* The pages of a folio in the opposite order, and one VMA each. */
static enum made make_thp_reversed(struct zoo *z, unsigned long kb)
{
	struct zoo to = { .prot = PROT_NONE };
	enum made made = make_thp(z, kb);
	unsigned long i;
	__u64 word;

	if (made != MADE)
		return made;
	if (!map_at(&to, z->nr * psize(), psize(), MAP_PRIVATE | MAP_ANONYMOUS, -1))
		return broken("mmap");
	for (i = 0; i < z->nr; i++)
		if (mremap(page(z, i), psize(), psize(), MREMAP_MAYMOVE | MREMAP_FIXED,
			   to.map + (z->nr - 1 - i) * psize()) == MAP_FAILED)
			return broken("mremap");
	for (i = 0; i < z->nr / 2; i++) {
		word = z->words[i];
		z->words[i] = z->words[z->nr - 1 - i];
		z->words[z->nr - 1 - i] = word;
	}
	munmap(z->map, z->map_len);
	z->map = to.map;
	z->map_len = to.map_len;
	z->mem = to.map;
	return MADE;
}

/* hugetlb. */

static bool hugetlb_has(unsigned long kb, unsigned long pages)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), HUGETLB_SYSFS "hugepages-%lukB/free_hugepages", kb);
	if (!gup_read_knob(path, text, sizeof(text)))
		return false;
	return strtoul(text, NULL, 10) >= pages ||
	       gup_fails("%s: %s, want %lu", path, text, pages);
}

static int hugetlb_flags(unsigned long kb)
{
	return MAP_HUGETLB | __builtin_ctzl(kb * 1024) << MAP_HUGE_SHIFT;
}

static enum made map_hugetlb(struct zoo *z, unsigned long kb, int flags, int file)
{
	unsigned long pages = kb * 1024 / psize();

	if (!map_at(z, 2 * kb * 1024, kb * 1024, flags, file) ||
	    !choose(z, 1, 2 * pages - 2))
		return broken("mmap of hugetlb");
	return MADE;
}

static enum made make_hugetlb_fresh(struct zoo *z, unsigned long kb)
{
	/* Two that it needs, two for copies, two that nobody counts on. */
	if (!hugetlb_has(kb, 6))
		return CANNOT;
	return map_hugetlb(z, kb, MAP_PRIVATE | MAP_ANONYMOUS | hugetlb_flags(kb), -1);
}

static enum made make_hugetlb(struct zoo *z, unsigned long kb)
{
	enum made made = make_hugetlb_fresh(z, kb);

	if (made == MADE)
		stamp(z, 0, z->nr);
	return made;
}

static enum made make_hugetlb_forked(struct zoo *z, unsigned long kb)
{
	enum made made = make_hugetlb(z, kb);

	if (made == MADE && !fork_child(z))
		return broken("fork");
	return made;
}

static enum made make_hugetlb_readonly(struct zoo *z, unsigned long kb)
{
	enum made made = make_hugetlb(z, kb);

	if (made == MADE && mprotect(z->map, z->map_len, PROT_READ))
		return broken("mprotect");
	z->prot = PROT_READ;
	return made;
}

static enum made make_hugetlb_memfd(struct zoo *z, unsigned long kb)
{
	enum made made;

	if (!hugetlb_has(kb, 6))
		return CANNOT;
	z->file = memfd_create("gup_shapes", MFD_HUGETLB | MFD_CLOEXEC |
			       __builtin_ctzl(kb * 1024) << MAP_HUGE_SHIFT);
	if (z->file < 0)
		return cannot("memfd_create(MFD_HUGETLB)");
	if (ftruncate(z->file, 2 * kb * 1024))
		return broken("ftruncate");
	made = map_hugetlb(z, kb, MAP_SHARED, z->file);
	if (made == MADE)
		stamp(z, 0, z->nr);
	return made;
}

/* One page of 1 GiB is all that a small machine has: some pages over an edge in it. */
static enum made make_hugetlb_giant(struct zoo *z, unsigned long kb)
{
	if (!hugetlb_has(kb, 1))
		return CANNOT;
	if (!map_at(z, kb * 1024, kb * 1024,
		    MAP_PRIVATE | MAP_ANONYMOUS | hugetlb_flags(kb), -1) ||
	    !choose(z, 2 * MB / psize() - SMALL / 2, SMALL))
		return broken("mmap of hugetlb");
	stamp(z, 0, z->nr);
	return MADE;
}

/* Files. */

/* Written through the file, so that no page table has anything yet. */
static bool fill_file(struct zoo *z, unsigned long pages)
{
	char *buf = calloc(1, psize());
	unsigned long i;
	bool good = buf;

	for (i = 0; good && i < pages; i++) {
		put_words(buf, WRITTEN + i);
		good = pwrite(z->file, buf, psize(), i * psize()) == (ssize_t)psize();
	}
	free(buf);
	return good && !fsync(z->file);
}

/* The file has the mark of each page. */
static void expect_file(struct zoo *z)
{
	unsigned long i;

	for (i = 0; i < z->nr; i++)
		z->words[i] = WRITTEN + z->offset / psize() + i;
}

static bool map_file(struct zoo *z, int flags)
{
	if (!fill_file(z, SMALL) || !map_small(z, flags, z->file))
		return false;
	expect_file(z);
	return true;
}

static int new_tmpfs_file(const char *huge)
{
	int config = fsopen("tmpfs", FSOPEN_CLOEXEC), mnt = -1, file = -1;

	if (config < 0)
		return -1;
	if (!fsconfig(config, FSCONFIG_SET_STRING, "huge", huge, 0) &&
	    !fsconfig(config, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mnt = fsmount(config, FSMOUNT_CLOEXEC, 0);
	if (mnt >= 0)
		file = openat(mnt, "shape", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	close(config);
	close(mnt);
	return file;
}

static bool is_real_file_system(int file)
{
	struct statfs fs;

	return !fstatfs(file, &fs) && fs.f_type != TMPFS_MAGIC &&
	       fs.f_type != RAMFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC;
}

static int new_disk_file(void)
{
	const char *dir = getenv("TMPDIR") ?: "/tmp";
	int file = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (file < 0 || is_real_file_system(file))
		return file;
	close(file);
	errno = EMEDIUMTYPE;
	return -1;
}

/* Where a file is, and how it is mapped. */
enum {
	ON_DISK = 1, PRIVATE = 2, READ_ONLY = 4,
	UNTOUCHED = 8, COWED = 16, HALF_COWED = 32,
};

static enum made make_file(struct zoo *z, unsigned long how)
{
	int flags = how & PRIVATE ? MAP_PRIVATE : MAP_SHARED;
	unsigned long i;

	z->file = how & ON_DISK ? new_disk_file() : new_tmpfs_file("never");
	if (z->file < 0)
		return cannot(how & ON_DISK ? "no real file system at $TMPDIR or /tmp" :
					      "tmpfs with huge=never");
	if (how & READ_ONLY)
		z->prot = PROT_READ;
	if (!map_file(z, flags))
		return broken("mmap of a file");
	/* What it had read ahead it might map in larger steps. */
	if (!(how & UNTOUCHED))
		touch(z, 0, z->nr);
	for (i = 0; i < z->nr; i++)
		if ((how & COWED) || ((how & HALF_COWED) && (i & 1)))
			put_words(page(z, i), z->words[i]);
	return MADE;
}

static enum made make_shmem(struct zoo *z, unsigned long write)
{
	if (!map_small(z, MAP_SHARED | MAP_ANONYMOUS, -1))
		return broken("mmap");
	if (write)
		stamp(z, 0, z->nr);
	return MADE;
}

static enum made make_shmem_forked(struct zoo *z, unsigned long arg)
{
	enum made made = make_shmem(z, true);

	if (made == MADE && !fork_child(z))
		return broken("fork");
	return made;
}

static enum made make_memfd(struct zoo *z, unsigned long write)
{
	z->file = memfd_create("gup_shapes", MFD_CLOEXEC);
	if (z->file < 0)
		return cannot("memfd_create");
	if (ftruncate(z->file, SMALL * psize()) || !map_small(z, MAP_SHARED, z->file))
		return broken("mmap of memfd");
	if (write)
		stamp(z, 0, z->nr);
	return MADE;
}

static enum made make_secretmem(struct zoo *z, unsigned long arg)
{
	z->file = syscall(SYS_memfd_secret, O_CLOEXEC);
	if (z->file < 0)
		return cannot("memfd_secret");
	if (ftruncate(z->file, SMALL * psize()) || !map_small(z, MAP_SHARED, z->file))
		return broken("mmap of memfd_secret");
	stamp(z, 0, z->nr);
	return MADE;
}

/* Two folios of the size of a PMD, as for anonymous memory. */
static enum made map_huge_file(struct zoo *z, int flags)
{
	size_t len = 2 * pmd_size();

	if (z->file >= 0 && ftruncate(z->file, len))
		return broken("ftruncate");
	if (!map_at(z, len, pmd_size(), flags, z->file) ||
	    !choose(z, 1, len / psize() - 2))
		return broken("mmap of shmem");
	stamp(z, 0, z->nr);
	errno = ENOMEM;
	return is_folio(z, 0, order_of(pmd_size() / 1024)) ?
	       MADE : broken("no huge folio in shmem");
}

enum { HUGE_ALWAYS, HUGE_WITHIN_SIZE };

static enum made make_huge_tmpfs(struct zoo *z, unsigned long how)
{
	if (!pmd_size() || access(THP_SYSFS "shmem_enabled", F_OK))
		return cannot(THP_SYSFS "shmem_enabled");
	z->file = new_tmpfs_file(how == HUGE_ALWAYS ? "always" : "within_size");
	if (z->file < 0)
		return cannot("tmpfs with huge=");
	return map_huge_file(z, MAP_SHARED);
}

static enum made make_huge_shmem(struct zoo *z, unsigned long memfd)
{
	enum made made;

	if (access(THP_SYSFS "shmem_enabled", W_OK))
		return cannot(THP_SYSFS "shmem_enabled");
	if (memfd)
		z->file = memfd_create("gup_shapes", MFD_CLOEXEC);
	if (!gup_write_knob(THP_SYSFS "shmem_enabled", "always"))
		return BROKEN;
	made = map_huge_file(z, memfd ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS);
	if (!gup_write_knob(THP_SYSFS "shmem_enabled", "never"))
		return BROKEN;
	return made;
}

/* userfaultfd. */

static int uffd_protect(struct zoo *z, void *from, size_t len, bool protect)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = (unsigned long)from, .len = len },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(z->uffd, UFFDIO_WRITEPROTECT, &wp);
}

static void *serve_uffd(void *arg)
{
	struct zoo *z = arg;
	struct pollfd fds[] = {
		{ .fd = z->uffd, .events = POLLIN },
		{ .fd = z->quit[0], .events = POLLIN },
	};
	struct uffd_msg msg;
	unsigned long at;

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		if (read(z->uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		at = msg.arg.pagefault.address & -(unsigned long)psize();
		if (msg.event == UFFD_EVENT_PAGEFAULT)
			uffd_protect(z, (void *)at, psize(), false);
	}
	return NULL;
}

enum { UFFD_SIGBUS, UFFD_SERVED };

/* Protected; who writes gets a signal, or waits until someone takes that away. */
static enum made make_uffd_wp(struct zoo *z, unsigned long how)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP |
			    (how == UFFD_SIGBUS ? UFFD_FEATURE_SIGBUS : 0),
	};
	size_t len = SMALL * psize();

	z->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (z->uffd < 0)
		return cannot("userfaultfd");
	if (ioctl(z->uffd, UFFDIO_API, &api))
		return cannot("userfaultfd with write protection");
	if (make_written(z, 0) != MADE)
		return BROKEN;
	if (uffd_register(z->uffd, z->mem, len, false, true, false) ||
	    uffd_protect(z, z->mem, len, true))
		return broken("UFFDIO_WRITEPROTECT");
	if (how == UFFD_SIGBUS)
		return MADE;
	if (pipe(z->quit) || pthread_create(&z->server, NULL, serve_uffd, z))
		return broken("pthread_create");
	z->served = true;
	return MADE;
}

static void end_uffd(struct zoo *z)
{
	if (z->served) {
		close(z->quit[1]);
		pthread_join(z->server, NULL);
		close(z->quit[0]);
	}
	if (z->uffd >= 0)
		close(z->uffd);
}

static void zoo_free(struct zoo *z)
{
	end_child(z);
	end_uffd(z);
	if (z->map)
		munmap(z->map, z->map_len);
	if (z->file >= 0)
		close(z->file);
	free(z->words);
}

static enum made zoo_make(struct zoo *z, const struct shape *s)
{
	*z = (struct zoo) {
		.prot = PROT_READ | PROT_WRITE,
		.file = -1,
		.uffd = -1,
	};
	return s->make(z, s->arg);
}

/* Ways to call GUP. A function that has variants has several. */

struct way {
	unsigned int api;
	__u64 flags;
};

static const struct way ways[] = {
	{ .api = GUP_RIG_API_GET },
	{ .api = GUP_RIG_API_GET_FAST },
	{ .api = GUP_RIG_API_GET_UNLOCKED },
	{ .api = GUP_RIG_API_GET_REMOTE },
	{ .api = GUP_RIG_API_GET_REMOTE, .flags = GUP_RIG_RUN_LOCKED },
	{ .api = GUP_RIG_API_GET_FAST_ONLY },
	{ .api = GUP_RIG_API_GET_FAST_ONLY, .flags = GUP_RIG_RUN_IRQS_OFF },
	{ .api = GUP_RIG_API_PIN },
	{ .api = GUP_RIG_API_PIN_FAST },
	{ .api = GUP_RIG_API_PIN_UNLOCKED },
	{ .api = GUP_RIG_API_PIN_REMOTE },
	{ .api = GUP_RIG_API_PIN_REMOTE, .flags = GUP_RIG_RUN_LOCKED },
};

/* As many others for pins, in a row; more for references. */
#define NR_OTHER_WAYS	3

static bool way_pins(const struct way *w)
{
	return gup_apis[w->api].pins;
}

static bool way_waits(const struct way *w)
{
	return gup_apis[w->api].waits || (w->flags & GUP_RIG_RUN_LOCKED);
}

static bool way_is_remote(const struct way *w)
{
	return w->api == GUP_RIG_API_GET_REMOTE || w->api == GUP_RIG_API_PIN_REMOTE;
}

static bool all_ways;

/* Of the other ways one or two for each case, always the same ones. */
static bool way_is_due(const struct way *w, const struct shape *s, __u64 foll)
{
	const char *letter = s->all.outcomes;
	unsigned int turn = s->arg + foll;

	if (all_ways || w->api == GUP_RIG_API_GET || w->api == GUP_RIG_API_PIN ||
	    w->api == GUP_RIG_API_GET_FAST || w->api == GUP_RIG_API_PIN_FAST)
		return true;
	while (*letter)
		turn = turn * 31 + *letter++;
	return (turn >> 4) % NR_OTHER_WAYS == (w - ways) % NR_OTHER_WAYS;
}

/* LONGTERM is for pins. What else is not allowed is a fault of the driver's. */
static bool way_takes(const struct way *w, __u64 foll)
{
	return way_pins(w) || !(foll & GUP_RIG_FOLL_LONGTERM);
}

/**
 * struct attempt - one combination
 * @s: shape
 * @w: way to call GUP
 * @foll: GUP_RIG_FOLL_*
 * @z: the shape as it was made
 * @nr: pages that GUP has to give
 * @moves: LONGTERM: for each page, that it is where it must not stay
 * @held: first call, whose pages are held
 */
struct attempt {
	const struct shape *s;
	const struct way *w;
	__u64 foll;
	struct zoo z;
	unsigned long nr;
	bool *moves;
	struct gup_call held;
};

static bool writes(const struct attempt *a)
{
	return a->foll & GUP_RIG_FOLL_WRITE;
}

static const struct expect *expect_of(const struct shape *s, unsigned long i)
{
	if (s->from && i >= s->from)
		return &s->then;
	if ((i & 1) && s->odd.outcomes)
		return &s->odd;
	return &s->all;
}

/* Which of the letters of struct expect. */
static int column_of(const struct attempt *a)
{
	int column = a->foll & GUP_RIG_FOLL_FORCE ? 5 : 0;

	if (a->w->api == GUP_RIG_API_GET_FAST_ONLY)
		return writes(a) ? 11 : 10;
	if (writes(a))
		return column + (a->foll & GUP_RIG_FOLL_LONGTERM ? 4 : 2);
	if (a->foll & GUP_RIG_FOLL_LONGTERM)
		return column + 3;
	return column + way_pins(a->w);
}

/* Page @i of the range, whose folios are aligned in what is mapped. */
static bool first_of_folio(const struct attempt *a, unsigned long i)
{
	unsigned long number = a->z.offset / psize() + i;

	return !i || !(number % (1UL << expect_of(a->s, i)->order));
}

static char outcome(const struct attempt *a, unsigned long i)
{
	const char *letter = expect_of(a->s, i)->outcomes;
	int column = column_of(a);

	for (; *letter == ' ' || column; letter++)
		column -= *letter != ' ';
	switch (*letter) {
	case 'U':
		return way_waits(a->w) ? 'S' : 'E';
	case 'r':
		return first_of_folio(a, i) ? 'S' : 'c';
	}
	return *letter;
}

static unsigned long pages_to_get(const struct attempt *a)
{
	unsigned long i;

	for (i = 0; i < a->z.nr && !strchr("E0", outcome(a, i)); i++)
		;
	return i;
}

static bool is_copy(char letter)
{
	return letter == 'c' || letter == 'a';
}

#define KINDS	(GUP_RIG_REC_ANON | GUP_RIG_REC_KSM | GUP_RIG_REC_HUGETLB | \
		 GUP_RIG_REC_ZERO | GUP_RIG_REC_MLOCKED)

static __u64 kind_wanted(const struct attempt *a, unsigned long i)
{
	__u64 kind = expect_of(a->s, i)->kind;
	char letter = outcome(a, i);

	if (letter == 'z')
		return GUP_RIG_REC_ZERO;
	if (is_copy(letter))
		return GUP_RIG_REC_ANON | (kind & GUP_RIG_REC_HUGETLB);
	return kind;
}

static int order_wanted(const struct attempt *a, unsigned long i)
{
	const struct expect *e = expect_of(a->s, i);

	return is_copy(outcome(a, i)) ? e->copy_order : e->order;
}

/* Will this process alone write to the page, without a copy being made? */
static bool exclusive_wanted(const struct attempt *a, unsigned long i)
{
	if (!(kind_wanted(a, i) & GUP_RIG_REC_ANON))
		return false;
	return way_pins(a->w) || writes(a) || !expect_of(a->s, i)->shared;
}

static bool stores_are_seen(const struct attempt *a, unsigned long i)
{
	return a->s->shared_map || exclusive_wanted(a, i);
}

static bool wrong(const struct gup_call *c, unsigned long i, const char *what,
		  unsigned long long got, unsigned long long want)
{
	return gup_fails("entry %lu of %llu: %s: wanted %llu (%#llx), got %llu (%#llx)",
			 i, c->run.pages_done, what, want, want, got, got);
}

/* One entry for all of it: then the first page has the flags for all of them. */
static bool speaks_for_itself(const struct gup_rig_record *rec)
{
	return !rec->folio_offset ||
	       !(rec->flags & (GUP_RIG_REC_LEAF_PMD | GUP_RIG_REC_LEAF_PUD |
			       GUP_RIG_REC_HUGETLB));
}

static bool expect_kind(const struct attempt *a, unsigned long i)
{
	const struct gup_rig_record *rec = &a->held.records[i];
	__u64 kind = kind_wanted(a, i);
	bool exclusive = rec->flags & GUP_RIG_REC_EXCLUSIVE;
	int order = order_wanted(a, i);

	if ((rec->flags & KINDS) != kind)
		return wrong(&a->held, i, "kind of page", rec->flags & KINDS, kind);
	if (order != ANY_ORDER && (int)rec->folio_order != order)
		return wrong(&a->held, i, "folio order", rec->folio_order, order);
	if (speaks_for_itself(rec) && exclusive != exclusive_wanted(a, i))
		return wrong(&a->held, i, "exclusive", exclusive, !exclusive);
	if ((a->foll & GUP_RIG_FOLL_LONGTERM) &&
	    !(rec->flags & GUP_RIG_REC_LONGTERM_OK))
		return wrong(&a->held, i, "may stay for long", 0, 1);
	if (!(rec->flags & GUP_RIG_REC_MAPPED))
		return wrong(&a->held, i, "is mapped", 0, 1);
	return true;
}

/* Is it the page that was there before, or another one, as it must be? */
static bool expect_identity(const struct attempt *a, unsigned long i)
{
	const struct gup_rig_record *rec = &a->held.records[i];
	bool before = rec->flags & GUP_RIG_REC_BEFORE;
	bool same = before && rec->before_pfn == rec->pfn;
	char letter = outcome(a, i);

	switch (letter) {
	case 'S':
		if (!before || same == a->moves[i])
			return wrong(&a->held, i, "the page that was there", rec->pfn,
				     rec->before_pfn);
		return true;
	case 'n':
	case 'a':
		return !before || wrong(&a->held, i, "page before", rec->before_pfn, 0);
	case 'c':
		if (!before || same)
			return wrong(&a->held, i, "page before: want another",
				     rec->pfn, rec->before_pfn);
		return true;
	case 'z':
		return !before || same ||
		       wrong(&a->held, i, "zero page", rec->pfn, rec->before_pfn);
	}
	return gup_fails("table: no such letter: %c", letter);
}

static bool expect_pages(const struct attempt *a)
{
	unsigned long i;

	for (i = 0; i < a->nr; i++)
		if (!expect_identity(a, i) || !expect_kind(a, i))
			return false;
	return true;
}

/* Pins that the counters of /proc/vmstat must know of. */
static long pins_wanted(const struct gup_call *c)
{
	unsigned long i;
	long pins = 0;

	for (i = 0; i < c->run.records_done; i++)
		pins += gup_apis[c->run.api].pins &&
			((c->records[i].flags & GUP_RIG_REC_LARGE) ||
			 !(c->records[i].flags & GUP_RIG_REC_ZERO));
	return pins;
}

static bool expect_pins_out(long want)
{
	long pins = gup_pins_out();

	return pins == want || gup_fails("pins in /proc/vmstat: wanted %ld, got %ld",
					 want, pins);
}

static void call_set_up(const struct attempt *a, struct gup_call *c)
{
	c->run.flags = a->w->flags;
	if (way_is_remote(a->w))
		c->run.fd = self_pidfd;
}

static bool call_init(const struct attempt *a, struct gup_call *c, unsigned long nr)
{
	if (!gup_call_init(c, gup_fd, a->w->api, a->foll, a->z.mem, nr))
		return false;
	call_set_up(a, c);
	return true;
}

/*
 * From page @i on: where the pages are now, may they be pinned for long? Goes as far
 * as there are pages, without a change of anything, and returns how many that are.
 */
static unsigned long look_at_places(struct attempt *a, unsigned long i)
{
	struct gup_call c;
	unsigned long j, nr = 0;

	if (gup_call_init(&c, gup_fd, GUP_RIG_API_GET,
			  GUP_RIG_FOLL_FORCE | GUP_RIG_FOLL_NOFAULT,
			  page(&a->z, i), a->z.nr - i) && gup_run(&c))
		nr = c.run.records_done;
	for (j = 0; j < nr; j++)
		a->moves[i + j] = !(c.records[j].flags & GUP_RIG_REC_LONGTERM_OK);
	gup_call_free(&c);
	return nr;
}

static bool look_for_moves(struct attempt *a)
{
	unsigned long i;

	a->moves = calloc(a->z.nr, sizeof(*a->moves));
	if (!a->moves)
		return gup_fails("no memory");
	if (!(a->foll & GUP_RIG_FOLL_LONGTERM))
		return true;
	for (i = 0; i < a->nr; i++)
		i += look_at_places(a, i);
	return true;
}

static bool check_contents(const struct attempt *a, char *buf, const char *what)
{
	unsigned long i;

	for (i = 0; i < a->nr; i++) {
		char *p = buf + i * psize();

		if (!has_words(p, a->z.words[i]))
			return gup_fails("page %lu, %s: wanted %#llx, got %#llx ... %#llx",
					 i, what, a->z.words[i], *first_word(p),
					 *last_word(p));
	}
	return true;
}

static char *read_pin(const struct gup_call *c, unsigned long nr)
{
	char *buf = malloc(nr * psize());

	if (buf && gup_hold_read(c, 0, c->run.first_offset, buf, nr * psize()))
		return buf;
	free(buf);
	return NULL;
}

static bool expect_read_through(const struct attempt *a, const struct gup_call *c,
				const char *what)
{
	char *buf = read_pin(c, a->nr);
	bool good = buf && check_contents(a, buf, what);

	free(buf);
	return good;
}

static bool expect_process_sees(const struct attempt *a, const char *what)
{
	return !(a->z.prot & PROT_READ) || check_contents(a, a->z.mem, what);
}

static bool expect_child_untouched(struct attempt *a)
{
	char c;

	if (a->z.child <= 0)
		return true;
	return (ask_child(&a->z, &c) && c == 'y') ||
	       gup_fails("the child does not see its own data any more");
}

static __u64 file_word(const struct attempt *a, unsigned long i)
{
	__u64 word = 0;

	if (pread(a->z.file, &word, sizeof(word), a->z.offset + i * psize()) !=
	    sizeof(word))
		word = ~0ULL;
	return word;
}

/* A shared file has what the process sees; a private mapping leaves it alone. */
static bool expect_file_is_right(const struct attempt *a)
{
	unsigned long i;

	if (a->z.file < 0)
		return true;
	for (i = 0; i < a->nr; i++) {
		__u64 want = a->s->shared_map ? a->z.words[i] : WRITTEN + i;

		if (file_word(a, i) != want)
			return gup_fails("page %lu: in the file: wanted %#llx, got %#llx",
					 i, want, file_word(a, i));
	}
	return true;
}

static bool write_through(struct attempt *a, const struct gup_call *c)
{
	char *buf = calloc(a->nr, psize());
	unsigned long i;
	bool good;

	if (!buf)
		return gup_fails("no memory");
	for (i = 0; i < a->nr; i++) {
		a->z.words[i] = THROUGH_PIN + i;
		put_words(buf + i * psize(), a->z.words[i]);
	}
	good = gup_hold_write(c, 0, c->run.first_offset, buf, a->nr * psize());
	free(buf);
	return good;
}

/* Let the process write to the range itself. */
static bool open_up(struct attempt *a)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct zoo *z = &a->z;

	if (z->uffd >= 0 && !z->served && uffd_protect(z, z->mem, z->nr * psize(), false))
		return gup_fails("UFFDIO_WRITEPROTECT: %s", strerror(errno));
	if (a->s->final || (z->prot == rw && !a->s->from))
		return true;
	/* hugetlb wants whole pages of its own; a hole or guard ends the range. */
	if (a->s->all.kind & GUP_RIG_REC_HUGETLB ?
	    mprotect(z->map, z->map_len, rw) : mprotect(z->mem, a->nr * psize(), rw))
		return gup_fails("mprotect: %s", strerror(errno));
	z->prot = rw;
	return true;
}

/* The process writes: seen through the pin, or it got a copy, but nothing between. */
static bool expect_stores_seen(struct attempt *a, const struct gup_call *c)
{
	__u64 *pinned = calloc(a->nr, sizeof(*pinned));
	unsigned long i;
	bool good;

	if (!pinned)
		return gup_fails("no memory");
	for (i = 0; i < a->nr; i++) {
		put_words(page(&a->z, i), BY_PROCESS + i);
		pinned[i] = a->z.words[i];
		a->z.words[i] = BY_PROCESS + i;
	}
	good = expect_process_sees(a, "as the process wrote it");
	for (i = 0; i < a->nr; i++) {
		__u64 word = a->z.words[i];

		a->z.words[i] = stores_are_seen(a, i) ? word : pinned[i];
		pinned[i] = word;
	}
	good = good && expect_read_through(a, c, "through the pin, the process wrote");
	memcpy(a->z.words, pinned, a->nr * sizeof(*pinned));
	free(pinned);
	return good;
}

static bool expect_data_both_ways(struct attempt *a, const struct gup_call *c)
{
	if (writes(a) && !write_through(a, c))
		return false;
	if (!open_up(a) || !expect_process_sees(a, "written through the pin") ||
	    !expect_file_is_right(a) || !expect_child_untouched(a))
		return false;
	if (!(a->z.prot & PROT_WRITE))
		return true;
	return expect_stores_seen(a, c) && expect_file_is_right(a) &&
	       expect_child_untouched(a);
}

/* Each of the ways to release in turn. */
static unsigned int put_of(const struct attempt *a, unsigned int turn)
{
	static const unsigned int clean[] = {
		GUP_RIG_PUT_DEFAULT, GUP_RIG_PUT_RANGE, GUP_RIG_PUT_ONE,
	};
	static const unsigned int dirty[] = {
		GUP_RIG_PUT_DIRTY, GUP_RIG_PUT_RANGE, GUP_RIG_PUT_RANGE_DIRTY,
		GUP_RIG_PUT_ONE, GUP_RIG_PUT_DEFAULT,
	};

	turn += a->w - ways;
	if (!way_pins(a->w))
		return GUP_RIG_PUT_DEFAULT;
	return writes(a) ? dirty[turn % ARRAY_SIZE(dirty)] :
			   clean[turn % ARRAY_SIZE(clean)];
}

static bool put_dirties(unsigned int put)
{
	return put == GUP_RIG_PUT_DIRTY || put == GUP_RIG_PUT_RANGE_DIRTY;
}

/* A third first, which ends in the midst of a folio, then the rest. */
static bool release_in_parts(const struct gup_call *c, unsigned int put)
{
	__u64 third = c->run.entries / 3;
	long first = third ? gup_release_part(c, put, 0, third) : 0;
	long rest = gup_release_part(c, put, third, 0);

	if (first < 0 || rest < 0)
		return false;
	return first + rest == (long)c->run.entries ||
	       gup_fails("released %ld and %ld of %llu entries", first, rest,
			 c->run.entries);
}

/* The first call: from the shape as it was made to pages that are held. */
static bool hold_and_check(struct attempt *a)
{
	if (!call_init(a, &a->held, a->nr))
		return false;
	a->held.run.flags |= GUP_RIG_RUN_HOLD;
	return gup_run(&a->held) &&
	       gup_expect_result(&a->held, a->nr) &&
	       gup_expect_sound(&a->held) &&
	       gup_expect_mapped(&a->held, a->z.mem) &&
	       expect_pages(a) &&
	       expect_pins_out(pins_at_rest + pins_wanted(&a->held)) &&
	       expect_read_through(a, &a->held, "through the pin") &&
	       expect_process_sees(a, "by the process") &&
	       expect_child_untouched(a) &&
	       release_in_parts(&a->held, put_of(a, 0));
}

/* Dirty when asked for. Not otherwise: who looks at anonymous memory is only GUP. */
static bool expect_dirty(const struct attempt *a, const struct gup_call *again,
			 unsigned long i)
{
	bool held = a->held.records[i].flags & GUP_RIG_REC_DIRTY;
	bool rest = again->records[i].flags & GUP_RIG_REC_DIRTY;

	if (put_dirties(put_of(a, 0)))
		return rest || wrong(again, i, "dirty after the release", rest, 1);
	return rest == held || !(a->held.records[i].flags & GUP_RIG_REC_ANON) ||
	       wrong(again, i, "dirty after the release", rest, held);
}

/* After the release the counts are those of the first call, less what it took. */
static bool expect_rest(const struct attempt *a, const struct gup_call *again)
{
	unsigned long i;
	int refs = 0, pins = 0;

	for (i = 0; i < a->nr; i++) {
		const struct gup_rig_record *held = &a->held.records[i];
		const struct gup_rig_record *rest = &again->records[i];

		if (!i || held->folio_pfn != held[-1].folio_pfn) {
			refs = gup_refs_gained(&a->held, i);
			pins = gup_pins_gained(&a->held, i);
		}
		if (rest->before_pfn != held->pfn)
			return wrong(again, i, "page after the release", rest->before_pfn,
				     held->pfn);
		if (rest->ref_before != held->ref_held - refs)
			return wrong(again, i, "references after the release",
				     rest->ref_before, held->ref_held - refs);
		if ((held->flags & GUP_RIG_REC_PINCOUNT) &&
		    rest->pin_before != held->pin_held - pins)
			return wrong(again, i, "pins after the release", rest->pin_before,
				     held->pin_held - pins);
		if (!expect_dirty(a, again, i))
			return false;
	}
	return true;
}

/* Some pages a call, so that a folio is taken in pieces. */
static bool get_in_pieces(struct attempt *a)
{
	struct gup_call c;
	bool good;

	if (!call_init(a, &c, a->nr))
		return false;
	c.run.pages_per_call = a->nr > SMALL ? 101 : 3;
	c.run.put = put_of(a, 1);
	good = gup_run(&c) && gup_expect_result(&c, a->nr) && gup_expect_sound(&c) &&
	       expect_rest(a, &c) && gup_expect_restored(&c) &&
	       gup_expect_same(&a->held, &c);
	gup_call_free(&c);
	return good;
}

static bool hold_and_write(struct attempt *a)
{
	struct gup_call c;

	gup_call_init_bare(&c, gup_fd, a->w->api, a->foll, a->z.mem, a->nr);
	call_set_up(a, &c);
	c.run.flags |= GUP_RIG_RUN_HOLD;
	return gup_run(&c) && gup_expect_result(&c, a->nr) &&
	       expect_data_both_ways(a, &c) && gup_release(&c, put_of(a, 2));
}

/* All the other ways that may be asked at this point find the same pages. */
static bool expect_ways_agree(const struct attempt *a)
{
	const struct way *first = a->w;
	struct attempt other = *a;
	struct gup_call c;
	bool good = true;

	for (other.w = ways; good && other.w < ways + ARRAY_SIZE(ways); other.w++) {
		if (other.w == first || way_pins(other.w) != way_pins(first) ||
		    !way_takes(other.w, a->foll) || pages_to_get(&other) != a->nr)
			continue;
		if (!call_init(&other, &c, a->nr))
			return false;
		good = gup_run(&c) && gup_expect_result(&c, a->nr) &&
		       gup_expect_sound(&c) && gup_expect_restored(&c) &&
		       gup_expect_same(&a->held, &c);
		gup_call_free(&c);
	}
	return good;
}

static bool first_way_of_its_kind(const struct attempt *a)
{
	return a->w->api == GUP_RIG_API_GET || a->w->api == GUP_RIG_API_PIN;
}

static bool check_what_can_be_had(struct attempt *a)
{
	bool good;

	good = look_for_moves(a) && hold_and_check(a) && get_in_pieces(a) &&
	       (!first_way_of_its_kind(a) || expect_ways_agree(a)) &&
	       hold_and_write(a);
	free(a->moves);
	gup_call_free(&a->held);
	return good;
}

/* The whole range, with something in it that cannot be had: how far does it get? */
static bool check_how_far(struct attempt *a)
{
	long error = outcome(a, a->nr) == 'E' ? -EFAULT : 0;
	struct gup_call c;
	bool good;

	if (!call_init(a, &c, a->z.nr))
		return false;
	c.run.flags |= GUP_RIG_RUN_CONTINUE;
	good = gup_run(&c) && gup_expect_result(&c, a->nr ? (long)a->nr : error) &&
	       gup_expect_sound(&c) && gup_expect_mapped(&c, a->z.mem);
	if (good && c.run.error != error)
		good = gup_fails("the call behind the last page: wanted %ld, got %d",
				 error, c.run.error);
	gup_call_free(&c);
	return good;
}

/* memfd_pin_folios(): what it gives are folios, and it looks into the file. */

static const struct way memfd_way = { .api = GUP_RIG_API_MEMFD };

static bool expect_folios_of(const struct attempt *a)
{
	const struct expect *e = &a->s->all;
	unsigned long i;

	for (i = 0; i < a->held.run.records_done; i++) {
		const struct gup_rig_record *rec = &a->held.records[i];

		if ((rec->flags & KINDS) != e->kind)
			return wrong(&a->held, i, "kind of page", rec->flags & KINDS,
				     e->kind);
		if ((int)rec->folio_order != e->order)
			return wrong(&a->held, i, "folio order", rec->folio_order,
				     e->order);
		if (!(rec->flags & GUP_RIG_REC_LONGTERM_OK))
			return wrong(&a->held, i, "may stay for long", 0, 1);
	}
	return a->held.run.first_offset == a->held.records[0].folio_offset * psize() ||
	       wrong(&a->held, 0, "offset in the first folio",
		     a->held.run.first_offset, a->held.records[0].folio_offset * psize());
}

static bool hold_memfd(struct attempt *a)
{
	struct gup_call *c = &a->held;

	if (!gup_call_init_memfd(c, gup_fd, a->z.file, a->foll, a->z.offset, a->nr))
		return false;
	c->run.flags = GUP_RIG_RUN_HOLD;
	if (!gup_run(c) || !gup_expect_result(c, a->nr) || !gup_expect_sound(c))
		return false;
	/* It does not map anything. */
	touch(&a->z, 0, a->nr);
	return gup_expect_mapped(c, a->z.mem) && expect_folios_of(a) &&
	       expect_pins_out(pins_at_rest + pins_wanted(c)) &&
	       expect_read_through(a, c, "through the pin") &&
	       expect_data_both_ways(a, c) &&
	       release_in_parts(c, GUP_RIG_PUT_ONE);
}

static bool memfd_in_pieces(struct attempt *a)
{
	struct gup_call c;
	bool good;

	if (!gup_call_init_memfd(&c, gup_fd, a->z.file, a->foll, a->z.offset, a->nr))
		return false;
	c.run.pages_per_call = a->nr > SMALL ? 101 : 3;
	good = gup_run(&c) && gup_expect_result(&c, a->nr) && gup_expect_sound(&c) &&
	       gup_expect_mapped(&c, a->z.mem) && gup_expect_restored(&c);
	gup_call_free(&c);
	return good;
}

static bool check_memfd(struct attempt *a)
{
	bool good = hold_memfd(a) && memfd_in_pieces(a);

	gup_call_free(&a->held);
	return good;
}

/* GUP on the memory of the child. */

static bool expect_own_copies(const struct attempt *a)
{
	unsigned long i;

	for (i = 0; i < a->nr; i++)
		if (a->held.records[i].pfn == gup_pfn(page(&a->z, i)))
			return wrong(&a->held, i, "a copy of the child's own",
				     a->held.records[i].pfn, 0);
	return true;
}

static bool hold_remote(struct attempt *a, int pidfd)
{
	struct gup_call *c = &a->held;

	if (!gup_call_init(c, gup_fd, a->w->api, a->foll, a->z.mem, a->nr))
		return false;
	c->run.flags = a->w->flags | GUP_RIG_RUN_HOLD;
	c->run.fd = pidfd;
	if (!gup_run(c) || !gup_expect_result(c, a->nr) || !gup_expect_sound(c))
		return false;
	/* Page by page, what the parent has is what the child had. */
	if (!(outcome(a, 0) == 'S' ? gup_expect_mapped(c, a->z.mem) :
				     expect_own_copies(a)))
		return false;
	return expect_pins_out(pins_at_rest + pins_wanted(c)) &&
	       expect_read_through(a, c, "through the pin");
}

/* The child does see it; its parent, if they share the memory for good. */
static bool expect_child_sees_writes(struct attempt *a)
{
	unsigned long i;
	char c;

	if (!write_through(a, &a->held))
		return false;
	if (!ask_child(&a->z, &c) || c != 'n')
		return gup_fails("the child does not see what was written through the pin");
	for (i = 0; i < a->nr && !a->s->shared_map; i++)
		a->z.words[i] = WRITTEN + i;
	return check_contents(a, a->z.mem, "by the parent");
}

static bool check_remote(struct attempt *a)
{
	int pidfd = syscall(SYS_pidfd_open, a->z.child, 0);
	bool good;

	if (pidfd < 0)
		return gup_fails("pidfd_open: %s", strerror(errno));
	good = hold_remote(a, pidfd) &&
	       (writes(a) ? expect_child_sees_writes(a) : expect_child_untouched(a)) &&
	       release_in_parts(&a->held, put_of(a, 0));
	close(pidfd);
	gup_call_free(&a->held);
	return good;
}

/* So that the next combination starts with nothing held. */
static enum made drop_what_is_held(void)
{
	close(gup_fd);
	gup_fd = open(GUP_RIG_FILE, O_RDWR | O_CLOEXEC);
	return BROKEN;
}

static enum made with_shape(struct attempt *a, bool (*check)(struct attempt *a))
{
	enum made made = zoo_make(&a->z, a->s);

	if (made == MADE) {
		a->nr = pages_to_get(a);
		if (!check(a))
			made = drop_what_is_held();
	}
	zoo_free(&a->z);
	if (made == MADE && !expect_pins_out(pins_at_rest))
		made = BROKEN;
	return made;
}

static bool check_all(struct attempt *a)
{
	if (a->nr < a->z.nr && !check_how_far(a))
		return false;
	return !a->nr || a->nr < a->z.nr || check_what_can_be_had(a);
}

static enum made try_way(struct attempt *a)
{
	enum made made = with_shape(a, check_all);

	/* What can be had of a range that ends early wants a shape that is fresh. */
	if (made == MADE && a->nr && a->nr < a->z.nr)
		made = with_shape(a, check_what_can_be_had);
	return made;
}

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

static void judge(struct __test_metadata *_metadata, const struct attempt *a,
		  enum made made)
{
	if (made == CANNOT)
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

	for (a.w = ways; a.w < ways + ARRAY_SIZE(ways) && made != CANNOT; a.w++) {
		if (!way_takes(a.w, foll) || !way_is_due(a.w, s, foll))
			continue;
		made = try_way(&a);
		judge(_metadata, &a, made);
	}
}

FIXTURE(shape) {
	long splats;
};

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

static void try_memfd(struct __test_metadata *_metadata, const struct shape *s,
		      __u64 foll)
{
	struct attempt a = { .s = s, .w = &memfd_way, .foll = foll };

	judge(_metadata, &a, with_shape(&a, check_memfd));
}

TEST_F_TIMEOUT(memfd, read, TIMEOUT)
{
	try_memfd(_metadata, &variant->shape, 0);
}

TEST_F_TIMEOUT(memfd, write, TIMEOUT)
{
	try_memfd(_metadata, &variant->shape, GUP_RIG_FOLL_WRITE);
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

static void try_remote(struct __test_metadata *_metadata, const struct shape *s,
		       __u64 foll)
{
	struct attempt a = { .s = s, .foll = foll };
	enum made made = MADE;

	for (a.w = ways; a.w < ways + ARRAY_SIZE(ways) && made != CANNOT; a.w++) {
		if (!way_is_remote(a.w) || !way_takes(a.w, foll))
			continue;
		made = with_shape(&a, check_remote);
		judge(_metadata, &a, made);
	}
}

TEST_F_TIMEOUT(remote, read, TIMEOUT)
{
	try_remote(_metadata, &variant->shape, 0);
}

TEST_F_TIMEOUT(remote, write, TIMEOUT)
{
	try_remote(_metadata, &variant->shape, GUP_RIG_FOLL_WRITE);
}

TEST_F_TIMEOUT(remote, longterm_read, TIMEOUT)
{
	try_remote(_metadata, &variant->shape, GUP_RIG_FOLL_LONGTERM);
}

/* The table. */

#define SHAPE(name)	FIXTURE_VARIANT_ADD(shape, name)

SHAPE(anon_fresh) {
	.shape = {
		.make = make_fresh,
		.all = { .outcomes = "zznnn zznnn 00",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(anon_written) {
	.shape = {
		.make = make_written,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(anon_zero) {
	.shape = {
		.make = make_zero,
		.all = { .outcomes = "zzccc zzccc 00",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(anon_mixed) {
	.shape = {
		.make = make_mixed,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
		.odd = { .outcomes = "zzccc zzccc 00",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(anon_forked) {
	.shape = {
		.make = make_forked,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON, .shared = true },
	},
};

SHAPE(anon_reexclusive) {
	.shape = {
		.make = make_orphaned,
		.all = { .outcomes = "SSSSS SSSSS S0",
			 .kind = GUP_RIG_REC_ANON, .shared = true },
	},
};

SHAPE(anon_readonly) {
	.shape = {
		.make = make_protected,
		.arg = PROT_READ,
		.all = { .outcomes = "SSESE SSSSS S0",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(anon_prot_none) {
	.shape = {
		.make = make_protected,
		.arg = PROT_NONE,
		.all = { .outcomes = "EEEEE SSSSS 00",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(anon_mlocked) {
	.shape = {
		.make = make_mlocked,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON | GUP_RIG_REC_MLOCKED },
	},
};

SHAPE(two_vmas) {
	.shape = {
		.make = make_two_vmas,
		.arg = 5,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
		.then = { .outcomes = "SSESE SSSSS S0",
			 .kind = GUP_RIG_REC_ANON },
		.from = 5,
	},
};

SHAPE(hole) {
	.shape = {
		.make = make_hole,
		.arg = 5,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
		.then = { .outcomes = "EEEEE EEEEE 00",
			 .kind = GUP_RIG_REC_ANON },
		.from = 5,
	},
};

SHAPE(guard) {
	.shape = {
		.make = make_guard,
		.arg = 5,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
		.then = { .outcomes = "EEEEE EEEEE 00",
			 .kind = GUP_RIG_REC_ANON },
		.from = 5,
	},
};

SHAPE(guard_first) {
	.shape = {
		.make = make_guard,
		.all = { .outcomes = "EEEEE EEEEE 00",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(table_edge) {
	.shape = {
		.make = make_edge,
		.arg = 2 * MB,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(upper_table_edge) {
	.shape = {
		.make = make_edge,
		.arg = 1024 * MB,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(ksm) {
	.shape = {
		.make = make_ksm,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON | GUP_RIG_REC_KSM,
			 .shared = true },
	},
};

SHAPE(uffd_wp_sigbus) {
	.shape = {
		.make = make_uffd_wp,
		.arg = UFFD_SIGBUS,
		.all = { .outcomes = "SSESE SSESE S0",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(uffd_wp_served) {
	.shape = {
		.make = make_uffd_wp,
		.arg = UFFD_SERVED,
		.all = { .outcomes = "SSUSU SSUSU S0",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(mthp_16k) {
	.shape = {
		.make = make_thp,
		.arg = 16,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 2 },
	},
};

SHAPE(mthp_32k) {
	.shape = {
		.make = make_thp,
		.arg = 32,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 3 },
	},
};

SHAPE(mthp_64k) {
	.shape = {
		.make = make_thp,
		.arg = 64,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 4 },
	},
};

SHAPE(mthp_128k) {
	.shape = {
		.make = make_thp,
		.arg = 128,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 5 },
	},
};

SHAPE(mthp_256k) {
	.shape = {
		.make = make_thp,
		.arg = 256,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 6 },
	},
};

SHAPE(mthp_512k) {
	.shape = {
		.make = make_thp,
		.arg = 512,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 7 },
	},
};

SHAPE(mthp_1024k) {
	.shape = {
		.make = make_thp,
		.arg = 1024,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 8 },
	},
};

SHAPE(thp) {
	.shape = {
		.make = make_thp,
		.arg = 2048,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 9 },
	},
};

SHAPE(mthp_forked) {
	.shape = {
		.make = make_thp_forked,
		.arg = 64,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON, .order = 4,
			 .shared = true },
	},
};

SHAPE(mthp_reexclusive) {
	.shape = {
		.make = make_thp_orphaned,
		.arg = 64,
		.all = { .outcomes = "Srrrr Srrrr S0",
			 .kind = GUP_RIG_REC_ANON, .order = 4,
			 .shared = true },
	},
};

SHAPE(mthp_part) {
	.shape = {
		.make = make_thp_part,
		.arg = 64,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 4 },
	},
};

SHAPE(mthp_gaps) {
	.shape = {
		.make = make_thp_gaps,
		.arg = 64,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 4 },
		.odd = { .outcomes = "zznnn zznnn 00",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(mthp_reversed) {
	.shape = {
		.make = make_thp_reversed,
		.arg = 64,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 4 },
	},
};

SHAPE(thp_zero) {
	.shape = {
		.make = make_thp_zero,
		.arg = 2048,
		.all = { .outcomes = "zzccc zzccc 00",
			 .kind = GUP_RIG_REC_ANON, .order = 9,
			 .copy_order = 9 },
	},
};

SHAPE(thp_forked) {
	.shape = {
		.make = make_thp_forked,
		.arg = 2048,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON, .order = 9,
			 .shared = true },
	},
};

SHAPE(thp_reexclusive) {
	.shape = {
		.make = make_thp_orphaned,
		.arg = 2048,
		.all = { .outcomes = "SSSSS SSSSS S0",
			 .kind = GUP_RIG_REC_ANON, .order = 9,
			 .shared = true },
	},
};

SHAPE(thp_split_pmd) {
	.shape = {
		.make = make_thp_split,
		.arg = 2048,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 9 },
	},
};

SHAPE(thp_part) {
	.shape = {
		.make = make_thp_part,
		.arg = 2048,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 9 },
	},
};

SHAPE(thp_gaps) {
	.shape = {
		.make = make_thp_gaps,
		.arg = 2048,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON, .order = 9 },
		.odd = { .outcomes = "zznnn zznnn 00",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(hugetlb_fresh) {
	.shape = {
		.make = make_hugetlb_fresh,
		.arg = 2048,
		.all = { .outcomes = "nnnnn nnnnn 00",
			 .kind = GUP_RIG_REC_ANON | GUP_RIG_REC_HUGETLB,
			 .order = 9 },
	},
};

SHAPE(hugetlb_written) {
	.shape = {
		.make = make_hugetlb,
		.arg = 2048,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON | GUP_RIG_REC_HUGETLB,
			 .order = 9 },
	},
};

SHAPE(hugetlb_forked) {
	.shape = {
		.make = make_hugetlb_forked,
		.arg = 2048,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON | GUP_RIG_REC_HUGETLB,
			 .order = 9, .copy_order = 9, .shared = true },
	},
};

SHAPE(hugetlb_readonly) {
	.shape = {
		.make = make_hugetlb_readonly,
		.arg = 2048,
		.all = { .outcomes = "SSESE SSSSS S0",
			 .kind = GUP_RIG_REC_ANON | GUP_RIG_REC_HUGETLB,
			 .order = 9 },
	},
};

SHAPE(hugetlb_memfd) {
	.shape = {
		.make = make_hugetlb_memfd,
		.arg = 2048,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_HUGETLB, .order = 9 },
		.shared_map = true,
	},
};

SHAPE(hugetlb_1g) {
	.shape = {
		.make = make_hugetlb_giant,
		.arg = 1024 * 1024,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON | GUP_RIG_REC_HUGETLB,
			 .order = 18 },
	},
};

SHAPE(shmem_fresh) {
	.shape = {
		.make = make_shmem,
		.all = { .outcomes = "nnnnn nnnnn 00" },
		.shared_map = true,
	},
};

SHAPE(shmem_written) {
	.shape = {
		.make = make_shmem,
		.arg = true,
		.all = { .outcomes = "SSSSS SSSSS SS" },
		.shared_map = true,
	},
};

SHAPE(shmem_huge) {
	.shape = {
		.make = make_huge_shmem,
		.all = { .outcomes = "SSSSS SSSSS SS", .order = 9 },
		.shared_map = true,
	},
};

SHAPE(memfd_fresh) {
	.shape = {
		.make = make_memfd,
		.all = { .outcomes = "nnnnn nnnnn 00" },
		.shared_map = true,
	},
};

SHAPE(memfd_written) {
	.shape = {
		.make = make_memfd,
		.arg = true,
		.all = { .outcomes = "SSSSS SSSSS SS" },
		.shared_map = true,
	},
};

SHAPE(memfd_huge) {
	.shape = {
		.make = make_huge_shmem,
		.arg = true,
		.all = { .outcomes = "SSSSS SSSSS SS", .order = 9 },
		.shared_map = true,
	},
};

SHAPE(tmpfs_huge_always) {
	.shape = {
		.make = make_huge_tmpfs,
		.arg = HUGE_ALWAYS,
		.all = { .outcomes = "SSSSS SSSSS SS", .order = 9 },
		.shared_map = true,
	},
};

SHAPE(tmpfs_huge_within_size) {
	.shape = {
		.make = make_huge_tmpfs,
		.arg = HUGE_WITHIN_SIZE,
		.all = { .outcomes = "SSSSS SSSSS SS", .order = 9 },
		.shared_map = true,
	},
};

SHAPE(tmpfs_shared) {
	.shape = {
		.make = make_file,
		.all = { .outcomes = "SSSSS SSSSS SS" },
		.shared_map = true,
	},
};

SHAPE(tmpfs_readonly) {
	.shape = {
		.make = make_file,
		.arg = READ_ONLY,
		.all = { .outcomes = "SSESE SSESE S0" },
		.shared_map = true,
		.final = true,
	},
};

SHAPE(tmpfs_private) {
	.shape = {
		.make = make_file,
		.arg = PRIVATE,
		.all = { .outcomes = "SSccc SSccc S0" },
	},
};

SHAPE(tmpfs_private_fresh) {
	.shape = {
		.make = make_file,
		.arg = PRIVATE | UNTOUCHED,
		.all = { .outcomes = "nnaaa nnaaa 00" },
	},
};

SHAPE(tmpfs_private_readonly) {
	.shape = {
		.make = make_file,
		.arg = PRIVATE | READ_ONLY,
		.all = { .outcomes = "SSEcE SSccc S0" },
	},
};

SHAPE(tmpfs_cowed) {
	.shape = {
		.make = make_file,
		.arg = PRIVATE | COWED,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(tmpfs_half_cowed) {
	.shape = {
		.make = make_file,
		.arg = PRIVATE | HALF_COWED,
		.all = { .outcomes = "SSccc SSccc S0" },
		.odd = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(disk_shared) {
	.shape = {
		.make = make_file,
		.arg = ON_DISK,
		.all = { .outcomes = "SSSSE SSSSE S0", .order = ANY_ORDER },
		.shared_map = true,
	},
};

SHAPE(disk_readonly) {
	.shape = {
		.make = make_file,
		.arg = ON_DISK | READ_ONLY,
		.all = { .outcomes = "SSESE SSESE S0", .order = ANY_ORDER },
		.shared_map = true,
		.final = true,
	},
};

SHAPE(disk_private) {
	.shape = {
		.make = make_file,
		.arg = ON_DISK | PRIVATE,
		.all = { .outcomes = "SSccc SSccc S0", .order = ANY_ORDER },
	},
};

SHAPE(disk_private_readonly) {
	.shape = {
		.make = make_file,
		.arg = ON_DISK | PRIVATE | READ_ONLY,
		.all = { .outcomes = "SSEcE SSccc S0", .order = ANY_ORDER },
	},
};

SHAPE(disk_cowed) {
	.shape = {
		.make = make_file,
		.arg = ON_DISK | PRIVATE | COWED,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_ANON },
	},
};

SHAPE(secretmem) {
	.shape = {
		.make = make_secretmem,
		.all = { .outcomes = "EEEEE EEEEE 00" },
		.shared_map = true,
	},
};

FIXTURE_VARIANT_ADD(memfd, memfd_fresh) {
	.shape = {
		.make = make_memfd,
		.all = { .outcomes = "nnnnn nnnnn 00" },
		.shared_map = true,
	},
};

FIXTURE_VARIANT_ADD(memfd, memfd_written) {
	.shape = {
		.make = make_memfd,
		.arg = true,
		.all = { .outcomes = "SSSSS SSSSS SS" },
		.shared_map = true,
	},
};

FIXTURE_VARIANT_ADD(memfd, memfd_huge) {
	.shape = {
		.make = make_huge_shmem,
		.arg = true,
		.all = { .outcomes = "SSSSS SSSSS SS", .order = 9 },
		.shared_map = true,
	},
};

FIXTURE_VARIANT_ADD(memfd, hugetlb_memfd) {
	.shape = {
		.make = make_hugetlb_memfd,
		.arg = 2048,
		.all = { .outcomes = "SSSSS SSSSS SS",
			 .kind = GUP_RIG_REC_HUGETLB, .order = 9 },
		.shared_map = true,
	},
};

FIXTURE_VARIANT_ADD(memfd, tmpfs_shared) {
	.shape = {
		.make = make_file,
		.all = { .outcomes = "SSSSS SSSSS SS" },
		.shared_map = true,
	},
};

FIXTURE_VARIANT_ADD(memfd, tmpfs_huge_always) {
	.shape = {
		.make = make_huge_tmpfs,
		.arg = HUGE_ALWAYS,
		.all = { .outcomes = "SSSSS SSSSS SS", .order = 9 },
		.shared_map = true,
	},
};

FIXTURE_VARIANT_ADD(remote, anon_forked) {
	.shape = {
		.make = make_forked,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON, .shared = true },
	},
};

FIXTURE_VARIANT_ADD(remote, mthp_forked) {
	.shape = {
		.make = make_thp_forked,
		.arg = 64,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON, .order = 4,
			 .shared = true },
	},
};

FIXTURE_VARIANT_ADD(remote, thp_forked) {
	.shape = {
		.make = make_thp_forked,
		.arg = 2048,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON, .order = 9,
			 .shared = true },
	},
};

FIXTURE_VARIANT_ADD(remote, hugetlb_forked) {
	.shape = {
		.make = make_hugetlb_forked,
		.arg = 2048,
		.all = { .outcomes = "Scccc Scccc S0",
			 .kind = GUP_RIG_REC_ANON | GUP_RIG_REC_HUGETLB,
			 .order = 9, .copy_order = 9, .shared = true },
	},
};

FIXTURE_VARIANT_ADD(remote, shmem_forked) {
	.shape = {
		.make = make_shmem_forked,
		.all = { .outcomes = "SSSSS SSSSS SS" },
		.shared_map = true,
	},
};

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

static pid_t main_pid;

static void print_combinations(void)
{
	if (getpid() == main_pid)
		ksft_print_msg("%lu combinations\n", *combinations);
}

static void print_usage(void)
{
	printf("usage: gup_shapes [--all] [options of the harness]\n"
	       "  --all  each shape in every variant of each function, not in some\n"
	       "  -h     the options of the harness: to choose tests\n");
}

/* Ours comes off, the harness gets the others. Returns how many those are. */
static int parse_options(int argc, char **argv)
{
	int i, left = 1;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			print_usage();
			exit(0);
		}
		if (!strcmp(argv[i], "--all"))
			all_ways = true;
		else
			argv[left++] = argv[i];
	}
	argv[left] = NULL;
	return left;
}

int main(int argc, char **argv)
{
	int status;

	argc = parse_options(argc, argv);
	status = gup_check_start(argc, argv);
	if (status != KSFT_PASS)
		return status;
	main_pid = getpid();
	combinations = mmap(NULL, psize(), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (combinations == MAP_FAILED)
		ksft_exit_fail_perror("mmap");
	calm_down();
	atexit(print_combinations);
	return test_harness_run(argc, argv);
}
