#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The commands for a running kernel as scripts and shells use them: completion,
the client in Python of docs/control.md, and what a hostile guest can do to the
output of `vmspace ps`."""

import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import vmtest  # noqa: E402

KERNEL = f"command-{os.getpid()}"
# Complete the words of the arguments, the last of which is not finished.
COMPLETE = """
source <(vmspace completion bash) || exit 9
complete -p vmspace >&2 || exit 8
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_vmspace
printf '%s\\n' "${COMPREPLY[@]}"
"""
SHELLS = {"bash": ["-n"], "zsh": ["-n"], "fish": ["--no-execute"]}


def run(vmspace, *args, **kw):
    return vmtest.run([vmspace, *args], **kw)


def with_command(vmspace):
    """The environment, with the command first in PATH."""
    path = os.path.dirname(vmspace) + ":" + vmtest.STABLE_ENV["PATH"]
    return {**vmtest.STABLE_ENV, "PATH": path}


def complete(vmspace, *words):
    r = vmtest.run(["bash", "-c", COMPLETE, "bash", "vmspace", *words],
                   env=with_command(vmspace))
    defined = b"complete -o default -F _vmspace vmspace" in r.err
    return r, set(r.text().split()) if r.status == 0 and defined else None


def check_bash(cases, vmspace):
    commands = set(re.findall(r"^  ([a-z]+) ",
                              run(vmspace, "--help").text(), re.M))
    tries = (
        ([""], commands - {"vmspace"} | {"--help", "--version"}),
        (["sw"], {"swapon", "swapoff"}),
        (["run", "--me"], {"--mem"}),
        (["run", "--net", ""], {"loopback", "none", "host"}),
        (["run", "--mem", "1G", "--confine", "a"], {"auto"}),
        (["run", "--", "--me"], set()),
        (["run", "sh", "--me"], set()),
        (["exec", "--cwd", "/", "-"],
         {"--env", "-e", "--cwd", "-w", "--user", "-u", "--tty", "-t",
          "--interactive", "-i", "--detach", "-d", "--help", "--usage"}),
        (["exec", KERNEL[:-1]], {KERNEL}),
        (["exec", KERNEL, "-"], set()),
        (["stop", "--time", "3", KERNEL, KERNEL[:9]], {KERNEL}),
        (["completion", ""], {"bash", "zsh", "fish"}),
    )
    for words, want in tries:
        r, have = complete(vmspace, *words)
        if words[-1] == KERNEL[:9] and have is not None:
            have &= want  # other kernels of this user
        cases.check(f"bash completes {' '.join(words)!r}", have == want,
                    f"want {sorted(want)}\n{r.describe()}")


def check_scripts(cases, vmspace):
    """Each script has all options that --help prints, and is well-formed."""
    commands = re.findall(r"^  ([a-z]+) ", run(vmspace, "--help").text(),
                          re.M)
    options = set()
    for c in set(commands) - {"vmspace"}:
        text = run(vmspace, c, "--help").text()
        options |= set(re.findall(r"^ .{0,6}--([a-z-]+)", text, re.M))
    for shell, flags in SHELLS.items():
        r = run(vmspace, "completion", shell)
        words = set(re.findall(r"(?:--|-l )([a-z][a-z-]+)", r.text()))
        cases.check(f"the script for {shell} has all options",
                    r.status == 0 and "mem" in options and
                    options - {"version"} <= words,
                    f"missing: {sorted(options - words)}\n{r.status}")
        name = f"{shell} reads its script"
        if shutil.which(shell) is None:
            cases.skip(name, f"{shell} is not installed")
            continue
        p = subprocess.run([shell, *flags, "/dev/stdin"], input=r.out,
                           capture_output=True, check=False)
        cases.check(name, p.returncode == 0 and not p.stderr, p.stderr)
    r = run(vmspace, "completion", "csh")
    cases.check("no script for another shell", r.status == 2 and not r.out,
                r.describe())


def check_client(cases, vmspace, d):
    """The example of the document is a client."""
    with open(os.path.join(ROOT, "docs", "control.md"),
              encoding="utf-8") as f:
        text = re.search(r"^```python\n(.*?)^```$", f.read(),
                         re.M | re.S).group(1)
    path = os.path.join(d, "client.py")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    env = dict(vmtest.STABLE_ENV)
    if "XDG_RUNTIME_DIR" in os.environ:
        env["XDG_RUNTIME_DIR"] = os.environ["XDG_RUNTIME_DIR"]
    r = vmtest.run([sys.executable, path, KERNEL, "sh", "-c",
                    "sleep 0.2; echo said; exit 5"], env=env)
    cases.check("the client of docs/control.md runs a program",
                r.status == 0 and re.fullmatch(
                    r"process \d+ sh\nsaid\nstatus 5\n", r.text()),
                r.describe())
    r = vmtest.run([sys.executable, path, KERNEL, "no-such-program"], env=env)
    cases.check("the client of docs/control.md prints an error",
                r.status == 1 and "ENOENT" in r.errtext(), r.describe())


def check_names(cases, vmspace):
    """Processes whose arguments and names are no UTF-8 or have escape
    sequences."""
    r = run(vmspace, "exec", "--detach", KERNEL, "--", "bash", "-c",
            r"printf '\377name' > /proc/$$/comm; "
            r"exec -a $'\xff\e[31m\xc2\x9b31m-\xc3\xa9' sleep 1000")
    cases.check("a program with a hostile name is started", r.status == 0,
                r.describe())

    def listed():
        return re.findall(r" (\S*) 1000\n", run(vmspace, "ps", KERNEL).text())
    vmtest.wait_until(listed, 5)
    names = listed()
    cases.check("ps prints no control characters of a guest",
                names == ["??[31m??31m-??"], repr(names))
    r = run(vmspace, "exec", "--detach", KERNEL, "--", "bash", "-c",
            r"exec -a $'\e[32m\xc2\x9b-\xc3\xa9' sleep 1000")
    vmtest.wait_until(lambda: len(listed()) == 2, 5)
    names = listed()
    cases.check("ps keeps other characters", "?[32m?-\xe9" in names,
                repr(names))
    r = run(vmspace, "ps", "--json", KERNEL)
    have = [p["command"] for p in json.loads(r.text())]
    cases.check("ps --json lists both", "\x1b[32m\x9b-\xe9 1000" in have and
                "?\x1b[31m??31m-?? 1000" in have, have)


def check_environment(cases, vmspace):
    """A variable does not replace another whose name begins its own."""
    env = {**vmtest.STABLE_ENV, "TERM": "dumb"}
    r = run(vmspace, "exec", "--env", "TERMINAL=1", "--env", "HOME=/x",
            KERNEL, "--", "sh", "-c", "echo $TERMINAL $TERM $HOME", env=env)
    cases.check("exec --env sets one variable", r.text() == "1 dumb /x\n",
                r.describe())


def main():
    opts = vmtest.arguments(__doc__).parse_args()
    vmtest.become_subreaper()
    cases = vmtest.Cases()
    r = run(opts.vmspace, "run", "--detach", "--name", KERNEL, "--", "sleep",
            "2000")
    cases.check("a kernel is started", r.text() == KERNEL + "\n",
                r.describe())
    try:
        check_bash(cases, opts.vmspace)
        check_scripts(cases, opts.vmspace)
        with vmtest.tempfile.TemporaryDirectory(prefix="vmspace-") as d:
            check_client(cases, opts.vmspace, d)
        check_names(cases, opts.vmspace)
        check_environment(cases, opts.vmspace)
    finally:
        r = run(opts.vmspace, "stop", KERNEL)
    cases.check("the kernel is stopped", r.status == 0, r.describe())
    cases.check_no_process_left()
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
