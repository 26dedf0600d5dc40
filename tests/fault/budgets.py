#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""One guest takes a resource of the kernel without end, another one works
beside it in the same kernel (hog.c).  The greedy one gets an error, the other
one ends its work, the kernel process stays within its budget of memory, and
what the greedy one had is back after its end."""

import os
import re
import subprocess
import threading
import time

import faultlib
import vmtest

MIB = 1 << 20
KMEM = 32  # MiB; one process gets about 7
# The resource, how many pieces the greedy guest asks for, and what ends it:
# one of these texts of errno.  "all": it costs the kernel nothing that stays.
RESOURCES = (
    ("maps", 65000, ("Cannot allocate memory",)),
    ("tables", 20000, ("Cannot allocate memory",)),
    ("sparse", 6000, ("all",)),
    ("files", 900000, ("Cannot allocate memory", "Too many open files",
                       "Too many open files in system")),
    ("eventfds", 900000, ("Cannot allocate memory", "Too many open files",
                          "Too many open files in system")),
    ("pipes", 20000, ("Cannot allocate memory", "Too many open files",
                      "Too many open files in system")),
    ("streams", 20000, ("Cannot allocate memory", "Too many open files",
                        "No buffer space available")),
    ("datagrams", 20000, ("Cannot allocate memory", "Too many open files",
                          "No buffer space available")),
    ("loops", 3000, ("all",)),
    ("texts", 20000, ("Cannot allocate memory", "Too many open files")),
    ("locks", 300000, ("No locks available",)),
    ("messages", 30000, ("Cannot allocate memory",
                         "Resource temporarily unavailable",
                         "No space left on device")),
    ("timers", 900000, ("Resource temporarily unavailable",)),
    ("signals", 900000, ("Resource temporarily unavailable",)),
    ("names", 900000, ("No space left on device",)),
    ("data", 100000, ("No space left on device",)),
    ("zombies", 40000, ("Cannot allocate memory",
                        "Resource temporarily unavailable")),
    ("threads", 15000, ("Cannot allocate memory",
                        "Resource temporarily unavailable")),
    ("polls", 2000, ("Cannot allocate memory",
                     "Resource temporarily unavailable")),
)


def anonymous_memory(pid):
    """Bytes of a process that are not shared, as the arena of guests is."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            m = re.search(r"RssAnon:\s*(\d+) kB", f.read())
    except OSError:
        return 0
    return int(m.group(1)) * 1024 if m else 0


class Watch(threading.Thread):
    """The most memory that a process has while it runs."""

    def __init__(self, pid):
        super().__init__()
        self.pid = pid
        self.most = 0
        self.over = False

    def run(self):
        while not self.over:
            self.most = max(self.most, anonymous_memory(self.pid))
            time.sleep(0.01)


def run(env, *argv, options=()):
    """Output, statistics, and the most memory of the kernel process."""
    hog = os.path.join(os.path.dirname(env.opts.helper), "hog")
    p = vmtest.start([env.vm.path, "run", "--mem", "256M", "--stat",
                      "--kmem", f"{KMEM}M", *options, "--", hog, *argv],
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = Watch(p.pid)
    watch.start()
    try:
        out, err = p.communicate(timeout=120 * vmtest.SLOW)
    except subprocess.TimeoutExpired:
        vmtest.kill_group(p)
        out, err = p.communicate()
    watch.over = True
    watch.join()
    return out.decode(), err.decode(errors="replace"), watch.most


def number(pattern, text):
    m = re.search(pattern, text)
    return float(m.group(1)) if m else -1.0


def one(env, name, n, ends, base, options=()):
    out, err, most = run(env, name, str(n), options=options)
    lines = out.splitlines()
    got = re.match(r"got (\d+): (.*)", lines[0]) if lines else None
    what = f"{out}\n{err}\nmost {most / MIB:.1f} MiB, base {base / MIB:.1f}"
    env.cases.check(f"{name}: the greedy guest is refused",
                    got is not None and got.group(2) in ends, what)
    env.cases.check(f"{name}: another guest works beside it",
                    "beside: ok" in lines, what)
    env.cases.check(f"{name}: and after it", "after: ok" in lines, what)
    if vmtest.SLOW == 1:  # sanitizers take memory of their own
        env.cases.check(f"{name}: the kernel stays within its budget",
                        0 < most <= base + KMEM * MIB, what)
    left = number(r"kernel memory peak .* at the end ([\d.]+) MiB", err)
    limit = KMEM / 2 if name in ("names", "messages") else 1.5
    env.cases.check(f"{name}: the memory is back at the end",
                    0 <= left <= limit, what)
    fds = number(r"host descriptors at the end (\d+)", err)
    env.cases.check(f"{name}: the descriptors are back at the end",
                    0 <= fds < 200, what)


def main(env):
    _, _, base = run(env, "maps", "1")
    for name, n, ends in RESOURCES:
        if env.opts.only in name:
            one(env, name, n, ends, base)
    for bad in ("1M", "x", "7M", "2T"):
        r = env.vm.run(["/bin/true"], ["--kmem", bad])
        env.cases.check(f"--kmem {bad}", r.status == 2 and "--kmem" in
                        r.errtext(), r.describe())
    env.cases.check_no_process_left(1.0)


if __name__ == "__main__":
    faultlib.main([main])
