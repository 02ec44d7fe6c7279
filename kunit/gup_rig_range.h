/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A range of user memory, and what GUP gave for it: gup_rig_range.c gets and puts,
 * gup_rig_look.c records what came of it, gup_rig.c is the file in debugfs.
 */
#ifndef GUP_RIG_RANGE_H
#define GUP_RIG_RANGE_H

#include <linux/mm_types.h>
#include "gup_rig.h"

/**
 * struct gup_rig_api - what one of the GUP functions can be asked for
 * @foll: the GUP_RIG_FOLL_* it takes; 0: this kernel does not have the function
 * @run: the GUP_RIG_RUN_* that make sense for it
 * @puts: bitmap of the GUP_RIG_PUT_* that release what it gives, 0: nothing
 * @pins: gives pins, not plain references
 * @locked: its caller holds mmap_lock
 */
struct gup_rig_api {
	u32 foll;
	u32 run;
	u32 puts;
	bool pins;
	bool locked;
};

/* By GUP_RIG_API_*; 0 is none. */
extern const struct gup_rig_api gup_rig_apis[GUP_RIG_NR_APIS];

struct gup_look;
struct page_range;

/**
 * struct gup_range - a range of user memory, and what GUP gave for it
 * @api: GUP_RIG_API_*
 * @gup_flags: GUP_RIG_FOLL_*
 * @foll: the same as FOLL_*
 * @run_flags: GUP_RIG_RUN_*
 * @addr: address of the first page, or its offset in @file, bytes
 * @nr_pages: length of the range
 * @per_call: pages of a call
 * @mm: whose addresses these are, mmgrab()ed
 * @file: memfd, or NULL
 * @locked: mmap_lock is held
 * @pages: what GUP gave, @entries of them; NULL where it was released again
 * @folios: the same for memfd_pin_folios()
 * @ranges: pin_user_page_ranges_fast(): what it gave, @nr_ranges of them; whose pages
 *	@pages are
 * @nr_ranges: ranges of the last pass
 * @starts: memfd_pin_folios(): number of the page at which an entry starts
 * @entries: what GUP gave in the last pass
 * @held: how many of these were not released yet
 * @pages_done: how many pages they stand for
 * @pass_calls: calls of the last pass
 * @calls: calls of all passes
 * @get_ns: time in GUP, all passes
 * @put_ns: time releasing, all passes
 * @first_offset: from memfd_pin_folios()
 * @error: -errno of the call that failed, or 0
 * @records: kernel's copy of the caller's records
 * @nr_records: how many there are
 * @before: what was there before the pass
 */
struct gup_range {
	unsigned int api;
	unsigned int gup_flags;
	unsigned int foll;
	unsigned int run_flags;
	unsigned long addr;
	unsigned long nr_pages;
	unsigned long per_call;
	struct mm_struct *mm;
	struct file *file;
	int locked;
	union {
		struct page **pages;
		struct folio **folios;
	};
	struct page_range *ranges;
	unsigned int nr_ranges;
	unsigned int *starts;
	unsigned long entries;
	unsigned long held;
	unsigned long pages_done;
	unsigned long pass_calls;
	u64 calls;
	u64 get_ns;
	u64 put_ns;
	u64 first_offset;
	int error;
	struct gup_rig_record *records;
	unsigned long nr_records;
	struct gup_look *before;
};

/* gup_rig_range.c */
bool gup_rig_put_is_allowed(u32 api, u32 gup_flags, u32 put);
struct gup_range *gup_range_new(const struct gup_rig_run *run);
void gup_range_free(struct gup_range *r);
int gup_range_get(struct gup_range *r);
void gup_range_put(struct gup_range *r, unsigned int put);
unsigned long gup_range_release(struct gup_range *r, unsigned int put,
				unsigned long first, unsigned long nr);
bool gup_range_is_complete(const struct gup_range *r);
struct page *gup_range_page(struct gup_range *r, unsigned long i);
unsigned long gup_range_start(const struct gup_range *r, unsigned long i);
int gup_range_check_bytes(struct gup_range *r, unsigned long first, u64 offset, u64 len);
int gup_range_copy(struct gup_range *r, unsigned long first, u64 offset,
		   void __user *buf, u64 len, bool write);
void *gup_rig_alloc_array(unsigned long n, size_t size);

/* gup_rig_look.c */
int gup_look_alloc(struct gup_range *r, unsigned long nr_records);
void gup_look_free(struct gup_range *r);
int gup_look_before(struct gup_range *r);
int gup_look_held(struct gup_range *r);
int gup_look_after(struct gup_range *r);
unsigned long gup_look_done(const struct gup_range *r);
int gup_look_now(struct gup_range *r, struct gup_rig_record *recs,
		 unsigned long first, unsigned long nr);

#endif /* GUP_RIG_RANGE_H */
