// SPDX-License-Identifier: GPL-2.0
static int gup_declared(int a,
		int b);

static __always_inline long __get_user_pages(struct mm_struct *mm,
		unsigned long start)
{
	return gup_called(start);
}

static struct page *gup_fast(struct page *page)
{
	return page;
}

long
get_user_pages(unsigned long start)
{
	return 0;
}
EXPORT_SYMBOL(get_user_pages);
EXPORT_SYMBOL(pin_user_pages);
