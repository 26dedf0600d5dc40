#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Nothing is left behind, no process, no file and no descriptor: after normal
runs, after `kill -9` of the kernel process at random moments, of its helper
process, and of random stubs (which kills that guest process only)."""

import os
import random
import re
import signal
import subprocess
import tempfile
import time

import faultlib
from faultlib import BUSYBOX
import vmtest

BUSY = ("i=0; while :; do (echo $i > /tmp/f$((i%7)); seq 1 300 | sort -r | "
        "head -1 >/dev/null); i=$((i+1)); done")


def sigkill(pid):
    """SIGKILL; the process may have ended already, as stubs do."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def check_finds_orphans(env):
    """The check itself: it finds an orphan until the orphan has ended."""
    p = subprocess.Popen(["/bin/sh", "-c", "sleep 1.5 & exit 0"])
    p.wait()
    seen = vmtest.left_behind(0.2)
    env.cases.check("an orphan is found", len(seen) == 1,
                    vmtest.list_processes(seen))
    env.cases.check("an orphan that has ended is not found",
                    not vmtest.left_behind(5.0))


def orderly(env):
    before = faultlib.host_files()
    for script in ("true", "i=0; while [ $i -lt 50 ]; do (exit 1); "
                   "i=$((i+1)); done", "seq 1 10000 | sort | tail -1; sleep 5 &",
                   "kill -9 $$", "mkfifo /tmp/p; cat /tmp/p & cat /tmp/p &",
                   "(trap '' TERM; while :; do sleep 1; done) & exit 0"):
        r = env.sh(script, timeout=30)
        env.cases.check(f"ends: {script[:30]}", not r.timed_out and
                        b"not freed" not in r.err, r.errtext())
    for name in ("forkwait", "threads", "pipes"):
        path = env.guest(name)
        if not os.path.exists(path):
            env.cases.skip(name, "guest programs are not built")
            continue
        options, path = env.vm.guest_path(path)
        r = env.vm.run([path], options, timeout=120)
        env.cases.check(f"no zone item left: {name}",
                        b"not freed" not in r.err, r.errtext())
    faultlib.check_clean(env, "no process and no file left after normal runs",
                         before)


def killed_kernel(env):
    """kill -9 of the command at a random moment of a busy run."""
    rng = random.Random(env.opts.seed)
    before = faultlib.host_files()
    for _ in range(env.opts.rounds or 15):
        with tempfile.TemporaryFile() as sink:
            p = env.start_sh(BUSY, stdout=sink, stderr=sink)
            time.sleep(rng.random() * 0.6)
            had = len(vmtest.descendants(p.pid))
            p.kill()
            p.wait()
        left = vmtest.left_behind(1.0)
        if left:
            env.cases.fail("kill -9 of the kernel process",
                           f"seed {env.opts.seed}, had {had} processes, left "
                           f"after 1 s:\n{vmtest.list_processes(left)}")
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            vmtest.left_behind(1.0)
            return
    env.cases.ok("kill -9 of the kernel process",
                 f"({env.opts.rounds or 15} times, seed {env.opts.seed})")
    faultlib.check_clean(env, "no file left after kill -9", before)


