"""The database as files of a backup: a snapshot written while the hub runs, and loaded into an empty database.

SQLite is one file, copied with its own backup while others read and write. PostgreSQL is a file a table, by COPY in one
transaction, which needs no other program. Tables that are cut into partitions are saved whole, and are restored uncut:
``scamfeed init --partitions`` cuts them.
"""

import gzip
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from sqlalchemy import MetaData, create_engine, make_url

from server.store.database.engine import Store, StoreUnavailable
from server.store.migrate import UnknownRevision, refuse_revision


class BadArchive(Exception):
    """A database cannot be saved, or files cannot be loaded. The message gives the reason and the remedy."""


class SavedDatabase(msgspec.Struct, frozen=True):
    """A saved database: its kind, the revision of its tables, and the rows of each table."""

    kind: str
    revision: str
    rows: dict[str, int]


def kind_of(url: str) -> str:
    """Return the kind of the database at a URL: ``sqlite`` or ``postgresql``."""
    return "sqlite" if make_url(url).get_backend_name() == "sqlite" else "postgresql"


def save(url: str, folder: Path) -> SavedDatabase:
    """Write a snapshot of the database at ``url`` into an empty folder. Raises ``BadArchive``."""
    return _save_sqlite(url, folder) if kind_of(url) == "sqlite" else _save_postgresql(url, folder)


def refuse_used(url: str) -> None:
    """Reject a database that is not empty. Raises ``BadArchive``."""
    _refuse_used_sqlite(url) if kind_of(url) == "sqlite" else _refuse_used_postgresql(url)


def refuse_unknown(url: str, saved: SavedDatabase) -> None:
    """Reject a backup of another kind of database, or of an unknown revision. Raises ``BadArchive``."""
    if kind_of(url) != saved.kind:
        raise BadArchive(f"the backup is of {saved.kind}, but the settings name another database (database_url)")
    try:
        refuse_revision(saved.revision)
    except UnknownRevision as error:
        raise BadArchive(f"the backup cannot be restored: {error}") from error


def load(url: str, folder: Path, saved: SavedDatabase) -> None:
    """Load a folder into an empty database, completely or not at all, and upgrade its tables. Raises ``BadArchive``."""
    refuse_unknown(url, saved)
    (_load_sqlite if saved.kind == "sqlite" else _load_postgresql)(url, folder, saved)


FILE = "scamfeed.db"
_BESIDE = ("", "-wal", "-shm", "-journal")


def _save_sqlite(url: str, folder: Path) -> SavedDatabase:
    """Copy the file in one step, as a snapshot, without blocking readers or writers. Raises ``BadArchive``."""
    target = folder / FILE
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(_file(url))) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            # A single file, without companion files.
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()
            return _read(copy)
    except sqlite3.Error as error:
        raise BadArchive(f"the database cannot be copied: {error}") from error


def _refuse_used_sqlite(url: str) -> None:
    """Reject an existing file. Raises ``BadArchive``."""
    for end in _BESIDE:
        file = Path(f"{_file(url)}{end}")
        if file.exists():
            raise BadArchive(f"{file}: the file exists already; restore the backup where there is no store")


def _load_sqlite(url: str, folder: Path, saved: SavedDatabase) -> None:
    """Put a copy of the file at the path of the store. Raises ``BadArchive``."""
    target = _file(url)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = target.with_name(f".{target.name}.restored")
    try:
        made.unlink(missing_ok=True)
        with (
            (folder / FILE).open("rb") as source,
            os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out,
        ):
            shutil.copyfileobj(source, out)
            out.flush()
            os.fsync(out.fileno())
        with closing(sqlite3.connect(made)) as copy:
            if _read(copy) != saved:
                raise BadArchive("the number of rows in the database differs from the backup's manifest")
        os.link(made, target)
    except (OSError, sqlite3.Error) as error:
        raise BadArchive(f"{target}: cannot be restored: {error}") from error
    finally:
        made.unlink(missing_ok=True)
    try:
        with closing(Store.open(url)) as store:
            store.migrate()
    except StoreUnavailable as error:
        for end in _BESIDE:
            with suppress(FileNotFoundError):
                Path(f"{target}{end}").unlink()
        raise BadArchive(str(error)) from error


def _file(url: str) -> Path:
    return Path(make_url(url).database or "")


