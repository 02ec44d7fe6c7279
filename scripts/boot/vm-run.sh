#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# vm-run.sh - boot the kernel of a VM lane and run the selftests in it
#
# usage: scripts/boot/vm-run.sh [LANE]		(default: x86_64)
#
# Boots build/o-<lane> with the initramfs of vm-build.sh, an empty ext4 disk and the
# list of tests out of selftests/matrix; no network, nothing on stdin, a hard time-out.
# Leaves in build/out/<lane>-vm/ (series) or build/out/<lane>-vm-base/ (base) what
# kunit-run.sh leaves: log, config, manifest; and reach, which tells how often each
# test executed each function of mm/gup.c (scripts/verdict/reach.py). It does not judge: that is
# scripts/verdict/vm_verdict.py's work.
#
# VM=vng boots through virtme-ng instead: the same kernel, programs and list, on a share
# of the host's files.
#
# environment: SIDE=series|base, FILTER=glob of names, TIMEOUT=seconds,
#              VM=qemu|vng, KARGS="more kernel arguments", ACCEL=kvm|tcg, CPUS=3, MEMORY=3G,
#              REACH=0: count nothing, ASK_AFTER=seconds: silence after which it is asked
#              how it is (half of what is taken for a hang),
#              SLOW="FUNCTION[/N] ...": there QEMU lets a virtual CPU linger in front of one
#              in N (64) locked instructions, so that the others come into windows of a few
#              instructions (scripts/tcg/slow.c)
# exit status: 0 the kernel ran (in whatever way it ended), 2 bad input
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$(dirname "$0")/lane.sh"
help_if_asked "$@"

lane_vm "$@"
case $arch in
um)	how=um accel=native
	# shellcheck source=scripts/boot/um.sh
	. "$top/scripts/boot/um.sh";;
*)	how=vm
	# shellcheck source=scripts/boot/qemu.sh
	. "$top/scripts/boot/qemu.sh";;
esac

# reach_ready: sets plugin, the options for QEMU that let it count, or says why it cannot.
reach_ready() {
	plugin='' _why=''
	case ${REACH:-1},${VM:-qemu},$accel in
	0,*) _why='REACH=0';;
	*,vng,*) _why='VM=vng';;
	*,kvm) _why="KVM: QEMU's plugins work with TCG";;
	*,native) _why='ARCH=um: nothing counts there';;
	esac
	[ -z "$_why" ] || { echo "# not checked: $_why" >"$out/reach"; return 0; }
	"$qemu" -help | grep -q '^-plugin' || die "$qemu was built without plugins: REACH=0 does without"
	need nm binutils
	"$top/scripts/verdict/matrix.py" check --source "$tree/mm/gup.c" --side "$side" || exit 2
	"$top/scripts/verdict/reach.py" list "$tree" "$o" >"$out/calls" || exit 2
	_so=$("$top/scripts/tcg/build.sh" count) || exit 2
	plugin="-plugin $_so,calls=$out/calls,out=$out/counts,marker=__x64_sys_sethostname"
}

# slow_ready: sets slow, the options for QEMU that make it linger as SLOW says.
slow_ready() {
	slow=
	[ -n "${SLOW-}" ] || return 0
	[ "${VM:-qemu},$accel" = qemu,tcg ] ||
		die "SLOW: QEMU's plugins work with TCG, in plain QEMU: VM=qemu ACCEL=tcg"
	# shellcheck disable=SC2086 # words
	"$top/scripts/tcg/ranges.py" --locked "$o/vmlinux" $SLOW >"$out/slow" || exit 2
	_so=$("$top/scripts/tcg/build.sh" slow) || exit 2
	slow="-plugin $_so,in=$out/slow"
}

# reach_collect: without build/out/<lane>-vm/reach no verdict is good.
reach_collect() {
	[ -z "$plugin" ] || { "$top/scripts/verdict/reach.py" collect "$out/calls" "$out/counts" "$out/tests" \
		>"$out/reach" || rm "$out/reach"; }
	rm -f "$out/calls" "$out/counts"
}

