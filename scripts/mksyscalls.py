#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Make the system-call table, or its documentation page, of syscalls.tbl.

usage: mksyscalls.py [--doc] syscalls.tbl OUTPUT

A line is "NUMBER NAME FUNCTION ARGKINDS"; FUNCTION "-" means ENOSYS.  Numbers
must ascend, names must be unique, kinds must be known: anything else is an
error, so that a bad table cannot be built.
"""
import sys

KINDS = {"int", "uint", "long", "hex", "ptr", "str", "fd", "size", "flags",
         "mode", "sig", "off"}
ANSWERS = {"sys_eperm": "EPERM", "sys_eopnotsupp": "EOPNOTSUPP",
           "sys_einval": "EINVAL"}


def die(path, line, what):
    sys.exit(f"{path}:{line}: {what}")


def read_table(path):
    calls, names, last = [], set(), -1
    with open(path, encoding="ascii") as f:
        for i, text in enumerate(f, 1):
            text = text.split("#", 1)[0].split()
            if not text:
                continue
            if len(text) != 4:
                die(path, i, "want NUMBER NAME FUNCTION ARGKINDS")
            nr, name, fn, kinds = int(text[0]), *text[1:]
            kinds = [] if kinds == "-" else kinds.split(",")
            if nr <= last:
                die(path, i, "numbers must ascend")
            if name in names:
                die(path, i, f"{name} is there twice")
            if len(kinds) > 6 or not set(kinds) <= KINDS:
                die(path, i, "bad argument kinds")
            last = nr
            names.add(name)
            calls.append((nr, name, None if fn == "-" else fn, kinds))
    return calls


def write_c(calls, out):
    fns = sorted({c[2] for c in calls if c[2]})
    out.write("/* Made by scripts/mksyscalls.py of syscalls.tbl. */\n"
              '#include "kern/syscall.h"\n\n')
    for fn in fns:
        out.write(f"sys_fn {fn};\n")
    out.write("\nconst struct syscall_desc syscall_table[] = {\n")
    for nr, name, fn, kinds in calls:
        out.write(f'\t[{nr}] = {{"{name}", {fn or "NULL"}, '
                  f'"{",".join(kinds)}"}},\n')
    out.write("};\nconst unsigned syscall_table_n =\n"
              "    sizeof(syscall_table) / sizeof(syscall_table[0]);\n")


def write_doc(calls, out):
    done = [c for c in calls if c[2] and c[2] not in ANSWERS]
    out.write("# System calls\n\nMade by `scripts/mksyscalls.py --doc` of "
              "`src/kern/syscalls.tbl`.\n\n"
              f"{len(done)} of {len(calls)} Linux x86-64 calls do their work; "
              "the others answer with the error shown.\n\n"
              "| Number | Name | Arguments | Answer |\n"
              "|---:|---|---|---|\n")
    for nr, name, fn, kinds in calls:
        answer = "" if fn else "ENOSYS"
        answer = ANSWERS.get(fn, answer)
        out.write(f"| {nr} | {name} | {', '.join(kinds)} | {answer} |\n")


def main():
    args = sys.argv[1:]
    doc = "--doc" in args
    args = [a for a in args if a != "--doc"]
    if len(args) != 2:
        sys.exit(__doc__)
    calls = read_table(args[0])
    with open(args[1], "w", encoding="ascii") as out:
        (write_doc if doc else write_c)(calls, out)


main()
