#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read KTAP out of a kernel log, strictly.

usage: kunit_log.py LOG        print only the KTAP lines, cleaned (results.ktap)
       kunit_log.py --list LOG print one line a case: pass|fail|skip suite.case[/param] [reason]

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
import re
import sys

STAMP = re.compile(r'^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?')
HEADER = re.compile(r'^KTAP version \d+$')
SUBTEST = re.compile(r'^# Subtest: (.+)$')
PLAN = re.compile(r'^1\.\.(\d+)$')
RESULT = re.compile(r'^(ok|not ok) (\d+) (?:- )?(.*?)(?: ?# SKIP ?(.*))?$')
STATS = re.compile(r'^# (.+): pass:(\d+) fail:(\d+) skip:(\d+) total:(\d+)$')
END = re.compile(r'^reboot: (System halted|Power down|Restarting system)')
TIMEOUT = re.compile(r'timed out after ([\d.]+) seconds$')
LEVELS = ('suite', 'case', 'parameter')


def clean(line):
    """One log line without time stamp, carriage return, trailing blanks."""
    return STAMP.sub('', line.rstrip('\r\n')).rstrip()


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


class Ktap:
    """cases: every result, leaves and containers, in order of the log.
    problems: why this log must not count as a pass. ended: end marker seen.
    running: suite that was open when the log stopped, and how many cases it had done."""

    def __init__(self, lines):
        self.cases, self.problems, self.seen = [], [], {}
        self.ended, self.timeout, self.started = False, None, False
        self.stack = []         # open Levels: [run, suite, case]
        self.expect = None      # depth whose "# Subtest" must follow a header
        self.mark = 1           # first log line that no result has claimed yet
        self.totals, self.leaves = None, 0
        self.ktap_lines = []
        for number, raw in enumerate(lines, 1):
            self.line(number, clean(raw))
        self.finish()

    def problem(self, number, text):
        self.problems.append(f'line {number}: {text}' if number else text)

    def line(self, number, text):
        body = text.lstrip(' ')
        indent = len(text) - len(body)
        hit = TIMEOUT.search(text)
        if hit:
            self.timeout = hit.group(1)
        if END.match(body):
            self.ended = True
            self.ktap_lines.append(text)
            return
        if indent % 4 or indent > 8 or not body:
            return
        depth = indent // 4
        if not self.started and not (depth == 0 and HEADER.match(body)):
            return
        if body.startswith('#') or RESULT.match(body) or HEADER.match(body) or PLAN.match(body):
            self.ktap_lines.append(text)
        if HEADER.match(body):
            self.header(number, depth)
        elif SUBTEST.match(body):
            self.subtest(number, depth, SUBTEST.match(body).group(1))
        elif PLAN.match(body):
            self.plan(number, depth, int(PLAN.match(body).group(1)))
        elif STATS.match(body):
            self.stats(depth, STATS.match(body))
        elif RESULT.match(body):
            self.result(number, depth, RESULT.match(body))

    def header(self, number, depth):
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

    def subtest(self, number, depth, name):
        if len(self.stack) == depth + 1 and depth and self.stack[depth].name is None:
            self.stack[depth].name = squash(name)
        else:
            self.problem(number, f'"# Subtest: {name}" without its KTAP header')

    def plan(self, number, depth, count):
        if len(self.stack) != depth + 1:
            self.problem(number, f'a plan for {LEVELS[depth]}s where no such block is open')
        elif self.stack[depth].plan is not None or self.stack[depth].done:
            self.problem(number, 'a second or late plan')
        else:
            self.stack[depth].plan = count

    def stats(self, depth, hit):
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
        self.running = None
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


def squash(name):
    """Names go in white-space separated tables: blanks become _."""
    return re.sub(r'\s+', '_', name.strip())


def main(argv):
    if len(argv) < 2 or argv[1] in ('-h', '--help'):
        print(__doc__.strip())
        return 0 if len(argv) > 1 else 2
    try:
        with open(argv[-1], errors='backslashreplace') as log:
            ktap = Ktap(log)
    except OSError as error:
        print(f'gup: {argv[-1]}: {error.strerror}', file=sys.stderr)
        return 2
    if argv[1] == '--list':
        for case in ktap.cases:
            if case.leaf:
                print(case.status, case.name, *([case.reason] if case.reason else []))
    else:
        print('\n'.join(ktap.ktap_lines))
    for problem in ktap.problems:
        print(f'gup: {argv[-1]}: {problem}', file=sys.stderr)
    return 2 if ktap.problems else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
