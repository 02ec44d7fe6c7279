// SPDX-License-Identifier: GPL-2.0
/*
 * Protection keys: GUP for a process asks the keys of the thread that calls, fast and
 * slow, at each page; what goes through the remote functions does not.
 */
#include <errno.h>
#include <sys/mman.h>
#include "vm_util.h"
#include "cases.h"

#define PAGES	8L

/* What the functions of GUP do with memory that the keys do not allow. */
static const struct {
	unsigned int api;
	enum { REFUSES, GIVES_NONE, IGNORES_KEYS } does;
} apis[] = {
	{ GUP_RIG_API_GET, REFUSES }, { GUP_RIG_API_GET_UNLOCKED, REFUSES },
	{ GUP_RIG_API_GET_FAST, REFUSES }, { GUP_RIG_API_PIN, REFUSES },
	{ GUP_RIG_API_PIN_UNLOCKED, REFUSES }, { GUP_RIG_API_PIN_FAST, REFUSES },
	{ GUP_RIG_API_POPULATE, REFUSES }, { GUP_RIG_API_FAULT, REFUSES },
	{ GUP_RIG_API_GET_FAST_ONLY, GIVES_NONE },
	{ GUP_RIG_API_GET_REMOTE, IGNORES_KEYS }, { GUP_RIG_API_PIN_REMOTE, IGNORES_KEYS },
};

/* The rights are the thread's, for the time of the call. */
static bool call_with_rights(struct gup_call *c, unsigned int api, __u64 flags, char *mem,
			     int key, unsigned int rights)
{
	bool done;

	if (pkey_set(key, rights))
		return io_fails("pkey_set");
	done = call(c, api, flags, mem, PAGES);
	pkey_set(key, 0);
	return done;
}

/* Of @free pages in front the key says nothing. */
static bool expect_key_holds(char *mem, long free, int key, unsigned int rights, __u64 flags)
{
	bool allowed = !rights || (rights == PKEY_DISABLE_WRITE && !flags);
	struct gup_call c;
	unsigned int i;
	long want;

	for (i = 0; i < ARRAY_SIZE(apis); i++) {
		want = apis[i].does == REFUSES ? -EFAULT : 0;
		if (allowed || apis[i].does == IGNORES_KEYS)
			want = PAGES;
		else if (free)
			want = free;
		if (!call_with_rights(&c, apis[i].api, flags, mem, key, rights))
			return false;
		if (gup_result(&c) != want)
			return gup_fails("%s, rights %#x: wanted %ld, got %ld",
					 gup_call_name(apis[i].api, flags), rights, want,
					 gup_result(&c));
	}
	return true;
}

static bool all_rights(char *mem, long free, int key)
{
	static const unsigned int rights[] = {
		0, PKEY_DISABLE_WRITE, PKEY_DISABLE_ACCESS,
		PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rights); i++)
		if (!expect_key_holds(mem, free, key, rights[i], 0) ||
		    !expect_key_holds(mem, free, key, rights[i], GUP_RIG_FOLL_WRITE))
			return false;
	return true;
}

bool test_pkeys(const struct io_kind *kind)
{
	/* From the middle of a folio on, if part of one can be protected. */
	const size_t free = kind->hugetlb ? HUGE : HUGE + HUGE / 2;
	const int prot = PROT_READ | PROT_WRITE;
	int key = pkey_alloc(0, 0);
	struct io_mem m;

	if (key < 0)
		return io_skip("no protection keys");
	if (!io_make(&m, kind, SIZE))
		return false;
	if (pkey_mprotect(m.map, SIZE, prot, key))
		return io_fails("pkey_mprotect");
	if (!all_rights(m.map, 0, key))
		return false;
	if (pkey_mprotect(m.map, free, prot, 0))
		return io_fails("pkey_mprotect");
	return all_rights(m.map + free - 3 * psize(), 3, key) &&
	       io_check("what was there", m.map, SIZE, m.seed, 0);
}
