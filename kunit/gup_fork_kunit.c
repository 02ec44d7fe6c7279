// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork() and GUP: what is pinned stays the parent's own page, whatever forks,
 * writes and exits around it; what is merely shared is unshared before it is
 * pinned.
 */
#include <linux/mman.h>
#include <linux/seqlock.h>

#include "internal.h"
#include "gk.h"

/* Parameters: a call that pins or gets, and the flags that it is given. */
struct fork_param {
	enum gk_api_id api;
	unsigned int flags;
	const char *name;
};

static const struct fork_param fork_pins[] = {
	{ GK_PIN, 0, "pin_user_pages+read" },
	{ GK_PIN, FOLL_WRITE, "pin_user_pages+write" },
	{ GK_PIN, FOLL_LONGTERM, "pin_user_pages+read+longterm" },
	{ GK_PIN, FOLL_WRITE | FOLL_LONGTERM, "pin_user_pages+write+longterm" },
	{ GK_PIN_UNLOCKED, 0, "pin_user_pages_unlocked+read" },
	{ GK_PIN_UNLOCKED, FOLL_WRITE, "pin_user_pages_unlocked+write" },
	{ GK_PIN_UNLOCKED, FOLL_LONGTERM,
	  "pin_user_pages_unlocked+read+longterm" },
	{ GK_PIN_UNLOCKED, FOLL_WRITE | FOLL_LONGTERM,
	  "pin_user_pages_unlocked+write+longterm" },
	{ GK_PIN_FAST, 0, "pin_user_pages_fast+read" },
	{ GK_PIN_FAST, FOLL_WRITE, "pin_user_pages_fast+write" },
	{ GK_PIN_FAST, FOLL_LONGTERM, "pin_user_pages_fast+read+longterm" },
	{ GK_PIN_FAST, FOLL_WRITE | FOLL_LONGTERM,
	  "pin_user_pages_fast+write+longterm" },
	{ GK_PIN_REMOTE, 0, "pin_user_pages_remote+read" },
	{ GK_PIN_REMOTE, FOLL_WRITE, "pin_user_pages_remote+write" },
	{ GK_PIN_REMOTE, FOLL_LONGTERM, "pin_user_pages_remote+read+longterm" },
	{ GK_PIN_REMOTE, FOLL_WRITE | FOLL_LONGTERM,
	  "pin_user_pages_remote+write+longterm" },
};

static const struct fork_param fork_gets[] = {
	{ GK_GET, 0, "get_user_pages+read" },
	{ GK_GET, FOLL_WRITE, "get_user_pages+write" },
	{ GK_GET_UNLOCKED, 0, "get_user_pages_unlocked+read" },
	{ GK_GET_UNLOCKED, FOLL_WRITE, "get_user_pages_unlocked+write" },
	{ GK_GET_FAST, 0, "get_user_pages_fast+read" },
	{ GK_GET_FAST, FOLL_WRITE, "get_user_pages_fast+write" },
	{ GK_GET_FAST_ONLY, 0, "get_user_pages_fast_only+read" },
	{ GK_GET_FAST_ONLY, FOLL_WRITE, "get_user_pages_fast_only+write" },
	{ GK_GET_REMOTE, 0, "get_user_pages_remote+read" },
	{ GK_GET_REMOTE, FOLL_WRITE, "get_user_pages_remote+write" },
};

KUNIT_ARRAY_PARAM_DESC(fork_pin, fork_pins, name);
KUNIT_ARRAY_PARAM_DESC(fork_get, fork_gets, name);

static bool fork_exclusive(struct gk_range *r, unsigned int i)
{
	return gk_exclusive(gk_page(r, i));
}

static long fork_anon_pages(struct mm_struct *mm)
{
	return get_mm_counter_sum(mm, MM_ANONPAGES);
}

/* Entry @i maps @page, nobody else does, and it is held as @c holds it. */
static void fork_expect_own(struct gk_call *c, struct gk_range *r,
			    unsigned int i, struct page *page)
{
	GK_EXPECT(c, i, "pfn that the parent maps",
		  gk_page(r, i) ? page_to_pfn(gk_page(r, i)) : 0,
		  page_to_pfn(page));
	GK_EXPECT(c, i, "exclusive", fork_exclusive(r, i), true);
	GK_EXPECT(c, i, "mapcount", folio_mapcount(page_folio(page)), 1);
	GK_EXPECT(c, i, "references held", gk_held(page_folio(page)),
		  gk_refs_wanted(c->api, page_folio(page), 1));
}

