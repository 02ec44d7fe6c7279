// SPDX-License-Identifier: GPL-2.0
/* An attempt: is what GUP gave what the table says, and is all as before in the end? */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "lib_memory.h"
#include "shapes.h"

int gup_fd = -1;
int self_pidfd = -1;
long pins_at_rest;

static bool wrong(const struct gup_call *c, unsigned long i, const char *what,
		  unsigned long long got, unsigned long long want)
{
	return gup_fails("entry %lu of %llu: %s: wanted %llu (%#llx), got %llu (%#llx)",
			 i, c->run.pages_done, what, want, want, got, got);
}

/* One entry for all of it: then the first page has the flags for all of them. */
static bool speaks_for_itself(const struct gup_rig_record *rec)
{
	return !rec->folio_offset ||
	       !(rec->flags & (GUP_RIG_REC_LEAF_PMD | GUP_RIG_REC_LEAF_PUD |
			       GUP_RIG_REC_HUGETLB));
}

static bool expect_kind(const struct attempt *a, unsigned long i)
{
	const struct gup_rig_record *rec = &a->held.records[i];
	__u64 kind = kind_wanted(a, i);
	bool exclusive = rec->flags & GUP_RIG_REC_EXCLUSIVE;
	int order = order_wanted(a, i);

	if ((rec->flags & KINDS) != kind)
		return wrong(&a->held, i, "kind of page", rec->flags & KINDS, kind);
	if (order != ANY_ORDER && (int)rec->folio_order != order)
		return wrong(&a->held, i, "folio order", rec->folio_order, order);
	if (speaks_for_itself(rec) && exclusive != exclusive_wanted(a, i))
		return wrong(&a->held, i, "exclusive", exclusive, !exclusive);
	if ((a->foll & GUP_RIG_FOLL_LONGTERM) &&
	    !(rec->flags & GUP_RIG_REC_LONGTERM_OK))
		return wrong(&a->held, i, "may stay for long", 0, 1);
	if (!(rec->flags & GUP_RIG_REC_MAPPED))
		return wrong(&a->held, i, "is mapped", 0, 1);
	return true;
}

/* Is it the page that was there before, or another one, as it must be? */
static bool expect_identity(const struct attempt *a, unsigned long i)
{
	const struct gup_rig_record *rec = &a->held.records[i];
	bool before = rec->flags & GUP_RIG_REC_BEFORE;
	bool same = before && rec->before_pfn == rec->pfn;
	char letter = outcome(a, i);

	switch (letter) {
	case 'S':
		if (!before || same == a->moves[i])
			return wrong(&a->held, i, "the page that was there", rec->pfn,
				     rec->before_pfn);
		return true;
	case 'n':
	case 'a':
		return !before || wrong(&a->held, i, "page before", rec->before_pfn, 0);
	case 'c':
		if (!before || same)
			return wrong(&a->held, i, "page before: want another",
				     rec->pfn, rec->before_pfn);
		return true;
	case 'z':
		return !before || same ||
		       wrong(&a->held, i, "zero page", rec->pfn, rec->before_pfn);
	}
	return gup_fails("table: no such letter: %c", letter);
}

static bool expect_pages(const struct attempt *a)
{
	unsigned long i;

	for (i = 0; i < a->nr; i++)
		if (!expect_identity(a, i) || !expect_kind(a, i))
			return false;
	return true;
}

/* Pins that the counters of /proc/vmstat must know of. */
static long pins_wanted(const struct gup_call *c)
{
	unsigned long i;
	long pins = 0;

	for (i = 0; i < c->run.records_done; i++)
		pins += gup_apis[c->run.api].pins &&
			((c->records[i].flags & GUP_RIG_REC_LARGE) ||
			 !(c->records[i].flags & GUP_RIG_REC_ZERO));
	return pins;
}

static bool expect_pins_out(long want)
{
	long pins = gup_pins_out();

	return pins == want || gup_fails("pins in /proc/vmstat: wanted %ld, got %ld",
					 want, pins);
}

