"""How long the audit trail and the statuses are kept: what is older goes, by one thread a worker, now and then."""

import logging
import threading

from server.store import Store, StoreUnavailable, audit, statuses
from server.store.times import now

log = logging.getLogger(__name__)

_SECONDS = 3_600.0
_DAY = 86_400 * 1_000_000
# TAXII 2.1 §4.3 lets a server remove them after a while.
_STATUS_DAYS = 30


class Retention:
    """Removes what is older than some days at the start, and then every hour."""

    def __init__(self, store: Store, days: int) -> None:
        """Keep ``days`` of the trail of ``store``, all of it with 0; of the status resources a month."""
        self._store = store
        self._days = days
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-retention", daemon=True)

    def start(self) -> None:
        """Begin to remove; workers and nodes that do so at once take turns."""
        self._thread.start()

    def stop(self) -> None:
        """Remove no more once the transaction under way is done."""
        self._stopping.set()
        self._thread.join()

    def clean(self) -> int:
        """Remove what is too old, each transaction a short one, and say how many rows of the trail went."""
        with self._store.begin() as tx:
            statuses.forget(tx, before=now() - _STATUS_DAYS * _DAY)
        if not self._days:
            return 0
        before, removed = now() - self._days * _DAY, 0
        with self._store.read() as tx:
            chains = audit.chains(tx)
        for chain in chains:
            gone = -1
            while gone and not self._stopping.is_set():
                with self._store.begin() as tx:
                    gone = audit.forget(tx, chain, before=before)
                removed += gone
        return removed

    def _run(self) -> None:
        # Statuses alone are in no hurry.
        if not self._days and self._stopping.wait(_SECONDS):
            return
        while True:
            try:
                removed = self.clean()
                if removed:
                    log.info("audit-forgotten rows=%s days=%s", removed, self._days)
            except StoreUnavailable as error:
                log.warning("audit-retention-waits reason=%s", error)
            except Exception:  # the next hour may do better; what failed is in the log
                log.exception("audit-retention-failure")
            if self._stopping.wait(_SECONDS):
                return
