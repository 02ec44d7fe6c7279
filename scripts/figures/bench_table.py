#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""bench_table.py - from the logs of the benchmark's boots to a table and a plot

usage: bench_table.py rows SIDE ROUND LOG FILE
       bench_table.py table STAT GOALS RAW [COUNTS]
       bench_table.py plot STAT GOALS RAW

rows   appends the rows of one boot to FILE (- is stdout), tab separated, below a
       header if FILE is new
table  a Markdown table: medians over the rounds, spread, ratio of the base to
       each other side; GOALS (scripts/figures/bench.goals) come first
plot   a gnuplot program that draws the rows of GOALS into plot.svg

STAT is med or min: which figure of a boot counts. The spread is the
interquartile range over the rounds, in percent of the median.

exit status: 0, 2 a log is no whole run, or the sides do not have the same rows
"""
import os
import re
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from figures.rows import KEY, head, line, load, name
from lib import BadInput, Parser, output, read, run

LOSS = 0.97             # slower than this is listed separately


def rows(side, rnd, log, out):
    """The rows of one boot; a boot that failed or stopped has none."""
    text = read(log)
    bad = re.search(r'^ *(not ok .*)$', text, re.M)
    if bad:
        why = re.search(r'^ *# .*(EXPECTATION|ASSERTION) FAILED.*\n(.*)$', text, re.M)
        raise BadInput(f'{side}, round {rnd}: {bad[1]}{": " + why[2].strip(" #") if why else ""}: see {log}')
    if not re.search(r'^ok 1 gup_bench$', text, re.M):
        raise BadInput(f'{side}, round {rnd}: the benchmark did not come to its end: see {log}')
    found = [dict(field.split('=', 1) for field in line.split())
             for line in re.findall(r'# gup_bench: bench (shape=.*)$', text, re.M)]
    if not found:
        raise BadInput(f'{side}, round {rnd}: no row: does ONLY= match one? see {log}')
    columns = ['round', 'side', *found[0]]
    new = out == '-' or not os.path.exists(out)
    with output(out, 'a') as f:
        if new:
            print(*columns, sep='\t', file=f)
        for row in found:
            row.update(round=rnd, side=side)
            if set(row) != set(columns):
                raise BadInput(f'{side}, round {rnd}: a row of other columns: see {log}')
            print(*(row[c] for c in columns), sep='\t', file=f)


class Figures:
    """ns a page: by side and by (shape, op, flags, n)."""

    def __init__(self, path, stat):
        self.of, self.sides, self.keys = {}, [], []
        for row in load(path, 'side', stat):
            key = tuple(row[k] for k in KEY)
            if row['side'] not in self.sides:
                self.sides.append(row['side'])
            if key not in self.keys:
                self.keys.append(key)
            self.of.setdefault((row['side'], key), []).append(int(row[stat]) / 1000)
        if 'base' not in self.sides or len(self.sides) < 2:
            raise BadInput(f'{path}: wants rows of the base and of another side')
        self.others = [s for s in self.sides if s != 'base']
        counts = {len(self.of.get((s, k), [])) for s in self.sides for k in self.keys}
        if len(counts) != 1:
            raise BadInput(f'{path}: not every side has every row in every round')
        self.rounds = counts.pop()

    def median(self, side, key):
        return statistics.median(self.of[side, key])

    def quartiles(self, side, key):
        values = self.of[side, key]
        if len(values) < 2:
            return values[0], values[0]
        low, _, high = statistics.quantiles(values, n=4, method='inclusive')
        return low, high

    def spread(self, side, key):
        low, high = self.quartiles(side, key)
        return 100 * (high - low) / max(self.median(side, key), 0.001)

    def usual_spread(self):
        return statistics.median(self.spread(s, k) for s in self.sides for k in self.keys)

    def slower(self, side, key):
        """By more than LOSS, and the middle halves of the boots do not overlap."""
        return (self.ratio(side, key) < LOSS and
                self.quartiles(side, key)[0] > self.quartiles('base', key)[1])

    def ratio(self, side, key):
        return self.median('base', key) / max(self.median(side, key), 0.001)


def counted(path):
    """Locked operations a page and walks a call, as text: by side and key."""
    def text(value):
        return f'{value:.0f}' if value >= 100 else f'{value:.3g}'

    found = {}
    if not path or not os.path.exists(path):
        return found
    for row in load(path, 'side', 'pages', 'locked', 'walks'):
        pages, n = int(row['pages']), int(row['n'])
        found[row['side'], tuple(row[k] for k in KEY)] = (
            text(int(row['locked']) / pages), text(int(row['walks']) / -(-pages // n)))
    return found


def goals(path):
    """([(key, ratio)], [(key, key of the yardstick, percent, ns)])"""
    ratios, nears = [], []
    for number, line in enumerate(read(path).splitlines(), 1):
        words = line.partition('#')[0].split()
        if not words:
            continue
        try:
            if words[0] == 'near' and words[5] == '=' and len(words) == 12:
                nears.append((tuple(words[1:5]), tuple(words[6:10]),
                              float(words[10]), float(words[11])))
            elif len(words) == 5:
                ratios.append((tuple(words[:4]), float(words[4])))
            else:
                raise ValueError
        except (ValueError, IndexError):
            raise BadInput(f'{path}:{number}: no goal: see the head of that file')
    return ratios, nears


def ns(value):
    return f'{value:.2f}' if value < 10 else f'{value:.1f}'


def times(value):
    return f'{value:.2f}' if value < 10 else f'{value:.1f}'


def cells(fig, counts, key):
    """What every table says about a row, after its name."""
    out = [f'{ns(fig.median(s, key))} ±{fig.spread(s, key):.1f}%' for s in fig.sides]
    out += [times(fig.ratio(s, key)) for s in fig.others]
    for what in (0, 1) if counts else ():
        out.append(' → '.join(counts.get((s, key), '??')[what] for s in fig.sides))
    return out


def table(stat, goalfile, raw, counts=None):
    fig, count = Figures(raw, stat), counted(counts)
    ratios, nears = goals(goalfile)
    names = ['call', 'shape', 'flags', 'pages a call', *fig.sides]
    names += [f'base/{s}' for s in fig.others]
    if count:
        names += ['locked ops a page', 'walks a call']
    what = {'med': 'median', 'min': 'fastest'}[stat]
    out = ['# What GUP costs', '',
           f'Nanoseconds a page: the {what} pass of a boot, median of {fig.rounds} boots of each side, in turn;',
           f'± is the interquartile range over the boots: {fig.usual_spread():.1f} % for the middle row. '
           'Above 3 %, the machine was busy:', 'measure again when it is idle.', '']

    def row(key, *more):
        return line([key[1], key[0], key[2], key[3], *cells(fig, count, key), *more])

    here = [(key, want) for key, want in ratios if key in fig.keys]
    if here:
        out += ['## Goals', '', *head(names + ['reach', 'so far'])]
        for key, want in here:
            got = fig.ratio(fig.others[0], key)
            out.append(row(key, f'{want:g}', 'yes' if got >= want else f'no, {100 * got / want:.1f} %'))
        out.append('')
    here = [x for x in nears if x[0] in fig.keys and x[1] in fig.keys]
    if here:
        side = fig.others[0]
        out += [f'## Near each other on the side {side}', '',
                *head(['call', 'shape and flags', 'measured by', 'ns', 'by', 'allowed', 'so far'])]
        for key, by, percent, extra in here:
            a, b = fig.median(side, key), fig.median(side, by)
            allowed = b + max(b * percent / 100, extra)
            out.append(line([key[1], f'{key[0]} {key[2]} {key[3]}', f'{by[0]} {by[2]} {by[3]}', ns(a),
                             ns(b), ns(allowed), 'yes' if a <= allowed else 'no']))
        out.append('')
    for side in fig.others:
        slow = sorted((fig.ratio(side, k), k) for k in fig.keys if fig.slower(side, k))
        out += [f'## Slower on the side {side} by more than 3 % and than the spread: {len(slow)} of {len(fig.keys)} rows', '']
        if slow:
            out += [*head(names), *(row(k) for _, k in slow), '']
    out += ['## All rows', '', *head(names), *(row(key) for key in fig.keys)]
    print('\n'.join(out))


def plot(stat, goalfile, raw):
    fig = Figures(raw, stat)
    keys = [key for key, _ in goals(goalfile)[0] if key in fig.keys] or fig.keys[:16]
    print(f'''set terminal svg size {160 + 80 * len(keys)},560 dynamic background rgb "white" font "sans,12"
set output "plot.svg"
set title "What GUP costs: ns a page, median of {fig.rounds} boots"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9
set logscale y
set yrange [0.05:*]
set grid ytics
set key tmargin right horizontal
set ylabel "ns a page (log)"
set xtics rotate by -35 font ",9" noenhanced
set bmargin 12
set rmargin 14
$rows << END
row {' '.join(fig.sides)}''')
    for key in keys:
        print(f'"{key[1]}, {key[0]}, {key[3]}"', *(f'{fig.median(s, key):.3f}' for s in fig.sides))
    columns = ', '.join(f'$rows using {i + 2}{":xtic(1)" if not i else ""} title columnheader({i + 2})'
                        for i in range(len(fig.sides)))
    print(f'END\nplot {columns}')


def main(argv):
    parser = Parser(__doc__)
    verbs = parser.verbs()
    for verb, names in (('rows', ('side', 'round', 'log', 'file')),
                        ('table', ('stat', 'goals', 'raw')), ('plot', ('stat', 'goals', 'raw'))):
        words = verbs.add_parser(verb)
        for name in names:
            words.add_argument(name, choices=('med', 'min') if name == 'stat' else None)
        if verb == 'table':
            words.add_argument('counts', nargs='?')
    args = parser.parse_args(argv)
    if args.verb == 'rows':
        rows(args.side, args.round, args.log, args.file)
    elif args.verb == 'table':
        table(args.stat, args.goals, args.raw, args.counts)
    else:
        plot(args.stat, args.goals, args.raw)
    return 0


if __name__ == '__main__':
    run(main)
