"""Prometheus collectors of figures in the store: read at each scrape, so they are the same on every node."""

from collections.abc import Iterable
from contextlib import suppress

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from schemas.partner import FocalFunction
from server.features.objections import records as objections
from server.features.reminders import outbox
from server.features.requests import records as requests
from server.features.trends import lag as fold_lag
from server.jobs.retention import settle
from server.observe.families import counter, gauge
from server.observe.peers import peer_figures
from server.release.hub import Hub
from server.store import (
    Store,
    StoreUnavailable,
    collections,
    erased,
    feed_state,
    focal_points,
    held_ends,
    quotas,
    read_progress,
    retractions,
    reviews,
)
from server.store.database import sql
from server.store.database.times import now
from server.store.ledger import findings, sealing
from server.store.liveness import heartbeats, silences, verifications
from server.store.providers import kept_accounts
from server.store.referrals import referrals

_BREAKERS = ("closed", "half-open", "open", "stopped")
_SECOND = 1_000_000
_PARTNER_LAG = gauge(
    "scamfeed_partner_lag_seconds",
    "Time between the newest object of a collection and the newest that the partner has read",
    "partner",
    "collection",
)
_COLLECTION = gauge(
    "scamfeed_collection", "1; the labels are the id and the alias of a collection", "collection", "alias"
)
_RUNS = counter("scamfeed_feed_runs", "Runs of a feed, by how they ended", "feed", "ending")
_ITEMS = counter("scamfeed_feed_items", "Items of a feed's runs", "feed", "what")
_BREAKER = gauge("scamfeed_feed_breaker", "1 for the current state of the feed's breaker", "feed", "state")
_RUNNING = gauge("scamfeed_feed_running", "1 while a node runs the feed", "feed")
_LETTERS = gauge("scamfeed_feed_dead_letters", "Dead letters of the feed", "feed")
_FEED_LAG = gauge(
    "scamfeed_feed_lag_seconds",
    "Push: time between the last delivered and the newest object. Pull: time since the last successful run",
    "feed",
)
_RECEIPTS = gauge("scamfeed_receipts_open", "Open receipts: delistings that a reader has not yet fetched")
_RECEIPTS_AGE = gauge("scamfeed_receipts_oldest_seconds", "Age of the oldest open receipt")
_OF_CHANNEL = gauge("scamfeed_receipts_of_channel_open", "Open receipts by channel", "channel")
_OF_CHANNEL_AGE = gauge(
    "scamfeed_receipts_of_channel_oldest_seconds", "Age of the oldest open receipt by channel", "channel"
)
_REVIEWS = gauge("scamfeed_reviews_open", "Objects held for review")
_REVIEWS_AGE = gauge("scamfeed_reviews_oldest_seconds", "Age of the oldest open review")
_ENDS = gauge("scamfeed_ends_waiting", "Delistings that wait for a second person")
_SLOWED = gauge("scamfeed_partners_slowed", "Partners that the throttle slows")
_OBJECTIONS = gauge("scamfeed_objections_open", "Objections to listings that wait for a person")
_OBJECTIONS_LATE = gauge("scamfeed_objections_late", "Open objections whose due date has passed")
_ERASURES = gauge("scamfeed_erasures_open", "Erasures that have not ended")
_FOCAL_POINT = gauge("scamfeed_protection_focal_point", "1 if a focal point accepts referrals of coerced holders")
_REFERRALS = gauge("scamfeed_referrals_open", "Referrals that wait for an answer")
_REFERRALS_AGE = gauge("scamfeed_referrals_oldest_seconds", "Age of the oldest open referral")
_ASKED = gauge("scamfeed_requests_open", "Requests between institutions that wait for an answer")
_OVERDUE = gauge("scamfeed_requests_overdue", "Open requests whose deadline has passed")
_ASKED_AGE = gauge("scamfeed_requests_oldest_seconds", "Age of the oldest open request")
_RESTORES = gauge("scamfeed_restores_open", "Takedown requests to restore without a response")
_RESTORES_AGE = gauge("scamfeed_restores_oldest_seconds", "Age of the oldest request to restore without a response")
_UNADDRESSED = gauge("scamfeed_requests_unaddressed", "Open requests without an addressee at this hub")
_UNCONFIRMED = gauge("scamfeed_requests_unconfirmed", "Hops of orders that wait for their senders' confirmation")
_TRENDS_LAG = gauge("scamfeed_trends_lag_seconds", "Age of the oldest object that is not yet counted in the trends")
_LEDGER_LAG = gauge("scamfeed_ledger_lag_seconds", "Age of the oldest object that is not yet sealed in the ledger")
_FAULTS = gauge("scamfeed_ledger_faults", "Ledger entries that the last check found faulty")
_CHECK_AGE = gauge("scamfeed_ledger_check_seconds", "Age of the last check of the ledger")
_MAILS = gauge("scamfeed_mails_waiting", "Reminders, by mail or webhook, that wait to be sent")
_MAILS_AGE = gauge("scamfeed_mails_oldest_seconds", "Age of the oldest reminder that waits to be sent")
_MAILS_FAILED = gauge("scamfeed_mails_failed", "Reminders that were given up in the last 24 hours")
_HOLDS = gauge("scamfeed_police_holds", "Police freezes that hold money now")
_ANSWERS = gauge("scamfeed_answers_open", "Listings that wait for their provider's finding", "partner")
_ANSWERS_AGE = gauge(
    "scamfeed_answers_oldest_seconds", "Age of the oldest listing that waits for its provider's finding", "partner"
)
_HEARTBEAT = gauge(
    "scamfeed_collection_heartbeat_seconds", "Time since the collection was known to be current", "alias"
)
_VERIFIED = gauge("scamfeed_feed_verified", "1 if the push's last verification succeeded", "feed")
_VERIFIED_AGE = gauge("scamfeed_feed_verified_seconds", "Time since the push's last verification", "feed")
_QUIET = gauge(
    "scamfeed_quiet_seconds", "How long a partner, source or collection has been unusually quiet", "what", "name"
)


