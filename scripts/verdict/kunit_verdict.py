#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge one KUnit run: its kernel log against kunit/inventory.

usage: kunit_verdict.py [--lane LANE] [--side series|base] [--filter GLOB]
                        [--inventory FILE] [--deny FILE] [--allow FILE] OUT

OUT is a directory of scripts/boot/kunit-run.sh (its "log", and on the base "crash/*.log",
one boot for each case that kills the kernel there), or a log by itself.
Prints what is wrong, each with log path and line and the command that runs just that
again; then one verdict line. What OUT gets is in the head of scripts/verdict/judge.py.

exit status
  0  every required case did what the inventory says, no splat, nothing else ran
  1  a test failed: a case failed, skipped itself without leave, had a splat,
     killed the kernel; or on the base one with since= passed
  2  cannot tell: no boot, time-out, silent end, broken or short KTAP, a case
     that is missing or unknown, a bad inventory
A kernel that dies in a case is 1 and not 2, so that git bisect can follow it; and a log
that lost lines is 1 if cases in the rest of it failed.
Counts: on the base a case that fails, or kills, as since= says counts as passed.
"""
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, run as become
from verdict import inventory
from verdict.judge import Judge, Run, arguments, main_log
from verdict.kunit_log import KunitLog, squash


class KunitJudge(Judge):
    """The unit is a case."""

    kind = KunitLog
    verb, units, source = 'make kunit', 'cases', 'inventory'
    unknown = 'not in the inventory'

    def __init__(self, args):
        everything = [case for case in inventory.load(args.inventory)[1]
                      if case.runs_in(args.lane)]
        entries = [case for case in everything
                   if not args.filter or inventory.matches(case.name, args.filter)]
        if not entries:
            raise BadInput(f'FILTER={args.filter} matches no case of lane {args.lane} in the '
                           'inventory: list them with scripts/verdict/inventory.py list')
        super().__init__(args, entries)
        self.names, self.filter = {case.name for case in everything}, args.filter
        self.restore = f': restore it, or drop it: make inventory LANE={self.lane}'
        self.add = f': add it: make inventory LANE={self.lane}'
        self.alone = [case for case in entries if case.crash and args.side == 'base']

    def matches(self, name, pattern):
        return inventory.matches(name, pattern)

    def required(self):
        return self.names

    def asked(self, name):
        return not self.filter or inventory.matches(name, self.filter)

    def one(self, run, entry, case):
        events = run.splats.get(case.name, [])
        must_fail = self.side == 'base' and entry.since
        # One that skips itself has not shown what it is there for, whatever the kernel says.
        if must_fail and case.status != 'skip' and (case.status == 'fail' or events):
            self.passed += 1
            self.expected += 1
            return
        if case.status == 'skip':
            self.skip(run, entry, case, events)
        elif must_fail:
            self.fail(run, case, 'unexpected pass: the inventory says that it fails on the '
                      f'base, since={entry.since}', [])
        elif case.status == 'fail':
            self.fail(run, case, 'not ok', run.said(case.first, case.line))
        elif events:
            self.failed += 1
        else:
            self.passed += 1
        for event in events:
            self.splat(run, event)

    def skip(self, run, entry, case, events):
        excuse = entry.skips.get(self.lane)
        if excuse and excuse in squash(case.reason) and not events:
            self.skipped += 1
            return
        self.fail(run, case, f'skipped itself ("{case.reason}") but is required'
                  + (f'; only "{excuse}" is excused' if excuse else ''),
                  run.said(case.first, case.line))

    def killer(self, entry, alone, together):
        """base=crash: booted alone on the base, it must kill the kernel."""
        case = together.by_name.get(entry.name) if together else None
        if case and case.status != 'skip':
            self.report(2, f'BROKEN {entry.name} ran with the others on the base although '
                        'base=crash: the test must ask gk_may_crash()')
        if alone is None:
            self.report(2, f'MISSING {entry.name}: no separate boot on the base (base=crash)')
        elif alone.crash and alone.log.running and not alone.log.ended:
            self.passed += 1
            self.expected += 1
        else:
            self.failed += 1
            ended = 'passed' if alone.log.ended else 'ended without a panic'
            self.report(1, f'FAILED {entry.name}: {ended} although the inventory says that it '
                        f'kills the base, since={entry.since}: {alone.path}:{len(alone.lines)}',
                        again=entry.name)

    def opened(self, run):
        suite, done, plan = run.log.running[:3]
        left = [case.name for case in self.entries
                if case.name.startswith(suite + '.') and case.name not in run.by_name]
        name = (f'{suite}.{run.log.running[3]}' if len(run.log.running) > 3 else
                left[0].split('/')[0] if left else suite)
        return name, f' in {name} (case {done + 1} of {plan or "?"} of its suite)'

    def wholes(self, run, lost):
        """A suite, or a case with parameters, that failed or skipped itself as one."""
        whole = [case for case in run.log.cases
                 if case.leaf and case.status != 'pass' and case.name not in self.names
                 and any(name.startswith((case.name + '.', case.name + '/')) for name in self.names)]
        for case in whole:
            what = 'set-up or tear-down failed' if case.status == 'fail' else \
                f'skipped itself as a whole ("{case.reason}")'
            self.fail(run, case, what, run.said(case.first, case.line))
            lost = [e for e in lost if not e.name.startswith((case.name + '.', case.name + '/'))]
        return lost, {case.name for case in whole}

    def all_of(self, out):
        """Judge every boot of the directory. Returns the common one."""
        crash = {os.path.basename(path)[:-len('.log')]: self.boot(path)
                 for path in glob.glob(os.path.join(out, 'crash', '*.log'))}
        killers = self.alone
        run = self.boot(main_log(out)) if len(killers) < len(self.entries) else None
        if run:
            self.incomplete(run)
        for entry in killers:
            self.killer(entry, crash.get(entry.function), run)
        self.entries = [entry for entry in self.entries if entry not in killers]
        if run:
            self.judge(run)
        return run

    def boot(self, path):
        return Run(path, self.kind, self.rules, self.matches)


def main(argv):
    it = KunitJudge(arguments(__doc__, argv, 'um', '--inventory', inventory.FILE))
    return it.conclude(it.all_of(it.out))


if __name__ == '__main__':
    become(main)
