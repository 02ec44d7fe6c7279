#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# model.sh - check a model of GUP-fast against what other CPUs do	(make model)
#
# usage: scripts/model.sh			the check of the source, then all the runs
#        scripts/model.sh check-source	is the text that each step stands for still there?
#        scripts/model.sh trace STEP [PEER]	the shortest counterexample without that step, in
#					GUP's words; NONE: with all steps
#
# scripts/model/gup_fast.pml, in spin: what it covers, the steps and the peers stand at its
# head. It has to hold as the code is, and one entry at a time, as before the series;
# without a step that is needed there has to be a counterexample, without one that is
# spare there must be none. Prints TAP with a plan. The source: build/linux. Results:
# build/out/model.
#
# environment: JOBS, and
#   FULL=1   every mapping with every peer, every peer for what is spare: twice as long
#   STEPS=   some steps only, separated by blanks; NONE: with all steps
# exit status: 0 all as it has to be, 1 a property is violated, a step has no
# counterexample, or its text is gone, 2 cannot tell, 4 spin is missing
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
m=$top/scripts/model
out=$build/out/model
MODEL_FULL=${FULL:-0}
export MODEL_FULL

need python3
check_source() {
	[ -e "$linux/mm/gup.c" ] || die "model: $linux/mm/gup.c is missing: make tree"
	"$m/steps.py" check "$linux"
}

# peer NAME: its number; step NAME: its number
number() { awk -v name="$1" '$1 == "#define" && $2 == name { print $3; exit }' "$m/gup_fast.pml"; }
peer() { number "PEER_$(printf '%s\n' "$1" | tr '[:lower:]' '[:upper:]')"; }

# broken FILE: the property that the trace in FILE ends with, as the model words it
broken() {
	awk 'NR == FNR { if (/^ *@ broken [0-9]+$/) n = $3; next }
	     n != "" && /^#define [A-Z_]+\t+[0-9]\t\/\/ / && $3 == n { sub(/.*\/\/ /, ""); print; exit }' \
		"$1" "$m/gup_fast.pml"
}

# compile DIR OPTION...: DIR/pan. Without -O: compiling costs more than it saves.
compile() {
	_dir=$1; shift
	rm -rf "$_dir"
	mkdir -p "$_dir" || die "model: cannot create $_dir: choose another place with GUP_BUILD"
	(cd "$_dir" && spin -a "$m/gup_fast.pml" && gcc -w -DSAFETY -DMEMLIM=1500 "$@" -o pan pan.c) \
		>"$_dir/log" 2>&1 || die "model: spin or gcc failed: $(tail -n 1 "$_dir/log"): see $_dir/log"
}

# one NAME NUMBER PEER NUMBER WANT BASE: a run; WANT is "none" or "one" counterexample
one() {
	dir=$out/runs/$1.$3.$6 want=$5
	mkdir -p "$dir" && cd "$dir" || return
	export MODEL_REMOVED="$2" MODEL_PEER="$4" MODEL_BASE="$6"
	"$out/dfs/pan" -w19 -m20000 >log 2>&1 || :
	said='' found=$(sed -n 's/.*errors: //p' log)
	! grep -q -E 'not completed|too small|reached -DMEMLIM' log || [ "$found" = 1 ] || found=
	if [ "$found" = 1 ]; then
		"$out/dfs/pan" -r gup_fast.pml.trail >replay 2>&1 || :
		said=$(broken replay)
		[ -n "$said" ] || found=
	fi
	case $found$want in
	0none) echo "ok $1, $3: holds";;
	1one) echo "ok $1, $3: $said";;
	0one) echo "not ok $1, $3: no counterexample";;
	1none) echo "not ok $1, $3: $said: scripts/model.sh trace $1 $3";;
	*) echo "could not tell $1, $3: see $dir/log";;
	esac >verdict
}

# worker N OF: each OFth row of the plan
worker() {
	row=0
	while read -r words; do
		row=$((row + 1))
		# shellcheck disable=SC2086 # words of a row
		[ $((row % $2)) -ne "$1" ] || one $words
	done <"$out/plan"
}

