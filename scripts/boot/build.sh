#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# build.sh - compile the kernel of a lane
#
# usage: scripts/boot/build.sh [LANE]		(default: um)
#
# Runs `kunit.py build` on what configure.sh configured and shows how many
# objects are built of how many.
#
# environment: SIDE=series|base, JOBS=n, NOCCACHE=1, CC
# exit status: 0 built, 2 not built (the first error is printed)
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$(dirname "$0")/lane.sh"
help_if_asked "$@"

lane_load "${1:-${LANE:-um}}" "${SIDE:-series}"
need python3; need make; need ld binutils
compiler
lock build
[ -r "$o/.config" ] || die "lane $lane ($side) is not configured: scripts/boot/configure.sh $lane"
full=$(cat "$o/.gup-objects" 2>/dev/null || :)
if [ -n "$full" ]; then need_space "$root" 100 "the objects of $lane"
else need_space "$root" 600 "the objects of $lane"; fi

log=$o/build.log
stamp=$o/.gup-stamp
begin=$(date +%s)
: >"$stamp"
built() { find "$o" -name '*.o' -newer "$stamp" 2>/dev/null | wc -l; }

(kunit 7200 build --jobs "${JOBS:-$(jobs)}" --make_options "CC=$cc" >"$log" 2>&1) &
pid=$!
# kunit.py swallows make's output, so count the objects.
trap 'kill "$pid" 2>/dev/null || :; exit 2' INT TERM HUP
label="$lane $side: objects built"
[ -z "$full" ] || label="$lane $side: objects rebuilt"
while kill -0 "$pid" 2>/dev/null; do
	n=$(built)
	[ "$n" -eq 0 ] || [ "$n" -ge "${full:-$objects}" ] || progress "$label" "$n" "${full:-$objects}"
	sleep 1
done
status=0
wait "$pid" || status=$?
trap - INT TERM HUP

n=$(built)
if [ "$status" -ne 0 ]; then
	[ ! -t 2 ] || echo >&2
	# The first error is the one that counts; make's own are only its echo.
	grep -n -m 1 -A 6 -E '(error|fatal error|undefined reference|No space left)' "$log" >&2 ||
		tail -n 8 "$log" >&2
	die "lane $lane ($side) does not build: first error above, all in $log"
fi
[ "$n" -eq 0 ] || progress "$label" "$n" "$n"
find "$o" -name '*.o' | wc -l >"$o/.gup-objects"
# Warnings do not stop the build. Show them.
grep -n -B 2 -A 3 'warning:' "$log" >&2 || :
say "$lane $side: built, $n objects, $(($(date +%s) - begin)) s"
