"""The ``next`` of a page, a token with a position in the log and the filters.

It never expires, survives a restart and is good on every node. It bears a code made with the hub's secret, so that
nothing is read of a token that the hub did not give out.
"""

import base64
import binascii
import hmac
import zlib
from typing import Annotated

import msgspec
import orjson

from server.store.collections import Collection
from server.store.objects.query import Query, Versions

_FORM = 1
_CODE_BYTES = 16
_Moment = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
_Words = tuple[str, ...]
_contents = msgspec.json.Decoder(tuple[int, _Moment, int, tuple[_Moment, ...], _Words, _Words, _Words])

# The use of the hub's secret.
USE = "next"

# Above any that a request line can carry.
_LONGEST = 16_384
_LONGEST_UNPACKED = 1 << 16


class BadCursor(ValueError):
    """The token is none of this collection's."""


def encode(secret: bytes, collection: Collection, query: Query, position: int) -> str:
    """Return the token that goes on after ``position`` (microseconds) with the filters of ``query``.

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
