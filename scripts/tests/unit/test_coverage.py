# SPDX-License-Identifier: GPL-2.0
"""Coverage: how counts of several kernels add up, and what is said about what is missing."""
import argparse
import contextlib
import io
import json
import unittest

from coverage import coverage
from folders import new_folder, write
from lib import BadInput

SOURCE = '''int f(int a)
{
	if (a)
		return 1;
	WARN_ON(a);
	return 0;
}
'''


def line(number, count, *ways):
    return {'line_number': number, 'count': count, 'branches': [{'count': way} for way in ways]}


class Coverage(unittest.TestCase):
    def setUp(self):
        self.dir = new_folder(self)
        self.write('mm/gup.c', SOURCE)
        self.was, coverage.LIST = coverage.LIST, self.write('unexecuted', '# nothing\n')
        self.addCleanup(setattr, coverage, 'LIST', self.was)

    def write(self, name, text):
        return write(self.dir, name, text)

    def report(self, *files, lines=0, branches=0):
        """The status, and what is printed; files: lines of gup.c."""
        paths = [self.write(f'{n}.json', json.dumps({'gup.c': file})) for n, file in enumerate(files)]
        args = argparse.Namespace(tree=self.dir, json=paths, lines=lines,
                                  branches=branches)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = coverage.report(args)
        return status, said.getvalue()

    def reason(self, text, where=''):
        self.write('unexecuted', f'= gup.c f{where}\n-{text}\n: it cannot\n')

    def test_one_kernel_or_the_other(self):
        status, said = self.report([line(3, 1, 1, 0), line(4, 1), line(6, 0)],
                                   [line(3, 1, 0, 1), line(4, 0), line(6, 1)])
        self.assertEqual((status, said), (0, 'mm/gup.c: 100.0 % of 3 lines, 100.0 % of 2 branches; 0 more lines are for other '
                         'architectures\n'))

    def test_line_without_a_reason(self):
        status, said = self.report([line(3, 1, 1, 1), line(4, 0), line(6, 1)])
        self.assertEqual(status, 1)
        self.assertIn('mm/gup.c:4 f: not executed: return 1;', said)
        self.assertIn('mm/gup.c:4: no case executes it', said)

    def test_line_with_a_reason(self):
        self.reason('return 1;')
        status, said = self.report([line(3, 1, 1, 1), line(4, 0), line(6, 1)])
        self.assertEqual(status, 0)
        self.assertIn('    it cannot\n', said)

    def test_line_that_um_lacks(self):
        self.reason('return 1;', ' um*')
        status, said = self.report([line(3, 1, 1, 1), line(4, 0), line(6, 1)], lines=100)
        self.assertEqual(status, 0)
        self.assertIn('100.0 % of 2 lines', said)
        self.assertIn('1 more lines are for', said)

    def test_reason_for_a_line_that_is_executed(self):
        self.reason('return 1;')
        status, said = self.report([line(3, 1, 1, 1), line(4, 1)])
        self.assertEqual(status, 1)
        self.assertIn('no such line is left unexecuted', said)

    def test_way_that_is_not_taken(self):
        status, said = self.report([line(3, 1, 1, 0)], branches=51)
        self.assertEqual(status, 1)
        self.assertIn('mm/gup.c:3 f: 1 of 2 ways: if (a)', said)
        self.assertIn('50.0 % of the branches, 51 % are wanted', said)

    def test_assertions_have_no_branches(self):
        self.assertEqual(0, self.report([line(3, 1, 1, 1), line(5, 1, 0, 1)], branches=100)[0])

    def test_fewer_branches_of_a_line_do_not_count(self):
        for files in ([line(3, 1, 1, 1, 1)], [line(3, 1, 0, 1)]), ([line(3, 1, 0, 1)], [line(3, 1, 1, 1, 1)]):
            self.assertIn('100.0 % of 3 branches', self.report(*files)[1])

    def test_no_counts(self):
        with self.assertRaises(BadInput):
            self.report()


if __name__ == '__main__':
    unittest.main()
