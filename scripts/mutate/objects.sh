# shellcheck shell=sh disable=SC2154 # variables of lib.sh, lane.sh and of the callers
# SPDX-License-Identifier: GPL-2.0
# objects.sh - a copy of the objects of a lane of ARCH=um, and how its kernel is linked, for
# kernel.py. Sourced after lib.sh by mutate.sh, coverage.sh and tests/edits.sh.
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
# shellcheck source=scripts/boot/um.sh
. "$top/scripts/boot/um.sh"

# um_objects VERB LANE: sets what lane_load does, out: build/out/VERB, c: the copy, link: the
# file with the command. The copy is gone when the verb ends.
um_objects() {
	lane_load "$2" series
	[ "$arch" = um ] || die "LANE=$lane: kernels of ARCH=um only: they take seconds"
	compiler
	"$top/scripts/boot/configure.sh" "$lane" >&2
	"$top/scripts/boot/build.sh" "$lane" >&2
	need_space "$build" 400 'a copy of the objects'
	out=$build/out/$1 c=$root/o-$1 link=$build/out/$1/$lane.link
	mkdir -p "$out"
	rm -rf "$c"
	trap 'rm -rf "$c"' EXIT
	cp -a "$o" "$c"
	# The last link once more, where it can be seen.
	touch "$c/mm/gup.o"
	make -C "$tree" ARCH=um O="../${c##*/}" CC="$cc" -j "${JOBS:-$(jobs)}" KBUILD_VERBOSE=1 linux \
		>"$link.log" 2>&1 || die "$1: the kernel does not link: see $link.log"
	sed -n 's/^+ \(.* -o vmlinux\.unstripped .*\)/\1/p' "$link.log" | tail -n 1 >"$link"
	[ -s "$link" ] || die "$1: $link.log does not say how the kernel was linked"
	um_ready
}
