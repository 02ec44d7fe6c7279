// SPDX-License-Identifier: GPL-2.0
/* Numbers of pages that are more than 0 and fit into an int. */

static int right_length(u64 addr, unsigned int length, struct page **pages)
{
	unsigned int nr;

	if (!length)
		return 0;
	nr = length >> PAGE_SHIFT;
	return pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);
}

static int right_wide(u64 addr, size_t size, struct page **pages)
{
	unsigned long nr = size >> PAGE_SHIFT;

	if (!nr || nr > INT_MAX)
		return -EINVAL;
	return pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);
}

static int right_constant(u64 addr, struct page **page)
{
	return pin_user_pages_fast(addr, 1, FOLL_WRITE, page);
}
