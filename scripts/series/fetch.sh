#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# fetch.sh - get the pinned kernel source, check it, keep it for offline use
#
# usage: scripts/series/fetch.sh [DIR]
#
# Without DIR: makes sure that the cache holds a verified archive.
# With DIR: also unpacks it into the new directory DIR; DIR.origin then says
# "<version> <where it came from>".
#
# Sources, in this order: LINUX, the cache, the tarball from kernel.org, Debian's
# package (patches/base names the last two). A source counts only when its version
# fits and each file of patches/base.blobs has the blob id that is listed there.
# When the exact version is gone, a newer z of the same x.y.z with the same blobs
# is taken, and said.
#
# environment:
#   LINUX        a clone that has the tag, or an unpacked clean tree; never changed
#   GUP_CACHE    where archives are kept (default ~/.cache/gup)
#   GUP_VERSION  another version than the pinned one, and no check of blobs: this
#                is for make rebase
# exit status: 0 done, 2 no source, wrong blobs, or no disk space.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/series/debian.sh
. "$top/scripts/series/debian.sh"
# shellcheck source=scripts/series/fetch-net.sh
. "$top/scripts/series/fetch-net.sh"
help_if_asked "$@"
dir=${1-}
need git; need xz xz-utils; need tar

want=${GUP_VERSION:-$(pin version)}
series=$(printf '%s\n' "$want" | cut -d. -f1,2 | sed 's/-.*//')	# 7.3.4 -> 7.3
blobs=$patches/base.blobs
[ -z "${GUP_VERSION-}" ] || blobs=/dev/null
tmp=$cache/tmp
child='' mine=''
# shellcheck disable=SC2154 # status is set in the trap itself
trap 'status=$?; [ -z "$child" ] || kill "$child" 2>/dev/null || :
      rm -rf ${mine:+"$tmp"} ${dir:+"$dir.tmp"}; exit $status' EXIT
trap 'exit 130' INT TERM HUP

version_of() {
	awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { p = $3 } $1 == "SUBLEVEL" { s = $3 }
	     $1 == "EXTRAVERSION" { e = $3; exit }
	     END { printf "%s.%s%s%s\n", v, p, (s > 0 ? "." s : ""), e }' "$1/Makefile" 2>/dev/null
}

# verify DIR NAME: version and blobs; on failure a table of what differs.
verify() {
	got=$(version_of "$1")
	case "$got" in
	"$want") ;;
	"$series".*|"$series")
		[ -z "${GUP_VERSION-}" ] || { warn "$2 is $got, not $want"; return 1; };;
	*)	warn "$2 is Linux ${got:-of no version}, not $want: name another source with LINUX="; return 1;;
	esac
	table=$(while read -r id path; do
		if [ -f "$1/$path" ]; then
			found=$(git hash-object --no-filters -- "$1/$path")
		else
			found='(no such file)'
		fi
		[ "$found" = "$id" ] || printf '  %-40s %-40s %s\n' "$path" "$id" "$found"
	done <"$blobs")
	[ -z "$table" ] || {
		warn "$2 ($got) is not the source that patches/base.blobs pins: use v$want, or: make rebase BASE=$got"
		printf '  %-40s %-40s %s\n%s\n' path wanted found "$table" >&2
		return 1
	}
	[ "$got" = "$want" ] ||
		say "fetch: $2 is $got, not $want; every pinned file has the same blob, so it will do"
}

# unpack ARCHIVE DIR: all of it for the caller, else only what verify() reads.
unpack() {
	rm -rf "$2"; mkdir -p "$2"
	set -- "$1" "$2" -I 'xz -T0' --no-same-owner --strip-components=1
	if [ -n "$dir" ]; then
		arc=$1 out=$2; shift 2
		{ tar "$@" -xvf "$arc" -C "$out" || : >"$out.failed"; } |
			count_progress "unpack, files" 98000
		[ ! -e "$out.failed" ] || { rm -f "$out.failed"; return 1; }
	else
		arc=$1 out=$2; shift 2
		# A file that is not there makes tar fail here; verify() names it.
		# shellcheck disable=SC2046 # one word per path
		tar "$@" -xf "$arc" -C "$out" --wildcards --no-wildcards-match-slash \
			'*/Makefile' $(awk '{ print "*/" $2 }' "$blobs") 2>/dev/null || :
	fi
}

