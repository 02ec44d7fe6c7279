#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# pages.sh - every command that the pages name is run somewhere. TAP.
#
# usage: scripts/tests/pages.sh
#
# Takes the commands out of README.md, MAINTAINERS-notes.md and the README of each room. A
# verb of make counts as run if it is a step of make check or check-all, or a test of
# scripts/tests/ runs it, or this test does, below a build directory of its own; what git does in build/linux,
# if one of these tests does it to its tree. A lane must be in kconfigs/lanes. Each verb prints its manual. Verbs that take an hour are only asked to
# refuse bad arguments, which is said.
#
# exit status: 0 all hold, 1 one does not, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
help_if_asked "$@"
need make; need python3
cd "$top"
s=$top/scripts
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
unset LANE SIDE FILTER GUP_LOCKED GUP_READY || :

# Commands: in blocks that are indented by four blanks, and between `...`.
for page in README.md MAINTAINERS-notes.md */README.md; do
	sed -n 's/^    \(.*\)/\1/p' "$page" | sed 's/ *#.*//'
	# shellcheck disable=SC2016 # backquotes as they stand in the page
	sed '/^    /d' "$page" | grep -o '`[^`]*`' | tr -d '`'
done | sed -n 's/.*\(make [a-z-][a-z-]*\)\(.*\)/\1\2/p; /^scripts\/.*\.\(sh\|py\)/p; /^git -C /p' |
	sed 's/ *-->.*//; s/[[:space:]]*$//' | sort -u >"$t/commands"
[ -s "$t/commands" ] || die 'pages: no command found in the pages'

n=0 bad=0
ok() {	# STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=$((bad + 1)); fi
}
ran() {	# WANTED-STATUS NAME COMMAND...: run it now
	_want=$1 _name=$2 _rc=0
	shift 2
	"$@" >"$t/said" 2>&1 </dev/null || _rc=$?
	[ "$_rc" -eq "$_want" ] || sed 's/^/# /' "$t/said" | tail -n 5
	ok "$((_rc != _want))" "$_name"
}

verbs=$(make -s help | sed -n 's/^  make \([a-z-]*\) .*/\1/p')
echo "1..$(($(wc -l <"$t/commands") + $(echo "$verbs" | wc -l) + 12))"

# What is cheap is run for real, on the results of a stored log.
mkdir -p "$t/build/out/um"
cp "$s/tests/golden/pass.log" "$t/build/out/um/log"
printf 'lane        um\n' >"$t/build/out/um/manifest"
export GUP_BUILD="$t/build"
cp "$s/tests/golden/inventory" "$t/inventory"
ran 0 'make help' make -s help
ran 0 'make status' make -s status
ran 0 'make report' make -s report
ran 0 'make inventory' env GUP_INVENTORY="$t/inventory" make -s inventory
ran 2 'kunit.sh, which refuses LANE=um behind its name' "$s/kunit.sh" LANE=um
ran 2 'vm.sh, the same' "$s/vm.sh" LANE=x86_64
ran 2 'make bench, which refuses ROUNDS=x: to measure takes minutes' env ROUNDS=x "$s/bench.sh"
ran 2 'make bench-kit, which refuses TRY=x: to build two kernels takes an hour' env TRY=x "$s/bench-kit.sh"
ran 2 'make each-patch, which refuses to go on without a tree: all of it takes half an hour' env GUP_READY=1 "$s/each-patch.sh"
ran 2 'make send-check, which refuses to go on without a tree' env GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 HOME="$t" "$s/send-check.sh"
# shellcheck disable=SC2016 # expanded by the inner shell
# Its status depends on the machine; that it tells of the machine does not.
ran 0 'make doctor' sh -c '"$1/doctor.sh" | grep "^machine  cpus"' sh "$s"
ran 0 'make clean' make -s clean
here='help status report inventory bench bench-kit each-patch send-check clean doctor'

for verb in $verbs; do
	ran 0 "make $verb has a manual" "$s/$verb.sh" --help
done

# where VERB: who runs it
where() {
	case " $here " in *" $1 "*) echo 'this test'; return;; esac
	grep -q "^	[a-z_0-9-]*  *$1\.sh" "$s/check.sh" && { echo 'make check'; return; }
	grep -q "^	\${ALL:+[a-z_0-9-]*  *$1\.sh" "$s/check.sh" && { echo 'make check-all'; return; }
	awk '/^## / { on = /^## Post a topic/ } on' README.md | grep -q "^    make $1 " && { echo 'posting.sh, as a recipe'; return; }
	case $1 in check) echo '.ci/run'; return;; esac
	grep -l -e "\"\$s/$1\.sh\"" -e "\"\$top/scripts/$1\.sh\"" "$s"/tests/*.sh | head -n 1 | sed 's,.*/,,'
}

while read -r command; do
	case $command in
	make\ *)
		verb=$(echo "$command" | sed 's/^make \([a-z-]*\).*/\1/')
		lane=$(echo "$command" | sed -n 's/.*LANE=\([a-z0-9_-]*\).*/\1/p')
		by=$(where "$verb")
		rc=0
		case $lane in
		''|debug|kcsan) ;;
		*) awk -v lane="$lane" '!/^#/ && $1 == lane { found = 1 } END { exit !found }' "$top/kconfigs/lanes" || rc=1;;
		esac
		[ -n "$by" ] || rc=1
		ok "$rc" "\`$command\`: ${by:-nobody runs it}";;
	git\ *)
		# shellcheck disable=SC2016 # as the tests have it
		by=$(grep -l -F "git -C \"\$linux\" ${command#git -C build/linux }" "$s"/tests/*.sh |
			head -n 1 | sed 's,.*/,,')
		rc=0
		[ -n "$by" ] || rc=1
		ok "$rc" "\`$command\`: ${by:-nobody runs it}";;
	*)	script=${command%% *}
		ran 0 "\`$command\`: --help" "$top/$script" --help;;
	esac
done <"$t/commands"
[ "$bad" -eq 0 ] || exit 1
