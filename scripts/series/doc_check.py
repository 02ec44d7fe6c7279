#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""doc_check.py - does the documentation of GUP still match the code?

usage: doc_check.py [TREE]	(default: build/linux)

Prints TAP, three cases:
  kernel-doc of mm/gup.c has no warnings (the tree's own tools/docs/kernel-doc)
  pin_user_pages.rst names every export of mm/gup.c that takes or drops pins
  every function() that pin_user_pages.rst names exists in the tree
Exit status: 0 all hold, 1 one does not, 2 cannot tell (no such tree).
"""
import os
import re
import subprocess
import sys

CODE = "mm/gup.c"
RST = "Documentation/core-api/pin_user_pages.rst"
EXPORT = re.compile(r"^EXPORT_SYMBOL(?:_GPL)?\((\w+)\)", re.M)
PIN = re.compile(r"^(un)?pin_|_pin_|_pins?$")
CALL = re.compile(r"(?<![\w*])([a-z]\w+)\(\)")


def kernel_doc_warnings(tree):
    run = subprocess.run([sys.executable, "tools/docs/kernel-doc", "-none",
                          "-Wall", CODE], cwd=tree, capture_output=True,
                         text=True)
    # it says some of them twice
    lines = list(dict.fromkeys((run.stdout + run.stderr).splitlines()))
    if run.returncode and not lines:
        lines = ["kernel-doc: exit status %d" % run.returncode]
    return lines


def unnamed_exports(code, rst):
    named = set(re.findall(r"\w+", rst))
    return [name + " is exported, but not named in " + RST
            for name in EXPORT.findall(code)
            if PIN.search(name) and name not in named]


def unknown_calls(tree, rst):
    bad = []
    for name in sorted(set(CALL.findall(rst))):
        # "name()" alone is prose again; arguments make a declaration or a call
        found = subprocess.run(["git", "grep", "-qE", r"\b%s\([^)]" % name,
                                "--", "mm", "include", "kernel", "fs"],
                               cwd=tree)
        if found.returncode:
            bad.append(name + "() is named in " + RST + ", but does not exist")
    return bad


def main(argv):
    if argv[1:2] in (["-h"], ["--help"]):
        print(__doc__.rstrip())
        return 0
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tree = argv[1] if argv[1:] else os.path.join(top, "build", "linux")
    try:
        with open(os.path.join(tree, CODE)) as f:
            code = f.read()
        with open(os.path.join(tree, RST)) as f:
            rst = f.read()
    except OSError as err:
        print("gup: doc_check: %s: make tree" % err, file=sys.stderr)
        return 2
    cases = (("kernel-doc of " + CODE, kernel_doc_warnings(tree)),
             ("exports are named in " + RST, unnamed_exports(code, rst)),
             ("calls named in " + RST + " exist", unknown_calls(tree, rst)))
    print("1..%d" % len(cases))
    for number, (name, complaints) in enumerate(cases, 1):
        print("%sok %d - %s" % ("not " if complaints else "", number, name))
        for line in complaints:
            print("# " + line)
    return int(any(complaints for _, complaints in cases))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
