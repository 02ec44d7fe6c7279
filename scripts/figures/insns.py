#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""insns.py - instructions of GUP's calls: compare, name functions, record, tabulate

usage: insns.py same ROWS ROWS
       insns.py check RECORD ROWS TOOLS
       insns.py ratios RECORD BASE SERIES TOOLS
       insns.py record RECORD BASE SERIES TOOLS
       insns.py table BASE SERIES TOOLS
       insns.py functions ROWS PERIODS

ROWS, BASE, SERIES  rows of a boot, from bench_table.py rows, or from functions
TOOLS      one line: the compiler, assembler and machine
same       fails if two boots differ
check      the rows against scripts/figures/bench.icount; with a column of functions in ROWS,
           it says which of them take more or fewer
ratios     for other tools than the record's: series against base, within a tenth
record     writes RECORD (- is stdout)
table      Markdown
functions  adds the instructions of each function to each row, from what scripts/tcg/count.c
           has counted, and sees that both counters agree

same and check compare exactly, but for the rows of BY_FRAME: see there.

exit status: 0, 1 rows differ, 2 bad input, 4 check: they differ, but the tools do, too
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from figures import record
from figures.rows import KEY, head, key as key_of, line, load, name, number
from lib import BadInput, Parser, read, run
from tcg import periods

LOSS = 1.1              # of the base's lead, with other tools
FEW = 8                 # instructions a call that another compiler may add anywhere
SHOWN = 20
# Calls that depend on which frames the memory has: what the boot did before decides which of
# them are neighbours. Those are compared for ranges, and io_uring notes each large folio in a
# tree, by its number. So rows of more than one page count as the same within NEAR, and those
# with folios in a tree within as many instructions as a few nodes of it take.
BY_FRAME = ('pin_user_page_ranges_fast', 'unpin_user_page_ranges', 'bio_iov_iter_get_pages',
            'io_uring_register', 'io_uring_unregister')
NEAR = 0.02
NODES = 1000
SMALL = ('anon_written', 'drv_order0')
# A row's functions are on record where they can be read at a glance, and all occur.
NAMED = {'n': ('1', '512'), 'flags': ('WRITE', 'WRITE+LONGTERM')}
HEAD = '''# What the calls of the benchmark take on x86-64: instructions of one call on the base
# and on the series, exact, and of some rows the functions on the series. make icount
# compares; make icount ACCEPT=1 writes this file. Not cache misses, TLB or contention.
'''


def rows(path):
    """{key: (instructions, {function: instructions})}"""
    found = {}
    for row in load(path, 'pages', 'insns'):
        key = key_of(row)
        if row['n'] != row['pages'] or key in found:
            raise BadInput(f'{path}: {name(key)}: not instructions of one call, or twice')
        found[key] = number(path, row, 'insns'), named(row.get('functions'))
    return found


def named(text):
    """{function: instructions} from 'a=1,b=2'"""
    if not text or text == '-':
        return None
    return {name: int(count) for name, _, count in (word.partition('=') for word in text.split(','))}


def recorded(path):
    """its tools, and {key: (base, series, functions)}"""
    tools = re.search(r'^# tools: (.*)$', read(path), re.M)
    if not tools:
        raise BadInput(f'{path}: no line "# tools:": make icount ACCEPT=1')

    def figures(words):
        if len(words) not in (2, 3):
            raise ValueError
        return int(words[0]), int(words[1]), named(words[2] if words[2:] else None)
    return tools[1], record.load(path, figures)


def differs(key, old, new):
    shape, call, _, n = key
    near = 0
    if call in BY_FRAME and n != '1':
        near = NEAR * old
        if call.startswith('io_uring') and shape not in SMALL:
            near += NODES
    return abs(new - old) > near


def per_page(count, key):
    return f'{count / int(key[3]):+.2f} a page' if key[3] != '1' else f'{count:+d} a call'


