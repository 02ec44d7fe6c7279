# SPDX-License-Identifier: GPL-2.0
"""kernel.py - a kernel of ARCH=um with one file changed: compile and link

Nothing is made by make: a file is compiled by the command that made the lane's object, into
a directory of its own, and the kernel is linked by the lane's last link command with that
object in place of the lane's. The table of symbols stays the lane's, so a trace of a kernel
that dies may name a neighbour. Several kernels can be made at a time.
"""
import hashlib
import os
import re
import shlex
import subprocess

from lib import BadInput, read
from verdict import splat

HOOKED = 'mm/tests/gup/gup_hooked'
NO_C = re.compile(r':\d+:\d+: error: ')
NO_CALLEE = re.compile(r'undefined reference to ')


class NoLink(BadInput):
    """A kernel calls what the lane does not have."""


class Lane:
    """What the kernels of a lane are made of. link: its last link command."""

    def __init__(self, name, tree, objects, link, arguments):
        self.name, self.tree, self.objects, self.link = name, tree, objects, link.split()
        self.arguments = arguments
        if 'vmlinux.a' not in self.link or '-o' not in self.link:
            raise BadInput(f'lane {name}: not the command that links a kernel: {link[:60]!r}')
        self.deny = splat.load_deny()          # nothing is excused in a lane of KUnit
        self.members = subprocess.run(['ar', 't', 'vmlinux.a'], cwd=objects, capture_output=True,
                                      text=True, check=True).stdout.split()
        self.commands = {}

    def command(self, name):
        """How the lane's object was compiled, as words."""
        if name not in self.commands:
            path = os.path.join(self.objects, os.path.dirname(name),
                                f'.{os.path.basename(name)}.o.cmd')
            hit = re.search(rf'^savedcmd_{re.escape(name)}\.o := (.*)$', read(path), re.M)
            if not hit:
                raise BadInput(f'{path} does not say how {name}.o was compiled')
            text = hit.group(1).replace('$(pound)', '#').replace('$$', '$')
            self.commands[name] = [word for word in shlex.split(text) if word != 'ccache']
        return list(self.commands[name])

    def compile(self, name, folder, more=()):
        """NAME.o of the NAME.c that lies in folder, or the hooked one, with more flags. False: it
        is no C."""
        words, base = self.command(name), os.path.basename(name)
        words[words.index('-o') + 1] = os.path.join(folder, base + '.o')
        words = [f'-Wp,-MMD,{folder}/{base}.d' if word.startswith('-Wp,-MMD') else word
                 for word in words]
        if name != HOOKED:
            words[-1] = os.path.join(folder, base + '.c')
        words += [*more, '-w', '-iquote', folder, '-iquote', os.path.join(self.tree, 'mm'),
                  f'-fmacro-prefix-map={folder}/=mm/']
        done = subprocess.run(words, cwd=self.objects, capture_output=True, text=True, check=False)
        with open(os.path.join(folder, 'build.log'), 'a', encoding='utf-8') as file:
            file.write(done.stderr)
        if done.returncode and not NO_C.search(done.stderr):
            raise BadInput(f'the compiler fails: see {folder}/build.log: {done.stderr.strip()[-300:]}')
        return done.returncode == 0

    def code(self, name, folder):
        """What tells one object from another: all of it but what is for debuggers."""
        path = os.path.join(folder, os.path.basename(name) + '.o')
        subprocess.run(['objcopy', '--strip-debug', path, path + '.code'], check=True)
        with open(path + '.code', 'rb') as file:
            return hashlib.sha256(file.read()).hexdigest()

    def kernel(self, names, folder, more=()):
        """The lane's kernel, with NAME.o of folder for each name."""
        new = {name + '.o': os.path.join(folder, os.path.basename(name) + '.o') for name in names}
        if not set(new) <= set(self.members):
            raise BadInput(f'{self.objects}/vmlinux.a lacks one of {" ".join(new)}')
        with open(os.path.join(folder, 'objects'), 'w', encoding='utf-8') as file:
            file.write('\n'.join(new.get(name, name) for name in self.members) + '\n')
        words = ['@' + file.name if word == 'vmlinux.a' else word for word in self.link
                 if word != 'ccache']
        words[words.index('-o') + 1] = os.path.join(folder, 'linux')
        done = subprocess.run(words + list(more), cwd=self.objects, capture_output=True, text=True, check=False)
        if done.returncode:
            wrong = NoLink if NO_CALLEE.search(done.stderr) else BadInput
            raise wrong(f'a kernel does not link: {done.stderr.strip()[-500:]}')

    def lines(self, name):
        """The numbers of the lines that the lane compiles, of a file as it is in the tree."""
        words, path = self.command(name), os.path.join(self.tree, name + '.c')
        words = words[:words.index('-c')] + ['-E', '-fdirectives-only', path]
        words = [word for word in words if not word.startswith('-Wp,-MMD')]
        done = subprocess.run(words, cwd=self.objects, capture_output=True, text=True, check=True)
        found, inside, number = set(), False, 0
        for line in done.stdout.split('\n'):
            hit = re.match(r'# (\d+) "(.*?)"', line)
            if hit:
                number, inside = int(hit.group(1)), hit.group(2).endswith(f'/{name}.c')
                continue
            if inside and line.strip():
                found.add(number)
            number += 1
        return found
