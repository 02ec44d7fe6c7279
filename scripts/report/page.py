#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""page.py - what build/out holds, as one HTML page that needs no other file

usage: page.py [--out DIR] [--linux DIR] [FILE]
       (default: build/out, build/linux, build/out/report.html; - is stdout)

The page has no script and loads nothing. What it says does not depend on colour.
exit status: 0 written, 2 there is nothing to tell about, or a file is malformed
"""
import html
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from figures import bench_table, insns
from lib import BadInput, Parser, TOP, output, run
from report import data

MOST = 1500             # lines of what a guest tells of itself
FIGURES = os.path.join(TOP, 'scripts', 'figures')
STYLE = '''
:root { color-scheme: light dark; --line: #8888; --bad: #b00020; --soft: #8882; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 0 1rem 3rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 1rem 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 2px solid; }
.verdict { font-size: 1.2rem; font-weight: bold; border: 3px solid; padding: .5rem .75rem; margin: .75rem 0; }
.bad { color: var(--bad); font-weight: bold; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; } }
nav a { display: inline-block; padding: .35rem .6rem .35rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
th { overflow-wrap: normal; }
td.n, th.n { text-align: right; white-space: nowrap; }
td .bad { white-space: nowrap; }
pre { font: 13px/1.4 ui-monospace, monospace; background: var(--soft); padding: .6rem; overflow-x: auto; margin: .25rem 0 .75rem;
  overflow-wrap: normal; }
summary { cursor: pointer; padding: .4rem 0; }
code { font-size: .9em; }
.bar { display: grid; grid-template-columns: 4rem 1fr; align-items: center; gap: .5rem; font-size: .85rem; }
.bar i { display: block; height: .8rem; border: 1px solid; }
.bar i.series { background: currentColor; }
.chart p { margin: .6rem 0 0; }
@media (max-width: 40rem) {
  body { padding: 0 .6rem 2rem; }
  th, td { padding-right: .4rem; font-size: .9rem; }
}
'''


def esc(text):
    return html.escape(str(text), quote=True)


def table(names, rows):
    """Numbers stand to the right."""
    def line(tag, cells):
        texts = (f'<{tag}{" class=n" if isinstance(like, int) else ""}>'
                 f'{cell if isinstance(cell, Raw) else esc(cell)}</{tag}>'
                 for cell, like in zip(cells, rows[0]))
        return f'<tr>{"".join(texts)}</tr>\n'
    return (f'<div class=wide><table><thead>{line("th", names)}</thead>\n<tbody>'
            + ''.join(line('td', row) for row in rows) + '</tbody></table></div>\n')


class Raw(str):
    """HTML that is already escaped."""


def word(ok):
    """A mark and a word: colour alone says nothing."""
    return Raw('✓ ok') if ok else Raw('<span class=bad>✗ FAILED</span>')


def counts(thing):
    return ', '.join(f'{getattr(thing, what)} {what}' for what in ('passed', 'failed', 'skipped')
                     if getattr(thing, what) or what == 'passed')


def section(name, title, body):
    return f'<section id={name}>\n<h2>{esc(title)}</h2>\n{body}</section>\n' if body else ''


def of_check(check):
    if not check.known:
        return ''
    rows = [(step.name, Raw('– skipped') if step.word == 'skipped' else word(step.word == 'ok'),
             counts(step), step.seconds) for step in check.steps]
    return f'<p>{esc(check.line())}</p>\n' + (table(
        ('step', 'verdict', 'counts', 'seconds'), rows) if rows else '')


def of_lanes(lanes, tree):
    def when(lane):
        date = lane.manifest.get('date', '')[:16].replace('T', ' ')
        other = tree and not lane.name.endswith('-base') and lane.tree != tree
        return date + (', of another tree than build/linux' if other else '')
    rows = [(lane.name, word(lane.ok), counts(lane) + lane.part, when(lane)) for lane in lanes]
    return table(('lane', 'verdict', 'counts', 'when (UTC)'),
                 rows) + ''.join(map(of_lane, lanes)) if rows else ''


def of_lane(lane):
    rows = [(name, *(counts[status] for status in data.STATUSES)) for name, counts in lane.parts]
    facts = ''.join(f'{key:<12}{value}\n' for key, value in lane.manifest.items())
    return (f'<details><summary>{esc(lane.line)}</summary>\n<pre>{esc(facts)}</pre>\n'
            + (table(('suite or test', *data.STATUSES), rows) if rows else '') + of_silence(lane)
            + '</details>\n')


def of_silence(lane):
    """What a guest told that had fallen silent. One that went on and passed needs no excuse."""
    if lane.ok or not lane.silent:
        return ''
    more = len(lane.silent) - MOST
    text = '\n'.join(lane.silent[:MOST] + ([f'and {more} more lines'] if more > 0 else []))
    return (f'<details><summary>{esc(lane.name)} {esc(lane.silent[0])}</summary>\n'
            f'<pre>{esc(text)}</pre></details>\n')


def of_failures(lanes):
    """Open as long as they are few."""
    found = [(lane, finding) for lane in lanes for finding in lane.findings]
    few = ' open' if len(found) <= 10 else ''
    text = ''
    for lane, finding in found:
        again = [line.strip()[len('again: '):] for line in finding if line.strip().startswith('again: ')]
        body = [line for line in finding[1:] if not line.strip().startswith('again: ')]
        text += (f'<details{few}><summary><b>{esc(lane.name)}</b>: {esc(finding[0])}</summary>\n'
                 + (f'<pre>{esc(chr(10).join(body))}</pre>\n' if body else '')
                 + (f'<p>Run it again: <code>{esc(again[0])}</code></p>\n' if again else '')
                 + '</details>\n')
    silent = [lane for lane in lanes if not lane.ok and not lane.findings]
    return text + ''.join(f'<p class=bad>{esc(lane.line)}</p>\n' for lane in silent)


def of_patches(out):
    seen = data.each_patch(out)

    def told(number):
        bad = [text for _, ok, text in seen.get(number, []) if not ok]
        return Raw(f'{word(not bad)} {esc("; ".join(bad))}') if number in seen else 'not run'

    def needed(patch):
        return ', '.join(f'{number} {what}' for number, what in
                         ((patch.cases, 'KUnit cases'), (patch.programs, 'selftests')) if number)
    rows = [(patch.number, patch.subject, needed(patch), told(patch.number)) for patch in data.patches()]
    return table(('patch', 'subject', 'fail without it', 'make each-patch'), rows) if rows else ''


def bars(title, pairs, unit):
    """pairs: (name, base, series). The longer of two bars has the whole width."""
    text = f'<div class=chart><h3>{esc(title)}</h3>\n<p>Hollow: base. Filled: series.</p>\n'
    for name, base, series in pairs:
        most = max(base, series) or 1
        text += f'<p>{esc(name)}</p>\n' + ''.join(
            f'<div class=bar><span>{value:.4g}</span><i class={kind} '
            f'style="width:{max(100 * value / most, .5):.1f}%" title="{kind}: {value:.4g} {unit}"></i></div>\n'
            for kind, value in (('base', base), ('series', series)))
    return text + '</div>\n'


def of_figures(out):
    """Exact ones on record, and the times of the last make bench."""
    keys = [key for key, _ in bench_table.goals(os.path.join(FIGURES, 'bench.goals'))[0]]
    text = ''
    raw = os.path.join(out, 'bench', 'raw.tsv')
    if os.path.exists(raw):
        timed = bench_table.Figures(raw, 'min')
        pairs = [(bench_table.name(key), timed.median('base', key), timed.median('series', key))
                 for key in keys if key in timed.keys and 'series' in timed.sides]
        text += bars(f'Nanoseconds a page, {timed.rounds} boots of each side', pairs, 'ns') if pairs else ''
    tools, rows = insns.recorded(os.path.join(FIGURES, 'bench.icount'))
    pairs = [(bench_table.name(key), rows[key][0] / int(key[3]), rows[key][1] / int(key[3]))
             for key in keys if key in rows]
    if pairs:
        text += bars('Instructions a page on record', pairs, 'instructions') + f'<p>{esc(tools)}</p>\n'
    return text


def of_coverage(out):
    def share(pair):
        return f'{100 * pair[0] / pair[1]:.1f} % ({pair[0]} of {pair[1]})' if pair[1] else 'none'
    rows = [(file.name, share(file.share('lines')), share(file.share('branches')),
             file.missed() or 'none') for file in data.coverage(out)]
    return table(('file', 'lines', 'branches', 'lines that nothing executed'), rows) if rows else ''


def head(check, lanes):
    """The verdict: what the whole run says, else what the lanes say. A check of only some steps
    is neither good nor bad, and only says what it was."""
    bad = [lane.name for lane in lanes if not lane.ok]
    if check.known and (check.running or not check.verdict):
        text, good = check.line(), not check.red()
        return f'<p class="verdict{"" if good else " bad"}">… {esc(text)}</p>\n'
    if check.part:
        text = check.line() + (f'; lanes FAILED: {" ".join(bad)}' if bad else '')
        return f'<p class="verdict{" bad" if bad else ""}">{"✗" if bad else "–"} {esc(text)}</p>\n'
    if check.known:
        good, text = check.good, check.line()
    else:
        good = bool(lanes) and not bad
        text = (f'{len(lanes)} lanes ran, all as required' if good else
                f'FAILED: {" ".join(bad)}')
    return f'<p class="verdict{"" if good else " bad"}">{"✓" if good else "✗"} {esc(text)}</p>\n'


def page(out, tree):
    check, lanes = data.Check(out), data.lanes(out)
    parts = [('failures', 'Failures', of_failures(lanes)), ('lanes', 'Lanes', of_lanes(lanes, tree)),
             ('check', 'make check', of_check(check)), ('patches', 'Patches', of_patches(out)),
             ('figures', 'Figures', of_figures(out)), ('coverage', 'Coverage', of_coverage(out))]
    links = ''.join(f'<a href="#{name}">{esc(title)}</a> ' for name, title, body in parts if body)
    return ('<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n'
            '<meta name=viewport content="width=device-width, initial-scale=1">\n'
            f'<title>GUP: report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n'
            f'<h1>GUP series and rig: report</h1>\n{head(check, lanes)}'
            f'<p>Written {time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}; '
            f'build/linux has the tree <code>{esc(tree or "none")}</code>.</p>\n'
            f'<nav>{links}</nav>\n</header>\n<main>\n'
            + ''.join(section(*part) for part in parts) + '</main>\n</body>\n</html>\n')


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--out', default=os.path.join(TOP, 'build', 'out'))
    parser.add_argument('--linux', default=os.path.join(TOP, 'build', 'linux'))
    parser.add_argument('file', nargs='?')
    args = parser.parse_args(argv)
    if not os.listdir(args.out):
        raise BadInput(f'{args.out}: nothing has run yet: make kunit')
    text = page(args.out, data.tree_now(args.linux))
    path = args.file or os.path.join(args.out, 'report.html')
    with output(path) as file:
        file.write(text)
    if path != '-':
        print(f'report: {path}')
    return 0


if __name__ == '__main__':
    run(main)
