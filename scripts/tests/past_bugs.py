#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""past_bugs.py - put bugs back that GUP has had; the named case has to be red

usage: past_bugs.py --tree DIR --objects DIR --link FILE --lane NAME --out DIR
		    [--arguments "of the kernel"] TABLE [NAME...]

Each is an edit of mm/gup.c in TABLE (past-bugs.table), compiled and linked as the mutants of
make mutate are. A boot runs nothing but the case. Prints TAP.
exit status: 0 all red, 1 one is not, 2 cannot tell
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, read, run
from mutate import kernel
from mutate.boot import Boot, stop_on_signals
from tests import race_edit

NAMES = ['mm/gup', kernel.HOOKED]


def build(lane, folder, text):
    """A kernel with that mm/gup.c."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, 'gup.c'), 'w', encoding='utf-8') as file:
        file.write(text)
    for name in NAMES:
        if not lane.compile(name, folder):
            raise BadInput(f'{name} does not compile: see {folder}/build.log')
    lane.kernel(NAMES, folder)


def main(argv):
    parser = Parser(__doc__)
    for option in ('tree', 'objects', 'link', 'lane', 'out'):
        parser.add_argument('--' + option, required=True)
    parser.add_argument('--arguments', default='')
    parser.add_argument('table')
    parser.add_argument('name', nargs='*')
    args = parser.parse_args(argv)
    stop_on_signals()
    table = race_edit.parse(args.table)
    source = os.path.join(args.tree, 'mm', 'gup.c')
    names = args.name or list(table)
    texts = {name: race_edit.changed(args.table, table, source, name) for name in names}
    lane = kernel.Lane(args.lane, args.tree, args.objects, read(args.link), args.arguments.split())
    cases = sorted({case for name in names for case in table[name][0]})
    print(f'1..{len(names) + 1}')
    build(lane, args.out, read(source))
    good = {case: Boot(lane, args.out, case) for case in cases}
    red = [case for case, boot in good.items() if boot.red]
    print(f'{"not ok" if red else "ok"} 1 - the series: all of these cases have to pass')
    for case in red:
        print(f'# red: {case}')
    bad = bool(red)
    for number, name in enumerate(names, 2):
        build(lane, args.out, texts[name])
        boots = {case: Boot(lane, args.out, case, limit=good[case].patience())
                 for case in table[name][0]}
        missed = [case for case, boot in boots.items() if case.partition('.')[2] not in boot.red]
        bad = bad or bool(missed)
        print(f'{"not ok" if missed else "ok"} {number} - {name}: {" ".join(boots)} has to be red')
        for case in missed:
            print(f'# not red: {case}: {boots[case].red or "passes"}: see {boots[case].path}')
        sys.stdout.flush()
    return 1 if bad else 0


if __name__ == '__main__':
    run(main)
