"""Nothing lost, nothing twice, whatever is being written: on a file, from several processes."""

import json
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from server.store import Store, log
from server.store.collections import Collection
from server.store.item import Item
from server.store.query import Query

WRITERS, BATCHES, SIZE = 8, 12, 7

# Each object appears in its writer's list before it is written, so that the list is what readers have to end up with.
WRITER = """
import json, sys, uuid
from server.store import Store, collections, log
from server.store.item import Item
store = Store.open(sys.argv[1])
with store.read() as tx:
    room = collections.get(tx, "room")
written = []
for batch in range(int(sys.argv[2])):
    items = [
        Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": str(batch)}) for _ in range(int(sys.argv[3]))
    ]
    with store.begin() as tx:
        log.append(tx, room, items)
    written += [item.id for item in items]
store.close()
json.dump(written, sys.stdout)
"""


# Polls like a client: by "next" while there is one (or never, as some), else by the last date_added it has seen, of
# which it may keep the milliseconds only. Each page has a size of its own. Ends when told so and nothing new is there.
READER = """
import json, random, sys, threading, time
from server.store import Store, collections, log
from server.store.item import Item
from server.store.query import Query
most, keeps = int(sys.argv[2]), sys.argv[3]
chance = random.Random(most)
store = Store.open(sys.argv[1])
with store.read() as tx:
    room = collections.get(tx, "room")
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set())).start()
seen, after = [], -1
while True:
    last_round = done.is_set()
    with store.read() as tx:
        page = log.page(tx, room, Query(after=after, limit=chance.randint(1, most)))
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


def test_readers_get_all_that_eight_processes_write_once_and_in_order(store: Store, room: Collection, url: str) -> None:
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

    def said(process: subprocess.Popen[str]) -> list[str]:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        heard: list[str] = json.loads(out)
        return heard

    written = [one for writer in writers for one in said(writer)]
    seen = [said(reader) for reader in readers]
    with store.read() as tx:
        order = [record.id for record in log.manifest(tx, room, Query()).records]
    assert sorted(order) == sorted(written)
    assert len(order) == WRITERS * BATCHES * SIZE
    for each in seen:
        assert each == order


def test_a_slow_committer_holds_back_the_next_so_that_no_reader_passes_it(store: Store, room: Collection) -> None:
    slow, quick = (Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"}) for _ in range(2))
    inside, let_go = threading.Event(), threading.Event()
    finished: list[str] = []

    def commit_slowly() -> None:
        with store.begin() as tx:
            log.append(tx, room, [slow])
            inside.set()
            let_go.wait(10)
        finished.append("slow")

    def commit_quickly() -> None:
        with store.begin() as tx:
            log.append(tx, room, [quick])
        finished.append("quick")

    first, second = threading.Thread(target=commit_slowly), threading.Thread(target=commit_quickly)
    first.start()
    assert inside.wait(10)
    second.start()
    time.sleep(0.2)
    with store.read() as tx:
        assert log.page(tx, room, Query()).bodies == []
    let_go.set()
    first.join()
    second.join()
    with store.read() as tx:
        assert log.page(tx, room, Query()).bodies == [slow.body, quick.body]


def test_a_reader_sees_one_moment_however_long_it_reads(store: Store, room: Collection) -> None:
    item = Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"})
    with store.read() as tx:
        assert log.count(tx, room) == 0
        with store.begin() as writing:
            log.append(writing, room, [item])
        assert log.count(tx, room) == 0
    with store.read() as tx:
        assert log.count(tx, room) == 1


CRASHING = """
import sys, uuid
from server.store import Store, collections, log
from server.store.item import Item
store = Store.open(sys.argv[1])
with store.read() as tx:
    room = collections.get(tx, "room")
while True:
    items = [Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"}) for _ in range(20)]
    with store.begin() as tx:
        log.append(tx, room, items)
    print("\\n".join(item.id for item in items), flush=True)
"""


@pytest.mark.parametrize("milliseconds", [120, 180, 290])
def test_what_was_acknowledged_before_a_kill_is_there_once(
    store: Store, room: Collection, url: str, tmp_path: Path, milliseconds: int
) -> None:
    said = tmp_path / "acknowledged"
    with said.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", CRASHING, url], stdout=out)
        deadline = time.monotonic() + 30
        while not said.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(milliseconds / 1000)
        process.kill()
        process.wait()
    acknowledged = [line.strip() for line in said.read_text().splitlines() if len(line.strip()) == 41]
    with store.read() as tx:
        there = [record.id for record in log.manifest(tx, room, Query(limit=1_000_000)).records]
    assert acknowledged
    assert len(there) == len(set(there))
    assert set(acknowledged) <= set(there)
    assert len(there) % 20 == 0
