// SPDX-License-Identifier: GPL-2.0
/// An error is no number of pages: -errno must not reach the second argument of an unpin.

@initialize:python@
@@
from finding import found

@untested exists@
identifier gup =~ "^(pin|get)_user_page(s|_ranges)|^memfd_pin_folios$";
identifier unpin =~ "^unpin_(user_pages(_dirty_lock)?|user_page_ranges|folios)$";
expression x, E, pages;
position p;
@@
x = gup(...)
... when != x = E
    when != x < 0
    when != x <= 0
    when != x > 0
    when != x >= 0
unpin@p(pages, x, ...)

@script:python@
p << untested.p;
x << untested.x;
@@
found(p, f'{x} may be an error')

@known@
identifier unpin =~ "^unpin_(user_pages(_dirty_lock)?|user_page_ranges|folios)$";
expression x, E, pages;
position p;
@@
if (\(x < 0\|x <= 0\))
{
... when != x = E
unpin@p(pages, x, ...);
...
}

@script:python@
p << known.p;
x << known.x;
@@
found(p, f'{x} is an error here')
