"""The answer of a check: what the copies of all hubs and collections know of one value, merged.

The strongest grade counts. A listing in a copy that is too old counts for a step-up at most, and neither blocks nor
holds. The hold that ends last is shown, and a dispute anywhere is shown.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from schemas import kinds
from schemas.api.lookup import ListedHold, Listing, RefusedValue
from schemas.vocabulary import Action

STRENGTH: Mapping[Action, int] = {action: place for place, action in enumerate(Action)}
_STALE_AT_MOST = Action.STEP_UP


class HubListing(Listing, frozen=True, kw_only=True, omit_defaults=True):
    """One listing of a value, and the copy that has it: its hub, how current it is, and whether it is too old."""

    hub: str
    as_of: str | None
    stale: bool


class CheckedValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer about one value: that of ``POST /api/lookup``, and what a payment needs beside it.

    ``action`` is the configured word for the grade; that of ``none`` where nothing is known, of ``error`` for a text
    that is no value. ``sandbox``: the value is listed to rehearse with alone; it is ``found``, and graded, by a copy
    that rehearses, and by no other. ``stale``: the answer rests on a copy that is too old or not whole; ``grade`` is
    then never ``block``. ``as_of`` is the time up to which every copy that was asked is current. ``cache_seconds`` is
    0: the copy is asked as fast as a cache.
    """

    value: str
    kind: str | None
    normal: str | None = None
    found: bool
    error: RefusedValue | None = None
    grade: Action | None = None
    action: str
    confidence: int | None = None
    hold: ListedHold | None = None
    valid_until: str | None = None
    disputed: bool
    collections: tuple[str, ...]
    hubs: tuple[str, ...]
    as_of: str | None
    stale: bool
    listings: tuple[HubListing, ...]
    cache_seconds: int
    sandbox: bool = False


class CheckAnswer(msgspec.Struct, frozen=True):
    """The answers in the order in which the values were asked; ``as_of`` is that of the oldest copy."""

    as_of: str | None
    stale: bool
    results: list[CheckedValue]


class MergedListings(NamedTuple):
    """The listings of one value, merged into one answer."""

    grade: Action
    stale: bool
    confidence: int | None
    hold: ListedHold | None
    valid_until: str | None
    disputed: bool
    collections: tuple[str, ...]
    hubs: tuple[str, ...]


def merge(kind: str, found: Sequence[HubListing]) -> MergedListings:
    """Return what listings of one value, at least one, come to; they are as ``in_order`` returns them.

    The strongest grade of those in current copies counts, unless one in an older copy is stronger even after it was
    lowered; then the answer is stale. Confidence and end are those of the listing that counts; of several with one
    grade, of the one that is surest and then ends last.
    """
    first = found[0]
    if len(found) == 1:
        grade = lowered(kind, first.grade) if first.stale else first.grade
        only = (first.collection,), (first.hub,)
        return MergedListings(
            grade,
            first.stale,
            first.confidence,
            None if first.stale else first.hold,
            first.valid_until,
            first.disputed,
            *only,
        )
    return MergedListings(
        lowered(kind, first.grade) if first.stale else first.grade,
        first.stale,
        first.confidence,
        max((held.hold for held in found if held.hold and not held.stale), key=lambda hold: hold.until, default=None),
        first.valid_until,
        any(held.disputed for held in found),
        tuple(dict.fromkeys([held.collection for held in found])),
        tuple(dict.fromkeys([held.hub for held in found])),
    )


def counting(found: list[HubListing], *, rehearses: bool) -> list[HubListing]:
    """Return the listings that count: those of a sandbox only for who rehearses, and nowhere beside a real one."""
    if not any(held.sandbox for held in found):
        return found
    return [held for held in found if not held.sandbox] or (found if rehearses else [])


def in_order(kind: str, found: list[HubListing]) -> list[HubListing]:
    """Return listings of one value, the one that counts first."""
    return found if len(found) == 1 else sorted(found, key=partial(_rank, kind))


def lowered(kind: str, grade: Action) -> Action:
    """Return the grade that a listing in an old copy counts for: a step-up at most, a warning where that is none."""
    if STRENGTH[grade] >= STRENGTH[_STALE_AT_MOST]:
        return grade
    grades = kinds.get(kind).grades
    return next((weaker for weaker in grades if STRENGTH[weaker] >= STRENGTH[_STALE_AT_MOST]), grades[-1])


def _rank(kind: str, held: HubListing) -> tuple[int, bool, int, str]:
    """Return the place of a listing among all of a value: the first one counts."""
    grade = lowered(kind, held.grade) if held.stale else held.grade
    end = "" if held.valid_until is None else _descending(held.valid_until)
    return STRENGTH[grade], held.stale, -(held.confidence or 0), end


def _descending(text: str) -> str:
    return "".join(chr(0x10FFFF - ord(letter)) for letter in text)
