# SPDX-License-Identifier: GPL-2.0
"""data.py - what build/out holds, for make report and make status

    check/status    written by check.sh: "key words" lines; where a run is, or how it ended
    check/results   a line a step: name, word, passed, failed, skipped, seconds; tabs
    check/steps     all steps in order
    <lane>/         of kunit-run.sh, vm-run.sh and the verdicts; silent: of silent.py
    each-patch.tap  of each-patch.sh
    **/*.info       coverage, in the format of lcov
"""
import email
import email.header
import glob
import os
import re
import subprocess
import time

from lib import BadInput, TOP, read, series_files, slug_of
from verdict import inventory, matrix
from verdict.kunit_log import KunitLog
from verdict.vm_log import STATUSES, VmLog


# Kernels that fail on purpose, and boots for figures: they need no verdict.
OTHER = re.compile(r'canary$|^icount(-base)?$|^um-(bench|count)-')


class Step:
    """One step of make check that has ended."""

    def __init__(self, where, line):
        words = line.split('\t')
        if len(words) != 6 or not all(word.isdigit() for word in words[2:]):
            raise BadInput(f'{where}: want name, word and four numbers: {line}')
        self.name, self.word = words[:2]
        self.passed, self.failed, self.skipped, self.seconds = map(int, words[2:])


class Check:
    """The last make check, or the one that runs."""

    def __init__(self, out):
        folder = os.path.join(out, 'check')
        self.steps = [Step(f'{folder}/results:{number}', line)
                      for number, line in enumerate(optional(f'{folder}/results'), 1)]
        self.all = [line.split()[0] for line in optional(f'{folder}/steps') if line.split()]
        state = dict(line.partition(' ')[::2] for line in optional(f'{folder}/status'))
        self.known = bool(state)
        self.step, self.verdict = state.get('step', ''), state.get('verdict', '')
        self.begin, self.since, self.pid = (whole(state.get(key)) for key in
                                            ('begin', 'since', 'pid'))
        # Of a check of only some steps the verdict does not begin with "all ".
        self.good = self.verdict.startswith('all ')
        self.part = bool(re.match(r'\d+ of \d+ steps asked for, all', self.verdict))
        self.running = not self.verdict and self.pid > 0 and alive(self.pid)
        self.now = ''
        if self.step:
            said = [line.strip() for line in optional(f'{folder}/{self.step}.log') if line.strip()]
            self.now = said[-1].split('\r')[-1].strip() if said else ''

    def total(self, what):
        return sum(getattr(step, what) for step in self.steps)

    def red(self):
        return [step.name for step in self.steps if step.word not in ('ok', 'skipped')]

    def line(self):
        """How it stands, in words."""
        if not self.known:
            return 'make check has not run here'
        sums = ', '.join(f'{self.total(what)} {what}' for what in ('passed', 'failed', 'skipped'))
        red = f'; FAILED: {" ".join(self.red())}' if self.red() else ''
        if self.verdict:
            return f'make check: {self.verdict}: {sums}'
        spent = f'{max(int(time.time()) - self.begin, 0)} s'
        where = f'step {len(self.steps) + 1} of {len(self.all)}, {self.step}'
        if self.running:
            return f'make check runs for {spent}, {where}: {sums} so far{red}'
        return f'make check was interrupted in {where}: {sums} until then{red}'


class Lane:
    """The last run of one lane: its verdict and what led to it."""

    def __init__(self, folder):
        self.name = os.path.basename(folder)
        verdict = optional(f'{folder}/verdict')
        self.line = verdict[0] if verdict else f'{self.name}: runs now, or ended before its verdict'
        counts = verdict[1].split()[1:] if verdict[1:] else []
        self.passed, self.failed, self.skipped = map(whole, counts or (None, None, None))
        self.ok = self.line.endswith('- ok')
        self.manifest = dict(re.split(r'\s+', line, maxsplit=1) for line in
                             optional(f'{folder}/manifest') if len(line.split()) > 1)
        self.findings = findings(optional(f'{folder}/findings'))
        self.silent = optional(f'{folder}/silent')
        self.parts = parts(optional(f'{folder}/results.ktap'), bool(re.search(r'-vm(-base)?$', self.name)))

    @property
    def tree(self):
        return self.manifest.get('series', '')

    @property
    def part(self):
        """What a run of FILTER= ran, to be said behind its numbers; '' of a whole one."""
        return f', only {self.manifest["filter"].strip()}' if 'filter' in self.manifest else ''


