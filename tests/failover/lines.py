"""Network lines between the hosts that can be cut: traffic is dropped without any notice."""

import asyncio
import threading
from contextlib import suppress

Address = tuple[str, int]
_PIECE = 1 << 16


class Lines:
    """Forwards connections between pairs of addresses, each in its own thread."""

    def __init__(self) -> None:
        """Start without lines."""
        self._loop = asyncio.new_event_loop()
        self._open: dict[str, asyncio.Event] = {}
        self._servers: list[asyncio.Server] = []
        self._tasks = set[asyncio.Task[None]]()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)
        self._thread.start()

    def add(self, host: str, outside: Address, inside: Address) -> None:
        """Forward traffic from ``outside`` to ``inside`` unless ``host`` is cut off."""
        asyncio.run_coroutine_threadsafe(self._listen(host, outside, inside), self._loop).result(10)

    def cut(self, host: str) -> None:
        """Block all traffic to and from ``host``."""
        self._loop.call_soon_threadsafe(self._open[host].clear)

    def mend(self, host: str) -> None:
        """Allow all traffic again, starting with the queued bytes."""
        self._loop.call_soon_threadsafe(self._open[host].set)

    def close(self) -> None:
        """Stop forwarding."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, host: str, outside: Address, inside: Address) -> None:
        is_open = self._open.setdefault(host, asyncio.Event())
        is_open.set()

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await is_open.wait()
                there, back = await asyncio.open_connection(*inside)
                await asyncio.gather(_pass(reader, back, is_open), _pass(there, writer, is_open))
            except (OSError, asyncio.CancelledError):
                writer.transport.abort()
            finally:
                self._tasks.discard(task)

        self._servers.append(await asyncio.start_server(forward, *outside))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_open: asyncio.Event) -> None:
    try:
        while piece := await reader.read(_PIECE):
            await is_open.wait()
            writer.write(piece)
            await writer.drain()
    finally:
        await is_open.wait()
        with suppress(OSError):
            writer.close()
