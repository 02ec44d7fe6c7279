# shellcheck shell=sh disable=SC2034,SC2154 # variables of lib.sh, lane.sh and of the callers
# SPDX-License-Identifier: GPL-2.0
# icount.sh - the machine that counts instructions: QEMU's microvm with -icount, so
# that a guest's nanosecond is one instruction, whatever the host does meanwhile.
# Sourced after lib.sh and lane.sh, by scripts/icount.sh.
#
# Environment: QEMU=program

unset FILTER LANE SIDE KARGS TIMEOUT || :
qemu=${QEMU:-qemu-system-x86_64}
how=icount runner=QEMU accelerator='tcg, -icount shift=0'

# icount_build SIDE
icount_build() {
	SIDE=$1 "$top/scripts/boot/configure.sh" icount
	SIDE=$1 "$top/scripts/boot/build.sh" icount </dev/null
}

# icount_qemu LOG SECONDS IMAGE ARGS [QEMU-OPTION...]: in the background; sets pid.
# kvm64: a processor that stays what it is from one QEMU to the next, without a fifth
# level of page tables, and without string instructions that clear a page in an unknown
# number of steps.
icount_qemu() {
	_log=$1 _seconds=$2 _image=$3 _append=$4
	shift 4
	timeout -k 5 "$_seconds" "$qemu" -nodefaults -no-user-config -no-reboot \
		-display none -monitor none -M microvm,pit=off -cpu kvm64 -m 512M \
		-accel tcg -icount shift=0,sleep=off -rtc base=2026-01-01,clock=vm -seed 1 \
		-serial stdio -kernel "$_image" \
		-append "nokaslr tsc_early_khz=1000000 tsc=reliable console=ttyS0 panic=-1 reboot=t $_append" \
		"$@" </dev/null >"$_log" 2>&1 &
	pid=$!
}

icount_reap() { kill "$pid" 2>/dev/null || :; }

# icount_boot SIDE ROUND FILE [QEMU-OPTION...]: one boot; its rows go to FILE.
icount_boot() {
	_round=$2 _file=$3
	lane_load icount "$1"
	shift 3
	[ -e "$o/$image" ] || die "lane icount ($side) is not built: scripts/boot/build.sh icount"
	mkdir -p "$out"
	cp "$o/.config" "$out/config"
	limit=$timeout
	icount_qemu "$out/log" "$limit" "$o/$image" \
		"$kargs kunit.enable=1 kunit_shutdown=reboot gup_bench.only=${ONLY:-*}" "$@"
	boot_wait "$out/log" "icount $side: cases run" '( {4}| {8})' 0
	manifest "machine     $(icount_machine)" "arguments   $kargs" >"$out/manifest"
	"$top/scripts/figures/bench_table.py" rows "$side" "$_round" "$out/log" "$_file" || exit 2
}

icount_machine() { "$qemu" --version | sed -n '1s/.*version \([0-9.]*\).*/QEMU \1/p'; }

# icount_tools: what changes the figures without a change of the source.
icount_tools() {
	echo "$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"/\1/p' "$build/o-icount/.config"), assembler $(sed -n 's/^CONFIG_AS_VERSION=//p' "$build/o-icount/.config"), $(icount_machine)"
}

# icount_functions FILE: the rows of the series with the instructions of each function,
# which a plugin of QEMU counts in a boot of its own.
icount_functions() {
	need nm binutils
	_so=$("$top/scripts/tcg/build.sh" count) || exit 2
	"$top/scripts/tcg/ranges.py" "$build/o-icount/vmlinux" >"$tmp/ranges" || exit 2
	icount_boot series plugin "$tmp/plugin.tsv" \
		-plugin "$_so,insns=$tmp/ranges,out=$tmp/periods,marker=gup_bench_mark"
	"$top/scripts/figures/insns.py" functions "$tmp/plugin.tsv" "$tmp/periods" >"$1" || exit 2
}
