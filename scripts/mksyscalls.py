#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Generate the system-call table, or its documentation page, from syscalls.tbl.

usage: mksyscalls.py [--doc] syscalls.tbl OUTPUT

A line is "NUMBER NAME FUNCTION ARGKINDS STATE"; FUNCTION "-" means ENOSYS.
STATE is "full" or "partial: TEXT".  It is required for a call with a function
and is a free note for a call that always fails.  Numbers must ascend, names must
be unique, kinds must be known.  Any violation is an error, so that the build
fails on a wrong table.
"""
import sys

KINDS = {"int", "uint", "long", "hex", "ptr", "str", "fd", "size", "flags",
         "mode", "sig", "off"}
# Functions that always fail, and their usual error.
ANSWERS = {"sys_eperm": "EPERM", "sys_eopnotsupp": "EOPNOTSUPP",
           "sys_einval": "EINVAL",
           "sys_syslog": "EPERM", "sys_clock_settime": "EPERM"}

DOC_HEAD = """# System calls

Generated from `src/linux/syscalls.tbl` by `scripts/mksyscalls.py --doc`; do not edit.

{total} calls of Linux x86-64: **{full} full, {partial} partial, {enosys} \
ENOSYS**, {refused} refused with
another error. *Full* means: as Linux's manual page says, within the \
limits of this kernel (see
[CAVEATS.md](../CAVEATS.md)). Numbers that are not listed are ENOSYS. \
`vmspace run --trace` shows
the calls of a program, `--verbose` logs each missing call once per program.

| Number | Name | State | What is missing or different |
|---:|---|---|---|
"""


class TableError(Exception):
    """(line, what is wrong)"""


class Call:
    def __init__(self, text):
        f = text.split(None, 4)
        if len(f) < 4:
            raise ValueError("expected NUMBER NAME FUNCTION ARGKINDS STATE")
        self.nr, self.name = int(f[0]), f[1]
        self.fn = None if f[2] == "-" else f[2]
        self.kinds = [] if f[3] == "-" else f[3].split(",")
        if len(self.kinds) > 6 or not set(self.kinds) <= KINDS:
            raise ValueError("bad argument kinds")
        state = f[4].strip() if len(f) == 5 else ""
        if self.fn is None or self.fn in ANSWERS:
            self.state, self.note = ANSWERS.get(self.fn, "ENOSYS"), state
            if state.split(":")[0] in ("full", "partial"):
                raise ValueError(f"the call always fails, but STATE is {state}")
            return
        self.state, _, self.note = state.partition(":")
        self.note = self.note.strip()
        if (self.state, bool(self.note)) not in (("full", False),
                                                 ("partial", True)):
            raise ValueError('state is not "full" or "partial: TEXT"')


def read_table(path):
    calls, names, last = [], set(), -1
    with open(path, encoding="ascii") as f:
        for i, text in enumerate(f, 1):
            text = text.split("#", 1)[0].strip()
            if not text:
                continue
            try:
                call = Call(text)
            except ValueError as e:
                raise TableError(i, str(e)) from e
            if call.nr <= last:
                raise TableError(i, "numbers must ascend")
            if call.name in names:
                raise TableError(i, f"{call.name} is there twice")
            last = call.nr
            names.add(call.name)
            calls.append(call)
    return calls


def c_text(calls):
    out = ["/* Made by scripts/mksyscalls.py of syscalls.tbl. */",
           '#include "linux/lib/syscall.h"', ""]
    out += [f"sys_fn {fn};" for fn in sorted({c.fn for c in calls if c.fn})]
    out += ["", "const struct syscall_desc syscall_table[] = {"]
    out += [f'\t[{c.nr}] = {{"{c.name}", {c.fn or "NULL"}, '
            f'"{",".join(c.kinds)}"}},' for c in calls]
    size = "sizeof(syscall_table) / sizeof(syscall_table[0])"
    out += ["};", f"const unsigned syscall_table_n = {size};", "",
            "const struct syscall_ops linux_syscall_ops = {",
            "\t.dispatch = syscall_dispatch,", f"\t.ncalls = {size},",
            "\t.name = syscall_name,", "};", ""]
    return "\n".join(out)


def doc_text(calls):
    n = {s: sum(c.state == s for c in calls)
         for s in ("full", "partial", "ENOSYS")}
    return DOC_HEAD.format(
        total=len(calls), full=n["full"], partial=n["partial"],
        enosys=n["ENOSYS"], refused=len(calls) - sum(n.values())) + "".join(
        f"| {c.nr} | `{c.name}` | {c.state} | {c.note} |\n" for c in calls)


def main():
    args = sys.argv[1:]
    doc = "--doc" in args
    args = [a for a in args if a != "--doc"]
    if len(args) != 2:
        sys.exit(__doc__)
    try:
        calls = read_table(args[0])
    except TableError as e:
        sys.exit("{}:{}: {}".format(args[0], *e.args))
    with open(args[1], "w", encoding="ascii") as out:
        out.write((doc_text if doc else c_text)(calls))


if __name__ == "__main__":
    main()
