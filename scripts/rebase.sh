#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# rebase.sh - carry the series to another kernel version
#
# usage: BASE=<version> scripts/rebase.sh	(make rebase BASE=7.3.5)
#
#   BASE=7.3.5, 7.4, 7.4-rc2   got from kernel.org or Debian, or from LINUX=<clone>
#   BASE=/path/to/tree         an unpacked tree, or a clone: its HEAD's version
#
# Puts that source on branch "rebase", worktree build/rebase/linux, and applies the
# series there with git am --3way. A conflict stops it (status 2) with the steps to
# take; run the same command again after them. build/linux stays as it is until
#
#	make rebase BASE=<the same> ADOPT=1
#
# which makes it the pinned kernel: build/linux, patches/base and patches/ change.
# ABORT=1 forgets the attempt. If the last patches are not there, git am may have been
# ended before them: refused, but for DROP=n, the number of all patches that you left out.
#
# exit status: 0 the series applies (or is adopted), 2 conflict or refused.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/series.sh
. "$top/scripts/series/series.sh"
help_if_asked "$@"
BASE=${1:-${BASE:-}}
[ -n "$BASE" ] || die "rebase: to which kernel? make rebase BASE=7.3.5, or a path"
need git
lock rebase
trap scratch_close EXIT
tree=$build/rebase/linux src=$build/rebase/src
again="make rebase BASE=$BASE"

forget() {
	git -C "$linux" worktree remove --force "$tree" 2>/dev/null || :
	rm -rf "$build/rebase"
	git -C "$linux" worktree prune
	git -C "$linux" branch -q -D rebase 2>/dev/null || :
	git -C "$linux" tag -d rebase-base rebase-overlay >/dev/null 2>&1 || :
	git -C "$linux" config --unset gup.rebase || :
}

[ "${ABORT-}" != 1 ] || { forget; say "rebase: forgotten"; exit 0; }
"$top/scripts/tree.sh" series
if [ -n "$(git -C "$linux" status --porcelain --untracked-files=no)" ] ||
   [ "$(git -C "$linux" rev-parse HEAD)" != "$(git -C "$linux" rev-parse gup-series^0)" ]; then
	die "build/linux has work that patches/ does not have: commit it and make refresh, then: $again"
fi

