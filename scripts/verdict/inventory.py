#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read, query and rewrite kunit/inventory, the list of cases that must run.

usage: inventory.py list  [--lane LANE] [--filter GLOB] [--key KEY=VALUE|KEY] [FILE]
       inventory.py check [--lanes FILE] [--series FILE] [FILE]

list prints the names, one a line (kunit-run.sh asks for --key base=crash). check
reads the file strictly, and says when a since= names no patch of the series
or a lane is unknown.
exit status: 0 good, 2 bad inventory (each error with its line)

One required case a line, in the order in which they run:
    suite.case  or  suite.case/parameter     [key=value ...]
since=<patch>  fails on the base and is mended by this patch: its file name
               without number and ".patch"
base=crash     with since=: on the base this case kills the kernel, so there
               it is booted alone and must kill it; a parametrised case has it
               on all of its parameters, which get one boot together
lanes=<a,b>    runs in these lanes only (default: all)
skip=<lane>:<reason_with_underscores>   may skip itself there, for that reason
Blanks in a parameter's description are written as "_".
"""
import fnmatch
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILE = os.path.join(TOP, 'kunit', 'inventory')
KEYS = ('since', 'base', 'lanes', 'skip')


class InventoryError(Exception):
    """The inventory cannot be used; the message says line and fix."""


class Entry:
    """One required case. above: the comment lines that stand over it."""

    def __init__(self, name, keys='', line=0, above=()):
        self.name, self.line, self.above, self.keys = name, line, list(above), keys
        self.since, self.crash, self.lanes, self.skips = None, False, None, {}

    @property
    def function(self):
        return self.name.partition('/')[0]

    def runs_in(self, lane):
        return self.lanes is None or lane in self.lanes

    def text(self):
        return f'{self.name}\t{self.keys}' if self.keys else self.name


def parse_entry(where, line, number, above):
    words = line.split()
    entry = Entry(words[0], ' '.join(words[1:]), number, above)
    suite, dot, case = words[0].partition('.')
    if not (suite and dot and case):
        raise InventoryError(f'{where}: want "suite.case [key=value ...]": {line}')
    for word in words[1:]:
        key, equals, value = word.partition('=')
        if key not in KEYS or not equals or not value:
            raise InventoryError(f'{where}: unknown key "{word}": use {", ".join(KEYS)}')
        if key == 'since':
            entry.since = value
        elif key == 'lanes':
            entry.lanes = value.split(',')
        elif key == 'skip':
            lane, colon, reason = value.partition(':')
            if not (lane and colon and reason):
                raise InventoryError(f'{where}: want skip=<lane>:<reason_with_underscores>')
            entry.skips[lane] = reason
        elif value == 'crash':
            entry.crash = True
        else:
            raise InventoryError(f'{where}: base={value}: only base=crash is known')
    if entry.crash and not entry.since:
        raise InventoryError(f'{where}: base=crash needs since=<patch that mends it>')
    return entry


def load(path=FILE):
    """(header lines, [Entry], comment lines after the last entry)."""
    entries, pending, header, names = [], [], [], {}
    try:
        with open(path) as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise InventoryError(f'{path}: {error.strerror}: write it with '
                             'scripts/verdict/kunit_verdict.py --accept') from None
    for number, line in enumerate(lines, 1):
        where = f'{path}:{number}'
        if not line.strip() or line.startswith('#'):
            pending.append(line)
            if not entries and not line.strip():
                header, pending = header + pending, []
            continue
        entry = parse_entry(where, line, number, pending)
        if entry.name in names:
            raise InventoryError(f'{where}: {entry.name} is already in line {names[entry.name]}')
        names[entry.name] = number
        entries.append(entry)
        pending = []
    tame = {entry.function for entry in entries if not entry.crash}
    for entry in entries:
        if entry.crash and entry.function in tame:
            raise InventoryError(f'{path}:{entry.line}: base=crash on some parameters only: KUnit '
                                 'cannot boot a parameter alone; make two cases of it')
    return header, entries, pending


def matches(name, glob):
    """As KUnit's own filter_glob: suite glob, and after the first dot a glob of
    the case. A "/..." behind the case is ours and means its parameters."""
    suite, _, case = name.partition('.')
    case, _, param = case.partition('/')
    want_suite, dot, want_case = glob.partition('.')
    want_case, slash, want_param = want_case.partition('/')
    return (fnmatch.fnmatchcase(suite, want_suite)
            and (not dot or not case or fnmatch.fnmatchcase(case, want_case))
            and (not slash or param == want_param or fnmatch.fnmatchcase(param, want_param)))


def accept(path, lane, cases):
    """Rewrite the inventory from the cases of one complete run. Keys, comments
    and the order of suites stay; within a suite the run's order rules. Cases of
    other lanes stay. Returns (added, removed) names."""
    try:
        header, old, tail = load(path)
    except InventoryError:
        if os.path.exists(path):
            raise
        header, old, tail = [], [], []
    known = {entry.name: entry for entry in old}
    ran = [known.get(name) or Entry(name) for name in cases]
    names = set(cases)
    keep = [entry for entry in old if entry.name in names or not entry.runs_in(lane)]
    suites = list(dict.fromkeys(entry.name.split('.')[0] for entry in keep + ran))
    new = []
    for suite in suites:
        mine = [entry for entry in ran if entry.name.split('.')[0] == suite]
        for entry in keep:      # not in this lane: stays behind the one it followed
            if entry.name.split('.')[0] == suite and entry.name not in names:
                before = [e.name for e in old[:old.index(entry)]]
                spot = max((i + 1 for i, e in enumerate(mine) if e.name in before), default=0)
                mine.insert(spot, entry)
        new += mine
    text = header + [line for entry in new for line in entry.above + [entry.text()]] + tail
    with open(path + '.new', 'w') as file:
        file.write('\n'.join(text) + '\n')
    os.replace(path + '.new', path)
    return ([name for name in cases if name not in known],
            [entry.name for entry in old if entry not in keep])


def first_words(path):
    with open(path) as file:
        return [line.split()[0] for line in file if line.strip() and not line.startswith('#')]


def check(path, lanes, series):
    """Errors of content: names that stand for nothing."""
    errors = []
    lanes = set(first_words(lanes)) if lanes else None
    patches = {name.partition('-')[2].removesuffix('.patch')
               for name in first_words(series)} if series else None
    for entry in load(path)[1]:
        if patches is not None and entry.since and entry.since not in patches:
            errors.append(f'{path}:{entry.line}: since={entry.since} is no patch of the series: '
                          'use its file name without number and ".patch"')
        for lane in (entry.lanes or []) + list(entry.skips):
            if lanes is not None and lane not in lanes:
                errors.append(f'{path}:{entry.line}: no lane "{lane}" in kconfigs/lanes')
    return errors


def main(argv):
    verb, options, rest = argv[1] if len(argv) > 1 else '', {}, []
    if verb in ('-h', '--help', ''):
        print(__doc__.strip())
        return 0 if verb else 2
    words = iter(argv[2:])
    for word in words:
        if word.startswith('--'):
            options[word[2:]] = next(words, '')
        else:
            rest.append(word)
    path = rest[0] if rest else FILE
    try:
        if verb == 'check':
            errors = check(path, options.get('lanes'), options.get('series'))
            for error in errors:
                print(f'gup: {error}', file=sys.stderr)
            return 2 if errors else 0
        if verb != 'list':
            raise InventoryError(f'inventory.py: unknown verb "{verb}": use list or check')
        key = options.get('key')
        for entry in load(path)[1]:
            words = entry.keys.split() + [word.split('=')[0] for word in entry.keys.split()]
            if (entry.runs_in(options.get('lane')) or 'lane' not in options) \
               and (not options.get('filter') or matches(entry.name, options['filter'])) \
               and (not key or key in words):
                print(entry.name)
    except (InventoryError, OSError) as error:
        print(f'gup: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
