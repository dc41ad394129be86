"""The heartbeat of a server: one thread per worker records every ten seconds that it can write and release."""

from server.jobs.repeated import RepeatedStep
from server.store import Store
from server.store.liveness import heartbeats


class HeartbeatThread(RepeatedStep):
    """Beats while it runs. Of all workers and nodes, one writes in each interval."""

    def __init__(self, store: Store) -> None:
        """Beat in ``store``."""
        super().__init__("heartbeat", heartbeats.SECONDS, "heartbeat waits", "heartbeat failure")
        self._store = store

    def step(self) -> None:
        """Beat once."""
        with self._store.begin(in_passing=True) as tx:
            heartbeats.beat(tx, "server")
