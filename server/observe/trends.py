"""Trends: one thread a worker folds every ten seconds what the logs got into the figures."""

import logging
import threading

from server.release.hub import Hub
from server.release.trends.fold import fold
from server.release.trends.publish import publish_due
from server.store import StoreUnavailable

log = logging.getLogger(__name__)

_SECONDS = 10.0
# Between two steps of a long way, so that others are let in.
_PAUSE = 0.02


class TrendThread:
    """Folds while it runs, and publishes the days that are over.

    Of many workers and nodes one takes each step, and the others leave the next ones to it.
    """

    def __init__(self, hub: Hub) -> None:
        """Fold the logs of the store of ``hub``."""
        self._hub = hub
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trends", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the step under way is done."""
        self._stopping.set()
        self._thread.join()

    def fold(self) -> None:
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

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS):
            try:
                self.fold()
            except StoreUnavailable as error:
                log.warning("trends wait reason=%s", error)
            except Exception:  # the next time may do better; what failed is in the log
                log.exception("trends failure")
