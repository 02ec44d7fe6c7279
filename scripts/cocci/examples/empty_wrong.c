// SPDX-License-Identifier: GPL-2.0
/* Numbers of pages that user space makes 0, or larger than an int. */

static int wrong_empty(struct wrong_request *req, struct page **pages)
{
	int nr = DIV_ROUND_UP(req->length, PAGE_SIZE);	/* found */

	return pin_user_pages_fast(req->addr, nr, FOLL_WRITE, pages);	/* found */
}

static int wrong_other_is_tested(struct wrong_request *req, struct page **pages)
{
	if (!req->addr)
		return -EINVAL;
	return pin_user_pages_fast(req->addr, req->nr, FOLL_WRITE, pages);	/* found */
}

static int wrong_wide(u64 addr, size_t size, struct page **pages)
{
	unsigned long nr = size >> PAGE_SHIFT;

	if (!nr)
		return -EINVAL;
	return get_user_pages_fast(addr, nr, FOLL_WRITE, pages);	/* found */
}

static int wrong_loop_is_no_bound(u64 addr, size_t size, struct page **pages)
{
	unsigned long i, nr = size >> PAGE_SHIFT;

	if (!nr)
		return -EINVAL;
	for (i = 0; i < nr; i++)
		pages[i] = NULL;
	return pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);	/* found */
}

static int wrong_cut(struct wrong_request *req, struct page **pages)
{
	unsigned int npages;

	if (!req->length)
		return -EINVAL;
	npages = req->length >> PAGE_SHIFT;	/* found */
	return pin_user_pages_fast(req->addr, npages, FOLL_WRITE, pages);
}
