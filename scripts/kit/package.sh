#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# package.sh - configure the kernel of one side for a real machine, and build its package
#
# usage: scripts/kit/package.sh series|base
#
# Merges kconfigs/bench-kit.config with x86_64_defconfig and kconfigs/bench-kit-server.config,
# or with CONFIG=, and compares each line with the final .config: an option that Kconfig
# dropped is an error that names it. Then make bindeb-pkg, in o-bench-kit beside the tree of
# the side. Leaves build/kit/linux-image-*-gup-<side>_*.deb and build/kit/<side>.config.
#
# The package's version ends with the id of the tree, and so does uname -v of its kernel.
#
# Does nothing if the package of this tree and configuration is there.
#
# environment: CONFIG=file, JOBS=n, NOCCACHE=1, CC
# exit status: 0 built, 2 not built (the first error is printed), or bad input
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
help_if_asked "$@"
case "$#${1-}" in 1series|1base) ;; *) die "kit: name a side, series or base: scripts/kit/package.sh --help";; esac

side=$1 root=$(side_root "$1")
tree=$root/linux o=$root/o-bench-kit log=$root/o-bench-kit/build.log kit=$build/kit
[ -r "$tree/Kconfig" ] || die "no kernel tree in $tree: scripts/tree.sh $side"
cross=
compiler
lock bench-kit
need dpkg-buildpackage dpkg-dev; need dh_builddeb debhelper; need rsync; need depmod kmod
need_space "$root" 4000 "the kernel of the $side"
mkdir -p "$o" "$kit"

# Nothing in a package tells where it was built; the tree it was built from, everything.
id=$(git -C "$tree" rev-parse --short=10 'HEAD^{tree}')
git -C "$tree" diff --quiet HEAD || id=$id.edited.$(date +%s)
export KBUILD_BUILD_USER=gup KBUILD_BUILD_HOST=bench-kit KDEB_CHANGELOG_DIST=unstable
export DEBFULLNAME='gup rig' DEBEMAIL=rig@gup.invalid
version=$(pin version)-1+$id
# Of what bindeb-pkg makes, only the image is wanted. It asks for libdw-dev (-d), which only
# kernels with debugging information use.
export DEB_BUILD_PROFILES='pkg.linux-upstream.nokernelheaders pkg.linux-upstream.nokerneldbg'

# Paths relative to the object tree: see compiler() in lane.sh.
in_tree() {
	make -C "$tree" -s ARCH=x86_64 O=../o-bench-kit CC="$cc" "LOCALVERSION=-gup-$side" \
		"KDEB_PKGVERSION=$version" DPKG_FLAGS=-d "$@" </dev/null
}

first_error() {
	grep -n -m 1 -A 6 -E '(error|Error|fatal error|undefined reference|No space left)' "$log" >&2 || tail -n 8 "$log" >&2
	die "$1 ($side): first error above, all in $log"
}

# is LINE: the final .config has it. An option that is not there is off, or empty.
is() {
	_name=$(printf '%s\n' "$1" | grep -o 'CONFIG_[A-Z0-9_a-z]*')
	grep -qxF "$1" "$o/.config" && return 0
	case $1 in
	'# '*|*'=""') ! grep -q "^$_name=" "$o/.config";;
	*=m) grep -qx "$_name=y" "$o/.config";;
	*) return 1;;
	esac
}

configure() {
	if [ -n "${CONFIG-}" ]; then
		[ -r "$CONFIG" ] || die "CONFIG=$CONFIG: no such file: name a config, as CONFIG=/boot/config-$(uname -r)"
		from=$CONFIG fragments='bench-kit'
	else
		from=$tree/arch/x86/configs/x86_64_defconfig fragments='bench-kit-server bench-kit'
	fi
	set -- "$from"
	for f in $fragments; do set -- "$@" "$top/kconfigs/$f.config"; done
	{
		(cd "$o" && "$tree/scripts/kconfig/merge_config.sh" -Q -m -O . "$@") && in_tree olddefconfig
	} >"$log" 2>&1 || first_error "the configuration failed"
	for f in $fragments; do
		words_of_config "$top/kconfigs/$f.config" | while read -r line; do
			is "$line" || die "kit ($side): Kconfig dropped $line (kconfigs/$f.config): a dependency is not met in $from"
		done || exit 2
	done
}
words_of_config() { grep -E '^(CONFIG_|# CONFIG_.* is not set)' "$1"; }

configure
# The tree's id is in the name, the compiler in the configuration.
if cmp -s "$o/.config" "$kit/$side.config" && [ -e "$kit/linux-image-$(pin version)-gup-${side}_${version}_amd64.deb" ]; then
	say "kit: the package of the $side is up to date"
	exit 0
fi
stamp=$o/.gup-stamp
: >"$stamp"
begin=$(date +%s)
full=$(cat "$o/.gup-objects" 2>/dev/null || echo 3600)
built() { find "$o" -name '*.o' -newer "$stamp" 2>/dev/null | wc -l; }
rm -f "$root"/linux-*_*.deb "$root"/linux-upstream_* "$kit"/linux-image-*-gup-"$side"_*.deb "$kit/$side.config"
in_tree -j "${JOBS:-$(jobs)}" bindeb-pkg >>"$log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || :; exit 2' INT TERM HUP
while kill -0 "$pid" 2>/dev/null; do
	n=$(built)
	[ "$n" -eq 0 ] || [ "$n" -ge "$full" ] || progress "kit, $side: objects built" "$n" "$full"
	sleep 5
done
wait "$pid" || first_error "the package does not build"
trap - INT TERM HUP
find "$o" -name '*.o' | wc -l >"$o/.gup-objects"
mv "$root"/linux-image-*-gup-"$side"_*.deb "$kit/" || die "bindeb-pkg made no package of the image: see $log"
rm -f "$root"/linux-*_*.deb "$root"/linux-upstream_*
cp "$o/.config" "$kit/$side.config"
say "kit: $(cd "$kit" && ls -- *-gup-"$side"_*.deb): $(($(date +%s) - begin)) s"
