# SPDX-License-Identifier: GPL-2.0
"""The mutants of C code: what is made, and what is left alone."""
import os
import subprocess
import tempfile
import unittest

from lib import BadInput
from mutate import kernel, lists, mutants, source


def changes(body, head='int f(int nr, unsigned int flags)'):
    """{(what, old line, new line)} of a function."""
    text = f'{head}\n{{\n{body}\n}}\n'
    return {(m.what, ' '.join(' '.join(m.old).split()), ' '.join(' '.join(m.new).split()))
            for m in mutants.make('mm/f.c', text)}


class Makes(unittest.TestCase):
    def made(self, body, *wanted):
        found = changes(body)
        for want in wanted:
            self.assertIn(want, found)
        return found

    def only(self, body, *wanted):
        self.assertEqual(set(wanted), changes(body + ' return g();'))

    def test_condition(self):
        self.only('if (a) goto out;',
                  ('negate', 'if (a) goto out; return g();', 'if (!(a)) goto out; return g();'),
                  ('delete', 'if (a) goto out; return g();', 'if (a) ; return g();'))

    def test_condition_of_each_kind(self):
        for body in ('while (x) g();', 'for (; x; n++) g();', 'do { g(); } while (x);',
                     'y = x ? 1 : 2;'):
            self.assertTrue(any(what == 'negate' and '!(x)' in new
                                for what, _, new in changes(body)), body)

    def test_endless_for_has_no_condition(self):
        self.assertFalse([c for c in changes('for (;;) g();') if c[0] == 'negate'])

    def test_order(self):
        for old, new in (('<', '<='), ('<=', '<'), ('>', '>='), ('>=', '>')):
            self.made(f'if (a {old} b)\ng();', ('order', f'if (a {old} b)', f'if (a {new} b)'))

    def test_equality_that_is_the_negation_is_made_once(self):
        self.assertFalse([c for c in changes('if (a == b)\ng();') if c[0] == 'order'])
        self.made('if (a == b && c)\ng();', ('order', 'if (a == b && c)', 'if (a != b && c)'))
        self.made('return a == b;', ('order', 'return a == b;', 'return a != b;'))

    def test_and_or(self):
        self.made('if (a && b)\ng();', ('and-or', 'if (a && b)', 'if (a || b)'))
        self.made('if (a || b)\ng();', ('and-or', 'if (a || b)', 'if (a && b)'))

    def test_flags(self):
        self.made('g(A_B | A_C);', ('flag', 'g(A_B | A_C);', 'g( A_C);'),
                  ('flag', 'g(A_B | A_C);', 'g(A_B );'))
        self.made('if (flags & A_B)\ng();', ('flag', 'if (flags & A_B)', 'if (flags & 0)'))
        self.made('x = y & ~A_B;', ('flag', 'x = y & ~A_B;', 'x = y ;'))
        self.made('g(FOLL_PIN);', ('flag', 'g(FOLL_PIN);', 'g(0);'))

    def test_the_address_of_is_no_flag(self):
        self.assertFalse([c for c in changes('g(&A_B);') if c[0] == 'flag'])

    def test_counts(self):
        self.made('g(nr, 1);', ('count', 'g(nr, 1);', 'g(nr + 1, 1);'),
                  ('count', 'g(nr, 1);', 'g(nr, 2);'))
        self.made('x = y - 1;', ('count', 'x = y - 1;', 'x = y - 0;'))
        self.made('x += y;', ('count', 'x += y;', 'x += (y) + 1;'), ('sign', 'x += y;', 'x -= y;'))
        self.made('if (a)\nreturn nr;\ng();', ('count', 'return nr;', 'return nr + 1;'))

    def test_sign_of_a_number_stays(self):
        self.assertFalse([c for c in changes('if (a)\nreturn -x;\ng(-y, *z);') if c[0] == 'sign'])

    def test_statements(self):
        self.made('g();', ('delete', 'g();', ';'))
        self.made('x->y[1] = 2;', ('delete', 'x->y[1] = 2;', ';'))
        self.made('n++;', ('delete', 'n++;', ';'))
        for jump in ('break;', 'continue;', 'goto out;', 'return 2;'):
            self.made(f'{jump}\ng();', ('delete', jump, ';'))

    def test_what_stays(self):
        for body in ('spin_lock(ptl);', 'pte_unmap_unlock(ptep, ptl);', 'rcu_read_lock();',
                     'local_irq_restore(x);', 'VM_WARN_ON(x);', 'mmap_assert_locked(mm);',
                     'might_sleep();', 'int x = g();', 'struct page *p = q;', 'pte_t *p = q;',
                     '/* x = 1; */', '#define X if (a) b = 1;'):
            self.only(body + '\n')

    def test_last_return_stays(self):
        self.assertEqual(set(), changes('return;'))

    def test_loop_macro(self):
        self.made('for_each_x(a, b)\nx = 2;', ('delete', 'x = 2;', ';'))

    def test_lines_stay_lines(self):
        text = 'int f(void)\n{\n\tif (a &&\n\t    b)\n\t\tg(1,\n\t\t  2);\n\treturn 0;\n}\n'
        for mutant in mutants.make('mm/f.c', text):
            self.assertEqual(mutant.text.count('\n'), text.count('\n'), mutant)
            self.assertNotEqual(mutant.text, text)

    def test_functions(self):
        text = ('#define X(a) { a }\nstruct s { int a; };\nint t[] = { 1 };\n'
                'static inline int f(void)\n{\n\tg();\n}\nEXPORT_SYMBOL(f);\n'
                'void __attr *h(int (*x)(int))\n{\n\tg();\n}\n')
        self.assertEqual(['f', 'h'], [f.name for f in source.Source('f.c', text).functions])
        self.assertEqual({'h'}, {m.function for m in mutants.make('f.c', text, func='h*')})

    def test_ids_do_not_depend_on_the_place(self):
        text = 'int f(void)\n{\n\tg();\n\tg();\n\treturn 0;\n}\n'
        ids = [m.id for m in mutants.make('f.c', text)]
        self.assertEqual(ids, [m.id for m in mutants.make('f.c', '/* more */\n' + text)])
        self.assertEqual(len(ids), len(set(ids)))

    def test_only_of_some_lines(self):
        text = 'int f(void)\n{\n\tg();\n\th();\n\treturn k();\n}\n'
        self.assertEqual([4], [m.line for m in mutants.make('f.c', text, lines={4})])

    def test_an_id_does_not_depend_on_the_lines_that_are_asked_for(self):
        text = 'int f(void)\n{\n\tg();\n\tg();\n\treturn k();\n}\n'
        first, second = mutants.make('f.c', text)
        self.assertNotEqual(first.id, second.id)
        self.assertEqual([second.id], [m.id for m in mutants.make('f.c', text, lines={second.line})])

    def test_brackets_that_do_not_match(self):
        with self.assertRaises(BadInput):
            mutants.make('f.c', 'int f(void)\n{\n\tg(;\n}\n')


