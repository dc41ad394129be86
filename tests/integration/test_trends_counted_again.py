"""A month's figures match an independent count of the contributions."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mappers import ids, records as record_mapper
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.tabular import ReportReader
from server.features.trends import query
from server.features.trends.fold import fold_all
from server.features.trends.publish import DELAY, publish_due
from server.features.trends.query import Range
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.route.policy import Policy
from server.setup import set_up
from server.store import Store, collections, hub_identity, partners, value_index
from server.store.item import Item
from tests.unit.server.release.hubs import NOBODY_NEW

_BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
_DAYS = 30
_SCAMS = ("investment", "romance", "merchandise", "unknown")
_NAMES = tuple(f"Bank {number}" for number in range(6))


def _indicator(report: Report) -> dict[str, Any]:
    return next(obj for obj in to_stix(report) if obj["type"] == "indicator")


@dataclass
class Month:
    """A hub, its clock, and an independent count by figure, day, dimension and word."""

    hub: Hub
    random: random.Random
    partners: list[Partner]
    secret: bytes
    count: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    # For reports without limits: the first reporter of each value, and the reported category.
    open: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    first: set[tuple[str, str]] = field(default_factory=set)
    listed: dict[str, str] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)
    events: int = 0

    def day(self, number: int, batches: int, size: int) -> None:
        """Let partners contribute all day."""
        for batch in range(batches):
            at = _BEGIN + timedelta(days=number, minutes=batch * (1_400 // batches), seconds=1)
            with timestamp.frozen_at(at):
                self._batch(at, size)

    def _batch(self, at: datetime, size: int) -> None:
        partner = self.random.choice(self.partners)
        day, objects = at.date().isoformat(), []
        by_value: dict[str, dict[str, Any]] = {}
        for _ in range(size):
            number = self.random.randrange(200_000)
            kind = "domain" if number % 3 else "email"
            value = f"n{number}.example.com" if kind == "domain" else f"m{number}@example.com"
            scam = _SCAMS[number % 4] if number % 7 else self.random.choice(_SCAMS)
            # A partner that limits its reports limits every one.
            limits = {"only_partners": "Reader"} if (number + self.partners.index(partner)) % 10 == 0 else {}
            by_value.setdefault(f"{kind}:{value}", {"kind": kind, "value": value, "scam_type": scam, **limits})
        for name, columns in by_value.items():
            given = {"reporter": partner.name, "reported_at": timestamp.text(at), "tlp": "green"}
            objects.append(_indicator(ReportReader(given).report(columns)))
            self._note_report(name, partner.name, day, columns["scam_type"], is_open="only_partners" not in columns)
        for name in self.random.sample(sorted(self.listed), min(size // 20, len(self.listed))):
            outcome = self.random.choice(("blocked", "already-known"))
            said = {"of": self.listed[name], "outcome": outcome}
            given = {"reporter": partner.name, "reported_at": timestamp.text(at), "tlp": "green"}
            record = record_mapper.to_stix(tabular.read_record("outcome", said, given))[-1]
            objects.append(record)
            # A repeated record is a new version of the same one.
            if record["id"] not in self.records:
                self.records.add(record["id"])
                self.count["actions", day, "", ""] += 1
                self.count["actions", day, "outcome", outcome] += 1
                self.count["actions", day, "reporter_kind", "bank"] += 1
        self.events += len(objects)
        with self.hub.store.begin() as tx:
            done = contribute(self.hub, tx, partner, [Item.of(obj) for obj in objects])
        assert not done.failed, done.failed[:3]
        assert not done.pending, done.pending[:3]
        for name in by_value.keys() & self.open.keys():
            subject = value_index.subject_of(*name.split(":", 1))
            self.listed[name] = ids.of_hub(self.secret, "indicator", "listing", subject, "", 0)

    def _note_report(self, name: str, by: str, day: str, scam: str, *, is_open: bool) -> None:
        if (name, by) in self.first:
            return
        self.first.add((name, by))
        self.count["received", day, "", ""] += 1
        if not is_open:
            return
        kind = name.partition(":")[0]
        if name not in self.open:
            self.count["listed", day, "", ""] += 1
            self.count["listed", day, "kind", kind] += 1
        self.open.setdefault(name, {})[by] = (day, scam)
        for dimension, word in (("", ""), ("kind", kind), ("scam_type", scam), ("reporter_kind", "bank")):
            self.count["reports", day, dimension, word] += 1


@pytest.mark.parametrize(
    ("batches", "size"),
    [(1, 40), pytest.param(7, 1_000, marks=[pytest.mark.long, pytest.mark.timeout(1_800)])],
    ids=["1200-events", "210000-events"],
)
def test_figures_of_a_month_match_an_independent_count(
    initial_store: Path, tmp_path: Path, batches: int, size: int
) -> None:
    (tmp_path / "hub.db").write_bytes(initial_store.read_bytes())
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    set_up(store)
    made = [
        Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), vouched=True)
        for name in (*_NAMES, "Reader")
    ]
    with timestamp.frozen_at(_BEGIN), store.begin() as tx:
        for partner in made:
            partners.add(tx, partner)
            collections.grant(tx, partner.name, collections.get(tx, "takedown"), read=True)
        secret = hub_identity.secret(tx, "ids")
    month = Month(Hub(store, Policy(newcomers=NOBODY_NEW)), random.Random(15), made[:-1], secret)  # noqa: S311 - the same each time
    for number in range(_DAYS):
        month.day(number, batches, size)
        if number % 7 == 0:
            fold_all(month.hub)
    fold_all(month.hub)
    first = query.day_of(_BEGIN.date())
    days, whole = Range(first, first + _DAYS - 1, "day"), Range(first, first + _DAYS - 1, "month")
    with store.read() as tx:
        rows = query.exact(tx, days)
        of_month = query.exact(tx, whole)
    counted = {(row.figure, row.period, row.dimension, row.word): row.number for row in rows}
    for key, number in month.count.items():
        assert counted.get(key) == number, key
    told = {key for key in counted if key[0] in ("reports", "received", "actions") and key[2] in ("", "outcome")}
    assert {key for key in told if key[3] or not key[2]} <= month.count.keys()
    sums: Counter[tuple[str, str, str]] = Counter()
    for (figure, _, dimension, word), number in month.count.items():
        sums[figure, dimension, word] += number
    in_month = {(row.figure, row.dimension, row.word): row.number for row in of_month}
    assert {key: in_month.get(key) for key in sums} == dict(sums)
    while publish_due(month.hub, (first + _DAYS) * 86_400_000_000 + DELAY):
        pass
    with store.read() as tx:
        published = query.published(tx, whole)
    shown = {(row.figure, row.dimension, row.word): row.number for row in published if not row.at_least}
    # A day with too few reporting partners is missing from the month.
    [total] = [row.number for row in published if (row.figure, row.dimension) == ("reports", "")]
    assert 0 < total <= sums["reports", "", ""]
    assert all(sums[key] == number for key, number in shown.items() if key in sums)
    store.close()
