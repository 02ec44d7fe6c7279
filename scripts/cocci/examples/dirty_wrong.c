// SPDX-License-Identifier: GPL-2.0
/* Pages that are marked dirty too late, or without their lock. */

static void wrong_order(struct page *page)
{
	unpin_user_page(page);
	set_page_dirty_lock(page);	/* found */
}

static void wrong_order_of_many(struct page **pages, int nr)
{
	int i;

	unpin_user_pages(pages, nr);
	for (i = 0; i < nr; i++)
		set_page_dirty_lock(pages[i]);	/* found */
}

static int wrong_unlocked(u64 addr)
{
	struct page *page;
	int ret = pin_user_pages_fast(addr, 1, FOLL_WRITE, &page);

	if (ret < 0)
		return ret;
	set_page_dirty(page);	/* found */
	unpin_user_page(page);
	return 0;
}

static int wrong_other_is_locked(u64 addr, struct page *other)
{
	struct page *page;
	int ret = pin_user_pages_fast(addr, 1, FOLL_WRITE, &page);

	if (ret < 0)
		return ret;
	lock_page(other);
	set_page_dirty(page);	/* found */
	unlock_page(other);
	unpin_user_page(page);
	return 0;
}

static int wrong_lock_is_gone(u64 addr)
{
	struct page *page;
	int ret = pin_user_pages_fast(addr, 1, FOLL_WRITE, &page);

	if (ret < 0)
		return ret;
	lock_page(page);
	clear_highpage(page);
	unlock_page(page);
	set_page_dirty(page);	/* found */
	unpin_user_page(page);
	return 0;
}
