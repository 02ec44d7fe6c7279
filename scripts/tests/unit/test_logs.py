# SPDX-License-Identifier: GPL-2.0
"""The readers of logs: what they accept, and each way in which a log must not count."""
import os
import tempfile
import unittest

from logs import KUNIT, VM, after, instead, without
from verdict import log
from verdict.kunit_log import KunitLog
from verdict.vm_log import VmLog


class Lines(unittest.TestCase):
    def test_stamp_is_cut_off(self):
        for stamp in ('[    0.910000] ', '[    0.1][    T1] ', '<6>[ 12.345678] '):
            self.assertEqual(log.clean(stamp + 'ok 1 x\r\n'), 'ok 1 x')

    def test_indentation_stays(self):
        self.assertEqual(log.clean('[    0.910000]     ok 1 x'), '    ok 1 x')

    def test_glued_line_is_two(self):
        self.assertEqual(log.parts('50 percent[    1.000000] ok 1 x'), ['50 percent', 'ok 1 x'])

    def test_quoted_stamp_is_not_glue(self):
        self.assertEqual(len(log.parts('# saw [    1.000000] BUG: x')), 1)

    def test_last_line_without_end_counts(self):
        with tempfile.NamedTemporaryFile('w', delete=False) as file:
            file.write('one\ntwo')
        self.addCleanup(os.unlink, file.name)
        self.assertEqual(log.read(file.name), ['one', 'two'])

    def test_nul_is_cut_out_and_told(self):
        with tempfile.NamedTemporaryFile('wb', delete=False) as file:
            file.write(b'one\n\0[    1.000000] \0BUG: x\nthree\n\0\n')
        self.addCleanup(os.unlink, file.name)
        lines = log.read(file.name)
        self.assertEqual((list(lines), lines.damaged), (['one', 'BUG: x', 'three', ''], [2, 4]))
        for kind in KunitLog, VmLog:
            self.assertIn('line 2: a NUL in it and in 1 more lines: the log is damaged',
                          kind(lines).problems)

    def test_bytes_that_are_no_text_do_no_harm(self):
        with tempfile.NamedTemporaryFile('wb', delete=False) as file:
            file.write(b'\xff\x00\n')
        self.addCleanup(os.unlink, file.name)
        self.assertEqual(len(log.read(file.name)), 1)


# What is wrong with a log, and what its reader must say.
KUNIT_WRONG = {
    'no_ktap': (['Linux'], 'no KTAP'),
    'no_plan_of_suites': (without(KUNIT, '1..1'), 'no plan'),
    'no_plan_of_cases': (without(KUNIT, '1..2'), 'alpha: no plan'),
    'short_plan': (instead(KUNIT, '1..2', '    1..3'), 'plan of 3 cases, 2 results'),
    'two_plans': (after(KUNIT, '1..1', '1..1'), 'second or late plan'),
    'gap': (without(KUNIT, 'ok 1 one'), 'cases are missing'),
    'parameter_lost': (without(KUNIT, 'ok 2 c'), 'the kernel counted 2 parameters'),
    'suite_ok_although_case_failed':
        (instead(KUNIT, 'ok 1 one', '    not ok 1 one'), 'although 1 case(s) failed'),
    'two_results_of_one_name':
        (after(KUNIT, 'ok 2 c', '        ok 3 c'), 'two results of one name'),
    'ran_twice': (KUNIT + KUNIT, 'second KTAP header'),
    'no_end_marker': (without(KUNIT, 'reboot: System halted'), 'no end marker'),
    'totals_disagree':
        (without(without(KUNIT, 'ok 2 c'), '# two: pass:2 fail:0 skip:0 total:2'),
         'counted 3 results in all'),
    'empty_suite': (['KTAP version 1', '1..1', 'ok 1 alpha', 'reboot: System halted'],
                    'ok without having run a case'),
}
VM_WRONG = {
    'test_without_plan': (without(VM, '# 1..1'), 'it printed no plan'),
    'subtest_lost': (without(VM, '# ok 1 a'), 'subtest 2 follows 0'),
    'totals_disagree': (instead(VM, '# ok 2 b # SKIP no', '# ok 2 b'), 'totals do not agree'),
    'test_lost': (without(VM, 'ok 1 cow # ms=5'), 'cow has no result'),
    'result_without_begin': (without(VM, '# gup-vm: begin cow'), 'which did not begin'),
    'stray_result': (after(VM, '1..2', 'ok 9 x'), 'the init does not print'),
    'no_end': (without(VM, '# gup-vm: end of 2 tests'), 'no end marker'),
}


def one_test_each(kind, wrong):
    """A class decorator: a test for each entry, by its name."""
    def decorate(cls):
        for name, (lines, text) in wrong.items():
            def test(self, lines=lines, text=text):
                found = kind(lines).faults()
                self.assertTrue(any(text in fault for fault in found), found)
            setattr(cls, f'test_wrong_{name}', test)
        return cls
    return decorate


@one_test_each(KunitLog, KUNIT_WRONG)
class Kunit(unittest.TestCase):
    def test_good_log(self):
        seen = KunitLog(KUNIT)
        self.assertEqual(seen.problems, [])
        self.assertEqual([case.name for case in seen.cases if case.leaf],
                         ['alpha.one', 'alpha.two/a_b', 'alpha.two/c'])
        self.assertEqual(seen.ktap, KUNIT)

    def test_noise_between(self):
        seen = KunitLog(after(KUNIT, 'ok 1 one', 'clocksource: Switched', '  odd indent'))
        self.assertEqual((seen.problems, len(seen.ktap)), ([], len(KUNIT)))

    def test_glued_result_counts(self):
        seen = KunitLog(instead(KUNIT, 'ok 1 one', 'half a line[    1.000000]     ok 1 one'))
        self.assertEqual(seen.problems, [])

    def test_running_is_what_was_open(self):
        self.assertEqual(KunitLog(KUNIT[:8]).running, ('alpha', 1, 2, 'two'))

    def test_timeout_and_drops_are_seen(self):
        seen = KunitLog(KUNIT + ['** 7 printk messages dropped **',
                                 'gup: UML timed out after 60 seconds'])
        self.assertEqual((seen.dropped, seen.timeout), (7, '60'))
        self.assertIn('line 17: the kernel dropped 7 lines here', seen.problems)

    def test_dropped_lines_are_seen_behind_half_a_line_but_not_where_a_test_says_so(self):
        text = '** 7 printk messages dropped **'
        self.assertEqual(KunitLog(KUNIT + ['half a line' + text]).dropped, 7)
        self.assertEqual(KunitLog(KUNIT + ['    # two: saw ' + text]).problems, [])


@one_test_each(VmLog, VM_WRONG)
class Vm(unittest.TestCase):
    def test_good_log(self):
        seen = VmLog(VM)
        self.assertEqual(seen.faults(), [])
        self.assertEqual(seen.table(), ['pass cow 1/0/1/0', 'pass gup_race 1/0/0/0'])

    def test_xpass_is_a_failure(self):
        seen = VmLog(instead(VM, '# ok 1 x', '# ok 1 x # XPASS'))
        self.assertEqual(seen.cases[1].parts['fail'], 1)

    def test_running_is_what_was_open(self):
        self.assertEqual(VmLog(VM[:11]).running, ('gup_race', 1, 2))


if __name__ == '__main__':
    unittest.main()
