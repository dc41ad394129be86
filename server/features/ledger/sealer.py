"""The sealer: the process that holds the lease seals the commits of all processes of a hub."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from server.features.ledger import keys
from server.features.ledger.keys import BadLedgerKey, LedgerKeys
from server.features.ledger.process import SealingProcess
from server.store import Store
from server.store.held_lease import HeldLease
from server.store.ledger import sealing

log = logging.getLogger(__name__)

# No feed can have this name.
_LEASE = ":ledger"
# Seconds between two steps of a long run, so that others can proceed.
_PAUSE = 0.02
# Rows of logs; sealing fewer is fast.
_MUCH = 500


def _never(seconds: float) -> bool:
    time.sleep(seconds)
    return False


class LedgerRules:
    """The file of the ledger's keys, and the host in whose name they are made."""

    def __init__(self, key_file: Path, host: str) -> None:
        """Sign with the keys of a file."""
        self.key_file = key_file
        self.host = host

    def keys(self, store: Store) -> LedgerKeys:
        """Return the keys of the ledger of ``store``; make them if there are none. Raises ``BadLedgerKey``."""
        return keys.load(store, self.key_file, self.host)


class Sealer:
    """Seals one store."""

    def __init__(self, store: Store, rules: LedgerRules, process: SealingProcess | None = None) -> None:
        """Seal ``store``, with keys that may be made later; large amounts in ``process``."""
        self._store = store
        self._rules = rules
        self._process = process
        self._lease = HeldLease(store, _LEASE)
        self._refused = ""

    def seal(self, stopped: Callable[[float], bool] = _never) -> int:
        """Seal all new entries, unless another process does; return the number of entries added here.

        ``stopped`` waits for the given seconds, and returns whether the process is to end.
        """
        with self._store.read() as tx:
            if not sealing.has_news(tx):
                return 0
            is_much = self._process is not None and sealing.waits(tx, _MUCH)
        if not self._lease.holds():
            return 0
        try:
            return self._seal(self._rules.keys(self._store), is_much, stopped)
        except BadLedgerKey as error:
            if str(error) != self._refused:
                log.warning("ledger-unsealed reason=%s", error)
            self._refused = str(error)
            return 0

    def _seal(self, signing: LedgerKeys, is_much: bool, stopped: Callable[[float], bool]) -> int:
        """Seal the new entries with these keys. Raises ``BadLedgerKey``."""
        if self._process is not None and is_much:
            self._process.seal(lambda: not stopped(0) and self._lease.holds())
            return 0
        self._refused = ""
        done = sealing.step(self._store, signing.name, signing.sign)
        entries = done.entries
        while done.more and not stopped(_PAUSE) and self._lease.holds():
            done = sealing.step(self._store, signing.name, signing.sign)
            entries += done.entries
        return entries

    def release(self) -> None:
        """End the process, and release the lease, so that another one need not wait for it to expire."""
        if self._process is not None:
            self._process.stop()
        self._lease.release()
