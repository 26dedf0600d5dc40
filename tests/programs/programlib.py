# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Common code of the runners of the program matrix: cases, the directories
where they run, the comparison of both runs, and the record for
scripts/mkprograms.py.

A case runs in a directory of its own, below a scratch directory in /var/tmp
that has the same name natively and inside.  Inside, it is the guest's own
memory, or (rw) the host's directory, written through --rw.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import vmtest  # noqa: E402

# The messages of --verbose about missing calls: recorded, not an error.
MISSING = re.compile(r"^vmspace: .* \(pid \d+\): (?:system call \d+ \((\w+)\)"
                     r" is missing|cannot make an Internet (socket):.*)$", re.M)
# The command that prints the version, where it is not PROGRAM --version.
VERSION = {
    "go": ["go", "version"],
    "java": ["java", "-version"],
    "javac": ["javac", "-version"],
    "lua": ["lua", "-v"],
    "lua5.4": ["lua5.4", "-v"],
    "nginx": ["nginx", "-v"],
    "perl": ["perl", "-e", "print \"perl $^V\n\""],
    "stress-ng": ["stress-ng", "--version"],
}
# What --verbose says of the confinement is none.
COMPLAINT = re.compile(r"^vmspace: (?!confined: ).*$", re.M)


@dataclasses.dataclass
class Case:
    """One program, natively and inside.  In argv, setup and after, {g} is the
    directory of the guests' scripts, {c} that of what setup makes."""
    name: str
    program: str           # whose version is printed
    argv: list
    needs: tuple = ()      # other programs, and files (with a slash)
    status: int = 0        # the expected status, natively and inside
    rw: bool = False       # on the host's directory, else in guest memory
    options: tuple = ()    # of vmspace run
    timeout: float = 60
    setup: list = None     # run natively, before
    after: list = None     # run natively in the directory that --rw wrote
    long_argv: list = None
    env: dict = dataclasses.field(default_factory=dict)
    big: bool = False      # not installed by scripts/bootstrap
    long: bool = False     # of the long run (VMSPACE_TEST_LONG=1) only


def have(what):
    if "/" in what:
        return os.path.exists(what)
    return shutil.which(what, path=vmtest.STABLE_ENV["PATH"]) is not None


def version(program):
    argv = VERSION.get(program, [program, "--version"])
    r = vmtest.run(argv, timeout=30)
    text = re.sub(r"\x1b\[[0-9;]*m", "", r.text() + r.errtext())
    lines = [x for x in text.splitlines() if x.strip()]
    return lines[0].strip()[:100] if lines else "unknown"


class Scratch:
    """Directories: g (scripts), c (what setup makes), w (of the case)."""

    def __init__(self):
        self.top = f"/var/tmp/vmspace-programs-{os.getpid()}"
        shutil.rmtree(self.top, ignore_errors=True)
        os.makedirs(self.top, 0o755)
        os.chmod(self.top, 0o755)
        self.g, self.c, self.w = (os.path.join(self.top, x) for x in "gcw")
        shutil.copytree(os.path.join(HERE, "guests"), self.g)
        os.mkdir(self.c)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.top, ignore_errors=True)

    def fresh(self):
        """Make the directory anew.  A daemon of the case before (the server of
        tmux) may still be removing its own files there."""
        def made():
            shutil.rmtree(self.w, ignore_errors=True)
            try:
                os.mkdir(self.w, 0o755)
            except FileExistsError:
                return False
            return True
        if not vmtest.wait_until(made, 10):
            raise RuntimeError(f"cannot empty {self.w}")

    def expand(self, argv):
        return [x.replace("{g}", self.g).replace("{c}", self.c)
                .replace("{w}", self.w) for x in argv]

    def env(self, case):
        env = dict(vmtest.STABLE_ENV, HOME=self.w, TMPDIR=self.w)
        env.update({k: self.expand([v])[0] for k, v in case.env.items()})
        return env


def run_native(scratch, case, argv):
    scratch.fresh()
    env = scratch.env(case)
    r = vmtest.run(argv, timeout=case.timeout, cwd=scratch.w, env=env)
    if case.after:
        r.out += vmtest.run(scratch.expand(case.after), cwd=scratch.w,
                            env=env).out
    return r