need python3; need mkfs.ext4 e2fsprogs
lock vm-run
[ -e "$o/initramfs.cpio" ] || die "lane $lane ($side) is not built: make vm LANE=$lane"
need_space "$build" 700 "the disk of the guest and the logs of $lane"
out=$build/out/$lane-vm
[ "$side" = series ] || out=$out-$side
rm -rf "$out/log" "$out/silent" "$out/verdict" "$out/findings" "$out/results.ktap" "$out/reach" "$out/counts" "$out/slow"
mkdir -p "$out"
cp "$o/.config" "$out/config"
# upstream's migration test keeps two CPUs for itself
CPUS=${CPUS:-3} MEMORY=${MEMORY:-3G}
# A lane that is given n times as long for KUnit gets it for each selftest, too.
scale=$(((timeout + 299) / 300))
"${how}_ready"

"$top/scripts/verdict/matrix.py" run --lane "$lane" --side "$side" --scale "$scale" \
	${FILTER:+--filter "$FILTER"} >"$out/tests"
total=$(wc -l <"$out/tests")
limit=${TIMEOUT:-$(awk -F '\t' -v boot=$((120 * scale)) '{ s += $2 } END { print s + boot }' "$out/tests")}
# The guest ends each test in time and says so: more silence than that is a hang.
silence=$(awk -F '\t' -v boot=$((120 * scale)) '$2 > s { s = $2 } END { print s + boot }' "$out/tests")
rm -f "$out/disk"
truncate -s 512M "$out/disk"
mkfs.ext4 -q -F "$out/disk" 2>"$out/mkfs.log" || die "mkfs.ext4 failed: see $out/mkfs.log"

# Without a ZONE_MOVABLE: hugetlb pages that lie there cannot serve a fault under
# FOLL_LONGTERM, for which upstream's tests are not prepared (-EFAULT in cow and uffd).
# With special purpose memory: the coherent device of hmm-tests has nothing else.
# With a gate page that is mapped.
kargs=$(printf '%s\n' "$kargs" | sed 's/movablecore=[^ ]*//')
spm="memmap=512M\$0x60000000 test_hmm.spm_addr_dev0=0x60000000 test_hmm.spm_addr_dev1=0x70000000 vsyscall=emulate"
[ "$how" = vm ] || spm=
args="$kargs $spm kunit.enable=0 printk.devkmsg=on ignore_loglevel ${KARGS-}"
reach_ready
slow_ready
# A second archive after the first: the list can change without packing again.
printf 'file /tests %s/tests 0644 0 0\n' "$out" >"$out/cpio"
"$o/usr/gen_init_cpio" "$out/cpio" | cat "$o/initramfs.cpio" - >"$out/initramfs"
case $how,${VM:-qemu} in
um,qemu)
	# shellcheck disable=SC2086 # words
	um_boot "$out/log" "$limit" "$MEMORY" "initrd=$out/initramfs" "ubd0=$out/disk" panic=-1 \
		rdinit=/selftests/init $args;;
vm,qemu)
	runner=QEMU
	vm_ears
	# shellcheck disable=SC2086 # words
	vm_qemu "$out/log" "$limit" "$accel" "$o/$image" "panic=-1 rdinit=/selftests/init $args" \
		$plugin $slow -initrd "$out/initramfs" -drive "file=$out/disk,format=raw,if=virtio,cache=unsafe";;
vm,vng)
	runner=vng
	"$top/scripts/boot/vng.sh" >/dev/null
	vm_vng "$out/log" "$limit" "$accel" "$o/$image" "$args" "$o/selftests/init $out/tests" \
		"-drive file=$out/disk,format=raw,if=virtio,cache=unsafe";;
*) die "VM=$VM: use VM=qemu or VM=vng, and none for LANE=um";;
esac
boot_wait "$out/log" "$lane $side: tests run" '' "$total" "$silence"
"${how}_check" "$out/log"
reach_collect
rm -f "$out/initramfs" "$out/cpio" "$out/disk" "$out/mkfs.log" "$out/log.pipe"
manifest "selftests   $(cat "$top"/selftests/*.[ch] "$top"/selftests/*/*.[ch] "$top/selftests/matrix" 2>/dev/null | git hash-object --stdin)" \
	"arguments   $args" ${FILTER:+"filter      $FILTER"} ${SLOW:+"slow        $SLOW"} >"$out/manifest"
