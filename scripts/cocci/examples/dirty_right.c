// SPDX-License-Identifier: GPL-2.0
/* Dirty first, and with the lock. */

static int right_locked(u64 addr)
{
	struct page *page;
	int ret = pin_user_pages_fast(addr, 1, FOLL_WRITE, &page);

	if (ret < 0)
		return ret;
	lock_page(page);
	set_page_dirty(page);
	unlock_page(page);
	unpin_user_page(page);
	return 0;
}

static void right_order(struct page *page, struct page **pages, int nr)
{
	int i;

	set_page_dirty_lock(page);
	unpin_user_page(page);
	for (i = 0; i < nr; i++) {
		set_page_dirty_lock(pages[i]);
		unpin_user_page(pages[i]);
	}
	unpin_user_pages_dirty_lock(pages, nr, true);
}
