"""How the feeds stand, for Prometheus: asked of the store when Prometheus asks, so the same on every node."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.observe.retention import settle
from server.store import Store, feed_state, quotas, retractions, reviews
from server.store.times import now

_BREAKERS = ("closed", "half-open", "open", "stopped")


class FeedCollector(Collector):
    """Runs, items, breaker, lag and dead letters of each feed that ever ran."""

    def __init__(self, store: Store) -> None:
        """Ask ``store``."""
        self._store = store

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Give the figures of all feeds."""
        with self._store.read() as tx:
            stands = feed_state.health_of_feeds(tx)
        runs = CounterMetricFamily("scamfeed_feed_runs", "Runs of a feed, by how they ended", labels=("feed", "ending"))
        items = CounterMetricFamily("scamfeed_feed_items", "Items of a feed's runs", labels=("feed", "what"))
        breaker = GaugeMetricFamily(
            "scamfeed_feed_breaker", "1 at the state that the feed's breaker is in", labels=("feed", "state")
        )
        running = GaugeMetricFamily("scamfeed_feed_running", "Whether a node runs the feed just now", labels=("feed",))
        letters = GaugeMetricFamily("scamfeed_feed_dead_letters", "Items that were put aside", labels=("feed",))
        lag = GaugeMetricFamily(
            "scamfeed_feed_lag_seconds",
            "Of a push, how much newer the newest object is than the last delivered; else since the last good run",
            labels=("feed",),
        )
        for feed, one in stands.items():
            state = one.state
            runs.add_metric((feed, "well"), state.runs - state.failed)
            runs.add_metric((feed, "badly"), state.failed)
            for what, count in (("read", state.read), ("accepted", state.accepted), ("rejected", state.rejected)):
                items.add_metric((feed, what), count)
            for each in _BREAKERS:
                breaker.add_metric((feed, each), float(each == one.breaker))
            running.add_metric((feed,), float(one.held is not None))
            letters.add_metric((feed,), one.letters)
            if one.lag is not None:
                lag.add_metric((feed,), one.lag)
        return runs, items, breaker, running, letters, lag


_SECOND = 1_000_000


class ReviewCollector(Collector):
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
            waiting, since = retractions.waiting(tx)
            held, oldest = reviews.count(tx), reviews.oldest(tx)
            slowed = len(quotas.current_throttles(tx))
        return (
            GaugeMetricFamily("scamfeed_receipts_open", "Partners that still have something taken back", waiting),
            GaugeMetricFamily("scamfeed_receipts_oldest_seconds", "Age of the oldest open receipt", _age(since)),
            GaugeMetricFamily("scamfeed_reviews_open", "Objects held back for a person", held),
            GaugeMetricFamily("scamfeed_reviews_oldest_seconds", "Age of the oldest open review", _age(oldest)),
            GaugeMetricFamily("scamfeed_partners_slowed", "Partners that the brake slows", slowed),
        )


def _age(since: int | None) -> float:
    return 0.0 if since is None else max(0, now() - since) / _SECOND
