# SPDX-License-Identifier: GPL-2.0
"""results.py - what has been found of mutants, in a file that a later run goes on with"""
import os
import re
import threading
from collections import Counter, namedtuple

from lib import read

COLUMNS = ('state', 'id', 'word', 'by', 'seconds', 'code', 'what')
Result = namedtuple('Result', COLUMNS)


class Results:
    """results.tsv: one line a mutant that was judged; the last line about one counts."""

    def __init__(self, path, state):
        self.path, self.state, self.by_id, self.by_code, self.older = path, state, {}, {}, {}
        self.lock = threading.Lock()
        for line in read(path).splitlines() if os.path.exists(path) else ():
            fields = line.split('\t')
            if len(fields) == len(COLUMNS):             # the last may be cut off
                self.keep(Result(*fields))

    def keep(self, result):
        if result.state == self.state:
            self.by_id[result.id] = result
            if result.code != '-':
                self.by_code.setdefault(result.code, result)
        self.older[result.id] = result

    def add(self, mutant, word, by, seconds, code='-'):
        result = Result(self.state, mutant.id, word, by, f'{seconds:.1f}', code, str(mutant)[9:])
        with self.lock, open(self.path, 'a', encoding='utf-8') as file:
            file.write('\t'.join(re.sub(r'[\t\n]', ' ', field) for field in result) + '\n')
            self.keep(result)
        return result

    def all(self):
        """The last result of each mutant, of whatever state of the sources."""
        with self.lock:
            return list(self.older.values())

    def near(self, function):
        """The suites that have killed other mutants of this function, most first."""
        here = re.compile(rf' {re.escape(function)} ')
        count = Counter(result.by.split('.')[0].split(' ')[-1] for result in self.all()
                        if result.word == 'killed' and here.search(result.what))
        return [suite for suite, _ in count.most_common() if suite.startswith('gup_')]