static void call_set_up(const struct attempt *a, struct gup_call *c)
{
	c->run.flags = a->w->flags;
	if (way_is_remote(a->w))
		c->run.fd = self_pidfd;
}

static bool call_init(const struct attempt *a, struct gup_call *c, unsigned long nr)
{
	if (!gup_call_init(c, gup_fd, a->w->api, a->foll, a->m.mem, nr))
		return false;
	call_set_up(a, c);
	return true;
}

/*
 * From page @i on: where the pages are now, may they be pinned for long? Goes as far
 * as there are pages, without a change of anything, and returns how many that are.
 */
static unsigned long look_at_places(struct attempt *a, unsigned long i)
{
	struct gup_call c;
	unsigned long j, nr = 0;

	if (gup_call_init(&c, gup_fd, GUP_RIG_API_GET,
			  GUP_RIG_FOLL_FORCE | GUP_RIG_FOLL_NOFAULT,
			  page(&a->m, i), a->m.nr - i) && gup_run(&c))
		nr = c.run.records_done;
	for (j = 0; j < nr; j++)
		a->moves[i + j] = !(c.records[j].flags & GUP_RIG_REC_LONGTERM_OK);
	gup_call_free(&c);
	return nr;
}

static bool look_for_moves(struct attempt *a)
{
	unsigned long i;

	a->moves = calloc(a->m.nr, sizeof(*a->moves));
	if (!a->moves)
		return gup_fails("no memory");
	if (!(a->foll & GUP_RIG_FOLL_LONGTERM))
		return true;
	for (i = 0; i < a->nr; i++)
		i += look_at_places(a, i);
	return true;
}

static bool check_contents(const struct attempt *a, char *buf, const char *what)
{
	unsigned long i;

	for (i = 0; i < a->nr; i++) {
		char *p = buf + i * psize();

		if (!has_words(p, a->m.words[i]))
			return gup_fails("page %lu, %s: wanted %#llx, got %#llx ... %#llx",
					 i, what, a->m.words[i], *first_word(p),
					 *last_word(p));
	}
	return true;
}

static char *read_pin(const struct gup_call *c, unsigned long nr)
{
	char *buf = malloc(nr * psize());

	if (buf && gup_hold_read(c, 0, c->run.first_offset, buf, nr * psize()))
		return buf;
	free(buf);
	return NULL;
}

static bool expect_read_through(const struct attempt *a, const struct gup_call *c,
				const char *what)
{
	char *buf = read_pin(c, a->nr);
	bool good = buf && check_contents(a, buf, what);

	free(buf);
	return good;
}

static bool expect_process_sees(const struct attempt *a, const char *what)
{
	return !(a->m.prot & PROT_READ) || check_contents(a, a->m.mem, what);
}

static bool expect_child_untouched(struct attempt *a)
{
	char c;

	if (a->m.child <= 0)
		return true;
	return (ask_child(&a->m, &c) && c == 'y') ||
	       gup_fails("the child does not see its own data any more");
}

static __u64 file_word(const struct attempt *a, unsigned long i)
{
	__u64 word = 0;

	if (pread(a->m.file, &word, sizeof(word), a->m.offset + i * psize()) !=
	    sizeof(word))
		word = ~0ULL;
	return word;
}

/* A shared file has what the process sees; a private mapping leaves it alone. */
static bool expect_file_is_right(const struct attempt *a)
{
	unsigned long i;

	if (a->m.file < 0)
		return true;
	for (i = 0; i < a->nr; i++) {
		__u64 want = a->s->shared_map ? a->m.words[i] : WRITTEN + i;

		if (file_word(a, i) != want)
			return gup_fails("page %lu: in the file: wanted %#llx, got %#llx",
					 i, want, file_word(a, i));
	}
	return true;
}

static bool write_through(struct attempt *a, const struct gup_call *c)
{
	char *buf = calloc(a->nr, psize());
	unsigned long i;
	bool good;

	if (!buf)
		return gup_fails("no memory");
	for (i = 0; i < a->nr; i++) {
		a->m.words[i] = THROUGH_PIN + i;
		put_words(buf + i * psize(), a->m.words[i]);
	}
	good = gup_hold_write(c, 0, c->run.first_offset, buf, a->nr * psize());
	free(buf);
	return good;
}

