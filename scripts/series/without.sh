# shellcheck shell=sh disable=SC2154,SC2034 # variables of lib.sh and of each-patch.sh
# SPDX-License-Identifier: GPL-2.0
# without.sh - the series without one of its patches: what has to fail. Sourced by each-patch.sh,
# which has the tree, and judges.

# only_in N REGEX...: true if the patch changes no other files
only_in() {
	git -C "$linux" diff-tree --no-commit-id --name-only -r "$(commit "$1")" >"$each/files" || exit 2
	shift
	# shellcheck disable=SC2046 # regular expressions without blanks
	! grep -qv $(printf ' -e %s' "$@") "$each/files"
}

# skip N WHY: tells that the lanes of ARCH=um cannot judge it
skip() {
	count=$((count + 1))
	tell "ok $count - without $1: $(slug "$1") # SKIP $2"
}

# program_of N: the selftest that the changelog of a patch outside of GUP names, or else the one
# that its cover letter holds back
program_of() {
	! git -C "$linux" diff-tree --no-commit-id --name-only -r "$(commit "$1")" | grep -qx mm/gup.c || return 0
	{
		git -C "$linux" log -1 --format=%b "$(commit "$1")" | grep -oE 'gup_[a-z_]+' || :
		sed -n 's,^Held-back: selftests/\(.*\)\.c$,\1,p' \
			"$patches/$(series_files | sed -n "${1}s,/.*,,p")/cover-letter.txt"
	} | while read -r word; do
		if [ -e "$top/selftests/$word.c" ] || [ -d "$top/selftests/$word" ]; then echo "$word"; break; fi
	done
}

# in_base SLUG: true if the base side has it, too
in_base() { grep -qx "$1" "$patches/base-needs"; }

# with_it N...: these, and what must not go in without one of them: Only-with: in a cover letter
with_it() {
	for n; do
		echo "$n"
		sed -n "s/^Only-with: \([^ ]*\) $(slug "$n")\$/\1/p" "$patches"/*/cover-letter.txt |
			while read -r s; do number "$s"; done
	done | sort -nu
}

# commits N...: of these patches, last first
commits() { printf '%s\n' "$@" | sort -rn | while read -r n; do commit "$n"; done; }

# up_to N: more than one later patch builds on it, so only the series before it lacks it.
up_to() {
	checkout "$(commit $(($1 - 1)))"
	gone=$(seq "$1" "$total") with=' and all after it'
}

without() {
	with='' gone=$1
	if only_in "$1" '^mm/gup_test\.[ch]$' '^tools/testing/selftests/'; then
		skip "$1" 'the test driver: make vm tells'
		return 0
	elif only_in "$1" '^drivers/'; then
		skip "$1" 'no lane of ARCH=um has this driver: make compile tells'
		return 0
	fi
	checkout gup-series
	name=$(slug "$1")
	if ! needed_by "$name" "$top/kunit/inventory" && ! in_base "$name" &&
	   program=$(program_of "$1") && [ -n "$program" ]; then
		skip "$1" "its selftest tells: $program"
		return 0
	fi
	gone=$(with_it "$1")
	[ "$gone" = "$1" ] || with=" and $(echo "$gone" | grep -vx "$1" | paste -sd ' ')"
	# shellcheck disable=SC2046,SC2086 # numbers, commits
	if ! revert $(commits $gone); then
		if ! needed_by "$name" "$top/kunit/inventory" && ! in_base "$name"; then
			cheaper "$1" "$name"
			return 0
		fi
		with=none
		for later in $(seq $(($1 + 1)) "$total"); do
			checkout gup-series
			gone=$(with_it "$1" "$later")
			# shellcheck disable=SC2046,SC2086
			revert $(commits $gone) || continue
			with=" and $(echo "$gone" | grep -vx "$1" | paste -sd ' ')"
			break
		done
		[ "$with" != none ] || ! in_base "$name" || {
			gone=$(seq "$total" | while read -r n; do
				[ "$n" -lt "$1" ] || ! in_base "$(slug "$n")" || echo "$n"; done)
			checkout gup-series
			# shellcheck disable=SC2046,SC2086
			! revert $(commits $gone) || with=' and the later ones of base-needs'
		}
		[ "$with" != none ] || up_to "$1"
	fi
	# shellcheck disable=SC2086 # numbers
	lacking $gone
	status=0
	if in_base "$name"; then
		for lane in um um-thp um-thp-smp; do
			[ "$status" -ne 0 ] || judge "$lane" || status=$?
		done
		red=$(grep -m 1 -E '^(FAILED|SPLAT|gup: )' "$each/log" | cut -c 1-90)
		if [ "$status" -ne 0 ] && [ -n "$red" ]; then status=0; else status=1; fi
		result "$status" "without $1$with: $red: $name"
	elif ! lane_of "$name"; then
		skip "$1" 'no lane of ARCH=um has its cases: make kunit SIDE=base tells'
	elif needed_by "$name" "$inventory"; then
		judge "$lane" || status=$?
		if [ "$status" -eq 2 ] && [ "$with" != ' and all after it' ]; then
			up_to "$1"
			# shellcheck disable=SC2086
			lacking $gone
			status=0; judge "$lane" || status=$?
		fi
		result "$status" "without $1$with: $(verdict): $name"
	else
		"$top/scripts/series/doc_check.py" "$tree" >"$each/log" 2>&1 || status=$?
		red=$(sed -n 's/^not ok [0-9]* - //p' "$each/log" | head -n 1)
		if [ "$status" -eq 1 ]; then result 0 "without $1: doc_check: $red: $name"
		else cheaper "$1" "$name"; fi
	fi
}

# cheaper N SLUG: patch N must make GUP cheaper; says by what
cheaper() {
	before=$each/counts.$(($1 - 1)) status=0
	counts $(($1 - 1)) "$before" 1 && counts "$1" "$before" || status=$?
	better=$(grep -c '^better ' "$each/log" || :) worse=$(grep -c '^FAILED ' "$each/log" || :)
	what="counts: $better rows better, $worse worse: $2"
	if [ "$status" -gt 1 ]; then result 2 "without $1: cannot tell: $2"
	elif [ "$status" -eq 0 ] && git -C "$linux" log -1 --format=%b "$(commit "$1")" | grep -q '^No functional change'; then
		result 0 "without $1: $what"
	elif [ "$status" -eq 0 ]; then
		# Fewer instructions, for example. Only make bench shows that.
		count=$((count + 1))
		tell "not ok $count - without $1: $what # TODO only make bench tells"
	elif [ "$worse" -eq 0 ] && [ "$better" -gt 0 ]; then result 0 "without $1: $what"
	else result 1 "without $1: $what"; fi
}
