#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""unit.py - the unit tests of the Python in this rig, scripts/tests/unit/test_*.py

usage: unit.py [NAME...]	NAME: part of a test's name; default: all

Prints TAP with a plan. exit status: 0 all pass, 1 a test failed, 2 there is no test
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, run

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'unit')


class Tap(unittest.TestResult):
    """Prints one line a test. told: how many."""

    told = 0

    def line(self, test, word, text=''):
        self.told += 1
        print(f'{word} {self.testsRun} - {test.id()}', flush=True)
        for line in text.splitlines():
            print(f'# {line}')

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(test, 'ok')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(test, 'not ok', self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.line(test, 'not ok', self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        for line in str(err[1] if err else '').splitlines():
            print(f'# {subtest.params}: {line}')


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('name', nargs='*')
    names = parser.parse_args(argv).name
    tests = [test for test in flat(unittest.TestLoader().discover(HERE, 'test_*.py', HERE))
             if not names or any(name in test.id() for name in names)]
    if not tests:
        raise BadInput('unit.py: no test of that name')
    print(f'1..{len(tests)}')
    result = Tap()
    for test in tests:
        test.run(result)
        if result.told < result.testsRun:       # unittest only tells of failed subtests
            result.line(test, 'not ok')
    return 0 if result.wasSuccessful() else 1


if __name__ == '__main__':
    run(main)
