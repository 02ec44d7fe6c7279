# shellcheck shell=sh disable=SC2034,SC2154 # variables come from lib.sh and go to the caller
# SPDX-License-Identifier: GPL-2.0
# lane.sh - what a lane is, for configure.sh, build.sh and kunit-run.sh. Sourced after lib.sh.

# lane_load LANE SIDE: sets lane side root tree o out arch objects timeout fragments kargs,
# image, and cross, the prefix of the compiler if it is not the machine's own.
lane_load() {
	lane=$1 side=$2
	root=$(side_root "$side") || exit 2
	tree=$root/linux o=$root/o-$lane out=$build/out/$lane
	[ "$side" = series ] || out=$out-$side
	_row=$(awk -v lane="$lane" '!/^#/ && $1 == lane' "$top/kconfigs/lanes")
	[ -n "$_row" ] ||
		die "LANE=$lane: no such lane: use one of $(lanes | tr '\n' ' ')(kconfigs/lanes)"
	read -r _ arch objects timeout fragments kargs <<-EOF
	$_row
	EOF
	cross=
	case $arch in
	um) image=linux;;
	x86_64|i386) image=arch/x86/boot/bzImage;;
	arm64) image=arch/arm64/boot/Image cross=aarch64-linux-gnu-;;
	riscv) image=arch/riscv/boot/Image cross=riscv64-linux-gnu-;;
	*) die "LANE=$lane: arch $arch: only um, x86_64, i386, arm64 and riscv can run here";;
	esac
	for _f in $(echo "$fragments" | tr , ' '); do
		[ -r "$top/kconfigs/$_f.config" ] ||
			die "kconfigs/lanes: lane $lane wants kconfigs/$_f.config, which is not there"
	done
	kunitpy=$tree/tools/testing/kunit/kunit.py
	[ -r "$kunitpy" ] || die "no kernel tree in $tree: make tree"
}

# lane_vm [LANE]: lane_load for a lane whose guest runs selftests.
lane_vm() {
	lane_load "${1:-${LANE:-x86_64}}" "${SIDE:-series}"
	case $arch in um|x86_64) ;; *) die "LANE=$lane: no selftests for arch $arch: use a lane of x86_64, or um-user";; esac
}

lanes() { awk '!/^#/ && NF { print $1 }' "$top/kconfigs/lanes"; }

# kunit SECONDS VERB ARG...: become kunit.py of the tree that is tested; call it in
# a subshell. It changes to the tree by itself, and a relative build directory
# keeps absolute paths out of the build. timeout(1) also puts it into its own process
# group, so that one signal ends make and all compilers.
kunit() {
	_limit=$1 _verb=$2
	shift 2
	# build configures too, and would take kunit.py's own default without these
	case $_verb in config|build)
		for _f in $(echo "$fragments" | tr , ' '); do
			set -- "$@" --kunitconfig "$top/kconfigs/$_f.config"
		done
	esac
	[ -z "$cross" ] || set -- "$@" --cross_compile "$cross"
	export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
	exec timeout -k 5 "$_limit" python3 "$kunitpy" "$_verb" \
		--arch "$arch" --build_dir "../o-$lane" "$@" </dev/null
}

# boot_wait LOG LABEL INDENT TOTAL [SILENCE]: until the kernel that um.sh or qemu.sh
# has started ($pid) is gone, showing how many results there are; INDENT, a regular
# expression, tells which count. One that says nothing for SILENCE seconds hangs. Once, at
# half of that or of its limit, or when its time is almost up, it is asked how it is. sh
# cannot wait with a time limit: poll fast at first, most boots take a blink.
boot_wait() {
	trap 'kill -INT "$pid" 2>/dev/null || :; "${how}_reap"; exit 2' INT TERM HUP
	_naps=0 _size=-1 _last=$(date +%s)
	_end=${limit%.*}
	_ask_after=${ASK_AFTER:-$((${5:-$_end} / 2))} _ask_at=$((_last + _end - _end / 10 - 3))
	while kill -0 "$pid" 2>/dev/null; do
		_naps=$((_naps + 1))
		if [ "$_naps" -le 10 ]; then sleep 0.2; continue; fi
		_n=$(grep -c -E "^(\\[[^]]*\\] )?$3(not )?ok [0-9]" "$1" || :)
		[ "$4" -eq 0 ] || [ "$_n" -ge "$4" ] || progress "$2" "$_n" "$4"
		boot_watch "$1" "${5-}"
		sleep 1
	done
	_rc=0
	wait "$pid" || _rc=$?
	trap - INT TERM HUP
	"${how}_reap"
	# Said in words that kunit_log.py knows.
	[ "$_rc" -ne 124 ] && [ "$_rc" -ne 137 ] ||
		echo "gup: $runner timed out after $limit seconds" >>"$1"
	[ ! -t 2 ] || printf '\r%79s\r' '' >&2
}

boot_watch() {
	_now=$(date +%s) _was=$_size
	_size=$(wc -c <"$1")
	[ "$_size" -eq "$_was" ] || _last=$_now
	if [ -n "$_ask_after" ] && { [ $((_now - _last)) -ge "$_ask_after" ] || [ "$_now" -ge "$_ask_at" ]; }; then
		boot_ask "$1" $((_now - _last))
	fi
	[ -n "$2" ] && [ $((_now - _last)) -gt "$2" ] || return 0
	kill "$pid" 2>/dev/null || :
	echo "gup: $runner said nothing more and timed out after $2 seconds" >>"$1"
	_last=$_now
}

# boot_ask LOG SECONDS: what silent.py finds out stands beside the log. That the guest has
# answered is no sign of life.
boot_ask() {
	_ask_after=
	{
		echo "asked after $2 s without a word; the last: $(tail -n 1 "$1" | tr -d '\r')"
		"${how}_ask" "$1"
	} >"${1%log}silent" || :
	warn "$lane $side: no word for $2 s: $(sed -n 2p "${1%log}silent")"
	_size=$(wc -c <"$1")
}

# manifest LINE...: what ran where.
manifest() {
	cat <<-EOF
	lane        $lane
	side        $side
	base        $(pin tag)
	series      $(git -C "$tree" rev-parse 'HEAD^{tree}' 2>/dev/null || echo none)$(git -C "$tree" diff --quiet HEAD 2>/dev/null || echo ' + uncommitted edits')
	compiler    $(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"/\1/p' "$o/.config")
	accelerator $accelerator
	date        $(date -u +%Y-%m-%dT%H:%M:%SZ)
	EOF
	printf '%s\n' "$@"
}

# compiler: sets cc. The tree of the base lies one level deeper than that of the
# series; with paths relative to the object tree both are ../linux, so one cache
# serves both, and every checkout.
compiler() {
	cc=${CC:-${cross}gcc}
	need "$cc" "gcc${cross:+-${cross%-}}"
	[ -z "${NOCCACHE-}" ] && command -v ccache >/dev/null 2>&1 || return 0
	cc="ccache $cc"
	export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$build}" CCACHE_NOHASHDIR=1
	# __DATE__ and __TIME__ are not used by the kernel (-Werror=date-time).
	export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-time_macros,include_file_ctime,include_file_mtime}"
}