class StoreCollector(Collector):
    """Figures of one store, read at each scrape."""

    def __init__(self, store: Store, hub: Hub | None = None) -> None:
        """Ask ``store``, and about the peers of ``hub``."""
        self._store = store
        self._hub = hub

    def describe(self) -> Iterable[Metric]:
        """Describe no metric in advance."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the figures of partners, feeds, reviews and retraction receipts; none of a store without answer."""
        with suppress(StoreUnavailable):
            for figures in (_partner_lags, _feeds, _open_work, _provider_findings, _liveness):
                yield from figures(self._store)
            if self._hub is not None:
                yield from peer_figures(self._hub)


def _partner_lags(store: Store) -> Iterable[Metric]:
    with store.read() as tx:
        lags, known = read_progress.lags(tx), collections.all_collections(tx)
    lag = _PARTNER_LAG.empty()
    ids = {collection.alias: collection.id for collection in known}
    for behind in lags:
        lag.add_metric((behind.partner, ids[behind.collection]), behind.seconds)
    named = _COLLECTION.empty()
    for collection in known:
        named.add_metric((collection.id, collection.alias), 1)
    return lag, named


def _feeds(store: Store) -> Iterable[Metric]:
    """Return runs, items, breaker, lag and dead letters of each feed that has run."""
    with store.read() as tx:
        feeds = feed_state.health_of_feeds(tx)
    runs, items, breaker = _RUNS.empty(), _ITEMS.empty(), _BREAKER.empty()
    running, letters, lag = _RUNNING.empty(), _LETTERS.empty(), _FEED_LAG.empty()
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
    """Return the work that waits for a person or a partner, with its age. Settle receipts first."""
    settle(store)
    with store.read() as tx:
        waiting, since = retractions.waiting(tx)
        channels = retractions.open_by_channel(tx)
        held, oldest, ending = reviews.count(tx), reviews.oldest(tx), held_ends.count(tx)
        slowed = len(quotas.current_throttles(tx))
        objecting = objections.totals(tx)
        erasing = len(erased.all_erasures(tx, only_open=True))
        referred, protected = referrals.open_referrals(tx), focal_points.serves(tx, FocalFunction.PROTECTION)
        asked = requests.current(tx, now())
        unfolded, unsealed = fold_lag.oldest_unfolded(tx), sealing.oldest_waiting(tx)
        ledger = findings.last(tx)
        mails = outbox.totals(tx, now() - 24 * outbox.HOUR)
    by_channel, ages = _OF_CHANNEL.empty(), _OF_CHANNEL_AGE.empty()
    for channel, number, oldest_of in channels:
        by_channel.add_metric((channel or "read",), number)
        ages.add_metric((channel or "read",), _age(oldest_of))
    figures = {
        _RECEIPTS: waiting,
        _RECEIPTS_AGE: _age(since),
        _REVIEWS: held,
        _REVIEWS_AGE: _age(oldest),
        _ENDS: ending,
        _SLOWED: slowed,
        _OBJECTIONS: objecting.open,
        _OBJECTIONS_LATE: objecting.late,
        _ERASURES: erasing,
        _FOCAL_POINT: protected,
        _REFERRALS: referred.number,
        _REFERRALS_AGE: _age(referred.oldest),
        _ASKED: asked.open,
        _OVERDUE: asked.overdue,
        _ASKED_AGE: _age(asked.oldest),
        _RESTORES: asked.restores,
        _RESTORES_AGE: _age(asked.oldest_restore),
        _UNADDRESSED: asked.unaddressed,
        _UNCONFIRMED: asked.unconfirmed,
        _TRENDS_LAG: _age(unfolded),
        _LEDGER_LAG: _age(unsealed),
        _FAULTS: ledger.faults,
        _CHECK_AGE: _age(ledger.checked or None),
        _MAILS: mails.waiting,
        _MAILS_AGE: _age(mails.oldest),
        _MAILS_FAILED: mails.failed,
        _HOLDS: asked.holding,
    }
    return [by_channel, ages, *(family.of(float(value)) for family, value in figures.items())]


