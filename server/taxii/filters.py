"""The filters of a request (TAXII 2.1 §3.4 and §3.5), read into a query of the log."""

import re
from collections.abc import Callable, Iterable

from server.store.collections import Collection
from server.store.database import times
from server.store.objects.query import LAST, Query, Versions
from server.taxii.cursor import BadCursor, decode
from server.taxii.errors import TaxiiError

MAX_PAGE = 10_000

OBJECTS = frozenset(("id", "type", "version", "spec_version"))
OBJECT = frozenset(("version", "spec_version"))
VERSIONS = frozenset(("spec_version",))

_MATCH = re.compile(r"match\[([^\]]+)\]")
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
# In one list: more than a URL has room for in ids.
_MOST_VALUES = 500


def read(
    pairs: Iterable[tuple[str, str]],
    collection: Collection,
    allowed: frozenset[str],
    versions: Versions = LAST,
    *,
    secret: Callable[[], bytes],
    every_match: bool = False,
) -> Query:
    """Return the query that the parameters of a URL make, with ``versions`` where they name none.

    ``secret`` returns the hub's secret for the tokens in ``next``.

    A ``next`` brings its filters along, for clients that drop them; those beside it hold too, so that nothing comes
    that the URL does not ask for (TAXII 2.1 appendix B). Parameters and fields to match that TAXII does not name are
    ignored (§3.4), but for ``every_match``: to delete what a filter leaves out is worse than to do nothing. A field of
    TAXII's that is not among ``allowed``, a parameter given twice, or any value that cannot be understood, raises
    ``TaxiiError`` 400.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    matches = _matches(given, allowed, every_match=every_match)
    token = _once(given, "next")
    query = Query(versions=versions) if token is None else _resume(secret(), collection, token)
    after = _once(given, "added_after")
    return Query(
        query.after if after is None else max(query.after, _moment("added_after", after)),
        _limit(_once(given, "limit")),
        matches.get("id", query.ids),
        matches.get("type", query.types),
        matches.get("spec_version", query.spec_versions),
        _versions(matches["version"]) if "version" in matches else query.versions,
    )


def _resume(secret: bytes, collection: Collection, token: str) -> Query:
    try:
        return decode(secret, collection, token)
    except BadCursor as error:
        raise TaxiiError("foreign-next") from error


def _matches(given: dict[str, list[str]], allowed: frozenset[str], *, every_match: bool) -> dict[str, tuple[str, ...]]:
    matches: dict[str, tuple[str, ...]] = {}
    for name in given:
        if not name.startswith("match"):
            continue
        match = _MATCH.fullmatch(name)
        listed = (_once(given, name) or "").split(",", _MOST_VALUES)
        if match is not None and match[1] not in OBJECTS and not every_match:
            continue
        if match is None or match[1] not in allowed:
            raise TaxiiError("unknown-match", known=", ".join(f"match[{field}]" for field in sorted(allowed)))
        matches[match[1]] = _listed(match[1], [value.strip() for value in listed])
    return matches


def _listed(field: str, listed: list[str]) -> tuple[str, ...]:
    if len(listed) > _MOST_VALUES:
        raise TaxiiError("too-many-values", field=field, most=_MOST_VALUES)
    if not all(listed) or any("\x00" in value for value in listed):
        raise TaxiiError("empty-value", field=field)
    if field == "version" and len(set(listed)) < len(listed):
        raise TaxiiError("repeated-version")  # TAXII 2.1 §3.4.1
    return tuple(dict.fromkeys(listed))


def _once(given: dict[str, list[str]], name: str) -> str | None:
    values = given.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise TaxiiError("repeated-parameter", name=name)
    return values[0]


def _limit(text: str | None) -> int:
    if text is None:
        return MAX_PAGE
    digits = text.lstrip("0")
    if _NUMBER.fullmatch(text) is None or not digits:
        raise TaxiiError("bad-limit")
    return min(int(digits[:9]), MAX_PAGE)


def _moment(name: str, text: str) -> int:
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        return times.parse(text.strip().replace(" ", "+"))
    except ValueError as error:
        raise TaxiiError("bad-timestamp", name=name) from error


def _versions(values: tuple[str, ...]) -> Versions:
    words = {"first", "last", "all"}
    if "all" in values and len(values) > 1:
        raise TaxiiError("all-stands-alone")  # TAXII 2.1 §3.4.1
    return Versions(
        first="first" in values,
        last="last" in values,
        every="all" in values,
        dates=tuple(_moment("match[version]", value) for value in values if value not in words),
    )
