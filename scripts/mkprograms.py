#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Make docs/programs.md of the results that the program suites left in a build.

    scripts/mkprograms.py [BUILD] [--out FILE] [--json FILE]

BUILD/tests/programs/*.json are lists of results, one object a case, as
tests/programs/programlib.py writes them: case, program, version, result (ok,
FAIL or skip), native and inside (seconds), missing (system calls that the
program made and that vmspace does not have), why.  --json writes them as one
list.
"""

import argparse
import glob
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEAD = """# Programs that run

What the suites `programs` and `servers` ran last. Programs ran natively and inside, with the same
standard output and exit status; servers ran inside, with clients outside. To make this page again, run
`meson test -C build --suite programs --suite servers` and `scripts/mkprograms.py`; browsers, databases and
more compilers run with `VMSPACE_TEST_LONG=1` after `scripts/bootstrap --all-programs`. Times are seconds
of one run on a machine that did other things as well: they show what was run, not how fast it is.
The last column has the system calls that the program made and that vmspace does not have.
"""
COLUMNS = ("case", "result", "native", "inside", "calls missed")


def rows_of(build):
    """All results, in the order of the suite."""
    rows = []
    for name in ("shell", "languages", "data", "debug", "stage4", "large", "stress_ng",
                 "terminal", "servers"):
        for path in glob.glob(os.path.join(build, "tests", "programs",
                                           name + ".json")):
            with open(path, encoding="utf-8") as f:
                rows += json.load(f)
    return rows


def cell(row, column):
    if column == "calls missed":
        return ", ".join(row.get("missing", []))
    if column == "result":
        why = row.get("why")
        return row["result"] + (f": {why}" if why else "")
    value = row.get(column, "")
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def table(heads, lines):
    out = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return out + ["| " + " | ".join(x.replace("|", "\\|") for x in line) + " |"
                  for line in lines]


def page(rows):
    versions = {r["program"]: r["version"] for r in rows}
    count = {k: sum(r["result"] == k for r in rows)
             for k in ("ok", "FAIL", "skip")}
    out = [HEAD, f"{count['ok']} cases passed, {count['FAIL']} failed, "
           f"{count['skip']} were skipped.", "", "## Versions", ""]
    out += table(("program", "version"), sorted(versions.items()))
    out += ["", "## Cases", ""]
    out += table(COLUMNS, [[cell(r, c) for c in COLUMNS] for r in rows])
    return "\n".join(out) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("build", nargs="?", default=os.path.join(TOP, "build"))
    p.add_argument("--out", default=os.path.join(TOP, "docs", "programs.md"))
    p.add_argument("--json")
    opts = p.parse_args()
    rows = rows_of(opts.build)
    if not rows:
        sys.exit(f"{opts.build}: no results; run the suite programs first")
    if opts.json:
        with open(opts.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)
    with open(opts.out, "w", encoding="utf-8") as f:
        f.write(page(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
