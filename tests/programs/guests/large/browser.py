# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""A browser makes a picture of a page: browser.py chromium|firefox PAGE.  Prints
the size of the picture and the colour of three places, so that what was drawn, and
the script of the page, are compared.  Chromium's own sandbox needs an ordinary
user."""
import os
import struct
import subprocess
import sys
import zlib

HERE = os.getcwd()
ARGV = {
    "chromium": ["chromium", "--headless=new", "--disable-gpu",
                 "--user-data-dir=" + HERE + "/profile", "--no-first-run",
                 "--window-size=300,300", "--hide-scrollbars",
                 "--screenshot=" + HERE + "/out.png"],
    "firefox": ["firefox-esr", "--headless", "--no-remote", "--profile",
                HERE + "/profile", "--window-size", "300,300",
                "--screenshot", HERE + "/out.png"],
}


def pixels(path):
    """(width, height, function of x and y that gives (r, g, b)) of a PNG file
    with 8 bits a channel."""
    with open(path, "rb") as f:
        data = f.read()
    at, idat, head = 8, b"", None
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + n]
        if kind == b"IHDR":
            head = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            idat += body
        at += 12 + n
    w, h, bits, colour = head
    bpp = {2: 3, 6: 4}[colour]
    raw, rows, prior = zlib.decompress(idat), [], bytes(w * bpp)
    for y in range(h):
        line = raw[y * (w * bpp + 1):(y + 1) * (w * bpp + 1)]
        out = bytearray(line[1:])
        for i in range(len(out)):
            a = out[i - bpp] if i >= bpp else 0
            b = prior[i]
            c = prior[i - bpp] if i >= bpp else 0
            if line[0] == 1:
                out[i] = (out[i] + a) & 255
            elif line[0] == 2:
                out[i] = (out[i] + b) & 255
            elif line[0] == 3:
                out[i] = (out[i] + (a + b) // 2) & 255
            elif line[0] == 4:
                d = a + b - c
                best = min((abs(d - a), 0, a), (abs(d - b), 1, b),
                           (abs(d - c), 2, c))
                out[i] = (out[i] + best[2]) & 255
        rows.append(bytes(out))
        prior = rows[-1]
    return w, h, lambda x, y: tuple(rows[y][x * bpp:x * bpp + 3])


def main():
    what, page = sys.argv[1:]
    os.mkdir(HERE + "/profile")
    if os.getuid() == 0:
        for path in (HERE, HERE + "/profile"):
            os.chown(path, 1, 1)
        os.setgroups([])
        os.setgid(1)
        os.setuid(1)
    env = dict(os.environ, HOME=HERE, XDG_CONFIG_HOME=HERE,
               XDG_CACHE_HOME=HERE, XDG_RUNTIME_DIR=HERE)
    with open(HERE + "/log", "wb") as log:
        r = subprocess.run([*ARGV[what], "file://" + page], env=env,
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                           timeout=100)
    if not os.path.exists(HERE + "/out.png"):
        with open(HERE + "/log", errors="replace") as log:
            sys.exit(f"status {r.returncode}: " + log.read()[-3000:])
    w, h, at = pixels(HERE + "/out.png")
    print(r.returncode, w, h > 200, at(50, 50), at(50, 150), at(200, 50))


main()
