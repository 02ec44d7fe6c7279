#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""house.py - do the files of this repository lie where they belong, and do its pages agree?

usage: house.py [TOP]	(default: this repository)

  verbs     make help lists the files that lie directly in scripts/, and no others
  rooms     no room sources, imports or runs what lies above it
  names     a script has dashes, a module underscores; what starts with #! can be run
  pages     what README.md, MAINTAINERS-notes.md and the README of a room name is there:
            paths, verbs of make, variables of a verb (its --help has them)
  numbers   no page counts all cases, rows or steps: such a number goes stale
  text      no blanks at line ends, a last line that ends, an SPDX line where a file can have one

Every finding is one line that ends with its fix.
exit status: 0 clean, 1 findings, 2 cannot tell
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, read, run

# From the ground up: a room may use what is named before it. boot/ asks the lists in
# verdict/ what to run; no verdict knows how a kernel was booted.
ROOMS = ('tcg', 'model', 'cocci', 'series', 'verdict', 'boot', 'mutate', 'coverage', 'figures', 'kit', 'report',
         'lint', 'tests')
SHARED = ('lib.sh', 'lib.py')
PAGES = ('README.md', 'MAINTAINERS-notes.md')
COUNTED = re.compile(r'\b(?:\d[\d,]{2,}\s+(?:KUnit |parametri[sz]ed )?(?:cases|rows|tests)|\d+ steps)\b')
COMMENT_MARK = {'.c': 'SPDX', '.h': 'SPDX', '.sh': 'SPDX', '.py': 'SPDX'}


