#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Rules of the sources that a compiler does not check.

    lint.py [--root DIR] [--build DIR] [--only CHECK[,CHECK...]] [--no-notes]
    lint.py --tidy BUILD        clang-tidy with the checks of .clang-tidy
    lint.py --self-test         each check finds what is seeded

A violation is a line "FILE:LINE: check: message", and each check is one case;
what misses an aim but not a limit is a note and fails nothing.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for place in ("../../scripts", "../lib", "."):  # HERE goes first
    sys.path.insert(0, os.path.join(HERE, place))
sys.dont_write_bytecode = True
import csource  # noqa: E402
import mksyscalls  # noqa: E402
import vmtest  # noqa: E402

JOBS = 2
DATA = "/corpus/"  # inputs of fuzz targets: no sources, whatever they look like
C_TOPS = ("src/", "include/", "tests/", "bench/", "examples/")

# A layer includes itself and the layers that come before it in this list,
# which is the order of src/meson.build and of docs/architecture.md.
LAYERS = ("abi", "libk", "host", "mem", "pmap", "cpu", "machine", "vm", "vfs",
          "kern", "linux", "api", "cmd")
API = "include/vmspace/"
API_VMSPACE = "include/vmspace/vmspace.h"
API_USERS = ("kern", "linux", "api", "cmd")
# A freestanding program, with headers of its own.
STUB = "src/machine/stub/program/"
# Includes that the move to this layout leaves to be opened.
PENDING = {
    ("src/api/vkernel.c",
     "kern/base/proc_int.h"),
    ("src/api/vkernel_device.c",
     "kern/base/proc_int.h"),
    ("src/api/vkernel_mounts.c",
     "kern/base/proc_int.h"),
    ("src/api/vkernel_proc.c",
     "kern/base/proc_int.h"),
    ("src/api/vkernel_spawn.c",
     "kern/base/proc_int.h"),
    ("src/api/vkernel_swap.c",
     "kern/base/proc_int.h"),
    ("src/kern/exec/exec.c",
     "linux/sys_int.h"),
    ("src/kern/exec/exec_stack.c",
     "linux/sys_int.h"),
    ("src/kern/ipc/futex.c",
     "linux/sys_int.h"),
    ("src/kern/ipc/sem_op.c",
     "linux/sys_int.h"),
    ("src/kern/ipc/sysvipc.c",
     "linux/sys_int.h"),
    ("src/kern/proc/glue.c",
     "linux/sys_int.h"),
    ("src/kern/proc/lwp.c",
     "linux/syscall.h"),
    ("src/kern/proc/wait.c",
     "linux/syscall.h"),
    ("src/kern/resident/imgact_resident.c",
     "linux/sys_int.h"),
    ("src/kern/resident/resident.c",
     "linux/sys_int.h"),
    ("src/kern/resident/resident_compare.c",
     "linux/sys_int.h"),
    ("src/kern/resident/resident_trial.c",
     "linux/sys_int.h"),
    ("src/kern/sig/sig_deliver.c",
     "linux/syscall.h"),
    ("src/kern/sig/sigframe.c",
     "linux/syscall.h"),
    ("src/linux/sys_msg.c",
     "kern/base/proc_int.h"),
    ("src/linux/sys_sem.c",
     "kern/base/proc_int.h"),
    ("src/linux/sys_sem.c",
     "kern/ipc/sem_int.h"),
    ("src/linux/sys_shm.c",
     "kern/base/proc_int.h"),
    ("src/linux/sys_signalfd.c",
     "kern/base/proc_int.h"),
    ("src/linux/sys_sockmsg.c",
     "kern/base/proc_int.h"),
    ("src/linux/sys_time.c",
     "kern/base/proc_int.h"),
    ("src/linux/sys_timer.c",
     "kern/base/proc_int.h"),
    ("src/mem/vm_page.c",
     "vm/object/vm_object_int.h"),
    ("src/mem/vm_phys_device.c",
     "vm/pager/device_pager.h"),
}

HOST_LAYERS = ("host", "pmap", "cpu", "machine", "cmd")
HOST_HEADER = re.compile(
    r"^((sys(?!/types\.h)|linux|asm|asm-generic|net|netinet|arpa)/.*|(aio|dirent|ftw|glob|"
    r"grp|ifaddrs|mqueue|netdb|poll|pty|pwd|sched|semaphore|signal|spawn|"
    r"syscall|termios|ucontext|utmp|wait)\.h)$")

