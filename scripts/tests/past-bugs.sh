#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# past-bugs.sh - put bugs back that GUP has had, and demand that the suites notice
#
# usage: scripts/tests/past-bugs.sh [BUG...]	(default: all of past-bugs.table)
#
# Each is a small edit of mm/gup.c, linked into a kernel of the lane um, in which the case that
# the table names has to be red; on the series it has to pass. build/linux and the objects of
# the lane stay as they are. Prints TAP.
#
# environment: JOBS, CC, NOCCACHE=1
# exit status: 0 all red, 1 one is not, 2 cannot tell: an edit does not apply, ...
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/mutate/objects.sh
. "$top/scripts/mutate/objects.sh"
help_if_asked "$@"

need python3
lock past-bugs
[ -n "${GUP_READY-}" ] || { "$top/scripts/setup.sh" tree build; "$top/scripts/tree.sh" series; } >&2
um_objects past-bugs um
"$top/scripts/tests/past_bugs.py" --tree "$tree" --objects "$c" --link "$link" --lane "$lane" \
	--arguments "$kargs" --out "$out/work" "$top/scripts/tests/past-bugs.table" "$@"
