#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# coverage.sh - lines and branches of mm/gup.c that the KUnit suites execute
#
# usage: scripts/coverage.sh			(make coverage)
#
# Links mm/gup.c, compiled to count (gcov), into kernels of ARCH=um, boots them, adds up,
# and prints the shares and every line and branch that nothing executes. A line that is
# not executed needs a reason in scripts/coverage/unexecuted. build/linux and the objects of
# the lanes stay as they are; what gcov said is in build/out/coverage/.
#
# environment
#   LANES="um-thp"  the lanes that are added up, all of ARCH=um
#   LINES=98, BRANCHES=92	percent that are wanted
#   JOBS, CC, NOCCACHE=1
# exit status: 0 good, 1 too little is executed, or a line has no reason, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/mutate/objects.sh
. "$(dirname "$0")/mutate/objects.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "coverage: takes no arguments: scripts/coverage.sh --help"
cover=$top/scripts/coverage/coverage.py

need python3; need gcov gcc
lock coverage
[ -n "${GUP_READY-}" ] || { "$top/scripts/setup.sh" tree build; "$top/scripts/tree.sh" series; } >&2
found=
for lane in ${LANES:-um-thp}; do
	um_objects coverage "$lane"
	"$cover" run --tree "$tree" --objects "$c" --link "$link" --lane "$lane" --arguments "$kargs" \
		--out "$out"
	found="$found $out/$lane-gup.json $out/$lane-gup_hooked.json"
done
# shellcheck disable=SC2086 # words
"$cover" report --tree "$tree" ${LINES:+--lines "$LINES"} ${BRANCHES:+--branches "$BRANCHES"} $found
