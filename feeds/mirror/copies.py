"""The copies of collections in a mirror's file, as a sync writes them: begun, filled, staged, made visible, dropped.

Readers see visible copies only, and each as one transaction left it. The checkpoint of a batch is written in the
transaction of the batch. A first pull fills a copy that nobody sees yet. A later one is staged, and applied as a whole.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from feeds.mirror.entries import MirrorEntry
from feeds.mirror.rows import ObjectRows
from feeds.mirror.settings import CheckRules
from feeds.mirror.tables import open_to_write

_STEP = 5_000
# What has ended is kept for so long: a hub states its digest as of a moment that is a little in the past.
_KEPT = 86_400_000
_SWEPT_EVERY = 86_400_000
_COLUMNS = (
    "number, hub, collection, alias, title, state, checkpoint, staged, begun, since, as_of, total, active, folded, "
    "digest, proved, repaired, error"
)


class CollectionCopy(NamedTuple):
    """One copy of a collection of a hub, as the file has it; times in milliseconds."""

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
    folded: int
    digest: str
    proved: int | None
    repaired: int | None
    error: str | None

    def place(self) -> dict[str, Any] | None:
        """Return the checkpoint from which the next pull goes on; None for the beginning."""
        text = self.staged or self.checkpoint
        return json.loads(text) if text else None


class ActiveSet(NamedTuple):
    """The number of a copy's active objects at a moment, and their digest."""

    active: int
    total: int


