# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""What a source file may include: its own layer and the layers below it."""

import os
import re

import csource
from tree import line_of

# A layer includes itself and the layers before it in this list.  The folders
# of src/meson.build and the table of docs/architecture.md must be the same:
# check_layerlist() compares.
LAYERS = ("abi", "libk", "host", "mem", "pmap", "cpu", "machine", "vm", "vfs",
          "kern", "linux", "api", "control", "confine", "cmd")
LAYERS_BUILD, LAYERS_DOC = "src/meson.build", "docs/architecture.md"
HEADERS_ONLY = ("abi",)  # layers that have nothing to build
API = "include/vmspace/"
API_VMSPACE = "include/vmspace/vmspace.h"
API_USERS = ("kern", "linux", "api", "control", "confine", "cmd")
# A freestanding program: its own headers and the numbers of abi.
STUB = "src/machine/stub/program/"

HOST_LAYERS = ("host", "pmap", "cpu", "machine", "control", "confine",
               "cmd")
HOST_HEADER = re.compile(
    r"^((sys(?!/types\.h)|linux|asm|asm-generic|net|netinet|arpa)/.*|(aio|dirent|ftw|glob|"
    r"grp|ifaddrs|mqueue|netdb|poll|pty|pwd|sched|semaphore|signal|spawn|"
    r"syscall|termios|ucontext|utmp|wait)\.h)$")


def layer_of(path):
    return path.split("/")[1] if path.startswith("src/") else None


def resolve(tree, path, header):
    """The file that a quoted include means."""
    for base in (os.path.dirname(path), "src", "include"):
        target = os.path.normpath(os.path.join(base, header))
        if target in tree.known:
            return target
    return None


def upward(path, target):
    """What is wrong with including target in path; None: nothing."""
    a, b = layer_of(path), layer_of(target)
    if path.startswith(API):
        return None if target.startswith(API) else "a public header includes"
    if target == API_VMSPACE and a in ("vm", "machine"):
        return None  # vm and machine implement struct vmspace
    if target.startswith(API):
        return None if a in API_USERS else f"{a} includes the public"
    if path.startswith(STUB):
        return None if target.startswith(STUB) or b == "abi" else \
            "the stub includes"
    if a in LAYERS and b in LAYERS:
        if LAYERS.index(b) > LAYERS.index(a):
            return f"{a} includes, from the higher layer {b},"
        if target.endswith("_int.h") and a != b:
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


def check_layerlist(tree):
    """The layers, lowest first, are the same here, in the build (the folders
    of src/meson.build, in its order) and in the document (the first column of
    the table of layers, highest first)."""
    def compare(path, found, want):
        have = [name for name, _ in found]
        if have != list(want):
            at = next((n for n, (a, b) in enumerate(zip(have, want))
                       if a != b), min(len(have), len(want)))
            line = found[at][1] if at < len(found) else \
                (found[-1][1] if found else 1)
            tree.add(path, line, f"the layers are {', '.join(have) or 'none'};"
                                 f" lint.py has {', '.join(want)}")

    if LAYERS_BUILD in tree.known:
        text = tree.read(LAYERS_BUILD)
        compare(LAYERS_BUILD, [
            (m.group(1), line_of(text, m.start()))
            for m in re.finditer(r"^subdir\('(\w+)'\)", text, re.M)],
                [x for x in LAYERS if x not in HEADERS_ONLY])
    if LAYERS_DOC in tree.known:
        text = tree.read(LAYERS_DOC)
        table = re.search(r"^\| layer \|.*\n\|[-| ]+\n((?:\|.*\n)*)", text,
                          re.M)
        if table is None:
            tree.add(LAYERS_DOC, 1, 'no table whose first column is "layer"')
            return
        at = line_of(text, table.start(1))
        compare(LAYERS_DOC, [
            (row.split("|")[1].strip().strip("`"), at + n) for n, row in
            enumerate(table.group(1).splitlines())], LAYERS[::-1])
    folders = {layer_of(p) for p in tree.known if p.count("/") > 1} - {None}
    for name in sorted(folders - set(LAYERS)):
        tree.add(f"src/{name}/", 1, f"src/{name} is not a layer of lint.py")
