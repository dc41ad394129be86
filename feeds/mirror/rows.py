"""The rows of objects in a mirror's file: put, staged and deleted, a batch at a time."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from feeds.mirror.entries import MirrorEntry
from feeds.mirror.packing import (
    PackedObjectId,
    PackedVersion,
    age_of,
    pack_id,
    pack_version,
    unpack_id,
    unpack_version,
)
from schemas.api import set_digest

_NAME_BYTES = 16
_AT_ONCE = 500
_MOST_REMEMBERED = 100_000


class _Row(NamedTuple):
    """An object of a copy as its row has it, but for the number of copy and row."""

    id: PackedObjectId
    version: PackedVersion
    revoked: int
    ends: int | None
    names: bytes
    listing: int | None

    def part(self, at: int) -> int | None:
        """Return what the object adds to the digest of what is active at a moment; None where it is not."""
        if self.revoked or (self.ends is not None and self.ends <= at):
            return None
        return _part(self.id, self.version)


class ActiveChange(NamedTuple):
    """By how much a batch changes the number and the digest of what is active; not reduced to a digest's range."""

    active: int
    total: int


class ObjectRows:
    """Writes rows in the transactions of its caller."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Work with the tables of ``db``."""
        self._db = db
        self._listings: dict[bytes, int] = {}

    def forget(self) -> None:
        """Forget what a transaction wrote that has come to nothing."""
        self._listings.clear()

    def put(self, copy: int, entries: Sequence[MirrorEntry], at: int) -> ActiveChange:
        """Write the latest version of each object; return how that changes what is active at ``at``.

        A version older than the one that is there changes nothing.
        """
        self._note_along(copy, entries)
        changed = self._put(copy, entries, at)
        followed = self._follow_listings(copy, entries, at)
        return ActiveChange(changed.active + followed.active, changed.total + followed.total)

    def _put(self, copy: int, entries: Sequence[MirrorEntry], at: int) -> ActiveChange:
        new: dict[PackedObjectId, _Row] = {}
        for row in self._rows(entries):
            if row.id not in new or age_of(row.version) >= age_of(new[row.id].version):
                new[row.id] = row
        active = total = 0
        stored = self._stored(copy, list(new))
        number = self._db.execute("SELECT coalesce(max(number), 0) FROM objects").fetchone()[0]
        inserted: list[tuple[object, ...]] = []
        updated: list[tuple[object, ...]] = []
        unnamed: list[tuple[bytes, int]] = []
        named: list[tuple[bytes, int]] = []
        for row in new.values():
            if row.id not in stored:
                number += 1
                place = number
                inserted.append((place, copy, *row))
            else:
                place, old = stored[row.id]
                if age_of(row.version) < age_of(old.version):
                    continue
                unnamed += ((name, place) for name in _split(old.names))
                updated.append((*row[1:], place))
                if (part := old.part(at)) is not None:
                    active, total = active - 1, total - part
            named += ((name, place) for name in _split(row.names))
            if (part := row.part(at)) is not None:
                active, total = active + 1, total + part
        self._db.executemany("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", inserted)
        self._db.executemany(
            "UPDATE objects SET version = ?, revoked = ?, ends = ?, names = ?, listing = ? WHERE number = ?", updated
        )
        self._db.executemany("DELETE FROM names WHERE name = ? AND object = ?", unnamed)
        # In their order, which writes the fewest pages.
        self._db.executemany("INSERT OR IGNORE INTO names VALUES (?, ?)", sorted(named))
        return ActiveChange(active, total)

    def _note_along(self, copy: int, entries: Iterable[MirrorEntry]) -> None:
        """Note of each relationship to an observable which listing brought the two along."""
        along = [
            (copy, pack_id(id_), pack_id(entry.based_on[0]))
            for entry in entries
            if entry.based_on
            for id_ in (entry.id, entry.based_on[1])
        ]
        self._db.executemany("INSERT OR IGNORE INTO along VALUES (?, ?, ?)", along)

    def _follow_listings(self, copy: int, entries: Sequence[MirrorEntry], at: int) -> ActiveChange:
        """Let what listings brought along count until all of these are revoked; return what that changes."""
        active = total = 0
        if self._db.execute("SELECT 1 FROM along WHERE copy = ? LIMIT 1", (copy,)).fetchone() is None:
            return ActiveChange(active, total)
        ids = list({pack_id(entry.id) for entry in entries})
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            found = self._db.execute(
                _WITHDRAWN.format(marks=",".join("?" * len(some))), (copy, *some, copy, *some, copy)
            )
            for number, id_, version, revoked, ends, withdrawn in found.fetchall():
                if revoked != withdrawn:
                    self._db.execute("UPDATE objects SET revoked = ? WHERE number = ?", (withdrawn, number))
                    if ends is None or ends > at:
                        sign = -1 if withdrawn else 1
                        active, total = active + sign, total + sign * _part(id_, version)
        return ActiveChange(active, total)

    def stage(self, copy: int, entries: Sequence[MirrorEntry]) -> None:
        """Write a batch beside a copy, to be put later."""
        self._note_along(copy, entries)
        rows = [(copy, *row) for row in self._rows(entries)]
        self._db.executemany(
            "INSERT INTO staged (copy, id, version, revoked, ends, names, listing) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
        )

    def staged(self, copy: int, size: int) -> Iterator[list[MirrorEntry]]:
        """Yield the batches that were staged for a copy, in their order."""
        after = 0
        while True:
            rows = self._db.execute(
                "SELECT s.number, s.id, s.version, s.revoked, s.ends, s.names, l.body FROM staged s "
                "LEFT JOIN listings l ON l.number = s.listing WHERE s.copy = ? AND s.number > ? "
                "ORDER BY s.number LIMIT ?",
                (copy, after, size),
            ).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            yield [
                MirrorEntry(
                    unpack_id(id_), unpack_version(version), bool(revoked), ends, tuple(_split(names)), body or b""
                )
                for _, id_, version, revoked, ends, names, body in rows
            ]

    def ended_between(self, copy: int, since: int, until: int) -> Iterator[tuple[int, int]]:
        """Yield -1 and the part of each object that ended between two moments; 1 where the time goes backwards."""
        earlier, later = sorted((since, until))
        sign = -1 if until > since else 1
        found = self._db.execute(
            "SELECT id, version FROM objects WHERE copy = ? AND ends > ? AND ends <= ? AND revoked = 0",
            (copy, earlier, later),
        )
        for id_, version in found:
            yield sign, _part(id_, version)

    def delete_some(self, copy: int, most: int) -> int:
        """Delete some objects of a copy; return how many."""
        return self._delete("copy = ?", (copy,), most)

    def delete_ended(self, copy: int, before: int, most: int) -> int:
        """Delete some objects of a copy that ended before a moment; return how many."""
        return self._delete("copy = ? AND ends <= ?", (copy, before), most)

    def delete_unused_listings(self) -> None:
        """Delete the listings that no object has any more."""
        self._listings.clear()
        self._db.execute(
            "DELETE FROM listings WHERE number NOT IN (SELECT listing FROM objects WHERE listing IS NOT NULL "
            "UNION SELECT listing FROM staged WHERE listing IS NOT NULL)"
        )

    def _delete(self, where: str, given: Sequence[object], most: int) -> int:
        rows = self._db.execute(
            f"SELECT number, names, copy, id, revoked FROM objects WHERE {where} LIMIT ?",  # noqa: S608 - constants
            (*given, most),
        ).fetchall()
        names = sorted((name, number) for number, joined, *_ in rows for name in _split(joined))
        self._db.executemany("DELETE FROM names WHERE name = ? AND object = ?", names)
        self._db.executemany("DELETE FROM objects WHERE number = ?", [(number,) for number, *_ in rows])
        # What came with a listing that only ended is there until that is revoked.
        withdrawn = [(copy, id_) for *_, copy, id_, revoked in rows if revoked]
        self._db.executemany("DELETE FROM along WHERE copy = ? AND listing = ?", withdrawn)
        return len(rows)

    def _rows(self, entries: Iterable[MirrorEntry]) -> Iterator[_Row]:
        for entry in entries:
            listing = self._listing(entry.listing) if entry.names else None
            yield _Row(
                pack_id(entry.id),
                pack_version(entry.version),
                int(entry.revoked),
                entry.ends,
                b"".join(entry.names),
                listing,
            )

    def _listing(self, body: bytes) -> int:
        """Return the number of a listing, which is kept once however many objects have it."""
        digest = blake2b(body, digest_size=_NAME_BYTES).digest()
        number = self._listings.get(digest)
        if number is None:
            found = self._db.execute("SELECT number FROM listings WHERE hash = ?", (digest,)).fetchone()
            if found is None:
                made = self._db.execute("INSERT INTO listings (hash, body) VALUES (?, ?)", (digest, body))
                found = (made.lastrowid,)
            number = int(found[0])
            if len(self._listings) >= _MOST_REMEMBERED:
                self._listings.clear()
            self._listings[digest] = number
        return number

    def _stored(self, copy: int, ids: list[PackedObjectId]) -> dict[PackedObjectId, tuple[int, _Row]]:
        found: dict[PackedObjectId, tuple[int, _Row]] = {}
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            asked = (
                "SELECT number, id, version, revoked, ends, names, listing FROM objects "  # noqa: S608 - constants
                f"WHERE copy = ? AND id IN ({marks})"
            )
            found |= {row[1]: (row[0], _Row(*row[1:])) for row in self._db.execute(asked, (copy, *some))}
        return found


# Of what came with listings, where that or one of the listings is among some ids: whether all of these are revoked.
_WITHDRAWN = """
    SELECT o.number, o.id, o.version, o.revoked, o.ends, min(coalesce(l.revoked, 0))
    FROM (
        SELECT id FROM along WHERE copy = ? AND id IN ({marks})
        UNION SELECT id FROM along WHERE copy = ? AND listing IN ({marks})
    ) AS touched
    JOIN objects o ON o.copy = ? AND o.id = touched.id
    JOIN along a ON a.copy = o.copy AND a.id = o.id
    LEFT JOIN objects l ON l.copy = a.copy AND l.id = a.listing
    GROUP BY o.number
"""


def _split(names: bytes) -> Iterator[bytes]:
    for start in range(0, len(names), _NAME_BYTES):
        yield names[start : start + _NAME_BYTES]


def _part(id_: PackedObjectId, version: PackedVersion) -> int:
    return set_digest.part(unpack_id(id_), unpack_version(version))
