#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# clean.sh - remove object trees and results		(make clean)
#
# usage: scripts/clean.sh
#
# Never build/linux, nor the trees beside it: what you edited there stays.
#
# exit status: 0 removed
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "clean: takes no arguments: scripts/clean.sh --help"
lock clean
rm -rf "$build"/o-* "$build"/base/o-* "$build"/each/base/o-* "$build"/bench/*/o-* "$build"/compile "$build"/base/compile \
	"$build/kit" "$build/each/out" "$build/out"
