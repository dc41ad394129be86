"""The databases under the engine, and their statistics."""

import os
import sqlite3
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from benchmarks.release import usage
from benchmarks.store import TABLE, Insert, copied
from tests.postgres import Postgres


class Used(NamedTuple):
    """Usage up to a moment: seconds of the server and of the database, and bytes of write-ahead log."""

    server: float
    database: float
    log: int


class Database(ABC):
    """A database for one hub."""

    name: str
    url: str
    # The file with the keys of the ledger.
    keys: Path

    @abstractmethod
    def used(self, server: int) -> Used:
        """Return the usage so far, of the server with this process id and of the database."""

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Return the bytes of each table and index."""

    @abstractmethod
    def statements(self) -> Counter[str]:
        """Return how often each statement was executed by a server started with ``counted``."""

    @abstractmethod
    def counted(self) -> list[str]:
        """Return the beginning of a command that runs the program and counts its statements."""

    @abstractmethod
    def plain(self) -> tuple[str, Insert]:
        """Return the function that inserts bare rows, and its name."""


class SQLite(Database):
    """A database file in the temporary folder."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "hub.db"
        self._trace = folder / "statements"
        self.url = f"sqlite:///{self._file}"
        self.keys = folder / "ledger.key"

    def used(self, server: int) -> Used:
        return Used(usage.cpu(server), 0.0, usage.written(server))

    def sizes(self) -> dict[str, int]:
        return usage.sqlite_bytes(self._file)

    def statements(self) -> Counter[str]:
        return Counter(self._trace.read_text().splitlines()) if self._trace.exists() else Counter()

    def counted(self) -> list[str]:
        return ["-m", "benchmarks.release.statements", str(self._trace)]

    def plain(self) -> tuple[str, Insert]:
        connection = sqlite3.connect(self._folder / "plain.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=16384"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(TABLE.format(blob="BLOB"))

        def insert(rows: Any) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO raw VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
            connection.execute("COMMIT")

        return "raw SQLite, synchronous", insert


_COUNTS = """
SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 120), calls::bigint
FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid WHERE d.datname = current_database()
"""


class PostgreSQL(Database):
    """A database of the benchmark's own server, which writes through to the disk and counts its statements."""

    name = "PostgreSQL"

    def __init__(self, server: Postgres, keys: Path) -> None:
        self._server = server
        self.keys = keys
        self._database = server.database()
        self.url = server.url(self._database)
        self._conninfo = f"host={server.folder} user=scamfeed dbname={self._database}"
        self._aside = psycopg.connect(self._conninfo, autocommit=True)
        self._aside.execute("CREATE EXTENSION pg_stat_statements")

    def used(self, server: int) -> Used:
        [(position,)] = self._aside.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchall()
        return Used(usage.cpu(server), usage.cpu(self._server.pid), int(position))

    def sizes(self) -> dict[str, int]:
        return usage.postgresql_bytes(self._aside)

    def statements(self) -> Counter[str]:
        counts = Counter[str]()
        for query, calls in self._aside.execute(_COUNTS):
            if "pg_stat_statements" not in query:
                counts[query] += calls
        return counts

    def counted(self) -> list[str]:
        return ["-m", "server.cli"]

    def plain(self) -> tuple[str, Insert]:
        return "COPY of the reports alone", copied(self._conninfo)


@contextmanager
def sqlite() -> Iterator[Database]:
    """Create an SQLite database, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="scamfeed-release-") as folder:
        yield SQLite(Path(folder))


@contextmanager
def postgresql() -> Iterator[Database]:
    """Run a PostgreSQL with one database, and remove it at the end."""
    settings = {
        "shared_preload_libraries": "pg_stat_statements",
        "pg_stat_statements.max": "10000",
        "shared_buffers": "512MB",
        "max_wal_size": "4GB",
    }
    server = Postgres(durable=True, settings=settings)
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="scamfeed-release-") as folder:
            yield PostgreSQL(server, Path(folder) / "ledger.key")
    finally:
        server.remove()


KINDS = {"sqlite": sqlite, "postgresql": postgresql}


def load() -> float:
    """Return the load of the machine."""
    return os.getloadavg()[0]


def wait_quiet(seconds: float = 0.3) -> None:
    """Let the server finish its work after the response."""
    time.sleep(seconds)
