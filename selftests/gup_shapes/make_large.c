// SPDX-License-Identifier: GPL-2.0
/* Recipes: transparent huge pages of all sizes, and hugetlb. */
#include <sys/mman.h>
#include "shapes.h"

/* Huge pages. */

size_t pmd_size(void)
{
	return read_pmd_pagesize();
}

bool is_folio(struct mapping *m, unsigned long i, int order)
{
	struct gup_call c;
	bool good;

	good = gup_call_init(&c, gup_fd, GUP_RIG_API_GET, 0, page(m, i), 1) &&
	       gup_run(&c) && c.run.records_done == 1 &&
	       (int)c.records[0].folio_order == order;
	gup_call_free(&c);
	return good;
}

void mthp_knob(char *path, size_t size, unsigned long kb, const char *name)
{
	snprintf(path, size, THP_SYSFS "hugepages-%lukB/%s", kb, name);
}

int order_of(unsigned long kb)
{
	return kb ? __builtin_ctzl(kb * 1024 / psize()) : 0;
}

/* Two folios of @kb KiB, from the second page on up to the last but one. */
static enum made map_thp(struct mapping *m, unsigned long kb, bool write)
{
	unsigned long pages = kb * 1024 / psize();
	char path[128];

	mthp_knob(path, sizeof(path), kb, "enabled");
	if (access(path, W_OK))
		return cannot(path);
	if (!map_at(m, 2 * kb * 1024, kb * 1024, MAP_PRIVATE | MAP_ANONYMOUS, -1) ||
	    !choose(m, 1, 2 * pages - 2))
		return broken("mmap");
	if (!gup_write_knob(path, "always"))
		return BROKEN;
	if (write)
		stamp(m, 0, m->nr);
	else
		touch(m, 0, m->nr);
	if (!gup_write_knob(path, "never"))
		return BROKEN;
	errno = ENOMEM;
	return is_folio(m, 0, order_of(kb)) && is_folio(m, m->nr - 1, order_of(kb)) ?
	       MADE : broken("no folio of this size");
}

enum made make_thp(struct mapping *m, unsigned long kb)
{
	return map_thp(m, kb, true);
}

enum made make_thp_zero(struct mapping *m, unsigned long kb)
{
	if (!gup_write_knob(THP_SYSFS "use_zero_page", "1"))
		return CANNOT;
	return map_thp(m, kb, false);
}

enum made make_thp_forked(struct mapping *m, unsigned long kb)
{
	return and_forked(m, make_thp(m, kb));
}

enum made make_thp_orphaned(struct mapping *m, unsigned long kb)
{
	enum made made = make_thp_forked(m, kb);

	end_child(m);
	return made;
}

/* A change of the access of one page has the PMD split, the folio stays. */
enum made make_thp_split(struct mapping *m, unsigned long kb)
{
	enum made made = make_thp(m, kb);

	if (made == MADE && (mprotect(page(m, 3), psize(), PROT_READ) ||
			     mprotect(page(m, 3), psize(), m->prot)))
		return broken("mprotect");
	return made;
}

/* What is left of it when the first quarter of the first folio is gone. */
enum made make_thp_part(struct mapping *m, unsigned long kb)
{
	enum made made = make_thp(m, kb);
	unsigned long gone = kb * 1024 / psize() / 4 + 1;

	if (made != MADE)
		return made;
	if (munmap(m->map, gone * psize()))
		return broken("munmap");
	m->map += gone * psize();
	m->map_len -= gone * psize();
	m->mem = m->map;
	m->nr -= gone - 1;
	memmove(m->words, m->words + gone - 1, m->nr * sizeof(*m->words));
	return MADE;
}

/* Every other page of the folios is gone; small zeroes come in its place. */
enum made make_thp_gaps(struct mapping *m, unsigned long kb)
{
	enum made made = make_thp(m, kb);
	unsigned long i;

	if (made != MADE)
		return made;
	for (i = 1; i < m->nr; i += 2) {
		if (madvise(page(m, i), psize(), MADV_DONTNEED))
			return broken("MADV_DONTNEED");
		m->words[i] = 0;
	}
	return MADE;
}