/* The same of all that the call returned. */
static void fork_expect_all_own(struct gk_call *c)
{
	unsigned int i;

	for (i = 0; i < c->ret; i++)
		fork_expect_own(c, c->r, i, c->pages[i]);
}

/* Both map @page. */
static void fork_expect_shared(struct gk_call *c, struct gk_range *there,
			       unsigned int i, struct page *page)
{
	GK_EXPECT(c, i, "the page that the parent maps",
		  gk_page(c->r, i) == page, true);
	GK_EXPECT(c, i, "the page that the child maps",
		  gk_page(there, i) == page, true);
}

/* The child goes, and what the call took is given back. */
static void fork_end(struct gk_call *c, struct gk_range *there)
{
	gk_child_exit(c->r->test, there->child);
	gk_release(c);
	gk_expect_restored(c);
}

static void fork_map_numbered(struct gk_range *r)
{
	gk_anon_written.map(r);
	gk_store_all(r);
}

static const struct gk_shape fork_numbered = {
	.name = "anon_numbered", .nr = 16, .map = fork_map_numbered,
};

/* The call that is the case's parameter, on all of a shape. */
static struct gk_call *fork_gup(struct kunit *test, const struct gk_shape *shape)
{
	const struct fork_param *p = test->param_value;
	struct gk_range *r = gk_map(test, shape, 0);
	struct gk_call *c = gk_gup(r, p->api, p->flags);

	gk_expect_pinned(c, r->nr);
	return c;
}

/* Pinned, then forked: the child gets a copy, the parent keeps the page. */
static void gup_fork_copies_pinned(struct kunit *test)
{
	struct gk_call *c = fork_gup(test, &fork_numbered);
	struct gk_range *r = c->r, *there = gk_in_child(r, gk_fork(test));
	unsigned int i;

	GK_EXPECT(c, -1, "anonymous pages of the child",
		  fork_anon_pages(there->mm), fork_anon_pages(r->mm));
	gk_settle();
	fork_expect_all_own(c);
	for (i = 0; i < c->ret; i++) {
		struct page *page = c->pages[i];

		GK_EXPECT(c, i, "entry writable, as it was",
			  !!pte_write(gk_pte(r, i)), true);
		GK_EXPECT(c, i, "shared with the child",
			  gk_page(there, i) == page, false);
		GK_EXPECT(c, i, "the child's copy is exclusive",
			  fork_exclusive(there, i), true);
		GK_EXPECT(c, i, "references held on the child's copy",
			  gk_held(page_folio(gk_page(there, i))), 0);
		GK_EXPECT(c, i, "the child's contents",
			  gk_child_load(there, i), i + 1);

		/* The device writes: for the parent, not for the child. */
		gk_poke(page, 0x40 + i);
		GK_EXPECT(c, i, "the parent's contents", gk_load(r, i),
			  0x40 + i);
		GK_EXPECT(c, i, "the child's contents",
			  gk_child_load(there, i), i + 1);
		/* The parent writes: the device sees it. */
		gk_store(r, i, 0x80 + i);
		GK_EXPECT(c, i, "contents of the pinned page", gk_peek(page),
			  0x80 + i);
		/* The child writes: nobody else sees it. */
		gk_child_store(there, i, 0xc0 + i);
		GK_EXPECT(c, i, "contents of the pinned page", gk_peek(page),
			  0x80 + i);
		GK_EXPECT(c, i, "the parent's contents", gk_load(r, i),
			  0x80 + i);
		fork_expect_own(c, r, i, page);
	}
	gk_child_exit(test, there->child);
	fork_expect_all_own(c);
	gk_release(c);
	gk_expect_restored(c);
}

/* One fork after the other, a pin throughout. */
static void gup_fork_again_and_again(struct kunit *test)
{
	struct gk_call *c = fork_gup(test, &gk_anon_written);
	struct gk_child *child[3];
	unsigned int i, k;

	for (k = 0; k < ARRAY_SIZE(child); k++)
		child[k] = gk_fork(test);
	for (i = 0; i < c->ret; i++) {
		gk_poke(c->pages[i], i + 1);
		GK_EXPECT(c, i, "the parent's contents", gk_load(c->r, i), i + 1);
	}
	for (k = 0; k < ARRAY_SIZE(child); k++)
		gk_child_exit(test, child[k]);
	fork_expect_all_own(c);
	gk_release(c);
	gk_expect_restored(c);
}

