"""Settings of each connection to PostgreSQL, and protection against silent connections that block others.

Imported only if the database is PostgreSQL.
"""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Self

from psycopg import Connection, Cursor, DatabaseError, OperationalError
from psycopg.errors import ObjectNotInPrerequisiteState
from psycopg.pq import ConnStatus, ExecStatus, Format, PipelineStatus, TransactionStatus
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from server.store.database.transactions import Tx

log = logging.getLogger(__name__)

# The database rolls back a transaction after this silence of its client. A live client sends something more often.
_SILENCE_SECONDS = 4
_WORD_SECONDS = 0.5
# A client that has waited this long checks whether the blocking clients have been silent for this long.
_PATIENT_SECONDS, _WORDLESS_SECONDS = 2, 3
# Time limit of one statement, and of its wait for locks.
_STATEMENT_SECONDS = 60
# A database that stays silent longer counts as unresponsive.
_UNANSWERED_SECONDS = 75.0
_LOCK_SECONDS = 30
# The connection ends if the other side does not accept data for this long.
_UNTAKEN_SECONDS = 10

SETTINGS: Mapping[str, str] = {
    # Until it has analysed a grown table, PostgreSQL would fetch and sort a whole collection for each page, and scan
    # the whole value index for a few rows.
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
    # Reading a whole table then costs more than any other plan, and PostgreSQL would compile machine code for it.
    "jit": "off",
    "idle_in_transaction_session_timeout": f"{_SILENCE_SECONDS}s",
    "lock_timeout": f"{_LOCK_SECONDS}s",
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
    "tcp_user_timeout": f"{_UNTAKEN_SECONDS}s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

# How the client detects a lost database. The URL may override it.
CLIENT_SETTINGS: Mapping[str, int] = {
    "connect_timeout": 5,
    "tcp_user_timeout": _UNTAKEN_SECONDS * 1000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}

# The number of statements that a connection has started.
_STATEMENTS = "scamfeed_statements"

_PATIENCE = text("SELECT set_config('statement_timeout', '0', true)")
_LONG_PATIENCE = text("SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)")

# Errors for a database that is temporarily unusable, although SQLAlchemy classifies them as programming errors: a
# replica or a stopped primary, and a transaction rolled back for silence or length.
_UNAVAILABLE = frozenset(("25006", "25P03", "25P04"))


class BinaryCursor(Cursor[Any]):
    """Fetches rows in binary, so that bodies are not converted to and from hexadecimal."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        """Open a cursor for binary results."""
        super().__init__(*arguments, **more)
        self.format = Format.BINARY

    def execute(self, *arguments: Any, **more: Any) -> Self:
        """Run a statement and count it."""
        setattr(self.connection, _STATEMENTS, getattr(self.connection, _STATEMENTS, 0) + 1)
        return super().execute(*arguments, **more)


def prepare(engine: Engine, has_timelines: str, *, patient: bool) -> "KeepAlive":
    """Configure each connection of ``engine``, and keep its open transactions alive.

    Its ``info`` stores under the key ``has_timelines`` whether the database has timelines. Statements of a ``patient``
    connection have no time limit.
    """
    # ``options`` in the URL are deliberate and take precedence.
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
        # For this transaction only, because a pooler gives the connection to another client afterwards.
        event.listen(engine, "begin", lambda connection: connection.execute(_PATIENCE))
    keep_alive = KeepAlive(float("inf") if patient else _UNANSWERED_SECONDS)
    event.listen(engine, "checkout", keep_alive.begin)
    event.listen(engine, "checkin", keep_alive.end)
    return keep_alive


# A connection idle for longer is tested before it is used.
_IDLE_SECONDS = 3.0
_IDLE_SINCE = "scamfeed-idle-since"


def _note_idle(_connection: Any, record: Any) -> None:
    record.info[_IDLE_SINCE] = time.monotonic()


def _replace_lost(connection: Connection[Any], record: Any, _proxy: Any) -> None:
    """Replace a connection that a database restart has cut before it is used, together with all others.

    A database or system that shuts down sends a message. An idle connection has nothing to read before that.
    """
    idle_since = record.info.pop(_IDLE_SINCE, None)
    if idle_since is None or (time.monotonic() - idle_since < _IDLE_SECONDS and not _has_news(connection)):
        return
    with suppress(DatabaseError):
        if connection.pgconn.exec_(b"").status == ExecStatus.EMPTY_QUERY:
            return
    raise InvalidatePoolError("the database has cut the connection")


def _has_news(connection: Connection[Any]) -> bool:
    """Return whether an idle connection has data to read, or has ended."""
    if connection.pgconn.status != ConnStatus.OK:
        return True
    look = select.poll()
    look.register(connection.pgconn.socket, select.POLLIN)
    return bool(look.poll(0))


def is_unavailable(error: BaseException | None) -> bool:
    """Return whether the database that raised ``error``, or its replacement, may accept a retry soon."""
    return isinstance(error, OperationalError) or getattr(error, "sqlstate", None) in _UNAVAILABLE


def send_all(connection: Any, statements: Iterable[tuple[str, Any, Callable[[Any], object] | None]]) -> None:
    """Send statements with their values in one batch, wait until all of them end, and pass the rows on."""
    with connection.pipeline():
        sent = [(connection.cursor().execute(sql, values), then) for sql, values, then in statements]
    for cursor, then in sent:
        if then is not None:
            then(cursor.fetchall())


def take_time(tx: Tx) -> None:
    """Remove the time limits from the statements of this transaction and from their waits."""
    tx.execute(_LONG_PATIENCE)


def keep_settings(tx: Tx) -> None:
    """Store the settings for the hub's role in this database, because a pooler connects without them.

    If the role may not do this, log a warning. Each connection applies the settings anyway.
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
    """Apply the settings that the database supports, for the lifetime of the connection."""
    try:
        names = ", ".join("set_config(%s, %s, false)" for _ in settings)
        connection.execute(f"SELECT {names}".encode(), [part for setting in settings.items() for part in setting])
        connection.commit()
    except DatabaseError:
        connection.rollback()
        if len(settings) > 1:
            # A database that speaks PostgreSQL's protocol, but does not support all of its settings.
            for name, value in settings.items():
                _apply(connection, {name: value})


def _has_timelines(connection: Connection[Any]) -> bool:
    """Return whether the database is real PostgreSQL, not only compatible with its protocol. A replica is, too."""
    try:
        connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())")
        connection.commit()
    except DatabaseError as error:
        connection.rollback()
        return isinstance(error, ObjectNotInPrerequisiteState)
    return True


