#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# configure.sh - make the .config of a lane from the fragments in kconfigs/
#
# usage: scripts/boot/configure.sh [LANE]		(default: um)
#
# Merges the lane's fragments with kunit.py, which compares every requested
# option with the final .config. An option that Kconfig dropped or changed is an
# error that names it: a lane must not test less than its fragments say.
#
# environment: SIDE=series|base, NOCCACHE=1, CC
# exit status: 0 configured, 2 an option was dropped, or bad input
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$(dirname "$0")/lane.sh"
help_if_asked "$@"

lane_load "${1:-${LANE:-um}}" "${SIDE:-series}"
need python3; need make; need flex; need bison; need bc
compiler
lock configure
need_space "$root" 100 "the configuration of $lane"

mkdir -p "$o"
log=$o/configure.log
(kunit 600 config --make_options "CC=$cc" >"$log" 2>&1) && exit 0

dropped=$(sed -n 's/^Missing: //p' "$log")
[ -z "$dropped" ] || {
	# Name the fragment that asked for it: that is the file to edit.
	opt=$(echo "$dropped" | grep -o 'CONFIG_[A-Z0-9_a-z]*' | head -n 1)
	from=$(cd "$top" && grep -l "${opt}[= ]" kconfigs/*.config | paste -sd ' ' -)
	die "lane $lane ($side): Kconfig dropped $dropped (asked for in $from): a dependency is not met; look for $opt in $o/.config and its Kconfig"
}
grep -q '^Multiple values' "$log" || grep -q 'Multiple values specified' "$log" &&
	die "lane $lane: two fragments disagree: $(grep -A1 'Multiple values' "$log" | tail -n 1): make them agree in kconfigs/"
tail -n 5 "$log" >&2
die "lane $lane ($side): configuration failed: see $log"
