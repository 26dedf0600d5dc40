#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Run each command line of cases.txt natively and inside, and compare.

    run_diff.py --vmspace BUILD/vmspace [--mode tmpfs|bind] [--only TEXT]
                [--list] [--min N]

tmpfs: inside, the directory is in the /tmp of the guest.  bind: it is a
directory of the host, bound writable; then its files must also be the same
afterwards: names, types, modes, sizes and contents.
"""

import hashlib
import os
import shutil
import stat
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import vmtest  # noqa: E402

KEYS = {"shell", "needs", "userns", "stderr", "bind", "timeout"}


class Case:
    def __init__(self, head):
        words = head.split()
        self.keys = {}
        while words and words[-1].split("=")[0] in KEYS and "=" in words[-1]:
            key, value = words.pop().split("=", 1)
            self.keys[key] = value
        self.name = " ".join(words)
        self.script = ""

    def missing(self):
        for prog in filter(None, self.keys.get("needs", "").split(",")):
            if shutil.which(prog, path=vmtest.STABLE_ENV["PATH"]) is None:
                return prog
        return None

    def forbidden(self):
        """Does the host let no user make the name spaces that this needs?"""
        return self.keys.get("userns") == "yes" and vmtest.run(
            ["unshare", "-Urm", "true"], timeout=20).status != 0

    def argv(self, where):
        shell = [self.keys["shell"], "-c"] if "shell" in self.keys else \
            [shutil.which("busybox"), "sh", "-c"]
        return shell + [f"mkdir -p {where} && cd {where} || exit 99\n"
                        f"{self.script}"]


def load(path):
    cases = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("== "):
                cases.append(Case(line[3:].strip()))
            elif cases:
                cases[-1].script += line
            elif line.strip() and not line.startswith("#"):
                raise SystemExit(f"{path}: text before the first case")
    names = [c.name for c in cases]
    if len(set(names)) != len(names):
        raise SystemExit(f"{path}: two cases have the same name")
    return cases


def tree(top):
    """{relative path: facts} of a directory."""
    facts = {}
    for base, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(base, name)
            st = os.lstat(path)
            what = f"{stat.filemode(st.st_mode)}"
            if stat.S_ISLNK(st.st_mode):
                what += " -> " + os.readlink(path)
            elif stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    what += f" {st.st_size} " + hashlib.md5(
                        f.read()).hexdigest()
            facts[os.path.relpath(path, top)] = what
    return "\n".join(f"{k} {v}" for k, v in sorted(facts.items()))


def fresh(where):
    shutil.rmtree(where, ignore_errors=True)
    os.mkdir(where, 0o755)


def run_native(case, where, timeout):
    fresh(where)
    try:
        result = vmtest.run(case.argv(where), timeout=timeout)
        return result, tree(where)
    finally:
        shutil.rmtree(where, ignore_errors=True)


def run_inside(vm, case, where, mode, timeout, options):
    if mode == "tmpfs":
        return vm.run(case.argv(where), options, timeout=timeout), None
    fresh(where)
    try:
        result = vm.run(case.argv(where),
                        [*options, "--bind", f"{where}:{where}"],
                        timeout=timeout)
        return result, tree(where)
    finally:
        shutil.rmtree(where, ignore_errors=True)


def compare(case, native, ours):
    (n, ntree), (o, otree) = native, ours
    text = ""
    if o.timed_out:
        text += "did not end in time\n"
    if n.timed_out:
        text += "natively it did not end in time: the case is wrong\n"
    if n.status != o.status:
        text += f"status {o.status}, natively {n.status}\n"
    if n.out != o.out:
        text += vmtest.diff(n.text(), o.text(), "native", "inside") + "\n"
    if case.keys.get("stderr") != "no" and n.err != o.err:
        text += vmtest.diff(n.errtext(), o.errtext(), "native stderr",
                            "inside stderr") + "\n"
    elif "vmspace:" in o.errtext():
        text += "standard error:\n" + o.errtext()[-2000:]
    if otree is not None and ntree != otree:
        text += vmtest.diff(ntree, otree, "native files", "inside files")
    return text


# Several applets print the directory of the script, so it has the same name
# natively and inside.
def scratch():
    return f"/tmp/vmdiff-{os.getpid()}"


def main():
    p = vmtest.arguments(__doc__, vmspace=False)
    p.add_argument("--mode", choices=["tmpfs", "bind"], default="tmpfs")
    p.add_argument("--only", default="")
    p.add_argument("--list", action="store_true")
    p.add_argument("--min", type=int, default=0,
                   help="fail if fewer cases than this passed")
    p.add_argument("--timeout", type=float, default=30)
    p.add_argument("--option", action="append", default=[])
    opts = p.parse_args()
    cases = load(os.path.join(HERE, "cases.txt"))
    if opts.list:
        print("\n".join(c.name for c in cases))
        return 0
    vm = vmtest.Vmspace(opts.vmspace)
    count = vmtest.Cases()
    if shutil.which("busybox") is None:
        count.missing("differential", "busybox")
        return count.finish()
    where = scratch()
    for case in cases:
        if opts.only not in case.name:
            continue
        if opts.mode == "bind" and case.keys.get("bind") == "no":
            continue
        missing = case.missing()
        if missing:
            count.missing(case.name, missing)
            continue
        if case.forbidden():
            count.skip(case.name, "the host permits no user name space")
            continue
        limit = float(case.keys.get("timeout", opts.timeout))
        native = run_native(case, where, limit)
        ours = run_inside(vm, case, where, opts.mode, limit, opts.option)
        wrong = compare(case, native, ours)
        if wrong:
            count.fail(case.name, wrong)
        else:
            count.ok(case.name, f"({native[0].seconds:.2f} s, inside "
                                f"{ours[0].seconds:.2f} s)")
    if count.passed < opts.min:
        count.fail("number of cases", f"{count.passed} passed, fewer than {opts.min}")
    return count.finish()


if __name__ == "__main__":
    vmtest.main(main)
