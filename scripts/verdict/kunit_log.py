#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read KTAP out of a kernel log, strictly.

usage: kunit_log.py [--list] LOG

Prints the KTAP lines of LOG, clean. With --list one line a case:
pass|fail|skip suite.case[/parameter] [reason]

exit status: 0 read and complete, 2 incomplete or contradictory (each reason on stderr)

kunit.py's parser is made to show something useful for any input. This one is
made to refuse: a plan that is missing or not met, a gap in the numbers, a
result that contradicts its parts, totals that do not add up, two cases of one
name, text after the end, or no sign that the kernel came to its end are all
reported, because each of them can hide a case that did not run.

What KUnit 7.3 really prints (lib/kunit/test.c) and this relies on:
 - three levels, indented by 0, 4 and 8 spaces: suite, case, parameter;
 - a parametrised case made by KUNIT_ARRAY_PARAM() prints no plan for its
   parameters, so their number is checked against the "pass:a fail:b" line;
 - log lines of the kernel fall in between, with or without a time stamp.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import run
from verdict.log import HEADER, Log, PLAN, END, program, squash

SUBTEST = re.compile(r'^# Subtest: (.+)$')
RESULT = re.compile(r'^(ok|not ok) (\d+) (?:- )?(.*?)(?: ?# SKIP ?(.*))?$')
STATS = re.compile(r'^# (.+): pass:(\d+) fail:(\d+) skip:(\d+) total:(\d+)$')
LEVELS = ('suite', 'case', 'parameter')


class Case:
    """One result. first..line are 1-based log lines: what it printed, its result."""

    def __init__(self, name, status, reason, first, line, leaf=True):
        self.name, self.status, self.reason = name, status, reason
        self.first, self.line, self.leaf = first, line, leaf


class Level:
    """What is open at one depth: the block's name, its plan, what has come."""

    def __init__(self, name=None):
        self.name, self.plan, self.done = name, None, 0
        self.bad = 0            # results "not ok" in this block
        self.stats = None       # (pass, fail, skip, total) as the kernel counts
        self.count = {'pass': 0, 'fail': 0, 'skip': 0}


