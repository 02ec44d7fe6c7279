#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# kunit-run.sh - boot the kernel of a lane and collect what it says
#
# usage: scripts/boot/kunit-run.sh [LANE]		(default: um)
#
# Boots with panic=-1, no reboot, nothing on stdin and a hard time-out, and
# leaves in build/out/<lane>/ (series) or build/out/<lane>-base/ (base):
#   log          everything the kernel printed
#   config       the kernel's .config
#   manifest     base, series, compiler, accelerator, date, arguments
#   crash/       base only: a log for each case that kills the kernel there
#   silent       of a kernel that says nothing for long: what silent.py found out
# It does not judge: that is scripts/verdict/kunit_verdict.py's work.
#
# environment: SIDE=series|base, FILTER=suite-glob[.case-glob], TIMEOUT=seconds,
#              KARGS="more kernel arguments", ASK_AFTER=seconds: silence after which it
#              is asked how it is (half of its time-out), GUP_INVENTORY=kunit/inventory;
#              in QEMU, but not in the lane icount: ACCEL=kvm|tcg, CPUS=2, MEMORY=2G,
#              QEMU=program. A UML kernel has 1 GiB and the CPUs of its lane.
# exit status: 0 the kernel ran (in whatever way it ended), 2 bad input
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$(dirname "$0")/lane.sh"
help_if_asked "$@"

lane_load "${1:-${LANE:-um}}" "${SIDE:-series}"
need python3; need timeout coreutils
# How it is booted: natively, in QEMU, or in a QEMU that counts instructions. Each way has
# five functions: ready, start, ask, check and reap.
case $arch,$lane in
um,*) how=um;;
*,icount) how=icount;;
*) how=vm;;
esac
# shellcheck source=scripts/boot/um.sh
[ "$how" != um ] || . "$top/scripts/boot/um.sh"
# shellcheck source=scripts/boot/qemu.sh
[ "$how" = um ] || . "$top/scripts/boot/qemu.sh"
# shellcheck source=scripts/boot/icount.sh
[ "$how" != icount ] || . "$top/scripts/boot/icount.sh"
lock run
[ -e "$o/$image" ] || die "lane $lane ($side) is not built: make kunit LANE=$lane, or scripts/boot/build.sh $lane"
need_space "$build" 50 "the logs of $lane"
filter=${FILTER-}
timeout=${TIMEOUT:-$timeout}
inventory=${GUP_INVENTORY:-$top/kunit/inventory}
args="panic=-1 $kargs ${KARGS-}"
"${how}_ready"

# cases GLOB KEY...: names in the inventory; none when there is no inventory yet
cases() {
	[ ! -r "$inventory" ] ||
		"$top/scripts/verdict/inventory.py" list --lane "$lane" --filter "$@" "$inventory"
}

# boot LOG GLOB ARGS TOTAL: one boot, with a hard time-out.
boot() {
	: >"$1"
	"${how}_start" "$1" "${2%%/*}" "$3"	# KUnit knows no parameters
	boot_wait "$1" "$lane $side: cases run" '( {4}| {8})' "$4"
	"${how}_check" "$1"
}

rm -rf "$out/crash" "$out/log" "$out/silent" "$out/verdict" "$out/findings" "$out/results.ktap"
mkdir -p "$out"
cp "$o/.config" "$out/config"

all=$(cases "$filter" | wc -l) alone=
if [ "$side" = base ]; then
	alone=$(cases "$filter" --key base=crash | sed 's,/.*,,' | sort -u)
	[ -z "$alone" ] || args="$args gup_kunit.no_crash=$(printf '%s\n' "$alone" | sed 's/.*\.//' | paste -sd , -)"
	mkdir -p "$out/crash"
fi
# A filter that picks nothing but killers leaves nothing for the common boot.
if [ "$all" -eq 0 ] || [ "$all" -gt "$(cases "$filter" --key base=crash | wc -l)" ] || [ -z "$alone" ]; then
	boot "$out/log" "$filter" "$args" "$all"
fi
for case in $alone; do
	boot "$out/crash/$case.log" "$case" "${args% gup_kunit.no_crash=*}" 0
done

manifest "kunit       $(cat "$top"/kunit/*.[ch] 2>/dev/null | git hash-object --stdin)" \
	"arguments   $args${filter:+ kunit.filter_glob=${filter%%/*}}" ${filter:+"filter      $filter"} >"$out/manifest"
