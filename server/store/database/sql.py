"""SQL that differs between SQLite and PostgreSQL: many rows at once, long lists of values, the database's clock."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy import ARRAY, ColumnElement, Dialect, Table, Text, any_, bindparam, func, insert, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine

from server.store.database import fact_versions
from server.store.database.engine import StoreUnavailable, Tx, push
from server.store.database.times import now

_Value = TypeVar("_Value")

# Below this COPY's own round trips cost more than they save.
_FEW = 5


def insert_many(tx: Tx, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert ``rows``, whose values are in the order of the table's columns; none is fine."""
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
    """Send the rows as one binary COPY, in the transaction that is under way."""
    import psycopg  # only where the database is PostgreSQL

    names, types = _shape(table, tx.dialect)
    push(tx)
    connection = cast("psycopg.Connection[Any]", tx.connection.driver_connection)
    command = psycopg.sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        psycopg.sql.Identifier(table.name), psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, names))
    )
    try:
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except psycopg.OperationalError as error:
        raise StoreUnavailable("the database was lost on the way") from error


@contextmanager
def committing(tx: Tx) -> Iterator[None]:
    """Send what the block writes together with the commit, so that others wait for no answer on its way.

    The block reads nothing, and nothing follows it in the transaction. On SQLite the commit comes by itself.
    """
    if tx.dialect.name == "sqlite":
        yield
        return
    import psycopg  # only where the database is PostgreSQL

    fact_versions.end(tx)
    push(tx)
    connection = cast("psycopg.Connection[Any]", tx.connection.driver_connection)
    try:
        with connection.pipeline():
            yield
            connection.commit()
    except psycopg.OperationalError as error:
        raise StoreUnavailable("the database was lost on the way") from error


class ManyRows:
    """A statement for any number of rows: one for each on SQLite, one for all of them as arrays on PostgreSQL."""

    def __init__(self, sqlite: str, postgresql: str, types: Sequence[str]) -> None:
        """Write rows of values of PostgreSQL's ``types``, which stand as ``{arrays}`` in its statement."""
        self._sqlite = sqlite
        self._postgresql = postgresql.replace("{arrays}", ", ".join(f"%b::{type_}[]" for type_ in types))

    def run(self, tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run it for these rows; none is fine."""
        if not rows:
            return
        if tx.dialect.name == "sqlite":
            tx.exec_driver_sql(self._sqlite, list(rows))
            return
        import psycopg  # only where the database is PostgreSQL

        push(tx)
        connection = cast("psycopg.Connection[Any]", tx.connection.driver_connection)
        try:
            with connection.cursor() as cursor:
                cursor.execute(self._postgresql, [list(column) for column in zip(*rows, strict=True)])
        except psycopg.OperationalError as error:
            raise StoreUnavailable("the database was lost on the way") from error


@lru_cache(maxsize=16)
def _shape(table: Table, dialect: Dialect) -> tuple[list[str], list[str]]:
    return [column.name for column in table.columns], [column.type.compile(dialect).lower() for column in table.columns]


@lru_cache(maxsize=16)
def _written(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))


_CHUNK = 5_000


def any_of(tx: Tx, column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Hold where ``column`` is one of ``values``; however many, one parameter and one compiled statement."""
    if tx.dialect.name == "sqlite":
        given = func.json_each(bindparam("given", json.dumps(list(values)))).table_valued("value")
        return column.in_(select(given.c.value))
    return column == any_(bindparam("given", list(values), type_=ARRAY(Text)))


class _Listed(TypeDecorator[Any]):
    """A list of values as one parameter: an array, or JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, of: type[TypeEngine[Any]] = Text) -> None:
        """Hold values ``of`` one type."""
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database has for it."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.of))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the list as the driver takes it."""
        return json.dumps(list(value)) if dialect.name == "sqlite" else list(value)


class _Among(functions.GenericFunction[bool]):
    """Hold where a column is one of the values of a list that is one parameter."""

    type = Boolean()
    name = "among"
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Return it as it is: compared with 1, as SQLite has no booleans, it would use no index."""
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
    """Hold where ``column`` is one of the values in the list called ``name``, given when the statement is run.

    One statement for lists of every length, so that it is put together once.
    """
    return _Among(column, bindparam(name, type_=_Listed(of)))


def chunks(ids: Iterable[_Value]) -> Iterator[list[_Value]]:
    """Cut a list of any length into lists that one statement takes well."""
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


# SQLite has none of its own: it asks the machine's.
_MILLISECOND = 1_000
# PostgreSQL's clock in microseconds; not now(), which is the moment the transaction began.
CLOCK = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
# Which line of history PostgreSQL writes: another since each failover, and since a backup was restored to a moment.
TIMELINE = "CAST(CAST('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS BIT(32)) AS INTEGER)"
_POSTGRESQL = text(f"SELECT {CLOCK}")


def database_time(tx: Tx) -> int:
    """Return the time of the database's clock, on which all nodes agree, in microseconds since the epoch."""
    if tx.dialect.name == "sqlite":
        return now() // _MILLISECOND * _MILLISECOND
    moment: int = tx.execute(_POSTGRESQL).scalar_one()
    return moment
