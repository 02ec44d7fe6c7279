#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# test-rig.sh - show that the rig can fail
#
# usage: scripts/test-rig.sh [golden|canaries]	(default: both)
#
#   golden    the parsers against stored logs, no kernel (scripts/tests/golden.sh)
#   canaries  boots suites that fail, oops, hang, warn, leave and skip, each alone,
#             and compares status and message with scripts/tests/canary.table
#
# The canary kernel is the um lane plus one file, so its object tree starts as a
# copy of that lane's. Prints TAP with a plan.
#
# environment: JOBS, CC, NOCCACHE=1
# exit status: 0 all noticed, 1 something got past the rig, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
case "${1-}" in
''|golden|canaries) what=${1:-golden canaries};;
*) die "test-rig: $1: use golden, canaries, or nothing for both";;
esac
s=$top/scripts
table=$s/tests/canary.table
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0 plan=0

case $what in *golden*)
	"$s/tests/golden.sh" >"$tmp/golden" || :
	g=$(sed -n '1s/^1\.\.//p' "$tmp/golden")
	[ "${g:-0}" -gt 0 ] || die "scripts/tests/golden.sh printed no plan: run it alone"
	plan=$g
esac
case $what in *canaries*)
	plan=$((plan + $(grep -c '^[a-z]' "$table")))
esac
echo "1..$plan"

case $what in *golden*)
	sed 1d "$tmp/golden"
	n=$g
	bad=$(grep -c '^not ok' "$tmp/golden" || :)
	[ "$(grep -c -E '^(not )?ok' "$tmp/golden")" -eq "$g" ] ||
		die "scripts/tests/golden.sh stopped before its end: run it alone"
esac
[ "$what" = golden ] || {
	lock test-rig
	SIDE=series FILTER=
	export SIDE FILTER
	[ -n "${GUP_READY-}" ] || { "$s/setup.sh" tree build; "$s/tree.sh" series; } >&2
	if [ ! -e "$build/o-canary" ] && [ -e "$build/o-um/vmlinux" ]; then
		cp -a "$build/o-um" "$tmp/o" && rm -rf "$tmp/o/uml" && mv "$tmp/o" "$build/o-canary"
	fi
	"$s/boot/configure.sh" canary >&2
	"$s/boot/build.sh" canary >&2
}

# One boot serves all lines of a suite in the table.
last='' status=0
[ "$what" = golden ] || grep '^[a-z]' "$table" >"$tmp/table"
[ -e "$tmp/table" ] || : >"$tmp/table"
while read -r suite want regex; do
	if [ "$suite" != "$last" ]; then
		last=$suite status=0
		FILTER=gup_canary_$suite "$s/boot/kunit-run.sh" canary >&2 </dev/null ||
			die "test-rig: kunit-run.sh failed on the canary $suite"
		"$s/verdict/kunit_verdict.py" --lane canary --filter "gup_canary_$suite" \
			--inventory "$s/tests/canary.inventory" "$build/out/canary" \
			>"$tmp/said" 2>&1 || status=$?
		mkdir -p "$build/out/canary/said"
		cp "$build/out/canary/log" "$build/out/canary/said/$suite.log"
	fi
	n=$((n + 1))
	if [ "$status" -eq "$want" ] && grep -q -E -e "$regex" "$tmp/said"; then
		echo "ok $n - canary $suite: $regex"
	else
		echo "not ok $n - canary $suite: $regex"
		echo "# status $status, want $want; log: $build/out/canary/said/$suite.log; verdict:"
		sed 's/^/#   /' "$tmp/said"
		bad=$((bad + 1))
	fi
done <"$tmp/table"
[ "$bad" -eq 0 ] || exit 1
