"""The three programs, for one library. Prints the nanoseconds of CPU time for each operation."""

import sys
import time


def with_asyncio(what, count):
    import asyncio

    async def nothing():
        pass

    async def spawn():
        for _ in range(count // 100):
            async with asyncio.TaskGroup() as group:
                for _ in range(100):
                    group.create_task(nothing())

    async def sleep0():
        for _ in range(count):
            await asyncio.sleep(0)

    async def echo():
        done = asyncio.Event()

        async def serve(reader, writer):
            for _ in range(count):
                writer.write(await reader.read(1024))
                await writer.drain()
            done.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await done.wait()

    asyncio.run({"spawn": spawn, "sleep0": sleep0, "echo": echo}[what]())


def with_trio(what, count):
    import trio

    async def nothing():
        pass

    async def spawn():
        for _ in range(count // 100):
            async with trio.open_nursery() as nursery:
                for _ in range(100):
                    nursery.start_soon(nothing)

    async def sleep0():
        for _ in range(count):
            await trio.sleep(0)

    async def echo():
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        print(listener.socket.getsockname()[1], flush=True)
        stream = await listener.accept()
        for _ in range(count):
            await stream.send_all(await stream.receive_some(1024))

    trio.run({"spawn": spawn, "sleep0": sleep0, "echo": echo}[what])


def with_curio(what, count):
    import curio
    from curio import socket

    async def nothing():
        pass

    async def spawn():
        for _ in range(count // 100):
            async with curio.TaskGroup() as group:
                for _ in range(100):
                    await group.spawn(nothing)

    async def sleep0():
        for _ in range(count):
            await curio.sleep(0)

    async def echo():
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        print(listener.getsockname()[1], flush=True)
        stream, _ = await listener.accept()
        for _ in range(count):
            await stream.sendall(await stream.recv(1024))

    curio.run({"spawn": spawn, "sleep0": sleep0, "echo": echo}[what])


library, what, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
before = time.process_time_ns()
{"asyncio": with_asyncio, "trio": with_trio, "curio": with_curio}[library](what, count)
print((time.process_time_ns() - before) // count, flush=True)
