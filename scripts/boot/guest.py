# SPDX-License-Identifier: GPL-2.0
"""guest.py - what some looks at the CPUs of a guest add up to

A Look is one CPU at one moment. masked: it takes no interrupts. user: it is in user space.
ticks: of the host's clock, which it has used up to then. stack: words of its stack, innermost
first; there are as many looks at each CPU as there were moments.
"""
import bisect
import collections
import re

from lib import BadInput, read

Look = collections.namedtuple('Look', 'pc halted masked user ticks stack', defaults=(0, ()))
WORDS = {'idle': 'waits for an interrupt', 'stopped': 'halted with interrupts off, for ever',
         'spinning': 'spins with interrupts off', 'alive': 'executes'}
FRAMES = 6
# No function has what lies between these and the next, or far behind the last one.
LARGEST, BORDER = 0x1000, re.compile(r'_[es]?(init)?text|__\w*text_(start|end)')


class Silence(Exception):
    """What runs the guest does not answer, or answers that it cannot."""


def thread(number):
    """(ticks of CPU time, it sleeps) of a thread on the host."""
    fields = read(f'/proc/{number}/stat').rpartition(')')[2].split()
    return int(fields[11]) + int(fields[12]), fields[0] == 'S'


class Symbols:
    """The text of a kernel, out of System.map."""

    def __init__(self, path):
        self.where, text = {}, {}
        for number, line in enumerate(read(path, 'build the kernel first').splitlines(), 1):
            hit = re.fullmatch(r'([0-9a-f]+) (\S) (\S+)', line)
            if not hit:
                raise BadInput(f'{path}:{number}: no line of System.map: {line}')
            address, kind, name = int(hit[1], 16), hit[2], hit[3]
            self.where[name] = address
            if kind in 'tTwW' and BORDER.fullmatch(text.get(address, '_etext')):
                text[address] = name
        if not text or 'jiffies_64' not in self.where:
            raise BadInput(f'{path}: no kernel: it has no jiffies_64, or no function')
        self.text, self.jiffies = sorted(text.items()), self.where['jiffies_64']

    def find(self, address):
        """name+0x12, or nothing."""
        spot = bisect.bisect_right(self.text, (address, chr(0x10ffff))) - 1
        start, name = self.text[max(spot, 0)]
        outside = BORDER.fullmatch(name) or start == self.text[-1][0] and address - start > LARGEST
        return None if spot < 0 or outside else f'{name}+{address - start:#x}'

    def frames(self, words):
        """The functions that words of a stack may return to: a guess, since any word that looks
        like text counts, but a first word of a function is no place to return to."""
        names = [self.find(word) for word in words]
        return [name.partition('+')[0] for name in names if name and not name.endswith('+0x0')]


def state(looks):
    """What a CPU does, a key of WORDS."""
    halted = sum(look.halted for look in looks)
    masked = all(look.masked for look in looks)
    if halted == len(looks):
        return 'stopped' if masked else 'idle'
    if masked and not halted:
        return 'spinning'
    # Somebody may wake up now and then and sleep again.
    return 'idle' if 5 * halted >= 4 * len(looks) else 'alive'


def place(look, symbols):
    """Where a CPU was. A library is known by the function of the kernel that calls it."""
    if look.user:
        return 'user space'
    callers = symbols.frames(look.stack)[:1]
    return symbols.find(look.pc) or ''.join(f'what {name} calls' for name in callers) or f'{look.pc:#x}'


def typical(looks):
    """Those that say what a CPU does: of one that executes, not when it had nothing to do."""
    return [look for look in looks if not look.halted] if state(looks) == 'alive' else looks


def places(looks, symbols):
    """Where a CPU was, the most frequent place first."""
    seen = collections.Counter(place(look, symbols) for look in typical(looks))
    return [name for name, _ in seen.most_common()]


def cpu_line(number, looks, symbols):
    """One CPU in one line."""
    kind, where, those = state(looks), places(looks, symbols), typical(looks)
    often = f' in {len(those)} of {len(looks)} looks' if len(those) < len(looks) else ''
    more = f' and {len(where) - 2} more places' if len(where) > 2 else ''
    line = f'CPU {number}: {WORDS[kind]}{often}, in {", ".join(where[:2])}{more}'
    chain = symbols.frames(those[-1].stack)[:FRAMES]
    if kind in ('spinning', 'alive') and chain and not those[-1].user:
        line += f'; on its stack: {" < ".join(chain)}'
    return line


def verdict(cpus, symbols, went_on):
    """The guest in one line. cpus: {number: [Look]}; went_on: jiffies did, or None if they
    could not be read."""
    states = {number: state(looks) for number, looks in cpus.items()}

    def first(kind):
        number = next(number for number, its in states.items() if its == kind)
        return f'CPU {number} in {places(cpus[number], symbols)[0]}'
    if not states or set(states.values()) == {'stopped'}:
        return 'dead: no CPU can ever go on'
    if 'spinning' in states.values():
        return f'spinning with interrupts off: {first("spinning")}'
    if 'alive' not in states.values():
        return 'idle: every CPU waits for an interrupt'
    return f'alive: {first("alive")}' + ('' if went_on is not False else '; but jiffies stand still')
