// SPDX-License-Identifier: GPL-2.0
/// The number of pages of a *_fast() call is an int that is more than 0: before the call
/// it is compared with 0, or what it is made of is; a wider type has an upper bound.
// Blind: a part of a sum that is compared with 0 stands for the sum, as in offset + length.
// Names stand for values: what is assigned to a name on the way to the call is part of it.

@initialize:python@
@@
import re
from finding import found
calls = {}	# position of a *_fast() call: what is known of its number of pages
cut = []	# position, name, value: what a name of 32 bits is made of


class Call:
    def __init__(self, p, nr):
        self.p, self.nr = p, nr
        self.made, self.positive, self.bounded, self.wide = [], set(), set(), False

    def parts(self):
        """The names of variables and members that the number is made of."""
        parts, before = ends(self.nr), None
        while parts != before:
            before = set(parts)
            for x, value in self.made:
                if ends(x) & parts:
                    parts |= ends(value)
        return parts


def ends(text):
    """a -> b [ i ] . c + d: c and d; no names of functions or of what is pointed with"""
    text = re.sub(r'\[[^]]*\]', '', text)
    return {name for name in re.findall(r'[A-Za-z_]\w*(?! *(?:->|\.|\(|\w))', text) if not name.isupper()}


def lvalue(text):
    """The name of what is compared, if it is that and not something made of it"""
    plain = re.fullmatch(r'[\w\s]+(?:(?:->|\.)[\w\s]+|\[[^]]*\]\s*)*', text)
    return ends(text) if plain else set()


def call(p):
    return calls[(p[0].file, p[0].line, p[0].column)]

@fast@
identifier gup =~ "^(pin|get)_user_page(s|_ranges)_fast";
expression start, nr;
position p;
@@
gup@p(start, nr, ...)

@script:python@
p << fast.p;
nr << fast.nr;
@@
calls[(p[0].file, p[0].line, p[0].column)] = Call(p, nr)

@wide@
identifier gup;
position fast.p;
expression start;
typedef u64;
{unsigned long, long, size_t, ssize_t, u64} nr;
@@
gup@p(start, nr, ...)

@script:python@
p << fast.p;
nr << wide.nr;
@@
call(p).wide = True

@made exists@
identifier gup;
position fast.p;
expression x, E, F;
assignment operator op;
@@
(
x op E
|
check_add_overflow(F, E, &x)
)
... when any
gup@p(...)

@script:python@
p << fast.p;
x << made.x;
E << made.E;
@@
call(p).made.append((x, E))

@zero exists@
identifier gup;
position fast.p;
expression x;
@@
(
x == 0
|
x != 0
|
x <= 0
|
x > 0
|
x < 1
|
x >= 1
)
... when any
gup@p(...)

@script:python@
p << fast.p;
x << zero.x;
@@
call(p).positive |= lvalue(x)

// What ends a loop bounds nothing.
@loop@
expression x, E, A, B;
statement S;
position l;
@@
(
for (A; \(x@l > E\|x@l >= E\|E < x@l\|E <= x@l\); B) S
|
while (\(x@l > E\|x@l >= E\|E < x@l\|E <= x@l\)) S
)

@bound exists@
identifier gup;
position fast.p, q != loop.l;
expression x, E;
@@
(
x@q > E
|
x@q >= E
|
E < x@q
|
E <= x@q
|
min(x, E)
|
min(E, x)
|
min_t(..., x, E)
)
... when any
gup@p(...)

@script:python@
p << fast.p;
x << bound.x;
E << bound.E;
@@
if E not in ('0', '1'):
    call(p).bounded |= ends(x)

@narrow@
typedef u32;
{int, unsigned int, u32} n, m;
expression E;
position p;
@@
(
n = \(m >> PAGE_SHIFT\|m / PAGE_SIZE\)
|
n =@p \(E >> PAGE_SHIFT\|E / PAGE_SIZE\|DIV_ROUND_UP(E, PAGE_SIZE)\)
)

@script:python@
p << narrow.p;
n << narrow.n;
E << narrow.E;
@@
cut.append((p, n, E))

@finalize:python@
@@
for it in calls.values():
    if not it.nr.isdigit() and not it.parts() & it.positive:
        found(it.p, f'nothing shows that {it.nr} is more than 0')
    if it.wide and not it.parts() & it.bounded:
        found(it.p, f'{it.nr} is wider than an int and has no upper bound')
passed = {}
for it in calls.values():
    passed.setdefault(it.p[0].file, set()).update(ends(it.nr))
for p, n, value in cut:
    if ends(n) & passed.get(p[0].file, set()):
        found(p, f'{n} is cut from {value} to 32 bits')
