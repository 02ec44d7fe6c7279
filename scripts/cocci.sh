#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# cocci.sh - semantic patches for GUP's rules, over every caller in the tree	(make cocci)
#
# usage: scripts/cocci.sh [--triage FILE] [RULE...]	(default: all rules)
#
# The rules are scripts/cocci/*.cocci; each says at its head what has to hold. They look
# at all C files that name GUP's API, and what they find is compared with
# scripts/cocci/triage, which has one line for each finding: whether it is real, and why.
# A call that spatch cannot parse is a finding of the rule "unseen".
# What a rule is blind for is said at its head.
#
# environment: SIDE=series|base; on the base what the series fixes must be found, too
# exit status: 0 every finding is known, 1 a new one, or a known one is gone, 2 cannot
# tell, 4 spatch is missing.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
room=$top/scripts/cocci
triage=$room/triage
while [ $# -gt 0 ]; do
	case $1 in
	--triage) triage=${2:?cocci: --triage FILE}; shift 2;;
	-*) die "cocci: no option $1: scripts/cocci.sh --help";;
	*) break;;
	esac
done
[ $# -gt 0 ] || set -- "$room"/*.cocci
for rule; do
	shift
	rule=${rule##*/}
	rule=${rule%.cocci}
	[ -r "$room/$rule.cocci" ] || die "cocci: no rule $rule: scripts/cocci/*.cocci"
	set -- "$@" "$rule"
done
command -v spatch >/dev/null 2>&1 || {
	warn "cocci is skipped: spatch is missing: apt-get install coccinelle (or: make setup)"; exit 4; }
need git; need python3
side=${SIDE:-series}
tree=$(side_root "$side")/linux
[ -d "$tree" ] || die "cocci: no $side tree: scripts/tree.sh $side"
out=$build/out/cocci-$side
rm -rf "$out"
mkdir -p "$out"

# What names the API; GUP itself is not its own caller.
(cd "$tree" && git grep -l -w -E "$("$room/compare.py" --api)" -- '*.c' ':!mm/gup.c' ':!mm/gup_test.c' \
	':!mm/tests/gup' ':!tools' ':!Documentation' ':!samples') >"$out/files" || die "cocci: no file of $tree names the API"
# One group a file: else spatch takes all of them for one program.
awk '{ print $0 "\n" }' "$out/files" >"$out/groups"

begin=$(date +%s)
for rule; do
	(cd "$tree" && PYTHONPATH=$room PYTHONDONTWRITEBYTECODE=1 spatch --very-quiet --no-includes \
		--sp-file "$room/$rule.cocci" --file-groups "$out/groups") >"$out/$rule" 2>"$out/$rule.log" ||
		die "cocci: spatch failed at $rule: $(tail -n 1 "$out/$rule.log"): see $out/$rule.log"
	# An exception ends one file with "EXN:" and status 0. Quiet, spatch says nothing else.
	[ ! -s "$out/$rule.log" ] ||
		die "cocci: $rule did not come to its end: $(head -n 1 "$out/$rule.log"): see $out/$rule.log"
done
say "cocci: $side: $(wc -l <"$out/files") files, $# rules, $(($(date +%s) - begin)) s"
"$room/compare.py" --side "$side" --triage "$triage" --tree "$tree" --files "$out/files" --found "$out" "$@"
