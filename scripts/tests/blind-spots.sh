#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# blind-spots.sh - put in what a reader found that no suite noticed, and demand that one does
#
# usage: scripts/tests/blind-spots.sh [NAME...]	(default: all of blind-spots.table)
#
# Edits of mm/gup.c of kinds that make mutate does not make. Each is linked into a kernel of
# the lane um-thp, in which the case that the table names has to be red; on the series it has
# to pass. build/linux and the objects of the lane stay as they are. Prints TAP. Logs:
# build/out/blind-spots/.
#
# environment: JOBS, CC, NOCCACHE=1
# exit status: 0 all red, 1 one is not, 2 cannot tell: an edit does not apply, ...
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/tests/edits.sh
. "$top/scripts/tests/edits.sh"
help_if_asked "$@"
put_edits blind-spots um-thp "$top/scripts/tests/blind-spots.table" "$@"
