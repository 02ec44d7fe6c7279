// SPDX-License-Identifier: GPL-2.0
/* Results that are compared with what was asked for, or taken as they are. */

static int right_all(u64 addr, int nr, struct page **pages)
{
	int ret = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);

	if (ret == nr)
		return 0;
	if (ret > 0)
		unpin_user_pages(pages, ret);
	return ret < 0 ? ret : -EFAULT;
}

static int right_unsigned_number(u64 addr, unsigned int nr, struct page **pages)
{
	int ret = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);

	if (ret >= 0 && ret < nr) {
		unpin_user_pages(pages, ret);
		ret = -EFAULT;
	}
	return ret;
}

static int right_in_parts(u64 addr, int nr, struct page **pages)
{
	int done = 0;

	while (done < nr) {
		int ret = pin_user_pages_fast(addr + done * PAGE_SIZE, nr - done, 0, pages + done);

		if (ret < 0)
			return ret;
		done += ret;
	}
	return 0;
}

static int right_one(u64 addr, struct page **page)
{
	int ret = get_user_pages_fast(addr, 1, FOLL_WRITE, page);

	return ret < 0 ? ret : 0;
}

static int right_ranges(u64 addr, int nr, struct page_range *ranges)
{
	unsigned int used = 0;
	int ret = pin_user_page_ranges_fast(addr, nr, FOLL_WRITE, ranges, nr, &used);

	if (ret == nr)
		return 0;
	unpin_user_page_ranges(ranges, used, false);
	return ret < 0 ? ret : -EFAULT;
}
