#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Overcommitted memory: guests whose working set is four times the guest's memory,
on each kind of swap, on areas that fail, and while an area is removed; storms of
processes under memory pressure.  Short by default; VMSPACE_TEST_LONG=1 uses 1 GiB
in 256 MiB for two minutes each.  The seed is printed; --seed repeats it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
import vmtest  # noqa: E402


def sizes():
    """(memory, working set, swap) in MiB, and seconds."""
    if vmtest.LONG:
        return 256, 1024, 4096, 120
    # With a sanitizer, half as much takes several times as long.
    return (32, 128, 512, 3) if vmtest.SLOW == 1 else (16, 64, 256, 3)


def oversub(vm, cases, opts, name, swap):
    mem, ws, size, seconds = sizes()
    options, path = vm.guest_path(os.path.join(opts.guests, "oversub"))
    options += ["--env", "GUEST_INSIDE=1", "--mem", f"{mem}M"]
    for s in swap:
        options += ["--swap", s.replace("SIZE", f"{size}M")]
    r = vm.run([path, str(ws), str(seconds), str(opts.seed)], options,
               timeout=seconds * 6 + 120)
    # Failed writes may be logged; any other line is an error.
    err = [x for x in r.errtext().splitlines() if "write of block" not in x]
    cases.check(f"{ws} MiB in {mem} MiB, {name}, seed {opts.seed}",
                r.status == 0 and not err and
                r.text() == f"{ws} MiB, every byte verified twice\n",
                r.describe())
    if any("inject" in s for s in swap):
        cases.check("injected write errors occurred",
                    "write of block" in r.errtext(), r.errtext())


def swapoff(cases, opts):
    """The same, with one of two areas removed while the guest runs."""
    mem, ws, size, seconds = sizes()
    r = vmtest.run([opts.host, "swapoff", os.path.join(opts.guests, "oversub"),
                    str(mem), str(ws), str(size), str(seconds),
                    str(opts.seed)], timeout=seconds * 6 + 120)
    cases.check(f"swapoff while the guest runs, seed {opts.seed}", r.status == 0,
                r.describe())
    print("    " + r.text().strip().replace("\n", "\n    "))


def storm(vm, cases, opts, mem, swap):
    seconds = 60 if vmtest.LONG else 4
    options, path = vm.guest_path(os.path.join(opts.guests, "storm"))
    options += ["--env", "GUEST_INSIDE=1", "--mem", mem]
    for s in swap:
        options += ["--swap", s]
    r = vm.run([path, str(seconds), str(opts.seed), "16"], options,
               timeout=seconds * 6 + 60)
    err = [x for x in r.errtext().splitlines() if "write of block" not in x]
    cases.check(f"storm of 16 in {mem}, swap {' '.join(swap)}, seed "
                f"{opts.seed}", r.status == 0 and not err and
                r.text() == "16 workers, all verified\n",
                r.describe())


def main():
    p = vmtest.arguments(__doc__, "guests", "host", seed=True)
    opts = p.parse_args()
    vmtest.become_subreaper()
    vm = vmtest.Vmspace(opts.vmspace)
    cases = vmtest.Cases()
    oversub(vm, cases, opts, "file", ["SIZE"])
    oversub(vm, cases, opts, "lz4", ["lz4:SIZE"])
    oversub(vm, cases, opts, "zstd", ["zstd:SIZE"])
    oversub(vm, cases, opts, "two areas, one fails",
            ["SIZE,inject=write_eio:10", "SIZE"])
    swapoff(cases, opts)
    storm(vm, cases, opts, "64M", ["1G"])
    storm(vm, cases, opts, "32M", ["zstd:512M"])
    storm(vm, cases, opts, "48M", ["lz4:64M", "512M,inject=write_eio:10"])
    cases.check_no_process_left()
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
