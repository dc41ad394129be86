"""A partner's copy of a set between two runs: its tags, the keys seen, and the outputs for its own values.

No value stands in the file: outputs are kept under a keyed digest of the value, whose key is in the file. The file is
as confidential as the list of values that were matched.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Self

from feeds.connector import Misconfigured
from schemas.api.matching import MatchOutput

_FORM = 1
_AT_ONCE = 500
_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE keys (id TEXT PRIMARY KEY, public BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE outputs (key TEXT, value BLOB, output BLOB NOT NULL, PRIMARY KEY (key, value)) WITHOUT ROWID",
)


class MatchState:
    """The state of one collection at one hub, in a file or in memory alone."""

    def __init__(self, file: Path | None, of: str) -> None:
        """Open the state of ``of``, the URL of a collection's set. Raises ``Misconfigured``."""
        if file is not None:
            with suppress(FileExistsError):
                os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            self._database = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA secure_delete=ON")
            self._prepare(of)
        except sqlite3.DatabaseError as error:
            raise Misconfigured(f"{file}: cannot be used as the state of matching: name another file") from error
        self._salt = self.fact("salt") or b""

    def __enter__(self) -> Self:
        """Return the state itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def fact(self, name: str) -> bytes | None:
        """Return what was stored under a name."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def store(self, facts: Mapping[str, bytes]) -> None:
        """Store facts under their names, all or none."""
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", list(facts.items()))

    def pin(self, key: str, public: bytes) -> None:
        """Remember the public key of a key's name. Raises ``Misconfigured`` where it was another before."""
        row = self._database.execute("SELECT public FROM keys WHERE id = ?", (key,)).fetchone()
        if row is None:
            self._database.execute("INSERT INTO keys VALUES (?, ?)", (key, public))
        elif bytes(row[0]) != public:
            raise Misconfigured(
                f"the hub names another public key for {key} than before: it may tell partners apart by their keys; "
                "ask its operator, and remove the state only if the key was changed for all"
            )

    def keep_outputs_of(self, key: str) -> None:
        """Forget the outputs of other keys, which match nothing any more."""
        self._database.execute("DELETE FROM outputs WHERE key <> ?", (key,))

    def outputs(self, key: str, names: Sequence[str]) -> dict[str, MatchOutput]:
        """Return the outputs that are known, by the name of the value."""
        found: dict[str, MatchOutput] = {}
        for start in range(0, len(names), _AT_ONCE):
            digests = {self._digest(name): name for name in names[start : start + _AT_ONCE]}
            marks = ",".join("?" * len(digests))
            asked = f"SELECT value, output FROM outputs WHERE key = ? AND value IN ({marks})"  # noqa: S608 - marks
            with closing(self._database.execute(asked, (key, *digests))) as rows:
                found |= {digests[bytes(value)]: MatchOutput(bytes(output)) for value, output in rows}
        return found

    def add_outputs(self, key: str, outputs: Iterable[tuple[str, MatchOutput]]) -> None:
        """Keep outputs, all or none."""
        rows = [(key, self._digest(name), output.octets) for name, output in outputs]
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?)", rows)

    def _digest(self, name: str) -> bytes:
        return blake2b(name.encode(), key=self._salt, digest_size=16).digest()

    def _prepare(self, of: str) -> None:
        (form,) = self._database.execute("PRAGMA user_version").fetchone()
        if not form:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                for statement in _TABLES:
                    self._database.execute(statement)
                first = {"of": of.encode(), "salt": secrets.token_bytes(32)}
                self._database.executemany("INSERT INTO facts VALUES (?, ?)", list(first.items()))
                self._database.execute(f"PRAGMA user_version={_FORM}")
        if self.fact("of") != of.encode():
            raise sqlite3.DatabaseError("another set")
