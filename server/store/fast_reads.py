"""Reading without a framework between: SQLAlchemy writes each statement once, SQLite's own driver runs it."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast
from weakref import WeakSet

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from server.store.engine import Store, StoreUnavailable, Tx

_REMEMBERED_AT_MOST = 256
# SQLite looks at the clock each time it has gone so many steps; it goes some ten million a second.
_STEPS = 1_000
# A page of so many objects is still made at a glance.
_ROWS_AT_A_GLANCE = 1_001

_NEVER = float("inf")

_Place = tuple[str, int | None]


class NotFast(Exception):
    """To answer this takes more rows than a glance, longer, or a writer; ask the store itself."""


class FastRows:
    """The rows of an answer, as plain tuples."""

    __slots__ = ("_rows",)

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        """Hold ``rows``."""
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Go through the rows."""
        return iter(self._rows)

    def all(self) -> list[tuple[Any, ...]]:
        """Give all rows."""
        return self._rows

    def first(self) -> tuple[Any, ...] | None:
        """Give the first row, None without any."""
        return self._rows[0] if self._rows else None

    def scalar(self) -> Any:
        """Give the first value of the first row, None without any."""
        return self._rows[0][0] if self._rows else None

    scalar_one = scalar


class FastConnection:
    """One thread's connection of its own, as the reading functions of this room use one."""

    def __init__(self, path: str, dialect: Dialect) -> None:
        """Open the database file ``path``, whose SQL is of ``dialect``."""
        self.dialect = dialect
        # Used by one thread; closed by whichever lets go of it last.
        self._connection = sqlite3.connect(
            path, isolation_level=None, cached_statements=512, timeout=30, check_same_thread=False
        )
        self.close = weakref.finalize(self, self._connection.close)
        self._deadline = _NEVER
        self._hasty = False
        self._depth = 0
        for pragma in ("query_only=ON", "cache_size=-32768", f"mmap_size={1 << 32}", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")

    def within(self, seconds: float | None) -> "FastConnection":
        """Begin to see one moment of the database, until the ``with`` that this is for ends.

        Raises ``NotAtAGlance`` where a question takes longer than ``seconds``, or gives more rows than a glance takes.
        Inside another such view it is the same moment.
        """
        if self._depth == 0:
            if seconds is not None:
                self._deadline = time.monotonic() + seconds
            if self._hasty != (seconds is not None):
                self._hasty = seconds is not None
                self._connection.set_progress_handler(self._is_late if self._hasty else None, _STEPS)
            self._run("BEGIN", ())
        return self

    def version(self) -> int:
        """Give a number that is another one once any other connection has changed the database."""
        return int(self._run("PRAGMA data_version", ())[0][0])

    def __enter__(self) -> Tx:
        """Give what the reading functions take: of a connection it has ``execute`` and ``dialect``, no more."""
        self._depth += 1
        return cast(Tx, self)

    def __exit__(self, *_: object) -> None:
        """Let go of the moment."""
        self._depth -= 1
        if self._depth == 0:
            self._deadline = _NEVER
            self._connection.rollback()

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> FastRows:
        """Ask ``statement``, which is made once and asked often."""
        given = parameters or {}
        sql, places, fixed = _written(statement, given, self.dialect)
        values = [
            (given[name] if name in given else fixed[name]) if at is None else given[name][at] for name, at in places
        ]
        return FastRows(self._run(sql, values))

    def _run(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            found = self._connection.execute(sql, values)
            if not self._hasty:
                return found.fetchall()
            rows = found.fetchmany(_ROWS_AT_A_GLANCE)
            if len(rows) == _ROWS_AT_A_GLANCE and found.fetchone() is not None:
                found.close()
                raise NotFast
            return rows
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise NotFast from error
            raise StoreUnavailable("the database cannot be read") from error

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline


class FastStore(Store):
    """The same database, read through each thread's own connection where it is SQLite; written as ever.

    With ``patience`` (seconds), only what can be read in that time and needs no writing is answered.
    """

    def __init__(self, store: Store, patience: float | None = None) -> None:
        """Read what ``store`` has."""
        engine = store._engine
        super().__init__(engine)
        self._queue, self._writing = store._queue, store._writing
        self._patience = patience
        self._mine = threading.local()
        self._glances = WeakSet[FastConnection]()
        self._path = make_url(engine.url).database if engine.dialect.name == "sqlite" else None

    @property
    def is_fast(self) -> bool:
        """Tell whether this is for what takes no time: a new password is verified elsewhere."""
        return self._patience is not None

    def read(self) -> AbstractContextManager[Tx]:
        """Open a view of the database, as ``Store.read``; inside another one of this thread it is the same moment."""
        if self._path is not None:
            return self._glance(self._path).within(self._patience)
        if self._patience is not None:
            raise NotFast
        return self._shared()

    def close(self) -> None:
        """Let go of every connection, those of all threads too; none of them reads any more."""
        for glance in [*self._glances]:
            glance.close()
        self._mine = threading.local()
        super().close()

    @contextmanager
    def _shared(self) -> Iterator[Tx]:
        """Open a view, or share the one that this thread has open."""
        open_: Tx | None = getattr(self._mine, "tx", None)
        if open_ is not None:
            yield open_
            return
        with super().read() as tx:
            self._mine.tx = tx
            try:
                yield tx
            finally:
                self._mine.tx = None

    def version(self) -> int:
        """Give a number that is another one once anything in the database has changed. Raises ``NotAtAGlance``."""
        if self._path is None:
            raise NotFast
        return self._glance(self._path).version()

    def _glance(self, path: str) -> FastConnection:
        glance: FastConnection | None = getattr(self._mine, "glance", None)
        if glance is None:
            try:
                glance = self._mine.glance = FastConnection(path, self._engine.dialect)
                self._glances.add(glance)
            except sqlite3.OperationalError as error:
                raise StoreUnavailable("the database cannot be opened") from error
        return glance

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Open a write transaction, as ``Store.begin``; nobody writes at a glance."""
        if self._patience is not None:
            raise NotFast
        with super().begin() as tx:
            yield tx


_remembered: dict[Any, tuple[Executable, tuple[str, list[_Place], dict[str, Any]]]] = {}


def _written(
    statement: Executable, given: Mapping[str, Any], dialect: Dialect
) -> tuple[str, list[_Place], dict[str, Any]]:
    """Give the SQL, where each of its values comes from, and those values that the statement brings along."""
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
    # The statement is kept too, so that its identity stays its own.
    _remembered[key] = statement, written
    return written
