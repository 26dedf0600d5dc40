#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Rules of the sources that a compiler does not check.

    lint.py [--root DIR] [--build BUILDDIR] [--only RULE[,RULE]] [--warn]

Rules: layers, alone, size, spdx, theory, caveats, style, globals, format,
tidy.  One line a finding, "path:line: rule: what"; warnings (an aim missed,
not a limit) are printed with --warn and never fail.  selftest.py seeds a
violation of each rule and wants it found.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import vmtest  # noqa: E402
import csource  # noqa: E402

# Lowest first; a layer includes itself, its equals and what is below.
LAYERS = {"libk": 0, "host": 1, "pmap": 2, "cpu": 2, "vm": 3, "vfs": 4,
          "kern": 5, "control": 6, "cmd": 7}
# The machine sits beside and below vm, reached by op tables: vm includes its
# contracts.  It knows vm's basic types and the frame table, nothing else.
ALLOWED = {
    "pmap": {"vm/vm_types.h", "vm/vm_page.h", "vm/vm_zone.h"},
    "cpu": {"vm/vm_types.h", "vm/vm_page.h", "vm/vm_zone.h"},
}
SYS_OK = {"host", "pmap", "cpu", "cmd"}
# Headers of <sys/> that are not system calls of the host.
SYS_HARMLESS = {"sys/queue.h", "sys/tree.h", "sys/types.h", "sys/param.h",
                "sys/cdefs.h", "sys/uio.h"}
FILE_WARN, FILE_MAX = 600, 1000
FUNC_WARN, FUNC_MAX = 60, 100
SPDX = "SPDX-License-Identifier: BSD-2-Clause"
COPYRIGHT = re.compile(r"Copyright \(c\) 20\d\d")


class Lint:
    def __init__(self, root, build):
        self.root = root
        self.build = build
        self.found = []
        self.warned = []
        self.skipped = []
        self.checked = 0

    def add(self, path, line, rule, what):
        self.found.append(f"{path}:{line}: {rule}: {what}")

    def warn(self, path, line, rule, what):
        self.warned.append(f"{path}:{line}: {rule}: {what}")

    def skip(self, rule, why):
        """A check that cannot run; in CI that is a finding."""
        if vmtest.in_ci():
            self.add(".", 0, rule, f"{why}, and this is CI")
        else:
            self.skipped.append(f"SKIP {rule}: {why}")

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as f:
            return f.read()

    def files(self, tops, exts):
        for top in tops:
            for base, dirs, names in os.walk(os.path.join(self.root, top)):
                dirs[:] = sorted(d for d in dirs if not d.startswith("."))
                for name in sorted(names):
                    if name.endswith(exts):
                        yield os.path.relpath(os.path.join(base, name),
                                              self.root)


def layer_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def check_include(lint, path, line, header, quoted):
    layer = layer_of(path)
    target = header.split("/")[0]
    if layer is None:
        return
    if not quoted:
        if header.startswith("sys/") and header not in SYS_HARMLESS and \
                layer not in SYS_OK:
            lint.add(path, line, "layers", f"<{header}> in {layer}: system "
                     "calls of the host only in " + ", ".join(sorted(SYS_OK)))
        return
    if target not in LAYERS:
        return
    if LAYERS[target] <= LAYERS[layer]:
        return
    if header in ALLOWED.get(layer, ()):
        return
    lint.add(path, line, "layers", f"{layer} includes {header} of the layer "
             "above")


def rule_layers(lint):
    pat = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
    for path in lint.files(["src", "include"], (".c", ".h", ".S")):
        if path.startswith("src/cpu/stub/"):
            continue  # freestanding, a program of its own
        text = lint.read(path)
        lint.checked += 1
        for m in pat.finditer(text):
            line = text.count("\n", 0, m.start()) + 1
            check_include(lint, path, line, m.group(2), m.group(1) == '"')


def compile_alone(lint, path):
    cmd = ["cc", "-std=gnu17", "-D_GNU_SOURCE", "-DVMSPACE_DEBUG=1",
           "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
           "-Wno-unused-parameter", "-Wno-unused-function", "-x", "c",
           "-I" + os.path.join(lint.root, "src"),
           "-I" + os.path.join(lint.root, "include"), "-"]
    # Twice: it must also guard itself.
    text = f'#include "{os.path.join(lint.root, path)}"\n' * 2 + "int x_;\n"
    r = subprocess.run(cmd, input=text, capture_output=True, text=True,
                       check=False)
    if r.returncode != 0:
        return (path, r.stderr.splitlines()[0] if r.stderr else "fails")
    return None


def rule_alone(lint):
    headers = [p for p in lint.files(["src", "include"], (".h",))
               if not p.startswith("src/cpu/stub/")]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for bad in pool.map(lambda p: compile_alone(lint, p), headers):
            lint.checked += 1
            if bad:
                lint.add(bad[0], 1, "alone", bad[1])


