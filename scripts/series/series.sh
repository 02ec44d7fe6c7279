# shellcheck shell=sh disable=SC2154,SC2034 # variables of lib.sh and of the callers
# SPDX-License-Identifier: GPL-2.0
# series.sh - import sources, apply and export patches; sourced after lib.sh by
# tree.sh, refresh.sh, round-trip.sh and rebase.sh.
#
# Patches are applied in a scratch worktree without files (git am takes what it
# needs from the index): a patch that fails, or a killed run, never touches
# build/linux, and there only the files that really differ change later, so make
# rebuilds no more than it must.
#
# The state is in the repository of build/linux. Tags: gup-base (the imported source),
# gup-overlay (the rig's one commit on it), gup-series (the last patch), gup-baseside (what
# build/base/linux has), rebase-base and rebase-overlay (the same two in a rebase). git config:
#   gup.pinned, gup.version, gup.origin   wanted version, real version, where it came from
#   gup.applied, gup.base     series_hash of what build/linux, build/base/linux were made from
#   gup.refreshing            make refresh was killed while it wrote patches/
#   gup.moving-SIDE           make tree was killed while it moved that side to this commit
#   gup.rebase                BASE= of the make rebase under way

scratch=$build/.scratch

scratch_close() {
	[ ! -d "$linux/.git" ] || {
		git -C "$linux" worktree remove --force "$scratch" 2>/dev/null || :
		rm -rf "$scratch"
		git -C "$linux" worktree prune 2>/dev/null || :	# a tree of another user
	}
}

scratch_open() {
	scratch_close
	git_fixed -C "$linux" worktree add -q --no-checkout --detach "$scratch" "$1" 2>"$build/.git.log" ||
		die "git worktree add failed: $(tail -n 1 "$build/.git.log")"
	git_fixed -C "$scratch" read-tree HEAD
}

git_am() {
	git_fixed -c am.keepcr=false -c am.messageId=false -c apply.whitespace=nowarn \
		-c apply.ignoreWhitespace=no -c core.attributesFile=/dev/null \
		am --quiet --committer-date-is-author-date --no-gpg-sign "$@" </dev/null
}

