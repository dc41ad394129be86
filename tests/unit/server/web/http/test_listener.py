"""Accepted connections are bounded by the available room, and silent ones make room for new ones."""

import asyncio
import errno
import logging
import resource
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from server.web.http import listener as listener_module
from server.web.http.connection import Connection
from server.web.http.connections import Connections
from server.web.http.fair_executor import FairExecutor
from server.web.http.listener import Listener, most_connections
from tests.unit.server.web.http.test_held_bodies import Application

REQUEST = b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"


class ExhaustedSocket:
    """A listening socket on a system without descriptors for some of its calls."""

    def __init__(self, failures: int = 0) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.failures = failures

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()
        return host, port

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._socket.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def opened(listener: ExhaustedSocket, threads: ThreadPoolExecutor, most: int) -> tuple[Listener, Connections]:
    loop = asyncio.get_running_loop()
    shared = Connections(Application(), FairExecutor(threads, 2), "")

    async def take(arrived: socket.socket) -> None:
        arrived.setblocking(False)
        await loop.connect_accepted_socket(lambda: Connection(shared), arrived)

    made = Listener(loop, [listener], shared, take, most)  # type: ignore[list-item]  # a socket but for its failures
    made.open()
    return made, shared


async def end(entrance: Listener, shared: Connections) -> None:
    """Close the entrance and all connections, including those that are still arriving."""
    entrance.close()
    await asyncio.gather(*entrance.arriving)
    for connection in list(shared):
        connection.cut_off()
    await asyncio.sleep(0.05)


async def ask(listener: ExhaustedSocket) -> bytes:
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(REQUEST)
    answer = await asyncio.wait_for(reader.readline(), 60)
    writer.close()
    await writer.wait_closed()
    return answer


def test_silent_connections_make_room_for_active_ones(threads: ThreadPoolExecutor) -> None:
    async def crowd() -> tuple[list[bytes], int, bool]:
        listener = ExhaustedSocket()
        entrance, shared = opened(listener, threads, 4)
        silent = [await asyncio.open_connection(*listener.address) for _ in range(20)]
        answers = [await ask(listener) for _ in range(5)]
        open_ = len(shared)
        # The oldest one was closed first.
        gone = await asyncio.wait_for(silent[0][0].read(), 60) == b""
        for _, writer in silent:
            writer.close()
        await end(entrance, shared)
        return answers, open_, gone

    answers, open_, gone = asyncio.run(crowd())
    assert answers == [b"HTTP/1.1 200 OK\r\n"] * 5
    assert open_ <= 4
    assert gone


def test_exhausted_descriptors_refuse_connections_and_are_logged_once(
    threads: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    async def starve() -> bytes:
        listener = ExhaustedSocket(failures=5)
        entrance, shared = opened(listener, threads, 100)
        asking = asyncio.create_task(ask(listener))
        while not asking.done():
            await asyncio.sleep(0.005)
            entrance.open()
        answer = await asking
        await end(entrance, shared)
        return answer

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(starve()) == b"HTTP/1.1 200 OK\r\n"
    said = [record.getMessage() for record in caplog.records if "http-full" in record.getMessage()]
    assert len(said) == 1
    assert "EMFILE" in said[0]


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "most"),
    [
        (1_024, 1_048_576, listener_module._MOST + 64 + 128, listener_module._MOST),
        (1_024, 1_024, None, 1_024 - 64 - 128),
        (300, 300, None, 150),
        (256, 600, 600, 600 - 64 - 128),
        (1 << 20, 1 << 20, None, listener_module._MOST),
        (10, 10, None, 8),
    ],
)
def test_connections_leave_descriptors_to_the_rest(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised: int | None, most: int
) -> None:
    set_: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: set_.append(limits))
    assert most_connections(32) == most
    assert set_ == ([] if raised is None else [(raised, hard)])
