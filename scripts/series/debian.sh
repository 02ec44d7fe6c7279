# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# debian.sh - packages of another Debian suite than the machine's: its own mirror,
# keyring and proxies, but private lists, so that nothing of the machine changes. No
# root is needed. Sourced.

# debian_suite DIR SUITE: sources of SUITE below DIR. Fails when apt has no sources.
debian_suite() {
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(SIGNED_BY)' 'Created-By: Packages' 2>/dev/null |
		grep -v -e '-security ' -e '-updates ' -e '-backports ' | head -n 1 >"$1/mirror"
	read -r _mirror _ _key <"$1/mirror" || return 1
	case "$_key" in
	/*) ;;
	*)	_key=; for _f in /usr/share/keyrings/debian-archive-keyring.*; do [ ! -f "$_f" ] || _key=$_f; done;;
	esac
	mkdir -p "$1/lists/partial" "$1/apt/archives/partial" "$1/parts"
	echo "deb ${_key:+[signed-by=$_key] }$_mirror $2 main" >"$1/sources.list"
}

# debian_apt DIR apt-get|apt-cache ARG...: become it, with what debian_suite has put below
# DIR; call it in a subshell.
debian_apt() {
	_dir=$1 _apt=$2
	shift 2
	exec "$_apt" -q -o APT::Sandbox::User= -o APT::Default-Release= -o Acquire::Languages=none \
		-o Dir::Etc::sourcelist="$_dir/sources.list" -o Dir::Etc::sourceparts="$_dir/parts" \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$_dir/parts" \
		-o Dir::State::lists="$_dir/lists" -o Dir::Cache="$_dir/apt" -o Acquire::Retries=2 "$@"
}
