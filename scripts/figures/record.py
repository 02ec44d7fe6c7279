# SPDX-License-Identifier: GPL-2.0
"""record.py - exact figures on record, and what differs from them

A record has a row a line, the four words of rows.KEY and then its figures; "#" begins a
comment. make <verb> ACCEPT=1 writes it. Whatever differs is said: a row that got better
belongs on record, too.
"""
from figures import rows
from lib import BadInput, output, read


def load(path, figures):
    """{key: figures(words)}; figures() raises ValueError for what is no row."""
    found = {}
    for number, text in enumerate(read(path).splitlines(), 1):
        words = text.partition('#')[0].split()
        if not words:
            continue
        key = tuple(words[:4])
        try:
            if key in found or len(words) < 5:
                raise ValueError
            found[key] = figures(words[4:])
        except ValueError:
            raise BadInput(f'{path}:{number}: no row, or one twice') from None
    if not found:
        raise BadInput(f'{path}: no row')
    return found


def pairs(was, now):
    """(rows that only one side has, as findings; [(key, old, new)] of the others)"""
    odd, both = [], []
    for key in dict.fromkeys([*was, *now]):
        if key in was and key in now:
            both.append((key, was[key], now[key]))
        else:
            odd.append(f'FAILED {rows.name(key)}: '
                       + ('not on record' if key in now else 'not measured'))
    return odd, both


def summary(verb, total, worse, better):
    """The last line, and the exit status."""
    if not worse and not better:
        print(f'{verb}: all {total} rows as on record')
        return 0
    print(f'{verb}: {worse} worse, {better} better than what is on record: '
          f'if that is meant: make {verb} ACCEPT=1')
    return 1


def save(path, verb, header, lines):
    """Write a record; path - is stdout. lines: (key, [figures])"""
    with output(path) as file:
        file.write(header)
        for key, figures in lines:
            print(*key, *figures, sep='\t', file=file)
    if path != '-':
        print(f'{verb}: {len(lines)} rows are on record now: git diff {path}')
    return 0
