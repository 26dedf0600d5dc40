# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""What the test runners share: running programs natively and inside vmspace,
with a time limit; finding processes that they leave behind; reporting cases.

A runner ends a process of a test by its id or by the process group that it
made for the test, never by name.  A runner can make itself the reaper of
orphans (PR_SET_CHILD_SUBREAPER): a process that a program leaves behind is then
a child of the runner, and is counted.
"""

import argparse
import ctypes
import difflib
import os
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
STABLE_ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    "LC_ALL": "C",
    "TZ": "UTC",
    "HOME": "/",
}
STABLE_ENV.update({k: os.environ[k] for k in (
    "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if k in os.environ})
SKIP = 77  # exit status that meson counts as a skip
# All time limits are multiplied by this; sanitizer builds set it.
SLOW = float(os.environ.get("VMSPACE_TEST_SLOW", "1"))
# The long forms of the tests that have one.
LONG = os.environ.get("VMSPACE_TEST_LONG", "") not in ("", "0")
# Options for each `vmspace run`, such as "--isolation process".
RUN_OPTIONS = os.environ.get("VMSPACE_TEST_RUN", "").split()


def in_ci():
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


class Result:
    """How a program ended: its status as in a shell (128+N for signal N), its
    outputs, whether it was ended at the time limit, how long it ran."""

    def __init__(self, status, out, err, timed_out, seconds):
        self.status = status
        self.out = out
        self.err = err
        self.timed_out = timed_out
        self.seconds = seconds

    def text(self):
        return self.out.decode("utf-8", "backslashreplace")

    def errtext(self):
        return self.err.decode("utf-8", "backslashreplace")

    def describe(self, tail=3000):
        """For the report of a failed case: the end, and what was printed."""
        return (f"status {self.status} after {self.seconds:.1f} s"
                f"{', did not end in time' if self.timed_out else ''}\n"
                f"{self.text()}\n{self.errtext()[-tail:]}")


def shell_status(returncode):
    return 128 - returncode if returncode < 0 else returncode


def default_signals():
    """In a new process: a shell starts commands in the background with SIGINT
    and SIGQUIT ignored, and programs inherit that."""
    for s in range(1, signal.NSIG):
        if s not in (signal.SIGKILL, signal.SIGSTOP) and \
                signal.getsignal(s) == signal.SIG_IGN:
            signal.signal(s, signal.SIG_DFL)


def start(argv, **kw):
    """Start a program in a process group of its own."""
    kw.setdefault("preexec_fn", default_signals)
    kw.setdefault("env", STABLE_ENV)
    kw.setdefault("cwd", "/")
    kw.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(argv, start_new_session=True, **kw)


def kill_group(p):
    """End the process group of a process that start() returned."""
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    p.wait()


def run(argv, timeout=60, stdin=b"", **kw):
    """Run a program to its end.  Its outputs are files, not pipes: a process
    that it leaves behind may keep them open, and nothing waits for that."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, \
            tempfile.TemporaryFile() as inp:
        inp.write(stdin)
        inp.seek(0)
        p = start(argv, stdout=out, stderr=err, stdin=inp, **kw)
        timed_out = False
        try:
            p.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            timed_out = True
        kill_group(p)
        out.seek(0)
        err.seek(0)
        return Result(shell_status(p.returncode), out.read(), err.read(),
                      timed_out, time.monotonic() - began)


