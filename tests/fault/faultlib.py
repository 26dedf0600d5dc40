# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Common code of the fault tests: the command under test, the guest programs,
and the check of what a run has left on the host."""

import atexit
import os
import pwd
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import vmtest  # noqa: E402

BUSYBOX = shutil.which("busybox") or "/bin/busybox"


USER = "nobody"


class Env:
    def __init__(self, vm, guests, opts):
        self.vm = vm
        self.guests = guests
        self.opts = opts
        self.cases = vmtest.Cases()

    def guest(self, name):
        return os.path.join(self.guests, name)

    def sh(self, script, options=(), **kw):
        """Run a script in busybox sh, inside."""
        return self.vm.run([BUSYBOX, "sh", "-c", script], options, **kw)

    def start_sh(self, script, options=(), **kw):
        return vmtest.start(self.vm.argv([BUSYBOX, "sh", "-c", script],
                                         options), **kw)


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
    for name in os.listdir(env.guests):
        if os.path.isfile(env.guest(name)):
            shutil.copy(env.guest(name), top)
    env.guests = top


def ordinary_user(env):
    """(command words that run the rest as an ordinary user, his uid), or
    (None, None) after a case that says why not."""
    prefix, why = user_prefix()
    if prefix is None:
        env.cases.missing("ordinary user", why)
        return None, None
    make_reachable(env, prefix)
    if not reachable(env, prefix):
        env.cases.skip("ordinary user",
                       f"{USER} cannot reach {env.vm.path}")
        return None, None
    uid = os.getuid() or pwd.getpwnam(USER).pw_uid
    return prefix, uid


def host_files():
    """Everything in the directories where temporary files are created."""
    found = set()
    for top in ("/tmp", "/dev/shm", "/var/tmp", "/run"):
        try:
            found.update(os.path.join(top, n) for n in os.listdir(top))
        except OSError:
            pass
    return found


OURS = re.compile(r"vmspace|stub|zygote|arena", re.I)
# Other tests may run at the same time.
TESTS = re.compile(r"vmdiff|(fault|fuzz|demo|unit|test|bench)[-_.]", re.I)


def new_files(before):
    """New files with names of this project: other programs also use /tmp."""
    return sorted(f for f in host_files() - before if OURS.search(f)
                  and not TESTS.search(f))


def stubs_of(pid):
    """The zygote and the stubs of a vmspace process: the host processes under
    it, without zombies, the broker of its network and the keeper of its
    directory."""
    return {p: info for p, info in vmtest.descendants(pid).items()
            if info[1] not in "ZX"
            and info[2] not in ("vmspace-net", "vmspace-keeper")}


def check_clean(env, name, before, seconds=1.0):
    """One case: the runs before have left no process and no file."""
    left = vmtest.left_behind(seconds)
    files = new_files(before)
    env.cases.check(name, not left and not files,
                    vmtest.list_processes(left) + "\n".join(files))


def wait_for_line(path, text, seconds):
    """Wait until a file that a program writes contains a text."""
    def there():
        try:
            with open(path, "rb") as f:
                return text.encode() in f.read()
        except OSError:
            return False
    return vmtest.wait_until(there, seconds)


def main(tests):
    """Run test functions, each with the environment; for `python3 X.py`."""
    p = vmtest.arguments("Fault tests.", seed=True)
    p.add_argument("--guests", default="")
    p.add_argument("--helper", default="", help="the confine program")
    p.add_argument("--rounds", type=int, default=0)
    p.add_argument("--only", default="")
    opts = p.parse_args()
    guests = opts.guests or os.path.join(os.path.dirname(
        opts.vmspace), "tests", "guest")
    if opts.helper:
        opts.helper = os.path.realpath(opts.helper)
    vmtest.become_subreaper()
    env = Env(vmtest.Vmspace(opts.vmspace), guests, opts)
    if not os.access(BUSYBOX, os.X_OK):
        env.cases.missing("fault", "busybox")
        sys.exit(env.cases.finish())
    for test in tests:
        if opts.only in test.__name__ or test.__name__ == "main":
            test(env)
    sys.exit(env.cases.finish())
