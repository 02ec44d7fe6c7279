/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUP_RIG_H
#define GUP_RIG_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * /sys/kernel/debug/gup_rig: GUP calls that report
 * ================================================
 *
 * For the selftests of the rig, which are built from the same sources as the
 * kernel: so there are no versions, and the interface changes when they do.
 *
 *   GUP_RIG_RUN	call one of the GUP functions on a range, release again
 *			(or hold) what it gave, report
 *   GUP_RIG_HOLD	look at, read, write or release what a run holds
 *   GUP_RIG_HELD	how much this open file holds
 *
 * The result of a call and that of GUP are two things. The ioctl returns -1 and
 * errno if the request as such is wrong or could not be carried out; nothing is
 * held then, and the struct is left as it was. It returns 0 if GUP was called.
 * What GUP said, failures included, is then in the struct.
 *
 * Errors of all:
 *   EFAULT	the struct, or the buffer it points to, cannot be read or written;
 *		a part of it may have been written then
 *   EINVAL	an unknown flag, operation or id
 *   ENOTTY	an ioctl that is none of these
 *
 * What is held belongs to the open file: it is released by GUP_RIG_HOLD, or on
 * the last close, whatever became of the process or of its mappings. A call that
 * ends early, because of a signal or because a buffer faults, releases all that
 * it took.
 *
 * Only root can open the file. Who has it open can look at, read and write all
 * that it holds, also pages of a process that it could not trace. There is no
 * limit to what a file holds, but the arrays for it are charged to the memory
 * cgroup of the caller. The pages are not counted against RLIMIT_MEMLOCK, nor as
 * pinned memory of the mm.
 *
 * Threads may use one file at the same time. No lock is held while GUP runs,
 * but mmap_lock where GUP wants it, and none while a run copies to the caller.
 */
#define GUP_RIG_FILE	"/sys/kernel/debug/gup_rig"

#define GUP_RIG_RUN	_IOWR('G', 1, struct gup_rig_run)
#define GUP_RIG_HOLD	_IOWR('G', 2, struct gup_rig_hold)
#define GUP_RIG_HELD	_IOR('G', 3, struct gup_rig_held)

/* Largest gup_rig_run.nr_pages: an array of this length can still be allocated. */
#define GUP_RIG_MAX_PAGES	(16UL << 20)

/*
 * gup_rig_run.api: the function to call. 0 is none, so that an empty struct is
 * refused. "Locked" is mmap_lock of the mm held for reading, once for all the
 * calls of a pass; it is taken before and dropped after get_ns.
 *
 * PIN_RANGES appends to one array of ranges, in all calls of a pass. What is told
 * and held are the pages of the ranges. It takes what PIN_FAST takes, but a kernel
 * without the function refuses it: EINVAL. If the ranges are not those that the pages
 * make, @error is -EUCLEAN, which GUP never returns, and the pins of the call stay.
 */
#define GUP_RIG_API_GET			1  /* get_user_pages(), locked */
#define GUP_RIG_API_PIN			2  /* pin_user_pages(), locked */
#define GUP_RIG_API_GET_FAST		3  /* get_user_pages_fast() */
#define GUP_RIG_API_PIN_FAST		4  /* pin_user_pages_fast() */
#define GUP_RIG_API_GET_FAST_ONLY	5  /* get_user_pages_fast_only() */
#define GUP_RIG_API_GET_UNLOCKED	6  /* get_user_pages_unlocked() */
#define GUP_RIG_API_PIN_UNLOCKED	7  /* pin_user_pages_unlocked() */
#define GUP_RIG_API_GET_REMOTE		8  /* get_user_pages_remote(), locked */
#define GUP_RIG_API_PIN_REMOTE		9  /* pin_user_pages_remote(), locked */
#define GUP_RIG_API_MEMFD		10 /* memfd_pin_folios() */
#define GUP_RIG_API_POPULATE		11 /* get_user_pages(), pages == NULL, locked */
#define GUP_RIG_API_FAULT		12 /* fixup_user_fault() per page, locked */
#define GUP_RIG_API_PIN_RANGES		13 /* pin_user_page_ranges_fast() */
#define GUP_RIG_NR_APIS			14

/*
 * gup_rig_run.gup_flags. These are not the kernel's FOLL_* values: those are
 * internal and are renumbered now and then. GUP itself warns if a caller
 * combines flags that it does not allow, so only those that it allows are
 * accepted for an API; LONGTERM and PCI_P2PDMA exclude each other.
 */
