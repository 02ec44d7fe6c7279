// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a whole page table is missing, at each level: GUP must stop there, and not
 * go on with what the next table maps. And where user space ends, and the caller's
 * array.
 */
#include <kunit/resource.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/vmalloc.h>

#include "internal.h"
#include "gk.h"

#define RW	(PROT_READ | PROT_WRITE)

/* Pages on either side of an edge. */
#define GE_HALF	2

enum ge_level { GE_PMD, GE_PUD, GE_PGD };

/**
 * struct ge_edge - where a table is missing
 * @near: a page is mapped so many PUDs away, on the side where nothing is present
 *	  at the edge; so the tables that both share are there; 0: none
 */
static const struct ge_edge {
	const char *name;
	enum ge_level level;
	unsigned int near;
} ge_edges[] = {
	{ "pmd", GE_PMD },
	{ "pud", GE_PUD },
	{ "pud+pmd_table", GE_PUD, 1 },
	{ "pgd", GE_PGD },
	{ "pgd+pmd_table", GE_PGD, 1 },
	{ "pgd+pud_table", GE_PGD, 2 },
};

KUNIT_ARRAY_PARAM_DESC(ge_edge, ge_edges, name);

/* Where an entry of that level ends; nothing else is mapped below or above it. */
static unsigned long ge_addr(enum ge_level level)
{
	switch (level) {
	case GE_PMD:
		return 5 * PUD_SIZE + 7 * PMD_SIZE;
	case GE_PUD:
		return 3 * PUD_SIZE;
	case GE_PGD:
		break;
	}
	/*
	 * Where PUDs are folded, below the first edge is only the page at 0. "pgd" is
	 * then one more "pud"; where PMDs are folded, too, "+pmd_table" has the page
	 * table itself, of which the entries are empty.
	 */
	return mm_pud_folded(current->mm) ? 4 * PGDIR_SIZE : PGDIR_SIZE;
}

static void ge_map(struct gk_range *r)
{
	const struct ge_edge *edge = r->test->param_value;

	gk_mmap(r, NULL, ge_addr(edge->level) - GE_HALF * PAGE_SIZE, RW,
		MAP_PRIVATE | MAP_FIXED_NOREPLACE);
}

static const struct gk_shape ge_shape = {
	.name = "table_missing", .nr = 2 * GE_HALF, .map = ge_map,
};

/* The page that is farthest from the edge of those in that PUD. */
static void ge_map_neighbour(struct gk_range *r)
{
	const struct ge_edge *edge = r->test->param_value;
	const bool above = r->shape->arg;
	unsigned long addr = ge_addr(edge->level);

	if (above)
		addr += edge->near * PUD_SIZE - PAGE_SIZE;
	else
		addr -= edge->near * PUD_SIZE;
	gk_mmap(r, NULL, addr, RW, MAP_PRIVATE | MAP_FIXED_NOREPLACE);
	gk_fault(r, 0, 1, true);
}

static const struct gk_shape ge_below = {
	.name = "below", .nr = 1, .map = ge_map_neighbour,
};

static const struct gk_shape ge_above = {
	.name = "above", .nr = 1, .map = ge_map_neighbour, .arg = true,
};

/* The pages around the edge, and perhaps the neighbour on that side of it. */
static struct gk_range *ge_range(struct kunit *test,
				 const struct gk_shape *neighbour)
{
	const struct ge_edge *edge = test->param_value;

	if (edge->near)
		gk_map(test, neighbour, 0);
	return gk_map(test, &ge_shape, 0);
}

/* Slow GUP finds the page table, or the lack of it, at each page by itself. */
static void ge_expect_dump(struct gk_range *r, unsigned int first,
			   unsigned int nr, long want)
{
	struct gk_call *c;

	c = gk_gup_part(r, GK_GET, FOLL_DUMP, first, nr);
	if (want > 0)
		gk_expect_pinned(c, want);
	else
		gk_expect_refused(c, want);
	gk_release(c);
}

