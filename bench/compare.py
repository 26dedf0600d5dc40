# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Two revisions, measured in the same rounds.

The machine's noise decides what a difference means: a figure is called slower
or faster only when the medians differ by more than half the spread of either
revision, and by more than 3 per cent.
"""
import statistics

HEAD = "after/before"
LEAST = 0.03


def verdict(after, before):
    """"0.98x same", from the samples of both revisions."""
    a, b = statistics.median(after), statistics.median(before)
    if not b:
        return ""
    noise = max(max(after) - min(after), max(before) - min(before)) / 2 / b
    change = a / b - 1
    word = "same"
    if abs(change) > max(noise, LEAST):
        word = "SLOWER" if change > 0 else "faster"
    return f"{a / b:.2f}x {word} (noise {noise * 100:.0f}%)"


def line(title, after, before):
    return f"{title}: {HEAD} {verdict(after, before)}"
