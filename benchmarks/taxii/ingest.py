"""POST, compared with SQLite inserting the same rows in the same transactions."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.taxii.client import Client
from benchmarks.taxii.hub import envelope, serving
from server.store.objects import object_ids

ENVELOPES = {1: 60, 100: 30, 1000: 8, 5000: 4}
ROUNDS = 3


def rows(folder: Path, url: str, token: str, size: int) -> Iterator[list[object]]:
    """Post envelopes of several sizes, alternating with the inserts."""
    source, other = url.removeprefix("sqlite:///"), folder / "raw.db"
    with closing(sqlite3.connect(source)) as whole:
        whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(source, other)
    with closing(sqlite3.connect(other, isolation_level=None)) as raw, serving(url) as (port, _):
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("PRAGMA wal_autocheckpoint=16384")
        client = Client(port, token)
        for count, times in ENVELOPES.items():
            mine, theirs = [], []
            for _ in range(ROUNDS):
                mine.append(_post(client, count, times))
                theirs.append(_insert(raw, count, times))
            ours, beside = median(mine), median(theirs)
            what = f"POST of {count:,} at {size:,}, objects/s"
            yield [what, round(ours), "raw SQLite, synchronous", round(beside), f"{ours / beside:.2f}x"]


def _post(client: Client, count: int, times: int) -> float:
    bodies = [envelope(count) for _ in range(times)]
    start = perf_counter()
    for body in bodies:
        answer = client.post("/feed/collections/room/objects/", body)
        assert b'"failure_count":0' in bytes(answer[:400])
    return count * times / (perf_counter() - start)


def _insert(raw: sqlite3.Connection, count: int, times: int) -> float:
    [(last,)] = raw.execute("SELECT max(date_added) FROM objects")
    batches = []
    for _ in range(times):
        batch = []
        for item in json.loads(envelope(count))["objects"]:
            last += 1
            name = object_ids.pack(item["id"], "indicator")
            body = json.dumps(item, separators=(",", ":")).encode()
            batch.append((last, name.high, name.low, name.type, body))
        batches.append(batch)
    sql = (
        "INSERT INTO objects (date_added, id_high, id_low, version, collection, space, type, observable_type,"
        " spec_version, parts, latest, legacy, revoked, body)"
        " VALUES (?, ?, ?, 1767225600000000, 1, 0, ?, 0, 21, 1, 1, 0, 0, ?)"
    )
    start = perf_counter()
    for batch in batches:
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany(sql, batch)
        raw.execute("COMMIT")
    return count * times / (perf_counter() - start)