/* A mere reference does not keep fork() from sharing. */
static void gup_fork_shares_what_is_got(struct kunit *test)
{
	struct gk_call *c = fork_gup(test, &fork_numbered);
	struct gk_range *r = c->r, *there = gk_in_child(r, gk_fork(test));
	unsigned int i;

	for (i = 0; i < c->ret; i++) {
		fork_expect_shared(c, there, i, c->pages[i]);
		GK_EXPECT(c, i, "exclusive", fork_exclusive(r, i), false);
		GK_EXPECT(c, i, "entry writable", !!pte_write(gk_pte(r, i)),
			  false);
		GK_EXPECT(c, i, "references held",
			  gk_held(page_folio(c->pages[i])), 1);
	}
	fork_end(c, there);
}

/* Unpinned before the fork: shared again, although the mm has had pins. */
static void gup_fork_shares_what_was_pinned(struct kunit *test)
{
	struct gk_call *c = fork_gup(test, &gk_anon_written);
	struct gk_range *there;
	unsigned int i;

	gk_release(c);
	gk_expect_restored(c);
	there = gk_in_child(c->r, gk_fork(test));
	for (i = 0; i < c->r->nr; i++) {
		fork_expect_shared(c, there, i, c->pages[i]);
		GK_EXPECT(c, i, "exclusive", fork_exclusive(c->r, i), false);
	}
}

/* Only what is pinned is copied. */
static void gup_fork_copies_no_more(struct kunit *test)
{
	const struct fork_param *p = test->param_value;
	struct gk_range *r = gk_map(test, &fork_numbered, 0);
	struct gk_range *there;
	struct gk_call *c;
	unsigned int i;

	c = gk_gup_part(r, p->api, p->flags, 5, 3);
	gk_expect_pinned(c, 3);
	there = gk_in_child(r, gk_fork(test));
	gk_settle();
	for (i = 0; i < r->nr; i++) {
		bool pinned = i >= 5 && i < 8;

		GK_EXPECT(c, i, "shared with the child",
			  gk_page(there, i) == gk_page(r, i), !pinned);
		GK_EXPECT(c, i, "exclusive", fork_exclusive(r, i), pinned);
		if (pinned)
			fork_expect_own(c, r, i, c->pages[i - 5]);
		GK_EXPECT(c, i, "the child's contents",
			  gk_child_load(there, i), i + 1);
	}
	fork_end(c, there);
}

/* Forked, then pinned: unshared first, then the parent's own for good. */
static void gup_fork_then_pin(struct kunit *test)
{
	const struct fork_param *p = test->param_value;
	struct gk_range *r = gk_map(test, &fork_numbered, 0);
	struct gk_range *there = gk_in_child(r, gk_fork(test));
	struct gk_entry *was = gk_snapshot(r);
	struct gk_call *c = gk_gup(r, p->api, p->flags);
	unsigned int i;

	gk_expect_pinned(c, r->nr);
	for (i = 0; i < c->ret; i++) {
		struct page *page = c->pages[i];

		GK_EXPECT(c, i, "replaced", page != was[i].page, true);
		GK_EXPECT(c, i, "the page that the child maps",
			  gk_page(there, i) == was[i].page, true);
		GK_EXPECT(c, i, "contents", gk_peek(page), i + 1);
		fork_expect_own(c, r, i, page);
		/* Writing does not part the parent from the pinned page. */
		gk_store(r, i, 0x80 + i);
		GK_EXPECT(c, i, "contents of the pinned page", gk_peek(page),
			  0x80 + i);
		fork_expect_own(c, r, i, page);
		gk_child_store(there, i, 0xc0 + i);
		GK_EXPECT(c, i, "contents of the pinned page", gk_peek(page),
			  0x80 + i);
		GK_EXPECT(c, i, "the page that the child maps, its own now",
			  gk_page(there, i) == page, false);
	}
	gk_child_exit(test, there->child);
	fork_expect_all_own(c);
	gk_release(c);
	gk_expect_restored(c);
}

