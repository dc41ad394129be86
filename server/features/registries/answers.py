"""Read answers of RDAP (RFC 9083): the state of a registration, and the contact for abuse."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from schemas import timestamp
from schemas.errors import Rejected
from schemas.text import escaped

_LONGEST_NAME = 200
_LONGEST_FORM = 500
# Entities are nested: a registrar has the abuse desk as a contact of its own.
_DEEPEST = 4
_MOST_ENTITIES = 100
_COUNTRY = re.compile(r"^[A-Z]{2}$")
# RFC 8056 writes clientHold as "client hold".
_HOLDS = frozenset(("client hold", "clienthold", "server hold", "serverhold"))


class AbuseContact(NamedTuple):
    """The organisation that may act, its e-mail address for abuse, and its form; each may be missing ("").

    ``country`` is its ISO 3166-1 code, "" if it is not known.
    """

    organisation: str = ""
    address: str = ""
    form: str = ""
    country: str = ""


class Registration(NamedTuple):
    """A registry's answer about a name: whether it is registered, when that began, and whether it is on hold."""

    exists: bool
    registered: datetime | None = None
    is_held: bool = False
    registrar: AbuseContact = AbuseContact()


NOT_REGISTERED = Registration(exists=False)


def read_domain(answer: dict[str, Any]) -> Registration:
    """Return the registration of an answer about a domain. Parts of another shape count as missing."""
    states = {str(state).lower() for state in _list(answer.get("status"))}
    return Registration(True, _registered(answer), bool(states & _HOLDS), _contact(answer, "registrar"))


def read_network(answer: dict[str, Any]) -> AbuseContact:
    """Return the contact for abuse of an answer about an address."""
    found = _contact(answer, "registrant")
    name, country = answer.get("name"), str(answer.get("country") or "").upper()
    return found._replace(
        organisation=found.organisation or _short(name),
        country=found.country or (country if _COUNTRY.fullmatch(country) else ""),
    )


def _registered(answer: dict[str, Any]) -> datetime | None:
    """Return the time of the last registration; a name that was registered again may have several."""
    found = []
    for event in _list(answer.get("events")):
        if isinstance(event, dict) and str(event.get("eventAction")).lower() in ("registration", "reregistration"):
            try:
                found.append(timestamp.parse(str(event.get("eventDate"))))
            except Rejected:
                continue
    return max(found, default=None)


def _contact(answer: dict[str, Any], holder: str) -> AbuseContact:
    """Return the contact of the entity ``holder``: of its abuse desk, else of any abuse desk of the answer."""
    entities = list(_entities(answer, 0))[:_MOST_ENTITIES]
    owner = next((entity for entity in entities if holder in _roles(entity)), {})
    desks = [entity for entity in _entities(owner, 0) if "abuse" in _roles(entity)]
    desks = desks or [entity for entity in entities if "abuse" in _roles(entity)]
    found = AbuseContact(_property(owner, "fn") or next(filter(None, (_property(desk, "fn") for desk in desks)), ""))
    for desk in desks:
        found = found._replace(
            address=found.address or _address(_property(desk, "email")),
            form=found.form or _form(_property(desk, "contact-uri") or _property(desk, "url")),
            country=found.country or _country(desk),
        )
    return found._replace(country=found.country or _country(owner))


def _entities(thing: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    if depth >= _DEEPEST:
        return
    for entity in _list(thing.get("entities"))[:_MOST_ENTITIES]:
        if isinstance(entity, dict):
            yield entity
            yield from _entities(entity, depth + 1)


def _roles(entity: dict[str, Any]) -> list[str]:
    return [str(role).lower() for role in _list(entity.get("roles"))]


def _cards(entity: dict[str, Any], name: str) -> Iterator[list[Any]]:
    """Yield the properties of that name of a jCard (RFC 7095)."""
    card = _list(entity.get("vcardArray"))
    for line in _list(card[1]) if len(card) > 1 else ():
        if isinstance(line, list) and len(line) > 3 and str(line[0]).lower() == name:
            yield line


def _property(entity: dict[str, Any], name: str) -> str:
    return next((_short(line[3]) for line in _cards(entity, name) if isinstance(line[3], str)), "")


def _country(entity: dict[str, Any]) -> str:
    for line in _cards(entity, "adr"):
        given = line[1].get("cc") if isinstance(line[1], dict) else None
        last = line[3][-1] if isinstance(line[3], list) and line[3] else ""
        for text in (given, last):
            if _COUNTRY.fullmatch(str(text or "").upper()):
                return str(text).upper()
    return ""


def _address(text: str) -> str:
    """Return a mail address in its normal form, "" for any other text."""
    try:
        found = validate_email(text.strip().removeprefix("mailto:"), check_deliverability=False).ascii_email
    except EmailNotValidError:
        return ""
    return (found or "").lower()


def _form(text: str) -> str:
    try:
        parts = urlsplit(text) if len(text) <= _LONGEST_FORM and text.isascii() and " " not in text else None
    except ValueError:
        return ""
    return text if parts is not None and parts.scheme == "https" and parts.hostname else ""


def _short(text: Any) -> str:
    return escaped(str(text))[:_LONGEST_NAME] if isinstance(text, str) else ""


def _list(thing: Any) -> list[Any]:
    return thing if isinstance(thing, list) else []
