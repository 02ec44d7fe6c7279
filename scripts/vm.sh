#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# vm.sh - everything up to the verdict of the selftests in a VM
#
# usage: scripts/vm.sh			(make vm)
#
# Installs what is missing, makes the tree, builds kernel and selftests, boots, runs
# what selftests/matrix lists, judges. The kernel is the one of make kunit with the
# same lane, which runs the KUnit suites.
#
# environment
#   LANE=x86_64     a lane of kconfigs/lanes with arch x86_64; debug and kcsan
#                   stand for x86_64-debug and x86_64-kcsan; um, for um-user, runs natively
#                   what can run there
#   SIDE=series     or base: the unpatched kernel (with patches/base-needs), where the
#                   tests with since= in the matrix must fail
#   FILTER=glob     only these tests; the verdict is then about these only
#   VM=qemu         or vng: through virtme-ng
#   ACCEL=kvm|tcg   instead of finding out
#   JOBS, CC, NOCCACHE=1; TIMEOUT=seconds, ASK_AFTER=seconds, REACH, SLOW, KARGS, CPUS,
#                   MEMORY, QEMU (scripts/boot/vm-run.sh)
#   GUP_READY=1     tools and tree are as they are to be: neither is looked at
# exit status: 0 as the matrix says, 1 a test failed, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "vm: $1: takes no arguments, but variables before its name: scripts/vm.sh --help"

LANE=${LANE:-x86_64} SIDE=${SIDE:-series} FILTER=${FILTER-}
case $LANE in debug|kcsan) LANE=x86_64-$LANE;; um) LANE=um-user;; esac
export LANE SIDE FILTER
side_root "$SIDE" >/dev/null
s=$top/scripts
arch=$(awk -v lane="$LANE" '!/^#/ && $1 == lane { print $2 }' "$top/kconfigs/lanes")
case $arch,$LANE in x86_64,*|um,um-user) ;; *) die "LANE=$LANE: use a lane of arch x86_64, or um";; esac

lock vm
tools='tree build vm'
[ "${VM-}" != vng ] || tools="$tools vng"
# shellcheck disable=SC2086 # words
[ -n "${GUP_READY-}" ] || { "$s/setup.sh" $tools; "$s/tree.sh" "$SIDE"; }
"$s/boot/configure.sh" "$LANE"
"$s/boot/build.sh" "$LANE"
"$s/boot/vm-build.sh" "$LANE"
"$s/boot/vm-run.sh" "$LANE"

out=$build/out/$LANE-vm
[ "$SIDE" = series ] || out=$out-$SIDE
exec "$s/verdict/vm_verdict.py" --lane "$LANE" --side "$SIDE" --filter "$FILTER" "$out"
