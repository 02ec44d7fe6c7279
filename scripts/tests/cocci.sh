#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# cocci.sh - do the semantic patches find planted bugs, and only these? TAP.
#
# usage: scripts/tests/cocci.sh
#
# scripts/cocci/examples/<rule>_*wrong.c has bugs, in lines that end with "found";
# <rule>_right.c is the same without. Then make cocci itself: a tree with one caller.
#
# exit status: 0 all hold, 1 one does not, 2 cannot tell, 4 spatch is missing
# shellcheck disable=SC2317 # ok calls the functions
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
command -v spatch >/dev/null 2>&1 || { echo "gup: skipped: spatch is missing: apt-get install coccinelle" >&2; exit 4; }
room=$s/cocci

found() {
	rule=${1##*/}; rule=${rule%%_*}
	PYTHONPATH=$room PYTHONDONTWRITEBYTECODE=1 spatch --very-quiet --no-includes \
		--sp-file "$room/$rule.cocci" "$1" >"$t/raw" 2>"$t/err" || return 1
	[ ! -s "$t/err" ] || return 1
	sed 's/[^:]*:\([0-9]*\).*/\1/' "$t/raw" | sort -nu
}
planted() { sed -n '\,/\* found \*/$,=' "$1"; }
# as_planted FILE: the lines that the rule finds are those that are marked
as_planted() {
	found "$1" >"$t/found" || { echo "spatch failed"; cat "$t/err"; return 1; }
	planted "$1" | diff - "$t/found"
}
has_examples() {
	for rule in "$room"/*.cocci; do
		rule=${rule##*/}; rule=${rule%.cocci}
		[ "$rule" = unseen ] || { ls "$room/examples/$rule"_*wrong.c "$room/examples/${rule}_right.c" || return 1; }
	done
}
# A wrong example without a mark, or a right one with one, would test nothing.
marks() {
	! grep -l '/\* found \*/$' "$room"/examples/*_right.c || return 1
	for example in "$room"/examples/*_wrong.c; do
		grep -q '/\* found \*/$' "$example" || { echo "$example has no mark"; return 1; }
	done
}

set -- "$room"/examples/*.c
plan $(($# + 10))
ok 'every rule has both kinds of examples' has_examples
ok 'and they are marked' marks
for example; do ok "${example##*/}" as_planted "$example"; done

# A tree of the examples: what spatch skips in them would be silent, too.
mkdir -p "$linux/mm"
cp "$room"/examples/*.c "$linux/mm"
git -C "$linux" init -q
git -C "$linux" add mm
: >"$t/triage"
says 0 "^cocci: series: $# files," 'every call in the examples is looked at' "$s/cocci.sh" --triage "$t/triage" unseen

# A tree that calls GUP once, rightly, then wrongly.
git -C "$linux" rm -q -f -r mm
mkdir -p "$linux/mm"
cp "$room/examples/count_right.c" "$linux/mm/caller.c"
git -C "$linux" add mm
says 0 '^cocci: 0 findings, 0 that differ' 'right code is silent' "$s/cocci.sh" --triage "$t/triage" count unpin-error unseen
cp "$room/examples/unpin-error_wrong.c" "$linux/mm/caller.c"
says 1 '^new: mm/caller.c:9: unpin-error: wrong_give_back: ret may be an error$' 'a new bug fails' \
	"$s/cocci.sh" --triage "$t/triage" unpin-error
for f in give_back branch folios ranges; do echo "unpin-error mm/caller.c wrong_$f real a reason"; done >"$t/triage"
says 0 '^cocci: 4 findings, 0 that differ' 'and does not once it is triaged' "$s/cocci.sh" --triage "$t/triage" unpin-error
cp "$room/examples/count_right.c" "$linux/mm/caller.c"
says 1 '^gone: mm/caller.c: unpin-error: wrong_folios: not found any more' 'a triaged bug that is gone fails' \
	"$s/cocci.sh" --triage "$t/triage" unpin-error
echo 'static void f(void) { if (x { unpin_user_page(p); }' >"$linux/mm/caller.c"
: >"$t/triage"
says 1 '^new: mm/caller.c:1: unseen: -: a call that spatch cannot parse' 'what cannot be parsed is told' \
	"$s/cocci.sh" --triage "$t/triage" unseen
mkdir "$t/bin"
printf '#!/bin/sh\necho "EXN: Failure in mm/caller.c" >&2\n' >"$t/bin/spatch"
chmod +x "$t/bin/spatch"
says 2 'count did not come to its end: EXN: Failure' 'an exception of spatch: cannot tell' \
	env PATH="$t/bin:$PATH" "$s/cocci.sh" --triage "$t/triage" count
echo 'count mm/caller.c f maybe' >"$t/triage"
says 2 'triage:1: not "rule file function real' 'a malformed triage: cannot tell' "$s/cocci.sh" --triage "$t/triage" unseen
finish
