"""The copies of collections in a mirror's file, as a sync writes them: begun, filled, staged, made visible, dropped.

Readers see visible copies only, each in the state after a complete transaction. The checkpoint of a batch is written
in the same transaction as the batch. The first pull fills a copy that readers cannot see yet. A later pull is staged,
and applied all at once.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from feeds.client.mirror.clock import moment
from feeds.client.mirror.entries import MirrorEntry
from feeds.client.mirror.rows import ObjectRows
from feeds.client.mirror.settings import CheckRules
from feeds.client.mirror.tables import open_to_write
from schemas.tlog.entries import DIGEST_MODULUS

_STEP = 5_000
# Ended objects are kept this long: a hub states its digest as of a moment slightly in the past.
_KEPT = 86_400_000
_SWEPT_EVERY = 86_400_000
_COLUMNS = (
    "number, hub, collection, alias, title, state, checkpoint, staged, begun, since, as_of, total, active, listings, "
    "folded, digest, proved, repaired, error"
)


class CollectionCopy(NamedTuple):
    """One copy of a hub's collection, as stored in the file; times in milliseconds."""

    number: int
    hub: str
    collection: str
    alias: str
    title: str
    state: str
    checkpoint: str | None
    staged: str | None
    begun: int
    since: int | None
    as_of: int | None
    total: bytes
    active: int
    listings: int
    folded: int
    digest: str
    proved: int | None
    repaired: int | None
    error: str | None

    def place(self) -> dict[str, Any] | None:
        """Return the checkpoint at which the next pull continues; None for the beginning."""
        text = self.staged or self.checkpoint
        return json.loads(text) if text else None


class ActiveSet(NamedTuple):
    """The number of a copy's active objects at a moment, and their digest."""

    active: int
    total: int


class WriterClosed(Exception):
    """The file is closed: a sync that is still waiting for its hub must end."""


