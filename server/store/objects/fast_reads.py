"""Reads without a framework between: SQLAlchemy compiles each statement once, SQLite's own driver runs it."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast
from weakref import WeakSet

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from server.store.database.engine import Store, StoreUnavailable, Tx

_REMEMBERED_AT_MOST = 256
# SQLite checks the time after so many steps; it runs some ten million a second.
_STEPS = 1_000
# Of each thread's connection; the file itself is in the system's cache, where a page is read in a microsecond.
_CACHE_KIB = 8 * 1024
# A page of so many objects still takes no time.
_MOST_FAST_ROWS = 1_001

# What was read is remembered for so long where the database does not change: credentials end by the clock.
_REMEMBERED_SECONDS = 1.0
_MOST_FACTS = 1_000

_NEVER = float("inf")

_Found = TypeVar("_Found")
_Place = tuple[str, int | None]


class NotFast(Exception):
    """The answer takes more rows or more time than a fast read, or a writer; ask the store itself."""


class SearchTooLong(Exception):
    """A search has not come to its end in the time that it was given."""


class FastRows:
    """The rows of an answer, as plain tuples."""

    __slots__ = ("_rows",)

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        """Hold ``rows``."""
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Iterate over the rows."""
        return iter(self._rows)

    def all(self) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self._rows

    def first(self) -> tuple[Any, ...] | None:
        """Return the first row, None without any."""
        return self._rows[0] if self._rows else None

    def scalar(self) -> Any:
        """Return the first value of the first row, None without any."""
        return self._rows[0][0] if self._rows else None

    scalar_one = scalar


