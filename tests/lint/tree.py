# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The files that lint looks at, and what its checks share."""

import concurrent.futures
import os
import re
import subprocess

JOBS = os.cpu_count() or 1
CORPUS = "/corpus/"  # inputs of fuzz targets, which are not sources
C_TOPS = ("src/", "include/", "tests/", "bench/", "examples/")
EXCEPTIONS = "tests/lint/exceptions.txt"
SPDX = "SPDX-License-Identifier: BSD-2-Clause"


class Tree:
    """The files that git knows and does not ignore; without git, all files
    outside builds.  A check adds its violations and notes here, and says in
    `missing` or `skipped` why it could not run."""

    def __init__(self, root, build=None, changed=None):
        """changed: check only these files where a check takes long."""
        self.root = os.path.realpath(root)
        self.build = os.path.realpath(build) if build else None
        self.found, self.notes, self.texts = [], [], {}
        self.missing = self.skipped = None
        self.paths = sorted(p for p in self.list() if os.path.isfile(
            os.path.join(self.root, p)))
        self.known = frozenset(self.paths)
        self.changed = None if changed is None else frozenset(changed)

    def list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            r = run(["git", "ls-files", "-co", "--exclude-standard", "-z"],
                    self.root)
            if r.returncode == 0:
                return set(r.stdout.split("\0")[:-1])
        paths = []
        for base, dirs, names in os.walk(self.root):
            dirs[:] = [d for d in dirs if not d.startswith(
                ("build", ".git", "__pycache__"))]
            paths += [os.path.relpath(os.path.join(base, n), self.root)
                      for n in names]
        return paths

    def read(self, path):
        if path not in self.texts:
            with open(os.path.join(self.root, path), encoding="utf-8",
                      errors="replace") as f:
                self.texts[path] = f.read()
        return self.texts[path]

    def files(self, tops=("",), ends=("",)):
        """(path, text) of the text files below `tops`."""
        for path in self.paths:
            if path.startswith(tuple(tops)) and path.endswith(tuple(ends)) \
                    and CORPUS not in path and "\0" not in self.read(path):
                yield path, self.read(path)

    def to_check(self, path):
        return self.changed is None or path in self.changed

    def add(self, path, line, what):
        self.found.append((path, int(line), what))

    def note(self, path, line, what):
        self.notes.append((path, int(line), what))


def run(argv, cwd=None, stdin=None):
    return subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True,
                          text=True, errors="replace", check=False)


def parallel(fn, items):
    """fn(item) of each, in order.  For functions that wait for programs."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        yield from pool.map(fn, items)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def shebang(text):
    m = re.match(r"#!\s*(?:/usr/bin/env\s+)?(\S+)", text)
    return os.path.basename(m.group(1)) if m else ""


class Exceptions:
    """exceptions.txt: violations that are accepted, by name.  A line is
    "CHECK PATH[:SUBJECT] REASON"; a PATH that ends in "/" is a folder, and
    SUBJECT must be in the message.  A line that accepts nothing any more is a
    violation itself."""

    def __init__(self, tree):
        self.lines, self.bad = [], []
        text = tree.read(EXCEPTIONS) if EXCEPTIONS in tree.known else ""
        for n, line in enumerate(text.splitlines(), 1):
            f = line.split(None, 2)
            if not f or line.startswith("#"):
                continue
            if len(f) < 3:
                self.bad.append((EXCEPTIONS, n, "no reason"))
                continue
            path, _, subject = f[1].partition(":")
            self.lines.append((n, f[0], path, subject, f[2]))

    def split(self, check, found):
        """(violations that are not accepted, lines that accept nothing)"""
        used, left = set(), []
        for path, at, what in found:
            hits = [n for n, c, p, s, _ in self.lines if c == check and
                    (path == p or (p.endswith("/") and path.startswith(p)))
                    and (not s or re.search(
                        rf"(?<!\w){re.escape(s)}(?!\w)", what))]
            used.update(hits)
            if not hits:
                left.append((path, at, what))
        stale = [(EXCEPTIONS, n, f"accepts no violation: {c} {p}"
                  f"{':' + s if s else ''} ({why}); remove the line")
                 for n, c, p, s, why in self.lines
                 if c == check and n not in used]
        return left, stale
