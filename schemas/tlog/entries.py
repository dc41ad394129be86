"""The entries of a ledger: the kind, the time of addition, and a salted digest of an object in its canonical form.

An entry reveals nothing about its object; a reader with the object and the salt can check that they belong together.
The digest of a set of objects is the same for the same ids and versions, in whichever order they came.
"""

import json
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
import orjson
import rfc8785

from schemas.tlog import BadFormat

# Larger integers are not the same for every reader of JSON.
_LARGEST = (1 << 53) - 1


def canonical(body: bytes) -> bytes:
    """Return the canonical form of a JSON document. Raises ``BadFormat`` where it has none (RFC 7493).

    A document that has a name twice in one object has none: readers differ in which of the two they take.
    """
    return canonical_and_parsed(body)[0]


def canonical_and_parsed(body: bytes) -> tuple[bytes, Any]:
    """Return the canonical form of a JSON document, and the document. Raises ``BadFormat`` as ``canonical`` does."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadFormat("not JSON") from None
    if _is_plain(value):
        text = _sorted(value)
        # Nothing is longer in this form, so that a document of the same length has lost nothing to a second name.
        if len(text) != len(body):
            check_names(body)
        return text, value
    check_names(body)
    try:
        # Numbers beyond 64 bits are whole here.
        value = json.loads(body, parse_constant=_refuse)
        return rfc8785.dumps(value), value
    except (rfc8785.CanonicalizationError, ValueError, RecursionError):
        raise BadFormat("the document has no canonical form: a number or a text is not the same for all") from None


def canonical_of(value: Any) -> bytes:
    """Return the canonical form of a document that was parsed, or made here. Raises ``BadFormat``."""
    if _is_plain(value):
        return _sorted(value)
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, ValueError, RecursionError):
        raise BadFormat("the document has no canonical form: a number or a text is not the same for all") from None


def _sorted(value: Any) -> bytes:
    """Return the canonical form of a plain document: the same bytes as rfc8785 returns, several times as fast."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise BadFormat("the document is too deep") from None


def check_names(text: bytes) -> None:
    """Check that no object in a JSON document has a name twice. Raises ``BadFormat``."""
    try:
        json.loads(text, object_pairs_hook=_check_pairs)
    except (ValueError, RecursionError):
        raise BadFormat("a name is there twice in one object, or the document is too deep") from None


def canonical_or_raw(body: bytes) -> tuple[bytes, bool]:
    """Return the canonical form of a document and True, or the document as it is and False where it has none."""
    try:
        return canonical(body), True
    except BadFormat:
        return body, False


def _is_plain(value: Any) -> bool:
    """Return whether a value has neither floats nor large integers nor keys of other letters than ASCII."""
    containers: list[Any] = [[value]]
    # It grows meanwhile.
    for container in containers:
        values = container
        if type(container) is dict:
            if not "".join(container).isascii():
                return False
            values = container.values()
        for inner in values:
            kind = type(inner)
            if kind is dict or kind is list:
                containers.append(inner)
            elif kind is not str and not (kind is bool or inner is None or _is_small(inner)):
                return False
    return True


def _is_small(value: Any) -> bool:
    return type(value) is int and -_LARGEST <= value <= _LARGEST


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


LENGTH = 1 + 8 + 32
SALT = 16
# The salt of erased entries.
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
    """Return the digest of the subject of an entry."""
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
        raise BadFormat("the opening is of a different kind than its entry")


class Openings(msgspec.Struct, frozen=True):
    """A page of openings, in the order of ``date_added``; ``next`` asks for the following, None at the end.

    All pages together account for each entry of the log: it is opened; or an opening names it as ``removed``; or it is
    ``removing``, by an entry that is signed within seconds; or it is ``withheld``, as its object was delisted before
    the reader was granted access, at ``granted``.
    """

    openings: list[Opening]
    next: str | None = None
    withheld: list[int] = msgspec.field(default_factory=list)
    removing: list[int] = msgspec.field(default_factory=list)
    granted: str | None = None


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


# The digest of a set is the sum of its objects' parts, modulo this.
DIGEST_MODULUS = 1 << 256


def digest_part(id_: str, version: str) -> int:
    """Return what one object adds to the digest of its set: SHA-256 of id, a space and version, as a number."""
    return int.from_bytes(sha256(f"{id_} {version}".encode()).digest())


def digest_text(total: int) -> str:
    """Return a digest as 64 hexadecimal digits."""
    return f"{total:064x}"
