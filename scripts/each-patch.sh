#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# each-patch.sh - test every prefix of the series, the series without each patch, each topic
#
# usage: scripts/each-patch.sh [prefix|without] [N...]	(default: both, all patches)
#        scripts/each-patch.sh topic [TOPIC...]		(default: all topics)
#
#   prefix   applies patches 1..N: it builds; the cases with since= of a patch that
#            is not applied yet fail, all others pass. As without: in the lane um, or in
#            um-thp if only that has cases of patch N
#   without  the whole series with patch N reverted: exactly the cases with since=N
#            fail. If N cannot be reverted alone, it is reverted together with the
#            later patch that is in the way, or with all later ones if several are; so
#            it is with a patch that must not go in without it (Only-with: in a cover
#            letter). The output says so.
#            - A patch of base-needs has no since= cases, because the base has it:
#              without it the lane um, um-thp or um-thp-smp must not pass.
#            - Without a documentation patch doc_check.py must complain.
#            - Any other patch makes GUP cheaper: counts.sh compares it with the prefix
#              before it. Some row must be better and none worse; if the changelog says
#              "No functional change", no row may differ.
#            - A patch of mm/gup_test or the selftests alone is skipped: make vm tests it;
#              so is one outside of mm/gup.c whose changelog names its selftest, or whose
#              cover letter holds it back, and one of drivers alone, which make compile compiles.
#   topic    the topic with nothing but what patches/topics says that it needs, and
#            base-needs, without which the suites do not build: it builds, and is judged
#            as a prefix is
#
# Works in build/each and build/bench/series, worktrees of build/linux, on the lanes
# um, um-thp and um-count; prints TAP. About 40 minutes in all with ccache, twice that without.
#
# environment: JOBS, CC, NOCCACHE=1
# exit status: 0 all hold, 1 one does not, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/series/series.sh
. "$top/scripts/series/series.sh"
# shellcheck source=scripts/series/without.sh
. "$top/scripts/series/without.sh"
help_if_asked "$@"
modes='prefix without'
case "${1-}" in
prefix|without|topic) modes=$1; shift;;
esac
need git
lock each-patch
trap scratch_close EXIT
[ -n "${GUP_READY-}" ] || { "$top/scripts/setup.sh" tree build; "$top/scripts/tree.sh"; } >&2

[ -d "$linux" ] || die "no kernel tree in $linux: make tree"
total=$(git -C "$linux" rev-list --count gup-overlay..gup-series)
# shellcheck disable=SC2046 # names without blanks
[ $# -gt 0 ] || set -- $(if [ "$modes" = topic ]; then topics; else seq "$total"; fi)
for n; do
	[ "$modes" != topic ] || continue
	case $n in *[!0-9]*|'') die "each-patch: $n: want numbers from 1 to $total";; esac
	if [ "$n" -lt 1 ] || [ "$n" -gt "$total" ]; then
		die "each-patch: $n: want numbers from 1 to $total"
	fi
done

each=$build/each tree=$build/each/base/linux inventory=$build/each/inventory
git -C "$linux" worktree prune
mkdir -p "$each/base"
if [ ! -d "$tree" ]; then
	need_space "$build" 3000 "one more tree and one build"
	git_fixed -C "$linux" worktree add -q --detach "$tree" gup-series
fi
"$top/scripts/series/overlay.sh" "$tree"

commit() { git -C "$linux" rev-list --reverse gup-overlay..gup-series | sed -n "${1}p"; }
slug() { series_files | sed -n "${1}s,.*/[0-9]*-\(.*\)\.patch$,\1,p"; }
number() { series_files | grep -nx "[^/]*/[0-9]*-$1\.patch" | cut -d: -f1; }
checkout() {
	git -C "$tree" revert --quit 2>/dev/null || :
	git_fixed -C "$tree" reset -q --hard && git_fixed -C "$tree" checkout -q --detach "$1"
}
# revert COMMIT...: changes the index and the files, commits nothing.
revert() { git_fixed -C "$tree" revert --no-commit "$@" >/dev/null 2>&1; }

# lacking N...: the inventory for a tree that lacks these patches: only their cases
# keep since=, and so must fail.
lacking() {
	# shellcheck disable=SC2046 # slugs have no blanks
	"$top/scripts/verdict/inventory.py" lacking $(for n; do slug "$n"; done) >"$inventory" || exit 2
}