# apply_onto COMMIT FILE...: git am; sets $applied to the commit that results.
# The first patch that does not apply ends the run: which patch, file and hunk.
apply_onto() {
	scratch_open "$1"; shift
	if [ $# -gt 0 ]; then
		for f in "$@"; do
			[ -f "$f" ] || die "a series names ${f#"$patches/"}, which is not there: fix that series, or: git checkout -- patches"
		done
		(cd "$scratch" && git_am --no-3way "$@") >"$build/.git.log" 2>&1 || apply_failed "$@"
	fi
	applied=$(git -C "$scratch" rev-parse HEAD)
	scratch_close
}

apply_failed() {
	gd=$(git -C "$scratch" rev-parse --absolute-git-dir)/rebase-apply
	n=$(cat "$gd/next" 2>/dev/null || echo 1)
	[ "$n" -le $# ] || n=1
	eval "bad=\${$n}"
	where=
	if [ -s "$gd/patch" ]; then
		cp "$gd/patch" "$build/.bad.patch"
		( cd "$scratch"
		  git apply --numstat -z "$build/.bad.patch" 2>/dev/null | tr '\0' '\n' | cut -f3 |
			git ls-files --with-tree=HEAD -z --pathspec-from-file=- 2>/dev/null |
			git checkout-index -q -f -z --stdin 2>/dev/null
		  sed -n 's/^--- a\///p' "$build/.bad.patch" | git checkout-index -q -f --stdin 2>/dev/null
		  git apply --reject "$build/.bad.patch" ) >"$build/.reject.log" 2>&1 || :
		where=$(awk '
			/^error: .*: (No such file|already exists|does not exist)/ { sub(/^error: /, ""); out = out "; " $0 }
			/^error: (corrupt|patch fragment)/ { sub(/^error: /, ""); out = out "; " $0 }
			/^error: patch failed: / { sub(/^error: patch failed: /, ""); line[++n] = $0 }
			/^Applying patch / { file = $3 }
			/^Rejected hunk #/ { sub(/[.]$/, "", $3); split(line[++k], at, ":")
				out = out "; " file " hunk " $3 " (line " at[2] ")" }
			END { print substr(out, 3) }' "$build/.reject.log")
		rm -f "$build/.bad.patch" "$build/.reject.log"
	fi
	[ -n "$where" ] || where=$(grep -m 1 -e '^error' -e '^fatal' "$build/.git.log" ||
		head -n 1 "$build/.git.log")
	scratch_close
	die "${bad#"$patches/"} does not apply: $where: fix that patch; build/linux is as it was"
}

# commit_source GITDIR DIR INDEX VERSION: the files of DIR as one root commit, the hooks as
# a second; sets $base and $overlay. Dates and names are fixed, so the ids are too.
commit_source() {
	gitdir=$1 from=$2 index=$3
	fixed_git() {
		GIT_DIR=$gitdir GIT_WORK_TREE=$from GIT_INDEX_FILE=$index \
		GIT_AUTHOR_NAME='gup rig' GIT_AUTHOR_EMAIL=rig@gup.invalid \
		GIT_AUTHOR_DATE='2026-11-01T00:00:00Z' GIT_COMMITTER_DATE='2026-11-01T00:00:00Z' \
		git_fixed "$@"
	}
	rm -f "$index"
	# bigFileThreshold: blobs go straight into one pack, not into 96,000 files.
	# --force: the .gitignore of Debian's package hides everything.
	{ fixed_git -C "$from" -c core.bigFileThreshold=1 -c core.compression=1 add -v --force . ||
		: >"$from.failed"; } | count_progress "import, files" 96000
	[ ! -e "$from.failed" ] || { rm -f "$from.failed"; die "git add failed: see above; then: make tree"; }
	base=$(fixed_git commit-tree -m "Linux $4" "$(fixed_git write-tree)")

	# In the top-level files, which no GUP series touches: so no patch can conflict
	# with the hooks, and below the series: so no exported patch holds them.
	printf '\nsource "mm/tests/gup/Kconfig"\n' >>"$from/Kconfig"
	# shellcheck disable=SC2016 # make expands it
	printf '\nobj-$(CONFIG_GUP_KUNIT_TEST)\t+= mm/tests/gup/\n' >>"$from/Kbuild"
	sed -i '\,^/\*$,d' "$from/.gitignore"	# Debian's "ignore everything"
	fixed_git -C "$from" add --force Kconfig Kbuild .gitignore
	overlay=$(fixed_git commit-tree -p "$base" -m "rig: build the overlay" "$(fixed_git write-tree)")
}

# export_patches FROM TO DIR: FROM..TO as mail files in DIR, plus DIR/series.
# Every option that a configuration or another git version could change is given.
export_patches() {
	rm -rf "$3"; mkdir -p "$3"
	attr=$(git -C "$linux" rev-parse --git-common-dir)
	case "$attr" in /*) ;; *) attr=$linux/$attr;; esac
	# git's own "cpp" driver picks hunk headers by a pattern that differs between
	# versions of git: use our own, which skips labels as well.
	grep -qs 'diff=gup' "$attr/info/attributes" || {
		mkdir -p "$attr/info"; echo '*.[chS] diff=gup' >>"$attr/info/attributes"; }
	git_fixed -C "$linux" -c core.quotePath=true -c core.attributesFile=/dev/null \
		-c diff.gup.xfuncname='!^[A-Za-z_][A-Za-z_0-9]*:([^:]|$)
^[A-Za-z_].*' \
		-c diff.suppressBlankEmpty=false -c diff.orderFile=/dev/null -c diff.renameLimit=0 \
		-c diff.statNameWidth=0 -c diff.statGraphWidth=0 -c diff.relative=false \
		-c i18n.logOutputEncoding=UTF-8 -c format.headers= -c format.mboxrd=false \
		format-patch -q --no-numbered --full-index --zero-commit --no-signature \
		--no-base --no-cover-letter --no-from --no-attach --no-thread --no-notes \
		--no-to --no-cc --no-add-header --no-signoff --encode-email-headers \
		--subject-prefix=PATCH --start-number=1 --suffix=.patch --filename-max-length=64 \
		--no-color --no-ext-diff --no-textconv --no-renames --diff-algorithm=myers \
		--indent-heuristic --unified=3 --inter-hunk-context=0 --stat=72 --summary \
		--src-prefix=a/ --dst-prefix=b/ --submodule=short -o "$3" "$1..$2" ||
		die "git format-patch failed in build/linux: see above"
	(cd "$3" && for f in *.patch; do [ ! -f "$f" ] || echo "$f"; done) >"$3/series"
}

# export_topics FROM TO DIR: the same, sorted into DIR/<topic>/.
export_topics() {
	export_patches "$1" "$2" "$3.flat"
	sort_topics "$3.flat" "$3"
	rm -rf "$3.flat"
}
sort_topics() {
	rm -rf "$2"
	"$top/scripts/series/topics.py" --patches "$patches" sort "$1" "$2" || exit 2
}

# touched_blobs COMMIT: "<blob> <path>" of each file on the base that gup-overlay..COMMIT
# touches, also when a later patch takes the change back; mm/gup.c in any case.
touched_blobs() {
	touched=$(git_fixed -C "$linux" -c diff.orderFile=/dev/null log --format= --name-only --no-renames \
		"gup-overlay..$1") || die "git log failed in build/linux: see above"
	printf 'mm/gup.c\n%s\n' "$touched" | sed '/^$/d' | sort -u | while read -r path; do
		blob=$(git -C "$linux" rev-parse -q --verify "gup-base:$path") || continue
		printf '%s %s\n' "$blob" "$path"
	done
}

# base_needs_files: the patches of the series that the base side gets too.
base_needs_files() {
	words "$patches/base-needs" | while read -r slug; do
		file=$(patch_file "$slug")
		[ -n "$file" ] || { echo "?$slug"; continue; }
		echo "$file"
	done
}
