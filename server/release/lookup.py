"""What is known about a value: its kind and normal form, who reports it, who saw it, and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.refang import refang
from server.store import collections, log, mentions
from server.store.store import Tx


@dataclass(frozen=True)
class Known:
    """One reading of a value: as which kind, in which normal form, and the latest versions of what speaks of it."""

    kind: str
    value: str
    indicators: list[dict[str, Any]] = field(default_factory=list)
    sightings: list[dict[str, Any]] = field(default_factory=list)
    opinions: list[dict[str, Any]] = field(default_factory=list)


def lookup(tx: Tx, raw: str) -> list[Known]:
    """Give what the hub knows about a value in any spelling, under each kind that it is known as.

    What is not known is named as the kind that it looks like, else as each that takes it. Raises ``Rejected`` where it
    is a value of no kind.
    """
    inbox = collections.get(tx, "inbox")
    found = []
    plain = refang(raw)
    for kind, value in _readings(plain):
        name = mentions.subject(kind, value)
        indicators = log.latest(tx, inbox, mentions.of(tx, [name]).get(name, set()))
        of_each = mentions.of(tx, indicators)
        speaking = log.latest(tx, inbox, {each for ids in of_each.values() for each in ids})
        said = [msgspec.json.decode(item.body) for item in speaking.values() if not item.revoked]
        found.append(
            Known(
                kind,
                value,
                [msgspec.json.decode(item.body) for item in indicators.values()],
                [each for each in said if each["type"] == "sighting"],
                [each for each in said if each["type"] == "opinion"],
            )
        )
    known = [one for one in found if one.indicators]
    return known or [one for one in found if kinds.get(one.kind).recognises(plain)] or found


def active(indicator: dict[str, Any], at: datetime) -> bool:
    """Tell whether a reader acts on the indicator at that time."""
    if indicator.get("revoked"):
        return False
    end = indicator.get("valid_until")
    return end is None or timestamp.parse(end) > at


def _readings(value: str) -> Iterator[tuple[str, str]]:
    """Give each kind that takes the value; kinds that need a word of help (a country, a bank) take it only so."""
    refusals = []
    taken = False
    for kind in kinds.every().values():
        try:
            yield kind.name, kind.normalise(value).value
            taken = True
        except Rejected as refusal:
            refusals.append(f"{kind.name}: {refusal.message}")
    if not taken:
        raise Rejected("not-a-value", "; ".join(refusals))
