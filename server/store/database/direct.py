"""PreparedStatement statements: SQLAlchemy compiles each once, and the driver then runs it without SQLAlchemy.

On PostgreSQL, sending does not wait for a result. The statement travels with the next one, or with the commit. Reads
known in advance travel together (``read_ahead``), and the first statement with the beginning of the transaction.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import Connection, Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import LargeBinary, TypeEngine

from server.store.database import fact_versions
from server.store.database.engine import AHEAD, SENT, StoreUnavailable, push
from server.store.database.transactions import Tx

if TYPE_CHECKING:
    import psycopg

Given = Mapping[str, Any]
Fetched = list[tuple[Any, ...]]
# A statement that waits to be sent: its SQL, its values, and what gets its rows.
Sent = tuple[str, Any, Callable[[Fetched], object] | None]

_NOTHING: Given = MappingProxyType({})
_BUSY = "the database is busy, or the connection was lost"


class PreparedView(ABC):
    """A transaction that runs all its statements prepared."""

    @abstractmethod
    def fetch(self, statement: "PreparedStatement", given: Given) -> Fetched:
        """Run a statement and return all its rows."""


# A single report posted over SQLAlchemy alone took 1.1 to 1.4 times as much processor time, on either database.
def fetch(tx: Tx, statement: Executable, given: Given = _NOTHING) -> Fetched:
    """Run a statement that is made once, and return all its rows; none if it returns none.

    Raises ``StoreUnavailable``.
    """
    prepared = prepare(statement, tx.dialect, given)
    if isinstance(tx, PreparedView):
        return tx.fetch(prepared, given)
    fact_versions.note_statement(tx, statement)
    if tx.dialect.name == "sqlite":
        return prepared.decoded(_fetch_from_sqlite(tx, prepared, given))
    values = prepared.named(given)
    if (planned := tx.info.get(_PLANNED)) is not None:
        planned.append((prepared, values))
        return []
    if (known := tx.info.get(AHEAD)) is not None:
        if (rows := known.get(_key(prepared, values))) is not None:
            return prepared.decoded(rows)
        if not prepared.is_read:
            tx.info.pop(AHEAD)
    [found] = _fetch_from_postgresql(tx, [(prepared, values)])
    return prepared.decoded(found)


Asked = tuple["PreparedStatement", Given]


def fetch_all(
    tx: Tx, asked: Sequence[tuple[Executable, Given]], then: Callable[[], object] = lambda: None
) -> list[Fetched]:
    """Run statements one after the other, as ``fetch`` does, in one round trip on PostgreSQL; return the rows of each.

    On PostgreSQL the statements of the reads in ``then`` follow them; their rows are kept as by ``read_ahead``.
    """
    if tx.dialect.name == "sqlite" or isinstance(tx, PreparedView):
        return [fetch(tx, *each) for each in asked]
    first: list[Asked] = []
    for statement, given in asked:
        fact_versions.note_statement(tx, statement)
        prepared = prepare(statement, tx.dialect, given)
        first.append((prepared, prepared.named(given)))
    ahead = _planned(tx, [then])
    found = _fetch_from_postgresql(tx, [*first, *ahead])
    tx.info[AHEAD] = {_key(*each): rows for each, rows in zip(ahead, found[len(first) :], strict=True)}
    return [prepared.decoded(rows) for (prepared, _), rows in zip(first, found, strict=False)]


def read_ahead(tx: Tx, *reads: Callable[[], object]) -> None:
    """On PostgreSQL, send the statements of these reads together, and keep the rows until the transaction writes.

    The reads get no rows now. A later ``fetch`` of the same statement with the same values gets the kept rows.
    """
    if tx.dialect.name == "sqlite" or isinstance(tx, PreparedView):
        return
    known: dict[Any, Fetched] = tx.info.get(AHEAD, {})
    wanted = {key: asked for asked in _planned(tx, reads) if (key := _key(*asked)) not in known}
    if wanted:
        found = _fetch_from_postgresql(tx, list(wanted.values()))
        tx.info[AHEAD] = {**known, **dict(zip(wanted, found, strict=True))}


def _planned(tx: Tx, reads: Iterable[Callable[[], object]]) -> list[Asked]:
    """Return the statements that these reads would fetch, without sending them."""
    planned: list[Asked] = []
    tx.info[_PLANNED] = planned
    try:
        for read in reads:
            read()
    finally:
        del tx.info[_PLANNED]
    return planned


def _key(prepared: "PreparedStatement", values: Given) -> tuple[str, str]:
    return prepared.sql, repr(values)


# In the ``info`` of a transaction: the statements that ``read_ahead`` is about to send.
_PLANNED = "scamfeed-planned-reads"


def send(
    tx: Tx, statement: Executable, given: Given = _NOTHING, then: Callable[[Fetched], object] | None = None
) -> None:
    """Run a statement without waiting for its end. The next statement raises its error, if any.

    ``then`` gets its rows once it has ended (``push`` waits for that). Raises ``StoreUnavailable``.
    """
    if tx.dialect.name == "sqlite":
        rows = fetch(tx, statement, given)
        if then is not None:
            then(rows)
        return
    prepared = prepare(statement, tx.dialect, given)
    fact_versions.note_statement(tx, statement)
    tx.info.pop(AHEAD, None)
    sent: list[Sent] = tx.info.setdefault(SENT, [])
    sent.append((prepared.sql, prepared.named(given), then))


def postgresql_of(tx: Tx) -> "psycopg.Connection[Any]":
    """Return the driver's connection of a transaction on PostgreSQL, after sending what waits."""
    push(tx)
    return cast("psycopg.Connection[Any]", _driver(tx))


