# shellcheck shell=sh disable=SC2034 # what is set here is used by the verbs
# SPDX-License-Identifier: GPL-2.0
# lib.sh - what the verbs of this rig share. Sourced, never run:
#
#	. "$(dirname "$0")/lib.sh"
#
# environment, for the tests of the rig and for odd set-ups:
#   GUP_BUILD    where everything is built	(default: <repo>/build)
#   GUP_PATCHES  the patch series		(default: <repo>/patches)
#   GUP_CACHE    verified source archives	(default: ~/.cache/gup)
#   GUP_NEED_MB  free disk space to ask for, instead of each verb's own guess

# $0 may be scripts/verb.sh or a script of a room: walk up to the repository.
top=$(cd "$(dirname "$0")" && pwd -P)
while [ ! -e "$top/scripts/lib.sh" ]; do
	[ "$top" != / ] || { echo "gup: $0: not inside the repository" >&2; exit 2; }
	top=$(dirname "$top")
done

# Verbs and what they call change directory, each on its own.
for _var in GUP_BUILD GUP_PATCHES GUP_CACHE; do
	eval "_dir=\${$_var-}"
	case $_dir in ''|/*) ;; *) export "$_var=$PWD/$_dir";; esac
done
build=${GUP_BUILD:-$top/build}
patches=${GUP_PATCHES:-$top/patches}
cache=${GUP_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/gup}
linux=$build/linux
baselinux=$build/base/linux
for _dir in "$top" "$build" "$patches" "${GUP_CACHE-}"; do
	case $_dir in *[[:space:],:]*)
		echo "gup: '$_dir': the kernel's make cannot build below a name with a blank, a comma or a colon: move it, or choose other names" >&2
		exit 2;;
	esac
done
export LC_ALL=C
# Where mkfs.ext4 and depmod are; an ordinary user of Debian has it not in PATH.
PATH=$PATH:/usr/sbin:/sbin

# A kernel build goes its own way when these leak in from a calling make; and a
# caller's GIT_DIR (a hook of this repository) must not redirect our git.
unset MAKEFLAGS MFLAGS GNUMAKEFLAGS MAKELEVEL CDPATH GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE || :

say() { printf '%s\n' "$*"; }
warn() { printf 'gup: %s\n' "$*" >&2; }
die() { printf 'gup: %s\n' "$*" >&2; exit 2; }

# usage: the comment at the head of the running script is its manual.
usage() {
	awk 'NR == 1 || /SPDX-License-Identifier/ { next }
	     !/^#/ { exit }
	     { sub(/^# ?/, ""); print }' "$0"
}

help_if_asked() {
	case "${1-}" in
	-h|--help) usage; exit 0;;
	esac
}

# need TOOL [PACKAGE...]: stop, with the command that helps, when TOOL is missing.
need() {
	command -v "$1" >/dev/null 2>&1 && return 0
	_tool=$1; shift
	die "$_tool is missing: apt-get install ${*:-$_tool} (or: make setup)"
}

jobs() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1; }

side_root() {
	case "$1" in
	series) printf '%s\n' "$build";;
	base) printf '%s\n' "$build/base";;
	bench-*) printf '%s\n' "$build/bench/${1#bench-}";;	# scripts/bench.sh only
	*) die "SIDE=$1: use SIDE=series or SIDE=base";;
	esac
}

# need_space DIR MB WHAT: a full disk is bad input, better found before the work.
need_space() {
	mkdir -p "$1" || die "cannot create $1: choose another place with GUP_BUILD or GUP_CACHE"
	_free=$(df -Pk "$1" | awk 'NR == 2 { print int($4 / 1024) }')
	_want=${GUP_NEED_MB:-$2}
	[ "$_free" -ge "$_want" ] ||
		die "no disk space for $3: $1 has $_free MB free, $_want MB are needed"
}

# not_yours PATH: stop, since another user made PATH, as with sudo make.
not_yours() {
	die "$1 belongs to $(stat -c %U "$1"): sudo chown -R $(id -un) $build, or choose another place with GUP_BUILD"
}

# lock VERB: one run at a time in a build directory. The lock is an open file
# descriptor, so it lives as long as any child of a killed run that could still
# write there, and no longer. Child scripts run under their parent's lock.
lock() {
	_lock=$build/.lock
	[ "${GUP_LOCKED-}" != "$_lock" ] || return 0
	need flock util-linux
	mkdir -p "$build" || die "cannot create $build: choose another place with GUP_BUILD"
	[ -w "$build" ] || not_yours "$build"
	[ ! -e "$_lock" ] || [ -w "$_lock" ] || not_yours "$_lock"
	exec 9<>"$_lock"
	_tries=0
	until flock -n 9; do
		read -r _verb _pid _rest <"$_lock" || { _verb='?' _pid=0; }
		if [ "${_pid:-0}" -gt 0 ] && kill -0 "$_pid" 2>/dev/null; then
			die "$_verb is already running here (pid $_pid): wait for it, or end it: kill $_pid"
		fi
		# Its owner is dead; give the children of that run a moment to go too.
		_tries=$((_tries + 1))
		[ "$_tries" -le 20 ] ||
			die "$_verb was killed but left processes that hold $_lock: end them: kill$(lock_holders)"
		sleep 0.5
	done
	printf '%s %s\n' "$1" "$$" >"$_lock"
	GUP_LOCKED=$_lock
	export GUP_LOCKED
}

lock_holders() {
	for _fd in /proc/[0-9]*/fd/9; do
		[ "$(readlink "$_fd" 2>/dev/null)" = "$_lock" ] || continue
		_fd=${_fd#/proc/}
		[ "${_fd%%/*}" = $$ ] || printf ' %s' "${_fd%%/*}"
	done
}

