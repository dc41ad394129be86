"""A server in this process that fails once, at a chosen function, while it answers a request."""

import asyncio
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import uvloop

import server
from server.web.http.connection import Connection
from server.web.http.connections import Connections
from server.web.http.fair_executor import FairExecutor
from server.web.taxii.application import TaxiiApplication

_HERE = Path(server.__file__).parent
# The parts of the hub that receive, route and answer requests, and report the answers.
_ANSWERING = tuple(str(_HERE / part) for part in ("web", "observe"))
SECRET = "4111 1111 1111 1111 of Somchai"
_THREADS = 4
# They answer for faults of the functions that they call, and cannot at their own beginning.
_GUARDS = frozenset(
    (
        "Connection.connection_lost",
        "Connection.data_received",
        "Connection._receiving",
        "Connection._answered",
        "Connection._hand_over.<locals>.<lambda>",
        "Connections.sweep",
        "FairExecutor._do",
        "FairExecutor._ended",
        "FairExecutor._start",
        "OutgoingRoom.count",
        "FairQueue._round",
        "FairQueue._share",
        "_answer",
    )
)
# Far longer than any answer takes, on a busy machine too.
_PATIENCE_SECONDS = 20


class Fault(Exception):
    """A fault of the hub, whose text nobody outside may read."""


class Answer(NamedTuple):
    """A response, and whether the connection stays open after it. Without a status there was none."""

    status: int
    headers: dict[str, str]
    body: bytes
    stays: bool


def is_stage(file: str) -> bool:
    """Return whether the functions of a file take part in answering."""
    return (file.startswith(_ANSWERING) and not file.endswith("faults.py")) or file.endswith(f"{os.sep}api.py")


class Stages:
    """The functions that answer a request, in the order in which they begin, and the one that fails."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self.seen: dict[CodeType, None] = {}
        self._is_watching = False
        self._failing: CodeType | None = None
        self.has_failed = False

    def arm(self, failing: CodeType | None = None) -> None:
        """Watch the functions that begin from now on, and let one of them fail at its next beginning."""
        self._failing, self.has_failed, self._is_watching = failing, False, True

    def disarm(self) -> None:
        """Watch no longer."""
        self._is_watching = False

    def begin(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note that a function begins. Raises ``Fault`` in the one that fails. A trace function of a thread."""
        code = frame.f_code
        if not self._is_watching or event != "call" or not is_stage(code.co_filename):
            return
        if code.co_qualname in _GUARDS:
            return
        self.seen.setdefault(code)
        if code is self._failing and not self.has_failed:
            self.has_failed = True
            raise Fault(SECRET)


class _TracedThreads(ThreadPoolExecutor):
    def __init__(self, stages: Stages) -> None:
        super().__init__(_THREADS)
        self._stages = stages

    def submit(self, call: Callable[..., Any], /, *given: Any, **named: Any) -> "Future[Any]":
        def traced() -> Any:
            sys.settrace(self._stages.begin)
            try:
                return call(*given, **named)
            finally:
                sys.settrace(None)

        return super().submit(traced)


class FaultyServer:
    """A worker's connections on a socket, with the functions that answer."""

    def __init__(self, application: TaxiiApplication) -> None:
        """Serve ``application`` on an event loop in a thread of its own."""
        self.stages = Stages()
        self.address: tuple[str, int] = ("", 0)
        self._application = application
        self._loop = uvloop.new_event_loop()
        self._ready = threading.Event()
        self._stopped: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))

    def __enter__(self) -> "FaultyServer":
        """Begin to listen."""
        self._thread.start()
        self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections."""
        assert self._stopped is not None
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(60)
        self._loop.close()

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        with _TracedThreads(self.stages) as threads:
            shared = Connections(self._application, FairExecutor(threads, _THREADS), "")
            listening = await self._loop.create_server(lambda: Connection(shared), "127.0.0.1", 0)
            self.address = listening.sockets[0].getsockname()
            self._ready.set()
            while not self._stopped.is_set():
                shared.sweep()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), 0.05)
            listening.close()
            for connection in list(shared):
                connection.cut_off()  # type: ignore[attr-defined]  # each is a Connection
            while shared:
                await asyncio.sleep(0.01)

    @contextlib.contextmanager
    def watched(self, failing: CodeType | None = None) -> Iterator[None]:
        """Watch the functions that begin, on the event loop and in threads; ``failing`` fails once."""
        self._loop.call_soon_threadsafe(sys.settrace, self.stages.begin)
        self.stages.arm(failing)
        try:
            yield
        finally:
            self.stages.disarm()

    def connect(self) -> "Line":
        """Open a connection."""
        return Line(self.address)


class Line:
    """A connection of a client."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Connect."""
        self._socket = socket.create_connection(address, timeout=_PATIENCE_SECONDS)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> "Line":
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._file.close()
        self._socket.close()

    def send(self, request: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(request)

    def answer(self, method: str = "GET", most: int | None = None) -> Answer:
        """Read one response, or its first ``most`` bytes. Raises ``HTTPException`` or ``OSError``."""
        # HTTPResponse closes its file at the end of a response, but the connection has more of them.
        response = HTTPResponse(_Kept(self._file), method=method)  # type: ignore[arg-type]  # it only makes a file
        response.begin()
        body = response.read() if most is None else response.read1(most)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body, not response.will_close)


class _Kept:
    def __init__(self, file: Any) -> None:
        self._file = file

    def makefile(self, _mode: str) -> "_Kept":
        return self

    def close(self) -> None:
        """Stay open for the next response."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
