/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call itself, for gk.c, and for gup_hooked.c, where the same names mean other
 * functions.
 */
#ifndef _GUP_KUNIT_GK_ENTER_H
#define _GUP_KUNIT_GK_ENTER_H

#include "gk.h"

static __always_inline void gk_enter_ranges(struct gk_call *c)
{
	struct mm_struct *mm = c->r->mm;
	unsigned int i, j, k = 0;

	if (c->api == &gk_apis[GK_PIN_REMOTE]) {
		mmap_read_lock(mm);
		c->ret = pin_user_page_ranges_remote(mm, c->addr, c->nr, c->flags,
						     c->ranges, c->max_ranges,
						     &c->nr_ranges, &c->locked);
		if (c->locked)
			mmap_read_unlock(mm);
	} else {
		c->ret = pin_user_page_ranges_fast(c->addr, c->nr, c->flags, c->ranges,
						   c->max_ranges, &c->nr_ranges);
	}
	for (i = 0; i < min(c->nr_ranges, c->max_ranges); i++)
		for (j = 0; j < c->ranges[i].nr_pages && k < c->room; j++)
			c->pages[k++] = c->ranges[i].page + j;
}

static __always_inline void gk_enter_api(struct gk_call *c)
{
	enum gk_api_id id = c->api - gk_apis;
	struct mm_struct *mm = c->r->mm;
	bool was_locked = c->locked;

	if (c->ranges) {
		gk_enter_ranges(c);
		return;
	}
	switch (id) {
	case GK_GET:
	case GK_PIN:
		mmap_read_lock(mm);
		c->ret = id == GK_GET ?
			get_user_pages(c->addr, c->nr, c->flags, c->array) :
			pin_user_pages(c->addr, c->nr, c->flags, c->array);
		mmap_read_unlock(mm);
		break;
	case GK_GET_UNLOCKED:
		c->ret = get_user_pages_unlocked(c->addr, c->nr, c->array,
						 c->flags);
		break;
	case GK_PIN_UNLOCKED:
		c->ret = pin_user_pages_unlocked(c->addr, c->nr, c->array,
						 c->flags);
		break;
	case GK_GET_FAST:
		c->ret = get_user_pages_fast(c->addr, c->nr, c->flags,
					     c->array);
		break;
	case GK_GET_FAST_ONLY:
		c->ret = get_user_pages_fast_only(c->addr, c->nr, c->flags,
						  c->array);
		break;
	case GK_PIN_FAST:
		c->ret = pin_user_pages_fast(c->addr, c->nr, c->flags,
					     c->array);
		break;
	case GK_GET_REMOTE:
	case GK_PIN_REMOTE:
		mmap_read_lock(mm);
		c->ret = id == GK_GET_REMOTE ?
			get_user_pages_remote(mm, c->addr, c->nr, c->flags,
					      c->array, &c->locked) :
			pin_user_pages_remote(mm, c->addr, c->nr, c->flags,
					      c->array, &c->locked);
		/* A case that says it has no lock is refused: it is held. */
		if (c->locked || !was_locked)
			mmap_read_unlock(mm);
		break;
	case GK_NR_APIS:
		c->ret = -ENXIO;
		break;
	}
}

#endif /* _GUP_KUNIT_GK_ENTER_H */
