"""Unread responses: their memory has limits per owner and in total, and is freed in the end."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from server.web.http import connection, connections, fair_executor
from server.web.http.connection import Connection
from server.web.http.connections import Connections
from server.web.http.fair_executor import MIB, FairExecutor, ResponseLimits
from server.web.http.outgoing import SLICE, OutgoingBody
from server.web.taxii.event_stream import EVENTS, PLACE, EventStream
from server.web.taxii.response import TaxiiResponse

PAGE = 12 * MIB
TEXT = b"scam.example is a domain that was reported. "


def packable(size: int) -> bytes:
    return (TEXT * (size // len(TEXT) + 1))[:size]


def unpackable(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - no secret, but bytes that cannot be packed


class Application:
    """Answers with a body of the length in the path: ``/now/…`` on the event loop, ``/stream/…`` in pieces."""

    def __init__(self, make: Callable[[int], bytes] = unpackable) -> None:
        self.make = make
        self.made = 0

    def respond(self, environ: dict[str, Any]) -> TaxiiResponse:
        self.made += 1
        size = int(environ["PATH_INFO"].rsplit("/")[-1])
        if environ["PATH_INFO"].startswith("/stream"):
            return TaxiiResponse(200, stream=iter([self.make(MIB)] * (size // MIB)))
        return TaxiiResponse(200, self.make(size))

    def respond_fast(self, environ: dict[str, Any]) -> TaxiiResponse | None:
        return self.respond(environ) if environ["PATH_INFO"].startswith("/now") else None

    def expected_size(self, environ: dict[str, Any]) -> int:
        size = int(environ["PATH_INFO"].rsplit("/")[-1])
        return size if size > MIB and not environ["PATH_INFO"].startswith("/stream") else 0

    def identify(self, environ: dict[str, Any]) -> None:
        pass

    def owner(self, environ: dict[str, Any]) -> str:
        return str(environ.get("HTTP_X_OWNER", environ["REMOTE_ADDR"]))

    def refuse(self, environ: dict[str, Any], status: int) -> TaxiiResponse:
        return TaxiiResponse(status, headers=(("Retry-After", "1"),))


class Server:
    """A worker's connections, on a socket."""

    def __init__(self, application: Application, shared: Connections, address: tuple[str, int]) -> None:
        self.application = application
        self.shared = shared
        self._address = address
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def held(self) -> int:
        return self.shared.executor._room.held

    async def ask(self, *paths: str, owner: str = "bank", more: str = "", version: str = "1.1") -> asyncio.StreamReader:
        # The client library reads only up to its limit, like a client that does not read.
        reader, writer = await asyncio.open_connection(*self._address, limit=1024)
        self._writers.append(writer)
        for path in paths:
            writer.write(f"GET {path} HTTP/{version}\r\nHost: hub\r\nX-Owner: {owner}\r\n{more}\r\n".encode())
        return reader

    def leave(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def until(self, true: Callable[[], bool], seconds: float = 60.0) -> None:
        for _ in range(int(seconds / 0.02)):
            if true():
                return
            self.shared.sweep()
            await asyncio.sleep(0.02)
        raise AssertionError("it never came")


@asynccontextmanager
async def serving(application: Application, limits: ResponseLimits | None = None) -> AsyncIterator[Server]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(8) as threads:
        shared = Connections(application, FairExecutor(threads, 8, limits), "", limits)  # type: ignore[arg-type]
        listening = await loop.create_server(lambda: Connection(shared), "127.0.0.1", 0)
        server = Server(application, shared, listening.sockets[0].getsockname())
        try:
            yield server
        finally:
            server.leave()
            listening.close()
            await server.until(lambda: not shared)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(test(), 120)

    asyncio.run(whole())


async def head(reader: asyncio.StreamReader) -> dict[str, str]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines[1:])}
    return {"status": lines[0].split()[1], **headers}


async def body_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int((await head(reader))["Content-Length"]))


