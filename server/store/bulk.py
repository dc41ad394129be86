"""Many rows at once, in each database's way."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.engine import Dialect

from server.store.store import StoreUnavailable, Tx

# Below this COPY's own round trips cost more than they save.
_FEW = 5


def insert_many(tx: Tx, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert ``rows``, whose values are in the order of the table's columns; none is fine."""
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        # Its driver takes the rows as they are.
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
