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
trap 'rm -f "$out" "$out.err" "$out.files" "$out.mails"' EXIT
messages=0 files=0

# check FRONT [OPTION]: the files that stdin names, some at a time on each CPU; messages name
# them without FRONT, a regular expression.
check() {
	rc=0
	: >"$out"
	cat >"$out.files"
	[ -s "$out.files" ] || return 0
	files=$((files + $(wc -l <"$out.files")))
	# shellcheck disable=SC2086 # an option, or none
	(cd "$linux" && tr '\n' '\0' <"$out.files" | xargs -0 -n 8 -P "${JOBS:-$(jobs)}" \
		perl scripts/checkpatch.pl --strict --quiet --terse --show-types --no-summary \
		--color=never --ignore "$ignore" ${2-}) >"$out" 2>"$out.err" || rc=$?
	# The status of xargs is 123 if there are messages; a script that died prints none. On
	# stderr it may also complain that spdxcheck.py lacks a Python module, which is optional.
	if [ "$rc" -ne 0 ] && { [ "$rc" -ne 123 ] || ! grep -q -E ': (ERROR|WARNING|CHECK):' "$out"; }; then
		tail -n 5 "$out.err" >&2
		die "checkpatch.pl could not check all files: see above"
	fi
	[ -s "$out" ] || return 0
	sed "s,^$1,," "$out" | sort -t: -k1,1 -k2,2n
	messages=$((messages + $(wc -l <"$out")))
}

# Ignored in patches, which keep to the style of the files they change:
#  PARENTHESIS_ALIGNMENT: mm/ indents the rest of a parameter list by two tabs
#  UNCOMMENTED_DEFINITION: takes a local pointer to a lock for a lock
suites=$ignore
ignore=$ignore,PARENTHESIS_ALIGNMENT,UNCOMMENTED_DEFINITION
if [ $# -gt 0 ]; then
	for f; do realpath "$f"; done >"$out.mails"
	check '[^:]*/' <"$out.mails"
else
	for f in $(series_files); do
		[ -r "$patches/$f" ] || die "a series names $f, which is not there: git checkout -- patches"
		echo "$patches/$f"
	done >"$out.mails"
	check "${patches%/*}/" <"$out.mails"
	ignore=$suites
	ls "$top"/kunit/*.[ch] >"$out.mails"
	check "$top/" -f <"$out.mails"
fi

say "checkpatch: $files files, $messages messages"
[ "$messages" -eq 0 ] || exit 1
