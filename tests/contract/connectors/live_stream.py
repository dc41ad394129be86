"""Indicators in OpenCTI's form, and a live stream of them with faults."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import NAMESPACE_DNS, uuid5

import orjson

from tests.times import text_ahead

OPENCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
START = 1_767_225_600_000
VALID_UNTIL = text_ahead(days=180)


def indicator(value: str, at: int, **more: Any) -> dict[str, Any]:
    moment = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    pattern = f"[domain-name:value = '{value}']" if " " not in value else f"[file:name = '{value}']"
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid5(NAMESPACE_DNS, value)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": moment,
        "valid_from": "2026-01-01T00:00:00.000Z",
        "valid_until": VALID_UNTIL,
        "pattern_type": "stix",
        "pattern": pattern,
        "labels": ["phishing"],
        "extensions": {OPENCTI: {"extension_type": "property-extension", "updated_at": moment, "type": "Indicator"}},
        **more,
    }


class LiveStream:
    """A live stream: events by id, a database behind it, and heartbeats."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self.database: dict[str, tuple[int, dict[str, Any]]] = {}
        self.clock = START
        self.fault = ""
        self.asked: list[dict[str, str]] = []
        self.over = threading.Event()
        self.url = ""

    def put(self, type_: str, obj: dict[str, Any]) -> None:
        self.clock += 10
        self.events.append((self.clock, type_, obj))
        if type_ == "delete":
            del self.database[obj["id"]]
        else:
            self.database[obj["id"]] = (self.clock, obj)

    def forget(self) -> None:
        """Drop all events except the last from the stream."""
        del self.events[:-1]

    def messages(self, query: dict[str, str]) -> Iterator[bytes]:
        known = {
            "firstEventId": f"{self.events[0][0]}-0" if self.events else "0-0",
            "firstEventDate": _date(self.events[0][0]) if self.events else None,
            "lastEventId": f"{self.events[-1][0]}-0" if self.events else "0-0",
        }
        yield event("connected", {**known, "connectionId": "c"})
        start = int(query.get("from", f"{self.clock}-0").partition("-")[0])
        last = f"{start}-0"
        if "recover" in query:
            until = datetime.fromisoformat(query["recover"]).timestamp() * 1000
            for at, obj in sorted(self.database.values(), key=lambda entry: entry[0]):
                if start <= at < until:
                    last = f"{at}-0"
                    yield event("create", {"version": "4", "type": "create", "data": obj}, last)
            start = int(until) - 1
        for at, type_, obj in list(self.events):
            if at > start:
                last = f"{at}-0"
                yield event(type_, {"version": "4", "type": type_, "data": obj, "message": "x"}, last)
        while not self.over.is_set():
            yield event("heartbeat", _date(int(last.partition("-")[0])), last)
            self.over.wait(0.03)


def _date(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(type_: str, data: Any, id_: str | None = None) -> bytes:
    return (f"id: {id_}\n" if id_ else "").encode() + f"event: {type_}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"


@contextmanager
def listening(peer: LiveStream) -> Iterator[None]:
    """Run ``peer``, and set its ``url``."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"peer": peer}))
    peer.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        peer.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    peer: LiveStream

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests."""

    def do_GET(self) -> None:
        peer, parts = self.peer, urlsplit(self.path)
        peer.asked.append({name: values[0] for name, values in parse_qs(parts.query).items()})
        self.close_connection = True
        if peer.fault == "silent":
            peer.over.wait(60)
        elif peer.fault == "cut":
            self.connection.close()
        elif self.headers.get("Authorization") != "Bearer t0ken" or parts.path != "/stream/4a7f":
            self.send_error(401)
        elif self.headers.get("listen-delete") != "true":
            self.send_error(500)
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for said in peer.messages(peer.asked[-1]):
                    self.wfile.write(f"{len(said):x}\r\n".encode() + said + b"\r\n")
                    self.wfile.flush()
                    if peer.fault == "mute":
                        peer.over.wait(60)
            except OSError:
                return
