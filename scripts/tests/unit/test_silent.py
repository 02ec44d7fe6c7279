# SPDX-License-Identifier: GPL-2.0
"""A guest that says nothing: registers, what they add up to, its tasks, and its finding."""
import unittest

from boot import guest, guest_qemu, silent, tasks
from boot.guest import Look
from folders import new_folder, write
from lib import BadInput
from verdict import judge

MAP = '''0000000000000000 A nothing
ffffffff81000000 T _text
ffffffff81000000 T first
ffffffff81000100 t second
ffffffff81000200 T third
ffffffff81000200 T __hot_text_end
ffffffff81000300 T _etext
ffffffff81400000 t last
ffffffff82000000 D jiffies_64
'''
SECOND = 0xffffffff81000110
# As QEMU 7.2 prints them, without what is not read.
X86 = '''
CPU#0
RAX=0000000000000000 RBX=ffffffff82a0f980 RCX=0000000000000001 RDX=4000000000000000
RSI=0000000000000000 RDI=0000000000000001 RBP=0000000000000000 RSP=ffffffff82a03ea8
RIP=ffffffff81000110 RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1

CPU#1
RAX=0000000000000000 RBX=0000000000000000 RCX=0000000000000000 RDX=0000000000000000
RSI=0000000000000000 RDI=0000000000000000 RBP=0000000000000000 RSP=ffffc90000013d88
RIP=ffffffff81000110 RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0

CPU#2
RSI=0000000000000000 RDI=0000000000000000 RBP=0000000000000000 RSP=00007ffc00000000
RIP=0000000000401000 RFL=00000202 [-------] CPL=3 II=0 A20=1 SMM=0 HLT=0
'''
I386 = '''
CPU#0
ESI=00000000 EDI=00000000 EBP=00000000 ESP=c1a03ea8
EIP=c1000110 EFL=00000006 [-----P-] CPL=0 II=0 A20=1 SMM=0 HLT=1
'''
ARM64 = '''
CPU#0
 PC=ffff800080010000 X00=0000000000000000 X01=0000000000000000
X29=ffff800080010000 X30=ffff800080010000  SP=ffff800083a03e90
PSTATE=600000c5 -ZC- EL1h  SVCR=00000000 --  BTYPE=0    FPU disabled

CPU#1
 PC=0000000000401000 X00=0000000000000000 X01=0000000000000000
X29=0000000000000000 X30=0000000000000000  SP=0000ffffc0000000
PSTATE=60000000 -ZC- EL0t  SVCR=00000000 --  BTYPE=0
'''
RISCV = '''
CPU#0
 V      =   0
 pc       ffffffff80010000
 mhartid  0000000000000000
 mstatus  0000000a000000a0
 vsstatus 0000000a00000002
 x0/zero  0000000000000000 x1/ra    ffffffff80010000 x2/sp    ff2000000000be00 x3/gp    0000000000000000
'''
DUMP = '''sysrq: Show State
task:init            state:S stack:0     pid:1     tgid:1     ppid:0      task_flags:0x400100 flags:0x00080000
Call Trace:
 <TASK>
 ? __pfx_stale+0x10/0x10
 __schedule+0x3f1/0xc20
 schedule+0x27/0xd0
 do_wait+0x4b/0xd0
 kernel_wait4+0xa9/0x160
 </TASK>
task:kthreadd        state:S stack:0     pid:2     tgid:2     ppid:0      task_flags:0x208040 flags:0x00080000
 kthreadd+0x1c0/0x1f0
task:kworker/u8:1    state:I stack:0     pid:20    tgid:20    ppid:2      task_flags:0x4208060 flags:0x00080000
 worker_thread+0xcb/0x3a0
task:kunit_try_catch state:R  running task     stack:0     pid:30    tgid:30    ppid:2      task_flags:0x208040 flags:0x00080000
task:two words       state:D stack:0     pid:31    tgid:31    ppid:1      task_flags:0x400000 flags:0x00080000
 [<600455f3>] ? __switch_to+0x33/0x50
 [<603afa30>] ? ignored+0x0/0x6b0
 [<603afd46>] ? lkdtm_HUNG_TASK+0x16/0x20
'''.splitlines()


def looks(*kinds):
    """One look for each letter: h(alted), e(xecutes), m(asked), d(ead: halted and masked)."""
    return [Look(SECOND, kind in 'hd', kind in 'md', False) for kind in kinds]


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = new_folder(self)

    def file(self, name, text):
        return write(self.folder, name, text)

    def symbols(self):
        return guest.Symbols(self.file('System.map', MAP))


