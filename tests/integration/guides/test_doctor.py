"""``scamfeed doctor`` finds the faults of a hub and explains them in helpful words."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from tests.integration.command import Run, answer
from tests.integration.mirror.conftest import MirroredScamfeed

TAXII = "application/taxii+json;version=2.1"


@pytest.fixture
def doctor(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function that diagnoses an address with a token and returns the findings by check."""

    def check(url: str, *options: str, token: str = "", status: int) -> dict[str, Any]:
        monkeypatch.setenv("HUB_TOKEN", token)
        result = run("doctor", url, *options, "--json")
        assert result.exit_code == status, result.output
        document = orjson.loads(result.stdout)
        assert document["well"] == (status == 0)
        for finding in document["findings"]:
            assert (finding["verdict"] != "wrong") or finding["way_out"]
        if token:
            assert token not in result.output
        return {finding["check"]: finding for finding in document["findings"]}

    return check


Doctor = Callable[..., dict[str, Any]]


def test_healthy_hub_passes_all_checks(
    hub: MirroredScamfeed, doctor: Doctor, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.report(*(f"d{number}.example.com" for number in range(9)))
    found = doctor(discovery(hub), token=hub.token, status=0)
    for check in ("address", "name", "connection", "login", "clock", "discovery", "grants"):
        assert found[check]["verdict"] == "ok", found[check]
    assert found["takedown: paging"]["words"] == "two pages are consecutive"
    assert found["takedown: added_after"]["verdict"] == "ok"
    assert "takedown" in found["grants"]["words"]
    counted = re.fullmatch(r"(\d+) listings; (\d+) objects are active", found["takedown: digest"]["words"])
    assert counted is not None
    assert int(counted[2]) > int(counted[1]) >= 9
    monkeypatch.setenv("SCAMFEED_DATABASE_URL", hub.store.url)
    shown = answer(run("status", "--json"))
    (takedown,) = (row for row in shown["collections"] if row["alias"] == "takedown")
    assert takedown["listings"] == int(counted[1])


def test_wrong_login_is_reported(hub: MirroredScamfeed, doctor: Doctor) -> None:
    found = doctor(discovery(hub), token="no-such-token", status=1)
    assert found["login"]["words"].startswith("the hub answers HTTP 401")
    assert "rotate" in found["login"]["way_out"]
    assert "grants" not in found


def test_missing_login_is_reported_with_instructions(hub: MirroredScamfeed, doctor: Doctor) -> None:
    found = doctor(discovery(hub), status=1)
    assert "HTTP 401" in found["login"]["words"]


def test_collection_without_a_grant_is_reported(hub: MirroredScamfeed, doctor: Doctor) -> None:
    hub.revoke("public")
    found = doctor(discovery(hub), "--collection", "nowhere", token=hub.token, status=1)
    assert "no grant" in found["collection nowhere"]["words"]


def test_unreachable_server_is_reported(doctor: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = doctor(f"http://127.0.0.1:{port}/taxii2/", status=1)
    assert "nothing listens" in found["connection"]["words"]
    assert found["login"]["verdict"] == "skipped"


@pytest.mark.parametrize(
    "url", ["hub.example", "ftp://hub.example/", "https://", "https://hub:x/", "https://me:pw@hub.example/"]
)
def test_malformed_address_is_reported(url: str, doctor: Doctor) -> None:
    found = doctor(url, status=1)
    assert found["address"]["verdict"] == "wrong"


def test_unresolvable_name_is_reported(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert "cannot be resolved on this machine" in doctor("https://hub.example/taxii2/", status=1)["name"]["words"]


@contextmanager
def serving(pages: dict[str, tuple[dict[str, str], Any]]) -> Iterator[str]:
    """Serve these pages, each with its headers, and return the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            headers, document = pages.get(f"{path}?{query}", pages.get(path, ({}, None)))
            body = orjson.dumps(document)
            self.send_response_only(404 if document is None else 200)
            for name, value in ({"Content-Type": TAXII, "Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def indicators(*numbers: int) -> list[dict[str, str]]:
    return [
        {"type": "indicator", "id": f"indicator--{number}", "modified": "2026-01-01T00:00:00.000Z"}
        for number in numbers
    ]


def sick(**pages: Any) -> dict[str, tuple[dict[str, str], Any]]:
    """Return a small hub with one collection, with some pages replaced."""
    places = {"discovery": "/taxii2/", "root": "/feed/", "collections": "/feed/collections/"}
    objects = "/feed/collections/room/objects/"
    places |= {
        "first": objects,
        "second": f"{objects}?limit=3&next=n",
        "after": f"{objects}?limit=3&added_after=2026-01-01T00%3A00%3A03Z",
    }
    places |= {"digest": "/api/collections/room/digest"}
    dated = {"X-TAXII-Date-Added-First": "2026-01-01T00:00:01Z", "X-TAXII-Date-Added-Last": "2026-01-01T00:00:03Z"}
    later = {"X-TAXII-Date-Added-First": "2026-01-01T00:00:04Z", "X-TAXII-Date-Added-Last": "2026-01-01T00:00:05Z"}
    well: dict[str, Any] = {
        "discovery": {"title": "Hub", "default": "/feed/"},
        "root": {"title": "Root", "versions": [TAXII], "max_content_length": 1},
        "collections": {"collections": [{"id": "room", "title": "Room", "can_read": True, "can_write": False}]},
        "first": (dated, {"more": True, "next": "n", "objects": indicators(1, 2, 3)}),
        "second": (later, {"objects": indicators(4, 5)}),
        "after": (later, {"objects": indicators(4, 5)}),
    }
    shown = {name: page if isinstance(page, tuple) else ({}, page) for name, page in (well | pages).items()}
    return {places[name]: page for name, page in shown.items()}


@pytest.mark.parametrize(
    ("pages", "check", "words"),
    [
        ({"discovery": {"title": "A page"}}, "discovery", "not the discovery page"),
        ({"discovery": {"title": "Hub", "default": "https://inside.example/feed/"}}, "discovery", "another server"),
        (
            {"discovery": ({"Date": "Mon, 05 Jan 2026 00:00:00 GMT"}, {"default": "/feed/"})},
            "clock",
            "ahead of the hub's",
        ),
        ({"root": {"versions": ["application/taxii+json;version=2.0"]}}, "discovery", "does not support TAXII 2.1"),
        ({"collections": {"collections": []}}, "grants", "you may read no collection"),
        ({"first": {"more": True, "objects": indicators(1)}}, "room: paging", "no `next`"),
        ({"second": {"more": False}}, "room: paging", "an empty page"),
        ({"second": {"objects": indicators(3, 4)}}, "room: paging", "share objects"),
        ({"after": {"objects": indicators(3, 4)}}, "room: added_after", "are repeated"),
        ({"after": {}}, "room: added_after", "are missing"),
        ({"digest": {"active": "many"}}, "room: digest", "cannot be read"),
        (
            {"digest": {"active": 1, "digest": "00", "heartbeat": "2026-01-01T00:00:00Z"}},
            "room: heartbeat",
            "last known to be current",
        ),
    ],
)
def test_server_faults_are_reported(pages: dict[str, Any], check: str, words: str, doctor: Doctor) -> None:
    with serving(sick(**pages)) as address:
        found = doctor(f"{address}/taxii2/", status=1)
    assert words in found[check]["words"]


def test_other_server_passes_without_a_digest(doctor: Doctor) -> None:
    with serving(sick()) as address:
        found = doctor(f"{address}/taxii2/", status=0)
    assert found["room: digest"]["verdict"] == "note"


def discovery(hub: MirroredScamfeed) -> str:
    return hub.url.removesuffix("feed/") + "taxii2/"