#define GUP_RIG_FOLL_WRITE		0x0001
#define GUP_RIG_FOLL_FORCE		0x0002
#define GUP_RIG_FOLL_LONGTERM		0x0004
#define GUP_RIG_FOLL_NOFAULT		0x0008
#define GUP_RIG_FOLL_NOWAIT		0x0010
#define GUP_RIG_FOLL_DUMP		0x0020
#define GUP_RIG_FOLL_ANON		0x0040
#define GUP_RIG_FOLL_HWPOISON		0x0080
#define GUP_RIG_FOLL_SPLIT_PMD		0x0100
#define GUP_RIG_FOLL_PCI_P2PDMA		0x0200
#define GUP_RIG_FOLL_INTERRUPTIBLE	0x0400
#define GUP_RIG_FOLL_HONOR_NUMA_FAULT	0x0800

/*
 * gup_rig_run.flags.
 *
 * HOLD: keep the pages of the last pass, see GUP_RIG_HOLD. All or nothing: if
 *   GUP gave fewer than nr_pages they are released and .handle is 0.
 * CONTINUE: after a call that gave fewer pages than asked, but at least one, go
 *   on behind them, as drivers do, until a call gives none or an error. Without
 *   it, the run ends with the first call that falls short, and .error is 0.
 * LOCKED: GET_REMOTE and PIN_REMOTE: pass the "locked" pointer, which lets GUP
 *   drop mmap_lock and retry a fault. The lock is taken again for the next call.
 * IRQS_OFF: GET_FAST_ONLY: make each call with interrupts disabled.
 */
#define GUP_RIG_RUN_HOLD		0x0001
#define GUP_RIG_RUN_CONTINUE		0x0002
#define GUP_RIG_RUN_LOCKED		0x0004
#define GUP_RIG_RUN_IRQS_OFF		0x0008

/*
 * gup_rig_run.put, gup_rig_hold.put: how to release.
 *
 * DEFAULT: what got by GET: put_page() each; PIN: unpin_user_pages() for all;
 *   MEMFD: unpin_folios() for all; PIN_RANGES: unpin_user_page_ranges(), if all
 *   are put at once, else as PIN.
 * ONE: PIN: unpin_user_page() each; MEMFD: unpin_folio() each.
 * DIRTY: PIN: unpin_user_pages_dirty_lock(make_dirty = true) for all.
 * RANGE: PIN: unpin_user_page_range_dirty_lock(make_dirty = false), one call for
 *   each stretch of entries that are consecutive pages, also across folios.
 * RANGE_DIRTY: the same with make_dirty = true.
 *
 * Others than DEFAULT are refused (-EINVAL) where they are not listed, and the
 * DIRTY ones without GUP_RIG_FOLL_WRITE: one must not dirty the zero page.
 */
#define GUP_RIG_PUT_DEFAULT		0
#define GUP_RIG_PUT_ONE			1
#define GUP_RIG_PUT_DIRTY		2
#define GUP_RIG_PUT_RANGE		3
#define GUP_RIG_PUT_RANGE_DIRTY		4