/* Let the process write to the range itself. */
static bool open_up(struct attempt *a)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct mapping *m = &a->m;

	if (m->uffd >= 0 && !m->served &&
	    !gup_uffd_protect(m->uffd, m->mem, m->nr * psize(), false))
		return gup_fails("UFFDIO_WRITEPROTECT: %s", strerror(errno));
	if (a->s->final || (m->prot == rw && !a->s->from))
		return true;
	/* hugetlb wants whole pages of its own; a hole or guard ends the range. */
	if (a->s->all.kind & GUP_RIG_REC_HUGETLB ?
	    mprotect(m->map, m->map_len, rw) : mprotect(m->mem, a->nr * psize(), rw))
		return gup_fails("mprotect: %s", strerror(errno));
	m->prot = rw;
	return true;
}

/* The process writes: seen through the pin, or it got a copy, but nothing between. */
static bool expect_stores_seen(struct attempt *a, const struct gup_call *c)
{
	__u64 *pinned = calloc(a->nr, sizeof(*pinned));
	unsigned long i;
	bool good;

	if (!pinned)
		return gup_fails("no memory");
	for (i = 0; i < a->nr; i++) {
		put_words(page(&a->m, i), BY_PROCESS + i);
		pinned[i] = a->m.words[i];
		a->m.words[i] = BY_PROCESS + i;
	}
	good = expect_process_sees(a, "as the process wrote it");
	for (i = 0; i < a->nr; i++) {
		__u64 word = a->m.words[i];

		a->m.words[i] = stores_are_seen(a, i) ? word : pinned[i];
		pinned[i] = word;
	}
	good = good && expect_read_through(a, c, "through the pin, the process wrote");
	memcpy(a->m.words, pinned, a->nr * sizeof(*pinned));
	free(pinned);
	return good;
}

static bool expect_data_both_ways(struct attempt *a, const struct gup_call *c)
{
	if (writes(a) && !write_through(a, c))
		return false;
	if (!open_up(a) || !expect_process_sees(a, "written through the pin") ||
	    !expect_file_is_right(a) || !expect_child_untouched(a))
		return false;
	if (!(a->m.prot & PROT_WRITE))
		return true;
	return expect_stores_seen(a, c) && expect_file_is_right(a) &&
	       expect_child_untouched(a);
}

/* Each of the ways to release in turn. */
static unsigned int put_of(const struct attempt *a, unsigned int turn)
{
	static const unsigned int clean[] = {
		GUP_RIG_PUT_DEFAULT, GUP_RIG_PUT_RANGE, GUP_RIG_PUT_ONE,
	};
	static const unsigned int dirty[] = {
		GUP_RIG_PUT_DIRTY, GUP_RIG_PUT_RANGE, GUP_RIG_PUT_RANGE_DIRTY,
		GUP_RIG_PUT_ONE, GUP_RIG_PUT_DEFAULT,
	};

	turn += a->w - ways;
	if (!way_pins(a->w))
		return GUP_RIG_PUT_DEFAULT;
	return writes(a) ? dirty[turn % ARRAY_SIZE(dirty)] :
			   clean[turn % ARRAY_SIZE(clean)];
}

static bool put_dirties(unsigned int put)
{
	return put == GUP_RIG_PUT_DIRTY || put == GUP_RIG_PUT_RANGE_DIRTY;
}

/* A third first, which ends in the midst of a folio, then the rest. */
static bool release_in_parts(const struct gup_call *c, unsigned int put)
{
	__u64 third = c->run.entries / 3;
	long first = third ? gup_release_part(c, put, 0, third) : 0;
	long rest = gup_release_part(c, put, third, 0);

	if (first < 0 || rest < 0)
		return false;
	return first + rest == (long)c->run.entries ||
	       gup_fails("released %ld and %ld of %llu entries", first, rest,
			 c->run.entries);
}

