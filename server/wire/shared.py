"""What the connections of one worker share."""

import time
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from server.wire.request import Application

if TYPE_CHECKING:
    from server.wire.connection import Connection


# Of bodies, of one worker; each takes several times its size while it is read.
_HELD_AT_MOST = 256 * 1024 * 1024


class Connections(set["Connection"]):
    """The open connections of one worker, and what they share."""

    def __init__(self, application: Application, threads: Executor, script: str) -> None:
        """Serve ``application``, mounted at ``script``, its slow part in ``threads``."""
        super().__init__()
        self.application = application
        self.threads = threads
        self.script = script
        self.stopping = False
        # Bytes of bodies that have come in and are not answered yet.
        self.held = 0

    def has_room(self, more: int, own: int = 0) -> bool:
        """Tell whether so many bytes of a body fit in beside its ``own``; the only body that there is always does."""
        return self.held <= own or self.held + more <= _HELD_AT_MOST

    def sweep(self) -> None:
        """Drop the connections on which nothing moves."""
        now = time.monotonic()
        for connection in [one for one in self if one.deadline < now]:
            connection.expire()
