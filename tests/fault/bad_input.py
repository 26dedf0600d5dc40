#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Bad input causes one line on standard error and the conventional status;
valid options have their documented effect."""

import os
import tempfile

import faultlib
from faultlib import BUSYBOX
import vmtest


def one_line(env, name, argv, status, *texts):
    r = vmtest.run([env.vm.path, *argv], timeout=20)
    err = r.errtext()
    wrong = ""
    if r.timed_out:
        wrong += "did not end in time\n"
    if r.status != status:
        wrong += f"status {r.status}, want {status}\n"
    # A usage error may refer to --help in a second line.
    lines = [x for x in err.splitlines() if not x.startswith("Try ")]
    if len(lines) != 1 or not lines[0].startswith("vmspace"):
        wrong += "not one line that starts with vmspace\n"
    for text in texts:
        if text not in err:
            wrong += f"{text!r} is missing in the message\n"
    if r.out:
        wrong += "wrote to standard output: " + r.text()
    env.cases.check(name, not wrong, wrong + "stderr:\n" + err)


def programs(env):
    one_line(env, "no such program", ["run", "--", "nosuchprogram"], 127,
             "nosuchprogram")
    one_line(env, "no such path", ["run", "--", "/no/such/program"], 127,
             "/no/such/program")
    one_line(env, "not executable", ["run", "--", "/etc/passwd"], 126,
             "/etc/passwd", "ermission denied")
    one_line(env, "a directory", ["run", "--", "/etc"], 126, "/etc")
    one_line(env, "empty name", ["run", "--", ""], 127)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        path = os.path.join(d, "text")
        with open(path, "wb") as f:
            f.write(b"\x7fELF but not really")
        os.chmod(path, 0o755)
        one_line(env, "truncated ELF", ["run", "--", path], 126, path,
                 "xec format")


def options(env):
    one_line(env, "--net nonsense", ["run", "--net", "nonsense", "--", "true"],
             2, "--net", "nonsense")
    one_line(env, "unknown option", ["run", "--nonsense", "--", "true"], 2,
             "nonsense")
    one_line(env, "no program", ["run"], 2, "no program")
    one_line(env, "no such command", ["frobnicate"], 2, "frobnicate")
    for size in ("0", "4095", "abc", "-1", "1e9", "99999999T", "12X", "",
                 "18446744073709551616", "0x10000000", "1.5G", "2T"):
        one_line(env, f"--mem {size or '(empty)'}",
                 ["run", "--mem", size, "--", BUSYBOX, "true"], 2, "--mem")
    for arg in ("relative", "a:b", "/etc", ":/x", "/etc:", "/etc:/x:huh"):
        one_line(env, f"--bind {arg}",
                 ["run", "--bind", arg, "--", BUSYBOX, "true"], 2, "--bind")
    one_line(env, "--rw relative", ["run", "--rw", "x", "--", "true"], 2,
             "--rw")
    one_line(env, "--tmpfs relative", ["run", "--tmpfs", "x", "--", "true"],
             2, "--tmpfs")
    one_line(env, "--env without =", ["run", "--env", "X", "--", "true"], 2,
             "--env")
    one_line(env, "--env =x", ["run", "--env", "=x", "--", "true"], 2, "--env")
    one_line(env, "missing argument", ["run", "--mem"], 2, "mem")


def mounts(env):
    one_line(env, "missing --root", ["run", "--root", "/no/such", "--",
                                     "/bin/true"], 125, "/no/such")
    one_line(env, "--root is a file", ["run", "--root", "/etc/passwd", "--",
                                       "/bin/true"], 125, "/etc/passwd")
    one_line(env, "missing --bind source",
             ["run", "--bind", "/no/such:/mnt", "--", BUSYBOX, "true"], 125,
             "/no/such")
    one_line(env, "missing --rw path",
             ["run", "--rw", "/no/such", "--", BUSYBOX, "true"], 125,
             "/no/such")
    one_line(env, "missing --cwd",
             ["run", "--cwd", "/no/such", "--", BUSYBOX, "true"], 125,
             "/no/such")


def limits(env):
    """A host limit that is too small is an error, not a signal."""
    r = vmtest.run(["/bin/sh", "-c", 'ulimit -f 1000; exec "$0" "$@"',
                    env.vm.path, "run", "--", BUSYBOX, "true"], timeout=20)
    env.cases.check("a small limit on file sizes",
                    r.status == 125 and len(r.errtext().splitlines()) == 1 and
                    "File too large" in r.errtext(),
                    f"status {r.status}\n{r.errtext()}")


def help_and_version(env):
    for argv in (["--help"], ["run", "--help"], ["--version"]):
        r = vmtest.run([env.vm.path, *argv], timeout=20)
        env.cases.check(" ".join(argv), r.status == 0 and r.out and not r.err,
                        f"status {r.status}\n{r.errtext()}")
    r = vmtest.run([env.vm.path], timeout=20)
    env.cases.check("no command at all", r.status == 2 and r.err and not r.out,
                    f"status {r.status}\n{r.text()}")


def good_options(env):
    def check(name, script, want, *opts):
        r = env.sh(script, opts, timeout=20)
        env.cases.check(name, r.status == 0 and r.text() == want and not r.err,
                        f"status {r.status}\n{r.text()}{r.errtext()}")

    check("--env", "echo $ONE-$TWO", "1-a=b\n", "--env", "ONE=1", "--env",
          "TWO=a=b")
    check("--cwd", "pwd", "/usr\n", "--cwd", "/usr")
    check("--hostname", "hostname", "guest\n", "--hostname", "guest")
    check("--tmpfs", "echo x > /mnt/f && cat /mnt/f; ls /mnt", "x\nf\n",
          "--tmpfs", "/mnt")
    check("--mem", "sed -n 's/MemTotal: *//p' /proc/meminfo", "65536 kB\n",
          "--mem", "64M")
    with tempfile.TemporaryDirectory(prefix="vmspace-fault-") as d:
        with open(os.path.join(d, "given"), "w", encoding="ascii") as f:
            f.write("given\n")
        check("--bind", "cat /mnt/given; echo out > /mnt/made; ls /mnt",
              "given\ngiven\nmade\n", "--bind", d + ":/mnt")
        with open(os.path.join(d, "made"), encoding="ascii") as f:
            env.cases.check("--bind writes to the host", f.read() == "out\n")
        check("--bind ro", "cat /mnt/given; (echo x > /mnt/no) 2>/dev/null || "
              "echo refused", "given\nrefused\n", "--bind", d + ":/mnt:ro")
        check("--rw", f"echo rw > {d}/rw; ls {d}", "given\nmade\nrw\n",
              "--bind", f"{d}:{d}:ro", "--bind", f"{d}:{d}")
    check("/proc/syscalls", "cat /nothing 2>/dev/null; "
          "sed -n 's/^getpid  *\\([0-9]*\\)  *\\([0-9]*\\)$/seen \\2/p' "
          "/proc/syscalls", "seen 0\n")
    # The C library of the host calls rseq, which is missing.
    r = env.vm.run(["/bin/true"], ["--stat"], timeout=20)
    env.cases.check("--stat lists the missing system calls", r.status == 0 and
                    "missing system calls: rseq 1\n" in r.errtext(),
                    r.errtext())
    r = env.sh("echo traced", ["--trace"], timeout=20)
    env.cases.check("--trace", r.out == b"traced\n" and b"write(1, " in
                    r.err and b"exit_group(0" in r.err, r.errtext())
    r = env.sh("(exit 3); exit 4", ["--stat"], timeout=20)
    words = ("processes", "faults", "copied on write", "memory peak",
             "host mappings", "hand-overs", "wall time")
    env.cases.check("--stat", r.status == 4 and
                    all(w in r.errtext() for w in words), r.errtext())


def root_option(env):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        os.mkdir(os.path.join(d, "bin"))
        os.mkdir(os.path.join(d, "etc"))
        with open(BUSYBOX, "rb") as f:
            data = f.read()
        path = os.path.join(d, "bin", "busybox")
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o755)
        os.symlink("/../../../../../etc/passwd", os.path.join(d, "etc", "out"))
        os.symlink("../../../../../../..", os.path.join(d, "up"))
        r = env.vm.run(["/bin/busybox", "sh", "-c",
                        "ls /; cat /etc/out; cat /up/etc/passwd; ls /up/..;"
                        "cd /etc; cat ../../../../etc/passwd; echo end"],
                       ["--root", d], timeout=20)
        env.cases.check("--root cannot be left", r.status == 0 and
                        "root:" not in r.text() and "end\n" in r.text(),
                        f"status {r.status}\n{r.text()}{r.errtext()}")
        shown = set(r.text().split("cat", maxsplit=1)[0].split())
        env.cases.check("--root shows its directory",
                        {"bin", "etc", "up"} <= shown, r.text())


if __name__ == "__main__":
    faultlib.main([programs, options, mounts, limits, help_and_version,
                   good_options, root_option])
