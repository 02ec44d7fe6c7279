#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# doctor.sh - what this machine has, what it lacks, and what that costs	(make doctor)
#
# usage: scripts/doctor.sh
#
# A line for each tool of the table in setup.sh: its version, or what cannot be done
# without it and the command that installs it; then the machine: disk, memory, /dev/shm,
# virtualization, sources of the kernel. Changes nothing and needs no network.
#
# exit status: 0 all that make check needs is there, 2 something of it is missing
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

# version TOOL: as a program tells it, else that of its package
version() {
	_is=
	case $1 in
	/*) _file=$1;;
	*)	_file=$(command -v "$1")
		_is=$("$1" --version 2>/dev/null </dev/null | head -n 2 | grep -o '[0-9]\+\.[0-9][0-9a-z.+~-]*' | head -n 1);;
	esac
	[ -n "$_is" ] || _is=$(dpkg-query -W -f '${Version}' "$(dpkg -S "$_file" 2>/dev/null | sed 's/[:,].*//' | head -n 1)" 2>/dev/null) || :
	echo "${_is:-there, version unknown}"
}

row() { printf '%-8s %-34s %s\n' "$1" "$2" "$3"; }

# What a group of the table is for; those that set missing below are what make check needs.
lost() {
	case $1 in
	tree) echo 'any verb of this rig';;
	build) echo 'make kunit, make check';;
	vm) echo 'make vm, the x86-64 lanes, icount';;
	lint) echo 'sparse, checkpatch, shellcheck or codespell in make check';;
	cocci) echo 'make cocci, make check';;
	compile) echo 'a row of make compile, make check-all';;
	model) echo 'make model, make check';;
	vng) echo 'make vm VM=vng';;
	i386) echo 'the lane i386, make check';;
	arm64|riscv) echo "the lanes of $1, make check-all";;
	post) echo 'make send-check, make check';;
	bench) echo 'the plot of make bench';;
	kit) echo 'make bench-kit';;
	view) echo 'the test of make report, which is skipped';;
	*) echo "the group $1";;
	esac
}

missing=0
table=$(mktemp)
trap 'rm -f "$table"' EXIT
"$top/scripts/setup.sh" --table >"$table"
while read -r group tool package use; do
	case $tool in
	/*) [ -e "$tool" ] && have=1 || have=0;;
	*) command -v "$tool" >/dev/null 2>&1 && have=1 || have=0;;
	esac
	if [ "$have" = 1 ]; then
		row ok "$tool" "$(version "$tool")"
		continue
	fi
	row MISSING "$tool" "for $use; without it: not $(lost "$group"); get it: apt-get install $package"
	case $group in tree|build|vm|i386|lint|cocci|model|post) missing=1;; esac
done <"$table"
if command -v ccache >/dev/null 2>&1; then row ok ccache "$(version ccache)"
else row absent ccache 'a second build takes as long as the first; get it: apt-get install ccache'
fi

say
at=$build
while [ ! -d "$at" ]; do at=$(dirname "$at"); done
row machine cpus "$(jobs)"
free=$(df -Pk "$at" | awk 'NR == 2 { print int($4 / 1024) }')
row machine 'disk for build/' "$free MB free; make kunit takes 2300, make check 7500"
row machine memory "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo) MB available; a guest takes 3000"
shm=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
if [ "${shm:-0}" -ge 1100 ]; then row machine /dev/shm "$shm MB free: the memory of UML kernels"
else row machine /dev/shm "${shm:-0} MB free, less than 1100: the memory of UML kernels goes to build/ instead"
fi
if read -r _ accel why 2>/dev/null <"$build/vm-accel"; then row machine accelerator "$accel: $why"
elif [ -r /dev/kvm ] && [ -w /dev/kvm ]; then row machine accelerator '/dev/kvm opens; the first boot in QEMU tells whether it works'
else row machine accelerator 'no /dev/kvm that can be opened: TCG, which takes about ten times as long'
fi
tarball=$cache/linux-$(pin version).tar.xz
if [ -d "$linux" ]; then row machine 'kernel source' "$linux"
elif [ -e "$tarball" ]; then row machine 'kernel source' "$tarball: no network is needed"
else row machine 'kernel source' "not here: LINUX=<clone or tree>, else kernel.org or Debian (network${http_proxy:+, through the proxy $http_proxy})"
fi
if read -r verb pid _ 2>/dev/null <"$build/.lock" && kill -0 "$pid" 2>/dev/null; then
	row machine lock "$verb runs here now (pid $pid)"
fi
[ "$missing" -eq 0 ] || die 'something that make check needs is missing: see above, or: make setup'
say 'doctor: all that make check needs is there'