/**
 * struct gup_rig_run - argument of GUP_RIG_RUN
 * @api:	in: GUP_RIG_API_*
 * @gup_flags:	in: GUP_RIG_FOLL_*
 * @flags:	in: GUP_RIG_RUN_*
 * @put:	in: GUP_RIG_PUT_*, how to release
 * @repeat:	in: passes over the range, at least 1; each gets and then puts
 * @fd:		in: GET_REMOTE and PIN_REMOTE: pidfd of the process whose memory it
 *		is (needs ptrace access to it); MEMFD: the memfd; else 0
 * @addr:	in: address of the first page; MEMFD: offset in the file, bytes.
 *		A multiple of the page size.
 * @nr_pages:	in: length of the range, pages, 1 to GUP_RIG_MAX_PAGES
 * @pages_per_call: in: ask for so many pages in a call (the last call of a pass
 *		for what is left); 0 for all of them. FAULT takes a page per call,
 *		and 0 or 1 here.
 * @records:	in: address of an array of struct gup_rig_record, or 0
 * @nr_records:	in: entries that the array has room for; 0 if and only if
 *		@records is 0
 * @pages_done:	out: pages that GUP gave in the last pass that was made. For MEMFD
 *		those of the range that are in the folios it gave; if one of these is not
 *		of the range, the call counts for nothing, and is the last.
 * @entries:	out: entries of GUP's array in that pass: pages, so the same as
 *		@pages_done; folios for MEMFD, a folio again for each call that
 *		gave it; 0 for POPULATE and FAULT
 * @passes:	out: passes in which GUP gave all pages; == @repeat if nothing failed
 * @calls:	out: calls of the GUP function in all passes, failed ones included
 * @get_ns:	out: nanoseconds in GUP, all passes
 * @put_ns:	out: nanoseconds releasing, all passes; without the last if it is held
 * @records_done: out: entries written to @records
 * @first_offset: out: MEMFD: *offset of memfd_pin_folios(), first call of the last
 *		pass: bytes from the start of the first folio to @addr; else 0
 * @error:	out: what the first call that failed returned, a negative errno;
 *		0 if none failed. A run stops at the first failure.
 * @handle:	out: with RUN_HOLD, names what is held; > 0, or 0 if nothing is
 *
 * Times are those of ktime_get(), which has a resolution of its own, around the
 * loop of calls over a pass. So they contain the loop, some ten instructions a
 * call (PIN_RANGES: some for each page of the pass), and preemption and interrupts.
 * Taking mmap_lock is not in them, waiting for it inside GUP is. A signal is looked
 * for after each call, within them.
 *
 * Success is error == 0 && pages_done == nr_pages && passes == repeat. A call
 * that returned fewer pages than asked, 0 included, ends the run with error == 0
 * (see GUP_RIG_RUN_CONTINUE, which finds out why).
 *
 * RUN_HOLD, records and @put are refused for POPULATE and FAULT, which give
 * nothing that could be held. FAULT takes FOLL_WRITE only, and MEMFD too: that
 * function has no flags, WRITE says that GUP_RIG_HOLD may write, and the memfd
 * must have been opened for reading and for writing, and not be sealed against
 * writing when the run starts.
 *
 * Errors, besides those of all:
 *   EINVAL	a field that has to be 0 is not; addr is no multiple of the page
 *		size; nr_pages or repeat is 0; flags or put that @api does not
 *		accept. (A file that is no memfd, or a range outside of it, is for
 *		memfd_pin_folios() to refuse: see @error.)
 *   EOVERFLOW	too many pages, or the end of the range is no address
 *   EBADF	@fd is no open file or no pidfd; MEMFD: not opened for reading, or
 *		with WRITE not for writing
 *   EPERM	MEMFD: WRITE, and the file is sealed against it
 *   ESRCH, EACCES  no such process any more, or no ptrace access to it
 *   ENOMEM	no memory for the array of pages or records
 *   EINTR	a signal is pending and there was more to do
 */
struct gup_rig_run {
	__u32 api;
	__u32 gup_flags;
	__u32 flags;
	__u32 put;
	__u32 repeat;
	__s32 fd;
	__u64 addr;
	__u64 nr_pages;
	__u64 pages_per_call;
	__u64 records;
	__u64 nr_records;
	__u64 pages_done;
	__u64 entries;
	__u64 passes;
	__u64 calls;
	__u64 get_ns;
	__u64 put_ns;
	__u64 records_done;
	__u64 first_offset;
	__s32 error;
	__u32 handle;
};

