"""Trends: one thread a worker folds every ten seconds what the logs got into the figures."""

import logging

from server.observe.repeated import RepeatedStep
from server.release.hub import Hub
from server.release.trends.fold import fold
from server.release.trends.publish import publish_due

log = logging.getLogger(__name__)

_SECONDS = 10.0
# Between two steps of a long way, so that others are let in.
_PAUSE = 0.02


class TrendThread(RepeatedStep):
    """Folds while it runs, and publishes the days that are over.

    Of many workers and nodes one takes each step, and the others leave the next ones to it.
    """

    begins_at_once = False

    def __init__(self, hub: Hub) -> None:
        """Fold the logs of the store of ``hub``."""
        super().__init__("trends", _SECONDS, "trends wait", "trends failure")
        self._hub = hub

    def step(self) -> None:
        """Fold until nothing is left, another process folds, or the thread is to stop."""
        while not self._stopping.is_set():
            folded = fold(self._hub)
            if folded.lost:
                return
            if not folded.more:
                if days := publish_due(self._hub, folded.moment):
                    log.info("trends-published days=%d", days)
                return
            self._stopping.wait(_PAUSE)
