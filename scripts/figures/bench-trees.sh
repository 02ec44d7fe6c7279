# shellcheck shell=sh disable=SC2154,SC2034 # variables of lib.sh and of the callers
# SPDX-License-Identifier: GPL-2.0
# bench-trees.sh - the trees and boots of the benchmark, for bench.sh and counts.sh.
# Sourced after lib.sh and series/series.sh.

unset FILTER LANE SIDE KARGS TIMEOUT || :
export LOCALVERSION=	# else git looks at 96,000 files before each build

# bench_place SIDE COMMIT: the tree of one side. It belongs to the rig; what somebody
# edited there by mistake would be measured as something it is not.
bench_place() {
	t=$build/bench/$1/linux
	if [ ! -d "$t" ]; then
		need_space "$build" 4000 "the benchmark's tree and builds"
		say "bench: checking out build/bench/$1/linux, 15 s or so"
		rm -rf "$build/bench/$1/.new"
		git -C "$linux" worktree prune
		git_fixed -C "$linux" worktree add -q --detach "$build/bench/$1/.new" "$2"
		git_fixed -C "$linux" worktree move "$build/bench/$1/.new" "$t"
	fi
	[ -z "$(git -C "$t" status --porcelain --untracked-files=no)" ] ||
		die "$t has edits: take them to build/linux, then: rm -rf $build/bench/$1"
	git_fixed -C "$t" checkout -q --detach "$2" || die "git checkout failed in $t: see above; rm -rf $build/bench/$1"
	"$top/scripts/series/overlay.sh" "$t"
}

# bench_commit SIDE: sets $applied to what is measured there
bench_commit() {
	# Same um and kunit patches on all sides: only GUP is to differ.
	needs=$(series_files | grep -E -e '/[0-9]+-(um|kunit)-' -e "^($(base_needs_files | paste -sd '|' -))\$" |
		sed "s,^,$patches/,")
	case $1 in
	series)
		# A file that is only newer than the index knows fails "stash create".
		git_fixed -C "$linux" update-index -q --refresh || :
		head=${GUP_COMMIT:-$(git_fixed -C "$linux" -c user.name=rig -c user.email=rig@gup.invalid stash create)}
		apply_onto "${head:-series}" "$top/scripts/figures/bench.patch";;
	base)	# shellcheck disable=SC2086 # file names without blanks, lint sees to it
		apply_onto gup-overlay $needs "$top/scripts/figures/bench.patch";;
	against) "$top/scripts/series/mails.py" "$against" "$tmp/mails" || exit 2
		# shellcheck disable=SC2086
		apply_onto gup-overlay $needs "$tmp/mails"/* "$top/scripts/figures/bench.patch";;
	esac
}

# bench_build SIDE LANE
bench_build() {
	SIDE=bench-$1 "$top/scripts/boot/configure.sh" "$2"
	SIDE=bench-$1 "$top/scripts/boot/build.sh" "$2" </dev/null
}

# bench_boot SIDE LANE ROUND ONLY FILE: one boot; its rows go to FILE.
bench_boot() {
	SIDE=bench-$1 FILTER=gup_bench KARGS="gup_bench.only=$4" "$top/scripts/boot/kunit-run.sh" "$2" </dev/null || exit 2
	"$top/scripts/figures/bench_table.py" rows "$1" "$3" "$build/out/$2-bench-$1/log" "$5" || exit 2
}
