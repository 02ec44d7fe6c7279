#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# bench-kit.sh - a kit that times GUP on a real machine	(make bench-kit)
#
# usage: scripts/bench-kit.sh
#
# For figures that a virtual machine cannot give. Builds the kernel of the base and that of
# build/linux, edits that are not committed included, of one configuration, as Debian
# packages, and gup-bench, a static program that measures whichever of them is booted:
# 4K pages, each size of mTHP, 2M, 1G; GUP fast, slow and long-term, io_uring, direct I/O,
# unpinning; 1, 16, 512 and all pages a call; one CPU and all. Leaves in build/out/bench-kit/:
#   linux-image-*-gup-base_*.deb, linux-image-*-gup-series_*.deb
#   gup-bench   gup-bench --help is its manual
#   README.md   what to do with it: install, boot each, run, compare
#   *.config    of both kernels: they differ in nothing
#   manifest    trees, compiler, date
# and all of it as build/out/bench-kit.tar. The configuration is x86_64_defconfig with
# kconfigs/bench-kit-server.config, for servers, and kconfigs/bench-kit.config, which has what
# the measurement needs. x86-64 only.
#
# environment
#   CONFIG=file   the configuration of the machine instead, as /boot/config-6.1.0-18-amd64,
#                 with kconfigs/bench-kit.config. Builds all modules that it has: hours
#   TRY=1         boot both packages in QEMU, measure there, compare, and look whether all of
#                 it works: build/out/bench-kit/try/. The times mean nothing. 10 min under TCG
#   TRY=only      the same with the kit that is there
#   JOBS=n, CC, NOCCACHE=1, ACCEL=kvm|tcg
# exit status: 0 made, 1 the kit does not work when tried, 2 not made
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "bench-kit: $1: takes no arguments, but variables before its name: scripts/bench-kit.sh --help"
case ${TRY-} in ''|1|only) ;; *) die "TRY=$TRY: use TRY=1 or TRY=only";; esac
[ "$(uname -m)" = x86_64 ] || die "bench-kit: builds for x86-64, on x86-64: this is $(uname -m)"

s=$top/scripts out=$build/out/bench-kit
lock bench-kit
tools='tree build kit'
[ -z "${TRY-}" ] || tools="$tools vm"
# shellcheck disable=SC2086 # words
[ -n "${GUP_READY-}" ] || "$s/setup.sh" $tools

make_kit() {
	[ -n "${GUP_READY-}" ] || { "$s/tree.sh" series; "$s/tree.sh" base; }
	rm -rf "$out"
	mkdir -p "$out"
	"$s/kit/program.sh" "$out/gup-bench" "$linux" "$baselinux"
	for side in series base; do "$s/kit/package.sh" "$side"; done
	cmp -s "$build/kit/base.config" "$build/kit/series.config" ||
		die "base and series have different configurations: diff $build/kit/base.config $build/kit/series.config"
	cp "$build"/kit/*.deb "$build"/kit/*.config "$s/kit/README.md" "$out/"
	cat >"$out/manifest" <<-EOT
	base        $(git -C "$baselinux" rev-parse 'HEAD^{tree}')
	series      $(git -C "$linux" rev-parse 'HEAD^{tree}')$(git -C "$linux" diff --quiet HEAD || echo ' + uncommitted edits')
	config      ${CONFIG:-kconfigs/bench-kit-server.config}
	compiler    $(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"/\1/p' "$out/series.config")
	date        $(date -u +%Y-%m-%dT%H:%M:%SZ)
	EOT
	tar -C "$build/out" --sort=name --owner=0 --group=0 --numeric-owner -cf "$out.tar.new" bench-kit
	mv "$out.tar.new" "$out.tar"
	say "bench-kit: $(du -h "$out.tar" | cut -f1) in $out.tar; next: $out/README.md"
}

[ "${TRY-}" = only ] || make_kit
[ -z "${TRY-}" ] || "$s/kit/try.sh"
