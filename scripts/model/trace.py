#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""trace.py - a counterexample of gup_fast.pml in GUP's words

usage: trace.py FILE [MODEL]

FILE: what "pan -r" has said; - is standard input. cpu0 runs GUP-fast, cpu1 the other side.
Pages are A, B, C, D in physical order; a folio has the name of its first page. MODEL:
instead of scripts/model/gup_fast.pml.

exit status: 0 printed, 2 there is no trace
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import TOP, BadInput, Parser, read, run


class Model:
    """Numbers and words that have their home in the model."""

    def __init__(self, path):
        text = read(path)
        pages = re.search(r"^#define P\s+(\d+)", text, re.M)
        if not pages:
            raise BadInput(f"{path}: no line #define P: is it the model?")
        self.pages = int(pages.group(1))
        self.cells = []
        for name, arg, value in re.findall(
                r"^#define (PMD|PTE|SEQ|HAS_PINNED|REF|PINC|HEAD|EXCL)(?:\((\w)\))?\s+([^/\n]+)", text, re.M):
            value = value.replace("P", str(self.pages))
            if arg:
                value = value.replace(f"({arg})", "0")
            self.cells.append((eval(value, {"__builtins__": {}}), name))	# pylint: disable=eval-used
        self.cells.sort()
        self.broken = {int(n): words for n, words in re.findall(
            r"^#define (?:NOT_MAPPED|SHARED|COPIED|UNBALANCED|UNDERFLOW|FREE_COUNTED|TABLE_FREED|FREE_PINNED|TOO_MANY)"
            r"\s+(\d+)\s+// (.*)", text, re.M)}
        if len(self.cells) != 8 or len(self.broken) != 9:
            raise BadInput(f"{path}: cells or properties are not where they were: mend trace.py")

    def cell(self, number):
        start, name = max(c for c in self.cells if c[0] <= number)
        return name, number - start


def page(n):
    return "ABCDEFGH"[n]


def signed(n):
    return n - 256 if n > 127 else n


def entry(v):
    return f"page {page((v >> 1) - 1)}, {'writable' if v & 1 else 'read-only'}" if v else "nothing"


def pmd(v):
    return {0: "nothing", 1: "the page table"}.get(v, "a leaf")


def write(model, number, v):
    name, n = model.cell(number)
    if name in ("PMD", "PTE"):
        return f"the PMD: {pmd(v)}" if name == "PMD" else f"entry {n}: {entry(v)}"
    if name == "HEAD":
        return f"page {page(n)}: " + (f"of the large folio {page(v - 1)}" if v else "a folio of its own")
    return {"SEQ": "write_protect_seq", "HAS_PINNED": "MMF_HAS_PINNED", "REF": f"references of {page(n)}",
            "PINC": f"pincount of {page(n)}", "EXCL": f"PageAnonExclusive of {page(n)}"}[name] + f" = {v}"


def change(model, number, v):
    name, n = model.cell(number)
    return f"{'references' if name == 'REF' else 'pincount'} of {page(n)} {signed(v):+d}"


# event: words, made of its numbers a, b, c, d
WORDS = {
    "seq": lambda m, a: f"reads write_protect_seq: {a[0]}",
    "retry": lambda m, a: f"reads write_protect_seq again: {a[0]}",
    "pmd": lambda m, a: f"reads the PMD: {pmd(a[0])}",
    "pmd2": lambda m, a: f"looks at the PMD again: {pmd(a[0])}",
    "pte": lambda m, a: f"reads entry {a[0]}: {entry(a[1])}",
    "pte2": lambda m, a: f"looks at entry {a[0]} again: {entry(a[1])}",
    "peek": lambda m, a: f"peeks at entry {a[0]}: {entry(a[1])}",
    "scan": lambda m, a: f"reads entry {a[0]} for the batch: {entry(a[1])}",
    "compound": lambda m, a: f"reads PageCompound of {page(a[0])}: {'yes' if a[1] else 'no'}",
    "count": lambda m, a: f"reads the references of {page(a[0])}: {a[1]}",
    "folio": lambda m, a: f"reads page_folio of {page(a[0])}: {page(a[1])}",
    "take": lambda m, a: f"takes {a[1]} references of {page(a[0])} unless zero: {'done' if a[2] else 'it is zero'}",
    "haspincount": lambda m, a: f"pins {page(a[0])} by its {'pincount' if a[1] else 'references'}",
    "excl": lambda m, a: f"reads PageAnonExclusive of {page(a[0])}: {a[1]}",
    "unpin": lambda m, a: f"gives back {a[1]} of folio {page(a[0])}",
    "put": lambda m, a: f"puts {a[1]} references of {page(a[0])}",
    "pinned": lambda m, a: f"asks whether {page(a[0])} may be pinned: {'yes' if a[1] else 'no'}",
    "shares": lambda m, a: f"takes page {page(a[0])} as shared from now on",
    "isolates": lambda m, a: "finds " + ("no reference too many" if a[0] else "a reference too many, stops"),
    "copies": lambda m, a: f"copies page {page(a[0])} away",
    "freestable": lambda m, a: "frees the page table",
    "freeze": lambda m, a: f"freezes the references of {page(a[0])}: {'done' if a[1] else 'there are others'}",
    "store": lambda m, a: f"writes {write(m, a[0], a[1])}",
    "add": lambda m, a: f"adds: {change(m, a[0], a[1])}",
}
FLAGS = ("FOLL_GET", "FOLL_PIN", "FOLL_PIN | FOLL_WRITE")


def at_once(event, following):
    return (event[1:2] in (["store"], ["add"]) and event[:1] == following[:1] and
            following[1] == "visible" and event[2:] == following[3:])


def words(model, event, done):
    who, rest = event[0], event[1:]
    if who == "start":
        return f"GUP-fast with {FLAGS[int(rest[0])]}"
    if who == "free":
        return f"      folio {page(int(rest[0]))} is free"
    if who == "return":
        return f"cpu0  returns {rest[0]} pages"
    if who == "page":
        return f"      it is about entry {rest[0]}, page {page(int(rest[1]))}"
    if who == "counts":
        n, ref, legit, pinc = map(int, rest)
        return f"      page {page(n)}: {ref} references, {legit} are others'; pincount {signed(pinc)}"
    if who == "broken":
        return f"wrong: {model.broken[int(rest[0])]}"
    what, numbers = rest[0], [int(n) for n in rest[1:]]
    if what == "visible":
        text = change(model, *numbers[1:]) if numbers[0] else write(model, *numbers[1:])
        return f"cpu{who}  ... is visible now: {text}"
    late = what in ("store", "add") and not done
    return f"cpu{who}  {WORDS[what](model, numbers)}" + (" (into its store buffer)" if late else "")


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument("file")
    parser.add_argument("model", nargs="?", default=os.path.join(TOP, "scripts/model/gup_fast.pml"))
    args = parser.parse_args(argv)
    model = Model(args.model)
    text = sys.stdin.read() if args.file == "-" else read(args.file)
    events = [line.split("@", 1)[1].split() for line in text.splitlines() if re.match(r"\s*@ ", line)]
    if not events or events[-1][0] != "broken":
        raise BadInput(f"{args.file}: no trace that ends with a broken property: run pan -r on a trail")
    for event, before, following in zip(events, [[]] + events, events[1:] + [[]]):
        # A write that is visible at once is told in one line.
        if at_once(before, event):
            continue
        print(words(model, event, at_once(event, following)))
    return 0


if __name__ == "__main__":
    run(main)
