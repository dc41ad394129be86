"""Move a hub from its SQLite store into an empty PostgreSQL database: all rows, compared, in one transaction."""

import fcntl
import re
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg
from sqlalchemy import Connection, Table, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from server.features.backup import rows as tables
from server.features.backup.rows import Faults, Row, TableDigest
from server.operations.operation import Actor, Operation
from server.operations.run import run
from server.release.hub import Hub
from server.store import Store, StoreUnavailable, Tx
from server.store.database import fact_versions
from server.store.database.direct import postgresql_of
from server.store.migrate import NotEmpty, UnknownRevision, make_tables, refuse_revision, refuse_tables, revisions
from server.store.tables import declared, migration_lock

_SECRETS = {"password", "sslpassword"}
# The bytes of a file on which SQLite has a lock for each open connection.
_LOCKED_FROM, _LOCKED_BYTES = 0x4000_0002, 510
_PIECE = 10_000


class CannotMove(Exception):
    """The hub cannot be moved; nothing was changed. The message gives the reason and the remedy."""


class MovedTable(msgspec.Struct, frozen=True):
    """A table with its rows, and the digest of their values."""

    table: str
    rows: int
    digest: str


class Moved(NamedTuple):
    """A move, or a dry run of one: the tables, and their revision."""

    tables: list[MovedTable]
    revision: str


def refuse_url(url: str) -> None:
    """Reject the URL of another database than PostgreSQL, or one with a password. Raises ``CannotMove``."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername != "postgresql+psycopg" or not parsed.database:
        raise CannotMove("--to: name a PostgreSQL database: postgresql+psycopg://USER@HOST/DATABASE")
    if parsed.password is not None or _SECRETS & parsed.query.keys():
        raise CannotMove(
            "--to: write the URL without the password, which other users of this machine could read; set PGPASSWORD, or"
            " write the password into ~/.pgpass, or into another such file that ends the URL: ?passfile=FILE"
        )


def refuse_running(file: Path) -> None:
    """Reject an SQLite store that another process has open. Raises ``CannotMove``.

    Call this before this process opens the store: closing the file ends the locks of the process.
    """
    try:
        with file.open("r+b") as opened:
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKED_BYTES, _LOCKED_FROM)
    except BlockingIOError as error:
        raise CannotMove(
            f"{file}: another process has the store open; stop scamfeed serve, scamfeed feed schedule and all other"
            f" commands of the hub (lsof {file} lists them)"
        ) from error
    except OSError as error:
        raise CannotMove(
            f"{file}: cannot be opened to write, which excludes other writers: {error.strerror}"
        ) from error


def move(
    source: Store, file: Path, url: str, operation: Operation[None], actor: Actor, count: Callable[[int], None]
) -> Moved:
    """Copy all rows of an SQLite store into an empty database, and compare them, in one transaction.

    Nobody can write to the source until the end. The entry in the audit trail of the new store is written in the same
    transaction, as ``operation`` describes it. ``count`` gets the number of rows so far. Raises ``CannotMove``.
    """
    found: list[MovedTable] = []
    with _source(source, file, writes_wait=True) as (database, revision), _target(url) as target:

        def copy(tx: Tx) -> None:
            connection = _connection(tx)
            _refuse_encoding(connection)
            make_tables(connection)
            found.extend(_copy_all(_Reader(database, count), connection))

        run(Hub(target), operation, actor, check=copy)
        with target.alone() as run_alone:
            run_alone("ANALYZE")
        return Moved(found, revision)


def check(source: Store, file: Path, url: str, count: Callable[[int], None]) -> Moved:
    """Return what ``move`` would do. The hub may run meanwhile. Raises ``CannotMove``."""
    with _source(source, file, writes_wait=False) as (database, revision), _target(url) as target:
        with target.read() as tx:
            connection = _connection(tx)
            _refuse_encoding(connection)
            refuse_tables(connection)
        reader = _Reader(database, count)
        found = [_described(table, _counted(reader.rows(table))) for table in _moved()]
        reader.refuse_faults()
        return Moved(found, revision)


@contextmanager
def _source(store: Store, file: Path, *, writes_wait: bool) -> Iterator[tuple[sqlite3.Connection, str]]:
    """Open the source for reading, with its revision. ``writes_wait``: others cannot write to it until the end."""
    try:
        with store.begin() if writes_wait else store.read() as tx:
            revision = _revision(tx)
            with tables.opened(file) as database:
                _refuse_other_tables(tables.columns_by_table(database))
                yield database, revision
    except (StoreUnavailable, sqlite3.Error) as error:
        raise CannotMove(f"{store.url}: cannot be read: {error}; nothing was moved") from error


def _revision(tx: Tx) -> str:
    """Return the revision of the source. Raises ``CannotMove`` if it is not that of this program version."""
    revision, needed = revisions(tx)
    try:
        refuse_revision(str(revision))
    except UnknownRevision as error:
        raise CannotMove(str(error)) from error
    if revision != needed:
        raise CannotMove(
            f"the store's tables have revision {revision}, this version needs {needed}; run: scamfeed init"
        )
    return str(revision)


def _refuse_other_tables(found: dict[str, set[str]]) -> None:
    """Reject a source whose tables or columns differ from the declared ones. Raises ``CannotMove``."""
    wanted = {table.name: {column.name for column in table.columns} for table in declared().sorted_tables}
    found.pop("alembic_version", None)
    for table in sorted(found.keys() ^ wanted.keys()):
        raise CannotMove(
            f"table {table} is not one of the hub's tables; save it elsewhere and drop it in the SQLite store"
            if table in found
            else f"table {table} is missing in the SQLite store; restore a backup"
        )
    for table, columns in sorted(wanted.items()):
        for column in sorted(columns ^ found[table]):
            raise CannotMove(f"column {column} of table {table} is only in one of the SQLite store and this version")


@contextmanager
def _target(url: str) -> Iterator[Store]:
    """Open the new database. Errors of it become ``CannotMove``, without values of rows."""
    with closing(Store.open(url, patient=True)) as target:
        try:
            yield target
        except NotEmpty as error:
            raise CannotMove(
                f"{target.url}: {error}; name an empty one (createdb), or drop this one first (dropdb) if nothing in it"
                " is needed"
            ) from error
        except StoreUnavailable as error:
            raise CannotMove(
                f"{target.url}: {error}; check that the database exists and answers, and that PGPASSWORD or ~/.pgpass"
                " has the password. A database without tables was left unchanged: start the move again"
            ) from error
        except (DBAPIError, psycopg.Error) as error:
            raise CannotMove(f"{target.url}: {_first_line(error)}; nothing was moved") from None


def _first_line(error: DBAPIError | psycopg.Error) -> str:
    """Return the first line of an error of the database, which contains no value of a row."""
    return str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]


def _connection(tx: Tx) -> Connection:
    if not isinstance(tx, Connection):
        raise TypeError("a transaction on PostgreSQL is a connection of SQLAlchemy")
    return tx


def _refuse_encoding(connection: Connection) -> None:
    """Reject a database that cannot store every text. Raises ``CannotMove``."""
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise CannotMove(
            f"the database stores text as {encoding}; make another:"
            " createdb --encoding=UTF8 --locale=C --template=template0 NAME"
        )


def _moved() -> list[Table]:
    """Return the tables whose rows are moved, each after those that it refers to.

    The lock of migrations is left out: only PostgreSQL has a row in it.
    """
    return [table for table in declared().sorted_tables if table is not migration_lock]


class _Reader:
    """Reads all tables of the source, and counts their rows."""

    def __init__(self, database: sqlite3.Connection, count: Callable[[int], None]) -> None:
        """Read from a snapshot."""
        self._database = database
        self._count = count
        self._faults = Faults()
        self._number = 0
        tables.find_dangling(database, self._faults)

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield the rows of a table, except those that PostgreSQL would refuse."""
        for row in tables.rows_of(self._database, table, self._faults):
            self._number += 1
            if self._number % _PIECE == 0:
                self._count(self._number)
            yield row

    @property
    def has_faults(self) -> bool:
        """Return whether there were rows that PostgreSQL would refuse."""
        return self._faults.number > 0

    def refuse_faults(self) -> None:
        """Raise ``CannotMove`` if there were rows that PostgreSQL would refuse."""
        if self.has_faults:
            raise CannotMove(
                f"PostgreSQL would refuse these rows of the SQLite store:\n{self._faults}\nNothing was moved. Correct"
                " them with the hub stopped, as by sqlite3: UPDATE … WHERE rowid = …"
            )