def same(one, other):
    a, b = rows(one), rows(other)
    bad = [key for key in dict.fromkeys([*a, *b])
           if key not in a or key not in b or differs(key, a[key][0], b[key][0])]
    for key in bad:
        print(f'FAILED {name(key)}: {a.get(key, ["no row"])[0]} in one boot, {b.get(key, ["no row"])[0]} in another')
    return 1 if bad else 0


def differences(old, new):
    """{function: more instructions}, the largest change first"""
    if old is None or new is None:
        return {}
    found = {f: new.get(f, 0) - old.get(f, 0) for f in {*old, *new}}
    return {f: found[f] for f in sorted(found, key=lambda f: (-abs(found[f]), f)) if found[f]}


def changes(both):
    """[(more a page, key, old, new, {function: more})], the most first."""
    found = []
    for key, old, new in both:
        if differs(key, old[1], new[0]):
            found.append(((new[0] - old[1]) / int(key[3]), key, old[1], new[0],
                          differences(old[2], new[1])))
    # The rows with names of functions say more than those without.
    return sorted(found, key=lambda x: (not x[4], -abs(x[0])))


def blame(changed):
    """Each function that takes more or fewer, and where most."""
    found = {}
    for _, key, _, _, functions in changed:
        for f, more in functions.items():
            found.setdefault(f, []).append((more / int(key[3]), key))
    for f, rows_of in sorted(found.items(), key=lambda x: (-len(x[1]), x[0])):
        most = max(rows_of, key=lambda x: abs(x[0]))
        yield (f'{"FAILED" if most[0] > 0 else "better"} function {f}: {len(rows_of)} rows, '
               f'the most {most[0]:+.2f} a page in {name(most[1])}')


def check(path, rowfile, toolfile):
    tools, was = recorded(path)
    here = read(toolfile).strip()
    odd, both = record.pairs(was, rows(rowfile))
    changed = changes(both)
    if changed and tools != here and not odd:
        print(f'icount: {len(changed)} of {len(was)} rows differ, but the record was made with {tools}, this is {here}')
        return 4
    said = [*blame(changed), *odd]
    for more, key, old, new, functions in changed[:SHOWN]:
        which = ', '.join(f'{f} {per_page(n, key)}' for f, n in functions.items())
        said.append(f'{"FAILED" if more > 0 else "better"} {name(key)}: {old} -> {new} instructions, '
                    f'{per_page(new - old, key)}{": " + which if which else ""}')
    if len(changed) > SHOWN:
        said.append(f'icount: and {len(changed) - SHOWN} rows more')
    print(*said, sep='\n', end='\n' if said else '')
    worse = sum(x[0] > 0 for x in changed)
    return record.summary('icount', len(was), worse + len(odd), len(changed) - worse)


def ratios(path, basefile, seriesfile, toolfile):
    tools, was = recorded(path)
    base, series = rows(basefile), rows(seriesfile)
    bad = 0
    for key in dict.fromkeys([*was, *series]):
        if key not in was or key not in series or key not in base:
            print(f'FAILED {name(key)}: not on record, or not measured')
            bad += 1
            continue
        wanted = was[key][1] * base[key][0] / max(was[key][0], 1)
        if series[key][0] > wanted * LOSS + FEW:
            print(f'FAILED {name(key)}: base {was[key][0]}, series {was[key][1]} on record, '
                  f'now {base[key][0]} and {series[key][0]}: {series[key][0] / wanted:.2f} times what that gives')
            bad += 1
    if bad:
        print(f'icount: {bad} rows lost against the base (other tools than the record: {read(toolfile).strip()})')
        return 1
    print(f'icount: not comparable to the digit: recorded with {tools}, this is {read(toolfile).strip()}; '
          f'against the base none of {len(was)} rows lost more than a tenth')
    return 4


def both_sides(basefile, seriesfile):
    base, series = rows(basefile), rows(seriesfile)
    if list(base) != list(series):
        raise BadInput(f'{basefile} and {seriesfile} do not have the same rows')
    return base, series


