#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# race-checks.sh - show that each check against a race is needed, and by which case
#
# usage: scripts/tests/race-checks.sh [CHECK...]	(default: all of race-checks.table)
#
# Takes the checks out of mm/gup.c one by one, as race-checks.table says, builds what is
# left into the lane um and runs gup_race*: the cases that the table names have to be red.
# Before that, all have to pass as it is. Prints TAP, then a table: check x case.
#
# Only gup_hooked.o is compiled, by the lane's own command, into a copy of its object
# tree: build/linux and build/o-um stay as they are. Logs: build/out/race-checks/.
#
# environment: JOBS, CC, NOCCACHE=1, TIMEOUT=seconds of a boot
# exit status: 0 all red, 1 one is not, 2 cannot tell: an edit does not apply, ...
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
s=$top/scripts
table=$s/tests/race-checks.table

lane_load um series
compiler
need python3
lock race-checks
[ -n "${GUP_READY-}" ] || { "$s/setup.sh" tree build; "$s/tree.sh" series; } >&2
"$s/boot/configure.sh" um >&2
"$s/boot/build.sh" um >&2
need_space "$build" 300 'a copy of the objects of um'

t=$(mktemp -d)
trap 'rm -rf "$t" "$o"' EXIT
"$s/tests/race_edit.py" --list "$table" >"$t/all"
[ $# -gt 0 ] || { cut -d ' ' -f 1 "$t/all" >"$t/names"; }
for check; do
	grep "^$check " "$t/all" >/dev/null || die "race-checks: $check is not in ${table##*/}"
	echo "$check" >>"$t/names"
done
# All of them, before anything is built.
while read -r check; do
	mkdir "$t/$check"
	"$s/tests/race_edit.py" "$table" "$tree/mm/gup.c" "$check" >"$t/$check/gup.c"
done <"$t/names"

from=$o lane=race-checks
o=$build/o-$lane out=$build/out/$lane log=$build/out/$lane/build.log
rm -rf "$o" "$out"
mkdir -p "$out"
cp -a "$from" "$o"
rm -rf "$o/uml"
: >"$log"
# shellcheck source=scripts/boot/um.sh
. "$s/boot/um.sh"
how=um timeout=${TIMEOUT:-$timeout}
um_ready
hooked=mm/tests/gup/gup_hooked
# shellcheck disable=SC2016 # make's way to write # and $
command=$(sed -n "s,^savedcmd_$hooked\\.o := ,,p" "$o/${hooked%/*}/.${hooked##*/}.o.cmd" |
	sed 's/\$(pound)/#/g; s/\$\$/$/g')
[ -n "$command" ] || die "race-checks: $from does not say how $hooked.o was compiled"
broken() { tail -n 8 "$log" >&2; die "race-checks: $1: see above and $log"; }

# boot CHECK: its log is $out/CHECK.log, the cases that are red $t/CHECK/red
boot() {
	um_start "$out/$1.log" 'gup_race*' "panic=-1 $kargs"
	boot_wait "$out/$1.log" "race-checks: $1" ' {8}' 0
	mkdir -p "$t/$1"
	awk '/^ *# Subtest: / { name = $NF; sub(/^gup_race_/, "", name) }
	     /^        not ok / { print name "/" $4 }
	     /^    not ok / { sub(/^gup_race_/, "", $4); print $4 }' "$out/$1.log" >"$t/$1/red"
}

# build CHECK: the kernel in $o, without it
build() {
	(cd "$o" && eval "$command -iquote $t/$1") >>"$log" 2>&1 || broken "$1: does not compile"
	cp "$o/$hooked.o" "$t/built.o"
	make -s -C "$tree" ARCH=um O="../${o##*/}" CC="$cc" -j "${JOBS:-$(jobs)}" linux >>"$log" 2>&1 ||
		broken "$1: does not link"
	cmp -s "$o/$hooked.o" "$t/built.o" || broken "make built $hooked.o anew, with the check"
}

echo "1..$(($(wc -l <"$t/names") + 1))"
boot series
is='not ok' bad=1
if [ ! -s "$t/series/red" ] && [ "$(grep -c '^ok . gup_race' "$out/series.log")" -eq "$(sed -n 's/^1\.\.//p' "$out/series.log")" ]; then is=ok bad=0; fi
echo "$is 1 - the series: gup_race* have to pass"
n=1
while read -r check <&3; do
	n=$((n + 1)) is=ok missed=
	build "$check"
	boot "$check"
	# shellcheck disable=SC2013 # words
	for case in $(sed -n "s/^$check //p" "$t/all"); do
		grep -q -x -- "$case" "$t/$check/red" || is='not ok' missed="$missed $case"
	done
	echo "$is $n - without $check: $(sed -n "s/^$check //p" "$t/all") has to be red"
	[ "$is" = ok ] || { bad=$((bad + 1)); echo "# not red:$missed: see $out/$check.log"; }
done 3<"$t/names"

# Check x case; a case with parameters is red if one of them is.
while read -r check; do
	printf '# %-22s %s\n' "$check" "$(sed 's,/.*,,' "$t/$check/red" | sort -u | paste -sd ' ' -)"
done <"$t/names" | tee "$out/table"
[ "$bad" -eq 0 ] || exit 1
