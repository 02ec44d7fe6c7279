// SPDX-License-Identifier: GPL-2.0
/* Pins and unpins. Pages of one's own are freed. */

static int right_buffer_pin(struct right_buffer *buffer)
{
	int ret;

	buffer->shadow = alloc_page(GFP_KERNEL);
	if (!buffer->shadow)
		return -ENOMEM;
	ret = pin_user_pages_fast(buffer->addr, 1, FOLL_WRITE, &buffer->page);
	if (ret < 0)
		__free_page(buffer->shadow);
	return ret < 0 ? ret : 0;
}

static void right_buffer_free(struct right_buffer *buffer)
{
	unpin_user_page(buffer->page);
	__free_page(buffer->shadow);
	kfree(buffer);
}
