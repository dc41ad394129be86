"""What is known about a value: its kind and normal form, who reports it, who saw it, and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.refang import refang
from server.release.route.policy import FULL, PUBLIC
from server.store import collections, inbox, listings, log, value_index
from server.store.engine import Tx
from server.store.item import Item


@dataclass(frozen=True)
class KnownValue:
    """One reading of a value: as which kind, in which normal form, and the latest versions of what speaks of it.

    ``indicators`` are partners' own; ``listings`` what the hub says of it, to members where it does, or last
    said.
    """

    kind: str
    value: str
    indicators: list[dict[str, Any]] = field(default_factory=list)
    listings: list[dict[str, Any]] = field(default_factory=list)
    sightings: list[dict[str, Any]] = field(default_factory=list)
    opinions: list[dict[str, Any]] = field(default_factory=list)


def lookup(tx: Tx, raw: str) -> list[KnownValue]:
    """Give what the hub knows about a value in any spelling, under each kind that it is known as.

    What is not known is named as the kind that it looks like, else as each that takes it. Raises ``Rejected`` where it
    is a value of no kind.
    """
    found = []
    plain = refang(raw)
    for kind, value in _readings(plain):
        name = value_index.subject_of(kind, value)
        keys, listed = value_index.find(tx, [name]).get(name, set()), listings.ids(tx, name)
        indicators = inbox.latest(tx, keys)
        of_each = value_index.find(tx, keys | listed)
        speaking = inbox.latest(tx, {each for about in of_each.values() for each in about})
        said = [msgspec.json.decode(item.body) for item in speaking.values() if not item.revoked]
        found.append(
            KnownValue(
                kind,
                value,
                [msgspec.json.decode(item.body) for item in indicators.values()],
                _listings(tx, listed),
                [each for each in said if each["type"] == "sighting"],
                [each for each in said if each["type"] == "opinion"],
            )
        )
    known = [one for one in found if one.indicators or one.listings]
    return known or [one for one in found if kinds.get(one.kind).recognises(plain)] or found


def is_active(indicator: dict[str, Any], at: datetime) -> bool:
    """Tell whether a reader acts on the indicator at that time."""
    if indicator.get("revoked"):
        return False
    end = indicator.get("valid_until")
    return end is None or timestamp.parse(end) > at


def _listings(tx: Tx, ids: set[str]) -> list[dict[str, Any]]:
    """Give what stands under these ids in the members' room, which knows more than ``public``, else in another.

    What was taken back there is given where no other room has it still.
    """
    if not ids:
        return []
    own = {number for rooms in collections.private_collections_of(tx, ids).values() for number in rooms}
    rooms = [each for each in collections.all_collections(tx) if each.kind == "released" or each.number in own]
    rooms.sort(key=lambda each: (each.kind == "private", each.alias == PUBLIC, each.number))
    found: dict[str, Item] = {}
    for room in rooms:
        if not room.alias.endswith(FULL):
            for id_, item in log.latest(tx, room, ids).items():
                if id_ not in found or (found[id_].revoked and not item.revoked):
                    found[id_] = item
    return [msgspec.json.decode(found[id_].body) for id_ in sorted(found)]


def _readings(value: str) -> Iterator[tuple[str, str]]:
    """Give each kind that takes the value; kinds that need a word of help (a country, a bank) take it only so."""
    refusals = []
    taken = False
    for kind in kinds.every().values():
        try:
            normal = kind.normalise(value)
            taken = True
            if kinds.actual_kind(kind, value) is kind:
                yield kind.name, normal.value
        except Rejected as refusal:
            refusals.append(f"{kind.name}: {refusal.message}")
    if not taken:
        raise Rejected("not-a-value", "; ".join(refusals))
