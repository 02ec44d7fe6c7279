# shellcheck shell=sh disable=SC2034,SC2154 # variables for the tests that source this
# SPDX-License-Identifier: GPL-2.0
# small-tree.sh - a kernel tree of six files, and TAP, for scripts/tests/tree-*.sh
#
# GUP_BUILD, GUP_PATCHES and GUP_CACHE point into a temporary directory: the real
# build/, patches/ and cache are never touched, and no network is used.

case ${1-} in
-h|--help) awk 'NR == 1 || /SPDX|shellcheck/ { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$0"; exit 0;;
esac
s=$(cd "$(dirname "$0")/.." && pwd -P)
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
unset LINUX FORCE SIDE BASE ADOPT ABORT GUP_VERSION GUP_LOCKED GUP_READY GIT_DIR GIT_WORK_TREE || :
export GUP_BUILD="$t/build" GUP_PATCHES="$t/patches" GUP_CACHE="$t/cache" GUP_NEED_MB=1 HOME="$t/home"
export GIT_AUTHOR_NAME='A Dev' GIT_AUTHOR_EMAIL=dev@example.org
export GIT_COMMITTER_NAME='A Dev' GIT_COMMITTER_EMAIL=dev@example.org
linux=$GUP_BUILD/linux
n=0 bad=0

plan() { planned=$1; echo "1..$1"; }
finish() {
	[ "$n" -eq "$planned" ] || { echo "# planned $planned, ran $n" >&2; exit 2; }
	[ "$bad" -eq 0 ] || exit 1
	exit 0
}

# ok NAME COMMAND...: the command must succeed. Its output is shown when it does not.
ok() {
	name=$1; shift
	n=$((n + 1))
	if "$@" >"$t/out" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"; sed 's/^/#   /' "$t/out"; bad=$((bad + 1))
	fi
}

# says STATUS REGEX NAME COMMAND...: it must end so and print a line like that.
says() {
	want=$1 regex=$2 name=$3; shift 3
	n=$((n + 1)) rc=0
	"$@" >"$t/out" 2>&1 </dev/null || rc=$?
	if [ "$rc" -eq "$want" ] && grep -q -E -e "$regex" "$t/out"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"; bad=$((bad + 1))
		echo "#   status $rc, wanted $want and a line like: $regex"; sed 's/^/#   /' "$t/out"
	fi
}

# source_tree DIR SUBLEVEL
source_tree() {
	mkdir -p "$1/mm" "$1/include/linux" "$t/home"
	printf '# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = %s\nEXTRAVERSION =\n' "$2" >"$1/Makefile"
	seq 1 100 | sed 's/.*/line_&();/' >"$1/mm/gup.c"
	seq 1 40 | sed 's/.*/#define M_& &/' >"$1/mm/internal.h"
	echo 'config X' >"$1/Kconfig"
	echo 'obj-y += mm/' >"$1/Kbuild"
	printf '*.o\n/*\n' >"$1/.gitignore"	# as in Debian's package
}

# fresh: an empty series on a new source tree, nothing built.
fresh() {
	rm -rf "$GUP_BUILD" "$GUP_PATCHES" "$GUP_CACHE" "$t/src"
	source_tree "$t/src" 4
	mkdir -p "$GUP_PATCHES"
	printf 'version 7.3.4\ntag v7.3.4\nurl file://%s/linux-7.3.4.tar.xz\n' "$t/www" >"$GUP_PATCHES/base"
	echo "$(git hash-object --no-filters "$t/src/mm/gup.c") mm/gup.c" >"$GUP_PATCHES/base.blobs"
	topic all
	: >"$GUP_PATCHES/base-needs"
	export LINUX="$t/src"
}

# topic NAME [NEEDS...]: one more at the end, without a patch.
topic() {
	echo "$*" >>"$GUP_PATCHES/topics"
	mkdir "$GUP_PATCHES/$1"
	: >"$GUP_PATCHES/$1/series"
	printf 'Subject: mm: %s\n\nWhy all this.\n' "$1" >"$GUP_PATCHES/$1/cover-letter.txt"
}

# change FILE LINE SUBJECT: one commit in build/linux.
change() {
	sed -i "$2s/\$/ changed/" "$linux/$1"
	git -C "$linux" add -f "$1"
	GIT_AUTHOR_DATE='2026-11-02T10:00:00Z' git -C "$linux" commit -q -m "$3" -m "Because line $2 was wrong."
}

# series_of_two: build/linux and patches/ with two patches.
series_of_two() {
	fresh
	"$s/tree.sh" >/dev/null 2>&1
	change mm/gup.c 20 'mm/gup: change line twenty'
	change mm/internal.h 30 'mm: change a macro'
	"$s/refresh.sh" >/dev/null 2>&1
}

state() { git -C "$linux" rev-parse HEAD && git -C "$linux" status --porcelain && git -C "$linux" diff; }
# same_state: build/linux is as it was when $t/before was written.
same_state() { state | diff "$t/before" -; }