# needed_by SLUG INVENTORY: true if a case says since=SLUG
needed_by() { [ -n "$("$top/scripts/verdict/inventory.py" list --key "since=$1" "$2")" ]; }

# lane_of SLUG: sets lane to the one that has its cases, um if none does; 1: others have them
lane_of() {
	for lane in um um-thp; do
		[ -z "$("$top/scripts/verdict/inventory.py" list --lane "$lane" --key "since=$1" "$top/kunit/inventory")" ] ||
			return 0
	done
	lane=um
	! needed_by "$1" "$top/kunit/inventory"
}

# judge LANE: the tree as it stands against that inventory.
judge() {
	GUP_BUILD=$each GUP_INVENTORY=$inventory GUP_READY=1 SIDE=base LANE=$1 FILTER='' \
		CCACHE_BASEDIR=$build "$top/scripts/kunit.sh" >"$each/log" 2>&1
}

# counts N RECORD [ACCEPT]: of the first N patches, against that record; 1: they become it
counts() {
	GUP_READY=1 GUP_COMMIT=$(commit "$1") RECORD=$2 ACCEPT=${3-} \
		"$top/scripts/counts.sh" >"$each/log" 2>&1
}

count=0 worst=0
# tell LINE: of TAP, for the caller and for make report
tell() { say "$1"; say "$1" >>"$tap"; }
result() {	# STATUS TEXT
	count=$((count + 1))
	[ "$1" -le "$worst" ] || worst=$1
	if [ "$1" -eq 0 ]; then tell "ok $count - $2"
	else
		tell "not ok $count - $2"
		grep -E '^(FAILED|CRASH|SPLAT|TIME-OUT|BROKEN|MISSING|UNKNOWN|gup: )' "$each/log" |
			head -n 5 | sed 's/^/# /'
	fi
}
verdict() { tail -n 1 "$each/log" | sed 's/ base: /: /'; }

prefix() {
	checkout "$(commit "$1")"
	needs=$(sed 's/#.*//' "$patches/base-needs" | while read -r s; do [ -z "$s" ] || number "$s"; done | sort -n | tail -n 1)
	if [ "$1" -lt "${needs:-0}" ]; then
		# The suites need more patches than are applied: it must build, that is all.
		status=0
		for verb in configure build; do
			[ "$status" -ne 0 ] ||
				GUP_BUILD=$each SIDE=base CCACHE_BASEDIR=$build \
					"$top/scripts/boot/$verb.sh" um-plain >"$each/log" 2>&1 || status=$?
		done
		result "$status" "prefix $1 builds: $(slug "$1")"
		return 0
	fi
	# shellcheck disable=SC2046 # numbers
	lacking $([ "$1" -eq "$total" ] || seq $(($1 + 1)) "$total")
	lane_of "$(slug "$1")" || :
	status=0; judge "$lane" || status=$?
	result "$status" "prefix $1: $(verdict): $(slug "$1")"
}

topic() {
	below=$("$top/scripts/series/topics.py" needs "$1") || exit 2
	# shellcheck disable=SC2046,SC2086 # names without blanks
	{ base_needs_files; topic_files $below "$1"; } | sort >"$each/wanted"
	series_files | grep -nxF -f "$each/wanted" >"$each/here"
	# shellcheck disable=SC2046
	apply_onto gup-overlay $(sed "s,^[0-9]*:,$patches/," "$each/here")
	checkout "$applied"
	# shellcheck disable=SC2046
	lacking $(seq "$total" | grep -vxF -e "$(cut -d: -f1 "$each/here")")
	status=0; judge um || status=$?
	result "$status" "topic $1: $(verdict)"
}

mkdir -p "$build/out"
tap=$build/out/each-patch.tap
: >"$tap"
tell "1..$(($# * $(echo "$modes" | wc -w)))"
for mode in $modes; do
	for n; do
		case $mode in
		prefix) prefix "$n";;
		without) without "$n";;
		topic) topic "$n";;
		esac
	done
done
checkout gup-series
[ "$worst" -le 2 ] || worst=2
exit "$worst"
