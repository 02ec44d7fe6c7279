# SPDX-License-Identifier: GPL-2.0
"""finding.py - the line that a semantic patch prints for what it found; imported by *.cocci

file:line<TAB>function<TAB>what
"""


def found(position, what):
    place = position[0]
    print(f'{place.file}:{place.line}\t{place.current_element}\t{what}', flush=True)
