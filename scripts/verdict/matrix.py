#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read, query and rewrite selftests/matrix, the list of what runs in the VM.

usage: matrix.py list  [OPTIONS] [FILE]     names, one a line
       matrix.py run   [OPTIONS] [FILE]     what the guest's init reads
       matrix.py programs [OPTIONS] [FILE]  the programs that are needed
       matrix.py check [--lanes FILE] [--series FILE|FOLDER] [FILE]
                       [--source mm/gup.c [--side series|base]]
OPTIONS: --lane LANE --side series|base --filter GLOB --scale N

exit status: 0 good, 2 bad matrix (each error with its line)

One run of a program a line:
    name  key=value ...  : program argument ...
time=N        required: seconds until it is killed, about five times what it takes
              under TCG on an idle machine; --scale N multiplies (slow lanes)
pass=N        required: N of its subtests pass, no more and no fewer
skip=N:why    N of its subtests skip themselves: the number is judged, why is for the reader
xfail=N:why   N it expects to fail by itself
fail=N:why    N fail, and that is known: exactly N, so that one more shows
pass@X=N and so on, leak@X: where it differs: X is "base", a lane, or LANE:base
whole=skip:why  it skips as a whole: exit status 4, no subtest passes (then pass=0)
whole=fail:why  it refuses as a whole: exit status 1, no subtest (then pass=0)
leak=why      it is known to end with pins that it has not released
since=PATCH   fails on the base and is fixed by this patch of the series
side=series   is not there on the base: what it tests comes with the series
lanes=a,b     runs in these lanes only (default: x86_64*)
only=asked    runs only when --filter is exactly its name: it takes too long
as=UID        runs as this user (default: 0)
without=X,Y   runs without debugfs, hugepages (neither there nor to be switched on), khugepaged
              (asleep, as what it collapses is not what the test has made)
reach=F,F>N   functions of mm/gup.c that it must execute, or more than N times: start and
              end of any program execute a few, above all get_user_pages_remote (exec)
              and with threads get_user_pages_fast (futex). scripts/verdict/reach.py shows numbers
