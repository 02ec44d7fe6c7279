# SPDX-License-Identifier: GPL-2.0
"""judge.py - compare what a run must do with what its log says; base of both verdicts

A Judge collects findings. Each is printed with the place in the log and the command that
runs just that again, the first SHOWN of them in full. The directory of the run gets

    verdict       the last line, and "counts PASSED FAILED SKIPPED" for scripts that add up
    findings      every finding in full, for make report and make status
    results.ktap  the KTAP of the log, clean, for make report and other tools

A kernel that said nothing for long was asked how it is (boot/silent.py): what it told stands
with the finding, from the file beside the log.
"""
import itertools
import os
import re

from lib import Parser, read
from verdict import log, splat

SHOWN = 25              # findings in full; the rest by number
TAIL = 12               # lines of a test that hangs


class Run:
    """One boot: its log, read and parsed once, and its splats by the case in which they fell.
    matches(name, glob) is for the allow list. told: how it was when it was asked; answer: the
    lines of the log that came of that."""

    def __init__(self, path, kind, rules, matches):
        self.path = shown(path)
        self.lines = log.read(path)
        self.log = kind(self.lines)
        self.by_name = {case.name: case for case in self.log.cases}
        self.splats, self.crash, self.excused = {}, None, 0
        self.told, self.answer = told(self.path)
        deny, allow = rules
        for event in splat.scan(self.lines, deny):
            event.case = next((c.name for c in self.log.cases if c.line > event.line), None)
            if splat.allowed(event, self.lines, allow,
                             lambda g, e=event: e.case and matches(e.case, g)):
                self.excused += 1
            elif event.kind == 'crash':
                self.crash = self.crash or event
            else:
                self.splats.setdefault(event.case, []).append(event)

    def said(self, first, last, most=TAIL):
        """What is in these lines of the log but for frames of KTAP, with their numbers."""
        hits = [f'{n:6}: {self.lines[n - 1]}' for n in range(first, last + 1)
                if self.lines[n - 1].strip() and n not in self.answer
                and not self.lines[n - 1].strip().startswith(('KTAP', '1..', '# Subtest'))]
        return hits if len(hits) <= most else hits[:most - 1] + [f'{"...":>6}']

    def tail(self):
        """The last lines of what was open when the log ended."""
        hits = self.said(self.log.mark, len(self.lines), len(self.lines) + 1)
        return ([f'{"...":>6}'] if len(hits) > TAIL else []) + hits[-TAIL:]


def told(path):
    """(the head of what silent.py has left beside a log, the lines that answered it)"""
    beside = os.path.join(os.path.dirname(path), os.path.basename(path).removesuffix('log') + 'silent')
    if not path.endswith('log') or not os.path.exists(beside):
        return [], range(0)
    head = list(itertools.takewhile(str.strip, read(beside).splitlines()))
    hit = re.search(r'\blines (\d+) to (\d+) of the log', '\n'.join(head))
    return (['  ' + line for line in head + [f'more: {beside}']],
            range(int(hit[1]), int(hit[2]) + 1) if hit else range(0))


def shown(path):
    short = os.path.relpath(path)
    return path if short.startswith('..') else short


