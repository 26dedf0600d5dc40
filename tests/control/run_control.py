#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Control of running kernels: ps, exec, kill, stop, wait, pause, stat, cat,
maps, shrink, swapon, swapoff, by the command and by the protocol.

    run_control.py --vmspace BUILD/vmspace --guests BUILD/tests/guest

Each case ends its kernels, and leaves no directory and no process behind.
"""

import contextlib
import fcntl
import json
import os
import pwd
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

import controllib
import vmtest
from controllib import SECONDS, alive, base_path


def ps(test, *args):
    r = test.vmspace("ps", "--json", *args)
    return json.loads(r.out)


def entry(test, k):
    return next((e for e in ps(test) if e["name"] == k.name), None)


# ---- the directory ----

def names(test):
    with test.kernel(options=["--label", "team=blue", "--label", "n=1"]) as k:
        test.equal("run -d prints the name", k.began.text(), k.name + "\n")
        e = entry(test, k)
        test.equal("labels", e["labels"], {"team": "blue", "n": "1"})
        test.equal("status, processes, command",
                   (e["status"], e["processes"], e["command"], e["pid"]),
                   ("running", 1, "sleep 1000", k.pid))
        text = test.vmspace("ps").text()
        test.check("ps has a line of it", any(
            line.split()[:3] == [k.name, str(k.pid), "running"]
            for line in text.splitlines()), text)
        r = test.vmspace("run", "--name", k.name, "--", "true")
        test.equal("a second kernel of the name: status", r.status, 125)
        test.check("a second kernel of the name: message", k.name in
                   r.errtext() and "running" in r.errtext(), r.errtext())
        test.equal("the first is still reached",
                   test.vmspace("exec", k.name, "--", "true").status, 0)
        p = ps(test, k.name)
        test.equal("processes of it", [(x["pid"], x["command"]) for x in p],
                   [(1, "sleep 1000")])
    for bad in ("", ".", "..", "-x", "_x", "a/b", "a b", "x" * 64, "ä"):
        r = test.vmspace("run", "-d", "--name", bad, "--", "true")
        test.check(f"bad name {bad!r}", r.status in (2, 125) and r.err and
                   b"AddressSanitizer" not in r.err, r.describe())
    for command in ("exec", "stat", "stop", "kill", "pause", "wait"):
        r = test.vmspace(command, "no-such-kernel",
                         *(("--", "true") if command == "exec" else ()))
        test.check(f"{command} of a name that is not there",
                   r.status == 125 and b"no kernel is named" in r.err,
                   r.describe())


def log_file(test):
    with tempfile.TemporaryDirectory() as d:
        log = d + "/log"
        with test.kernel(["sh", "-c", "echo out; echo err >&2; sleep 1000"],
                         ["--log", log]):
            def text():
                with open(log, encoding="ascii") as f:
                    return f.read()
            vmtest.wait_until(lambda: text() == "out\nerr\n", 5)
            test.equal("--log", text(), "out\nerr\n")
    r = test.vmspace("run", "-d", "--", "/no/such/program")
    test.equal("run -d of a missing program", (r.status, r.out), (127, b""))
    r = test.vmspace("run", "-d", "--log", "/no/dir/log", "--", "true")
    test.equal("--log that cannot be opened", r.status, 125)


def few_descriptors(test):
    """A client without descriptors does not take a kernel for a dead one."""
    with test.kernel() as k:
        for n in range(3, 12):
            def limit(n=n):
                vmtest.default_signals()
                resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))
            test.vmspace("ps", preexec_fn=limit)
        test.check("the directory is still there", os.path.exists(k.path))


def killed_hosts(test):
    with test.kernel() as k:
        keeper = k.keeper()
        test.check("a keeper runs", keeper is not None)
        os.kill(k.pid, signal.SIGKILL)
        test.check("the keeper removes the directory of a killed kernel",
                   k.gone())
        test.check("and ends", vmtest.wait_until(
            lambda: vmtest.reap() or not alive(keeper), 5))
    with test.kernel() as k:
        for pid in (k.keeper(), k.pid):
            os.kill(pid, signal.SIGKILL)
        # It stays a zombie: its parent does not wait for it.
        vmtest.wait_until(lambda: not alive(k.pid), 5)
        test.check("without keeper the directory stays",
                   os.path.exists(k.dir))
        test.check("and is listed no more", entry(test, k) is None)
        test.check("and the next ps removes it", not os.path.exists(k.dir))


def another_user(test):
    name = "another user"
    if os.geteuid() != 0:
        test.cases.skip(name, "not root")
        return
    who = pwd.getpwuid(65534)
    program = """
