"""A hub with very many values on PostgreSQL: filled through the release engine, and measured at several sizes.

``python -m benchmarks scale --values 1000000,10000000 --url postgresql+psycopg://…`` continues an interrupted run on
the same database. Without ``--url`` it runs its own PostgreSQL, which is removed at the end. It takes hours, and runs
only if it is selected.
"""

import gc
import multiprocessing
import os
import random
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count, islice
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.release import indicators, usage
from benchmarks.release.databases import postgresql
from benchmarks.release.hub import INBOX, Contributor, serving
from benchmarks.taxii.client import Client, load, percentiles
from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.release.contribute import prepare_all, take_all
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, collections, inbox, log, partners
from server.store.item import Item
from server.store.objects.query import Query
from server.store.partners import NameTaken

CHUNK = 1_000
BATCHES = 10
SINGLES = 200
SECONDS = 4.0
LOOKUPS = 400
_FILLERS = ("Filler A", "Filler B")
_FIRST, _SECOND, _READER = "Bank First", "Bank Second", "Reader"
_READ = "takedown-full"
Row = list[object]


def rows(sizes: Sequence[int], url: str | None = None) -> Iterator[Row]:
    """Yield the table's rows: the hub is filled to each size, and measured at it."""
    if url is not None:
        yield from _measured(sizes, url)
        return
    with postgresql() as database:
        yield from _measured(sizes, database.url)


def _measured(sizes: Sequence[int], url: str) -> Iterator[Row]:
    with closing(Store.open(url)) as store:
        set_up(store)
        logins = {name: _joined(store, name) for name in (*_FILLERS, _FIRST, _SECOND, _READER)}
    with _Database(url) as database:
        for size in sizes:
            yield from _filled(url, size, database)
            yield from _bytes(size, database)
            with serving(url) as (port, pid):
                yield from _posts(size, port, pid, logins, database)
                yield from _reads(size, port, logins[_READER], url)


def _joined(store: Store, name: str) -> Contributor:
    """Register a partner, and return its login; a partner of an earlier run gets a new login."""
    identity = ids.identity(name)
    partner = Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=identity, trusted=True)
    try:
        with store.begin() as tx:
            given = partners.add(tx, partner)
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            collections.grant(tx, name, collections.get(tx, _READ), read=True)
    except NameTaken:
        with store.begin() as tx:
            given = partners.rotate(tx, name)
    return Contributor(name, identity, f"Bearer {given.token}", "")


class _Database:
    """A separate connection, which sees the usage of the database."""

    def __init__(self, url: str) -> None:
        self._aside = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        [(backend,)] = self._aside.execute("SELECT pg_backend_pid()").fetchall()
        status = Path(f"/proc/{backend}/status")
        found = [line for line in status.read_text().splitlines() if line.startswith("PPid")] if status.exists() else []
        # The postmaster, if it runs on this machine.
        self._pid = int(found[0].split()[1]) if found else None

    def __enter__(self) -> "_Database":
        return self

    def __exit__(self, *_: object) -> None:
        self._aside.close()

    def cpu(self) -> float:
        return usage.cpu(self._pid) if self._pid else 0.0

    def wal(self) -> int:
        [(position,)] = self._aside.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchall()
        return int(position)

    def values(self) -> int:
        """Count the values in the hub, including those posted for measurements."""
        [(known,)] = self._aside.execute("SELECT count(*) FROM subjects").fetchall()
        return int(known)

    def sizes(self) -> dict[str, int]:
        return usage.postgresql_bytes(self._aside)


def _filled(url: str, size: int, database: _Database) -> Iterator[Row]:
    """Fill the hub with several processes, each with its own partner and every other thousand values."""
    begun = _begin(url, size)
    if begun >= size:
        return
    wal, cpu, start = database.wal(), database.cpu(), time.perf_counter()
    at_work = [
        multiprocessing.get_context("spawn").Process(target=_fill, args=(url, number, begun, size))
        for number in range(len(_FILLERS))
    ]
    for process in at_work:
        process.start()
    for process in at_work:
        process.join()
        assert process.exitcode == 0
    took, many = time.perf_counter() - start, size - begun
    yield _row(size, f"filled from {begun:,} by {len(_FILLERS)} processes: values/s", round(many / took))
    yield _row(size, "filled: bytes of WAL a value", round((database.wal() - wal) / many))
    if database.cpu():
        yield _row(size, "filled: µs of the database's processors a value", round((database.cpu() - cpu) / many * 1e6))


def _fill(url: str, number: int, begun: int, size: int) -> None:
    """Contribute this filler's chunks; the ids are the same in each run, so that no value is added twice."""
    gc.freeze()  # as the server's workers do
    gc.set_threshold(50_000, 20, 50)
    with closing(Store.open(url)) as store:
        hub = Hub(store)
        with store.read() as tx:
            partner = partners.get(tx, _FILLERS[number])
        for chunk in range(begun + number * CHUNK, size, len(_FILLERS) * CHUNK):
            made = [_item(partner.identity, value) for value in range(chunk, min(chunk + CHUNK, size))]
            parts = list(prepare_all(hub, made))
            with store.begin() as tx:
                results = take_all(hub, tx, partner, parts)
            assert not results.failed, results.failed


def _item(identity: str, number: int) -> Item:
    return Item.of({**indicators.indicator(identity, "shop", number), "id": _id(number)})


def _id(number: int) -> str:
    return f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, f'scale {number}')}"


