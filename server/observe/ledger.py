"""The ledger: one thread a worker seals every two seconds what was published; of all workers one does."""

import logging
import threading

from server.release.ledger.sealer import Sealer
from server.store import StoreUnavailable

log = logging.getLogger(__name__)

_SECONDS = 2.0


class LedgerThread:
    """Seals while it runs."""

    def __init__(self, sealer: Sealer) -> None:
        """Seal by ``sealer``."""
        self._sealer = sealer
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the step under way is done, and let another process seal."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS):
            try:
                self._sealer.seal(self._stopping.wait)
            except StoreUnavailable as error:
                log.warning("ledger waits reason=%s", error)
            except Exception:  # the next time may do better; what failed is in the log
                log.exception("ledger failure")
        try:
            self._sealer.release()
        except StoreUnavailable:
            log.warning("ledger lease not given back; it ends by itself")
