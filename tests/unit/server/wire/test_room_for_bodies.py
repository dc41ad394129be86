"""The bodies that a worker holds at once have a limit, and are counted as gone when they are."""

import asyncio
import socket
import struct
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from server.taxii.answer import Answer
from server.wire import shared
from server.wire.connection import Connection
from server.wire.shared import Connections

MIB = 1024 * 1024


class Application:
    """Answers GET at once, and anything else after a while."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        time.sleep(0.2)
        start_response("200 OK", [])
        return [b""]

    def quick(self, environ: dict[str, Any]) -> Answer | None:
        return Answer(200) if environ["REQUEST_METHOD"] == "GET" else None

    def early(self, environ: dict[str, Any], *, patient: bool = False) -> Answer | None:
        return None

    def longest(self, environ: dict[str, Any]) -> int:
        return MIB

    def refuse(self, environ: dict[str, Any], status: int) -> Answer:
        return Answer(status)


def request(method: str, came: int = 1000, length: int = 1000) -> bytes:
    return f"{method} / HTTP/1.1\r\nHost: hub\r\nContent-Length: {length}\r\n\r\n".encode() + b"x" * came


async def _held_after(sent: bytes) -> tuple[int, int]:
    """Send this to a worker, leave, and give what it holds meanwhile and in the end."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as threads:
        connections = Connections(Application(), threads, "")
        server = await loop.create_server(lambda: Connection(connections), "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        await writer.drain()
        await asyncio.sleep(0.1)
        meanwhile = connections.held
        # Without a farewell: what waits is answered to nobody.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await asyncio.sleep(0.4)
        server.close()
        return meanwhile, connections.held


@pytest.mark.parametrize(
    ("sent", "meanwhile"),
    [
        (request("GET") * 3, 0),
        (request("POST"), 1000),
        (request("POST") * 3, 3000),
        (request("POST", 600), 600),
        (request("POST") + request("GET"), 2000),
        (request("POST") + request("POST", 10, 2 * MIB), 1010),
    ],
    ids=["answered at once", "at work", "waiting", "broken off", "waiting for another", "half behind another"],
)
def test_what_a_client_sent_is_not_held_for_longer_than_it_is_needed(sent: bytes, meanwhile: int) -> None:
    assert asyncio.run(_held_after(sent)) == (meanwhile, 0)


def test_bodies_have_room_up_to_the_limit_and_the_only_one_always() -> None:
    connections = Connections(None, None, "")  # type: ignore[arg-type]
    assert connections.has_room(100 * MIB)
    connections.held = 200 * MIB
    assert connections.has_room(50 * MIB)
    assert not connections.has_room(100 * MIB)
    connections.held = shared._HELD_AT_MOST + MIB
    assert not connections.has_room(0, own=MIB)
    assert connections.has_room(0, own=connections.held)
