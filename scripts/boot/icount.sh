# shellcheck shell=sh disable=SC2034,SC2154 # variables come from lane.sh and go to kunit-run.sh
# SPDX-License-Identifier: GPL-2.0
# icount.sh - how kunit-run.sh boots the lane icount: in a QEMU that counts instructions, so
# that a guest's nanosecond is one instruction, whatever the host does. Sourced after qemu.sh.
#
# environment: QEMU=program; PLUGIN="options for QEMU": a plugin that counts more

icount_ready() {
	need "$qemu" qemu-system-x86; need timeout coreutils
	accelerator="tcg, -icount shift=0 ($(vm_version))"
}

# icount_start LOG GLOB ARGS
icount_start() {
	limit=$timeout runner=QEMU
	# shellcheck disable=SC2086 # words
	vm_qemu "$1" "$limit" icount "$o/$image" \
		"$3 kunit.enable=1 kunit_shutdown=reboot${2:+ kunit.filter_glob=$2}" ${PLUGIN-}
}

# Without a monitor, which could disturb its counts.
icount_ask() { echo 'not asked: QEMU counts its instructions'; }

icount_check() { :; }

icount_reap() { vm_reap; }
