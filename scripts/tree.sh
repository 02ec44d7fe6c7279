#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree.sh - make build/linux: the pinned source, the rig's hooks, the series
#
# usage: scripts/tree.sh [series|base]
#
#   series  build/linux: branch "series" = gup-base (import) + gup-overlay (two
#           lines that build kunit/) + the topics of patches/ by git am; the tag
#           gup-series marks what patches/ holds. The default.
#   base    build/base/linux: a worktree of it at gup-overlay + the patches that
#           patches/base-needs names, to show what the series changes.
#
# Does nothing if the tree already holds what patches/ says, even with your edits or
# commits on top. If patches/ changed, it applies it again, but never over your work:
# it stops and says what to do.
#
# environment:
#   LINUX    where to take the source from (see fetch.sh)
#   FORCE=1  apply anyway; commits are kept as branch saved-<date>, edits in git stash
# exit status: 0 done, 2 refused or not possible; the tree is then as it was.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/series.sh
. "$top/scripts/series/series.sh"
help_if_asked "$@"
side=${1:-${SIDE:-series}}
side_root "$side" >/dev/null
need git
lock tree
trap scratch_close EXIT
new=$build/.new

create_tree() {
	need_space "$build" 4000 "the kernel tree and one build"
	rm -rf "$new" "$new.tmp" "$new.origin"
	"$top/scripts/series/fetch.sh" "$new"
	read -r version origin <"$new.origin"
	[ -f "$new/.gitignore" ] || : >"$new/.gitignore"
	git_fixed -c init.defaultBranch=series init -q "$new"
	for kv in gc.auto=0 maintenance.auto=false core.autocrlf=false core.fileMode=true \
		  gup.pinned="$(pin version)" gup.version="$version" gup.origin="$origin"; do
		git -C "$new" config "${kv%%=*}" "${kv#*=}"
	done
	commit_source "$new/.git" "$new" "$new/.git/index" "$version"
	git -C "$new" tag gup-base "$base"
	git -C "$new" tag gup-overlay "$overlay"
	git_fixed -C "$new" update-ref refs/heads/series "$overlay"
	git -C "$new" tag gup-series "$overlay"
	"$top/scripts/series/overlay.sh" "$new"
	mv "$new" "$linux"
	rm -f "$new.origin"
	say "tree: imported Linux $version as $(git -C "$linux" rev-parse --short gup-base)"
}

# A tree of another pin than the patches/ at hand would give wrong verdicts.
check_pin() {
	has_tree ||
		die "build/linux was not made by this rig (no tag gup-overlay): move it away, then: make tree"
	[ "$(git -C "$linux" config gup.pinned)" = "$(pin version)" ] ||
		die "build/linux holds Linux $(git -C "$linux" config gup.pinned), patches/base says $(pin version): save your work there, rm -rf build/linux build/base, make tree"
	table=$(while read -r id path; do
		found=$(git -C "$linux" rev-parse -q --verify "gup-base:$path" || echo '(no such file)')
		[ "$found" = "$id" ] || printf '  %-40s %-40s %s\n' "$path" "$id" "$found"
	done <"$patches/base.blobs")
	[ -z "$table" ] || {
		printf '  %-40s %-40s %s\n%s\n' path wanted found "$table" >&2
		die "build/linux has other blobs than patches/base.blobs pins: fix base.blobs, or start again from the right source: rm -rf build/linux build/base, make tree"
	}
}

# move_tree TREE COMMIT SIDE [-f]: check COMMIT out and tag it as what patches/ holds.
# git config gup.moving-SIDE tells a later run that this one was killed half-way.
move_tree() {
	git -C "$linux" config "gup.moving-$3" "$2"
	if [ "$3" = series ]; then
		git_fixed -C "$1" checkout -q ${4:+"$4"} -B series "$2"
	else
		git_fixed -C "$1" checkout -q ${4:+"$4"} --detach "$2"
	fi || die "git checkout failed in $1: see above; then: make tree"
	git -C "$linux" tag -f "gup-$3" "$2" >/dev/null
	git -C "$linux" config --unset "gup.moving-$3"
}

# recover TREE KEY: finish what a killed run left. The tree was clean then, so what
# differs is that run's half work, unless a file matches neither side: an edit.
recover() {
	target=$(git -C "$linux" config "gup.moving-$2") || {
		lockfile=$(git -C "$1" rev-parse --absolute-git-dir)/index.lock
		[ ! -e "$lockfile" ] || die "$lockfile exists: another git works there, or one was killed; if none runs: rm $lockfile"
		return 0
	}
	for path in $(git -C "$1" diff --name-only HEAD); do
		[ -f "$1/$path" ] || continue
		size=$(wc -c <"$1/$path")
		git -C "$1" cat-file blob "$target:$path" 2>/dev/null | head -c "$size" | cmp -s - "$1/$path" ||
			[ "${FORCE-}" = 1 ] ||
			die "$path in $1 was edited after a killed make tree: save it, then git -C $1 checkout -- $path, or FORCE=1 make tree (stashes it)"
	done
	rm -f "$(git -C "$1" rev-parse --absolute-git-dir)/index.lock"
	[ "${FORCE-}" != 1 ] || save_work "$1"
	move_tree "$1" "$target" "$2" -f
	say "tree: finished what a killed run left in $1"
}

