#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""suites.py - the tests of this repository as commits on a kernel tree

usage: suites.py --onto COMMIT [--for WORD...]

Puts kunit/ at mm/tests/gup and the programs of selftests/ at tools/testing/selftests/mm,
with what makes them part of a kernel: Kconfig, Makefiles, run_vmtests.sh, and
mm/tests/gup/.kunitconfig, which is the lane um of kconfigs/. Prints the last commit.

What the suites stand on, kunit/gk*, is one commit; so is each line of suites in kunit/Makefile,
and each program. The files of a folder lie beside the others in the tree, named after it. The comment at the head of a file is its
changelog. The headers and lib_*.c that it includes come with it. What stays here: kunit/*.rig and the files that it builds, selftests/init.c, the lists, and what
a cover letter of patches/ names as Held-back.

--for WORD...  only what defines these words: names of cases, suites and programs, and with
               any the first commit, which all others stand on; words of others are no error

environment: GUP_BUILD, GUP_PATCHES
exit status: 0 done, 2 the tree lacks a place for a hook, or a file has no head
"""
import os
import re
import subprocess
import sys
import textwrap

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, first_words, letter, read, run, topics

KUNIT, SELFTESTS = 'mm/tests/gup', 'tools/testing/selftests/mm'
OBJECTS = re.compile(r'^obj-\$\((CONFIG_\w+)\)\s*\+=\s*(.*)$')
# file in the tree: the line that the hook goes before or after
HOOKS = {
    'mm/Kconfig': ('before', 'source "mm/damon/Kconfig"'),
    'mm/Makefile': ('after', 'obj-$(CONFIG_LAZY_MMU_MODE_KUNIT_TEST) += tests/lazy_mmu_mode_kunit.o'),
    f'{SELFTESTS}/Makefile': ('after', 'TEST_GEN_FILES += gup_test'),
    f'{SELFTESTS}/run_vmtests.sh': ('after', 'CATEGORY="gup_test" run_test ./gup_longterm'),
}


def ours(name):
    """Its text, with the paths that it has in the tree."""
    text = re.sub(r'\bkunit/(?=(?:gk|gup)\w*\.[ch])', f'{KUNIT}/', read(os.path.join(TOP, name)))
    room, _, base = name.partition('/')
    folder = os.path.dirname(base)
    for header in re.findall(r'#include "([^"]+)"', text) if folder else []:
        if os.path.exists(os.path.join(TOP, room, folder, header)):
            text = text.replace(f'"{header}"', f'"{flat(f"{folder}/{header}")}"')
    return text


def flat(name):
    """The program of a folder is main.c, and lies beside the others in the tree."""
    folder, base = os.path.split(name)
    if not folder:
        return base
    stem, end = os.path.splitext(base)
    return f'{folder}{end}' if stem == 'main' or end == '.h' else f'{folder}_{stem}{end}'


def head(name):
    """The comment at the head of a file."""
    found = re.match(r'// SPDX[^\n]*\n/\*(.*?)\*/', ours(name), re.S)
    if not found:
        raise BadInput(f'{name}: no comment at its head: say there what it tests')
    text = '\n'.join(re.sub(r'^\s*\*? ?', '', line).rstrip() for line in found[1].strip().split('\n'))
    return '\n\n'.join(textwrap.fill(part, 72) if max(map(len, part.split('\n'))) > 72 and '\t' not in part
                       else part for part in text.split('\n\n'))


def needed(room, names):
    """These files, the headers of the room that they include, and the lib_*.c of those."""
    found = list(names)
    for name in found:
        for word in re.findall(r'#include "([^"]+)"', read(os.path.join(TOP, room, name))):
            near = os.path.join(os.path.dirname(name), word)
            for more in (near if os.path.exists(os.path.join(TOP, room, near)) else word, word[:-1] + 'c'):
                if more not in found and os.path.exists(os.path.join(TOP, room, more)) \
                   and (more.endswith('.h') or more.startswith('lib_')):
                    found.append(more)
    return found


class Part:
    """Files that are one commit. files: path in the tree -> file of ours."""

    def __init__(self, subject, room, names, symbols=()):
        self.subject, self.symbols = subject, symbols
        self.place = KUNIT if room == 'kunit' else SELFTESTS
        self.body = '\n\n'.join(head(f'{room}/{name}') for name in names
                                if '/' not in name or name.endswith('/main.c'))
        self.files = {f'{self.place}/{flat(name)}': f'{room}/{name}' for name in needed(room, names)}

    def defines(self, word):
        return any(re.search(rf'^(?:static void )?{re.escape(word)}\(|/{re.escape(word)}\.c$', text, re.M) or
                   re.search(rf'\.name = "{re.escape(word)}"', text)
                   for text in (f'{place}\n{ours(name)}' for place, name in self.files.items()))

    def needs_driver(self):
        return any(f'{KUNIT}/gup_rig.h' in read(os.path.join(TOP, name)) for name in self.files.values()) \
            and self.place == SELFTESTS


