# SPDX-License-Identifier: GPL-2.0
"""tasks.py - the tasks that a kernel lists when SysRq-t asks it to"""
import re

TASK = re.compile(r'task:(.{1,15}?) +state:(\S).* pid:(\d+) +tgid:\d+ +ppid:(\d+)')
# What begins a function is no place to return to.
FRAME = re.compile(r'^\s*(?:\[<[0-9a-f]+>\] )?(\? )?([A-Za-z_][\w.]*)\+0x(?!0/)[0-9a-f]+/')
# Where every task that waits stands: what it waits for is the next.
WAITS = re.compile(r'(__)?(schedule|switch_to)(_timeout|_preempt_disabled)?|__switch_to_asm|'
                   r'context_switch|io_schedule(_timeout)?')
FRAMES = 6
KTHREADD = 2


class Task:
    """frames: the functions of its stack, innermost first; those that the kernel is not sure
    of are in it if it is sure of none."""

    def __init__(self, name, state, pid, parent):
        self.name, self.state, self.pid, self.parent = name, state, pid, parent
        self.sure, self.guessed = [], []

    @property
    def frames(self):
        return self.sure or self.guessed

    def tells(self):
        """Not one of the many threads of the kernel that wait for work."""
        return (self.state in 'RD' or self.name.startswith('kunit')
                or KTHREADD not in (self.pid, self.parent))

    def line(self):
        frames = self.frames
        while frames and WAITS.fullmatch(frames[0]):
            frames = frames[1:]
        return f'{self.state} {self.name} ({self.pid}): {" < ".join(frames[:FRAMES]) or "no stack"}'


def parse(lines):
    """[Task] out of the lines of a log, clean."""
    tasks = []
    for line in lines:
        head, frame = TASK.search(line), FRAME.match(line)
        if head:
            tasks.append(Task(head[1], head[2], int(head[3]), int(head[4])))
        elif frame and tasks:
            (tasks[-1].guessed if frame[1] else tasks[-1].sure).append(frame[2])
    return tasks


def told(tasks, most=12):
    """What to say of them: those that wait for good first."""
    tell = sorted((task for task in tasks if task.tells()),
                  key=lambda task: (task.state != 'D', task.state != 'R'))
    left = len(tasks) - len(tell[:most])
    return [task.line() for task in tell[:most]] + ([f'and {left} more tasks'] if left else [])
