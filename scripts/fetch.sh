#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# fetch.sh - get the pinned kernel source, check it, keep it for offline use
#
# Usage: scripts/fetch.sh [DIR]
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
# Environment:
#   LINUX        a clone that has the tag, or an unpacked clean tree; never changed
#   GUP_CACHE    where archives are kept (default ~/.cache/gup)
#   GUP_VERSION  another version than the pinned one, and no check of blobs: this
#                is for make rebase
# Exit status: 0 done, 2 no source, wrong blobs, or no disk space.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
dir=${1-}
need git; need xz xz-utils; need tar

want=${GUP_VERSION:-$(pin version)}
series=$(printf '%s\n' "$want" | cut -d. -f1,2 | sed 's/-.*//')	# 7.3.4 -> 7.3
blobs=$patches/base.blobs
[ -z "${GUP_VERSION-}" ] || blobs=/dev/null
tmp=$cache/tmp
child=
# shellcheck disable=SC2154 # status is set in the trap itself
trap 'status=$?; [ -z "$child" ] || kill "$child" 2>/dev/null || :
      rm -rf "$tmp" ${dir:+"$dir.tmp"}; exit $status' EXIT
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
		{ tar "$@" -xvf "$arc" -C "$out" || echo failed >"$out.failed"; } |
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
	unpack "$1" "$src.tmp" || { warn "$2: the archive is damaged"; return 1; }
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
		{ git_any -C "$src" archive --format=tar "$ref" || echo failed >"$dir.failed"; } |
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

# watch LABEL MB COMMAND...: run it, showing how much has arrived in $tmp.
watch() {
	label=$1 mb=$2; shift 2
	"$@" >"$tmp/out" 2>&1 9>&- &
	child=$!
	while kill -0 "$child" 2>/dev/null; do
		sleep 1
		done=$(du -sm "$tmp" | cut -f1)
		[ "$done" -lt 3 ] || progress "$label, MB" "$done" $((done < mb ? mb : done + 1))
	done
	rc=0; wait "$child" || rc=$?
	child=
	[ "$rc" -ne 0 ] || progress "$label, MB" "$(du -sm "$tmp" | cut -f1)" "$(du -sm "$tmp" | cut -f1)"
	return "$rc"
}

from_kernel_org() {
	url=$(pin url)
	[ -z "${GUP_VERSION-}" ] ||
		url=https://cdn.kernel.org/pub/linux/kernel/v${want%%.*}.x/linux-$want.tar.xz
	[ -n "$url" ] || return 0
	for get in "curl -fsSL --connect-timeout 8 --speed-limit 1000 --speed-time 30 -o" \
		   "wget -q --timeout=20 --tries=2 -O"; do
		command -v "${get%% *}" >/dev/null 2>&1 && break
		get=
	done
	[ -n "$get" ] || { tried="$tried; kernel.org: neither curl nor wget is installed"; return 0; }
	# shellcheck disable=SC2086 # $get is a command with its options
	watch "download ${url##*/}" 155 $get "$tmp/linux.tar.xz" "$url" || {
		tried="$tried; kernel.org: $(tail -n 1 "$tmp/out")"; return 0; }
	# https already vouches for the host; the sums also catch a cut transfer.
	# shellcheck disable=SC2086
	$get "$tmp/sums" "${url%/*}/sha256sums.asc" 2>/dev/null || : >"$tmp/sums"
	sum=$(pin sha256); [ -n "$sum" ] && [ -z "${GUP_VERSION-}" ] ||
		sum=$(awk -v f="${url##*/}" '$2 == f { print $1 }' "$tmp/sums")
	if [ -n "$sum" ] && [ "$(sha256sum <"$tmp/linux.tar.xz" | cut -d' ' -f1)" != "$sum" ]; then
		tried="$tried; kernel.org: sha256 of the tarball is wrong"; return 0
	fi
	accept "$tmp/linux.tar.xz" "kernel.org" || tried="$tried; kernel.org: not what is pinned"
}

# Debian's package lives in backports, which few machines have enabled: use the
# machine's own mirror, keyring and proxies, but private lists, so that nothing
# of the machine changes. No root is needed.
from_debian() {
	command -v apt-get >/dev/null 2>&1 || { tried="$tried; Debian: no apt-get here"; return 0; }
	package=$(pin debian)
	[ -z "${GUP_VERSION-}" ] || package=linux-source-$series
	[ -n "$package" ] || return 0
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(SIGNED_BY)' 'Created-By: Packages' 2>/dev/null |
		grep -v -e '-security ' -e '-updates ' -e '-backports ' | head -n 1 >"$tmp/mirror"
	read -r mirror _ key <"$tmp/mirror" || { tried="$tried; Debian: apt has no sources"; return 0; }
	case "$key" in
	/*) ;;
	*)	key=; for f in /usr/share/keyrings/debian-archive-keyring.*; do [ ! -f "$f" ] || key=$f; done;;
	esac
	mkdir -p "$tmp/lists/partial" "$tmp/apt/archives/partial" "$tmp/parts"
	for suite in trixie-backports sid; do
		echo "deb ${key:+[signed-by=$key] }$mirror $suite main" >"$tmp/sources.list"
		set -- -q -o APT::Sandbox::User= -o APT::Default-Release= -o Acquire::Languages=none \
			-o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts="$tmp/parts" \
			-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$tmp/parts" \
			-o Dir::State::lists="$tmp/lists" -o Dir::Cache="$tmp/apt" -o Acquire::Retries=2
		say "fetch: looking for $package in Debian $suite"
		(cd "$tmp" && apt-get "$@" update >"$tmp/out" 2>&1) || {
			tried="$tried; Debian $suite: $(grep -m 1 '^[EW]:' "$tmp/out" || echo 'apt-get update failed')"
			continue
		}
		bytes=$(apt-cache "$@" show "$package" 2>/dev/null | awk '/^Size:/ { print $2; exit }')
		[ -n "$bytes" ] || { tried="$tried; Debian $suite: has no $package"; continue; }
		cd "$tmp"
		watch "download $package" $((bytes / 1048576 + 1)) apt-get "$@" download "$package" || {
			tried="$tried; Debian $suite: $(tail -n 1 "$tmp/out")"; cd "$top"; continue; }
		cd "$top"
		dpkg-deb --fsys-tarfile "$tmp/$package"_*.deb | tar -xOf - "./usr/src/$package.tar.xz" >"$tmp/linux.tar.xz"
		rm -f "$tmp/$package"_*.deb
		accept "$tmp/linux.tar.xz" "Debian $package ($suite)" ||
			tried="$tried; Debian $suite: not what is pinned"
	done
}

[ -z "$dir" ] || { need_space "$(dirname "$dir")" 2100 "the kernel source"; rm -rf "$dir.tmp"; }
[ -z "${LINUX-}" ] || from_linux
need_space "$cache" 500 "the source archive"
exec 8<>"$cache/.lock"
flock -n 8 || { say "fetch: waiting for another fetch into $cache"; flock 8; }
rm -rf "$tmp"; mkdir -p "$tmp"
tried=
from_cache
say "fetch: Linux $want is not in $cache yet"
from_kernel_org
from_debian
die "no source for Linux $want: name a clone or tree with LINUX=<path> (tried${tried#;})"
