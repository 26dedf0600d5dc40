# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""lint.py --self-test: violations seeded one by one into a small correct tree.
Each must be found, in its file and line, by its check; and nothing before."""

import json
import os
import shutil
import subprocess
import tempfile

import csource
import lint
import mksyscalls
import vmtest

HEAD = "\n".join(lint.HEAD_C) + "\n\n"
THEORY = "/*\n * A file of a small correct tree, which lint accepts as it is.\n */\n"
GUARD = HEAD + "#ifndef %s_H\n#define %s_H\n\n%s\n\n#endif /* %s_H */\n"
GOOD = (HEAD + THEORY + '#include "vm/vm_good.h"\n\n#include <stddef.h>\n\n'
        "static const int table[] = {1, 2};\n\n"
        "int\nvm_good(int n)\n{\n\treturn (n + table[0]);\n}\n")
END = GOOD.count("\n") + 1  # the first line that is appended
SPDX = "# " + lint.SPDX + "\n"
ALLOW = "tests/lint/globals.txt"


def header(name, text):
    return GUARD % (name, name, text, name)


CALLS = ("0\tread\tsys_read\tfd,ptr,size\tfull\n"
         "1\twrite\tsys_write\tfd,ptr,size\tpartial: only zeros\n"
         "2\tgone\t-\t-\n3\trefused\tsys_eperm\tint\n")
PAGE = mksyscalls.doc_text([mksyscalls.Call(c) for c in CALLS.splitlines()])
TBL_END = CALLS.count("\n") + 2
FILES = {
    "meson.build": SPDX,
    "CAVEATS.md": "src/vm/vm_named.c is not finished.\n",
    "include/vmspace/api.h": header("API", "int api(void);"),
    "src/libk/k.h": header("K", "int k(void);"),
    "src/libk/k_int.h": header("K_INT", "int k_int(void);"),
    "src/host/h.c": HEAD + THEORY + "#include <sys/mman.h>\n",
    "src/mem/vm_types.h": header("TYPES", '#include "libk/k.h"'),
    "src/vm/vm_good.h": header("GOOD", "int vm_good(int n);"),
    "src/vm/vm_good.c": GOOD,
    "src/vm/vm_named.c": HEAD + THEORY + "/* XX" "X */\n",
    "src/pmap/pmap.h": header("PMAP", '#include "mem/vm_types.h"'),
    "src/machine/stub/s.c": HEAD + THEORY + '#include "cpu/cpu.h"\n',
    "src/cpu/cpu.h": header("CPU", '#include "pmap/pmap.h"'),
    "src/linux/sys.h": header("SYS", '#include "kern/kern.h"'),
    "src/kern/kern.h": header("KERN", '#include "vmspace/api.h"'),
    "scripts/run": "#!/bin/sh\n" + SPDX + "exit 0\n",
    lint.SYSCALLS: SPDX + CALLS,
    lint.SYSCALLS_DOC: PAGE,
    ALLOW: SPDX,
}
LINES = "\tn = n + 1;\n"
LONG = "int\nvm_long(int n)\n{\n%s\treturn (n);\n}\n"

# check, file, text to append (str) or to have (bytes), line: what is seeded.
# Split words are for lint, which reads this file, too.
C = "src/vm/vm_good.c"
SEEDS = [
    ("layers", C, '#include "kern/kern.h"\n', END),
    ("layers", C, ' #  include "kern/kern.h"\n', END),
    ("layers", C, '#include "vm/missing.h"\n', END),
    ("layers", C, '#include "libk/k_int.h"\n', END),
    ("layers", C, '#include "vmspace/api.h"\n', END),
    ("layers", "src/host/h.c", '#include "mem/vm_types.h"\n', 8),
    ("layers", "src/mem/vm_types.h", '#include "pmap/pmap.h"\n', 10),
    ("layers", "src/mem/vm_types.h", '#include "vm/vm_good.h"\n', 10),
    ("layers", "src/pmap/pmap.c", '#include "vm/vm_good.h"\n', 1),
    ("layers", "src/kern/kern.h", '#include "linux/sys.h"\n', 10),
    ("layers", "src/pmap/pmap.c", '#include "cpu/cpu.h"\n', 1),
    ("layers", "src/machine/stub/program/stub.c", '#include "cpu/cpu.h"\n', 1),
    ("layers", "include/vmspace/api.h", '#include "libk/k.h"\n', 10),
    ("layers", "src/new/new.c", '#include "libk/k.h"\n', 1),
    ("hosthdr", C, "#include <sys/mman.h>\n", END),
    ("hosthdr", "src/kern/kern.h", "#include <poll.h>\n", 10),
    ("hosthdr", "include/vmspace/api.h", "#include <linux/futex.h>\n", 10),
    ("headers", "src/vm/vm_good.h", "size_t vm_undeclared(void);\n", 10),
    ("headers", "src/vm/vm_good.h", "int vm_old();\n", 10),
    ("headers", "tests/t.h", "struct twice {\n\tint a;\n};\n", 1),
    ("size", C, "\n" * 1000, 1),
    ("size", "bench/run.py", "\n" * 1001, 1),
    ("size", C, LONG % (LINES * 97), END + 1),
    ("size", "tests/t.c", LONG % (LINES * 97), 2),
    ("head", "src/vm/new.c", THEORY, 1),
    ("head", "tests/t.c", lint.HEAD_C[0] + "\n\nint n;\n", 2),
    ("head", "tests/t.py", "print(1)\n", 1),
    ("head", "scripts/new", "#!/bin/sh\nexit 0\n", 1),
    ("head", "src/new/meson.build", "x = 1\n", 1),
    ("head", "src/vm/new.c", HEAD + "#include <stddef.h>\n", 3),
    ("head", "src/vm/new.c", HEAD + "/* Misc. */\n", 3),
    ("head", "src/vm/new.c", HEAD + "/*\n * Misc.\n */\n", 3),
    ("head", "src/vm/new.c", HEAD + "int n;\n" + THEORY, 3),
    ("words", C, "/* XX" "X: not all */\n", END),
    ("words", "scripts/run", "# TO" "DO\n", 4),
    ("words", "tests/t.c", "\n/* wrong, for" " now */\n", 2),
    ("words", "bench/b.py", "# FIX" "ME\n", 1),
    ("style", C, "#if 0\n#endif\n", END),
    ("style", C, "\tassert(1);\n", END),
    ("style", C, "\tsprintf(a, b);\n", END),
    ("style", C, "\t/* vm_good(5); */\n", END),
    ("style", C, "// no\n", END),
    ("names", C, "/* see /wo" "rk/x */\n", END),
    ("names", "notes.md", "\n.libr" "ary\n", 2),
    ("names", "notes.md", "https://py" "pi.org/x\n", 1),
    ("names", "meson.build", "# /home" "/me/src\n", 2),
    ("scripts", "scripts/run", "if true; then\n", None),
    ("scripts", "tests/t.py", "\ndef f(:\n", 2),
    ("syscalls", lint.SYSCALLS, "9\tnew\tsys_new\t-\n", TBL_END),
    ("syscalls", lint.SYSCALLS, "9\tnew\tsys_new\t-\tpartial\n", TBL_END),
    ("syscalls", lint.SYSCALLS, "9\tnew\tsys_new\t-\tfull: all\n", TBL_END),
    ("syscalls", lint.SYSCALLS, "9\tnew\tsys_eperm\t-\tfull\n", TBL_END),
    ("syscalls", lint.SYSCALLS, "9\tnew\t-\tpartial: it\n", TBL_END),
    ("syscalls", lint.SYSCALLS_DOC, "| 4 | `more` | full |  |\n",
     PAGE.count("\n") + 1),
    ("layout", C, "int   z ( int a ) ;\n", END),
    ("layout", "tests/t.c", "int x ;\n", 1),
    ("globals", C, "int vm_counter = 5;\n", 1),
    ("globals", C, "int *p(void);\nint *\np(void)\n{\n\tstatic int c;\n\n"
                   "\treturn (&c);\n}\n", 1),
    ("globals", ALLOW, "src/vm/vm_good.c gone  a reason\n", 2),
    ("globals", ALLOW, "src/vm/vm_good.c table\n", 2),
    ("tidy", C, "int f(int *p);\nint\nf(int *p)\n{\n\treturn (p == 0 ? *p : 0)"
                ";\n}\n", END + 4),
    ("tidy", C, "unsigned long f(int *p);\nunsigned long\nf(int *p)\n{\n"
                "\treturn (sizeof(sizeof(*p)));\n}\n", END + 4),
]
# These must be accepted.
FINE = [
    ("head", "tests/fuzz/corpus/elf/script", "#!/bin/sh\n"),
    ("globals", C, "static _Thread_local int c;\nint *p(void);\nint *\np(void)"
                   "\n{\n\treturn (&c);\n}\n"),
    ("globals", C, "extern const char *const vm_names[1];\n"
                   'const char *const vm_names[] = {"a"};\n'),
    ("style", C, '/* assert(x) */\nstatic const char t[] = "#if 0 gets(";\n'),
    ("size", C, LONG % (LINES * 96)),
    ("words", "tests/t.c", '\tmktemp("/tmp/a.XXXX' 'XX");\n'),
]


def write(top, path, text, mode):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, mode, encoding="utf-8") as f:
        f.write(text)


def build(top):
    """What meson leaves: an object, and how it was made."""
    out = os.path.join(top, "build")
    os.makedirs(os.path.join(out, "src"))
    command = ["cc", "-std=gnu17", "-w", "-I../src", "-c", "../" + C, "-o",
               "src/vm_good.o"]
    subprocess.run(command, cwd=out, check=True)
    with open(os.path.join(out, "compile_commands.json"), "w",
              encoding="utf-8") as f:
        json.dump([{"directory": out, "command": " ".join(command),
                    "file": "../" + C, "output": "src/vm_good.o"}], f)
    return out


def linted(check, path=None, text=""):
    """The tree after the check, with a seed or without."""
    with tempfile.TemporaryDirectory() as top:
        for name, body in FILES.items():
            write(top, name, body, "w")
        for name in (".clang-format", ".clang-tidy"):
            shutil.copy(os.path.join(lint.HERE, "..", "..", name), top)
        if path:
            write(top, path, text, "a")
        needs_build = check in ("globals", "tidy")
        tree = lint.Tree(top, build(top) if needs_build else None)
        dict(lint.CHECKS, tidy=lint.check_tidy)[check](tree)
        return tree


def parser(cases):
    text = ('/* { */\nint\nf(char *s)\n{\n\tif (*s == \'{\')\n\t\treturn (1);'
            '\n\ts = "}\\"";\n\treturn (0);\n}\n\nstruct s {\n\tint a;\n};\n\n'
            "static void\ng(int a,\n    int b)\n{\n}\n")
    got = csource.functions(text)
    cases.check("functions are found", got == [("f", 3, 7), ("g", 16, 4)], got)


def main():
    cases = vmtest.Cases(verbose=False)
    parser(cases)
    absent = set()
    for check in dict.fromkeys(s[0] for s in SEEDS):
        tree = linted(check)
        if tree.missing or tree.skipped:
            absent.add(check)
            cases.skip(check, tree.skipped or f"{tree.missing} is missing")
            continue
        cases.check(f"{check}: a correct tree", not tree.found, tree.found)
    for n, (check, path, text, line) in enumerate(SEEDS):
        if check not in absent:
            found = linted(check, path, text).found
            cases.check(f"{check}: seed {n} is found", any(
                p == path and line in (None, int(at)) for p, at, _ in found),
                f"{path}:{line}: {text[:60]!r}, found: {found}")
    for check, path, text in FINE:
        if check not in absent:
            found = linted(check, path, text).found
            cases.check(f"{check}: accepts {text[:40]!r}", not found, found)
    untested = set(lint.CHECKS) - {s[0] for s in SEEDS}
    cases.check("each check has a seed", not untested, untested)
    return cases.finish()
