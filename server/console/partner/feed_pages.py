"""The page of a partner's feeds: how far it has read each collection, and how what the hub runs for it is doing."""

from typing import NamedTuple

from flask import Response

from schemas.partner import Partner
from server.console.partner.own import own_partner
from server.console.visit import Visit
from server.console.words import Translatable, mark
from server.store import audit, collections, deliveries, feed_state, read_progress
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.feed_state import Breaker
from server.store.reads import read_steps
from server.store.reads.read_steps import ReadStep

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_MOST_FEEDS = 50
_STATES: dict[Breaker, Translatable] = {
    "closed": mark("Works"),
    "open": mark("Your side does not answer: the hub waits, and tries again by itself"),
    "half-open": mark("Your side did not answer: the next run is a trial"),
    "stopped": mark("Stopped: address, login or permission are wrong. Ask the operator"),
}


class ReadCollection(NamedTuple):
    """A collection that the partner may read: when it last asked, None for never, and how far behind it is (seconds).

    ``remote`` is the address of the last request, "" where it is not known; ``step`` the last that read further, None
    for none.
    """

    collection: Collection
    asked: int | None
    behind: float | None
    remote: str
    step: ReadStep | None


class RunFeed(NamedTuple):
    """A feed that the hub runs for the partner: what it does, its state, and its last run; without causes inside.

    ``status`` is that of the partner's answer by HTTP that ended the last run, None for none; ``retry_at`` when the hub
    tries again (microseconds), 0 where nothing failed.
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


def show(visit: Visit) -> Response:
    """Show the partner's collections with its lag behind each, and the feeds that the hub runs for it."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        read = _read(tx, partner)
        feeds = [_feed(tx, *named) for named in _feeds(visit, tx, partner)]
    return visit.page("partner/feeds.html", partner=partner, read=read, feeds=feeds)


def _read(tx: Tx, partner: Partner) -> list[ReadCollection]:
    rights = collections.rights(tx, partner.name)
    mine = [found for found in collections.all_collections(tx) if rights.get(found.id, (False, False))[0]]
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
    """Return the address of the last request, "" where the audit trail has it no more."""
    reads = [] if asked is None else audit.reads(tx, partner.name, collection.id, asked - _MINUTE, asked + _SECOND, 10)
    return reads[-1].event.remote if reads else ""


def _feeds(visit: Visit, tx: Tx, partner: Partner) -> list[tuple[str, bool, str]]:
    """Return the partner's feeds by the configuration, and by what was delivered, each with whether it is a push."""
    found: dict[str, tuple[str, bool, str]] = {}
    for table in visit.site.settings.feed:
        name, mine = str(table.get("name", "")), partner.name
        if table.get("partner") == mine or table.get("contribute_as") == mine:
            found[name] = (name, table.get("partner") == mine, str(table.get("collection", "")))
    for name, to in deliveries.recipients(tx):
        if to == partner.name:
            found.setdefault(name, (name, True, ""))
    return sorted(found.values())[:_MOST_FEEDS]


def _feed(tx: Tx, name: str, is_push: bool, collection: str) -> RunFeed:
    health, last = feed_state.health_of(tx, name), feed_state.last_run(tx, name)
    return RunFeed(
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
