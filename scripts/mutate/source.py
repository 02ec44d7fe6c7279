# SPDX-License-Identifier: GPL-2.0
"""source.py - kernel C as far as mutate needs it: tokens, functions, statements, conditions

No compiler: macros are not expanded, types are not known. What it takes for something
that it is not gives a mutant that does not compile, or one more that is killed.
"""
import re
from collections import namedtuple

from lib import BadInput

TOKEN = re.compile(r'''
    (?P<blank>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<number>\d[\w.]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<mark>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\.\.\.|.)
''', re.X | re.S)
DIRECTIVE = re.compile(r'^[ \t]*\#(?:[^\n\\]|\\.)*', re.M | re.S)
TYPES = {'struct', 'union', 'enum', 'const', 'static', 'unsigned', 'signed', 'int', 'long',
         'short', 'char', 'bool', 'void', 'size_t', 'ssize_t'}
JUMPS = ('return', 'goto', 'break', 'continue')

# start, end: where in the text. kind as in TOKEN.
Token = namedtuple('Token', 'kind text start end')
# kind: a jump, call, assign, declare, other; first, last: token numbers, with the ';'
Statement = namedtuple('Statement', 'kind first last')
# The tokens of a condition of if, while, for, without its parentheses.
Condition = namedtuple('Condition', 'first last')


def level(code, first, last):
    """Tokens of [first, last) that are in no brackets of their own."""
    while first < last:
        yield first
        first = code.pair[first] if code.tokens[first].text in '([{' else first
        first += 1


class Function:
    """name; statements and conditions of its body, in order; first, last: numbers of its { }."""

    def __init__(self, name, first, last):
        self.name, self.first, self.last = name, first, last
        self.statements, self.conditions = [], []


class Source:
    """text, tokens and functions of one file."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        code = DIRECTIVE.sub(lambda hit: re.sub(r'[^\n]', ' ', hit.group()), text)
        self.tokens = [Token(hit.lastgroup, hit.group(), *hit.span())
                       for hit in TOKEN.finditer(code) if hit.lastgroup != 'blank']
        self.pair = self.pairs()
        self.functions = list(self.find_functions())

    def line(self, number):
        """The line on which a token begins, from 1."""
        return self.text.count('\n', 0, self.tokens[number].start) + 1

    def pairs(self):
        """{number of a bracket: that of its partner}"""
        opened, pair = [], {}
        for number, token in enumerate(self.tokens):
            if token.kind != 'mark':
                continue
            if token.text in '([{':
                opened.append(number)
            elif token.text in ')]}':
                if not opened:
                    raise BadInput(f'{self.path}:{self.line(number)}: {token.text} closes nothing')
                pair[opened[-1]] = number
                pair[number] = opened.pop()
        if opened:
            raise BadInput(f'{self.path}:{self.line(opened[-1])}: is not closed')
        return pair

    def find_functions(self):
        """What has a body at file level, and a name before a parenthesis."""
        number, name = 0, None
        while number < len(self.tokens):
            text = self.tokens[number].text
            if text == '(':
                before = self.tokens[number - 1]
                name = name or (before.text if before.kind == 'name' else None)
                number = self.pair[number]
            elif text == '{':
                if name and self.tokens[number - 1].text != '=':
                    function = Function(name, number, self.pair[number])
                    Body(self, function).block(number)
                    yield function
                    name = None
                number = self.pair[number]
            elif text == ';':
                name = None
            number += 1


class Body:
    """Walks the statements of a function."""

    def __init__(self, source, function):
        self.tokens, self.pair, self.function = source.tokens, source.pair, function

    def text(self, number):
        return self.tokens[number].text

    def block(self, number):
        """From { on; what is behind the }."""
        end = self.pair[number]
        number += 1
        while number < end:
            number = self.statement(number)
        return end + 1

    def statement(self, number):
        """Take one; the number of what is behind it."""
        text = self.text(number)
        if text == '{':
            return self.block(number)
        if text in ('if', 'while', 'switch', 'for'):
            return self.headed(number, text)
        if text == 'do':
            number = self.statement(number + 1)
            self.condition(number + 2, self.pair[number + 1])
            return self.pair[number + 1] + 2
        if text in ('case', 'default') or (self.tokens[number].kind == 'name' and
                                           self.text(number + 1) == ':'):
            while self.text(number) != ':':
                number += 1
            return number + 1
        if self.tokens[number].kind == 'name' and self.text(number + 1) == '(' and \
           text not in JUMPS:
            behind = self.pair[number + 1] + 1
            if self.text(behind) == '{' or self.tokens[behind].kind == 'name':
                return self.statement(behind)           # for_each_...()
        return self.simple(number)

    def headed(self, number, text):
        first, last = number + 2, self.pair[number + 1]
        if text == 'for':
            semicolons = [n for n in level(self, first, last) if self.text(n) == ';']
            first, last = semicolons[0] + 1, semicolons[1]
        if text != 'switch' and first < last:
            self.condition(first, last)
        number = self.statement(self.pair[number + 1] + 1)
        if text == 'if' and self.text(number) == 'else':
            number = self.statement(number + 1)
        return number

    def condition(self, first, last):
        self.function.conditions.append(Condition(first, last))

    def simple(self, first):
        last = next(n for n in level(self, first, self.function.last + 1) if self.text(n) == ';')
        self.function.statements.append(Statement(self.kind(first, last), first, last))
        return last + 1

    def kind(self, first, last):
        if first == last:
            return 'other'
        if self.text(first) in JUMPS:
            return self.text(first)
        top = [self.text(n) for n in level(self, first, last)]
        if self.text(first) in TYPES or (
                self.tokens[first].kind == 'name' and (
                    self.tokens[first + 1].kind == 'name' or
                    top[1:2] == ['*'])):
            return 'declare'
        if any(text in ('++', '--') or (text.endswith('=') and text not in ('==', '!=', '<=', '>='))
               for text in top):
            return 'assign'
        return 'call' if top[1:2] == ['('] else 'other'
