"""HTTP on a raw socket, as cheap as Python allows, so that the server dominates the measurement."""

import re
import select
import socket
import time
from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

_LENGTH = re.compile(rb"[Cc]ontent-[Ll]ength: (\d+)")
_ROOM = 32 * 1024 * 1024


class Load(NamedTuple):
    """The load of some connections on a server: responses per second, and milliseconds per response."""

    rate: float
    median: float
    p99: float


class Client:
    """One connection, with a token, or with the credentials of ``authorization``."""

    def __init__(self, port: int, token: str = "", *, authorization: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 600)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        login = authorization or f"Bearer {token}"
        self._common = f"Host: localhost\r\nAuthorization: {login}\r\nAccept: application/taxii+json;version=2.1\r\n"
        self._room = bytearray(_ROOM)
        self._view = memoryview(self._room)

    def get(self, path: str, encoding: str = "identity") -> tuple[bytes, memoryview]:
        return self._ask(f"GET {path} HTTP/1.1\r\n{self._common}Accept-Encoding: {encoding}\r\n\r\n".encode())

    def post(self, path: str, body: bytes) -> memoryview:
        head = f"POST {path} HTTP/1.1\r\n{self._common}Content-Type: application/taxii+json;version=2.1\r\n"
        return self._ask(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)[1]

    def _ask(self, request: bytes) -> tuple[bytes, memoryview]:
        self._socket.sendall(request)
        view, got, split = self._view, 0, -1
        while split < 0:
            read = self._socket.recv_into(view[got:])
            if not read:
                raise ConnectionError("the server hung up")
            got += read
            split = self._room.find(b"\r\n\r\n", 0, got)
        head = bytes(view[:split])
        assert head.startswith(b"HTTP/1.1 20"), head
        match = _LENGTH.search(head)
        assert match is not None, head
        end = split + 4 + int(match[1])
        while got < end:
            got += self._socket.recv_into(view[got:end])
        return head, view[split + 4 : end]


def load(port: int, path: str | Sequence[str], token: str, connections: int, seconds: float) -> Load:
    """Send one request, or several in turn, on each connection, each as soon as the previous one is answered."""
    paths = [path] if isinstance(path, str) else path
    asked = [
        (
            f"GET {wanted} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            "Accept: application/taxii+json;version=2.1\r\n\r\n"
        ).encode()
        for wanted in paths
    ]
    return send_all(port, asked, connections, seconds)


def send_all(port: int, asked: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Send requests in turn on several connections, each as soon as the previous one is answered."""
    requests = cycle(asked)
    sockets: list[socket.socket] = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(connections)]
    times: list[float] = []
    began: dict[int, float] = {}
    poll = select.epoll()
    by_number = {connection.fileno(): connection for connection in sockets}
    for number, one in by_number.items():
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(number, select.EPOLLIN)
        one.send(next(requests))
        began[number] = time.perf_counter()
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        for number, _ in poll.poll(1):
            answer = by_number[number].recv(65_536)
            assert answer.startswith(b"HTTP/1.1 20"), answer[:200]
            now = time.perf_counter()
            times.append(now - began[number])
            by_number[number].send(next(requests))
            began[number] = time.perf_counter()
    took = time.perf_counter() - start
    for connection in sockets:
        connection.close()
    return Load(len(times) / took, *percentiles(times))


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile in milliseconds."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2] * 1000, ordered[len(ordered) * 99 // 100] * 1000
