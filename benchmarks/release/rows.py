"""The figures of the release engine at several sizes of one hub, on both databases.

At each size: new values and second reports of known values, in batches and one by one, with the processor time until
nothing is left to do; several partners at once; bytes per value; statements; and the same reports inserted into a bare
table, in transactions of the same size.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count, cycle, islice
from typing import NamedTuple

from benchmarks.release import costs, indicators
from benchmarks.release.databases import KINDS, Database, load, wait_quiet
from benchmarks.release.hub import INBOX, WORKERS, Contributor, furnish, keep_digest, serving
from benchmarks.store import plain
from benchmarks.taxii.client import Client, percentiles
from server.store import Store
from server.store.item import Item

BATCH = 1_000
BATCHES = 12
SINGLES = 200
# Longer than the pause of any job that looks for work.
IDLE_SECONDS = 20
FILLED_AT_ONCE = 5_000
TOGETHER = (2, 8)
SIZES = (10_000, 100_000)
Row = list[object]


class Posted(NamedTuple):
    """Costs of posting some reports: seconds of each POST and of all, processor time by part, and bytes written."""

    values: int
    times: list[float]
    seconds: float
    parts: costs.Parts
    log: int

    @property
    def rate(self) -> float:
        """Return values per second."""
        return self.values / self.seconds

    def micros(self) -> dict[str, float]:
        """Return the processor time of each part per value, in microseconds."""
        return {part: seconds / self.values * 1e6 for part, seconds in self.parts.items()}


class Bare(NamedTuple):
    """Costs of the same reports inserted into a bare table: values per second, and microseconds of processors each."""

    rate: float
    micros: float


def rows(
    sizes: Sequence[int] = SIZES, databases: Sequence[str] = tuple(KINDS), others: int = 0, *, listed: bool = False
) -> Iterator[Row]:
    """Yield the table's rows; ``others`` is the number of idle partners, ``listed`` also lists the statements."""
    for name in databases:
        with KINDS[name]() as database:
            partners = furnish(database.url, [f"Bank {number}" for number in range(max(TOGETHER) + 1)], others)
            hub = _Hub(database, partners, listed=listed)
            for size in sizes:
                yield from hub.measure(size)