reach=W:F     the same, for those runs whose command has the word W. May be repeated
off=why       disabled; give the reason
Blanks in a reason are written as "_". A command with choices, as in "{-t|-T -x} {-w|}",
stands for one run for each combination; the name has one "*", which becomes what was
chosen, without blanks. A line that ends in a backslash goes on in the next.
"""
import fnmatch
import itertools
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, TOP, read, run
from verdict import expectations

FILE = os.path.join(TOP, 'selftests', 'matrix')
NUMBERS = ('pass', 'skip', 'xfail', 'fail')
WITHOUT = ('debugfs', 'hugepages', 'khugepaged')


class Program(expectations.Expectation):
    """One run of a program. want: exact numbers of subtests by status, and leak."""

    KEYS = ('time', *NUMBERS, 'whole', 'leak', 'since', 'side', 'lanes', 'only', 'as',
            'without', 'reach', 'off')
    PLACED = (*NUMBERS, 'leak')

    def __init__(self, text, where, line):
        head, colon, command = text.partition(' : ')
        words, self.argv = head.split(), command.split()
        super().__init__(words[0] if words else '', where, line)
        if not colon or not self.argv or not words:
            raise self.error('want "name key=value ... : program argument ..."')
        self.time, self.want = 0, {}
        self.side = self.off = self.only = self.whole = None
        self.uid, self.without = '0', '-'
        self.reach = []         # (word of the command or None, function, more than that)
        self.other = {}         # what of want differs in {"base" or lane: {status: number}}
        for word in words[1:]:
            self.word(word)
        self.complete()

    def set(self, key, place, value):
        own = getattr(self, f'set_{key}', None)
        if key in NUMBERS:
            self.set_number(key, place, value)
        elif own:
            own(value)
        elif key == 'leak':
            self.place(place)[key] = value
        elif key == 'off':
            self.off = value
        else:
            super().set(key, place, value)

    def place(self, place):
        return self.other.setdefault(place, {}) if place else self.want

    def number(self, key, text):
        if not text.isdigit():
            raise self.error(f'{key}={text}: want a number')
        return int(text)

    def set_number(self, status, place, value):
        want = self.place(place)
        count, _, why = value.partition(':')
        if (status == 'pass') == bool(why):
            raise self.error('want pass=<number>, and skip, xfail or fail='
                             f'<number>:<reason_with_underscores>: {status}{place and "@" + place}={value}')
        want[status] = self.number(status, count)

    def set_time(self, value):
        self.time = self.number('time', value)

    def set_whole(self, value):
        self.whole, _, why = value.partition(':')
        if self.whole not in ('skip', 'fail') or not why:
            raise self.error('want whole=skip or fail:<reason_with_underscores>')

    def set_as(self, value):
        self.uid = str(self.number('as', value))

    def set_without(self, value):
        bad = [word for word in value.split(',') if word not in WITHOUT]
        if bad:
            raise self.error(f'without={bad[0]}: use {", ".join(WITHOUT)}')
        self.without = value

    def set_only(self, value):
        if value != 'asked':
            raise self.error(f'only={value}: only=asked is all there is')
        self.only = value

    def set_side(self, value):
        if value != 'series':
            raise self.error(f'side={value}: only side=series is known')
        self.side = value

    def set_reach(self, value):
        for item in value.split(','):
            hit = re.fullmatch(r'(?:(.+):)?([a-z_][a-z0-9_]*)(?:>(\d+))?', item)
            if not hit:
                raise self.error(f'reach={item}: want [word:]function[>number]')
            word, function = hit.group(1), hit.group(2)
            if any(function == other and (word == at or not word or not at)
                   for at, other, _ in self.reach):
                raise self.error(f'reach={item}: {function} is there twice')
            self.reach.append((word, function, int(hit.group(3) or 0)))

    def complete(self):
        """What a line must have, and what does not go together."""
        if self.off:
            return
        if not (self.time and 'pass' in self.want):
            raise self.error(f'{self.name}: time= and pass= are required, or off=')
        if self.whole and self.want['pass']:
            raise self.error(f'{self.name}: whole={self.whole}: and pass= of more than 0')
        if self.whole and self.reach:
            raise self.error(f'{self.name}: whole={self.whole}: and reach=')
        if not self.whole and not self.want['pass']:
            raise self.error(f'{self.name}: pass=0 would pass without having tested')

    def numbers(self, lane, side):
        """The required number of subtests of each status."""
        numbers = dict(self.want)
        for place in (lane, 'base', f'{lane}:base')[:3 if side == 'base' else 1]:
            numbers.update(self.other.get(place, {}))
        return numbers

    def functions(self):
        """What it must execute, and more often than what."""
        return [(function, least) for word, function, least in self.reach
                if not word or word in self.argv]

    def places(self):
        return super().places() + [place.removesuffix(':base') for place in self.other if place != 'base']

    def runs_in(self, lane):
        if self.lanes or lane is None:
            return super().runs_in(lane)
        return lane.startswith('x86_64')

    def runs_on(self, lane, side):
        return (not self.off and self.runs_in(lane)
                and (self.side is None or side is None or self.side == side))


def expand(where, line, count):
    """The runs that a line stands for."""
    name, _, rest = line.partition(' ')
    keys, colon, command = rest.partition(' : ')
    pieces = re.split(r'\{([^{}]*)\}', command)
    if (len(pieces) > 1) != ('*' in name) or name.count('*') > 1:
        raise BadInput(f'{where}: a command with {{choices}} needs a name with one "*", '
                       'and no other has one')
    entries = []
    for chosen in itertools.product(*[piece.split('|') for piece in pieces[1::2]]):
        words = [pieces[0]] + [word for pair in zip(chosen, pieces[2::2]) for word in pair]
        full = name.replace('*', ''.join(chosen).replace(' ', ''))
        entries.append(Program(f'{full} {keys}{colon}{"".join(words)}', where, count))
    for word, function, _ in entries[0].reach:
        if word and not any(word in entry.argv for entry in entries):
            raise BadInput(f'{where}: reach={word}:{function}: no run has the word {word}')
    return entries


def joined(path):
    """(number, line) of the runs; a line that ends in a backslash goes on in the next."""
    first, begun = 0, ''
    for number, line in expectations.lines(path):
        line, count = begun + line, first or number
        begun, first = (line[:-1], count) if line.endswith('\\') else ('', 0)
        if not begun and line.strip() and not line.startswith('#'):
            yield count, line
    if begun:
        raise BadInput(f'{path}:{first}: goes on in a line that is not there')


def load(path=FILE):
    entries = [entry for count, line in joined(path)
               for entry in expand(f'{path}:{count}', line, count)]
    expectations.unique(entries)
    if not entries:
        raise BadInput(f'{path}: no test in it')
    return entries


def wanted(entries, lane, side, glob, all_of_them=False):
    return [entry for entry in entries if entry.runs_on(lane, side)
            and (all_of_them or entry.name == glob or not entry.only)
            and (not glob or fnmatch.fnmatchcase(entry.name, glob))]


def defined(path):
    """The functions that a C source defines."""
    return set(re.findall(r'^(?:[a-z][^(\n;]*[ *\n])?([a-z_][a-z0-9_]*)\((?![^{;]*;)',
                          read(path), re.M))


def errors(entries, args):
    yield from expectations.unknown(entries, args.lanes, args.series)
    functions = defined(args.source) if args.source else None
    for entry in entries:
        if args.side and entry.side not in (None, args.side):
            continue
        for _, function, _ in entry.reach:
            if functions is not None and function not in functions:
                yield f'{entry.where}: reach={function} is no function of {args.source}'


def show(verb, entries, scale):
    if verb == 'list':
        return [entry.name for entry in entries]
    if verb == 'programs':
        return list(dict.fromkeys(entry.argv[0] for entry in entries))
    return ['\t'.join((entry.name, str(entry.time * scale), entry.uid, entry.without,
                       ' '.join(entry.argv))) for entry in entries]


def main(argv):
    parser, verb = expectations.parser(__doc__, FILE)
    verb('check', '--lanes', '--series', '--source').add_argument('--side', choices=('series', 'base'))
    for name in ('list', 'run', 'programs'):
        words = verb(name, '--lane', '--side', '--filter')
        words.add_argument('--scale', type=int, default=1)
    args = parser.parse_args(argv)
    entries = load(args.file)
    if args.verb == 'check':
        return expectations.check(errors(entries, args))
    entries = wanted(entries, args.lane, args.side, args.filter, args.verb == 'programs')
    if not entries:
        raise BadInput(f'FILTER={args.filter or ""} matches no test of the matrix here: '
                       'list them with scripts/verdict/matrix.py list')
    print('\n'.join(show(args.verb, entries, args.scale)))
    return 0


if __name__ == '__main__':
    run(main)
