#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read, query and rewrite selftests/matrix, the list of what runs in the VM.

usage: matrix.py list  [OPTIONS] [FILE]     names, one a line
       matrix.py run   [OPTIONS] [FILE]     what the guest's init reads
       matrix.py programs [OPTIONS] [FILE]  the programs that are needed
       matrix.py check [--lanes FILE] [--series FILE] [--source mm/gup.c] [FILE]
OPTIONS: --lane LANE --side series|base --filter GLOB --scale N

exit status: 0 good, 2 bad matrix (each error with its line)

One run of a program a line:
    name  key=value ...  : program argument ...
time=N        required: seconds until it is killed, about five times what it takes
              under TCG on an idle machine; --scale N multiplies (slow lanes)
pass=N        required: so many of its subtests pass, no more and no fewer
skip=N:why    so many of its subtests skip themselves, for that reason
xfail=N:why   so many it expects to fail by itself
fail=N:why    so many fail, and that is known: N exactly, so that one more shows
pass@X=N and so on: the number where it differs: X is "base" or a lane
whole=skip:why  it skips as a whole: exit status 4, no subtest passes (then pass=0)
whole=fail:why  it refuses as a whole: exit status 1, no subtest (then pass=0)
leak=why      it is known to end with pins that it has not released
since=PATCH   fails on the base and is mended by this patch of the series
side=series   is not there on the base: what it tests comes with the series
lanes=a,b     runs in these lanes only (default: all of x86_64)
only=asked    runs only when --filter is just its name: too long for every time
as=UID        runs as this user (default: 0)
without=X,Y   runs without debugfs, hugepages (neither there nor to be switched on)
reach=F,F>N   functions of mm/gup.c that it has to execute, or more than N times: start and
              end of any program execute a few, above all get_user_pages_remote (exec)
              and with threads get_user_pages_fast (futex). scripts/verdict/reach.py shows numbers
