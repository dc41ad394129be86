"""Mapping from file to file on one core, compared with making and writing the same objects with stix2's classes."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import stix2

from feeds.mapping.options import Options
from feeds.mapping.output import StixWriter, map_to
from feeds.mapping.rows import Counts, Mapped, map_stream
from feeds.mapping.seen import SeenValues

REPORTS = 100_000
STIX2_REPORTS = 1_000
ROUNDS = 3


def _iban(number: int) -> str:
    """Make a German IBAN with the check digits of ISO 13616."""
    account = f"37040044{number:010}"
    check = 98 - int(f"{account}131400") % 97  # D is 13, E is 14
    return f"DE{check:02}{account}"


# Each kind with the target per second.
KINDS: dict[str, tuple[int, Callable[[int], str]]] = {
    "domain": (60_000, lambda number: f"shop-{number}.example.com"),
    "url": (30_000, lambda number: f"https://shop-{number}.example.com/pay/{number}?item={number}"),
    "wallet": (30_000, lambda number: f"0x{number:040x}"),
    "bank-account": (30_000, _iban),
    "phone": (15_000, lambda number: f"+6681{number:07}"),
}


def rows() -> Iterator[list[object]]:
    """Yield the table's rows: reports per second, ours and theirs in turn, the median of three rounds each."""
    with tempfile.TemporaryDirectory() as folder:
        target, seconds = Path(folder) / "out.jsonl", {}
        sources = {kind: Path(folder) / f"{kind}.txt" for kind in KINDS}
        for kind, (_, value) in KINDS.items():
            sources[kind].write_text(
                "".join(f"{value(number)}\n" for number in range(1, REPORTS + 1)), encoding="utf-8"
            )
        theirs = []
        for _ in range(ROUNDS):
            for kind, source in sources.items():
                seconds.setdefault(kind, []).append(_seconds(lambda s=source, k=kind: _map(s, target, k)))
            theirs.append(STIX2_REPORTS / _seconds(lambda: _map_by_stix2(sources["domain"], target)))
        other = statistics.median(theirs)
        for kind, (wanted, _) in KINDS.items():
            mine = REPORTS / statistics.median(seconds[kind])
            what = f"{kind}: observable + indicator + relationship, reports/s"
            yield [what, round(mine), "stix2 classes, domains", round(other), f"{mine / other:.0f}x"]
            yield [f"{kind}: the same", round(mine), "target", wanted, f"{mine / wanted:.2f}x"]
        yield from _by_jobs(sources["domain"], target)


def _by_jobs(source: Path, target: Path) -> Iterator[list[object]]:
    """Compare one process with two, on a file so long that their start does not matter."""
    long = source.with_name("long.txt")
    with long.open("w", encoding="utf-8") as out:
        out.writelines(f"mall-{number}.example.com\n" for number in range(REPORTS * 5))
    alone, together = [], []
    for _ in range(ROUNDS):
        alone.append(_seconds(lambda: _map(long, target, "domain")))
        together.append(_seconds(lambda: _map_on_two(long, target)))
    one, two = (REPORTS * 5 / statistics.median(each) for each in (alone, together))
    yield ["domains with --jobs 2, reports/s", round(two), "--jobs 1", round(one), f"{two / one:.2f}x"]


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _options(kind: str) -> Options:
    return Options(reporter="Benchmark", kind=kind, reported_at=datetime(2026, 1, 15, tzinfo=UTC))


def _map_on_two(source: Path, target: Path) -> None:
    options, counts = _options("domain"), Counts()
    with source.open("rb") as stream, StixWriter.to(target, options) as sink:
        assert not list(map_to(sink, stream, source.name, options, SeenValues(), counts, 2))
    assert counts.mapped == counts.read


def _map(source: Path, target: Path, kind: str) -> None:
    options = _options(kind)
    with source.open("rb") as stream, StixWriter.to(target, options) as sink:
        for outcome in map_stream(stream, source.name, options):
            assert isinstance(outcome, Mapped), outcome
            sink.write(outcome)


def _map_by_stix2(source: Path, target: Path) -> None:
    reporter = stix2.Identity(name="Benchmark", identity_class="organization")
    start, end = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 4, 15, tzinfo=UTC)
    with source.open(encoding="utf-8") as stream, target.open("w", encoding="utf-8") as out:
        for _, line in zip(range(STIX2_REPORTS), stream, strict=False):
            name = line.strip()
            observable = stix2.DomainName(value=name)
            indicator = stix2.Indicator(
                created_by_ref=reporter.id,
                name=f"Domain used in a scam: {name}",
                pattern=f"[domain-name:value = '{name}']",
                pattern_type="stix",
                valid_from=start,
                valid_until=end,
                indicator_types=["malicious-activity"],
                object_marking_refs=[stix2.TLP_AMBER],
            )
            based_on = stix2.Relationship(indicator, "based-on", observable, created_by_ref=reporter.id)
            for obj in (observable, indicator, based_on):
                out.write(obj.serialize() + "\n")
