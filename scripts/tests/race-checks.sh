#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# race-checks.sh - show that each check against a race is needed, and by which case
#
# usage: scripts/tests/race-checks.sh [CHECK...]	(default: all of race-checks.table)
#
# Takes the checks out of mm/gup.c one by one, as race-checks.table says, links what is left
# into a kernel of the lane um-thp and runs gup_race*: the cases that the table names have to be
# red. Before that, all have to pass as it is. Prints TAP, then a table: check x case, in
# which a case with parameters is red if one of them is.
#
# Only gup_hooked.o is compiled, by the lane's own command: the kernel itself has all of its
# checks. build/linux and the objects of the lane stay as they are. Logs: build/out/race-checks/.
#
# environment: JOBS, CC, NOCCACHE=1
# exit status: 0 all red, 1 one is not, 2 cannot tell: an edit does not apply, ...
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/tests/edits.sh
. "$top/scripts/tests/edits.sh"
help_if_asked "$@"
put_edits race-checks um-thp --suites 'gup_race*' "$top/scripts/tests/race-checks.table" "$@"