def _begin(url: str, size: int) -> int:
    """Find where earlier runs stopped, by the last value of each chunk, minus some chunks that may be missing."""
    with closing(Store.open(url)) as store, store.read() as tx:
        spaces = [partners.space(tx, name) for name in _FILLERS]

        def is_there(chunk: int) -> bool:
            key = f"{spaces[chunk % len(_FILLERS)]}/{_id(chunk * CHUNK + CHUNK - 1)}"
            return bool(inbox.latest(tx, [key]))

        low, high = 0, size // CHUNK
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if is_there(middle) else (low, middle)
        # One filler may be ahead of the other.
        while low > 0 and not is_there(low - 1):
            low -= 1
        rounded = max(0, low - 4 * len(_FILLERS)) // len(_FILLERS) * len(_FILLERS)
        return size if low * CHUNK >= size else rounded * CHUNK


def _bytes(size: int, database: _Database) -> Iterator[Row]:
    sizes, values = database.sizes(), database.values()
    yield _row(size, "bytes a value, all tables and indexes", round(sum(sizes.values()) / values))
    for table, used in sorted(sizes.items(), key=lambda each: -each[1]):
        if used > values * 8:
            yield _row(size, f"  of it {table}", round(used / values))


def _posts(size: int, port: int, pid: int, logins: dict[str, Contributor], database: _Database) -> Iterator[Row]:
    numbers, run = count(), uuid.uuid4().hex[:8]
    known = random.Random(size)  # noqa: S311 - it chooses what is measured

    def new(each: int) -> bytes:
        return indicators.bodies(logins[_FIRST].identity, f"new-{run}-", islice(numbers, each))

    def second(each: int) -> bytes:
        return indicators.bodies(logins[_SECOND].identity, "shop", (known.randrange(size) for _ in range(each)))

    for what, name, bodies, each in (
        ("new, in batches", _FIRST, [new(CHUNK) for _ in range(BATCHES)], CHUNK),
        ("second, in batches", _SECOND, [second(CHUNK) for _ in range(BATCHES)], CHUNK),
        ("new, singly", _FIRST, [new(1) for _ in range(SINGLES)], 1),
        ("second, singly", _SECOND, [second(1) for _ in range(SINGLES)], 1),
    ):
        client = logins[name].client(port)
        _post(client, new(1) if name == _FIRST else second(1))
        server, theirs, times = usage.cpu(pid), database.cpu(), list[float]()
        for body in bodies:
            begun = time.perf_counter()
            _post(client, body)
            times.append(time.perf_counter() - begun)
        many = each * len(bodies)
        half, most = percentiles(times)
        yield _row(size, f"{what}: values/s", round(many / sum(times)))
        yield _row(size, f"{what}: median of a POST, ms", f"{half:.2f}")
        yield _row(size, f"{what}: p99 of a POST, ms", f"{most:.2f}")
        yield _row(
            size, f"{what}: µs of the server's processors a value", round((usage.cpu(pid) - server) / many * 1e6)
        )
        if database.cpu():
            yield _row(
                size, f"{what}: µs of the database's processors a value", round((database.cpu() - theirs) / many * 1e6)
            )


def _post(client: Client, body: bytes) -> None:
    answer = bytes(client.post(INBOX, body)[:400])
    assert b'"failure_count":0' in answer, answer


def _reads(size: int, port: int, reader: Contributor, url: str) -> Iterator[Row]:
    """Send the requests of readers: polls, pages from all parts of the log, objects by id."""
    root, token = f"/feed/collections/{_READ}/", reader.bearer.removeprefix("Bearer ")
    with closing(Store.open(url)) as store, store.read() as tx:
        collection = collections.get(tx, _READ)
        last = log.last_added(tx, collection) or 0
        first = log.manifest(tx, collection, Query(limit=1)).records[0].date_added
        middle = Query(after=(first + last) // 2, limit=LOOKUPS, types=("indicator",))
        known = [record.id for record in log.manifest(tx, collection, middle).records]
    for many in (1, 32):
        found = load(port, f"{root}objects/?added_after={_moment(last + 1_000)}", token, many, SECONDS)
        what = f"poll with nothing new, {many} at once"
        yield _row(size, f"{what}: requests/s", round(found.rate))
        yield _row(size, f"{what}: median and p99, ms", f"{found.median:.2f} / {found.p99:.2f}")
    client = Client(port, token)
    places = [_moment(first + (last - first) * part // 21) for part in range(1, 21)]
    pages = [f"{root}objects/?limit=1000&added_after={place}" for place in places]
    for what, paths in (
        ("page of 1,000, made", pages),
        ("page of 1,000, ready", pages),
        ("manifest of 1,000", [f"{root}manifest/?limit=1000&added_after={place}" for place in places]),
        ("object by id", [f"{root}objects/{id_}/" for id_ in known]),
        ("match[id]", [f"{root}objects/?match[id]={id_}" for id_ in known]),
        ("match[id] of an id that is not there", [f"{root}objects/?match[id]={_id(-n)}" for n in range(1, 200)]),
    ):
        times = []
        for path in paths:
            begun = time.perf_counter()
            client.get(path)
            times.append(time.perf_counter() - begun)
        half, most = percentiles(times)
        yield _row(size, f"{what}: median and p99, ms", f"{half:.2f} / {most:.2f}")


def _moment(at: int) -> str:
    seconds, rest = divmod(at, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:06}Z"


def _row(size: int, what: str, ours: Any) -> Row:
    return [f"scale, {size:,}: {what}", ours, f"load {os.getloadavg()[0]:.0f}", "", ""]