/* The first call: from the shape as it was made to pages that are held. */
static bool hold_and_check(struct attempt *a)
{
	if (!call_init(a, &a->held, a->nr))
		return false;
	a->held.run.flags |= GUP_RIG_RUN_HOLD;
	return gup_run(&a->held) &&
	       gup_expect_result(&a->held, a->nr) &&
	       gup_expect_sound(&a->held) &&
	       gup_expect_mapped(&a->held, a->m.mem) &&
	       expect_pages(a) &&
	       expect_pins_out(pins_at_rest + pins_wanted(&a->held)) &&
	       expect_read_through(a, &a->held, "through the pin") &&
	       expect_process_sees(a, "by the process") &&
	       expect_child_untouched(a) &&
	       release_in_parts(&a->held, put_of(a, 0));
}

/* Dirty when asked for. Not otherwise: who looks at anonymous memory is only GUP. */
static bool expect_dirty(const struct attempt *a, const struct gup_call *again,
			 unsigned long i)
{
	bool held = a->held.records[i].flags & GUP_RIG_REC_DIRTY;
	bool rest = again->records[i].flags & GUP_RIG_REC_DIRTY;

	if (put_dirties(put_of(a, 0)))
		return rest || wrong(again, i, "dirty after the release", rest, 1);
	return rest == held || !(a->held.records[i].flags & GUP_RIG_REC_ANON) ||
	       wrong(again, i, "dirty after the release", rest, held);
}

/* After the release the counts are those of the first call, less what it took. */
static bool expect_rest(const struct attempt *a, const struct gup_call *again)
{
	unsigned long i;
	int refs = 0, pins = 0;

	for (i = 0; i < a->nr; i++) {
		const struct gup_rig_record *held = &a->held.records[i];
		const struct gup_rig_record *rest = &again->records[i];

		if (!i || held->folio_pfn != held[-1].folio_pfn) {
			refs = gup_refs_gained(&a->held, i);
			pins = gup_pins_gained(&a->held, i);
		}
		if (rest->before_pfn != held->pfn)
			return wrong(again, i, "page after the release", rest->before_pfn,
				     held->pfn);
		if (rest->ref_before != held->ref_held - refs)
			return wrong(again, i, "references after the release",
				     rest->ref_before, held->ref_held - refs);
		if ((held->flags & GUP_RIG_REC_PINCOUNT) &&
		    rest->pin_before != held->pin_held - pins)
			return wrong(again, i, "pins after the release", rest->pin_before,
				     held->pin_held - pins);
		if (!expect_dirty(a, again, i))
			return false;
	}
	return true;
}

/* Some pages a call, so that a folio is taken in pieces. */
static bool get_in_pieces(struct attempt *a)
{
	struct gup_call c;
	bool good;

	if (!call_init(a, &c, a->nr))
		return false;
	c.run.pages_per_call = a->nr > SMALL ? 101 : 3;
	c.run.put = put_of(a, 1);
	good = gup_run(&c) && gup_expect_result(&c, a->nr) && gup_expect_sound(&c) &&
	       expect_rest(a, &c) && gup_expect_restored(&c) &&
	       gup_expect_same(&a->held, &c);
	gup_call_free(&c);
	return good;
}

static bool hold_and_write(struct attempt *a)
{
	struct gup_call c;

	gup_call_init_bare(&c, gup_fd, a->w->api, a->foll, a->m.mem, a->nr);
	call_set_up(a, &c);
	c.run.flags |= GUP_RIG_RUN_HOLD;
	return gup_run(&c) && gup_expect_result(&c, a->nr) &&
	       expect_data_both_ways(a, &c) && gup_release(&c, put_of(a, 2));
}