class KunitLog(Log):
    """The three levels of KUnit. running: (suite, cases done, its plan[, case]) that were
    open at the end. Cases are leaves and the blocks around them."""

    def __init__(self, lines):
        self.seen = {}
        self.stack = []         # open Levels: [run, suite, case]
        self.totals, self.leaves = None, 0
        super().__init__(lines)

    def line(self, number, text):
        body = text.lstrip(' ')
        indent = len(text) - len(body)
        if END.match(body):
            return True
        if indent % 4 or indent > 8 or not body:
            return False
        depth = indent // 4
        if not self.started and not (depth == 0 and HEADER.match(body)):
            return False
        for kind, take in ((HEADER, self.header), (SUBTEST, self.subtest), (PLAN, self.plan),
                           (STATS, self.stats), (RESULT, self.result)):
            hit = kind.match(body)
            if hit:
                take(number, depth, hit)
                return True
        return body.startswith('#')

    def header(self, number, depth, _):
        if depth == 0:
            if self.started:
                self.problem(number, 'a second KTAP header: the kernel ran the tests twice')
                return
            self.started, self.stack = True, [Level('')]
            self.mark = number + 1
            return
        if len(self.stack) != depth:
            self.problem(number, f'KTAP header of a {LEVELS[depth]} block with no '
                                 f'{LEVELS[depth - 1]} block open, or one not closed')
            del self.stack[depth:]
            while len(self.stack) < depth:
                self.stack.append(Level('?'))
        self.stack.append(Level())
        if depth == 1:
            self.totals, self.leaves = None, 0

    def subtest(self, number, depth, hit):
        name = hit.group(1)
        if len(self.stack) == depth + 1 and depth and self.stack[depth].name is None:
            self.stack[depth].name = squash(name)
        else:
            self.problem(number, f'"# Subtest: {name}" without its KTAP header')

    def plan(self, number, depth, hit):
        if len(self.stack) != depth + 1:
            self.problem(number, f'a plan for {LEVELS[depth]}s where no such block is open')
        elif self.stack[depth].plan is not None or self.stack[depth].done:
            self.problem(number, 'a second or late plan')
        else:
            self.stack[depth].plan = int(hit.group(1))

    def stats(self, _, depth, hit):
        name, numbers = squash(hit.group(1)), tuple(map(int, hit.groups()[1:]))
        if depth == 0 and name == 'Totals':
            self.totals = numbers
        elif len(self.stack) > depth + 1 and self.stack[depth + 1].name == name:
            self.stack[depth + 1].stats = numbers

    def result(self, number, depth, hit):
        verdict, index, name, skip = hit.groups()
        status = 'fail' if verdict == 'not ok' else 'pass' if skip is None else 'skip'
        name, block = squash(name), None
        if len(self.stack) == depth + 2:        # closes the block below
            block = self.stack.pop()
            if block.name != name:
                self.problem(number, f'result of "{name}" while "{block.name}" is open')
        elif len(self.stack) != depth + 1:
            self.problem(number, f'result of {LEVELS[depth]} "{name}" outside any block')
            del self.stack[depth + 1:]
            while len(self.stack) <= depth:
                self.stack.append(Level('?'))
        here = self.stack[depth]
        here.done += 1
        if int(index) != here.done:
            self.problem(number, f'result number {index} where {here.done} is due: '
                                 f'{LEVELS[depth]}s are missing')
            here.done = int(index)
        here.count[status] += 1
        here.bad += status == 'fail'
        full = ('', '{0}.', '{0}.{1}/')[depth].format(*[up.name for up in self.stack[1:]]) + name
        leaf = block is None or (depth == 1 and block.done == 0)
        if block is not None and not leaf:
            self.close(number, depth, block, full, status)
            # "not ok" though every part is ok: the set-up around them failed
            leaf = status == 'fail' and not block.bad
        elif depth == 0:
            if block is not None:
                self.close(number, depth, block, full, status)
            elif status == 'pass':
                self.problem(number, f'suite {full} is ok without having run a case')
        if full in self.seen:
            self.problem(number, f'two results of one name: {full} '
                                 f'(also line {self.seen[full]})')
        self.seen[full] = number
        if depth and (block is None or block.done == 0):
            self.leaves += 1
        self.cases.append(Case(full, status, skip or '', self.mark, number, leaf))
        self.mark = number + 1

    def close(self, number, depth, block, full, status):
        """A block ends: plan met, result in line with its parts, counts agree."""
        what = LEVELS[depth + 1]
        if block.plan is None and depth == 0:
            self.problem(number, f'{full}: no plan')
        elif block.plan is not None and block.plan != block.done:
            self.problem(number, f'{full}: plan of {block.plan} {what}s, {block.done} results')
        if not block.done:
            self.problem(number, f'{full}: not one {what} ran')
        if status != 'fail' and block.bad:
            self.problem(number, f'{full} is {status} although {block.bad} {what}(s) failed')
        got = (block.count['pass'], block.count['fail'], block.count['skip'], block.done)
        if block.stats and block.stats != got:
            self.problem(number, f'{full}: the kernel counted {block.stats[3]} {what}s '
                                 f'(pass {block.stats[0]}, fail {block.stats[1]}, skip '
                                 f'{block.stats[2]}), the log has {got[3]}')
        elif depth == 1 and not block.stats and block.plan is None and block.done > 1:
            self.problem(number, f'{full}: neither a plan nor a count of its parameters')
        if depth == 0 and self.totals and self.totals[3] != self.leaves:
            self.problem(number, f'{full}: the kernel counted {self.totals[3]} results in all, '
                                 f'the log has {self.leaves}')

    def finish(self):
        if len(self.stack) > 1:
            self.running = (self.stack[1].name, self.stack[1].done, self.stack[1].plan)
            if len(self.stack) > 2:
                self.running += (self.stack[2].name,)
        if not self.started:
            self.problem(0, 'no KTAP in the log: the kernel did not get to the tests')
            return
        run = self.stack[0]
        if run.plan is None:
            self.problem(0, 'no plan: "1..N" of the suites is missing')
        elif run.plan == 0:
            self.problem(0, 'the plan is 1..0: no suite to run')
        elif run.plan != run.done:
            self.problem(0, f'plan of {run.plan} suites, {run.done} finished')
        if not any(case.leaf for case in self.cases):
            self.problem(0, 'not one result')
        if not self.ended:
            self.problem(0, 'no end marker ("reboot: System halted"): the kernel did not '
                            'come to its end')

    def table(self):
        return [' '.join([case.status, case.name, *([case.reason] if case.reason else [])])
                for case in self.cases if case.leaf]


def main(argv):
    return program(KunitLog, __doc__, argv)


if __name__ == '__main__':
    run(main)