class CopyWriter(AbstractContextManager["CopyWriter"]):
    """Writes the copies in a mirror's file; only one process may do so at a time.

    The syncs of several hubs may share it, each in its own thread. They take turns, one transaction each.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, and create it if it is missing. Raises ``Misconfigured``."""
        self.path = path
        self._lock = threading.RLock()
        self._is_closed = False
        self._db = open_to_write(path)
        self._objects = ObjectRows(self._db)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; later writes raise ``WriterClosed``."""
        with self._lock:
            self._is_closed = True
            self._db.close()

    def keep_rules(self, rules: CheckRules) -> None:
        """Store the settings that checks follow."""
        self.keep_fact("rules", rules.model_dump(mode="json"))

    def keep_fact(self, name: str, value: Any) -> None:
        """Store a fact about the mirror under its name."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def fact(self, name: str) -> Any:
        """Return the fact stored under a name, None if there is none."""
        with self._turn():
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def copies(self, hub: str | None = None) -> list[CollectionCopy]:
        """Return the copies that are not dropped: of one hub, or of all."""
        asked = f"SELECT {_COLUMNS} FROM copies WHERE state != 'dropped'"  # noqa: S608 - constants
        with self._turn():
            found = [CollectionCopy(*row) for row in self._db.execute(asked)]
        return [copy for copy in found if hub is None or copy.hub == hub]

    def get(self, number: int) -> CollectionCopy:
        """Return a copy by its number."""
        asked = f"SELECT {_COLUMNS} FROM copies WHERE number = ?"  # noqa: S608 - constants
        with self._turn():
            row = self._db.execute(asked, (number,)).fetchone()
        return CollectionCopy(*row)

    def begin(self, hub: str, collection: str, alias: str, title: str) -> CollectionCopy:
        """Begin an empty copy, which readers cannot see until it is complete."""
        now = moment().wall
        with self._transaction():
            number = self._db.execute(
                "INSERT INTO copies (hub, collection, alias, title, state, begun, total, active, folded, digest) "
                "VALUES (?, ?, ?, ?, 'filling', ?, ?, 0, ?, 'none')",
                (hub, collection, alias, title, now, _bytes(0), now),
            ).lastrowid
        return self.get(number or 0)

    def add(self, copy: CollectionCopy, entries: Sequence[MirrorEntry], checkpoint: Mapping[str, Any] | None) -> None:
        """Write a batch and the checkpoint after it: into a copy that is being filled, else staged.

        Without a checkpoint the pull cannot continue from there.
        """
        text = None if checkpoint is None else json.dumps(checkpoint)
        with self._transaction(seen=False):
            if copy.state == "filling":
                self._apply(copy.number, entries)
                self._set(copy.number, checkpoint=text)
            else:
                self._objects.stage(copy.number, entries)
                self._set(copy.number, staged=text)

    def note_since(self, copy: CollectionCopy, since: int | None) -> None:
        """Note that the copy never had objects that ended before a moment of its hub's clock."""
        with self._transaction(seen=False):
            self._set(copy.number, since=since)

    def restart(self, copy: CollectionCopy) -> None:
        """Drop the part of a copy that is not visible yet, after an error that the pull cannot continue from."""
        with self._transaction():
            if copy.state == "filling":
                self._set(copy.number, state="dropped")
            else:
                self._db.execute("DELETE FROM staged WHERE copy = ?", (copy.number,))
                self._set(copy.number, staged=None)

    def publish(self, copies: Iterable[CollectionCopy], dropped: Iterable[CollectionCopy] = ()) -> None:
        """Make fully pulled copies visible and drop others, in one transaction.

        A filled copy replaces the previous one, and keeps its age until it is settled.
        """
        with self._transaction():
            for copy in copies:
                if copy.state == "filling":
                    before = (copy.hub, copy.collection, copy.number)
                    old = "hub = ? AND collection = ? AND number < ?"
                    (as_of,) = self._db.execute(
                        f"SELECT max(as_of) FROM copies WHERE {old} AND state = 'visible'",  # noqa: S608 - constants
                        before,
                    ).fetchone()
                    self._db.execute(f"UPDATE copies SET state = 'dropped' WHERE {old}", before)  # noqa: S608
                    self._set(copy.number, state="visible", as_of=as_of)
                elif (staged := self.get(copy.number).staged) is not None:
                    for entries in self._objects.staged(copy.number, _STEP):
                        self._apply(copy.number, entries)
                    self._db.execute("DELETE FROM staged WHERE copy = ?", (copy.number,))
                    self._set(copy.number, checkpoint=staged, staged=None)
            for copy in dropped:
                self._set(copy.number, state="dropped")

    def settle(self, copy: CollectionCopy, *, as_of: int | None, digest: str, error: str | None = None) -> None:
        """Store the result of a sync for a copy; without ``as_of`` its age stays as it was."""
        with self._transaction():
            self._db.execute(
                "UPDATE copies SET as_of = coalesce(?, as_of), digest = ?, error = ?, "
                "proved = CASE WHEN ? = 'equal' THEN ? ELSE proved END WHERE number = ?",
                (as_of, digest, error, digest, as_of, copy.number),
            )

    def note_repair(self, copy: CollectionCopy) -> None:
        """Note that a copy was made to repair another one."""
        with self._transaction():
            self._set(copy.number, repaired=moment().wall)

    def note_error(self, copy: CollectionCopy, error: str) -> None:
        """Note why a copy could not be synced."""
        with self._transaction():
            self._set(copy.number, error=error)

    def lacking(self, copy: CollectionCopy, versions: Sequence[tuple[str, str]]) -> list[str]:
        """Return the ids of the given versions that a copy has neither in this version nor in a later one."""
        with self._turn():
            return self._objects.lacking(copy.number, versions)

    def active_set(self, copy: CollectionCopy, at: int) -> ActiveSet:
        """Compute the active set of a copy at a moment, and store it as the start of the next computation."""
        with self._transaction():
            now = self.get(copy.number)
            total, active, listings = int.from_bytes(now.total), now.active, now.listings
            for change in self._objects.ended_between(copy.number, now.folded, at):
                total, active = (total + change.total) % DIGEST_MODULUS, active + change.active
                listings += change.listings
            self._set(copy.number, total=_bytes(total), active=active, listings=listings, folded=at)
        return ActiveSet(active, total)

    def tidy(self) -> None:
        """Delete dropped copies, long-ended objects and unused listings, in short transactions."""
        while self._tidied_some():
            pass
        with self._transaction(seen=False):
            row = self._db.execute("SELECT value FROM facts WHERE name = 'swept'").fetchone()
            if row is None or not 0 <= moment().wall - int(row[0]) <= _SWEPT_EVERY:
                self._objects.delete_unused_listings()
                self._db.execute("INSERT OR REPLACE INTO facts VALUES ('swept', ?)", (moment().wall,))

    def _tidied_some(self) -> bool:
        with self._transaction(seen=False):
            row = self._db.execute("SELECT number FROM copies WHERE state = 'dropped' LIMIT 1").fetchone()
            if row is not None:
                self._db.execute("DELETE FROM staged WHERE copy = ?", row)
                if not self._objects.delete_some(row[0], _STEP):
                    self._db.execute("DELETE FROM along WHERE copy = ?", row)
                    self._db.execute("DELETE FROM copies WHERE number = ?", row)
                return True
            # Keep objects whose end a digest may still depend on.
            before = moment().wall - _KEPT
            rows = self._db.execute("SELECT number, folded FROM copies").fetchall()
            return any(self._objects.delete_ended(number, min(before, folded), _STEP) for number, folded in rows)

    def _apply(self, number: int, entries: Sequence[MirrorEntry]) -> None:
        total, active, folded = self._db.execute(
            "SELECT total, active, folded FROM copies WHERE number = ?", (number,)
        ).fetchone()
        change = self._objects.put(number, entries, folded)
        changed = _bytes((int.from_bytes(total) + change.total) % DIGEST_MODULUS)
        self._db.execute(
            "UPDATE copies SET total = ?, active = ?, listings = listings + ? WHERE number = ?",
            (changed, active + change.active, change.listings, number),
        )

    def _set(self, number: int, **columns: object) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        self._db.execute(f"UPDATE copies SET {names} WHERE number = ?", (*columns.values(), number))  # noqa: S608 - columns

    @contextmanager
    def _transaction(self, *, seen: bool = True) -> Iterator[None]:
        """Run a complete transaction; ``seen``: readers have to reload rules and copies after it."""
        with self._turn():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                if seen:
                    self._db.execute("UPDATE facts SET value = value + 1 WHERE name = 'generation'")
            except BaseException:  # also when stopping: the next transaction must not continue this one
                self._objects.forget()
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Take exclusive use of the file. Raises ``WriterClosed``."""
        with self._lock:
            if self._is_closed:
                raise WriterClosed
            yield


def _bytes(total: int) -> bytes:
    return total.to_bytes(32)