def run_inside(vm, scratch, case, argv):
    scratch.fresh()
    env = scratch.env(case)
    where = ["--rw" if case.rw else "--tmpfs", scratch.w]
    r = vm.run(argv, ["--verbose", *where, "--cwd", scratch.w, *case.options],
               timeout=case.timeout * 3, cwd=scratch.w, env=env)
    if case.after:
        r.out += vmtest.run(scratch.expand(case.after), cwd=scratch.w,
                            env=env).out
    return r


def split_log(err):
    """(messages of vmspace, names of the missing calls)."""
    missing = sorted({a or b for a, b in MISSING.findall(err)})
    left = MISSING.sub("", err)
    return COMPLAINT.findall(left), missing


def compare(case, native, ours):
    """The differences as text; empty: none."""
    text = ""
    if native.status != case.status:
        text += (f"native status {native.status}, expected {case.status}: "
                 "the case is wrong\n")
    if native.timed_out:
        text += "natively it did not end in time: the case is wrong\n"
    if ours.timed_out:
        text += "did not end in time\n"
    if native.status != ours.status:
        text += f"status {ours.status}, natively {native.status}\n"
    if native.out != ours.out:
        text += vmtest.diff(native.text(), ours.text(), "native",
                            "inside") + "\n"
    complaints, _ = split_log(ours.errtext())
    if complaints:
        text += "complaints:\n" + "\n".join(complaints[:20]) + "\n"
    if text:
        text += "standard error inside:\n" + ours.errtext()[-1500:]
        text += "\nand natively:\n" + native.errtext()[-500:]
    return text


class Record:
    """Results for scripts/mkprograms.py: a list of objects with `case`,
    `program`, `version`, `result` (ok, FAIL, skip), `native` and `inside`
    (seconds), `missing` (system calls), `why`."""

    def __init__(self, path):
        self.path, self.rows, self.versions = path, [], {}

    def add(self, case, program, result, **facts):
        if program not in self.versions:
            self.versions[program] = version(program) if have(program) \
                else "not installed"
        self.rows.append(dict(case=case, program=program,
                              version=self.versions[program], result=result,
                              **facts))

    def write(self):
        """Print the versions; write the rows to the file, if one is named."""
        for program, text in sorted(self.versions.items()):
            print(f"version {program}: {text}")
        if self.path:
            with open(self.path, "w", encoding="utf-8") as f:
                json.dump(self.rows, f, indent=1)


def absent(case):
    """The first program or file that a case needs and that is missing."""
    for what in (case.program, *case.needs):
        if not have(what):
            return what
    return None


def prepare(scratch, case):
    """Run the setup of a case natively; an error text or None."""
    if case.setup is None:
        return None
    try:
        r = subprocess.run(scratch.expand(case.setup), cwd=scratch.c,
                           env=scratch.env(case), capture_output=True,
                           text=True, timeout=300, check=False,
                           stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "setup did not end in time"
    return None if r.returncode == 0 else r.stdout + r.stderr


def run_case(vm, scratch, case, count, record):
    """Run a case, and print one line with the result."""
    if case.long and not vmtest.LONG:
        count.skip(case.name, "it is part of the long run: "
                   "scripts/bootstrap --all-programs, VMSPACE_TEST_LONG=1")
        return
    what = absent(case)
    if what:
        if case.big or "/" in what:
            # What bootstrap cannot provide everywhere is never a failure.
            count.skip(case.name, f"{what} is not there, and not every "
                       "system's scripts/bootstrap installs it")
        else:
            count.missing(case.name, what)
        record.add(case.name, case.program, "skip",
                   why=f"{what} is not installed")
        return
    error = prepare(scratch, case)
    if error is not None:
        count.fail(case.name, "setup: " + error)
        record.add(case.name, case.program, "FAIL", why="setup")
        return
    argv = scratch.expand(case.long_argv if vmtest.LONG and case.long_argv
                          else case.argv)
    native = run_native(scratch, case, argv)
    ours = run_inside(vm, scratch, case, argv)
    wrong = compare(case, native, ours)
    facts = dict(native=round(native.seconds, 2),
                 inside=round(ours.seconds, 2),
                 missing=split_log(ours.errtext())[1])
    if wrong:
        count.fail(case.name, wrong)
        record.add(case.name, case.program, "FAIL", **facts)
    else:
        count.ok(case.name, f"({native.seconds:.2f} s, inside "
                            f"{ours.seconds:.2f} s)")
        record.add(case.name, case.program, "ok", **facts)


