#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The kernel process needs no privilege, and works with what each host permits:
the guest programs pass as root, as root that becomes a user, as an ordinary
user without any capability, on a host without namespaces, without Landlock, and
under a filter like a container's (no ptrace, no io_uring, ...; see confine.c).
In debug builds a system call that the filter of the kernel process lacks ends
it, so that it fails the test."""

import os
import sys

import faultlib
import vmtest

# Programs that run for a short time; longer ones need no other privileges.
GUESTS = ["misc", "execs", "execelf", "files", "filemap", "forkwait",
          "signals", "protsegv", "regs", "pipes", "procfs", "threads",
          "clocks", "mapcalls", "deepstack"]


# About Internet sockets: where there is no network namespace, they are the
# kernel's own.
NETWORK = ["loopback", "inet", "procnet", "bigmsg", "sigio", "peers"]

# Of these, what every setting runs.
FEW = ["misc", "execs", "files", "forkwait", "signals", "procfs", "threads",
       "clocks"]


def names(env, few):
    """A short list; everything with VMSPACE_TEST_LONG."""
    if not os.environ.get("VMSPACE_TEST_LONG"):
        return FEW if few else GUESTS
    return sorted(n for n in os.listdir(env.guests) if os.access(
        env.guest(n), os.X_OK) and os.path.isfile(env.guest(n)))


def natively(env, name, cache={}):
    if name not in cache:
        cache[name] = vmtest.run([env.guest(name)], timeout=120)
    return cache[name]


def guests(env, prefix, label, extra=(), few=True, programs=None):
    for name in programs or names(env, few):
        path = env.guest(name)
        if not os.path.exists(path):
            env.cases.fail(f"{label}: {name}", "is not built")
            continue
        options, path = env.vm.guest_path(path)
        options += ["--env", "GUEST_INSIDE=1", *extra]
        r = vmtest.run(prefix + env.vm.argv([path], options), timeout=120)
        native = natively(env, name)
        env.cases.check(f"{label}: {name}", r.status == 0 and
                        r.out == native.out and not r.err,
                        f"status {r.status}\n" +
                        vmtest.diff(native.text(), r.text(), "native",
                                    "inside") + r.errtext())


def unprivileged(env, prefix):
    r = vmtest.run(prefix + ["cat", "/proc/self/status"], timeout=20)
    caps = [x for x in r.text().splitlines() if x.startswith("CapEff")]
    env.cases.check("the user has no capability",
                    caps and int(caps[0].split()[1], 16) == 0, r.text())
    guests(env, prefix, "ordinary user", few=False)
    # The layers do not depend on namespaces of the user.
    guests(env, [*prefix, env.opts.helper, "-u"], "user without namespaces")
    own_network(env, prefix, "user without namespaces")
    guests(env, [*prefix, env.opts.helper, "-l"], "user without Landlock")


def contained(env, prefix):
    r = vmtest.run([env.opts.helper, "-n"], timeout=20)
    if r.status == 125:
        env.cases.skip("confined", r.errtext().strip())
        return
    if not env.cases.check("the filter refuses", r.status == 0, r.errtext()):
        return
    guests(env, [*prefix, env.opts.helper], "container")
    if os.getuid() == 0:
        # As root in a container: uid 0, but the filter.
        r = vmtest.run([env.opts.helper] + env.vm.argv([
            faultlib.BUSYBOX, "sh", "-c", "id -u; (exit 3); echo $?"]),
                       timeout=20)
        env.cases.check("container as root", r.text() == "0\n3\n",
                        f"{r.text()}{r.errtext()}")


def own_network(env, prefix, label):
    prefix = [*prefix, env.opts.helper, "-u"]
    r = vmtest.run(prefix + env.vm.argv(
        [faultlib.BUSYBOX, "nc", "127.0.0.1", "1"], ["--verbose"]), timeout=20)
    env.cases.check(f"{label}: says that the sockets are its own",
                    "Internet sockets are the kernel's own" in r.errtext(),
                    r.errtext())
    guests(env, prefix, label, programs=NETWORK)


def settings(env):
    if not env.opts.helper:
        env.cases.fail("confined", "no helper given")
        return
    if os.getuid() == 0:
        guests(env, [], "root")
        guests(env, [], "root that becomes a user",
               ["--user", "65534:65534"])
        own_network(env, [], "root without namespaces")
        guests(env, [env.opts.helper, "-u"], "root without namespaces",
               programs=["namespaces", "creds"])
    prefix, _ = faultlib.ordinary_user(env)
    if prefix is None:
        return
    unprivileged(env, prefix)
    contained(env, prefix)


def required(env):
    """--confine=require refuses what is not held, and says what."""
    if not env.opts.helper:
        return
    prefix, _ = faultlib.ordinary_user(env)
    if prefix is None:
        return
    true = env.vm.argv([faultlib.BUSYBOX, "true"], ["--confine=require"])
    r = vmtest.run(prefix + true, timeout=20)
    env.cases.check("required, and held", r.status == 0 and not r.err,
                    r.errtext())
    r = vmtest.run([*prefix, env.opts.helper, "-l", env.opts.helper, "-u",
                    *true], timeout=20)
    env.cases.check(
        "required, with neither Landlock nor namespaces",
        r.status == 125 and "Landlock" in r.errtext() and
        len(r.errtext().splitlines()) == 1, f"{r.status} {r.errtext()}")
    for mode, text in (("auto", "confined: "), ("off", "not confined")):
        r = vmtest.run(prefix + env.vm.argv(
            [faultlib.BUSYBOX, "true"], ["--confine", mode, "--verbose"]),
                       timeout=20)
        env.cases.check(f"--confine={mode} says what holds", r.status == 0 and
                        f"vmspace: {text}" in r.errtext(), r.errtext())
    r = vmtest.run(prefix + env.vm.argv([faultlib.BUSYBOX, "true"],
                                        ["--user", "1"]), timeout=20)
    env.cases.check("--user needs root", r.status == 125 and
                    "--user" in r.errtext(), f"{r.status} {r.errtext()}")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    faultlib.main([settings, required])
