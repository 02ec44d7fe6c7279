# SPDX-License-Identifier: GPL-2.0
"""guest_um.py - a UML kernel, which is a process of the host, by /proc and its mconsole

Each of its CPUs is a thread, which polls while it is idle, and waits in another way while user
space executes. Other threads block SIGTERM. What UML calls interrupts off is a variable of a
thread: a CPU that executes while jiffies stand still is taken for one.
"""
import ctypes
import glob
import os
import re
import socket
import struct

from boot.guest import Look, Silence, thread
from lib import read

MAGIC, VERSION, DATA = 0xcafebabe, 2, 512           # of mconsole, arch/um/drivers/mconsole.h
STACK = 96
SEIZE, INTERRUPT, GETREGS, DETACH = 0x4206, 0x4207, 12, 17      # of ptrace()
RSP, RIP = 19, 16                                               # in its registers
WALL = 0x40000000                                               # of waitpid(): threads, too
POLL, SIGTERM = '7', 1 << 14                                    # system call; of a mask of signals


class Guest:
    """raw: the state of its threads, at the last look. keys: those of SysRq that it has."""

    keys = 't'

    def __init__(self, folder):
        pids = glob.glob(os.path.join(folder, '*', 'pid'))
        if not pids:
            raise Silence('it has written no pid')
        self.folder, self.pid = os.path.dirname(pids[0]), int(read(pids[0]))
        self.raw, self.now, self.was = '', None, None
        self.ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self.ptrace.argtypes = [ctypes.c_long] * 3 + [ctypes.c_void_p]

    def stopped(self):
        """A process that has stopped, or ended."""
        state = re.search(r'^State:\s+(\S) \((.*)\)', read(f'/proc/{self.pid}/status'), re.M)
        return f'its process is in state "{state[2]}"' if state[1] in 'TZX' else ''

    def looks(self):
        """{CPU: Look} of now. jiffies() comes before."""
        found, said = {}, []
        for number, task in enumerate(self.threads()):
            ticks, _ = thread(task)
            call = read(f'/proc/{task}/syscall').split()        # or that it runs
            waits = len(call) > 2
            top, pc = (int(word, 16) for word in call[-2:]) if waits else self.registers(task)
            masked = not waits and self.was in (None, self.now)
            found[number] = Look(pc, waits and call[0] == POLL, masked, waits and call[0] != POLL,
                                 ticks, self.stack(top))
            said.append(f'thread {task}: {ticks} ticks of CPU time, system call {" ".join(call)}, '
                        f'rip={pc:x} rsp={top:x}\n')
        self.raw = ''.join(said)
        return found

    def threads(self):
        """Its CPUs."""
        tasks = sorted(int(os.path.basename(path)) for path in glob.glob(f'/proc/{self.pid}/task/*'))
        return [task for task in tasks if not SIGTERM & int(re.search(
            r'^SigBlk:\s*(\w+)', read(f'/proc/{task}/status'), re.M)[1], 16)]

    def registers(self, task):
        """(stack, program counter) of a thread that runs; it goes on at once."""
        buffer = (ctypes.c_ulong * 27)()
        if self.ptrace(SEIZE, task, 0, None):
            raise Silence(f'ptrace: {os.strerror(ctypes.get_errno())}')
        self.ptrace(INTERRUPT, task, 0, None)
        os.waitpid(task, WALL)
        self.ptrace(GETREGS, task, 0, ctypes.addressof(buffer))
        self.ptrace(DETACH, task, 0, None)
        return buffer[RSP], buffer[RIP]

    def memory(self, address, size):
        with open(f'/proc/{self.pid}/mem', 'rb', 0) as file:
            file.seek(address)
            return file.read(size)

    def stack(self, top):
        """Its words, up to the guard page behind it."""
        try:
            words = self.memory(top, 8 * STACK)
        except (OSError, OverflowError):
            return ()
        return struct.unpack(f'{len(words) // 8}Q', words[:len(words) // 8 * 8])

    def jiffies(self, address):
        self.was, self.now = self.now, struct.unpack('Q', self.memory(address, 8))[0]
        return self.now

    def press(self, key):
        """SysRq. The answer comes in the log; UML sends it back, too, and may lose a part."""
        request = struct.pack(f'III{DATA}s', MAGIC, VERSION, 7, b'sysrq ' + key.encode())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.bind('')
            here = os.open('.', os.O_PATH)
            os.chdir(self.folder)       # its path may be too long for an address
            try:
                line.sendto(request, 'mconsole')
            except OSError as error:
                raise Silence(f'its mconsole: {error}') from None
            finally:
                os.fchdir(here)
                os.close(here)
