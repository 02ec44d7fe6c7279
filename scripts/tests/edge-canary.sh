#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# edge-canary.sh - show that the lane i386 sees GUP-fast walk off a page table
#
# usage: scripts/tests/edge-canary.sh
#
# Boots the lane's kernel, in which the case gup_fast_behind_table has to pass, and the
# same without the bound of the page directory (table-edge.patch), in which it has to fail
# because GUP-fast gave out a page that is not mapped. Prints TAP. Logs:
# build/out/edge-canary/.
#
# environment: SIDE=base (the default) or series, JOBS, CC, NOCCACHE=1, TIMEOUT=seconds
# exit status: 0 as expected, 1 not so, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
# shellcheck source=scripts/tests/broken-kernels.sh
. "$top/scripts/tests/broken-kernels.sh"
canary_ready edge-canary i386 "${SIDE:-base}"
case=gup_fast_behind_table

# ended KERNEL: how the case did, "ok" or "not ok"; nothing if it did not end
ended() { tr -d '\r' <"$out/$1.log" | sed -n -E "s/^(\[[^]]*\] )? {4}((not )?ok) [0-9]+ $case\$/\2/p"; }

echo 1..2
canary_kunit "$side" "gup_fast.$case"
is=wrong
[ "$(ended "$side")" != ok ] || is=ok
result "$is" "the $side: $case has to pass" "got: $(ended "$side"): see $out/$side.log"

gup_object table-edge.patch
link_kernel
canary_kunit table-edge "gup_fast.$case"
is=wrong
# What it saw, not that it could not start.
[ "$(ended table-edge)" != 'not ok' ] ||
	! grep -q 'references to a page that is not mapped: wanted 1, got' "$out/table-edge.log" || is=ok
result "$is" "table-edge.patch: $case has to fail, and to say what was given out" \
	"got: $(ended table-edge): see $out/table-edge.log"
[ "$bad" -eq 0 ] || exit 1
