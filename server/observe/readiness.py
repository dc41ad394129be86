"""Checks whether a node can read and write its store, without waiting for a store that does not answer."""

import threading
import time

from server.store import Store

# A probe is answered within this time, even if the store does not answer.
_ANSWER_SECONDS = 2.0


class _Look:
    """One attempt to read and write the store, in its own thread."""

    def __init__(self, store: Store) -> None:
        self.began = time.monotonic()
        self.done = threading.Event()
        self.succeeded = False
        self._store = store
        threading.Thread(target=self._run, name="readiness", daemon=True).start()

    def _run(self) -> None:
        try:
            self.succeeded = self._store.ready() and self._store.can_write()
        finally:
            self.done.set()


class Readiness:
    """Checks whether the store can be read and written.

    A store that raises an error is not ready at once. A store that does not answer is not ready after its ``patience``,
    until an attempt completes. Before that, the result is that of the previous attempt.
    """

    def __init__(self, store: Store) -> None:
        """Probe ``store`` when asked, but only once at a time."""
        self._store = store
        self._changing = threading.Lock()
        self._look: _Look | None = None
        self._succeeded = False

    def ready(self) -> bool:
        """Return whether the store can be read and written, within two seconds."""
        with self._changing:
            look = self._look
            if look is None or look.done.is_set():
                look = self._look = _Look(self._store)
        if look.done.wait(_ANSWER_SECONDS):
            self._succeeded = look.succeeded
        elif time.monotonic() - look.began > self._store.patience:
            self._succeeded = False
        return self._succeeded
