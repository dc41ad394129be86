"""Steps that a worker repeats in their own threads, separate from requests."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

from server.store import Store, StoreUnavailable
from server.store.database.looks import Finding
from server.store.held_lease import HeldLease

log = logging.getLogger(__name__)

# A step that waits for work runs at least this often: some work follows from the clock alone.
_LONGEST_SECONDS = 300.0


class RepeatedStep(ABC):
    """Repeats a step until it is stopped. A failure is logged, and the step is retried the next time."""

    # Whether the first step runs at the start or after the first pause.
    begins_at_once = True

    def __init__(self, name: str, seconds: float, waits: str, fails: str) -> None:
        """Pause for ``seconds`` between steps; ``waits`` and ``fails`` begin the log lines."""
        self._seconds = seconds
        self._waits = waits
        self._fails = fails
        self._stopping = threading.Event()
        self._woken = threading.Event()
        # Whether another thread looks for work, and wakes this one.
        self._is_watched = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def step(self) -> None:
        """Do one step. Raises ``StoreUnavailable``."""

    def work(self, at: int) -> Sequence[Finding]:
        """Return statements of which one finds a row if there is work at a moment (microseconds); none: unknown."""
        return ()

    def watch(self) -> None:
        """Wait for work between two steps: the caller looks for it, and calls ``wake``."""
        self._is_watched = True

    def wake(self) -> None:
        """Let the next step begin after its pause."""
        self._woken.set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the current step."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        goes_on = self.begins_at_once or not self._stopping.wait(self._seconds)
        while goes_on:
            self._woken.clear()
            failed = True
            try:
                self.step()
                failed = False
            except StoreUnavailable as error:
                log.warning("%s reason=%s", self._waits, error)
            except Exception:  # retried the next time; the error is in the log
                log.exception("%s", self._fails)
            goes_on = not self._stopping.wait(self._seconds)
            if goes_on and self._is_watched and not failed:
                self._woken.wait(_LONGEST_SECONDS)
                goes_on = not self._stopping.is_set()


class LeasedStep(RepeatedStep):
    """A repeated step of one of all processes: the one that holds the lease."""

    begins_at_once = False

    def __init__(self, store: Store, name: str, seconds: float, waits: str, fails: str) -> None:
        """Lease the work ``name`` in ``store``; the rest is as in ``RepeatedStep``."""
        super().__init__(name, seconds, waits, fails)
        self._lease = HeldLease(store, f":{name}")

    def stop(self) -> None:
        """Stop the thread after the current step, and let another process work."""
        super().stop()
        self._lease.release()

    def _is_over(self) -> bool:
        """Return whether a long step is to end."""
        return self._stopping.is_set() or not self._lease.holds()
