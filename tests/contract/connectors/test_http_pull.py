"""``http-pull`` with a file behind a URL, and with an API for each way of paging, as the peer."""

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from server.store import Store
from tests.contract.connectors.contract import PARTNER, kept_checkpoint
from tests.contract.connectors.faults import FaultsContract
from tests.contract.connectors.garbage import GarbageContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pulls import PullContract
from tests.running import run

# Ends a run after its first batch.
_STOP = threading.Event()
_STOP.set()


@dataclass
class Peer(HttpPeer):
    """A list of domains at a URL."""

    rows: list[str] = field(default_factory=list)
    clock: timedelta = timedelta()
    changed: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    etag: bool = True
    dated: bool = True
    size: int = 4

    def add(self, *rows: str) -> None:
        self.rows += rows
        self.changed = datetime.now(UTC) + self.clock

    def answer(self, asked: Asked) -> Said:
        body = "".join(f"{row}\n" for row in self.rows).encode() or b"# no domains\n"
        headers = {"Content-Type": "text/plain"}
        if self.etag:
            headers["ETag"] = f'"{hash(body)}"'
        if self.dated:
            headers["Last-Modified"] = format_datetime(self.changed, usegmt=True)
        if self.etag and asked.headers.get("if-none-match") == headers["ETag"]:
            return Said(304, b"", headers)
        return Said(200, body, headers)


@dataclass
class Api(Peer):
    """An API that returns the same list as JSON, in pages."""

    by: str = "page"
    ignores: bool = False
    missing: bool = False
    link: str = "{url}?from={end}"

    def answer(self, asked: Asked) -> Said:
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        start = 0 if self.ignores else int(query.get("from", "0")) + self.size * (int(query.get("page", "1")) - 1)
        end = start + self.size
        some = [{"domain": row} if row.isprintable() else True for row in self.rows[start:end]]
        more = end < len(self.rows)
        said: dict[str, Any] = {"data": {"items": some}, "meta": [{"total": len(self.rows)}]}
        if self.missing and start and not some:
            return Said(404, {"error": "no such page"})
        if self.by == "url":
            said["links"] = {"next": self.link.format(url=self.url, end=end) if more else None}
        if self.by == "cursor":
            said["meta"].append({"cursor": str(min(end, len(self.rows)))})
        headers = (
            {"Link": f'<{self.link.format(url=self.url, end=end)}>; rel="next"'} if self.by == "link" and more else {}
        )
        return Said(200, said, headers)


class HttpPullSuite(GarbageContract, FaultsContract, PullContract):
    connector = "http-pull"
    peer: Peer

    def make(self) -> Peer:
        return Peer()

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("PEER_PASSWORD", "s3cret")
        self.peer = self.make()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "url": f"{self.peer.url}list.txt",
            "user": "hub",
            "password": {"env": "PEER_PASSWORD"},
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "retries": 0,
            "allow_private": True,
            **more,
        }

    def prepare(self, store: Store, count: int) -> None:
        self.peer.add(*(f"h{number}.example.com" for number in range(len(self.peer.rows), count)))

    def prepare_with_a_bad_one(self, store: Store) -> None:
        self.peer.add("h0.example.com", "what is this", "h1.example.com")

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        self.peer.add("a.example.com", "\x00\x01", "b.example.com")

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.peer.clock = timedelta(hours=hours)

    def test_refused_request_is_misconfigured(self, store: Store) -> None:
        self.peer.fault = "400"
        self.check_misconfigured(store)


