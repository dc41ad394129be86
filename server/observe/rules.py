"""What waits for a person or a partner, for Prometheus: reviews, receipts of what was taken back, the brake."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.observe.settling import settle
from server.store import Store, receipts, reviews, volumes
from server.store.times import now

_SECOND = 1_000_000


class Rules(Collector):
    """How many reviews and receipts are open, and how old the oldest is: the same on every node."""

    def __init__(self, store: Store) -> None:
        """Ask ``store``."""
        self._store = store

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Give the figures, once what can be settled is."""
        settle(self._store)
        with self._store.read() as tx:
            waiting, since = receipts.waiting(tx)
            held, oldest = reviews.count(tx), reviews.oldest(tx)
            slowed = len(volumes.slowed(tx))
        return (
            GaugeMetricFamily("scamfeed_receipts_open", "Partners that still have something taken back", waiting),
            GaugeMetricFamily("scamfeed_receipts_oldest_seconds", "Age of the oldest open receipt", _age(since)),
            GaugeMetricFamily("scamfeed_reviews_open", "Objects held back for a person", held),
            GaugeMetricFamily("scamfeed_reviews_oldest_seconds", "Age of the oldest open review", _age(oldest)),
            GaugeMetricFamily("scamfeed_partners_slowed", "Partners that the brake slows", slowed),
        )


def _age(since: int | None) -> float:
    return 0.0 if since is None else max(0, now() - since) / _SECOND
