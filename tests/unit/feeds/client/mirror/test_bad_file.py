"""A mirror whose file is damaged or missing while it serves."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.copies import CopyWriter
from feeds.client.mirror.entries import entry_of
from feeds.client.mirror.http_protocol import CheckProtocol
from feeds.client.mirror.service import CheckService
from feeds.client.mirror.settings import CheckRules, MirrorOptions
from tests.unit.feeds.client.mirror.objects import indicator

QUESTION = b'{"values": [{"value": "h1.example.com"}]}'
REQUEST = b"POST /check HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(QUESTION), QUESTION)


def written(path: Path, *numbers: int) -> None:
    with CopyWriter(path) as writer:
        writer.keep_rules(CheckRules())
        copy = writer.begin("hub", "room", "room", "Room")
        writer.add(copy, [entry for entry in map(entry_of, map(indicator, numbers)) if entry], {"added_after": "x"})
        writer.publish([writer.get(copy.number)])


async def _asked(mirror: Mirror) -> bytes:
    service = CheckService(mirror, MirrorOptions())
    server = await asyncio.get_running_loop().create_server(
        lambda: CheckProtocol(service.respond, set()), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    writer.write(REQUEST + REQUEST)
    async with asyncio.timeout(60):
        first = await reader.readuntil(b"}") + await reader.readuntil(b"HTTP/1.1")
    writer.close()
    server.close()
    return first


def test_failure_is_answered_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mirror.db"
    written(path, 1)
    with Mirror(path) as mirror:
        assert asyncio.run(_asked(mirror)).startswith(b"HTTP/1.1 200 ")

        def fail(*_: object) -> None:
            raise sqlite3.DatabaseError("disk image is malformed near h1.example.com")

        monkeypatch.setattr(mirror, "check_all", fail)
        answer = asyncio.run(_asked(mirror))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert "error=DatabaseError at=" in caplog.text
    assert "h1.example.com" not in caplog.text


def test_new_file_is_used_even_if_first_seen_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    written(path, 1)
    with Mirror(path) as mirror:
        assert mirror.check("h1.example.com").found
        for beside in ("", "-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        path.touch()
        mirror.follow_file()
        assert mirror.check("h1.example.com").found, "until there is another"
        written(path, 2)
        mirror.follow_file()
        assert mirror.check("h2.example.com").found
        assert not mirror.check("h1.example.com").found


def test_only_a_known_kind_is_a_kind(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    written(path, 1)
    with Mirror(path) as mirror:
        answer = mirror.check("h1.example.com", "domain")
        assert answer.found
        assert answer.stale, "it was never compared"
        refused = mirror.check("example.com", "domain:h1.")
        assert refused.error is not None
