#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# test-rig.sh - show that the rig can fail
#
# usage: scripts/test-rig.sh [golden|unit|canaries]	(default: all)
#
#   golden    the parsers against stored logs, no kernel (scripts/tests/golden.sh)
#   unit      unit tests of the Python, no kernel (scripts/tests/unit.py)
#   canaries  boots suites that fail, oops, hang, warn, exit and skip, each alone,
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
what=${1:-golden unit canaries}
case $what in
golden|unit|canaries|'golden unit canaries') ;;
*) die "test-rig: $1: use golden, unit or canaries, or nothing for all";;
esac
s=$top/scripts
table=$s/tests/canary.table
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0 plan=0

# The parts that need no kernel run first, so that the plan is known.
for part in $what; do
	case $part in
	golden) "$s/tests/golden.sh" >"$tmp/$part" || :;;
	unit) "$s/tests/unit.py" >"$tmp/$part" || :;;
	canaries) plan=$((plan + $(grep -c '^[a-z]' "$table"))); continue;;
	esac
	more=$(sed -n 's/^1\.\.//p' "$tmp/$part" | head -n 1)
	done=$(grep -c -E '^(not )?ok' "$tmp/$part" || :)
	if [ "${more:-0}" -eq 0 ] || [ "$done" -ne "$more" ]; then
		die "test-rig: the part $part did not come to its end: see above"
	fi
	plan=$((plan + more))
done
echo "1..$plan"
for part in $what; do
	[ "$part" != canaries ] || continue
	awk -v n="$n" '/^1\.\./ { next } /^ok [0-9]/ { $2 = ++n } /^not ok [0-9]/ { $3 = ++n } { print }' "$tmp/$part"
	n=$((n + $(grep -c -E '^(not )?ok' "$tmp/$part")))
	bad=$((bad + $(grep -c '^not ok' "$tmp/$part" || :)))
done

case $what in *canaries)
	lock test-rig
	SIDE=series FILTER=
	export SIDE FILTER
	[ -n "${GUP_READY-}" ] || { "$s/setup.sh" tree build; "$s/tree.sh" series; } >&2
	if [ ! -e "$build/o-canary" ] && [ -e "$build/o-um/vmlinux" ]; then
		cp -a "$build/o-um" "$tmp/o" && rm -rf "$tmp/o/uml" && mv "$tmp/o" "$build/o-canary"
	fi
	"$s/boot/configure.sh" canary >&2
	"$s/boot/build.sh" canary >&2
	grep '^[a-z]' "$table" >"$tmp/table";;
*) : >"$tmp/table";;
esac

# One boot serves all lines of a suite in the table.
last='' status=0
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
