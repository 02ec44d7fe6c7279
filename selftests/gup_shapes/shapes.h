/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gup_shapes: how memory is mapped (map.c and the recipes, make_*.c), what GUP has to
 * give there (table.c, expect.c), whether it does (check.c), and in which test (main.c).
 */
#ifndef GUP_SHAPES_H
#define GUP_SHAPES_H

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/types.h>
#include <linux/compiler.h>
#include "lib_gup.h"
#include "vm_util.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
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
 * @gives: one letter for each kind of call, in this order (blanks are ignored):
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
	const char *gives;
	__u64 kind;
	int order;
	int copy_order;
	bool shared;
};

/* Cannot: this kernel or machine does not have it. Broken: it should have worked. */
enum made { MADE, CANNOT, BROKEN };

/**
 * struct mapping - a shape that was made
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
struct mapping {
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

typedef enum made make_fn(struct mapping *m, unsigned long arg);

/* Which tests have a shape; 0 is PLAIN. */
enum { PLAIN = 1, MEMFD = 2, REMOTE = 4 };

/**
 * struct shape - how to map something, and what GUP has to say about it
 * @name: of the tests
 * @make: maps it
 * @arg: for @make
 * @all: what to expect of the pages
 * @odd: of every other page, the first one being even; gives NULL: @all
 * @then: of the pages from number @from on; @from == 0: none
 * @tests: PLAIN: GUP on the memory of the process; MEMFD: memfd_pin_folios() on its
 *	file; REMOTE: GUP on the memory of its child
 * @shared_map: MAP_SHARED: what the process writes is seen by all
 * @final: the process cannot be given write access
 */
struct shape {
	const char *name;
	make_fn *make;
	unsigned long arg;
	struct expect all;
	struct expect odd;
	struct expect then;
	unsigned long from;
	unsigned int tests;
	bool shared_map;
	bool final;
};

/* table.c */
extern const struct shape shapes[];
extern const unsigned int nr_shapes;

/* map.c */
enum made cannot(const char *what);
enum made broken(const char *what);
void put_words(char *p, __u64 word);
bool has_words(char *p, __u64 word);
void stamp(struct mapping *m, unsigned long i, unsigned long n);
void touch(struct mapping *m, unsigned long i, unsigned long n);
bool map_at(struct mapping *m, size_t len, size_t align, int flags, int file);
bool choose(struct mapping *m, unsigned long skip, unsigned long nr);
bool map_small(struct mapping *m, int flags, int file);
bool map_anon(struct mapping *m);
bool ask_child(struct mapping *m, char *c);
void end_child(struct mapping *m);
enum made and_forked(struct mapping *m, enum made made);
enum made map_shape(struct mapping *m, const struct shape *s);
void unmap_shape(struct mapping *m);

static inline char *page(const struct mapping *m, unsigned long i)
{
	return m->mem + i * psize();
}

static inline __u64 *first_word(char *p)
{
	return (__u64 *)p;
}

static inline __u64 *last_word(char *p)
{
	return (__u64 *)(p + psize()) - 1;
}

/* make_small.c */
make_fn make_fresh, make_written, make_zero, make_mixed, make_mlocked, make_protected,
	make_two_vmas, make_hole, make_guard, make_edge, make_forked, make_orphaned,
	make_ksm;

/* make_large.c: @arg is the size in KiB. */
make_fn make_thp, make_thp_zero, make_thp_forked, make_thp_orphaned, make_thp_split,
	make_thp_part, make_thp_gaps, make_thp_reversed, make_hugetlb_fresh, make_hugetlb,
	make_hugetlb_forked, make_hugetlb_readonly, make_hugetlb_memfd, make_hugetlb_giant;

size_t pmd_size(void);
bool is_folio(struct mapping *m, unsigned long i, int order);
void mthp_knob(char *path, size_t size, unsigned long kb, const char *name);
int order_of(unsigned long kb);

/* make_file.c */
make_fn make_file, make_shmem, make_shmem_forked, make_memfd, make_secretmem,
	make_huge_tmpfs, make_huge_shmem;

/* For make_file: where a file is, and how it is mapped. */
enum {
	ON_DISK = 1, PRIVATE = 2, READ_ONLY = 4,
	UNTOUCHED = 8, COWED = 16, HALF_COWED = 32,
};

/* For make_huge_tmpfs. */
enum { HUGE_ALWAYS, HUGE_WITHIN_SIZE };

/* make_uffd.c */
make_fn make_uffd_wp;

enum { UFFD_SIGBUS, UFFD_SERVED };

void end_uffd(struct mapping *m);

/* expect.c */
struct way {
	unsigned int api;
	__u64 flags;
};

#define NR_WAYS		12

extern const struct way ways[NR_WAYS];
extern bool all_ways;

bool way_pins(const struct way *w);
bool way_is_remote(const struct way *w);
bool way_is_due(const struct way *w, const struct shape *s, __u64 foll);
bool way_takes(const struct way *w, __u64 foll);

/**
 * struct attempt - one combination
 * @s: shape
 * @w: way to call GUP
 * @foll: GUP_RIG_FOLL_*
 * @m: the shape as it was made
 * @nr: pages that GUP has to give
 * @moves: LONGTERM: for each page, that it is where it must not stay
 * @held: first call, whose pages are held
 */
struct attempt {
	const struct shape *s;
	const struct way *w;
	__u64 foll;
	struct mapping m;
	unsigned long nr;
	bool *moves;
	struct gup_call held;
};

/* The flags of a record that say what a page is. */
#define KINDS	(GUP_RIG_REC_ANON | GUP_RIG_REC_KSM | GUP_RIG_REC_HUGETLB | \
		 GUP_RIG_REC_ZERO | GUP_RIG_REC_MLOCKED)

bool writes(const struct attempt *a);
char outcome(const struct attempt *a, unsigned long i);
unsigned long pages_to_get(const struct attempt *a);
__u64 kind_wanted(const struct attempt *a, unsigned long i);
int order_wanted(const struct attempt *a, unsigned long i);
bool exclusive_wanted(const struct attempt *a, unsigned long i);
bool stores_are_seen(const struct attempt *a, unsigned long i);

/* check.c */
extern int gup_fd;
extern int self_pidfd;
extern long pins_at_rest;

enum made try_way(struct attempt *a);
enum made try_memfd(struct attempt *a);
enum made try_remote(struct attempt *a);

#endif /* GUP_SHAPES_H */
