"""A hub with endless responses or false sizes exhausts neither memory nor the reader's thread."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from feeds.client.verify import log_client
from feeds.client.verify.heads import LogHead, read_coverage
from feeds.client.verify.log_client import LedgerHub, LogClient
from feeds.connector import Misconfigured, TryLater
from schemas.tlog.entries import EntryKind, Opening
from schemas.tlog.proofs import Checkpoint
from schemas.tlog.trees import TileNodes

Page = dict[str, Any]
DAY = "2026-11-29T08:00:00.000000Z"


def head_of(size: int) -> LogHead:
    return LogHead(Checkpoint("hub.example/log/1", size, bytes(32)), b"", TileNodes(lambda path: b"", size), (), 0)


def opening(index: int, **more: Any) -> Page:
    named = {"id": f"indicator--{index}", "version": DAY}
    return {"index": index, "kind": int(EntryKind.PUBLISHED), "date_added": DAY, "salt": "00" * 16, **named, **more}


@contextmanager
def hub(answer: Callable[[int], Page]) -> Iterator[LogClient]:
    """Serve pages of openings by number on loopback, for any request."""
    numbers = count()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Log no requests."""

        def do_GET(self) -> None:
            body = json.dumps(answer(next(numbers))).encode() if "/openings" in self.path else b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/"
        with LogClient.of(LedgerHub(url=url, allow_private=True), "token", "takedown") as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_circular_pages_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_client, "_MOST_PAGES", 20)
    with (
        hub(lambda number: {"openings": [], "next": "ab"[number % 2]}) as log,
        pytest.raises(TryLater, match="more pages of openings than allowed"),
    ):
        read_coverage(log, head_of(3), lambda opening: None)


def test_claimed_log_size_is_not_counted_through() -> None:
    with hub(lambda number: {"openings": []}) as log, pytest.raises(Misconfigured, match="at most"):
        read_coverage(log, head_of(1 << 50), lambda opening: None)


def test_indexes_outside_the_log_are_ignored() -> None:
    beyond = list(range(3, 5_000))
    removals = [opening(index, kind=int(EntryKind.REMOVED), removed=index + 10_000) for index in range(5, 9)]
    pages = [{"openings": [opening(0), opening(-1)], "removing": [*beyond, -3], "withheld": [-1, 7], "next": "1"}]
    pages += [{"openings": removals, "removing": beyond}]
    noted: list[Opening] = []
    with hub(lambda number: pages[number]) as log:
        found = read_coverage(log, head_of(3), noted.append)
    assert (found.size, found.missing, found.withheld, found.unsettled) == (3, 2, 0, False)
    assert [entry.place for entry in found.named] == [1, 2]
    assert len(noted) == 6


@pytest.mark.parametrize("wrong", [{"date_added": "yesterday"}, {"date_added": ""}, {"id": "x" * 1_000}])
def test_malformed_openings_are_an_error_of_that_hub(wrong: Page) -> None:
    with (
        hub(lambda number: {"openings": [opening(0, **wrong)]}) as log,
        pytest.raises(TryLater, match="unknown format"),
    ):
        read_coverage(log, head_of(3), lambda opening: None)