class KeepAlive:
    """Keeps each open and silent transaction alive while this process lives.

    The database rolls back a transaction whose client is silent for some seconds, so that a frozen or disconnected node
    blocks no others. It sends empty statements for a node that computes for longer.
    """

    def __init__(self, most_seconds: float) -> None:
        """Start without connections. Give up a statement that has no answer for ``most_seconds``."""
        self._most_seconds = most_seconds
        self._changing = threading.Lock()
        self._open: dict[int, tuple[Connection[Any], float]] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, connection: Connection[Any], _record: Any, _proxy: Any) -> None:
        """Keep a connection alive from now on."""
        self._open[id(connection)] = connection, time.monotonic()
        if self._thread is None:
            self._start()

    def end(self, connection: Connection[Any] | None, _record: Any) -> None:
        """Stop keeping a connection; None is a lost one."""
        if connection is not None:
            self._open.pop(id(connection), None)

    def close(self) -> None:
        """Stop. The next connection starts it again."""
        self._over.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        with self._changing:
            if self._thread is None:
                self._over = threading.Event()
                self._thread = threading.Thread(target=self._run, args=(self._over,), name="keep-alive", daemon=True)
                self._thread.start()

    def _run(self, over: threading.Event) -> None:
        looked_at = 0.0
        # The current statement of each connection, and since when.
        doing: dict[int, tuple[int, float]] = {}
        while not over.wait(_WORD_SECONDS):
            moment, waiting = time.monotonic(), None
            busy: dict[int, tuple[int, float]] = {}
            for key, (connection, since) in [*self._open.items()]:
                if connection.closed:
                    self._open.pop(key, None)
                elif moment - since > _WORD_SECONDS and not _send_keepalive(connection):
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


def _send_keepalive(connection: Connection[Any]) -> bool:
    """Send an empty statement if a transaction is open. Return False if a statement is running."""
    if not connection.lock.acquire(blocking=False):
        return False
    try:
        server = connection.pgconn
        if (
            server.status == ConnStatus.OK
            and server.transaction_status == TransactionStatus.INTRANS
            and server.pipeline_status == PipelineStatus.OFF
        ):
            # The owner of the connection gets the error.
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


# No limit of the database covers a client that is silent during a COPY, or does not accept an answer.
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
    """End the transactions that block others and have silent clients. ``waiting`` is a connection to run this on."""
    try:
        parameters: dict[str, Any] = {**waiting.info.get_parameters(), "password": waiting.info.password or None}
        with Connection.connect(**parameters, autocommit=True) as own:
            row = own.execute(_SILENT, (_PATIENT_SECONDS, _WORDLESS_SECONDS)).fetchone()
    except DatabaseError as error:
        log.warning("silent-transactions-not-ended cause=%s", str(error).partition("\n")[0])
        return
    if row is not None and row[0]:
        log.warning("silent-transactions-ended number=%s", row[0])