def tracked(top):
    done = subprocess.run(['git', '-C', top, 'ls-files', '-z'], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise BadInput(f'{top}: git ls-files: {done.stderr.strip()}')
    return [name for name in done.stdout.split('\0')
            if name and os.path.isfile(os.path.join(top, name))]


def help_of(top):
    """{verb: description} as make help prints them."""
    done = subprocess.run(['make', '-s', '-C', top, 'help'], capture_output=True, text=True,
                          check=False, env={k: v for k, v in os.environ.items()
                                            if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')})
    if done.returncode:
        raise BadInput(f'make help: {done.stderr.strip()}')
    return dict(re.findall(r'^  make ([a-z-]+) +(.*)$', done.stdout, re.M))


def verbs(top, names):
    files = {os.path.basename(name)[:-3] for name in names
             if re.fullmatch(r'scripts/[^/]+\.sh', name) and os.path.basename(name) not in SHARED}
    told = set(help_of(top))
    for verb in sorted(files - told):
        yield f'scripts/{verb}.sh is not in make help: add it to the Makefile, or move it to its room'
    for verb in sorted(told - files):
        yield f'make {verb} has no scripts/{verb}.sh: a verb is one file'
    for name in names:
        if re.fullmatch(r'scripts/[^/]+', name) and not name.endswith('.sh') \
           and os.path.basename(name) not in SHARED + ('README.md',):
            yield f'{name}: neither a verb nor shared: move it to the room that uses it'
    for room in {name.split('/')[1] for name in names if name.count('/') > 1
                 and name.startswith('scripts/')} - set(ROOMS):
        yield f'scripts/{room}/ is no room: add it to ROOMS in scripts/lint/house.py, above what it uses'


def rooms(top, names):
    rank = {room: number for number, room in enumerate(ROOMS)}
    for name in names:
        parts = name.split('/')
        if parts[0] != 'scripts' or len(parts) < 3 or parts[1] not in rank or parts[1] == 'tests':
            continue
        here, text = rank[parts[1]], read(os.path.join(top, name))
        if name.endswith('.sh'):
            code = re.sub(r'^\s*#.*$', '', text, flags=re.M)
            for verb in re.findall(r'\$(?:top/scripts|s)"?/([a-z-]+\.sh)\b', code):
                if verb not in SHARED:
                    yield f'{name} uses the verb {verb}, which lies above it: call it from the verb'
            used = re.findall(r'\$(?:top/scripts|s)"?/([a-z]+)/', code)
        else:
            used = re.findall(r'^(?:from|import) ([a-z]+)\b', text, re.M) if name.endswith('.py') else []
        for room in used:
            if rank.get(room, -1) > here:
                yield f'{name} uses scripts/{room}/, which lies above it: move what it needs down'


def run_bits(top, names):
    for name in names:
        base, end = os.path.splitext(os.path.basename(name))
        path = os.path.join(top, name)
        with open(path, 'rb') as file:
            program = file.read(2) == b'#!'
        if program != os.access(path, os.X_OK):
            yield f'{name}: ' + ('starts with #! and cannot be run: chmod +x ' if program else
                                 'can be run and does not start with #!: chmod -x ') + name
        if end == '.sh' and not re.fullmatch(r'[a-z0-9-]+', base):
            yield f'{name}: the name of a script is lower case with dashes: git mv it'
        if end == '.py' and not re.fullmatch(r'[a-z0-9_]+', base):
            yield f'{name}: the name of a module is lower case with underscores: git mv it'


def text_of(top, names):
    for name in names:
        if name.startswith(('patches/', 'scripts/tests/golden/')) or name == 'COPYING' \
           or name.endswith(('.patch', '.svg')):
            continue
        text = read(os.path.join(top, name))
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                yield f"{name}:{number}: blanks at its end: sed -i 's/[[:blank:]]*$//' {name}"
        if text and not text.endswith('\n'):
            yield f'{name}: the last line does not end: add an end of line'
        marked = os.path.splitext(name)[1] in COMMENT_MARK or os.path.basename(name) in (
            'Makefile', 'Kconfig', '.gitignore', '.editorconfig') or name == '.ci/run'
        if marked and 'SPDX-License-Identifier: ' not in '\n'.join(text.splitlines()[:3]):
            yield f'{name}: no SPDX-License-Identifier in its first lines: add it'


def code_of(line):
    """The commands in a line of a page."""
    return [line] if line.startswith('    ') else re.findall(r'`([^`]+)`', line)


def pages(top, names):
    """What the pages name must be there."""
    listed, told = set(names), help_of(top)
    folders = {os.path.dirname(name) for name in names}
    for letter in [name for name in names if os.path.basename(name) == 'cover-letter.txt']:
        for number, line in enumerate(read(os.path.join(top, letter)).splitlines(), 1):
            if COUNTED.search(line):
                yield f'{letter}:{number}: "{COUNTED.search(line).group()}" goes stale: leave the number out'
    for page in [name for name in names if name in PAGES or re.fullmatch(r'[a-z]+/README\.md', name)]:
        for number, line in enumerate(read(os.path.join(top, page)).splitlines(), 1):
            where = f'{page}:{number}'
            for path in re.findall(r'(?<![\w./-])((?:scripts|kunit|selftests|kconfigs|patches|\.ci)/[\w./-]*\w)(?![\w./-]*[<*])', line):
                if path not in listed and path.rstrip('/') not in folders \
                   and not any(os.path.splitext(name)[0] == path for name in listed):
                    yield f'{where}: {path} is not there: name what is'
            for verb, more in re.findall(r'\bmake ([a-z][a-z-]*)([^;|&`]*)', ' ; '.join(code_of(line))):
                if verb == 'help':
                    continue
                if verb not in told:
                    yield f'{where}: make {verb} is no verb: see make help'
                    continue
                known = told[verb] + read(os.path.join(top, 'scripts', f'{verb}.sh'))
                for variable in re.findall(r'\b([A-Z][A-Z_]*)=', more):
                    if not re.search(rf'\b{variable}\b', known):
                        yield f'{where}: make {verb} knows no {variable}=: see scripts/{verb}.sh --help'
            counted = COUNTED.search(line)
            if counted:
                yield f'{where}: "{counted.group()}" goes stale: leave the number out'


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('top', nargs='?', default=TOP)
    top = parser.parse_args(argv).top
    names = tracked(top)
    found = [line for check in (verbs, rooms, run_bits, text_of, pages) for line in check(top, names)]
    for line in found:
        print(f'lint: {line}')
    return 1 if found else 0


if __name__ == '__main__':
    run(main)