FILE_AIM, FILE_MAX = 600, 1000
FUNC_AIM, FUNC_MAX = 60, 100

HEAD_C = ("/* SPDX-License-Identifier: BSD-2-Clause */",
          "/* Copyright (c) 2026 The vmspace authors */")
SPDX = "SPDX-License-Identifier: BSD-2-Clause"
HEAD_OTHER = (".py", ".sh", ".pml", ".lds", ".tbl", "meson.build",
              "meson_options.txt")

# The patterns do not match themselves: lint.py is linted, too.
UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K]|for no[w])\b")
PRIVATE = re.compile(
    r"/wor[k]/|\.librar[y]\b|shared/desig[n]|/hom[e]/\w+/|/User[s]/|"
    r"pypi\.or[g]|pythonhosted\.or[g]|registry\.npmj[s]|crates\.i[o]|"
    r"proxy\.golang\.or[g]|rubygems\.or[g]|artifactor[y]|deb\.debian\.or[g]")
STYLE = [(re.compile(p), what) for p, what in (
    (r"^\s*#\s*if\s+0\b", "#if 0"),
    (r"(?<!\w)assert\s*\(", "bare assert: KASSERT or KVERIFY"),
    (r"(?<!\w)(sprintf|vsprintf|gets|strtok)\s*\(",
     "unbounded or stateful libc call"))]
OLD_CODE = re.compile(r"^\s*/\*\s*[\w>.\-\[\]]+\s*(\(|=[^=]).*;\s*\*/")

SYSCALLS, SYSCALLS_DOC = "src/linux/syscalls.tbl", "docs/syscalls.md"

WARNINGS = ("-std=gnu17 -D_GNU_SOURCE -DVMSPACE_DEBUG=1 -Wall -Wextra -Werror "
            "-Wshadow -Wstrict-prototypes -Wmissing-prototypes "
            "-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla "
            "-Wundef -Wno-unused-parameter -Wno-unused-function").split()
CLANG_FORMAT = 14  # what the tree is laid out with; others differ in detail


class Tree:
    """The files to look at: of git, or where there is no git, all but builds.
    Violations and notes are collected here."""

    def __init__(self, root, build=None):
        self.root = os.path.realpath(root)
        self.build = os.path.realpath(build) if build else None
        self.found, self.notes, self.texts = [], [], {}
        self.missing = self.skipped = None
        self.paths = sorted(p for p in self.list() if os.path.isfile(
            os.path.join(self.root, p)))

    def list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            r = run(["git", "ls-files", "-co", "--exclude-standard", "-z"],
                    self.root)
            if r.returncode == 0:
                return r.stdout.split("\0")[:-1]
        paths = []
        for base, dirs, names in os.walk(self.root):
            dirs[:] = [d for d in dirs if not d.startswith(
                ("build", ".git", "__pycache__"))]
            paths += [os.path.relpath(os.path.join(base, n), self.root)
                      for n in names]
        return paths

    def read(self, path):
        if path not in self.texts:
            with open(os.path.join(self.root, path), encoding="utf-8",
                      errors="replace") as f:
                self.texts[path] = f.read()
        return self.texts[path]

    def files(self, tops=("",), ends=("",)):
        """(path, text) of the text files there."""
        for path in self.paths:
            if path.startswith(tuple(tops)) and path.endswith(tuple(ends)) \
                    and DATA not in path and "\0" not in self.read(path):
                yield path, self.read(path)

    def add(self, path, line, what):
        self.found.append((path, line, what))

    def note(self, path, line, what):
        self.notes.append((path, line, what))


def run(argv, cwd=None, stdin=None):
    return subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True,
                          text=True, errors="replace", check=False)


def parallel(fn, items):
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        yield from pool.map(fn, items)


def shebang(text):
    m = re.match(r"#!\s*(?:/usr/bin/env\s+)?(\S+)", text)
    return os.path.basename(m.group(1)) if m else ""


# ---- layers ----

def layer_of(path):
    return path.split("/")[1] if path.startswith("src/") else None


def resolve(tree, path, header):
    """The file that a quoted include means."""
    for base in (os.path.dirname(path), "src", "include"):
        target = os.path.normpath(os.path.join(base, header))
        if target in tree.paths:
            return target
    return None


