"""A lease that a worker holds while it runs, so that one of all processes does a piece of background work."""

import logging
import os
import socket
import time

from server.store import feed_state
from server.store.database.engine import Store, StoreUnavailable
from server.store.feed_state import Lease

log = logging.getLogger(__name__)

_RENEW_AFTER = feed_state.LEASE_SECONDS / 3


class HeldLease:
    """The lease of one piece of work; no feed can have its name, which begins with a colon."""

    def __init__(self, store: Store, name: str) -> None:
        """Lease the work of that name in ``store``, when it is first needed."""
        self._store = store
        self._name = name
        self._lease: Lease | None = None
        self._leased = 0.0

    def holds(self) -> bool:
        """Return whether this process may do the work now; renews the lease, or takes it if it is free."""
        if self._lease is not None and time.monotonic() - self._leased < _RENEW_AFTER:
            return True
        with self._store.begin(in_passing=True) as tx:
            if self._lease is not None:
                try:
                    feed_state.renew_lease(tx, self._lease)
                except feed_state.LeaseLost:
                    self._lease = None
            if self._lease is None:
                self._lease = feed_state.acquire_lease(tx, self._name, f"{socket.gethostname()}:{os.getpid()}")
        self._leased = time.monotonic()
        return self._lease is not None

    def release(self) -> None:
        """Release the lease, so that another process need not wait for it to expire."""
        if self._lease is None:
            return
        try:
            with self._store.begin(in_passing=True) as tx:
                feed_state.release_lease(tx, self._lease)
        except StoreUnavailable:
            log.warning("lease not released name=%s; it expires by itself", self._name)
        self._lease = None
