#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# checkpatch.sh - checkpatch.pl --strict on the series and on the suites in kunit/
#
# usage: scripts/checkpatch.sh [MAIL...]
#
# Without MAIL the series and kunit/; else these mails, which also have to be signed off
# (make send-check). Uses the checkpatch.pl of the pinned tree. Any message fails. The list below ignores
# types of messages, each with a reason.
# exit status: 0 clean, 1 messages, 2 could not run.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
need perl
checkpatch=$linux/scripts/checkpatch.pl
[ -r "$checkpatch" ] || die "no build/linux yet: make tree"

# Ignored in patches and sources:
#  GIT_COMMIT_ID, UNKNOWN_COMMIT_ID, BAD_FIXES_TAG: looked up with git log, but the
#	pinned tree has no history; make lint checks the form of Fixes:
#  FILE_PATH_CHANGES: "does MAINTAINERS need updating?" is a question
ignore=GIT_COMMIT_ID,UNKNOWN_COMMIT_ID,BAD_FIXES_TAG,FILE_PATH_CHANGES
#  MISSING_SIGN_OFF, NO_AUTHOR_SIGN_OFF: only the person who posts signs off
[ $# -gt 0 ] || ignore=$ignore,MISSING_SIGN_OFF,NO_AUTHOR_SIGN_OFF

out=$(mktemp) || die "no temporary file: is TMPDIR writable?"
trap 'rm -f "$out" "$out.err"' EXIT
messages=0 files=0

# check NAME ARG...: one file; the messages name its real path.
check() {
	name=$1; shift
	files=$((files + 1))
	rc=0
	(cd "$linux" && perl scripts/checkpatch.pl --strict --quiet --terse --show-types --no-summary \
		--color=never --ignore "$ignore" "$@") >"$out" 2>"$out.err" || rc=$?
	# Its status is 1 for messages; a script that died prints none. On stderr it may
	# also complain that spdxcheck.py lacks a Python module, which is optional.
	if [ "$rc" -ne 0 ] && ! grep -q -E ': (ERROR|WARNING|CHECK):' "$out"; then
		tail -n 5 "$out.err" >&2
		die "checkpatch.pl could not check $name: see above"
	fi
	[ -s "$out" ] || return 0
	sed "s,^[^:]*:,$name:," "$out"
	messages=$((messages + $(wc -l <"$out")))
}

# Ignored in patches, which keep to the style of the files they change:
#  PARENTHESIS_ALIGNMENT: mm/ indents the rest of a parameter list by two tabs
#  UNCOMMENTED_DEFINITION: takes a local pointer to a lock for a lock
suites=$ignore
ignore=$ignore,PARENTHESIS_ALIGNMENT,UNCOMMENTED_DEFINITION
if [ $# -gt 0 ]; then
	for f; do check "${f##*/}" "$f"; done
else
	for f in $(series_files); do
		[ -r "$patches/$f" ] || die "a series names $f, which is not there: git checkout -- patches"
		check "patches/$f" "$patches/$f"
	done
	ignore=$suites
	for f in "$top"/kunit/*.[ch]; do
		[ -e "$f" ] || continue
		check "kunit/${f##*/}" -f "$f"
	done
fi

say "checkpatch: $files files, $messages messages"
[ "$messages" -eq 0 ] || exit 1
