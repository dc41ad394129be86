"""An HTTP peer on this machine, with faults."""

import http.server
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson


class Asked(NamedTuple):
    """A request: its path comes with the query; the names of its headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Said(NamedTuple):
    """An answer: a body that is no bytes goes out as JSON."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = {}


@dataclass
class HttpPeer(ABC):
    """A server that answers by ``answer``, unless it has a ``fault``.

    Faults: ``silent``, ``cut``, ``moved``, ``html``, ``half``, ``once-503``, or a status as ``401``.
    """

    fault: str = ""
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @abstractmethod
    def answer(self, asked: Asked) -> Said:
        """Answer a request."""


@contextmanager
def serving(peer: HttpPeer) -> Iterator[None]:
    """Run ``peer``, and set its ``url``."""
    handler = type("Bound", (_Handler,), {"peer": peer})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
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
    peer: HttpPeer

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        self.peer.asked.append(asked)
        fault = self.peer.fault
        if fault == "silent":
            self.peer.over.wait(5)
        elif fault == "cut":
            self.connection.close()
        elif fault == "moved":
            self._say(Said(308, b"", {"Location": "https://elsewhere.example/"}))
        elif fault == "html":
            self._say(Said(200, b"<html>", {"Content-Type": "text/html"}))
        elif fault == "half":
            said = self.peer.answer(asked)
            self._say(said, cut=True)
        elif fault == "once-503":
            self.peer.fault = ""
            self._say(Said(503, {"title": "Busy"}, {"Retry-After": "0"}))
        elif fault.isdecimal():
            self._say(Said(int(fault), {"title": "No"}))
        else:
            self._say(self.peer.answer(asked))

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def _say(self, said: Said, *, cut: bool = False) -> None:
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
