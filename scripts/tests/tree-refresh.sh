#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-refresh.sh - make refresh, round-trip, show. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
plan 32

series_of_two
cp -R "$GUP_PATCHES" "$t/first"
# shellcheck disable=SC2317 # called through ok
same_patches() { diff -r "$t/first" "$GUP_PATCHES"; }
ok 'two commits make two patches' [ "$(wc -l <"$GUP_PATCHES/all/series")" -eq 2 ]
ok 'base.blobs pins what they touch' sh -c "cut -d' ' -f2 '$GUP_PATCHES/base.blobs' | paste -sd ' ' - | grep -qx 'mm/gup.c mm/internal.h'"
says 0 '2 patches, 0 files changed' 'a second refresh writes nothing' "$s/refresh.sh"
ok 'and leaves the same bytes' same_patches
says 0 'apply and export give the same bytes' 'round trip' "$s/round-trip.sh"
ok 'lint likes them' "$s/series/lint_patches.py"

says 0 '^ mm/gup.c ' 'gup-base and series frame what is changed' \
	git -C "$linux" diff --stat gup-base series -- mm/gup.c

# A configuration and an identity that would bend the output, if they could
cat >"$t/home/.gitconfig" <<'EOT'
[user]
	name = Somebody Else
	email = else@example.org
[diff]
	noprefix = true
	context = 9
	algorithm = patience
	renames = copies
	mnemonicPrefix = true
	suppressBlankEmpty = true
[format]
	signature = my signature
	numbered = true
	attach = true
	thread = deep
	subjectPrefix = RFC
	signOff = true
	coverLetter = true
	useAutoBase = true
	from = true
	suffix = .txt
[core]
	abbrev = 7
	autocrlf = true
	hooksPath = /nonexistent
[commit]
	gpgSign = true
[am]
	threeWay = true
[color]
	ui = always
EOT
for kv in diff.noprefix=true format.signature=x diff.orderFile=/nonexistent diff.context=1; do
	git -C "$linux" config "${kv%%=*}" "${kv#*=}"
done
GIT_COMMITTER_NAME='Somebody Else' GIT_COMMITTER_EMAIL=else@example.org LC_ALL=C.UTF-8 TZ=Asia/Tokyo \
	says 0 '2 patches, 0 files changed' 'the user, his configuration and time zone do not matter' "$s/refresh.sh"
for kv in diff.noprefix format.signature diff.orderFile diff.context; do
	git -C "$linux" config --unset "$kv"
done
rm -rf "$GUP_BUILD"
ok 'nor do they for make tree' "$s/tree.sh"
says 0 '2 patches, 0 files changed' 'a tree made from the patches exports them again' "$s/refresh.sh"
rm "$t/home/.gitconfig"

# A label is no function: hunk headers must not depend on the version of git
sed -i '60s/.*/out:/; 40s/.*/int f(void)/' "$linux/mm/gup.c"
git -C "$linux" commit -qam 'mm/gup: a label' -m Body.
change mm/gup.c 65 'mm/gup: below the label'
"$s/refresh.sh" >/dev/null 2>&1 || :
ok 'hunk headers name functions, not labels' sh -c "grep '^@@' '$GUP_PATCHES'/all/0004-* | grep -q 'line_[0-9]*();$\|int f(void)$'"

# Order, removal, renumbering
git -C "$linux" reset -q --hard gup-overlay
change mm/internal.h 5 'mm: another macro'
ok 'a new series replaces the old' "$s/refresh.sh"
ok 'stale patches are gone' [ "$(ls "$GUP_PATCHES"/*/*.patch)" = "$GUP_PATCHES/all/0001-mm-another-macro.patch" ]
ok 'and their pins' sh -c "cut -d' ' -f2 '$GUP_PATCHES/base.blobs' | paste -sd ' ' - | grep -qx 'mm/gup.c mm/internal.h'"
git -C "$linux" reset -q --hard gup-overlay
ok 'an empty series is one, too' "$s/refresh.sh"
ok 'mm/gup.c stays pinned' sh -c "cut -d' ' -f2 '$GUP_PATCHES/base.blobs' | grep -qx mm/gup.c"

# Refusals
series_of_two
echo edit >>"$linux/mm/gup.c"
says 2 '^gup: uncommitted edits in build/linux: commit them' 'a dirty tree: refused' "$s/refresh.sh"
ok 'the edit is still there' grep -qx edit "$linux/mm/gup.c"
ok 'patches/ is as it was' same_patches
git -C "$linux" checkout -q -- mm/gup.c
sed -i 's/wrong/bad/' "$GUP_PATCHES"/all/0001-*
says 2 'patches/ was changed since it was applied' 'an edited patches/: refused' "$s/refresh.sh"
ok 'the edit of the patch is still there' grep -q bad "$GUP_PATCHES"/all/0001-*
sed -i 's/^Date: Mon, 0*2/Date: Mon,  2/' "$GUP_PATCHES"/all/0001-*
says 1 'all/0001-mm-gup-change-line-twenty.patch differs from its export: make tree && make refresh' \
	'bytes that git does not write: the round trip says which patch' "$s/round-trip.sh"
FORCE=1 says 0 'old patches/ is kept in' 'FORCE=1 overwrites it and keeps a copy' "$s/refresh.sh"
ok 'the copy has the edit' sh -c "grep -q bad '$GUP_BUILD'/patches-*/all/0001-*"
ok 'patches/ is that of the tree again' same_patches
echo gone-slug >"$GUP_PATCHES/base-needs"
says 2 'base-needs names gone-slug' 'base-needs with an unknown patch: refused' "$s/refresh.sh"
: >"$GUP_PATCHES/base-needs"
git -C "$linux" commit -q --allow-empty -m 'mm: nothing' -m Body.
says 2 'an empty commit' 'an empty commit: refused' "$s/refresh.sh"
git -C "$linux" reset -q --hard HEAD~1
sed -i '$s/$/ x/' "$linux/Kbuild" && git -C "$linux" commit -qam 'mm: kbuild' -m Body.
says 2 'belong to the rig' 'a change of the hooks: refused' "$s/refresh.sh"
git -C "$linux" reset -q --hard HEAD~1
sed -i '70s/$/ x/' "$linux/mm/gup.c"
printf 'mm/gup: odd\n\nBody\n---\nlost\n' | git -C "$linux" commit -qaF -
says 2 '^gup: a commit message does not survive git am \(000[0-9]-.*: no line in it may start with ---' 'a --- line in a changelog: refused' "$s/refresh.sh"
git -C "$linux" reset -q --hard HEAD~1
touch "$linux/mm/new.c"
says 0 'not exported, since git does not track them: mm/new.c' 'an untracked file: said' "$s/refresh.sh"
rm "$linux/mm/new.c"

says 0 '^mm/gup.c: 1 patches' 'show lists the patches of a file' "$s/show.sh" mm/gup.c
says 2 'mm/none.c is not in build/linux' 'show of a file that is not there' "$s/show.sh" mm/none.c
finish
