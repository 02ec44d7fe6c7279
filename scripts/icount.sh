#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# icount.sh - compare the instructions of GUP's calls with their record	(make icount)
#
# usage: scripts/icount.sh [check|table]		(default: check)
#
#   check  boots the rows of the benchmark on the series, in a machine that counts
#          instructions (scripts/boot/icount.sh, lane icount), and compares with
#          scripts/figures/bench.icount. If a row differs it boots once more, with a
#          plugin of QEMU, and names the functions that take more or fewer. A difference
#          that this boot does not show is one all the same.
#   table  base against series in a table		(make bench LANE=icount)
#
# Both are exact on any machine, also on a busy one, and the same each time, but for rows of
# which it matters where their pages lie, and those come close: BY_FRAME in
# scripts/figures/insns.py. They count instructions of one call: not cache or TLB misses,
# not contention.
#
# Another compiler makes other code. Where rows differ and the record comes from other
# tools than these, figures do not compare; then the base is built as well, and the
# series may not have lost against it by more than a tenth. If it has not, that is
# status 4, not a pass: the exact check was not made.
# build/out/icount/ and build/out/icount-base/ hold what counts.sh and kunit-run.sh leave, and
# icount.tsv, functions.tsv, table.md.
#
# environment: ACCEPT=1    write the record instead; RECORD=scripts/figures/bench.icount
#              ROUNDS=1    boots of each side, which must agree
#              ONLY=glob   table: only these rows, shape/call/flags/pages-per-call
#              JOBS, CC, NOCCACHE=1, QEMU
# exit status: 0 as on record, 1 a row differs or two boots do, 2 cannot tell,
#              4 recorded with other tools, and not worse against the base
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
what=${1:-check} rounds=${ROUNDS:-1}
case $what in check|table) ;; *) die "icount.sh $what: use check or table";; esac
case $rounds in *[!0-9]*|0*) die "ROUNDS=$rounds: a number from 1 up";; esac
case ${ONLY-} in *[[:space:]\"\']*) die "ONLY=$ONLY: a glob without blanks and quotes";; esac
[ "$what" = table ] || [ -z "${ONLY-}" ] || die "ONLY= is for make bench LANE=icount: the check is for all rows"
s=$top/scripts qemu=${QEMU:-qemu-system-x86_64}
record=${RECORD:-$top/scripts/figures/bench.icount}
results=$build/out/icount
unset FILTER LANE SIDE KARGS TIMEOUT PLUGIN || :

# build_side SIDE
build_side() {
	SIDE=$1 "$s/boot/configure.sh" icount
	SIDE=$1 "$s/boot/build.sh" icount </dev/null
}

# boot_side SIDE ROUND FILE [QEMU-OPTIONS]: one boot; its rows go to FILE.
boot_side() {
	SIDE=$1 FILTER=gup_bench KARGS="gup_bench.only=${ONLY:-*}" PLUGIN=${4-} \
		"$s/boot/kunit-run.sh" icount </dev/null || exit 2
	lane_load icount "$1"
	"$s/figures/bench_table.py" rows "$1" "$2" "$out/log" "$3" || exit 2
}

# tools: what changes the figures without a change of the source.
tools() {
	_config=$build/o-icount/.config
	echo "$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"/\1/p' "$_config"), assembler $(sed -n 's/^CONFIG_AS_VERSION=//p' "$_config"), $(sed -n 's/^accelerator .*(\(.*\))$/\1/p' "$results/manifest")"
}

# functions FILE: the rows of the series with the instructions of each function, which a
# plugin of QEMU counts in a separate boot.
functions() {
	need nm binutils
	_so=$("$s/tcg/build.sh" count) || exit 2
	"$s/tcg/ranges.py" "$build/o-icount/vmlinux" >"$tmp/ranges" || exit 2
	boot_side series plugin "$tmp/plugin.tsv" \
		"-plugin $_so,insns=$tmp/ranges,out=$tmp/periods,marker=gup_bench_mark"
	"$s/figures/insns.py" functions "$tmp/plugin.tsv" "$tmp/periods" >"$1" || exit 2
}

# measure SIDE: $tmp/SIDE.tsv, the same in all rounds
measure() {
	for round in $(seq "$rounds"); do
		rm -f "$tmp/round.tsv"
		boot_side "$1" "$round" "$tmp/round.tsv"
		[ -e "$tmp/$1.tsv" ] || cp "$tmp/round.tsv" "$tmp/$1.tsv"
		"$s/figures/insns.py" same "$tmp/$1.tsv" "$tmp/round.tsv" || exit
	done
	cp "$tmp/$1.tsv" "$out/icount.tsv"
	[ "$rounds" -eq 1 ] || say "icount: $1: $rounds boots, the same"
}

ready() {
	[ -n "${GUP_READY-}" ] || { "$s/setup.sh" tree build vm; "$s/tree.sh" series; }
	need python3; need timeout coreutils; need "$qemu" qemu-system-x86
}

with_base() {
	[ -n "${GUP_READY-}" ] || "$s/tree.sh" base
	build_side base
	measure base
}

lock icount
ready
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
build_side series
measure series
tools >"$tmp/tools"

if [ "$what" = table ]; then
	with_base
	"$s/figures/insns.py" table "$tmp/base.tsv" "$tmp/series.tsv" "$tmp/tools" >"$results/table.md" || exit
	cat "$results/table.md"
	say "icount: $results/table.md"
	exit 0
fi
if [ -n "${ACCEPT-}" ]; then
	with_base
	functions "$results/functions.tsv"
	"$s/figures/insns.py" same "$tmp/series.tsv" "$results/functions.tsv" || exit
	exec "$s/figures/insns.py" record "$record" "$tmp/base.tsv" "$results/functions.tsv" "$tmp/tools"
fi

status=0
"$s/figures/insns.py" check "$record" "$tmp/series.tsv" "$tmp/tools" >"$tmp/said" || status=$?
case $status in
1)	# The same once more, with names.
	functions "$results/functions.tsv"
	"$s/figures/insns.py" check "$record" "$results/functions.tsv" "$tmp/tools" >"$tmp/named" || {
		status=$?
		[ "$status" -eq 4 ] || { cat "$tmp/named"; exit "$status"; }
	}
	cat "$tmp/said"
	say "icount: FAILED: a second boot, with the plugin of QEMU, did not show that: two boots differ"
	exit 1;;
4)	with_base
	"$s/figures/insns.py" ratios "$record" "$tmp/base.tsv" "$tmp/series.tsv" "$tmp/tools";;
*)	cat "$tmp/said"
	exit "$status";;
esac
