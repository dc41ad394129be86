"""The clearance statement: a value is not listed since a time. It says nothing about why it was listed, or where."""

from collections.abc import Iterable
from typing import Any

import msgspec

from schemas import timestamp
from schemas.api.lookup import ValueReading
from server.release.route.policy import PUBLIC
from server.store import collections, hub_identity, listings, log
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import micros, now, stamp
from server.store.item import PLAIN, Item
from server.store.objects.query import Query

TYPE = "scamfeed-clearance/1"
# Listings of one value that are looked at.
_MOST = 1_000


class NotCleared(Exception):
    """There is nothing to state: the value is listed, or no listing of it was ever delisted."""


def clearance(tx: Tx, value: ValueReading, *, public: bool) -> dict[str, Any]:
    """Return the statement that a value is not listed at this hub, or with ``public`` not in its public list.

    Raises ``NotCleared``.
    """
    ids = sorted(listings.ids(tx, value.name))[:_MOST]
    ends = [end for collection in _lists(tx, public=public) for end in _ends(tx, collection, ids)]
    if not ends:
        raise NotCleared
    hub = hub_identity.load(tx)
    return {
        "type": TYPE,
        "hub": {"id": hub.identity, "name": hub.name},
        "value": {"kind": value.kind, "value": value.normal},
        "scope": "public" if public else "hub",
        "not_listed_since": stamp(max(ends)),
        "made": stamp(now()),
    }


def _lists(tx: Tx, *, public: bool) -> list[Collection]:
    """Return the collections that the statement is about."""
    every = [found for found in collections.all_collections(tx) if found.filled_by_release and found.part == PLAIN]
    return [found for found in every if found.alias == PUBLIC] if public else every


def _ends(tx: Tx, collection: Collection, ids: Iterable[str]) -> list[int]:
    """Return when listings ended in a collection, if one was delisted. Raises ``NotCleared`` if one is active."""
    found = log.latest(tx, collection, ids)
    if not any(item.revoked for item in found.values()):
        if any(_valid_until(item) > now() for item in found.values()):
            raise NotCleared
        return []
    asked = Query(limit=_MOST, ids=tuple(found))
    added = {record.id: record.date_added for record in log.manifest(tx, collection, asked).records}
    ends = [added.get(id_, 0) if item.revoked else _valid_until(item) for id_, item in found.items()]
    if max(ends) > now():
        raise NotCleared
    return ends


def _valid_until(item: Item) -> int:
    return micros(timestamp.parse(msgspec.json.decode(item.body)["valid_until"]))
