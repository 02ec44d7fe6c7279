#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""judge.py - run mutants of mm/ against the KUnit suites of a lane (make mutate)

usage: judge.py --tree DIR --objects DIR --link FILE --lane NAME --out DIR [OPTION...]
		[--arguments "of the kernel"]

  --sample N, --seed N	only N, drawn at random; a larger N goes on where a smaller one ended
  --func GLOB		only of these functions
  --only ID...		only these
  --again		judge anew what an earlier run has judged
  --survivors		only what survived in any earlier run
  --keep		believe what other sources have killed: for more cases, not for another mm/gup.c
  --equivalents		also judge those of the list
  --jobs N		kernels at a time

Prints TAP: a mutant that a case, a splat or a time-out shows is ok; one that survives is not,
and comes with its diff and the two suites that are nearest. What cannot be told from the code
as it is by this lane (it does not compile or link it, or the compiler makes the same of both)
is no mutant, and a change that equals another is counted once.

OUT keeps results.tsv, which a later run with the same sources goes on with. exit status: 0 all killed, 1 a survivor, 2 cannot tell
"""
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, read, run
from mutate import kernel, lists, mutants
from mutate.boot import stop_on_signals
from mutate.results import Results
from mutate.suites import Suites
from verdict import inventory

LIST = os.path.join(TOP, 'scripts', 'mutate', 'equivalent')
# name: only what the series changes
FILES = {'mm/gup': False, 'mm/memfd': True, 'mm/memory': True, 'mm/khugepaged': True}


class Judge:
    """One mutant after the other, each in a directory of its worker."""

    def __init__(self, lane, results, out):
        self.lane, self.results, self.out = lane, results, out
        self.base, self.names, self.suites = {}, set(), Suites(lane, results)

    def folder(self, worker):
        path = os.path.join(self.out, f'work{worker}')
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def as_it_is(self, name):
        """A folder with NAME.o of the code as it is, made as the mutants' are."""
        folder = self.folder('-as-it-is')
        shutil.copy(os.path.join(self.lane.tree, name + '.c'), folder)
        if not self.lane.compile(name, folder):
            raise BadInput(f'{name}.c does not compile as it is: see {folder}/build.log')
        return folder

    def ready(self, names):
        """The code as it is has to pass."""
        for name in names:
            self.base[name] = self.lane.code(name, self.as_it_is(name))
        red, self.names = self.suites.measure('mm/gup', self.as_it_is('mm/gup'))
        if red or not self.names:
            raise BadInput(f'the kernel as it is does not pass: {red}: make kunit LANE={self.lane.name}')
        never = wanted(self.lane.name) - self.names
        if never:
            raise BadInput(f'{min(never)} and {len(never) - 1} more of kunit/inventory are in no boot: '
                           'their suites are linked behind what the first boot stops at: see PARTS')

    def judge(self, mutant, name, worker):
        """Its Result; None if it is none in this lane."""
        begin, folder = time.monotonic(), self.folder(worker)
        with open(os.path.join(folder, os.path.basename(name) + '.c'), 'w', encoding='utf-8') as file:
            file.write(mutant.text)
        if not self.lane.compile(name, folder):
            return self.results.add(mutant, 'none', 'does not compile', time.monotonic() - begin)
        code = self.lane.code(name, folder)
        if code == self.base[name]:
            return self.results.add(mutant, 'none', 'same code', time.monotonic() - begin)
        twin = self.results.by_code.get(code)
        if twin and twin.id != mutant.id:
            return self.results.add(mutant, 'none', f'as {twin.id}', time.monotonic() - begin)
        try:
            red, names = self.suites.boot(name, folder, mutant.function)
        except kernel.NoLink:
            return self.results.add(mutant, 'none', 'does not link', time.monotonic() - begin)
        lost = self.names - names
        if not red and lost:
            red = f'not passed: {min(lost)}'
        word = 'killed' if red else 'survived'
        return self.results.add(mutant, word, red or '-', time.monotonic() - begin, code)


def wanted(lane):
    """The cases that pass in the lane, as kunit/inventory has it."""
    return {case.name for case in inventory.load()[1] if case.runs_in(lane) and lane not in case.skips}


def changed(tree, name):
    """The numbers of the lines of a file that the series changes."""
    done = subprocess.run(['git', '-C', tree, 'diff', '-U0', 'gup-overlay', '--', name + '.c'],
                          capture_output=True, text=True, check=True)
    return {line for first, count in re.findall(r'^@@ .*\+(\d+)(?:,(\d+))? @@', done.stdout, re.M)
            for line in range(int(first), int(first) + int(count or 1))}


def candidates(lane, args):
    """[(mutant, name)] in the order in which they are drawn, and how many the lane lacks."""
    found, unseen, unknown = [], 0, set(args.only or ())
    for name, part in FILES.items():
        lines = changed(lane.tree, name) if part else None
        if part and not lines:
            continue
        seen = lane.lines(name)
        for mutant in mutants.make(os.path.join(lane.tree, name + '.c'), lines=lines, func=args.func):
            if args.only and mutant.id not in args.only:
                continue
            unknown.discard(mutant.id)
            if mutant.line in seen:
                found.append((mutant, name))
            else:
                unseen += 1
    if unknown:
        raise BadInput(f'judge.py: no mutant {" ".join(sorted(unknown))}: see mutants.py list')
    if args.sample:
        random.Random(args.seed).shuffle(found)
    return found, unseen


