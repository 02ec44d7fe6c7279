#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""compare.py - what the semantic patches found, against what is known of it

usage: compare.py --side SIDE --triage FILE --tree TREE --files FILE --found DIR RULE...
       compare.py --api		prints the regular expression for the names of the API

DIR/RULE has the findings of a rule, "file:line<TAB>function<TAB>what". A line of the triage
is "rule file function verdict reason", one for each finding. The verdicts are
  real      a bug that is there, and stays until somebody fixes it
  fixed     a bug that a patch of the series fixes: on the base only
  harmless  the rule is right, and nothing bad can come of it
  false     the rule is wrong here
  new       the same, in what a patch of the series adds: on the series only

DIR/unseen has the calls that spatch could parse; those of the text that it lacks are the
findings of that rule.

exit status: 0 all known, 1 a new finding, or a known one is gone, 2 cannot tell
"""
import collections
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, read, run

API = r'(pin_user_pages|pin_user_page_ranges|get_user_pages|memfd_pin_folios|unpin_user_|unpin_folio)[a-z_]*'
VERDICTS = ('real', 'fixed', 'harmless', 'false', 'new')
ONLY = {'fixed': 'base', 'new': 'series'}
NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
CALL = re.compile(rf'\b{API}\(')
# At the start of a line only a definition or a declaration has a name and a parenthesis.
DEFINED = re.compile(rf'(?:\w[\w *]*[ *])?{API}\(')


def calls(text):
    """The lines that call the API, comments and strings apart."""
    code = NO_CODE.sub(lambda found: re.sub(r'[^\n]', ' ', found.group()), text)
    return [number for number, line in enumerate(code.split('\n'), 1)
            if CALL.search(line) and not DEFINED.match(line)]


def findings(directory, rule):
    for line in read(os.path.join(directory, rule)).splitlines():
        fields = line.split('\t')
        if len(fields) != 3 or ':' not in fields[0]:
            raise BadInput(f'{directory}/{rule}: "{line}" is no finding: see {rule}.log beside it')
        place, function, what = fields
        path, _, number = place.rpartition(':')
        yield path, int(number), function, what


def unseen(directory, tree, files):
    seen = {(path, number) for path, number, _, _ in findings(directory, 'unseen')}
    for path in files:
        for number in calls(read(os.path.join(tree, path))):
            if (path, number) not in seen:
                yield path, number, '-', 'a call that spatch cannot parse'


def known(path, side, rules):
    """Counter of (rule, file, function) that must be found on this side."""
    wanted = collections.Counter()
    for number, line in enumerate(read(path).splitlines(), 1):
        words = line.split(None, 4)
        if not words or words[0].startswith('#'):
            continue
        if len(words) < 5 or words[3] not in VERDICTS:
            raise BadInput(f'{path}:{number}: not "rule file function {"|".join(VERDICTS)} reason"')
        if words[0] in rules and ONLY.get(words[3], side) == side:
            wanted[tuple(words[:3])] += 1
    return wanted


def main(argv):
    if argv == ['--api']:
        print(API)
        return 0
    parser = Parser(__doc__)
    for name in ('side', 'triage', 'tree', 'files', 'found'):
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('rules', nargs='+')
    args = parser.parse_args(argv)
    left, bad, total = known(args.triage, args.side, args.rules), 0, 0
    for rule in args.rules:
        found = unseen(args.found, args.tree, read(args.files).split()) if rule == 'unseen' \
            else findings(args.found, rule)
        for path, number, function, what in sorted(found):
            total += 1
            if left[rule, path, function] > 0:
                left[rule, path, function] -= 1
                continue
            bad += 1
            print(f'new: {path}:{number}: {rule}: {function}: {what}')
    for (rule, path, function), number in sorted(left.items()):
        bad += number
        for _ in range(number):
            print(f'gone: {path}: {rule}: {function}: not found any more: fixed, then take its line '
                  f'from {os.path.basename(args.triage)}; or the rule is blind')
    print(f'cocci: {total} findings, {bad} that differ from {os.path.basename(args.triage)}')
    return 1 if bad else 0


if __name__ == '__main__':
    run(main)
