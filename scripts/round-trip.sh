#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# round-trip.sh - apply patches/, export them, compare: no byte may differ
#
# usage: scripts/round-trip.sh
#
# Works in a scratch worktree; build/linux is only read. When this fails, patches/
# was written by hand or by another tool: make tree && make refresh fixes that.
#
# exit status: 0 the same bytes, 1 they differ, 2 a patch does not apply, or no tree.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/series.sh
. "$top/scripts/series/series.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "round-trip: takes no arguments: scripts/round-trip.sh --help"
need git; need python3
lock round-trip
trap scratch_close EXIT
has_tree || die "no build/linux yet: make tree"

# shellcheck disable=SC2046 # file names without blanks
apply_onto gup-overlay $(series_files | sed "s,^,$patches/,")
export_topics gup-overlay "$applied" "$build/.export"
touched_blobs "$applied" >"$build/.export/base.blobs"

# Only what refresh writes is compared; stray patch files count as well.
status=0
for f in base.blobs "$build/.export"/*/* "$patches"/[0-9]*.patch "$patches"/*/[0-9]*.patch; do
	name=${f#"$build/.export/"}
	name=${name#"$patches/"}
	[ -e "$build/.export/$name" ] || [ -e "$patches/$name" ] || continue
	if [ ! -e "$patches/$name" ]; then
		say "round-trip: $name is missing in patches/: make tree && make refresh"
	elif [ ! -e "$build/.export/$name" ]; then
		say "round-trip: $name is not in a series: git rm patches/$name, or add it to patches/<topic>/series"
	elif ! cmp -s "$patches/$name" "$build/.export/$name"; then
		diff -u "$patches/$name" "$build/.export/$name" | head -n 20 || :
		say "round-trip: $name differs from its export: make tree && make refresh"
	else
		continue
	fi
	status=1
done
rm -rf "$build/.export"
[ "$status" -ne 0 ] || say "round-trip: $(series_files | wc -l) patches, apply and export give the same bytes"
exit "$status"