/* Without the table below the edge nothing is there for the fast walk. */
static void gup_edges_missing_below(struct kunit *test)
{
	struct gk_range *r = ge_range(test, &ge_below);
	struct gk_call *c;

	gk_fault(r, GE_HALF, GE_HALF, true);
	c = gk_gup(r, GK_GET_FAST_ONLY, FOLL_WRITE);
	gk_expect_refused(c, 0);
	ge_expect_dump(r, 0, r->nr, -EFAULT);
	ge_expect_dump(r, GE_HALF, GE_HALF, GE_HALF);

	c = gk_gup(r, GK_PIN_FAST, FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	gk_release(c);
}

/* Without the one above it, the fast walk ends at the edge. */
static void gup_edges_missing_above(struct kunit *test)
{
	struct gk_range *r = ge_range(test, &ge_above);
	struct gk_call *c;

	gk_fault(r, 0, GE_HALF, true);
	c = gk_gup(r, GK_GET_FAST_ONLY, FOLL_WRITE);
	gk_expect_pinned(c, GE_HALF);
	gk_release(c);
	ge_expect_dump(r, 0, r->nr, GE_HALF);
	ge_expect_dump(r, GE_HALF, GE_HALF, -EFAULT);

	c = gk_gup(r, GK_PIN_FAST, FOLL_WRITE);
	gk_expect_pinned(c, r->nr);
	gk_release(c);
}

static void ge_map_top(struct gk_range *r)
{
	gk_mmap(r, NULL, TASK_SIZE - r->nr * PAGE_SIZE, RW,
		MAP_PRIVATE | MAP_FIXED_NOREPLACE);
	gk_fault(r, 0, r->nr, true);
}

static const struct gk_shape ge_top = {
	.name = "top", .nr = 1, .map = ge_map_top,
};

/*
 * What ends before the end of user space can be faulted in, and nothing behind it.
 * The architecture may refuse the whole range, or only what is behind.
 */
static void gup_edges_fault_in_top(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &ge_top, 0);
	char __user *top = (char __user *)r->addr;
	size_t refused = IS_ENABLED(CONFIG_UML) ? 2 * PAGE_SIZE : PAGE_SIZE;

	KUNIT_EXPECT_EQ(test, fault_in_readable(top, PAGE_SIZE - 1), 0);
	KUNIT_EXPECT_EQ(test, fault_in_writeable(top, PAGE_SIZE - 1), 0);
	KUNIT_EXPECT_GE(test, fault_in_readable(top, 2 * PAGE_SIZE), refused);
	KUNIT_EXPECT_GE(test, fault_in_writeable(top, 2 * PAGE_SIZE), refused);
}

KUNIT_DEFINE_ACTION_WRAPPER(ge_vfree, vfree, const void *);

/* Whoever looks at an entry that is not in it, dies. */
static void ge_expect_within(struct kunit *test, const struct gk_shape *shape, void *area,
			     bool at_end)
{
	struct gk_range *r = gk_map(test, shape, 64);
	struct page **array = area;
	enum gk_api_id api = gk_api(test);
	struct gk_call *c;

	if (at_end)
		array += PAGE_SIZE / sizeof(*array) - r->nr;
	c = gk_prepare(r, api, gk_apis[api].pins ? FOLL_LONGTERM : 0, 0, r->nr);
	c->pages = array;
	c->array = array;
	c->room = r->nr;
	gk_untouch(c);
	gk_enter(c);
	gk_done(c);
	gk_expect_round_trip(c, r->nr);
}

/*
 * An array with nothing in front of it, and one with nothing behind: neither the
 * call nor the release looks for more pages there. Of anonymous memory, they move
 * if the pin is for long.
 */
static void gup_edges_array(struct kunit *test)
{
	void *area = vmalloc(PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, ge_vfree, area));
	ge_expect_within(test, &gk_drv_order4, area, false);
	ge_expect_within(test, &gk_drv_order4, area, true);
	ge_expect_within(test, &gk_anon_written, area, false);
	ge_expect_within(test, &gk_anon_written, area, true);
}

static struct kunit_suite gup_edges_suite = {
	.name = "gup_edges",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_edges_missing_below, ge_edge_gen_params),
		KUNIT_CASE_PARAM(gup_edges_missing_above, ge_edge_gen_params),
		KUNIT_CASE(gup_edges_fault_in_top),
		KUNIT_CASE_PARAM(gup_edges_array, gk_api_params),
		{}
	},
};

kunit_test_suite(gup_edges_suite);
