"""An erasure at two sizes of a hub: by the index of texts, and reading all rows; and what the index costs."""

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from benchmarks.release import indicators
from benchmarks.release.databases import KINDS, Database
from benchmarks.release.hub import Contributor, furnish
from server.features.erasures import job, plan
from server.release import batches, traces
from server.release.contribute import prepare_all, take_all
from server.release.fuse.statements import indicator_subject
from server.release.hub import Hub
from server.store import Store, erased, partners
from server.store.item import Item
from server.store.objects import additions

_BATCH = 1_000
# One of so many values has a second report; one of so many reports mentions another value.
_SECOND, _MENTIONS = 5, 1_000
# Values erased at each size.
_ERASED = 5
Row = list[object]


class _Spent(NamedTuple):
    """Seconds, by the clock and of processor time."""

    wall: float
    cpu: float


def rows(values: Sequence[int] = (5_000, 50_000), databases: Sequence[str] = tuple(KINDS)) -> Iterator[Row]:
    """Yield the table's rows, for hubs with these numbers of values."""
    for name in databases:
        first: _Spent | None = None
        for size in values:
            with KINDS[name]() as database:
                contributors = furnish(database.url, ["Bank First", "Bank Second"])
                store = Store.open(database.url)
                try:
                    for row, spent in _measured(store, database, contributors, size, first):
                        first = first or spent
                        yield row
                finally:
                    store.close()


def _measured(
    store: Store, database: Database, contributors: Sequence[Contributor], size: int, before: _Spent | None
) -> Iterator[tuple[Row, _Spent | None]]:
    about = f"{database.name}, {size:,} values"
    indexing = _fill(store, contributors, size)
    stored = database.sizes().get("text_keys", 0)
    yield [f"{about}: index, bytes a value", f"{stored / size:.1f}", "its CPU, µs a value", f"{indexing:.1f}", ""], None
    chosen = random.Random(size).sample(range(0, size, 10), 2 * _ERASED)  # noqa: S311 - it chooses what is measured
    subjects = [str(indicator_subject(indicators.indicator("x", "shop", number))) for number in chosen]
    found = [_erase(store, subject) for subject in subjects[:_ERASED]]
    spent = _Spent(*(sorted(each)[_ERASED // 2] for each in zip(*found, strict=True)))
    ratio = f"{spent.wall / before.wall:.1f}x" if before else ""
    row: Row = [f"{about}: an erasure, seconds", f"{spent.wall:.2f}", "its CPU", f"{spent.cpu:.2f}", ratio]
    yield row, spent
    whole = _erase(store, subjects[-1], reads_all=True)
    yield (
        [f"{about}: an erasure that reads all rows, seconds", f"{whole.wall:.2f}", "its CPU", f"{whole.cpu:.2f}", ""],
        None,
    )


def _fill(store: Store, contributors: Sequence[Contributor], size: int) -> float:
    """Report the values, of which some have two reports; return the µs of the index a value."""
    hub, spent = Hub(store), [0.0]
    make = additions._Addition._index

    def timed(self: additions._Addition, tx: Any) -> None:
        begun = time.process_time()
        make(self, tx)
        spent[0] += time.process_time() - begun

    additions._Addition._index = timed  # type: ignore[method-assign]
    try:
        for contributor, numbers in zip(contributors, (range(size), range(0, size, _SECOND)), strict=True):
            with store.read() as tx:
                partner = partners.get(tx, contributor.name)
            for start in range(0, len(numbers), _BATCH):
                made = [_report(partner.identity, number) for number in numbers[start : start + _BATCH]]
                parts = list(prepare_all(hub, made))
                with store.begin() as tx:
                    results = take_all(hub, tx, partner, parts)
                assert not results.failed, results.failed[:1]
    finally:
        additions._Addition._index = make  # type: ignore[method-assign]
    return spent[0] / size * 1e6


def _report(identity: str, number: int) -> Item:
    made = indicators.indicator(identity, "shop", number)
    if number % _MENTIONS == 1 and number > _MENTIONS:
        other = indicators.indicator(identity, "shop", number // _MENTIONS * 10)
        made["description"] = f"The same site as {str(other.get('name', 'another')).replace('.', '[.]')}, of one gang."
    return Item.of(made)


def _erase(store: Store, subject: str, *, reads_all: bool = False) -> _Spent:
    """Erase a value from all rows; the files are not rewritten."""
    of = traces.spellings.of
    if reads_all:
        traces.spellings.of = lambda values: of(values)._replace(beginnings=None)
    try:
        with store.begin() as tx:
            planned = plan.of(tx, [subject])
            record = erased.begin(tx, planned.kinds, "a benchmark", "First Analyst", "Second Analyst")
            job.begin(tx, record.id, planned.traces)
        used, start = time.process_time(), time.perf_counter()
        for _ in batches.run(Hub(store), job.ErasureJob(record.id)):
            pass
        return _Spent(time.perf_counter() - start, time.process_time() - used)
    finally:
        traces.spellings.of = of
