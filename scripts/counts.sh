#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# counts.sh - compare GUP's locked operations and page-table walks with their record
#
# usage: scripts/counts.sh			(make counts)
#
# Runs the rows of make bench in a kernel that counts locked operations and page-table
# walks (lane um-count, in build/bench/series), and compares with scripts/figures/bench.counts.
# Both are exact on any machine, however busy. A row that got worse is a regression
# that no functional test sees. One that got better fails, too, until it is on record.
#
# environment: ACCEPT=1 write the record instead; RECORD=scripts/figures/bench.counts;
#              GUP_COMMIT=<commit> of build/linux instead of what is there;
#              JOBS, CC, NOCCACHE=1
# exit status: 0 as on record, 1 a row differs, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/series.sh
. "$top/scripts/series/series.sh"
# shellcheck source=scripts/figures/bench-trees.sh
. "$top/scripts/figures/bench-trees.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "counts: takes no arguments: scripts/counts.sh --help"

lock counts
[ -n "${GUP_READY-}" ] || { "$top/scripts/setup.sh" tree build; "$top/scripts/tree.sh" series; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; scratch_close' EXIT
bench_commit series
bench_place series "$applied"
bench_build series um-count
bench_boot series um-count 1 '*' "$tmp/counts.tsv"
verb=check
[ -z "${ACCEPT-}" ] || verb=record
"$top/scripts/figures/counts.py" "$verb" "${RECORD:-$top/scripts/figures/bench.counts}" "$tmp/counts.tsv"
