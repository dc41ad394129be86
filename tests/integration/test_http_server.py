"""HTTP over real sockets: complete, fragmented and malformed requests, also during a reload, stop or kill."""

import json
import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners
from tests.ports import free_port
from tests.processes import Forked, serve_hub

TAXII = "application/taxii+json;version=2.1"
OBJECTS = "/feed/collections/room/objects/"


class Wire:
    """A raw connection to a running server."""

    open: ClassVar[list["Wire"]] = []

    def __init__(self, port: int, token: str) -> None:
        self.token = token
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self._read = self.socket.makefile("rb")
        self.open.append(self)

    def close(self) -> None:
        self._read.close()
        self.socket.close()

    def send(self, text: str | bytes) -> "Wire":
        self.socket.sendall(text.encode() if isinstance(text, str) else text)
        return self

    def head(self, path: str = OBJECTS, method: str = "GET", version: str = "1.1", **more: str) -> str:
        headers = {"Host": "hub", "Authorization": f"Bearer {self.token}", "Accept": TAXII, **more}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        return f"{method} {path} HTTP/{version}\r\n{lines}\r\n"

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self._read.readline().split()[1])
        headers = {}
        while line := self._read.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, self._read.read(int(headers.get("content-length", 0)))

    def refusal(self) -> int:
        """Check that the response is the last one and an error resource, and return its status."""
        status, headers, body = self.answer()
        assert headers["content-type"] == TAXII
        assert json.loads(body)["http_status"] == str(status)
        assert headers["connection"] == "close"
        assert self.is_over()
        return status

    def is_over(self) -> bool:
        return self._read.read() == b""


@dataclass(frozen=True)
class Hub:
    """A running server."""

    port: int
    token: str
    process: Forked

    def connect(self) -> Wire:
        return Wire(self.port, self.token)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]


def start(folder: Path) -> Iterator[Hub]:
    url = f"sqlite:///{folder / 'hub.db'}"
    store = Store.open(url)
    store.migrate()
    with store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        given = partners.add(
            tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}", vouched=True)
        )
        collections.grant(tx, "bank", room, read=True, write=True)
    store.close()
    port = free_port()
    log = folder / "log"
    server = Forked(serve_hub, {"database_url": url}, port, 2, 8, log=log)
    hub = Hub(port, given.token, server)
    try:
        wait_for(lambda: answers(hub), log)
        yield hub
    finally:
        server.terminate()
        server.wait(60)


def answers(hub: Hub) -> bool:
    try:
        wire = hub.connect()
    except ConnectionRefusedError:
        return False
    answered = wire.send(wire.head()).answer()[0] == 200
    wire.close()
    return answered


