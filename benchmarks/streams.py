"""Streams of changes: their memory and processor time while nothing changes, and how soon each has a change."""

import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator

from benchmarks.latency import indicator
from benchmarks.running import await_workers, cpu, memory, serving
from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.item import Item

STREAMS = 5_000
# Of one partner: fewer than it may have in one worker.
_OF_ONE = 100
_QUIET_SECONDS, _PATIENCE = 20, 300
_ASK = "GET /api/collections/room/stream HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\n\r\n"
# The targets: bytes per stream, and seconds until all streams have a change.
_MOST_KB, _MOST_SECONDS = 20.0, 2.0


def rows(number: int = STREAMS) -> Iterator[list[object]]:
    """Yield the table's rows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = min(number, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number + 200), hard))
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/hub.db"
        store = Store.open(url)
        tokens = _furnish(store, -(-number // _OF_ONE))
        with serving(url, "--workers", "2") as (port, pid):
            await_workers(pid)
            yield from asyncio.run(_measure(store, tokens, port, pid, number))
        store.close()


async def _measure(store: Store, tokens: list[str], port: int, pid: int, number: int) -> list[list[object]]:
    before = memory(pid)
    opened = [await _open(port, tokens[place // _OF_ONE]) for place in range(number)]
    kilobytes = (memory(pid) - before) * 1024 / number
    used, began = cpu(pid), time.monotonic()
    await asyncio.sleep(_QUIET_SECONDS)
    share = (cpu(pid) - used) / (time.monotonic() - began)
    used = cpu(pid)
    seconds = await _change(store, opened)
    took = (cpu(pid) - used) * 1000 / number
    for _, writer in opened:
        writer.close()
    what = f"{number} streams of changes on two workers: "
    return [
        [
            f"{what}KB of memory each",
            f"{kilobytes:.1f}",
            "asked for",
            f"{_MOST_KB:.0f}",
            f"{_MOST_KB / kilobytes:.1f}x",
        ],
        [f"{what}processor while nothing changes", f"{share:.1%}", "", "", ""],
        [
            f"{what}one change until half / all have it, s; processor each, ms",
            f"{seconds[len(seconds) // 2]:.2f} / {seconds[-1]:.2f}; {took:.2f}",
            "asked for",
            f"{_MOST_SECONDS:.1f}",
            f"{_MOST_SECONDS / seconds[-1]:.1f}x",
        ],
    ]


def _furnish(store: Store, readers: int) -> list[str]:
    """Set up a hub with an exchange and its readers; return their tokens."""
    set_up(store)
    with store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        tokens = []
        for number in range(readers):
            name = f"Bank {number}"
            tokens.append(
                partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name))).token
            )
            collections.grant(tx, name, room, read=True)
    return tokens


async def _open(port: int, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a stream, and read its first event."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(_ASK.format(token).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n", 1)[0], head
    await reader.readuntil(b"\n\n\r\n")
    return reader, writer


async def _change(store: Store, opened: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> list[float]:
    """Change the collection once, and return the seconds until each stream had the change, in order."""
    began = time.monotonic()
    with store.begin() as tx:
        log.append(tx, collections.get(tx, "room"), [Item.of(indicator(0))])

    async def wait(reader: asyncio.StreamReader) -> float:
        while b"indicator--" not in await reader.readuntil(b"\n\n\r\n"):
            pass
        return time.monotonic() - began

    async with asyncio.timeout(_PATIENCE):
        return sorted(await asyncio.gather(*(wait(reader) for reader, _ in opened)))
