#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# program.sh - compile gup-bench, the one static program of the kit
#
# usage: scripts/kit/program.sh OUTPUT [TREE...]
#
# From selftests/kit/*.c. What the program knows of the kernel without its headers, the
# ioctls of mm/gup_test.h and two flags of GUP, is compared with each TREE.
#
# environment: CC (default: gcc)
# exit status: 0 compiled, 2 not compiled, or a tree says something else
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
help_if_asked "$@"
[ $# -gt 0 ] || die "program: where to? scripts/kit/program.sh --help"

cc=${CC:-gcc}
need "$cc" gcc
output=$1
shift
flags='-static -O2 -Wall -Wextra -Werror -D_GNU_SOURCE='
for tree; do
	# shellcheck disable=SC2086 # words
	$cc $flags -fsyntax-only -DKIT_TREE -I"$tree" "$top/selftests/kit/calls.c" ||
		die "$tree/mm/gup_test.h is not what selftests/kit/calls.c has: see above"
	for flag in 'WRITE = 1 << 0' 'LONGTERM = 1 << 8'; do
		grep -q "^	FOLL_$flag,\$" "$tree/include/linux/mm_types.h" ||
			die "$tree: no FOLL_$flag: correct the flags in selftests/kit/calls.c"
	done
done
# shellcheck disable=SC2086 # words
$cc $flags -o "$output" "$top"/selftests/kit/*.c "$top/selftests/lib_knobs.c" -lpthread ||
	die "selftests/kit does not compile: first error above"
