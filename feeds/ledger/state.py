"""A reader's memory of one log between two runs: its last head, and where each object was found."""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from feeds.connector import Misconfigured, TryLater

_FORM = 1
_TABLES = (
    "CREATE TABLE heads (id INTEGER PRIMARY KEY CHECK (id = 0), log TEXT NOT NULL, note BLOB NOT NULL)",
    "CREATE TABLE places (id TEXT, version INTEGER, place INTEGER NOT NULL, added TEXT NOT NULL,"
    " PRIMARY KEY (id, version)) WITHOUT ROWID",
)


class FoundPlace(NamedTuple):
    """The index of an object's entry in the log, and when it was added."""

    place: int
    added: str


class LogState:
    """The memory of one log, in a file; it has no object, and no value."""

    def __init__(self, file: Path, log: str) -> None:
        """Open the memory of ``log``, by its URL. Raises ``Misconfigured``."""
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._log = log
        try:
            self._database = sqlite3.connect(file, isolation_level=None)
            self._prepare()
        except sqlite3.DatabaseError as error:
            raise Misconfigured(f"{file}: cannot be used as the memory of this log: name another file") from error

    def __enter__(self) -> Self:
        """Return the memory itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._database.close()

    def head(self) -> bytes | None:
        """Return the signed checkpoint of the run before, None at the first."""
        row = self._database.execute("SELECT note FROM heads").fetchone()
        return None if row is None else bytes(row[0])

    def store_head(self, note: bytes, before: bytes | None) -> None:
        """Remember a checkpoint in place of ``before``, which it follows.

        Raises ``TryLater`` where another process has replaced that one meanwhile: from its head this one may not
        follow.
        """
        if before is None:
            done = self._database.execute("INSERT OR IGNORE INTO heads VALUES (0, ?, ?)", (self._log, note))
        else:
            done = self._database.execute("UPDATE heads SET note = ? WHERE note = ?", (note, before))
        if not done.rowcount:
            raise TryLater(f"{self._log}: another process has followed this log at the same time")

    def place(self, id_: str, version: int) -> FoundPlace | None:
        """Return where a version of an object was found before."""
        asked = "SELECT place, added FROM places WHERE id = ? AND version = ?"
        row = self._database.execute(asked, (id_, version)).fetchone()
        return None if row is None else FoundPlace(*row)

    def store_places(self, found: Iterable[tuple[str, int, FoundPlace]]) -> None:
        """Remember where versions of objects were found."""
        rows = [(id_, version, *place) for id_, version, place in found]
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", rows)

    def _prepare(self) -> None:
        (form,) = self._database.execute("PRAGMA user_version").fetchone()
        if not form:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                for statement in _TABLES:
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA user_version={_FORM}")
        row = self._database.execute("SELECT log FROM heads").fetchone()
        if row is not None and row[0] != self._log:
            raise sqlite3.DatabaseError("another log")