/**
 * struct gup_rig_record - what is known of one entry of GUP's array
 * @pfn:	page frame number of the page. MEMFD: of the first page of the
 *		range that is in the folio.
 * @folio_pfn:	page frame number of the first page of its folio
 * @flags:	GUP_RIG_REC_*
 * @before_pfn:	page frame number of what was there before the pass, see BEFORE
 * @ref_before:	reference count of the folio @before_pfn is in, before the pass
 * @ref_held:	that of this folio while all pages of the pass are held
 * @ref_after:	that of this folio after all were put
 * @pin_before:	pins of the folio @before_pfn is in, before the pass
 * @pin_held:	pins of this folio while all pages of the pass are held
 * @pin_after:	pins of this folio after all were put
 * @mapcount:	page table entries that map any page of the folio (a PMD or PUD
 *		leaf is one), while held
 * @folio_order: the folio has 2^order pages
 * @folio_offset: number of the page in the folio, from 0
 * @run:	entries from this one on, itself included, that are consecutive
 *		pages of this folio; MEMFD: 1
 * @nid:	NUMA node of the page
 * @call:	number of the call of the pass that gave it, from 0
 *
 * How it is measured. The records describe the last pass that was made, one for
 * each entry that GUP gave, in the order of the range. Three times the kernel
 * looks at them:
 *
 * before:  ahead of the pass, what the page tables of the mm map at each address
 *	    under the page table lock and mmap_lock. This takes no reference,
 *	    faults nothing in and changes nothing. (MEMFD: what is in the page
 *	    cache, with a reference for that moment, which is not counted.) Where
 *	    nothing is mapped the before_* are 0 and BEFORE is not set; a run
 *	    with repeat = 2 finds what its first pass mapped.
 * held:    after the last call of the pass, with everything held.
 * after:   after the put, once more what is mapped at each address. If that is
 *	    another page, or none, the *_after are 0 and AFTER is not set: the
 *	    page may have gone. Not done if the pages are held.
 *
 * No lock is held between them. Ahead of each, the per-CPU batches of the LRU are
 * drained on all CPUs: these have references, and GUP itself puts pages there.
 * The get_ns and put_ns of such a run are right, but caches are warm.
 *
 * Counts are those of the folio. One that is in the array k times, by any of its
 * pages, gains k references and, with PIN, k pins: for GET
 *	ref_held - ref_before == k,
 * and for PIN of a folio that has a pincount (flag PINCOUNT)
 *	ref_held - ref_before == k, pin_held - pin_before == k,
 * and of one that has none
 *	ref_held - ref_before == 1024 * k.
 * MEMFD pins too, by the rules for PIN. The small zero page is never pinned: no
 * change with PIN; with GET it has its reference like any other, and the huge
 * zero page has both. In the end, *_after == *_before. All this needs the same
 * folio before and now: before_pfn == pfn.
 *
 * Without PINCOUNT the pins are the reference count divided by 1024, rounded
 * down: an estimate, it is too large for a folio with that many references.
 *
 * Another thread or process that maps, unmaps, forks, reads, writes, swaps,
 * migrates, collapses or splits here, khugepaged, KSM, reclaim and writeback:
 * each may change a count, a flag or the mapping between two of these looks, and
 * it will look as if GUP had. Fields are read one after the other, so they may
 * also disagree. What nothing can change while the page is held: @pfn,
 * @folio_pfn, @folio_order, @folio_offset, @run, @nid, ANON, HUGETLB, LARGE,
 * ZERO. Counts are exact if nobody else uses the memory: one thread, a range
 * that no other process maps, no swap.
 */
struct gup_rig_record {
	__u64 pfn;
	__u64 folio_pfn;
	__u64 flags;
	__u64 before_pfn;
	__s32 ref_before;
	__s32 ref_held;
	__s32 ref_after;
	__s32 pin_before;
	__s32 pin_held;
	__s32 pin_after;
	__s32 mapcount;
	__u32 folio_order;
	__u32 folio_offset;
	__u32 run;
	__s32 nid;
	__u32 call;
};

/* gup_rig_record.flags: the page and its folio, while held */
#define GUP_RIG_REC_ANON		0x0000000001ULL
#define GUP_RIG_REC_KSM			0x0000000002ULL
#define GUP_RIG_REC_DIRTY		0x0000000004ULL /* the folio's flag, not the PTE's */
#define GUP_RIG_REC_UPTODATE		0x0000000008ULL
#define GUP_RIG_REC_REFERENCED		0x0000000010ULL
#define GUP_RIG_REC_LRU			0x0000000020ULL
#define GUP_RIG_REC_LOCKED		0x0000000040ULL
#define GUP_RIG_REC_WRITEBACK		0x0000000080ULL
#define GUP_RIG_REC_SWAPBACKED		0x0000000100ULL
#define GUP_RIG_REC_SWAPCACHE		0x0000000200ULL
#define GUP_RIG_REC_MLOCKED		0x0000000400ULL
#define GUP_RIG_REC_ZERO		0x0000000800ULL /* shared zero page, small or huge */
#define GUP_RIG_REC_LARGE		0x0000001000ULL /* folio of more than a page */
#define GUP_RIG_REC_HUGETLB		0x0000002000ULL
#define GUP_RIG_REC_SHARED		0x0000004000ULL /* folio_maybe_mapped_shared() */
#define GUP_RIG_REC_DMA_PINNED		0x0000008000ULL /* folio_maybe_dma_pinned() */
#define GUP_RIG_REC_LONGTERM_OK		0x0000010000ULL /* folio_is_longterm_pinnable() */
#define GUP_RIG_REC_PINCOUNT		0x0000020000ULL /* the pins are exact */
#define GUP_RIG_REC_CMA			0x0000040000ULL
#define GUP_RIG_REC_MOVABLE		0x0000080000ULL /* in ZONE_MOVABLE */
#define GUP_RIG_REC_DEVICE		0x0000100000ULL /* in ZONE_DEVICE */

