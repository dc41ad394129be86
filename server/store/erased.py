"""The erasures: a record of each without its value, and the digests of names whose later reports are held."""

import hmac
import uuid
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson
from sqlalchemy import delete, insert, select, update

from server.store import hub_identity
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.release_tables import erased_names, erasures

_USE = "erased-names"


class ErasureRecord(NamedTuple):
    """The tombstone of a value: an id, the kind of value, the reason, the persons, and the counts of removed rows."""

    id: str
    kind: str
    reason: str
    proposed_by: str
    confirmed_by: str
    begun: int
    ended: int | None
    counts: Mapping[str, int]


class UnknownErasure(LookupError):
    """There is no erasure with that id."""


def begin(tx: Tx, kind: str, reason: str, proposed_by: str, confirmed_by: str) -> ErasureRecord:
    """Record that an erasure has begun. Its id reveals nothing about the value."""
    record = ErasureRecord(str(uuid.uuid4()), kind, reason, proposed_by, confirmed_by, now(), None, {})
    tx.execute(insert(erasures).values(**{**record._asdict(), "counts": orjson.dumps({})}))
    return record


def end(tx: Tx, id_: str, counts: Mapping[str, int], *, whole: bool = True) -> None:
    """Record the numbers of removed rows. With ``whole``, the files are compacted too, and the erasure has ended."""
    changes = {"ended": now() if whole else None, "counts": orjson.dumps(dict(sorted(counts.items())))}
    tx.execute(update(erasures).where(erasures.c.id == id_).values(**changes))


def find(tx: Tx, id_: str) -> ErasureRecord:
    """Return the record of an erasure. Raises ``UnknownErasure``."""
    row = tx.execute(select(erasures).where(erasures.c.id == id_)).first()
    if row is None:
        raise UnknownErasure(f"there is no erasure {id_}")
    return ErasureRecord(*row)._replace(counts=orjson.loads(row.counts))


def all_erasures(tx: Tx, *, only_open: bool = False) -> list[ErasureRecord]:
    """Return the records of erasures, the oldest first."""
    asked = select(erasures).order_by(erasures.c.begun, erasures.c.id)
    if only_open:
        asked = asked.where(erasures.c.ended.is_(None))
    return [ErasureRecord(*row)._replace(counts=orjson.loads(row.counts)) for row in tx.execute(asked)]


def hold(tx: Tx, names: Iterable[str], erasure: str) -> None:
    """Hold later reports of the values with these names. Only digests of the names are stored."""
    digests = _digests(tx, names)
    known = set(_among(tx, digests.values()))
    new = [{"digest": digest, "erasure": erasure} for digest in sorted(set(digests.values()) - known)]
    if new:
        tx.execute(insert(erased_names), new)


def let_go(tx: Tx, names: Iterable[str]) -> set[str]:
    """Allow the values with these names to be reported again, and return the names that had been erased."""
    digests = _digests(tx, names)
    found = set(_among(tx, digests.values()))
    if found:
        tx.execute(delete(erased_names).where(erased_names.c.digest.in_(sorted(found))))
    return {name for name, digest in digests.items() if digest in found}


def erased_among(tx: Tx, names: Iterable[str]) -> set[str]:
    """Return the names whose values were erased."""
    digests = _digests(tx, set(names))
    found = set(_among(tx, digests.values()))
    return {name for name, digest in digests.items() if digest in found}


def has_any(tx: Tx) -> bool:
    """Return whether any value was erased."""
    return tx.execute(select(erased_names.c.digest).limit(1)).first() is not None


def _digests(tx: Tx, names: Iterable[str]) -> dict[str, bytes]:
    key = hub_identity.secret(tx, _USE)
    return {name: hmac.digest(key, name.encode(), "sha256") for name in names}


def _among(tx: Tx, digests: Iterable[bytes]) -> Iterable[bytes]:
    wanted = sorted(set(digests))
    for start in range(0, len(wanted), 500):
        asked = select(erased_names.c.digest).where(erased_names.c.digest.in_(wanted[start : start + 500]))
        for digest in tx.scalars(asked):
            yield bytes(digest)
