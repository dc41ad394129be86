"""Filters of a list that a reader saved under a name, in a cookie."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

FILTERS = "review-filters"
LONGEST_NAME = 40
# A browser keeps some 4,000 characters of a cookie.
_MOST, _LONGEST = 8, 3_500


def saved_filters(kept: str) -> list[tuple[str, str]]:
    """Return the names of the filters and the query of each, from the cookie."""
    found = parse_qsl(kept) if kept.count("&") < _MOST else []
    return [(name, urlencode(parse_qsl(query))) for name, query in found if _is_name(name) and len(query) <= _LONGEST]


def with_filter(kept: str, name: str, fields: Mapping[str, str]) -> str:
    """Return the cookie with another filter; the oldest make room."""
    query = urlencode({field: value for field, value in fields.items() if value})
    found = [each for each in saved_filters(kept) if each[0] != name][-_MOST + 1 :]
    found.append((name, query))
    while len(urlencode(found)) > _LONGEST and len(found) > 1:
        found.pop(0)
    return urlencode(found)


def without_filter(kept: str, name: str) -> str:
    """Return the cookie without a filter."""
    return urlencode([each for each in saved_filters(kept) if each[0] != name])


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable()
