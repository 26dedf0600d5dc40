# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The little that lint parses of C.  It relies on the layout that clang-format
keeps: the name of a function and its braces are in column 0."""

import re

LITERAL = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
FUNCTION = re.compile(r"^([A-Za-z_]\w*)\s*\(")


def strip(text):
    """The text with blanks for comments and for the content of literals; the
    lines stay the same."""
    def blank(m):
        s = m.group(0)
        if s[0] == "/":
            return re.sub(r"[^\n]", " ", s)
        return s[0] + re.sub(r"[^\n]", " ", s[1:-1]) + s[0]
    return LITERAL.sub(blank, text)


def includes(text):
    """(line, header, is it in quotes) of each include."""
    return [(text.count("\n", 0, m.start(1)) + 1, m.group(2),
             m.group(1) == '"') for m in INCLUDE.finditer(text)]


def functions(text):
    """(name, line, lines) of each function; its lines are those from the
    name to the closing brace."""
    lines = strip(text).splitlines()
    found = []
    name = None  # of the last (name, index) that may start a function
    n = 0
    while n < len(lines):
        m = FUNCTION.match(lines[n])
        if m:
            name = (m.group(1), n)
        elif lines[n].startswith("{"):
            end = n
            while end < len(lines) and not lines[end].startswith("}"):
                end += 1
            if name is not None:
                found.append((name[0], name[1] + 1, end - name[1] + 1))
            name, n = None, end
        elif lines[n] == "" or lines[n].startswith("}"):
            name = None
        n += 1
    return found


def theory(text, within=12):
    """Is there, before any code and within so many lines after the head, a
    comment of several lines that has a sentence at least?"""
    lines = text.splitlines()[2:]
    for n, line in enumerate(lines[:within]):
        if line == "/*":
            block = "\n".join(lines[n:]).split("*/", 1)[0]
            return len(re.findall(r"[A-Za-z]+", block)) >= 8
        if line != "":
            return False
    return False
