#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# check.sh - every test of this repository	(make check, make check-all)
#
# usage: scripts/check.sh [STEP...]		(default: all, in this order)
#
# Each step is a separate script; its output goes to build/out/check/<step>.log.
# A failed step does not stop the others, except that nothing is built without a
# tree. The last two lines are the verdict, which says "asked for" where STEPs are named, since
# that is no whole check, and "N passed, N failed, N skipped":
#   - a KUnit lane counts its cases, one of selftests its programs
#     (build/out/<lane>/verdict; on the base, a case that fails as since= says has
#     passed), each lane anew;
#   - a step that prints TAP counts its lines;
#   - any other step counts as one. A step that fails counts at least one failed, and one that
#     counts a failed one fails.
#
# environment: ALL=1: also the lanes that would make it too long; JOBS, CC, NOCCACHE=1
# exit status: 0 all passed, 1 a test failed, 2 a step could not tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/report/step.sh
. "$top/scripts/report/step.sh"
help_if_asked "$@"
s=$top/scripts
cd "$top"

# step          what it runs
steps() {
	cat <<-EOF
	setup           setup.sh tree build vm i386 lint cocci model post${ALL:+ arm64 riscv compile}
	tree            tree.sh series
	model           model.sh
	tree-base       tree.sh base
	lint            lint.sh
	inventory       verdict/inventory.py check --lanes kconfigs/lanes --series patches
	matrix          verdict/matrix.py check --lanes kconfigs/lanes --series patches --source build/linux/mm/gup.c
	golden          test-rig.sh golden
	unit            test-rig.sh unit
	report          tests/report.sh
	pages           tests/pages.sh
	$(for t in "$s"/tests/tree-*.sh; do
		[ ! -e "$t" ] || { t=${t##*/}; printf '%-15s tests/%s\n' "${t%.sh}" "$t"; }
	done)
	roundtrip       round-trip.sh
	posting         tests/posting.sh${ALL:+ --all}
	$([ -z "${ALL-}" ] || echo 'topics          tests/topics.sh')
	checkpatch      checkpatch.sh
	${ALL:+um-base         kunit.sh LANE=um SIDE=base}
	um              kunit.sh LANE=um SIDE=series
	${ALL:+um-smp-base     kunit.sh LANE=um-smp SIDE=base}
	${ALL:+um-smp          kunit.sh LANE=um-smp SIDE=series}
	um-thp-base     kunit.sh LANE=um-thp SIDE=base
	um-thp          kunit.sh LANE=um-thp SIDE=series
	um-thp-smp      kunit.sh LANE=um-thp-smp SIDE=series
	${ALL:+x86_64-base     kunit.sh LANE=x86_64 SIDE=base}
	x86_64          kunit.sh LANE=x86_64 SIDE=series
	${ALL:+i386-base       kunit.sh LANE=i386 SIDE=base}
	i386            kunit.sh LANE=i386 SIDE=series
	$([ -z "${ALL-}" ] || for l in arm64 arm64-64k arm64-39 riscv64; do
		printf '%-15s kunit.sh LANE=%s SIDE=%s\n' "$l-base" "$l" base "$l" "$l" series
	done)
	x86_64-vm       vm.sh LANE=x86_64 SIDE=series
	${ALL:+um-thp-kasan    kunit.sh LANE=um-thp-kasan SIDE=series}
	${ALL:+um-nohugetlb    kunit.sh LANE=um-nohugetlb SIDE=series}
	${ALL:+um-nothp        kunit.sh LANE=um-nothp SIDE=series}
	${ALL:+um-user-vm-base vm.sh LANE=um-user SIDE=base}
	${ALL:+um-user-vm      vm.sh LANE=um-user SIDE=series}
	sparse          sparse.sh
	cocci-rules     tests/cocci.sh
	cocci           cocci.sh SIDE=series
	${ALL:+cocci-base      cocci.sh SIDE=base}
	${ALL:+compile         compile.sh}
	${ALL:+counts          counts.sh}
	icount          icount.sh
	doc             series/doc_check.py
	canaries        test-rig.sh canaries
	mutate          mutate.sh SAMPLE=12
	coverage        coverage.sh
	${ALL:+edge-canary     tests/edge-canary.sh SIDE=series}
	${ALL:+past-bugs       tests/past-bugs.sh}
	${ALL:+blind-spots     tests/blind-spots.sh}
	${ALL:+race-checks     tests/race-checks.sh}
	${ALL:+vm-canary       tests/vm-canary.sh}
	${ALL:+race-canary     tests/race-canary.sh has-pinned unshare}
	${ALL:+silent-canary   tests/silent-canary.sh}
	$([ -z "${ALL-}" ] || echo 'plain           tests/plain.sh')
	EOF
}

passed=0 failed=0 skipped=0 worst=0 red='' left='' ran=0
logs=$build/out/check
lock check
need setsid util-linux
mkdir -p "$logs"
started=$(date +%s)

# What would make a step look at less, or take what it finds for good.
unset FILTER LANE SIDE FORCE SEED FUNC ONLY SURVIVORS KEEP EQUIVALENTS LANES LINES BRANCHES \
	ACCEPT STEPS RECORD KARGS ROUNDS TOPIC OLD UPDATE REACH GUP_INVENTORY GUP_COMMIT \
	VM SLOW CPUS MEMORY TIMEOUT ASK_AFTER TESTS GUP_READY || :

# in_session ID: the processes of a session.
# shellcheck disable=SC2317 # called from a trap
in_session() {
	cat /proc/[0-9]*/stat 2>/dev/null |
		awk -v id="$1" '{ pid = $1; sub(/.*\) /, ""); if ($4 == id && $1 != "Z") print pid }'
}

# interrupted: ends the step with all that it started, and then this script. A step is a
# session: a group would not do, since timeout(1) has one of its own for QEMU and UML. After
# SIGKILL of this script a step goes on; the next run says that, with its pid.
# shellcheck disable=SC2317 # called from a trap
interrupted() {
	trap '' INT TERM HUP
	# shellcheck disable=SC2046 # numbers; none before setsid(1) has come to it
	set -- $(in_session "$pid")
	kill -TERM "${@:-$pid}" 2>/dev/null || :
	tries=0
	while [ -n "$(in_session "$pid")" ]; do
		tries=$((tries + 1))
		# shellcheck disable=SC2046
		[ "$tries" -le 40 ] || kill -KILL $(in_session "$pid") 2>/dev/null || :
		sleep 0.25
	done
	wait "$pid" 2>/dev/null || :
	echo
	die "check: interrupted in $name; its log: $log"
}

run() {
	name=$1 log=$logs/$1.log status=0
	shift
	script=$1
	shift
	vars='' args=''
	for w; do case $w in [A-Z]*=*) vars="$vars $w";; *) args="$args $w";; esac; done
	: >"$log"
	case $script in kunit.sh|vm.sh) rm -f "$build/out/$name/verdict";; esac
	begin=$(date +%s)
	state "$name" "$begin"
	# shellcheck disable=SC2086 # words of the table above
	setsid env $vars "$s/$script" $args >"$log" 2>&1 </dev/null &
	pid=$!
	trap interrupted INT TERM HUP
	watch "$pid" "$log"
	wait "$pid" || status=$?
	trap - INT TERM HUP
	case $status in 0|1|2|4) ;; *) status=2;; esac
	count "$name" "$script" "$log" "$status" || { status=2 failed=$((failed + 1)); }
	# What it counted goes before what it says of itself.
	if [ "${f:-0}" -gt 0 ]; then case $status in 0|4) status=1;; esac; fi
	ran=$((ran + 1))
	word=ok
	case $status in
	1|2) word=FAILED red="$red $name"; [ "$status" -le "$worst" ] || worst=$status;;
	4) word="skipped: $(tail -n 1 "$log")" left="$left $name";;
	esac
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "${word%%:*}" "$p" "$f" "$k" $(($(date +%s) - begin)) >>"$logs/results"
	[ ! -t 1 ] || printf '\r%79s\r' ''
	printf '%-15s … %s (%s%d s)\n' "$name" "$word" "$detail" $(($(date +%s) - begin))
	[ "$word" != FAILED ] || failure "$name" "$log" | tee -a "$logs/failures"
	return "$status"
}

