"""What is known about a value: its kind and normal form, who reports it, and who saw it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.refang import refang
from server.release.contribute import subject
from server.store import collections, log, mentions
from server.store.store import Tx


@dataclass(frozen=True)
class Known:
    """One reading of a value: as which kind, in which normal form, and the latest versions of what speaks of it."""

    kind: str
    value: str
    indicators: list[dict[str, Any]] = field(default_factory=list)
    sightings: list[dict[str, Any]] = field(default_factory=list)


def lookup(tx: Tx, raw: str) -> list[Known]:
    """Give what the hub knows about a value in any spelling, under each kind that it may be of.

    Raises ``Rejected`` where it is a value of no kind.
    """
    inbox = collections.get(tx, "inbox")
    found = []
    for kind, value in _readings(raw):
        name = subject(kind, value)
        indicators = log.latest(tx, inbox, mentions.of(tx, [name]).get(name, set()))
        of_each = mentions.of(tx, indicators)
        sightings = log.latest(tx, inbox, {each for ids in of_each.values() for each in ids})
        bodies = [[msgspec.json.decode(item.body) for item in items.values()] for items in (indicators, sightings)]
        found.append(Known(kind, value, *bodies))
    return found


def active(indicator: dict[str, Any], at: datetime) -> bool:
    """Tell whether a reader acts on the indicator at that time."""
    if indicator.get("revoked"):
        return False
    end = indicator.get("valid_until")
    return end is None or timestamp.parse(end) > at


def _readings(raw: str) -> Iterator[tuple[str, str]]:
    """Give each kind that takes the value; kinds that need a word of help (a country, a bank) take it only so."""
    value = refang(raw)
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
