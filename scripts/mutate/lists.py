# SPDX-License-Identifier: GPL-2.0
"""lists.py - lists of lines of C, each with a reason: equivalent, and coverage/unexecuted"""
from collections import namedtuple

from lib import BadInput, read

# um: it holds for ARCH=um only. line: of the list.
Entry = namedtuple('Entry', 'reason line um')


def equivalents(path):
    """{place of a mutant: Entry}, see the head of the list."""
    return entries(path, '-+')


def entries(path, marks):
    """{(file, function, the line before, its lines, what they become): Entry}, of a list whose
    entries need lines with these marks, and a reason."""
    known, entry, name = {}, None, None
    for number, line in enumerate(read(path).splitlines() + ['='], 1):
        mark, rest = line[:1], line[1:].strip()
        if mark == '=':
            if entry:
                if not all(entry[mark] for mark in marks + ':'):
                    raise BadInput(f'{path}:{name[2]}: want lines with {" and ".join(marks)}, '
                                   'and a reason after :')
                key = (*name[:2], *('\n'.join(entry[mark]) for mark in ' -+'))
                known[key] = Entry(' '.join(entry[':']), name[2], name[3])
            words = rest.split()
            if rest and (len(words) < 2 or words[2:] not in ([], ['um'])):
                raise BadInput(f'{path}:{number}: want "= FILE FUNCTION [um]"')
            name, entry = (*words[:2], number, words[2:] == ['um']), {mark: [] for mark in ' -+:'}
        elif mark and mark in ' -+:' and entry:
            entry[mark].append(rest)
        elif line.strip() and mark != '#':
            raise BadInput(f'{path}:{number}: cannot be read')
    return known
