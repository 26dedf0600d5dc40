#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""A guest in python3 inspects and changes other guests (procmem.py)."""

import argparse
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import vmtest  # noqa: E402

WANT = """made by the child: True True
only in data: True True
data: CHANGED1AB
text: 42 7 7
text again: 7
a new one: 7
after exec: ESRCH
after exit: ENOENT
"""


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--vmspace", required=True)
    opts = p.parse_args()
    vmtest.become_subreaper()
    cases = vmtest.Cases()
    py = shutil.which("python3", path="/usr/bin:/bin")
    if py is None:
        cases.skip("python3 looks into other guests", "no python3")
        return cases.finish()
    for name, options in (("plenty of memory", ["--mem", "256M"]),
                          ("under pressure",
                           ["--mem", "24M", "--swap", "256M"])):
        r = vmtest.run([os.path.realpath(opts.vmspace), "run", *options, "--bind",
                        f"{HERE}:/mnt:ro", "--", py,
                        "/mnt/procmem.py"], timeout=120)
        ok = r.status == 0 and not r.err and r.text() == WANT
        cases.check(f"python3 looks into other guests, {name}", ok,
                    f"status {r.status}\n{r.text()}{r.errtext()}")
    left = vmtest.left_behind(2.0)
    cases.check("nothing left", not left, str(left))
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
