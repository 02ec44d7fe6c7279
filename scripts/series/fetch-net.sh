# shellcheck shell=sh disable=SC2154,SC2034 # variables of lib.sh and fetch.sh
# SPDX-License-Identifier: GPL-2.0
# fetch-net.sh - the sources of fetch.sh that need a network. Each downloads into $tmp
# and calls accept(), which ends the run when the archive is the pinned kernel; else
# they add to $tried what went wrong and return.

# watch LABEL MB COMMAND...: run it, showing how much has arrived in $tmp.
watch() {
	label=$1 mb=$2; shift 2
	"$@" >"$tmp/out" 2>&1 9>&- &
	child=$!
	while kill -0 "$child" 2>/dev/null; do
		sleep 1
		here=$(du -sm "$tmp" | cut -f1)
		[ "$here" -lt 3 ] || progress "$label, MB" "$here" $((here < mb ? mb : here + 1))
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

# Debian's package lives in backports, which few machines have enabled.
from_debian() {
	command -v apt-get >/dev/null 2>&1 || { tried="$tried; Debian: no apt-get here"; return 0; }
	package=$(pin debian)
	[ -z "${GUP_VERSION-}" ] || package=linux-source-$series
	[ -n "$package" ] || return 0
	for suite in trixie-backports sid; do
		debian_suite "$tmp" "$suite" || { tried="$tried; Debian: apt has no sources"; return 0; }
		say "fetch: looking for $package in Debian $suite"
		(cd "$tmp" && debian_apt "$tmp" apt-get update >"$tmp/out" 2>&1) || {
			tried="$tried; Debian $suite: $(grep -m 1 '^[EW]:' "$tmp/out" || echo 'apt-get update failed')"
			continue
		}
		bytes=$(debian_apt "$tmp" apt-cache show "$package" 2>/dev/null | awk '/^Size:/ { print $2; exit }')
		[ -n "$bytes" ] || { tried="$tried; Debian $suite: has no $package"; continue; }
		cd "$tmp" || exit 2	# apt-get downloads into the working directory
		watch "download $package" $((bytes / 1048576 + 1)) debian_apt "$tmp" apt-get download "$package" || {
			tried="$tried; Debian $suite: $(tail -n 1 "$tmp/out")"; cd "$top" || exit 2; continue; }
		cd "$top" || exit 2
		dpkg-deb --fsys-tarfile "$tmp/$package"_*.deb | tar -xOf - "./usr/src/$package.tar.xz" >"$tmp/linux.tar.xz"
		rm -f "$tmp/$package"_*.deb
		accept "$tmp/linux.tar.xz" "Debian $package ($suite)" ||
			tried="$tried; Debian $suite: not what is pinned"
	done
}
