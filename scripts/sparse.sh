#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# sparse.sh - list the warnings of sparse that the series adds
#
# usage: scripts/sparse.sh
#
# Checks (make C=2) mm/gup.c and each source file that the series touches, on
# the base and on the series, in the object trees of the lane um-smp, and what that lane
# cannot compile on the base either in those of x86_64; only warnings that the series adds
# fail. Line numbers do not count, so moved code is not new. The suites in kunit/ have no
# base: every warning there fails.
#
# A file that neither lane can compile is named and not checked.
#
# environment: NOCCACHE=1, CC, JOBS
# exit status: 0 nothing new, 1 new warnings, 2 a build failed, 4 sparse is missing.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
command -v sparse >/dev/null 2>&1 || {
	warn "sparse is skipped: it is missing: apt-get install sparse (or: make setup)"; exit 4; }
need git; need make; need gcc
lock sparse
[ -n "${GUP_READY-}" ] || { "$top/scripts/tree.sh" series; "$top/scripts/tree.sh" base; }

# sparse 0.6.4, the newest in Debian 12 and 13, does not know __typeof_unqual__(), so kbuild
# would leave it out, with status 0. __typeof__() is near enough for it.
sparse="sparse"
printf 'static int f(const int *q)\n{\n\t__typeof_unqual__(*q) v = *q;\n\treturn v;\n}\n' |
	sparse - 2>&1 | grep -q error && sparse="sparse -D__typeof_unqual__=__typeof__"

res=$build/out/sparse
rm -rf "$res"
mkdir -p "$res"
{ echo mm/gup.c; git -C "$linux" diff --name-only --diff-filter=d gup-overlay -- '*.c'; } | sort -u >"$res/series.files"
while read -r f; do
	[ ! -e "$baselinux/$f" ] || echo "$f"
done <"$res/series.files" >"$res/base.files"
awk '/^obj-.*CONFIG_GUP_KUNIT_TEST/ {
	for (i = 1; i <= NF; i++) if (sub(/\.o$/, ".c", $i)) print "mm/tests/gup/" $i
     }' "$top/kunit/Makefile" >>"$res/series.files"

# run_make LOG TARGET...: compile and check these, on and on if one does not compile
run_make() {
	run_log=$1; shift
	(cd "$tree" && make ARCH="$arch" O="../o-$lane" CC="$cc" -j"${JOBS:-$(jobs)}" -k \
		C=2 CHECK="$sparse" "$@") >"$run_log" 2>&1 </dev/null
}

# objects FILE: the targets of the sources in FILE; kunit/ is one, because kbuild would visit
# its folder twice for single files, and both visits would write the same object.
objects() { sed 's,^mm/tests/gup/.*,mm/tests/gup/,; s,\.c$,.o,' "$1" | sort -u; }

# check SIDE LANE: the files in $res/SIDE.files; adds the warnings without line numbers to
# $res/SIDE.found, and writes the sources that do not compile to $res/SIDE.broken.
check() {
	log=$res/$2-$1.log
	say "sparse: $2 $1: $(wc -l <"$res/$1.files") files"
	SIDE=$1 "$top/scripts/boot/configure.sh" "$2" || exit 2
	lane_load "$2" "$1"
	compiler
	(cd "$tree" && make ARCH="$arch" O="../o-$lane" CC="$cc" -j"${JOBS:-$(jobs)}" prepare) \
		>"$log" 2>&1 </dev/null || die "make prepare failed on the $1 side: see $log"
	# shellcheck disable=SC2046 # paths without blanks
	run_make "$log" $(objects "$res/$1.files") || :
	# A file is checked when it has been compiled.
	while read -r f; do
		grep -q "^ *CHECK  *$f\$" "$log" || echo "$f"
	done <"$res/$1.files" >"$res/$1.broken"
	# sparse cannot fold the static_assert() inside module_param() and MODULE_*(), in any
	# file of the kernel: drop what it says at such a line.
	sed -n "s,^$tree/,,; s,^\.\./linux/,,; s/^\([^: ]*\):\([0-9]*\):[0-9]*: \(\(warning\|error\): .*\)/\1 \2 \3/p" \
		"$log" | sort -u | while read -r f num text; do
		! grep -qxF "$f" "$res/$1.broken" || continue
		case "$text:$(sed -n "${num}p" "$tree/$f")" in
		"error: bad constant expression:"[Mm][Oo][Dd][Uu][Ll][Ee]_*) continue;;
		esac
		echo "$f: $text"
	done >>"$res/$1.found"
}

# What the lane before could not compile on the base is tried again in the next one.
for lane in um-smp x86_64; do
	[ -s "$res/series.files" ] || break
	check base "$lane"
	check series "$lane"
	grep -vxFf "$res/base.broken" "$res/series.broken" >"$res/new.broken" || :
	while read -r f; do
		say "sparse: $f does not compile in the lane $lane:"
		run_make "$res/one.log" "${f%.c}.o" || grep -m 5 -E 'error|No rule' "$res/one.log" ||
			tail -n 5 "$res/one.log"
	done <"$res/new.broken"
	[ ! -s "$res/new.broken" ] || die "the series does not compile: see above"
	cp "$res/base.broken" "$res/base.files"
	cp "$res/base.broken" "$res/series.files"
done
while read -r f; do
	say "sparse: not checked: $f: no lane compiles it, on the base either"
done <"$res/series.files"

# A warning that shows up twice on the series and once on the base is new, too.
for side in base series; do
	sort "$res/$side.found" >"$res/$side"
done
comm -13 "$res/base" "$res/series" >"$res/new"
if [ -s "$res/new" ]; then
	say "sparse: new warnings (with line numbers: $res/*.log):"
	sed 's/^/  /' "$res/new"
	exit 1
fi
say "sparse: nothing new: $(wc -l <"$res/series") warnings on the series, $(wc -l <"$res/base") on the base"
