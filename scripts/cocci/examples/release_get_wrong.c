// SPDX-License-Identifier: GPL-2.0
/* A reference that is dropped as if it was a pin. */

static int wrong_log_write(u64 addr, int value)
{
	struct page *page;
	int ret = get_user_pages_fast(addr, 1, FOLL_WRITE, &page);

	if (ret < 0)
		return ret;
	memset_page(page, 0, value, PAGE_SIZE);
	unpin_user_page(page);	/* found */
	return 0;
}

static void wrong_log_free(struct wrong_log *log)
{
	unpin_user_pages_dirty_lock(log->pages, log->nr, true);	/* found */
}

static int wrong_log_dma(struct wrong_log *log)
{
	if (get_user_pages_fast(log->addr, log->nr, 0, log->pages) != log->nr)
		return -EFAULT;
	if (dma_map_page(log->dev, log->pages[0], 0, PAGE_SIZE, DMA_TO_DEVICE))
		__free_page(log->pages[0]);	/* found */
	return 0;
}
