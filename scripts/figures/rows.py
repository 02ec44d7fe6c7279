# SPDX-License-Identifier: GPL-2.0
"""rows.py - rows of the benchmark: files of them, their names, and tables in Markdown

A file of rows is separated by tabs and has its columns in the first line. KEY says which
row it is: what is mapped, the call, its flags, pages a call.
"""
from lib import BadInput, read

KEY = ('shape', 'op', 'flags', 'n')


def load(path, *columns):
    """[{column: text}]. columns: what each row must have, besides KEY."""
    lines = [line.split('\t') for line in read(path).splitlines()]
    if not lines or not {*KEY, *columns} <= set(lines[0]):
        raise BadInput(f'{path}: no rows with the columns {" ".join([*KEY, *columns])}')
    for number, line in enumerate(lines, 1):
        if len(line) != len(lines[0]):
            raise BadInput(f'{path}:{number}: {len(line)} columns of {len(lines[0])}: cut off?')
    if not lines[1:]:
        raise BadInput(f'{path}: no row')
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def key(row):
    return tuple(row[column] for column in KEY)


def name(row_key):
    return f'{row_key[1]} {row_key[0]} {row_key[2]}, {row_key[3]} a call'


def number(path, row, column):
    """A count out of a row."""
    if not row[column].lstrip('-').isdigit():
        raise BadInput(f'{path}: {name(key(row))}: {column} is no number: {row[column]}')
    return int(row[column])


def line(cells):
    return '| ' + ' | '.join(cells) + ' |'


def head(names):
    left = 3
    return [line(names), '|' + ' :-- |' * left + ' --: |' * (len(names) - left)]
