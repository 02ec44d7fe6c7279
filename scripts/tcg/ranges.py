#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""ranges.py - where the functions of a kernel lie, for the plugins of scripts/tcg/

usage: ranges.py VMLINUX [FUNCTION...]
       ranges.py --locked VMLINUX FUNCTION...
       ranges.py --nm FILE [FUNCTION...]	FILE: what nm -n -S has printed

Prints "START END NAME" for each function, or for these: one range an address, none
into the next. What the compiler made of a function (.isra, .constprop, .part, .cold)
has its name. One that is inlined everywhere is not there, which is an error. With
--locked only their locked instructions (x86), and none is an error. FUNCTION may have
a /N, which is printed as well: scripts/tcg/slow.c tells what it is for.

exit status: 0 good, 2 a function is not there, or no symbols
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, read, run

PART = re.compile(r'\.(isra|constprop|part|cold).*')


def output(tool, *args):
    try:
        done = subprocess.run([tool, *args], capture_output=True, text=True)
    except FileNotFoundError:
        raise BadInput(f'{tool}: not there: apt-get install binutils')
    if done.returncode:
        raise BadInput(f'{args[-1]}: {done.stderr.strip()}')
    return done.stdout


def locked(path, start, end, name):
    """The instructions there that lock the bus; xchg does so without saying it."""
    text = output('objdump', '-d', '--no-show-raw-insn', f'--start-address={start}',
                  f'--stop-address={end}', path)
    for address in re.findall(r'^ *([0-9a-f]+):\t(?:lock |xchg .*\()', text, re.M):
        yield int(address, 16), int(address, 16) + 1, name


def symbols(text):
    """(start, end, name) of the code"""
    words = [line.split() for line in text.splitlines()]
    return [(int(w[0], 16), int(w[0], 16) + int(w[1], 16), PART.sub('', w[3]))
            for w in words if len(w) == 4 and w[2] in 'tTwW']


def ranges(text):
    """The first name of several at an address counts."""
    first = {}
    for start, end, name in sorted(symbols(text), key=lambda symbol: symbol[0]):
        first.setdefault(start, (end, name))
    for start, after in zip(first, [*list(first)[1:], 1 << 64]):
        end, name = first[start]
        if start < end:
            yield start, min(end, after), name


def main(argv):
    parser = Parser(__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--locked', action='store_true')
    source.add_argument('--nm', action='store_true')
    parser.add_argument('path')
    parser.add_argument('function', nargs='*')
    args = parser.parse_args(argv)
    path, words = args.path, args.function
    if args.locked and not words:
        raise BadInput('ranges.py: --locked: of which functions?')
    text = read(path) if args.nm else output('nm', '-n', '-S', '--defined-only', path)
    wanted = {word.partition('/')[0]: word for word in words}
    found = [(start, end, wanted.get(name, name)) for start, end, name in ranges(text)
             if not words or name in wanted]
    lost = sorted({*words} - {name for _, _, name in found})
    if lost or not found:
        raise BadInput(f'{path}: no function {" ".join(lost) or "at all"}' +
            (': inlined into its callers?' if lost else ''))
    if args.locked:
        found = [insn for entry in found for insn in locked(path, *entry)]
        lost = sorted({*words} - {name for _, _, name in found})
        if lost:
            raise BadInput(f'{path}: no locked instruction in {" ".join(lost)}')
    for start, end, name in found:
        print(f'{start:x} {end:x} {name}')
    return 0


if __name__ == '__main__':
    run(main)
