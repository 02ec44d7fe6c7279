# shellcheck shell=sh disable=SC2034,SC2154 # variables come from lane.sh and go to kunit-run.sh
# SPDX-License-Identifier: GPL-2.0
# um.sh - how kunit-run.sh boots a kernel of ARCH=um: natively, by kunit.py. Sourced.

um_ready() {
	need python3
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

# um_start LOG GLOB ARGS: in the background; sets pid. kunit.py has the time-out;
# the outer one is for a kunit.py that does not get rid of its kernel.
um_start() {
	rm -rf "$o/uml"
	mkdir -p "$o/uml"
	set -- "$@" --raw_output=all --timeout "$timeout" --kernel_args "uml_dir=$o/uml"
	for _a in $3; do set -- "$@" --kernel_args "$_a"; done
	_log=$1 _glob=$2
	shift 3
	[ -z "$_glob" ] || set -- "$@" "$_glob"
	limit=$((timeout + 15)) runner=kunit.py
	(kunit "$limit" exec "$@" >"$_log" 2>&1) &
	pid=$!
}

# um_reap: a UML kernel leaves our process group and may be deaf; it notes its pid in
# uml_dir, which is emptied before each boot, and nothing of ours may outlive us.
um_reap() {
	for _f in "$o"/uml/*/pid; do
		[ -e "$_f" ] || continue
		read -r _umlpid <"$_f" || continue
		[ "$(readlink "/proc/$_umlpid/exe")" != "$(readlink -f "$o/linux")" ] || kill -9 "$_umlpid" || :
	done 2>/dev/null
}

um_check() { :; }
