#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# vm-canary.sh - show that gup_test fails where GUP fails, and that upstream's does not
#
# usage: scripts/tests/vm-canary.sh
#
# Boots two kernels in which nothing can be pinned (canary-pins-fail.patch), once with
# the series' ioctls and once with those of the base, and runs the gup_test of both in
# them. Prints TAP. Both are the lane x86_64 but for mm/gup.o, and mm/gup_test.o: these
# two are compiled by the lane's own command into a copy of its object tree, in which
# make finds them newer than their sources and only links. build/linux is not touched.
# Logs: build/out/vm-canary/.
#
# environment: JOBS, CC, NOCCACHE=1, ACCEL=kvm|tcg, TIMEOUT=seconds of a boot
# exit status: 0 as expected, 1 not so, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/lane.sh
. "$top/scripts/lane.sh"
help_if_asked "$@"
s=$top/scripts
lane_load x86_64 series
compiler
lock vm-canary
[ -n "${GUP_READY-}" ] || { "$s/setup.sh" tree build vm; "$s/tree.sh" series; } >&2
need_space "$build" 700 "a copy of the objects of $lane"
"$s/configure.sh" "$lane" >&2
"$s/build.sh" "$lane" >&2
how=vm
# shellcheck source=scripts/lib-vm.sh
. "$s/lib-vm.sh"
PATH=$PATH:/usr/sbin:/sbin
need mkfs.ext4 e2fsprogs; need git
vm_ready

out=$build/out/vm-canary c=$build/o-vm-canary
t=$(mktemp -d)
trap 'rm -rf "$t" "$c"' EXIT
rm -rf "$out" "$c"
mkdir -p "$out" "$t/base/mm"
cp -a "$o" "$c"
log=$out/build.log
: >"$log"
broken() { tail -n 8 "$log" >&2; die "vm-canary: $1: see above and $log"; }

# object NAME SOURCE: mm/NAME.o of SOURCE, by the command that made the lane's.
object() {
	# shellcheck disable=SC2016 # make's way to write # and $
	_cmd=$(sed -n "s,^savedcmd_mm/$1\\.o := ,,p" "$c/mm/.$1.o.cmd" | sed 's/\$(pound)/#/g; s/\$\$/$/g')
	_new=$(printf '%s\n' "$_cmd" | sed "s, [^ ]*/mm/$1\\.c, -iquote $tree/mm $2,")
	[ "$_new" != "$_cmd" ] || broken "mm/.$1.o.cmd does not say how it was compiled"
	(cd "$c" && eval "$_new") >>"$log" 2>&1 || broken "mm/$1.o does not build"
	cp "$c/mm/$1.o" "$t/$1.o"
}

# run_make TARGET WHAT
run_make() {
	make -s -C "$tree" ARCH=x86_64 O=../o-vm-canary CC="$cc" -j "${JOBS:-$(jobs)}" "$1" \
		>>"$log" 2>&1 || broken "$2 cannot be made"
}

link_kernel() {
	run_make bzImage 'the kernel'
	for _f in "$t"/*.o; do
		cmp -s "$_f" "$c/mm/${_f##*/}" || broken "make built ${_f##*/} anew, without the canary"
	done
}

# program OUTPUT SOURCE OPTION...: as in vm-build.sh
mm=$tree/tools/testing/selftests/mm
program() {
	_out=$1 _src=$2
	shift 2
	$cc -static -O2 -D_GNU_SOURCE= -isystem "$c/usr/include" "$@" -o "$_out" "$_src" \
		-lpthread >>"$log" 2>&1 || broken "${_src##*/} does not build"
}
run_make headers "the kernel's headers"
for f in mm/gup_test.c mm/gup_test.h; do git -C "$tree" show "gup-base:$f" >"$t/base/$f"; done
git -C "$tree" show gup-base:tools/testing/selftests/mm/gup_test.c >"$t/base/program.c"
# Built anew, since it knows where it lies, and no object is to be newer than it now.
run_make tools/objtool objtool
find "$c/tools" -exec touch -h -r "$o/tools/objtool/objtool" {} +
helpers="-I$tree/tools/testing/selftests -I$mm $mm/vm_util.c $mm/hugepage_settings.c"
# shellcheck disable=SC2086 # words
program "$t/gup_test" "$mm/gup_test.c" -I"$tree" $helpers
# shellcheck disable=SC2086 # words
program "$t/gup_test_base" "$t/base/program.c" -I"$t/base" $helpers
program "$t/init" "$top/selftests/init.c" "$top/selftests/lib_knobs.c"