def test_unread_pages_of_one_owner_are_built_up_to_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fair_executor, "_PATIENCE_SECONDS", 0.5)

    async def test() -> None:
        limits = ResponseLimits(64 * MIB, 40 * MIB)
        async with serving(Application(), limits) as server:
            readers = [await server.ask(f"/{PAGE}") for _ in range(20)]
            most = 0

            def watched() -> bool:
                nonlocal most
                most = max(most, server.held)
                return most >= 36 * MIB and not server.shared.executor._waiting

            await server.until(watched)
            told = [await head(reader) for reader in readers]
            assert watched()
            assert most == 36 * MIB
            assert (server.held, server.application.made) == (36 * MIB, 3)
            assert sorted(one["status"] for one in told) == ["200"] * 3 + ["503"] * 17
            assert all("Retry-After" in one for one in told if one["status"] == "503")
            # Another owner has its own share.
            other = await server.ask(f"/{PAGE}", owner="platform")
            assert await body_of(other) == unpackable(PAGE)
            server.leave()
            await server.until(lambda: server.held == 0)

    run(test)


def test_several_connections_of_one_owner_that_read_get_all_their_pages() -> None:
    async def test() -> None:
        async with serving(Application()) as server:
            readers = [await server.ask(f"/{PAGE}") for _ in range(8)]
            pages = await asyncio.gather(*map(body_of, readers))
            assert set(pages) == {unpackable(PAGE)}
            await server.until(lambda: server.held == 0)

    run(test)


def test_slowly_read_response_is_compressed_and_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PACKED_SECONDS", 0.0)

    async def test() -> None:
        async with serving(Application(packable)) as server:
            readers = [await server.ask(f"/{PAGE}") for _ in range(12)]
            await server.until(lambda: server.application.made == 12 and server.held < PAGE)
            pages = await asyncio.gather(*map(body_of, readers))
            assert set(pages) == {packable(PAGE)}
            await server.until(lambda: server.held == 0)

    run(test)


@pytest.mark.parametrize("size", [SLICE, SLICE + 1, 3 * SLICE - 1])
def test_slices_give_the_compressed_body_from_any_position(size: int) -> None:
    for place in range(4):
        body = OutgoingBody(packable(size))
        before = [body.next() for _ in range(place)]
        body.replace(body.pack())
        after = list(iter(body.next, None))
        assert b"".join(piece for piece in (*before, *after) if piece) == packable(size)


def test_responses_to_pipelined_requests_are_in_order() -> None:
    async def test() -> None:
        async with serving(Application()) as server:
            reader = await server.ask("/5000000", "/10", f"/now/{MIB}", "/3000000", "/now/7")
            sizes = [len(await body_of(reader)) for _ in range(5)]
            assert sizes == [5_000_000, 10, MIB, 3_000_000, 7]

    run(test)


@pytest.mark.parametrize(("more", "version"), [("Connection: close\r\n", "1.1"), ("", "1.0")])
def test_a_large_response_that_is_the_last_one_arrives_whole(more: str, version: str) -> None:
    async def test() -> None:
        async with serving(Application()) as server:
            reader = await server.ask("/5000000", more=more, version=version)
            assert await body_of(reader) == unpackable(5_000_000)
            assert await reader.read() == b""

    run(test)


def test_streams_and_immediate_responses_share_the_limit() -> None:
    async def test() -> None:
        async with serving(Application(), ResponseLimits(20 * MIB, 10 * MIB)) as server:
            streams = [await server.ask(f"/stream/{100 * MIB}") for _ in range(8)]
            told = [(await head(reader))["status"] for reader in streams]
            assert sorted(told) == ["200"] * 5 + ["503"] * 3
            assert (await head(await server.ask(f"/now/{MIB}")))["status"] == "503"
            assert (await head(await server.ask(f"/now/{MIB}", owner="platform")))["status"] == "200"
            # Short responses are sent anyway.
            assert (await head(await server.ask("/1000")))["status"] == "200"
            server.leave()
            await server.until(lambda: server.held == 0)

    run(test)


