"""Feeds: a pull compared with its peer's speed, and many pushes of one collection compared with bare database rows."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

from benchmarks.taxii import hub
from benchmarks.taxii.client import Client
from feeds.connector import Answer, Push, PushSettings
from feeds.connectors import build
from feeds.runs.run import SharedPages
from feeds.runs.runner import run
from mappers import ids
from mappers.indicator import Profile, to_stix
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.cli.large_work import prepare_process
from server.release.hub import Hub
from server.store import Store, collections, log, partners
from server.store.item import Item

PAGE = 1_000
PUSHES = 50
# Like the schedule: all at once.
_THREADS = 64
_STEP = 5_000


def rows(objects: int) -> Iterator[list[object]]:
    """Yield the table's rows, for a peer and a collection of ``objects``."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _pull(Path(folder), objects)
    with tempfile.TemporaryDirectory() as folder:
        yield from _push(Path(folder), objects // 10)


def _pull(folder: Path, objects: int) -> Iterator[list[object]]:
    there = f"sqlite:///{folder / 'there.db'}"
    store = Store.open(there)
    store.migrate()
    with store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        given = partners.add(tx, Partner(name="hub", kind=PartnerKind.BANK, identity=ids.identity("hub"), vouched=True))
        collections.grant(tx, "hub", room, read=True)
    _fill(store, "room", objects)
    store.close()
    with hub.serving(there) as (port, _):
        theirs = objects / _read(port, given.token)
        done = _child("pull", f"sqlite:///{folder / 'here.db'}", str(port), given.token)
    assert done["accepted"] == objects, done
    mine = objects / done["seconds"]
    what = f"taxii-pull of {objects:,} from a peer of ours, objects/s"
    yield [what, round(mine), "its pages, read by a bare client", round(theirs), f"{mine / theirs:.2f}x"]
    yield ["the same, processor time an object", f"{done['cpu'] / objects * 1e6:.0f} µs", "", "", ""]
    yield ["the same, memory at most", f"{done['most']:.0f} MiB", "before", f"{done['before']:.0f} MiB", ""]


def _push(folder: Path, objects: int) -> Iterator[list[object]]:
    done = _child("push", f"sqlite:///{folder / 'hub.db'}", str(objects))
    assert done["accepted"] == objects * PUSHES, done
    mine, theirs = (objects * PUSHES / seconds for seconds in (done["seconds"], _bare(folder / "bare.db", objects)))
    what = f"{PUSHES} pushes of {objects:,} objects each, deliveries/s"
    yield [what, round(mine), "the ledger's rows alone, raw SQLite", round(theirs), f"{mine / theirs:.2f}x"]
    yield ["the same, processor time a delivery", f"{done['cpu'] / objects / PUSHES * 1e6:.0f} µs", "", "", ""]
    yield ["the same, reads of the log", round(done["reads"]), "pages", -(-objects // PAGE), ""]
    yield ["the same, memory at most", f"{done['most']:.0f} MiB", "before", f"{done['before']:.0f} MiB", ""]


def _child(*arguments: str) -> dict[str, float]:
    """Measure in a new process, so that its memory contains nothing else."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.feeds", *arguments], stdout=subprocess.PIPE, check=True)
    said: dict[str, float] = json.loads(done.stdout)
    return said


def _fill(store: Store, alias: str, objects: int) -> None:
    """Add our own indicators to a collection; those of one file have the same time of report."""
    for start in range(0, objects, _STEP):
        at = f"2026-01-{1 + start // _STEP % 28:02}T{start // _STEP // 28 % 24:02}:00:00Z"
        reader = ReportReader(
            {"reporter": "Somebody", "kind": "domain", "reported_at": at, "valid_until": "2027-01-01"}
        )
        some = (f"shop-{number}.example.com" for number in range(start, min(objects, start + _STEP)))
        items = [Item.of(to_stix(reader.report({"value": value}), Profile.CORE)[0]) for value in some]
        with store.begin() as tx:
            log.append(tx, collections.get(tx, alias), items)


def _read(port: int, token: str) -> float:
    """Read all pages of the room, and return the seconds this took."""
    client, path, more = Client(port, token), f"/feed/collections/room/objects/?limit={PAGE}", ""
    start = time.perf_counter()
    while True:
        _, body = client.get(path + more)
        said = json.loads(bytes(body[:200]).partition(b',"objects"')[0] + b"}") if b'"next"' in body[:200] else None
        said = said or {name: value for name, value in json.loads(bytes(body)).items() if name != "objects"}
        if not said.get("more"):
            return time.perf_counter() - start
        more = f"&next={said['next']}"


def pulling(url: str, port: str, token: str) -> dict[str, float]:
    """Pull the room of the peer at ``port`` into a new store."""
    os.environ["TOKEN"] = token
    store = Store.open(url)
    store.migrate()
    with store.begin() as tx:
        collections.create_defaults(tx)
        partners.add(tx, Partner(name="Peer", kind=PartnerKind.GOVERNMENT, identity=ids.identity("Peer"), vouched=True))
    table = {"name": "pull", "connector": "taxii-pull", "url": f"http://127.0.0.1:{port}/feed/collections/room/"}
    table |= {"contribute_as": "Peer", "allow_private": True, "token": {"env": "TOKEN"}, "batch": PAGE}
    feed = build(table)
    prepare_process()
    memory, start, used = _Memory(), time.perf_counter(), time.process_time()
    result = run(Hub(store), feed, progress=memory.note)
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    return {
        "accepted": result.accepted,
        "seconds": seconds,
        "cpu": cpu,
        "before": memory.before,
        "most": memory.most,
    }


class _Memory:
    """Memory of a process without its mapping of the database's file; ``most`` is the maximum between batches."""

    def __init__(self) -> None:
        self.before = self.most = self._now()

    def note(self, _: object) -> None:
        self.most = max(self.most, self._now())

    def _now(self) -> float:
        found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
        return int(found[1]) / 1024 if found else 0.0


class Taking(Push[PushSettings]):
    """A push to a peer that accepts everything at once."""

    name: ClassVar[str] = "taking"
    settings_model = PushSettings

    def push(self, items: Sequence[Item]) -> list[Answer]:
        """Report that all objects arrived."""
        return [Answer(item, True, "success") for item in items]


def pushing(url: str, objects: str) -> dict[str, float]:
    """Fill a collection, and push it to all partners at once."""
    store = Store.open(url)
    store.migrate()
    feeds = []
    with store.begin() as tx:
        collections.create_defaults(tx)
        for number in range(PUSHES):
            name = f"Partner {number}"
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name), vouched=True))
            collections.grant(tx, name, collections.get(tx, "takedown"), read=True)
            said = {"name": f"to-{number}", "connector": "taking", "partner": name, "collection": "takedown"}
            feeds.append(Taking(PushSettings.model_validate({**said, "batch": PAGE})))
    _fill(store, "takedown", int(objects))
    prepare_process()
    pages, memory, start, used = SharedPages(), _Memory(), time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(_THREADS) as threads:
        results = list(threads.map(lambda feed: run(Hub(store), feed, pages=pages, progress=memory.note), feeds))
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    return {
        "accepted": sum(result.accepted for result in results),
        "seconds": seconds,
        "cpu": cpu,
        "reads": pages.reads,
        "before": memory.before,
        "most": memory.most,
    }


def _bare(path: Path, objects: int) -> float:
    """Insert the same number of rows into a bare table, and return the seconds this took."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-32768"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(
        "CREATE TABLE raw (feed TEXT, partner TEXT, id TEXT, version BIGINT, delivered BIGINT, answer TEXT,"
        " attempts SMALLINT, PRIMARY KEY (feed, partner, id, version))"
    )
    delivered = [f"indicator--{uuid.uuid4()}" for _ in range(objects)]
    start = time.perf_counter()
    for number in range(PUSHES):
        for place in range(0, objects, PAGE):
            some = delivered[place : place + PAGE]
            raw = [(f"to-{number}", f"Partner {number}", each, 1 << 50, 1 << 50, "success", 1) for each in some]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO raw VALUES (?,?,?,?,?,?,?)", raw)
            connection.execute("COMMIT")
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps({"pull": pulling, "push": pushing}[sys.argv[1]](*sys.argv[2:])))
