"""A database server in trouble: silent, slow or read-only servers delay no request and cause a retryable error."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

from server.store import Store, StoreUnavailable, collections, log
from server.store.database import postgresql
from server.store.database.sql import database_time
from server.store.item import Item
from server.store.objects import ends
from tests.postgres import Postgres, installed_by_debian
from tests.times import IS_CLOCK_MOVED

# Longer than the database allows a transaction to be idle.
SILENCE = postgresql._SILENCE_SECONDS + 2.0
COPY = """
import sys, time
from server.store import Store, collections, log
store = Store.open(sys.argv[1])
with store.begin() as tx:
    log.lock(tx, [collections.get(tx, "room")])
    with tx.connection.driver_connection.cursor() as cursor, cursor.copy("COPY subjects FROM STDIN") as copy:
        copy.write_row((1, "a"))
        print("locked", flush=True)
        time.sleep(600)
"""
HOLD = """
import sys, time
from server.store import Store, collections, log
store = Store.open(sys.argv[1])
with store.begin() as tx:
    log.lock(tx, [collections.get(tx, "room")])
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    name = postgres.database(postgres_template)
    store = Store.open(postgres.url(name))
    store.migrate()
    with store.begin() as tx:
        collections.add(tx, "room", "Room")
    store.close()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


def conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def lock(store: Store, *settings: str) -> None:
    with store.begin() as tx:
        for setting in settings:
            tx.execute(text(f"SET LOCAL {setting}"))
        log.lock(tx, [collections.get(tx, "room")])


def add(store: Store, *, after: str = "SELECT 1", pause: float = 0) -> None:
    with store.begin() as tx:
        tx.execute(text(after))
        time.sleep(pause)
        collections.add(tx, "late", "Late")


def cut_off(url: str) -> None:
    """End every connection to the database."""
    with psycopg.connect(conninfo(url), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )


def test_every_transaction_on_postgresql_has_the_settings(store: Store) -> None:
    for transaction in (store.read, store.begin):
        with transaction() as tx:
            found = {name: tx.execute(text(f"SHOW {name}")).scalar_one() for name in postgresql.SETTINGS}
        # A Unix socket does not use TCP.
        local = {name for name in found if name.startswith("tcp_")}
        expected = dict(postgresql.SETTINGS) | {"lock_timeout": "30s", "statement_timeout": "1min"}
        assert {name: found[name] for name in found if name not in local} == {
            name: value for name, value in expected.items() if name not in local
        }


def test_the_role_has_the_settings_on_postgresql_for_a_pooler_that_connects_without_them(url: str) -> None:
    with psycopg.connect(conninfo(url)) as pooled:
        shown = {name: pooled.execute(f"SHOW {name}".encode()).fetchone() for name in ("jit", "enable_seqscan")}
    assert shown == {"jit": ("off",), "enable_seqscan": ("off",)}


def test_a_role_without_rights_keeps_its_own_settings_on_postgresql(postgres: Postgres) -> None:
    name = postgres.database()
    with psycopg.connect(conninfo(postgres.url("postgres")), autocommit=True) as admin:
        admin.execute("CREATE ROLE hub LOGIN")
        admin.execute(f"ALTER DATABASE {name} OWNER TO hub".encode())
    try:
        url = postgres.url(name).replace("scamfeed@", "hub@")
        store = Store.open(url)
        store.migrate()
        store.migrate()
        store.close()
        with psycopg.connect(conninfo(url)) as pooled:
            assert pooled.execute("SHOW jit").fetchone() == ("off",)
    finally:
        postgres.drop(name)
        with psycopg.connect(conninfo(postgres.url("postgres")), autocommit=True) as admin:
            admin.execute("DROP ROLE hub")


def test_url_can_override_settings_on_postgresql(url: str) -> None:
    store = Store.open(f"{url}&options=-c%20statement_timeout%3D7s&connect_timeout=3")
    with store.read() as tx:
        assert tx.execute(text("SHOW statement_timeout")).scalar_one() == "7s"
        assert tx.execute(text("SHOW jit")).scalar_one() == "off"
    store.close()


def test_commands_have_no_time_limit_on_postgresql(url: str) -> None:
    store = Store.open(url, patient=True)
    for transaction in (store.read, store.begin):
        with transaction() as tx:
            assert tx.execute(text("SHOW statement_timeout")).scalar_one() == "0"
    store.close()


# libfaketime tells the real time to a signal handler that interrupts a wait, so that PostgreSQL's timers never end.
with_timers = pytest.mark.skipif(IS_CLOCK_MOVED, reason="timers of PostgreSQL do not end under libfaketime")


@with_timers
def test_a_statement_that_takes_too_long_on_postgresql_is_unavailable(store: Store) -> None:
    def sleep() -> None:
        with store.read() as tx:
            tx.execute(text("SET LOCAL statement_timeout = '50ms'"))
            tx.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(StoreUnavailable):
        sleep()
    lock(store)


def test_lock_timeout_on_postgresql_asks_for_a_retry(store: Store) -> None:
    with store.begin() as tx:
        log.lock(tx, [collections.get(tx, "room")])
        with pytest.raises(StoreUnavailable):
            lock(store, "lock_timeout = '50ms'")


