#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# setup.sh - check that the tools are there, and install what is missing
#
# usage: scripts/setup.sh [tree] [build] [vm] [i386] [arm64] [riscv] [vng] [lint] [cocci] [compile] [post] [bench] [model] [kit] [view]	(default: tree build lint)
#        scripts/setup.sh --table	prints the table, for doctor.sh
#
#   tree   gets the source and applies the patches
#   build  builds and runs ARCH=um kernels
#   vm     builds and runs x86-64 kernels and the selftests in QEMU
#   i386   runs i386 kernels in QEMU
#   arm64  builds and runs arm64 kernels in QEMU
#   riscv  builds and runs riscv64 kernels in QEMU
#   vng    for make vm VM=vng
#   lint   for checkpatch, sparse, shellcheck and codespell
#   cocci  for make cocci
#   compile  compilers for make compile, 2 GB
#   post   for make mbox and make send-check
#   bench  for make bench
#   model  for make model
#   kit    for make bench-kit
#   view   for the test of make report
#
# As root on Debian 12 or newer (or a system like it) it installs the packages. Else
# it prints the one command that does, and stops. The table below is the only list.
#
# exit status: 0 all there, 2 something is missing.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
[ $# -gt 0 ] || set -- tree build lint

# group  tool on PATH, or file  Debian package  what for
table='
tree	git				git		the tree and the series
tree	xz				xz-utils	the source archive
tree	tar				tar		the source archive
tree	curl				curl		the tarball of kernel.org
tree	/etc/ssl/certs/ca-certificates.crt ca-certificates	the tarball of kernel.org
tree	flock				util-linux	one run at a time
tree	python3				python3		the order of the topics
build	make				make		the kernel
build	gcc				gcc		the kernel
build	ld				binutils	the kernel
build	/usr/include/stdio.h		libc6-dev	the kernel, host programs and UML
build	flex				flex		kconfig
build	bison				bison		kconfig
build	bc				bc		kernel/time/timeconst.h
build	python3				python3		the parsers of this rig
vm	qemu-system-x86_64		qemu-system-x86	the guest
vm	/usr/include/libelf.h		libelf-dev	objtool
vm	mkfs.ext4			e2fsprogs	the disk of the guest
vm	/usr/include/numa.h		libnuma-dev	the migration test
vm	/usr/include/liburing.h		liburing-dev	cow and gup_longterm
vm	/usr/include/sys/capability.h	libcap-dev	memfd_secret
i386	qemu-system-i386		qemu-system-x86	the guest
arm64	aarch64-linux-gnu-gcc		gcc-aarch64-linux-gnu	the kernel
arm64	qemu-system-aarch64		qemu-system-arm	the guest
riscv	riscv64-linux-gnu-gcc		gcc-riscv64-linux-gnu	the kernel
riscv	qemu-system-riscv64		qemu-system-misc	the guest
riscv	/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin qemu-system-data	its firmware
vng	/usr/lib/python3/dist-packages/argcomplete	python3-argcomplete	virtme-ng
vng	/usr/lib/python3/dist-packages/requests	python3-requests	virtme-ng
vng	/usr/lib/python3/dist-packages/pkg_resources	python3-pkg-resources	virtme-ng
vng	file				file		virtme-ng
lint	perl				perl		checkpatch.pl
lint	shellcheck			shellcheck	the scripts of this rig
lint	sparse				sparse		C=2
lint	/usr/include/libelf.h		libelf-dev	objtool
lint	codespell			codespell	the spelling of patches and pages
cocci	spatch				coccinelle	the semantic patches
cocci	python3-config			python3-dev	the same: spatch loads libpython3.x.so
compile	/usr/include/libelf.h		libelf-dev	objtool
compile	clang-19			clang-19	loongarch, hexagon, um and x86-64
compile	ld.lld-19			lld-19		the same
compile	llvm-ar-19			llvm-19		the same
compile	alpha-linux-gnu-gcc		gcc-alpha-linux-gnu	alpha
compile	/usr/include/x86_64-linux-gnu/gnu/stubs-32.h libc6-dev-i386	um, 32 bits
compile	arc-linux-gnu-gcc		gcc-arc-linux-gnu	arc
compile	arm-linux-gnueabihf-gcc		gcc-arm-linux-gnueabihf	arm
compile	aarch64-linux-gnu-gcc		gcc-aarch64-linux-gnu	arm64
compile	m68k-linux-gnu-gcc		gcc-m68k-linux-gnu	m68k
compile	mips-linux-gnu-gcc		gcc-mips-linux-gnu	mips
compile	mips64el-linux-gnuabi64-gcc	gcc-mips64el-linux-gnuabi64	mips, 64 bits
compile	or1k-elf-gcc			gcc-or1k-elf	openrisc
compile	hppa-linux-gnu-gcc		gcc-hppa-linux-gnu	parisc
compile	hppa64-linux-gnu-gcc		gcc-hppa64-linux-gnu	parisc, 64 bits
compile	powerpc-linux-gnu-gcc		gcc-powerpc-linux-gnu	powerpc
compile	powerpc64-linux-gnu-gcc		gcc-powerpc64-linux-gnu	powerpc, 64 bits
compile	riscv64-linux-gnu-gcc		gcc-riscv64-linux-gnu	riscv
compile	s390x-linux-gnu-gcc		gcc-s390x-linux-gnu	s390
compile	sh4-linux-gnu-gcc		gcc-sh4-linux-gnu	sh
compile	sparc64-linux-gnu-gcc		gcc-sparc64-linux-gnu	sparc
post	perl				perl		get_maintainer.pl
post	b4				b4		the test of make mbox
bench	gnuplot				gnuplot-nox	the plot of make bench
model	spin				spin		the model of GUP-fast
kit	dpkg-buildpackage		dpkg-dev	the packages of the kernels
kit	dh_builddeb			debhelper	the same
kit	rsync				rsync		the same
kit	depmod				kmod		the same
kit	/usr/include/libelf.h		libelf-dev	objtool
kit	/usr/include/openssl/ssl.h	libssl-dev	the config of a distribution, which signs modules
kit	busybox				busybox-static	the guest of TRY=1
view	chromium			chromium	the test of make report
'

[ "$1" != --table ] || { printf '%s' "$table" | grep .; exit 0; }
groups=$(printf '%s' "$table" | awk 'NF && !seen[$1]++ { printf "%s ", $1 }')
packages='' tools=''
for group in "$@"; do
	case " $groups" in
	*" $group "*) ;;
	*) die "setup: no group '$group': use one of ${groups% }";;
	esac
	missing=$(printf '%s' "$table" | while read -r g tool package _; do
		[ "$g" = "$group" ] || continue
		case "$tool" in
		/*) [ -e "$tool" ] || echo "$tool $package";;
		*) command -v "$tool" >/dev/null 2>&1 || echo "$tool $package";;
		esac
	done)
	tools="$tools $(printf '%s\n' "$missing" | awk 'NF { printf "%s ", $1 }')"
	packages="$packages $(printf '%s\n' "$missing" | awk 'NF { printf "%s ", $2 }')"
done
# shellcheck disable=SC2086 # one word per tool
tools=$(printf ' %s\n' $tools | awk '!seen[$0]++' | tr -d '\n')
# shellcheck disable=SC2086 # one word per package
packages=$(printf '%s\n' $packages | sort -u | tr '\n' ' ')
packages=${packages% }
case "$packages" in *[a-z]*) ;; *) exit 0;; esac

command="apt-get install -y --no-install-recommends $packages"
command -v apt-get >/dev/null 2>&1 ||
	die "missing:$tools: install what your system calls these Debian packages: $packages"
[ "$(id -u)" = 0 ] || die "missing:$tools: sudo apt-get update && sudo $command"

say "setup: $command"
# Not in build/, which sudo would make root's.
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
# A system that has just booted updates itself, and has the locks of apt meanwhile.
apt() {
	tries=0 at=$(wc -c <"$log")
	until apt-get "$@" >>"$log" 2>&1 </dev/null; do
		held=$(last | grep -m 1 'Could not get lock') && [ "$tries" -lt 120 ] || return 1
		[ "$tries" -gt 0 ] || say "setup: waiting: $held"
		tries=$((tries + 1)) at=$(wc -c <"$log")
		sleep 5
	done
}
# last: what the last try wrote
last() { tail -c "+$((at + 1))" "$log"; }
# why: what stopped it. An update that cannot fetch a list only warns, and returns 0.
why() {
	case $(last | grep -m 1 '^E:') in
	'E: Unable to locate'*|'E: Failed to fetch'*) grep -m 1 '^W: Failed to fetch' "$log" && return;;
	esac
	last | grep -m 1 '^E:' || tail -n 1 "$log"
}
# The lists of a fresh image are empty or old: update only when an install fails.
# shellcheck disable=SC2086 # package names
apt ${command#apt-get } || { apt update && apt ${command#apt-get }; } ||
	die "apt-get failed: $(why): see $log, fix it, then: $command"
rm -f "$log"
say "setup: done"
