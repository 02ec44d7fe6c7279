#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""lint_patches.py - check patches/ without a kernel tree

usage: scripts/series/lint_patches.py [--posting] [PATCHES-DIR]

Checks topics and their series against files, numbers and names, cover letters, mail
headers, subjects, trailers, the blob ids from patch to patch and against base.blobs,
base and base-needs. Every finding is one line that ends with its fix.

A Signed-off-by is an error, but with --posting: only the person who posts adds one, in
a copy, and post_check.py has the rules for that; the repository holds none.

environment: GUP_PATCHES
exit status: 0 clean, 1 findings, 2 bad input
"""
import email
import email.header
import email.utils
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, first_words, letter, run, slug_of, topics

ZERO = '0' * 40
REFRESH = 'make tree && make refresh'
REWORD = 'git -C build/linux rebase -i gup-overlay (reword), make refresh'
NAME_MAX = 64 - len('.patch') - 1       # format-patch --filename-max-length=64
RIG_FILES = ('Kconfig', 'Kbuild', '.gitignore')
findings = []


def bad(where, what, fix):
    findings.append(f'{where}: {what}: {fix}')


def sanitized(subject):
    """What git format-patch makes of a subject (format_sanitized_subject())."""
    text = re.sub(r'[^A-Za-z0-9._]+', '-', subject).lstrip('-')
    return re.sub(r'\.\.+', '.', text).rstrip('.-')


def slug_of_subject(subject):
    """The name of its patch without number and .patch."""
    return sanitized(subject)[:NAME_MAX - len('0000-')]


class Patch:
    def __init__(self, directory, name):
        self.name = name
        with open(os.path.join(directory, name), 'rb') as f:
            raw = f.read()
        try:
            self.text = raw.decode('utf-8')
        except UnicodeDecodeError:
            bad(f'{name}', 'not UTF-8', REFRESH)
            self.text = raw.decode('utf-8', 'replace')
        mail = email.message_from_string(self.text.partition('\n')[2])
        self.headers = mail
        self.subject = str(email.header.make_header(
            email.header.decode_header(re.sub(r'\n\s', ' ', mail.get('Subject', '')))))
        payload = mail.get_payload() if not mail.is_multipart() else ''
        head, _, rest = payload.partition('\n---\n')
        self.body = head.strip('\n').split('\n')
        self.diff = rest.split('\n')

    def check_mail(self):
        n = self.name
        if not self.text.startswith(f'From {ZERO} Mon Sep 17 00:00:00 2001\n'):
            bad(f'{n}:1', 'not exported with --zero-commit', REFRESH)
        name, addr = email.utils.parseaddr(self.headers.get('From', ''))
        if not name or '@' not in addr:
            bad(n, 'no "From: Name <address>"', 'git -C build/linux commit --amend --author=..., make refresh')
        try:
            email.utils.parsedate_to_datetime(self.headers.get('Date', ''))
        except (TypeError, ValueError):
            bad(n, 'no valid Date', REFRESH)
        if any(ln.startswith('From: ') for ln in self.body[:1]):
            bad(n, 'a second From: in the body', REFRESH)
        if self.headers.get('Content-Transfer-Encoding', '8bit') not in ('8bit', '7bit'):
            bad(n, 'encoded body', REFRESH)
        if re.search(r'\n-- \n[0-9.]+\S*\n*$', self.text):
            bad(n, 'a signature with the version of git', REFRESH)

    def check_subject(self, number):
        n = self.name
        if not self.subject.startswith('[PATCH] '):
            bad(n, f'subject "{self.subject}" does not begin with [PATCH]', REFRESH)
        subject = re.sub(r'^(\[[^]]*\] *)+', '', self.subject)
        if not re.match(r'[A-Za-z0-9_./,-]+(: [A-Za-z0-9_./,-]+)*: \S', subject):
            bad(n, f'subject "{subject}" has no prefix such as "mm/gup: "', REWORD)
        if len(subject) > 75:
            bad(n, f'subject has {len(subject)} characters, 75 are the limit', REWORD)
        if subject.endswith('.'):
            bad(n, 'subject ends with a full stop', REWORD)
        want = f'{number:04d}-{slug_of_subject(subject)}.patch'
        if os.path.basename(n) != want:
            bad(n, f'place and subject make it {want}', REFRESH)

    def check_body(self, posting):
        n = self.name
        trailer = re.compile(r'^[A-Z][A-Za-z-]+(-by|-id|-Id)?: |^(Fixes|Link|Closes|Cc): ')
        if not any(ln.strip() and not trailer.match(ln) for ln in self.body):
            bad(n, 'the changelog is empty', 'say what is wrong and why this fixes it; ' + REWORD)
        signed = []
        for ln in self.body:
            key = ln.partition(':')[0].lower()
            if key in ('change-id', 'gerrit-change-id', 'git-dch', 'upstream-status'):
                bad(n, f'trailer "{ln}" of some tool', 'take it out: ' + REWORD)
            if key == 'signed-off-by':
                signed.append(email.utils.parseaddr(ln.partition(':')[2])[1].lower())
            if re.match(r'fixes:', ln, re.I) and not re.match(
                    r'Fixes: [0-9a-f]{12,40} \("\S.*"\)$', ln):
                bad(n, f'malformed "{ln}"', 'write: Fixes: <12 hex digits> ("subject"), on one line; ' + REWORD)
        if signed and not posting:
            bad(n, 'has a Signed-off-by', 'only the person who posts adds it, in a copy; ' + REWORD)

    def check_diff(self, ids, added):
        """ids: path -> blob id after the patches so far; filled on the way."""
        n, path, new, touched = self.name, None, False, []
        for num, ln in enumerate(self.diff, self.text.count('\n') + 1 - len(self.diff) + 1):
            at = f'{n}:{num}'
            m = re.match(r'diff --git a/(\S+) b/(\S+)$', ln)
            if m:
                path, new = m.group(2), False
                touched.append(path)
                if m.group(1) != path:
                    bad(at, 'a rename', f'refresh exports them as delete and add: {REFRESH}')
                if path in RIG_FILES or path.startswith('mm/tests/gup/'):
                    bad(at, f'touches {path}, which is the rig\'s own',
                        'keep tests in kunit/, hooks in scripts/series/series.sh')
            elif ln.startswith('new file mode'):
                new = True
                added.setdefault(os.path.basename(path), (n, path))
            elif ln.startswith(('GIT binary patch', 'Binary files ')):
                bad(at, f'binary change of {path}', 'leave it out: git -C build/linux rebase -i gup-overlay')
            elif ln.startswith('index ') and path:
                m = re.match(r'index ([0-9a-f]{40})\.\.([0-9a-f]{40})( \d{6})?$', ln)
                if not m:
                    bad(at, 'short blob ids', REFRESH)
                    continue
                old = ids.get(path, ZERO if new else None)
                if old is None:
                    bad(at, f'{path} is not pinned in base.blobs', REFRESH)
                elif old != m.group(1):
                    bad(at, f'{path} is expected as {m.group(1)[:12]}, but is {old[:12]} at this place of the series',
                        'base.blobs or the order is wrong: ' + REFRESH)
                ids[path] = m.group(2)
        if not touched:
            bad(n, 'changes no file', 'git -C build/linux rebase -i gup-overlay (drop)')
        return touched


def check_base(directory):
    base = {}
    for ln in open(os.path.join(directory, 'base'), encoding='utf-8'):
        if ln.strip() and not ln.startswith('#'):
            key, _, value = ln.strip().partition(' ')
            base[key] = value
    version = base.get('version', '')
    if not re.match(r'\d+\.\d+(\.\d+|-rc\d+)?$', version):
        bad('base', f'"version {version}" is no version', 'write: version 7.3.4')
    if base.get('tag') != f'v{version}':
        bad('base', f'tag {base.get("tag")} is not that of version {version}', f'write: tag v{version}')
    if f'linux-{version}.tar.xz' not in base.get('url', ''):
        bad('base', f'url is not of linux-{version}.tar.xz', 'git checkout -- patches/base')
    pins = {}
    for num, ln in enumerate(open(os.path.join(directory, 'base.blobs'), encoding='utf-8'), 1):
        m = re.match(r'([0-9a-f]{40}) (\S+)$', ln)
        if not m:
            bad(f'base.blobs:{num}', 'not "<40 hex digits> <path>"', REFRESH)
        else:
            pins[m.group(2)] = m.group(1)
    if list(pins) != sorted(pins):
        bad('base.blobs', 'not sorted by path', REFRESH)
    return pins


def check_references(directory, slugs):
    path = os.path.join(directory, 'base-needs')
    for slug in first_words(path) if os.path.exists(path) else []:
        if slug not in slugs:
            bad('base-needs', f'{slug} is no patch of the series',
                'fix that line; the slug is the file name without number and .patch')


def check_overlay(added):
    for top in ('kunit', 'selftests'):
        for _, _, names in os.walk(os.path.join(TOP, top)):
            for name in names:
                if name in added and name.endswith(('.c', '.h', '.sh', '.py')):
                    n, path = added[name]
                    bad(n, f'adds {path}, but {top}/ has {name} as well',
                        f'a new test lives only in {top}/: drop it from the patch')


def check_topics(directory):
    """[(place in its topic, name)] of the whole series, in order."""
    series, seen = [], []
    for topic, needs in topics(directory).items():
        if not re.match(r'[a-z][a-z-]*$', topic):
            bad('topics', f'"{topic}" is no name', 'use lower case letters and dashes')
        for need in needs:
            if need not in seen:
                bad('topics', f'{topic} needs {need}, which is no topic before it', 'change the order, or that line')
        seen.append(topic)
        path = os.path.join(directory, topic, 'series')
        names = first_words(path) if os.path.exists(path) else []
        if not names:
            bad('topics', f'{topic} has no patch', 'take that line out')
        cover = os.path.join(directory, topic, 'cover-letter.txt')
        if not os.path.exists(cover):
            bad(f'{topic}/cover-letter.txt', 'missing', 'write what the topic does, and why')
        elif not open(cover, encoding='utf-8').readline().startswith('Subject: '):
            bad(f'{topic}/cover-letter.txt:1', 'no "Subject: "', 'begin with headers, then an empty line')
        series += [(number, f'{topic}/{name}') for number, name in enumerate(names, 1)]
    return series


def check_pairs(directory, slugs):
    """Only-with: LATER NEEDED in a cover letter: the first must not go in without the second."""
    for topic in topics(directory):
        name = f'{topic}/cover-letter.txt'
        if not os.path.exists(os.path.join(directory, name)):
            continue
        for text in letter(directory, topic).get_all('Only-with', []):
            words = text.split()
            for slug in words if len(words) == 2 else []:
                if slug not in slugs:
                    bad(name, f'Only-with: {slug} is no patch of the series', 'fix that line')
            if len(words) != 2:
                bad(name, f'Only-with: {" ".join(words)}', 'want the names of two patches')


def check_strays(directory, names):
    for folder, _, files in os.walk(directory):
        here = os.path.relpath(folder, directory)
        for name in sorted(os.path.normpath(os.path.join(here, file)) for file in files if file.endswith('.patch')):
            if name not in names:
                bad(name, 'not in a series', 'add it to patches/<topic>/series, or git rm it')


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--posting', action='store_true')
    parser.add_argument('patches', nargs='?',
                        default=os.environ.get('GUP_PATCHES') or os.path.join(TOP, 'patches'))
    args = parser.parse_args(argv)
    posting, directory = args.posting, os.path.abspath(args.patches)
    ids = check_base(directory)
    pinned = set(ids)
    series = check_topics(directory)
    added, touched, slugs = {}, set(), set()
    for number, name in series:
        if not re.match(r'[a-z-]+/\d{4}-[A-Za-z0-9._-]+\.patch$', name):
            bad(f'{os.path.dirname(name)}/series:{number}', f'"{name}" is no patch name', REFRESH)
            continue
        if not os.path.isfile(os.path.join(directory, name)):
            bad(f'{os.path.dirname(name)}/series:{number}', f'{name} is not there', f'git checkout -- patches, or {REFRESH}')
            continue
        if slug_of(name) in slugs:
            bad(name, 'another topic has a patch of that name', REWORD)
        slugs.add(slug_of(name))
        patch = Patch(directory, name)
        patch.check_mail()
        patch.check_subject(number)
        patch.check_body(posting)
        touched.update(patch.check_diff(ids, added))
    check_strays(directory, {name for _, name in series})
    for path in sorted(pinned - touched - {'mm/gup.c'}):
        bad('base.blobs', f'{path} is pinned, but no patch touches it', REFRESH)
    check_references(directory, slugs)
    check_pairs(directory, slugs)
    check_overlay(added)
    for ln in findings:
        print(f'lint: {ln}')
    print(f'lint: {len(series)} patches, {len(findings)} findings')
    return 1 if findings else 0


if __name__ == '__main__':
    run(main)
