"""The store: one database, opened once per process, with write and read transactions."""

import logging
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError, TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from server.store.database import fact_versions
from server.store.database.transactions import Tx as Tx
from server.store.database.write_queue import WriteQueue
from server.store.tables import collections, migration_lock

if TYPE_CHECKING:
    from server.store.database.postgresql import KeepAlive

log = logging.getLogger(__name__)
# In the ``info`` of a transaction: whether the database has timelines. Each failover begins a new one.
HAS_TIMELINES = "timelines"

# In the ``info`` of a transaction: the values that it has locked, and the work to do at its end.
LOCKED = "scamfeed-locked-values"
# The values that the transaction was the first to name, as long as it has stored nothing about them.
FIRST_NAMED = "scamfeed-first-named-values"
# The statements that are sent to the database with the next one.
SENT = "scamfeed-sent-statements"
# The rows of reads that were sent together in advance. A write makes them invalid.
AHEAD = "scamfeed-read-ahead"
_AT_END = "scamfeed-at-end"

_BUSY_SECONDS = 30
_ANSWER_SECONDS = 5
# Connections of one process to PostgreSQL, whose default limit is a hundred for all processes together.
_KEPT_CONNECTIONS = 4
_MOST_CONNECTIONS = 16
_CACHE_KIB = 32 * 1024
# The write-ahead log is checkpointed at 64 MiB, instead of at each large envelope.
_WAL_PAGES = 16_384


class StoreUnavailable(Exception):
    """The database is missing, busy for too long, read-only, lost, or has an unknown revision.

    Nothing of the transaction is stored, unless the connection was lost during the commit. Repeating it is safe in both
    cases: appending or storing the same states twice changes nothing.
    """


class Contended(StoreUnavailable):
    """Waiting for a late lock could block all others. The transaction must start again."""


