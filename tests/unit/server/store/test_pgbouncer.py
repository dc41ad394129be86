"""Through PgBouncer in transaction pooling, every transaction has the settings, and nothing else changes."""

import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from server.store import Store, collections, log
from server.store.database import postgresql
from server.store.item import Item
from server.store.objects.query import Query
from tests.orphans import dying
from tests.ports import free_port
from tests.postgres import Postgres

SAMPLE = Path(__file__).parents[4] / "docs" / "deploy" / "pgbouncer.ini"
PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
HOLD = """
import sys, time
from server.store import Store, collections, log
store = Store.open(sys.argv[1])
with store.begin() as tx:
    log.lock(tx, [collections.get(tx, "room")])
    print("locked", flush=True)
    time.sleep(600)
"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed: apt-get install pgbouncer")


@pytest.fixture
def pooled(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """Run PgBouncer with three connections to a database with one collection, and yield its URL."""
    assert PROGRAM is not None
    name = postgres.database(postgres_template)
    store = Store.open(postgres.url(name))
    # A role's settings belong to one database. A copy of it has none.
    store.migrate()
    with store.begin() as tx:
        collections.add(tx, "room", "Room")
    store.close()
    port = free_port()
    config = SAMPLE.read_text()
    config = config.replace("host=10.0.0.10 port=5000", f"host={postgres.folder} user=scamfeed")
    config = config.replace("dbname=scamfeed", f"dbname={name}").replace("6432", str(port))
    config = config.replace("scram-sha-256", "any").replace("default_pool_size = 20", "default_pool_size = 3")
    config = config.replace("/etc/pgbouncer", str(postgres.folder)) + "unix_socket_dir =\n"
    file = postgres.folder / f"{name}.ini"
    file.write_text(config)
    with (postgres.folder / f"{name}.log").open("wb") as out:
        process = subprocess.Popen(dying(PROGRAM, str(file)), stdout=out, stderr=out, **postgres.runs_as)
    url = f"postgresql+psycopg://scamfeed@127.0.0.1:{port}/scamfeed"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(url.replace("+psycopg", ""), connect_timeout=60).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (postgres.folder / f"{name}.log").read_text()
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(60)
        postgres.drop(name)


def test_each_transaction_through_a_pooler_on_postgresql_has_the_settings(
    pooled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The next transaction may see or miss a session's settings.
    monkeypatch.setattr(postgresql, "_apply", lambda connection, settings: None)
    stores = [Store.open(pooled) for _ in range(8)]
    found = set()
    for _ in range(3):
        for store in stores:
            for transaction in (store.read, store.begin):
                with transaction() as tx:
                    names = ("jit", "enable_seqscan", "lock_timeout", "idle_in_transaction_session_timeout")
                    found.add(tuple(tx.execute(text(f"SHOW {name}")).scalar_one() for name in names))
    for store in stores:
        store.close()
    assert found == {("off", "off", "30s", "4s")}


def test_writers_through_a_pooler_on_postgresql_keep_one_order(pooled: str) -> None:
    def write(store: Store) -> None:
        for _ in range(30):
            with store.begin() as tx:
                item = Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"})
                log.append(tx, collections.get(tx, "room"), [item])

    stores = [Store.open(pooled) for _ in range(6)]
    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    after = -1
    while any(thread.is_alive() for thread in threads) or len(seen) < 180:
        is_over = not any(thread.is_alive() for thread in threads)
        with stores[0].read() as tx:
            page = log.page(tx, collections.get(tx, "room"), Query(after=after))
        seen += [Item.of_bytes(body).id for body in page.bodies]
        after = after if page.last is None else page.last
        if is_over:
            break
    for store in stores:
        store.close()
    assert len(seen) == len(set(seen)) == 180


@pytest.mark.long
def test_frozen_process_behind_a_pooler_on_postgresql_delays_no_other_for_more_than_five_seconds(pooled: str) -> None:
    assert postgresql._SILENCE_SECONDS <= 5
    holder = subprocess.Popen([sys.executable, "-c", HOLD, pooled], stdout=subprocess.PIPE)
    store = Store.open(pooled)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        holder.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        with store.begin() as tx:
            tx.execute(text("SET LOCAL lock_timeout = '5min'"))
            tx.execute(text("SET LOCAL statement_timeout = '5min'"))
            log.lock(tx, [collections.get(tx, "room")])
        assert time.monotonic() - began < 60  # mostly for a busy machine: the process holds it for ten minutes
    finally:
        holder.kill()
        holder.communicate()
        store.close()
