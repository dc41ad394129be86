"""The ledger: one thread a worker seals every two seconds what was published; of all workers one does."""

import logging

from server.observe.repeated import RepeatedStep
from server.release.ledger.checkpoint_notes import CheckpointNotes
from server.release.ledger.sealer import Sealer
from server.store import StoreUnavailable

log = logging.getLogger(__name__)

_SECONDS = 2.0


class LedgerThread(RepeatedStep):
    """Seals while it runs."""

    begins_at_once = False

    def __init__(self, sealer: Sealer, notes: CheckpointNotes) -> None:
        """Seal by ``sealer``, and publish ``notes`` of what is signed."""
        super().__init__("ledger", _SECONDS, "ledger waits", "ledger failure")
        self._sealer = sealer
        self._notes = notes

    def step(self) -> None:
        """Seal what was published, and publish the checkpoints that are due as notes."""
        self._sealer.seal(self._stopping.wait)
        self._notes.publish()

    def stop(self) -> None:
        """Stop the thread once the step under way is done, and let another process seal."""
        super().stop()
        try:
            self._sealer.release()
        except StoreUnavailable:
            log.warning("ledger lease not given back; it ends by itself")
