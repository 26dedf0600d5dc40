#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""--swap from outside: what it refuses, what it leaves on the host, what
guests see of it; stopped processes, which are swapped out as a whole; and the
work of the kernel at the end of a process that was killed for lack of memory."""

import os
import re
import tempfile

import faultlib
from bad_input import one_line
from faultlib import user_prefix
import vmtest

SIGNATURE = b"\0" * 4086 + b"SWAPSPACE2"
KILLED = re.compile(r"^vmspace: out of memory: killed pid (\d+) \((\w+)\)")


def guest(env, name, *args):
    """(options, command line) of a guest program."""
    options, path = env.vm.guest_path(env.guest(name))
    return options, " ".join([path, *(str(a) for a in args)])


def bad_options(env):
    for arg in ("", "x", "0", "4095", "2T", "1.5G", "-1M", "lz4:", "lz4:x",
                "zstd:0", ":64M", "/tmp/none:x", "64M,pri=x", "64M,pri=40000",
                "64M,pri=", "64M,nonsense=1", "64M,inject=nonsense:1",
                "64M,inject=write_eio:0"):
        one_line(env, f"--swap '{arg}'", ["run", "--swap", arg, "--", "true"],
                 2, "--swap")
    many = ["--swap", "lz4:1M"] * 33
    one_line(env, "33 areas", ["run", *many, "--", "true"], 2, "too many")
    r = vmtest.run([env.vm.path, "run", "--help"], timeout=20)
    env.cases.check("--help names pri, and no faults", "pri=" in r.text() and
                    "inject" not in r.text(), r.text())


def refused(env):
    """A file that is refused is not changed."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        path = os.path.join(d, "precious")
        data = b"contents that must be kept\n" * 1000
        with open(path, "wb") as f:
            f.write(data)
        link = os.path.join(d, "link")
        os.symlink("nowhere", link)
        fifo = os.path.join(d, "fifo")
        os.mkfifo(fifo)

        def host_refuses(name, arg, *texts):
            one_line(env, name, ["run", "--swap", arg, "--", "true"], 125,
                     *texts)
        host_refuses("a file with contents", path + ":64M", "not overwritten")
        host_refuses("a symbolic link", link + ":64M", "--swap")
        host_refuses("a fifo", fifo + ":64M", "--swap")
        host_refuses("no directory", d + "/none/file:64M", "--swap")
        host_refuses("a file as directory", path + "/x:64M", "--swap")
        with open(path, "rb") as f:
            env.cases.check("its contents are still there", f.read() == data)
        env.cases.check("and no other file was created",
                        sorted(os.listdir(d)) ==
                        ["fifo", "link", "precious"], str(os.listdir(d)))


def used_by_another(env):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        path = os.path.join(d, "empty")
        with open(path, "wb"):
            pass
        out = os.path.join(d, "out")
        with open(out, "wb") as f:
            p = vmtest.start(env.vm.argv(
                [faultlib.BUSYBOX, "sh", "-c", "echo up; sleep 60"],
                ["--swap", path + ":8M"]), stdout=f)
        up = faultlib.wait_for_line(out, "up", 20)
        env.cases.check("an empty file is accepted", up)
        one_line(env, "used by another kernel",
                 ["run", "--swap", path + ":8M", "--", "true"], 125, "in use")
        vmtest.kill_group(p)
        vmtest.left_behind(5.0)
        # The file has contents now, so it must not be overwritten.
        r = env.sh("echo again", ["--swap", path + ":8M"])
        env.cases.check("afterwards it has contents", r.status == 125 and
                        "not overwritten" in r.errtext(),
                        f"status {r.status} {r.errtext()}")


def kinds(env):
    """Each kind of area holds what does not fit in memory, and is removed."""
    before = faultlib.host_files()
    options, eat = guest(env, "eat", 40, 0)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        signed = os.path.join(d, "signed")
        with open(signed, "wb") as f:
            f.write(SIGNATURE)
        for name, areas in (
                ("a size", ["64M"]), ("a new file", [d + "/new:64M"]),
                ("a directory", [d + ":64M"]),
                ("a file with a signature", [signed + ":64M"]),
                ("lz4", ["lz4:64M"]), ("zstd", ["zstd:64M"]),
                ("all of them", ["lz4:8M", "zstd:8M", "8M",
                                 d + "/other:64M,pri=-1"])):
            swap = [x for a in areas for x in ("--swap", a)]
            r = env.sh(f"{eat}; echo $?", ["--mem", "16M", "--stat", *swap,
                                           *options], timeout=60)
            m = re.search(r"^vmspace: swap (\d+)\.0 MiB, at the end 0\.0 MiB "
                          r"used .*out (\d+), errors 0$", r.errtext(), re.M)
            env.cases.check(f"40 MiB in 16 MiB, {name}", r.text() == "0\n" and
                            m is not None and int(m.group(2)) > 4096,
                            f"status {r.status}\n{r.text()}{r.errtext()}")
        env.cases.check("no file keeps a name", os.listdir(d) == ["signed"],
                        str(os.listdir(d)))
    r = env.sh(f"{eat}; echo $?", ["--mem", "16M", *options], timeout=60)
    env.cases.check("without swap it does not fit", r.text() != "0\n",
                    r.text() + r.errtext())
    faultlib.check_clean(env, "no process and no file left on the host",
                         before)


