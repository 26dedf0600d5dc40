# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""lint.py --self-test: violations seeded one by one into a small correct tree.
Its check must find each in its file and line, and must accept the tree before.
"""

import concurrent.futures
import json
import os
import shutil
import subprocess
import tempfile

import abi
import csource
import layers
import lint
import mksyscalls
import objects
import sources
import tree as lint_tree
import vmtest

HEAD = "\n".join(sources.HEAD_C) + "\n\n"
THEORY = "/*\n * A file of a small correct tree, which lint accepts as it is.\n */\n"
GUARD = HEAD + "#ifndef %s_H\n#define %s_H\n\n%s\n\n#endif /* %s_H */\n"
GOOD = (HEAD + THEORY + '#include "vm/vm_good.h"\n\n#include <stddef.h>\n\n'
        "static const int table[] = {1, 2};\n\n"
        "int\nvm_good(int n)\n{\n\treturn (n + table[0]);\n}\n")
END = GOOD.count("\n") + 1  # the first line that is appended
SPDX = "# " + lint_tree.SPDX + "\n"
ALLOW, EXCEPT = objects.ALLOW, lint_tree.EXCEPTIONS


def header(name, text):
    return GUARD % (name, name, text, name)


CALLS = ("0\tread\tsys_read\tfd,ptr,size\tfull\n"
         "1\twrite\tsys_write\tfd,ptr,size\tpartial: only zeros\n"
         "2\tgone\t-\t-\n3\trefused\tsys_eperm\tint\n")
PAGE = mksyscalls.doc_text([mksyscalls.Call(c) for c in CALLS.splitlines()])
TBL_END = CALLS.count("\n") + 2
BUILD = SPDX + "".join(f"subdir('{x}')\n" for x in layers.LAYERS
                       if x not in layers.HEADERS_ONLY)
DOC = "# Layers\n\n| layer | for |\n|---|---|\n" + "".join(
    f"| {x} | `src/{x}` |\n" for x in layers.LAYERS[::-1]) + "\nEnd.\n"
FILES = {
    "meson.build": SPDX,
    layers.LAYERS_BUILD: BUILD,
    layers.LAYERS_DOC: DOC,
    "CAVEATS.md": "src/vm/vm_named.c is not finished.\n",
    "include/vmspace/api.h": header("API", "int api(void);"),
    "src/libk/k.h": header("K", "int k(void);"),
    "src/libk/k_int.h": header("K_INT", "int k_int(void);"),
    "src/host/h.c": HEAD + THEORY + "#include <sys/mman.h>\n",
    "src/mem/vm_types.h": header("TYPES", '#include "libk/k.h"'),
    "src/abi/mman.h": header("MMAN", "#define LX_MAP_FIXED 0x10"),
    "src/vm/vm_good.h": header("GOOD", "int vm_good(int n);"),
    "src/vm/map/map.c": HEAD + THEORY + '#include "vm/vm_good.h"\n\n'
                        "int vm_map(void);\n\nint\nvm_map(void)\n{\n"
                        "\treturn (vm_good(1));\n}\n",
    "src/vm/vm_good.c": GOOD,
    "src/vm/vm_named.c": HEAD + THEORY + "/* XX" "X */\n",
    "src/pmap/pmap.h": header("PMAP", '#include "mem/vm_types.h"'),
    "src/machine/stub/s.c": HEAD + THEORY + '#include "cpu/cpu.h"\n',
    "src/cpu/cpu.h": header("CPU", '#include "pmap/pmap.h"'),
    "src/linux/sys.h": header("SYS", '#include "kern/kern.h"'),
    "src/kern/kern.h": header("KERN", '#include "vmspace/api.h"'),
    "src/vfs/v.h": header("V", "int v(void);"),
    "src/api/a.h": header("A", "int a(void);"),
    "src/control/c.h": header("C", "int c(void);"),
    "src/confine/f.h": header("F", "int f(void);"),
    "src/cmd/c.h": header("C", "int c(void);"),
    "scripts/run": "#!/bin/sh\n" + SPDX + "exit 0\n",
    sources.SYSCALLS: SPDX + CALLS,
    sources.SYSCALLS_DOC: PAGE,
    ALLOW: SPDX,
    EXCEPT: SPDX,
}
LINES = "\tn = n + 1;\n"
LONG = "int\nvm_long(int n)\n{\n%s\treturn (n);\n}\n"

# What is seeded: check, file, text to append or (old text, new text), line of
# the violation.  "%d" in a name stands for MANY files, 0.c and so on; in their
# text it is the number, and %e the next one in a ring.  Words are split because
# lint reads this file, too.
MANY = sources.FOLDER_MAX + 1
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
    ("layers", EXCEPT, "layers src/vm/vm_good.c gone\n", 2),
    ("layers", EXCEPT, "layers src/vm/vm_good.c\n", 2),
    ("layerlist", layers.LAYERS_BUILD, "subdir('new')\n",
     BUILD.count("\n") + 1),
    ("layerlist", layers.LAYERS_BUILD, (
        "subdir('vm')\nsubdir('vfs')", "subdir('vfs')\nsubdir('vm')"), 8),
    ("layerlist", layers.LAYERS_DOC, ("| vm | `src/vm` |\n", ""), None),
    ("layerlist", layers.LAYERS_DOC, ("| vm |", "| mv |"), 12),
    ("layerlist", layers.LAYERS_DOC, ("| layer |", "| name |"), 1),
    ("layerlist", "src/new/new.c", HEAD, 1),
    ("hosthdr", C, "#include <sys/mman.h>\n", END),
    ("hosthdr", "src/kern/kern.h", "#include <poll.h>\n", 10),
    ("hosthdr", "include/vmspace/api.h", "#include <linux/futex.h>\n", 10),
    ("headers", "src/vm/vm_good.h", "size_t vm_undeclared(void);\n", 10),
    ("headers", "src/vm/vm_good.h", "int vm_old();\n", 10),
    ("headers", "tests/t.h", "struct twice {\n\tint a;\n};\n", 1),
    ("size", C, "\n" * 1000, 1),
    ("size", "bench/run.py", "\n" * 1001, 1),
    ("size", C, LONG % (LINES * 77), END + 1),
    ("size", "tests/t.c", LONG % (LINES * 77), 2),
    ("size", "src/vm/new/%d.c", HEAD, 1),
    ("abi", C, "#define LX_ANYTHING 5\n", END),
    ("abi", C, "#define MAP_FIXED 0x10u\n", END),
    ("abi", C, "# define VPOLLIN (1 << 0)\n", END),
    ("abi", C, "enum {\n\tOTHER = 1, /* one */\n\tEPERM = 1,\n};\n", END + 2),
    ("abi", C, "enum which { RUSAGE_SELF_, RUSAGE_OTHER };\n", END),
    ("abi", C, "static const int FUTEX_WAKE = 1;\n", END),
    ("abi", C, "#ifndef AT_EMPTY_PATH\n#define AT_EMPTY_PATH 0x1000\n"
               "#endif\n", END + 1),
    ("abi", "src/machine/stub/program/p.c", "enum {\n\tNR_mmap = 9,\n};\n", 2),
    ("abi", "include/vmspace/api.h", "#define O_RDONLY 0\n", 10),
    ("head", "src/vm/new.c", THEORY, 1),
    ("head", "tests/t.c", sources.HEAD_C[0] + "\n\nint n;\n", 2),
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
    ("english", C, "/* for whoeve" "r reads */\n", END),
    ("english", C, "\n/*\n * The caller is\n * tol" "d of it.\n */\n", END + 2),
    ("english", "notes.md", "\n\nNobod" "y asks.\n", 3),
    ("english", "scripts/run", "# the one\n# tha" "t asks\n", 4),
    ("english", "src/linux/new.tbl", "1\tx\t-\tand who ha" "s it\n", 1),
    ("style", C, "#if 0\n#endif\n", END),
    ("style", C, "\tassert(1);\n", END),
    ("style", C, "\tsprintf(a, b);\n", END),
    ("style", C, "\t/* vm_good(5); */\n", END),
    ("style", C, "// no\n", END),
    ("names", C, "/* see /wo" "rk/x */\n", END),
    ("docs", "notes.md", "\nsee `src/vm/gone.c`\n", 2),
    ("docs", "notes.md", "\nsee `vm_gone()`\n", 2),
    ("docs", "notes.md", "\n[there](gone.md)\n", 2),
    ("names", "notes.md", "\n.libr" "ary\n", 2),
    ("names", "notes.md", "https://py" "pi.org/x\n", 1),
    ("names", "meson.build", "# /home" "/me/src\n", 2),
    ("scripts", "scripts/run", "if true; then\n", None),
    ("scripts", "tests/t.py", "\ndef f(:\n", 2),
    ("syscalls", sources.SYSCALLS, "9\tnew\tsys_new\t-\n", TBL_END),
    ("syscalls", sources.SYSCALLS, "9\tnew\tsys_new\t-\tpartial\n", TBL_END),
    ("syscalls", sources.SYSCALLS, "9\tnew\tsys_new\t-\tfull: all\n", TBL_END),
    ("syscalls", sources.SYSCALLS, "9\tnew\tsys_eperm\t-\tfull\n", TBL_END),
    ("syscalls", sources.SYSCALLS, "9\tnew\t-\tpartial: it\n", TBL_END),
    ("syscalls", sources.SYSCALLS_DOC, "| 4 | `more` | full |  |\n",
     PAGE.count("\n") + 1),
    ("layout", C, "int   z ( int a ) ;\n", END),
    ("layout", "tests/t.c", "int x ;\n", 1),
    ("globals", C, "int vm_counter = 5;\n", 1),
    ("globals", C, "int *p(void);\nint *\np(void)\n{\n\tstatic int c;\n\n"
                   "\treturn (&c);\n}\n", 1),
    ("globals", C, "void sem_destroy(int);\nvoid\nsem_destroy(int n)\n{\n}\n",
     1),
    ("globals", ALLOW, "src/vm/vm_good.c gone  a reason\n", 2),
    ("globals", ALLOW, "src/vm/vm_good.c table\n", 2),
    ("globals", C, "_Thread_local int vm_mine;\n", 1),
    ("globals", C, "int *p(void);\nint *\np(void)\n{\n\tstatic _Thread_local"
                   " int c;\n\n\treturn (&c);\n}\n", 1),
    ("circles", C, "int vm_map(void);\nint vm_new(void);\nint\nvm_new(void)\n"
                   "{\n\treturn (vm_map());\n}\n", None),
    ("circles", "src/vm/vm_good.h", '#include "vm/map/map.h"\n', None),
    ("circles", "src/vm/new/%d.c", "int f%d(void);\nint f%e(void);\nint f%d("
                                   "void)\n{\n\treturn (f%e());\n}\n", 1),
    ("tidy", C, "int f(int *p);\nint\nf(int *p)\n{\n\treturn (p == 0 ? *p : 0)"
                ";\n}\n", END + 4),
    ("tidy", C, "unsigned long f(int *p);\nunsigned long\nf(int *p)\n{\n"
                "\treturn (sizeof(sizeof(*p)));\n}\n", END + 4),
]
# These must be accepted.
FINE = [
    ("head", "tests/fuzz/corpus/elf/script", "#!/bin/sh\n"),
    ("abi", "src/abi/mman.h", "#define LX_MAP_SHARED 1\n"),
    ("abi", C, "#define VM_FIXED LX_MAP_FIXED\n#define FUTEX_BUCKETS 256\n"
               "/* #define MAP_FIXED 1 */\nenum { MAP_ENTRY_COW = 1 };\n"),
    ("abi", "src/host/h.c", "#ifndef AT_EMPTY_PATH\n#define AT_EMPTY_PATH 1\n"
                            "#endif\n#define HOST_POLLIN 1\n"),
    ("layers", "src/machine/stub/program/s.c", '#include "abi/mman.h"\n'),
    ("layers", EXCEPT, "layers src/vm/vm_good.c:kern/kern.h a reason\n",
     C, '#include "kern/kern.h"\n'),
    ("globals", C, "extern const char *const vm_names[1];\n"
                   'const char *const vm_names[] = {"a"};\n'),
    ("style", C, '/* assert(x) */\nstatic const char t[] = "#if 0 gets(";\n'),
    ("size", C, LONG % (LINES * 76)),
    ("words", "tests/t.c", '\tmktemp("/tmp/a.XXXX' 'XX");\n'),
]


def write(top, path, text, mode):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    if isinstance(text, tuple):
        with open(full, encoding="utf-8") as f:
            old = f.read()
        if text[0] not in old:
            raise ValueError(f"{path} does not have {text[0]!r}")
        text, mode = old.replace(*text), "w"
    with open(full, mode, encoding="utf-8") as f:
        f.write(text)


def seed(top, path, text):
    if "%d" not in path:
        write(top, path, text, "a")
        return
    for n in range(MANY):
        write(top, path.replace("%d", str(n)), text.replace(
            "%d", str(n)).replace("%e", str((n + 1) % MANY)), "a")


def build(top):
    """What meson leaves: objects, and how they were made."""
    out = os.path.join(top, "build")
    os.makedirs(os.path.join(out, "src"))
    entries = []
    paths = [C, *FILES, *(f"src/vm/new/{n}.c" for n in range(MANY))]
    for path in dict.fromkeys(p for p in paths if p.startswith(
            "src/vm/") and p.endswith(".c")):
        if not os.path.exists(os.path.join(top, path)):
            continue
        obj = path.replace("/", "_")[:-2].replace("src_", "src/", 1) + ".o"
        command = ["cc", "-std=gnu17", "-w", "-I../src", "-c", "../" + path,
                   "-o", obj]
        subprocess.run(command, cwd=out, check=True, stderr=subprocess.DEVNULL)
        entries.append({"directory": out, "command": " ".join(command),
                        "file": "../" + path, "output": obj})
    with open(os.path.join(out, "compile_commands.json"), "w",
              encoding="utf-8") as f:
        json.dump(entries, f)
    return out


def linted(check, *seeds):
    """(violations, why the check did not run) with seeds: path, text, ..."""
    with tempfile.TemporaryDirectory() as top:
        for name, body in FILES.items():
            write(top, name, body, "w")
        for name in (".clang-format", ".clang-tidy"):
            shutil.copy(os.path.join(lint.HERE, "..", "..", name), top)
        needs_build = check in ("globals", "circles", "tidy")
        for path, text in zip(seeds[::2], seeds[1::2]):
            seed(top, path, text)
        if check == "circles" and seeds[:1] == ("src/vm/vm_good.h",):
            write(top, "src/vm/map/map.h", HEAD, "w")
        tree = lint.check(check, top, build(top) if needs_build else None)
        return tree.found, tree.skipped or (
            tree.missing and f"{tree.missing} is missing")


def concerns(place, path):
    """Is a violation at that file or folder one of the seeded file?"""
    folder = place if place.endswith("/") else place + "/"
    return place == path or path.startswith(folder) or (
        "%d" in path and os.path.dirname(place) == os.path.dirname(path))


def parser(cases):
    text = ('/* { */\nint\nf(char *s)\n{\n\tif (*s == \'{\')\n\t\treturn (1);'
            '\n\ts = "}\\"";\n\treturn (0);\n}\n\nstruct s {\n\tint a;\n};\n\n'
            "static void\ng(int a,\n    int b)\n{\n}\n")
    got = csource.functions(text)
    cases.check("functions are found", got == [("f", 3, 7), ("g", 16, 4)], got)


def main():
    cases = vmtest.Cases(verbose=False)
    parser(cases)
    abi.linux_names()  # once, for all processes of the pool
    with concurrent.futures.ProcessPoolExecutor(lint_tree.JOBS) as pool:
        checks = list(dict.fromkeys(s[0] for s in SEEDS))
        plain = [pool.submit(linted, c) for c in checks]
        seeds = [pool.submit(linted, *s[:3]) for s in SEEDS]
        fine = [pool.submit(linted, *f) for f in FINE]
    absent = {}
    for check, future in zip(checks, plain):
        found, why = future.result()
        if why:
            absent[check] = why
            cases.skip(check, why)
        else:
            cases.check(f"{check}: a correct tree", not found, found)
    for n, ((check, path, text, line), future) in enumerate(zip(SEEDS, seeds)):
        if check not in absent:
            found, _ = future.result()
            cases.check(f"{check}: seed {n} is found", any(
                line in (None, at) and concerns(p, path)
                for p, at, _ in found),
                f"{path}:{line}: {text[:60]!r}, found: {found}")
    for (check, *texts), future in zip(FINE, fine):
        if check not in absent:
            found, _ = future.result()
            cases.check(f"{check}: accepts {texts[-1][:40]!r}", not found,
                        found)
    untested = set(lint.ALL) - {s[0] for s in SEEDS}
    cases.check("each check has a seed", not untested, untested)
    return cases.finish()
