"""SQL that differs between SQLite and PostgreSQL: many rows at once, long lists of values, the database's clock."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from sqlalchemy import ARRAY, ColumnElement, Table, Text, any_, bindparam, func, insert, select, text
from sqlalchemy.engine import Dialect

from server.store.engine import StoreUnavailable, Tx

# Below this COPY's own round trips cost more than they save.
_FEW = 5


def insert_many(tx: Tx, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert ``rows``, whose values are in the order of the table's columns; none is fine."""
    if not rows:
        return
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


def chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """Cut a list of any length into lists that one statement takes well."""
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


_SQLITE = text("SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000")
# Not now(), which is the moment the transaction began.
_POSTGRESQL = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)")


def database_time(tx: Tx) -> int:
    """Return the time of the database's clock, on which all nodes agree, in microseconds since the epoch."""
    moment: int = tx.execute(_SQLITE if tx.dialect.name == "sqlite" else _POSTGRESQL).scalar_one()
    return moment
