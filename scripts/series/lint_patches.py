#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""lint_patches.py - check patches/ without a kernel tree

usage: scripts/series/lint_patches.py [--posting EMAIL] [PATCHES-DIR]

Checks series against files, numbers and names, mail headers, subjects, trailers,
the blob ids from patch to patch and against base.blobs, base and base-needs. Every
finding is one line that ends with its fix.

--posting EMAIL: the series is about to be mailed by EMAIL: each patch must be signed
off by that person, and there must be a cover letter. Without it a Signed-off-by is an
error: only the person who posts adds one, so the repository holds none.

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
from lib import BadInput, Parser, TOP, run

ZERO = '0' * 40
REFRESH = 'make tree && make refresh'
REWORD = 'git -C build/linux rebase -i gup-overlay (reword), make refresh'
NAME_MAX = 64 - len('.patch') - 1       # format-patch --filename-max-length=64
RIG_FILES = ('Kconfig', 'Kbuild', '.gitignore')
findings = []


def bad(where, what, fix):
    findings.append(f'{where}: {what}: {fix}')


def words(path):
    """First word of each line that is neither empty nor a comment."""
    try:
        with open(path, encoding='utf-8') as f:
            return [w[0] for w in (ln.split('#')[0].split() for ln in f) if w]
    except FileNotFoundError:
        return []


def slug_of(subject):
    """What git format-patch makes of a subject (format_sanitized_subject())."""
    text = re.sub(r'[^A-Za-z0-9._]+', '-', subject).lstrip('-')
    return re.sub(r'\.\.+', '.', text).rstrip('.-')


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
        want = f'{number:04d}-{slug_of(subject)}'[:NAME_MAX] + '.patch'
        if n != want:
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
        if posting is None and signed:
            bad(n, 'has a Signed-off-by', 'only the person who posts adds it, in a copy; ' + REWORD)
        if posting is not None and posting.lower() not in signed:
            bad(n, f'not signed off by {posting}',
                'git -C build/linux rebase --signoff gup-overlay, make refresh')

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
    for slug in words(os.path.join(directory, 'base-needs')):
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


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--posting', metavar='EMAIL')
    parser.add_argument('patches', nargs='?',
                        default=os.environ.get('GUP_PATCHES') or os.path.join(TOP, 'patches'))
    args = parser.parse_args(argv)
    posting, directory = args.posting, os.path.abspath(args.patches)
    if posting is not None and '@' not in posting:
        raise BadInput('lint: --posting needs an e-mail address: git config user.email')
    ids = check_base(directory)
    pinned = set(ids)
    with open(os.path.join(directory, 'series'), encoding='utf-8') as f:
        series = [ln.rstrip('\n') for ln in f]
    added, touched, slugs = {}, set(), set()
    for number, name in enumerate(series, 1):
        if not re.match(r'\d{4}-[A-Za-z0-9._-]+\.patch$', name):
            bad(f'series:{number}', f'"{name}" is no patch name', REFRESH)
            continue
        if not os.path.isfile(os.path.join(directory, name)):
            bad(f'series:{number}', f'{name} is not there', f'git checkout -- patches, or {REFRESH}')
            continue
        slugs.add(name[5:-len('.patch')])
        patch = Patch(directory, name)
        patch.check_mail()
        patch.check_subject(number)
        patch.check_body(posting)
        touched.update(patch.check_diff(ids, added))
    for name in sorted(os.listdir(directory)):
        if name.endswith('.patch') and name not in series:
            bad(name, 'not in series', 'add it there, or git rm it')
    for path in sorted(pinned - touched - {'mm/gup.c'}):
        bad('base.blobs', f'{path} is pinned, but no patch touches it', REFRESH)
    check_references(directory, slugs)
    check_overlay(added)
    if posting is not None and not os.path.isfile(os.path.join(directory, 'cover-letter.txt')):
        bad('cover-letter.txt', 'missing', 'write what the series does, and why')
    for ln in findings:
        print(f'lint: {ln}')
    print(f'lint: {len(series)} patches, {len(findings)} findings')
    return 1 if findings else 0


if __name__ == '__main__':
    run(main)
