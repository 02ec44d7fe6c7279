// SPDX-License-Identifier: GPL-2.0
/// No rule: every call that spatch could parse. What is missing here, no rule has looked at.

@initialize:python@
@@
from finding import found

@call@
identifier gup =~ "^(pin_user_page(s|_ranges)|get_user_pages|memfd_pin_folios|unpin_user_|unpin_folio)";
position p;
@@
gup@p(...)

@script:python@
gup << call.gup;
p << call.p;
@@
found(p, gup)
