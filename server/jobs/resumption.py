"""Resumption: one thread per worker continues large jobs that were started and then interrupted."""

import logging
import threading

from server.features.erasures import indexing, job as erasure
from server.features.findings import keeping
from server.features.objections import decide as objections
from server.features.partners import depart
from server.features.policies import history
from server.operations.thawing import thaw_lapsed
from server.release import republish
from server.release.gate import rechecking
from server.release.hub import Hub
from server.store import StoreUnavailable
from server.store.database.times import now

log = logging.getLogger(__name__)

_SECONDS = 60.0
# A job that was not saved for this long was interrupted; a batch takes a second at most.
_IDLE = 60 * 1_000_000


class Resumption:
    """Looks every minute for unfinished departures, institution, rule or list changes, erasures, and texts to index.

    It also finds the listings of new objections, and closes objections without a listing. It lists values again when
    their proposal lapsed, and records the policy in force.
    """

    def __init__(self, hub: Hub) -> None:
        """Work on the jobs in the store of ``hub``."""
        self._hub = hub
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-resumption", daemon=True)

    def start(self) -> None:
        """Start the thread. Workers and nodes that find the same job take turns."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the current batch."""
        self._stopping.set()
        self._thread.join()

    def resume(self, idle: int = _IDLE) -> int:
        """Continue jobs idle for ``idle`` microseconds, and return how many ended."""
        idle_since, stopped = now() - idle, self._stopping.is_set
        ended = depart.resume(self._hub, idle_since=idle_since, stopped=stopped)
        ended += keeping.resume(self._hub, idle_since=idle_since, stopped=stopped)
        ended += republish.resume(self._hub, idle_since=idle_since, stopped=stopped)
        ended += rechecking.resume(self._hub, idle_since=idle_since, stopped=stopped)
        ended += erasure.resume(self._hub, idle_since=idle_since, stopped=stopped)
        indexing.merge(self._hub.store, idle_since=idle_since)
        return ended + indexing.resume(self._hub.store, idle_since=idle_since, stopped=stopped)

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS):
            try:
                history.note_now(self._hub)
                objections.route_new(self._hub)
                objections.close_due(self._hub)
                thaw_lapsed(self._hub)
                if ended := self.resume():
                    log.info("jobs-resumed ended=%s", ended)
            except StoreUnavailable as error:
                log.warning("jobs wait reason=%s", error)
            except Exception:  # retried the next time; the error is in the log
                log.exception("jobs-resumed failure")