# Waits (20 s at most) until the condition of awk holds, and prints the areas.
WATCH = ("i=0; until awk '{cond} END {{ exit !f }}' /proc/swaps || "
         "[ $i -ge 200 ]; do sleep 0.1; i=$((i+1)); done; cat /proc/swaps; "
         "grep Swap /proc/meminfo; kill -9 $!; exit 5")


def shown(env, name, areas, cond):
    """(used KiB of each area, text) while a guest does not fit."""
    options, eat = guest(env, "eat", 40, 60)
    swap = [x for a in areas for x in ("--swap", a)]
    r = env.sh(f"{eat} & " + WATCH.format(cond=cond),
               ["--mem", "16M", *swap, *options], timeout=90)
    rows = [x.split() for x in r.text().splitlines() if x.startswith("/dev/")]
    env.cases.check(f"{name}: shown in /proc", r.status == 5 and
                    len(rows) == len(areas) and not r.err,
                    f"status {r.status}\n{r.text()}{r.errtext()}")
    return rows, r.text()


def priorities(env):
    rows, text = shown(env, "priorities", ["64M,pri=1", "64M,pri=5"],
                       "NR == 3 && $4 > 16384 { f = 1 }")
    env.cases.check("the higher priority first", len(rows) == 2 and
                    rows[0][3] == "0" and int(rows[1][3]) > 16384, text)
    env.cases.check("SwapTotal", re.search(r"^SwapTotal: +131072 kB$", text,
                                         re.M), text)
    rows, text = shown(env, "equal priorities", ["64M", "64M"],
                       "NR > 1 && $4 > 0 { n++ } n == 2 { f = 1 }")
    env.cases.check("equal priorities in turn", len(rows) == 2 and
                    all(int(x[3]) > 0 for x in rows), text)
    rows, text = shown(env, "compressed", ["64M", "zstd:64M"],
                       "NR == 3 && $4 > 0 { f = 1 }")
    env.cases.check("compressed memory first", len(rows) == 2 and
                    [x[4] for x in rows] == ["0", "100"] and
                    [x[1] for x in rows] == ["file", "zstd"] and
                    int(rows[1][3]) > 0, text)


def unprivileged(env):
    prefix, why = user_prefix()
    if prefix is None:
        env.cases.missing("as an ordinary user", why)
        return
    options, eat = guest(env, "eat", 40, 0)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        os.chmod(d, 0o777)
        for name, area in (("temporary file", "64M"), ("new file",
                                                       d + "/new:64M")):
            r = vmtest.run(prefix + env.vm.argv(
                [faultlib.BUSYBOX, "sh", "-c", f"{eat}; echo $?"],
                ["--mem", "16M", "--swap", area, *options]), timeout=60)
            env.cases.check(f"as an ordinary user: {name}",
                            r.text() == "0\n" and not r.err,
                            f"status {r.status}\n{r.text()}{r.errtext()}")


def stopped(env):
    """A stopped process is swapped out first and as a whole; its data is right
    when it continues."""
    options, idle = guest(env, "eat", 20, 3)
    _, busy = guest(env, "eat", 40, 0)
    r = env.sh(f"{idle} & p=$!; sleep 1; kill -STOP $p; sleep 1.3; {busy}; "
               "echo $?; grep VmSwap /proc/$p/status; kill -CONT $p; "
               "wait $p; echo $?",
               ["--mem", "48M", "--swap", "128M", "--verbose", *options],
               timeout=90)
    m = re.fullmatch(r"0\nVmSwap:\s+(\d+) kB\n0\n", r.text())
    env.cases.check("a stopped process makes room, and goes on",
                    m is not None and int(m.group(1)) >= 19 * 1024,
                    f"status {r.status}\n{r.text()}{r.errtext()[-3000:]}")
    logged = re.search(r"is stopped: (\d+) pages swapped out", r.errtext())
    env.cases.check("it is swapped out as a whole", logged is not None and
                    int(logged.group(1)) >= 19 * 256, r.errtext()[-3000:])


def last_work(env):
    """The kernel reads the memory of a victim after its end: that is in swap,
    and there is no free memory.  No other process may be killed for it."""
    options, robust = guest(env, "robust", 64)
    for swap in ([], ["--swap", "8M"], ["--swap", "lz4:8M"]):
        r = env.sh(robust, ["--mem", "32M", *swap, *options], timeout=60)
        lines = r.errtext().splitlines()
        env.cases.check("robust mutex of a victim, "
                        f"{' '.join(swap) or 'no swap'}",
                        r.status == 0 and len(lines) == 1 and
                        KILLED.match(lines[0]) and
                        r.text() == "the mutex of a dead owner\n",
                        f"status {r.status} after {r.seconds:.1f} s\n"
                        f"{r.text()}{r.errtext()}")


if __name__ == "__main__":
    faultlib.main([bad_options, refused, used_by_another, kinds, priorities,
                   unprivileged, stopped, last_work])
