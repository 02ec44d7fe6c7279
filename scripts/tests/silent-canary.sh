#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# silent-canary.sh - show that a guest which falls silent explains itself
#
# usage: scripts/tests/silent-canary.sh
#
# Boots the lane silent, once for each kind of silence, and compares what scripts/boot/silent.py
# found out with what is due:
#   spins   init lets its CPU spin with interrupts off (LKDTM), the only one, and one of two
#   reaps   init waits for the signal of a child that it has already reaped
#   hangs   a child of init waits for ever in the kernel, uninterruptible (LKDTM)
#   kunit   a KUnit case does not return: there is no user space that has the console open
# Prints TAP. Logs, and what was found out: build/out/silent-canary/.
#
# environment: JOBS, CC, NOCCACHE=1, ACCEL=kvm|tcg, ASK_AFTER=seconds (5): silence after which
#              a guest is asked; twice as long if it was asked before it came to its point
# exit status: 0 as expected, 1 not so, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
# shellcheck source=scripts/tests/broken-kernels.sh
. "$top/scripts/tests/broken-kernels.sh"

lane_load silent series
LANE=$lane SIDE=$side
export LANE SIDE
how=vm
compiler
lock silent-canary
[ -n "${GUP_READY-}" ] || { "$s/setup.sh" tree build vm; "$s/tree.sh" series; } >&2
need_space "$build" 700 "a copy of the objects of x86_64"
out=$build/out/silent-canary log=$out/build.log
rm -rf "$out"
mkdir -p "$out"
# Some files more than that lane.
c=$o
if [ ! -e "$c" ] && [ -e "$build/o-x86_64/vmlinux" ]; then
	o=$build/o-x86_64
	copy_objects
	o=$c
fi
"$s/boot/configure.sh" "$lane" >&2
"$s/boot/build.sh" "$lane" >&2
# shellcheck source=scripts/boot/qemu.sh
. "$s/boot/qemu.sh"
vm_ready
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
$cc -static -O2 -Wall -o "$t/init" "$s/tests/silent-init.c" >>"$log" 2>&1 ||
	broken scripts/tests/silent-init.c
echo "file /init $t/init 0755 0 0" >"$t/cpio"
"$o/usr/gen_init_cpio" "$t/cpio" >"$t/initramfs"

# boot NAME LAST CPUS ARGS: a guest whose last words are LAST (grep -E), until it has been asked
boot() {
	log=$out/$1.log ask=${ASK_AFTER:-5} limit=600 runner=QEMU
	CPUS=$3
	until head -n 1 "$out/$1.silent" 2>/dev/null | grep -q -E "last: .*($2)"; do
		[ "$ask" -lt 200 ] || die "the guest does not come to its point: see $log"
		: >"$log"
		vm_ears
		vm_qemu "$log" "$limit" "$accel" "$o/$image" "panic=-1 $kargs $4" -initrd "$t/initramfs"
		ASK_AFTER=$ask boot_wait "$log" "$1" '( {4}| {8})' 0 $((ask + 1))
		vm_check "$log"
		ask=$((ask * 2))
	done
}

user='kunit.enable=0 printk.devkmsg=on ignore_loglevel rdinit=/init --'
boot one "silent-init: spins" 1 "$user spins"
boot two "silent-init: spins" 2 "$user spins"
boot reaps "silent-init: reaps" 2 "$user reaps"
boot hangs "silent-init: hangs|direct entry HUNG_TASK" 2 "$user hangs"
boot kunit "canary: never returns" 2 'kunit.enable=1 kunit.filter_glob=gup_canary_hangs'

# guest, what must be in its .silent (grep -E)
cat >"$t/cases" <<'EOT'
one	^spinning with interrupts off: CPU 0 in lkdtm_HARDLOCKUP\+
one	^CPU 0: spins with interrupts off.*on its stack: .*direct_entry
one	^jiffies: .*, the same
one	^no answer to SysRq
two	^spinning with interrupts off: CPU 1 in lkdtm_HARDLOCKUP\+
two	^CPU 0: waits for an interrupt
two	^jiffies: .* more [0-9.]+ s later
reaps	^idle: every CPU waits for an interrupt
reaps	^S init \(1\): .*pause
hangs	^idle: every CPU waits for an interrupt
hangs	^D init \([0-9]+\): lkdtm_HUNG_TASK
hangs	^S init \(1\): do_wait
kunit	^alive: CPU [01] in canary_hangs\+
kunit	^R kunit_try_catch
EOT
echo "1..$(wc -l <"$t/cases")"
while IFS='	' read -r guest regex; do
	is=wrong
	! grep -q -E -e "$regex" "$out/$guest.silent" || is=ok
	result "$is" "$guest: $regex" "$(sed '/^$/,$d; 2,$s/^/#   /' "$out/$guest.silent")"
done <"$t/cases"
[ "$bad" -eq 0 ] || exit 1
