#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Draw the plots of benchmark results as SVG.

    plot.py [--out DIR] RESULT.json...

RESULT.json is a file that bench/run.py has written: quick.json, programs.json or
engine.json.  NAME.json gives NAME.svg, a chart of the times relative to the host,
and one NAME-KEY.svg for each measurement over a size.  DIR is by default the
directory of the JSON file.  Plots of the documents come from stored results:

    python3 bench/plot.py --out docs docs/results/*.json

Format of a result: {"host": {"kernel", "cpus", "load", "date"}, "rounds": N,
"rows": [{"title", "median": {SYSTEM: ns}}], "growth": {KEY: {"title", "unit",
"points": [[size, {SYSTEM: ns}]]}}}.  Every part except "rows" may be missing.
"native" is the system that the others are compared with.
"""

import argparse
import json
import math
import os
import sys
from xml.sax.saxutils import escape

BASE = "native"
COLOURS = {"vmspace": "#2563a8", "runsc": "#b9541b", "qemu-user": "#7a7a7a",
           BASE: "#a86a25"}
OTHER = "#4d7a3a"
LABEL, PLOT, MARGIN = 350, 400, 60  # widths: row titles, plot area, values
BAR, GAP, TOP = 13, 9, 64


def show(ns):
    for unit, div in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= div:
            return f"{ns / div:.3g} {unit}"
    return f"{ns:.3g} ns"


def text(x, y, s, **attrs):
    more = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in attrs.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{escape(s)}</text>'


def document(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
            'font-family="sans-serif" font-size="11">'
            f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def subtitle(result):
    host = result.get("host")
    if not host:
        return ""
    rounds = result.get("rounds")
    return (f"host {host['kernel']}, {host['cpus']} CPUs, load "
            f"{host['load']}, {host['date']}"
            + (f"; medians of {rounds} rounds" if rounds else ""))


def legend(names, x, y):
    parts = []
    for s in names:
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" '
                     f'fill="{COLOURS.get(s, OTHER)}"/>')
        parts.append(text(x + 14, y, s))
        x += 30 + 7 * len(s)
    return parts


def chart(title, result):
    """Times relative to the host on a logarithmic axis; None without rows."""
    rows = [(r["title"], r["median"]) for r in result["rows"]
            if r["median"].get(BASE) and len(r["median"]) > 1]
    if not rows:
        return None
    names = [s for s in COLOURS if s != BASE
             and any(s in m for _, m in rows)]
    names += sorted({s for _, m in rows for s in m} - set(COLOURS))
    ratios = [m[s] / m[BASE] for _, m in rows for s in names if s in m]
    lo = math.floor(min(0.0, *(math.log2(r) for r in ratios)))
    hi = math.ceil(max(1.0, *(math.log2(r) for r in ratios)))

    def at(ratio):
        return LABEL + PLOT * (math.log2(ratio) - lo) / (hi - lo)
    body, y = [], TOP
    for name, median in rows:
        body.append(text(8, y + 10, name))
        body.append(text(LABEL - 8, y + 10, show(median[BASE]),
                         text_anchor="end", fill="#777"))
        for s in names:
            if s not in median:
                continue
            ratio = median[s] / median[BASE]
            left, right = sorted((at(1), at(ratio)))
            body.append(f'<rect x="{left:.1f}" y="{y}" '
                        f'width="{max(right - left, 1):.1f}" '
                        f'height="{BAR - 3}" '
                        f'fill="{COLOURS.get(s, OTHER)}"/>')
            body.append(text(right + 4, y + 9, f"{ratio:.2f}x"))
            y += BAR
        y += GAP
    grid = []
    for e in range(lo, hi + 1):
        x = at(2.0 ** e)
        grid.append(f'<path d="M{x:.1f} {TOP - 6} V{y}" stroke='
                    f'"{"#444" if e == 0 else "#ddd"}"/>')
        if hi - lo <= 8 or e % 2 == 0:
            grid.append(text(x, TOP - 10, f"{2.0 ** e:g}x",
                             text_anchor="middle", fill="#777"))
    head = [text(8, 18, title, font_weight="bold", font_size="13"),
            text(8, 34, subtitle(result), fill="#777"),
            text(LABEL - 8, 52, "native", text_anchor="end", fill="#777")]
    return document(LABEL + PLOT + MARGIN, y + 8,
                    head + legend(names, 8, 52) + grid + body)


def growth(title, unit, points):
    """Time over a size, both axes logarithmic; None without two points."""
    points = [(x, {s: v for s, v in m.items() if v > 0}) for x, m in points]
    values = [v for _, m in points for v in m.values()]
    if len(points) < 2 or not values:
        return None
    lo = math.floor(math.log10(min(values)))
    hi = max(lo + 1, math.ceil(math.log10(max(values))))
    x0, x1 = math.log10(points[0][0]), math.log10(points[-1][0])

    def at(x, v):
        return (70 + 420 * (math.log10(x) - x0) / (x1 - x0),
                250 - 200 * (math.log10(v) - lo) / (hi - lo))
    parts = [text(8, 18, title, font_weight="bold", font_size="13")]
    for e in range(lo, hi + 1):
        y = at(points[0][0], 10.0 ** e)[1]
        parts.append(f'<path d="M70 {y:.0f} H490" stroke="#ddd"/>')
        parts.append(text(8, y + 4, show(10.0 ** e)))
    for x, _ in points:
        parts.append(text(at(x, 10.0 ** lo)[0], 268, str(x),
                          text_anchor="middle"))
    parts.append(text(490, 284, unit, text_anchor="end"))
    for s in sorted({s for _, m in points for s in m}):
        line = [at(x, m[s]) for x, m in points if s in m]
        colour = COLOURS.get(s, OTHER)
        parts.append('<polyline points="'
                     + " ".join(f"{x:.0f},{y:.0f}" for x, y in line)
                     + f'" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(text(line[-1][0] + 6, line[-1][1], s, fill=colour))
    return document(570, 290, parts)


TITLES = {
    "quick": "Single operations: time relative to the host (native = 1x)",
    "programs": "Whole programs: time relative to the host (native = 1x)",
    "engine": "VM system alone: time relative to the host kernel "
              "(native = 1x)",
}


def draw(path, out):
    """Write the plots of one result; returns their paths."""
    with open(path, encoding="utf-8") as f:
        result = json.load(f)
    if isinstance(result, list):  # a result without host and growth
        result = {"rows": result}
    name = os.path.splitext(os.path.basename(path))[0]
    plots = {name: chart(TITLES.get(name, name), result)}
    for key, g in result.get("growth", {}).items():
        plots[f"{name}-{key}"] = growth(g["title"], g["unit"], g["points"])
    written = []
    for stem, svg in plots.items():
        if svg is None:
            continue
        written.append(os.path.join(out, stem + ".svg"))
        with open(written[-1], "w", encoding="utf-8") as f:
            f.write(svg)
    return written


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--out", metavar="DIR")
    ap.add_argument("result", nargs="+", metavar="RESULT.json")
    a = ap.parse_args()
    for path in a.result:
        try:
            written = draw(path, a.out or os.path.dirname(path) or ".")
        except (OSError, ValueError, KeyError, TypeError) as e:
            why = e.strerror if isinstance(e, OSError) else repr(e)
            print(f"plot.py: cannot draw '{path}': {why}; give a JSON file that "
                  "bench/run.py has written", file=sys.stderr)
            return 1
        print("written: " + ", ".join(written))
    return 0


if __name__ == "__main__":
    sys.exit(main())
