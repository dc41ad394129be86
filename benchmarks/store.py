"""``log.append`` alone, compared with the fastest insert of the same rows in transactions of the same size."""

import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from server.store import Store, collections, log
from server.store.item import Item
from tests.postgres import Postgres

ROUNDS = 3
TRANSACTIONS = ((100, 40), (1_000, 10), (5_000, 3))
STOCK = 100_000

TABLE = (
    "CREATE TABLE raw (collection INTEGER, date_added BIGINT, id TEXT, type TEXT, spec_version TEXT, version BIGINT,"
    " revoked BOOLEAN, latest BOOLEAN, legacy BOOLEAN, body {blob}, PRIMARY KEY (collection, date_added))"
)
_NAMES = "collection, date_added, id, type, spec_version, version, revoked, latest, legacy, body"


def rows(stock: int = STOCK) -> Iterator[list[object]]:
    """Yield the table's rows: objects per second into a store of ``stock`` objects, ours and theirs in turn."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/store.db")
        yield from _compare("SQLite", store, "raw SQLite insert", _sqlite(Path(folder) / "raw.db"), stock)
        store.close()
    server = Postgres(durable=True)
    server.start()
    try:
        name = server.database()
        store = Store.open(server.url(name))
        beside = copied(f"host={server.folder} user=scamfeed dbname={name}")
        yield from _compare("PostgreSQL", store, "COPY", beside, stock)
        store.close()
    finally:
        server.remove()


Insert = Callable[[Sequence[tuple[Any, ...]]], None]


def _compare(name: str, store: Store, beside: str, insert: Insert, stock: int) -> Iterator[list[object]]:
    store.migrate()
    with store.begin() as tx:
        alias = f"room-{uuid.uuid4()}"
        room = collections.add(tx, alias, alias)
    date = 0
    for _ in range(stock // 5_000):
        items = _items(5_000)
        with store.begin() as tx:
            log.append(tx, room, items)
        insert(plain(items, date))
        date += len(items)
    for size, times in TRANSACTIONS:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            batches = [_items(size) for _ in range(times)]
            start = time.perf_counter()
            for batch in batches:
                with store.begin() as tx:
                    log.append(tx, room, batch)
            ours.append(size * times / (time.perf_counter() - start))
            raw = []
            for batch in batches:
                raw.append(plain(batch, date))
                date += size
            start = time.perf_counter()
            for each in raw:
                insert(each)
            theirs.append(size * times / (time.perf_counter() - start))
        mine, other = statistics.median(ours), statistics.median(theirs)
        what = f"store on {name} with {stock:,}: append {size:,} a transaction, objects/s"
        yield [what, round(mine), beside, round(other), f"{mine / other:.2f}x"]


def _items(count: int) -> list[Item]:
    made = []
    for _ in range(count):
        id_ = f"indicator--{uuid.uuid4()}"
        body = f'{{"type":"indicator","spec_version":"2.1","id":"{id_}","pattern":"{"x" * 700}"}}'.encode()
        made.append(Item(id_, "indicator", "2.1", 1_767_225_600_000_000, False, body))
    return made


def plain(items: list[Item], date: int) -> list[tuple[Any, ...]]:
    """Convert items to rows of a bare table, dated after ``date``."""
    return [(1, at, *item[:5], True, False, item.body) for at, item in enumerate(items, date + 1)]


def _sqlite(path: Path) -> Insert:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-32768"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(TABLE.format(blob="BLOB"))

    def insert(given: Sequence[tuple[Any, ...]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO raw VALUES (?,?,?,?,?,?,?,?,?,?)", given)
        connection.execute("COMMIT")

    return insert


def copied(conninfo: str) -> Insert:
    """Return a function that inserts rows into a bare table of PostgreSQL by COPY, in one transaction per call."""
    import psycopg

    connection = psycopg.connect(conninfo, autocommit=True)
    connection.execute("DROP TABLE IF EXISTS raw")
    connection.execute(TABLE.format(blob="BYTEA").encode())
    types = ["int4", "int8", "text", "text", "text", "int8", "bool", "bool", "bool", "bytea"]

    def insert(given: Sequence[tuple[Any, ...]]) -> None:
        with (
            connection.transaction(),
            connection.cursor() as cursor,
            cursor.copy(f"COPY raw ({_NAMES}) FROM STDIN (FORMAT BINARY)".encode()) as copy,
        ):
            copy.set_types(types)
            for row in given:
                copy.write_row(row)

    return insert