/* Forked and the child gone: the page is the parent's again, no copy. */
static void gup_fork_exit_then_pin(struct kunit *test)
{
	const struct fork_param *p = test->param_value;
	struct gk_range *r = gk_map(test, &gk_anon_reexclusive, 0);
	struct gk_entry *was = gk_snapshot(r);
	struct gk_call *c;
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		KUNIT_ASSERT_FALSE(test, fork_exclusive(r, i));
	c = gk_gup(r, p->api, p->flags & ~FOLL_LONGTERM);
	gk_expect_pinned(c, r->nr);
	for (i = 0; i < c->ret; i++) {
		GK_EXPECT(c, i, "copied", c->pages[i] != was[i].page, false);
		fork_expect_own(c, r, i, c->pages[i]);
		gk_expect_store_seen(c, i, i + 1);
	}
	gk_release(c);
	gk_expect_restored(c);
}

/* The child pins what it got: its own copy, or one that it unshares. */
static void gup_fork_child_pins(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &fork_numbered, 0);
	struct gk_call *c, *theirs;
	struct gk_range *there;
	unsigned int i;

	c = gk_gup_part(r, gk_api(test), 0, 0,
			r->nr / 2);
	gk_expect_pinned(c, r->nr / 2);
	there = gk_in_child(r, gk_fork(test));
	theirs = gk_gup(there, GK_PIN_REMOTE, 0);
	gk_expect_pinned(theirs, r->nr);
	for (i = 0; i < r->nr; i++) {
		fork_expect_own(theirs, there, i, theirs->pages[i]);
		GK_EXPECT(theirs, i, "the child's contents",
			  gk_peek(theirs->pages[i]), i + 1);
		GK_EXPECT(theirs, i, "the parent's page",
			  theirs->pages[i] == gk_page(r, i), false);
	}
	fork_expect_all_own(c);
	gk_release(theirs);
	gk_expect_restored(theirs);
	gk_release(c);
	gk_expect_restored(c);
}

static void fork_expect_exclusive(struct gk_range *r, const char *step,
				  bool want)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		KUNIT_EXPECT_EQ_MSG(r->test, fork_exclusive(r, i), want,
				    "shape=%s page=%u: %s: exclusive: wanted %d",
				    r->shape->name, i, step, want);
}

/* PageAnonExclusive, step by step. */
static void gup_fork_exclusive_steps(struct kunit *test)
{
	enum gk_api_id api = gk_api(test);
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_range *first, *second;
	struct gk_call *c;
	unsigned int i;

	fork_expect_exclusive(r, "written", true);
	first = gk_in_child(r, gk_fork(test));
	fork_expect_exclusive(r, "forked, parent", false);
	fork_expect_exclusive(first, "forked, child", false);

	c = gk_gup(r, api, 0);
	gk_expect_pinned(c, r->nr);
	fork_expect_exclusive(r, "pinned for reading, parent", true);
	fork_expect_exclusive(first, "pinned by the parent, child", false);

	second = gk_in_child(r, gk_fork(test));
	fork_expect_exclusive(r, "forked while pinned, parent", true);
	fork_expect_exclusive(second, "forked while pinned, child", true);

	gk_release(c);
	gk_expect_restored(c);
	fork_expect_exclusive(r, "unpinned", true);
	for (i = 0; i < r->nr; i++)
		gk_child_store(first, i, 1);
	fork_expect_exclusive(first, "written by the child", true);
	gk_in_child(r, gk_fork(test));
	fork_expect_exclusive(r, "forked after the unpin", false);
	fork_expect_exclusive(second, "its sibling forked", true);
}

/* MMF_HAS_PINNED: set by a pin, not by a get, not inherited, never cleared. */
static void gup_fork_has_pinned_by_pin(struct kunit *test)
{
	enum gk_api_id api = gk_api(test);
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *c;

	KUNIT_ASSERT_FALSE(test, mm_flags_test(MMF_HAS_PINNED, r->mm));
	c = gk_gup(r, api, 0);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED", mm_flags_test(MMF_HAS_PINNED, r->mm),
		  true);
	gk_release(c);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED after the release",
		  mm_flags_test(MMF_HAS_PINNED, r->mm), true);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED of a child",
		  mm_flags_test(MMF_HAS_PINNED, gk_fork(test)->mm), false);
}

static void gup_fork_has_pinned_by_get(struct kunit *test)
{
	enum gk_api_id api = gk_api(test);
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct gk_call *c = gk_gup(r, api, FOLL_WRITE);

	gk_expect_pinned(c, r->nr);
	GK_EXPECT(c, -1, "MMF_HAS_PINNED", mm_flags_test(MMF_HAS_PINNED, r->mm),
		  false);
	gk_release(c);
}

