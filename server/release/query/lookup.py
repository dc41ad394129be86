"""Look a value up: its kind and normal form, its reports and listings, sightings and outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from schemas import kinds, timestamp
from schemas.refang import refang
from server.release.route.policy import FULL, PUBLIC
from server.store import collections, inbox, listings, log, value_index
from server.store.database.engine import Tx
from server.store.item import Item


@dataclass(frozen=True)
class KnownValue:
    """One reading of a value: its kind, its normal form, and the latest versions of all objects about it.

    ``indicators`` are the partners' own, ``listings`` the hub's.
    """

    kind: str
    value: str
    indicators: list[dict[str, Any]] = field(default_factory=list)
    listings: list[dict[str, Any]] = field(default_factory=list)
    sightings: list[dict[str, Any]] = field(default_factory=list)
    opinions: list[dict[str, Any]] = field(default_factory=list)


def lookup(tx: Tx, raw: str) -> list[KnownValue]:
    """Return what the hub knows about a value in any spelling, under each kind that it is known as.

    A value that is not known is named as the kind that it looks like, else as each that takes it. Raises ``Rejected``
    for a value of no kind.
    """
    found = []
    plain = refang(raw)
    for kind, value in _readings(plain):
        name = value_index.subject_of(kind, value)
        keys, listed = value_index.find(tx, [name]).get(name, set()), listings.ids(tx, name)
        indicators = inbox.latest(tx, keys)
        mentioned_by = value_index.find(tx, keys | listed)
        mentioning = inbox.latest(tx, {key for keys_of_id in mentioned_by.values() for key in keys_of_id})
        annotations = [msgspec.json.decode(item.body) for item in mentioning.values() if not item.revoked]
        found.append(
            KnownValue(
                kind,
                value,
                [msgspec.json.decode(item.body) for item in indicators.values()],
                _listings(tx, listed),
                [obj for obj in annotations if obj["type"] == "sighting"],
                [obj for obj in annotations if obj["type"] == "opinion"],
            )
        )
    known = [reading for reading in found if reading.indicators or reading.listings]
    return known or [reading for reading in found if kinds.get(reading.kind).recognises(plain)] or found


def subjects(tx: Tx, raws: Iterable[str]) -> set[str]:
    """Return the subjects of values in any spelling, each as what ``lookup`` returns it as.

    Raises ``Rejected`` for a value of no kind.
    """
    readings = {raw: _readings(refang(raw)) for raw in raws}
    names = {value_index.subject_of(*reading) for found in readings.values() for reading in found}
    known = value_index.find(tx, names).keys() | listings.find(tx, names).keys()
    meant: set[str] = set()
    for raw, found in readings.items():
        plain = refang(raw)
        reported = {name for reading in found if (name := value_index.subject_of(*reading)) in known}
        recognised = [reading for reading in found if kinds.get(reading[0]).recognises(plain)]
        meant |= reported or {value_index.subject_of(*reading) for reading in recognised or found}
    return meant


def is_active(indicator: dict[str, Any], at: datetime) -> bool:
    """Return whether a reader acts on the indicator at that time."""
    if indicator.get("revoked"):
        return False
    end = indicator.get("valid_until")
    return end is None or timestamp.parse(end) > at


def _listings(tx: Tx, ids: set[str]) -> list[dict[str, Any]]:
    """Return the listings of these ids from the collection that knows most: a shared one before ``public``.

    A revoked listing is returned where no other collection has it unrevoked.
    """
    if not ids:
        return []
    private = {number for numbers in log.private_collections_of(tx, ids).values() for number in numbers}
    listing = [
        collection
        for collection in collections.all_collections(tx)
        if collection.kind == "released" or collection.number in private
    ]
    listing.sort(key=lambda collection: (collection.kind == "private", collection.alias == PUBLIC, collection.number))
    found: dict[str, Item] = {}
    for collection in listing:
        if not collection.alias.endswith(FULL):
            for id_, item in log.latest(tx, collection, ids).items():
                if id_ not in found or (found[id_].revoked and not item.revoked):
                    found[id_] = item
    return [msgspec.json.decode(found[id_].body) for id_ in sorted(found)]


def _readings(text: str) -> list[tuple[str, str]]:
    """Return each kind that a value is stored as, with its normal form. Raises ``Rejected`` where no kind takes it."""
    _, plain = kinds.split(text)
    return [(kind.name, value) for kind, value in kinds.taken_by(text) if kinds.actual_kind(kind, plain) is kind]
