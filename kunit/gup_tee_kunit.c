// SPDX-License-Identifier: GPL-2.0-only
/*
 * User memory that is shared with a trusted execution environment: drivers/tee pins each
 * page of it once, wherever in a page it begins, and none if a part of it cannot be pinned.
 *
 * There is no such environment: a device takes all that it is given.
 */
#include <linux/tee_core.h>

#include "../../../drivers/tee/tee_private.h"
#include "gk.h"

#define TEE_PAGES	4

static void tee_get_version(struct tee_device *teedev, struct tee_ioctl_version_data *vers)
{
}

static int tee_open(struct tee_context *ctx)
{
	return 0;
}

static void tee_release(struct tee_context *ctx)
{
}

static int tee_take(struct tee_context *ctx, struct tee_shm *shm, struct page **pages,
		    size_t num_pages, unsigned long start)
{
	return 0;
}

static int tee_leave(struct tee_context *ctx, struct tee_shm *shm)
{
	return 0;
}

static const struct tee_driver_ops tee_ops = {
	.get_version = tee_get_version,
	.open = tee_open,
	.release = tee_release,
	.shm_register = tee_take,
	.shm_unregister = tee_leave,
};

static const struct tee_desc tee_desc = {
	.name = "gup_tee",
	.ops = &tee_ops,
	.owner = THIS_MODULE,
};

static void tee_close(void *ctx)
{
	struct tee_device *teedev = ((struct tee_context *)ctx)->teedev;

	teedev_close_context(ctx);
	tee_device_unregister(teedev);
}

static struct tee_context *tee_open_device(struct kunit *test)
{
	struct tee_device *teedev = tee_device_alloc(&tee_desc, NULL, NULL, NULL);
	struct tee_context *ctx;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, teedev);
	ctx = teedev_open(teedev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tee_close, ctx), 0);
	return ctx;
}

/* Where in its first page a buffer begins. */
static const unsigned int tee_offsets[] = { 0, 1, PAGE_SIZE / 2, PAGE_SIZE - 1 };

static void tee_describe_offset(const unsigned int *offset, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *offset);
}

KUNIT_ARRAY_PARAM(tee_offsets, tee_offsets, tee_describe_offset);

static struct tee_shm *tee_register(struct gk_range *r, struct tee_context *ctx,
				    unsigned int offset)
{
	return tee_shm_register_user_buf(ctx, r->addr + offset, r->nr * PAGE_SIZE - offset);
}

static void gup_tee_whole(struct kunit *test)
{
	unsigned int offset = *(const unsigned int *)test->param_value;
	struct gk_range *r = gk_map(test, &gk_anon_written, TEE_PAGES);
	struct gk_call *c = gk_prepare(r, GK_PIN_FAST, FOLL_WRITE, 0, r->nr);
	struct tee_shm *shm = tee_register(r, tee_open_device(test), offset);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, shm);
	GK_EXPECT(c, 0, "offset", shm->offset, offset);
	GK_EXPECT(c, 0, "bytes", shm->size, r->nr * PAGE_SIZE - offset);
	c->ret = shm->num_pages;
	memcpy(c->pages, shm->pages, min_t(size_t, c->ret, c->room) * sizeof(*c->pages));
	gk_done(c);
	gk_expect_pinned(c, r->nr);
	tee_shm_put(shm);
	gk_expect_restored(c);
}

/* Whatever of it there is: nothing, a page, all but one. */
static void gup_tee_part(struct kunit *test)
{
	unsigned int offset = *(const unsigned int *)test->param_value, mapped;
	struct tee_context *ctx = tee_open_device(test);

	for (mapped = 0; mapped < TEE_PAGES; mapped++) {
		struct gk_range *r = gk_map(test, &gk_anon_written, TEE_PAGES);
		struct tee_shm *shm;
		struct gk_call *c;

		gk_unmap(r, mapped, r->nr - mapped);
		c = gk_prepare(r, GK_PIN_FAST, FOLL_WRITE, 0, r->nr);
		shm = tee_register(r, ctx, offset);
		GK_EXPECT(c, mapped, "error", PTR_ERR_OR_ZERO(shm), mapped ? -ENOMEM : -EFAULT);
		if (!IS_ERR(shm))
			tee_shm_put(shm);
		gk_done(c);
		GK_EXPECT(c, mapped, "pages that were pinned", c->acquired, mapped);
		GK_EXPECT(c, mapped, "pages that were released", c->released, mapped);
		gk_expect_unheld(c);
		gk_expect_restored(c);
	}
}

static struct kunit_suite gup_tee_suite = {
	.name = "gup_tee",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_tee_whole, tee_offsets_gen_params),
		KUNIT_CASE_PARAM(gup_tee_part, tee_offsets_gen_params),
		{}
	},
};

kunit_test_suite(gup_tee_suite);
