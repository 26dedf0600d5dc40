#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Seed one violation of each rule into a small correct tree: lint must find
it, and must find nothing before."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import csource  # noqa: E402
import vmtest  # noqa: E402

HEAD = ("/* SPDX-License-Identifier: BSD-2-Clause */\n"
        "/* Copyright (c) 2026 The vmspace authors */\n\n")
THEORY = ("/*\n * A file of a small correct tree, which lint must accept as "
          "it is.\n */\n")
GOOD_C = (HEAD + THEORY + '#include "vm/vm_good.h"\n\n#include <stddef.h>\n\n'
          "static const int table[] = {1, 2};\n\n"
          "int\nvm_good(int n)\n{\n\treturn (n + table[0]);\n}\n")
GOOD_H = (HEAD + "/* A correct header. */\n#ifndef VM_VM_GOOD_H\n"
          "#define VM_VM_GOOD_H\n\nint vm_good(int n);\n\n"
          "#endif /* VM_VM_GOOD_H */\n")
LONG = "\tn = n + 1;\n"
FUNC = "int\nvm_long(int n)\n{\n%s\treturn (n);\n}\n"

# rule: (file, text to append or a function of the text), ...
SEEDS = [
    ("layers", "src/vm/vm_good.c", '#include "kern/proc.h"\n'),
    ("layers", "src/vm/vm_good.c", '  #  include "vfs/vnode.h"\n'),
    ("layers", "src/vm/vm_good.c", "#include <sys/mman.h>\n"),
    ("layers", "src/pmap/pm.c", '#include "vm/vm_map.h"\n'),
    ("layers", "src/host/h.c", '#include "vm/vm_types.h"\n'),
    ("alone", "src/vm/vm_good.h", "size_t vm_undeclared(void);\n"),
    ("alone", "src/vm/vm_noguard.h", HEAD + "struct s { int a; };\n"),
    ("size", "src/vm/vm_good.c", "\n" * 1000),
    ("size", "src/vm/vm_good.c", FUNC % (LONG * 101)),
    ("spdx", "src/vm/vm_nohead.c", THEORY + "int vm_x;\n"),
    ("spdx", "tests/t.py", "print(1)\n"),
    ("theory", "src/vm/vm_notheory.c", HEAD + "#include <stddef.h>\n"),
    ("theory", "src/vm/vm_short.c", HEAD + "/* Misc. */\n#include <a.h>\n"),
    ("caveats", "src/vm/vm_good.c", "/* XXX not finished */\n"),
    ("caveats", "src/vm/vm_good.c", "/* TODO later */\n"),
    ("style", "src/vm/vm_good.c", "#if 0\n#endif\n"),
    ("style", "src/vm/vm_good.c", "void f(void)\n{\n\tassert(1);\n}\n"),
    ("style", "src/vm/vm_good.c", "/* vm_good(5); */\n"),
    ("style", "src/vm/vm_good.c", "int y; \n"),
    ("style", "src/vm/vm_good.c", "// no\n"),
    ("style", "src/vm/vm_good.c", "void g(char *d) { strcpy(d, d); }\n"),
    ("format", "src/vm/vm_good.c", "int   z ( int a ) { return a ; }\n"),
    ("globals", "src/vm/vm_good.c", "int vm_counter = 5;\n"),
    ("globals", "src/vm/vm_good.c", "static int c;\nint *p(void);\n"
     "int *\np(void)\n{\n\treturn (&c);\n}\n"),
]


def tree(top):
    files = {"src/vm/vm_good.c": GOOD_C, "src/vm/vm_good.h": GOOD_H,
             "src/pmap/pm.c": HEAD + THEORY + '#include "vm/vm_good.h"\n'
             .replace("vm_good", "vm_types"),
             "src/host/h.c": HEAD + THEORY + "#include <sys/mman.h>\n",
             "src/vm/vm_types.h": GOOD_H.replace("GOOD", "TYPES").replace(
                 "int vm_good(int n);", "typedef int vm_type;"),
             "meson.build": "# SPDX-License-Identifier: BSD-2-Clause\n"}
    for path, text in files.items():
        full = os.path.join(top, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
    style = os.path.join(HERE, "..", "..", ".clang-format")
    if os.path.exists(style):
        shutil.copy(style, top)


def build(top):
    """Objects, as a build directory has them."""
    out = os.path.join(top, "build", "src", "vm")
    os.makedirs(out, exist_ok=True)
    subprocess.run(["cc", "-c", "-w", "-I" + os.path.join(top, "src"),
                    os.path.join(top, "src/vm/vm_good.c"), "-o",
                    os.path.join(out, "vm_good.c.o")], check=True)


def lint(top, rule):
    argv = [sys.executable, os.path.join(HERE, "lint.py"), "--root", top,
            "--only", rule]
    if rule == "globals":
        build(top)
        argv += ["--build", os.path.join(top, "build")]
    r = subprocess.run(argv, capture_output=True, text=True, check=False)
    return r.returncode, r.stdout


def seed(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "a", encoding="utf-8") as f:
        f.write(text)


def parser_cases(cases):
    text = ('/* { */\nint\nf(char *s)\n{\n\tif (*s == \'{\')\n\t\treturn (1);'
            '\n\ts = "}\\"";\n\treturn (0);\n}\n\nstruct s {\n\tint a;\n};\n\n'
            "static void\ng(int a,\n    int b)\n{\n}\n")
    cases.check("functions are found", csource.functions(text) ==
                [("f", 3, 7), ("g", 16, 4)], str(csource.functions(text)))


def main():
    cases = vmtest.Cases(verbose=False)
    parser_cases(cases)
    rules = sorted({s[0] for s in SEEDS})
    with tempfile.TemporaryDirectory() as top:
        tree(top)
        for rule in rules:
            status, out = lint(top, rule)
            if status == vmtest.SKIP:
                cases.missing(rule, out.strip())
                continue
            cases.check(f"{rule}: a correct tree", status == 0, out)
    for n, (rule, path, text) in enumerate(SEEDS):
        with tempfile.TemporaryDirectory() as top:
            tree(top)
            seed(top, path, text)
            status, out = lint(top, rule)
            if status == vmtest.SKIP:
                continue
            cases.check(f"{rule}: seed {n} is found", status == 1 and
                        f"FAIL {rule}" in out and os.path.basename(
                            path).split(".")[0] in out,
                        f"{text[:60]!r}\n{out}")
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
