"""No object is lost or duplicated during writes to one file by several processes."""

import json
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from server.store import Store, Tx, log
from server.store.collections import Collection
from server.store.database.sql import database_time
from server.store.item import Item
from server.store.objects import additions, ends
from server.store.objects.query import Query
from server.store.tables import collections

WRITERS, BATCHES, SIZE = 8, 12, 7

# Each object is added to its writer's list before it is written, so readers must end up with that list.
WRITER = """
import json, sys, uuid
from server.store import Store, collections, log
from server.store.item import Item
store = Store.open(sys.argv[1])
with store.read() as tx:
    collection = collections.get(tx, "collection")
written = []
for batch in range(int(sys.argv[2])):
    items = [
        Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": str(batch)}) for _ in range(int(sys.argv[3]))
    ]
    with store.begin() as tx:
        log.append(tx, collection, items)
    written += [item.id for item in items]
store.close()
json.dump(written, sys.stdout)
"""


# Polls like a client: by "next" if present (some never use it), otherwise by the last date_added seen, possibly cut to
# milliseconds. Each page has its own size. Ends when its input has ended and no objects are left.
READER = """
import json, random, sys, threading, time
from server.store import Store, collections, log
from server.store.item import Item
from server.store.objects.query import Query
most, keeps = int(sys.argv[2]), sys.argv[3]
chance = random.Random(most)
store = Store.open(sys.argv[1])
with store.read() as tx:
    collection = collections.get(tx, "collection")
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set())).start()
seen, after = [], -1
while True:
    last_round = done.is_set()
    with store.read() as tx:
        page = log.page(tx, collection, Query(after=after, limit=chance.randint(1, most)))
    seen += [Item.of_bytes(body).id for body in page.bodies]
    if page.next is not None and keeps != "date_added":
        after = page.next
    elif page.last is not None:
        after = page.last // 1000 * 1000 if keeps == "milliseconds" else page.last
    elif last_round:
        break
    else:
        time.sleep(0.02)
store.close()
json.dump(seen, sys.stdout)
"""


@pytest.mark.long
def test_readers_get_all_objects_of_eight_writers_once_and_in_order(
    store: Store, collection: Collection, url: str
) -> None:
    def start(script: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, url, *arguments]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    readers = [
        start(READER, "5", "next"),
        start(READER, "40", "milliseconds"),
        start(READER, "15", "date_added"),
        start(READER, "1000", "next"),
    ]
    writers = [start(WRITER, str(BATCHES), str(SIZE)) for _ in range(WRITERS)]

    def printed(process: subprocess.Popen[str]) -> list[str]:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        lines: list[str] = json.loads(out)
        return lines

    written = [id_ for writer in writers for id_ in printed(writer)]
    seen = [printed(reader) for reader in readers]
    with store.read() as tx:
        order = [record.id for record in log.manifest(tx, collection, Query()).records]
    assert sorted(order) == sorted(written)
    assert len(order) == WRITERS * BATCHES * SIZE
    for read in seen:
        assert read == order


def race(
    store: Store, collection: Collection, monkeypatch: pytest.MonkeyPatch, patience: float
) -> tuple[list[str], list[str]]:
    """Pause one writer between its read and its first row while another one writes.

    It pauses until the other is done, or for ``patience`` seconds. Return the objects that a reader got by polling
    before and after the slow commit, and the objects that exist.
    """
    slow, quick = (Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"}) for _ in range(2))
    asleep, quick_is_done, polled = (threading.Event() for _ in range(3))
    allocate = additions.allocate

    def falls_asleep_with_the_time(last: int, count: int, moment: int) -> tuple[int, int]:
        if threading.current_thread().name == "slow":
            asleep.set()
            polled.wait(60)
        return allocate(last, count, moment)

    def commit(item: Item) -> None:
        with store.begin() as tx:
            log.append(tx, collection, [item])

    def commit_quickly() -> None:
        # A separate millisecond: otherwise both would choose the same date, and the database would reject one.
        time.sleep(0.01)
        commit(quick)
        quick_is_done.set()

    def poll() -> None:
        with store.read() as tx:
            page = log.page(tx, collection, Query(after=place[-1]))
        got.extend(Item.of_bytes(body).id for body in page.bodies)
        if page.last is not None:
            place.append(page.last)

    got: list[str] = []
    place = [-1]
    monkeypatch.setattr(additions, "allocate", falls_asleep_with_the_time)
    first = threading.Thread(target=commit, args=(slow,), name="slow")
    second = threading.Thread(target=commit_quickly)
    first.start()
    assert asleep.wait(60)
    second.start()
    quick_is_done.wait(patience)
    poll()
    polled.set()
    first.join(60)
    second.join(60)
    poll()
    with store.read() as tx:
        there = [record.id for record in log.manifest(tx, collection, Query()).records]
    assert sorted(there) == sorted([slow.id, quick.id])
    return got, there


@pytest.mark.long_but("sqlite")
def test_slow_commit_blocks_the_next_so_that_no_reader_skips_it(
    store: Store, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    got, there = race(store, collection, monkeypatch, patience=1.5)
    assert got == there


@pytest.mark.parametrize("database", ["postgresql"])
def test_reader_would_skip_a_slow_commit_without_the_row_lock(
    store: Store, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite always has a single writer. On PostgreSQL, the test above depends on that lock."""

    def reads_and_locks_nothing(tx: Tx, logs: set[int], then: object = None) -> dict[int, ends.LogEnd]:
        [number] = logs
        last: int = tx.execute(select(collections.c.last_added).where(collections.c.number == number)).scalar_one()
        return {number: ends.LogEnd(last, database_time(tx), 0, {1: (number, last)})}

    monkeypatch.setattr(ends, "lock", reads_and_locks_nothing)
    got, there = race(store, collection, monkeypatch, patience=30)
    assert len(got) == 1
    assert got == there[1:]


def test_long_read_sees_one_moment(store: Store, collection: Collection) -> None:
    item = Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"})
    with store.read() as tx:
        assert log.count(tx, collection) == 0
        with store.begin() as writing:
            log.append(writing, collection, [item])
        assert log.count(tx, collection) == 0
    with store.read() as tx:
        assert log.count(tx, collection) == 1


CRASHING = """
import sys, uuid
from server.store import Store, collections, log
from server.store.item import Item
store = Store.open(sys.argv[1])
with store.read() as tx:
    collection = collections.get(tx, "collection")
while True:
    items = [Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"}) for _ in range(20)]
    with store.begin() as tx:
        log.append(tx, collection, items)
    print("\\n".join(item.id for item in items), flush=True)
"""


@pytest.mark.long_but("sqlite-120")
@pytest.mark.parametrize("milliseconds", [120, 180, 290])
def test_objects_acknowledged_before_a_kill_are_stored_once(
    store: Store, collection: Collection, url: str, tmp_path: Path, milliseconds: int
) -> None:
    output = tmp_path / "acknowledged"
    with output.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", CRASHING, url], stdout=out)
        deadline = time.monotonic() + 60
        while not output.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(milliseconds / 1000)
        process.kill()
        process.wait()
    acknowledged = [line.strip() for line in output.read_text().splitlines() if len(line.strip()) == 41]
    with store.read() as tx:
        there = [record.id for record in log.manifest(tx, collection, Query(limit=1_000_000)).records]
    assert acknowledged
    assert len(there) == len(set(there))
    assert set(acknowledged) <= set(there)
    assert len(there) % 20 == 0
