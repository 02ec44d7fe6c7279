#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-tools.sh - missing tools, places that will not do, files of another user, and the overlay. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
plan 30

# A machine with everything but gcc and flex, as a PATH of links, without sbin; $1 is what id -u prints.
machine() {
	rm -rf "${t:?}/bin"; mkdir -p "$t/bin"
	for f in /usr/bin/* /bin/*; do
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

mkdir "$t/tmp"
export TMPDIR="$t/tmp"	# for the logs of what failed
machine 1000
PATH=$t/bin says 2 '^gup: missing: +gcc flex ?: install what your system calls' 'no Debian: names what is missing' \
	"$s/setup.sh" build
fake_apt 'exit 1'
PATH=$t/bin says 2 ': sudo apt-get update && sudo apt-get install -y --no-install-recommends flex gcc$' 'not root: prints the one command' \
	"$s/setup.sh" build
ok 'not root: installs nothing' [ ! -e "$t/apt.log" ]
# shellcheck disable=SC2016 # for the shell that runs it
PATH=$t/bin ok 'not root: finds what is in sbin' sh -c '[ ! -e /usr/sbin/mkfs.ext4 ] || ! "$0" vm 2>&1 | grep mkfs.ext4' "$s/setup.sh"
rm "$t/bin/make"
PATH=$t/bin says 2 '^gup: missing: +make gcc flex: sudo' 'CI without make: asks setup for it' "$s/../.ci/run"
says 2 "no group 'nosuch': use one of tree build vm .* view$" 'no such group: names those of the table' "$s/setup.sh" nosuch
machine 0
fake_apt 'exit 100'
PATH=$t/bin says 2 'apt-get failed: .*: see .* then: apt-get install' 'root, and apt fails: says so' "$s/setup.sh" build
rm -f "$t/tmp"/*
# shellcheck disable=SC2016 # for the script that is written
fake_apt 'case "$1" in update) touch '"$t"'/updated;; install) [ -e '"$t"'/updated ];; esac'
PATH=$t/bin says 0 '^setup: done' 'root: installs, after an update when the lists are old' "$s/setup.sh" build
# shellcheck disable=SC2016 # for the shell that runs it
ok 'and keeps no log, and makes no build/' sh -c '! ls "$0"/tmp* && [ ! -e "$1" ]' "$t/tmp" "$GUP_BUILD"
# shellcheck disable=SC2016 # for the script that is written
fake_apt 'case "$1" in update) echo "W: Failed to fetch http://x/InRelease";; *) echo "E: Unable to locate package flex"; exit 100;; esac'
PATH=$t/bin says 2 'apt-get failed: W: Failed to fetch http://x/InRelease: see' 'root: tells what an update only warned of' "$s/setup.sh" build
# shellcheck disable=SC2016 # for the shell that runs it
ok 'and the log has it all' sh -c 'cat "$0"/* | grep -c Unable | grep -x 2' "$t/tmp"
fake_apt '[ -e '"$t"'/free ] || { touch '"$t"'/free; echo E: Could not get lock /x; exit 100; }'
PATH=$t/bin says 0 'waiting: E: Could not get lock /x' 'root: waits for another apt' "$s/setup.sh" build
fake_apt '[ -e '"$t"'/held ] || { touch '"$t"'/held; echo E: Could not get lock /x; exit 100; }; echo E: broken; exit 100'
PATH=$t/bin says 2 'apt-get failed: E: broken: see' 'root: another failure after the lock is one' timeout 20 "$s/setup.sh" build
# shellcheck disable=SC2016 # for the shell that runs it
ok 'doctor: knows the disk of a build/ that is not there' sh -c '"$0" | grep "disk for build/ .* [0-9]* MB free"' "$s/doctor.sh"
ok 'and does not make it' [ ! -e "$GUP_BUILD" ]

# Where the kernel's make cannot build, and where a change of directory would lose the way.
GUP_BUILD="$t/a b" says 2 "^gup: '.*/a b': .* blank, a comma or a colon" 'a blank in GUP_BUILD: refused' "$s/doctor.sh"
GUP_PATCHES=$t/a,b says 2 "^gup: '.*/a,b': " 'a comma in GUP_PATCHES: refused' "$s/doctor.sh"
GUP_CACHE=$t/a:b says 2 "^gup: '.*/a:b': " 'a colon in GUP_CACHE: refused' "$s/doctor.sh"
mkdir -p "$t/in:to/scripts"
cp "$s/lib.sh" "$s/doctor.sh" "$t/in:to/scripts"
says 2 "^gup: '.*/in:to': " 'a colon in the path of the repository: refused' "$t/in:to/scripts/doctor.sh"
fresh
cd "$t"
GUP_BUILD=build GUP_PATCHES=patches GUP_CACHE=cache says 0 '^tree: imported' 'relative places' "$s/tree.sh"
cd /
ok 'and they are those' [ -e "$linux/mm/tests/gup" ]

# What another user made: root may write there all the same, unless it drops that right.
# shellcheck disable=SC2317 # says runs it
as_user() {
	if [ "$(id -u)" = 0 ]; then setpriv --bounding-set=-dac_override "$@"; else "$@"; fi
}
chmod a-w "$GUP_BUILD/.lock"
says 2 "^gup: .*/build/.lock belongs to $(id -un): sudo chown -R $(id -un) .*/build, or" 'a lock of another user: says whose' as_user "$s/tree.sh"
rm -f "$GUP_BUILD/.lock"; chmod a-w "$GUP_BUILD"
says 2 "^gup: .*/build belongs to $(id -un): sudo chown -R " 'a build/ of another user: says whose' as_user "$s/tree.sh"
chmod u+w "$GUP_BUILD"
for verb in tree refresh round-trip show; do
	says 2 "^gup: .*/build/linux belongs to $(id -un): sudo chown" "a tree of another user: $verb says whose" \
		env GIT_TEST_ASSUME_DIFFERENT_OWNER=1 "$s/$verb.sh"
done

fresh
"$s/tree.sh" >/dev/null 2>&1 || :
rm "$linux/mm/tests/gup"; mkdir "$linux/mm/tests/gup"; echo mine >"$linux/mm/tests/gup/file"
says 2 'mm/tests/gup exists and is no link of this rig: move it away' 'the overlay never replaces a directory' "$s/tree.sh"
ok 'which is still there' grep -qx mine "$linux/mm/tests/gup/file"
rm -r "$linux/mm/tests/gup"
ok 'and is made when there is room' sh -c "'$s/tree.sh' && [ -L '$linux/mm/tests/gup' ]"
finish
