"""Look up a value: its kind and normal form, its reports and listings, sightings and outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from schemas import kinds, timestamp
from schemas.api.lookup import aliases_of_phone
from schemas.refang import refang
from schemas.site import host_asked, parents_of
from server.release.route.policy import FULL, PUBLIC
from server.store import collections, inbox, listings, log, value_index
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.item import Item
from server.store.objects import host_pages


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
    sites: list["KnownSite"] = field(default_factory=list)
    pages: list["KnownPage"] = field(default_factory=list)
    more_pages: bool = False


class KnownSite(NamedTuple):
    """A domain above a value, or the IP address in a URL, with its listings; see ``schemas.site``."""

    kind: str
    value: str
    listings: list[dict[str, Any]]


class KnownPage(NamedTuple):
    """A listed page of a host: its URL, and its newest listing."""

    url: str
    listing: dict[str, Any]


def lookup(tx: Tx, raw: str, country: str = "") -> list[KnownValue]:
    """Return what the hub knows about a value in any spelling, for each kind under which it is known.

    ``country`` is the default for a value that cannot be read without one. An unknown value gets the kinds that it
    looks like, or else every kind that accepts it. Raises ``Rejected`` for a value of no kind.
    """
    found = []
    plain = refang(raw)
    for kind, value in asked_about(plain, country):
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
                _sites(tx, kind, value),
                *_pages(tx, kind, value),
            )
        )
    known = [reading for reading in found if reading.indicators or reading.listings]
    return known or [reading for reading in found if kinds.get(reading.kind).recognises(plain)] or found


def _sites(tx: Tx, kind: str, value: str) -> list[KnownSite]:
    """Return the domains above a value that are or were listed, the nearest first."""
    parents = parents_of(kind, value)
    found = [(parent, _listings(tx, listings.ids(tx, parent.name))) for parent in parents]
    return [KnownSite(parent.kind, parent.value, listed) for parent, listed in found if listed]


def _pages(tx: Tx, kind: str, value: str) -> tuple[list[KnownPage], bool]:
    """Return the newest listed pages of the host of a value, and whether there are others."""
    host = host_asked(kind, value)
    if host is None:
        return [], False
    logs = {
        collection.log: collection.part for collection in collections.all_collections(tx) if _has_listings(collection)
    }
    found = host_pages.newest(tx, [host], logs).get(host)
    if found is None:
        return [], False
    pages = [KnownPage(page.url, msgspec.json.decode(page.body)) for page in found.pages if page.url != value]
    return pages, found.more


def _has_listings(collection: Collection) -> bool:
    return collection.kind == "released" or collection.use in ("for", "accounts")


def subjects(tx: Tx, raws: Iterable[str], country: str = "") -> set[str]:
    """Return the subjects of values in any spelling, consistent with ``lookup``.

    Raises ``Rejected`` for a value of no kind.
    """
    readings = {raw: _readings(refang(raw), country) for raw in raws}
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
    """Return the listings with these ids from the collection with most details: a shared one before ``public``.

    A revoked listing is returned only if no other collection has an active version.
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


def _readings(text: str, country: str) -> list[tuple[str, str]]:
    """Return each kind that a value is stored as, with its normal form. Raises ``Rejected`` if no kind accepts it."""
    _, plain = kinds.split(text)
    taken = kinds.taken_by(text, country)
    return [(kind.name, value) for kind, value in taken if kinds.actual_kind(kind, plain) is kind]


def asked_about(text: str, country: str) -> list[tuple[str, str]]:
    """Return the kinds and normal forms under which a text is looked up: a telephone number also as a payment alias.

    Raises ``Rejected`` if no kind accepts it.
    """
    found = _readings(text, country)
    numbers = [value for kind, value in found if kind == "phone" and kinds.split(text)[0] is None]
    return found + [(alias.kind, alias.normal) for number in numbers for alias in aliases_of_phone(number)]


def active_reports(tx: Tx, subject: str) -> dict[str, int]:
    """Return the keys of the active reports of a value, with the moment of the newest version of each."""
    keys = {key for key in value_index.find(tx, [subject]).get(subject, ()) if _is_report(key)}
    return {key: item.version or 0 for key, item in inbox.latest(tx, keys).items() if not item.revoked}


def _is_report(key: str) -> bool:
    return inbox.object_id(key).startswith("indicator--")
