#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tree-topics.sh - make refresh puts each commit into its topic, or asks. TAP.
set -eu
# shellcheck source=scripts/tests/small-tree.sh
. "$(dirname "$0")/small-tree.sh"
plan 16

# series_of_three: topics one (two patches) and two (one patch), which needs one.
series_of_three() {
	fresh
	rm -r "$GUP_PATCHES/all" "$GUP_PATCHES/topics"
	topic one; topic two one
	echo 0001-mm-gup-second.patch >"$GUP_PATCHES/two/series"	# where a new name belongs
	"$s/tree.sh" >/dev/null 2>&1 || :	# no such patch yet: makes the tree
	change mm/gup.c 10 'mm/gup: first'
	change mm/gup.c 30 'mm/gup: middle'
	change mm/gup.c 50 'mm/gup: second'
	TOPIC=one FORCE=1 "$s/refresh.sh" >/dev/null
}
# shellcheck disable=SC2317 # called through ok
list() { (cd "$GUP_PATCHES" && cat one/series && echo -- && cat two/series) | sed 's/-mm-gup-\(.*\).patch/ \1/' | paste -sd ' ' -; }
# shellcheck disable=SC2317 # called through ok
listed() { [ "$(list)" = "$1" ] || { list; return 1; }; }
# insert COMMIT SUBJECT LINE: a new commit behind COMMIT.
insert() {
	git -C "$linux" checkout -q "$1"
	change mm/gup.c "$3" "$2"
	new=$(git -C "$linux" rev-parse HEAD)
	git -C "$linux" checkout -q series
	git -C "$linux" rebase -q --onto "$new" "$1"
}

series_of_three
ok 'a series file says where a new name belongs; TOPIC= the others' listed '0001 first 0002 middle -- 0001 second'
ok 'they apply as they lie' "$s/round-trip.sh"
ok 'lint likes them' "$s/series/lint_patches.py"
start=$(git -C "$linux" rev-parse HEAD)
again() { git -C "$linux" reset -q --hard "$start"; FORCE=1 "$s/refresh.sh" >/dev/null; }

insert HEAD~2 'mm/gup: inner' 80
ok 'a commit between two patches of a topic' "$s/refresh.sh"
ok 'goes there' listed '0001 first 0002 inner 0003 middle -- 0001 second'
again
insert HEAD~1 'mm/gup: border' 80
cp -R "$GUP_PATCHES" "$t/kept"
says 2 'mm-gup-border is new and lies between the topics one and two: TOPIC=' 'on a border: asks' "$s/refresh.sh"
ok 'patches/ is as it was' diff -r "$t/kept" "$GUP_PATCHES"
TOPIC=none says 2 'TOPIC=none is not in patches/topics' 'a topic that is none' "$s/refresh.sh"
TOPIC=two says 0 'wrote two/0002-mm-gup-second.patch' 'TOPIC= answers' "$s/refresh.sh"
ok 'and that holds' listed '0001 first 0002 middle -- 0001 border 0002 second'
says 0 '0 files changed' 'also without it' "$s/refresh.sh"
again
git -C "$linux" commit -q --amend -m 'mm/gup: renamed' -m Body.
ok 'another subject, the only patch of its topic' "$s/refresh.sh"
ok 'stays in its topic' listed '0001 first 0002 middle -- 0001 renamed'
again
GIT_SEQUENCE_EDITOR='sed -i 1{h\;d}\;3G' git -C "$linux" rebase -q -i gup-overlay
says 2 'mm-gup-first of the topic one comes after patches of two: .*rebase -i' 'topics that are mixed: refused' "$s/refresh.sh"
ok 'patches/ is as it was, again' listed '0001 first 0002 middle -- 0001 second'
rm -r "$GUP_PATCHES/two/series"
says 1 'topics: two has no patch' 'a topic without patches: lint says so' "$s/series/lint_patches.py"
finish