def upward(path, target):
    """What is wrong with including target in path; None: nothing."""
    a, b = layer_of(path), layer_of(target)
    if path.startswith(API):
        return None if target.startswith(API) else "a public header includes"
    if target == API_VMSPACE and a in ("vm", "machine"):
        return None  # the struct and its life are vm's own
    if target.startswith(API):
        return None if a in API_USERS else f"{a} includes the public"
    if path.startswith(STUB):
        return None if target.startswith(STUB) else "the stub includes"
    if a in LAYERS and b in LAYERS:
        if LAYERS.index(b) > LAYERS.index(a):
            return f"{a} includes, from the higher layer {b},"
        if target.endswith("_int.h") and path.split("/")[1] != \
                target.split("/")[1]:
            return f"{a} includes the private header of {b}"
        return None
    return f"unknown layer of {path} or of"


def check_layers(tree):
    for path, text in tree.files(("src/", "include/"), (".c", ".h", ".S")):
        for line, header, quoted in csource.includes(text):
            if not quoted:
                continue
            target = resolve(tree, path, header)
            bad = upward(path, target) if target else "no such file:"
            if (path, header) in PENDING:
                continue
            if bad:
                tree.add(path, line, f"{bad} {header}")


def check_hosthdr(tree):
    """System calls of the host are made in few layers."""
    for path, text in tree.files(("src/", "include/"), (".c", ".h")):
        layer = layer_of(path) or "the public interface"
        if layer in HOST_LAYERS:
            continue
        for line, header, quoted in csource.includes(text):
            if not quoted and HOST_HEADER.match(header):
                tree.add(path, line, f"<{header}> in {layer}: only in " +
                         ", ".join(HOST_LAYERS))


# ---- files ----

def check_headers(tree):
    """Each header compiles alone, and twice (it guards itself)."""
    cc = os.environ.get("CC", "cc").split()
    if shutil.which(cc[0]) is None:
        tree.missing = "a C compiler"
        return

    def compile_one(path):
        text = f'#include "{os.path.join(tree.root, path)}"\n' * 2
        r = run(cc + WARNINGS + ["-Isrc", "-Iinclude", "-Itests/lib",
                                 "-fsyntax-only", "-x", "c", "-"], tree.root,
                text + "extern int lint_not_empty;\n")
        if r.returncode != 0:
            m = re.search(r"(?::(\d+))?(?::\d+)?: (?:fatal )?error: (.*)$",
                          r.stderr, re.M)
            return path, (m.groups() if m else (None, r.stderr.strip()))
        return path, None

    headers = [p for p, _ in tree.files(C_TOPS, (".h",))]
    for path, error in parallel(compile_one, headers):
        if error:
            tree.add(path, int(error[0] or 1), error[1])


def check_size(tree):
    for path, text in tree.files(C_TOPS + ("scripts/",)):
        if not path.endswith((".c", ".h", ".S", ".py")) and not shebang(text):
            continue
        n = text.count("\n")
        if n > FILE_MAX:
            tree.add(path, 1, f"{n} lines, at most {FILE_MAX}")
        elif n > FILE_AIM:
            tree.note(path, 1, f"{n} lines, aim below {FILE_AIM}")
        if not path.endswith((".c", ".h")):
            continue
        for name, line, n in csource.functions(text):
            if n > FUNC_MAX:
                tree.add(path, line, f"{name}() has {n} lines, at most "
                                     f"{FUNC_MAX}")
            elif n > FUNC_AIM:
                tree.note(path, line, f"{name}() has {n} lines, aim below "
                                      f"{FUNC_AIM}")


def check_head(tree):
    """The licence, and in each source what it is for."""
    for path, text in tree.files():
        lines = text.splitlines()
        if path.endswith((".c", ".h", ".S")):
            for n, want in enumerate(HEAD_C):
                if lines[n:n + 1] != [want]:
                    tree.add(path, n + 1, f"is not {want}")
            if path.startswith("src/") and path.endswith(".c") and \
                    not csource.theory(text):
                tree.add(path, 3, "no theory comment after the head")
        elif path.endswith(HEAD_OTHER) or shebang(text):
            if not any(SPDX in line for line in lines[:3]):
                tree.add(path, 1, f"no {SPDX}")


