"""The hashes of a collection's blocked domains and URLs, kept in memory up to the end of its log.

The hashes follow the log: a delisting takes effect with the next search. The list of their prefixes for clients gets a
version at most once a minute, at the full minute, so that several processes make the same versions.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

from mappers.listing import listing_of_bytes
from schemas.errors import Rejected
from schemas.vocabulary import Action
from server.features.safe_browsing import queries
from server.features.safe_browsing.expressions import full_hash
from server.features.safe_browsing.queries import ChangedListing
from server.features.safe_browsing.versions import PREFIX, HashVersions
from server.store.database.engine import Tx
from server.store.database.times import now, parse

_MINUTE = 60_000_000
_ROWS_AT_ONCE = 1_000
_NEVER = 2**63 - 1


class FoundHash(NamedTuple):
    """The hash of a listed value, and the end of its listing (microseconds)."""

    full: bytes
    ends: int


class ListedHashes:
    """The hashes of one log. Threads share it; ``used`` is when a client last asked for it."""

    def __init__(self, log: int, secret: bytes) -> None:
        """Start without hashes. ``secret`` proves which versions are the hub's."""
        self.used = time.monotonic()
        # Set once the log has been read to its end.
        self.is_whole = threading.Event()
        self._log, self._secret = log, secret
        self._read_up_to = -1
        self._reading = threading.Lock()
        self._entries = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._entries.executescript(_SCHEMA)
        self._versions = HashVersions(f"log {log}", secret=secret)
        # The minute of the version, and the prefixes that changed since.
        self._minute = 0
        self._touched: set[int] = set()

    @property
    def read_up_to(self) -> int:
        """The place of the log up to which it has been read."""
        return self._read_up_to

    @property
    def versions(self) -> HashVersions:
        """The present version of the list."""
        return self._versions

    def begin_anew(self) -> None:
        """Forget all hashes, and read the log again from its beginning."""
        with self._reading:
            self.is_whole.clear()
            self._entries.execute("DELETE FROM entries")
            self._versions = HashVersions(f"log {self._log}", secret=self._secret)
            self._touched.clear()
            self._minute, self._read_up_to = 0, -1

    def close(self) -> None:
        """Forget all hashes, for good."""
        with self._reading:
            self._entries.close()

    def read_on(self, tx: Tx, seconds: float) -> bool:
        """Read the log up to its end in this view, for about so many seconds. Return whether the end is reached."""
        ends = time.monotonic() + seconds
        while True:
            after = self._read_up_to
            changed = queries.changes(tx, self._log, after, _ROWS_AT_ONCE)
            if not self._reading.acquire(timeout=max(0.0, ends - time.monotonic())):
                return False
            try:
                # Else another thread has read on meanwhile.
                if self._read_up_to == after:
                    self._write(changed.listings)
                    self._read_up_to = changed.read_up_to
                    if not changed.more:
                        self._make_version(now())
                        self.is_whole.set()
                        return True
            finally:
                self._reading.release()
            if time.monotonic() > ends:
                return False

    def find(self, prefixes: Iterable[bytes], at: int) -> list[FoundHash]:
        """Return the hashes of values listed ``at`` a moment (microseconds) that begin with any of the prefixes."""
        found: list[FoundHash] = []
        with self._reading:
            for prefix in prefixes:
                rows = self._entries.execute(_FIND, (int.from_bytes(prefix), at))
                found.extend(FoundHash(*row) for row in rows)
        return found

    def _write(self, listings: Iterable[ChangedListing]) -> None:
        with self._entries:
            self._entries.execute("BEGIN")
            for listing in listings:
                if self.is_whole.is_set():
                    # Earlier changes belong to the version of the last full minute.
                    self._make_version(listing.added - 1)
                self._write_one(listing)

    def _write_one(self, listing: ChangedListing) -> None:
        key, entry = (listing.high, listing.low), _entry(listing)
        if (before := self._entries.execute(_PREFIX, key).fetchone()) is not None:
            self._touched.add(before[0])
            if entry is None:
                self._entries.execute(_DELETE, key)
        if entry is not None:
            prefix = int.from_bytes(entry.full[:PREFIX])
            self._touched.add(prefix)
            self._entries.execute(_REPLACE, (*key, prefix, *entry))

    def _make_version(self, moment: int) -> None:
        """Make the version of the last full minute before a moment, once."""
        minute = moment // _MINUTE
        if minute <= self._minute:
            return
        self._minute = minute
        ended = self._entries.execute(_ENDED, (minute * _MINUTE,)).fetchall()
        if ended:
            self._entries.execute(_DELETE_ENDED, (minute * _MINUTE,))
        touched = self._touched.union(row[0] for row in ended)
        self._touched.clear()
        listed = {prefix for prefix in touched if self._entries.execute(_HAS, (prefix,)).fetchone()}
        added = {prefix for prefix in listed if prefix not in self._versions}
        removed = {prefix for prefix in touched - listed if prefix in self._versions}
        self._versions = self._versions.changed(added, removed)


def _entry(listing: ChangedListing) -> FoundHash | None:
    """Return the hash of a listing; None if clients should not block its value, or it must not be listed by hash."""
    if not listing.value:
        return None
    try:
        facts = listing_of_bytes(listing.body, "")
    except Rejected:
        return None
    if facts is None or facts.grade is not Action.BLOCK or facts.sandbox:
        return None
    full = full_hash(listing.kind, listing.value)
    return None if full is None else FoundHash(full, parse(facts.valid_until) if facts.valid_until else _NEVER)


_SCHEMA = """
CREATE TABLE entries (high INTEGER, low INTEGER, prefix INTEGER, full BLOB, ends INTEGER, PRIMARY KEY (high, low))
  WITHOUT ROWID;
CREATE INDEX by_prefix ON entries (prefix);
CREATE INDEX by_end ON entries (ends);
"""
_PREFIX = "SELECT prefix FROM entries WHERE high = ? AND low = ?"
_DELETE = "DELETE FROM entries WHERE high = ? AND low = ?"
_REPLACE = "INSERT OR REPLACE INTO entries (high, low, prefix, full, ends) VALUES (?, ?, ?, ?, ?)"
_FIND = "SELECT full, ends FROM entries WHERE prefix = ? AND ends > ?"
_HAS = "SELECT 1 FROM entries WHERE prefix = ?"
_ENDED = "SELECT prefix FROM entries WHERE ends <= ?"
_DELETE_ENDED = "DELETE FROM entries WHERE ends <= ?"
