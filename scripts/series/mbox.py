#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""mbox.py - a topic as the mails that a person would send: cover letter and patches

usage: mbox.py [--sign "NAME <ADDRESS>"] [--assisted TEXT] [--note FILE] [--version N]
               --linux TREE --base ID --from COMMIT --to COMMIT TOPIC PATCHES OUT

PATCHES is an export of FROM..TO (export_patches() in series.sh), ID what the first mail
calls its base-commit. The cover letter of the topic gets a list of the patches, diffstat,
base-commit, and the ids of what lies between gup-base and FROM. Each patch goes to the
maintainers that the tree's get_maintainer.pl names, with a copy to its reviewers and lists,
to the Cc: of its trailers, and to Cc: and Cc-of: of the cover letter.

--sign       makes this person the author of each patch, and adds the Signed-off-by
--assisted   adds "Assisted-by: TEXT" before it
--note FILE  is put below the text of the cover letter: what the person who posts says

--no-people  asks for no recipients, which takes the longest

Prints the number of lines that a reader has before him: without headers. Sends nothing.
exit status: 0 written, 2 bad input
"""
import email
import email.utils
import hashlib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, first_words, letter, read, run

# "Name (Company) <address> (maintainer:SUBSYSTEM (AND WHAT IT IS))"
ROLE = re.compile(r'(.*?)(?: \((maintainer|supporter|reviewer|[a-z ]*list)\b.*|)$')
TRAILER = re.compile(r'^([A-Z][A-Za-z-]+-by|Fixes|Cc|Link|Closes): ')


def call(words, text=None, cwd=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise BadInput(f'{" ".join(words[:4])}: {done.stderr.strip()}')
    return done.stdout


class Recipients:
    """To: who maintains it; Cc: who reviews or only reads it. In order, each once."""

    def __init__(self):
        self.to, self.copy = {}, {}

    def add(self, person, maintains=False):
        name, address = email.utils.parseaddr(person)
        person, address = email.utils.formataddr((name, address)), address.lower()
        if maintains or address not in self.to:
            (self.to if maintains else self.copy).setdefault(address, person)
        if maintains:
            self.copy.pop(address, None)

    def update(self, other):
        for person in other.to.values():
            self.add(person, True)
        for person in other.copy.values():
            self.add(person)

    def headers(self):
        return ''.join(f'{name}: ' + ',\n\t'.join(who.values()) + '\n'
                       for name, who in (('To', self.to), ('Cc', self.copy)) if who)


def maintainers(linux, *words):
    found = Recipients()
    done = call(['perl', 'scripts/get_maintainer.pl', '--no-git', '--no-git-fallback', '--roles',
                 '--norolestats', *words], cwd=linux)
    for line in done.splitlines():
        person, role = ROLE.match(line).groups()
        found.add(person, role in ('maintainer', 'supporter'))
    return found


class Patch:
    def __init__(self, path, args):
        head, _, rest = read(path).partition('\n\n')
        body, mark, self.diff = rest.partition('\n---\n')
        self.path, self.mark = path, mark
        self.first, _, fields = head.partition('\n')
        self.fields = dict(re.findall(r'^([A-Za-z-]+): (.*(?:\n[ \t].*)*)', fields, re.M))
        self.subject = re.sub(r'\s+', ' ', self.fields['Subject'].partition('] ')[2])
        self.author = args.sign or self.fields['From']
        self.body = signed(body, args)

    def people(self, linux, topic):
        found = maintainers(linux, self.path)
        found.update(topic)
        for person in re.findall(r'^Cc: (.*)$', self.body, re.M):
            found.add(person)
        return found


def signed(body, args):
    """The changelog with the trailers of the person who posts."""
    more = [f'Assisted-by: {args.assisted}'] if args.assisted else []
    more += [f'Signed-off-by: {args.sign}'] if args.sign else []
    if not more:
        return body
    last = body.rstrip('\n').split('\n')[-1]
    return '\n'.join([body.rstrip('\n'), *([] if TRAILER.match(last) else ['']), *more])


def base_lines(args):
    """What git am --3way and b4 look for at the end of the first mail."""
    ids = call(['git', '-C', args.linux, 'patch-id', '--stable'], call(
        ['git', '-C', args.linux, 'log', '-p', '--reverse', '--full-index', f'gup-base..{args.from_}']))
    return [f'base-commit: {args.base}', *(f'prerequisite-patch-id: {line.split()[0]}' for line in ids.splitlines())]


def cover(args, patches):
    text = letter(args.patches_dir, args.topic)
    body = [text.get_payload().strip('\n'), '']
    if args.note:
        body += [read(args.note).strip('\n'), '']
    stat = call(['git', '-C', args.linux, 'diff', '--stat=72', '--summary', args.from_, args.to])
    author = email.utils.parseaddr(patches[0].author)[0]
    body += [f'{author} ({len(patches)}):', *(f'  {patch.subject}' for patch in patches), '', stat.strip('\n'), '']
    return text['Subject'], '\n'.join([*body, *base_lines(args), ''])


def of_topic(args):
    """Whom the cover letter names."""
    found, text = Recipients(), letter(args.patches_dir, args.topic)
    for name in text.get_all('Cc-of', []):
        if not os.path.exists(os.path.join(args.linux, name)):
            raise BadInput(f'{args.topic}/cover-letter.txt: Cc-of: {name} is not in the tree')
        named = maintainers(args.linux, '-f', name)
        for person in [*named.to.values(), *named.copy.values()]:
            found.add(person)
    for person in text.get_all('Cc', []):
        found.add(person)
    return found


def mails(args):
    paths = [os.path.join(args.exported, name) for name in first_words(os.path.join(args.exported, 'series'))]
    patches = [Patch(path, args) for path in paths]
    topic, everybody = Recipients() if args.no_people else of_topic(args), Recipients()
    people = [Recipients() if args.no_people else patch.people(args.linux, topic) for patch in patches]
    for found in people:
        everybody.update(found)
    prefix = 'PATCH' + (f' v{args.version}' if args.version > 1 else '')
    domain = email.utils.parseaddr(patches[0].author)[1].partition('@')[2]
    key = hashlib.sha1(f'{args.to} {args.version}'.encode()).hexdigest()[:12]
    ids = [f'<{args.topic}-v{args.version}-{number}-{key}@{domain}>' for number in range(len(patches) + 1)]
    width = len(str(len(patches)))
    subject, text = cover(args, patches)
    yield (f'{patches[0].first}\nMessage-ID: {ids[0]}\nFrom: {patches[0].author}\nDate: {patches[-1].fields["Date"]}\n'
           f'Subject: [{prefix} {0:0{width}d}/{len(patches)}] {subject}\n{everybody.headers()}'
           f'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n')
    for number, (patch, found) in enumerate(zip(patches, people), 1):
        more = ''.join(f'{name}: {patch.fields[name]}\n' for name in patch.fields
                       if name.startswith(('MIME', 'Content')))
        yield (f'{patch.first}\nMessage-ID: {ids[number]}\nIn-Reply-To: {ids[0]}\nReferences: {ids[0]}\n'
               f'From: {patch.author}\nDate: {patch.fields["Date"]}\n'
               f'Subject: [{prefix} {number:0{width}d}/{len(patches)}] {patch.subject}\n{found.headers()}{more}\n'
               f'{patch.body}{patch.mark}{patch.diff.rstrip(chr(10))}\n\n')


def main(argv):
    parser = Parser(__doc__)
    for name in ('--sign', '--assisted', '--note'):
        parser.add_argument(name, default='')
    parser.add_argument('--version', type=int, default=1)
    for name in ('--linux', '--base', '--to'):
        parser.add_argument(name, required=True)
    parser.add_argument('--from', dest='from_', required=True)
    parser.add_argument('--no-people', action='store_true')
    parser.add_argument('topic')
    parser.add_argument('exported')
    parser.add_argument('out')
    args = parser.parse_args(argv)
    args.patches_dir = os.environ.get('GUP_PATCHES') or os.path.join(TOP, 'patches')
    texts = list(mails(args))
    with open(args.out, 'w', encoding='utf-8') as file:
        file.writelines(texts)
    print(sum(text.partition('\n\n')[2].count('\n') for text in texts))
    return 0


if __name__ == '__main__':
    run(main)
