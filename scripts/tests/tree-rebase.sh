#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-rebase.sh - make rebase onto a kernel with known conflicts, step by step. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
plan 34
unset DROP || :

# Three topics with five patches, on 7.3.4.
fresh
rm -r "$GUP_PATCHES/all" "$GUP_PATCHES/topics"
topic one; topic two one; topic three
echo 0001-mm-change-a-macro.patch >"$GUP_PATCHES/two/series"
echo 0001-mm-gup-far-below.patch >"$GUP_PATCHES/three/series"
"$s/tree.sh" >/dev/null 2>&1 || :	# no such patches yet: makes the tree
change mm/gup.c 20 'mm/gup: change line twenty'
change mm/gup.c 40 'mm/gup: change line forty'
change mm/gup.c 60 'mm/gup: change line sixty'
change mm/internal.h 30 'mm: change a macro'
change mm/gup.c 90 'mm/gup: far below'
TOPIC=one FORCE=1 "$s/refresh.sh" >/dev/null 2>&1

# 7.3.5: lines move; the first patch is upstream in other words, the third as it is, and the
# fourth conflicts.
cp -R "$t/src" "$t/next"
sed -i 's/SUBLEVEL = 4/SUBLEVEL = 5/' "$t/next/Makefile"
sed -i '20s/$/ changed otherwise/; 60s/$/ changed/; 1i first();' "$t/next/mm/gup.c"
sed -i '30s/$/ upstream/' "$t/next/mm/internal.h"
export BASE="$t/next"
there=$GUP_BUILD/rebase/linux
cp -R "$GUP_PATCHES" "$t/kept"
state >"$t/before"
# shellcheck disable=SC2317 # called through ok
untouched() { diff -r "$t/kept" "$GUP_PATCHES" && same_state; }
# tell STATUS REGEX NAME COMMAND...: says, and keeps what it said for told REGEX
tell() { says "$@"; cp "$t/out" "$t/told"; }
# shellcheck disable=SC2317 # called through ok
told() { grep -q -e "$1" "$t/told"; }

tell 2 '^  conflict: mm/gup.c' 'a patch that is upstream in other words: rebase stops' "$s/rebase.sh"
ok 'at that patch' told '^  \[PATCH\] mm/gup: change line twenty$'
ok 'and says how to leave it out' told 'git am --skip$'
ok 'patches/ and build/linux are as they were' untouched
says 2 'change line twenty' 'asked again without a step: the same answer' "$s/rebase.sh"
ADOPT=1 says 2 'conflicts with Linux 7.3.5' 'nothing is adopted half-way' "$s/rebase.sh"
ok 'patches/ and build/linux are still as they were' untouched
BASE=$t/src says 2 'holds another attempt: make rebase BASE=' 'another kernel meanwhile: refused' "$s/rebase.sh"

(cd "$there" && git am --skip >/dev/null 2>&1) || :
tell 2 '^  conflict: mm/internal.h' 'a real conflict: rebase names the file' "$s/rebase.sh"
ok 'and the patch' told '^  \[PATCH\] mm: change a macro$'
ok 'the file has both sides' sh -c "grep -q '^<<<<<<<' '$there/mm/internal.h' && grep -q 'upstream$' '$there/mm/internal.h'"
(cd "$there" && git checkout -q --theirs mm/internal.h && git add mm/internal.h && git am --continue >/dev/null)
echo edit >>"$there/mm/gup.c"
says 2 'uncommitted edits in build/rebase/linux' 'edits that are not committed: refused' "$s/rebase.sh"
git -C "$there" checkout -q -- mm/gup.c
tell 0 '3 of 5 patches are on Linux 7.3.5' 'goes on after it is solved' "$s/rebase.sh"
ok 'and shows what changed: one was left out' told '1:.* < -:.* mm/gup: change line twenty'
ok 'one is upstream and went by itself' told '3:.* < -:.* mm/gup: change line sixty'
ok 'one is the same' told '5:.* = .* mm/gup: far below'
ok 'one is there' told '.* mm: change a macro'

git -C "$there" reset -q --hard HEAD^
tell 2 'only 2 of 5 patches are on Linux 7.3.5, and not the last' 'without the last patch: refused' "$s/rebase.sh"
ok 'and says how to leave it out' told ' DROP=3$'
DROP=1 ADOPT=1 says 2 'and not the last' 'nor with another number' "$s/rebase.sh"
DROP=3 says 0 ' DROP=3 ADOPT=1$' 'but with the right one' "$s/rebase.sh"

ABORT=1 says 0 'rebase: forgotten' 'ABORT=1 forgets it' "$s/rebase.sh"
ok 'with its tree' sh -c "[ ! -e '$GUP_BUILD/rebase' ] && [ \$(git -C '$linux' worktree list | wc -l) -eq 1 ]"
ok 'and all is as it was' untouched

"$s/rebase.sh" >/dev/null 2>&1 || :
git -C "$there" am --abort
tell 2 'none of 5 patches is on Linux 7.3.5' 'after git am --abort: refused' "$s/rebase.sh"
ok 'and says what to do' told 'to start anew: make rebase BASE=.* ABORT=1, then make rebase BASE='
ADOPT=1 says 2 'none of 5 patches' 'nor is that adopted' "$s/rebase.sh"
DROP=5 ADOPT=1 says 2 'none of 5 patches' 'also when asked to drop all' "$s/rebase.sh"
ok 'patches/ and build/linux are as they were then, too' untouched
ABORT=1 "$s/rebase.sh" >/dev/null 2>&1

"$s/rebase.sh" >/dev/null 2>&1 || :
(cd "$there" && git am --skip >/dev/null 2>&1) || :
(cd "$there" && git checkout -q --theirs mm/internal.h && git add mm/internal.h && git am --continue >/dev/null)
ADOPT=1 says 0 'pinned kernel is Linux 7.3.5' 'and is adopted' "$s/rebase.sh"
ok 'tree, patches and pins agree on it' sh -c "'$s/tree.sh' && '$s/round-trip.sh' && '$s/series/lint_patches.py'"
ok 'every patch is in the topic in which it was' sh -c "cd '$GUP_PATCHES' &&
	grep -qx 0001-mm-gup-change-line-forty.patch one/series && [ \$(cat one/series | wc -l) -eq 1 ] &&
	grep -qx 0001-mm-change-a-macro.patch two/series && grep -qx 0001-mm-gup-far-below.patch three/series"
ok 'the old series is kept' sh -c "git -C '$linux' log --format=%s before-7.3.5 | grep -qx 'mm/gup: change line sixty'"
says 0 '3 patches, 0 files changed' 'make refresh has nothing left to do' "$s/refresh.sh"
finish
