#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The manual pages are well-formed and say what the headers and the command
have.

    check.py [--self-test]

One line a case, "ok   NAME" or "FAIL NAME" with what is wrong below it, and
last "cases: N passed, M failed, K skipped".  Exit status 1: one failed; 77:
none did, but one was skipped because a program for it is not installed.  The
self-test shows to the checks a tree with a seeded error for each, and passes
if each is found.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
sys.dont_write_bytecode = True
import vmtest  # noqa: E402

OVERVIEWS = {"vkernel", "vmspace"}  # names of section 3 that are no function
SECTIONS = ("NAME", "LIBRARY", "SYNOPSIS", "DESCRIPTION", "RETURN VALUES",
            "EXAMPLES", "ERRORS", "SEE ALSO")
CFLAGS = "-std=gnu17 -Wall -Wextra -Werror -fsyntax-only -Iinclude".split()
ARGP = ["help", "usage"]  # options of argp itself
OPTION = r"\bFl -([a-z][a-z-]*)"
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def plain(text):
    """mdoc escapes as what they print."""
    for mark, char in ((r"\e", "\\"), (r"\-", "-"), (r"\&", "")):
        text = text.replace(mark, char)
    return text


def arguments(line):
    """Words of a macro line; quotes group them."""
    return [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', plain(line))]


class Page:
    def __init__(self, path):
        self.file = os.path.basename(path)
        self.name, self.section = self.file.rsplit(".", 1)
        with open(path, encoding="utf-8") as f:
            self.text = f.read().replace("\\\n", "")
        parts = re.split(r'^\.Sh (.+)$', self.text, flags=re.M)
        self.parts = dict(zip(parts[1::2], parts[2::2]))

    def names(self):
        return [line.split()[1] for line in self.parts.get(
            "NAME", "").splitlines() if line.startswith(".Nm ")]

    def prototypes(self):
        """{function: declaration} of the SYNOPSIS."""
        out, kind, name, args = {}, "", None, []
        for line in self.parts.get("SYNOPSIS", "").splitlines():
            macro, _, rest = line.partition(" ")
            words = arguments(rest)
            if macro == ".Ft":
                kind = " ".join(words)
            elif macro == ".Fn":
                out[words[0]] = f"{kind} {words[0]}({', '.join(words[1:])});"
            elif macro == ".Fo":
                name, args = words[0], []
            elif macro == ".Fa" and name:
                args += words
            elif macro == ".Fc":
                out[name] = f"{kind} {name}({', '.join(args)});"
                name = None
        return out

    def examples(self):
        return [plain(e) for e in re.findall(
            r"^\.Bd -literal.*?\n(.*?)^\.Ed$", self.parts.get("EXAMPLES", ""),
            re.M | re.S)]


class Tree:
    def __init__(self, root):
        self.root = root
        man = os.path.join(root, "man")
        self.files = sorted(f for f in os.listdir(man)
                            if re.search(r"\.\d$", f))
        self.pages = [Page(os.path.join(man, f)) for f in self.files]
        self.lib = [p for p in self.pages if p.section == "3"]
        include = os.path.join(root, "include", "vmspace")
        self.headers = sorted(h for h in os.listdir(include)
                              if h.endswith(".h"))
        self.api = COMMENT.sub(" ", "\n".join(
            self.read("include", "vmspace", h) for h in self.headers))

    def read(self, *path):
        with open(os.path.join(self.root, *path), encoding="utf-8") as f:
            return f.read()

    def functions(self):
        return set(re.findall(r"\b((?:vkernel|vmspace)_\w+)\s*\(",
                              re.sub(r"typedef [^;]*;", "", self.api)))

    def structs(self):
        """{struct: names of its members}"""
        out = {}
        for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", self.api,
                                     re.M | re.S):
            out[name] = []
            for member in body.split(";"):
                m = re.search(r"\(\*(\w+)\)", member)
                out[name] += [m.group(1)] if m else re.findall(
                    r"(\w+)\s*(?:,|$)", member.strip())
        return out

    def constants(self):
        return set(re.findall(r"^\t(V[A-Z0-9_]+)\b", self.api, re.M)) | set(
            re.findall(r"^#define (V(?!.*_H$)\w+)", self.api, re.M))


def compile_error(tree, text):
    """What the compiler says about it; None: nothing."""
    cc = os.environ.get("CC", "cc").split()
    r = subprocess.run(cc + CFLAGS + ["-x", "c", "-"], input=text,
                       cwd=tree.root, capture_output=True, text=True,
                       check=False)
    return None if r.returncode == 0 else r.stderr


def check_mdoc(tree):
    """mandoc has nothing to say."""
    for f in tree.files:
        r = subprocess.run(["mandoc", "-T", "lint", "-W", "warning",
                            os.path.join("man", f)], cwd=tree.root,
                           capture_output=True, text=True, check=False)
        if r.returncode != 0 or r.stdout or r.stderr:
            yield (r.stdout + r.stderr).strip() or f"{f}: {r.returncode}"


