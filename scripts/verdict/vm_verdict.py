#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge one run of the selftests in the VM: its kernel log against selftests/matrix.

usage: vm_verdict.py [--lane LANE] [--side series|base] [--filter GLOB]
                     [--matrix FILE] [--deny FILE] [--allow FILE] OUT

OUT is a directory of scripts/boot/vm-run.sh (its "log" and "reach"), or a log by itself, where
what the tests executed (reach= in the matrix) cannot be checked. Prints what is wrong,
each with log path and line and the command that runs just that again; then one verdict
line. OUT/verdict is as scripts/verdict/kunit_verdict.py writes it. The counts are of tests: of their
subtests each has the exact numbers that the matrix says. A test that has to skip as who it
runs as, or without what was taken away, has passed when it does.

exit status
  0  every test of the matrix did what the matrix says, no splat, nothing else ran
  1  a test failed: exit status, signal, time limit, numbers of subtests, a splat,
     pins that were not released, a kernel that died in it, a function of its reach=
     that it did not execute; or on the base one with since= passed
  2  cannot tell: no boot, time-out, silent end, broken or short KTAP, a test
     that is missing or unknown, a bad matrix, no counts of what was executed
"""
import os
import sys

import matrix
import reach
import splat
import kunit_verdict
import vm_log

SHOWN = 8               # subtests of one test


class VmJudge(kunit_verdict.Judge):
    """As for KUnit, but the unit is a program with subtests of its own.
    counts: what each test executed, or None when that is not checked."""

    counts = None

    def again(self, name):
        words = ['make vm', f'LANE={self.lane}']
        if self.side == 'base':
            words.append('SIDE=base')
        return ' '.join(words + [f'FILTER={name}'])

    def opened(self, run):
        name, done, plan = run.ktap.running
        return name, f' in {name} (test {done + 1} of {plan or "?"})'

    def test(self, run, entry, test):
        """One test of the matrix that has a result."""
        self.blamed.add(test.name)
        want = entry.numbers(self.lane, self.side)
        wrong = defects(entry, want, test)
        events = run.splats.get(test.name, [])
        if self.side == 'base' and entry.since:
            if wrong or events:
                self.passed += 1
                self.expected += 1
            else:
                self.fail(run, test, 'unexpected pass: the matrix says that it fails on the '
                          f'base, since={entry.since}', [])
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

    def unreached(self, entry):
        """What the test had to execute and did not."""
        if self.counts is None or self.why:
            return []
        counts, wrong = self.counts.get(entry.name, {}), []
        for function, floor in entry.functions():
            got = counts.get(function)
            if got is None:
                self.report(2, f'UNKNOWN {function}: {entry.name} has to execute it (matrix line '
                            f'{entry.line}), but this kernel does not have it out of line')
            elif got <= floor:
                wrong.append(f'it did not execute {function}' if not got else
                             f'it executed {function} {got} times, not more than {floor}')
        return wrong

    def load_counts(self, out, entries):
        """Says in one line when nothing was counted."""
        if self.why or not any(entry.reach for entry in entries):
            return
        why = 'a log alone'
        try:
            if os.path.isdir(out):
                self.counts, why = reach.load(f'{out}/reach')
        except reach.ReachError as error:
            self.report(2, f'BROKEN {error}')
        else:
            if why:
                print(f'reach not checked: {why}')


def defects(entry, want, test):
    """In what the test differs from its line in the matrix."""
    if entry.whole == 'skip':
        return [] if test.status == 'skip' else ['skips no longer: give it its pass=']
    if entry.whole == 'fail':
        refused = (test.status, test.reason) == ('fail', 'exit=1') and not any(test.parts.values())
        return [] if refused else ['does not refuse as a whole: exit status 1, no subtest']
    wrong = [] if test.status != 'skip' else ['skipped itself as a whole but is required']
    excused = ['exit=1'] if want.get('fail') else []
    if entry.leak:
        excused += [word for word in test.reason.split() if word.startswith('pins=')]
    wrong += [word for word in test.reason.split() if word not in excused
              and (word, test.status) != ('exit=4', 'skip')]
    wrong += test.faults
    for status in vm_log.STATUSES:
        if test.parts[status] != want.get(status, 0):
            wrong.append(f'{status}: {test.parts[status]} subtests, the matrix says '
                         f'{want.get(status, 0)}')
    return wrong


def complaints(want, test):
    """The subtests that are not what the matrix expects, with their log lines."""
    lines = [f'{number:6}: {status}: {name}' for number, status, name in test.bad
             if test.parts[status] != want.get(status, 0)]
    return lines if len(lines) <= SHOWN else lines[:SHOWN] + [f'{"...":>6}']


def judge(args, deny, allow):
    everything = matrix.load(args['matrix'])
    entries = matrix.wanted(everything, args['lane'], args['side'], args['filter'])
    if not entries:
        raise matrix.MatrixError(f'FILTER={args["filter"]} matches no test of the matrix here')
    it = VmJudge(args['lane'], args['side'], [entry.name for entry in entries])
    log = f'{args["out"]}/log' if os.path.isdir(args['out']) else args['out']
    run = kunit_verdict.Run(log, deny, allow, vm_log.VmLog)
    it.incomplete(run)
    it.load_counts(args['out'], entries)
    lost = []
    for entry in entries:
        if entry.name in run.by_name:
            it.test(run, entry, run.by_name[entry.name])
        else:
            lost.append(entry)
    leftovers(it, run, lost, {entry.name for entry in entries})
    return it


def leftovers(it, run, lost, required):
    """What is missing, what nobody asked for, splats outside the tests."""
    if it.why and lost:
        it.report(it.status, f'NOT RUN: {len(lost)} of {len(it.wanted)} tests, from '
                  f'{lost[0].name} on')
    elif not it.why:
        for entry in lost:
            it.report(2, f'MISSING {entry.name}: required (matrix line {entry.line}) but has no '
                      f'result in {run.path}')
    for test in run.ktap.cases:
        if test.name not in required:
            it.report(2, f'UNKNOWN {test.name} ({test.status}): not asked for: '
                      f'{run.path}:{test.line}')
    for name, events in run.splats.items():
        if name not in it.blamed:
            for event in events:
                it.splat(run, event)


def main(argv):
    if len(argv) == 2 and argv[1] in ('-h', '--help'):
        print(__doc__.strip())
        return 0
    args = {'lane': 'x86_64', 'side': 'series', 'filter': '', 'matrix': matrix.FILE,
            'deny': splat.DENY, 'allow': splat.ALLOW, 'out': ''}
    words = iter(argv[1:])
    try:
        for word in words:
            if word.startswith('--') and word[2:] in args:
                args[word[2:]] = next(words, '')
            elif word.startswith('-') or args['out']:
                raise matrix.MatrixError(f'vm_verdict.py: bad argument {word}: see --help')
            else:
                args['out'] = word
        if not args['out'] or args['side'] not in ('series', 'base'):
            raise matrix.MatrixError('vm_verdict.py: want [--side series|base] OUT: see --help')
        it = judge(args, splat.load_deny(args['deny']), splat.load_allow(args['allow']))
    except OSError as error:
        print(f'gup: {error.filename}: {error.strerror}', file=sys.stderr)
        return 2
    except (matrix.MatrixError, splat.ListError) as error:
        print(f'gup: {error}', file=sys.stderr)
        return 2
    return kunit_verdict.conclude(it, args['out'], ' vm')


if __name__ == '__main__':
    sys.exit(main(sys.argv))
