#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Programs of random system calls, natively and inside: every call has the same
result.  200 programs; VMSPACE_TEST_LONG=1: 10,000.  The first call that differs
is shown with those before it.

    run_random.py --vmspace BUILD/vmspace --guests DIR [--seed N]
                  [--programs N] [--calls N]
"""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
import vmtest  # noqa: E402

BATCH = 200
BEFORE = 25  # calls shown before a difference
SHOWN = 20   # differences


def programs(text):
    """{number: lines} of the output of randcalls."""
    out, lines = {}, []
    for line in text.splitlines():
        if line.startswith("program "):
            lines = out.setdefault(int(line.split()[1]), [])
        else:
            lines.append(line)
    return out


def difference(native, ours):
    """Text about the first line that differs; empty: none does."""
    if ours is None:
        return "did not run"
    for i, line in enumerate(native):
        mine = ours[i] if i < len(ours) else "(nothing)"
        if line != mine:
            return ("\n".join(native[max(0, i - BEFORE):i])
                    + f"\n  native: {line}\n  inside: {mine}")
    return "" if len(ours) == len(native) else \
        f"then inside: {ours[len(native)]}"


class Batch:
    """The same programs in both places."""

    def __init__(self, vm, program, top):
        self.vm, self.program, self.top = vm, program, top

    def native(self, args):
        d = tempfile.mkdtemp(prefix="vmdiff-", dir=self.top)
        try:
            return vmtest.run([self.program, d, *args], timeout=300)
        finally:
            shutil.rmtree(d, ignore_errors=True)

    def inside(self, args):
        options, path = self.vm.guest_path(self.program)
        return self.vm.run([path, "/tmp", *args],
                           [*options, "--mem", "512M"], timeout=600)


def main():
    p = vmtest.arguments(__doc__, "guests", seed=True)
    p.add_argument("--programs", type=int,
                   default=10000 if vmtest.LONG else BATCH)
    p.add_argument("--calls", type=int, default=60)
    opts = p.parse_args()
    vm, cases = vmtest.Vmspace(opts.vmspace), vmtest.Cases()
    # tmpfs on both sides: other file systems have rules of their own.
    top = "/dev/shm"
    batch = Batch(vm, os.path.join(opts.guests, "randcalls"), top)
    differ = []
    for first in range(0, opts.programs, BATCH):
        n = min(BATCH, opts.programs - first)
        args = [str(opts.seed + first), str(n), str(opts.calls)]
        native, ours = batch.native(args), batch.inside(args)
        cases.check(f"{n} programs of {opts.calls} calls, seed {args[0]}: run",
                    native.status == 0 and ours.status == 0 and not ours.err,
                    native.describe() + ours.describe())
        a, b = programs(native.text()), programs(ours.text())
        for i in a:
            text = difference(a[i], b.get(i))
            if text:
                differ.append(f"seed {args[0]}, program {i}:\n{text}")
    cases.check(f"{opts.programs} programs, the same results", not differ,
                f"{len(differ)} programs differ\n"
                + "\n".join(differ[:SHOWN]))
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
