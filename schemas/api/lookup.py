"""Look-ups: the values that are asked about, how each is read, and the answer.

The server answers ``POST /api/lookup`` in this form, and so does a partner's own copy.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.refang import refang
from schemas.reference import telephone
from schemas.reference.aliases import SYSTEMS
from schemas.report import MAX_VALUE
from schemas.site import KINDS_WITH_PARENTS, ParentValue, host_asked, parents_of
from schemas.text import ascii_digits
from schemas.vocabulary import Action

MOST_VALUES = 1_000
# Kinds whose values follow one another, so that somebody could ask for all of them.
NUMBERED_KINDS = frozenset(("bank-account", "payment-alias", "phone"))
# Kinds whose values may be such a number, as an account of a messenger.
KINDS_WITH_NUMBERS = frozenset(("email", "social-account"))
_PLAIN_HTTP = "http://"
_HAS_SCHEME = re.compile(r"^(?:url:\s*)?https?:", re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\s().-]{0,3}\d){6,14}")
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
    such a one. ``hubs`` is the number of hubs whose partners report it, of a hub that exchanges reports with others.
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
    hubs: int | None = None


class RefusedValue(msgspec.Struct, frozen=True):
    """The reason why a text is no value, as a code, and the rule that it breaks."""

    reason: str
    message: str


class ListedSite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The domain above a value, or the IP address in a URL, that is listed; see ``schemas.site``.

    Of several it is the one with the strongest grade, then the nearest. ``grade`` is the strongest of its listings.
    """

    value: str
    kind: str
    grade: Action
    listings: tuple[Listing, ...]


class ListedPage(Listing, frozen=True, kw_only=True, omit_defaults=True):
    """A listed URL on a host that was asked about: the URL, and its newest listing that the reader may know of."""

    value: str


class ListedPages(msgspec.Struct, frozen=True, kw_only=True):
    """The listed pages of a host, the strongest first: ``count`` of the newest, and whether there are ``more``.

    They are mentioned only: a host is not listed because pages of it are.
    """

    count: int
    more: bool
    listings: tuple[ListedPage, ...]


class NamedReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of several ways to read a value, whether it is listed as that, and the strongest grade of it and its site."""

    kind: str
    normal: str
    found: bool
    grade: Action | None = None


class LookupResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer about one value, which may be kept for ``cache_seconds``.

    ``normal`` is the normal form of ``value``, which is as it was asked. ``found`` and ``listings`` are about the value
    itself, ``site`` about the domain above it. ``grade`` is the strongest of both: a page is as dangerous as its site.
    ``pages`` are those of a host that was asked about, and change no grade. A value that can be read in several ways is
    looked up as each: ``readings`` names them, and all else is about the one whose listing is the strongest.
    """

    value: str
    kind: str | None
    normal: str | None = None
    readings: tuple[NamedReading, ...] | None = None
    found: bool
    error: RefusedValue | None = None
    grade: Action | None = None
    listings: tuple[Listing, ...]
    site: ListedSite | None = None
    pages: ListedPages | None = None
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

    @property
    def parents(self) -> tuple[ParentValue, ...]:
        """Return the values whose listings are told with an answer about this one, the nearest first."""
        return parents_of(self.kind, self.normal) if self.kind in KINDS_WITH_PARENTS else ()

    @property
    def is_numbered(self) -> bool:
        """Return whether values like it follow one another, so that somebody could ask for all of them.

        A messenger's account that is a telephone number is one, too.
        """
        return self.kind in NUMBERED_KINDS or (self.kind in KINDS_WITH_NUMBERS and is_number(self.normal))

    @property
    def host(self) -> str | None:
        """Return the host whose listed pages are told with an answer about this value."""
        return host_asked(self.kind, self.normal)


def readings(
    value: str, kind: str | None = None, details: Mapping[str, str] = NO_DETAILS, country: str = ""
) -> list[ValueReading]:
    """Return the ways to read a value that is written as in a report; one where its kind is named.

    The kind may stand before the value, as in ``phone:+66812345678``. Without one it is read as each kind that
    ``details`` belong to, else as each that it looks like, else as each that takes it. ``country`` is the default for
    values that cannot be read without one: a local telephone number, a bank whose name several countries have. Raises
    ``Rejected``.
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
        return [_reading(actual, kinds.normalise(actual, raw, given, country))]
    found: dict[str, ValueReading] = {}
    refusals: list[Rejected] = []
    for candidate in _candidates(raw, given):
        actual = kinds.actual_kind(candidate, raw)
        if actual.name in found:
            continue
        try:
            normal = kinds.normalise(actual, raw, given, country)
        except Rejected as refusal:
            refusals.append(refusal)
        else:
            found[actual.name] = _reading(actual, normal)
    if found:
        return [*found.values()]
    if len(refusals) == 1:
        raise refusals[0]
    raise Rejected("kind-not-recognised", "we cannot tell what this is: choose its type, or check the spelling")


def is_number(text: str) -> bool:
    """Return whether a text contains what may be a telephone number: 7 digits and more."""
    return _NUMBER.search(ascii_digits(text)) is not None


def asked_readings(
    value: str, kind: str | None = None, details: Mapping[str, str] = NO_DETAILS, country: str = ""
) -> list[ValueReading]:
    """Return the ways to read a value for a look-up: those of ``readings``, and other possible ones.

    Without a given kind, a telephone number is also read as its possible alias in each payment system of its country.
    A link without its scheme is read with http and with https. Raises ``Rejected``.
    """
    found = readings(value, kind, details, country)
    found += [secure for reading in found if (secure := _with_tls(reading, value)) is not None]
    if kind is None and kinds.split(value)[0] is None:
        found += [alias for reading in found if reading.kind == "phone" for alias in aliases_of_phone(reading.normal)]
    return found


def _with_tls(reading: ValueReading, value: str) -> ValueReading | None:
    """Return a link that was written without a scheme as an https link, None for any other reading."""
    if reading.kind != "url" or not reading.normal.startswith(_PLAIN_HTTP) or _HAS_SCHEME.search(refang(value)):
        return None
    url = kinds.get("url")
    return _reading(url, kinds.normalise(url, f"https://{reading.normal.removeprefix(_PLAIN_HTTP)}"))


def aliases_of_phone(number: str) -> list[ValueReading]:
    """Return a telephone number in E.164 as the alias that it may be in each payment system of its country."""
    alias, country = kinds.get("payment-alias"), telephone.country_of(number) if number.startswith("+") else ""
    found = []
    for system in SYSTEMS.values():
        if country and any(form.country == country for form in system.forms):
            with suppress(Rejected):
                found.append(_reading(alias, alias.normalise(number, {"system": system.name})))
    return found


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
