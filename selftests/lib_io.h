/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of GUP's users share: memory of each kind, with a pattern in it;
 * another process to share it with; pins of the whole system; io_uring; and things
 * to do direct I/O to.
 *
 * As in lib_gup.h, what returns bool returns false when something is not as it must
 * be, and gup_why() then says what. Nothing in here prints or exits.
 */
#ifndef LIB_IO_H
#define LIB_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "lib_gup.h"

#define THP_SYSFS	"/sys/kernel/mm/transparent_hugepage/"
#define MTHP_KNOB	THP_SYSFS "hugepages-64kB/enabled"
#define HUGETLB_SYSFS	"/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define KB		1024UL
#define MB		(1024 * KB)
#define HUGE		(2 * MB)
#define SIZE		(2 * HUGE)	/* of memory, if nothing else is said */
#define SECTOR		512UL
#define FILE_OFFSET	(3 * 4096)	/* where in a file data goes */

struct io_mem;

/**
 * struct io_kind - of memory
 * @make: maps @mem->len bytes and fills them
 * @folio: bytes of a folio
 * @shared: MAP_SHARED: @mem->file is what is mapped
 * @hugetlb: of MAP_HUGETLB or MFD_HUGETLB
 * @file: the memory is a file in the page cache of a disk, mapped read-only
 */
struct io_kind {
	const char *name;
	bool (*make)(struct io_mem *m);
	size_t folio;
	bool shared;
	bool hugetlb;
	bool file;
};

/* Inaccessible pages lie before and behind @map, so that nothing merges with it. */
struct io_mem {
	const struct io_kind *kind;
	char *map;
	size_t len;
	int file;
	__u64 seed;
};

#define IO_NR_KINDS	9
extern const struct io_kind io_kinds[IO_NR_KINDS];

/* Ranges of memory that begin and end where it is inconvenient. */
struct io_range {
	size_t from;
	size_t len;
};

#define IO_NR_RANGES	5
extern const struct io_range io_ranges[IO_NR_RANGES];

/* Shared with the process of the test: what it found. */
extern struct io_outcome {
	bool skipped;
	char why[512];
} *io_outcome;

/* Who is not root cannot have all kinds of memory, and no counts. */
extern bool io_root;

/* The test is a SKIP for this reason. Returns false, and nothing may follow but the end. */
bool io_skip(const char *format, ...) __printf(1, 2);
/* With errno. */
bool io_fails(const char *what);
bool io_expect(const char *what, long got, long want);
/* A system call returned -1 and this errno. */
bool io_expect_errno(const char *what, long got, int want);

/*
 * Contents: byte i of the pattern of a seed depends on both, so that a page in the
 * place of another shows. @skip: how many bytes of the pattern to leave out.
 */
void io_fill(char *to, size_t len, __u64 seed, size_t skip);
bool io_check(const char *what, const char *at, size_t len, __u64 seed, size_t skip);
/* All has the pattern of its own seed but for [from, from + len), which has another. */
bool io_check_but(const char *what, const struct io_mem *m, size_t from, size_t len,
		  __u64 seed);
/* A new pattern. */
void io_refill(struct io_mem *m);

/* Pins of the whole system. Who is not root may not fold them: nothing is checked. */
bool io_pins(struct gup_pins *pins);
/* So many more are out than at @then. */
bool io_expect_out(const char *what, const struct gup_pins *then, long want);
/* As many are out as then, but some were taken. */
bool io_expect_pinned(const char *what, const struct gup_pins *then, long at_least);

/* The huge pages of 2 MB. */
struct io_pool {
	long free;
	long reserved;
};

struct io_pool io_read_pool(void);
/* Against @before. */
bool io_expect_pool(const char *what, const struct io_pool *before, long free, long reserved);

/* Pieces of @unit bytes, at multiples of it, that a range touches. */
size_t io_units(const char *at, size_t len, size_t unit);
size_t io_pages(const char *at, size_t len);

/*
 * What root can have for the asking; what is refused is a skip of those that want it. So
 * many huge pages are in the pool then. exit() undoes it.
 */
void io_prepare(unsigned long hugepages);
/* Or a skip. */
bool io_thp_is_on(void);
/* Checks that it is what it should be; false with io_outcome->skipped if it cannot. */
bool io_make(struct io_mem *m, const struct io_kind *kind, size_t len);

/* A file without a name in $TMPDIR or /tmp, or -1. */
int io_new_file(void);
bool io_write_file(int file, size_t len, __u64 seed, off_t offset);
bool io_check_file(const char *what, int file, size_t len, __u64 seed, off_t offset);
/* The same file without the page cache between, or -1. */
int io_reopen_direct(int file);

/* Another process, with memory of its own or a share of this one's. */
enum order_what { FILL, CHECK, PROTECT, UNMAP, STOP };

struct io_order {
	enum order_what what;
	size_t from, len, skip;
	__u64 seed;
	int prot;
};

struct io_peer {
	pid_t pid;
	int ask[2], answer[2];
	struct io_mem mem;
};

/* With memory of a kind that it makes, or (NULL) with the @mem that is here. */
bool io_peer_start(struct io_peer *p, const struct io_kind *kind, const struct io_mem *mem);
void io_peer_stop(struct io_peer *p);
/* Let it do something with its memory. */
bool io_order(struct io_peer *p, struct io_order o);
/* It has the pattern of its seed but for [from, from + len). */
bool io_peer_check_but(struct io_peer *p, size_t from, size_t len, __u64 seed);

/* io_uring, without its library. */
struct io_ring {
	int fd;
	unsigned int *sq_tail, *cq_head, *cq_tail;
	unsigned int sq_mask, cq_mask;
	unsigned int *sq_array;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

bool io_ring_open(struct io_ring *r);
bool io_ring_register(struct io_ring *r, struct iovec *iov, unsigned int nr);
bool io_ring_unregister(struct io_ring *r);
/* Without buffer @index, whose place stays empty. */
bool io_ring_drop(struct io_ring *r, unsigned int index);
/* Buffers of @from, all of them, in a ring that has none. */
bool io_ring_clone(struct io_ring *r, const struct io_ring *from);
/* What a READ_FIXED or WRITE_FIXED returns, out of buffer @index. */
int io_ring_io(struct io_ring *r, int op, int index, int file, char *at, size_t len,
	       off_t offset);

/* Something to do direct I/O to. */
struct io_target {
	int direct;		/* the way that is tested */
	int cached;		/* to look at it */
};

bool io_open_disk(struct io_target *t);
bool io_open_ram(struct io_target *t);
bool io_open_loop(struct io_target *t);
/* With blocks of so many bytes. */
bool io_open_loop_of(struct io_target *t, unsigned int block);

#endif /* LIB_IO_H */
