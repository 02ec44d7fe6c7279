#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""mutants.py - small changes of C code, each of which a test has to notice

usage: mutants.py list [--func GLOB] [--lines FILE] SOURCE	one a line
       mutants.py show SOURCE ID...				as diffs
       mutants.py check SOURCE LIST		the list of equivalent mutants: is each one still made?

SOURCE: a file, as the kernel tree names it: .../mm/gup.c. --lines: only those whose numbers
are in FILE. What is made of a function:

  negate    a condition, also that of ?:        order   < <= > >= by one, == and != swapped
  and-or    && and || swapped                   not     a ! less
  flag      a flag less, a test of one is 0     delete  a statement, or a jump
  sign      + and -, += and -= swapped          count   a number or a count is one more
  bool      true and false swapped

No lock is taken without being released: calls that lock, unlock, map and unmap stay; so does
what only asserts, and the last return. An ID comes from the text of function and change, so
it lasts while these do. exit status: 0 done, 1 check found one that is not made, 2 bad input
"""
import difflib
import fnmatch
import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, first_words, read, run
from mutate.lists import equivalents
from mutate.source import JUMPS, Source, TYPES, level

ORDER = {'<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '=='}
SWAPS = {'&&': ('and-or', '||'), '||': ('and-or', '&&'), '+': ('sign', '-'), '-': ('sign', '+'),
         '+=': ('sign', '-='), '-=': ('sign', '+='), 'true': ('bool', 'false'),
         'false': ('bool', 'true')}
PAIRS = re.compile(r'lock|irq|^pte_(?:offset_)?(?:un)?map|_begin$|_end$')
ASSERTS = re.compile(r'^(?:VM_)?(?:WARN|BUG)|^BUILD_BUG|^might_|assert|^cond_resched|^static_assert')
FLAG = re.compile(r'^[A-Z][A-Z0-9]*_[A-Z0-9_]+$')
ALONE = re.compile(r'^(?:FOLL|FAULT_FLAG|FPB|VM|MIGRATE)_')
COUNT = re.compile(r'^(?:n|i|nr|nr_\w+|\w*npages|refs|ret|ntails|count|size|max)$')


class Mutant:
    """One change: what, in which function, on which line; text: the whole file with it."""

    def __init__(self, source, function, what, start, end, new):
        old = source.text
        self.path, self.function, self.what = source.path, function, what
        self.line = old.count('\n', 0, start) + 1
        self.text = old[:start] + new + old[end:]
        first, last = old.rfind('\n', 0, start) + 1, old.find('\n', end)
        self.old = old[first:last].split('\n')
        self.new = self.text[first:last + len(self.text) - len(old)].split('\n')
        self.before = old[:max(first - 1, 0)].rpartition('\n')[2].strip()
        self.id = None

    def key(self):
        """What tells it from the others but for where it stands."""
        return (os.path.basename(self.path), self.function,
                '\n'.join(line.strip() for line in self.old),
                '\n'.join(line.strip() for line in self.new))

    def place(self):
        """Its key in a list: the line before, too."""
        return self.key()[:2] + (self.before,) + self.key()[2:]

    def diff(self, old):
        """As a unified diff."""
        name = 'mm/' + os.path.basename(self.path)
        return ''.join(difflib.unified_diff(old.splitlines(True), self.text.splitlines(True),
                                            'a/' + name, 'b/' + name))

    def __str__(self):
        return f'{self.id} {os.path.basename(self.path)}:{self.line} {self.function} {self.what}'


class Maker:
    """Makes all mutants of one function."""

    def __init__(self, source, function):
        self.source, self.function = source, function
        self.tokens, self.pair = source.tokens, source.pair

    def text(self, number):
        return self.tokens[number].text

    def change(self, what, first, last, new):
        """The tokens from first to last, both included, become new; lines stay lines."""
        start, end = self.tokens[first].start, self.tokens[last].end
        lines = self.source.text.count('\n', start, end) - new.count('\n')
        return Mutant(self.source, self.function.name, what, start, end, new + '\n' * lines)

    def of(self, first, last):
        """The text of the tokens [first, last)."""
        return self.source.text[self.tokens[first].start:self.tokens[last - 1].end]

    def all(self):
        for condition in self.function.conditions:
            yield from self.condition(condition)
        for statement in self.function.statements:
            yield from self.statement(statement)

    def condition(self, condition):
        first, last = condition
        yield self.change('negate', first, last - 1, f'!({self.of(first, last)})')
        whole = [n for n in level(self, first, last) if self.text(n) in ORDER or
                 self.text(n) in ('&&', '||')]
        for mutant in self.expression(first, last):
            # These are the negation once more.
            same = mutant.what == 'not' and not whole or \
                mutant.what == 'order' and len(whole) == 1 and self.text(whole[0]) in ('==', '!=')
            if not same:
                yield mutant

    def statement(self, statement):
        kind, first, last = statement
        name = self.text(first)
        if ASSERTS.search(name):
            return
        if kind in JUMPS:
            if kind != 'return' or last + 1 != self.function.last:
                yield self.change('delete', first, last, ';')
        elif kind == 'assign' or (kind == 'call' and not PAIRS.search(name)):
            yield self.change('delete', first, last, ';')
        if kind == 'return' and last == first + 2 and COUNT.match(self.text(first + 1)):
            yield self.change('count', first + 1, first + 1, self.text(first + 1) + ' + 1')
        if kind == 'assign':
            for number in level(self, first, last):
                if self.text(number) in ('+=', '-='):
                    yield self.change('count', number + 1, last - 1,
                                      f'({self.of(number + 1, last)}) + 1')
        yield from self.expression(first, last)

    def expression(self, first, last):
        for number in range(first, last):
            text, kind = self.text(number), self.tokens[number].kind
            if kind == 'mark' and text == '?':
                begin = self.begin(first, number)
                yield self.change('negate', begin, number - 1, f'!({self.of(begin, number)})')
            elif text in ORDER:
                yield self.change('order', number, number, ORDER[text])
            elif text in SWAPS and (kind == 'name' or text not in '+-' or self.binary(first, number)):
                yield self.change(SWAPS[text][0], number, number, SWAPS[text][1])
            elif text == '!':
                yield self.change('not', number, number, '')
            elif kind == 'number' and re.fullmatch(r'(?:0|[1-9]\d*)[uUlL]*', text):
                yield self.number(first, number)
            elif kind == 'name' and FLAG.match(text):
                yield from self.flag(first, last, number)
            elif kind == 'name' and COUNT.match(text) and self.argument(number):
                yield self.change('count', number, number, text + ' + 1')

    def begin(self, first, number):
        """Where the condition of the ? begins."""
        begin = number
        while begin > first and self.text(begin - 1) not in ('(', ',', '=', '{', ':', 'return'):
            begin -= 1
            begin = self.pair.get(begin, begin) if self.text(begin) in ')]}' else begin
        return begin

    def binary(self, first, number):
        before = self.tokens[number - 1]
        return number > first and before.text not in JUMPS and (
            before.kind in ('name', 'number') or before.text in (')', ']'))

    def number(self, first, number):
        value = re.match(r'\d+', self.text(number)).group()
        tail = self.text(number)[len(value):]
        before = self.text(number - 1)
        less = value == '1' and (before == 'return' or
                                 before in '+-' and self.binary(first, number - 1))
        return self.change('count', number, number, f'{0 if less else int(value) + 1}{tail}')

    def argument(self, number):
        """It is a whole argument of a call."""
        return self.text(number - 1) in ('(', ',') and self.text(number + 1) in (',', ')') and \
            not (self.text(number - 1) == '(' and self.text(number + 1) == ')' and
                 self.text(number - 2) in ('sizeof', 'typeof'))

    def flag(self, first, last, number):
        before = self.text(number - 1) if number > first else ''
        after = self.text(number + 1) if number + 1 < last else ''
        if after == '|':
            yield self.change('flag', number, number + 1, '')
        elif before == '|':
            yield self.change('flag', number - 1, number, '')
        elif before == '~' and self.text(number - 2) == '&':
            yield self.change('flag', number - 2, number, '')
        elif before == '&' and self.binary(first, number - 1):
            yield self.change('flag', number, number, '0')
        elif ALONE.match(self.text(number)) and self.argument(number):
            yield self.change('flag', number, number, '0')


def make(path, text=None, lines=None, func='*'):
    """All mutants of a file, in order; lines: only of these numbers."""
    source = Source(path, read(path) if text is None else text)
    found, seen = [], {}
    for function in source.functions:
        if not fnmatch.fnmatchcase(function.name, func):
            continue
        for mutant in Maker(source, function).all():
            key = mutant.key()
            seen[key] = seen.get(key, 0) + 1
            mutant.id = hashlib.sha256('\0'.join(key + (str(seen[key]),)).encode()).hexdigest()[:8]
            if lines is None or mutant.line in lines:
                found.append(mutant)
    return found


def main(argv):
    parser = Parser(__doc__)
    verbs = parser.verbs()
    one = verbs.add_parser('list')
    one.add_argument('--func', default='*')
    one.add_argument('--lines')
    one.add_argument('source')
    one = verbs.add_parser('show')
    one.add_argument('source')
    one.add_argument('id', nargs='+')
    one = verbs.add_parser('check')
    one.add_argument('source')
    one.add_argument('list')
    args = parser.parse_args(argv)
    if args.verb == 'list':
        lines = {int(word) for word in first_words(args.lines)} if args.lines else None
        print(*make(args.source, lines=lines, func=args.func), sep='\n')
        return 0
    mutants = make(args.source)
    if args.verb == 'show':
        by_id, old = {mutant.id: mutant for mutant in mutants}, read(args.source)
        for name in args.id:
            if name not in by_id:
                raise BadInput(f'{args.source} has no mutant {name}: see mutants.py list')
            print(by_id[name], by_id[name].diff(old), sep='\n', end='')
        return 0
    keys, base = {mutant.place() for mutant in mutants}, os.path.basename(args.source)
    lost = [entry.line for key, entry in equivalents(args.list).items()
            if key[0] == base and key not in keys]
    for line in lost:
        print(f'{args.list}:{line}: no such mutant of {args.source}: the code has changed; '
              'look again, and mend or remove it')
    return 1 if lost else 0


if __name__ == '__main__':
    run(main)
