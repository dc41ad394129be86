"""A step that a worker repeats in a thread of its own, beside requests."""

import logging
import threading
from abc import ABC, abstractmethod

from server.store import StoreUnavailable

log = logging.getLogger(__name__)


class RepeatedStep(ABC):
    """Repeats a step until it is stopped; what fails is in the log, and is tried again the next time."""

    # Whether the first step is done at the start, or after the first pause.
    begins_at_once = True

    def __init__(self, name: str, seconds: float, waits: str, fails: str) -> None:
        """Pause for ``seconds`` between steps; ``waits`` and ``fails`` begin the lines of the log."""
        self._seconds = seconds
        self._waits = waits
        self._fails = fails
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def step(self) -> None:
        """Do one step. Raises ``StoreUnavailable``."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the step under way is done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        goes_on = self.begins_at_once or not self._stopping.wait(self._seconds)
        while goes_on:
            try:
                self.step()
            except StoreUnavailable as error:
                log.warning("%s reason=%s", self._waits, error)
            except Exception:  # the next time may do better; what failed is in the log
                log.exception("%s", self._fails)
            goes_on = not self._stopping.wait(self._seconds)
