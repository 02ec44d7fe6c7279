#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""silent.py - ask a guest that says nothing how it is

usage: silent.py qemu|um --dir DIR --map System.map --log LOG

Looks several times, a fifth of a second apart, at every CPU and at jiffies, and says what the
looks add up to: the guest is

  alive      a CPU executes, and takes interrupts
  idle       all CPUs wait for an interrupt
  spinning   with interrupts off: a CPU executes, and never takes one
  dead       it is stopped, or all CPUs are halted with interrupts off

Then it presses SysRq: l, the CPUs (not on um), and t, all tasks. If the kernel still listens, its answer is
in LOG, and those tasks that tell something are shown: which wait in the kernel and cannot be
killed (D), which run (R), those of user space, and KUnit's. The rest follows in full. Where one
CPU spins there may be no answer although others go on: it takes the interrupts of the console,
or the thread that prints waits for it.

DIR of qemu: the monitor and the console (qemu.sh); of um: uml_dir (um.sh).

exit status: 0 told, whatever it is; 2 bad input
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from boot import guest, guest_qemu, guest_um, tasks
from lib import BadInput, Parser, run
from verdict import log

LOOKS = 10
PAUSE, PATIENCE, QUIET = 0.2, 10, 3     # seconds: between looks; for a first line; for a last
END = 'sysrq: HELP'                     # a key that is none


class Talk:
    """The log of the guest, from here on. SysRq is answered in it."""

    def __init__(self, path, machine):
        self.path, self.machine = path, machine
        with open(path, 'rb') as file:
            before = file.read()
        self.start, self.first = len(before), before.count(b'\n') + 1

    def new(self):
        with open(self.path, 'rb') as file:
            file.seek(self.start)
            return file.read().decode('utf-8', 'backslashreplace')

    def ask(self, key):
        """Press, and wait until something is said. True if it was."""
        was, end = self.new(), time.monotonic() + PATIENCE
        self.machine.press(key)
        while time.monotonic() < end:
            if 'sysrq: ' in self.new()[len(was):]:
                return True
            time.sleep(PAUSE)
        return False

    def listen(self):
        """All that it says to SysRq: its lines, clean."""
        if not all(self.ask(key) for key in self.machine.keys + '?'):
            return self.lines()
        was, since = '', time.monotonic()
        while END not in was and time.monotonic() - since < QUIET:
            time.sleep(PAUSE)
            now = self.new()
            was, since = (now, time.monotonic()) if now != was else (was, since)
        return self.lines()

    def lines(self):
        lines = self.new().split('\n')
        return [log.clean(line) for line in (lines if lines[-1] else lines[:-1])]


def look(machine, jiffies):
    """({CPU: [Look]}, [jiffies] as often as they could be read, seconds that it took)"""
    cpus, ticks, begin = {}, [], time.monotonic()
    for number in range(LOOKS):
        time.sleep(PAUSE if number else 0)
        ticks += [now for now in [machine.jiffies(jiffies)] if now is not None]
        for cpu, seen in machine.looks().items():
            cpus.setdefault(cpu, []).append(seen)
    return cpus, ticks, time.monotonic() - begin


def looked(machine, symbols):
    """What the looks tell: the verdict, and a line for each CPU and for jiffies."""
    stopped = machine.stopped()
    cpus, ticks, took = look(machine, symbols.jiffies)
    went_on = ticks[-1] != ticks[0] if ticks else None
    told = ('cannot be read where System.map has them' if not ticks else
            f'{ticks[0]}, {ticks[-1] - ticks[0]} more {took:.1f} s later' if went_on else
            f'{ticks[0]}, the same {took:.1f} s later')
    return ([f'dead: {stopped}' if stopped else guest.verdict(cpus, symbols, went_on)]
            + [guest.cpu_line(cpu, looks, symbols) for cpu, looks in sorted(cpus.items())]
            + [f'jiffies: {told}'])


def listened(talk):
    """What the answer to SysRq tells, and the answer."""
    try:
        said = talk.listen()
    except (guest.Silence, OSError) as error:
        return [f'no SysRq: {error}'], []
    found = tasks.parse(said)
    if not found:
        return ['no answer to SysRq'], []
    where = f'lines {talk.first} to {talk.first + len(said) - 1} of the log'
    return [f'it listens: {len(found)} tasks, answer in {where}'] + tasks.told(found), said


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('how', choices=('qemu', 'um'))
    for option in ('--dir', '--map', '--log'):
        parser.add_argument(option, required=True)
    args = parser.parse_args(argv)
    symbols = guest.Symbols(args.map)
    try:
        machine = {'qemu': guest_qemu, 'um': guest_um}[args.how].Guest(args.dir)
        head = looked(machine, symbols)
    except (guest.Silence, OSError, BadInput) as error:
        print(f'cannot be asked, it may just have ended: {error}')
        return 0
    print('\n'.join(head), flush=True)
    more, said = listened(Talk(args.log, machine))
    print('\n'.join(more))
    print(f'\nregisters at the last look:\n{machine.raw}')
    if said:
        print('answer:', *said, sep='\n')
    return 0


if __name__ == '__main__':
    run(main)
