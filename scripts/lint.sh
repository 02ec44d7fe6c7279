#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# lint.sh - patches/, shell scripts, Python, and what every file must have
#
# Usage: scripts/lint.sh
#
# Runs lint_patches.py, shellcheck on every shell script, the Python compiler on every
# parser, and looks for files without an SPDX line or with blanks at line ends.
# Needs no kernel tree.
#
# Exit status: 0 clean, 1 findings, 2 could not run, 4 shellcheck is missing.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
need python3; need git
cd "$top"

status=0
scripts/series/lint_patches.py || status=$?
[ "$status" -le 1 ] || exit 2
for list in inventory matrix; do
	"scripts/verdict/$list.py" check --lanes kconfigs/lanes --series patches || status=1
done

shells=$(git ls-files -- .ci/run '*.sh')
missing=
if command -v shellcheck >/dev/null 2>&1; then
	# shellcheck disable=SC2086 # paths without blanks
	shellcheck -x $shells || status=1
else
	missing=shellcheck
fi

for f in $shells; do
	[ -x "$f" ] || grep -q '^# shellcheck shell=sh' "$f" || {
		say "lint: $f is not executable: chmod +x $f"; status=1; }
done
for f in $(git ls-files -- '*.py'); do
	python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$f" || status=1
done
for f in Makefile .ci/run .gitignore kunit/Kconfig kunit/Makefile $(git ls-files -- '*.sh' '*.py' '*.[ch]' 'kconfigs/*'); do
	[ -f "$f" ] || continue
	case "$f" in
	kconfigs/*) ;;	# as upstream's fragments
	*) head -n 3 "$f" | grep -q 'SPDX-License-Identifier: ';;
	esac || {
		say "lint: $f has no SPDX-License-Identifier in its first lines: add it"; status=1; }
	! grep -n '[[:blank:]]$' "$f" /dev/null || {
		say "lint: blanks at the end of the lines above: sed -i 's/[[:blank:]]*\$//' $f"; status=1; }
done

[ "$status" -eq 0 ] || exit "$status"
[ -z "$missing" ] || { warn "lint: skipped the shell scripts: $missing is missing: apt-get install $missing"; exit 4; }
say "lint: clean"