class Registers(unittest.TestCase):
    def test_x86(self):
        self.assertEqual(guest_qemu.registers(X86), {
            0: (SECOND, 0xffffffff82a03ea8, False, False, True),
            1: (SECOND, 0xffffc90000013d88, True, False, False),
            2: (0x401000, 0x7ffc00000000, False, True, False)})

    def test_i386(self):
        self.assertEqual(guest_qemu.registers(I386),
                         {0: (0xc1000110, 0xc1a03ea8, True, False, True)})

    def test_arm64(self):
        self.assertEqual(guest_qemu.registers(ARM64), {
            0: (0xffff800080010000, 0xffff800083a03e90, True, False, None),
            1: (0x401000, 0xffffc0000000, False, True, None)})

    def test_riscv(self):
        self.assertEqual(guest_qemu.registers(RISCV),
                         {0: (0xffffffff80010000, 0xff2000000000be00, True, False, None)})

    def test_nothing(self):
        self.assertEqual(guest_qemu.registers('unknown command\n'), {})

    def test_words(self):
        self.assertEqual(guest_qemu.words('ffffffff82000000: 0x00000000fffb6c21 0x0000000000000002\n'),
                         [0xfffb6c21, 2])
        self.assertEqual(guest_qemu.words('ffffffff82000000: Cannot access memory\n'), [])


class Verdicts(Folder):
    def verdict(self, went_on, *cpus):
        return guest.verdict(dict(enumerate(looks(*cpu) for cpu in cpus)), self.symbols(), went_on)

    def test_spinning(self):
        self.assertEqual(self.verdict(False, 'mmm'), 'spinning with interrupts off: CPU 0 in second+0x10')

    def test_one_of_two_spins(self):
        self.assertEqual(self.verdict(True, 'hhh', 'mmm'),
                         'spinning with interrupts off: CPU 1 in second+0x10')

    def test_now_and_then_is_not_spinning(self):
        self.assertEqual(self.verdict(True, 'mme'), 'alive: CPU 0 in second+0x10')

    def test_idle(self):
        self.assertTrue(self.verdict(False, 'hhh', 'hhh').startswith('idle: '))

    def test_idle_although_one_wakes_up(self):
        self.assertTrue(self.verdict(True, 'hhhhm').startswith('idle: '))
        self.assertTrue(self.verdict(True, 'hhhmm').startswith('alive: '))

    def test_dead(self):
        self.assertTrue(self.verdict(False, 'ddd', 'ddd').startswith('dead: '))
        self.assertTrue(self.verdict(False, 'ddd', 'hhh').startswith('idle: '))
        self.assertTrue(self.verdict(None).startswith('dead: '))

    def test_clock_that_stands(self):
        self.assertIn('jiffies stand still', self.verdict(False, 'eee'))
        self.assertNotIn('jiffies', self.verdict(None, 'eee'))

    def test_line(self):
        spin = Look(SECOND, False, True, False, 0, (1, 0xffffffff81000200, 0xffffffff81000004))
        self.assertEqual(guest.cpu_line(1, [spin], self.symbols()),
                         'CPU 1: spins with interrupts off, in second+0x10; on its stack: first')

    def test_line_of_one_that_sometimes_sleeps(self):
        idle, busy = Look(0xffffffff81000010, True, False, False), Look(SECOND, False, False, False)
        self.assertEqual(guest.cpu_line(0, [idle, idle, busy, idle], self.symbols()),
                         'CPU 0: executes in 1 of 4 looks, in second+0x10')

    def test_library(self):
        look = Look(0x7ffff7ecc26f, True, False, False, 0, (1, 0xffffffff81000104))
        self.assertEqual(guest.places([look], self.symbols()), ['what second calls'])
        self.assertEqual(guest.places([look._replace(stack=())], self.symbols()), ['0x7ffff7ecc26f'])

    def test_user_space(self):
        self.assertEqual(guest.cpu_line(0, [Look(0x401000, False, False, True)], self.symbols()),
                         'CPU 0: executes, in user space')


