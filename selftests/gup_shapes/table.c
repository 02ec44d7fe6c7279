// SPDX-License-Identifier: GPL-2.0
/*
 * The shapes, and what GUP has to make of each: struct expect in shapes.h explains the
 * letters. Above each is the reason why it is here.
 */
#include <sys/mman.h>
#include "shapes.h"

#define ANON	GUP_RIG_REC_ANON
#define KSM	GUP_RIG_REC_KSM
#define HUGETLB	GUP_RIG_REC_HUGETLB
#define MLOCKED	GUP_RIG_REC_MLOCKED

const struct shape shapes[] = {
	/* Nothing is there: a read gets the zero page, which a pin for long or a write must not. */
	{ "anon_fresh", make_fresh, 0, .all = { .gives = "zznnn zznnn 00", .kind = ANON } },
	/* The plain case: present, writable, nobody else's. */
	{ "anon_written", make_written, 0, .all = { .gives = "SSSSS SSSSS SS", .kind = ANON } },
	/* The zero page is there: nobody may write to it, and it cannot be kept for long. */
	{ "anon_zero", make_zero, 0, .all = { .gives = "zzccc zzccc 00", .kind = ANON } },
	/* Both in turn: what is taken in one go must stop at each page. */
	{ "anon_mixed", make_mixed, 0, .all = { .gives = "SSSSS SSSSS SS", .kind = ANON },
	  .odd = { .gives = "zzccc zzccc 00", .kind = ANON } },
	/* Shared with a child: a pin must unshare, or the next write parts it from its process. */
	{ "anon_forked", make_forked, 0,
	  .all = { .gives = "Scccc Scccc S0", .kind = ANON, .shared = true },
	  .tests = PLAIN | REMOTE },
	/* The child has gone: the page is the parent's again, and a copy would be a waste. */
	{ "anon_reexclusive", make_orphaned, 0,
	  .all = { .gives = "SSSSS SSSSS S0", .kind = ANON, .shared = true } },
	/* The VMA refuses writes, FOLL_FORCE does not: as a debugger sets a breakpoint. */
	{ "anon_readonly", make_protected, PROT_READ,
	  .all = { .gives = "SSESE SSSSS S0", .kind = ANON } },
	/* No access at all, with the pages still there: only FOLL_FORCE gets at them. */
	{ "anon_prot_none", make_protected, PROT_NONE,
	  .all = { .gives = "EEEEE SSSSS 00", .kind = ANON } },
	/* Locked memory must stay so, also where a pin for long moves it. */
	{ "anon_mlocked", make_mlocked, 0,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON | MLOCKED } },
	/* The rights change in the middle: each VMA is looked at. */
	{ "two_vmas", make_two_vmas, 5, .all = { .gives = "SSSSS SSSSS SS", .kind = ANON },
	  .then = { .gives = "SSESE SSSSS S0", .kind = ANON }, .from = 5 },
	/* The pages before a hole are returned, to the last. */
	{ "hole", make_hole, 5, .all = { .gives = "SSSSS SSSSS SS", .kind = ANON },
	  .then = { .gives = "EEEEE EEEEE 00", .kind = ANON }, .from = 5 },
	/* A guard region lies in a VMA that is fine: only the entry says no. */
	{ "guard", make_guard, 5, .all = { .gives = "SSSSS SSSSS SS", .kind = ANON },
	  .then = { .gives = "EEEEE EEEEE 00", .kind = ANON }, .from = 5 },
	/* The same with nothing before it: an error, not a number. */
	{ "guard_first", make_guard, 0, .all = { .gives = "EEEEE EEEEE 00", .kind = ANON } },
	/* One call, two page tables. */
	{ "table_edge", make_edge, 2 * MB, .all = { .gives = "SSSSS SSSSS SS", .kind = ANON } },
	/* The same, one level up. */
	{ "upper_table_edge", make_edge, 1024 * MB,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON } },
	/* Merged pages are shared by all who have that content: a pin needs a copy. */
	{ "ksm", make_ksm, 0,
	  .all = { .gives = "Scccc Scccc S0", .kind = ANON | KSM, .shared = true } },
	/* A write would be reported, and nobody is there to let it through. */
	{ "uffd_wp_sigbus", make_uffd_wp, UFFD_SIGBUS,
	  .all = { .gives = "SSESE SSESE S0", .kind = ANON } },
	/* The same with somebody there: calls that may wait succeed. */
	{ "uffd_wp_served", make_uffd_wp, UFFD_SERVED,
	  .all = { .gives = "SSUSU SSUSU S0", .kind = ANON } },
	/* Folios of every size that is mapped by page table entries: taken many pages at a time. */
	{ "mthp_16k", make_thp, 16,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 2 } },
	{ "mthp_32k", make_thp, 32,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 3 } },
	{ "mthp_64k", make_thp, 64,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 4 } },
	{ "mthp_128k", make_thp, 128,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 5 } },
	{ "mthp_256k", make_thp, 256,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 6 } },
	{ "mthp_512k", make_thp, 512,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 7 } },
	{ "mthp_1024k", make_thp, 1024,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 8 } },
	/* Mapped by one entry of the PMD. */
	{ "thp", make_thp, 2048, .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 9 } },
	/* Large folios that are shared: each page is unshared by itself, into small ones. */
	{ "mthp_forked", make_thp_forked, 64,
	  .all = { .gives = "Scccc Scccc S0", .kind = ANON, .order = 4, .shared = true },
	  .tests = PLAIN | REMOTE },
	/* Shared once: the first page is taken over; then GUP's own reference is in the way. */
	{ "mthp_reexclusive", make_thp_orphaned, 64,
	  .all = { .gives = "Srrrr Srrrr S0", .kind = ANON, .order = 4, .shared = true } },
	/* A part of a folio is unmapped: the index of a page is not its place in the range. */
	{ "mthp_part", make_thp_part, 64,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 4 } },
	/* Every other page is gone: no two pages of the folio are neighbours. */
	{ "mthp_gaps", make_thp_gaps, 64,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 4 },
	  .odd = { .gives = "zznnn zznnn 00", .kind = ANON } },
	/* Neighbours in the folio, but in the opposite order. */
	{ "mthp_reversed", make_thp_reversed, 64,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 4 } },
	/* The huge zero page has no pins either, and a copy of it is huge. */
	{ "thp_zero", make_thp_zero, 2048,
	  .all = { .gives = "zzccc zzccc 00", .kind = ANON, .order = 9, .copy_order = 9 } },
	/* A PMD that is shared is split, then unshared page by page. */
	{ "thp_forked", make_thp_forked, 2048,
	  .all = { .gives = "Scccc Scccc S0", .kind = ANON, .order = 9, .shared = true },
	  .tests = PLAIN | REMOTE },
	/* Taken over as a whole: one entry, one reference. */
	{ "thp_reexclusive", make_thp_orphaned, 2048,
	  .all = { .gives = "SSSSS SSSSS S0", .kind = ANON, .order = 9, .shared = true } },
	/* The folio is whole, its PMD is not. */
	{ "thp_split_pmd", make_thp_split, 2048,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 9 } },
	/* As above, with a folio that was mapped by a PMD. */
	{ "thp_part", make_thp_part, 2048,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 9 } },
	{ "thp_gaps", make_thp_gaps, 2048,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON, .order = 9 },
	  .odd = { .gives = "zznnn zznnn 00", .kind = ANON } },
	/* hugetlb has its own way to fault, and no zero page. */
	{ "hugetlb_fresh", make_hugetlb_fresh, 2048,
	  .all = { .gives = "nnnnn nnnnn 00", .kind = ANON | HUGETLB, .order = 9 } },
	/* Present: GUP-fast takes it by its entry, in whichever table that is. */
	{ "hugetlb_written", make_hugetlb, 2048,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON | HUGETLB, .order = 9 } },
	/* To unshare takes a huge page, from the reserve. */
	{ "hugetlb_forked", make_hugetlb_forked, 2048,
	  .all = { .gives = "Scccc Scccc S0", .kind = ANON | HUGETLB, .order = 9, .copy_order = 9,
		   .shared = true },
	  .tests = PLAIN | REMOTE },
	/* FOLL_FORCE is refused here for shared mappings only: this one is private. */
	{ "hugetlb_readonly", make_hugetlb_readonly, 2048,
	  .all = { .gives = "SSESE SSSSS S0", .kind = ANON | HUGETLB, .order = 9 } },
	/* The pages of the file itself, which may be written for long. */
	{ "hugetlb_memfd", make_hugetlb_memfd, 2048,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = HUGETLB, .order = 9 }, .shared_map = true,
	  .tests = PLAIN | MEMFD },
	/* One level further up. Skipped where no such page was set aside at boot. */
	{ "hugetlb_1g", make_hugetlb_giant, 1024 * 1024,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON | HUGETLB, .order = 18 } },
	/* Shared memory: there is no zero page, reads make a page as well. */
	{ "shmem_fresh", make_shmem, 0, .all = { .gives = "nnnnn nnnnn 00" }, .shared_map = true },
	/* Present, and not anonymous: nothing is exclusive, nothing needs to be. */
	{ "shmem_written", make_shmem, true, .all = { .gives = "SSSSS SSSSS SS" },
	  .shared_map = true },
	/* A PMD of a page cache. */
	{ "shmem_huge", make_huge_shmem, 0, .all = { .gives = "SSSSS SSSSS SS", .order = 9 },
	  .shared_map = true },
	/* The same memory by way of a file: read and write through it must agree. */
	{ "memfd_fresh", make_memfd, 0, .all = { .gives = "nnnnn nnnnn 00" }, .shared_map = true,
	  .tests = PLAIN | MEMFD },
	{ "memfd_written", make_memfd, true, .all = { .gives = "SSSSS SSSSS SS" },
	  .shared_map = true, .tests = PLAIN | MEMFD },
	{ "memfd_huge", make_huge_shmem, true, .all = { .gives = "SSSSS SSSSS SS", .order = 9 },
	  .shared_map = true, .tests = PLAIN | MEMFD },
	/* What huge= of the mount asks for. */
	{ "tmpfs_huge_always", make_huge_tmpfs, HUGE_ALWAYS,
	  .all = { .gives = "SSSSS SSSSS SS", .order = 9 }, .shared_map = true,
	  .tests = PLAIN | MEMFD },
	{ "tmpfs_huge_within_size", make_huge_tmpfs, HUGE_WITHIN_SIZE,
	  .all = { .gives = "SSSSS SSSSS SS", .order = 9 }, .shared_map = true },
	/* A file that needs no write notification. */
	{ "tmpfs_shared", make_file, 0, .all = { .gives = "SSSSS SSSSS SS" }, .shared_map = true,
	  .tests = PLAIN | MEMFD },
	/* A shared mapping that is read-only stays so: FOLL_FORCE is for private ones. */
	{ "tmpfs_readonly", make_file, READ_ONLY, .all = { .gives = "SSESE SSESE S0" },
	  .shared_map = true, .final = true },
	/* A write, or a pin for long, goes to a copy: the file is to keep its data. */
	{ "tmpfs_private", make_file, PRIVATE, .all = { .gives = "SSccc SSccc S0" } },
	/* The same, not yet mapped: faults take another way. */
	{ "tmpfs_private_fresh", make_file, PRIVATE | UNTOUCHED,
	  .all = { .gives = "nnaaa nnaaa 00" } },
	/* The copy that FOLL_FORCE makes is not writable to the process either. */
	{ "tmpfs_private_readonly", make_file, PRIVATE | READ_ONLY,
	  .all = { .gives = "SSEcE SSccc S0" } },
	/* Copies already: anonymous pages in a file mapping. */
	{ "tmpfs_cowed", make_file, PRIVATE | COWED,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON } },
	/* Both in turn. */
	{ "tmpfs_half_cowed", make_file, PRIVATE | HALF_COWED, .all = { .gives = "SSccc SSccc S0" },
	  .odd = { .gives = "SSSSS SSSSS SS", .kind = ANON } },
	/* With dirty tracking: a pin to write for long would escape it, and is refused. */
	{ "disk_shared", make_file, ON_DISK,
	  .all = { .gives = "SSSSE SSSSE S0", .order = ANY_ORDER }, .shared_map = true },
	{ "disk_readonly", make_file, ON_DISK | READ_ONLY,
	  .all = { .gives = "SSESE SSESE S0", .order = ANY_ORDER }, .shared_map = true,
	  .final = true },
	/* The same refusal must not hit private mappings. */
	{ "disk_private", make_file, ON_DISK | PRIVATE,
	  .all = { .gives = "SSccc SSccc S0", .order = ANY_ORDER } },
	{ "disk_private_readonly", make_file, ON_DISK | PRIVATE | READ_ONLY,
	  .all = { .gives = "SSEcE SSccc S0", .order = ANY_ORDER } },
	{ "disk_cowed", make_file, ON_DISK | PRIVATE | COWED,
	  .all = { .gives = "SSSSS SSSSS SS", .kind = ANON } },
	/* Refused, whatever the flags: not even the kernel maps it. */
	{ "secretmem", make_secretmem, 0, .all = { .gives = "EEEEE EEEEE 00" },
	  .shared_map = true },
	/* Parent and child share it for good: what one pins the other writes to. */
	{ "shmem_forked", make_shmem_forked, 0, .all = { .gives = "SSSSS SSSSS SS" },
	  .shared_map = true, .tests = REMOTE },
};

const unsigned int nr_shapes = ARRAY_SIZE(shapes);