class _Hub:
    """A growing hub, measured at several sizes."""

    def __init__(self, database: Database, partners: list[Contributor], *, listed: bool) -> None:
        self._database = database
        self._filler, *self._partners = partners
        self._listed = listed
        self._empty = sum(database.sizes().values())
        self._beside, self._insert = database.plain()
        self._plain_dates = count()
        self._numbers = count()
        self._filled = self._new_values = 0
        self._first: dict[str, float] = {}
        self._server = self._port = self._size = 0
        self._rates: costs.Parts = {}

    def measure(self, size: int) -> Iterator[Row]:
        """Fill the hub up to ``size`` values, then run all measurements on it."""
        self._size = size
        yield self._grown(
            "a fixed piece of work, ms of a processor, longer on a busy machine", busy := gauge(), f"{busy:.1f}"
        )
        with (
            closing(Store.open(self._database.url)) as self._store,
            serving(self._database.url, costs.PROGRAM, self._database.keys) as (self._port, self._server),
        ):
            keep_digest(self._store, self._partners[0].client(self._port))
            yield from self._fill()
            yield from self._idle()
            yield from self._sizes()
            yield from self._batches()
            yield from self._singles()
            yield from self._together()
        with serving(self._database.url, self._database.counted(), self._database.keys) as (self._port, self._server):
            yield from self._statements()

    def _fill(self) -> Iterator[Row]:
        client, begun, start = self._filler.client(self._port), self._filled, time.perf_counter()
        while self._filled < self._size:
            upto = min(self._filled + FILLED_AT_ONCE, self._size)
            _post(client, indicators.bodies(self._filler.identity, "shop", range(self._filled, upto)))
            self._filled = upto
        took = time.perf_counter() - start
        if self._filled > begun:
            yield self._row("filled: values/s", round((self._filled - begun) / took), f"in {took:.0f} s")

    def _idle(self) -> Iterator[Row]:
        """Measure what the hub does while nothing is posted, once everything posted is done."""
        costs.await_end(self._store)
        statements = self._database.statements()
        self._rates = costs.idle_rates(self._server, self._database, IDLE_SECONDS)
        micros = sum(self._rates.values()) * 1e6
        yield self._grown("idle: µs of processors a second", micros, f"{micros:.0f}")
        if statements:
            made = (self._database.statements() - statements).total()
            yield self._row("idle: SQL statements a second and worker", f"{made / IDLE_SECONDS / WORKERS:.1f}")

    def _sizes(self) -> Iterator[Row]:
        sizes, values = self._database.sizes(), self._filled + self._new_values
        whole = (sum(sizes.values()) - self._empty) / values
        yield self._grown("bytes a value, all tables and indexes", whole, f"{whole:.0f}")
        for table, used in sorted(sizes.items(), key=lambda each: -each[1]):
            if used > values * 8:
                yield self._row(f"  of it {table}", round(used / values))

    def _batches(self) -> Iterator[Row]:
        first, second, *_ = self._partners
        known = iter(indicators.sample(BATCHES * BATCH, self._size))
        yield from self._posts("new, in batches", first, [self._new(first, BATCH) for _ in range(BATCHES)], BATCH)
        before = sum(self._database.sizes().values())
        bodies = [self._known(second, known, BATCH) for _ in range(min(BATCHES, self._size // BATCH))]
        yield from self._posts("second, in batches", second, bodies, BATCH)
        more = (sum(self._database.sizes().values()) - before) / (len(bodies) * BATCH)
        yield self._grown("bytes a second report, all tables and indexes", more, f"{more:.0f}")

    def _singles(self) -> Iterator[Row]:
        first, second, *_ = self._partners
        known = iter(indicators.sample(SINGLES, self._size))
        yield from self._posts("new, singly", first, [self._new(first, 1) for _ in range(SINGLES)], 1)
        yield from self._posts(
            "new, singly, Basic", first, [self._new(first, 1) for _ in range(SINGLES)], 1, basic=True
        )
        yield from self._posts("second, singly", second, [self._known(second, known, 1) for _ in range(SINGLES)], 1)

    def _posts(
        self, what: str, partner: Contributor, bodies: list[bytes], each: int, *, basic: bool = False
    ) -> Iterator[Row]:
        """Post these envelopes of ``each`` values, and insert as many bare rows; yield the costs."""
        posted = self._posted(partner, bodies, each, basic=basic)
        theirs = self._inserted(each, len(bodies))
        ratio = f"{posted.rate / theirs.rate:.3f}x"
        yield self._row(f"{what}: values/s", round(posted.rate), self._beside, round(theirs.rate), ratio)
        micros = posted.micros()
        whole = sum(micros.values())
        ratio = f"{whole / theirs.micros:.1f}x"
        yield self._row(
            f"{what}: µs of processors a value, to the end", round(whole), self._beside, round(theirs.micros), ratio
        )
        for part, used in micros.items():
            if used:
                yield self._grown(f"{what}:   of it {part}", used, f"{used:.0f}")
        half, most = percentiles(posted.times)
        yield self._grown(f"{what}: median of a POST, ms", half, f"{half:.2f}")
        yield self._grown(f"{what}: p99 of a POST, ms", most, f"{most:.2f}")
        written = posted.log / posted.values
        words = "bytes of WAL a value" if posted.parts["database"] else "bytes written a value, WAL and file"
        yield self._grown(f"{what}: {words}", written, f"{written:.0f}")

    def _posted(self, partner: Contributor, bodies: list[bytes], each: int, *, basic: bool) -> Posted:
        client = partner.client(self._port, basic=basic)
        _post(client, self._new(partner, 1))
        costs.await_end(self._store)
        before, written = costs.parts(self._server, self._database), self._database.used(self._server).log
        times, start = list[float](), time.perf_counter()
        for body in bodies:
            begun = time.perf_counter()
            _post(client, body)
            times.append(time.perf_counter() - begun)
        seconds = time.perf_counter() - start
        costs.await_end(self._store)
        used = costs.since(before, costs.parts(self._server, self._database), self._rates, time.perf_counter() - start)
        return Posted(len(bodies) * each, times, seconds, used, self._database.used(self._server).log - written)

    def _inserted(self, each: int, times: int) -> Bare:
        """Insert reports of the same kind into a bare table, in as many transactions of the same size."""
        identity, batches = self._partners[0].identity, []
        for _ in range(times):
            dates = list(islice(self._plain_dates, each))
            batches.append(plain([Item.of(indicators.indicator(identity, "plain", at)) for at in dates], dates[0]))
        database = self._database.used(self._server).database
        start, used = time.perf_counter(), time.process_time()
        for batch in batches:
            self._insert(batch)
        seconds, used = time.perf_counter() - start, time.process_time() - used
        used += self._database.used(self._server).database - database
        return Bare(each * times / seconds, used / each / times * 1e6)

    def _together(self) -> Iterator[Row]:
        """Let one partner post, then several at once, each on its own connection."""
        for each, times, words, manys in ((BATCH, 6, "in batches", TOGETHER[:1]), (1, 60, "singly", TOGETHER)):
            alone = 0.0
            for many in (1, *manys):
                partners = self._partners[:many]
                rate = self._at_once({one: [self._new(one, each) for _ in range(times)] for one in partners}, each)
                alone = alone or rate
                what = f"new, {words}, {many} partners at once: values/s"
                yield self._row(what, round(rate), "one partner", round(alone), f"{rate / alone:.2f}x")

    def _at_once(self, bodies: dict[Contributor, list[bytes]], each: int) -> float:
        ready = threading.Barrier(len(bodies) + 1)

        def post(client: Client, own: list[bytes]) -> None:
            ready.wait()
            for body in own:
                _post(client, body)

        threads = []
        for partner, own in bodies.items():
            client = partner.client(self._port)
            _post(client, self._new(partner, 1))
            threads.append(threading.Thread(target=post, args=(client, own)))
        for thread in threads:
            thread.start()
        ready.wait()
        start = time.perf_counter()
        for thread in threads:
            thread.join()
        return sum(map(len, bodies.values())) * each / (time.perf_counter() - start)

    def _statements(self) -> Iterator[Row]:
        first, second, *_ = self._partners
        known = cycle(indicators.sample(4 * BATCH, self._size))
        clients = {each: each.client(self._port) for each in (first, second)}
        for partner, client in clients.items():
            _post(client, self._new(partner, 1))
        for what, partner, bodies in (
            (f"a batch of {BATCH:,} new", first, [self._new(first, BATCH) for _ in range(3)]),
            (f"a batch of {BATCH:,} second", second, [self._known(second, known, BATCH) for _ in range(3)]),
            ("a single new", first, [self._new(first, 1) for _ in range(5)]),
            ("a single second", second, [self._known(second, known, 1) for _ in range(5)]),
        ):
            counts = []
            for body in bodies:
                wait_quiet()
                before = self._database.statements()
                _post(clients[partner], body)
                wait_quiet()
                counts.append(self._database.statements() - before)
            usual = sorted(counts, key=Counter.total)[len(counts) // 2]
            yield self._grown(f"{what}: SQL statements", usual.total(), str(usual.total()))
            if self._listed:
                for statement, times in usual.most_common():
                    yield self._row(f"  {statement}", times)

    def _new(self, partner: Contributor, each: int) -> bytes:
        self._new_values += each
        return indicators.bodies(partner.identity, "new", islice(self._numbers, each))

    def _known(self, partner: Contributor, numbers: Iterator[int], each: int) -> bytes:
        return indicators.bodies(partner.identity, "shop", islice(numbers, each))

    def _grown(self, what: str, value: float, shown: str) -> Row:
        """Return a figure, compared with the figure at the smallest size."""
        first = self._first.setdefault(what, value)
        if first is value or not first:
            return self._row(what, shown)
        return self._row(what, shown, "at the smallest size", f"{first:.4g}", f"{value / first:.2f}x")

    def _row(self, what: str, ours: object, *beside: object) -> Row:
        words = f"{self._database.name}, {self._size:,}: {what}"
        return [words, ours, *(beside or (f"load {load():.0f}",)), "", "", ""][:5]


def gauge() -> float:
    """Time a fixed piece of work in milliseconds of processor time; it takes longer if others use the caches."""
    start = time.process_time()
    for _ in range(20):
        json.dumps(json.loads(_WORK))
    return (time.process_time() - start) * 1000


_WORK = json.dumps([indicators.indicator("identity--x", "gauge", number) for number in range(50)])


def _post(client: Client, body: bytes) -> None:
    """Post an envelope; every object must be accepted."""
    answer = bytes(client.post(INBOX, body)[:400])
    assert b'"failure_count":0' in answer, answer
    assert b'"pending_count":0' in answer, answer
