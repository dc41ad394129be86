"""``python -m benchmarks.storm.proxy SOCKET MILLISECONDS``: a proxy to a database with this latency each way.

Prints its port on 127.0.0.1, and forwards connections to the Unix socket without limiting the throughput.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 1 << 18


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Forward all data to the other end, each piece after the delay."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def fetch() -> None:
        piece = b"-"
        while piece:
            with suppress(ConnectionError):
                piece = await reader.read(_CHUNK)
                pieces.put_nowait((loop.time() + seconds, piece))
                continue
            pieces.put_nowait((loop.time(), b""))
            return

    with suppress(ConnectionError):
        await asyncio.gather(fetch(), deliver())


async def serve(path: str, seconds: float) -> None:
    """Serve until the process ends."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_unix_connection(path, limit=_CHUNK)
        await asyncio.gather(carry(reader, to_there, seconds), carry(there, writer, seconds))

    server = await asyncio.start_server(connect, "127.0.0.1", 0, limit=_CHUNK)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def line(path: str, milliseconds: float) -> Iterator[int]:
    """Run a proxy in another process; yield its port."""
    command = [sys.executable, "-m", "benchmarks.storm.proxy", path, str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2]) / 1000))
