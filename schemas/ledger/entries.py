"""The entries of a ledger: what kind, when it was added, and a salted digest of what it is about.

Nothing of an object can be computed from its entry; who has the object and the salt can check that it is this one.
"""

from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
import orjson

from schemas.ledger.canonical import canonical_or_raw
from schemas.ledger.errors import BadFormat

LENGTH = 1 + 8 + 32
SALT = 16
# The salt of what was erased.
NO_SALT = bytes(SALT)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EntryKind(IntEnum):
    """The kinds of entries."""

    # An object, by its canonical form.
    PUBLISHED = 1
    # An object that has none, by its bytes as they are served.
    PUBLISHED_RAW = 2
    # The removal of an earlier entry's object: {"removed": index}, canonical.
    REMOVED = 3
    # A statement of the hub about the collection, canonical.
    STATEMENT = 4


class Entry(NamedTuple):
    """An entry: its kind, its date_added (microseconds since the epoch), and the digest."""

    kind: int
    date_added: int
    digest: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Entry":
        """Read an entry. Raises ``BadFormat``."""
        if len(data) != LENGTH or not EntryKind.PUBLISHED <= data[0] <= EntryKind.STATEMENT:
            raise BadFormat("not an entry of a ledger")
        return cls(data[0], int.from_bytes(data[1:9]), data[9:])

    def __bytes__(self) -> bytes:
        """Return the entry as a leaf of the tree."""
        return bytes([self.kind]) + self.date_added.to_bytes(8) + self.digest


def digest(salt: bytes, content: bytes) -> bytes:
    """Return the digest of what an entry is about."""
    return sha256(salt + content).digest()


def entry_of(body: bytes, date_added: int, salt: bytes) -> bytes:
    """Return the entry of an object, by its bytes as they are served."""
    content, is_canonical = canonical_or_raw(body)
    kind = EntryKind.PUBLISHED if is_canonical else EntryKind.PUBLISHED_RAW
    return bytes(Entry(kind, date_added, digest(salt, content)))


def removal(index: int) -> bytes:
    """Return what the entry of a removal is about: the index of the entry whose object is gone."""
    return orjson.dumps({"removed": index})


class Opening(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts beside an object by which its entry is checked: its place, its kind, when it was added, its salt.

    ``date_added`` is RFC 3339 with microseconds, ``salt`` hexadecimal. ``id`` and ``version`` are those of an object;
    ``removed`` is the index of the entry whose object is gone; ``statement`` what the hub states.
    """

    index: int
    kind: int
    date_added: str
    salt: str
    id: str | None = None
    version: str | None = None
    removed: int | None = None
    statement: dict[str, Any] | None = None

    def entry(self, body: bytes | None = None) -> bytes:
        """Return the entry that this opens, for an object by its bytes. Raises ``BadFormat``."""
        try:
            salt = bytes.fromhex(self.salt)
        except ValueError:
            salt = b""
        if len(salt) != SALT or salt == NO_SALT:
            raise BadFormat("not a salt of 16 bytes in hexadecimal digits")
        content = self._content(body)
        return bytes(Entry(self.kind, read_moment(self.date_added), digest(salt, content)))

    def extra(self) -> bytes:
        """Return what a proof file has beside the proof: kind, date_added and salt, as JSON."""
        return orjson.dumps({"kind": self.kind, "date_added": self.date_added, "salt": self.salt})

    def _content(self, body: bytes | None) -> bytes:
        if self.kind == EntryKind.REMOVED and self.removed is not None:
            return removal(self.removed)
        if self.kind == EntryKind.STATEMENT and self.statement is not None:
            return canonical_or_raw(orjson.dumps(self.statement))[0]
        if body is not None and self.kind in (EntryKind.PUBLISHED, EntryKind.PUBLISHED_RAW):
            return canonical_or_raw(body)[0] if self.kind == EntryKind.PUBLISHED else body
        raise BadFormat("the opening is of another kind than what it is to open")


class Openings(msgspec.Struct, frozen=True):
    """A page of openings, in the order of ``date_added``; ``next`` asks for the following, None at the end."""

    openings: list[Opening]
    next: str | None = None


def read_moment(text: str) -> int:
    """Return the microseconds since the epoch of a moment in UTC as TAXII writes it. Raises ``BadFormat``."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() != timedelta(0):
            raise ValueError(text)
    except ValueError:
        raise BadFormat("not a moment in UTC, as 2026-11-26T08:00:00.123456Z") from None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
