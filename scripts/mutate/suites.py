# SPDX-License-Identifier: GPL-2.0
"""suites.py - put a kernel through the suites that can see a change of mm/gup.c, quickest first

The two suites that have killed most others of its function, each alone, which mostly takes less
than a second; then, if they pass, all that call mm/gup.c, and the races (kunit/gup_hooked.c).
"""
import re
import threading

from mutate import kernel
from mutate.boot import Boot

# One boot each, the first until it comes to what has boots of its own: the races need another
# object, gup_runs_anon waits most of the time, and gup_um is linked behind that.
RACES = 'gup_race*'
PARTS = (('', re.compile(r'^ *# Subtest: gup_r(?:ace|uns_anon)')), (RACES, None),
         ('gup_runs_anon', None), ('gup_um', None))


class Suites:
    """limits: the patience with each boot, measured on the code as it is."""

    def __init__(self, lane, results):
        self.lane, self.results, self.limits = lane, results, {}
        self.good, self.lock = None, threading.Lock()

    def measure(self, name, folder):
        """The code as it is, whose kernel stays there."""
        self.good = folder
        return self.all(name, folder)

    def boot(self, name, folder, function):
        """The kernel with the NAME.c of folder: (what it is red by, cases that passed)."""
        red = self.nearest(name, folder, function)
        return (red, set()) if red else self.all(name, folder)

    def link(self, name, folder, races):
        """The kernel with the NAME.c of folder, hooked for the races or not. '' or why not."""
        names = [name]
        if races and name == 'mm/gup':
            if not self.lane.compile(kernel.HOOKED, folder):
                return f'{kernel.HOOKED} does not compile'
            names.append(kernel.HOOKED)
        self.lane.kernel(names, folder)
        return ''

    def nearest(self, name, folder, function):
        """What the code is red by in the suites that have shown its neighbours."""
        for suite in self.results.near(function)[:2]:
            if not self.passes_alone(suite):
                continue
            red = self.link(name, folder, suite.startswith(RACES[:-1])) or \
                Boot(self.lane, folder, suite, self.limits[suite]).red
            if red:
                return red
        return ''

    def passes_alone(self, suite):
        """Does the code as it is? The last kernel of measure() has all that a suite wants."""
        with self.lock:
            if suite not in self.limits:
                boot = Boot(self.lane, self.good, suite)
                self.limits[suite] = None if boot.red or not boot.names else boot.patience()
            return self.limits[suite] is not None

    def all(self, name, folder):
        """The kernel with the NAME.c of folder: (what it is red by, cases that passed)."""
        passed = set()
        for pattern, until in PARTS:
            if pattern in ('', RACES):
                red = self.link(name, folder, pattern == RACES)
                if red:
                    return red, passed
            boot = Boot(self.lane, folder, pattern, self.limits.get(pattern), until)
            if boot.red:
                return boot.red, passed
            passed |= boot.names
            self.limits.setdefault(pattern, boot.patience())
        return '', passed
