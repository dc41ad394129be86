"""Trends: one thread per worker aggregates new log rows into figures every ten seconds."""

import logging
from collections.abc import Sequence

from server.features.trends import answers, lag
from server.features.trends.fold import fold
from server.features.trends.publish import publish_due
from server.jobs.repeated import RepeatedStep
from server.release.hub import Hub
from server.store.database.looks import Finding

log = logging.getLogger(__name__)

_SECONDS = 10.0
# Pause between two steps of a long run, so that other writers get a turn.
_PAUSE = 0.02


class TrendThread(RepeatedStep):
    """Aggregates while it runs, and publishes completed days.

    Of all workers and nodes, one takes each step, and the others leave the next ones to it.
    """

    begins_at_once = False

    def __init__(self, hub: Hub) -> None:
        """Aggregate the logs of the store of ``hub``."""
        super().__init__("trends", _SECONDS, "trends wait", "trends failure")
        self._hub = hub

    def work(self, at: int) -> Sequence[Finding]:
        """Return the statements that find something to aggregate."""
        return (lag.ANY_UNFOLDED, answers.ANY)

    def step(self) -> None:
        """Aggregate until a step is not full, another process aggregates, or the thread must stop."""
        while not self._stopping.is_set():
            folded = fold(self._hub)
            if folded.lost:
                return
            if not folded.more:
                if days := publish_due(self._hub, folded.moment):
                    log.info("trends-published days=%d", days)
                return
            self._stopping.wait(_PAUSE)