def check_words(tree):
    """Unfinished work is named in CAVEATS.md."""
    caveats = tree.read("CAVEATS.md") if "CAVEATS.md" in tree.paths else ""
    for path, text in tree.files(C_TOPS + ("scripts/",)):
        for n, line in enumerate(text.splitlines(), 1):
            m = UNFINISHED.search(line)
            if m and path not in caveats:
                tree.add(path, n, f'"{m.group(1)}", and CAVEATS.md does not '
                                  f"name {path}")


def check_style(tree):
    for path, text in tree.files(("src/", "include/"), (".c", ".h")):
        for n, line in enumerate(csource.strip(text).splitlines(), 1):
            for pattern, what in STYLE:
                if pattern.search(line):
                    tree.add(path, n, what)
        for n, line in enumerate(text.splitlines(), 1):
            if OLD_CODE.match(line):
                tree.add(path, n, "commented-out code")
            if re.match(r"\s*//", line):
                tree.add(path, n, "// comment")


def check_names(tree):
    """Nothing of a developer's machine."""
    for path, text in tree.files():
        for n, line in enumerate(text.splitlines(), 1):
            m = PRIVATE.search(line)
            if m:
                tree.add(path, n, f'"{m.group(0)}"')


def check_scripts(tree):
    for path, text in tree.files():
        kind = shebang(text)
        if path.endswith(".py") or kind.startswith("python"):
            try:
                compile(text, path, "exec", dont_inherit=True)
            except SyntaxError as e:
                tree.add(path, e.lineno or 1, e.msg)
        elif path.endswith(".sh") or kind in ("sh", "dash", "bash"):
            r = run([kind if kind == "bash" else "sh", "-n", path], tree.root)
            if r.returncode != 0:
                m = re.search(r": (?:line )?(\d+): (.*)", r.stderr)
                tree.add(path, m.group(1) if m else 1,
                         m.group(2) if m else r.stderr.strip())


def check_syscalls(tree):
    """Each system call has its state, and the page says so."""
    if SYSCALLS not in tree.paths:
        return
    try:
        want = mksyscalls.doc_text(mksyscalls.read_table(os.path.join(
            tree.root, SYSCALLS)))
    except mksyscalls.TableError as e:
        tree.add(SYSCALLS, *e.args)
        return
    have = tree.read(SYSCALLS_DOC) if SYSCALLS_DOC in tree.paths else ""
    if have != want:
        pairs = itertools.zip_longest(have.split("\n"), want.split("\n"))
        line = next(n for n, (a, b) in enumerate(pairs, 1) if a != b)
        tree.add(SYSCALLS_DOC, line, "is not what scripts/mksyscalls.py --doc "
                                     f"makes of {SYSCALLS}")


# ---- what is built ----

def objects(tree):
    """(source, object, command) of the layers and the command."""
    db = os.path.join(tree.build or "", "compile_commands.json")
    if not tree.build or not os.path.exists(db):
        tree.skipped = "no build directory given"
        return []
    with open(db, encoding="utf-8") as f:
        entries = json.load(f)
    out = []
    for e in entries:
        source = os.path.relpath(os.path.realpath(os.path.join(
            e["directory"], e["file"])), tree.root)
        if e["output"].startswith(("src/", "vmspace.p/")):
            out.append((source, os.path.join(e["directory"], e["output"]),
                        e["command"]))
    if not out:
        tree.add(os.path.basename(db), 1, "has no object of a layer")
    return out


def writable(path):
    """Names of the variables in an object that can be written and are not of
    one thread."""
    sections = {"COM"}
    r = run(["readelf", "-W", "-S", "-s", path])
    for line in r.stdout.splitlines():
        m = re.match(r"\s*\[\s*(\d+)\] (\.(?:data|bss)(?:\.\S*)?) ", line)
        if m and not m.group(2).startswith(".data.rel.ro"):
            sections.add(m.group(1))
        f = line.split()
        if len(f) == 8 and f[3] == "OBJECT" and f[6] in sections:
            yield re.sub(r"\.\d+$", "", f[7])


