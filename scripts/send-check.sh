#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# send-check.sh - test whether the series can be mailed, and list the recipients
#
# usage: scripts/send-check.sh
#
# Demands a Signed-off-by of the person who posts (git config user.email) on each
# patch, a cover letter, a clean lint and checkpatch, and patches/ that apply and
# export to the same bytes. Then it lists the recipients. It mails nothing.
#
# The repository holds no Signed-off-by. To post, sign a copy:
#	git -C build/linux rebase --signoff gup-overlay && make refresh && make send-check
# mail patches/, then: git checkout -- patches && FORCE=1 make tree
#
# exit status: 0 ready, 1 not ready: each line says what is missing, 2 could not tell.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
need git; need perl; need python3
lock send-check
email=$(git -C "$linux" config user.email) ||
	die "who posts is not known: git config --global user.email you@example.org"
[ -n "$(series_files)" ] || die "patches/series is empty: nothing to send"

status=0
"$top/scripts/series/lint_patches.py" --posting "$email" || status=$?
[ "$status" -le 1 ] || exit 2
[ "$status" -eq 0 ] ||
	say "send-check: to sign off: git -C build/linux rebase --signoff gup-overlay && make refresh"
for step in "checkpatch.sh --signed" round-trip.sh; do
	rc=0
	# shellcheck disable=SC2086 # a script and its option
	"$top"/scripts/$step || rc=$?
	[ "$rc" -le 1 ] || exit 2
	[ "$rc" -eq 0 ] || status=1
done
[ "$status" -eq 0 ] || { say "send-check: not ready, see above"; exit 1; }

say "send-check: ready. It goes to:"
files=$(series_files | sed "s,^,$patches/,")
# shellcheck disable=SC2086 # file names without blanks
(cd "$linux" && perl scripts/get_maintainer.pl --no-git --no-git-fallback --norolestats $files) |
	sed 's/^/  /'
say "Send with b4 (b4 prep, b4 send; it asks get_maintainer.pl itself), or:"
say "  git send-email --to-cmd/--cc-cmd='scripts/get_maintainer.pl --norolestats' patches/*.patch"
