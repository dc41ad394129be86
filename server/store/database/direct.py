"""Statements that run often, on the driver itself: SQLAlchemy compiles each once, and stays out of its way.

On PostgreSQL, what is sent waits for no answer: it goes to the database together with the next statement, whoever runs
that, or with the commit.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import LargeBinary, TypeEngine

from server.store.database import fact_versions
from server.store.database.engine import SENT, StoreUnavailable, Tx

if TYPE_CHECKING:
    from psycopg import Connection

Given = Mapping[str, Any]
Rows = list[tuple[Any, ...]]

_NOTHING: Given = MappingProxyType({})
_BUSY = "the database is busy, or was lost on the way"


def fetch(tx: Tx, statement: Executable, given: Given = _NOTHING) -> Rows:
    """Run a statement that was made once, and return all its rows, none for one that returns none.

    Raises ``StoreUnavailable``.
    """
    if not isinstance(tx, Tx):
        # A connection that only reads, and runs statements on its driver already.
        return cast(Rows, tx.execute(statement, given).all())
    prepared = _prepared(statement, tx.dialect)
    fact_versions.note_statement(tx, statement)
    if tx.dialect.name == "sqlite":
        found = _fetch_from_sqlite(tx, prepared, given)
    else:
        found = _fetch_from_postgresql(tx, prepared, given)
    return found if prepared.read is None else list(map(prepared.read, found))


def send(tx: Tx, statement: Executable, given: Given = _NOTHING) -> None:
    """Run a statement without waiting for its end; whatever goes wrong with it, the next one raises.

    Raises ``StoreUnavailable``.
    """
    if tx.dialect.name == "sqlite":
        fetch(tx, statement, given)
        return
    prepared = _prepared(statement, tx.dialect)
    fact_versions.note_statement(tx, statement)
    sent: list[tuple[str, Any]] = tx.info.setdefault(SENT, [])
    sent.append((prepared.sql, prepared.named(given)))


class _Prepared(NamedTuple):
    """A compiled statement: its SQL, the values that it needs in their order, and how to read its rows."""

    sql: str
    places: Sequence[tuple[str, Callable[[Any], Any] | None]]
    fixed: Given
    read: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None
    # Held too, so that its id is not used again.
    statement: Executable

    def named(self, given: Given) -> dict[str, Any]:
        """Return the values by the names in the SQL."""
        return dict(zip([name for name, _ in self.places], self.listed(given), strict=True))

    def listed(self, given: Given) -> list[Any]:
        """Return the values in the order of the SQL."""
        fixed = self.fixed
        return [_value(given[name] if name in given else fixed[name], encode) for name, encode in self.places]


def _value(value: Any, encode: Callable[[Any], Any] | None) -> Any:
    return value if encode is None else encode(value)


_known: dict[tuple[int, str], _Prepared] = {}
_KNOWN_AT_MOST = 512


def _prepared(statement: Executable, dialect: Dialect) -> _Prepared:
    key = id(statement), dialect.name
    found = _known.get(key)
    if found is None:
        if len(_known) >= _KNOWN_AT_MOST:
            _known.clear()
        found = _known[key] = _compile(statement, dialect)
    return found


def _compile(statement: Executable, dialect: Dialect) -> _Prepared:
    compiled = cast(SQLCompiler, cast(ClauseElement, statement).compile(dialect=dialect))
    # With the lists that the statement itself brings.
    state = compiled.construct_expanded_state(dict(compiled.params))
    types = {name: parameter.type for parameter, name in compiled.bind_names.items()}
    names = state.positiontup if state.positiontup is not None else list(state.parameters)
    places = [(name, _encoder(types[name], dialect) if name in types else None) for name in names]
    decoders = {place: _decoder(column.type, dialect) for place, column in enumerate(compiled._result_columns)}
    changed = {place: decoder for place, decoder in decoders.items() if decoder is not None}
    return _Prepared(state.statement, places, dict(state.parameters), _reader(changed), statement)


def _encoder(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = type_.dialect_impl(dialect).bind_processor(dialect)
    return found


def _decoder(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(type_, LargeBinary):
        return None  # both drivers return bytes
    found: Callable[[Any], Any] | None = type_.dialect_impl(dialect).result_processor(dialect, None)
    return found


def _reader(decoders: Mapping[int, Callable[[Any], Any]]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]] | None:
    """Return what decodes the values of a row at these places; None without any."""
    if not decoders:
        return None
    places = list(decoders.items())

    def read(row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for place, decoder in places:
            values[place] = decoder(values[place])
        return tuple(values)

    return read


def _fetch_from_sqlite(tx: Tx, prepared: _Prepared, given: Given) -> Rows:
    connection = cast(sqlite3.Connection, tx.connection.driver_connection)
    try:
        return connection.execute(prepared.sql, prepared.listed(given)).fetchall()
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(_BUSY) from error


def _fetch_from_postgresql(tx: Tx, prepared: _Prepared, given: Given) -> Rows:
    import psycopg  # only where the database is PostgreSQL

    connection = cast("Connection[Any]", tx.connection.driver_connection)
    sent = tx.info.pop(SENT, ())
    try:
        with connection.cursor() as cursor:
            if sent:
                with connection.pipeline():
                    for sql, values in sent:
                        connection.cursor().execute(sql, values)
                    cursor.execute(prepared.sql, prepared.named(given))
            else:
                cursor.execute(prepared.sql, prepared.named(given))
            return cursor.fetchall() if cursor.description is not None else []
    except psycopg.OperationalError as error:
        raise StoreUnavailable(_BUSY) from error
