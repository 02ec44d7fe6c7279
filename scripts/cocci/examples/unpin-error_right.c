// SPDX-License-Identifier: GPL-2.0
/* Only what was pinned is unpinned. */

static int right_give_back(u64 addr, int nr, struct page **pages)
{
	int ret = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);

	if (ret != nr) {
		if (ret > 0)
			unpin_user_pages(pages, ret);
		return -EFAULT;
	}
	return 0;
}

static int right_goto(u64 addr, int nr, struct page **pages)
{
	int ret = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);

	if (ret < 0)
		goto out;
	unpin_user_pages(pages, ret);
	ret = 0;
out:
	return ret;
}
