// SPDX-License-Identifier: GPL-2.0-only
/*
 * References: what each API takes, on every shape, and gives back.
 */
#include "gk.h"

/* Every API, on each shape that it can have all of, takes exact counts. */
static void gup_refs_exact(struct kunit *test)
{
	const struct gk_api *api = test->param_value;
	unsigned int i;

	for (i = 0; i < gk_zoo_size; i++) {
		const struct gk_shape *shape = gk_zoo[i];
		struct gk_range *r;
		struct gk_call *c;

		if (!(shape->traits & (api->only ? GK_FAST_WRITE : GK_WRITE)))
			continue;
		r = gk_map(test, shape, 0);
		c = gk_gup(r, api - gk_apis, FOLL_WRITE);
		gk_expect_pinned(c, r->nr);
		gk_release(c);
		gk_expect_restored(c);
	}
}

static struct kunit_case gup_refs_cases[] = {
	KUNIT_CASE_PARAM(gup_refs_exact, gk_api_params),
	{}
};

static struct kunit_suite gup_refs_suite = {
	.name = "gup_refs",
	.test_cases = gup_refs_cases,
};
kunit_test_suite(gup_refs_suite);

MODULE_DESCRIPTION("KUnit tests of the references that GUP takes");
MODULE_LICENSE("GPL");
