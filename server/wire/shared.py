"""What the connections of one worker share."""

import time
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from server.wire.request import Application

if TYPE_CHECKING:
    from server.wire.connection import Connection


class Connections(set["Connection"]):
    """The open connections of one worker, and what they share."""

    def __init__(self, application: Application, threads: Executor, script: str) -> None:
        """Serve ``application``, mounted at ``script``, its slow part in ``threads``."""
        super().__init__()
        self.application = application
        self.threads = threads
        self.script = script
        self.stopping = False

    def sweep(self) -> None:
        """Drop the connections on which nothing moves."""
        now = time.monotonic()
        for connection in [one for one in self if one.deadline < now]:
            connection.expire()
