// SPDX-License-Identifier: GPL-2.0
/// A page that was pinned is released with unpin_user_page(), one that was got with
/// put_page(). A file that only pins has no put_page(), one that only gets no unpin.
// An alias of the page in another function cannot be followed: so the file is what counts.

@initialize:python@
@@
from finding import found

@pins@
identifier gup =~ "^pin_user_page(s|_ranges)";
@@
gup(...)

@rput depends on pins@
identifier put =~ "^(put_page|folio_put|folio_put_refs|release_pages|folios_put)$";
position p;
@@
put@p(...)

@script:python@
who << rput.put;
p << rput.p;
@@
found(p, f'{who}() in a file that pins')

@freed exists@
identifier gup =~ "^(pin|get)_user_page(s|_ranges)";
identifier free =~ "^__free_pages?$";
expression pages, i;
position p;
@@
gup(..., pages, ...)
...
free@p(pages[i], ...)

@script:python@
who << freed.free;
p << freed.p;
@@
found(p, f'{who}() of a page of user space')

@gets@
identifier gup =~ "^get_user_pages";
@@
gup(...)

@runpin depends on gets@
identifier unpin =~ "^unpin_(user_)?(page|folio)";
position p;
@@
unpin@p(...)

@script:python@
who << runpin.unpin;
p << runpin.p;
@@
found(p, f'{who}() in a file that gets')
