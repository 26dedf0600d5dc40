#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""A guest in python3 inspects and changes other guests (procmem.py)."""

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
    p = vmtest.arguments(__doc__)
    opts = p.parse_args()
    vmtest.become_subreaper()
    cases = vmtest.Cases()
    py = shutil.which("python3", path="/usr/bin:/bin")
    if py is None:
        cases.skip("python3 inspects other guests", "no python3")
        return cases.finish()
    for name, options in (("plenty of memory", ["--mem", "256M"]),
                          ("under pressure",
                           ["--mem", "24M", "--swap", "256M"])):
        r = vmtest.run([opts.vmspace, "run", *options, "--bind",
                        f"{HERE}:/mnt:ro", "--", py,
                        "/mnt/procmem.py"], timeout=120)
        ok = r.status == 0 and not r.err and r.text() == WANT
        cases.check(f"python3 inspects other guests, {name}", ok,
                    r.describe())
    cases.check_no_process_left()
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
