"""Settings of each connection to PostgreSQL, and what keeps a silent one from holding up the others.

Imported only where that is the database.
"""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Self

from psycopg import Connection, Cursor, DatabaseError, OperationalError
from psycopg.errors import ObjectNotInPrerequisiteState
from psycopg.pq import ConnStatus, ExecStatus, Format, PipelineStatus, TransactionStatus
from sqlalchemy import Connection as Tx, Engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

log = logging.getLogger(__name__)

# A transaction whose client says nothing for so long is undone by the database. A live one says something more often.
_SILENCE_SECONDS = 4
_WORD_SECONDS = 0.5
# Who has waited for so long looks whether those that it waits for have been silent for so long, in whatever they do.
_PATIENT_SECONDS, _WORDLESS_SECONDS = 2, 3
# What one statement may take, and what it may wait for others.
_STATEMENT_SECONDS = 60
# A database that says nothing of it for longer does not answer any more.
_UNANSWERED_SECONDS = 75.0
_LOCK_SECONDS = 30
# Data that the other side does not take for so long end the connection.
_UNTAKEN_SECONDS = 10

SETTINGS: Mapping[str, str] = {
    # Until it has counted a table that grew, PostgreSQL would fetch and sort a whole collection for each page, and go
    # through the whole value index for a few rows.
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
    # A table that is read whole costs more than any other plan then, for which PostgreSQL would compile machine code.
    "jit": "off",
    "idle_in_transaction_session_timeout": f"{_SILENCE_SECONDS}s",
    "lock_timeout": f"{_LOCK_SECONDS}s",
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
    "tcp_user_timeout": f"{_UNTAKEN_SECONDS}s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

# How the client's side finds out that the database is gone; the URL may say otherwise.
CLIENT_SETTINGS: Mapping[str, int] = {
    "connect_timeout": 5,
    "tcp_user_timeout": _UNTAKEN_SECONDS * 1000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}

# The number of statements that a connection has begun.
_STATEMENTS = "scamfeed_statements"

_PATIENCE = text("SELECT set_config('statement_timeout', '0', true)")
_LONG_PATIENCE = text("SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)")

# Errors by which a database says that it cannot do anything now, though SQLAlchemy sorts them under programs' faults:
# a replica or a stopped primary, and a transaction that was undone for its silence or its length.
_UNAVAILABLE = frozenset(("25006", "25P03", "25P04"))


class BinaryCursor(Cursor[Any]):
    """Fetches rows in binary: a body is neither written in hexadecimal nor read from it."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        """Open a cursor as any other, for binary results."""
        super().__init__(*arguments, **more)
        self.format = Format.BINARY

    def execute(self, *arguments: Any, **more: Any) -> Self:
        """Run a statement, and count it."""
        setattr(self.connection, _STATEMENTS, getattr(self.connection, _STATEMENTS, 0) + 1)
        return super().execute(*arguments, **more)


def prepare(engine: Engine, has_timelines: str, *, patient: bool) -> "Keeper":
    """Set each connection of ``engine`` up, and keep its open transactions alive.

    Its ``info`` says under the name ``has_timelines`` whether the database has some. A ``patient`` one lets its
    statements take as long as they do.
    """
    # Who writes ``options`` into the URL means it.
    chosen = str(engine.url.query.get("options", ""))
    settings = {name: value for name, value in SETTINGS.items() if f"{name}=" not in chosen}

    def configure(connection: Connection[Any], record: Any) -> None:
        connection.cursor_factory = BinaryCursor
        _apply(connection, settings)
        record.info[has_timelines] = _has_timelines(connection)

    event.listen(engine, "connect", configure)
    event.listen(engine, "checkout", _replace_lost)
    event.listen(engine, "checkin", _note_idle)
    if patient:
        # For the transaction alone: a pooler gives the connection to another afterwards.
        event.listen(engine, "begin", lambda connection: connection.execute(_PATIENCE))
    keeper = Keeper(float("inf") if patient else _UNANSWERED_SECONDS)
    event.listen(engine, "checkout", keeper.begin)
    event.listen(engine, "checkin", keeper.end)
    return keeper


# So long a connection may have been idle without being asked whether it still is one.
_IDLE_SECONDS = 3.0
_IDLE_SINCE = "scamfeed-idle-since"


def _note_idle(_connection: Any, record: Any) -> None:
    record.info[_IDLE_SINCE] = time.monotonic()


def _replace_lost(connection: Connection[Any], record: Any, _proxy: Any) -> None:
    """Let a connection that a restart of the database has cut be replaced before it is used, with all others.

    A database that goes says so, or its system does: an idle connection has nothing to read until then.
    """
    idle_since = record.info.pop(_IDLE_SINCE, None)
    if idle_since is None or (time.monotonic() - idle_since < _IDLE_SECONDS and not _has_news(connection)):
        return
    with suppress(DatabaseError):
        if connection.pgconn.exec_(b"").status == ExecStatus.EMPTY_QUERY:
            return
    raise InvalidatePoolError("the database has cut the connection")


def _has_news(connection: Connection[Any]) -> bool:
    """Return whether an idle connection has something to read, or has ended."""
    if connection.pgconn.status != ConnStatus.OK:
        return True
    look = select.poll()
    look.register(connection.pgconn.socket, select.POLLIN)
    return bool(look.poll(0))


def is_unavailable(error: BaseException | None) -> bool:
    """Return whether a database that raised ``error`` may do the same in a moment, or another in its place."""
    return isinstance(error, OperationalError) or getattr(error, "sqlstate", None) in _UNAVAILABLE


def send_all(connection: Any, statements: Iterable[tuple[str, Any]]) -> None:
    """Send statements with their values in one go, and wait for the end of all of them."""
    with connection.pipeline():
        for sql, values in statements:
            connection.cursor().execute(sql, values)


def take_time(tx: Tx) -> None:
    """Let the statements of this transaction take, and wait for others, as long as they do."""
    tx.execute(_LONG_PATIENCE)


def keep_settings(tx: Tx) -> None:
    """Make the settings those of the hub's role in this database, as a pooler connects without them.

    Where the role may not, a warning in the log says so; each connection has the settings anyway.
    """
    name = tx.execute(text("SELECT current_database()")).scalar_one()
    asked = text(
        "SELECT unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole"
        " JOIN pg_database d ON d.oid = s.setdatabase WHERE r.rolname = current_user AND d.datname = current_database()"
    )
    quote = tx.dialect.identifier_preparer.quote_identifier
    try:
        with tx.begin_nested():
            has = set(tx.execute(asked).scalars())
            for setting, value in SETTINGS.items():
                if f"{setting}={value}" not in has:
                    where = f"ALTER ROLE CURRENT_USER IN DATABASE {quote(name)}"
                    tx.exec_driver_sql(f"{where} SET {setting} = '{value}'")
    except DBAPIError as error:
        log.warning("role-settings-not-kept cause=%s", str(error.orig).partition("\n")[0])


def _apply(connection: Connection[Any], settings: Mapping[str, str]) -> None:
    """Set what the database knows, for as long as the connection lasts."""
    try:
        names = ", ".join("set_config(%s, %s, false)" for _ in settings)
        connection.execute(f"SELECT {names}".encode(), [part for setting in settings.items() for part in setting])
        connection.commit()
    except DatabaseError:
        connection.rollback()
        if len(settings) > 1:
            # A database that speaks PostgreSQL's protocol, and does not know each of its settings.
            for name, value in settings.items():
                _apply(connection, {name: value})


def _has_timelines(connection: Connection[Any]) -> bool:
    """Return whether the database is PostgreSQL by more than its protocol; a replica is, too."""
    try:
        connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())")
        connection.commit()
    except DatabaseError as error:
        connection.rollback()
        return isinstance(error, ObjectNotInPrerequisiteState)
    return True


class Keeper:
    """Asks the database in each transaction that is open and silent, for as long as this process lives.

    The database undoes a transaction whose client is silent for some seconds, so that a node that was frozen or cut off
    holds nobody up. A node that computes for longer is not silent.
    """

    def __init__(self, most_seconds: float) -> None:
        """Keep no connection yet; give up a statement that is not answered for ``most_seconds``."""
        self._most_seconds = most_seconds
        self._changing = threading.Lock()
        self._open: dict[int, tuple[Connection[Any], float]] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, connection: Connection[Any], _record: Any, _proxy: Any) -> None:
        """Keep a connection from now on."""
        self._open[id(connection)] = connection, time.monotonic()
        if self._thread is None:
            self._start()

    def end(self, connection: Connection[Any] | None, _record: Any) -> None:
        """Keep a connection no longer; None is one that was lost."""
        if connection is not None:
            self._open.pop(id(connection), None)

    def close(self) -> None:
        """Stop; the next connection starts it again."""
        self._over.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        with self._changing:
            if self._thread is None:
                self._over = threading.Event()
                self._thread = threading.Thread(target=self._run, args=(self._over,), name="keeper", daemon=True)
                self._thread.start()

    def _run(self, over: threading.Event) -> None:
        looked_at = 0.0
        # What each connection is doing, and since when.
        doing: dict[int, tuple[int, float]] = {}
        while not over.wait(_WORD_SECONDS):
            moment, waiting = time.monotonic(), None
            busy: dict[int, tuple[int, float]] = {}
            for key, (connection, since) in [*self._open.items()]:
                if connection.closed:
                    self._open.pop(key, None)
                elif moment - since > _WORD_SECONDS and not _say_something(connection):
                    number = getattr(connection, _STATEMENTS, 0)
                    before = doing.get(key, (-1, moment))
                    busy[key] = before if before[0] == number else (number, moment)
                    waiting = connection if moment - since > _PATIENT_SECONDS else waiting
                    if moment - busy[key][1] > self._most_seconds:
                        _cut(connection)
            if waiting is not None and moment - looked_at > _PATIENT_SECONDS:
                _end_silent_transactions(waiting)
                looked_at = moment
            doing = busy


def _say_something(connection: Connection[Any]) -> bool:
    """Send an empty statement where a transaction is open; False where a statement is under way."""
    if not connection.lock.acquire(blocking=False):
        return False
    try:
        server = connection.pgconn
        if (
            server.status == ConnStatus.OK
            and server.transaction_status == TransactionStatus.INTRANS
            and server.pipeline_status == PipelineStatus.OFF
        ):
            # What is wrong with the connection, its owner finds out.
            with suppress(DatabaseError):
                server.exec_(b"")
    finally:
        connection.lock.release()
    return True


def _cut(connection: Connection[Any]) -> None:
    """End a connection on which another thread waits for an answer."""
    log.warning("statement-given-up seconds=%s", _UNANSWERED_SECONDS)
    with suppress(OSError, DatabaseError), socket.socket(fileno=os.dup(connection.pgconn.socket)) as line:
        line.shutdown(socket.SHUT_RDWR)


# A client that is silent in the middle of a COPY, or takes nothing of an answer, is under no limit of the database.
_SILENT = """
SELECT count(pg_terminate_backend(pid)) FROM (
  SELECT DISTINCT silent.pid
  FROM pg_stat_activity AS waiting
  CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
  JOIN pg_stat_activity AS silent ON silent.pid = blocking.pid
  WHERE waiting.datname = current_database() AND waiting.usename = current_user
    AND waiting.wait_event_type = 'Lock' AND waiting.state_change < clock_timestamp() - make_interval(secs => %s)
    AND silent.usename = current_user AND silent.wait_event_type = 'Client'
    AND silent.state_change < clock_timestamp() - make_interval(secs => %s)
) AS found
"""


def _end_silent_transactions(waiting: Connection[Any]) -> None:
    """End the transactions that others wait for and whose clients are silent; ``waiting`` tells where."""
    try:
        parameters: dict[str, Any] = {**waiting.info.get_parameters(), "password": waiting.info.password or None}
        with Connection.connect(**parameters, autocommit=True) as own:
            row = own.execute(_SILENT, (_PATIENT_SECONDS, _WORDLESS_SECONDS)).fetchone()
    except DatabaseError as error:
        log.warning("silent-transactions-not-ended cause=%s", str(error).partition("\n")[0])
        return
    if row is not None and row[0]:
        log.warning("silent-transactions-ended number=%s", row[0])
