#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# mbox.sh - write a topic as the mails that a person would send
#
# usage: scripts/mbox.sh [TOPIC]		(make mbox TOPIC=memfd)
#
# Writes build/out/mbox/<topic>.mbox: cover letter with base-commit, and the patches, each
# with To and Cc. The patches are those that apply to the pinned kernel, with the topics
# that the topic needs below them and nothing else. Then come the KUnit suites and programs
# that the changelogs name, so that who gets the mail can run them. TOPIC=tests is all of
# kunit/ and selftests/, on top of all topics. Without TOPIC it prints how many lines the
# mails of each topic have. Nothing is sent, and build/linux is only read.
#
# environment:
#   TESTS=0      without the tests; a changelog that names one is then wrong
#   SIGN=1       the person of git config user.name and user.email becomes the author and
#                signs off: set it only if you are that person, and have read the patches
#   ASSISTED=    what an Assisted-by: of each patch says, such as "LLM sparse"
#   NOTE=FILE    text below the cover letter: the disclosure of the person who posts
#   V=2          the version in the subjects
#   LINUX=CLONE  a clone that has the pinned tag: base-commit is then the one that all know
# exit status: 0 written, 2 not possible.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/posting.sh
. "$top/scripts/series/posting.sh"
help_if_asked "$@"
TOPIC=${1:-${TOPIC:-}}
need git; need python3; need perl
lock mbox
trap scratch_close EXIT
[ -n "${GUP_READY-}" ] || "$top/scripts/tree.sh" >&2

if [ -z "$TOPIC" ]; then
	count_lines
	exit 0
fi
write_mbox "$TOPIC" "$build/out/mbox/$TOPIC.mbox"
say "mbox: build/out/mbox/$TOPIC.mbox: $(git -C "$linux" rev-list --count "$from..$to") patches, $lines lines${tests:+, of them $tests in tests}"
say "Next: make send-check TOPIC=$TOPIC"
