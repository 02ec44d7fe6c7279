#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# lint.sh - patches/, the lists, shell scripts, Python, and the order of the house
#
# usage: scripts/lint.sh
#
# Runs series/lint_patches.py on patches/, the checks of kunit/inventory and
# selftests/matrix, shellcheck on every shell script, the Python compiler on every module,
# codespell on all files, and lint/house.py: rooms, verbs, names, and what the pages say.
# Needs no kernel tree.
#
# exit status: 0 clean, 1 findings, 2 could not run, 4 shellcheck or codespell is
# missing.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "lint: takes no arguments: scripts/lint.sh --help"
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
# Words of the kernel that codespell takes for misspelled others.
if command -v codespell >/dev/null 2>&1; then
	git ls-files -z -- ':!COPYING' ':!scripts/tests/golden' |
		xargs -0 codespell -L uptodate,filp,extraversion,damon,iput || status=1
else
	missing="${missing:+$missing }codespell"
fi

git ls-files -z -- '*.py' | xargs -0 python3 -c '
import sys
for name in sys.argv[1:]:
    compile(open(name, encoding="utf-8").read(), name, "exec")' || status=1
scripts/lint/house.py || status=1

[ "$status" -eq 0 ] || exit "$status"
[ -z "$missing" ] || { warn "lint: not complete: missing: $missing: apt-get install $missing"; exit 4; }
say "lint: clean"
