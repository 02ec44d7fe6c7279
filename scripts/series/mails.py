#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""mails.py - the patches in an mbox, a patch file or a directory, for git am

usage: mails.py PATH DIR

Writes DIR/NNNN-subject.patch, one mail each, bytes unchanged; with - for DIR it
only prints their names. Cover letters and
replies are left out; a thread is sorted by the n of [PATCH n/m], a directory by
its file "topics" or "series" if it has one, else by name.

exit status: 0, 2 there is no patch in PATH
"""
import email
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, first_words, run, series_files

# With a date, as git's own: a commit message may well have a line "From user space".
FROM = re.compile(rb'^(?=From \S+ +\w{3} \w{3} +\d+ \d\d:\d\d:\d\d)', re.M)


def is_patch(mail):
    """A diff in the body, also if that is encoded; quoted with "> " it is a reply's."""
    for part in mail.walk():
        body = part.get_payload(decode=True)
        if body and re.search(rb'^diff --git ', body, re.M):
            return True
    return False


def number(mail):
    found = re.search(r'\[[^]]*?\b(\d+)/\d+[^]]*\]', str(mail['subject'] or ''))
    return int(found[1]) if found else 0


def files(path):
    if not os.path.isdir(path):
        return [path]
    if os.path.exists(os.path.join(path, 'topics')):
        names = series_files(path)
    elif os.path.exists(os.path.join(path, 'series')):
        names = first_words(os.path.join(path, 'series'))
    else:
        names = sorted(n for n in os.listdir(path) if n.endswith(('.patch', '.mbox', '.eml')))
    return [os.path.join(path, n) for n in names]


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('path')
    parser.add_argument('dir')
    args = parser.parse_args(argv)
    found = []
    for name in files(args.path):
        with open(name, 'rb') as f:
            texts = FROM.split(f.read())
        mails = [(email.message_from_bytes(t), t) for t in texts if t.strip()]
        found += sorted((m for m in mails if is_patch(m[0])), key=lambda m: number(m[0]))
    if not found:
        raise BadInput(f'{args.path}: no patch in it: give an mbox, a git format-patch file or a directory of them')
    if args.dir != '-':
        os.makedirs(args.dir, exist_ok=True)
    for n, (mail, text) in enumerate(found, 1):
        slug = re.sub(r'[^A-Za-z0-9]+', '-', re.sub(r'^\s*\[[^]]*\]', '', str(mail['subject'])))
        name = f'{n:04d}-{slug.strip("-")[:52]}.patch'
        if args.dir == '-':
            print(name)
            continue
        with open(os.path.join(args.dir, name), 'wb') as f:
            f.write(text)
    return 0


if __name__ == '__main__':
    run(main)
