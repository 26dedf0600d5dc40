#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Rules of the sources that a compiler does not check.

    lint.py [--root DIR] [--build DIR] [--only CHECK[,CHECK...]] [--no-notes]
    lint.py --tidy BUILD        clang-tidy with the checks of .clang-tidy
    lint.py --changed BASE ...  the long checks (headers, layout, tidy) look
                                only at the files that differ from BASE
    lint.py --changed BASE --format     run clang-format on these files
    lint.py --circles BUILD     print which folders and files need each other
    lint.py --self-test         each check finds the violations seeded for it

A violation is a line "FILE:LINE: check: message", and each check is one case.
exceptions.txt names the violations that are accepted.  A note is about an aim
that is missed; notes fail nothing.
"""

import argparse
import concurrent.futures
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for place in ("../../scripts", "../lib", "."):  # HERE goes first
    sys.path.insert(0, os.path.join(HERE, place))
sys.dont_write_bytecode = True
import abi  # noqa: E402
import clang  # noqa: E402
import docs  # noqa: E402
import layers  # noqa: E402
import objects  # noqa: E402
import sources  # noqa: E402
import vmtest  # noqa: E402
from tree import JOBS, Exceptions, Tree, run  # noqa: E402

# Those that take longest come first.
CHECKS = {
    "headers": sources.check_headers, "layout": clang.check_layout,
    "circles": objects.check_circles, "globals": objects.check_globals,
    "layers": layers.check_layers, "layerlist": layers.check_layerlist,
    "hosthdr": layers.check_hosthdr, "abi": abi.check_abi,
    "size": sources.check_size, "head": sources.check_head,
    "words": sources.check_words, "english": sources.check_english,
    "style": sources.check_style, "names": sources.check_names,
    "docs": docs.check_docs, "scripts": sources.check_scripts, "syscalls": sources.check_syscalls,
}
ALL = dict(CHECKS, tidy=clang.check_tidy)


def changed_files(root, base):
    """What differs from the merge base of `base` and HEAD, new files too."""
    r = run(["git", "merge-base", base, "HEAD"], root)
    if r.returncode != 0:
        sys.exit(f"lint: no merge base of {base} and HEAD: {r.stderr.strip()}")
    diff = run(["git", "diff", "--name-only", "-z", r.stdout.strip()], root)
    new = run(["git", "ls-files", "-o", "--exclude-standard", "-z"], root)
    return set((diff.stdout + new.stdout).split("\0")) - {""}


def check(name, root, build, changed=None):
    """One check on a tree of its own, the exceptions taken off."""
    tree = Tree(root, build, changed)
    ALL[name](tree)
    if not (tree.missing or tree.skipped):
        exceptions = Exceptions(tree)
        tree.found, stale = exceptions.split(name, tree.found)
        for path, line, what in stale if changed is None else ():
            add = tree.note if "(pending)" in what else tree.add
            add(path, line, what)
        tree.found += exceptions.bad
    tree.texts = {}  # not worth the way to another process
    return tree


def report(cases, name, tree, notes):
    if notes:
        for path, line, what in tree.notes:
            print(f"{path}:{line}: note: {what}")
    for path, line, what in sorted(set(tree.found)):
        print(f"{path}:{line}: {name}: {what}")
    if tree.found:
        cases.fail(name, f"violations: {len(tree.found)}")
    elif tree.missing:
        cases.missing(name, tree.missing)
    elif tree.skipped:
        cases.skip(name, tree.skipped)
    else:
        cases.ok(name)


def options():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--root", default=os.path.join(HERE, "..", ".."))
    ap.add_argument("--build")
    ap.add_argument("--only", default="")
    ap.add_argument("--no-notes", action="store_true")
    ap.add_argument("--tidy", metavar="BUILD")
    ap.add_argument("--changed", metavar="BASE")
    ap.add_argument("--format", action="store_true")
    ap.add_argument("--circles", metavar="BUILD")
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("--self-test", action="store_true")
    return ap.parse_args()


def main():
    a = options()
    if a.self_test:
        import selftest
        return selftest.main()
    if a.circles:
        return objects.print_circles(Tree(a.root, a.circles), a.verbose)
    names = [n for n in a.only.split(",") if n] or \
        (["tidy"] if a.tidy else list(CHECKS))
    unknown = [n for n in names if n not in ALL]
    if unknown:
        sys.exit(f"lint: no check {unknown[0]}; there are {', '.join(ALL)}")
    changed = changed_files(a.root, a.changed) if a.changed else None
    if a.format:
        return clang.format_files(Tree(a.root, changed=changed))
    cases = vmtest.Cases()
    with concurrent.futures.ProcessPoolExecutor(min(JOBS, len(names))) as pool:
        runs = [pool.submit(check, n, a.root, a.tidy or a.build, changed)
                for n in names]
        for name, future in zip(names, runs):
            report(cases, name, future.result(), not a.no_notes)
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
