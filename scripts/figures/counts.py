#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""counts.py - locked operations and page-table walks of GUP's calls: compare, record

usage: counts.py check RECORD ROWS
       counts.py record RECORD ROWS

ROWS    rows of a boot that counts, from bench_table.py rows
check   compares them with those on record (scripts/figures/bench.counts), exactly, and
        says what differs
record  writes RECORD (- is stdout)

exit status: 0 as on record, 1 rows differ, 2 bad input
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from figures import record, rows
from lib import BadInput, Parser, run

COUNTED = ('pages', 'locked', 'walks')
HEAD = '''# What the calls of the benchmark take, for all pages of a row: exact. make counts
# compares; make counts ACCEPT=1 writes this file. A tick may not add to it: it is the
# least of 25 passes.
'''


def measured(path):
    """{key: (pages, locked, walks)} of one boot."""
    found = {}
    for row in rows.load(path, *COUNTED):
        if rows.key(row) in found:
            raise BadInput(f'{path}: a row twice: {rows.name(rows.key(row))}')
        found[rows.key(row)] = tuple(rows.number(path, row, column) for column in COUNTED)
    return found


def recorded(words):
    if len(words) != len(COUNTED):
        raise ValueError
    return tuple(int(word) for word in words)


def differences(key, old, new):
    """(is it worse, text) of each figure of a row that differs."""
    if old[0] != new[0]:
        yield True, f'FAILED {rows.name(key)}: other pages'
        return
    for what, a, b in zip(('locked operations', 'page table walks'), old[1:], new[1:]):
        if a != b:
            yield b > a, (f'{"FAILED" if b > a else "better"} {rows.name(key)}: {what} {a} -> {b} '
                          f'for {old[0]} pages, {a / old[0]:.3g} -> {b / old[0]:.3g} a page')


def check(path, now):
    was = record.load(path, recorded)
    odd, both = record.pairs(was, now)
    found = [item for pair in both for item in differences(*pair)]
    print(*odd, *[text for _, text in found], sep='\n', end='\n' if odd or found else '')
    worse = sum(bad for bad, _ in found)
    return record.summary('counts', len(was), worse + len(odd), len(found) - worse)


def main(argv):
    parser = Parser(__doc__)
    verbs = parser.verbs()
    for verb in ('check', 'record'):
        words = verbs.add_parser(verb)
        words.add_argument('record')
        words.add_argument('rows')
    args = parser.parse_args(argv)
    now = measured(args.rows)
    if args.verb == 'record':
        return record.save(args.record, 'counts', HEAD, list(now.items()))
    return check(args.record, now)


if __name__ == '__main__':
    run(main)
