#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Clients of the control socket that break every rule of the protocol.

    hostile.py --vmspace BUILD/vmspace --guests BUILD/tests/guest

Each bad message is answered with an error or ends the connection, other clients
are served meanwhile, and afterwards the kernel process has the descriptors and
threads that it had before.
"""

import contextlib
import json
import os
import socket
import sys
import time

import controllib
import vmtest
from controllib import CLIENTS_MAX, Closed

# The members of each request, with a right value.
REQUESTS = {
    "info": {}, "stat": {}, "syscalls": {}, "pause": {}, "resume": {},
    "kill": {"pid": 1, "signal": 0},
    "shrink": {"target": 1 << 40},
    "swapon": {"kind": "lz4", "size": 1 << 20, "priority": 0, "name": "x"},
    "swapoff": {"area": 77},
    "list": {"path": "", "from": 0},
    "read": {"path": "version", "offset": 0, "length": 10},
    "spawn": {"argv": ["/bin/true"], "env": [], "cwd": "/",
              "user": {"uid": 0, "gid": 0, "groups": []},
              "terminal": {"rows": 1, "columns": 1}},
    "wait": {"pid": 77},
}
VALUES = [None, True, 1.5, 1e300, -1, -2**31, -2**63, 2**31, 2**32, 2**63 - 1,
          "", "x" * 60000, [], {}, [[]], [1], [None], {"uid": "x"},
          {"rows": -1, "columns": 70000}, {"uid": 2**32, "gid": 0}]


def serves(k):
    with k.client() as c:
        return c.op("info").get("ok") is True


def poke(k, what, fds=()):
    """Send a message.  What came of it: the name of an error, "ok", "closed".
    """
    with k.client() as c:
        try:
            got = c.call(what, fds)
        except Closed:
            return "closed"
        if isinstance(got, bytes):
            return "data"
        return "ok" if got.get("ok") else got.get("error", "no answer")


def same_resources(test, k, name, before):
    now = None

    def equal():
        nonlocal now
        now = (k.fds(), k.threads())
        return now == before
    vmtest.wait_until(equal, 5)
    test.check(f"{name}: descriptors and threads as before", now == before,
               f"have {now}, had {before}; {k.files()}")


def resources(k):
    """Descriptors and threads of an idle server.  The programs of the tests run
    first, because the kernel keeps their files open."""
    env = ["PATH=/usr/bin:/bin"]
    with k.client() as c:
        for argv in (["true"], ["/bin/true"], ["sleep", "0"],
                     ["yes", "--help"]):
            started = c.op("spawn", argv=argv, env=env)
            if "pid" in started:
                c.op("wait", pid=started["pid"])
    last = None
    for _ in range(100):
        now = (k.fds(), k.threads())
        if now == last:
            break
        last = now
        time.sleep(0.05)
    return now


def bad_messages(test):
    big = json.dumps({"op": "info", "x": "y" * 200000}).encode()
    deep = b'{"op":' + b"[" * 10000 + b"]" * 10000 + b"}"
    braces = b'{"x":"' + b"[{\\\"" * 5000 + b'","op":"info"}'
    messages = [
        ("garbage", b"\x01\xff\xfe{{{", "EBADMSG"),
        ("no UTF-8", b'{"op":"\xff\xfe"}', "EBADMSG"),
        ("an empty message", b"", "closed"),
        ("200 KiB", big, "EMSGSIZE"),
        ("depth 10,000", deep, "EBADMSG"),
        ("brackets in a string", braces, "ok"),
        ("depth 8", b'{"op":"info","x":[[[[[[[]]]]]]]}', "ok"),
        ("depth 9", b'{"op":"info","x":[[[[[[[[]]]]]]]]}', "EBADMSG"),
        ("a key twice", b'{"op":"info","op":"stat"}', "EBADMSG"),
        ("NUL in a string", b'{"op":"in\\u0000fo"}', "EBADMSG"),
        ("NUL in a key", b'{"o\\u0000p":"info"}', "EBADMSG"),
        ("an array", b'["info"]', "EBADMSG"),
        ("a number", b"1", "EBADMSG"),
        ("data", b"\0hello", "EBADMSG"),
        ("too much data", b"\0" + b"x" * 65537, "EMSGSIZE"),
        ("a zero", b"\0", "EBADMSG"),
        ("a huge number", b'{"op":"kill","signal":' + b"9" * 400 + b"}",
         "EBADMSG"),
        ("a huge real", b'{"op":"kill","signal":1e999}', "EBADMSG"),
        ("no op", b"{}", "EBADMSG"),
        ("op is no string", b'{"op":7}', "EBADMSG"),
        ("an unknown op", b'{"op":"reboot"}', "EOPNOTSUPP"),
        ("text after the object", b'{"op":"info"}{', "EBADMSG"),
    ]
    with test.kernel() as k:
        before = resources(k)
        for name, what, want in messages:
            test.equal(name, poke(k, what), want)
        with k.client() as c:
            for name, what, want in messages:
                if want != "closed":
                    c.call(what)
            test.check("a connection survives them all", c.op("info")["ok"])
        same_resources(test, k, "messages", before)


def wrong_members(test):
    with test.kernel() as k:
        before = resources(k)
        bad = []
        n = 0
        for op, members in REQUESTS.items():
            for key in list(members) + ["fd", "op"]:
                for value in VALUES:
                    got = poke(k, {"op": op, **members, key: value})
                    n += 1
                    if got not in ("ok", "closed", "data") and \
                            not got.startswith("E"):
                        bad.append((op, key, value, got))
                    if key == "op" and got not in ("EBADMSG", "EOPNOTSUPP"):
                        bad.append((op, key, value, got))
                with k.client() as c:
                    c.op("resume")
            for key in members if op != "wait" else ():
                less = {m: v for m, v in members.items() if m != key}
                poke(k, {"op": op, **less})
        test.check(f"{n} wrong members are answered", not bad, bad[:10])
        for op, key, value in (
                ("spawn", "cwd", 5), ("spawn", "argv", []),
                ("spawn", "argv", [1]), ("spawn", "env", "A=1"),
                ("spawn", "user", 0), ("spawn", "terminal", True),
                ("swapon", "name", 5), ("swapon", "size", -1),
                ("swapon", "size", 0), ("kill", "signal", 65),
                ("kill", "pid", -2**31), ("read", "length", 65537),
                ("read", "offset", -1), ("list", "from", "0"),
                ("wait", "pid", None), ("shrink", "target", "all")):
            test.equal(f"{op}: {key} {value!r}",
                       poke(k, {"op": op, **REQUESTS[op], key: value}),
                       "EINVAL")
        with k.client() as c:
            c.op("resume")
        vmtest.wait_until(lambda: resources(k) == before, 3)
        test.check("it serves afterwards", serves(k))


def odd_descriptors(test, k):
    """Swap and programs with descriptors that are of no use to them."""
    null = os.open("/dev/null", os.O_RDWR)
    r, w = os.pipe()
    os.close(w)
    folder = os.open("/", os.O_RDONLY)
    memfd = os.memfd_create("x")
    own = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    own.connect(k.path)
    kinds = {"a pipe without writers": r, "/dev/null": null,
             "a folder": folder, "an empty memfd": memfd,
             "the control socket": own.fileno()}
    for name, fd in kinds.items():
        want = "ok" if fd == memfd else "EINVAL"
        test.equal(f"swapon of {name}", poke(
            k, {"op": "swapon", "kind": "file", "size": 1 << 20}, [fd]), want)
        with k.client() as c:
            got = c.op("spawn", argv=["/bin/true"], env=[], fds=[fd] * 3)
            status = c.op("wait", pid=got["pid"]) if "pid" in got else got
            test.check(f"spawn with {name}",
                       status.get("status") == 0 or "error" in got, status)
    test.equal("a file area without a descriptor",
               poke(k, {"op": "swapon", "kind": "file", "size": 4096}),
               "EINVAL")
    with k.client() as c:
        test.check("swapoff", c.op("swapoff", area=1).get("ok"))
    own.close()
    for fd in (r, null, folder, memfd):
        os.close(fd)


def descriptors(test):
    with test.kernel() as k:
        # The kernel keeps files of the host that it knows.
        odd_descriptors(test, k)
        before = resources(k)
        null = os.open("/dev/null", os.O_RDWR)
        test.equal("16 descriptors", poke(k, {"op": "info"}, [null] * 16),
                   "ok")
        test.equal("17 descriptors", poke(k, {"op": "info"}, [null] * 17),
                   "EMSGSIZE")
        test.equal("253 descriptors", poke(k, {"op": "info"}, [null] * 253),
                   "EMSGSIZE")
        test.equal("descriptors with data", poke(k, b"\0x", [null] * 16),
                   "EBADMSG")
        os.close(null)
        odd_descriptors(test, k)
        same_resources(test, k, "descriptors", before)


def disconnects(test):
    """Each step of each request is the last one of a client."""
    with test.kernel(options=["--mem", "256M"]) as k:
        before = resources(k)
        pidless = {"op": "spawn", "argv": ["sleep", "1000"],
                   "env": ["PATH=/usr/bin:/bin"],
                   "terminal": {"rows": 2, "columns": 2}}
        for _ in range(5):
            for op, members in REQUESTS.items():
                if op == "swapon":
                    continue
                with k.client() as c:
                    c.send({"op": op, **members})
            with k.client() as c:
                c.send({"op": "write", "path": "1/comm", "offset": 0,
                        "length": 3})
            with k.client() as c:
                c.send(pidless)
            with k.client() as c:
                c.call(pidless)
            with k.client() as c:
                c.call(pidless)
                c.send(b"\0typed")
            with k.client() as c:
                c.call(pidless)
                c.send({"op": "what"})
                with contextlib.suppress(Closed):
                    while True:
                        c.receive()
        with k.client() as c:
            c.op("resume")

            def hung_up():
                return [e[0] for e in c.op("list", path="")["entries"]
                        if e[0].isdigit()] == ["1"]
            test.check("programs on terminals were hung up",
                       vmtest.wait_until(hung_up, 10),
                       c.op("list", path=""))
        same_resources(test, k, "disconnects", before)
        test.check("it serves afterwards", serves(k))


def never_reads(test):
    """Clients that do not read stop themselves only."""
    with test.kernel(options=["--mem", "256M"]) as k:
        before = resources(k)
        silent = []
        for what in ({"op": "read", "path": "1/maps", "offset": 0,
                      "length": 65536}, {"op": "list", "path": ""},
                     {"op": "syscalls"}):
            c = k.client()
            c.s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(5000):
                    c.send(what)
            silent.append(c)
        c = k.client()
        c.call({"op": "spawn", "argv": ["yes"], "env": ["PATH=/bin:/usr/bin"],
                "terminal": {"rows": 24, "columns": 80}})
        silent.append(c)
        worst = 0
        with k.client() as c:
            for _ in range(50):
                began = time.monotonic()
                c.op("info")
                worst = max(worst, time.monotonic() - began)
        test.check("another client is answered within a second",
                   worst < 1 * vmtest.SLOW, f"{worst * 1000:.1f} ms")
        for c in silent:
            c.close()
        same_resources(test, k, "silent clients", before)


def ends_with_silent_client(test):
    """A client that does not read does not keep the kernel from its end."""
    with test.kernel(["sh", "-c", "read x < /dev/tty; sleep 1000"]) as k:
        c = k.client()
        c.s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(5000):
                c.send({"op": "syscalls"})
        d = k.client()
        d.call({"op": "spawn", "argv": ["yes"], "env": ["PATH=/bin:/usr/bin"],
                "terminal": {"rows": 24, "columns": 80}})
        with k.client() as e:
            e.op("kill", signal=9)
        test.check("the kernel ends", k.gone(10))
        c.close()
        d.close()


def types_into_the_end(test):
    """What a client types when its program ends does not cost it the end."""
    with test.kernel(["sh", "-c", "read x < /dev/tty; sleep 1000"]) as k:
        before = resources(k)
        for _ in range(20):
            with k.client() as c:
                c.call({"op": "spawn", "argv": ["sh", "-c", "exit 3"],
                        "env": ["PATH=/bin:/usr/bin"],
                        "terminal": {"rows": 24, "columns": 80}})
                got = None
                try:
                    for _ in range(200):
                        c.send(b"\0typed\n")
                        c.send({"op": "resize", "rows": 1, "columns": 2})
                    while not isinstance(got, dict):
                        got = c.receive()
                except Closed:
                    got = "closed"
                if got != {"event": "exit", "status": 3 << 8}:
                    break
                c.s.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    got = c.receive()
                    break
        test.check("the end arrives", got == {"event": "exit",
                                              "status": 3 << 8}, repr(got))
        same_resources(test, k, "ended sessions", before)


def many_clients(test):
    with test.kernel() as k:
        before = resources(k)
        clients = [k.client() for _ in range(70)]
        refused = [c for c in clients if c.hello.get("error") == "EUSERS"]
        served = [c for c in clients if "name" in c.hello]
        test.equal("70 clients: refused", len(refused), 70 - CLIENTS_MAX)
        test.check("70 clients: served", len(served) == CLIENTS_MAX and
                   all(c.op("info")["ok"] for c in served))
        for c in clients:
            c.close()
        same_resources(test, k, "70 clients", before)
        for _ in range(1000):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.connect(k.path)
            s.close()
        test.check("usable after 1,000 connections",
                   vmtest.wait_until(lambda: "name" in hello(k), 5))
        same_resources(test, k, "1,000 connections", before)


def hello(k):
    with k.client() as c:
        return c.hello


CASES = [bad_messages, wrong_members, descriptors, disconnects, never_reads,
         ends_with_silent_client, types_into_the_end, many_clients]

if __name__ == "__main__":
    sys.exit(controllib.main(__doc__, CASES))
