// SPDX-License-Identifier: GPL-2.0
/* What may have been written is marked, if not always. */

static int right_pin(u64 addr, struct page **pages)
{
	return pin_user_pages_fast(addr, 1, FOLL_WRITE | FOLL_LONGTERM, pages);
}

static void right_release(struct page **pages, bool written)
{
	unpin_user_pages_dirty_lock(pages, 1, written);
}
