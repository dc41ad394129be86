"""The pages of feeds: the state of each connector for operators, and a partner's own feeds and reading progress."""

from typing import Any, NamedTuple

from flask import Response

from schemas.partner import Partner
from server.features.feeds import orders
from server.features.feeds.operations import OrderFeed
from server.features.feeds.orders import OrderWaits
from server.operations.rights import PARTNERS, VIEWERS
from server.store import audit, collections, deliveries, feed_state, read_progress
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.feed_state import Breaker, FeedHealth, FeedRun, FeedState
from server.store.liveness import heartbeats, verifications
from server.store.reads import read_steps
from server.store.reads.read_steps import ReadStep
from server.web.shell.forms import own_partner, submit
from server.web.shell.routes import CONNECTION, FORM, HUB, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_MOST_FEEDS = 50
_STATES: dict[Breaker, Translatable] = {
    "closed": mark("Works"),
    "open": mark("Your side does not answer: the hub waits, and tries again by itself"),
    "half-open": mark("Your side did not answer: the next run is a trial"),
    "stopped": mark("Stopped: address, login or permission are wrong. Ask the operator"),
}
_NO_FEED = mark("There is no such feed.")
_NO_ORDER = mark("Choose what the feed is to do.")
_WAITS = mark("An order for this feed is not done yet. Wait for its end.")
_ROWS = 50


class ReadCollection(NamedTuple):
    """A collection that the partner may read: the time of its last request, None for never, and its lag in seconds.

    ``remote`` is the address of the last request, "" if unknown. ``step`` is the last request that read further, or
    None.
    """

    collection: Collection
    asked: int | None
    behind: float | None
    remote: str
    step: ReadStep | None


class PartnerFeed(NamedTuple):
    """A feed that the hub runs for the partner: its direction, state and last run, without internal causes.

    ``status`` is the HTTP status of the partner that ended the last run, or None. ``retry_at`` is the time of the next
    attempt in microseconds, 0 without a failure.
    """

    name: str
    is_push: bool
    collection: str
    state: Translatable
    is_well: bool
    last_run: int | None
    ended_well: bool
    status: int | None
    retry_at: int
    accepted: int | None
    rejected: int | None
    letters: int
    lag: float | None


def show_own(visit: Visit) -> Response:
    """Show the partner's collections with its lag behind each, and the feeds that the hub runs for it."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        read = _read(tx, partner)
        feeds = [_feed_of(tx, *named) for named in _feeds_of(visit, tx, partner)]
    return visit.page("partner/feeds.html", partner=partner, read=read, feeds=feeds)


def _read(tx: Tx, partner: Partner) -> list[ReadCollection]:
    mine = collections.readable(tx, partner.name)
    positions = read_progress.positions_by(tx, partner.name, mine)
    found = []
    for collection in mine:
        position = positions.get(collection.id)
        behind = max(0, collection.last_added - position.read_up_to) / _SECOND if position is not None else None
        asked = None if position is None else position.asked
        step = read_steps.latest(tx, collection.id, partner.name)
        found.append(ReadCollection(collection, asked, behind, _remote(tx, partner, collection, asked), step))
    return found


def _remote(tx: Tx, partner: Partner, collection: Collection, asked: int | None) -> str:
    """Return the address of the last request, "" if it is no longer in the audit trail."""
    reads = [] if asked is None else audit.reads(tx, partner.name, collection.id, asked - _MINUTE, asked + _SECOND, 10)
    return reads[-1].event.remote if reads else ""


def _feeds_of(visit: Visit, tx: Tx, partner: Partner) -> list[tuple[str, bool, str]]:
    """Return the partner's feeds, from the configuration and from the deliveries; each states whether it is a push."""
    found: dict[str, tuple[str, bool, str]] = {}
    for table in visit.site.settings.feeds:
        name, mine = str(table.get("name", "")), partner.name
        if table.get("partner") == mine or table.get("contribute_as") == mine:
            found[name] = (name, table.get("partner") == mine, str(table.get("collection", "")))
    for name, to in deliveries.recipients(tx):
        if to == partner.name:
            found.setdefault(name, (name, True, ""))
    return sorted(found.values())[:_MOST_FEEDS]


