"""The content of a selection: kinds, states, the collections that list its values, and the partners that read them."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, case, func, select

from server.features.incidents.records import SelectedReport, digest_of
from server.features.incidents.selection import Selection
from server.release.hold import states_of
from server.store import collections, inbox, partners, read_progress, subjects
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.objects import object_ids
from server.store.tables import objects

ACTIVE = "active"
_INDICATOR = object_ids.type_number("indicator")
# Readers of a collection that a summary names; it counts all.
_MOST_READERS = 100
_o = objects.c


class _Listed(NamedTuple):
    """Where the hub listed a value: the log of collections, the variants, when first, and whether still."""

    log: int
    parts: int
    first: int
    is_listed: bool


class SummarisedSelection(NamedTuple):
    """Selected reports with their digest, content, and number by partner."""

    reports: Sequence[SelectedReport]
    digest: bytes
    summary: dict[str, Any]
    partners: dict[str, int]


def summarise(tx: Tx, selection: Selection, owner: str | None = None) -> SummarisedSelection:
    """Return a selection with its summary, which names no value.

    For its ``owner``, a partner, ``listed_to_owner`` counts only what the collections list that it may read.
    """
    reports = selection.reports
    values = {report.subject for report in reports}
    held = states_of(tx, [report.key for report in reports])
    by_space = Counter(inbox.space(report.key) for report in reports)
    known = partners.load_registry(tx).by_space
    summary = {
        "values": len(values),
        "without_report": selection.without_report,
        "kinds": _most_first(Counter(subject.partition(":")[0] for subject in values)),
        "states": _most_first(Counter(held.get(report.key, ACTIVE) for report in reports)),
        "first": reports[0].received,
        "last": reports[-1].received,
        **_places(tx, values, Counter(report.subject for report in reports), owner),
    }
    by_partner = {known[space].name: number for space, number in by_space.items() if space in known}
    return SummarisedSelection(reports, digest_of(reports), summary, by_partner)


def _places(tx: Tx, values: Iterable[str], selected: Mapping[str, int], owner: str | None) -> dict[str, Any]:
    """Return the collections that list the values, with their readers, and the number of values that others report."""
    numbers = subjects.numbers(tx, values)
    listed: dict[int, list[_Listed]] = {}
    supported = 0
    names = {number: name for name, number in numbers.items()}
    for part in chunks(sorted(names)):
        for number, *place in tx.execute(_LISTED, {"numbers": part}):
            listed.setdefault(number, []).append(_Listed(*place))
        for number, count in tx.execute(_REPORTS, {"numbers": part}):
            supported += count > selected[names[number]]
    every = [place for places in listed.values() for place in places]
    return {
        "listed": sum(any(place.is_listed for place in places) for places in listed.values()),
        **({} if owner is None else {"listed_to_owner": _listed_to(tx, owner, listed.values())}),
        "supported": supported,
        "collections": _collections(tx, every),
    }


def _listed_to(tx: Tx, partner: str, listed: Iterable[Sequence[_Listed]]) -> int:
    """Return the number of values that a partner may read in a collection. Listings elsewhere are hidden from it."""
    parts: dict[int, int] = defaultdict(int)
    for collection in collections.readable(tx, partner):
        parts[collection.log] |= collection.part
    return sum(any(one.is_listed and one.parts & parts[one.log] for one in places) for places in listed)


def _collections(tx: Tx, places: Iterable[_Listed]) -> list[dict[str, Any]]:
    """Return the collections with present listings, and how many of all listings each reader has received."""
    by_log: dict[int, list[_Listed]] = defaultdict(list)
    for place in places:
        by_log[place.log].append(place)
    found = [collection for collection in collections.all_collections(tx) if collection.log in by_log]
    positions = read_progress.positions_of(tx, found)
    rows = []
    for collection in found:
        mine = [place for place in by_log[collection.log] if place.parts & collection.part]
        listed = sum(place.is_listed for place in mine)
        if listed:
            readers = _readers(tx, collection, mine, positions.get(collection.id, []))
            rows.append(
                {
                    "collection": collection.alias,
                    "is_private": collection.owner is not None,
                    "listings": listed,
                    "readers": len(readers),
                    "read": sum(1 for received in readers.values() if received),
                    "by_reader": dict(list(readers.items())[:_MOST_READERS]),
                }
            )
    return sorted(rows, key=lambda row: (row["is_private"], row["collection"]))


def _readers(
    tx: Tx, collection: Collection, places: Sequence[_Listed], positions: Iterable[read_progress.ReadPosition]
) -> dict[str, int]:
    """Return the number of the listings that each reader has received, the most first."""
    first = sorted(place.first for place in places)
    received = dict.fromkeys(collections.readers(tx, collection), 0)
    for position in positions:
        if position.partner in received:
            received[position.partner] = bisect_right(first, position.read_up_to)
    return _most_first(received)


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))


_IS_LISTED = case(((_o.latest > 0) & ~_o.revoked, 1), else_=0)
_LISTED = (
    select(_o.value, _o.collection, _o.parts, func.min(_o.date_added), func.max(_IS_LISTED))
    .where(among(_o.value, "numbers", BigInteger), _o.value.is_not(None), _o.space == 0, _o.type == _INDICATOR)
    .group_by(_o.value, _o.collection, _o.parts)
)
_REPORTS = (
    select(_o.value, func.count())
    .where(among(_o.value, "numbers", BigInteger), _o.value.is_not(None), _o.space > 0)
    .where(_o.type == _INDICATOR, _o.latest > 0, ~_o.revoked)
    .group_by(_o.value)
)
