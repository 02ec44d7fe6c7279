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
        event, rule = splat.scan(lines, DENY)[0], [splat.Excuse(re.compile('^Memory cgroup'), 'why')]
        self.assertIsNone(splat.allowed(event, lines, rule, lambda glob: True))

    def test_glued(self):
        self.assertEqual(self.kinds('half[    1.000000] WARNING: x'), ['warn'])

    def test_crash_is_never_excused(self):
        lines = ['Kernel panic - y']
        event = splat.scan(lines, DENY)[0]
        self.assertIsNone(splat.allowed(event, lines, [splat.Excuse(re.compile('.'), 'why')],
                                        lambda glob: True))

    def test_excuse_holds_for_its_case_only(self):
        lines = ['WARNING: x']
        event, rule = splat.scan(lines, DENY)[0], [splat.Excuse(re.compile('x'), 'why', 'a.*')]
        self.assertEqual(splat.allowed(event, lines, rule, lambda glob: True), 'why')
        self.assertIsNone(splat.allowed(event, lines, rule, lambda glob: False))

    def excused(self, regex, *lines, **more):
        """For each splat of the real list whether this excuse holds."""
        rule = [splat.Excuse(re.compile(regex), 'why', **more)]
        return [bool(splat.allowed(event, lines, rule, lambda glob: True))
                for event in splat.scan(lines, splat.load_deny())]

    def test_an_excuse_holds_for_its_own_report_only(self):
        for other in ('BUG: KCSAN: data-race in b', 'WARNING: mm/gup.c:7 at f+0x1/0x2', 'UBSAN: x',
                      'BUG: Bad rss-counter state mm:0', 'Buffer I/O error on dev vda', 'INFO: lockdep is '
                      'turned off.', 'page dumped because: x', 'a[1]: segfault at 0 ip 0'):
            with self.subTest(other):
                lines = ['BUG: KCSAN: data-race in a', 'frame']
                self.assertEqual(self.excused('race in a', *lines, other), [True, False])
                self.assertEqual(self.excused('race in a', other, *lines), [False, True])

    def test_a_report_has_lines_of_its_own(self):
        for lines in (('BUG: Bad page state in process a', 'page dumped because: nonzero _refcount'),
                      ('BUG: KASAN: use-after-free in f', 'page dumped because: kasan: bad access'),
                      ('kernel BUG at mm/gup.c:7!', 'Oops: invalid opcode: 0000 [#1] SMP'),
                      ('BUG: unable to handle page fault for address: 0', 'Oops: 0002 [#1] SMP'),
                      ('------------[ cut here ]------------', 'refcount_t: underflow; use-after-free.',
                       'WARNING: lib/refcount.c:28 at f+0x1/0x2'),
                      ('------------[ cut here ]------------', 'UBSAN: shift-out-of-bounds in mm/gup.c:7'),
                      ('WARNING: possible circular locking dependency detected',
                       ' *** possible unsafe locking scenario', 'INFO: lockdep is turned off.'),
                      ('INFO: task a:1 blocked for more than 120 seconds.',
                       'INFO: task a:1 is blocked on a mutex likely owned by task b:2.')):
            with self.subTest(lines[0]):
                self.assertEqual(self.excused('nothing', *lines), [False])

    def test_cut_here_belongs_to_what_comes_behind(self):
        cut = '------------[ cut here ]------------'
        warning = 'WARNING: mm/a.c:7 at f+0x1/0x2'
        self.assertEqual(self.excused('words', cut, 'its words', warning), [True])
        self.assertEqual(self.excused('words', cut, 'its words', 'BUG: KASAN: x in f', warning),
                         [True, False, False])
        self.assertEqual(self.excused('words', cut, 'its words', 'WARNING: possible circular locking'),
                         [True, False])

    def test_a_line_that_is_denied_is_no_excuse_for_the_one_above(self):
        self.assertEqual(self.excused('dump_pages', 'BUG: Bad page state in process a',
                                      'page dumped because: dump_pages'), [False])

    def test_a_report_ends_with_its_frame(self):
        end = 66 * '='
        self.assertEqual(self.excused('words', 'BUG: KCSAN: data-race in a', end, 'words'), [False])

    def test_two_reports_in_one_line(self):
        line = 'BUG: KCSAN: data-race in a[    1.000000] BUG: KASAN: x in f'
        self.assertEqual(self.excused('race in a', line), [True, False])

    def test_excuse_for_a_title_only(self):
        lines = ('BUG: KASAN: x in f', 'words')
        self.assertEqual(self.excused('words', *lines), [True])
        self.assertEqual(self.excused('words', *lines, title=re.compile('KCSAN')), [False])

    def test_fields_of_the_allow_list(self):
        path = write(new_folder(self), 'allow', 'x | why | title=^BUG | case=a.*\n')
        rule = splat.load_allow(path)[0]
        self.assertEqual((rule.case, rule.title.pattern), ('a.*', '^BUG'))
        for bad in ('x | why | a.*', 'x | why | title=', 'x | why | case=a | case=b', 'x | why | title=('):
            with self.subTest(bad), self.assertRaises(splat.BadInput):
                splat.load_allow(write(new_folder(self), 'allow', bad + '\n'))

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
                                'gup_race time=1 pass=1 : gup_race'), *words):
        self.write('log', lines)
        args = ['--matrix', self.write('matrix', wanted), *words, self.out]
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

    def test_dropped_lines_between_good_results_cannot_tell(self):
        drop = '** 250 printk messages dropped **'
        self.assertEqual(self.kunit(after(KUNIT, 'ok 1 one', drop))[0], 2)
        self.assertEqual(self.vm(after(VM, 'ok 1 cow # ms=5', drop))[0], 2)

    def test_dropped_lines_and_a_splat_outside_failed(self):
        lines = KUNIT[:-1] + ['** 250 printk messages dropped **', 'BUG: KASAN: x in f', KUNIT[-1]]
        self.assertEqual(self.kunit(lines)[0], 1)

    def test_nul_cannot_tell(self):
        status, said = self.kunit(after(KUNIT, 'ok 1 one', '\0\0BUG: sleeping function called from '
                                        'invalid context at mm/gup.c:7'))
        self.assertEqual(status, 2)
        self.assertIn('line 7: a NUL in it', said)
        self.assertIn('SPLAT lockdep in alpha.two/a_b', said)

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

    def test_base_skip_is_no_failure_even_with_a_splat(self):
        wanted = ['alpha.one since=p', 'alpha.two/a_b', 'alpha.two/c']
        lines = instead(KUNIT, 'ok 1 one', '    ok 1 one # SKIP no memory')
        lines = without(without(lines, '# alpha: pass:2 fail:0 skip:0 total:2'),
                        '# Totals: pass:3 fail:0 skip:0 total:3')
        self.assertEqual(self.kunit(lines, wanted, '--side', 'base')[0], 1)
        splats = after(lines, '1..2', 'BUG: KASAN: x in f')
        status, said = self.kunit(splats, wanted, '--side', 'base')
        self.assertEqual(status, 1)
        self.assertIn('SPLAT kasan in alpha.one', said)

    def test_vm_base_must_run_and_fail(self):
        wanted = ['cow time=1 pass=1 skip=1:why : cow', 'gup_race time=1 pass=1 since=p : gup_race']
        bare = without(without(VM, '# 1..1'), '# ok 1 x')
        for end, lines in (('exit=127', bare), ('exit=1', bare), ('SKIP exit=4', bare),
                           ('exit=4 pins=+1', instead(without(VM, '# ok 1 x'), '# 1..1', '# 1..0 # SKIP no')),
                           ('exit=127', instead(VM, '# ok 1 x', '# not ok 1 x')),
                           ('exit=1', without(VM, '# ok 1 x')), ('exit=1', VM)):
            with self.subTest(end):
                word = 'ok' if end.startswith('SKIP') else 'not ok'
                lines = instead(lines, 'ok 2 gup_race # ms=7', f'{word} 2 gup_race # {end} ms=7')
                self.assertEqual(self.vm(lines, wanted, '--side', 'base')[0], 1)
        for end, lines in (('exit=1', instead(VM, '# ok 1 x', '# not ok 1 x')),
                           ('timeout=9', without(VM, '# ok 1 x')), ('signal=11', without(VM, '# ok 1 x')),
                           ('pins=+1', VM), ('reserved=-1', VM)):
            with self.subTest(end):
                lines = instead(lines, 'ok 2 gup_race # ms=7', f'not ok 2 gup_race # {end} ms=7')
                self.assertEqual(self.vm(lines, wanted, '--side', 'base')[0], 0)
        self.assertEqual(self.vm(after(VM, '# ok 1 x', 'BUG: KASAN: x in f'), wanted, '--side', 'base')[0], 0)

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
