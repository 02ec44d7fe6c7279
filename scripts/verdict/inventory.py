#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read, query and rewrite kunit/inventory, the list of cases that must run.

usage: inventory.py list  [--lane LANE] [--filter GLOB] [--key KEY=VALUE|KEY] [FILE]
       inventory.py check [--lanes FILE] [--series FILE|FOLDER] [FILE]
       inventory.py lacking PATCH... [--file FILE]
       inventory.py accept [--lane LANE] [--file FILE] LOG

list     prints the names, one a line (kunit-run.sh asks for --key base=crash)
check    reads the file strictly, and says when a since= names no patch of the series,
         or a lane is unknown
lacking  prints the inventory of a tree that lacks these patches: only their cases keep
         since= and base=
accept   makes the list of what ran in LOG (or LOG/log), a complete run, and says what
         that adds and removes (make inventory)

exit status: 0 good, 2 bad inventory (each error with its line), or no complete run

One required case a line, in the order in which they run:
    suite.case  or  suite.case/parameter     [key=value ...]
since=PATCH    fails on the base and is fixed by this patch of the series: its file name
               without number and ".patch"
base=crash     with since=: on the base this case kills the kernel, so there it is booted
               alone and must kill it; a parametrised case has it on all of its
               parameters, which get one boot together
