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
same       do two boots have the same figures?
check      the rows against scripts/figures/bench.icount, exactly; with a column of functions in
           ROWS, it says which of them take more or fewer
ratios     for other tools than the record's: series against base, within a tenth
record     writes RECORD (- is stdout)
table      Markdown
functions  adds the instructions of each function to each row, from what scripts/tcg/count.c
           has counted, and sees that both counters agree

exit status: 0, 1 rows differ, 2 bad input, 4 check: they differ, but the tools do, too
"""
import re
import sys

from bench_table import KEY, die, head, line, load, read

LOSS = 1.1              # of the base's lead, with other tools
FEW = 8                 # instructions a call that another compiler may add anywhere
SHOWN = 20
# A row's functions are on record where they can be read at a glance, and all occur.
NAMED = {'n': ('1', '512'), 'flags': ('WRITE', 'WRITE+LONGTERM')}
HEAD = '''# What the calls of the benchmark take on x86-64: instructions of one call on the base
# and on the series, exact, and of some rows the functions on the series. make icount
# compares; make icount ACCEPT=1 writes this file. Not cache misses, TLB or contention.
'''


def rows(path):
    """(shape, op, flags, n) -> row"""
    found = {}
    for row in load(path):
        key = tuple(row.get(k) for k in KEY)
        if None in key or not row.get('insns', '').lstrip('-').isdigit() or row['n'] != row.get('pages'):
            die(f'{path}: {row}: no count of instructions of one call')
        if key in found:
            die(f'{path}: a row twice: {" ".join(key)}')
        found[key] = int(row['insns']), named(row.get('functions'))
    if not found:
        die(f'{path}: no row')
    return found


def named(text):
    """{function: instructions} from 'a=1,b=2'"""
    if not text or text == '-':
        return None
    return {name: int(count) for name, _, count in (word.partition('=') for word in text.split(','))}


def recorded(path):
    """its tools, and (shape, op, flags, n) -> (base, series, functions)"""
    text = read(path)
    tools = re.search(r'^# tools: (.*)$', text, re.M)
    if not tools:
        die(f'{path}: no line "# tools:": make icount ACCEPT=1')
    found = {}
    for number, entry in enumerate(text.splitlines(), 1):
        words = entry.partition('#')[0].split()
        if not words:
            continue
        key = tuple(words[:4])
        try:
            if len(words) not in (6, 7) or key in found:
                raise ValueError
            found[key] = int(words[4]), int(words[5]), named(words[6] if len(words) == 7 else None)
        except ValueError:
            die(f'{path}:{number}: no row, or one twice')
    return tools[1], found


def name(key):
    return f'{key[1]} {key[0]} {key[2]}, {key[3]} a call'


def per_page(count, key):
    return f'{count / int(key[3]):+.2f} a page' if key[3] != '1' else f'{count:+d} a call'


def same(one, other):
    a, b = rows(one), rows(other)
    bad = [key for key in dict.fromkeys([*a, *b]) if a.get(key, [None])[0] != b.get(key, [None])[0]]
    for key in bad:
        print(f'FAILED {name(key)}: {a.get(key, ["no row"])[0]} in one boot, {b.get(key, ["no row"])[0]} in another')
    return 1 if bad else 0


def differences(old, new):
    """{function: more instructions}, the largest change first"""
    if old is None or new is None:
        return {}
    found = {f: new.get(f, 0) - old.get(f, 0) for f in {*old, *new}}
    return {f: found[f] for f in sorted(found, key=lambda f: (-abs(found[f]), f)) if found[f]}


def check(record, path, toolfile):
    tools, was = recorded(record)
    here = read(toolfile).strip()
    now = rows(path)
    bad, changed, blame = [], [], {}
    for key in dict.fromkeys([*was, *now]):
        if key not in was or key not in now:
            bad.append(f'FAILED {name(key)}: {"not on record" if key in now else "not measured"}')
            continue
        old, new = was[key][1], now[key][0]
        if old == new:
            continue
        who = differences(was[key][2], now[key][1])
        for f, more in who.items():
            blame.setdefault(f, []).append((more / int(key[3]), key))
        changed.append(((new - old) / int(key[3]), key, old, new, who))
    if not bad and not changed:
        print(f'icount: all {len(was)} rows as on record')
        return 0
    if tools != here and not bad:
        print(f'icount: {len(changed)} of {len(was)} rows differ, but the record was made with {tools}, this is {here}')
        return 4
    for f, all_of in sorted(blame.items(), key=lambda x: (-len(x[1]), x[0])):
        most = max(all_of, key=lambda x: abs(x[0]))
        print(f'{"FAILED" if most[0] > 0 else "better"} function {f}: {len(all_of)} rows, the most {most[0]:+.2f} a page in {name(most[1])}')
    print(*bad, sep='\n', end='\n' if bad else '')
    # The rows with names of functions say more than those without.
    changed.sort(key=lambda x: (not x[4], -abs(x[0])))
    for more, key, old, new, who in changed[:SHOWN]:
        which = ', '.join(f'{f} {per_page(n, key)}' for f, n in who.items())
        print(f'{"FAILED" if more > 0 else "better"} {name(key)}: {old} -> {new} instructions, '
              f'{per_page(new - old, key)}{": " + which if which else ""}')
    if len(changed) > SHOWN:
        print(f'icount: and {len(changed) - SHOWN} rows more')
    worse = sum(x[0] > 0 for x in changed)
    print(f'icount: {worse + len(bad)} worse, {len(changed) - worse} better than what is on record: '
          'if that is meant: make icount ACCEPT=1')
    return 1


def ratios(record, basefile, seriesfile, toolfile):
    tools, was = recorded(record)
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


def make_record(record, basefile, seriesfile, toolfile):
    base, series = rows(basefile), rows(seriesfile)
    if list(base) != list(series):
        die(f'{basefile} and {seriesfile} do not have the same rows')
    with sys.stdout if record == '-' else open(record, 'w', encoding='utf-8') as f:
        f.write(f'{HEAD}# tools: {read(toolfile).strip()}\n#\n# {" ".join(KEY)} base series functions\n')
        for key, (count, functions) in series.items():
            row = dict(zip(KEY, key))
            wanted = functions and all(row[k] in NAMED[k] for k in NAMED)
            text = ','.join(f'{f}={n}' for f, n in sorted(functions.items())) if wanted else ''
            print(*key, base[key][0], count, *([text] if text else []), sep='\t', file=f)
    if record != '-':
        print(f'icount: {len(series)} rows are on record now: git diff {record}')
    return 0


def table(basefile, seriesfile, toolfile):
    base, series = rows(basefile), rows(seriesfile)
    if list(base) != list(series):
        die(f'{basefile} and {seriesfile} do not have the same rows')

    def entry(key):
        a, b, n = base[key][0], series[key][0], int(key[3])
        return line([key[1], key[0], key[2], key[3], str(a), str(b), f'{a / n:.2f}', f'{b / n:.2f}', f'{a / max(b, 1):.2f}'])

    names = head(['call', 'shape', 'flags', 'pages a call', 'base, a call', 'series, a call',
                  'base, a page', 'series, a page', 'ratio'])
    worse = [key for key in series if series[key][0] > base[key][0]]
    out = ['# Instructions of GUP', '',
           'Executed instructions of one call, beyond those of a call that does nothing: exact, the same in each run.',
           'They are instructions only: not cache misses, not TLB misses, not contention, and a locked one counts as one.',
           f'{read(toolfile).strip()}; one CPU, no SMP.', '',
           f'## More on the series than on the base: {len(worse)} of {len(series)} rows', '']
    out += [*names, *map(entry, worse), ''] if worse else []
    print('\n'.join([*out, '## All rows', '', *names, *map(entry, series)]))
    return 0


def periods(path, wanted):
    """{period: {function: instructions}} of those wanted; the file has far more."""
    found, counts, ended = {}, None, False
    try:
        with open(path, encoding='utf-8') as f:
            for entry in f:
                word, _, number = entry.rstrip('\n').rpartition(' ')
                if word == 'period':
                    counts = found.setdefault(number, {}) if number in wanted else None
                elif word == 'end':
                    ended = True
                elif counts is not None:
                    counts[word] = int(number)
    except OSError as e:
        die(f'{path}: {e.strerror}')
    if not ended:
        die(f'{path}: cut off: did the machine end by itself?')
    return found


def functions(path, periodfile):
    table_of = load(path)
    counted = periods(periodfile, {row['period'] for row in table_of})
    beside = {}
    lines = ['\t'.join([*table_of[0], 'functions'])]
    for row in table_of:
        counts = counted.get(row['period'])
        where = f'{row["op"]} {row["shape"]} {row["flags"]} {row["n"]}'
        if not counts or 'gup_bench_mark' not in counts:
            die(f'{periodfile}: no period {row["period"]}: {where}')
        ticks = [f for f in counts if f.startswith('sysvec_')]
        if ticks:
            die(f'{where}: each pass was interrupted ({ticks[0]}): more of them: BENCH_BURST in kunit/gup_bench_kunit.c')
        # Beside the call it is always the same that is counted: one figure for taking, one for giving back.
        beside.setdefault(sum(counts.values()) - int(row['insns']), where)
        text = ','.join(f'{f}={n}' for f, n in sorted(counts.items()) if not re.match('(gup_)?bench_', f))
        lines.append('\t'.join([*row.values(), text or '-']))
    if len(beside) > 2:
        die(f'the clock and the plugin disagree: {beside}')
    print(*lines, sep='\n')
    return 0


def main(argv):
    verbs = {'same': (same, 2), 'check': (check, 3), 'ratios': (ratios, 4), 'record': (make_record, 4),
             'table': (table, 3), 'functions': (functions, 2)}
    if len(argv) < 2 or argv[1] in ('-h', '--help'):
        print(__doc__.strip())
        return 0 if len(argv) > 1 else 2
    verb, count = verbs.get(argv[1], (None, 0))
    if not verb or len(argv) - 2 != count:
        die(f'insns.py {" ".join(argv[1:])}: see --help')
    return verb(*argv[2:])


if __name__ == '__main__':
    sys.exit(main(sys.argv))