trace() {
	[ -n "${2-}" ] || die "model: trace STEP [PEER]: a name of scripts/model/gup_fast.pml"
	MODEL_REMOVED=0 peer=${3-}
	if [ "$2" != NONE ]; then
		set -- "$("$m/steps.py" list | awk -v name="$2" '$2 == name { print $1, $4 }')" "$2"
		[ -n "$1" ] || die "model: no step $2: use one of $("$m/steps.py" list | awk '{ printf "%s ", $2 }')"
		MODEL_REMOVED=${1% *}
		peer=${peer:-${1#* }}
		peer=${peer%%,*}
	fi
	MODEL_PEER=$(peer "$peer")
	[ -n "$MODEL_PEER" ] || die "model: which peer? none, fork, unmap, table, unshare or split"
	export MODEL_REMOVED MODEL_PEER
	compile "$out/bfs" -DBFS
	cd "$out/bfs"
	./pan -w19 >run 2>&1 || :
	if grep -q 'errors: 0$' run; then say "no counterexample"; exit 0; fi
	./pan -r ./*.trail 2>&1 | "$m/trace.py" -
}

case ${1-} in
check-source) check_source; exit;;
''|trace) ;;
*) die "model: $1: use check-source, trace STEP, or nothing";;
esac
command -v spin >/dev/null 2>&1 ||
	{ warn "model: skipped: spin is missing: apt-get install spin (or: scripts/setup.sh model)"; exit 4; }
need gcc
[ "${1-}" != trace ] || { trace "$@"; exit; }

begin=$(date +%s)
status=0
check_source >&2 || status=$?
[ "$status" -le 1 ] || exit "$status"
lock model
rm -rf "$out"
compile "$out/dfs"
everyone='none fork unmap table unshare split'
rows() {
	for p in $(printf '%s\n' "$3" | tr , ' '); do echo "$1 $2 $p $(peer "$p") $4 $5"; done
}
{
	rows NONE 0 "$everyone" none 0
	rows NONE 0 "$everyone" none 1
	"$m/steps.py" list | while read -r n name kind peer; do
		[ "$kind$MODEL_FULL" != spare1 ] || peer=$everyone
		case $kind in
		spare) rows "$name" "$n" "$peer" none 0;;
		*) rows "$name" "$n" "$peer" one 0;;
		esac
	done
} >"$out/all"
if [ -n "${STEPS-}" ]; then
	awk -v steps=" $STEPS " 'index(steps, " " $1 " ")' "$out/all" >"$out/plan"
	[ -s "$out/plan" ] || die "model: STEPS=$STEPS: no such step"
else
	cp "$out/all" "$out/plan"
fi
of=${JOBS:-$(jobs)} w=0
while [ "$w" -lt "$of" ]; do
	worker "$w" "$of" &
	w=$((w + 1))
done
wait

echo "1..$(wc -l <"$out/plan" | tr -d ' ')"
n=0 bad=0 unsure=0 removed=0 shown=0 held=0
while read -r name _ peer _ want base; do
	n=$((n + 1))
	read -r verdict <"$out/runs/$name.$peer.$base/verdict" || verdict="could not tell $name, $peer"
	case $base in 0) as='as the code is';; *) as='one entry at a time';; esac
	[ "$name" != NONE ] || verdict="${verdict%%NONE*}$as${verdict#*NONE}"
	[ "$want" != one ] || removed=$((removed + 1))
	case $verdict in
	ok*) say "ok $n - ${verdict#ok }"; case $want in one) shown=$((shown + 1));; *) held=$((held + 1));; esac;;
	not*) say "not ok $n - ${verdict#not ok }"; bad=$((bad + 1));;
	*) say "not ok $n - $verdict"; unsure=$((unsure + 1));;
	esac
done <"$out/plan" >"$out/table"
cat "$out/table"
say "model: $removed steps removed, $shown counterexamples; $held of $((n - removed)) other runs hold; $(($(date +%s) - begin)) s"
[ "$bad" -eq 0 ] || status=1
[ "$unsure" -eq 0 ] || [ "$status" -eq 1 ] || status=2
exit "$status"
