# SPDX-License-Identifier: GPL-2.0
"""gup-bench, the program of make bench-kit: its command line, and the table of two records."""
import functools
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

from folders import new_folder, write

SCRIPTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(SCRIPTS, 'tests', 'golden', 'bench-kit-table.md')

FACTS = {
    'gup-bench': '1', 'kernel': '7.3.4-gup-{side}', 'build': '#1 {side}', 'command line': 'quiet',
    'processor': 'A CPU', 'microcode': '0x1', 'virtual': 'no', 'CPUs': '2',
    'memory of each kind, MB': '256', 'load': '0.0{side}', 'date': '{side}',
}
# kind, section, memory, call, pages, CPUs, folios, then rounds, median and quartiles, or why not
BASE = [
    'row, calls, 4K pages, pin_user_pages_fast, 1, 1, own, 11, 24.2, 24.1, 24.5',
    'row, calls, 4K pages, pin_user_pages_fast, all, 1, own, 11, 8, 7.9, 8.2',
    'row, calls, 64K mTHP, pin_user_pages_fast, all, 1, own, 11, 9.75, 9.7, 9.8',
    'absent, calls, 1G hugetlb, pin_user_pages_fast, 1, 1, own, no page',
    'absent, calls, 1G hugetlb, pin_user_pages_fast, all, 1, own, no page',
    'row, cpus, 4K pages, pin_user_pages_fast, 512, 2, same, 11, 100, 90, 110',
    'row, cpus, 4K pages, gone, 512, 2, same, 11, 100, 90, 110',
]
SERIES = [
    'row, calls, 4K pages, pin_user_pages_fast, 1, 1, own, 11, 23.9, 23.8, 24.15',
    'row, calls, 4K pages, pin_user_pages_fast, all, 1, own, 11, 10, 9.9, 10.1',
    'row, calls, 64K mTHP, pin_user_pages_fast, all, 1, own, 11, 0.5, 0.4, 0.6',
    'row, calls, 1G hugetlb, pin_user_pages_fast, 1, 1, own, 11, 20, 19, 21',
    'absent, calls, 1G hugetlb, pin_user_pages_fast, all, 1, own, changed during the run',
    'row, cpus, 4K pages, pin_user_pages_fast, 512, 2, same, 11, 50, 49, 51',
    'row, cpus, 4K pages, new, 512, 2, same, 11, 0.00, 0.00, 0.01',
]


def record(side, rows, end=None, **facts):
    lines = [f'# {name}\t{value.format(side=side)}' for name, value in {**FACTS, **facts}.items()]
    lines += [row.replace(', ', '\t') for row in rows]
    lines.append(f'end\t{len(rows) if end is None else end}')
    return '\n'.join(lines) + '\n'


@functools.cache
def compiled():
    """The folder, which goes when Python ends, with gup-bench in it."""
    folder = tempfile.TemporaryDirectory()
    os.chmod(folder.name, 0o755)
    subprocess.run([os.path.join(SCRIPTS, 'kit', 'program.sh'),
                    os.path.join(folder.name, 'gup-bench')], check=True)
    return folder


