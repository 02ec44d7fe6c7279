#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# compile.sh - compile GUP for every architecture, with W=1	(make compile)
#
# usage: scripts/compile.sh [NAME...]	(default: every row of kconfigs/compile)
#
# A row has an architecture, a compiler and options; for each, mm/gup.c and what else the
# series touches in mm/ are compiled on the series, in some rows the KUnit suites as well.
# Where that warns, the base is compiled, too: only a warning that the base does not have
# fails. What does not compile fails.
# A row whose trees, compiler and script are those of its last success is not compiled again.
#
# environment: JOBS; FORCE=1: every row again
# exit status: 0 nothing new, 1 new warnings, or a row does not compile, 2 cannot tell,
# 4 rows were skipped because a compiler is missing (each is named), and no other failed.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
unset CC || :
table=$top/kconfigs/compile
rows() { awk '!/^#/ && NF' "$table"; }
for name; do
	rows | grep -q "^$name " || die "compile: no row $name: use one of $(rows | awk '{ print $1 }' | paste -sd ' ' -)"
done
need git; need make; need flex; need bison; need bc
lock compile
[ -n "${GUP_READY-}" ] || { "$top/scripts/tree.sh" series; "$top/scripts/tree.sh" base; }
out=$build/out/compile
mkdir -p "$out"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# touched FOLDER: the objects there that the series changes
touched() { git -C "$linux" diff --name-only --diff-filter=d gup-overlay -- "$1/*.c" | sed 's/c$/o/'; }
[ -n "$(touched mm)" ] || die "compile: the series touches nothing in mm/: scripts/tree.sh series"

# kmake ARG...: make of the row in $tree, in an object tree of its own
kmake() {
	# shellcheck disable=SC2086 # words
	(cd "$tree" && make ARCH="${arch%/*}" $subarch O="../compile/$name" $tools ${cc:+CC="$cc"} \
		-j"${JOBS:-$(jobs)}" W=1 "$@") </dev/null
}

# state: an id of all that the result depends on
state() {
	{ for side in "$linux" "$baselinux"; do git -C "$side" rev-parse 'HEAD^{tree}'; git -C "$side" diff HEAD; done
	  $compiler --version; echo "$row"
	  cat "$top/kconfigs/compile.config" "$top/scripts/verdict/warnings.sh" "$0" "$top"/kunit/*
	} | git hash-object --stdin
}

# configure: the .config of the row; names the first option that came out otherwise
configure() {
	o=$(dirname "$tree")/compile/$name
	mkdir -p "$o"
	cp "$top/kconfigs/compile.config" "$o/wanted"
	for option in $(echo "$options" | tr , ' '); do
		sed -i "/^CONFIG_${option#!}=/d" "$o/wanted"
		case $option in
		!*) echo "# CONFIG_${option#!} is not set";;
		*) echo "CONFIG_$option=y";;
		esac >>"$o/wanted"
	done
	(KCONFIG_ALLCONFIG=$o/wanted; export KCONFIG_ALLCONFIG; kmake allnoconfig) >"$log" 2>&1 || return 1
	for option in $(echo "$options" | tr , ' '); do
		on=0
		! grep -q "^CONFIG_${option#!}=y" "$o/.config" || on=1
		case $option:$on in
		!*:1|[!!]*:0) echo "error: Kconfig does not let $option be" >>"$log"; return 1;;
		esac
	done
}

# built OBJECT: does this .config have it? The Makefile beside it knows.
built() {
	var=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$tree/${1%/*}/Makefile" |
		sed -n "/[[:blank:]]${1##*/}\([[:blank:]]\|$\)/s/^[a-z_-]*-\(\$(\(CONFIG_[A-Z0-9_]*\))\|y\).*/\2/p" | head -n 1)
	[ -z "$var" ] || grep -q "^$var=[ym]" "$o/.config"
}

# compile SIDE: its warnings, without line numbers, in $out/$name.$1; 1: does not compile
compile() {
	tree=$(side_root "$1")/linux log=$out/$name.$1.log
	configure || return 1
	set --
	for object in $(touched mm; [ "${arch%/*}" != um ] || touched arch/um); do
		[ ! -e "$tree/${object%o}c" ] || ! built "$object" || set -- "$@" "$object"
	done
	# shellcheck disable=SC2086 # words
	set -- "$@" $objects
	# W=1 is for what the series touches, not for the tools of the kernel.
	kmake prepare >"$log" 2>&1 || return 1
	# What is up to date says nothing.
	for object; do rm -rf "${o:?}/$object"; done
	kmake "$@" >"$log" 2>&1 || return 1
	for object; do [ -e "$o/$object" ] || return 1; done
	echo "$# objects" >"$tmp/objects"
	"$top/scripts/verdict/warnings.sh" "$tree" <"$log" >"$log.warnings"
}

row_done() {
	id=$(state)
	[ -n "${FORCE-}" ] || [ "$(cat "$out/$name.ok" 2>/dev/null)" != "$id" ] || { verdict="ok, as before"; return 0; }
	rm -f "$out/$name.ok"
	compile series || {
		grep -m 3 -i -E 'error|No rule' "$log" || tail -n 3 "$log"
		verdict="does not compile: $log"
		return 1
	}
	verdict="ok, $(cat "$tmp/objects")"
	if [ -s "$out/$name.series.log.warnings" ]; then
		: >"$out/$name.base.log.warnings"
		compile base || verdict="$verdict; the base does not compile"
		comm -23 "$out/$name.series.log.warnings" "$out/$name.base.log.warnings" >"$tmp/new"
		[ ! -s "$tmp/new" ] || { cat "$tmp/new"; verdict="new warnings: $out/$name.series.log"; return 1; }
		verdict="$verdict; $(wc -l <"$out/$name.series.log.warnings") warnings, on the base as well"
	fi
	echo "$id" >"$out/$name.ok"
}

gcc_headers() { echo "/usr/include/$(gcc -print-multiarch)"; }

status=0 skipped=0 n=0 begin=$(date +%s)
if [ $# -eq 0 ]; then rows; else for name; do rows | grep "^$name "; done; fi >"$tmp/rows"
while read -r row <&3; do
	read -r name arch compiler options objects <<-EOF
	$row
	EOF
	missing=
	command -v "$compiler" >/dev/null 2>&1 || missing=$compiler
	case $arch in um/*) [ -e "$(gcc_headers)/gnu/stubs-32.h" ] || missing=gnu/stubs-32.h;; esac
	[ -z "$missing" ] || {
		say "$name: skipped: $missing is missing: scripts/setup.sh compile"
		skipped=$((skipped + 1)); continue; }
	case $compiler in
	clang-*) tools=LLVM=${compiler#clang} cc=;;
	*)	cross=${compiler%gcc}
		tools=${cross:+CROSS_COMPILE=$cross}
		compiler;;
	esac
	case $arch in
	# For -m32 Debian's gcc finds asm/ only by a package that no cross compiler goes with.
	um/*)	subarch=SUBARCH=${arch#um/}
		cc="$cc -idirafter $(gcc_headers)";;
	*) subarch=;;
	esac
	n=$((n + 1)) from=$(date +%s)
	row_done || status=1
	say "$name: $verdict ($(($(date +%s) - from)) s)"
done 3<"$tmp/rows"
say "compile: $n rows, $skipped skipped, $(($(date +%s) - begin)) s"
[ "$status" -eq 0 ] || exit "$status"
[ "$skipped" -eq 0 ] || exit 4
