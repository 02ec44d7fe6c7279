#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# refresh.sh - write patches/ again from the commits in build/linux
#
# usage: scripts/refresh.sh
#
# Exports gup-overlay..HEAD of build/linux as patches/<topic>/NNNN-*.patch, the series
# of each topic and base.blobs, and moves the tag gup-series. A commit stays in the
# topic in which a patch of its subject was so far; scripts/series/topics.py --help says
# what happens to a new one. The output does not depend on the machine, its configuration
# or the committer: a second run changes nothing, and before anything is written the
# export is applied and exported once more, which must give the same bytes. topics,
# cover letters, base and base-needs stay as they are.
#
# environment: FORCE=1  overwrite patches/ although someone changed it since it was
#                       last applied; the old one is kept in build/patches-<date>
#              TOPIC=   where new commits go that lie between two topics
# exit status: 0 done, 2 refused: nothing was changed.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/series.sh
. "$top/scripts/series/series.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "refresh: takes no arguments: scripts/refresh.sh --help"
need git; need python3
lock refresh
trap scratch_close EXIT
out=$build/.export

has_tree || die "no build/linux to export from: make tree"
busy=$(tree_busy "$linux")
[ -z "$busy" ] || die "a git $busy is under way in build/linux: finish or abort it there, then: make refresh"
[ -z "$(git -C "$linux" status --porcelain --untracked-files=no)" ] ||
	die "uncommitted edits in build/linux: commit them (git -C build/linux status), then: make refresh"
git -C "$linux" merge-base --is-ancestor gup-overlay HEAD ||
	die "build/linux is not on top of gup-overlay: git -C build/linux checkout series"
[ -z "$(git -C "$linux" rev-list --merges gup-overlay..HEAD)" ] ||
	die "merge commits in build/linux: make them plain commits: git -C build/linux rebase gup-overlay"
[ -z "$(git -C "$linux" diff --name-only gup-overlay HEAD -- Kconfig Kbuild .gitignore mm/tests/gup)" ] ||
	die "the series changes Kconfig, Kbuild, .gitignore or mm/tests/gup: those belong to the rig: keep such changes in kunit/"
strangers=$(git -C "$linux" ls-files --others --exclude-standard)
[ -z "$strangers" ] ||
	warn "not exported, since git does not track them: $(printf '%s' "$strangers" | tr '\n' ' '): git -C build/linux add, if they belong to a patch"

old=$(series_hash)
if [ "$old" != "$(git -C "$linux" config gup.applied || :)" ] &&
   ! git -C "$linux" config gup.refreshing >/dev/null; then
	[ "${FORCE-}" = 1 ] ||
		die "patches/ was changed since it was applied, and that would be lost: make tree applies it; or FORCE=1 make refresh (keeps a copy in build/)"
	keep=$build/patches-$(date -u +%Y%m%d-%H%M%S)
	cp -R "$patches" "$keep"
	say "refresh: the old patches/ is kept in $keep"
fi

# Export, apply what was exported, export that: both exports must be the same.
head=$(git -C "$linux" rev-parse HEAD)
export_patches gup-overlay "$head" "$out"
for f in "$out"/*.patch; do
	[ ! -e "$f" ] || [ -s "$f" ] ||
		die "an empty commit in build/linux (${f##*/}) cannot become a patch: git -C build/linux rebase -i gup-overlay, drop it"
done
dup=$(sed 's/^[0-9]*-//' "$out/series" | sort | uniq -d)
[ -z "$dup" ] || die "two commits with the subject of $dup: patch names must differ: git -C build/linux rebase -i gup-overlay"
# shellcheck disable=SC2046 # format-patch makes names without blanks
apply_onto gup-overlay $(sed "s,^,$out/," "$out/series")
[ "$(git -C "$linux" rev-parse "$applied^{tree}")" = "$(git -C "$linux" rev-parse "$head^{tree}")" ] ||
	die "the exported patches do not give the tree of build/linux back: git -C build/linux diff $head $applied"
export_patches gup-overlay "$applied" "$out.again"
diff -r "$out" "$out.again" >"$build/.git.log" ||
	die "a commit message does not survive git am ($(grep -m 1 '^diff' "$build/.git.log" | sed 's,.*/,,')): no line in it may start with ---, diff or Index:"
rm -rf "$out.again"
rm -rf "$out.flat"
mv "$out" "$out.flat"
sort_topics "$out.flat" "$out"
rm -rf "$out.flat"

# shellcheck disable=SC2013 # one word a line
for slug in $(sed 's/#.*//' "$patches/base-needs" 2>/dev/null); do
	grep -qx "[0-9]*-$slug\.patch" "$out"/*/series ||
		die "patches/base-needs names $slug, which the series no longer has: fix that line, then: make refresh"
done

touched_blobs "$head" >"$out/base.blobs"

# From here on patches/ is mixed until the end; the mark lets a rerun finish it.
git -C "$linux" config gup.refreshing "$head"
changed=0
for f in "$out"/base.blobs "$out"/*/*; do
	name=${f#"$out/"}
	cmp -s "$f" "$patches/$name" && continue
	mkdir -p "$(dirname "$patches/$name")"
	cp "$f" "$patches/.tmp"
	mv -f "$patches/.tmp" "$patches/$name"
	changed=$((changed + 1))
	case "$f" in *.patch) say "refresh: wrote $name";; esac
done
for f in "$patches"/[0-9]*.patch "$patches"/*/[0-9]*.patch; do
	name=${f#"$patches/"}
	if [ ! -e "$f" ] || [ -e "$out/$name" ]; then continue; fi
	rm -f "$f"
	changed=$((changed + 1))
	say "refresh: removed $name"
done
git -C "$linux" tag -f gup-series "$head" >/dev/null
git -C "$linux" config gup.applied "$(series_hash)"
git -C "$linux" config --unset gup.refreshing
say "refresh: $(series_files | wc -l) patches, $changed files changed in patches/"
rm -rf "$out"
