"""SQL that differs between SQLite and PostgreSQL: many rows at once, long lists of values, the database's clock."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Dialect, Table, Text, any_, bindparam, func, insert, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine

from server.store.database import fact_versions
from server.store.database.direct import fetch, postgresql_of, send
from server.store.database.engine import StoreUnavailable, Tx
from server.store.database.times import now

_Value = TypeVar("_Value")

# Below this, the round trips of COPY cost more than they save.
_FEW = 5


def insert_many(tx: Tx, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert ``rows``, whose values follow the order of the table's columns. An empty list does nothing."""
    if not rows:
        return
    fact_versions.note(tx, table.name)
    if tx.dialect.name == "sqlite":
        # The driver accepts the rows as they are.
        tx.exec_driver_sql(_written(table, tx.dialect), list(rows))
    elif len(rows) < _FEW:
        names = [column.name for column in table.columns]
        tx.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
    else:
        _copy(tx, table, rows)


def _copy(tx: Tx, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Send the rows as one binary COPY, in the current transaction."""
    import psycopg  # only where the database is PostgreSQL

    names, types = _shape(table, tx.dialect)
    connection = postgresql_of(tx)
    command = psycopg.sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        psycopg.sql.Identifier(table.name), psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, names))
    )
    try:
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except psycopg.OperationalError as error:
        raise StoreUnavailable("the connection to the database was lost") from error


@contextmanager
def committing(tx: Tx) -> Iterator[None]:
    """Send the writes of the block together with the commit, so that no lock is held for another round trip.

    The block must not read, and nothing may follow it in the transaction. On SQLite the commit is separate.
    """
    if tx.dialect.name == "sqlite":
        yield
        return
    import psycopg  # only where the database is PostgreSQL

    fact_versions.end(tx)
    connection = postgresql_of(tx)
    try:
        with connection.pipeline():
            yield
            connection.commit()
    except psycopg.OperationalError as error:
        raise StoreUnavailable("the connection to the database was lost") from error


class ManyRows:
    """A statement for any number of rows: one per row on SQLite, one with arrays per chunk of rows on PostgreSQL."""

    def __init__(self, sqlite: str, postgresql: str, types: Sequence[str]) -> None:
        """Write rows of values of PostgreSQL's ``types``, inserted as ``{arrays}`` into its statement."""
        self._sqlite = sqlite
        self._postgresql = postgresql.replace("{arrays}", ", ".join(f"%b::{type_}[]" for type_ in types))

    def run(self, tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run the statement for these rows. An empty list does nothing."""
        if not rows:
            return
        if tx.dialect.name == "sqlite":
            tx.exec_driver_sql(self._sqlite, list(rows))
            return
        import psycopg  # only where the database is PostgreSQL

        connection = postgresql_of(tx)
        try:
            with connection.cursor() as cursor:
                # The database hears nothing while a statement is written, and ends a transaction that is silent long.
                for some in chunks(rows):
                    cursor.execute(self._postgresql, [list(column) for column in zip(*some, strict=True)])
        except psycopg.OperationalError as error:
            raise StoreUnavailable("the connection to the database was lost") from error


@lru_cache(maxsize=16)
def _shape(table: Table, dialect: Dialect) -> tuple[list[str], list[str]]:
    return [column.name for column in table.columns], [column.type.compile(dialect).lower() for column in table.columns]


@lru_cache(maxsize=16)
def _written(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))


_CHUNK = 5_000


def any_of(tx: Tx, column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Return a condition that ``column`` is one of ``values``. Any number is one parameter and one statement."""
    if tx.dialect.name == "sqlite":
        given = func.json_each(bindparam("given", json.dumps(list(values)))).table_valued("value")
        return column.in_(select(given.c.value))
    return column == any_(bindparam("given", list(values), type_=ARRAY(Text)))


class _Listed(TypeDecorator[Any]):
    """A list of values as one parameter: an array, or JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, of: type[TypeEngine[Any]] = Text) -> None:
        """Hold values of one type."""
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the database type of the list."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.of))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the list in the driver's format."""
        return json.dumps(list(value)) if dialect.name == "sqlite" else list(value)


class _Among(functions.GenericFunction[bool]):
    """A condition that a column is one of the values of a list given as one parameter."""

    type = Boolean()
    name = "among"
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Return it without parentheses. SQLAlchemy would compare it with 1 for SQLite, and no index would be used."""
        return self


@compiles(_Among)
def _among(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, given = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({given})"


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, given = (compiler.process(clause, **options) for clause in element.clauses)
    return " ".join((column, "IN (SELECT value FROM json_each(", given, "))"))


def among(column: ColumnElement[Any], name: str, of: type[TypeEngine[Any]] = Text) -> ColumnElement[bool]:
    """Return a condition that ``column`` is in the list parameter ``name``, given at execution.

    One statement serves lists of every length, so it is built once.
    """
    return _Among(column, bindparam(name, type_=_Listed(of)))


def chunks(ids: Iterable[_Value]) -> Iterator[list[_Value]]:
    """Split a list of any length into lists that one statement handles well."""
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


# SQLite has no clock of its own and uses the machine's.
_CONNECTIONS = text("SELECT state, count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY state")
_MILLISECOND = 1_000
# PostgreSQL's clock in microseconds. Not now(), which is the start of the transaction.
CLOCK = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
# The timeline that PostgreSQL writes. A failover or a point-in-time recovery begins a new one.
TIMELINE = "CAST(CAST('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS BIT(32)) AS INTEGER)"
_POSTGRESQL = text(f"SELECT {CLOCK}")


def database_time(tx: Tx) -> int:
    """Return the time of the database's clock, on which all nodes agree, in microseconds since the epoch."""
    if tx.dialect.name == "sqlite":
        return now() // _MILLISECOND * _MILLISECOND
    moment: int = tx.execute(_POSTGRESQL).scalar_one()
    return moment


def connections_by_state(tx: Tx) -> dict[str, int]:
    """Return the number of connections to the PostgreSQL database of the store by their state; none on SQLite."""
    if tx.dialect.name == "sqlite":
        return {}
    return {state or "unknown": number for state, number in tx.execute(_CONNECTIONS)}


# The second runs after the locks that are waited for.
_IMPATIENT = text(
    "SELECT set_config('scamfeed.lock_timeout', current_setting('lock_timeout'), true),"
    " set_config('lock_timeout', '200ms', true)"
)
_PATIENT = text("SELECT set_config('lock_timeout', current_setting('scamfeed.lock_timeout'), true)")


@contextmanager
def impatient(tx: Tx) -> Iterator[None]:
    """Wait only briefly for each lock in the block, which raises ``StoreUnavailable`` after that."""
    if tx.dialect.name == "sqlite":
        yield
        return
    send(tx, _IMPATIENT)
    yield
    send(tx, _PATIENT)


def versions_of_facts(tx: Tx) -> dict[str, int]:
    """Return the version of each of the ``Facts``, by name."""
    return dict(fetch(tx, fact_versions.ALL))