class Judge:
    """Collects findings; the worst status counts, 2 over 1 over 0. A list of expectations
    has its own subclass."""

    kind = None             # the Log
    verb, what = 'make', '' # the command, and the word after the lane in the last line
    units, source = 'cases', 'list'
    unknown = 'not in the list'
    restore = add = ''      # advice for what is missing, and for what is unknown

    def __init__(self, args, entries):
        self.lane, self.side, self.out = args.lane, args.side, args.out
        self.entries = entries
        self.status, self.passed, self.failed, self.skipped = 0, 0, 0, 0
        self.doubt = 0          # 2 if something is missing that the log may have lost
        self.expected, self.findings, self.why, self.blamed = 0, [], [], set()
        self.rules = splat.load_deny(args.deny), splat.load_allow(args.allow)

    # What a subclass says about its own kind of results.

    def matches(self, name, glob):
        raise NotImplementedError

    def opened(self, run):
        """What was running when the log ended: its name, and in words."""
        raise NotImplementedError

    def one(self, run, entry, case):
        """Judge one required result."""
        raise NotImplementedError

    def asked(self, name):
        """True if a result of that name must be in the list."""
        return True

    def required(self):
        """The names that may have a result."""
        return {entry.name for entry in self.entries}

    def wholes(self, run, lost):
        """Results that stand for several entries: (what is still lost, their names)."""
        return lost, set()

    # Findings.

    def again(self, name):
        words = [self.verb, f'LANE={self.lane}', 'SIDE=base' if self.side == 'base' else '',
                 f'FILTER={name.partition("/")[0]}']
        return ' '.join(word for word in words if word)

    def report(self, status, head, body=(), again=None):
        self.status = max(self.status, status)
        text = [head] + ['  ' + line for line in body]
        if again:
            text.append(f'    again: {self.again(again)}')
        self.findings.append(text)
        if len(self.findings) <= SHOWN:
            print('\n'.join(text))

    def doubtful(self, head, body=(), again=None):
        """Something is not in the log. That cannot tell, unless the log has lost lines and
        the rest has failed for certain."""
        self.doubt = 2
        self.report(0, head, body, again)

    def fail(self, run, case, what, body):
        self.failed += 1
        self.report(1, f'FAILED {case.name}: {what}: {run.path}:{case.line}', body, case.name)

    def splat(self, run, event):
        where = f'in {event.case}' if event.case else 'outside the tests'
        self.report(1, f'SPLAT {event.kind} {where}: {run.path}:{event.line}: {event.text}',
                    splat.excerpt(event, run.lines), event.case)

    # The log as a whole.

    def incomplete(self, run):
        """Why the log as a whole cannot be trusted."""
        seen, where = run.log, f'{run.path}:{len(run.lines)}'
        name, open_case = self.opened(run) if seen.running else (None, '')
        if run.crash:
            self.crashed(run, name, open_case)
        elif seen.timeout:
            self.why.append(f'time-out after {seen.timeout} s{open_case}')
            self.report(2, f'TIME-OUT after {seen.timeout} s{open_case}: {where}',
                        run.tail() + run.told, name)
        elif seen.problems:
            lost = (f'the kernel dropped {seen.dropped} lines of its log'
                    if seen.dropped else '')
            self.why.append(lost or ('silent end' + open_case if seen.running else
                                     seen.problems[0]))
            self.doubtful(f'BROKEN {self.why[-1]}: {where}', seen.problems, name)

    def crashed(self, run, name, open_case):
        at, running = run.crash, run.log.running
        self.why.append(f'the kernel died{open_case or " outside the tests"}')
        self.failed += bool(running)
        self.report(1 if running else 2,
                    f'CRASH{open_case or ""}: {run.path}:{at.line}: {at.text}',
                    splat.excerpt(at, run.lines, 20), name)
        for event in run.splats.pop(None, []):      # how it came to that
            self.report(1, f'SPLAT {event.kind} before it: {run.path}:{event.line}: '
                        f'{event.text}', splat.excerpt(event, run.lines))

    def judge(self, run):
        """Every entry that has a result, and then what is left over."""
        lost = []
        for entry in self.entries:
            case = run.by_name.get(entry.name)
            if case:
                self.blamed.add(case.name)
                self.one(run, entry, case)
            else:
                lost.append(entry)
        self.leftovers(run, lost)

    def leftovers(self, run, lost):
        """What is missing, what is not in the list, splats outside required results."""
        lost, wholes = self.wholes(run, lost)
        if self.why and lost:
            self.report(0, f'NOT RUN: {len(lost)} of {len(self.entries)} {self.units}, from '
                        f'{lost[0].name} on')
        elif not self.why:
            for entry in lost:
                self.report(2, f'MISSING {entry.name}: required ({self.source} line {entry.line}) '
                            f'but has no result in {run.path}{self.restore}')
        known = self.required() | wholes
        for case in run.log.cases:
            if case.leaf and case.name not in known and self.asked(case.name):
                # A block of which every part was lost looks like a case.
                emptied = self.doubt and any(e.name.startswith(case.name + '/') for e in lost)
                if not emptied:
                    self.report(2, f'UNKNOWN {case.name} ({case.status}): {self.unknown}: '
                                f'{run.path}:{case.line}{self.add}')
        for name, events in run.splats.items():
            if name not in self.blamed:
                for event in events:
                    self.splat(run, event)
        if self.doubt and not (run.log.dropped and self.status == 1):
            self.status = self.doubt

    # The end.

    def line(self):
        side = '' if self.side == 'series' else ' base'
        text = (f'{self.lane}{self.what}{side}: {self.passed} passed, {self.failed} failed, '
                f'{self.skipped} skipped')
        if self.skipped:
            text += ' (as expected)'
        if self.side == 'base':
            text += f' ({self.expected} of the passed fail or crash here as since= says)'
        if self.why:
            text += f'; {self.why[0]}'
        elif self.status == 2:
            text += '; cannot tell: see above'
        elif self.status == 1 and not self.failed:
            text += '; a splat'
        return text + ('' if self.status else ' - ok')

    def conclude(self, run):
        """The last line, and the files. Returns the exit status."""
        if not self.status and not self.passed:
            self.report(2, 'BROKEN nothing passed')
        if len(self.findings) > SHOWN:
            print(f'... and {len(self.findings) - SHOWN} more findings'
                  + (f': {shown(self.out)}/findings' if os.path.isdir(self.out) else ''))
        print(self.line())
        if os.path.isdir(self.out):
            self.write('verdict', [self.line(),
                                   f'counts {self.passed} {self.failed} {self.skipped}'])
            self.write('findings', ['\n'.join(text) for text in self.findings])
            self.write('results.ktap', run.log.ktap if run else [])
        return self.status

    def write(self, name, lines):
        with open(os.path.join(self.out, name), 'w', encoding='utf-8') as file:
            file.writelines(line + '\n' for line in lines)


def main_log(out):
    return os.path.join(out, 'log') if os.path.isdir(out) else out


def arguments(manual, argv, lane, option, default):
    """The command line of a verdict."""
    parser = Parser(manual)
    parser.add_argument('--lane', default=lane)
    parser.add_argument('--side', default='series', choices=('series', 'base'))
    parser.add_argument('--filter', default='')
    parser.add_argument(option, default=default)
    parser.add_argument('--deny', default=splat.DENY)
    parser.add_argument('--allow', default=splat.ALLOW)
    parser.add_argument('out')
    return parser.parse_args(argv)
