#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# mutate.sh - change mm/gup.c in small ways, and demand that a KUnit case turns red
#
# usage: scripts/mutate.sh			(make mutate)
#
# Makes mutants of mm/gup.c, and of what the series changes in mm/memfd.c, mm/memory.c
# and mm/khugepaged.c: scripts/mutate/mutants.py says which. Each is compiled by the lane's own
# command, linked in place of the lane's object, and booted until the first case is red: a few
# seconds. build/linux and the objects of the lane stay as they are. Prints TAP; a survivor comes
# with its diff and the suites that are nearest. Mutants that no test can tell from the code are
# listed, with a reason, in scripts/mutate/equivalent.
#
# Results stay in build/out/mutate/<lane>/: a run that is stopped goes on where it was, as
# long as the sources are the same.
#
# environment
#   SAMPLE=n        only n, drawn at random with SEED= (default: 1)
#   FUNC=glob       only of these functions
#   ONLY="id..."    only these mutants, judged anew
#   SURVIVORS=1     only what survived, in whatever state of the sources
#   KEEP=1          believe what earlier sources have killed: after new cases, not new code
#   EQUIVALENTS=1   also those of the list: they have to survive
#   LANE=um-thp     or another lane of ARCH=um; this one compiles nearly all of mm/gup.c
#   JOBS=n          kernels at a time (default: two for each CPU: many cases wait)
# exit status: 0 all killed, 1 a mutant survived, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/mutate/objects.sh
. "$(dirname "$0")/mutate/objects.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "mutate: takes no arguments: scripts/mutate.sh --help"

need python3
lock mutate
[ -n "${GUP_READY-}" ] || { "$top/scripts/setup.sh" tree build; "$top/scripts/tree.sh" series; } >&2
um_objects mutate "${LANE:-um-thp}"
mkdir -p "$out/$lane"
"$top/scripts/mutate/mutants.py" check "$tree/mm/gup.c" "$top/scripts/mutate/equivalent"
# All that a result depends on: what has changed is judged anew.
# shellcheck disable=SC2086 # words of $cc
{
	git -C "$tree" rev-parse HEAD:arch HEAD:block HEAD:fs HEAD:include HEAD:init HEAD:kernel HEAD:lib HEAD:mm &&
		git -C "$tree" diff HEAD -- . ':!Documentation' ':!tools' &&
		$cc --version && printf '%s\n' "$kargs" &&
		cat "$top"/kunit/*.[ch] "$o/.config" "$top"/scripts/mutate/*.py "$top"/scripts/verdict/splat.* \
			"$top"/scripts/verdict/log.py "$top"/scripts/verdict/kunit_log.py
} >"$out/state" || die "mutate: cannot tell of what state the sources are: see above"
state=$(git hash-object "$out/state")
# shellcheck disable=SC2086 # words
"$top/scripts/mutate/judge.py" --tree "$tree" --objects "$c" --link "$link" --lane "$lane" \
	--arguments "$kargs" --out "$out/$lane" --state "$state" --jobs "${JOBS:-$((2 * $(jobs)))}" \
	--sample "${SAMPLE:-0}" --seed "${SEED:-1}" --func "${FUNC:-*}" \
	${ONLY:+--again --only $ONLY} ${SURVIVORS:+--survivors} ${KEEP:+--keep} ${EQUIVALENTS:+--equivalents}
