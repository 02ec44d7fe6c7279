#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# status.sh - how things stand, in ten lines at the most	(make status)
#
# usage: scripts/status.sh
#
# Says where a make check is that runs now, or how the last one ended; which lanes are ok,
# which of them ran another tree than build/linux has now; what failed, with the command
# that reruns it.
#
# exit status: 0 told, whatever it is; 2 nothing has run yet
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
need python3
exec "$top/scripts/report/status.py" --out "$build/out" --linux "$linux" "$@"
