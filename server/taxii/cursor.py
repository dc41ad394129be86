"""The ``next`` of a page: where to go on, and with which filters.

Everything is in the token. It never expires, survives a restart and is good on every node.
"""

import base64
import binascii
import hashlib
import zlib
from typing import Annotated

import msgspec
import orjson

from server.store.collections import Collection
from server.store.query import Query, Versions

_FORM = 1
_CHECK_BYTES = 6
# The check is no secret: what is in a token is looked at like any other input.
_Moment = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
_Words = tuple[str, ...]
_contents = msgspec.json.Decoder(tuple[int, _Moment, int, tuple[_Moment, ...], _Words, _Words, _Words])

# Above any that a request line can carry.
_LONGEST = 16_384
_LONGEST_UNPACKED = 1 << 20


class BadCursor(ValueError):
    """The token is none of this collection's."""


def encode(collection: Collection, query: Query, position: int) -> str:
    """Write the token that goes on after ``position`` (microseconds) with the filters of ``query``."""
    versions = query.versions
    flags = versions.first | versions.last << 1 | versions.every << 2
    said = [_FORM, position, flags, versions.dates, query.ids, query.types, query.spec_versions]
    packed = zlib.compress(orjson.dumps(said), 9)
    return base64.urlsafe_b64encode(_check(collection, packed) + packed).rstrip(b"=").decode()


def decode(collection: Collection, token: str) -> Query:
    """Read a token back, with the default limit. Raises ``BadCursor``."""
    if len(token) > _LONGEST:
        raise BadCursor("longer than any cursor")
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        packed = raw[_CHECK_BYTES:]
        if raw[:_CHECK_BYTES] != _check(collection, packed):
            raise BadCursor("not a cursor of this collection")
        said = _contents.decode(zlib.decompressobj().decompress(packed, _LONGEST_UNPACKED))
    except (binascii.Error, zlib.error, ValueError, msgspec.MsgspecError) as error:
        raise BadCursor("not a cursor") from error
    form, position, flags, dates, ids, types, specs = said
    if form != _FORM or any("\x00" in word for word in (*ids, *types, *specs)):
        raise BadCursor("not a cursor of this server")
    versions = Versions(bool(flags & 1), bool(flags & 2), bool(flags & 4), dates)
    return Query(after=position, ids=ids, types=types, spec_versions=specs, versions=versions)


def _check(collection: Collection, packed: bytes) -> bytes:
    return hashlib.blake2b(packed, digest_size=_CHECK_BYTES, key=collection.id.encode()).digest()
