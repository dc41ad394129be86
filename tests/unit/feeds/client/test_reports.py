"""Rows sent to a hub: pauses, repeats after a broken connection, and what the hub refuses."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from feeds.client.lookups import HubSettings
from feeds.client.reports import ReportsClient
from feeds.errors import Misconfigured, TryLater

_ROWS = [{"value": "shop.example.com"}]
_COUNTS = dict.fromkeys(("rows", "values", "ready", "published", "held", "kept", "duplicates", "refused"), 0)


class _Reply(NamedTuple):
    """The next response of the hub; status 0 breaks the connection."""

    status: int
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = MappingProxyType({})


def _rows(*lines: int, **more: Any) -> _Reply:
    results = [{"line": line, "result": "published", "id": f"indicator--{line}"} for line in lines]
    return _Reply(200, {"dry_run": False, "counts": _COUNTS, "rows": results, **more})


@contextmanager
def _hub(*replies: _Reply) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Serve these replies in order; yield the address, and path and body of each request."""
    coming, asked = list(replies), list[tuple[str, Any]]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, body))
            reply = coming.pop(0)
            if not reply.status:
                self.close_connection = True
                return
            data = json.dumps(reply.body or {}).encode()
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", asked
        finally:
            server.shutdown()
            thread.join()


def _reports(address: str, pauses: list[float], patience: float = 900.0) -> ReportsClient:
    return ReportsClient(HubSettings(url=address), "token", patience=patience, sleep=pauses.append)


def test_a_busy_hub_is_asked_again_after_the_pause_that_it_names() -> None:
    replies = (_Reply(429, headers={"Retry-After": "7"}), _Reply(503, headers={"Retry-After": "3"}), _rows(1))
    pauses: list[float] = []
    with _hub(*replies) as (address, asked), _reports(address, pauses) as reports:
        [result] = reports.send(_ROWS)
    assert (result.id, pauses) == ("indicator--1", [7, 3])
    assert asked == [("/api/reports?start=0", _ROWS)] * 3


def test_a_broken_connection_sends_the_same_part_again() -> None:
    pauses: list[float] = []
    with _hub(_Reply(0), _Reply(0), _rows(1)) as (address, asked), _reports(address, pauses) as reports:
        assert len(reports.send(_ROWS)) == 1
    assert pauses == [1, 2]
    assert asked == [("/api/reports?start=0", _ROWS)] * 3


def test_a_hub_that_stopped_is_asked_for_the_rest_only() -> None:
    stopped = {"reason": "objects-a-day", "message": "used up", "retry_after": 60}
    pauses: list[float] = []
    with _hub(_rows(1, 2, next=2, stopped=stopped), _rows(3)) as (address, asked), _reports(address, pauses) as reports:
        results = reports.send([{"value": f"shop{number}.example.com"} for number in range(3)])
    assert [result.line for result in results] == [1, 2, 3]
    assert ([path for path, _ in asked], pauses) == (["/api/reports?start=0", "/api/reports?start=2"], [60])


def test_a_longer_pause_than_the_patience_ends_the_sending() -> None:
    pauses: list[float] = []
    with (
        _hub(_Reply(429, headers={"Retry-After": "3600"})) as (address, _),
        _reports(address, pauses) as reports,
        pytest.raises(TryLater) as later,
    ):
        reports.send(_ROWS)
    assert (later.value.after, pauses) == (3600, [])


@pytest.mark.parametrize(
    ("status", "said"), [(401, "refuses these credentials"), (404, "takes no reports"), (422, "at $[0]")]
)
def test_a_refusal_is_not_repeated(status: int, said: str) -> None:
    reply = _Reply(status, {"description": "The body is not valid, at $[0]."})
    with (
        _hub(reply) as (address, asked),
        _reports(address, []) as reports,
        pytest.raises(Misconfigured, match=said.replace("$", r"\$").replace("[", r"\[")),
    ):
        reports.send(_ROWS)
    assert len(asked) == 1