class Maps(Folder):
    def test_find(self):
        symbols = self.symbols()
        self.assertEqual(symbols.find(0xffffffff81000100), 'second+0x0')
        self.assertEqual(symbols.find(0xffffffff810002ff), 'third+0xff')
        self.assertIsNone(symbols.find(0xffffffff80ffffff))
        self.assertIsNone(symbols.find(0xffffffff81000300))
        self.assertEqual(symbols.find(0xffffffff81400010), 'last+0x10')
        self.assertIsNone(symbols.find(0xffffffff82000000))
        self.assertEqual(symbols.jiffies, 0xffffffff82000000)

    def test_malformed(self):
        for text in ('', 'no map\n', 'ffffffff82000000 D jiffies_64\n', 'ffffffff81000000 T first\n'):
            with self.assertRaises(BadInput):
                guest.Symbols(self.file('bad', text))


class Tasks(unittest.TestCase):
    def test_told(self):
        self.assertEqual(tasks.told(tasks.parse(DUMP)), [
            'D two words (31): lkdtm_HUNG_TASK',
            'R kunit_try_catch (30): no stack',
            'S init (1): do_wait < kernel_wait4',
            'and 2 more tasks'])

    def test_at_most(self):
        self.assertEqual(tasks.told(tasks.parse(DUMP), 1)[1:], ['and 4 more tasks'])

    def test_none(self):
        self.assertEqual(tasks.told(tasks.parse(['ok 1 a', ' f+0x1/0x2'])), [])


class Machine:
    """Is idle. Answers SysRq in a log, in pieces, or not at all."""

    keys = 'lt'

    def __init__(self, path='', answers=(), jiffies=(), why=''):
        self.path, self.answers, self.ticks, self.why = path, dict(answers), list(jiffies), why

    def stopped(self):
        return self.why

    def looks(self):
        return {0: looks('h')[0]}

    def jiffies(self, _):
        return self.ticks.pop(0) if len(self.ticks) > 1 else self.ticks[0]

    def press(self, key):
        with open(self.path, 'a', encoding='utf-8') as file:
            file.write(self.answers.get(key, ''))


class Answers(Folder):
    def listen(self, **answers):
        path = self.file('log', 'one\ntwo\n')
        answers['?'] = answers.pop('end', '')
        was, silent.PATIENCE, silent.QUIET = (silent.PATIENCE, silent.QUIET), 0.3, 0.3
        try:
            return silent.listened(silent.Talk(path, Machine(path, answers)))
        finally:
            silent.PATIENCE, silent.QUIET = was

    def test_complete(self):
        told, said = self.listen(l='[    1.000000] sysrq: CPUs\n', end='sysrq: HELP : all\n',
                                 t='\n'.join(DUMP) + '\n')
        self.assertEqual(told[0], f'it listens: 5 tasks, answer in lines 3 to {len(DUMP) + 4} of the log')
        self.assertEqual(said[0], 'sysrq: CPUs')

    def test_without_an_end(self):
        told, _ = self.listen(l='sysrq: CPUs\n', t='\n'.join(DUMP) + '\n')
        self.assertTrue(told[0].startswith('it listens: 5 tasks'))

    def test_none(self):
        self.assertEqual(self.listen(), (['no answer to SysRq'], []))


class Looks(Folder):
    def looked(self, machine):
        was, silent.PAUSE = silent.PAUSE, 0
        try:
            return silent.looked(machine, self.symbols())
        finally:
            silent.PAUSE = was

    def told(self, *jiffies):
        return self.looked(Machine(jiffies=jiffies))[-1]

    def test_stopped(self):
        self.assertEqual(self.looked(Machine(jiffies=[1], why='QEMU says "paused"'))[0],
                         'dead: QEMU says "paused"')
        self.assertEqual(self.looked(Machine(jiffies=[1]))[0], 'idle: every CPU waits for an interrupt')

    def test_goes_on(self):
        self.assertRegex(self.told(100, None, 130), '^jiffies: 100, 30 more [0-9.]+ s later$')

    def test_stands(self):
        self.assertRegex(self.told(100), '^jiffies: 100, the same [0-9.]+ s later$')

    def test_unread(self):
        self.assertIn('cannot be read', self.told(None))


class Findings(Folder):
    def test_beside_the_log(self):
        path = self.file('crash.log', 'x\n')
        self.assertEqual(judge.told(path), ([], range(0)))
        self.file('crash.silent', 'asked after 5 s\nidle\nit listens: 2 tasks, answer in lines 3 to 4 of '
                                  'the log\n\nanswer:\nlines 8 to 9 of the log\n')
        told, answer = judge.told(path)
        self.assertEqual((told[1], len(told), answer), ('  idle', 4, range(3, 5)))


if __name__ == '__main__':
    unittest.main()
