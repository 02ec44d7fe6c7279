#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# inventory.sh - require from now on what the last run of a lane did	(make inventory)
#
# usage: scripts/inventory.sh
#
# Takes the cases of build/out/<lane>/log, which must be a complete run, into
# kunit/inventory, and drops what did not run there. Keys, comments and order stay.
# Review the diff: the list is what tells a test that was lost.
#
# environment: LANE=um
# exit status: 0 written, 2 no complete run, or a bad inventory
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "inventory: takes no arguments: scripts/inventory.sh --help"
need python3
lane=${LANE:-um}
[ -r "$build/out/$lane/log" ] || die "no run of lane $lane: make kunit LANE=$lane"
! grep -q '^filter ' "$build/out/$lane/manifest" 2>/dev/null ||
	die "the last run of lane $lane had a FILTER=: make kunit LANE=$lane, then make inventory LANE=$lane"
exec "$top/scripts/verdict/inventory.py" accept --lane "$lane" \
	--file "${GUP_INVENTORY:-$top/kunit/inventory}" "$build/out/$lane"
