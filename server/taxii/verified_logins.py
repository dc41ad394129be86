"""The passwords that this process has verified, told to the others by way of the store."""

import logging
import threading

from server.store import Store, StoreUnavailable, partners
from server.store.partners import VerifiedLogin

log = logging.getLogger(__name__)

# A partner that logs in again and again from new processes has one entry; beyond, the rest verify for themselves.
_WAITING_AT_MOST = 1_000


class VerifiedLogins:
    """Stores verified passwords, as keyed digests, in a thread of its own: no request waits for that."""

    def __init__(self, store: Store) -> None:
        """Write to ``store``."""
        self._store = store
        self._waiting: dict[bytes, VerifiedLogin] = {}
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, login: VerifiedLogin) -> None:
        """Store a password that was verified, soon."""
        with self._changing:
            if len(self._waiting) >= _WAITING_AT_MOST:
                return
            self._waiting[login.digest] = login
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="verified-logins", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Wait until all that was noted is stored, or could not be."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changing:
                logins, self._waiting = [*self._waiting.values()], {}
                if not logins:
                    self._thread = None
                    return
            try:
                with self._store.begin(in_passing=True) as tx:
                    partners.remember_logins(tx, logins)
            except StoreUnavailable as error:
                # The other processes verify the password for themselves.
                log.warning("verified-logins-lost logins=%s reason=%s", len(logins), error)
            except Exception:  # nobody waits for it; the next one gets a thread of its own
                log.exception("verified-logins-failure")
