# SPDX-License-Identifier: GPL-2.0
"""lib.py - what the Python programs of this rig share: arguments, files, exit status

A program in a room starts with

    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from lib import BadInput, Parser, run

and ends with run(main). Its docstring is its manual. Exit status, as everywhere: 0 pass,
1 a test failed, 2 cannot tell. main() returns 0, 1 or 4; whatever else happens is 2.
"""
import argparse
import contextlib
import email
import os
import sys
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class BadInput(Exception):
    """Arguments or a file that cannot be used; the message says where, and the fix."""


class Help(argparse.Action):
    """--help prints the manual, as in the shell scripts."""

    def __init__(self, option_strings, dest, manual):
        super().__init__(option_strings, dest, nargs=0)
        self.manual = manual

    def __call__(self, *_):
        print(self.manual.strip())
        sys.exit(0)


class Parser(argparse.ArgumentParser):
    """No abbreviations: --lane must never be taken for --lanes."""

    def __init__(self, manual, prog=None):
        super().__init__(prog=prog or os.path.basename(sys.argv[0]), allow_abbrev=False,
                         add_help=False)
        self.manual = manual
        self.add_argument('-h', '--help', action=Help, manual=manual)

    def error(self, message):
        raise BadInput(f'{self.prog}: {message}: see --help')

    def verbs(self):
        """The place for verb(NAME), each with its own arguments."""
        return self.add_subparsers(dest='verb', required=True, metavar='VERB',
                                   parser_class=lambda prog: Parser(self.manual, prog))


def read(path, fix=''):
    """The text of a file. Bytes that are no UTF-8 stay visible as \\x.."""
    try:
        with open(path, encoding='utf-8', errors='backslashreplace') as file:
            return file.read()
    except OSError as error:
        raise BadInput(f'{path}: {error.strerror}{fix and ": " + fix}') from None


def output(path, mode='w'):
    """A file to write to; - is stdout."""
    return contextlib.nullcontext(sys.stdout) if path == '-' else open(path, mode, encoding='utf-8')


def first_words(path):
    """The first word of each line that is neither empty nor a comment."""
    lines = (line.partition('#')[0].split() for line in read(path).splitlines())
    return [words[0] for words in lines if words]


def topics(folder):
    """{topic: the topics that it names as its needs}, in the order of patches/topics."""
    lines = (line.partition('#')[0].split() for line in read(os.path.join(folder, 'topics')).splitlines())
    return {words[0]: words[1:] for words in lines if words}


def series_files(folder, names=None):
    """The patches of these topics, else of all, in order, as names below that folder."""
    found = []
    for topic in topics(folder) if names is None else names:
        series = os.path.join(folder, topic, 'series')
        if os.path.exists(series):
            found += [f'{topic}/{name}' for name in first_words(series)]
    return found


def letter(folder, topic):
    """The cover letter of a topic: headers and text, an email.message.Message."""
    return email.message_from_string(read(os.path.join(folder, topic, 'cover-letter.txt')))


def slug_of(path):
    """What since= calls a patch: its file name without number and .patch."""
    return os.path.basename(path).partition('-')[2].removesuffix('.patch')


def run(main):
    """Become main(arguments). An exception is a defect of the rig, not a failed test."""
    try:
        status = main(sys.argv[1:]) or 0
        sys.stdout.flush()
    except BadInput as error:
        print(f'gup: {error}', file=sys.stderr)
        status = 2
    except OSError as error:
        print(f'gup: {error.filename or os.path.basename(sys.argv[0])}: {error.strerror}',
              file=sys.stderr)
        status = 2
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        print(f'gup: {os.path.basename(sys.argv[0])}: stopped by the exception above, which is a '
              'defect of this rig', file=sys.stderr)
        status = 2
    sys.exit(status)
