#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# posting.sh - the recipe of README.md works, and send-check refuses what lacks something. TAP.
#
# usage: scripts/tests/posting.sh [--all]
#
# A person who does not exist follows the recipe, with a clone that has the pinned tag. b4
# reads the mails without a network, and git am of what b4 makes of them gives the same tree.
# Then each thing that send-check demands is taken out of the mails once. --all: and the mails
# of every other topic, written in the same way, are ready.
#
# exit status: 0 all hold, 1 one does not, 2 cannot tell, 4 b4 is missing
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/series/posting.sh
. "$top/scripts/series/posting.sh"
help_if_asked "$@"
need git; need python3
command -v b4 >/dev/null 2>&1 || { warn "b4 is missing: apt-get install b4"; exit 4; }
[ -n "${GUP_READY-}" ] || "$top/scripts/tree.sh" >&2
lock posting
t=$(mktemp -d)
trap 'scratch_close; rm -rf "$t"' EXIT
export HOME="$t" GUP_READY=1
unset TOPIC TESTS SIGN ASSISTED NOTE V LINUX OLD || :
n=0 bad=0

# What is taken out, as a sed script; what send-check has to say.
cases() { cat <<'EOT'
s/^From: .*/From: Seed <maintainers@users.noreply.example>/|the author is maintainers@users.noreply.example, a placeholder
/^Signed-off-by: /d|not signed off by poster@kernel.test
s/^Signed-off-by: .*/Signed-off-by: Another <another@kernel.test>/|not signed off by poster@kernel.test
/^Assisted-by: /d|no "Assisted-by: LLM
s/^Assisted-by: .*/Assisted-by: Sparse/|no "Assisted-by: LLM
/^Written with/d|nothing by the person who posts
/^Fixes: /d|no Fixes:, but kunit/inventory .* says since=
/^Cc: stable/d|a security fix without Cc: stable
s/^base-commit: .*/base-commit: BASE/|base-commit is one that only this repository knows
/^base-commit: /d|base-commit is one that only
/^To: /,/^[CM]/{/^[CM]/!d}|it goes to nobody
s/gup_memfd_fatal_signal has/gup_memfd_no_such_case has/|names gup_memfd_no_such_case, which is in no file of these mails
s/^fallocate() on a memfd/&, and selftests gup_io/|names gup_io, which is in no file
s,^+++ b/mm/gup.c,+++ b/tools/gup_io.c,|hold selftests/gup_io.c, which is a reproducer
EOT
}
# ok NAME COMMAND...
ok() {
	name=$1; shift
	n=$((n + 1))
	if "$@" >"$t/said" 2>&1; then echo "ok $n - $name"
	else echo "not ok $n - $name"; sed 's/^/#   /' "$t/said"; bad=$((bad + 1))
	fi
}
recipe() { awk '/^## Post a topic/ { on = 1; next } /^## / { on = 0 } on && /^    / { print substr($0, 5) }' "$top/README.md"; }
steps=$(recipe | wc -l)
others=
topic=$(recipe | sed -n 's/^make send-check TOPIC=\([a-z-]*\)$/\1/p')
case "${1-}" in
'') ;;
--all) others=$(topics | grep -v -x "$topic");;
*) die "posting: there is no $1: scripts/tests/posting.sh --help";;
esac
echo "1..$((steps + 4 + $(cases | wc -l) + 2 + $(echo "$others" | grep -c .)))"

git config --global user.name 'Pat Poster'
git config --global user.email poster@kernel.test
echo 'Written with a coding assistant; what it was asked, and what was tested how.' >"$t/disclosure.txt"
git init -q "$t/linux"
echo "$linux/.git/objects" >"$t/linux/.git/objects/info/alternates"
upstream=$(git -C "$t/linux" commit-tree -m 'Linux, as upstream has it' "$(git -C "$linux" rev-parse "gup-base^{tree}")")
git -C "$t/linux" tag "$(pin tag)" "$upstream"

mails=$build/out/mbox mbox=$build/out/mbox/$topic.mbox
# What a person wrote there comes back, also after a run that was killed.
[ -e "$mails.kept" ] || [ ! -e "$mails" ] || mv "$mails" "$mails.kept"
trap 'scratch_close; rm -rf "$t" "$mails"; [ ! -e "$mails.kept" ] || mv "$mails.kept" "$mails"' EXIT
recipe >"$t/recipe"
while read -r line <&4; do
	ok "README: $line" sh -c "cd '$top' && $line"
done 4<"$t/recipe"

topic_commits "$topic"
ok 'base-commit is that of the clone' grep -qx "base-commit: $upstream" "$mbox"
mkdir "$t/b4"
# A proxy that is not there: whatever would ask the network fails.
ok 'b4 reads the mails, offline' sh -c "cd '$t/linux' && http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 \
	b4 am -C -o '$t/b4' -m '$mbox' '$(sed -n 's/^Message-ID: <\(.*\)>/\1/p;T;q' "$mbox")' >'$t/b4.log' 2>&1 || { cat '$t/b4.log'; false; }"
ok 'and finds the base and every patch' sh -c "! grep -i 'not found\|missing\|ERROR' '$t/b4.log' &&
	grep -q 'Base: using specified base-commit $upstream' '$t/b4.log' || { cat '$t/b4.log'; false; }"
# am FILE: git am of all its mails but the cover letter; prints the commit
am() {
	scratch_open "$from"
	(cd "$scratch" && git_am --no-3way --empty=drop "$1" >&2 && git rev-parse HEAD)
	scratch_close
}
mailed=$(am "$mbox")
reread=$(am "$(echo "$t"/b4/*.mbx)")
ok 'git am of what b4 wrote gives the same tree as git am of the mails' \
	[ "$(git -C "$linux" rev-parse "$reread^{tree}")" = "$(git -C "$linux" rev-parse "$mailed^{tree}")" ]

since_slugs "$t/slugs"
slugs=$(paste -sd ' ' "$t/slugs")
rig=$(git -C "$linux" rev-parse gup-base^0)
cases | sed "s/BASE/$rig/" >"$t/cases"
while IFS='|' read -r script regex <&4; do
	sed -e "$script" "$mbox" >"$t/bad.mbox"
	ok "refused: $regex" sh -c "! '$top/scripts/series/post_check.py' $slugs --linux '$linux' --below $from --tree $mailed \
		--rig-base $rig $topic '$t/bad.mbox' >'$t/why' && grep -q -E -e '$regex' '$t/why' || { cat '$t/why'; false; }"
done 4<"$t/cases"

cp "$mbox" "$t/good.mbox"
sed 's/fatal_signal_pending/signal_pending/' "$t/good.mbox" >"$mbox"
ok 'refused: mails that give other files than the topic' sh -c "'$top/scripts/send-check.sh' $topic >'$t/why'; [ \$? -eq 1 ] &&
	grep -q 'the mails give other files than patches/$topic: mm/gup.c' '$t/why' || { cat '$t/why'; false; }"
cp "$t/good.mbox" "$mbox"
printf '                       before  after\n  fast pin, 4K, 1 a call  506    1\n' >"$t/figures"
ok 'refused: figures that are not on record' sh -c "! '$top/scripts/figures/posted.py' '$t/figures' >'$t/why' && grep -q 'is no row' '$t/why'"
for other in $others; do
	grep -v '^make range-diff' "$t/recipe" | sed "s/TOPIC=$topic/TOPIC=$other/" >"$t/recipe.$other"
	ok "ready: $other" sh -e -c "cd '$top' && . '$t/recipe.$other'"
done
[ "$bad" -eq 0 ] || exit 1