def rule_size(lint):
    for path in lint.files(["src", "include", "tests", "bench", "examples"],
                           (".c", ".h", ".py")):
        text = lint.read(path)
        lines = text.count("\n")
        lint.checked += 1
        if lines > FILE_MAX:
            lint.add(path, 1, "size", f"{lines} lines, at most {FILE_MAX}")
        elif lines > FILE_WARN:
            lint.warn(path, 1, "size", f"{lines} lines, aim below {FILE_WARN}")
        if path.endswith(".py"):
            continue
        for name, line, n in csource.functions(text):
            if n > FUNC_MAX:
                lint.add(path, line, "size", f"{name}() has {n} lines, at "
                         f"most {FUNC_MAX}")
            elif n > FUNC_WARN:
                lint.warn(path, line, "size", f"{name}() has {n} lines, aim "
                          f"below {FUNC_WARN}")


def spdx_files(lint):
    yield from lint.files(["src", "include", "tests", "bench", "examples",
                           "scripts", "docs"],
                          (".c", ".h", ".S", ".py", ".sh", ".pml", ".lds",
                           ".tbl", "meson.build"))
    scripts = os.path.join(lint.root, "scripts")
    if os.path.isdir(scripts):
        for name in sorted(os.listdir(scripts)):
            if "." not in name:
                yield "scripts/" + name
    yield "meson.build"


def rule_spdx(lint):
    for path in spdx_files(lint):
        if not os.path.exists(os.path.join(lint.root, path)):
            continue
        head = lint.read(path).splitlines()[:4]
        lint.checked += 1
        if not any(SPDX in line for line in head):
            lint.add(path, 1, "spdx", "no SPDX line")
        elif path.endswith((".c", ".h")) and not any(
                COPYRIGHT.search(line) for line in head):
            lint.add(path, 2, "spdx", "no copyright line")


def rule_theory(lint):
    for path in lint.files(["src"], (".c",)):
        lint.checked += 1
        if not csource.theory(lint.read(path)):
            lint.add(path, 3, "theory", "does not open with a comment that "
                     "says what it is for")


def rule_caveats(lint):
    path = os.path.join(lint.root, "CAVEATS.md")
    caveats = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            caveats = f.read()
    pat = re.compile(r"\b(TODO|FIXME|XXX)\b(?!X)")
    for path in lint.files(["src", "include", "tests", "bench", "examples"],
                           (".c", ".h", ".S")):
        lint.checked += 1
        for n, line in enumerate(lint.read(path).splitlines(), 1):
            m = pat.search(line)
            if m and os.path.basename(path) not in caveats:
                lint.add(path, n, "caveats", f"{m.group(1)} without an entry "
                         "in CAVEATS.md that names the file")


STYLE = [
    (re.compile(r"^\s*#\s*if\s+0\b"), "#if 0"),
    (re.compile(r"(?<![\w_])assert\s*\("), "bare assert (KASSERT, KVERIFY)"),
    (re.compile(r"[ \t]+$"), "white space at the end"),
    (re.compile(r"^#\s*define\s+_Static_assert"), "own _Static_assert"),
    (re.compile(r"^\s*//"), "// comment"),
    (re.compile(r"\b(strcat|sprintf|vsprintf|gets|strtok)\s*\("),
     "unbounded or stateful libc call"),
]
COMMENTED_CODE = re.compile(r"^\s*/\*\s*[\w>.\-\[\]]+\s*(\(|=[^=]).*;\s*\*/")


def rule_style(lint):
    for path in lint.files(["src", "include"], (".c", ".h")):
        text = lint.read(path)
        lint.checked += 1
        raw = text.splitlines()
        code = csource.strip(text).splitlines()
        for n, line in enumerate(raw, 1):
            if COMMENTED_CODE.match(line):
                lint.add(path, n, "style", "commented-out code")
            if re.search(r"[ \t]+$", line):
                lint.add(path, n, "style", "white space at the end")
            if re.match(r"^\s*//", line):
                lint.add(path, n, "style", "// comment")
        for n, line in enumerate(code, 1):
            for pat, what in STYLE:
                if "white" in what or "//" in what:
                    continue
                if pat.search(line) and "_Static_assert" not in line:
                    lint.add(path, n, "style", what)


def objects(lint):
    """Object files of the layers in a build directory."""
    for base, _, names in os.walk(os.path.join(lint.build, "src")):
        for name in names:
            if name.endswith(".c.o"):
                yield os.path.join(base, name)
    top = os.path.join(lint.build, "vmspace.p")
    if os.path.isdir(top):
        for name in os.listdir(top):
            if name.endswith(".c.o"):
                yield os.path.join(top, name)


