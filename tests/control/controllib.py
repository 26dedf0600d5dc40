# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""What the tests of the control socket share: kernels in the background, and
clients that speak the protocol by a raw socket."""

import array
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import vmtest  # noqa: E402

SECONDS = 20 * vmtest.SLOW
MESSAGE_MAX = 131072
CLIENTS_MAX = 64


def base_path():
    """The directory of kernels of this user."""
    if os.geteuid() == 0:
        return "/run/vmspace"
    run = os.environ.get("XDG_RUNTIME_DIR", "")
    if run.startswith("/") and os.path.isdir(run) and \
            os.stat(run).st_uid == os.geteuid():
        return run + "/vmspace"
    return f"/tmp/vmspace-{os.geteuid()}"


class Closed(Exception):
    """The kernel has closed the connection."""


class Client:
    """A connection.  Objects are dicts, data are bytes."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MESSAGE_MAX)
        # The path may be longer than an address has room for.
        fd = os.open(os.path.dirname(path), os.O_PATH)
        try:
            self.s.connect(f"/proc/self/fd/{fd}/{os.path.basename(path)}")
        finally:
            os.close(fd)
        # Not before: connect would not wait for room in the queue.
        self.s.settimeout(SECONDS)
        self.hello = self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def close(self):
        self.s.close()

    def send(self, what, fds=()):
        if isinstance(what, dict):
            what = json.dumps(what).encode()
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array("i", fds))] if fds else []
        try:
            self.s.sendmsg([what], control)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed from e

    def receive(self):
        try:
            got = self.s.recv(MESSAGE_MAX + 1)
        except ConnectionResetError as e:
            raise Closed from e
        if not got:
            raise Closed
        return got[1:] if got[0] == 0 else json.loads(got)

    def call(self, what, fds=()):
        self.send(what, fds)
        return self.receive()

    def op(self, name, fds=(), **members):
        return self.call({"op": name, **members}, fds)


class Kernel:
    """A kernel in the background."""

    def __init__(self, test, name, argv, options=(), **kw):
        self.test = test
        self.name = name
        self.began = test.vmspace("run", "-d", "--name", name,
                                  *vmtest.RUN_OPTIONS, *options, "--", *argv,
                                  **kw)
        if self.began.status != 0:
            raise RuntimeError("cannot start: " + self.began.describe())
        self.dir = os.path.join(base_path(), name)
        self.path = self.dir + "/control.sock"
        with self.client() as c:
            self.pid = c.hello["pid"]

    def client(self):
        return Client(self.path)

    def keeper(self):
        """The process that removes the directory; None: it has ended."""
        for pid, (_, state, comm) in vmtest.processes().items():
            if comm != "vmspace-keeper" or state == "Z":
                continue
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/2") == self.dir:
                    return pid
        return None

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def files(self):
        """What the descriptors of the kernel process are."""
        found = []
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"/proc/{self.pid}/fd/{fd}"))
        return sorted(found)

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def gone(self, seconds=5):
        """Is nothing of it left after a while?"""
        def none():
            vmtest.reap()
            return not os.path.exists(self.dir) and \
                not alive(self.pid)
        return vmtest.wait_until(none, seconds)

    def end(self):
        with contextlib.suppress(OSError, Closed):
            with self.client() as c:
                c.op("resume")
                c.op("kill", signal=9)
        if not self.gone(10):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii",
                  errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Test:
    """The command under test, and the cases."""

    def __init__(self, vmspace, guests, verbose=True):
        self.path = vmspace
        self.guests = guests
        self.cases = vmtest.Cases(verbose)
        self.check = self.cases.check
        self.count = 0

    def vmspace(self, *argv, **kw):
        env = dict(vmtest.STABLE_ENV)
        if "XDG_RUNTIME_DIR" in os.environ:
            env["XDG_RUNTIME_DIR"] = os.environ["XDG_RUNTIME_DIR"]
        env.update(kw.pop("env", {}))
        return run_background([self.path, *argv], env=env, **kw)

    @contextlib.contextmanager
    def kernel(self, argv=("sleep", "1000"), options=(), **kw):
        self.count += 1
        k = Kernel(self, f"t{os.getpid()}-{self.count}", argv, options, **kw)
        try:
            yield k
        finally:
            k.end()

    def equal(self, name, have, want):
        return self.check(name, have == want, f"have {have!r}, want {want!r}")

    def each(self, cases):
        """Run each case; nothing of its kernels may be left."""
        base = base_path()
        for case in cases:
            began = time.monotonic()
            try:
                case(self)
            except Exception as e:  # the other cases go on
                self.cases.fail(case.__name__, f"{type(e).__name__}: {e}")
            left = vmtest.left_behind(3)
            mine = [n for n in (os.listdir(base) if os.path.isdir(base)
                                else []) if n.startswith(f"t{os.getpid()}-")]
            self.check(f"{case.__name__} leaves nothing "
                       f"({time.monotonic() - began:.1f} s)",
                       not left and not mine,
                       f"{vmtest.list_processes(left)} {mine}")


def run_background(argv, timeout=30, stdin=b"", **kw):
    """vmtest.run() for a command that leaves processes: these live on."""
    began = time.monotonic()
    p = vmtest.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE, **kw)
    try:
        out, err = p.communicate(stdin, timeout * vmtest.SLOW)
        late = False
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        late = True
    return vmtest.Result(vmtest.shell_status(p.returncode), out, err, late,
                         time.monotonic() - began)


def main(doc, cases):
    p = vmtest.arguments(doc, "guests")
    p.add_argument("--only", default="", help="cases with this in the name")
    args = p.parse_args()
    vmtest.become_subreaper()
    test = Test(args.vmspace, args.guests)
    test.each([c for c in cases if args.only in c.__name__])
    return test.cases.finish()