def become_subreaper():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def processes():
    """{pid: (ppid, state, comm)} of all processes of the host."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8",
                      errors="replace") as f:
                text = f.read()
        except OSError:
            continue
        comm = text[text.index("(") + 1:text.rindex(")")]
        rest = text[text.rindex(")") + 2:].split()
        table[int(name)] = (int(rest[1]), rest[0], comm)
    return table


def descendants(root):
    """{pid: (ppid, state, comm)} of the processes below one, zombies too."""
    table = processes()
    found = {}
    grew = True
    inside = {root}
    while grew:
        grew = False
        for pid, info in table.items():
            if info[0] in inside and pid not in inside:
                inside.add(pid)
                found[pid] = info
                grew = True
    return found


def list_processes(found):
    """A line for each process that descendants() has found."""
    return "\n".join(f"pid {pid}: parent {ppid}, state {state}, {comm}"
                     for pid, (ppid, state, comm) in found.items())


def reap():
    """Collect the status of children that have ended."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def wait_until(condition, seconds, step=0.01):
    """Call condition() until it is true or the time is over; its last value.
    """
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def left_behind(seconds=1.0):
    """Processes below the runner that have not ended after that time.  Only
    for a runner that called become_subreaper() and has no other children."""
    def all_ended():
        reap()
        return not descendants(os.getpid())
    if wait_until(all_ended, seconds):
        return {}
    return descendants(os.getpid())


def diff(a, b, name_a, name_b):
    lines = difflib.unified_diff(a.splitlines(), b.splitlines(), name_a,
                                 name_b, lineterm="", n=3)
    return "\n".join(list(lines)[:80])


class Vmspace:
    """The command under test."""

    def __init__(self, path):
        self.path = os.path.realpath(path)

    def guest_path(self, path):
        """(options, path in the guest) for a host path.  Guests have a /tmp
        of their own, so a path in the host's /tmp is bound to /mnt."""
        path = os.path.realpath(path)
        if not path.startswith("/tmp/"):
            return [], path
        return (["--bind", os.path.dirname(path) + ":/mnt:ro"],
                "/mnt/" + os.path.basename(path))

    def argv(self, argv, options=()):
        # With the environment of the native run, so that both can be
        # compared.
        return [self.path, "run", "--env-host", *RUN_OPTIONS, *options, "--",
                *argv]

    def run(self, argv, options=(), **kw):
        return run(self.argv(argv, options), **kw)


class Cases:
    """Count and print the cases of a runner that has many."""

    def __init__(self, verbose=True):
        self.passed = self.failed = self.skipped = 0
        self.verbose = verbose

    def ok(self, name, note=""):
        self.passed += 1
        if self.verbose:
            print(f"ok   {name}{' ' + note if note else ''}", flush=True)

    def fail(self, name, why):
        self.failed += 1
        print(f"FAIL {name}", flush=True)
        text = str(why)
        if len(text) > 6000:
            text = text[:3000] + "\n[...]\n" + text[-2000:]
        for line in text.splitlines():
            print(f"     {line[:400]}", flush=True)

    def skip(self, name, why):
        """The case does not apply here.  For a program that is not installed
        use missing(): in CI that is a failure."""
        self.skipped += 1
        print(f"SKIP {name}: {why}", flush=True)

    def missing(self, name, what):
        if in_ci():
            self.fail(name, f"{what} is missing; in CI scripts/bootstrap must "
                      "install it")
        else:
            self.skip(name, f"{what} is missing")

    def check(self, name, condition, why="condition is false"):
        if condition:
            self.ok(name)
        else:
            self.fail(name, why)
        return condition

    def check_no_process_left(self, seconds=2.0):
        """One case: see left_behind()."""
        left = left_behind(seconds)
        self.check("no process is left", not left, list_processes(left))

    def finish(self):
        """Print the line that run_all.py reads; return the exit status."""
        print(f"cases: {self.passed} passed, {self.failed} failed, "
              f"{self.skipped} skipped", flush=True)
        if self.failed:
            return 1
        return SKIP if self.passed == 0 and self.skipped else 0


def arguments(doc, *paths, seed=False, vmspace=True):
    """The parser of a runner.  `paths` are required options that name files or
    directories, in addition to --vmspace; they are made absolute, because
    programs run in other directories.  seed: --seed, by default a new one at
    each run, which the runner has to print."""
    p = argparse.ArgumentParser(description=doc.splitlines()[0])
    p.add_argument("--vmspace", required=vmspace, type=os.path.realpath)
    for path in paths:
        p.add_argument("--" + path, required=True, type=os.path.realpath)
    if seed:
        p.add_argument("--seed", type=int, default=int(time.time()) % 1000000)
    return p


def main(fn):
    sys.exit(fn())
