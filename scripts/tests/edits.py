# SPDX-License-Identifier: GPL-2.0
"""edits.py - edits of mm/gup.c, each with a name and the cases that have to notice it

Read from past-bugs.table, blind-spots.table and race-checks.table; the head of these says how one is written.
"""
from lib import BadInput, read


def parse(path):
    """{name: (cases, [(old, new)])}"""
    table, edits = {}, None
    for number, line in enumerate(read(path).splitlines(keepends=True), 1):
        mark, rest = line[0], line[1:]
        if mark == '=':
            name, *cases = rest.split()
            if name in table or not cases:
                raise BadInput(f'{path}:{number}: want a new name and at least one case')
            edits = []
            table[name] = (cases, edits)
        elif mark in '+-':
            if edits is None:
                raise BadInput(f'{path}:{number}: no name before')
            if not edits or (mark == '-' and edits[-1][2]):
                edits.append(['', '', False])
            edits[-1]['-+'.index(mark)] += rest
        elif mark == '\n':
            if edits:
                edits[-1][2] = True
        elif mark != '#':
            raise BadInput(f'{path}:{number}: cannot be read')
    for name, (_, edits) in table.items():
        if not edits or not all(edit[0] for edit in edits):
            raise BadInput(f'{path}: {name} takes nothing out')
    return table


def changed(path, table, source, name):
    """The text of source with the edits of that name."""
    if name not in table:
        raise BadInput(f'{name}: not in {path}')
    text = read(source)
    for old, new, _ in table[name][1]:
        found = text.count('\n' + old)
        if found != 1:
            raise BadInput(f'{name}: {source} has this {found} times, not once: fix {path}:\n{old}')
        text = text.replace('\n' + old, '\n' + new)
    return text
