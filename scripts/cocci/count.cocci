// SPDX-License-Identifier: GPL-2.0
/// The result of a pin is a count or -errno. It must be looked at, be signed, be compared
/// as a signed number, and be compared with what was asked for: fewer pages are no error.

@initialize:python@
@@
from finding import found
calls = {}	# position of a call: [position, pages asked for, what its result is compared with]


def call(p, nr):
    return calls.setdefault((p[0].file, p[0].line, p[0].column), [p, nr, []])

@ignored@
identifier gup =~ "^(pin|get)_user_page(s|_ranges)|^memfd_pin_folios$";
position p;
@@
gup@p(...);

@script:python@
p << ignored.p;
@@
found(p, 'the result is ignored')

@unsign@
identifier gup =~ "^(pin|get)_user_page(s|_ranges)|^memfd_pin_folios$";
typedef u32, u64;
{unsigned int, unsigned long, u32, u64, size_t} x;
position p;
@@
x = gup@p(...)

@script:python@
p << unsign.p;
x << unsign.x;
@@
found(p, f'{x} is unsigned: an error is a large count')

@mixed exists@
identifier gup =~ "^(pin|get)_user_page(s|_ranges)|^memfd_pin_folios$";
{int, long, ssize_t} x;
{unsigned int, unsigned long, u32, u64, size_t} n;
position p;
@@
x = gup(...)
... when != x < 0
    when != x <= 0
    when != x > 0
    when != x >= 0
(
\(x >= 0\|x > 0\) && <+...x...+>
|
\(x < 0\|x <= 0\) || <+...x...+>
|
\(x <@p n\|x <=@p n\|x >@p n\|x >=@p n\)
)

@script:python@
p << mixed.p;
x << mixed.x;
n << mixed.n;
@@
found(p, f'{x} is compared with unsigned {n}: an error is more than any count')

@assigned@
identifier gup =~ "^(pin|get)_user_page(s|_ranges)";
identifier remote =~ "^(pin|get)_user_page(s|_ranges)_remote$";
expression x, mm, start, nr;
position p;
@@
(
x = remote@p(mm, start, nr, ...)
|
x = gup@p(start, nr, ...)
)

@script:python@
p << assigned.p;
nr << assigned.nr;
@@
call(p, nr)

@tested exists@
position assigned.p;
identifier gup;
expression assigned.x, E;
binary operator op = {<,<=,>,>=,==,!=};
@@
x = gup@p(...)
... when any
(
x op E
|
E op x
)

@script:python@
p << assigned.p;
E << tested.E;
@@
call(p, '')[2].append(E)

@advanced exists@
position assigned.p;
identifier gup;
expression assigned.x, E;
@@
x = gup@p(...)
... when any
(
E += x
|
E -= x
)

@script:python@
p << assigned.p;
E << advanced.E;
@@
call(p, '')[2].append(E)

@finalize:python@
@@
for p, nr, tests in calls.values():
    if not tests:
        found(p, 'the result is never compared')
    elif nr != '1' and all(test == '0' for test in tests):
        found(p, f'the result is compared with 0 only, not with {nr}')
