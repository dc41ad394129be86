"""Mapping, from file to file on one core, beside the same objects made and written by stix2's own classes."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import stix2

from feeds.mapping import Mapped, Options, map_stream
from feeds.output import Sink

REPORTS = 100_000
STIX2_REPORTS = 1_000
ROUNDS = 3


def rows() -> Iterator[list[object]]:
    """Give the table's rows: reports a second, the median of three rounds each, ours and theirs taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "domains.txt"
        source.write_text("".join(f"shop-{number}.example.com\n" for number in range(REPORTS)), encoding="utf-8")
        target = Path(folder) / "out.jsonl"
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(REPORTS / _seconds(lambda: _map(source, target)))
            theirs.append(STIX2_REPORTS / _seconds(lambda: _map_by_stix2(source, target)))
    mine, other = statistics.median(ours), statistics.median(theirs)
    yield [
        "domains to observable + indicator + relationship, reports/s",
        round(mine),
        "stix2 classes",
        round(other),
        f"{mine / other:.0f}x",
    ]


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _map(source: Path, target: Path) -> None:
    options = Options(reporter="Benchmark", kind="domain", reported_at=datetime(2026, 1, 15, tzinfo=UTC))
    with source.open("rb") as stream, Sink.to(target, options) as sink:
        for outcome in map_stream(stream, source.name, options):
            assert isinstance(outcome, Mapped)
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