class Show:
    """TAP, in the order in which results come."""

    def __init__(self, results, texts):
        self.results, self.texts, self.n, self.bad, self.none = results, texts, 0, 0, Counter()
        self.words, self.left = Counter(), []

    def result(self, mutant, name, result, reason):
        if result.word == 'none':
            self.none[result.by.split(' ')[0]] += 1
            self.left.append(f'{mutant.id}: {result.by}')
            return
        self.n += 1
        word, good = result.word, result.word == 'killed'
        if reason:
            word, good = 'equivalent, ' + word, result.word == 'survived'
        self.words[word] += 1
        self.bad += not good
        print(f'{"ok" if good else "not ok"} {self.n} - {mutant}: {word}'
              f'{" by " + result.by if result.word == "killed" else ""} ({result.seconds} s)')
        if not good and reason:
            print(f'# scripts/mutate/equivalent says: {reason}')
        elif not good:
            near = self.results.near(mutant.function)[:2]
            print('\n'.join('# ' + line for line in mutant.diff(self.texts[name]).splitlines()))
            print(f'# nearest suites: {", ".join(near) or "none has killed one of this function yet"}')
        sys.stdout.flush()


def work(judge, args, todo, show):
    """Workers take mutants until the sample is full: no more, however many workers there are."""
    known, failures = lists.equivalents(LIST), []
    todo, turn, flying = iter(todo), threading.Condition(), set()

    def take(worker):
        """The next one, when there is room in the sample; None: it is full."""
        with turn:
            while args.sample and show.n + len(flying) >= args.sample:
                if show.n >= args.sample or failures:
                    return None
                turn.wait()
            item = next(todo, None)
            if item:
                flying.add(worker)
            return item

    def one(mutant, name, worker):
        old = judge.results.by_id.get(mutant.id)
        entry = known.get(mutant.place())
        reason = entry.reason if entry and entry.holds_in(judge.lane.name) else ''
        if reason and not args.equivalents:
            show.left.append(f'{mutant.id}: in scripts/mutate/equivalent (EQUIVALENTS=1)')
            return
        before = judge.results.older.get(mutant.id)
        if not old and args.keep and before and before.word != 'survived':
            old = before
        if not old or args.again and old.word != 'none':
            old = judge.judge(mutant, name, worker)
        with turn:
            show.result(mutant, name, old, reason)
            flying.discard(worker)

    def each(worker):
        while not failures and (item := take(worker)):
            try:
                one(*item, worker)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)
            finally:
                with turn:
                    flying.discard(worker)
                    turn.notify_all()

    threads = [threading.Thread(target=each, args=(n,)) for n in range(args.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def arguments(argv):
    parser = Parser(__doc__)
    for option in ('tree', 'objects', 'link', 'lane', 'out'):
        parser.add_argument('--' + option, required=True)
    parser.add_argument('--arguments', default='')
    parser.add_argument('--state', default='')
    parser.add_argument('--func', default='*')
    parser.add_argument('--only', nargs='*')
    parser.add_argument('--again', action='store_true')
    parser.add_argument('--survivors', action='store_true')
    parser.add_argument('--keep', action='store_true')
    parser.add_argument('--equivalents', action='store_true')
    for option, default in (('sample', 0), ('seed', 1), ('jobs', 1)):
        parser.add_argument('--' + option, type=int, default=default)
    return parser.parse_args(argv)


def main(argv):
    args = arguments(argv)
    stop_on_signals()
    lane = kernel.Lane(args.lane, args.tree, args.objects, read(args.link), args.arguments.split())
    results = Results(os.path.join(args.out, 'results.tsv'), args.state)
    todo, unseen = candidates(lane, args)
    if args.survivors:
        todo = [(mutant, name) for mutant, name in todo
                if getattr(results.older.get(mutant.id), 'word', '') == 'survived']
    if not todo:
        raise BadInput(f'judge.py: no such mutant; {unseen} in code that the lane does not compile')
    names = {name for _, name in todo}
    texts = {name: read(os.path.join(lane.tree, name + '.c')) for name in names}
    judge, show = Judge(lane, results, args.out), Show(results, texts)
    judge.ready(names)
    work(judge, args, todo, show)
    if not show.n:
        raise BadInput(f'judge.py: nothing to judge: {"; ".join(sorted(show.left)[:5])}')
    print(f'1..{show.n}')
    print(f'# lane {lane.name}: {show.n} mutants of {len(todo)} changes'
          + (f', drawn with SEED={args.seed}' if args.sample else '') + ': '
          + ', '.join(f'{n} {word}' for word, n in sorted(show.words.items())))
    print(f'# no mutants here: {unseen} in code that the lane does not compile'
          + ''.join(f', {show.none[key]} {text}' for key, text in
                    (('does', 'do not compile or link'), ('same', 'give the same code'),
                     ('as', 'are like another'))))
    return 1 if show.bad else 0


if __name__ == '__main__':
    run(main)