class TestHttpPullOfAFile(HttpPullSuite):
    """A whole list at one URL."""

    bad_settings = (
        ({"url": "ftp://x/"}, "url"),
        ({"url": "https://hub:s3cret@peer.example/"}, "url: must not contain user or password"),
        ({"url": "http://peer.example/"}, "set allow_http"),
        ({"user": None}, "set both user and password"),
        ({"token": {"env": "A"}}, "or token"),
        ({"headers": {"Authorization": "s3cret"}}, "headers: must not contain secrets"),
        ({"format": "xml"}, "format: there is no format 'xml'"),
        ({"paging": {"by": "luck"}}, "paging.by"),
        ({"paging": {"by": "url"}}, "by url needs path"),
        ({"paging": {"by": "link", "path": "a"}}, "by link has no path"),
        ({"paging": {"by": "page"}}, "by page needs parameter"),
        ({"paging": {"by": "page", "parameter": "p", "keep": True}}, "keep is only allowed with cursors"),
    )

    def test_unchanged_file_is_not_sent_again(self, store: Store) -> None:
        self.prepare(store, 3)
        run(store, self.feed())
        run(store, self.feed())
        asked = self.peer.asked[-1].headers
        assert {"if-none-match", "if-modified-since"} <= asked.keys()

    @pytest.mark.parametrize(("etag", "dated"), [(False, True), (False, False)])
    def test_repeated_file_is_recognised_by_its_content(self, store: Store, *, etag: bool, dated: bool) -> None:
        self.peer.etag, self.peer.dated = etag, dated
        self.prepare(store, 3)
        run(store, self.feed())
        assert run(store, self.feed()).read == 0
        self.prepare(store, 4)
        assert run(store, self.feed()).read == 4

    def test_a_change_in_the_middle_of_a_read_restarts_it(self, store: Store) -> None:
        self.prepare(store, 7)
        run(store, self.feed(), stop=_STOP)
        assert len(self.arrived(store)) == 3
        self.prepare(store, 8)
        assert run(store, self.feed()).read == 8
        assert len(self.arrived(store)) == 8

    def test_compressed_responses_and_files_are_decompressed(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        packed = gzip.compress(gzip.compress(b"a.example.com\n"))
        monkeypatch.setattr(self.peer, "answer", lambda asked: Said(200, packed, {"Content-Encoding": "gzip"}))
        assert run(store, self.feed()).accepted == 1

    def test_too_large_response_is_dropped(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        bomb = gzip.compress(b"a" * 10_000_000)
        monkeypatch.setattr(self.peer, "answer", lambda asked: Said(200, bomb, {"Content-Encoding": "gzip"}))
        result = run(store, self.feed(max_bytes=1_000_000))
        assert result.ending == "try-later"
        assert "max_bytes" in str(result.error)

    def test_empty_response_has_no_items(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self.peer, "answer", lambda asked: Said(204))
        assert run(store, self.feed()).read == 0

    def test_empty_body_is_an_empty_list_only_in_formats_of_lines(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(self.peer, "answer", lambda asked: Said(200, b""))
        for format in ("list", "hosts"):
            result = run(store, self.feed(format=format, paging=None))
            assert (result.ending, result.read, result.error) == ("done", 0, None)
        for other in ("csv", "json", "jsonl", "rss", None):
            assert run(store, self.feed(format=other, paging=None)).ending == "try-later"

    def test_private_address_is_contacted_only_if_configured(self, store: Store) -> None:
        result = run(store, self.feed(allow_private=False))
        assert result.ending == "misconfigured"
        assert self.peer.asked == []

    def test_key_is_sent_in_its_header(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed(key={"env": "PEER_PASSWORD"}, key_header="Auth-Key", headers={"Accept": "text/csv"}))
        asked = self.peer.asked[0].headers
        assert (asked["auth-key"], asked["accept"]) == ("s3cret", "text/csv")


class ApiSuite(HttpPullSuite):
    peer: Api
    paging: ClassVar[dict[str, Any]]

    def make(self) -> Peer:
        return Api(by=self.paging["by"])

    def table(self, **more: Any) -> dict[str, Any]:
        return super().table(url=f"{self.peer.url}api?kind=all", format="json:data.items", paging=self.paging) | more

    def test_repeated_identical_page_ends_the_run(self, store: Store) -> None:
        self.prepare(store, 9)
        self.peer.ignores = True
        result = run(store, self.feed())
        assert result.ending in ("done", "try-later")
        assert len(self.peer.asked) < 10
        assert len(self.arrived(store)) == 4

    def test_query_of_the_url_is_kept_on_each_page(self, store: Store) -> None:
        self.prepare(store, 9)
        run(store, self.feed())
        paths = [asked.path for asked in self.peer.asked]
        assert len(paths) >= 3
        assert all("kind=all" in path for path in paths) or self.paging["by"] in ("url", "link")


@pytest.mark.long_but("test_everything_arrives", "test_page_beyond_the_last_can_be_missing")
class TestHttpPullByPage(ApiSuite):
    paging: ClassVar[dict[str, Any]] = {"by": "page", "parameter": "page"}

    def test_page_beyond_the_last_can_be_missing(self, store: Store) -> None:
        self.peer.missing = True
        self.prepare(store, 8)
        assert run(store, self.feed()).ending == "done"
        self.prepare(store, 9)
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 9


class TestHttpPullByUrl(ApiSuite):
    paging: ClassVar[dict[str, Any]] = {"by": "url", "path": "links.next"}

    @pytest.mark.parametrize("link", ["?from={end}", "/api?from={end}"])
    def test_link_can_be_relative(self, store: Store, link: str) -> None:
        self.peer.link = link
        self.prepare(store, 9)
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 9

    @pytest.mark.parametrize(
        ("link", "arrived"),
        [("http://elsewhere.example/?from={end}", 4), ("file:///etc/passwd", 4), ("http://[::1/{end}", 4)],
    )
    def test_link_stays_on_the_server(self, store: Store, link: str, arrived: int) -> None:
        self.peer.link = link
        self.prepare(store, 9)
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert len(self.arrived(store)) == arrived
        assert run(store, self.feed()).ending == "misconfigured"
        self.peer.link = "?from={end}"
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 9

    def test_missing_page_restarts_at_the_first(self, store: Store) -> None:
        self.prepare(store, 9)
        whole = self.peer.answer
        run(store, self.feed(), stop=_STOP)
        run(store, self.feed(), stop=_STOP)
        assert (kept_checkpoint(store) or {}).get("place")
        self.peer.answer = lambda asked: Said(410) if "from=4" in asked.path else whole(asked)  # type: ignore[method-assign]  # a peer that forgot
        assert run(store, self.feed()).ending == "try-later"
        self.peer.answer = whole  # type: ignore[method-assign]  # and remembers
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 9

    def test_non_json_response_is_named(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self.peer, "answer", lambda asked: Said(200, b"a.example.com\n"))
        result = run(store, self.feed(format="list"))
        assert result.ending == "misconfigured"
        assert "paging.path" in str(result.error)


@pytest.mark.long_but("test_everything_arrives", "test_query_of_the_url_is_kept_on_each_page")
class TestHttpPullByLink(ApiSuite):
    paging: ClassVar[dict[str, Any]] = {"by": "link"}


@pytest.mark.long_but("test_everything_arrives", "test_repeated_identical_page_ends_the_run")
class TestHttpPullByCursor(ApiSuite):
    paging: ClassVar[dict[str, Any]] = {"by": "cursor", "path": "meta.1.cursor", "parameter": "from"}


@pytest.mark.long_but("test_everything_arrives", "test_run_continues_from_the_last_cursor")
class TestHttpPullByKeptCursor(ApiSuite):
    paging: ClassVar[dict[str, Any]] = {"by": "cursor", "path": "meta.1.cursor", "parameter": "from", "keep": True}

    def test_run_continues_from_the_last_cursor(self, store: Store) -> None:
        self.prepare(store, 8)
        run(store, self.feed())
        self.peer.asked.clear()
        self.prepare(store, 9)
        run(store, self.feed())
        assert len(self.arrived(store)) == 9
        assert all("from=0" not in asked.path and "from" in asked.path for asked in self.peer.asked)
