"""The rows of whole tables: read strictly from an SQLite file, copied to PostgreSQL and back, and compared by digests.

SQLite stores any value in any column. PostgreSQL does not, so each value is checked against the type of its column.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import psycopg
from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, SmallInteger, Table, Text

Row = Sequence[Any]
# Faults that are named; the others are counted.
MOST_NAMED = 20
_DIGEST_BYTES = 16


class BadValue(Exception):
    """A value that PostgreSQL cannot store in its column. The message gives the reason, without the value."""


class _Type(NamedTuple):
    """A type of column: its name in PostgreSQL, and a function that checks and converts a value of SQLite."""

    name: str
    read: Callable[[Any], Any]


def _integer(bits: int) -> Callable[[Any], int]:
    smallest, largest = -(1 << bits - 1), (1 << bits - 1) - 1

    def read(value: Any) -> int:
        if type(value) is not int:
            raise BadValue(f"{_kind(value)} where PostgreSQL needs a whole number")
        if not smallest <= value <= largest:
            raise BadValue(f"a number that {bits} bits cannot store")
        return value

    return read


def _truth(value: Any) -> bool:
    if type(value) is not int or value not in (0, 1):
        raise BadValue("a value other than 0 and 1 where PostgreSQL needs true or false")
    return value == 1


def _float(value: Any) -> float:
    if type(value) is not float:
        raise BadValue(f"{_kind(value)} where PostgreSQL needs a number")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise BadValue(f"{_kind(value)} where PostgreSQL needs text")
    if "\0" in value:
        raise BadValue("a NUL character, which PostgreSQL does not store in text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadValue("text that is not UTF-8") from None
    return value


def _bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise BadValue(f"{_kind(value)} where PostgreSQL needs bytes")
    return value


def _kind(value: Any) -> str:
    return {int: "a whole number", float: "a fraction", str: "text", bytes: "bytes"}[type(value)]


TYPES: Mapping[type[Any], _Type] = {
    BigInteger: _Type("bigint", _integer(64)),
    Integer: _Type("integer", _integer(32)),
    SmallInteger: _Type("smallint", _integer(16)),
    Boolean: _Type("boolean", _truth),
    Float: _Type("double precision", _float),
    Text: _Type("text", _text),
    LargeBinary: _Type("bytea", _bytes),
}


class Faults:
    """Values and rows that PostgreSQL would refuse."""

    def __init__(self) -> None:
        """Start without faults."""
        self.number = 0
        self.named: list[str] = []

    def add(self, table: str, row: int, reason: str) -> None:
        """Add a fault of a row, which is named by its ``rowid``, because its key may be somebody's account."""
        self.number += 1
        if len(self.named) < MOST_NAMED:
            self.named.append(f"table {table}, rowid {row}: {reason}")

    def __str__(self) -> str:
        """Return the faults, one a line."""
        more = self.number - len(self.named)
        return "\n".join(self.named + ([f"and {more} more"] if more else []))


class TableDigest:
    """The number of rows of a table, and a digest of their values that does not depend on their order."""

    def __init__(self) -> None:
        """Start without rows."""
        self.rows = 0
        self._sum = 0
        self._encode = msgspec.msgpack.Encoder().encode

    def add(self, row: Row) -> None:
        """Add a row."""
        self.rows += 1
        self._sum += int.from_bytes(blake2b(self._encode(row), digest_size=_DIGEST_BYTES).digest())

    def result(self) -> str:
        """Return the sum of the digests of all rows, in hexadecimal."""
        return (self._sum % (1 << 8 * _DIGEST_BYTES)).to_bytes(_DIGEST_BYTES).hex()


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a snapshot of an SQLite file for reading only."""
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, isolation_level=None)) as database:
        # Invalid text becomes a fault of its row instead of an error of the driver.
        database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM sqlite_master").fetchall()
        yield database


def columns_by_table(database: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the columns of each table of an SQLite file."""
    asked = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    names = [row[0] for row in database.execute(asked)]
    return {name: {row[1] for row in database.execute(f"PRAGMA table_info({_quoted(name)})")} for name in names}


def find_dangling(database: sqlite3.Connection, faults: Faults) -> None:
    """Add the rows that refer to a missing row."""
    for table, row, parent, _ in database.execute("PRAGMA foreign_key_check"):
        faults.add(table, row, f"it refers to a row of {parent} that does not exist")


def rows_of(database: sqlite3.Connection, table: Table, faults: Faults) -> Iterator[Row]:
    """Yield the rows of a table in their order, as PostgreSQL returns them; leave out and note those with faults."""
    names = ", ".join(_quoted(column.name) for column in table.columns)
    asked = f"SELECT rowid, {names} FROM {_quoted(table.name)} ORDER BY rowid"  # noqa: S608 - names of our tables
    columns = [(column, TYPES[type(column.type)].read) for column in table.columns]
    for number, *values in database.execute(asked):
        row = []
        for (column, read), value in zip(columns, values, strict=True):
            try:
                row.append(_null(column) if value is None else read(value))
            except BadValue as error:
                faults.add(table.name, number, f"column {column.name} has {error}")
        if len(row) == len(columns):
            yield row


def _null(column: "Column[Any]") -> Any:
    if not column.nullable:
        raise BadValue("no value")
    return None


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def copy_in(database: "psycopg.Connection[Any]", table: Table, rows: Iterable[Row]) -> None:
    """Append rows to a table of PostgreSQL. Raises ``psycopg.Error``."""
    with database.cursor() as cursor, cursor.copy(_copy("COPY {} ({}) FROM STDIN (FORMAT BINARY)", table)) as copy:
        copy.set_types(_types(table))
        for row in rows:
            copy.write_row(row)


def copy_out(database: "psycopg.Connection[Any]", table: Table) -> Iterator[Row]:
    """Yield the rows of a table of PostgreSQL. Raises ``psycopg.Error``."""
    with database.cursor() as cursor, cursor.copy(_copy("COPY {} ({}) TO STDOUT (FORMAT BINARY)", table)) as copy:
        copy.set_types(_types(table))
        yield from copy.rows()


def _copy(statement: str, table: Table) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    return sql.SQL(statement).format(sql.Identifier(table.name), names)


def _types(table: Table) -> list[str]:
    return [TYPES[type(column.type)].name for column in table.columns]
