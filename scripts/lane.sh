# shellcheck shell=sh disable=SC2034,SC2154 # variables come from lib.sh and go to the caller
# SPDX-License-Identifier: GPL-2.0
# lane.sh - what a lane is, for configure.sh, build.sh and run.sh. Sourced after lib.sh.

# lane_load LANE SIDE: sets lane side root tree o out arch objects timeout fragments kargs.
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
	[ "$arch" = um ] || die "LANE=$lane: arch $arch: only um can run here"
	for _f in $(echo "$fragments" | tr , ' '); do
		[ -r "$top/kconfigs/$_f.config" ] ||
			die "kconfigs/lanes: lane $lane wants kconfigs/$_f.config, which is not there"
	done
	kunitpy=$tree/tools/testing/kunit/kunit.py
	[ -r "$kunitpy" ] || die "no kernel tree in $tree: make tree"
}

lanes() { awk '!/^#/ && NF { print $1 }' "$top/kconfigs/lanes"; }

# kunit SECONDS VERB ARG...: become kunit.py of the tree that is tested; call it in
# a subshell. It changes to the tree by itself, and a relative build directory
# keeps absolute paths out of the build. timeout(1) also gives it a process group
# of its own, so that one signal ends make, compilers and kernel together.
kunit() {
	_limit=$1 _verb=$2
	shift 2
	# build configures too, and would take kunit.py's own default without these
	case $_verb in config|build)
		for _f in $(echo "$fragments" | tr , ' '); do
			set -- "$@" --kunitconfig "$top/kconfigs/$_f.config"
		done
	esac
	export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
	exec timeout -k 5 "$_limit" python3 "$kunitpy" "$_verb" \
		--arch "$arch" --build_dir "../o-$lane" "$@" </dev/null
}

# compiler: sets cc. The tree of the base lies one level deeper than that of the
# series; with paths relative to the object tree both are ../linux, so one cache
# serves both, and every checkout.
compiler() {
	cc=${CC:-gcc}
	need "$cc" gcc
	[ -z "${NOCCACHE-}" ] && command -v ccache >/dev/null 2>&1 || return 0
	cc="ccache $cc"
	export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$build}" CCACHE_NOHASHDIR=1
	# __DATE__ and __TIME__ are not used by the kernel (-Werror=date-time).
	export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-time_macros,include_file_ctime,include_file_mtime}"
}
