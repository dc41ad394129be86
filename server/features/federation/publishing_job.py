"""The publishing of hub reports: one thread per worker; one of all workers publishes, a second after a change."""

import logging
import time

from schemas.tlog.signatures import BadSigningKey
from server.features.federation.publishing import exchanges, is_due, publish_step
from server.features.ledger.keys import BadLedgerKey
from server.features.ledger.sealer import LedgerRules
from server.jobs.repeated import LeasedStep
from server.release.hub import Hub

log = logging.getLogger(__name__)

_SECONDS = 1.0
# A hub without [[peer]] tables looks this rarely for partners that are peers.
_LOOK_SECONDS = 60.0


class PublishingThread(LeasedStep):
    """Publishes while it runs."""

    def __init__(self, hub: Hub, rules: LedgerRules) -> None:
        """Sign with the keys of the ledger."""
        super().__init__(hub.store, "hub-reports", _SECONDS, "hub-reports wait", "hub-reports failure")
        self._hub = hub
        self._rules = rules
        self._looked = -_LOOK_SECONDS
        self._exchanges = bool(hub.peers)
        self._refused = ""

    def step(self) -> None:
        """Publish what is due, unless another process does."""
        if not self._may_exchange() or not is_due(self._hub) or not self._lease.holds():
            return
        try:
            publish_step(self._hub, self._rules.keys(self._hub.store), self._is_over)
            self._refused = ""
        except (BadLedgerKey, BadSigningKey) as error:
            if str(error) != self._refused:
                log.warning("hub-reports-unsigned reason=%s", error)
            self._refused = str(error)

    def _may_exchange(self) -> bool:
        """Return whether the hub exchanges reports; a hub without peers asks the store once a minute."""
        if not self._exchanges and time.monotonic() - self._looked >= _LOOK_SECONDS:
            with self._hub.store.read() as tx:
                self._exchanges = exchanges(self._hub, tx)
            self._looked = time.monotonic()
        return self._exchanges
