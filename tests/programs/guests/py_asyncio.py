# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""asyncio: tasks, timers, subprocesses, pipes, signals, executors."""
import asyncio
import os
import signal
import time


async def ticker(n, out):
    for i in range(n):
        await asyncio.sleep(0.01)
        out.append(i)


async def through_pipe():
    loop = asyncio.get_running_loop()
    r, w = os.pipe()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(r, "rb"))
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(w, "wb"))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)

    async def produce():
        for i in range(300):
            writer.write(f"line {i}\n".encode() * 20)
            await writer.drain()
        writer.close()
    task = asyncio.create_task(produce())
    n = 0
    while await reader.readline():
        n += 1
    await task
    return n


async def child(i):
    p = await asyncio.create_subprocess_exec(
        "sh", "-c", f"read x; echo $x {i}; exit {i}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, _ = await p.communicate(b"hello\n")
    return out, p.returncode


async def main():
    loop = asyncio.get_running_loop()
    lists = [[] for _ in range(50)]
    await asyncio.gather(*(ticker(5, x) for x in lists))
    print(sum(map(sum, lists)))
    print(await through_pipe())
    print(await asyncio.gather(*(child(i) for i in range(6))))
    got = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 10)
    print("signal")
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError:
        print("timeout")
    print(await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.01)
                                 for _ in range(20))) == [None] * 20)
    q = asyncio.Queue(3)

    async def put():
        for i in range(100):
            await q.put(i)
    task = asyncio.create_task(put())
    print(sum([await q.get() for _ in range(100)]))
    await task


asyncio.run(main())