class BenchKit(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = new_folder(self)
        self.program = os.path.join(compiled().name, 'gup-bench')

    def run_it(self, *words, **more):
        return subprocess.run([self.program, *words], capture_output=True, text=True, check=False,
                              **more)

    def table(self, base, series):
        return self.run_it('table', write(self.folder, 'base', base),
                           write(self.folder, 'series', series))

    def refused(self, done, text, status=2):
        self.assertEqual((done.returncode, done.stdout), (status, ''), done.stderr)
        self.assertRegex(done.stderr, text)

    def test_it_is_static(self):
        with open(self.program, 'rb') as file:
            elf = file.read()
        at, = struct.unpack_from('<Q', elf, 32)
        size, number = struct.unpack_from('<HH', elf, 54)
        types = [struct.unpack_from('<I', elf, at + i * size)[0] for i in range(number)]
        self.assertTrue(1 in types and 3 not in types, 'PT_LOAD, and no PT_INTERP')

    def test_help(self):
        done = self.run_it('--help')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertRegex(done.stdout, '(?s)^usage: .*exit status: ')

    def test_bad_usage(self):
        for words in ((), ('walk',), ('table',), ('table', 'one'), ('table', 'a', 'b', 'c'),
                      ('run', '-x'), ('run', '-r'), ('run', '-r', '2'), ('run', '-r', '5x'),
                      ('run', '-r', '-5'), ('run', '-s', '3'), ('run', '-s', '2048'),
                      ('run', '-m', '0'), ('run', 'file'), ('run', '--rounds', '5')):
            with self.subTest(words=words):
                self.refused(self.run_it(*words), 'see gup-bench --help')

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which('setpriv'), 'root can be somebody else')
    def test_run_without_root(self):
        done = subprocess.run(['setpriv', '--reuid', '65534', self.program, 'run'],
                              capture_output=True, text=True, check=False)
        self.refused(done, 'not root', status=4)

    def test_table(self):
        done = self.table(record('base', BASE), record('series', SERIES))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        with open(GOLDEN, encoding='utf-8') as file:
            self.assertEqual(done.stdout, file.read())

    def test_spread_is_marked(self):
        shown = self.table(record('base', BASE), record('series', SERIES)).stdout
        # 24.1 to 24.5 and 23.8 to 24.15 overlap; 7.9 to 8.2 and 9.9 to 10.1 do not.
        self.assertIn('| ~1.01 |\n', shown)
        self.assertIn('| 0.80 |\n', shown)
        self.assertIn('| 19.50 |\n', shown)

    def test_machines_that_are_not_the_same(self):
        for fact, value in (('processor', 'Another'), ('CPUs', '4'), ('command line', 'quiet nopti'),
                            ('memory of each kind, MB', '32'), ('microcode', '0x2'), ('new', 'x')):
            with self.subTest(fact=fact):
                self.refused(self.table(record('base', BASE), record('series', SERIES, **{fact: value})),
                             f'({fact}: .*)?facts differ')

    def test_fact_that_one_lacks(self):
        bad = record('series', SERIES).replace('# microcode\t0x1\n', '')
        self.refused(self.table(record('base', BASE), bad), 'microcode: .*: not said')
        self.refused(self.table(bad, record('base', BASE)), 'facts differ')

    def test_versions(self):
        bad = record('series', SERIES, **{'gup-bench': '2'})
        self.refused(self.table(record('base', BASE), bad), 'versions: ')
        self.refused(self.table(bad, bad), 'versions: ')

    def test_emulated_and_virtual_machines(self):
        for virtual, text in (('emulated by QEMU (TCG)', 'mean nothing'), ('yes', 'A virtual machine')):
            both = [record(side, BASE, virtual=virtual) for side in ('base', 'series')]
            self.assertIn(text, self.table(*both).stdout)

    def test_same_kernel(self):
        one = record('base', BASE)
        self.assertIn('One kernel', self.table(one, one).stdout)

    def test_damaged_records(self):
        good = record('base', BASE)
        for name, bad in {
                'empty': '',
                'nothing of ours': 'hello\n',
                'cut': good[:len(good) // 2],
                'no end': good.replace('end\t', '# end\t'),
                'rows missing': record('base', BASE, end=99),
                'goes on': good + good,
                'no number': good.replace('24.2', 'nan'),
                'wrong order': good.replace('\t24.1\t', '\t25\t'),
                'short row': good.replace('\t24.5', ''),
                'twice': record('base', BASE + BASE[:1]),
                'no rows': record('base', []),
        }.items():
            with self.subTest(name=name):
                self.refused(self.table(bad, record('series', SERIES)), '^gup-bench: ')

    def test_missing_record(self):
        self.refused(self.run_it('table', '/nowhere/base', '/nowhere/series'), '/nowhere/base: No such')


if __name__ == '__main__':
    unittest.main()
