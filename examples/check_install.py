#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Install into a temporary prefix, and use the installed library as a user does:
build the examples with pkg-config outside of the source tree, against the shared
and the static library, as C and as C++."""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "lib"))
import vmtest  # noqa: E402

# name, arguments, exit status, text in its output
PROGRAMS = (("emulator", [], 0, "original: sum right"),
            ("device_window", [], 0, "WHAT ONE STORES, THE OTHER LOADS."),
            ("tiny_kernel", ["hello"], 7, "Hello from a vmspace."))


def run(cmd, **kw):
    return subprocess.run(cmd, capture_output=True, text=True, check=False,
                          timeout=120, **kw)


def pkg(prefix, env, *what):
    r = run(["pkg-config", f"--define-variable=prefix={prefix}", *what,
             "vmspace"], env=env)
    return r.stdout.split() if r.returncode == 0 else None


def build_and_run(cases, name, cc, flags, program, env, work):
    exe, args, status, text = program
    out = os.path.join(work, name)
    src = os.path.join(work, exe + ".c")
    r = run(cc + ["-O1", "-Wall", "-Wextra", "-Werror", "-o", out, src] + flags)
    if r.returncode != 0:
        cases.check(f"{name} builds", False, r.stderr[-2000:])
        return
    r = run([out] + args, env=env, cwd=work)
    cases.check(name, r.returncode == status and text in r.stdout
                and not r.stderr,
                f"status {r.returncode}\n{r.stdout}{r.stderr}")


def public_names(include):
    names = set()
    for header in ("control.h", "vkernel.h", "vmspace.h"):
        with open(os.path.join(include, "vmspace", header),
                  encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        text = re.sub(r"typedef [^;]*;", "", text.replace('extern "C" {', ""))
        text = re.sub(r"\{[^{}]*\}", "", re.sub(r"\{[^{}]*\}", "", text))
        names |= set(re.findall(r"\b(v(?:kernel|mspace)_\w+)\s*\(", text))
    return names


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--build", required=True)
    ap.add_argument("--hello", required=True)
    opts = ap.parse_args()
    cases = vmtest.Cases()
    with tempfile.TemporaryDirectory(dir="/var/tmp",
                                     prefix="vmspace-inst-") as tmp:
        env = dict(os.environ, DESTDIR=tmp)
        r = run(["meson", "install", "-C", opts.build, "--no-rebuild",
                 "--quiet"], env=env)
        cases.check("meson install", r.returncode == 0, r.stderr[-2000:])
        pc = [os.path.join(d, f) for d, _, fs in os.walk(tmp) for f in fs
              if f == "vmspace.pc"]
        if len(pc) != 1:
            cases.check("vmspace.pc is installed", False, str(pc))
            return cases.finish()
        with open(pc[0], encoding="utf-8") as f:
            given = re.search(r"^prefix=(.*)$", f.read(), re.M).group(1)
        prefix = tmp + given
        lib = os.path.dirname(os.path.dirname(pc[0]))
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc[0]),
                   LD_LIBRARY_PATH=lib)
        for path in ("bin/vmspace", "include/vmspace/vmspace.h",
                     "include/vmspace/vkernel.h", "include/vmspace/control.h",
                     "share/man/man1/vmspace.1",
                     "share/man/man3/vmspace_fork.3"):
            found = [p for p in (path, path + ".gz")
                     if os.path.exists(os.path.join(prefix, p))]
            cases.check(f"{path} is installed", bool(found))

        so = os.path.join(lib, "libvmspace.so")
        r = run(["nm", "-D", "--defined-only", so])
        shown = {line.split()[-1] for line in r.stdout.splitlines()}
        want = public_names(os.path.join(prefix, "include"))
        cases.check("the shared library exports the names of the headers "
                    "and no others", shown == want,
                    f"too many: {sorted(shown - want)}\n"
                    f"missing: {sorted(want - shown)}")
        r = run(["nm", "-g", "--defined-only",
                 os.path.join(lib, "libvmspace.a")])
        shown = {f[2] for f in map(str.split, r.stdout.splitlines())
                 if len(f) == 3}
        cases.check("the static library exports the same names", shown == want,
                    f"too many: {sorted(shown - want)[:20]}\n"
                    f"missing: {sorted(want - shown)}")

        work = os.path.join(tmp, "work")
        os.mkdir(work)
        shutil.copy(opts.hello, work)
        for name, *_ in PROGRAMS:
            shutil.copy(os.path.join(HERE, name + ".c"), work)
        shared = pkg(prefix, env, "--cflags", "--libs")
        static = pkg(prefix, env, "--static", "--cflags", "--libs")
        if shared is None or static is None:
            cases.check("pkg-config finds the library", False)
            return cases.finish()
        static = ["-l:libvmspace.a" if f == "-lvmspace" else f for f in static]
        cc = [*shlex.split(os.environ.get("CC", "cc")), "-std=gnu17"]
        for program in PROGRAMS:
            build_and_run(cases, f"{program[0]}, shared", cc, shared, program,
                          env, work)
        build_and_run(cases, "emulator, static", cc, static, PROGRAMS[0], env,
                      work)
        cxx = shutil.which("c++") or shutil.which("clang++")
        if cxx is None:
            cases.skip("emulator and device_window as C++", "no C++ compiler")
        else:
            for program in PROGRAMS[:2]:
                build_and_run(cases, f"{program[0]}, as C++",
                              [cxx, "-x", "c++", "-std=gnu++17"],
                              ["-x", "none"] + shared, program, env, work)
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