class Store:
    """One database, opened once per process.

    When ``begin`` ends without an error, all changes of the transaction are on disk; otherwise none is. SQLite admits
    one writer at a time; readers never wait, and see one snapshot throughout.
    """

    def __init__(self, engine: Engine, keep_alive: "KeepAlive | None" = None) -> None:
        """Work on ``engine``, whose open transactions ``keep_alive`` keeps alive. Call ``Store.open`` instead."""
        self._engine = engine
        self._keep_alive = keep_alive
        sqlite = engine.dialect.name == "sqlite"
        # SQLite admits waiting writers in random order, so they queue here first.
        self._queue = WriteQueue(f"{engine.url.database}-turns", _BUSY_SECONDS) if sqlite else None
        # The folder of the database file; none for a database server.
        self.folder = Path(engine.url.database or "").absolute().parent if sqlite else None
        self._disk_space = None if self.folder is None else DiskSpace(str(self.folder))
        snapshot = {} if sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = engine.execution_options(**snapshot)
        self._writer = engine.execution_options(scamfeed_writes=True)
        self._glancer = self._reader if sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    def open(cls, url: str, *, patient: bool = False) -> "Store":
        """Open the database at ``url`` (``sqlite:///path`` or ``postgresql+psycopg://…``) without changing it.

        A statement on a database server fails with ``StoreUnavailable`` after a minute, unless the store is
        ``patient``.
        """
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            from server.store.database import postgresql  # its driver takes a while to load

            # Parameters may be account and phone numbers, which must not appear in error texts.
            engine = create_engine(
                parsed,
                hide_parameters=True,
                pool_size=_KEPT_CONNECTIONS,
                max_overflow=_MOST_CONNECTIONS - _KEPT_CONNECTIONS,
                pool_timeout=_BUSY_SECONDS,
                # Statements stay prepared on the few connections that are in use.
                pool_use_lifo=True,
                connect_args={
                    name: value for name, value in postgresql.CLIENT_SETTINGS.items() if name not in parsed.query
                },
            )
            event.listen(engine, "before_execute", fact_versions.note_statement)
            event.listen(engine, "before_cursor_execute", push)
            return cls(engine, postgresql.prepare(engine, HAS_TIMELINES, patient=patient))
        if parsed.database in (None, "", ":memory:"):
            raise ValueError("the store needs a file: sqlite:///path")
        engine = create_engine(
            parsed,
            hide_parameters=True,
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=48,
            # Reusing few connections keeps their caches warm.
            pool_use_lifo=True,
            # isolation_level None: BEGIN is sent here, before the first read; the driver would send it later.
            connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None, "check_same_thread": False},
        )
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "before_execute", fact_versions.note_statement)
        return cls(engine)

    @property
    def is_fast(self) -> bool:
        """Return whether this store answers only fast reads and rejects all others."""
        return False

    @property
    def url(self) -> str:
        """Return the URL of the database with its password hidden."""
        return self._engine.url.render_as_string(hide_password=True)

    def migrate(self, revision: str = "head") -> None:
        """Upgrade the tables to the revision of this program version. Safe to repeat and to run concurrently.

        Another ``revision`` is that of a backup, which is loaded into the tables before they are upgraded. Only the
        owner of an SQLite file and a permitted group can read it, regardless of the umask. Raises ``StoreUnavailable``,
        also if the revision cannot be upgraded.
        """
        from server.store.migrate import UnknownRevision, upgrade  # Alembic takes a third of a second to load

        try:
            if self._engine.dialect.name == "sqlite":
                _restrict_access(Path(str(self._engine.url.database)))
            with self._turn():
                upgrade(self._engine, revision)
        except TimeoutError as error:
            raise StoreUnavailable(f"the database is busy: {error}") from error
        except UnknownRevision as error:
            raise StoreUnavailable(str(error)) from error
        except OperationalError as error:
            raise StoreUnavailable(f"the database cannot be opened or changed: {_cause(error)}") from error

    def _turn(self, *, in_passing: bool = False) -> AbstractContextManager[Any]:
        if self._queue is None:
            return nullcontext()
        return self._queue.in_passing() if in_passing else self._queue

    @contextmanager
    def begin(self, *, in_passing: bool = False) -> Iterator[Tx]:
        """Open a write transaction, stored completely or not at all. Raises ``StoreUnavailable``.

        ``in_passing``: the transaction writes a few rows without urgency, so other writers do not make room for it.
        """
        with ExitStack() as turn:
            try:
                turn.enter_context(self._turn(in_passing=in_passing))
            except TimeoutError as error:
                raise StoreUnavailable(f"the database is busy: {error}") from error
            tx = turn.enter_context(_opened(self._writer))
            yield tx
            finish(tx, last=True)
            fact_versions.end(tx)
            push(tx)

    @property
    def is_sqlite(self) -> bool:
        """Return whether the database is one file."""
        return self._queue is not None

    @contextmanager
    def alone(self) -> Iterator[Callable[[str], list[Any]]]:
        """Run statements outside of any transaction that rewrite files. On SQLite, block other writers.

        Yields a function that runs a statement and returns its rows. Raises ``StoreUnavailable``.
        """
        try:
            with self._turn(), ExitStack() as opened:
                if self._queue is not None:
                    # A separate connection: the plain driver, which begins no transaction.
                    connection = sqlite3.connect(
                        str(self._engine.url.database), timeout=_BUSY_SECONDS, isolation_level=None
                    )
                    opened.callback(connection.close)
                    yield lambda statement: connection.execute(statement).fetchall()
                else:
                    own = opened.enter_context(self._engine.connect())
                    own = own.execution_options(isolation_level="AUTOCOMMIT")
                    opened.callback(own.invalidate)
                    own.exec_driver_sql("SET statement_timeout = 0")
                    yield lambda statement: _rows(own.exec_driver_sql(statement))
        except TimeoutError as error:
            raise StoreUnavailable(f"the database is busy: {error}") from error
        except (DBAPIError, sqlite3.Error) as error:
            raise StoreUnavailable(f"the database's files cannot be rewritten now: {_cause(error)}") from error

    def has_waiting_writers(self) -> bool:
        """Return whether other writers wait. A writer with large work then writes it in small parts."""
        return self._queue is not None and self._queue.has_waiting_writers()

    def read(self) -> AbstractContextManager[Tx]:
        """Open a snapshot of the database, taken at its first query. Raises ``StoreUnavailable``."""
        return _opened(self._reader)

    def glance(self) -> AbstractContextManager[Tx]:
        """Open a connection for one statement that reads, which is one round trip. Raises ``StoreUnavailable``."""
        return _opened(self._glancer)

    def ready(self) -> bool:
        """Return whether the database answers and has its tables."""
        try:
            with self.read() as tx:
                tx.execute(select(collections.c.number).limit(1)).all()
        except (SQLAlchemyError, StoreUnavailable) as error:
            log.warning("store-not-ready cause=%s", _cause(error))
            return False
        return True

    def can_write(self) -> bool:
        """Return whether a transaction can be stored now. May take as long as a write waits for its turn."""
        try:
            with self.begin() as tx:
                if self._queue is None:
                    # Locking writes like a row and waits for the standbys too. A concurrent check skips the locked row.
                    tx.execute(select(migration_lock.c.id).with_for_update(skip_locked=True)).all()
        except (SQLAlchemyError, StoreUnavailable) as error:
            log.warning("store-not-writable cause=%s", _cause(error))
            return False
        return True

    @property
    def patience(self) -> float:
        """Return the seconds after which an unresponsive store counts as not ready.

        On SQLite a long write of another process is acceptable, until it makes writes fail.
        """
        return _ANSWER_SECONDS if self._queue is None else _BUSY_SECONDS

    def has_disk_space(self) -> bool:
        """Return whether the disk of the database file has space. Always true for a database server."""
        return self._disk_space is None or self._disk_space.has_space()

    def close(self) -> None:
        """Close every connection. A store that is used again opens new ones."""
        self._engine.dispose()
        if self._keep_alive is not None:
            self._keep_alive.close()
        if self._queue is not None:
            self._queue.close()