def make_record(path, basefile, seriesfile, toolfile):
    base, series = both_sides(basefile, seriesfile)
    lines = []
    for key, (count, functions) in series.items():
        row = dict(zip(KEY, key))
        wanted = functions and all(row[k] in NAMED[k] for k in NAMED)
        text = [','.join(f'{f}={n}' for f, n in sorted(functions.items()))] if wanted else []
        lines.append((key, [base[key][0], count, *text]))
    header = f'{HEAD}# tools: {read(toolfile).strip()}\n#\n# {" ".join(KEY)} base series functions\n'
    return record.save(path, 'icount', header, lines)


def table(basefile, seriesfile, toolfile):
    base, series = both_sides(basefile, seriesfile)

    def entry(key):
        a, b, n = base[key][0], series[key][0], int(key[3])
        return line([key[1], key[0], key[2], key[3], str(a), str(b), f'{a / n:.2f}', f'{b / n:.2f}', f'{a / max(b, 1):.2f}'])

    names = head(['call', 'shape', 'flags', 'pages a call', 'base, a call', 'series, a call',
                  'base, a page', 'series, a page', 'ratio'])
    worse = [key for key in series if series[key][0] > base[key][0]]
    out = ['# Instructions of GUP', '',
           'Executed instructions of one call, beyond those of a call that does nothing: exact, the same in each run.',
           'They are instructions only: not cache misses, not TLB misses, not contention, and a locked one counts as one.',
           f'{read(toolfile).strip()}; an SMP kernel on one CPU.', '',
           f'## More on the series than on the base: {len(worse)} of {len(series)} rows', '']
    out += [*names, *map(entry, worse), ''] if worse else []
    print('\n'.join([*out, '## All rows', '', *names, *map(entry, series)]))
    return 0


def functions(path, periodfile):
    table_of = load(path, 'pages', 'insns', 'period')
    wanted = {number(path, row, 'period') for row in table_of}
    counted = periods.load(periodfile, wanted)
    beside = {}
    lines = ['\t'.join([*table_of[0], 'functions'])]
    for row in table_of:
        period = int(row['period'])
        counts = counted[period] if 0 <= period < len(counted) else None
        where = f'{row["op"]} {row["shape"]} {row["flags"]} {row["n"]}'
        if not counts or 'gup_bench_mark' not in counts:
            raise BadInput(f'{periodfile}: no period {period}: {where}')
        ticks = [f for f in counts if f.startswith('sysvec_')]
        if ticks:
            raise BadInput(f'{where}: each pass was interrupted ({ticks[0]}): more of them: '
                           'BENCH_BURST in kunit/gup_bench_kunit.c')
        # Beside the call it is always the same that is counted: one figure for taking, one for giving back.
        beside.setdefault(sum(counts.values()) - int(row['insns']), where)
        text = ','.join(f'{f}={n}' for f, n in sorted(counts.items()) if not re.match('(gup_)?bench_', f))
        lines.append('\t'.join([*row.values(), text or '-']))
    if len(beside) > 2:
        raise BadInput(f'the clock and the plugin disagree: {beside}')
    print(*lines, sep='\n')
    return 0


VERBS = {'same': (same, 'ROWS ROWS'), 'check': (check, 'RECORD ROWS TOOLS'),
         'ratios': (ratios, 'RECORD BASE SERIES TOOLS'),
         'record': (make_record, 'RECORD BASE SERIES TOOLS'), 'table': (table, 'BASE SERIES TOOLS'),
         'functions': (functions, 'ROWS PERIODS')}


def main(argv):
    parser = Parser(__doc__)
    verbs = parser.verbs()
    for verb, (_, names) in VERBS.items():
        words = verbs.add_parser(verb)
        words.add_argument('files', nargs=len(names.split()), metavar='FILE')
    args = parser.parse_args(argv)
    return VERBS[args.verb][0](*args.files)


if __name__ == '__main__':
    run(main)
