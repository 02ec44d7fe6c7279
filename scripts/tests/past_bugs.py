#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""past_bugs.py - put bugs into mm/gup.c; the named cases have to be red

usage: past_bugs.py --tree DIR --objects DIR --link FILE --lane NAME --out DIR
		    [--arguments "of the kernel"] [--suites GLOB] TABLE [NAME...]

Each is an edit of TABLE, compiled and linked as the mutants of make mutate are. A boot runs
nothing but a case that the table names, and stops when it is red. With --suites the edit is
in what the hooked suites call alone (kunit/gup_hooked.c), and a boot runs these suites to
their end; which of their cases are red is printed at last, edit by edit.

The logs are OUT/<name>.log. Prints TAP. exit status: 0 all red, 1 one is not, 2 cannot tell
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, read, run
from mutate import kernel
from mutate.boot import Boot, stop_on_signals
from tests import edits


class Bench:
    """Kernels with an edit, and their boots. suites: what one boot runs, else one case."""

    def __init__(self, lane, out, suites):
        self.lane, self.out, self.suites = lane, out, suites
        self.folder = os.path.join(out, 'work')
        self.names = [kernel.HOOKED] if suites else ['mm/gup', kernel.HOOKED]
        self.limits = {}

    def build(self, text):
        """A kernel with that mm/gup.c."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        with open(os.path.join(self.folder, 'gup.c'), 'w', encoding='utf-8') as file:
            file.write(text)
        for name in self.names:
            if not self.lane.compile(name, self.folder):
                raise BadInput(f'{name} does not compile: see {self.folder}/build.log')
        self.lane.kernel(self.names, self.folder)

    def boot(self, name, cases, whole):
        """{what it runs: its Boot}"""
        boots = {}
        with open(self.log(name), 'wb') as log:
            for pattern in [self.suites] if self.suites else cases:
                boots[pattern] = Boot(self.lane, self.folder, pattern, self.limits.get(pattern),
                                      whole=whole)
                with open(boots[pattern].path, 'rb') as file:
                    shutil.copyfileobj(file, log)
        return boots

    def log(self, name):
        return os.path.join(self.out, name + '.log')

    def as_it_is(self, text, cases):
        """What is wrong with the series: nothing may be red, and each of the cases has to pass."""
        self.build(text)
        boots = self.boot('series', cases, False)
        for pattern, boot in boots.items():
            if boot.red:
                yield f'{pattern}: {boot.red}'
            if not self.suites:
                self.limits[pattern] = boot.patience()
        passed = {name for boot in boots.values() for name in boot.names}
        passed |= {name.partition('/')[0] for name in passed}
        for case in cases:
            if case not in passed:
                yield f'{case} has not passed'

    def missed(self, name, text, cases):
        """(the cases that are not red, those that are) with the edit."""
        self.build(text)
        boots = self.boot(name, cases, bool(self.suites))
        if self.suites:
            red = boots[self.suites].failed
        else:
            red = {case for case, boot in boots.items() if case.partition('.')[2] in boot.red}
        return [case for case in cases if case not in red], red


def short(red):
    """Functions of suites, without what all of their names begin with."""
    names = {case.partition('.')[2].partition('/')[0].removeprefix('gup_race_') for case in red}
    return ' '.join(sorted(names - {''}))


def arguments(argv):
    parser = Parser(__doc__)
    for option in ('tree', 'objects', 'link', 'lane', 'out'):
        parser.add_argument('--' + option, required=True)
    parser.add_argument('--arguments', default='')
    parser.add_argument('--suites')
    parser.add_argument('table')
    parser.add_argument('name', nargs='*')
    return parser.parse_args(argv)


def main(argv):
    args = arguments(argv)
    stop_on_signals()
    table = edits.parse(args.table)
    source = os.path.join(args.tree, 'mm', 'gup.c')
    names = args.name or list(table)
    texts = {name: edits.changed(args.table, table, source, name) for name in names}
    lane = kernel.Lane(args.lane, args.tree, args.objects, read(args.link), args.arguments.split())
    bench, found = Bench(lane, args.out, args.suites), {}
    cases = sorted({case for name in names for case in table[name][0]})
    print(f'1..{len(names) + 1}')
    wrong = list(bench.as_it_is(read(source), cases))
    print(f'{"not ok" if wrong else "ok"} 1 - the series: {args.suites or "all of these cases"} has to pass')
    for line in wrong:
        print(f'# {line}: see {bench.log("series")}')
    bad = bool(wrong)
    for number, name in enumerate(names, 2):
        missed, found[name] = bench.missed(name, texts[name], table[name][0])
        bad = bad or bool(missed)
        print(f'{"not ok" if missed else "ok"} {number} - {name}: {" ".join(table[name][0])} has to be red')
        for case in missed:
            print(f'# not red: {case}: see {bench.log(name)}')
        sys.stdout.flush()
    for name in names if args.suites else ():
        print(f'# {name:22} {short(found[name])}')
    return 1 if bad else 0


if __name__ == '__main__':
    run(main)
