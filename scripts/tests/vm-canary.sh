#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# vm-canary.sh - show that gup_test fails where GUP fails, and that upstream's does not
#
# usage: scripts/tests/vm-canary.sh
#
# Boots two kernels in which nothing can be pinned (canary-pins-fail.patch), once with
# the series' ioctls and once with those of the base, and runs the gup_test of both in
# them; also with -USF0x80, FOLL_ANON on memory that is not, which any GUP refuses.
# Prints TAP. Logs: build/out/vm-canary/.
#
# environment: JOBS, CC, NOCCACHE=1, ACCEL=kvm|tcg, TIMEOUT=seconds of a boot
# exit status: 0 as expected, 1 not so, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
# shellcheck source=scripts/tests/broken-kernels.sh
. "$top/scripts/tests/broken-kernels.sh"
canary_ready vm-canary

mm=$tree/tools/testing/selftests/mm
mkdir -p "$t/base/mm"
for f in mm/gup_test.c mm/gup_test.h; do git -C "$tree" show "gup-base:$f" >"$t/base/$f"; done
git -C "$tree" show gup-base:tools/testing/selftests/mm/gup_test.c >"$t/base/program.c"
# As in vm-build.sh.
$cc -static -O2 -D_GNU_SOURCE= -isystem "$o/usr/include" -I"$t/base" \
	-I"$tree/tools/testing/selftests" -I"$mm" -o "$t/gup_test_base" \
	"$t/base/program.c" "$mm/vm_util.c" "$mm/hugepage_settings.c" -lpthread >>"$log" 2>&1 ||
	broken "upstream's gup_test does not build"
echo "file /selftests/gup_test_base $t/gup_test_base 0755 0 0" >"$t/more"

# kernel ioctls, program, how it must end, option
cases() { cat <<EOT
series gup_test pass u
series gup_test fail a
series gup_test fail b
series gup_test fail L
series gup_test fail USF0x80
base gup_test pass u
base gup_test fail a
base gup_test fail b
base gup_test fail L
base gup_test fail USF0x80
base gup_test_base pass u
base gup_test_base pass a
base gup_test_base pass b
base gup_test_base pass L
base gup_test_base pass USF0x80
EOT
}

# boot IOCTLS: runs its cases
boot() {
	link_kernel
	cases | awk -v k="$1" '$1 == k { printf "%s-%s\t60\t0\t\t%s -%s -m 4 -n 16\n", $2, $4, $2, $4 }' >"$t/tests"
	canary_boot "$1" "pins fail, ioctls of the $1: runs"
}

gup_object canary-pins-fail.patch
boot series
object gup_test "$t/base/mm/gup_test.c"
boot base

cases >"$t/cases"
echo "1..$(($(wc -l <"$t/cases") + 1))"
while read -r ioctls prog want option; do
	line=$(grep -E -o "(not )?ok [0-9]+ $prog-$option #.*" "$out/$ioctls.log" || :)
	case $want-$line in
	pass-ok\ *' # ms='*|fail-not\ ok*' # exit=1 ms='*) is=ok;;
	*) is=wrong;;
	esac
	result "$is" "pins fail, ioctls of the $ioctls: $prog -$option must $want" \
		"got: $line: see $out/$ioctls.log"
done <"$t/cases"
# Both say that nothing was got; one fails.
got=$(grep -c 'runcated (size: 0)' "$out/base.log" || :)
is=wrong
[ "$got" -ne 8 ] || is=ok
result "$is" "four times each, without a page: gup_test_base passes, gup_test fails" \
	"got: $got: see $out/base.log"
[ "$bad" -eq 0 ] || exit 1
