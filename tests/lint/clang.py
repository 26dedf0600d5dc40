# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""clang-format and clang-tidy."""

import os
import re
import shutil

from objects import objects
from tree import C_TOPS, JOBS, parallel, run

CLANG_FORMAT = 14  # the tree is laid out with it; others differ in detail


def clang_format(tree):
    """The program, of the version that the tree was laid out with."""
    for name in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        tool = shutil.which(name)
        if tool is None:
            continue
        m = re.search(r"version (\d+)", run([tool, "--version"]).stdout)
        if m and int(m.group(1)) == CLANG_FORMAT:
            tree.skipped = None
            return tool
        tree.skipped = f"clang-format is not version {CLANG_FORMAT}"
    if tree.skipped is None:
        tree.missing = "clang-format"
    return None


def to_format(tree):
    return [p for p, _ in tree.files(C_TOPS, (".c", ".h"))
            if tree.to_check(p)]


def check_layout(tree):
    tool = clang_format(tree)
    if tool is None:
        return
    paths = to_format(tree)

    def format_some(some):
        return some, run([tool, "--dry-run", "-Werror", "--style=file"] + some,
                         tree.root)

    size = max(1, min(20, len(paths) // JOBS))
    for some, r in parallel(format_some, [
            paths[n:n + size] for n in range(0, len(paths), size)]):
        hits = dict(reversed(re.findall(r"^(\S+?):(\d+):\d+: error: ",
                                        r.stderr, re.M)))
        for path, line in hits.items():
            tree.add(path, line, "clang-format would change it")
        if not hits and r.returncode != 0:
            tree.add(some[0], 1, f"or one after it: {r.stderr[:200].strip()}")


def format_files(tree):
    """lint.py --format: lay the files out."""
    tool = clang_format(tree)
    if tool is None:
        print(tree.skipped or f"{tree.missing} is missing")
        return 1
    paths = to_format(tree)
    if not paths:
        return 0
    r = run([tool, "-i", "--style=file", *paths], tree.root)
    print(r.stderr, end="")
    return r.returncode


def check_tidy(tree):
    tool = shutil.which("clang-tidy")
    if tool is None:
        tree.missing = "clang-tidy"
        return
    # The largest first, so that at the end no core waits for one file.
    sources = sorted({s for s, _, _ in objects(tree)
                      if s in tree.known and tree.to_check(s)},
                     key=lambda s: -len(tree.read(s)))

    def tidy_one(path):
        return run([tool, "--quiet", "-p", tree.build, path], tree.root)

    seen = set()
    for path, r in zip(sources, parallel(tidy_one, sources)):
        hits = re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$",
                          r.stdout, re.M)
        if r.returncode != 0 and not hits:
            hits = [(path, "1", r.stderr.strip()[:300])]
        for name, line, what in hits:
            name = os.path.relpath(os.path.realpath(os.path.join(
                tree.build, name)), tree.root)
            if (name, line, what) not in seen:
                seen.add((name, line, what))
                tree.add(name, line, what)
