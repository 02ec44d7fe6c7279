#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""race_edit.py - take one check out of mm/gup.c, as race-checks.table says

usage: race_edit.py TABLE SOURCE NAME		the changed file, to stdout
       race_edit.py --list TABLE		the names, and the cases that must fail

exit status: 0 done, 2 lines that are not there exactly once, or bad input
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, read, run


def fail(message):
    raise BadInput(f'race_edit.py: {message}')


def parse(path):
    """{name: (cases, [(old, new)])}"""
    table, edits = {}, None
    for number, line in enumerate(read(path).splitlines(keepends=True), 1):
        mark, rest = line[0], line[1:]
        if mark == '=':
            name, *cases = rest.split()
            if name in table or not cases:
                fail(f'{path}:{number}: want a new name and at least one case')
            edits = []
            table[name] = (cases, edits)
        elif mark in '+-':
            if edits is None:
                fail(f'{path}:{number}: no name before')
            if not edits or (mark == '-' and edits[-1][2]):
                edits.append(['', '', False])
            edits[-1]['-+'.index(mark)] += rest
        elif mark == '\n':
            if edits:
                edits[-1][2] = True
        elif mark != '#':
            fail(f'{path}:{number}: cannot be read')
    for name, (_, edits) in table.items():
        if not edits or not all(edit[0] for edit in edits):
            fail(f'{path}: {name} takes nothing out')
    return table


def changed(path, table, source, name):
    """The text of source with the edits of that name."""
    if name not in table:
        fail(f'{name}: not in {path}')
    text = read(source)
    for old, new, _ in table[name][1]:
        found = text.count('\n' + old)
        if found != 1:
            fail(f'{name}: {source} has this {found} times, not once: fix {path}:\n{old}')
        text = text.replace('\n' + old, '\n' + new)
    return text


def main(words):
    parser = Parser(__doc__)
    parser.add_argument('--list', action='store_true')
    parser.add_argument('table')
    parser.add_argument('source', nargs='?')
    parser.add_argument('name', nargs='?')
    args = parser.parse_args(words)
    table = parse(args.table)
    if args.list:
        for name, (cases, _) in table.items():
            print(name, *cases)
        return 0
    text = changed(args.table, table, args.source, args.name)
    sys.stdout.write(text)
    return 0


if __name__ == '__main__':
    run(main)
