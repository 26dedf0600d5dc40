# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""asyncio over UNIX sockets: a server and twenty clients."""
import asyncio


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def client(i):
    reader, writer = await asyncio.open_unix_connection("sock")
    out = []
    for k in range(20):
        writer.write(f"client {i} line {k}\n".encode())
        out.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return out[-1]


async def main():
    server = await asyncio.start_unix_server(serve, "sock")
    print(await asyncio.gather(*(client(i) for i in range(20))))
    server.close()
    await server.wait_closed()


asyncio.run(main())
