# SPDX-License-Identifier: GPL-2.0
# Names of the verbs, nothing more. Each is one script; scripts/<verb>.sh --help
# tells the rest. Variables given to make (LANE=um-smp, SIDE=base, FORCE=1, ...)
# reach the scripts through the environment.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

#: first run: install what is missing, get the kernel, everything up to the verdict
kunit:		## KUnit on the patched kernel: LANE= SIDE=base FILTER=   cold 4 min, after an edit 15 s
	@scripts/kunit.sh
vm:		## upstream's and our selftests in an x86-64 guest: LANE= SIDE=base FILTER=   12 min
	@scripts/vm.sh
check:		## all the tests: lint, the rig itself, patches, static checks, KUnit on UML and x86-64, VMs   35 min with ccache
	@scripts/check.sh

#: the patch cycle: make tree; edit and commit in build/linux; make refresh
tree: setup-tree	## build/linux = pinned kernel + patches/   90 s, then 0.1 s
	@scripts/tree.sh
refresh:	## write patches/ from the commits in build/linux   2 s
	@scripts/refresh.sh
show:		## what the series does to one file: F=mm/gup.c   1 s
	@scripts/show.sh
rebase:		## try the series on another kernel: BASE=7.3.5 or a path; ADOPT=1   2 min
	@scripts/rebase.sh
send-check:	## may this series be mailed? sign-off, checkpatch, lint, to whom   10 s
	@scripts/send-check.sh

each-patch: setup-tree	## every prefix builds and passes, without a patch its cases fail   25 min
	@scripts/each-patch.sh

#: parts of check
lint:		## series file, names, mail headers, trailers, blob pins, shell scripts   2 s
	@scripts/lint.sh
round-trip: setup-tree	## patches/ applied and exported again gives the same bytes   2 s
	@scripts/tree.sh
	@scripts/round-trip.sh
checkpatch: setup	## checkpatch --strict on the series and on kunit/   10 s
	@scripts/tree.sh
	@scripts/checkpatch.sh
sparse: setup	## sparse, only what the series adds   60 s
	@scripts/sparse.sh
model:		## a model of GUP-fast in spin, each step left out in turn: STEPS= FULL=1   15 s; scripts/model.sh trace STEP
	@scripts/model.sh

test-rig:	## show that the rig can fail: golden logs, canary kernels, bad input   2 min
	@scripts/test-rig.sh
	@for t in scripts/tests/tree-*.sh; do $$t || exit; done
inventory:	## take build/out/<lane> as what is required from now on: LANE=um; then review the diff
	@scripts/verdict/kunit_verdict.py --accept build/out/$(or $(LANE),um)

#: figures; the second and the third are exact, and part of check
bench:		## what GUP costs, base against series: ROUNDS= ONLY= AGAINST=<mbox> LANE=icount   4 min, cold 20 min
	@scripts/bench.sh

counts:		## locked operations and walks of each call, against scripts/figures/bench.counts: ACCEPT=1   3 min cold, then 30 s
	@scripts/counts.sh

icount:		## instructions of each call on x86-64, against scripts/figures/bench.icount: ACCEPT=1 ROUNDS=   4 min cold, then 30 s
	@scripts/icount.sh

#: the machine
setup:		## install what is missing (root on Debian), or say how   1 s when all is there
	@scripts/setup.sh
setup-tree:
	@scripts/setup.sh tree
clean:		## remove object trees and results, never build/linux
	rm -rf build/o-* build/base/o-* build/bench/*/o-* build/out

help:
	@awk '/^#: /{ print ""; print substr($$0, 4) } \
	      /^[a-z-]+:.*##/{ name = $$1; sub(/:.*/, "", name); sub(/^[^#]*## */, ""); \
	      printf "  make %-12s %s\n", name, $$0 }' Makefile

.PHONY: kunit vm check each-patch tree refresh show rebase send-check lint round-trip checkpatch \
	sparse model test-rig inventory bench counts icount setup setup-tree clean help
