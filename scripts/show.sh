#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# show.sh - what the series does to one file
#
# usage: scripts/show.sh PATH		(make show F=PATH)
#
# Lists the patches that touch PATH, a file or directory of the kernel tree, then
# the combined difference between the pinned source and the series, with your own
# commits and edits in build/linux. Without PATH: every touched file with its patches.
#
# exit status: 0 done, 2 no such file or no tree.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
path=${1:-${F:-}}
need git
has_tree || die "no build/linux yet: make tree"

if [ -z "$path" ]; then
	git -C "$linux" diff --stat gup-overlay
	say "One of them: make show F=<path>"
	exit 0
fi
path=${path#"$linux/"}
path=${path#build/linux/}
[ -e "$linux/$path" ] || git -C "$linux" cat-file -e "gup-base:$path" 2>/dev/null ||
	die "$path is not in build/linux: name a path inside the kernel tree, as in: make show F=mm/gup.c"
count=$(git -C "$linux" rev-list --count gup-overlay..HEAD -- "$path")
say "$path: $count patches"
git -C "$linux" --no-pager log --reverse --format='  %h %s' gup-overlay..HEAD -- "$path"
say
git -C "$linux" --no-pager diff --stat --patch gup-overlay -- "$path"
