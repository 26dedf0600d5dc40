#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Lack of guest memory: the process that uses most of it is killed, one line
of the log names it, and the shell that started it and the kernel go on."""

import os
import re
import tempfile
import threading

import faultlib
import vmtest

EATER = "x=0123456789abcdef; while :; do x=$x$x; done"
LINE = re.compile(r"vmspace: .*out of memory.*killed pid (\d+)", re.I)
FULL = re.compile(r"^vmspace: out of memory: killed pid \d+ \(eat\), resident "
                  r"\d+ MiB of \d+ MiB, swap \d+ MiB of \d+ MiB$")

def eaters(env):
    """Many in sequence; each must end, and its memory must come back."""
    # With reservation the eater receives ENOMEM and ends with a message, or is
    # killed; without it, it is killed.
    eaters_of(env, 20, {"137", "1", "2"}, "--overcommit", "never")
    eaters_of(env, 3, {"137"})


def eaters_of(env, times, want, *options):
    name = " ".join(options) or "by default"
    r = env.sh(f"i=0; while [ $i -lt {times} ]; do ({EATER}); echo $?; "
               "i=$((i+1)); done; seq 1 5 | tail -1; exit 12",
               ["--mem", "64M", *options], timeout=120)
    lines = r.text().split()
    env.cases.check(f"{times} eaters, the shell survives, {name}",
                    r.status == 12 and len(lines) == times + 1 and
                    lines[-1] == "5",
                    f"status {r.status} after {r.seconds:.1f} s\n{r.text()}\n"
                    f"{r.errtext()}")
    ends = set(lines[:-1])
    env.cases.check(f"each ends as it should, {name}", ends <= want,
                    str(ends) + r.errtext())
    named = len(LINE.findall(r.errtext()))
    env.cases.check(f"a log line names each victim, {name}",
                    named == lines[:-1].count("137"),
                    f"{named} lines, {lines[:-1].count('137')} kills\n"
                    f"{r.errtext()}")


def many(env):
    """Many in sequence in one kernel that also runs another process: each is
    killed, and one line for each names the victim and the sizes."""
    path = env.guest("eat")
    options, path = env.vm.guest_path(path)
    mem, want, times = ("64M", 100, 500) if vmtest.LONG else ("12M", 24, 40)
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


def overcommit(env):
    """Mappings beyond memory: made, and a touch beyond memory ends the process;
    or refused."""
    options, path = env.vm.guest_path(env.guest("eat"))
    base = ["--mem", "64M", *options]

    def ends(name, script, want, *opts, killed=0):
        r = env.sh(script + "; echo $?; seq 1 3 | tail -1; exit 4",
                   [*base, *opts], timeout=60)
        logged = LINE.findall(r.errtext())
        env.cases.check(name, r.status == 4 and not r.timed_out and
                        r.text() == f"{want}\n3\n" and
                        len(logged) == killed and
                        r.errtext().count("vmspace:") == killed,
                        f"status {r.status} after {r.seconds:.1f} s\n"
                        f"{r.text()}{r.errtext()}")

    ends("4 GiB mapped, untouched", f"{path} 4096 0 none", 0)
    ends("the same, always", f"{path} 4096 0 none", 0, "--overcommit", "always")
    ends("touched beyond memory", f"{path} 100 0", 137, killed=1)
    ends("touched by the call that maps", f"{path} 100 0 populate", 137,
         killed=1)
    # The kernel stores into memory that no one has touched before.
    ends("touched by read(), zeroes", "dd if=/dev/zero of=/dev/null bs=200M "
         "count=1 2>/dev/null", 137, killed=1)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        with open(os.path.join(d, "sparse"), "wb") as f:
            f.truncate(200 << 20)
        ends("touched by read(), a file", "dd if=/mnt/sparse of=/dev/null "
             "bs=200M count=1 2>/dev/null", 137, "--bind", d + ":/mnt:ro",
             killed=1)
    never = ("--overcommit", "never")
    ends("never: refused at once", f"{path} 100 0", 2, *never)
    ends("never: untouched, refused", f"{path} 4096 0 none", 2, *never)
    ends("never: MAP_NORESERVE is made", f"{path} 4096 0 free", 137, *never,
         killed=1)
    ends("never: what fits is made", f"{path} 40 0", 0, *never)
    ends("never: together too much", f"{path} 40 2 none & sleep 1; "
         f"{path} 40 0 none", 2, *never)
    ends("never: swap counts", f"{path} 100 0", 0, *never, "--swap", "64M")
    ends("the setting", "cat /proc/sys/vm/overcommit_memory | grep -x 1", "1\n0")
    ends("never: the setting",
         "cat /proc/sys/vm/overcommit_memory | grep -x 2", "2\n0", *never)


def adjusted(env):
    """oom_score_adj: a small process that is to be chosen first, a large one
    that is not to be chosen, and none that may be."""
    options, path = env.vm.guest_path(env.guest("eat"))
    set_adj = "echo {} >/proc/self/oom_score_adj"

    def run(name, script, want):
        r = env.sh(script, ["--mem", "64M", *options], timeout=60)
        env.cases.check(name, r.text() == want and
                        len(LINE.findall(r.errtext())) == 1,
                        f"status {r.status} after {r.seconds:.1f} s\n"
                        f"{r.text()}{r.errtext()}")

    run("the process with the highest oom_score_adj goes first",
        f"({set_adj.format(1000)}; exec {path} 16 50) & p=$!; sleep 1; "
        f"{path} 50 0; echo $?; wait $p; echo $?", "0\n137\n")
    if env.sh("id -u", []).text() != "0\n":
        env.cases.skip("oom_score_adj -1000", "it needs root")
        return
    run("the process with the lowest one is not chosen",
        f"({set_adj.format(-1000)}; exec {path} 40 3) & p=$!; sleep 1; "
        f"{path} 30 0; echo $?; wait $p; echo $?", "137\n0\n")
    run("with the lowest one for all, one is chosen",
        f"{set_adj.format(-1000)}; {path} 100 0; echo $?; echo end",
        "137\nend\n")


THRASH = re.compile(r"^vmspace: out of memory, thrashing, [^:]*: killed pid "
                    r"(\d+) \((\w+)\), ", re.M)


class Thrashing:
    """A working set of three times the memory on slow swap, with room left in
    it: no process gets on, until one is killed.  With a process that works
    beside it, or with fast swap, none is.  The run waits for its swap for more
    than a minute: begin() starts it, and the other tests go on beside it."""

    SLOW = "64M,inject=read_ms:80"

    def run(self, env, script, swap):
        options, path = env.vm.guest_path(env.guest("oversub"))
        return env.sh(script.format(oversub=path),
                      ["--mem", "2M", "--swap", swap, *options], timeout=300)

    def first(self, env):
        self.result = self.run(
            env, "{oversub} 6 600; echo $?; seq 1 3 | tail -1", self.SLOW)

    def begin(self, env):
        self.result = None
        self.thread = threading.Thread(target=self.first, args=(env,))
        self.thread.start()

    def end(self, env):
        self.thread.join()
        r = self.result
        victims = THRASH.findall(r.errtext())
        env.cases.check("thrashing ends", not r.timed_out and
                        r.text() == "137\n3\n" and
                        [x[1] for x in victims] == ["oversub"] and
                        r.errtext().count("vmspace:") == 1,
                        f"status {r.status} after {r.seconds:.1f} s\n"
                        f"{r.text()}{r.errtext()}")
        if not vmtest.LONG:
            return
        r = self.run(env, "(while :; do :; done) & sleep 1; {oversub} 6 190 "
                     ">/dev/null & sleep 180; kill -9 $!; echo end", self.SLOW)
        env.cases.check("not beside a process that works",
                        r.text() == "end\n" and "vmspace:" not in r.errtext(),
                        r.text() + r.errtext())
        r = self.run(env, "{oversub} 8 180; echo $?", "64M")
        env.cases.check("not with fast swap", r.text().endswith("\n0\n") and
                        not r.err, r.text() + r.errtext())


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
    thrashing = Thrashing()
    faultlib.main([thrashing.begin, eaters, many, separate, touching, overcommit,
                   adjusted, by_files, forks, smallest, thrashing.end, main_left])
