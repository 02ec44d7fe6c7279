# shellcheck shell=sh disable=SC2034,SC2154 # variables come from lane.sh and go to the caller
# SPDX-License-Identifier: GPL-2.0
# qemu.sh - how a kernel of arch x86_64, i386, arm64 or riscv is booted: in QEMU. Sourced after
# lane.sh and lane_load, by kunit-run.sh (KUnit) and vm-run.sh (selftests), and by icount.sh.
#
# environment: ACCEL=kvm|tcg instead of trying; CPUS=2; MEMORY=2G; QEMU=program

# no_timer_check: on a busy host the timer looks dead to a kernel under TCG, which panics.
# To i386, the processor "max" is an Athlon that is unfit for SMP, with a warning.
cpu=max
case $arch in
arm64) qemu=${QEMU:-qemu-system-aarch64} machine=virt console=ttyAMA0 timer='';;
riscv) qemu=${QEMU:-qemu-system-riscv64} machine=virt console=ttyS0 timer='' cpu=rv64,svnapot=on;;
*) qemu=${QEMU:-qemu-system-$arch} machine=pc console=ttyS0 timer=no_timer_check;;
esac
[ "$arch" != i386 ] || cpu=max,vendor=GenuineIntel

# vm_qemu LOG SECONDS ACCEL IMAGE ARGS [QEMU-OPTION...]: in the background; sets pid.
# What the guest's serial console says goes to LOG, followed by what QEMU says.
# ACCEL is kvm, tcg, or icount: the machine that counts instructions.
# After vm_ears it can be asked how it is.
vm_qemu() {
	_log=$1 _seconds=$2 _accel=$3 _image=$4 _append=$5
	shift 5
	_in=/dev/null
	if [ -n "${ears-}" ]; then
		set -- -qmp "unix:$ears/qmp,server=on,wait=off" "$@"
		_in=$ears/in map=${_image%/arch/*}/System.map
	fi
	case $_accel in
	icount)	# A reschedule that is wanted is done at once: lazily, need_resched() would be true
		# up to a tick, and GUP would leave each page table early, in some passes only.
		# kvm64 is the same from one QEMU to the next, has no fifth level of page tables,
		# and no string instructions that clear a page in an unknown number of steps.
		set -- -M microvm,pit=off -cpu kvm64 -m 2G -accel tcg -icount shift=0,sleep=off \
			-rtc base=2026-01-01,clock=vm -seed 1 "$@"
		_append="preempt=full nokaslr tsc_early_khz=1000000 tsc=reliable reboot=t $_append";;
	*)	[ "$_accel" != tcg ] || _accel=tcg,thread=multi
		set -- -machine "$machine" -accel "$_accel" -cpu "$cpu" \
			-smp "${CPUS:-2},sockets=${CPUS:-2}" -m "${MEMORY:-2G}" "$@"
		_append="$timer log_buf_len=4M $_append";;
	esac
	timeout -k 5 "$_seconds" "$qemu" -nodefaults -no-user-config -no-reboot \
		-display none -monitor none -serial stdio -nic none \
		-kernel "$_image" -append "console=$console $_append" "$@" <>"$_in" >"$_log" 2>&1 &
	pid=$!
}

# vm_ears: sets ears, a folder for the monitor of the next vm_qemu and for what its serial
# console is told. In /tmp: the path of a socket is short.
vm_ears() {
	ears=$(mktemp -d /tmp/gup-XXXXXX)
	mkfifo "$ears/in"
}

# vm_ask LOG: see boot_ask
vm_ask() {
	[ -n "${ears-}" ] || { echo 'not asked: it has no monitor'; return; }
	timeout 240 "$top/scripts/boot/silent.py" qemu --dir "$ears" --map "$map" --log "$1"
}

vm_version() { "$qemu" --version | sed -n '1s/.*version \([0-9.]*\).*/QEMU \1/p'; }

# vm_vng LOG SECONDS ACCEL IMAGE ARGS COMMAND QEMU-OPTIONS: the same through virtme-ng,
# with the host's files as root, and COMMAND as its script.
vm_vng() {
	_kvm=
	[ "$3" = kvm ] || _kvm=--disable-kvm
	# A pipe, because QEMU opens its output anew, which would start a file over.
	rm -f "$1.pipe"
	mkfifo "$1.pipe"
	cat <"$1.pipe" >"$1" &
	reader=$!
	timeout -k 5 "$2" "$top/scripts/boot/vng.sh" -- --verbose $_kvm --force-9p --user root \
		--run "$4" --cpus "${CPUS:-2}" --memory "${MEMORY:-2G}" --append "$5" \
		--qemu-opts="-cpu max $7" --exec "$6" </dev/null >"$1.pipe" 2>&1 &
	pid=$!
}

# vm_accel IMAGE: sets accel. A /dev/kvm that opens proves nothing: it may refuse the
# CPU, stop at an instruction, or hang. So a kernel without a root is booted, which has
# to get as far as missing it. The answer holds until this machine is booted again.
vm_accel() {
	accel=${ACCEL-}
	case $arch in arm64|riscv) accel=${accel:-tcg};; esac	# no host of ours is one
	case $accel in
	kvm|tcg) return 0;;
	'') ;;
	*) die "ACCEL=$accel: use ACCEL=kvm or ACCEL=tcg, or nothing to find out";;
	esac
	_id=$(cat /proc/sys/kernel/random/boot_id)
	if read -r _was accel _ 2>/dev/null <"$build/vm-accel" && [ "$_was" = "$_id" ]; then
		return 0
	fi
	accel=tcg _why='no /dev/kvm that can be opened'
	if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
		vm_qemu "$build/vm-accel.log" 20 kvm "$1" "panic=-1 kunit.enable=0"
		_rc=0
		wait "$pid" || _rc=$?
		if [ "$_rc" -eq 0 ] && grep -q 'Unable to mount root fs' "$build/vm-accel.log"; then
			accel=kvm _why='it boots'
		elif [ "$_rc" -eq 124 ]; then
			_why='/dev/kvm opens, but a kernel hangs in it'
		else
			_why="/dev/kvm opens, but QEMU ends with status $_rc"
		fi
	fi
	printf '%s %s %s\n' "$_id" "$accel" "$_why" >"$build/vm-accel"
	warn "accelerator: $accel ($_why; remembered in build/vm-accel)"
}

