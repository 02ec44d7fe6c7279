#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-lint.sh - each rule of lint_patches.py, broken once. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"

p1=all/0001-mm-gup-change-line-twenty.patch
# What is broken (sed script and file, or a command after !), and what lint must say.
cases() { cat <<EOT
s/^From 0/From 1/|$p1|$p1:1: not exported with --zero-commit:
s/^From: .*/From: nobody/|$p1|no "From: Name <address>":
s/^Date: .*/Date: yesterday/|$p1|no valid Date:
s/^Subject: .*/Subject: [PATCH] Change line/|$p1|has no prefix such as
s/^Subject: .*/Subject: mm: line/|$p1|does not begin with \\[PATCH\\]
s/^Subject: .*/Subject: [PATCH] mm: change lines that are so long and so many that one really cannot read it/|$p1|75 are the limit
s/^\\(Subject: .*\\)/\\1./|$p1|ends with a full stop
s/twenty/twentyone/|$p1|place and subject make it 0001-mm-gup-change-line-twentyone.patch
s/^Because.*//|$p1|the changelog is empty:
s/^Because.*/&\\n\\nSigned-off-by: A Dev <dev@example.org>/|$p1|has a Signed-off-by: only the person who posts
s/^Because.*/&\\n\\nChange-Id: I123/|$p1|of some tool
s/^Because.*/&\\n\\nFixes: c28b1f "mm"/|$p1|malformed "Fixes:
s/^index \\(.......\\)[0-9a-f]*\\.\\./index \\1../|$p1|short blob ids:
s/^\\(index ......\\)./\\1f/|$p1|mm/gup.c is expected as
s,^diff --git a/mm/gup.c b/mm/gup.c,diff --git a/Kconfig b/Kconfig,|$p1|touches Kconfig, which is the rig's own
s/^index .*/&\\nGIT binary patch/|$p1|binary change of mm/gup.c
s/\$/\\n0003-mm-none.patch/|all/series|all/0003-mm-none.patch is not there
1d|all/series|$p1: not in a series
2a 0001-mm-gup-change-line-twenty.patch|all/series|another topic has a patch of that name
d|all/series|topics: all has no patch
s/all/All/|topics|"All" is no name
s/all/all none/|topics|all needs none, which is no topic before it
1d|all/cover-letter.txt|no "Subject: "
1s/\$/\nOnly-with: mm-none mm-gup-change-line-twenty/|all/cover-letter.txt|Only-with: mm-none is no patch of the series
1s/\$/\nOnly-with: mm-none/|all/cover-letter.txt|Only-with: mm-none: want the names of two
s/.*internal.h\$/x/|base.blobs|not "<40 hex digits> <path>"
\$d|base.blobs|mm/internal.h is expected as|mm/internal.h is not pinned in base.blobs
s/^tag .*/tag v7.3.5/|base|is not that of version 7.3.4
s/^version .*/version 7/|base|is no version
EOT
}
plan $(($(cases | wc -l) + 5))
series_of_two
cp -R "$GUP_PATCHES" "$t/good"
restore() { rm -rf "$GUP_PATCHES"; cp -R "$t/good" "$GUP_PATCHES"; }

says 0 '^lint: 2 patches, 0 findings' 'a good series' "$s/series/lint_patches.py"
cases >"$t/cases"
while IFS='|' read -r script file regex more <&4; do
	restore
	sed -i -e "$script" "$GUP_PATCHES/$file"
	says 1 "^lint: .*($regex${more:+|$more})" "$file: $regex" "$s/series/lint_patches.py"
done 4<"$t/cases"
restore

echo no-such >"$GUP_PATCHES/base-needs"
says 1 'base-needs: no-such is no patch of the series: fix that line' 'base-needs with an unknown patch' "$s/series/lint_patches.py"
restore
sed -i 's/^Because.*/&\n\nSigned-off-by: A Dev <dev@example.org>/' "$GUP_PATCHES"/all/000*
ok 'a sign-off is right when it is posted' "$s/series/lint_patches.py" --posting
rm "$GUP_PATCHES/all/cover-letter.txt"
says 1 'all/cover-letter.txt: missing' 'no cover letter' "$s/series/lint_patches.py" --posting
rm "$GUP_PATCHES/base"
says 2 '^gup: .*base' 'patches/ without base: cannot tell' "$s/series/lint_patches.py"
finish