# accept ARCHIVE ORIGIN: unpack and verify; keep the archive; the end of the run.
accept() {
	src=${dir:-$cache/tmp/src}
	unpack "$1" "$src.tmp" || {
		GUP_NEED_MB=20 need_space "$(dirname "$src")" 20 "the kernel source"
		warn "$2: the archive does not unpack: is it damaged?"
		return 1
	}
	verify "$src.tmp" "$2" || return 1
	keep=$cache/linux-$got.tar.xz
	if [ "$1" != "$keep" ] || [ ! -e "$keep.ok" ]; then
		[ "$1" = "$keep" ] || mv -f "$1" "$keep"
		printf '%s %s %s\n' "$(sha256sum <"$keep" | cut -d' ' -f1)" "$got" "$2" >"$keep.ok.tmp"
		mv -f "$keep.ok.tmp" "$keep.ok"
	fi
	deliver "$src.tmp" "$2"
}

deliver() {
	if [ -n "$dir" ]; then
		printf '%s %s\n' "$got" "$2" >"$dir.origin"
		mv "$1" "$dir"
	fi
	say "fetch: Linux $got from $2: verified ($(wc -l <"$blobs") pinned blobs)"
	exit 0
}

from_linux() {
	src=$(cd "$LINUX" 2>/dev/null && pwd -P) || die "LINUX=$LINUX: no such directory: name a kernel clone or tree"
	[ -n "$dir" ] || { say "fetch: LINUX=$src is read when the tree is made; nothing to fetch"; exit 0; }
	mkdir -p "$dir.tmp"
	if git_any -C "$src" rev-parse -q --verify HEAD >/dev/null 2>&1 &&
	   [ "$(git_any -C "$src" rev-parse --show-prefix 2>/dev/null)" = '' ]; then
		newest=$(git_any -C "$src" tag -l "v$series" "v$series.*" --sort=-v:refname | head -n 1)
		for ref in "v$want" ${newest:+"$newest"} HEAD; do
			git_any -C "$src" rev-parse -q --verify "$ref^{commit}" >/dev/null && break
		done
		say "fetch: exporting $ref of LINUX=$src"
		{ git_any -C "$src" archive --format=tar "$ref" || : >"$dir.failed"; } |
			tar -xv -C "$dir.tmp" -f - | count_progress "export, files" 98000
		[ ! -e "$dir.failed" ] || { rm -f "$dir.failed"; die "LINUX=$src: git archive $ref failed: see above"; }
		verify "$dir.tmp" "LINUX=$src, $ref" || exit 2
	else
		for f in .config include/generated; do
			[ ! -e "$src/$f" ] ||
				die "LINUX=$src holds build output ($f): make -C $src mrproper, or name a clean tree"
		done
		verify "$src" "LINUX=$src" || exit 2
		tar -C "$src" --exclude=./.git -cf - . | tar -xv -C "$dir.tmp" --no-same-owner -f - |
			count_progress "copy, files" 98000
		verify "$dir.tmp" "the copy of LINUX=$src" || exit 2
	fi
	deliver "$dir.tmp" "LINUX=$src"
}
git_any() { git -c safe.directory='*' "$@"; }	# the clone may belong to someone else

from_cache() {
	for arc in "$cache/linux-$want.tar.xz" $(ls -r "$cache/linux-$series".*.tar.xz 2>/dev/null); do
		[ -f "$arc" ] || continue
		origin="an archive put into the cache"
		if [ -f "$arc.ok" ]; then
			read -r sum _ origin <"$arc.ok"
			[ "$(sha256sum <"$arc" | cut -d' ' -f1)" = "$sum" ] || {
				warn "$arc has changed since it was verified: moved aside, fetching again"
				mv -f "$arc" "$arc.bad"; rm -f "$arc.ok"; continue
			}
		fi
		accept "$arc" "$origin" || :
	done
}

[ -z "$dir" ] || { need_space "$(dirname "$dir")" 2100 "the kernel source"; rm -rf "$dir.tmp"; }
[ -z "${LINUX-}" ] || from_linux
need_space "$cache" 500 "the source archive"
exec 8<>"$cache/.lock"
flock -n 8 || { say "fetch: waiting for another fetch into $cache"; flock 8; }
mine=1
rm -rf "$tmp"; mkdir -p "$tmp"
tried=
from_cache
say "fetch: Linux $want is not in $cache yet"
from_kernel_org
from_debian
die "no source for Linux $want: name a clone or tree with LINUX=<path> (tried${tried#;})"
