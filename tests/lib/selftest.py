#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Tests of the test runners.  A stand-in for vmspace that runs programs natively
must pass; a stand-in with one defect must fail."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import vmtest  # noqa: E402

FAKE = """#!/bin/sh
# run OPTIONS -- PROGRAM ARGS: run it natively, with one defect.
while [ "$1" != -- ]; do shift; done
shift
%s
"""
# Name of the defect -> what the stand-in does.
WRONG = {
    "another status": '"$@"; exit 3',
    "more output": '"$@"; s=$?; echo more; exit $s',
    "less output": '"$@" | sed 1d',
    "a complaint": '"$@"; s=$?; echo "vmspace: 3 items left" >&2; exit $s',
    "a signal": '"$@"; kill -SEGV $$',
    "a hang": "exec sleep 30",
}
RUNNERS = {
    "run_guest": ["guest/run_guest.py", "--timeout", "3", "/bin/pwd"],
    "run_diff": ["differential/run_diff.py", "--timeout", "3", "--only",
                 "pipeline"],
    "run_diff bind": ["differential/run_diff.py", "--mode", "bind",
                      "--timeout", "3", "--only", "tee"],
    "run_programs": ["programs/run_programs.py", "--timeout", "3", "--only",
                     "python mmap"],
    "run_terminal": ["programs/run_terminal.py", "--only",
                     "prompt and commands"],
    "run_stress_ng": ["programs/run_stress_ng.py", "--only", "pipe"],
}
# The defects that a runner must find, where not all: a terminal also shows what
# is typed after the end, and the figures of stress-ng differ in each run.
FINDS = {
    "run_terminal": {"another status", "a complaint", "a hang"},
    "run_stress_ng": {"another status", "a complaint"},
}


def run(fake, args):
    argv = [sys.executable, os.path.join(HERE, "..", args[0]), "--vmspace",
            fake, *args[1:]]
    env = dict(os.environ, VMSPACE_TEST_SLOW="1")
    r = subprocess.run(argv, capture_output=True, text=True, env=env,
                       check=False)
    return r.returncode, r.stdout + r.stderr


def stand_in(top, what):
    path = os.path.join(top, "vmspace")
    with open(path, "w", encoding="ascii") as f:
        f.write(FAKE % what)
    os.chmod(path, 0o755)
    return path


def main():
    cases = vmtest.Cases()
    if shutil.which("busybox") is None:
        cases.missing("runners", "busybox")
        return cases.finish()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as top:
        for name, args in RUNNERS.items():
            status, out = run(stand_in(top, 'exec "$@"'), args)
            if status == vmtest.SKIP:
                cases.skip(name, out)
                continue
            cases.check(f"{name}: right", status == 0 and
                        re.search(r"^cases: [12] passed, 0 failed", out, re.M),
                        out)
            for wrong, what in WRONG.items():
                if wrong not in FINDS.get(name, WRONG):
                    continue
                status, out = run(stand_in(top, what), args)
                cases.check(f"{name}: {wrong} is found", status == 1 and
                            re.search(r" [12] failed", out), f"status {status}\n{out}")
        # A file in the tree of results that has another mode.
        status, out = run(stand_in(top, '"$@"; s=$?; cd /tmp/vmdiff-* && '
                                   "chmod 600 a; exit $s"),
                          RUNNERS["run_diff bind"])
        cases.check("run_diff bind: another mode is found", status == 1, out)
    # A command that does not exist.
    status, out = run("/nonexistent/vmspace", RUNNERS["run_guest"])
    cases.check("no vmspace at all is found", status != 0, out)
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