def check_globals(tree):
    """All state hangs off struct vkernel, or is in globals.txt."""
    listed, used = {}, set()
    allow = "tests/lint/globals.txt"
    if shutil.which("readelf") is None:
        tree.missing = "readelf"
        return
    objs = objects(tree)
    if any("-fsanitize" in command for _, _, command in objs):
        tree.skipped = "a sanitizer adds data of its own"
    if tree.skipped:
        return
    for n, line in enumerate(tree.read(allow).splitlines()
                             if allow in tree.paths else [], 1):
        f = line.split(None, 2)
        if f and not line.startswith("#"):
            listed[tuple(f[:2])] = n
            if len(f) < 3:
                tree.add(allow, n, "no reason")
    for source, obj, _ in objs:
        if not os.path.exists(obj):
            tree.add(source, 1, f"{obj} is not built")
        for name in sorted(writable(obj)):
            used.add((source, name))
            if (source, name) not in listed:
                tree.add(source, 1, f"writable global {name} is not in "
                                    f"{allow}")
    for key in sorted(set(listed) - used):
        tree.add(allow, listed[key], f"{' '.join(key)} does not exist")


# ---- clang ----

def clang_format(tree):
    """The program, of the version that the tree was laid out with."""
    for name in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        tool = shutil.which(name)
        if tool is None:
            continue
        m = re.search(r"version (\d+)", run([tool, "--version"]).stdout)
        if m and int(m.group(1)) == CLANG_FORMAT:
            return tool
        tree.skipped = f"clang-format is not version {CLANG_FORMAT}"
    if tree.skipped is None:
        tree.missing = "clang-format"
    return None


def check_layout(tree):
    tool = clang_format(tree)
    if tool is None:
        return
    tree.skipped = None
    paths = [p for p, _ in tree.files(C_TOPS, (".c", ".h"))]

    def format_some(some):
        return some, run([tool, "--dry-run", "-Werror", "--style=file"] + some,
                         tree.root)

    for some, r in parallel(format_some, [paths[n:n + 20] for n in range(
            0, len(paths), 20)]):
        hits = dict(reversed(re.findall(r"^(\S+?):(\d+):\d+: error: ",
                                        r.stderr, re.M)))
        for path, line in hits.items():
            tree.add(path, int(line), "clang-format would change it")
        if not hits and r.returncode != 0:
            tree.add(some[0], 1, f"or one after it: {r.stderr[:200].strip()}")


def check_tidy(tree):
    tool = shutil.which("clang-tidy")
    if tool is None:
        tree.missing = "clang-tidy"
        return
    sources = sorted({s for s, _, _ in objects(tree) if s in tree.paths})

    def tidy_one(path):
        return run([tool, "--quiet", "-p", tree.build, path], tree.root)

    seen = set()
    for path, r in zip(sources, parallel(tidy_one, sources)):
        hits = re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$",
                          r.stdout, re.M)
        if r.returncode != 0 and not hits:
            hits = [(path, "1", r.stderr.strip()[:300])]
        for name, line, what in hits:
            name = os.path.relpath(os.path.realpath(os.path.join(
                tree.build, name)), tree.root)
            if (name, line, what) not in seen:
                seen.add((name, line, what))
                tree.add(name, int(line), what)


CHECKS = {
    "layers": check_layers, "hosthdr": check_hosthdr,
    "headers": check_headers, "size": check_size, "head": check_head,
    "words": check_words, "style": check_style, "names": check_names,
    "scripts": check_scripts, "syscalls": check_syscalls,
    "globals": check_globals, "layout": check_layout,
}


def report(cases, name, tree, notes):
    if notes:
        for path, line, what in tree.notes:
            print(f"{path}:{line}: note: {what}")
    for path, line, what in sorted(tree.found, key=lambda x: (x[0],
                                                              int(x[1]))):
        print(f"{path}:{line}: {name}: {what}")
    if tree.found:
        cases.fail(name, f"violations: {len(tree.found)}")
    elif tree.missing:
        cases.missing(name, tree.missing)
    elif tree.skipped:
        cases.skip(name, tree.skipped)
    else:
        cases.ok(name)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--root", default=os.path.join(HERE, "..", ".."))
    ap.add_argument("--build")
    ap.add_argument("--only", default="")
    ap.add_argument("--no-notes", action="store_true")
    ap.add_argument("--tidy", metavar="BUILD")
    ap.add_argument("--self-test", action="store_true")
    a = ap.parse_args()
    if a.self_test:
        import selftest
        return selftest.main()
    checks = {"tidy": check_tidy} if a.tidy else CHECKS
    cases = vmtest.Cases()
    for name in [n for n in a.only.split(",") if n] or checks:
        tree = Tree(a.root, a.tidy or a.build)
        checks[name](tree)
        report(cases, name, tree, not a.no_notes)
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
