#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Readers of processes that fork, exec, map, page and die; memory that an ended
process frees before its parent waits for it; a device window.  The tests run in the
process of the kernel (tests/stress/host.c), so that sanitizers check all of them.
VMSPACE_TEST_LONG=1: five minutes and 1 GiB; VMSPACE_READER_SECONDS overrides.
The seed is printed; --seed repeats it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
import vmtest  # noqa: E402


def host(cases, opts, name, args, seconds):
    # The test inherits the sanitizer options that run_all.py has set.
    r = vmtest.run([opts.host] + args, timeout=seconds * 3 + 60)
    cases.check(name, r.status == 0 and not r.err,
                r.describe(5000))
    print("     " + r.text().strip().replace("\n", "\n     "), flush=True)


def main():
    p = vmtest.arguments(__doc__, "guests", "host", seed=True)
    opts = p.parse_args()
    guests = opts.guests
    vmtest.become_subreaper()
    cases = vmtest.Cases()
    seconds = int(os.environ.get("VMSPACE_READER_SECONDS",
                                 "300" if vmtest.LONG else "8"))
    stormer = os.path.join(opts.guests, "stormer")
    for name, mem, swap in (("enough memory", "512", "0"),
                            ("under swap pressure", "8", "256")):
        host(cases, opts, f"storm, {name}, seed {opts.seed}",
             ["storm", stormer, mem, swap, str(seconds * 1000),
              str(opts.seed), "32", "8"], seconds)
    # The same with processes of the kernel as readers.
    for name, mem in (("enough memory", ["--mem", "512M"]),
                      ("under swap pressure",
                       ["--mem", "16M", "--swap", "256M"])):
        r = vmtest.run([opts.vmspace, "run", *mem, "--",
                        os.path.join(guests, "peeker"),
                        os.path.join(guests, "stormer"), str(seconds * 500),
                        str(opts.seed), "32", "8"],
                       timeout=seconds * 3 + 60)
        cases.check(f"storm read by guests, {name}, seed {opts.seed}",
                    r.status == 0 and not r.err, r.describe(5000))
        print("     " + r.text().strip().replace("\n", "\n     "), flush=True)
    size = 1024 if vmtest.LONG else 128
    eat = os.path.join(opts.guests, "eat")
    host(cases, opts, f"exit with {size} MiB resident",
         ["exit", eat, str(size + 64), str(size), "64"], 60)
    host(cases, opts, f"exit with {size} MiB, most of it in swap",
         ["exit", eat, str(size // 4), str(size), str(size * 2)], 60)
    host(cases, opts, "1 GiB through a device window",
         ["window", os.path.join(opts.guests, "window"), "16", "1024"], 60)
    cases.check_no_process_left()
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
