#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""What a guest may do to the host's files that it has been granted, and what
no grant gives: pseudo file systems, set-id bits, owners, the inode of a
device."""

import os
import shutil
import stat
import subprocess
import tempfile

import faultlib
import vmtest

ROOT = os.getuid() == 0


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def below_sys():
    """A pseudo file system that the host has mounted below /sys, if any."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        found = [line.split()[1] for line in f if line.split()[2] in
                 ("cgroup", "cgroup2", "debugfs", "tracefs", "securityfs")]
    return [d for d in found if d.startswith("/sys/")][:1]


def pseudo(env, top):
    """The guest has its own /proc; pseudo file systems of the host are empty
    unless an option names them."""
    for option in (["--rw", "/"], ["--bind", "/:/"]):
        r = env.sh("cat /proc/version; ls /dev/null", option)
        env.cases.check(
            f"{' '.join(option)}: /proc and /dev are the guest's",
            "vmspace" in r.text() and r.text().endswith("/dev/null\n"),
            r.describe())
    if os.path.isdir("/sys/devices/system/cpu"):
        r = env.sh("ls /sys/devices/system/cpu >/dev/null; echo $?; "
                   "f=/sys/kernel/mm/transparent_hugepage/enabled; "
                   "echo x >$f; chmod 777 $f; mkdir /sys/d; echo end",
                   ["--rw", "/"])
        env.cases.check("sysfs can be read, and not changed",
                        r.text() == "0\nend\n" and
                        len(r.errtext().splitlines()) == 3, r.describe())
        r = env.sh("ls -d /sys/devices", ["--bind", "/sys:/sys:ro"])
        env.cases.check("sysfs that an option names",
                        r.text() == "/sys/devices\n", r.describe())
    for where in below_sys():
        r = env.sh(f"ls -A {where}", ["--bind", "/sys:/sys:ro"])
        env.cases.check(f"what is mounted in it is closed: {where}",
                        r.status == 0 and not r.out, r.describe())
    for option in (["--rw", "/proc"], ["--bind", "/proc:/mnt"],
                   ["--root", "/proc"], ["--bind", "/proc/self:/mnt"]):
        r = env.vm.run(["/bin/true"], option)
        env.cases.check(f"{' '.join(option)} is refused",
                        r.status == 125 and "procfs of the host" in
                        r.errtext(), r.describe())


def mounted_procfs(env, top):
    """A procfs below a writable root: with a writable /proc/PID/mem of the
    kernel process a guest would leave the sandbox."""
    root = os.path.join(top, "r")
    for n in ("", "bin", "p", "proc"):
        os.mkdir(os.path.join(root, n))
    shutil.copy(faultlib.BUSYBOX, os.path.join(root, "bin", "busybox"))
    where = os.path.join(root, "p")
    made = ROOT and subprocess.run(["mount", "-t", "proc", "proc", where],
                                   capture_output=True).returncode == 0
    if not made:
        env.cases.skip("a procfs below --rw", "it cannot be mounted here")
        return
    try:
        os.rmdir(os.path.join(root, "proc"))  # nothing of ours covers it
        r = env.vm.run(
            ["/bin/busybox", "sh", "-c",
             "/bin/busybox ls -A /p; echo x > /p/self/mem; "
             "/bin/busybox cat /p/self/maps /p/1/environ; "
             "echo x > /p/sys/kernel/hostname; /bin/busybox mkdir /p/d; "
             "echo done"], ["--root", root, "--rw", "/"])
        env.cases.check("a procfs below --rw is an empty directory",
                        r.status == 0 and r.text() == "done\n" and
                        len(r.errtext().splitlines()) == 5, r.describe())
    finally:
        subprocess.run(["umount", where], check=True)


def set_id(env, top):
    """Another user of the host could run a set-id file with the rights of the
    user that runs vmspace."""
    d = os.path.join(top, "d")
    os.mkdir(d)
    os.chmod(d, 0o755)
    old = os.path.join(d, "old")
    shutil.copy("/bin/true", old)
    os.chmod(old, 0o6755)
    r = env.sh(f"cd {d} && cp /bin/true s && chmod 6755 s && "
               "touch t && chmod u+s,g+s t && echo x >> old && "
               "mkdir -m 6755 e && mkfifo -m 6644 f; echo $?", ["--rw", d])
    env.cases.check("chmod with set-id bits succeeds inside",
                    r.text() == "0\n", r.describe())
    for name, want in (("s", 0o755), ("old", 0o755), ("f", 0o644)):
        got = mode(os.path.join(d, name))
        env.cases.check(f"no set-id bit on the host: {name}", got == want,
                        oct(got))
    env.cases.check("no set-id bit on the host: t and e",
                    mode(os.path.join(d, "t")) & 0o6000 == 0 and
                    mode(os.path.join(d, "e")) & 0o4000 == 0)


def owners(env, top):
    f = os.path.join(top, "owned")
    with open(f, "w", encoding="utf-8"):
        pass
    uid = os.getuid()
    other = uid + 1234
    r = env.sh(f"chown {uid} {f}; echo $?; chown {other} {f}; echo $?",
               ["--rw", top])
    env.cases.check("chown to another owner is refused",
                    r.text().startswith("0\n") and
                    not r.text().endswith("\n0\n") and
                    os.stat(f).st_uid == uid, r.describe())
    if not ROOT:
        env.cases.skip("--allow-chown", "only root can give files away")
        return
    r = env.sh(f"chown {other} {f}; echo $?", ["--allow-chown", "--rw", top])
    env.cases.check("--allow-chown", r.text() == "0\n" and
                    os.stat(f).st_uid == other, r.describe())


