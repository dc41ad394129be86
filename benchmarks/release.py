"""The release rules on PostgreSQL: contributions a second, in batches of 1,000, beside COPY of the same reports alone.

One partner contributes, then two at once, each a process; each fifth value is one that another partner reports
already, so that it is fused with that. Then on SQLite one large contribution, and all of it taken back again.
"""

import gc
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.store import copied, plain
from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.kind import Normal
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, partners
from server.store.item import Item
from tests.postgres import Postgres

BATCH = 1_000
BATCHES = 15
ROUNDS = 3
MANY = 20_000
_NAMES = ("Bank A", "Bank B")
_KNOWN_EACH = 5


def rows(stock: int) -> Iterator[list[object]]:
    """Give the table's rows: contributions a second into a hub that lists ``stock`` values."""
    server = Postgres(durable=True)
    server.start()
    try:
        name = server.database()
        url = server.url(name)
        store = Store.open(url)
        set_up(store)
        with store.begin() as tx:
            for each in _NAMES:
                partners.add(tx, _partner(each))
        _fill(store, stock)
        store.close()
        alone = [_rate(url, stock, round_, _NAMES[1:]) for round_ in range(ROUNDS)]
        together = [_rate(url, stock, ROUNDS + round_, _NAMES) for round_ in range(ROUNDS)]
        insert = copied(f"host={server.folder} user=scamfeed dbname={name}")
        beside = [_plain_rate(insert, round_) for round_ in range(ROUNDS)]
    finally:
        server.remove()
    theirs = statistics.median(beside)
    for who, rates in (("one partner", alone), ("two partners at once", together)):
        ours = statistics.median(rates)
        what = f"release on PostgreSQL with {stock:,} values: contributions/s, {BATCH:,} a batch, {who}"
        yield [what, round(ours), "COPY of the reports alone", round(theirs), f"{ours / theirs:.3f}x"]
    yield from _many_at_once()


def _many_at_once() -> Iterator[list[object]]:
    """Give the seconds that one contribution of ``MANY`` takes on SQLite, and the revocation of them all."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/hub.db")
        set_up(store)
        with store.begin() as tx:
            partners.add(tx, _partner(_NAMES[0]))
        made = _items(_NAMES[0], [f"many-{number}" for number in range(MANY)])
        later = {"revoked": True, "modified": timestamp.text(timestamp.now())}
        for what, items in (
            ("contributed", made),
            ("revoked", [Item.of({**json.loads(each.body), **later}) for each in made]),
        ):
            start = time.perf_counter()
            with store.begin() as tx:
                assert len(contribute(Hub(store), tx, _partner(_NAMES[0]), items).accepted) == MANY
            yield [f"release on SQLite: {MANY:,} {what} at once, s", f"{time.perf_counter() - start:.1f}", "", "", ""]
        store.close()


def _fill(store: Store, stock: int) -> None:
    for start in range(0, stock, 5 * BATCH):
        _contribute(store, _NAMES[0], [f"stock{number}" for number in range(start, min(stock, start + 5 * BATCH))])


def _rate(url: str, stock: int, round_: int, names: Sequence[str]) -> float:
    """Give contributions a second of these partners together, from when all are ready to when all have ended."""
    ready = multiprocessing.get_context("spawn").Barrier(len(names) + 1)
    at_work = [
        multiprocessing.get_context("spawn").Process(target=_partner_at_work, args=(url, name, stock, round_, ready))
        for name in names
    ]
    for each in at_work:
        each.start()
    ready.wait()
    start = time.perf_counter()
    for each in at_work:
        each.join()
    return len(names) * BATCH * BATCHES / (time.perf_counter() - start)


def _partner_at_work(url: str, name: str, stock: int, round_: int, ready: Any) -> None:
    store = Store.open(url)
    batches = [_items(name, _values(name, stock, round_, batch)) for batch in range(BATCHES)]
    gc.freeze()  # as the server's workers do
    gc.set_threshold(50_000, 20, 50)
    _contribute(store, name, [f"warm {name} {round_}".replace(" ", "-")])
    ready.wait()
    for batch in batches:
        with store.begin() as tx:
            assert not contribute(Hub(store), tx, _partner(name), batch).failed


def _values(name: str, stock: int, round_: int, batch: int) -> list[str]:
    """Give names for a batch: mostly new ones, some that are listed already."""
    first = (round_ * BATCHES + batch) * BATCH
    mine = name.replace(" ", "-").lower()
    return [
        f"stock{number * 7 % stock}" if number % _KNOWN_EACH == 0 else f"{mine}-{number}"
        for number in range(first, first + BATCH)
    ]


def _contribute(store: Store, name: str, values: list[str]) -> None:
    with store.begin() as tx:
        contribute(Hub(store), tx, _partner(name), _items(name, values))


def _items(name: str, values: list[str]) -> list[Item]:
    now = timestamp.text(timestamp.now())
    report = ReportReader({"reporter": name, "reported_at": now, "kind": "domain", "tlp": "amber"}).report(
        {"value": "first.example.net"}
    )
    return [Item.of(to_stix(report.about(Normal(f"{each}.example.net", {})))[1]) for each in values]


def _plain_rate(insert: Any, round_: int) -> float:
    items = [_items(_NAMES[0], [f"plain-{round_}-{batch}-{each}" for each in range(BATCH)]) for batch in range(BATCHES)]
    start = time.perf_counter()
    for number, batch in enumerate(items):
        insert(plain(batch, (round_ * BATCHES + number) * BATCH))
    return BATCH * BATCHES / (time.perf_counter() - start)


def _partner(name: str) -> Partner:
    return Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name))
