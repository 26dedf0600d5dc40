#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Stress: storms of processes in a kernel that is just large enough, and several
kernels at once.  Short by default; --seconds or VMSPACE_STRESS_SECONDS in the
environment makes it longer.  The seed is printed; --seed repeats it.  A run is
not exactly repeatable, because the host schedules the threads."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
import vmtest  # noqa: E402


def storm(vm, cases, program, seconds, seed, workers, mem):
    options, path = vm.guest_path(program)
    options += ["--env", "GUEST_INSIDE=1", "--mem", mem]
    name = f"storm of {workers} in {mem}"
    r = vm.run([path, str(seconds), str(seed), str(workers)], options,
               timeout=seconds + 60)
    cases.check(f"{name}, seed {seed}", r.status == 0 and not r.err and
                r.text() == f"{workers} workers, all verified\n",
                r.describe())


def many(vm, cases, program, seconds, seed, kernels):
    """Several kernels at once do not disturb each other."""
    options, path = vm.guest_path(program)
    options += ["--env", "GUEST_INSIDE=1", "--mem", "128M"]
    began = time.monotonic()
    running = [vmtest.start(vm.argv([path, str(seconds), str(seed + i), "2"],
                                    options),
                            stdout=subprocess.DEVNULL)
               for i in range(kernels)]
    limit = seconds + 60
    vmtest.wait_until(lambda: all(p.poll() is not None for p in running),
                      limit, 0.1)
    status = [p.poll() for p in running]
    for p in running:
        vmtest.kill_group(p)
    cases.check(f"{kernels} kernels at once", status == [0] * kernels,
                f"{status} after {time.monotonic() - began:.1f} s")


def main():
    p = vmtest.arguments(__doc__, "program", seed=True)
    p.add_argument("--seconds", type=int, default=int(
        os.environ.get("VMSPACE_STRESS_SECONDS", "4")))
    opts = p.parse_args()
    vmtest.become_subreaper()
    vm = vmtest.Vmspace(opts.vmspace)
    cases = vmtest.Cases()
    n = opts.seconds
    storm(vm, cases, opts.program, n, opts.seed, 4, "256M")
    storm(vm, cases, opts.program, n, opts.seed + 1, 16, "512M")
    many(vm, cases, opts.program, n, opts.seed + 2, 4)
    cases.check_no_process_left()
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
