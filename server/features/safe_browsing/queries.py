"""The collections whose listings a reader may ask about by hash prefix, and the changes of their listings."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, or_, select

from server.features.safe_browsing.expressions import KINDS
from server.store import subjects
from server.store.database.engine import Tx
from server.store.item import PLAIN
from server.store.objects import bodies, object_ids
from server.store.tables import collections, grants, objects

_FULL, _RELEASED = "-full", "released"


class ListedCollection(NamedTuple):
    """A collection that a reader may ask about; one that ``is_own`` has the values that only this reader may read."""

    alias: str
    log: int
    is_own: bool


class ChangedListing(NamedTuple):
    """The newest version of an indicator: the halves of its id, its place, the kind and value that it names, its bytes.

    A revoked one, and one of another kind, has neither value nor bytes.
    """

    high: int
    low: int
    added: int
    kind: str
    value: str
    body: bytes


class ListingChanges(NamedTuple):
    """The changed indicators in a stretch of a log, the place where it ends, and whether more follow."""

    listings: list[ChangedListing]
    read_up_to: int
    more: bool


def readable(tx: Tx, partner: str) -> list[ListedCollection]:
    """Return the released collections that a partner may read, and its own, by alias. One of two variants is enough."""
    return _once(tx.execute(_READABLE, {"of_partner": partner}))


def public(tx: Tx, alias: str) -> list[ListedCollection]:
    """Return the released collection with that alias, or nothing."""
    return _once(tx.execute(_PUBLIC, {"of_alias": alias}))


def end(tx: Tx, log: int) -> int:
    """Return the place of the last entry of a log, 0 of an empty one."""
    found: int | None = tx.execute(_END, {"in_log": log}).scalar()
    return found or 0


def changes(tx: Tx, log: int, after: int, most: int) -> ListingChanges:
    """Return the indicators among the newest versions after a place of a log, at most ``most`` of them."""
    upto = end(tx, log)
    if upto <= after:
        return ListingChanges([], after, more=False)
    rows: list[Any] = list(tx.execute(_CHANGED, {"in_log": log, "after": after, "upto": upto, "rows": most}))
    names = subjects.names(tx, {row.value for row in rows if row.value is not None and not row.revoked})
    unpack = bodies.of(tx)
    found = []
    for row in rows:
        kind, _, value = names.get(row.value, "").partition(":")
        listed = not row.revoked and kind in KINDS
        body = unpack.first(tx, row.body) if listed else b""
        found.append(
            ChangedListing(row.id_high, row.id_low, row.date_added, *((kind, value) if listed else ("", "")), body)
        )
    more = len(rows) == most
    return ListingChanges(found, rows[-1].date_added if more else upto, more)


def _once(rows: Iterable[Any]) -> list[ListedCollection]:
    """Return each log once, under the alias without the suffix of the full variant."""
    found = {row.log: ListedCollection(row.alias.removesuffix(_FULL), row.log, row.kind != _RELEASED) for row in rows}
    return sorted(found.values())


_c, _o = collections.c, objects.c
_COLLECTION = select(_c.alias, _c.log, _c.kind).order_by(_c.part.desc())
_READABLE = _COLLECTION.join_from(grants, collections).where(
    grants.c.partner == bindparam("of_partner"), grants.c.can_read, or_(_c.kind == _RELEASED, _c.use == "for")
)
_PUBLIC = _COLLECTION.where(_c.alias == bindparam("of_alias"), _c.kind == _RELEASED)
_END = select(func.max(_c.last_added)).where(_c.log == bindparam("in_log"))
_CHANGED = (
    select(_o.id_high, _o.id_low, _o.date_added, _o.value, _o.revoked, _o.body)
    .where(
        _o.collection == bindparam("in_log"),
        _o.date_added > bindparam("after", type_=BigInteger),
        _o.date_added <= bindparam("upto", type_=BigInteger),
        _o.type == object_ids.type_number("indicator"),
        _o.latest.bitwise_and(PLAIN) > 0,
    )
    .order_by(_o.date_added)
    .limit(bindparam("rows", type_=BigInteger))
)
