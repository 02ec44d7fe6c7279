// SPDX-License-Identifier: GPL-2.0
/* Nothing in here marks a page dirty. */

static int wrong_flag(u64 addr, struct page **pages)
{
	return pin_user_pages_fast(addr, 1, FOLL_WRITE | FOLL_LONGTERM, pages);	/* found */
}

static int wrong_variable(u64 addr, struct page **pages, bool write)
{
	unsigned int flags = write ? FOLL_WRITE : 0;

	return pin_user_pages(addr, 1, flags, pages);	/* found */
}

static int wrong_remote(struct mm_struct *mm, u64 addr, struct page **pages)
{
	return pin_user_pages_remote(mm, addr, 1, FOLL_WRITE, pages, NULL);	/* found */
}

static long wrong_unlocked(u64 addr, struct page **pages)
{
	return pin_user_pages_unlocked(addr, 1, pages, FOLL_WRITE);	/* found */
}

static int wrong_ranges(u64 addr, struct page_range *ranges, unsigned int *nr)
{
	return pin_user_page_ranges_fast(addr, 1, FOLL_WRITE, ranges, 1, nr);	/* found */
}

static long wrong_memfd(struct file *file, struct folio **folios, pgoff_t *offset)
{
	return memfd_pin_folios(file, 0, PAGE_SIZE - 1, folios, 1, offset);	/* found */
}

static ssize_t wrong_iter(struct iov_iter *iter, struct page **pages, size_t *offset)
{
	return iov_iter_extract_pages(iter, &pages, PAGE_SIZE, 1, 0, offset);	/* found */
}

/* It is for reading. */
static int right_read(u64 addr, struct page **pages)
{
	return pin_user_pages_fast(addr, 1, FOLL_LONGTERM, pages);
}

static void wrong_release(struct page **pages, struct page_range *ranges)
{
	unpin_user_pages(pages, 1);
	unpin_user_pages_dirty_lock(pages, 1, false);
	unpin_user_page_ranges(ranges, 1, false);
}
