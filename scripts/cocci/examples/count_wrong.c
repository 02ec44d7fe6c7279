// SPDX-License-Identifier: GPL-2.0
/* Results that are ignored, unsigned, compared as unsigned, or not compared with enough. */

static void wrong_ignored(u64 addr, struct page **pages)
{
	pin_user_pages_fast(addr, 4, FOLL_WRITE, pages);	/* found */
	wrong_use(pages, 4);
}

static int wrong_unsigned(u64 addr, int nr, struct page **pages)
{
	unsigned long pinned;

	pinned = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);	/* found */
	return pinned == nr ? 0 : -EFAULT;
}

static int wrong_compare(u64 addr, unsigned int nr, struct page **pages)
{
	int ret;

	ret = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);
	if (ret < nr)	/* found */
		return -EFAULT;
	return wrong_use(pages, nr);
}

static int wrong_untested(u64 addr, int nr, struct page **pages)
{
	int ret = get_user_pages_unlocked(addr, nr, pages, FOLL_WRITE);	/* found */

	wrong_use(pages, nr);
	return ret;
}

static int wrong_fewer(struct mm_struct *mm, u64 addr, int nr, struct page **pages)
{
	int ret;

	ret = pin_user_pages_remote(mm, addr, nr, FOLL_WRITE, pages, NULL);	/* found */
	if (ret < 0)
		return ret;
	return wrong_use(pages, nr);
}

static void wrong_ranges(u64 addr, struct page_range *ranges)
{
	unsigned int used = 0;

	pin_user_page_ranges_fast(addr, 4, FOLL_WRITE, ranges, 4, &used);	/* found */
	wrong_use_ranges(ranges, used);
}