def makefile_text():
    """kunit/Makefile, each list of objects in one line."""
    return re.sub(r'(?m)^(obj-.*?) *\\\n\s+', r'\1 ', read(f'{TOP}/kunit/Makefile'))


def objects(line):
    """(CONFIG_ symbol, the C files) of a line of kunit/Makefile, else None."""
    found = OBJECTS.match(line)
    return found and (found[1], [word[:-2] + '.c' for word in found[2].split()])


def subject_of(names):
    suites = [name[:-len('_kunit.c')] for name in names if name.endswith('_kunit.c')]
    if suites:
        return f'mm/tests: add the KUnit suite{"s" * (len(suites) > 1)} {" and ".join(suites)}'
    return 'mm/tests: add a driver in debugfs that calls GUP and reports'


def held_back():
    patches = os.environ.get('GUP_PATCHES') or os.path.join(TOP, 'patches')
    return {name for topic in topics(patches) for name in letter(patches, topic).get_all('Held-back', [])}


def parts():
    lines = list(filter(None, map(objects, makefile_text().splitlines())))
    base = [(symbol, names) for symbol, names in lines if all(name.startswith('gk') for name in names)]
    found = [Part('mm/tests: add what KUnit suites of GUP stand on', 'kunit',
                  [name for _, names in base for name in names], [symbol for symbol, _ in base])]
    for symbol, names in lines:
        if (symbol, names) not in base:
            found.append(Part(subject_of(names), 'kunit', names, [symbol]))
    held, room = held_back(), os.path.join(TOP, 'selftests')
    for name in sorted(os.listdir(room)):
        program = re.match(r'(gup_\w+)(?:\.c)?$', name)
        if program and f'selftests/{name}' not in held:
            more = sorted(os.listdir(os.path.join(room, name))) if os.path.isdir(os.path.join(room, name)) else []
            names = sorted((f'{name}/{file}' for file in more if file.endswith('.c')),
                           key=lambda path: not path.endswith('/main.c')) or [name]
            found.append(Part(f'selftests/mm: add {program[1]}', 'selftests', names))
    return found


def chosen(found, words):
    """The parts that define these words, and what they stand on."""
    if words is None:
        return found
    wanted = [part for part in found if any(part.defines(word) for word in words)]
    if not wanted:
        return []
    driver = any(part.needs_driver() for part in wanted)
    return [part for part in found if part in wanted or part is found[0] or
            (driver and 'CONFIG_GUP_RIG' in part.symbols)]


class Tree:
    """A tree that grows by commits, in one git fast-import."""

    def __init__(self, repository, commit):
        self.repository, self.commit, self.stream = repository, commit, []
        name, address, date = self.git('log', '-1', '--format=%an%n%ae%n%ad', '--date=raw', 'gup-series').split('\n')
        self.person = f'{name} <{address}> {date}'
        self.now, self.changed = {}, {}

    def git(self, *words, text=None):
        done = subprocess.run(['git', '-C', self.repository, *words], input=text, check=False, text=True,
                              capture_output=True)
        if done.returncode:
            raise BadInput(f'git {words[0]}: {done.stderr.strip()}')
        return done.stdout.rstrip('\n')

    def read(self, path):
        if path not in self.now:
            self.now[path] = self.git('cat-file', 'blob', f'{self.commit}:{path}') + '\n'
        return self.now[path]

    def write(self, path, text):
        self.now[path] = self.changed[path] = text

    def hook(self, path, text):
        where, anchor = HOOKS[path]
        lines = self.read(path).splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if line.strip() == anchor]
        if len(places) != 1:
            raise BadInput(f'{path}: no line "{anchor}", which the tests hook in {where}: '
                           'see HOOKS in scripts/series/suites.py')
        lines.insert(places[0] + (where == 'after'), text)
        self.write(path, ''.join(lines))

    def add(self, message):
        """What was written since the last one, as a commit."""
        self.stream += ['commit refs/gup/tests', f'author {self.person}', f'committer {self.person}', data(message)]
        if len(self.stream) == 4:
            self.stream.append(f'from {self.commit}')
        for path, text in self.changed.items():
            mode = '100755' if path.endswith('.sh') else '100644'
            self.stream += [f'M {mode} inline {path}', data(text)]
        self.changed = {}

    def finish(self):
        if self.stream:
            self.git('fast-import', '--quiet', '--force', text='\n'.join([*self.stream, 'done\n']))
            self.commit = self.git('rev-parse', 'refs/gup/tests')
            self.git('update-ref', '-d', 'refs/gup/tests')
        return self.commit


