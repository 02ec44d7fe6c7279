#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Find splats (WARN, BUG, Oops, KASAN, lockdep, ...) in a kernel log.

usage: splat.py [--deny FILE] [--allow FILE] LOG...

Prints each splat with its class, line and an excerpt with line numbers.
exit status: 0 none, 1 a splat, 2 bad list or no log

What counts is in scripts/verdict/splat.deny, what is excused (with a reason) in
scripts/verdict/splat.allow; their headers explain the format. A test that provokes
a WARN on purpose wraps it in kunit_warning_suppress(), which keeps it out of
the log and counts it, so there is no need for marks in the log.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, read, run
from verdict import log
from verdict.kunit_log import RESULT

DENY = os.path.join(TOP, 'scripts', 'verdict', 'splat.deny')
ALLOW = os.path.join(TOP, 'scripts', 'verdict', 'splat.allow')
# A later match inside the excerpt of an earlier one is the same event, unless
# it is worse: a WARN that ends in a panic counts as a panic.
WEIGHT = {'warn': 1, 'bug': 2, 'page': 3, 'lockdep': 3, 'stall': 3, 'kasan': 3, 'crash': 4}
CUT = '------------[ cut here ]'
LAST = re.compile(r'^---\[ end |^Disabling lock debugging due to kernel taint')
LONGEST, BEFORE = 40, 20     # lines of an excerpt; of them before a panic
# A report of one of these ends all others, and no other is a part of it, unless one of the
# two is a crash: else an excuse of one would cover the other.
OOM = re.compile(r'\binvoked oom-killer:|\b[Oo]ut of memory\b')
ONE_LINE = re.compile(r'\b[Oo]ut of memory\b')
KTAP_LINE = re.compile(r'^(not )?ok \d|^1\.\.\d|^# |^KTAP ')


class Splat:
    """One event. line: 1-based, where it was matched; first..last: its excerpt."""

    def __init__(self, kind, line, text, first, last):
        self.kind, self.line, self.text = kind, line, text
        self.first, self.last = first, last
        self.case = None        # filled in by the verdict: in which case it fell


def rows(path):
    for number, line in enumerate(read(path).splitlines(), 1):
        line = line.strip()
        if line and not line.startswith('#'):
            yield f'{path}:{number}', line


def compiled(where, regex):
    try:
        return re.compile(regex)
    except re.error as error:
        raise BadInput(f'{where}: not a regular expression ({error}): {regex}') from None


def load_deny(path=DENY):
    """[(class, regex)] of the deny list."""
    rules = []
    for where, line in rows(path):
        kind, _, regex = line.partition(' ')
        if kind not in WEIGHT or not regex.strip():
            raise BadInput(f'{where}: want "<class> <regex>", class one of {" ".join(WEIGHT)}')
        rules.append((kind, compiled(where, regex.strip())))
    if not rules:
        raise BadInput(f'{path}: no rule: it would find nothing')
    return rules


def load_allow(path=ALLOW):
    """[(regex, reason, glob of cases or None)] of the allow list."""
    rules = []
    for where, line in rows(path):
        part = [field.strip() for field in line.split(' | ')]
        if len(part) < 2 or len(part) > 3 or not part[1] or not part[0]:
            raise BadInput(f'{where}: want "<regex> | <reason>[ | case=<glob>]"; '
                            'an entry without a reason is refused')
        glob = None
        if len(part) == 3:
            if not part[2].startswith('case='):
                raise BadInput(f'{where}: third field must be case=<glob>: {part[2]}')
            glob = part[2][len('case='):]
        rules.append((compiled(where, part[0]), part[1], glob))
    return rules


def worst(line, deny):
    """(class, text) of the worst rule that a line breaks, or None. What follows a glued
    time stamp is a line by itself."""
    found = []
    for part in log.parts(line):
        if not RESULT.match(part.lstrip()):     # a case may be named after what it tests
            found += [(kind, part.strip()) for kind, regex in deny if regex.search(part)]
    return max(found, key=lambda hit: WEIGHT[hit[0]], default=None)


def extent(text, index, kind):
    """The first and last line, from 1 on, of what belongs to a splat."""
    first, last = index, index + 1
    if ONE_LINE.search(text[index]) and kind != 'crash':
        return last, last
    while kind == 'crash' and first > 0 and index - first < BEFORE \
            and not KTAP_LINE.match(text[first - 1].lstrip()):
        first -= 1                              # registers come before the panic
    while last < min(len(text), index + LONGEST):
        if KTAP_LINE.match(text[last].lstrip()) or text[last].startswith(CUT) \
           or log.END.match(text[last]):
            break
        last += 1
        if LAST.search(text[last - 1]):
            break
    return first + 1, last


def scan(lines, deny):
    """All splats of a log (its clean lines). The allow list comes later, in allowed(),
    because an entry may hold for one case only."""
    found = []
    for index, line in enumerate(lines):
        hit = worst(line, deny)
        if hit is None:
            continue
        if found and index < found[-1].last:
            event = found[-1]
            if 'crash' not in (event.kind, hit[0]) and \
               (OOM.search(event.text) or OOM.search(hit[1])):
                for other in found:
                    other.last = min(other.last, index)
            elif event.text.startswith(CUT):  # "cut here" only opens it
                event.kind, event.line, event.text = hit[0], index + 1, hit[1]
                continue
            elif WEIGHT[hit[0]] <= WEIGHT[event.kind]:
                continue
        found.append(Splat(hit[0], index + 1, hit[1], *extent(lines, index, hit[0])))
    return found


def allowed(splat, lines, allow, match):
    """Reason why this splat is excused, or None. match(glob) tells whether it
    fell into a case of that name. A crash is never excused."""
    if splat.kind == 'crash':
        return None
    body = lines[splat.first - 1:splat.last]
    for regex, reason, glob in allow:
        if (glob is None or match(glob)) and any(regex.search(line) for line in body):
            return reason
    return None


def excerpt(splat, lines, most=14):
    """Text lines "number: log line" of a splat, shortened in the middle."""
    out = [f'{n:6}: {lines[n - 1]}' for n in range(splat.first, splat.last + 1)]
    if len(out) > most:
        out[most - 2:-1] = [f'{"...":>6}']
    return out


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--deny', default=DENY)
    parser.add_argument('--allow', default=ALLOW)
    parser.add_argument('log', nargs='+')
    args = parser.parse_args(argv)
    status, deny, allow = 0, load_deny(args.deny), load_allow(args.allow)
    for path in args.log:
        lines = log.read(path)
        for splat in scan(lines, deny):
            reason = allowed(splat, lines, allow, lambda glob: False)
            if reason:
                print(f'allowed {splat.kind}: {path}:{splat.line}: {reason}')
                continue
            status = 1
            print(f'SPLAT {splat.kind}: {path}:{splat.line}: {splat.text}')
            print('\n'.join(excerpt(splat, lines)))
    return status


if __name__ == '__main__':
    run(main)
