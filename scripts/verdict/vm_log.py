#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read what the guest's init wrote into the kernel log, strictly.

usage: vm_log.py LOG         print only its KTAP lines, cleaned (results.ktap)
       vm_log.py --list LOG  print one line a test: pass|fail|skip name pass/fail/skip/xfail

exit status: 0 read and complete, 2 incomplete or contradictory (each reason on stderr)

Two levels. The tests: a header, a plan, and "ok N name # [SKIP] [exit=N] ... ms=N" for
each, between "# gup-vm: begin name" and an end marker (selftests/init.c). And what
each test printed, every line with "# " before it, which has to be TAP by itself: a plan
that is met, numbers without a gap, totals that agree.
"""
import re
import sys

import kunit_log

BEGIN = re.compile(r'^# gup-vm: begin (\S+)$')
FINAL = re.compile(r'^# gup-vm: end of (\d+) tests$')
STUCK = re.compile(r'^gup-vm: cannot go on: (.*)')
RESULT = re.compile(r'^(ok|not ok) (\d+) (\S+) #( SKIP)?(.*) ms=(\d+)$')
PART = re.compile(r'^(ok|not ok) (\d+)(?:\s+(?:- )?(.*))?$')
DIRECTIVE = re.compile(r'# (SKIP|XFAIL|XPASS)\b')
PLAN = re.compile(r'^1\.\.(\d+)\b')
TOTALS = re.compile(r'^# ?Totals: pass:(\d+) fail:(\d+) xfail:(\d+) xpass:(\d+) '
                    r'skip:(\d+) error:(\d+)')
STATUSES = ('pass', 'fail', 'skip', 'xfail')


class Test:
    """One test. first..line: its lines in the log. parts: how many subtests of each
    status; bad: log line and name of each failed or skipped one; faults: why its
    own TAP cannot be trusted."""

    def __init__(self, name, first):
        self.name, self.first, self.line = name, first, first
        self.status, self.reason, self.ms = None, '', 0
        self.parts, self.bad, self.faults = dict.fromkeys(STATUSES, 0), [], []
        self.plan, self.totals, self.leaf = None, None, True

    def printed(self, number, text):
        plan, part, totals = PLAN.match(text), PART.match(text), TOTALS.match(text)
        if plan and self.plan is not None:
            self.faults.append(f'line {number}: a second plan')
        elif plan:
            self.plan = int(plan.group(1))
        elif part:
            self.part(number, *part.groups())
        elif totals:
            self.totals = tuple(map(int, totals.groups()))

    def part(self, number, verdict, index, rest):
        directive = DIRECTIVE.search(rest or '')
        status = {'SKIP': 'skip', 'XFAIL': 'xfail', 'XPASS': 'fail',
                  None: 'pass'}[directive.group(1) if directive else None]
        if verdict == 'not ok':
            status = 'fail'
        self.parts[status] += 1
        if status != 'pass':
            self.bad.append((number, status, (rest or '').strip()))
        if int(index) != sum(self.parts.values()):
            self.faults.append(f'line {number}: subtest {index} follows '
                               f'{sum(self.parts.values()) - 1}')

    def close(self, number, result):
        verdict, _, _, skip, why, ms = result.groups()
        self.line, self.reason, self.ms = number, why.strip(), int(ms)
        self.status = 'fail' if verdict == 'not ok' else 'skip' if skip else 'pass'
        got = sum(self.parts.values())
        if self.status == 'skip':
            return
        if self.plan is None:
            self.faults.append('it printed no plan')
        elif self.plan != got:
            self.faults.append(f'it planned {self.plan} subtests, {got} have a result')
        if self.totals:
            passed, failed, xfail, xpass, skipped, errors = self.totals
            if (passed, failed + xpass + errors, skipped, xfail) != tuple(
                    self.parts[status] for status in STATUSES):
                self.faults.append('its own totals do not agree with what it printed')


class VmLog:
    """cases: the tests that have a result. problems: why the log as a whole must not
    count. running: (name, done, plan) of the test that was open at its end."""

    def __init__(self, lines):
        self.cases, self.problems, self.ktap_lines = [], [], []
        self.plan, self.open, self.final = None, None, None
        self.ended, self.timeout, self.started = False, None, False
        for number, raw in enumerate(lines, 1):
            self.line(number, kunit_log.clean(raw))
        self.running = (self.open.name, len(self.cases), self.plan) if self.open else None
        self.finish()

    def problem(self, number, text):
        self.problems.append(f'line {number}: {text}' if number else text)

    def line(self, number, text):
        late, stuck = kunit_log.TIMEOUT.search(text), STUCK.match(text)
        if late:
            self.timeout = late.group(1)
        if stuck:
            self.problem(number, f'the guest could not go on: {stuck.group(1)}')
        if kunit_log.END.match(text):
            self.ended = True
        elif kunit_log.HEADER.match(text):
            if self.started:
                self.problem(number, 'a second KTAP header: the tests ran twice')
            self.started = True
        elif not self.started:
            return
        elif BEGIN.match(text):
            self.begin(number, BEGIN.match(text).group(1))
        elif FINAL.match(text):
            self.final = int(FINAL.match(text).group(1))
        elif PLAN.match(text):
            if self.plan is not None:
                self.problem(number, 'a second plan of tests')
            self.plan = int(PLAN.match(text).group(1))
        elif RESULT.match(text):
            self.result(number, RESULT.match(text))
        elif PART.match(text):
            self.problem(number, f'a result that the init does not print: {text}')
        elif text.startswith('# ') and self.open:
            self.open.printed(number, text[2:])
        else:
            return
        self.ktap_lines.append(text)

    def begin(self, number, name):
        if self.open:
            self.problem(number, f'{self.open.name} has no result')
        self.open = Test(name, number)

    def result(self, number, hit):
        name = hit.group(3)
        if not self.open or self.open.name != name:
            self.problem(number, f'a result of {name}, which did not begin')
            return
        if int(hit.group(2)) != len(self.cases) + 1:
            self.problem(number, f'result {hit.group(2)} follows {len(self.cases)}')
        if any(case.name == name for case in self.cases):
            self.problem(number, f'two results of one name: {name}')
        self.open.close(number, hit)
        self.cases.append(self.open)
        self.open = None

    def finish(self):
        if not self.started:
            self.problem(0, 'no KTAP in the log: the guest did not get to the tests')
            return
        if not self.plan:
            self.problem(0, 'no plan, or one of no test')
        elif self.plan != len(self.cases):
            self.problem(0, f'plan of {self.plan} tests, {len(self.cases)} have a result')
        if self.final is None:
            self.problem(0, 'no end marker: the guest did not come to the end of its list')
        elif self.final != len(self.cases):
            self.problem(0, f'the guest ran {self.final} tests, the log has {len(self.cases)}')
        if not self.ended:
            self.problem(0, 'the kernel did not come to its end ("reboot: ...")')


def main(argv):
    if len(argv) < 2 or argv[1] in ('-h', '--help'):
        print(__doc__.strip())
        return 0 if len(argv) > 1 else 2
    try:
        with open(argv[-1], errors='backslashreplace') as log:
            read = VmLog(log)
    except OSError as error:
        print(f'gup: {argv[-1]}: {error.strerror}', file=sys.stderr)
        return 2
    if argv[1] == '--list':
        for test in read.cases:
            print(test.status, test.name, '/'.join(str(test.parts[s]) for s in STATUSES))
    else:
        print('\n'.join(read.ktap_lines))
    problems = read.problems + [f'{test.name}: {fault}' for test in read.cases
                                for fault in test.faults]
    for problem in problems:
        print(f'gup: {argv[-1]}: {problem}', file=sys.stderr)
    return 2 if problems else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
