#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Lack of guest memory: the process that uses most of it is killed, one line
of the log names it, and the shell that started it and the kernel go on."""

import os
import re

import faultlib
import vmtest

EATER = "x=0123456789abcdef; while :; do x=$x$x; done"
LINE = re.compile(r"vmspace: .*out of memory.*killed pid (\d+)", re.I)
FULL = re.compile(r"^vmspace: out of memory: killed pid \d+ \(eat\), resident "
                  r"\d+ MiB of \d+ MiB, swap \d+ MiB of \d+ MiB$")

def eaters(env):
    """Twenty in sequence; each must end, and its memory must come back."""
    r = env.sh(f"i=0; while [ $i -lt 20 ]; do ({EATER}); echo $?; "
               "i=$((i+1)); done; seq 1 5 | tail -1; exit 12",
               ["--mem", "64M"], timeout=120)
    lines = r.text().split()
    env.cases.check("20 eaters, the shell survives",
                    r.status == 12 and len(lines) == 21 and lines[-1] == "5",
                    f"status {r.status} after {r.seconds:.1f} s\n{r.text()}\n"
                    f"{r.errtext()}")
    # The eater receives ENOMEM and ends with a message, or is killed.
    ends = set(lines[:-1])
    env.cases.check("each is killed or receives ENOMEM",
                    ends <= {"137", "1", "2"},
                    str(ends) + r.errtext())
    named = len(LINE.findall(r.errtext()))
    env.cases.check("a log line names each victim",
                    named == lines[:-1].count("137"),
                    f"{named} lines, {lines[:-1].count('137')} kills\n"
                    f"{r.errtext()}")


def many(env):
    """Many in sequence in one kernel that also runs another process: each is
    killed, and one line for each names the victim and the sizes."""
    path = env.guest("eat")
    options, path = env.vm.guest_path(path)
    mem, want, times = ("64M", 100, 500) if vmtest.LONG else ("12M", 24, 100)
    r = env.sh("(while :; do read x < /proc/uptime; sleep 0.01; done) & "
               f"i=0; while [ $i -lt {times} ]; do {path} {want} 0 free; "
               "echo $?; i=$((i+1)); done; kill $!; echo alive; exit 5",
               ["--mem", mem, *options], timeout=900)
    lines = r.text().split()
    env.cases.check(f"{times} eaters of {want} MiB in {mem}, the shell survives",
                    r.status == 5 and lines == ["137"] * times + ["alive"],
                    f"status {r.status} after {r.seconds:.1f} s, "
                    f"{lines.count('137')} killed of {len(lines)}\n"
                    f"{r.errtext()[-3000:]}")
    logged = [x for x in r.errtext().splitlines() if x.startswith("vmspace:")]
    wrong = [x for x in logged if not FULL.match(x)]
    env.cases.check("one line for each, with victim and sizes",
                    len(logged) == times and not wrong,
                    f"{len(logged)} lines\n" + "\n".join(wrong[:20]))


def separate(env):
    """Ten kernels in sequence: one victim and one line in each."""
    options, path = env.vm.guest_path(env.guest("eat"))
    wrong = ""
    for i in range(10):
        r = env.sh(f"{path} 100 0 free; echo $?; seq 1 3 | tail -1; exit 6",
                   ["--mem", "64M", *options], timeout=60)
        logged = [x for x in r.errtext().splitlines()
                if x.startswith("vmspace:")]
        if r.status != 6 or r.text() != "137\n3\n" or len(logged) != 1 or \
                not FULL.match(logged[0]):
            wrong += (f"run {i}: status {r.status}\n{r.text()}\n"
                      f"{r.errtext()}\n")
    env.cases.check("ten kernels, one victim and one line in each", not wrong,
                    wrong)


def touching(env):
    """Memory that was granted although it cannot all be provided: several
    processes at once, each below the limit, together above it."""
    path = env.guest("eat")
    options, path = env.vm.guest_path(path)
    r = env.sh(f"{path} 40 1 & {path} 40 1 & {path} 40 1 & "
               "wait; echo waited; seq 1 3 | tail -1; exit 9",
               ["--mem", "64M", *options], timeout=120)
    env.cases.check("three processes, together too large",
                    r.status == 9 and "waited\n3\n" in r.text(),
                    f"status {r.status}\n{r.text()}\n{r.errtext()}")
    victims = LINE.findall(r.errtext())
    env.cases.check("at least one is killed, and not the shell",
                    victims and "1" not in victims, r.errtext())
    r = env.sh(f"i=0; while [ $i -lt 15 ]; do {path} 40 0 && n=$((n+1)); "
               "i=$((i+1)); done; echo $n", ["--mem", "64M", *options],
               timeout=120)
    env.cases.check("in sequence all of them fit", r.text() == "15\n",
                    f"{r.text()}{r.errtext()}")


def by_files(env):
    """tmpfs uses guest memory: ENOSPC or a kill, and the guest goes on."""
    r = env.sh("dd if=/dev/zero of=/tmp/big bs=1M count=200 2>/dev/null; "
               "echo $?; rm -f /tmp/big; dd if=/dev/zero of=/tmp/s bs=1M "
               "count=20 2>/dev/null; echo $?; wc -c < /tmp/s",
               ["--mem", "64M"], timeout=60)
    out = r.text().split()
    env.cases.check("a file that is too large for the guest",
                    len(out) == 3 and out[0] != "0" and
                    out[1:] == ["0", str(20 << 20)],
                    f"status {r.status}\n{r.text()}{r.errtext()}")
    r = env.sh("seq 1 200000 > /tmp/f; for i in 1 2 3 4 5 6; do "
               "cat /tmp/f /tmp/f | md5sum; done | uniq | wc -l; "
               "find /usr/bin -type f -size -2000k | head -150 | "
               "while read f; do cat $f; done | wc -c > /dev/null; echo $?",
               ["--mem", "32M"], timeout=60)
    env.cases.check("more file data than memory", r.text() == "1\n0\n" and
                    not r.err, f"{r.text()}{r.errtext()}")


def forks(env):
    """Twelve processes that together write more than the memory."""
    path = env.guest("eat")
    options, path = env.vm.guest_path(path)
    r = env.sh(f"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do {path} 10 2 & done; "
               "wait; echo end", ["--mem", "64M", *options], timeout=120)
    env.cases.check("twelve of 10 MiB in 64 MiB", r.status == 0 and
                    r.text().endswith("end\n"),
                    f"status {r.status}\n{r.text()}{r.errtext()}")


def smallest(env):
    """Too little memory to start a program is an error, not a crash."""
    for size in ("1M", "2M", "4M", "8M"):
        r = env.sh("echo alive", ["--mem", size], timeout=30)
        fine = r.status == 0 and r.text() == "alive\n"
        refused = r.status in (125, 126, 137, 139, 134, 1) and r.err
        env.cases.check(f"--mem {size}", not r.timed_out and (fine or refused),
                        f"status {r.status}\n{r.text()}{r.errtext()}")


def main_left(env):
    env.cases.check_no_process_left(1.0)


if __name__ == "__main__":
    faultlib.main([eaters, many, separate, touching, by_files, forks, smallest,
                   main_left])
