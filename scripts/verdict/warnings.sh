#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# warnings.sh - the warnings of a kernel build, in a form that two builds can be compared by
#
# usage: scripts/verdict/warnings.sh TREE <LOG
#
# Those of compilers, sparse, objtool ("file:1:2: warning: text") and kernel-doc ("Warning:
# file:1 text"), sorted, as "file: warning: text": without TREE and the numbers of lines.
#
# exit status: 0, 2 without TREE
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
help_if_asked "$@"
[ $# -eq 1 ] || die "warnings: one TREE: scripts/verdict/warnings.sh --help"
# Between the parts of a command that holds TREE stands a character that no path has. And a pipe
# has the status of its last command, so there is none.
c=$(printf '\001')
found=$(sed -n "s/^\(Warning\|Error\): \([^: ]*:[0-9]*\):\{0,1\} /\2: warning: /; s$c^$1/$c$c; s,^\.\./[./a-z]*linux/,,
	s/\(objtool: [^ ]*\)+0x[0-9a-f]*/\1/; s/^\([^: ]*\):\([0-9]*:\)* \(warning: .*\)/\1: \3/p") ||
	die "warnings: the log cannot be read: see above"
[ -z "$found" ] || printf '%s\n' "$found" | sort
