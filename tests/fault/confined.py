#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The kernel process needs no privilege: the guest programs pass as an
ordinary user without any capability, under a filter like a container's (no
ptrace, no io_uring, ...; see confine.c), and under both."""

import atexit
import os
import pwd
import shutil
import sys
import tempfile

import faultlib
import vmtest

USER = "nobody"
# Programs that run for a short time; longer ones need no other privileges.
GUESTS = ["misc", "execs", "execelf", "files", "filemap", "forkwait",
          "signals", "protsegv", "regs", "pipes", "procfs", "threads",
          "clocks", "mapcalls", "deepstack", "cow64"]


def guests(env, prefix, label):
    for name in GUESTS:
        path = env.guest(name)
        if not os.path.exists(path):
            env.cases.fail(f"{label}: {name}", "is not built")
            continue
        options, path = env.vm.guest_path(path)
        options += ["--env", "GUEST_INSIDE=1"]
        r = vmtest.run(prefix + env.vm.argv([path], options), timeout=120)
        native = vmtest.run([env.guest(name)], timeout=120)
        env.cases.check(f"{label}: {name}", r.status == 0 and
                        r.out == native.out and not r.err,
                        f"status {r.status}\n" +
                        vmtest.diff(native.text(), r.text(), "native",
                                    "inside") + r.errtext())


def user_prefix():
    """(command words that run the rest as an ordinary user, None); or (None,
    the reason why there are none)."""
    if os.getuid() != 0:
        return [], None
    if shutil.which("setpriv") is None:
        return None, "setpriv is missing"
    try:
        pw = pwd.getpwnam(USER)
    except KeyError:
        return None, f"no user {USER}"
    return ["setpriv", f"--reuid={pw.pw_uid}", f"--regid={pw.pw_gid}",
            "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
            "--no-new-privs", "--"], None


def reachable(env, prefix):
    """May the user execute the command, in the directories of the build?"""
    # Through a shell, because setpriv finds its program with root's rights.
    r = vmtest.run(prefix + ["sh", "-c", 'exec "$0" --version', env.vm.path],
                   timeout=20)
    return r.status == 0


def make_reachable(env, prefix):
    """Copies for the user, where the build is in a private directory."""
    if prefix is None or reachable(env, prefix):
        return
    top = tempfile.mkdtemp(prefix="fault-confined-", dir="/var/tmp")
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    os.chmod(top, 0o755)
    env.vm.path = shutil.copy(env.vm.path, top)
    if env.opts.helper:
        env.opts.helper = shutil.copy(env.opts.helper, top)
    for name in GUESTS:
        if os.path.exists(env.guest(name)):
            shutil.copy(env.guest(name), top)
    env.guests = top


def unprivileged(env):
    prefix, why = user_prefix()
    if prefix is None:
        env.cases.missing("ordinary user", why)
        return
    make_reachable(env, prefix)
    if not reachable(env, prefix):
        env.cases.skip("ordinary user",
                       f"{USER} cannot reach {env.vm.path}")
        return
    r = vmtest.run(prefix + ["cat", "/proc/self/status"], timeout=20)
    caps = [x for x in r.text().splitlines() if x.startswith("CapEff")]
    env.cases.check("the user has no capability",
                    caps and int(caps[0].split()[1], 16) == 0, r.text())
    guests(env, prefix, "ordinary user")


def contained(env):
    helper = env.opts.helper
    if not helper:
        env.cases.fail("confined", "no helper given")
        return
    r = vmtest.run([helper, "-n"], timeout=20)
    if r.status == 125:
        env.cases.skip("confined", r.errtext().strip())
        return
    if not env.cases.check("the filter refuses", r.status == 0, r.errtext()):
        return
    prefix, why = user_prefix()
    make_reachable(env, prefix)
    helper = env.opts.helper
    if prefix is None or not reachable(env, prefix):
        prefix = []
    guests(env, prefix + [helper], "confined" +
           (" ordinary user" if prefix else ""))
    if prefix:
        # As root in a container: uid 0, but the filter.
        r = vmtest.run([helper] + env.vm.argv([faultlib.BUSYBOX, "sh", "-c",
                                               "id -u; (exit 3); echo $?"]),
                       timeout=20)
        env.cases.check("confined root", r.text() == "0\n3\n",
                        f"{r.text()}{r.errtext()}")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    faultlib.main([unprivileged, contained])
