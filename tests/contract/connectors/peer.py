"""An HTTP peer on this machine, with faults."""

import http.server
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson


class Asked(NamedTuple):
    """A request. Its path includes the query, and its header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Said(NamedTuple):
    """A response. A body other than bytes is sent as JSON."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = {}


@dataclass
class HttpPeer(ABC):
    """A server that responds with ``answer`` unless it has a ``fault``.

    ``garbage`` is sent instead of every response.

    Faults: ``silent``, ``cut``, ``moved``, ``html``, ``half``, ``once-503``, or a status such as ``401``.
    """

    fault: str = ""
    garbage: "Said | None" = None
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @abstractmethod
    def answer(self, asked: Asked) -> Said:
        """Respond to a request."""


@contextmanager
def serving(peer: HttpPeer) -> Iterator[None]:
    """Run ``peer``, and set its ``url``."""
    handler = type("Bound", (_Handler,), {"peer": peer})
    server = _Server(("127.0.0.1", 0), handler)
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
    if server.errors:
        raise ExceptionGroup("the peer failed while it answered", server.errors)


class _Server(http.server.ThreadingHTTPServer):
    """A server that keeps its own errors, other than of connections that clients end, for the test to see."""

    def __init__(self, address: tuple[str, int], handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.errors: list[Exception] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, ConnectionError):
            self.errors.append(error)


class _Handler(http.server.BaseHTTPRequestHandler):
    peer: HttpPeer

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        self.peer.asked.append(asked)
        fault = self.peer.fault
        if fault == "silent":
            self.peer.over.wait(60)
        elif fault == "cut":
            self.connection.close()
        elif fault == "moved":
            self._respond(Said(308, b"", {"Location": "https://elsewhere.example/"}))
        elif fault == "html":
            self._respond(Said(200, b"<html>", {"Content-Type": "text/html"}))
        elif fault == "half":
            said = self.peer.answer(asked)
            self._respond(said, cut=True)
        elif fault == "once-503":
            self.peer.fault = ""
            self._respond(Said(503, {"title": "Busy"}, {"Retry-After": "0"}))
        elif self.peer.garbage is not None:
            self._respond(self.peer.garbage)
        elif fault.isdecimal():
            self._respond(Said(int(fault), {"title": "No"}))
        else:
            self._respond(self.peer.answer(asked))

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def _respond(self, said: Said, *, cut: bool = False) -> None:
        data = said.body if isinstance(said.body, bytes) else orjson.dumps(said.body)
        self.send_response(said.status)
        for name, value in {"Content-Type": "application/json", **said.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True
