"""The store itself: one database, opened once a process, with write and read transactions."""

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError, TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from server.store.migrate import upgrade
from server.store.tables import collections

log = logging.getLogger(__name__)

# What store functions take to work in the caller's transaction. Only this room calls anything on it.
Tx = Connection

_BUSY_SECONDS = 30
_CACHE_KIB = 32 * 1024
_MAP_BYTES = 1 << 30


class StoreUnavailable(Exception):
    """The database is not there or busy for too long; nothing was done, and the same may work later."""


class Store:
    """One database and the ways into it.

    What a write transaction did is on disk when ``begin`` ends without an error, and nothing of it otherwise. On
    SQLite one writer at a time is let in; readers never wait and see one moment of the database throughout.
    """

    def __init__(self, engine: Engine) -> None:
        """Work on ``engine``; call ``Store.open`` instead."""
        self._engine = engine
        sqlite = engine.dialect.name == "sqlite"
        # SQLite lets waiting processes in at random; the threads of this one queue up here first.
        self._writing: AbstractContextManager[Any] = threading.Lock() if sqlite else nullcontext()
        snapshot = {} if sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = engine.execution_options(**snapshot)
        self._writer = engine.execution_options(scamfeed_writes=True)

    @classmethod
    def open(cls, url: str) -> "Store":
        """Open the database at ``url`` (``sqlite:///path`` or ``postgresql+psycopg://…``) without changing it."""
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            # Parameters may be accounts and numbers: never in an error text.
            return cls(create_engine(parsed, hide_parameters=True, pool_size=16, max_overflow=48, pool_pre_ping=True))
        if parsed.database in (None, "", ":memory:"):
            raise ValueError("the store needs a file: sqlite:///path")
        engine = create_engine(
            parsed,
            hide_parameters=True,
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=48,
            # isolation_level None: this module says BEGIN itself, before the first read, not the driver after it.
            connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None, "check_same_thread": False},
        )
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return cls(engine)

    @property
    def url(self) -> str:
        """Say which database this is, its password hidden."""
        return self._engine.url.render_as_string(hide_password=True)

    def migrate(self) -> None:
        """Bring the tables to what this version of the project needs; safe to repeat, also from two processes."""
        with self._writing:
            upgrade(self._engine)

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Open a write transaction: all of it is kept, or nothing. Raises ``StoreUnavailable``."""
        with self._writing, _opened(self._writer) as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a view of the database as it is at the first question asked in it. Raises ``StoreUnavailable``."""
        with _opened(self._reader) as tx:
            yield tx

    def ready(self) -> bool:
        """Tell whether the database answers and has its tables."""
        try:
            with self.read() as tx:
                tx.execute(select(collections.c.number).limit(1)).all()
        except (SQLAlchemyError, StoreUnavailable):
            log.exception("store-not-ready")
            return False
        return True

    def close(self) -> None:
        """Let go of every connection; a store that is used again opens new ones."""
        self._engine.dispose()


@contextmanager
def _opened(engine: Engine) -> Iterator[Tx]:
    try:
        connection = engine.connect()
    except (OperationalError, PoolTimeout) as error:
        raise StoreUnavailable("the database cannot be reached") from error
    with connection:
        try:
            transaction = connection.begin()
        except OperationalError as error:
            raise StoreUnavailable("the database is busy") from error
        with transaction:
            yield connection


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        # What was acknowledged survives the loss of power, not only of the process.
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{_CACHE_KIB}",
        f"mmap_size={_MAP_BYTES}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("scamfeed_writes", False)
    # A transaction that reads first and writes later loses updates or its lock; it has to announce itself.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
