# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""What the documents name exists: paths of files, functions, links, figures."""

import os
import re

import csource
from tree import run

PATH = re.compile(
    r"`((?:src|tests|docs|scripts|include|bench|man|examples)/[\w./-]*)`")
CALL = re.compile(r"`([a-z_][a-z0-9_]*)\(\)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)")
# Made by runs; and a name with a part in capitals is a pattern.
NOT_FILES = ("bench/results",)
PATTERN = re.compile(r"(^|[/_.])[A-Z]{3,}([/_.-]|$)")
FIGURES = "docs/figures/make.py"
# Functions of the host's libraries and calls of Linux are no functions here.
OTHERS = re.compile(
    r"^(sync|clone3?|fork|vfork|exec\w*|exit|wait\w*|kill|read|write|open|close|"
    r"mmap|munmap|mprotect|mlock\w*|msync|brk|futex|poll|ppoll|pread\w*|"
    r"pwrite\w*|process_vm_\w+|rt_sig\w+|sig\w+|copy_\w+|get_user_pages|main|"
    r"getrandom|mem\w+|setgroups|getgroups|sendfile|splice|stat|fstat|"
    r"ptrace|personality|madvise|mincore|pipe|dup\d?|pthread_\w+)$")


def defined(tree):
    """Names of the functions of the project, prototypes and macros included."""
    names = set()
    for path, text in tree.files(("src/", "include/", "tests/", "examples/"),
                                 (".c", ".h", ".S")):
        if path.endswith(".c"):
            names.update(n for n, _, _ in csource.functions(text))
        names.update(re.findall(r"\b([a-z_]\w*)\(", csource.strip(text))
                     if path.endswith((".h", ".S")) else ())
    for _, text in tree.files(("tests/", "scripts/", "bench/"), (".py",)):
        names.update(re.findall(r"^\s*def (\w+)\(", text, re.M))
    return names


def check_docs(tree):
    folders = {os.path.dirname(p) for p in tree.paths}
    folders |= {os.path.dirname(f) for f in folders}
    names = defined(tree)
    for path, text in tree.files(("",), (".md",)):
        if path == "STYLE.md":
            continue  # its names are examples
        base = os.path.dirname(path)
        for n, line in enumerate(text.splitlines(), 1):
            for name in PATH.findall(line):
                name = name.rstrip("/")
                if PATTERN.search(name):
                    continue
                if name not in tree.known and name not in folders and \
                        name not in NOT_FILES:
                    tree.add(path, n, f"{name} does not exist")
            for name in CALL.findall(line):
                if name not in names and not OTHERS.match(name):
                    tree.add(path, n, f"no function {name}()")
            for name in LINK.findall(line):
                target = os.path.normpath(os.path.join(base, name))
                if "://" not in name and target not in tree.known and \
                        target not in folders:
                    tree.add(path, n, f"the link to {name} leads nowhere")
    if FIGURES in tree.paths:
        r = run([os.path.join(tree.root, FIGURES), "--check"], tree.root)
        if r.returncode != 0:
            tree.add(FIGURES, 1, (r.stdout + r.stderr).strip()[:200])