class Link(unittest.TestCase):
    """A mutant that calls what the lane lacks is none there; whatever else fails stops the run."""

    def link(self, message):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, 'mm'))
            with open(os.path.join(folder, 'mm', 'gup.o'), 'w', encoding='utf-8'):
                pass
            with open(os.path.join(folder, 'ld'), 'w', encoding='utf-8') as file:
                file.write(f'echo "{message}" >&2; exit 1\n')
            subprocess.run(['ar', 'rcT', 'vmlinux.a', 'mm/gup.o'], cwd=folder, check=True)
            lane = kernel.Lane('um', folder, folder, 'sh ld -o linux vmlinux.a', '')
            lane.kernel(['mm/gup'], folder)

    def test_a_function_is_missing(self):
        with self.assertRaises(kernel.NoLink):
            self.link('gup.o: undefined reference to migrate()')

    def test_the_disk_is_full(self):
        with self.assertRaises(BadInput) as caught:
            self.link('ld: final link failed: No space left on device')
        self.assertNotIsInstance(caught.exception, kernel.NoLink)


class Equivalents(unittest.TestCase):
    def load(self, text):
        with tempfile.NamedTemporaryFile('w', delete=False) as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        return lists.equivalents(file.name)

    def test_an_entry_is_the_place_of_its_mutant(self):
        known = self.load('# head\n\n= f.c f\n {\n-\tg();\n+\t;\n: it does\n: nothing\n')
        mutant, = mutants.make('f.c', 'int f(void)\n{\n\tg();\n\treturn k();\n}\n')
        self.assertEqual('it does nothing', known[mutant.place()].reason)

    def test_an_entry_holds_in_its_lanes(self):
        text = '-\tg();\n+\t;\n: it does\n'
        everywhere, = self.load('= f.c f\n' + text).values()
        some, = self.load('= f.c f um um-s*\n' + text).values()
        self.assertEqual([True] * 3, [everywhere.holds_in(lane) for lane in ('um', 'um-smp', 'um-thp')])
        self.assertEqual([True, True, False], [some.holds_in(lane) for lane in ('um', 'um-smp', 'um-thp')])

    def test_an_entry_without_a_reason(self):
        with self.assertRaises(BadInput):
            self.load('= f.c f\n-\tg();\n+\t;\n')

    def test_an_entry_that_cannot_be_read(self):
        with self.assertRaises(BadInput):
            self.load('g();\n')


if __name__ == '__main__':
    unittest.main()
