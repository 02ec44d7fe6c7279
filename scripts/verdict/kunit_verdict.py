#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge one KUnit run: its kernel log against kunit/inventory.

usage: kunit_verdict.py [--lane LANE] [--side series|base] [--filter GLOB]
                  [--inventory FILE] [--deny FILE] [--allow FILE] OUT
       kunit_verdict.py --accept [--lane LANE] [--inventory FILE] OUT

OUT is a directory of scripts/boot/kunit-run.sh (its "log", and on the base "crash/*.log",
one boot for each case that kills the kernel there), or a log by itself.
Prints what is wrong, each with log path and line and the command that runs
just that again; then one verdict line. OUT/verdict gets that line and a line
"counts PASSED FAILED SKIPPED" for scripts that add up.
--accept rewrites the inventory from OUT instead; it needs a complete run.

exit status
  0  every required case did what the inventory says, no splat, nothing else ran
  1  a test failed: a case failed, skipped itself without leave, had a splat,
     killed the kernel; or on the base one with since= passed
  2  cannot tell: no boot, time-out, silent end, broken or short KTAP, a case
     that is missing or unknown, a bad inventory
A kernel that dies in a case is 1 and not 2, so that git bisect can follow it.
Counts: on the base a case that fails, or kills, as since= says counts as passed.
"""
import glob
import os
import sys

import inventory
import kunit_log
import splat

SHOWN = 25              # failures in full; the rest by number


class Run:
    """One boot: parsed log, its splats by the case in which they fell."""

    def __init__(self, path, deny, allow, parse=kunit_log.Ktap):
        with open(path, errors='backslashreplace') as log:
            self.lines = log.readlines()
        self.path = shown(path)
        self.ktap = parse(self.lines)
        self.by_name = {case.name: case for case in self.ktap.cases}
        self.splats, self.crash, self.excused = {}, None, 0
        for event in splat.scan(self.lines, deny):
            event.case = next((c.name for c in self.ktap.cases if c.line > event.line), None)
            if splat.allowed(event, self.lines, allow,
                             lambda g, e=event: e.case and inventory.matches(e.case, g)):
                self.excused += 1
            elif event.kind == 'crash':
                self.crash = self.crash or event
            else:
                self.splats.setdefault(event.case, []).append(event)

    def said(self, case, most=12):
        """The lines that a case printed, as kernel developers grep for them."""
        text = [(n, kunit_log.clean(self.lines[n - 1])) for n in range(case.first, case.line + 1)]
        hits = [f'{n:6}: {t}' for n, t in text
                if t.strip() and not t.strip().startswith(('KTAP', '1..', '# Subtest'))]
        return hits if len(hits) <= most else hits[:most - 1] + [f'{"...":>6}']


def shown(path):
    path = os.path.relpath(path) if not os.path.relpath(path).startswith('..') else path
    return path


class Judge:
    """Collects findings; worst status wins, 2 over 1 over 0."""

    def __init__(self, lane, side, wanted):
        self.lane, self.side, self.wanted = lane, side, wanted
        self.status, self.passed, self.failed, self.skipped = 0, 0, 0, 0
        self.expected, self.findings, self.why, self.blamed = 0, 0, [], set()

    def again(self, name):
        words = ['make kunit', f'LANE={self.lane}']
        if self.side == 'base':
            words.append('SIDE=base')
        return ' '.join(words + [f'FILTER={name.split("/")[0]}'])

    def report(self, status, head, body=(), again=None):
        self.status = max(self.status, status)
        self.findings += 1
        if self.findings <= SHOWN:
            print(head)
            for line in body:
                print('  ' + line)
            if again:
                print(f'    again: {self.again(again)}')

    def fail(self, run, case, what, body):
        self.failed += 1
        self.report(1, f'FAILED {case.name}: {what}: {run.path}:{case.line}', body, case.name)

    def case(self, run, entry, case):
        """One required case that has a result."""
        events = [e for e in run.splats.get(case.name, [])]
        self.blamed.add(case.name)
        broken = case.status == 'fail' or bool(events)
        must_fail = self.side == 'base' and entry.since
        if must_fail and broken:
            self.passed += 1
            self.expected += 1
        elif case.status == 'skip':
            want = entry.skips.get(self.lane)
            if want and want in kunit_log.squash(case.reason) and not events:
                self.skipped += 1
            else:
                self.fail(run, case, f'skipped itself ("{case.reason}") but is required'
                          + (f'; only "{want}" is excused' if want else ''), run.said(case))
        elif must_fail:
            self.fail(run, case, f'unexpected pass: the inventory says that it fails on the '
                      f'base, since={entry.since}', [])
        elif case.status == 'fail':
            self.fail(run, case, 'not ok', run.said(case))
        elif not events:
            self.passed += 1
        else:
            self.failed += 1
        if events and not must_fail:
            for event in events:
                self.splat(run, event)

    def splat(self, run, event):
        where = f'in {event.case}' if event.case else 'outside the tests'
        self.report(1, f'SPLAT {event.kind} {where}: {run.path}:{event.line}: {event.text}',
                    splat.excerpt(event, run.lines), event.case)

    def crashed(self, run, entry):
        """base=crash: booted alone on the base, has to kill the kernel."""
        if run is None:
            self.report(2, f'MISSING {entry.name}: no boot of its own on the base (base=crash)')
        elif run.crash and run.ktap.running and not run.ktap.ended:
            self.passed += 1
            self.expected += 1
        else:
            self.failed += 1
            ended = 'passed' if run.ktap.ended else 'ended without a panic'
            self.report(1, f'FAILED {entry.name}: {ended} although the inventory says that it '
                        f'kills the base, since={entry.since}: {run.path}:{len(run.lines)}',
                        again=entry.name)

    def opened(self, run):
        """The case that was running when the log ended: its name, and in words."""
        suite, done, plan = run.ktap.running[:3]
        left = [n for n in self.wanted if n.startswith(suite + '.') and n not in run.by_name]
        name = (f'{suite}.{run.ktap.running[3]}' if len(run.ktap.running) > 3 else
                left[0].split('/')[0] if left else suite)
        return name, f' in {name} (case {done + 1} of {plan or "?"} of its suite)'

    def incomplete(self, run):
        """Why the log as a whole cannot be trusted. True if the kernel died."""
        log, where = run.ktap, f'{run.path}:{len(run.lines)}'
        name, open_case = self.opened(run) if log.running else (None, '')
        if run.crash:
            at = run.crash
            self.why.append(f'the kernel died{open_case or " outside the tests"}')
            self.failed += bool(log.running)
            self.report(1 if log.running else 2,
                        f'CRASH{open_case or ""}: {run.path}:{at.line}: {at.text}',
                        splat.excerpt(at, run.lines, 20), name)
            for event in run.splats.pop(None, []):      # how it came to that
                self.report(1, f'SPLAT {event.kind} before it: {run.path}:{event.line}: '
                            f'{event.text}', splat.excerpt(event, run.lines))
        elif log.timeout:
            self.why.append(f'time-out after {log.timeout} s{open_case}')
            self.report(2, f'TIME-OUT after {log.timeout} s{open_case}: {where}', [], name)
        elif log.problems:
            self.why.append('silent end' + open_case if log.running else
                            log.problems[0])
            self.report(2, f'BROKEN {self.why[-1]}: {where}', log.problems, name)


def judge(args, deny, allow):
    """The whole of it. Returns the Judge, to print and to exit by."""
    everything = inventory.load(args['inventory'])[1]
    entries = [e for e in everything if e.runs_in(args['lane'])]
    if args['filter']:
        entries = [e for e in entries if inventory.matches(e.name, args['filter'])]
        if not entries:
            raise inventory.InventoryError(
                f'FILTER={args["filter"]} matches no case of lane {args["lane"]} in the '
                'inventory: list them with scripts/verdict/inventory.py list')
    it = Judge(args['lane'], args['side'], [e.name for e in entries])
    folder = os.path.isdir(args['out'])
    crash = {}
    if folder:
        for path in glob.glob(os.path.join(args['out'], 'crash', '*.log')):
            crash[os.path.basename(path)[:-len('.log')]] = Run(path, deny, allow)
    main_log = os.path.join(args['out'], 'log') if folder else args['out']
    alone = [e for e in entries if e.crash and args['side'] == 'base']
    run = Run(main_log, deny, allow) if len(alone) < len(entries) else None
    if run:
        it.incomplete(run)
    lost = []
    for entry in entries:
        if entry in alone:
            it.crashed(crash.get(entry.function), entry)
            case = run.by_name.get(entry.name) if run else None
            if case and case.status != 'skip':
                it.report(2, f'BROKEN {entry.name} ran with the others on the base although '
                          'base=crash: the test must ask gk_may_crash()')
        elif entry.name in run.by_name:
            it.case(run, entry, run.by_name[entry.name])
        else:
            lost.append(entry)
    if run:
        leftovers(it, run, lost, {e.name for e in everything if e.runs_in(args['lane'])}, args)
    return it


def leftovers(it, run, lost, required, args):
    """What is missing, what nobody asked for, splats outside required cases."""
    wholes = [c for c in run.ktap.cases if c.leaf and c.status != 'pass' and c.name not in required
              and any(n.startswith((c.name + '.', c.name + '/')) for n in required)]
    for case in wholes:
        what = 'set-up or tear-down failed' if case.status == 'fail' else \
            f'skipped itself as a whole ("{case.reason}")'
        it.fail(run, case, what, run.said(case))
        lost = [e for e in lost if not e.name.startswith((case.name + '.', case.name + '/'))]
    if it.why and lost:
        it.report(it.status, f'NOT RUN: {len(lost)} of {len(it.wanted)} cases, from '
                  f'{lost[0].name} on')
    elif not it.why:
        for entry in lost:
            it.report(2, f'MISSING {entry.name}: required (inventory line {entry.line}) but has '
                      f'no result in {run.path}: restore it, or drop it: kunit_verdict.py --accept')
    for case in run.ktap.cases:
        if case.leaf and case.name not in required and case not in wholes and \
           (not args['filter'] or inventory.matches(case.name, args['filter'])):
            it.report(2, f'UNKNOWN {case.name} ({case.status}): not in the inventory: '
                      f'{run.path}:{case.line}: add it: kunit_verdict.py --accept')
    for name, events in run.splats.items():
        if name not in it.blamed:
            for event in events:
                it.report(1, *(f'SPLAT {event.kind} '
                               f'{"in " + name if name else "outside the tests"}: '
                               f'{run.path}:{event.line}: {event.text}',
                               splat.excerpt(event, run.lines), name))


def line_of(it, what=''):
    side = '' if it.side == 'series' else ' base'
    text = f'{it.lane}{what}{side}: {it.passed} passed, {it.failed} failed, {it.skipped} skipped'
    if it.skipped:
        text += ' (as expected)'
    if it.side == 'base':
        text += f' ({it.expected} of the passed fail or crash here as since= says)'
    if it.why:
        text += f'; {it.why[0]}'
    elif it.status == 2:
        text += '; cannot tell: see above'
    elif it.status == 1 and not it.failed:
        text += '; a splat'
    return text + ('' if it.status else ' - ok')


def conclude(it, out, what=''):
    """The last line, and OUT/verdict. Returns the exit status."""
    if it.findings > SHOWN:
        print(f'... and {it.findings - SHOWN} more findings')
    if not it.status and not it.passed:
        it.report(2, 'BROKEN nothing passed')
    line = line_of(it, what)
    print(line)
    if os.path.isdir(out):
        with open(os.path.join(out, 'verdict'), 'w') as file:
            file.write(f'{line}\ncounts {it.passed} {it.failed} {it.skipped}\n')
    return it.status


def accepted(args):
    path = os.path.join(args['out'], 'log') if os.path.isdir(args['out']) else args['out']
    with open(path, errors='backslashreplace') as log:
        run = kunit_log.Ktap(log)
    if run.problems:
        raise inventory.InventoryError(f'{path} is not a complete run: {run.problems[0]}')
    cases = [case.name for case in run.cases if case.leaf and '.' in case.name]
    for case in run.cases:
        if case.leaf and case.status != 'pass':
            print(f'gup: note: {case.name}: {case.status} {case.reason}: required all the same; '
                  'mend it, or give it a key', file=sys.stderr)
    added, removed = inventory.accept(args['inventory'], args['lane'], cases)
    for word, names in (('added', added), ('removed', removed)):
        for name in names:
            print(f'{word} {name}')
    print(f'{args["inventory"]}: {len(cases)} cases, {len(added)} added, {len(removed)} removed')
    return 0


def arguments(argv):
    args = {'lane': 'um', 'side': 'series', 'filter': '', 'inventory': inventory.FILE,
            'deny': splat.DENY, 'allow': splat.ALLOW, 'out': '', 'accept': False}
    words = iter(argv[1:])
    for word in words:
        if word == '--accept':
            args['accept'] = True
        elif word.startswith('--') and word[2:] in args:
            args[word[2:]] = next(words, '')
        elif word.startswith('-') or args['out']:
            raise inventory.InventoryError(f'kunit_verdict.py: bad argument {word}: see --help')
        else:
            args['out'] = word
    if not args['out'] or args['side'] not in ('series', 'base'):
        raise inventory.InventoryError('kunit_verdict.py: want [--side series|base] OUT: see --help')
    return args


def main(argv):
    if len(argv) == 2 and argv[1] in ('-h', '--help'):
        print(__doc__.strip())
        return 0
    try:
        args = arguments(argv)
        if args['accept']:
            return accepted(args)
        it = judge(args, splat.load_deny(args['deny']), splat.load_allow(args['allow']))
    except OSError as error:
        print(f'gup: {error.filename}: {error.strerror}', file=sys.stderr)
        return 2
    except (inventory.InventoryError, splat.ListError) as error:
        print(f'gup: {error}', file=sys.stderr)
        return 2
    return conclude(it, args['out'])


if __name__ == '__main__':
    sys.exit(main(sys.argv))