vm_ready() {
	case $arch in
	arm64) need "$qemu" qemu-system-arm;;
	riscv) need "$qemu" qemu-system-misc;;
	*) need "$qemu" qemu-system-x86;;
	esac
	need timeout coreutils
	vm_accel "$o/$image"
	accelerator="$accel ($(vm_version))"
	# lanes are timed with TCG; what the caller wants is what it gets
	[ "$accel" != kvm ] || [ -n "${TIMEOUT-}" ] || timeout=$((timeout / 3 + 10))
}

# vm_start LOG GLOB ARGS: the KUnit suites at boot.
vm_start() {
	limit=$timeout runner=QEMU
	vm_ears
	vm_qemu "$1" "$limit" "$accel" "$o/$image" \
		"$3 kunit.enable=1 kunit_shutdown=reboot${2:+ kunit.filter_glob=$2}"
}

# vm_check LOG: a guest that lost its CPUs would prove less and not say so.
vm_check() {
	_got=$(sed -n 's/.*smp: Brought up .* nodes\{0,1\}, \([0-9]*\) CPU.*/\1/p' "$1" | head -n 1)
	[ "${_got:-${CPUS:-2}}" -eq "${CPUS:-2}" ] ||
		die "the guest was given ${CPUS:-2} CPUs and brought up $_got: see $1"
}

# timeout(1) ends QEMU with it
vm_reap() {
	kill "$pid" 2>/dev/null || :
	[ -z "${reader-}" ] || wait "$reader"
	[ -z "${ears-}" ] || rm -rf "$ears"
	ears=
}
