# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Just enough of C to lint it: comments and strings out, functions found."""

import re

# Data that a compiler or sanitizer makes.
MADE = re.compile(r"^(\.|__func__|__FUNCTION__|__PRETTY_FUNCTION__|__unnamed|"
                  r"__asan|__ubsan|__tsan|__odr_asan|_ZZ|llvm|lc\.|\.L|"
                  r"\*\.|__gcov|__sanitizer|___asan|__profc|__start_|"
                  r"__stop_|__compound)")
LITERAL = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def strip(text):
    """The same text and lines, comments and literals made of blanks."""
    def blank(m):
        s = m.group(0)
        keep = s[0] if s[0] in "\"'" else " "
        return keep + re.sub(r"[^\n]", " ", s[1:-1]) + \
            (keep if len(s) > 1 else "")
    return LITERAL.sub(blank, text)


def functions(text):
    """(name, line, lines) of each function; its lines from the name to the
    closing brace."""
    lines = strip(text).splitlines()
    found = []
    n = 0
    while n < len(lines):
        if lines[n].startswith("{") and n > 0:
            head = n - 1
            while head > 0 and not re.match(r"^[A-Za-z_]\w*\s*\(",
                                            lines[head]):
                if lines[head].startswith("}") or lines[head] == "":
                    head = -1
                    break
                head -= 1
            end = n
            while end < len(lines) and not lines[end].startswith("}"):
                end += 1
            if head >= 0:
                m = re.match(r"^([A-Za-z_]\w*)\s*\(", lines[head])
                if m:
                    found.append((m.group(1), head + 1, end - head + 1))
            n = end
        n += 1
    return found


def theory(text):
    """Does a comment of a sentence or more follow the SPDX head, before the
    first include?"""
    head = text.split("\n#include", 1)[0].split("\n#define", 1)[0]
    comments = re.findall(r"/\*(.*?)\*/", head, re.S)
    for c in comments:
        if "SPDX-License" in c or "Copyright (c)" in c:
            continue
        words = re.findall(r"[A-Za-z]+", c)
        if len(words) >= 8:
            return True
    return False


def plain_symbol(name):
    """A symbol as the source has it; None for what a compiler made."""
    if MADE.match(name):
        return None
    base = re.sub(r"\.\d+(\.\w+)?$", "", name)
    if MADE.match(base):
        return None
    return base
