#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-source.sh - bad and good kernel sources: versions, blobs, cache, disk. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
plan 22

fresh
ok 'a plain tree is imported' "$s/tree.sh"
id=$(git -C "$linux" rev-parse gup-overlay)
ok 'the hooks are one line each, below the series' \
	sh -c "git -C '$linux' diff gup-base gup-overlay | grep -c '^+[^+]' | grep -qx 2"
ok "Debian's ignore-everything is gone" sh -c "cd '$linux' && ! git check-ignore -q mm/new.c"
ok 'the overlay is a link that git does not see' \
	sh -c "[ -L '$linux/mm/tests/gup' ] && [ -z \"\$(git -C '$linux' status --porcelain)\" ]"
rm -rf "$GUP_BUILD"
"$s/tree.sh" >/dev/null 2>&1 || :
ok 'the import has the same id each time' [ "$(git -C "$linux" rev-parse gup-overlay)" = "$id" ]

fresh
sed -i 3d "$t/src/mm/gup.c"
says 2 '^ +mm/gup.c +[0-9a-f]{40} +[0-9a-f]{40}$' 'other blobs: refused with a table' "$s/tree.sh"
ok 'other blobs: nothing is left behind' [ ! -e "$linux" ]
rm "$t/src/mm/gup.c"
says 2 'mm/gup.c .*no such file' 'a pinned file is missing: refused with a table' "$s/tree.sh"

fresh
sed -i 's/PATCHLEVEL = 3/PATCHLEVEL = 2/' "$t/src/Makefile"
says 2 'is Linux 7.2.4, not 7.3.4' 'another version: refused' "$s/tree.sh"

fresh
sed -i 's/SUBLEVEL = 4/SUBLEVEL = 9/' "$t/src/Makefile"
says 0 'is 7.3.9, not 7.3.4; every pinned file' 'a newer 7.3.z with the same blobs: taken, and said' "$s/tree.sh"

fresh
touch "$t/src/.config"
says 2 'holds build output .*mrproper' 'a tree with build output: refused' "$s/tree.sh"
LINUX=$t/nowhere says 2 'LINUX=.*nowhere: no such directory' 'LINUX= names nothing' "$s/tree.sh"

# A clone: the tag counts, not what is checked out, and not its edits.
fresh
(cd "$t/src" && git init -q . && git add -f . && git commit -qm v && git tag v7.3.4 &&
	sed -i 5d mm/gup.c && git commit -qam later && echo edit >>mm/gup.c)
says 0 'exporting v7.3.4' 'a clone: its tag is exported' "$s/tree.sh"
ok 'a clone is not changed' sh -c "git -C '$t/src' status --porcelain | grep -qx ' M mm/gup.c'"

fresh
GUP_NEED_MB=999999999 says 2 '^gup: no disk space for .*MB are needed' 'no disk: one line' "$s/tree.sh"
ok 'no disk: nothing is left behind' [ ! -e "$linux" ]

# The download, from a file: URL, and the cache.
fresh
unset LINUX
mkdir -p "$t/www" "$t/x/linux-7.3.4"
cp -R "$t/src/." "$t/x/linux-7.3.4"
tar -C "$t/x" -cJf "$t/www/linux-7.3.4.tar.xz" linux-7.3.4
says 0 'Linux 7.3.4 from kernel.org: verified' 'the tarball is fetched' "$s/series/fetch.sh"
mv "$t/www/linux-7.3.4.tar.xz" "$t/www/gone"
says 0 'imported Linux 7.3.4' 'once cached, no network is needed' "$s/tree.sh"
ok 'no temporary file stays in the cache' \
	sh -c "ls -A '$GUP_CACHE' | sort | paste -sd ' ' - | grep -qx '.lock linux-7.3.4.tar.xz linux-7.3.4.tar.xz.ok'"
rm -rf "$GUP_BUILD"
echo x >>"$GUP_CACHE/linux-7.3.4.tar.xz"
says 2 'has changed since it was verified' 'a damaged cache is noticed' "$s/tree.sh"
says 2 'no source for Linux 7.3.4: name a clone or tree with LINUX=' 'no source at all: one line' "$s/tree.sh"
mv "$t/www/gone" "$t/www/linux-7.3.4.tar.xz"
ok 'and is fetched again when there is one' "$s/tree.sh"
finish
