# SPDX-License-Identifier: GPL-2.0
"""Splats, and how a judge weighs what it finds."""
import contextlib
import io
import os
import re
import unittest

from folders import new_folder, write
from logs import KUNIT, VM, after, instead, without
from verdict import kunit_verdict, splat, vm_verdict
from verdict.judge import main_log

DENY = [('warn', re.compile('^WARNING: ')), ('warn', re.compile('cut here')),
        ('kasan', re.compile('KASAN')), ('crash', re.compile('^Kernel panic')),
        ('page', re.compile('oom-killer|ut of memory|Bad page'))]


class Splats(unittest.TestCase):
    def kinds(self, *lines):
        return [event.kind for event in splat.scan(list(lines), DENY)]

    def test_worst_class_wins(self):
        self.assertEqual(self.kinds('WARNING: KASAN'), ['kasan'])

    def test_name_of_a_case_is_no_splat(self):
        self.assertEqual(self.kinds('ok 1 KASAN', '    not ok 2 KASAN'), [])

    def test_one_event_is_one_splat(self):
        self.assertEqual(self.kinds('------------[ cut here ]', 'WARNING: x', 'a frame'), ['warn'])

    def test_next_case_ends_it(self):
        self.assertEqual(self.kinds('WARNING: x', 'ok 1 y', 'WARNING: z'), ['warn', 'warn'])

    def test_panic_inside_a_warning_is_seen(self):
        self.assertEqual(self.kinds('WARNING: x', 'Kernel panic - y'), ['warn', 'crash'])

    def test_nothing_hides_behind_a_lack_of_memory(self):
        killed = 'Memory cgroup out of memory: Killed process 1 (a)'
        self.assertEqual(self.kinds('a invoked oom-killer: gfp_mask=0', 'BUG: KASAN: x', killed,
                                    'BUG: Bad page state in process a'),
                         ['page', 'kasan', 'page', 'page'])
        lines = ['BUG: KASAN: x', killed]
        event, rule = splat.scan(lines, DENY)[0], [(re.compile('^Memory cgroup'), 'why', None)]
        self.assertIsNone(splat.allowed(event, lines, rule, lambda glob: True))

    def test_glued(self):
        self.assertEqual(self.kinds('half[    1.000000] WARNING: x'), ['warn'])

    def test_crash_is_never_excused(self):
        lines = ['Kernel panic - y']
        event = splat.scan(lines, DENY)[0]
        self.assertIsNone(splat.allowed(event, lines, [(re.compile('.'), 'why', None)],
                                        lambda glob: True))

    def test_excuse_holds_for_its_case_only(self):
        lines = ['WARNING: x']
        event, rule = splat.scan(lines, DENY)[0], [(re.compile('x'), 'why', 'a.*')]
        self.assertEqual(splat.allowed(event, lines, rule, lambda glob: True), 'why')
        self.assertIsNone(splat.allowed(event, lines, rule, lambda glob: False))

    def test_every_rule_has_a_line_in_the_golden_log(self):
        golden = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'golden')
        with open(os.path.join(golden, 'splats.log'), encoding='utf-8') as file:
            text = [splat.log.clean(line) for line in file]
        parts = [part for line in text for part in splat.log.parts(line)]
        unused = [rule.pattern for _, rule in splat.load_deny()
                  if not any(rule.search(part) for part in parts)]
        self.assertEqual(unused, [])


