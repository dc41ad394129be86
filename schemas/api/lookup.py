"""Look-ups: the values that are asked about, how each is read, and the answer.

The server answers ``POST /api/lookup`` in this form, and so does a partner's own copy.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.refang import refang
from schemas.report import MAX_VALUE
from schemas.vocabulary import Action

MOST_VALUES = 1_000
_LONGEST_DETAIL = 200
_RUN = re.compile(r"[^\w\x00-\x7f]{31}")
_ACTIONS: Mapping[str, Action] = {action.value: action for action in Action}
_STRENGTH: Mapping[str, int] = {action: place for place, action in enumerate(_ACTIONS)}


class LookupQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value in any spelling that a report may have; ``details`` are the columns of its kind, as ``bank``."""

    value: str
    kind: str | None = None
    details: dict[str, str] = {}


class LookupRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The values of one request."""

    values: Annotated[list[LookupQuestion], msgspec.Meta(min_length=1, max_length=MOST_VALUES)]


class ListedHold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The amount of money to hold, all of it where there is no ``amount``; it ends at ``until`` by itself."""

    amount: str | None = None
    currency: str | None = None
    until: str


class ListedReferral(msgspec.Struct, frozen=True):
    """The organisation that protects a holder who acts under coercion, and how to reach it."""

    organisation: str
    contact: str


class Listing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value's listing in one collection, by its alias; times are as STIX writes them.

    ``grade`` is the strongest action that readers may take. ``reporters`` is missing where no hub has counted them, and
    ``valid_until`` where the indicator has no end. ``sandbox``: it is synthetic, to rehearse with; no hub answers with
    such a one.
    """

    collection: str
    id: str
    grade: Action
    confidence: int | None = None
    reporters: int | None = None
    reporter_kinds: tuple[str, ...]
    scam_type: str
    holder_status: str | None = None
    disputed: bool
    hold: ListedHold | None = None
    referral: ListedReferral | None = None
    valid_until: str | None = None
    modified: str
    tlp: str
    sandbox: bool = False


class RefusedValue(msgspec.Struct, frozen=True):
    """The reason why a text is no value, as a code, and the rule that it breaks."""

    reason: str
    message: str


class LookupResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer about one value, which may be kept for ``cache_seconds``.

    ``normal`` is the normal form of ``value``, which is as it was asked. ``grade`` is the strongest of the listings.
    """

    value: str
    kind: str | None
    normal: str | None = None
    found: bool
    error: RefusedValue | None = None
    grade: Action | None = None
    listings: tuple[Listing, ...]
    cache_seconds: int


class LookupAnswer(msgspec.Struct, frozen=True):
    """The results in the order in which the values were asked; they hold ``as_of`` that time."""

    as_of: str
    results: list[LookupResult]


class ValueReading(NamedTuple):
    """A value as one kind reads it; all spellings of one thing have one ``name``, in whichever kind."""

    kind: str
    normal: str
    name: str


def readings(value: str, kind: str | None = None, details: Mapping[str, str] = NO_DETAILS) -> list[ValueReading]:
    """Return the ways to read a value that is written as in a report; one where its kind is named.

    The kind may stand before the value, as in ``phone:+66812345678``. Without one it is read as each kind that
    ``details`` belong to, else as each that it looks like, else as each that takes it. Raises ``Rejected``.
    """
    if len(value) > MAX_VALUE:
        raise Rejected("bad-value", f"value: longer than {MAX_VALUE} characters: give the value alone")
    if any(len(text) > _LONGEST_DETAIL for text in details.values()):
        raise Rejected("bad-details", f"details: one is longer than {_LONGEST_DETAIL} characters; give it alone")
    if kind is None:
        kind, value = kinds.split(value)
    raw = refang(value)
    if not raw.isascii():
        _check_letters(raw)
    given = {name: text for name, text in details.items() if text}
    if kind is not None:
        named = kinds.get(kind)
        _check_details(given, named)
        actual = kinds.actual_kind(named, raw)
        return [_reading(actual, actual.normalise(raw, given))]
    found: dict[str, ValueReading] = {}
    refusals: list[Rejected] = []
    for candidate in _candidates(raw, given):
        actual = kinds.actual_kind(candidate, raw)
        if actual.name in found:
            continue
        try:
            normal = actual.normalise(raw, given)
        except Rejected as refusal:
            refusals.append(refusal)
        else:
            found[actual.name] = _reading(actual, normal)
    if found:
        return [*found.values()]
    if len(refusals) == 1:
        raise refusals[0]
    raise Rejected("kind-not-recognised", "no kind takes this value; correct it, or name its kind to read why not")


def strongest(grades: Iterable[str]) -> Action | None:
    """Return the strongest of some grades, None for none."""
    found = min(grades, key=_STRENGTH.__getitem__, default=None)
    return None if found is None else _ACTIONS[found]


def current(listing: Listing, at: datetime) -> Listing | None:
    """Return a listing as it is ``at`` that time: without a hold that has ended; None once it has ended itself."""
    if listing.valid_until is not None and timestamp.parse(listing.valid_until) <= at:
        return None
    if listing.hold is not None and timestamp.parse(listing.hold.until) <= at:
        return msgspec.structs.replace(listing, hold=None)
    return listing


def _reading(kind: Kind, normal: Normal) -> ValueReading:
    return ValueReading(kind.name, normal.value, kinds.name_of(kind.name, normal.value))


def _check_letters(raw: str) -> None:
    """Refuse a text that takes long to read, whichever kind does. Raises ``Rejected``."""
    if any(all(map(unicodedata.combining, run[0])) for run in _RUN.finditer(raw)):
        # To put marks in their order takes the square of their number.
        raise Rejected("bad-value", "value: has too many marks on one letter: give the value alone")
    if len(unicodedata.normalize("NFKC", raw)) > MAX_VALUE:
        # One letter may become eighteen.
        raise Rejected("bad-value", f"value: becomes longer than {MAX_VALUE} characters: give the value alone")


def _check_details(given: Mapping[str, str], kind: Kind) -> None:
    if not given.keys() <= kind.columns.keys():
        known = ", ".join(kind.columns) or "none"
        raise Rejected("unknown-detail", f"a {kind.name} has no detail of that name; there are: {known}")


def _candidates(raw: str, given: Mapping[str, str]) -> list[Kind]:
    """Return the kinds that may be meant. Raises ``Rejected``."""
    if given:
        found = [kind for kind in kinds.every().values() if given.keys() <= kind.columns.keys()]
        if not found:
            raise Rejected("unknown-detail", "no kind has these details together; name the kind to read which it has")
        return found
    found = [kind for kind in kinds.every().values() if kind.recognises(raw)]
    return found or [*kinds.every().values()]
