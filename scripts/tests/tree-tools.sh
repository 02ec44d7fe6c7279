#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-tools.sh - missing tools, and the overlay. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
plan 9

# A machine with everything but gcc and flex, as a PATH of links; $1 is what id -u prints.
machine() {
	rm -rf "${t:?}/bin"; mkdir -p "$t/bin"
	for f in /usr/sbin/* /sbin/* /usr/bin/* /bin/*; do
		case "${f##*/}" in gcc|flex|apt-get|id) continue;; esac
		echo "$f"
	done | xargs ln -sf -t "$t/bin" 2>/dev/null || :	# names that come twice
	printf '#!/bin/sh\necho %s\n' "$1" >"$t/bin/id"
	chmod +x "$t/bin/id"
}
fake_apt() {
	printf '#!/bin/sh\necho "$@" >>%s/apt.log\n%s\n' "$t" "$1" >"$t/bin/apt-get"
	chmod +x "$t/bin/apt-get"
}

machine 1000
PATH=$t/bin says 2 '^gup: missing: +gcc flex ?: install what your system calls' 'no Debian: names what is missing' \
	"$s/setup.sh" build
fake_apt 'exit 1'
PATH=$t/bin says 2 'sudo apt-get install -y --no-install-recommends flex gcc$' 'not root: prints the one command' \
	"$s/setup.sh" build
ok 'not root: installs nothing' [ ! -e "$t/apt.log" ]
machine 0
fake_apt 'exit 100'
PATH=$t/bin says 2 'apt-get failed: .*: see .* then: apt-get install' 'root, and apt fails: says so' "$s/setup.sh" build
# shellcheck disable=SC2016 # for the script that is written
fake_apt 'case "$1" in update) touch '"$t"'/updated;; install) [ -e '"$t"'/updated ];; esac'
PATH=$t/bin says 0 '^setup: done' 'root: installs, after an update when the lists are old' "$s/setup.sh" build
fake_apt '[ -e '"$t"'/free ] || { touch '"$t"'/free; echo E: Could not get lock /x; exit 100; }'
PATH=$t/bin says 0 'waiting: E: Could not get lock /x' 'root: waits for another apt' "$s/setup.sh" build

fresh
"$s/tree.sh" >/dev/null 2>&1 || :
rm "$linux/mm/tests/gup"; mkdir "$linux/mm/tests/gup"; echo mine >"$linux/mm/tests/gup/file"
says 2 'mm/tests/gup exists and is no link of this rig: move it away' 'the overlay never replaces a directory' "$s/tree.sh"
ok 'which is still there' grep -qx mine "$linux/mm/tests/gup/file"
rm -r "$linux/mm/tests/gup"
ok 'and is made when there is room' sh -c "'$s/tree.sh' && [ -L '$linux/mm/tests/gup' ]"
finish