def allowed_globals(lint):
    path = os.path.join(lint.root, "tests", "lint", "globals.txt")
    names = set()
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                line = line.split("#")[0].strip()
                if line:
                    names.add(line)
    return names


def writable_symbols(path):
    """Names in the writable sections of an object: not constant data that
    only needs relocation, not data of a thread."""
    r = subprocess.run(["objdump", "-t", path], capture_output=True, text=True,
                       check=False)
    for line in r.stdout.splitlines():
        m = re.match(r"^[0-9a-f]{16} .{7} (\S+)\s+([0-9a-f]+)\s+"
                     r"(?:\.hidden )?(\S+)$", line)
        if not m or int(m.group(2), 16) == 0:
            continue
        section = m.group(1)
        if re.match(r"^(\.data|\.bss|\*COM\*|\.common)", section) and \
                not section.startswith(".data.rel.ro"):
            name = csource.plain_symbol(m.group(3))
            if name is not None:
                yield name


def rule_globals(lint):
    """Writable data of the objects: all state hangs off struct vkernel, so
    each symbol there must be in globals.txt, with the reason."""
    if not lint.build:
        lint.skip("globals", "no build directory given")
        return
    if shutil.which("objdump") is None:
        lint.skip("globals", "no objdump")
        return
    allowed = allowed_globals(lint)
    used = set()
    for path in sorted(objects(lint)):
        lint.checked += 1
        for name in writable_symbols(path):
            used.add(name)
            if name not in allowed:
                lint.add(os.path.basename(path), 1, "globals", "writable "
                         f"global {name} is not in tests/lint/globals.txt")
    if lint.checked == 0:
        lint.add(lint.build, 0, "globals", "no object files")
    for name in sorted(allowed - used):
        lint.add("tests/lint/globals.txt", 1, "globals",
                 f"{name} does not exist")


def rule_format(lint):
    tool = shutil.which("clang-format")
    if tool is None:
        lint.skip("format", "no clang-format")
        return
    paths = list(lint.files(["src", "include", "tests", "bench", "examples"],
                            (".c", ".h")))
    lint.checked += len(paths)
    for at in range(0, len(paths), 40):
        r = subprocess.run([tool, "--dry-run", "-Werror", "--style=file",
                            "--ferror-limit=1", *paths[at:at + 40]],
                           cwd=lint.root, capture_output=True, text=True,
                           check=False)
        for m in re.finditer(r"^(\S+?):(\d+):\d+: error: (.*)$", r.stderr,
                             re.M):
            lint.add(m.group(1), m.group(2), "format", m.group(3))


def tidy_one(tool, lint, path):
    r = subprocess.run([tool, "--quiet", "-p", lint.build,
                        os.path.join(lint.root, path)], cwd=lint.root,
                       capture_output=True, text=True, check=False)
    return re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$",
                      r.stdout, re.M)


def rule_tidy(lint):
    """clang-tidy with the checks that .clang-tidy names."""
    tool = shutil.which("clang-tidy")
    if tool is None:
        lint.skip("tidy", "no clang-tidy")
        return
    if not lint.build or not os.path.exists(
            os.path.join(lint.build, "compile_commands.json")):
        lint.skip("tidy", "no build directory given")
        return
    paths = list(lint.files(["src"], (".c",)))
    paths = [p for p in paths if not p.startswith("src/cpu/stub/")]
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for hits in pool.map(lambda p: tidy_one(tool, lint, p), paths):
            lint.checked += 1
            for path, line, what in hits:
                path = os.path.relpath(path, lint.root)
                if (path, line, what) not in seen:
                    seen.add((path, line, what))
                    lint.add(path, line, "tidy", what)


RULES = {
    "layers": rule_layers, "alone": rule_alone, "size": rule_size,
    "spdx": rule_spdx, "theory": rule_theory, "caveats": rule_caveats,
    "style": rule_style, "globals": rule_globals, "format": rule_format,
    "tidy": rule_tidy,
}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--root", default=os.path.realpath(
        os.path.join(HERE, "..", "..")))
    p.add_argument("--build", default="")
    p.add_argument("--only", default="")
    p.add_argument("--warn", action="store_true")
    opts = p.parse_args()
    cases = vmtest.Cases()
    names = [n for n in opts.only.split(",") if n] or list(RULES)
    for name in names:
        lint = Lint(os.path.realpath(opts.root),
                    os.path.realpath(opts.build) if opts.build else "")
        RULES[name](lint)
        if opts.warn:
            print("\n".join(lint.warned))
        if lint.found:
            cases.fail(name, "\n".join(sorted(lint.found)))
        elif lint.skipped:
            cases.skip(name, lint.skipped[0].split(": ", 1)[1])
        else:
            cases.ok(name, f"({lint.checked} checked, {len(lint.warned)} "
                           "warnings)")
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
