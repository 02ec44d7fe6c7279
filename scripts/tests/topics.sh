#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# topics.sh - every topic stands alone, and so do its mails. TAP.
#
# usage: scripts/tests/topics.sh [TOPIC...]	(default: all, and then all of them in order)
#
# By git am, without --3way, on the pinned kernel as it was imported, with nothing of the
# rig in it:
#   - each topic on what patches/topics says that it needs, and no other;
#   - the mails of each topic there; they give the same tree, and with their tests in it
#     the files of kunit/ and selftests/ as they are here;
#   - all topics in order: what make tree has applied; and the mails of TOPIC=tests on top.
# Last, the lines that the mails have (make mbox) are within what a reader may be asked for.
#
# exit status: 0 all hold, 1 one does not, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/series/posting.sh
. "$top/scripts/series/posting.sh"
help_if_asked "$@"
need git; need python3; need perl
[ -n "${GUP_READY-}" ] || "$top/scripts/tree.sh" >&2
lock topics
t=$(mktemp -d)
trap 'scratch_close; rm -rf "$t"' EXIT
unset TESTS SIGN ASSISTED NOTE V LINUX || :
budget=4500	# lines of code and changelogs; the tests and the documentation apart
n=0 bad=0 more=0 all=''
# shellcheck disable=SC2046 # topics without blanks
[ $# -gt 0 ] || { all=1 more=3; set -- $(topics); }

# result NAME COMMAND...: must succeed; what it says is shown if it does not.
result() {
	name=$1; shift
	n=$((n + 1))
	if ("$@") >"$t/said" 2>&1; then echo "ok $n - $name"
	else echo "not ok $n - $name"; sed 's/^/# /' "$t/said"; bad=$((bad + 1))
	fi
}
tree_of() { git -C "$linux" rev-parse "$1^{tree}"; }
# am COMMIT FILE...: sets $applied, the cover letters left out
am() {
	scratch_open "$1"; shift
	(cd "$scratch" && git_am --no-3way --empty=drop "$@") || exit 1
	applied=$(git -C "$scratch" rev-parse HEAD)
	scratch_close
}
# mails TOPIC: am of its mbox gives what the mbox was made from
mails() {
	write_mbox "$1" "$t/$1.mbox" --no-people
	am "$from" "$t/$1.mbox"
	[ "$(tree_of "$applied")" = "$(tree_of "$to")" ] || { git -C "$linux" diff --stat "$to" "$applied"; return 1; }
	git -C "$linux" diff --name-only "$code" "$applied" | grep -E "^mm/tests/gup/.*\.[ch]\$" | while read -r f; do
		git -C "$linux" cat-file blob "$applied:$f" | cmp - "$top/kunit/${f##*/}" || exit 1
	done
}
in_order() {
	# shellcheck disable=SC2046 # file names without blanks
	am gup-base $(series_files | sed "s,^,$patches/,")
	git -C "$linux" diff --exit-code --stat "$applied" gup-series -- . ':!Kconfig' ':!Kbuild' ':!.gitignore'
}
few_lines() {
	(GUP_READY=1 "$top/scripts/mbox.sh") >"$t/lines"
	cat "$t/lines"
	[ "$(sed -n 's/^all *\([0-9]*\) lines.*/\1/p' "$t/lines")" -lt "$budget" ]
}

echo "1..$(($# * 2 + more))"
for topic; do
	result "$topic applies to what it needs" topic_commits "$topic"
	result "$topic, its mails: the same tree" mails "$topic"
done
if [ -n "$all" ]; then
	result 'all topics in order' in_order
	result 'and the mails with all tests' mails tests
	result "fewer than $budget lines to read" few_lines
	sed 's/^/# /' "$t/lines"
fi
[ "$bad" -eq 0 ] || exit 1