@pytest.mark.long
@pytest.mark.parametrize("program", [HOLD, COPY], ids=["between statements", "in a COPY"])
def test_frozen_process_on_postgresql_delays_no_other_for_more_than_five_seconds(
    url: str, store: Store, program: str
) -> None:
    assert max(postgresql._SILENCE_SECONDS, postgresql._PATIENT_SECONDS + postgresql._WORDLESS_SECONDS) <= 5
    holder = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        holder.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        lock(store, "lock_timeout = '5min'", "statement_timeout = '5min'")
        assert time.monotonic() - began < 60  # mostly for a busy machine: the process holds it for ten minutes
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.long
def test_a_database_that_is_frozen_on_postgresql_is_unavailable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_UNANSWERED_SECONDS", 1.0)
    store = Store.open(url)

    def ask() -> None:
        with store.begin() as tx:
            backend = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
            os.kill(backend, signal.SIGSTOP)
            stopped.append(backend)
            tx.execute(text("SELECT 1"))

    stopped: list[int] = []
    try:
        with pytest.raises(StoreUnavailable):
            ask()
    finally:
        for backend in stopped:
            os.kill(backend, signal.SIGCONT)
    lock(store)
    store.close()


@pytest.mark.long
def test_long_computing_transaction_on_postgresql_is_not_idle(store: Store) -> None:
    with store.begin() as tx:
        log.lock(tx, [collections.get(tx, "room")])
        time.sleep(SILENCE)
        collections.add(tx, "late", "Late")
    with store.read() as tx:
        assert collections.get(tx, "late").title == "Late"


@with_timers
def test_transaction_ended_as_idle_on_postgresql_is_unavailable(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_send_keepalive", lambda connection: None)
    with pytest.raises(StoreUnavailable):
        add(store, after="SET LOCAL idle_in_transaction_session_timeout = '50ms'", pause=0.5)
    lock(store)


def test_driver_errors_on_postgresql_are_unavailable_too(url: str, store: Store) -> None:
    def lose() -> None:
        with store.begin() as tx:
            driver = tx.connection.driver_connection
            assert driver is not None
            driver.execute("SELECT 1")
            cut_off(url)
            driver.execute("SELECT 1")

    with pytest.raises(StoreUnavailable):
        lose()
    lock(store)


def test_a_read_only_database_is_unavailable_for_writes_on_postgresql(url: str, store: Store) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(conninfo(url), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    cut_off(url)
    with pytest.raises(StoreUnavailable):
        add(store)
    with store.read() as tx:
        assert collections.get(tx, "room").title == "Room"
    with psycopg.connect(conninfo(url), autocommit=True) as admin:
        admin.execute("SET default_transaction_read_only = off")
        admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
    cut_off(url)
    add(store)


def test_maintenance_thread_stops_with_the_store_on_postgresql(url: str) -> None:
    store = Store.open(url)
    for _ in range(2):
        lock(store)
        assert store._keep_alive is not None
        thread = store._keep_alive._thread
        assert thread is not None
        assert thread.is_alive()
        store.close()
        assert not thread.is_alive()


def added(store: Store) -> int:
    with store.begin() as tx:
        item = Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"})
        last = log.append(tx, collections.get(tx, "room"), [item]).last
    assert last is not None
    return last


def test_date_added_on_postgresql_uses_the_database_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "now", lambda: 0)
    with store.read() as tx:
        before = database_time(tx)
    assert added(store) >= before


def test_reader_is_not_ahead_of_a_new_primary_with_a_slow_clock_on_postgresql(store: Store) -> None:
    # Rows of the former primary that a reader has read were lost with it.
    read = added(store) + log.CLOCK_DIFFERENCE // 2
    assert added(store) < read
    with store.begin() as tx:
        tx.execute(text("UPDATE collections SET timeline = timeline + 1"))
    first = added(store)
    assert first > read
    assert first < added(store) < first + log.CLOCK_DIFFERENCE // 2


@pytest.mark.parametrize("behind", [90, 600])
def test_node_with_the_right_time_is_ahead_of_a_new_primary_whose_clock_is_behind_on_postgresql(
    store: Store, url: str, behind: int
) -> None:
    read = added(store)
    _lose_last_rows(store, read - 60_000_000)
    with store.begin() as tx:
        tx.execute(text("CREATE SCHEMA behind"))
        tx.execute(
            text(
                "CREATE FUNCTION behind.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
                f" $$ SELECT pg_catalog.clock_timestamp() - interval '{behind} s' $$"
            )
        )
    # Another node, which has seen none of the lost rows.
    other = Store.open(f"{url}&options=-csearch_path%3Dbehind,pg_catalog,public")
    try:
        with other.read() as tx:
            assert database_time(tx) < read
        first = added(other)
        assert read < first < added(other)
    finally:
        other.close()


def _lose_last_rows(store: Store, last: int) -> None:
    """Continue on a new primary that knows rows only up to that date."""
    with store.begin() as tx:
        tx.execute(text("DELETE FROM objects WHERE date_added > :last"), {"last": last})
        tx.execute(text("UPDATE collections SET last_added = least(last_added, :last)"), {"last": last})
        tx.execute(text("UPDATE collections SET timeline = timeline + 1"))


@pytest.mark.long
def test_nothing_is_compiled_on_postgresql_from_debian() -> None:
    programs = installed_by_debian()
    if programs is None:
        pytest.skip("PostgreSQL from Debian's packages is not installed")
    server = Postgres(programs)
    try:
        server.start()
        url = server.url(server.database())
        store = Store.open(url)
        store.migrate()
        # A plan that scans a whole table costs as much as this one.
        explain = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT count(*) FROM collections WHERE lower(alias) = 'room'"
        with psycopg.connect(conninfo(url)) as plain:
            plain.execute("SET jit = on")
            plain.execute("SET enable_seqscan = off")
            plain.execute("SET jit_above_cost = 0")
            row = plain.execute(explain.encode()).fetchone()
            assert row is not None
            if "JIT" not in row[0][0]:
                pytest.skip("this PostgreSQL compiles nothing")
        with store.read() as tx:
            tx.execute(text("SET LOCAL jit_above_cost = 0"))
            assert "JIT" not in tx.execute(text(explain)).scalar_one()[0]
        store.close()
    finally:
        server.remove()