class CopyWriter:
    """Writes the copies of a mirror's file; one process at a time does."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it where there is none. Raises ``Misconfigured``."""
        self.path = path
        self._db = open_to_write(path)
        self._objects = ObjectRows(self._db)

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def keep_rules(self, rules: CheckRules) -> None:
        """Keep the settings that checks follow."""
        self.keep_fact("rules", rules.model_dump(mode="json"))

    def keep_fact(self, name: str, value: Any) -> None:
        """Keep a fact about the mirror under its name."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def fact(self, name: str) -> Any:
        """Return a fact that is kept under its name, None where there is none."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def copies(self, hub: str | None = None) -> list[CollectionCopy]:
        """Return the copies that are not dropped: of a hub, or of all."""
        asked = f"SELECT {_COLUMNS} FROM copies WHERE state != 'dropped'"  # noqa: S608 - constants
        found = [CollectionCopy(*row) for row in self._db.execute(asked)]
        return [copy for copy in found if hub is None or copy.hub == hub]

    def get(self, number: int) -> CollectionCopy:
        """Return a copy by its number."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM copies WHERE number = ?", (number,)).fetchone()  # noqa: S608
        return CollectionCopy(*row)

    def begin(self, hub: str, collection: str, alias: str, title: str) -> CollectionCopy:
        """Begin an empty copy, which nobody sees before it is whole."""
        now = _now()
        with self._transaction():
            number = self._db.execute(
                "INSERT INTO copies (hub, collection, alias, title, state, begun, total, active, folded, digest) "
                "VALUES (?, ?, ?, ?, 'filling', ?, ?, 0, ?, 'none')",
                (hub, collection, alias, title, now, _bytes(0), now),
            ).lastrowid
        return self.get(number or 0)

    def add(self, copy: CollectionCopy, entries: Sequence[MirrorEntry], checkpoint: Mapping[str, Any] | None) -> None:
        """Write a batch and the checkpoint behind it: into a copy that is being filled, else beside the copy.

        Without a checkpoint the pull cannot go on from there.
        """
        text = None if checkpoint is None else json.dumps(checkpoint)
        with self._transaction(seen=False):
            if copy.state == "filling":
                self._apply(copy.number, entries)
                self._db.execute("UPDATE copies SET checkpoint = ? WHERE number = ?", (text, copy.number))
            else:
                self._objects.stage(copy.number, entries)
                self._db.execute("UPDATE copies SET staged = ? WHERE number = ?", (text, copy.number))

    def note_since(self, copy: CollectionCopy, since: int | None) -> None:
        """Note that a copy never had what ended before a moment of its hub's clock."""
        with self._transaction(seen=False):
            self._db.execute("UPDATE copies SET since = ? WHERE number = ?", (since, copy.number))

    def restart(self, copy: CollectionCopy) -> None:
        """Drop what a copy has that nobody sees, after a fault from which its pull cannot go on."""
        with self._transaction():
            if copy.state == "filling":
                self._db.execute("UPDATE copies SET state = 'dropped' WHERE number = ?", (copy.number,))
            else:
                self._db.execute("DELETE FROM staged WHERE copy = ?", (copy.number,))
                self._db.execute("UPDATE copies SET staged = NULL WHERE number = ?", (copy.number,))

    def publish(self, copies: Iterable[CollectionCopy], dropped: Iterable[CollectionCopy] = ()) -> None:
        """Make visible what was pulled whole of these copies, and drop others, all at once.

        A copy that was filled takes the place of the one before it, and is as old as that until it is settled.
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
                    self._db.execute(
                        "UPDATE copies SET state = 'visible', as_of = ? WHERE number = ?", (as_of, copy.number)
                    )
                elif (staged := self.get(copy.number).staged) is not None:
                    for entries in self._objects.staged(copy.number, _STEP):
                        self._apply(copy.number, entries)
                    self._db.execute("DELETE FROM staged WHERE copy = ?", (copy.number,))
                    self._db.execute(
                        "UPDATE copies SET checkpoint = ?, staged = NULL WHERE number = ?", (staged, copy.number)
                    )
            for copy in dropped:
                self._db.execute("UPDATE copies SET state = 'dropped' WHERE number = ?", (copy.number,))

    def settle(self, copy: CollectionCopy, *, as_of: int | None, digest: str, error: str | None = None) -> None:
        """Note what is known of a copy after its sync; without ``as_of`` it is as old as before."""
        with self._transaction():
            self._db.execute(
                "UPDATE copies SET as_of = coalesce(?, as_of), digest = ?, error = ?, "
                "proved = CASE WHEN ? = 'equal' THEN ? ELSE proved END WHERE number = ?",
                (as_of, digest, error, digest, as_of, copy.number),
            )

    def note_repair(self, copy: CollectionCopy) -> None:
        """Note that a copy was made to repair another."""
        with self._transaction():
            self._db.execute("UPDATE copies SET repaired = ? WHERE number = ?", (_now(), copy.number))

    def note_error(self, copy: CollectionCopy, error: str) -> None:
        """Note why a copy could not be synced."""
        with self._transaction():
            self._db.execute("UPDATE copies SET error = ? WHERE number = ?", (error, copy.number))

    def active_set(self, copy: CollectionCopy, at: int) -> ActiveSet:
        """Return what of a copy is active at a moment, and remember it: the next one is found from there."""
        with self._transaction():
            now = self.get(copy.number)
            total, active = int.from_bytes(now.total), now.active
            for sign, part in self._objects.ended_between(copy.number, now.folded, at):
                total, active = (total + sign * part) % (1 << 256), active + sign
            self._db.execute(
                "UPDATE copies SET total = ?, active = ?, folded = ? WHERE number = ?",
                (_bytes(total), active, at, copy.number),
            )
        return ActiveSet(active, total)

    def tidy(self) -> None:
        """Delete dropped copies, what ended long ago, and listings that no object has, in short transactions."""
        while self._tidied_some():
            pass
        row = self._db.execute("SELECT value FROM facts WHERE name = 'swept'").fetchone()
        if row is None or int(row[0]) < _now() - _SWEPT_EVERY:
            with self._transaction(seen=False):
                self._objects.delete_unused_listings()
                self._db.execute("INSERT OR REPLACE INTO facts VALUES ('swept', ?)", (_now(),))

    def _tidied_some(self) -> bool:
        with self._transaction(seen=False):
            row = self._db.execute("SELECT number FROM copies WHERE state = 'dropped' LIMIT 1").fetchone()
            if row is not None:
                self._db.execute("DELETE FROM staged WHERE copy = ?", row)
                if not self._objects.delete_some(row[0], _STEP):
                    self._db.execute("DELETE FROM along WHERE copy = ?", row)
                    self._db.execute("DELETE FROM copies WHERE number = ?", row)
                return True
            # Nothing whose end a digest may still ask for.
            before = _now() - _KEPT
            rows = self._db.execute("SELECT number, folded FROM copies").fetchall()
            return any(self._objects.delete_ended(number, min(before, folded), _STEP) for number, folded in rows)

    def _apply(self, number: int, entries: Sequence[MirrorEntry]) -> None:
        total, active, folded = self._db.execute(
            "SELECT total, active, folded FROM copies WHERE number = ?", (number,)
        ).fetchone()
        change = self._objects.put(number, entries, folded)
        changed = _bytes((int.from_bytes(total) + change.total) % (1 << 256))
        self._db.execute(
            "UPDATE copies SET total = ?, active = ? WHERE number = ?", (changed, active + change.active, number)
        )

    @contextmanager
    def _transaction(self, *, seen: bool = True) -> Iterator[None]:
        """Write as a whole or not at all; ``seen``: what readers know of rules and copies has to be read again."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            if seen:
                self._db.execute("UPDATE facts SET value = value + 1 WHERE name = 'generation'")
        except BaseException:  # whatever it was, stopping too: the next transaction must not go on with this one
            self._objects.forget()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _bytes(total: int) -> bytes:
    return total.to_bytes(32)


def _now() -> int:
    return int(time.time() * 1000)
