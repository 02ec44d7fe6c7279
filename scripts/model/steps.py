#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The steps of gup_fast.pml: list them, or look for the source that they stand for.

list: a line for each, "number name kind peers". check: every piece of text has to be
in its file of the tree exactly once, blanks squeezed. Exit status: 0 all there, 1 a
text is not there once, 2 the model or the tree cannot be read.
"""
import argparse
import os
import re
import sys

STEP = re.compile(r"// (needed|spare|other) ([\w,]+) \| (\S+) \| (.+)\n#define (\w+)\s+(\d+)\n")


def squeeze(text):
    return " ".join(text.split())


def read_steps(model):
    with open(model, encoding="utf-8") as f:
        text = f.read()
    steps = STEP.findall(text)
    named = re.findall(r"^// (?:needed|spare|other) .*\|.*\|", text, re.M)
    if not steps or len(steps) != len(named):
        sys.exit(f"steps: {model}: {len(named)} steps, but {len(steps)} that can be read: "
                 "a line \"// kind peer | file | text\", then its #define")
    return steps


def check(steps, tree):
    status = 0
    texts = {}
    for _, _, path, want, name, _ in steps:
        if path not in texts:
            with open(os.path.join(tree, path), encoding="utf-8") as f:
                texts[path] = squeeze(f.read())
        found = texts[path].count(squeeze(want))
        if found != 1:
            print(f"{path}: the text of {name} is there {found} times, wanted once:\n    {want}\n"
                  "    look what became of the step, mend the model and this text")
            status = 1
    if not status:
        print(f"check-source: {len(steps)} steps found in {len(texts)} files")
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("list", "check"))
    parser.add_argument("--tree", help="the kernel tree, for check")
    parser.add_argument("--model", default=os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                        "gup_fast.pml"))
    args = parser.parse_args()
    steps = read_steps(args.model)
    if args.what == "check":
        if not args.tree:
            parser.error("check needs --tree")
        return check(steps, args.tree)
    for kind, peer, _, _, name, number in steps:
        print(number, name, kind, peer)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SystemExit as e:
        if isinstance(e.code, str):
            print(e.code, file=sys.stderr)
            sys.exit(2)
        raise
    except Exception as e:	# pylint: disable=broad-except
        print(f"steps: {e}", file=sys.stderr)
        sys.exit(2)
