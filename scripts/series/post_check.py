#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""post_check.py - may these mails go out? What the kernel asks of a mail, by its text

usage: post_check.py [--since SLUG]... --linux TREE --below COMMIT --tree COMMIT
                     [--rig-base ID] TOPIC MBOX

Each line of output is a reason not to send, and ends with its fix:
  the author is the placeholder of this repository, or has not signed off
  no Assisted-by:, or not in the form of Documentation/process/coding-assistants.rst
  the cover letter has nothing by the person who posts (generated-content.rst: disclosure)
  a patch that a case names with since= has no Fixes:, and its cover letter has no No-Fixes:
  a changelog names something called gup_*, which the tree at --tree, with the mails applied,
    does not have, and the tree below them did not have either
  the cover letter has Held-back: FILE, and the mails hold it, or offer no reproducer
  the cover letter has Security:, and a fix has no Cc: stable, or at most two people get the
    mail and security@kernel.org is not one of them
  nobody gets it; base-commit is missing, or is --rig-base, which nobody else knows

exit status: 0 it may, 1 not yet, 2 bad input
"""
import email
import email.header
import email.utils
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, letter, run
from series.lint_patches import slug_of_subject
from series.mails import FROM

PLACEHOLDER = re.compile(r'(\.example|\.invalid)$|noreply')
SECURITY = 'security@kernel.org'
MBOX = 'make mbox TOPIC={} SIGN=1 ASSISTED=... NOTE=...'


class Mail:
    def __init__(self, raw):
        self.mail = email.message_from_bytes(raw)
        self.text = (self.mail.get_payload(decode=True) or b'').decode('utf-8', 'replace')
        subject = str(email.header.make_header(email.header.decode_header(self.mail['Subject'] or '')))
        self.subject = re.sub(r'^(\[[^]]*\] *)+', '', re.sub(r'\s+', ' ', subject))
        self.body, _, self.diff = self.text.partition('\n---\n')
        self.name, self.address = email.utils.parseaddr(self.mail['From'] or '')

    def people(self):
        return {address.lower() for _, address in
                email.utils.getaddresses(self.mail.get_all('To', []) + self.mail.get_all('Cc', []))}

    def trailers(self, name):
        return re.findall(rf'^{name}: (.*)$', self.body, re.M)


def of_person(mail, topic):
    """What only the person who posts can add."""
    if not mail.name or PLACEHOLDER.search(mail.address):
        yield f'the author is {mail.address or "nobody"}, a placeholder: {MBOX.format(topic)}'
    signed = [email.utils.parseaddr(who)[1].lower() for who in mail.trailers('Signed-off-by')]
    if mail.address.lower() not in signed:
        yield f'not signed off by {mail.address}: read it, then {MBOX.format(topic)}'
    assisted = mail.trailers('Assisted-by')
    if not any(re.fullmatch(r'LLM( \S+)*', text) for text in assisted):
        yield ('no "Assisted-by: LLM [TOOL...]", see Documentation/process/coding-assistants.rst: '
               + MBOX.format(topic))


def of_fixes(mail, cover, since):
    slug = slug_of_subject(mail.subject)
    excused = {text.split()[0]: text.split()[1:] for text in cover.get_all('No-Fixes', []) if text.split()}
    if slug in since and not mail.trailers('Fixes') and not excused.get(slug):
        yield (f'no Fixes:, but kunit/inventory or selftests/matrix says since={slug}: add it, or a line '
               f'"No-Fixes: {slug} REASON" to the cover letter')
    if cover['Security'] and mail.trailers('Fixes') and not any('stable@' in who for who in mail.trailers('Cc')):
        yield 'a security fix without Cc: stable@vger.kernel.org: add it to the changelog'


def there(args, words):
    """Those of the words that stand in a file of one of the two trees."""
    found = set()
    for commit in (args.below, args.tree):
        missing = [word for word in words if word not in found]
        if missing:
            done = subprocess.run(['git', '-C', args.linux, 'grep', '-how', '-E', '|'.join(missing), commit, '--',
                                   'mm', 'include', 'kernel', 'lib', 'tools/testing/selftests/mm'],
                                  capture_output=True, text=True, check=False)
            if done.returncode > 1:
                raise BadInput(f'git grep: {done.stderr.strip()}')
            found.update(done.stdout.split())
    return found


def of_citations(mails, args):
    named = {number: set(re.findall(r'\bgup_[a-z0-9_]*[a-z0-9]\b(?!\.\w)', mail.body))
             for number, mail in enumerate(mails)}
    known = there(args, sorted(set().union(*named.values())))
    for number, words in named.items():
        for word in sorted(words - known):
            yield number, (f'names {word}, which is in no file of these mails, nor in the tree: '
                           'leave it out, or make mbox without TESTS=0')


def of_cover(first, patches, letter_, args):
    ours = letter_.get_payload().strip('\n')
    _, found, rest = first.text.partition(ours)
    own = rest.strip('\n').split('\n')[0] if found else ''
    if not found:
        yield 'its text is not that of cover-letter.txt: make mbox again'
    elif re.fullmatch(r'.* \(\d+\):', own) or not own:
        yield ('nothing by the person who posts, see Documentation/process/generated-content.rst: '
               f'NOTE=<file> {MBOX.format(args.topic)}')
    base = re.search(r'^base-commit: ([0-9a-f]{40})$', first.text, re.M)
    if not base or base[1] == args.rig_base:
        yield 'base-commit is one that only this repository knows: LINUX=<clone with the pinned tag> make mbox'
    if not first.mail['To']:
        yield 'it goes to nobody: see get_maintainer.pl'
    if letter_['Security'] and len(first.people()) <= 2 and SECURITY not in first.people():
        yield f'a security bug, and at most two people would know: Cc: {SECURITY} in cover-letter.txt'
    for name in letter_.get_all('Held-back', []):
        if any(re.search(rf'^\+\+\+ b/.*/{re.escape(os.path.basename(name))}$', mail.diff, re.M) for mail in patches):
            yield f'the mails hold {name}, which is a reproducer and held back: make mbox again'
        if 'reproducer' not in ours:
            yield f'{name} is held back, and nothing says that there is a reproducer: say so in cover-letter.txt'


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--since', action='append', default=[])
    for name in ('--linux', '--below', '--tree'):
        parser.add_argument(name, required=True)
    parser.add_argument('--rig-base', default='')
    parser.add_argument('topic')
    parser.add_argument('mbox')
    args = parser.parse_args(argv)
    cover = letter(os.environ.get('GUP_PATCHES') or os.path.join(TOP, 'patches'), args.topic)
    with open(args.mbox, 'rb') as file:
        mails = [Mail(raw) for raw in FROM.split(file.read()) if raw.strip()]
    if len(mails) < 2 or mails[0].diff:
        raise BadInput(f'{args.mbox}: no cover letter with patches: make mbox TOPIC={args.topic}')
    first, *patches = mails
    found = [(0, text) for text in of_cover(first, patches, cover, args)]
    for number, mail in enumerate(patches, 1):
        found += [(number, text) for check in (of_person(mail, args.topic), of_fixes(mail, cover, args.since))
                  for text in check]
    found += of_citations(mails, args)
    for text in dict.fromkeys(text for _, text in found):
        numbers = [str(number) for number, other in found if other == text]
        print(f'send-check: mail {", ".join(numbers)} of {len(patches)}: {text}')
    return int(bool(found))


if __name__ == '__main__':
    run(main)
