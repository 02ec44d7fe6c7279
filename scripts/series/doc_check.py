#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""doc_check.py - compare the documentation of GUP with the code

usage: doc_check.py [TREE]	(default: build/linux)

Prints TAP, three cases:
  kernel-doc of mm/gup.c has no warnings (the tree's own tools/docs/kernel-doc)
  pin_user_pages.rst names every export of mm/gup.c that takes or drops pins
  every function() that pin_user_pages.rst names exists in the tree

exit status: 0 all hold, 1 one does not, 2 cannot tell (no such tree)
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import Parser, TOP, read, run

CODE = 'mm/gup.c'
RST = 'Documentation/core-api/pin_user_pages.rst'
EXPORT = re.compile(r'^EXPORT_SYMBOL(?:_GPL)?\((\w+)\)', re.M)
PIN = re.compile(r'^(un)?pin_|_pin_|_pins?$')
CALL = re.compile(r'(?<![\w*])([a-z]\w+)\(\)')


def kernel_doc_warnings(tree):
    done = subprocess.run([sys.executable, 'tools/docs/kernel-doc', '-none', '-Wall', CODE],
                          cwd=tree, capture_output=True, text=True, check=False)
    # it says some of them twice
    lines = list(dict.fromkeys((done.stdout + done.stderr).splitlines()))
    if done.returncode and not lines:
        lines = [f'kernel-doc: exit status {done.returncode}']
    return lines


def unnamed_exports(code, rst):
    named = set(re.findall(r'\w+', rst))
    return [f'{name} is exported, but not named in {RST}' for name in EXPORT.findall(code)
            if PIN.search(name) and name not in named]


def unknown_calls(tree, rst):
    bad = []
    for name in sorted(set(CALL.findall(rst))):
        # "name()" alone is prose again; arguments make a declaration or a call
        found = subprocess.run(['git', 'grep', '-qE', rf'\b{name}\([^)]', '--', 'mm', 'include',
                                'kernel', 'fs'], cwd=tree, check=False)
        if found.returncode:
            bad.append(f'{name}() is named in {RST}, but does not exist')
    return bad


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('tree', nargs='?', default=os.path.join(TOP, 'build', 'linux'))
    tree = parser.parse_args(argv).tree
    code, rst = (read(os.path.join(tree, name), 'make tree') for name in (CODE, RST))
    cases = ((f'kernel-doc of {CODE}', kernel_doc_warnings(tree)),
             (f'exports are named in {RST}', unnamed_exports(code, rst)),
             (f'calls named in {RST} exist', unknown_calls(tree, rst)))
    print(f'1..{len(cases)}')
    for number, (name, complaints) in enumerate(cases, 1):
        print(f'{"not " if complaints else ""}ok {number} - {name}')
        for line in complaints:
            print(f'# {line}')
    return int(any(complaints for _, complaints in cases))


if __name__ == '__main__':
    run(main)
