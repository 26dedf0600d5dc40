# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Rules of single files: heads, sizes, words, style, scripts; each header
compiles alone."""

import collections
import itertools
import os
import re
import shutil

import csource
import mksyscalls
from tree import C_TOPS, SPDX, line_of, parallel, run, shebang

FILE_AIM, FILE_MAX = 600, 1000
FUNC_AIM, FUNC_MAX = 60, 80
FOLDER_MAX = 20  # .c files

HEAD_C = ("/* SPDX-License-Identifier: BSD-2-Clause */",
          "/* Copyright (c) 2026 The vmspace authors */")
HEAD_OTHER = (".py", ".sh", ".pml", ".lds", ".tbl", "meson.build",
              "meson_options.txt")

# No pattern matches itself: the files of lint are linted, too.
UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K]|for no[w])\b")
PRIVATE = re.compile(
    r"/wor[k]/|\.librar[y]\b|shared/desig[n]|/hom[e]/\w+/|/User[s]/|"
    r"pypi\.or[g]|pythonhosted\.or[g]|registry\.npmj[s]|crates\.i[o]|"
    r"proxy\.golang\.or[g]|rubygems\.or[g]|artifactor[y]|deb\.debian\.or[g]")
# Words of riddles: a text names the thread, the process, the caller.  Between
# two words there may be the end of a line and the star of a comment.
ENGLISH = re.compile(
    r"\b(whoeve[r]|nobod[y]|somebod[y]|wh[o]_has|is_tol[d]|are_tol[d]|"
    r"the_one_tha[t])\b".replace("_", r"(?:\s|[*#]|//)+"), re.I)
PROSE = (".c", ".h", ".S", ".py", ".sh", ".md", ".pml", ".tbl", ".txt", ".1",
         ".3", ".7", ".lds", "meson.build", "meson_options.txt")
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

    headers = [p for p, _ in tree.files(C_TOPS, (".h",)) if tree.to_check(p)]
    for path, error in parallel(compile_one, headers):
        if error:
            tree.add(path, error[0] or 1, error[1])


def check_size(tree):
    folders = collections.Counter(
        os.path.dirname(p) for p, _ in tree.files(C_TOPS, (".c",)))
    for folder, n in folders.items():
        if n > FOLDER_MAX:
            tree.add(folder + "/", 1, f"folder of {n} .c files, at most "
                                      f"{FOLDER_MAX}")
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
    """The licence; and a theory comment in each source."""
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
    caveats = tree.read("CAVEATS.md") if "CAVEATS.md" in tree.known else ""
    for path, text in tree.files(C_TOPS + ("scripts/",)):
        for m in UNFINISHED.finditer(text):
            if path not in caveats:
                tree.add(path, line_of(text, m.start()), f'"{m.group(1)}", '
                         f"and CAVEATS.md does not name {path}")


def check_english(tree):
    for path, text in tree.files():
        if not path.endswith(PROSE) and not shebang(text):
            continue
        for m in ENGLISH.finditer(text):
            words = " ".join(re.findall(r"\w+", m.group(1)))
            tree.add(path, line_of(text, m.start()),
                     f'"{words}": name the thread, process, caller or object')


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
    """No path or address of a developer's machine."""
    for path, text in tree.files():
        for m in PRIVATE.finditer(text):
            tree.add(path, line_of(text, m.start()), f'"{m.group(0)}"')


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
    """Each system call has its state, and the page is made of the table."""
    if SYSCALLS not in tree.known:
        return
    try:
        want = mksyscalls.doc_text(mksyscalls.read_table(os.path.join(
            tree.root, SYSCALLS)))
    except mksyscalls.TableError as e:
        tree.add(SYSCALLS, *e.args)
        return
    have = tree.read(SYSCALLS_DOC) if SYSCALLS_DOC in tree.known else ""
    if have != want:
        pairs = itertools.zip_longest(have.split("\n"), want.split("\n"))
        line = next(n for n, (a, b) in enumerate(pairs, 1) if a != b)
        tree.add(SYSCALLS_DOC, line, "is not what scripts/mksyscalls.py --doc "
                                     f"makes of {SYSCALLS}")
