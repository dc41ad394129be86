"""The tables of a mirror's file, and the connection to it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from feeds.closing import closed_on_error
from feeds.errors import Misconfigured

_FORM = 1
_APPLICATION = 0x5CAFEED
_OF_OBJECT = (
    "copy INTEGER NOT NULL, id BLOB NOT NULL, version NOT NULL, revoked INTEGER NOT NULL, ends INTEGER, "
    "names BLOB NOT NULL, listing INTEGER"
)
# Numbers of copies and listings are never reused, because readers cache them.
_SCHEMA = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE copies (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hub TEXT NOT NULL,
    collection TEXT NOT NULL,
    alias TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,            -- filling, visible, dropped
    checkpoint TEXT,                -- JSON, after what the copy has
    staged TEXT,                    -- JSON, after what is staged
    begun INTEGER NOT NULL,         -- when the copy was begun; milliseconds, as all times
    since INTEGER,                  -- what ended before then, by the hub's clock, the copy never had
    as_of INTEGER,                  -- up to when it is known to be current, by the hub's clock
    total BLOB NOT NULL,            -- the digest of what is active at folded
    active INTEGER NOT NULL,        -- objects of any type
    listings INTEGER NOT NULL DEFAULT 0, -- and the indicators among them
    folded INTEGER NOT NULL,
    digest TEXT NOT NULL,           -- equal, differs, behind, none
    proved INTEGER,                 -- when it was equal last
    repaired INTEGER,
    error TEXT
);
CREATE TABLE listings (number INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE objects (number INTEGER PRIMARY KEY, {_OF_OBJECT});
CREATE UNIQUE INDEX objects_by_id ON objects (copy, id);
CREATE INDEX objects_by_end ON objects (copy, ends) WHERE ends IS NOT NULL;
CREATE TABLE names (name BLOB NOT NULL, object INTEGER NOT NULL, PRIMARY KEY (name, object)) WITHOUT ROWID;
CREATE TABLE staged (number INTEGER PRIMARY KEY, {_OF_OBJECT});
CREATE INDEX staged_by_copy ON staged (copy, number);
"""
# The objects that accompany a listing of a full variant, and that listing. Files of earlier versions get it, too.
_ALONG = """
CREATE TABLE IF NOT EXISTS along (
    copy INTEGER NOT NULL, id BLOB NOT NULL, listing BLOB NOT NULL, PRIMARY KEY (copy, id, listing)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS along_by_listing ON along (copy, listing);
"""
# Files of earlier versions have no number of listings yet.
_COUNT_LISTINGS = (
    "ALTER TABLE copies ADD COLUMN listings INTEGER NOT NULL DEFAULT 0",
    "UPDATE copies SET listings = (SELECT count(*) FROM objects o WHERE o.copy = copies.number AND o.revoked = 0 "
    "AND (o.ends IS NULL OR o.ends > copies.folded) AND (typeof(o.id) = 'blob' OR o.id LIKE 'indicator--%'))",
)
# Copies up to this number are of an earlier version, which stored no pages of hosts: each is read again completely.
PAGED_AFTER = "paged_after"
_PAGED = f"INSERT OR IGNORE INTO facts SELECT '{PAGED_AFTER}', CAST(coalesce(max(number), 0) AS TEXT) FROM copies"  # noqa: S608
# A large file is read through the system's page cache, without copies.
_MAPPED = 1 << 32


# SQLite's error codes for a file that it did not write this way.
_DAMAGES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def log_fact(hub: str, collection: str) -> str:
    """Return the name of the fact about the log of a collection."""
    return f"log:{hub}:{collection}"


def clock_fact(hub: str) -> str:
    """Return the name of the fact about the last reading of a hub's clock."""
    return f"clock:{hub}"


def country_fact(hub: str) -> str:
    """Return the name of the fact about a hub's country, as the hub states it."""
    return f"country:{hub}"


def has_listings(connection: sqlite3.Connection) -> bool:
    """Return whether a file stores the number of listings of each copy, unlike files of earlier versions."""
    return any(column[1] == "listings" for column in connection.execute("PRAGMA table_info(copies)"))


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error means that the file is damaged."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGES


def is_damaged(path: Path) -> bool:
    """Return whether a mirror's file is damaged; takes some seconds for a million values."""
    if not path.is_file() or not path.stat().st_size:
        return False
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
            if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
                return False
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except sqlite3.Error as error:
        return is_damage(error)


def set_aside(path: Path) -> None:
    """Rename a damaged file, replacing an earlier damaged one."""
    path.replace(path.with_name(f"{path.name}.damaged"))
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open a mirror's file for a sync, from any thread that takes its turn, and create it if it is missing.

    Raises ``Misconfigured``.
    """
    try:
        if not path.exists():
            _make(path)
        connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        with closed_on_error(connection):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -65536")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.execute("BEGIN IMMEDIATE")
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    raise Misconfigured(f"{path}: is not the file of a mirror: set another file")
                for statement in filter(str.strip, _SCHEMA.split(";\n")):
                    connection.execute(statement)
                connection.execute("INSERT INTO facts VALUES ('generation', 0)")
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_FORM}")
            if connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION:
                for statement in filter(str.strip, _ALONG.split(";\n")):
                    connection.execute(statement)
                for statement in () if has_listings(connection) else _COUNT_LISTINGS:
                    connection.execute(statement)
                connection.execute(_PAGED)
            connection.execute("COMMIT")
            _check_form(path, connection)
    except (sqlite3.Error, OSError) as error:
        raise Misconfigured(f"{path}: cannot be used as the file of a mirror ({error})") from error
    return connection


def _make(path: Path) -> None:
    """Create an empty file that only its owner can read; SQLite gives the same rights to its side files."""
    # Side files of a lost file would be read as part of the new one.
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


class NoCopy(Misconfigured):
    """No sync has created the file yet."""


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a mirror's file to check values, from any thread that takes its turn.

    Raises ``NoCopy`` before the first sync, and ``Misconfigured``.
    """
    if not path.is_file():
        raise NoCopy(f"there is no copy {path}; run: scamfeed mirror sync")
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=30, check_same_thread=False
        )
        with closed_on_error(connection):
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA mmap_size = {_MAPPED}")
            _check_form(path, connection)
    except sqlite3.Error as error:
        raise Misconfigured(f"{path}: cannot be read as the file of a mirror ({error})") from error
    return connection


def open_empty() -> sqlite3.Connection:
    """Open an empty database, used before the first sync."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in filter(str.strip, _SCHEMA.split(";\n")):
        connection.execute(statement)
    connection.execute("INSERT INTO facts VALUES ('generation', -1)")
    return connection


def _check_form(path: Path, connection: sqlite3.Connection) -> None:
    form = connection.execute("PRAGMA user_version").fetchone()[0]
    if form == 0:
        raise NoCopy(f"there is no copy in {path} yet; run: scamfeed mirror sync")
    if form != _FORM or connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise Misconfigured(
            f"{path}: was written by another version of this program (form {form}): remove it, and sync again"
        )