save_work() {
	name=saved-$(date -u +%Y%m%d-%H%M%S)
	git -C "$1" branch "$name" HEAD
	if [ -n "$(git -C "$1" status --porcelain --untracked-files=no)" ]; then
		git_fixed -C "$1" -c user.name='gup rig' -c user.email=rig@gup.invalid stash push -q -m "$name"
		say "tree: your edits are kept: git -C $1 stash list"
	fi
	say "tree: your commits are kept: git -C $1 log $name"
}

# refuse_work TREE EXPECTED: stop when TREE holds work that a checkout would hide.
refuse_work() {
	busy=$(tree_busy "$1")
	[ -z "$busy" ] || die "a git $busy is under way in $1: finish or abort it there, then: make tree"
	what=
	[ -z "$(git -C "$1" status --porcelain --untracked-files=no)" ] || what="uncommitted edits"
	[ "$(git -C "$1" rev-parse HEAD)" = "$2" ] || what="${what:+$what and }commits that patches/ does not have"
	[ -n "$what" ] || return 0
	[ "${FORCE-}" = 1 ] ||
		die "patches/ changed, but $1 has $what: commit and make refresh, or FORCE=1 make tree (keeps them in a branch and git stash)"
	save_work "$1"
}

series_side() {
	hash=$(series_hash)
	recover "$linux" series
	if [ "$(git -C "$linux" config gup.applied || :)" != "$hash" ]; then
		refuse_work "$linux" "$(git -C "$linux" rev-parse gup-series^0)"
		# shellcheck disable=SC2046 # file names without blanks, lint sees to it
		apply_onto gup-overlay $(series_files | sed "s,^,$patches/,")
		move_tree "$linux" "$applied" series
		git -C "$linux" config gup.applied "$hash"
		say "tree: build/linux = Linux $(git -C "$linux" config gup.version) + $(series_files | wc -l) patches"
	fi
	"$top/scripts/series/overlay.sh" "$linux"
}

base_side() {
	needs=$(base_needs_files)
	case "$needs" in
	*\?*) die "patches/base-needs names ${needs#*\?}, which is no patch of the series: fix that line";;
	esac
	# shellcheck disable=SC2086
	hash=$( (cd "$patches" && git -C "$linux" rev-parse gup-overlay && cat /dev/null $needs) | git hash-object --stdin)
	git -C "$linux" worktree prune
	if [ -d "$baselinux" ]; then
		git -C "$baselinux" rev-parse -q HEAD >/dev/null 2>&1 ||
			git -C "$linux" worktree repair "$baselinux" >/dev/null 2>&1 ||
			die "$baselinux is no worktree of build/linux: move it away, then: scripts/tree.sh base"
		recover "$baselinux" baseside
	fi
	if [ ! -d "$baselinux" ] || [ "$(git -C "$linux" config gup.base || :)" != "$hash" ]; then
		[ ! -d "$baselinux" ] || refuse_work "$baselinux" "$(git -C "$linux" rev-parse gup-baseside^0)"
		# shellcheck disable=SC2046,SC2086
		apply_onto gup-overlay $(printf '%s\n' $needs | sed "/./s,^,$patches/,")
		if [ -d "$baselinux" ]; then
			move_tree "$baselinux" "$applied" baseside
		else
			need_space "$build" 3000 "the base tree and one build"
			say "tree: checking out build/base/linux, 15 s or so"
			git -C "$linux" worktree remove --force "$build/base/.new" 2>/dev/null || :
			rm -rf "$build/base/.new"
			git_fixed -C "$linux" worktree add -q --detach "$build/base/.new" "$applied"
			git_fixed -C "$linux" worktree move "$build/base/.new" "$baselinux"
			git -C "$linux" tag -f gup-baseside "$applied" >/dev/null
		fi
		git -C "$linux" config gup.base "$hash"
		say "tree: build/base/linux = Linux $(git -C "$linux" config gup.version) + $(printf '%s' "$needs" | grep -c . || :) patches it needs to build"
	fi
	"$top/scripts/series/overlay.sh" "$baselinux"
}

[ -d "$linux" ] || create_tree
check_pin
case "$side" in
series) series_side;;
base) base_side;;
esac
