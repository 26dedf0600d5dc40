# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Runs as a guest: reads other processes through /proc/PID/mem, finds a string
in exactly the mappings that contain it, changes data and text, and receives the
error of a process that has ended.  Prints what run_inspect.py expects."""

import ctypes
import errno
import mmap
import os
import sys

# Composed at run time, so that no file and no string constant contains it.
NEEDLE = bytes(b ^ 0x5a for b in bytes(x ^ 0x5a for x in b"nee")) + \
    b"dle-%d" % os.getpid() + bytes(range(65, 91))


def child(to_parent, from_parent):
    shared = mmap.mmap(-1, 8192)
    private = mmap.mmap(-1, 8192, flags=mmap.MAP_PRIVATE |
                        mmap.MAP_ANONYMOUS)
    for area in (shared, private):
        area[4090:4090 + len(NEEDLE)] = NEEDLE
    addrs = [ctypes.addressof(ctypes.c_char.from_buffer(a))
             for a in (shared, private)]
    os.write(to_parent, b"%d %d\n" % tuple(addrs))
    for line in os.fdopen(from_parent, "rb", 0):
        if line == b"show\n":
            os.write(to_parent, private[4090:4100] + b"\n")
        elif line == b"abs\n":
            os.write(to_parent, b"%d\n" % ctypes.CDLL(None).abs(-7))
        elif line == b"exec\n":
            os.execv("/bin/sleep", ["sleep", "100"])
        else:
            os._exit(0)


def start():
    r, w = os.pipe()
    r2, w2 = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        os.close(w2)
        child(w, r2)
    os.close(w)
    os.close(r2)
    out = os.fdopen(r, "rb", 0)
    addrs = [int(x) for x in out.readline().split()]
    return pid, out, w2, addrs


def maps(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
        for line in f:
            span, perms = line.split()[:2]
            lo, hi = (int(x, 16) for x in span.split("-"))
            yield lo, hi, perms, line.split()[-1]


def ask(out, w, what):
    os.write(w, what)
    return out.readline().strip()


def main():
    pid, out, w, (shared, private) = start()
    fd = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    # The two of this process, which the child has inherited, and its own two.
    hits = []
    for lo, hi, perms, name in maps(pid):
        if perms[0] != "r" or name in ("[vvar]", "[vdso]"):
            continue
        data = os.pread(fd, hi - lo, lo)
        if len(data) != hi - lo:
            print("short read", name)
        at = data.find(NEEDLE)
        while at >= 0:
            hits.append(lo + at)
            at = data.find(NEEDLE, at + 1)
    mine = ctypes.addressof(ctypes.c_char.from_buffer(bytearray(NEEDLE)))
    print("made by the child:", shared + 4090 in hits, private + 4090 in hits)
    inside = [h for h in hits
              if any(lo <= h < hi for lo, hi, perms, _ in maps(pid)
                     if "w" in perms)]
    print("only in data:", len(inside) == len(hits), mine != 0)
    os.pwrite(fd, b"CHANGED", private + 4090)
    print("data:", ask(out, w, b"show\n").decode())

    # abs() of the C library returns another value, in that process only.
    fn = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p).value
    other, oout, ow, _ = start()
    old = os.pread(fd, 6, fn)
    os.pwrite(fd, b"\xb8\x2a\x00\x00\x00\xc3", fn)  # mov $42,%eax; ret
    print("text:", ask(out, w, b"abs\n").decode(),
          ask(oout, ow, b"abs\n").decode(), ctypes.CDLL(None).abs(-7))
    os.pwrite(fd, old, fn)
    print("text again:", ask(out, w, b"abs\n").decode())
    third, tout, tw, _ = start()
    print("a new one:", ask(tout, tw, b"abs\n").decode())

    os.write(w, b"exec\n")
    while True:
        try:
            os.pread(fd, 8, private)
        except OSError as e:
            print("after exec:", errno.errorcode[e.errno])
            break
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    for p, end in ((other, ow), (third, tw)):
        os.write(end, b"quit\n")
        os.waitpid(p, 0)
    try:
        os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError as e:
        print("after exit:", errno.errorcode[e.errno])


main()
sys.exit(0)