/* All the other ways that may be asked at this point find the same pages. */
static bool expect_ways_agree(const struct attempt *a)
{
	const struct way *first = a->w;
	struct attempt other = *a;
	struct gup_call c;
	bool good = true;

	for (other.w = ways; good && other.w < ways + NR_WAYS; other.w++) {
		if (other.w == first || way_pins(other.w) != way_pins(first) ||
		    !way_takes(other.w, a->foll) || pages_to_get(&other) != a->nr)
			continue;
		if (!call_init(&other, &c, a->nr))
			return false;
		good = gup_run(&c) && gup_expect_result(&c, a->nr) &&
		       gup_expect_sound(&c) && gup_expect_restored(&c) &&
		       gup_expect_same(&a->held, &c);
		gup_call_free(&c);
	}
	return good;
}

static bool first_way_of_its_kind(const struct attempt *a)
{
	return a->w->api == GUP_RIG_API_GET || a->w->api == GUP_RIG_API_PIN;
}

static bool check_what_can_be_had(struct attempt *a)
{
	bool good;

	good = look_for_moves(a) && hold_and_check(a) && get_in_pieces(a) &&
	       (!first_way_of_its_kind(a) || expect_ways_agree(a)) &&
	       hold_and_write(a);
	free(a->moves);
	gup_call_free(&a->held);
	return good;
}

/* The whole range, with something in it that cannot be had: how far does it get? */
static bool check_how_far(struct attempt *a)
{
	long error = outcome(a, a->nr) == 'E' ? -EFAULT : 0;
	struct gup_call c;
	bool good;

	if (!call_init(a, &c, a->m.nr))
		return false;
	c.run.flags |= GUP_RIG_RUN_CONTINUE;
	good = gup_run(&c) && gup_expect_result(&c, a->nr ? (long)a->nr : error) &&
	       gup_expect_sound(&c) && gup_expect_mapped(&c, a->m.mem);
	if (good && c.run.error != error)
		good = gup_fails("the call behind the last page: wanted %ld, got %d",
				 error, c.run.error);
	gup_call_free(&c);
	return good;
}

/* memfd_pin_folios(): what it gives are folios, and it looks into the file. */

static const struct way memfd_way = { .api = GUP_RIG_API_MEMFD };

static bool expect_folios_of(const struct attempt *a)
{
	const struct expect *e = &a->s->all;
	unsigned long i;

	for (i = 0; i < a->held.run.records_done; i++) {
		const struct gup_rig_record *rec = &a->held.records[i];

		if ((rec->flags & KINDS) != e->kind)
			return wrong(&a->held, i, "kind of page", rec->flags & KINDS,
				     e->kind);
		if ((int)rec->folio_order != e->order)
			return wrong(&a->held, i, "folio order", rec->folio_order,
				     e->order);
		if (!(rec->flags & GUP_RIG_REC_LONGTERM_OK))
			return wrong(&a->held, i, "may stay for long", 0, 1);
	}
	return a->held.run.first_offset == a->held.records[0].folio_offset * psize() ||
	       wrong(&a->held, 0, "offset in the first folio",
		     a->held.run.first_offset, a->held.records[0].folio_offset * psize());
}

static bool hold_memfd(struct attempt *a)
{
	struct gup_call *c = &a->held;

	if (!gup_call_init_memfd(c, gup_fd, a->m.file, a->foll, a->m.offset, a->nr))
		return false;
	c->run.flags = GUP_RIG_RUN_HOLD;
	if (!gup_run(c) || !gup_expect_result(c, a->nr) || !gup_expect_sound(c))
		return false;
	/* It does not map anything. */
	touch(&a->m, 0, a->nr);
	return gup_expect_mapped(c, a->m.mem) && expect_folios_of(a) &&
	       expect_pins_out(pins_at_rest + pins_wanted(c)) &&
	       expect_read_through(a, c, "through the pin") &&
	       expect_data_both_ways(a, c) &&
	       release_in_parts(c, GUP_RIG_PUT_ONE);
}

static bool memfd_in_pieces(struct attempt *a)
{
	struct gup_call c;
	bool good;

	if (!gup_call_init_memfd(&c, gup_fd, a->m.file, a->foll, a->m.offset, a->nr))
		return false;
	c.run.pages_per_call = a->nr > SMALL ? 101 : 3;
	good = gup_run(&c) && gup_expect_result(&c, a->nr) && gup_expect_sound(&c) &&
	       gup_expect_mapped(&c, a->m.mem) && gup_expect_restored(&c);
	gup_call_free(&c);
	return good;
}

