# shellcheck shell=sh disable=SC2034,SC2154 # variables of lib.sh, lane.sh and of the callers
# SPDX-License-Identifier: GPL-2.0
# broken-kernels.sh - kernels that are broken on purpose: a lane's, but for mm/gup.o and its
# like. Sourced after lib.sh and lane.sh, by vm-canary.sh, race-canary.sh and edge-canary.sh;
# and by silent-canary.sh, for copy_objects.
#
# An object is compiled by the lane's own command, into a copy of its object tree, in
# which make finds it newer than its source and only links. build/linux is not touched.
s=$top/scripts

# canary_ready NAME [LANE SIDE]: sets, for build/out/NAME and a tree o-NAME beside that of
# the lane, out c t log; and what lane_load does. Only with x86_64 there are selftests.
canary_ready() {
	lane_load "${2:-x86_64}" "${3:-series}"
	LANE=$lane SIDE=$side
	export LANE SIDE
	compiler
	lock "$1"
	case $arch in x86_64) _group=vm;; *) _group=$arch;; esac
	[ -n "${GUP_READY-}" ] || { "$s/setup.sh" tree build "$_group"; "$s/tree.sh" "$side"; } >&2
	need_space "$build" 700 "a copy of the objects of $lane"
	"$s/boot/configure.sh" "$lane" >&2
	"$s/boot/build.sh" "$lane" >&2
	[ "$arch" != x86_64 ] || "$s/boot/vm-build.sh" "$lane" >&2
	how=vm
	# shellcheck source=scripts/boot/qemu.sh
	. "$s/boot/qemu.sh"
	[ "$arch" != x86_64 ] || need mkfs.ext4 e2fsprogs
	need git
	[ "$arch" != x86_64 ] || CPUS=${CPUS:-3}
	vm_ready
	out=$build/out/$1 c=$root/o-$1
	t=$(mktemp -d)
	trap 'rm -rf "$t" "$c"' EXIT
	rm -rf "$out"
	mkdir -p "$out"
	log=$out/build.log
	: >"$log"
	copy_objects
}

# copy_objects: the tree $c becomes a copy of $o
copy_objects() {
	rm -rf "$c"
	cp -a "$o" "$c"
	[ "$arch" = x86_64 ] || return 0
	run_make tools/objtool objtool
	# Built anew, since it knows where it lies, and no object is to be newer than it now.
	find "$c/tools" -exec touch -h -r "$o/tools/objtool/objtool" {} +
}

broken() { tail -n 8 "$log" >&2; die "$1: see above and $log"; }

# run_make TARGET WHAT
run_make() {
	make -s -C "$tree" ARCH="$arch" O="../${c##*/}" CC="$cc" -j "${JOBS:-$(jobs)}" "$1" \
		>>"$log" 2>&1 || broken "$2 cannot be made"
}

# object NAME SOURCE: mm/NAME.o of SOURCE, by the command that made the lane's.
object() {
	# shellcheck disable=SC2016 # make's way to write # and $
	_cmd=$(sed -n "s,^savedcmd_mm/$1\\.o := ,,p" "$o/mm/.$1.o.cmd" | sed 's/\$(pound)/#/g; s/\$\$/$/g')
	_new=$(printf '%s\n' "$_cmd" | sed "s, [^ ]*/mm/$1\\.c, -iquote $tree/mm $2,")
	[ "$_new" != "$_cmd" ] || broken "mm/.$1.o.cmd does not say how it was compiled"
	(cd "$c" && eval "$_new") >>"$log" 2>&1 || broken "mm/$1.o does not build"
	cp "$c/mm/$1.o" "$t/$1.o"
}

# gup_object PATCH: mm/gup.o of the lane with a patch of scripts/tests
gup_object() {
	cp "$tree/mm/gup.c" "$t/gup.c"
	(cd "$t" && GIT_CEILING_DIRECTORIES="${t%/*}" git apply -p2 "$s/tests/$1") \
		>>"$log" 2>&1 || broken "scripts/tests/$1 does not apply to the $side"
	object gup "$t/gup.c"
}

link_kernel() {
	run_make bzImage 'the kernel'
	for _f in "$t"/*.o; do
		cmp -s "$_f" "$c/mm/${_f##*/}" || broken "make built ${_f##*/} anew, without the canary"
	done
}

# canary_kunit NAME GLOB: the kernel in $c runs the KUnit cases; log as below
canary_kunit() {
	_log=$out/$1.log
	: >"$_log"
	_o=$o o=$c
	vm_start "$_log" "$2" "panic=-1 $kargs"
	o=$_o
	boot_wait "$_log" "$1" '( {4}| {8})' 0
	vm_check "$_log"
}

# canary_boot NAME WHAT [QEMU-OPTION...]: the kernel in $c runs what $t/tests lists, with
# what $t/more adds to the initramfs of the lane; its log is build/out/.../NAME.log
canary_boot() {
	_log=$out/$1.log _what=$2
	shift 2
	limit=${TIMEOUT:-$timeout} runner=QEMU
	{ cat "$t/more" 2>/dev/null || :; echo "file /tests $t/tests 0644 0 0"; } >"$t/cpio"
	"$c/usr/gen_init_cpio" "$t/cpio" | cat "$o/initramfs.cpio" - >"$t/initramfs"
	rm -f "$t/disk"
	truncate -s 64M "$t/disk"
	mkfs.ext4 -q -F "$t/disk" >>"$log" 2>&1 || broken mkfs.ext4
	vm_ears
	vm_qemu "$_log" "$limit" "$accel" "$c/$image" \
		"panic=-1 rdinit=/selftests/init $kargs kunit.enable=0 printk.devkmsg=on ignore_loglevel" \
		-initrd "$t/initramfs" -drive "file=$t/disk,format=raw,if=virtio,cache=unsafe" "$@"
	boot_wait "$_log" "$_what" '' "$(wc -l <"$t/tests")"
	vm_check "$_log"
	grep -q 'gup-vm: end of' "$_log" || die "the guest did not finish: see $_log"
}

# result OK NAME NOTE: TAP; counts in n and bad
n=0 bad=0
result() {
	n=$((n + 1))
	if [ "$1" = ok ]; then echo "ok $n - $2"; return; fi
	bad=$((bad + 1))
	echo "not ok $n - $2"
	echo "# $3"
}