def test_client_that_ignores_short_responses_is_cut_off_at_the_limit() -> None:
    async def test() -> None:
        async with serving(Application(), ResponseLimits(MIB, MIB // 2)) as server:
            for _ in range(12):
                await server.ask(*["/now/60000"] * 400)
            await server.until(lambda: len(server.shared) < 12)
            assert server.held <= MIB // 2
            assert await body_of(await server.ask("/now/60000", owner="platform")) == unpackable(60_000)

    run(test)


@pytest.mark.long_but("True")
@pytest.mark.parametrize(("rate", "is_cut_off"), [(1_000, False), (100 * MIB, True)])
def test_client_below_the_minimum_rate_is_cut_off(rate: int, is_cut_off: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_WATCHED_SECONDS", 0.5)

    async def test() -> None:
        async with serving(Application(), ResponseLimits(least_rate=rate)) as server:
            reader = await server.ask(f"/{PAGE}")
            size, came = int((await head(reader))["Content-Length"]), 0
            # A few slices at a time: more than a thousand bytes a second, and less than a hundred million.
            while came < size and (piece := await _slowly(reader)):
                came += len(piece)
                server.shared.sweep()
            assert (came < size) == is_cut_off

    run(test)


async def _slowly(reader: asyncio.StreamReader) -> bytes:
    await asyncio.sleep(0.02)
    try:
        return await reader.read(100_000)
    except ConnectionError:
        return b""


def test_client_that_reads_nothing_is_cut_off_without_leftovers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_WATCHED_SECONDS", 0.2)

    async def test() -> None:
        async with serving(Application()) as server:
            for _ in range(3):
                await server.ask(f"/{PAGE}")
            await server.ask(f"/stream/{PAGE}")
            await server.until(lambda: server.application.made == 4)
            await server.until(lambda: not server.shared)
            assert server.held == 0

    run(test)


def test_largest_owner_loses_a_response_to_one_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_executor, "_STARVED_SECONDS", 0.1)
    monkeypatch.setattr(connections, "_LONG_SECONDS", 0.1)

    async def test() -> None:
        async with serving(Application(), ResponseLimits(40 * MIB, 40 * MIB)) as server:
            for _ in range(3):
                await server.ask(f"/{PAGE}", owner="evil")
            await server.until(lambda: server.held == 36 * MIB)
            page = asyncio.create_task(body_of(await server.ask(f"/{PAGE}")))
            await server.until(page.done)
            assert page.result() == unpackable(PAGE)
            assert len(server.shared) == 3

    run(test)


def test_arriving_bodies_go_to_files_when_memory_is_full() -> None:
    shared = Connections(None, None, "")  # type: ignore[arg-type]
    requests = []
    for _ in range(100):
        request = connection.HttpRequest()
        requests.append(request)
        for _ in range(16):
            shared.receive(request, b"x" * 60_000)
    in_memory = sum(len(piece) for request in requests for piece in request.body)
    assert in_memory == shared._in_memory < 32 * MIB
    for request in requests:
        request.complete()
        assert request.environ["wsgi.input"].read() == b"x" * 960_000
        shared.let_go(request)
    assert shared._in_memory == 0


class ChangingApplication(Application):
    """Answers with the events of a collection that changes all the time."""

    def respond(self, environ: dict[str, Any]) -> TaxiiResponse:
        return TaxiiResponse(200, content_type=EVENTS, stream=EventStream(self._event(""), self._event))

    def places(self, collections: Collection[str]) -> Mapping[str, int]:
        return dict.fromkeys(collections, self.made)

    def _event(self, place: str) -> TaxiiResponse:
        self.made += 1
        return TaxiiResponse(200, b"x" * MIB, ((PLACE, str(self.made)),), collection="room")


def test_client_that_reads_no_event_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_WATCHED_SECONDS", 0.3)
    monkeypatch.setattr(connection, "_HEARTBEAT_SECONDS", 30.0)

    async def test() -> None:
        async with serving(ChangingApplication()) as server:
            await server.ask("/events/0")
            await server.until(lambda: server.application.made > 1)
            await server.until(lambda: not server.shared)
            assert server.held == 0
            assert server.shared.changes.has_room("bank")

    run(test)
