# shellcheck shell=sh disable=SC2154,SC2034 # variables of lib.sh, series.sh and of the callers
# SPDX-License-Identifier: GPL-2.0
# posting.sh - a topic as commits of its own and as mails; sourced after lib.sh.
# shellcheck source=scripts/series/series.sh
. "$top/scripts/series/series.sh"

# topic_commits TOPIC: the topic on the pinned kernel. Sets $from, what lies below it, and
# $code, its last patch.
topic_commits() {
	if [ "$1" = tests ]; then
		# shellcheck disable=SC2046 # file names without blanks
		apply_onto gup-base $(series_files | sed "s,^,$patches/,")
		from=$applied code=$applied
		return 0
	fi
	_below=$("$top/scripts/series/topics.py" needs "$1") || exit 2
	# shellcheck disable=SC2046,SC2086
	apply_onto gup-base $(topic_files $_below | sed "s,^,$patches/,")
	from=$applied
	# shellcheck disable=SC2046
	apply_onto "$from" $(topic_files "$1" | sed "s,^,$patches/,")
	code=$applied
}

# named_words FROM TO TOPIC: what may be the name of a test in changelogs and cover letter.
named_words() {
	{ git -C "$linux" log --format=%B "$1..$2"; cat "$patches/$3/cover-letter.txt"; } |
		grep -oE '\bgup_[a-z0-9_]+' | sort -u
}

# base_commit: what git calls the pinned kernel: as upstream does if LINUX= is a clone that
# has it, else as this rig does.
base_commit() {
	_tag=$(pin tag)
	if [ -n "${LINUX-}" ] && _id=$(git -c safe.directory='*' -C "$LINUX" rev-parse -q --verify "$_tag^{commit}" 2>/dev/null); then
		while read -r _blob _path; do
			[ "$(git -c safe.directory='*' -C "$LINUX" rev-parse -q --verify "$_id:$_path")" = "$_blob" ] ||
				die "LINUX=$LINUX: $_path of $_tag is not what patches/base.blobs pins: name another clone"
		done <"$patches/base.blobs"
		echo "$_id"
	else
		git -C "$linux" rev-parse gup-base^0
	fi
}

# since_slugs FILE: "--since SLUG" of each patch that a list says fixes something.
since_slugs() {
	grep -ohE '\bsince=[^ ]+' "$top/kunit/inventory" "$top/selftests/matrix" >"$1" ||
		die "posting: no since= in kunit/inventory and selftests/matrix"
	sort -u -o "$1" "$1" || exit 2
	sed -i 's/^since=/--since /' "$1" || exit 2
}

# write_mbox TOPIC FILE [--no-people]: sets $from, $code, $to, $lines and, if it has any, $tests, the
# lines of the mails with tests.
write_mbox() {
	topic_commits "$1"
	_base=$(base_commit) || exit 2
	to=$code tests=
	if [ "$1" = tests ]; then
		to=$("$top/scripts/series/suites.py" --onto "$code") || exit 2
	elif [ "${TESTS-}" != 0 ]; then
		# shellcheck disable=SC2046 # words
		to=$("$top/scripts/series/suites.py" --onto "$code" --for $(named_words "$from" "$code" "$1")) || exit 2
	fi
	_person=
	if [ "${SIGN-}" = 1 ]; then
		_person=$(git -C "$linux" config user.name) || _person=
		_email=$(git -C "$linux" config user.email) || _person=
		[ -n "$_person" ] || die "SIGN=1: who signs is not known: git config --global user.name and user.email"
		_person="$_person <$_email>"
	fi
	mkdir -p "$(dirname "$2")"
	export_patches "$from" "$to" "$build/.mails"
	lines=$("$top/scripts/series/mbox.py" --sign "$_person" --assisted "${ASSISTED-}" --note "${NOTE-}" \
		--version "${V:-1}" --linux "$linux" --base "$_base" --from "$from" --to "$to" \
		${3:+"$3"} "$1" "$build/.mails" "$2") || { rm -rf "$build/.mails"; exit 2; }
	if [ "$to" != "$code" ]; then
		export_patches "$code" "$to" "$build/.mails"
		tests=$(cat "$build"/.mails/*.patch | wc -l)
	fi
	rm -rf "$build/.mails"
}

# count_lines: of the mails of each topic, without headers and without the tests that go
# with them; and of those that people of mm/ have to read: without what is for others, and works of
# their own (huge pages on um, ranges).
count_lines() {
	_all=0
	_apart='documentation um-huge riscv hugetlb khugepaged shmem block io-uring iommufd drivers ranges tests'
	for _name in $(topics) tests; do
		TESTS=0 write_mbox "$_name" /dev/null --no-people
		printf '%-15s %5d lines\n' "$_name" "$lines"
		case " $_apart " in *" $_name "*) ;; *) _all=$((_all + lines));; esac
	done
	printf '%-15s %5d lines, without %s\n' all "$_all" "$_apart"
}

# What only mails with tests change, as a regular expression of paths.
tests_only='^mm/(tests/gup/.*|Kconfig|Makefile)$|^tools/testing/selftests/mm/(Makefile|config|run_vmtests\.sh|(gup|lib)_[a-z_]*\.[ch])$'
