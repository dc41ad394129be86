"""Reads of SQLite on its own driver: each thread has a connection, and runs prepared statements on it."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from operator import itemgetter
from typing import Any, TypeVar, cast
from weakref import WeakSet

from sqlalchemy import Executable, bindparam, func, select
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import OperationalError

from server.store.database.direct import PreparedStatement, PreparedView, prepare
from server.store.database.engine import Store, StoreUnavailable
from server.store.database.transactions import Tx, Values

# SQLite checks the time after this many steps. It runs some ten million a second.
_STEPS = 1_000
# Of each thread's connection. The file itself is in the system's cache, where reading a page takes a microsecond.
_CACHE_KIB = 8 * 1024
# A page with this many objects is still fast.
_MOST_FAST_ROWS = 1_001

# How long results are remembered while the database does not change, because credentials expire by the clock.
_REMEMBERED_SECONDS = 1.0
_MOST_FACTS = 1_000

_NEVER = float("inf")

_Found = TypeVar("_Found")


class NotFast(Exception):
    """The read needs too many rows, too much time, or a write. Use the store itself."""


class SearchTooLong(Exception):
    """A search has exceeded its time limit."""


class FastRows:
    """The rows of a result, which a fast connection has read already."""

    __slots__ = ("_make", "_rows")
    rowcount = -1

    def __init__(self, rows: Sequence[tuple[Any, ...]], make: Callable[[tuple[Any, ...]], Any]) -> None:
        """Hold ``rows``, whose columns are named by ``make``."""
        self._rows = rows
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows."""
        return map(self._make, self._rows)

    def all(self) -> Sequence[Any]:
        """Return all rows."""
        return list(self)

    def first(self) -> Any:
        """Return the first row, or None."""
        return self._make(self._rows[0]) if self._rows else None

    def one(self) -> Any:
        """Return the only row."""
        [row] = self._rows
        return self._make(row)

    def scalar(self) -> Any:
        """Return the first value of the first row, or None."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """Return the first value of the only row."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        """Return the first value of the only row, or None."""
        return self.scalar_one() if self._rows else None

    def scalars(self) -> Values:
        """Return the first values of the rows."""
        return FastRows([row[:1] for row in self._rows], itemgetter(0))


class FastConnection(PreparedView):
    """One thread's own connection to SQLite. It is the transaction of each view that the thread opens."""

    def __init__(self, path: str, dialect: Dialect) -> None:
        """Open the database file ``path``, whose SQL is of ``dialect``."""
        self.dialect = dialect
        self.info: dict[Any, Any] = {}
        # Used by one thread; closed by the last thread that holds it.
        self._connection = sqlite3.connect(
            path, isolation_level=None, cached_statements=512, timeout=30, check_same_thread=False
        )
        self.close = weakref.finalize(self, self._connection.close)
        self._deadline = _NEVER
        self._is_limited = False
        self._depth = 0
        # Cached results with the version of the database and their expiry.
        self._facts: dict[Hashable, tuple[Any, float]] = {}
        self._version_of_facts: int | None = None
        self._knows_version = False
        for pragma in ("query_only=ON", f"cache_size=-{_CACHE_KIB}", "mmap_size=0", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")

    def within(self, seconds: float | None) -> "FastConnection":
        """Begin a snapshot of the database, which lasts until the surrounding ``with`` statement ends.

        With ``seconds``, a query that takes longer, or returns more rows than a fast read may, raises ``NotFast``. A
        nested view uses the same snapshot.
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
        """Raise ``SearchTooLong`` if the queries in the block take longer than ``seconds``."""
        if self._is_limited:
            # A fast read has a shorter limit.
            yield
            return
        self._deadline = time.monotonic() + seconds
        self._connection.set_progress_handler(self._is_late, _STEPS)
        try:
            yield
        finally:
            self._connection.set_progress_handler(None, _STEPS)
            self._deadline = _NEVER

    def is_too_long(self, rows: int) -> bool:
        """Return whether a result of ``rows`` rows exceeds the limit of a fast read."""
        return self._is_limited and rows >= _MOST_FAST_ROWS

    def version(self) -> int:
        """Return a number that changes whenever another connection changes the database."""
        return int(self._run("PRAGMA data_version", ())[0][0])

    def remembered(self, key: Hashable, find: Callable[[], _Found | None]) -> _Found | None:
        """Return the result of ``find``, from memory if the database has not changed recently."""
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
        """Return the connection."""
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        """End the view."""
        self._depth -= 1
        if self._depth == 0:
            self._deadline = _NEVER
            self._connection.rollback()

    def execute(self, statement: Executable, parameters: Any = None, /) -> FastRows:
        """Run ``statement``, which is made once and run often."""
        given = parameters or {}
        prepared = prepare(statement, self.dialect, given)
        return FastRows(self.fetch(prepared, given), prepared.name)

    def fetch(self, statement: PreparedStatement, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run a prepared statement and return all its rows."""
        return statement.decoded(self._run(statement.sql, statement.listed(given)))

    def scalars(self, statement: Executable, parameters: Any = None, /) -> Values:
        """Run a statement and return the first value of each row."""
        return self.execute(statement, parameters).scalars()

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> FastRows:
        """Run SQL in the words of SQLite. The rows have no names."""
        return FastRows(self._run(statement, parameters or ()), tuple)

    def begin_nested(self) -> AbstractContextManager[Any]:
        """Raise ``NotFast``, because a view does not write."""
        raise NotFast

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
    """Return the result of ``find`` in the view ``tx``, cached under a unique ``key``.

    On a fast connection, results less than a second old are reused if the database is unchanged.
    """
    return tx.remembered(key, find) if isinstance(tx, FastConnection) else find()


def refuse_long(tx: Tx, most: int, has_more: Callable[[int], bool]) -> None:
    """Raise ``NotFast`` for a result of at most ``most`` rows that exceeds the limit of a fast read.

    ``has_more`` returns whether there are more rows than a number. This avoids fetching rows that would be discarded.
    """
    if isinstance(tx, FastConnection) and tx.is_too_long(most) and has_more(_MOST_FAST_ROWS - 1):
        raise NotFast


# A short poll takes 0.17 ms of processor time this way, and 0.62 ms over SQLAlchemy: 3.6 times.
class FastStore(Store):
    """The same database, read through each thread's own connection if it is SQLite. Writes are unchanged.

    With ``patience`` (seconds), it answers only reads that take no longer and need no write.
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
        """Return whether there is a ``patience``. Passwords unknown here are then verified elsewhere."""
        return self._patience is not None

    def read(self) -> AbstractContextManager[Tx]:
        """Open a view of the database, as ``Store.read``. A nested view of this thread uses the same snapshot."""
        if self._path is not None:
            return self._own_connection(self._path).within(self._patience)
        if self._patience is not None:
            raise NotFast
        return self._shared(self._source.read)

    def glance(self) -> AbstractContextManager[Tx]:
        """Open a connection whose statements each see the database of their moment; ``read`` in this thread uses it.

        On SQLite it is a view, as of ``read``.
        """
        if self._path is not None:
            return self._own_connection(self._path).within(self._patience)
        return self._shared(self._source.glance)

    def close(self) -> None:
        """Close every connection, including those of other threads, which must no longer read."""
        for connection in [*self._connections]:
            connection.close()
        self._of_thread = threading.local()
        super().close()

    @contextmanager
    def _shared(self, open_view: Callable[[], AbstractContextManager[Tx]]) -> Iterator[Tx]:
        """Open a view, or share this thread's open one."""
        open_: Tx | None = getattr(self._of_thread, "tx", None)
        if open_ is not None:
            yield open_
            return
        with open_view() as tx:
            self._of_thread.tx = tx
            try:
                yield tx
            finally:
                self._of_thread.tx = None

    def version(self) -> int:
        """Return a number that changes whenever the database changes. Raises ``NotFast``."""
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


@contextmanager
def limited(tx: Tx, seconds: float) -> Iterator[None]:
    """Limit every query in the block to ``seconds``. Raises ``SearchTooLong``; the view is then unusable."""
    if isinstance(tx, FastConnection):
        with tx.limited(seconds):
            yield
    elif tx.dialect.name == "postgresql":
        tx.execute(_LIMIT, {"milliseconds": str(int(seconds * 1000))})
        try:
            yield
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) == _CANCELLED:
                raise SearchTooLong from error
            raise
    else:
        yield


_CANCELLED = "57014"
_LIMIT = select(func.set_config("statement_timeout", bindparam("milliseconds"), True))
