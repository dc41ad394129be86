"""Sources that report, change, retract and report values again, on a hub's store and on Medallion."""

import random
from collections import Counter
from typing import Any, Protocol

import requests

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract
from server.store import Store, partners
from server.store.item import Item
from tests.integration.peers import TAXII

THEIRS = "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff"


class Source(Protocol):
    """A source that reports values, changes the reports, retracts them, and later reports the values again."""

    def report(self, value: str) -> None: ...
    def change(self, value: str) -> None: ...
    def retract(self, value: str) -> None: ...
    def report_again(self, value: str) -> None: ...


class OnAStore:
    """A partner of a hub."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._partner, self._times = (
            store,
            Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name), vouched=True),
            0,
        )
        self._listings: Counter[str] = Counter()
        with store.begin() as tx:
            partners.add(tx, self._partner)

    def report(self, value: str) -> None:
        self._times += 1
        given = {"reporter": self._partner.name, "kind": "domain", "tlp": "green"}
        reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
        report = reader.report({"value": value, "description": f"report {self._times}"})
        with self._store.begin() as tx:
            contribute(
                Hub(self._store),
                tx,
                self._partner,
                [Item.of(obj) for obj in to_stix(report, seq=self._listings[value])],
            )

    change = report

    def retract(self, value: str) -> None:
        with self._store.begin() as tx:
            assert retract(Hub(self._store), tx, value, self._partner)

    def report_again(self, value: str) -> None:
        self._listings[value] += 1
        self.report(value)


class OnMedallion:
    """A collection on Medallion, where a revoked id becomes active again although STIX forbids it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def report(self, value: str, **more: Any) -> None:
        now = timestamp.text(timestamp.now())
        said = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": ids.indicator(THEIRS, value),
            "created_by_ref": THEIRS,
            "created": "2026-01-01T00:00:00.000Z",
            "modified": now,
            "pattern": f"[domain-name:value = '{value}']",
            "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": "2199-01-01T00:00:00Z",
            "labels": ["phishing"],
            "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
            **more,
        }
        headers = {"Content-Type": TAXII, "Accept": TAXII}
        auth = ("hub", "s3cret")
        requests.post(
            f"{self._url}objects/", json={"objects": [said]}, headers=headers, auth=auth, timeout=300
        ).raise_for_status()

    change = report_again = report

    def retract(self, value: str) -> None:
        self.report(value, revoked=True)


class Flow:
    """A source that acts at random; ``active`` has the values that it currently reports."""

    def __init__(self, source: Source, name: str, chance: random.Random) -> None:
        self._source, self._name, self._chance = source, name, chance
        self.active: set[str] = set()
        self.retracted: list[str] = []
        self.done: Counter[str] = Counter()

    def step(self) -> None:
        for _ in range(3):
            self._do("report", f"{self._name}{self.done['report']}.example.com")
        if self.active:
            some = sorted(self.active)
            self._do("change", self._chance.choice(some))
            self._do("retract", self._chance.choice(some))
        if self.retracted and self._chance.random() < 0.5:
            self._do("report_again", self.retracted.pop(self._chance.randrange(len(self.retracted))))

    def _do(self, what: str, value: str) -> None:
        getattr(self._source, what)(value)
        self.done[what] += 1
        if what == "retract":
            self.active.discard(value)
            self.retracted.append(value)
        else:
            self.active.add(value)
