#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The command behaves like the program that it runs: exit status, end by a
signal, signals from outside, closed and unusual standard descriptors, a
terminal."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

import faultlib
from faultlib import BUSYBOX
import vmtest


def statuses(env):
    for n in (0, 1, 7, 42, 126, 127, 128, 255):
        r = env.sh(f"exit {n}", timeout=20)
        env.cases.check(f"exit {n}", r.status == n and not r.err,
                        f"status {r.status} {r.errtext()}")
    for sig in (1, 2, 6, 9, 11, 13, 14, 15, 10, 34):
        r = env.sh(f"kill -{sig} $$", timeout=20)
        env.cases.check(f"killed by signal {sig}", r.status == 128 + sig,
                        f"status {r.status} {r.errtext()}")
    r = env.sh("(sleep 100) & (sleep 100) & exit 5", timeout=20)
    env.cases.check("the kernel ends although processes still run",
                    r.status == 5,
                    f"status {r.status} after {r.seconds:.1f} s")
    env.cases.check("and no process is left", not vmtest.left_behind(),
                    vmtest.list_processes(vmtest.left_behind(0)))


def forward(env, sig, script, want_status, want_out):
    """Start a script, wait for "ready", and send the command a signal."""
    p = env.start_sh(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = p.stdout.readline()
    time.sleep(0.05)
    p.send_signal(sig)
    try:
        out, err = p.communicate(timeout=20 * vmtest.SLOW)
        why = ""
    except subprocess.TimeoutExpired:
        vmtest.kill_group(p)
        out, err = p.communicate()
        why = "did not end\n"
    status = vmtest.shell_status(p.returncode)
    ok = line == b"ready\n" and status == want_status and out == want_out
    env.cases.check(f"{signal.Signals(sig).name} from outside: "
                    f"{'handled' if want_out else 'default'}", ok and not why,
                    f"{why}status {status}, want {want_status}\n{line!r} "
                    f"{out!r}\n{err.decode()}")


def signals(env):
    loop = "echo ready; while :; do sleep 0.02; done"
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        name = signal.Signals(sig).name[3:]
        forward(env, sig, f"trap 'echo got; exit 33' {name}; {loop}", 33,
                b"got\n")
        forward(env, sig, loop, 128 + sig, b"")


def stopped(env):
    """SIGSTOP stops the command and its guest, SIGCONT continues both."""
    p = env.start_sh("echo ready; i=0; while [ $i -lt 20 ]; do sleep 0.02; "
                     "i=$((i+1)); done; echo end", stdout=subprocess.PIPE)
    p.stdout.readline()
    p.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    p.send_signal(signal.SIGCONT)
    try:
        out, _ = p.communicate(timeout=20 * vmtest.SLOW)
    except subprocess.TimeoutExpired:
        vmtest.kill_group(p)
        out = b"hangs"
    env.cases.check("stopped and continued", out == b"end\n" and
                    p.returncode == 0, f"{p.returncode} {out!r}")


def descriptors(env):
    for fd in (0, 1, 2):
        p = vmtest.start([BUSYBOX, "sh", "-c", f'exec "$@" {fd}<&-', "sh",
                          *env.vm.argv([BUSYBOX, "sh", "-c",
                                        "echo out; echo err >&2; cat; "
                                        "exit 3"])],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = p.communicate(timeout=20 * vmtest.SLOW)
        except subprocess.TimeoutExpired:
            vmtest.kill_group(p)
            out, err = p.communicate()
        want_out = b"" if fd == 1 else b"out\n"
        ok = p.returncode == 3 and out == want_out
        if fd == 2:
            ok = ok and err == b""
        env.cases.check(f"descriptor {fd} closed", ok,
                        f"status {p.returncode}\n{len(out)} bytes: {out[:200]!r}\n"
                        f"{err.decode()}")
    with tempfile.TemporaryFile() as f:
        p = vmtest.start(env.vm.argv([BUSYBOX, "seq", "1", "100000"]),
                         stdout=f)
        vmtest.wait_until(lambda: p.poll() is not None, 30)
        f.seek(0)
        want = "".join(f"{i}\n" for i in range(1, 100001)).encode()
        env.cases.check("output to a file", f.read() == want and
                        p.returncode == 0, f"status {p.returncode}")
    r, w = os.pipe()
    p = vmtest.start(env.vm.argv([BUSYBOX, "yes"]), stdout=w,
                     stderr=subprocess.PIPE)
    os.close(w)
    os.read(r, 4096)
    os.close(r)
    vmtest.wait_until(lambda: p.poll() is not None, 20)
    status = p.poll()
    vmtest.kill_group(p)
    env.cases.check("the reader of the output closes its end",
                    status == 128 + signal.SIGPIPE,
                    f"status {status} {p.stderr.read().decode()}")
    p.stderr.close()
    data = os.urandom(3 << 20)
    r = env.vm.run([BUSYBOX, "cat"], stdin=data, timeout=30)
    env.cases.check("3 MiB through standard input and output", r.out == data)
    # A further descriptor of the caller must not reach the guest.
    with open("/etc/passwd", "rb") as f:
        os.set_inheritable(f.fileno(), True)
        fd = f.fileno()
        res = vmtest.run(env.vm.argv([BUSYBOX, "sh", "-c",
                                      f"cat <&{fd}; ls /proc/self/fd"]),
                         pass_fds=[fd], timeout=20)
        env.cases.check("other descriptors are not inherited",
                        b"root:" not in res.out, res.text())


def read_pty(fd, text, seconds):
    got = b""
    end = time.monotonic() + seconds * vmtest.SLOW
    while text not in got and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                piece = os.read(fd, 4096)
            except OSError:
                break
            if not piece:
                break
            got += piece
    return got


def terminal(env):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    p = subprocess.Popen(env.vm.argv([
        BUSYBOX, "sh", "-c", "[ -t 0 ] && echo is-a-tty; stty size; "
        "trap 'echo got INT; exit 9' INT; echo ready; "
        "while :; do sleep 0.05; done"]),
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env=vmtest.STABLE_ENV, cwd="/",
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    got = read_pty(master, b"ready", 20)
    os.write(master, b"\x03")
    got += read_pty(master, b"got INT", 20)
    vmtest.wait_until(lambda: p.poll() is not None, 10)
    status = p.poll()
    vmtest.kill_group(p)
    os.close(master)
    env.cases.check("a terminal, and ^C on it", status == 9 and
                    b"is-a-tty" in got and b"33 77" in got and
                    b"got INT" in got,
                    f"status {status}\n{got.decode(errors='replace')}")


if __name__ == "__main__":
    faultlib.main([statuses, signals, stopped, descriptors, terminal])
