#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""status.py - how things stand, in ten lines at the most, also while a make check runs

usage: status.py [--out DIR] [--linux DIR]	(default: build/out, build/linux)

exit status: 0 told, whatever it is; 2 there is nothing to tell about
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, run
from report import data

WIDE = 110


def short(text, most=WIDE):
    return text if len(text) <= most else text[:most - 2] + ' …'


def of_check(check):
    yield check.line()
    if check.running:
        yield f'  now: {check.now or "nothing said yet"}'
    if check.red():
        yield '  see ' + ' '.join(f'build/out/check/{name}.log' for name in check.red())
    left = check.all[len(check.steps) + 1:] if check.running else []
    if left:
        yield f'  to come: {" ".join(left)}'


def of_lanes(lanes, tree):
    good = [lane for lane in lanes if lane.ok]
    old = [lane.name for lane in lanes
           if tree and not lane.name.endswith('-base') and lane.tree != tree]
    if good:
        yield 'last run ok: ' + ', '.join(f'{lane.name} ({lane.passed}{lane.part})' for lane in good)
    if old:
        yield f'of another tree than build/linux: {" ".join(old)}'


def of_failures(lanes, room):
    """What failed, with the command that runs it again; room: how many lines."""
    found = [(lane, finding) for lane in lanes if not lane.ok for finding in lane.findings]
    quiet = [lane for lane in lanes if not lane.ok and not lane.findings]
    lines = [lane.line for lane in quiet]
    for _, finding in found:
        again = [line.strip() for line in finding if line.strip().startswith('again: ')]
        lines.append(short(finding[0], WIDE - len(again[0]) - 1) + ' ' + again[0]
                     if again else finding[0])
    if len(lines) > room:
        lines[room - 1:] = [f'and {len(lines) - room + 1} more findings']
    return lines


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--out', default=os.path.join(TOP, 'build', 'out'))
    parser.add_argument('--linux', default=os.path.join(TOP, 'build', 'linux'))
    args = parser.parse_args(argv)
    try:
        names = os.listdir(args.out)
    except FileNotFoundError:
        names = []
    if not names:
        raise BadInput(f'{args.out}: nothing has run yet: make kunit')
    lanes = data.lanes(args.out)
    lines = [*of_check(data.Check(args.out)), *of_lanes(lanes, data.tree_now(args.linux))]
    lines += of_failures(lanes, 9 - len(lines))
    lines.append('more: make report')
    print('\n'.join(short(line) for line in lines))
    return 0


if __name__ == '__main__':
    run(main)