want=" $* " total=$(steps | awk 'NF' | wc -l)
[ $# -eq 0 ] || for w; do
	steps | grep -q "^$w " || die "check: no step $w: use one of $(steps | awk 'NF { print $1 }' | paste -sd ' ' -)$([ -n "${ALL-}" ] || echo "; ALL=1 has more")"
done
steps | while read -r name command; do
	[ -n "$name" ] || continue
	[ $# -eq 0 ] || case $want in *" $name "*) ;; *) continue;; esac
	printf '%s %s\n' "$name" "$command"
done >"$logs/steps"
: >"$logs/results"
: >"$logs/failures"
while read -r name command <&3; do
	# The first two stand for all: no tools or no tree, no test.
	# shellcheck disable=SC2086 # words of the table above
	if run "$name" $command; then
		[ "$name" != tree-base ] || export GUP_READY=1
	else
		case $name in setup|tree) red="$red (the rest was not run)"; break;; esac
	fi
done 3<"$logs/steps"

case $worst in
0)	# report/data.py goes by "all " and by "asked for"
	but=${left:+ but $(echo "$left" | wc -w)}
	if [ "$ran" -eq "$total" ]; then verdict="all${but:+$but of} $ran steps passed"
	else verdict="$ran of $total steps asked for, all$but passed"; fi
	verdict=$verdict${left:+, skipped:$left};;
1) verdict="FAILED:$red";;
*) verdict="FAILED or could not tell:$red";;
esac
state '' 0 "$verdict"
# Again, where the end of the output is all that somebody sees.
[ ! -s "$logs/failures" ] || { say "what failed:"; cat "$logs/failures"; }
say "check: $verdict"
say "$passed passed, $failed failed, $skipped skipped"
exit "$worst"
