#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# overlay.sh - make the suites of kunit/ visible in a kernel tree
#
# usage: scripts/series/overlay.sh DIR
#
# DIR/mm/tests/gup becomes a symlink to kunit/, so the suites have one home: an
# edit below DIR/mm/tests/gup is an edit of kunit/. Git ignores the link there.
# Safe to run again. make tree does this for build/linux and build/base/linux.
#
# exit status: 0 done, 2 mm/tests/gup is something else already.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
help_if_asked "$@"
[ $# -eq 1 ] || die "overlay: which tree? usage: scripts/series/overlay.sh DIR"
dir=$1
[ -f "$dir/mm/gup.c" ] || die "$dir: no kernel tree (no mm/gup.c): make tree"
link=$dir/mm/tests/gup

# Relative, so that the repository can be moved.
mkdir -p "$dir/mm/tests"
target=$(realpath -m --relative-to="$dir/mm/tests" "$top/kunit")
if [ -L "$link" ]; then
	[ "$(readlink "$link")" = "$target" ] || ln -sfn "$target" "$link"
elif [ -e "$link" ]; then
	die "$link exists and is no link of this rig: move it away, then: make tree"
else
	ln -s "$target" "$link"
fi

exclude=$(cd "$dir" && git rev-parse --git-path info/exclude 2>/dev/null) || exit 0
case "$exclude" in /*) ;; *) exclude=$dir/$exclude;; esac
grep -qsx '/mm/tests/gup' "$exclude" || {
	mkdir -p "$(dirname "$exclude")"
	printf '# The KUnit suites of this rig, see scripts/series/overlay.sh.\n/mm/tests/gup\n' >>"$exclude"
}
