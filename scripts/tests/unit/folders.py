# SPDX-License-Identifier: GPL-2.0
"""folders.py - a folder of a test's own, and the files in it"""
import os
import tempfile


def new_folder(test):
    """Its path. It goes when the test is over."""
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return folder.name


def write(folder, name, text):
    """A file of this text, whose path is returned."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path
