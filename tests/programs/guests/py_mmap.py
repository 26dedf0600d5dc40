# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""The mmap module: files, anonymous memory, sharing with a child."""
import mmap
import os

with open("f", "wb+") as f:
    f.write(b"0123456789abcdef" * 4096)
    f.flush()
    with mmap.mmap(f.fileno(), 0) as m:
        print(len(m), m[:16], m.find(b"f0"), m.rfind(b"abc"))
        m[100:105] = b"HELLO"
        m.move(0, 100, 5)
        m.flush()
        m.madvise(mmap.MADV_DONTNEED)
        print(m[:8], m[100:105])
        m.resize(1 << 20)
        print(len(m), m.size(), m[-1])
        m.seek(65536)
        m.write(b"tail")
        m.flush()
    print(os.fstat(f.fileno()).st_size)
    with mmap.mmap(f.fileno(), 4096, offset=65536,
                   access=mmap.ACCESS_READ) as m:
        print(m[:5])
        try:
            m[0] = 1
        except TypeError:
            print("TypeError")
    with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as m:
        m[0:4] = b"COPY"
        print(m[:5])
    f.seek(0)
    print(f.read(8))
with mmap.mmap(-1, 1 << 20) as shared:
    pids = []
    for i in range(4):
        pid = os.fork()
        if pid == 0:
            shared[i * 1000:i * 1000 + 3] = b"kid"
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    print([shared[i * 1000:i * 1000 + 3] for i in range(5)])
with mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as m:
    for i in range(0, len(m), 4096):
        m[i] = (i >> 12) & 0xff
    print(sum(m[i] for i in range(0, len(m), 4096)))
    if os.fork() == 0:
        m[0] = 99
        os._exit(0)
    os.wait()
    print(m[0])
