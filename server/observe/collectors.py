"""Prometheus collectors of figures that the store has: asked when Prometheus asks, so the same on every node."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from schemas.partner import FocalFunction
from server.observe.retention import settle
from server.store import Store, collections, feed_state, focal_points, quotas, read_progress, retractions, reviews
from server.store.database import sql
from server.store.database.times import now
from server.store.erasure import erased
from server.store.keepers import kept_accounts
from server.store.ledger import sealing
from server.store.liveness import heartbeats, silences, verifications
from server.store.objections import objections
from server.store.referrals import referrals
from server.store.requests import requests
from server.store.trends import lag as fold_lag

_BREAKERS = ("closed", "half-open", "open", "stopped")
_SECOND = 1_000_000


class StoreCollector(Collector):
    """Figures of one store, asked for anew each time."""

    def __init__(self, store: Store) -> None:
        """Ask ``store``."""
        self._store = store

    def describe(self) -> Iterable[Metric]:
        """Name no metric beforehand."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the figures of partners, feeds, reviews and retraction receipts."""
        for figures in (_partner_lags, _feeds, _open_work, _keepers, _liveness):
            yield from figures(self._store)


def _gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, labels=labels)


def _partner_lags(store: Store) -> Iterable[Metric]:
    with store.read() as tx:
        lags, known = read_progress.lags(tx), collections.all_collections(tx)
    lag = _gauge(
        "scamfeed_partner_lag_seconds",
        "Newest object of a collection, less the newest that the partner has been given",
        "partner",
        "collection",
    )
    ids = {collection.alias: collection.id for collection in known}
    for behind in lags:
        lag.add_metric((behind.partner, ids[behind.collection]), behind.seconds)
    named = _gauge("scamfeed_collection", "The collections", "collection", "alias")
    for collection in known:
        named.add_metric((collection.id, collection.alias), 1)
    return lag, named


def _feeds(store: Store) -> Iterable[Metric]:
    """Return runs, items, breaker, lag and dead letters of each feed that ever ran."""
    with store.read() as tx:
        feeds = feed_state.health_of_feeds(tx)
    runs = CounterMetricFamily("scamfeed_feed_runs", "Runs of a feed, by how they ended", labels=("feed", "ending"))
    items = CounterMetricFamily("scamfeed_feed_items", "Items of a feed's runs", labels=("feed", "what"))
    breaker = _gauge("scamfeed_feed_breaker", "1 at the state that the feed's breaker is in", "feed", "state")
    running = _gauge("scamfeed_feed_running", "Whether a node runs the feed just now", "feed")
    letters = _gauge("scamfeed_feed_dead_letters", "Items that were put aside", "feed")
    lag = _gauge(
        "scamfeed_feed_lag_seconds",
        "Of a push, how much newer the newest object is than the last delivered; else since the last good run",
        "feed",
    )
    for feed, figures in feeds.items():
        state = figures.state
        runs.add_metric((feed, "well"), state.runs - state.failed)
        runs.add_metric((feed, "badly"), state.failed)
        for what, count in (("read", state.read), ("accepted", state.accepted), ("rejected", state.rejected)):
            items.add_metric((feed, what), count)
        for name in _BREAKERS:
            breaker.add_metric((feed, name), float(name == figures.breaker))
        running.add_metric((feed,), float(figures.held is not None))
        letters.add_metric((feed,), figures.letters)
        if figures.lag is not None:
            lag.add_metric((feed,), figures.lag)
    return runs, items, breaker, running, letters, lag


