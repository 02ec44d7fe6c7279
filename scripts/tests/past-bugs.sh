#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# past-bugs.sh - put bugs back that GUP has had, and demand that the suites notice
#
# usage: scripts/tests/past-bugs.sh [BUG...]	(default: all of past-bugs.table)
#
# Each is a small edit of mm/gup.c, linked into a kernel of the lane um, in which the case that
# the table names has to be red; on the series it has to pass. build/linux and the objects of
# the lane stay as they are. Prints TAP. Logs: build/out/past-bugs/.
#
# environment: JOBS, CC, NOCCACHE=1
# exit status: 0 all red, 1 one is not, 2 cannot tell: an edit does not apply, ...
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/tests/edits.sh
. "$top/scripts/tests/edits.sh"
help_if_asked "$@"
put_edits past-bugs um "$top/scripts/tests/past-bugs.table" "$@"