def _provider_findings(store: Store) -> Iterable[Metric]:
    """Return how many findings each provider owes, and since when."""
    with store.read() as tx:
        found = kept_accounts.counts(tx, 0, now(), now())
    waiting, oldest = _ANSWERS.empty(), _ANSWERS_AGE.empty()
    for counts in found:
        waiting.add_metric((counts.partner,), counts.open)
        oldest.add_metric((counts.partner,), _age(counts.oldest))
    return waiting, oldest


def _liveness(store: Store) -> Iterable[Metric]:
    """Return the age of each collection's heartbeat, and the results of the pushes' last verifications."""
    with store.read() as tx:
        current, known = heartbeats.current(tx), collections.all_collections(tx)
        verified, at, silent = verifications.last_verifications(tx), sql.database_time(tx), silences.current(tx)
    age = _HEARTBEAT.empty()
    for collection in known:
        beaten = current.of(collection)
        if beaten is not None:
            age.add_metric((collection.alias,), max(0, at - beaten) / _SECOND)
    well, since = _VERIFIED.empty(), _VERIFIED_AGE.empty()
    for feed, verification in verified.items():
        well.add_metric((feed,), float(verification.well))
        since.add_metric((feed,), max(0, at - verification.at) / _SECOND)
    quiet = _QUIET.empty()
    for silence in silent:
        quiet.add_metric((silence.what, silence.name), max(0, now() - silence.since) / _SECOND)
    return age, well, since, quiet


def _age(since: int | None) -> float:
    return 0.0 if since is None else max(0, now() - since) / _SECOND
