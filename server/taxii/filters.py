"""The parameters of a request (TAXII 2.1 §3.4 and §3.5), as a query to the log."""

import re
from collections.abc import Iterable
from dataclasses import replace

from server.store import times
from server.store.collections import Collection
from server.store.query import LAST, Query, Versions
from server.taxii.cursor import BadCursor, decode
from server.taxii.errors import TaxiiError

MAX_PAGE = 10_000

OBJECTS = frozenset(("id", "type", "version", "spec_version"))
OBJECT = frozenset(("version", "spec_version"))
VERSIONS = frozenset(("spec_version",))

_MATCH = re.compile(r"match\[([^\]]*)\]")
_NUMBER = re.compile(r"[0-9]+", re.ASCII)


def read(pairs: Iterable[tuple[str, str]], collection: Collection, allowed: frozenset[str]) -> Query:
    """Make a query of the parameters of a URL.

    A ``next`` brings its filters along; those beside it, which clients repeat or drop, do not count. Parameters that
    TAXII does not name are no business of ours; a ``match`` that is not among ``allowed``, or any value that cannot be
    understood, raises ``TaxiiError`` 400.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    matches = _matches(given, allowed)
    limit = _limit(_once(given, "limit"))
    token = _once(given, "next")
    if token is not None:
        try:
            return replace(decode(collection, token), limit=limit)
        except BadCursor as error:
            raise TaxiiError(400, "The next parameter is not one that this collection gave out.") from error
    after = _once(given, "added_after")
    return Query(
        after=-1 if after is None else _moment("added_after", after),
        limit=limit,
        ids=matches.get("id", ()),
        types=matches.get("type", ()),
        spec_versions=matches.get("spec_version", ()),
        versions=_versions(matches.get("version", ())),
    )


def _matches(given: dict[str, list[str]], allowed: frozenset[str]) -> dict[str, tuple[str, ...]]:
    matches: dict[str, tuple[str, ...]] = {}
    for name, values in given.items():
        if not name.startswith("match"):
            continue
        match = _MATCH.fullmatch(name)
        if match is None or match[1] not in allowed:
            known = ", ".join(f"match[{one}]" for one in sorted(allowed))
            raise TaxiiError(400, f"Here a match is one of: {known}.")
        listed = [one.strip() for value in values for one in value.split(",")]
        if not all(listed) or any("\x00" in one for one in listed):
            raise TaxiiError(400, f"The parameter match[{match[1]}] is a list of values, separated by commas.")
        matches[match[1]] = tuple(dict.fromkeys(listed))
    return matches


def _once(given: dict[str, list[str]], name: str) -> str | None:
    values = given.get(name)
    if values is None:
        return None
    if len(set(values)) > 1:
        raise TaxiiError(400, f"The parameter {name} can be given once.")
    return values[0]


def _limit(text: str | None) -> int:
    if text is None:
        return MAX_PAGE
    digits = text.strip().lstrip("0")
    if _NUMBER.fullmatch(text.strip()) is None or not digits:
        raise TaxiiError(400, "The limit is a whole number above zero.")
    return min(int(digits[:9]), MAX_PAGE)


def _moment(name: str, text: str) -> int:
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        return times.parse(text.strip().replace(" ", "+"))
    except ValueError as error:
        raise TaxiiError(400, f"The parameter {name} is an RFC 3339 timestamp.") from error


def _versions(values: tuple[str, ...]) -> Versions:
    if not values:
        return LAST
    words = {"first", "last", "all"}
    return Versions(
        first="first" in values,
        last="last" in values,
        every="all" in values,
        dates=tuple(_moment("match[version]", value) for value in values if value not in words),
    )
