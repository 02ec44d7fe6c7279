#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read what the guest's init wrote into the kernel log, strictly.

usage: vm_log.py [--list] LOG

Prints the KTAP lines of LOG, clean. With --list one line a test:
pass|fail|skip name pass/fail/skip/xfail

exit status: 0 read and complete, 2 incomplete or contradictory (each reason on stderr)

Two levels. The tests: a header, a plan, and "ok N name # [SKIP] [exit=N] ... ms=N" for
each, between "# gup-vm: begin name" and an end marker (selftests/init.c). And what
each test printed, every line with "# " before it, which must be TAP by itself: a plan
that is met, numbers without a gap, totals that agree.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import run
from verdict.log import END, HEADER, Log, PLAN, program

BEGIN = re.compile(r'^# gup-vm: begin (\S+)$')
FINAL = re.compile(r'^# gup-vm: end of (\d+) tests$')
STUCK = re.compile(r'^gup-vm: cannot go on: (.*)')
RESULT = re.compile(r'^(ok|not ok) (\d+) (\S+) #( SKIP)?(.*) ms=(\d+)$')
PART = re.compile(r'^(ok|not ok) (\d+)(?:\s+(?:- )?(.*))?$')
DIRECTIVE = re.compile(r'# (SKIP|XFAIL|XPASS)\b')
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


class VmLog(Log):
    """One level: the tests. running: (name, tests done, plan) of the test that was open at
    the end."""

    def __init__(self, lines):
        self.plan, self.open, self.final = None, None, None
        super().__init__(lines)

    def line(self, number, text):
        stuck = STUCK.match(text)
        if stuck:
            self.problem(number, f'the guest could not go on: {stuck.group(1)}')
        if END.match(text):
            return True
        if HEADER.match(text):
            if self.started:
                self.problem(number, 'a second KTAP header: the tests ran twice')
            self.started = True
        elif not self.started:
            return False
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
            return False
        return True

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
        self.open, self.mark = None, number + 1

    def finish(self):
        if self.open:
            self.running = (self.open.name, len(self.cases), self.plan)
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

    def table(self):
        return [' '.join([test.status, test.name, '/'.join(str(test.parts[s]) for s in STATUSES)])
                for test in self.cases]

    def faults(self):
        return self.problems + [f'{test.name}: {fault}' for test in self.cases
                                for fault in test.faults]


def main(argv):
    return program(VmLog, __doc__, argv)


if __name__ == '__main__':
    run(main)
