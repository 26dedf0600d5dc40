#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Draws docs/layers.svg and docs/chains.svg.

    docs/figures/make.py            write both
    docs/figures/make.py --check    exit status 1 where a file differs

A figure is a list of shapes; text is placed so that no line crosses it.
"""

import os
import sys

DOCS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STYLE = (".b{fill:#eef3fa;stroke:#2563a8}.g{fill:#fdf3e7;stroke:#b9541b}"
         ".a{fill:#e8f5e9;stroke:#2e7d32}.n{fill:#fff;stroke:#999}"
         ".l{stroke:#555;fill:none}.t{font-weight:bold}"
         ".s{font-size:11px;fill:#444}.m{font-family:monospace}")


class Figure:
    def __init__(self, width, height):
        self.size, self.body = (width, height), []

    def rect(self, cls, x, y, w, h):
        self.body.append(f'<rect class="{cls}" x="{x}" y="{y}" width="{w}" '
                         f'height="{h}"/>')

    def text(self, x, y, what, cls="", anchor=None):
        more = f' text-anchor="{anchor}"' if anchor else ""
        more += f' class="{cls}"' if cls else ""
        what = what.replace("&", "&amp;").replace("<", "&lt;")
        self.body.append(f'<text x="{x}" y="{y}"{more}>{what}</text>')

    def line(self, points, arrow=True):
        mark = ' marker-end="url(#arrow)"' if arrow else ""
        path = "M" + " L".join(f"{x} {y}" for x, y in points)
        self.body.append(f'<path class="l" d="{path}"{mark}/>')

    def svg(self):
        w, h = self.size
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" '
                f'height="{h}" viewBox="0 0 {w} {h}" '
                'font-family="sans-serif" font-size="13">\n'
                f"<style>{STYLE}</style>\n"
                '<rect width="100%" height="100%" fill="#fff"/>\n'
                '<defs><marker id="arrow" markerWidth="9" markerHeight="9" '
                'refX="8" refY="4" orient="auto"><path d="M0 0 L8 4 L0 8 z" '
                'fill="#555"/></marker></defs>\n')
        return head + "\n".join(self.body) + "\n</svg>\n"


LAYERS = [
    ("cmd", "the command vmspace"),
    ("confine", "the rights that the kernel process gives up"),
    ("api", "the library: vkernel_ and vmspace_ calls"),
    ("linux", "system calls: decode, copy in, call, copy out"),
    ("kern", "processes, signals, timers, exec, IPC, resident images"),
    ("vfs", "files, descriptors, mounts, lookup, file systems, sockets"),
    ("vm", "maps, objects, faults, pagers, swap, pageout"),
    ("machine", "back-ends of pmap and cpu: fake, mmu, stub"),
    ("cpu", "runs user code until an event"),
    ("pmap", "software page tables"),
    ("mem", "frames (the arena), zones, the life word"),
    ("host", "the one boundary to the host kernel"),
    ("libk", "locks with ranks, assertions, log, trace ring"),
    ("abi", "numbers and structures of Linux"),
]


def layers():
    f = Figure(860, 616)
    f.text(20, 24, "kernel process: a layer calls only the layers below it",
           "t")
    y, step, h = 36, 36, 30
    where = {}
    for name, what in LAYERS:
        f.rect("b", 20, y, 470, h)
        f.text(32, y + 20, name, "t")
        f.text(108, y + 20, what, "s")
        where[name] = y + h / 2
        y += step
    f.text(620, 24, "stub processes", "t")
    for n, (name, y0) in enumerate((("A", 150), ("B", 268))):
        f.rect("g", 620, y0, 220, 98)
        f.text(632, y0 + 22, f"stub of vmspace {name}", "t")
        f.text(632, y0 + 44, "guest code and its memory", "s")
        f.text(632, y0 + 60, "(mappings of the arena)", "s")
        f.text(632, y0 + 82, "signal handler, context pages", "s")
        f.line([(490, where["machine"]), (620, y0 + 49)])
    f.rect("g", 620, 386, 220, 40)
    f.text(632, 411, "zygote", "t")
    f.text(694, 411, "forks the stubs", "s")
    f.line([(490, where["machine"]), (620, 406)])
    f.text(500, where["machine"] - 74, "commands,", "s")
    f.text(500, where["machine"] - 60, "events", "s")
    f.rect("a", 20, 556, 820, 40)
    f.text(32, 573, "arena", "t")
    f.text(84, 573, "one memfd with every page of guest memory: mapped whole "
                    "in the kernel process,", "s")
    f.text(84, 588, "page by page in the stubs", "s")
    return f


def chain_row(f, x, y, title, objects, note):
    """Objects one behind another: (name, refs, its page slots)."""
    f.text(x, y, title, "t")
    for n, (name, who, slots) in enumerate(objects):
        ox = x + n * 200
        f.rect("b", ox, y + 12, 150, 62)
        f.text(ox + 10, y + 30, name, "t")
        f.text(ox + 76, y + 30, who, "s")
        for i, slot in enumerate(slots):
            f.rect("n" if slot == "" else "a", ox + 10 + i * 32, y + 40, 28,
                   24)
            f.text(ox + 24 + i * 32, y + 57, slot, "m", "middle")
        if n + 1 < len(objects):
            f.line([(ox + 150, y + 43), (ox + 200, y + 43)])
            f.text(ox + 154, y + 36, "backing", "s")
    f.text(x, y + 92, note, "s")


def chains():
    f = Figure(640, 560)
    f.text(20, 24, "A private mapping of four pages, and its shadow chain",
           "t")
    f.text(20, 42, "A slot is a page of that object; an empty slot means: look "
                   "in the object behind it.", "s")
    chain_row(f, 20, 70, "1. A process has written all four pages",
              [("O1", "1 ref", ["a", "b", "c", "d"])],
              "One entry, one object.")
    chain_row(f, 20, 186, "2. fork: parent and child share O1, both entries "
                          "need a copy",
              [("O1", "2 refs", ["a", "b", "c", "d"])],
              "vm_map_fork() sets NEEDS_COPY in both entries and takes away "
              "the right to write.")
    chain_row(f, 20, 302, "3. The parent writes page 2",
              [("O2", "parent", ["", "B", "", ""]),
               ("O1", "2 refs", ["a", "b", "c", "d"])],
              "fault_prepare() makes the shadow O2; the fault copies b to B. "
              "The child still sees b in O1.")
    chain_row(f, 20, 418, "4. The child exits: O1 has one user left, and is "
                          "collapsed into O2",
              [("O2", "parent", ["a", "B", "c", "d"])],
              "vm_object_collapse() moves a, c and d, frees the hidden b, and "
              "O1 goes: the chain is short again.")
    return f


def main():
    bad = 0
    for name, figure in (("layers", layers()), ("chains", chains())):
        path, text = os.path.join(DOCS, name + ".svg"), figure.svg()
        if "--check" in sys.argv[1:]:
            with open(path, encoding="utf-8") as f:
                if f.read() != text:
                    print(f"{path}: is not what {sys.argv[0]} draws")
                    bad = 1
        else:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    return bad


if __name__ == "__main__":
    sys.exit(main())
