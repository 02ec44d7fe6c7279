#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# race-canary.sh - show that gup_race sees what GUP must not forget
#
# usage: scripts/tests/race-canary.sh [KERNEL...]	(default: all: race-KERNEL.patch)
#
# Boots the kernel of the series, in which gup_race must pass, and kernels that omit
# one thing each (race-*.patch), in which it must fail. The window of the re-check of
# write_protect_seq is a few instructions of fork() wide, so in all of these kernels alike
# QEMU lets virtual CPUs linger in front of atomic operations there (scripts/tcg/slow.c). TCG only.
# Prints TAP. Logs: build/out/race-canary/.
#
# How long write-protect-seq takes is chance: a minute on average, hence not in make
# check, and at most a quarter of an hour; the others take a second.
#
# environment: JOBS, CC, NOCCACHE=1, TIMEOUT=seconds of a boot
# exit status: 0 as expected, 1 not so, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
# shellcheck source=scripts/tests/broken-kernels.sh
. "$top/scripts/tests/broken-kernels.sh"
ACCEL=tcg
TIMEOUT=${TIMEOUT:-1200}
canary_ready race-canary
so=$("$s/tcg/build.sh" slow) || exit 2

# kernel, test of gup_race that sees it
all_cases() { cat <<EOT
write-protect-seq race.fork_small.fast
has-pinned race.fork_small.fast
unshare race.fork_small.fast
EOT
}
cases() {
	[ $# -gt 0 ] || { all_cases; return; }
	for _k; do all_cases | grep "^$_k " || die "race-canary: no kernel $_k: use one of $(all_cases | cut -d ' ' -f 1 | paste -sd ' ' -)"; done
}
# GUP-fast about once a call, fork() a few times: so that one waits while the other goes on.
slow='gup_fast_fallback/14 copy_present_ptes/64'

# boot KERNEL SECONDS TEST...
boot() {
	_kernel=$1 _seconds=$2
	shift 2
	for _test; do
		printf '%s\t%s\t0\t\tgup_race --seconds %s --ops 1000000 -r %s\n' \
			"$_test" $((_seconds + 100)) "$_seconds" "$_test"
	done >"$t/tests"
	# shellcheck disable=SC2086 # words
	"$s/tcg/ranges.py" --locked "$c/vmlinux" $slow >"$t/slow" || exit 2
	canary_boot "$_kernel" "$_kernel: runs" -plugin "$so,in=$t/slow"
}
# ended KERNEL TEST: how
ended() { grep -E -o "(not )?ok [0-9]+ $2 #.*" "$out/$1.log" || :; }

cases "$@" >"$t/cases"
tests=$(cut -d ' ' -f 2 "$t/cases" | sort -u)
# shellcheck disable=SC2086 # words
set -- $tests
echo "1..$(($(wc -l <"$t/cases") + $#))"
boot series 10 "$@"
for test; do
	is=wrong
	case $(ended series "$test") in ok\ *) is=ok;; esac
	result "$is" "the series: $test must pass" "got: $(ended series "$test"): see $out/series.log"
done
while read -r kernel test <&3; do
	gup_object "race-$kernel.patch"
	link_kernel
	# It ends when it has failed.
	boot "$kernel" 900 "$test"
	is=wrong
	# What it saw, not that it could not start.
	case $(ended "$kernel" "$test") in
	not\ ok\ *) ! grep -q "# # .*: page [0-9]*: .* sees " "$out/$kernel.log" || is=ok;;
	esac
	result "$is" "race-$kernel.patch: $test must fail and say what it sees" \
		"got: $(ended "$kernel" "$test"): see $out/$kernel.log"
done 3<"$t/cases"
[ "$bad" -eq 0 ] || exit 1
