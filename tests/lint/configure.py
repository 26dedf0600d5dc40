#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The build can be set up with the options that the scripts use."""

import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import vmtest  # noqa: E402


def setups(script):
    """(compiler, options) of each call of scripts/setup in a script."""
    with open(os.path.join(TOP, "scripts", script), encoding="utf-8") as f:
        text = f.read().replace("\\\n", " ")
    return [(m.group(1) or "cc", shlex.split(m.group(2))) for m in re.finditer(
        r"^(?:CC=(\S+) )?scripts/setup \S+(.*)$", text, re.M)]


def configure(how):
    """None, or why meson fails."""
    compiler, options = how
    with tempfile.TemporaryDirectory() as top:
        r = subprocess.run(["meson", "setup", os.path.join(top, "b"), *options],
                           cwd=TOP, capture_output=True, text=True,
                           env=dict(os.environ, CC=compiler))
        return r.stdout[-2000:] + r.stderr if r.returncode != 0 else None


def main():
    cases = vmtest.Cases()
    todo = setups("bench") + setups("fuzz")
    cases.check("the scripts set up builds", len(todo) == 2, todo)
    for compiler, options in [x for x in todo if not shutil.which(x[0])]:
        cases.missing(" ".join(options), compiler)
        todo.remove((compiler, options))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for how, why in zip(todo, pool.map(configure, todo)):
            cases.check(" ".join(how[1]), why is None, why)
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
