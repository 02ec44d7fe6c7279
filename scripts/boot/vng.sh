#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# vng.sh - virtme-ng, for make vm VM=vng
#
# usage: scripts/boot/vng.sh			prints the directory with usr/bin/vng in it
#        scripts/boot/vng.sh -- ARG...	runs vng with these arguments
#
# Debian 12 has no package of it; trixie's is for any architecture, and is unpacked into
# the cache, not installed. A machine without udev gets a few lines in its stead, which
# give the ports of virtio their names: the guest's init asks for them.
#
# exit status: 0 it is there, or that of vng; 2 it cannot be installed
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/series/debian.sh
. "$top/scripts/series/debian.sh"
help_if_asked "$@"

vng=$cache/virtme-ng
if [ ! -e "$vng/usr/bin/vng" ]; then
	need_space "$cache" 150 "virtme-ng and the lists of a Debian suite"
	tmp=$cache/tmp-vng
	trap 'rm -rf "$tmp"' EXIT
	rm -rf "$tmp"
	mkdir -p "$tmp/new/gup-udev"
	debian_suite "$tmp" trixie || die "apt has no sources: install virtme-ng by hand, then: make vm"
	warn "virtme-ng: looking in Debian trixie"
	{ (debian_apt "$tmp" apt-get update) && (cd "$tmp" && debian_apt "$tmp" apt-get download virtme-ng); } \
		>"$tmp/out" 2>&1 ||
		die "cannot get virtme-ng: $(grep -m 1 '^[EW]:' "$tmp/out" || tail -n 1 "$tmp/out"): make vm does without"
	dpkg-deb -x "$tmp"/virtme-ng_*.deb "$tmp/new"
	cat >"$tmp/new/gup-udev/udevd" <<-'EOF2'
	#!/bin/sh
	mkdir -p /dev/virtio-ports
	for port in /sys/class/virtio-ports/*; do
		read -r name <"$port/name" && ln -sf "../${port##*/}" "/dev/virtio-ports/$name"
	done
	EOF2
	chmod +x "$tmp/new/gup-udev/udevd"
	rm -rf "$vng"
	mv "$tmp/new" "$vng"
fi
[ $# -gt 0 ] || { say "$vng"; exit 0; }
[ "$1" = -- ] || die "vng.sh: $1: see --help"
shift
[ -e /lib/systemd/systemd-udevd ] || [ -e /usr/lib/systemd/systemd-udevd ] ||
	set -- "--rodir=/usr/local/bin=$vng/gup-udev" "$@"
# The system's Python: virtme-ng needs modules that Debian packages for it.
PATH=$vng/usr/bin:$PATH PYTHONPATH=$vng/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1 \
	exec /usr/bin/python3 "$vng/usr/bin/vng" "$@"
