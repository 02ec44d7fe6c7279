// SPDX-License-Identifier: GPL-2.0
/* -errno as a number of pages. */

static int wrong_give_back(u64 addr, int nr, struct page **pages)
{
	int ret = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);

	if (ret != nr) {
		unpin_user_pages(pages, ret);	/* found */
		return -EFAULT;
	}
	return 0;
}

static int wrong_branch(u64 addr, int nr, struct page **pages)
{
	int ret = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);

	if (ret < 0) {
		pr_debug("%d of %d pages\n", ret, nr);
		unpin_user_pages_dirty_lock(pages, ret, false);	/* found */
		return ret;
	}
	return 0;
}

static long wrong_folios(struct file *file, struct folio **folios, pgoff_t *offset)
{
	long nr = memfd_pin_folios(file, 0, SZ_2M - 1, folios, 512, offset);

	if (nr != 512)
		unpin_folios(folios, nr);	/* found */
	return nr;
}

static int wrong_ranges(u64 addr, int nr, struct page_range *ranges)
{
	unsigned int used = 0;
	int ret = pin_user_page_ranges_fast(addr, nr, FOLL_WRITE, ranges, nr, &used);

	unpin_user_page_ranges(ranges, ret, false);	/* found */
	return ret;
}
