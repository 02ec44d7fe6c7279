// SPDX-License-Identifier: GPL-2.0
/// A page is marked dirty before its pin is dropped, and with its lock: afterwards it may be
/// gone, and without the lock it may leave its mapping.

@initialize:python@
@@
from finding import found

// On every way from there: the next turn of a loop has another page.
@after@
identifier unpin =~ "^unpin_(user_page|user_folio|folio)$";
identifier dirty =~ "^(set_page_dirty|SetPageDirty|folio_mark_dirty|folio_set_dirty)";
expression page, E;
position p;
@@
unpin(page, ...)
... when != page = E
dirty@p(\(page\|page_folio(page)\))

@script:python@
p << after.p;
who << after.dirty;
@@
found(p, f'{who}() after the pin is dropped')

@after_many exists@
identifier unpin =~ "^unpin_(user_pages|folios)$";
identifier dirty =~ "^(set_page_dirty|SetPageDirty|folio_mark_dirty|folio_set_dirty)";
expression pages, E, i;
position p;
@@
unpin(pages, ...)
... when != pages = E
dirty@p(\(pages[i]\|page_folio(pages[i])\))

@script:python@
p << after_many.p;
who << after_many.dirty;
@@
found(p, f'{who}() after the pins are dropped')

@pins@
identifier gup =~ "^pin_user_page(s|_ranges)|^memfd_pin_folios$";
@@
gup(...)

@locked depends on pins@
identifier dirty =~ "^(set_page_dirty|folio_mark_dirty)$";
identifier lock =~ "^(lock_page|folio_lock|trylock_page|folio_trylock)$";
identifier unlock =~ "^(unlock_page|folio_unlock)$";
expression page;
position p;
@@
lock(page)
... when != unlock(page)
dirty@p(page)

@unlocked depends on pins@
identifier dirty =~ "^(set_page_dirty|folio_mark_dirty)$";
position p != locked.p;
@@
dirty@p(...)

@script:python@
p << unlocked.p;
who << unlocked.dirty;
@@
found(p, f'{who}() without the lock of the page')
