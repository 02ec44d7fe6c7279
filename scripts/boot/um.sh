# shellcheck shell=sh disable=SC2034,SC2154 # variables come from lane.sh and go to the caller
# SPDX-License-Identifier: GPL-2.0
# um.sh - how a kernel of ARCH=um is booted: natively, as a process. Sourced by kunit-run.sh (KUnit)
# and vm-run.sh (selftests).
#
# kunit.py exec would read its console through a pipe. UML writes to it without waiting, so
# when kunit.py does not get a CPU and the pipe is full, lines are lost: with many failed
# cases the log then had gaps. Into a file nothing is lost.

um_ready() {
	accelerator='native (ARCH=um)'
	# A UML kernel's memory is a file in /dev/shm, which containers keep small; it
	# would die of SIGBUS in the middle of a test.
	_shm=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
	if [ "${_shm:-0}" -lt 1100 ] && [ -z "${TMPDIR-}" ]; then
		export TMPDIR="$o"
	fi
	# shellcheck disable=SC3045 # dash, bash and busybox have it
	ulimit -c 0		# a panic of UML ends in abort()
}

# um_boot LOG SECONDS MEMORY ARG...: in the background; sets pid.
um_boot() {
	_log=$1 _memory=$3 limit=$2 runner=UML
	shift 3
	rm -rf "$o/uml"
	mkdir -p "$o/uml"
	(cd "$o" && exec timeout -k 5 "$limit" ./linux "uml_dir=$o/uml" "mem=$_memory" console=tty "$@" \
		</dev/null >"$_log" 2>&1) &
	pid=$!
}

# um_start LOG GLOB ARGS: the KUnit suites at boot.
um_start() {
	# shellcheck disable=SC2086 # words
	um_boot "$1" "$timeout" 1G kunit.enable=1 kunit_shutdown=halt ${2:+"kunit.filter_glob=$2"} $3
}

# um_reap: a UML kernel makes a session, and so a process group, of its own, and may ignore
# signals. It records its pid in uml_dir, which is emptied before each boot. Kill the group: a
# process of its user space may outlive the kernel, stopped for ever.
um_reap() {
	for _f in "$o"/uml/*/pid; do
		[ -e "$_f" ] || continue
		read -r _umlpid <"$_f" || continue
		case $(readlink "/proc/$_umlpid/exe" || :) in
		''|"$(readlink -f "$o/linux")") kill -9 "-$_umlpid" || :;;
		esac
	done 2>/dev/null
}

# um_ask LOG: see boot_ask
um_ask() {
	timeout 60 "$top/scripts/boot/silent.py" um --dir "$o/uml" --map "$o/System.map" --log "$1"
}

um_check() { :; }
