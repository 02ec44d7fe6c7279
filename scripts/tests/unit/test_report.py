# SPDX-License-Identifier: GPL-2.0
"""The head of the page of make report: what it calls good."""
import unittest

from folders import new_folder, write
from report import data, page


class Head(unittest.TestCase):
    def head(self, verdict, lanes=()):
        out = new_folder(self)
        write(out, 'check/status', f'pid 4194305\nbegin 1\nstep \nsince 0\nverdict {verdict}\n')
        write(out, 'check/results', 'lint\tok\t1\t0\t0\t2\n')
        return page.head(data.Check(out), lanes)

    def lane(self, line):
        out = new_folder(self)
        write(out, 'um/verdict', f'{line}\ncounts 1 0 0\n')
        return data.Lane(out + '/um')

    def test_whole_check_is_good(self):
        self.assertIn('<p class="verdict">✓ make check: all 40 steps passed',
                      self.head('all 40 steps passed'))

    def test_check_of_some_steps_is_not(self):
        for verdict in ('1 of 40 steps asked for, all passed',
                        '2 of 40 steps asked for, all but 1 passed, skipped: lint'):
            with self.subTest(verdict):
                self.assertIn(f'<p class="verdict">– make check: {verdict}', self.head(verdict))

    def test_check_of_some_steps_hides_no_lane_that_failed(self):
        lane = self.lane('um: 1 passed, 1 failed, 0 skipped')
        said = self.head('1 of 40 steps asked for, all passed', [lane])
        self.assertIn('<p class="verdict bad">✗ make check: 1 of 40', said)
        self.assertIn('; lanes FAILED: um', said)

    def test_failure_is_bad(self):
        self.assertIn('<p class="verdict bad">✗ make check: FAILED: lint', self.head('FAILED: lint'))


if __name__ == '__main__':
    unittest.main()
