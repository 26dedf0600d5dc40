#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""What an attacker reaches who executes code in the kernel process: nothing
but the grants.  The probe of debug builds (src/confine/confine_probe.c) makes
the attempts, as root and as an ordinary user; without confinement it must
succeed, or it would show nothing."""

import os
import shutil
import socket
import subprocess
import tempfile

import faultlib
import vmtest

# Landlock does not restrict it, and a user without a mount namespace has no
# other layer for it (CAVEATS.md).
NOT_HELD_FOR_USERS = {"connect to a socket by path"}
ONLY_LANDLOCK = {
    "signal a process of the user", "kill a process of the user"}
MINIMUM = 44  # attempts
# What must succeed for an ordinary user without confinement.
PLANTED = {
    "read a file outside", "create a file outside", "write a file outside",
    "list a directory outside", "open its own memory",
    "read the host's procfs", "make a set-uid file by chmod",
    "make a set-uid file by open", "make a set-uid file by mknod",
    "signal a process of the user", "kill a process of the user",
    "execute a program of the host", "connect by TCP", "send by UDP",
    "make a netlink socket", "connect to an abstract socket",
    "connect to a socket by path", "change the directory",
    "map executable memory", "make memory executable"}


class Targets:
    """Files, a process and listeners of a user, for one run of the probe."""

    def __init__(self, prefix, uid):
        self.top = tempfile.mkdtemp(prefix="fault-attack-", dir="/var/tmp")
        os.chmod(self.top, 0o755)
        for name in ("grant", "outside", "root", "root/mnt", "root/proc",
                     "root/dev", "root/tmp"):
            os.mkdir(self.path(name))
        with open(self.path("secret"), "w", encoding="utf-8") as f:
            f.write("a secret of the user\n")
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix, self.abstract = socket.socket(socket.AF_UNIX), \
            socket.socket(socket.AF_UNIX)
        self.unix.bind(self.path("outside/socket"))
        self.abstract.bind("\0" + self.path("outside/socket"))
        self.unix.listen()
        self.abstract.listen()
        for name in ("", "grant", "outside", "secret", "outside/socket"):
            os.chown(self.path(name), uid, uid)
        self.victim = subprocess.Popen(prefix + ["sleep", "100"])

    def path(self, name):
        return os.path.join(self.top, name)

    def argument(self):
        return ",".join([
            self.path("grant"), self.path("outside"), self.path("secret"),
            str(self.victim.pid), str(self.tcp.getsockname()[1]),
            self.path("outside/socket")])

    def close(self):
        self.victim.kill()
        self.victim.wait()
        for s in (self.tcp, self.unix, self.abstract):
            s.close()
        shutil.rmtree(self.top, ignore_errors=True)


def probe(env, prefix, uid, options):
    """({attempt: outcome}, the result) of a run."""
    t = Targets(prefix, uid)
    try:
        r = vmtest.run(prefix + env.vm.argv(["/none"], [
            *options, "--root", t.path("root"),
            "--bind", t.path("grant") + ":/mnt",
            "--confine-probe", t.argument()]), timeout=60)
        alive = t.victim.poll() is None
        left = [n for n in os.listdir(t.path("grant")) if os.lstat(
            t.path("grant/" + n)).st_mode & 0o6000]
    finally:
        t.close()
    found = dict(x.split(": ", 1) for x in r.text().splitlines() if ": " in x)
    return found, r, alive, left


def held(env, label, prefix, uid, known, options=()):
    found, r, alive, left = probe(env, prefix, uid,
                                  ["--confine=require", *options])
    if "--confine-probe" in r.errtext():
        env.cases.skip(label, "not a debug build")
        return
    if "-l" in prefix and "neither Landlock nor user" in r.errtext():
        env.cases.skip(label, "the host permits no user namespaces")
        return
    bad = [f"{k}: {v}" for k, v in found.items()
           if not v.startswith("held (") and k not in known
           and k != "write below the grant"]
    env.cases.check(
        label, not bad and found.get("write below the grant") == "works"
        and len(found) >= MINIMUM and not left
        and (alive or "kill a process of the user" in known),
        "\n".join(bad) + f"\n{len(found)} attempts, status {r.status}, "
        f"victim alive: {alive}, set-id files: {left}\n" + r.text() +
        r.errtext())
    print(f"     {label}: {len(found) - 1} attempts, "
          f"{sum(v.startswith('held') for v in found.values())} refused")


def user(env):
    prefix, uid = faultlib.ordinary_user(env)
    if prefix is None:
        return
    held(env, "an ordinary user", prefix, uid, NOT_HELD_FOR_USERS)
    if env.opts.helper:
        # Without Landlock: a root of the grants in a user namespace.
        # Signals and abstract sockets are held by Landlock alone.
        held(env, "an ordinary user without Landlock",
             [*prefix, env.opts.helper, "-l"], uid, ONLY_LANDLOCK)
    found, r, _, _ = probe(env, prefix, uid, ["--confine=off"])
    missed = sorted(k for k in PLANTED if found.get(k) != "SUCCEEDED")
    env.cases.check("without confinement the attempts succeed", not missed,
                    "\n".join(f"{k}: {found.get(k)}" for k in missed) +
                    r.errtext())


def zygote(env):
    """A zygote that was killed is not replaced, because the kernel process
    executes nothing: the guest that runs goes on, and its forks fail."""
    p = env.start_sh("echo ready; read x; while (exit 0); do :; done",
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE)
    err = b""
    try:
        ready = p.stdout.readline()
        os.kill(sorted(faultlib.stubs_of(p.pid))[0], 9)
        while b"no other one can be started" not in err.replace(b"\n", b" "):
            line = p.stderr.readline()
            if not line:
                break
            err += line
        alive = p.poll() is None
        _, rest = p.communicate(b"go\n", timeout=60)
    finally:
        vmtest.kill_group(p)
    env.cases.check("a killed zygote is not replaced", ready == b"ready\n" and
                    b"no other one" in err and alive and p.returncode == 2 and
                    b"fork" in rest, f"{err} {rest} {p.returncode}")


def rights(env):
    """What the host says of the processes of a run: no capabilities in any
    set, no new privileges, a filter on each thread, no core files."""
    p = env.start_sh("echo ready; read x", stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    want = {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0,
            "NoNewPrivs": 1, "Seccomp": 2}
    bad = []
    try:
        p.stdout.readline()
        pids = [p.pid, *faultlib.stubs_of(p.pid)]
        threads = [f"/proc/{pid}/task/{tid}" for pid in pids
                   for tid in os.listdir(f"/proc/{pid}/task")]
        for where in threads:
            with open(where + "/status", encoding="utf-8") as f:
                have = dict(x.split(":", 1) for x in f)
            bad += [f"{where} {k}:{have[k].strip()}" for k, v in want.items()
                    if int(have[k], 16) != v
                    and (k != "CapBnd" or os.getuid() == 0)]
            with open(where + "/limits", encoding="utf-8") as f:
                core = next(x for x in f if x.startswith("Max core"))
            if core.split()[4:6] != ["0", "0"]:
                bad.append(f"{where} {core}")
    finally:
        p.communicate(b"go\n", timeout=60)
    env.cases.check("rights of each thread and stub", not bad and
                    len(threads) > 4, "\n".join(bad))


def root(env):
    if os.getuid() != 0:
        env.cases.skip("root", "needs root")
        return
    held(env, "root", [], 0, set())
    held(env, "root that becomes a user", [], 65534, set(),
         ["--user", "65534:65534"])


if __name__ == "__main__":
    faultlib.main([root, user, zygote, rights])
