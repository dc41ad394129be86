"""Finds out whether a node can read and write its store, without waiting for a store that does not answer."""

import threading
import time

from server.store import Store

# A question is answered within this time, whatever the store does.
_ANSWER_SECONDS = 2.0


class _Look:
    """One try to read and write the store, in a thread of its own."""

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
    """Finds whether the store can be read and written.

    A store that says no is not ready at once. One that says nothing is not ready after its ``patience``, and until a
    look has come to its end: until then the answer is that of the look before.
    """

    def __init__(self, store: Store) -> None:
        """Look at ``store`` when asked, once at a time however often that is."""
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
