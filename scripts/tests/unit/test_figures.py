# SPDX-License-Identifier: GPL-2.0
"""Records of figures, rows of the benchmark, what QEMU's plugins count."""
import contextlib
import io
import os
import tempfile
import unittest

from figures import counts, insns, record, rows
from lib import BadInput
from tcg import periods, ranges
from verdict import reach

HEAD = '\t'.join(rows.KEY)


class Figures(unittest.TestCase):
    def file(self, text):
        with tempfile.NamedTemporaryFile('w', delete=False) as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        return file.name

    def refuses(self, text, function, *args):
        with self.assertRaises(BadInput) as caught:
            function(*args)
        self.assertIn(text, str(caught.exception))

    def said(self, function, *args):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = function(*args)
        return status, said.getvalue()


class Rows(Figures):
    def test_row_that_is_cut_off(self):
        self.refuses(':2: 3 columns of 4: cut off?', rows.load,
                     self.file(f'{HEAD}\nanon\tpin\tWRITE\n'))

    def test_no_row(self):
        self.refuses('no row', rows.load, self.file(f'{HEAD}\n'))

    def test_missing_column(self):
        self.refuses('no rows with the columns', rows.load, self.file(f'{HEAD}\na\tb\tc\t1\n'),
                     'locked')

    def test_name(self):
        self.assertEqual(rows.name(('anon', 'pin', 'WRITE', '512')), 'pin anon WRITE, 512 a call')


class Records(Figures):
    def test_row_twice(self):
        self.refuses(':2: no row, or one twice', record.load,
                     self.file('a b c 1 2\na b c 1 2\n'), list)

    def test_empty_record(self):
        self.refuses('no row', record.load, self.file('# nothing\n'), list)

    def test_pairs_tell_what_one_side_lacks(self):
        odd, both = record.pairs({('a', 'b', 'c', '1'): 1, ('d', 'b', 'c', '1'): 2},
                                 {('a', 'b', 'c', '1'): 3, ('e', 'b', 'c', '1'): 4})
        self.assertEqual(odd, ['FAILED b d c, 1 a call: not measured',
                               'FAILED b e c, 1 a call: not on record'])
        self.assertEqual(both, [(('a', 'b', 'c', '1'), 1, 3)])

    def test_better_is_not_on_record_either(self):
        self.assertEqual(self.said(record.summary, 'counts', 2, 0, 1)[0], 1)
        self.assertEqual(self.said(record.summary, 'counts', 2, 0, 0)[0], 0)

    def test_save_and_load(self):
        path = self.file('')
        self.said(record.save, path, 'counts', '# head\n', [(('a', 'b', 'c', '1'), [4, 2, 1])])
        self.assertEqual(record.load(path, counts.recorded), {('a', 'b', 'c', '1'): (4, 2, 1)})

    def test_counts_name_the_figure(self):
        found = list(counts.differences(('a', 'b', 'c', '1'), (4, 2, 1), (4, 3, 1)))
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0][0])
        self.assertIn('locked operations 2 -> 3 for 4 pages', found[0][1])

    def test_insns_blame_the_function(self):
        both = [(('a', 'b', 'c', '1'), (9, 5, {'f': 5}), (6, {'f': 3, 'g': 3}))]
        changed = insns.changes(both)
        self.assertEqual(changed[0][4], {'g': 3, 'f': -2})
        self.assertTrue(next(insns.blame(changed)).startswith('better function f: 1 rows'))


class Periods(Figures):
    def test_good(self):
        self.assertEqual(periods.load(self.file('period 0\nf 1\nperiod 1\nend 2\n')), [{'f': 1}, {}])

    def test_only_those_wanted(self):
        self.assertEqual(periods.load(self.file('period 0\nf 1\nperiod 1\nf 2\nend 2\n'), {1}),
                         [{}, {'f': 2}])

    def test_cut_off(self):
        self.refuses('cut off', periods.load, self.file('period 0\nf 1\n'))

    def test_each_way_to_be_wrong(self):
        for text in ('f 1\n', 'period 1\n', 'period 0\nf x\n', 'period 0\nend 2\n',
                     'period 0\nend 1\nf 1\n', 'period 0\nperiod 0\n', 'period 0\n7\n'):
            with self.subTest(text=text):
                self.refuses('not what the plugin writes', periods.load, self.file(text))


class Ranges(Figures):
    def test_parts_have_the_name_of_the_function(self):
        found = list(ranges.ranges('0010 0008 t f.isra.0\n0018 0008 T g\n'))
        self.assertEqual(found, [(0x10, 0x18, 'f'), (0x18, 0x20, 'g')])

    def test_none_into_the_next(self):
        self.assertEqual(list(ranges.ranges('0010 0020 t f\n0018 0008 T g\n'))[0], (0x10, 0x18, 'f'))


class Reach(Figures):
    def test_collect_takes_the_periods_of_the_tests(self):
        calls = self.file(f'10 f\n20 {reach.MARKER}\n')
        seen = self.file('period 0\nf 9\nperiod 1\nf 2\nperiod 2\nend 3\n')
        self.assertEqual(reach.collect(calls, seen, self.file('cow\t1\n')), ['cow\tf\t2'])

    def test_collect_refuses_other_numbers_of_tests(self):
        calls = self.file(f'10 f\n20 {reach.MARKER}\n')
        seen = self.file('period 0\nend 1\n')
        self.refuses('changed its name 0 times', reach.collect, calls, seen, self.file('cow\t1\n'))


if __name__ == '__main__':
    unittest.main()
