"""The clock of requests: one thread a worker reminds of deadlines, ends freezes of police, and closes what lies."""

import logging

from server.observe.repeated import RepeatedStep
from server.release.hub import Hub
from server.release.requests.ageing import age

log = logging.getLogger(__name__)

_SECONDS = 5.0


class RequestClock(RepeatedStep):
    """Looks every five seconds what is due; of many workers and nodes each request is done by one."""

    def __init__(self, hub: Hub) -> None:
        """Watch the requests in the store of ``hub``."""
        super().__init__("request-clock", _SECONDS, "requests wait", "requests-aged failure")
        self._hub = hub

    def step(self) -> None:
        """Do what is due."""
        if done := age(self._hub):
            log.info("requests-aged requests=%s", done)