class FastConnection:
    """One thread's own connection, as the read functions of the store use one."""

    def __init__(self, path: str, dialect: Dialect) -> None:
        """Open the database file ``path``, whose SQL is of ``dialect``."""
        self.dialect = dialect
        # Used by one thread; closed by the last thread that holds it.
        self._connection = sqlite3.connect(
            path, isolation_level=None, cached_statements=512, timeout=30, check_same_thread=False
        )
        self.close = weakref.finalize(self, self._connection.close)
        self._deadline = _NEVER
        self._is_limited = False
        self._depth = 0
        # What was read of the database at a version of it, and until when it holds.
        self._facts: dict[Hashable, tuple[Any, float]] = {}
        self._version_of_facts: int | None = None
        self._knows_version = False
        for pragma in ("query_only=ON", f"cache_size=-{_CACHE_KIB}", "mmap_size=0", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")

    def within(self, seconds: float | None) -> "FastConnection":
        """Begin to read one moment of the database, until the ``with`` statement around this ends.

        With ``seconds``, a query that takes longer, or returns more rows than a fast read may, raises ``NotFast``.
        Inside another such view it is the same moment.
        """
        if self._depth == 0:
            if seconds is not None:
                self._deadline = time.monotonic() + seconds
            if self._is_limited != (seconds is not None):
                self._is_limited = seconds is not None
                self._connection.set_progress_handler(self._is_late if self._is_limited else None, _STEPS)
            self._run("BEGIN", ())
            self._knows_version = False
        return self

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Raise ``SearchTooLong`` where the queries within take longer than that."""
        if self._is_limited:
            # A fast read ends before.
            yield
            return
        self._deadline = time.monotonic() + seconds
        self._connection.set_progress_handler(self._is_late, _STEPS)
        try:
            yield
        finally:
            self._connection.set_progress_handler(None, _STEPS)
            self._deadline = _NEVER

    def version(self) -> int:
        """Return a number that changes whenever another connection changes the database."""
        return int(self._run("PRAGMA data_version", ())[0][0])

    def remembered(self, key: Hashable, find: Callable[[], _Found | None]) -> _Found | None:
        """Return what ``find`` reads, without reading where the database is as it was a moment ago."""
        if not self._knows_version:
            # Within a view this is the version that the view sees.
            version = self.version()
            if version != self._version_of_facts or len(self._facts) > _MOST_FACTS:
                self._facts.clear()
            self._version_of_facts, self._knows_version = version, True
        known = self._facts.get(key)
        moment = time.monotonic()
        if known is not None and known[1] > moment:
            return cast(_Found, known[0])
        found = find()
        if found is not None:
            self._facts[key] = found, moment + _REMEMBERED_SECONDS
        return found

    def __enter__(self) -> Tx:
        """Return the connection; the read functions use ``execute`` and ``dialect`` of it, no more."""
        self._depth += 1
        return cast(Tx, self)

    def __exit__(self, *_: object) -> None:
        """End the view."""
        self._depth -= 1
        if self._depth == 0:
            self._deadline = _NEVER
            self._connection.rollback()

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> FastRows:
        """Run ``statement``, which is made once and run often."""
        given = parameters or {}
        sql, places, fixed = _written(statement, given, self.dialect)
        values = [
            (given[name] if name in given else fixed[name]) if at is None else given[name][at] for name, at in places
        ]
        return FastRows(self._run(sql, values))

    def _run(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            found = self._connection.execute(sql, values)
            if not self._is_limited:
                return found.fetchall()
            rows = found.fetchmany(_MOST_FAST_ROWS)
            if len(rows) == _MOST_FAST_ROWS and found.fetchone() is not None:
                found.close()
                raise NotFast
            return rows
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise (NotFast if self._is_limited else SearchTooLong) from error
            raise StoreUnavailable("the database cannot be read") from error

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline


def remembered(tx: Tx, key: Hashable, find: Callable[[], _Found | None]) -> _Found | None:
    """Return what ``find`` reads of the database as ``tx`` sees it, under a ``key`` that nothing else has.

    On a fast connection what was read less than a second ago is taken where no byte of the database changed since.
    """
    reader: object = tx
    return reader.remembered(key, find) if isinstance(reader, FastConnection) else find()


class FastStore(Store):
    """The same database, read through each thread's own connection where it is SQLite; written as ever.

    With ``patience`` (seconds), it answers only reads that take no longer and need no writing.
    """

    def __init__(self, store: Store, patience: float | None = None) -> None:
        """Read the database of ``store``."""
        self._source = store
        engine = store._engine
        super().__init__(engine)
        self._queue = store._queue
        self._patience = patience
        self._of_thread = threading.local()
        self._connections = WeakSet[FastConnection]()
        self._path = make_url(engine.url).database if engine.dialect.name == "sqlite" else None

    @property
    def is_fast(self) -> bool:
        """Return whether there is a ``patience``: a password that is new here is verified elsewhere then."""
        return self._patience is not None

    def read(self) -> AbstractContextManager[Tx]:
        """Open a view of the database, as ``Store.read``; inside another one of this thread it is the same moment."""
        if self._path is not None:
            return self._own_connection(self._path).within(self._patience)
        if self._patience is not None:
            raise NotFast
        return self._shared()

    def close(self) -> None:
        """Close every connection, those of all threads too; none of them reads any more."""
        for connection in [*self._connections]:
            connection.close()
        self._of_thread = threading.local()
        super().close()

    @contextmanager
    def _shared(self) -> Iterator[Tx]:
        """Open a view, or share the one that this thread has open."""
        open_: Tx | None = getattr(self._of_thread, "tx", None)
        if open_ is not None:
            yield open_
            return
        with self._source.read() as tx:
            self._of_thread.tx = tx
            try:
                yield tx
            finally:
                self._of_thread.tx = None

    def version(self) -> int:
        """Return a number that changes whenever anything in the database changes. Raises ``NotFast``."""
        if self._path is None:
            raise NotFast
        return self._own_connection(self._path).version()

    def _own_connection(self, path: str) -> FastConnection:
        connection: FastConnection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            try:
                connection = self._of_thread.connection = FastConnection(path, self._engine.dialect)
                self._connections.add(connection)
            except sqlite3.OperationalError as error:
                raise StoreUnavailable("the database cannot be opened") from error
        return connection

    @contextmanager
    def begin(self, *, in_passing: bool = False) -> Iterator[Tx]:
        """Open a write transaction, as ``Store.begin``. Raises ``NotFast`` with a ``patience``."""
        if self._patience is not None:
            raise NotFast
        with super().begin(in_passing=in_passing) as tx:
            yield tx


_remembered: dict[Any, tuple[Executable, tuple[str, list[_Place], dict[str, Any]]]] = {}


def _written(
    statement: Executable, given: Mapping[str, Any], dialect: Dialect
) -> tuple[str, list[_Place], dict[str, Any]]:
    """Return the SQL, the source of each of its values, and the values that the statement itself brings."""
    lengths = [len(value) for value in given.values() if type(value) is tuple]
    key = (id(statement), *lengths)
    found = _remembered.get(key)
    if found is not None:
        return found[1]
    compiled = cast(SQLCompiler, cast(ClauseElement, statement).compile(dialect=dialect))
    state = compiled.construct_expanded_state(dict(given))
    names: dict[str, _Place] = {
        expanded: (name, at)
        for name, several in state.parameter_expansion.items()
        for at, expanded in enumerate(several)
    }
    places = [names.get(name, (name, None)) for name in state.positiontup or ()]
    written = state.statement, places, dict(state.parameters)
    if len(_remembered) >= _REMEMBERED_AT_MOST:
        _remembered.clear()
    # The statement is held too, so that its id is not used again.
    _remembered[key] = statement, written
    return written
