// SPDX-License-Identifier: GPL-2.0
/// What is written through a pin is lost if nobody marks the page dirty before the pin is
/// dropped: its entry may be clean, and reclaim believes that. A file that pins pages for
/// writing has to mark some. Blind: that another file does, that this one does not always, and
/// files that pin by a function of another one, as io_uring/rsrc.c did.

@initialize:python@
@@
import re
from finding import found


def may_write(flags):
    """For writing, or a variable that tells."""
    return bool(re.search(r'FOLL_WRITE|[a-z]', flags))

@marks@
identifier dirty =~ "^(set_page_dirty|set_page_dirty_lock|SetPageDirty|folio_mark_dirty|folio_mark_dirty_lock|folio_set_dirty)$";
@@
dirty(...)

// A call that cannot mark has false or 0 as its last argument.
@releases@
identifier unpin =~ "^unpin_user_page(s_dirty_lock|_range_dirty_lock|_ranges)$";
expression pages, nr;
expression dirty != {false, 0};
@@
unpin(pages, nr, dirty)

@pins depends on !marks && !releases@
identifier gup =~ "^pin_user_page(s|s_fast|_ranges_fast)$";
expression addr, nr, flags;
position p;
@@
gup@p(addr, nr, flags, ...)

@script:python@
p << pins.p;
gup << pins.gup;
flags << pins.flags;
@@
if may_write(flags):
    found(p, f'pages of {gup}() are not marked dirty')

@unlocked depends on !marks && !releases@
expression addr, nr, pages, flags;
position p;
@@
pin_user_pages_unlocked@p(addr, nr, pages, flags)

@script:python@
p << unlocked.p;
flags << unlocked.flags;
@@
if may_write(flags):
    found(p, 'pages of pin_user_pages_unlocked() are not marked dirty')

@remote depends on !marks && !releases@
identifier gup =~ "^pin_user_page(s|_ranges)_remote$";
expression mm, addr, nr, flags;
position p;
@@
gup@p(mm, addr, nr, flags, ...)

@script:python@
p << remote.p;
gup << remote.gup;
flags << remote.flags;
@@
if may_write(flags):
    found(p, f'pages of {gup}() are not marked dirty')

@others depends on !marks && !releases@
identifier gup =~ "^(memfd_pin_folios|memfd_pin_page_ranges|iov_iter_extract_pages)$";
position p;
@@
gup@p(...)

@script:python@
p << others.p;
gup << others.gup;
@@
found(p, f'pages of {gup}() are not marked dirty')
