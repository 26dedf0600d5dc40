#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""stress-ng --verify natively, inside with memory to spare, and inside under
swap pressure: no failure that the native run does not have.

    run_stress_ng.py --vmspace BUILD/vmspace [--only TEXT] [--json FILE]

By default a set of stressors runs at once, for two seconds, so that the three
runs of all of them take less than a minute; with VMSPACE_TEST_LONG=1 each runs
alone, for twenty.  The result of each stressor is reported in both cases.

The exec stressor refuses to run as root: as root, all stressors run with
user id 65534, natively and inside.
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programlib import Record, Scratch, have, split_log  # noqa: E402
from programlib import vmtest  # noqa: E402

OTHER_UID = 65534
# Not setpriv: inside, capabilities cannot outlive a change of uid.
AS_OTHER = (f"import os, sys; os.setgroups([]); os.setgid({OTHER_UID}); "
             f"os.setuid({OTHER_UID}); os.execvp(sys.argv[1], sys.argv[1:])")
SECONDS = 20 if vmtest.LONG else 2
# Sets that run at once.  Sizes are such that none runs out of memory.
SETS = (
    ("vm", "mmap", "mremap", "madvise"),
    ("brk", "stack", "msync", "mincore"),
    ("mmapfork",),
    ("fork", "vfork", "clone", "exec", "pthread"),
    ("pipe", "futex", "shm", "sem", "sigsegv"),
)
# Natively this one fills all memory of the host for most of a minute.
INSIDE_ONLY = {"mmapfork"}
EXTRA = {
    "vm": ["--vm-bytes", "48M"],
    "mmap": ["--mmap-bytes", "32M"],
    "mremap": ["--mremap-bytes", "16M"],
    "shm": ["--shm-bytes", "1M", "--shm-objs", "16"],
    "msync": ["--msync-bytes", "8M"],
}
MODES = {
    "inside": ["--mem", "1G"],
    "with swap": ["--mem", "64M", "--swap", "1G"],
}
# Not every failure line names the stressor; the summary does.
FAILURE = re.compile(r"^stress-ng: (?:fail|error): *\[\d+\] (.*)$", re.M)
METRIC = re.compile(r"^stress-ng: metrc: *\[\d+\] ([a-z][\w-]*) +(\d+) ", re.M)


def known():
    """Options that this stress-ng has."""
    text = vmtest.run(["stress-ng", "--help"]).text()
    return set(re.findall(r"--([\w-]+)", text))


def argv(stressors, options, seconds=SECONDS):
    words = ["stress-ng", "--verify", "--metrics-brief", "-t", f"{seconds}s",
             "--temp-path", "{w}"]
    for s in stressors:
        words += [f"--{s}", "1"]
        extra = EXTRA.get(s, [])
        for name, value in zip(extra[::2], extra[1::2]):
            if name.lstrip("-") in options:
                words += [name, value]
    return words


def as_user(scratch, words):
    """argv that runs the program as a user other than root."""
    if os.geteuid() != 0:
        return words
    os.chown(scratch.w, OTHER_UID, OTHER_UID)
    return ["python3", "-c", AS_OTHER, *words]


def run(vm, scratch, words, mode):
    """One run of a set; mode None is the native one."""
    scratch.fresh()
    words = as_user(scratch, scratch.expand(words))
    if mode is not None:
        words = vm.argv(words, ["--verbose", "--tmpfs", scratch.w, "--cwd",
                                scratch.w, *MODES[mode]])
    env = dict(vmtest.STABLE_ENV, HOME=scratch.w)
    return vmtest.run(words, timeout=60 + 4 * SECONDS, cwd=scratch.w,
                      env=env)


def failures(result):
    return FAILURE.findall(result.text() + result.errtext())


def ran(result):
    """{stressor: operations}"""
    return {k: int(v) for k, v in METRIC.findall(
        result.text() + result.errtext())}


def judge(stressor, native, ours):
    """The errors of one stressor of a set; empty: none.  Without a native run
    it only has to be successful."""
    text = ""
    status = native.status if native else 0
    if ours.timed_out:
        text += "did not end in time\n"
    if ours.status != status:
        text += f"status {ours.status}, natively {status}\n"
    ops = ran(ours).get(stressor)
    if not ops:
        text += f"operations: {ops}\n"
    if len(failures(ours)) > len(failures(native) if native else []):
        text += "\n".join(failures(ours)[:20]) + "\n"
    complaints, _ = split_log(ours.errtext())
    if complaints:
        text += "\n".join(complaints[:10]) + "\n"
    if text:
        text += ours.text()[-1500:] + ours.errtext()[-1500:]
    return text


def run_set(vm, scratch, stressors, options, count, record):
    words = argv(stressors, options)
    native = None
    if not INSIDE_ONLY.intersection(stressors):
        native = run(vm, scratch, words, None)
    for mode in MODES:
        together = run(vm, scratch, words, mode)
        for s in stressors:
            ours = together
            name = f"stress-ng {s}" + ("" if mode == "inside" else " " + mode)
            if ours.status == 0 and not ran(ours).get(s):
                # On a busy machine the others may have left it no time to
                # finish an operation, or even to begin before the alarm,
                # when its line is not printed at all: run it alone.
                ours = run(vm, scratch, argv((s,), options, 5 * SECONDS),
                           mode)
            if native and s not in ran(native):
                why = "natively it did not end in time" if native.timed_out \
                    else "natively it does not run"
                count.skip(name, why)
                record.add(name, "stress-ng", "skip", why=why)
                continue
            wrong = judge(s, native, ours)
            facts = dict(inside=round(ours.seconds, 2),
                         missing=split_log(ours.errtext())[1])
            if native:
                facts["native"] = round(native.seconds, 2)
            if wrong:
                count.fail(name, wrong)
                record.add(name, "stress-ng", "FAIL", **facts)
            else:
                natively = f"{ran(native)[s]} " if native else ""
                count.ok(name, f"({natively}operations, inside "
                               f"{ran(ours)[s]})")
                record.add(name, "stress-ng", "ok", **facts)


def main():
    p = vmtest.arguments(__doc__)
    p.add_argument("--only", default="")
    p.add_argument("--json")
    opts = p.parse_args()
    vm, count = vmtest.Vmspace(opts.vmspace), vmtest.Cases()
    record = Record(opts.json)
    for program in ("stress-ng", "python3"):
        if not have(program):
            count.missing("stress-ng", program)
            record.add("stress-ng", "stress-ng", "skip",
                       why=f"{program} is not installed")
            record.write()
            return count.finish()
    options = known()
    sets = [(s,) for group in SETS for s in group] if vmtest.LONG else SETS
    with Scratch() as scratch:
        for group in sets:
            group = tuple(s for s in group if opts.only in s
                          and s in options)
            if group:
                run_set(vm, scratch, group, options, count, record)
    record.write()
    return count.finish()


if __name__ == "__main__":
    vmtest.main(main)
