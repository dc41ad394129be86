"""The filters of a request (TAXII 2.1 §3.4 and §3.5), parsed into a query of the log, and the ``next`` of a page."""

import base64
import binascii
import hmac
import re
import zlib
from collections.abc import Callable, Iterable
from typing import Annotated

import msgspec
import orjson

from schemas.whole_numbers import whole_number
from server.store.collections import Collection
from server.store.database import times
from server.store.objects.query import LAST, Query, Versions
from server.web.taxii.errors import TaxiiError

MAX_PAGE = 10_000

OBJECTS = frozenset(("id", "type", "version", "spec_version"))
OBJECT = frozenset(("version", "spec_version"))
VERSIONS = frozenset(("spec_version",))

_MATCH = re.compile(r"match\[([^\]]+)\]")
# Values per list: more ids than fit into a URL.
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
    """Return the query for a URL's parameters. ``versions`` is the default for the versions.

    ``secret`` returns the hub's secret for the tokens in ``next``.

    A ``next`` contains its filters, for clients that drop them. Filters given with it apply as well, so that only
    requested objects are returned (TAXII 2.1 appendix B). Parameters and match fields unknown to TAXII are ignored
    (§3.4), except with ``every_match``: deleting too much is worse than deleting nothing. A TAXII field not in
    ``allowed``, a repeated parameter, or an invalid value raises ``TaxiiError`` 400.
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
    limit = whole_number(text, MAX_PAGE)
    if not limit:
        raise TaxiiError("bad-limit")
    return limit


def _moment(name: str, text: str) -> int:
    try:
        # An unencoded plus sign arrives as a space.
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


_FORM = 1
_CODE_BYTES = 16
_Moment = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
_Words = tuple[str, ...]
_contents = msgspec.json.Decoder(tuple[int, _Moment, int, tuple[_Moment, ...], _Words, _Words, _Words])

# The name of this use of the hub's secret.
USE = "next"

# Longer than any request line allows.
_LONGEST = 16_384
_LONGEST_UNPACKED = 1 << 16


class BadCursor(ValueError):
    """The token was not issued for this collection."""


def encode(secret: bytes, collection: Collection, query: Query, position: int) -> str:
    """Return the token that continues after ``position`` (microseconds) with the filters of ``query``.

    ``secret`` is the hub's for this use.
    """
    versions = query.versions
    flags = versions.first | versions.last << 1 | versions.every << 2
    contents = [_FORM, position, flags, versions.dates, query.ids, query.types, query.spec_versions]
    packed = zlib.compress(orjson.dumps(contents), 9)
    return base64.urlsafe_b64encode(_code(secret, collection, packed) + packed).rstrip(b"=").decode()


def decode(secret: bytes, collection: Collection, token: str) -> Query:
    """Return the query of a token, with the default limit. Raises ``BadCursor``."""
    if len(token) > _LONGEST:
        raise BadCursor("longer than any cursor")
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        packed = raw[_CODE_BYTES:]
        if not hmac.compare_digest(raw[:_CODE_BYTES], _code(secret, collection, packed)):
            raise BadCursor("not a cursor of this collection")
        contents = _contents.decode(zlib.decompressobj().decompress(packed, _LONGEST_UNPACKED))
    except (binascii.Error, zlib.error, ValueError, msgspec.MsgspecError) as error:
        raise BadCursor("not a cursor") from error
    form, position, flags, dates, ids, types, specs = contents
    if form != _FORM or any("\x00" in word for word in (*ids, *types, *specs)):
        raise BadCursor("not a cursor of this server")
    versions = Versions(bool(flags & 1), bool(flags & 2), bool(flags & 4), dates)
    return Query(after=position, ids=ids, types=types, spec_versions=specs, versions=versions)


def _code(secret: bytes, collection: Collection, packed: bytes) -> bytes:
    return hmac.digest(secret, collection.id.encode() + packed, "sha256")[:_CODE_BYTES]
