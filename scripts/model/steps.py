#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""steps.py - the steps of gup_fast.pml, and the source that they stand for

usage: steps.py list [MODEL]
       steps.py check TREE [MODEL]

list: a line for each, "number name kind peers". check: every piece of text has to be
in its file of the kernel tree exactly once, blanks squeezed. MODEL: instead of
scripts/model/gup_fast.pml.

exit status: 0 all there, 1 a text is not there once, 2 cannot tell
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import TOP, BadInput, Parser, read, run

STEP = re.compile(r"// (needed|spare|other) ([\w,]+) \| (\S+) \| (.+)\n#define (\w+)\s+(\d+)\n")


def squeeze(text):
    return " ".join(text.split())


def read_steps(model):
    text = read(model)
    steps = STEP.findall(text)
    named = re.findall(r"^// (?:needed|spare|other) .*\|.*\|", text, re.M)
    if not steps or len(steps) != len(named):
        raise BadInput(f"{model}: {len(named)} steps, but {len(steps)} that can be read: "
                       "a line \"// kind peer | file | text\", then its #define")
    return steps


def check(steps, tree):
    status = 0
    texts = {}
    for _, _, path, want, name, _ in steps:
        if path not in texts:
            texts[path] = squeeze(read(os.path.join(tree, path)))
        found = texts[path].count(squeeze(want))
        if found != 1:
            print(f"{path}: the text of {name} is there {found} times, wanted once:\n    {want}\n"
                  "    look what became of the step, mend the model and this text")
            status = 1
    if not status:
        print(f"check-source: {len(steps)} steps found in {len(texts)} files")
    return status


def main(argv):
    parser = Parser(__doc__)
    verbs = parser.verbs()
    listing, checking = verbs.add_parser("list"), verbs.add_parser("check")
    checking.add_argument("tree")
    for verb in listing, checking:
        verb.add_argument("model", nargs="?", default=os.path.join(TOP, "scripts/model/gup_fast.pml"))
    args = parser.parse_args(argv)
    steps = read_steps(args.model)
    if args.verb == "check":
        return check(steps, args.tree)
    for kind, peer, _, _, name, number in steps:
        print(number, name, kind, peer)
    return 0


if __name__ == "__main__":
    run(main)
