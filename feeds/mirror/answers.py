"""The answer of a check: what the copies of all hubs and collections know of one value, merged.

The strongest grade counts. A listing in a copy that is too old counts for a step-up at most, and never blocks. The hold
that ends last is shown, and a dispute anywhere is shown.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas import kinds
from schemas.lookup import ListedHold, Listing, RefusedValue
from schemas.vocabulary import Action

STRENGTH: Mapping[Action, int] = {action: place for place, action in enumerate(Action)}
_STALE_AT_MOST = Action.STEP_UP


class HubListing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One listing of a value, and the copy that has it: its hub, how current it is, and whether it is too old."""

    hub: str
    as_of: str | None
    stale: bool
    listing: Listing


class CheckedValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer about one value: that of ``POST /api/lookup``, and what a payment needs beside it.

    ``action`` is the configured word for the grade; that of ``none`` where nothing is known, of ``error`` for a text
    that is no value. ``stale``: the answer rests on a copy that is too old or not whole; ``grade`` is then never
    ``block``. ``as_of`` is the time up to which every copy that was asked is current.
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
    collections: tuple[str, ...] = ()
    hubs: tuple[str, ...] = ()
    as_of: str | None
    stale: bool
    listings: tuple[Listing, ...] = ()
    cache_seconds: int = 0


class MergedListings(NamedTuple):
    """What listings of one value come to."""

    grade: Action
    stale: bool
    confidence: int | None
    hold: ListedHold | None
    valid_until: str | None
    disputed: bool
    collections: tuple[str, ...]
    hubs: tuple[str, ...]


def merge(kind: str, found: Sequence[HubListing]) -> MergedListings:
    """Return what listings of one value, at least one, come to.

    The strongest grade of those in current copies counts, unless one in an older copy is stronger even after it was
    lowered; then the answer is stale. Confidence and end are those of the listing that counts; of several with one
    grade, of the one that is surest and then ends last.
    """
    graded = sorted(((_rank(kind, held), held) for held in found), key=lambda pair: pair[0])
    rank, strongest = graded[0]
    listing = strongest.listing
    if len(graded) == 1:
        return MergedListings(
            listing.grade if not strongest.stale else lowered(kind, listing.grade),
            strongest.stale,
            listing.confidence,
            listing.hold,
            listing.valid_until,
            listing.disputed,
            (listing.collection,),
            (strongest.hub,),
        )
    holds = [held.listing.hold for held in found if held.listing.hold is not None]
    return MergedListings(
        lowered(kind, listing.grade) if strongest.stale else listing.grade,
        bool(rank[1]),
        listing.confidence,
        max(holds, key=lambda hold: hold.until, default=None),
        listing.valid_until,
        any(held.listing.disputed for held in found),
        tuple(dict.fromkeys(held.listing.collection for held in found)),
        tuple(dict.fromkeys(held.hub for held in found)),
    )


def lowered(kind: str, grade: Action) -> Action:
    """Return the grade that a listing in an old copy counts for: a step-up at most, a warning where that is none."""
    if STRENGTH[grade] >= STRENGTH[_STALE_AT_MOST]:
        return grade
    grades = kinds.get(kind).grades
    return next((weaker for weaker in grades if STRENGTH[weaker] >= STRENGTH[_STALE_AT_MOST]), grades[-1])


def _rank(kind: str, held: HubListing) -> tuple[int, bool, int, str]:
    """Return the place of a listing among all of a value: the first one counts."""
    listing = held.listing
    grade = lowered(kind, listing.grade) if held.stale else listing.grade
    end = "" if listing.valid_until is None else _descending(listing.valid_until)
    return STRENGTH[grade], held.stale, -(listing.confidence or 0), end


def _descending(text: str) -> str:
    return "".join(chr(0x10FFFF - ord(letter)) for letter in text)
