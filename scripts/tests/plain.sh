#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# plain.sh - a kernel tree and the mails, and nothing of this repository: its tests run. TAP.
#
# usage: scripts/tests/plain.sh [um] [x86_64] [vm]	(default: all)
#
# build/plain/linux is the pinned kernel with git am of the mails of every topic, in order,
# and of TOPIC=tests. There
#   um      kunit.py run --kunitconfig=mm/tests/gup passes, with as many cases as make kunit
#   x86_64  the same in QEMU, by kunit.py's own configuration: no case fails. kunit.py takes
#           any /dev/kvm; where kernels do not run in it, QEMU is told to do without
#   vm      the selftests build by their Makefile, and gup_shapes passes in a guest; kernel,
#           init and verdict are those of make vm
#
# environment: JOBS, CC, NOCCACHE=1, ACCEL=kvm|tcg
# exit status: 0 all hold, 1 one does not, 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/series/posting.sh
. "$top/scripts/series/posting.sh"
# shellcheck source=scripts/boot/lane.sh
. "$top/scripts/boot/lane.sh"
# shellcheck source=scripts/boot/qemu.sh
arch=x86_64; . "$top/scripts/boot/qemu.sh"
help_if_asked "$@"
[ $# -gt 0 ] || set -- um x86_64 vm
for part; do
	case $part in um|x86_64|vm) ;; *) die "plain: $part: use um, x86_64 or vm";; esac
done
need git; need python3
[ -n "${GUP_READY-}" ] || { "$top/scripts/setup.sh" tree build vm; "$top/scripts/tree.sh"; } >&2
lock plain
unset TESTS SIGN ASSISTED NOTE V LINUX LANE SIDE FILTER || :
plain=$build/plain tree=$build/plain/linux
t=$(mktemp -d)
trap 'scratch_close; rm -rf "$t"' EXIT
n=0 bad=0

# result STATUS NAME LOG
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		{ grep -E '^(FAILED|gup: )|\[FAILED\]|[Ee]rror' "$3" || tail -n 8 "$3"; } | head -n 12 | sed 's/^/# /'
		echo "# log: $3"
		bad=$((bad + 1))
	fi
}

checkout() {
	mkdir -p "$plain"
	[ ! -e "$tree/mm/tests/gup/gk.h" ] || [ ! -L "$tree/mm/tests/gup" ] || rm "$tree/mm/tests/gup"
	if [ ! -d "$tree" ]; then
		need_space "$build" 5000 "one more tree and its builds"
		git -C "$linux" worktree prune
		git_fixed -C "$linux" worktree add -q --no-checkout --detach "$tree" gup-base
	fi
	set --
	for topic in $(topics) tests; do
		TESTS=0 write_mbox "$topic" "$t/$topic.mbox" --no-people
		set -- "$@" "$t/$topic.mbox"
	done
	# In a tree without files first: so only what differs is written, and built.
	scratch_open gup-base
	(cd "$scratch" && git_am --empty=drop "$@") || return 1
	applied=$(git -C "$scratch" rev-parse HEAD)
	scratch_close
	git_fixed -C "$tree" checkout -q -f --detach "$applied"
}

# run_kunit VERB BUILD ARG...: as a person without this repository would type it
run_kunit() {
	verb=$1 out=$2; shift 2
	cross=''; compiler
	[ "$verb" = build ] || set -- --kernel_args=movablecore=256M "$@"
	(cd "$tree" && exec python3 tools/testing/kunit/kunit.py "$verb" --kunitconfig=mm/tests/gup --build_dir="../$out" \
		--jobs "${JOBS:-$(jobs)}" --make_options "CC=$cc" "$@") \
		>"$plain/$out.log" 2>&1 </dev/null
}
# without_kvm: QEMU by its name is one that takes TCG where it is asked for KVM.
without_kvm() {
	mkdir -p "$t/bin"
	cat >"$t/bin/$qemu" <<-EOF
	#!/bin/sh
	for a; do shift; [ "\$a" != kvm ] || a=tcg; set -- "\$@" "\$a"; done
	exec $(command -v "$qemu") "\$@"
	EOF
	chmod +x "$t/bin/$qemu"
	PATH=$t/bin:$PATH
}
# cases LOG: "passed N" of kunit.py's last line
passed() { sed -n 's/.*Testing complete\. Ran [0-9]* tests: passed: \([0-9]*\).*/\1/p' "$1"; }

echo "1..$(($# + 2))"
status=0
(checkout) >"$plain.log" 2>&1 || status=$?
result "$status" 'the mails of all topics in order' "$plain.log"
[ "$status" -eq 0 ] || exit 1
# shellcheck disable=SC2046 # file names without blanks
apply_onto gup-base $(series_files | sed "s,^,$patches/,")
status=0
git -C "$linux" diff --exit-code --stat "$applied" "$(git -C "$tree" rev-parse HEAD)" -- . \
	':!mm/tests/gup' ':!mm/Kconfig' ':!mm/Makefile' ':!tools/testing/selftests/mm' >"$plain.log" 2>&1 || status=$?
result "$status" 'give the code of patches/' "$plain.log"

for part; do
	status=0
	case $part in
	um)	run_kunit run o-plain-um || status=$?
		want=$("$top/scripts/verdict/inventory.py" list --lane um | wc -l)
		[ "$(passed "$plain/o-plain-um.log")" = "$want" ] || status=1
		result "$status" "kunit.py on um: $(passed "$plain/o-plain-um.log") passed, make kunit has $want" "$plain/o-plain-um.log";;
	x86_64)	run_kunit build o-plain-x86_64 --arch=x86_64 &&
			vm_accel "$plain/o-plain-x86_64/arch/x86/boot/bzImage" || status=$?
		[ "$accel" != tcg ] || without_kvm
		[ "$status" -ne 0 ] || run_kunit run o-plain-x86_64 --arch=x86_64 || status=$?
		passed "$plain/o-plain-x86_64.log" | grep -qvx 0 || status=1
		result "$status" "kunit.py on x86_64: $(passed "$plain/o-plain-x86_64.log") passed" "$plain/o-plain-x86_64.log";;
	vm)	# The lane asks for GUP_LISTEN, which is not posted: here it is a name, and builds nothing.
		printf '\nconfig GUP_LISTEN\n\tbool "see kunit/Kconfig.rig"\n' >>"$tree/mm/Kconfig"
		GUP_BUILD=$plain GUP_READY=1 LANE=x86_64 FILTER=gup_shapes CCACHE_BASEDIR=$build \
			"$top/scripts/vm.sh" >"$plain/vm.log" 2>&1 || status=$?
		result "$status" "selftests: $(tail -n 1 "$plain/vm.log")" "$plain/vm.log";;
	esac
done
[ "$bad" -eq 0 ] || exit 1
