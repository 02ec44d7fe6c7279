#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tcg-build.sh - build the plugin for QEMU that counts what a guest executes
#
# usage: scripts/tcg-build.sh		prints the path of the plugin
#
# Builds scripts/tcg_count.c, whose head tells its arguments, unless this very source
# has been built before.
#
# environment: CC
# exit status: 0 built, 2 not built
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

cc=${CC:-gcc}
need "$cc" gcc; need git
source=$top/scripts/tcg_count.c
plugin=$build/tcg_count-$(git hash-object --no-filters "$source" | cut -c 1-12).so
if [ ! -e "$plugin" ]; then
	need_space "$build" 1 'the plugin for QEMU'
	rm -f "$build"/tcg_count-*
	"$cc" -O2 -Wall -Wextra -Wno-unused-parameter -shared -fPIC -o "$plugin.new" "$source" >&2 ||
		die "scripts/tcg_count.c does not build: see above"
	mv "$plugin.new" "$plugin"
fi
say "$plugin"
