"""The pages of feeds: how each connector is, what a person orders of it, and what it set aside."""

from typing import Any, NamedTuple

from flask import Response

from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.store import feed_state
from server.store.database.engine import Tx
from server.store.feed_orders import orders
from server.store.feed_orders.orders import OrderWaits
from server.store.feed_state import FeedHealth, FeedRun, FeedState
from server.store.liveness import heartbeats, verifications

_NO_FEED = mark("There is no such feed.")
_NO_ORDER = mark("Choose what the feed is to do.")
_WAITS = mark("An order for this feed is not done yet. Wait for its end.")
_ROWS = 50


class ShownFeed(NamedTuple):
    """A feed as the list shows it: its settings, as far as this process has them, its health and its last run."""

    name: str
    connector: str
    when: str
    health: FeedHealth
    last: FeedRun | None


def show_all(visit: Visit) -> Response:
    """Show every feed that is configured here, or ever ran."""
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
    """Order a run, a dry run or a retry, which the schedule that has the feed carries out."""
    action = next((known for known in orders.ACTIONS if known == visit.field("action")), None)
    if action is None:
        raise PageRefused(422, _NO_ORDER)
    user = visit.known_user
    try:
        with visit.site.hub.store.begin() as tx:
            if name not in _feeds(visit, tx):
                raise PageRefused(404, _NO_FEED)
            orders.give(tx, name, action, user.name)
            note(tx, "ORDER", f"feed-{action}", user, name)
    except OrderWaits:
        raise PageRefused(409, _WAITS) from None
    return visit.go(f"/console/feeds/{name}")


def _feeds(visit: Visit, tx: Tx) -> dict[str, ShownFeed]:
    """Return all feeds by name; of the settings only what has no secret."""
    health, last = feed_state.health_of_feeds(tx), feed_state.last_runs(tx)
    configured = {str(table.get("name", "")): table for table in visit.site.settings.feed}
    found = {}
    # Leases that begin otherwise are of the hub's own work.
    for name in sorted(name for name in {*configured, *health, *last} if name[:1].isalnum()):
        table = configured.get(name, {})
        when = table.get("every") or table.get("cron") or ""
        known = health.get(name) or FeedHealth(FeedState(name))
        found[name] = ShownFeed(name, str(table.get("connector", "")), str(when), known, last.get(name))
    return found
