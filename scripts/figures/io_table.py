#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare the throughput that gup_io saw on base and series.

usage: io_table.py [BASE [SERIES]]
       (default: build/out/x86_64-vm-base/log build/out/x86_64-vm/log)

Takes the comments "<what>, <memory>: N GB/s" of the test gup_io out of two logs of
`make vm FILTER=gup_io` and prints a table: base, series, ratio. It judges nothing:
in an emulated machine such figures say little, and a busy one makes them worse.

exit status: 0 printed, 2 a log is missing, has no such line, or not the same ones
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, read, run

LOGS = [os.path.join(TOP, 'build', 'out', lane, 'log')
        for lane in ('x86_64-vm-base', 'x86_64-vm')]
RATE = re.compile(r'# # ([a-z_ ]+, [a-z0-9_]+): ([0-9.]+) GB/s$')
BEGIN = re.compile(r'# gup-vm: begin (\S+)')


def rates(path):
    """{what: GB/s} of the run that is called gup_io."""
    found, inside = {}, False
    for line in read(path, 'make vm FILTER=gup_io, and the same with SIDE=base').splitlines():
        begin, rate = BEGIN.search(line), RATE.search(line.rstrip())
        if begin:
            inside = begin.group(1) == 'gup_io'
        if inside and rate:
            found[rate.group(1)] = float(rate.group(2))
    if not found:
        raise BadInput(f'{path}: gup_io has left no "GB/s" in it')
    return found


def table(base, series):
    yield f'{"GB/s":<36}{"base":>10}{"series":>10}{"ratio":>8}'
    for what, was in base.items():
        ratio = f'{series[what] / was:.2f}' if was else '-'
        yield f'{what:<36}{was:>10.3f}{series[what]:>10.3f}{ratio:>8}'


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('base', nargs='?', default=LOGS[0])
    parser.add_argument('series', nargs='?', default=LOGS[1])
    args = parser.parse_args(argv)
    base, series = rates(args.base), rates(args.series)
    if base.keys() != series.keys():
        odd = sorted(base.keys() ^ series.keys())[0]
        raise BadInput(f'only one of the logs has "{odd}": run both again')
    print('\n'.join(table(base, series)))
    return 0


if __name__ == '__main__':
    run(main)
