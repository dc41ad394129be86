"""Words of takedown requests: the acts that a host is asked for, their basis, their explanation, and the responses."""

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from schemas import timestamp

# Maximum number of characters of a location; that of a value.
MOST_OF_LOCATION = 2048
_CONTROLS = frozenset([*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"])
_SURROGATES = range(0xD800, 0xE000)


class TakedownBasis(StrEnum):
    """The basis of a takedown request: an order binds its addressee; a notice or the platform's terms ask it."""

    ORDER = "order"
    NOTICE = "notice"
    TERMS = "terms"


class TakedownGround(StrEnum):
    """Why the content is illegal or against the terms; Article 16(2)(a) of the DSA. The scam type says more."""

    OBTAINS_MONEY = "obtains-money"
    COLLECTS_CREDENTIALS = "collects-credentials"
    COLLECTS_PAYMENT_DATA = "collects-payment-data"
    IMPERSONATES = "impersonates"
    SCAM_ADVERTISEMENT = "scam-advertisement"
    CONTACT_OF_SCAM = "contact-of-scam"
    DISTRIBUTES_MALWARE = "distributes-malware"
    RECRUITS_MULES = "recruits-mules"
    RECRUITS_VICTIMS_OF_TRAFFICKING = "recruits-victims-of-trafficking"
    UNLICENSED_SERVICE = "unlicensed-service"


class TakedownResponse(StrEnum):
    """The action of the addressee of a takedown request, or its reason for none."""

    REMOVED = "removed"
    SUSPENDED = "suspended"
    DISCONNECTED = "disconnected"
    RESTRICTED = "restricted"
    LABELLED = "labelled"
    ALREADY_GONE = "already-gone"
    NOT_OURS = "not-ours"
    REJECTED = "rejected"
    MORE_NEEDED = "more-needed"
    RESTORED = "restored"


class ServedBy(StrEnum):
    """The channel by which the hub can first prove that an addressee received a request."""

    TAXII = "taxii"
    API = "api"
    PAGE = "page"
    WEBHOOK = "webhook"
    MAIL = "mail"
    RESPONSE = "response"


# Responses after which readers no longer reach the content, or reach it with a warning or outside a territory.
IN_EFFECT = frozenset(
    {
        TakedownResponse.REMOVED,
        TakedownResponse.SUSPENDED,
        TakedownResponse.DISCONNECTED,
        TakedownResponse.RESTRICTED,
        TakedownResponse.LABELLED,
    }
)
# Responses to a request to restore.
OF_RESTORE = frozenset(
    {
        TakedownResponse.RESTORED,
        TakedownResponse.ALREADY_GONE,
        TakedownResponse.NOT_OURS,
        TakedownResponse.REJECTED,
        TakedownResponse.MORE_NEEDED,
    }
)
# The kinds of value that each act is about, by the word that asks for it.
KINDS_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "take-down": frozenset({"url", "domain", "ip", "app", "social-account"}),
        "suspend": frozenset({"social-account", "email", "domain"}),
        "disconnect": frozenset({"phone"}),
        "block-page": frozenset({"domain", "url"}),
        "restore": frozenset({"url", "domain", "ip", "app", "social-account", "email", "phone"}),
    }
)
# The time that an addressee has if neither the sender nor the policy says otherwise, by the basis. Thailand's
# notification of 5 July 2025 and Taiwan's law give platforms 24 hours for an order.
TIME_ALLOWED: Mapping[TakedownBasis, timedelta] = MappingProxyType(
    {
        TakedownBasis.ORDER: timedelta(hours=24),
        TakedownBasis.NOTICE: timedelta(hours=72),
        TakedownBasis.TERMS: timedelta(days=7),
    }
)


def _exact(text: str) -> str:
    """Return a location unchanged. Raises ``ValueError`` where its bytes could change on the way to its reader."""
    if text != text.strip():
        raise ValueError("it begins or ends with a blank: remove it, because the location is served byte for byte")
    if any(char in _CONTROLS or ord(char) in _SURROGATES for char in text):
        raise ValueError("it has a line break or another character that cannot be in an address")
    return text


Location = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_OF_LOCATION,
        description="the exact URL or identifier, served byte for byte; without it the value as it was written",
    ),
    AfterValidator(_exact),
]


_LEAST_ALLOWED, _MOST_ALLOWED = timedelta(minutes=30), timedelta(days=90)
_MINUTES_OF = {"d": 1_440, "h": 60, "m": 1}


def _time_allowed(value: Any) -> Any:
    """Return the duration of a text such as 24h. Raises ``ValueError`` for another form, and outside the limits."""
    found = timestamp.duration(value) if isinstance(value, str) else value
    if not isinstance(found, timedelta) or not _LEAST_ALLOWED <= found <= _MOST_ALLOWED:
        raise ValueError("give a duration from 30m to 90d, as 24h")
    return found


def duration_text(duration: timedelta) -> str:
    """Return a duration in the largest unit that it is a whole number of, as ``24h`` is ``1d``."""
    minutes = int(duration.total_seconds() // 60)
    unit = next(unit for unit, length in _MINUTES_OF.items() if minutes % length == 0)
    return f"{minutes // _MINUTES_OF[unit]}{unit}"


TimeAllowed = Annotated[
    timedelta,
    Field(description="time for a response, which begins when the request is served: 24h"),
    BeforeValidator(_time_allowed),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
]


def location_sha256(location: str) -> str:
    """Return the SHA-256 of a location's bytes in UTF-8, by which both sides compare it."""
    return hashlib.sha256(location.encode()).hexdigest()


class LocationPart(NamedTuple):
    """A part of a location: ``name`` tells its characters apart if readers may take them for others, "" if not."""

    text: str
    name: str = ""


# Characters of ASCII that look like another one in most typefaces.
_ALIKE = {"1": "digit one", "l": "letter l", "I": "capital I", "|": "vertical bar", "0": "digit zero", "O": "capital O"}


def marked(location: str) -> list[LocationPart]:
    """Return the parts of a location, with a name for each character that may be taken for another.

    These are 1, I, l, |, 0 and O, and every character outside ASCII: letters of other scripts, Thai digits.
    """
    parts: list[LocationPart] = []
    for char in location:
        if char.isascii():
            name = _ALIKE.get(char, "")
        else:
            name = f"{unicodedata.name(char, 'unknown character').lower()} (U+{ord(char):04X})"
        if not name and parts and not parts[-1].name:
            parts[-1] = LocationPart(parts[-1].text + char)
        else:
            parts.append(LocationPart(char, name))
    return parts


def scripts_of(location: str) -> tuple[str, ...]:
    """Return the scripts of a location's letters, as ``Latin`` and ``Cyrillic``, sorted; several are suspicious."""
    names = (unicodedata.name(char, "").split(" ")[0].capitalize() for char in location if char.isalpha())
    return tuple(sorted({name for name in names if name}))
