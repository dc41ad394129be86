"""Rows of evidence files: adding, finding by access, sharing and removing them."""

import hashlib
import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Select, delete, exists, func, insert, or_, select, update

from server.features.evidence.tables import (
    evidence_custody,
    evidence_files,
    evidence_leftovers,
    evidence_links,
    evidence_members,
)
from server.store.database.engine import Tx
from server.store.database.sql import any_of, chunks
from server.store.database.times import now

_f, _l, _m, _c = evidence_files.c, evidence_links.c, evidence_members.c, evidence_custody.c
_START = bytes(32)


class EvidenceFile(NamedTuple):
    """A file of evidence from a partner. ``place`` and ``key`` are None if it stays with its holder."""

    id: str
    partner: str
    sha256: str
    size: int
    media_type: str
    added: int
    place: str | None
    key: bytes | None
    token: bytes | None


class FilePlace(NamedTuple):
    """The place of a file in the list of the newest."""

    added: int
    id: str


class CustodyEntry(NamedTuple):
    """An action on a file, its actor, and the partner concerned. The hash covers the previous entry."""

    number: int
    at: int
    by: str
    action: str
    partner: str | None
    hash: str


_COLUMNS = tuple(evidence_files.c[name] for name in EvidenceFile._fields)


def add(tx: Tx, partner: str, sha256: str, size: int, media_type: str) -> EvidenceFile:
    """Add a file from a partner, or return the existing one."""
    found = of_partner(tx, partner, sha256)
    if found is None:
        row = EvidenceFile(str(uuid.uuid4()), partner, sha256, size, media_type, now(), None, None, None)
        tx.execute(insert(evidence_files).values(**row._asdict()))
        found = row
    return found


def of_partner(tx: Tx, partner: str, sha256: str) -> EvidenceFile | None:
    """Return the file with that hash from a partner, or None."""
    row = tx.execute(select(*_COLUMNS).where(_f.partner == partner, _f.sha256 == sha256)).first()
    return None if row is None else EvidenceFile(*row)


def store(tx: Tx, id_: str, place: str, key: bytes) -> bool:
    """Record the place of a file and its encrypted key. Return False if it is already stored, or removed."""
    mine = (_f.id == id_, _f.place.is_(None))
    return bool(tx.execute(update(evidence_files).where(*mine).values(place=place, key=key)).rowcount)


def stamp(tx: Tx, id_: str, token: bytes) -> None:
    """Store the time-stamp of a file."""
    tx.execute(update(evidence_files).where(_f.id == id_).values(token=token))


def link(tx: Tx, id_: str, object_: str) -> bool:
    """Link a file to a report or a case, by its inbox key. Return False if it is already linked."""
    mine = (_l.evidence == id_, _l.object == object_)
    if tx.execute(select(_l.object).where(*mine)).first() is not None:
        return False
    tx.execute(insert(evidence_links).values(evidence=id_, object=object_))
    return True


def of_objects(tx: Tx, objects: Iterable[str]) -> list[EvidenceFile]:
    """Return the files linked to any of these reports and cases, the oldest first."""
    found: dict[str, EvidenceFile] = {}
    for chunk in chunks(sorted(set(objects))):
        asked = select(*_COLUMNS).join(evidence_links, _l.evidence == _f.id).where(any_of(tx, _l.object, chunk))
        found |= {row[0]: EvidenceFile(*row) for row in tx.execute(asked)}
    return sorted(found.values(), key=lambda file: (file.added, file.id))


def all_files(
    tx: Tx, partner: str | None = None, limit: int = 1_000, *, after: FilePlace | None = None
) -> list[EvidenceFile]:
    """Return the newest files ``after`` a place, of all partners or of one."""
    asked = _newest(after, limit)
    if partner is not None:
        asked = asked.where(_f.partner == partner)
    return [EvidenceFile(*row) for row in tx.execute(asked)]


def open_files(tx: Tx, partner: str, limit: int, *, after: FilePlace | None = None) -> list[EvidenceFile]:
    """Return the newest files ``after`` a place that a partner may read: its own, and those shared with it."""
    handed = select(_l.evidence).join(evidence_members, _m.object == _l.object).where(_m.partner == partner)
    mine = select(_f.id).where(_f.partner == partner).union(handed)
    return [EvidenceFile(*row) for row in tx.execute(_newest(after, limit).where(_f.id.in_(mine)))]


def _newest(after: FilePlace | None, limit: int) -> Select[Any]:
    asked = select(*_COLUMNS).order_by(_f.added.desc(), _f.id).limit(limit)
    if after is None:
        return asked
    return asked.where(_f.added <= after.added, or_(_f.added < after.added, _f.id > after.id))


def objects_of(tx: Tx, id_: str) -> list[str]:
    """Return the keys of the reports and cases that a file is linked to."""
    return list(tx.scalars(select(_l.object).where(_l.evidence == id_).order_by(_l.object)))


def readable(tx: Tx, partner: str, sha256: str) -> list[EvidenceFile]:
    """Return the files with that hash that a partner may read: its own, and those shared with it."""
    handed = exists().where(_l.evidence == _f.id, _m.object == _l.object, _m.partner == partner)
    asked = select(*_COLUMNS).where(_f.sha256 == sha256, or_(_f.partner == partner, handed))
    return [EvidenceFile(*row) for row in tx.execute(asked.order_by(_f.added, _f.id))]