static bool check_memfd(struct attempt *a)
{
	bool good = hold_memfd(a) && memfd_in_pieces(a);

	gup_call_free(&a->held);
	return good;
}

/* GUP on the memory of the child. */

static bool expect_own_copies(const struct attempt *a)
{
	unsigned long i;

	for (i = 0; i < a->nr; i++)
		if (a->held.records[i].pfn == gup_pfn(page(&a->m, i)))
			return wrong(&a->held, i, "a copy of the child's own",
				     a->held.records[i].pfn, 0);
	return true;
}

static bool hold_remote(struct attempt *a, int pidfd)
{
	struct gup_call *c = &a->held;

	if (!gup_call_init(c, gup_fd, a->w->api, a->foll, a->m.mem, a->nr))
		return false;
	c->run.flags = a->w->flags | GUP_RIG_RUN_HOLD;
	c->run.fd = pidfd;
	if (!gup_run(c) || !gup_expect_result(c, a->nr) || !gup_expect_sound(c))
		return false;
	/* Page by page, what the parent has is what the child had. */
	if (!(outcome(a, 0) == 'S' ? gup_expect_mapped(c, a->m.mem) :
				     expect_own_copies(a)))
		return false;
	return expect_pins_out(pins_at_rest + pins_wanted(c)) &&
	       expect_read_through(a, c, "through the pin");
}

/* The child does see it; its parent, if they share the memory for good. */
static bool expect_child_sees_writes(struct attempt *a)
{
	unsigned long i;
	char c;

	if (!write_through(a, &a->held))
		return false;
	if (!ask_child(&a->m, &c) || c != 'n')
		return gup_fails("the child does not see what was written through the pin");
	for (i = 0; i < a->nr && !a->s->shared_map; i++)
		a->m.words[i] = WRITTEN + i;
	return check_contents(a, a->m.mem, "by the parent");
}

static bool check_remote(struct attempt *a)
{
	int pidfd = syscall(SYS_pidfd_open, a->m.child, 0);
	bool good;

	if (pidfd < 0)
		return gup_fails("pidfd_open: %s", strerror(errno));
	good = hold_remote(a, pidfd) &&
	       (writes(a) ? expect_child_sees_writes(a) : expect_child_untouched(a)) &&
	       release_in_parts(&a->held, put_of(a, 0));
	close(pidfd);
	gup_call_free(&a->held);
	return good;
}

/* So that the next combination starts with nothing held. */
static enum made drop_what_is_held(void)
{
	close(gup_fd);
	gup_fd = open(GUP_RIG_FILE, O_RDWR | O_CLOEXEC);
	return BROKEN;
}

static enum made with_shape(struct attempt *a, bool (*check)(struct attempt *a))
{
	enum made made = map_shape(&a->m, a->s);

	if (made == MADE) {
		a->nr = pages_to_get(a);
		if (!check(a))
			made = drop_what_is_held();
	}
	unmap_shape(&a->m);
	if (made == MADE && !expect_pins_out(pins_at_rest))
		made = BROKEN;
	return made;
}

static bool check_all(struct attempt *a)
{
	if (a->nr < a->m.nr && !check_how_far(a))
		return false;
	return !a->nr || a->nr < a->m.nr || check_what_can_be_had(a);
}

enum made try_way(struct attempt *a)
{
	enum made made = with_shape(a, check_all);

	/* What can be had of a range that ends early wants a shape that is fresh. */
	if (made == MADE && a->nr && a->nr < a->m.nr)
		made = with_shape(a, check_what_can_be_had);
	return made;
}

enum made try_memfd(struct attempt *a)
{
	a->w = &memfd_way;
	return with_shape(a, check_memfd);
}

enum made try_remote(struct attempt *a)
{
	return with_shape(a, check_remote);
}
