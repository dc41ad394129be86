"""The rows of objects in a mirror's file: put, staged and deleted, one batch at a time."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from feeds.client.mirror.entries import (
    MirrorEntry,
    PackedObjectId,
    PackedVersion,
    age_of,
    is_listing,
    pack_id,
    pack_version,
    unpack_id,
    unpack_version,
)
from schemas.tlog.entries import digest_part

_NAME_BYTES = 16
_AT_ONCE = 500
_MOST_REMEMBERED = 100_000


class _Row(NamedTuple):
    """An object of a copy as stored in its row, without the numbers of copy and row."""

    id: PackedObjectId
    version: PackedVersion
    revoked: int
    ends: int | None
    names: bytes
    listing: int | None

    def part(self, at: int) -> int | None:
        """Return the object's part of the digest of the active set at a moment; None if it is not active."""
        if self.revoked or (self.ends is not None and self.ends <= at):
            return None
        return _part(self.id, self.version)


class ActiveChange(NamedTuple):
    """The change that a batch makes to the number and the digest of the active set; not reduced to a digest's range.

    ``listings`` is the change to the number of active indicators.
    """

    active: int
    total: int
    listings: int = 0


class ObjectRows:
    """Writes rows in the transactions of the caller."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._listings: dict[bytes, int] = {}

    def forget(self) -> None:
        """Drop the caches filled in a transaction that was rolled back."""
        self._listings.clear()

    def put(self, copy: int, entries: Sequence[MirrorEntry], at: int) -> ActiveChange:
        """Write the newest version of each object; return the change to the active set at ``at``.

        A version older than the stored one changes nothing.
        """
        self._note_along(copy, entries)
        changed = self._put(copy, entries, at)
        followed = self._follow_listings(copy, entries, at)
        # A listing is never accompanied by another listing.
        return changed._replace(active=changed.active + followed.active, total=changed.total + followed.total)

    def _put(self, copy: int, entries: Sequence[MirrorEntry], at: int) -> ActiveChange:
        new: dict[PackedObjectId, _Row] = {}
        for row in self._rows(entries):
            if row.id not in new or age_of(row.version) >= age_of(new[row.id].version):
                new[row.id] = row
        active = total = listings = 0
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
                    active, total, listings = active - 1, total - part, listings - is_listing(row.id)
            named += ((name, place) for name in _split(row.names))
            if (part := row.part(at)) is not None:
                active, total, listings = active + 1, total + part, listings + is_listing(row.id)
        self._db.executemany("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", inserted)
        self._db.executemany(
            "UPDATE objects SET version = ?, revoked = ?, ends = ?, names = ?, listing = ? WHERE number = ?", updated
        )
        self._db.executemany("DELETE FROM names WHERE name = ? AND object = ?", unnamed)
        # Sorted, which writes the fewest pages.
        self._db.executemany("INSERT OR IGNORE INTO names VALUES (?, ?)", sorted(named))
        return ActiveChange(active, total, listings)

    def _note_along(self, copy: int, entries: Iterable[MirrorEntry]) -> None:
        """Record, for each relationship to an observable, the listing that both of them accompany."""
        along = [
            (copy, pack_id(id_), pack_id(entry.based_on[0]))
            for entry in entries
            if entry.based_on
            for id_ in (entry.id, entry.based_on[1])
        ]
        self._db.executemany("INSERT OR IGNORE INTO along VALUES (?, ?, ?)", along)

    def _follow_listings(self, copy: int, entries: Sequence[MirrorEntry], at: int) -> ActiveChange:
        """Keep accompanying objects active until all their listings are revoked; return the change."""
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
        """Store a batch in the staging area of a copy."""
        self._note_along(copy, entries)
        rows = [(copy, *row) for row in self._rows(entries)]
        self._db.executemany(
            "INSERT INTO staged (copy, id, version, revoked, ends, names, listing) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
        )

    def staged(self, copy: int, size: int) -> Iterator[list[MirrorEntry]]:
        """Yield the staged batches of a copy, in order."""
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

    def ended_between(self, copy: int, since: int, until: int) -> Iterator[ActiveChange]:
        """Yield the changes by objects that ended between two moments; reversed moments yield the opposite changes."""
        earlier, later = sorted((since, until))
        sign = -1 if until > since else 1
        found = self._db.execute(
            "SELECT id, version FROM objects WHERE copy = ? AND ends > ? AND ends <= ? AND revoked = 0",
            (copy, earlier, later),
        )
        for id_, version in found:
            yield ActiveChange(sign, sign * _part(id_, version), sign * is_listing(id_))

    def delete_some(self, copy: int, most: int) -> int:
        """Delete some objects of a copy; return how many."""
        return self._delete("copy = ?", (copy,), most)

    def delete_ended(self, copy: int, before: int, most: int) -> int:
        """Delete some objects of a copy that ended before a moment; return how many."""
        return self._delete("copy = ? AND ends <= ?", (copy, before), most)

    def delete_unused_listings(self) -> None:
        """Delete listings that no object uses any longer."""
        self._listings.clear()
        self._db.execute(
            "DELETE FROM listings WHERE number NOT IN (SELECT listing FROM objects WHERE listing IS NOT NULL "
            "UNION SELECT listing FROM staged WHERE listing IS NOT NULL)"
        )

    def lacking(self, copy: int, versions: Sequence[tuple[str, str]]) -> list[str]:
        """Return the ids of objects that a copy lacks, or has in an earlier version only."""
        stored = self._stored(copy, list({pack_id(id_) for id_, _ in versions}))
        return [id_ for id_, version in versions if not _has(stored.get(pack_id(id_)), version)]

    def _delete(self, where: str, given: Sequence[object], most: int) -> int:
        rows = self._db.execute(
            f"SELECT number, names, copy, id, revoked FROM objects WHERE {where} LIMIT ?",  # noqa: S608 - constants
            (*given, most),
        ).fetchall()
        names = sorted((name, number) for number, joined, *_ in rows for name in _split(joined))
        self._db.executemany("DELETE FROM names WHERE name = ? AND object = ?", names)
        self._db.executemany("DELETE FROM objects WHERE number = ?", [(number,) for number, *_ in rows])
        # Objects that accompanied an ended listing stay until that listing is revoked.
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
        """Return the number of a listing; equal listings are stored once."""
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


# Accompanying objects of which either they or one of their listings are among some ids, and whether all are revoked.
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


def _has(stored: tuple[int, _Row] | None, version: str) -> bool:
    if stored is None:
        return False
    # An object stored without a version has none, like an observable.
    return (age := age_of(stored[1].version)) < 0 or age >= age_of(pack_version(version))


def _split(names: bytes) -> Iterator[bytes]:
    for start in range(0, len(names), _NAME_BYTES):
        yield names[start : start + _NAME_BYTES]


def _part(id_: PackedObjectId, version: PackedVersion) -> int:
    return digest_part(unpack_id(id_), unpack_version(version))
