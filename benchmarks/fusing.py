"""Fuse partners' reports of a value and write the hub's indicator, compared with writing the reporter's own."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from mappers import consensus, ids
from mappers.indicator import Profile, to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.vocabulary import Tlp
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import SightingStatement, Statement

VALUES = 20_000
ROUNDS = 3
WANTED = 20_000
_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_HUB = "identity--a3a1f7c0-0000-4000-8000-000000000000"


def rows() -> Iterator[list[object]]:
    """Yield the table's rows: values per second on one core, the median of three alternating rounds each."""
    plain = [_value(number, reporters=1) for number in range(VALUES)]
    timed = [_value(number, reporters=1, apart=timedelta(seconds=number)) for number in range(VALUES)]
    three = [_value(number, reporters=3) for number in range(VALUES)]
    seen = [SightingStatement(_partner(9), _NOON, _NOON)]
    work: dict[str, Callable[[], None]] = {
        "one reporter": lambda: _fuse(plain, []),
        "one reporter, each report of another time": lambda: _fuse(timed, []),
        "three reporters, one sighting": lambda: _fuse(three, seen),
        "the reporter's own": lambda: _map(plain),
    }
    seconds: dict[str, list[float]] = {what: [] for what in work}
    for _ in range(ROUNDS):
        for what, each in work.items():
            seconds[what].append(_seconds(each))
    rates = {what: VALUES / statistics.median(each) for what, each in seconds.items()}
    own = rates.pop("the reporter's own")
    for what, rate in rates.items():
        yield [
            f"consensus, {what}, values/s",
            round(rate),
            "the reporter's own indicator",
            round(own),
            f"{rate / own:.2f}x",
        ]
    first = next(iter(rates.values()))
    yield ["consensus, one reporter: the same", round(first), "target", WANTED, f"{first / WANTED:.2f}x"]


def _partner(number: int) -> Partner:
    identity = f"identity--00000000-0000-4000-8000-{number:012d}"
    return Partner(name=f"Partner {number}", kind=PartnerKind.BANK, identity=identity)


def _value(number: int, reporters: int, apart: timedelta = timedelta()) -> list[Statement]:
    said = []
    for reporter in range(reporters):
        partner = _partner(reporter)
        report = Report(
            kind="domain",
            value=f"shop-{number}.example.com",
            reporter=partner.name,
            reported_at=_NOON - apart,
            confidence=60 + reporter,
        )
        said.append(Statement(partner, report, f"indicator--{reporter}"))
    return said


def _fuse(values: list[list[Statement]], seen: list[SightingStatement]) -> None:
    moment = timestamp.text(_NOON)
    for said in values:
        fused = fuse(said, seen, at=_NOON)
        id_ = ids.indicator(_HUB, consensus.pattern_of(said[0].report))
        consensus.to_stix(fused, id_, _HUB, created=moment, modified=moment, tlp=Tlp.AMBER)


def _map(values: list[list[Statement]]) -> None:
    for [said] in values:
        to_stix(said.report, Profile.CORE)


def _seconds(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
