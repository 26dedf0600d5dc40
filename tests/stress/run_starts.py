#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Starts on a busy host: many kernels start, run one program and end, while
other processes compute and other kernels are killed at random moments of their
start.  Each start must end with its output, and none may take longer than its
share of the CPUs explains: a wake-up that is lost and hidden by a time-out shows as
a start that takes seconds and uses no CPU.  Short by default; --starts, or
VMSPACE_TEST_LONG=1 (3,000), makes it longer.  The seed is printed; --seed repeats
it."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
import vmtest  # noqa: E402

WORD = b"started\n"
PARALLEL = 4  # starts at a time, the same number of starts to be killed
# A start may take this long without CPU, and beyond that this many times what
# its share of the CPUs would be.
FREE_SECONDS = 2.0
SHARE_FACTOR = 4


class Start:
    """A kernel that starts; kill_at: when it is killed, or None."""

    def __init__(self, argv, kill_after):
        self.victim = kill_after is not None
        self.out = tempfile.TemporaryFile()
        self.began = time.monotonic()
        self.kill_at = None if kill_after is None else self.began + kill_after
        self.proc = vmtest.start(argv, stdout=self.out,
                                 stderr=subprocess.STDOUT)
        self.status = self.cpu = self.seconds = None

    def poll(self):
        """True: it has ended."""
        now = time.monotonic()
        if self.kill_at is not None and now >= self.kill_at:
            os.kill(self.proc.pid, signal.SIGKILL)
            self.kill_at = None
        pid, status, usage = os.wait4(self.proc.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.proc.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.seconds = now - self.began
        return True

    def text(self):
        self.out.seek(0)
        return self.out.read()


def runnable():
    """Threads of the host that want a CPU now."""
    with open("/proc/loadavg", encoding="ascii") as f:
        return int(f.read().split()[3].split("/")[0])


def compute(n):
    code = "while True: pass"
    return [vmtest.start([sys.executable, "-S", "-c", code])
            for _ in range(n)]


def judge(start, load):
    """None, or what is wrong with a start that was not to be killed."""
    share = load / os.cpu_count()
    limit = (FREE_SECONDS + start.cpu * share * SHARE_FACTOR) * vmtest.SLOW
    if start.status != 0 or start.text() != WORD:
        return f"status {start.status}, output {start.text()!r}"
    if start.seconds > limit:
        return (f"took {start.seconds:.2f} s and used {start.cpu:.3f} s of CPU "
                f"among {load} processes; the limit is {limit:.2f} s")
    return None


def run_starts(vm, opts, rnd):
    """Start and kill until opts.starts have ended.  The starts that were not
    killed, how many were killed in time, and the defects."""
    argv = [vm.path, "run", "--", "/bin/echo", "started"]
    running, done, defects = [], [], []
    begun = killed = 0
    load = opts.load + 2 * PARALLEL
    while len(done) < opts.starts:
        load = max(load, runnable())
        victims = sum(s.victim for s in running)
        while len(running) - victims < PARALLEL and begun < opts.starts:
            running.append(Start(argv, None))
            begun += 1
        while victims < PARALLEL:
            running.append(Start(argv, rnd.expovariate(1 / opts.kill_after)))
            victims += 1
        for s in list(running):
            if not s.poll():
                continue
            running.remove(s)
            if s.victim:
                killed += s.status == -signal.SIGKILL
                continue
            done.append(s)
            why = judge(s, load)
            if why:
                defects.append(why)
        stuck = [s for s in running
                 if time.monotonic() - s.began > opts.limit * vmtest.SLOW]
        for s in stuck:
            defects.append(f"did not end in {opts.limit} s")
            vmtest.kill_group(s.proc)
            running.remove(s)
            done.append(s)
        time.sleep(0.002)
    for s in running:
        vmtest.kill_group(s.proc)
    return [s for s in done if s.seconds is not None], killed, defects


def main():
    p = vmtest.arguments(__doc__, seed=True)
    p.add_argument("--starts", type=int, default=3000 if vmtest.LONG else
                   60 if vmtest.SLOW == 1 else 12)
    p.add_argument("--load", type=int, default=30, help="processes that compute")
    p.add_argument("--kill-after", type=float, default=0.2,
                   help="mean of the time until a start is killed, seconds")
    p.add_argument("--limit", type=float, default=60,
                   help="seconds until a start counts as stuck")
    opts = p.parse_args()
    vmtest.become_subreaper()
    vm = vmtest.Vmspace(opts.vmspace)
    cases = vmtest.Cases()
    busy = compute(opts.load)
    try:
        done, killed, defects = run_starts(vm, opts, random.Random(opts.seed))
    finally:
        for b in busy:
            vmtest.kill_group(b)
    times = sorted(s.seconds for s in done)
    cases.check(f"{opts.starts} starts beside {opts.load} processes that "
                f"compute, seed {opts.seed}", not defects, "\n".join(defects))
    cases.check("some starts were killed", killed * 10 >= opts.starts,
                f"{killed} of {opts.starts}")
    if times:
        share = (opts.load + 2 * PARALLEL) / os.cpu_count()
        print(f"     median {times[len(times) // 2]:.2f} s, longest "
              f"{times[-1]:.2f} s, at most "
              f"{max(s.seconds / (s.cpu * share) for s in done):.1f} times "
              f"its share, {killed} killed", flush=True)
    cases.check_no_process_left(10)
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
