# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""What the objects of a build show: writable data, data of a thread, and which
files and folders need each other."""

import collections
import json
import os
import re
import shutil

import csource
from layers import resolve
from tree import run

ALLOW = "tests/lint/globals.txt"
CIRCLE_MAX = 6  # files of one folder that need each other


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
        source = os.path.realpath(os.path.join(e["directory"], e["file"]))
        made = source.startswith(tree.build + "/")
        source = os.path.relpath(source, tree.build if made else tree.root)
        if e["output"].startswith(("src/", "vmspace.p/")):
            out.append((source, os.path.join(e["directory"], e["output"]),
                        e["command"]))
    if not out:
        tree.add(os.path.basename(db), 1, "has no object of a layer")
    return out


def built(tree, tool):
    """The objects that exist, or none and a reason in the tree."""
    if shutil.which(tool) is None:
        tree.missing = tool
        return []
    found = []
    for source, obj, command in objects(tree):
        if "-fsanitize" in command:
            tree.skipped = "a sanitizer adds data and calls of its own"
            return []
        if os.path.exists(obj):
            found.append((source, obj))
        else:
            tree.add(source, 1, f"{obj} is not built")
    return found


# ---- globals ----

def variables(objs):
    """(source, name, is it a thread's) of the variables in objects that can
    be written."""
    source_of = {obj: source for source, obj in objs}
    r = run(["readelf", "-W", "-S", "-s", *source_of])
    source, sections = source_of[objs[0][1]] if objs else None, {"COM"}
    for line in r.stdout.splitlines():
        if line.startswith("File: "):
            source, sections = source_of[line[6:]], {"COM"}
            continue
        m = re.match(r"\s*\[\s*(\d+)\] (\.(?:data|bss)(?:\.\S*)?) ", line)
        if m and not m.group(2).startswith(".data.rel.ro"):
            sections.add(m.group(1))
        f = line.split()
        if len(f) == 8 and (f[3] == "TLS" and f[6] != "UND" or
                            f[3] == "OBJECT" and f[6] in sections):
            yield source, re.sub(r"\.\d+$", "", f[7]), f[3] == "TLS"


def libc_functions():
    """What the C library exports, by name."""
    path = run([os.environ.get("CC", "cc").split()[-1],
                "-print-file-name=libc.so.6"]).stdout.strip()
    r = run(["nm", "-D", "-P", "--defined-only", path])
    return {re.sub(r"@.*", "", line.split()[0])
            for line in r.stdout.splitlines() if line}


def check_libc_names(tree, objs):
    """A function with a name of the C library replaces that one, for all that
    is linked with it: where a program calls sem_destroy(), ours would run."""
    source_of = {obj: source for source, obj in objs}
    libc = libc_functions()
    if "sem_destroy" not in libc:
        tree.add("tests/lint/objects.py", 1, "no libc.so.6 with symbols")
    r = run(["nm", "-A", "-P", "--defined-only", "--extern-only", *source_of])
    for line in r.stdout.splitlines():
        obj, _, rest = line.rpartition(": ")
        f = rest.split()
        if obj in source_of and len(f) > 1 and f[1] == "T" and f[0] in libc:
            tree.add(source_of[obj], 1,
                     f"function {f[0]} has the name of one of the C library")


def check_globals(tree):
    """All state hangs off struct vkernel, or is in globals.txt; no function
    has a name of the C library."""
    objs = built(tree, "readelf")
    if tree.skipped or tree.missing:
        return
    listed, used = {}, set()
    for n, line in enumerate(tree.read(ALLOW).splitlines()
                             if ALLOW in tree.known else [], 1):
        f = line.split(None, 2)
        if f and not line.startswith("#"):
            listed[tuple(f[:2])] = n
            if len(f) < 3:
                tree.add(ALLOW, n, "no reason")
    for source, name, of_thread in sorted(set(variables(objs))):
        used.add((source, name))
        if (source, name) not in listed:
            kind = "thread-local variable" if of_thread else "writable global"
            tree.add(source, 1, f"{kind} {name} is not in {ALLOW}")
    check_libc_names(tree, objs)
    for key in sorted(set(listed) - used):
        tree.add(ALLOW, listed[key], f"{' '.join(key)} does not exist")


# ---- circles ----

def components(graph):
    """The sets of nodes that reach each other, those of two and more."""
    index, low, on, stack, out = {}, {}, set(), [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        on.add(v)
        for w in graph.get(v, ()):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in on:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = []
            while not part or part[-1] != v:
                part.append(stack.pop())
                on.discard(part[-1])
            if len(part) > 1:
                out.append(sorted(part))

    for v in sorted(graph):
        if v not in index:
            visit(v)
    return sorted(out)


def by_symbols(objs):
    """{file: {file: {symbols}}}: which file uses what another one defines."""
    source_of = {obj: source for source, obj in objs}
    defined, used = {}, []
    r = run(["nm", "-A", "-P", *source_of])
    for line in r.stdout.splitlines():
        obj, _, rest = line.rpartition(": ")
        f = rest.split()
        source = source_of.get(obj)
        if source is None or len(f) < 2:
            continue
        if f[1] in "TDBRVWC":
            defined[f[0]] = source
        elif f[1] == "U":
            used.append((source, f[0]))
    graph = collections.defaultdict(lambda: collections.defaultdict(set))
    for source, symbol in used:
        target = defined.get(symbol, source)
        if target != source:
            graph[source][target].add(symbol)
    return graph


def by_includes(tree):
    """The same of includes: {file: {file: {headers}}}."""
    graph = collections.defaultdict(lambda: collections.defaultdict(set))
    for path, text in tree.files(("src/",), (".c", ".h")):
        for _, header, quoted in csource.includes(text):
            target = resolve(tree, path, header) if quoted else None
            if target and target != path and target.startswith("src/"):
                graph[path][target].add(header)
    return graph


def of_folders(graph):
    """A graph of files as one of their folders; edges say who needs what."""
    out = collections.defaultdict(lambda: collections.defaultdict(set))
    for a, edges in graph.items():
        for b, what in edges.items():
            x, y = os.path.dirname(a), os.path.dirname(b)
            if x != y:
                out[x][y].update(f"{os.path.basename(a)} -> "
                                 f"{os.path.basename(b)}: {w}" for w in what)
    return out


def circles(tree, objs):
    """{kind: (graph, circles)}"""
    files, includes = by_symbols(objs), by_includes(tree)
    graphs = {"folders by symbols": of_folders(files),
              "folders by includes": of_folders(includes),
              "files by symbols": files}
    return {k: (g, components(g)) for k, g in graphs.items()}


def check_circles(tree):
    """No folders of src/ need each other, in a circle; within a folder few
    files do."""
    objs = built(tree, "nm")
    if tree.skipped or tree.missing:
        return
    found = circles(tree, objs)
    for kind in ("folders by symbols", "folders by includes"):
        graph, parts = found[kind]
        for part in parts:
            for a in part:
                for b in part:
                    if graph[a].get(b):
                        edges = sorted(graph[a][b])
                        tree.add(a + "/", 1, f"needs {b}/ in a circle of "
                                 f"{kind} ({len(edges)}: {edges[0]}, ...)")
    for part in found["files by symbols"][1]:
        folders = {os.path.dirname(p) for p in part}
        if len(part) > CIRCLE_MAX and len(folders) == 1:
            for p in part:
                tree.add(p, 1, f"in a circle of {len(part)} files, at most "
                               f"{CIRCLE_MAX}")


def print_circles(tree, verbose):
    """lint.py --circles: what there is, whether it is accepted or not."""
    objs = built(tree, "nm")
    if tree.skipped or tree.missing:
        print(tree.skipped or f"{tree.missing} is missing")
        return 1
    for kind, (graph, parts) in circles(tree, objs).items():
        sizes = ", ".join(str(len(p)) for p in parts)
        print(f"circles of {kind}: {len(parts)}"
              f"{' (of ' + sizes + ')' if parts else ''}")
        for part in parts:
            print("   " + " ".join(part))
            for a in part if kind.startswith("folders") else ():
                for b in part:
                    edges = sorted(graph[a].get(b, ()))
                    if edges:
                        print(f"      {a} -> {b}: {len(edges)}")
                    for e in edges if verbose else edges[:3]:
                        print(f"         {e}")
    return 0