def _open_work(store: Store) -> Iterable[Metric]:
    """Return how much waits for a person or a partner, and since when, once what can be settled is."""
    settle(store)
    with store.read() as tx:
        waiting, since = retractions.waiting(tx)
        held, oldest = reviews.count(tx), reviews.oldest(tx)
        slowed = len(quotas.current_throttles(tx))
        objecting = objections.totals(tx)
        erasing = len(erased.all_erasures(tx, only_open=True))
        referred, protected = referrals.open_referrals(tx), focal_points.serves(tx, FocalFunction.PROTECTION)
        asked = requests.current(tx, now())
        unfolded, unsealed = fold_lag.oldest_unfolded(tx), sealing.oldest_waiting(tx)
    figures: list[tuple[str, str, float]] = [
        ("scamfeed_receipts_open", "Partners that still have something taken back", waiting),
        ("scamfeed_receipts_oldest_seconds", "Age of the oldest open receipt", _age(since)),
        ("scamfeed_reviews_open", "Objects held back for a person", held),
        ("scamfeed_reviews_oldest_seconds", "Age of the oldest open review", _age(oldest)),
        ("scamfeed_partners_slowed", "Partners that the throttle slows", slowed),
        ("scamfeed_objections_open", "Objections to listings that wait for a person", objecting.open),
        ("scamfeed_objections_late", "Of these, those whose answer was due before", objecting.late),
        ("scamfeed_erasures_open", "Erasures that have not ended", erasing),
        ("scamfeed_protection_focal_point", "1 where coerced holders can be referred to somebody", float(protected)),
        ("scamfeed_referrals_open", "Referrals that wait for an answer", referred.number),
        ("scamfeed_referrals_oldest_seconds", "Age of the oldest open referral", _age(referred.oldest)),
        ("scamfeed_requests_open", "Requests between institutions that wait for an answer", asked.open),
        ("scamfeed_requests_overdue", "Those of them whose deadline has passed", asked.overdue),
        ("scamfeed_requests_oldest_seconds", "Age of the oldest of them", _age(asked.oldest)),
        ("scamfeed_requests_unaddressed", "Those of them that nobody here is asked by", asked.unaddressed),
        ("scamfeed_trends_lag_seconds", "Age of the oldest object that no figure counts yet", _age(unfolded)),
        (
            "scamfeed_ledger_lag_seconds",
            "Age of the oldest object that is not sealed in the ledger yet",
            _age(unsealed),
        ),
        ("scamfeed_police_holds", "Freezes by police that hold money now", asked.holding),
    ]
    return [GaugeMetricFamily(name, documentation, value) for name, documentation, value in figures]


def _keepers(store: Store) -> Iterable[Metric]:
    """Return how many answers each keeper owes, and since when."""
    with store.read() as tx:
        found = kept_accounts.counts(tx, 0, now(), now())
    waiting = _gauge("scamfeed_answers_open", "Listings that wait for their keeper's answer", "partner")
    oldest = _gauge("scamfeed_answers_oldest_seconds", "Age of the oldest of these", "partner")
    for counts in found:
        waiting.add_metric((counts.partner,), counts.open)
        oldest.add_metric((counts.partner,), _age(counts.oldest))
    return waiting, oldest


def _liveness(store: Store) -> Iterable[Metric]:
    """Return how long ago each collection was known to be current, and what pushes answered when they were verified."""
    with store.read() as tx:
        current, known = heartbeats.current(tx), collections.all_collections(tx)
        verified, at, silent = verifications.last_verifications(tx), sql.database_time(tx), silences.current(tx)
    age = _gauge("scamfeed_collection_heartbeat_seconds", "Time since the collection was known to be current", "alias")
    for collection in known:
        beaten = current.of(collection)
        if beaten is not None:
            age.add_metric((collection.alias,), max(0, at - beaten) / _SECOND)
    well = _gauge("scamfeed_feed_verified", "Whether the push's last verification went well", "feed")
    since = _gauge("scamfeed_feed_verified_seconds", "Time since the push's last verification", "feed")
    for feed, verification in verified.items():
        well.add_metric((feed,), float(verification.well))
        since.add_metric((feed,), max(0, at - verification.at) / _SECOND)
    quiet = _gauge("scamfeed_quiet_seconds", "How long somebody has been quieter than usual", "what", "name")
    for silence in silent:
        quiet.add_metric((silence.what, silence.name), max(0, now() - silence.since) / _SECOND)
    return age, well, since, quiet


def _age(since: int | None) -> float:
    return 0.0 if since is None else max(0, now() - since) / _SECOND