def wait_for(what: Any, log: Path | None = None) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, log.read_text() if log else ""
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def hang_up() -> Iterator[None]:
    yield
    while Wire.open:
        Wire.open.pop().close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    yield from start(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[Hub]:
    yield from start(tmp_path)


def envelope(count: int = 1) -> bytes:
    return json.dumps({"objects": [{"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"}] * count}).encode()


def test_pipelined_requests_are_answered_in_order(hub: Hub) -> None:
    wire = hub.connect()
    body = envelope()
    post = wire.head(method="POST", Content_Type=TAXII, Content_Length=str(len(body)))
    wire.send((wire.head("/taxii2/") + post).encode() + body + (wire.head() * 20 + wire.head("/nowhere/")).encode())
    assert [wire.answer()[0] for _ in range(23)] == [200, 202, *[200] * 20, 404]


def test_request_can_arrive_byte_by_byte(hub: Hub) -> None:
    wire = hub.connect()
    for byte in wire.head().encode():
        wire.send(bytes([byte]))
    assert wire.answer()[0] == 200


def test_chunked_body_is_accepted_after_100_continue(hub: Hub) -> None:
    wire = hub.connect()
    more = {"Content_Type": TAXII, "Transfer_Encoding": "chunked", "Expect": "100-continue"}
    wire.send(wire.head(method="POST", **more))
    assert wire.answer()[0] == 100
    body = envelope(3)
    for piece in (body[:10], body[10:]):
        wire.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    wire.send("0\r\nX-Trailer: yes\r\n\r\n")
    status, _, said = wire.answer()
    assert status == 202
    assert json.loads(said)["success_count"] == 3


def test_body_to_be_refused_gets_no_100_continue(hub: Hub) -> None:
    wire = hub.connect()
    more = {"Content_Type": TAXII, "Content_Length": "1000000", "Expect": "100-continue", "Authorization": "Bearer x"}
    assert wire.send(wire.head(method="POST", **more)).refusal() == 401


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n", 417),
        (f"GET /{'x' * 20_000} HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (f"GET / HTTP/1.1\r\nHost: a\r\n{'X: y' * 30_000}", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 200 + "\r\n", 431),
        ("POST /taxii2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n", 413),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_malformed_request_is_refused_with_a_taxii_error(hub: Hub, sent: str, status: int) -> None:
    assert hub.connect().send(sent).refusal() == status


def test_truncated_request_affects_no_other_client(hub: Hub) -> None:
    wire = hub.connect()
    wire.send(wire.head()[:40]).socket.shutdown(socket.SHUT_WR)
    assert wire.is_over()
    whole = hub.connect()
    whole.send(whole.head("/taxii2/")).socket.shutdown(socket.SHUT_WR)
    assert whole.answer()[0] == 200
    assert whole.is_over()


def test_http_1_0_client_is_answered_and_disconnected(hub: Hub) -> None:
    wire = hub.connect()
    assert wire.send(wire.head(version="1.0")).answer()[0] == 200
    assert wire.is_over()
    staying = hub.connect()
    for _ in range(2):
        status, headers, _ = staying.send(staying.head(version="1.0", Connection="keep-alive")).answer()
        assert (status, headers["connection"]) == (200, "keep-alive")


def test_protocol_upgrade_is_ignored(hub: Hub) -> None:
    wire = hub.connect()
    assert wire.send(wire.head(Connection="Upgrade", Upgrade="websocket")).answer()[0] == 200
    assert wire.is_over()


def test_head_request_is_answered_without_a_body(hub: Hub) -> None:
    wire = hub.connect()
    wire.send(wire.head(method="HEAD"))
    assert wire._read.readline().split()[1] == b"200"
    while wire._read.readline().strip():
        pass
    assert wire.send(wire.head()).answer()[0] == 200


@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's workers through /proc")
def test_no_request_fails_while_the_server_is_reloaded(own_hub: Hub) -> None:
    stop, failed = threading.Event(), []
    answered = [0] * 4

    def poll(number: int) -> None:
        wire = own_hub.connect()
        while not stop.is_set():
            try:
                status, headers, _ = wire.send(wire.head()).answer()
            except (OSError, IndexError) as error:
                failed.append(error)
                return
            assert status == 200
            answered[number] += 1
            if headers.get("connection") == "close":
                wire.close()
                wire = own_hub.connect()

    threads = [threading.Thread(target=poll, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(own_hub.workers()) == 2)
    before = set(own_hub.workers())
    own_hub.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(now := set(own_hub.workers())) == 2 and not now & before)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert all(answered)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's workers through /proc")
def test_workers_stop_when_the_main_process_is_killed(own_hub: Hub) -> None:
    # The server responds as soon as one of its workers is up.
    wait_for(lambda: len(own_hub.workers()) == 2)
    orphans = own_hub.workers()
    own_hub.process.kill()
    own_hub.process.wait(60)
    wait_for(lambda: not any(is_running(pid) for pid in orphans))
    with pytest.raises(ConnectionRefusedError):
        own_hub.connect()


def is_running(pid: int) -> bool:
    """Return whether a process runs. A zombie does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
