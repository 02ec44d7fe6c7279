# SPDX-License-Identifier: GPL-2.0
"""The two lists of expectations, and the grammar that they share."""
import os
import unittest

from folders import new_folder, write
from lib import BadInput
from verdict import expectations, inventory, matrix
from verdict.inventory import Case
from verdict.matrix import Program


class Files(unittest.TestCase):
    def file(self, text, name='file'):
        return write(new_folder(self), name, text)

    def refuses(self, text, function, *args):
        with self.assertRaises(BadInput) as caught:
            function(*args)
        self.assertIn(text, str(caught.exception))


class Grammar(Files):
    def test_both_lists_know_since_and_lanes(self):
        for entry in (Case('a.b since=x lanes=um,um-smp', 'f:1', 1),
                      Program('a time=1 pass=1 since=x lanes=um,um-smp : a', 'f:1', 1)):
            self.assertEqual((entry.since, entry.places()), ('x', ['um', 'um-smp']))
            self.assertTrue(entry.runs_in('um') and entry.runs_in(None))
            self.assertFalse(entry.runs_in('x86_64'))

    def test_lanes_by_a_pattern(self):
        case = Case('a.b lanes=um*', 'f:1', 1)
        self.assertTrue(case.runs_in('um') and case.runs_in('um-smp'))
        self.assertFalse(case.runs_in('x86_64'))
        known = self.file('um um 1\n')
        self.assertEqual(list(expectations.unknown([case], known, None)), [])
        self.assertEqual(len(list(expectations.unknown([Case('a.b lanes=arm*', 'f:1', 1)], known, None))), 1)

    def test_place(self):
        self.assertEqual(Case('a.b skip@um=why', 'f:1', 1).skips, {'um': 'why'})
        program = Program('a time=1 pass=2 pass@base=1 fail@base=1:why : a', 'f:1', 1)
        self.assertEqual(program.numbers('x86_64', 'base'), {'pass': 1, 'fail': 1})
        self.assertEqual(program.numbers('x86_64', 'series'), {'pass': 2})

    def test_place_of_a_lane_on_the_base(self):
        program = Program('a time=1 pass=4 pass@um=2 pass@base=3 pass@um:base=1 lanes=um,x86* : a', 'f:1', 1)
        found = [program.numbers(lane, side)['pass'] for lane in ('x86_64', 'um') for side in ('series', 'base')]
        self.assertEqual(found, [4, 3, 2, 1])
        self.assertEqual(list(expectations.unknown([program], self.file('um\nx86_64\n'), None)), [])

    def test_the_vm_is_x86_64(self):
        program = Program('a time=1 pass=2 : a', 'f:1', 1)
        self.assertEqual([True, True, False], [program.runs_in(lane) for lane in ('x86_64', 'x86_64-debug', 'um')])

    def test_unknown_key(self):
        self.refuses('f:1: unknown key "color=red"', Case, 'a.b color=red', 'f:1', 1)
        self.refuses('f:1: unknown key "since="', Case, 'a.b since=', 'f:1', 1)

    def test_place_where_none_belongs(self):
        self.refuses('since= has no place', Case, 'a.b since@um=x', 'f:1', 1)
        self.refuses('time= has no place', Program, 'a time@um=1 pass=1 : a', 'f:1', 1)

    def test_old_form_of_skip_names_the_new(self):
        self.refuses('want skip@<lane>=', Case, 'a.b skip=um:why', 'f:1', 1)

    def test_two_lines_of_one_name(self):
        self.refuses('file:2: a.b is already in line 1', inventory.load, self.file('a.b\na.b\n'))

    def test_unknown_lane_and_patch(self):
        found = list(expectations.unknown([Case('a.b since=x lanes=y skip@z=why', 'f:1', 1)],
                                          self.file('um um 1\n'), self.file('0001-other.patch\n')))
        self.assertEqual(len(found), 3)

    def test_patches_of_a_folder_of_series(self):
        path = self.file('0001-one.patch\n', 'series')
        folder = os.path.dirname(path)
        write(folder, 'topic/series', '# a comment\n0001-two.patch # more\n')
        self.assertEqual(expectations.patches(folder), {'one', 'two'})


class Inventory(Files):
    def test_crash_needs_since(self):
        self.refuses('base=crash needs since=', Case, 'a.b base=crash', 'f:1', 1)

    def test_crash_of_some_parameters(self):
        self.refuses('some parameters only', inventory.load,
                     self.file('a.b/x since=p base=crash\na.b/y since=p\n'))

    def test_glob_as_of_kunit(self):
        for glob, wanted in (('alpha', True), ('al*', True), ('alpha.two', True), ('beta', False),
                             ('alpha.t*/a_b', True), ('alpha.two/c', False), ('*.one', False)):
            self.assertEqual(inventory.matches('alpha.two/a_b', glob), wanted, glob)

    def test_accept_keeps_keys_comments_and_other_lanes(self):
        path = self.file('# why\na.one since=p\na.gone\na.smp lanes=um-smp\n')
        _, old, _ = inventory.load(path)
        new, removed = inventory.merged(old, ['a.one', 'a.new'], 'um')
        self.assertEqual([case.name for case in new], ['a.one', 'a.smp', 'a.new'])
        self.assertEqual((new[0].above, new[0].since, removed), (['# why'], 'p', ['a.gone']))

    def test_lacking_keeps_the_keys_of_these_patches_only(self):
        path = self.file('a.one since=p\na.two since=q base=crash\na.three lanes=um\n')
        self.assertEqual(inventory.lacking(path, ['p']),
                         ['a.one\tsince=p', 'a.two', 'a.three\tlanes=um'])


class Matrix(Files):
    def load(self, text):
        return matrix.load(self.file(text))

    def test_choices_expand(self):
        found = self.load('gup_test* time=1 pass=1 : gup_test {-t|-T -x} -w\n')
        self.assertEqual([(entry.name, ' '.join(entry.argv)) for entry in found],
                         [('gup_test-t', 'gup_test -t -w'), ('gup_test-T-x', 'gup_test -T -x -w')])

    def test_line_goes_on(self):
        found = self.load('a time=1 \\\n pass=1 : a\nb time=1 pass=1 : b\n')
        self.assertEqual([entry.line for entry in found], [1, 3])

    def test_number_is_required(self):
        self.refuses('time= and pass= are required', self.load, 'a time=1 : a\n')
        self.refuses('pass=0 would pass', self.load, 'a time=1 pass=0 : a\n')

    def test_reason_is_required(self):
        self.refuses('<reason_with_underscores>', self.load, 'a time=1 pass=1 skip=1 : a\n')

    def test_side_and_only(self):
        found = self.load('a time=1 pass=1 side=series : a\nb time=1 pass=1 only=asked : b\n')
        names = lambda *args: [entry.name for entry in matrix.wanted(found, 'x86_64', *args)]
        self.assertEqual(names('base', ''), [])
        self.assertEqual(names('series', ''), ['a'])
        self.assertEqual(names('series', 'b'), ['b'])
        self.assertEqual(names('series', 'b*'), [])

    def test_reach_by_word(self):
        found = self.load('a* time=1 pass=1 reach=-t:f,g>3 : a {-t|-T}\n')
        self.assertEqual(found[0].functions(), [('f', 0), ('g', 3)])
        self.assertEqual(found[1].functions(), [('g', 3)])

    def test_function_that_is_not_there(self):
        source = self.file('static int f(int a)\n{\n}\nvoid g(void);\n')
        self.assertEqual(matrix.defined(source), {'f'})


if __name__ == '__main__':
    unittest.main()
