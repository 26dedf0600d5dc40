#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Descriptors that a guest inherits, compared with a native run.

    run_inherited.py --vmspace BUILD/vmspace PROGRAM

Each case opens files, starts PROGRAM (tests/guest/inherited.c) with them as
its standard descriptors, natively and inside, and compares: how the program
ended, what is in the files, and where the offsets of the shared open file
descriptions are afterwards.
"""

import argparse
import fcntl
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
import vmtest  # noqa: E402

LIMIT = 60


class Setting:
    """A folder of its own, and a way to start the program."""

    def __init__(self, argv, folder):
        self.argv = argv
        self.folder = folder

    def file(self, name, text="", flags=os.O_RDWR):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return os.open(path, flags)

    def text(self, name):
        with open(os.path.join(self.folder, name), encoding="ascii") as f:
            return f.read()

    def start(self, case, **std):
        return vmtest.start(self.argv + [case], **std)

    def run(self, case, **std):
        """Status and what standard output and error got, where they are not
        given."""
        std.setdefault("stdout", subprocess.PIPE)
        std.setdefault("stderr", subprocess.PIPE)
        p = self.start(case, **std)
        try:
            out, err = p.communicate(timeout=LIMIT * vmtest.SLOW)
        finally:
            vmtest.kill_group(p)
        return [vmtest.shell_status(p.returncode), out, err]


def offset(fd):
    return os.lseek(fd, 0, os.SEEK_CUR)


def case_reads_share_the_offset(s):
    """What one command leaves in a file is for the next one."""
    fd = s.file("in", "0123456789abcdefghij")
    seen = [os.read(fd, 2), s.run("read", stdin=fd), os.read(fd, 2),
            s.run("read", stdin=fd), offset(fd)]
    os.lseek(fd, 18, os.SEEK_SET)
    return seen + [s.run("read", stdin=fd), offset(fd)]


def case_writes_share_the_offset(s):
    """Output and error to one description (`> log 2>&1`), and others after."""
    fd = s.file("log", "old text, longer than what is written over it" * 2)
    os.write(fd, b"before\n")
    seen = [s.run("write", stdout=fd, stderr=fd), offset(fd)]
    os.write(fd, b"after\n")
    return seen + [s.text("log")]


def case_append_goes_to_the_end(s):
    """`>> log`, while another process writes to the log, too."""
    fd = s.file("log", "first\n", os.O_WRONLY | os.O_APPEND)
    other = os.open(os.path.join(s.folder, "log"), os.O_WRONLY | os.O_APPEND)
    p = s.start("append", stdin=subprocess.PIPE, stdout=fd,
                stderr=subprocess.PIPE)
    for i in range(3):
        os.write(other, b"other %d\n" % i)
        p.stdin.write(b"x")
        p.stdin.flush()
        if p.stderr.read(1) != b".":
            break
    p.stdin.close()
    rest = p.stderr.read()
    status = p.wait(LIMIT * vmtest.SLOW)
    return [status, rest, s.text("log")]


def case_file_for_reading(s):
    fd = s.file("in", "0123456789", os.O_RDONLY)
    os.lseek(fd, 2, os.SEEK_SET)
    return [s.run("read-only", stdin=fd), offset(fd)]


def case_file_for_both(s):
    fd = s.file("both", "0123456789")
    seen = [s.run("read-write", stdin=fd), offset(fd), s.text("both"),
            fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND]
    return seen


def case_file_without_a_name(s):
    fd = s.file("gone", "0123456789")
    os.unlink(os.path.join(s.folder, "gone"))
    seen = [s.run("read-write", stdin=fd), offset(fd)]
    return seen + [os.pread(fd, 100, 0)]


def case_directory(s):
    os.close(s.file("name", "text\n"))
    fd = os.open(s.folder, os.O_RDONLY)
    return [s.run("directory", stdin=fd)]


def case_devices(s):
    null = os.open("/dev/null", os.O_RDWR)
    zero = os.open("/dev/zero", os.O_RDWR)
    return [s.run("devices", stdin=null, stderr=zero)]


def case_pipe(s):
    return [s.run("pipe", stdin=subprocess.PIPE)]


CASES = [v for k, v in sorted(globals().items()) if k.startswith("case_")]


def outcome(case, argv):
    before = set(os.listdir("/proc/self/fd"))
    with tempfile.TemporaryDirectory() as folder:
        try:
            return case(Setting(argv, folder))
        finally:
            for fd in set(os.listdir("/proc/self/fd")) - before:
                try:
                    os.close(int(fd))
                except OSError:
                    pass  # the descriptor of the listing itself


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--vmspace", required=True)
    p.add_argument("program")
    opts = p.parse_args()
    vm = vmtest.Vmspace(opts.vmspace)
    cases = vmtest.Cases(verbose=False)
    options, path = vm.guest_path(opts.program)
    inside = vm.argv([path], options + ["--env", "GUEST_INSIDE=1"])
    native = [os.path.realpath(opts.program)]
    for case in CASES:
        name = case.__name__[5:].replace("_", " ")
        want = outcome(case, native)
        have = outcome(case, inside)
        if want != have:
            cases.fail(name, f"natively {want}\ninside   {have}")
        elif 1 in (x[0] for x in want if isinstance(x, list)):
            cases.fail(name, f"fails natively: {want}")
        else:
            cases.ok(name)
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
