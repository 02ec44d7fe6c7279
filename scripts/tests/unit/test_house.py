# SPDX-License-Identifier: GPL-2.0
"""Each rule of scripts/lint/house.py, broken once in a small repository."""
import os
import subprocess
import unittest

from folders import new_folder, write
from lint import house

SPDX = '# SPDX-License-Identifier: GPL-2.0\n'
FILES = {
    'Makefile': SPDX + 'help:\n\t@echo "  make kunit        run it: LANE=   1 s"\n',
    'README.md': 'Run `make kunit LANE=um`; see `scripts/boot/um.sh`.\n',
    'scripts/lib.sh': '# shellcheck shell=sh\n' + SPDX,
    'scripts/kunit.sh': '#!/bin/sh\n' + SPDX + '# environment: LANE=um\n"$s/boot/um.sh"\n',
    'scripts/boot/um.sh': '# shellcheck shell=sh\n' + SPDX + '. "$top/scripts/lib.sh"\n',
    'scripts/tcg/periods.py': SPDX + 'import os\n',
}


class House(unittest.TestCase):
    def setUp(self):
        self.top = new_folder(self)
        subprocess.run(['git', 'init', '-q', self.top], check=True)
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name, text):
        path = write(self.top, name, text)
        os.chmod(path, 0o755 if text.startswith('#!') else 0o644)

    def found(self):
        subprocess.run(['git', '-C', self.top, 'add', '-A'], check=True)
        names = house.tracked(self.top)
        return [line for check in (house.verbs, house.rooms, house.run_bits, house.text_of,
                                   house.pages) for line in check(self.top, names)]

    def finds(self, text, name, content):
        self.write(name, content)
        found = self.found()
        self.assertEqual(len(found), 1, found)
        self.assertIn(text, found[0])

    def test_good_repository(self):
        self.assertEqual(self.found(), [])

    def test_verb_that_help_does_not_list(self):
        self.finds('scripts/vm.sh is not in make help', 'scripts/vm.sh', '#!/bin/sh\n' + SPDX)

    def test_help_that_lists_no_file(self):
        self.finds('make vm has no scripts/vm.sh', 'Makefile',
                   FILES['Makefile'] + '\t@echo "  make vm           x"\n')

    def test_file_on_top_that_is_no_verb(self):
        self.finds('neither a verb nor shared', 'scripts/table.py', SPDX)

    def test_room_that_nobody_knows(self):
        self.finds('scripts/attic/ is no room', 'scripts/attic/x.py', SPDX)

    def test_room_that_runs_a_verb(self):
        self.finds('uses the verb kunit.sh', 'scripts/boot/um.sh',
                   FILES['scripts/boot/um.sh'] + '"$top/scripts/kunit.sh"\n')

    def test_room_that_uses_one_above(self):
        self.finds('uses scripts/figures/', 'scripts/boot/um.sh',
                   FILES['scripts/boot/um.sh'] + '"$s/figures/counts.py"\n')

    def test_import_from_above(self):
        self.finds('uses scripts/verdict/', 'scripts/tcg/periods.py',
                   SPDX + 'from verdict import log\n')

    def test_library_with_a_run_bit(self):
        os.chmod(os.path.join(self.top, 'scripts/lib.sh'), 0o755)
        self.assertIn('chmod -x scripts/lib.sh', self.found()[0])

    def test_script_without_one(self):
        os.chmod(os.path.join(self.top, 'scripts/kunit.sh'), 0o644)
        self.assertIn('chmod +x scripts/kunit.sh', self.found()[0])

    def test_names(self):
        self.finds('lower case with underscores', 'scripts/tcg/two-words.py', SPDX)

    def test_blanks_at_line_end(self):
        self.finds(':2: blanks at its end', 'scripts/tcg/periods.py', SPDX + 'import os \n')

    def test_last_line(self):
        self.finds('the last line does not end', 'scripts/tcg/periods.py', SPDX + 'import os')

    def test_licence(self):
        self.finds('no SPDX-License-Identifier', 'scripts/tcg/periods.py', 'import os\n')

    def test_page_names_what_is_gone(self):
        for said, line in (('scripts/boot/vm.sh is not there', 'See `scripts/boot/vm.sh`.\n'),
                           ('make vm is no verb', '    make vm\n'),
                           ('make kunit knows no TURBO=', '    make kunit TURBO=1\n')):
            with self.subTest(said):
                self.finds(said, 'README.md', line)

    def test_cover_letter_counts(self):
        self.finds('goes stale', 'patches/one/cover-letter.txt', 'It has 3609 parametrised cases.\n')

    def test_page_counts(self):
        self.finds('"3609 cases" goes stale', 'README.md', 'All 3609 cases pass.\n')


if __name__ == '__main__':
    unittest.main()
