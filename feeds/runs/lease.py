"""Leases a feed for one run, so that no two nodes run it at once."""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Self

from server.store import Store, StoreUnavailable, Tx, feed_state
from server.store.feed_state import FeedState, Lease, LeaseLost

_log = logging.getLogger(__name__)

# Who this process is to the others; a forked one is another.
_NAMES: dict[int, str] = {}
_RENEW_AFTER = feed_state.LEASE_SECONDS / 3


class RunLease:
    """The lease of a feed for one run, renewed in the background while it is entered, and given back at the end."""

    def __init__(self, store: Store, lease: Lease, state: FeedState) -> None:
        """Keep ``lease``; ``state`` is the state of the feed when the lease was taken."""
        self.state = state
        self._store = store
        self._lease = lease
        self._renewed = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease-{lease.feed}", daemon=True)

    def __enter__(self) -> Self:
        """Begin to renew."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lease; harmless if another node has taken it."""
        self._over.set()
        self._thread.join()
        try:
            with self._store.begin() as tx:
                feed_state.release_lease(tx, self._lease)
        except StoreUnavailable:
            _log.warning("lease not given back feed=%s; it ends by itself", self._lease.feed)

    def hold(self, tx: Tx) -> None:
        """Make ``tx`` commit only if the lease is still ours. Raises ``Fenced``."""
        feed_state.renew_lease(tx, self._lease)
        self._renewed = time.monotonic()

    def check(self) -> None:
        """Check, before something is sent, that the lease is still ours. Raises ``Fenced``."""
        if time.monotonic() - self._renewed > feed_state.LEASE_SECONDS:
            with self._store.begin() as tx:
                self.hold(tx)

    def _renew(self) -> None:
        while not self._over.wait(_RENEW_AFTER / 2):
            if time.monotonic() - self._renewed < _RENEW_AFTER:
                continue
            try:
                with self._store.begin() as tx:
                    self.hold(tx)
            except LeaseLost:
                _log.warning("lease lost feed=%s", self._lease.feed)
                return
            except StoreUnavailable:
                continue


def lease_run(store: Store, feed: str, when: Callable[[Tx, FeedState], bool] | None = None) -> RunLease | None:
    """Lease ``feed`` for one run; None if another node runs it, or ``when`` says that it is not time."""
    with store.begin() as tx:
        lease = feed_state.acquire_lease(tx, feed, _me())
        if lease is None:
            return None
        state = feed_state.load_state(tx, feed)
        if when is not None and not when(tx, state):
            feed_state.release_lease(tx, lease)
            return None
    return RunLease(store, lease, state)


def _me() -> str:
    pid = os.getpid()
    if pid not in _NAMES:
        _NAMES[pid] = f"{socket.gethostname()}:{pid}:{uuid.uuid4().hex[:8]}"
    return _NAMES[pid]