def check_sections(tree):
    """All sections are there, with something in them."""
    for p in tree.lib:
        for s in SECTIONS:
            if not p.parts.get(s, "").strip():
                yield f"{p.file}: no {s}"
        if p.parts.get("EXAMPLES") and not p.examples():
            yield f"{p.file}: EXAMPLES without .Bd -literal"


def check_names(tree):
    """Each function is in the NAME of one page, and nothing else is."""
    where = {}
    functions = tree.functions()
    for p in tree.lib:
        names = p.names()
        if p.name not in names:
            yield f"{p.file}: its own name is not in NAME"
        for n in names:
            where.setdefault(n, []).append(p.file)
            if n not in functions and n not in OVERVIEWS & {p.name}:
                yield f"{p.file}: {n} is not in the headers"
    for f in sorted(functions):
        if len(where.get(f, [])) != 1:
            yield f"{f}: in NAME of {' and '.join(where.get(f, ['no page']))}"


def check_prototypes(tree):
    """SYNOPSIS declares what NAME names, as the headers do."""
    for p in tree.lib:
        declared = p.prototypes()
        wrong = set(p.names()) ^ set(declared) ^ (OVERVIEWS & {p.name})
        for n in sorted(wrong):
            yield f"{p.file}: {n} is in one of NAME and SYNOPSIS only"
        text = "".join(f"#include <vmspace/{h}>\n" for h in tree.headers)
        error = compile_error(tree, text + "\n".join(declared.values()))
        if error:
            yield f"{p.file}: SYNOPSIS:\n{error}"


def check_fields(tree):
    """A subsection `struct NAME` names all members of it; constants are named
    somewhere."""
    for struct, members in sorted(tree.structs().items()):
        found = []
        for p in tree.lib:
            found += re.findall(
                rf"^\.Ss struct {struct}$\n(.*?)(?=^\.S[sh] |\Z)", p.text,
                re.M | re.S)
        if len(found) != 1:
            yield f"struct {struct}: {len(found)} subsections"
            continue
        for m in members:
            if not re.search(rf"^\.(It|Fa|Fn)\b.*\b{m}\b", found[0], re.M):
                yield f"struct {struct}: {m} is missing"
    text = "".join(p.text for p in tree.lib)
    for c in sorted(tree.constants()):
        if not re.search(rf"\b{c}\b", text):
            yield f"{c} is on no page"


def check_links(tree):
    """meson.build installs all pages, and a link for each other name."""
    text = tree.read("man", "meson.build")
    listed = {m.group(1): re.findall(r"'(\w+)'", m.group(2))
              for m in re.finditer(r"^  '(\w+)': \[(.*?)\]", text,
                                   re.M | re.S)}
    want = {p.name: sorted(set(p.names()) - {p.name}) for p in tree.lib}
    for page in sorted(set(listed) | set(want)):
        has, needs = sorted(listed.get(page, [])), want.get(page)
        if page not in listed or has != needs:
            yield f"{page}: meson.build has {has}, NAME {needs}"
    for p in tree.pages:
        if p.section != "3" and f"'{p.file}'" not in text:
            yield f"{p.file} is not installed"


def check_references(tree):
    """.Xr to a page of ours means one that there is."""
    known = {(p.name, p.section) for p in tree.pages}
    for p in tree.lib:
        known |= {(n, "3") for n in p.names()}
    for p in tree.pages:
        for name, section in re.findall(r"^\.(?:It )?Xr (\S+) (\d)", p.text,
                                        re.M):
            if name.startswith(("vkernel", "vmspace")) and \
                    (name, section) not in known:
                yield f"{p.file}: no page {name}({section})"


def wrapped(text):
    """A snippet without functions becomes the body of one."""
    if re.search(r"^\{", text, re.M):
        return text
    head = re.findall(r"^#.*\n", text, re.M)
    body = re.sub(r"^#.*\n", "", text, flags=re.M)
    return "".join(head) + "void example(void);\nvoid\nexample(void)\n{\n" + \
        body + "}\n"


def check_examples(tree):
    for p in tree.lib:
        for n, text in enumerate(p.examples(), 1):
            error = compile_error(tree, wrapped(text))
            if error:
                yield f"{p.file}: example {n}:\n{error}"


def table_options(text):
    """Long options of the argp tables in a source; hidden ones are for
    tests."""
    have = set()
    for table in re.findall(r"argp_option \w+\[\] = \{(.*?)^\};", text,
                            re.M | re.S):
        have |= {name for name, flags in re.findall(
            r'^\s*\{"([a-z-]+)",\s*\w+,\s*(?:"[^"]*"|0),\s*(\w+)', table,
            re.M) if flags != "OPTION_HIDDEN"}
    return have


def subsections(part):
    """{title: text} of a section; what precedes the first has none."""
    split = re.split(r"^\.Ss (.+)$", part, flags=re.M)
    return dict(zip(split[1::2], split[2::2]))


