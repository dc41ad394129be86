"""The clock of requests: one thread per worker sends reminders, ends police freezes, closes expired requests,
starts the clocks of takedown requests, and ends what rested on listings that ended."""

import logging
from collections.abc import Sequence

from server.features.requests import records
from server.features.requests.ageing import age
from server.features.requests.ending import end_expired, end_noted
from server.features.requests.serving import serve_reads
from server.jobs.repeated import RepeatedStep
from server.release.hub import Hub
from server.store.database.looks import Finding
from server.store.database.times import now

log = logging.getLogger(__name__)

_SECONDS = 5.0


class RequestClock(RepeatedStep):
    """Looks for due requests every five seconds. Of all workers and nodes, one handles each request."""

    def __init__(self, hub: Hub) -> None:
        """Watch the requests in the store of ``hub``."""
        super().__init__("request-clock", _SECONDS, "requests wait", "requests-aged failure")
        self._hub = hub

    def work(self, at: int) -> Sequence[Finding]:
        """Return the statements that find a request which time may change."""
        return records.ANY_CHANGING

    def step(self) -> None:
        """Process all due requests."""
        if done := end_expired(self._hub, now()):
            log.info("requests-expired requests=%s", done)
        if done := age(self._hub):
            log.info("requests-aged requests=%s", done)
        if done := end_noted(self._hub):
            log.info("requests-to-restore requests=%s", done)
        if done := serve_reads(self._hub):
            log.info("requests-served requests=%s", done)