lanes=a,b      runs in these lanes only (default: all); um* stands for all that begin so
skip@LANE=WHY  may skip itself in this lane, for that reason
Blanks in a reason and in the description of a parameter are written as "_".
"""
import fnmatch
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, TOP, run
from verdict import expectations, log
from verdict.kunit_log import KunitLog

FILE = os.path.join(TOP, 'kunit', 'inventory')


class Case(expectations.Expectation):
    """One required case. above: the comment lines before it."""

    KEYS = ('since', 'base', 'lanes', 'skip')
    PLACED = ('skip',)

    def __init__(self, text, where='', line=0, above=()):
        words = text.split()
        super().__init__(words[0], where, line)
        self.above, self.keys = list(above), words[1:]
        self.crash, self.skips = False, {}
        suite, dot, case = self.name.partition('.')
        if not (suite and dot and case):
            raise self.error(f'want "suite.case [key=value ...]": {text}')
        for word in self.keys:
            self.word(word)
        if self.crash and not self.since:
            raise self.error('base=crash needs since=<patch that fixes it>')

    def set(self, key, place, value):
        if key == 'skip':
            if not place:
                raise self.error(f'skip={value}: want skip@<lane>=<reason_with_underscores>')
            self.skips[place] = value
        elif key == 'base':
            if value != 'crash':
                raise self.error(f'base={value}: only base=crash is known')
            self.crash = True
        else:
            super().set(key, place, value)

    @property
    def function(self):
        return self.name.partition('/')[0]

    def places(self):
        return super().places() + list(self.skips)

    def has(self, key):
        return key in self.keys or key in [word.partition('=')[0] for word in self.keys]

    def text(self):
        return '\t'.join([self.name, ' '.join(self.keys)]) if self.keys else self.name


def load(path=FILE):
    """(header lines, [Case], comment lines after the last case)."""
    cases, pending, header = [], [], []
    for number, line in expectations.lines(path, 'write it with scripts/verdict/inventory.py accept'):
        if not line.strip() or line.startswith('#'):
            pending.append(line)
            if not cases and not line.strip():
                header, pending = header + pending, []
            continue
        cases.append(Case(line, f'{path}:{number}', number, pending))
        pending = []
    expectations.unique(cases)
    tame = {case.function for case in cases if not case.crash}
    for case in cases:
        if case.crash and case.function in tame:
            raise case.error('base=crash on some parameters only: KUnit cannot boot a parameter '
                             'alone; make two cases of it')
    return header, cases, pending


def matches(name, glob):
    """As KUnit's own filter_glob: suite glob, and after the first dot a glob of
    the case. A "/..." after the case is ours and means its parameters."""
    suite, _, case = name.partition('.')
    case, _, param = case.partition('/')
    want_suite, dot, want_case = glob.partition('.')
    want_case, slash, want_param = want_case.partition('/')
    return (fnmatch.fnmatchcase(suite, want_suite)
            and (not dot or not case or fnmatch.fnmatchcase(case, want_case))
            and (not slash or param == want_param or fnmatch.fnmatchcase(param, want_param)))


def merged(old, ran, lane):
    """The cases of the new list: of this run, and of other lanes. Keys, comments and the
    order of suites stay; within a suite the order of the run decides."""
    known = {case.name: case for case in old}
    names = {name for name in ran}
    ran = [known.get(name) or Case(name) for name in ran]
    keep = [case for case in old if case.name in names or not case.runs_in(lane)]
    new = []
    for suite in dict.fromkeys(case.name.split('.')[0] for case in keep + ran):
        mine = [case for case in ran if case.name.split('.')[0] == suite]
        for case in keep:       # not in this lane: stays after the one that it followed
            if case.name.split('.')[0] == suite and case.name not in names:
                before = {other.name for other in old[:old.index(case)]}
                spot = max((i + 1 for i, e in enumerate(mine) if e.name in before), default=0)
                mine.insert(spot, case)
        new += mine
    return new, [case.name for case in old if case not in keep]


def accept(path, lane, out):
    """Rewrite the inventory from one complete run."""
    out = os.path.join(out, 'log') if os.path.isdir(out) else out
    seen = KunitLog(log.read(out))
    if seen.problems:
        raise BadInput(f'{out} is not a complete run: {seen.problems[0]}')
    for case in seen.cases:
        if case.leaf and case.status != 'pass':
            print(f'gup: note: {case.name}: {case.status} {case.reason}: required all the same; '
                  'fix it, or give it a key', file=sys.stderr)
    ran = [case.name for case in seen.cases if case.leaf and '.' in case.name]
    header, old, tail = load(path) if os.path.exists(path) else ([], [], [])
    new, removed = merged(old, ran, lane)
    added = [name for name in ran if name not in {case.name for case in old}]
    write(path, header + [line for case in new for line in case.above + [case.text()]] + tail)
    for word, names in (('added', added), ('removed', removed)):
        for name in names:
            print(f'{word} {name}')
    print(f'{path}: {len(ran)} cases, {len(added)} added, {len(removed)} removed')
    return 0


def write(path, text):
    with open(path + '.new', 'w', encoding='utf-8') as file:
        file.write('\n'.join(text) + '\n')
    os.replace(path + '.new', path)


def lacking(path, slugs):
    """The lines of the inventory for a tree without these patches."""
    header, cases, tail = load(path)
    for case in cases:
        if case.since not in slugs:
            case.keys = [word for word in case.keys if not word.startswith(('since=', 'base='))]
    return header + [line for case in cases for line in case.above + [case.text()]] + tail


def listed(args):
    """The names that list prints."""
    return [case.name for case in load(args.file)[1]
            if case.runs_in(args.lane) and (not args.filter or matches(case.name, args.filter))
            and (not args.key or case.has(args.key))]


def main(argv):
    parser, verb = expectations.parser(__doc__, FILE)
    verb('check', '--lanes', '--series')
    verb('list', '--lane', '--filter', '--key')
    verb('lacking', '--file').add_argument('patch', nargs='*')
    words = verb('accept', '--file')
    words.add_argument('--lane', default='um')
    words.add_argument('log')
    args = parser.parse_args(argv)
    if args.verb == 'check':
        return expectations.check(expectations.unknown(load(args.file)[1], args.lanes, args.series))
    if args.verb == 'accept':
        return accept(args.file, args.lane, args.log)
    for line in lacking(args.file, args.patch) if args.verb == 'lacking' else listed(args):
        print(line)
    return 0


if __name__ == '__main__':
    run(main)