def family(env):
    """A kernel with a shell and four children, each in a stub of its own."""
    script = ("for n in 1 2 3 4; do (while :; do usleep 3000; done) & "
              "p=\"$p $!\"; done; echo ready; "
              "for j in $p; do wait $j; echo $?; done; echo end; exit 44")
    p = env.start_sh(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert p.stdout.readline() == b"ready\n"
    time.sleep(0.2)
    return p


def killed_stub(env):
    """SIGKILL of random stubs: the parent sees that its guest process was
    ended by SIGKILL; the other processes and the kernel go on."""
    rng = random.Random(env.opts.seed)
    before = faultlib.host_files()
    for _ in range(env.opts.rounds or 5):
        p = family(env)
        out = b""
        # One stub of a random process: a child, the shell, or a spare one.
        # The first process is the zygote, without which no child can fork.
        stubs = sorted(faultlib.stubs_of(p.pid))[1:]
        try:
            os.kill(rng.choice(stubs), signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended already
        time.sleep(0.3)
        alive = p.poll() is None
        if alive:
            p.terminate()
        try:
            out, err = p.communicate(timeout=20 * vmtest.SLOW)
        except subprocess.TimeoutExpired:
            vmtest.kill_group(p)
            out, err = p.communicate()
            env.cases.fail("SIGKILL of a random stub",
                           f"hangs; seed {env.opts.seed}, {len(stubs)} stubs"
                           f"\n{out!r}\n{err.decode()}")
            return
        # The stub was that of the shell (137); otherwise this test ended the
        # shell by SIGTERM (143).
        if p.returncode not in (137, 143):
            env.cases.fail("SIGKILL of a random stub",
                           f"status {p.returncode}; seed {env.opts.seed}\n"
                           f"{out!r}\n{err.decode()}")
            return
    env.cases.ok("SIGKILL of a random stub", f"(seed {env.opts.seed})")
    faultlib.check_clean(env, "no process and no file left after killed stubs",
                         before)


def busy_cpu(pids):
    """The process that uses most CPU time."""
    def ticks(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                words = f.read().rsplit(")", 1)[1].split()
            return int(words[11]) + int(words[12])
        except OSError:
            return 0
    first = {p: ticks(p) for p in pids}
    time.sleep(0.5)
    return max(pids, key=lambda p: ticks(p) - first[p])


def killed_child(env):
    """SIGKILL of the stub of a child that spins."""
    script = ("(while :; do :; done) & p=$!; (sleep 2; exit 6) & q=$!; "
              "echo ready; wait $p; echo $?; wait $q; echo $?; "
              "seq 1 3 | tail -1; exit 44")
    p = env.start_sh(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()
    time.sleep(0.3)
    victim = busy_cpu(list(faultlib.stubs_of(p.pid)))
    sigkill(victim)
    try:
        out, err = p.communicate(timeout=20 * vmtest.SLOW)
    except subprocess.TimeoutExpired:
        vmtest.kill_group(p)
        out, err = p.communicate()
    env.cases.check("a killed stub is status 137, the others go on",
                    out == b"137\n6\n3\n" and p.returncode == 44,
                    f"status {p.returncode}\n{out!r}\n{err.decode()}")


def killed_helper(env):
    """SIGKILL of the process that creates stubs: the kernel goes on or ends;
    it neither hangs nor leaves a process or a file."""
    before = faultlib.host_files()
    p = env.start_sh("echo ready; sleep 0.5; seq 1 10 | tail -1; exit 3",
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()
    direct = [s for s, i in faultlib.stubs_of(p.pid).items() if i[0] == p.pid]
    for pid in direct:
        sigkill(pid)
    try:
        out, err = p.communicate(timeout=20 * vmtest.SLOW)
        env.cases.ok("SIGKILL of the helper process",
                     f"(status {p.returncode})")
    except subprocess.TimeoutExpired:
        vmtest.kill_group(p)
        out, err = p.communicate()
        env.cases.fail("SIGKILL of the helper process", f"hangs\n{out!r}\n"
                       f"{err.decode()}")
    faultlib.check_clean(env, "no process and no file left after the end of "
                         "the helper", before)


def descriptors(env):
    """The descriptors and host mappings of a long run do not increase."""
    # Of a confined process only root may list the descriptors.
    confine = [] if os.getuid() == 0 else ["--confine=off"]
    p = env.start_sh("echo ready; while :; do (echo x > /tmp/f; cat /tmp/f | "
                     "cat > /dev/null); done", confine,
                     stdout=subprocess.PIPE)
    p.stdout.readline()

    def count():
        return len(os.listdir(f"/proc/{p.pid}/fd"))

    def maps():
        with open(f"/proc/{p.pid}/maps", encoding="ascii",
                  errors="replace") as f:
            return len(f.readlines())
    try:
        time.sleep(1.0 * vmtest.SLOW)
        fds, vmas = count(), maps()
        time.sleep(2.0 * vmtest.SLOW)
        fds2, vmas2 = count(), maps()
    finally:
        vmtest.kill_group(p)
        p.stdout.close()
    env.cases.check("descriptors of a long run", fds2 <= fds + 40,
                    f"{fds}, then {fds2}")
    env.cases.check("mappings of a long run", vmas2 <= vmas + 200,
                    f"{vmas}, then {vmas2}")
    vmtest.left_behind(1.0)


def core_files(env):
    """The crash of a guest process leaves no core file on the host."""
    r = env.sh("ulimit -c unlimited; kill -SEGV $$", timeout=20)
    cores = [f for f in os.listdir("/") if re.fullmatch(r"core(\.\d+)?", f)]
    env.cases.check("no core file", r.status == 139 and not cores,
                    f"{r.status} {cores}")


if __name__ == "__main__":
    faultlib.main([check_finds_orphans, orderly, killed_kernel, killed_stub,
                   killed_child, killed_helper, descriptors, core_files])
