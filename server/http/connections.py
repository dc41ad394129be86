"""What the connections of one worker share."""

import time
from collections import Counter
from typing import TYPE_CHECKING

from server.http.fair_executor import FairExecutor
from server.http.fair_queue import SLOW_PAUSE_SECONDS, SLOW_SHARE_SECONDS, FairQueue
from server.http.messages import Application, HttpRequest

if TYPE_CHECKING:
    from server.http.connection import Connection


# Of bodies, of one worker, in memory and in files: of all who send, and of one of them, whose only body always fits.
_HELD_AT_MOST = 512 * 1024 * 1024
_HELD_OF_ONE = 128 * 1024 * 1024
_A_PART = 64


class Connections(set["Connection"]):
    """The open connections of one worker, and what they share."""

    def __init__(self, application: Application, desk: FairExecutor, script: str) -> None:
        """Serve ``application``, mounted at ``script``, its slow part at ``desk``."""
        super().__init__()
        self.application = application
        self.desk = desk
        self.rounds, self.slow_rounds = FairQueue(), FairQueue(SLOW_SHARE_SECONDS, SLOW_PAUSE_SECONDS)
        self.script = script
        self.stopping = False
        # Bytes of bodies that have come in and are not answered yet, by who sent them.
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Count the bytes of all bodies that are not answered yet."""
        return self._held.total()

    def belongs(self, request: HttpRequest, owner: str) -> None:
        """Count what a body takes for ``owner`` from now on."""
        held = request.held
        self._count(request, -held)
        request.owner = owner
        self._count(request, held)

    def hold(self, request: HttpRequest, more: int) -> None:
        """Count bytes of a body that have come in."""
        self._count(request, more)

    def let_go(self, request: HttpRequest) -> None:
        """Count what a body took as free again, once."""
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
        """Tell whether so many bytes of a body fit in beside what there is; the only body of all always does."""
        others = self._held[request.owner] - request.held
        if others and others + request.held + more > _HELD_OF_ONE:
            return False
        return self.held <= request.held or self.held + more <= _HELD_AT_MOST

    def make_room(self) -> bool:
        """Close connections on which nothing is asked, of the place that has most of them; False where there are none.

        Of one place those go that have been silent for longest.
        """
        silent = [connection for connection in self if connection.expendable]
        if not silent:
            return False
        [(place, _)] = Counter(connection.address for connection in silent).most_common(1)
        # Some more than one: to look at all of them takes time.
        leaving = sorted(
            (connection for connection in silent if connection.address == place),
            key=lambda connection: connection.deadline,
        )[: len(self) // _A_PART + 1]
        for connection in leaving:
            connection.drop()
            self.discard(connection)
        return True

    def sweep(self) -> None:
        """Drop the connections on which nothing moves."""
        now = time.monotonic()
        for connection in [one for one in self if one.deadline < now]:
            connection.expire()
