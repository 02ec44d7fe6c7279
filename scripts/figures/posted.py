#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""posted.py - are the figures in changelogs and cover letters those of the record?

usage: posted.py [--record FILE] TEXT...	(default: scripts/figures/bench.icount)

A table of figures has a line that ends in "before" and "after" above it. Each of its rows
must be a row of the record: instructions on base and series, divided by the pages a call,
rounded as the text has them. What the label says is heeded:
  a function of GUP, or "fast pin", "slow pin", "unpin"   the call
  4K, 64K, 2M                                             the memory
  "1 a call", "512 a call"                                the pages of a call
Figures in sentences are not looked at.

exit status: 0 all are, 1 one is not, 2 bad input
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from figures import record
from figures.rows import KEY
from lib import Parser, read, run

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bench.icount')
ROW = re.compile(r'\s+(\S.*?)\s+(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)$')
CALLS = {'fast pin': 'pin_user_pages_fast', 'slow pin': 'pin_user_pages', 'unpin': 'unpin_user_pages'}
MEMORY = {'4K': r'anon_(written|fresh|readonly)|drv_order0', '64K': r'.*(order4|64k)', '2M': r'.*order9'}


def tables(text):
    """(line number, label, before, after) of each row."""
    inside = False
    for place, line in enumerate(text.splitlines(), 1):
        row = ROW.match(line)
        if re.search(r'(?:^|\s)before\s+after$', line):
            inside = True
        elif inside and row:
            yield place, *row.groups()
        elif line.strip():
            inside = False


def same(text, count, pages):
    """text is count / pages, rounded to its own digits."""
    digits = len(text.partition('.')[2])
    return abs(float(text) - count / pages) <= 0.5 * 10 ** -digits + 1e-9


def meant(label, row):
    """Could the label mean this row of the record?"""
    row = dict(zip(KEY, row))
    calls = re.findall(r'\b\w*_user_pages\w*', label) or \
        [call for words, call in CALLS.items() if label.startswith(words)]
    memory = [shapes for words, shapes in MEMORY.items() if re.search(rf'\b{words}\b', label)]
    pages = re.search(r'\b(\d+) a call', label)
    return (not calls or row['op'] in calls) and \
        (not memory or re.match(memory[0], row['shape'])) and (not pages or row['n'] == pages[1])


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--record', default=RECORD)
    parser.add_argument('texts', nargs='+')
    args = parser.parse_args(argv)
    rows, bad = record.load(args.record, lambda words: [int(word) for word in words[:2]]), 0
    for path in args.texts:
        for place, label, before, after in tables(read(path).partition('\n---\n')[0]):
            if not any(meant(label, row) and same(before, base, int(row[-1])) and
                       same(after, series, int(row[-1])) for row, (base, series) in rows.items()):
                bad += 1
                print(f'figures: {path}:{place}: "{label}" {before} {after} is no row of '
                      f'{os.path.basename(args.record)}: make icount, then mend the text')
    return int(bad > 0)


if __name__ == '__main__':
    run(main)