class Patch:
    """One patch of the series, and the tests that say since= it."""

    def __init__(self, path, number, counts):
        self.number, self.slug = number, slug_of(path)
        mail = email.message_from_string(read(path).partition('\n')[2])
        subject = str(email.header.make_header(email.header.decode_header(
            re.sub(r'\n\s', ' ', mail.get('Subject', self.slug)))))
        self.subject = re.sub(r'^\[[^]]*\] *', '', subject)
        self.topic = os.path.relpath(os.path.dirname(path), os.path.join(TOP, 'patches'))
        self.cases, self.programs = counts.get(self.slug, (0, 0))


class Coverage:
    """One source file of an lcov tracefile."""

    def __init__(self, name):
        self.name, self.lines, self.branches = name, {}, {}

    def share(self, what):
        hits = getattr(self, what)
        return (sum(count > 0 for count in hits.values()), len(hits))

    def missed(self):
        """The lines without a hit, as "4-6, 9"."""
        spans = []
        for number in sorted(n for n, count in self.lines.items() if not count):
            if spans and spans[-1][1] == number - 1:
                spans[-1][1] = number
            else:
                spans.append([number, number])
        return ', '.join(f'{a}-{b}' if a < b else str(a) for a, b in spans)


def optional(path):
    """The lines of a file that need not be there."""
    return read(path).splitlines() if os.path.exists(path) else []


def whole(text):
    return int(text) if text and text.isdigit() else 0


def alive(pid):
    return os.path.exists(f'/proc/{pid}')


def findings(lines):
    """[[head, line, ...]]: a head begins at the margin."""
    found = []
    for line in lines:
        if line.startswith(' ') and found:
            found[-1].append(line)
        elif line:
            found.append([line])
    return found


def parts(lines, selftests):
    """[(suite or test, {status: number})] out of results.ktap"""
    if not lines:
        return []
    if selftests:
        return [(test.name, dict(test.parts)) for test in VmLog(lines).cases]
    counts = {}
    for case in KunitLog(lines).cases:
        suite = counts.setdefault(case.name.split('.')[0], dict.fromkeys(STATUSES, 0))
        if case.leaf:
            suite[case.status] += 1
    return list(counts.items())


def lanes(out):
    """Every run below out that a verdict is due for."""
    folders = [os.path.dirname(path) for path in sorted(glob.glob(f'{glob.escape(out)}/*/manifest'))]
    return [Lane(folder) for folder in folders
            if os.path.exists(f'{folder}/log') and not OTHER.search(os.path.basename(folder))]


def patches():
    counts = {}
    for kind, entries in enumerate((inventory.load()[1], matrix.load())):
        for entry in entries:
            if entry.since:
                counts.setdefault(entry.since, [0, 0])[kind] += 1
    return [Patch(f'{TOP}/patches/{name}', number, counts)
            for number, name in enumerate(series_files(f'{TOP}/patches'), 1)]


def each_patch(out):
    """{number of a patch: [(mode, ok, text)]}"""
    found = {}
    for line in optional(f'{out}/each-patch.tap'):
        hit = re.match(r'(not ok|ok) \d+ - (prefix|without) (\d+)(.*)', line)
        if hit:
            found.setdefault(int(hit[3]), []).append((hit[2], hit[1] == 'ok', hit[4].strip(' :')))
    return found


def coverage(out):
    files = {}
    for path in sorted(glob.glob(f'{glob.escape(out)}/**/*.info', recursive=True)):
        here = None
        for number, line in enumerate(optional(path), 1):
            kind, _, value = line.partition(':')
            words = value.split(',')
            try:
                if kind == 'SF':
                    name = value.split('/linux/')[-1]
                    here = files.setdefault(name, Coverage(name))
                elif kind == 'DA':
                    here.lines[int(words[0])] = here.lines.get(int(words[0]), 0) + int(words[1])
                elif kind == 'BRDA':
                    key = tuple(words[:3])
                    here.branches[key] = here.branches.get(key, 0) + whole(words[3])
            except (AttributeError, IndexError, ValueError):
                raise BadInput(f'{path}:{number}: not what lcov writes: {line}') from None
    return [files[name] for name in sorted(files)]


def tree_now(linux):
    """The id of the tree in build/linux, as a manifest has it."""
    done = subprocess.run(['git', '-C', linux, 'rev-parse', 'HEAD^{tree}'], capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ''
