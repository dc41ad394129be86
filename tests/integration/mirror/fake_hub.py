"""A hub with one collection, its digest and its stream, with configurable faults."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from schemas import timestamp
from schemas.tlog.entries import DIGEST_MODULUS, digest_part, digest_text

ID = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
TAXII = "application/taxii+json;version=2.1"


class FakeHub:
    """The collection, and the faults of the hub."""

    def __init__(self) -> None:
        self.log: list[tuple[str, dict[str, Any]]] = []
        # Ids left out of its pages, once or always.
        self.hidden: set[str] = set()
        self.hidden_for_ever = False
        self.digest_status = 200
        # Number of the latest objects not yet counted in the digest.
        self.behind = 0
        # Age of the digest, for a hub that counts once a minute.
        self.digest_age = timedelta(0)
        # Time up to which the hub calls itself current: now.
        self.heartbeat: str | None = "now"
        # Offset of its clock relative to ours.
        self.ahead = timedelta(0)
        self.has_stream = True
        self.breaks_after: int | None = None
        self.asked: list[str] = []
        self.url = ""
        self.alias = "room"

    def now(self) -> datetime:
        return timestamp.now() + self.ahead

    def add(self, *objects: dict[str, Any]) -> None:
        for obj in objects:
            added = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            while self.log and added <= self.log[-1][0]:
                added = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            self.log.append((added, obj))

    def latest(self, most: int | None = None) -> dict[str, tuple[str, dict[str, Any]]]:
        return {obj["id"]: (added, obj) for added, obj in self.log[:most]}

    def active(self, most: int | None = None, age: timedelta = timedelta(0)) -> list[dict[str, Any]]:
        now = timestamp.text(self.now() - age)
        objects = [obj for _, obj in self.latest(most).values()]
        return [obj for obj in objects if not obj.get("revoked") and obj.get("valid_until", "9") > now]

    def page(self, query: dict[str, list[str]]) -> tuple[dict[str, Any], dict[str, str]]:
        after, limit = query.get("next", query.get("added_after", [""]))[0], int(query["limit"][0])
        rows = sorted((added, obj) for added, obj in self.latest().values() if added > after)
        shown = [row for row in rows if row[1]["id"] not in self.hidden][:limit]
        if not self.hidden_for_ever and self.hidden & {obj["id"] for _, obj in rows}:
            self.hidden.clear()
        if not shown:
            return {}, {}
        more = shown[-1][0] < rows[-1][0]
        page = {"objects": [obj for _, obj in shown], **({"more": True, "next": shown[-1][0]} if more else {})}
        return page, {"X-TAXII-Date-Added-First": shown[0][0], "X-TAXII-Date-Added-Last": shown[-1][0]}

    def digest(self) -> dict[str, Any]:
        counted = len(self.log) - self.behind
        active = self.active(counted, self.digest_age)
        total = sum(digest_part(obj["id"], obj["modified"]) for obj in active) % DIGEST_MODULUS
        return {
            "as_of": timestamp.text(self.now() - self.digest_age),
            "added_up_to": self.log[counted - 1][0] if counted else "",
            "active": len(active),
            "listings": sum(obj["type"] == "indicator" for obj in active),
            "digest": digest_text(total),
            "heartbeat": timestamp.text(self.now()) if self.heartbeat == "now" else self.heartbeat,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        place = parts.path.replace(ID, "ID")
        self.hub.asked.append(place)
        match place:
            case "/feed/":
                self.answer({"title": "Fake", "versions": [TAXII], "max_content_length": 1})
            case "/feed/collections/":
                self.answer({"collections": [self.about()]})
            case "/feed/collections/ID/":
                self.answer(self.about())
            case "/feed/collections/ID/objects/":
                page, headers = self.hub.page(parse_qs(parts.query))
                self.answer(page, headers)
            case "/api/collections/ID/digest":
                self.answer(self.hub.digest(), status=self.hub.digest_status)
            case "/api/collections/ID/active" if self.hub.has_stream:
                self.stream()
            case _:
                self.answer({"title": "Not found"}, status=404)

    def about(self) -> dict[str, Any]:
        return {
            "id": ID,
            "title": "Room",
            "alias": self.hub.alias,
            "can_read": True,
            "can_write": False,
            "media_types": [],
        }

    def answer(self, body: Any, headers: dict[str, str] | None = None, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        taxii = self.path.startswith("/feed/")
        sent = {"Content-Type": TAXII if taxii else "application/json", "Content-Length": str(len(data))}
        for name, value in (sent | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self) -> None:
        lines = [json.dumps(obj).encode() + b"\n" for obj in self.hub.active()]
        self.send_response(200)
        self.send_header("Content-Length", str(sum(map(len, lines))))
        self.send_header(
            "X-Scamfeed-Added-Up-To", self.hub.log[-1][0] if self.hub.log else "1970-01-01T00:00:00.000000Z"
        )
        self.send_header("X-Scamfeed-As-Of", timestamp.text(self.hub.now()))
        self.end_headers()
        self.wfile.write(b"".join(lines[: self.hub.breaks_after]))
        if self.hub.breaks_after is not None:
            self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.hub.now().timestamp() if timestamp is None else timestamp)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[FakeHub]:
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}/feed/"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