/* gup_rig_record.flags: the address, see "how it is measured" */
#define GUP_RIG_REC_BEFORE		0x0100000000ULL /* the *_before are valid */
#define GUP_RIG_REC_AFTER		0x0200000000ULL /* the *_after are valid */
#define GUP_RIG_REC_MAPPED		0x0400000000ULL /* while held: address maps this page */
#define GUP_RIG_REC_EXCLUSIVE		0x0800000000ULL /* with MAPPED: anon, not shared */
#define GUP_RIG_REC_LEAF_PMD		0x1000000000ULL /* with MAPPED: by a PMD leaf */
#define GUP_RIG_REC_LEAF_PUD		0x2000000000ULL /* with MAPPED: by a PUD leaf */
#define GUP_RIG_REC_LEAF_WRITE		0x4000000000ULL /* with MAPPED: entry is writable */
#define GUP_RIG_REC_LEAF_DIRTY		0x8000000000ULL /* with MAPPED: dirty; PTE, PMD only */

/* GUP_RIG_HOLD_RECORD only: was released, everything else in the record is 0 */
#define GUP_RIG_REC_EMPTY		0x10000000000ULL

/*
 * gup_rig_hold.op.
 *
 * RECORD: write a record for each of the entries @first to @first + @nr - 1 to
 *   @buf. As for a run, but now is "held" and there is no before and no after.
 *   MAPPED and LEAF_* say what the address that was pinned maps now, in the mm
 *   that it was pinned in (MEMFD: MAPPED if the page cache has the folio at this
 *   offset now). @run counts within the entries asked for. @call is 0.
 * READ: copy @len bytes from the pages to @buf, as a device would that reads
 *   them: through the kernel's own mapping, whatever the page tables of any
 *   process say now. Starts @offset bytes into entry @first and goes on with the
 *   next entry where one ends; an entry is a page, or a folio for MEMFD.
 * WRITE: copy @len bytes from @buf to the pages, in the same way. The run must
 *   have had GUP_RIG_FOLL_WRITE. Does not mark anything dirty: release with
 *   GUP_RIG_PUT_DIRTY to have that.
 * RELEASE: release the entries @first to @first + @nr - 1 with @put. Those that
 *   were released already are left alone. The handle is gone when all are.
 */
#define GUP_RIG_HOLD_RECORD		1
#define GUP_RIG_HOLD_READ		2
#define GUP_RIG_HOLD_WRITE		3
#define GUP_RIG_HOLD_RELEASE		4

/**
 * struct gup_rig_hold - argument of GUP_RIG_HOLD
 * @op:		in: GUP_RIG_HOLD_*
 * @handle:	in: what gup_rig_run.handle was
 * @first:	in: number of the first entry, from 0
 * @nr:		in: RECORD, RELEASE: number of entries, 0 for all from @first on;
 *		else 0
 * @offset:	in: READ, WRITE: bytes; less than the size of entry @first; else 0
 * @len:	in: READ, WRITE: bytes, at least 1; else 0
 * @buf:	in: RECORD, READ, WRITE: address of the caller's buffer; else 0
 * @done:	out: records written, bytes copied, or entries released (those
 *		that were still held)
 * @put:	in: RELEASE: GUP_RIG_PUT_*; else 0
 *
 * The operations on one file wait for each other (but runs do not): a buffer
 * that is on userfaultfd must not be served by a thread that needs one.
 *
 * @handle is a number of the open file, also valid in a child that inherited it.
 *
 * Errors, besides those of all:
 *   EINVAL	a field that has to be 0 is not; len is 0; put that the API does not
 *		accept
 *   ENOENT	no such handle
 *   ERANGE	entries that are not there, or the range goes behind the last one;
 *		nothing was copied
 *   ENODATA	READ, WRITE: an entry was released; nothing was copied
 *   EACCES	WRITE: the run was without GUP_RIG_FOLL_WRITE
 *   EFAULT	@buf: bytes may have been copied up to where it faults. If @done
 *		cannot be written, what was asked for is done.
 *   EINTR	a signal is pending and there was more to do
 */
struct gup_rig_hold {
	__u32 op;
	__u32 handle;
	__u64 first;
	__u64 nr;
	__u64 offset;
	__u64 len;
	__u64 buf;
	__u64 done;
	__u64 put;
};

/**
 * struct gup_rig_held - result of GUP_RIG_HELD
 * @entries:	that this open file holds now, by all its handles
 * @handles:	that this open file has now
 */
struct gup_rig_held {
	__u64 entries;
	__u64 handles;
};

#endif /* GUP_RIG_H */
