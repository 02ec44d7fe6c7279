#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# report.sh - one HTML page from what build/out holds		(make report)
#
# usage: scripts/report.sh [FILE]			(default: build/out/report.html)
#
# Verdicts, lanes, failures with excerpt and the command that reruns them, patches,
# figures, coverage if it was measured. The page needs no other file and no network, and is
# readable on a phone and without colour. Nothing is built or booted.
#
# exit status: 0 written, 2 nothing has run yet, or a file in build/out is malformed
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
need python3
exec "$top/scripts/report/page.py" --out "$build/out" --linux "$linux" "$@"
