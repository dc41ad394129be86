"""The ledger: one thread per worker; one of all workers seals the published objects every two seconds."""

from collections.abc import Sequence

from server.features.ledger.checkpoint_notes import CheckpointNotes
from server.features.ledger.sealer import Sealer
from server.jobs.repeated import RepeatedStep
from server.store.database.looks import Finding
from server.store.ledger import sealing

# The look for work, every two seconds, begins the next step.
_SECONDS = 1.0


class LedgerThread(RepeatedStep):
    """Seals while it runs."""

    begins_at_once = False

    def __init__(self, sealer: Sealer, notes: CheckpointNotes) -> None:
        """Seal with ``sealer``, and publish signed checkpoints with ``notes``."""
        super().__init__("ledger", _SECONDS, "ledger waits", "ledger failure")
        self._sealer = sealer
        self._notes = notes

    def work(self, at: int) -> Sequence[Finding]:
        """Return the statements that find something to seal, to state or to sign."""
        return sealing.NEWS

    def step(self) -> None:
        """Seal the published objects, and publish the due checkpoints as notes."""
        self._sealer.seal(self._stopping.wait)
        self._notes.publish()

    def stop(self) -> None:
        """Stop the thread after the current step, and let another process seal."""
        super().stop()
        self._sealer.release()
