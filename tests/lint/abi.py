# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Numbers of Linux are defined in src/abi and nowhere else.

A name is one of Linux when the headers of this host define it as a macro (with
or without the prefix LX_), or when it is LX_... or NR_....  A macro, an
enumerator or a constant of such a name may not have a numeric value outside
src/abi.  HOST_... in src/host are numbers of the host: assertions there compare
them with the host's headers."""

import functools
import os
import re
import shutil

import csource
from layers import HOST_LAYERS, layer_of
from tree import line_of, run

ABI = "src/abi/"
HEADERS = """
errno.h fcntl.h poll.h signal.h sched.h time.h limits.h elf.h unistd.h ucontext.h
sys/auxv.h sys/epoll.h sys/eventfd.h sys/file.h sys/inotify.h sys/ioctl.h
sys/ipc.h sys/mman.h sys/mount.h sys/msg.h sys/prctl.h sys/ptrace.h
sys/random.h sys/resource.h sys/sem.h sys/shm.h sys/signalfd.h sys/socket.h
sys/stat.h sys/statfs.h sys/time.h sys/timerfd.h sys/uio.h sys/un.h sys/wait.h
sys/xattr.h termios.h netinet/in.h netinet/tcp.h netinet/udp.h dirent.h
linux/auxvec.h linux/capability.h linux/close_range.h linux/falloc.h linux/fs.h
linux/futex.h linux/landlock.h linux/magic.h linux/major.h linux/membarrier.h
linux/memfd.h linux/mempolicy.h linux/rseq.h linux/seccomp.h asm/hwcap2.h
asm/prctl.h asm/unistd_64.h
""".split()
# What these headers define besides numbers of Linux.
NOT_LINUX = re.compile(r"_|NULL$|(MIN|MAX|PAGE_SIZE|PAGE_MASK)$")
ALWAYS = re.compile(r"(LX_|(__)?NR_|VIOC_)\w+$")
PREFIX = re.compile(r"^(LX_|V(?=POLL))|_$")
NUMBER = re.compile(r"(?<![\w'\"])(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b|'.'")
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+"
                    r"((?:[^\n\\]|\\\n)*)", re.M)
ENUM = re.compile(r"\benum\b[^;{}()]*\{([^}]*)\}")
CONST = re.compile(r"^(?:static )?(?:const \w+|\w+ const|constexpr \w+)"
                   r"(?: \w+)* (\w+) = ([^;{]*);", re.M)


@functools.lru_cache
def linux_names():
    """(the macros of the host's headers, None) or (None, what is missing)"""
    cc = os.environ.get("CC", "cc").split()
    if shutil.which(cc[0]) is None:
        return None, "a C compiler"
    text = "".join(f"#if __has_include(<{h}>)\n#include <{h}>\n#endif\n"
                   for h in HEADERS)
    r = run(cc + ["-D_GNU_SOURCE", "-dM", "-E", "-x", "c", "-"], stdin=text)
    if r.returncode != 0:
        return None, f"the headers of Linux ({r.stderr.strip()[:200]})"
    # Empty macros and macros with arguments are no numbers.
    return {m.group(1) for m in re.finditer(
        r"^#define ([A-Z]\w+) \S", r.stdout, re.M)
        if not NOT_LINUX.match(m.group(1))}, None


def fallback(text, offset, name):
    """Is a definition under "#ifndef NAME", for hosts of older headers?"""
    lines = text[:offset].rstrip("\n").splitlines()
    return bool(lines) and re.match(rf"\s*#\s*ifndef\s+{name}\b", lines[-1])


def definitions(text):
    """(name, offset) of what has a numeric value."""
    bare = csource.strip(text)
    for m in DEFINE.finditer(bare):
        # Literals are blank in bare; those of the original count.
        if NUMBER.search(bare[m.start(2):m.end(2)]) or \
                re.search(r"'[^']'", text[m.start(2):m.end(2)]):
            yield m.group(1), m.start()
    for m in ENUM.finditer(bare):
        at = m.start(1)
        for part in m.group(1).split(","):
            n = re.match(r"\s*(\w+)\s*(?:=(.*))?$", part, re.S)
            if n and (n.group(2) is None or NUMBER.search(n.group(2))):
                yield n.group(1), at + n.start(1)
            at += len(part) + 1
    for m in CONST.finditer(bare):
        if NUMBER.search(m.group(2)):
            yield m.group(1), m.start()


def check_abi(tree):
    names, tree.missing = linux_names()
    if names is None:
        return
    for path, text in tree.files(("src/", "include/"), (".c", ".h", ".S")):
        if path.startswith(ABI):
            continue
        for name, offset in definitions(text):
            plain = PREFIX.sub("", PREFIX.sub("", name))
            if not ALWAYS.match(name) and plain not in names:
                continue
            if layer_of(path) in HOST_LAYERS and fallback(text, offset, name):
                continue
            tree.add(path, line_of(text, offset), f"{name} is a number of "
                     f"Linux: define it in {ABI}")