import os, socket, sys
os.setgroups([]); os.setgid(%d); os.setuid(%d)
for way in (lambda: os.listdir(%r), lambda: os.stat(%r),
            lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            .connect(%r)):
    try:
        way()
        print("reached")
    except PermissionError:
        print("refused")
"""
    with test.kernel(options=["--user", "1234:1234"]) as k:
        text = program % (who.pw_gid, who.pw_uid, base_path(), k.dir, k.path)
        out = vmtest.run([sys.executable, "-c", text]).text()
        test.equal(name + " lists and connects", out, "refused\n" * 3)
        r = test.vmspace("exec", k.name, "--", "id", "-u")
        test.equal("--user: controlled by the invoking user",
                   (r.status, r.text()), (0, "1234\n"))
        # With the descriptor of the folder, which a helper may have passed.
        fd = os.open(k.dir, os.O_PATH | os.O_DIRECTORY)
        os.set_inheritable(fd, True)
        passed = f"""
import os, socket
os.setgroups([]); os.setgid({who.pw_gid}); os.setuid({who.pw_uid})
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    s.connect("/proc/self/fd/{fd}/control.sock")
    print(s.recv(1000).decode())
except PermissionError:
    print("EACCES")
"""
        out = vmtest.run([sys.executable, "-c", passed], pass_fds=[fd]).text()
        os.close(fd)
        test.check("not by a descriptor of the folder either",
                   "EACCES" in out and "version" not in out, out)


# ---- exec ----

def exec_plain(test):
    with test.kernel() as k:
        def run(*args, **kw):
            return test.vmspace("exec", *args, **kw)
        test.equal("exit status", run(k.name, "--", "sh", "-c",
                                      "exit 7").status, 7)
        test.equal("signal status", run(k.name, "--", "sh", "-c",
                                        "kill -SEGV $$").status, 139)
        test.equal("127", run(k.name, "--", "/no/such").status, 127)
        test.equal("126", run(k.name, "--", "/etc/passwd").status, 126)
        data = os.urandom(300000)
        r = run("-i", k.name, "--", "cat", stdin=data)
        test.check("standard input", r.out == data, r.describe(300))
        r = run(k.name, "--", "cat", stdin=b"hello")
        test.equal("without -i there is none", (r.status, r.out), (0, b""))
        r = run(k.name, "--", "sh", "-c", "echo a; echo b >&2")
        test.equal("both outputs", (r.out, r.err), (b"a\n", b"b\n"))
        r = run("--user", "12:34", k.name, "--", "sh", "-c", "id -u; id -g")
        test.equal("--user", r.text(), "12\n34\n")
        for bad in ("-1", "1:-1", "4294967296", "1:", "x", "4294967295"):
            test.check(f"--user {bad}", run(
                f"--user={bad}", k.name, "--", "true").status in (2, 125))
        r = run("-e", "PATH_INFO=x", "-e", "HOMES=y", k.name, "--", "sh", "-c",
                "echo $PATH_INFO $PATH $HOMES $HOME", env={"HOME": "/root"})
        test.equal("-e of a name that begins like a default", r.text(),
                   f"x {vmtest.STABLE_ENV['PATH']} y /root\n")
        r = run("-e", "PATH=/bin:/usr/bin", k.name, "--", "sh", "-c",
                "echo $PATH")
        test.equal("-e of a default", r.text(), "/bin:/usr/bin\n")
        test.equal("--cwd", run("-w", "/usr", k.name, "--", "pwd").text(),
                   "/usr\n")
        p = vmtest.start([test.path, "exec", k.name, "--", "sh", "-c",
                          "trap 'exit 9' TERM; echo r; sleep 100 & wait"],
                         stdout=subprocess.PIPE)
        p.stdout.read(2)
        p.terminate()
        test.equal("SIGTERM is passed on", p.wait(SECONDS), 9)
        p.stdout.close()


class Terminal:
    """vmspace exec -it on a terminal of the host."""

    def __init__(self, test, k, *argv, rows=30, columns=90):
        self.master, slave = os.openpty()
        self.size(rows, columns)

        def controlling():
            vmtest.default_signals()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.p = vmtest.start([test.path, "exec", "-it", "-e", "PS1=", k.name,
                               "--", *argv], stdin=slave, stdout=slave,
                              stderr=slave, preexec_fn=controlling)
        os.close(slave)
        self.seen = b""

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        try:
            self.seen += os.read(self.master, 65536)
            return True
        except OSError:
            return False

    def expect(self, what, seconds=10):
        end = time.monotonic() + seconds * vmtest.SLOW
        while what not in self.seen:
            if time.monotonic() > end:
                return False
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready and not self.read():
                return what in self.seen
        self.seen = self.seen.split(what, 1)[1]
        return True

    def type(self, data):
        while data:
            readable, writable, _ = select.select(
                [self.master], [self.master], [], SECONDS)
            if readable:
                self.read()
            if writable:
                data = data[os.write(self.master, data[:1024]):]
            elif not readable:
                raise TimeoutError("the terminal takes no input")

    def end(self):
        """The exit status."""
        end = time.monotonic() + SECONDS
        while self.p.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                self.read()
        vmtest.kill_group(self.p)
        os.close(self.master)
        return vmtest.shell_status(self.p.returncode)


def terminals(test):
    with test.kernel(options=["--mem", "256M"]) as k:
        t = Terminal(test, k, "sh")
        t.type(b"stty size; tty\r")
        test.check("window size", t.expect(b"30 90"), t.seen)
        test.check("a terminal of the guest", t.expect(b"/dev/pts/"), t.seen)
        t.size(40, 100)
        t.type(b"trap 'stty size' WINCH; stty size\r")
        test.check("resize", t.expect(b"40 100"), t.seen)
        t.type(b"sleep 1000; echo st=$?\r")
        time.sleep(0.5)
        t.type(b"\x03")
        t.type(b"echo now=$?\r")
        test.check("Ctrl-C ends the foreground program",
                   t.expect(b"=130"), t.seen)
        t.type(b"set -m; sleep 1000\r")
        time.sleep(0.5)
        t.type(b"\x1a")
        t.type(b"jobs; kill -9 %1; echo job''s=$?\r")
        test.check("job control: Ctrl-Z stops", t.expect(b"topped") and
                   t.expect(b"jobs=0"), t.seen)
        # The shell refuses the first one if it still knows a stopped job.
        t.type(b"exit 5\rexit 5\r")
        test.equal("exit status", t.end(), 5)

        t = Terminal(test, k, "sh", "-c",
                     "head -c 1048576 /dev/zero | tr '\\0' x; echo END")
        test.check("1 MiB of output: the end", t.expect(b"END", 30))
        test.equal("status", t.end(), 0)
        t = Terminal(test, k, "sh", "-c", "stty raw -echo; echo go; "
                     "head -c 262144 | cksum; stty sane")
        t.expect(b"go")
        data = bytes(i * 7 % 251 for i in range(262144))
        want = vmtest.run(["cksum"], stdin=data).out.split()[0]
        t.type(data)
        test.check("256 KiB of input", t.expect(want, 30), t.seen[-300:])
        test.equal("status", t.end(), 0)
        t = Terminal(test, k, "sh", "-c", "kill -SEGV $$")
        test.equal("signal status", t.end(), 139)
        t = Terminal(test, k, "/no/such")
        test.equal("127", t.end(), 127)
        t = Terminal(test, k, "sh", "-c", "trap 'exit 4' TERM; echo go; "
                     "while :; do sleep 0.1; done")
        t.expect(b"go")
        t.p.terminate()
        test.equal("SIGTERM is passed on", t.end(), 4)
        t = Terminal(test, k, "sh", "-c", "echo go; sleep 1000")
        t.expect(b"go")
        t.p.kill()
        t.end()
        test.check("a killed client hangs its program up",
                   vmtest.wait_until(
                       lambda: len(ps(test, k.name)) == 1, 5))


# ---- life ----

def stop_and_wait(test):
    script = "trap '' TERM; echo r >/tmp/r; while :; do sleep 0.1; done"
    with test.kernel(["sh", "-c", script]) as k:
        vmtest.wait_until(lambda: test.vmspace(
            "exec", k.name, "--", "test", "-e", "/tmp/r").status == 0, 5)
        waiters = [vmtest.start([test.path, "wait", k.name],
                                stdout=subprocess.PIPE) for _ in range(4)]
        time.sleep(0.3)
        r = test.vmspace("stop", "-t", "1", k.name)
        test.check("stop of a program that ignores SIGTERM", r.status == 0 and
                   r.seconds >= 1, r.describe())
        test.equal("several waiters get its status",
                   [w.communicate(timeout=SECONDS)[0] for w in waiters],
                   [b"137\n"] * 4)
        test.check("it is gone", k.gone())
    with test.kernel(["sh", "-c", "trap 'exit 3' TERM; echo r >/tmp/r; "
                      "while :; do sleep 0.1; done"]) as k:
        vmtest.wait_until(lambda: test.vmspace(
            "exec", k.name, "--", "test", "-e", "/tmp/r").status == 0, 5)
        w = vmtest.start([test.path, "wait", k.name], stdout=subprocess.PIPE)
        time.sleep(0.3)
        r = test.vmspace("stop", "-t", "2147483", k.name)
        test.equal("stop with a long time", (r.status, r.errtext()), (0, ""))
        test.equal("the status of a handler",
                   w.communicate(timeout=SECONDS)[0], b"3\n")
    # 2,147,484,000 ms do not fit into the argument of poll(2).
    for bad in ("2147484", "99999999999", "-1", "", "1s"):
        r = test.vmspace("stop", f"--time={bad}", "x")
        test.equal(f"stop --time={bad}", r.status, 2)
    with test.kernel() as k:
        test.equal("kill -s 0 is no signal",
                   test.vmspace("kill", "-s", "0", k.name).status, 2)
        test.equal("kill of a process that is not there",
                   test.vmspace("kill", k.name, "99").status, 125)
        test.equal("kill", test.vmspace("kill", k.name, "1").status, 0)
        test.check("the kernel ends", k.gone())


def cpu(pid):
    """Ticks that the process and its children have used."""
    total = 0
    for p in [pid, *vmtest.descendants(pid)]:
        with contextlib.suppress(OSError):
            with open(f"/proc/{p}/stat", encoding="ascii") as f:
                f = f.read().rpartition(")")[2].split()
                total += int(f[11]) + int(f[12])
    return total


def pause(test):
    with test.kernel(["sh", "-c", "while :; do :; done"]) as k:
        test.equal("pause", test.vmspace("pause", k.name).status, 0)
        test.equal("ps says so", entry(test, k)["status"], "paused")
        before = cpu(k.pid)
        time.sleep(0.5)
        used = cpu(k.pid) - before
        test.check("a paused burner uses no CPU", used <= 3, f"{used} ticks")
        test.equal("resume", test.vmspace("resume", k.name).status, 0)
        before = cpu(k.pid)
        test.check("a resumed burner does", vmtest.wait_until(
            lambda: cpu(k.pid) - before > 5, 5))
        test.vmspace("pause", k.name)
        test.equal("kill while paused",
                   test.vmspace("kill", k.name).status, 0)
        test.check("it ends", k.gone())
    with test.kernel() as k:
        test.vmspace("pause", k.name)
        test.equal("stop while paused",
                   test.vmspace("stop", k.name).status, 0)
        test.check("it ends", k.gone())


def pause_storms(test):
    storms = {
        "forks": ["sh", "-c", "i=0; while [ $i -lt 150 ]; do /bin/true || "
                  "exit 1; i=$((i+1)); done; exit 42"],
        "threads": ["sh", "-c", f"for i in 1 2 3; do {test.guests}/threads "
                    ">/tmp/o || exit 1; done; exit 42"],
        "sleeps": ["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 0.1 || "
                   "exit 1; done; exit 42"],
    }
    for name, argv in storms.items():
        options = ["--mem", "256M"]
        with test.kernel(argv, options) as k, k.client() as w:
            w.send({"op": "wait"})
            errors = []
            with k.client() as c:
                for _ in range(50):
                    try:
                        for op in ("pause", "resume"):
                            r = c.op(op)
                            if not r.get("ok"):
                                errors.append(r)
                    except controllib.Closed:
                        break
                    time.sleep(0.002)
            test.check(f"{name}: 50 pauses", not errors, errors)
            w.s.settimeout(60 * vmtest.SLOW)
            test.equal(f"{name}: finish right", w.receive().get("status"),
                       42 << 8)


# ---- looking ----

def looking(test):
    with test.kernel(options=["--mem", "128M"]) as k:
        st = json.loads(test.vmspace("stat", "--json", k.name).out)
        with k.client() as c:
            raw = c.op("stat")["stat"]
        test.equal("stat --json has the fields", sorted(
            set(raw) - set(json.dumps(st).replace('"', " ").split())), [])
        test.equal("memory", raw["mem"], 128 << 20)
        inside = test.vmspace("exec", k.name, "--", "cat", "/proc/1/maps")
        test.check("cat of maps is what the guest sees", inside.out and
                   test.vmspace("cat", k.name, "/proc/1/maps").out == inside.out,
                   inside.describe())
        inside = test.vmspace("exec", k.name, "--", "cat", "/proc/version")
        test.equal("cat of version", test.vmspace("cat", k.name,
                                                  "/proc/version").out, inside.out)
        test.check("maps", b"[stack]" in test.vmspace("maps", k.name,
                                                      "1").out)
        r = test.vmspace("cat", k.name, "/proc/nothing")
        test.equal("cat of a missing file", (r.status, r.out), (125, b""))


def hostile_names(test):
    """A guest can neither hide from ps nor write to its terminal."""
    with test.kernel() as k:
        for name in (b"\xff\xfe\x1b[31mred", b"a\x1b]0;title\x07b\n99 0 S"):
            octal = "".join(f"\\{x:03o}" for x in name)
            test.vmspace("exec", "-d", k.name, "--", "bash", "-c",
                         f"exec -a \"$(printf '{octal}')\" sleep 1000")
        vmtest.wait_until(lambda: len(ps(test, k.name)) == 3, 5)
        test.equal("all are listed", len(ps(test, k.name)), 3)
        out = test.vmspace("ps", k.name).out
        test.check("text without control characters", out.count(b"\n") == 4
                   and all(x == 10 or 32 <= x < 127 for x in out), out)


def stopped_kernel(test):
    """ps does not wait for a kernel process that does not answer."""
    with test.kernel() as k:
        os.kill(k.pid, signal.SIGSTOP)
        r = test.vmspace("ps", "--json", timeout=15)
        os.kill(k.pid, signal.SIGCONT)
        test.check("ps ends", not r.timed_out)
        have = [e["status"] for e in json.loads(r.out or b"[]")
                if e["name"] == k.name]
        test.equal("and says so", have, ["unreachable"])


# ---- memory ----

def memory(test):
    with test.kernel(options=["--mem", "128M"]) as k, \
            tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        test.equal("fill", test.vmspace(
            "exec", k.name, "--", "sh", "-c",
            "head -c 20000000 /dev/urandom >/tmp/x; cksum </tmp/x >/tmp/s"
        ).status, 0)
        areas = []
        for spec in ("lz4:16M", "zstd:16M,pri=5", d + "/swap:64M"):
            r = test.vmspace("swapon", k.name, spec)
            test.check(f"swapon {spec}", r.status == 0, r.describe())
            areas.append(r.text().strip())
        r = test.vmspace("shrink", k.name, "4M")
        test.check("shrink", r.status == 0 and b"MiB" in r.out, r.describe())
        with k.client() as c:
            used = c.op("stat")["stat"]["swap_used"]
        test.check("pages are in swap", used > 4 << 20, used)
        test.equal("contents", test.vmspace(
            "exec", k.name, "--", "sh", "-c",
            "cksum </tmp/x | cmp - /tmp/s").status, 0)
        for area in areas:
            r = test.vmspace("swapoff", k.name, area)
            test.check(f"swapoff {area}", r.status == 0, r.describe())
        test.equal("contents afterwards", test.vmspace(
            "exec", k.name, "--", "sh", "-c",
            "cksum </tmp/x | cmp - /tmp/s").status, 0)
        test.equal("swapoff twice",
                   test.vmspace("swapoff", k.name, areas[0]).status, 125)
        test.equal("swapon of no size",
                   test.vmspace("swapon", k.name, "lz4:x").status, 2)


CASES = [names, log_file, few_descriptors, killed_hosts, another_user,
         exec_plain, terminals, stop_and_wait, pause, pause_storms, looking,
         hostile_names, stopped_kernel, memory]

if __name__ == "__main__":
    sys.exit(controllib.main(__doc__, CASES))
