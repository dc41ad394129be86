"""The daily check of the ledger: one of all workers runs it, at times that do not disturb requests."""

import logging
import os
import socket
import subprocess
import time

from server.features.ledger import self_check
from server.jobs.repeated import RepeatedStep
from server.store import Store, feed_state
from server.store.feed_state import Lease
from server.store.ledger import findings

log = logging.getLogger(__name__)

_SECONDS = 60.0
_RENEW_AFTER = findings.LEASE_SECONDS / 3


class LedgerCheckThread(RepeatedStep):
    """Starts a ledger check if the last one is a day old, and logs the faults found."""

    begins_at_once = False

    def __init__(self, store: Store, url: str) -> None:
        """Check ``store``, the database at ``url``."""
        super().__init__("ledger-check", _SECONDS, "ledger check waits", "ledger check failure")
        self._store = store
        self._url = url

    def step(self) -> None:
        """Check the ledger if a check is due and no other process runs it."""
        with self._store.read() as tx:
            if not findings.is_due(tx):
                return
        with self._store.begin(in_passing=True) as tx:
            lease = findings.claim(tx, f"{socket.gethostname()}:{os.getpid()}")
        if lease is not None:
            self._check(lease)

    def _check(self, lease: Lease) -> None:
        process = self_check.begin(self._url)
        try:
            self._wait(process, lease)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            with self._store.begin(in_passing=True) as tx:
                feed_state.release_lease(tx, lease)
        if process.returncode:
            log.error("ledger-unchecked status=%d", process.returncode)
            return
        with self._store.read() as tx:
            found = findings.last(tx)
        for tree in found.trees:
            if not tree.is_whole:
                log.error(
                    "ledger-fault collection=%d missing=%d altered=%d foreign=%d broken=%s first=%s",
                    *(tree.collection, tree.missing, tree.altered, tree.foreign, tree.broken, tree.first),
                )

    def _wait(self, process: "subprocess.Popen[bytes]", lease: Lease) -> None:
        """Wait for the end of the process or of this thread, and keep the lease."""
        renewed = time.monotonic()
        while process.poll() is None and not self._stopping.wait(1):
            if time.monotonic() - renewed > _RENEW_AFTER:
                with self._store.begin(in_passing=True) as tx:
                    feed_state.renew_lease(tx, lease, findings.LEASE_SECONDS)
                renewed = time.monotonic()
