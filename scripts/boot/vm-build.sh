#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# vm-build.sh - build the selftests of a VM lane and pack them into an initramfs
#
# usage: scripts/boot/vm-build.sh [LANE]		(default: x86_64)
#
# Builds, statically: the programs that selftests/matrix names, either upstream's from
# tools/testing/selftests/mm, unchanged, or of this repository, selftests/<program>.c or
# all of the folder selftests/<program>/ (with every selftests/lib_*.c and the helpers of
# mm: vm_util.c, hugepage_settings.c); and selftests/init.c. Leaves them in
# build/o-<lane>/selftests, and build/o-<lane>/initramfs.cpio, which holds them in
# /selftests.
#
# environment: SIDE=series|base, JOBS=n, NOCCACHE=1, CC
# exit status: 0 built, 2 not built (the first error is printed)
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$(dirname "$0")/lane.sh"
help_if_asked "$@"

lane_vm "$@"
need python3; need make
compiler
lock vm-build
[ -e "$o/usr/gen_init_cpio" ] || die "lane $lane ($side) is not built: scripts/boot/build.sh $lane"
need_space "$o" 200 "the selftests of $lane"
mm=$tree/tools/testing/selftests/mm
bin=$o/selftests log=$o/selftests.log
mkdir -p "$bin"
: >"$log"

broken() {
	grep -n -m 1 -A 6 -E '(error|undefined reference|cannot find|No such file)' "$log" >&2 || tail -n 8 "$log" >&2
	die "$1 does not build: first error above, all in $log"
}

# Paths relative to the object tree, as kunit.py has them: see compiler() in lane.sh.
cd "$tree"
make -s "ARCH=$arch" "O=../o-$lane" headers >>"$log" 2>&1 || broken "the kernel's user headers"
headers="-isystem $o/usr/include -isystem $tree/tools/include/uapi"

# The sources of a program of ours: one file, or a folder.
sources() { if [ -d "$top/selftests/$1" ]; then echo "$top/selftests/$1"/*.c; else echo "$1.c"; fi; }

# SOURCES OUTPUT LIBRARIES: one program of ours. Headers of the kernel by their path in the
# tree that is tested: <mm/gup_test.h>, and <mm/tests/gup/gup_rig.h> of the overlay.
ours() {
	# shellcheck disable=SC2086 # words
	(cd "$top/selftests" && $cc -static -O2 -g -Wall -Wextra -Wno-unused-parameter \
		-D_GNU_SOURCE= $headers -I"$tree" -I"$tree/tools/testing/selftests" -I"$mm" \
		-I"$tree/tools/include" -I. $1 $3 -o "$2" -lrt -lpthread -lm) >>"$log" 2>&1
}

"$top/scripts/verdict/matrix.py" programs --lane "$lane" --side "$side" >"$bin/.programs"
upstream='' mine=''
while read -r program; do
	if [ -e "$mm/$program.c" ]; then upstream="$upstream $bin/$program"
	elif [ -e "$top/selftests/$program.c" ] || [ -d "$top/selftests/$program" ]; then mine="$mine $program"
	else die "selftests/matrix wants $program, which is neither in selftests/ nor in upstream's mm tests"
	fi
done <"$bin/.programs"

begin=$(date +%s)
# shellcheck disable=SC2086 # words
[ -z "$upstream" ] || make -C "$mm" ARCH=x86_64 CC="$cc" OUTPUT="$bin" KHDR_INCLUDES="-isystem $o/usr/include" \
	USERLDFLAGS=-static -j "${JOBS:-$(jobs)}" $upstream >>"$log" 2>&1 || broken "upstream's mm selftests"
helpers=''
for f in "$top"/selftests/lib_*.c; do [ ! -e "$f" ] || helpers="$helpers $f"; done
for program in $mine; do
	ours "$(sources "$program")" "$bin/$program" "$helpers $mm/vm_util.c $mm/hugepage_settings.c" ||
		broken "selftests/$program"
done
ours init.c "$bin/init" lib_knobs.c || broken selftests/init.c

{
	for d in dev proc sys run tmp selftests; do echo "dir /$d 0755 0 0"; done
	echo "nod /dev/console 0600 0 0 c 5 1"
	{ echo init; cat "$bin/.programs"; } | while read -r program; do
		echo "file /selftests/$program $bin/$program 0755 0 0"
	done
} >"$bin/.cpio"
"$o/usr/gen_init_cpio" "$bin/.cpio" >"$o/initramfs.cpio.new" || die "$bin/.cpio cannot be packed: see above"
mv "$o/initramfs.cpio.new" "$o/initramfs.cpio"
say "$lane $side: selftests built, $(wc -l <"$bin/.programs") programs, $(($(date +%s) - begin)) s"
