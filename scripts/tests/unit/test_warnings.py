# SPDX-License-Identifier: GPL-2.0
"""scripts/verdict/warnings.sh: no kind of warning is lost, and a moved line is no new one."""
import os
import subprocess
import unittest

SCRIPTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(SCRIPTS, 'verdict', 'warnings.sh')


def warnings(log, tree='/tree/linux'):
    done = subprocess.run([PROGRAM, tree], input=log, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


class Warnings(unittest.TestCase):
    def test_compiler(self):
        self.assertEqual(warnings('/tree/linux/mm/gup.c:10:5: warning: unused variable [-Wunused]\n'),
                         ['mm/gup.c: warning: unused variable [-Wunused]'])
        self.assertEqual(warnings('../../linux/mm/gup.c:10: warning: old\n'), ['mm/gup.c: warning: old'])

    def test_tree_with_any_name(self):
        self.assertEqual(warnings('/a,b/c|d/linux/mm/gup.c:10:5: warning: x\n', '/a,b/c|d/linux'),
                         ['mm/gup.c: warning: x'])

    def test_kernel_doc(self):
        for path in '/tree/linux/mm/gup.c', '../../linux/mm/gup.c', 'mm/gup.c':
            self.assertEqual(warnings(f"Warning: {path}:7 function parameter 'x' not described in 'f'\n"),
                             ["mm/gup.c: warning: function parameter 'x' not described in 'f'"])

    def test_objtool(self):
        self.assertEqual(warnings('mm/gup.o: warning: objtool: f+0x1c: unreachable\n'),
                         ['mm/gup.o: warning: objtool: f: unreachable'])

    def test_moved_line(self):
        self.assertEqual(warnings('Warning: mm/gup.c:7 text\n'), warnings('Warning: mm/gup.c:9 text\n'))

    def test_each_counts(self):
        self.assertEqual(len(warnings('mm/a.c:1:1: warning: x\nmm/a.c:2:1: warning: x\n')), 2)

    def test_others_are_none(self):
        self.assertEqual(warnings('  CC      mm/gup.o\n1 warning generated.\nmm/gup.c:1:2: note: here\n'), [])
