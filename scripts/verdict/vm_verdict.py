#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge one run of the selftests in the VM: its kernel log against selftests/matrix.

usage: vm_verdict.py [--lane LANE] [--side series|base] [--filter GLOB]
                     [--matrix FILE] [--deny FILE] [--allow FILE] OUT

OUT is a directory of scripts/boot/vm-run.sh (its "log" and "reach"), or a log by itself, where
what the tests executed (reach= in the matrix) cannot be checked. Prints what is wrong,
each with log path and line and the command that runs just that again; then one verdict
line. What OUT gets is in the head of scripts/verdict/judge.py. The counts are of tests, whose
subtests must be exactly as many as the matrix says. A test that must skip because of the
user it runs as, or because something was taken away, has passed when it skips.

exit status
  0  every test of the matrix did what the matrix says, no splat, nothing else ran
  1  a test failed: exit status, signal, time limit, numbers of subtests, a splat,
     pins that were not released, huge pages that stayed reserved, a kernel that died
     in it, a function of its reach= that it did not execute; or on the base one with
     since= passed, or failed because it did not run: no program, no TAP, a skip
  2  cannot tell: no boot, time-out, silent end, broken or short KTAP, a test
     that is missing or unknown, a bad matrix, no counts of what was executed
"""
import fnmatch
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, run as become
from verdict import matrix, reach
from verdict.judge import Judge, Run, arguments, main_log
from verdict.vm_log import STATUSES, VmLog

SHOWN = 8               # subtests of one test


class VmJudge(Judge):
    """The unit is a program with its own subtests. counts: what each test executed, or
    None when that is not checked."""

    kind = VmLog
    verb, what, units, source = 'make vm', ' vm', 'tests', 'matrix'
    unknown, counts = 'not asked for', None

    def __init__(self, args):
        entries = matrix.wanted(matrix.load(args.matrix), args.lane, args.side, args.filter)
        if not entries:
            raise BadInput(f'FILTER={args.filter} matches no test of the matrix here')
        super().__init__(args, entries)

    def matches(self, name, pattern):
        return fnmatch.fnmatchcase(name, pattern)

    def opened(self, run):
        name, done, plan = run.log.running
        return name, f' in {name} (test {done + 1} of {plan or "?"})'

    def one(self, run, entry, test):
        want = entry.numbers(self.lane, self.side)
        wrong = defects(entry, want, test)
        events = run.splats.get(test.name, [])
        if self.side == 'base' and entry.since:
            self.must_fail(run, entry, test, events, wrong)
            return
        wrong += self.unreached(entry)
        if wrong:
            self.fail(run, test, '; '.join(wrong), complaints(want, test))
        elif events:
            self.failed += 1
        elif entry.whole == 'skip' and (entry.uid, entry.without) == ('0', '-'):
            self.skipped += 1
        else:
            self.passed += 1
        for event in events:
            self.splat(run, event)

    def must_fail(self, run, entry, test, events, wrong):
        """The patch that mends it is not there."""
        if ran(test) and (test.parts['fail'] or killed(test) or left_behind(test) or events):
            self.passed += 1
            self.expected += 1
            return
        what = 'unexpected pass: the matrix says that it fails on the base'
        if wrong or events:
            what = f'{"; ".join(wrong) or "a splat"}: not how it should fail on the base'
        self.fail(run, test, f'{what}, since={entry.since}', [])
        for event in events:
            self.splat(run, event)

    def unreached(self, entry):
        """What the test must execute and did not."""
        if self.counts is None or self.why:
            return []
        counts, wrong = self.counts.get(entry.name, {}), []
        for function, floor in entry.functions():
            got = counts.get(function)
            if got is None:
                self.report(2, f'UNKNOWN {function}: {entry.name} must execute it (matrix line '
                            f'{entry.line}), but this kernel does not have it out of line')
            elif got <= floor:
                wrong.append(f'it did not execute {function}' if not got else
                             f'it executed {function} {got} times, not more than {floor}')
        return wrong

    def load_counts(self, out):
        """Says in one line when nothing was counted."""
        if self.why or not any(entry.reach for entry in self.entries):
            return
        why = 'a log alone'
        try:
            if os.path.isdir(out):
                self.counts, why = reach.load(os.path.join(out, 'reach'))
        except BadInput as error:
            self.report(2, f'BROKEN {error}')
        else:
            if why:
                print(f'reach not checked: {why}')


def words(test, *starts):
    """What init says of its end that begins so."""
    return [word for word in test.reason.split() if word.startswith(starts)]


def killed(test):
    return words(test, 'signal=', 'timeout=')


def left_behind(test):
    return words(test, 'pins=', 'reserved=')


def ran(test):
    """True if the program got to its tests, and what it printed of them can be trusted. Of one
    that was killed some results are missing, and no totals come."""
    refused = {'exit=4', 'exit=126', 'exit=127'} & set(test.reason.split())
    return bool(test.status != 'skip' and not refused and test.plan
                and (killed(test) or not test.faults))


def defects(entry, want, test):
    """In what the test differs from its line in the matrix."""
    if entry.whole == 'skip':
        return [] if test.status == 'skip' else ['skips no longer: give it its pass=']
    if entry.whole == 'fail':
        refused = (test.status, test.reason) == ('fail', 'exit=1') and not any(test.parts.values())
        return [] if refused else ['does not refuse as a whole: exit status 1, no subtest']
    wrong = [] if test.status != 'skip' else ['skipped itself as a whole but is required']
    excused = ['exit=1'] if want.get('fail') else []
    if want.get('leak'):
        excused += [word for word in test.reason.split() if word.startswith('pins=')]
    wrong += [word for word in test.reason.split() if word not in excused
              and (word, test.status) != ('exit=4', 'skip')]
    wrong += test.faults
    for status in STATUSES:
        if test.parts[status] != want.get(status, 0):
            wrong.append(f'{status}: {test.parts[status]} subtests, the matrix says '
                         f'{want.get(status, 0)}')
    return wrong


def complaints(want, test):
    """The subtests that are not what the matrix expects, with their log lines."""
    lines = [f'{number:6}: {status}: {name}' for number, status, name in test.bad
             if test.parts[status] != want.get(status, 0)]
    return lines if len(lines) <= SHOWN else lines[:SHOWN] + [f'{"...":>6}']


def main(argv):
    it = VmJudge(arguments(__doc__, argv, 'x86_64', '--matrix', matrix.FILE))
    run = Run(main_log(it.out), it.kind, it.rules, it.matches)
    it.incomplete(run)
    it.load_counts(it.out)
    it.judge(run)
    return it.conclude(run)


if __name__ == '__main__':
    become(main)
