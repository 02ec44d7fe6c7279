# SPDX-License-Identifier: GPL-2.0
"""log.py - what the logs of KUnit and of the selftests have in common: lines, stamps, ends

A log is read once, by read(): one clean text for each line of the file, so that a number
says where to look. A Log makes cases out of it and says why it must not count as a pass.
"""
import re
import sys

from lib import Parser, read as read_file

STAMP = re.compile(r'(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?')
# In the middle of a line: what the kernel said while an output had no end of line yet.
GLUED = re.compile(r'(?<=.)(?=\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? )')
HEADER, PLAN = re.compile(r'^KTAP version \d+$'), re.compile(r'^1\.\.(\d+)\b')
END = re.compile(r'^reboot: (System halted|Power down|Restarting system)')
# boot/lane.sh says the first, the kernel the second, without a time stamp even in the middle of
# a line. What a test prints of that kind has "# " before it.
TIMEOUT, DROPPED = (re.compile(r'timed out after ([\d.]+) seconds$'),
                    re.compile(r'^(?! *#).*?\*\* (\d+) printk messages dropped \*\*'))
NUL = '\0'


class Lines(list):
    """The clean lines of a log. damaged: the numbers of those that had a NUL."""

    damaged = ()


def clean(line):
    """One log line without time stamp, carriage return, trailing blanks. And without NULs:
    behind them no rule that begins with ^ would see what there is."""
    line = line.replace(NUL, '').rstrip()
    stamp = STAMP.match(line)
    return line[stamp.end():] if stamp else line


def read(path):
    """The lines of a log, clean."""
    raw = read_file(path).split('\n')
    lines = Lines(clean(line) for line in (raw if raw[-1] else raw[:-1]))
    lines.damaged = [number for number, line in enumerate(raw, 1) if NUL in line]
    return lines


def parts(line):
    """What one line of the log holds: mostly itself. The kernel may have printed into a
    line that was not complete; then that begins with a time stamp. What a test prints has
    "# " before it and is always whole."""
    if '[' not in line or line.lstrip().startswith('#'):
        return [line]
    return [clean(part) for part in GLUED.split(line)]


def squash(name):
    """Names go in tables that blanks separate: blanks become _."""
    return re.sub(r'\s+', '_', name.strip())


class Log:
    """cases: every result, in order of the log. problems: why it must not count as a pass.
    ended: the kernel came to its end. timeout: seconds, if it was killed. dropped: lines
    that the kernel lost. running: what was open at the end, as the kind of log has it.
    mark: the first line that no result has claimed. ktap: the lines that are KTAP."""

    def __init__(self, lines):
        self.cases, self.problems, self.ktap = [], [], []
        self.started, self.ended, self.timeout, self.dropped = False, False, None, 0
        self.running, self.mark = None, 1
        self.whole(getattr(lines, 'damaged', ()))
        for number, text in enumerate(lines, 1):
            for part in parts(text):
                self.common(number, part)
                if self.line(number, part):
                    self.ktap.append(part)
        self.finish()

    def whole(self, damaged):
        """A kernel prints no NUL: it stands where something else is lost."""
        if damaged:
            more = f' and in {len(damaged) - 1} more lines' if damaged[1:] else ''
            self.problem(damaged[0], f'a NUL in it{more}: the log is damaged')

    def common(self, number, text):
        """What every kernel may say."""
        late, lost = TIMEOUT.search(text), DROPPED.match(text)
        if late:
            self.timeout = late.group(1)
        if lost:        # a splat may be among them, also where no result is missing
            self.dropped += int(lost.group(1))
            self.problem(number, f'the kernel dropped {lost.group(1)} lines here')
        if END.match(text.lstrip()):
            self.ended = True

    def problem(self, number, text):
        self.problems.append(f'line {number}: {text}' if number else text)

    def line(self, number, text):
        """Take one line; true if it is KTAP."""
        raise NotImplementedError

    def finish(self):
        """Say what is missing at the end."""
        raise NotImplementedError

    def table(self):
        """One text a result, for people."""
        raise NotImplementedError

    def faults(self):
        """Everything that is wrong with the log."""
        return self.problems


def program(kind, manual, argv):
    """The command line of a kind of log."""
    parser = Parser(manual)
    parser.add_argument('--list', action='store_true')
    parser.add_argument('log')
    args = parser.parse_args(argv)
    log = kind(read(args.log))
    print('\n'.join(log.table() if args.list else log.ktap))
    for problem in log.faults():
        print(f'gup: {args.log}: {problem}', file=sys.stderr)
    return 2 if log.faults() else 0
