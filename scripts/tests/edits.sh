# shellcheck shell=sh disable=SC2154 # variables of lib.sh, objects.sh and of the callers
# SPDX-License-Identifier: GPL-2.0
# edits.sh - kernels of ARCH=um with an edit of mm/gup.c that a table names. Sourced after
# lib.sh by past-bugs.sh, blind-spots.sh and race-checks.sh.
# shellcheck source=scripts/mutate/objects.sh
. "$top/scripts/mutate/objects.sh"

# put_edits NAME LANE ARGUMENT...: by past_bugs.py, as NAME.table says; leaves build/out/NAME/.
put_edits() {
	_name=$1 _lane=$2; shift 2
	need python3
	lock "$_name"
	[ -n "${GUP_READY-}" ] || { "$top/scripts/setup.sh" tree build; "$top/scripts/tree.sh" series; } >&2
	um_objects "$_name" "$_lane"
	"$top/scripts/tests/past_bugs.py" --tree "$tree" --objects "$c" --link "$link" --lane "$lane" \
		--arguments "$kargs" --out "$out" "$@"
}