def compare_options(page, title, have):
    """The items of a subsection are the options `have`."""
    text = subsections(page.parts.get("DESCRIPTION", "")).get(title, "")
    items = re.findall(r"^\.It (?:Xo\n\.)?Fl .*$", text, re.M)
    told = {o for i in items for o in re.findall(OPTION, i)}
    if not have:
        yield f"{title}: no table of options in the sources"
    for o in sorted(have - told):
        yield f"--{o} has no item in {title}"
    for o in sorted(told - have - set(ARGP)):
        yield f"{title}: there is no option --{o}"


def check_options(tree):
    """Options of the commands are in vmspace.1, and none that they have
    not; so are the commands."""
    page = next((p for p in tree.pages if p.file == "vmspace.1"), None)
    if page is None:
        yield "no vmspace.1"
        return
    run = table_options(tree.read("src", "cmd", "run", "cmd_options.c"))
    door = set()
    folder = os.path.join("src", "cmd", "door")
    for f in sorted(os.listdir(os.path.join(tree.root, folder))):
        if f.endswith(".c"):
            door |= table_options(tree.read(folder, f))
    yield from compare_options(page, "Options of run", run | set(ARGP))
    yield from compare_options(
        page, "Options of commands for a running kernel", door)
    have, synopsis = run | door | set(ARGP), page.parts["SYNOPSIS"]
    for o in sorted(have - set(re.findall(OPTION, synopsis))):
        yield f"--{o} is not in SYNOPSIS"
    for o in sorted(set(re.findall(OPTION, page.text)) - have - {"version"}):
        yield f"there is no option --{o}"
    commands = re.findall(r'^    \{"(\w+)", ',
                          tree.read("src", "cmd", "main.c"), re.M)
    if not commands:
        yield "no table of commands in main.c"
    listed = " ".join(re.findall(r"^\.Cm (.*)$", synopsis, re.M)).split()
    for c in sorted(set(commands) ^ (set(listed) - {"|"})):
        yield f"{c}: not a command, or not in SYNOPSIS"


CHECKS = (
    ("mdoc", check_mdoc),
    ("sections", check_sections),
    ("names", check_names),
    ("prototypes", check_prototypes),
    ("fields", check_fields),
    ("links", check_links),
    ("references", check_references),
    ("examples", check_examples),
    ("options", check_options),
)

# What the self-test changes: check, file, from, to.
SEEDS = (
    ("mdoc", "vkernel.3", ".Sh ERRORS\n", ".Sh ERRORS\n.El\n"),
    ("sections", "vkernel_stat.3", ".Sh ERRORS\nNone.\n", ""),
    ("names", "vkernel_spawn.3", ".Nm vkernel_kill ,\n", ""),
    ("names", "vmspace_stat.3", ".Nm vmspace_stat\n",
     ".Nm vmspace_stat ,\n.Nm vmspace_none\n"),
    ("prototypes", "vmspace_mmap.3", '"off_t off"', '"int off"'),
    ("fields", "vmspace_ctl.3", ".It Vt uintptr_t Fa addr", ".It It"),
    ("fields", "vkernel_create.3", "VKERNEL_MOUNT_BIND", "VKERNEL_MOUNT"),
    ("links", "meson.build", "'vmspace_hold',", ""),
    ("references", "vmspace.3", ".Xr vmspace_ctl 3", ".Xr vmspace_run 3"),
    ("examples", "vmspace_pread.3", "unsigned char *p;", "char *q;"),
    ("options", "vmspace.1", ".It Fl -trace", ".It Fl -traces"),
    ("options", "vmspace.1", ".It Fl t , Fl -time", ".It Fl t , Fl -mem"),
    ("options", "vmspace.1", ".Cm shrink\n", ".Cm shrinks\n"),
)


def missing(check):
    """The program that the check needs and the host has not, or None."""
    cc = os.environ.get("CC", "cc").split()[0]
    need = {"mdoc": "mandoc", "prototypes": cc, "examples": cc}.get(check)
    return need if need and shutil.which(need) is None else None


def self_test(cases):
    for check, name, old, new in SEEDS:
        if missing(check):
            cases.skip(f"{check}, {name}", f"{missing(check)} is not installed")
            continue
        with tempfile.TemporaryDirectory(prefix="vmspace-man-") as d:
            for part in ("man", "include", os.path.join("src", "cmd")):
                shutil.copytree(os.path.join(ROOT, part),
                                os.path.join(d, part))
            path = os.path.join(d, "man", name)
            with open(path, encoding="utf-8") as f:
                text = f.read()
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            found = list(dict(CHECKS)[check](Tree(d)))
        cases.check(f"{check} finds what is seeded in {name}",
                    old in text and found, f"{old!r} -> {new!r}: not found")


def main(argv):
    cases = vmtest.Cases()
    if argv == ["--self-test"]:
        self_test(cases)
    else:
        tree = Tree(ROOT)
        for name, check in CHECKS:
            if missing(name):
                cases.skip(name, f"{missing(name)} is not installed")
                continue
            found = list(check(tree))
            cases.check(name, not found, "\n".join(found))
    status = cases.finish()
    return vmtest.SKIP if status == 0 and cases.skipped else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
