#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# bench.sh - time GUP on the base and with the series	(make bench)
#
# usage: scripts/bench.sh
#
# With LANE=icount it is scripts/icount.sh table: instructions instead of time, exact.
#
# Builds the KUnit suite gup_bench into a kernel of the base (plus the um and kunit
# patches of the series) and one of the series as build/linux has it now, edits
# that are not committed included, and boots them in turn. UML without SMP runs
# kernel code natively. In separate trees below build/bench/, scripts/figures/bench.patch
# keeps the lock prefix of its atomics, so that what is timed is what an SMP kernel would
# execute. A second pair of kernels counts locked operations and page-table walks:
# exact, even on a busy machine. Leaves in build/out/bench/:
#   table.md    medians, spread, ratio; what scripts/figures/bench.goals asks for first
#   plot.svg    the goals' rows
#   raw.tsv     each figure of each boot, picoseconds a page
#   counts.tsv  locked operations and walks of each row
#   manifest    trees, compiler, processor, load, date
# Nothing here fails because of a figure. For steady figures let the machine be idle.
#
# environment
#   ROUNDS=10       boots of each side
#   ONLY=glob       only rows shape/call/flags/pages-per-call that match, as
#                   'drv_order4/pin_*/512' or '*/1' (flags: WRITE, READ, +LONGTERM)
#   AGAINST=path    an mbox, a patch, or a directory of patches: another series,
#                   applied to the base, as a third column
#   STAT=min        the figure of a boot: its fastest pass, or med, the median one
#   COUNT=0         do not build and boot the counting kernels
#   LANE=um-bench   or icount
#   JOBS, CC, NOCCACHE=1
# exit status: 0 measured, 2 a patch of AGAINST does not apply, or bad input
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/series.sh
. "$top/scripts/series/series.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "bench: takes no arguments: scripts/bench.sh --help"
case ${LANE-} in
''|um-bench) ;;
icount)	[ -z "${AGAINST-}" ] || die "AGAINST= is for the lane um-bench: icount knows base and series"
	exec "$top/scripts/icount.sh" table;;
*) die "LANE=$LANE: no lane of the benchmark: use um-bench (the default) or icount";;
esac
# shellcheck source=scripts/figures/bench-trees.sh
. "$top/scripts/figures/bench-trees.sh"
s=$top/scripts
out=$build/out/bench
rounds=${ROUNDS:-10} only=${ONLY:-*} against=${AGAINST-}
case $rounds in *[!0-9]*|0*) die "ROUNDS=$rounds: a number from 1 up";; esac
case $only in *[[:space:]\"\']*) die "ONLY=$only: a glob without blanks and quotes";; esac
case ${STAT:=min} in med|min) ;; *) die "STAT=$STAT: use med or min";; esac
[ -z "$against" ] || [ -r "$against" ] || die "AGAINST=$against: no such file or directory"
sides="base series${against:+ against}"

lock bench
"$s/setup.sh" tree build bench
"$s/tree.sh" series
mkdir -p "$out"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; scratch_close' EXIT

# All must apply before anything is built.
for side in $sides; do
	bench_commit "$side"
	echo "$side $applied" >>"$tmp/commits"
done
lanes=um-bench
[ "${COUNT-}" = 0 ] || lanes="$lanes um-count"
while read -r side id; do
	bench_place "$side" "$id"
	for lane in $lanes; do
		bench_build "$side" "$lane"
	done
done <"$tmp/commits"

rm -f "$out"/*
{	echo "pinned      $(pin tag)"
	while read -r side id; do printf '%-11s %s\n' "$side" "$(git -C "$linux" rev-parse "$id^{tree}")"; done <"$tmp/commits"
	echo "applied     ${against:-nothing} to the base as side against"
	echo "kunit       $(cat "$top"/kunit/*.[ch] | git hash-object --stdin)"
	echo "compiler    $(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"/\1/p' "$build/bench/base/o-um-bench/.config")"
	echo "processor   $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
	echo "rounds      $rounds, only $only, the $STAT of a boot's passes"
	echo "load        $(cut -d ' ' -f 1-3 /proc/loadavg) before"
	echo "date        $(date -u +%Y-%m-%dT%H:%M:%SZ)"
} >"$out/manifest"
for side in $sides; do
	[ "$lanes" = um-bench ] || bench_boot "$side" um-count 1 "$only" "$out/counts.tsv"
done
done=0 total=$((rounds * $(echo "$sides" | wc -w)))
for round in $(seq "$rounds"); do
	for side in $sides; do
		bench_boot "$side" um-bench "$round" "$only" "$out/raw.tsv"
		done=$((done + 1))
		progress "bench: boots" "$done" "$total"
	done
done
echo "load        $(cut -d ' ' -f 1-3 /proc/loadavg) after" >>"$out/manifest"

"$s/figures/bench_table.py" table "$STAT" "$top/scripts/figures/bench.goals" "$out/raw.tsv" "$out/counts.tsv" >"$out/table.md" || exit 2
(cd "$out" && "$s/figures/bench_table.py" plot "$STAT" "$top/scripts/figures/bench.goals" raw.tsv >plot.gp && gnuplot plot.gp) ||
	die "bench: gnuplot failed: see above and $out/plot.gp"
# The long table is for reading in an editor, unless ONLY made it short.
if [ "$only" = '*' ]; then sed '/^## All rows/,$d' "$out/table.md"; else cat "$out/table.md"; fi
say "bench: $out/table.md, plot.svg, raw.tsv, manifest"
