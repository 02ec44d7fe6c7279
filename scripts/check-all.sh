#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# check-all.sh - make check, and what does not fit into it
#
# usage: scripts/check-all.sh
#
# Everything that check.sh does, and KUnit on arm64 with three kinds of page tables, base
# and series: arm64 (4K pages, contiguous entries), arm64-64k and arm64-39; the same on
# riscv64; um-smp, and the base of um, um-smp, x86_64 and i386 (check.sh has that of um-thp, where
# all cases are that are not of an architecture); huge pages on um under KASAN, and with one kind
# of them only; the selftests that run natively in UML; compile.sh; bugs that are put back
# (tests/past-bugs.sh), checks that are taken out (tests/race-checks.sh), and guests that are
# broken or fall silent (tests/vm-canary.sh, race-canary.sh, silent-canary.sh); a GUP-fast that walks
# off a page table (tests/edge-canary.sh).
# Then each topic and its mails alone (tests/topics.sh), and the mails on a plain tree,
# whose tests run there (tests/plain.sh).
#
# environment and exit status: as check.sh
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die "check-all: takes no arguments: scripts/check-all.sh --help"
ALL=1 exec "$top/scripts/check.sh"