def at_end(tx: Tx, work: Callable[[bool], None]) -> None:
    """Run ``work`` at the end of the transaction, after all other writes, to keep its locks short.

    ``work`` receives whether it is the last action of the transaction. If so, it may commit itself.
    """
    finish(tx)
    tx.info[_AT_END] = work


def finish(tx: Tx, *, last: bool = False) -> None:
    """Run the deferred work of a transaction now, because a caller needs its results."""
    work: Callable[[bool], None] | None = tx.info.pop(_AT_END, None)
    if work is not None:
        work(last)


def is_writing(tx: Tx) -> bool:
    """Return whether a transaction was opened to write."""
    return isinstance(tx, Connection) and bool(tx.get_execution_options().get("scamfeed_writes"))


@contextmanager
def _opened(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except (OperationalError, PoolTimeout) as error:
        raise StoreUnavailable("the database cannot be reached") from error
    with connection, transaction(connection):
        yield connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run a transaction on ``connection``. Raises ``StoreUnavailable``."""
    fact_versions.begin(connection)
    connection.info.pop(LOCKED, None)
    connection.info.pop(FIRST_NAMED, None)
    connection.info.pop(SENT, None)
    connection.info.pop(AHEAD, None)
    connection.info.pop(_AT_END, None)
    try:
        with connection.begin():
            yield
    except OperationalError as error:
        # Busy too long, disconnected, shut down, or chosen as the victim of a conflict (40001, 40P01).
        raise StoreUnavailable("the database is busy, or the connection was lost") from error
    except (DBAPIError, connection.dialect.loaded_dbapi.Error) as error:
        if not _is_unavailable(error):
            raise
        # The next transaction may find another database at the same address.
        connection.invalidate()
        raise StoreUnavailable(
            "the database is read-only, was lost, or rolled back a transaction that took too long"
        ) from error


def push(tx: Tx, *_: Any) -> None:
    """Send the pending statements, before SQLAlchemy runs one or the transaction is committed."""
    tx.info.pop(AHEAD, None)
    if (sent := tx.info.pop(SENT, None)) and isinstance(tx, Connection):
        from server.store.database import postgresql

        postgresql.send_all(tx.connection.driver_connection, sent)


def _is_unavailable(error: Exception) -> bool:
    """Return whether a retry may succeed later, although the driver reports a programming error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return False
    from server.store.database import postgresql

    return postgresql.is_unavailable(cause)


def _rows(result: CursorResult[Any]) -> list[Any]:
    return list(result.all()) if result.returns_rows else []


def _restrict_access(file: Path) -> None:
    """Restrict a new or old database file to its owner and group. SQLite gives its companion files the same mode."""
    try:
        # An existing file is not opened: closing it would release the locks that this process has on it.
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        for path in (file, *(file.with_name(file.name + ending) for ending in ("-wal", "-shm"))):
            with suppress(FileNotFoundError):
                if path.stat().st_mode & 0o007:
                    path.chmod(path.stat().st_mode & 0o770)
    except OSError as error:
        raise StoreUnavailable(f"the database cannot be opened or changed: {error.strerror}") from error


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        # Acknowledged data survives a loss of power, not only of the process.
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{_CACHE_KIB}",
        # Each connection would map the file separately, and touched pages would count as memory of the process.
        "mmap_size=0",
        f"wal_autocheckpoint={_WAL_PAGES}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = is_writing(connection)
    # A transaction that reads first and writes later loses updates or its lock, so it must announce the write.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _cause(error: BaseException) -> str:
    """Return the driver's last message in one line, without parameters and passwords."""
    while error.__cause__ is not None:
        error = error.__cause__
    message = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return message.partition("\n")[0]


# A disk with less free space counts as full; a small disk, with less than this fraction.
_LEAST_BYTES = 64 * 1024 * 1024
_LEAST_PART = 0.05
# Size of a trial write, which detects disk quotas that statvfs does not show.
_TRIAL_BYTES = 64 * 1024
_LOOK_AGAIN_SECONDS = 2.0


class DiskSpace:
    """Checks periodically that files of some size can be written in a folder."""

    def __init__(self, folder: str) -> None:
        """Watch the disk that contains ``folder``."""
        self._folder = folder
        self._known = (float("-inf"), False)

    def has_space(self) -> bool:
        """Return whether there is space. The result is at most some seconds old."""
        looked_at, has_space = self._known
        if time.monotonic() - looked_at > _LOOK_AGAIN_SECONDS:
            has_space = self._look()
            self._known = time.monotonic(), has_space
        return has_space

    def _look(self) -> bool:
        try:
            disk = os.statvfs(self._folder)
            free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
            if free < min(_LEAST_BYTES, size * _LEAST_PART) or (disk.f_files and not disk.f_favail):
                log.warning("disk-full folder=%s free_bytes=%s", self._folder, free)
                return False
            with tempfile.TemporaryFile(prefix="scamfeed-disk-space-", dir=self._folder) as trial:
                trial.write(bytes(_TRIAL_BYTES))
        except OSError as error:
            log.warning("disk-full folder=%s cause=%s", self._folder, error.strerror)
            return False
        return True
