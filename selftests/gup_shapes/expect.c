// SPDX-License-Identifier: GPL-2.0
/* What the table says about an attempt: which pages, of which kind, or which error. */
#include <string.h>
#include "shapes.h"

/* Ways to call GUP. A function that has variants has several. */
const struct way ways[NR_WAYS] = {
	{ .api = GUP_RIG_API_GET },
	{ .api = GUP_RIG_API_GET_FAST },
	{ .api = GUP_RIG_API_GET_UNLOCKED },
	{ .api = GUP_RIG_API_GET_REMOTE },
	{ .api = GUP_RIG_API_GET_REMOTE, .flags = GUP_RIG_RUN_LOCKED },
	{ .api = GUP_RIG_API_GET_FAST_ONLY },
	{ .api = GUP_RIG_API_GET_FAST_ONLY, .flags = GUP_RIG_RUN_IRQS_OFF },
	{ .api = GUP_RIG_API_PIN },
	{ .api = GUP_RIG_API_PIN_FAST },
	{ .api = GUP_RIG_API_PIN_UNLOCKED },
	{ .api = GUP_RIG_API_PIN_REMOTE },
	{ .api = GUP_RIG_API_PIN_REMOTE, .flags = GUP_RIG_RUN_LOCKED },
};

/* As many others for pins, in a row; more for references. */
#define NR_OTHER_WAYS	3

bool way_pins(const struct way *w)
{
	return gup_apis[w->api].pins;
}

static bool way_waits(const struct way *w)
{
	return gup_apis[w->api].waits || (w->flags & GUP_RIG_RUN_LOCKED);
}

bool way_is_remote(const struct way *w)
{
	return w->api == GUP_RIG_API_GET_REMOTE || w->api == GUP_RIG_API_PIN_REMOTE;
}

bool all_ways;

/* Of the other ways one or two for each case, always the same ones. */
bool way_is_due(const struct way *w, const struct shape *s, __u64 foll)
{
	const char *letter = s->all.gives;
	unsigned int turn = s->arg + foll;

	if (all_ways || w->api == GUP_RIG_API_GET || w->api == GUP_RIG_API_PIN ||
	    w->api == GUP_RIG_API_GET_FAST || w->api == GUP_RIG_API_PIN_FAST)
		return true;
	while (*letter)
		turn = turn * 31 + *letter++;
	return (turn >> 4) % NR_OTHER_WAYS == (w - ways) % NR_OTHER_WAYS;
}

/* LONGTERM is for pins. What else is not allowed is a fault of the driver's. */
bool way_takes(const struct way *w, __u64 foll)
{
	return way_pins(w) || !(foll & GUP_RIG_FOLL_LONGTERM);
}

bool writes(const struct attempt *a)
{
	return a->foll & GUP_RIG_FOLL_WRITE;
}

static const struct expect *expect_of(const struct shape *s, unsigned long i)
{
	if (s->from && i >= s->from)
		return &s->then;
	if ((i & 1) && s->odd.gives)
		return &s->odd;
	return &s->all;
}

/* Which of the letters of struct expect. */
static int column_of(const struct attempt *a)
{
	int column = a->foll & GUP_RIG_FOLL_FORCE ? 5 : 0;

	if (a->w->api == GUP_RIG_API_GET_FAST_ONLY)
		return writes(a) ? 11 : 10;
	if (writes(a))
		return column + (a->foll & GUP_RIG_FOLL_LONGTERM ? 4 : 2);
	if (a->foll & GUP_RIG_FOLL_LONGTERM)
		return column + 3;
	return column + way_pins(a->w);
}

/* Page @i of the range, whose folios are aligned in what is mapped. */
static bool first_of_folio(const struct attempt *a, unsigned long i)
{
	unsigned long number = a->m.offset / psize() + i;

	return !i || !(number % (1UL << expect_of(a->s, i)->order));
}

char outcome(const struct attempt *a, unsigned long i)
{
	const char *letter = expect_of(a->s, i)->gives;
	int column = column_of(a);

	for (; *letter == ' ' || column; letter++)
		column -= *letter != ' ';
	switch (*letter) {
	case 'U':
		return way_waits(a->w) ? 'S' : 'E';
	case 'r':
		return first_of_folio(a, i) ? 'S' : 'c';
	}
	return *letter;
}

unsigned long pages_to_get(const struct attempt *a)
{
	unsigned long i;

	for (i = 0; i < a->m.nr && !strchr("E0", outcome(a, i)); i++)
		;
	return i;
}

static bool is_copy(char letter)
{
	return letter == 'c' || letter == 'a';
}

__u64 kind_wanted(const struct attempt *a, unsigned long i)
{
	__u64 kind = expect_of(a->s, i)->kind;
	char letter = outcome(a, i);

	if (letter == 'z')
		return GUP_RIG_REC_ZERO;
	if (is_copy(letter))
		return GUP_RIG_REC_ANON | (kind & GUP_RIG_REC_HUGETLB);
	return kind;
}

int order_wanted(const struct attempt *a, unsigned long i)
{
	const struct expect *e = expect_of(a->s, i);

	return is_copy(outcome(a, i)) ? e->copy_order : e->order;
}

/* Will this process alone write to the page, without a copy being made? */
bool exclusive_wanted(const struct attempt *a, unsigned long i)
{
	if (!(kind_wanted(a, i) & GUP_RIG_REC_ANON))
		return false;
	return way_pins(a->w) || writes(a) || !expect_of(a->s, i)->shared;
}

bool stores_are_seen(const struct attempt *a, unsigned long i)
{
	return a->s->shared_map || exclusive_wanted(a, i);
}
