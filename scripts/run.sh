#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh - boot the kernel of a lane and collect what it says
#
# usage: scripts/run.sh [LANE]			(default: um)
#
# Boots with panic=-1, no reboot, nothing on stdin and a hard time-out, and
# leaves in build/out/<lane>/ (series) or build/out/<lane>-base/ (base):
#   log          everything the kernel printed
#   results.ktap only the KTAP in it
#   config       the kernel's .config
#   manifest     base, series, compiler, accelerator, date, arguments
#   crash/       base only: a log for each case that kills the kernel there
# It does not judge: that is scripts/verdict.py's work.
#
# environment: SIDE=series|base, FILTER=suite-glob[.case-glob], TIMEOUT=seconds,
#              KARGS="more kernel arguments"
# exit status: 0 the kernel ran (in whatever way it ended), 2 bad input
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/lane.sh
. "$(dirname "$0")/lane.sh"
help_if_asked "$@"

lane_load "${1:-${LANE:-um}}" "${SIDE:-series}"
need python3; need timeout coreutils
lock run
[ -x "$o/linux" ] || die "lane $lane ($side) is not built: make kunit LANE=$lane, or scripts/build.sh $lane"
need_space "$build" 50 "the logs of $lane"
filter=${FILTER-}
timeout=${TIMEOUT:-$timeout}
inventory=${GUP_INVENTORY:-$top/kunit/inventory}
args="panic=-1 $kargs ${KARGS-}"

# A UML kernel's memory is a file in /dev/shm, which containers keep small; it
# would die of SIGBUS in the middle of a test.
shm=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
if [ "${shm:-0}" -lt 1100 ] && [ -z "${TMPDIR-}" ]; then
	export TMPDIR="$o"
fi
# shellcheck disable=SC3045 # dash, bash and busybox have it
ulimit -c 0		# a panic of UML ends in abort()

# cases GLOB KEY...: names in the inventory; none when there is no inventory yet
cases() {
	[ ! -r "$inventory" ] ||
		"$top/scripts/inventory.py" list --lane "$lane" --filter "$@" "$inventory"
}

# reap: a UML kernel leaves our process group and may be deaf; it notes its pid in
# uml_dir, which is emptied before each boot, and nothing of ours may outlive us.
reap() {
	for f in "$o"/uml/*/pid; do
		[ -e "$f" ] || continue
		read -r umlpid <"$f" || continue
		[ "$(readlink "/proc/$umlpid/exe")" != "$(readlink -f "$o/linux")" ] || kill -9 "$umlpid" || :
	done 2>/dev/null
}

# boot LOG GLOB ARGS TOTAL: one boot. kunit.py has the time-out; the outer one is
# for a kunit.py that does not get rid of its kernel.
boot() {
	set -- "$1" "${2%%/*}" "$3" "$4"	# KUnit knows no parameters
	: >"$1"
	rm -rf "$o/uml"
	mkdir -p "$o/uml"
	set -- "$@" --raw_output=all --timeout "$timeout" --kernel_args "uml_dir=$o/uml"
	for a in $3; do set -- "$@" --kernel_args "$a"; done
	bootlog=$1 glob=$2 total=$4
	shift 4
	[ -z "$glob" ] || set -- "$@" "$glob"
	(kunit $((timeout + 15)) exec "$@" >"$bootlog" 2>&1) &
	pid=$!
	trap 'kill -INT "$pid" 2>/dev/null; reap; exit 2' INT TERM HUP
	# sh cannot wait with a time limit: poll fast at first, most boots take a blink
	naps=0
	while kill -0 "$pid" 2>/dev/null; do
		naps=$((naps + 1))
		if [ "$naps" -le 10 ]; then sleep 0.2; continue; fi
		n=$(grep -c -E '^( {4}| {8})(not )?ok [0-9]' "$bootlog" || :)
		[ "$total" -eq 0 ] || [ "$n" -ge "$total" ] ||
			progress "$lane $side: cases run" "$n" "$total"
		sleep 1
	done
	rc=0
	wait "$pid" || rc=$?
	trap - INT TERM HUP
	reap
	# Said in kunit.py's words, which verdict.py knows.
	[ "$rc" -ne 124 ] && [ "$rc" -ne 137 ] ||
		echo "gup: kunit.py timed out after $((timeout + 15)) seconds" >>"$bootlog"
	[ ! -t 2 ] || printf '\r%79s\r' '' >&2
}

rm -rf "$out/crash" "$out/log" "$out/results.ktap" "$out/verdict"
mkdir -p "$out"
cp "$o/.config" "$out/config"

all=$(cases "$filter" | wc -l) alone=
if [ "$side" = base ]; then
	alone=$(cases "$filter" --key base=crash | sed 's,/.*,,' | sort -u)
	[ -z "$alone" ] || args="$args gup_kunit.no_crash=1"
	mkdir -p "$out/crash"
fi
# A filter that picks nothing but killers leaves nothing for the common boot.
if [ "$all" -eq 0 ] || [ "$all" -gt "$(cases "$filter" --key base=crash | wc -l)" ] || [ -z "$alone" ]; then
	boot "$out/log" "$filter" "$args" "$all"
	"$top/scripts/ktap.py" "$out/log" >"$out/results.ktap" 2>/dev/null || :
fi
for case in $alone; do
	boot "$out/crash/$case.log" "$case" "${args% gup_kunit.no_crash=1}" 0
done

cat >"$out/manifest" <<EOF
lane        $lane
side        $side
base        $(pin tag)
series      $(git -C "$tree" rev-parse 'HEAD^{tree}' 2>/dev/null || echo none)$(git -C "$tree" diff --quiet HEAD 2>/dev/null || echo ' + uncommitted edits')
kunit       $(cat "$top"/kunit/*.[ch] 2>/dev/null | git hash-object --stdin)
compiler    $(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"/\1/p' "$o/.config")
accelerator native (ARCH=um)
arguments   $args${filter:+ kunit.filter_glob=${filter%%/*}}
date        $(date -u +%Y-%m-%dT%H:%M:%SZ)
EOF
