# SPDX-License-Identifier: GPL-2.0
"""boot.py - boot a kernel that kernel.py has made, until the first case is red

Several can run at a time. stop_on_signals() sees to it that none outlives us.
"""
import glob
import os
import re
import signal
import subprocess
import threading
import time

from lib import BadInput, read
from verdict import log, splat
from verdict.kunit_log import KunitLog

FAILED = re.compile(r'^ *not ok \d')
# Seconds. Those of CPU do not grow on a busy machine; a kernel that waits uses none.
SILENT, LONGEST, TICK = 20, 600, os.sysconf('SC_CLK_TCK')
SPIN = 2

# The kernels that run. Who starts or ends one holds the lock.
LIVE, LOCK = set(), threading.RLock()


def stop(*_):
    """A signal: no kernel outlives us, and none that we kill counts as one that died."""
    LOCK.acquire()                      # pylint: disable=consider-using-with
    for boot in LIVE:
        boot.strike()
    os._exit(2)


def stop_on_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


class Boot:
    """One boot. red: why it cannot pass, '' if nothing was seen. names: the cases that passed.
    failed: those that did not. quiet: the most CPU seconds between two lines; more than limit of
    them: it spins. until: a line at which to stop. whole: go on after a red case."""

    def __init__(self, lane, folder, pattern='', limit=None, until=None, whole=False):
        self.lane, self.folder, self.until, self.whole = lane, folder, until, whole
        self.path = os.path.join(folder, 'log' + pattern.rstrip('*'))
        self.red, self.stopped, self.text, self.taken = '', False, [], 0
        self.rest, self.cpu, self.quiet, self.limit = b'', 0, 0, limit
        uml = os.path.join(folder, 'uml')
        os.makedirs(uml, exist_ok=True)
        for old in glob.glob(os.path.join(uml, '*', '*')):
            os.unlink(old)
        words = [os.path.join(folder, 'linux'), f'uml_dir={uml}', 'mem=1G', 'console=tty',
                 'kunit.enable=1', 'kunit_shutdown=halt', 'panic=-1', *lane.arguments]
        words += [f'kunit.filter_glob={pattern}'] if pattern else []
        with open(self.path, 'wb') as out:
            with LOCK:
                self.process = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL,
                                                stdout=out, stderr=out, start_new_session=True)
                LIVE.add(self)
        try:
            self.watch()
        finally:
            self.kill()
        self.conclude()

    def patience(self):
        """The limit for a kernel that may be broken, measured on this one, which is not."""
        return 3 * self.quiet + SPIN

    def usage(self):
        """CPU seconds of the kernel until now, and whether it waits for nothing but a CPU or the
        one that has stopped it: then it does not hang, however busy the machine is."""
        try:
            fields = read(f'/proc/{self.process.pid}/stat').rpartition(')')[2].split()
        except BadInput:
            return self.cpu, False
        return (int(fields[11]) + int(fields[12])) / TICK, fields[0] in 'RT'

    def watch(self):
        begin = quiet = time.monotonic()
        then = said = 0                 # CPU seconds at the last sign of life, the last line
        with open(self.path, 'rb') as file:
            while True:
                ended = self.ended()
                new = file.read()
                self.take(new)
                if ended or self.red or self.stopped:
                    return
                self.cpu, held = self.usage()
                now = time.monotonic()
                if new or held or self.cpu > then + 1:
                    quiet, then = now, self.cpu
                said = self.cpu if new else said
                self.quiet = max(self.quiet, self.cpu - said)
                if self.limit and self.quiet > self.limit:
                    self.red = f'spins{self.where()}'
                elif now - quiet > SILENT:
                    self.red = f'hangs{self.where()}'
                elif now - begin > LONGEST:
                    self.red = f'does not end{self.where()}'
                time.sleep(0.05)

    def take(self, new):
        """Look at the lines that have come."""
        *lines, self.rest = (self.rest + new).split(b'\n')
        for line in lines:
            text = log.clean(line.decode('utf-8', 'backslashreplace'))
            self.text.append(text)
            if self.until and self.until.match(text):
                self.stopped = True
                return
            if self.whole:
                continue
            if FAILED.match(text):
                failed = [case for case in KunitLog(self.text).cases if case.status == 'fail']
                self.red = failed[0].name if failed else text.strip()
                return
            hit = splat.worst(text, self.lane.deny)
            if hit and not text.startswith(splat.CUT):          # what it is comes next
                self.red = f'{hit[0]}{self.where()}: {hit[1]}'
                return

    def where(self):
        running = KunitLog(self.text).running or ()
        names = [name for name in running[:1] + running[3:] if name]
        return ' in ' + '.'.join(names) if names else ''

    def ended(self):
        """The number stays this kernel's until wait(), so that strike() hits no other."""
        return os.waitid(os.P_PID, self.process.pid,
                         os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def strike(self):
        """The whole group: a process of its user space may outlive the kernel, stopped for ever."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def kill(self):
        with LOCK:
            self.strike()
            LIVE.remove(self)
        self.process.wait()

    def conclude(self):
        """All lines are there."""
        parsed = KunitLog(self.text)
        self.names = {case.name for case in parsed.cases if case.leaf and case.status == 'pass'}
        self.failed = {case.name for case in parsed.cases if case.status == 'fail'}
        # Lines that the kernel lost are nothing that the change has done.
        if not self.red and not self.stopped and parsed.problems and not parsed.dropped:
            self.red = f'dies{self.where()}: {parsed.problems[-1]}'
