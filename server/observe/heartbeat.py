"""The heartbeat of a server: one thread a worker records every ten seconds that it can write, and so release."""

import logging
import threading

from server.store import Store, StoreUnavailable
from server.store.liveness import heartbeats

log = logging.getLogger(__name__)


class HeartbeatThread:
    """Beats while it runs; of many workers and nodes one writes in each interval."""

    def __init__(self, store: Store) -> None:
        """Beat in ``store``."""
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the transaction under way is done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                with self._store.begin(in_passing=True) as tx:
                    heartbeats.beat(tx, "server")
            except StoreUnavailable as error:
                log.warning("heartbeat waits reason=%s", error)
            except Exception:  # the next time may do better; what failed is in the log
                log.exception("heartbeat failure")
            if self._stopping.wait(heartbeats.SECONDS):
                return
