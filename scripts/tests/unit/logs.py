# SPDX-License-Identifier: GPL-2.0
"""logs.py - small logs for the unit tests"""

KUNIT = '''KTAP version 1
1..1
    KTAP version 1
    # Subtest: alpha
    1..2
    ok 1 one
        KTAP version 1
        # Subtest: two
        ok 1 a b
        ok 2 c
    # two: pass:2 fail:0 skip:0 total:2
    ok 2 two
# alpha: pass:2 fail:0 skip:0 total:2
# Totals: pass:3 fail:0 skip:0 total:3
ok 1 alpha
reboot: System halted
'''.splitlines()

VM = '''KTAP version 1
1..2
# gup-vm: begin cow
# TAP version 13
# 1..2
# ok 1 a
# ok 2 b # SKIP no
# # Totals: pass:1 fail:0 xfail:0 xpass:0 skip:1 error:0
ok 1 cow # ms=5
# gup-vm: begin gup_race
# 1..1
# ok 1 x
ok 2 gup_race # ms=7
# gup-vm: end of 2 tests
reboot: Restarting system
'''.splitlines()


def without(lines, text):
    """The log without the lines that are this text."""
    left = [line for line in lines if line.strip() != text.strip()]
    assert len(left) < len(lines), text
    return left


def after(lines, text, *more):
    """The log with more lines after the one that is this text."""
    spot = [line.strip() for line in lines].index(text.strip()) + 1
    return lines[:spot] + list(more) + lines[spot:]


def instead(lines, text, other):
    """The log with another line in the place of that one."""
    return without(after(lines, text, other), text)
