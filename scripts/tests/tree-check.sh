#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-check.sh - make check on steps that are not real: how it ends, what it leaves. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
plan 16
unset ALL || :

# A repository of check.sh and of steps that do what $t/STEP says.
c=$t/repo/scripts
mkdir -p "$c/report"
cp "$s/check.sh" "$s/lib.sh" "$c/"
cp "$s/report/step.sh" "$c/report/"
for step in setup tree lint sparse; do
	# shellcheck disable=SC2016 # for the step
	printf '#!/bin/sh\n. "%s/%s${1:+-$1}"\n' "$t" "$step" >"$c/$step.sh"
	chmod +x "$c/$step.sh"
done
echo 'exit 0' >"$t/lint"
# shellcheck disable=SC2016 # for the step
echo '[ "${GUP_READY-}" = 1 ]' >"$t/sparse"
echo 'exit 0' >"$t/tree-base"
# The same check with these three steps and no more.
sed '/^	cat <<-EOF/,/^	EOF/{/^	\(cat\|EOF\|tree-base\|lint\|sparse\)/!d}' "$c/check.sh" >"$c/whole.sh"
chmod +x "$c/whole.sh"
says 0 '^check: all 3 steps passed$' 'all pass, and the base is ready' "$c/whole.sh"
says 0 '^check: all 3 steps passed$' 'to name all of them is a whole check' "$c/whole.sh" sparse lint tree-base
says 0 '^check: 3 of [0-9]{2} steps asked for, all passed$' 'to name some is not' "$c/check.sh" tree-base lint sparse
echo 'echo no tool; exit 4' >"$t/lint"
says 0 '^check: all but 1 of 3 steps passed, skipped: lint$' 'a step that is skipped is named' "$c/whole.sh"
cp "$t/out" "$t/told"
ok 'and counted' grep -q '^2 passed, 0 failed, 1 skipped$' "$t/told"
says 0 '^check: 2 of [0-9]{2} steps asked for, all but 1 passed, skipped: lint$' 'of some steps, too' "$c/check.sh" tree-base lint
printf 'echo 1..2; echo ok 1 - a; echo not ok 2 - b\n' >"$t/lint"
says 1 '^check: FAILED: lint$' 'what a step counts goes before its exit status' "$c/check.sh" lint
cp "$t/out" "$t/told"
ok 'and is counted once' grep -q '^1 passed, 1 failed, 0 skipped$' "$t/told"
echo 'exit 4' >"$t/lint"
echo 'exit 1' >"$t/tree-base"
says 1 '^check: FAILED: tree-base sparse$' 'without a base nothing says that it is ready' "$c/check.sh" tree-base lint sparse

# interrupt SIGNAL PATTERN: check.sh, in a group of its own as a terminal has it, with a step
# whose sleep is in the group of the step and one that timeout(1) took out of it.
cat >"$t/lint" <<-EOF
	sleep 300 & echo \$! >$t/sleeps
	timeout 300 sh -c 'echo \$\$ >>$t/sleeps; exec sleep 300' &
	wait
EOF
# shellcheck disable=SC2317 # called through ok
interrupt() {
	: >"$t/sleeps"
	# A child in the background has SIGINT ignored, one of nohup SIGHUP: no shell can change that.
	python3 -c 'import os, signal, sys
for number in signal.SIGINT, signal.SIGHUP, signal.SIGTERM: signal.signal(number, signal.SIG_DFL)
os.setpgid(0, 0)
os.execv(sys.argv[1], sys.argv[1:])' "$c/check.sh" lint >"$t/said" 2>&1 </dev/null &
	pid=$! rc=0
	tries=0
	until [ "$(wc -l <"$t/sleeps")" -eq 2 ] || [ "$tries" -gt 200 ]; do tries=$((tries + 1)); sleep 0.1; done
	kill -s "$1" -- "$2$pid"
	wait "$pid" || rc=$?
	cat "$t/said"
	[ "$rc" -eq 2 ] && grep -q 'check: interrupted in lint; its log: ' "$t/said"
}
# shellcheck disable=SC2317 # called through ok
gone() {
	[ "$(wc -l <"$t/sleeps")" -eq 2 ] || return 1
	while read -r pid; do
		# In a container nobody may reap a child whose parent is gone.
		! grep -H '^State:.[^ZX]' "/proc/$pid/status" 2>/dev/null || return 1
	done <"$t/sleeps"
}
ok 'Ctrl-C: check says where it was' interrupt INT -
ok 'and the step has left nothing' gone
ok 'TERM to check alone: the same' interrupt TERM ''
ok 'and the step has left nothing then' gone
# shellcheck disable=SC2016 # for the step
sed -i '1i trap "" TERM' "$t/lint"
ok 'a step that does not heed TERM: the same' interrupt HUP ''
ok 'and it has left nothing either' gone
echo 'exit 0' >"$t/lint"
says 0 '^check: 1 of [0-9]{2} steps asked for, all passed$' 'the lock is free' "$c/check.sh" lint
finish
