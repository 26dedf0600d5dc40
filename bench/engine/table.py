# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The engine table: the VM system alone beside the host's, medians over
interleaved rounds, and the project's target for each figure."""

import os
import platform
import shutil
import statistics
import tempfile

import compare

# name, title, kind of target, target.  "abs": at most target ns; "zone": the same,
# and not slower than mimalloc; "minus": at most target ns after subtraction of the
# third figure; "ratio": at most target times the host's; "fio": at least this share
# of fio's throughput; None: no target.
ROWS = [
    ("hold", "hold + drop", "abs", 15),
    *((f"zone{n}", f"zone alloc + free, {n} bytes", "zone", 12)
      for n in (64, 128, 256, 512, 1024, 2048, 4096)),
    ("map10000", "map insert + remove among 10,000", "abs", 400),
    ("zero", "zero-fill fault, a page, less zeroing", "minus", 150),
    ("fork1st", "first fork after 1 GiB was written", None, 0),
    ("fork1024", "fork of an entry with 1 GiB, again", "abs", 5000),
    ("exit1024", "terminate with 1 GiB, a page", "abs", 25),
    ("exit1", "the same with 1 MiB", None, 0),
    ("rounds", "fork, write, write, exit: last of 10,000", None, 0),
    ("pageout", "pageout to a file, a page", "fio", 0.8),
    ("lz4", "pageout to lz4, a page", None, 0),
    ("zstd", "pageout to zstd, a page", None, 0),
    ("pagein", "pagein from the device, random, a page", "ratio", 1.3),
    ("pagein-cached", "the same, cached by the host", None, 0),
]

# Cost over a size: key, title, unit of the size, name of the benchmark, sizes, and
# whether a figure is per page and is plotted for all pages.
GROWTH = [
    ("fork", "Fork of one entry, by resident size", "MiB", "fork",
     (1, 4, 16, 64, 256, 1024), False),
    ("exit", "Terminate, by resident size", "MiB", "exit",
     (1, 4, 16, 64, 256, 1024), True),
    ("map", "Map insert + remove, by number of entries", "entries", "map",
     (10, 100, 1000, 10000, 50000), False),
]


def fio(run, path, size, rounds):
    """ns per page of sequential writes of 128 KiB, 8 in flight."""
    if not shutil.which("fio"):
        return []
    out = []
    for _ in range(rounds):
        text, _why = run(
            ["fio", "--name=x", f"--filename={path}", f"--size={size}",
             "--rw=write", "--bs=128k", "--iodepth=8", "--ioengine=io_uring",
             "--minimal", "--overwrite=1"])
        fields = (text or "").split(";")
        if len(fields) > 48:
            kib = float(fields[47])  # write bandwidth, KiB/s
            out.append(4.0 / kib * 1e9)
    return out


def sample(run, exe, name, path):
    out, why = run([exe, name, path])
    return ([float(x) for x in out.split()] if out else None), why


def show(ns):
    if ns >= 1e6:
        return f"{ns / 1e6:.2f} ms"
    if ns >= 1e4:
        return f"{ns / 1e3:.1f} us"
    return f"{ns:.1f} ns"


def verdict(kind, target, ours, host, third, fio_ns):
    if kind == "abs":
        return f"<= {show(target)}", ours <= target
    if kind == "zone":
        return (f"<= {show(target)}, mimalloc",
                ours <= target and (not third or ours <= third))
    if kind == "minus":
        return f"<= {show(target)}", ours - third <= target
    if kind == "ratio":
        return f"<= {target}x host", ours <= target * host
    if kind == "fio" and fio_ns:
        return f">= {target * 100:.0f}% of fio", fio_ns / ours >= target
    return "", None


def growth(run, exe, rounds):
    kept = {}
    for key, title, unit, name, sizes, whole in GROWTH:
        points = []
        for n in sizes:
            got = [sample(run, exe, f"{name}{n}", "")[0] for _ in range(rounds)]
            got = [g for g in got if g]
            if not got:
                continue
            scale = n * 256 if whole else 1
            points.append((n, *(statistics.median(g[i] for g in got) * scale
                                for i in (0, 1))))
        if len(points) < 2:
            continue
        kept[key] = {"title": title, "unit": unit, "points": [
            (n, {"vmspace": ours, "native": host})
            for n, ours, host in points]}
        print(f"{title} ({unit}): " + ", ".join(
            f"{n}: {show(a)}" for n, a, _ in points))
    return kept


def main(run, exe, rounds, before=None):
    """Measure, print the table, and return rows and growth for plot.py.
    before: bench/engine of another revision, or None."""
    samples = {name: [] for name, *_ in ROWS}
    older = {name: [] for name, *_ in ROWS}
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="vm-bench-") as t:
        path = os.path.join(t, "swap")
        with open(path, "wb") as f:
            f.truncate(512 << 20)
        # Allocate the blocks of the file before the first measurement.
        fio(run, path, "512m", 1)
        fio_ns = []
        for _ in range(rounds):
            for name, *_rest in ROWS:
                got, why = sample(run, exe, name, path)
                if got is None:
                    print(f"{name}: no figure: {why}")
                else:
                    samples[name].append(got)
                if before:
                    got, _why = sample(run, before, name, path)
                    older[name] += [got] if got else []
                if name == "pageout":
                    fio_ns += fio(run, path, "512m", 1)
    fio_med = statistics.median(fio_ns) if fio_ns else 0
    print(f"host: {platform.release()}, {os.cpu_count()} CPUs, load "
          f"{os.getloadavg()[0]:.1f}; medians of {rounds} rounds")
    print(f"{'':40}{'vmspace':>12}{'host':>12}{'ratio':>8}{'spread':>8}  "
          + (f"{compare.HEAD}, " if before else "") + "target")
    rows = []
    for name, title, kind, target in ROWS:
        got = samples[name]
        if not got:
            continue
        ours = statistics.median(x[0] for x in got)
        host = statistics.median(x[1] for x in got)
        third = statistics.median(x[2] for x in got) if len(got[0]) > 2 else 0
        spread = (max(x[0] for x in got) - min(x[0] for x in got)) / ours
        peer = fio_med if name == "pageout" else host
        want, met = verdict(kind, target, ours, host, third, fio_med)
        shown = ours - third if kind == "minus" else ours
        mark = "" if met is None else ("met" if met else "MISSED")
        note = ""
        what = {"zone": "mimalloc", "minus": "zeroing"}.get(
            kind, {"hold": "two atomic additions",
                   "rounds": "the first thousand"}.get(name))
        if what and third:
            note = f" ({what} {show(third)})"
        if name == "rounds":
            note += f" (chain {got[0][3]:.0f}, frames {got[0][4]:.0f})"
        change = ""
        if older[name]:
            change = compare.verdict([x[0] for x in got],
                                     [x[0] for x in older[name]]) + "; "
        print(f"{title:40}{show(shown):>12}"
              f"{show(peer) if peer else '-':>12}"
              f"{f'{shown / peer:.2f}x' if peer else '-':>8}"
              f"{spread * 100:>7.0f}%  {change}{want} {mark}{note}")
        median = {"vmspace": shown, "native": peer} if peer else \
            {"vmspace": shown}
        rows.append({"key": name, "title": title, "median": median,
                     "third": third, "target": want, "met": met,
                     "samples": got})
    return {"rows": rows, "growth": growth(run, exe, rounds)}
