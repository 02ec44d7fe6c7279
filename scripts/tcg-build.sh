#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tcg-build.sh - build a plugin for QEMU
#
# usage: scripts/tcg-build.sh tcg_count|tcg_slow	prints the path of the plugin
#
# Builds scripts/NAME.c, whose head tells what it does and its arguments, unless this
# very source has been built before.
#
# environment: CC
# exit status: 0 built, 2 not built
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

cc=${CC:-gcc}
need "$cc" gcc; need git
name=${1-}
source=$top/scripts/$name.c header=$top/scripts/tcg_plugin.h
case $name in
tcg_*) [ -r "$source" ] || die "tcg-build: no scripts/$name.c";;
*) die "tcg-build: $name: use tcg_count or tcg_slow";;
esac
plugin=$build/$name-$(cat "$header" "$source" | git hash-object --stdin | cut -c 1-12).so
if [ ! -e "$plugin" ]; then
	need_space "$build" 1 'the plugin for QEMU'
	rm -f "$build/$name"-*
	"$cc" -O2 -Wall -Wextra -Wno-unused-parameter -shared -fPIC -o "$plugin.new" "$source" >&2 ||
		die "scripts/$name.c does not build: see above"
	mv "$plugin.new" "$plugin"
fi
say "$plugin"
