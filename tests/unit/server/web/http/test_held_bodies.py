"""The bodies held by a worker have a common limit, and count until they are freed."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from server.web.http.connection import Connection
from server.web.http.connections import Connections
from server.web.http.fair_executor import FairExecutor
from server.web.http.messages import HttpRequest
from server.web.taxii.response import TaxiiResponse

MIB = 1024 * 1024


class Application:
    """Answers GET at once, and other methods when ``may_answer`` is set."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()

    def respond(self, environ: dict[str, Any]) -> TaxiiResponse:
        self.may_answer.wait(60)
        return TaxiiResponse(200)

    def respond_fast(self, environ: dict[str, Any]) -> TaxiiResponse | None:
        return TaxiiResponse(200) if environ["REQUEST_METHOD"] == "GET" else None

    def identify(self, environ: dict[str, Any]) -> None:
        pass

    def refuse_body(self, environ: dict[str, Any]) -> TaxiiResponse | None:
        return None

    def expected_size(self, environ: dict[str, Any]) -> int:
        return 0

    def owner(self, environ: dict[str, Any]) -> str:
        return str(environ["REMOTE_ADDR"])

    def checks_head(self, environ: dict[str, Any]) -> bool:
        return True

    def body_limit(self, environ: dict[str, Any]) -> int:
        return MIB

    def refuse(self, environ: dict[str, Any], status: int) -> TaxiiResponse:
        return TaxiiResponse(status)


def request(method: str, came: int = 1000, length: int = 1000) -> bytes:
    return f"{method} / HTTP/1.1\r\nHost: hub\r\nContent-Length: {length}\r\n\r\n".encode() + b"x" * came


async def until(true: Callable[[], bool]) -> None:
    """Wait until this is true; after a minute, leave the failure to the caller's assertion."""
    for _ in range(6_000):
        if true():
            return
        await asyncio.sleep(0.01)


async def _check_held(sent: bytes, meanwhile: int) -> None:
    """Send this to a worker, and disconnect: it holds so many bytes in between, and none at the end."""
    loop = asyncio.get_running_loop()
    application = Application()
    with ThreadPoolExecutor(2) as threads:
        connections = Connections(application, FairExecutor(threads, 2), "")
        server = await loop.create_server(lambda: Connection(connections), "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        await writer.drain()
        await until(lambda: connections.held == meanwhile)
        await asyncio.sleep(0.05)
        assert connections.held == meanwhile
        # Without an orderly close: pending requests have no client left.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        application.may_answer.set()
        await until(lambda: not connections and connections.held == 0)
        assert (len(connections), connections.held) == (0, 0)
        server.close()


@pytest.mark.parametrize(
    ("sent", "meanwhile"),
    [
        (request("GET") * 3, 0),
        (request("POST"), 1000),
        (request("POST") * 3, 1000),
        (request("POST", 600), 600),
        (request("POST") + request("GET"), 1000),
        (request("POST", 10, 10) * 2, 20),
        (request("POST", 10, 10) + request("POST", 10, 2 * MIB), 20),
    ],
    ids=["at once", "at work", "not looked at", "broken off", "not looked at either", "waiting", "half behind another"],
)
def test_received_data_is_freed_as_soon_as_possible(sent: bytes, meanwhile: int) -> None:
    asyncio.run(_check_held(sent, meanwhile))


def held(connections: Connections, owner: str, size: int) -> HttpRequest:
    """Reserve this part of a body for a sender."""
    request = HttpRequest()
    connections.belongs(request, owner)
    connections.hold(request, size)
    return request


def test_bodies_fit_up_to_the_limit_and_a_single_one_always() -> None:
    connections = Connections(None, None, "")  # type: ignore[arg-type]
    bodies = [held(connections, owner, 120 * MIB) for owner in ("bank", "platform", "exchange", "telecom")]
    new = held(connections, "police", 0)
    assert connections.has_room(new, 30 * MIB)
    assert not connections.has_room(new, 40 * MIB)
    for body in bodies:
        connections.let_go(body)
    assert connections.held == 0
    assert connections.has_room(held(connections, "police", 600 * MIB), MIB)


def test_one_sender_leaves_room_for_the_others() -> None:
    connections = Connections(None, None, "")  # type: ignore[arg-type]
    first = held(connections, "address", 100 * MIB)
    connections.belongs(first, "bank")
    assert connections.has_room(first, 100 * MIB)
    assert not connections.has_room(held(connections, "bank", 0), 29 * MIB)
    assert connections.has_room(held(connections, "bank", 0), 20 * MIB)
    assert connections.has_room(held(connections, "platform", 0), 100 * MIB)


def test_long_body_is_in_a_file_until_released() -> None:
    connections = Connections(None, None, "")  # type: ignore[arg-type]
    request = held(connections, "bank", 3 * MIB)
    for _ in range(3):
        request.add(b"x" * MIB)
    assert request.file is not None
    assert not request.body
    request.complete()
    body = request.environ["wsgi.input"]
    assert (body.read(), request.environ["CONTENT_LENGTH"]) == (b"x" * 3 * MIB, str(3 * MIB))
    # A thread that reads the body may continue after the sender disconnected.
    request.at_work = True
    connections.let_go(request)
    assert not body.closed
    request.at_work = False
    connections.let_go(request)
    assert body.closed


def test_heads_of_one_sender_leave_threads_to_others_behind_the_proxy() -> None:
    decided = threading.Event()

    class ProxiedApplication(Application):
        def owner(self, environ: dict[str, Any]) -> str:
            return str(environ["HTTP_X_SENDER"])

        def refuse_body(self, environ: dict[str, Any]) -> TaxiiResponse | None:
            if environ["HTTP_X_SENDER"] == "slow":
                decided.wait(60)
            return None

    async def answers_while_others_wait() -> bytes:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(16) as threads:
            connections = Connections(ProxiedApplication(), FairExecutor(threads, 16), "")
            server = await loop.create_server(lambda: Connection(connections), "127.0.0.1", 0)
            streams = []
            try:
                for sender in ["slow"] * 10 + ["other"]:
                    streams.append(await asyncio.open_connection(*server.sockets[0].getsockname()))
                    head = f"Host: hub\r\nX-Sender: {sender}\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
                    streams[-1][1].write(b"POST / HTTP/1.1\r\n" + head.encode())
                return await asyncio.wait_for(streams[-1][0].readline(), 60)
            finally:
                decided.set()
                for _, writer in streams:
                    writer.transport.abort()
                server.close()
                await until(lambda: not connections)

    assert asyncio.run(answers_while_others_wait()) == b"HTTP/1.1 100 Continue\r\n"
