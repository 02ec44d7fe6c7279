#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# send-check.sh - test whether the mails of a topic may go out, and list the recipients
#
# usage: scripts/send-check.sh [TOPIC]	(make send-check TOPIC=memfd)
#
# Looks at build/out/mbox/<topic>.mbox, which make mbox writes: the mails as they would be
# sent. They have to be complete and by a person (scripts/series/post_check.py --help lists
# what is asked), their figures those on record, checkpatch clean, and git am of them has
# to give the topic as it is in patches/. Mails nothing; that takes a person, and an answer
# to the topic before it.
#
# exit status: 0 ready, 1 not ready: each line says what is missing, 2 could not tell.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/posting.sh
. "$top/scripts/series/posting.sh"
help_if_asked "$@"
need git; need perl; need python3
TOPIC=${1:-${TOPIC:-}}
[ -n "$TOPIC" ] || die "send-check: which topic? make send-check TOPIC=<one of: $(topics | paste -sd ' ' -) tests>"
lock send-check
trap 'scratch_close; rm -rf "$build/.post"' EXIT
mbox=$build/out/mbox/$TOPIC.mbox
[ -e "$mbox" ] || die "no $mbox yet: make mbox TOPIC=$TOPIC"
[ -n "${GUP_READY-}" ] || "$top/scripts/tree.sh" >&2
post=$build/.post
rm -rf "$post"; mkdir -p "$post"
status=0
# run COMMAND...: 1 is a finding, more is the end.
run() {
	rc=0
	"$@" || rc=$?
	[ "$rc" -le 1 ] || exit 2
	[ "$rc" -eq 0 ] || status=1
}

# The mails applied, and the topic: the same tree, or with the tests on top of it.
"$top/scripts/series/mails.py" "$mbox" "$post/mails" || exit 2
topic_commits "$TOPIC"
apply_onto "$from" "$post"/mails/*
mailed=$applied
git -C "$linux" diff --name-only "$code" "$mailed" >"$post/files" || exit 2
differ=$(grep -v -E "$tests_only" "$post/files" | paste -sd ' ' - || :)
[ -z "$differ" ] || {
	say "send-check: the mails give other files than patches/$TOPIC: $differ: make mbox TOPIC=$TOPIC"
	status=1
}

since_slugs "$post/slugs"
# shellcheck disable=SC2046 # words
run "$top/scripts/series/post_check.py" $(cat "$post/slugs") --linux "$linux" --below "$from" --tree "$mailed" \
	--rig-base "$(git -C "$linux" rev-parse gup-base^0)" "$TOPIC" "$mbox"
run "$top/scripts/figures/posted.py" "$patches/$TOPIC/cover-letter.txt" "$post"/mails/*
run "$top/scripts/checkpatch.sh" "$post"/mails/*

[ "$status" -eq 0 ] || { say "send-check: $TOPIC is not ready, see above"; exit 1; }
say "send-check: $TOPIC is ready. It goes to:"
sed -n '/^To: /,/^[^TC\t]/p;/^MIME/q' "$mbox" | grep -E '^(To|Cc|	)' | sed 's/^/  /'
say "To send it, read it once more, then: git send-email $mbox, or b4"
