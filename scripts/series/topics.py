#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""topics.py - which patch belongs to which topic, and which topic needs which

usage: topics.py [--patches DIR] sort FLAT OUT
       topics.py [--patches DIR] needs TOPIC

sort   moves the patches of FLAT, an export of the whole series with its file "series", to
       OUT/<topic>/NNNN-*.patch, and writes the series of each topic. A patch is known by
       its name without number; DIR/<topic>/series says where it was so far. A new name
         - takes the place of an old one that is gone from between the same neighbours;
         - else goes to the topic that both of its neighbours are in;
         - else, on the border of two topics, to the topic that TOPIC names.
       It stops if a patch cannot be placed, or the topics are not one after the other in
       the order of DIR/topics, and says what to do.
needs  prints the topics that TOPIC is built on, with all that those need, in order.

environment: GUP_PATCHES, TOPIC
exit status: 0 done, 2 bad input, or a patch that cannot be placed
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import BadInput, Parser, TOP, first_words, run, series_files, slug_of, topics


def places(old, new, order, asked):
    """{slug: topic} for all of new. old: [(slug, topic)] as it was."""
    known = dict(old)
    was = [slug for slug, _ in old]
    found, start = {}, 0
    while start < len(new):
        if new[start] in known:
            found[new[start]] = known[new[start]]
            start += 1
            continue
        end = start
        while end < len(new) and new[end] not in known:
            end += 1
        before, after = (new[start - 1] if start else None), (new[end] if end < len(new) else None)
        left = was.index(before) + 1 if before else 0
        right = was.index(after) if after else len(was)
        gone = [slug for slug in was[left:right] if slug not in new]
        here = dict(old[left:right])
        ends = [known[slug] if slug else None for slug in (before, after)]
        for number, slug in enumerate(new[start:end]):
            if len(gone) == end - start:
                found[slug] = here[gone[number]]
            elif len(order) == 1 or (ends[0] and ends[0] == ends[1]):
                found[slug] = ends[0] or order[0]
            elif asked:
                found[slug] = asked
            else:
                raise BadInput(f'refresh: {slug} is new and lies between the topics {ends[0] or "(none)"} and '
                               f'{ends[1] or "(none)"}: TOPIC=<one of patches/topics> make refresh; or move it '
                               'between two patches of its topic: git -C build/linux rebase -i gup-overlay')
        start = end
    return found


def in_order(found, new, order):
    """The topics have to follow each other as they do in DIR/topics."""
    last = 0
    for slug in new:
        rank = order.index(found[slug])
        if rank < last:
            raise BadInput(f'refresh: {slug} of the topic {found[slug]} comes after patches of {order[last]}: '
                           'git -C build/linux rebase -i gup-overlay: move it, or change the order in patches/topics')
        last = rank


def sort(patches, flat, out, asked):
    order = list(topics(patches))
    if not order:
        raise BadInput(f'{patches}/topics: no topic in it: git checkout -- patches')
    if asked and asked not in order:
        raise BadInput(f'TOPIC={asked} is not in patches/topics: use one of {" ".join(order)}, or add it there')
    names = first_words(os.path.join(flat, 'series'))
    new = [slug_of(name) for name in names]
    old = [(slug_of(name), name.partition('/')[0]) for name in series_files(patches)]
    found = places(old, new, order, asked)
    in_order(found, new, order)
    for topic in order:
        mine = [name for name, slug in zip(names, new) if found[slug] == topic]
        os.makedirs(os.path.join(out, topic))
        with open(os.path.join(out, topic, 'series'), 'w', encoding='utf-8') as series:
            for number, name in enumerate(mine, 1):
                placed = f'{number:04d}-{slug_of(name)}.patch'
                shutil.copyfile(os.path.join(flat, name), os.path.join(out, topic, placed))
                series.write(f'{placed}\n')


def needs(patches, topic):
    """All that a topic is built on, in order, without itself."""
    all_needs = topics(patches)
    if topic not in all_needs:
        raise BadInput(f'{topic} is no topic: use one of {" ".join(all_needs)}')
    wanted, todo = set(), [topic]
    while todo:
        for name in all_needs[todo.pop()]:
            if name not in all_needs:
                raise BadInput(f'{patches}/topics: {name} is needed, but is no topic')
            if name not in wanted:
                wanted.add(name)
                todo.append(name)
    return [name for name in all_needs if name in wanted]


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument('--patches', default=os.environ.get('GUP_PATCHES') or os.path.join(TOP, 'patches'))
    verbs = parser.verbs()
    verb = verbs.add_parser('sort')
    verb.add_argument('flat')
    verb.add_argument('out')
    verb = verbs.add_parser('needs')
    verb.add_argument('topic')
    args = parser.parse_args(argv)
    if args.verb == 'sort':
        sort(args.patches, args.flat, args.out, os.environ.get('TOPIC', ''))
    else:
        for name in needs(args.patches, args.topic):
            print(name)


if __name__ == '__main__':
    run(main)
