#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""coverage.py - which lines and branches of mm/gup.c the suites execute (make coverage)

usage: coverage.py run --tree DIR --objects DIR --link FILE --lane NAME --out DIR
		       [--arguments "of the kernel"]	boots the lane's kernel, with gcov's counters
       coverage.py report [--lines PERCENT] [--branches PERCENT] --tree DIR JSON...

run leaves OUT/<lane>-gup.json and -gup_hooked.json (mm/gup.c as the races call it). report
adds up: a line or branch counts if any of the files has it. It prints the share, and each
line and branch that nothing executes; scripts/coverage/unexecuted has reasons of lines. gup.info
beside the first JSON is for make report. A branch is
one way that a condition can go. What only asserts has no branches here: they are not taken.

A line or branch that lanes of ARCH=um cannot execute (um* in that list) is left out of the share.
The compiler is told not to fold conditions before they are counted, so a line that a lane
can never reach is there, and not reached, unless another lane reaches it.

exit status: 0 good, 1 too little, or a line without a reason, or a reason without need; 2
cannot tell
"""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, read, run
from mutate import kernel, lists
from mutate.boot import Boot, stop_on_signals
from mutate.source import Source

FILE = 'gup.c'
LIST = os.path.join(TOP, 'scripts', 'coverage', 'unexecuted')
# What is folded early is counted as it is written.
FLAGS = ['--coverage', '-fno-early-inlining', '-fno-tree-ccp', '-fno-ssa-phiopt']
ASSERT = re.compile(r'\b(?:VM_)?(?:WARN|BUG)(?:_ON)?(?:_\w+)?\(|assert|\bmight_')
# UML's linker script drops the destructor that gcov's objects have.
DUMP = 'void __gcov_dump(void);\nstatic void __attribute__((destructor)) dump(void)\n' \
       '{\n\t__gcov_dump();\n}\n'


def gcov(path):
    """What gcov says of a .gcda, with its .gcno beside it: {file name: its lines}"""
    done = subprocess.run(['gcov', '-j', '-t', '-b', os.path.basename(path)], check=False,
                          cwd=os.path.dirname(path) or '.', capture_output=True, text=True)
    try:
        files = json.loads(done.stdout)['files']
    except (ValueError, KeyError):
        raise BadInput(f'{path}: gcov cannot read it: {done.stderr.strip()}') from None
    return {os.path.basename(file['file']): file['lines'] for file in files}


def boot(args):
    """A kernel of the lane that counts; OUT/<lane>-*.json"""
    lane = kernel.Lane(args.lane, args.tree, args.objects, read(args.link), args.arguments.split())
    stop_on_signals()
    folder = os.path.join(args.out, 'work-' + args.lane)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    names = ['mm/gup', kernel.HOOKED]
    # A function that is inlined always would be counted once for each caller.
    text = read(os.path.join(args.tree, 'mm/gup.c')).replace('__always_inline', 'noinline')
    with open(os.path.join(folder, 'gup.c'), 'w', encoding='utf-8') as file:
        file.write(text)
    for name in names:
        if not lane.compile(name, folder, FLAGS):
            raise BadInput(f'{name} does not compile with {" ".join(FLAGS)}: see {folder}/build.log')
    dump = os.path.join(folder, 'dump.o')
    subprocess.run([lane.link[0] if lane.link[0] != 'ccache' else lane.link[1], '-fno-pie', '-c',
                    '-x', 'c', '-', '-o', dump], input=DUMP, text=True, check=True)
    lane.kernel(names, folder, ['--coverage', dump])
    booted = Boot(lane, folder)
    if booted.red:
        raise BadInput(f'{args.lane}: does not pass: {booted.red}: make kunit LANE={args.lane}')
    for name in names:
        base = os.path.basename(name)
        with open(os.path.join(args.out, f'{args.lane}-{base}.json'), 'w', encoding='utf-8') as file:
            json.dump(gcov(os.path.join(folder, base + '.gcda')), file)
    print(f'coverage: {args.lane}: {len(booted.names)} cases')
    return 0


class Merged:
    """One file. lines: {number: executed}; ways: {number: [taken, ...]}"""

    def __init__(self, text):
        self.text, self.lines, self.ways = text, {}, {}

    def add(self, lines):
        for line in lines:
            number = line['line_number']
            self.lines[number] = self.lines.get(number, False) or line['count'] > 0
            self.merge(number, [way['count'] > 0 for way in line['branches']])

    def merge(self, number, taken):
        """A lane, or a function that this one is inlined into, may make fewer branches of a
        line, since it knows more: the one with most stands for it."""
        old = self.ways.get(number, [])
        if len(old) == len(taken):
            taken = [a or b for a, b in zip(old, taken)]
        if len(taken) >= len(old) and not ASSERT.search(self.text[number - 1]):
            self.ways[number] = taken

    def complete(self, number):
        """The line is executed, whatever way it can go."""
        return self.lines[number] and all(self.ways.get(number, ()))


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def report(args):
    """Adds up, prints, judges."""
    merged = Merged(read(os.path.join(args.tree, 'mm', FILE)).split('\n'))
    for path in args.json:
        try:
            merged.add(json.loads(read(path))[FILE])
        except (ValueError, KeyError, AttributeError, TypeError):
            raise BadInput(f'{path}: not what coverage.py writes') from None
    if not merged.lines:
        raise BadInput(f'no counts of mm/{FILE}: {" ".join(args.json)}')
    known, used = reasons(LIST), set()
    found = list(judge(args, FILE, merged, known, used))
    found += [f'{LIST}:{known[key].line}: no such line is left unexecuted: remove it'
              for key in sorted(set(known) - used)]
    for line in found:
        print(line)
    return 1 if found else 0


def judge(args, name, file, known, used):
    """The figures of a file, and what is not good."""
    owner = owners(os.path.join(args.tree, 'mm', name))
    keys = {number: (name, owner.get(number, ''), file.text[number - 1].strip())
            for number in file.lines}
    used.update(key for number, key in keys.items() if not file.complete(number))
    mine = [number for number in sorted(keys) if file.complete(number) or
            not (keys[number] in known and known[keys[number]].lanes)]
    ways = [taken for number in mine for taken in file.ways.get(number, ())]
    save(os.path.join(os.path.dirname(args.json[0]), 'gup.info'), name, file, mine)
    shares = (percent(sum(file.lines[number] for number in mine), len(mine)),
              percent(sum(ways), len(ways)))
    print(f'mm/{name}: {shares[0]:.1f} % of {len(mine)} lines, {shares[1]:.1f} % of {len(ways)} '
          f'branches; {len(keys) - len(mine)} more lines are for other architectures')
    for number, key in sorted(keys.items()):
        if file.complete(number):
            continue
        taken = file.ways.get(number, ())
        done = f'{sum(taken)} of {len(taken)} ways' if file.lines[number] else 'not executed'
        print(f'  mm/{name}:{number} {key[1]}: {done}: {key[2]}')
        if key in known:
            print(f'    {known[key].reason}')
        elif not file.lines[number]:
            yield f'mm/{name}:{number}: no case executes it, and {LIST} has no reason'
    for share, goal, what in zip(shares, (args.lines, args.branches), ('lines', 'branches')):
        if share < goal:
            yield f'mm/{name}: {share:.1f} % of the {what}, {goal:g} % are wanted'


def save(path, name, file, numbers):
    """The counts of these lines in the format of lcov, for make report."""
    with open(path, 'w', encoding='utf-8') as info:
        info.write(f'SF:mm/{name}\n')
        for number in numbers:
            info.write(f'DA:{number},{int(file.lines[number])}\n')
            info.writelines(f'BRDA:{number},0,{way},{int(taken)}\n'
                            for way, taken in enumerate(file.ways.get(number, ())))
        info.write('end_of_record\n')


def owners(path):
    """{line: function}; what is before a function belongs to it."""
    source, owner, first = Source(path, read(path)), {}, 1
    for function in source.functions:
        last = source.line(function.last)
        owner.update((number, function.name) for number in range(first, last + 1))
        first = last + 1
    return owner


def reasons(path):
    """{(file, function, line): Entry}; a list like that of the equivalent mutants."""
    return {(file, function, line): why
            for (file, function, _, old, _), why in lists.entries(path, '-').items()
            for line in old.split('\n')}


def arguments(argv):
    parser = Parser(__doc__)
    verbs = parser.verbs()
    one = verbs.add_parser('run')
    for option in ('tree', 'objects', 'link', 'lane', 'out'):
        one.add_argument('--' + option, required=True)
    one.add_argument('--arguments', default='')
    one = verbs.add_parser('report')
    one.add_argument('--tree', required=True)
    one.add_argument('--lines', type=float, default=98)
    one.add_argument('--branches', type=float, default=92)
    one.add_argument('json', nargs='+')
    return parser.parse_args(argv)


def main(argv):
    args = arguments(argv)
    return boot(args) if args.verb == 'run' else report(args)


if __name__ == '__main__':
    run(main)
