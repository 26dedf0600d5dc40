#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Denial by default: nothing is written outside what was granted (EROFS), no
path leads out of the root, there is no network without --net host, a guest
reaches no socket of the host, and the host reaches no socket of a guest."""

import os
import shutil
import socket
import tempfile
import threading
import time

import faultlib
import vmtest

SECRET = "the text that no guest may see"


def lines(r):
    """[(what, outcome)] of what denied.c has printed."""
    return [tuple(x.rsplit(": ", 1)) for x in r.text().splitlines()
            if ": " in x]


def check_outcomes(env, name, r, allowed, minimum):
    """The outcome of every line must be one of `allowed`."""
    bad = [f"{w}: {o}" for w, o in lines(r) if o not in allowed]
    ok = (r.status == 0 and not bad and not r.err
          and len(lines(r)) >= minimum)
    env.cases.check(name, ok, "\n".join(bad) + f"\nstatus {r.status}\n"
                    + r.text()[-1500:] + r.errtext())


def snapshot(top):
    """Everything below top: names, kinds, contents, times."""
    found = {}
    for base, dirs, files in os.walk(top):
        for n in dirs + files:
            path = os.path.join(base, n)
            st = os.lstat(path)
            text = b""
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as f:
                    text = f.read()
            found[os.path.relpath(path, top)] = (
                st.st_mode, st.st_uid, st.st_mtime_ns, st.st_nlink, text)
    return found


def inside(env, what, *args, options=(), timeout=60):
    opts, path = env.vm.guest_path(env.guest("denied"))
    return env.vm.run([path, what, *args], [*opts, *options],
                      timeout=timeout)


def make_victim(d):
    os.mkdir(os.path.join(d, "d"))
    with open(os.path.join(d, "f"), "w") as f:
        f.write("contents")
    os.symlink("f", os.path.join(d, "l"))


def writes(env, top):
    """A directory that is only readable: as part of the root, bound
    read-only, and next to a writable one."""
    granted = os.path.join(top, "granted")
    there = tempfile.mkdtemp(dir=os.path.dirname(top), prefix="fault-")
    places = {"root": [], "bind": ["--bind", f"{top}:{there}:ro"],
              "beside": ["--rw", granted]}
    os.mkdir(granted)
    make_victim(top)
    before = snapshot(top)
    for name, options in places.items():
        where = there if name == "bind" else top
        r = inside(env, "writes", where, options=options)
        # Between file systems Linux returns EXDEV before it checks rights;
        # O_TMPFILE is not supported.
        check_outcomes(env, f"writes: {name}", r,
              {"EROFS", "refused", "EXDEV", "EOPNOTSUPP"}, 30)
        env.cases.check(f"writes: {name} changed nothing",
                        snapshot(top) == before)
    os.rmdir(there)


def make_root(env, top):
    """TOP/secret is outside, TOP/r is the root, TOP/r/w becomes writable."""
    root = os.path.join(top, "r")
    for n in ("", "w", "proc", "dev", "tmp", "bin"):
        os.mkdir(os.path.join(root, n))
    shutil.copy(env.guest("denied"), os.path.join(root, "bin", "denied"))
    outside = os.path.join(top, "secret")
    with open(outside, "w") as f:
        f.write(SECRET)
    os.symlink("../secret", os.path.join(root, "rel"))
    os.symlink(outside, os.path.join(root, "abs"))
    return root, outside


def rooted(env, root, what, *args):
    return env.vm.run(["/bin/denied", what, *args],
                      ["--root", root, "--rw", "/w"], timeout=60)


def ways_out(env, top):
    root, outside = make_root(env, top)
    r = rooted(env, root, "tricks", SECRET, outside)
    check_outcomes(env, "ways out of the root", r, {"safe", "EPERM"}, 80)
    shutil.rmtree(os.path.join(root, "w"))
    os.mkdir(os.path.join(root, "w"))
    r = rooted(env, root, "race", SECRET, "3")
    check_outcomes(env, "a second thread moves directories", r, {"safe"}, 1)


class Swapper(threading.Thread):
    """TOP/r/w/h is by turns a directory and a link to TOP."""

    def __init__(self, top):
        super().__init__()
        self.h = os.path.join(top, "r", "w", "h")
        self.top = top
        self.done = threading.Event()
        self.swaps = 0
        os.mkdir(self.h)
        with open(os.path.join(self.h, "inside"), "w") as f:
            f.write("inside")

    def run(self):
        while not self.done.is_set():
            os.rename(self.h, self.h + ".dir")
            os.symlink(self.top, self.h)
            os.unlink(self.h)
            os.rename(self.h + ".dir", self.h)
            self.swaps += 1
            if self.swaps % 8 == 0:
                time.sleep(0.0005)


def outside_race(env, top):
    root = os.path.join(top, "r")
    s = Swapper(top)
    s.start()
    try:
        r = rooted(env, root, "outside", SECRET, "3")
    finally:
        s.done.set()
        s.join()
    check_outcomes(env, "a host process replaces a directory by a link", r,
                   {"safe"}, 1)
    env.cases.check("nothing was created outside",
                    sorted(os.listdir(top)) == ["r", "secret"] and
                    s.swaps > 100, f"{os.listdir(top)}, {s.swaps} swaps")


def listener(kind, address):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(address)
    if kind == socket.SOCK_STREAM:
        s.listen(4)
    return s


def sockets(env, top):
    path = os.path.join(top, "outside.sock")
    name = "@vmspace-test-%d" % os.getpid()
    tcp = socket.create_server(("127.0.0.1", 0))
    socks = [listener(socket.SOCK_STREAM, path),
             listener(socket.SOCK_STREAM, "\0" + name[1:])]
    refused = {"EACCES", "EAFNOSUPPORT", "ECONNREFUSED", "EPERM",
               "errno 93"}  # EPROTONOSUPPORT
    inet = {"inet stream", "inet datagram", "inet6 stream", "netlink"}
    opts, prog = env.vm.guest_path(env.guest("denied"))

    def attempts(net):
        """({what: outcome}, the result)"""
        r = env.vm.run([prog, "sockets", path, name,
                        str(tcp.getsockname()[1])],
                       [*opts, "--net", net, "--verbose"], timeout=60)
        return dict(lines(r)), r

    got, r = attempts("none")
    env.cases.check("no sockets with --net none",
                    r.status == 0 and len(got) == 13 and
                    set(got.values()) <= refused and "--net host" in r.errtext(),
                    r.text() + r.errtext())
    got, r = attempts("loopback")
    done = {w for w, o in got.items() if o == "done"}
    if got.get("inet stream") == "EACCES" and \
            "permits no network namespace" in r.errtext():
        env.cases.skip("--net loopback", "the host permits no namespace")
    else:
        env.cases.check("with --net loopback, no socket of the host",
                        r.status == 0 and done <= inet and
                        {"inet stream", "netlink"} <= done and
                        got["port outside"] == "ECONNREFUSED" and
                        {o for w, o in got.items() if w not in done} <= refused,
                        r.text() + r.errtext())
    got, r = attempts("host")
    done = {w for w, o in got.items() if o == "done"}
    env.cases.check("with --net host, only Internet and routing sockets",
                    r.status == 0 and done <= inet | {"port outside"} and
                    {"inet stream", "port outside"} <= done,
                    r.text() + r.errtext())
    tcp.close()
    for s in socks:
        s.setblocking(False)
        try:
            s.accept()
            env.cases.fail("no guest connected to a host socket",
                           "a connection")
        except BlockingIOError:
            env.cases.ok("no guest connected to a host socket")
        s.close()


def host_names():
    """Abstract names of UNIX sockets on this host, as bytes."""
    names = set()
    with open("/proc/net/unix", "rb") as f:
        for line in f.read().split(b"\n")[1:]:
            words = line.split(b" ", 7)
            if len(words) == 8 and words[7].strip().startswith(b"@"):
                names.add(words[7].strip())
    return names


def forge(guest_name):
    """Try to reach the socket of this name at the host.  /proc shows zeros
    as @, so both are tried."""
    hits = 0
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for zero in (b"\0", b"@"):
            address = b"\0" + guest_name[1:].replace(b"@", zero)
            s = socket.socket(socket.AF_UNIX, kind)
            s.settimeout(1)
            try:
                s.connect(address)
                s.send(b"from the host")
                hits += 1
            except OSError:
                pass
            s.close()
    return hits


def host_connects(env):
    """Processes of the host connect to the guest's sockets."""
    before = host_names()
    opts, prog = env.vm.guest_path(env.guest("denied"))
    p = vmtest.start(env.vm.argv([prog, "listen", "/tmp/served"], opts),
                     stdout=-1, stderr=-1)
    first = p.stdout.readline()
    hits = sum(forge(n) for n in host_names() - before)
    try:
        out, err = p.communicate(timeout=30)
    except Exception:
        vmtest.kill_group(p)
        raise
    env.cases.check("data of host processes is not received",
                    first == b"listening\n" and
                    p.returncode == 0 and not err and
                    out == b"datagram: ours\nconnection: ours\n",
                    f"{first!r} {out!r} {err!r}")
    # On newer hosts Landlock refuses these connections.
    print(f"     (reached the host's socket {hits} times)")


def rooted_cases(env):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="fault-") as top:
        ways_out(env, top)
        shutil.rmtree(os.path.join(top, "r", "w"))
        os.mkdir(os.path.join(top, "r", "w"))
        outside_race(env, top)


def in_directory(fn):
    def run(env):
        with tempfile.TemporaryDirectory(dir="/var/tmp",
                                         prefix="fault-") as top:
            fn(env, top)
    return run


if __name__ == "__main__":
    faultlib.main([in_directory(writes), rooted_cases, in_directory(sockets),
                   host_connects])