reach=W:F     the same, for those runs whose command has the word W. May be repeated
off=why       is not run at all; the reason is the point of the line
Blanks in a reason are written as "_". A command with choices, as in "{-t|-T -x} {-w|}",
stands for one run for each combination; the name has one "*", which becomes what was
chosen, without blanks. A line that ends in a backslash goes on in the next.
"""
import fnmatch
import itertools
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILE = os.path.join(TOP, 'selftests', 'matrix')
KEYS = ('time', 'pass', 'skip', 'xfail', 'fail', 'whole', 'leak', 'since', 'side', 'lanes',
        'only', 'as', 'without', 'reach', 'off')
WITHOUT = ('debugfs', 'hugepages')


class MatrixError(Exception):
    """The matrix cannot be used; the message says line and fix."""


class Entry:
    """One run. want: exact numbers of subtests by status."""

    def __init__(self, name, line):
        self.name, self.line = name, line
        self.argv, self.time, self.want = [], 0, {}
        self.since = self.side = self.lanes = self.off = self.leak = self.only = None
        self.uid, self.without, self.whole = '0', '-', None
        self.reach = []         # (word of the command or None, function, more than that)
        self.other = {}         # {"base" or lane: {status: number}}

    def numbers(self, lane, side):
        """How many subtests of each status there have to be."""
        numbers = dict(self.want, **self.other.get(lane, {}))
        return dict(numbers, **self.other.get('base', {})) if side == 'base' else numbers

    def functions(self):
        """What it has to execute, and more often than what."""
        return [(function, least) for word, function, least in self.reach
                if not word or word in self.argv]

    def runs_in(self, lane, side):
        return (not self.off and (lane is None or self.lanes is None or lane in self.lanes)
                and (self.side is None or side is None or self.side == side))


def number(where, key, text):
    if not text.isdigit():
        raise MatrixError(f'{where}: {key}={text}: want a number')
    return int(text)


def set_number(entry, where, key, value):
    status, at, place = key.partition('@')
    want = entry.other.setdefault(place, {}) if at else entry.want
    count, colon, why = value.partition(':')
    if (status == 'pass') == bool(why):
        raise MatrixError(f'{where}: want pass=<number>, and '
                          f'skip, xfail or fail=<number>:<reason_with_underscores>: {key}={value}')
    want[status] = number(where, key, count)


def set_reach(entry, where, value):
    for item in value.split(','):
        hit = re.fullmatch(r'(?:(.+):)?([a-z_][a-z0-9_]*)(?:>(\d+))?', item)
        if not hit:
            raise MatrixError(f'{where}: reach={item}: want [word:]function[>number]')
        word, function = hit.group(1), hit.group(2)
        if any(function == other and (word == at or not word or not at)
               for at, other, _ in entry.reach):
            raise MatrixError(f'{where}: reach={item}: {function} is there twice')
        entry.reach.append((word, function, int(hit.group(3) or 0)))


def set_key(entry, where, key, value):
    if key.partition('@')[0] in ('pass', 'skip', 'xfail', 'fail'):
        set_number(entry, where, key, value)
    elif key == 'time':
        entry.time = number(where, key, value)
    elif key == 'whole':
        what, _, why = value.partition(':')
        if what not in ('skip', 'fail') or not why:
            raise MatrixError(f'{where}: want whole=skip or fail:<reason_with_underscores>')
        entry.whole = what
    elif key == 'as':
        entry.uid = str(number(where, key, value))
    elif key == 'without':
        bad = [word for word in value.split(',') if word not in WITHOUT]
        if bad:
            raise MatrixError(f'{where}: without={bad[0]}: use {", ".join(WITHOUT)}')
        entry.without = value
    elif key == 'lanes':
        entry.lanes = value.split(',')
    elif key == 'reach':
        set_reach(entry, where, value)
    elif key == 'only' and value != 'asked':
        raise MatrixError(f'{where}: only={value}: only=asked is all there is')
    elif key == 'side' and value != 'series':
        raise MatrixError(f'{where}: side={value}: only side=series is known')
    else:
        setattr(entry, key, value)


def parse(where, line, number_of_line):
    head, colon, command = line.partition(' : ')
    words = head.split()
    if not colon or not command.split() or not words:
        raise MatrixError(f'{where}: want "name key=value ... : program argument ..."')
    entry = Entry(words[0], number_of_line)
    entry.argv = command.split()
    for word in words[1:]:
        key, equals, value = word.partition('=')
        if key.partition('@')[0] not in KEYS or not equals or not value:
            raise MatrixError(f'{where}: unknown key "{word}": use {", ".join(KEYS)}')
        set_key(entry, where, key, value)
    if not entry.off and not (entry.time and 'pass' in entry.want):
        raise MatrixError(f'{where}: {entry.name}: time= and pass= are required, or off=')
    if entry.whole and entry.want['pass']:
        raise MatrixError(f'{where}: {entry.name}: whole={entry.whole}: and pass= of more than 0')
    if entry.whole and entry.reach:
        raise MatrixError(f'{where}: {entry.name}: whole={entry.whole}: and reach=')
    if not entry.off and not entry.whole and not entry.want['pass']:
        raise MatrixError(f'{where}: {entry.name}: pass=0 would pass without having tested')
    return entry


def expand(where, line, count):
    """The entries that a line stands for."""
    name, _, rest = line.partition(' ')
    keys, colon, command = rest.partition(' : ')
    pieces = re.split(r'\{([^{}]*)\}', command)
    if (len(pieces) > 1) != ('*' in name) or name.count('*') > 1:
        raise MatrixError(f'{where}: a command with {{choices}} needs a name with one "*", '
                          'and no other has one')
    choices = [piece.split('|') for piece in pieces[1::2]]
    entries = []
    for chosen in itertools.product(*choices):
        words = [pieces[0]] + [word for pair in zip(chosen, pieces[2::2]) for word in pair]
        full = name.replace('*', ''.join(chosen).replace(' ', ''))
        entries.append(parse(where, f'{full} {keys}{colon}{"".join(words)}', count))
    for word, function, _ in entries[0].reach:
        if word and not any(word in entry.argv for entry in entries):
            raise MatrixError(f'{where}: reach={word}:{function}: no run has the word {word}')
    return entries


def load(path=FILE):
    entries, names, first, begun = [], {}, 0, ''
    try:
        with open(path) as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise MatrixError(f'{path}: {error.strerror}') from None
    for number_of_line, line in enumerate(lines, 1):
        line, count = begun + line, first or number_of_line
        begun, first = (line[:-1], count) if line.endswith('\\') else ('', 0)
        if begun or not line.strip() or line.startswith('#'):
            continue
        for entry in expand(f'{path}:{count}', line, count):
            if entry.name in names:
                raise MatrixError(f'{path}:{count}: {entry.name} is already in line '
                                  f'{names[entry.name]}')
            names[entry.name] = count
            entries.append(entry)
    if begun:
        raise MatrixError(f'{path}:{first}: goes on in a line that is not there')
    if not entries:
        raise MatrixError(f'{path}: no test in it')
    return entries


def wanted(entries, lane, side, glob, all_of_them=False):
    return [entry for entry in entries if entry.runs_in(lane, side)
            and (all_of_them or entry.name == glob or not entry.only)
            and (not glob or fnmatch.fnmatchcase(entry.name, glob))]


def first_words(path):
    with open(path) as file:
        return [line.split()[0] for line in file if line.strip() and not line.startswith('#')]


def defined(path):
    """The functions that a C source defines."""
    with open(path) as file:
        return set(re.findall(r'^(?:[a-z][^(\n;]*[ *\n])?([a-z_][a-z0-9_]*)\((?![^{;]*;)',
                              file.read(), re.M))


def check(path, lanes, series, source):
    errors = []
    functions = defined(source) if source else None
    lanes = set(first_words(lanes)) if lanes else None
    patches = {name.partition('-')[2].removesuffix('.patch')
               for name in first_words(series)} if series else None
    for entry in load(path):
        if patches is not None and entry.since and entry.since not in patches:
            errors.append(f'{path}:{entry.line}: since={entry.since} is no patch of the series: '
                          'use its file name without number and ".patch"')
        for _, function, _ in entry.reach:
            if functions is not None and function not in functions:
                errors.append(f'{path}:{entry.line}: reach={function} is no function of {source}')
        for lane in (entry.lanes or []) + [word for word in entry.other if word != 'base']:
            if lanes is not None and lane not in lanes:
                errors.append(f'{path}:{entry.line}: no lane "{lane}" in kconfigs/lanes')
    return errors


def show(verb, entries, scale):
    if verb == 'list':
        return [entry.name for entry in entries]
    if verb == 'programs':
        return list(dict.fromkeys(entry.argv[0] for entry in entries))
    return ['\t'.join((entry.name, str(entry.time * scale), entry.uid, entry.without,
                       ' '.join(entry.argv))) for entry in entries]


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
            errors = check(path, options.get('lanes'), options.get('series'),
                           options.get('source'))
            for error in errors:
                print(f'gup: {error}', file=sys.stderr)
            return 2 if errors else 0
        if verb not in ('list', 'run', 'programs'):
            raise MatrixError(f'matrix.py: unknown verb "{verb}": use list, run, programs or check')
        entries = wanted(load(path), options.get('lane'), options.get('side'),
                         options.get('filter'), verb == 'programs')
        if not entries:
            raise MatrixError(f'FILTER={options.get("filter", "")} matches no test of the matrix '
                              'here: list them with scripts/verdict/matrix.py list')
        print('\n'.join(show(verb, entries, number('--scale', 'N', options.get('scale', '1')))))
    except (MatrixError, OSError) as error:
        print(f'gup: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