/*
 * GUP_PIN_COUNTING_BIAS ordinary references look like a pin. They cost a copy
 * at fork only in an mm that has ever pinned something.
 */
static void gup_fork_many_references(struct kunit *test)
{
	enum gk_api_id api = gk_api(test);
	struct gk_range *r = gk_map(test, &gk_anon_written, 0);
	struct page *page = gk_page(r, 0);
	struct gk_range *there;
	struct gk_call *c;

	folio_ref_add(page_folio(page), GUP_PIN_COUNTING_BIAS);
	there = gk_in_child(r, gk_fork(test));
	KUNIT_EXPECT_PTR_EQ_MSG(test, gk_page(there, 0), page,
				"copied in an mm without MMF_HAS_PINNED");
	gk_child_exit(test, there->child);
	folio_ref_sub(page_folio(page), GUP_PIN_COUNTING_BIAS);
	/* Make it exclusive again: only then it may look pinned. */
	gk_fault(r, 0, 1, true);
	KUNIT_ASSERT_PTR_EQ(test, gk_page(r, 0), page);

	c = gk_gup_part(r, api, FOLL_WRITE, 1, 1);
	gk_expect_pinned(c, 1);
	folio_ref_add(page_folio(page), GUP_PIN_COUNTING_BIAS);
	there = gk_in_child(r, gk_fork(test));
	GK_EXPECT(c, 0, "shared although it may be pinned",
		  gk_page(there, 0) == page, false);
	GK_EXPECT(c, 0, "the parent's page", gk_page(r, 0) == page, true);
	folio_ref_sub(page_folio(page), GUP_PIN_COUNTING_BIAS);
	gk_release(c);
}

/* The pages of a private file mapping that were written are anonymous. */
static void gup_fork_private_file(struct kunit *test)
{
	const struct fork_param *p = test->param_value;
	struct gk_call *c = fork_gup(test, &gk_file_private_cow);
	struct gk_range *r = c->r, *there = gk_in_child(r, gk_fork(test));
	unsigned int i;

	gk_settle();
	for (i = 0; i < c->ret; i++) {
		struct page *page = c->pages[i];
		u8 was = gk_peek(page);

		GK_EXPECT(c, i, "the parent's page", gk_page(r, i) == page,
			  true);
		GK_EXPECT(c, i, "contents", was, i + 1);
		if (!PageAnon(page)) {
			/* Of the file: of its own pages it has no copies. */
			GK_EXPECT(c, i, "a page of the file, pinned to read",
				  p->flags & (FOLL_WRITE | FOLL_LONGTERM), 0);
			GK_EXPECT(c, i, "shared with the child",
				  gk_page(there, i) == page, true);
			continue;
		}
		fork_expect_own(c, r, i, page);
		GK_EXPECT(c, i, "shared with the child",
			  gk_page(there, i) == page, false);
		gk_child_store(there, i, 0xc0 + i);
		GK_EXPECT(c, i, "contents of the pinned page", gk_peek(page),
			  was);
		gk_poke(page, 0x40 + i);
		GK_EXPECT(c, i, "the parent's contents", gk_load(r, i),
			  0x40 + i);
	}
	fork_end(c, there);
}

/* A driver's folios are shared by parent and child, pinned or not. */
static void gup_fork_driver(struct kunit *test)
{
	const struct fork_param *p = test->param_value;
	struct gk_call *c = fork_gup(test, &gk_drv_order0), *theirs;
	struct gk_range *there = gk_in_child(c->r, gk_fork(test));
	unsigned int i;

	for (i = 0; i < c->ret; i++)
		fork_expect_shared(c, there, i, c->pages[i]);
	theirs = gk_gup(there, GK_PIN_REMOTE, p->flags);
	gk_expect_pinned(theirs, c->nr);
	gk_expect_pages_of(theirs, c);
	gk_release(theirs);
	gk_expect_restored(theirs);
	fork_end(c, there);
}

/*
 * Entry @i maps @page. One that does not is put right, lest the child give back
 * references to whatever it maps when it exits.
 */
static bool fork_check_entry(struct gk_range *r, unsigned int i,
			     struct page *page)
{
	struct vm_area_struct *vma;
	unsigned long pfn = 0;
	spinlock_t *ptl;	/* of the page table */
	pte_t *ptep;