class Judges(unittest.TestCase):
    """Judge a log against a list, both given as text."""

    def setUp(self):
        self.out = new_folder(self)

    def write(self, name, lines):
        return write(self.out, name, '\n'.join(lines) + '\n')

    def kunit(self, lines, wanted=('alpha.one', 'alpha.two/a_b', 'alpha.two/c'), *words):
        self.write('log', lines)
        args = ['--inventory', self.write('inventory', wanted), *words, self.out]
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = kunit_verdict.main(args)
        return status, said.getvalue()

    def vm(self, lines, wanted=('cow time=1 pass=1 skip=1:why : cow',
                                'gup_race time=1 pass=1 : gup_race')):
        self.write('log', lines)
        args = ['--matrix', self.write('matrix', wanted), self.out]
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = vm_verdict.main(args)
        return status, said.getvalue()

    def test_good(self):
        self.assertEqual(self.kunit(KUNIT)[0], 0)
        self.assertEqual(self.vm(VM)[0], 0)

    def test_files_of_the_run(self):
        self.kunit(instead(KUNIT, 'ok 2 c', '        not ok 2 c'))
        with open(os.path.join(self.out, 'findings'), encoding='utf-8') as file:
            self.assertIn('FAILED alpha.two/c', file.read())
        with open(os.path.join(self.out, 'results.ktap'), encoding='utf-8') as file:
            self.assertTrue(file.read().startswith('KTAP version 1\n1..1\n'))
        with open(os.path.join(self.out, 'verdict'), encoding='utf-8') as file:
            self.assertIn('\ncounts 2 1 0\n', file.read())

    def failing(self):
        lines = instead(KUNIT, 'ok 1 one', '    not ok 1 one')
        lines = instead(lines, 'ok 1 alpha', 'not ok 1 alpha')
        return instead(lines, '# alpha: pass:2 fail:0 skip:0 total:2',
                       '# alpha: pass:1 fail:1 skip:0 total:2')

    def test_failed_case(self):
        status, said = self.kunit(self.failing())
        self.assertEqual(status, 1)
        self.assertIn('again: make kunit LANE=um FILTER=alpha.one', said)

    def test_missing_case(self):
        self.assertEqual(self.kunit(KUNIT, ['alpha.one', 'alpha.two/a_b', 'alpha.two/c',
                                            'alpha.more'])[0], 2)

    def test_unknown_case(self):
        self.assertEqual(self.kunit(KUNIT, ['alpha.one', 'alpha.two/a_b'])[0], 2)

    def test_gap_cannot_tell(self):
        self.assertEqual(self.kunit(without(KUNIT, 'ok 2 c'))[0], 2)

    def test_gap_and_a_failed_case_without_a_reason_cannot_tell(self):
        self.assertEqual(self.kunit(without(self.failing(), 'ok 2 c'))[0], 2)

    def test_gap_and_a_failed_case_failed_if_the_kernel_dropped_lines(self):
        lines = instead(self.failing(), 'ok 2 c', '** 1 printk messages dropped **')
        status, said = self.kunit(lines)
        self.assertEqual(status, 1)
        self.assertIn('FAILED alpha.one', said)

    def test_dropped_lines_without_a_failure_cannot_tell(self):
        self.assertEqual(self.kunit(instead(KUNIT, 'ok 2 c', '** 1 printk messages dropped **'))[0],
                         2)

    def test_many_findings_are_all_in_the_file(self):
        wanted = ['alpha.one', 'alpha.two/a_b', 'alpha.two/c'] + [f'alpha.x{n}' for n in range(60)]
        status, said = self.kunit(KUNIT, wanted)
        self.assertEqual((status, said.count('MISSING')), (2, 25))
        self.assertIn('and 35 more findings', said)
        with open(os.path.join(self.out, 'findings'), encoding='utf-8') as file:
            self.assertEqual(file.read().count('MISSING'), 60)

    def test_warning_fails_its_case(self):
        status, said = self.kunit(after(KUNIT, 'ok 1 one', 'WARNING: mm/gup.c:1 at f+0x1/0x2'))
        self.assertEqual(status, 1)
        self.assertIn('SPLAT warn in alpha.two/a_b', said)

    def test_skip_needs_an_excuse(self):
        lines = instead(KUNIT, 'ok 1 one', '    ok 1 one # SKIP no memory')
        lines = without(without(lines, '# alpha: pass:2 fail:0 skip:0 total:2'),
                        '# Totals: pass:3 fail:0 skip:0 total:3')
        self.assertEqual(self.kunit(lines)[0], 1)
        excused = ['alpha.one skip@um=no_memory', 'alpha.two/a_b', 'alpha.two/c']
        self.assertEqual(self.kunit(lines, excused)[0], 0)
        self.assertEqual(self.kunit(lines, excused, '--lane', 'um-smp')[0], 1)

    def test_base_must_fail(self):
        wanted = ['alpha.one since=p', 'alpha.two/a_b', 'alpha.two/c']
        self.assertEqual(self.kunit(KUNIT, wanted, '--side', 'base')[0], 1)
        self.assertEqual(self.kunit(self.failing(), wanted, '--side', 'base')[0], 0)

    def test_time_out_shows_the_tail(self):
        lines = KUNIT[:5] + ['what it said last', 'gup: UML timed out after 60 seconds']
        status, said = self.kunit(lines)
        self.assertEqual(status, 2)
        self.assertIn('what it said last', said)

    def test_vm_shrunk_test(self):
        lines = instead(VM, '# ok 2 b # SKIP no', '# ok 2 b')
        lines = without(lines, '# # Totals: pass:1 fail:0 xfail:0 xpass:0 skip:1 error:0')
        status, said = self.vm(lines)
        self.assertEqual(status, 1)
        self.assertIn('skip: 0 subtests, the matrix says 1', said)

    def test_vm_splat_is_found_with_its_test(self):
        status, said = self.vm(after(VM, '# ok 1 x', 'BUG: KASAN: use-after-free in f+0x1/0x2'))
        self.assertEqual(status, 1)
        self.assertIn('SPLAT kasan in gup_race', said)

    def test_log_alone(self):
        path = self.write('alone', KUNIT)
        self.assertEqual(main_log(path), path)
        self.assertEqual(main_log(self.out), os.path.join(self.out, 'log'))


if __name__ == '__main__':
    unittest.main()