def _driver(tx: Tx) -> Any:
    if not isinstance(tx, Connection):
        raise TypeError("only a transaction of SQLAlchemy has the connection of a driver")
    return tx.connection.driver_connection


class _Place(NamedTuple):
    """One value of a statement: its name in the SQL, its source (a name, or a place in a given list), its encoder."""

    name: str
    source: str
    at: int | None
    encode: Callable[[Any], Any] | None


class PreparedStatement(NamedTuple):
    """A compiled statement: its SQL, its values in order, and how to read and name its rows."""

    sql: str
    places: Sequence[_Place]
    fixed: Given
    read: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None
    name: Callable[[tuple[Any, ...]], Any]
    # Referenced so that its id is not reused.
    statement: Executable
    # Whether it changes nothing.
    is_read: bool

    def named(self, given: Given) -> dict[str, Any]:
        """Return the values by the names in the SQL."""
        return dict(zip([place.name for place in self.places], self.listed(given), strict=True))

    def listed(self, given: Given) -> list[Any]:
        """Return the values in the order of the SQL."""
        fixed = self.fixed
        values = []
        for _, source, at, encode in self.places:
            value = given[source] if source in given else fixed[source]
            if at is not None:
                value = value[at]
            values.append(value if encode is None else encode(value))
        return values

    def decoded(self, rows: Fetched) -> Fetched:
        """Return rows of the driver with the values that SQLAlchemy would return."""
        return rows if self.read is None else list(map(self.read, rows))


# The names are not known to mypy.
_new_class: Callable[..., Any] = namedtuple

_known: dict[tuple[Any, ...], PreparedStatement] = {}
_KNOWN_AT_MOST = 1024


def prepare(statement: Executable, dialect: Dialect, given: Given) -> PreparedStatement:
    """Return a statement compiled for a dialect, and for the lengths of the tuples in ``given``."""
    key = id(statement), dialect.name, *(len(value) for value in given.values() if type(value) is tuple)
    found = _known.get(key)
    if found is None:
        if len(_known) >= _KNOWN_AT_MOST:
            _known.clear()
        found = _known[key] = _compile(statement, dialect, given)
    return found


def _compile(statement: Executable, dialect: Dialect, given: Given) -> PreparedStatement:
    compiled = cast(SQLCompiler, cast(ClauseElement, statement).compile(dialect=dialect))
    tuples = {name: value for name, value in given.items() if type(value) is tuple}
    # Includes the lists that are part of the statement.
    state = compiled.construct_expanded_state({**compiled.params, **tuples})
    types = {name: parameter.type for parameter, name in compiled.bind_names.items()}
    sources = {
        expanded: (name, at)
        for name, several in state.parameter_expansion.items()
        if name in tuples
        for at, expanded in enumerate(several)
    }
    places = []
    for name in state.positiontup if state.positiontup is not None else state.parameters:
        source, at = sources.get(name, (name, None))
        places.append(_Place(name, source, at, _encoder(types[source], dialect) if source in types else None))
    decoders = {place: _decoder(column.type, dialect) for place, column in enumerate(compiled._result_columns)}
    changed = {place: decoder for place, decoder in decoders.items() if decoder is not None}
    names = [column.keyname for column in compiled._result_columns]
    # The columns of a ``text`` are not known.
    make = partial(tuple.__new__, _new_class("Row", names, rename=True)) if names else tuple
    is_read = state.statement.lstrip()[:6].upper() == "SELECT"
    return PreparedStatement(
        state.statement, places, dict(state.parameters), _reader(changed), make, statement, is_read
    )


def _encoder(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = type_.dialect_impl(dialect).bind_processor(dialect)
    return found


def _decoder(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(type_, LargeBinary):
        return None  # both drivers return bytes
    found: Callable[[Any], Any] | None = type_.dialect_impl(dialect).result_processor(dialect, None)
    return found


def _reader(decoders: Mapping[int, Callable[[Any], Any]]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]] | None:
    """Return a decoder for the values at these positions of a row, or None if there are none."""
    if not decoders:
        return None
    places = list(decoders.items())

    def read(row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for place, decoder in places:
            values[place] = decoder(values[place])
        return tuple(values)

    return read


def _fetch_from_sqlite(tx: Tx, prepared: PreparedStatement, given: Given) -> Fetched:
    connection: sqlite3.Connection = _driver(tx)
    try:
        return connection.execute(prepared.sql, prepared.listed(given)).fetchall()
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(_BUSY) from error


def _fetch_from_postgresql(tx: Tx, asked: Sequence[tuple[PreparedStatement, Given]]) -> list[Fetched]:
    """Run statements with their values in one round trip, after those sent before, and return the rows of each."""
    import psycopg  # only where the database is PostgreSQL

    connection: psycopg.Connection[Any] = _driver(tx)
    sent: Sequence[Sent] = tx.info.pop(SENT, ())
    is_alone = not sent and len(asked) == 1
    try:
        # Outside of a pipeline the beginning of a transaction would be a round trip of its own.
        if is_alone and (connection.autocommit or connection.info.transaction_status):
            [(prepared, values)] = asked
            with connection.cursor() as cursor:
                cursor.execute(prepared.sql, values)
                return [_rows(cursor)]
        with connection.pipeline():
            before = [(connection.cursor().execute(sql, values), then) for sql, values, then in sent]
            cursors = [connection.cursor().execute(prepared.sql, values) for prepared, values in asked]
        for cursor, then in before:
            if then is not None:
                then(_rows(cursor))
        return [_rows(cursor) for cursor in cursors]
    except psycopg.OperationalError as error:
        raise StoreUnavailable(_BUSY) from error


def _rows(cursor: "psycopg.Cursor[Any]") -> Fetched:
    return cursor.fetchall() if cursor.description is not None else []
