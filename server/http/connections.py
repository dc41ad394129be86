"""The open connections of one worker, and the state that they share."""

import time
from collections import Counter
from typing import Protocol

from server.http.fair_executor import FairExecutor
from server.http.fair_queue import SLOW_PAUSE_SECONDS, SLOW_SHARE_SECONDS, FairQueue
from server.http.messages import Application, HttpRequest

# Bytes of bodies that a worker holds in memory and in files: of all owners, and of one, whose only body always fits.
_MOST_HELD = 512 * 1024 * 1024
_MOST_HELD_OF_ONE = 128 * 1024 * 1024
# Of all connections, the part that is closed at once to make room.
_CLOSED_PART = 64


class OpenConnection(Protocol):
    """A connection, as far as the others are concerned."""

    address: str
    deadline: float

    @property
    def expendable(self) -> bool:
        """True while nothing has been asked that would have to be answered."""

    def drop(self) -> None:
        """Close the connection once the responses written so far are sent."""

    def expire(self) -> None:
        """Abandon a client that neither sends nor reads."""

    def stop(self) -> None:
        """Close the connection if nothing is under way on it."""


class Connections(set[OpenConnection]):
    """The open connections of one worker, and the state that they share."""

    def __init__(self, application: Application, executor: FairExecutor, script: str) -> None:
        """Serve ``application``, mounted at ``script``, its slow part in ``executor``."""
        super().__init__()
        self.application = application
        self.executor = executor
        self.queue, self.slow_queue = FairQueue(), FairQueue(SLOW_SHARE_SECONDS, SLOW_PAUSE_SECONDS)
        self.script = script
        self.stopping = False
        # Bytes of bodies that have arrived and are not answered yet, by owner.
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """The bytes of all bodies that are not answered yet."""
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

    def let_go(self, request: HttpRequest) -> None:
        """Count the bytes of a body as free again, once."""
        if request.held:
            self._count(request, -request.held)
        if request.size or request.file is not None:
            request.close()

    def _count(self, request: HttpRequest, more: int) -> None:
        request.held += more
        self._held[request.owner] += more
        if not self._held[request.owner]:
            del self._held[request.owner]

    def has_room(self, request: HttpRequest, more: int) -> bool:
        """Return whether ``more`` bytes of a body fit in beside the others; the only body of all always does."""
        others = self._held[request.owner] - request.held
        if others and others + request.held + more > _MOST_HELD_OF_ONE:
            return False
        return self.held <= request.held or self.held + more <= _MOST_HELD

    def make_room(self) -> bool:
        """Close silent connections of the address that has most of them; False where there are none.

        Those that have been silent for longest are closed.
        """
        silent = [connection for connection in self if connection.expendable]
        if not silent:
            return False
        [(address, _)] = Counter(connection.address for connection in silent).most_common(1)
        # Several at once, as sorting all of them takes time.
        closed = sorted(
            (connection for connection in silent if connection.address == address),
            key=lambda connection: connection.deadline,
        )[: len(self) // _CLOSED_PART + 1]
        for connection in closed:
            connection.drop()
            self.discard(connection)
        return True

    def sweep(self) -> None:
        """Expire the connections whose deadline has passed."""
        now = time.monotonic()
        for connection in [connection for connection in self if connection.deadline < now]:
            connection.expire()
