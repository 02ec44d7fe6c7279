#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# build.sh - build a plugin for QEMU
#
# usage: scripts/tcg/build.sh count|slow	prints the path of the plugin
#
# Builds scripts/tcg/NAME.c, whose head tells what it does and its arguments, unless this
# very source has been built before.
#
# environment: CC
# exit status: 0 built, 2 not built
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
help_if_asked "$@"

cc=${CC:-gcc}
need "$cc" gcc; need git
name=${1-}
source=$top/scripts/tcg/$name.c header=$top/scripts/tcg/plugin.h
case $name in
count|slow) ;;
*) die "tcg/build.sh: $name: use count or slow";;
esac
plugin=$build/tcg_$name-$(cat "$header" "$source" | git hash-object --stdin | cut -c 1-12).so
if [ ! -e "$plugin" ]; then
	need_space "$build" 1 'the plugin for QEMU'
	rm -f "$build/tcg_$name"-*
	"$cc" -O2 -Wall -Wextra -Wno-unused-parameter -shared -fPIC -o "$plugin.new" "$source" >&2 ||
		die "scripts/tcg/$name.c does not build: see above"
	mv "$plugin.new" "$plugin"
fi
say "$plugin"
