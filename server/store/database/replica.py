"""Reads from a streaming replica of PostgreSQL that are never older than any earlier response.

Before each read the primary is asked for the end of its log, once for all concurrent readers. Every earlier response of
any node is covered by that position. The replica is used once it has replayed up to it; otherwise the primary is used.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, cast

from psycopg import Connection as Driver
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from server.store.database.engine import Store, StoreUnavailable, Tx, transaction

log = logging.getLogger(__name__)

# How long a read waits for the replica, and how often it checks.
_CATCH_UP_SECONDS, _LOOK_SECONDS = 0.02, 0.001
# A replica that lagged is not used for this long; one that was unreachable, for this long.
_BEHIND_SECONDS, _AWAY_SECONDS = 0.25, 2.0
# A primary without an answer for this long counts as unreachable. It is asked again after a multiple of the time it
# took to detect that, so that a recovered primary is found soon.
_PATIENCE_SECONDS = 1.0
_TIMES_AS_LONG, _LONGEST_AWAY_SECONDS = 3, 2.0

# Byte positions in the log, and their timeline. A replica that took over writes its own log.
_PRIMARY = """
SELECT pg_current_wal_flush_lsn() - CAST('0/0' AS pg_lsn), substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8)
"""
_REPLICA = b"""
SELECT
 CASE WHEN in_recovery THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END - CAST('0/0' AS pg_lsn),
 CASE WHEN in_recovery THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
  ELSE pg_current_wal_flush_lsn() END - CAST('0/0' AS pg_lsn),
 CASE WHEN in_recovery THEN (SELECT lpad(upper(to_hex(received_tli)), 8, '0') FROM pg_stat_wal_receiver)
  ELSE substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8) END
FROM pg_is_in_recovery() AS in_recovery
"""


class LogPosition(NamedTuple):
    """The end of a database's log in bytes, and its timeline."""

    bytes: int
    timeline: str


class PrimaryLog:
    """Asks the primary for the end of its log: one query for all concurrent callers."""

    def __init__(self, primary: Store) -> None:
        """Ask ``primary``."""
        self._primary = primary
        self._connection: Connection | None = None
        self._answered = threading.Condition()
        self._asked = self._done = 0
        self._asking_since: float | None = None
        self._known: LogPosition | None = None
        self._away_until = 0.0

    def position(self) -> tuple[LogPosition | None, bool]:
        """Return the end of the log at some moment after this call, and True.

        If the primary does not answer, return the last known position and False.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with self._answered:
            # The answer to a query that started before this call may be too old.
            wanted = self._asked + 1
            while self._done < wanted:
                now = time.monotonic()
                began = self._asking_since
                if now < self._away_until or now > deadline or (began and now - began > _PATIENCE_SECONDS):
                    return self._known, False
                if began is None:
                    self._asked += 1
                    self._asking_since = now
                    break
                self._answered.wait(deadline - now)
            else:
                return self._known, time.monotonic() >= self._away_until
        return self._ask()

    def close(self) -> None:
        """Close the connection of the queries."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self) -> tuple[LogPosition | None, bool]:
        found: LogPosition | None = None
        began = time.monotonic()
        try:
            found = self._fetch()
        finally:
            with self._answered:
                if found is None:
                    now = time.monotonic()
                    self._away_until = now + min(_LONGEST_AWAY_SECONDS, _TIMES_AS_LONG * (now - began))
                else:
                    self._known = found
                self._asking_since = None
                self._done = self._asked
                self._answered.notify_all()
        return self._known, found is not None

    def _fetch(self) -> LogPosition | None:
        try:
            if self._connection is None:
                self._connection = self._primary._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            position, timeline = self._connection.execute(text(_PRIMARY)).one()
        except SQLAlchemyError as error:
            log.warning("primary-not-asked cause=%s", type(error.__cause__ or error).__name__)
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.invalidate()
                connection.close()
            return None
        return LogPosition(int(position), timeline)


class ReplicatedStore(Store):
    """A store that reads from a replica where that has caught up, and otherwise from the primary."""

    def __init__(self, primary: Store, replica: Store) -> None:
        """Read from ``replica`` if it has caught up with ``primary``."""
        super().__init__(primary._engine, primary._keep_alive)
        self._replica = replica
        self._primary_log = PrimaryLog(primary)
        self._not_before = 0.0

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a view of the database that covers all earlier responses. Raises ``StoreUnavailable``."""
        with ExitStack() as opened:
            tx = self._replica_view(opened)
            if tx is None:
                yield opened.enter_context(super().read())
                return
            try:
                with transaction(tx):
                    yield tx
            except StoreUnavailable:
                # The connection was lost, or the query conflicted with the replay: the next read uses the primary.
                self._avoid_replica(_AWAY_SECONDS)
                raise

    def close(self) -> None:
        """Close the connections to the replica and those opened by reads. The primary's connections stay open."""
        self._primary_log.close()
        self._replica.close()

    def _avoid_replica(self, seconds: float) -> None:
        self._not_before = time.monotonic() + seconds

    def _replica_view(self, opened: ExitStack) -> Connection | None:
        """Open a view of the replica, or return None if it is unreachable or behind."""
        if time.monotonic() < self._not_before:
            return None
        needed, is_primary_there = self._primary_log.position()
        if needed is None:
            return None
        try:
            # Use one session for the position and the view, because several replicas may share the address.
            connection = opened.enter_context(self._replica._reader.connect())
            if not _has_replayed(connection, needed, all_received=not is_primary_there):
                opened.close()
                log.info("replica-behind")
                self._avoid_replica(_BEHIND_SECONDS if is_primary_there else 0.0)
                return None
        except (SQLAlchemyError, StoreUnavailable) as error:
            opened.close()
            log.warning("replica-away cause=%s", type(error.__cause__ or error).__name__)
            self._avoid_replica(_AWAY_SECONDS)
            return None
        return connection


def _has_replayed(connection: Connection, needed: LogPosition, *, all_received: bool) -> bool:
    """Wait until the replica has replayed the needed position; with ``all_received``, also all received log.

    Runs outside any transaction, because a view begun before would be older than the answer.
    """
    deadline = time.monotonic() + _CATCH_UP_SECONDS
    while True:
        replayed, received, timeline = _replica_position(connection)
        if timeline not in (None, needed.timeline) and not all_received:
            return False
        if replayed >= (max(needed.bytes, received) if all_received else needed.bytes):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)


def _replica_position(connection: Connection) -> tuple[int, int, str | None]:
    driver = cast("Driver[Any]", connection.connection.driver_connection)
    with driver.lock:
        answer = driver.pgconn.exec_(_REPLICA)
    values = [answer.get_value(0, column) if answer.ntuples else None for column in range(3)]
    if values[0] is None or values[1] is None:
        raise StoreUnavailable("the replica does not report its position")
    return int(values[0]), int(values[1]), values[2].decode() if values[2] else None