# The source: a separate import commit, in the repository of build/linux, so that
# git am --3way finds the blobs of the old base.
if [ "$(git -C "$linux" config gup.rebase || :)" != "$BASE" ]; then
	old=$(git -C "$linux" config gup.rebase || :)
	[ -z "$old" ] || die "build/rebase holds another attempt: make rebase BASE=$old, or with ABORT=1 to forget it"
	forget
	need_space "$build" 4000 "a second kernel tree"
	mkdir -p "$build/rebase"
	version=$BASE
	if [ -d "$BASE" ]; then
		LINUX=$BASE
		export LINUX
		mk=$(git -c safe.directory='*' -C "$BASE" show HEAD:Makefile 2>/dev/null || cat "$BASE/Makefile") ||
			die "BASE=$BASE: no kernel tree there"
		version=$(printf '%s\n' "$mk" | awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { p = $3 }
			$1 == "SUBLEVEL" { s = $3 } $1 == "EXTRAVERSION" { e = $3; exit }
			END { printf "%s.%s%s%s\n", v, p, (s > 0 ? "." s : ""), e }')
	fi
	case "$version" in
	[0-9]*.[0-9]*|v[0-9]*.[0-9]*) version=${version#v};;
	*) die "BASE=$BASE is neither a version such as 7.3.5 nor a kernel tree";;
	esac
	GUP_VERSION=$version "$top/scripts/series/fetch.sh" "$src"
	[ -f "$src/.gitignore" ] || : >"$src/.gitignore"
	commit_source "$linux/.git" "$src" "$build/rebase/index" "$version"
	rm -rf "$src" "$src.origin" "$build/rebase/index"
	git -C "$linux" tag -f rebase-base "$base" >/dev/null
	git -C "$linux" tag -f rebase-overlay "$overlay" >/dev/null
	say "rebase: checking out Linux $version, 15 s or so"
	git_fixed -C "$linux" worktree add -q -B rebase "$tree" "$overlay"
	"$top/scripts/series/overlay.sh" "$tree"
	# shellcheck disable=SC2046 # file names without blanks
	set -- $(series_files | sed "s,^,$patches/,")
	am=0
	[ $# -eq 0 ] || (cd "$tree" && git_am --3way "$@") >"$build/.git.log" 2>&1 || am=$?
	# What git am leaves out when it comes to its end is upstream: so many are enough.
	if [ "$am" -eq 0 ]; then
		git -C "$linux" rev-list --count rebase-overlay..rebase >"$build/rebase/enough"
	elif [ -z "$(tree_busy "$tree")" ]; then
		die "git am died in build/rebase/linux: $(tail -n 1 "$build/.git.log"); to try anew: $again"
	fi
	git -C "$linux" config gup.rebase "$BASE"	# last: a run killed before starts anew
fi

version=$(git -C "$linux" log -1 --format=%s rebase-base)
version=${version#Linux }
busy=$(tree_busy "$tree")
if [ -n "$busy" ]; then
	say "rebase: this patch does not apply to Linux $version:"
	git -C "$tree" am --show-current-patch=raw 2>/dev/null | sed -n 's/^Subject: /  /p' | head -n 1
	git -C "$tree" status --porcelain --untracked-files=no | sed -n 's/^\(UU\|AA\|DU\|UD\)/  conflict:/p'
	say "In build/rebase/linux:
  fix the files, then           git add <them> && git am --continue
  or, when it is upstream now   git am --skip
  when git am is through        $again
  to forget all of it           $again ABORT=1"
	die "the series conflicts with Linux $version: the steps are above"
fi
[ -z "$(git -C "$tree" status --porcelain --untracked-files=no)" ] ||
	die "uncommitted edits in build/rebase/linux: commit them, then: $again"

# Neither abort nor quit of git am leaves a trace, nor does skip. But its patches go in
# in order: if the last one is there, it came to its end.
count=$(git -C "$linux" rev-list --count rebase-overlay..rebase) total=$(series_files | wc -l)
enough=$(cat "$build/rebase/enough" 2>/dev/null || echo "$total")
anew="to start anew: $again ABORT=1, then $again"
[ "$count" -gt 0 ] || [ "$total" -eq 0 ] ||
	die "none of $total patches is on Linux $version, as after git am --abort: $anew"
if [ "$count" -lt "$enough" ] && [ "${DROP-}" != $((total - count)) ]; then
	git -C "$linux" log --format=%s rebase-overlay..rebase >"$build/rebase/subjects"
	grep -qxF -e "$(git -C "$linux" log -1 --format=%s gup-series)" "$build/rebase/subjects" ||
		die "only $count of $total patches are on Linux $version, and not the last: was git am ended before it? $anew; or, if they are left out on purpose: $again DROP=$((total - count))"
fi
if [ "${ADOPT-}" != 1 ]; then
	say "rebase: $count of $total patches are on Linux $version (build/rebase/linux). What changed in them:"
	if [ "$count" -gt 0 ] && [ "$total" -gt 0 ]; then	# of an empty range it prints its usage
		changed=$(git -C "$linux" --no-pager range-diff --no-color -s gup-overlay..gup-series rebase-overlay..rebase) ||
			die "git range-diff failed in build/linux: see above"
		printf '%s\n' "$changed" | sed 's/^/  /'
	fi
	say "To make it the pinned kernel: $again${DROP:+ DROP=$DROP} ADOPT=1"
	exit 0
fi

# Adopt: the objects are here already, so only names move. The base worktree is made
# again by the next run that needs it.
if [ -d "$baselinux" ]; then
	[ -z "$(git -C "$baselinux" status --porcelain --untracked-files=no)" ] ||
		die "edits in build/base/linux: save them, then: $again ADOPT=1"
	git -C "$linux" worktree remove --force "$baselinux"
	git -C "$linux" config --unset gup.base || :
fi
head=$(git -C "$linux" rev-parse rebase)
git -C "$linux" branch -f "before-$version" gup-series
git -C "$linux" tag -f gup-base rebase-base^0 >/dev/null
git -C "$linux" tag -f gup-overlay rebase-overlay^0 >/dev/null
git -C "$linux" config gup.pinned "$version"
git -C "$linux" config gup.version "$version"
git -C "$linux" config gup.origin "make rebase BASE=$BASE"
git_fixed -C "$linux" checkout -q -B series "$head"
series=$(printf '%s\n' "$version" | cut -d. -f1,2 | sed 's/-.*//')
printf 'version %s\ntag v%s\ndebian linux-source-%s\nurl https://cdn.kernel.org/pub/linux/kernel/v%s.x/linux-%s.tar.xz\n' \
	"$version" "$version" "$series" "${version%%.*}" "$version" >"$patches/base"
"$top/scripts/refresh.sh"
forget
say "rebase: the pinned kernel is Linux $version now; the old series: git -C build/linux log before-$version"
say "  next: make check, then commit patches/"
