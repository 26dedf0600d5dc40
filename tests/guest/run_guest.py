#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Run a guest program natively and inside, and compare what it prints and how
it ends.

    run_guest.py --vmspace BUILD/vmspace [--mem 64M] [--swap SIZE]
        [--overcommit never] [--rw PATH] [--repeat N] PROGRAM...

One line a program: "ok NAME (native 0.1 s, inside 0.5 s)" or "FAIL NAME" with
the differences.  The program checks itself, so a wrong result that is the same
in both places is found as well.  Standard error must be empty inside: no leak,
no unknown system call, no warning.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
import vmtest  # noqa: E402


def inside(vm, program, opts):
    options, path = vm.guest_path(program)
    options += ["--env", "GUEST_INSIDE=1"]
    if vmtest.LONG:
        options += ["--env", "GUEST_LONG=1"]
    if opts.mem:
        options += ["--mem", opts.mem]
    if opts.rw:
        options += ["--rw", opts.rw]
    if opts.swap:
        options += ["--swap", opts.swap]
    if opts.overcommit:
        options += ["--overcommit", opts.overcommit]
    argv = vm.argv([path], options)
    if opts.wrapper:
        argv = [opts.wrapper] + argv
    return vmtest.run(argv, timeout=opts.timeout)


def complaints(native, ours, limit):
    """The differences as text; empty: none."""
    if native.timed_out:
        return f"native run did not end within {limit} s"
    if ours.timed_out:
        return (f"did not end within {limit} s\nstdout so far:\n"
                + ours.text()[-2000:] + "\nstderr:\n" + ours.errtext()[-2000:])
    text = ""
    if native.status != 0:
        text += f"native status {native.status}: the test is wrong\n"
    if ours.status != native.status:
        text += f"status {ours.status}, natively {native.status}\n"
    if ours.out != native.out:
        text += vmtest.diff(native.text(), ours.text(), "native",
                            "inside") + "\n"
    if ours.err:
        text += "standard error:\n" + ours.errtext()[-3000:]
    return text


def main():
    p = vmtest.arguments(__doc__)
    p.add_argument("--mem", default="")
    p.add_argument("--swap", default="")
    p.add_argument("--overcommit", default="")
    p.add_argument("--rw", default="", help="what the guest may write")
    p.add_argument("--timeout", type=float, default=60)
    p.add_argument("--repeat", type=int, default=1)
    p.add_argument("--wrapper", default="", help="program that runs vmspace")
    p.add_argument("program", nargs="+")
    opts = p.parse_args()
    vm = vmtest.Vmspace(opts.vmspace)
    cases = vmtest.Cases(verbose=False)
    for program in opts.program:
        name = os.path.basename(program)
        native = vmtest.run([os.path.realpath(program)], timeout=opts.timeout)
        for _ in range(opts.repeat):
            ours = inside(vm, program, opts)
            wrong = complaints(native, ours, opts.timeout)
            if wrong:
                cases.fail(name, wrong)
                break
        else:
            cases.ok(name)
            print(f"ok   {name} (native {native.seconds:.2f} s, inside "
                  f"{ours.seconds:.2f} s)", flush=True)
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
