# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""multiprocessing: a pool, shared memory, queues, locks, all start methods
that need no sockets."""
import multiprocessing as mp
import os
from multiprocessing import shared_memory


def square(x):
    return x * x


def fill(name, part, n):
    s = shared_memory.SharedMemory(name=name)
    size = s.size // n
    for i in range(part * size, (part + 1) * size):
        s.buf[i] = (i * 7 + part) & 0xff
    s.close()


def count(v, a):
    for _ in range(500):
        with v.get_lock():
            v.value += 1
    a[os.getpid() % len(a)] = 1.5


def echo(conn):
    while (x := conn.recv()) is not None:
        conn.send(x[::-1])


def produce(q, i):
    for k in range(50):
        q.put((i, k, "x" * 1000))


def work(ctx):
    with ctx.Pool(4) as pool:
        print(sum(pool.map(square, range(2000), chunksize=37)),
              sorted(pool.imap_unordered(square, range(10))),
              pool.apply_async(square, (12,)).get(30))


def main():
    for method in ("fork", "spawn"):
        work(mp.get_context(method))
    ctx = mp.get_context("fork")
    shm = shared_memory.SharedMemory(create=True, size=4 << 16)
    ps = [ctx.Process(target=fill, args=(shm.name, i, 4)) for i in range(4)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    print(sum(shm.buf), [p.exitcode for p in ps])
    shm.close()
    shm.unlink()
    v, a = ctx.Value("i", 0), ctx.Array("d", 8)
    ps = [ctx.Process(target=count, args=(v, a)) for _ in range(4)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    print(v.value)
    here, there = ctx.Pipe()
    p = ctx.Process(target=echo, args=(there,))
    p.start()
    for x in (b"abc", b"z" * 100000, [1, 2, 3]):
        here.send(x)
        print(here.recv()[:4])
    here.send(None)
    p.join()
    q = ctx.Queue()
    ps = [ctx.Process(target=produce, args=(q, i)) for i in range(4)]
    for p in ps:
        p.start()
    print(sum(q.get(timeout=30)[1] for _ in range(200)))
    for p in ps:
        p.join()
    p = ctx.Process(target=os._exit, args=(13,))
    p.start()
    p.join()
    print(p.exitcode)


if __name__ == "__main__":
    main()
