#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# kunit.sh - everything up to the verdict of one KUnit lane
#
# usage: scripts/kunit.sh			(make kunit)
#
# Installs what is missing, makes the tree, configures, builds, boots, judges.
# Each step is a separate script and does nothing when nothing changed.
#
# environment
#   LANE=um         a lane of kconfigs/lanes
#   SIDE=series     or base: the unpatched kernel (with patches/base-needs), where the
#                   cases with since= in kunit/inventory must fail
#   FILTER=glob     only these cases: suite, suite.case, globs as KUnit's; the
#                   verdict is then about these only
#   JOBS, CC, NOCCACHE=1; TIMEOUT=seconds, ASK_AFTER=seconds, KARGS, and in QEMU ACCEL,
#                   CPUS, MEMORY, QEMU (scripts/boot/kunit-run.sh)
#   GUP_READY=1     tools and tree are as they are to be: neither is looked at
# exit status: 0 as the inventory says, 1 a test failed, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "kunit: $1: takes no arguments, but variables before its name: scripts/kunit.sh --help"

LANE=${LANE:-um} SIDE=${SIDE:-series} FILTER=${FILTER-}
export LANE SIDE FILTER
side_root "$SIDE" >/dev/null
s=$top/scripts
arch=$(awk -v lane="$LANE" '!/^#/ && $1 == lane { print $2 }' "$top/kconfigs/lanes")
case $arch in
um) tools='tree build';;
x86_64) tools='tree build vm';;
i386|arm64|riscv) tools="tree build $arch";;
*) die "LANE=$LANE: no such lane: see kconfigs/lanes";;
esac

lock kunit
# shellcheck disable=SC2086 # words
[ -n "${GUP_READY-}" ] || { "$s/setup.sh" $tools; "$s/tree.sh" "$SIDE"; }
"$s/boot/configure.sh" "$LANE"
"$s/boot/build.sh" "$LANE"
"$s/boot/kunit-run.sh" "$LANE"

out=$build/out/$LANE
[ "$SIDE" = series ] || out=$out-$SIDE
exec "$s/verdict/kunit_verdict.py" --lane "$LANE" --side "$SIDE" --filter "$FILTER" \
	--inventory "${GUP_INVENTORY:-$top/kunit/inventory}" "$out"
