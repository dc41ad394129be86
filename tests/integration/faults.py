"""A proxy in front of a server that fails, hangs, lies and resets connections in a seeded random order."""

import http.client
import http.server
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

HANG_SECONDS = 3.0
_RETRY_AFTER = ("0", "1", "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT")
_GARBAGE = (b"<!doctype html><p>Please log in", b"<html><body>Busy", b'{"objects": [', b'{"id": "x"', b"\xff\xfe\x00")
_AROUND = ("500", "503", "429", "hang", "reset")
_BEHIND = (*_AROUND, "garbage", "half", "short", "long")


class Answer(NamedTuple):
    """A response of the server behind the proxy."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Lie = Callable[[random.Random, str, bytes, Answer | None], Answer | None]


class Line:
    """A proxy that damages every second request or response while it is ``bad``.

    A request is lost before it arrives, or its response afterwards. ``lie`` returns a well-formed, untrue response. It
    is called with ``None`` when no request arrived, else with the server's response.
    """

    def __init__(self, behind: str, seed: int, lie: Lie = lambda *_: None, *, chance: float = 0.4) -> None:
        self.behind = behind
        self.url = ""
        self.bad = True
        self.done: Counter[str] = Counter()
        self.over = threading.Event()
        self._chance = random.Random(seed)  # noqa: S311 - which fault comes is no secret
        self._share = chance
        self._lie = lie
        self._choosing = threading.Lock()

    def choose(self) -> tuple[str, str]:
        """Choose a fault for the request, and one for the response."""
        with self._choosing:
            if not self.bad or self._chance.random() > self._share:
                return "", ""
            if self._chance.random() < 0.4:
                return self._chance.choice((*_AROUND, "garbage", "lie")), ""
            return "", self._chance.choice((*_BEHIND, "lie"))

    def lie(self, path: str, asked: bytes, answer: Answer | None) -> Answer | None:
        with self._choosing:
            return self._lie(self._chance, path, asked, answer)

    def pick(self, some: tuple[Any, ...]) -> Any:
        with self._choosing:
            return self._chance.choice(some)


@contextmanager
def spoiled(line: Line) -> Iterator[Line]:
    """Forward requests for ``line`` to ``url`` until the block ends."""
    server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"line": line}))
    line.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield line
    finally:
        line.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def shutdown_request(self, request: Any) -> None:
        """Skip the orderly shutdown when the connection is to be reset."""
        if request.fileno() >= 0 and request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)[:4] != bytes(4):
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do not log clients that disconnected."""


class _Handler(http.server.BaseHTTPRequestHandler):
    line: Line
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests."""

    def do_GET(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        there, back = self.line.choose()
        if there:
            self.line.done[f"{there} before"] += 1
            self._spoil(there, asked, None)
            return
        answer = self._ask(asked)
        if back:
            self.line.done[f"{back} after"] += 1
            self._spoil(back, asked, answer)
            return
        self.line.done["well"] += 1
        self._respond(answer)

    do_POST = do_GET

    def _ask(self, asked: bytes) -> Answer:
        behind = urlsplit(self.line.behind)
        assert behind.hostname
        opened = http.client.HTTPConnection(behind.hostname, behind.port or 80, timeout=60)
        try:
            headers = {**self.headers, "Connection": "close", "Host": f"{behind.hostname}:{behind.port}"}
            opened.request(self.command, self.path, asked or None, headers)
            said = opened.getresponse()
            left_out = {"connection", "content-length", "transfer-encoding", "keep-alive"}
            kept = {name: text for name, text in said.getheaders() if name.lower() not in left_out}
            return Answer(said.status, kept, said.read())
        finally:
            opened.close()

    def _spoil(self, fault: str, asked: bytes, answer: Answer | None) -> None:
        kind = {"Content-Type": self.headers.get("Accept", "application/json")}
        said = answer or Answer(200, kind, b'{"x": "nothing has arrived"}')
        if fault == "hang":
            self.line.over.wait(HANG_SECONDS)
            self.close_connection = True
        elif fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        elif fault == "garbage":
            self._respond(Answer(200, kind, self.line.pick(_GARBAGE)))
        elif fault == "half":
            self._respond(said, part=len(said.body) // 2)
        elif fault == "short":
            self._respond(said, length=max(1, len(said.body) // 2))
        elif fault == "long":
            self._respond(said, length=len(said.body) + 7)
        elif fault == "lie":
            self._respond(self.line.lie(self.path, asked, answer) or Answer(500, {}, b""))
        else:
            self._respond(Answer(int(fault), {"Retry-After": self.line.pick(_RETRY_AFTER)}, b"busy"))

    def _respond(self, said: Answer, *, part: int | None = None, length: int | None = None) -> None:
        self.send_response(said.status)
        for name, text in said.headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(said.body) if length is None else length))
        self.end_headers()
        self.wfile.write(said.body if part is None else said.body[:part])
        if part is not None or (length is not None and length > len(said.body)):
            self.close_connection = True
