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
import collections
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, read, run
from verdict import log
from verdict.kunit_log import RESULT

DENY = os.path.join(TOP, 'scripts', 'verdict', 'splat.deny')
ALLOW = os.path.join(TOP, 'scripts', 'verdict', 'splat.allow')
# Of several rules that one line breaks, the heaviest class names the splat.
WEIGHT = {'warn': 1, 'bug': 2, 'page': 3, 'lockdep': 3, 'stall': 3, 'kasan': 3, 'crash': 4}
CUT = '------------[ cut here ]'
LAST = re.compile(r'^---\[ end |^Disabling lock debugging due to kernel taint')
LONGEST, BEFORE = 40, 20     # lines of an excerpt; of them before a panic
ONE_LINE = re.compile(r'\b[Oo]ut of memory\b')
# The reports of the sanitizers are between two such lines.
FRAMED, FRAME = re.compile(r'\bBUG: K(ASAN|CSAN|FENCE|MSAN):'), re.compile(r'^={30,}$')
# What comes behind "cut here" and says what it is. What else comes there is of another CPU.
BEHIND_CUT = re.compile(r'WARNING: |kernel BUG at|^UBSAN:|refcount_t:|\blist_\w+ corruption')
# A match within the excerpt of a splat is a splat of its own, and ends that excerpt, or the
# excuse of one would cover the other. But a report may say more of what the deny list has. First
# the "class text" of a report, then its own lines.
INNER = [(re.compile(report), re.compile(line)) for report, line in (
    (r'^page BUG: Bad page|^kasan ', r'\bpage dumped because:'),     # the page in question
    (r'\bkernel BUG at|BUG: (unable|kernel NULL)|\bUnable to handle kernel|stack (guard|overflow)',
     r'^Oops|^Internal error:'),                                     # in which a bad access ends
    (r'^bug (refcount_t:|list_)', r'^WARNING: .* at '),              # its message was first
    (r'^(lockdep|stall) ', r'unsafe locking scenario|lockdep is turned off'),
    (r'^stall INFO: task', r'^INFO: task .* blocked on an? ')       # by whom
)]
KTAP_LINE = re.compile(r'^(not )?ok \d|^1\.\.\d|^# |^KTAP ')


# One line of the allow list. case: a glob, or None for any; title: what the splat must begin with
# that it holds for, or None.
Excuse = collections.namedtuple('Excuse', 'regex reason case title', defaults=(None, None))


class Splat:
    """One event. line: 1-based, where it was matched, and there text; first..last: its excerpt;
    inner: further lines of it that the deny list has."""

    def __init__(self, kind, line, text, first, last):
        self.kind, self.line, self.text = kind, line, text
        self.first, self.last, self.inner = first, last, set()
        self.case = None        # filled in by the verdict: in which case it fell

    def takes(self, index, kind, text):
        """True if that match is a part of this event."""
        if index >= self.last:
            return False
        if self.kind == 'crash':                # never excused: it can hide nothing
            return True
        if self.text.startswith(CUT) and kind not in ('crash', 'lockdep') and BEHIND_CUT.search(text):
            self.kind, self.line, self.text = kind, index + 1, text
            return True
        if any(report.search(f'{self.kind} {self.text}') and line.search(text)
               for report, line in INNER):
            self.inner.add(index + 1)
            return True
        return False


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
    """[Excuse] of the allow list."""
    rules = []
    for where, line in rows(path):
        part = [field.strip() for field in line.split(' | ')]
        if len(part) < 2 or not part[1] or not part[0]:
            raise BadInput(f'{where}: want "<regex> | <reason>[ | case=<glob>][ | title=<regex>]"; '
                            'an entry without a reason is refused')
        more = {}
        for field in part[2:]:
            key, _, value = field.partition('=')
            if key not in ('case', 'title') or not value or key in more:
                raise BadInput(f'{where}: behind the reason case=<glob> and title=<regex> may '
                                f'stand, once each: {field}')
            more[key] = compiled(where, value) if key == 'title' else value
        rules.append(Excuse(compiled(where, part[0]), part[1], **more))
    return rules


def hits(line, deny):
    """[(class, text)]: the worst rule that each part of a line breaks. What follows a glued time
    stamp is a line by itself."""
    found = []
    for part in log.parts(line):
        broken = [kind for kind, regex in deny if regex.search(part)]
        if broken and not RESULT.match(part.lstrip()):      # a case may be named after what it tests
            found.append((max(broken, key=WEIGHT.get), part.strip()))
    return found


def worst(line, deny):
    """The worst of these, or None."""
    return max(hits(line, deny), key=lambda hit: WEIGHT[hit[0]], default=None)


def extent(text, index, kind):
    """The first and last line, from 1 on, of what belongs to a splat."""
    first, last = index, index + 1
    if ONE_LINE.search(text[index]) and kind != 'crash':
        return last, last
    while kind == 'crash' and first > 0 and index - first < BEFORE \
            and not KTAP_LINE.match(text[first - 1].lstrip()):
        first -= 1                              # registers come before the panic
    framed = FRAMED.search(text[index])
    while last < min(len(text), index + LONGEST):
        if KTAP_LINE.match(text[last].lstrip()) or text[last].startswith(CUT) \
           or log.END.match(text[last]):
            break
        last += 1
        if LAST.search(text[last - 1]) or (framed and FRAME.search(text[last - 1])):
            break
    return first + 1, last


def scan(lines, deny):
    """All splats of a log (its clean lines). The allow list comes later, in allowed(),
    because an entry may hold for one case only."""
    found = []
    for index, line in enumerate(lines):
        for kind, text in hits(line, deny):
            if found and found[-1].takes(index, kind, text):
                continue
            if kind != 'crash':                 # what came before a panic leads to it
                for other in found:
                    other.last = min(other.last, max(index, other.line))
            found.append(Splat(kind, index + 1, text, *extent(lines, index, kind)))
    return found


def evidence(splat, lines):
    """What an excuse may go by: the title, and its excerpt but for what the deny list has."""
    return [splat.text] + [lines[number - 1] for number in range(splat.first, splat.last + 1)
                           if number != splat.line and number not in splat.inner]


def allowed(splat, lines, allow, match):
    """Reason why this splat is excused, or None. match(glob) tells whether it
    fell into a case of that name. A crash is never excused."""
    if splat.kind == 'crash':
        return None
    body = evidence(splat, lines)
    for rule in allow:
        if (rule.case is None or match(rule.case)) \
           and (rule.title is None or rule.title.search(splat.text)) \
           and any(rule.regex.search(line) for line in body):
            return rule.reason
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
