#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# bench.sh - what GUP costs on the base and with the series	(make bench)
#
# usage: scripts/bench.sh
#
# Builds the KUnit suite gup_bench into a kernel of the base (plus the um and kunit
# patches of the series) and one of the series as build/linux has it now, edits
# that are not committed included, and boots them in turn. UML without SMP runs
# kernel code natively; kconfigs/bench.patch keeps the lock prefix of its atomics, in
# trees of their own below build/bench/, so what is timed is what an SMP kernel would
# execute. A second pair of kernels counts locked operations and page-table walks:
# exact, whatever else the machine does. Leaves in build/out/bench/:
#   table.md    medians, spread, ratio; what kunit/bench.goals asks for first
#   plot.svg    the goals' rows
#   raw.tsv     each figure of each boot, picoseconds a page
#   counts.tsv  locked operations and walks of each row
#   manifest    trees, compiler, processor, load, date
# Nothing here fails because of a figure. For steady ones leave the machine alone.
#
# environment
#   ROUNDS=10       boots of each side
#   ONLY=glob       only rows shape/call/flags/pages-per-call that match, as
#                   'drv_order4/pin_*/512' or '*/1' (flags: WRITE, READ, +LONGTERM)
#   AGAINST=path    an mbox, a patch, or a directory of patches: another series,
#                   applied to the base, as a third column
#   STAT=min        the figure of a boot: its fastest pass, or med, the median one
#   COUNT=0         do not build and boot the counting kernels
#   JOBS, CC, NOCCACHE=1
# exit status: 0 measured, 2 a patch of AGAINST does not apply, or bad input
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/lib-series.sh
. "$top/scripts/lib-series.sh"
help_if_asked "$@"
s=$top/scripts
out=$build/out/bench
rounds=${ROUNDS:-10} only=${ONLY:-*} against=${AGAINST-}
case $rounds in *[!0-9]*|0*) die "ROUNDS=$rounds: a number from 1 up";; esac
case $only in *[[:space:]\"\']*) die "ONLY=$only: a glob without blanks and quotes";; esac
case ${STAT:=min} in med|min) ;; *) die "STAT=$STAT: use med or min";; esac
[ -z "$against" ] || [ -r "$against" ] || die "AGAINST=$against: no such file or directory"
unset FILTER LANE SIDE KARGS TIMEOUT || :
export LOCALVERSION=	# else git looks at 96,000 files before each build
sides="base series${against:+ against}"

lock bench
"$s/setup.sh" tree build bench
"$s/tree.sh" series
mkdir -p "$out"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; scratch_close' EXIT

# place SIDE COMMIT: the tree of one side. It belongs to the rig; what somebody
# edited there by mistake would be measured as something it is not.
place() {
	t=$build/bench/$1/linux
	if [ ! -d "$t" ]; then
		need_space "$build" 4000 "the benchmark's tree and builds"
		say "bench: checking out build/bench/$1/linux, 15 s or so"
		rm -rf "$build/bench/$1/.new"
		git -C "$linux" worktree prune
		git_fixed -C "$linux" worktree add -q --detach "$build/bench/$1/.new" "$2"
		git_fixed -C "$linux" worktree move "$build/bench/$1/.new" "$t"
	fi
	[ -z "$(git -C "$t" status --porcelain --untracked-files=no)" ] ||
		die "$t has edits: take them to build/linux, then: rm -rf $build/bench/$1"
	git_fixed -C "$t" checkout -q --detach "$2" || die "git checkout failed in $t: see above; rm -rf $build/bench/$1"
	"$s/overlay.sh" "$t"
}

# commit SIDE: sets $applied to what is measured there
commit() {
	# Same um and kunit patches on all sides: only GUP is to differ.
	needs=$({ base_needs_files; series_files | grep -E '^[0-9]+-(um|kunit)-'; } | sort -u | sed "s,^,$patches/,")
	case $1 in
	series)
		head=$(git_fixed -C "$linux" -c user.name=rig -c user.email=rig@gup.invalid stash create)
		apply_onto "${head:-series}" "$top/kconfigs/bench.patch";;
	base)	# shellcheck disable=SC2086 # file names without blanks, lint sees to it
		apply_onto gup-overlay $needs "$top/kconfigs/bench.patch";;
	against) "$s/mails.py" "$against" "$tmp/mails" || exit 2
		# shellcheck disable=SC2086
		apply_onto gup-overlay $needs "$tmp/mails"/* "$top/kconfigs/bench.patch";;
	esac
}

# boot SIDE LANE ROUND FILE: one boot; its rows go to FILE.
boot() {
	SIDE=bench-$1 FILTER=gup_bench KARGS="gup_bench.only=$only" "$s/run.sh" "$2" </dev/null || exit 2
	"$s/bench_table.py" rows "$1" "$3" "$build/out/$2-bench-$1/log" "$4" || exit 2
}

# All must apply before anything is built.
for side in $sides; do
	commit "$side"
	echo "$side $applied" >>"$tmp/commits"
done
lanes=um-bench
[ "${COUNT-}" = 0 ] || lanes="$lanes um-count"
while read -r side id; do
	place "$side" "$id"
	for lane in $lanes; do
		SIDE=bench-$side "$s/configure.sh" "$lane"
		SIDE=bench-$side "$s/build.sh" "$lane" </dev/null
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
	[ "$lanes" = um-bench ] || boot "$side" um-count 1 "$out/counts.tsv"
done
done=0 total=$((rounds * $(echo "$sides" | wc -w)))
for round in $(seq "$rounds"); do
	for side in $sides; do
		boot "$side" um-bench "$round" "$out/raw.tsv"
		done=$((done + 1))
		progress "bench: boots" "$done" "$total"
	done
done
echo "load        $(cut -d ' ' -f 1-3 /proc/loadavg) after" >>"$out/manifest"

"$s/bench_table.py" table "$STAT" "$top/kunit/bench.goals" "$out/raw.tsv" "$out/counts.tsv" >"$out/table.md" || exit 2
(cd "$out" && "$s/bench_table.py" plot "$STAT" "$top/kunit/bench.goals" raw.tsv >plot.gp && gnuplot plot.gp) ||
	die "bench: gnuplot failed: see above and $out/plot.gp"
# The long table is for reading in an editor, unless ONLY made it short.
if [ "$only" = '*' ]; then sed '/^## All rows/,$d' "$out/table.md"; else cat "$out/table.md"; fi
say "bench: $out/table.md, plot.svg, raw.tsv, manifest"
