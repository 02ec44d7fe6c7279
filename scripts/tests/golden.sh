#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# golden.sh - test the parsers against stored logs; no kernel needed
#
# usage: scripts/tests/golden.sh [NAME...]	(default: all in golden/cases)
#
# Prints TAP. environment: UPDATE=1 rewrites the expectations: read the diff.
# exit status: 0 all as stored, 1 something differs
set -eu
cd "$(dirname "$0")/golden"
case "${1-}" in -h|--help) sed -n '3,9s/^# \{0,1\}//p' ../golden.sh; exit 0;; esac
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
unset PYTHONUNBUFFERED || :

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
grep -v '^#' cases >"$tmp/all"
if [ $# -gt 0 ]; then
	for name; do grep "^$name " "$tmp/all" || { echo "gup: no golden case $name" >&2; exit 2; }; done >"$tmp/run"
else
	# The last one is not a log: --accept must keep keys, comments and order.
	{ cat "$tmp/all"; echo accept; } >"$tmp/run"
fi

accept() {
	sed -e '/^alpha.two/d' -e 's/^gamma.last$/gone.case\tsince=x\n&\tsince=y lanes=um\ngamma.other\tlanes=um-smp/' \
		inventory >"$tmp/inv"
	../../verdict/inventory.py accept --file "$tmp/inv" pass.log 2>&1 | sed "s|$tmp/||"
	cat "$tmp/inv"
}

echo "1..$(grep -c . "$tmp/run")"
n=0 bad=0
while read -r name command; do
	n=$((n + 1)) status=0
	if [ "$name" = accept ]; then
		accept >"$tmp/got"
	else
		set -f
		# shellcheck disable=SC2086 # words of the table
		"../../${command%% *}" ${command#* } >"$tmp/got" 2>&1 || status=$?
		set +f
	fi
	echo "status $status" >>"$tmp/got"
	for f in verdict findings results.ktap; do rm -f base-*/"$f" vm-reach-*/"$f"; done
	[ -z "${UPDATE-}" ] || cp "$tmp/got" "$name.want"
	if diff -u "$name.want" "$tmp/got" >"$tmp/diff" 2>&1; then
		echo "ok $n - golden $name"
	else
		echo "not ok $n - golden $name"
		sed 's/^/# /' "$tmp/diff"
		bad=$((bad + 1))
	fi
done <"$tmp/run"
[ "$bad" -eq 0 ]
