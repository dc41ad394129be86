"""A copy made during writes is one moment of the store, and the restored store continues after it."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.store import Store, log
from server.store.collections import Collection
from server.store.database.times import now
from server.store.item import Item
from server.store.objects.query import Query
from tests.postgres import Postgres

SIZE = 7


def batch() -> list[Item]:
    return [Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"}) for _ in range(SIZE)]


@contextmanager
def writing(store: Store, collection: Collection) -> Iterator[list[str]]:
    """Append batches in a thread, and return the ids acknowledged so far."""
    acknowledged: list[str] = []
    begun, enough = threading.Event(), threading.Event()

    def write() -> None:
        while not enough.is_set():
            items = batch()
            with store.begin() as tx:
                log.append(tx, collection, items)
            acknowledged.extend(item.id for item in items)
            if len(acknowledged) > 10 * SIZE:
                begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert begun.wait(60)
        yield acknowledged
    finally:
        enough.set()
        thread.join(60)


def listed(store: Store, collection: Collection) -> list[log.ManifestRecord]:
    with store.read() as tx:
        return log.manifest(tx, collection, Query(limit=1_000_000)).records


def check(original: Store, copy: Store, collection: Collection, before: list[str]) -> None:
    """Check a copy's guarantees. ``before`` are the ids acknowledged before it began."""
    there, all_ = listed(copy, collection), listed(original, collection)
    assert there == all_[: len(there)]
    assert {record.id for record in there} >= set(before)
    assert len(there) % SIZE == 0
    # Batches end on whole milliseconds. Faster ones run ahead of the clock, which no restore does.
    while now() <= all_[-1].date_added:
        time.sleep(0.001)
    with copy.begin() as tx:
        done = log.append(tx, collection, batch())
    assert done.first is not None
    assert done.first > there[-1].date_added
    # A reader with a cursor from after the copy misses no object added from now on.
    assert done.first > all_[-1].date_added


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("way", ["vacuum", "online"])
def test_file_copied_during_writes_is_one_moment(
    store: Store, collection: Collection, url: str, tmp_path: Path, way: str
) -> None:
    source, target = url.removeprefix("sqlite:///"), tmp_path / "copy.db"
    with writing(store, collection) as acknowledged:
        before = list(acknowledged)
        connection = sqlite3.connect(source)
        if way == "vacuum":
            connection.execute("VACUUM INTO ?", (str(target),))
        else:
            with_pages = sqlite3.connect(target)
            connection.backup(with_pages)
            with_pages.close()
        connection.close()
    copy = Store.open(f"sqlite:///{target}")
    check(store, copy, collection, before)
    copy.close()


@pytest.mark.parametrize("database", ["postgresql"])
def test_dump_during_writes_is_one_moment(store: Store, collection: Collection, url: str, postgres: Postgres) -> None:
    host = ("-h", str(postgres.folder), "-U", "scamfeed")
    name = url.split("/")[3].split("?")[0]
    with writing(store, collection) as acknowledged:
        before = list(acknowledged)
        postgres.run("pg_dump", *host, "-Fc", "-f", f"{name}.dump", name)
    restored = postgres.database()
    postgres.run("pg_restore", *host, "--exit-on-error", "--no-owner", "-d", restored, f"{name}.dump")
    copy = Store.open(postgres.url(restored))
    check(store, copy, collection, before)
    copy.close()
    postgres.drop(restored)


@pytest.mark.parametrize("database", ["postgresql"])
def test_base_backup_during_writes_is_one_moment(
    store: Store, collection: Collection, url: str, postgres: Postgres
) -> None:
    name = url.split("/")[3].split("?")[0]
    data = postgres.folder / f"base-{name}"
    with writing(store, collection) as acknowledged:
        before = list(acknowledged)
        host = ("-h", str(postgres.folder), "-U", "scamfeed")
        postgres.run("pg_basebackup", *host, "-D", str(data), "-c", "fast", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={data}"
    postgres.run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(data / "log"), "start")
    try:
        copy = Store.open(f"postgresql+psycopg://scamfeed@/{name}?host={data}")
        check(store, copy, collection, before)
        copy.close()
    finally:
        postgres.run("pg_ctl", "-D", str(data), "-m", "fast", "stop")
