# SPDX-License-Identifier: GPL-2.0
"""Every Python program of the rig: whatever goes wrong is status 2, never 0 or 1."""
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOP = os.path.dirname(SCRIPTS)
GOLDEN = os.path.join(SCRIPTS, 'tests', 'golden')

# program: (good arguments, with BAD for a file that is malformed)
CALLS = {
    'boot/silent.py': 'um --dir . --map BAD --log pass.log',
    'cocci/compare.py': '--side series --triage BAD --tree . --files BAD --found . count',
    'coverage/coverage.py': 'report --tree . BAD',
    'figures/bench_table.py': 'table min bench.goals BAD',
    'figures/counts.py': 'check BAD bench-now.tsv',
    'figures/insns.py': 'check BAD icount-now.tsv icount-tools',
    'figures/io_table.py': 'BAD BAD',
    'lint/house.py': 'BAD',
    'model/steps.py': 'list BAD',
    'model/trace.py': 'BAD',
    'mutate/judge.py': '--tree . --objects . --out . --lane um --link BAD',
    'mutate/mutants.py': 'list BAD',
    'report/page.py': '--out BAD -',
    'report/status.py': '--out BAD',
    'series/doc_check.py': 'BAD',
    'series/lint_patches.py': 'BAD',
    'series/mails.py': 'BAD -',
    'figures/posted.py': '--record BAD BAD',
    'series/mbox.py': '--linux BAD --base 0 --from 0 --to 0 one BAD -',
    'series/post_check.py': '--linux BAD --below 0 --tree 0 memfd BAD',
    'series/suites.py': '--onto BAD',
    'series/topics.py': '--patches BAD needs one',
    'tcg/ranges.py': '--nm BAD',
    'tests/past_bugs.py': '--tree . --objects . --out . --lane um --link bench.goals BAD',
    'tests/unit.py': 'no-test-has-this-name',
    'verdict/inventory.py': 'check BAD',
    'verdict/kunit_log.py': 'BAD',
    'verdict/kunit_verdict.py': '--inventory BAD pass.log',
    'verdict/matrix.py': 'check BAD',
    'verdict/reach.py': 'collect reach-calls BAD reach-tests',
    'verdict/splat.py': '--deny BAD clean.log',
    'verdict/vm_log.py': 'BAD',
    'verdict/vm_verdict.py': '--matrix BAD vm-pass.log',
}
# Put before every program by PYTHONPATH: whatever it opens first raises what nobody expects.
RAISE = '''
import builtins, os, subprocess, sys
def broken(*_, **__):
    raise ZeroDivisionError('made by the test')
class Breaker:
    """Breaks when the program's own modules are there, before main() runs."""
    def __call__(self, frame, event, arg):
        if event == 'call' and frame.f_code.co_name == 'main':
            builtins.open = subprocess.run = os.listdir = broken
            import unittest
            unittest.TestLoader.discover = broken
            sys.setprofile(None)
sys.setprofile(Breaker())
'''


def programs():
    """Every tracked Python file that can be run."""
    found = subprocess.run(['git', 'ls-files', '--', '*.py'], cwd=SCRIPTS, capture_output=True,
                           text=True, check=True).stdout.split()
    return [name for name in found if os.access(os.path.join(SCRIPTS, name), os.X_OK)]


def run(program, words, **env):
    return subprocess.run([sys.executable, os.path.join(SCRIPTS, program), *words], cwd=GOLDEN,
                          capture_output=True, text=True, check=False,
                          env=dict(os.environ, PYTHONDONTWRITEBYTECODE='1', **env))


class Programs(unittest.TestCase):
    """Each test goes through all programs."""

    maxDiff = None

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.bad = os.path.join(self.dir.name, 'bad')
        with open(self.bad, 'wb') as file:
            file.write(b'\x00\xff = {{{ not what anybody wants\n\ttab\n')

    def words(self, program):
        return [self.bad if word == 'BAD' else word for word in CALLS[program].split()]

    def refuses(self, program, done, text):
        with self.subTest(program=program):
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertRegex(done.stderr, text)

    def test_every_program_is_tried(self):
        self.assertEqual(sorted(CALLS), sorted(programs()))

    def test_help_is_the_docstring(self):
        for program in CALLS:
            with self.subTest(program=program):
                done = run(program, ['--help'])
                self.assertEqual((done.returncode, done.stderr), (0, ''))
                self.assertRegex(done.stdout, r'(?s)usage: .*exit status')

    def test_unknown_option(self):
        for program in CALLS:
            self.refuses(program, run(program, [*self.words(program), '--no-such-option', 'x']),
                         '^gup: .*see --help')

    def test_abbreviated_option(self):
        self.refuses('inventory.py', run('verdict/inventory.py', [
            'check', '--lane', 'lanes', 'inventory-gone']), '^gup: .*--lane')
        self.refuses('kunit_verdict.py', run('verdict/kunit_verdict.py', [
            '--invent', 'inventory', 'pass.log']), '^gup: .*--invent')

    def test_malformed_file(self):
        for program in CALLS:
            self.refuses(program, run(program, self.words(program)), '^gup: ')

    def test_missing_file(self):
        os.unlink(self.bad)
        for program in CALLS:
            if program != 'tests/unit.py':
                self.refuses(program, run(program, self.words(program)), '^gup: ')

    def test_exception(self):
        with open(os.path.join(self.dir.name, 'sitecustomize.py'), 'w', encoding='utf-8') as file:
            file.write(RAISE)
        for program in CALLS:
            self.refuses(program, run(program, self.words(program), PYTHONPATH=self.dir.name),
                         '(?s)ZeroDivisionError.*defect of this rig')


if __name__ == '__main__':
    unittest.main()