def open_to(tx: Tx, object_: str, partner: str, by: str) -> bool:
    """Share the current and later files of a report or a case with a partner. Return False if already shared."""
    mine = (_m.object == object_, _m.partner == partner)
    if tx.execute(select(_m.object).where(*mine)).first() is not None:
        return False
    tx.execute(insert(evidence_members).values(object=object_, partner=partner, since=now(), by=by))
    return True


def close_to(tx: Tx, object_: str, partner: str) -> bool:
    """Stop sharing the files of a report or a case with a partner. Return whether they were shared."""
    return bool(tx.execute(delete(evidence_members).where(_m.object == object_, _m.partner == partner)).rowcount)


def members(tx: Tx, object_: str) -> list[str]:
    """Return the partners with which the files of a report or a case are shared."""
    return list(tx.scalars(select(_m.partner).where(_m.object == object_).order_by(_m.partner)))


def stored_bytes(tx: Tx, partner: str) -> int:
    """Return how many bytes of a partner's files are stored."""
    asked = select(func.sum(_f.size)).where(_f.partner == partner, _f.place.is_not(None))
    return int(tx.execute(asked).scalar() or 0)


def stored_places(tx: Tx) -> list[str]:
    """Return the names of all stored files in the file store."""
    columns = evidence_files.c
    return [row[0] for row in tx.execute(select(columns.place).where(columns.place.is_not(None)).order_by(columns.id))]


def note(tx: Tx, file: EvidenceFile, by: str, action: str, partner: str | None = None) -> None:
    """Add an entry to the custody of a file."""
    # Serialises concurrent additions.
    tx.execute(select(_f.id).where(_f.id == file.id).with_for_update())
    last = tx.execute(
        select(_c.number, _c.hash).where(_c.evidence == file.id).order_by(_c.number.desc()).limit(1)
    ).first()
    number, before = (last.number + 1, bytes(last.hash)) if last is not None else (1, _START)
    at = now()
    sealed = seal(before, file.sha256, number, at, by, action, partner)
    row = {"evidence": file.id, "number": number, "at": at, "by": by, "action": action, "partner": partner}
    tx.execute(insert(evidence_custody).values(**row, hash=sealed))


def was_given(tx: Tx, id_: str, partner: str, by: str, *, since: int) -> bool:
    """Return whether the custody records that ``by`` gave the file to a partner ``since`` (microseconds)."""
    mine = (_c.evidence == id_, _c.partner == partner, _c.by == by, _c.action == "given", _c.at >= since)
    return tx.execute(select(_c.number).where(*mine).limit(1)).first() is not None


def seal(before: bytes, sha256: str, number: int, at: int, by: str, action: str, partner: str | None) -> bytes:
    """Return the hash of a custody entry, which covers the previous hash."""
    return hashlib.sha256(before + orjson.dumps([sha256, number, at, by, action, partner])).digest()


def custody(tx: Tx, id_: str) -> list[CustodyEntry]:
    """Return the custody entries of a file in order."""
    asked = select(_c.number, _c.at, _c.by, _c.action, _c.partner, _c.hash).where(_c.evidence == id_)
    return [
        CustodyEntry(number, at, by, action, partner, hash_.hex())
        for number, at, by, action, partner, hash_ in tx.execute(asked.order_by(_c.number))
    ]


def forget(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove at most ``most`` files added ``before`` (microseconds), and return their number."""
    return _remove(tx, list(tx.scalars(select(_f.id).where(_f.added < before).order_by(_f.added).limit(most))))


def forget_unlinked(tx: Tx, most: int = 500) -> int:
    """Remove at most ``most`` files whose reports and cases are all gone, and return their number."""
    gone = ~exists().where(_l.evidence == _f.id)
    return _remove(tx, list(tx.scalars(select(_f.id).where(gone).order_by(_f.id).limit(most))))


def leftovers(tx: Tx, most: int = 500) -> list[str]:
    """Return names in the file store of expired files."""
    return list(tx.scalars(select(evidence_leftovers.c.place).order_by(evidence_leftovers.c.place).limit(most)))


def end_leftovers(tx: Tx, places: Iterable[str]) -> None:
    """Record that these files are removed from the file store."""
    for chunk in chunks(sorted(set(places))):
        tx.execute(delete(evidence_leftovers).where(any_of(tx, evidence_leftovers.c.place, chunk)))


def _remove(tx: Tx, ids: list[str]) -> int:
    """Remove files with their keys. Without its key, the stored content cannot be decrypted."""
    for chunk in chunks(ids):
        places = set(tx.scalars(select(_f.place).where(any_of(tx, _f.id, chunk), _f.place.is_not(None))))
        tx.execute(delete(evidence_custody).where(any_of(tx, _c.evidence, chunk)))
        tx.execute(delete(evidence_links).where(any_of(tx, _l.evidence, chunk)))
        tx.execute(delete(evidence_files).where(any_of(tx, _f.id, chunk)))
        rows = [{"place": place, "since": now()} for place in sorted(filter(None, places))]
        if rows:
            tx.execute(insert(evidence_leftovers), rows)
    return len(ids)
