#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Which functions of mm/gup.c the selftests in the VM execute, and how often.

usage: reach.py show [--matrix FILE] [OUT] [GLOB]
                                      what the last run did, as a table; the tests of
                                      one line of the matrix share a column, with GLOB
                                      only these, each by itself
       reach.py list TREE OBJECTS     for scripts/boot/vm-run.sh: what is to be counted,
                                      as scripts/tcg/count.c reads it
       reach.py collect CALLS COUNTS TESTS
                                      for scripts/boot/vm-run.sh: prints OUT/reach

OUT is a directory of scripts/boot/vm-run.sh (default: build/out/x86_64-vm). OUT/reach has
a line "test TAB function TAB executions" for each test and function, zeros as well; or
one line "# not checked: why". Counted is the first instruction of a function, whoever
executes it while the host has the name of the test (selftests/init.c). What the compiler made
of a function (.isra, .constprop, .part) counts as it; one inlined everywhere is not there.

exit status: 0 good, 2 cannot tell
"""
import fnmatch
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, read, run
from tcg import periods
from verdict import matrix

MARKER = '__x64_sys_sethostname'
OUT = os.path.join(TOP, 'build/out/x86_64-vm')
PART = re.compile(r'\.(isra|constprop|part)\..*')
NOT_CHECKED = '# not checked: '


def symbols(path):
    """(address, name, is it global) of the functions in an object."""
    done = subprocess.run(['nm', path], capture_output=True, text=True)
    if done.returncode:
        raise BadInput(f'nm {path}: {done.stderr.strip()}')
    words = [line.split() for line in done.stdout.splitlines()]
    return [(int(word[0], 16), word[2], word[1] == 'T') for word in words
            if len(word) == 3 and word[1] in 'tT']


def functions(tree, objects):
    """(address, function) of mm/gup.c in a kernel. Names of static functions are not
    unique there, so they are found by how far they are from a global one."""
    kernel = symbols(f'{objects}/vmlinux')
    at = {name: address for address, name, _ in kernel}
    known = {(address, name) for address, name, _ in kernel}
    source = matrix.defined(f'{tree}/mm/gup.c')
    ours = [(address, name, wide) for address, name, wide in symbols(f'{objects}/mm/gup.o')
            if PART.sub('', name) in source]
    shifts = {at[name] - address for address, name, wide in ours if wide}
    if len(shifts) != 1 or MARKER not in at:
        raise BadInput(f'{objects}/vmlinux does not hold mm/gup.o in one piece, or lacks {MARKER}')
    shift = shifts.pop()
    for address, name, _ in ours:
        if (address + shift, name) not in known:
            raise BadInput(f'{objects}/vmlinux has no {name} where mm/gup.o says')
    return [(address + shift, PART.sub('', name)) for address, name, _ in ours] + [
        (at[MARKER], MARKER)]


def collect(calls, counts, tests):
    names = sorted({word for line in read(calls).splitlines() for word in line.split()[1:]}
                   - {MARKER})
    tests = [line.split('\t')[0] for line in read(tests).splitlines()]
    found = periods.load(counts)
    if len(found) != 2 * len(tests) + 1:
        raise BadInput(f'the host changed its name {len(found) - 1} times, which should be twice '
                         f'for each of {len(tests)} tests: the guest did not come to its end, or '
                         'a test changes that name')
    return [f'{test}\t{name}\t{found[2 * i + 1].get(name, 0)}'
            for i, test in enumerate(tests) for name in names]


def load(path):
    """{test: {function: executions}}, and why not when nothing was counted."""
    counts = {}
    lines = read(path, 'see what scripts/boot/vm-run.sh said').splitlines()
    if len(lines) == 1 and lines[0].startswith(NOT_CHECKED):
        return None, lines[0].removeprefix(NOT_CHECKED)
    for number, line in enumerate(lines, 1):
        words = line.split('\t')
        if len(words) != 3 or not words[2].isdigit():
            raise BadInput(f'{path}:{number}: want test, function and number')
        if words[1] in counts.setdefault(words[0], {}):
            raise BadInput(f'{path}:{number}: {words[0]} and {words[1]} a second time')
        counts[words[0]][words[1]] = int(words[2])
    if not counts:
        raise BadInput(f'{path}: empty')
    return counts, None


def short(number):
    for unit in ('', 'k', 'M', 'G'):
        if number < 10000:
            return f'{number}{unit}' if number else '.'
        number //= 1000
    return f'{number}T'


def columns(tests, path):
    """{title: tests} of the table. path: of the matrix that puts tests together."""
    if not path:
        return {test: [test] for test in tests}
    line = {entry.name: entry.line for entry in matrix.load(path)}
    groups = {}
    for test in tests:
        groups.setdefault(line.get(test, test), []).append(test)
    return {group[0] if len(group) == 1 else os.path.commonprefix(group) + '*': group
            for group in groups.values()}


def show(path, out, glob):
    counts, why = load(f'{out}/reach')
    if why:
        raise BadInput(f'{out}: not counted: {why}')
    tests = [test for test in counts if fnmatch.fnmatchcase(test, glob or '*')]
    if not tests:
        raise BadInput(f'{glob} matches no test of {out}')
    table = columns(tests, None if glob else path)
    names = list(counts[tests[0]])
    total = {title: {name: sum(counts[test][name] for test in group) for name in names}
             for title, group in table.items()}
    lines = [f'{number:4} {title}' for number, title in enumerate(table, 1)] + ['']
    wide = max(map(len, names))
    lines.append(' ' * wide + ''.join(f'{number:6}' for number in range(1, len(table) + 1)))
    lines += [f'{name:{wide}}' + ''.join(f'{short(total[title][name]):>6}' for title in table)
              for name in names if any(total[title][name] for title in table)]
    lost = [name for name in names if not any(total[title][name] for title in table)]
    return lines + ['', f'{len(names) - len(lost)} of {len(names)} functions reached; not: '
                    + (', '.join(lost) or 'none')]


def main(argv):
    parser = Parser(__doc__)
    verbs = parser.verbs()
    words = verbs.add_parser('show')
    words.add_argument('--matrix', default=matrix.FILE)
    words.add_argument('out', nargs='?', default=OUT)
    words.add_argument('glob', nargs='?', default='')
    words = verbs.add_parser('list')
    words.add_argument('tree')
    words.add_argument('objects')
    words = verbs.add_parser('collect')
    for name in ('calls', 'counts', 'tests'):
        words.add_argument(name)
    args = parser.parse_args(argv)
    if args.verb == 'list':
        lines = [f'{address:x} {name}' for address, name in functions(args.tree, args.objects)]
    elif args.verb == 'collect':
        lines = collect(args.calls, args.counts, args.tests)
    else:
        lines = show(args.matrix, args.out, args.glob)
    print('\n'.join(lines))
    return 0


if __name__ == '__main__':
    run(main)