def _read(database: sqlite3.Connection) -> SavedDatabase:
    """Return the content of a file after SQLite has checked it. Raises ``BadArchive`` and ``sqlite3.Error``."""
    if database.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise BadArchive("the database is damaged: PRAGMA integrity_check finds faults in it")
    asked = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    names = [row[0] for row in database.execute(asked)]
    rows = {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608 - ours
    revision = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return SavedDatabase("sqlite", str(revision[0]), rows)


_END = ".copy.gz"
_COLUMNS = ".columns"
_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
"""
_NAMES = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_PIECE = 1 << 20


def _save_postgresql(url: str, folder: Path) -> SavedDatabase:
    """Write each table into its own file, all from one snapshot. Raises ``BadArchive``."""
    rows: dict[str, int] = {}
    with _connected(url) as database:
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        database.read_only = True
        # A large table takes longer than the time limit of a page.
        database.execute("SET LOCAL statement_timeout = 0")
        [revision] = database.execute("SELECT version_num FROM alembic_version").fetchone() or [""]
        for (table,) in database.execute(_TABLES).fetchall():
            columns = [row[0] for row in database.execute(_NAMES, [f'"{table}"']).fetchall()]
            _write(folder / f"{table}{_COLUMNS}", "\n".join(columns).encode())
            copied = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT BINARY)").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table)
            )
            with _packed(folder / f"{table}{_END}") as out, database.cursor() as cursor:
                with cursor.copy(copied) as copy:
                    for piece in copy:
                        out.write(piece)
                rows[table] = cursor.rowcount
        database.rollback()
    return SavedDatabase("postgresql", str(revision), rows)


def _refuse_used_postgresql(url: str) -> None:
    """Reject a database with tables. Raises ``BadArchive``."""
    with _connected(url) as database:
        if tables := database.execute(_TABLES).fetchall():
            raise BadArchive(
                f"the database already has tables, such as {tables[0][0]}; restore the backup into an empty one"
            )


def _load_postgresql(url: str, folder: Path, saved: SavedDatabase) -> None:
    """Create the tables of the backup's revision, fill them in one transaction, and upgrade. Raises ``BadArchive``."""
    try:
        with closing(Store.open(url, patient=True)) as store:
            store.migrate(saved.revision)
        _fill(url, folder, saved)
        with closing(Store.open(url, patient=True)) as store:
            store.migrate()
    except (StoreUnavailable, BadArchive, OSError, EOFError) as error:
        # The database was empty, so everything in it comes from this restore.
        _empty(url)
        raise BadArchive(f"the database cannot be restored: {error}") from error


def _fill(url: str, folder: Path, saved: SavedDatabase) -> None:
    ordered = [table.name for table in _reflected(url).sorted_tables]
    if sorted(ordered) != sorted(saved.rows):
        raise BadArchive("the tables of the backup do not match its revision")
    with _connected(url) as database:
        database.execute("SET LOCAL statement_timeout = 0")
        # Migrations fill some tables.
        for table in reversed(ordered):
            database.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        for table in ordered:
            columns = (folder / f"{table}{_COLUMNS}").read_text(encoding="utf-8").split("\n")
            copied = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with gzip.open(folder / f"{table}{_END}", "rb") as packed, database.cursor() as cursor:
                with cursor.copy(copied) as copy:
                    while piece := packed.read(_PIECE):
                        copy.write(piece)
                if cursor.rowcount != saved.rows[table]:
                    raise BadArchive(f"the number of rows of table {table} differs from the backup's manifest")
        database.commit()
        database.autocommit = True
        database.execute("ANALYZE")


def _empty(url: str) -> None:
    found = _reflected(url)
    engine = create_engine(make_url(url), hide_parameters=True)
    try:
        found.drop_all(engine)
    finally:
        engine.dispose()


def _reflected(url: str) -> MetaData:
    engine = create_engine(make_url(url), hide_parameters=True)
    try:
        found = MetaData()
        found.reflect(engine)
        return found
    finally:
        engine.dispose()


@contextmanager
def _connected(url: str) -> "Iterator[psycopg.Connection[Any]]":
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(plain) as database:
            yield database
    except psycopg.Error as error:
        # The first line contains no value of a row.
        raise BadArchive(f"the database does not answer: {str(error).splitlines()[0]}") from None


@contextmanager
def _packed(file: Path) -> Iterator[gzip.GzipFile]:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=out, mtime=0) as packed:
            yield packed
        out.flush()
        os.fsync(out.fileno())


def _write(file: Path, text: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(text)
