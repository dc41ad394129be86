"""The open connections of one worker and the state they share."""

import asyncio
import logging
import time
from collections import Counter, deque
from typing import Protocol

from server.web.http.changes import Changes
from server.web.http.fair_executor import FairExecutor, ResponseLimits
from server.web.http.messages import Application, HttpRequest

log = logging.getLogger(__name__)

# Time per round for all connections from one address together.
SHARE_SECONDS = 0.001
# Length of a time slice, and the part of it that one address may use at once. The rest waits for the next round.
_STRETCH_SECONDS, _AT_ONCE_SECONDS = 0.002, 0.0015
# For connections that do not wait for responses or are rejected: only part of the time, because threads need some too.
SLOW_SHARE_SECONDS, SLOW_PAUSE_SECONDS = 0.0005, 0.002


class WaitingConnection(Protocol):
    """A connection with a waiting request."""

    def answer_next(self) -> None:
        """Answer the oldest request."""

    def drop(self) -> None:
        """Close the connection."""


class FairQueue:
    """Lets connections answer one request at a time: addresses in turn, and the logins of an address in turn."""

    def __init__(self, share: float = SHARE_SECONDS, pause: float = 0.0) -> None:
        """Begin empty. A round starts ``pause`` seconds after the last one; each address has ``share`` seconds."""
        self._share_seconds = share
        self._pause = pause
        self._waiting: dict[str, dict[str, deque[WaitingConnection]]] = {}
        self._running = False
        # By address, the seconds used of the current time slice.
        self._used: dict[str, float] = {}
        self._began = float("-inf")
        self._answering = False

    def at_once(self, address: str, connection: WaitingConnection) -> bool:
        """Answer a request now if no connection waits and ``address`` has time left in this slice."""
        if self._running or self._answering:
            return False
        began = time.monotonic()
        if began - self._began > _STRETCH_SECONDS:
            self._began = began
            self._used.clear()
        used = self._used.get(address, 0.0)
        if used > _AT_ONCE_SECONDS:
            return False
        self._answering = True
        try:
            _answer(connection)
        finally:
            self._answering = False
        self._used[address] = used + time.monotonic() - began
        return True

    def add(self, owner: str, login: str, connection: WaitingConnection) -> None:
        """Let a connection of ``owner`` with this ``login`` answer one request at its turn."""
        self._waiting.setdefault(owner, {}).setdefault(login, deque()).append(connection)
        if not self._running:
            self._again()
            self._running = True

    def _again(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pause:
            loop.call_later(self._pause, self._round)
        else:
            loop.call_soon(self._round)

    def _round(self) -> None:
        try:
            for owner in list(self._waiting):
                self._share(self._waiting[owner])
                if not self._waiting[owner]:
                    del self._waiting[owner]
        finally:
            self._running = False
            if self._waiting:
                self._again()
                self._running = True

    def _share(self, logins: dict[str, deque[WaitingConnection]]) -> None:
        """Answer the requests of one owner within its share of the round."""
        ends = time.monotonic() + self._share_seconds
        # Requests that arrive during the round are answered in the next one.
        for _ in range(sum(map(len, logins.values()))):
            login = next(iter(logins))
            waiting = logins.pop(login)
            connection = waiting.popleft()
            if waiting:
                logins[login] = waiting
            _answer(connection)
            if time.monotonic() > ends:
                break


def _answer(connection: WaitingConnection) -> None:
    try:
        connection.answer_next()
    except Exception:  # one that fails must not stop the others; it is in the log
        log.exception("http-failure")
        connection.drop()


# Bytes of bodies that a worker holds in memory and in files: for all owners, and for one. An owner's only body always
# fits.
_MOST_HELD = 512 * 1024 * 1024
_MOST_HELD_OF_ONE = 128 * 1024 * 1024
# The fraction of all connections that is closed at once to make room.
_CLOSED_PART = 64
# Bytes of memory for arriving bodies. Above this, shorter bodies are also stored in files.
_MOST_IN_MEMORY = 24 * 1024 * 1024
# A response sent for longer than this may be cut off to make room for others.
_LONG_SECONDS = 10.0


class OpenConnection(Protocol):
    """The part of a connection that the other connections use."""

    address: str
    deadline: float

    @property
    def expendable(self) -> bool:
        """True while no request is waiting for a response."""

    def drop(self) -> None:
        """Close the connection once the responses written so far are sent."""

    def expire(self) -> None:
        """Abandon a client that neither sends nor reads."""

    def stop(self) -> None:
        """Close the connection if no request is in progress on it."""


class SendingConnection(Protocol):
    """A connection on which a large response is being sent."""

    holder: str
    began: float

    def pack(self, now: float) -> None:
        """Compress a large body that the client reads slowly."""

    def cut_off(self) -> None:
        """Close the connection at once, even with unread responses."""


class Connections(set[OpenConnection]):
    """The open connections of one worker and the state they share."""

    def __init__(
        self,
        application: Application,
        executor: FairExecutor,
        script: str,
        limits: ResponseLimits | None = None,
        most_streams: int = 64,
    ) -> None:
        """Serve ``application``, mounted at ``script``. Run its slow part in ``executor``, within ``limits``.

        At most ``most_streams`` connections wait for the changes of collections.
        """
        super().__init__()
        self.limits = limits or ResponseLimits()
        self.changes = Changes(
            lambda topics: application.places(topics), executor, most_streams, self.limits.streams_of_one
        )
        # Connections on which a large response is being sent, the oldest first.
        self.sending: dict[SendingConnection, None] = {}
        self.application = application
        self.executor = executor
        self.queue, self.slow_queue = FairQueue(), FairQueue(SLOW_SHARE_SECONDS, SLOW_PAUSE_SECONDS)
        self.script = script
        self.stopping = False
        # Bytes of bodies that have arrived and are not yet answered, by owner.
        self._held: Counter[str] = Counter()
        # The part of them that is in memory.
        self._in_memory = 0

    @property
    def held(self) -> int:
        """The bytes of all bodies that are not yet answered."""
        return self._held.total()

    def belongs(self, request: HttpRequest, owner: str) -> None:
        """Count the body of a request for ``owner`` from now on."""
        held = request.held
        self._count(request, -held)
        request.owner = owner
        self._count(request, held)

    def hold(self, request: HttpRequest, more: int) -> None:
        """Count bytes of a body that have arrived."""
        self._count(request, more)

    def receive(self, request: HttpRequest, piece: bytes) -> None:
        """Add a piece to a body, in memory if there is room for it, else in a file."""
        before = request.in_memory
        request.add(piece, in_file=self._in_memory + len(piece) > _MOST_IN_MEMORY)
        self._in_memory += request.in_memory - before

    def let_go(self, request: HttpRequest) -> None:
        """Release the counted bytes of a body, once."""
        if request.held:
            self._count(request, -request.held)
        self._in_memory -= request.in_memory
        if request.size or request.file is not None:
            request.close()

    def _count(self, request: HttpRequest, more: int) -> None:
        request.held += more
        self._held[request.owner] += more
        if not self._held[request.owner]:
            del self._held[request.owner]

    def has_room(self, request: HttpRequest, more: int) -> bool:
        """Return whether ``more`` bytes of a body fit. A body that is the only one always fits."""
        others = self._held[request.owner] - request.held
        if others and others + request.held + more > _MOST_HELD_OF_ONE:
            return False
        return self.held <= request.held or self.held + more <= _MOST_HELD

    def make_room(self) -> bool:
        """Close silent connections of the address with the most of them. Return False if there are none.

        The connections that were silent longest are closed.
        """
        silent = [connection for connection in self if connection.expendable]
        if not silent:
            return False
        [(address, _)] = Counter(connection.address for connection in silent).most_common(1)
        # Close several at once, because sorting all of them takes time.
        closed = sorted(
            (connection for connection in silent if connection.address == address),
            key=lambda connection: connection.deadline,
        )[: len(self) // _CLOSED_PART + 1]
        for connection in closed:
            connection.drop()
            self.discard(connection)
        return True

    def sweep(self) -> None:
        """Expire the connections whose deadline has passed, and make room for responses."""
        try:
            self._sweep()
        except Exception:  # the connections must not end with it; it is in the log
            log.exception("http-sweep-failure")

    def _sweep(self) -> None:
        now = time.monotonic()
        for connection in [connection for connection in self if connection.deadline < now]:
            connection.expire()
        if self.changes.is_waited_for:
            self.changes.look()
        for sending in list(self.sending):
            sending.pack(now)
        if starving := self.executor.give_up():
            # The owner with the most bytes loses its longest-running response, so that owners without room get some.
            slow = (one for one in self.sending if one.holder == starving and one.began < now - _LONG_SECONDS)
            if (oldest := next(slow, None)) is not None:
                oldest.cut_off()