	mmap_read_lock(r->mm);
	vma = gk_vma(r, i);
	ptep = get_locked_pte(r->mm, gk_addr(r, i), &ptl);
	if (vma && ptep) {
		if (pte_present(ptep_get(ptep)))
			pfn = pte_pfn(ptep_get(ptep));
		if (pfn && pfn != page_to_pfn(page))
			set_pte_at(r->mm, gk_addr(r, i), ptep,
				   pfn_pte(page_to_pfn(page),
					   vma->vm_page_prot));
		pte_unmap_unlock(ptep, ptl);
	}
	mmap_read_unlock(r->mm);
	KUNIT_EXPECT_EQ_MSG(r->test, pfn, page_to_pfn(page),
			    "shape=%s page=%u: the child maps pfn %lx, not %lx",
			    r->shape->name, i, pfn, page_to_pfn(page));
	return pfn == page_to_pfn(page);
}

/* fork() copies the entries of a large folio at once: each to its own page. */
static void gup_fork_large_folio_entries(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order4, 0);
	struct gk_drv *drv = gk_range_drv(r);
	struct gk_range *there = gk_in_child(r, gk_fork(test));
	bool right = true;
	struct gk_call *c;
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		right &= fork_check_entry(there, i, gk_drv_page(drv, i));
	if (!right)
		return;
	c = gk_gup(there, GK_GET_REMOTE, FOLL_WRITE);
	gk_expect_round_trip(c, r->nr);
}

static void fork_expect_slow(struct gk_range *r, enum gk_api_id api,
			     bool slow)
{
	struct folio *folio = page_folio(gk_page(r, 0));
	struct gk_call *c;

	folio_clear_dirty(folio);
	raw_write_seqcount_begin(&r->mm->write_protect_seq);
	c = gk_gup_part(r, api, FOLL_WRITE, 0, 4);
	raw_write_seqcount_end(&r->mm->write_protect_seq);
	gk_expect_pinned(c, 4);
	/* GUP-fast leaves the dirty flag alone, the slow path does not. */
	GK_EXPECT(c, 0, "had by the slow path", folio_test_dirty(folio), slow);
	gk_release(c);
	gk_expect_restored(c);
}

/*
 * While a fork write-protects entries GUP-fast must not pin: the slow path
 * waits for mmap_lock. Getting references has no such need.
 */
static void gup_fork_keeps_fast_from_pinning(struct kunit *test)
{
	struct gk_range *r = gk_map(test, &gk_drv_order2, 0);

	fork_expect_slow(r, GK_PIN_FAST, true);
	fork_expect_slow(r, GK_GET_FAST, false);
	fork_expect_slow(r, GK_GET_FAST_ONLY, false);
}

static struct kunit_suite gup_fork_suite = {
	.name = "gup_fork",
	.test_cases = (struct kunit_case[]) {
		KUNIT_CASE_PARAM(gup_fork_copies_pinned, fork_pin_gen_params),
		KUNIT_CASE_PARAM(gup_fork_again_and_again, fork_pin_gen_params),
		KUNIT_CASE_PARAM(gup_fork_shares_what_is_got, fork_get_gen_params),
		KUNIT_CASE_PARAM(gup_fork_shares_what_was_pinned, fork_pin_gen_params),
		KUNIT_CASE_PARAM(gup_fork_copies_no_more, fork_pin_gen_params),
		KUNIT_CASE_PARAM(gup_fork_then_pin, fork_pin_gen_params),
		KUNIT_CASE_PARAM(gup_fork_exit_then_pin, fork_pin_gen_params),
		KUNIT_CASE_PARAM(gup_fork_child_pins, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_fork_exclusive_steps, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_fork_has_pinned_by_pin, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_fork_has_pinned_by_get, gk_get_api_params),
		KUNIT_CASE_PARAM(gup_fork_many_references, gk_pin_api_params),
		KUNIT_CASE_PARAM(gup_fork_private_file, fork_pin_gen_params),
		KUNIT_CASE_PARAM(gup_fork_driver, fork_pin_gen_params),
		KUNIT_CASE(gup_fork_large_folio_entries),
		KUNIT_CASE(gup_fork_keeps_fast_from_pinning),
		{}
	},
};

kunit_test_suite(gup_fork_suite);
