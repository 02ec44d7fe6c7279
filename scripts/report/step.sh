# shellcheck shell=sh disable=SC2154,SC2034 # variables of lib.sh and of check.sh
# SPDX-License-Identifier: GPL-2.0
# step.sh - what is said of a step of make check: where it is, and its numbers. Sourced by
# check.sh, which sets logs, started, name, passed, failed and skipped.

# state STEP SINCE [VERDICT]: for make status, which runs beside this; written in one go.
state() {
	printf 'pid %s\nbegin %s\nstep %s\nsince %s\n' "$$" "$started" "$1" "$2" >"$logs/status.new"
	[ -z "${3-}" ] || printf 'verdict %s\n' "$3" >>"$logs/status.new"
	mv "$logs/status.new" "$logs/status"
}

# watch PID LOG: what a long step says now: its last line, in place on a
# terminal, else every 30 s, so that a build does not look like a hang.
watch() {
	secs=0 old=
	while kill -0 "$1" 2>/dev/null; do
		sleep 1
		secs=$((secs + 1))
		[ "$secs" -gt 2 ] || continue
		line=$(tail -n 1 "$2" 2>/dev/null | tr -d '\r' | cut -c 1-60)
		if [ -t 1 ]; then
			printf '\r%-15s %4d s  %-50.50s' "$name" "$secs" "$line"
		elif [ $((secs % 30)) -eq 0 ] && [ "$line" != "$old" ]; then
			printf '  %s, %d s: %s\n' "$name" "$secs" "${line#"${line%%[! ]*}"}"
			old=$line
		fi
	done
}

# count NAME COMMAND LOG STATUS: adds to the totals; sets $detail
count() {
	p=0 f=0 k=0 detail=
	out=$build/out/$1
	if { [ "$2" = kunit.sh ] || [ "$2" = vm.sh ]; } && [ -r "$out/verdict" ]; then
		read -r p f k <<-EOF
		$(sed -n 's/^counts //p' "$out/verdict")
		EOF
		detail="$p passed, $f failed, $k skipped; "
	elif grep -q '^1\.\.[0-9]' "$3"; then
		p=$(grep -c '^ok [0-9]' "$3" || :)
		f=$(grep -c '^not ok [0-9]' "$3" || :)
		k=$(grep -c -i '^ok [0-9].*# skip' "$3" || :)
		p=$((p - k))
		plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$3" | head -n 1)
		if [ "$((p + f + k))" -ne "$plan" ]; then
			echo "gup: $1: plan of $plan, but $((p + f + k)) results" >>"$3"
			[ "$4" -ne 0 ] || return 2
		elif [ "$plan" -eq 0 ] && [ "$4" -eq 0 ]; then
			echo "gup: $1: a plan of 0: nothing was tested" >>"$3"
			return 2
		fi
		detail="$p passed, $f failed, $k skipped; "
	elif [ "$4" -eq 0 ]; then p=1
	elif [ "$4" -eq 4 ]; then k=1
	fi
	[ "$4" -eq 0 ] || [ "$4" -eq 4 ] || [ "$f" -gt 0 ] || f=1
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + k))
}

# failure STEP LOG: what the log says of it. Verdict lines say more than its end.
failure() {
	printf '  %s\n' "$1:"
	grep -E '^(FAILED|CRASH|SPLAT|TIME-OUT|BROKEN|MISSING|UNKNOWN|NOT RUN|not ok|gup: |    again: )' "$2" |
		head -n 20 | sed 's/^/    /' | grep . || tail -n 12 "$2" | sed 's/^/    /'
	printf '    log: %s\n' "$2"
}
