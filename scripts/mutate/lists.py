# SPDX-License-Identifier: GPL-2.0
"""lists.py - lists of lines of C, each with a reason: equivalent, and coverage/unexecuted"""
from fnmatch import fnmatch

from lib import BadInput, read


class Entry:
    """line: of the list. lanes: globs; it holds in these only, if there are any."""
    def __init__(self, reason, line, lanes):
        self.reason, self.line, self.lanes = reason, line, lanes

    def holds_in(self, lane):
        """It says something of this lane."""
        return not self.lanes or any(fnmatch(lane, glob) for glob in self.lanes)


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
            if len(words) == 1:
                raise BadInput(f'{path}:{number}: want "= FILE FUNCTION [LANE...]"')
            name, entry = (*words[:2], number, words[2:]), {mark: [] for mark in ' -+:'}
        elif mark and mark in ' -+:' and entry:
            entry[mark].append(rest)
        elif line.strip() and mark != '#':
            raise BadInput(f'{path}:{number}: cannot be read')
    return known
