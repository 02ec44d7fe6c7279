#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# range-diff.sh - what changed in the patches since another state of them
#
# usage: scripts/range-diff.sh OLD [TOPIC]	(make range-diff OLD=v1.mbox TOPIC=memfd)
#
# OLD is an mbox or a directory of patches, as they were mailed, or a revision of this
# repository. Compares it with patches/, or with one topic, by git range-diff: what a
# reviewer of the next version wants to see in its cover letter. An mbox is applied to
# what the topic needs now; tests that came with it show as removed.
#
# exit status: 0 printed, 2 OLD does not apply, or is nothing of that kind.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/posting.sh
. "$top/scripts/series/posting.sh"
help_if_asked "$@"
OLD=${1:-${OLD:-}}
TOPIC=${2:-${TOPIC:-}}
[ -n "$OLD" ] || die "range-diff: since when? make range-diff OLD=<mbox, directory or revision of this repository>"
need git; need python3; need tar
lock range-diff
old=$build/.old
trap 'scratch_close; rm -rf "$old"' EXIT
[ -n "${GUP_READY-}" ] || "$top/scripts/tree.sh" >&2

# commits: sets $from and $code of one topic, else of all, in $patches.
commits() {
	if [ -n "$TOPIC" ]; then
		topic_commits "$TOPIC"
	else
		# shellcheck disable=SC2046 # file names without blanks
		apply_onto gup-base $(series_files | sed "s,^,$patches/,")
		from=$(git -C "$linux" rev-parse gup-base^0) code=$applied
	fi
}

commits
new=$from..$code below=$from
rm -rf "$old"; mkdir -p "$old"
if [ ! -e "$OLD" ]; then
	git -C "$top" rev-parse -q --verify "$OLD^{commit}" >/dev/null ||
		die "OLD=$OLD: no such file, directory or revision of this repository"
	git -C "$top" archive "$OLD" patches | tar -x -C "$old"
	OLD=$old/patches
	if [ -n "$TOPIC" ]; then
		[ -e "$OLD/$TOPIC" ] || die "that revision has no topic $TOPIC: leave TOPIC out"
		export GUP_PATCHES="$OLD"
		patches=$OLD
		commits
	fi
fi
if [ "$patches" != "$OLD" ]; then
	"$top/scripts/series/mails.py" "$OLD" "$old/mails" || exit 2
	apply_onto "$below" "$old"/mails/*
	from=$below code=$applied
fi
git -C "$linux" --no-pager range-diff --no-color "$from..$code" "$new"