def data(text):
    return f'data {len(text.encode())}\n{text}'


def makefile(done):
    """kunit/Makefile with the lines of these files only."""
    kept = []
    for paragraph in makefile_text().split('\n\n'):
        lines = [line for line in paragraph.split('\n')
                 if not objects(line) or done.issuperset(f'kunit/{name}' for name in objects(line)[1])]
        flags = re.findall(r'^CFLAGS_(\w+)\.o', paragraph, re.M)
        text = '\n'.join(lines).strip('\n')
        if text and '.rig' not in text and all(f'kunit/{name}.c' in done for name in flags):
            kept.append(text)
    return '\n\n'.join(kept) + '\n'


def kconfig(symbols):
    """kunit/Kconfig with the entries of these symbols only."""
    first, *blocks = re.split(r'(?m)^(?=config |source )', read(f'{TOP}/kunit/Kconfig'))
    kept = [block.strip('\n') for block in blocks
            if (found := re.match(r'config (\w+)', block)) and f'CONFIG_{found[1]}' in symbols]
    return first + '\n\n'.join(kept) + '\n'


def kunitconfig():
    """The lane um, whatever the architecture."""
    lane = next(line.split() for line in read(f'{TOP}/kconfigs/lanes').splitlines() if line.startswith('um '))
    options = [word for name in lane[4].split(',') for word in first_words(f'{TOP}/kconfigs/{name}.config')]
    return '\n'.join(options) + '\n'


def add_kunit(tree, part, done, symbols):
    if not symbols:
        tree.hook('mm/Kconfig', 'source "mm/tests/gup/Kconfig"\n\n')
        tree.hook('mm/Makefile', 'obj-$(CONFIG_GUP_KUNIT_TEST) += tests/gup/\n')
        tree.write(f'{KUNIT}/.kunitconfig', kunitconfig())
    symbols.update(part.symbols)
    tree.write(f'{KUNIT}/Makefile', makefile(done))
    tree.write(f'{KUNIT}/Kconfig', kconfig(symbols))


def add_selftest(tree, part):
    program, *libs = [os.path.basename(place)[:-2] for place in part.files if place.endswith('.c')]
    tree.hook(f'{SELFTESTS}/Makefile', f'TEST_GEN_FILES += {program}\n')
    if libs:
        text = tree.read(f'{SELFTESTS}/Makefile')
        tree.write(f'{SELFTESTS}/Makefile', f'{text}\n$(OUTPUT)/{program}: {" ".join(lib + ".c" for lib in libs)}\n'
                   f'$(OUTPUT)/{program}: CFLAGS += -I$(top_srcdir)/tools/include\n')
    tree.hook(f'{SELFTESTS}/run_vmtests.sh', f'CATEGORY="gup_test" run_test ./{program}\n')
    config = tree.read(f'{SELFTESTS}/config')
    options = [f'{option}=y' for option in ('CONFIG_KUNIT', 'CONFIG_GUP_KUNIT_TEST', 'CONFIG_GUP_RIG')
               if part.needs_driver() and f'{option}=y' not in config.split()]
    tree.write(f'{SELFTESTS}/config', config + ''.join(f'{option}\n' for option in options))


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--onto', required=True)
    parser.add_argument('--for', dest='words', nargs='*')
    args = parser.parse_args(argv)
    linux = os.path.join(os.environ.get('GUP_BUILD') or os.path.join(TOP, 'build'), 'linux')
    done, symbols, tree = set(), set(), Tree(linux, args.onto)
    for part in chosen(parts(), args.words):
        new = {place: name for place, name in part.files.items() if name not in done}
        for place, name in new.items():
            tree.write(place, ours(name))
        done.update(new.values())
        if part.place == KUNIT:
            add_kunit(tree, part, done, symbols)
        else:
            add_selftest(tree, part)
        tree.add(f'{part.subject}\n\n{part.body}\n')
    print(tree.finish())
    return 0


if __name__ == '__main__':
    run(main)
