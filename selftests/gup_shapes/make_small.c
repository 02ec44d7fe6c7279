// SPDX-License-Identifier: GPL-2.0
/* Recipes: anonymous memory in pages of the base size. */
#include "lib_memory.h"
#include "shapes.h"

enum made make_fresh(struct mapping *m, unsigned long arg)
{
	return map_anon(m) ? MADE : broken("mmap");
}

enum made make_written(struct mapping *m, unsigned long arg)
{
	if (!map_anon(m))
		return broken("mmap");
	stamp(m, 0, m->nr);
	return MADE;
}

enum made make_zero(struct mapping *m, unsigned long arg)
{
	if (!map_anon(m))
		return broken("mmap");
	touch(m, 0, m->nr);
	return MADE;
}

/* Written, zero page, written, ... */
enum made make_mixed(struct mapping *m, unsigned long arg)
{
	unsigned long i;

	if (!map_anon(m))
		return broken("mmap");
	for (i = 0; i < m->nr; i++) {
		if (i & 1)
			touch(m, i, 1);
		else
			stamp(m, i, 1);
	}
	return MADE;
}

enum made make_mlocked(struct mapping *m, unsigned long arg)
{
	enum made made = make_written(m, 0);

	return made == MADE && mlock(m->mem, m->nr * psize()) ? broken("mlock") : made;
}

/* Access as @arg says, after all was written. */
enum made make_protected(struct mapping *m, unsigned long arg)
{
	enum made made = make_written(m, 0);

	if (made != MADE)
		return made;
	if (mprotect(m->mem, m->nr * psize(), arg))
		return broken("mprotect");
	m->prot = arg;
	return MADE;
}

/* From page @arg on for reading only: a VMA of its own. */
enum made make_two_vmas(struct mapping *m, unsigned long arg)
{
	enum made made = make_written(m, 0);

	return made == MADE && mprotect(page(m, arg), (m->nr - arg) * psize(), PROT_READ) ?
	       broken("mprotect") : made;
}

enum made make_hole(struct mapping *m, unsigned long arg)
{
	enum made made = make_written(m, 0);

	return made == MADE && munmap(page(m, arg), psize()) ? broken("munmap") : made;
}

enum made make_guard(struct mapping *m, unsigned long arg)
{
	enum made made = make_written(m, 0);

	if (made != MADE)
		return made;
	if (!madvise(page(m, arg), psize(), MADV_GUARD_INSTALL))
		return MADE;
	return errno == EINVAL ? cannot("MADV_GUARD_INSTALL") :
				 broken("MADV_GUARD_INSTALL");
}

/* Half of it on either side of a multiple of @arg bytes: of what a table covers. */
enum made make_edge(struct mapping *m, unsigned long arg)
{
	if (!map_at(m, arg + SMALL / 2 * psize(), arg,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1) ||
	    !choose(m, arg / psize() - SMALL / 2, SMALL))
		return broken("mmap");
	stamp(m, 0, m->nr);
	return MADE;
}

enum made make_forked(struct mapping *m, unsigned long arg)
{
	return and_forked(m, make_written(m, 0));
}

enum made make_orphaned(struct mapping *m, unsigned long arg)
{
	enum made made = make_forked(m, 0);

	end_child(m);
	return made;
}

/* KSM. */

static bool all_merged(struct mapping *m)
{
	__u64 first = gup_pfn(m->mem);
	unsigned long i;

	for (i = 1; i < m->nr; i++)
		if (gup_pfn(page(m, i)) != first)
			return false;
	return first;
}

enum made make_ksm(struct mapping *m, unsigned long arg)
{
	unsigned long i, tries;

	if (access(KSM_SYSFS "run", W_OK))
		return cannot(KSM_SYSFS "run");
	if (!map_anon(m))
		return broken("mmap");
	for (i = 0; i < m->nr; i++) {
		m->words[i] = WRITTEN;
		put_words(page(m, i), WRITTEN);
	}
	if (madvise(m->mem, m->nr * psize(), MADV_MERGEABLE))
		return broken("MADV_MERGEABLE");
	if (!gup_write_knob(KSM_SYSFS "run", "1"))
		return BROKEN;
	for (tries = 0; tries < 30000 && !all_merged(m); tries++)
		usleep(1000);
	/* ksmd has references while it looks. */
	if (!gup_write_knob(KSM_SYSFS "run", "0"))
		return BROKEN;
	errno = ETIMEDOUT;
	return all_merged(m) ? MADE : broken("KSM does not merge");
}
