# SPDX-License-Identifier: GPL-2.0
"""periods.py - what the plugin scripts/tcg/count.c writes

    period 0
    NAME NUMBER         of each function that was executed in it
    period 1
    ...
    end N               how many periods there were: without it the machine was killed
"""
from lib import BadInput


def load(path, wanted=None):
    """[{function: number}], one a period. A file of the benchmark has thousands of them:
    wanted, a set of their numbers, leaves the others empty."""
    found, ended = [], False
    with open(path, encoding='utf-8', errors='replace') as file:    # it can be large
        for number, line in enumerate(file, 1):
            first, _, value = line.rstrip('\n').rpartition(' ')
            good = value.isdigit() and not ended
            if first in ('period', 'end'):
                good = good and int(value) == len(found)
                ended = first == 'end'
                found += [{}] if first == 'period' else []
            else:
                good = good and first and found
                if good and (wanted is None or len(found) - 1 in wanted):
                    found[-1][first] = int(value)
            if not good:
                raise BadInput(f'{path}:{number}: not what the plugin writes')
    if not ended:
        raise BadInput(f'{path}: cut off: the machine was killed')
    return found