def device(env, top):
    f = os.path.join(top, "disk")
    with open(f, "wb") as out:
        out.write(b"a" * 4096)
    os.chmod(f, 0o600)
    os.utime(f, (1, 1))
    r = env.sh("chmod 777 /dev/d; echo $?; chown 1 /dev/d; echo $?; "
               "touch /dev/d; echo $?; "
               "printf bcd | dd of=/dev/d conv=notrunc 2>/dev/null; echo $?",
               ["--device", f"d={f}"])
    with open(f, "rb") as data:
        start = data.read(4)
    env.cases.check("--device grants the bytes, not mode, owner and times",
                    r.text() == "1\n1\n1\n0\n" and mode(f) == 0o600 and
                    start == b"bcda", r.describe() + str(start))


def links(env, top):
    """The rule of Landlock is made for the file that the guest's path names:
    below the root, whatever links say."""
    root = os.path.join(top, "lr")
    for n in ("", "bin", "real", "tmp"):
        os.mkdir(os.path.join(root, n))
    shutil.copy(faultlib.BUSYBOX, os.path.join(root, "bin", "busybox"))
    os.symlink("/real", os.path.join(root, "w"))
    r = env.vm.run(["/bin/busybox", "sh", "-c",
                    "echo x > /w/f && /bin/busybox cat /real/f"],
                   ["--root", root, "--rw", "/w"])
    env.cases.check("--rw through an absolute link below --root",
                    r.text() == "x\n", r.describe())


def arena(env, top):
    """A stub can map any part of the arena, so there is none for devices that
    do not exist."""
    # Of a confined process only root may list the descriptors.
    confine = [] if os.getuid() == 0 else ["--confine=off"]
    p = env.start_sh("echo up; sleep 20", ["--mem", "64M", *confine],
                     stdout=subprocess.PIPE)
    sizes = []
    try:
        p.stdout.readline()
        for fd in os.listdir(f"/proc/{p.pid}/fd"):
            path = f"/proc/{p.pid}/fd/{fd}"
            try:
                if "vmspace-arena" in os.readlink(path):
                    sizes.append(os.stat(path).st_size)
            except FileNotFoundError:
                pass  # closed meanwhile
    finally:
        p.stdout.close()
        vmtest.kill_group(p)
    env.cases.check("the arena has the size of --mem", sizes == [64 << 20],
                    str(sizes))


def environment(env, top):
    """Nothing of the caller's environment but a short list."""
    got = {"HOME": "/h", "LANG": "C", "LC_ALL": "C", "PATH": "/usr/bin:/bin",
           "TERM": "dumb", "TZ": "UTC", "TOKEN": "secret", "HOMEDIR": "x",
           "LD_PRELOAD": "", "SSH_AUTH_SOCK": "/x", "LCX": "1"}
    want = {"HOME", "LANG", "LC_ALL", "PATH", "TERM", "TZ"}

    def names(*options):
        r = vmtest.run([env.vm.path, "run", *options, "--", faultlib.BUSYBOX,
                        "env"], env=got)
        return dict(line.split("=", 1) for line in r.text().splitlines())
    env.cases.check("the environment: a short list", names() ==
                    {n: got[n] for n in want}, str(names()))
    env.cases.check("--env adds and replaces",
                    names("--env", "TOKEN=x", "--env", "HOME=/") ==
                    {**{n: got[n] for n in want}, "TOKEN": "x", "HOME": "/"})
    env.cases.check("--env-host passes all", names("--env-host") == got)


def tasks(env, top):
    """A guest that starts processes without end is refused, others go on."""
    r = env.sh("i=0; while [ $i -lt 60 ]; do sleep 30 & i=$((i+1)); done; "
               "echo all", ["--max-procs", "20", "--stat"])
    env.cases.check("--max-procs", "all" not in r.text() and
                    "refused by a limit: processes " in r.errtext(),
                    r.describe())
    r = env.sh("(while :; do sleep 5 & done) 2>/dev/null & sleep 1; "
               "kill $!; sleep 6; seq 1 3 | tail -1; echo ok",
               ["--max-procs", "40"], timeout=60)
    env.cases.check("after the hostile one has ended, forks work again",
                    r.text() == "3\nok\n", r.describe())
    for option in ("--max-procs", "--max-threads"):
        for bad in ("0", "x", "-1", "9999999"):
            r = env.vm.run(["/bin/true"], [option, bad])
            env.cases.check(f"{option} {bad}", r.status == 2 and
                            "1 to 4194304" in r.errtext(), r.describe())


def main(env):
    # Not below /tmp, which guests have for themselves.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="fault-") as top:
        os.chmod(top, 0o755)
        for test in (pseudo, mounted_procfs, set_id, owners, device, links,
                     arena, environment, tasks):
            if env.opts.only in test.__name__:
                test(env, top)
    env.cases.check_no_process_left(1.0)


if __name__ == "__main__":
    faultlib.main([main])
