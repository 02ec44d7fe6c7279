#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-apply.sh - make tree: bad patches, work that must not be lost, kills. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
plan 32

series_of_two
ok 'up to date: nothing to do' "$s/tree.sh"
first=$(git -C "$linux" rev-parse "gup-series^{tree}")
rm -rf "$GUP_BUILD"
"$s/tree.sh" >/dev/null 2>&1 || :
ok 'the series applies to a new tree' [ "$(git -C "$linux" rev-parse "HEAD^{tree}")" = "$first" ]
id=$(git -C "$linux" rev-parse HEAD)
rm -rf "$GUP_BUILD"
"$s/tree.sh" >/dev/null 2>&1 || :
ok 'with the same commit ids' [ "$(git -C "$linux" rev-parse HEAD)" = "$id" ]
cp -R "$GUP_PATCHES" "$t/good"
restore() { rm -rf "$GUP_PATCHES"; cp -R "$t/good" "$GUP_PATCHES"; }

# Patches that do not apply
state >"$t/before"
sed -i 's/^ line_21();/ line_x();/' "$GUP_PATCHES"/all/0001-*
says 2 '^gup: all/0001-mm-gup-change-line-twenty.patch does not apply: mm/gup.c hunk #1 \(line 17\)' \
	'a patch that does not apply: which, file, hunk' "$s/tree.sh"
ok 'the tree is as it was' same_state
restore
sed -i 's,mm/internal.h,mm/nowhere.h,g' "$GUP_PATCHES"/all/0002-*
says 2 'all/0002-mm-change-a-macro.patch does not apply: mm/nowhere.h: ' 'a patch of a file that is not there' "$s/tree.sh"
restore
echo rubbish >"$GUP_PATCHES/all/0002-mm-change-a-macro.patch"
says 2 '0002-mm-change-a-macro.patch does not apply' 'a file that is no patch' "$s/tree.sh"
restore
rm "$GUP_PATCHES"/all/0002-*
says 2 'series names all/0002-mm-change-a-macro.patch, which is not there' 'a patch that is missing' "$s/tree.sh"
ok 'no scratch worktree stays' sh -c "[ \$(git -C '$linux' worktree list | wc -l) -eq 1 ]"
restore
ok 'restored patches: fine again' "$s/tree.sh"

# Work in build/linux
change mm/gup.c 50 'mm/gup: my own'
echo 'an edit' >>"$linux/mm/gup.c"
ok 'commits and edits on top are no hindrance when patches/ is unchanged' "$s/tree.sh"
sed -i 's/wrong/bad/' "$GUP_PATCHES"/all/0002-*
state >"$t/before"
says 2 'patches/ changed, but .* has uncommitted edits and commits that patches/ does not have' \
	'patches/ changed and work in the tree: refused' "$s/tree.sh"
ok 'the work is still there' same_state
FORCE=1 says 0 'your commits are kept' 'FORCE=1 applies, and keeps the work' "$s/tree.sh"
ok 'the commits: a branch' sh -c "git -C '$linux' log --all --format=%s | grep -qx 'mm/gup: my own'"
ok 'the edits: a stash' sh -c "git -C '$linux' stash show -p | grep -qx '+an edit'"
restore
git -C "$linux" stash drop -q
(cd "$linux" && git merge -q --no-ff --no-commit gup-base~0 >/dev/null 2>&1) || :
touch "$linux/.git/MERGE_HEAD"
says 2 'a git merge is under way' 'a merge under way: refused' "$s/tree.sh"
rm -f "$linux/.git/MERGE_HEAD"
touch "$linux/.git/index.lock"
says 2 'index.lock exists: .* rm ' "another git's index.lock: refused" "$s/tree.sh"
rm "$linux/.git/index.lock"
ok 'and then it goes on' "$s/tree.sh"
mkdir "$t/other" && mv "$linux" "$t/other/" && mkdir -p "$linux"
says 2 'was not made by this rig' 'a build/linux of someone else: refused' "$s/tree.sh"
rmdir "$linux" && mv "$t/other/linux" "$linux"

# A kill while files were being checked out: new HEAD chosen, files half there
"$s/tree.sh" >/dev/null 2>&1 || :
target=$(git -C "$linux" rev-parse HEAD)
git -C "$linux" checkout -q -B series gup-overlay
git -C "$linux" tag -f gup-series gup-overlay >/dev/null
git -C "$linux" config gup.moving-series "$target"
git -C "$linux" config gup.applied none
git -C "$linux" show "$target:mm/gup.c" | head -c 300 >"$linux/mm/gup.c"
touch "$linux/.git/index.lock"
cp -R "$GUP_BUILD" "$t/killed"
says 0 'finished what a killed run left' 'killed in the checkout: a rerun finishes it' "$s/tree.sh"
ok 'with the right files' sh -c "[ \$(git -C '$linux' rev-parse HEAD^{tree}) = $first ] && git -C '$linux' diff --quiet HEAD"
rm -rf "$GUP_BUILD" && mv "$t/killed" "$GUP_BUILD"
echo 'mine' >"$linux/mm/internal.h"
says 2 'mm/internal.h in .* was edited after a killed make tree' 'unless the user edited a file since' "$s/tree.sh"
ok 'which is still there' grep -qx mine "$linux/mm/internal.h"

# A kill in the middle of the import, by SIGKILL, with a slow tar
fresh
mkdir -p "$t/bin"
# shellcheck disable=SC2016 # for the script that is written
printf '#!/bin/sh\nfor a; do [ "$a" != -xv ] || sleep 1; done\nexec %s "$@"\n' "$(command -v tar)" >"$t/bin/tar"
chmod +x "$t/bin/tar"
PATH=$t/bin:$PATH "$s/tree.sh" >"$t/killed.out" 2>&1 &
pid=$!
for _ in $(seq 100); do [ ! -d "$GUP_BUILD/.new.tmp" ] || break; sleep 0.1; done
says 2 "^gup: tree is already running here \\(pid $pid\\)" 'two runs at once: the second is refused' "$s/tree.sh"
kill -9 "$pid"
wait "$pid" 2>/dev/null || :
ok 'killed: no build/linux yet' [ ! -e "$linux" ]
ok 'a rerun waits for what the killed run left, and finishes' "$s/tree.sh"
ok 'and is whole' sh -c "git -C '$linux' diff --quiet HEAD && [ -L '$linux/mm/tests/gup' ]"

# The base side
series_of_two
echo mm-change-a-macro >"$GUP_PATCHES/base-needs"
ok 'the base side is made' "$s/tree.sh" base
ok 'with the patches it needs and no other' sh -c "cd '$GUP_BUILD/base/linux' &&
	[ \"\$(git log --format=%s gup-overlay..HEAD)\" = 'mm: change a macro' ] && [ -L mm/tests/gup ]"
echo no-such-patch >>"$GUP_PATCHES/base-needs"
says 2 'base-needs names no-such-patch' 'base-needs with an unknown patch' "$s/tree.sh" base
: >"$GUP_PATCHES/base-needs"
echo edit >>"$GUP_BUILD/base/linux/mm/gup.c"
says 2 'base/linux has uncommitted edits' 'edits on the base side: refused' "$s/tree.sh" base
finish