def _feed_of(tx: Tx, name: str, is_push: bool, collection: str) -> PartnerFeed:
    health, last = feed_state.health_of(tx, name), feed_state.last_run(tx, name)
    return PartnerFeed(
        name,
        is_push,
        collection,
        _STATES[health.breaker],
        health.breaker == "closed",
        micros(last.ended) if last else None,
        last is None or last.error is None,
        last.status if last else None,
        health.state.retry_at,
        last.accepted if last else None,
        last.rejected if last else None,
        health.letters,
        health.lag,
    )


class ShownFeed(NamedTuple):
    """A feed in the list: its settings, if this process has them, its health and its last run."""

    name: str
    connector: str
    when: str
    health: FeedHealth
    last: FeedRun | None


def show_all(visit: Visit) -> Response:
    """Show every feed that is configured here, or that ever ran."""
    with visit.site.hub.store.read() as tx:
        found = _feeds(visit, tx)
        beat = heartbeats.last_beats(tx).get("schedule")
    return visit.page("operator/feeds.html", feeds=found.values(), beat=beat)


def show_one(visit: Visit, name: str) -> Response:
    """Show one feed: its state, the last order, its last runs, and its dead letters."""
    with visit.site.hub.store.read() as tx:
        feed = _feeds(visit, tx).get(name)
        if feed is None:
            raise PageRefused(404, _NO_FEED)
        values: dict[str, Any] = {
            "feed": feed,
            "order": orders.find(tx, name),
            "actions": orders.ACTIONS,
            "beat": heartbeats.last_beats(tx).get("schedule"),
            "runs": feed_state.last_runs_of(tx, name, _ROWS),
            "letters": feed_state.find_dead_letters(tx, name, limit=_ROWS),
            "verified": verifications.last_verifications(tx).get(name),
        }
    return visit.page("operator/feed.html", **values)


def order(visit: Visit, name: str) -> Response:
    """Order a run, a dry run or a retry from the schedule that has the feed."""
    action = next((known for known in orders.ACTIONS if known == visit.field("action")), None)
    if action is None:
        raise PageRefused(422, _NO_ORDER)

    def refuse_unknown(tx: Tx) -> None:
        if name not in _feeds(visit, tx):
            raise PageRefused(404, _NO_FEED)

    submit(visit, OrderFeed(feed=name, action=action), {OrderWaits: (409, _WAITS)}, check=refuse_unknown)
    return visit.go(f"/console/feeds/{name}")


def _feeds(visit: Visit, tx: Tx) -> dict[str, ShownFeed]:
    """Return all feeds by name, with the settings that have no secrets."""
    health, last = feed_state.health_of_feeds(tx), feed_state.last_runs(tx)
    configured = {str(table.get("name", "")): table for table in visit.site.settings.feeds}
    found = {}
    # Leases whose name begins with another character belong to the hub's own work.
    for name in sorted(name for name in {*configured, *health, *last} if name[:1].isalnum()):
        table = configured.get(name, {})
        when = table.get("every") or table.get("cron") or ""
        known = health.get(name) or FeedHealth(FeedState(name))
        found[name] = ShownFeed(name, str(table.get("connector", "")), str(when), known, last.get(name))
    return found


ROUTES = (
    Route("/partner/feeds", PARTNERS, show_own, tab=Tab(CONNECTION, 8, mark("Feeds"))),
    Route("/console/feeds", VIEWERS, show_all, tab=Tab(HUB, 1, mark("Feeds"))),
    Route("/console/feeds/<name>", VIEWERS, show_one),
    Route("/console/feeds/<name>/order", may_run(OrderFeed), order, methods=FORM),
)
