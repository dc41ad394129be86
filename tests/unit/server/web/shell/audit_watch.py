"""Watches an application: a page that changes the store must leave an entry in the audit trail."""

import re
import sqlite3
import threading
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from flask import Flask

# Tables changed by background work, by reads, or by a person's login. These changes are no decisions.
TECHNICAL = re.compile(
    "audit.*|leases|jobs|quotas|shared_quotas|read_positions|read_steps|first_reads|verified_logins|sessions|activity"
    "|login_attempts|fact_versions|rewrites|digests|digest_buckets|dictionaries|statuses|heartbeats|migration_lock"
    "|ledger_.*|trend_.*|source_counts|match_rows|match_sets|silences|sandbox_reads|sandbox_changes|sqlite_.*"
)


class AuditWatch:
    """Compares the store before and after each sending request, and collects the addresses without an audit entry."""

    def __init__(self, app: Flask, file: str) -> None:
        """Watch the requests of ``app``, whose store is the SQLite database ``file``."""
        self.unrecorded: list[str] = []
        # A connection that stays open keeps its statements, and knows whether others have changed the store.
        self._database = sqlite3.connect(file, check_same_thread=False, cached_statements=256)
        self._reading, self._version = threading.Lock(), -1
        self._read: tuple[dict[str, bytes], int] = ({}, 0)
        self._counting, self._running, self._begun = threading.Lock(), 0, 0
        self._answer = app.wsgi_app
        app.wsgi_app = self._watched  # type: ignore[method-assign] # how WSGI middleware is installed

    def _watched(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            return self._answer(environ, start_response)
        with self._counting:
            self._running += 1
            self._begun += 1
            alone, number = self._running == 1, self._begun
        contents, entries = self._contents()
        body = list(self._answer(environ, start_response))
        changed, entries_after = self._contents()
        with self._counting:
            self._running -= 1
            alone = alone and self._begun == number
        # Changes of concurrent requests cannot be distinguished.
        if alone and entries == entries_after and contents != changed:
            tables = sorted(name for name in changed if changed[name] != contents.get(name))
            self.unrecorded.append(f"{environ['PATH_INFO']} changes {', '.join(tables)}")
        return body

    def close(self) -> None:
        """Close the connection to the store."""
        self._database.close()

    def _contents(self) -> tuple[dict[str, bytes], int]:
        """Return a digest of each table, and the number of audit entries about acts."""
        with self._reading:
            [(version,)] = self._database.execute("PRAGMA data_version").fetchall()
            if version != self._version:
                self._read, self._version = self._read_anew(), version
            return self._read

    def _read_anew(self) -> tuple[dict[str, bytes], int]:
        digests = {}
        for (name,) in self._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not TECHNICAL.fullmatch(name):
                digest = blake2b(digest_size=16)
                for row in self._database.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - a table's own name
                    digest.update(repr(row).encode())
                digests[name] = digest.digest()
        [(entries,)] = self._database.execute("SELECT count(*) FROM audit WHERE method != 'GET'").fetchall()
        return digests, entries
