# SPDX-License-Identifier: GPL-2.0
"""expectations.py - what the two lists of expectations have in common

kunit/inventory has a case of KUnit in each line, selftests/matrix a run of a program. Both
give it keys, by one grammar:

    key=value   or   key@place=value      place: a lane, or "base"

since=PATCH    fails on the base and is fixed by this patch of the series: its file name
               without number and ".patch"
lanes=a,b      runs in these lanes only; um* stands for all that begin with um
skip@...       may skip itself there; what else it takes is the list's own matter
A reason is one word: blanks in it are written as "_".
"""
import fnmatch
import os

from lib import BadInput, Parser, first_words, read, slug_of


class Expectation:
    """One line of a list. where: "file:line", for messages."""

    KEYS = ('since', 'lanes')
    PLACED = ()             # keys that may have a place

    def __init__(self, name, where, line):
        self.name, self.where, self.line = name, where, line
        self.since, self.lanes = None, None

    def error(self, text):
        return BadInput(f'{self.where}: {text}')

    def word(self, word):
        """Take one "key=value"."""
        left, equals, value = word.partition('=')
        key, at, place = left.partition('@')
        if key not in self.KEYS or not equals or not value:
            raise self.error(f'unknown key "{word}": use {", ".join(self.KEYS)}')
        if at and (key not in self.PLACED or not place):
            raise self.error(f'{word}: {key}= has no place: '
                             f'only {", ".join(self.PLACED)} do, as {self.PLACED[0]}@um={value}')
        self.set(key, place, value)

    def set(self, key, place, value):
        """Keep the value of a key. A list has its own for its own keys."""
        if key == 'lanes':
            self.lanes = value.split(',')
        elif key == 'since':
            self.since = value

    def places(self):
        """The lanes that it names."""
        return self.lanes or []

    def runs_in(self, lane):
        return (lane is None or self.lanes is None
                or any(fnmatch.fnmatchcase(lane, glob) for glob in self.lanes))


def lines(path, fix=''):
    """(number, line) of a list, with its comments and empty lines."""
    return enumerate(read(path, fix).splitlines(), 1)


def unique(entries):
    """Each name stands for one line."""
    seen = {}
    for entry in entries:
        if entry.name in seen:
            raise entry.error(f'{entry.name} is already in line {seen[entry.name]}')
        seen[entry.name] = entry.line


def patches(path):
    """The names that since= can have. path: a series file, or a folder of some."""
    files = [path] if not os.path.isdir(path) else sorted(
        os.path.join(folder, 'series') for folder, _, names in os.walk(path) if 'series' in names)
    return {slug_of(name) for file in files for name in first_words(file)}


def unknown(entries, lanes, series):
    """Errors of content: names that stand for nothing."""
    known_lanes = set(first_words(lanes)) if lanes else None
    known_patches = patches(series) if series else None
    for entry in entries:
        if known_patches is not None and entry.since and entry.since not in known_patches:
            yield (f'{entry.where}: since={entry.since} is no patch of the series: '
                   'use its file name without number and ".patch"')
        for lane in entry.places():
            if known_lanes is not None and not fnmatch.filter(known_lanes, lane):
                yield f'{entry.where}: no lane "{lane}" in kconfigs/lanes'


def parser(manual, default):
    """The command line of a list: a Parser, and verb(NAME, *OPTIONS) for its verbs."""
    top = Parser(manual)
    verbs = top.verbs()

    def verb(name, *options):
        words = verbs.add_parser(name)
        for option in options:
            words.add_argument(option, default=default if option == '--file' else None)
        if '--file' not in options:
            words.add_argument('file', nargs='?', default=default)
        return words
    return top, verb


def check(errors):
    """Print them. A list with an error cannot be used."""
    errors = list(errors)
    if errors:
        raise BadInput('\ngup: '.join(errors))
    return 0