# kernel ioctls, program, how it has to end, option
cases() { cat <<EOT
series gup_test pass u
series gup_test fail a
series gup_test fail b
series gup_test fail L
base gup_test pass u
base gup_test fail a
base gup_test fail b
base gup_test fail L
base gup_test_base pass u
base gup_test_base pass a
base gup_test_base pass b
base gup_test_base pass L
EOT
}

# boot IOCTLS: runs its cases
boot() {
	limit=${TIMEOUT:-$timeout} runner=QEMU
	cases | awk -v k="$1" '$1 == k { printf "%s-%s\t60\t0\t\t%s -%s -m 4 -n 16\n", $2, $4, $2, $4 }' >"$t/tests"
	{
		for _d in dev proc sys run tmp selftests; do echo "dir /$_d 0755 0 0"; done
		echo "nod /dev/console 0600 0 0 c 5 1"
		for _f in init gup_test gup_test_base; do echo "file /selftests/$_f $t/$_f 0755 0 0"; done
		echo "file /tests $t/tests 0644 0 0"
	} >"$t/cpio"
	"$c/usr/gen_init_cpio" "$t/cpio" >"$t/initramfs" || broken 'the initramfs'
	truncate -s 64M "$t/disk"
	mkfs.ext4 -q -F "$t/disk" >>"$log" 2>&1 || broken mkfs.ext4
	vm_qemu "$out/$1.log" "$limit" "$accel" "$c/$image" \
		"panic=-1 rdinit=/selftests/init $kargs kunit.enable=0 printk.devkmsg=on ignore_loglevel" \
		-initrd "$t/initramfs" -drive "file=$t/disk,format=raw,if=virtio,cache=unsafe"
	boot_wait "$out/$1.log" "pins fail, ioctls of the $1: runs" '' "$(wc -l <"$t/tests")"
	vm_check "$out/$1.log"
	grep -q 'gup-vm: end of' "$out/$1.log" || die "vm-canary: the guest did not finish: see $out/$1.log"
}

cp "$tree/mm/gup.c" "$t/gup.c"
(cd "$t" && GIT_CEILING_DIRECTORIES="${t%/*}" git apply -p2 "$s/tests/canary-pins-fail.patch") \
	>>"$log" 2>&1 || broken 'canary-pins-fail.patch does not apply'
object gup "$t/gup.c"
link_kernel
boot series
object gup_test "$t/base/mm/gup_test.c"
link_kernel
boot base

cases >"$t/cases"
echo "1..$(($(wc -l <"$t/cases") + 1))"
n=0 bad=0
# result OK NAME NOTE
result() {
	n=$((n + 1))
	if [ "$1" = ok ]; then echo "ok $n - $2"; return; fi
	bad=$((bad + 1))
	echo "not ok $n - $2"
	echo "# $3"
}
while read -r ioctls prog want option; do
	line=$(grep -E -o "(not )?ok [0-9]+ $prog-$option #.*" "$out/$ioctls.log" || :)
	case $want-$line in
	pass-ok\ *' # ms='*|fail-not\ ok*' # exit=1 ms='*) is=ok;;
	*) is=wrong;;
	esac
	result "$is" "pins fail, ioctls of the $ioctls: $prog -$option has to $want" \
		"got: $line: see $out/$ioctls.log"
done <"$t/cases"
# It says itself, in passing, that nothing was pinned.
got=$(grep -c 'runcated (size: 0)' "$out/base.log" || :)
is=wrong
[ "$got" -ne 3 ] || is=ok
result "$is" "gup_test_base passes three times without a page" "got: $got: see $out/base.log"
[ "$bad" -eq 0 ] || exit 1
