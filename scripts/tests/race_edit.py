#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Take one check out of mm/gup.c, as race-checks.table says.

With a name, writes the changed file to stdout; with --list, the names and the cases
that have to be red. Exit status: 2 for lines that are not there exactly once, and for
a table or name that makes no sense.
"""
import argparse
import sys


def fail(message):
    print(f"race_edit.py: {message}", file=sys.stderr)
    sys.exit(2)


def parse(path):
    """{name: (cases, [(old, new)])}"""
    table, edits = {}, None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            mark, rest = line[0], line[1:]
            if mark == "=":
                name, *cases = rest.split()
                if name in table or not cases:
                    fail(f"{path}:{number}: a name of its own and a case, please")
                edits = []
                table[name] = (cases, edits)
            elif mark in "+-":
                if edits is None:
                    fail(f"{path}:{number}: no name before")
                if not edits or (mark == "-" and edits[-1][2]):
                    edits.append(["", "", False])
                edits[-1]["-+".index(mark)] += rest
            elif mark == "\n":
                if edits:
                    edits[-1][2] = True
            elif mark != "#":
                fail(f"{path}:{number}: cannot be read")
    for name, (_, edits) in table.items():
        if not edits or not all(edit[0] for edit in edits):
            fail(f"{path}: {name} takes nothing out")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("table")
    parser.add_argument("source", nargs="?")
    parser.add_argument("name", nargs="?")
    args = parser.parse_args()
    table = parse(args.table)
    if args.list:
        for name, (cases, _) in table.items():
            print(name, *cases)
        return
    if args.name not in table:
        fail(f"{args.name}: not in {args.table}")
    with open(args.source, encoding="utf-8") as file:
        text = file.read()
    for old, new, _ in table[args.name][1]:
        found = text.count("\n" + old)
        if found != 1:
            fail(f"{args.name}: {args.source} has this {found} times, not once: "
                 f"mend {args.table}:\n{old}")
        text = text.replace("\n" + old, "\n" + new)
    sys.stdout.write(text)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, UnicodeError) as error:
        fail(error)
