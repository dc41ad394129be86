"""Resumption: one thread a worker goes on with large work that was begun, and that nobody does any more."""

import logging
import threading

from server.release import depart, keeping, republish
from server.release.erasure import job as erasure
from server.release.hub import Hub
from server.release.objections import decide as objections
from server.release.policies import history
from server.store import StoreUnavailable
from server.store.database.times import now

log = logging.getLogger(__name__)

_SECONDS = 60.0
# Work that nobody has saved for so long was stopped; a batch takes a second at most.
_IDLE = 60 * 1_000_000


class Resumption:
    """Looks every minute for departures, changes of institutions or rules, and erasures that are not at their end.

    It also looks up what is listed for new objections, ends those to which nothing is listed, and notes the policy that
    is in force.
    """

    def __init__(self, hub: Hub) -> None:
        """Work on the jobs in the store of ``hub``."""
        self._hub = hub
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-resumption", daemon=True)

    def start(self) -> None:
        """Start the thread; workers and nodes that find the same job take turns."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the batch under way is done."""
        self._stopping.set()
        self._thread.join()

    def resume(self, idle: int = _IDLE) -> int:
        """Go on with jobs that nobody has worked on for so long (microseconds), and return how many ended."""
        idle_since, stopped = now() - idle, self._stopping.is_set
        ended = depart.resume(self._hub, idle_since=idle_since, stopped=stopped)
        ended += keeping.resume(self._hub, idle_since=idle_since, stopped=stopped)
        ended += republish.resume(self._hub, idle_since=idle_since, stopped=stopped)
        return ended + erasure.resume(self._hub, idle_since=idle_since, stopped=stopped)

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS):
            try:
                history.note_now(self._hub)
                objections.route_new(self._hub)
                objections.close_due(self._hub)
                if ended := self.resume():
                    log.info("jobs-resumed ended=%s", ended)
            except StoreUnavailable as error:
                log.warning("jobs wait reason=%s", error)
            except Exception:  # the next time may do better; what failed is in the log
                log.exception("jobs-resumed failure")
