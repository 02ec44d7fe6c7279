# SPDX-License-Identifier: GPL-2.0
"""guest_qemu.py - a guest in QEMU, by the monitor (QMP) that qemu.sh gives it

The folder holds "qmp", the socket of the monitor, and "in", a pipe: what is written to it
the guest receives on its serial console.
"""
import json
import os
import re
import socket

from boot.guest import Look, Silence, thread

CONSOLE, STACK = 'serial0', 96      # QEMU's name of -serial stdio; words of a stack
# What `info registers` prints: program counter, stack, status; the bits of the status that
# say whether interrupts are taken, and whether they say so when they are set. x86, arm64, riscv.
REGISTERS = (
    (r'\b[RE]IP=(\w+)', r'\b[RE]SP=(\w+)', r'\b(?:RFL|EFL)=(\w+)', 0x200, True),
    (r'\bPC=(\w+)', r'\bSP=(\w+)', r'\bPSTATE=(\w+)', 0x80, False),
    (r'\bpc +(\w+)', r'\bx2/sp +(\w+)', r'\bmstatus +(\w+)', 0x2, True),
)
# They tell nothing of a kernel.
VECTORS = re.compile(r'^ ?(FCW|FP.\d|[XYZ]MM\d|Opmask|Q\d|P\d|f\d+/).*\n', re.M)
USER = re.compile(r'\bCPL=3\b|\bEL0t\b')


class Monitor:
    def __init__(self, path, patience=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(patience)
        try:
            self.socket.connect(path)
            self.file = self.socket.makefile('rw', encoding='utf-8')
            self.file.readline()
        except OSError as error:
            raise Silence(f'its monitor: {error}') from None
        self.ask('qmp_capabilities')

    def ask(self, command, **arguments):
        """What QEMU returns; events that come in between are nothing to us."""
        try:
            self.file.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
            self.file.flush()
            for line in self.file:
                answer = json.loads(line)
                if 'error' in answer:
                    raise Silence(f'{command}: {answer["error"].get("desc")}')
                if 'return' in answer:
                    return answer['return']
        except (OSError, ValueError) as error:
            raise Silence(f'{command}: {error}') from None
        raise Silence(f'{command}: QEMU has ended')

    def human(self, line, cpu=0):
        """A command of the monitor for people, which knows more."""
        return self.ask('human-monitor-command', **{'command-line': line, 'cpu-index': cpu})


def registers(text):
    """{CPU: (program counter, stack, takes no interrupts, in user space, halted)}; halted is
    None where QEMU does not say."""
    found = {}
    for part in re.split(r'^CPU#', text, flags=re.M)[1:]:
        number = int(re.match(r'\d+', part)[0])
        for pc, stack, status, bit, on in REGISTERS:
            hits = [re.search(regex, part) for regex in (pc, stack, status)]
            if all(hits):
                counter, top, flags = (int(hit[1], 16) for hit in hits)
                halt = re.search(r'\bHLT=(\d)', part)
                user = bool(USER.search(part)) or not counter >> (63 if counter >> 32 else 31)
                found[number] = (counter, top, bool(flags & bit) != on and not user, user,
                                 halt and halt[1] == '1')
                break
    return found


def words(text):
    """The numbers that the monitor's x prints."""
    return [int(word, 16) for line in text.splitlines() if ':' in line
            for word in re.findall(r'0x([0-9a-f]+)', line.partition(':')[2])]


class Guest:
    """raw: what QEMU said of the registers, at the last look. keys: those of SysRq to press."""

    keys = 'lt'

    def __init__(self, folder):
        self.pipe, self.raw = os.path.join(folder, 'in'), ''
        self.monitor = Monitor(os.path.join(folder, 'qmp'))

    def stopped(self):
        """Why the machine as a whole does not run, or nothing."""
        status = self.monitor.ask('query-status')
        return '' if status['running'] else f'QEMU says "{status["status"]}"'

    def looks(self):
        """{CPU: Look} of now."""
        self.raw = VECTORS.sub('', self.monitor.human('info registers -a').replace('\r', ''))
        threads = {cpu['cpu-index']: cpu['thread-id'] for cpu in self.monitor.ask('query-cpus-fast')}
        found = {}
        for number, (pc, top, masked, user, halted) in registers(self.raw).items():
            ticks, sleeps = thread(threads[number])
            kind = 'g' if top >> 32 else 'w'
            stack = () if user else words(self.monitor.human(f'x /{STACK}{kind}x {top:#x}', number))
            if halted is None:      # then WFI, which ends although interrupts are masked
                halted, masked = sleeps, masked and not sleeps
            found[number] = Look(pc, halted, masked, user, ticks, tuple(stack))
        return found

    def jiffies(self, address):
        """None if they cannot be read: the CPU is in its firmware, or the kernel lies elsewhere
        than System.map says."""
        seen = words(self.monitor.human(f'x /1gx {address:#x}'))
        return seen[0] if seen else None

    def press(self, key):
        """SysRq: a break, and a key. The answer comes in the log."""
        self.monitor.ask('chardev-send-break', id=CONSOLE)
        with open(os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK), 'w', encoding='ascii') as pipe:
            pipe.write(key)