def _copy_all(reader: _Reader, connection: Connection) -> list[MovedTable]:
    """Fill the tables, read them again, and return them. Raises ``CannotMove``."""
    moved = _moved()
    # The migrations fill some tables.
    for table in reversed(moved):
        connection.exec_driver_sql(f'DELETE FROM "{table.name}"')  # noqa: S608 - a name of our tables
    # No process knows facts of the new store yet, so their versions are moved as they are.
    fact_versions.begin(connection)
    database = postgresql_of(connection)
    sent = {}
    for table in moved:
        digest = TableDigest()
        rows = _noted(reader.rows(table), digest)
        if reader.has_faults:
            # The others are read too, so that one error names the faults of all tables.
            deque(rows, maxlen=0)
            continue
        try:
            tables.copy_in(database, table, rows)
        except psycopg.DatabaseError as error:
            # Faults of the same table explain this better.
            reader.refuse_faults()
            raise CannotMove(_refusal(table, error)) from None
        sent[table.name] = _described(table, digest)
    reader.refuse_faults()
    for table in moved:
        stored = _described(table, _counted(tables.copy_out(database, table)))
        if stored != sent[table.name]:
            raise CannotMove(
                f"table {table.name} differs after the copy: {sent[table.name].rows} rows were sent,"
                f" {stored.rows} are stored, or their values differ; nothing was moved"
            )
    return list(sent.values())


def _refusal(table: Table, error: psycopg.DatabaseError) -> str:
    """Return why PostgreSQL refused a table, with the place of the row in it, and without its values."""
    line = re.search(r"\bline (\d+)", error.diag.context or "")
    row = f", row {line[1]} in the order of rowid" if line else ""
    return f"table {table.name}{row}: {_first_line(error)}; nothing was moved. Correct the row in the SQLite store"


def _noted(rows: Iterable[Row], digest: TableDigest) -> Iterator[Row]:
    for row in rows:
        digest.add(row)
        yield row


def _counted(rows: Iterable[Row]) -> TableDigest:
    digest = TableDigest()
    for row in rows:
        digest.add(row)
    return digest


def _described(table: Table, digest: TableDigest) -> MovedTable:
    return MovedTable(table.name, digest.rows, digest.result())