/* The pages of a folio in the opposite order, and one VMA each. */
enum made make_thp_reversed(struct mapping *m, unsigned long kb)
{
	struct mapping to = { .prot = PROT_NONE };
	enum made made = make_thp(m, kb);
	unsigned long i;
	__u64 word;

	if (made != MADE)
		return made;
	if (!map_at(&to, m->nr * psize(), psize(), MAP_PRIVATE | MAP_ANONYMOUS, -1))
		return broken("mmap");
	for (i = 0; i < m->nr; i++)
		if (mremap(page(m, i), psize(), psize(), MREMAP_MAYMOVE | MREMAP_FIXED,
			   to.map + (m->nr - 1 - i) * psize()) == MAP_FAILED)
			return broken("mremap");
	for (i = 0; i < m->nr / 2; i++) {
		word = m->words[i];
		m->words[i] = m->words[m->nr - 1 - i];
		m->words[m->nr - 1 - i] = word;
	}
	munmap(m->map, m->map_len);
	m->map = to.map;
	m->map_len = to.map_len;
	m->mem = to.map;
	return MADE;
}

/* hugetlb. */

static bool hugetlb_has(unsigned long kb, unsigned long pages)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), HUGETLB_SYSFS "hugepages-%lukB/free_hugepages", kb);
	if (!gup_read_knob(path, text, sizeof(text)))
		return false;
	return strtoul(text, NULL, 10) >= pages ||
	       gup_fails("%s: %s, want %lu", path, text, pages);
}

static int hugetlb_flags(unsigned long kb)
{
	return MAP_HUGETLB | __builtin_ctzl(kb * 1024) << MAP_HUGE_SHIFT;
}

static enum made map_hugetlb(struct mapping *m, unsigned long kb, int flags, int file)
{
	unsigned long pages = kb * 1024 / psize();

	if (!map_at(m, 2 * kb * 1024, kb * 1024, flags, file) ||
	    !choose(m, 1, 2 * pages - 2))
		return broken("mmap of hugetlb");
	return MADE;
}

enum made make_hugetlb_fresh(struct mapping *m, unsigned long kb)
{
	/* Two that it needs, two for copies, two that nobody counts on. */
	if (!hugetlb_has(kb, 6))
		return CANNOT;
	return map_hugetlb(m, kb, MAP_PRIVATE | MAP_ANONYMOUS | hugetlb_flags(kb), -1);
}

enum made make_hugetlb(struct mapping *m, unsigned long kb)
{
	enum made made = make_hugetlb_fresh(m, kb);

	if (made == MADE)
		stamp(m, 0, m->nr);
	return made;
}

enum made make_hugetlb_forked(struct mapping *m, unsigned long kb)
{
	return and_forked(m, make_hugetlb(m, kb));
}

enum made make_hugetlb_readonly(struct mapping *m, unsigned long kb)
{
	enum made made = make_hugetlb(m, kb);

	if (made == MADE && mprotect(m->map, m->map_len, PROT_READ))
		return broken("mprotect");
	m->prot = PROT_READ;
	return made;
}

enum made make_hugetlb_memfd(struct mapping *m, unsigned long kb)
{
	enum made made;

	if (!hugetlb_has(kb, 6))
		return CANNOT;
	m->file = memfd_create("gup_shapes", MFD_HUGETLB | MFD_CLOEXEC |
			       __builtin_ctzl(kb * 1024) << MAP_HUGE_SHIFT);
	if (m->file < 0)
		return cannot("memfd_create(MFD_HUGETLB)");
	if (ftruncate(m->file, 2 * kb * 1024))
		return broken("ftruncate");
	made = map_hugetlb(m, kb, MAP_SHARED, m->file);
	if (made == MADE)
		stamp(m, 0, m->nr);
	return made;
}

/* One page of 1 GiB is all that a small machine has: some pages over an edge in it. */
enum made make_hugetlb_giant(struct mapping *m, unsigned long kb)
{
	if (!hugetlb_has(kb, 1))
		return CANNOT;
	if (!map_at(m, kb * 1024, kb * 1024,
		    MAP_PRIVATE | MAP_ANONYMOUS | hugetlb_flags(kb), -1) ||
	    !choose(m, 2 * MB / psize() - SMALL / 2, SMALL))
		return broken("mmap of hugetlb");
	stamp(m, 0, m->nr);
	return MADE;
}