# progress LABEL DONE TOTAL: rewrites its line on a terminal; else a plain line
# every 10 s or every 10 %, whichever comes first. Always ends with DONE = TOTAL.
progress() {
	if [ -t 2 ]; then
		printf '\r  %s: %d of %d ' "$1" "$2" "$3" >&2
		[ "$2" -lt "$3" ] || printf '\n' >&2
		return 0
	fi
	_pct=$(($3 > 0 ? $2 * 100 / $3 : 100))
	_now=$(date +%s)
	[ "$1" = "${_pg_label-}" ] || { _pg_label=$1 _pg_pct=-1 _pg_time=$_now; }
	[ "$_pct" -ne "$_pg_pct" ] || return 0
	[ "$_pct" -ge $((_pg_pct + 10)) ] || [ "$_now" -ge $((_pg_time + 10)) ] || return 0
	printf '  %s: %d of %d (%d %%)\n' "$1" "$2" "$3" "$_pct" >&2
	_pg_pct=$_pct _pg_time=$_now
}

# count_progress LABEL TOTAL: the same for a filter: one line of stdin = one done.
# TOTAL is a guess, so the last line gives the true count.
count_progress() {
	_tty=0; [ ! -t 2 ] || _tty=1
	awk -v label="$1" -v total="$2" -v tty="$_tty" '
	function show(n) {
		if (tty) printf "\r  %s: %d of %d ", label, n, total > "/dev/stderr"
		else printf "  %s: %d of %d (%d %%)\n", label, n, total, n * 100 / total > "/dev/stderr"
	}
	BEGIN { if (total < 1) total = 1; step = tty ? 500 : int(total / 4) + 1 }
	NR % step == 0 && NR < total { show(NR) }
	END { if (NR) { total = NR; show(NR); if (tty) printf "\n" > "/dev/stderr" } }'
}

# pin KEY: the value of KEY in patches/base ("version 7.3.4").
pin() {
	[ -r "$patches/base" ] || die "$patches/base is missing: git checkout -- patches/base"
	awk -v key="$1" '$1 == key { print $2; exit }' "$patches/base"
}

# git that no configuration of the user or the machine can bend, and whose
# commits get the same id on every machine.
git_fixed() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 \
	GIT_COMMITTER_NAME='gup rig' GIT_COMMITTER_EMAIL=rig@gup.invalid \
	git -c core.hooksPath=/dev/null -c commit.gpgSign=false -c gc.auto=0 \
	    -c maintenance.auto=false -c core.autocrlf=false -c core.fsmonitor=false "$@"
}

# has_tree: whether this rig made build/linux. Git reads no tree of another user.
has_tree() {
	_why=$(git -C "$linux" rev-parse -q --verify refs/tags/gup-overlay 2>&1) && return 0
	case $_why in *'dubious ownership'*|*'unsafe repository'*) not_yours "$linux";; esac
	return 1
}

# words FILE: its lines without comments, and without those that are empty then.
words() { sed 's/[[:space:]]*#.*//; /^[[:space:]]*$/d' "$1" 2>/dev/null || :; }

# topics: their names, in the order in which they are applied.
topics() { words "$patches/topics" | awk '{ print $1 }'; }

# topic_files TOPIC...: their patches in order, as names below patches/.
topic_files() {
	for _topic; do words "$patches/$_topic/series" | sed "s,^,$_topic/,"; done
}

# series_files: all patches in order, as names below patches/.
# shellcheck disable=SC2046 # topics without blanks, lint sees to it
series_files() { topic_files $(topics); }

# patch_file SLUG: which of them is SLUG, the name without number and .patch.
patch_file() { series_files | grep -x "[^/]*/[0-9]*-$1\.patch" | head -n 1; }

# series_hash: one id for all that `make tree` applies.
series_hash() {
	(cd "$patches" && series_files | while read -r _f; do
		printf '== %s\n' "$_f"; cat -- "$_f" 2>/dev/null || echo missing
	done) | git hash-object --stdin
}

# tree_busy TREE: what git operation of the user is under way there, if any.
tree_busy() {
	_gd=$(git -C "$1" rev-parse --absolute-git-dir)
	[ ! -d "$_gd/rebase-apply" ] || { echo am; return; }
	[ ! -d "$_gd/rebase-merge" ] || { echo rebase; return; }
	[ ! -e "$_gd/MERGE_HEAD" ] || { echo merge; return; }
	[ ! -e "$_gd/CHERRY_PICK_HEAD" ] || { echo cherry-pick; return; }
	[ ! -e "$_gd/REVERT_HEAD" ] || { echo revert; return; }
}
