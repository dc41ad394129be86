"""The sealer: of all processes of a hub the one that holds the lease seals what the others have committed."""

import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from server.release.ledger import keys
from server.release.ledger.keys import BadLedgerKey, LedgerKeys
from server.release.ledger.process import SealingProcess
from server.store import Store, feed_state
from server.store.feed_state import Lease
from server.store.ledger import sealing

log = logging.getLogger(__name__)

# No feed has such a name.
_LEASE = ":ledger"
_RENEW_AFTER = feed_state.LEASE_SECONDS / 3
# Between two steps of a long way, so that others are let in.
_PAUSE = 0.02
# Rows of logs; fewer take no time that anybody notices.
_MUCH = 500


def _never(seconds: float) -> bool:
    time.sleep(seconds)
    return False


class LedgerRules:
    """The file of the ledger's keys, and the host in whose name they are made."""

    def __init__(self, key_file: Path, host: str) -> None:
        """Sign by the keys of a file."""
        self.key_file = key_file
        self.host = host

    def keys(self, store: Store) -> LedgerKeys:
        """Return the keys of the ledger of ``store``; they are made where there are none. Raises ``BadLedgerKey``."""
        return keys.load(store, self.key_file, self.host)


class Sealer:
    """Seals one store."""

    def __init__(self, store: Store, rules: LedgerRules, process: SealingProcess | None = None) -> None:
        """Seal ``store``, by keys that need not be there yet; where there is much to seal, in ``process``."""
        self._store = store
        self._rules = rules
        self._process = process
        self._lease: Lease | None = None
        self._leased = 0.0
        self._refused = ""

    def seal(self, stopped: Callable[[float], bool] = _never) -> int:
        """Seal all that there is, unless another process does; return the number of entries that were added here.

        ``stopped`` waits for so many seconds, and returns whether the process is to end.
        """
        with self._store.read() as tx:
            if not sealing.has_news(tx):
                return 0
            is_much = self._process is not None and sealing.waits(tx, _MUCH)
        if not self._holds_lease():
            return 0
        try:
            return self._seal(self._rules.keys(self._store), is_much, stopped)
        except BadLedgerKey as error:
            if str(error) != self._refused:
                log.warning("ledger-unsealed reason=%s", error)
            self._refused = str(error)
            return 0

    def _seal(self, signing: LedgerKeys, is_much: bool, stopped: Callable[[float], bool]) -> int:
        """Seal what there is by these keys. Raises ``BadLedgerKey``."""
        if self._process is not None and is_much:
            self._process.seal(lambda: not stopped(0) and self._holds_lease())
            return 0
        entries = 0
        while (done := sealing.step(self._store, signing.name, signing.sign)).more:
            entries += done.entries
            if stopped(_PAUSE) or not self._holds_lease():
                break
        self._refused = ""
        return entries

    def release(self) -> None:
        """End the process, and give the lease back, so that another one need not wait for its end."""
        if self._process is not None:
            self._process.stop()
        if self._lease is not None:
            with self._store.begin(in_passing=True) as tx:
                feed_state.release_lease(tx, self._lease)
            self._lease = None

    def _holds_lease(self) -> bool:
        if self._lease is not None and time.monotonic() - self._leased < _RENEW_AFTER:
            return True
        with self._store.begin(in_passing=True) as tx:
            if self._lease is not None:
                try:
                    feed_state.renew_lease(tx, self._lease)
                except feed_state.LeaseLost:
                    self._lease = None
            if self._lease is None:
                self._lease = feed_state.acquire_lease(tx, _LEASE, f"{socket.gethostname()}:{os.getpid()}")
        self._leased = time.monotonic()
        return self._lease is not None
