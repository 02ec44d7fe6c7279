// SPDX-License-Identifier: GPL-2.0
/* A pin that is dropped as if it was a reference. */

static int wrong_buffer_pin(struct wrong_buffer *buffer)
{
	int ret = pin_user_pages_fast(buffer->addr, 1, FOLL_WRITE, &buffer->page);

	return ret < 0 ? ret : 0;
}

static void wrong_buffer_free(struct wrong_buffer *buffer)
{
	put_page(buffer->page);	/* found */
	kfree(buffer);
}

static void wrong_buffer_free_all(struct wrong_buffer *buffer)
{
	release_pages(buffer->pages, buffer->nr);	/* found */
	folio_put(buffer->folio);	/* found */
}
