# SPDX-License-Identifier: GPL-2.0
# Names of the verbs, nothing more. Each is one script; scripts/<verb>.sh --help is its
# manual. Variables given to make (LANE=um-smp, SIDE=base, FORCE=1, ...) reach the
# scripts through the environment.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

#: test: installs what is missing, gets the kernel, builds, boots, judges
kunit:		## KUnit suites on the patched kernel: LANE= SIDE=base FILTER=   cold 4 min, after an edit 11 s
	@scripts/kunit.sh
vm:		## upstream's and our selftests in an x86-64 guest: LANE= SIDE=base FILTER= VM=vng ACCEL=   12 min
	@scripts/vm.sh
check:		## every test: lint, the rig, patches, static checks, KUnit on UML, x86-64 and i386, VM   35 min with ccache
	@scripts/check.sh
check-all:	## the same, the base side of most lanes, um-smp, huge pages under KASAN, arm64, riscv64, selftests on UML, make compile, each topic and its mails
	@scripts/check-all.sh

#: results
status:		## ten lines: where make check is or how it ended, which lanes are ok, what failed   1 s
	@scripts/status.sh
report:		## one HTML page: verdicts, failures, patches, figures, coverage   1 s
	@scripts/report.sh

#: change the series: make tree; edit and commit in build/linux; make refresh
tree: setup-tree	## make build/linux: the pinned kernel with patches/ applied: FORCE=1   70 s, then 0.1 s
	@scripts/tree.sh
refresh:	## write patches/ from the commits in build/linux: TOPIC= for new ones between topics, FORCE=1   2 s
	@scripts/refresh.sh
show:		## show what the series does to one file: F=mm/gup.c   1 s
	@scripts/show.sh
inventory:	## require from now on the cases that the last run of a lane ran: LANE=   1 s
	@scripts/inventory.sh
rebase:		## try the series on another kernel: BASE=7.3.5 or a path; ADOPT=1, ABORT=1   2 min
	@scripts/rebase.sh
each-patch: setup-tree	## test that every prefix passes, and that without a patch its cases fail; scripts/each-patch.sh topic: each topic   40 min
	@scripts/each-patch.sh
mbox:		## write a topic as mails: TOPIC= TESTS=0 SIGN=1 ASSISTED= NOTE= V= LINUX=; without TOPIC count lines   20 s
	@scripts/mbox.sh
send-check:	## test whether the mails of a topic may go out: TOPIC=; list recipients   20 s
	@scripts/send-check.sh
range-diff:	## what changed in the patches since OLD=, an mbox, a directory or a revision: TOPIC=   10 s
	@scripts/range-diff.sh

#: parts of check
lint:		## patches/, the lists of tests, scripts, pages   2 s
	@scripts/lint.sh
round-trip: setup-tree	## apply patches/, export them again, compare the bytes   2 s
	@scripts/tree.sh
	@scripts/round-trip.sh
checkpatch: setup-lint	## checkpatch --strict on the series and on kunit/   10 s
	@scripts/tree.sh
	@scripts/checkpatch.sh
sparse: setup-lint	## sparse: warnings that the series adds   3 min
	@scripts/sparse.sh
cocci: setup-cocci	## semantic patches for GUP's rules over its callers, compared with scripts/cocci/triage: SIDE=   2 min
	@scripts/tree.sh
	@scripts/cocci.sh
compile: setup-compile	## compile GUP for each architecture and corner of kconfigs/compile, W=1: FORCE=1   cold 60 min, then 1 min
	@scripts/compile.sh
model:		## check a model of GUP-fast in spin, as it is and without each step: STEPS= FULL=1   15 s
	@scripts/model.sh
mutate: setup-tree	## change mm/gup.c in small ways; a KUnit case has to turn red: SAMPLE= SEED= FUNC= ONLY= SURVIVORS= KEEP= EQUIVALENTS= LANE=   6 s each
	@scripts/mutate.sh
coverage: setup-tree	## lines and branches of mm/gup.c that no suite executes (gcov): LANES= LINES= BRANCHES=   1 min
	@scripts/coverage.sh
test-rig:	## show that the rig can fail: golden logs, unit tests, canary kernels, bad input   4 min
	@scripts/test-rig.sh
	@for t in scripts/tests/tree-*.sh; do $$t || exit; done

#: figures; counts and icount are exact, and part of check
bench:		## time GUP on base and series: ROUNDS= ONLY= STAT= COUNT= AGAINST=<mbox> LANE=icount   3 min, cold 20 min
	@scripts/bench.sh
counts:		## compare locked operations and page-table walks with their record: ACCEPT=1   15 s, cold 3 min
	@scripts/counts.sh
icount:		## compare instructions on x86-64 with their record: ACCEPT=1 ROUNDS=   15 s, cold 3 min
	@scripts/icount.sh

bench-kit:	## packages of base and series and a program that times both, for a real machine: CONFIG= TRY=1   an hour or more
	@scripts/bench-kit.sh

#: the machine
doctor:		## list tools, versions, what is lost without a missing one, how to get it   2 s
	@scripts/doctor.sh
setup:		## install what make check needs (root on Debian), or print the command   1 s when all are there
	@scripts/setup.sh tree build vm i386 lint cocci model post
clean:		## remove objects and results, never build/linux   5 s
	@scripts/clean.sh
setup-tree:
	@scripts/setup.sh tree
setup-lint:
	@scripts/setup.sh tree build lint
setup-cocci:
	@scripts/setup.sh tree cocci
setup-compile:
	@scripts/setup.sh tree build compile

help:
	@awk '/^#: /{ print ""; print substr($$0, 4) } \
	      /^[a-z-]+:.*##/{ name = $$1; sub(/:.*/, "", name); sub(/^[^#]*## */, ""); \
	      printf "  make %-12s %s\n", name, $$0 }' Makefile

.PHONY: kunit vm check check-all each-patch tree refresh show rebase mbox send-check range-diff lint round-trip checkpatch \
	sparse cocci compile model mutate coverage test-rig inventory bench counts icount bench-kit report status doctor \
	setup setup-tree setup-lint setup-cocci setup-compile clean help
